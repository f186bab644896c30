/*
  Euler-Maruyama and the flow: order, signs, noise, stability; statuses of all tables
*/
#include "scheme_case.h"

Suite *scheme_suite(void);

/* One step of the moments with the exact g of these data; M_error times M is added to A */
static void advance_moments(const LinearSde *sde, const AffineStage *step, const Kernel *k, double M_error,
                            Moments *x)
{
  const int    b     = step->b;
  const double v     = DATA_VARIANCE + k->sigma2;
  const double slope = step->g_is_mean ? DATA_VARIANCE / v : -1.0 / v; /* g = slope z + shift */
  const double shift = step->g_is_mean ? DATA_MEAN * k->sigma2 / v : DATA_MEAN / v;
  double       H[SIZE], m[AD_BMAX] = {0.0}, S[SIZE] = {0.0};

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++)
      H[i * b + j] = step->A[i * b + j] + step->B[i] * slope * k->l[j] + M_error * sde->M[i * b + j];
    m[i] = dot(b, H + i * b, x->m) + step->B[i] * shift;
  }
  covariance_after(b, H, x->S, step->L, S);
  memcpy(x->m, m, sizeof m);
  memcpy(x->S, S, sizeof S);
}

/* Reverse SDE from t = 1 by EM; wrong_sign: dX/dr = +M X in place of -M X */
static Moments em_moments(const LinearSde *sde, int steps, int wrong_sign)
{
  const double dt = 1.0 / steps;
  Kernel       k  = kernel_at(sde, 1.0);
  Moments      x  = moments_at(&k);

  for (int n = steps; n > 0; n--) {
    AffineStage step;

    k = kernel_at(sde, n * dt);
    ck_assert_int_eq(scheme_em(sde, n * dt, (n - 1) * dt, 1, &step), KERNEL_OK);
    advance_moments(sde, &step, &k, wrong_sign ? 2.0 * dt : 0.0, &x);
  }
  return x;
}

/* Probability flow by the midpoint rule, whose stages avoid t = 0 */
static Moments flow_moments(const LinearSde *sde, int steps, int wrong_sign)
{
  const double dt = 1.0 / steps;
  const int    b  = sde->b;
  Kernel       k  = kernel_at(sde, 1.0);
  Moments      x  = moments_at(&k);

  for (int n = steps; n > 0; n--) {
    AffineStage step = {.b = b, .q = 1, .evaluates = 1, .weight = 1.0};
    double      H[SIZE], A[SIZE], B[AD_BMAX];

    /* X' = (I + dt J + dt^2 J J/2) X + ..., J the right-hand side at the middle: as good as midpoint */
    k = kernel_at(sde, (n - 0.5) * dt);
    ck_assert_int_eq(flow_coefficients(sde, (n - 0.5) * dt, A, B), KERNEL_OK);
    for (int i = 0; i < b; i++) {
      for (int j = 0; j < b; j++) {
        if (wrong_sign) A[i * b + j] += 2.0 * sde->M[i * b + j];
        H[i * b + j] = A[i * b + j] - B[i] * k.l[j] / (DATA_VARIANCE + k.sigma2);
      }
    }
    for (int i = 0; i < b; i++) {
      for (int j = 0; j < b; j++) {
        step.A[i * b + j] = (i == j) + dt * A[i * b + j];
        for (int c = 0; c < b; c++) step.A[i * b + j] += 0.5 * dt * dt * H[i * b + c] * A[c * b + j];
      }
      step.B[i] = dt * B[i] + 0.5 * dt * dt * dot(b, H + i * b, B);
    }
    advance_moments(sde, &step, &k, 0.0, &x);
  }
  return x;
}

/* Largest deviation of the moments of X(0): data for x, V0 for aux, no correlation */
static double deviation(const LinearSde *sde, const Moments *x)
{
  const int b     = sde->b;
  double    worst = fabs(x->m[0] - DATA_MEAN);

  for (int i = 1; i < b; i++) worst = fmax(worst, fabs(x->m[i]));
  for (int i = 0; i < b * b; i++) {
    const double want = sde->V0[i] + (i == 0 ? DATA_VARIANCE : 0.0);

    worst = fmax(worst, fabs(x->S[i] - want));
  }
  return worst;
}

