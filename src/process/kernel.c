/*
  Law of one coordinate of the forward process, computed in the wide type and rounded once at the end
*/
#include <math.h>
#include "private/wideimpl.h"

static void propagate(const LinearSde *sde, wide t, WideLaw *law)
{
  const int b = sde->b;
  wide      M[BLOCK_SIZE], Q[BLOCK_SIZE], V0[BLOCK_SIZE], FVF[BLOCK_SIZE];

  block_widen(b * b, sde->M, M);
  block_widen(b * b, sde->Q, Q);
  block_widen(b * b, sde->V0, V0);
  law->b = b;
  block_flow(b, M, Q, t, law->F, law->C);
  block_congruence(b, b, law->F, V0, FVF);
  for (int i = 0; i < b * b; i++) law->Cb[i] = law->C[i] + FVF[i];
  for (int i = 0; i < b; i++) law->u[i] = law->F[i * b];
}

/*
  The clock seen from t = 0, for norm(M) t <= 1. F^{-1} X = X(0) + N(0, P) with P = F^{-1} C F^{-T}, hence
  sigma2 is the variance of component x given the aux components under the covariance P + V0, whose row 0 is
  that of P. At small t P_xx is of the order of sigma2 whatever V0: nothing cancels, while Cb is singular to
  t/tau or worse.
*/
static int clock_backward(const LinearSde *sde, WideLaw *law)
{
  const int b = law->b, a = b - 1;
  wide      F[BLOCK_SIZE], Fi[BLOCK_SIZE], P[BLOCK_SIZE], A[BLOCK_SIZE], L[BLOCK_SIZE];
  wide      y[AD_BMAX], g[AD_BMAX], Pxx;

  for (int i = 0; i < b * b; i++) {
    F[i]  = law->F[i];
    Fi[i] = i % (b + 1) == 0;
  }
  if (block_solve(b, b, F, Fi)) return KERNEL_DEGENERATE;
  block_congruence(b, b, Fi, law->C, P);
  for (int i = 0; i < a; i++) {
    for (int j = 0; j < a; j++) A[i * a + j] = P[(i + 1) * b + j + 1] + sde->V0[(i + 1) * b + j + 1];
    y[i] = P[i + 1];
  }
  if (block_cholesky(a, A, 0, L) < PIVOT_MIN) return KERNEL_DEGENERATE;
  block_solve_lower(a, 1, L, y);
  law->sigma2 = Pxx = P[0];
  g[0]              = 1;
  for (int i = 0; i < a; i++) {
    law->sigma2 -= y[i] * y[i];
    g[i + 1] = -y[i];
  }
  block_solve_lower_t(a, 1, L, g + 1);
  block_multiply_tn(b, b, 1, Fi, g, law->l);
  return law->sigma2 > PIVOT_MIN * Pxx ? KERNEL_OK : KERNEL_DEGENERATE;
}

/* The clock seen from t: sigma2 = 1/(u^T Cb^{-1} u), l = sigma2 Cb^{-1} u */
static int clock_forward(WideLaw *law)
{
  const int b = law->b;
  wide      L[BLOCK_SIZE], information = 0;

  if (block_cholesky(b, law->Cb, 0, L) < PIVOT_MIN) return KERNEL_DEGENERATE;
  for (int i = 0; i < b; i++) law->l[i] = law->u[i];
  block_solve_lower(b, 1, L, law->l);
  for (int i = 0; i < b; i++) information += law->l[i] * law->l[i];
  law->sigma2 = 1 / information;
  block_solve_lower_t(b, 1, L, law->l);
  for (int i = 0; i < b; i++) law->l[i] *= law->sigma2;
  return KERNEL_OK;
}

static int clock_at(const LinearSde *sde, wide t, WideLaw *law)
{
  const int b    = law->b;
  wide      norm = 0;
  int       status;

  for (int i = 0; i < b * b; i++) norm += wide_abs((wide)sde->M[i]);
  status = norm * t <= 1 ? clock_backward(sde, law) : clock_forward(law);
  if (status != KERNEL_OK) return status;
  if (!(law->sigma2 < 1e300)) return KERNEL_FORGOTTEN;
  return law->sigma2 > 1e-300 ? KERNEL_OK : KERNEL_DEGENERATE;
}

/*
  Orthonormal basis of the complement of the unit vector v, continuous in v except at v = -e_x: the columns
  W_j = e_j - v_j (1, v_2/(1 + v_1), ...). For b = 2 it is (-v_2, v_1), continuous everywhere.
*/
static void complement_basis(int b, const wide *v, wide *W)
{
  const int a    = b - 1;
  wide      rest = 0, q;

  if (b == 2) {
    W[0] = -v[1];
    W[1] = v[0];
    return;
  }
  for (int i = 1; i < b; i++) rest += v[i] * v[i];
  q = v[0] > 0 ? 1 + v[0] : rest / (1 - v[0]); /* 1 + v_1 without cancellation */
  for (int j = 0; j < a; j++) {
    W[j] = -v[j + 1];
    for (int i = 1; i < b; i++) W[i * a + j] = (i == j + 1) - (q > 0 ? v[i] * v[j + 1] / q : 0);
  }
}

