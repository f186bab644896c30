/*
  Orders of the schemes, exactness, what they do to z, and grids: by numbers without sampling noise
*/
#include "sampler_case.h"

Suite *orders_suite(void);

#define V_DATA 0.3
static double m_data = 0.5;

enum { CHAIN = AD_BMAX + AD_HISTORY }; /* X and the posterior means that are kept */

/* ---- Gaussian data: the run as a chain of linear maps of (X, x0hat_1, x0hat_2, ..) ---- */

typedef struct {
  int    n; /* in use */
  double mean[CHAIN], cov[CHAIN][CHAIN];
} Chain;

/* y' = H y + shift + noise with the exact posterior mean x0hat = slope z + offset of these data */
static void chain_map(const AffinePlan *plan, int s, double H[CHAIN][CHAIN], double *shift)
{
  const AffineMap *map = &plan->map[s];
  const Kernel    *k   = &plan->kernel[s];
  const int        b = plan->b, n = b + plan->depth;
  const double     v = V_DATA + k->sigma2, slope = V_DATA / v, offset = m_data * k->sigma2 / v;
  double           g[CHAIN] = {0}, constant = 0, sum = 0;

  ck_assert(map->q <= 1);
  for (int j = 0; j < plan->depth; j++) sum += map->difference[j];
  for (int a = 0; a < b && map->q; a++) { /* g_eff = weight g + sum (x0hat - x0hat_j) */
    const double gain = map->g_is_mean ? slope : -1 / v;

    g[a] = (map->weight * gain + sum * slope) * k->l[a];
  }
  for (int j = 0; j < plan->depth; j++) g[b + j] = -map->difference[j];
  constant = map->weight * (map->g_is_mean ? offset : m_data / v) + sum * offset;
  memset(H, 0, sizeof(double) * CHAIN * CHAIN);
  memset(shift, 0, sizeof(double) * CHAIN);
  for (int a = 0; a < b; a++) {
    for (int c = 0; c < n; c++) H[a][c] = (c < b ? map->A[a * b + c] : 0) + (map->q ? map->B[a] * g[c] : 0);
    shift[a] = map->q ? map->B[a] * constant : 0;
  }
  for (int j = 0; j < plan->depth; j++) /* what is kept moves down */
    if (!map->keep)
      H[b + j][b + j] = 1;
    else if (j)
      H[b + j][b + j - 1] = 1;
    else
      for (int a = 0; a < b; a++) H[b][a] = slope * k->l[a];
  if (map->keep && plan->depth) shift[b] = offset;
}

static void chain_advance(const AffinePlan *plan, int s, Chain *y)
{
  const AffineMap *map = &plan->map[s];
  double           H[CHAIN][CHAIN], HC[CHAIN][CHAIN], shift[CHAIN];

  chain_map(plan, s, H, shift);
  for (int i = 0; i < y->n; i++) {
    for (int j = 0; j < y->n; j++) shift[i] += H[i][j] * y->mean[j];
    for (int j = 0; j < y->n; j++) {
      HC[i][j] = 0;
      for (int c = 0; c < y->n; c++) HC[i][j] += H[i][c] * y->cov[c][j];
    }
  }
  memcpy(y->mean, shift, sizeof y->mean);
  for (int i = 0; i < y->n; i++)
    for (int j = 0; j < y->n; j++) {
      y->cov[i][j] = 0;
      for (int c = 0; c < y->n; c++) y->cov[i][j] += HC[i][c] * H[j][c];
      for (int c = 0; i < plan->b && j < plan->b && c < map->c; c++)
        y->cov[i][j] += map->L[i * map->c + c] * map->L[j * map->c + c];
    }
}

