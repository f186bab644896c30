/*
  Leaves of a hierarchy under noise: what a case makes of one, and the likelihoods of its symbols
*/
#include "private/rhmimpl.h"
#include "private/wideimpl.h"
#include <string.h>

const char *const rhm_case_names[] = {"joint",       "x_alone", "passive", "equivalent",
                                      "equal_sigma", "printed", "legacy",  NULL};

int rhm_planes(int b)
{
  return 2 * b - 1;
}

void rhm_factors(const LinearSde *sde, const Kernel *k, double *T)
{
  const int b = k->b, a = b - 1;
  wide      V0[BLOCK_SIZE] = {0}, L[BLOCK_SIZE];

  for (int i = 0; i < a; i++)
    for (int j = 0; j < a; j++) V0[i * a + j] = sde->V0[(i + 1) * b + j + 1];
  block_cholesky(a, V0, ROUNDING_PIVOT, L);
  for (int i = 0; i < b; i++) {
    double *row = T + i * RHM_PLANES;

    for (int j = 0; j < b; j++) row[j] = k->Lc[i * b + j];
    for (int j = 0; j < a; j++) {
      row[b + j] = 0;
      for (int c = j; c < a; c++) row[b + j] += k->F[i * b + c + 1] * (double)L[c * a + j];
    }
  }
}

/*
  (A63), (A64) as printed: m11 and m22, of X given x0 and eta0, are exchanged before eta0 is integrated out. The covariance
  that the reader believes in is P = [[m22 + phi^2 V0, mb12], [mb12, m11 + b^2 V0]]; the weights are P^-1 u
*/
static void printed_weights(const LinearSde *sde, const Kernel *k, double *weight)
{
  const double *F = k->F, *C = k->C, V0 = sde->V0[3], a = k->u[0];
  const double  P11 = C[3] + F[1] * F[1] * V0, P12 = k->Cb[1], P22 = C[0] + F[3] * F[3] * V0;
  const double  det = P11 * P22 - P12 * P12;

  weight[0] = a * P22 / det;
  weight[1] = -a * P12 / det;
}

/* What the reader of a case makes of X: the weights of its variables, and how noisy its signal is */
static void read_weights(const LinearSde *sde, const Kernel *k, RhmCase which, RhmLaw *law)
{
  const double a = k->u[0];

  law->sigma2 = k->sigma2;
  if (which == RHM_JOINT)
    for (int i = 0; i < k->b; i++) law->weight[i] = k->l[i] / k->sigma2;
  else if (which == RHM_X_ALONE) {
    law->sigma2    = k->Cb[0] / (a * a);
    law->weight[0] = a / k->Cb[0];
  } else
    printed_weights(sde, k, law->weight);
}

void rhm_law(const LinearSde *sde, const Kernel *k, RhmCase which, RhmLaw *law)
{
  const int b = k->b;
  double    T[AD_BMAX * RHM_PLANES];

  memset(law, 0, sizeof(*law));
  read_weights(sde, k, which, law);
  rhm_factors(sde, k, T);
  if (which == RHM_LEGACY)
    for (int j = b; j < rhm_planes(b); j++) T[j] = 0;
  for (int i = 0; i < b; i++) {
    law->signal += law->weight[i] * k->u[i];
    for (int j = 0; j < rhm_planes(b); j++) law->noise[j] += law->weight[i] * T[i * RHM_PLANES + j];
  }
}

void rhm_law_passive(double sigma2, RhmLaw *law)
{
  memset(law, 0, sizeof(*law));
  law->sigma2   = sigma2;
  law->signal   = 1 / sigma2;
  law->noise[0] = 1 / sqrt(sigma2);
}

void rhm_noise(RngStream stream, uint64_t tree, int leaves, int planes, int v, int lane, float *work,
               float *e)
{
  const int width = planes * v;

  for (int leaf = 0; leaf < leaves; leaf += RHM_CHUNK) {
    const int n  = leaves - leaf < RHM_CHUNK ? leaves - leaf : RHM_CHUNK;
    float    *to = e + (size_t)leaf * width * RHM_LANES + lane;

    rng_normal(stream, tree * (uint64_t)leaves + (uint64_t)leaf, (size_t)n, width, work);
    for (int i = 0; i < n * width; i++) to[(size_t)i * RHM_LANES] = work[i];
  }
}

void rhm_leaf_likelihoods(const RhmLaw *law, int leaves, int planes, int v, const int *truth, const float *e,
                          double *likelihood)
{
  const int width = v * RHM_LANES;

  for (int leaf = 0; leaf < leaves; leaf++) {
    const float *restrict plane = e + (size_t)leaf * planes * width;
    double *restrict logit      = likelihood + (size_t)leaf * width;

    for (int i = 0; i < width; i++) logit[i] = law->noise[0] * plane[i];
    for (int j = 1; j < planes; j++)
      if (law->noise[j] != 0)
        for (int i = 0; i < width; i++) logit[i] = fma(law->noise[j], plane[j * width + i], logit[i]);
    for (int l = 0; l < RHM_LANES; l++) logit[truth[leaf * RHM_LANES + l] * RHM_LANES + l] += law->signal;
    rhm_likelihood(v, logit);
  }
}

void rhm_leaf_states(const double *u, const double *T, int b, int leaves, int planes, int v, int lane,
                     const int *truth, const float *e, double *state)
{
  for (int leaf = 0; leaf < leaves; leaf++)
    for (int q = 0; q < v; q++) {
      const float *at = e + ((size_t)leaf * planes * v + q) * RHM_LANES + lane;
      double      *X  = state + ((size_t)leaf * v + q) * b;

      for (int a = 0; a < b; a++) {
        X[a] = truth[leaf * RHM_LANES + lane] == q ? u[a] : 0;
        for (int j = 0; j < planes; j++) X[a] += T[a * RHM_PLANES + j] * at[(size_t)j * v * RHM_LANES];
      }
    }
}

void rhm_state_logits(const RhmLaw *law, int leaves, int v, int b, const double *state, int lane,
                      double *logit)
{
  for (int64_t i = 0; i < (int64_t)leaves * v; i++) {
    double sum = 0;

    for (int a = 0; a < b; a++) sum += law->weight[a] * state[i * b + a];
    logit[i * RHM_LANES + lane] = sum;
  }
}
