/*
  What a law says of x0: the clock, z and its complement, times of given sigma, scores
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernel_case.h"
#include "reference/kernel_reference.h"

Suite *kernel_clock_suite(void);

/* Cov(z_s, z_t | x0) = sigma2(min(s, t)) */
START_TEST(test_clock_makes_z_a_brownian_motion)
{
  for (int i = 0; i < NLAWS; i++) {
    for (double s = 1e-3; s < 1.0; s *= 5.0) {
      LinearSde sde = law_example(i);
      const int b   = sde.b;
      Kernel    ks = kernel_at(&sde, s), kt = kernel_at(&sde, 1.1), k = kernel_at(&sde, 1.1 - s);
      double    CF[SIZE], Ft[SIZE], v[AD_BMAX], terms = 0.0;

      transpose(b, b, k.F, Ft);
      multiply(b, b, b, ks.Cb, Ft, CF);
      multiply(b, b, 1, CF, kt.l, v);
      for (int j = 0; j < b; j++) terms += fabs(ks.l[j] * v[j]);
      /* for small s the sum cancels: Cb_xx ~ s^2, sigma2 ~ s^3 or s^5 */
      ck_assert_double_lt(fabs(dot(b, ks.l, v) - ks.sigma2), 1e-12 * ks.sigma2 + 1e-13 * terms);
    }
  }
}
END_TEST

/* d(1/sigma2)/dt = -v^T Q v, v = l/sigma2, by differences of fourth order */
START_TEST(test_clock_runs_at_rate_of_noise_along_v)
{
  for (int i = 0; i < NLAWS; i++) {
    LinearSde    sde = law_example(i);
    const int    b   = sde.b;
    const double t = 0.4, h = 2e-4;
    double       J[5], Ql[AD_BMAX], rate;
    Kernel       k = kernel_at(&sde, t);

    for (int j = 0; j < 5; j++) J[j] = 1.0 / kernel_at(&sde, t + (j - 2) * h).sigma2;
    rate = (J[0] - 8.0 * J[1] + 8.0 * J[3] - J[4]) / (12.0 * h);
    multiply(b, b, 1, sde.Q, k.l, Ql);
    ck_assert_close(rate, -dot(b, k.l, Ql) / (k.sigma2 * k.sigma2), 1e-9);
  }
}
END_TEST

/* Active: S = a^2 sigma2 obeys dS/dt = -2 k S + 2 T_eff(t), T_eff = Tp + Ta ((1 - e^{-ct})/(1 + k tau))^2 */
static double ramped_rate(const double *p, double t, double S)
{
  const double k = p[0], tau = p[1], ramp = -expm1(-(k + 1.0 / tau) * t) / (1.0 + k * tau);

  return -2.0 * k * S + 2.0 * (p[2] + p[3] * ramp * ramp);
}

