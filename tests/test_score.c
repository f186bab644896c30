/*
  Scores: the exact one against printed values and its own density, network scores against the exact one
*/
#include "score_case.h"

Suite *score_suite(void);

#define FILE_NAME "build/test_score.h5"

static const char *const nets[] = {NET "-score_kind reduced ", NET "-score_kind joint -score_form whitened ",
                                   NET "-score_kind joint -score_form mixed "};
enum { NETS = 3 };

/* ---- exact scores ---- */

typedef struct {
  const char *process;
  double      logp, s[2], x0hat, aux0hat;
} Printed;

/* Mixture p (0.3, 0.7), mu (0.8, -0.5), h (0.05, 0.4) at t = 0.6, x = 0.25, aux = -0.4, in 40 digits */
static const Printed printed[] = {
    {"-process_type active -process_k 1.3 -process_tau 0.7 -process_tp 0.2 -process_ta 0.9 ",
     -1.70464893609272,
     {-1.13585018358424, 0.646410193415553},
     0.35341632475399,
     0.0338700029412564},
    {"-process_type cld ",
     -1.49982857826076,
     {-0.257323373189972, 1.6120250817713},
     -0.0812007499465749,
     7.07429031097627e-4},
    {"-process_type passive -process_k 1.3 -process_tp 0.8 ",
     -0.755213458252558,
     {-0.457073321523307, 0},
     0,
     0},
};

START_TEST(test_exact_score_has_the_reference_values)
{
  const Printed *p    = &printed[_i];
  const double   X[2] = {0.25, -0.4};
  double         S[2] = {0}, logp, x0hat;
  Case           c;
  Kernel         k;

  ck_call(make(p->process, TOY, "", &c));
  ck_call(ProcessGetKernel(c.process, 0.6, &k));
  ck_call(ScoreEvaluate(c.score, &k, 1, X, S, &logp));
  ck_call(ScoreDenoise(c.score, &k, 1, X, &x0hat));
  ck_assert_close(logp, p->logp, 1e-13);
  for (int a = 0; a < c.b; a++) ck_assert_close(S[a], p->s[a], 1e-13);
  if (c.b == 2) {
    ck_assert_close(x0hat, p->x0hat, 1e-12);
    ck_assert_close(-(k.H[2] * S[0] + k.H[3] * S[1]), p->aux0hat, 1e-12);
  }
  drop(&c);
}
END_TEST

/* log N(x; 0, A) for a small matrix, by elimination without pivots */
static double log_gaussian(int b, double *A, double *x)
{
  double result = -0.5 * b * log(2 * acos(-1));

  for (int i = 0; i < b; i++) {
    result -= 0.5 * (log(A[i * b + i]) + x[i] * x[i] / A[i * b + i]);
    for (int r = i + 1; r < b; r++) {
      const double factor = A[r * b + i] / A[i * b + i];
      for (int c = i; c < b; c++) A[r * b + c] -= factor * A[i * b + c];
      x[r] -= factor * x[i];
    }
  }
  return result;
}

START_TEST(test_density_of_gaussian_data_is_gaussian)
{
  enum { N = 20 };
  static const double mean[2] = {0.4, -0.9}, variance = 0.3; /* ROUND */
  double              x0[N * 2], X[N * 6], S[N * 6], logp[N];
  Case                c;
  Kernel              k;

  ck_call(make(processes[_i], ROUND, "", &c));
  ck_call(ProcessGetKernel(c.process, 0.5, &k));
  draw(&c, &k, N, x0, X);
  ck_call(ScoreEvaluate(c.score, &k, N, X, S, logp));
  for (int r = 0; r < N; r++) {
    double expected = 0;
    for (int i = 0; i < 2; i++) {
      double A[9], x[3];
      for (int a = 0; a < c.b; a++) {
        x[a] = X[(r * c.b + a) * 2 + i] - k.u[a] * mean[i];
        for (int e = 0; e < c.b; e++) A[a * c.b + e] = k.Cb[a * c.b + e] + variance * k.u[a] * k.u[e];
      }
      expected += log_gaussian(c.b, A, x);
    }
    ck_assert_double_eq_tol(logp[r], expected, 1e-11);
  }
  drop(&c);
}
END_TEST

