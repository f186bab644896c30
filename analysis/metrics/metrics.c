/*
  Metrics object: which metrics apply to a reference, what of it is kept, and the comparison with samples
*/
#include "private/metricsimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEVEL_BLOCKS = 10 }; /* stretches of the reference whose scatter gives the error of its levels */

const MetricsSettings metrics_defaults = {.list          = "",
                                          .directions    = 128,
                                          .bins          = 36,
                                          .kid_subsets   = 100,
                                          .kid_size      = 1000,
                                          .neighbours    = 5,
                                          .kde_bandwidth = 0.01,
                                          .kde_cut       = 2,
                                          .kde_grid      = 500,
                                          .jackknife     = 10,
                                          .seed          = 1};

/* ---- what applies ---- */

static int find_column(const Coordinates *c, const char *name)
{
  for (int i = 0; i < c->d; i++)
    if (c->period[i] > 0 && !strcmp(c->name[i], name)) return i;
  return -1;
}

/* phi and psi: by name, or the first two columns if the user says so. */
static PetscErrorCode FindBasins(Metrics m)
{
  const int phi = find_column(&m->coordinates, "phi"), psi = find_column(&m->coordinates, "psi");
  const int named  = phi >= 0 && psi >= 0;
  Grid     *angles = &m->basins;

  PetscFunctionBegin;
  AdCheckInput(!m->settings.basins || m->d >= 2,
               "-metrics_basins: expected two columns, phi and psi; the reference has one");
  if (!named && !m->settings.basins) PetscFunctionReturn(PETSC_SUCCESS);
  angles->rank    = 2;
  angles->axis[0] = named ? phi : 0;
  angles->axis[1] = named ? psi : 1;
  for (int k = 0; k < 2; k++) {
    const double period = m->coordinates.period[angles->axis[k]];

    angles->unit[k] = period > 0 ? 2 * PETSC_PI / period : 1;
    angles->turn[k] = 2 * PETSC_PI;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool listed(const char *list, const char *name)
{
  const size_t n = strlen(name);

  for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
    if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* MetricsListNames - all names that -metrics_list knows, for messages. */
PetscErrorCode MetricsListNames(size_t size, char *text)
{
  size_t at = (size_t)snprintf(text, size, "all");

  PetscFunctionBegin;
  for (int k = 0; k < metric_nentries && at < size; k++)
    at += (size_t)snprintf(text + at, size - at, " %s", metric_entries[k].column.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsDescribe - the same with a phrase each, a line each, for help. */
PetscErrorCode MetricsDescribe(size_t size, char *text)
{
  size_t at = 0;

  PetscFunctionBegin;
  text[0] = 0;
  for (int k = 0; k < metric_nentries && at < size; k++) {
    const MetricEntry *entry = &metric_entries[k];
    const char        *needs = metric_families[entry->family].needs;

    at += (size_t)snprintf(text + at, size - at, "\n      %-11s %s%s%s", entry->column.name,
                           entry->column.text, needs[0] ? "; needs " : "", needs);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuse names that are not known. */
static PetscErrorCode CheckList(const char *list)
{
  char text[1024], names[512], *save = NULL;

  PetscFunctionBegin;
  PetscCall(MetricsListNames(sizeof(names), names));
  snprintf(text, sizeof(text), "%s", list);
  for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    PetscBool known = !strcmp(word, "all") ? PETSC_TRUE : PETSC_FALSE;

    for (int k = 0; k < metric_nentries; k++)
      if (!strcmp(word, metric_entries[k].column.name) ||
          !strcmp(word, metric_families[metric_entries[k].family].name))
        known = PETSC_TRUE;
    AdCheckInput(known, "-metrics_list: unknown metric '%s'; expected some of %s, with commas between them",
                 word, names);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a metric to be computed? It may be taken by its name, by that of its family, or with all that apply. */
static PetscErrorCode Choose(Metrics m, const MetricEntry *entry, PetscBool *chosen)
{
  const char         *list   = m->settings.list;
  const MetricFamily *family = &metric_families[entry->family];
  const char *const   asked  = listed(list, family->name)         ? family->name
                               : listed(list, entry->column.name) ? entry->column.name
                                                                  : NULL;
  const PetscBool     fits   = (*family->applies)(m);

  PetscFunctionBegin;
  AdCheckInput(!asked || fits, "-metrics_list: '%s' needs %s", asked, family->needs);
  *chosen =
      fits && (asked || listed(list, "all") || (!list[0] && (*entry->usual)(m))) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers behind the columns: one a mode, one a column of the data. */
static PetscErrorCode ChooseParts(Metrics m)
{
  PetscFunctionBegin;
  m->nv = m->nm;
  for (int f = 0; f < metric_nfamilies; f++) m->width[f] = metric_families[f].slots;
  for (int k = 0; k < metric_nparts; k++) {
    const MetricPartEntry *part = &metric_parts[k];

    if (!m->use[part->family]) continue;
    m->part[m->nparts] = (MetricPart){part->name, part->axis, part->units, part->text, (*part->n)(m), m->nv};
    m->part_family[m->nparts] = part->family;
    m->width[part->family] += m->part[m->nparts].n;
    m->nv += m->part[m->nparts++].n;
  }
  for (int f = 0; f < metric_nfamilies; f++) m->widest = PetscMax(m->widest, m->width[f]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which columns the results have, and which families must be computed for them. */
static PetscErrorCode ChooseColumns(Metrics m)
{
  PetscFunctionBegin;
  PetscCall(CheckList(m->settings.list));
  for (int k = 0; k < metric_nentries; k++) {
    const MetricEntry *entry  = &metric_entries[k];
    PetscBool          chosen = PETSC_FALSE;

    PetscCall(Choose(m, entry, &chosen));
    if (!chosen) continue;
    m->use[entry->family] |= 1 << entry->slot;
    m->chosen[m->nm]   = k;
    m->column[m->nm++] = &entry->column;
  }
  AdCheckInput(m->nm, "-metrics_list: expected at least one name");
  PetscCall(ChooseParts(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- life ---- */

static PetscErrorCode CopyLaw(const MixtureData *from, MixtureData *law)
{
  double *weight, *mean, *var;

  PetscFunctionBegin;
  if (!from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      PetscMalloc3(from->n, &weight, (int64_t)from->n * from->d, &mean, (int64_t)from->n * from->d, &var));
  PetscCall(PetscArraycpy(weight, from->weight, from->n));
  PetscCall(PetscArraycpy(mean, from->mean, (int64_t)from->n * from->d));
  PetscCall(PetscArraycpy(var, from->var, (int64_t)from->n * from->d));
  *law = (MixtureData){.n = from->n, .d = from->d, .weight = weight, .mean = mean, .var = var};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeLaw(MixtureData *law)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(law->weight, law->mean, law->var));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsCreate - choose what to compute and prepare the reference

  Collective.

  Input:  settings, reference  this rank's share of its rows, which must stay until MetricsDestroy
  Errors: AD_ERR_INPUT when the reference has fewer than two rows, or a metric asked for does not apply
  Cost:   that of measuring one more set of samples
*/
PetscErrorCode MetricsCreate(const MetricsSettings *settings, const MetricsReference *reference,
                             Metrics *metrics)
{
  Metrics m;

  PetscFunctionBegin;
  AdCheckInput(reference->N >= 2, "metrics: the reference has %lld rows, expected two or more",
               (long long)reference->N);
  PetscCall(PetscNew(&m));
  *metrics    = m;
  m->settings = *settings;
  m->d        = reference->coordinates->d;
  PetscCall(PetscCalloc2(metric_nfamilies, &m->use, metric_nfamilies, &m->width));
  PetscCall(CoordinatesCopy(reference->coordinates, &m->coordinates));
  PetscCall(CopyLaw(reference->law, &m->law));
  PetscCall(CopyLaw(reference->peaks, &m->peaks));
  for (int i = 0; i < m->d; i++) m->D += m->coordinates.period[i] > 0 ? 2 : 1;
  PetscCall(CloudCreate(m, reference->N, reference->x, &m->reference));
  PetscCall(FindBasins(m));
  PetscCall(MetricsSetUpPlane(m));
  PetscCall(ChooseColumns(m));
  for (int f = 0; f < metric_nfamilies; f++)
    if (m->use[f] && metric_families[f].setup) PetscCall((*metric_families[f].setup)(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MetricsDestroy(Metrics *metrics)
{
  Metrics m = *metrics;

  PetscFunctionBegin;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CloudFree(&m->reference));
  PetscCall(CoordinatesFree(&m->coordinates));
  PetscCall(FreeLaw(&m->law));
  PetscCall(FreeLaw(&m->peaks));
  PetscCall(PetscFree2(m->use, m->width));
  PetscCall(PetscFree(m->direction));
  PetscCall(PetscFree(m->slices.sorted));
  PetscCall(PetscFree(m->columns.sorted));
  PetscCall(PetscFree(m->features));
  PetscCall(PetscFree(m->root));
  PetscCall(PetscFree(m->radius));
  PetscCall(PetscFree(m->mass));
  PetscCall(PetscFree2(m->plane.count, m->plane.share));
  PetscCall(PetscFree(*metrics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsGetColumns - the metrics of the results, column[nm]. */
PetscErrorCode MetricsGetColumns(Metrics metrics, int *nm, const MetricColumn *const **column)
{
  PetscFunctionBegin;
  *nm     = metrics->nm;
  *column = metrics->column;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsGetParts - numbers behind the columns, part[nparts]; columns and parts are nv numbers together. */
PetscErrorCode MetricsGetParts(Metrics metrics, int *nparts, const MetricPart **part, int *nv)
{
  PetscFunctionBegin;
  *nparts = metrics->nparts;
  *part   = metrics->part;
  *nv     = metrics->nv;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsGetHistogram - the bins of the Jensen-Shannon divergence, and the reference's shares in them. */
PetscErrorCode MetricsGetHistogram(Metrics metrics, MetricsHistogram *histogram)
{
  const Grid *grid = &metrics->plane;

  PetscFunctionBegin;
  *histogram =
      (MetricsHistogram){.rank = grid->rank, .bins = grid->bins[0], .K = grid->K, .share = grid->share};
  for (int k = 0; k < grid->rank; k++) {
    histogram->axis[k] = grid->axis[k];
    histogram->lo[k]   = grid->lo[k] / grid->unit[k];
    histogram->hi[k]   = grid->hi[k] / grid->unit[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- comparison ---- */

/* Does a family count in this evaluation? Levels are asked for alone, dear ones not a dozen times. */
static PetscBool runs(Metrics m, int family)
{
  return m->use[family] && !(m->in_jackknife && metric_families[family].dear) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode Evaluate(Metrics m, const Cloud *rows, double *value)
{
  double *own;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(m->widest, &own));
  for (int k = 0; k < m->nv; k++) value[k] = NAN;
  for (int f = 0; f < metric_nfamilies; f++) {
    int at = metric_families[f].slots;

    if (!runs(m, f)) continue;
    PetscCall((*metric_families[f].evaluate)(m, rows, own));
    for (int k = 0; k < m->nm; k++)
      if (metric_entries[m->chosen[k]].family == f) value[k] = own[metric_entries[m->chosen[k]].slot];
    for (int p = 0; p < m->nparts; p++) {
      if (m->part_family[p] != f) continue;
      PetscCall(PetscArraycpy(value + m->part[p].offset, own + at, m->part[p].n));
      at += m->part[p].n;
    }
  }
  PetscCall(PetscFree(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsCompute - compare one set of samples with the reference

  Collective.

  Input:  N           samples of all ranks, >= 1
          x[n][d]     this rank's: AdSplitRows(N, METRIC_BLOCK, ...); finite numbers, raw units
  Output: value[nv]     in the order of MetricsGetColumns, then MetricsGetParts
          share[K + 1]  histogram of the samples (MetricsGetHistogram); may be NULL
  Cost:   N (N + M) distances, N log N a direction; shared out over the ranks
*/
PetscErrorCode MetricsCompute(Metrics metrics, int64_t N, const double *x, double *value, double *share)
{
  Cloud rows;

  PetscFunctionBegin;
  PetscCall(CloudCreate(metrics, N, x, &rows));
  PetscCall(Evaluate(metrics, &rows, value));
  if (share && metrics->plane.rank) {
    long *count;

    PetscCall(PetscMalloc1(metrics->plane.K + 1, &count));
    PetscCall(MetricsCount(metrics, &metrics->plane, &rows, count));
    histogram_shares(metrics->plane.K + 1, count, share);
    PetscCall(PetscFree(count));
  }
  PetscCall(CloudFree(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values with the rows begin..end-1 of a set left out (keep: with these alone). */
static PetscErrorCode EvaluateStretch(Metrics m, const Cloud *rows, long begin, long end, PetscBool keep,
                                      double *value)
{
  const int64_t N = keep ? end - begin : rows->N - (end - begin);
  int64_t      *index;
  Cloud         some;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(N, &index));
  for (int64_t k = 0; k < N; k++) index[k] = keep ? begin + k : k < begin ? k : k + (end - begin);
  PetscCall(CloudTake(m, rows, N, index, &some));
  PetscCall(Evaluate(m, &some, value));
  PetscCall(CloudFree(&some));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of G values with a part left out each: standard error of the whole by the jackknife; G >= 2 */
static double jackknife_error(int G, const double *value, int stride)
{
  double mean = 0, squares = 0;

  for (int g = 0; g < G; g++) mean += value[(size_t)g * (size_t)stride] / G;
  for (int g = 0; g < G; g++) {
    const double u = value[(size_t)g * (size_t)stride] - mean;

    squares += u * u;
  }
  return sqrt(squares * (G - 1) / G);
}

/*
  MetricsGetErrors - standard error of the values of one set of samples against this reference

  Collective.

  Output: err[nv]  from leaving out each of settings.jackknife stretches of the rows in turn; NaN for the dear metrics and
                   with fewer than two rows a stretch
  Note:   what another set of as many samples would differ by, the reference kept; rows of one stretch may depend on one
          another. At the noise floor, where a distance is all noise, the error is of the order of the value
  Cost:   that of as many more sets
*/
PetscErrorCode MetricsGetErrors(Metrics metrics, int64_t N, const double *x, double *err)
{
  const int G = metrics->settings.jackknife, nv = metrics->nv;
  Cloud     rows;
  double   *value;

  PetscFunctionBegin;
  for (int k = 0; k < nv; k++) err[k] = NAN;
  if (G < 2 || N < 2 * G) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(G * nv, &value));
  PetscCall(CloudCreate(metrics, N, x, &rows));
  metrics->in_jackknife = PETSC_TRUE;
  for (int g = 0; g < G; g++) {
    long begin, end;

    metric_split(N, g, G, &begin, &end);
    PetscCall(EvaluateStretch(metrics, &rows, begin, end, PETSC_FALSE, value + (size_t)g * nv));
  }
  metrics->in_jackknife = PETSC_FALSE;
  for (int k = 0; k < nv; k++) err[k] = jackknife_error(G, value + k, nv);
  PetscCall(CloudFree(&rows));
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which numbers are levels: columns of that kind, and parts of their families. */
static PetscBool is_level(Metrics m, int k)
{
  int family = -1;

  for (int p = 0; p < m->nparts; p++)
    if (k >= m->part[p].offset && k < m->part[p].offset + m->part[p].n) family = m->part_family[p];
  if (k < m->nm) return m->column[k]->kind == METRIC_LEVEL ? PETSC_TRUE : PETSC_FALSE;
  for (int e = 0; e < metric_nentries; e++)
    if (metric_entries[e].family == family && metric_entries[e].column.kind == METRIC_LEVEL)
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Only families with a level among their columns */
static PetscErrorCode UseLevels(Metrics m, int *use)
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(use, metric_nfamilies));
  for (int k = 0; k < m->nm; k++)
    if (m->column[k]->kind == METRIC_LEVEL) use[metric_entries[m->chosen[k]].family] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsGetLevels - what the samples' levels should be: those of the reference

  Output: value[nv], err[nv]  NaN for distances; the error comes from the scatter over ten stretches of the
                              reference in its order, which for a trajectory is good where they are longer
                              than its memory, and is NaN with fewer than 20 rows
*/
PetscErrorCode MetricsGetLevels(Metrics metrics, double *value, double *err)
{
  const int64_t M  = metrics->reference.N;
  const int     nv = metrics->nv;
  double       *stretch, one[LEVEL_BLOCKS], mean;
  int          *use, *all = metrics->use;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)LEVEL_BLOCKS * nv, &stretch, metric_nfamilies, &use));
  PetscCall(UseLevels(metrics, use));
  metrics->use = use;
  PetscCall(EvaluateStretch(metrics, &metrics->reference, 0, M, PETSC_TRUE, value));
  for (int b = 0; b < LEVEL_BLOCKS && M / LEVEL_BLOCKS >= 2; b++) {
    long begin, end;

    metric_split(M, b, LEVEL_BLOCKS, &begin, &end);
    PetscCall(
        EvaluateStretch(metrics, &metrics->reference, begin, end, PETSC_TRUE, stretch + (size_t)b * nv));
  }
  metrics->use = all;
  for (int k = 0; k < nv; k++) {
    err[k] = NAN;
    if (!is_level(metrics, k)) value[k] = NAN;
    if (isnan(value[k]) || M / LEVEL_BLOCKS < 2) continue;
    for (int b = 0; b < LEVEL_BLOCKS; b++) one[b] = stretch[b * nv + k];
    mean_stderr(LEVEL_BLOCKS, one, &mean, &err[k]);
  }
  PetscCall(PetscFree2(stretch, use));
  PetscFunctionReturn(PETSC_SUCCESS);
}
