#include "private/mlpimpl.h"
#include <math.h>
#include <stdint.h>
#include <string.h>
/*
  Portable micro-kernels: plain loops of constant length over lanes, which compilers turn into the vectors
  they have. There are no remainders, hence no second code path that could round differently.
*/

/* Fused where that is one instruction; written out, so that it does not depend on compiler options */
static inline float muladd(float a, float b, float c)
{
#ifdef FP_FAST_FMAF
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

/*
  product_tile - one tile, rows x one lane of columns

  Always inlined with constant rows, so that sum[][] becomes registers. For this the inner loop has to be
  made vectors first and must not be unrolled before.
*/
static inline __attribute__((always_inline)) void product_tile(const MlpProduct *p, const int rows,
                                                               int column)
{
  const float *a = p->a, *b = p->b + column;
  float        sum[MLP_ROWS][MLP_LANES] = {{0}};

  for (int k = 0; k < p->terms; k++, a += p->a_term, b += p->b_term) {
    UNROLL
    for (int r = 0; r < rows; r++) {
      const float x = a[r * p->a_row];
      KEEP_LOOP
      for (int j = 0; j < MLP_LANES; j++) sum[r][j] = muladd(x, b[j], sum[r][j]);
    }
  }

  for (int r = 0; r < rows; r++)
    for (int j = 0; j < MLP_LANES; j++) {
      const float d                   = p->d[r * p->d_row + column + j];
      p->c[r * p->c_row + column + j] = p->multiply ? d * sum[r][j] : d + sum[r][j];
    }
}

static void portable_tile(const MlpProduct *p, int rows, int vecs)
{
  for (int column = 0; column < vecs * MLP_LANES; column += MLP_LANES) {
    if (rows == 1) product_tile(p, 1, column);
    if (rows == 2) product_tile(p, 2, column);
    if (rows == 3) product_tile(p, 3, column);
    if (rows == 4) product_tile(p, 4, column);
    if (rows == 5) product_tile(p, 5, column);
    if (rows == 6) product_tile(p, 6, column);
  }
}

/* sigmoid - 1/(1 + e), e = e^-z, see the constants' comment */
static inline float sigmoid(float z, float *exponential)
{
  z                   = z < MLP_CLAMP ? z : MLP_CLAMP;
  z                   = z > -MLP_CLAMP ? z : -MLP_CLAMP;
  const float shifted = muladd(z, -MLP_LOG2E, MLP_ROUND), f = muladd(z, -MLP_LOG2E, MLP_ROUND - shifted);
  float       e = MLP_EXP2_5;
  uint32_t    bits, exponent;

  e = muladd(e, f, MLP_EXP2_4);
  e = muladd(e, f, MLP_EXP2_3);
  e = muladd(e, f, MLP_EXP2_2);
  e = muladd(e, f, MLP_EXP2_1);
  e = muladd(e, f, MLP_EXP2_0);
  memcpy(&bits, &e, sizeof bits);
  memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  memcpy(&e, &bits, sizeof e);
  *exponential = e;
  return 1.0f / (1.0f + e);
}

static void portable_silu(int n, int width, ptrdiff_t stride, float *restrict z, float *restrict slope)
{
  for (int r = 0; r < n; r++)
    for (int c = 0; c < width; c += MLP_LANES) {
      float *x = z + r * stride + c, s[MLP_LANES], e[MLP_LANES];
      for (int j = 0; j < MLP_LANES; j++) s[j] = sigmoid(x[j], &e[j]);
      for (int j = 0; j < MLP_LANES; j++) x[j] *= s[j];
      if (slope) /* silu' = s + y (1 - s), where 1 - s = e s without cancellation */
        for (int j = 0; j < MLP_LANES; j++) slope[r * stride + c + j] = muladd(x[j] * e[j], s[j], s[j]);
    }
}

static void portable_dots(int n, int width, int nout, const float *x, ptrdiff_t stride, const float *w,
                          const float *bias, float *out)
{
  for (int r = 0; r < n; r++)
    for (int o = 0; o < nout; o++) {
      const float *u = x + r * stride, *v = w + (ptrdiff_t)o * width;
      float        sum[MLP_LANES] = {0};
      for (int c = 0; c < width; c += MLP_LANES)
        for (int j = 0; j < MLP_LANES; j++) sum[j] = muladd(u[c + j], v[c + j], sum[j]);
      for (int half = MLP_LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) sum[j] += sum[j + half];
      out[(ptrdiff_t)r * nout + o] = sum[0] + (bias ? bias[o] : 0.0f);
    }
}

static void portable_transpose(int rows, int columns, const float *in, ptrdiff_t in_row, float *out,
                               ptrdiff_t out_row)
{
  for (int r = 0; r < rows; r += MLP_LANES)
    for (int c = 0; c < columns; c++)
      for (int j = 0; j < MLP_LANES; j++) out[c * out_row + r + j] = in[(r + j) * in_row + c];
}

const MlpBackend mlp_portable = {"portable", portable_tile, portable_silu, portable_dots, portable_transpose};
