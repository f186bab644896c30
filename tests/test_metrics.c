#include "metrics_check.h"

#include <unistd.h>

/* ---- known values ---- */

START_TEST(test_distances_of_known_sets)
{
  const double a[] = {0, 1, 3, 4}, b[] = {1, 2, 7};

  ck_assert_double_eq_tol(distance("energy", 2, 0, 4, square_x, 4, square_y, 64, 36), 1.372324425853, 1e-12);
  ck_assert_double_eq_tol(distance("energy", 1, 0, 4, a, 3, b, 64, 36), 0.957427107756, 1e-12);
  ck_assert_double_eq_tol(distance("sw2", 2, 0, 4, square_x, 4, square_y, 64, 36), 1.725692027875, 1e-12);
  ck_assert_double_eq_tol(distance("sw2", 2, 0, 4, square_x, 4, square_y, 4, 36), 1.732050807569, 1e-12);
  /* on a line: W2 itself, one direction */
  ck_assert_double_eq_tol(distance("sw2", 1, 0, 4, a, 3, b, 64, 36), sqrt(25.0 / 6), 1e-14);
}
END_TEST

START_TEST(test_distances_of_angles_know_that_pi_is_minus_pi)
{
  const double a[] = {3.1, 0, -3.1, 0.5}, b[] = {-3.1, 0, 3, 0.4},
               wound[]  = {3.1 - 2 * PI, 4 * PI, -3.1, 0.5 + 2 * PI};
  const double      p[] = {-PI, 0, PI, 0, 0, 0, 0.1, 0.1}, q[] = {-PI, 0, 1, 1, 0, 0, -0.1, 0.1};
  const char *const names[] = {"energy", "js", "sw2"};

  ck_assert_double_eq_tol(distance("energy", 2, 2 * PI, 2, a, 2, b, 64, 36), 0.358450273827, 1e-12);
  ck_assert_double_eq_tol(distance("js", 2, 2 * PI, 4, p, 4, q, 64, 4), 0.107880777169, 1e-12);
  for (int k = 0; k < 3; k++)
    ck_assert_double_eq_tol(distance(names[k], 2, 2 * PI, 2, wound, 2, b, 64, 36),
                            distance(names[k], 2, 2 * PI, 2, a, 2, b, 64, 36), 1e-14);
}
END_TEST

/* the unit of an angle does not matter */
START_TEST(test_degrees_measure_like_radians)
{
  const double a[] = {3.1, 0, -3.1, 0.5}, b[] = {-3.1, 0, 3, 0.4};
  double       x[4], y[4];

  for (int i = 0; i < 4; i++) {
    x[i] = a[i] * 180 / PI;
    y[i] = b[i] * 180 / PI;
  }
  ck_assert_double_eq_tol(distance("energy", 2, 360, 2, x, 2, y, 64, 36), 0.358450273827, 1e-12);
  ck_assert_double_eq_tol(distance("js", 2, 360, 2, x, 2, y, 64, 36),
                          distance("js", 2, 2 * PI, 2, a, 2, b, 64, 36), 1e-15);
}
END_TEST

START_TEST(test_a_set_is_at_no_distance_from_itself)
{
  const char *const names[] = {"energy", "js", "sw2"};
  Law               law;
  double           *x;

  preset_law("diamond", &law);
  x = draw(&law.law, 3, 700);
  for (int k = 0; k < 3; k++) {
    ck_assert_all(distance(names[k], 2, 0, 700, x, 700, x, 16, 36) == 0);
    ck_assert_all(distance(names[k], 2, 2 * PI, 700, x, 700, x, 16, 36) == 0);
  }
  free(x);
}
END_TEST

/* Samples outside the box of the reference are not forgotten: disjoint sets are ln 2 apart */
START_TEST(test_divergence_counts_rows_outside_the_box)
{
  double far[8];

  for (int i = 0; i < 8; i++) far[i] = square_x[i] + 100;
  ck_assert_double_eq_tol(distance("js", 2, 0, 4, far, 4, square_x, 16, 36), log(2.0), 1e-15);
  ck_assert_double_eq_tol(distance("js", 1, 0, 8, far, 8, square_x, 16, 36), log(2.0), 1e-15);
}
END_TEST

/* A column of angles beside one that is none: whole turns change nothing */
START_TEST(test_divergence_folds_angles_beside_other_columns)
{
  enum { N = 200 };
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double         *x = reals(2 * N), *y = reals(2 * N), straight, wound;

  c.period[1]   = 3;
  settings.list = "js";
  rng_normal_double((RngStream){1, RNG_METRICS, 3}, 0, N, 2, x);
  rng_normal_double((RngStream){2, RNG_METRICS, 3}, 0, N, 2, y);
  metrics  = metrics_of(&settings, N, y, &c, NULL);
  straight = measure(metrics, "js", N, 2, x);
  for (int r = 0; r < N; r++) x[2 * r + 1] += 3 * (r % 5 - 2);
  wound = measure(metrics, "js", N, 2, x);
  ck_assert_double_lt(straight, 0.6); /* below ln 2: they overlap */
  ck_assert_double_eq_tol(wound, straight, 1e-14);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
  free(y);
}
END_TEST

