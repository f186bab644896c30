/*
  adiff compare: options in, trainings and samplings, tables and verdicts out
*/
#include "private/compareimpl.h"
#include "adcommand.h"
#include "admetrickernels.h"
#include "adprocess.h"
#include "adsampler.h"
#include "adtrainer.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

/* A list of words out of a NULL-ended table, each once: their indices */
static PetscErrorCode ReadWords(const char *key, const char *text, const char *const *names,
                                const char *fallback, int max, int *index, int *n, PetscBool *set)
{
  char list[512], choices[256] = "", help[512], *save = NULL;

  PetscFunctionBegin;
  snprintf(list, sizeof(list), "%s", fallback);
  for (int i = 0; names[i]; i++)
    snprintf(choices + strlen(choices), sizeof(choices) - strlen(choices), "%s%s", i ? " " : "", names[i]);
  snprintf(help, sizeof(help), "%s: some of %s", text, choices);
  PetscCall(OptString(key, help, list, sizeof(list), set));
  *n = 0;
  for (char *word = strtok_r(list, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
    int i = 0;

    while (names[i] && strcmp(names[i], word) != 0) i++;
    AdCheckInput(names[i] && i < max, "%s: expected some of %s with commas between them; got '%s'", key,
                 choices, word);
    for (int k = 0; k < *n; k++) AdCheckInput(index[k] != i, "%s: '%s' is there twice", key, word);
    index[(*n)++] = i;
  }
  AdCheckInput(*n, "%s: expected some of %s with commas between them", key, choices);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  char      noises[2048];
  PetscBool ways_set, scores_set;
} Given;

/* exact, reduced, and a joint score for every law of the training times */
static PetscErrorCode ReadScores(CompareRequest *r, PetscBool *set)
{
  int kind[COMPARE_KINDS], law[COMPARE_LAWS], nkinds, nlaws;

  PetscFunctionBegin;
  PetscCall(ReadWords("-compare_scores", "which scores", compare_kind_names, "exact,reduced,joint",
                      COMPARE_KINDS, kind, &nkinds, set));
  PetscCall(ReadWords("-compare_times", "laws of the training times of joint nets", compare_law_names,
                      "uniform,sigma", COMPARE_LAWS, law, &nlaws, NULL));
  r->nscores = 0;
  for (int k = 0; k < nkinds; k++)
    for (int l = 0; l < (kind[k] == LEARNT_JOINT ? nlaws : 1); l++)
      r->score[r->nscores++] = (CompareScore){kind[k], kind[k] == LEARNT_JOINT ? law[l] : LAW_SIGMA};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSteps(CompareRequest *r)
{
  PetscReal steps[COMPARE_STEPS] = {10, 20, 100};
  PetscInt  n                    = 3;

  PetscFunctionBegin;
  PetscCall(OptRealList("-compare_steps", "score evaluations a sample", RANGE(1, 1e7), COMPARE_STEPS, steps,
                        &n, NULL));
  r->nsteps = (int)n;
  for (int i = 0; i < r->nsteps; i++) {
    AdCheckInput(steps[i] == floor(steps[i]), "-compare_steps: expected whole numbers, got %g", steps[i]);
    for (int j = 0; j < i; j++)
      AdCheckInput(steps[j] != steps[i], "-compare_steps: %g is there twice", steps[i]);
    r->steps[i] = (int)steps[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRequest(Compare *c, Given *given)
{
  CompareRequest *r     = &c->request;
  PetscInt        seeds = 3;

  PetscFunctionBegin;
  snprintf(given->noises, sizeof(given->noises), "passive,active:tau=0.5,active:tau=2,cld");
  c->level = 0.01;
  PetscCall(OptString("-compare_noises",
                      "noises, each a type with keys of its own: active:tau=2:tp=0.001; the first sets "
                      "temperature and variance",
                      given->noises, sizeof(given->noises), NULL));
  PetscCall(ReadWords("-compare_ways", "what the noises have in common", compare_way_names,
                      "time,temperature,variance,sigma", COMPARE_WAYS, r->way, &r->nways, &given->ways_set));
  PetscCall(ReadScores(r, &given->scores_set));
  PetscCall(ReadWords("-compare_schemes", "steps of the reverse process", compare_scheme_names, "em,ddim",
                      COMPARE_SCHEMES, r->scheme, &r->nschemes, NULL));
  PetscCall(ReadWords("-compare_last", "last step of em", compare_last_names, "none,denoise", COMPARE_LASTS,
                      r->last, &r->nlasts, NULL));
  PetscCall(ReadSteps(r));
  PetscCall(OptInt("-compare_seeds",
                   "repetitions: every noise is trained and sampled with so many seeds of its own",
                   RANGE(2, COMPARE_SEEDS), &seeds, NULL));
  PetscCall(OptReal("-compare_sigma_max",
                    "sigma at which equal sigma grids start; 0: the smallest at which a noise ends",
                    RANGE_NONNEGATIVE, &r->sigma_max, NULL));
  PetscCall(OptReal("-compare_level", "chance of even one false verdict in a family of comparisons",
                    (OptRange){0, 0.5, 1, 0}, &c->level, NULL));
  PetscCall(OptString("-compare_metrics",
                      "distances, the first decides about claims; sw2,energy and kl or js unless given",
                      c->metrics_list, sizeof(c->metrics_list), NULL));
  PetscCall(OptInt("-compare_reference_samples", "reference rows; 0: all test rows of a file, 10000 of a law",
                   RANGE_NONNEGATIVE, &c->reference_rows, NULL));
  PetscCall(OptInt("-compare_floor_sets", "sets of fresh rows of a law behind the noise floor",
                   RANGE(2, 1000), &c->floor_sets, NULL));
  r->seeds = (int)seeds;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CompareRunDeclareOptions(void)
{
  Compare *c;
  Given    given = {0};

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  c->floor_sets = 8;
  PetscCall(ReadRequest(c, &given));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keys that a comparison sets by itself would be ignored without a word */
static PetscErrorCode RefuseOwnKeys(void)
{
  static const char *const own[][2] = {
      {"-process_type", "-compare_noises"},    {"-process_scale", "-compare_ways"},
      {"-score_type", "-compare_scores"},      {"-score_kind", "-compare_scores"},
      {"-score_file", "-compare_scores"},      {"-trainer_times", "-compare_times"},
      {"-trainer_sigma_max", "-compare_ways"}, {"-sampler_scheme", "-compare_schemes"},
      {"-ts_type", "-compare_schemes"},        {"-sampler_steps", "-compare_steps"},
      {"-sampler_grid", "-compare_ways"},      {"-sampler_sigma_max", "-compare_sigma_max"},
      {"-sampler_last", "-compare_last"}};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
    AdCheckInput(!OptionsTyped(own[i][0]), "%s: a comparison has more than one; give %s", own[i][0],
                 own[i][1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what does not apply ---- */

/* A way that a noise has no number for is refused if it was asked for, else left out */
static PetscErrorCode CheckWays(CompareRequest *r, PetscBool asked)
{
  int n = 0;

  PetscFunctionBegin;
  for (int w = 0; w < r->nways; w++) {
    const char *what = r->way[w] == WAY_TEMPERATURE ? "temperature" : "stationary variance of x";
    int         bad  = -1;

    for (int i = 0; i < r->nnoises; i++)
      if (isnan(compare_scale(r, r->way[w], i))) bad = isnan(compare_scale(r, r->way[w], 0)) ? 0 : i;
    AdCheckInput(bad < 0 || !asked, "-compare_ways: %s: '%s' has no %s; leave this way out",
                 compare_way_names[r->way[w]], r->noise[bad].label, what);
    if (bad >= 0)
      PetscCall(
          AdPrint("left out  %s: '%s' has no %s\n", compare_way_texts[r->way[w]], r->noise[bad].label, what));
    else
      r->way[n++] = r->way[w];
  }
  r->nways = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* So is the exact score of data whose law is not known */
static PetscErrorCode CheckScores(const Compare *c, CompareRequest *r, PetscBool asked)
{
  const MixtureData *law;
  int                n = 0;

  PetscFunctionBegin;
  PetscCall(DatasetGetMixture(c->dataset, &law));
  for (int s = 0; s < r->nscores; s++) {
    const PetscBool unknown = r->score[s].kind == LEARNT_EXACT && !law ? PETSC_TRUE : PETSC_FALSE;

    AdCheckInput(!unknown || !asked,
                 "-compare_scores: exact: the law of these data is no Gaussian mixture; leave it out");
    if (unknown)
      PetscCall(AdPrint("left out  exact score: the law of these data is no Gaussian mixture\n"));
    else
      r->score[n++] = r->score[s];
  }
  r->nscores = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sigmas that cells visit must lie within what all noises reach */
static PetscErrorCode CheckSigmas(const CompareRequest *r)
{
  const double start = compare_sigma_max(r);

  PetscFunctionBegin;
  for (int i = 0; i < r->nnoises; i++)
    AdCheckInput(start <= r->noise[i].sigma_end * (1 + 1e-12),
                 "-compare_sigma_max: '%s' ends at sigma %.6g, got %g; lower it", r->noise[i].label,
                 r->noise[i].sigma_end, start);
  AdCheckInput(r->grid_min < start,
               "-sampler_sigma_min: expected less than %.6g, where equal sigma grids start, got %g", start,
               r->grid_min);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where training in sigma begins, if the user says so; all models get it, so it is checked here */
static PetscErrorCode ReadSmallestSigma(CompareRequest *r)
{
  char      raw[64], *end;
  PetscBool set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-trainer_sigma_min", raw, sizeof(raw), &set));
  if (!set) PetscFunctionReturn(PETSC_SUCCESS);
  r->sigma_min = strtod(raw, &end);
  AdCheckInput(!*end && r->sigma_min > 0 && isfinite(r->sigma_min),
               "-trainer_sigma_min: expected a number > 0, got '%s'", raw);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- set-up ---- */

static PetscErrorCode MakePlan(Compare *c)
{
  const int bound = compare_bound(&c->request);

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(bound, &c->plan.model, bound, &c->plan.sampling, bound, &c->plan.cell));
  compare_plan(&c->request, &c->plan);
  AdCheckInput(c->plan.ncells, "-compare_ways: nothing is left to compare");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAll(Compare *c, const CommandLine *line)
{
  CompareRequest *r     = &c->request;
  Given           given = {0};
  const char     *dot   = strrchr(line->output, '.');

  PetscFunctionBegin;
  c->floor_sets = 8;
  r->seed       = line->seed;
  PetscCall(ReadRequest(c, &given));
  PetscCall(RefuseOwnKeys());
  PetscCall(CompareReadNoises(r, given.noises));
  PetscCall(CompareReadSampler(r));
  PetscCall(ReadSmallestSigma(r));
  PetscCall(CheckWays(r, given.ways_set));
  for (int w = 0; w < r->nways; w++)
    if (r->way[w] == WAY_SIGMA) PetscCall(CheckSigmas(r));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, line->seed));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(CheckScores(c, r, given.scores_set));
  PetscCall(MakePlan(c));
  if (!dot || strchr(dot, '/')) dot = line->output + strlen(line->output);
  AdCheckInput(snprintf(c->folder, sizeof(c->folder), "%.*s", (int)(dot - line->output), line->output) <
                   (int)sizeof(c->folder) - 64,
               "-o: the file name is too long");
  PetscCall(CompareCheckRuns(c));
  PetscCall(OptionsCheckUnused(line->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which metrics: as asked, else sw2, energy, and the divergence that applies to such data */
static PetscErrorCode ChooseMetrics(Compare *c, MetricsSettings *settings, const MetricsReference *reference)
{
  MetricsReference           few = *reference;
  const MetricColumn *const *column;
  Metrics                    probe;
  int                        nm;

  PetscFunctionBegin;
  if (!c->metrics_list[0]) {
    few.N          = PetscMin(few.N, 16);
    settings->list = "";
    PetscCall(MetricsCreate(settings, &few, &probe));
    PetscCall(MetricsGetColumns(probe, &nm, &column));
    snprintf(c->metrics_list, sizeof(c->metrics_list), "sw2,energy");
    for (int pass = 0; pass < 2; pass++)
      for (int k = 0; k < nm; k++)
        if (!strcmp(column[k]->name, pass ? "js" : "kl") && !strchr(c->metrics_list, 'j') &&
            !strchr(c->metrics_list, 'k'))
          PetscCall(PetscStrlcat(c->metrics_list, pass ? ",js" : ",kl", sizeof(c->metrics_list)));
    PetscCall(MetricsDestroy(&probe));
  }
  settings->list = c->metrics_list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The metrics in the order of the list: the first decides about claims */
static PetscErrorCode OrderMetrics(Compare *c)
{
  const MetricColumn *const *column;
  char                       list[sizeof(c->metrics_list)], *save = NULL;
  int                        nm;

  PetscFunctionBegin;
  PetscCall(MetricsGetColumns(c->metrics, &nm, &column));
  snprintf(list, sizeof(list), "%s", c->metrics_list);
  for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    int k = 0;

    while (k < nm && strcmp(column[k]->name, word) != 0) k++;
    AdCheckInput(k < nm && column[k]->kind == METRIC_DISTANCE,
                 "-compare_metrics: %s is no distance, of which the smaller is the better; leave it out",
                 word);
    for (int i = 0; i < c->nm; i++)
      AdCheckInput(c->place[i] != k, "-compare_metrics: '%s' is there twice", word);
    AdCheckInput(c->nm < COMPARE_METRICS, "-compare_metrics: expected at most %d names", COMPARE_METRICS);
    c->place[c->nm]    = k;
    c->column[c->nm++] = column[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpReference(Compare *c)
{
  MetricsSettings    settings = metrics_defaults;
  const Coordinates *coordinates;
  const MixtureData *law;
  MetricsReference   reference;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(c->dataset, &coordinates));
  PetscCall(DatasetGetMixture(c->dataset, &law));
  c->M = c->reference_rows;
  PetscCall(DatasetCountRows(c->dataset, SPLIT_TEST, "-compare_reference_samples", 10000, &c->M));
  PetscCall(MetricsSpacedRows(c->dataset, SPLIT_TEST, 0, c->M, &c->rows));
  reference     = (MetricsReference){c->M, c->rows, coordinates, law};
  settings.seed = c->request.seed;
  PetscCall(ChooseMetrics(c, &settings, &reference));
  PetscCall(MetricsCreate(&settings, &reference, &c->metrics));
  PetscCall(OrderMetrics(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(Compare *c)
{
  const int ns = c->plan.nsamplings, nc = c->plan.ncells, seeds = c->request.seeds, nm = c->nm;

  PetscFunctionBegin;
  PetscCall(PetscCalloc3(ns * seeds * nm, &c->value, 2 * ns, &c->sigma, ns, &c->diverged));
  PetscCall(PetscCalloc3(nc * seeds * nm, &c->single, nc * nm, &c->mean, nc * nm, &c->err));
  PetscCall(PetscCalloc2(nm, &c->floor, nm, &c->floor_err));
  PetscCall(PetscCalloc1(compare_pairs_bound(&c->request, &c->plan, nm), &c->pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(Compare *c)
{
  PetscFunctionBegin;
  PetscCall(MetricsDestroy(&c->metrics));
  PetscCall(DatasetDestroy(&c->dataset));
  PetscCall(PetscFree(c->rows));
  PetscCall(PetscFree3(c->plan.model, c->plan.sampling, c->plan.cell));
  PetscCall(PetscFree3(c->value, c->sigma, c->diverged));
  PetscCall(PetscFree3(c->single, c->mean, c->err));
  PetscCall(PetscFree2(c->floor, c->floor_err));
  PetscCall(PetscFree(c->pair));
  PetscCall(TextFree(&c->terminal));
  PetscCall(TextFree(&c->text));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- results ---- */

/* Data against the reference: sets of fresh rows of a law, as many as there are samples; the training rows of a file */
static PetscErrorCode MeasureFloor(Compare *c)
{
  int64_t size, N = c->request.samples;
  int     sets;
  double *x, *value, *one;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(c->dataset, SPLIT_TRAIN, &size));
  sets = size < 0 ? (int)c->floor_sets : 1;
  if (size >= 0) N = PetscMin(N, size);
  PetscCall(PetscMalloc2(sets * c->nm, &value, sets, &one));
  for (int s = 0; s < sets; s++) {
    PetscCall(MetricsSpacedRows(c->dataset, size < 0 ? SPLIT_TEST : SPLIT_TRAIN, c->M + s * N, N, &x));
    PetscCall(CompareMeasure(c, N, x, value + (size_t)s * (size_t)c->nm));
    PetscCall(PetscFree(x));
  }
  for (int k = 0; k < c->nm; k++) {
    for (int s = 0; s < sets; s++) one[s] = value[s * c->nm + k];
    c->floor[k]     = one[0];
    c->floor_err[k] = NAN;
    if (sets > 1) mean_stderr(sets, one, &c->floor[k], &c->floor_err[k]);
  }
  PetscCall(PetscFree2(value, one));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of the samplings into the cells that they fill, and statistics of both */
static PetscErrorCode Judge(Compare *c)
{
  const int    seeds = c->request.seeds, nm = c->nm, bound = compare_pairs_bound(&c->request, &c->plan, nm);
  const size_t block = (size_t)seeds * (size_t)nm;
  double      *p, *adjusted, one[COMPARE_SEEDS];
  int         *work;

  PetscFunctionBegin;
  for (int i = 0; i < c->plan.ncells; i++) {
    double *single = c->single + (size_t)i * block;

    PetscCall(PetscArraycpy(single, c->value + (size_t)c->plan.cell[i].sampling * block, block));
    for (int k = 0; k < nm; k++) {
      for (int s = 0; s < seeds; s++) one[s] = single[s * nm + k];
      mean_stderr(seeds, one, &c->mean[i * nm + k], &c->err[i * nm + k]);
    }
  }
  PetscCall(PetscMalloc3(bound, &p, bound, &adjusted, bound, &work));
  c->npairs = compare_tests(&c->request, &c->plan, nm, c->single, c->level, c->pair, p, adjusted, work);
  PetscCall(PetscFree3(p, adjusted, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SayHow(const Compare *c, TextLines *text)
{
  const CompareRequest *r = &c->request;

  PetscFunctionBegin;
  PetscCall(TextAdd(text,
                    "how to read this: mean(standard error) over %d seeds, error in units of the last digit; "
                    "smaller is better. A "
                    "verdict is Welch's t-test of two",
                    r->seeds));
  PetscCall(TextAdd(text, "noises with seeds of their own (no pairing), p corrected by Holm for all "
                          "comparisons of a way, score and metric: "
                          "the chance of even one false"));
  PetscCall(TextAdd(text,
                    "verdict among these is below %g. \"By x +- y\" is the difference and its own 95 %% "
                    "interval; \"no difference "
                    "above z\" holds for all settings it",
                    c->level));
  PetscCall(TextAdd(text, "names together with 95 %%. The noises share the nets of a reduced score, which "
                          "makes its verdicts cautious. Floor: "
                          "data against the same reference."));
  PetscCall(TextAdd(text, "%s", ""));
  for (int i = 0; i < r->nnoises; i++)
    PetscCall(TextAdd(text, "  %-24s temperature %.4g, stationary variance of x %.4g, sigma(t_final) %.4g",
                      r->noise[i].label, r->noise[i].temperature, r->noise[i].variance,
                      r->noise[i].sigma_end));
  PetscCall(TextAdd(text, "  equal sigma grids go from %.4g to %.4g", compare_sigma_max(r), r->grid_min));
  PetscCall(TextAdd(text, "%s", ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first metric on the terminal, all in the files */
static PetscErrorCode PutIntoWords(Compare *c)
{
  TextLines *const text[2] = {&c->terminal, &c->text};

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    PetscCall(SayHow(c, text[k]));
    for (int m = 0; m < (k ? c->nm : 1); m++) PetscCall(CompareTables(c, m, text[k]));
    for (int m = 0; m < (k ? c->nm : 1); m++) PetscCall(CompareVerdicts(c, m, text[k]));
    PetscCall(CompareClaims(c, text[k]));
  }
  for (int i = 0; i < c->terminal.n; i++) PetscCall(AdPrint("%s\n", c->terminal.line[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Compare *c, const CommandLine *line)
{
  char   path[PETSC_MAX_PATH_LEN + 8];
  int    diverged = 0;
  Output out;

  PetscFunctionBegin;
  PetscCall(MeasureFloor(c));
  PetscCall(Judge(c));
  PetscCall(PutIntoWords(c));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(CompareWrite(c, out));
  PetscCall(OutputClose(&out));
  snprintf(path, sizeof(path), "%s.txt", c->folder);
  PetscCall(CompareWriteText(c, path));
  for (int s = 0; s < c->plan.nsamplings; s++) diverged += c->diverged[s];
  if (diverged) PetscCall(AdWarning("%d samplings diverged; the tables and verdicts say which\n", diverged));
  PetscCall(AdPrint("wrote     %s and %s\n", line->output, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CompareRun - adiff compare: train and sample noises under one control after the other, and say what differs

  A signal or -trainer_max_wall ends it early with exit code 75; weights are kept beside the output, so that the same command
  goes on.
*/
PetscErrorCode CompareRun(const CommandLine *line)
{
  Compare  *c;
  PetscBool stopped;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  PetscCall(ReadAll(c, line));
  PetscCall(OutputMakeFolder(line->output));
  PetscCall(DatasetPrintSummary(c->dataset));
  PetscCall(SetUpReference(c));
  PetscCall(Allocate(c));
  PetscCall(AdPrint("plan      %d noises, %d cells: %d models and %d samplings, %d seeds each\n",
                    c->request.nnoises, c->plan.ncells, c->plan.nmodels, c->plan.nsamplings,
                    c->request.seeds));
  PetscCall(CompareTrainModels(c, &stopped));
  if (!stopped) PetscCall(CompareDrawSamples(c, &stopped));
  if (!stopped)
    PetscCall(Finish(c, line));
  else {
    PetscCall(AdPrint(
        "stopped   what has been trained is kept in %s; the same 'adiff compare' command goes on from it\n",
        c->folder));
    PetscCall(AdRequestExitCode(AD_EXIT_STOPPED));
  }
  PetscCall(Free(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
