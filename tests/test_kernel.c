/*
  The law of the linear SDE: printed values, 400-digit values, quadrature, identities, limits
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernel_case.h"
#include "reference/kernel_reference.h"

Suite *kernel_suite(void);

/* Error of a covariance, entry by entry; a correlation coefficient below 1e-17 counts as one of that size */
static double covariance_error(int b, const double *S, const double *exact)
{
  double worst = 0.0;

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      double e = exact[i * b + j], floor = 1e-17 * sqrt(exact[i * b + i] * exact[j * b + j]);

      if (S[i * b + j] != e) worst = fmax(worst, fabs(S[i * b + j] - e) / fmax(floor, fabs(e)));
    }
  }
  return worst;
}

/* The numbers below carry 15 digits and the parameter 1/tau its rounding: 1e-13 covers both */
START_TEST(test_kernel_reproduces_table_of_active_values)
{
  static const double row[7][13] = {
      /* k, tau, Tp, Ta, t, phi, m11, m12, m22, mb11, mb12, S, sigma2 */
      {1.3, 0.7, 0.2, 0.9, 0.8, 0.26870763604852, 0.269468481477655, 0.307914281225373, 1.15495535275171,
       0.362301930482949, 0.41809051611824, 0.226346624074492, 1.81178451626019},
      {1, 1, 0, 1, 0.5, 0.303265329856317, 0.0401506985356971, 0.132120558828558, 0.632120558828558,
       0.132120558828558, 0.316060279414279, 0.0322264586051257, 0.0876005968219007},
      {1, 1.000000001, 0, 1, 0.5, 0.303265329932133, 0.0401506984696368, 0.132120558624543, 0.632120557828558,
       0.132120558716512, 0.316060279164279, 0.0322264585512165, 0.0876005966753604},
      {1, 0.5, 0, 1, 1e-5, 9.99985000116666e-6, 2.66660666739999e-15, 3.99990666789999e-10,
       7.99984000213331e-5, 1.99996666698333e-10, 1.9999700003e-5, 2.66659333446665e-15,
       2.66664666686667e-15},
      {1, 0.5, 0.001, 1, 1e-4, 9.99850011666042e-5, 1.99982667400007e-7, 3.99906678998833e-8,
       0.0007998400213312, 2.19976668316578e-7, 0.000199970002999775, 1.99982667266713e-7,
       2.00022667800087e-7},
      {4, 0.15, 0.001, 6.4, 1, 0.00639112690777289, 0.997235208791708, 3.99955973152582, 42.6665975638702,
       0.998977992926162, 3.99990676359543, 0.623995474548276, 1860.10429373258},
      {1, 0.02, 0, 1, 2, 0.00276194455584924, 0.961321312538782, 0.980392156862745, 50.0, 0.961702729425261,
       0.980392156862745, 0.942479353800502, 51.4576291619406}};

  for (int i = 0; i < 7; i++) {
    const double *r      = row[i];
    LinearSde     sde    = active_sde(r[0], r[1], r[2], r[3]);
    Kernel        k      = kernel_at(&sde, r[4]);
    const double  got[8] = {k.F[1],  k.C[0], k.C[1], k.C[3], k.Cb[0], k.Cb[1], k.sigma2 * k.u[0] * k.u[0],
                            k.sigma2};

    for (int j = 0; j < 8; j++) ck_assert_msg(relative(got[j], r[5 + j]) < 1e-13, "row %d column %d", i, j);
  }
}
END_TEST

START_TEST(test_kernel_reproduces_critical_langevin_values)
{
  static const double F[4]  = {0.406005849709838, 0.541341132946451, -0.135335283236613, -0.135335283236613};
  static const double C[4]  = {0.761896694446456, 0.0732625555549367, 0.0732625555549367, 0.227105451389082};
  static const double Cb[4] = {0.764827196668653, 0.0725299299993874, 0.0725299299993874, 0.22728860777797};
  LinearSde           sde   = cld_sde(1.0);
  Kernel              k     = kernel_at(&sde, 0.25);
  const double        wx = -k.u[1], wv = k.u[0]; /* omega2 = up^T Cb up, up = (-u2, u1) */

  for (int i = 0; i < 4; i++) {
    ck_assert_close(k.F[i], F[i], 1e-13);
    ck_assert_close(k.C[i], C[i], 1e-13);
    ck_assert_close(k.Cb[i], Cb[i], 1e-13);
  }
  ck_assert_close(k.l[0], 1.71748374679373, 1e-13);
  ck_assert_close(k.l[1], -2.23660485854946, 1e-13);
  ck_assert_close(k.sigma2, 2.83581501690231, 1e-13);
  ck_assert_double_lt(
      relative(wx * wx * k.Cb[0] + 2.0 * wx * wv * k.Cb[1] + wv * wv * k.Cb[3], 0.0594453153576895), 1e-13);
}
END_TEST

