#include "admetrickernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define PI 3.14159265358979323846

/*
  circle_directions - L unit vectors of the plane at angles pi l/L, l = 0..L-1

  Output: dirs[L][2]
  Note:   projections on u and -u give the same distance, so half a turn is enough
*/
void circle_directions(int L, double *dirs)
{
  for (int l = 0; l < L; l++) {
    *dirs++ = cos(PI * l / L);
    *dirs++ = sin(PI * l / L);
  }
}

/*
  unit_rows - scales each row to length 1: rows of independent Gaussians become uniform directions

  Input/output: rows[L][d]
*/
void unit_rows(long L, int d, double *rows)
{
  for (long l = 0; l < L; l++) {
    double *row = rows + l * d, square = 0.0;

    for (int k = 0; k < d; k++) square += row[k] * row[k];
    for (int k = 0; k < d; k++) row[k] /= sqrt(square);
  }
}

enum { DIGIT_BITS = 8, DIGITS = 8, BUCKETS = 1 << DIGIT_BITS };

/* ordered_bits - unsigned integer that sorts as the double: sign bit set if positive, all bits flipped if negative */
static inline uint64_t ordered_bits(double a)
{
  uint64_t bits;

  memcpy(&bits, &a, sizeof(bits));
  return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

static inline unsigned digit(uint64_t key, int pass)
{
  return (unsigned)(key >> (pass * DIGIT_BITS)) & (BUCKETS - 1);
}

/* radix_pass - stable move of a[n] to b[n] by one digit, of which count[] is the histogram; returns 0 if all agree */
static int radix_pass(long n, int pass, long *restrict count, const double *restrict a, double *restrict b)
{
  long start = 0;

  if (count[digit(ordered_bits(a[0]), pass)] == n) return 0;
  for (int k = 0; k < BUCKETS; k++) {
    const long size = count[k];

    count[k] = start;
    start += size;
  }
  for (long i = 0; i < n; i++) b[count[digit(ordered_bits(a[i]), pass)]++] = a[i];
  return 1;
}

/*
  sort_doubles - ascending sort by the bits (radix), NaN at the ends

  Input:  a[n], work[n]
  Output: a[n]
  Cost:   some 20 ns an element, whatever the order
*/
void sort_doubles(long n, double *restrict a, double *restrict work)
{
  long    count[DIGITS][BUCKETS] = {{0}};
  double *from = a, *to = work;

  for (long i = 0; i < n; i++) {
    const uint64_t key = ordered_bits(a[i]);

    for (int pass = 0; pass < DIGITS; pass++) count[pass][digit(key, pass)]++;
  }
  for (int pass = 0; pass < DIGITS && n > 1; pass++) {
    if (radix_pass(n, pass, count[pass], from, to)) {
      double *swap = from;

      from = to;
      to   = swap;
    }
  }
  if (from != a) memcpy(a, from, (size_t)n * sizeof(*a));
}

/*
  sorted_wasserstein - W1 and W2^2 of two sorted samples in one dimension

  Input:  x[n], y[m]  ascending
  Output: w1, w2sq    integrals over q in (0,1) of |x(q) - y(q)| and its square, x(q) and y(q) the quantile functions
  Note:   steps 1/n and 1/m are merged in whole multiples of 1/(n m), so no rounding moves a step
*/
void sorted_wasserstein(long n, const double *x, long m, const double *y, double *w1, double *w2sq)
{
  const double pairs  = (double)n * (double)m;
  long         left_x = m, left_y = n;
  double       first = 0.0, second = 0.0;

  for (long i = 0, j = 0; i < n && j < m;) {
    const long   step = left_x < left_y ? left_x : left_y;
    const double gap  = x[i] - y[j];

    first += (double)step * fabs(gap);
    second += (double)step * gap * gap;
    left_x -= step;
    left_y -= step;
    if (left_x == 0) {
      i++;
      left_x = m;
    }
    if (left_y == 0) {
      j++;
      left_y = n;
    }
  }
  *w1   = first / pairs;
  *w2sq = second / pairs;
}

static void project(long n, int d, const double *restrict X, const double *restrict dir, double *restrict p)
{
  for (long i = 0; i < n; i++) {
    double s = 0.0;

    for (int k = 0; k < d; k++) s += X[i * d + k] * dir[k];
    p[i] = s;
  }
}

/*
  projected_wasserstein - W1 and W2^2 of two samples projected on one direction

  Input:  X[n][d], Y[m][d], dir[d]  a unit vector; the k-th basis vector gives the distance of feature k
          work[2 (n + m)]
  Output: w1, w2sq
  Note:   directions are independent: ranks share them out and gather the values in direction order
*/
void projected_wasserstein(long n, int d, const double *X, long m, const double *Y,
                           const double *restrict dir, double *restrict work, double *w1, double *w2sq)
{
  double *x = work, *y = work + n, *scratch = work + n + m;

  project(n, d, X, dir, x);
  project(m, d, Y, dir, y);
  sort_doubles(n, x, scratch);
  sort_doubles(m, y, scratch);
  sorted_wasserstein(n, x, m, y, w1, w2sq);
}

/*
  sliced_wasserstein - SW2 = root of the mean of W2^2 over directions

  Input:  w2sq[L]
  Note:   a shift by v gives |v|/sqrt(d)
*/
double sliced_wasserstein(long L, const double *w2sq)
{
  double sum;

  block_sum_total(L, 1, w2sq, &sum);
  return sqrt(sum / (double)L);
}

typedef struct {
  int           K;
  const double *weights, *means, *vars;
} Mixture;

/* mixture_cdf - F(x), and its integral from -infinity to x: w ((x - mean) Phi(z) + sd phi(z)) summed over components */
static double mixture_cdf(const Mixture *law, double x, double *integral)
{
  double F = 0.0;

  *integral = 0.0;
  for (int c = 0; c < law->K; c++) {
    const double sd = sqrt(law->vars[c]), u = x - law->means[c], z = u / sd;
    const double Phi = 0.5 * erfc(-z * sqrt(0.5)), phi = exp(-0.5 * z * z) / sqrt(2.0 * PI);

    F += law->weights[c] * Phi;
    *integral += law->weights[c] * (u * Phi + sd * phi);
  }
  return F;
}

/* mixture_quantile - F(x) = q between a and b, by halving the interval down to rounding */
static double mixture_quantile(const Mixture *law, double q, double a, double b)
{
  double x = 0.5 * (a + b), unused;

  while (a < x && x < b) {
    if (mixture_cdf(law, x, &unused) < q)
      a = x;
    else
      b = x;
    x = 0.5 * (a + b);
  }
  return x;
}

/*
  mixture_wasserstein1 - W1 between a sorted sample and a Gaussian mixture in one dimension, exact

  Input:  x[n] ascending and finite, weights[K] of sum 1, means[K], vars[K] > 0
  Output: returns the integral of |F_n - F|, F_n = i/n between x_i and x_{i+1}: in closed form up to the points
          where F crosses i/n
*/
double mixture_wasserstein1(long n, const double *restrict x, int K, const double *restrict weights,
                            const double *restrict means, const double *restrict vars)
{
  const Mixture law  = {K, weights, means, vars};
  double        mean = 0.0, Ga, Gb, Fa = mixture_cdf(&law, x[0], &Ga), sum = Ga;

  for (int c = 0; c < K; c++) mean += weights[c] * means[c];
  for (long i = 1; i < n; i++) {
    const double a = x[i - 1], b = x[i], q = (double)i / (double)n, Fb = mixture_cdf(&law, b, &Gb);

    if (Fa < q && q < Fb) {
      double Gr, r = mixture_quantile(&law, q, a, b);

      mixture_cdf(&law, r, &Gr);
      sum += (Ga + Gb - 2.0 * Gr) + q * (2.0 * r - a - b);
    } else {
      sum += fabs(Gb - Ga - q * (b - a));
    }
    Fa = Fb;
    Ga = Gb;
  }
  return sum + Ga - (x[n - 1] - mean);
}
