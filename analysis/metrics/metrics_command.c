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

/* Does anything say what data to compare with? */
static PetscErrorCode DataAreGiven(PetscBool *given)
{
  char *options;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &options));
  *given = strstr(options, "-dataset_") ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscFree(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reference ---- */

/* This rank's share of N rows of a split, in raw units; caller frees. index[n] are those of this rank. */
static PetscErrorCode TakeRows(Dataset dataset, DatasetSplit split, int64_t n, const int64_t *index,
                               double **x)
{
  const Coordinates *c;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(PetscMalloc1(n * c->d + 1, x));
  PetscCall(DatasetGetRows(dataset, split, n, index, *x, NULL));
  coordinates_restore(c, n, *x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsSpacedRows - N rows of a split in raw units on every rank, evenly spaced where there are more; from `first` on where
  they have no end, rows that no training draws

  Output: x[N][d]  caller frees
*/
PetscErrorCode MetricsSpacedRows(Dataset dataset, DatasetSplit split, int64_t first, int64_t N, double **x)
{
  int64_t size, mine, n, *index;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(dataset, split, &size));
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &mine, &n));
  PetscCall(PetscMalloc1(n + 1, &index));
  for (int64_t r = 0; r < n; r++)
    index[r] = size < 0 ? FIRST_FRESH + first + mine + r : (mine + r) * size / N;
  PetscCall(TakeRows(dataset, split, n, index, x));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Indices first .. first + n - 1 of draws with replacement from size rows; another draw for every step */
static PetscErrorCode DrawIndices(uint64_t seed, uint32_t step, int64_t size, int64_t first, int64_t n,
                                  int64_t *index)
{
  double *u;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n + 1, &u));
  rng_uniform((RngStream){seed, RNG_METRICS, step}, (uint64_t)first, (size_t)n, 1, u);
  for (int64_t r = 0; r < n; r++) index[r] = (int64_t)(u[r] * (double)size);
  PetscCall(PetscFree(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N rows drawn at random, with replacement, from all of a data set's file, or from the reference file. */
static PetscErrorCode RandomRows(const Comparison *c, uint32_t step, int64_t N, double **x)
{
  const uint64_t seed = c->choices.settings.seed;
  const int      d    = c->coordinates.d;
  int64_t        size = c->M, first, n, *index;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &first, &n));
  PetscCall(PetscMalloc1(N, &index));
  if (c->dataset) {
    PetscCall(DatasetGetSize(c->dataset, SPLIT_ALL, &size));
    PetscCall(DrawIndices(seed, step, size, first, n, index));
    PetscCall(TakeRows(c->dataset, SPLIT_ALL, n, index, x));
  } else {
    PetscCall(DrawIndices(seed, step, size, 0, N, index));
    PetscCall(PetscMalloc1(n * d + 1, x));
    PetscCall(MetricsPickRows(c->M, d, c->rows, N, index, *x));
  }
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsRestoreMixture - a mixture in diffused units (NULL: none) to raw ones; MetricsFreeMixture frees it. */
PetscErrorCode MetricsRestoreMixture(const MixtureData *from, const Coordinates *c, MixtureData *to)
{
  double *mean, *var;

  PetscFunctionBegin;
  if (!from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2((int64_t)from->n * from->d, &mean, (int64_t)from->n * from->d, &var));
  for (int64_t k = 0; k < (int64_t)from->n * from->d; k++) {
    const int i = (int)(k % from->d);

    mean[k] = from->mean[k] * c->scale[i] + c->shift[i];
    var[k]  = from->var[k] * c->scale[i] * c->scale[i];
  }
  *to = (MixtureData){from->n, from->d, from->weight, mean, var};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MetricsFreeMixture(MixtureData *law)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(law->mean, law->var));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReferenceFromDataset(Comparison *c)
{
  const Coordinates *coordinates;
  const MixtureData *law, *peaks;

  PetscFunctionBegin;
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(DatasetPrintSummary(c->dataset));
  PetscCall(DatasetGetLabel(c->dataset, &c->label));
  PetscCall(DatasetGetCoordinates(c->dataset, &coordinates));
  PetscCall(CoordinatesCopy(coordinates, &c->coordinates));
  PetscCall(DatasetGetMixture(c->dataset, &law));
  PetscCall(DatasetGetPeaks(c->dataset, &peaks));
  PetscCall(MetricsRestoreMixture(law, coordinates, &c->law));
  PetscCall(MetricsRestoreMixture(peaks, coordinates, &c->peaks));
  c->named = PETSC_TRUE;
  c->M     = c->choices.rows;
  PetscCall(DatasetCountRows(c->dataset, SPLIT_TEST, "-metrics_reference_samples", 10000, &c->M));
  PetscCall(MetricsSpacedRows(c->dataset, SPLIT_TEST, 0, c->M, &c->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReferenceFromFile(Comparison *c)
{
  const char *path = c->choices.reference;
  SampleFile *file = &c->source;

  PetscFunctionBegin;
  PetscCall(MetricsOpenFile("-metrics_reference", path, c->choices.set, file));
  c->named = file->coordinates.d ? PETSC_TRUE : PETSC_FALSE;
  if (c->named)
    PetscCall(CoordinatesCopy(&file->coordinates, &c->coordinates));
  else {
    PetscCall(CoordinatesAllocate(file->width, &c->coordinates));
    PetscCall(PetscArraycpy(c->coordinates.name, file->name, file->width));
  }
  AdCheckInput(file->width % c->coordinates.d == 0,
               "-metrics_reference: '%s': rows of %d numbers, expected a multiple of %d", path, file->width,
               c->coordinates.d);
  PetscCall(MetricsReadRows(file, c->coordinates.d, &c->rows));
  c->M     = file->N;
  c->label = path;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MetricsReference reference_of(const Comparison *c, const double *rows)
{
  return (MetricsReference){c->M, rows, &c->coordinates, c->law.n ? &c->law : NULL,
                            c->peaks.n ? &c->peaks : NULL};
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
  reference = reference_of(c, c->rows);
  PetscCall(MetricsCreate(&c->choices.settings, &reference, &c->metrics));
  PetscCall(MetricsGetColumns(c->metrics, &c->nm, &c->column));
  PetscCall(MetricsGetParts(c->metrics, &c->nparts, &c->part, &c->nv));
  PetscCall(MetricsGetHistogram(c->metrics, &c->histogram));
  PetscCall(AdPrint("reference %lld rows of %s%s\n", (long long)c->M, c->label,
                    c->last ? ", the last file given" : ""));
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
  const int64_t    N = c->file[0].N;
  MetricsReference reference;
  Metrics          metrics;
  double          *x, *y;

  PetscFunctionBegin;
  PetscCall(RandomRows(c, 1 + 2 * (uint32_t)set, N, &x));
  PetscCall(RandomRows(c, 2 + 2 * (uint32_t)set, c->M, &y));
  reference = reference_of(c, y);
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
  PetscCall(PetscCalloc3(sets * c->nv, &value, sets, &work, sets, &group));
  for (int set = 0; set < sets; set++) PetscCall((*measure)(c, set, value + (size_t)set * c->nv));
  group_statistics(sets, c->nv, value, group, 1, work, &files, mean, err);
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
  for (int k = 0; k < c->nv; k++) c->floor[k] = c->floor_err[k] = c->iid[k] = c->iid_err[k] = NAN;
  if (c->dataset) PetscCall(DatasetGetSize(c->dataset, SPLIT_ALL, &size));
  c->endless = size < 0 ? PETSC_TRUE : PETSC_FALSE;
  if (c->endless) {
    PetscCall(MeasureSets(c, MeasureFresh, c->floor, c->floor_err));
    PetscCall(PetscArraycpy(c->iid, c->floor, c->nv));
    PetscCall(PetscArraycpy(c->iid_err, c->floor_err, c->nv));
  } else {
    if (c->dataset) PetscCall(MeasureTraining(c));
    PetscCall(MeasureSets(c, MeasureIndependent, c->iid, c->iid_err));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- files ---- */

static PetscErrorCode ComputeFile(Comparison *c, int i, double *share)
{
  const int64_t K    = c->histogram.K + 1;
  const int     g    = c->group[i];
  double       *mean = c->share + g * K, *x;

  PetscFunctionBegin;
  PetscCall(MetricsReadRows(&c->file[i], c->coordinates.d, &x));
  PetscCall(MetricsCompute(c->metrics, c->file[i].N, x, c->single + (size_t)i * c->nv, share));
  if (c->files[g] == 1)
    PetscCall(MetricsGetErrors(c->metrics, c->file[i].N, x, c->jackknife + (size_t)g * c->nv));
  for (int64_t k = 0; k < K && c->histogram.rank; k++) mean[k] += share[k] / c->files[g];
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

/* Mean and standard error of each group; of a single file the error comes from its own rows. */
static PetscErrorCode Summarise(Comparison *c)
{
  double *work;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(c->nfiles, &work));
  group_statistics(c->nfiles, c->nv, c->single, c->group, c->ng, work, c->files, c->mean, c->err);
  for (int g = 0; g < c->ng; g++)
    if (c->files[g] == 1)
      PetscCall(PetscArraycpy(c->err + (size_t)g * c->nv, c->jackknife + (size_t)g * c->nv, c->nv));
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenFiles(Comparison *c)
{
  PetscBool found = c->choices.set[0] ? PETSC_FALSE : PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(c->nfiles, &c->file));
  for (int i = 0; i < c->nfiles; i++) {
    PetscCall(MetricsOpenFile("metrics", c->path[i], c->choices.set, &c->file[i]));
    PetscCall(MetricsCheckFile(c, &c->file[i]));
    if (!strcmp(c->file[i].set, c->choices.set)) found = PETSC_TRUE;
  }
  if (!strcmp(c->source.set, c->choices.set)) found = PETSC_TRUE;
  AdCheckInput(found, "-metrics_set: no file has a dataset '%s'", c->choices.set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compute(Comparison *c)
{
  const size_t n = (size_t)c->nfiles, nv = (size_t)c->nv;
  double      *share;

  PetscFunctionBegin;
  PetscCall(OpenFiles(c));
  PetscCall(GroupFiles(c));
  PetscCall(
      PetscMalloc4(n * nv, &c->single, c->ng * nv, &c->mean, c->ng * nv, &c->err, c->ng * nv, &c->jackknife));
  PetscCall(PetscMalloc6(nv, &c->floor, nv, &c->floor_err, nv, &c->iid, nv, &c->iid_err, nv, &c->level, nv,
                         &c->level_err));
  PetscCall(PetscCalloc1(c->ng * (c->histogram.K + 1), &c->share));
  PetscCall(PetscMalloc1(c->histogram.K + 1, &share));
  for (int i = 0; i < c->nfiles; i++) PetscCall(ComputeFile(c, i, share));
  PetscCall(Summarise(c));
  PetscCall(MetricsGetLevels(c->metrics, c->level, c->level_err));
  PetscCall(ComputeFloors(c));
  PetscCall(PetscFree(share));
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
    line[g] = (MetricsLine){own[g], c->files[g], c->mean + (size_t)g * c->nv, c->err + (size_t)g * c->nv};
  line[lines++] = (MetricsLine){"reference", 0, c->level, c->level_err};
  if (c->endless)
    line[lines++] = (MetricsLine){"floor: fresh rows", 0, c->floor, c->floor_err};
  else {
    line[lines++] = (MetricsLine){"floor: training rows", 0, c->floor, NULL};
    line[lines++] = (MetricsLine){"floor: iid rows", 0, c->iid, c->iid_err};
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
  PetscCall(MetricsFreeMixture(&c->law));
  PetscCall(MetricsFreeMixture(&c->peaks));
  PetscCall(PetscFree(c->rows));
  PetscCall(MetricsCloseFile(&c->source));
  for (int i = 0; i < c->nfiles; i++) PetscCall(MetricsCloseFile(&c->file[i]));
  PetscCall(PetscFree(c->file));
  PetscCall(PetscFree(c->group));
  PetscCall(PetscFree(c->files));
  PetscCall(PetscFree(c->share));
  PetscCall(PetscFree4(c->single, c->mean, c->err, c->jackknife));
  PetscCall(PetscFree6(c->floor, c->floor_err, c->iid, c->iid_err, c->level, c->level_err));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the reference comes from: -metrics_reference, a data set, or the last of several files. */
static PetscErrorCode ChooseReference(Comparison *c, const CommandLine *line)
{
  PetscBool given = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DataAreGiven(&given));
  c->path   = line->inputs;
  c->nfiles = line->ninputs;
  c->last   = !given && !c->choices.reference[0] && line->ninputs > 1 ? PETSC_TRUE : PETSC_FALSE;
  if (c->last) snprintf(c->choices.reference, sizeof(c->choices.reference), "%s", line->inputs[--c->nfiles]);
  if (!c->choices.reference[0]) {
    PetscCall(MetricsReadAmount(&c->choices));
    PetscCall(DatasetCreate(&c->dataset));
    PetscCall(DatasetSetSeed(c->dataset, line->seed));
    PetscCall(DatasetSetFromOptions(c->dataset));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsRun - adiff metrics: compare files of rows with a reference; files of one label repeat one run

  Input:  line  inputs are files of rows: /samples/state of adiff, another dataset of an HDF5 file, or text; the reference
                is -metrics_reference, or the data set (test rows of a file, fresh rows of a law), or the last of several
                files where options give neither
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
  PetscCall(MetricsReadChoices(&c.choices));
  c.choices.settings.seed = line->seed;
  PetscCall(ChooseReference(&c, line));
  PetscCall(OptionsCheckUnused(line->name));
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
