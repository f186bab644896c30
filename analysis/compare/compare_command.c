/*
  adiff compare: reference and floor, trainings and samplings, tables and verdicts
*/
#include "private/compareimpl.h"
#include "adcommand.h"
#include "admetrickernels.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- set-up ---- */

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
  const MixtureData *law, *peaks;
  MetricsReference   reference;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(c->dataset, &coordinates));
  PetscCall(DatasetGetMixture(c->dataset, &law));
  PetscCall(DatasetGetPeaks(c->dataset, &peaks));
  PetscCall(MetricsRestoreMixture(law, coordinates, &c->law));
  PetscCall(MetricsRestoreMixture(peaks, coordinates, &c->peaks));
  c->M = c->reference_rows;
  PetscCall(DatasetCountRows(c->dataset, SPLIT_TEST, "-compare_reference_samples", 10000, &c->M));
  PetscCall(MetricsSpacedRows(c->dataset, SPLIT_TEST, 0, c->M, &c->rows));
  reference = (MetricsReference){c->M, c->rows, coordinates, law ? &c->law : NULL, peaks ? &c->peaks : NULL};
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
  PetscCall(MetricsFreeMixture(&c->law));
  PetscCall(MetricsFreeMixture(&c->peaks));
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
  PetscCall(CompareReadOptions(c, line->seed, line->output, line->name));
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
