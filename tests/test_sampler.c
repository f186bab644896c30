/*
  Samplers: convergence orders, exact laws, equality of the processes in the clock, the flow, bits on any ranks
*/
#include "sampler_case.h"

Suite *sampler_suite(void);

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
    for (int p = 0; p < 3; p++, sampler_seed++) X[p] = sampled(noise[p], DIAMOND, text);
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
  ck_call(ProcessNoise(c.process, start, 1, (RngStream){sampler_seed, RNG_PRIOR, 0}, 0, N, x0, Y));
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
  Kernel             start;
  const double      *mine;
  double            *X;
  int64_t            first, n;
  int                same = 1, width;

  ck_call(make(process, DIAMOND, sampler, &c));
  ck_call(SamplerSolve(c.sampler));
  plan  = &c.sampler->plan;
  known = c.sampler->coordinates;
  width = plan->b * 2;
  X     = malloc(sizeof(double) * (size_t)(plan->N * width));
  ck_call(ProcessGetKernel(c.process, plan->t[0], &start));
  ck_call(ProcessSamplePrior(c.process, PRIOR_MATCHED, &start, 2, known->mean, known->variance,
                             (RngStream){plan->seed, RNG_PRIOR, 0}, 0, plan->N, X));
  march(&c, plan->N, X, NULL);
  ck_call(SamplerGetStates(c.sampler, &first, &n, &mine));
  for (int64_t i = 0; i < n * width; i++) same &= mine[i] == X[first * width + i];
  ck_assert_all(same);
  free(X);
  ck_call(drop(&c));
}

START_TEST(test_steps_give_the_same_bits_on_any_ranks_in_any_waves)
{
  assert_same_as_serial(BOTH, "-sampler_scheme em -sampler_samples 1003 -sampler_wave 100");
  assert_same_as_serial(ACTIVE, "-sampler_scheme anc -sampler_samples 1003 -sampler_wave 7");
  assert_same_as_serial(CLD, "-sampler_scheme ddim -sampler_samples 1003 -sampler_wave 2000");
  assert_same_as_serial(BATHS, "-sampler_scheme em -sampler_last denoise -sampler_samples 2");
  assert_same_as_serial(CLD, "-sampler_scheme heun -sampler_samples 1003 -sampler_wave 64");
  assert_same_as_serial(BOTH, "-sampler_scheme sscs -sampler_samples 1003 -sampler_wave 64");
  assert_same_as_serial(ACTIVE, "-sampler_scheme abm -sampler_samples 1003 -sampler_wave 64");
  assert_same_as_serial(BATHS,
                        "-sampler_scheme abm -sampler_corrector 2 -sampler_churn 2 -sampler_samples 103 "
                        "-sampler_wave 5");
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

Suite *sampler_suite(void)
{
  const TTest *const parts[] = {
      test_anc_is_exact_for_a_point_at_any_step_length,
      test_anc_has_one_law_of_x_for_all_processes_on_equal_sigmas,
      test_em_without_noise_on_x_does_not_feel_the_last_kick,
      test_last_step_can_return_the_posterior_mean,
      test_ddim_has_the_order_it_claims,
      test_passive_flow_is_the_exact_map_to_tolerance,
      test_flow_carries_the_gaussian_law_with_it,
      test_matched_and_stationary_priors_have_their_moments,
      test_exact_prior_is_the_noised_data,
      test_steps_give_the_same_bits_on_any_ranks_in_any_waves,
      test_flow_gives_the_same_bits_on_any_ranks,
  };

  return sampler_tests("sampler", sizeof parts / sizeof parts[0], parts);
}
