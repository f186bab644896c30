/*
  Sampler - life cycle: set-up, start, solve
*/
#include "private/samplerimpl.h"
#include <string.h>

static PetscClassId SAMPLER_CLASSID;
PetscLogEvent       SAMPLER_STEP, SAMPLER_NOISE;

/* SamplerCreate - an empty sampler with defaults. */
PetscErrorCode SamplerCreate(Sampler *sampler)
{
  Sampler s;

  PetscFunctionBegin;
  if (!SAMPLER_CLASSID) {
    PetscCall(PetscClassIdRegister("Sampler", &SAMPLER_CLASSID));
    PetscCall(PetscLogEventRegister("SamplerStep", SAMPLER_CLASSID, &SAMPLER_STEP));
    PetscCall(PetscLogEventRegister("Noise", SAMPLER_CLASSID, &SAMPLER_NOISE));
  }
  PetscCall(TSAffineRegisterAll());
  PetscCall(PetscHeaderCreate(s, SAMPLER_CLASSID, "Sampler", "Reverse process", "Sampler", PETSC_COMM_WORLD,
                              SamplerDestroy, NULL));
  s->scheme  = SCHEME_ABM;
  s->steps   = 20;
  s->samples = 10000;
  s->prior   = PRIOR_MATCHED;
  s->last    = LAST_NONE;
  s->wave    = 1024;
  s->rho     = 7;
  s->snr     = 0.16;
  s->rtol    = 1e-5;
  s->atol    = 1e-5;
  *sampler   = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SamplerSetSeed(Sampler sampler, uint64_t seed)
{
  PetscFunctionBegin;
  sampler->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerSetNetDefaults - defaults for a learned score; SetFromOptions goes after it

  Input: sigma_min  default of -sampler_sigma_min; 0: as without a net
  Note:  anc draws fresh noise in every step, which corrects errors of the net; noise-free schemes carry them along
*/
PetscErrorCode SamplerSetNetDefaults(Sampler sampler, PetscReal sigma_min)
{
  PetscFunctionBegin;
  sampler->scheme          = SCHEME_ANC;
  sampler->sigma_suggested = sigma_min;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerSetScore - what to sample with; takes references. */
PetscErrorCode SamplerSetScore(Sampler sampler, Process process, Score score)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)process));
  PetscCall(PetscObjectReference((PetscObject)score));
  PetscCall(ProcessDestroy(&sampler->process));
  PetscCall(ScoreDestroy(&sampler->score));
  sampler->process = process;
  sampler->score   = score;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerSetDataset - rows for the exact prior; takes a reference. */
PetscErrorCode SamplerSetDataset(Sampler sampler, Dataset dataset)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)dataset));
  PetscCall(DatasetDestroy(&sampler->dataset));
  sampler->dataset = dataset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerNeedsDataset - do the options ask for starting states made from data rows? */
