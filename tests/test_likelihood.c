/*
  Path-space KL, the variational bound, denoising error, information and recovery: against closed forms, quadrature and
  identities between them; all noises collapse on the clock
*/
#include "ad_check.h"
#include "adlikelihood.h"
#include <stdlib.h>
#include <string.h>

Suite *likelihood_suite(void);

#define TOY "-dataset_means 0.8,-0.5 -dataset_variances 0.05,0.4 -dataset_weights 0.3,0.7 "
#define PLANE                                                                                                \
  "-dataset_dim 2 -dataset_means 1.2,0.1,-0.8,0.4,-0.1,-0.5 -dataset_variances 0.04,0.3,0.01,0.1,0.2,0.02 "  \
  "-dataset_weights 0.5,0.2,0.3 "
#define GAUSSIAN                                                                                             \
  "-score_type net -score_kind reduced -net_width 32 -net_depth 2 " /* zero weights: D of Gaussian data */

static const char *const processes[] = {
    "-process_type passive -process_k 1.3 -process_tp 0.8 ",
    "-process_type active -process_k 1.3 -process_tau 0.7 -process_ta 0.9 ",
    "-process_type active -process_k 1.3 -process_tau 0.7 -process_tp 0.2 -process_ta 0.9 ",
    "-process_type cld ",
    "-process_type general -process_m -1,1,0,0,-2,1,0,-1,-3 -process_g 0,0,0,0,0,0,0,0,1.5 -process_cov0 "
    "0.3,0.1,0.1,0.4 -process_t_final 3 ",
    "-process_type general -process_m -1,0.75,-0.5,0.25,-2,1.25,-0.375,0.5,-0.6 -process_g "
    "0.7,0,0,0.2,1,0,-0.3,0.4,0.8 -process_cov0 0.75,-0.25,-0.25,0.5 ",
};
enum { PROCESSES = 6, N = 4000 };

static const char *const data[] = {TOY, PLANE};

typedef struct {
  Process            process;
  Dataset            dataset;
  Score              model, truth; /* Gaussian, exact */
  const MixtureData *law;
  int                d;
  int64_t            first, n;
  double            *x0;
  int               *label;
} Case;

static PetscErrorCode make_score(Case *c, const char *text, Score *score)
{
  PetscOptions options;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PetscOptionsInsertString(options, text));
  PetscCall(ScoreCreate(score));
  PetscCall(ScoreSetFromOptions(*score));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(ScoreSetProcess(*score, c->process));
  PetscCall(ScoreSetDataset(*score, c->dataset));
  PetscCall(ScoreSetUp(*score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode make(const char *process, const char *law, uint64_t seed, Case *c)
{
  PetscOptions       options;
  const Coordinates *coordinates;
  int64_t           *index;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PetscOptionsInsertString(options, process));
  PetscCall(PetscOptionsInsertString(options, law));
  PetscCall(ProcessCreate(&c->process));
  PetscCall(ProcessSetFromOptions(c->process));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, seed));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(ProcessSetUp(c->process));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(make_score(c, GAUSSIAN, &c->model));
  PetscCall(make_score(c, "", &c->truth));
  PetscCall(DatasetGetMixture(c->dataset, &c->law));
  PetscCall(ScoreGetCoordinates(c->truth, &coordinates));
  c->d = coordinates->d;
  PetscCall(AdSplitRows(N, DENSITY_WAVE, &c->first, &c->n));
  PetscCall(PetscMalloc2(c->n * c->d, &c->x0, c->n, &c->label));
  PetscCall(PetscMalloc1(c->n, &index));
  for (int64_t r = 0; r < c->n; r++) index[r] = c->first + r;
  PetscCall(DatasetGetRows(c->dataset, SPLIT_TEST, c->n, index, c->x0, c->label));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void drop(Case *c)
{
  ck_call(ScoreDestroy(&c->model));
  ck_call(ScoreDestroy(&c->truth));
  ck_call(DatasetDestroy(&c->dataset));
  ck_call(ProcessDestroy(&c->process));
  ck_call(PetscFree2(c->x0, c->label));
}

static MixtureIntegrals integrate(const MixtureData *law, double sigma2)
{
  MixtureIntegrals q     = {0};
  PetscBool        known = PETSC_FALSE;

  ck_call(MixtureIntegrate(law, sigma2, &q, &known));
  ck_assert_all(known);
  return q;
}

/* Cross entropy of the noised law to the Gaussian N(m0, V + sigma2), V the mean of the variances or each its own */
static double cross_entropy(const Case *c, double sigma2, int own)
{
  const Coordinates *data_of;
  double             sum = 0, V = 0;

  ck_call(ScoreGetCoordinates(c->truth, &data_of));
  for (int i = 0; i < c->d; i++) V += data_of->variance[i] / c->d;
  for (int i = 0; i < c->d; i++) {
    const double v = (own ? data_of->variance[i] : V) + sigma2;
    sum += 0.5 * (log(2 * acos(-1) * v) + (data_of->variance[i] + sigma2) / v);
  }
  return sum;
}

