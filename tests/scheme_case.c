/*
  Processes and laws that tests of the tables share
*/
#include "scheme_case.h"

/* Critically damped Langevin with beta 1, Gamma 1, m 1/4, and v at its equilibrium from the start */
static LinearSde calm_cld_sde(void)
{
  return (LinearSde){
      .b = 2, .M = {0.0, 4.0, -1.0, -4.0}, .Q = {0.0, 0.0, 0.0, 2.0}, .V0 = {0.0, 0.0, 0.0, 0.25}};
}

LinearSde example_sde(int i)
{
  const LinearSde list[6] = {
      passive_sde(1.3, 0.8), active_sde(1.3, 0.7, 0.2, 0.9), active_sde(1.0, 0.5, 0.0, 1.0), calm_cld_sde(),
      general_sde(),         active_sde(1.0, 0.5, 0.0, 1.0)};
  LinearSde sde = list[i];

  if (i == 5) sde.V0[3] = 0.0;
  return sde;
}

Kernel law_at(const LinearSde *sde, double s)
{
  Kernel k;

  ck_assert_int_eq(kernel_compute(sde, s, &k), s > 0.0 ? KERNEL_OK : KERNEL_DEGENERATE);
  return k;
}

void covariance_after(int b, const double *F, const double *S, const double *L, double *C)
{
  double FS[SIZE] = {0.0};

  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) {
      for (int c = 0; c < b; c++) FS[i * b + j] += F[i * b + c] * S[c * b + j];
    }
  }
  for (int i = 0; i < b; i++) {
    for (int j = 0; j < b; j++) C[i * b + j] = dot(b, FS + i * b, F + j * b) + dot(b, L + i * b, L + j * b);
  }
}

Moments moments_at(const Kernel *k)
{
  const int b = k->b;
  Moments   x = {{0.0}, {0.0}};

  for (int i = 0; i < b; i++) {
    x.m[i] = k->u[i] * DATA_MEAN;
    for (int j = 0; j < b; j++) x.S[i * b + j] = k->Cb[i * b + j] + DATA_VARIANCE * k->u[i] * k->u[j];
  }
  return x;
}