static int complement(WideLaw *law)
{
  const int b = law->b, a = b - 1;
  wide      v[AD_BMAX] = {0}, Wt[BLOCK_SIZE], Omega[BLOCK_SIZE], norm2 = 0;

  for (int i = 0; i < b; i++) norm2 += law->u[i] * law->u[i];
  law->norm_u = wide_sqrt(norm2);
  for (int i = 0; i < b; i++) v[i] = law->u[i] / law->norm_u;
  complement_basis(b, v, law->W);
  for (int i = 0; i < b; i++) {
    for (int j = 0; j < a; j++) Wt[j * b + i] = law->W[i * a + j];
  }
  block_congruence(a, b, Wt, law->Cb, Omega);
  if (block_cholesky(a, Omega, 0, law->Lom) < PIVOT_MIN) return KERNEL_DEGENERATE;
  block_solve_lower(a, b, law->Lom, Wt);
  for (int i = 0; i < b; i++) {
    for (int j = 0; j < a; j++) law->Ew[i * a + j] = Wt[j * b + i];
  }
  block_multiply(b, b, a, law->Cb, law->Ew, law->Dw);
  return KERNEL_OK;
}

int law_compute(const LinearSde *sde, wide t, WideLaw *law)
{
  int status;

  propagate(sde, t, law);
  status = clock_at(sde, t, law);
  return status == KERNEL_OK ? complement(law) : status;
}

int law_or_start(const LinearSde *sde, wide t, WideLaw *law)
{
  const int b = sde->b, a = b - 1;
  wide      V0[BLOCK_SIZE], L[BLOCK_SIZE];
  int       status = law_compute(sde, t, law);

  if (t > 0) return status;
  for (int i = 0; i < a; i++) {
    for (int j = 0; j < a; j++) V0[i * a + j] = sde->V0[(i + 1) * b + j + 1];
  }
  block_cholesky(a, V0, ROUNDING_PIVOT, L);
  for (int j = 0; j < a; j++) law->Dw[j] = 0;
  for (int i = 0; i < a * a; i++) law->Dw[a + i] = L[i];
  law->sigma2 = 0;
  return KERNEL_OK;
}

/* The members of k that hold at every t */
static void round_covariances(const LinearSde *sde, const WideLaw *law, Kernel *k)
{
  const int b = law->b, n = b * b;
  wide      V0[BLOCK_SIZE], work[BLOCK_SIZE], L[BLOCK_SIZE];

  block_round(n, law->F, k->F);
  block_round(n, law->C, k->C);
  block_round(n, law->Cb, k->Cb);
  block_round(b, law->u, k->u);
  block_widen(n, sde->V0, V0);
  block_multiply_nt(b, b, b, V0, law->F, work);
  block_round(n, work, k->H);
  k->c_regular = block_cholesky(b, law->C, PIVOT_MIN, L) > 0;
  block_round(n, L, k->Lc);
  for (int i = 0; i < n; i++) work[i] = k->c_regular && i % (b + 1) == 0;
  if (k->c_regular) block_solve_lower_t(b, b, L, work);
  block_round(n, work, k->LcinvT);
}

/* The members that need a clock */
static void round_clock(const WideLaw *law, Kernel *k)
{
  const int b = law->b, a = b - 1;
  wide      R[BLOCK_SIZE];

  k->sigma2 = (double)law->sigma2;
  k->sigma  = (double)wide_sqrt(law->sigma2);
  block_round(b, law->l, k->l);
  block_round(b * a, law->W, k->W);
  block_round(b * a, law->Ew, k->Ew);
  block_round(b * a, law->Dw, k->Dw);
  block_multiply_nt(b, a, b, law->Ew, law->Ew, R);
  block_round(b * b, R, k->R);
  k->log_norm = -0.5 * a * log(2.0 * acos(-1.0)) - wide_log(law->norm_u);
  for (int j = 0; j < a; j++) k->log_norm -= wide_log(law->Lom[j * a + j]);
}

int kernel_compute(const LinearSde *sde, double t, Kernel *k)
{
  WideLaw   law;
  const int status = law_compute(sde, t, &law);

  k->b = sde->b;
  k->t = t;
  round_covariances(sde, &law, k);
  if (status == KERNEL_OK) round_clock(&law, k);
  return status;
}

