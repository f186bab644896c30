/*
  Forms of joint nets beside whitened and mixed (in test_score.c), and what their errors count in training
*/
#include "score_case.h"

Suite *forms_suite(void);

#define FILE_NAME "build/test_forms.h5"
#define JOINT     NET "-score_kind joint -score_form "

static const char *const nets[]  = {JOINT "mixed_paper ", JOINT "score ", JOINT "clock ",
                                    JOINT "whitened ",    JOINT "mixed ", NET "-score_kind reduced "};
static const ScoreForm   forms[] = {SCORE_MIXED_PAPER, SCORE_PLAIN, SCORE_CLOCK,
                                    SCORE_WHITENED,    SCORE_MIXED, SCORE_PRECONDITIONED};
enum { NEW_NETS = 3, NETS = 6 };

/* What the outputs of the net under test mean */
static ScoreNetMap map_of(const Case *c, int net)
{
  const Coordinates *data;
  int                n, component[AD_BMAX], q;

  ck_call(ScoreGetCoordinates(c->score, &data));
  ck_call(ProcessGetNoised(c->process, &n, component));
  ck_call(ScoreGetComponents(c->score, &q));
  ck_assert_int_eq(q, n > 1 && forms[net] != SCORE_CLOCK && net < NETS - 1 ? c->b : 1);
  return (ScoreNetMap){.kind     = net < NETS - 1 ? SCORE_JOINT : SCORE_REDUCED,
                       .form     = forms[net],
                       .b        = c->b,
                       .d        = c->d,
                       .q        = q,
                       .noised   = component[0],
                       .mean     = data->mean,
                       .variance = (data->variance[0] + data->variance[1]) / 2};
}

/* ---- forms ---- */

START_TEST(test_a_net_that_meets_its_target_is_the_exact_score)
{
  enum { N = 40 };
  double x0[N * 2], X[N * 6], S[N * 6], exact[N * 2];
  Case   learned, truth;
  Kernel k;

  ck_call(make(processes[_i / NEW_NETS], PLANE, nets[_i % NEW_NETS], &learned));
  ck_call(make(processes[_i / NEW_NETS], PLANE, "", &truth));
  for (int t = 0; t < TIMES; t++) {
    const ScoreNetMap map = map_of(&learned, _i % NEW_NETS);
    const int         d = map.d, b = map.b;
    double            error = 0, mean_error = 0;
    ScoreNetLaw       law;

    ck_call(ProcessGetKernel(truth.process, times[t], &k));
    draw(&truth, &k, N, x0, X);
    ck_call(ScoreEvaluate(truth.score, &k, N, X, S, NULL));
    ck_call(ScoreDenoise(truth.score, &k, N, X, exact));
    score_net_law(&map, &k, &law);
    for (int r = 0; r < N; r++) {
      double net[6], g[6], back[6], x0hat[2];
      score_net_target(&map, &law, &k, 1, X + r * b * d, S + r * b * d, net);
      score_net_response(&map, &law, &k, 1, X + r * b * d, net, g, x0hat);
      score_assemble(&k, d, map.q, 1, X + r * b * d, g, back);
      for (int i = 0; i < b * d; i++)
        error = fmax(error, fabs(back[i] - S[r * b * d + i]) * spread(&k, i / d));
      for (int i = 0; i < d; i++)
        mean_error = fmax(mean_error, fabs(x0hat[i] - exact[r * d + i]) / (1 + k.sigma));
    }
    ck_assert_msg(error < 1e-11 && mean_error < 1e-11, "t %g: score %g, mean %g", times[t], error,
                  mean_error);
  }
  drop(&learned);
  drop(&truth);
}
END_TEST

/* Targets of n noised rows whose scores are those given x0 */
static void targets_given_x0(Case *c, const Kernel *k, int n, double *x0, double *X, double *S, float *target)
{
  const Kernel *at[64];
  float         in[64 * 7];
  double        z[2], g[2];

  draw(c, k, n, x0, X);
  for (int r = 0; r < n; r++) {
    at[r] = k;
    score_project(k, c->d, 1, X + r * c->b * c->d, z);
    for (int i = 0; i < c->d; i++) g[i] = (x0[r * c->d + i] - z[i]) / k->sigma2;
    score_assemble(k, c->d, 1, 1, X + r * c->b * c->d, g, S + r * c->b * c->d);
  }
  ck_call(ScoreNetRows(c->score, n, at, X, S, in, target));
}

