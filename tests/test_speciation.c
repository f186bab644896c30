/*
  Speciation times: against 40-digit roots, limits, the equations that define them, and the curvature of the exact density
*/
#include "kernel_case.h"
#include "admixture.h"
#include "adprocess.h"
#include "adspeciation.h"
#include <stdlib.h>

Suite *speciation_suite(void);

/* Written by tests/reference/speciation_reference.py */
static const struct {
  double k, tau, tp, ta, lambda, x_alone, joint, passive, equivalent;
} reference[] = {
    {1, 0.5, 0, 1, 257, 2.9810159597173102, 3.1837369302366926, 2.7764797924608087, 2.9785659340137383},
    {1, 2, 0, 1, 257, 3.3355105378149932, 3.8831659414065068, 2.7764797924608087, 3.3244922750123881},
    {1.3, 0.7, 0.05, 0.9, 4.3, 1.0139115078092818, 1.2222832177453381, 0.75985501783608651,
     0.94682201390736307},
    {0.4, 3, 0.2, 1.7, 0.02, 0.046089907448174542, 0.048990209552225342, 0.0058685553802596555,
     0.010238329762028803},
    {4, 0.15, 0.001, 6.4, 1000, 0.86389988425699053, 0.92262902681198987, 0.80491879638751232,
     0.86356313253877897},
};

START_TEST(test_roots_match_forty_digits)
{
  const LinearSde sde = active_sde(reference[_i].k, reference[_i].tau, reference[_i].tp, reference[_i].ta);
  SpeciationTimes t;

  ck_assert_int_eq(speciation_times(&sde, reference[_i].lambda, 0, &t), KERNEL_OK);
  ck_assert_close(t.x_alone, reference[_i].x_alone, 1e-13);
  ck_assert_close(t.joint, reference[_i].joint, 1e-13);
  ck_assert_close(t.passive, reference[_i].passive, 1e-14);
  ck_assert_close(t.equivalent_passive, reference[_i].equivalent, 1e-14);
  ck_assert(t.active_x == t.x_alone && t.active_joint == t.joint);
}
END_TEST

START_TEST(test_asymptotes_are_their_formulas_and_are_approached)
{
  const double    k = 1.3, tau = 2.5, tp = 0.05, ta = 0.9, c = 1 + k * tau;
  const LinearSde sde = active_sde(k, tau, tp, ta);
  SpeciationTimes far, t[2];

  speciation_asymptotes(&sde, 50, 0, &far);
  ck_assert_close(far.passive, log(50 * k / ta) / (2 * k), 1e-14);
  ck_assert_close(far.active_x, log(50 / (tp / k + ta / (k * c))) / (2 * k), 1e-14);
  ck_assert_close(far.active_joint, log(50 / (tp / k + ta / (k * c * c))) / (2 * k), 1e-14);
  ck_assert_close(far.equivalent_passive, far.active_x, 1e-15);
  for (int i = 0; i < 2; i++) {
    const double lambda = i ? 1e8 : 1e4;

    ck_assert_int_eq(speciation_times(&sde, lambda, 0, &t[i]), KERNEL_OK);
    speciation_asymptotes(&sde, lambda, 0, &far);
    t[i].passive -= far.passive;
    t[i].x_alone -= far.x_alone;
    t[i].joint -= far.joint;
  }
  ck_assert_close(log(t[0].passive / t[1].passive) / log(1e4), 1, 0.01);
  /* the slowest term left is e^{-(k + 1/tau) t}, and Lambda ~ e^{2 k t} */
  ck_assert_close(log(t[0].x_alone / t[1].x_alone) / log(1e4), (k + 1 / tau) / (2 * k), 0.02);
  ck_assert_close(log(t[0].joint / t[1].joint) / log(1e4), (k + 1 / tau) / (2 * k), 0.02);
}
END_TEST

START_TEST(test_without_memory_active_noise_is_passive)
{
  double gap[2][2];

  for (int i = 0; i < 2; i++) {
    const LinearSde sde = active_sde(1.3, i ? 1e-4 : 1e-3, 0, 0.9);
    SpeciationTimes t;

    ck_assert_int_eq(speciation_times(&sde, 3, 0, &t), KERNEL_OK);
    gap[0][i] = t.x_alone - t.passive;
    gap[1][i] = t.joint - t.passive;
  }
  for (int j = 0; j < 2; j++) {
    ck_assert(gap[j][0] > 0 && gap[j][0] < 2e-3);
    ck_assert_close(gap[j][0] / gap[j][1], 10, 0.01); /* first order in tau */
  }
}
END_TEST

