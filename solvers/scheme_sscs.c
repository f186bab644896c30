/*
  Symmetric splitting about the stationary law
*/
#include <string.h>
#include "adscheme.h"
#include "private/wideimpl.h"

/* Mr = -M - Q C^{-1} and Q C^{-1} for the stationary covariance C */
static int splitting(const LinearSde *sde, wide *Mr, wide *QCinv)
{
  const int b = sde->b;
  double    C[AD_BMAX * AD_BMAX];
  wide      inverse[BLOCK_SIZE];
  int       status = kernel_stationary(sde, C);

  if (status != KERNEL_OK) return status;
  block_widen(b * b, C, Mr);
  block_widen(b * b, sde->Q, inverse);
  if (block_solve(b, b, Mr, inverse))
    return KERNEL_DEGENERATE; /* C^{-1} Q, the transpose of what is wanted */
  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      QCinv[i * b + j] = inverse[j * b + i];
      Mr[i * b + j]    = -(wide)sde->M[i * b + j] - QCinv[i * b + j];
    }
  }
  return KERNEL_OK;
}

/* K = I + dt Q (C^{-1} - R), R only where the model leaves it to the closed form, and dt Q (l, Ew) */
static void score_step(const LinearSde *sde, const Kernel *k, double dt, int q, const wide *QCinv, wide *K,
                       wide *B)
{
  const int b                        = sde->b;
  double    drift[AD_BMAX * AD_BMAX] = {0.0}, response[AD_BMAX * AD_BMAX] = {0.0};

  reverse_coefficients(sde, k, 1.0, q, drift, response);
  for (int i = 0; i < b * b; i++) {
    const wide rest = (wide)drift[i] + sde->M[i]; /* -Q R or 0 */

    K[i] = (i % (b + 1) == 0) + (wide)dt * (QCinv[i] + rest);
  }
  for (int i = 0; i < b * q; i++) B[i] = (wide)dt * response[i];
}

int scheme_sscs(const LinearSde *sde, double t, double s, int q, AffineStage *stage)
{
  const int    b  = sde->b;
  const double dt = t - s, middle = t - dt / 2.0;
  wide         Mr[BLOCK_SIZE], Q[BLOCK_SIZE], QCinv[BLOCK_SIZE] = {0}, F[BLOCK_SIZE], V[BLOCK_SIZE];
  wide         K[BLOCK_SIZE], B[BLOCK_SIZE], product[BLOCK_SIZE];
  Kernel       k;
  int          status = splitting(sde, Mr, QCinv);

  if (status == KERNEL_OK) status = kernel_compute(sde, middle, &k);
  if (status != KERNEL_OK) return status;
  block_widen(b * b, sde->Q, Q);
  block_flow(b, Mr, Q, (wide)dt / 2, F, V);
  block_cholesky(b, V, ROUNDING_PIVOT, K);
  stage_reset(b, 0, t, 0, &stage[0]);
  stage_reset(b, q, middle, 0, &stage[1]);
  block_round(b * b, F, stage[0].A);
  block_round(b * b, K, stage[0].L);
  memcpy(stage[1].L, stage[0].L, sizeof stage[0].L);
  score_step(sde, &k, dt, q, QCinv, K, B);
  block_multiply(b, b, b, F, K, product);
  block_round(b * b, product, stage[1].A);
  block_multiply(b, b, q, F, B, product);
  block_round(b * q, product, stage[1].B);
  return KERNEL_OK;
}

int scheme_sscs_fill(const SchemeStep *step, AffineStage *stage, int *count)
{
  *count = 2;
  return scheme_sscs(step->sde, step->from[step->i], step->to[step->i], step->q, stage);
}
