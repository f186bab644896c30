/*
  Reverse process in tables: coefficients, Euler-Maruyama step, stability of a step
*/
#include <math.h>
#include <string.h>
#include "adscheme.h"
#include "private/wideimpl.h"

void reverse_coefficients(const LinearSde *sde, const Kernel *k, double weight, int q, double *A, double *B)
{
  const int b = sde->b, a = b - 1;

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      A[i * b + j] = -sde->M[i * b + j];
      if (q == b) continue;
      for (int c = 0; c < b; c++) A[i * b + j] -= weight * sde->Q[i * b + c] * k->R[c * b + j];
    }
    for (int j = 0; j < q; j++) {
      B[i * q + j] = 0.0;
      for (int c = 0; c < b; c++)
        B[i * q + j] += weight * sde->Q[i * b + c] * (j == 0 ? k->l[c] : k->Ew[c * a + j - 1]);
    }
  }
}

int flow_coefficients(const LinearSde *sde, double t, double *A, double *B)
{
  Kernel    k;
  const int status = kernel_compute(sde, t, &k);

  if (status == KERNEL_OK) reverse_coefficients(sde, &k, 0.5, 1, A, B);
  return status;
}

int scheme_em(const LinearSde *sde, double t, double s, int q, AffineStage *stage)
{
  const int    b  = sde->b;
  const double dt = t - s, root = sqrt(dt);
  Kernel       k;
  wide         Q[BLOCK_SIZE], G[BLOCK_SIZE];
  const int    status = kernel_compute(sde, t, &k);

  if (status != KERNEL_OK) return status;
  stage_reset(b, q, t, 0, stage);
  reverse_coefficients(sde, &k, 1.0, q, stage->A, stage->B);
  for (int i = 0; i < b * b; i++) stage->A[i] = dt * stage->A[i] + (i % (b + 1) == 0);
  for (int i = 0; i < b * q; i++) stage->B[i] *= dt;
  block_widen(b * b, sde->Q, Q);
  block_cholesky(b, Q, ROUNDING_PIVOT, G);
  block_round(b * b, G, stage->L);
  for (int i = 0; i < b * b; i++) stage->L[i] *= root;
  return KERNEL_OK;
}

int scheme_em_fill(const SchemeStep *step, AffineStage *stage, int *count)
{
  const int status = scheme_em(step->sde, step->from[step->i], step->to[step->i], step->q, stage);

  *count = 1;
  multistep_fill(step, stage);
  return status;
}

void stage_reset(int b, int q, double t, int g_is_mean, AffineStage *stage)
{
  memset(stage, 0, sizeof *stage);
  stage->b         = b;
  stage->q         = q;
  stage->t         = t;
  stage->g_is_mean = g_is_mean;
  stage->evaluates = stage->keep = q > 0;
  stage->weight                  = 1.0;
}

void scheme_drop_noise(AffineStage *stage)
{
  memset(stage->L, 0, sizeof stage->L);
}

/*
  Largest modulus of the eigenvalues as the limit of |H^N|^{1/N}, N = 2^40 by repeated squaring; the powers
  are kept near 1 and the logarithms of their norms summed. The eigenvectors' condition enters as log(cond)/N.
*/
static double spectral_radius(int b, const double *matrix)
{
  double H[AD_BMAX * AD_BMAX], square[AD_BMAX * AD_BMAX], log_radius = 0.0, power = 1.0;

  memcpy(H, matrix, sizeof(double) * (size_t)(b * b));
  for (int doubling = 0; doubling <= 40; doubling++, power /= 2.0) {
    double norm = 0.0;

    for (int i = 0; i < b * b; i++) norm = fmax(norm, fabs(H[i]));
    if (norm == 0.0) return 0.0;
    log_radius += power * log(norm);
    for (int i = 0; i < b * b; i++) H[i] /= norm;
    for (int i = 0; i < b; i++) {
      for (int j = 0; j < b; j++) {
        square[i * b + j] = 0.0;
        for (int c = 0; c < b; c++) square[i * b + j] += H[i * b + c] * H[c * b + j];
      }
    }
    memcpy(H, square, sizeof(double) * (size_t)(b * b));
  }
  return exp(log_radius);
}

/* H = A + B dg/dX, g = slope z + shift for Gaussian data, further scores -Ew^T X */
static void mean_map(const AffineStage *stage, const Kernel *k, double data_variance, double *H)
{
  const int    b = stage->b, q = stage->q;
  const double slope = (stage->g_is_mean ? data_variance : -1.0) / (data_variance + k->sigma2);
  const double gain  = stage->evaluates ? stage->weight * slope : 0.0;

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      H[i * b + j] = stage->A[i * b + j] + (q > 0 ? stage->B[i * q] * gain * k->l[j] : 0.0);
      for (int c = 1; c < q; c++) H[i * b + j] -= stage->B[i * q + c] * k->Ew[j * (b - 1) + c - 1];
    }
  }
}

double scheme_stability(int n, const AffineStage *stage, const Kernel *k, double data_variance)
{
  const int b = stage->b;
  double    H[AD_BMAX * AD_BMAX], one[AD_BMAX * AD_BMAX], product[AD_BMAX * AD_BMAX];

  mean_map(&stage[0], &k[0], data_variance, product);
  for (int s = 1; s < n; s++) {
    memcpy(one, product, sizeof one);
    mean_map(&stage[s], &k[s], data_variance, H);
    for (int i = 0; i < b; i++) {
      for (int j = 0; j < b; j++) {
        product[i * b + j] = 0.0;
        for (int c = 0; c < b; c++) product[i * b + j] += H[i * b + c] * one[c * b + j];
      }
    }
  }
  return spectral_radius(b, product);
}

int scheme_growth(const LinearSde *sde, double t, double s, double data_variance, double *radius)
{
  AffineStage stage;
  Kernel      k;
  int         status = kernel_compute(sde, t, &k);

  if (status == KERNEL_OK) status = scheme_anc(sde, t, s, &stage);
  if (status == KERNEL_OK) *radius = scheme_stability(1, &stage, &k, data_variance);
  return status;
}