PetscErrorCode SamplerNeedsDataset(Sampler sampler, PetscBool *needs)
{
  PetscFunctionBegin;
  *needs = sampler->prior == PRIOR_EXACT ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerSetFromOptions - read all -sampler_ keys, and PETSc's -ts_ keys into the TS. */
PetscErrorCode SamplerSetFromOptions(Sampler sampler)
{
  PetscFunctionBegin;
  PetscCall(SamplerReadOptions(sampler, PETSC_FALSE));
  PetscCall(SamplerCreateTS(sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLabel(Sampler sampler)
{
  const char *process, *score;
  char        scheme[128], extras[64] = "";
  TSRKType    rk;

  PetscFunctionBegin;
  PetscCall(ProcessGetLabel(sampler->process, &process));
  PetscCall(ScoreGetLabel(sampler->score, &score));
  if (sampler->churn > 0)
    snprintf(extras + strlen(extras), sizeof(extras) - strlen(extras), " + churn %g", sampler->churn);
  if (sampler->corrector)
    snprintf(extras + strlen(extras), sizeof(extras) - strlen(extras), " + %d Langevin steps, snr %g",
             (int)sampler->corrector, sampler->snr);
  if (sampler->scheme == SCHEME_FLOW) {
    PetscCall(TSRKGetType(sampler->ts, &rk));
    snprintf(scheme, sizeof(scheme), "flow rk %s rtol %g atol %g | t_min %.4g", rk, sampler->rtol,
             sampler->atol, sampler->t_stop);
  } else
    snprintf(scheme, sizeof(scheme), "%s order %d%s | %s %d", scheme_table[sampler->scheme].name,
             (int)sampler->order, extras, sampler_grid_names[sampler->grid], (int)sampler->steps);
  snprintf(sampler->label, sizeof(sampler->label), "%s | %s | %s | %s | last %s", process, score, scheme,
           sampler_prior_names[sampler->prior],
           sampler->scheme == SCHEME_FLOW ? "denoise" : sampler_last_names[sampler->last]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SamplerMonitor(TS ts, PetscInt step, PetscReal time, Vec X, void *ctx)
{
  Sampler sampler = (Sampler)ctx;
  char    what[64];

  PetscFunctionBegin;
  PetscCall(TrajectoryRecordStep(sampler, step, X));
  snprintf(what, sizeof(what), "step %d of %d", (int)step, (int)sampler->steps);
  PetscCall(SamplerReport(sampler, (double)step / (double)sampler->steps, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOfIdleRanks(const AffinePlan *plan)
{
  const int64_t waves = (plan->N + plan->wave - 1) / plan->wave;
  int           size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (waves < size)
    PetscCall(AdWarning(
        "%d of %d ranks have nothing to do: samples of the flow go in waves of -sampler_wave %lld; take a "
        "smaller one\n",
        size - (int)waves, size, (long long)plan->wave));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerSetUp - tables of all steps, memory, and the check that the parts fit

  Errors: AD_ERR_INPUT for times and sigmas out of reach, an exact prior without data
*/
PetscErrorCode SamplerSetUp(Sampler sampler)
{
  AffinePlan *plan = &sampler->plan;
  PetscInt    width;

  PetscFunctionBegin;
  if (sampler->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(sampler->score && sampler->ts, PETSC_COMM_WORLD, PETSC_ERR_ORDER,
             "SamplerSetScore and SamplerSetFromOptions first");
  AdCheckInput(sampler->prior != PRIOR_EXACT || sampler->dataset,
               "-sampler_prior: exact needs data rows; give a data set");
  PetscCall(ScoreGetCoordinates(sampler->score, &sampler->coordinates));
  if (sampler->scheme == SCHEME_FLOW) {
    PetscCall(SamplerBuildFlow(sampler));
    PetscCall(WarnOfIdleRanks(plan));
  } else {
    PetscCall(SamplerBuildPlan(sampler));
    PetscCall(TSMonitorSet(sampler->ts, SamplerMonitor, sampler, NULL));
  }
  width = plan->b * plan->d;
  AdCheckInput((double)plan->N * width < (double)PETSC_MAX_INT,
               "-sampler_samples: %lld samples of %d numbers are too many for one run; take at most %lld",
               (long long)plan->N, (int)width, (long long)(PETSC_MAX_INT / width));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &sampler->X));
  PetscCall(VecSetSizes(sampler->X, (PetscInt)plan->n * width, (PetscInt)plan->N * width));
  PetscCall(VecSetBlockSize(sampler->X, width));
  PetscCall(VecSetType(sampler->X, VECSTANDARD));
  PetscCall(TrajectorySetUp(sampler));
  PetscCall(MakeLabel(sampler));
  sampler->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Noised rows of the held-out data: sample i starts from row i, over again where there are fewer */
static PetscErrorCode StartFromData(Sampler sampler, RngStream stream, double *X)
{
  const AffinePlan *plan = &sampler->plan;
  int64_t           size, *index;
  double           *x0;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(sampler->dataset, SPLIT_TEST, &size));
  AdCheckInput(size,
               "-sampler_prior: exact starts from held-out rows, and this data set keeps none; take matched");
  PetscCall(PetscMalloc2(plan->wave, &index, plan->wave * plan->d, &x0));
  for (int64_t row = 0; row < plan->n; row += plan->wave) {
    const int64_t rows = PetscMin(plan->wave, plan->n - row), first = plan->first + row;

    for (int64_t r = 0; r < rows; r++) index[r] = size > 0 ? (first + r) % size : first + r;
    PetscCall(DatasetGetRows(sampler->dataset, SPLIT_TEST, rows, index, x0, NULL));
    PetscCall(ProcessNoise(sampler->process, &plan->kernel[0], plan->d, stream, first, rows, x0,
                           X + row * plan->b * plan->d));
  }
  PetscCall(PetscFree2(index, x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(Sampler sampler)
{
  const AffinePlan *plan   = &sampler->plan;
  const RngStream   stream = {sampler->seed, RNG_PRIOR, 0};
  double           *X;

  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(sampler->X, &X));
  if (sampler->prior == PRIOR_EXACT)
    PetscCall(StartFromData(sampler, stream, X));
  else
    PetscCall(ProcessSamplePrior(sampler->process, (PriorType)sampler->prior, &plan->kernel[0], plan->d,
                                 sampler->coordinates->mean, sampler->coordinates->variance, stream,
                                 plan->first, plan->n, X));
  PetscCall(VecRestoreArrayWrite(sampler->X, &X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An unstable scheme that ends before its numbers overflow looks like a success */
static PetscErrorCode WarnOfOutsiders(Sampler sampler)
{
  const AffinePlan *plan = &sampler->plan;
  const double     *X;
  int64_t           count;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(sampler->X, &X));
  count = count_outside(plan->b * plan->d, plan->n, plan->bound, X);
  PetscCall(VecRestoreArrayRead(sampler->X, &X));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &count, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  if (count)
    PetscCall(AdWarning(
        "%lld of %lld samples lie beyond %.2g, a million standard deviations of the process: the scheme was "
        "unstable\n",
        (long long)count, (long long)plan->N, plan->bound));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerSolve - draw starting states and run the reverse process down to t = 0

  Errors: AD_ERR_RUN when samples overflow, the flow cannot keep its tolerance, or a signal asks to stop
*/
PetscErrorCode SamplerSolve(Sampler sampler)
{
  int64_t before, rows;

  PetscFunctionBegin;
  PetscCall(SamplerSetUp(sampler));
  sampler->started = sampler->reported = AdWallTime();
  PetscCall(ScoreGetEvaluations(sampler->score, &before));
  PetscCall(Start(sampler));
  if (sampler->scheme == SCHEME_FLOW)
    PetscCall(SamplerSolveFlow(sampler));
  else {
    PetscCall(TSAffineSetPlan(sampler->ts, &sampler->plan));
    PetscCall(TSSolve(sampler->ts, sampler->X));
  }
  PetscCall(WarnOfOutsiders(sampler));
  PetscCall(ScoreGetEvaluations(sampler->score, &rows));
  rows -= before;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &rows, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  sampler->evaluations = (double)rows / (double)sampler->samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerReport - how far a long run is and how long it will take, every few seconds; rank 0 speaks for all. */
PetscErrorCode SamplerReport(Sampler sampler, double fraction, const char *what)
{
  const double every = 5, now = AdWallTime();

  PetscFunctionBegin;
  if (now - sampler->reported < every || fraction <= 0 || fraction >= 1) PetscFunctionReturn(PETSC_SUCCESS);
  sampler->reported = now;
  PetscCall(AdPrint("sampling  %s, %.0f %%, about %.0f s to go\n", what, 100 * fraction,
                    (now - sampler->started) * (1 - fraction) / fraction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerGetStates - this rank's samples in diffused units

  Output: first, n  global index of the first one, their number;  X[n][b*d]  borrowed
*/
PetscErrorCode SamplerGetStates(Sampler sampler, int64_t *first, int64_t *n, const double **X)
{
  PetscFunctionBegin;
  *first = sampler->plan.first;
  *n     = sampler->plan.n;
  PetscCall(VecGetArrayRead(sampler->X, X));
  PetscCall(VecRestoreArrayRead(sampler->X, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerGetEvaluations - score evaluations a sample of the last solve. */
PetscErrorCode SamplerGetEvaluations(Sampler sampler, double *evaluations)
{
  PetscFunctionBegin;
  *evaluations = sampler->evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerPrintSummary - what a person wants to know before a run. */
PetscErrorCode SamplerPrintSummary(Sampler sampler)
{
  const AffinePlan *plan = &sampler->plan;

  PetscFunctionBegin;
  PetscCall(AdPrint("sampler   %s\n", sampler->label));
  if (sampler->scheme == SCHEME_FLOW)
    PetscCall(
        AdPrint("          %lld samples, t %.4g to %.4g, sigma %.4g to %.4g, %d samples share their steps\n",
                (long long)plan->N, sampler->t_start, sampler->t_stop, plan->kernel[0].sigma,
                plan->kernel[1].sigma, (int)plan->wave));
  else
    PetscCall(AdPrint("          %lld samples, sigma %.4g to %.4g before 0\n", (long long)plan->N,
                      plan->kernel[0].sigma, plan->kernel[plan->nstages - 1].sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SamplerDestroy(Sampler *sampler)
{
  Sampler s = *sampler;

  PetscFunctionBegin;
  *sampler = NULL;
  if (!s || --((PetscObject)s)->refct > 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TSDestroy(&s->ts));
  PetscCall(VecDestroy(&s->X));
  PetscCall(PetscFree(s->plan.t));
  PetscCall(PetscFree(s->plan.first_stage));
  PetscCall(PetscFree(s->plan.kernel));
  PetscCall(PetscFree(s->plan.map));
  PetscCall(TrajectoryFree(&s->trajectory));
  PetscCall(ProcessDestroy(&s->process));
  PetscCall(ScoreDestroy(&s->score));
  PetscCall(DatasetDestroy(&s->dataset));
  PetscCall(PetscHeaderDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
