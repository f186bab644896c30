/*
  What a sampler needs at run time, made once: times, kernels, tables of the steps, stability, bounds
*/
#include "private/samplerimpl.h"
#include <string.h>

#define OUTSIDE 1e6 /* six orders of magnitude outside the law of the process a sample is of no use */
#define UNSTABLE                                                                                             \
  1.01 /* a step is reported when it makes errors grow by this much more than the process does */

static PetscErrorCode FillTimes(Sampler sampler, const LinearSde *sde, double sigma_min)
{
  AffinePlan    *plan = &sampler->plan;
  const GridSpec spec = {.type      = (GridType)sampler->grid,
                         .n         = plan->nsteps,
                         .start     = sampler->t_start,
                         .t_min     = sampler->t_stop,
                         .sigma_min = sigma_min,
                         .rho       = sampler->rho};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->nsteps + 1, &plan->t));
  AdCheckInput(!grid_times(sde, &spec, plan->t),
               "-sampler_sigma_min: %g is too close to 0 for this process; take a larger one",
               sampler->sigma_min);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int fill_step(SchemeType scheme, const LinearSde *sde, double t, double s, int q, AffineStep *step)
{
  if (scheme == SCHEME_EM) return scheme_em(sde, t, s, q, step);
  if (scheme == SCHEME_ANC) return scheme_anc(sde, t, s, step);
  return scheme_ddim(sde, t, s, step);
}

