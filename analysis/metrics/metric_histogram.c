#include "admetrickernels.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/*
  histogram_size - number of bins K of a d-dimensional histogram, the product of bins[d]
*/
long histogram_size(int d, const int *bins)
{
  long K = 1;

  for (int k = 0; k < d; k++) K *= bins[k];
  return K;
}

/*
  torus_histogram - counts over [-pi, pi)^d, periodic

  Input:  X[n][d]  radians, any winding; bin floor((x + pi)/(2 pi) B) mod B, so that pi and -pi share a bin
          bins[d]  bins of each axis
  Output: counts[histogram_size(d, bins)], the last axis fastest
          returns the number of rows left out because they hold a value that is not finite
*/
long torus_histogram(long n, int d, const double *restrict X, const int *restrict bins, long *restrict counts)
{
  long lost = 0;

  memset(counts, 0, (size_t)histogram_size(d, bins) * sizeof(*counts));
  for (long i = 0; i < n; i++) {
    long index = 0;

    for (int k = 0; k < d && index >= 0; k++) {
      double B = bins[k], t = floor((X[i * d + k] + PI) / (2.0 * PI) * B);

      t -= B * floor(t / B);
      index = t >= 0.0 && t < B ? index * bins[k] + (long)t : -1;
    }
    if (index >= 0)
      counts[index]++;
    else
      lost++;
  }
  return lost;
}

/*
  box_histogram - counts over the box lo <= x < hi

  Input:  X[n][d], bins[d], lo[d], hi[d]
  Output: counts[histogram_size(d, bins)], the last axis fastest
          returns the number of rows outside (values that are not finite count as outside)
*/
long box_histogram(long n, int d, const double *restrict X, const int *restrict bins,
                   const double *restrict lo, const double *restrict hi, long *restrict counts)
{
  long outside = 0;

  memset(counts, 0, (size_t)histogram_size(d, bins) * sizeof(*counts));
  for (long i = 0; i < n; i++) {
    long index = 0;

    for (int k = 0; k < d && index >= 0; k++) {
      double t = (X[i * d + k] - lo[k]) / (hi[k] - lo[k]) * bins[k];

      index = t >= 0.0 && t < bins[k] ? index * bins[k] + (long)t : -1;
    }
    if (index >= 0)
      counts[index]++;
    else
      outside++;
  }
  return outside;
}

/*
  histogram_shares - counts over their total

  Output: shares[K]; NaN if all counts are zero
*/
void histogram_shares(long K, const long *restrict counts, double *restrict shares)
{
  long total = 0;

  for (long k = 0; k < K; k++) total += counts[k];
  for (long k = 0; k < K; k++) shares[k] = (double)counts[k] / (double)total;
}

/* relative_entropy_term - p ln(p/q) with 0 ln 0 = 0; NaN stays NaN */
static double relative_entropy_term(double p, double q)
{
  return p == 0.0 ? 0.0 : p * log(p / q);
}

/*
  js_divergence - KL(p|m)/2 + KL(q|m)/2, m = (p+q)/2

  Input:  p[K], q[K]  shares that add to 1
  Units:  nats, from 0 (equal) to ln 2 (disjoint)
*/
double js_divergence(long K, const double *p, const double *q)
{
  double sum = 0.0;

  for (long k = 0; k < K; k++) {
    const double m = 0.5 * (p[k] + q[k]);

    sum += 0.5 * (relative_entropy_term(p[k], m) + relative_entropy_term(q[k], m));
  }
  return sum;
}

/*
  js_noise_floor - mean Jensen-Shannon divergence of two independent samples of one law

  Input:  a[K], b[K]  counts of N and M samples
  Output: (F - 1)(1/N + 1/M)/8, F = bins that either sample fills
  Note:   expand JS to second order in p - q: the sum of (p - q)^2/(8 m), whose mean is chi-square's; good where the
          filled bins hold several samples each
*/
double js_noise_floor(long K, const long *a, const long *b)
{
  long N = 0, M = 0, filled = 0;

  for (long k = 0; k < K; k++) {
    N += a[k];
    M += b[k];
    filled += a[k] + b[k] > 0;
  }
  return (double)(filled - 1) * (1.0 / (double)N + 1.0 / (double)M) / 8.0;
}

