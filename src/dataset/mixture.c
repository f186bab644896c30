#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_WIDTH 262144 /* normals a row that one stream of random numbers has */

typedef enum { FROM_PRESET, FROM_LISTS, FROM_FILE } Source;

typedef struct {
  Law                  law;
  Source               source;
  const MixturePreset *preset;
  PetscReal            width, radius;
  char                 file[PETSC_MAX_PATH_LEN];
  PetscInt             dim, nmeans, nvariances, nweights;
  PetscReal           *means, *variances, *weights; /* as given on the command line */
  Input                in;                          /* open while the law is read */
} Mixture;

/* Coordinates, where neither preset nor file tells */
static PetscErrorCode ReadDim(Mixture *m)
{
  PetscFunctionBegin;
  PetscCall(
      OptInt("-dataset_dim",
             "coordinates of the components in -dataset_means (1), or of -dataset_preset two_clusters (256)",
             RANGE(1, MAX_WIDTH), &m->dim, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPresetOptions(Dataset dataset, Mixture *m)
{
  PetscFunctionBegin;
  PetscCall(DatasetReadPreset(dataset, &m->preset));
  m->width  = m->preset->sigma;
  m->radius = m->preset->r;
  m->dim    = m->preset->d ? m->preset->d : 256;
  if (!m->preset->d) PetscCall(ReadDim(m));
  PetscCall(OptReal("-dataset_width", "standard deviation of a peak (that of the preset unless given)",
                    RANGE_NONNEGATIVE, &m->width, NULL));
  PetscCall(OptReal("-dataset_radius", "size of the pattern of centres (that of the preset unless given)",
                    RANGE_NONNEGATIVE, &m->radius, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadListOptions(Mixture *m)
{
  PetscFunctionBegin;
  m->dim = 1;
  PetscCall(ReadDim(m));
  PetscCall(OptRealList("-dataset_variances",
                        "variances: one, one a component, or one a mean; 0.01 unless given",
                        RANGE_NONNEGATIVE, MAX_LIST, m->variances, &m->nvariances, NULL));
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
  if (m->source == FROM_PRESET) PetscCall(ReadPresetOptions(dataset, m));
  if (m->source == FROM_LISTS || dataset->every_key) PetscCall(ReadListOptions(m));
  if (m->source != FROM_FILE)
    PetscCall(OptRealList("-dataset_weights", DATASET_WEIGHTS_TEXT, RANGE_NONNEGATIVE, MAX_LIST, m->weights,
                          &m->nweights, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromPreset(Dataset dataset, Mixture *m)
{
  const MixturePreset *p = m->preset;

  PetscFunctionBegin;
  AdCheckInput(!m->nweights || m->nweights == p->n,
               "-dataset_weights: expected %d numbers, one a peak of %s, got %d", p->n, p->name,
               (int)m->nweights);
  PetscCall(LawAllocate(p->n, m->dim, &m->law));
  mixture_preset_fill(p, (int)m->dim, m->width, m->radius, m->law.weight, m->law.mean, m->law.var);
  for (PetscInt c = 0; c < m->nweights; c++) m->law.weight[c] = m->weights[c];
  label_append(dataset, p->name, 0, 0);
  label_append(dataset, "d", m->dim, p->d);
  label_append(dataset, "width", m->width, p->sigma);
  label_append(dataset, "radius", m->radius, p->r);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromLists(Dataset dataset, Mixture *m)
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
  PetscCall(LawAllocate(n, d, &m->law));
  for (PetscInt c = 0; c < n; c++) {
    m->law.weight[c] = m->nweights ? m->weights[c] : 1;
    for (PetscInt i = 0; i < d; i++) {
      m->law.mean[c * d + i] = m->means[c * d + i];
      m->law.var[c * d + i]  = m->variances[m->nvariances == 1 ? 0 : m->nvariances == n ? c : c * d + i];
    }
  }
  snprintf(dataset->label, sizeof(dataset->label), "own mixture of %d", (int)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromFile(Dataset dataset, Mixture *m)
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
  PetscCall(LawAllocate(n, dims[1], &m->law));
  PetscCall(InputRead(m->in, "/mixture/weights", AD_DOUBLE, m->law.weight));
  PetscCall(InputRead(m->in, "/mixture/means", AD_DOUBLE, m->law.mean));
  PetscCall(InputRead(m->in, "/mixture/variances", AD_DOUBLE, m->law.var));
  PetscCall(InputClose(&m->in));
  snprintf(dataset->label, sizeof(dataset->label), "mixture %.110s", file_of_path(m->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetSetUp_Mixture(Dataset dataset)
{
  Mixture *m                              = (Mixture *)dataset->data;
  char     where[PETSC_MAX_PATH_LEN + 32] = "-dataset_";

  PetscFunctionBegin;
  if (m->source == FROM_PRESET) PetscCall(FillFromPreset(dataset, m));
  if (m->source == FROM_LISTS) PetscCall(FillFromLists(dataset, m));
  if (m->source == FROM_FILE) {
    PetscCall(FillFromFile(dataset, m));
    snprintf(where, sizeof(where), "-dataset_file: '%s' /mixture/", m->file);
  }
  PetscCall(LawSetUp(dataset, &m->law, where));
  m->law.share   = 1;
  dataset->peaks = &m->law.data;
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
  PetscCall(OutputAttrInt(out, "/dataset", "components", m->law.data.n));
  if (m->source == FROM_FILE) PetscCall(OutputAttrString(out, "/dataset", "file", m->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_Mixture(Dataset dataset)
{
  Mixture *m = (Mixture *)dataset->data;

  PetscFunctionBegin;
  if (m->in) PetscCall(InputClose(&m->in));
  PetscCall(PetscFree3(m->means, m->variances, m->weights));
  PetscCall(LawDestroy(dataset, &m->law));
  PetscCall(PetscFree(dataset->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetCreate_Mixture - rows without end from a Gaussian mixture, by preset, by lists, or from a file. */
PetscErrorCode DatasetCreate_Mixture(Dataset dataset)
{
  Mixture *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  PetscCall(PetscCalloc3(MAX_LIST, &m->means, MAX_LIST, &m->variances, MAX_LIST, &m->weights));
  m->nvariances                = 1;
  m->variances[0]              = 0.01;
  dataset->data                = m;
  dataset->ops->setfromoptions = DatasetSetFromOptions_Mixture;
  dataset->ops->setup          = DatasetSetUp_Mixture;
  dataset->ops->getrows        = DatasetGetRows_Law;
  dataset->ops->printsummary   = DatasetPrintSummary_Mixture;
  dataset->ops->write          = DatasetWrite_Mixture;
  dataset->ops->destroy        = DatasetDestroy_Mixture;
  PetscFunctionReturn(PETSC_SUCCESS);
}