/* 1e-13 where 34 digits inside give 2e-16: a loss of digits anywhere would show */
START_TEST(test_kernel_matches_400_digit_reference)
{
  for (int i = 0; i < NREFERENCE; i++) {
    const int    b    = kernel_reference[i].b;
    LinearSde    sde  = reference_sde(i);
    Kernel       k    = kernel_at(&sde, kernel_reference[i].t);
    const double peak = k.log_norm - 0.5 * log(TWO_PI * k.sigma2); /* log P(u x0 | x0) */
    const double want = -0.5 * b * log(TWO_PI) - 0.5 * kernel_reference[i].log_det;

    ck_assert_msg(covariance_error(b, k.C, kernel_reference[i].C) < 1e-13, "C of case %d", i);
    ck_assert_msg(covariance_error(b, k.Cb, kernel_reference[i].Cb) < 1e-13, "Cb of case %d", i);
    ck_assert_msg(relative(k.sigma2, kernel_reference[i].sigma2) < 1e-13, "sigma2 of case %d", i);
    for (int j = 0; j < b; j++)
      ck_assert_msg(relative(k.l[j], kernel_reference[i].l[j]) < 1e-13, "l[%d] of case %d", j, i);
    ck_assert_msg(fabs(peak - want) < 1e-13 * fmax(1.0, fabs(want)), "log_norm of case %d", i);
  }
}
END_TEST

/* e^{M t} by its power series: good for norm(M) t of order 1 */
static void series_exponential(int b, const double *M, double t, double *F)
{
  double T[SIZE], MT[SIZE];

  for (int i = 0; i < b * b; i++) F[i] = T[i] = i % (b + 1) == 0;
  for (int j = 1; j < 80; j++) {
    multiply(b, b, b, M, T, MT);
    for (int i = 0; i < b * b; i++) F[i] += T[i] = MT[i] * t / j;
  }
}

/* Gauss-Legendre, 4 points on each of 200 panels: error far below rounding for these integrands */
START_TEST(test_kernel_covariance_matches_quadrature)
{
  static const double node[4]   = {-0.861136311594053, -0.339981043584856, 0.339981043584856,
                                   0.861136311594053};
  static const double weight[4] = {0.347854845137454, 0.652145154862546, 0.652145154862546,
                                   0.347854845137454};
  const int           panels    = 200;

  for (int i = 0; i < NLAWS; i++) {
    LinearSde    sde = law_example(i);
    const int    b   = sde.b;
    const double t = i == 3 || i == 4 ? 0.3 : 1.2, half = 0.5 * t / panels;
    Kernel       k = kernel_at(&sde, t);
    double       F[SIZE], FQF[SIZE], sum[SIZE] = {0.0};

    for (int p = 0; p < 4 * panels; p++) {
      const int panel = p / 4;

      series_exponential(b, sde.M, half * (2 * panel + 1 + node[p % 4]), F);
      congruence(b, F, sde.Q, FQF);
      for (int j = 0; j < b * b; j++) sum[j] += half * weight[p % 4] * FQF[j];
    }
    for (int j = 0; j < b * b; j++)
      ck_assert_msg(relative(k.C[j], sum[j]) < 1e-11, "example %d entry %d", i, j);
  }
}
END_TEST

START_TEST(test_kernel_obeys_semigroup)
{
  for (int i = 0; i < NLAWS; i++) {
    LinearSde sde = law_example(i);
    const int b   = sde.b;
    Kernel    ks = kernel_at(&sde, 0.3), kt = kernel_at(&sde, 0.9), ku = kernel_at(&sde, 0.3 + 0.9);
    double    F[SIZE], C[SIZE];

    multiply(b, b, b, kt.F, ks.F, F);
    congruence(b, kt.F, ks.C, C);
    for (int j = 0; j < b * b; j++) {
      /* entries of F are of order 1 or smaller, through cancellation */
      ck_assert_double_lt(fabs(ku.F[j] - F[j]), 1e-14);
      C[j] += kt.C[j];
    }
    ck_assert_double_lt(covariance_error(b, ku.C, C), 1e-13);
  }
}
END_TEST

