#include "dataset_case.h"
#include "refusal.h"
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

void dataset_refused(const char *options, const char *parts)
{
  Dataset        dataset = NULL;
  PetscErrorCode code;

  QUIET(code, make(options, 7, &dataset));
  assert_bad_input(code, options, parts);
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
