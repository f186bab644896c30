#include "private/mlpimpl.h"
/*
  AVX-512F micro-kernels. The functions carry their target themselves, so that this file compiles whatever
  processor the rest is compiled for; mlp_avx512 looks at run time whether they can be used.
*/
#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

#define LANE(v)       ((ptrdiff_t)MLP_LANES * (v))
#define AVX512        __attribute__((target("avx512f")))
#define AVX512_INLINE static inline __attribute__((always_inline, target("avx512f")))

/*
  product_tile - one tile of a product, its sums in registers

  Always inlined with constant rows and vecs, so that sum[][] becomes registers. A step does rows x vecs fused
  multiply-adds for rows + vecs loads (24 for 10 in a full tile, which keeps both arithmetic ports busy).
  Nothing else may live in this function: constants of an activation would push sums out of the registers.
*/
AVX512_INLINE void product_tile(const MlpProduct *p, const int rows, const int vecs)
{
  const int       terms = p->terms, multiply = p->multiply;
  const float    *a = p->a, *b = p->b, *d = p->d;
  const ptrdiff_t a_row = p->a_row, a_term = p->a_term, b_term = p->b_term, c_row = p->c_row,
                  d_row = p->d_row;
  float *c              = p->c;
  __m512 sum[MLP_ROWS][MLP_VECS];

  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vecs; v++) sum[r][v] = _mm512_setzero_ps();
  }

  for (int k = 0; k < terms; k++) {
    __m512 weight[MLP_VECS];
    UNROLL
    for (int v = 0; v < vecs; v++) weight[v] = _mm512_loadu_ps(b + LANE(v));
    UNROLL
    for (int r = 0; r < rows; r++) {
      const __m512 x = _mm512_set1_ps(a[r * a_row]);
      UNROLL
      for (int v = 0; v < vecs; v++) sum[r][v] = _mm512_fmadd_ps(x, weight[v], sum[r][v]);
    }
    a += a_term;
    b += b_term;
  }

  UNROLL
  for (int r = 0; r < rows; r++, c += c_row, d += d_row) {
    UNROLL
    for (int v = 0; v < vecs; v++) {
      const __m512 e = _mm512_loadu_ps(d + LANE(v));
      _mm512_storeu_ps(c + LANE(v), multiply ? _mm512_mul_ps(e, sum[r][v]) : _mm512_add_ps(e, sum[r][v]));
    }
  }
}

#define TILE(rows, vecs)                                                                                     \
  AVX512 static void tile_##rows##x##vecs(const MlpProduct *p)                                               \
  {                                                                                                          \
    product_tile(p, rows, vecs);                                                                             \
  }
#define TILES(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3) TILE(rows, 4)
TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
#define NAMES(rows)                                                                                          \
  {                                                                                                          \
    tile_##rows##x1, tile_##rows##x2, tile_##rows##x3, tile_##rows##x4                                       \
  }

static void avx512_tile(const MlpProduct *p, int rows, int vecs)
{
  static void (*const tiles[MLP_ROWS][MLP_VECS])(const MlpProduct *) = {NAMES(1), NAMES(2), NAMES(3),
                                                                        NAMES(4), NAMES(5), NAMES(6)};
  tiles[rows - 1][vecs - 1](p);
}

/* sigmoid - 1/(1 + e), e = e^-z, see the constants' comment; the reciprocal is 14 bits and a Newton step */
AVX512_INLINE __m512 sigmoid(__m512 z, __m512 *exponential)
{
  const __m512 round = _mm512_set1_ps(MLP_ROUND), one = _mm512_set1_ps(1.0f),
               rate = _mm512_set1_ps(-MLP_LOG2E);

  z = _mm512_max_ps(_mm512_min_ps(z, _mm512_set1_ps(MLP_CLAMP)), _mm512_set1_ps(-MLP_CLAMP));
  const __m512 shifted     = _mm512_fmadd_ps(z, rate, round);
  const __m512 f           = _mm512_fmsub_ps(z, rate, _mm512_sub_ps(shifted, round));
  __m512       e           = _mm512_set1_ps(MLP_EXP2_5);
  e                        = _mm512_fmadd_ps(e, f, _mm512_set1_ps(MLP_EXP2_4));
  e                        = _mm512_fmadd_ps(e, f, _mm512_set1_ps(MLP_EXP2_3));
  e                        = _mm512_fmadd_ps(e, f, _mm512_set1_ps(MLP_EXP2_2));
  e                        = _mm512_fmadd_ps(e, f, _mm512_set1_ps(MLP_EXP2_1));
  e                        = _mm512_fmadd_ps(e, f, _mm512_set1_ps(MLP_EXP2_0));
  const __m512i exponent   = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  e                        = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(e), exponent));
  *exponential             = e;
  const __m512 denominator = _mm512_add_ps(one, e), guess = _mm512_rcp14_ps(denominator);
  return _mm512_fmadd_ps(_mm512_fnmadd_ps(denominator, guess, one), guess, guess);
}

