/*
  A user's own file of rows: adiff train my.csv, with no input file. What the user has not set is chosen from the rows, as
  options, so that help, the record of the run and later commands see it like anything else.
*/
#include "private/imagesimpl.h"
#include "private/trainerimpl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_ROWS = 8, PIECE = 4096, MOST_QUERIES = 1000 };
#define FARTHEST 1e3 /* deviations: no start of the sampler covers that and resolves the rest */

/*
  OwnDataOpen - make a file named as a word on the command line the data set

  Errors: AD_ERR_INPUT when there are several, or options name other data
*/
PetscErrorCode OwnDataOpen(int nfiles, char **file)
{
  static const char *const others[] = {"-dataset_file", "-dataset_means", "-dataset_preset"};
  PetscBool                given, pictures;

  PetscFunctionBegin;
  AdCheckInput(nfiles == 1, "train: one file of rows at a time, got '%s' and '%s'; join them first", file[0],
               file[1]);
  for (int k = 0; k < 3; k++) {
    PetscCall(PetscOptionsHasName(NULL, NULL, others[k], &given));
    AdCheckInput(!given, "%s: names other data than the file '%s'; give one of them", others[k], file[0]);
  }
  PetscCall(PetscOptionsSetValue(NULL, "-dataset_file", file[0]));
  PetscCall(ImagesProbe(file[0], &pictures));
  if (!pictures)
    PetscCall(OptSetDefault("-dataset_type", "file")); /* its rows, also where it holds their law */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass over all rows, shared out over the ranks: how far they are from the mean in each column, and for each query (a row
   number) the nearest other row (squared distance). Largest and smallest do not depend on the order. */
static PetscErrorCode ScanRows(Dataset dataset, OwnData *own, const int64_t *query, const double *at,
                               double *nearest)
{
  const Coordinates *c;
  int64_t            first, n, all, *index;
  double            *x;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(DatasetGetSize(dataset, SPLIT_ALL, &all));
  PetscCall(AdSplitRows(all, 1, &first, &n));
  PetscCall(PetscMalloc2(PIECE, &index, (size_t)PIECE * (size_t)c->d, &x));
  for (int64_t done = 0, rows; done < n; done += rows) {
    rows = PetscMin(PIECE, n - done);
    for (int64_t r = 0; r < rows; r++) index[r] = first + done + r;
    PetscCall(DatasetGetRows(dataset, SPLIT_ALL, rows, index, x, NULL));
    for (int64_t r = 0; r < rows; r++) {
      for (int i = 0; i < c->d; i++)
        own->extent[i] = PetscMax(own->extent[i], fabs(x[r * c->d + i] - c->mean[i]));
      for (int q = 0; q < own->queries; q++) {
        double square = 0;

        for (int i = 0; i < c->d; i++) square += pow(x[r * c->d + i] - at[q * c->d + i], 2);
        if (query[q] != index[r]) nearest[q] = PetscMin(nearest[q], square);
      }
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, own->extent, c->d, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, nearest, own->queries, MPI_DOUBLE, MPI_MIN, PETSC_COMM_WORLD));
  PetscCall(PetscFree2(index, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_doubles(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Typical distance of nearest neighbours a coordinate, over rows without a twin; how many of those looked at have one. */
static void summarise_neighbours(int d, double *nearest, OwnData *own)
{
  qsort(nearest, (size_t)own->queries, sizeof(double), compare_doubles);
  own->twins = 0;
  while (own->twins < own->queries && nearest[own->twins] == 0) own->twins++;
  own->nearest = own->twins < own->queries ? sqrt(nearest[(own->twins + own->queries) / 2] / d) : 0;
}

/*
  OwnDataMeasure - what the choices rest on: number of training rows, extent, spacing

  Cost: at most 1000 queries against all rows, 3e8 differences in all
*/
PetscErrorCode OwnDataMeasure(Dataset dataset, OwnData *own)
{
  const Coordinates *c;
  int64_t            query[MOST_QUERIES];
  double            *at, nearest[MOST_QUERIES], work;
  int64_t            all;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(DatasetGetSize(dataset, SPLIT_TRAIN, &own->rows));
  AdCheckInput(own->rows >= FEWEST_ROWS,
               "train: %lld training rows are too few to learn from; expected %d or more",
               (long long)own->rows, FEWEST_ROWS);
  PetscCall(DatasetGetSize(dataset, SPLIT_ALL, &all));
  work         = 3e8 / ((double)all * c->d);
  own->queries = (int)PetscMin(PetscMin(MOST_QUERIES, all), PetscMax(50, work));
  own->queries = (int)PetscMin(own->queries, all);
  PetscCall(PetscCalloc1(c->d, &own->extent));
  PetscCall(PetscMalloc1(own->queries * c->d, &at));
  for (int q = 0; q < own->queries; q++) {
    query[q]   = q * all / own->queries;
    nearest[q] = INFINITY;
  }
  PetscCall(DatasetGetRows(dataset, SPLIT_ALL, own->queries, query, at, NULL));
  PetscCall(ScanRows(dataset, own, query, at, nearest));
  summarise_neighbours(c->d, nearest, own);
  own->deviation = own->far = 0;
  for (int i = 0; i < c->d; i++) {
    own->deviation += c->variance[i] / c->d;
    if (own->extent[i] > own->extent[own->far_column]) own->far_column = i;
  }
  own->deviation = sqrt(own->deviation);
  own->far       = own->extent[own->far_column];
  PetscCall(PetscFree(at));
  AdCheckInput(
      own->far < FARTHEST * own->deviation,
      "train: column '%s' has a row %.3g deviations from its mean; such a number is an error or needs "
      "another scale: remove the row, take logarithms, or leave the column out with -dataset_columns",
      c->name[own->far_column], own->far / own->deviation);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double clamp(double x, double low, double high)
{
  return PetscMax(low, PetscMin(high, x));
}

/*
  OwnDataChoose - options that the user has not given

  process     passive, until sigma = 3 times the farthest row: there the noised data are Gaussian to well below a per cent,
              which the matched start of the sampler takes them for; only where no -process_ key is given
  sigma_min   a sixth of the typical distance of nearest rows a coordinate, within 0.002 and 0.01 deviations: finer
              structure is not in the rows, and coarser noise would blur them
  iterations  four a training row, from 2000 to 20000 (1 + d/16); the learning rate falls to zero along a cosine
*/
PetscErrorCode OwnDataChoose(Dataset dataset, OwnData *own)
{
  const Coordinates *c;
  char              *given, text[64];
  const double       s = own->deviation;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(OptGroupText("-process_", NULL, &given));
  if (!given[0]) {
    const double sigma = clamp(3 * own->far, 5 * s, 200 * s);

    PetscCall(PetscOptionsSetValue(NULL, "-process_type", "passive"));
    snprintf(text, sizeof(text), "%.6g", 0.5 * log1p(sigma * sigma)); /* sigma^2 = e^{2t} - 1 at k = T = 1 */
    PetscCall(PetscOptionsSetValue(NULL, "-process_t_final", text));
  }
  PetscCall(PetscFree(given));
  snprintf(text, sizeof(text), "%.3g", s * clamp(own->nearest / (6 * s), 0.002, 0.01));
  PetscCall(OptSetDefault("-trainer_sigma_min", text));
  own->steps = 100 * ceil(clamp(4 * (double)own->rows, 2000, 20000 * (1 + c->d / 16.0)) / 100);
  snprintf(text, sizeof(text), "%.0f", own->steps);
  PetscCall(OptSetDefault("-trainer_iterations", text));
  PetscCall(OptSetDefault("-trainer_schedule", "cosine"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OwnDataPrintSummary - what was found in the rows, and what follows from it. */
PetscErrorCode OwnDataPrintSummary(const OwnData *own, Dataset dataset)
{
  const Coordinates *c;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(AdPrint("rows      nearest other row %.3g away a coordinate (median of %d rows looked at), %d "
                    "with a twin; farthest "
                    "from the mean %.3g, in %s\n",
                    own->nearest, own->queries, own->twins, own->far, c->name[own->far_column]));
  PetscCall(AdPrint(
      "chosen    unless given: passive noise to sigma 3 x %.3g; sigma_min %.3g / 6 within 0.002 and 0.01 "
      "deviations; %.0f steps for %lld rows of %d\n",
      own->far, own->nearest, own->steps, (long long)own->rows, c->d));
  if (own->far > 20 * own->deviation)
    PetscCall(AdWarning("column '%s' has a row %.3g deviations from its mean: noise must be large to cover "
                        "it; look at the outliers, or take logarithms\n",
                        c->name[own->far_column], own->far / own->deviation));
  if (2 * own->twins > own->queries)
    PetscCall(AdWarning("most rows have an identical twin: if the numbers are rounded, structure below their "
                        "spacing will be learned as well\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OwnDataPrintNext - the two commands that follow, with the options that say how the file is to be read. */
PetscErrorCode OwnDataPrintNext(const char *output)
{
  char *options;

  PetscFunctionBegin;
  PetscCall(OptGroupText("-dataset_", NULL, &options));
  PetscCall(AdPrint("next      adiff sample -score_file %s\n          adiff metrics results/sample.h5%s\n",
                    output, options));
  PetscCall(PetscFree(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OwnDataFree(OwnData *own)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(own->extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}
