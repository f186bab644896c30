/*
  Samplers from strings of options, and the statistics that tests of samplers share
*/
#include "sampler_case.h"

const char *const processes[PROCESSES] = {PASSIVE, ACTIVE, BOTH, CLD, BATHS};

uint64_t sampler_seed;

static PetscErrorCode set_from_options(Case *c)
{
  PetscFunctionBegin;
  PetscCall(ProcessCreate(&c->process));
  PetscCall(ProcessSetFromOptions(c->process));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, sampler_seed));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(ScoreCreate(&c->score));
  PetscCall(ScoreSetFromOptions(c->score));
  PetscCall(SamplerCreate(&c->sampler));
  PetscCall(SamplerSetSeed(c->sampler, sampler_seed));
  PetscCall(SamplerSetFromOptions(c->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_up(Case *c)
{
  PetscFunctionBegin;
  PetscCall(ProcessSetUp(c->process));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(ScoreSetProcess(c->score, c->process));
  PetscCall(ScoreSetDataset(c->score, c->dataset));
  PetscCall(ScoreSetUp(c->score));
  PetscCall(SamplerSetScore(c->sampler, c->process, c->score));
  PetscCall(SamplerSetDataset(c->sampler, c->dataset));
  PetscCall(SamplerSetUp(c->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode make(const char *process, const char *data, const char *sampler, Case *c)
{
  const char *const text[] = {process, data, sampler};
  PetscOptions      options;
  PetscErrorCode    code;

  PetscFunctionBegin;
  *c = (Case){0};
  PetscCall(PetscOptionsCreate(&options));
  for (int i = 0; i < 3; i++) PetscCall(PetscOptionsInsertString(options, text[i]));
  PetscCall(PetscOptionsPush(options));
  code = set_from_options(c);
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  if (!code) code = set_up(c);
  PetscFunctionReturn(code);
}

PetscErrorCode drop(Case *c)
{
  PetscFunctionBegin;
  PetscCall(SamplerDestroy(&c->sampler));
  PetscCall(ScoreDestroy(&c->score));
  PetscCall(DatasetDestroy(&c->dataset));
  PetscCall(ProcessDestroy(&c->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All samples on all ranks, X[N][b*d]; caller frees */
double *gather(const Case *c)
{
  const AffinePlan *plan  = &c->sampler->plan;
  const int         width = plan->b * plan->d;
  double           *all   = malloc(sizeof(double) * (size_t)(plan->N * width));
  const double     *X;
  int64_t           first, n;

  ck_call(SamplerGetStates(c->sampler, &first, &n, &X));
  ck_call(AdGatherRows(plan->N, n, width, X, all));
  return all;
}

/* One recorded frame of all paths, X[n][b*d]; caller frees */
double *gather_frame(const Case *c, int frame)
{
  const Trajectory *path  = &c->sampler->trajectory;
  const int         width = c->sampler->plan.b * c->sampler->plan.d;
  double           *all   = malloc(sizeof(double) * (size_t)(path->n * width));

  ck_call(AdGatherRows(path->n, path->nlocal, width, path->state + frame * path->nlocal * width, all));
  return all;
}

/* A run from these options; all samples on all ranks */
double *sampled(const char *process, const char *data, const char *sampler)
{
  Case    c;
  double *all;

  ck_call(make(process, data, sampler, &c));
  ck_call(SamplerSolve(c.sampler));
  all = gather(&c);
  ck_call(drop(&c));
  return all;
}

/* z[N][d] = l.X, or x where l is NULL */
static void project(const double *l, int b, int d, int64_t N, const double *X, double *z)
{
  for (int64_t r = 0; r < N; r++)
    for (int i = 0; i < d; i++) {
      z[r * d + i] = l ? 0 : X[r * b * d + i];
      for (int a = 0; l && a < b; a++) z[r * d + i] += l[a] * X[(r * b + a) * d + i];
    }
}

/* mean[kept][N][d]: all means that were kept, in the order of their making */
static void ask(const Case *c, const AffineMap *map, const Kernel *k, int64_t N, const double *X,
                double *mean, double *g)
{
  const AffinePlan *plan = &c->sampler->plan;
  const int64_t     size = N * plan->d;
  History           h    = {.weight = map->weight};

  ck_call(map->g_is_mean ? ScoreDenoise(c->score, k, N, X, g) : ScoreRespond(c->score, k, N, X, g));
  for (; h.depth < plan->depth && h.depth < map->kept; h.depth++) {
    h.difference[h.depth] = map->difference[h.depth];
    h.before[h.depth]     = mean + (map->kept - 1 - h.depth) * size;
  }
  h.keep = map->keep ? mean + map->kept * size : NULL;
  if (plan->depth && map->g_is_mean) extrapolate_mean(&h, size, g);
  if (plan->depth && !map->g_is_mean) extrapolate_score(&h, k, plan->q, plan->d, N, X, g);
}

void march(const Case *c, int64_t N, double *X, double *z)
{
  const AffinePlan *plan = &c->sampler->plan;
  const int         b = plan->b, d = plan->d;
  const int64_t     size = N * d;
  double           *g    = malloc(sizeof(double) * (size_t)(size * b));
  double           *mean = malloc(sizeof(double) * (size_t)(size * plan->nstages));
  float            *xi   = malloc(sizeof(float) * (size_t)(size * b));
  Kernel            k;

  for (int step = 0; step <= plan->nsteps; step++) {
    if (z && step < plan->nsteps) ck_call(ProcessGetKernel(c->process, plan->t[step], &k));
    if (z) project(step < plan->nsteps ? k.l : NULL, b, d, N, X, z + step * size);
    if (step == plan->nsteps) break;
    for (int s = plan->first_stage[step]; s < plan->first_stage[step + 1]; s++) {
      const AffineMap *map = &plan->map[s];

      if (map->q) ask(c, map, &plan->kernel[s], N, X, mean, g);
      if (map->c) rng_normal((RngStream){plan->seed, RNG_SDE, (uint32_t)s}, 0, (size_t)N, map->c * d, xi);
      affine_update(map, d, N, g, xi, X);
    }
  }
  free(g);
  free(mean);
  free(xi);
}

/* Does this end in the error, with a message that contains text? */
void assert_refused(const char *process, const char *data, const char *sampler, PetscErrorCode expected,
                    const char *text)
{
  Case           c;
  PetscErrorCode code;

  listen_begin();
  code = make(process, data, sampler, &c);
  if (!code) code = SamplerSolve(c.sampler);
  listen_end();
  ck_assert_msg(ad_all(code == expected), "%s: error %d, expected %d (%s)", sampler, (int)code, (int)expected,
                said());
  ck_assert_msg(ad_all(strstr(said(), text) != NULL), "%s: '%s' is not in '%s'", sampler, text, said());
  ck_call(drop(&c));
}

void reset_seed(void)
{
  sampler_seed = 7;
}

/* ---- small algebra ---- */

/* mean[b], cov[b][b] of column i of X[N][b][d] */
static void moments(int b, int d, int64_t N, const double *X, int i, double *mean, double *cov)
{
  for (int a = 0; a < b; a++) {
    mean[a] = 0;
    for (int64_t r = 0; r < N; r++) mean[a] += X[(r * b + a) * d + i] / (double)N;
  }
  for (int a = 0; a < b; a++)
    for (int c = 0; c < b; c++) {
      double sum = 0;

      for (int64_t r = 0; r < N; r++)
        sum += (X[(r * b + a) * d + i] - mean[a]) * (X[(r * b + c) * d + i] - mean[c]);
      cov[a * b + c] = sum / (double)N;
    }
}

/* Are sample moments those of N(mean, cov), to five standard errors? */
void assert_moments(int b, int d, int64_t N, const double *X, int i, const double *mean, const double *cov,
                    const char *what)
{
  double m[AD_BMAX], S[AD_BMAX * AD_BMAX];

  moments(b, d, N, X, i, m, S);
  for (int a = 0; a < b; a++) {
    const double error = 5 * sqrt(cov[a * b + a] / (double)N) + 1e-12 * fabs(mean[a]);

    ck_assert_msg(fabs(m[a] - mean[a]) <= error, "%s: mean of variable %d is %g, expected %g +- %g", what, a,
                  m[a], mean[a], error);
    for (int c = 0; c < b; c++) {
      const double spread =
          sqrt((cov[a * b + a] * cov[c * b + c] + cov[a * b + c] * cov[a * b + c]) / (double)N);

      ck_assert_msg(fabs(S[a * b + c] - cov[a * b + c]) <= 5 * spread + 1e-24,
                    "%s: covariance %d %d is %g, expected %g +- %g", what, a, c, S[a * b + c], cov[a * b + c],
                    spread);
    }
  }
}

/* u m and Cb + V u u^T: the law at the kernel's time of data N(m, V) */
void gaussian_law(const Kernel *k, double m, double V, double *mean, double *cov)
{
  for (int a = 0; a < k->b; a++) {
    mean[a] = k->u[a] * m;
    for (int c = 0; c < k->b; c++) cov[a * k->b + c] = k->Cb[a * k->b + c] + V * k->u[a] * k->u[c];
  }
}

static int compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Two-sample Kolmogorov-Smirnov statistic of y = (1, tilt).x of the first two columns, times sqrt(N/2) */
double kolmogorov(int64_t N, double tilt, int width1, const double *X1, int width2, const double *X2)
{
  double *y1 = malloc(sizeof(double) * (size_t)N), *y2 = malloc(sizeof(double) * (size_t)N), largest = 0;

  for (int64_t r = 0; r < N; r++) {
    y1[r] = X1[r * width1] + tilt * X1[r * width1 + 1];
    y2[r] = X2[r * width2] + tilt * X2[r * width2 + 1];
  }
  qsort(y1, (size_t)N, sizeof(double), compare);
  qsort(y2, (size_t)N, sizeof(double), compare);
  for (int64_t i = 0, j = 0; i < N && j < N;) {
    if (y1[i] <= y2[j])
      i++;
    else
      j++;
    largest = fmax(largest, fabs((double)(i - j)));
  }
  free(y1);
  free(y2);
  return largest / (double)N * sqrt((double)N / 2);
}

Suite *sampler_tests(const char *name, size_t n, const TTest *const *parts)
{
  Suite *suite = suite_create(name);

  for (size_t i = 0; i < n; i++) {
    TCase *tests = tcase_create(parts[i]->name);

    tcase_add_checked_fixture(tests, reset_seed, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, parts[i]);
    suite_add_tcase(suite, tests);
  }
  return suite;
}
