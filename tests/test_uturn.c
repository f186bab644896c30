/*
  The U-turn experiment: what clones of noised data do, against closed forms and against the posterior
*/
#include "kernel_case.h"
#include "adlikelihood.h"
#include "adspeciation.h"
#include "aduturn.h"
#include <stdlib.h>
#include <string.h>

Suite *uturn_suite(void);

/* ---- theory ---- */

/* Digits by adaptive quadrature in 30 of them */
START_TEST(test_phi_has_the_known_digits_and_limits)
{
  ck_assert_double_lt(fabs(uturn_phi(0.5) - 0.6750567023375654), 1e-14);
  ck_assert_double_lt(fabs(uturn_phi(1) - 0.7752002453966636), 1e-14);
  ck_assert_double_lt(fabs(uturn_phi(2) - 0.8844908890353522), 1e-14);
  ck_assert_double_eq(uturn_phi(0), 0.5);
  ck_assert_close(uturn_phi(1e-6) - 0.5, 0.5e-6, 1e-5); /* 1/2 + R/2 */
  ck_assert_double_eq(uturn_phi(1000), 1);
  for (double R = 1e-3; R < 60; R *= 1.3) {
    double agreement, recovery;

    uturn_moments(R, R, &agreement, &recovery); /* Bayes: both are E sum_c R_c^2 */
    ck_assert_double_lt(fabs(agreement - recovery), 1e-13);
    ck_assert(R > 50 || uturn_phi(1.01 * R) > uturn_phi(R));
  }
}
END_TEST

/* Log-odds far wider than one: p is a step of width 1/sqrt(variance) */
START_TEST(test_moments_of_wide_log_odds_are_those_of_a_step)
{
  static const double variance[3] = {1e4, 1e6, 1e8};

  for (int i = 0; i < 3; i++) {
    const double root = sqrt(variance[i]), a = 0.7, density = exp(-a * a / 2) / sqrt(TWO_PI);
    double       agreement, recovery;

    uturn_moments(a * root, variance[i], &agreement, &recovery);
    ck_assert_double_lt(fabs(recovery - 0.5 * erfc(-a / sqrt(2))), 1 / variance[i]);
    ck_assert_double_lt(fabs(1 - agreement - density / root), 1 / variance[i]);
  }
}
END_TEST

static TwoClusters clusters_of(double d)
{
  return (TwoClusters){.separation2 = d, .width2 = 1, .overlap = 0, .centred = 1};
}

/* Theory columns of a table that was made independently, to its three digits */
START_TEST(test_arms_are_predicted_as_tabulated)
{
  static const struct {
    double tau, d, t, keep, resample,
        scramble; /* tau 0: passive; t 0: the joint time; x alone 3.336, 2.718 */
  } row[] = {{0, 64, 0, 0.770, NAN, NAN},          {0, 256, 0, 0.774, NAN, NAN},
             {0.5, 64, 0, 0.770, 0.709, 0.722},    {0.5, 256, 0, 0.774, 0.713, 0.725},
             {2, 64, 0, 0.770, 0.624, 0.657},      {2, 256, 0, 0.774, 0.627, 0.660},
             {2, 256, 3.336, 0.938, 0.774, 0.774}, {2, 256, 2.718, 0.999, 0.954, 0.924}};

  for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
    const LinearSde   sde = row[i].tau > 0 ? active_sde(1, row[i].tau, 0, 1) : passive_sde(1, 1);
    const TwoClusters two = clusters_of(row[i].d);
    double            t   = row[i].t, agreement, recovery;
    Kernel            k;

    if (t == 0) ck_assert_int_eq(speciation_joint(&sde, row[i].d + 1, &t), KERNEL_OK);
    k = kernel_at(&sde, t);
    uturn_predict(&two, &k, UTURN_KEEP, &agreement, &recovery);
    ck_assert_double_lt(fabs(agreement - row[i].keep), 6e-4);
    if (row[i].tau == 0) continue;
    uturn_predict(&two, &k, UTURN_RESAMPLE, &agreement, &recovery);
    ck_assert_double_lt(fabs(recovery - row[i].resample), 6e-4);
    uturn_predict(&two, &k, UTURN_SCRAMBLE, &agreement, &recovery);
    ck_assert_double_lt(fabs(recovery - row[i].scramble), 6e-4);
  }
}
END_TEST

