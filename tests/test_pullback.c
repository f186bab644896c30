/*
  Derivatives of scores against differences of the scores themselves, for every process, kind and form
*/
#include "score_case.h"

Suite *pullback_suite(void);

static const char *const scores[] = {"",
                                     NET "-score_kind reduced ",
                                     NET "-score_kind joint -score_form whitened ",
                                     NET "-score_kind joint -score_form mixed ",
                                     NET "-score_kind joint -score_form mixed_paper ",
                                     NET "-score_kind joint -score_form score ",
                                     NET "-score_kind joint -score_form clock "};
enum { SCORES = 7, N = 70, D = 2, WIDE = 3 * D }; /* more rows than one block of a net */

static PetscErrorCode make_plane(const char *process, const char *score, Case *c)
{
  PetscFunctionBegin;
  PetscCall(make(process, PLANE, score, c));
  if (score[0]) {
    Net net;
    PetscCall(ScoreGetNet(c->score, &net));
    PetscCall(NetInitialise(net, 3));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Noised rows X[N][b*d] and unit normal weights V[N][d] */
static void draw_both(const Case *c, const Kernel *k, double *X, double *V)
{
  double x0[N * D];

  draw(c, k, N, x0, X);
  rng_normal_double((RngStream){5, RNG_PROBE, 0}, 0, N, D, V);
}

/* Four-point differences of V.x0hat along every component; single precision asks for longer steps */
START_TEST(test_pullback_is_the_derivative_of_the_posterior_mean)
{
  static const double at[4] = {-2, -1, 1, 2}, factor[4] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};
  const int           exact = _i % SCORES == 0;
  double              X[N * WIDE], V[N * D], P[N * WIDE], moved[N * WIDE], x0hat[N * D];
  Case                c;
  Kernel              k;

  ck_call(make_plane(processes[_i / SCORES], scores[_i % SCORES], &c));
  for (int t = 0; t < TIMES; t++) {
    const int wide  = c.b * D;
    double    worst = 0, rounding = 0, slope[N * WIDE] = {0}, unit[WIDE];

    ck_call(ProcessGetKernel(c.process, times[t], &k));
    draw_both(&c, &k, X, V);
    ck_call(ScorePullback(c.score, &k, N, X, V, NULL, P));
    for (int i = 0; i < wide; i++) {
      unit[i] = spread(&k, i / D);
      for (int m = 0; m < 4; m++) {
        const double h = (exact ? 3e-3 : 5e-2) * unit[i];
        memcpy(moved, X, sizeof(X));
        for (int r = 0; r < N; r++) moved[r * wide + i] += at[m] * h;
        ck_call(ScoreDenoise(c.score, &k, N, moved, x0hat));
        for (int r = 0; r < N; r++)
          for (int j = 0; j < D; j++) slope[r * wide + i] += V[r * D + j] * factor[m] * x0hat[r * D + j] / h;
      }
    }
    for (int i = 0; i < N * wide; i++) /* in units of the change of z in one such length */
      worst = fmax(worst, fabs(P[i] - slope[i]) * unit[i % wide] /
                              (k.sigma + fabs(k.l[i % wide / D]) * unit[i % wide]));
    for (int i = 0; i < N * wide;
         i++) /* z = l.X cancels where sigma is small: differences lose these digits */
      rounding = fmax(rounding, 1e-13 * fabs(k.l[i % wide / D] * X[i]) / k.sigma);
    ck_assert_msg(worst < (exact ? 1e-9 + rounding : 2e-4), "t %g: worst error %g", times[t], worst);
  }
  drop(&c);
}
END_TEST

/* d x0hat/dX_a = l_a Cov(x0 | z)/sigma2 */
START_TEST(test_exact_jacobian_is_symmetric_and_positive)
{
  double X[N * WIDE], V[N * D], P[D][N * WIDE], scale = 0, worst = 0;
  int    positive = 1;
  Case   c;
  Kernel k;

  ck_call(make_plane(processes[_i], scores[0], &c));
  ck_call(ProcessGetKernel(c.process, 0.3, &k));
  draw_both(&c, &k, X, V);
  for (int j = 0; j < D; j++) {
    for (int i = 0; i < N * D; i++) V[i] = i % D == j;
    ck_call(ScorePullback(c.score, &k, N, X, V, NULL, P[j]));
  }
  for (int r = 0; r < N; r++)
    for (int a = 0; a < c.b; a++) {
      const int    at  = (r * c.b + a) * D;
      const double det = P[0][at] * P[1][at + 1] - P[0][at + 1] * P[1][at];

      scale = fmax(scale, fabs(P[0][at + 1]));
      worst = fmax(worst, fabs(P[0][at + 1] - P[1][at]));
      if (k.l[a] != 0) positive = positive && P[0][at] / k.l[a] > 0 && det > 0;
    }
  ck_assert_msg(scale > 1e-3 && worst < 1e-13 * scale && positive, "asymmetry %g of %g", worst, scale);
  drop(&c);
}
END_TEST

START_TEST(test_pullback_rows_and_posterior_mean_have_the_same_bits)
{
  double  X[N * WIDE], V[N * D], P[N * WIDE], x0hat[N * D], alone[WIDE], mean[N * D];
  int64_t rows;
  Case    c;
  Kernel  k;

  ck_call(make_plane(processes[_i / SCORES], scores[_i % SCORES], &c));
  ck_call(ProcessGetKernel(c.process, 0.3, &k));
  draw_both(&c, &k, X, V);
  ck_call(ScorePullback(c.score, &k, N, X, V, x0hat, P));
  ck_call(ScoreDenoise(c.score, &k, N, X, mean));
  ck_assert_mem_eq(mean, x0hat, sizeof(mean));
  for (int r = 0; r < N; r += 23) {
    ck_call(ScorePullback(c.score, &k, 1, X + r * c.b * D, V + r * D, NULL, alone));
    ck_assert_mem_eq(alone, P + r * c.b * D, sizeof(double) * (size_t)(c.b * D));
  }
  ck_call(ScoreGetEvaluations(c.score, &rows));
  ck_assert_int_eq(rows, 2 * N + 4);
  drop(&c);
}
END_TEST

/* No digits are lost where peaks are far apart or noise is tiny: one peak, then, whose Jacobian is h/(h + sigma2) */
START_TEST(test_pullback_keeps_its_digits)
{
  static const double weight[2] = {0.5, 0.5}, mean[2] = {-1000, 1000}, var[2] = {0.01, 0.01};
  static const double sigma2[] = {1e-18, 1e-6, 1, 1e4, 1e30};
  const MixtureData   law      = {2, 1, weight, mean, var};
  double             *work     = malloc(sizeof(double) * mixture_workspace(&law));

  for (int s = 0; s < 5; s++) {
    const double z = 1000.05, V = 1;
    double       R[2], P, expected = var[0] / (var[0] + sigma2[s]);
    const double wide = 1e6 / (sigma2[s] + var[0]); /* two equal peaks: Var(x0 | z) adds 1e6 (1 - tanh^2) */

    mixture_posterior(&law, sigma2[s], 1, &z, R, work);
    mixture_pullback(&law, sigma2[s], 1, &z, R, &V, &P);
    ck_assert_double_eq_tol(R[0] + R[1], 1, 1e-15);
    expected += pow(1 - expected, 2) * wide * (1 + var[0] / sigma2[s]) /
                pow(cosh(1000 * z / (sigma2[s] + var[0])), 2);
    ck_assert_close(P, expected, 1e-9);
  }
  free(work);
}
END_TEST

Suite *pullback_suite(void)
{
  Suite *suite = suite_create("pullback");
  TCase *tests = tcase_create("pullback");

  tcase_add_loop_test(tests, test_pullback_is_the_derivative_of_the_posterior_mean, 0, PROCESSES * SCORES);
  tcase_add_loop_test(tests, test_exact_jacobian_is_symmetric_and_positive, 0, PROCESSES);
  tcase_add_loop_test(tests, test_pullback_rows_and_posterior_mean_have_the_same_bits, 0, PROCESSES * SCORES);
  tcase_add_test(tests, test_pullback_keeps_its_digits);
  suite_add_tcase(suite, tests);
  return suite;
}