START_TEST(test_small_lambda_follows_the_first_noise_to_arrive)
{
  const double    tau = 0.7, ta = 0.9, lambda = 1e-18;
  const LinearSde without = active_sde(1.3, tau, 0, ta), with = active_sde(1.3, tau, 0.05, ta);
  SpeciationTimes t;

  ck_assert_int_eq(speciation_times(&without, lambda, 0, &t), KERNEL_OK);
  ck_assert_close(t.x_alone, sqrt(lambda * tau / ta), 1e-8);           /* eta0 t */
  ck_assert_close(t.joint, cbrt(1.5 * tau * tau * lambda / ta), 1e-5); /* its changes */
  ck_assert_int_eq(speciation_times(&with, lambda, 0, &t), KERNEL_OK);
  ck_assert_close(t.x_alone, lambda / (2 * 0.05), 1e-14);
  ck_assert_close(t.joint, lambda / (2 * 0.05), 1e-14);
}
END_TEST

/* ---- any process ---- */

static const char *const processes[] = {
    "-process_type passive -process_k 1.3 -process_tp 0.8",
    "-process_type active -process_k 1.3 -process_tau 0.7 -process_tp 0.2 -process_ta 0.9",
    "-process_type active -process_k 0.2 -process_tau 5 -process_rate 3 -process_scale 0.1",
    "-process_type active -process_k 1 -process_tau 1 -process_v0 0",
    "-process_type cld",
    "-process_type cld -process_friction 6",
    "-process_type cld -process_friction 0.1",
    "-process_type general -process_m -1,1,0,0,-2,1,0,-1,-3 -process_g 0,0,0,0,0,0,0,0,1.5 -process_cov0 "
    "0.3,0.1,0.1,0.4",
};
enum { PROCESSES = sizeof(processes) / sizeof(processes[0]) };

static LinearSde make(const char *options)
{
  Process          process;
  const LinearSde *sde;
  LinearSde        copy;

  ck_call(PetscOptionsClear(NULL));
  ck_call(PetscOptionsInsertString(NULL, options));
  ck_call(ProcessCreate(&process));
  ck_call(ProcessSetFromOptions(process));
  ck_call(PetscOptionsClear(NULL));
  ck_call(ProcessSetUp(process));
  ck_call(ProcessGetSde(process, &sde));
  copy = *sde;
  ck_call(ProcessDestroy(&process));
  return copy;
}

/* Noise over signal of x alone; infinite from the first zero of u_x on */
static double ratio(const LinearSde *sde, double t)
{
  Kernel k;

  (void)kernel_compute(sde, t, &k);
  return k.u[0] > 0 ? k.Cb[0] / (k.u[0] * k.u[0]) : INFINITY;
}

START_TEST(test_roots_solve_their_equations_and_come_first)
{
  const LinearSde sde = make(processes[_i]);

  for (double lambda = 1e-3; lambda < 1e5; lambda *= 97) {
    SpeciationTimes t;
    Kernel          k;

    ck_assert_int_eq(speciation_times(&sde, lambda, 0, &t), KERNEL_OK);
    ck_assert_int_eq(kernel_compute(&sde, t.joint, &k), KERNEL_OK);
    ck_assert_close(k.sigma2, lambda, 1e-12);
    ck_assert(t.x_alone <= t.joint);
    ck_assert(ratio(&sde, t.x_alone * (1 - 1e-9)) < lambda && ratio(&sde, t.x_alone * (1 + 1e-9)) > lambda);
    for (int i = 1; i < 50; i++) ck_assert(ratio(&sde, i * t.x_alone / 50) < lambda);
    ck_assert_int_eq(kernel_compute(&sde, t.x_alone, &k), KERNEL_OK);
    ck_assert_close(t.clock_x, k.sigma2 / lambda, 1e-14);
    ck_assert(t.clock_x <= 1 + 1e-12);
  }
}
END_TEST

START_TEST(test_rate_and_scale_change_the_units_of_time_and_lambda)
{
  const LinearSde plain  = make("-process_tau 0.7 -process_tp 0.2"),
                  scaled = make("-process_tau 0.7 -process_tp 0.2 -process_rate 5 -process_scale 3");
  SpeciationTimes a, b;

  ck_assert_int_eq(speciation_times(&plain, 7, 0, &a), KERNEL_OK);
  ck_assert_int_eq(speciation_times(&scaled, 21, 0, &b), KERNEL_OK);
  for (int i = 0; i < 6; i++) ck_assert_close(((double *)&b)[i], ((double *)&a)[i] / 5, 1e-13);
  ck_assert_close(b.clock_x, a.clock_x, 1e-12);
}
END_TEST