/* Over exact samples E[score] = 0 and E[X score'] = -1, whatever the law (by parts); in units of their standard errors */
START_TEST(test_exact_score_obeys_steins_identities)
{
  enum { N = 20000 };
  double *x0 = malloc(sizeof(double) * N * 2), *X = malloc(sizeof(double) * N * 6),
         *S    = malloc(sizeof(double) * N * 6);
  double worst = 0;
  Case   c;
  Kernel k;

  ck_call(make(processes[_i], PLANE, "", &c));
  ck_call(ProcessGetKernel(c.process, 0.3, &k));
  draw(&c, &k, N, x0, X);
  ck_call(ScoreEvaluate(c.score, &k, N, X, S, NULL));
  for (int i = -1; i < c.b * c.d; i++) /* -1: the mean of the score itself */
    for (int j = 0; j < c.b * c.d; j++) {
      double sum = 0, square = 0;
      for (int r = 0; r < N; r++) {
        double term = S[r * c.b * c.d + j] * (i < 0 ? 1 : X[r * c.b * c.d + i]) + (i == j);
        sum += term;
        square += term * term;
      }
      worst = fmax(worst, fabs(sum) / sqrt(square));
    }
  ck_assert_msg(worst < 5, "%g standard errors off", worst);
  free(x0);
  free(X);
  free(S);
  drop(&c);
}
END_TEST

START_TEST(test_exact_score_is_the_gradient_of_the_density)
{
  enum { N = 20 };
  static const double at[4] = {-2, -1, 1, 2}, factor[4] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};
  double              x0[N * 2], X[N * 6], S[N * 6], unused[6], logp, worst = 0;
  Case                c;
  Kernel              k;

  ck_call(make(processes[_i], PLANE, "", &c));
  for (int t = 0; t < TIMES; t++) {
    const int width = c.b * c.d;
    ck_call(ProcessGetKernel(c.process, times[t], &k));
    draw(&c, &k, N, x0, X);
    ck_call(ScoreEvaluate(c.score, &k, N, X, S, NULL));
    for (int i = 0; i < N * width; i++) {
      const double unit = spread(&k, i % width / c.d), h = 3e-3 * unit; /* h^4/30 f5 and 1e-15/h: 1e-11 */
      double       slope = 0, x = X[i];
      for (int m = 0; m < 4; m++) {
        X[i] = x + at[m] * h;
        ck_call(ScoreEvaluate(c.score, &k, 1, X + i / width * width, unused, &logp));
        slope += factor[m] * logp / h;
      }
      X[i]  = x;
      worst = fmax(worst, fabs(slope - S[i]) * unit);
    }
  }
  ck_assert_msg(worst < 1e-8, "worst error %g in units of the score", worst);
  drop(&c);
}
END_TEST

START_TEST(test_posterior_mean_is_z_plus_sigma2_score)
{
  enum { N = 50 };
  double x0[N * 2], X[N * 6], S[N * 6], x0hat[N * 2], z[N * 2], worst = 0;
  Case   c;
  Kernel k;

  ck_call(make(processes[_i], PLANE, "", &c));
  for (int t = 0; t < TIMES; t++) {
    ck_call(ProcessGetKernel(c.process, times[t], &k));
    draw(&c, &k, N, x0, X);
    ck_call(ScoreEvaluate(c.score, &k, N, X, S, NULL));
    ck_call(ScoreDenoise(c.score, &k, N, X, x0hat));
    score_project(&k, c.d, N, X, z);
    for (int i = 0; i < N * c.d; i++) {
      double sz = 0; /* u.l = 1 and u^T R = 0 */
      for (int a = 0; a < c.b; a++) sz += k.u[a] * S[(i / c.d * c.b + a) * c.d + i % c.d];
      worst = fmax(worst, fabs(z[i] + k.sigma2 * sz - x0hat[i]) / (k.sigma + 1));
    }
  }
  ck_assert_msg(worst < 1e-11, "worst error %g",
                worst); /* sums of terms that are up to 1e3 times sigma: CLD */
  drop(&c);
}
END_TEST

/* ---- network scores ---- */

