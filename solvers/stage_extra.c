/*
  Stages that any scheme can be given: Langevin corrector, churn
*/
#include <math.h>
#include <string.h>
#include "adscheme.h"
#include "private/wideimpl.h"

int stage_langevin(const LinearSde *sde, double t, double snr, int q, AffineStage *stage)
{
  const int b = sde->b;
  Kernel    k;
  double    eps;
  const int status = kernel_compute(sde, t, &k);

  if (status != KERNEL_OK) return status;
  stage_reset(b, q, t, 0, stage);
  stage->keep = 0;
  eps         = 2.0 * snr * snr * k.sigma2;
  for (int i = 0; i < b; i++) {
    stage->A[i * b + i] = 1.0;
    stage->B[i * q]     = eps * k.u[i];
    stage->L[i * b]     = sqrt(2.0 * eps) * k.u[i];
  }
  return KERNEL_OK;
}

void stage_churn(const LinearSde *sde, double t, double later, AffineStage *stage)
{
  const int b = sde->b;
  wide      M[BLOCK_SIZE], Q[BLOCK_SIZE], F[BLOCK_SIZE], C[BLOCK_SIZE];

  block_widen(b * b, sde->M, M);
  block_widen(b * b, sde->Q, Q);
  block_flow(b, M, Q, (wide)later - t, F, C);
  block_cholesky(b, C, ROUNDING_PIVOT, Q);
  stage_reset(b, 0, t, 0, stage);
  block_round(b * b, F, stage->A);
  block_round(b * b, Q, stage->L);
}