START_TEST(test_scramble_of_an_aligned_axis_is_predicted_to_do_nothing)
{
  const TwoClusters aligned = {.separation2 = 9, .width2 = 0.5, .overlap = 1, .centred = 1};

  for (int i = 0; i < NLAWS; i++) {
    const LinearSde sde = law_example(i);
    const Kernel    k   = kernel_at(&sde, 0.7);
    double          keep, agreement, recovery;

    uturn_predict(&aligned, &k, UTURN_KEEP, &keep, &recovery);
    uturn_predict(&aligned, &k, UTURN_SCRAMBLE, &agreement, &recovery);
    ck_assert_close(agreement, keep, 1e-12);
    ck_assert_close(recovery, keep, 1e-12);
  }
}
END_TEST

/* ---- arms ---- */

/* Every auxiliary vector of a sample is there once, at another place; places are equally likely; x stays */
START_TEST(test_scramble_moves_whole_auxiliary_vectors)
{
  enum { B = 3, D = 5, N = 4000 };
  static double   X[N][B][D], work[D];
  static uint32_t words[N][D];
  int             seen[D][D] = {{0}}, sound = 1;

  rng_bits((RngStream){3, RNG_NOISE, 0}, 0, N, D, words[0]);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < D; i++)
      for (int a = 0; a < B; a++) X[r][a][i] = 10 * a + i;
  uturn_scramble(B, D, N, words[0], X[0][0], work);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < D; i++) {
      const int from = (int)X[r][1][i] - 10;

      sound = sound && X[r][0][i] == i && from >= 0 && from < D && X[r][2][i] == 20 + from;
      seen[i][from]++;
    }
  ck_assert(sound);
  for (int i = 0; i < D; i++)
    for (int j = 0; j < D; j++)
      ck_assert_double_lt(fabs(seen[i][j] - N / 5.0), 5 * sqrt(N / 5.0 * (1 - 1 / 5.0)));
}
END_TEST

/* Covariance of normal X[n][b] against the true one, in units of its error */
static double covariance_misfit(int b, int64_t n, const double *X, const double *C)
{
  double worst = 0;

  for (int a = 0; a < b; a++)
    for (int c = 0; c <= a; c++) {
      double sum = 0;

      for (int64_t r = 0; r < n; r++) sum += X[r * b + a] * X[r * b + c];
      worst = fmax(worst, fabs(sum / (double)n - C[a * b + c]) * sqrt((double)n) /
                              sqrt(C[a * b + a] * C[c * b + c] + C[a * b + c] * C[a * b + c]));
    }
  return worst;
}

/* Data N(0, h): x of its own law with auxiliary variables drawn anew have the joint law, at the smallest times as well */
START_TEST(test_resampled_states_have_the_law_of_the_process)
{
  enum { N = 20000 };
  const double      h[1] = {0.3}, zero[1] = {0}, weight[1] = {1}, t = _i % 2 ? 1e-5 : 0.8;
  const MixtureData law = {1, 1, weight, zero, h};
  const LinearSde   sde = law_example(_i / 2);
  const Kernel      k   = kernel_at(&sde, t);
  const int         b   = k.b;
  double           *X = malloc(sizeof(double) * N * (size_t)b), *u = malloc(sizeof(double) * N);
  double           *R = malloc(sizeof(double) * N), C[SIZE] = {0};
  float            *e = malloc(sizeof(float) * N * (size_t)(b + 1)), *x = malloc(sizeof(float) * N);
  int               kept = 1;

  for (int i = 0; i < b * b; i++) C[i] = k.Cb[i] + h[0] * k.u[i / b] * k.u[i % b];
  rng_normal((RngStream){11, RNG_NOISE, 0}, 0, N, 1, x);
  rng_normal((RngStream){11, RNG_NOISE, 1}, 0, N, b + 1, e);
  rng_uniform((RngStream){11, RNG_NOISE, 2}, 0, N, 1, u);
  for (int r = 0; r < N; r++) {
    R[r] = 1;
    for (int a = 0; a < b; a++) X[r * b + a] = a ? NAN : sqrt(C[0]) * x[r];
  }
  uturn_resample(&law, &k, N, R, u, e, X);
  for (int r = 0; r < N; r++) kept = kept && X[r * b] == sqrt(C[0]) * x[r];
  ck_assert(kept);
  ck_assert_double_lt(covariance_misfit(b, N, X, C), 5);
  free(X);
  free(u);
  free(R);
  free(e);
  free(x);
}
END_TEST