/* Largest error of the moments of X after some steps from the exact law at the start; at the end only x counts */
static double chain_error(const Case *c, int steps)
{
  const AffinePlan *plan = &c->sampler->plan;
  const int         b    = plan->b;
  double            mean[AD_BMAX], cov[AD_BMAX * AD_BMAX], worst = 0;
  Chain             y = {.n = b + plan->depth};
  Kernel            k;

  ck_call(ProcessGetKernel(c->process, plan->t[0], &k));
  gaussian_law(&k, m_data, V_DATA, mean, cov);
  for (int i = 0; i < b; i++) {
    y.mean[i] = mean[i];
    for (int j = 0; j < b; j++) y.cov[i][j] = cov[i * b + j];
  }
  for (int s = 0; s < plan->first_stage[steps]; s++) chain_advance(plan, s, &y);
  if (steps == plan->nsteps) return fabs(y.mean[0] - m_data) + fabs(y.cov[0][0] - V_DATA);
  ck_call(ProcessGetKernel(c->process, plan->t[steps], &k));
  gaussian_law(&k, m_data, V_DATA, mean, cov);
  for (int i = 0; i < b; i++) {
    worst = fmax(worst, fabs(y.mean[i] - mean[i]) / sqrt(cov[i * b + i]));
    for (int j = 0; j < b; j++)
      worst = fmax(worst, fabs(y.cov[i][j] - cov[i * b + j]) / sqrt(cov[i * b + i] * cov[j * b + j]));
  }
  return worst;
}

/* Error with n steps; before the last step, or (to_end) after it */
static double gaussian_error(const char *process, const char *sampler, int n, int to_end)
{
  char   text[400];
  double error;
  Case   c;

  snprintf(text, sizeof(text), "%s -sampler_samples 1 -sampler_steps %d", sampler, n);
  ck_call(make(process, GAUSSIAN, text, &c));
  error = chain_error(&c, to_end ? n : n - 1);
  ck_call(drop(&c));
  return error;
}

static void assert_order(const char *sampler, int n, int to_end, double order, double tolerance)
{
  for (int p = 0; p < PROCESSES; p++) {
    const double coarse = gaussian_error(processes[p], sampler, n, to_end);
    const double fine   = gaussian_error(processes[p], sampler, 2 * n, to_end);

    ck_assert_msg(fabs(log2(coarse / fine) - order) < tolerance, "%s %s: errors %g, %g: order %g",
                  processes[p], sampler, coarse, fine, log2(coarse / fine));
  }
}

START_TEST(test_em_and_sscs_have_weak_order_one_in_time)
{
  assert_order("-sampler_scheme em -sampler_grid uniform", 200, 1, 1, 0.2);
  assert_order("-sampler_scheme sscs -sampler_grid uniform", 200, 1, 1, 0.2);
}
END_TEST

START_TEST(test_schemes_in_the_clock_have_the_orders_they_claim)
{
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme anc -sampler_order 1", 50, 0, 1, 0.1);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme ddim -sampler_order 1", 50, 0, 1, 0.1);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme ddim -sampler_order 2", 50, 0, 2, 0.25);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme heun", 50, 0, 2, 0.25);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme heun -sampler_churn 5", 50, 0, 2, 0.25);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme abm -sampler_order 1", 50, 0, 1, 0.1);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme abm -sampler_order 2", 50, 0, 2, 0.25);
  assert_order("-sampler_sigma_max 0.9 -sampler_scheme abm -sampler_order 3", 50, 0, 3, 0.35);
}
END_TEST

/* ---- exactness ---- */

/* Noise of this process has the variance 0.3 of the data: the score is that of the stationary law throughout */
START_TEST(test_sscs_is_exact_for_data_of_the_stationary_law)
{
  const char *still = "-process_type passive -process_k 2 -process_tp 0.6 ";
  double      error[2];

  m_data   = 0;
  error[0] = gaussian_error(still, "-sampler_scheme sscs -sampler_grid uniform", 3, 0);
  error[1] = gaussian_error(still, "-sampler_scheme em -sampler_grid uniform", 3, 0);
  m_data   = 0.5;
  ck_assert_msg(error[0] < 1e-13 && error[1] > 0.01, "errors %g, %g", error[0], error[1]);
}
END_TEST

