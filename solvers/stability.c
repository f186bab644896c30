/*
  Warnings of schemes that make errors grow
*/
#include "private/samplerimpl.h"

#define UNSTABLE                                                                                             \
  1.01 /* a step is reported when it makes errors grow by this much more than the process does */

/* By what factor stages make errors grow beyond what the exact process from t to s does to them; 1 if they do not */
static double excess_growth(const LinearSde *sde, int n, const AffineStage *stage, const Kernel *k, double t,
                            double s, double variance)
{
  const double radius = scheme_stability(n, stage, k, variance);
  double       exact  = 1;

  if (radius <= UNSTABLE || scheme_growth(sde, t, s, variance, &exact)) return 1;
  return radius / PetscMax(1, exact);
}

/* Does a step from t to s by this scheme make errors grow? */
static PetscBool grows(const LinearSde *sde, const Scheme *scheme, double t, double s, int q, double variance)
{
  const SchemeStep step = {.sde = sde, .q = q, .order = 1, .n = 1, .from = &t, .to = &s};
  AffineStage      stage[AD_STAGES];
  Kernel           k[AD_STAGES];
  int              count;

  if (scheme->fill(&step, stage, &count)) return PETSC_TRUE;
  for (int i = 0; i < count; i++)
    if (kernel_compute(sde, stage[i].t, &k[i])) return PETSC_TRUE;
  return excess_growth(sde, count, stage, k, t, s, variance) > UNSTABLE ? PETSC_TRUE : PETSC_FALSE;
}

/* The longest step from t that does not; by bisection between 0 and the step taken */
static double stable_step(const LinearSde *sde, const Scheme *scheme, double t, double dt, int q,
                          double variance)
{
  double low = 0, high = dt;

  for (int i = 0; i < 20; i++) {
    const double middle = (low + high) / 2;

    if (grows(sde, scheme, t, t - middle, q, variance))
      high = middle;
    else
      low = middle;
  }
  return low;
}

/*
  SamplerWarnOfInstability - one warning that names the worst step and the longest stable one there

  Input: stage[plan->nstages], with plan->kernel at their times
*/
PetscErrorCode SamplerWarnOfInstability(Sampler sampler, const LinearSde *sde, const AffineStage *stage)
{
  const AffinePlan *plan     = &sampler->plan;
  const Scheme     *scheme   = &scheme_table[sampler->scheme];
  const int         churned  = sampler->churn > 0; /* the scheme's own stages stand between these and the */
  double            variance = PETSC_INFINITY, worst = 1;
  int               at = -1, count = 0;

  PetscFunctionBegin;
  if (!scheme->can_be_unstable) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < plan->d; i++) variance = PetscMin(variance, sampler->coordinates->variance[i]);
  for (int i = 0; i < plan->nsteps; i++) {
    const int    first  = plan->first_stage[i] + churned;
    const int    after  = i < plan->nsteps - 1 ? (int)sampler->corrector : 0; /* corrector's */
    const double growth = excess_growth(sde, plan->first_stage[i + 1] - after - first, &stage[first],
                                        &plan->kernel[first], plan->t[i], plan->t[i + 1], variance);

    count += growth > UNSTABLE;
    if (growth > UNSTABLE && growth > 1.001 * worst) { /* the first of equals */
      worst = growth;
      at    = i;
    }
  }
  if (at < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      AdWarning("%s is unstable in %d of %d steps: at t = %.4g, dt = %.4g errors grow %.3g times, dt "
                "up to %.3g is stable there; "
                "take more -sampler_steps, another -sampler_grid, or -sampler_scheme anc\n",
                scheme->name, count, plan->nsteps, plan->t[at], plan->t[at] - plan->t[at + 1], worst,
                stable_step(sde, scheme, plan->t[at], plan->t[at] - plan->t[at + 1], plan->q, variance)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