START_TEST(test_kernel_stationary_solves_lyapunov)
{
  for (int i = 0; i < NLAWS; i++) {
    LinearSde sde = law_example(i);
    const int b   = sde.b;
    double    S[SIZE], MS[SIZE];

    ck_assert_int_eq(kernel_stationary(&sde, S), KERNEL_OK);
    multiply(b, b, b, sde.M, S, MS);
    for (int r = 0; r < b; r++) {
      for (int c = 0; c < b; c++)
        ck_assert_double_lt(fabs(MS[r * b + c] + MS[c * b + r] + sde.Q[r * b + c]),
                            1e-13 * (1.0 + sde.Q[b * b - 1]));
    }
  }
}
END_TEST

START_TEST(test_kernel_stationary_has_closed_forms)
{
  const double k = 1.3, tau = 0.7, tp = 0.2, ta = 0.9, c = 1.0 + k * tau;
  LinearSde    active = active_sde(k, tau, tp, ta), cld = cld_sde(1.0), passive = passive_sde(k, 0.8);
  double       S[SIZE];

  ck_assert_int_eq(kernel_stationary(&active, S), KERNEL_OK);
  ck_assert_close(S[0], tp / k + ta / (k * c), 1e-14);
  ck_assert_close(S[1], ta / c, 1e-14);
  ck_assert_close(S[3], ta / tau, 1e-14);
  ck_assert_int_eq(kernel_stationary(&cld, S), KERNEL_OK);
  ck_assert_double_lt(fabs(S[0] - 1.0) + fabs(S[1]) + fabs(S[3] - 0.25), 1e-14);
  ck_assert_int_eq(kernel_stationary(&passive, S), KERNEL_OK);
  ck_assert_close(S[0], 0.8 / k, 1e-15);
}
END_TEST

START_TEST(test_kernel_tends_to_stationary)
{
  for (int i = 0; i < NLAWS; i++) {
    LinearSde sde = law_example(i);
    const int b   = sde.b;
    double    S[SIZE];
    Kernel    k;

    /* beyond sigma2 = 1e300 the covariances must still be right: slowest rate of the examples is 0.3 */
    ck_assert_int_eq(kernel_compute(&sde, 1e4, &k), KERNEL_FORGOTTEN);
    ck_assert_int_eq(kernel_stationary(&sde, S), KERNEL_OK);
    for (int r = 0; r < b; r++) {
      for (int c = 0; c < b; c++) {
        ck_assert_double_lt(fabs(k.C[r * b + c] - S[r * b + c]), 1e-14 * sqrt(S[r * b + r] * S[c * b + c]));
        ck_assert_double_eq(k.Cb[r * b + c], k.C[r * b + c]);
      }
    }
  }
}
END_TEST

START_TEST(test_kernel_stationary_refuses_unstable_drift)
{
  LinearSde free = active_sde(0.0, 0.5, 0.0, 1.0), growing = active_sde(-1e-9, 0.5, 0.0, 1.0);
  LinearSde barely     = active_sde(1e-9, 0.5, 0.0, 1.0);
  LinearSde oscillator = {.b = 2, .M = {0.0, 1.0, -1.0, 0.0}, .Q = {0.0, 0.0, 0.0, 1.0}};
  LinearSde saddle     = {.b = 2, .M = {1.0, 0.5, 0.0, -3.0}, .Q = {1.0, 0.0, 0.0, 1.0}};
  double    S[SIZE];

  ck_assert_int_eq(kernel_stationary(&free, S), KERNEL_UNSTABLE);
  ck_assert_int_eq(kernel_stationary(&growing, S), KERNEL_UNSTABLE);
  ck_assert_int_eq(kernel_stationary(&oscillator, S), KERNEL_UNSTABLE);
  ck_assert_int_eq(kernel_stationary(&saddle, S), KERNEL_UNSTABLE);
  ck_assert_int_eq(kernel_stationary(&barely, S), KERNEL_OK);
  ck_assert_close(S[0], 1e9 / (1.0 + 0.5e-9), 1e-12);
}
END_TEST

