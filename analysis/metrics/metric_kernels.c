#include "admetrickernels.h"

#include <math.h>
#include <string.h>

/*
  metric_blocks - number of fixed blocks that n rows fill, the last one maybe in part
*/
long metric_blocks(long n)
{
  return (n + METRIC_BLOCK - 1) / METRIC_BLOCK;
}

/*
  metric_split - part `part` of 0..n-1 cut into `parts` contiguous ranges, the first n mod parts one longer

  Output: begin, end  the range is begin <= i < end
  Note:   cuts correlated frames into time blocks whose means go to mean_stderr()
*/
void metric_split(long n, int part, int parts, long *begin, long *end)
{
  long size = n / parts, extra = n % parts;

  *begin = part * size + (part < extra ? part : extra);
  *end   = *begin + size + (part < extra ? 1 : 0);
}

/*
  block_sum_total - sum of block records in index order

  Input:  sums[blocks][width]
  Output: total[width]
*/
void block_sum_total(long blocks, long width, const double *restrict sums, double *restrict total)
{
  for (long k = 0; k < width; k++) total[k] = 0.0;
  for (long b = 0; b < blocks; b++) {
    for (long k = 0; k < width; k++) total[k] += sums[b * width + k];
  }
}

/*
  moment_block_sums - sum of the rows of each block

  Input:  X[n][d], its first row at the beginning of a block
  Output: sums[metric_blocks(n)][d]; the total over N is the mean
*/
void moment_block_sums(long n, int d, const double *restrict X, double *restrict sums)
{
  for (long i = 0; i < n; i++) {
    double *s = sums + i / METRIC_BLOCK * d;

    if (i % METRIC_BLOCK == 0) memset(s, 0, (size_t)d * sizeof(*s));
    for (int k = 0; k < d; k++) s[k] += X[i * d + k];
  }
}

/*
  covariance_width - entries of rows begin..end-1 of the upper triangle, d(d+1)/2 in all
*/
long covariance_width(int d, int begin, int end)
{
  return (long)(end - begin) * (2 * d - begin - end + 1) / 2;
}

/*
  covariance_block_sums - sum over each block of (x - mean)(x - mean)', a strip of the upper triangle row by row

  Input:  X[n][d], its first row at the beginning of a block; mean[d] of all rows of all ranks
          begin, end  rows of the triangle: strips bound the memory where d is large
  Output: sums[metric_blocks(n)][covariance_width(d, begin, end)]
*/
void covariance_block_sums(long n, int d, const double *restrict X, const double *restrict mean, int begin,
                           int end, double *restrict sums)
{
  const long width = covariance_width(d, begin, end);

  for (long i = 0; i < n; i++) {
    const double *x = X + i * d;
    double       *s = sums + i / METRIC_BLOCK * width;

    if (i % METRIC_BLOCK == 0) memset(s, 0, (size_t)width * sizeof(*s));
    for (int k = begin; k < end; k++) {
      const double u = x[k] - mean[k];

      for (int l = k; l < d; l++) s[l - k] += u * (x[l] - mean[l]);
      s += d - k;
    }
  }
}

/*
  covariance_from_sums - unbiased covariance of N rows

  Input:  upper[d(d+1)/2]  total of covariance_block_sums()
  Output: S[d][d]          divided by N - 1, N >= 2
*/
void covariance_from_sums(long N, int d, const double *restrict upper, double *restrict S)
{
  for (int k = 0; k < d; k++) {
    for (int l = k; l < d; l++) {
      S[(long)k * d + l] = *upper / (double)(N - 1);
      S[(long)l * d + k] = *upper++ / (double)(N - 1);
    }
  }
}

/*
  mean_stderr - mean of R >= 2 independent values and its standard error

  Input:  values[R]  replicas, or means over time blocks longer than the correlation time
  Output: mean, err  err = sd / sqrt(R), sd with R - 1
*/
void mean_stderr(long R, const double *values, double *mean, double *err)
{
  double sum = 0.0, squares = 0.0;

  for (long r = 0; r < R; r++) sum += values[r];
  *mean = sum / (double)R;
  for (long r = 0; r < R; r++) squares += (values[r] - *mean) * (values[r] - *mean);
  *err = sqrt(squares / ((double)R * (double)(R - 1)));
}

/*
  circle_embed - angles to points on circles, where distances know that pi = -pi

  Input:  angles[n][d]     radians, any winding
  Output: points[n][2 d]   (cos, sin) of each angle in turn
*/
void circle_embed(long n, int d, const double *restrict angles, double *restrict points)
{
  for (long i = 0; i < n * d; i++) {
    points[2 * i]     = cos(angles[i]);
    points[2 * i + 1] = sin(angles[i]);
  }
}
