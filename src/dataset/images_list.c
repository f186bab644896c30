#include "private/imagesimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FILES = 6 };

/* The files of a preset, under the names they are published with: those of training rows, then those of test rows */
typedef struct {
  const char *name, *folder; /* below the cache folder */
  const char *elsewhere;     /* where a package of the system puts them; NULL: nowhere */
  const char *hint;
  int         train, test;
  const char *picture[MOST_FILES], *label[MOST_FILES];
} PresetFiles;

#define IDX_FILES                                                                                            \
  {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"},                                                     \
  {                                                                                                          \
    "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"                                                      \
  }

static const PresetFiles presets[] = {
    {"mnist", "mnist", NULL, "run 'make data', or point -dataset_folder at the four IDX files", 1, 1,
     IDX_FILES},
    {"fashion", "fashion-mnist", "/usr/share/datasets/fashion-mnist",
     "run 'make data', or point -dataset_folder at the four IDX files", 1, 1, IDX_FILES},
    {"cifar10",
     "cifar10",
     NULL,
     "bring the six binary files ('make data' checks them), or point -dataset_folder at them",
     5,
     1,
     {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
      "test_batch.bin"},
     {NULL}},
};

static int count_items(const char *list)
{
  int n = list[0] != 0;

  for (const char *comma = strchr(list, ','); comma; comma = strchr(comma + 1, ',')) n++;
  return n;
}

/* Item k of a list with commas between them. */
static void take_item(const char *list, int k, char path[PETSC_MAX_PATH_LEN])
{
  for (; k > 0; k--) list = strchr(list, ',') + 1;
  snprintf(path, PETSC_MAX_PATH_LEN, "%.*s", (int)strcspn(list, ","), list);
}

/*
  ImagesListFiles - files given by hand: a list of files of pictures, and for IDX files one of label files in the same order

  Errors: AD_ERR_INPUT when there are none, or the lists are of different lengths
*/
PetscErrorCode ImagesListFiles(const char *files, const char *labels, ImagesList *list)
{
  const int nlabels = count_items(labels);

  PetscFunctionBegin;
  *list = (ImagesList){"-dataset_file", "-dataset_label_file", "give the path of a file", count_items(files),
                       NULL};
  AdCheckInput(list->n, "-dataset_file: expected a list of files of pictures, got none");
  AdCheckInput(!nlabels || nlabels == list->n,
               "-dataset_label_file: expected %d file%s, one for each of -dataset_file, got %d", list->n,
               list->n > 1 ? "s" : "", nlabels);
  PetscCall(PetscCalloc1(list->n, &list->entry));
  for (int k = 0; k < list->n; k++) {
    take_item(files, k, list->entry[k].picture);
    if (nlabels) take_item(labels, k, list->entry[k].label);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The path of a file as it is there: plain, or gzipped with .gz behind its name; the plain one where there is none. */
static PetscBool find_file(const char *folder, const char *name, char path[PETSC_MAX_PATH_LEN])
{
  const int length = snprintf(path, PETSC_MAX_PATH_LEN, "%s/%s", folder, name);

  if (access(path, F_OK) == 0 || length + 4 > PETSC_MAX_PATH_LEN) return PETSC_TRUE;
  snprintf(path + length, 4, ".gz");
  if (access(path, F_OK) == 0) return PETSC_TRUE;
  path[length] = 0;
  return PETSC_FALSE;
}

/* The folder of a preset's files: the one given, else that of the two usual ones which has the first file. */
static void choose_folder(const PresetFiles *preset, const char *given, char folder[PETSC_MAX_PATH_LEN])
{
  const char *cache = getenv("ADIFF_DATA");
  char        path[PETSC_MAX_PATH_LEN];

  snprintf(folder, PETSC_MAX_PATH_LEN, "%s", given);
  if (given[0]) return;
  snprintf(folder, PETSC_MAX_PATH_LEN, "%.4000s/%s", cache && cache[0] ? cache : "data", preset->folder);
  if (preset->elsewhere && !find_file(folder, preset->picture[0], path) &&
      find_file(preset->elsewhere, preset->picture[0], path))
    snprintf(folder, PETSC_MAX_PATH_LEN, "%s", preset->elsewhere);
}

/*
  ImagesListPreset - the files of mnist, fashion or cifar10

  They are in the folder given, else in the cache folder (environment variable ADIFF_DATA, or data in the working directory),
  else where a package of the system puts them. Rank 0 looks.

  Note: a file that is missing is in the list; reading it says so
*/
PetscErrorCode ImagesListPreset(const char *preset, const char *folder, ImagesList *list)
{
  const PresetFiles *p = presets;
  char               where[PETSC_MAX_PATH_LEN];
  int                rank;

  PetscFunctionBegin;
  while (strcmp(p->name, preset)) p++;
  *list = (ImagesList){p->name, p->name, p->hint, p->train + p->test, NULL};
  PetscCall(PetscCalloc1(list->n, &list->entry));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    choose_folder(p, folder, where);
    for (int k = 0; k < list->n; k++) {
      find_file(where, p->picture[k], list->entry[k].picture);
      if (p->label[k]) find_file(where, p->label[k], list->entry[k].label);
      list->entry[k].test = k >= p->train;
    }
  }
  PetscCallMPI(MPI_Bcast(list->entry, list->n * (int)sizeof(*list->entry), MPI_BYTE, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}
