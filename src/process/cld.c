#include "private/processimpl.h"
#include <stdio.h>

typedef struct {
  PetscReal mass, friction, gamma;
} Cld;

static PetscErrorCode ProcessSetFromOptions_CLD(Process process)
{
  Cld *c = (Cld *)process->data;

  PetscFunctionBegin;
  PetscCall(OptReal("-process_mass", "mass m of the velocity", RANGE_POSITIVE, &c->mass, NULL));
  PetscCall(OptReal("-process_friction", "friction Gamma; critical damping at Gamma^2 = 4 m", RANGE_POSITIVE,
                    &c->friction, NULL));
  PetscCall(
      OptReal("-process_v0", "gamma: variance of v at t = 0 over m", RANGE_NONNEGATIVE, &c->gamma, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ProcessFill_CLD(Process process)
{
  const Cld *c   = (const Cld *)process->data;
  LinearSde *sde = &process->sde;

  PetscFunctionBegin;
  sde->b               = 2;
  sde->M[1]            = 1 / c->mass;
  sde->M[2]            = -1;
  sde->M[3]            = -c->friction / c->mass;
  process->G[3]        = PetscSqrtReal(2 * c->friction);
  sde->V0[3]           = c->gamma * c->mass;
  process->temperature = 1;
  PetscCall(ProcessNoteParameter(process, "mass", c->mass));
  PetscCall(ProcessNoteParameter(process, "friction", c->friction));
  PetscCall(ProcessNoteParameter(process, "gamma", c->gamma));
  snprintf(process->label, sizeof(process->label), "cld rate %g Gamma %g m %g gamma %g", process->rate,
           c->friction, c->mass, c->gamma);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessCreate_CLD - dx = v/m dt, dv = (-x - Gamma v/m) dt + sqrt(2 Gamma) dW, all times the rate 4 (Dockhorn et al. 2022). */
PetscErrorCode ProcessCreate_CLD(Process process)
{
  Cld *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c                           = (Cld){.mass = 0.25, .friction = 1, .gamma = 0.04};
  process->rate                = 4;
  process->data                = c;
  process->ops->setfromoptions = ProcessSetFromOptions_CLD;
  process->ops->fill           = ProcessFill_CLD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
