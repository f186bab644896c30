/*
  Law - a Gaussian mixture as the law of a data set: what the types share that are one, or are computed as one
*/
#include "private/datasetimpl.h"
#include "adrng.h"
#include <math.h>

/* LawAllocate - room for n components in d dimensions. */
PetscErrorCode LawAllocate(int64_t n, int64_t d, Law *law)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc4(n, &law->weight, n * d, &law->mean, n * d, &law->var, n, &law->cdf));
  law->data =
      (MixtureData){.n = (int)n, .d = (int)d, .weight = law->weight, .mean = law->mean, .var = law->var};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First entry that is not finite or below the bound; count where all are good. */
static int64_t first_bad(int64_t count, const double *value, double bound)
{
  int64_t k = 0;

  while (k < count && isfinite(value[k]) && value[k] >= bound) k++;
  return k;
}

static PetscErrorCode CheckLaw(const Law *law, const char *where)
{
  const int64_t n = law->data.n, d = law->data.d;
  int64_t       bad;

  PetscFunctionBegin;
  bad = first_bad(n, law->weight, 0);
  AdCheckInput(bad == n, "%sweights row %lld: expected a finite number >= 0, found %g", where, (long long)bad,
               law->weight[bad]);
  bad = first_bad(n * d, law->mean, -PETSC_INFINITY);
  AdCheckInput(bad == n * d, "%smeans row %lld: expected finite numbers, found %g", where,
               (long long)(bad / d), law->mean[bad]);
  bad = first_bad(n * d, law->var, 0);
  AdCheckInput(bad == n * d, "%svariances row %lld: expected finite numbers >= 0, found %g", where,
               (long long)(bad / d), law->var[bad]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights to sum 1, and their running sum, which is exactly 1 from the last component that has a weight. */
static PetscErrorCode NormaliseWeights(Law *law, const char *where)
{
  const int n    = law->data.n;
  double    sum  = 0;
  int       last = 0;

  PetscFunctionBegin;
  for (int c = 0; c < n; c++) {
    sum += law->weight[c];
    if (law->weight[c] > 0) last = c;
  }
  AdCheckInput(sum > 0 && isfinite(sum), "%sweights: expected a positive sum, found %g", where, sum);
  for (int c = 0; c < n; c++) {
    law->weight[c] /= sum;
    law->cdf[c] = c >= last ? 1 : law->weight[c] + (c ? law->cdf[c - 1] : 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  LawSetUp - check the arrays, normalise the weights, and make the mixture the law of the data set: rows without end

  Input:  where  what stands before the name of an array in a message: an option, or file and group
  Errors: AD_ERR_INPUT when an entry is not finite, a weight or variance negative, or all weights are zero
*/
PetscErrorCode LawSetUp(Dataset dataset, Law *law, const char *where)
{
  PetscFunctionBegin;
  PetscCall(CheckLaw(law, where));
  PetscCall(NormaliseWeights(law, where));
  PetscCall(CoordinatesAllocate(law->data.d, &dataset->coordinates));
  mixture_moments(&law->data, dataset->coordinates.mean, dataset->coordinates.variance);
  for (int split = 0; split < 3; split++) dataset->size[split] = -1;
  dataset->mixture = &law->data;
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
  DatasetGetRows_Law - getrows of a data set whose data begin with its Law

  Row i is component c(u_i) plus its width times normals. Component and normals come from streams of their own, as do the
  splits: training, test and "all" rows are three independent endless sets of one law. Runs of neighbouring indices are
  drawn together, which changes no value.
*/
PetscErrorCode DatasetGetRows_Law(Dataset dataset, DatasetSplit split, int64_t n, const int64_t *index,
                                  double *x, int *label)
{
  enum { WAVE = 256 };
  const Law      *law     = (const Law *)dataset->data;
  const int       d       = law->data.d;
  const RngStream which   = {dataset->seed, RNG_DATA, 2 * (uint32_t)split};
  const RngStream normals = {dataset->seed, RNG_DATA, 2 * (uint32_t)split + 1};
  double          u[WAVE];

  PetscFunctionBegin;
  for (int64_t r = 0, run; r < n; r += run) {
    for (run = 1; r + run < n && run < WAVE && index[r + run] == index[r] + run;) run++;
    rng_uniform(which, (uint64_t)index[r], (size_t)run, 1, u);
    rng_normal_double(normals, (uint64_t)index[r], (size_t)run, d, x + r * d);
    for (int64_t k = r; k < r + run; k++) {
      const int c = pick(law->data.n, law->cdf, u[k - r]);

      for (int i = 0; i < d; i++)
        x[k * d + i] = law->mean[(int64_t)c * d + i] + sqrt(law->var[(int64_t)c * d + i]) * x[k * d + i];
      if (label) label[k] = law->share ? c / law->share : -1;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* LawDestroy - free the arrays; the data set then has no law. */
PetscErrorCode LawDestroy(Dataset dataset, Law *law)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(law->weight, law->mean, law->var, law->cdf));
  dataset->mixture = NULL;
  dataset->peaks   = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