START_TEST(test_clock_form_learns_the_noise_of_z)
{
  enum { N = 50 };
  double x0[N * 2], X[N * 6], S[N * 6], z[N * 2], worst = 0;
  float  target[N * 2];
  Case   c;
  Kernel k;

  ck_call(make(processes[_i], PLANE, nets[2], &c));
  ck_call(ProcessGetKernel(c.process, 0.3, &k));
  targets_given_x0(&c, &k, N, x0, X, S, target);
  score_project(&k, c.d, N, X, z);
  for (int i = 0; i < N * c.d; i++) worst = fmax(worst, fabs(target[i] - (z[i] - x0[i]) / k.sigma));
  ck_assert_msg(worst < 2e-6, "worst error %g", worst); /* targets of a few units in single precision */
  drop(&c);
}
END_TEST

START_TEST(test_score_form_learns_the_scores_of_noised_variables)
{
  enum { N = 50 };
  double      x0[N * 2], X[N * 6], S[N * 6];
  float       target[N * 6];
  Case        c;
  Kernel      k;
  ScoreNetMap map;

  ck_call(make(processes[_i], PLANE, nets[1], &c));
  map = map_of(&c, 1);
  ck_call(ProcessGetKernel(c.process, 0.3, &k));
  targets_given_x0(&c, &k, N, x0, X, S, target);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < map.q * 2; i++)
      ck_assert_float_eq(target[r * map.q * 2 + i],
                         (float)S[r * c.b * 2 + (map.q == 1 ? map.noised * 2 : 0) + i]);
  drop(&c);
}
END_TEST

/* A35: s_eta = -eta/(Ta/tau) - ell net; what is left is -E_t s_x for any data, E_t = t E1(ct) (active noise, Tp = 0) */
START_TEST(test_mixed_paper_is_the_printed_mixed_score)
{
  enum { N = 50 };
  const double k0 = 1.3, tau = 0.7, ta = 0.9, t = 0.3, rate = k0 + 1 / tau;
  const double E = -expm1(-rate * t) / rate, s0 = ta / tau;
  double       x0[N * 2], X[N * 4], S[N * 4], ell;
  Case         c, truth;
  Kernel       k;
  ScoreNetLaw  law;
  ScoreNetMap  map;

  ck_call(make(processes[1], PLANE, nets[0], &c));
  ck_call(make(processes[1], PLANE, "", &truth));
  map = map_of(&c, 0);
  ck_call(ProcessGetKernel(c.process, t, &k));
  score_net_law(&map, &k, &law);
  draw(&truth, &k, N, x0, X);
  ck_call(ScoreEvaluate(truth.score, &k, N, X, S, NULL));
  ell = sqrt(k.Cb[0] / (k.Cb[0] * s0 - k.Cb[1] * k.Cb[1]));
  for (int r = 0; r < N; r++) {
    double net[2];
    score_net_target(&map, &law, &k, 1, X + r * 4, S + r * 4, net);
    for (int i = 0; i < 2; i++) {
      ck_assert_double_eq_tol(-X[r * 4 + 2 + i] / s0 - ell * net[i], S[r * 4 + 2 + i], 1e-11);
      ck_assert_double_eq_tol(ell * net[i], E * S[r * 4 + i], 1e-11);
    }
  }
  drop(&c);
  drop(&truth);
}
END_TEST

START_TEST(test_both_mixed_forms_are_one_where_x_is_alone)
{
  enum { N = 50 };
  double x0[N * 2], X[N * 2], S[2][N * 2], mean[2][N * 2];
  Case   c[2];
  Kernel k;

  for (int form = 0; form < 2; form++) {
    Net net;
    ck_call(make(processes[0], PLANE, nets[form ? 4 : 0], &c[form]));
    ck_call(ScoreGetNet(c[form].score, &net));
    ck_call(NetInitialise(net, 3));
    ck_call(ProcessGetKernel(c[form].process, 0.3, &k));
    draw(&c[0], &k, N, x0, X);
    ck_call(ScoreEvaluate(c[form].score, &k, N, X, S[form], NULL));
    ck_call(ScoreDenoise(c[form].score, &k, N, X, mean[form]));
  }
  for (int i = 0; i < N * 2; i++) {
    ck_assert_double_eq_tol(S[0][i], S[1][i], 1e-12);
    ck_assert_double_eq_tol(mean[0][i], mean[1][i], 1e-12);
  }
  for (int form = 0; form < 2; form++) drop(&c[form]);
}
END_TEST