/*
  kl_to_counts - KL(p || (n + 1/2)/(N + K/2)): half a count in every bin keeps it finite

  Input:  p[K]       exact bin masses, or shares of a reference histogram
          counts[K]  of the samples; N = all samples, those outside the bins too, whose loss thus counts
  Units:  nats
*/
double kl_to_counts(long K, const double *restrict p, const long *restrict counts, long N)
{
  const double total = (double)N + 0.5 * (double)K;
  double       sum   = 0.0;

  for (long k = 0; k < K; k++) sum += relative_entropy_term(p[k], ((double)counts[k] + 0.5) / total);
  return sum;
}

/* gaussian_interval - mass of N(0,1) between a and b > a; tails by erfc, which does not cancel */
static double gaussian_interval(double a, double b)
{
  a *= sqrt(0.5);
  b *= sqrt(0.5);
  if (a > 0.0) return 0.5 * (erfc(a) - erfc(b));
  if (b < 0.0) return 0.5 * (erfc(-b) - erfc(-a));
  return 0.5 * (erf(b) - erf(a));
}

/* Deviations beyond which erfc() is zero in double precision */
#define GAUSS_END 39.0

/*
  gaussian_bin_masses - masses of N(mean, var) in the B equal bins of [lo, hi)

  Output: mass[begin..end-1]; the other bins hold nothing that a double can tell from zero
*/
static void gaussian_bin_masses(double mean, double var, int B, double lo, double hi, int *begin, int *end,
                                double *restrict mass)
{
  const double sd = sqrt(var), width = (hi - lo) / B;
  const double first = floor((mean - GAUSS_END * sd - lo) / width),
               last  = ceil((mean + GAUSS_END * sd - lo) / width);

  *begin = (int)fmin(fmax(first, 0.0), B);
  *end   = (int)fmin(fmax(last, 0.0), B);
  for (int i = *begin; i < *end; i++) {
    mass[i] = gaussian_interval((lo + i * width - mean) / sd, (lo + (i + 1) * width - mean) / sd);
  }
}

/*
  mixture_bin_masses - exact masses of a Gaussian mixture in the bins of box_histogram(), d = 1 or 2

  Input:  weights[n], means[n][d], vars[n][d] > 0 (diagonal covariances), bins[d], lo[d], hi[d]
          work[bins[0] + bins[1]] (bins[0] + 1 if d = 1)
  Output: mass[histogram_size(d, bins)]; their sum falls short of the weights' by the mass outside
  Cost:   a component costs the bins within 39 deviations of it: erfc an edge and axis, one product a bin
*/
void mixture_bin_masses(long n, int d, const double *restrict weights, const double *restrict means,
                        const double *restrict vars, const int *restrict bins, const double *restrict lo,
                        const double *restrict hi, double *restrict work, double *restrict mass)
{
  const int columns = d == 2 ? bins[1] : 1;
  double   *first = work, *second = work + bins[0];
  int       i0, i1, j0 = 0, j1 = 1;

  memset(mass, 0, (size_t)bins[0] * (size_t)columns * sizeof(*mass));
  second[0] = 1.0;
  for (long c = 0; c < n; c++) {
    gaussian_bin_masses(means[c * d], vars[c * d], bins[0], lo[0], hi[0], &i0, &i1, first);
    if (d == 2)
      gaussian_bin_masses(means[c * 2 + 1], vars[c * 2 + 1], bins[1], lo[1], hi[1], &j0, &j1, second);
    for (int i = i0; i < i1; i++) {
      const double w = weights[c] * first[i];

      for (int j = j0; j < j1; j++) mass[(long)i * columns + j] += w * second[j];
    }
  }
}
