/*
  Runs of the reverse process from states that the caller has, rather than from a prior
*/
#include "private/samplerimpl.h"

/*
  SamplerSetReturn - ancestral steps from time t to 0 on a grid of sigmas; takes the place of SamplerSetFromOptions

  Input:  t > 0      the time of the states that SamplerSolveFrom is given
          steps      sigma_min is the last sigma before 0, below that at t (diffused units)
  Note:   the law of an end given its start is that of x0 given X_t, up to the error of the steps
*/
PetscErrorCode SamplerSetReturn(Sampler sampler, PetscReal t, PetscInt steps, PetscReal sigma_min)
{
  PetscFunctionBegin;
  sampler->scheme    = SCHEME_ANC;
  sampler->order     = scheme_table[SCHEME_ANC].order;
  sampler->grid      = GRID_SIGMA_RHO;
  sampler->t_given   = t;
  sampler->steps     = steps;
  sampler->sigma_min = sigma_min;
  sampler->samples   = 0; /* none of its own */
  PetscCall(SamplerCreateTS(sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerSolveFrom - run the reverse process from given states

  Collective
  Input:  first, n  number of this rank's first sample, how many it has (0 is allowed); a sample's noise depends on its number
                    alone, so samples with other numbers return independently, even from the same state
  In/out: X[n][b*d] states at the time of SamplerSetReturn; the ends at t = 0
  Errors: AD_ERR_RUN when samples overflow or a signal asks to stop
*/
PetscErrorCode SamplerSolveFrom(Sampler sampler, int64_t first, int64_t n, double *X)
{
  AffinePlan *plan = &sampler->plan;
  Vec         states;

  PetscFunctionBegin;
  PetscCheck(sampler->t_given > 0, PETSC_COMM_WORLD, PETSC_ERR_ORDER, "SamplerSetReturn first");
  PetscCall(SamplerSetUp(sampler));
  sampler->started = sampler->reported = AdWallTime();
  plan->first                          = first;
  plan->n                              = n;
  PetscCallMPI(MPI_Allreduce(&n, &plan->N, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(VecCreateMPIWithArray(PETSC_COMM_WORLD, 1, (PetscInt)(n * plan->b * plan->d), PETSC_DETERMINE, X,
                                  &states));
  PetscCall(TSAffineSetPlan(sampler->ts, plan));
  PetscCall(TSSolve(sampler->ts, states));
  PetscCall(TSReset(sampler->ts)); /* what it keeps of a sample has the size of this call */
  PetscCall(VecDestroy(&states));
  PetscFunctionReturn(PETSC_SUCCESS);
}