START_TEST(test_file_gives_the_score_back)
{
  enum { N = 100 };
  double x0[N * 2], X[N * 6], a[N * 6], b[N * 6];
  Case   written, read;
  Kernel k;
  Net    net;
  Output out;

  ck_call(make(processes[_i / NEW_NETS], PLANE, nets[_i % NEW_NETS], &written));
  ck_call(ScoreGetNet(written.score, &net));
  ck_call(NetInitialise(net, 9));
  ck_call(OutputOpen(FILE_NAME, "test", &out));
  ck_call(ScoreWrite(written.score, out, NULL));
  ck_call(OutputClose(&out));
  ck_call(make(processes[_i / NEW_NETS], PLANE, "-score_file " FILE_NAME " -score_weights last", &read));
  ck_call(ProcessGetKernel(written.process, 0.4, &k));
  draw(&written, &k, N, x0, X);
  ck_call(ScoreEvaluate(written.score, &k, N, X, a, NULL));
  ck_call(ScoreEvaluate(read.score, &k, N, X, b, NULL));
  ck_assert_mem_eq(a, b, sizeof(double) * (size_t)(N * written.b * 2));
  drop(&read);
  drop(&written);
}
END_TEST

/* ---- weights ---- */

enum { WEIGHTS = 5 };

/* Inverse of a small positive matrix, by elimination */
static void invert(int b, const double *A, double *inverse)
{
  double work[AD_BMAX * AD_BMAX];

  memcpy(work, A, sizeof(double) * (size_t)(b * b));
  for (int i = 0; i < b * b; i++) inverse[i] = i % (b + 1) == 0;
  for (int i = 0; i < b; i++)
    for (int r = 0; r < b; r++) {
      const double pivot = work[i * b + i], factor = work[r * b + i] / pivot;
      for (int c = 0; c < b; c++) {
        work[r * b + c] = r == i ? work[r * b + c] / pivot : work[r * b + c] - factor * work[i * b + c];
        inverse[r * b + c] =
            r == i ? inverse[r * b + c] / pivot : inverse[r * b + c] - factor * inverse[i * b + c];
      }
    }
}

static double determinant(int b, const double *A)
{
  if (b == 1) return A[0];
  return A[0] * A[3] - A[1] * A[2]; /* det is tried with one and two variables */
}

/* The definition of a weighting: what error dS of the score of one coordinate counts, dz = u.dS */
static double defined_loss(ScoreWeight weight, const ScoreNetMap *map, const LinearSde *sde, const Kernel *k,
                           const double *dS)
{
  const int b = k->b, of_z = map->kind == SCORE_REDUCED || map->form == SCORE_CLOCK;
  double    P[9], dz = 0, energy = 0, whole = 0, loss = 0;

  invert(b, k->Cb, P);
  for (int a = 0; a < b; a++) {
    dz += k->u[a] * dS[a];
    for (int c = 0; c < b; c++) energy += 0.5 * dS[a] * sde->Q[a * b + c] * dS[c];
    for (int c = 0; c < b; c++) whole += dS[a] * k->Cb[a * b + c] * dS[c];
  }
  if (weight == WEIGHT_LIKELIHOOD) return energy; /* half the rate at which path KL divergence grows */
  if (weight == WEIGHT_WHITENED && map->kind == SCORE_REDUCED)
    return dz * dz * k->sigma2 * (map->variance + k->sigma2) / map->variance;
  if (of_z) return weight == WEIGHT_V1 ? energy * k->sigma2 : dz * dz * k->sigma2;
  if (weight == WEIGHT_WHITENED && map->q > 1) return whole;
  for (int a = 0; a < b; a++) {
    const double half = 0.5 * sde->Q[a * b + a], rate = sde->M[a * b + a], square = dS[a] * dS[a];
    if (map->q == 1 && a != map->noised) continue;
    if (weight == WEIGHT_DET)
      loss += square * determinant(b, k->C) * (b == 1 ? k->C[0] : a ? half / (rate * rate) : half);
    else
      loss += square * (weight == WEIGHT_V1 ? half : 1) / P[a * b + a];
  }
  return loss;
}

