/*
  Which cases fit a noise, and what each does to the leaves at every time
*/
#include "private/rhmimpl.h"

int rhm_reads_process(RhmCase which)
{
  return which == RHM_JOINT || which == RHM_X_ALONE || which == RHM_PRINTED;
}

int rhm_is_right(RhmCase which)
{
  return which != RHM_PRINTED && which != RHM_LEGACY;
}

/*
  Cases that would be the process itself, or have no meaning for it, do not fit: x alone of passive noise is all there is, and
  CLD and general noise have no stiffness that a passive noise could share.
*/
static PetscErrorCode CaseFits(Process process, RhmCase which, PetscBool *fits)
{
  const LinearSde *sde;
  PetscBool        active;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(process, &sde));
  PetscCall(PetscObjectTypeCompare((PetscObject)process, "active", &active));
  if (which == RHM_JOINT)
    *fits = PETSC_TRUE;
  else if (which == RHM_X_ALONE || which == RHM_EQUAL_SIGMA)
    *fits = sde->b > 1 ? PETSC_TRUE : PETSC_FALSE;
  else
    *fits = active;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmCheckCase - AD_ERR_INPUT for a case that has no meaning for this noise. */
PetscErrorCode RhmCheckCase(Process process, RhmCase which)
{
  const char *label;
  PetscBool   fits = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(ProcessGetLabel(process, &label));
  PetscCall(CaseFits(process, which, &fits));
  AdCheckInput(fits, "-rhm_cases: %s does not fit %s: %s", rhm_case_names[which], label,
               which == RHM_X_ALONE || which == RHM_EQUAL_SIGMA ? "x is all it has; give joint"
                                                                : "it is defined for active noise only");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChooseCases(RhmOptions *o, PetscInt n, Process *process)
{
  PetscFunctionBegin;
  for (int i = 0; o->all_cases && i < RHM_CASES; i++) {
    PetscBool all = rhm_is_right((RhmCase)i) ? PETSC_TRUE : PETSC_FALSE;

    for (PetscInt p = 0; p < n && all; p++) PetscCall(CaseFits(process[p], (RhmCase)i, &all));
    if (all) o->which[o->ncases++] = (RhmCase)i;
  }
  for (PetscInt p = 0; p < n; p++)
    for (PetscInt c = 0; c < o->ncases; c++) PetscCall(RhmCheckCase(process[p], o->which[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sigma2 at time t of passive noise in the same trap, at the same speed */
static PetscErrorCode ControlClock(Process process, RhmCase which, double t, double *sigma2)
{
  const LinearSde *sde;
  LinearSde        passive = {.b = 1};
  double           temperature, variance;
  Kernel           k;
  int              status;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(process, &sde));
  PetscCall(ProcessGetTemperature(process, &temperature));
  PetscCall(ProcessGetStationaryVariance(process, &variance));
  passive.M[0] = sde->M[0]; /* -k rate; M[1], by which eta drives x, is the rate itself */
  passive.Q[0] = which == RHM_PASSIVE ? 2 * temperature * sde->M[1] : -2 * sde->M[0] * variance;
  status       = kernel_compute(&passive, t, &k);
  AdCheckInput(status == KERNEL_OK,
               "-rhm_times: at %g passive noise is too small or too large to be told from none or all", t);
  *sigma2 = k.sigma2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmGetLaw(Process process, RhmCase which, const Kernel *k, RhmLaw *law)
{
  const LinearSde *sde;
  double           sigma2 = k->sigma2;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(process, &sde));
  if (which == RHM_PASSIVE || which == RHM_EQUIVALENT) PetscCall(ControlClock(process, which, k->t, &sigma2));
  if (which == RHM_PASSIVE || which == RHM_EQUIVALENT || which == RHM_EQUAL_SIGMA)
    rhm_law_passive(sigma2, law);
  else
    rhm_law(sde, k, which, law);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmGetLaws - times and laws of all noises and cases, so that what is bad is refused before anything is computed

  In/out: o  its cases are chosen where they were left open
  Output: time[n][nt], law[n][ncases][nt]; caller frees both
*/
PetscErrorCode RhmGetLaws(RhmOptions *o, PetscInt n, Process *process, double **time, RhmLaw **law)
{
  Kernel k;

  PetscFunctionBegin;
  PetscCall(ChooseCases(o, n, process));
  PetscCall(RhmCheckMemory(o, (double)n * o->nt * ((double)o->ncases * sizeof(RhmLaw) + sizeof(double)),
                           "that many noises, cases and times"));
  PetscCall(PetscMalloc1(n * o->nt, time));
  PetscCall(PetscMalloc1(n * o->ncases * o->nt, law));
  for (PetscInt p = 0; p < n; p++)
    for (PetscInt i = 0; i < o->nt; i++) {
      double *t = &(*time)[p * o->nt + i];

      *t = o->t[i];
      if (o->sigmas) PetscCall(ProcessGetTimeOfSigma(process[p], o->t[i], t));
      PetscCall(ProcessGetKernel(process[p], *t, &k));
      for (PetscInt c = 0; c < o->ncases; c++)
        PetscCall(RhmGetLaw(process[p], o->which[c], &k, &(*law)[(p * o->ncases + c) * o->nt + i]));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}
