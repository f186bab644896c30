/*
  Tables of steps in the clock: exact steps, orders, the posterior mean
*/
#include "scheme_case.h"
#include "reference/kernel_reference.h"

#define NBRIDGE ((int)(sizeof bridge_reference / sizeof bridge_reference[0]))

Suite *clock_suite(void);

START_TEST(test_anc_reproduces_printed_step)
{
  static const double K[4] = {0.731960457812, -0.060287723307, 0.977778573753, 0.333483541992};
  static const double B[2] = {0.263330925939, -0.345600414812};
  static const double V[4] = {0.0893393526726, 0.0399243014504, 0.0399243014504, 0.523693153007};
  LinearSde           sde  = active_sde(1.3, 0.7, 0.2, 0.9);
  AffineStage         step;

  ck_assert_int_eq(scheme_anc(&sde, 0.8, 0.5, &step), KERNEL_OK);
  ck_assert_int_eq(step.g_is_mean, 1);
  for (int i = 0; i < 4; i++) {
    ck_assert_double_lt(fabs(step.A[i] - K[i]), 1e-12);
    ck_assert_double_lt(fabs(dot(2, step.L + i / 2 * 2, step.L + i % 2 * 2) - V[i]), 1e-12);
  }
  for (int i = 0; i < 2; i++) ck_assert_double_lt(fabs(step.B[i] - B[i]), 1e-12);
}
END_TEST

/* Long, short, first and last steps of one to three variables: entries of K and B to rounding, V as L L^T */
START_TEST(test_anc_matches_400_digit_reference)
{
  for (int i = 0; i < NBRIDGE; i++) {
    const int     b   = bridge_reference[i].b;
    const double *V   = bridge_reference[i].V;
    LinearSde     sde = {.b = b};
    AffineStage   step;

    memcpy(sde.M, bridge_reference[i].M, sizeof sde.M);
    memcpy(sde.Q, bridge_reference[i].Q, sizeof sde.Q);
    memcpy(sde.V0, bridge_reference[i].V0, sizeof sde.V0);
    ck_assert_int_eq(scheme_anc(&sde, bridge_reference[i].t, bridge_reference[i].s, &step), KERNEL_OK);
    for (int r = 0; r < b; r++) {
      ck_assert_close(step.B[r], bridge_reference[i].B[r], 1e-13);
      for (int c = 0; c < b; c++) {
        const double LL = dot(b, step.L + r * b, step.L + c * b);

        ck_assert_close(step.A[r * b + c], bridge_reference[i].K[r * b + c], 1e-13);
        ck_assert_double_le(fabs(LL - V[r * b + c]), 1e-14 * sqrt(V[r * b + r] * V[c * b + c]));
      }
    }
  }
}
END_TEST

/* x0 known: the law N(u_t x0, Cb_t) goes over into N(u_s x0, Cb_s) whatever the step; noise-free for DDIM */
static void check_known_x0(const LinearSde *sde, double t, double s, const AffineStage *step)
{
  const int b  = sde->b;
  Kernel    kt = kernel_at(sde, t), ks = law_at(sde, s);
  double    C[SIZE];

  covariance_after(b, step->A, kt.Cb, step->L, C);
  for (int r = 0; r < b; r++) {
    double terms = 1.0;

    for (int c = 0; c < b; c++) terms += fabs(step->A[r * b + c] * kt.u[c]);
    ck_assert_double_lt(fabs(dot(b, step->A + r * b, kt.u) + step->B[r] - ks.u[r]), 1e-15 * terms);
    for (int c = 0; c < b; c++) {
      double size = 0.0;

      for (int i = 0; i < b * b; i++)
        size += fabs(step->A[r * b + i / b] * kt.Cb[i] * step->A[c * b + i % b]);
      ck_assert_double_le(fabs(C[r * b + c] - ks.Cb[r * b + c]), 2e-15 * (size + fabs(ks.Cb[r * b + c])));
    }
  }
}

START_TEST(test_anc_is_exact_when_x0_is_known)
{
  static const double s[5] = {0.0, 1e-3, 0.2, 0.69, 0.6999};

  for (int i = 0; i < NEXAMPLES; i++) {
    for (int j = 0; j < 5; j++) {
      LinearSde   sde = example_sde(i);
      AffineStage step;

      ck_assert_int_eq(scheme_anc(&sde, 0.7, s[j], &step), KERNEL_OK);
      check_known_x0(&sde, 0.7, s[j], &step);
    }
  }
}
END_TEST