/* Kernels and steps; the last one as -sampler_last asks */
static PetscErrorCode FillSteps(Sampler sampler, const LinearSde *sde, AffineStep *step)
{
  AffinePlan   *plan = &sampler->plan;
  const int     n    = plan->nsteps;
  const double *t    = plan->t;
  const Kernel *k    = plan->kernel;

  PetscFunctionBegin;
  for (int i = 0; i < n; i++) {
    int status = fill_step((SchemeType)sampler->scheme, sde, t[i], t[i + 1], plan->q, &step[i]);

    if (i == n - 1 && sampler->last == LAST_DENOISE) status = scheme_denoise(sde, t[i], 1, &step[i]);
    AdCheckInput(status == KERNEL_OK,
                 "-sampler_steps: no step from t = %g to %g exists for this process; take fewer", t[i],
                 t[i + 1]);
    PetscCall(ProcessGetKernel(sampler->process, t[i], &plan->kernel[i]));
    if (sampler->order == 2 && i > 1)
      scheme_multistep(k[i - 2].sigma, k[i - 1].sigma, k[i].sigma, &step[i - 1]);
  }
  if (sampler->last == LAST_MEAN) scheme_drop_noise(&step[n - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns of L that carry noise in some step: as many normals a coordinate are drawn */
static int noise_columns(int nsteps, const AffineStep *step, int *column)
{
  const int b = step[0].b;
  int       n = 0;

  for (int j = 0; j < b; j++) {
    int used = 0;

    for (int i = 0; i < nsteps; i++)
      for (int a = 0; a < b; a++) used |= step[i].L[a * b + j] != 0;
    if (used) column[n++] = j;
  }
  return n;
}

static void compress_step(const AffineStep *step, int columns, const int *column, AffineMap *map)
{
  const int b   = step->b;
  int       any = 0;

  map->b         = b;
  map->q         = step->q;
  map->g_is_mean = step->g_is_mean;
  map->multistep = step->multistep;
  memcpy(map->A, step->A, sizeof map->A);
  memcpy(map->B, step->B, sizeof map->B);
  for (int a = 0; a < b; a++)
    for (int j = 0; j < columns; j++) {
      map->L[a * columns + j] = step->L[a * b + column[j]];
      any |= map->L[a * columns + j] != 0;
    }
  map->c = any ? columns : 0;
}

/* By what factor a step makes errors grow beyond what the exact process does to them; 1 if they do not grow */
static double excess_growth(const LinearSde *sde, const Kernel *k, double s, double variance,
                            const AffineStep *step)
{
  const double radius = scheme_stability(step, k, variance);
  double       exact  = 1;

  if (radius <= UNSTABLE || scheme_growth(sde, k->t, s, variance, &exact)) return 1;
  return radius / PetscMax(1, exact);
}

/* The longest step of EM from the kernel's time that does not; by bisection between 0 and the step taken */
static double stable_step(const LinearSde *sde, const Kernel *k, double dt, int q, double variance)
{
  double     low = 0, high = dt;
  AffineStep step;

  for (int i = 0; i < 20; i++) {
    const double middle = (low + high) / 2;

    if (scheme_em(sde, k->t, k->t - middle, q, &step) ||
        excess_growth(sde, k, k->t - middle, variance, &step) > UNSTABLE)
      high = middle;
    else
      low = middle;
  }
  return low;
}

/* EM is the only scheme that can be unstable: the others are exact for a known x0 at any step length */
static PetscErrorCode WarnOfInstability(Sampler sampler, const LinearSde *sde, const AffineStep *step)
{
  const AffinePlan *plan     = &sampler->plan;
  double            variance = PETSC_INFINITY, worst = 1;
  int               at = -1, count = 0;

  PetscFunctionBegin;
  if (sampler->scheme != SCHEME_EM) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < plan->d; i++) variance = PetscMin(variance, sampler->coordinates->variance[i]);
  for (int i = 0; i < plan->nsteps; i++) {
    const double growth = excess_growth(sde, &plan->kernel[i], plan->t[i + 1], variance, &step[i]);

    count += growth > UNSTABLE;
    if (growth > UNSTABLE && growth > 1.001 * worst) { /* the first of equals */
      worst = growth;
      at    = i;
    }
  }
  if (at < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AdWarning("em is unstable in %d of %d steps: at t = %.4g, dt = %.4g errors grow %.3g times, dt "
                      "up to %.3g is stable there; "
                      "take more -sampler_steps, another -sampler_grid, or -sampler_scheme anc\n",
                      count, plan->nsteps, plan->t[at], plan->t[at] - plan->t[at + 1], worst,
                      stable_step(sde, &plan->kernel[at], plan->t[at] - plan->t[at + 1], plan->q, variance)));
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
  const PetscBool  by_sigma = sampler->grid == GRID_SIGMA_RHO && sampler->scheme != SCHEME_FLOW;
  const LinearSde *sde;
  Kernel           k;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(ProcessGetFinalTime(sampler->process, &sampler->t_start));
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
static PetscErrorCode PlanStart(Sampler sampler, int nkernels)
{
  AffinePlan      *plan = &sampler->plan;
  const LinearSde *sde;
  int64_t          block = sampler->scheme == SCHEME_FLOW ? sampler->wave : 1;

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
  PetscCall(PetscMalloc1(nkernels, &plan->kernel));
  PetscCall(ProcessGetKernel(sampler->process, sampler->t_start, &plan->kernel[0]));
  plan->bound = state_bound(sde, &plan->kernel[0], sampler->coordinates);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplerBuildPlan - tables of all steps of em, anc or ddim

  Cost: 30 to 150 us a step, the same on every rank
*/
PetscErrorCode SamplerBuildPlan(Sampler sampler)
{
  AffinePlan      *plan = &sampler->plan;
  const LinearSde *sde;
  AffineStep      *step;
  int              columns, column[AD_BMAX];

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(PlanStart(sampler, (int)sampler->steps));
  PetscCall(FillTimes(sampler, sde, sampler->sigma_min));
  PetscCall(PetscMalloc1(plan->nsteps, &plan->map));
  PetscCall(PetscMalloc1(plan->nsteps, &step));
  PetscCall(FillSteps(sampler, sde, step));
  PetscCall(WarnOfInstability(sampler, sde, step));
  columns = noise_columns(plan->nsteps, step, column);
  for (int i = 0; i < plan->nsteps; i++) compress_step(&step[i], columns, column, &plan->map[i]);
  PetscCall(PetscFree(step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerBuildFlow - law at both ends of the probability flow, and the posterior mean that follows it */
PetscErrorCode SamplerBuildFlow(Sampler sampler)
{
  AffinePlan      *plan = &sampler->plan;
  const LinearSde *sde;
  AffineStep       step;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(sampler->process, &sde));
  PetscCall(PlanStart(sampler, 2));
  PetscCall(ProcessGetKernel(sampler->process, sampler->t_stop, &plan->kernel[1]));
  PetscCall(FillTimes(sampler, sde, plan->kernel[1].sigma));
  AdCheckInput(!scheme_denoise(sde, sampler->t_stop, 1, &step),
               "-sampler_t_min: %g is too close to 0 for this process", sampler->t_stop);
  PetscCall(PetscMalloc1(1, &plan->map));
  compress_step(&step, 0, NULL, plan->map);
  PetscFunctionReturn(PETSC_SUCCESS);
}
