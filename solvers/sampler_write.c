/*
  What a sampler tells of itself, and what it leaves behind: /samples, /trajectory, /process, /coordinates
*/
#include "private/samplerimpl.h"
#include <string.h>

/* SamplerGetSettings - number of samples, and the last sigma before 0 of grids in sigma; after SetFromOptions. */
PetscErrorCode SamplerGetSettings(Sampler sampler, int64_t *samples, double *sigma_min)
{
  PetscFunctionBegin;
  *samples   = sampler->samples;
  *sigma_min = sampler->sigma_min;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerGetSigmas - the clock at the first time of the grid, and at the last one before 0; after SetUp. */
PetscErrorCode SamplerGetSigmas(Sampler sampler, double *first, double *last)
{
  const AffinePlan *plan = &sampler->plan;

  PetscFunctionBegin;
  *first = plan->kernel[0].sigma;
  *last  = plan->kernel[sampler->scheme == SCHEME_FLOW ? 1 : plan->nsteps - 1].sigma;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "phi,psi,aux1_phi,aux1_psi"; for very many columns only the pattern, an attribute has to stay small */
static PetscErrorCode ColumnNames(const Coordinates *c, int b, char **text)
{
  const size_t longest = sizeof(c->name[0]) + 8, size = longest * (size_t)(b * c->d) + 64;
  const int    many = b * c->d > 1000;
  size_t       at   = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, text));
  for (int a = 0; a < b; a++)
    for (int i = 0; i < c->d; i++) {
      if (many && i > 0 && i < c->d - 1) continue;
      if (a || i) at += (size_t)snprintf(*text + at, size - at, many && i ? ",...," : ",");
      if (a) at += (size_t)snprintf(*text + at, size - at, "aux%d_", a);
      at += (size_t)snprintf(*text + at, size - at, "%s", c->name[i]);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteStates(Sampler sampler, Output out)
{
  const AffinePlan *plan  = &sampler->plan;
  const int64_t     width = (int64_t)plan->b * plan->d, dims[2] = {plan->N, width};
  const DataInfo    info = {"sample,variable", "data units, auxiliary variables in process units",
                            "reverse process (paper eqs. 10, 11)"};
  const double     *X;
  double           *state;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->n * width, &state));
  PetscCall(VecGetArrayRead(sampler->X, &X));
  PetscCall(PetscArraycpy(state, X, plan->n * width));
  PetscCall(VecRestoreArrayRead(sampler->X, &X));
  for (int64_t r = 0; r < plan->n; r++) coordinates_restore(sampler->coordinates, 1, state + r * width);
  PetscCall(OutputWriteRows(out, "/samples/state", AD_DOUBLE, 2, dims, plan->first, plan->n, state, &info));
  PetscCall(PetscFree(state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAttributes(Sampler sampler, Output out)
{
  const char  *group = "/samples", *score;
  const double zero  = 0;
  char        *columns;

  PetscFunctionBegin;
  PetscCall(ColumnNames(sampler->coordinates, sampler->plan.b, &columns));
  PetscCall(OutputAttrString(out, group, "columns", columns));
  PetscCall(PetscFree(columns));
  PetscCall(ScoreGetLabel(sampler->score, &score));
  PetscCall(OutputAttrReal(out, group, "t", 1, &zero));
  PetscCall(OutputAttrInt(out, group, "d", sampler->plan.d));
  PetscCall(OutputAttrInt(out, group, "b", sampler->plan.b));
  PetscCall(OutputAttrString(out, group, "label", sampler->label));
  PetscCall(OutputAttrString(out, group, "score", score));
  PetscCall(OutputAttrString(out, group, "scheme", scheme_table[sampler->scheme].name));
  if (sampler->scheme == SCHEME_FLOW) {
    PetscCall(OutputAttrReal(out, group, "rtol", 1, &sampler->rtol));
    PetscCall(OutputAttrReal(out, group, "atol", 1, &sampler->atol));
    PetscCall(OutputAttrReal(out, group, "t_min", 1, &sampler->t_stop));
  } else {
    PetscCall(OutputAttrInt(out, group, "order", sampler->order));
    PetscCall(OutputAttrString(out, group, "grid", sampler_grid_names[sampler->grid]));
    PetscCall(OutputAttrInt(out, group, "steps", sampler->steps));
    PetscCall(OutputAttrInt(out, group, "corrector", sampler->corrector));
    PetscCall(OutputAttrReal(out, group, "snr", 1, &sampler->snr));
    PetscCall(OutputAttrReal(out, group, "churn", 1, &sampler->churn));
  }
  PetscCall(OutputAttrReal(out, group, "evaluations", 1, &sampler->evaluations));
  PetscCall(OutputAttrInt(out, group, "seed", (int64_t)sampler->seed));
  PetscCall(OutputAttrString(out, group, "prior", sampler_prior_names[sampler->prior]));
  PetscCall(OutputAttrString(
      out, group, "last", sampler_last_names[sampler->scheme == SCHEME_FLOW ? LAST_DENOISE : sampler->last]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerWrite - groups /samples, /process, /coordinates, and /trajectory if paths were asked for

  Units: x in those of the data file, periodic columns wrapped; auxiliary variables in those of the process
*/
PetscErrorCode SamplerWrite(Sampler sampler, Output out)
{
  PetscFunctionBegin;
  PetscCall(WriteStates(sampler, out));
  PetscCall(WriteAttributes(sampler, out));
  PetscCall(TrajectoryWrite(sampler, out));
  PetscCall(ProcessWrite(sampler->process, out));
  PetscCall(CoordinatesWrite(sampler->coordinates, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}