/* F = e^{M^T t} C^{-1} e^{M t} as Y^T Y, Y = L^{-1} e^{M t} with C = L L^T: sums of squares on its diagonal */
static void fisher_matrix(const WideLaw *law, KernelMemory *m)
{
  const int b = law->b;
  wide      L[BLOCK_SIZE], Y[BLOCK_SIZE], F[BLOCK_SIZE], trace = 0;

  m->regular = block_cholesky(b, law->C, 0, L) >= PIVOT_MIN;
  m->total = m->xx = m->aux = NAN;
  for (int i = 0; i < b * b; i++) {
    m->F[i] = NAN;
    Y[i]    = law->F[i];
  }
  if (!m->regular) return;
  block_solve_lower(b, b, L, Y);
  block_multiply_tn(b, b, b, Y, Y, F);
  block_round(b * b, F, m->F);
  for (int i = 1; i < b; i++) trace += F[i * b + i];
  m->xx    = (double)F[0];
  m->aux   = (double)trace;
  m->total = (double)(F[0] + trace);
}

/* u_a^T (Cb_aa)^{-1} u_a of the auxiliary variables a */
static double information_of_aux(const WideLaw *law)
{
  const int b = law->b, a = b - 1;
  wide      S[BLOCK_SIZE], L[BLOCK_SIZE], y[AD_BMAX] = {0}, response = 0, sum = 0;

  for (int i = 0; i < a; i++) {
    y[i] = law->u[i + 1];
    response += wide_abs(y[i]);
    for (int j = 0; j < a; j++) S[i * a + j] = law->Cb[(i + 1) * b + j + 1];
  }
  if (response == 0) return 0;
  if (block_cholesky(a, S, 0, L) < PIVOT_MIN) return NAN;
  block_solve_lower(a, 1, L, y);
  for (int i = 0; i < a; i++) sum += y[i] * y[i];
  return (double)sum;
}

int kernel_memory(const LinearSde *sde, double t, KernelMemory *m)
{
  WideLaw law;

  propagate(sde, t, &law);
  if (clock_at(sde, t, &law) == KERNEL_DEGENERATE) return KERNEL_DEGENERATE;
  m->b = sde->b;
  m->t = t;
  fisher_matrix(&law, m);
  m->joint     = (double)(1 / law.sigma2);
  m->x_alone   = (double)(law.u[0] * law.u[0] / law.Cb[0]);
  m->aux_alone = information_of_aux(&law);
  return KERNEL_OK;
}

double kernel_conditional_variance(int b, const double *C)
{
  wide A[BLOCK_SIZE], column[AD_BMAX] = {1};

  block_widen(b * b, C, A);
  return block_solve(b, 1, A, column) ? 0 : (double)(1 / column[0]);
}

int kernel_stationary(const LinearSde *sde, double *Cinf)
{
  const int b = sde->b;
  wide      M[BLOCK_SIZE], Q[BLOCK_SIZE], X[BLOCK_SIZE], L[BLOCK_SIZE];

  block_widen(b * b, sde->M, M);
  for (int i = 0; i < b * b; i++) Q[i] = i % (b + 1) == 0;
  if (block_lyapunov(b, M, Q, X) || !(block_cholesky(b, X, 0, L) > 0)) return KERNEL_UNSTABLE;
  block_widen(b * b, sde->Q, Q);
  if (block_lyapunov(b, M, Q, X)) return KERNEL_UNSTABLE;
  block_round(b * b, X, Cinf);
  return KERNEL_OK;
}

/* log(sigma2(t)/sigma^2), the ratio taken in wide, and its slope t l^T Q l/sigma2 in log t */
static int log_clock(const LinearSde *sde, double sigma, double t, double *value, double *slope)
{
  const int b = sde->b;
  WideLaw   law;
  wide      Q[BLOCK_SIZE], power;
  int       status;

  propagate(sde, t, &law);
  status = clock_at(sde, t, &law);
  *value = status == KERNEL_FORGOTTEN ? INFINITY : -INFINITY;
  *slope = 0.0;
  if (status != KERNEL_OK) return status;
  block_widen(b * b, sde->Q, Q);
  block_congruence(1, b, law.l, Q, &power);
  *value = wide_log(law.sigma2 / ((wide)sigma * sigma));
  *slope = (double)(t * power / law.sigma2);
  return status;
}

int kernel_time_of_sigma(const LinearSde *sde, double sigma, double tmax, double *t)
{
  double lo = 0.0, hi = tmax, value, slope;

  *t = tmax;
  if (log_clock(sde, sigma, tmax, &value, &slope) == KERNEL_DEGENERATE) return KERNEL_DEGENERATE;
  if (value < -4.0 * DBL_EPSILON) return KERNEL_RANGE;
  /* log sigma2 is convex in log t for the usual processes: Newton from the right stays on the right */
  for (int iteration = 0; iteration < 400 && hi - lo > DBL_EPSILON * hi; iteration++) {
    double next = *t * exp(-value / slope);

    if (slope > 0.0 && fabs(next - *t) <= 1e-14 * *t) break;
    if (!(slope > 0.0 && next > lo && next < hi)) next = lo > 0.0 ? sqrt(lo * hi) : 0.01 * hi;
    *t = next;
    (void)log_clock(sde, sigma, *t, &value, &slope);
    if (value < 0.0)
      lo = *t;
    else
      hi = *t;
  }
  return fabs(value) < 1e-6 ? KERNEL_OK : KERNEL_DEGENERATE;
}
