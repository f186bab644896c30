/*
  Early, late and fitted laws of the memory; the check by clouds; mutual information
*/
#include "adfisher.h"
#include "kernel_case.h"
#include "score_case.h"

Suite *fisher_suite(void);

static KernelMemory memory_at(const LinearSde *sde, double t)
{
  KernelMemory m;

  ck_assert_int_eq(kernel_memory(sde, t, &m), KERNEL_OK);
  return m;
}

static void quantities(const LinearSde *sde, double t, double *value)
{
  const KernelMemory m = memory_at(sde, t);

  fisher_quantities(&m, value);
}

/* ---- laws ---- */

static void check_early(const LinearSde *sde, const double *expected_power, const double *expected)
{
  double power[FISHER_QUANTITIES], coefficient[FISHER_QUANTITIES];

  fisher_early(sde, power, coefficient);
  for (int q = 0; q < FISHER_QUANTITIES; q++) {
    if (expected[q] == 0)
      ck_assert(isnan(power[q]));
    else
      ck_assert_double_eq(power[q], expected_power[q]);
    ck_assert_close(coefficient[q], expected[q], 1e-10);
  }
}

START_TEST(test_early_laws_have_their_closed_forms)
{
  const double    tau = 0.7, ta = 0.9, tp = 0.2, x = 6 * tau * tau / ta, eta = 2 * tau * tau / ta;
  const LinearSde active = active_sde(1.3, tau, 0, ta), warm = active_sde(1.3, tau, tp, ta),
                  passive = passive_sde(1.3, tp), cld = cld_sde(1.0);

  check_early(&active, (double[]){-3, -3, -1, -3, -2, 0}, (double[]){x, x, eta, x / 4, tau / ta, 0});
  /* white noise on x is the larger one early: each variable has its own */
  check_early(&warm, (double[]){-1, -1, -1, -1, -1, 0},
              (double[]){0.5 / tp + eta / 4, 0.5 / tp, eta / 4, 0.5 / tp, 0.5 / tp, 0});
  check_early(&passive, (double[]){-1, -1, 0, -1, -1, 0},
              (double[]){0.5 / tp, 0.5 / tp, 0, 0.5 / tp, 0.5 / tp, 0});
  /* x' = 16 v, noise 8 on v: 12/(16^2 8 t^3), 4/(8 t); v alone (4 t)^2/0.01, x alone 1/(16 t)^2/0.01 */
  check_early(&cld, (double[]){-3, -3, -1, -3, -2, 2},
              (double[]){12.0 / 2048, 12.0 / 2048, 0.5, 3.0 / 2048, 1 / 2.56, 1600});
}
END_TEST

/* k tau < 1, = 1 and > 1; late law of eta0 as printed, of x0 whatever tau */
START_TEST(test_late_laws_have_their_closed_forms)
{
  static const double taus[5] = {0.1, 0.6, 1 / 1.3, 2, 7};
  const double        k = 1.3, ta = 0.9;

  for (int i = 0; i < 5; i++) {
    const double    tau = taus[i], kt = k * tau, s = ta / (k * pow(1 + kt, 2));
    const LinearSde sde = active_sde(k, tau, 0, ta);
    double          rate[FISHER_QUANTITIES], coefficient[FISHER_QUANTITIES];

    ck_call(FisherLate(&sde, rate, coefficient));
    for (int q = FISHER_XX; q <= FISHER_X_ALONE; q++)
      ck_assert_close(rate[q], q == FISHER_AUX ? 2 * fmin(k, 1 / tau) : 2 * k, 1e-13);
    ck_assert_close(rate[FISHER_FMC], 2 * fmin(k, 1 / tau), 1e-13);
    ck_assert_close(coefficient[FISHER_XX], 1 / s, 1e-12);
    ck_assert_close(coefficient[FISHER_JOINT], 1 / s, 1e-12);
    ck_assert_close(coefficient[FISHER_X_ALONE], 1 / (s * (1 + kt)), 1e-12);
    if (i == 2)
      ck_assert(isnan(coefficient[FISHER_AUX])); /* t^2 e^{-2kt} */
    else
      ck_assert_close(
          coefficient[FISHER_AUX],
          kt < 1 ? tau * tau / (pow(1 - kt, 2) * s) : tau * pow(1 + kt, 2) / (ta * pow(kt - 1, 2)), 1e-12);
    ck_assert_double_eq(coefficient[FISHER_AUX_ALONE], 0);
  }
}
END_TEST

