/*
  The Fisher matrix against clouds of states that started a little apart
*/
#include "adfisher.h"

enum { STEPS = 8, WAVE = 1024 };

typedef struct {
  double mean[AD_BMAX], scatter[AD_BMAX * AD_BMAX]; /* sum of (X - mean)(X - mean)^T */
} Cloud;

/* Carry rows from X0 through STEPS steps of the kernel: X <- F X + Lc e */
static void carry(const Kernel *k, int64_t n, const double *X0, const float *e, double *X)
{
  const int b = k->b;

  for (int64_t r = 0; r < n; r++, X += b, e += STEPS * b) {
    for (int i = 0; i < b; i++) X[i] = X0[i];
    for (int s = 0; s < STEPS; s++) {
      double next[AD_BMAX];

      for (int i = 0; i < b; i++) {
        next[i] = 0;
        for (int j = 0; j < b; j++)
          next[i] += k->F[i * b + j] * X[j] + k->Lc[i * b + j] * (double)e[s * b + j];
      }
      for (int i = 0; i < b; i++) X[i] = next[i];
    }
  }
}

static void cloud_moments(int64_t n, int b, const double *X, Cloud *cloud)
{
  *cloud = (Cloud){{0}, {0}};
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < b; i++) cloud->mean[i] += X[r * b + i] / (double)n;
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < b; i++)
      for (int j = 0; j < b; j++)
        cloud->scatter[i * b + j] += (X[r * b + i] - cloud->mean[i]) * (X[r * b + j] - cloud->mean[j]);
}

static PetscErrorCode DrawCloud(const Kernel *step, const double *X0, int64_t N, RngStream stream,
                                Cloud *cloud)
{
  const int b = step->b;
  double   *X;
  float    *e;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(N * b, &X, WAVE * STEPS * b, &e));
  for (int64_t r = 0; r < N; r += WAVE) {
    const int64_t rows = PetscMin(WAVE, N - r);

    rng_normal(stream, (uint64_t)r, (size_t)rows, STEPS * b, e);
    carry(step, rows, X0, e, X + r * b);
  }
  cloud_moments(N, b, X, cloud);
  PetscCall(PetscFree2(X, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y^T S^{-1} y of a positive definite S, by its Cholesky factor: the units of the variables do not matter */
static double squared_distance(int b, const double *S, const double *y)
{
  double L[AD_BMAX * AD_BMAX] = {0}, w[AD_BMAX], sum = 0;

  for (int i = 0; i < b; i++) {
    for (int j = 0; j <= i; j++) {
      double rest = S[i * b + j];

      for (int c = 0; c < j; c++) rest -= L[i * b + c] * L[j * b + c];
      L[i * b + j] = i == j ? sqrt(rest) : rest / L[j * b + j];
    }
    w[i] = y[i];
    for (int c = 0; c < i; c++) w[i] -= L[i * b + c] * w[c];
    w[i] /= L[i * b + i];
    sum += w[i] * w[i];
  }
  return sum;
}

/* Half the unbiased squared Mahalanobis distance of two clouds, and its standard error */
static void divergence(int b, int64_t N, const Cloud *one, const Cloud *other, FisherDivergence *out)
{
  const double n = (double)N, nu = 2 * n - 2, n2 = nu - b + 1;
  double       S[AD_BMAX * AD_BMAX] = {0}, apart[AD_BMAX] = {0}, d2, lambda, variance;

  for (int i = 0; i < b * b; i++) S[i] = (one->scatter[i] + other->scatter[i]) / nu;
  for (int i = 0; i < b; i++) apart[i] = other->mean[i] - one->mean[i];
  d2     = (nu - b - 1) / nu * squared_distance(b, S, apart) - 2 * b / n;
  lambda = 0.5 * n * fmax(d2, 0);
  /* variance of the noncentral F with b and n2 degrees of freedom, brought to the scale of d2 */
  variance =
      2 * pow(n2 / b, 2) * (pow(b + lambda, 2) + (b + 2 * lambda) * (n2 - 2)) / (pow(n2 - 2, 2) * (n2 - 4));
  out->value = 0.5 * d2;
  out->err   = 0.5 * sqrt(variance) * 2 * b * (nu - b - 1) / (n * n2);
}

PetscErrorCode FisherCheckPoint(const LinearSde *sde, const KernelMemory *memory, int direction, double size,
                                int64_t N, RngStream stream, FisherDivergence *out)
{
  const int    b           = sde->b;
  const double F           = memory->F[direction * b + direction];
  double       X0[AD_BMAX] = {0};
  Kernel       step;
  Cloud        here, there;

  PetscFunctionBegin;
  *out = (FisherDivergence){NAN, NAN, NAN, NAN};
  if (!memory->regular || !(F >= 1e-300) ||
      kernel_compute(sde, memory->t / STEPS, &step) == KERNEL_DEGENERATE || !step.c_regular)
    PetscFunctionReturn(PETSC_SUCCESS);
  out->delta    = size / sqrt(F);
  out->expected = 0.5 * F * out->delta * out->delta;
  PetscCall(DrawCloud(&step, X0, N, stream, &here));
  stream.step++;
  X0[direction] = out->delta;
  PetscCall(DrawCloud(&step, X0, N, stream, &there));
  divergence(b, N, &here, &there, out);
  PetscFunctionReturn(PETSC_SUCCESS);
}
