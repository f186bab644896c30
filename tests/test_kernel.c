/*
  The law of the linear SDE: printed values, 400-digit values, quadrature, identities, limits
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ad_check.h"
#include "private/wideimpl.h"
#include "reference/kernel_reference.h"

Suite *kernel_suite(void);

#define NREFERENCE ((int)(sizeof kernel_reference / sizeof kernel_reference[0]))
#define SIZE       (AD_BMAX * AD_BMAX)
#define TWO_PI     6.283185307179586

static LinearSde active_sde(double k, double tau, double tp, double ta)
{
  return (LinearSde){.b  = 2,
                     .M  = {-k, 1.0, 0.0, -1.0 / tau},
                     .Q  = {2.0 * tp, 0.0, 0.0, 2.0 * ta / (tau * tau)},
                     .V0 = {0.0, 0.0, 0.0, ta / tau}};
}

static LinearSde cld_sde(double friction)
{
  return (LinearSde){.b  = 2,
                     .M  = {0.0, 16.0, -4.0, -16.0 * friction},
                     .Q  = {0.0, 0.0, 0.0, 8.0 * friction},
                     .V0 = {0.0, 0.0, 0.0, 0.01}};
}

static LinearSde passive_sde(double k, double temperature)
{
  return (LinearSde){.b = 1, .M = {-k}, .Q = {2.0 * temperature}};
}

/* Full matrices, noise on two variables, correlated start */
static LinearSde general_sde(void)
{
  return (LinearSde){.b  = 3,
                     .M  = {-1.0, 0.75, -0.5, 0.25, -2.0, 1.25, -0.375, 0.5, -0.625},
                     .Q  = {0.5, 0.125, -0.25, 0.125, 1.0, 0.375, -0.25, 0.375, 0.75},
                     .V0 = {0.0, 0.0, 0.0, 0.0, 0.75, -0.25, 0.0, -0.25, 0.5}};
}

/* x' = v, v' = -x - 0.8 v + eta, eta Ornstein-Uhlenbeck: noise reaches x by way of v and eta */
static LinearSde underdamped_sde(void)
{
  return (LinearSde){.b  = 3,
                     .M  = {0.0, 1.0, 0.0, -1.0, -0.8, 1.0, 0.0, 0.0, -2.0},
                     .Q  = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0},
                     .V0 = {0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0}};
}

static LinearSde example_sde(int i)
{
  switch (i) {
  case 0:
    return passive_sde(1.3, 0.8);
  case 1:
    return active_sde(1.3, 0.7, 0.2, 0.9);
  case 2:
    return active_sde(1.0, 1.0, 0.0, 1.0);
  case 3:
    return cld_sde(1.0);
  case 4:
    return cld_sde(0.3);
  case 5:
    return general_sde();
  default:
    return underdamped_sde();
  }
}
enum { NEXAMPLES = 7 };

static LinearSde reference_sde(int i)
{
  LinearSde sde = {.b = kernel_reference[i].b};

  memcpy(sde.M, kernel_reference[i].M, sizeof sde.M);
  memcpy(sde.Q, kernel_reference[i].Q, sizeof sde.Q);
  memcpy(sde.V0, kernel_reference[i].V0, sizeof sde.V0);
  return sde;
}

static Kernel kernel_at(const LinearSde *sde, double t)
{
  Kernel k;

  ck_assert_int_eq(kernel_compute(sde, t, &k), KERNEL_OK);
  return k;
}

static double relative(double a, double b)
{
  return a == b ? 0.0 : fabs(a - b) / fabs(b);
}

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

static void multiply(int n, int k, int m, const double *A, const double *B, double *C)
{
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < m; j++) {
      C[i * m + j] = 0.0;
      for (int c = 0; c < k; c++) C[i * m + j] += A[i * k + c] * B[c * m + j];
    }
  }
}

static void transpose(int n, int m, const double *A, double *At)
{
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < m; j++) At[j * n + i] = A[i * m + j];
  }
}

/* F S F^T */
static void congruence(int b, const double *F, const double *S, double *C)
{
  double FS[SIZE], Ft[SIZE];

  multiply(b, b, b, F, S, FS);
  transpose(b, b, F, Ft);
  multiply(b, b, b, FS, Ft, C);
}

static double dot(int n, const double *a, const double *b)
{
  double sum = 0.0;

  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
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

  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde    sde = example_sde(i);
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
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde sde = example_sde(i);
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
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde sde = example_sde(i);
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
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde sde = example_sde(i);
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

/* Cov(z_s, z_t | x0) = sigma2(min(s, t)) */
START_TEST(test_clock_makes_z_a_brownian_motion)
{
  for (int i = 0; i < NEXAMPLES; i++) {
    for (double s = 1e-3; s < 1.0; s *= 5.0) {
      LinearSde sde = example_sde(i);
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
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde    sde = example_sde(i);
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
    LinearSde sde = example_sde(i);

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

  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde sde            = example_sde(i);
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

START_TEST(test_time_of_sigma_inverts_the_clock)
{
  for (int i = 0; i < NEXAMPLES; i++) {
    LinearSde sde = example_sde(i);

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
  tcase_add_test(law, test_kernel_decomposition_is_consistent);
  tcase_add_test(law, test_complement_basis_of_two_variables_is_the_rotated_response);
  tcase_add_test(law, test_complement_basis_is_continuous);
  tcase_add_test(law, test_complement_basis_is_orthonormal_where_its_formula_cancels);
  tcase_add_test(law, test_decomposition_gives_printed_scores);
  tcase_add_test(law, test_score_is_gradient_of_log_density);
  tcase_add_test(law, test_noise_given_all_of_start_is_factored);
  tcase_add_test(law, test_kernel_names_laws_without_noise);
  suite_add_tcase(suite, law);
  tcase_add_test(clock, test_clock_makes_z_a_brownian_motion);
  tcase_add_test(clock, test_clock_runs_at_rate_of_noise_along_v);
  tcase_add_test(clock, test_active_clock_is_passive_with_ramped_temperature);
  tcase_add_test(clock, test_active_tends_to_passive_as_tau_vanishes);
  tcase_add_test(clock, test_time_of_sigma_inverts_the_clock);
  tcase_add_test(clock, test_time_of_sigma_names_what_is_out_of_reach);
  suite_add_tcase(suite, clock);
  tcase_add_test(wideness, test_wide_root_and_logarithm_hold_over_the_range_of_wide);
  tcase_add_test(wideness, test_cholesky_takes_semidefinite_matrices);
  tcase_add_test(wideness, test_block_solve_pivots_and_finds_singular_matrices);
  suite_add_tcase(suite, wideness);
  return suite;
}
