#include "admetrickernels.h"
#include "adrng.h"
#include "ad_check.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI        3.14159265358979323846
#define LENGTH(a) ((long)(sizeof(a) / sizeof((a)[0])))

/* Two small sets in the plane whose distances are known to 12 digits from an independent computation */
static const double square_x[4][2] = {{0, 0}, {2, 0}, {0, 2}, {2, 2}};
static const double square_y[4][2] = {{1, 1}, {3, 1}, {1, 5}, {3, 5}};

static double *reals(long n)
{
  double *a = malloc((size_t)(n > 0 ? n : 1) * sizeof(*a));

  ck_assert_ptr_nonnull(a);
  return a;
}

static double *normals(uint64_t seed, long n, int d)
{
  double *a = reals(n * d);

  rng_normal_double((RngStream){seed, RNG_METRICS, 0}, 0, (size_t)n, d, a);
  return a;
}

/* ---- energy distance ---- */

static double pair_sum(long n, int d, const double *X, long m, const double *Y)
{
  double *packed = reals(energy_packed_length(m, d)), *sums = reals(metric_blocks(n)), total;

  energy_pack(m, d, Y, packed);
  energy_block_sums(n, d, X, m, packed, sums);
  block_sum_total(metric_blocks(n), 1, sums, &total);
  free(packed);
  free(sums);
  return total;
}

static double energy(long n, long m, int d, const double *X, const double *Y)
{
  return energy_distance(n, m, pair_sum(n, d, X, m, Y), pair_sum(n, d, X, n, X), pair_sum(m, d, Y, m, Y));
}

START_TEST(test_energy_distance_known_sets)
{
  const double a[] = {0, 1, 3}, b[] = {5, 6, 8}, c[] = {0, 1, 3, 4}, e[] = {1, 2, 7};

  ck_assert_double_eq_tol(energy(3, 3, 1, a, b), 2.708012801545, 1e-12);
  ck_assert_double_eq_tol(energy(4, 3, 1, c, e), 0.957427107756, 1e-12);
  ck_assert_double_eq_tol(energy(4, 4, 2, square_x[0], square_y[0]), 1.372324425853, 1e-12);
}
END_TEST

START_TEST(test_energy_distance_of_angles_on_circles)
{
  const double a[] = {3.1, 0, -3.1, 0.5}, b[] = {-3.1, 0, 3, 0.4};
  double       p[8], q[8];

  circle_embed(2, 2, a, p);
  circle_embed(2, 2, b, q);
  ck_assert_double_eq_tol(energy(2, 2, 4, p, q), 0.358450273827, 1e-12);
}
END_TEST

/* n points i u/n on a line: the sum of |i - j|/n over pairs is (n^2 - 1)/3 in any dimension */
START_TEST(test_pair_sum_of_equispaced_points)
{
  const int  dims[]  = {1, 2, 3, 4, 5, 25, 84};
  const long sizes[] = {1, 31, 32, 255, 256, 257, 700};

  for (int a = 0; a < LENGTH(dims); a++) {
    for (int b = 0; b < LENGTH(sizes); b++) {
      const int  d = dims[a];
      const long n = sizes[b];
      double    *X = reals(n * d), exact = ((double)n * (double)n - 1.0) / 3.0;

      for (long i = 0; i < n * d; i++) X[i] = 7.0 + floor((double)i / d) / (double)n / sqrt(d);
      /* 7 + small has an error of 1e-15 in the coordinate, and so have the distances */
      ck_assert_double_eq_tol(pair_sum(n, d, X, n, X), exact, 1e-14 * (double)(n * n) + 1e-12 * exact);
      free(X);
    }
  }
}
END_TEST

START_TEST(test_pair_sum_matches_plain_square_roots)
{
  const int dims[] = {1, 2, 4, 7, 25};

  for (int a = 0; a < LENGTH(dims); a++) {
    const int  d = dims[a];
    const long n = 300, m = 77;
    double    *X = normals(1, n, d), *Y = normals(2, m, d), sum = 0.0;

    for (long i = 0; i < n; i++) {
      for (long j = 0; j < m; j++) {
        double s = 0.0;

        for (int k = 0; k < d; k++) s += (X[i * d + k] - Y[j * d + k]) * (X[i * d + k] - Y[j * d + k]);
        sum += sqrt(s);
      }
    }
    /* 23100 terms added one by one carry some 1e-14 themselves */
    ck_assert_double_eq_tol(pair_sum(n, d, X, m, Y) / sum, 1.0, 1e-13);
    free(X);
    free(Y);
  }
}
END_TEST

START_TEST(test_pair_sum_keeps_precision_over_magnitudes)
{
  for (int e = -140; e <= 140; e += 20) {
    const double x = 0.0, y = 1.7 * pow(10.0, e);

    ck_assert_double_eq_tol(pair_sum(1, 1, &x, 1, &y) / y, 1.0, 5e-16);
  }
}
END_TEST

START_TEST(test_energy_distance_scales_and_vanishes)
{
  const long n = 400, m = 300;
  double    *X = normals(3, n, 2), *Y = normals(4, m, 2), base;

  ck_assert_double_eq(energy(n, n, 2, X, X), 0.0);
  base = energy(n, m, 2, X, Y);
  ck_assert_double_eq_tol(energy(m, n, 2, Y, X), base, 1e-12); /* symmetric */
  for (long i = 0; i < n * 2; i++) X[i] *= 9.0;
  for (long i = 0; i < m * 2; i++) Y[i] *= 9.0;
  ck_assert_double_eq_tol(energy(n, m, 2, X, Y), 3.0 * base, 1e-12); /* a root of a length */
  free(X);
  free(Y);
}
END_TEST

