/*
  Covariance of rows that stay on their ranks
*/
#include "adcovariance.h"
#include <string.h>

enum { MAX_BLOCKS = 512, FEW_ROWS = 10000 };

/* ---- rows ---- */

/* The rows of this rank as bytes; good is false, on all ranks, where some number is no level of the scale */
static PetscErrorCode TakeLevels(CovarianceRows rows, void *ctx, Covariance *c, double low, double *x,
                                 PetscBool *good)
{
  int bad = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->n * c->d, &c->level));
  for (int64_t r = 0; r < c->n && !bad; r += DATASET_BLOCK) {
    const int64_t n = PetscMin(DATASET_BLOCK, c->n - r);

    PetscCall((*rows)(ctx, c->first + r, n, x));
    bad = levels_of(n * c->d, x, low, c->step, c->level + r * c->d);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  *good = bad ? PETSC_FALSE : PETSC_TRUE;
  if (bad) PetscCall(PetscFree(c->level));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of this rank less the first of all rows, so that columns of one value are exactly zero */
static PetscErrorCode TakeRows(CovarianceRows rows, void *ctx, Covariance *c, const double *origin)
{
  int64_t bad = c->N;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->n * c->d, &c->row));
  for (int64_t r = 0; r < c->n; r += DATASET_BLOCK)
    PetscCall((*rows)(ctx, c->first + r, PetscMin(DATASET_BLOCK, c->n - r), c->row + r * c->d));
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

PetscErrorCode CovarianceCreate(int64_t N, int d, CovarianceRows rows, void *ctx, Covariance *c)
{
  const int64_t few = PetscMin(N, DATASET_BLOCK);
  double       *x, *piece, low, step;
  PetscBool     good = PETSC_FALSE;

  PetscFunctionBegin;
  *c       = (Covariance){.N = N, .d = d, .step = 1};
  c->block = DATASET_BLOCK * ((N - 1) / ((int64_t)DATASET_BLOCK * MAX_BLOCKS) + 1);
  PetscCall(AdSplitRows(N, c->block, &c->first, &c->n));
  PetscCall(PetscCalloc1(d, &c->mean));
  PetscCall(PetscMalloc2((blocks_of(c, c->n) + 1) * (d + COVARIANCE_SUMS), &c->sum, 5 * (d + COVARIANCE_SUMS),
                         &c->all));
  PetscCall(PetscMalloc2(DATASET_BLOCK * d, &x, DATASET_BLOCK * d, &piece));
  PetscCall((*rows)(ctx, 0, few, x)); /* on all ranks the same */
  if (levels_find(few * d, x, &low, &step)) {
    c->step = step;
    PetscCall(TakeLevels(rows, ctx, c, low, piece, &good));
  }
  if (good)
    PetscCall(CentreLevels(c));
  else {
    c->step = 1;
    PetscCall(TakeRows(rows, ctx, c, x));
    PetscCall(CentreRows(c));
  }
  PetscCall(PetscFree2(x, piece));
  AdCheckInput(isfinite(c->trace), "covariance: the spread of the data is too large to be squared");
  AdCheckInput(c->trace > 0, "covariance: all %lld rows of the data are the same; there is no spread to find",
               (long long)N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Dataset      dataset;
  DatasetSplit split;
  int64_t      N, size; /* rows taken, rows there are (-1: without end) */
} DatasetRows;

/* Every (size/N)-th row of a split */
static PetscErrorCode GetDatasetRows(void *ctx, int64_t first, int64_t n, double *x)
{
  const DatasetRows *rows = (const DatasetRows *)ctx;
  int64_t           *index;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &index));
  for (int64_t r = 0; r < n; r++)
    index[r] = rows->size < 0 ? first + r : (int64_t)((__int128)(first + r) * rows->size / rows->N);
  PetscCall(DatasetGetRows(rows->dataset, rows->split, n, index, x, NULL));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CovarianceCreateFromDataset(Dataset dataset, DatasetSplit split, int64_t rows,
                                           const char *option, Covariance *c)
{
  DatasetRows        from = {dataset, split, rows, 0};
  const Coordinates *coordinates;

  PetscFunctionBegin;
  PetscCall(DatasetCountRows(dataset, split, option, FEW_ROWS, &from.N));
  AdCheckInput(from.N > 1, "%s: a covariance needs two rows or more, got %lld", option, (long long)from.N);
  PetscCall(DatasetGetSize(dataset, split, &from.size));
  PetscCall(DatasetGetCoordinates(dataset, &coordinates));
  PetscCall(CovarianceCreate(from.N, coordinates->d, GetDatasetRows, &from, c));
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