/* tau -> 0 is passive diffusion at T = Tp + Ta, with a correction of first order in tau */
START_TEST(test_active_tends_to_passive_as_tau_vanishes)
{
  LinearSde passive = passive_sde(1.3, 0.2 + 0.9);
  Kernel    limit   = kernel_at(&passive, 0.8);
  double    error[3];

  for (int i = 0; i < 3; i++) {
    LinearSde sde = active_sde(1.3, pow(10.0, -3 - i), 0.2, 0.9);

    error[i] = relative(kernel_at(&sde, 0.8).sigma2, limit.sigma2);
  }
  ck_assert_double_lt(error[0], 1e-2);
  ck_assert_double_lt(fabs(error[0] / error[1] - 10.0), 0.2);
  ck_assert_double_lt(fabs(error[1] / error[2] - 10.0), 0.02);
}
END_TEST

/* sigma2(tau) is smooth across k tau = 1: the mean of its values at 1 +- delta is off by a few delta^2 */
START_TEST(test_kernel_is_continuous_across_equal_rates)
{
  for (double t = 1e-6; t < 20.0; t *= 50.0) {
    LinearSde at     = active_sde(1.0, 1.0, 0.0, 1.0);
    Kernel    middle = kernel_at(&at, t);

    for (double delta = 1e-15; delta < 1e-2; delta *= 10.0) {
      LinearSde below = active_sde(1.0, 1.0 - delta, 0.0, 1.0),
                above = active_sde(1.0, 1.0 + delta, 0.0, 1.0);
      Kernel k1 = kernel_at(&below, t), k2 = kernel_at(&above, t);

      /* 1 +- 1e-15 as numbers are not symmetric about 1: 3e-16 */
      ck_assert_close(0.5 * (k1.sigma2 + k2.sigma2), middle.sigma2, 20.0 * delta * delta + 2e-15);
      ck_assert_close(0.5 * (k1.C[0] + k2.C[0]), middle.C[0], 20.0 * delta * delta + 2e-15);
      ck_assert_close(0.5 * (k1.F[1] + k2.F[1]), middle.F[1], 20.0 * delta * delta + 2e-15);
    }
  }
}
END_TEST

START_TEST(test_noise_given_all_of_start_is_factored)
{
  for (int i = 0; i < NREFERENCE; i++) {
    LinearSde sde = reference_sde(i);
    const int b   = sde.b;
    Kernel    k   = kernel_at(&sde, kernel_reference[i].t);

    ck_assert_int_eq(k.c_regular, 1);
    for (int r = 0; r < b; r++) {
      for (int c = 0; c < b; c++) {
        double product = 0.0, terms = 0.0;

        for (int j = 0; j < b; j++) {
          product += k.LcinvT[j * b + r] * k.Lc[j * b + c];
          terms += fabs(k.LcinvT[j * b + r] * k.Lc[j * b + c]);
        }
        ck_assert_double_le(fabs(product - (r == c)), 1e-15 + 1e-15 * terms);
        ck_assert_double_lt(fabs(dot(b, k.Lc + r * b, k.Lc + c * b) - k.C[r * b + c]),
                            2e-15 * sqrt(k.C[r * b + r] * k.C[c * b + c]));
        if (c > r) ck_assert_double_eq(k.Lc[r * b + c], 0.0);
      }
    }
  }
}
END_TEST

START_TEST(test_kernel_names_laws_without_noise)
{
  LinearSde active = active_sde(1.0, 0.5, 0.0, 1.0), silent = active_sde(1.0, 0.5, 0.1, 0.0);
  LinearSde frozen = {
      .b = 2, .M = {-1.0, 1.0, 0.0, 0.0}, .Q = {0.2, 0.0, 0.0, 0.0}, .V0 = {0.0, 0.0, 0.0, 1.0}};
  LinearSde noiseless = {.b = 2, .M = {-1.0, 1.0, 0.0, -2.0}, .V0 = {0.0, 0.0, 0.0, 1.0}};
  Kernel    k;

  ck_assert_int_eq(kernel_compute(&active, 0.0, &k), KERNEL_DEGENERATE);
  ck_assert_double_eq(k.F[0], 1.0);
  ck_assert_double_eq(k.C[3], 0.0);
  ck_assert_double_eq(k.Cb[3], 2.0);
  ck_assert_int_eq(kernel_compute(&silent, 0.3, &k), KERNEL_DEGENERATE);
  ck_assert_int_eq(kernel_compute(&silent, 3.0, &k), KERNEL_DEGENERATE);
  ck_assert_int_eq(kernel_compute(&noiseless, 0.3, &k), KERNEL_DEGENERATE);
  ck_assert_int_eq(kernel_compute(&noiseless, 3.0, &k), KERNEL_DEGENERATE);
  ck_assert_int_eq(kernel_compute(&active, 400.0, &k), KERNEL_FORGOTTEN);
  /* a constant random force is noise given x0, not given (x0, aux0) */
  ck_assert_int_eq(kernel_compute(&frozen, 0.3, &k), KERNEL_OK);
  ck_assert_int_eq(k.c_regular, 0);
  ck_assert_double_eq(k.LcinvT[0], 0.0);
}
END_TEST

