/*
  Small dense algebra in the wide type: products, factors, exponential with Gramian, Lyapunov equation
*/
#include <math.h>
#include "private/wideimpl.h"

#define STEP      0x1p1000 /* scalars are brought into the range of double in steps of this */
#define STEP_ROOT 0x1p500

wide wide_abs(wide x)
{
  return x < 0 ? -x : x;
}

wide wide_sqrt(wide x)
{
  wide scale = 1, y;

  if (!(x > 0) || x == x + x) return x > 0 ? x : 0;
  while (x > STEP) {
    x /= STEP;
    scale *= STEP_ROOT;
  }
  while (x < 1 / STEP) {
    x *= STEP;
    scale /= STEP_ROOT;
  }
  y = sqrt((double)x);
  /* each Newton step doubles the digits: 16, 32, 64 */
  y = (y + x / y) / 2;
  y = (y + x / y) / 2;
  return y * scale;
}

double wide_log(wide x)
{
  double log_scale = 0.0;

  if (!(x > 0) || x == x + x) return x > 0 ? INFINITY : -INFINITY;
  while (x > STEP) {
    x /= STEP;
    log_scale += 1000.0 * log(2.0);
  }
  while (x < 1 / STEP) {
    x *= STEP;
    log_scale -= 1000.0 * log(2.0);
  }
  return log_scale + log((double)x);
}

void block_widen(int n, const double *a, wide *w)
{
  for (int i = 0; i < n; i++) w[i] = a[i];
}

void block_round(int n, const wide *w, double *a)
{
  for (int i = 0; i < n; i++) a[i] = (double)w[i];
}

void block_multiply(int n, int k, int m, const wide *A, const wide *B, wide *C)
{
  for (int i = 0; i < n; i++) {
    wide *row = &C[i * m];

    for (int c = 0; c < m; c++) row[c] = 0;
    for (int j = 0; j < k; j++) {
      wide a = A[i * k + j];

      if (a == 0) continue; /* M and F are triangular for chains of variables */
      for (int c = 0; c < m; c++) row[c] += a * B[j * m + c];
    }
  }
}

void block_multiply_nt(int n, int k, int m, const wide *A, const wide *B, wide *C)
{
  wide Bt[BLOCK_SIZE];

  for (int i = 0; i < m; i++) {
    for (int j = 0; j < k; j++) Bt[j * m + i] = B[i * k + j];
  }
  block_multiply(n, k, m, A, Bt, C);
}

void block_multiply_tn(int n, int k, int m, const wide *A, const wide *B, wide *C)
{
  wide At[BLOCK_SIZE];

  for (int i = 0; i < k; i++) {
    for (int j = 0; j < n; j++) At[j * k + i] = A[i * n + j];
  }
  block_multiply(n, k, m, At, B, C);
}

void block_congruence(int n, int k, const wide *F, const wide *S, wide *C)
{
  wide FS[BLOCK_SIZE] = {0};

  block_multiply(n, k, k, F, S, FS);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= i; j++) {
      wide sum = 0;

      for (int c = 0; c < k; c++) sum += FS[i * k + c] * F[j * k + c];
      C[i * n + j] = C[j * n + i] = sum;
    }
  }
}

wide block_cholesky(int n, const wide *A, wide floor, wide *L)
{
  wide smallest = 1;

  for (int i = 0; i < n * n; i++) L[i] = 0;
  for (int j = 0; j < n; j++) {
    wide pivot = A[j * n + j], ratio;

    for (int c = 0; c < j; c++) pivot -= L[j * n + c] * L[j * n + c];
    ratio = A[j * n + j] > 0 ? pivot / A[j * n + j] : 0;
    if (!(ratio > floor)) {
      smallest = 0;
      continue;
    }
    if (ratio < smallest) smallest = ratio;
    L[j * n + j] = wide_sqrt(pivot);
    for (int i = j + 1; i < n; i++) {
      wide sum = A[i * n + j];

      for (int c = 0; c < j; c++) sum -= L[i * n + c] * L[j * n + c];
      L[i * n + j] = sum / L[j * n + j];
    }
  }
  return smallest;
}

void block_solve_lower(int n, int m, const wide *L, wide *B)
{
  for (int i = 0; i < n; i++) {
    for (int c = 0; c < m; c++) {
      for (int j = 0; j < i; j++) B[i * m + c] -= L[i * n + j] * B[j * m + c];
      B[i * m + c] /= L[i * n + i];
    }
  }
}

void block_solve_lower_t(int n, int m, const wide *L, wide *B)
{
  for (int i = n - 1; i >= 0; i--) {
    for (int c = 0; c < m; c++) {
      for (int j = i + 1; j < n; j++) B[i * m + c] -= L[j * n + i] * B[j * m + c];
      B[i * m + c] /= L[i * n + i];
    }
  }
}

static void swap_rows(int m, wide *a, wide *b)
{
  for (int c = 0; c < m; c++) {
    wide keep = a[c];

    a[c] = b[c];
    b[c] = keep;
  }
}