/* One point: its mean is known at all times, and what is no function of the mean is moved exactly */
START_TEST(test_noise_free_schemes_lead_to_a_point_exactly)
{
  static const char *const schemes[] = {"heun", "abm -sampler_order 2", "abm", "abm -sampler_churn 1"};
  char                     text[200];

  for (int s = 0; s < 4; s++)
    for (int p = 0; p < PROCESSES; p++) {
      double *X;

      snprintf(text, sizeof(text), "-sampler_scheme %s -sampler_steps 4 -sampler_samples 10", schemes[s]);
      X = sampled(processes[p], POINT, text);
      for (int r = 0; r < 10; r++) {
        const double x = X[r * (p == 0 ? 1 : p == 4 ? 3 : 2)];

        ck_assert_msg(fabs(x - 0.7) < 1e-12, "%s %s: %g", schemes[s], processes[p], x);
      }
      free(X);
    }
}
END_TEST

/* ---- data of two components ---- */

#define TWO "-dataset_means -0.6,0.5 -dataset_variances 0.02,0.05 -dataset_weights 0.4,0.6 "
enum { PATHS = 40 };

/* z where the last step begins, from the same starts for all schemes; *t that time */
static double *ends(const char *sampler, double *t)
{
  const AffinePlan *plan;
  double           *X, *z = malloc(sizeof(double) * PATHS);
  Kernel            k;
  Case              c;

  ck_call(make(PASSIVE, TWO, sampler, &c));
  ck_call(SamplerSolve(c.sampler));
  plan = &c.sampler->plan;
  if (c.sampler->scheme != SCHEME_FLOW) *t = plan->t[plan->nsteps - 1];
  X = gather_frame(&c, c.sampler->scheme == SCHEME_FLOW ? 0 : plan->nsteps - 1);
  ck_call(ProcessGetKernel(c.process, *t, &k));
  for (int r = 0; r < PATHS; r++) z[r] = k.l[0] * X[r];
  free(X);
  ck_call(drop(&c));
  return z;
}

static double largest_difference(int n, const double *a, const double *b)
{
  double worst = 0;

  for (int r = 0; r < n; r++) worst = fmax(worst, fabs(a[r] - b[r]));
  return worst;
}

/* Against the flow by Runge-Kutta at a tolerance of 1e-11 */
START_TEST(test_noise_free_schemes_converge_to_the_flow_of_a_mixture)
{
  static const char *const scheme[] = {"ddim -sampler_order 1", "ddim", "heun", "abm -sampler_order 2",
                                       "abm"};
  const double             order[]  = {1, 2, 2, 2, 3};
  const char              *common =
      "-sampler_samples 40 -sampler_trajectory 40 -sampler_sigma_max 1.2 -sampler_grid scales "
      "-sampler_sigma_min";
  char   text[400];
  double t, error[2], *exact = NULL;

  for (int s = 0; s < 5; s++) {
    for (int level = 0; level < 2; level++) {
      double *z;

      snprintf(text, sizeof(text), "%s 0.05 -sampler_scheme %s -sampler_steps %d", common, scheme[s],
               160 << level);
      z = ends(text, &t);
      snprintf(text, sizeof(text),
               "%s 0.045 -sampler_scheme flow -sampler_wave 40 -sampler_trajectory_times %.17g -sampler_rtol "
               "1e-11 "
               "-sampler_atol 1e-11",
               common, t);
      if (!exact) exact = ends(text, &t);
      error[level] = largest_difference(PATHS, z, exact);
      free(z);
    }
    ck_assert_msg(fabs(log2(error[0] / error[1]) - order[s]) < 0.25, "%s: errors %g, %g", scheme[s], error[0],
                  error[1]);
  }
  free(exact);
}
END_TEST

/* ---- one path of z for all processes ---- */