/* x beyond all of the law: every mass moves to the right, W1 is the difference of the means */
START_TEST(test_exact_distance_of_far_points_is_that_of_means)
{
  Law         law;
  Coordinates c = columns(1, NULL, 0);
  Metrics     metrics;
  double     *y, x[] = {41, 43, 45};

  preset_law("coarse_1d", &law);
  y       = draw(&law.law, 1, 100);
  metrics = metrics_of(&metrics_defaults, 100, y, &c, &law.law);
  ck_assert_double_eq_tol(measure(metrics, "w1", 3, 1, x), 43, 1e-12);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(y);
}
END_TEST

/* ---- a law that is known ---- */

/*
  10,000 rows of eight peaks on a circle and one in its centre, against 10,000 others: 128 directions, 64 x 64
  bins on [-1.1, 1.1]^2. Independent values: SW2 0.020 and 0.0036, seed scatter 0.003 and 0.0005; KL 0.179 and
  0.183
*/
START_TEST(test_floors_of_nine_peaks)
{
  enum { N = 10000 };
  const char *const preset[] = {"ring", "ring_close"};
  const double      sw2[] = {0.020, 0.0036}, scatter[] = {0.003, 0.0005}, kl[] = {0.179, 0.183};
  MetricsSettings   settings = metrics_defaults;

  settings.list = "sw2,kl";
  for (int k = 0; k < 2; k++) {
    Law         law;
    Coordinates c = columns(2, NULL, 0);
    Metrics     metrics;
    double     *x, *y, value[NUMBERS];

    preset_law(preset[k], &law);
    x       = draw(&law.law, 1, N);
    y       = draw(&law.law, 2, N);
    metrics = metrics_of(&settings, N, y, &c, &law.law);
    ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
    ck_assert_double_eq_tol(value_of(metrics, "sw2", value), sw2[k], 4 * scatter[k]);
    ck_assert_double_eq_tol(value_of(metrics, "kl", value), kl[k],
                            0.006); /* scatter of some 0.001 to 0.002 */
    ck_call(MetricsDestroy(&metrics));
    ck_call(CoordinatesFree(&c));
    free(x);
    free(y);
  }
}
END_TEST