AVX512 static void avx512_silu(int n, int width, ptrdiff_t stride, float *restrict z, float *restrict slope)
{
  for (int r = 0; r < n; r++)
    for (int c = 0; c < width; c += MLP_LANES) {
      float       *at = z + r * stride + c;
      __m512       e;
      const __m512 x = _mm512_loadu_ps(at), s = sigmoid(x, &e), y = _mm512_mul_ps(x, s);
      _mm512_storeu_ps(at, y);
      if (slope) /* silu' = s + y (1 - s), where 1 - s = e s without cancellation */
        _mm512_storeu_ps(slope + r * stride + c, _mm512_fmadd_ps(_mm512_mul_ps(y, e), s, s));
    }
}

AVX512 static void avx512_dots(int n, int width, int nout, const float *x, ptrdiff_t stride, const float *w,
                               const float *bias, float *out)
{
  for (int r = 0; r < n; r++)
    for (int o = 0; o < nout; o++) {
      __m512 sum = _mm512_setzero_ps();
      for (int c = 0; c < width; c += MLP_LANES)
        sum = _mm512_fmadd_ps(_mm512_loadu_ps(x + r * stride + c),
                              _mm512_loadu_ps(w + (ptrdiff_t)o * width + c), sum);
      out[(ptrdiff_t)r * nout + o] = _mm512_reduce_add_ps(sum) + (bias ? bias[o] : 0.0f);
    }
}

/*
  transpose_16x16 - a square of lanes through the registers

  Pairs of rows are interleaved by floats, then by pairs of floats, which transposes 4 x 4 squares inside the
  quarters of registers; the last step collects quarters of four registers.
*/
AVX512 static void transpose_16x16(const float *in, ptrdiff_t in_row, float *out, ptrdiff_t out_row)
{
  __m512 a[16], b[16];

  UNROLL
  for (int r = 0; r < 16; r++) a[r] = _mm512_loadu_ps(in + r * in_row);
  UNROLL
  for (int r = 0; r < 16; r += 2) {
    b[r]     = _mm512_unpacklo_ps(a[r], a[r + 1]);
    b[r + 1] = _mm512_unpackhi_ps(a[r], a[r + 1]);
  }
  UNROLL
  for (int r = 0; r < 16; r += 4) {
    UNROLL
    for (int h = 0; h < 2; h++) {
      const __m512d low = _mm512_castps_pd(b[r + h]), high = _mm512_castps_pd(b[r + h + 2]);
      a[r + 2 * h]     = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      a[r + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  }
  /* now quarter q of a[4 i + j] holds column 4 q + j of rows 4 i .. 4 i + 3 */
  UNROLL
  for (int j = 0; j < 4; j++) {
    const __m512 low01  = _mm512_shuffle_f32x4(a[j], a[4 + j], 0x44);
    const __m512 high01 = _mm512_shuffle_f32x4(a[j], a[4 + j], 0xee);
    const __m512 low23  = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0x44);
    const __m512 high23 = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0xee);
    _mm512_storeu_ps(out + j * out_row, _mm512_shuffle_f32x4(low01, low23, 0x88));
    _mm512_storeu_ps(out + (4 + j) * out_row, _mm512_shuffle_f32x4(low01, low23, 0xdd));
    _mm512_storeu_ps(out + (8 + j) * out_row, _mm512_shuffle_f32x4(high01, high23, 0x88));
    _mm512_storeu_ps(out + (12 + j) * out_row, _mm512_shuffle_f32x4(high01, high23, 0xdd));
  }
}

static void avx512_transpose(int rows, int columns, const float *in, ptrdiff_t in_row, float *out,
                             ptrdiff_t out_row)
{
  for (int r = 0; r < rows; r += 16)
    for (int c = 0; c < columns; c += 16)
      transpose_16x16(in + r * in_row + c, in_row, out + c * out_row + r, out_row);
}

const MlpBackend *mlp_avx512(void)
{
  static const MlpBackend backend = {"avx512", avx512_tile, avx512_silu, avx512_dots, avx512_transpose};
  return __builtin_cpu_supports("avx512f") ? &backend : NULL;
}

#else
const MlpBackend *mlp_avx512(void)
{
  return NULL;
}
#endif
