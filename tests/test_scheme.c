/*
  Tables of the samplers: exact steps, orders of convergence, and that the reverse process returns the data
*/
#include <math.h>
#include <string.h>
#include "ad_check.h"
#include "adscheme.h"
#include "reference/kernel_reference.h"

Suite *scheme_suite(void);

#define NBRIDGE ((int)(sizeof bridge_reference / sizeof bridge_reference[0]))
#define SIZE    (AD_BMAX * AD_BMAX)

static LinearSde active_sde(double k, double tau, double tp, double ta)
{
  return (LinearSde){.b  = 2,
                     .M  = {-k, 1.0, 0.0, -1.0 / tau},
                     .Q  = {2.0 * tp, 0.0, 0.0, 2.0 * ta / (tau * tau)},
                     .V0 = {0.0, 0.0, 0.0, ta / tau}};
}

/* Critically damped Langevin with beta 1, Gamma 1, m 1/4, and v at its equilibrium from the start */
static LinearSde cld_sde(void)
{
  return (LinearSde){
      .b = 2, .M = {0.0, 4.0, -1.0, -4.0}, .Q = {0.0, 0.0, 0.0, 2.0}, .V0 = {0.0, 0.0, 0.0, 0.25}};
}

static LinearSde passive_sde(double k, double temperature)
{
  return (LinearSde){.b = 1, .M = {-k}, .Q = {2.0 * temperature}};
}

/* Full matrices, correlated noise and start */
static LinearSde general_sde(void)
{
  return (LinearSde){.b  = 3,
                     .M  = {-1.0, 0.75, -0.5, 0.25, -2.0, 1.25, -0.375, 0.5, -0.625},
                     .Q  = {0.5, 0.125, -0.25, 0.125, 1.0, 0.375, -0.25, 0.375, 0.75},
                     .V0 = {0.0, 0.0, 0.0, 0.0, 0.75, -0.25, 0.0, -0.25, 0.5}};
}

/* The last example starts from aux = 0, where its reverse process is stiff: not for tests of order */
static LinearSde example_sde(int i)
{
  const LinearSde list[6] = {
      passive_sde(1.3, 0.8), active_sde(1.3, 0.7, 0.2, 0.9), active_sde(1.0, 0.5, 0.0, 1.0), cld_sde(),
      general_sde(),         active_sde(1.0, 0.5, 0.0, 1.0)};
  LinearSde sde = list[i];

  if (i == 5) sde.V0[3] = 0.0;
  return sde;
}
enum { NSMOOTH = 5, NEXAMPLES = 6 };

static Kernel kernel_at(const LinearSde *sde, double t)
{
  Kernel k;

  ck_assert_int_eq(kernel_compute(sde, t, &k), KERNEL_OK);
  return k;
}

/* The law at s >= 0, as far as it exists at 0 */
static Kernel law_at(const LinearSde *sde, double s)
{
  Kernel k;

  ck_assert_int_eq(kernel_compute(sde, s, &k), s > 0.0 ? KERNEL_OK : KERNEL_DEGENERATE);
  return k;
}

static double dot(int n, const double *a, const double *b)
{
  double sum = 0.0;

  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* F S F^T + L L^T */
static void covariance_after(int b, const double *F, const double *S, const double *L, double *C)
{
  double FS[SIZE] = {0.0};

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      for (int c = 0; c < b; c++) FS[i * b + j] += F[i * b + c] * S[c * b + j];
    }
  }
  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) C[i * b + j] = dot(b, FS + i * b, F + j * b) + dot(b, L + i * b, L + j * b);
  }
}

/* Mean and covariance of X, data N(DATA_MEAN, DATA_VARIANCE) */
#define DATA_MEAN     0.5
#define DATA_VARIANCE 0.3

typedef struct {
  double m[AD_BMAX], S[SIZE];
} Moments;

static Moments moments_at(const Kernel *k)
{
  const int b = k->b;
  Moments   x = {{0.0}, {0.0}};

  for (int i = 0; i < b; i++) {
    x.m[i] = k->u[i] * DATA_MEAN;
    for (int j = 0; j < b; j++) x.S[i * b + j] = k->Cb[i * b + j] + DATA_VARIANCE * k->u[i] * k->u[j];
  }
  return x;
}