START_TEST(test_weighted_loss_is_the_same_for_all_forms)
{
  const int        process = _i / NETS, net = _i % NETS;
  const LinearSde *sde;
  Case             c;
  Kernel           k;
  ScoreNetLaw      law;
  ScoreNetMap      map;

  ck_call(make(processes[process], ROUND, nets[net], &c));
  ck_call(ProcessGetSde(c.process, &sde));
  map = map_of(&c, net);
  for (int t = 0; t < TIMES; t++)
    for (int weight = 0; weight < WEIGHTS; weight++) {
      double X[6] = {0.3, -0.2, 0.1, 0.9, -0.4, 0.5}, S[2][6], out[2][6], W[9], loss = 0, expected = 0;
      if (weight == WEIGHT_DET && (score_net_of_z(&map) || c.b > 2)) continue;
      if (weight && map.q > 1 && noised[process] < c.b) continue;
      ck_call(ProcessGetKernel(c.process, times[t], &k));
      score_net_law(&map, &k, &law);
      score_net_weight(&map, &law, (ScoreWeight)weight, sde, &k, W);
      for (int i = 0; i < c.b * 2; i++) { /* nets of one output a coordinate are wrong along l only */
        S[0][i] = 0.7 * i - 1;
        S[1][i] = S[0][i] + (map.q == 1 ? k.l[i / 2] * (i % 2 ? 0.8 : -1.3) : 0.3 * i * i - 1.1);
      }
      for (int v = 0; v < 2; v++) score_net_target(&map, &law, &k, 1, X, S[v], out[v]);
      for (int i = 0; i < 2; i++) {
        double dS[3];
        for (int a = 0; a < c.b; a++) dS[a] = S[1][a * 2 + i] - S[0][a * 2 + i];
        expected += defined_loss((ScoreWeight)weight, &map, sde, &k, dS);
        for (int m = 0; m < map.q; m++)
          for (int n = 0; n < map.q; n++)
            loss += (out[1][m * 2 + i] - out[0][m * 2 + i]) * W[m * map.q + n] *
                    (out[1][n * 2 + i] - out[0][n * 2 + i]);
      }
      ck_assert_msg(fabs(loss - expected) <= 1e-9 * expected, "t %g, weighting %d: %g, expected %g", times[t],
                    weight, loss, expected);
    }
  drop(&c);
}
END_TEST

START_TEST(test_likelihood_weight_of_z_is_the_speed_of_the_clock)
{
  const double     t = 0.3, h = 1e-4;
  const LinearSde *sde;
  Case             c;
  Kernel           k, before, after;
  ScoreNetLaw      law;
  ScoreNetMap      map;
  double           W;

  ck_call(make(processes[_i], ROUND, nets[2], &c));
  ck_call(ProcessGetSde(c.process, &sde));
  map = map_of(&c, 2);
  ck_call(ProcessGetKernel(c.process, t, &k));
  ck_call(ProcessGetKernel(c.process, t - h, &before));
  ck_call(ProcessGetKernel(c.process, t + h, &after));
  score_net_law(&map, &k, &law);
  score_net_weight(&map, &law, WEIGHT_LIKELIHOOD, sde, &k, &W);
  /* dnet = -sigma dsz: W = (d sigma2/dt)/(2 sigma2) = d log(sigma2)/dt/2; h^2/6 times a third derivative of 1e3 or less */
  ck_assert_close(W, log(after.sigma2 / before.sigma2) / (4 * h), 1e-5);
  drop(&c);
}
END_TEST

START_TEST(test_det_weight_of_the_picture_code)
{
  /* m11, m12, m22 of active noise with k 1.3, tau 0.7, Tp 0.2, Ta 0.9 at t = 0.8, from 40 digits */
  const double     m11 = 0.269468481477655, m12 = 0.307914281225373, m22 = 1.15495535275171;
  const double     det = m11 * m22 - m12 * m12;
  const LinearSde *sde;
  Case             c;
  Kernel           k;
  ScoreNetLaw      law;
  ScoreNetMap      map;
  double           W[4];

  ck_call(make(processes[2], ROUND, nets[1], &c));
  ck_call(ProcessGetSde(c.process, &sde));
  map = map_of(&c, 1);
  ck_call(ProcessGetKernel(c.process, 0.8, &k));
  score_net_law(&map, &k, &law);
  score_net_weight(&map, &law, WEIGHT_DET, sde, &k, W);
  ck_assert_close(W[0], 0.2 * det, 1e-12);
  ck_assert_close(W[3], 0.9 * det, 1e-12);
  ck_assert(W[1] == 0 && W[2] == 0);
  drop(&c);
}
END_TEST

