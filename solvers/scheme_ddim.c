/*
  Noise-free step in the clock, and the extrapolation that makes a step second order
*/
#include <math.h>
#include "adscheme.h"
#include "private/wideimpl.h"

int scheme_ddim(const LinearSde *sde, double t, double s, AffineStage *stage)
{
  const int b = sde->b, a = b - 1;
  WideLaw   from, to;
  wide      A[BLOCK_SIZE], ratio;
  int       status = law_compute(sde, t, &from);

  if (status == KERNEL_OK) status = law_or_start(sde, s, &to);
  if (status != KERNEL_OK) return status;
  stage_reset(b, 1, t, 1, stage);
  ratio = wide_sqrt(to.sigma2 / from.sigma2);
  block_multiply_nt(b, a, b, to.Dw, from.Ew, A);
  for (int i = 0; i < b; i++) {
    stage->B[i] = (double)((1 - ratio) * to.u[i]);
    for (int j = 0; j < b; j++) A[i * b + j] += ratio * to.u[i] * from.l[j];
  }
  block_round(b * b, A, stage->A);
  return KERNEL_OK;
}

void scheme_multistep(double sigma_prev, double sigma_t, double sigma_s, AffineStage *stage)
{
  const double ratio = log(sigma_t / sigma_s) / log(sigma_prev / sigma_t);

  stage->difference[0] = stage->g_is_mean ? ratio / 2.0 : ratio / (2.0 * sigma_t * sigma_t);
}

void multistep_fill(const SchemeStep *step, AffineStage *stage)
{
  const int i = step->i;

  if (step->order == 2 && i > 0 && i < step->n - 1)
    scheme_multistep(step->sigma[i - 1], step->sigma[i], step->sigma_to[i], stage);
}

int scheme_ddim_fill(const SchemeStep *step, AffineStage *stage, int *count)
{
  const int status = scheme_ddim(step->sde, step->from[step->i], step->to[step->i], stage);

  *count = 1;
  multistep_fill(step, stage);
  return status;
}
