#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>

#define MAX_NODES  8192 /* components a roll */
#define MAX_ROLLS  1024 /* two numbers each in a list of options */
#define RESOLUTION 0.6  /* spacing of components along the curve over their deviation */

typedef struct {
  Law                  law;
  const MixturePreset *preset;
  PetscReal            noise, scale, start, turns, radius;
  PetscInt             ncentres, nweights;
  PetscReal           *centres, *weights; /* as given: [n][2], [n] */
  int                  n;                 /* rolls */
  MixtureData          rolls;             /* as peaks, where they are apart */
  double              *weight, *centre, *var;
} SwissRoll;

/* ---- options ---- */

static PetscErrorCode DatasetSetFromOptions_SwissRoll(Dataset dataset)
{
  SwissRoll *s = (SwissRoll *)dataset->data;
  PetscBool  centres;

  PetscFunctionBegin;
  PetscCall(DatasetReadPreset(dataset, &s->preset));
  s->noise  = s->preset->sigma;
  s->radius = s->preset->r;
  PetscCall(OptReal("-dataset_roll_noise", "deviation of the noise on a point (q cos q, q sin q) of a roll",
                    RANGE_POSITIVE, &s->noise, NULL));
  PetscCall(OptReal("-dataset_roll_start", "smallest q, in radians", RANGE(0, 1e4), &s->start, NULL));
  PetscCall(OptReal("-dataset_roll_turns", "turns of a roll: q is even on [start, start + 2 pi turns]",
                    (OptRange){0, 1e3, 1, 0}, &s->turns, NULL));
  PetscCall(OptReal("-dataset_roll_scale", "factor of points and noise", RANGE_POSITIVE, &s->scale, NULL));
  PetscCall(OptRealList("-dataset_roll_centres",
                        "own centres of rolls x,y,x,y,... (those of the preset unless given)", RANGE_ANY,
                        2 * MAX_ROLLS, s->centres, &s->ncentres, &centres));
  if (!centres)
    PetscCall(OptReal("-dataset_radius", "size of the pattern of centres (that of the preset unless given)",
                      RANGE_NONNEGATIVE, &s->radius, NULL));
  PetscCall(OptRealList("-dataset_weights", DATASET_WEIGHTS_TEXT, RANGE_NONNEGATIVE, MAX_ROLLS, s->weights,
                        &s->nweights, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the law ---- */

/*
  legendre_nodes - Gauss-Legendre rule on [0, 1]

  Output: u[n] rising, weight[n]
  Source: Newton's method on P_n by its three-term recurrence, from cos(pi (i + 3/4)/(n + 1/2))
*/
static void legendre_nodes(int n, double *u, double *weight)
{
  for (int i = 0; i < (n + 1) / 2; i++) {
    double x = cos(PETSC_PI * (i + 0.75) / (n + 0.5)), slope = 1;

    for (int step = 0; step < 6; step++) {
      double p = 1, before = 0;

      for (int k = 1; k <= n; k++) {
        const double next = ((2 * k - 1) * x * p - (k - 1) * before) / k;

        before = p;
        p      = next;
      }
      slope = n * (x * p - before) / (x * x - 1);
      x -= p / slope;
    }
    u[i]              = 0.5 * (1 - x);
    u[n - 1 - i]      = 0.5 * (1 + x);
    weight[i]         = 1 / ((1 - x * x) * slope * slope);
    weight[n - 1 - i] = weight[i];
  }
}

/*
  roll_nodes - components that a roll takes

  The density is the integral over q of N(x; curve(q), noise^2), a Gaussian of that width at least along the curve. The
  Gauss-Legendre rule has its nodes evenly in the angle whose cosine is the variable; it converges as the even rule does
  on the whole line, with an error e^{-2 pi^2/r^2} (2e-24) at r = RESOLUTION deviations between nodes, and needs no care at the ends, where
  an even rule would err by a per cent. Further nodes a turn serve a noise that is wider than the roll.
*/
static double roll_nodes(const SwissRoll *s)
{
  enum { POINTS = 4000 };
  double most = 0;

  for (int i = 0; i < POINTS; i++) {
    const double angle = PETSC_PI * (i + 0.5) / POINTS;
    const double q     = s->start + PETSC_PI * s->turns * (1 - cos(angle));

    most = fmax(most, PETSC_PI * s->turns * sqrt(1 + q * q) * sin(angle)); /* length an angle */
  }
  return ceil(PETSC_PI * most / (RESOLUTION * s->noise) + 24 * s->turns + 40);
}

static PetscErrorCode CheckLists(SwissRoll *s)
{
  const double nodes = roll_nodes(s);

  PetscFunctionBegin;
  AdCheckInput(s->ncentres % 2 == 0, "-dataset_roll_centres: expected two numbers a roll, got %d",
               (int)s->ncentres);
  s->n = s->ncentres ? (int)s->ncentres / 2 : s->preset->n;
  AdCheckInput(!s->nweights || s->nweights == s->n,
               "-dataset_weights: expected %d numbers, one a roll, got %d", s->n, (int)s->nweights);
  AdCheckInput(nodes <= MAX_NODES,
               "-dataset_roll_noise: %g is too little for so long a roll: its law would take %.3g Gaussians, "
               "at most %d; take more noise or fewer turns",
               s->noise, nodes, MAX_NODES);
  AdCheckInput(s->n * nodes <= 50 * MAX_NODES,
               "-dataset_roll_centres: %d rolls of %g Gaussians each are too many, at most %d in all", s->n,
               nodes, 50 * MAX_NODES);
  s->law.share = (int)nodes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Centre, weight and outer radius (noise included) of every roll. */
static PetscErrorCode FillRolls(SwissRoll *s)
{
  const double outer = s->scale * (s->start + 2 * PETSC_PI * s->turns + 3 * s->noise);

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(s->n, &s->weight, 2 * s->n, &s->centre, 2 * s->n, &s->var));
  s->rolls = (MixtureData){.n = s->n, .d = 2, .weight = s->weight, .mean = s->centre, .var = s->var};
  if (s->ncentres) {
    PetscCall(PetscArraycpy(s->centre, s->centres, s->ncentres));
    for (int c = 0; c < s->n; c++) s->weight[c] = 1;
  } else
    mixture_preset_fill(s->preset, s->preset->d, 0, s->radius, s->weight, s->centre, s->var);
  for (int c = 0; c < s->nweights; c++) s->weight[c] = s->weights[c];
  for (int k = 0; k < 2 * s->n; k++) s->var[k] = outer * outer / 9;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillLaw(SwissRoll *s)
{
  const int    nodes = s->law.share;
  const double sd    = s->scale * s->noise;
  double      *u, *weight;

  PetscFunctionBegin;
  PetscCall(LawAllocate((int64_t)s->n * nodes, 2, &s->law));
  PetscCall(PetscMalloc2(nodes, &u, nodes, &weight));
  legendre_nodes(nodes, u, weight);
  for (int c = 0; c < s->n; c++)
    for (int k = 0; k < nodes; k++) {
      const int    at = c * nodes + k;
      const double q  = s->start + 2 * PETSC_PI * s->turns * u[k];

      s->law.weight[at]       = s->weight[c] * weight[k];
      s->law.mean[2 * at]     = s->centre[2 * c] + s->scale * q * cos(q);
      s->law.mean[2 * at + 1] = s->centre[2 * c + 1] + s->scale * q * sin(q);
      s->law.var[2 * at] = s->law.var[2 * at + 1] = sd * sd;
    }
  PetscCall(PetscFree2(u, weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rolls are clusters of their own where no two circles around them meet. */
static PetscBool are_apart(const SwissRoll *s)
{
  const double outer = 3 * sqrt(s->var[0]);

  for (int c = 0; c < s->n; c++)
    for (int e = 0; e < c; e++)
      if (hypot(s->centre[2 * c] - s->centre[2 * e], s->centre[2 * c + 1] - s->centre[2 * e + 1]) < 2 * outer)
        return PETSC_FALSE;
  return s->n > 1 ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode DatasetSetUp_SwissRoll(Dataset dataset)
{
  SwissRoll *s   = (SwissRoll *)dataset->data;
  double     sum = 0;

  PetscFunctionBegin;
  PetscCall(CheckLists(s));
  PetscCall(FillRolls(s));
  PetscCall(FillLaw(s));
  PetscCall(LawSetUp(dataset, &s->law, "-dataset_"));
  for (int c = 0; c < s->n; c++) sum += s->weight[c];
  for (int c = 0; c < s->n; c++) s->weight[c] /= sum;
  if (are_apart(s)) dataset->peaks = &s->rolls;
  label_append(dataset, s->ncentres ? "own swiss rolls" : s->preset->name, 0, 0);
  label_append(dataset, "noise", s->noise, s->preset->sigma);
  label_append(dataset, "scale", s->scale, 0.01);
  label_append(dataset, "start", s->start, 1.5 * PETSC_PI);
  label_append(dataset, "turns", s->turns, 1.5);
  label_append(dataset, "radius", s->radius, s->preset->r);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- operations ---- */

static PetscErrorCode DatasetPrintSummary_SwissRoll(Dataset dataset)
{
  const SwissRoll *s = (const SwissRoll *)dataset->data;

  PetscFunctionBegin;
  PetscCall(
      AdPrint("          %d roll%s of %.4g turns, outer radius %.4g, sd across %.4g; law by %d Gaussians%s\n",
              s->n, s->n > 1 ? "s" : "", s->turns, s->scale * (s->start + 2 * PETSC_PI * s->turns),
              s->scale * s->noise, s->law.data.n, dataset->peaks ? "; rolls apart" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetWrite_SwissRoll(Dataset dataset, Output out)
{
  const SwissRoll *s = (const SwissRoll *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OutputAttrInt(out, "/dataset", "rolls", s->n));
  PetscCall(OutputAttrReal(out, "/dataset", "roll_centres", 2 * s->n, s->centre));
  PetscCall(OutputAttrReal(out, "/dataset", "roll_noise", 1, &s->noise));
  PetscCall(OutputAttrReal(out, "/dataset", "roll_scale", 1, &s->scale));
  PetscCall(OutputAttrReal(out, "/dataset", "roll_start", 1, &s->start));
  PetscCall(OutputAttrReal(out, "/dataset", "roll_turns", 1, &s->turns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_SwissRoll(Dataset dataset)
{
  SwissRoll *s = (SwissRoll *)dataset->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(s->centres, s->weights));
  PetscCall(PetscFree3(s->weight, s->centre, s->var));
  PetscCall(LawDestroy(dataset, &s->law));
  PetscCall(PetscFree(dataset->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetCreate_SwissRoll - rows without end from one or several swiss rolls in the plane

  A row is centre + scale ((q cos q, q sin q) + noise N(0, 1)), q even on [start, start + 2 pi turns]; its label is the roll.
  The integral over q is taken as a mixture of Gaussians, exact to rounding: rows, exact scores and densities have one law.
*/
PetscErrorCode DatasetCreate_SwissRoll(Dataset dataset)
{
  SwissRoll *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  PetscCall(PetscCalloc2(2 * MAX_ROLLS, &s->centres, MAX_ROLLS, &s->weights));
  s->scale                     = 0.01;
  s->start                     = 1.5 * PETSC_PI;
  s->turns                     = 1.5;
  dataset->data                = s;
  dataset->ops->setfromoptions = DatasetSetFromOptions_SwissRoll;
  dataset->ops->setup          = DatasetSetUp_SwissRoll;
  dataset->ops->getrows        = DatasetGetRows_Law;
  dataset->ops->printsummary   = DatasetPrintSummary_SwissRoll;
  dataset->ops->write          = DatasetWrite_SwissRoll;
  dataset->ops->destroy        = DatasetDestroy_SwissRoll;
  PetscFunctionReturn(PETSC_SUCCESS);
}
