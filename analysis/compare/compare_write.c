/*
  The result file of a comparison: /compare, one row a cell; /compare/pairs, one row a pair of noises in a cell; the words
*/
#include "private/compareimpl.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A column of texts or whole numbers, filled row by row */
typedef struct {
  const void *of; /* the table */
  const char *(*text)(const Compare *, int row);
  int64_t (*number)(const Compare *, int row);
  const char *name, *axes, *source;
} Column;

/* ---- cells ---- */

static const CompareCell *cell_of(const Compare *c, int row)
{
  return &c->plan.cell[row];
}

static const char *cell_way(const Compare *c, int row)
{
  return compare_way_names[cell_of(c, row)->way];
}

static const char *cell_score(const Compare *c, int row)
{
  return compare_kind_names[c->request.score[cell_of(c, row)->score].kind];
}

static const char *cell_times(const Compare *c, int row)
{
  const CompareScore *score = &c->request.score[cell_of(c, row)->score];

  return score->kind == LEARNT_EXACT
             ? "-"
             : compare_law_names[score->kind == LEARNT_REDUCED ? LAW_LOGNORMAL : score->law];
}

static const char *cell_scheme(const Compare *c, int row)
{
  return compare_scheme_names[cell_of(c, row)->scheme];
}

static const char *cell_last(const Compare *c, int row)
{
  return compare_last_names[cell_of(c, row)->last];
}

static const char *cell_noise(const Compare *c, int row)
{
  return c->request.noise[cell_of(c, row)->noise].label;
}

static const char *cell_same_as(const Compare *c, int row)
{
  return compare_way_names[cell_of(c, row)->same_as];
}

static int64_t cell_steps(const Compare *c, int row)
{
  return cell_of(c, row)->steps;
}

static int64_t cell_diverged(const Compare *c, int row)
{
  return c->diverged[cell_of(c, row)->sampling];
}

static const Column cell_columns[] = {
    {.text = cell_way, .name = "way", .source = "what all noises have in common"},
    {.text = cell_score, .name = "score", .source = "exact law, reduced net, joint net"},
    {.text = cell_times, .name = "times", .source = "law of the training times of nets"},
    {.text = cell_scheme, .name = "scheme", .source = "step of the reverse process"},
    {.text = cell_last, .name = "last", .source = "what the last step is"},
    {.text = cell_noise, .name = "noise", .source = "forward noise"},
    {.text = cell_same_as, .name = "same_as", .source = "first way in which this noise is what it is here"},
    {.number = cell_steps, .name = "steps", .source = "score evaluations a sample"},
    {.number = cell_diverged, .name = "diverged", .source = "repetitions without a result"},
};

/* ---- pairs ---- */

static const char *pair_metric(const Compare *c, int row)
{
  return c->column[c->pair[row].metric]->name;
}

static const char *pair_better(const Compare *c, int row)
{
  const ComparePair *pair = &c->pair[row];

  return pair->better < 0 ? "-" : cell_noise(c, pair->cell[pair->better]);
}

static int64_t pair_first(const Compare *c, int row)
{
  return c->pair[row].cell[0];
}

static int64_t pair_second(const Compare *c, int row)
{
  return c->pair[row].cell[1];
}

static int64_t pair_family(const Compare *c, int row)
{
  return c->pair[row].family;
}

static const Column pair_columns[] = {
    {.text = pair_metric, .name = "metric", .source = "what is compared"},
    {.text   = pair_better,
     .name   = "better",
     .source = "the noise that is better at the level of the comparison; - if none"},
    {.number = pair_first, .name = "first", .source = "row of one noise in the table of cells"},
    {.number = pair_second, .name = "second", .source = "row of the other"},
    {.number = pair_family,
     .name   = "family",
     .source = "tests that Holm's correction takes together: way, score, metric"},
};

/* ---- writing ---- */

