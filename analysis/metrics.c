/*
  Metrics object: which metrics apply to a reference, what of it is kept, and the comparison with samples
*/
#include "private/metricsimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEVEL_BLOCKS = 10 }; /* stretches of the reference whose scatter gives the error of its levels */

const MetricsSettings metrics_defaults = {"", 128, 36, 0, {0, 0}, PETSC_FALSE, 1};

/* ---- rows ---- */

/*
  embed_rows - points whose straight distances serve the columns: a periodic one becomes a point on the unit
  circle, so that both ends of its range are close; others are measured in units of their scale

  Output: points[n][D]
*/
static void embed_rows(const Coordinates *c, int64_t n, const double *x, double *points)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < c->d; i++, x++) {
      if (c->period[i] > 0) {
        const double angle = *x * (2 * PETSC_PI / c->period[i]);

        circle_embed(1, 1, &angle, points);
        points += 2;
      } else
        *points++ = *x / c->scale[i];
    }
}

static PetscErrorCode CloudCreate(Metrics m, int64_t N, const double *x, Cloud *cloud)
{
  PetscFunctionBegin;
  cloud->N = N;
  cloud->x = x;
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &cloud->first, &cloud->n));
  PetscCall(PetscMalloc1(N * m->D, &cloud->points));
  embed_rows(&m->coordinates, N, x, cloud->points);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloudFree(Cloud *cloud)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(cloud->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

/* MetricsListNames - all names that -metrics_list knows, for help and messages. */
PetscErrorCode MetricsListNames(size_t size, char *text)
{
  size_t at = 0;

  PetscFunctionBegin;
  text[0] = 0;
  for (int k = 0; k < metric_nentries && at < size; k++)
    if (metric_families[metric_entries[k].family].width < ALANINE_BASINS)
      at += (size_t)snprintf(text + at, size - at, "%s ", metric_entries[k].column.name);
  if (at < size) snprintf(text + at, size - at, "basins");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refuse names that are not known. */
static PetscErrorCode CheckList(const char *list)
{
  char text[1024], names[256], *save = NULL;

  PetscFunctionBegin;
  PetscCall(MetricsListNames(sizeof(names), names));
  snprintf(text, sizeof(text), "%s", list);
  for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    PetscBool known = PETSC_FALSE;

    for (int k = 0; k < metric_nentries; k++)
      if (!strcmp(word, metric_entries[k].column.name) ||
          !strcmp(word, metric_families[metric_entries[k].family].name))
        known = PETSC_TRUE;
    AdCheckInput(known, "-metrics_list: unknown metric '%s'; expected some of %s, with commas between them",
                 word, names);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which columns the results have, and which families must be computed for them. */
static PetscErrorCode ChooseColumns(Metrics m)
{
  const char *list = m->settings.list;

  PetscFunctionBegin;
  PetscCall(CheckList(list));
  for (int k = 0; k < metric_nentries; k++) {
    const MetricEntry  *entry  = &metric_entries[k];
    const MetricFamily *family = &metric_families[entry->family];
    const char *const   asked  = listed(list, family->name)         ? family->name
                                 : listed(list, entry->column.name) ? entry->column.name
                                                                    : NULL;
    const PetscBool     fits   = (*family->applies)(m);

    AdCheckInput(!asked || fits, "-metrics_list: '%s' needs %s", asked, family->needs);
    if (!fits || (list[0] && !asked)) continue;
    m->use[entry->family] = 1;
    m->chosen[m->nm]      = k;
    m->column[m->nm++]    = &entry->column;
  }
  AdCheckInput(m->nm, "-metrics_list: expected at least one name");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- life ---- */

static PetscErrorCode CopyLaw(Metrics m, const MixtureData *law)
{
  PetscFunctionBegin;
  if (!law) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc3(law->n, &m->weight, law->n * law->d, &m->mean, law->n * law->d, &m->var));
  PetscCall(PetscArraycpy(m->weight, law->weight, law->n));
  PetscCall(PetscArraycpy(m->mean, law->mean, law->n * law->d));
  PetscCall(PetscArraycpy(m->var, law->var, law->n * law->d));
  m->law = (MixtureData){.n = law->n, .d = law->d, .weight = m->weight, .mean = m->mean, .var = m->var};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsCreate - choose what to compute and prepare the reference

  Collective.

  Input:  settings, reference  its rows, the same on all ranks, must stay until MetricsDestroy
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
  PetscCall(PetscCalloc1(metric_nfamilies, &m->use));
  PetscCall(CoordinatesCopy(reference->coordinates, &m->coordinates));
  PetscCall(CopyLaw(m, reference->law));
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
  PetscCall(PetscFree3(m->weight, m->mean, m->var));
  PetscCall(PetscFree(m->use));
  PetscCall(PetscFree(m->packed));
  PetscCall(PetscFree2(m->direction, m->sorted));
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

static PetscErrorCode Evaluate(Metrics m, const Cloud *rows, double *value)
{
  double *part;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(metric_nfamilies * METRICS_MAX, &part));
  for (int f = 0; f < metric_nfamilies; f++)
    if (m->use[f]) PetscCall((*metric_families[f].evaluate)(m, rows, part + (size_t)f * METRICS_MAX));
  for (int k = 0; k < m->nm; k++) {
    const MetricEntry *entry = &metric_entries[m->chosen[k]];

    value[k] = part[entry->family * METRICS_MAX + entry->slot];
  }
  PetscCall(PetscFree(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsCompute - compare one set of samples with the reference

  Collective.

  Input:  x[N][d]  finite numbers, raw units, the same on all ranks, N >= 1
  Output: value[nm]     in the order of MetricsGetColumns
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

/* Values of all levels in a part of the reference, one behind the other. */
static PetscErrorCode LevelsOf(Metrics m, long begin, long end, double *value)
{
  Cloud  rows;
  double part[METRICS_MAX];

  PetscFunctionBegin;
  PetscCall(CloudCreate(m, end - begin, m->reference.x + begin * m->d, &rows));
  for (int k = 0; k < m->nm; k++) {
    const MetricEntry *entry = &metric_entries[m->chosen[k]];

    if (entry->column.kind != METRIC_LEVEL) continue;
    PetscCall((*metric_families[entry->family].evaluate)(m, &rows, part));
    value[k] = part[entry->slot];
  }
  PetscCall(CloudFree(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsGetLevels - what the samples' levels should be: those of the reference

  Output: value[nm], err[nm]  NaN for distances; the error comes from the scatter over ten stretches of the
                              reference in its order, which for a trajectory is good where they are longer
                              than its memory, and is NaN with fewer than 20 rows
*/
PetscErrorCode MetricsGetLevels(Metrics metrics, double *value, double *err)
{
  const long M = (long)metrics->reference.N;
  double     stretch[LEVEL_BLOCKS][METRICS_MAX], one[LEVEL_BLOCKS], mean;

  PetscFunctionBegin;
  for (int k = 0; k < metrics->nm; k++) value[k] = err[k] = NAN;
  PetscCall(LevelsOf(metrics, 0, M, value));
  if (M / LEVEL_BLOCKS < 2) PetscFunctionReturn(PETSC_SUCCESS);
  for (int b = 0; b < LEVEL_BLOCKS; b++) {
    long begin, end;

    metric_split(M, b, LEVEL_BLOCKS, &begin, &end);
    PetscCall(LevelsOf(metrics, begin, end, stretch[b]));
  }
  for (int k = 0; k < metrics->nm; k++) {
    if (metrics->column[k]->kind != METRIC_LEVEL) continue;
    for (int b = 0; b < LEVEL_BLOCKS; b++) one[b] = stretch[b][k];
    mean_stderr(LEVEL_BLOCKS, one, &mean, &err[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsGetIidFloor - what N independent rows of the reference's own law would show, where a formula is known

  Output: value[nm]  js: (F - 1)(1/N + 1/M)/8 with F filled bins; energy: the root of its mean square,
                     (1/N + 1/M) E|Y - Y'| over pairs i != j; NaN for the others
*/
PetscErrorCode MetricsGetIidFloor(Metrics metrics, int64_t N, double *value)
{
  const double M = (double)metrics->reference.N, both = 1 / (double)N + 1 / M;
  const Grid  *grid = &metrics->plane;

  PetscFunctionBegin;
  for (int k = 0; k < metrics->nm; k++) {
    const char *name = metrics->column[k]->name;

    value[k] = NAN;
    if (!strcmp(name, "energy")) value[k] = sqrt(both * metrics->sum_yy / (M * (M - 1)));
    if (!strcmp(name, "js")) value[k] = js_noise_floor(grid->K + 1, grid->count, grid->count) * both * M / 2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
