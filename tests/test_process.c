#include "ad_check.h"
#include "refusal.h"
#include "adprocess.h"
#include <stdlib.h>
#include <string.h>

/* A process made from a string of options. */
static PetscErrorCode make(const char *options, Process *process)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(ProcessCreate(process));
  PetscCall(ProcessSetFromOptions(*process));
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(ProcessSetUp(*process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const cases[] = {
    "-process_type passive -process_k 1.3 -process_tp 0.8",
    "-process_type active -process_k 1.3 -process_tau 0.7 -process_tp 0.2 -process_ta 0.9",
    "-process_type active -process_k 1 -process_tau 1 -process_v0 0",
    "-process_type cld",
    "-process_type general -process_m -1,1,0,0,-2,1,0,-1,-3 -process_g 0,0,0,0,0,0,0,0,1.5 -process_cov0 "
    "0.3,0.1,0.1,0.4",
};

START_TEST(test_rate_is_a_change_of_the_unit_of_time)
{
  char    options[256];
  Process slow, fast;
  Kernel  a, b;

  snprintf(options, sizeof(options), "%s -process_rate 1", cases[_i]);
  ck_call(make(options, &slow));
  snprintf(options, sizeof(options), "%s -process_rate 4", cases[_i]);
  ck_call(make(options, &fast));
  ck_call(ProcessGetKernel(slow, 0.8, &a));
  ck_call(ProcessGetKernel(fast, 0.2, &b));
  ck_assert_close(b.sigma2, a.sigma2, 1e-14);
  for (int i = 0; i < a.b * a.b; i++) ck_assert_double_eq_tol(b.Cb[i], a.Cb[i], 1e-15 * (1 + fabs(a.Cb[i])));
  ck_call(ProcessDestroy(&slow));
  ck_call(ProcessDestroy(&fast));
}
END_TEST

START_TEST(test_general_reproduces_active)
{
  Process active, general;
  Kernel  a, g;

  ck_call(make(cases[1], &active));
  ck_call(make("-process_type general -process_m -1.3,1,0,-1.4285714285714286 -process_g "
               "0.63245553203367588,0,0,1.9166296949998198 -process_cov0 1.2857142857142858",
               &general));
  ck_call(ProcessGetKernel(active, 0.6, &a));
  ck_call(ProcessGetKernel(general, 0.6, &g));
  ck_assert_close(g.sigma2, a.sigma2, 1e-14);
  ck_assert_close(g.sigma2, 0.863364293272921, 1e-13);
  ck_assert_close(g.Cb[1], a.Cb[1], 1e-14);
  ck_call(ProcessDestroy(&active));
  ck_call(ProcessDestroy(&general));
}
END_TEST

/* Mean and covariance of noised states of one x0, against the kernel, in units of their standard errors. */
START_TEST(test_noised_states_have_the_kernels_moments)
{
  const int64_t N = 40000;
  Process       process;
  Kernel        k;
  double       *x0 = malloc(sizeof(double) * (size_t)N), *X, worst = 0;

  ck_call(make(cases[_i], &process));
  ck_call(ProcessGetKernel(process, 0.7, &k));
  X = malloc(sizeof(double) * (size_t)(N * k.b));
  for (int64_t i = 0; i < N; i++) x0[i] = 1.25;
  ck_call(ProcessNoise(process, &k, 1, (RngStream){3, RNG_NOISE, 0}, 0, N, x0, X));
  for (int a = 0; a < k.b; a++)
    for (int c = 0; c <= a; c++) {
      double mean = 0, product = 0, Caa = k.Cb[a * k.b + a], Ccc = k.Cb[c * k.b + c], Cac = k.Cb[a * k.b + c];
      for (int64_t i = 0; i < N; i++) {
        double da = X[i * k.b + a] - k.u[a] * 1.25, dc = X[i * k.b + c] - k.u[c] * 1.25;
        mean += da / (double)N;
        product += da * dc / (double)N;
      }
      worst = fmax(worst, fabs(mean) / sqrt(Caa / (double)N));
      worst = fmax(worst, fabs(product - Cac) / sqrt((Caa * Ccc + Cac * Cac) / (double)N));
    }
  ck_assert_msg(worst < 5, "%g standard errors off", worst);
  free(X);
  free(x0);
  ck_call(ProcessDestroy(&process));
}
END_TEST

START_TEST(test_noise_of_a_row_does_not_depend_on_the_call)
{
  Process process;
  Kernel  k;
  double  x0[10 * 3], whole[10 * 6], part[4 * 6];

  ck_call(make(cases[1], &process));
  ck_call(ProcessGetKernel(process, 0.7, &k));
  for (int i = 0; i < 30; i++) x0[i] = 0.1 * i;
  ck_call(ProcessNoise(process, &k, 3, (RngStream){3, RNG_NOISE, 5}, 100, 10, x0, whole));
  ck_call(ProcessNoise(process, &k, 3, (RngStream){3, RNG_NOISE, 5}, 105, 4, x0 + 15, part));
  ck_assert(!memcmp(part, whole + 30, sizeof(part)));
  ck_call(ProcessDestroy(&process));
}
END_TEST

START_TEST(test_time_of_sigma_inverts_the_clock)
{
  Process process;
  Kernel  k;
  double  t;

  ck_call(make(cases[_i], &process));
  for (double wanted = 0.02; wanted < 0.2; wanted *= 1.9) {
    ck_call(ProcessGetTimeOfSigma(process, wanted, &t));
    ck_call(ProcessGetKernel(process, t, &k));
    ck_assert_close(k.sigma, wanted, 1e-12);
  }
  ck_call(ProcessDestroy(&process));
}
END_TEST

START_TEST(test_senseless_processes_are_input_errors)
{
  static const char *const bad[]   = {"-process_tau -1",
                                      "-process_type active -process_ta 0",
                                      "-process_type general",
                                      "-process_type general -process_m 1,2,3 -process_g 1,2,3",
                                      "-process_type general -process_m -1,0,0,-1 -process_g 0,0,0,1 "
                                        "-process_cov0 1", /* no noise reaches x */
                                      "-process_type general -process_m -1,1,0,-1 -process_g 0,0,0,1 "
                                        "-process_cov0 -1", /* negative variance */
                                      "-process_type general -process_m -1,1,0,-1 -process_g 0,0,0,1 "
                                        "-process_cov0 1,2", /* wrong count */
                                      "-process_t_final 2000",
                                      "-process_type nonsense"};
  Process                  process = NULL;
  PetscErrorCode           code;

  QUIET(code, make(bad[_i], &process));
  ck_assert_msg(code == AD_ERR_INPUT, "'%s' was accepted", bad[_i]);
  PetscOptionsClear(NULL);
  ck_call(ProcessDestroy(&process));
}
END_TEST

Suite *process_suite(void)
{
  Suite *suite = suite_create("process");
  TCase *tc    = tcase_create("process");

  tcase_add_loop_test(tc, test_rate_is_a_change_of_the_unit_of_time, 0, 5);
  tcase_add_test(tc, test_general_reproduces_active);
  tcase_add_loop_test(tc, test_noised_states_have_the_kernels_moments, 0, 5);
  tcase_add_test(tc, test_noise_of_a_row_does_not_depend_on_the_call);
  tcase_add_loop_test(tc, test_time_of_sigma_inverts_the_clock, 0, 5);
  tcase_add_loop_test(tc, test_senseless_processes_are_input_errors, 0, 9);
  suite_add_tcase(suite, tc);
  return suite;
}
