/*
  Noise-free step in the clock, and the extrapolation that makes a step second order
*/
#include <math.h>
#include <string.h>
#include "adscheme.h"
#include "private/wideimpl.h"

int scheme_ddim(const LinearSde *sde, double t, double s, AffineStep *step)
{
  const int b = sde->b, a = b - 1;
  WideLaw   from, to;
  wide      A[BLOCK_SIZE], ratio;
  int       status = law_compute(sde, t, &from);

  if (status == KERNEL_OK) status = law_or_start(sde, s, &to);
  if (status != KERNEL_OK) return status;
  memset(step, 0, sizeof *step);
  step->b         = b;
  step->q         = 1;
  step->g_is_mean = 1;
  ratio           = wide_sqrt(to.sigma2 / from.sigma2);
  block_multiply_nt(b, a, b, to.Dw, from.Ew, A);
  for (int i = 0; i < b; i++) {
    step->B[i] = (double)((1 - ratio) * to.u[i]);
    for (int j = 0; j < b; j++) A[i * b + j] += ratio * to.u[i] * from.l[j];
  }
  block_round(b * b, A, step->A);
  return KERNEL_OK;
}

void scheme_multistep(double sigma_prev, double sigma_t, double sigma_s, AffineStep *step)
{
  const double ratio = log(sigma_t / sigma_s) / log(sigma_prev / sigma_t);

  step->multistep = step->g_is_mean ? ratio / 2.0 : ratio / (2.0 * sigma_t * sigma_t);
}
