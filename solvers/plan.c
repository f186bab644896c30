/*
  What a sampler needs at run time, made once: times, stages, laws, bounds
*/
#include "private/samplerimpl.h"
#include <string.h>

#define OUTSIDE 1e6 /* six orders of magnitude outside the law of the process a sample is of no use */
#define SMOOTH  3.0 /* the smallest scale of the data is at least this many sigma_min wide */

/* Steps from where churn has taken the states to the next time of the grid */
typedef struct {
  double *from, *sigma, *sigma_to; /* [nsteps] in one piece */
  Kernel *kernel;                  /* [nsteps] at the times of the grid */
} Steps;

static PetscErrorCode FillTimes(Sampler sampler, const LinearSde *sde, double sigma_min)
{
  AffinePlan *plan = &sampler->plan;
  GridSpec    spec = {.type      = (GridType)sampler->grid,
                      .n         = plan->nsteps,
                      .start     = sampler->t_start,
                      .t_min     = sampler->t_stop,
                      .sigma_min = sigma_min,
                      .rho       = sampler->rho,
                      .variance  = sigma_min * sigma_min};

  PetscFunctionBegin;
  for (int i = 0; i < plan->d; i++)
    spec.variance = PetscMax(spec.variance, sampler->coordinates->variance[i]);
  PetscCall(PetscMalloc1(plan->nsteps + 1, &plan->t));
  AdCheckInput(!grid_times(sde, &spec, plan->t),
               "-sampler_sigma_min: %g is too close to 0 for this process; take a larger one",
               sampler->sigma_min);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The time at which the clock shows sigma, be it later than the start */
static int later_time(const LinearSde *sde, double sigma, double t, double *later)
{
  int status = KERNEL_RANGE;

  for (int doubling = 0; doubling < 8 && status == KERNEL_RANGE; doubling++, t *= 2)
    status = kernel_time_of_sigma(sde, sigma, 2 * t, later);
  return status;
}

static PetscErrorCode StepsCreate(Sampler sampler, const LinearSde *sde, Steps *steps)
{
  const AffinePlan *plan  = &sampler->plan;
  const int         n     = plan->nsteps;
  const double      gamma = PetscMin(sampler->churn / n, PETSC_SQRT2 - 1);

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(3 * n, &steps->from));
  PetscCall(PetscMalloc1(n, &steps->kernel));
  steps->sigma    = steps->from + n;
  steps->sigma_to = steps->from + 2 * n;
  for (int i = 0; i < n; i++) {
    steps->from[i] = plan->t[i];
    PetscCall(ProcessGetKernel(sampler->process, plan->t[i], &steps->kernel[i]));
    if (i) steps->sigma_to[i - 1] = steps->kernel[i].sigma;
    steps->sigma[i] = steps->kernel[i].sigma * (1 + gamma);
    AdCheckInput(gamma == 0 || !later_time(sde, steps->sigma[i], plan->t[i], &steps->from[i]),
                 "-sampler_churn: sigma %g is never reached by this process; take less churn or a smaller "
                 "-sampler_sigma_max",
                 steps->sigma[i]);
  }
  steps->sigma_to[n - 1] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last step as -sampler_last asks */
static int change_last(LastType last, const LinearSde *sde, double t, AffineStage *stage, int *count)
{
  if (last == LAST_DENOISE) {
    *count = 1;
    return scheme_denoise(sde, t, 1, stage);
  }
  for (int s = 0; s < *count && last == LAST_MEAN; s++) scheme_drop_noise(&stage[s]);
  return KERNEL_OK;
}

/* Churn, the stages of the scheme, the corrector at the new time: all stages, plan->first_stage and nstages */
static PetscErrorCode FillStages(Sampler sampler, const LinearSde *sde, const Steps *steps,
                                 AffineStage *stage)
{
  AffinePlan   *plan = &sampler->plan;
  const double *t = plan->t, smooth = SMOOTH * sampler->sigma_min;
  const int     n    = plan->nsteps;
  SchemeStep    step = {.sde         = sde,
                        .q           = plan->q,
                        .order       = (int)sampler->order,
                        .n           = n,
                        .from        = steps->from,
                        .to          = t + 1,
                        .sigma       = steps->sigma,
                        .sigma_to    = steps->sigma_to,
                        .smooth      = smooth * smooth,
                        .undisturbed = sampler->churn == 0 && sampler->corrector == 0};
  int           at   = 0;

  PetscFunctionBegin;
  for (step.i = 0; step.i < n; step.i++) {
    const int i     = step.i;
    int       count = 0, status;

    plan->first_stage[i] = at;
    if (sampler->churn > 0) stage_churn(sde, t[i], steps->from[i], &stage[at++]);
    status = scheme_table[sampler->scheme].fill(&step, &stage[at], &count);
    if (!status && i == n - 1)
      status = change_last((LastType)sampler->last, sde, steps->from[i], &stage[at], &count);
    at += count;
    for (int c = 0; c < sampler->corrector && i < n - 1 && !status; c++)
      status = stage_langevin(sde, t[i + 1], sampler->snr, plan->q, &stage[at++]);
    AdCheckInput(status != KERNEL_UNSTABLE,
                 "-sampler_scheme: %s needs a process with a stationary law, and this one has none",
                 scheme_table[sampler->scheme].name);
    AdCheckInput(status == KERNEL_OK,
                 "-sampler_steps: no step from t = %g to %g exists for this process; take fewer", t[i],
                 t[i + 1]);
  }
  plan->first_stage[n] = plan->nstages = at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Laws at the times of all stages, most of which are times of the grid */
static PetscErrorCode FillKernels(Sampler sampler, const Steps *steps, const AffineStage *stage)
{
  AffinePlan *plan = &sampler->plan;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->nstages, &plan->kernel));
  for (int i = 0; i < plan->nsteps; i++)
    for (int k = plan->first_stage[i]; k < plan->first_stage[i + 1]; k++) {
      const int next = i + 1 < plan->nsteps && stage[k].t == plan->t[i + 1];

      if (next || stage[k].t == plan->t[i])
        plan->kernel[k] = steps->kernel[i + next];
      else
        PetscCall(ProcessGetKernel(sampler->process, stage[k].t, &plan->kernel[k]));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns of L that carry noise in some stage: as many normals a coordinate are drawn */
static int noise_columns(int nstages, const AffineStage *stage, int *column)
{
  const int b = stage[0].b;
  int       n = 0;

  for (int j = 0; j < b; j++) {
    int used = 0;

    for (int k = 0; k < nstages; k++)
      for (int a = 0; a < b; a++) used |= stage[k].L[a * b + j] != 0;
    if (used) column[n++] = j;
  }
  return n;
}

/* kept: posterior means kept by the stages before */
static void compress_stage(const AffineStage *stage, int columns, const int *column, int kept, AffineMap *map)
{
  const int b   = stage->b;
  int       any = 0;

  map->b         = b;
  map->q         = stage->q;
  map->g_is_mean = stage->g_is_mean;
  map->keep      = stage->keep;
  map->kept      = kept;
  map->weight    = stage->weight;
  memcpy(map->difference, stage->difference, sizeof map->difference);
  memcpy(map->A, stage->A, sizeof map->A);
  memcpy(map->B, stage->B, sizeof map->B);
  for (int a = 0; a < b; a++)
    for (int j = 0; j < columns; j++) {
      map->L[a * columns + j] = stage->L[a * b + column[j]];
      any |= map->L[a * columns + j] != 0;
    }
  map->c = any ? columns : 0;
}

/* How many of the last posterior means the stages look back on, and their tables for the fused loop */
static PetscErrorCode FillMaps(AffinePlan *plan, const AffineStage *stage)
{
  int column[AD_BMAX], columns = noise_columns(plan->nstages, stage, column), kept = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->nstages, &plan->map));
  plan->depth = 0;
  for (int k = 0; k < plan->nstages; k++) {
    for (int j = plan->depth; j < AD_HISTORY; j++)
      if (stage[k].difference[j] != 0) plan->depth = j + 1;
    compress_stage(&stage[k], columns, column, kept, &plan->map[k]);
    kept += stage[k].keep;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A modulus that no sample reaches unless the scheme is unstable */
static double state_bound(const LinearSde *sde, const Kernel *start, const Coordinates *c)
{
  const int b    = sde->b;
  double    data = 0, largest = 0;

  for (int i = 0; i < c->d; i++) data = fmax(data, c->variance[i] + c->mean[i] * c->mean[i]);
  for (int a = 0; a < b; a++) {
    largest = fmax(largest, start->Cb[a * b + a] + start->u[a] * start->u[a] * data);
    largest = fmax(largest, a ? sde->V0[a * b + a] : data);
  }
  return OUTSIDE * sqrt(largest);
}

/* First time, and the last before 0 where it matters */
static PetscErrorCode SetRange(Sampler sampler)
{
  const PetscBool  by_sigma = sampler->grid >= GRID_SIGMA_RHO && sampler->scheme != SCHEME_FLOW;
  const LinearSde *sde;
  Kernel           k;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(ProcessGetFinalTime(sampler->process, &sampler->t_start));
  if (sampler->t_given > 0) sampler->t_start = sampler->t_given;
  if (sampler->sigma_max > 0)
    PetscCall(ProcessGetTimeOfSigma(sampler->process, sampler->sigma_max, &sampler->t_start));
  if (!by_sigma && sampler->grid != GRID_LOG && sampler->scheme != SCHEME_FLOW)
    PetscFunctionReturn(PETSC_SUCCESS);
  if (sampler->t_min > 0 && !by_sigma) {
    AdCheckInput(sampler->t_min < sampler->t_start,
                 "-sampler_t_min: expected a number below the start, t = %g, got %g", sampler->t_start,
                 sampler->t_min);
    sampler->t_stop = sampler->t_min;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ProcessGetKernel(sampler->process, sampler->t_start, &k));
  AdCheckInput(sampler->sigma_min < k.sigma,
               "-sampler_sigma_min: expected a number below sigma at the start, %.6g, got %g", k.sigma,
               sampler->sigma_min);
  AdCheckInput(!kernel_time_of_sigma(sde, sampler->sigma_min, sampler->t_start, &sampler->t_stop),
               "-sampler_sigma_min: %g is too close to 0 for this process; take a larger one",
               sampler->sigma_min);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What both kinds of scheme need */
static PetscErrorCode PlanStart(Sampler sampler)
{
  AffinePlan      *plan = &sampler->plan;
  const LinearSde *sde;
  int64_t          block = sampler->scheme == SCHEME_FLOW ? sampler->wave : 1;
  Kernel           start;

  PetscFunctionBegin;
  PetscCall(SetRange(sampler));
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(ScoreGetComponents(sampler->score, &plan->q));
  PetscCall(ProcessGetFinalTime(sampler->process, &plan->t_final));
  plan->score  = sampler->score;
  plan->b      = sde->b;
  plan->d      = sampler->coordinates->d;
  plan->nsteps = (int)sampler->steps;
  plan->seed   = sampler->seed;
  plan->N      = sampler->samples;
  plan->wave   = sampler->wave;
  PetscCall(AdSplitRows(plan->N, block, &plan->first, &plan->n));
  PetscCall(ProcessGetKernel(sampler->process, sampler->t_start, &start));
  plan->bound = state_bound(sde, &start, sampler->coordinates);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerBuildPlan - tables of all stages of a scheme

  Cost: 30 to 150 us a stage, the same on every rank
*/
PetscErrorCode SamplerBuildPlan(Sampler sampler)
{
  AffinePlan      *plan = &sampler->plan;
  const LinearSde *sde;
  AffineStage     *stage;
  Steps            steps;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(PlanStart(sampler));
  PetscCall(FillTimes(sampler, sde, sampler->sigma_min));
  PetscCall(StepsCreate(sampler, sde, &steps));
  PetscCall(PetscMalloc1(plan->nsteps + 1, &plan->first_stage));
  PetscCall(PetscMalloc1((size_t)plan->nsteps * (size_t)(1 + AD_STAGES + sampler->corrector), &stage));
  PetscCall(FillStages(sampler, sde, &steps, stage));
  PetscCall(FillKernels(sampler, &steps, stage));
  PetscCall(SamplerWarnOfInstability(sampler, sde, stage));
  PetscCall(FillMaps(plan, stage));
  PetscCall(PetscFree(stage));
  PetscCall(PetscFree(steps.from));
  PetscCall(PetscFree(steps.kernel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerBuildFlow - law at both ends of the probability flow, and the posterior mean that follows it */
PetscErrorCode SamplerBuildFlow(Sampler sampler)
{
  AffinePlan      *plan = &sampler->plan;
  const LinearSde *sde;
  AffineStage      stage;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(PlanStart(sampler));
  PetscCall(PetscMalloc1(2, &plan->kernel));
  PetscCall(ProcessGetKernel(sampler->process, sampler->t_start, &plan->kernel[0]));
  PetscCall(ProcessGetKernel(sampler->process, sampler->t_stop, &plan->kernel[1]));
  PetscCall(FillTimes(sampler, sde, plan->kernel[1].sigma));
  AdCheckInput(!scheme_denoise(sde, sampler->t_stop, 1, &stage),
               "-sampler_t_min: %g is too close to 0 for this process", sampler->t_stop);
  PetscCall(PetscMalloc1(1, &plan->map));
  compress_stage(&stage, 0, NULL, 0, plan->map);
  PetscFunctionReturn(PETSC_SUCCESS);
}
