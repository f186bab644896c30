#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PERIODS 4096

enum { STANDARDISE_SD, STANDARDISE_RANGE, STANDARDISE_NONE };
static const char *const standardise_names[] = {"sd", "range", "none", NULL};

typedef struct {
  char        path[PETSC_MAX_PATH_LEN], name[256], columns[4096], labels[4096], cut[4096];
  PetscInt    standardise, nperiod, stride;
  PetscReal  *period;
  int64_t     N; /* rows kept */
  Split       split;
  SharedArray rows;
  double     *x;      /* [N][d] in rows, diffused units */
  Table       table;  /* open while rows are read */
  int        *column; /* [d], which columns of the table */
} FileSet;

static PetscErrorCode DatasetSetFromOptions_File(Dataset dataset)
{
  FileSet *f = (FileSet *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OptString("-dataset_file", DATASET_FILE_TEXT, f->path, sizeof(f->path), NULL));
  PetscCall(OptString("-dataset_name",
                      "dataset [N][d] of an HDF5 file; /samples/state or the only one with two axes", f->name,
                      sizeof(f->name), NULL));
  PetscCall(OptString("-dataset_columns", "names or numbers from 0 of the columns to take, all unless given",
                      f->columns, sizeof(f->columns), NULL));
  PetscCall(
      OptString("-dataset_labels", "new names of the columns taken", f->labels, sizeof(f->labels), NULL));
  PetscCall(OptRealList("-dataset_period", "full turn of each column or of all, 0: not periodic",
                        RANGE_NONNEGATIVE, MAX_PERIODS, f->period, &f->nperiod, NULL));
  PetscCall(OptString("-dataset_cut",
                      "where to cut each periodic column open: list of numbers and auto (emptiest region)",
                      f->cut, sizeof(f->cut), NULL));
  PetscCall(OptChoice("-dataset_standardise", "scale columns by deviation, to [-1, 1], or not",
                      standardise_names, &f->standardise, NULL));
  PetscCall(SplitSetFromOptions(&f->split));
  PetscCall(OptInt("-dataset_stride", "take every so many rows", RANGE(1, 1e9), &f->stride, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reading ---- */

static int find_column(const Table *t, const char *text)
{
  char *end;
  long  number;

  for (int i = 0; i < t->D; i++)
    if (!strcmp(t->name[i], text)) return i;
  number = strtol(text, &end, 10);
  return *text && !*end && number >= 0 && number < t->D ? (int)number : -1;
}

/* The columns of -dataset_columns, or all: f->column[*d]. */
static PetscErrorCode ChooseColumns(FileSet *f, int *d)
{
  const Table *t = &f->table;
  char         text[sizeof(f->columns)], *save = NULL;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(f->columns[0] ? sizeof(text) : (size_t)t->D, &f->column));
  *d = 0;
  snprintf(text, sizeof(text), "%s", f->columns);
  for (char *item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
    char name[1][32] = {""};

    split_names(item, ',', 1, name);
    f->column[*d] = find_column(t, name[0]);
    AdCheckInput(f->column[*d] >= 0,
                 "-dataset_columns: '%s' has no column '%s'; it has %d, the first is '%s'", f->path, name[0],
                 t->D, t->name[0]);
    (*d)++;
  }
  if (!f->columns[0])
    for (*d = 0; *d < t->D; (*d)++) f->column[*d] = *d;
  AdCheckInput(*d > 0 && *d <= MAX_COLUMNS, "-dataset_columns: expected 1 to %d columns, got %d", MAX_COLUMNS,
               *d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NameColumns(const FileSet *f, Coordinates *c)
{
  PetscFunctionBegin;
  for (int i = 0; i < c->d; i++) memcpy(c->name[i], f->table.name[f->column[i]], sizeof(c->name[i]));
  if (f->labels[0]) {
    const int n = split_names(f->labels, ',', c->d, c->name);

    AdCheckInput(n == c->d, "-dataset_labels: expected %d names, one a column, got %d", c->d, n);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read every stride-th row on rank 0, a piece at a time, and refuse what is not finite. */
static PetscErrorCode ReadRows(FileSet *f, const Coordinates *c)
{
  Table        *t      = &f->table;
  const int64_t piece  = PetscMax(1, ((int64_t)1 << 18) / t->D);
  int64_t       bad[2] = {-1, 0};
  double       *x      = f->x;
  const double *from;

  PetscFunctionBegin;
  for (int64_t first = 0; first < t->N; first += piece) {
    const int64_t n = PetscMin(piece, t->N - first);

    PetscCall(TableGetRows(t, first, n, &from));
    for (int64_t r = (f->stride - first % f->stride) % f->stride; r < n && from; r += f->stride)
      for (int i = 0; i < c->d; i++) {
        *x = from[r * t->D + f->column[i]];
        if (!isfinite(*x++) && bad[0] < 0) {
          bad[0] = first + r;
          bad[1] = i;
        }
      }
  }
  PetscCallMPI(MPI_Bcast(bad, 2, MPI_INT64_T, 0, PETSC_COMM_WORLD));
  AdCheckInput(bad[0] < 0,
               "-dataset_file: '%s' %s row %lld (from 0), column '%s': not a finite number; remove such rows",
               f->path, f->name, (long long)bad[0], c->name[bad[1]]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Open the file, choose columns, and bring the rows kept to rank 0's copy of f->rows, as they are in the file. */
static PetscErrorCode LoadRows(FileSet *f, Coordinates *c)
{
  int d;

  PetscFunctionBegin;
  AdCheckInput(f->path[0], "-dataset_file: expected the name of an .h5 or .csv file of rows, got none");
  PetscCall(TableOpen("-dataset_file", "-dataset_name", f->path, sizeof(f->name), f->name, &f->table));
  PetscCall(ChooseColumns(f, &d));
  PetscCall(CoordinatesAllocate(d, c));
  PetscCall(NameColumns(f, c));
  f->N = (f->table.N + f->stride - 1) / f->stride;
  PetscCall(SharedArrayCreate((size_t)(f->N * d), sizeof(double), &f->rows));
  f->x = (double *)f->rows.data;
  PetscCall(ReadRows(f, c));
  PetscCall(TableClose(&f->table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- coordinates ---- */

/* Period of each column, and its cut where -dataset_cut gives one; NaN: to be found from the rows. */
static PetscErrorCode ReadPeriods(const FileSet *f, Coordinates *c)
{
  char   text[sizeof(f->cut)], *save = NULL;
  int    n   = 0;
  double cut = NAN;

  PetscFunctionBegin;
  AdCheckInput(f->nperiod <= 1 || f->nperiod == c->d,
               "-dataset_period: expected 1 or %d numbers, one a column, got %d", c->d, (int)f->nperiod);
  snprintf(text, sizeof(text), "%s", f->cut);
  for (char *item = strtok_r(text, ", ", &save); item; item = strtok_r(NULL, ", ", &save), n++) {
    char *end = item;

    cut = strcmp(item, "auto") ? strtod(item, &end) : NAN;
    AdCheckInput(isnan(cut) ? !strcmp(item, "auto") : end > item && !*end && isfinite(cut),
                 "-dataset_cut: expected numbers or auto, got '%s'", item);
    if (n < c->d) c->cut[n] = cut;
  }
  AdCheckInput(n == 1 || n == c->d, "-dataset_cut: expected 1 or %d entries, one a column, got %d", c->d, n);
  for (int i = 0; i < c->d; i++) {
    c->period[i] = f->nperiod ? f->period[f->nperiod == 1 ? 0 : i] : 0;
    if (n == 1) c->cut[i] = cut; /* one entry for all columns */
    if (!(c->period[i] > 0)) c->cut[i] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void find_cut(const FileSet *f, int i, Coordinates *c)
{
  int64_t       bin[CIRCLE_BINS] = {0};
  const int64_t n                = f->split.train[f->split.stretches];

  for (int64_t k = 0; k < n; k++)
    circle_count(f->x[split_row(&f->split, SPLIT_TRAIN, k) * c->d + i], c->period[i], bin);
  c->cut[i] = circle_cut(bin, c->period[i]);
}

/* Shift and scale of a column from its unwrapped training rows, and the moments it then has. */
static void find_scale(const FileSet *f, int i, Coordinates *c)
{
  const int64_t n    = f->split.train[f->split.stretches];
  double        mean = 0, variance = 0, low = INFINITY, high = -INFINITY;

  for (int64_t k = 0; k < n; k++) {
    const double x = f->x[split_row(&f->split, SPLIT_TRAIN, k) * c->d + i];

    mean += x;
    low  = fmin(low, x);
    high = fmax(high, x);
  }
  mean /= (double)n;
  for (int64_t k = 0; k < n; k++) {
    const double u = f->x[split_row(&f->split, SPLIT_TRAIN, k) * c->d + i] - mean;

    variance += u * u / (double)n;
  }
  if (f->standardise == STANDARDISE_SD) {
    c->shift[i] = mean;
    c->scale[i] = high > low ? sqrt(variance) : 0;
  } else if (f->standardise == STANDARDISE_RANGE) {
    c->shift[i] = low / 2 + high / 2;
    c->scale[i] = high / 2 - low / 2;
  }
  c->mean[i]     = (mean - c->shift[i]) / c->scale[i];
  c->variance[i] = variance / c->scale[i] / c->scale[i];
}

/* On rank 0: find cuts and scales, and bring the rows to diffused units. */
static void standardise_rows(const FileSet *f, Coordinates *c)
{
  for (int i = 0; i < c->d; i++)
    if (isnan(c->cut[i])) find_cut(f, i, c);
  coordinates_standardise(c, f->N, f->x); /* shift 0, scale 1: only unwraps */
  for (int i = 0; i < c->d; i++) find_scale(f, i, c);
  coordinates_standardise(c, f->N, f->x);
}

static PetscBool has_scale(const Coordinates *c, int i)
{
  return c->scale[i] > 0 && isfinite(c->scale[i]) && isfinite(c->variance[i]) ? PETSC_TRUE : PETSC_FALSE;
}

/* A column without a scale cannot be diffused; the message names the columns that can. */
static PetscErrorCode CheckScales(const Coordinates *c)
{
  char   good[256] = "";
  size_t at        = 0;
  int    bad       = 0;

  PetscFunctionBegin;
  while (bad < c->d && has_scale(c, bad)) bad++;
  for (int i = 0; i < c->d && at < sizeof(good) - 40; i++) /* names have up to 31 characters */
    if (has_scale(c, i))
      at += (size_t)snprintf(good + at, sizeof(good) - at, "%s%s", at ? "," : "", c->name[i]);
  AdCheckInput(
      bad == c->d,
      "-dataset_standardise: column '%s' has one value in all training rows, or a spread that double "
      "precision cannot square (1e150 and more, 1e-150 and less)%s%s",
      c->name[bad], good[0] ? "; leave it out: -dataset_columns " : "", good);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Standardise(const FileSet *f, Coordinates *c)
{
  double *const found[] = {c->cut, c->shift, c->scale, c->mean, c->variance};
  int           rank;

  PetscFunctionBegin;
  PetscCall(ReadPeriods(f, c));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) standardise_rows(f, c);
  for (int k = 0; k < 5; k++) PetscCallMPI(MPI_Bcast(found[k], c->d, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  PetscCall(CheckScales(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- operations ---- */

static PetscErrorCode DatasetSetUp_File(Dataset dataset)
{
  FileSet     *f = (FileSet *)dataset->data;
  Coordinates *c = &dataset->coordinates;

  PetscFunctionBegin;
  PetscCall(LoadRows(f, c));
  PetscCall(SplitSetUp(f->N, &f->split));
  PetscCall(Standardise(f, c));
  PetscCall(SharedArrayPublish(&f->rows));
  split_sizes(&f->split, dataset->size);
  snprintf(dataset->label, sizeof(dataset->label), "%.80s%s%.40s", file_of_path(f->path),
           f->name[0] ? " " : "", f->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetGetRows_File(Dataset dataset, DatasetSplit split, int64_t n,
                                          const int64_t *index, double *x, int *label)
{
  const FileSet *f = (const FileSet *)dataset->data;
  const int      d = dataset->coordinates.d;

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++) {
    memcpy(x + r * d, f->x + split_row(&f->split, split, index[r]) * d, sizeof(double) * (size_t)d);
    if (label) label[r] = -1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetPrintSummary_File(Dataset dataset)
{
  const FileSet     *f     = (const FileSet *)dataset->data;
  const Coordinates *c     = &dataset->coordinates;
  const int          shown = PetscMin(c->d, 4);

  PetscFunctionBegin;
  PetscCall(AdPrint("          "));
  if (f->stride > 1) PetscCall(AdPrint("every %d-th row; ", (int)f->stride));
  PetscCall(AdPrint("the last %g of each of %d stretches held out; standardised: %s\n",
                    f->split.test_fraction, f->split.stretches, standardise_names[f->standardise]));
  PetscCall(AdPrint("          raw column:"));
  for (int i = 0; i < shown; i++) {
    PetscCall(AdPrint(" %s shift %.4g scale %.4g", c->name[i], c->shift[i], c->scale[i]));
    if (c->period[i] > 0) PetscCall(AdPrint(" period %.4g cut at %.4g", c->period[i], c->cut[i]));
    if (i < shown - 1) PetscCall(AdPrint(";"));
  }
  PetscCall(AdPrint("%s\n", shown < c->d ? "; ..." : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetWrite_File(Dataset dataset, Output out)
{
  const FileSet *f = (const FileSet *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OutputAttrString(out, "/dataset", "file", f->path));
  if (f->name[0]) PetscCall(OutputAttrString(out, "/dataset", "name", f->name));
  PetscCall(OutputAttrString(out, "/dataset", "standardise", standardise_names[f->standardise]));
  PetscCall(SplitWrite(&f->split, out));
  PetscCall(OutputAttrInt(out, "/dataset", "stride", f->stride));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_File(Dataset dataset)
{
  FileSet *f = (FileSet *)dataset->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(f->period));
  PetscCall(PetscFree(f->column));
  PetscCall(TableClose(&f->table));
  PetscCall(SplitDestroy(&f->split));
  PetscCall(SharedArrayDestroy(&f->rows));
  PetscCall(PetscFree(dataset->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetCreate_File - rows of an HDF5 or text file, once a node in shared memory. */
PetscErrorCode DatasetCreate_File(Dataset dataset)
{
  FileSet *f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  PetscCall(PetscCalloc1(MAX_PERIODS, &f->period));
  f->stride = 1;
  snprintf(f->cut, sizeof(f->cut), "auto");
  dataset->data                = f;
  dataset->ops->setfromoptions = DatasetSetFromOptions_File;
  dataset->ops->setup          = DatasetSetUp_File;
  dataset->ops->getrows        = DatasetGetRows_File;
  dataset->ops->printsummary   = DatasetPrintSummary_File;
  dataset->ops->write          = DatasetWrite_File;
  dataset->ops->destroy        = DatasetDestroy_File;
  PetscFunctionReturn(PETSC_SUCCESS);
}
