/*
  Products of rows with vectors, and numbers held as bytes: pure kernels
*/
#include "adcovariance.h"
#include <float.h>
#include <string.h>

enum { LANES = 8, ROWS = 4 };

typedef double Lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));

static double sum_lanes(Lanes a)
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

/* w = row.v - shift of four rows, then y += sum_r w_r row_r */
static void four_rows(int d, const double *restrict row, const double *restrict v, double shift,
                      double *restrict y)
{
  const int     whole = d - d % LANES;
  const double *a = row, *b = a + d, *c = b + d, *e = c + d;
  Lanes         s[ROWS] = {{0}};
  double        w[ROWS];

  for (int j = 0; j < whole; j += LANES) {
    const Lanes u = *(const Lanes *)(v + j);

    s[0] += u * *(const Lanes *)(a + j);
    s[1] += u * *(const Lanes *)(b + j);
    s[2] += u * *(const Lanes *)(c + j);
    s[3] += u * *(const Lanes *)(e + j);
  }
  for (int r = 0; r < ROWS; r++) {
    w[r] = sum_lanes(s[r]) - shift;
    for (int j = whole; j < d; j++) w[r] += v[j] * row[r * d + j];
  }
  for (int j = 0; j < whole; j += LANES)
    *(Lanes *)(y + j) += (w[0] * *(const Lanes *)(a + j) + w[1] * *(const Lanes *)(b + j)) +
                         (w[2] * *(const Lanes *)(c + j) + w[3] * *(const Lanes *)(e + j));
  for (int j = whole; j < d; j++) y[j] += (w[0] * a[j] + w[1] * b[j]) + (w[2] * c[j] + w[3] * e[j]);
  add_moments(ROWS, w, y + d);
}

static void one_row(int d, const double *restrict row, const double *restrict v, double shift,
                    double *restrict y)
{
  double w = -shift;

  for (int j = 0; j < d; j++) w += v[j] * row[j];
  for (int j = 0; j < d; j++) y[j] += w * row[j];
  add_moments(1, &w, y + d);
}

void covariance_rows(int64_t n, int d, const double *restrict row, const double *restrict v, double shift,
                     double *restrict y)
{
  const int64_t fours = n - n % ROWS;

  for (int64_t r = 0; r < fours; r += ROWS) four_rows(d, row + r * d, v, shift, y);
  for (int64_t r = fours; r < n; r++) one_row(d, row + r * d, v, shift, y);
}

void covariance_rows_bytes(int64_t n, int d, const unsigned char *restrict row, const double *restrict v,
                           double shift, double *restrict y, double *restrict work)
{
  for (int64_t r = 0; r < n; r += ROWS) {
    const int rows = n - r < ROWS ? (int)(n - r) : ROWS;

    for (int j = 0; j < rows * d; j++) work[j] = row[r * d + j];
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
