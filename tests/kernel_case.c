/*
  Processes, and small algebra, that tests of their laws share
*/
#include "kernel_case.h"
#include <string.h>
#include "reference/kernel_reference.h"

LinearSde active_sde(double k, double tau, double tp, double ta)
{
  return (LinearSde){.b  = 2,
                     .M  = {-k, 1.0, 0.0, -1.0 / tau},
                     .Q  = {2.0 * tp, 0.0, 0.0, 2.0 * ta / (tau * tau)},
                     .V0 = {0.0, 0.0, 0.0, ta / tau}};
}

LinearSde cld_sde(double friction)
{
  return (LinearSde){.b  = 2,
                     .M  = {0.0, 16.0, -4.0, -16.0 * friction},
                     .Q  = {0.0, 0.0, 0.0, 8.0 * friction},
                     .V0 = {0.0, 0.0, 0.0, 0.01}};
}

LinearSde passive_sde(double k, double temperature)
{
  return (LinearSde){.b = 1, .M = {-k}, .Q = {2.0 * temperature}};
}

/* Full matrices, noise on two variables, correlated start */
LinearSde general_sde(void)
{
  return (LinearSde){.b  = 3,
                     .M  = {-1.0, 0.75, -0.5, 0.25, -2.0, 1.25, -0.375, 0.5, -0.625},
                     .Q  = {0.5, 0.125, -0.25, 0.125, 1.0, 0.375, -0.25, 0.375, 0.75},
                     .V0 = {0.0, 0.0, 0.0, 0.0, 0.75, -0.25, 0.0, -0.25, 0.5}};
}

/* x' = v, v' = -x - 0.8 v + eta, eta Ornstein-Uhlenbeck: noise reaches x by way of v and eta */
LinearSde underdamped_sde(void)
{
  return (LinearSde){.b  = 3,
                     .M  = {0.0, 1.0, 0.0, -1.0, -0.8, 1.0, 0.0, 0.0, -2.0},
                     .Q  = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0},
                     .V0 = {0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0}};
}

LinearSde law_example(int i)
{
  switch (i) {
  case 0:
    return passive_sde(1.3, 0.8);
  case 1:
    return active_sde(1.3, 0.7, 0.2, 0.9);
  case 2:
    return active_sde(1.0, 1.0, 0.0, 1.0);
  case 3:
    return cld_sde(1.0);
  case 4:
    return cld_sde(0.3);
  case 5:
    return general_sde();
  default:
    return underdamped_sde();
  }
}

Kernel kernel_at(const LinearSde *sde, double t)
{
  Kernel k;

  ck_assert_int_eq(kernel_compute(sde, t, &k), KERNEL_OK);
  return k;
}

void multiply(int n, int k, int m, const double *A, const double *B, double *C)
{
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < m; j++) {
      C[i * m + j] = 0.0;
      for (int c = 0; c < k; c++) C[i * m + j] += A[i * k + c] * B[c * m + j];
    }
  }
}

void transpose(int n, int m, const double *A, double *At)
{
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < m; j++) At[j * n + i] = A[i * m + j];
  }
}

/* F S F^T */
void congruence(int b, const double *F, const double *S, double *C)
{
  double FS[SIZE], Ft[SIZE];

  multiply(b, b, b, F, S, FS);
  transpose(b, b, F, Ft);
  multiply(b, b, b, FS, Ft, C);
}

double dot(int n, const double *a, const double *b)
{
  double sum = 0.0;

  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

LinearSde reference_sde(int i)
{
  LinearSde sde = {.b = kernel_reference[i].b};

  memcpy(sde.M, kernel_reference[i].M, sizeof sde.M);
  memcpy(sde.Q, kernel_reference[i].Q, sizeof sde.Q);
  memcpy(sde.V0, kernel_reference[i].V0, sizeof sde.V0);
  return sde;
}

double relative(double a, double b)
{
  return a == b ? 0.0 : fabs(a - b) / fabs(b);
}
