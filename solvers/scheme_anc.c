/*
  Ancestral step, and the posterior mean that ends a sampler
*/
#include <string.h>
#include "adscheme.h"
#include "private/wideimpl.h"

/*
  The step in normal coordinates. X = u x0 + Lw (e_z, e_w) with Lw = [sigma u, Dw] and unit normals e_z, e_w.
  Given x0, the correlations of those at s with those at t are, F = e^{M(t-s)},

    T = [[rho, 0], [c, D]],   rho = sigma_s/sigma_t,   c = Dw_s^T F^T l_t/sigma_t,   D = Dw_s^T F^T Ew_t

  so that (e_z, e_w) at s given X_t has the mean T (e_z, e_w)_t and the covariance I - T T^T. Entries are of
  order 1 at every t, where Cb_t^{-1} would grow without bound as t -> 0.
*/
typedef struct {
  wide rho, c[AD_BMAX], D[BLOCK_SIZE], N[BLOCK_SIZE]; /* N N^T = I - T T^T, b x b */
} Bridge;

static void bridge_noise(int b, Bridge *bridge)
{
  const int   a = b - 1;
  const wide *c = bridge->c, rho = bridge->rho;
  wide        S[BLOCK_SIZE], DD[BLOCK_SIZE];

  block_multiply_nt(a, a, a, bridge->D, bridge->D, DD);
  S[0] = 1 - rho * rho;
  for (int i = 0; i < a; i++) {
    S[i + 1] = S[(i + 1) * b] = -rho * c[i];
    for (int j = 0; j < a; j++) S[(i + 1) * b + j + 1] = (i == j) - c[i] * c[j] - DD[i * a + j];
  }
  block_cholesky(b, S, ROUNDING_PIVOT, bridge->N);
}

static void bridge_compute(const LinearSde *sde, wide dt, const WideLaw *from, const WideLaw *to,
                           Bridge *bridge)
{
  const int  b = sde->b, a = b - 1;
  const wide sigma_t = wide_sqrt(from->sigma2);
  WideLaw    between;
  wide       FD[BLOCK_SIZE];

  (void)law_compute(sde, dt, &between); /* only for F, which exists at any status */
  block_multiply(b, b, a, between.F, to->Dw, FD);
  block_multiply_tn(a, b, 1, FD, from->l, bridge->c);
  block_multiply_tn(a, b, a, FD, from->Ew, bridge->D);
  for (int i = 0; i < a; i++) bridge->c[i] /= sigma_t;
  bridge->rho = wide_sqrt(to->sigma2) / sigma_t;
  bridge_noise(b, bridge);
}

/* Back in X, e_z = (z - x0hat)/sigma and e_w = Ew^T X at t: X' = u_s x0hat + Lw_s (T (e_z, e_w) + N xi) */
int scheme_anc(const LinearSde *sde, double t, double s, AffineStage *stage)
{
  const int b = sde->b, a = b - 1;
  WideLaw   from, to;
  Bridge    bridge;
  wide      DwD[BLOCK_SIZE], A[BLOCK_SIZE], Lw[BLOCK_SIZE], L[BLOCK_SIZE], g[AD_BMAX] = {0}, sigma_s, sigma_t;
  int       status = law_compute(sde, t, &from);

  if (status == KERNEL_OK) status = law_or_start(sde, s, &to);
  if (status != KERNEL_OK) return status;
  bridge_compute(sde, (wide)t - s, &from, &to, &bridge);
  sigma_s = wide_sqrt(to.sigma2);
  sigma_t = wide_sqrt(from.sigma2);
  for (int i = 0; i < b; i++) {
    Lw[i * b] = sigma_s * to.u[i];
    g[i]      = bridge.rho * Lw[i * b]; /* response to e_z at t */
    for (int c = 0; c < a; c++) {
      Lw[i * b + c + 1] = to.Dw[i * a + c];
      g[i] += to.Dw[i * a + c] * bridge.c[c];
    }
    g[i] /= sigma_t;
  }
  block_multiply(b, a, a, to.Dw, bridge.D, DwD);
  block_multiply_nt(b, a, b, DwD, from.Ew, A);
  for (int i = 0; i < b * b; i++) A[i] += g[i / b] * from.l[i % b];
  for (int i = 0; i < b; i++) g[i] = to.u[i] - g[i];
  block_multiply(b, b, b, Lw, bridge.N, L);
  stage_reset(b, 1, t, 1, stage);
  block_round(b * b, A, stage->A);
  block_round(b, g, stage->B);
  block_round(b * b, L, stage->L);
  return KERNEL_OK;
}

int scheme_anc_fill(const SchemeStep *step, AffineStage *stage, int *count)
{
  const int status = scheme_anc(step->sde, step->from[step->i], step->to[step->i], stage);

  *count = 1;
  multistep_fill(step, stage);
  return status;
}

/*
  With g = x0hat the mean of the ancestral step to s = 0 is the posterior mean. With g = sz it follows from
  aux0hat = -H (l sz - R X), H = V0 F^T, and x0hat = l.X + sigma2 sz.
*/
int scheme_denoise(const LinearSde *sde, double t, int g_is_mean, AffineStage *stage)
{
  const int b = sde->b;
  Kernel    k;
  int       status;

  if (g_is_mean) {
    status = scheme_anc(sde, t, 0.0, stage);
    scheme_drop_noise(stage);
    return status;
  }
  status = kernel_compute(sde, t, &k);
  if (status != KERNEL_OK) return status;
  stage_reset(b, 1, t, 0, stage);
  for (int i = 0; i < b; i++) {
    for (int c = 0; c < b; c++) {
      for (int j = 0; j < b; j++) stage->A[i * b + j] += k.H[i * b + c] * k.R[c * b + j];
      stage->B[i] -= k.H[i * b + c] * k.l[c];
    }
  }
  memcpy(stage->A, k.l, sizeof(double) * (size_t)b); /* row 0 of H is zero: the sums above leave row 0 free */
  stage->B[0] = k.sigma2;
  return KERNEL_OK;
}
