#include "dataset_case.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int rank_here(void)
{
  int rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static PetscErrorCode make(const char *options, uint64_t seed, Dataset *dataset)
{
  PetscOptions   database;
  PetscErrorCode code;

  PetscOptionsCreate(&database);
  PetscOptionsPush(database);
  PetscOptionsInsertString(NULL, options);
  code = DatasetCreate(dataset);
  if (!code) code = DatasetSetSeed(*dataset, seed);
  if (!code) code = DatasetSetFromOptions(*dataset);
  if (!code) code = DatasetSetUp(*dataset);
  PetscOptionsPop();
  PetscOptionsDestroy(&database);
  return code;
}

Dataset dataset_seeded(const char *options, uint64_t seed)
{
  Dataset dataset = NULL;

  ck_call(make(options, seed, &dataset));
  return dataset;
}

Dataset dataset_of(const char *options)
{
  return dataset_seeded(options, 7);
}

static char said[2048]; /* the message of the last error */

static PetscErrorCode keep_message(MPI_Comm comm, int line, const char *function, const char *file,
                                   PetscErrorCode code, PetscErrorType type, const char *message, void *ctx)
{
  if (type == PETSC_ERROR_INITIAL) snprintf(said, sizeof(said), "%s", message);
  return code;
}

void dataset_refused(const char *options, const char *parts)
{
  Dataset        dataset = NULL;
  PetscErrorCode code;
  char           text[256], *save = NULL;

  said[0] = 0;
  PetscPushErrorHandler(keep_message, NULL);
  code = make(options, 7, &dataset);
  PetscPopErrorHandler();
  ck_assert_all(code == AD_ERR_INPUT);
  snprintf(text, sizeof(text), "%s", parts);
  for (char *part = strtok_r(text, "|", &save); part; part = strtok_r(NULL, "|", &save))
    ck_assert_msg(strstr(said, part) != NULL, "'%s' does not say '%s'", said, part);
  ck_assert_ptr_null(strchr(said, '\n'));
  ck_call(DatasetDestroy(&dataset));
}

const Coordinates *dataset_coordinates(Dataset dataset)
{
  const Coordinates *c;

  DatasetGetCoordinates(dataset, &c);
  return c;
}

double *dataset_rows(Dataset dataset, DatasetSplit split, int64_t n, int *label)
{
  int64_t *index = malloc(sizeof(*index) * (size_t)n);
  double  *x     = malloc(sizeof(*x) * (size_t)(n * dataset_coordinates(dataset)->d));

  for (int64_t r = 0; r < n; r++) index[r] = r;
  ck_call(DatasetGetRows(dataset, split, n, index, x, label));
  free(index);
  return x;
}

void write_bytes(const char *path, const void *text, size_t size)
{
  int good = 1;

  if (!rank_here()) {
    FILE *file;

    mkdir("build", 0777);
    file = fopen(path, "wb");
    good = file && fwrite(text, 1, size, file) == size;
    if (file) fclose(file);
  }
  ck_assert_all(good);
}

void write_text(const char *path, const char *text)
{
  write_bytes(path, text, strlen(text));
}
