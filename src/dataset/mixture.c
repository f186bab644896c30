#include "private/datasetimpl.h"
#include "adpresets.h"
#include "adrng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_LIST    2048 /* numbers in -dataset_means */
#define MAX_PRESETS 64
#define MAX_WIDTH   262144 /* normals a row that one stream of random numbers has */

typedef enum { FROM_PRESET, FROM_LISTS, FROM_FILE } Source;

typedef struct {
  Source      source;
  PetscInt    preset;
  PetscReal   width, radius;
  char        file[PETSC_MAX_PATH_LEN];
  PetscInt    dim, nmeans, nvariances, nweights;
  PetscReal  *means, *variances, *weights; /* as given on the command line */
  Input       in;                          /* open while the law is read */
  MixtureData law;
  double     *weight, *mean, *var, *cdf; /* [n], [n][d], [n][d], [n] */
} Mixture;

static PetscErrorCode ReadPresetOptions(Mixture *m)
{
  const char          *names[MAX_PRESETS + 1] = {NULL};
  int                  count;
  const MixturePreset *presets = mixture_preset_table(&count);

  PetscFunctionBegin;
  PetscCheck(count <= MAX_PRESETS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "more than %d presets", MAX_PRESETS);
  for (int i = 0; i < count; i++) names[i] = presets[i].name;
  PetscCall(OptChoice("-dataset_preset", "mixture of the toy figures", names, &m->preset, NULL));
  m->width  = presets[m->preset].sigma;
  m->radius = presets[m->preset].r;
  PetscCall(OptReal("-dataset_width", "standard deviation of a peak (that of the preset unless given)",
                    RANGE_NONNEGATIVE, &m->width, NULL));
  PetscCall(OptReal("-dataset_radius", "distance of the outermost peaks (that of the preset unless given)",
                    RANGE_NONNEGATIVE, &m->radius, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadListOptions(Mixture *m)
{
  PetscFunctionBegin;
  PetscCall(OptInt("-dataset_dim", "coordinates of the components in -dataset_means", RANGE(1, MAX_LIST),
                   &m->dim, NULL));
  PetscCall(OptRealList("-dataset_variances",
                        "variances: one, one a component, or one a mean; 0.01 unless given",
                        RANGE_NONNEGATIVE, MAX_LIST, m->variances, &m->nvariances, NULL));
  PetscCall(OptRealList("-dataset_weights", "weight of each component, equal unless given", RANGE_NONNEGATIVE,
                        MAX_LIST, m->weights, &m->nweights, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Means on the command line or a file replace the preset; then its keys are not read, and refused if typed. */
static PetscErrorCode DatasetSetFromOptions_Mixture(Dataset dataset)
{
  Mixture  *m = (Mixture *)dataset->data;
  PetscBool lists, file = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(OptRealList("-dataset_means", "own mixture: component after component, -dataset_dim numbers each",
                        RANGE_ANY, MAX_LIST, m->means, &m->nmeans, &lists));
  if (!lists) PetscCall(OptString("-dataset_file", DATASET_FILE_TEXT, m->file, sizeof(m->file), &file));
  m->source = lists ? FROM_LISTS : file ? FROM_FILE : FROM_PRESET;
  if (m->source == FROM_PRESET) PetscCall(ReadPresetOptions(m));
  if (m->source == FROM_LISTS || dataset->every_key) PetscCall(ReadListOptions(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AllocateLaw(Mixture *m, int64_t n, int64_t d)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc4(n, &m->weight, n * d, &m->mean, n * d, &m->var, n, &m->cdf));
  m->law = (MixtureData){.n = (int)n, .d = (int)d, .weight = m->weight, .mean = m->mean, .var = m->var};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromPreset(Mixture *m, size_t size, char *label)
{
  int                  count;
  const MixturePreset *p  = &mixture_preset_table(&count)[m->preset];
  size_t               at = (size_t)snprintf(label, size, "%s", p->name);

  PetscFunctionBegin;
  PetscCall(AllocateLaw(m, p->n, p->d));
  mixture_preset_fill(p, m->width, m->radius, m->weight, m->mean, m->var);
  if (m->width != p->sigma) at += (size_t)snprintf(label + at, size - at, " width %g", m->width);
  if (m->radius != p->r) snprintf(label + at, size - at, " radius %g", m->radius);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromLists(Mixture *m, size_t size, char *label)
{
  const PetscInt d = m->dim, n = m->nmeans / d;

  PetscFunctionBegin;
  AdCheckInput(m->nmeans % d == 0, "-dataset_means: expected a multiple of -dataset_dim %d numbers, got %d",
               (int)d, (int)m->nmeans);
  AdCheckInput(m->nvariances == 1 || m->nvariances == n || m->nvariances == n * d,
               "-dataset_variances: expected 1, %d or %d numbers for %d components in %d dimensions, got %d",
               (int)n, (int)(n * d), (int)n, (int)d, (int)m->nvariances);
  AdCheckInput(!m->nweights || m->nweights == n,
               "-dataset_weights: expected %d numbers, one a component, got %d", (int)n, (int)m->nweights);
  PetscCall(AllocateLaw(m, n, d));
  for (PetscInt c = 0; c < n; c++) {
    m->weight[c] = m->nweights ? m->weights[c] : 1;
    for (PetscInt i = 0; i < d; i++) {
      m->mean[c * d + i] = m->means[c * d + i];
      m->var[c * d + i]  = m->variances[m->nvariances == 1 ? 0 : m->nvariances == n ? c : c * d + i];
    }
  }
  snprintf(label, size, "own mixture of %d", (int)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromFile(Mixture *m, size_t size, char *label)
{
  int64_t   n, dims[2], var_dims[2];
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(InputOpen("-dataset_file", m->file, &m->in));
  PetscCall(InputHas(m->in, "/mixture/weights", &has));
  AdCheckInput(
      has, "-dataset_file: '%s' has no dataset /mixture/weights; for a file of rows add -dataset_type file",
      m->file);
  PetscCall(InputGetDims(m->in, "/mixture/weights", 1, &n));
  PetscCall(InputGetDims(m->in, "/mixture/means", 2, dims));
  PetscCall(InputGetDims(m->in, "/mixture/variances", 2, var_dims));
  AdCheckInput(
      n > 0 && dims[0] == n && dims[1] > 0,
      "-dataset_file: '%s' /mixture/means is %lld x %lld, expected %lld rows as /mixture/weights has",
      m->file, (long long)dims[0], (long long)dims[1], (long long)n);
  AdCheckInput(
      var_dims[0] == dims[0] && var_dims[1] == dims[1],
      "-dataset_file: '%s' /mixture/variances is %lld x %lld, expected %lld x %lld as /mixture/means",
      m->file, (long long)var_dims[0], (long long)var_dims[1], (long long)dims[0], (long long)dims[1]);
  AdCheckInput(n < INT32_MAX && dims[1] <= MAX_WIDTH,
               "-dataset_file: '%s' /mixture/means is %lld x %lld: too large", m->file, (long long)n,
               (long long)dims[1]);
  PetscCall(AllocateLaw(m, n, dims[1]));
  PetscCall(InputRead(m->in, "/mixture/weights", AD_DOUBLE, m->weight));
  PetscCall(InputRead(m->in, "/mixture/means", AD_DOUBLE, m->mean));
  PetscCall(InputRead(m->in, "/mixture/variances", AD_DOUBLE, m->var));
  PetscCall(InputClose(&m->in));
  snprintf(label, size, "mixture %s", file_of_path(m->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First entry that is not finite or below the bound; count where all are good. */
static int64_t first_bad(int64_t count, const double *value, double bound)
{
  int64_t k = 0;

  while (k < count && isfinite(value[k]) && value[k] >= bound) k++;
  return k;
}

/* where begins the name of each array in a message: an option, or file and group */
static PetscErrorCode CheckLaw(const Mixture *m, const char *where)
{
  const int64_t n = m->law.n, d = m->law.d;
  int64_t       bad;

  PetscFunctionBegin;
  bad = first_bad(n, m->weight, 0);
  AdCheckInput(bad == n, "%sweights row %lld: expected a finite number >= 0, found %g", where, (long long)bad,
               m->weight[bad]);
  bad = first_bad(n * d, m->mean, -PETSC_INFINITY);
  AdCheckInput(bad == n * d, "%smeans row %lld: expected finite numbers, found %g", where,
               (long long)(bad / d), m->mean[bad]);
  bad = first_bad(n * d, m->var, 0);
  AdCheckInput(bad == n * d, "%svariances row %lld: expected finite numbers >= 0, found %g", where,
               (long long)(bad / d), m->var[bad]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights to sum 1, and their running sum, which is exactly 1 from the last component that has a weight. */
static PetscErrorCode NormaliseWeights(Mixture *m, const char *where)
{
  const int n    = m->law.n;
  double    sum  = 0;
  int       last = 0;

  PetscFunctionBegin;
  for (int c = 0; c < n; c++) {
    sum += m->weight[c];
    if (m->weight[c] > 0) last = c;
  }
  AdCheckInput(sum > 0 && isfinite(sum), "%sweights: expected a positive sum, found %g", where, sum);
  for (int c = 0; c < n; c++) {
    m->weight[c] /= sum;
    m->cdf[c] = c >= last ? 1 : m->weight[c] + (c ? m->cdf[c - 1] : 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetSetUp_Mixture(Dataset dataset)
{
  Mixture *m                              = (Mixture *)dataset->data;
  char     where[PETSC_MAX_PATH_LEN + 32] = "-dataset_";

  PetscFunctionBegin;
  if (m->source == FROM_PRESET) PetscCall(FillFromPreset(m, sizeof(dataset->label), dataset->label));
  if (m->source == FROM_LISTS) PetscCall(FillFromLists(m, sizeof(dataset->label), dataset->label));
  if (m->source == FROM_FILE) {
    PetscCall(FillFromFile(m, sizeof(dataset->label), dataset->label));
    snprintf(where, sizeof(where), "-dataset_file: '%s' /mixture/", m->file);
  }
  PetscCall(CheckLaw(m, where));
  PetscCall(NormaliseWeights(m, where));
  PetscCall(CoordinatesAllocate(m->law.d, &dataset->coordinates));
  mixture_moments(&m->law, dataset->coordinates.mean, dataset->coordinates.variance);
  for (int split = 0; split < 3; split++) dataset->size[split] = -1;
  dataset->mixture = &m->law;
  dataset->peaks   = &m->law;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Smallest c with u < cdf[c]: never a component of weight zero. */
static int pick(int n, const double *cdf, double u)
{
  int lo = 0, hi = n - 1;

  while (lo < hi) {
    const int middle = (lo + hi) / 2;

    if (u < cdf[middle])
      hi = middle;
    else
      lo = middle + 1;
  }
  return lo;
}

/*
  Row i is component c(u_i) plus its width times normals. Component and normals come from streams of their own, as do the
  splits: training, test and "all" rows are three independent endless sets of one law. Runs of neighbouring indices are
  drawn together, which changes no value.
*/
static PetscErrorCode DatasetGetRows_Mixture(Dataset dataset, DatasetSplit split, int64_t n,
                                             const int64_t *index, double *x, int *label)
{
  enum { WAVE = 256 };
  const Mixture  *m       = (const Mixture *)dataset->data;
  const int       d       = m->law.d;
  const RngStream which   = {dataset->seed, RNG_DATA, 2 * (uint32_t)split};
  const RngStream normals = {dataset->seed, RNG_DATA, 2 * (uint32_t)split + 1};
  double          u[WAVE];

  PetscFunctionBegin;
  for (int64_t r = 0, run; r < n; r += run) {
    for (run = 1; r + run < n && run < WAVE && index[r + run] == index[r] + run;) run++;
    rng_uniform(which, (uint64_t)index[r], (size_t)run, 1, u);
    rng_normal_double(normals, (uint64_t)index[r], (size_t)run, d, x + r * d);
    for (int64_t k = r; k < r + run; k++) {
      const int c = pick(m->law.n, m->cdf, u[k - r]);

      for (int i = 0; i < d; i++)
        x[k * d + i] = m->mean[(int64_t)c * d + i] + sqrt(m->var[(int64_t)c * d + i]) * x[k * d + i];
      if (label) label[k] = c;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetPrintSummary_Mixture(Dataset dataset)
{
  const MixtureData *law = dataset->mixture;
  double             low = PETSC_INFINITY, high = 0;

  PetscFunctionBegin;
  for (int64_t k = 0; k < (int64_t)law->n * law->d; k++) {
    low  = PetscMin(low, law->var[k]);
    high = PetscMax(high, law->var[k]);
  }
  PetscCall(AdPrint("          Gaussian mixture of %d, sd of a component %.4g", law->n, sqrt(low)));
  if (high > low) PetscCall(AdPrint(" to %.4g", sqrt(high)));
  PetscCall(AdPrint("\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetWrite_Mixture(Dataset dataset, Output out)
{
  const Mixture *m = (const Mixture *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OutputAttrInt(out, "/dataset", "components", m->law.n));
  if (m->source == FROM_FILE) PetscCall(OutputAttrString(out, "/dataset", "file", m->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_Mixture(Dataset dataset)
{
  Mixture *m = (Mixture *)dataset->data;

  PetscFunctionBegin;
  if (m->in) PetscCall(InputClose(&m->in));
  PetscCall(PetscFree3(m->means, m->variances, m->weights));
  PetscCall(PetscFree4(m->weight, m->mean, m->var, m->cdf));
  PetscCall(PetscFree(dataset->data));
  dataset->mixture = NULL;
  dataset->peaks   = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetCreate_Mixture - rows without end from a Gaussian mixture, by preset, by lists, or from a file. */
PetscErrorCode DatasetCreate_Mixture(Dataset dataset)
{
  Mixture *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  PetscCall(PetscCalloc3(MAX_LIST, &m->means, MAX_LIST, &m->variances, MAX_LIST, &m->weights));
  m->dim                       = 1;
  m->nvariances                = 1;
  m->variances[0]              = 0.01;
  dataset->data                = m;
  dataset->ops->setfromoptions = DatasetSetFromOptions_Mixture;
  dataset->ops->setup          = DatasetSetUp_Mixture;
  dataset->ops->getrows        = DatasetGetRows_Mixture;
  dataset->ops->printsummary   = DatasetPrintSummary_Mixture;
  dataset->ops->write          = DatasetWrite_Mixture;
  dataset->ops->destroy        = DatasetDestroy_Mixture;
  PetscFunctionReturn(PETSC_SUCCESS);
}
