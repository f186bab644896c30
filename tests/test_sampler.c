/*
  Samplers: convergence orders, exact laws, equality of the processes in the clock, the flow, bits on any ranks
*/
#include "ad_check.h"
#include "private/samplerimpl.h"
#include <stdlib.h>
#include <string.h>

Suite *sampler_suite(void);

#define FILE_NAME "build/test_sampler.h5"
#define GAUSSIAN  "-dataset_means 0.5 -dataset_variances 0.3 "
#define POINT     "-dataset_means 0.7 -dataset_variances 0 "
#define DIAMOND   "-dataset_preset diamond "
#define PASSIVE   "-process_type passive -process_k 1.3 -process_tp 0.8 "
#define ACTIVE    "-process_type active -process_k 1.3 -process_tau 0.7 -process_ta 0.9 "
#define BOTH      ACTIVE "-process_tp 0.2 "
#define CLD       "-process_type cld "
#define BATHS                                                                                                \
  "-process_type general -process_m -1,1,1,0,-2,0,0,0,-5 -process_g 0,0,0,0,2,0,0,0,6 "                      \
  "-process_cov0 1,0,0,3.6 "

static const char *const processes[] = {PASSIVE, ACTIVE, BOTH, CLD, BATHS};
enum { PROCESSES = 5 };

/* ---- a sampler from strings of options ---- */

typedef struct {
  Process process;
  Dataset dataset;
  Score   score;
  Sampler sampler;
} Case;

static uint64_t seed; /* set before each test; tests that need independent runs count it up */