START_TEST(test_energy_distance_of_diverged_samples_is_nan)
{
  const double bad[] = {NAN, INFINITY, -INFINITY, 1e200}, good[] = {0.0, 1.0};

  for (int k = 0; k < LENGTH(bad); k++) {
    const double X[] = {0.5, bad[k]};

    ck_assert(isnan(energy(2, 2, 1, X, good)));
    ck_assert(isnan(energy(2, 2, 1, good, X)));
  }
}
END_TEST

/* ---- sums in fixed blocks ---- */

typedef void (*BlockSums)(long n, const double *X, double *sums);

enum { BLOCK_ROWS = 1500, BLOCK_OTHER = 333, BLOCK_DIM = 4, BLOCK_MODES = 3 };

static double block_packed[(BLOCK_OTHER + 64) * BLOCK_DIM];

static void sums_energy(long n, const double *X, double *sums)
{
  energy_block_sums(n, BLOCK_DIM, X, BLOCK_OTHER, block_packed, sums);
}

static void sums_moment(long n, const double *X, double *sums)
{
  moment_block_sums(n, BLOCK_DIM, X, sums);
}

static void sums_covariance(long n, const double *X, double *sums)
{
  const double mean[BLOCK_DIM] = {0.1, -0.2, 0.3, 0.0};

  covariance_block_sums(n, BLOCK_DIM, X, mean, sums);
}

static void sums_modes(long n, const double *X, double *sums)
{
  const double centres[BLOCK_MODES * BLOCK_DIM] = {0, 0, 0, 0, 1, 1, 1, 1, -1, 0, 1, 0};

  mode_block_sums(n, BLOCK_DIM, X, BLOCK_MODES, centres, 1.0, sums);
}

START_TEST(test_block_sums_same_bits_for_any_split)
{
  const BlockSums kernels[] = {sums_energy, sums_moment, sums_covariance, sums_modes};
  const long widths[] = {1, BLOCK_DIM, BLOCK_DIM * (BLOCK_DIM + 1) / 2, mode_record(BLOCK_MODES, BLOCK_DIM)};
  const long blocks   = metric_blocks(BLOCK_ROWS);
  double    *X = normals(5, BLOCK_ROWS, BLOCK_DIM), *Y = normals(6, BLOCK_OTHER, BLOCK_DIM);

  ck_assert_int_le(energy_packed_length(BLOCK_OTHER, BLOCK_DIM), LENGTH(block_packed));
  energy_pack(BLOCK_OTHER, BLOCK_DIM, Y, block_packed);
  for (int k = 0; k < LENGTH(kernels); k++) {
    const size_t bytes = (size_t)(blocks * widths[k]) * sizeof(double);
    double      *whole = reals(blocks * widths[k]), *pieces = reals(blocks * widths[k]);

    kernels[k](BLOCK_ROWS, X, whole);
    for (int parts = 1; parts <= 9; parts++) { /* more parts than blocks too */
      memset(pieces, 0xff, bytes);
      for (int p = 0; p < parts; p++) {
        long begin, end, first, last;

        metric_split(blocks, p, parts, &begin, &end);
        first = begin * METRIC_BLOCK;
        last  = end * METRIC_BLOCK < BLOCK_ROWS ? end * METRIC_BLOCK : BLOCK_ROWS;
        if (first < last) kernels[k](last - first, X + first * BLOCK_DIM, pieces + begin * widths[k]);
      }
      ck_assert_mem_eq(whole, pieces, bytes);
    }
    free(whole);
    free(pieces);
  }
  free(X);
  free(Y);
}
END_TEST

START_TEST(test_split_covers_all_in_order)
{
  for (long n = 0; n < 20; n++) {
    for (int parts = 1; parts < 8; parts++) {
      long at = 0;

      for (int p = 0; p < parts; p++) {
        long begin, end;

        metric_split(n, p, parts, &begin, &end);
        ck_assert_int_eq(begin, at);
        ck_assert_int_ge(end - begin, n / parts);
        ck_assert_int_le(end - begin, n / parts + 1);
        at = end;
      }
      ck_assert_int_eq(at, n);
    }
  }
}
END_TEST

START_TEST(test_block_moments_of_known_sets)
{
  double mean[2], upper[3], S[2][2];

  moment_block_sums(4, 2, square_y[0], mean);
  mean[0] /= 4.0;
  mean[1] /= 4.0;
  ck_assert_double_eq(mean[0], 2.0);
  ck_assert_double_eq(mean[1], 3.0);
  covariance_block_sums(4, 2, square_y[0], mean, upper);
  covariance_from_sums(4, 2, upper, S[0]);
  ck_assert_double_eq_tol(S[0][0], 4.0 / 3.0, 1e-15);
  ck_assert_double_eq(S[0][1], 0.0);
  ck_assert_double_eq(S[1][0], 0.0);
  ck_assert_double_eq_tol(S[1][1], 16.0 / 3.0, 1e-14);
}
END_TEST

/* rows (t, 2 t, -t) with t = 0..N-1: var t = N (N + 1)/12 */
START_TEST(test_block_covariance_of_a_line)
{
  const long   N = 1000, blocks = metric_blocks(N);
  const double v = 1000.0 * 1001.0 / 12.0, u[] = {1.0, 2.0, -1.0};
  double      *X = reals(3 * N), *sums = reals(blocks * 6), mean[3], upper[6], S[3][3];

  for (long i = 0; i < 3 * N; i++) X[i] = u[i % 3] * floor((double)i / 3.0);
  moment_block_sums(N, 3, X, sums);
  block_sum_total(blocks, 3, sums, mean);
  for (int k = 0; k < 3; k++) {
    mean[k] /= 1000.0;
    ck_assert_double_eq(mean[k], u[k] * 499.5);
  }
  covariance_block_sums(N, 3, X, mean, sums);
  block_sum_total(blocks, 6, sums, upper);
  covariance_from_sums(N, 3, upper, S[0]);
  for (int k = 0; k < 9; k++) ck_assert_double_eq_tol(S[k / 3][k % 3], u[k / 3] * u[k % 3] * v, 1e-9);
  free(X);
  free(sums);
}
END_TEST

