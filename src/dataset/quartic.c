#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>

#define DEPTH      50  /* e^-50 of its largest value and less count as no density */
#define RESOLUTION 0.8 /* spacing of components over their deviation */
#define DEEPEST    1e5 /* wells that are deeper are two Gaussians */

typedef struct {
  Law                  law;
  const MixturePreset *preset;
  PetscReal            a, b; /* density exp(-(a x^4 - b x^2)) */
} Quartic;

static PetscErrorCode DatasetSetFromOptions_Quartic(Dataset dataset)
{
  Quartic *s = (Quartic *)dataset->data;

  PetscFunctionBegin;
  PetscCall(DatasetReadPreset(dataset, &s->preset));
  PetscCall(
      OptReal("-dataset_quartic", "a of the density exp(-(a x^4 - b x^2))", RANGE_POSITIVE, &s->a, NULL));
  PetscCall(OptReal("-dataset_quadratic", "b of that density; two wells where it is positive", RANGE_ANY,
                    &s->b, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Depth of the wells below x = 0. */
static double well_depth(const Quartic *s)
{
  return s->b > 0 ? s->b / (4 * s->a) * s->b : 0;
}

static double potential(const Quartic *s, double x)
{
  return (s->a * x * x - s->b) * x * x + well_depth(s);
}

/*
  deconvolved - the function whose convolution with a Gaussian of deviation w is e^-V, V = a x^4 - b x^2 + depth

  Source: exp(-w^2/2 d^2/dx^2) e^-V = E e^{-V(x + i w z)}, z normal, since e^-V is entire; the mean by the trapezoidal rule,
          which is exact to rounding for w |V'| <= 1
*/
static double deconvolved(const Quartic *s, double w, double x)
{
  const double step = 0.25;
  double       sum  = 0;

  for (int k = -40; k <= 40; k++) {
    const double z = step * k, y = w * z, x2 = x * x, y2 = y * y;
    const double re = s->a * (x2 * x2 - 6 * x2 * y2 + y2 * y2) - s->b * (x2 - y2) + well_depth(s);
    const double im = 4 * s->a * x * y * (x2 - y2) - 2 * s->b * x * y;

    sum += exp(-0.5 * z * z - re) * cos(im);
  }
  return sum * step / sqrt(2 * PETSC_PI);
}

/* Deviation of the components: one over the steepest slope of V where there is density. Output: end of that region. */
static double component_width(const Quartic *s, double *end)
{
  const double a = s->a, b = s->b;
  const double depth = well_depth(s), hump = b > 0 ? sqrt(b / (6 * a)) : 0;
  double       steepest;

  *end = sqrt(b > 0 ? (b + sqrt(4 * a * DEPTH)) / (2 * a) : 2 * DEPTH / (sqrt(b * b + 4 * a * DEPTH) - b));
  steepest = (4 * a * *end * *end - 2 * b) * *end;
  if (4 * depth / 9 < DEPTH) steepest = fmax(steepest, (2 * b - 4 * a * hump * hump) * hump);
  return 1 / steepest;
}

static PetscErrorCode FillLaw(Quartic *s)
{
  double       end;
  const double w = component_width(s, &end), spacing = RESOLUTION * w, cells = ceil(2 * end / spacing);
  int          n = 0;

  PetscFunctionBegin;
  AdCheckInput(isfinite(cells) && w > 0 && well_depth(s) < DEEPEST,
               "-dataset_quadratic: %g and -dataset_quartic %g make wells of depth %g; expected less than %g",
               s->b, s->a, well_depth(s), DEEPEST);
  PetscCall(LawAllocate((int64_t)cells + 1, 1, &s->law));
  for (int k = 0; k <= (int)cells; k++) {
    const double x = (k - cells / 2) * spacing;

    if (potential(s, x) > DEPTH) continue;
    s->law.mean[n]   = x;
    s->law.var[n]    = w * w;
    s->law.weight[n] = fmax(0, deconvolved(s, w, x));
    n++;
  }
  s->law.data.n = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetSetUp_Quartic(Dataset dataset)
{
  Quartic *s = (Quartic *)dataset->data;

  PetscFunctionBegin;
  PetscCall(FillLaw(s));
  PetscCall(LawSetUp(dataset, &s->law, "-dataset_"));
  label_append(dataset, s->preset->name, 0, 0);
  label_append(dataset, "a", s->a, 0.035);
  label_append(dataset, "b", s->b, 0.1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetPrintSummary_Quartic(Dataset dataset)
{
  const Quartic *s = (const Quartic *)dataset->data;

  PetscFunctionBegin;
  PetscCall(AdPrint("          density exp(-(%g x^4 - %g x^2)), wells %.3g deep; law by %d Gaussians\n", s->a,
                    s->b, well_depth(s), s->law.data.n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetWrite_Quartic(Dataset dataset, Output out)
{
  const Quartic *s = (const Quartic *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OutputAttrReal(out, "/dataset", "quartic", 1, &s->a));
  PetscCall(OutputAttrReal(out, "/dataset", "quadratic", 1, &s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_Quartic(Dataset dataset)
{
  PetscFunctionBegin;
  PetscCall(LawDestroy(dataset, (Law *)dataset->data));
  PetscCall(PetscFree(dataset->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetCreate_Quartic - rows without end from the density exp(-(a x^4 - b x^2)) on a line

  The density is written as a mixture of evenly spaced Gaussians whose weights are the deconvolved density there. The error
  of the sum is 2 e^{-2 pi^2/RESOLUTION^2} (8e-14) of the density everywhere: the width drops out of it.
*/
PetscErrorCode DatasetCreate_Quartic(Dataset dataset)
{
  Quartic *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->a                         = 0.035;
  s->b                         = 0.1;
  dataset->data                = s;
  dataset->ops->setfromoptions = DatasetSetFromOptions_Quartic;
  dataset->ops->setup          = DatasetSetUp_Quartic;
  dataset->ops->getrows        = DatasetGetRows_Law;
  dataset->ops->printsummary   = DatasetPrintSummary_Quartic;
  dataset->ops->write          = DatasetWrite_Quartic;
  dataset->ops->destroy        = DatasetDestroy_Quartic;
  PetscFunctionReturn(PETSC_SUCCESS);
}