/* ---- quadrature ---- */

START_TEST(test_quadrature_of_one_gaussian_is_its_closed_form)
{
  const double weight = 1, mean[2] = {0.3, -2}, var[2] = {0.25, 0.1}, sigma2 = 0.07;

  for (int d = 1; d <= 2; d++) {
    const MixtureData      law   = {1, d, &weight, mean, var};
    const MixtureIntegrals q     = integrate(&law, sigma2);
    double                 error = 0, information = 0, entropy = 0;

    for (int i = 0; i < d; i++) {
      error += var[i] * sigma2 / (var[i] + sigma2);
      information += 0.5 * log(1 + var[i] / sigma2);
      entropy += 0.5 * log(2 * acos(-1) * exp(1) * (var[i] + sigma2));
    }
    ck_assert_close(q.error, error, 1e-12);
    ck_assert_close(q.information, information, 1e-12);
    ck_assert_close(q.entropy, entropy, 1e-12);
    ck_assert_close(q.recovery, 1, 1e-12);
  }
}
END_TEST

/* dI/d(1/sigma2) = E|x0 - D|^2/2 (Guo, Shamai and Verdu 2005) */
START_TEST(test_information_and_error_obey_their_identity)
{
  const double snr = 5, h = 0.05;
  double       slope;
  Case         c;

  ck_call(make(processes[0], data[_i], 3, &c));
  slope =
      (8 * (integrate(c.law, 1 / (snr + h)).information - integrate(c.law, 1 / (snr - h)).information) -
       (integrate(c.law, 1 / (snr + 2 * h)).information - integrate(c.law, 1 / (snr - 2 * h)).information)) /
      (12 * h);
  ck_assert_close(slope, 0.5 * integrate(c.law, 1 / snr).error, 1e-7);
  drop(&c);
}
END_TEST

/* ---- means over rows ---- */

START_TEST(test_controlled_mean_is_unbiased_and_sharper)
{
  int64_t first, n;
  double *value, *noise, mean, err, sharp, sharp_err;

  ck_call(AdSplitRows(N, DENSITY_WAVE, &first, &n));
  value = malloc(sizeof(double) * (size_t)(n + 1));
  noise = malloc(sizeof(double) * (size_t)(n + 1));
  rng_normal_double((RngStream){1, RNG_METRICS, 0}, (uint64_t)first, (size_t)n, 1, noise);
  rng_normal_double((RngStream){1, RNG_METRICS, 1}, (uint64_t)first, (size_t)n, 1, value);
  for (int64_t r = 0; r < n; r++) value[r] = 7 + 0.1 * value[r] - 2 * noise[r];
  for (int64_t r = 0; r < n; r++) noise[r] += 5;
  ck_call(RowsMean(N, n, 1, value, &mean, &err));
  ck_call(RowsControl(N, n, 1, noise, 5, value));
  ck_call(RowsMean(N, n, 1, value, &sharp, &sharp_err));
  ck_assert_close(err, sqrt(4.01 / N), 0.1);
  ck_assert_close(sharp_err, sqrt(0.01 / N), 0.1);
  ck_assert_double_lt(fabs(mean - 7), 4.5 * err);
  ck_assert_double_lt(fabs(sharp - 7), 4.5 * sharp_err);
  free(value);
  free(noise);
}
END_TEST

/* ---- path KL and bound ---- */

/*
  The Gaussian model's reverse process is the exact one of Gaussian data, so its path KL is the loss of marginal KL between
  sigma_min and sigma_max: cross entropies less entropies, by quadrature
*/
START_TEST(test_path_kl_of_a_gaussian_model_is_the_loss_of_marginal_kl)
{
  const PathSettings settings = {_i / 2 ? DENSITY_STATE : DENSITY_CLOCK, 48, 0.02, 1.2, 5};
  const double       lo = pow(settings.sigma_min, 2), hi = pow(settings.sigma_max, 2);
  double             expected;
  PathResult         path;
  Case               c;

  ck_call(make(processes[_i / 2], data[_i % 2], 3, &c));
  expected = cross_entropy(&c, lo, 0) - integrate(c.law, lo).entropy - cross_entropy(&c, hi, 0) +
             integrate(c.law, hi).entropy;
  ck_call(PathCompute(c.process, c.model, c.truth, &settings, N, c.first, c.n, c.x0, &path));
  ck_assert_msg(path.kl_err < 0.05 * expected && fabs(path.kl - expected) < 4.5 * path.kl_err,
                "path KL %g (%g), expected %g", path.kl, path.kl_err, expected);
  ck_call(PathFree(&path));
  drop(&c);
}
END_TEST