START_TEST(test_mean_stderr_of_known_values)
{
  const double two[] = {1.0, 3.0}, five[] = {2.0, 4.0, 4.0, 5.0, 10.0};
  double       mean, err;

  mean_stderr(2, two, &mean, &err);
  ck_assert_double_eq(mean, 2.0);
  ck_assert_double_eq_tol(err, 1.0, 1e-15);
  mean_stderr(5, five, &mean, &err);
  ck_assert_double_eq(mean, 5.0);
  ck_assert_double_eq_tol(err, sqrt(36.0 / 20.0), 1e-15);
}
END_TEST

/* AR(1) frames of unit variance: the mean of N has variance (1 + r)/(1 - r)/N, which single frames miss by far */
START_TEST(test_block_errors_see_correlation)
{
  enum { N = 200000, BLOCKS = 100 };
  const double r = 0.9, exact = sqrt((1.0 + r) / (1.0 - r) / N);
  double      *x = normals(7, N, 1), block[BLOCKS], mean, err, naive;

  for (long i = 1; i < N; i++) x[i] = r * x[i - 1] + sqrt(1.0 - r * r) * x[i];
  for (int b = 0; b < BLOCKS; b++) {
    long begin, end;

    metric_split(N, b, BLOCKS, &begin, &end);
    block[b] = 0.0;
    for (long i = begin; i < end; i++) block[b] += x[i] / (double)(end - begin);
  }
  mean_stderr(BLOCKS, block, &mean, &err);
  mean_stderr(N, x, &mean, &naive);
  /* an error from 100 blocks is itself known to 1/sqrt(2 * 99) = 7 % */
  ck_assert_double_eq_tol(err / exact, 1.0, 4.0 * 0.071);
  ck_assert_double_lt(naive, 0.3 * exact);
  ck_assert_double_lt(fabs(mean), 4.5 * exact);
  free(x);
}
END_TEST

/* ---- histograms ---- */

START_TEST(test_js_known_shares)
{
  const double p[] = {0.5, 0.5, 0, 0}, q[] = {0.5, 0, 0.5, 0}, r[] = {0, 0, 0, 1};

  ck_assert_double_eq_tol(js_divergence(4, p, q), log(2.0) / 2.0, 1e-15);
  ck_assert_double_eq_tol(js_divergence(4, p, r), log(2.0), 1e-15); /* disjoint */
  ck_assert_double_eq(js_divergence(4, p, p), 0.0);
}
END_TEST

START_TEST(test_js_torus_known_samples)
{
  const double a[] = {-PI, 0, PI, 0, 0, 0, 0.1, 0.1}, b[] = {-PI, 0, 1, 1, 0, 0, -0.1, 0.1};
  const int    bins[2] = {4, 4};
  long         na[16], nb[16];
  double       p[16], q[16];

  ck_assert_int_eq(torus_histogram(4, 2, a, bins, na), 0);
  ck_assert_int_eq(torus_histogram(4, 2, b, bins, nb), 0);
  histogram_shares(16, na, p);
  histogram_shares(16, nb, q);
  ck_assert_double_eq_tol(js_divergence(16, p, q), 0.107880777169, 1e-12);
  ck_assert_double_eq(js_divergence(16, p, q), js_divergence(16, q, p));
}
END_TEST

START_TEST(test_torus_histogram_wraps_and_refuses_nan)
{
  const double x[]  = {-PI, PI, 3.0 * PI, -PI + 0.1, PI + 0.1, -PI - 0.1, 0.0, NAN, INFINITY, -INFINITY};
  const int    bins = 7;
  const long   expected[] = {5, 0, 0, 1, 0, 0, 1};
  long         counts[7];

  ck_assert_int_eq(torus_histogram(LENGTH(x), 1, x, &bins, counts), 3);
  ck_assert_mem_eq(counts, expected, sizeof(expected));
}
END_TEST

START_TEST(test_box_histogram_places_points)
{
  const double x[][2] = {{0, 10},     {0.99, 10.5}, {1, 11.999}, {2.999, 10},  {3, 10},
                         {-1e-9, 11}, {1, 12},      {NAN, 11},   {1, INFINITY}};
  const int    bins[] = {3, 4};
  const double lo[] = {0, 10}, hi[] = {3, 12};
  const long   expected[3][4] = {{1, 1, 0, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}};
  long         counts[3][4];

  ck_assert_int_eq(histogram_size(2, bins), 12);
  ck_assert_int_eq(box_histogram(LENGTH(x), 2, x[0], bins, lo, hi, counts[0]), 5);
  ck_assert_mem_eq(counts, expected, sizeof(expected));
}
END_TEST

START_TEST(test_divergence_of_empty_histogram_is_nan)
{
  const long   none[3] = {0, 0, 0};
  const double q[3]    = {0.2, 0.3, 0.5};
  double       p[3];

  histogram_shares(3, none, p);
  ck_assert(isnan(js_divergence(3, p, q)));
  ck_assert(isnan(kl_to_counts(3, p, none, 3)));
}
END_TEST