/* 2 (value at n steps) - (value at n/2 steps): the error of first order removed */
static Moments extrapolate(const Moments *fine, const Moments *coarse)
{
  Moments x;

  for (int i = 0; i < AD_BMAX; i++) x.m[i] = 2.0 * fine->m[i] - coarse->m[i];
  for (int i = 0; i < SIZE; i++) x.S[i] = 2.0 * fine->S[i] - coarse->S[i];
  return x;
}

START_TEST(test_em_returns_gaussian_data_with_order_one)
{
  for (int i = 0; i < NSMOOTH; i++) {
    LinearSde sde = example_sde(i);
    Moments   a = em_moments(&sde, 100, 0), b = em_moments(&sde, 200, 0), c = em_moments(&sde, 400, 0);
    Moments   limit = extrapolate(&c, &b);
    double    ea = deviation(&sde, &a), eb = deviation(&sde, &b), ec = deviation(&sde, &c);

    ck_assert_msg(fabs(ea / eb - 2.0) < 0.2 && fabs(eb / ec - 2.0) < 0.1, "example %d: %g %g %g", i, ea, eb,
                  ec);
    ck_assert_msg(deviation(&sde, &limit) < 0.02 * ec, "example %d: %g of %g", i, deviation(&sde, &limit),
                  ec);
  }
}
END_TEST

START_TEST(test_flow_returns_gaussian_data_with_order_two)
{
  for (int i = 0; i < NSMOOTH; i++) {
    LinearSde sde = example_sde(i);
    Moments   a = flow_moments(&sde, 200, 0), b = flow_moments(&sde, 400, 0);
    double    ea = deviation(&sde, &a), eb = deviation(&sde, &b);

    ck_assert_msg(fabs(ea / eb - 4.0) < 0.4, "example %d: %g %g", i, ea, eb);
    ck_assert_msg(eb < 1e-3, "example %d: %g", i, eb);
  }
}
END_TEST

/* With the signs of the drift as printed in the paper these moments come out, not those of the data */
START_TEST(test_moments_discriminate_the_sign_of_the_drift)
{
  LinearSde passive = passive_sde(1.3, 0.8), active = active_sde(1.3, 0.7, 0.2, 0.9);
  Moments   p1 = em_moments(&passive, 400, 1), p2 = em_moments(&passive, 800, 1), p = extrapolate(&p2, &p1);
  Moments   a1 = em_moments(&active, 400, 1), a2 = em_moments(&active, 800, 1), a = extrapolate(&a2, &a1);
  Moments   f = flow_moments(&active, 400, 1);

  ck_assert_double_lt(fabs(p.m[0] - 0.3096), 1e-4);
  ck_assert_double_lt(fabs(p.S[0] - 0.1379), 1e-4);
  ck_assert_double_lt(fabs(a.m[0] - 0.1500), 1e-4);
  ck_assert_double_lt(fabs(a.S[0] - 0.1402), 1e-4);
  ck_assert_double_gt(deviation(&active, &f), 0.1);
}
END_TEST

START_TEST(test_em_noise_has_covariance_of_forward_process)
{
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde   sde = example_sde(i);
    const int   b   = sde.b;
    AffineStage step;

    ck_assert_int_eq(scheme_em(&sde, 0.5, 0.45, 1, &step), KERNEL_OK);
    for (int r = 0; r < b; r++) {
      for (int c = 0; c < b; c++)
        ck_assert_double_lt(fabs(dot(b, step.L + r * b, step.L + c * b) - 0.05 * sde.Q[r * b + c]), 1e-15);
    }
  }
}
END_TEST

