#include "metric_check.h"

#include <stdio.h>
#include <string.h>

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
  ck_assert_double_eq_tol(energy(4, 4, 2, square_x, square_y), 1.372324425853, 1e-12);
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

  covariance_block_sums(n, BLOCK_DIM, X, mean, 0, BLOCK_DIM, sums);
}

static void sums_modes(long n, const double *X, double *sums)
{
  const double centres[BLOCK_MODES * BLOCK_DIM] = {0, 0, 0, 0, 1, 1, 1, 1, -1, 0, 1, 0};

  mode_block_sums(n, BLOCK_DIM, X, BLOCK_MODES, centres, sums);
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

  moment_block_sums(4, 2, square_y, mean);
  mean[0] /= 4.0;
  mean[1] /= 4.0;
  ck_assert_double_eq(mean[0], 2.0);
  ck_assert_double_eq(mean[1], 3.0);
  covariance_block_sums(4, 2, square_y, mean, 0, 2, upper);
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
  covariance_block_sums(N, 3, X, mean, 0, 3, sums);
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

Suite *metric_kernels_suite(void)
{
  Suite *suite  = suite_create("metric_kernels");
  TCase *pairs  = tcase_create("energy distance");
  TCase *blocks = tcase_create("sums");

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
  suite_add_tcase(suite, pairs);
  suite_add_tcase(suite, blocks);
  return suite;
}
