#include "admetrickernels.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
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

/* Steps of F - G along a circle: how high, how long */
typedef struct {
  double height, length;
} Step;

static int by_height(const void *a, const void *b)
{
  const double p = ((const Step *)a)->height, q = ((const Step *)b)->height;

  return (p > q) - (p < q);
}

/*
  circle_wasserstein1 - W1 of two samples on a circle

  Input:  x[n], y[m]  ascending, in a range no longer than the period
          work[2 (n + m)]
  Output: returns the integral of |F - G - c| over a turn, c the median of F - G
  Source: mass that goes round the circle adds a constant to F - G, and the median makes the integral smallest
*/
double circle_wasserstein1(long n, const double *x, long m, const double *y, double period, double *work)
{
  Step  *step  = (Step *)(void *)work;
  long   steps = 0;
  double half = 0.0, median = 0.0, sum = 0.0, last = NAN, origin = fmin(x[0], y[0]);

  for (long i = 0, j = 0; i < n || j < m; steps++) {
    const double at = j >= m || (i < n && x[i] <= y[j]) ? x[i] : y[j];

    if (steps) step[steps - 1].length = at - last;
    last = at;
    if (j >= m || (i < n && x[i] <= y[j]))
      i++;
    else
      j++;
    step[steps].height = (double)i / (double)n - (double)j / (double)m;
  }
  step[steps - 1] =
      (Step){0.0, origin + period - last}; /* from the last point to the first of the next turn */
  qsort(step, (size_t)steps, sizeof(*step), by_height);
  for (long k = 0; k < steps && half < 0.5 * period; k++) {
    half += step[k].length;
    median = step[k].height;
  }
  for (long k = 0; k < steps; k++) sum += step[k].length * fabs(step[k].height - median);
  return sum;
}

enum { FAR = 9 }; /* deviations beyond which a component has no mass to be seen: 1e-19 */

/* A law on a line, its components by ascending mean; what those well below a point give is summed beforehand */
typedef struct {
  int           K;
  double        reach;           /* FAR times the largest deviation */
  const double *part;            /* [K][3]: mean, deviation, weight */
  const double *weight, *moment; /* [K + 1], of the components before each: sum of w and of w mean */
} LineLaw;

static int by_mean(const void *a, const void *b)
{
  const double p = *(const double *)a, q = *(const double *)b;

  return (p > q) - (p < q);
}

/* line_law - sorts components into work[5 K + 2] */
static LineLaw line_law(int K, const double *weights, const double *means, const double *vars, double *work)
{
  double *part = work, *weight = work + 3L * K, *moment = weight + K + 1, widest = 0.0;

  for (int c = 0; c < K; c++) {
    part[3L * c]     = means[c];
    part[3L * c + 1] = sqrt(vars[c]);
    part[3L * c + 2] = weights[c];
    widest           = fmax(widest, part[3L * c + 1]);
  }
  qsort(part, (size_t)K, 3 * sizeof(*part), by_mean);
  weight[0] = moment[0] = 0.0;
  for (int c = 0; c < K; c++) {
    weight[c + 1] = weight[c] + part[3L * c + 2];
    moment[c + 1] = moment[c] + part[3L * c + 2] * part[3L * c];
  }
  return (LineLaw){K, FAR * widest, part, weight, moment};
}

/* first_above - the first component whose mean is not below x */
static int first_above(const LineLaw *law, double x)
{
  int lo = -1, hi = law->K;

  while (hi - lo > 1) {
    const int middle = (lo + hi) / 2;

    if (law->part[3L * middle] < x)
      lo = middle;
    else
      hi = middle;
  }
  return hi;
}

/* mixture_cdf - F(x), and its integral from -infinity to x: w ((x - mean) Phi(z) + sd phi(z)) summed over components */
static double mixture_cdf(const LineLaw *law, double x, double *integral)
{
  int    c = first_above(law, x - law->reach);
  double F = law->weight[c];

  *integral = x * F - law->moment[c];
  for (; c < law->K && law->part[3L * c] < x + law->reach; c++) {
    const double sd = law->part[3L * c + 1], w = law->part[3L * c + 2], u = x - law->part[3L * c], z = u / sd;
    const double Phi = 0.5 * erfc(-z * sqrt(0.5)), phi = exp(-0.5 * z * z) / sqrt(2.0 * PI);

    F += w * Phi;
    *integral += w * (u * Phi + sd * phi);
  }
  return F;
}

/* mixture_quantile - F(x) = q between a and b, by halving the interval down to rounding */
static double mixture_quantile(const LineLaw *law, double q, double a, double b)
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
          work[5 K + 2]
  Output: returns the integral of |F_n - F|, F_n = i/n between x_i and x_{i+1}: in closed form up to the points
          where F crosses i/n
  Cost:   n times some 50 times the components within nine deviations of a point
*/
double mixture_wasserstein1(long n, const double *restrict x, int K, const double *restrict weights,
                            const double *restrict means, const double *restrict vars, double *restrict work)
{
  const LineLaw law  = line_law(K, weights, means, vars, work);
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