/* Any process: what is one exponential late is this one; what is not decays as fast */
START_TEST(test_late_laws_are_approached)
{
  for (int i = 0; i < NLAWS; i++) {
    const LinearSde sde = law_example(i);
    double          rate[FISHER_QUANTITIES], coefficient[FISHER_QUANTITIES], value[FISHER_QUANTITIES];
    double          fitted[FISHER_QUANTITIES], bend[FISHER_QUANTITIES], t;

    ck_call(FisherLate(&sde, rate, coefficient));
    t = 560 / rate[FISHER_XX]; /* the two rates of the second process differ by a tenth */
    quantities(&sde, t, value);
    fisher_fit(&sde, t, 1.2 * t, fitted, bend);
    for (int q = 0; q < FISHER_QUANTITIES; q++) {
      if (value[q] == 0) continue;
      if (isfinite(coefficient[q])) {
        ck_assert_close(coefficient[q] * exp(-rate[q] * t), value[q], 1e-10);
        ck_assert_double_lt(bend[q], 1e-9);
      }
      ck_assert_close(fitted[q], rate[q], isfinite(coefficient[q]) ? 1e-11 : 0.05);
    }
  }
}
END_TEST

START_TEST(test_fitted_rate_is_the_slope_of_the_logarithm)
{
  const LinearSde sde = passive_sde(1.3, 0.8);
  double          rate[FISHER_QUANTITIES], bend[FISHER_QUANTITIES];

  fisher_fit(&sde, 0.5, 0.5001, rate, bend); /* a short window: the derivative at its middle */
  ck_assert_close(rate[FISHER_FMC], -2.6 / expm1(-2.6 * 0.50005), 1e-8);
  ck_assert(isnan(rate[FISHER_AUX]));
  fisher_fit(&sde, 100, 600, rate, bend); /* underflows */
  ck_assert(isnan(rate[FISHER_FMC]));
}
END_TEST

START_TEST(test_laws_without_stationary_state_or_noise_are_not_made_up)
{
  const LinearSde free = active_sde(0, 0.5, 0, 1), chain = {.b = 2, .M = {-1, 1, 0, -2}, .Q = {1}};
  double          a[FISHER_QUANTITIES], b[FISHER_QUANTITIES];

  ck_call(FisherLate(&free, a, b));
  for (int q = 0; q < FISHER_QUANTITIES; q++) ck_assert(isnan(a[q]) && isnan(b[q]));
  ck_call(FisherLate(&chain, a, b));
  for (int q = 0; q < FISHER_QUANTITIES; q++) ck_assert(isnan(a[q]) && isnan(b[q]));
  fisher_early(&chain, a, b);
  ck_assert(isnan(a[FISHER_XX]) && isnan(b[FISHER_XX]));
}
END_TEST

/* ---- clouds ---- */

static FisherDivergence check(const LinearSde *sde, const KernelMemory *m, int direction, double size,
                              int64_t n, uint64_t seed)
{
  FisherDivergence d;

  ck_call(FisherCheckPoint(sde, m, direction, size, n, (RngStream){seed, RNG_SDE, 0}, &d));
  return d;
}