START_TEST(test_active_clock_is_passive_with_ramped_temperature)
{
  static const double p[3][4] = {{1.3, 0.7, 0.2, 0.9}, {1.0, 1.0, 0.0, 1.0}, {2.0, 3.0, 0.0, 0.5}};
  const int           steps   = 2000;

  for (int i = 0; i < 3; i++) {
    LinearSde    sde = active_sde(p[i][0], p[i][1], p[i][2], p[i][3]);
    Kernel       k   = kernel_at(&sde, 1.5);
    const double h   = 1.5 / steps;
    double       S   = 0.0;

    for (int n = 0; n < steps; n++) { /* Runge-Kutta of order 4, error of order h^4 = 3e-13 */
      const double t = n * h, k1 = ramped_rate(p[i], t, S), k2 = ramped_rate(p[i], t + h / 2, S + h / 2 * k1);
      const double k3 = ramped_rate(p[i], t + h / 2, S + h / 2 * k2),
                   k4 = ramped_rate(p[i], t + h, S + h * k3);

      S += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    ck_assert_close(k.sigma2 * k.u[0] * k.u[0], S, 1e-11);
  }
}
END_TEST

/* (z, e_w) is the normal form of X: its identities on every reference case, to rounding */
START_TEST(test_kernel_decomposition_is_consistent)
{
  for (int i = 0; i < NREFERENCE; i++) {
    LinearSde sde = reference_sde(i);
    const int b = sde.b, a = b - 1;
    Kernel    k = kernel_at(&sde, kernel_reference[i].t);

    for (int r = 0; r < b; r++) {
      for (int c = 0; c < b; c++) {
        double Cb = k.sigma2 * k.u[r] * k.u[c] + dot(a, k.Dw + r * a, k.Dw + c * a);
        double R = dot(a, k.Ew + r * a, k.Ew + c * a), scale = sqrt(k.Cb[r * b + r] * k.Cb[c * b + c]);

        ck_assert_msg(fabs(Cb - k.Cb[r * b + c]) < 1e-14 * scale, "Cb of case %d", i);
        ck_assert_double_le(fabs(R - k.R[r * b + c]), 1e-14 * sqrt(k.R[r * b + r] * k.R[c * b + c]));
      }
    }
    for (int p = 0; p < a; p++) {
      double uW = 0.0, uE = 0.0, size = 0.0, lD = 0.0, lD_terms = 0.0;

      for (int r = 0; r < b; r++) {
        uW += k.u[r] * k.W[r * a + p];
        uE += k.u[r] * k.Ew[r * a + p];
        size += fabs(k.u[r] * k.Ew[r * a + p]);
        lD += k.l[r] * k.Dw[r * a + p];
        lD_terms += fabs(k.l[r] * k.Dw[r * a + p]);
      }
      ck_assert_double_le(fabs(uW), 1e-15 * sqrt(dot(b, k.u, k.u)));
      ck_assert_double_le(fabs(uE), 1e-14 * size);
      ck_assert_double_le(fabs(lD), 1e-14 * lD_terms);
      for (int q = 0; q < a; q++) {
        double WW = 0.0, ED = 0.0, terms = 0.0;

        for (int r = 0; r < b; r++) {
          WW += k.W[r * a + p] * k.W[r * a + q];
          ED += k.Ew[r * a + p] * k.Dw[r * a + q];
          terms += fabs(k.Ew[r * a + p] * k.Dw[r * a + q]);
        }
        ck_assert_double_lt(fabs(WW - (p == q)), 2e-15);
        ck_assert_double_le(fabs(ED - (p == q)), 1e-15 + 1e-15 * terms);
      }
    }
    ck_assert_double_lt(fabs(dot(b, k.l, k.u) - 1.0), 2e-15 * (1.0 + fabs(k.l[0] * k.u[0])));
    ck_assert_close(k.sigma * k.sigma, k.sigma2, 1e-15);
  }
}
END_TEST

START_TEST(test_complement_basis_of_two_variables_is_the_rotated_response)
{
  for (int i = 1; i < 5; i++) {
    LinearSde sde = law_example(i);

    for (double t = 0.05; t < 2.0; t += 0.05) {
      Kernel       k    = kernel_at(&sde, t);
      const double size = hypot(k.u[0], k.u[1]);

      ck_assert_double_lt(fabs(k.W[0] + k.u[1] / size) + fabs(k.W[1] - k.u[0] / size), 1e-15);
    }
  }
}
END_TEST

/* Weakly damped: u turns round more than once; the basis must turn with it and never jump */
START_TEST(test_complement_basis_is_continuous)
{
  LinearSde    sde[3] = {cld_sde(0.1), underdamped_sde(), general_sde()};
  const double h      = 2e-3;

  sde[1].M[4] = -0.1;
  for (int i = 0; i < 3; i++) {
    const double rate     = i == 0 ? 16.0 : 4.0; /* a bound on the speed of u/|u| */
    int          turned   = 0;
    Kernel       previous = kernel_at(&sde[i], 0.01);

    for (double t = 0.01 + h; t < (i == 0 ? 2.0 : 8.0); t += h) {
      Kernel k = kernel_at(&sde[i], t);

      for (int j = 0; j < k.b * (k.b - 1); j++)
        ck_assert_double_lt(fabs(k.W[j] - previous.W[j]), 2.0 * rate * h);
      turned += k.u[0] * previous.u[0] < 0.0;
      previous = k;
    }
    ck_assert_int_eq(turned >= 2, i < 2);
  }
}
END_TEST

/* A rotation by pi to double rounding: u = -e_x up to 1e-16, where 1 + v_1 = 7e-33 */
START_TEST(test_complement_basis_is_orthonormal_where_its_formula_cancels)
{
  LinearSde sde = {.b  = 3,
                   .M  = {0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0},
                   .Q  = {0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0},
                   .V0 = {0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0}};
  Kernel    k   = kernel_at(&sde, 0.5 * TWO_PI);

  for (int p = 0; p < 2; p++) {
    for (int q = 0; q < 2; q++) {
      double WW = 0.0;

      for (int i = 0; i < 3; i++) WW += k.W[i * 2 + p] * k.W[i * 2 + q];
      ck_assert_double_lt(fabs(WW - (p == q)), 1e-15);
    }
  }
}
END_TEST

/* Two clusters (0.3, 0.7) at (0.8, -0.5), variances (0.05, 0.4); log P and score at X by the decomposition */
static void mixture_score(const Kernel *k, const double *X, double *log_p, double *score, double *x0hat)
{
  static const double p[2] = {0.3, 0.7}, mu[2] = {0.8, -0.5}, h[2] = {0.05, 0.4};
  const int           b = k->b, a = b - 1;
  const double        z = dot(b, k->l, X);
  double              part[2], sz = 0.0, ew2 = 0.0;

  for (int c = 0; c < 2; c++) {
    const double v = h[c] + k->sigma2;

    part[c] = p[c] * exp(-0.5 * (z - mu[c]) * (z - mu[c]) / v) / sqrt(TWO_PI * v);
    sz -= part[c] * (z - mu[c]) / v;
  }
  sz /= part[0] + part[1];
  for (int j = 0; j < a; j++) {
    double e = 0.0;

    for (int i = 0; i < b; i++) e += k->Ew[i * a + j] * X[i];
    ew2 += e * e;
  }
  *log_p = log(part[0] + part[1]) - 0.5 * ew2 + k->log_norm;
  *x0hat = z + k->sigma2 * sz;
  for (int i = 0; i < b; i++) score[i] = k->l[i] * sz - dot(b, k->R + i * b, X);
}

START_TEST(test_decomposition_gives_printed_scores)
{
  static const double want[3][5] = {
      /* log P, s_x, s_aux, x0hat, aux0hat */
      {-1.70464893609272, -1.13585018358424, 0.646410193415553, 0.35341632475399, 0.0338700029412564},
      {-1.49982857826076, -0.257323373189972, 1.6120250817713, -0.0812007499465749, 7.07429031097627e-4},
      {-0.755213458252558, -0.457073321523307, 0.0, 0.0, 0.0}};
  static const double X[AD_BMAX] = {0.25, -0.4};

  for (int i = 0; i < 3; i++) {
    LinearSde sde = i == 0 ? active_sde(1.3, 0.7, 0.2, 0.9) : i == 1 ? cld_sde(1.0) : passive_sde(1.3, 0.8);
    Kernel    k   = kernel_at(&sde, 0.6);
    double    log_p, score[AD_BMAX], x0hat;

    mixture_score(&k, X, &log_p, score, &x0hat);
    ck_assert_close(log_p, want[i][0], 1e-13);
    ck_assert_close(score[0], want[i][1], 1e-13);
    if (sde.b == 1) continue;
    ck_assert_close(score[1], want[i][2], 1e-13);
    ck_assert_close(x0hat, want[i][3], 1e-12);
    ck_assert_close(-dot(2, k.H + 2, score), want[i][4], 1e-12);
  }
}
END_TEST

START_TEST(test_score_is_gradient_of_log_density)
{
  static const double X[AD_BMAX] = {0.25, -0.4, 0.3};
  const double        h          = 1e-5;

  for (int i = 0; i < NLAWS; i++) {
    LinearSde sde            = law_example(i);
    Kernel    k              = kernel_at(&sde, 0.6);
    double    score[AD_BMAX] = {0.0}, unused[AD_BMAX], x0hat, up, down;

    mixture_score(&k, X, &up, score, &x0hat);
    for (int j = 0; j < sde.b; j++) {
      double moved[AD_BMAX] = {X[0], X[1], X[2]};

      moved[j] = X[j] + h;
      mixture_score(&k, moved, &up, unused, &x0hat);
      moved[j] = X[j] - h;
      mixture_score(&k, moved, &down, unused, &x0hat);
      /* truncation h^2 and rounding eps/h */
      ck_assert_double_lt(fabs((up - down) / (2.0 * h) - score[j]), 1e-8 * (1.0 + fabs(score[j])));
    }
  }
}
END_TEST

START_TEST(test_time_of_sigma_inverts_the_clock)
{
  for (int i = 0; i < NLAWS; i++) {
    LinearSde sde = law_example(i);

    for (double t = 1e-7; t < 25.0; t *= 3.7) {
      Kernel k = kernel_at(&sde, t);
      double Ql[AD_BMAX], slope, found;

      multiply(sde.b, sde.b, 1, sde.Q, k.l, Ql);
      slope = t * dot(sde.b, k.l, Ql) / k.sigma2; /* d log sigma2/d log t: k.sigma itself is rounded */
      ck_assert_int_eq(kernel_time_of_sigma(&sde, k.sigma, 30.0, &found), KERNEL_OK);
      ck_assert_msg(relative(found, t) < 1e-14 + 1e-15 / slope, "example %d t %g", i, t);
      ck_assert_int_eq(kernel_time_of_sigma(&sde, k.sigma, t, &found), KERNEL_OK);
      ck_assert_msg(relative(found, t) < 1e-14 + 1e-15 / slope, "example %d t %g at the end", i, t);
    }
  }
}
END_TEST

START_TEST(test_time_of_sigma_names_what_is_out_of_reach)
{
  LinearSde sde = active_sde(1.0, 0.5, 0.0, 1.0), noiseless = active_sde(1.0, 0.5, 0.1, 0.0);
  Kernel    k = kernel_at(&sde, 1.0);
  double    t;

  ck_assert_int_eq(kernel_time_of_sigma(&sde, k.sigma * (1.0 + 1e-12), 1.0, &t), KERNEL_RANGE);
  ck_assert_int_eq(kernel_time_of_sigma(&sde, k.sigma * (1.0 - 1e-12), 1.0, &t), KERNEL_OK);
  ck_assert_int_eq(kernel_time_of_sigma(&sde, 1e-160, 1.0, &t), KERNEL_DEGENERATE);
  ck_assert_int_eq(kernel_time_of_sigma(&noiseless, 0.1, 1.0, &t), KERNEL_DEGENERATE);
  ck_assert_int_eq(kernel_time_of_sigma(&sde, 1e140, 1e5, &t), KERNEL_OK); /* the end is forgotten */
  ck_assert_close(kernel_at(&sde, t).sigma, 1e140, 1e-11);
}
END_TEST

Suite *kernel_clock_suite(void)
{
  Suite *suite = suite_create("kernel_clock");
  TCase *law   = tcase_create("decomposition");
  TCase *clock = tcase_create("clock");

  tcase_add_test(law, test_kernel_decomposition_is_consistent);
  tcase_add_test(law, test_complement_basis_of_two_variables_is_the_rotated_response);
  tcase_add_test(law, test_complement_basis_is_continuous);
  tcase_add_test(law, test_complement_basis_is_orthonormal_where_its_formula_cancels);
  tcase_add_test(law, test_decomposition_gives_printed_scores);
  tcase_add_test(law, test_score_is_gradient_of_log_density);
  suite_add_tcase(suite, law);
  tcase_add_test(clock, test_clock_makes_z_a_brownian_motion);
  tcase_add_test(clock, test_clock_runs_at_rate_of_noise_along_v);
  tcase_add_test(clock, test_active_clock_is_passive_with_ramped_temperature);
  tcase_add_test(clock, test_time_of_sigma_inverts_the_clock);
  tcase_add_test(clock, test_time_of_sigma_names_what_is_out_of_reach);
  suite_add_tcase(suite, clock);
  return suite;
}
