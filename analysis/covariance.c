/*
  Covariance of rows that stay on their ranks
*/
#include "adcovariance.h"
#include <string.h>

enum { MAX_BLOCKS = 512, FEW_ROWS = 10000 };

/* ---- rows ---- */

/* Rows first .. first + n of those taken: every (size/N)-th of the split */
static PetscErrorCode GetRows(Dataset dataset, DatasetSplit split, const Covariance *c, int64_t first,
                              int64_t n, double *x)
{
  int64_t size, *index;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(dataset, split, &size));
  PetscCall(PetscMalloc1(n, &index));
  for (int64_t r = 0; r < n; r++)
    index[r] = size < 0 ? first + r : (int64_t)((__int128)(first + r) * size / c->N);
  PetscCall(DatasetGetRows(dataset, split, n, index, x, NULL));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of this rank as bytes; good is false, on all ranks, where some number is no level of the scale */
static PetscErrorCode TakeLevels(Dataset dataset, DatasetSplit split, Covariance *c, double low, double *x,
                                 PetscBool *good)
{
  int bad = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->n * c->d, &c->level));
  for (int64_t r = 0; r < c->n && !bad; r += DATASET_BLOCK) {
    const int64_t n = PetscMin(DATASET_BLOCK, c->n - r);

    PetscCall(GetRows(dataset, split, c, c->first + r, n, x));
    bad = levels_of(n * c->d, x, low, c->step, c->level + r * c->d);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  *good = bad ? PETSC_FALSE : PETSC_TRUE;
  if (bad) PetscCall(PetscFree(c->level));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of this rank less the first of all rows, so that columns of one value are exactly zero */
static PetscErrorCode TakeRows(Dataset dataset, DatasetSplit split, Covariance *c, const double *origin)
{
  int64_t bad = c->N;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->n * c->d, &c->row));
  for (int64_t r = 0; r < c->n; r += DATASET_BLOCK)
    PetscCall(GetRows(dataset, split, c, c->first + r, PetscMin(DATASET_BLOCK, c->n - r), c->row + r * c->d));
  for (int64_t r = c->n - 1; r >= 0; r--)
    for (int i = 0; i < c->d; i++) {
      double *const x = c->row + r * c->d + i;

      if (!isfinite(*x)) bad = c->first + r;
      *x -= origin[i];
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_MIN, PETSC_COMM_WORLD));
  AdCheckInput(bad == c->N, "covariance: row %lld of the data holds a number that is not finite",
               (long long)bad);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- means and trace ---- */