/* 28 divergences (chi-square: 99.99 % below 63); a matrix of a time 10 % later fails by far */
START_TEST(test_clouds_confirm_the_matrix_and_refuse_another)
{
  double right = 0, wrong = 0;

  for (int i = 0; i < NLAWS; i++) {
    const LinearSde sde = law_example(i);

    for (int j = 0; j < 2; j++) {
      const double       t = j ? 0.7 : 0.01;
      const KernelMemory m = memory_at(&sde, t), later = memory_at(&sde, 1.1 * t);

      for (int direction = 0; direction < 2 && direction < sde.b; direction++) {
        FisherDivergence d = check(&sde, &m, direction, 1, 20000, (uint64_t)(10 * i + 2 * j + direction));
        const double     F = later.F[direction * (sde.b + 1)];

        right += pow((d.value - d.expected) / d.err, 2);
        wrong += pow((d.value - 0.5 * F * d.delta * d.delta) / d.err, 2);
        ck_assert_close(d.expected, 0.5, 1e-15);
        ck_assert_double_lt(d.err, 0.02);
      }
    }
  }
  ck_assert_msg(right < 63, "chi-square %g", right);
  ck_assert_msg(wrong > 500, "a wrong matrix passes: chi-square %g", wrong);
}
END_TEST

/* Over 1000 repetitions of small clouds the mean is right and the scatter is what the error says */
START_TEST(test_divergence_of_clouds_is_unbiased_with_right_errors)
{
  enum { REPEAT = 1000 };
  const LinearSde    sde  = law_example(5);
  const KernelMemory m    = memory_at(&sde, 0.5);
  const double       size = _i ? 2 : 0.5;
  double             mean = 0, square = 0, err2 = 0;

  for (int r = 0; r < REPEAT; r++) {
    const FisherDivergence d    = check(&sde, &m, 1, size, 40, (uint64_t)r);
    const double           away = d.value - d.expected;

    mean += away / REPEAT;
    square += away * away / REPEAT;
    err2 += d.err * d.err / REPEAT;
  }
  ck_assert_double_lt(fabs(mean), 4.5 * sqrt(square / REPEAT));
  ck_assert_close(square, err2, 4.5 * 2.5 / sqrt(REPEAT)); /* tails are longer than a Gaussian's */
}
END_TEST

START_TEST(test_no_cloud_where_there_is_no_matrix)
{
  LinearSde    frozen = active_sde(1.3, 0.7, 0.2, 0.9);
  KernelMemory m;

  frozen.Q[3] = 0;
  m           = memory_at(&frozen, 0.5);
  ck_assert(isnan(check(&frozen, &m, 0, 1, 100, 1).value));
}
END_TEST

/* ---- information ---- */

enum { N = 20000 };

typedef struct {
  Case    c;
  int64_t first, n;
  double *x0;
  int    *label;
} Rows;

static void rows_make(const char *process, const char *data, Rows *r)
{
  const MixtureData *law;
  int64_t           *index;

  ck_call(make(process, data, "", &r->c));
  ck_call(DatasetGetMixture(r->c.dataset, &law));
  ck_call(AdSplitRows(N, DENSITY_WAVE, &r->first, &r->n));
  r->x0    = malloc(sizeof(double) * (size_t)(r->n * r->c.d + 1));
  r->label = malloc(sizeof(int) * (size_t)(r->n + 1));
  index    = malloc(sizeof(int64_t) * (size_t)(r->n + 1));
  for (int64_t i = 0; i < r->n; i++) index[i] = r->first + i;
  ck_call(DatasetGetRows(r->c.dataset, SPLIT_TEST, r->n, index, r->x0, r->label));
  free(index);
}

static void rows_drop(Rows *r)
{
  free(r->x0);
  free(r->label);
  drop(&r->c);
}

static FisherInformation information(const Rows *r, double J, uint64_t seed)
{
  const MixtureData *law;
  FisherInformation  out;

  ck_call(DatasetGetMixture(r->c.dataset, &law));
  ck_call(FisherInformationCompute(r->c.process, r->c.score, law, J, (RngStream){seed, RNG_NOISE, 0}, N,
                                   r->first, r->n, r->x0, r->label, &out));
  return out;
}

