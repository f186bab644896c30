/*
  Parts of a sampler: grids, loops, tables of em, starting states, paths, files, refusals
*/
#include "sampler_case.h"

Suite *sampler_parts_suite(void);

#define FILE_NAME "build/test_sampler.h5"

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
  double          t[13], wide[13], root[2];
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
  spec.type = GRID_SCALES; /* with wide data the same; with narrow ones the density falls above their width */
  spec.variance = 1e12;
  assert_falls(&sde, &spec, wide);
  for (int i = 0; i < 12; i++) ck_assert_close(wide[i], t[i], 1e-6);
  spec.variance = 0.01;
  spec.rho      = 1e6; /* density 1/sqrt(1 + s^2/V) in log s: asinh(sqrt(V)/s) grows evenly */
  assert_falls(&sde, &spec, wide);
  for (int i = 0; i < 12; i++) {
    ck_assert_int_eq(kernel_compute(&sde, wide[i], &k), KERNEL_OK);
    if (i == 0) root[0] = asinh(0.1 / k.sigma);
    ck_assert_close(asinh(0.1 / k.sigma), root[0] + (asinh(0.1 / 0.006) - root[0]) * i / 11, 1e-5);
  }
  spec.rho = 7;
  for (int type = GRID_UNIFORM; type <= GRID_SCALES; type++) {
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

START_TEST(test_extrapolated_scores_are_extrapolated_means)
{
  enum { N = 5, D = 3 };
  LinearSde sde = {.b = 2, .M = {-1.3, 1, 0, -2}, .Q = {0.1, 0, 0, 3}, .V0 = {0, 0, 0, 0.7}};
  Kernel    k;
  double    X[N * 2 * D], g[N * 2 * D], before[N * 2 * D], mean[N * D], was[2][N * D];
  History   by_mean = {.depth = 1, .weight = 1, .difference = {0.35}}, by_score = by_mean;

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
  by_mean.before[0] = by_mean.keep = was[1];
  by_score.before[0] = by_score.keep = was[0];
  by_score.difference[0] /= k.sigma2;
  extrapolate_score(&by_score, &k, 2, D, N, X, g);
  extrapolate_mean(&by_mean, N * D, mean);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < D; i++) {
      double z = k.l[0] * X[2 * r * D + i] + k.l[1] * X[(2 * r + 1) * D + i];
      ck_assert_double_eq_tol(z + k.sigma2 * g[2 * r * D + i], mean[r * D + i], 1e-14);
      ck_assert_double_eq_tol(was[0][r * D + i], was[1][r * D + i], 1e-14);
      ck_assert_double_eq(g[(2 * r + 1) * D + i], before[(2 * r + 1) * D + i]);
    }
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
               "-sampler_samples 30 -sampler_steps 5 -sampler_trajectory 30 -sampler_trajectory_times 1,0 "
               "-sampler_scheme heun -sampler_churn 0.5",
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
  ck_assert_str_eq(text, "active k 1.3 tau 0.7 Ta 0.9 Tp 0 | exact | heun order 2 + churn 0.5 | sigma_rho 5 "
                         "| matched | last none");
  ck_call(InputAttrReal(in, "/samples", "evaluations", 1, &evaluations, &found));
  ck_assert(found && evaluations == 9);
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
  static const char *const schemes[] = {"em", "anc", "ddim", "heun", "sscs", "abm", "flow"};
  char                     text[200];
  PetscErrorCode           code;
  int64_t                  n;
  float                   *theta;
  Net                      net;
  Case                     c;

  for (int i = 0; i < 7; i++) {
    snprintf(
        text, sizeof(text),
        "-score_type net -net_width 16 -net_depth 2 -sampler_wave 8 -sampler_samples 30 -sampler_scheme %s",
        schemes[i]);
    ck_call(make(ACTIVE, DIAMOND, text, &c));
    ck_call(ScoreGetNet(c.score, &net));
    ck_call(NetGetParameters(net, &n, &theta));
    for (int64_t k = 0; k < n; k++) theta[k] = NAN;
    ck_call(NetParametersChanged(net));
    QUIET(code, SamplerSolve(c.sampler));
    ck_assert_all(code == AD_ERR_RUN && strstr(said(), "not finite"));
    ck_call(drop(&c));
  }
}
END_TEST

START_TEST(test_settings_that_make_no_sense_are_refused)
{
  static const char *const lines[][2] = {
      {"-sampler_steps 0", "-sampler_steps: expected a whole number from 1"},
      {"-ts_type beuler", "-ts_type: expected em, anc, ddim, heun, sscs, abm or rk"},
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
      {"-sampler_scheme heun -sampler_order 1", "expected a whole number from 2 to 2 for heun"},
      {"-sampler_scheme ddim -sampler_order 3", "expected a whole number from 1 to 2 for ddim"},
      {"-sampler_evaluations 7 -sampler_steps 7", "not both"},
      {"-sampler_evaluations 7 -sampler_scheme flow", "the flow chooses its steps"},
      {"-sampler_snr 1", "-sampler_snr: expected a number"},
      {"-sampler_corrector -1", "-sampler_corrector: expected a whole number"},
      {"-sampler_churn nan", "-sampler_churn: expected a number"},
      {"-sampler_churn 1 -sampler_scheme flow", "the flow takes neither"},
  };

  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    assert_refused(ACTIVE, DIAMOND, lines[i][0], AD_ERR_INPUT, lines[i][1]);
  assert_refused("-process_type general -process_m 0.5 -process_g 1", GAUSSIAN, "-sampler_prior stationary",
                 AD_ERR_INPUT, "no stationary law");
  assert_refused("-process_type general -process_m 0.5 -process_g 1", GAUSSIAN, "-sampler_scheme sscs",
                 AD_ERR_INPUT, "needs a process with a stationary law");
}
END_TEST

Suite *sampler_parts_suite(void)
{
  const TTest *const parts[] = {
      test_grids_fall_from_start_to_zero_by_their_law,
      test_affine_loops_match_their_definition,
      test_numbers_outside_and_not_finite_are_counted,
      test_em_step_follows_the_score_it_is_given,
      test_extrapolated_scores_are_extrapolated_means,
      test_paths_end_in_the_samples,
      test_path_of_the_flow_passes_where_a_shorter_flow_stops,
      test_files_hold_samples_and_paths_in_data_units,
      test_runs_that_overflow_are_stopped,
      test_a_score_that_is_not_finite_stops_every_scheme,
      test_settings_that_make_no_sense_are_refused,
  };

  return sampler_tests("sampler_parts", sizeof parts / sizeof parts[0], parts);
}
