/*
  The options of adiff compare, and whether they make sense together
*/
#include "private/compareimpl.h"
#include "adcommand.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list of words out of a NULL-ended table, each once: their indices */
static PetscErrorCode ReadWords(const char *key, const char *text, const char *const *names,
                                const char *fallback, int *index, int *n, PetscBool *set)
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
    AdCheckInput(names[i], "%s: expected some of %s with commas between them; got '%s'", key, choices, word);
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
  PetscCall(ReadWords("-compare_scores", "which scores", compare_kind_names, "exact,reduced,joint", kind,
                      &nkinds, set));
  PetscCall(ReadWords("-compare_times", "laws of the training times of joint nets", compare_law_names,
                      "uniform,lognormal", law, &nlaws, NULL));
  r->nscores = 0;
  for (int k = 0; k < nkinds; k++)
    for (int l = 0; l < (kind[k] == LEARNT_JOINT ? nlaws : 1); l++)
      r->score[r->nscores++] = (CompareScore){kind[k], kind[k] == LEARNT_JOINT ? law[l] : LAW_LOGNORMAL};
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
                      "time,temperature,variance,sigma", r->way, &r->nways, &given->ways_set));
  PetscCall(ReadScores(r, &given->scores_set));
  PetscCall(ReadWords("-compare_schemes", "steps of the reverse process", compare_scheme_names, "em,ddim",
                      r->scheme, &r->nschemes, NULL));
  PetscCall(ReadWords("-compare_last", "last step of em", compare_last_names, "none,denoise", r->last,
                      &r->nlasts, NULL));
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

/* Unknown metrics, while the name of the option is still at hand */
static PetscErrorCode CheckMetrics(const char *list)
{
  char copy[256], names[512], word_with[80], all[520], *save = NULL;

  PetscFunctionBegin;
  PetscCall(MetricsListNames(sizeof(names), names));
  snprintf(all, sizeof(all), " %s ", names);
  snprintf(copy, sizeof(copy), "%s", list);
  for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    snprintf(word_with, sizeof(word_with), " %.76s ", word);
    AdCheckInput(strstr(all, word_with), "-compare_metrics: unknown metric '%s'; expected some of %s", word,
                 names);
  }
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
      {"-sampler_last", "-compare_last"},      {"-sampler_evaluations", "-compare_steps"}};

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

/*
  CompareReadOptions - all options of a comparison and of its parts, the data set, and the plan

  Input:  seed, output, command  of the command line; weights are kept in the folder output without .h5
  Errors: AD_ERR_INPUT naming the option that is wrong, before anything is computed
*/
PetscErrorCode CompareReadOptions(Compare *c, uint64_t seed, const char *output, const char *command)
{
  CompareRequest *r     = &c->request;
  Given           given = {0};
  const char     *dot   = strrchr(output, '.');

  PetscFunctionBegin;
  c->floor_sets = 8;
  r->seed       = seed;
  PetscCall(ReadRequest(c, &given));
  PetscCall(RefuseOwnKeys());
  PetscCall(CheckMetrics(c->metrics_list));
  PetscCall(CompareReadNoises(r, given.noises));
  PetscCall(CompareReadSampler(r));
  PetscCall(ReadSmallestSigma(r));
  PetscCall(CheckWays(r, given.ways_set));
  for (int w = 0; w < r->nways; w++)
    if (r->way[w] == WAY_SIGMA) PetscCall(CheckSigmas(r));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, seed));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(CheckScores(c, r, given.scores_set));
  PetscCall(MakePlan(c));
  if (!dot || strchr(dot, '/')) dot = output + strlen(output);
  AdCheckInput(snprintf(c->folder, sizeof(c->folder), "%.*s", (int)(dot - output), output) <
                   (int)sizeof(c->folder) - 64,
               "-o: the file name is too long");
  PetscCall(CompareCheckRuns(c));
  PetscCall(OptionsCheckUnused(command));
  PetscFunctionReturn(PETSC_SUCCESS);
}