/* I(x0; component a) of states drawn whole, X = (x, aux), by the densities of that component: no clock in it */
static void information_of_component(const Rows *r, const Kernel *k, int a, double *mean, double *err)
{
  const double       s2 = k->Cb[a * k->b + a], u = k->u[a];
  const MixtureData *law;
  double            *X = malloc(sizeof(double) * (size_t)(r->n * k->b + 1)),
         *value        = malloc(sizeof(double) * (size_t)(r->n + 1));

  ck_call(DatasetGetMixture(r->c.dataset, &law));
  ck_call(ProcessNoise(r->c.process, k, 1, (RngStream){77, RNG_NOISE, 1}, r->first, r->n, r->x0, X));
  for (int64_t i = 0; i < r->n; i++) {
    const double y = X[i * k->b + a], given = y - u * r->x0[i];
    double       p = 0;

    for (int c = 0; c < law->n; c++) {
      const double v = u * u * law->var[c] + s2, away = y - u * law->mean[c];
      p += law->weight[c] * exp(-0.5 * away * away / v) / sqrt(TWO_PI * v);
    }
    value[i] = -0.5 * given * given / s2 - 0.5 * log(TWO_PI * s2) - log(p);
  }
  ck_call(RowsMean(N, r->n, 1, value, mean, err));
  free(X);
  free(value);
}

/* All of X, x, and the auxiliary variable, against quadrature; x and v also from whole states */
START_TEST(test_information_of_parts_meets_quadrature_and_whole_states)
{
  static const int what[3] = {1, 3, 0}; /* active, CLD, passive among processes[] */
  const LinearSde *sde;
  Rows             r;

  rows_make(processes[what[_i]], TOY, &r);
  ck_call(ProcessGetSde(r.c.process, &sde));
  for (int j = 0; j < 3; j++) {
    const double       t    = times[j];
    const Kernel       k    = kernel_at(sde, t);
    const KernelMemory m    = memory_at(sde, t);
    const double       J[3] = {m.joint, m.x_alone, m.aux_alone};

    for (int s = 0; s < 3; s++) {
      const FisherInformation f = information(&r, J[s], (uint64_t)(100 * _i + 10 * j + s));
      double                  mean, err;

      ck_assert_double_le(fabs(f.value - f.exact), 4.5 * f.err);
      if (s == 0 || s >= sde->b) continue;
      information_of_component(&r, &k, s - 1, &mean, &err);
      ck_assert_double_le(fabs(mean - f.exact), 4.5 * err + 1e-12);
    }
  }
  rows_drop(&r);
}
END_TEST

START_TEST(test_information_of_nothing_is_nothing)
{
  Rows              r;
  FisherInformation none, unknown;

  rows_make(processes[1], TOY, &r);
  none    = information(&r, 0, 1);
  unknown = information(&r, NAN, 1);
  ck_assert(none.value == 0 && none.err == 0 && none.exact == 0);
  ck_assert(isnan(unknown.value) && isnan(unknown.err));
  rows_drop(&r);
}
END_TEST

Suite *fisher_suite(void)
{
  Suite *suite = suite_create("fisher");
  TCase *laws = tcase_create("laws"), *clouds = tcase_create("clouds"), *bits = tcase_create("information");

  tcase_add_test(laws, test_early_laws_have_their_closed_forms);
  tcase_add_test(laws, test_late_laws_have_their_closed_forms);
  tcase_add_test(laws, test_late_laws_are_approached);
  tcase_add_test(laws, test_fitted_rate_is_the_slope_of_the_logarithm);
  tcase_add_test(laws, test_laws_without_stationary_state_or_noise_are_not_made_up);
  suite_add_tcase(suite, laws);
  tcase_add_test(clouds, test_clouds_confirm_the_matrix_and_refuse_another);
  tcase_add_loop_test(clouds, test_divergence_of_clouds_is_unbiased_with_right_errors, 0, 2);
  tcase_add_test(clouds, test_no_cloud_where_there_is_no_matrix);
  suite_add_tcase(suite, clouds);
  tcase_add_loop_test(bits, test_information_of_parts_meets_quadrature_and_whole_states, 0, 3);
  tcase_add_test(bits, test_information_of_nothing_is_nothing);
  suite_add_tcase(suite, bits);
  return suite;
}