/* Uniform law: JS * 8/(1/N + 1/M) is chi-square with K - 1 degrees of freedom, sd sqrt(2 (K - 1)) */
START_TEST(test_js_noise_floor_is_mean_for_equal_laws)
{
  enum { N = 6000, M = 3000, B = 6, K = B * B, REPLICAS = 20 };
  const int bins[2] = {B, B};
  double   *u = reals(2L * (N + M)), p[K], q[K], sum = 0.0, floor_value = 0.0;
  long      a[K], b[K];

  for (int r = 0; r < REPLICAS; r++) {
    rng_uniform((RngStream){11, RNG_METRICS, (uint32_t)r}, 0, N + M, 2, u);
    for (long i = 0; i < 2L * (N + M); i++) u[i] = (2.0 * u[i] - 1.0) * PI;
    torus_histogram(N, 2, u, bins, a);
    torus_histogram(M, 2, u + 2L * N, bins, b);
    histogram_shares(K, a, p);
    histogram_shares(K, b, q);
    sum += js_divergence(K, p, q) / REPLICAS;
    floor_value = js_noise_floor(K, a, b);
  }
  ck_assert_double_eq_tol(floor_value, (K - 1) * (1.0 / N + 1.0 / M) / 8.0, 1e-15); /* all bins are filled */
  ck_assert_double_eq_tol(sum / floor_value, 1.0, 4.5 * sqrt(2.0 / ((K - 1) * REPLICAS)));
  free(u);
}
END_TEST

START_TEST(test_kl_of_hand_counts)
{
  const double p[]      = {0.5, 0.5, 0.0};
  const long   counts[] = {3, 0, 1};
  /* q = 3.5/5.5, 0.5/5.5, 1.5/5.5 with N = 4 and K = 3 */
  const double exact = 0.5 * log(0.5 * 5.5 / 3.5) + 0.5 * log(0.5 * 5.5 / 0.5);

  ck_assert_double_eq_tol(kl_to_counts(3, p, counts, 4), exact, 1e-15);
}
END_TEST

/* ---- exact laws ---- */

/* nine equal peaks of width 0.04 on a square lattice turned by 45 degrees */
static void nine_peaks(double spacing, double weights[9], double means[9][2], double vars[9][2])
{
  for (int c = 0; c < 9; c++) {
    const int    row = c / 3 - 1, column = c % 3 - 1;
    const double u = spacing * row, v = spacing * column;

    weights[c]  = 1.0 / 9.0;
    means[c][0] = (u - v) * sqrt(0.5);
    means[c][1] = (u + v) * sqrt(0.5);
    vars[c][0] = vars[c][1] = 0.04 * 0.04;
  }
}

static double *sample_nine_peaks(uint64_t seed, long n, double means[9][2])
{
  double *X = normals(seed, n, 2), *u = reals(n);

  rng_uniform((RngStream){seed, RNG_DATA, 0}, 0, (size_t)n, 1, u);
  for (long i = 0; i < n; i++) {
    const int c = (int)(9.0 * u[i]);

    for (int k = 0; k < 2; k++) X[2 * i + k] = means[c][k] + 0.04 * X[2 * i + k];
  }
  free(u);
  return X;
}

START_TEST(test_bin_masses_sum_to_one)
{
  const int    bins[] = {64, 48};
  const double lo[] = {-1.1, -1.2}, hi[] = {1.1, 1.3};
  double       weights[9], means[9][2], vars[9][2], work[64 + 48], mass[64 * 48], sum = 0.0, row = 0.0;
  double       first[9], line[64];

  nine_peaks(0.5, weights, means, vars);
  mixture_bin_masses(9, 2, weights, means[0], vars[0], bins, lo, hi, work, mass);
  for (int k = 0; k < 64 * 48; k++) sum += mass[k];
  ck_assert_double_eq_tol(sum, 1.0, 1e-13); /* the box reaches nine sigma beyond the outer peaks */
  for (int j = 0; j < 48; j++) row += mass[30 * 48 + j];
  /* summed over the second axis: the law of the first */
  for (int c = 0; c < 9; c++) first[c] = means[c][0];
  mixture_bin_masses(9, 1, weights, first, vars[0], bins, lo, hi, work, line);
  ck_assert_double_eq_tol(row / line[30], 1.0, 1e-13);
}
END_TEST

/* composite Simpson with 64 steps a side: error (h/sigma)^4/180 of the mass of 0.1, h = 1/64, sigma = 0.45: 1e-9 */
START_TEST(test_bin_masses_match_quadrature)
{
  enum { STEPS = 64 };
  const int    bins[] = {5, 4};
  const double lo[] = {-2, -1}, hi[] = {2, 3}, weights[] = {0.3, 0.7};
  const double means[2][2] = {{0.3, 1.1}, {-0.9, 0.2}}, vars[2][2] = {{0.25, 0.5}, {1.3, 0.2}};
  const double h[] = {0.8, 1.0};
  double       work[9], mass[20];

  mixture_bin_masses(2, 2, weights, means[0], vars[0], bins, lo, hi, work, mass);
  for (int b = 0; b < 20; b++) {
    const int row = b / 4, column = b % 4;
    double    sum = 0.0;

    for (int s = 0; s <= STEPS; s++) {
      for (int t = 0; t <= STEPS; t++) {
        const double x  = lo[0] + h[0] * (row + (double)s / STEPS),
                     y  = lo[1] + h[1] * (column + (double)t / STEPS);
        const double ws = (s == 0 || s == STEPS) ? 1.0 : 2.0 + 2.0 * (s % 2);
        const double wt = (t == 0 || t == STEPS) ? 1.0 : 2.0 + 2.0 * (t % 2);

        for (int c = 0; c < 2; c++) {
          const double u = x - means[c][0], v = y - means[c][1];

          sum += ws * wt * weights[c] * exp(-0.5 * (u * u / vars[c][0] + v * v / vars[c][1])) /
                 (2.0 * PI * sqrt(vars[c][0] * vars[c][1]));
        }
      }
    }
    ck_assert_double_eq_tol(mass[b], sum * h[0] * h[1] / (9.0 * STEPS * STEPS), 2e-9);
  }
}
END_TEST