/* What the net's outputs mean, as the score under test should have it: V is the mean of the variances */
static ScoreNetMap map_of(const Case *c, int process, int net)
{
  const Coordinates *data;
  int                n, component[AD_BMAX];

  ck_call(ScoreGetCoordinates(c->score, &data));
  ck_call(ProcessGetNoised(c->process, &n, component));
  ck_assert_int_eq(n, noised[process]);
  return (ScoreNetMap){.kind     = net ? SCORE_JOINT : SCORE_REDUCED,
                       .form     = net == 0   ? SCORE_PRECONDITIONED
                                   : net == 1 ? SCORE_WHITENED
                                              : SCORE_MIXED,
                       .b        = c->b,
                       .d        = c->d,
                       .q        = net && n > 1 ? c->b : 1,
                       .noised   = component[0],
                       .mean     = data->mean,
                       .variance = (data->variance[0] + data->variance[1]) / 2};
}

START_TEST(test_a_net_that_meets_its_target_is_the_exact_score)
{
  enum { N = 40 };
  double        x0[N * 2], X[N * 6], S[N * 6], exact[N * 2];
  Case          learned, truth;
  Kernel        k;
  const Kernel *at = &k;

  ck_call(make(processes[_i / NETS], PLANE, nets[_i % NETS], &learned));
  ck_call(make(processes[_i / NETS], PLANE, "", &truth));
  for (int t = 0; t < TIMES; t++) {
    const ScoreNetMap map = map_of(&learned, _i / NETS, _i % NETS);
    const int         d = map.d, b = map.b, nin = score_net_inputs(&map), nout = score_net_outputs(&map);
    double            error = 0, mean_error = 0;
    ScoreNetLaw       law;

    ck_call(ProcessGetKernel(truth.process, times[t], &k));
    draw(&truth, &k, N, x0, X);
    ck_call(ScoreEvaluate(truth.score, &k, N, X, S, NULL));
    ck_call(ScoreDenoise(truth.score, &k, N, X, exact));
    score_net_law(&map, &k, &law);
    for (int r = 0; r < N; r++) {
      double net[6], in[7], g[6], back[6], x0hat[2];
      float  row_in[7], row_target[6];
      score_net_target(&map, &law, &k, 1, X + r * b * d, S + r * b * d, net);
      score_net_input(&map, &law, &k, 1, X + r * b * d, in);
      score_net_response(&map, &law, &k, 1, X + r * b * d, net, g, x0hat);
      score_assemble(&k, d, map.q, 1, X + r * b * d, g, back);
      for (int i = 0; i < b * d; i++)
        error = fmax(error, fabs(back[i] - S[r * b * d + i]) * spread(&k, i / d));
      for (int i = 0; i < d; i++)
        mean_error = fmax(mean_error, fabs(x0hat[i] - exact[r * d + i]) / (1 + k.sigma));
      ck_call(ScoreNetRows(learned.score, 1, &at, X + r * b * d, S + r * b * d, row_in, row_target));
      for (int i = 0; i < nin; i++) ck_assert_float_eq(row_in[i], (float)in[i]);
      for (int i = 0; i < nout; i++) ck_assert_float_eq(row_target[i], (float)net[i]);
    }
    ck_assert_msg(error < 1e-11 && mean_error < 1e-11, "t %g: score %g, mean %g", times[t], error,
                  mean_error);
  }
  drop(&learned);
  drop(&truth);
}
END_TEST

/* Mean square of output block m (of q) over noised data: 1, but for what the Gaussian part takes away */
static double expected_square(const ScoreNetMap *map, const Kernel *k, int m)
{
  const double V = map->variance, left = V / (V + k->sigma2), lj = k->l[map->noised] * spread(k, map->noised);

  if (map->form != SCORE_MIXED) return 1;
  if (m) return 0;
  return map->q == 1 ? lj * lj / k->sigma2 * left : left;
}

START_TEST(test_targets_are_whitened_at_all_times)
{
  enum { N = 4000 };
  double       *x0 = malloc(sizeof(double) * N * 2), *X = malloc(sizeof(double) * N * 6);
  Case          c;
  Kernel        k;
  const Kernel *at = &k;

  ck_call(make(processes[_i / NETS], PLANE, nets[_i % NETS], &c));
  for (int t = 0; t < TIMES; t++) {
    const ScoreNetMap map = map_of(&c, _i / NETS, _i % NETS);
    const int         d = map.d, b = map.b;
    double            sum[3] = {0}, square[3] = {0};

    ck_call(ProcessGetKernel(c.process, times[t], &k));
    draw(&c, &k, N, x0, X);
    for (int r = 0; r < N; r++) {
      double z[2], g[2], S[6];
      float  in[7], target[6];
      score_project(&k, d, 1, X + r * b * d, z);
      for (int i = 0; i < d; i++) g[i] = (x0[r * d + i] - z[i]) / k.sigma2; /* the score given x0 */
      score_assemble(&k, d, 1, 1, X + r * b * d, g, S);
      ck_call(ScoreNetRows(c.score, 1, &at, X + r * b * d, S, in, target));
      for (int m = 0; m < map.q; m++) {
        const double row = (pow(target[m * d], 2) + pow(target[m * d + 1], 2)) / 2;
        sum[m] += row / N;
        square[m] += row * row / N;
      }
    }
    for (int m = 0; m < map.q; m++) {
      const double error = sqrt((square[m] - sum[m] * sum[m]) / N);
      ck_assert_msg(fabs(sum[m] - expected_square(&map, &k, m)) <= 5 * error + 1e-9,
                    "t %g, block %d: %g, expected %g", times[t], m, sum[m], expected_square(&map, &k, m));
    }
  }
  free(x0);
  free(X);
  drop(&c);
}
END_TEST