START_TEST(test_ddim_is_exact_when_x0_is_known)
{
  static const double s[5] = {0.0, 1e-3, 0.2, 0.69, 0.6999};

  for (int i = 0; i < NEXAMPLES; i++) {
    for (int j = 0; j < 5; j++) {
      LinearSde   sde = example_sde(i);
      AffineStage step;

      ck_assert_int_eq(scheme_ddim(&sde, 0.7, s[j], &step), KERNEL_OK);
      for (int r = 0; r < sde.b * sde.b; r++) ck_assert_double_eq(step.L[r], 0.0);
      check_known_x0(&sde, 0.7, s[j], &step);
    }
  }
}
END_TEST

/* z knows the clock only: q = sigma_s^2/sigma_t^2, z' = q z + (1 - q) x0hat + N(0, sigma_s^2 (1 - q)) */
START_TEST(test_anc_moves_z_by_the_clock_alone)
{
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde    sde = example_sde(i);
    const int    b   = sde.b;
    Kernel       kt = kernel_at(&sde, 0.7), ks = kernel_at(&sde, 0.4);
    const double q = ks.sigma2 / kt.sigma2;
    double       noise[AD_BMAX];
    AffineStage  step;

    ck_assert_int_eq(scheme_anc(&sde, 0.7, 0.4, &step), KERNEL_OK);
    for (int c = 0; c < b; c++) {
      double lA = 0.0, terms = 0.0;

      noise[c] = 0.0;
      for (int r = 0; r < b; r++) {
        lA += ks.l[r] * step.A[r * b + c];
        terms += fabs(ks.l[r] * step.A[r * b + c]);
        noise[c] += ks.l[r] * step.L[r * b + c];
      }
      ck_assert_double_lt(fabs(lA - q * kt.l[c]), 2e-15 * terms);
    }
    ck_assert_close(dot(b, ks.l, step.B), 1.0 - q, 1e-13);
    ck_assert_close(dot(b, noise, noise), ks.sigma2 * (1.0 - q), 1e-13);
  }
}
END_TEST

/* Gaussian data: error of z at sigma = 0.05 along one path of DDIM on a grid uniform in log sigma */
static double ddim_error(const LinearSde *sde, int steps, int second_order)
{
  const int    b   = sde->b;
  const double end = 0.05;
  double       sigma[801], time[801], X[AD_BMAX], previous = 0.0, exact;
  Kernel       k = kernel_at(sde, 0.9);

  for (int n = 0; n <= steps; n++) {
    sigma[n] = k.sigma * pow(end / k.sigma, (double)n / steps);
    ck_assert_int_eq(kernel_time_of_sigma(sde, sigma[n], 0.9, &time[n]), KERNEL_OK);
  }
  for (int i = 0; i < b; i++) X[i] = 1.7 * k.u[i] + (b > 1 ? k.Dw[i * (b - 1)] : 0.0);
  exact = DATA_MEAN +
          sqrt((DATA_VARIANCE + end * end) / (DATA_VARIANCE + k.sigma2)) * (dot(b, k.l, X) - DATA_MEAN);
  for (int n = 0; n < steps; n++) {
    AffineStage step;
    double      mean, g, next[AD_BMAX] = {0.0};

    k    = kernel_at(sde, time[n]);
    mean = (DATA_VARIANCE * dot(b, k.l, X) + k.sigma2 * DATA_MEAN) / (DATA_VARIANCE + k.sigma2);
    ck_assert_int_eq(scheme_ddim(sde, time[n], time[n + 1], &step), KERNEL_OK);
    if (second_order && n > 0) scheme_multistep(sigma[n - 1], sigma[n], sigma[n + 1], &step);
    g        = mean + step.difference[0] * (mean - previous);
    previous = mean;
    for (int i = 0; i < b; i++) next[i] = dot(b, step.A + i * b, X) + step.B[i] * g;
    memcpy(X, next, sizeof next);
  }
  k = kernel_at(sde, time[steps]);
  return fabs(dot(b, k.l, X) - exact);
}