START_TEST(test_v1_and_v2_are_one_where_one_variable_is_noised)
{
  enum { N = 16 };
  Case   c;
  Kernel k[N];
  float *w[2];

  ck_call(make(processes[_i], ROUND, nets[3], &c));
  for (int i = 0; i < N; i++) ck_call(ProcessGetKernel(c.process, 0.05 * (i + 1), &k[i]));
  for (int v = 0; v < 2; v++) ck_call(ScoreNetWeights(c.score, v ? WEIGHT_V2 : WEIGHT_V1, N, k, &w[v]));
  for (int i = 0; i < N; i++) ck_assert_close(w[0][i], w[1][i], 2e-7);
  for (int i = 0; i < N; i++)
    ck_assert_close(w[1][i], 1.0, 2e-7); /* unit-variance noise is what the net gives */
  for (int v = 0; v < 2; v++) ck_call(PetscFree(w[v]));
  ck_call(ScoreNetWeights(c.score, WEIGHT_WHITENED, N, k, &w[0]));
  ck_assert(!w[0]);
  drop(&c);
}
END_TEST

static PetscErrorCode weights_refused(const char *process, const char *net, ScoreWeight weight)
{
  Case           c;
  Kernel         k;
  float         *w = NULL;
  PetscErrorCode code;

  ck_call(make(process, ROUND, net, &c));
  ck_call(ProcessGetKernel(c.process, 0.3, &k));
  QUIET(code, ScoreNetWeights(c.score, weight, 1, &k, &w));
  PetscFree(w);
  drop(&c);
  return code;
}

START_TEST(test_weights_that_make_no_sense_are_refused)
{
  const char *partly   = "-process_type general -process_m -1,1,0,0,-2,1,0,-1,-3 -process_g "
                         "0.7,0,0,0,0,0,0,0,1.5 -process_cov0 0.3,0.1,0.1,0.4 ";
  const char *rank_one = "-process_type general -process_m -1,1,0,-2 -process_g 1,0,1,0 -process_cov0 0.5 ";

  ck_assert_int_eq(weights_refused(processes[1], nets[5], WEIGHT_DET), AD_ERR_INPUT);
  ck_assert_int_eq(weights_refused(processes[2], nets[2], WEIGHT_DET), AD_ERR_INPUT);
  ck_assert_int_eq(weights_refused(partly, nets[1], WEIGHT_LIKELIHOOD), AD_ERR_INPUT);
  ck_assert_int_eq(weights_refused(partly, nets[1], WEIGHT_WHITENED), 0);
  ck_assert_int_eq(weights_refused(rank_one, nets[1], WEIGHT_LIKELIHOOD), AD_ERR_INPUT); /* Q is singular */
  ck_assert_int_eq(weights_refused(rank_one, nets[1], WEIGHT_V2), 0);
}
END_TEST

Suite *forms_suite(void)
{
  Suite *suite = suite_create("forms");
  TCase *form = tcase_create("form"), *weight = tcase_create("weight");

  tcase_add_loop_test(form, test_a_net_that_meets_its_target_is_the_exact_score, 0, PROCESSES * NEW_NETS);
  tcase_add_loop_test(form, test_clock_form_learns_the_noise_of_z, 0, PROCESSES);
  tcase_add_loop_test(form, test_score_form_learns_the_scores_of_noised_variables, 0, PROCESSES);
  tcase_add_test(form, test_mixed_paper_is_the_printed_mixed_score);
  tcase_add_test(form, test_both_mixed_forms_are_one_where_x_is_alone);
  tcase_add_loop_test(form, test_file_gives_the_score_back, 0, PROCESSES * NEW_NETS);
  suite_add_tcase(suite, form);
  tcase_add_loop_test(weight, test_weighted_loss_is_the_same_for_all_forms, 0, PROCESSES * NETS);
  tcase_add_loop_test(weight, test_likelihood_weight_of_z_is_the_speed_of_the_clock, 0, PROCESSES);
  tcase_add_test(weight, test_det_weight_of_the_picture_code);
  tcase_add_loop_test(weight, test_v1_and_v2_are_one_where_one_variable_is_noised, 0, 2);
  tcase_add_test(weight, test_weights_that_make_no_sense_are_refused);
  suite_add_tcase(suite, weight);
  return suite;
}
