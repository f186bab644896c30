#include "ad_check.h"
#include "adrng.h"
#include "adstatistics.h"
#include <math.h>
#include <stdlib.h>

/* ---- known values ---- */

START_TEST(test_incomplete_beta_meets_closed_forms)
{
  for (double x = 0.01; x < 1; x += 0.0333) {
    ck_assert_close(incomplete_beta(1, 1, x), x, 1e-14);
    ck_assert_close(incomplete_beta(3, 1, x), x * x * x, 1e-13);
    ck_assert_close(incomplete_beta(0.5, 0.5, x), 2 / M_PI * asin(sqrt(x)), 1e-13);
    ck_assert_close(incomplete_beta(2, 3, x), x * x * (6 - 8 * x + 3 * x * x), 1e-13);
    ck_assert_double_eq_tol(incomplete_beta(7.3, 0.8, x) + incomplete_beta(0.8, 7.3, 1 - x), 1, 1e-14);
  }
  ck_assert(incomplete_beta(2, 5, 0) == 0 && incomplete_beta(2, 5, 1) == 1 &&
            isnan(incomplete_beta(2, 5, NAN)));
}
END_TEST

/* nu = 1, 2 and 4 have closed forms; the rest are mpmath's betainc at 30 digits */
START_TEST(test_student_t_has_its_known_tails)
{
  for (double t = 0.1; t < 2000; t *= 1.7) {
    const double s = sqrt(4 + t * t), far = 6 / pow(t, 4);

    ck_assert_close(student_t_two_sided(t, 1), 2 / M_PI * atan(1 / t), 1e-12);
    ck_assert_close(student_t_two_sided(t, 2), 2 / (sqrt(2 + t * t) * (sqrt(2 + t * t) + t)), 1e-12);
    if (t < 30) ck_assert_double_eq_tol(student_t_two_sided(t, 4), 1 - t / s * (1 + 2 / (s * s)), 1e-14);
    if (t > 300) ck_assert_close(student_t_two_sided(t, 4), far, 4e-4);
  }
  ck_assert_close(student_t_two_sided(2.5, 7.3), 0.039650234665600471, 1e-12);
  ck_assert_close(student_t_two_sided(12, 3.4), 0.00066825085679217059, 1e-12);
  ck_assert_close(student_t_two_sided(40, 11), 2.8925408981205725e-13, 1e-11);
  ck_assert_close(student_t_two_sided(1.959963984540054, 1e9), 0.05, 1e-6);
  ck_assert(student_t_two_sided(0, 3) == 1 && student_t_two_sided(-2, 5) == student_t_two_sided(2, 5));
}
END_TEST

START_TEST(test_student_t_critical_values_are_those_of_the_tables)
{
  ck_assert_double_eq_tol(student_t_critical(0.05, 1), 12.7062047361747, 1e-10);
  ck_assert_double_eq_tol(student_t_critical(0.05, 10), 2.22813885198627, 1e-11);
  ck_assert_double_eq_tol(student_t_critical(0.01, 4), 4.60409487134999, 1e-11);
  ck_assert_double_eq_tol(student_t_critical(0.001, 2), 31.5990545764454, 1e-9);
}
END_TEST

/* Ten and eight values, worked out independently with scipy.stats.ttest_ind(equal_var=False) */
START_TEST(test_welch_agrees_with_an_independent_computation)
{
  const double a[] = {27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6},
               b[] = {27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0};
  WelchTest test;

  welch_test(10, a, 8, b, &test);
  ck_assert_close(test.difference, 2.75, 1e-13);
  ck_assert_close(test.nu, 15.256460215418832, 1e-12);
  ck_assert_close(test.p, 0.04801923938105101, 1e-11);
  ck_assert_close(welch_halfwidth(&test, 0.05), 2.722785365182561, 1e-10);
}
END_TEST

START_TEST(test_welch_of_sets_without_scatter)
{
  const double a[] = {1, 1, 1}, b[] = {2, 2, 2}, bad[] = {1, NAN, 1};
  WelchTest    test;

  welch_test(3, a, 3, a, &test);
  ck_assert(test.p == 1 && test.difference == 0 && welch_halfwidth(&test, 0.05) == 0);
  welch_test(3, a, 3, b, &test);
  ck_assert(test.p == 0 && test.difference == 1);
  welch_test(3, a, 3, bad, &test);
  ck_assert(isnan(test.p));
}
END_TEST

/* R: p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5), "holm") */
START_TEST(test_holm_agrees_with_known_numbers)
{
  const double p[]     = {0.01, 0.04, NAN, 0.03, 0.005, 0.5};
  const double known[] = {0.04, 0.09, NAN, 0.09, 0.025, 0.5};
  double       adjusted[6];
  int          work[6];

  holm_adjust(6, p, work, adjusted);
  for (int i = 0; i < 6; i++)
    if (i == 2)
      ck_assert(isnan(adjusted[i]));
    else
      ck_assert_close(adjusted[i], known[i], 1e-14);
}
END_TEST

/* ---- chances ---- */

/* Normal sets of other sizes and widths, equal means: p is uniform, nearly (Welch), in its tail */
START_TEST(test_welch_rejects_a_true_hypothesis_as_often_as_it_says)
{
  enum { TRIALS = 20000, NA = 5, NB = 7 };
  double    e[NA + NB];
  int       rejected = 0;
  WelchTest test;

  for (int trial = 0; trial < TRIALS; trial++) {
    rng_normal_double((RngStream){5, RNG_METRICS, 77}, (uint64_t)trial, 1, NA + NB, e);
    for (int i = NA; i < NA + NB; i++) e[i] *= 3;
    welch_test(NA, e, NB, e + NA, &test);
    rejected += test.p < 0.05;
  }
  /* five standard errors of the count, and the half percent by which Welch's approximation is known to be off */
  ck_assert_double_eq_tol(rejected / (double)TRIALS, 0.05, 5 * sqrt(0.05 * 0.95 / TRIALS) + 0.005);
}
END_TEST

START_TEST(test_intervals_cover_the_truth_as_often_as_they_say)
{
  enum { TRIALS = 20000, N = 4 };
  double    e[2 * N];
  int       covered = 0;
  WelchTest test;

  for (int trial = 0; trial < TRIALS; trial++) {
    rng_normal_double((RngStream){6, RNG_METRICS, 78}, (uint64_t)trial, 1, 2 * N, e);
    for (int i = N; i < 2 * N; i++) e[i] += 1.7;
    welch_test(N, e, N, e + N, &test);
    covered += fabs(test.difference - 1.7) <= welch_halfwidth(&test, 0.1);
  }
  ck_assert_double_eq_tol(covered / (double)TRIALS, 0.9, 5 * sqrt(0.1 * 0.9 / TRIALS) + 0.012);
}
END_TEST

Suite *statistics_suite(void)
{
  Suite *suite = suite_create("statistics");
  TCase *tc    = tcase_create("tests of means");

  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, test_incomplete_beta_meets_closed_forms);
  tcase_add_test(tc, test_student_t_has_its_known_tails);
  tcase_add_test(tc, test_student_t_critical_values_are_those_of_the_tables);
  tcase_add_test(tc, test_welch_agrees_with_an_independent_computation);
  tcase_add_test(tc, test_welch_of_sets_without_scatter);
  tcase_add_test(tc, test_holm_agrees_with_known_numbers);
  tcase_add_test(tc, test_welch_rejects_a_true_hypothesis_as_often_as_it_says);
  tcase_add_test(tc, test_intervals_cover_the_truth_as_often_as_they_say);
  suite_add_tcase(suite, tc);
  return suite;
}
