/*
  Heun's method for the probability flow in the clock
*/
#include "adscheme.h"

int scheme_heun(const LinearSde *sde, double t, double s, AffineStage *stage)
{
  const int b = sde->b;
  Kernel    from, to;
  int       status = scheme_ddim(sde, t, s, &stage[0]);
  double    r;

  if (status == KERNEL_OK) status = kernel_compute(sde, t, &from);
  if (status == KERNEL_OK) status = kernel_compute(sde, s, &to);
  if (status != KERNEL_OK) return status;
  r = to.sigma / from.sigma;
  stage_reset(b, 1, s, 1, &stage[1]);
  stage[1].keep          = 0;
  stage[1].weight        = 0.0;
  stage[1].difference[0] = 1.0;
  for (int i = 0; i < b; i++) {
    stage[1].A[i * b + i] = 1.0;
    stage[1].B[i]         = (1.0 - r) / (2.0 * r) * to.u[i];
  }
  return KERNEL_OK;
}

/* A corrector at sigma = 0, where the slope is not defined, would be an evaluation for nothing */
int scheme_heun_fill(const SchemeStep *step, AffineStage *stage, int *count)
{
  const double t = step->from[step->i], s = step->to[step->i];

  *count = s > 0.0 ? 2 : 1;
  return s > 0.0 ? scheme_heun(step->sde, t, s, stage) : scheme_ddim(step->sde, t, s, stage);
}