static PetscErrorCode WriteColumn(const Compare *c, const Column *column, const char *group, const char *axis,
                                  int64_t n, Output out)
{
  const DataInfo info = {axis, "1", column->source};
  char           name[64];

  PetscFunctionBegin;
  snprintf(name, sizeof(name), "%s/%s", group, column->name);
  if (column->text) {
    const char **text;

    PetscCall(PetscMalloc1(n, &text));
    for (int64_t i = 0; i < n; i++) text[i] = (*column->text)(c, (int)i);
    PetscCall(OutputWriteStrings(out, name, n, text, &info));
    PetscCall(PetscFree(text));
  } else {
    int64_t *number;

    PetscCall(PetscMalloc1(n, &number));
    for (int64_t i = 0; i < n; i++) number[i] = (*column->number)(c, (int)i);
    PetscCall(OutputWrite(out, name, AD_INT64, 1, &n, number, &info));
    PetscCall(PetscFree(number));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scale and ends of the grid of every cell */
static PetscErrorCode WriteGrids(const Compare *c, Output out)
{
  const int64_t  n       = c->plan.ncells;
  const DataInfo info[3] = {{"cell", "1", "factor on all temperatures of the noise"},
                            {"cell", "data units, diffused", "clock at the first time of the grid"},
                            {"cell", "data units, diffused", "clock at the last time of the grid before 0"}};
  const char    *name[3] = {"/compare/scale", "/compare/sigma_first", "/compare/sigma_last"};
  double        *value[3];

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &value[0], n, &value[1], n, &value[2]));
  for (int64_t i = 0; i < n; i++) {
    const int s = c->plan.cell[i].sampling;

    value[0][i] = c->plan.sampling[s].scale;
    value[1][i] = c->sigma[2 * s];
    value[2][i] = c->sigma[2 * s + 1];
  }
  for (int k = 0; k < 3; k++) PetscCall(OutputWrite(out, name[k], AD_DOUBLE, 1, &n, value[k], &info[k]));
  PetscCall(PetscFree3(value[0], value[1], value[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteCells(const Compare *c, Output out)
{
  const int64_t  n = c->plan.ncells, dims[3] = {n, c->request.seeds, c->nm}, flat[2] = {n, c->nm}, nm = c->nm;
  const DataInfo single = {"cell,seed,metric", "1", "one repetition; NaN where it diverged"};
  const DataInfo mean   = {"cell,metric", "1", "mean over the repetitions"};
  const DataInfo err    = {"cell,metric", "1", "its standard error"};
  const DataInfo floor  = {"metric", "1",
                           "data against the reference: fresh rows of a law, training rows of a file"};
  const DataInfo ferr   = {"metric", "1", "standard error of the floor; NaN for one set of rows"};
  const DataInfo names  = {"metric", "1", "names of the metrics"};
  const char   **name;

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof(cell_columns) / sizeof(cell_columns[0]); k++)
    PetscCall(WriteColumn(c, &cell_columns[k], "/compare", "cell", n, out));
  PetscCall(WriteGrids(c, out));
  PetscCall(OutputWrite(out, "/compare/single", AD_DOUBLE, 3, dims, c->single, &single));
  PetscCall(OutputWrite(out, "/compare/value", AD_DOUBLE, 2, flat, c->mean, &mean));
  PetscCall(OutputWrite(out, "/compare/stderr", AD_DOUBLE, 2, flat, c->err, &err));
  PetscCall(OutputWrite(out, "/compare/floor", AD_DOUBLE, 1, &nm, c->floor, &floor));
  PetscCall(OutputWrite(out, "/compare/floor_stderr", AD_DOUBLE, 1, &nm, c->floor_err, &ferr));
  PetscCall(PetscMalloc1(nm, &name));
  for (int k = 0; k < c->nm; k++) name[k] = c->column[k]->name;
  PetscCall(OutputWriteStrings(out, "/compare/metric", nm, name, &names));
  PetscCall(PetscFree(name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double pair_number(const ComparePair *pair, int which)
{
  const double value[] = {pair->test.difference, pair->test.stderr_diff, pair->test.nu,
                          pair->test.p,          pair->adjusted,         pair->half,
                          pair->half_all};

  return value[which];
}

static PetscErrorCode WritePairs(const Compare *c, Output out)
{
  static const char *const number[][2] = {
      {"difference", "second minus first"},
      {"difference_stderr", "its standard error"},
      {"freedom", "degrees of freedom by Welch and Satterthwaite"},
      {"p", "two-sided, Welch's test"},
      {"p_holm", "the same, corrected for all tests of the family (Holm)"},
      {"half_95", "95 % interval of the difference, half its width"},
      {"half_95_all", "the same for all of the family together (Bonferroni)"}};
  const int64_t n = c->npairs;
  double       *value;
  char          name[64];

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof(pair_columns) / sizeof(pair_columns[0]); k++)
    PetscCall(WriteColumn(c, &pair_columns[k], "/compare/pairs", "pair", n, out));
  PetscCall(PetscMalloc1(n, &value));
  for (int k = 0; k < (int)(sizeof(number) / sizeof(number[0])); k++) {
    for (int64_t i = 0; i < n; i++) value[i] = pair_number(&c->pair[i], k);
    snprintf(name, sizeof(name), "/compare/pairs/%s", number[k][0]);
    PetscCall(OutputWrite(out, name, AD_DOUBLE, 1, &n, value, &(DataInfo){"pair", "1", number[k][1]}));
  }
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareWrite - group /compare. */
PetscErrorCode CompareWrite(const Compare *c, Output out)
{
  const DataInfo words = {"line", "1", "tables, verdicts and claims in words"};

  PetscFunctionBegin;
  PetscCall(WriteCells(c, out));
  PetscCall(WritePairs(c, out));
  PetscCall(OutputAttrReal(out, "/compare", "level", 1, &c->level));
  PetscCall(OutputAttrInt(out, "/compare", "seeds", c->request.seeds));
  PetscCall(OutputAttrInt(out, "/compare", "reference_rows", c->M));
  PetscCall(OutputWriteStrings(out, "/compare/words", c->text.n, (const char *const *)c->text.line, &words));
  PetscCall(DatasetWrite(c->dataset, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareWriteText - the words as a text file, whole or not at all. */
PetscErrorCode CompareWriteText(const Compare *c, const char *path)
{
  char  part[PETSC_MAX_PATH_LEN + 8];
  int   rank, code = 0;
  FILE *file;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    snprintf(part, sizeof(part), "%s.part", path);
    file = fopen(part, "w");
    for (int i = 0; file && i < c->text.n; i++) fprintf(file, "%s\n", c->text.line[i]);
    if (!file || ferror(file) || fclose(file) || rename(part, path)) code = errno ? errno : EIO;
  }
  PetscCallMPI(MPI_Bcast(&code, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  AdCheckRun(!code, "-o: cannot write '%s': %s", path, strerror(code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