/* Tp = 0: no noise in x, so that the last step with and without noise returns the same x */
START_TEST(test_em_leaves_x_without_noise_where_the_process_does)
{
  LinearSde   sde = active_sde(1.0, 0.5, 0.0, 1.0);
  AffineStage step;

  ck_assert_int_eq(scheme_em(&sde, 0.01, 0.0, 1, &step), KERNEL_OK);
  ck_assert_double_eq(step.L[0], 0.0);
  ck_assert_double_eq(step.L[1], 0.0);
  ck_assert_double_gt(step.L[3], 0.0);
  scheme_drop_noise(&step);
  ck_assert_double_eq(step.L[3], 0.0);
}
END_TEST

/* With sw = -e_w = -Ew^T X the step with all of the score from the model is the one with -R X in closed form */
START_TEST(test_em_with_full_score_agrees_with_closed_form)
{
  static const double X[3] = {0.4, -1.1, 0.7};

  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde   sde = example_sde(i);
    const int   b   = sde.b;
    AffineStage one, all;
    Kernel      k = kernel_at(&sde, 0.3);

    ck_assert_int_eq(scheme_em(&sde, 0.3, 0.2, 1, &one), KERNEL_OK);
    ck_assert_int_eq(scheme_em(&sde, 0.3, 0.2, b, &all), KERNEL_OK);
    ck_assert_int_eq(all.q, b);
    for (int r = 0; r < b; r++) {
      double x1 = dot(b, one.A + r * b, X) - 0.7 * one.B[r];
      double x2 = dot(b, all.A + r * b, X) - 0.7 * all.B[r * b];

      for (int j = 1; j < b; j++) {
        double e = 0.0;

        for (int c = 0; c < b; c++) e += k.Ew[c * (b - 1) + j - 1] * X[c];
        x2 -= all.B[r * b + j] * e;
      }
      ck_assert_double_lt(fabs(x1 - x2), 1e-13 * (1.0 + fabs(x1)));
    }
  }
}
END_TEST

START_TEST(test_stability_is_the_spectral_radius)
{
  const double angle    = 0.7;
  Kernel       k        = {.b = 2, .l = {1.0, 0.0}};
  AffineStage  turn     = {.b         = 2,
                           .q         = 1,
                           .evaluates = 1,
                           .weight    = 1.0,
                           .A = {0.9 * cos(angle), -0.9 * sin(angle), 0.9 * sin(angle), 0.9 * cos(angle)}};
  AffineStage  jordan   = {.b = 2, .q = 1, .evaluates = 1, .weight = 1.0, .A = {0.9, 1e3, 0.0, 0.9}},
              nilpotent = {.b = 2, .q = 1, .evaluates = 1, .weight = 1.0, .A = {0.0, 1.0}};
  AffineStage feedback  = {
       .b = 2, .q = 1, .evaluates = 1, .weight = 1.0, .A = {1.5, 0.0, 0.0, 0.2}, .B = {0.8, 0.0}};

  ck_assert_close(scheme_stability(1, &turn, &k, 1.0), 0.9, 1e-10);
  ck_assert_close(scheme_stability(1, &jordan, &k, 1.0), 0.9, 1e-9);
  ck_assert_double_eq(scheme_stability(1, &nilpotent, &k, 1.0), 0.0);
  ck_assert_close(scheme_stability(1, &feedback, &k, 1.0), 0.7, 1e-10); /* sz = -z */
  feedback.g_is_mean = 1;
  ck_assert_close(scheme_stability(1, &feedback, &k, 1.0), 2.3, 1e-10); /* x0hat = z, sigma2 = 0 */
}
END_TEST