/* X = u z + Dw e with some normals e that a noise-free scheme leaves alone */
static double *z_path(const char *process, const char *sampler, int64_t N, int *nsteps)
{
  const AffinePlan *plan;
  double           *X, *z, *start;
  float            *e;
  Kernel            k;
  Case              c;

  ck_call(make(process, DIAMOND, sampler, &c));
  plan    = &c.sampler->plan;
  *nsteps = plan->nsteps;
  X       = malloc(sizeof(double) * (size_t)(N * 2 * plan->b));
  z       = malloc(sizeof(double) * (size_t)(N * 2 * (plan->nsteps + 1)));
  start   = malloc(sizeof(double) * (size_t)(N * 2));
  e       = malloc(sizeof(float) * (size_t)(N * 2 * AD_BMAX));
  rng_normal_double((RngStream){5, RNG_NOISE, 0}, 0, (size_t)N, 2, start);
  rng_normal((RngStream){6, RNG_NOISE, 0}, 0, (size_t)N, 2 * AD_BMAX, e);
  ck_call(ProcessGetKernel(c.process, plan->t[0], &k));
  for (int64_t r = 0; r < N; r++)
    for (int a = 0; a < plan->b; a++)
      for (int i = 0; i < 2; i++) {
        double x = k.u[a] * start[r * 2 + i];

        for (int w = 0; w < plan->b - 1; w++)
          x += k.Dw[a * (plan->b - 1) + w] * (double)e[(r * AD_BMAX + w) * 2 + i];
        X[(r * plan->b + a) * 2 + i] = x;
      }
  march(&c, N, X, z);
  free(X);
  free(e);
  free(start);
  ck_call(drop(&c));
  return z;
}

START_TEST(test_noise_free_schemes_have_one_path_of_z_for_all_processes)
{
  static const char *const schemes[] = {"ddim", "heun", "abm"};
  char                     text[200];
  const int                N = 200;
  int                      n;

  for (int s = 0; s < 3; s++) {
    double *z[PROCESSES];

    snprintf(text, sizeof(text),
             "-sampler_scheme %s -sampler_steps 10 -sampler_sigma_max 1.2 -sampler_samples 1", schemes[s]);
    for (int p = 0; p < PROCESSES; p++) z[p] = z_path(processes[p], text, N, &n);
    for (int p = 1; p < PROCESSES; p++)
      ck_assert_msg(largest_difference(N * 2 * (n + 1), z[0], z[p]) < 1e-8, "%s %s: paths differ by %g",
                    schemes[s], processes[p], largest_difference(N * 2 * (n + 1), z[0], z[p]));
    for (int p = 0; p < PROCESSES; p++) free(z[p]);
  }
}
END_TEST

/* ---- stages for any scheme ---- */

START_TEST(test_churn_is_the_forward_process)
{
  for (int p = 0; p < PROCESSES; p++) {
    const LinearSde *sde;
    AffineStage      stage;
    Kernel           from, to;
    Case             c;

    ck_call(make(processes[p], GAUSSIAN, "-sampler_samples 1", &c));
    ck_call(ProcessGetSde(c.process, &sde));
    ck_call(ProcessGetKernel(c.process, 0.3, &from));
    ck_call(ProcessGetKernel(c.process, 0.5, &to));
    stage_churn(sde, 0.3, 0.5, &stage);
    ck_assert(!stage.evaluates && !stage.keep);
    for (int i = 0; i < sde->b * sde->b; i++) { /* A Cb A^T + L L^T */
      const int b = sde->b, r = i / b, q = i % b;
      double    sum = 0;

      for (int j = 0; j < b; j++) sum += stage.L[r * b + j] * stage.L[q * b + j];
      for (int j = 0; j < b * b; j++) sum += stage.A[r * b + j / b] * from.Cb[j] * stage.A[q * b + j % b];
      ck_assert_msg(fabs(sum - to.Cb[i]) < 1e-13 * sqrt(to.Cb[r * b + r] * to.Cb[q * b + q]),
                    "%s: %g, expected %g", processes[p], sum, to.Cb[i]);
    }
    ck_call(drop(&c));
  }
}
END_TEST

