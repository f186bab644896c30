/* Noised leaves, what each case makes of them, and the statistics of trees */
#include "ad_check.h"
#include "private/rhmimpl.h"
#include <stdlib.h>
#include <string.h>

/* ---- laws ---- */

typedef void (*LawCheck)(Process process, const LinearSde *sde, const Kernel *k);

static void with_process(const char *options, double t, LawCheck check)
{
  PetscOptions     database;
  Process          process;
  const LinearSde *sde;
  Kernel           k;

  ck_call(PetscOptionsCreate(&database));
  ck_call(PetscOptionsPush(database));
  ck_call(PetscOptionsInsertString(NULL, options));
  ck_call(ProcessCreate(&process));
  ck_call(ProcessSetFromOptions(process));
  ck_call(ProcessSetUp(process));
  ck_call(ProcessGetSde(process, &sde));
  ck_call(ProcessGetKernel(process, t, &k));
  check(process, sde, &k);
  ck_call(ProcessDestroy(&process));
  ck_call(PetscOptionsPop());
  ck_call(PetscOptionsDestroy(&database));
}

static double square(const double *noise)
{
  double sum = 0;

  for (int j = 0; j < RHM_PLANES; j++) sum += noise[j] * noise[j];
  return sum;
}

/* log P(X | mu) - log P(X | nu) of a Gaussian that the reader knows has mean = variance/2, and that is signal/noise */
static void check_right(Process process, const LinearSde *sde, const Kernel *k)
{
  PetscBool active;

  ck_call(PetscObjectTypeCompare((PetscObject)process, "active", &active));
  for (int c = 0; c < RHM_CASES; c++) {
    const int passive = c == RHM_PASSIVE || c == RHM_EQUIVALENT;
    RhmLaw    law;

    if (c == RHM_PRINTED || c == RHM_LEGACY || (passive && !active)) continue;
    ck_call(RhmGetLaw(process, (RhmCase)c, k, &law));
    ck_assert_close(law.signal, 1 / law.sigma2, 1e-10);
    ck_assert_close(square(law.noise), law.signal, 1e-10);
    if (c == RHM_JOINT || c == RHM_EQUAL_SIGMA) ck_assert_close(law.sigma2, k->sigma2, 1e-15);
    if (c == RHM_X_ALONE) ck_assert(law.sigma2 >= k->sigma2 * (1 - 1e-12));
  }
}

START_TEST(test_right_readers_know_their_noise_for_every_process)
{
  static const char *const processes[] = {
      "-process_type passive -process_k 1.3 -process_tp 0.8",
      "-process_tau 2 -process_tp 0.001",
      "-process_tau 1 -process_rate 3 -process_scale 0.5",
      "-process_tau 0.3 -process_tp 0.1 -process_v0 0",
      "-process_type cld",
      "-process_type cld -process_friction 3",
      "-process_type general -process_m -1,1,0,0,-2,1,0,0,-3 -process_g 0.1,0,0,0,0.2,0,0,0,1 "
      "-process_cov0 0,0,0,0,1,0.5,0,0.5,2"};

  for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
    with_process(processes[i], 0.02, check_right);
    with_process(processes[i], 0.7, check_right);
  }
}
END_TEST

static void check_bayes(Process process, const LinearSde *sde, const Kernel *k)
{
  const double *Cb = k->Cb, det = Cb[0] * Cb[3] - Cb[1] * Cb[1];
  RhmLaw        law, printed;

  ck_call(RhmGetLaw(process, RHM_JOINT, k, &law));
  ck_assert_close(law.weight[0], k->u[0] * Cb[3] / det, 1e-10);
  ck_assert_close(law.weight[1], -k->u[0] * Cb[1] / det, 1e-10);
  ck_call(RhmGetLaw(process, RHM_PRINTED, k, &printed));
  ck_assert_msg(fabs(square(printed.noise) / printed.signal - 1) > 0.2, "%g",
                square(printed.noise) / printed.signal);
  ck_call(RhmGetLaw(process, RHM_LEGACY, k, &law)); /* the same weights on an x that eta0 has not moved */
  ck_assert(law.weight[0] == printed.weight[0] && law.weight[1] == printed.weight[1]);
  ck_assert_close(law.signal, printed.signal, 1e-14);
  ck_assert_close(square(law.noise),
                  law.weight[0] * law.weight[0] * k->C[0] + law.weight[1] * law.weight[1] * Cb[3] +
                      2 * law.weight[0] * law.weight[1] * k->C[1],
                  1e-12);
  ck_call(RhmGetLaw(process, RHM_X_ALONE, k, &law));
  ck_assert_close(law.weight[0], k->u[0] / Cb[0], 1e-14);
  ck_assert(law.weight[1] == 0);
}