START_TEST(test_the_whole_range_of_lambda_has_times)
{
  const LinearSde sde = make(processes[_i]);

  for (double lambda = SPECIATION_LAMBDA_MIN; lambda < 1.01 * SPECIATION_LAMBDA_MAX; lambda *= 1e50) {
    SpeciationTimes t;

    ck_assert_int_eq(speciation_times(&sde, lambda, 0, &t), KERNEL_OK);
    ck_assert(t.x_alone > 0 && t.x_alone <= t.joint * (1 + 1e-13) && isfinite(t.joint));
  }
}
END_TEST

START_TEST(test_questions_without_sense_have_no_times)
{
  const LinearSde cld = make("-process_type cld"), growing = {.b = 1, .M = {1}, .Q = {4}};
  SpeciationTimes t;

  ck_assert_int_eq(speciation_times(&cld, 7, 0, &t), KERNEL_OK);
  ck_assert(isnan(t.passive) && isnan(t.equivalent_passive) && isnan(t.active_x) && isnan(t.active_joint));
  speciation_asymptotes(&cld, 7, 0, &t);
  ck_assert(isnan(t.joint) && isnan(t.x_alone) && isnan(t.clock_x));
  /* dx = x dt + 2 dW: sigma2 = 2 (1 - e^{-2t}) never gets to 2 */
  ck_assert_int_eq(speciation_times(&growing, 2.1, 0, &t), KERNEL_OK);
  ck_assert(t.joint == INFINITY && t.x_alone == INFINITY && isnan(t.passive) && isnan(t.clock_x));
  ck_assert_int_eq(speciation_times(&growing, 1.9, 0, &t), KERNEL_OK);
  ck_assert_close(t.joint, log(20) / 2, 1e-12);
}
END_TEST

/* ---- the density itself ---- */

/* Largest eigenvalue of the Hessian of log P(x, eta) at 0 for two clusters: l l' s' - R, s' the slope of the score of z */
static double curvature(const LinearSde *sde, const MixtureData *mix, double t)
{
  const double h    = 1e-4;
  double      *work = malloc(sizeof(double) * mixture_workspace(mix)), z[2] = {-h, h}, sz[2], H[4], slope;
  Kernel       k;

  (void)kernel_compute(sde, t, &k);
  mixture_score(mix, k.sigma2, 2, z, sz, NULL, NULL, work);
  free(work);
  slope = (sz[1] - sz[0]) / (2 * h);
  for (int i = 0; i < 4; i++) H[i] = k.l[i / 2] * k.l[i % 2] * slope - k.R[i];
  return (H[0] + H[3]) / 2 + hypot((H[0] - H[3]) / 2, H[1]);
}

START_TEST(test_joint_time_is_where_the_density_of_x_and_eta_splits)
{
  const double      weight[] = {0.5, 0.5}, mean[] = {-2, 2}, var[] = {0.3, 0.3};
  const MixtureData mix = {2, 1, weight, mean, var};
  const LinearSde   sde = active_sde(1.3, 0.7, 0.05, 0.9);
  SpeciationTimes   t;

  /* clusters +-m of variance s^2 split exactly at sigma2 = m^2 - s^2 = Lambda - 2 s^2 */
  ck_assert_int_eq(speciation_times(&sde, 4.3 - 0.6, 0, &t), KERNEL_OK);
  ck_assert_close(t.joint, 1.17451845, 5e-9);
  ck_assert_close(t.x_alone, 0.96731, 5e-6);
  ck_assert(curvature(&sde, &mix, t.joint * (1 - 1e-4)) > 0 &&
            curvature(&sde, &mix, t.joint * (1 + 1e-4)) < 0);
}
END_TEST

Suite *speciation_suite(void)
{
  Suite *s = suite_create("speciation");
  TCase *c = tcase_create("times");

  tcase_add_loop_test(c, test_roots_match_forty_digits, 0, sizeof(reference) / sizeof(reference[0]));
  tcase_add_test(c, test_asymptotes_are_their_formulas_and_are_approached);
  tcase_add_test(c, test_without_memory_active_noise_is_passive);
  tcase_add_test(c, test_small_lambda_follows_the_first_noise_to_arrive);
  tcase_add_loop_test(c, test_roots_solve_their_equations_and_come_first, 0, PROCESSES);
  tcase_add_test(c, test_rate_and_scale_change_the_units_of_time_and_lambda);
  tcase_add_loop_test(c, test_the_whole_range_of_lambda_has_times, 0, PROCESSES);
  tcase_add_test(c, test_questions_without_sense_have_no_times);
  tcase_add_test(c, test_joint_time_is_where_the_density_of_x_and_eta_splits);
  suite_add_tcase(s, c);
  return s;
}