/* far tails do not cancel: P(9 < z < 10) = 1.1285122074235991e-19, P(-10 < z < -9) the same */
START_TEST(test_bin_masses_keep_tails)
{
  const double one = 1.0, zero = 0.0, lo = -10.0, hi = 10.0;
  const int    bins = 20;
  double       work[21], mass[20];

  mixture_bin_masses(1, 1, &one, &zero, &one, &bins, &lo, &hi, work, mass);
  ck_assert_double_eq_tol(mass[19] / 1.1285122074235991e-19, 1.0, 1e-12);
  ck_assert_double_eq_tol(mass[0] / mass[19], 1.0, 1e-12);
  ck_assert_double_eq_tol(mass[10], 0.34134474606854293, 1e-15);
}
END_TEST

/* Samples of the law itself: measured elsewhere 0.179 and 0.183 at N = 10,000 and 0.0194 at 100,000; seeds scatter by
   0.0012 and 0.00016, five times which is the tolerance */
START_TEST(test_kl_floor_of_nine_peaks)
{
  const double spacing[] = {0.5, 0.2, 0.5}, expected[] = {0.179, 0.183, 0.0194},
               tol[]    = {0.006, 0.006, 0.0008};
  const long    sizes[] = {10000, 10000, 100000};
  const int     bins[]  = {64, 64};
  const double  lo[] = {-1.1, -1.1}, hi[] = {1.1, 1.1};
  static double mass[4096];
  static long   counts[4096];
  double        weights[9], means[9][2], vars[9][2], work[128];

  for (int k = 0; k < 3; k++) {
    double *X;

    nine_peaks(spacing[k], weights, means, vars);
    mixture_bin_masses(9, 2, weights, means[0], vars[0], bins, lo, hi, work, mass);
    X = sample_nine_peaks(20 + (uint64_t)k, sizes[k], means);
    ck_assert_int_eq(box_histogram(sizes[k], 2, X, bins, lo, hi, counts), 0);
    ck_assert_double_eq_tol(kl_to_counts(4096, mass, counts, sizes[k]), expected[k], tol[k]);
    free(X);
  }
}
END_TEST

/* ---- Wasserstein ---- */

static double sliced(long n, long m, int L, const double *X, const double *Y)
{
  double *dirs = reals(2L * L), *work = reals(2 * (n + m)), *w2sq = reals(L), w1, result;

  circle_directions(L, dirs);
  for (int l = 0; l < L; l++) projected_wasserstein(n, 2, X, m, Y, dirs + 2L * l, work, &w1, w2sq + l);
  result = sliced_wasserstein(L, w2sq);
  free(dirs);
  free(work);
  free(w2sq);
  return result;
}

START_TEST(test_sliced_wasserstein_known_sets)
{
  const double a[] = {0, 0, 1, 0}, b[] = {0, 1, 1, 1};

  ck_assert_double_eq_tol(sliced(2, 2, 64, a, b), 0.707106781187, 1e-12);
  ck_assert_double_eq_tol(sliced(4, 4, 64, square_x[0], square_y[0]), 1.725692027875, 1e-12);
  ck_assert_double_eq_tol(sliced(4, 4, 4, square_x[0], square_y[0]), 1.732050807569, 1e-12);
}
END_TEST

START_TEST(test_wasserstein_of_unequal_sizes)
{
  const double x[] = {3, 0, 4, 1}, y[] = {7, 1, 2}, one = 1.0;
  double       work[14], w1, w2sq;

  projected_wasserstein(4, 1, x, 3, y, &one, work, &w1, &w2sq);
  ck_assert_double_eq_tol(w1, 5.0 / 3.0, 1e-15);
  ck_assert_double_eq_tol(w2sq, 25.0 / 6.0, 1e-15);
  projected_wasserstein(3, 1, y, 4, x, &one, work, &w1, &w2sq);
  ck_assert_double_eq_tol(w1, 5.0 / 3.0, 1e-15);
  ck_assert_double_eq_tol(w2sq, 25.0 / 6.0, 1e-15);
}
END_TEST

START_TEST(test_wasserstein_ignores_repeats)
{
  const long N = 300;
  double    *x = normals(31, N, 1), *y = normals(32, N, 1), *twice = reals(2 * N), *work = reals(6 * N),
         one = 1.0;
  double w1, w2sq, v1, v2sq;

  for (long i = 0; i < 2 * N; i++) twice[i] = x[i % N];
  projected_wasserstein(N, 1, x, N, y, &one, work, &w1, &w2sq);
  projected_wasserstein(2 * N, 1, twice, N, y, &one, work, &v1, &v2sq);
  ck_assert_double_eq_tol(v1, w1, 1e-13);
  ck_assert_double_eq_tol(v2sq, w2sq, 1e-13);
  projected_wasserstein(2 * N, 1, twice, N, x, &one, work, &v1, &v2sq);
  ck_assert_double_eq(v1, 0.0);
  ck_assert_double_eq(v2sq, 0.0);
  free(x);
  free(y);
  free(twice);
  free(work);
}
END_TEST

START_TEST(test_sliced_shift_is_length_over_root_two)
{
  const long   N   = 500;
  const double v[] = {0.3, -1.7};
  double      *X = normals(33, N, 2), *Y = reals(2 * N);

  for (long i = 0; i < 2 * N; i++) Y[i] = X[i] + v[i % 2];
  ck_assert_double_eq_tol(sliced(N, N, 64, X, Y), sqrt((v[0] * v[0] + v[1] * v[1]) / 2.0), 1e-12);
  free(X);
  free(Y);
}
END_TEST