START_TEST(test_path_integrals_are_the_same_for_every_process)
{
  PathSettings settings = {DENSITY_CLOCK, 12, 0.02, 1.2, 5};
  PathResult   clock, state;
  Case         c;

  ck_call(make(processes[_i], PLANE, 3, &c));
  ck_call(PathCompute(c.process, c.model, c.truth, &settings, N, c.first, c.n, c.x0, &clock));
  settings.space = DENSITY_STATE;
  ck_call(PathCompute(c.process, c.model, c.truth, &settings, N, c.first, c.n, c.x0, &state));
  ck_assert_close(state.kl, clock.kl, 1e-6); /* the same z, but for rounding */
  ck_assert_close(state.bound, clock.bound, 1e-6);
  for (int k = 0; k < settings.nodes; k++) ck_assert_close(state.error[k], clock.error[k], 1e-6);
  ck_call(PathFree(&clock));
  ck_call(PathFree(&state));
  drop(&c);
}
END_TEST

/* The exact denoiser closes the gap: bound = entropy + KL of the prior; the Gaussian's bound is its cross entropy */
START_TEST(test_bound_is_met_by_the_exact_denoiser_and_only_by_it)
{
  const PathSettings settings = {DENSITY_CLOCK, 128, 0.005, 20, 5};
  const double       top      = pow(settings.sigma_max, 2);
  double             floor, gaussian;
  PathResult         exact, model;
  Case               c;

  ck_call(make(processes[0], data[_i], 3, &c));
  floor    = integrate(c.law, 0).entropy + cross_entropy(&c, top, 1) - integrate(c.law, top).entropy;
  gaussian = cross_entropy(&c, 0, 0);
  ck_call(PathCompute(c.process, c.truth, NULL, &settings, N, c.first, c.n, c.x0, &exact));
  ck_call(PathCompute(c.process, c.model, c.truth, &settings, N, c.first, c.n, c.x0, &model));
  ck_assert_msg(exact.bound_err < 0.03 && fabs(exact.bound - floor) < 4.5 * exact.bound_err,
                "bound %g (%g), entropy %g", exact.bound, exact.bound_err, floor);
  ck_assert_msg(fabs(model.bound - gaussian) < 4.5 * model.bound_err, "bound %g (%g), cross entropy %g",
                model.bound, model.bound_err, gaussian);
  ck_assert_double_gt(model.bound - exact.bound, 4.5 * hypot(model.bound_err, exact.bound_err));
  ck_call(PathFree(&exact));
  ck_call(PathFree(&model));
  drop(&c);
}
END_TEST

/* ---- denoising, and the collapse of all noises ---- */

START_TEST(test_denoising_meets_quadrature)
{
  static const double sigma[] = {0.05, 0.3, 1};
  DenoiseResult       r;
  MixtureIntegrals    q;
  Case                c;
  Kernel              k;

  ck_call(make(processes[_i], PLANE, 3, &c));
  for (int s = 0; s < 3; s++) {
    const RngStream stream = {11 + (uint64_t)_i, RNG_NOISE, (uint32_t)s};
    double          t;

    ck_call(ProcessGetTimeOfSigma(c.process, sigma[s], &t));
    ck_call(ProcessGetKernel(c.process, t, &k));
    ck_call(DenoiseCompute(c.process, c.truth, c.law, &k, stream, N, c.first, c.n, c.x0, c.label, &r));
    q = integrate(c.law, k.sigma2);
    ck_assert_double_lt(fabs(r.error - q.error), 4.5 * r.error_err);
    ck_assert_double_lt(fabs(r.information - q.information), 4.5 * r.information_err);
    ck_assert_double_lt(fabs(r.recovery - q.recovery), 4.5 * r.recovery_err);
    ck_assert_double_lt(r.error_err, 0.1 * r.error);
  }
  drop(&c);
}
END_TEST

/* Lower factor L[b][b] of the covariance of X(0) given x0, whose first row is zero */
static void factor_start(const LinearSde *sde, double *L)
{
  const int b = sde->b;

  memset(L, 0, sizeof(double) * (size_t)(b * b));
  for (int i = 1; i < b; i++)
    for (int j = 1; j <= i; j++) {
      double sum = sde->V0[i * b + j];
      for (int m = 1; m < j; m++) sum -= L[i * b + m] * L[j * b + m];
      L[i * b + j] = i == j ? sqrt(sum) : sum / L[j * b + j];
    }
}