START_TEST(test_ddim_follows_the_flow_of_z_with_order_one_and_two)
{
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde    sde = example_sde(i);
    const double e1 = ddim_error(&sde, 40, 0), e2 = ddim_error(&sde, 80, 0);
    const double m1 = ddim_error(&sde, 40, 1), m2 = ddim_error(&sde, 80, 1);

    ck_assert_msg(fabs(log2(e1 / e2) - 1.0) < 0.1, "example %d: %g %g", i, e1, e2);
    ck_assert_msg(fabs(log2(m1 / m2) - 2.0) < 0.2, "example %d: %g %g", i, m1, m2);
    ck_assert_double_lt(m2, 0.1 * e2);
  }
}
END_TEST

START_TEST(test_multistep_scales_with_the_kind_of_g)
{
  AffineStage mean = {.g_is_mean = 1}, score = {.g_is_mean = 0};

  scheme_multistep(8.0, 4.0, 1.0, &mean); /* log steps: log 2, then log 4 */
  scheme_multistep(8.0, 4.0, 1.0, &score);
  ck_assert_close(mean.difference[0], 1.0, 1e-15);
  ck_assert_close(score.difference[0], 1.0 / 16.0, 1e-15);
}
END_TEST

/* Gaussian data: all is normal, E[(x0, aux0) | X] = Cov(X0, X) Cov(X)^{-1} (X - u m) + (m, 0) */
START_TEST(test_denoise_is_the_posterior_mean_of_the_start)
{
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde    sde = example_sde(i);
    const int    b   = sde.b;
    Kernel       k   = kernel_at(&sde, 0.6);
    Moments      law = moments_at(&k);
    const double v   = DATA_VARIANCE + k.sigma2;
    AffineStage  by_mean, by_score;

    ck_assert_int_eq(scheme_denoise(&sde, 0.6, 1, &by_mean), KERNEL_OK);
    ck_assert_int_eq(scheme_denoise(&sde, 0.6, 0, &by_score), KERNEL_OK);
    ck_assert_int_eq(by_mean.g_is_mean, 1);
    ck_assert_int_eq(by_score.g_is_mean, 0);
    for (int r = 0; r < b; r++) {
      double at_mean1 = dot(b, by_mean.A + r * b, law.m) + by_mean.B[r] * DATA_MEAN;
      double at_mean2 = dot(b, by_score.A + r * b, law.m);

      ck_assert_double_lt(fabs(at_mean1 - (r == 0 ? DATA_MEAN : 0.0)), 1e-14);
      ck_assert_double_lt(fabs(at_mean2 - (r == 0 ? DATA_MEAN : 0.0)), 1e-14);
      for (int c = 0; c < b; c++) { /* (gain Cov(X))_rc = Cov(X0_r, X_c) */
        double gain1 = 0.0, gain2 = 0.0, want = k.H[r * b + c] + (r == 0 ? DATA_VARIANCE * k.u[c] : 0.0);

        for (int j = 0; j < b; j++) {
          gain1 += (by_mean.A[r * b + j] + by_mean.B[r] * DATA_VARIANCE / v * k.l[j]) * law.S[j * b + c];
          gain2 += (by_score.A[r * b + j] - by_score.B[r] / v * k.l[j]) * law.S[j * b + c];
        }
        ck_assert_double_lt(fabs(gain1 - want), 1e-13);
        ck_assert_double_lt(fabs(gain2 - want), 1e-13);
      }
      for (int c = 0; c < b; c++) ck_assert_double_eq(by_mean.L[r * b + c], 0.0);
    }
  }
}
END_TEST

Suite *clock_suite(void)
{
  Suite *suite = suite_create("clock");
  TCase *tests = tcase_create("tables");

  tcase_add_test(tests, test_anc_reproduces_printed_step);
  tcase_add_test(tests, test_anc_matches_400_digit_reference);
  tcase_add_test(tests, test_anc_is_exact_when_x0_is_known);
  tcase_add_test(tests, test_ddim_is_exact_when_x0_is_known);
  tcase_add_test(tests, test_anc_moves_z_by_the_clock_alone);
  tcase_add_test(tests, test_ddim_follows_the_flow_of_z_with_order_one_and_two);
  tcase_add_test(tests, test_multistep_scales_with_the_kind_of_g);
  tcase_add_test(tests, test_denoise_is_the_posterior_mean_of_the_start);
  suite_add_tcase(suite, tests);
  return suite;
}