START_TEST(test_untrained_net_knows_gaussian_data)
{
  enum { N = 50 };
  const char *net = nets[_i % 2 ? 2 : 0]; /* reduced and mixed; all parameters are still zero */
  double      x0[N * 2], X[N * 6], S[N * 6], exact[N * 6], x0hat[N * 2], mean[N * 2], error = 0;
  Case        learned, truth;
  Kernel      k;

  ck_call(make(processes[_i / 2], ROUND, net, &learned));
  ck_call(make(processes[_i / 2], ROUND, "", &truth));
  for (int t = 0; t < TIMES; t++) {
    ck_call(ProcessGetKernel(truth.process, times[t], &k));
    draw(&truth, &k, N, x0, X);
    ck_call(ScoreEvaluate(truth.score, &k, N, X, exact, NULL));
    ck_call(ScoreEvaluate(learned.score, &k, N, X, S, NULL));
    ck_call(ScoreDenoise(truth.score, &k, N, X, mean));
    ck_call(ScoreDenoise(learned.score, &k, N, X, x0hat));
    for (int i = 0; i < N * truth.b * 2; i++)
      error = fmax(error, fabs(S[i] - exact[i]) * spread(&k, i % (truth.b * 2) / 2));
    for (int i = 0; i < N * 2; i++) error = fmax(error, fabs(x0hat[i] - mean[i]));
  }
  ck_assert_msg(error < 1e-12, "worst error %g", error);
  drop(&learned);
  drop(&truth);
}
END_TEST

START_TEST(test_rows_do_not_feel_each_other)
{
  enum { N = 2500 };
  const char *score = _i % (NETS + 1) ? nets[_i % (NETS + 1) - 1] : "";
  const int   exact = !score[0];
  double     *x0 = malloc(sizeof(double) * N * 2), *X = malloc(sizeof(double) * N * 6);
  double     *whole[4], *part[4]; /* response, score, mean, density */
  int         width[4] = {0, 0, 2, 1}, q;
  int64_t     rows;
  Case        c;
  Kernel      k;
  Net         net;

  ck_call(make(processes[_i / (NETS + 1)], PLANE, score, &c));
  if (!exact) {
    ck_call(ScoreGetNet(c.score, &net));
    ck_call(NetInitialise(net, 3));
  }
  ck_call(ProcessGetKernel(c.process, 0.4, &k));
  ck_call(ScoreGetComponents(c.score, &q));
  width[0] = q * c.d;
  width[1] = c.b * c.d;
  for (int v = 0; v < 4; v++) {
    whole[v] = calloc((size_t)N * width[v], sizeof(double));
    part[v]  = calloc((size_t)N * width[v], sizeof(double));
  }
  draw(&c, &k, N, x0, X);
  ck_call(ScoreRespond(c.score, &k, N, X, whole[0]));
  ck_call(ScoreEvaluate(c.score, &k, N, X, whole[1], exact ? whole[3] : NULL));
  ck_call(ScoreDenoise(c.score, &k, N, X, whole[2]));
  for (int first = 0, n = 1; first < N; first += n, n = n < 1000 ? 7 * n + 1 : 1) {
    n = n < N - first ? n : N - first;
    ck_call(ScoreRespond(c.score, &k, n, X + first * width[1], part[0] + first * width[0]));
    ck_call(ScoreEvaluate(c.score, &k, n, X + first * width[1], part[1] + first * width[1],
                          exact ? part[3] + first : NULL));
    ck_call(ScoreDenoise(c.score, &k, n, X + first * width[1], part[2] + first * width[2]));
  }
  for (int v = 0; v < 4; v++) {
    ck_assert_mem_eq(part[v], whole[v], (size_t)N * width[v] * sizeof(double));
    free(whole[v]);
    free(part[v]);
  }
  ck_call(ScoreGetEvaluations(c.score, &rows));
  ck_assert_int_eq(rows, 6 * N);
  free(x0);
  free(X);
  drop(&c);
}
END_TEST

