#ifndef ADSAMPLER_H
#define ADSAMPLER_H
#include "adscore.h"

/* Sampler - runs the reverse process through a PETSc TS: types em, anc, ddim, heun, sscs, abm (affine stages) or rk (flow ODE). */
typedef struct _p_Sampler *Sampler;

PetscErrorCode SamplerCreate(Sampler *sampler);
PetscErrorCode SamplerSetSeed(Sampler sampler, uint64_t seed);
PetscErrorCode SamplerSetNetDefaults(Sampler sampler, PetscReal sigma_min);
PetscErrorCode SamplerSetScore(Sampler sampler, Process process, Score score);
PetscErrorCode SamplerSetDataset(Sampler sampler, Dataset dataset); /* only for the exact prior */
PetscErrorCode SamplerSetFromOptions(Sampler sampler);
PetscErrorCode SamplerDeclareOptions(void);
PetscErrorCode SamplerSetUp(Sampler sampler);
PetscErrorCode SamplerSolve(Sampler sampler);
/* In place of a prior and of options: ancestral steps from states that the caller has at time t */
PetscErrorCode SamplerSetReturn(Sampler sampler, PetscReal t, PetscInt steps, PetscReal sigma_min);
PetscErrorCode SamplerSolveFrom(Sampler sampler, int64_t first, int64_t n, double *X);
PetscErrorCode SamplerNeedsDataset(Sampler sampler, PetscBool *needs);
PetscErrorCode SamplerGetStates(Sampler sampler, int64_t *first, int64_t *n,
                                const double **X); /* diffused units */
PetscErrorCode SamplerGetSettings(Sampler sampler, int64_t *samples, double *sigma_min);
PetscErrorCode SamplerGetSigmas(Sampler sampler, double *first, double *last);
PetscErrorCode SamplerGetEvaluations(Sampler sampler, double *evaluations);
PetscErrorCode SamplerWrite(Sampler sampler, Output out); /* /samples, /trajectory, /process, /coordinates */
PetscErrorCode SamplerPrintSummary(Sampler sampler);
PetscErrorCode SamplerDestroy(Sampler *sampler);

/* Sampling - all parts of one run of the reverse process, as the options in effect describe it; adiff sample does one, adiff
   compare many. The data set is made only where one is needed: by exact scores and by the exact prior */
typedef struct {
  Process process;
  Score   score;
  Dataset dataset; /* or NULL */
  Sampler sampler;
} Sampling;

PetscErrorCode
               SamplingCreate(uint64_t  seed,
                              Sampling *sampling); /* reads all options, and the defaults that weights suggest */
PetscErrorCode SamplingSetUp(Sampling *sampling);
PetscErrorCode SamplingPrintSummary(const Sampling *sampling);
PetscErrorCode SamplingDestroy(Sampling *sampling);

#endif
