/*
  Means over rows that are shared out over the ranks in whole waves: block sums in the order of the rows
*/
#include "adlikelihood.h"

/* Sums over blocks of DENSITY_WAVE rows of value, or of the squares of its distance from mean */
static void block_sums(int64_t n, int width, const double *restrict value, const double *restrict mean,
                       double *restrict sum)
{
  for (int64_t first = 0; first < n; first += DENSITY_WAVE, sum += width)
    for (int j = 0; j < width; j++) {
      sum[j] = 0;
      for (int64_t r = first; r < n && r < first + DENSITY_WAVE; r++) {
        const double v = value[r * width + j] - (mean ? mean[j] : 0);
        sum[j] += mean ? v * v : v;
      }
    }
}

PetscErrorCode RowsMean(int64_t N, int64_t n, int width, const double *value, double *mean, double *err)
{
  const int64_t mine = (n + DENSITY_WAVE - 1) / DENSITY_WAVE, blocks = (N + DENSITY_WAVE - 1) / DENSITY_WAVE;
  double       *sum;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(mine * width + 1, &sum));
  block_sums(n, width, value, NULL, sum);
  PetscCall(AdSumBlocks(blocks, mine, width, sum, mean));
  for (int j = 0; j < width; j++) mean[j] /= (double)N;
  if (err) {
    block_sums(n, width, value, mean, sum);
    PetscCall(AdSumBlocks(blocks, mine, width, sum, err));
    for (int j = 0; j < width; j++) err[j] = N > 1 ? sqrt(err[j] / ((double)N * (double)(N - 1))) : NAN;
  }
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsControl(int64_t N, int64_t n, int width, const double *companion, double known,
                           double *value)
{
  const int     wide = 2 * width;
  const int64_t size = n * width;
  double       *product, *mean, *other, *moment;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(2 * size, &product, width, &mean, width, &other, wide, &moment));
  PetscCall(RowsMean(N, n, width, value, mean, NULL));
  PetscCall(RowsMean(N, n, width, companion, other, NULL));
  for (int64_t i = 0; i < size; i++) {
    const int    j    = (int)(i % width);
    const double away = companion[i] - other[j];

    product[2 * i]     = away * (value[i] - mean[j]);
    product[2 * i + 1] = away * away;
  }
  PetscCall(RowsMean(N, n, wide, product, moment, NULL));
  for (int64_t i = 0; i < size; i++) {
    const double *m = moment + i % width * 2;

    if (m[1] > 0) value[i] -= m[0] / m[1] * (companion[i] - known);
  }
  PetscCall(PetscFree4(product, mean, other, moment));
  PetscFunctionReturn(PETSC_SUCCESS);
}