/* A net with two sets of random weights, written to the file */
static void write_net(const char *process, const char *net, Case *c)
{
  Net     n;
  int64_t count;
  float  *theta, *ema;
  Output  out;

  ck_call(make(process, PLANE, net, c));
  ck_call(ScoreGetNet(c->score, &n));
  ck_call(NetGetParameters(n, &count, &theta));
  ck_call(NetInitialise(n, 8));
  ema = malloc((size_t)count * sizeof(float));
  memcpy(ema, theta, (size_t)count * sizeof(float));
  ck_call(NetInitialise(n, 9));
  ck_call(OutputOpen(FILE_NAME, "test", &out));
  ck_call(ScoreWrite(c->score, out, ema));
  ck_call(OutputClose(&out));
  free(ema);
}

START_TEST(test_file_gives_the_score_back)
{
  enum { N = 100 };
  static const char *const files[2] = {"-score_file " FILE_NAME " -score_weights last",
                                       "-score_file " FILE_NAME};
  double                   x0[N * 2], X[N * 6], a[N * 6], b[N * 6];
  Case                     written, read;
  Kernel                   k;
  Net                      net;
  int                      q;

  write_net(processes[_i / NETS], nets[_i % NETS], &written);
  ck_call(ScoreGetComponents(written.score, &q));
  ck_call(ScoreGetNet(written.score, &net));
  ck_call(ProcessGetKernel(written.process, 0.4, &k));
  draw(&written, &k, N, x0, X);
  for (int seed = 9; seed >= 8; seed--) { /* last: 9, ema: 8 */
    const char *label;
    ck_call(make(processes[_i / NETS], PLANE, files[9 - seed], &read));
    ck_call(NetInitialise(net, (uint64_t)seed));
    ck_call(ScoreRespond(written.score, &k, N, X, a));
    ck_call(ScoreRespond(read.score, &k, N, X, b));
    ck_assert_mem_eq(a, b, sizeof(double) * (size_t)(N * q * 2));
    ck_call(ScoreGetLabel(read.score, &label));
    ck_assert_str_eq(label, _i % NETS ? "joint net" : "reduced net");
    drop(&read);
  }
  drop(&written);
}
END_TEST

START_TEST(test_reduced_weights_serve_every_process)
{
  const char  *file = "-score_file " FILE_NAME;
  const double z[2] = {0.7, -1.1};
  double       x0hat[PROCESSES][2];
  Case         c;
  Kernel       k;

  write_net(processes[0], nets[0], &c);
  drop(&c);
  for (int p = 0; p < PROCESSES; p++) {
    double X[6], t;
    ck_call(make(processes[p], PLANE, file, &c));
    ck_call(ProcessGetTimeOfSigma(c.process, 0.2, &t));
    ck_call(ProcessGetKernel(c.process, t, &k));
    for (int i = 0; i < c.b * 2; i++) X[i] = k.u[i / 2] * z[i % 2]; /* l.u = 1 */
    ck_call(ScoreDenoise(c.score, &k, 1, X, x0hat[p]));
    for (int i = 0; i < 2; i++)
      ck_assert_double_eq_tol(x0hat[p][i], x0hat[0][i], 1e-6); /* inputs may round apart */
    drop(&c);
  }
}
END_TEST

