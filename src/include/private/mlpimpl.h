#ifndef AD_MLPIMPL_H
#define AD_MLPIMPL_H
#include "admlp.h"
/*
  What a backend of the multilayer perceptron provides

  All matrices have columns in whole lanes (groups of MLP_LANES floats), so that no kernel has a remainder in
  this direction, and every element is computed by the same operations in the same order whatever the number
  of rows is.
*/

enum {
  MLP_LANES = 16, /* floats of the widest vector */
  MLP_VECS  = 4,  /* lanes of a full tile: 6 x 4 sums fill the 32 registers together with 4 weights */
  MLP_ROWS  = 6,  /* rows of a full tile */
  MLP_PANEL = MLP_VECS * MLP_LANES
};

/* MlpProduct - C = D + A B or C = D * (A B); A is read by elements and broadcast, B, C and D by vectors */
typedef struct {
  int          terms;    /* length of the sum over k */
  int          multiply; /* D * (A B) instead of D + A B */
  const float *a;        /* A(r, k) = a[r a_row + k a_term] */
  ptrdiff_t    a_row, a_term;
  const float *b; /* B(k, c) = b[k b_term + c] */
  ptrdiff_t    b_term;
  const float *d; /* D(r, c) = d[r d_row + c]; may be C itself; d_row = 0 repeats one row */
  ptrdiff_t    d_row;
  float       *c; /* C(r, c) = c[r c_row + c] */
  ptrdiff_t    c_row;
} MlpProduct;

typedef struct {
  const char *name;

  /* tile - a product of rows <= MLP_ROWS and vecs <= MLP_VECS lanes of columns */
  void (*tile)(const MlpProduct *p, int rows, int vecs);

  /* silu - n rows of z become silu(z); slope, unless NULL, receives silu'(z); `width` floats of `stride` */
  void (*silu)(int n, int width, ptrdiff_t stride, float *restrict z, float *restrict slope);

  /* dots - out[r][o] = bias[o] + sum_c x[r stride + c] w[o width + c]; bias may be NULL */
  void (*dots)(int n, int width, int nout, const float *x, ptrdiff_t stride, const float *w,
               const float *bias, float *out);

  /* transpose - out[c][r] = in[r][c] for rows x columns, both multiples of MLP_LANES */
  void (*transpose)(int rows, int columns, const float *in, ptrdiff_t in_row, float *out, ptrdiff_t out_row);
} MlpBackend;

extern const MlpBackend mlp_portable;
const MlpBackend       *mlp_avx512(void); /* NULL where the compiler or the processor does not have it */

/*
  e^-z = 2^m 2^f with m the integer nearest to -z log2(e) and f in [-1/2, 1/2]: adding MLP_ROUND leaves m in
  the low bits of the sum, from where a shift puts it into the exponent. 2^f = sum_k MLP_EXP2_k f^k, the
  polynomial with the least greatest relative error, 1.5e-7 with its coefficients rounded to float. |z| <=
  MLP_CLAMP keeps 2^m normal; the product z sigmoid(z) is of the unclamped z, so that values beyond and NaN
  come out right.
*/
#define MLP_CLAMP  87.0f
#define MLP_LOG2E  1.442695041f
#define MLP_ROUND  12582912.0f /* 1.5 2^23 */
#define MLP_EXP2_0 1.0f
#define MLP_EXP2_1 0.693146944f
#define MLP_EXP2_2 0.240221202f
#define MLP_EXP2_3 0.0555071309f
#define MLP_EXP2_4 0.00967554096f
#define MLP_EXP2_5 0.00132764725f

/* Before a short loop of constant length: unroll all of it, or leave it to the vectoriser */
#if defined(__clang__)
#define UNROLL    _Pragma("clang loop unroll(full)")
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__)
#define UNROLL    _Pragma("GCC unroll 16")
#define KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define UNROLL
#define KEEP_LOOP
#endif

#endif