/* 2^(+-n) by multiplication; sqrt is exact at even n */
START_TEST(test_wide_root_and_logarithm_hold_over_the_range_of_wide)
{
  for (int n = 2; n < 16000; n = 3 * n + 2) {
    wide x = 1;

    for (int i = 0; i < n; i++) x *= 2;
    for (int sign = 0; sign < 2; sign++) {
      wide y = sign ? 3 / x : 3 * x, r = wide_sqrt(y);

      ck_assert_double_lt((double)(wide_abs(r * r - y) / y), 4.0 * WIDE_EPSILON);
      ck_assert_close(wide_log(y), log(3.0) + (sign ? -n : n) * log(2.0), 1e-15);
    }
  }
  ck_assert_double_eq((double)wide_sqrt(0), 0.0);
  ck_assert_double_eq((double)wide_sqrt(-1), 0.0);
}
END_TEST

START_TEST(test_cholesky_takes_semidefinite_matrices)
{
  const wide A[9]      = {4, 0, 2, 0, 0, 0, 2, 0, 5}; /* row and column 1 are zero */
  const wide ones[4]   = {1, 1, 1, 1};
  const wide graded[4] = {1e-200, 0.5e-200, 0.5e-200, 1e-200};
  wide       L[9];

  ck_assert_double_eq((double)block_cholesky(3, A, 0, L), 0.0);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      wide sum = 0;

      for (int c = 0; c < 3; c++) sum += L[i * 3 + c] * L[j * 3 + c];
      ck_assert_double_lt(fabs((double)(sum - A[i * 3 + j])), 1e-18);
    }
  }
  ck_assert_double_eq((double)block_cholesky(2, ones, ROUNDING_PIVOT, L), 0.0);
  ck_assert_double_eq((double)L[3], 0.0);
  /* a relative pivot knows no scale */
  ck_assert_double_lt(fabs((double)block_cholesky(2, graded, 0, L) - 0.75), 1e-15);
}
END_TEST

START_TEST(test_block_solve_pivots_and_finds_singular_matrices)
{
  wide A[4] = {0, 2, 3, 1}, B[2] = {4, 5}, S[4] = {1, 2, 2, 4}, unused[2] = {1, 1};

  ck_assert_int_eq(block_solve(2, 1, A, B), 0);
  ck_assert_double_eq((double)B[0], 1.0);
  ck_assert_double_eq((double)B[1], 2.0);
  ck_assert_int_ne(block_solve(2, 1, S, unused), 0);
}
END_TEST

Suite *kernel_suite(void)
{
  Suite *suite    = suite_create("kernel");
  TCase *law      = tcase_create("law of X(t)");
  TCase *clock    = tcase_create("clock");
  TCase *wideness = tcase_create("wide algebra");

  tcase_add_test(law, test_kernel_reproduces_table_of_active_values);
  tcase_add_test(law, test_kernel_reproduces_critical_langevin_values);
  tcase_add_test(law, test_kernel_matches_400_digit_reference);
  tcase_add_test(law, test_kernel_covariance_matches_quadrature);
  tcase_add_test(law, test_kernel_obeys_semigroup);
  tcase_add_test(law, test_kernel_stationary_solves_lyapunov);
  tcase_add_test(law, test_kernel_stationary_has_closed_forms);
  tcase_add_test(law, test_kernel_tends_to_stationary);
  tcase_add_test(law, test_kernel_stationary_refuses_unstable_drift);
  tcase_add_test(law, test_kernel_is_continuous_across_equal_rates);
  tcase_add_test(law, test_noise_given_all_of_start_is_factored);
  tcase_add_test(law, test_kernel_names_laws_without_noise);
  suite_add_tcase(suite, law);
  tcase_add_test(clock, test_active_tends_to_passive_as_tau_vanishes);
  suite_add_tcase(suite, clock);
  tcase_add_test(wideness, test_wide_root_and_logarithm_hold_over_the_range_of_wide);
  tcase_add_test(wideness, test_cholesky_takes_semidefinite_matrices);
  tcase_add_test(wideness, test_block_solve_pivots_and_finds_singular_matrices);
  suite_add_tcase(suite, wideness);
  return suite;
}
