/*
  Products of rows with vectors, and numbers held as bytes: pure kernels
*/
#include "adcovariance.h"
#include <float.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

enum { LANES = 8, ROWS = 4 };

static double sum_lanes(const double *a)
{
  return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

static void add_moments(int n, const double *w, double *sums)
{
  for (int r = 0; r < n; r++) {
    const double square = w[r] * w[r];

    sums[0] += w[r];
    sums[1] += square;
    sums[2] += square * square;
  }
}

/* w = row.v - shift of four rows, in eight interleaved sums each */
static void four_products(int d, const double *restrict row, const double *restrict v, double shift,
                          double *restrict w)
{
  const int     whole = d - d % LANES;
  const double *a = row, *b = a + d, *c = b + d, *e = c + d;
  double        p[LANES] = {0}, q[LANES] = {0}, r[LANES] = {0}, s[LANES] = {0};

  for (int j = 0; j < whole; j += LANES)
    for (int l = 0; l < LANES; l++) {
      p[l] = fma(v[j + l], a[j + l], p[l]);
      q[l] = fma(v[j + l], b[j + l], q[l]);
      r[l] = fma(v[j + l], c[j + l], r[l]);
      s[l] = fma(v[j + l], e[j + l], s[l]);
    }
  w[0] = sum_lanes(p) - shift;
  w[1] = sum_lanes(q) - shift;
  w[2] = sum_lanes(r) - shift;
  w[3] = sum_lanes(s) - shift;
  for (int i = 0; i < ROWS; i++)
    for (int j = whole; j < d; j++) w[i] = fma(v[j], row[i * d + j], w[i]);
}

static void four_rows(int d, const double *restrict row, const double *restrict v, double shift,
                      double *restrict y)
{
  const double *a = row, *b = a + d, *c = b + d, *e = c + d;
  double        w[ROWS];

  four_products(d, row, v, shift, w);
  for (int j = 0; j < d; j++) y[j] = fma(w[0], a[j], fma(w[1], b[j], fma(w[2], c[j], fma(w[3], e[j], y[j]))));
  add_moments(ROWS, w, y + d);
}

static void one_row(int d, const double *restrict row, const double *restrict v, double shift,
                    double *restrict y)
{
  double w = -shift;

  for (int j = 0; j < d; j++) w = fma(v[j], row[j], w);
  for (int j = 0; j < d; j++) y[j] = fma(w, row[j], y[j]);
  add_moments(1, &w, y + d);
}

void covariance_rows(int64_t n, int d, const double *restrict row, const double *restrict v, double shift,
                     double *restrict y)
{
  const int64_t fours = n - n % ROWS;

  for (int64_t r = 0; r < fours; r += ROWS) four_rows(d, row + r * d, v, shift, y);
  for (int64_t r = fours; r < n; r++) one_row(d, row + r * d, v, shift, y);
}

/* Bytes to numbers; gcc left alone widens in four steps, which takes as long as the products */
static void widen(int64_t n, const unsigned char *restrict q, double *restrict x)
{
  int64_t i = 0;

#ifdef __AVX512F__
  for (; i + 8 <= n; i += 8)
    _mm512_storeu_pd(x + i, _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadu_si64(q + i))));
#endif
  for (; i < n; i++) x[i] = q[i];
}

void covariance_rows_bytes(int64_t n, int d, const unsigned char *restrict row, const double *restrict v,
                           double shift, double *restrict y, double *restrict work)
{
  for (int64_t r = 0; r < n; r += ROWS) {
    const int rows = n - r < ROWS ? (int)(n - r) : ROWS;

    widen((int64_t)rows * d, row + r * d, work);
    covariance_rows(rows, d, work, v, shift, y);
  }
}

/* ---- levels ---- */

enum { LEVELS = 256 };

/* Put x into the rising list unless it is there; nonzero when the list is full */
static int note_level(double x, int *n, double level[LEVELS])
{
  int lo = 0, hi = *n;

  while (lo < hi) {
    const int middle = (lo + hi) / 2;

    if (level[middle] < x)
      lo = middle + 1;
    else
      hi = middle;
  }
  if (lo < *n && level[lo] == x) return 0;
  if (*n == LEVELS) return 1;
  memmove(level + lo + 1, level + lo, sizeof(double) * (size_t)(*n - lo));
  level[lo] = x;
  (*n)++;
  return 0;
}

int levels_find(int64_t n, const double *x, double *low, double *step)
{
  double level[LEVELS], gap = INFINITY, steps;
  int    count = 0;

  for (int64_t i = 0; i < n; i++)
    if (note_level(x[i], &count, level)) return 0;
  for (int i = 1; i < count; i++) gap = fmin(gap, level[i] - level[i - 1]);
  if (count < 2) return 0;
  steps = round((level[count - 1] - level[0]) / gap);
  *low  = level[0];
  *step = (level[count - 1] - level[0]) / steps;
  return steps < LEVELS;
}

int levels_of(int64_t n, const double *x, double low, double step, unsigned char *q)
{
  const double slack = 4 * DBL_EPSILON * (fabs(low) + (LEVELS - 1) * step), inverse = 1 / step;
  int          bad = 0;

  for (int64_t i = 0; i < n; i++) {
    const double level = floor((x[i] - low) * inverse + 0.5);

    bad |= !(level >= 0 && level < LEVELS && fabs(low + step * level - x[i]) <= slack);
    q[i] = (unsigned char)(level >= 0 && level < LEVELS ? (int)level : 0);
  }
  return bad;
}