START_TEST(test_modes_of_samples_of_the_law)
{
  enum { N = 20000 };
  Law             law;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double         *x, value[NUMBERS], level[NUMBERS], err[NUMBERS], all_in_one[20] = {0};
  const double    share = 1 - exp(-4.5), share_err = sqrt(share * (1 - share) / N),
               sd_err = 0.04 / sqrt(4.0 * N);

  settings.list = "share3,modes";
  preset_law("ring", &law);
  x       = draw(&law.law, 9, N);
  metrics = metrics_of(&settings, N, x, &c, &law.law);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
  ck_assert_double_eq_tol(value_of(metrics, "share3", value), share, 5 * share_err);
  ck_assert_double_eq_tol(value_of(metrics, "sd", value), 0.04, 5 * sd_err);
  /* tv: nine weights of deviation e each, mean (9/2) sqrt(2/pi) e */
  ck_assert_double_eq_tol(value_of(metrics, "tv", value), 4.5 * sqrt(2 / PI) * sqrt(8.0 / 81 / N), 0.005);
  /* the reference's own levels; a distance has none */
  ck_call(MetricsGetLevels(metrics, level, err));
  ck_assert_double_eq(value_of(metrics, "share3", level), value_of(metrics, "share3", value));
  ck_assert_double_eq(value_of(metrics, "sd", level), value_of(metrics, "sd", value));
  ck_assert(isnan(value_of(metrics, "tv", level)));
  /* an error from ten blocks is itself known to 1/sqrt(18) = 24 % */
  ck_assert_double_eq_tol(value_of(metrics, "sd", err) / sd_err, 1, 0.9);
  ck_assert_double_eq_tol(value_of(metrics, "share3", err) / share_err, 1, 0.9);
  /* all samples in the middle of one peak */
  ck_call(MetricsCompute(metrics, 10, own_rows(10, 2, all_in_one), value, NULL));
  ck_assert_double_eq(value_of(metrics, "share3", value), 1);
  ck_assert_double_eq(value_of(metrics, "sd", value), 0);
  /* two samples 0.02 apart: squares of 1e-4 each, over two coordinates and one degree of freedom */
  all_in_one[0] = 0.01;
  all_in_one[2] = -0.01;
  ck_call(MetricsCompute(metrics, 2, own_rows(2, 2, all_in_one), value, NULL));
  ck_assert_double_eq_tol(value_of(metrics, "sd", value), 0.01, 1e-12);
  all_in_one[0] = all_in_one[2] = 0;
  ck_call(MetricsCompute(metrics, 10, own_rows(10, 2, all_in_one), value, NULL));
  ck_assert_double_eq_tol(value_of(metrics, "tv", value), 8.0 / 9, 1e-15);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* A peak near the edge of the usual window widens it; a window that is given stays */
START_TEST(test_window_holds_the_law)
{
  enum { N = 4000 };
  Law             law;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         wide, narrow;
  double         *x;

  settings.list    = "kl";
  settings.kl_bins = 8;
  preset_law("two_gauss_2d", &law); /* centres at +-1.2, width 0.5 */
  x                  = draw(&law.law, 4, N);
  wide               = metrics_of(&settings, N, x, &c, &law.law);
  settings.window[0] = -0.5;
  settings.window[1] = 0.5;
  narrow             = metrics_of(&settings, N, x, &c, &law.law);
  /* KL of 8 x 8 bins: about (filled - 1)/(2 N) = 0.005 when the window holds all of the law */
  ck_assert_double_lt(fabs(measure(wide, "kl", N, 2, x)), 0.01);
  /* half a count in the few bins of the middle hardly matters, so little is seen there either way */
  ck_assert_double_lt(fabs(measure(narrow, "kl", N, 2, x)), 0.01);
  /* samples all at one place: the sum over bins of p log p and p log of what half a count leaves */
  for (int r = 0; r < N; r++) {
    x[2 * r]     = 3;
    x[2 * r + 1] = 3;
  }
  ck_assert_double_gt(measure(wide, "kl", N, 2, x), 3);
  ck_assert_double_gt(measure(narrow, "kl", N, 2, x), 0.1);
  ck_call(MetricsDestroy(&wide));
  ck_call(MetricsDestroy(&narrow));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* the trajectory's file states populations and their errors from ten time blocks */
START_TEST(test_levels_reproduce_the_populations_of_the_trajectory)
{
  const char *const path = "inputs/data/alanine_dipeptide.h5", *const name[] = {"phi", "psi"};
  const char *const basin[]  = {"pop_alphaR", "pop_PII", "pop_C5", "pop_alphaL"};
  Coordinates       c        = columns(2, name, 2 * PI);
  MetricsSettings   settings = metrics_defaults;
  Metrics           metrics;
  Input             in;
  PetscBool         found;
  double           *x, population[4], error[4], value[NUMBERS], err[NUMBERS];
  int64_t           dims[2];

  if (access(path, R_OK)) {
    printf("SKIP test_levels_reproduce_the_populations_of_the_trajectory: no %s\n", path);
    return;
  }
  ck_call(InputOpen("test", path, &in));
  ck_call(InputGetDims(in, "phi_psi", 2, dims));
  x = reals(dims[0] * 2);
  ck_call(InputRead(in, "phi_psi", AD_DOUBLE, x));
  ck_call(InputAttrReal(in, "/", "basin_population", 4, population, &found));
  ck_call(InputAttrReal(in, "/", "basin_block_stderr", 4, error, &found));
  ck_call(InputClose(&in));
  settings.list = "basins";
  metrics       = metrics_of(&settings, dims[0], x, &c, NULL);
  ck_call(MetricsGetLevels(metrics, value, err));
  for (int k = 0; k < 4; k++) {
    ck_assert_double_eq_tol(value_of(metrics, basin[k], value), population[k],
                            1e-4); /* blocks differ by one frame */
    ck_assert_double_eq_tol(value_of(metrics, basin[k], err), error[k], 1e-14);
  }
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

Suite *metrics_suite(void)
{
  Suite *suite  = suite_create("metrics");
  TCase *values = tcase_create("known values");
  TCase *laws   = tcase_create("known laws");
  TCase *levels = tcase_create("levels");

  tcase_add_test(values, test_distances_of_known_sets);
  tcase_add_test(values, test_distances_of_angles_know_that_pi_is_minus_pi);
  tcase_add_test(values, test_degrees_measure_like_radians);
  tcase_add_test(values, test_a_set_is_at_no_distance_from_itself);
  tcase_add_test(values, test_divergence_counts_rows_outside_the_box);
  tcase_add_test(values, test_divergence_folds_angles_beside_other_columns);
  tcase_add_test(values, test_exact_distance_of_far_points_is_that_of_means);
  tcase_add_test(laws, test_floors_of_nine_peaks);
  tcase_add_test(laws, test_modes_of_samples_of_the_law);
  tcase_add_test(laws, test_window_holds_the_law);
  tcase_add_test(levels, test_levels_reproduce_the_populations_of_the_trajectory);
  suite_add_tcase(suite, values);
  suite_add_tcase(suite, laws);
  suite_add_tcase(suite, levels);
  return suite;
}
