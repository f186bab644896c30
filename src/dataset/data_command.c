#include "adcommand.h"
#include "addataset.h"
#include <stdio.h>

static const char *const split_names_of[] = {"train", "test", "all", NULL};

static PetscErrorCode ReadOptions(PetscInt *samples, PetscInt *split)
{
  PetscFunctionBegin;
  *samples = 0;
  *split   = SPLIT_TRAIN;
  PetscCall(OptInt("-data_samples", "rows to write; 0: all, or 10000 where rows have no end",
                   RANGE_NONNEGATIVE, samples, NULL));
  PetscCall(OptChoice("-data_split", "which rows", split_names_of, split, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataRunDeclareOptions(void)
{
  PetscInt samples, split;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&samples, &split));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's rows first .. first + n of the split, in the units of the file they came from. */
static PetscErrorCode GetRawRows(Dataset dataset, DatasetSplit split, int64_t first, int64_t n, double *x,
                                 int64_t *label)
{
  const Coordinates *c;
  int64_t           *index;
  int               *small;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &index, n, &small));
  for (int64_t r = 0; r < n; r++) index[r] = first + r;
  PetscCall(DatasetGetRows(dataset, split, n, index, x, small));
  PetscCall(DatasetGetCoordinates(dataset, &c));
  coordinates_restore(c, n, x);
  for (int64_t r = 0; r < n; r++) label[r] = small[r];
  PetscCall(PetscFree2(index, small));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRows(Dataset dataset, DatasetSplit split, int64_t N, Output out)
{
  const DataInfo     states = {"sample,coordinate", "raw",
                               "rows of the data set; periodic columns in [-period/2, period/2)"};
  const DataInfo     labels = {"sample", "1", "component of the mixture or class, -1: none"};
  const Coordinates *c;
  int64_t            first, n, dims[2], *label;
  double            *x;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(AdSplitRows(N, DATASET_BLOCK, &first, &n));
  PetscCall(PetscMalloc2(n * c->d, &x, n, &label));
  PetscCall(GetRawRows(dataset, split, first, n, x, label));
  dims[0] = N;
  dims[1] = c->d;
  PetscCall(OutputWriteRows(out, "/samples/state", AD_DOUBLE, 2, dims, first, n, x, &states));
  PetscCall(OutputWriteRows(out, "/samples/label", AD_INT64, 1, dims, first, n, label, &labels));
  PetscCall(CoordinatesWriteNames(c, out, "/samples/state"));
  PetscCall(OutputAttrReal(out, "/samples/state", "period", c->d, c->period));
  PetscCall(OutputAttrString(out, "/samples", "split", split_names_of[split]));
  PetscCall(DatasetObserve(dataset, N, first, n, x, out));
  PetscCall(PetscFree2(x, label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DataRun - adiff data: write rows of a data set in raw units to /samples, as a reference for samples or to look at. */
PetscErrorCode DataRun(const CommandLine *line)
{
  Dataset  dataset;
  PetscInt samples, split;
  int64_t  N;
  Output   out;

  PetscFunctionBegin;
  PetscCall(DatasetCreate(&dataset));
  PetscCall(DatasetSetSeed(dataset, line->seed));
  PetscCall(DatasetSetFromOptions(dataset));
  PetscCall(ReadOptions(&samples, &split));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(DatasetSetUp(dataset));
  PetscCall(DatasetPrintSummary(dataset));
  N = samples;
  PetscCall(DatasetCountRows(dataset, (DatasetSplit)split, "-data_samples", 10000, &N));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WriteRows(dataset, (DatasetSplit)split, N, out));
  PetscCall(DatasetWrite(dataset, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %lld %s rows to %s\n", (long long)N, split_names_of[split], line->output));
  PetscCall(DatasetDestroy(&dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}
