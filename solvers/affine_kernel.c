/*
  The loops over samples: one affine step, one right-hand side, extrapolation, look-out for divergence
*/
#include <math.h>
#include "private/samplerimpl.h"

/* Inlined with constant b, q, c and d where these are small, so that the inner loops disappear */
static inline __attribute__((always_inline)) void update_rows(int b, int q, int c, int d, int64_t n,
                                                              const double *A, const double *B,
                                                              const double *L, const double *restrict g,
                                                              const float *restrict xi, double *restrict X)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < d; i++) {
      double x[AD_BMAX];

      for (int a = 0; a < b; a++) x[a] = X[(r * b + a) * d + i];
      for (int a = 0; a < b; a++) {
        double sum = A[a * b] * x[0];

        for (int j = 1; j < b; j++) sum = fma(A[a * b + j], x[j], sum);
        for (int j = 0; j < q; j++) sum = fma(B[a * q + j], g[(r * q + j) * d + i], sum);
        for (int j = 0; j < c; j++) sum = fma(L[a * c + j], (double)xi[(r * c + j) * d + i], sum);
        X[(r * b + a) * d + i] = sum;
      }
    }
}

void affine_update(const AffineMap *map, int d, int64_t n, const double *g, const float *xi, double *X)
{
  const int     b = map->b, q = map->q, c = map->c;
  const double *A = map->A, *B = map->B, *L = map->L;

  if (b == 1 && q == 1 && c == 0)
    update_rows(1, 1, 0, d, n, A, B, L, g, xi, X);
  else if (b == 1 && q == 1)
    update_rows(1, 1, 1, d, n, A, B, L, g, xi, X);
  else if (b == 2 && q == 1 && c == 0 && d == 2)
    update_rows(2, 1, 0, 2, n, A, B, L, g, xi, X);
  else if (b == 2 && q == 1 && c == 1 && d == 2)
    update_rows(2, 1, 1, 2, n, A, B, L, g, xi, X);
  else if (b == 2 && q == 1 && c == 2 && d == 2)
    update_rows(2, 1, 2, 2, n, A, B, L, g, xi, X);
  else if (b == 2 && q == 1 && c == 0)
    update_rows(2, 1, 0, d, n, A, B, L, g, xi, X);
  else if (b == 2 && q == 1 && c == 1)
    update_rows(2, 1, 1, d, n, A, B, L, g, xi, X);
  else if (b == 2 && q == 1 && c == 2)
    update_rows(2, 1, 2, d, n, A, B, L, g, xi, X);
  else
    update_rows(b, q, c, d, n, A, B, L, g, xi, X);
}

void affine_rate(int b, const double *A, const double *B, int gq, int d, int64_t n, const double *g,
                 const double *X, double *restrict F)
{
  for (int64_t r = 0; r < n; r++)
    for (int a = 0; a < b; a++)
      for (int i = 0; i < d; i++) {
        double sum = B[a] * g[r * gq * d + i];

        for (int j = 0; j < b; j++) sum = fma(A[a * b + j], X[(r * b + j) * d + i], sum);
        F[(r * b + a) * d + i] = sum;
      }
}

/* The mean now, what it makes of g, and the mean kept; inlined with constant depth */
static inline __attribute__((always_inline)) double extrapolated(const History *h, int depth, int64_t i,
                                                                 double g, double now)
{
  double sum = h->weight * g;

  for (int j = 0; j < depth; j++) sum = fma(h->difference[j], now - h->before[j][i], sum);
  if (h->keep) h->keep[i] = now;
  return sum;
}

void extrapolate_mean(const History *h, int64_t count, double *restrict g)
{
  if (h->depth == 1)
    for (int64_t i = 0; i < count; i++) g[i] = extrapolated(h, 1, i, g[i], g[i]);
  else
    for (int64_t i = 0; i < count; i++) g[i] = extrapolated(h, h->depth, i, g[i], g[i]);
}

void extrapolate_score(const History *h, const Kernel *k, int q, int d, int64_t n, const double *X,
                       double *restrict g)
{
  const int b = k->b;

  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < d; i++) {
      double *sz = &g[r * q * d + i], now = k->sigma2 * *sz;

      for (int a = 0; a < b; a++) now = fma(k->l[a], X[(r * b + a) * d + i], now);
      *sz = extrapolated(h, h->depth, r * d + i, *sz, now);
    }
}

static int within(int64_t count, double bound, const double *X)
{
  int64_t outside = 0; /* as wide as a double, so that the loop fills whole vectors */

  for (int64_t i = 0; i < count; i++) outside |= !(fabs(X[i]) <= bound);
  return !outside;
}

int64_t count_outside(int width, int64_t n, double bound, const double *X)
{
  int64_t count = 0;

  if (within(n * width, bound, X)) return 0;
  for (int64_t r = 0; r < n; r++) count += !within(width, bound, X + r * width);
  return count;
}