/* a shift by v projects to (v.u)^2: mean |v|^2/d over uniform directions, sd sqrt(2 (d-1)/(d+2)) times that */
START_TEST(test_sliced_shift_in_many_dimensions)
{
  enum { D = 25 };
  const long N = 40, L = 2000;
  double    *X = normals(34, N, D), *Y = reals(N * D), *dirs = normals(35, L, D), *w2sq = reals(L),
         *work = reals(4 * N), w1;

  unit_rows(L, D, dirs);
  for (long i = 0; i < N * D; i++) Y[i] = X[i] + (i % D == 3 ? 2.0 : 0.0);
  for (long l = 0; l < L; l++) {
    projected_wasserstein(N, D, X, N, Y, dirs + l * D, work, &w1, w2sq + l);
    ck_assert_double_eq_tol(w1, 2.0 * fabs(dirs[l * D + 3]), 1e-13);
  }
  ck_assert_double_eq_tol(sliced_wasserstein(L, w2sq), sqrt(4.0 / D), 4.5 * 0.2 * sqrt(48.0 / 27.0 / 2000.0));
  free(X);
  free(Y);
  free(dirs);
  free(w2sq);
  free(work);
}
END_TEST

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

START_TEST(test_sort_matches_qsort)
{
  const long sizes[] = {0, 1, 2, 3, 255, 256, 5000};

  for (int k = 0; k < LENGTH(sizes); k++) {
    const long n = sizes[k];
    double    *a = normals(36, n, 1), *b = reals(n), *work = reals(n);

    for (long i = 0; i < n; i++)
      a[i] *= pow(10.0, (double)(i % 600) - 300.0) * (i % 5 > 0); /* zeros of both signs */
    memcpy(b, a, (size_t)n * sizeof(*a));
    sort_doubles(n, a, work);
    qsort(b, (size_t)n, sizeof(*b), by_value);
    for (long i = 0; i < n; i++) ck_assert(a[i] == b[i]);
    free(a);
    free(b);
    free(work);
  }
}
END_TEST

START_TEST(test_wasserstein_of_diverged_samples_is_nan)
{
  const double x[] = {0.0, NAN, 1.0}, y[] = {0.0, 0.5, 1.0}, one = 1.0;
  double       work[12], w1, w2sq;

  projected_wasserstein(3, 1, x, 3, y, &one, work, &w1, &w2sq);
  ck_assert(isnan(w1) && isnan(w2sq));
}
END_TEST

/* one sample at the mean: E|Z| sd; one far away: its distance from the mean */
START_TEST(test_mixture_wasserstein_closed_forms)
{
  const double one = 1.0, mean = 0.7, var = 0.09, far = 1e4, pair[] = {0.7 - 20.0, 0.7 + 20.0};

  ck_assert_double_eq_tol(mixture_wasserstein1(1, &mean, 1, &one, &mean, &var), 0.3 * sqrt(2.0 / PI), 1e-15);
  ck_assert_double_eq_tol(mixture_wasserstein1(1, &far, 1, &one, &mean, &var), far - mean, 1e-11);
  /* two points far out on either side: 20 less the mean deviation */
  ck_assert_double_eq_tol(mixture_wasserstein1(2, pair, 1, &one, &mean, &var), 20.0 - 0.3 * sqrt(2.0 / PI),
                          1e-13);
}
END_TEST

/* against the midpoint rule on 400,000 cells of [-8, 8]: each of 40 steps of 1/40 costs at most half a cell of 4e-5 */
START_TEST(test_mixture_wasserstein_matches_quadrature)
{
  enum { N = 40, K = 3, CELLS = 400000 };
  const double weights[K] = {0.33, 0.34, 0.33}, means[K] = {-2, 0, 2}, vars[K] = {0.0625, 0.0625, 0.25};
  const double h = 16.0 / CELLS;
  double      *x = normals(37, N, 1), *work = reals(N), sum = 0.0;
  long         below = 0;

  for (int i = 0; i < N; i++) x[i] = 1.5 * x[i] + 0.2;
  sort_doubles(N, x, work);
  for (long c = 0; c < CELLS; c++) {
    const double at = -8.0 + ((double)c + 0.5) * h;
    double       F  = 0.0;

    while (below < N && x[below] <= at) below++;
    for (int k = 0; k < K; k++) F += weights[k] * 0.5 * erfc((means[k] - at) / sqrt(2.0 * vars[k]));
    sum += h * fabs((double)below / N - F);
  }
  ck_assert_double_eq_tol(mixture_wasserstein1(N, x, K, weights, means, vars), sum, 2e-5);
  free(x);
  free(work);
}
END_TEST

/* ---- modes and basins ---- */

START_TEST(test_mode_summary_of_hand_placed_samples)
{
  const double centres[2][2] = {{0, 0}, {10, 0}};
  const double X[][2]        = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {10, 2}, {10, 5}, {NAN, 0}, {0, INFINITY}};
  double       totals[10], weights[2], sd[2], inside;

  ck_assert_int_eq(mode_record(2, 2), 10);
  mode_block_sums(8, 2, X[0], 2, centres[0], 2.0, totals);
  mode_summary(8, 2, 2, totals, weights, sd, &inside);
  ck_assert_double_eq(weights[0], 0.5);
  ck_assert_double_eq(weights[1], 0.25);
  ck_assert_double_eq(inside, 5.0 / 8.0); /* the boundary counts, what is not finite does not */
  ck_assert_double_eq_tol(sd[0], sqrt(4.0 / 6.0), 1e-15);
  ck_assert_double_eq_tol(sd[1], sqrt(4.5 / 2.0), 1e-15); /* about their own mean (10, 3.5) */
  mode_block_sums(1, 2, X[0], 2, centres[0], 2.0, totals);
  mode_summary(1, 2, 2, totals, weights, sd, &inside);
  ck_assert(isnan(sd[0]) && isnan(sd[1]));
}
END_TEST

