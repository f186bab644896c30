/*
  Sample files in, the result file out
*/
#include "private/metricsimpl.h"
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

/* ---- sample files ---- */

/* Number of rows and numbers a row of /samples/state. */
PetscErrorCode MetricsReadShape(const char *path, Input in, int64_t *N, int *width)
{
  int64_t dims[2];

  PetscFunctionBegin;
  PetscCall(InputGetDims(in, "/samples/state", 2, dims));
  AdCheckInput(dims[0] > 0 && dims[1] > 0 && dims[1] < 1 << 20,
               "'%s': /samples/state is %lld x %lld; expected rows of numbers", path, (long long)dims[0],
               (long long)dims[1]);
  *N     = dims[0];
  *width = (int)dims[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first d numbers of each row of /samples/state on every rank, x[N][d]; caller frees. */
PetscErrorCode MetricsReadState(const char *path, Input in, int64_t N, int width, int d, double **x)
{
  int64_t bad = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(N * width, x));
  PetscCall(InputRead(in, "/samples/state", AD_DOUBLE, *x));
  for (int64_t r = 0; r < N; r++) {
    int finite = 1;

    for (int i = 0; i < d; i++) {
      (*x)[r * d + i] = (*x)[r * width + i];
      finite &= isfinite((*x)[r * d + i]) != 0;
    }
    bad += !finite;
  }
  AdCheckInput(!bad,
               "'%s': %lld of %lld samples are not finite; sample again with more steps or another scheme",
               path, (long long)bad, (long long)N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are the columns those of the reference? Without /coordinates a file can only be asked for its width. */
static PetscErrorCode CheckColumns(const Comparison *c, const char *path, Input in, int width)
{
  PetscBool   has;
  Coordinates own;
  char       *names;

  PetscFunctionBegin;
  PetscCall(InputHas(in, "/coordinates/shift", &has));
  if (has) {
    PetscCall(CoordinatesRead(in, &own));
    PetscCall(CoordinatesJoinNames(&own, &names));
    AdCheckInput(
        own.d == c->coordinates.d && !strcmp(names, c->columns),
        "'%s' holds samples of %.60s, the reference rows of %.60s; give their own data set or another "
        "-metrics_reference",
        path, names, c->columns);
    PetscCall(PetscFree(names));
    PetscCall(CoordinatesFree(&own));
  }
  AdCheckInput(width % c->coordinates.d == 0, "'%s': rows of %d numbers, expected a multiple of %d (%.60s)",
               path, width, c->coordinates.d, c->columns);
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

/* All that a file says but its samples, so that a bad file ends the run before anything is computed. */
PetscErrorCode MetricsReadHeader(const Comparison *c, const char *path, SampleFile *file)
{
  Input     in;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(InputOpen("metrics", path, &in));
  PetscCall(MetricsReadShape(path, in, &file->N, &file->width));
  PetscCall(CheckColumns(c, path, in, file->width));
  PetscCall(InputAttrString(in, "/samples", "label", sizeof(file->label), file->label, &found));
  if (!found) snprintf(file->label, sizeof(file->label), "%s", path);
  PetscCall(ReadRunColumns(in, file));
  PetscCall(InputClose(&in));
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
  const char *name[METRICS_MAX], *units[METRICS_MAX], *text[METRICS_MAX], *kind[METRICS_MAX];

  PetscFunctionBegin;
  for (int k = 0; k < c->nm; k++) {
    name[k]  = c->column[k]->name;
    units[k] = c->column[k]->units;
    text[k]  = c->column[k]->text;
    kind[k]  = c->column[k]->kind == METRIC_LEVEL ? "level" : "distance";
  }
  PetscCall(WriteTexts(out, "/metrics/name", c->nm, name, "metric", "names of the metrics"));
  PetscCall(WriteTexts(out, "/metrics/units", c->nm, units, "metric",
                       "units of the metrics; scale: columns over /coordinates/scale, circles of radius 1"));
  PetscCall(WriteTexts(out, "/metrics/text", c->nm, text, "metric", "what the metrics are"));
  PetscCall(WriteTexts(out, "/metrics/kind", c->nm, kind, "metric",
                       "distance: 0 is best; level: that of the reference is best"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteNumbers(const Comparison *c, Output out)
{
  const char    *units = "see /metrics/units";
  const int64_t  ng[] = {c->ng, c->nm}, nm[] = {c->nm}, nf[] = {c->nfiles, c->nm};
  const DataInfo value = {"group,metric", units, "mean over the files of a group"};
  const DataInfo err = {"group,metric", units, "standard error over the files of a group; NaN for one file"};
  const DataInfo single = {"file,metric", units, "value of each file"};
  const DataInfo noise  = {
       "metric", units,
       "fresh rows of the law, or training rows, against the reference: the best a sampler can show"};
  const DataInfo scatter = {"metric", units, "standard error of the noise floor; NaN for training rows"};
  const DataInfo iid     = {
          "metric", units,
          "mean over pairs of independent draws (formula with -metrics_reference; NaN: none known)"};
  const DataInfo pairs  = {"metric", units, "standard error of the mean over pairs"};
  const DataInfo level  = {"metric", units, "value of the reference; NaN for distances"};
  const DataInfo blocks = {"metric", units,
                           "standard error of the reference's value over ten stretches of its rows"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/metrics/value", AD_DOUBLE, 2, ng, c->mean, &value));
  PetscCall(OutputWrite(out, "/metrics/stderr", AD_DOUBLE, 2, ng, c->err, &err));
  PetscCall(OutputWrite(out, "/metrics/single", AD_DOUBLE, 2, nf, c->single, &single));
  PetscCall(OutputWrite(out, "/metrics/floor", AD_DOUBLE, 1, nm, c->floor, &noise));
  PetscCall(OutputWrite(out, "/metrics/floor_stderr", AD_DOUBLE, 1, nm, c->floor_err, &scatter));
  PetscCall(OutputWrite(out, "/metrics/iid_floor", AD_DOUBLE, 1, nm, c->iid, &iid));
  PetscCall(OutputWrite(out, "/metrics/iid_stderr", AD_DOUBLE, 1, nm, c->iid_err, &pairs));
  PetscCall(OutputWrite(out, "/metrics/reference", AD_DOUBLE, 1, nm, c->level, &level));
  PetscCall(OutputWrite(out, "/metrics/reference_stderr", AD_DOUBLE, 1, nm, c->level_err, &blocks));
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
