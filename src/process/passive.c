#include "private/processimpl.h"
#include <stdio.h>

typedef struct {
  PetscReal k, temperature;
} Passive;

static PetscErrorCode ProcessSetFromOptions_Passive(Process process)
{
  Passive *p = (Passive *)process->data;

  PetscFunctionBegin;
  PetscCall(OptReal("-process_k", "stiffness of the trap, 1/time", RANGE_POSITIVE, &p->k, NULL));
  PetscCall(
      OptReal("-process_tp", "temperature T of the white noise on x", RANGE_POSITIVE, &p->temperature, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ProcessFill_Passive(Process process)
{
  const Passive *p = (const Passive *)process->data;

  PetscFunctionBegin;
  process->sde.b       = 1;
  process->sde.M[0]    = -p->k;
  process->G[0]        = PetscSqrtReal(2 * p->temperature);
  process->temperature = p->temperature;
  PetscCall(ProcessNoteParameter(process, "k", p->k));
  PetscCall(ProcessNoteParameter(process, "temperature", p->temperature));
  snprintf(process->label, sizeof(process->label), "passive k %g T %g", p->k, p->temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessCreate_Passive - dx = -k x dt + sqrt(2 T) dW (paper eq. 1). */
PetscErrorCode ProcessCreate_Passive(Process process)
{
  Passive *p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  *p                           = (Passive){.k = 1, .temperature = 1};
  process->data                = p;
  process->ops->setfromoptions = ProcessSetFromOptions_Passive;
  process->ops->fill           = ProcessFill_Passive;
  PetscFunctionReturn(PETSC_SUCCESS);
}
