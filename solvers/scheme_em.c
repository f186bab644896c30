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

int scheme_em(const LinearSde *sde, double t, double s, int q, AffineStep *step)
{
  const int    b  = sde->b;
  const double dt = t - s, root = sqrt(dt);
  Kernel       k;
  wide         Q[BLOCK_SIZE], G[BLOCK_SIZE];
  const int    status = kernel_compute(sde, t, &k);

  if (status != KERNEL_OK) return status;
  memset(step, 0, sizeof *step);
  step->b = b;
  step->q = q;
  reverse_coefficients(sde, &k, 1.0, q, step->A, step->B);
  for (int i = 0; i < b * b; i++) step->A[i] = dt * step->A[i] + (i % (b + 1) == 0);
  for (int i = 0; i < b * q; i++) step->B[i] *= dt;
  block_widen(b * b, sde->Q, Q);
  block_cholesky(b, Q, ROUNDING_PIVOT, G);
  block_round(b * b, G, step->L);
  for (int i = 0; i < b * b; i++) step->L[i] *= root;
  return KERNEL_OK;
}

void scheme_drop_noise(AffineStep *step)
{
  memset(step->L, 0, sizeof step->L);
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

double scheme_stability(const AffineStep *step, const Kernel *k, double data_variance)
{
  const int    b = step->b, q = step->q;
  const double gain                 = (step->g_is_mean ? data_variance : -1.0) / (data_variance + k->sigma2);
  double       H[AD_BMAX * AD_BMAX] = {0.0};

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      H[i * b + j] = step->A[i * b + j] + step->B[i * q] * gain * k->l[j];
      for (int c = 1; c < q; c++) H[i * b + j] -= step->B[i * q + c] * k->Ew[j * (b - 1) + c - 1];
    }
  }
  return spectral_radius(b, H);
}

int scheme_growth(const LinearSde *sde, double t, double s, double data_variance, double *radius)
{
  AffineStep step;
  Kernel     k;
  int        status = kernel_compute(sde, t, &k);

  if (status == KERNEL_OK) status = scheme_anc(sde, t, s, &step);
  if (status == KERNEL_OK) *radius = scheme_stability(&step, &k, data_variance);
  return status;
}