START_TEST(test_weights_are_those_of_bayes)
{
  with_process("-process_tau 0.5 -process_tp 0.001", 0.9, check_bayes);
  with_process("-process_tau 2 -process_tp 0.001", 0.8, check_bayes);
}
END_TEST

/* sigma2 of the passive controls: (T/k)(e^{2kt} - 1) with T = Ta + Tp, and with T/k the stationary variance */
static void check_controls(Process process, const LinearSde *sde, const Kernel *k)
{
  const double ta = 1.5, tp = 0.2, stiffness = 1.3, tau = 0.7, rate = 2, scale = 1.1;
  const double grown = expm1(2 * stiffness * rate * k->t) * scale;
  RhmLaw       law;

  ck_call(RhmGetLaw(process, RHM_PASSIVE, k, &law));
  ck_assert_close(law.sigma2, (ta + tp) / stiffness * grown, 1e-13);
  ck_call(RhmGetLaw(process, RHM_EQUIVALENT, k, &law));
  ck_assert_close(law.sigma2, (tp + ta / (1 + stiffness * tau)) / stiffness * grown, 1e-13);
}

START_TEST(test_passive_controls_share_temperature_and_variance)
{
  with_process(
      "-process_k 1.3 -process_tau 0.7 -process_ta 1.5 -process_tp 0.2 -process_rate 2 -process_scale 1.1",
      0.4, check_controls);
}
END_TEST

/* ---- leaves ---- */

enum { LEAVES = 3000, V = 32, WIDTH = V * RHM_LANES };

typedef struct {
  int     planes;
  int    *truth;
  float  *e;
  double *likelihood;
} Leaves;

static Leaves leaves_of(int b)
{
  Leaves l = {.planes = rhm_planes(b)};
  float *work;

  l.truth      = malloc(sizeof(int) * LEAVES * RHM_LANES);
  l.e          = malloc(sizeof(float) * LEAVES * (size_t)l.planes * WIDTH);
  l.likelihood = malloc(sizeof(double) * LEAVES * WIDTH);
  work         = malloc(sizeof(float) * RHM_CHUNK * (size_t)l.planes * V);
  for (int i = 0; i < LEAVES * RHM_LANES; i++) l.truth[i] = (7 * i + i / 5) % V;
  for (int lane = 0; lane < RHM_LANES; lane++)
    rhm_noise((RngStream){3, RNG_NOISE, 0}, (uint64_t)lane, LEAVES, l.planes, V, lane, work, l.e);
  free(work);
  return l;
}

static void leaves_free(Leaves *l)
{
  free(l->truth);
  free(l->e);
  free(l->likelihood);
}

START_TEST(test_normals_go_by_tree_leaf_and_symbol)
{
  const RngStream stream = {3, RNG_NOISE, 0};
  Leaves          l      = leaves_of(2);

  for (int i = 0; i < 200; i++) {
    const int lane = i % RHM_LANES, leaf = i * 37 % LEAVES, plane = i % l.planes, q = i * 5 % V;
    float     all[3 * V];

    rng_normal(stream, (uint64_t)lane * LEAVES + (uint64_t)leaf, 1, l.planes * V, all);
    ck_assert(l.e[((leaf * l.planes + plane) * V + q) * RHM_LANES + lane] == all[plane * V + q]);
  }
  leaves_free(&l);
}
END_TEST

/* accuracy, mean confidence and log-loss of single leaves */
static void judge_leaves(const Leaves *l, double *score)
{
  score[0] = score[1] = score[2] = 0;
  for (int leaf = 0; leaf < LEAVES; leaf++) {
    int    best[RHM_LANES];
    double sure[RHM_LANES];

    rhm_judge(V, l->likelihood + leaf * WIDTH, best, sure);
    for (int lane = 0; lane < RHM_LANES; lane++) {
      const int truth = l->truth[leaf * RHM_LANES + lane];

      score[0] += best[lane] == truth;
      score[1] += sure[lane];
      score[2] -= log(l->likelihood[leaf * WIDTH + truth * RHM_LANES + lane]);
    }
  }
  for (int k = 0; k < 3; k++) score[k] /= LEAVES * RHM_LANES;
}