static PetscErrorCode set_from_options(Case *c)
{
  PetscFunctionBegin;
  PetscCall(ProcessCreate(&c->process));
  PetscCall(ProcessSetFromOptions(c->process));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, seed));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(ScoreCreate(&c->score));
  PetscCall(ScoreSetFromOptions(c->score));
  PetscCall(SamplerCreate(&c->sampler));
  PetscCall(SamplerSetSeed(c->sampler, seed));
  PetscCall(SamplerSetFromOptions(c->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_up(Case *c)
{
  PetscFunctionBegin;
  PetscCall(ProcessSetUp(c->process));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(ScoreSetProcess(c->score, c->process));
  PetscCall(ScoreSetDataset(c->score, c->dataset));
  PetscCall(ScoreSetUp(c->score));
  PetscCall(SamplerSetScore(c->sampler, c->process, c->score));
  PetscCall(SamplerSetDataset(c->sampler, c->dataset));
  PetscCall(SamplerSetUp(c->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode make(const char *process, const char *data, const char *sampler, Case *c)
{
  const char *const text[] = {process, data, sampler};
  PetscOptions      options;
  PetscErrorCode    code;

  PetscFunctionBegin;
  *c = (Case){0};
  PetscCall(PetscOptionsCreate(&options));
  for (int i = 0; i < 3; i++) PetscCall(PetscOptionsInsertString(options, text[i]));
  PetscCall(PetscOptionsPush(options));
  code = set_from_options(c);
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  if (!code) code = set_up(c);
  PetscFunctionReturn(code);
}

static PetscErrorCode drop(Case *c)
{
  PetscFunctionBegin;
  PetscCall(SamplerDestroy(&c->sampler));
  PetscCall(ScoreDestroy(&c->score));
  PetscCall(DatasetDestroy(&c->dataset));
  PetscCall(ProcessDestroy(&c->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All samples on all ranks, X[N][b*d]; caller frees */
static double *gather(const Case *c)
{
  const AffinePlan *plan  = &c->sampler->plan;
  const int         width = plan->b * plan->d;
  double           *all   = malloc(sizeof(double) * (size_t)(plan->N * width));
  const double     *X;
  int64_t           first, n;

  ck_call(SamplerGetStates(c->sampler, &first, &n, &X));
  ck_call(AdGatherRows(plan->N, n, width, X, all));
  return all;
}

/* One recorded frame of all paths, X[n][b*d]; caller frees */
static double *gather_frame(const Case *c, int frame)
{
  const Trajectory *path  = &c->sampler->trajectory;
  const int         width = c->sampler->plan.b * c->sampler->plan.d;
  double           *all   = malloc(sizeof(double) * (size_t)(path->n * width));

  ck_call(AdGatherRows(path->n, path->nlocal, width, path->state + frame * path->nlocal * width, all));
  return all;
}

/* A run from these options; all samples on all ranks */
static double *sampled(const char *process, const char *data, const char *sampler)
{
  Case    c;
  double *all;

  ck_call(make(process, data, sampler, &c));
  ck_call(SamplerSolve(c.sampler));
  all = gather(&c);
  ck_call(drop(&c));
  return all;
}

static PetscErrorCode keep_message(MPI_Comm comm, int line, const char *function, const char *file,
                                   PetscErrorCode code, PetscErrorType type, const char *message, void *ctx)
{
  if (type == PETSC_ERROR_INITIAL) snprintf((char *)ctx, 512, "%s", message);
  return code;
}

/* Does this end in the error, with a message that contains text? */
static void assert_refused(const char *process, const char *data, const char *sampler,
                           PetscErrorCode expected, const char *text)
{
  Case           c;
  char           message[512] = "";
  PetscErrorCode code;

  PetscPushErrorHandler(keep_message, message);
  code = make(process, data, sampler, &c);
  if (!code) code = SamplerSolve(c.sampler);
  PetscPopErrorHandler();
  ck_assert_msg(ad_all(code == expected), "%s: error %d, expected %d (%s)", sampler, (int)code, (int)expected,
                message);
  ck_assert_msg(ad_all(strstr(message, text) != NULL), "%s: '%s' is not in '%s'", sampler, text, message);
  ck_call(drop(&c));
}

static void reset_seed(void)
{
  seed = 7;
}

/* ---- small algebra ---- */

/* mean[b], cov[b][b] of column i of X[N][b][d] */
static void moments(int b, int d, int64_t N, const double *X, int i, double *mean, double *cov)
{
  for (int a = 0; a < b; a++) {
    mean[a] = 0;
    for (int64_t r = 0; r < N; r++) mean[a] += X[(r * b + a) * d + i] / (double)N;
  }
  for (int a = 0; a < b; a++)
    for (int c = 0; c < b; c++) {
      double sum = 0;

      for (int64_t r = 0; r < N; r++)
        sum += (X[(r * b + a) * d + i] - mean[a]) * (X[(r * b + c) * d + i] - mean[c]);
      cov[a * b + c] = sum / (double)N;
    }
}

/* Are sample moments those of N(mean, cov), to five standard errors? */
static void assert_moments(int b, int d, int64_t N, const double *X, int i, const double *mean,
                           const double *cov, const char *what)
{
  double m[AD_BMAX], S[AD_BMAX * AD_BMAX];

  moments(b, d, N, X, i, m, S);
  for (int a = 0; a < b; a++) {
    const double error = 5 * sqrt(cov[a * b + a] / (double)N) + 1e-12 * fabs(mean[a]);

    ck_assert_msg(fabs(m[a] - mean[a]) <= error, "%s: mean of variable %d is %g, expected %g +- %g", what, a,
                  m[a], mean[a], error);
    for (int c = 0; c < b; c++) {
      const double spread =
          sqrt((cov[a * b + a] * cov[c * b + c] + cov[a * b + c] * cov[a * b + c]) / (double)N);

      ck_assert_msg(fabs(S[a * b + c] - cov[a * b + c]) <= 5 * spread + 1e-24,
                    "%s: covariance %d %d is %g, expected %g +- %g", what, a, c, S[a * b + c], cov[a * b + c],
                    spread);
    }
  }
}

/* u m and Cb + V u u^T: the law at the kernel's time of data N(m, V) */
static void gaussian_law(const Kernel *k, double m, double V, double *mean, double *cov)
{
  for (int a = 0; a < k->b; a++) {
    mean[a] = k->u[a] * m;
    for (int c = 0; c < k->b; c++) cov[a * k->b + c] = k->Cb[a * k->b + c] + V * k->u[a] * k->u[c];
  }
}

static int compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Two-sample Kolmogorov-Smirnov statistic of y = (1, tilt).x of the first two columns, times sqrt(N/2) */
static double kolmogorov(int64_t N, double tilt, int width1, const double *X1, int width2, const double *X2)
{
  double *y1 = malloc(sizeof(double) * (size_t)N), *y2 = malloc(sizeof(double) * (size_t)N), largest = 0;

  for (int64_t r = 0; r < N; r++) {
    y1[r] = X1[r * width1] + tilt * X1[r * width1 + 1];
    y2[r] = X2[r * width2] + tilt * X2[r * width2 + 1];
  }
  qsort(y1, (size_t)N, sizeof(double), compare);
  qsort(y2, (size_t)N, sizeof(double), compare);
  for (int64_t i = 0, j = 0; i < N && j < N;) {
    if (y1[i] <= y2[j])
      i++;
    else
      j++;
    largest = fmax(largest, fabs((double)(i - j)));
  }
  free(y1);
  free(y2);
  return largest / (double)N * sqrt((double)N / 2);
}

/* ---- grids and loops ---- */

static void assert_falls(const LinearSde *sde, const GridSpec *spec, double *t)
{
  ck_assert_int_eq(grid_times(sde, spec, t), KERNEL_OK);
  ck_assert(t[0] == spec->start && t[spec->n] == 0);
  for (int i = 0; i < spec->n; i++) ck_assert(t[i + 1] < t[i]);
}

START_TEST(test_grids_fall_from_start_to_zero_by_their_law)
{
  const LinearSde sde  = {.b = 2, .M = {-1, 1, 0, -2}, .Q = {0, 0, 0, 8}, .V0 = {0, 0, 0, 2}};
  GridSpec        spec = {.n = 12, .start = 0.8, .t_min = 1e-3, .sigma_min = 0.006, .rho = 7};
  double          t[13], root[2];
  Kernel          k;

  for (int type = GRID_UNIFORM; type <= GRID_SIGMA_RHO; type++) {
    spec.type = (GridType)type;
    assert_falls(&sde, &spec, t);
    if (type == GRID_UNIFORM) ck_assert_close(t[3], 0.6, 1e-14);
    if (type == GRID_QUADRATIC) ck_assert_close(t[3], 0.45, 1e-14);
    if (type == GRID_LOG) ck_assert_close(t[6] * t[6], t[5] * t[7], 1e-13);
    if (type == GRID_LOG) ck_assert_close(t[11], 1e-3, 1e-13);
  }
  for (int i = 0; i < 12; i++) { /* the last grid: sigma^{1/7} falls evenly to 0.006^{1/7} */
    ck_assert_int_eq(kernel_compute(&sde, t[i], &k), KERNEL_OK);
    if (i == 0) root[0] = pow(k.sigma, 1.0 / 7);
    root[1] = root[0] + (pow(0.006, 1.0 / 7) - root[0]) * i / 11;
    ck_assert_close(k.sigma, pow(root[1], 7), 1e-11);
  }
  for (int type = GRID_UNIFORM; type <= GRID_SIGMA_RHO; type++) {
    spec.type = (GridType)type;
    spec.n    = 1;
    assert_falls(&sde, &spec, t);
  }
}
END_TEST

/* The definition, one number at a time */
static void assert_update(const AffineMap *map, int d, int n)
{
  const int b = map->b, q = map->q, c = map->c;
  double    X[600], Y[600], g[600], F[600];
  float     xi[600];
  RngStream stream = {3, RNG_SDE, 0};

  rng_normal_double(stream, 0, (size_t)n, b * d, X);
  rng_normal_double(stream, 100, (size_t)n, q * d, g);
  rng_normal(stream, 200, (size_t)n, PetscMax(c, 1) * d, xi);
  memcpy(Y, X, sizeof X);
  affine_update(map, d, n, g, xi, Y);
  affine_rate(b, map->A, map->B, q, d, n, g, X, F);
  for (int r = 0; r < n; r++)
    for (int a = 0; a < b; a++)
      for (int i = 0; i < d; i++) {
        double rate = 0, all = 0;

        for (int j = 0; j < b; j++) rate += map->A[a * b + j] * X[(r * b + j) * d + i];
        all = rate;
        for (int j = 0; j < q; j++) all += map->B[a * q + j] * g[(r * q + j) * d + i];
        for (int j = 0; j < c; j++) all += map->L[a * c + j] * xi[(r * c + j) * d + i];
        ck_assert(fabs(Y[(r * b + a) * d + i] - all) < 1e-13);
        rate += map->B[a] * g[r * q * d + i]; /* the flow takes the first component, with B[b][1] */
        ck_assert(fabs(F[(r * b + a) * d + i] - rate) < 1e-13);
      }
}

START_TEST(test_affine_loops_match_their_definition)
{
  AffineMap map = {0};

  for (int i = 0; i < AD_BMAX * AD_BMAX; i++) {
    map.A[i] = cos(i);
    map.B[i] = sin(1 + i);
    map.L[i] = cos(2 + 3 * i);
  }
  for (map.b = 1; map.b <= 3; map.b++)
    for (map.q = 1; map.q <= map.b; map.q += map.b > 1 ? map.b - 1 : 1)
      for (map.c = 0; map.c <= map.b; map.c++)
        for (int d = 1; d <= 3; d++) assert_update(&map, d, 37);
}
END_TEST

START_TEST(test_numbers_outside_and_not_finite_are_counted)
{
  double X[30] = {0};

  ck_assert_int_eq(count_outside(3, 10, 1, X), 0);
  X[4]  = NAN;
  X[5]  = -INFINITY;
  X[29] = 1.5;
  ck_assert_int_eq(count_outside(3, 10, 1, X), 2);
  ck_assert_int_eq(count_outside(3, 10, 2, X), 1);
  ck_assert_int_eq(count_outside(3, 10, PETSC_MAX_REAL, X), 1);
}
END_TEST

/* ---- tables ---- */

/* Error of mean and variance of x at the end, for data N(0.5, 0.3) and an exact start, from the tables alone */
static double moment_error(const AffinePlan *plan)
{
  const int    b = plan->b;
  const double m = 0.5, V = 0.3;
  double       mean[AD_BMAX], cov[AD_BMAX * AD_BMAX];

  gaussian_law(&plan->kernel[0], m, V, mean, cov);
  for (int k = 0; k < plan->nsteps; k++) {
    const AffineMap *map  = &plan->map[k];
    const Kernel    *at   = &plan->kernel[k];
    const double     gain = -1 / (V + at->sigma2), offset = m / (V + at->sigma2); /* sz = gain z + offset */
    double           H[AD_BMAX * AD_BMAX], HS[AD_BMAX * AD_BMAX], next[AD_BMAX], S[AD_BMAX * AD_BMAX];

    ck_assert(!map->g_is_mean && map->q == 1);
    for (int i = 0; i < b * b; i++) H[i] = map->A[i] + map->B[i / b] * gain * at->l[i % b];
    for (int i = 0; i < b; i++) {
      next[i] = map->B[i] * offset;
      for (int j = 0; j < b; j++) next[i] += H[i * b + j] * mean[j];
    }
    for (int i = 0; i < b * b; i++) {
      HS[i] = 0;
      for (int j = 0; j < b; j++) HS[i] += H[i / b * b + j] * cov[j * b + i % b];
    }
    for (int i = 0; i < b * b; i++) {
      S[i] = 0;
      for (int j = 0; j < b; j++) S[i] += HS[i / b * b + j] * H[i % b * b + j];
      for (int j = 0; j < map->c; j++) S[i] += map->L[i / b * map->c + j] * map->L[i % b * map->c + j];
    }
    memcpy(mean, next, sizeof mean);
    memcpy(cov, S, sizeof cov);
  }
  return fabs(mean[0] - m) + fabs(cov[0] - V);
}

START_TEST(test_em_moments_converge_with_first_order)
{
  char   text[200];
  double error[2];
  Case   c;

  for (int p = 0; p < PROCESSES; p++) {
    for (int level = 0; level < 2; level++) {
      snprintf(text, sizeof(text),
               "-sampler_scheme em -sampler_grid uniform -sampler_samples 1 -sampler_steps %d", 800 << level);
      ck_call(make(processes[p], GAUSSIAN, text, &c));
      error[level] = moment_error(&c.sampler->plan);
      ck_call(drop(&c));
    }
    ck_assert_msg(error[1] < 0.02 && fabs(log2(error[0] / error[1]) - 1) < 0.08, "%s: errors %g, %g",
                  processes[p], error[0], error[1]);
  }
}
END_TEST

/* Weights that make a net answer something */
static PetscErrorCode fill_net(Score score)
{
  Net     net;
  int64_t n;
  float  *theta;

  PetscFunctionBegin;
  PetscCall(ScoreGetNet(score, &net));
  PetscCall(NetGetParameters(net, &n, &theta));
  rng_normal((RngStream){4, RNG_WEIGHTS, 0}, 0, (size_t)n, 1, theta);
  for (int64_t i = 0; i < n; i++) theta[i] *= 0.3f;
  PetscCall(NetParametersChanged(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X + dt (-M X + Q score) with the score as the model gives it */
static void assert_em_follows_score(const char *process, const char *score)
{
  const LinearSde  *sde;
  const AffinePlan *plan;
  Case              c;
  double            X[60], S[60], g[60];

  ck_call(make(process, "-dataset_dim 2 -dataset_means 0.4,-0.9 -dataset_variances 0.3 ", score, &c));
  plan = &c.sampler->plan;
  if (strstr(score, "net")) ck_call(fill_net(c.score));
  ck_call(ProcessGetSde(c.process, &sde));
  rng_normal_double((RngStream){1, RNG_NOISE, 0}, 0, 10, plan->b * 2, X);
  for (int k = 2; k < 10; k += 5) {
    const double dt  = plan->t[k] - plan->t[k + 1];
    AffineMap    map = plan->map[k];
    double       Y[60];

    memcpy(Y, X, sizeof X);
    map.c = 0;
    ck_call(ScoreRespond(c.score, &plan->kernel[k], 10, X, g));
    ck_call(ScoreEvaluate(c.score, &plan->kernel[k], 10, X, S, NULL));
    affine_update(&map, 2, 10, g, NULL, Y);
    for (int r = 0; r < 10; r++)
      for (int a = 0; a < plan->b; a++)
        for (int i = 0; i < 2; i++) {
          const int at    = (r * plan->b + a) * 2 + i;
          double    value = X[at];

          for (int j = 0; j < plan->b; j++) {
            value -= dt * sde->M[a * plan->b + j] * X[(r * plan->b + j) * 2 + i];
            value += dt * sde->Q[a * plan->b + j] * S[(r * plan->b + j) * 2 + i];
          }
          ck_assert_msg(fabs(Y[at] - value) < 1e-11 * (1 + fabs(value)), "%s %s: %g, expected %g", process,
                        score, Y[at], value);
        }
  }
  ck_call(drop(&c));
}

START_TEST(test_em_step_follows_the_score_it_is_given)
{
  const char *em = "-sampler_scheme em -sampler_grid uniform -sampler_steps 10 -sampler_samples 8 ";
  char        net[300];

  snprintf(net, sizeof(net), "%s -score_type net -score_kind joint -net_width 16 -net_depth 2", em);
  for (int p = 0; p < PROCESSES; p++) {
    assert_em_follows_score(processes[p], em);
    assert_em_follows_score(processes[p], net); /* with two noised variables: as many scores as variables */
  }
}
END_TEST

/* ---- exact laws ---- */

START_TEST(test_anc_is_exact_for_a_point_at_any_step_length)
{
  const int64_t N = 20000;
  char          text[200];
  double        mean[AD_BMAX], cov[AD_BMAX * AD_BMAX];
  Case          c;

  for (int p = 0; p < PROCESSES; p++)
    for (int steps = 1; steps <= 3; steps += 2) {
      snprintf(text, sizeof(text),
               "-sampler_scheme anc -sampler_grid uniform -sampler_steps %d -sampler_samples %d "
               "-sampler_trajectory %d",
               steps, (int)N, (int)N);
      ck_call(make(processes[p], POINT, text, &c));
      ck_call(SamplerSolve(c.sampler));
      for (int k = 0; k <= steps; k++) {
        const AffinePlan *plan = &c.sampler->plan;
        const LinearSde  *sde;
        Kernel            at;
        double           *X = gather_frame(&c, k);

        ck_call(ProcessGetSde(c.process, &sde));
        if (k < steps) {
          ck_assert_int_eq(kernel_compute(sde, plan->t[k], &at), KERNEL_OK);
          gaussian_law(&at, 0.7, 0, mean, cov);
        } else { /* the point itself, and the auxiliary variables as they were at first */
          memset(mean, 0, sizeof mean);
          mean[0] = 0.7;
          memcpy(cov, sde->V0, sizeof cov);
        }
        assert_moments(plan->b, 1, N, X, 0, mean, cov, processes[p]);
        free(X);
      }
      ck_call(drop(&c));
    }
}
END_TEST

START_TEST(test_anc_has_one_law_of_x_for_all_processes_on_equal_sigmas)
{
  static const char *const noise[] = {PASSIVE, ACTIVE, CLD};
  const int64_t            N       = 20000;
  double                  *X[3];
  char                     text[300];

  for (int order = 1; order <= 2; order++) {
    snprintf(
        text, sizeof(text),
        "-sampler_scheme anc -sampler_order %d -sampler_steps 10 -sampler_sigma_max 1.2 -sampler_prior exact "
        "-sampler_samples %d",
        order, (int)N);
    for (int p = 0; p < 3; p++, seed++) X[p] = sampled(noise[p], DIAMOND, text);
    for (int p = 0; p < 3; p++)
      for (int o = 0; o < p; o++)
        for (int tilt = -1; tilt <= 2; tilt++) { /* P(statistic > 2.6) = 3e-6 for equal laws */
          const double statistic = kolmogorov(N, tilt, p ? 4 : 2, X[p], o ? 4 : 2, X[o]);

          ck_assert_msg(statistic < 2.6, "order %d, %s, %s, tilt %d: %g", order, noise[p], noise[o], tilt,
                        statistic);
        }
    for (int p = 0; p < 3; p++) free(X[p]);
  }
  /* the same number of steps evenly in t: other sigmas, another law; so the test can fail */
  X[0] = sampled(PASSIVE, DIAMOND,
                 "-sampler_scheme anc -sampler_steps 10 -sampler_grid uniform -sampler_samples 20000");
  X[1] = sampled(ACTIVE, DIAMOND,
                 "-sampler_scheme anc -sampler_steps 10 -sampler_grid uniform -sampler_samples 20000");
  ck_assert(kolmogorov(N, 0, 2, X[0], 4, X[1]) > 10);
  free(X[0]);
  free(X[1]);
}
END_TEST

START_TEST(test_em_without_noise_on_x_does_not_feel_the_last_kick)
{
  const char *em = "-sampler_scheme em -sampler_grid uniform -sampler_steps 10 -sampler_samples 100 ";
  char        mean[200];
  double     *X, *Y;
  int         same[2][2] = {{1, 1}, {1, 1}};

  snprintf(mean, sizeof(mean), "%s -sampler_last mean", em);
  for (int p = 0; p < 2; p++) {
    X = sampled(p ? BOTH : ACTIVE, DIAMOND, em);
    Y = sampled(p ? BOTH : ACTIVE, DIAMOND, mean);
    for (int i = 0; i < 400; i++) same[p][i % 4 / 2] &= X[i] == Y[i];
    free(X);
    free(Y);
  }
  ck_assert(same[0][0] && !same[0][1]); /* Tp = 0: x the same, eta not */
  ck_assert(!same[1][0] && !same[1][1]);
}
END_TEST

START_TEST(test_last_step_can_return_the_posterior_mean)
{
  const char *em =
      "-sampler_scheme em -sampler_grid uniform -sampler_steps 10 -sampler_samples 100 -sampler_last denoise "
      "-sampler_trajectory 100";
  double           *before, *X, *x0hat = malloc(sizeof(double) * 200);
  const AffinePlan *plan;
  Case              c;

  for (int p = 0; p < PROCESSES; p++) {
    ck_call(make(processes[p], DIAMOND, em, &c));
    ck_call(SamplerSolve(c.sampler));
    plan   = &c.sampler->plan;
    before = gather_frame(&c, 9);
    X      = gather(&c);
    ck_call(ScoreDenoise(c.score, &plan->kernel[9], 100, before, x0hat));
    for (int i = 0; i < 200; i++) ck_assert(fabs(X[i / 2 * plan->b * 2 + i % 2] - x0hat[i]) < 1e-11);
    ck_call(drop(&c));
    free(before);
    free(X);
  }
  free(x0hat);
}
END_TEST

/* ---- noise-free schemes: data N(0.5, 0.3), for which z moves as m + (z - m) sqrt(V + sigma2) ---- */

/* Largest error of x against the exact map in z from the start to sigma_min, then the posterior mean */
static double map_error(const Case *c)
{
  const AffinePlan *plan  = &c->sampler->plan;
  const Kernel     *start = &plan->kernel[0];
  const double      m = 0.5, V = 0.3, s = 0.006;
  const double      shrink = sqrt((V + s * s) / (V + start->sigma2)) * V / (V + s * s);
  double           *X0 = gather_frame(c, 0), *X = gather(c), worst = 0;

  for (int64_t r = 0; r < plan->N; r++) {
    double z = 0;

    for (int a = 0; a < plan->b; a++) z += start->l[a] * X0[r * plan->b + a];
    worst = fmax(worst, fabs(X[r * plan->b] - (m + shrink * (z - m))));
  }
  free(X0);
  free(X);
  return worst;
}

/* What the extrapolation of scores does to x0hat = z + sigma2 sz is what extrapolate_mean does to x0hat itself */
START_TEST(test_extrapolated_scores_are_extrapolated_means)
{
  enum { N = 5, D = 3 };
  LinearSde sde = {.b = 2, .M = {-1.3, 1, 0, -2}, .Q = {0.1, 0, 0, 3}, .V0 = {0, 0, 0, 0.7}};
  Kernel    k;
  double    X[N * 2 * D], g[N * 2 * D], before[N * 2 * D], mean[N * D], was[2][N * D];

  ck_assert_int_eq(kernel_compute(&sde, 0.4, &k), KERNEL_OK);
  for (int i = 0; i < N * 2 * D; i++) {
    X[i]      = sin(1.0 + i);
    before[i] = g[i] = cos(2.0 * i);
  }
  for (int r = 0; r < N; r++)
    for (int i = 0; i < D; i++) {
      double z          = k.l[0] * X[2 * r * D + i] + k.l[1] * X[(2 * r + 1) * D + i];
      mean[r * D + i]   = z + k.sigma2 * g[2 * r * D + i];
      was[0][r * D + i] = was[1][r * D + i] = sin(0.3 * (r + i));
    }
  extrapolate_score(0.35 / k.sigma2, &k, 2, D, N, X, g, was[0]);
  extrapolate_mean(0.35, N * D, mean, was[1]);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < D; i++) {
      double z = k.l[0] * X[2 * r * D + i] + k.l[1] * X[(2 * r + 1) * D + i];
      ck_assert_double_eq_tol(z + k.sigma2 * g[2 * r * D + i], mean[r * D + i], 1e-14);
      ck_assert_double_eq_tol(was[0][r * D + i], was[1][r * D + i], 1e-14);
      ck_assert_double_eq(g[(2 * r + 1) * D + i], before[(2 * r + 1) * D + i]);
    }
}
END_TEST

START_TEST(test_ddim_has_the_order_it_claims)
{
  char   text[200];
  double error[2];
  Case   c;

  for (int p = 0; p < PROCESSES; p++)
    for (int order = 1; order <= 2; order++) {
      for (int level = 0; level < 2; level++) {
        snprintf(text, sizeof(text),
                 "-sampler_scheme ddim -sampler_order %d -sampler_steps %d -sampler_samples 20 "
                 "-sampler_trajectory 20 "
                 "-sampler_sigma_max 0.9",
                 order, 80 << level);
        ck_call(make(processes[p], GAUSSIAN, text, &c));
        ck_call(SamplerSolve(c.sampler));
        error[level] = map_error(&c);
        ck_call(drop(&c));
      }
      ck_assert_msg(fabs(log2(error[0] / error[1]) - order) < 0.15, "%s order %d: errors %g, %g",
                    processes[p], order, error[0], error[1]);
      ck_assert(error[1] < (order == 1 ? 0.02 : 1e-3));
    }
}
END_TEST

START_TEST(test_passive_flow_is_the_exact_map_to_tolerance)
{
  double error[2];
  char   text[200];
  Case   c;

  for (int level = 0; level < 2; level++) {
    snprintf(
        text, sizeof(text),
        "-sampler_scheme flow -sampler_wave 5 -sampler_rtol 1e-%d -sampler_atol 1e-%d -sampler_samples 20 "
        "-sampler_trajectory 20",
        5 + 3 * level, 5 + 3 * level);
    ck_call(make(PASSIVE, GAUSSIAN, text, &c));
    ck_call(SamplerSolve(c.sampler));
    error[level] = map_error(&c);
    ck_call(drop(&c));
  }
  ck_assert_msg(error[0] < 1e-4 && error[1] < 1e-7, "errors %g, %g", error[0], error[1]);
}
END_TEST

/* P with Y = mean1 + P (X - mean0) for b + 1 of the samples or more; exact for linear maps */
static void fit_map(int b, int n, const double *X, const double *Y, double *P)
{
  double A[AD_BMAX][2 * AD_BMAX] = {{0}}, x[AD_BMAX], y[AD_BMAX];

  for (int r = 1; r < n; r++) { /* normal equations of the differences to sample 0 */
    for (int a = 0; a < b; a++) {
      x[a] = X[r * b + a] - X[a];
      y[a] = Y[r * b + a] - Y[a];
    }
    for (int i = 0; i < b; i++)
      for (int j = 0; j < b; j++) {
        A[i][j] += x[i] * x[j];
        A[i][b + j] += x[i] * y[j];
      }
  }
  for (int k = 0; k < b; k++)
    for (int i = 0; i < b; i++) {
      const double f = A[i][k] / A[k][k];

      if (i == k) continue;
      for (int j = 0; j < 2 * b; j++) A[i][j] -= f * A[k][j];
    }
  for (int i = 0; i < b; i++)
    for (int j = 0; j < b; j++) P[j * b + i] = A[i][b + j] / A[i][i];
}

START_TEST(test_flow_carries_the_gaussian_law_with_it)
{
  const double m = 0.5, V = 0.3;
  Case         c;

  for (int p = 0; p < PROCESSES; p++) {
    double mean0[AD_BMAX], mean1[AD_BMAX], S0[AD_BMAX * AD_BMAX], S1[AD_BMAX * AD_BMAX], P[AD_BMAX * AD_BMAX];
    double *X, *Y;
    Kernel  end;
    int     b;

    ck_call(
        make(processes[p], GAUSSIAN,
             "-sampler_scheme flow -sampler_wave 4 -sampler_rtol 1e-9 -sampler_atol 1e-9 -sampler_samples 12 "
             "-sampler_trajectory 12 "
             "-sampler_trajectory_times 1,0.2",
             &c));
    ck_call(SamplerSolve(c.sampler));
    b = c.sampler->plan.b;
    X = gather_frame(&c, 0);
    Y = gather_frame(&c, 1);
    ck_call(ProcessGetKernel(c.process, 0.2, &end));
    gaussian_law(&c.sampler->plan.kernel[0], m, V, mean0, S0);
    gaussian_law(&end, m, V, mean1, S1);
    fit_map(b, 12, X, Y, P);
    for (int i = 0; i < b; i++) {
      double fixed = mean1[i];

      for (int j = 0; j < b; j++) fixed += P[i * b + j] * (X[j] - mean0[j]);
      ck_assert_msg(fabs(fixed - Y[i]) < 1e-6, "%s: mean off by %g", processes[p], fixed - Y[i]);
      for (int j = 0; j < b; j++) {
        double sum = 0;

        for (int q = 0; q < b * b; q++) sum += P[i * b + q / b] * S0[q] * P[j * b + q % b];
        ck_assert_msg(fabs(sum - S1[i * b + j]) < 1e-6 * sqrt(S1[i * b + i] * S1[j * b + j]),
                      "%s: covariance %d %d: %g, expected %g", processes[p], i, j, sum, S1[i * b + j]);
      }
    }
    free(X);
    free(Y);
    ck_call(drop(&c));
  }
}
END_TEST

/* ---- starting states ---- */

START_TEST(test_matched_and_stationary_priors_have_their_moments)
{
  enum { N = 200000, D = 2 };
  const double m[D] = {0.5, -2}, V[D] = {0.3, 4};
  double      *X = malloc(sizeof(double) * N * D * AD_BMAX);

  for (int p = 0; p < PROCESSES; p++) {
    const LinearSde *sde;
    Kernel           k;
    double           mean[AD_BMAX], cov[AD_BMAX * AD_BMAX];
    Case             c;

    ck_call(make(processes[p], GAUSSIAN, "-sampler_samples 1", &c));
    ck_call(ProcessGetSde(c.process, &sde));
    ck_call(ProcessGetKernel(c.process, 0.6, &k));
    ck_call(ProcessSamplePrior(c.process, PRIOR_MATCHED, &k, D, m, V, (RngStream){2, RNG_PRIOR, 0}, 0, N, X));
    for (int i = 0; i < D; i++) {
      gaussian_law(&k, m[i], V[i], mean, cov);
      assert_moments(k.b, D, N, X, i, mean, cov, processes[p]);
    }
    ck_call(
        ProcessSamplePrior(c.process, PRIOR_STATIONARY, &k, D, m, V, (RngStream){3, RNG_PRIOR, 0}, 0, N, X));
    ck_assert_int_eq(kernel_stationary(sde, cov), KERNEL_OK);
    memset(mean, 0, sizeof mean);
    for (int i = 0; i < D; i++) assert_moments(k.b, D, N, X, i, mean, cov, processes[p]);
    ck_call(drop(&c));
  }
  free(X);
}
END_TEST

START_TEST(test_exact_prior_is_the_noised_data)
{
  enum { N = 50000 };
  const Kernel *start;
  double        mean[2], cov[4], *X, *x0 = malloc(sizeof(double) * N), *Y = malloc(sizeof(double) * 2 * N);
  int64_t      *index = malloc(sizeof(int64_t) * N);
  int           same  = 1;
  Case          c;

  ck_call(make(ACTIVE, GAUSSIAN,
               "-sampler_prior exact -sampler_samples 50000 -sampler_steps 1 -sampler_trajectory 50000", &c));
  ck_call(SamplerSolve(c.sampler));
  start = &c.sampler->plan.kernel[0];
  X     = gather_frame(&c, 0);
  gaussian_law(start, 0.5, 0.3, mean, cov);
  assert_moments(2, 1, N, X, 0, mean, cov, "exact prior");
  for (int i = 0; i < N; i++) index[i] = i; /* sample i starts from row i, on whatever rank */
  ck_call(DatasetGetRows(c.dataset, SPLIT_TEST, N, index, x0, NULL));
  ck_call(ProcessNoise(c.process, start, 1, (RngStream){seed, RNG_PRIOR, 0}, 0, N, x0, Y));
  for (int i = 0; i < 2 * N; i++) same &= X[i] == Y[i];
  ck_assert_all(same);
  free(X);
  free(Y);
  free(x0);
  free(index);
  ck_call(drop(&c));
}
END_TEST

/* ---- bits ---- */

/* All samples in one wave on every rank, without TS: the same bits as this rank's rows of the run */
static void assert_same_as_serial(const char *process, const char *sampler)
{
  const AffinePlan  *plan;
  const Coordinates *known;
  Case               c;
  double            *X, *g, *previous;
  float             *xi;
  int                same = 1, width;

  ck_call(make(process, DIAMOND, sampler, &c));
  ck_call(SamplerSolve(c.sampler));
  plan     = &c.sampler->plan;
  known    = c.sampler->coordinates;
  width    = plan->b * 2;
  X        = malloc(sizeof(double) * (size_t)(plan->N * width));
  g        = malloc(sizeof(double) * (size_t)(plan->N * width));
  previous = calloc((size_t)(plan->N * width), sizeof(double));
  xi       = malloc(sizeof(float) * (size_t)(plan->N * width));
  ck_call(ProcessSamplePrior(c.process, PRIOR_MATCHED, &plan->kernel[0], 2, known->mean, known->variance,
                             (RngStream){plan->seed, RNG_PRIOR, 0}, 0, plan->N, X));
  for (int k = 0; k < plan->nsteps; k++) {
    const AffineMap *map = &plan->map[k];

    ck_call(map->g_is_mean ? ScoreDenoise(c.score, &plan->kernel[k], plan->N, X, g)
                           : ScoreRespond(c.score, &plan->kernel[k], plan->N, X, g));
    extrapolate_mean(map->multistep, plan->N * 2, g, previous);
    rng_normal((RngStream){plan->seed, RNG_SDE, (uint32_t)k}, 0, (size_t)plan->N, PetscMax(1, map->c) * 2,
               xi);
    affine_update(map, 2, plan->N, g, xi, X);
  }
  {
    const double *mine;
    int64_t       first, n;

    ck_call(SamplerGetStates(c.sampler, &first, &n, &mine));
    for (int64_t i = 0; i < n * width; i++) same &= mine[i] == X[first * width + i];
  }
  ck_assert_all(same);
  free(X);
  free(g);
  free(previous);
  free(xi);
  ck_call(drop(&c));
}

START_TEST(test_steps_give_the_same_bits_on_any_ranks_in_any_waves)
{
  assert_same_as_serial(BOTH, "-sampler_scheme em -sampler_samples 1003 -sampler_wave 100");
  assert_same_as_serial(ACTIVE, "-sampler_scheme anc -sampler_samples 1003 -sampler_wave 7");
  assert_same_as_serial(CLD, "-sampler_scheme ddim -sampler_samples 1003 -sampler_wave 2000");
  assert_same_as_serial(BATHS, "-sampler_scheme em -sampler_last denoise -sampler_samples 2");
}
END_TEST

/* 8 waves and 7: on two or three ranks, others own some of them, and as another one of theirs */
START_TEST(test_flow_gives_the_same_bits_on_any_ranks)
{
  double *X    = sampled(CLD, DIAMOND, "-sampler_scheme flow -sampler_wave 20 -sampler_samples 160");
  double *Y    = sampled(CLD, DIAMOND, "-sampler_scheme flow -sampler_wave 20 -sampler_samples 140");
  int     same = 1;

  for (int i = 0; i < 140 * 4; i++) same &= X[i] == Y[i];
  ck_assert_all(same);
  free(X);
  X = sampled(CLD, DIAMOND, "-sampler_scheme flow -sampler_wave 5 -sampler_samples 15");
  for (int i = 0; i < 15 * 4; i++) same &= X[i] == Y[i];
  ck_assert_all(!same); /* five have another error norm than twenty */
  free(X);
  free(Y);
}
END_TEST

/* ---- paths and files ---- */

static void assert_path(const char *sampler, const double *times, int nt)
{
  Case        c;
  Trajectory *path;
  double     *last, *X;
  int         same = 1;

  ck_call(make(ACTIVE, DIAMOND, sampler, &c));
  ck_call(SamplerSolve(c.sampler));
  path = &c.sampler->trajectory;
  ck_assert_int_eq(path->nt, nt);
  for (int i = 0; i < nt; i++)
    ck_assert_msg(fabs(path->time[i] - times[i]) < 1e-12, "%g, expected %g", path->time[i], times[i]);
  last = gather_frame(&c, nt - 1);
  X    = gather(&c);
  for (int i = 0; i < path->n * 4; i++) same &= last[i] == X[i];
  ck_assert_all(same);
  free(last);
  free(X);
  ck_call(drop(&c));
}

START_TEST(test_paths_end_in_the_samples)
{
  const char *em =
      "-sampler_scheme em -sampler_grid uniform -sampler_steps 4 -sampler_samples 60 -sampler_trajectory 50 ";
  const double all[] = {1, 0.75, 0.5, 0.25, 0}, some[] = {1, 0.5, 0}, flow[] = {1, 0.3, 0.1, 0};
  char         text[300];

  assert_path(em, all, 5);
  snprintf(text, sizeof(text), "%s -sampler_trajectory_times 0.03,0.4,1,0.6", em);
  assert_path(text, some, 3);
  assert_path("-sampler_scheme flow -sampler_wave 20 -sampler_samples 60 -sampler_trajectory 50 "
              "-sampler_trajectory_times "
              "0.3,0.1,1e-3,1",
              flow, 4);
}
END_TEST

START_TEST(test_path_of_the_flow_passes_where_a_shorter_flow_stops)
{
  Case    c, half;
  double *X, *Y;

  ck_call(make(ACTIVE, DIAMOND,
               "-sampler_scheme flow -sampler_wave 10 -sampler_samples 40 -sampler_trajectory 40 "
               "-sampler_trajectory_times "
               "0.4 -sampler_rtol "
               "1e-9 -sampler_atol 1e-9",
               &c));
  ck_call(make(ACTIVE, DIAMOND,
               "-sampler_scheme flow -sampler_wave 10 -sampler_samples 40 -sampler_trajectory 40 "
               "-sampler_trajectory_times "
               "0.4 -sampler_rtol "
               "1e-9 -sampler_atol 1e-9 -sampler_t_min 0.4",
               &half));
  ck_call(SamplerSolve(c.sampler));
  ck_call(SamplerSolve(half.sampler));
  X = gather_frame(&c, 0);
  Y = gather_frame(&half, 0);
  for (int i = 0; i < 160; i++) ck_assert(fabs(X[i] - Y[i]) < 1e-6);
  free(X);
  free(Y);
  ck_call(drop(&c));
  ck_call(drop(&half));
}
END_TEST

START_TEST(test_files_hold_samples_and_paths_in_data_units)
{
  enum { N = 30 };
  Coordinates units;
  double     *X, state[N * 4], path[2 * N * 4], evaluations;
  char        text[300];
  int64_t     dims[3];
  Output      out;
  Input       in;
  PetscBool   found;
  Case        c;

  ck_call(make(ACTIVE, DIAMOND,
               "-sampler_samples 30 -sampler_steps 5 -sampler_trajectory 30 -sampler_trajectory_times 1,0",
               &c));
  ck_call(SamplerSolve(c.sampler));
  X = gather(&c);
  ck_call(CoordinatesCopy(c.sampler->coordinates, &units));
  units.shift[0]         = 3;
  units.scale[1]         = 0.5;
  units.period[1]        = 0.25;
  c.sampler->coordinates = &units;
  ck_call(OutputOpen(FILE_NAME, "sample", &out));
  ck_call(SamplerWrite(c.sampler, out));
  ck_call(OutputClose(&out));
  ck_call(InputOpen("-o", FILE_NAME, &in));
  ck_call(InputRead(in, "/samples/state", AD_DOUBLE, state));
  ck_call(InputGetDims(in, "/trajectory/state", 3, dims));
  ck_assert(dims[0] == 2 && dims[1] == N && dims[2] == 4);
  ck_call(InputRead(in, "/trajectory/state", AD_DOUBLE, path));
  ck_call(InputAttrString(in, "/samples", "columns", sizeof(text), text, &found));
  ck_assert_str_eq(text, "x1,x2,aux1_x1,aux1_x2");
  ck_call(InputAttrString(in, "/samples", "label", sizeof(text), text, &found));
  ck_assert_str_eq(
      text, "active k 1.3 tau 0.7 Ta 0.9 Tp 0 | exact | ddim order 2 | sigma_rho 5 | matched | last none");
  ck_call(InputAttrReal(in, "/samples", "evaluations", 1, &evaluations, &found));
  ck_assert(found && evaluations == 5);
  ck_call(InputClose(&in));
  for (int r = 0; r < N; r++) {
    const double *x = X + r * 4, *s = state + r * 4, *end = path + (N + r) * 4;

    ck_assert(s[0] == x[0] + 3 && s[2] == x[2] && s[3] == x[3]);
    ck_assert(s[1] >= -0.125 && s[1] < 0.125 && fabs(remainder(s[1] - 0.5 * x[1], 0.25)) < 1e-12);
    ck_assert(end[0] == x[0] + 3 && end[1] == 0.5 * x[1] && end[2] == x[2]); /* a path does not jump */
  }
  c.sampler->coordinates = NULL;
  ck_call(CoordinatesFree(&units));
  free(X);
  ck_call(drop(&c));
}
END_TEST

/* ---- refusals ---- */

START_TEST(test_runs_that_overflow_are_stopped)
{
  assert_refused("-process_tau 0.01 -process_t_final 100", DIAMOND,
                 "-sampler_scheme em -sampler_grid uniform -sampler_steps 500 -sampler_samples 10",
                 AD_ERR_RUN, "10 of 10 samples are not finite");
  assert_refused(ACTIVE, DIAMOND, "-sampler_scheme flow -ts_max_steps 4 -sampler_samples 60 -sampler_wave 20",
                 AD_ERR_RUN, "for samples 0 to 19");
}
END_TEST

START_TEST(test_a_score_that_is_not_finite_stops_every_scheme)
{
  static const char *const schemes[] = {"em", "anc", "ddim", "flow"};
  char                     text[200], message[512];
  PetscErrorCode           code;
  int64_t                  n;
  float                   *theta;
  Net                      net;
  Case                     c;

  for (int i = 0; i < 4; i++) {
    snprintf(
        text, sizeof(text),
        "-score_type net -net_width 16 -net_depth 2 -sampler_wave 8 -sampler_samples 30 -sampler_scheme %s",
        schemes[i]);
    ck_call(make(ACTIVE, DIAMOND, text, &c));
    ck_call(ScoreGetNet(c.score, &net));
    ck_call(NetGetParameters(net, &n, &theta));
    for (int64_t k = 0; k < n; k++) theta[k] = NAN;
    ck_call(NetParametersChanged(net));
    PetscPushErrorHandler(keep_message, message);
    code = SamplerSolve(c.sampler);
    PetscPopErrorHandler();
    ck_assert_all(code == AD_ERR_RUN && strstr(message, "not finite"));
    ck_call(drop(&c));
  }
}
END_TEST

START_TEST(test_settings_that_make_no_sense_are_refused)
{
  static const char *const lines[][2] = {
      {"-sampler_steps 0", "-sampler_steps: expected a whole number from 1"},
      {"-ts_type beuler", "-ts_type: expected em, anc, ddim or rk"},
      {"-ts_type rk -sampler_scheme em", "contradicts"},
      {"-sampler_scheme anc -ts_adapt_type basic", "-ts_adapt_type"},
      {"-ts_dt 0.1", "-ts_dt"},
      {"-ts_max_time 2 -sampler_scheme flow", "-ts_max_time"},
      {"-sampler_sigma_min 5", "-sampler_sigma_min: expected a number below"},
      {"-sampler_sigma_max 50", "sigma 50 is never reached"},
      {"-sampler_scheme flow -sampler_t_min 1", "-sampler_t_min"},
      {"-sampler_grid log -sampler_t_min 3", "-sampler_t_min"},
      {"-sampler_trajectory 3 -sampler_samples 2", "-sampler_trajectory"},
      {"-sampler_trajectory 3 -sampler_trajectory_times 2", "-sampler_trajectory_times"},
      {"-sampler_samples 2e9", "at most 536870911"},
  };

  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    assert_refused(ACTIVE, DIAMOND, lines[i][0], AD_ERR_INPUT, lines[i][1]);
  assert_refused("-process_type general -process_m 0.5 -process_g 1", GAUSSIAN, "-sampler_prior stationary",
                 AD_ERR_INPUT, "no stationary law");
}
END_TEST

Suite *sampler_suite(void)
{
  const TTest *const parts[] = {
      test_grids_fall_from_start_to_zero_by_their_law,
      test_affine_loops_match_their_definition,
      test_numbers_outside_and_not_finite_are_counted,
      test_em_moments_converge_with_first_order,
      test_em_step_follows_the_score_it_is_given,
      test_anc_is_exact_for_a_point_at_any_step_length,
      test_anc_has_one_law_of_x_for_all_processes_on_equal_sigmas,
      test_em_without_noise_on_x_does_not_feel_the_last_kick,
      test_last_step_can_return_the_posterior_mean,
      test_extrapolated_scores_are_extrapolated_means,
      test_ddim_has_the_order_it_claims,
      test_passive_flow_is_the_exact_map_to_tolerance,
      test_flow_carries_the_gaussian_law_with_it,
      test_matched_and_stationary_priors_have_their_moments,
      test_exact_prior_is_the_noised_data,
      test_steps_give_the_same_bits_on_any_ranks_in_any_waves,
      test_flow_gives_the_same_bits_on_any_ranks,
      test_paths_end_in_the_samples,
      test_path_of_the_flow_passes_where_a_shorter_flow_stops,
      test_files_hold_samples_and_paths_in_data_units,
      test_runs_that_overflow_are_stopped,
      test_a_score_that_is_not_finite_stops_every_scheme,
      test_settings_that_make_no_sense_are_refused,
  };
  Suite *suite = suite_create("sampler");

  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    TCase *tests = tcase_create(parts[i]->name);

    tcase_add_checked_fixture(tests, reset_seed, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, parts[i]);
    suite_add_tcase(suite, tests);
  }
  return suite;
}