START_TEST(test_nine_peaks_share_within_three_sigma)
{
  enum { N = 20000 };
  const double sigma = 0.04, exact = 1.0 - exp(-4.5);
  double       weights[9], means[9][2], vars[9][2], *X, *sums, totals[45], shares[9], sd[9], inside;

  nine_peaks(0.5, weights, means, vars);
  X    = sample_nine_peaks(40, N, means);
  sums = reals(metric_blocks(N) * 45);
  mode_block_sums(N, 2, X, 9, means[0], 3.0 * sigma, sums);
  block_sum_total(metric_blocks(N), 45, sums, totals);
  mode_summary(N, 2, 9, totals, shares, sd, &inside);
  ck_assert_double_eq_tol(inside, exact, 4.5 * sqrt(exact * (1.0 - exact) / N));
  for (int c = 0; c < 9; c++) {
    ck_assert_double_eq_tol(sd[c] / sigma, 1.0, 4.5 / sqrt(4.0 * N / 9.0));
    ck_assert_double_eq_tol(shares[c], 1.0 / 9.0, 4.5 * sqrt(8.0 / 81.0 / N));
  }
  /* half the sum of nine |deviations|, at most twice its mean */
  ck_assert_double_lt(total_variation(9, shares, weights), 2.0 * 4.5 * sqrt(8.0 / 81.0 / N) * sqrt(2.0 / PI));
  free(X);
  free(sums);
}
END_TEST

START_TEST(test_total_variation_of_known_weights)
{
  const double p[] = {0.05, 0.075, 0.75, 0.075, 0.05}, q[] = {0.166, 0.207, 0.255, 0.208, 0.164},
               r[] = {1, 0}, s[] = {0, 1};

  ck_assert_double_eq_tol(total_variation(5, p, q), 0.495, 1e-15);
  ck_assert_double_eq(total_variation(2, r, s), 1.0);
  ck_assert_double_eq(total_variation(5, p, p), 0.0);
}
END_TEST

START_TEST(test_torus_centres_see_across_the_cut)
{
  const double deg        = PI / 180.0;
  const double a[][2]     = {{-60 * deg, -16 * deg},
                             {-60 * deg, -14 * deg},
                             {175 * deg, -175 * deg},
                             {-160 * deg, 159 * deg},
                             {-160 * deg, 157 * deg},
                             {-75 * deg, -200 * deg},
                             {NAN, 0}};
  const long   expected[] = {1, 1, 2};
  long         counts[ALANINE_CENTRES];

  torus_centre_counts(LENGTH(a), a[0], ALANINE_CENTRES, alanine_centres, alanine_radius, counts);
  ck_assert_mem_eq(counts, expected, sizeof(expected));
}
END_TEST

START_TEST(test_alanine_basins_cover_the_torus)
{
  const double deg = PI / 180.0, bad[] = {NAN, 0.0, 0.0, INFINITY};
  double       grid[360][2];
  long         counts[ALANINE_BASINS], areas[ALANINE_BASINS] = {0};

  for (int row = 0; row < 180; row++) {
    for (int i = 0; i < 360; i++) {
      grid[i][0] =
          (2.0 * (i % 180) - 179.0) * deg + (i < 180 ? 0.0 : 2.0 * PI); /* once as is, once wound round */
      grid[i][1] = (2.0 * row - 179.0) * deg;
    }
    alanine_basin_counts(360, grid[0], counts);
    for (int b = 0; b < ALANINE_BASINS; b++) areas[b] += counts[b];
  }
  /* in cells of 2 x 2 degrees, twice over: 60 x 180, 120 x 75, 55 x 105, the rest */
  ck_assert_int_eq(areas[BASIN_ALPHA_L], 2L * 60 * 180);
  ck_assert_int_eq(areas[BASIN_ALPHA_R], 2L * 120 * 75);
  ck_assert_int_eq(areas[BASIN_PII], 2L * 55 * 105);
  ck_assert_int_eq(areas[BASIN_C5], 2L * (120 - 55) * 105);
  alanine_basin_counts(ALANINE_CENTRES, alanine_centres[0], counts);
  ck_assert_int_eq(counts[BASIN_ALPHA_R], 1);
  ck_assert_int_eq(counts[BASIN_PII], 1);
  ck_assert_int_eq(counts[BASIN_C5], 1);
  alanine_basin_counts(2, bad, counts);
  for (int b = 0; b < ALANINE_BASINS; b++) ck_assert_int_eq(counts[b], 0);
}
END_TEST

START_TEST(test_alanine_basins_change_at_their_cuts)
{
  const double deg = PI / 180.0, eps = 0.01;
  /* (phi, psi) on a cut, the axis across it, the basins below and above */
  const struct {
    double       at[2];
    int          axis;
    AlanineBasin below, above;
  } cut[] = {{{-60, -100}, 1, BASIN_PII, BASIN_ALPHA_R}, {{-60, 50}, 1, BASIN_ALPHA_R, BASIN_PII},
             {{-110, 150}, 0, BASIN_C5, BASIN_PII},      {{0, 150}, 0, BASIN_PII, BASIN_ALPHA_L},
             {{0, 0}, 0, BASIN_ALPHA_R, BASIN_ALPHA_L},  {{120, 150}, 0, BASIN_ALPHA_L, BASIN_C5},
             {{120, 0}, 0, BASIN_ALPHA_L, BASIN_ALPHA_R}};

  for (int k = 0; k < LENGTH(cut); k++) {
    for (int side = -1; side <= 1; side += 2) {
      double angles[2] = {cut[k].at[0], cut[k].at[1]};
      long   counts[ALANINE_BASINS];

      angles[cut[k].axis] += side * eps;
      for (int a = 0; a < 2; a++) angles[a] *= deg;
      alanine_basin_counts(1, angles, counts);
      ck_assert_int_eq(counts[side < 0 ? cut[k].below : cut[k].above], 1);
    }
  }
}
END_TEST