/* Independent numbers, known to half a unit of the last digit; 24,000 leaves: errors 0.003, 0.002, 0.01 */
static void check_single_leaves(Process process, const LinearSde *sde, const Kernel *k)
{
  static const RhmCase which[2]    = {RHM_JOINT, RHM_PRINTED};
  static const double  known[2][3] = {{0.747, 0.748, 0.84}, {0.254, 0.164, 2.73}};
  static const double  error[3]    = {0.0028, 0.0018, 0.011};
  Leaves               l           = leaves_of(k->b);

  for (int c = 0; c < 2; c++) {
    double score[3];
    RhmLaw law;

    ck_call(RhmGetLaw(process, which[c], k, &law));
    rhm_leaf_likelihoods(&law, LEAVES, l.planes, V, l.truth, l.e, l.likelihood);
    judge_leaves(&l, score);
    for (int q = 0; q < 3; q++)
      ck_assert_msg(fabs(score[q] - known[c][q]) < 4.5 * error[q], "%s: quantity %d is %g, expected %g",
                    rhm_case_names[which[c]], q, score[q], known[c][q]);
  }
  leaves_free(&l);
}

START_TEST(test_single_leaf_is_calibrated_unless_read_as_printed)
{
  with_process("-process_tau 2 -process_tp 0.001", 0.8, check_single_leaves);
}
END_TEST

/* What the experiment reads at once, and what it would write into a file and read from there */
static void check_states(Process process, const LinearSde *sde, const Kernel *k)
{
  const int b = k->b, some = 5;
  double    T[AD_BMAX * RHM_PLANES], *state, *logit;
  Leaves    l = leaves_of(b);

  state = malloc(sizeof(double) * (size_t)(some * V * b));
  logit = malloc(sizeof(double) * (size_t)(some * WIDTH));
  rhm_factors(sde, k, T);
  for (int c = 0; c < (b == 1 ? 1 : 2); c++) {
    double worst = 0;
    RhmLaw law;

    ck_call(RhmGetLaw(process, c ? RHM_X_ALONE : RHM_JOINT, k, &law));
    rhm_leaf_likelihoods(&law, some, l.planes, V, l.truth, l.e, l.likelihood);
    for (int lane = 0; lane < RHM_LANES; lane++) {
      rhm_leaf_states(k->u, T, b, some, l.planes, V, lane, l.truth, l.e, state);
      rhm_state_logits(&law, some, V, b, state, lane, logit);
    }
    for (int leaf = 0; leaf < some; leaf++) rhm_likelihood(V, logit + leaf * WIDTH);
    for (int i = 0; i < some * WIDTH; i++) worst = fmax(worst, fabs(logit[i] - l.likelihood[i]));
    ck_assert_msg(worst < 1e-12, "likelihoods differ by %g", worst);
  }
  free(state);
  free(logit);
  leaves_free(&l);
}

START_TEST(test_states_have_the_likelihoods_of_the_experiment)
{
  with_process("-process_type passive", 0.3, check_states);
  with_process("-process_tau 2 -process_tp 0.001", 0.5, check_states);
  with_process("-process_type cld", 0.1, check_states);
}
END_TEST

/* Second moments of the states against the kernel, whose covariance the factors do not use: N = 96,000 */
static void check_moments(Process process, const LinearSde *sde, const Kernel *k)
{
  const int b = k->b, N                                     = LEAVES * V;
  double    T[AD_BMAX * RHM_PLANES], sum[AD_BMAX * AD_BMAX] = {0}, *state;
  Leaves    l = leaves_of(b);

  state = malloc(sizeof(double) * (size_t)(N * b));
  rhm_factors(sde, k, T);
  rhm_leaf_states(k->u, T, b, LEAVES, l.planes, V, 0, l.truth, l.e, state);
  for (int i = 0; i < N; i++)
    for (int p = 0; p < b; p++)
      for (int q = 0; q < b; q++) {
        const int one = l.truth[i / V * RHM_LANES] == i % V;

        sum[p * b + q] += (state[i * b + p] - one * k->u[p]) * (state[i * b + q] - one * k->u[q]) / N;
      }
  for (int p = 0; p < b; p++)
    for (int q = 0; q < b; q++) {
      const double C = k->Cb[p * b + q], error = sqrt((C * C + k->Cb[p * b + p] * k->Cb[q * b + q]) / N);

      ck_assert_msg(fabs(sum[p * b + q] - C) < 4.5 * error, "covariance %d %d is %g, expected %g +- %g", p, q,
                    sum[p * b + q], C, error);
    }
  free(state);
  leaves_free(&l);
}

START_TEST(test_states_have_the_law_of_the_process)
{
  with_process("-process_tau 2 -process_tp 0.001", 0.5, check_moments);
  with_process("-process_type cld", 0.1, check_moments);
}
END_TEST

/* ---- statistics ---- */

