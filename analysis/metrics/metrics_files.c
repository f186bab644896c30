/*
  Sample files in, the result file out
*/
#include "private/metricsimpl.h"
#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const RunColumn run_columns[] = {
    {"/process", "type", "process", 1},
    {"/process", "label", "process_label", 1},
    {"/process", "t_final", "t_final", 0},
    {"/process", "rate", "rate", 0},
    {"/process", "k", "k", 0},
    {"/process", "tau", "tau", 0},
    {"/process", "ta", "ta", 0},
    {"/process", "tp", "tp", 0},
    {"/process", "temperature", "temperature", 0},
    {"/samples", "steps", "steps", 0},
    {"/samples", "evaluations", "evaluations", 0},
    {"/samples", "order", "order", 0},
    {"/samples", "scheme", "scheme", 1},
    {"/samples", "grid", "grid", 1},
    {"/samples", "score", "score", 1},
    {"/samples", "prior", "prior", 1},
    {"/samples", "last", "last", 1},
};

enum { RUN_COLUMNS = sizeof(run_columns) / sizeof(run_columns[0]) };

/* ---- files of rows ---- */

static PetscErrorCode ReadRunColumns(Input in, SampleFile *file)
{
  PetscFunctionBegin;
  for (int k = 0; k < RUN_COLUMNS; k++) {
    const RunColumn *column = &run_columns[k];
    PetscBool        found;

    file->number[k] = NAN;
    if (column->is_text)
      PetscCall(InputAttrString(in, column->object, column->attribute, RUN_TEXT, file->text[k], &found));
    else
      PetscCall(InputAttrReal(in, column->object, column->attribute, 1, &file->number[k], &found));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What an HDF5 file says beside its rows */
static PetscErrorCode ReadHeader(Input in, SampleFile *file)
{
  PetscBool has, found;

  PetscFunctionBegin;
  PetscCall(InputHas(in, "/coordinates/shift", &has));
  if (has && !strcmp(file->set, "/samples/state")) PetscCall(CoordinatesRead(in, &file->coordinates));
  PetscCall(InputAttrString(in, "/samples", "label", sizeof(file->label), file->label, &found));
  PetscCall(ReadRunColumns(in, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which dataset of an HDF5 file: the one named, where the file has it, else the usual one. */
static PetscErrorCode NameSet(const char *option, const char *path, const char *named, SampleFile *file)
{
  Input     in;
  PetscBool has;

  PetscFunctionBegin;
  if (!named[0] || table_is_text(path)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InputOpen(option, path, &in));
  PetscCall(InputHas(in, named, &has));
  PetscCall(InputClose(&in));
  if (has) snprintf(file->set, sizeof(file->set), "%s", named);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsOpenFile - all that a file says but its rows, so that a bad file ends the run before anything is computed

  Input:  option  for messages
          set     dataset of an HDF5 file, taken where the file has it; else /samples/state, or the only one with two axes
  Errors: AD_ERR_INPUT when it cannot be read, or which dataset is meant is not clear
*/
PetscErrorCode MetricsOpenFile(const char *option, const char *path, const char *set, SampleFile *file)
{
  Table table;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(file, sizeof(*file)));
  for (int k = 0; k < RUN_COLUMNS; k++) file->number[k] = NAN;
  file->path = path;
  PetscCall(NameSet(option, path, set, file));
  PetscCall(TableOpen(option, "-metrics_set", path, sizeof(file->set), file->set, &table));
  file->N     = table.N;
  file->width = table.D;
  PetscCall(PetscMalloc1(table.D, &file->name));
  PetscCall(PetscArraycpy(file->name, table.name, table.D));
  if (table.in) PetscCall(ReadHeader(table.in, file));
  PetscCall(TableClose(&table));
  if (!file->label[0]) snprintf(file->label, sizeof(file->label), "%s", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MetricsCloseFile(SampleFile *file)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(file->name));
  PetscCall(CoordinatesFree(&file->coordinates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of a text file from rank 0, which alone has read them, to their owners: x[n][width] */
static PetscErrorCode ScatterText(const SampleFile *file, double *x)
{
  int      size;
  char     none[1] = "";
  Table    table;
  int64_t *start, *index;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TableOpen("metrics", "-metrics_set", file->path, sizeof(none), none, &table));
  PetscCall(PetscMalloc2(size + 1, &start, file->N, &index));
  for (int r = 0; r <= size; r++) start[r] = r ? file->N : 0;
  for (int64_t k = 0; k < file->N; k++) index[k] = k;
  PetscCall(RowsSpread(start, file->width, table.csv.value, file->N, index, x));
  PetscCall(PetscFree2(start, index));
  PetscCall(TableClose(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsReadRows - the first d numbers of each row, this rank's rows only: x[n][d], AdSplitRows(N, METRIC_BLOCK, ...)

  Errors: AD_ERR_INPUT when some are not finite
*/
PetscErrorCode MetricsReadRows(const SampleFile *file, int d, double **x)
{
  const int width = file->width;
  int64_t   first, n, bad = 0;
  Input     in;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(file->N, METRIC_BLOCK, &first, &n));
  PetscCall(PetscMalloc1(n * width + 1, x));
  if (file->set[0]) {
    PetscCall(InputOpen("metrics", file->path, &in));
    PetscCall(InputReadRows(in, file->set, AD_DOUBLE, first, n, *x));
    PetscCall(InputClose(&in));
  } else
    PetscCall(ScatterText(file, *x));
  for (int64_t r = 0; r < n; r++) {
    int finite = 1;

    for (int i = 0; i < d; i++) {
      (*x)[r * d + i] = (*x)[r * width + i];
      finite &= isfinite((*x)[r * d + i]) != 0;
    }
    bad += !finite;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  AdCheckInput(!bad,
               "'%s': %lld of %lld samples are not finite; sample again with more steps or another scheme",
               file->path, (long long)bad, (long long)file->N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsCheckFile - are the columns those of the reference?

  Note: states of adiff hold auxiliary variables behind the data, so their rows may be several times as wide; other files
        must have as many columns as the reference
*/
PetscErrorCode MetricsCheckFile(const Comparison *c, const SampleFile *file)
{
  const int d = c->coordinates.d, state = !strcmp(file->set, "/samples/state");
  char     *names;

  PetscFunctionBegin;
  if (file->coordinates.d) {
    PetscCall(CoordinatesJoinNames(&file->coordinates, &names));
    AdCheckInput(
        file->coordinates.d == d && (!strcmp(names, c->columns) || !c->named),
        "'%s' holds samples of %.60s, the reference rows of %.60s; give their own data set or another "
        "-metrics_reference",
        file->path, names, c->columns);
    PetscCall(PetscFree(names));
  }
  AdCheckInput(state ? file->width % d == 0 : file->width == d,
               "'%s': rows of %d numbers, the reference '%s' has rows of %d (%.60s)", file->path, file->width,
               c->label, d, c->columns);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- results ---- */

static PetscErrorCode WriteTexts(Output out, const char *name, int64_t n, const char *const *text,
                                 const char *axis, const char *source)
{
  const DataInfo info = {axis, "1", source};

  PetscFunctionBegin;
  PetscCall(OutputWriteStrings(out, name, n, text, &info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The metrics: names, what they are, their units. */
static PetscErrorCode WriteColumns(const Comparison *c, Output out)
{
  const char              *name[METRICS_MAX], *units[METRICS_MAX], *text[METRICS_MAX], *kind[METRICS_MAX];
  static const char *const kinds[] = {
      [METRIC_DISTANCE] = "distance", [METRIC_LEVEL] = "level", [METRIC_SCORE] = "score"};

  PetscFunctionBegin;
  for (int k = 0; k < c->nm; k++) {
    name[k]  = c->column[k]->name;
    units[k] = c->column[k]->units;
    text[k]  = c->column[k]->text;
    kind[k]  = kinds[c->column[k]->kind];
  }
  PetscCall(WriteTexts(out, "/metrics/name", c->nm, name, "metric", "names of the metrics"));
  PetscCall(WriteTexts(out, "/metrics/units", c->nm, units, "metric",
                       "units of the metrics; scale: columns over /coordinates/scale, circles of radius 1"));
  PetscCall(WriteTexts(out, "/metrics/text", c->nm, text, "metric", "what the metrics are"));
  PetscCall(
      WriteTexts(out, "/metrics/kind", c->nm, kind, "metric",
                 "distance: 0 is best; level: that of the reference is best; score: the floor is best"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns first .. first + n - 1 of rows of nv numbers */
static void take_numbers(int rows, int nv, int first, int n, const double *from, double *to)
{
  for (int r = 0; r < rows; r++)
    memcpy(to + (size_t)r * n, from + (size_t)r * nv + first, (size_t)n * sizeof(*to));
}

/* One kind of result, for columns or for a part of them */
typedef struct {
  const char   *name, *axis; /* of its rows; NULL: one row */
  int           rows;
  const double *value; /* [rows][nv] */
  const char   *source;
} NumberTable;

/* n numbers of every row, as dataset prefix + name with axes "row,axis" */
static PetscErrorCode WriteTable(const Comparison *c, const NumberTable *t, const char *prefix,
                                 const char *axis, const char *units, int first, int n, Output out)
{
  const int64_t dims[] = {t->rows, n};
  char          name[96], axes[64];
  double       *some;

  PetscFunctionBegin;
  snprintf(name, sizeof(name), "/metrics/%s%s", prefix, t->name);
  snprintf(axes, sizeof(axes), "%s%s%s", t->axis ? t->axis : "", t->axis ? "," : "", axis);
  PetscCall(PetscMalloc1((size_t)t->rows * n, &some));
  take_numbers(t->rows, c->nv, first, n, t->value, some);
  {
    const DataInfo info = {axes, units, t->source};

    PetscCall(OutputWrite(out, name, AD_DOUBLE, t->axis ? 2 : 1, t->axis ? dims : dims + 1, some, &info));
  }
  PetscCall(PetscFree(some));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The columns as /metrics/value, ..., a part as /metrics/<part>, /metrics/<part>_stderr, ... */
static PetscErrorCode WriteNumbers(const Comparison *c, Output out)
{
  const NumberTable table[] = {
      {"value", "group", c->ng, c->mean, "mean over the files of a group"},
      {"stderr", "group", c->ng, c->err,
       "standard error over the files of a group; for a single file from leaving out stretches of its rows "
       "(jackknife), "
       "NaN for metrics too dear for that"},
      {"single", "file", c->nfiles, c->single, "value of each file"},
      {"floor", NULL, 1, c->floor,
       "fresh rows of the law, or training rows, against the reference: the best a sampler can show"},
      {"floor_stderr", NULL, 1, c->floor_err, "standard error of the noise floor; NaN for training rows"},
      {"iid_floor", NULL, 1, c->iid,
       "mean over pairs of independent draws; from a file with replacement, so that pairs share rows"},
      {"iid_stderr", NULL, 1, c->iid_err, "standard error of the mean over pairs"},
      {"reference", NULL, 1, c->level, "value of the reference; NaN for distances"},
      {"reference_stderr", NULL, 1, c->level_err,
       "standard error of the reference's value over ten stretches of its rows"},
  };

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
    PetscCall(WriteTable(c, &table[k], "", "metric", "see /metrics/units", 0, c->nm, out));
    for (int p = 0; p < c->nparts; p++) {
      const MetricPart *part = &c->part[p];
      char              prefix[64];

      snprintf(prefix, sizeof(prefix), "%s_", part->name);
      PetscCall(WriteTable(c, &table[k], prefix, part->axis, part->units, part->offset, part->n, out));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the parts are, and where the modes lie */
static PetscErrorCode WriteParts(const Comparison *c, Output out)
{
  const int64_t  dims[] = {c->peaks.n, c->peaks.d};
  const DataInfo centre = {"mode,column", "raw", "centre of each mode"},
                 weight = {"mode", "1", "weight of each mode in the law of the data"};

  PetscFunctionBegin;
  for (int p = 0; p < c->nparts; p++) {
    PetscCall(OutputAttrString(out, "/metrics", c->part[p].name, c->part[p].text));
    if (strcmp(c->part[p].name, "mode_weight") != 0) continue;
    PetscCall(OutputWrite(out, "/metrics/mode_centre", AD_DOUBLE, 2, dims, c->peaks.mean, &centre));
    PetscCall(OutputWrite(out, "/metrics/mode_weight_law", AD_DOUBLE, 1, dims, c->peaks.weight, &weight));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which files there were, and to which groups they belong. */
static PetscErrorCode WriteFiles(const Comparison *c, Output out)
{
  const int64_t  nf = c->nfiles, ng = c->ng;
  const DataInfo group = {"file", "1", "group of each file"}, rows = {"file", "1", "samples of each file"};
  const DataInfo files = {"group", "1", "files of each group"};
  int64_t       *of, *N, *count;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(nf, &of, nf, &N, ng, &count));
  for (int i = 0; i < c->nfiles; i++) {
    of[i] = c->group[i];
    N[i]  = c->file[i].N;
  }
  for (int g = 0; g < c->ng; g++) count[g] = c->files[g];
  PetscCall(OutputWrite(out, "/metrics/group", AD_INT64, 1, &nf, of, &group));
  PetscCall(OutputWrite(out, "/metrics/samples", AD_INT64, 1, &nf, N, &rows));
  PetscCall(OutputWrite(out, "/metrics/files", AD_INT64, 1, &ng, count, &files));
  PetscCall(WriteTexts(out, "/metrics/file", nf, (const char *const *)c->path, "file", "sample files"));
  PetscCall(PetscFree3(of, N, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRunColumn(const Comparison *c, int k, const SampleFile *const *first, Output out)
{
  const DataInfo info = {"group", "1", "as the first file of each group says; NaN: not said"};
  const int64_t  ng   = c->ng;
  char           name[64];
  const char   **text;
  double        *number;
  int            said = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(ng, &text, ng, &number));
  for (int g = 0; g < c->ng; g++) {
    text[g]   = first[g]->text[k];
    number[g] = first[g]->number[k];
    said |= run_columns[k].is_text ? text[g][0] != 0 : !isnan(number[g]);
  }
  snprintf(name, sizeof(name), "/metrics/%s", run_columns[k].name);
  if (said && run_columns[k].is_text) PetscCall(OutputWriteStrings(out, name, ng, text, &info));
  if (said && !run_columns[k].is_text) PetscCall(OutputWrite(out, name, AD_DOUBLE, 1, &ng, number, &info));
  PetscCall(PetscFree2(text, number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Labels, and what the first file of each group says of its run. */
static PetscErrorCode WriteRuns(const Comparison *c, Output out)
{
  const SampleFile **first;
  const char       **label;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(c->ng, &first, c->ng, &label));
  for (int i = c->nfiles - 1; i >= 0; i--) {
    first[c->group[i]] = &c->file[i];
    label[c->group[i]] = c->file[i].label;
  }
  PetscCall(WriteTexts(out, "/metrics/label", c->ng, label, "group",
                       "attribute label of /samples; files of one label are a group"));
  for (int k = 0; k < RUN_COLUMNS; k++) PetscCall(WriteRunColumn(c, k, first, out));
  PetscCall(PetscFree2(first, label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shares to densities: per volume of a bin; the share outside the box is left out. */
static void densities(const MetricsHistogram *h, int64_t n, const double *share, double *density)
{
  double volume = 1;

  for (int k = 0; k < h->rank; k++) volume *= (h->hi[k] - h->lo[k]) / h->bins;
  for (int64_t g = 0; g < n; g++)
    for (int64_t b = 0; b < h->K; b++) density[g * h->K + b] = share[g * (h->K + 1) + b] / volume;
}

/* Histograms to draw: densities of the groups and of the reference over the edges of their bins. */
static PetscErrorCode WriteHistograms(const Comparison *c, Output out)
{
  const MetricsHistogram *h = &c->histogram;
  const int64_t           B = h->bins, shape[] = {c->ng, B, B}, sides[] = {h->rank, B + 1};
  const DataInfo          groups = {h->rank == 2 ? "group,bin,bin" : "group,bin", "1/raw^axes",
                           "mean density of a group's samples"};
  const DataInfo reference = {h->rank == 2 ? "bin,bin" : "bin", "1/raw^axes", "density of the reference"};
  const DataInfo edges     = {"axis,edge", "raw",
                              "edges of the bins; /metrics attribute histogram_columns names the axes"};
  char           names[2 * 32 + 2] = "";
  double        *density, *edge;

  PetscFunctionBegin;
  if (!h->rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(c->ng * h->K, &density, h->rank * (B + 1), &edge));
  for (int k = 0; k < h->rank; k++)
    for (int64_t b = 0; b <= B; b++)
      edge[k * (B + 1) + b] = h->lo[k] + (h->hi[k] - h->lo[k]) * (double)b / (double)B;
  snprintf(names, sizeof(names), "%s%s%s", c->coordinates.name[h->axis[0]], h->rank > 1 ? "," : "",
           h->rank > 1 ? c->coordinates.name[h->axis[1]] : "");
  densities(h, c->ng, c->share, density);
  PetscCall(OutputWrite(out, "/metrics/histogram", AD_DOUBLE, 1 + h->rank, shape, density, &groups));
  densities(h, 1, h->share, density);
  PetscCall(
      OutputWrite(out, "/metrics/reference_histogram", AD_DOUBLE, h->rank, shape + 1, density, &reference));
  PetscCall(OutputWrite(out, "/metrics/edges", AD_DOUBLE, 2, sides, edge, &edges));
  PetscCall(OutputAttrString(out, "/metrics", "histogram_columns", names));
  PetscCall(PetscFree2(density, edge));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsWrite - group /metrics, and what the reference is. */
PetscErrorCode MetricsWrite(const Comparison *c, Output out)
{
  PetscFunctionBegin;
  PetscCall(WriteColumns(c, out));
  PetscCall(WriteNumbers(c, out));
  PetscCall(WriteParts(c, out));
  PetscCall(WriteFiles(c, out));
  PetscCall(WriteRuns(c, out));
  PetscCall(WriteHistograms(c, out));
  PetscCall(OutputAttrString(out, "/metrics", "reference_label", c->label));
  PetscCall(OutputAttrInt(out, "/metrics", "reference_rows", c->M));
  PetscCall(OutputAttrInt(out, "/metrics", "directions", c->choices.settings.directions));
  if (c->dataset)
    PetscCall(DatasetWrite(c->dataset, out));
  else
    PetscCall(CoordinatesWrite(&c->coordinates, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}