/* z'' = (1 - f) z + sqrt(2 eps) xi, f = eps/v: variance v goes over into itself up to v f^2; the rest of X stays */
START_TEST(test_langevin_step_keeps_the_law_up_to_its_bias)
{
  const double snr = 0.3;

  for (int p = 0; p < PROCESSES; p++) {
    const LinearSde *sde;
    AffineStage      stage;
    Kernel           k;
    Case             c;
    double           A = 0, L = 0, v, f;

    ck_call(make(processes[p], GAUSSIAN, "-sampler_samples 1", &c));
    ck_call(ProcessGetSde(c.process, &sde));
    ck_call(ProcessGetKernel(c.process, 0.5, &k));
    ck_assert_int_eq(stage_langevin(sde, 0.5, snr, 1, &stage), KERNEL_OK);
    v = V_DATA + k.sigma2;
    f = 2 * snr * snr * k.sigma2 / v;
    for (int a = 0; a < sde->b; a++) {
      A += k.l[a] * (stage.A[a * sde->b + a] * k.u[a] - stage.B[a] / v);
      L += k.l[a] * stage.L[a * sde->b];
      /* e_w = Ew^T X does not feel the step: Ew^T u = 0 */
      ck_assert(fabs(stage.B[a] - 2 * snr * snr * k.sigma2 * k.u[a]) <= 1e-12 * fabs(stage.B[a]));
    }
    ck_assert_close(A, 1 - f, 1e-12);
    ck_assert_close(A * A * v + L * L, v * (1 + f * f), 1e-12);
    ck_call(drop(&c));
  }
}
END_TEST

START_TEST(test_evaluations_are_never_more_than_asked_for)
{
  static const struct {
    const char *text;
    int         steps, evaluations;
  } line[] = {{"-sampler_scheme heun -sampler_evaluations 10", 5, 9},
              {"-sampler_scheme heun -sampler_evaluations 1", 1, 1},
              {"-sampler_scheme abm -sampler_evaluations 10", 10, 10},
              {"-sampler_scheme sscs -sampler_evaluations 3", 3, 3},
              {"-sampler_scheme anc -sampler_corrector 2 -sampler_evaluations 12", 4, 10},
              {"-sampler_scheme heun -sampler_corrector 1 -sampler_churn 1 -sampler_evaluations 10", 4, 10},
              {"-sampler_scheme heun -sampler_last denoise -sampler_steps 4", 4, 7}};

  for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) {
    double evaluations;
    char   text[200];
    Case   c;

    snprintf(text, sizeof(text), "%s -sampler_samples 6", line[i].text);
    ck_call(make(ACTIVE, DIAMOND, text, &c));
    ck_call(SamplerSolve(c.sampler));
    ck_call(SamplerGetEvaluations(c.sampler, &evaluations));
    ck_assert_int_eq(c.sampler->steps, line[i].steps);
    ck_assert_msg(evaluations == line[i].evaluations, "%s: %g evaluations", line[i].text, evaluations);
    ck_call(drop(&c));
  }
}
END_TEST

Suite *orders_suite(void)
{
  const TTest *const parts[] = {
      test_em_and_sscs_have_weak_order_one_in_time,
      test_schemes_in_the_clock_have_the_orders_they_claim,
      test_sscs_is_exact_for_data_of_the_stationary_law,
      test_noise_free_schemes_lead_to_a_point_exactly,
      test_noise_free_schemes_converge_to_the_flow_of_a_mixture,
      test_noise_free_schemes_have_one_path_of_z_for_all_processes,
      test_churn_is_the_forward_process,
      test_langevin_step_keeps_the_law_up_to_its_bias,
      test_evaluations_are_never_more_than_asked_for,
  };

  return sampler_tests("orders", sizeof parts / sizeof parts[0], parts);
}