START_TEST(test_half_is_found_between_points)
{
  const double x[5] = {0, 1, 2, 3, 4};
  double       work[10];

  ck_assert_double_eq_tol(rhm_half(5, x, (double[]){1, 0.9, 0.7, 0.3, 0}, work), 2.5, 1e-15);
  ck_assert_double_eq_tol(rhm_half(5, x, (double[]){1, 0.8, 0.4, 0.1, 0}, work), 1.75, 1e-15);
  ck_assert_double_eq_tol(rhm_half(5, x, (double[]){1, 0.5, 0.5, 0.5, 0}, work), 2, 1e-15); /* the middle */
  ck_assert_double_eq_tol(rhm_half(5, x, (double[]){1, 0.9, 0.5, 0.1, 0}, work), 2, 1e-15);
  ck_assert_double_eq_tol(rhm_half(5, x, (double[]){1, 0.4, 0.8, 0.2, 0}, work), 2.25, 1e-15); /* 0.6, 0.6 */
  ck_assert_double_eq_tol(rhm_half(5, x, (double[]){1, 0.3, 0.7, 0.2, 0}, work), 1.5, 1e-15);  /* 0.5, 0.5 */
  ck_assert(isnan(rhm_half(5, x, (double[]){1, 0.9, 0.8, 0.7, 0.6}, work)));
  ck_assert(isnan(rhm_half(5, x, (double[]){0.4, 0.3, 0.2, 0.1, 0}, work)));
  ck_assert(isnan(rhm_half(1, x, (double[]){0.5}, work)));
}
END_TEST

/* Straight lines 0.5 + s - x/10 cross 1/2 at 10 s: the jackknife of a mean is its standard error */
START_TEST(test_jackknife_of_straight_lines_is_the_standard_error)
{
  enum { N = 6, P = 9 };
  const double shift[N] = {0.11, 0.42, 0.26, 0.37, 0.33, 0.29};
  double       weight[N], x[P], curve[N * P], work[3 * P], half, err, mean, stderr_mean;

  for (int k = 0; k < P; k++) x[k] = k;
  for (int i = 0; i < N; i++) {
    weight[i] = 16;
    for (int k = 0; k < P; k++) curve[i * P + k] = 0.5 + shift[i] - 0.1 * x[k];
  }
  rhm_half_jackknife(N, weight, P, x, curve, work, &half, &err);
  rhm_mean(N, weight, shift, &mean, &stderr_mean);
  ck_assert_double_eq_tol(half, 10 * mean, 1e-12);
  ck_assert_double_eq_tol(err, 10 * stderr_mean, 1e-12);
  rhm_half_jackknife(1, weight, P, x, curve, work, &half, &err);
  ck_assert_double_eq_tol(half, 1.1, 1e-12);
  ck_assert(isnan(err));
}
END_TEST

START_TEST(test_groups_count_by_their_trees)
{
  double mean, err, t;

  rhm_mean(3, (double[]){8, 8, 4}, (double[]){0.5, 0.25, 1}, &mean, &err);
  ck_assert_double_eq_tol(mean, 0.5, 1e-15);
  ck_assert_double_eq_tol(err, sqrt((4.0 + 4.0) * 1.5) / 20, 1e-15);
  ck_assert_double_eq_tol(rhm_calibration(4, (double[]){1, 1, 1, 1}, (double[]){0.1, -0.1, 0.2, -0.2}, &t), 1,
                          1e-12);
  ck_assert(fabs(t) < 1e-12);
  ck_assert(rhm_calibration(4, (double[]){1, 1, 1, 1}, (double[]){0.1, 0.11, 0.12, 0.11}, &t) < 0.001);
  ck_assert_double_eq_tol(t, 0.11 / (0.01 * sqrt(2.0 / 3) / 2), 1e-9);
}
END_TEST

Suite *rhm_leaves_suite(void)
{
  Suite *suite = suite_create("rhm_leaves");
  TCase *tc    = tcase_create("leaves");

  tcase_add_test(tc, test_right_readers_know_their_noise_for_every_process);
  tcase_add_test(tc, test_weights_are_those_of_bayes);
  tcase_add_test(tc, test_passive_controls_share_temperature_and_variance);
  tcase_add_test(tc, test_normals_go_by_tree_leaf_and_symbol);
  tcase_add_test(tc, test_single_leaf_is_calibrated_unless_read_as_printed);
  tcase_add_test(tc, test_states_have_the_likelihoods_of_the_experiment);
  tcase_add_test(tc, test_states_have_the_law_of_the_process);
  tcase_add_test(tc, test_half_is_found_between_points);
  tcase_add_test(tc, test_jackknife_of_straight_lines_is_the_standard_error);
  tcase_add_test(tc, test_groups_count_by_their_trees);
  suite_add_tcase(suite, tc);
  return suite;
}