/* Exact sums of whole numbers */
static PetscErrorCode CentreLevels(Covariance *c)
{
  int64_t *sum, *square;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(c->d, &sum, c->d, &square));
  for (int64_t r = 0; r < c->n; r++)
    for (int i = 0; i < c->d; i++) {
      const int64_t q = c->level[r * c->d + i];

      sum[i] += q;
      square[i] += q * q;
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, c->d, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, square, c->d, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  for (int i = 0; i < c->d; i++) {
    const __int128 N = c->N, spread = N * square[i] - (__int128)sum[i] * sum[i];

    c->mean[i] = (double)sum[i] / (double)c->N;
    c->trace += c->step * c->step * (double)spread / ((double)c->N * (double)(c->N - 1));
  }
  PetscCall(PetscFree2(sum, square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums over blocks of rows of x (power 1) or of its square */
static void block_sums(const Covariance *c, int power, double *restrict sum)
{
  for (int64_t first = 0; first < c->n; first += c->block, sum += c->d) {
    memset(sum, 0, sizeof(double) * (size_t)c->d);
    for (int64_t r = first; r < PetscMin(c->n, first + c->block); r++)
      for (int i = 0; i < c->d; i++) {
        const double x = c->row[r * c->d + i];

        sum[i] += power == 1 ? x : x * x;
      }
  }
}

static int64_t blocks_of(const Covariance *c, int64_t rows)
{
  return (rows + c->block - 1) / c->block;
}

static PetscErrorCode CentreRows(Covariance *c)
{
  PetscFunctionBegin;
  block_sums(c, 1, c->sum);
  PetscCall(AdSumBlocks(blocks_of(c, c->N), blocks_of(c, c->n), c->d, c->sum, c->all));
  for (int i = 0; i < c->d; i++) c->all[i] /= (double)c->N;
  for (int64_t r = 0; r < c->n; r++)
    for (int i = 0; i < c->d; i++) c->row[r * c->d + i] -= c->all[i];
  block_sums(c, 2, c->sum);
  PetscCall(AdSumBlocks(blocks_of(c, c->N), blocks_of(c, c->n), c->d, c->sum, c->all));
  for (int i = 0; i < c->d; i++) c->trace += c->all[i] / (double)(c->N - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the object ---- */

static PetscErrorCode Allocate(Dataset dataset, DatasetSplit split, int64_t rows, const char *option,
                               Covariance *c)
{
  const Coordinates *coordinates;

  PetscFunctionBegin;
  *c = (Covariance){.N = rows, .step = 1};
  PetscCall(DatasetCountRows(dataset, split, option, FEW_ROWS, &c->N));
  AdCheckInput(c->N > 1, "%s: a covariance needs two rows or more, got %lld", option, (long long)c->N);
  PetscCall(DatasetGetCoordinates(dataset, &coordinates));
  c->d     = coordinates->d;
  c->block = DATASET_BLOCK * ((c->N - 1) / ((int64_t)DATASET_BLOCK * MAX_BLOCKS) + 1);
  PetscCall(AdSplitRows(c->N, c->block, &c->first, &c->n));
  PetscCall(PetscCalloc1(c->d, &c->mean));
  PetscCall(PetscMalloc2((blocks_of(c, c->n) + 1) * (c->d + COVARIANCE_SUMS), &c->sum,
                         5 * (c->d + COVARIANCE_SUMS), &c->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CovarianceCreate(Dataset dataset, DatasetSplit split, int64_t rows, const char *option,
                                Covariance *c)
{
  double   *x, low, step;
  int64_t   few;
  PetscBool good = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(Allocate(dataset, split, rows, option, c));
  few = PetscMin(c->N, DATASET_BLOCK);
  PetscCall(PetscMalloc1(DATASET_BLOCK * c->d, &x));
  PetscCall(GetRows(dataset, split, c, 0, few, x)); /* on all ranks the same */
  if (levels_find(few * c->d, x, &low, &step)) {
    double *piece;

    c->step = step;
    PetscCall(PetscMalloc1(DATASET_BLOCK * c->d, &piece));
    PetscCall(TakeLevels(dataset, split, c, low, piece, &good));
    PetscCall(PetscFree(piece));
  }
  if (good)
    PetscCall(CentreLevels(c));
  else {
    c->step = 1;
    PetscCall(TakeRows(dataset, split, c, x));
    PetscCall(CentreRows(c));
  }
  PetscCall(PetscFree(x));
  AdCheckInput(isfinite(c->trace), "covariance: the spread of the data is too large to be squared");
  AdCheckInput(c->trace > 0, "covariance: all %lld rows of the data are the same; there is no spread to find",
               (long long)c->N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CovarianceMultiply(Covariance *c, const double *v, double *y)
{
  const int width = c->d + COVARIANCE_SUMS;
  double *block = c->sum, *const work = c->all + width;
  double       shift = 0;
  const double unit  = c->step * c->step;

  PetscFunctionBegin;
  for (int i = 0; i < c->d; i++) shift += c->mean[i] * v[i];
  for (int64_t r = 0; r < c->n; r += c->block, block += width) {
    const int64_t n = PetscMin(c->block, c->n - r);

    PetscCall(PetscArrayzero(block, width));
    if (c->level)
      covariance_rows_bytes(n, c->d, c->level + r * c->d, v, shift, block, work);
    else
      covariance_rows(n, c->d, c->row + r * c->d, v, shift, block);
  }
  PetscCall(AdSumBlocks(blocks_of(c, c->N), blocks_of(c, c->n), width, c->sum, c->all));
  for (int i = 0; i < c->d; i++) y[i] = unit * (c->all[i] - c->mean[i] * c->all[c->d]) / (double)(c->N - 1);
  for (int m = 0; m < 2; m++) c->moment[m] = (m ? unit * unit : unit) * c->all[c->d + 1 + m] / (double)c->N;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CovarianceGetStandardError(Covariance *c, const double *v, double *err)
{
  double *y;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->d, &y));
  PetscCall(CovarianceMultiply(c, v, y));
  *err = sqrt(fmax(0, c->moment[1] - c->moment[0] * c->moment[0]) / (double)c->N);
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CovarianceDestroy(Covariance *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(c->level));
  PetscCall(PetscFree(c->row));
  PetscCall(PetscFree(c->mean));
  PetscCall(PetscFree2(c->sum, c->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