START_TEST(test_wrong_weights_are_refused)
{
  const char *file = "-score_file " FILE_NAME;
  Case        c;
  Output      out;
  char        options[256];

  write_net(processes[1], nets[1], &c);
  drop(&c);
  ck_assert_int_eq(refused(processes[2], PLANE, file), AD_ERR_INPUT); /* Tp differs */
  ck_assert_int_eq(refused(processes[0], PLANE, file), AD_ERR_INPUT); /* one variable */
  snprintf(options, sizeof(options), "%s -process_t_final 2", processes[1]);
  ck_assert_int_eq(refused(options, PLANE, file), AD_ERR_INPUT); /* longer than it was trained for */
  ck_assert_int_eq(refused(processes[1], PLANE, "-score_kind reduced -score_file " FILE_NAME), AD_ERR_INPUT);
  ck_assert_int_eq(refused(processes[1], PLANE, "-score_form mixed -score_file " FILE_NAME), AD_ERR_INPUT);
  ck_call(make(processes[1], PLANE, "-score_kind joint -score_form whitened -score_file " FILE_NAME, &c));
  ck_call(OutputOpen(FILE_NAME, "test", &out)); /* weights, but no running average */
  ck_call(ScoreWrite(c.score, out, NULL));
  ck_call(OutputClose(&out));
  ck_assert_int_eq(refused(processes[1], PLANE, file), AD_ERR_INPUT);
  ck_call(OutputOpen(FILE_NAME, "test", &out)); /* no weights at all */
  ck_call(ProcessWrite(c.process, out));
  ck_call(OutputClose(&out));
  ck_assert_int_eq(refused(processes[1], PLANE, file), AD_ERR_INPUT);
  ck_assert_int_eq(refused(processes[1], PLANE, "-score_file build/no_such_file.h5"), AD_ERR_INPUT);
  drop(&c);
}
END_TEST

START_TEST(test_tiny_and_huge_noise_stay_in_range)
{
  static const double sigma[] = {1e-9, 1e-4, 1e4, 1e12};
  Case                c;
  Kernel              k;
  Net                 net;

  ck_call(make("-process_type passive -process_t_final 40 ", PLANE, nets[0], &c));
  ck_call(ScoreGetNet(c.score, &net));
  ck_call(NetInitialise(net, 3));
  for (int s = 0; s < 4; s++) {
    double t, x0[2], X[2], g[2], x0hat[2];
    ck_call(ProcessGetTimeOfSigma(c.process, sigma[s], &t));
    ck_call(ProcessGetKernel(c.process, t, &k));
    draw(&c, &k, 1, x0, X);
    ck_call(ScoreRespond(c.score, &k, 1, X, g));
    ck_call(ScoreDenoise(c.score, &k, 1, X, x0hat));
    for (int i = 0; i < 2; i++) {
      /* an output of a few units moves x0hat by no more than that many sigma or widths of the data */
      ck_assert_double_lt(fabs(x0hat[i] - x0[i]), 10 * fmin(k.sigma, 1));
      ck_assert_double_lt(fabs(g[i]) * k.sigma, 10);
      ck_assert_double_eq_tol((k.l[0] * X[i] + k.sigma2 * g[i] - x0hat[i]) / (1 + k.sigma), 0,
                              1e-15 * (1 + 1 / k.sigma));
    }
  }
  drop(&c);
}
END_TEST

Suite *score_suite(void)
{
  Suite *suite = suite_create("score");
  TCase *exact = tcase_create("exact"), *net = tcase_create("net");

  tcase_add_loop_test(exact, test_exact_score_has_the_reference_values, 0, 3);
  tcase_add_loop_test(exact, test_exact_score_is_the_gradient_of_the_density, 0, PROCESSES);
  tcase_add_loop_test(exact, test_exact_score_obeys_steins_identities, 0, PROCESSES);
  tcase_add_loop_test(exact, test_density_of_gaussian_data_is_gaussian, 0, PROCESSES);
  tcase_add_loop_test(exact, test_posterior_mean_is_z_plus_sigma2_score, 0, PROCESSES);
  tcase_add_loop_test(exact, test_rows_do_not_feel_each_other, 0, PROCESSES * (NETS + 1));
  suite_add_tcase(suite, exact);
  tcase_add_loop_test(net, test_a_net_that_meets_its_target_is_the_exact_score, 0, PROCESSES * NETS);
  tcase_add_loop_test(net, test_targets_are_whitened_at_all_times, 0, PROCESSES * NETS);
  tcase_add_loop_test(net, test_untrained_net_knows_gaussian_data, 0, PROCESSES * 2);
  tcase_add_loop_test(net, test_file_gives_the_score_back, 0, PROCESSES * NETS);
  tcase_add_test(net, test_reduced_weights_serve_every_process);
  tcase_add_test(net, test_wrong_weights_are_refused);
  tcase_add_test(net, test_tiny_and_huge_noise_stay_in_range);
  suite_add_tcase(suite, net);
  return suite;
}
