#include "private/processimpl.h"
#include <stdio.h>

typedef struct {
  PetscReal k, tau, ta, tp, v0;
} Active;

static PetscErrorCode ProcessSetFromOptions_Active(Process process)
{
  Active *a = (Active *)process->data;

  PetscFunctionBegin;
  PetscCall(OptReal("-process_k", "stiffness of the trap, 1/time", RANGE_POSITIVE, &a->k, NULL));
  PetscCall(OptReal("-process_tau", "persistence time of the active noise", RANGE_POSITIVE, &a->tau, NULL));
  PetscCall(OptReal("-process_ta", "active temperature", RANGE_POSITIVE, &a->ta, NULL));
  PetscCall(OptReal("-process_tp", "temperature of the white noise on x", RANGE_NONNEGATIVE, &a->tp, NULL));
  a->v0 = a->ta / a->tau;
  PetscCall(OptReal("-process_v0", "variance of eta at t = 0; ta/tau unless given, 0 as the authors coded",
                    RANGE_NONNEGATIVE, &a->v0, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ProcessFill_Active(Process process)
{
  const Active *a   = (const Active *)process->data;
  LinearSde    *sde = &process->sde;

  PetscFunctionBegin;
  sde->b               = 2;
  sde->M[0]            = -a->k;
  sde->M[1]            = 1;
  sde->M[3]            = -1 / a->tau;
  process->G[0]        = PetscSqrtReal(2 * a->tp);
  process->G[3]        = PetscSqrtReal(2 * a->ta) / a->tau;
  sde->V0[3]           = a->v0;
  process->temperature = a->ta + a->tp;
  PetscCall(ProcessNoteParameter(process, "k", a->k));
  PetscCall(ProcessNoteParameter(process, "tau", a->tau));
  PetscCall(ProcessNoteParameter(process, "ta", a->ta));
  PetscCall(ProcessNoteParameter(process, "tp", a->tp));
  PetscCall(ProcessNoteParameter(process, "v0", a->v0));
  snprintf(process->label, sizeof(process->label), "active k %g tau %g Ta %g Tp %g", a->k, a->tau, a->ta,
           a->tp);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessCreate_Active - dx = (-k x + eta) dt + sqrt(2 Tp) dW, d eta = -eta/tau dt + sqrt(2 Ta)/tau dW' (paper eqs. 5-9). */
PetscErrorCode ProcessCreate_Active(Process process)
{
  Active *a;

  PetscFunctionBegin;
  PetscCall(PetscNew(&a));
  *a                           = (Active){.k = 1, .tau = 0.5, .ta = 1, .tp = 0, .v0 = 2};
  process->data                = a;
  process->ops->setfromoptions = ProcessSetFromOptions_Active;
  process->ops->fill           = ProcessFill_Active;
  PetscFunctionReturn(PETSC_SUCCESS);
}