/* the trajectory's file states populations and their errors from ten time blocks */
START_TEST(test_alanine_basins_reproduce_the_trajectory)
{
  enum { BLOCKS = 10 };
  const char *path                       = "inputs/data/alanine_dipeptide.h5";
  FILE       *probe                      = fopen(path, "rb");
  double      population[ALANINE_BASINS] = {0}, error[ALANINE_BASINS] = {0};
  double      share[ALANINE_BASINS][BLOCKS], *angles;
  hid_t       file, set, space;
  long        n;

  if (!probe) {
    printf("SKIP test_alanine_basins_reproduce_the_trajectory: no %s\n", path);
    return;
  }
  fclose(probe);
  file   = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  set    = H5Dopen2(file, "phi_psi", H5P_DEFAULT);
  space  = H5Dget_space(set);
  n      = (long)H5Sget_simple_extent_npoints(space) / 2;
  angles = reals(2 * n);
  ck_assert_int_ge(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, angles), 0);
  for (int k = 0; k < 2; k++) {
    hid_t attribute = H5Aopen(file, k ? "basin_block_stderr" : "basin_population", H5P_DEFAULT);

    ck_assert_int_ge(H5Aread(attribute, H5T_NATIVE_DOUBLE, k ? error : population), 0);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
  for (int b = 0; b < BLOCKS; b++) {
    long begin, end, counts[ALANINE_BASINS];

    metric_split(n, b, BLOCKS, &begin, &end);
    alanine_basin_counts(end - begin, angles + 2 * begin, counts);
    for (int k = 0; k < ALANINE_BASINS; k++) share[k][b] = (double)counts[k] / (double)(end - begin);
  }
  for (int k = 0; k < ALANINE_BASINS; k++) {
    double mean, err;

    mean_stderr(BLOCKS, share[k], &mean, &err);
    ck_assert_double_eq_tol(mean, population[k], 1e-14);
    ck_assert_double_eq_tol(err, error[k], 1e-14);
  }
  free(angles);
}
END_TEST

Suite *metric_kernels_suite(void)
{
  Suite *suite = suite_create("metric_kernels");
  TCase *pairs = tcase_create("energy distance"), *blocks = tcase_create("sums"),
        *bins      = tcase_create("histograms");
  TCase *transport = tcase_create("Wasserstein"), *modes = tcase_create("modes");

  tcase_add_test(pairs, test_energy_distance_known_sets);
  tcase_add_test(pairs, test_energy_distance_of_angles_on_circles);
  tcase_add_test(pairs, test_pair_sum_of_equispaced_points);
  tcase_add_test(pairs, test_pair_sum_matches_plain_square_roots);
  tcase_add_test(pairs, test_pair_sum_keeps_precision_over_magnitudes);
  tcase_add_test(pairs, test_energy_distance_scales_and_vanishes);
  tcase_add_test(pairs, test_energy_distance_of_diverged_samples_is_nan);
  tcase_add_test(blocks, test_block_sums_same_bits_for_any_split);
  tcase_add_test(blocks, test_split_covers_all_in_order);
  tcase_add_test(blocks, test_block_moments_of_known_sets);
  tcase_add_test(blocks, test_block_covariance_of_a_line);
  tcase_add_test(blocks, test_mean_stderr_of_known_values);
  tcase_add_test(blocks, test_block_errors_see_correlation);
  tcase_add_test(bins, test_js_known_shares);
  tcase_add_test(bins, test_js_torus_known_samples);
  tcase_add_test(bins, test_torus_histogram_wraps_and_refuses_nan);
  tcase_add_test(bins, test_box_histogram_places_points);
  tcase_add_test(bins, test_divergence_of_empty_histogram_is_nan);
  tcase_add_test(bins, test_js_noise_floor_is_mean_for_equal_laws);
  tcase_add_test(bins, test_kl_of_hand_counts);
  tcase_add_test(bins, test_bin_masses_sum_to_one);
  tcase_add_test(bins, test_bin_masses_match_quadrature);
  tcase_add_test(bins, test_bin_masses_keep_tails);
  tcase_add_test(bins, test_kl_floor_of_nine_peaks);
  tcase_add_test(transport, test_sliced_wasserstein_known_sets);
  tcase_add_test(transport, test_wasserstein_of_unequal_sizes);
  tcase_add_test(transport, test_wasserstein_ignores_repeats);
  tcase_add_test(transport, test_sliced_shift_is_length_over_root_two);
  tcase_add_test(transport, test_sliced_shift_in_many_dimensions);
  tcase_add_test(transport, test_sort_matches_qsort);
  tcase_add_test(transport, test_wasserstein_of_diverged_samples_is_nan);
  tcase_add_test(transport, test_mixture_wasserstein_closed_forms);
  tcase_add_test(transport, test_mixture_wasserstein_matches_quadrature);
  tcase_add_test(modes, test_mode_summary_of_hand_placed_samples);
  tcase_add_test(modes, test_nine_peaks_share_within_three_sigma);
  tcase_add_test(modes, test_total_variation_of_known_weights);
  tcase_add_test(modes, test_torus_centres_see_across_the_cut);
  tcase_add_test(modes, test_alanine_basins_cover_the_torus);
  tcase_add_test(modes, test_alanine_basins_change_at_their_cuts);
  tcase_add_test(modes, test_alanine_basins_reproduce_the_trajectory);
  suite_add_tcase(suite, pairs);
  suite_add_tcase(suite, blocks);
  suite_add_tcase(suite, bins);
  suite_add_tcase(suite, transport);
  suite_add_tcase(suite, modes);
  return suite;
}
