#include "admetrickernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
  The inner loops have fixed lengths and explicit accumulators, one a lane, so that the compiler may use vectors of
  any width without changing a bit, and contraction is spelled out as fma().
*/
enum {
  LANES = 8,  /* accumulators a row: point j goes to lane j mod 8 */
  TILE  = 32, /* points of the packed side handled together */
  ROWS  = 16  /* rows that share one pass over the packed side; divides METRIC_BLOCK */
};

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
  covariance_block_sums - sum over each block of (x - mean)(x - mean)', upper triangle row by row

  Input:  X[n][d], its first row at the beginning of a block; mean[d] of all rows of all ranks
  Output: sums[metric_blocks(n)][d(d+1)/2]
*/
void covariance_block_sums(long n, int d, const double *restrict X, const double *restrict mean,
                           double *restrict sums)
{
  long width = (long)d * (d + 1) / 2;

  for (long i = 0; i < n; i++) {
    const double *x = X + i * d;
    double       *s = sums + i / METRIC_BLOCK * width;

    if (i % METRIC_BLOCK == 0) memset(s, 0, (size_t)width * sizeof(*s));
    for (int k = 0; k < d; k++) {
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

/*
  energy_packed_length - doubles that energy_pack() writes for m points of dimension d
*/
long energy_packed_length(long m, int d)
{
  return (m + TILE - 1) / TILE * TILE * d;
}

/*
  energy_pack - points in tiles of coordinates, as energy_block_sums() reads them

  Input:  Y[m][d]
  Output: packed[tiles][d][TILE], energy_packed_length(m, d) doubles; missing points are zeros
*/
void energy_pack(long m, int d, const double *restrict Y, double *restrict packed)
{
  memset(packed, 0, (size_t)energy_packed_length(m, d) * sizeof(*packed));
  for (long j = 0; j < m; j++) {
    for (int k = 0; k < d; k++) packed[(j / TILE * d + k) * TILE + j % TILE] = Y[j * d + k];
  }
}

/*
  fast_sqrt - square root to within 2 units in the last place, twice as fast as the divider's

  Note: 1/sqrt(s) from halving the exponent in the bits (within 3.5 %), two Newton steps (5e-6), then one step of
        third order on p = s y, whose relative error e/2 with e = 1 - p y is small enough for the series
        1 + e/2 + 3 e^2/8. The shift by 1e-300 keeps s = 0 finite and is lost in rounding elsewhere.
*/
static inline double fast_sqrt(double s)
{
  const double t = s + 1e-300, h = -0.5 * t;
  double       y, p, e;
  uint64_t     bits;

  memcpy(&bits, &t, sizeof(bits));
  bits = UINT64_C(0x5fe6eb50c7b537a9) - (bits >> 1);
  memcpy(&y, &bits, sizeof(y));
  y *= fma(h * y, y, 1.5);
  y *= fma(h * y, y, 1.5);
  p = s * y;
  e = fma(-p, y, 1.0);
  return fma(p * e, fma(e, 0.375, 0.5), p);
}

/* squared_distances - |x - y_j|^2 to the points of a tile[d][TILE], four coordinates a pass to save stores */
static inline void squared_distances(int d, const double *restrict x, const double *restrict tile,
                                     double *restrict s)
{
  int k = d % 4;

  memset(s, 0, TILE * sizeof(*s));
  for (int i = 0; i < k; i++) {
    for (int j = 0; j < TILE; j++) {
      double u = x[i] - tile[i * TILE + j];

      s[j] = fma(u, u, s[j]);
    }
  }
  for (; k < d; k += 4) {
    const double *y = tile + (long)k * TILE;

    for (int j = 0; j < TILE; j++) {
      double u0 = x[k] - y[j], u1 = x[k + 1] - y[TILE + j];
      double u2 = x[k + 2] - y[2 * TILE + j], u3 = x[k + 3] - y[3 * TILE + j];

      s[j] = fma(u0, u0, fma(u1, u1, fma(u2, u2, fma(u3, u3, s[j]))));
    }
  }
}

/* add_distances - adds the distances from x to the first `points` points of a tile to the row's lanes */
static inline void add_distances(int d, const double *restrict x, const double *restrict tile, long points,
                                 double *restrict lane)
{
  double s[TILE];

  squared_distances(d, x, tile, s);
  if (points >= TILE) {
    for (int j = 0; j < TILE; j += LANES) {
      for (int l = 0; l < LANES; l++) lane[l] += fast_sqrt(s[j + l]);
    }
  } else {
    for (long j = 0; j < points; j++) lane[j % LANES] += fast_sqrt(s[j]);
  }
}

/*
  energy_block_sums - sums of distances between the rows of each block and all points of the other side

  Input:  X[n][d]    first row at the beginning of a block
          packed     the m points of the other side, from energy_pack()
  Output: sums[metric_blocks(n)]; a block's sum depends on its rows and the m points only
  Cost:   0.6 to 0.9 ns a pair for d <= 4 and 2 ns for d = 25 (AVX-512 at 2.3 GHz), up to three times that with
          AVX2; without hardware fma() the same bits at twenty times the cost
*/
void energy_block_sums(long n, int d, const double *restrict X, long m, const double *restrict packed,
                       double *restrict sums)
{
  memset(sums, 0, (size_t)metric_blocks(n) * sizeof(*sums));
  for (long i = 0; i < n; i += ROWS) {
    const long rows              = n - i < ROWS ? n - i : ROWS;
    double     lane[ROWS][LANES] = {{0.0}};

    for (long j = 0; j < m; j += TILE) {
      for (long r = 0; r < rows; r++) add_distances(d, X + (i + r) * d, packed + j * d, m - j, lane[r]);
    }
    for (long r = 0; r < rows; r++) {
      const double *a = lane[r];

      sums[i / METRIC_BLOCK] += ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
    }
  }
}

/*
  energy_distance - sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|), means over all pairs with i = j kept

  Input:  n, m    points on either side
          sum_xy  sum of |x_i - y_j| over all pairs, sum_xx and sum_yy likewise
  Note:   a negative rounding error under the root is cut to zero; sums that are not finite give NaN
*/
double energy_distance(long n, long m, double sum_xy, double sum_xx, double sum_yy)
{
  const double N = (double)n, M = (double)m;
  const double square = 2.0 * sum_xy / (N * M) - sum_xx / (N * N) - sum_yy / (M * M);

  if (!isfinite(sum_xy) || !isfinite(sum_xx) || !isfinite(sum_yy)) return NAN;
  return square > 0.0 ? sqrt(square) : 0.0;
}