int block_solve(int n, int m, wide *A, wide *B)
{
  for (int k = 0; k < n; k++) {
    int  p      = k;
    wide column = 0;

    for (int i = k; i < n; i++) {
      if (wide_abs(A[i * n + k]) > wide_abs(A[p * n + k])) p = i;
    }
    for (int i = 0; i < n; i++) column += wide_abs(A[i * n + k]);
    if (!(wide_abs(A[p * n + k]) > n * WIDE_EPSILON * column)) return 1;
    swap_rows(n, A + k * n, A + p * n);
    swap_rows(m, B + k * m, B + p * m);
    for (int i = k + 1; i < n; i++) {
      wide f = A[i * n + k] / A[k * n + k];

      if (f == 0) continue;
      for (int j = k; j < n; j++) A[i * n + j] -= f * A[k * n + j];
      for (int c = 0; c < m; c++) B[i * m + c] -= f * B[k * m + c];
    }
  }
  for (int i = n - 1; i >= 0; i--) {
    for (int c = 0; c < m; c++) {
      for (int j = i + 1; j < n; j++) B[i * m + c] -= A[i * n + j] * B[j * m + c];
      B[i * m + c] /= A[i * n + i];
    }
  }
  return 0;
}

static wide norm_inf(int n, const wide *A)
{
  wide norm = 0;

  for (int i = 0; i < n; i++) {
    wide row = 0;

    for (int j = 0; j < n; j++) row += wide_abs(A[i * n + j]);
    if (row > norm) norm = row;
  }
  return norm;
}

/* sum += term; true if it changed no entry. A norm could not tell: the leading powers of t differ by entry */
static int add_term(int n, const wide *term, wide *sum)
{
  int settled = 1;

  for (int i = 0; i < n; i++) {
    sum[i] += term[i];
    if (wide_abs(term[i]) > WIDE_EPSILON / 4 * wide_abs(sum[i])) settled = 0;
  }
  return settled;
}

/*
  Taylor series of the exponential, T_{j+1} = M T_j s/(j+1). 20 terms do for norm(M) s <= 1/16; the cap serves
  entries that are zero by cancellation.
*/
static void taylor_exponential(int b, const wide *M, wide s, wide *F)
{
  wide T[BLOCK_SIZE] = {0}, MT[BLOCK_SIZE] = {0};

  for (int i = 0; i < b * b; i++) F[i] = T[i] = i % (b + 1) == 0;
  for (int j = 1, settled = 0; j <= 40 && !settled; j++) {
    wide f = s / j;

    block_multiply(b, b, b, M, T, MT);
    for (int i = 0; i < b * b; i++) T[i] = f * MT[i];
    settled = add_term(b * b, T, F);
  }
}

/* Taylor series of the Gramian, T_1 = Q s, T_{j+1} = (M T_j + T_j M^T) s/(j+1) */
static void taylor_gramian(int b, const wide *M, const wide *Q, wide s, wide *C)
{
  wide T[BLOCK_SIZE] = {0}, MT[BLOCK_SIZE] = {0};

  for (int i = 0; i < b * b; i++) C[i] = T[i] = Q[i] * s;
  for (int j = 2, settled = 0; j <= 40 && !settled; j++) {
    wide f = s / j;

    block_multiply(b, b, b, M, T, MT);
    for (int r = 0; r < b; r++) {
      for (int c = 0; c < b; c++) T[r * b + c] = f * (MT[r * b + c] + MT[c * b + r]);
    }
    settled = add_term(b * b, T, C);
  }
}

void block_flow(int b, const wide *M, const wide *Q, wide t, wide *F, wide *C)
{
  wide s = t, norm = norm_inf(b, M), work[BLOCK_SIZE] = {0};
  int  doublings = 0;

  while (norm * s > 0.0625) {
    s /= 2;
    doublings++;
  }
  taylor_exponential(b, M, s, F);
  taylor_gramian(b, M, Q, s, C);
  for (; doublings > 0; doublings--) {
    block_congruence(b, b, F, C, work);
    for (int i = 0; i < b * b; i++) C[i] += work[i];
    block_multiply(b, b, b, F, F, work);
    for (int i = 0; i < b * b; i++) F[i] = work[i];
  }
}

int block_lyapunov(int b, const wide *M, const wide *Q, wide *X)
{
  const int n                          = b * b;
  wide      K[BLOCK_SIZE * BLOCK_SIZE] = {0};
  int       singular;

  for (int r = 0; r < b; r++) {
    for (int c = 0; c < b; c++) {
      wide *row = K + (r * b + c) * n;

      for (int j = 0; j < b; j++) row[j * b + c] += M[r * b + j];
      for (int j = 0; j < b; j++) row[r * b + j] += M[c * b + j];
      X[r * b + c] = -Q[r * b + c];
    }
  }
  singular = block_solve(n, 1, K, X);
  for (int r = 0; r < b; r++) {
    for (int c = 0; c < r; c++) X[r * b + c] = X[c * b + r] = (X[r * b + c] + X[c * b + r]) / 2;
  }
  return singular;
}