/* Near equilibrium the reverse process has rates k and 1/tau: EM is stable up to dt = 2 min(tau, 1/k) */
START_TEST(test_em_loses_stability_at_twice_the_shortest_time)
{
  LinearSde   sde = active_sde(1.0, 0.1, 0.0, 1.0);
  Kernel      k   = kernel_at(&sde, 20.0);
  AffineStage below, above, full;
  double      growth;

  ck_assert_int_eq(scheme_em(&sde, 20.0, 20.0 - 0.199, 1, &below), KERNEL_OK);
  ck_assert_int_eq(scheme_em(&sde, 20.0, 20.0 - 0.201, 1, &above), KERNEL_OK);
  ck_assert_int_eq(scheme_em(&sde, 20.0, 20.0 - 0.201, 2, &full), KERNEL_OK);
  ck_assert_close(scheme_stability(1, &below, &k, 0.3), 0.99, 1e-6);
  ck_assert_close(scheme_stability(1, &above, &k, 0.3), 1.01, 1e-6);
  ck_assert_close(scheme_stability(1, &full, &k, 0.3), 1.01, 1e-6);
  ck_assert_int_eq(scheme_growth(&sde, 20.0, 20.0 - 0.201, 0.3, &growth), KERNEL_OK);
  ck_assert_close(growth, exp(-0.201), 1e-6);
}
END_TEST

/* Passive: E[x_s | x_t] = a_{t-s} (v_s/v_t) (x_t - mean), v the variance of x */
START_TEST(test_growth_is_that_of_the_exact_reverse_process)
{
  const double k = 1.3, T = 0.8, V = 50.0, t = 0.5, s = 0.4;
  const double v_t = exp(-2.0 * k * t) * (V - T / k) + T / k, v_s = exp(-2.0 * k * s) * (V - T / k) + T / k;
  LinearSde    sde = passive_sde(k, T);
  double       growth;

  ck_assert_int_eq(scheme_growth(&sde, t, s, V, &growth), KERNEL_OK);
  ck_assert_close(growth, exp(-k * (t - s)) * v_s / v_t, 1e-12);
  ck_assert_double_gt(growth, 1.0);
}
END_TEST

START_TEST(test_schemes_pass_on_the_status_of_the_kernel)
{
  LinearSde   sde = active_sde(1.0, 0.5, 0.0, 1.0);
  AffineStage step;
  double      A[4], B[2], growth;

  ck_assert_int_eq(scheme_em(&sde, 400.0, 1.0, 1, &step), KERNEL_FORGOTTEN);
  ck_assert_int_eq(scheme_anc(&sde, 400.0, 1.0, &step), KERNEL_FORGOTTEN);
  ck_assert_int_eq(scheme_ddim(&sde, 400.0, 1.0, &step), KERNEL_FORGOTTEN);
  ck_assert_int_eq(scheme_denoise(&sde, 400.0, 0, &step), KERNEL_FORGOTTEN);
  ck_assert_int_eq(scheme_denoise(&sde, 0.0, 1, &step), KERNEL_DEGENERATE);
  ck_assert_int_eq(scheme_growth(&sde, 400.0, 1.0, 1.0, &growth), KERNEL_FORGOTTEN);
  ck_assert_int_eq(flow_coefficients(&sde, 0.0, A, B), KERNEL_DEGENERATE);
}
END_TEST

Suite *scheme_suite(void)
{
  Suite *suite = suite_create("scheme");
  TCase *tests = tcase_create("tables");

  tcase_add_test(tests, test_em_returns_gaussian_data_with_order_one);
  tcase_add_test(tests, test_flow_returns_gaussian_data_with_order_two);
  tcase_add_test(tests, test_moments_discriminate_the_sign_of_the_drift);
  tcase_add_test(tests, test_em_noise_has_covariance_of_forward_process);
  tcase_add_test(tests, test_em_leaves_x_without_noise_where_the_process_does);
  tcase_add_test(tests, test_em_with_full_score_agrees_with_closed_form);
  tcase_add_test(tests, test_stability_is_the_spectral_radius);
  tcase_add_test(tests, test_em_loses_stability_at_twice_the_shortest_time);
  tcase_add_test(tests, test_growth_is_that_of_the_exact_reverse_process);
  tcase_add_test(tests, test_schemes_pass_on_the_status_of_the_kernel);
  suite_add_tcase(suite, tests);
  return suite;
}
