/*
  adiff metrics: sample files against reference rows, a table and a result file
*/
#include "adcommand.h"
#include "private/metricsimpl.h"
#include "adrng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIRST_FRESH ((int64_t)1 << 40) /* rows of an endless data set that no other command draws */

/* ---- options ---- */

static PetscErrorCode ReadWindow(MetricsSettings *settings)
{
  PetscReal window[2];
  PetscInt  n = 0;
  PetscBool set;

  PetscFunctionBegin;
  PetscCall(OptRealList("-metrics_window", "lo,hi of the bins of kl on every axis; from the law unless given",
                        RANGE_ANY, 2, window, &n, &set));
  AdCheckInput(!set || (n == 2 && window[0] < window[1]), "-metrics_window: expected lo,hi with lo < hi");
  if (set) PetscCall(PetscArraycpy(settings->window, window, 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadChoices(Choices *c)
{
  MetricsSettings *settings = &c->settings;
  PetscInt         directions, bins, kl_bins;
  char             names[256], text[300];

  PetscFunctionBegin;
  PetscCall(MetricsListNames(sizeof(names), names));
  snprintf(text, sizeof(text), "some of %s; all that apply unless given", names);
  *settings  = metrics_defaults;
  directions = settings->directions;
  bins       = settings->bins;
  kl_bins    = settings->kl_bins;
  PetscCall(OptString("-metrics_list", text, c->list, sizeof(c->list), NULL));
  PetscCall(OptString("-metrics_reference", "sample file to compare with, in place of a data set",
                      c->reference, sizeof(c->reference), NULL));
  PetscCall(OptInt("-metrics_directions", "projections of sw2", RANGE(1, 1e5), &directions, NULL));
  PetscCall(OptInt("-metrics_js_bins", "bins an axis of js and of the histograms written", RANGE(2, 500),
                   &bins, NULL));
  PetscCall(OptInt("-metrics_bins", "bins an axis of kl, 0: 120 on a line, 64 in the plane", RANGE(0, 2000),
                   &kl_bins, NULL));
  PetscCall(ReadWindow(settings));
  PetscCall(
      OptBool("-metrics_basins", "take the first two columns for phi and psi", &settings->basins, NULL));
  settings->list       = c->list;
  settings->directions = (int)directions;
  settings->bins       = (int)bins;
  settings->kl_bins    = (int)kl_bins;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How much of a data set to take: no use with a reference file. */
static PetscErrorCode ReadAmounts(Choices *c)
{
  PetscFunctionBegin;
  PetscCall(OptInt("-metrics_reference_samples", "reference rows; 0: all test rows of a file, 10000 of a law",
                   RANGE_NONNEGATIVE, &c->rows, NULL));
  PetscCall(OptInt("-metrics_floor_sets", "pairs of independent sets behind the noise floor, 0: none",
                   RANGE(0, 1000), &c->floors, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void choices_defaults(Choices *c)
{
  memset(c, 0, sizeof(*c));
  c->floors = 4;
}

PetscErrorCode MetricsRunDeclareOptions(void)
{
  Choices c;

  PetscFunctionBegin;
  choices_defaults(&c);
  PetscCall(ReadChoices(&c));
  PetscCall(ReadAmounts(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reference ---- */

/* Rows of a split in raw units on every rank; caller frees. */
static PetscErrorCode TakeRows(Dataset dataset, DatasetSplit split, int64_t N, const int64_t *index,
                               double **x)
{
  const Coordinates *c;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(PetscMalloc1(N * c->d, x));
  PetscCall(DatasetGetRows(dataset, split, N, index, *x, NULL));
  coordinates_restore(c, N, *x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsSpacedRows - N rows of a split in raw units on every rank, evenly spaced where there are more; from `first` on where
  they have no end, rows that no training draws

  Output: x[N][d]  caller frees
*/
PetscErrorCode MetricsSpacedRows(Dataset dataset, DatasetSplit split, int64_t first, int64_t N, double **x)
{
  int64_t size, *index;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(dataset, split, &size));
  PetscCall(PetscMalloc1(N, &index));
  for (int64_t r = 0; r < N; r++) index[r] = size < 0 ? FIRST_FRESH + first + r : r * size / N;
  PetscCall(TakeRows(dataset, split, N, index, x));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N rows drawn at random, with replacement, from all of a file; another draw for every step. */
static PetscErrorCode RandomRows(Dataset dataset, uint64_t seed, uint32_t step, int64_t N, double **x)
{
  int64_t size, *index;
  double *u;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(dataset, SPLIT_ALL, &size));
  PetscCall(PetscMalloc2(N, &index, N, &u));
  rng_uniform((RngStream){seed, RNG_METRICS, step}, 0, (size_t)N, 1, u);
  for (int64_t r = 0; r < N; r++) index[r] = (int64_t)(u[r] * (double)size);
  PetscCall(TakeRows(dataset, SPLIT_ALL, N, index, x));
  PetscCall(PetscFree2(index, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReferenceFromDataset(Comparison *c)
{
  const Coordinates *coordinates;

  PetscFunctionBegin;
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(DatasetPrintSummary(c->dataset));
  PetscCall(DatasetGetLabel(c->dataset, &c->label));
  PetscCall(DatasetGetCoordinates(c->dataset, &coordinates));
  PetscCall(CoordinatesCopy(coordinates, &c->coordinates));
  PetscCall(DatasetGetMixture(c->dataset, &c->law));
  c->M = c->choices.rows;
  PetscCall(DatasetCountRows(c->dataset, SPLIT_TEST, "-metrics_reference_samples", 10000, &c->M));
  PetscCall(MetricsSpacedRows(c->dataset, SPLIT_TEST, 0, c->M, &c->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReferenceFromFile(Comparison *c)
{
  const char *path = c->choices.reference;
  Input       in;
  int         width;
  PetscBool   has;

  PetscFunctionBegin;
  PetscCall(InputOpen("-metrics_reference", path, &in));
  PetscCall(MetricsReadShape(path, in, &c->M, &width));
  PetscCall(InputHas(in, "/coordinates/shift", &has));
  if (has)
    PetscCall(CoordinatesRead(in, &c->coordinates));
  else
    PetscCall(CoordinatesAllocate(width, &c->coordinates));
  AdCheckInput(width % c->coordinates.d == 0,
               "-metrics_reference: '%s': rows of %d numbers, expected a multiple of %d", path, width,
               c->coordinates.d);
  PetscCall(MetricsReadState(path, in, c->M, width, c->coordinates.d, &c->rows));
  PetscCall(InputClose(&in));
  c->label = path;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpReference(Comparison *c)
{
  MetricsReference reference;

  PetscFunctionBegin;
  if (c->dataset)
    PetscCall(ReferenceFromDataset(c));
  else
    PetscCall(ReferenceFromFile(c));
  PetscCall(CoordinatesJoinNames(&c->coordinates, &c->columns));
  reference = (MetricsReference){c->M, c->rows, &c->coordinates, c->law};
  PetscCall(MetricsCreate(&c->choices.settings, &reference, &c->metrics));
  PetscCall(MetricsGetColumns(c->metrics, &c->nm, &c->column));
  PetscCall(MetricsGetHistogram(c->metrics, &c->histogram));
  PetscCall(AdPrint("reference %lld rows of %s\n", (long long)c->M, c->label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- noise floors ---- */

/* Fresh rows of a law against the reference: what a perfect sampler would show in this very table. */
static PetscErrorCode MeasureFresh(Comparison *c, int set, double *value)
{
  const int64_t N = c->file[0].N;
  double       *x;

  PetscFunctionBegin;
  PetscCall(MetricsSpacedRows(c->dataset, SPLIT_TEST, c->M + set * N, N, &x));
  PetscCall(MetricsCompute(c->metrics, N, x, value, NULL));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two independent draws from all rows of a file, as many as there are samples and reference rows. */
static PetscErrorCode MeasureIndependent(Comparison *c, int set, double *value)
{
  const int64_t    N         = c->file[0].N;
  const uint64_t   seed      = c->choices.settings.seed;
  MetricsReference reference = {c->M, NULL, &c->coordinates, c->law};
  Metrics          metrics;
  double          *x, *y;

  PetscFunctionBegin;
  PetscCall(RandomRows(c->dataset, seed, 1 + 2 * (uint32_t)set, N, &x));
  PetscCall(RandomRows(c->dataset, seed, 2 + 2 * (uint32_t)set, c->M, &y));
  reference.x = y;
  PetscCall(MetricsCreate(&c->choices.settings, &reference, &metrics));
  PetscCall(MetricsCompute(metrics, N, x, value, NULL));
  PetscCall(MetricsDestroy(&metrics));
  PetscCall(PetscFree(x));
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and standard error over several sets. */
static PetscErrorCode MeasureSets(Comparison *c, PetscErrorCode (*measure)(Comparison *, int, double *),
                                  double *mean, double *err)
{
  const int sets = (int)c->choices.floors;
  double   *value, *work;
  int      *group, files;

  PetscFunctionBegin;
  if (!sets) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc3(sets * c->nm, &value, sets, &work, sets, &group));
  for (int set = 0; set < sets; set++) PetscCall((*measure)(c, set, value + (size_t)set * c->nm));
  group_statistics(sets, c->nm, value, group, 1, work, &files, mean, err);
  PetscCall(PetscFree3(value, work, group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Training rows of a file against its test rows: what two stretches of real data differ by. */
static PetscErrorCode MeasureTraining(Comparison *c)
{
  int64_t size, rows;
  double *x;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(c->dataset, SPLIT_TRAIN, &size));
  rows = PetscMin(c->file[0].N, size);
  if (!rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MetricsSpacedRows(c->dataset, SPLIT_TRAIN, 0, rows, &x));
  PetscCall(MetricsCompute(c->metrics, rows, x, c->floor, NULL));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same metrics of the reference against its like; sets have as many rows as the first sample file. */
static PetscErrorCode ComputeFloors(Comparison *c)
{
  int64_t size = 0;

  PetscFunctionBegin;
  for (int k = 0; k < c->nm; k++) c->floor[k] = c->floor_err[k] = c->iid[k] = c->iid_err[k] = NAN;
  if (c->dataset) PetscCall(DatasetGetSize(c->dataset, SPLIT_ALL, &size));
  c->endless = size < 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!c->dataset)
    PetscCall(MetricsGetIidFloor(c->metrics, c->file[0].N, c->iid));
  else if (c->endless) {
    PetscCall(MeasureSets(c, MeasureFresh, c->floor, c->floor_err));
    PetscCall(PetscArraycpy(c->iid, c->floor, c->nm));
    PetscCall(PetscArraycpy(c->iid_err, c->floor_err, c->nm));
  } else {
    PetscCall(MeasureTraining(c));
    PetscCall(MeasureSets(c, MeasureIndependent, c->iid, c->iid_err));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- files ---- */

static PetscErrorCode ComputeFile(Comparison *c, int i, double *share)
{
  const int64_t K    = c->histogram.K + 1;
  double       *mean = c->share + c->group[i] * K, *x;
  Input         in;

  PetscFunctionBegin;
  PetscCall(InputOpen("metrics", c->path[i], &in));
  PetscCall(MetricsReadState(c->path[i], in, c->file[i].N, c->file[i].width, c->coordinates.d, &x));
  PetscCall(InputClose(&in));
  PetscCall(MetricsCompute(c->metrics, c->file[i].N, x, c->single + (size_t)i * c->nm, share));
  for (int64_t k = 0; k < K && c->histogram.rank; k++) mean[k] += share[k] / c->files[c->group[i]];
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GroupFiles(Comparison *c)
{
  const char **label;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->nfiles, &label));
  PetscCall(PetscMalloc1(c->nfiles, &c->group));
  for (int i = 0; i < c->nfiles; i++) label[i] = c->file[i].label;
  c->ng = label_groups(c->nfiles, label, c->group);
  PetscCall(PetscCalloc1(c->ng, &c->files));
  for (int i = 0; i < c->nfiles; i++) c->files[c->group[i]]++;
  PetscCall(PetscFree(label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compute(Comparison *c)
{
  const int n = c->nfiles, nm = c->nm;
  double   *share, *work;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n, &c->file));
  for (int i = 0; i < n; i++) PetscCall(MetricsReadHeader(c, c->path[i], &c->file[i]));
  PetscCall(GroupFiles(c));
  PetscCall(PetscMalloc3(n * nm, &c->single, c->ng * nm, &c->mean, c->ng * nm, &c->err));
  PetscCall(PetscMalloc6(nm, &c->floor, nm, &c->floor_err, nm, &c->iid, nm, &c->iid_err, nm, &c->level, nm,
                         &c->level_err));
  PetscCall(PetscCalloc1(c->ng * (c->histogram.K + 1), &c->share));
  PetscCall(PetscMalloc2(c->histogram.K + 1, &share, n, &work));
  for (int i = 0; i < n; i++) PetscCall(ComputeFile(c, i, share));
  group_statistics(n, nm, c->single, c->group, c->ng, work, c->files, c->mean, c->err);
  PetscCall(MetricsGetLevels(c->metrics, c->level, c->level_err));
  PetscCall(ComputeFloors(c));
  PetscCall(PetscFree2(share, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- output ---- */

enum { COMMON = 8192 }; /* bytes of what labels have in common */

static PetscErrorCode Print(const Comparison *c)
{
  const char **label;
  char(*own)[METRICS_LABEL], *common;
  MetricsLine *line;
  int          lines = c->ng;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(c->ng, &label, c->ng, &own, c->ng + 3, &line));
  PetscCall(PetscMalloc1(COMMON, &common));
  for (int i = c->nfiles - 1; i >= 0; i--) label[c->group[i]] = c->file[i].label;
  factor_labels(c->ng, label, COMMON, common, own);
  for (int g = 0; g < c->ng; g++)
    line[g] = (MetricsLine){own[g], c->files[g], c->mean + (size_t)g * c->nm, c->err + (size_t)g * c->nm};
  line[lines++] = (MetricsLine){"reference", 0, c->level, c->level_err};
  if (c->endless)
    line[lines++] = (MetricsLine){"floor: fresh rows", 0, c->floor, c->floor_err};
  else {
    line[lines++] = (MetricsLine){"floor: training rows", 0, c->floor, NULL};
    line[lines++] =
        (MetricsLine){c->dataset ? "floor: iid rows" : "floor: iid formula", 0, c->iid, c->iid_err};
  }
  PetscCall(AdPrint("%s", common));
  PetscCall(MetricsPrintTable(c->nm, c->column, lines, line));
  PetscCall(PetscFree(common));
  PetscCall(PetscFree3(label, own, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(Comparison *c)
{
  PetscFunctionBegin;
  PetscCall(MetricsDestroy(&c->metrics));
  PetscCall(DatasetDestroy(&c->dataset));
  PetscCall(CoordinatesFree(&c->coordinates));
  PetscCall(PetscFree(c->columns));
  PetscCall(PetscFree(c->rows));
  PetscCall(PetscFree(c->file));
  PetscCall(PetscFree(c->group));
  PetscCall(PetscFree(c->files));
  PetscCall(PetscFree(c->share));
  PetscCall(PetscFree3(c->single, c->mean, c->err));
  PetscCall(PetscFree6(c->floor, c->floor_err, c->iid, c->iid_err, c->level, c->level_err));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsRun - adiff metrics: compare sample files with a reference; files of one label repeat one run

  Input:  line  inputs are sample files (/samples/state); the reference is -metrics_reference or the data set:
                test rows of a file, fresh rows of a law
  Errors: AD_ERR_INPUT when there is no file, or one has no samples, other columns, or bad numbers
*/
PetscErrorCode MetricsRun(const CommandLine *line)
{
  Comparison c = {0};
  Output     out;

  PetscFunctionBegin;
  AdCheckInput(line->ninputs > 0,
               "metrics: no sample files given, e.g. adiff metrics results/sample.h5 -dataset_preset "
               "diamond");
  choices_defaults(&c.choices);
  PetscCall(ReadChoices(&c.choices));
  c.choices.settings.seed = line->seed;
  if (!c.choices.reference[0]) {
    PetscCall(ReadAmounts(&c.choices));
    PetscCall(DatasetCreate(&c.dataset));
    PetscCall(DatasetSetSeed(c.dataset, line->seed));
    PetscCall(DatasetSetFromOptions(c.dataset));
  }
  PetscCall(OptionsCheckUnused(line->name));
  c.nfiles = line->ninputs;
  c.path   = line->inputs;
  PetscCall(SetUpReference(&c));
  PetscCall(Compute(&c));
  PetscCall(Print(&c));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(MetricsWrite(&c, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(Free(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