/* One step of the moments with the exact g of these data; M_error times M is added to A */
static void advance_moments(const LinearSde *sde, const AffineStep *step, const Kernel *k, double M_error,
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
    AffineStep step;

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
    AffineStep step = {.b = b, .q = 1};
    double     H[SIZE], A[SIZE], B[AD_BMAX];

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
    LinearSde  sde = example_sde(i);
    const int  b   = sde.b;
    AffineStep step;

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
  LinearSde  sde = active_sde(1.0, 0.5, 0.0, 1.0);
  AffineStep step;

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
    LinearSde  sde = example_sde(i);
    const int  b   = sde.b;
    AffineStep one, all;
    Kernel     k = kernel_at(&sde, 0.3);

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

START_TEST(test_anc_reproduces_printed_step)
{
  static const double K[4] = {0.731960457812, -0.060287723307, 0.977778573753, 0.333483541992};
  static const double B[2] = {0.263330925939, -0.345600414812};
  static const double V[4] = {0.0893393526726, 0.0399243014504, 0.0399243014504, 0.523693153007};
  LinearSde           sde  = active_sde(1.3, 0.7, 0.2, 0.9);
  AffineStep          step;

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
    AffineStep    step;

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
static void check_known_x0(const LinearSde *sde, double t, double s, const AffineStep *step)
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
      LinearSde  sde = example_sde(i);
      AffineStep step;

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
      LinearSde  sde = example_sde(i);
      AffineStep step;

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
    AffineStep   step;

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
    AffineStep step;
    double     mean, g, next[AD_BMAX] = {0.0};

    k    = kernel_at(sde, time[n]);
    mean = (DATA_VARIANCE * dot(b, k.l, X) + k.sigma2 * DATA_MEAN) / (DATA_VARIANCE + k.sigma2);
    ck_assert_int_eq(scheme_ddim(sde, time[n], time[n + 1], &step), KERNEL_OK);
    if (second_order && n > 0) scheme_multistep(sigma[n - 1], sigma[n], sigma[n + 1], &step);
    g        = mean + step.multistep * (mean - previous);
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
  AffineStep mean = {.g_is_mean = 1}, score = {.g_is_mean = 0};

  scheme_multistep(8.0, 4.0, 1.0, &mean); /* log steps: log 2, then log 4 */
  scheme_multistep(8.0, 4.0, 1.0, &score);
  ck_assert_close(mean.multistep, 1.0, 1e-15);
  ck_assert_close(score.multistep, 1.0 / 16.0, 1e-15);
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
    AffineStep   by_mean, by_score;

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

START_TEST(test_stability_is_the_spectral_radius)
{
  const double angle = 0.7;
  Kernel       k     = {.b = 2, .l = {1.0, 0.0}};
  AffineStep   turn  = {
         .b = 2, .q = 1, .A = {0.9 * cos(angle), -0.9 * sin(angle), 0.9 * sin(angle), 0.9 * cos(angle)}};
  AffineStep jordan    = {.b = 2, .q = 1, .A = {0.9, 1e3, 0.0, 0.9}},
             nilpotent = {.b = 2, .q = 1, .A = {0.0, 1.0}};
  AffineStep feedback  = {.b = 2, .q = 1, .A = {1.5, 0.0, 0.0, 0.2}, .B = {0.8, 0.0}};

  ck_assert_close(scheme_stability(&turn, &k, 1.0), 0.9, 1e-10);
  ck_assert_close(scheme_stability(&jordan, &k, 1.0), 0.9, 1e-9);
  ck_assert_double_eq(scheme_stability(&nilpotent, &k, 1.0), 0.0);
  ck_assert_close(scheme_stability(&feedback, &k, 1.0), 0.7, 1e-10); /* sz = -z */
  feedback.g_is_mean = 1;
  ck_assert_close(scheme_stability(&feedback, &k, 1.0), 2.3, 1e-10); /* x0hat = z, sigma2 = 0 */
}
END_TEST

/* Near equilibrium the reverse process has rates k and 1/tau: EM is stable up to dt = 2 min(tau, 1/k) */
START_TEST(test_em_loses_stability_at_twice_the_shortest_time)
{
  LinearSde  sde = active_sde(1.0, 0.1, 0.0, 1.0);
  Kernel     k   = kernel_at(&sde, 20.0);
  AffineStep below, above, full;
  double     growth;

  ck_assert_int_eq(scheme_em(&sde, 20.0, 20.0 - 0.199, 1, &below), KERNEL_OK);
  ck_assert_int_eq(scheme_em(&sde, 20.0, 20.0 - 0.201, 1, &above), KERNEL_OK);
  ck_assert_int_eq(scheme_em(&sde, 20.0, 20.0 - 0.201, 2, &full), KERNEL_OK);
  ck_assert_close(scheme_stability(&below, &k, 0.3), 0.99, 1e-6);
  ck_assert_close(scheme_stability(&above, &k, 0.3), 1.01, 1e-6);
  ck_assert_close(scheme_stability(&full, &k, 0.3), 1.01, 1e-6);
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
  LinearSde  sde = active_sde(1.0, 0.5, 0.0, 1.0);
  AffineStep step;
  double     A[4], B[2], growth;

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
  TCase *em = tcase_create("em and flow"), *clock = tcase_create("anc and ddim"),
        *checks = tcase_create("checks");

  tcase_add_test(em, test_em_returns_gaussian_data_with_order_one);
  tcase_add_test(em, test_flow_returns_gaussian_data_with_order_two);
  tcase_add_test(em, test_moments_discriminate_the_sign_of_the_drift);
  tcase_add_test(em, test_em_noise_has_covariance_of_forward_process);
  tcase_add_test(em, test_em_leaves_x_without_noise_where_the_process_does);
  tcase_add_test(em, test_em_with_full_score_agrees_with_closed_form);
  suite_add_tcase(suite, em);
  tcase_add_test(clock, test_anc_reproduces_printed_step);
  tcase_add_test(clock, test_anc_matches_400_digit_reference);
  tcase_add_test(clock, test_anc_is_exact_when_x0_is_known);
  tcase_add_test(clock, test_ddim_is_exact_when_x0_is_known);
  tcase_add_test(clock, test_anc_moves_z_by_the_clock_alone);
  tcase_add_test(clock, test_ddim_follows_the_flow_of_z_with_order_one_and_two);
  tcase_add_test(clock, test_multistep_scales_with_the_kind_of_g);
  tcase_add_test(clock, test_denoise_is_the_posterior_mean_of_the_start);
  suite_add_tcase(suite, clock);
  tcase_add_test(checks, test_stability_is_the_spectral_radius);
  tcase_add_test(checks, test_em_loses_stability_at_twice_the_shortest_time);
  tcase_add_test(checks, test_growth_is_that_of_the_exact_reverse_process);
  tcase_add_test(checks, test_schemes_pass_on_the_status_of_the_kernel);
  suite_add_tcase(suite, checks);
  return suite;
}