/*
  Means over rows of |x0 - D(z, sigma)|^2 where X is made from (x0, aux0) by X = F X(0) + Lc e, which knows nothing of z or of
  the clock; z = l.X at the kernel's time
*/
static void error_from_start(const Case *c, const Kernel *k, double sigma, uint64_t seed, double *mean,
                             double *err)
{
  const int        b    = k->b;
  const size_t     size = sizeof(double) * (size_t)(c->n + 1);
  const LinearSde *sde;
  double          *e = malloc(size * 2 * (size_t)b), *z = malloc(size), *D = malloc(size);
  double           L[AD_BMAX * AD_BMAX];
  Kernel           clock;

  ck_call(ProcessGetSde(c->process, &sde));
  factor_start(sde, L);
  clock_kernel(sigma, &clock);
  rng_normal_double((RngStream){seed, RNG_NOISE, 9}, (uint64_t)c->first, (size_t)c->n, 2 * b, e);
  for (int64_t r = 0; r < c->n; r++) {
    const double *er             = e + r * 2 * b;
    double        start[AD_BMAX] = {c->x0[r]};

    for (int a = 1; a < b; a++)
      for (int j = 1; j <= a; j++) start[a] += L[a * b + j] * er[j];
    z[r] = 0;
    for (int a = 0; a < b; a++) {
      double X = 0;
      for (int j = 0; j < b; j++) X += k->F[a * b + j] * start[j] + k->Lc[a * b + j] * er[b + j];
      z[r] += k->l[a] * X;
    }
  }
  ck_call(ScoreDenoise(c->truth, &clock, c->n, z, D));
  for (int64_t r = 0; r < c->n; r++) D[r] = (c->x0[r] - D[r]) * (c->x0[r] - D[r]);
  ck_call(RowsMean(N, c->n, 1, D, mean, err));
  free(e);
  free(z);
  free(D);
}

/* Time at which the noise in x alone has sd sigma; the auxiliary variables thrown away */
static double time_of_x_alone(Process process, double sigma)
{
  double lo = 1e-3, hi = 1;

  for (int i = 0; i < 50; i++) {
    const double t = sqrt(lo * hi);
    Kernel       k;
    ck_call(ProcessGetKernel(process, t, &k));
    *(k.Cb[0] > sigma * sigma * k.u[0] * k.u[0] ? &hi : &lo) = t;
  }
  return lo;
}

/* Six noises at sigma 0.3 (chi-square of 6: 99.99 % below 27.9), and the three with memory on the clock of x alone */
START_TEST(test_all_noises_collapse_on_the_clock_and_on_no_other)
{
  const double sigma = 0.3;
  double       right = 0, wrong = 0;

  for (int p = 0; p < PROCESSES; p++) {
    double t, mean, err, exact;
    Case   c;
    Kernel k;

    ck_call(make(processes[p], TOY, 40 + (uint64_t)p, &c));
    exact = integrate(c.law, sigma * sigma).error;
    ck_call(ProcessGetTimeOfSigma(c.process, sigma, &t));
    ck_call(ProcessGetKernel(c.process, t, &k));
    error_from_start(&c, &k, sigma, 20 + (uint64_t)p, &mean, &err);
    right += pow((mean - exact) / err, 2);
    if (p >= 1 && p <= 3) {
      ck_call(ProcessGetKernel(c.process, time_of_x_alone(c.process, sigma), &k));
      error_from_start(&c, &k, sigma, 20 + (uint64_t)p, &mean, &err);
      wrong += pow((mean - exact) / err, 2);
    }
    drop(&c);
  }
  ck_assert_msg(right < 27.9, "chi-square %g of 6", right);
  ck_assert_msg(wrong > 100, "the clock of x alone passes: chi-square %g of 3", wrong);
}
END_TEST

Suite *likelihood_suite(void)
{
  Suite *suite = suite_create("likelihood");
  TCase *path = tcase_create("path"), *denoise = tcase_create("denoise");

  tcase_add_test(path, test_quadrature_of_one_gaussian_is_its_closed_form);
  tcase_add_loop_test(path, test_information_and_error_obey_their_identity, 0, 2);
  tcase_add_test(path, test_controlled_mean_is_unbiased_and_sharper);
  tcase_add_loop_test(path, test_path_kl_of_a_gaussian_model_is_the_loss_of_marginal_kl, 0, 4);
  tcase_add_loop_test(path, test_path_integrals_are_the_same_for_every_process, 0, PROCESSES);
  tcase_add_loop_test(path, test_bound_is_met_by_the_exact_denoiser_and_only_by_it, 0, 2);
  suite_add_tcase(suite, path);
  tcase_add_loop_test(denoise, test_denoising_meets_quadrature, 0, PROCESSES);
  tcase_add_test(denoise, test_all_noises_collapse_on_the_clock_and_on_no_other);
  suite_add_tcase(suite, denoise);
  return suite;
}