/* ---- the experiment ---- */

typedef struct {
  ProcessGrid grid;
  Dataset     dataset;
  Uturn       u;
  double      lambda;
} Case;

static PetscErrorCode read_case(Case *c, UturnOptions *o)
{
  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&c->grid));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, 5));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(UturnReadOptions(o));
  PetscCall(ProcessGridSetUp(&c->grid));
  PetscCall(DatasetSetUp(c->dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An experiment from its options, for data whose largest eigenvalue is lambda */
static Case turn(const char *options, double lambda)
{
  Case         c = {.lambda = lambda};
  PetscOptions database;
  UturnOptions o;
  double       joint[16];

  PetscOptionsCreate(&database);
  PetscOptionsPush(database);
  PetscOptionsInsertString(NULL, options);
  ck_call(read_case(&c, &o));
  for (PetscInt p = 0; p < c.grid.n; p++) {
    const LinearSde *sde;

    ck_call(ProcessGetSde(c.grid.process[p], &sde));
    ck_assert_int_eq(speciation_joint(sde, lambda, &joint[p]), 0);
  }
  ck_call(UturnCompute(&o, c.grid.n, c.grid.process, joint, c.dataset, 5, &c.u));
  PetscOptionsPop();
  PetscOptionsDestroy(&database);
  return c;
}

static void end(Case *c)
{
  ck_call(UturnDestroy(&c->u));
  ck_call(DatasetDestroy(&c->dataset));
  ck_call(ProcessGridDestroy(&c->grid));
}

/* Within 4.5 errors, each of them at least what one sample counts */
static void check_near(const char *what, double value, double err, double truth, PetscInt samples)
{
  ck_assert_msg(fabs(value - truth) < 4.5 * err + 1.0 / samples, "%s %g, expected %g, error %g", what, value,
                truth, err);
}

static void check_result(const UturnResult *r, PetscInt samples, int theory)
{
  check_near("agreement less posterior's", r->excess_agreement, r->excess_agreement_err, 0, samples);
  check_near("recovery less posterior's", r->excess_recovery, r->excess_recovery_err, 0, samples);
  if (!theory) return;
  check_near("agreement", r->agreement, r->agreement_err, r->theory_agreement, samples);
  check_near("recovery", r->recovery, r->recovery_err, r->theory_recovery, samples);
  check_near("posterior agreement", r->posterior_agreement, r->posterior_agreement_err, r->theory_agreement,
             samples);
  check_near("posterior recovery", r->posterior_recovery, r->posterior_recovery_err, r->theory_recovery,
             samples);
}

#define NOISES "-process_type passive,active:tau=0.5,active:tau=2,cld "

/* One clock: at the joint time R = |m|^2/(Lambda + s^2) whatever the noise, in few and in many dimensions */
START_TEST(test_clones_agree_at_the_joint_time_as_phi_says)
{
  static const int dims[3] = {2, 16, 128}, samples[3] = {2000, 1500, 500};
  const int        d = dims[_i];
  char             options[256];
  Case             c;

  snprintf(options, sizeof(options),
           NOISES "-dataset_preset two_clusters -dataset_dim %d -uturn_samples %d "
                  "-uturn_fractions 1 -uturn_arms keep -uturn_steps 60",
           d, samples[_i]);
  c = turn(options, d + 1);
  for (PetscInt p = 0; p < c.u.np; p++) {
    ck_assert_close(c.u.sigma2[p], d + 1.0, 1e-12);
    ck_assert_close(c.u.result[p].theory_agreement, uturn_phi(d / (d + 2.0)), 1e-12);
    check_result(&c.u.result[p], samples[_i], 1);
  }
  end(&c);
}
END_TEST

/* Arms for active noise at the joint time, for CLD a little before: closed forms, and what an independent program saw */
START_TEST(test_arms_lose_what_theory_says)
{
  static const double seen[UTURN_ARMS] = {0.766, 0.637, 0.609, NAN}, n = 1500;
  Case                c = turn("-process_type active:tau=2,cld -dataset_preset two_clusters -dataset_dim 64 "
                                              "-uturn_samples 1500 -uturn_fractions 1,0.9 -uturn_steps 60",
                               65);

  for (PetscInt i = 0; i < c.u.np * 2 * c.u.na; i++) {
    const int arm = c.u.arm[i % c.u.na];

    check_result(&c.u.result[i], 1500, arm != UTURN_SCRAMBLE);
    if (i < c.u.na && !isnan(seen[arm]))
      check_near("recovery", c.u.result[i].recovery, sqrt(0.25 / n + 0.0001), seen[arm], 1500);
  }
  end(&c);
}
END_TEST

/* The states that the clones start from have the law that theory says, which their posterior tells sharply: steps do not matter */
START_TEST(test_states_of_all_arms_know_what_theory_says)
{
  Case c =
      turn("-process_type active:tau=2,cld -dataset_preset two_clusters -dataset_dim 6 -uturn_samples 40000 "
           "-uturn_fractions 0.8 -uturn_arms keep,resample,batch -uturn_steps 2",
           7);

  for (PetscInt i = 0; i < c.u.np * c.u.na; i++) {
    const UturnResult *r = &c.u.result[i];

    check_near("posterior agreement", r->posterior_agreement, r->posterior_agreement_err, r->theory_agreement,
               40000);
    check_near("posterior recovery", r->posterior_recovery, r->posterior_recovery_err, r->theory_recovery,
               40000);
  }
  end(&c);
}
END_TEST

/* Two pieces are the whole, bit for bit; the same state under another number returns elsewhere */
START_TEST(test_returns_depend_on_numbers_alone)
{
  enum { N = 7 };
  Case c = turn(
      "-process_type active -dataset_means -1,1 -dataset_variances 0.1 -uturn_samples 2 -uturn_times 1", 1);
  Score   score;
  Sampler sampler;
  double  X[2 * N], whole[2 * N], pieces[2 * N];

  for (int i = 0; i < 2 * N; i++) X[i] = i % 4 < 2 ? 0.3 : -0.2;
  ck_call(ScoreCreate(&score));
  ck_call(ScoreSetType(score, "mixture"));
  ck_call(ScoreSetProcess(score, c.grid.process[0]));
  ck_call(ScoreSetDataset(score, c.dataset));
  ck_call(ScoreSetUp(score));
  ck_call(SamplerCreate(&sampler));
  ck_call(SamplerSetScore(sampler, c.grid.process[0], score));
  ck_call(SamplerSetReturn(sampler, 1.0, 8, 0.05));
  memcpy(whole, X, sizeof(whole));
  memcpy(pieces, X, sizeof(pieces));
  ck_call(SamplerSolveFrom(sampler, 100, N, whole));
  ck_call(SamplerSolveFrom(sampler, 100, 3, pieces));
  ck_call(SamplerSolveFrom(sampler, 103, N - 3, pieces + 6));
  ck_assert_all(!memcmp(whole, pieces, sizeof(whole)));
  for (int i = 0; i + 2 < N; i++) ck_assert(whole[2 * i] != whole[2 * i + 4]); /* equal states two apart */
  ck_call(SamplerDestroy(&sampler));
  ck_call(ScoreDestroy(&score));
  end(&c);
}
END_TEST

/* The trap: a permutation of coordinates leaves (1, .., 1) as it is, and with it all that is known of the class */
START_TEST(test_scramble_needs_an_axis_of_mixed_signs)
{
  static const char *const data[2] = {"-dataset_means 1,1,1,1,1,1,1,1,-1,-1,-1,-1,-1,-1,-1,-1 -dataset_dim 8 "
                                      "-dataset_variances 1 ",
                                      "-dataset_preset two_clusters -dataset_dim 8 "};
  char                     options[512];
  Case                     c;
  double                   gap;

  snprintf(options, sizeof(options),
           "-process_type active:tau=2 %s-uturn_samples 800 -uturn_fractions 0.8 -uturn_arms keep,scramble "
           "-uturn_steps 20",
           data[_i]);
  c   = turn(options, 9);
  gap = c.u.result[0].posterior_recovery - c.u.result[1].posterior_recovery;
  if (_i == 0)
    ck_assert_double_lt(fabs(gap), 1e-12); /* the same X_t in both arms */
  else
    ck_assert_double_gt(gap, 5 * c.u.result[1].posterior_recovery_err);
  end(&c);
}
END_TEST

/* Components of all kinds, three variables a coordinate: no closed form, but the posterior knows */
START_TEST(test_any_mixture_agrees_with_its_posterior)
{
  Case c = turn("-process_type general -process_m -1,1,1,0,-2,0,0,0,-5 -process_g 0,0,0,0,2,0,0,0,6 "
                "-process_cov0 1,0,0,3.6 -dataset_means -1,0,1,0.5,0,2 -dataset_dim 2 "
                "-dataset_variances 0.04,0.3,0.1 -dataset_weights 1,3,2 -uturn_samples 3000 -uturn_times 0.7",
                1);

  ck_assert_int_eq(c.u.na, UTURN_ARMS);
  for (PetscInt a = 0; a < c.u.na; a++) {
    ck_assert(isnan(c.u.result[a].theory_agreement));
    check_result(&c.u.result[a], 3000, 0);
  }
  ck_assert_double_lt(c.u.result[UTURN_RESAMPLE].posterior_recovery +
                          5 * c.u.result[0].posterior_recovery_err,
                      c.u.result[UTURN_KEEP].posterior_recovery);
  end(&c);
}
END_TEST

/* Points have no width to end in: they end where they are */
START_TEST(test_clones_of_points_end_in_points)
{
  Case c = turn("-process_type passive -dataset_means -1,1 -dataset_variances 0 -uturn_samples 2000 "
                "-uturn_times 0.5",
                1);

  check_result(&c.u.result[0], 2000, 1);
  ck_assert_close(c.u.result[0].agreement, round(c.u.result[0].agreement * 2000) / 2000, 1e-9);
  end(&c);
}
END_TEST

Suite *uturn_suite(void)
{
  Suite *suite      = suite_create("uturn");
  TCase *theory     = tcase_create("theory");
  TCase *arms       = tcase_create("arms");
  TCase *experiment = tcase_create("experiment");

  tcase_add_test(theory, test_phi_has_the_known_digits_and_limits);
  tcase_add_test(theory, test_moments_of_wide_log_odds_are_those_of_a_step);
  tcase_add_test(theory, test_arms_are_predicted_as_tabulated);
  tcase_add_test(theory, test_scramble_of_an_aligned_axis_is_predicted_to_do_nothing);
  suite_add_tcase(suite, theory);
  tcase_add_test(arms, test_scramble_moves_whole_auxiliary_vectors);
  tcase_add_loop_test(arms, test_resampled_states_have_the_law_of_the_process, 2, 2 * NLAWS);
  suite_add_tcase(suite, arms);
  tcase_set_timeout(experiment, 120);
  tcase_add_loop_test(experiment, test_clones_agree_at_the_joint_time_as_phi_says, 0, 3);
  tcase_add_test(experiment, test_arms_lose_what_theory_says);
  tcase_add_test(experiment, test_states_of_all_arms_know_what_theory_says);
  tcase_add_test(experiment, test_returns_depend_on_numbers_alone);
  tcase_add_loop_test(experiment, test_scramble_needs_an_axis_of_mixed_signs, 0, 2);
  tcase_add_test(experiment, test_any_mixture_agrees_with_its_posterior);
  tcase_add_test(experiment, test_clones_of_points_end_in_points);
  suite_add_tcase(suite, experiment);
  return suite;
}
