#include <assert.h>
#include <math.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif
#include "adrng.h"

#ifdef __FAST_MATH__
#error "rng.c must keep IEEE arithmetic: its bits would depend on the vector length"
#endif

enum {
  LANES     = 64, /* blocks computed together: always all of them, some of them kept */
  ROW_BYTES = 16  /* a block is 4 words, 4 floats or 2 doubles */
};

static const uint32_t philox_multiplier[2] = {0xd2511f53u, 0xcd9e8d57u};
static const uint32_t philox_weyl[2]       = {0x9e3779b9u, 0xbb67ae85u};

#ifdef __AVX512F__
/* 32 counters at a time, one 64-bit lane a word; only the low halves matter. gcc turns the plain loop below
   into 64 x 64-bit products, which takes twice the time; integers, so the words are the same. */
static void philox_lanes(uint64_t seed, uint32_t c[4][LANES])
{
  enum { GROUPS = 4 };
  const __m512i m0 = _mm512_set1_epi64(philox_multiplier[0]), m1 = _mm512_set1_epi64(philox_multiplier[1]);
  const __m512i w0 = _mm512_set1_epi64(philox_weyl[0]), w1 = _mm512_set1_epi64(philox_weyl[1]);

  for (int l = 0; l < LANES; l += 8 * GROUPS) {
    __m512i k0 = _mm512_set1_epi64((long long)(uint32_t)seed),
            k1 = _mm512_set1_epi64((long long)(seed >> 32));
    __m512i x[GROUPS][4];

    for (int g = 0; g < GROUPS; g++)
      for (int w = 0; w < 4; w++)
        x[g][w] = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)&c[w][l + 8 * g]));
    for (int round = 0; round < 10; round++) {
      for (int g = 0; g < GROUPS; g++) {
        const __m512i p0 = _mm512_mul_epu32(x[g][0], m0), p1 = _mm512_mul_epu32(x[g][2], m1);

        x[g][0] = _mm512_ternarylogic_epi64(_mm512_shuffle_epi32(p1, _MM_PERM_CDAB), x[g][1], k0, 0x96);
        x[g][2] = _mm512_ternarylogic_epi64(_mm512_shuffle_epi32(p0, _MM_PERM_CDAB), x[g][3], k1, 0x96);
        x[g][1] = p1;
        x[g][3] = p0;
      }
      k0 = _mm512_add_epi32(k0, w0);
      k1 = _mm512_add_epi32(k1, w1);
    }
    for (int g = 0; g < GROUPS; g++)
      for (int w = 0; w < 4; w++)
        _mm256_storeu_si256((__m256i *)&c[w][l + 8 * g], _mm512_cvtepi64_epi32(x[g][w]));
  }
}
#else
static void philox_lanes(uint64_t seed, uint32_t c[4][LANES])
{
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);

  for (int round = 0; round < 10; round++) {
    for (int l = 0; l < LANES; l++) {
      const uint64_t p0 = (uint64_t)philox_multiplier[0] * c[0][l];
      const uint64_t p1 = (uint64_t)philox_multiplier[1] * c[2][l];

      c[0][l] = (uint32_t)(p1 >> 32) ^ c[1][l] ^ k0;
      c[1][l] = (uint32_t)p1;
      c[2][l] = (uint32_t)(p0 >> 32) ^ c[3][l] ^ k1;
      c[3][l] = (uint32_t)p0;
    }
    k0 += philox_weyl[0];
    k1 += philox_weyl[1];
  }
}
#endif

static inline int32_t bits_of(float x)
{
  int32_t i;

  memcpy(&i, &x, sizeof i);
  return i;
}

static inline float float_of(int32_t i)
{
  float x;

  memcpy(&x, &i, sizeof x);
  return x;
}

/*
  minus_two_log - -2 log(u), u = ((s + 1/2)/2^32) mod 1 for the word s read as a signed integer

  Note: u in (1/2, 1) is held as u - 1 < 0: full relative accuracy where the logarithm goes to zero.
        u = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2/2 + f^3 p(f), p to 6e-9
*/
static inline float minus_two_log(uint32_t word)
{
  const int32_t root_half = 0x3f3504f3; /* bits of sqrt(1/2) */
  const float   t = ((float)(int32_t)word + 0.5f) * 0x1p-32f, u = t < 0.0f ? 1.0f + t : t;
  const int32_t i = bits_of(u) - root_half, e = i >> 23;
  const float   m = float_of((i & 0x7fffff) + root_half) - 1.0f, f = ((t < 0.0f) & (e == 0)) ? t : m;
  const float   square = f * f;
  float         p      = -0.0763449296f;

  p = fmaf(p, f, 0.12761575f);
  p = fmaf(p, f, -0.131601825f);
  p = fmaf(p, f, 0.142017588f);
  p = fmaf(p, f, -0.166233569f);
  p = fmaf(p, f, 0.200012267f);
  p = fmaf(p, f, -0.250008196f);
  p = fmaf(p, f, 0.333333313f);
  p = fmaf(f * square, p, -0.5f * square);
  p = f + fmaf((float)e, -1.90465421e-9f, p); /* log 2 in two parts */
  return -2.0f * fmaf((float)e, 0.693147182f, p);
}

/* sqrt(x) of a normal x > 0, by Newton steps on 1/sqrt(x): because of errno gcc does not vectorise sqrtf */
static inline float root(float x)
{
  const float half = 0.5f * x;
  float       y    = float_of(0x5f3759df - (bits_of(x) >> 1)), r; /* 3e-2, then 2e-3, 5e-6 */

  y = y * fmaf(-half * y, y, 1.5f);
  y = y * fmaf(-half * y, y, 1.5f);
  r = x * y;
  return fmaf(0.5f * y, fmaf(-r, r, x), r); /* 2e-11 before rounding */
}

/* cos and sin of 2 pi (word + 1/2)/2^32: nearest quarter turn, then minimax polynomials on [-pi/4, pi/4] */
static inline void cos_sin(uint32_t word, float *cosine, float *sine)
{
  const uint32_t quarter = (word + 0x20000000u) >> 30;
  const float    x = ((float)(int32_t)(word - (quarter << 30)) + 0.5f) * 1.46291807927e-9f; /* 2 pi/2^32 */
  const float    square = x * x;
  float          s = -0.000195172994f, c = 2.44384519e-05f;

  s       = fmaf(s, square, 0.008332178f);
  s       = fmaf(s, square, -0.166666552f);
  s       = fmaf(x * square, s, x);
  c       = fmaf(c, square, -0.00138873677f);
  c       = fmaf(c, square, 0.0416666456f);
  c       = fmaf(square * square, c, fmaf(-0.5f, square, 1.0f));
  *cosine = float_of(bits_of(quarter & 1 ? s : c) ^ (int32_t)(((quarter + 1) & 2) << 30));
  *sine   = float_of(bits_of(quarter & 1 ? c : s) ^ (int32_t)((quarter & 2) << 30));
}

void box_muller(int n, const uint32_t *restrict radius, const uint32_t *restrict angle, float *restrict z0,
                float *restrict z1)
{
  for (int l = 0; l < n; l++) {
    const float r = root(minus_two_log(radius[l]));
    float       c, s;

    cos_sin(angle[l], &c, &s);
    z0[l] = r * c;
    z1[l] = r * s;
  }
}

typedef union {
  uint32_t words[LANES * 4];
  float    floats[LANES * 4];
  double   doubles[LANES * 2];
} Rows; /* [LANES][values of a block] */

/* words[width][LANES] -> rows[LANES][width]; constant widths let the compiler shuffle whole vectors */
static void interleave(int width, uint32_t words[4][LANES], uint32_t *restrict rows)
{
  if (width == 4) {
    for (int l = 0; l < LANES; l++)
      for (int j = 0; j < 4; j++) rows[4 * l + j] = words[j][l];
  } else if (width == 2) {
    for (int l = 0; l < LANES; l++)
      for (int j = 0; j < 2; j++) rows[2 * l + j] = words[j][l];
  } else {
    for (int l = 0; l < LANES; l++)
      for (int j = 0; j < width; j++) rows[width * l + j] = words[j][l];
  }
}

/* A converter turns the words c[4][LANES] of LANES blocks into the first `width` values of each */
typedef void (*Converter)(int width, uint32_t c[4][LANES], Rows *rows);

static void convert_bits(int width, uint32_t c[4][LANES], Rows *rows)
{
  interleave(width, c, rows->words);
}

static void convert_normal(int width, uint32_t c[4][LANES], Rows *rows)
{
  float    z[4][LANES] = {{0}};
  uint32_t words[4][LANES];

  box_muller(LANES, c[0], c[1], z[0], z[1]);
  if (width > 2) box_muller(LANES, c[2], c[3], z[2], z[3]);
  memcpy(words, z, sizeof words);
  interleave(width, words, rows->words);
}

static void convert_uniform(int width, uint32_t c[4][LANES], Rows *rows)
{
  for (size_t j = 0; j < (size_t)width; j++)
    for (size_t l = 0; l < LANES; l++) {
      const uint64_t word = (uint64_t)c[2 * j + 1][l] << 32 | c[2 * j][l];

      rows->doubles[(size_t)width * l + j] = ((double)(int64_t)(word >> 12) + 0.5) * 0x1p-52;
    }
}

/* Where a group of lanes begins: lanes run over the blocks of a sample, then over samples */
typedef struct {
  uint64_t sample;
  uint32_t block;
} Cursor;

static void fill_counters(RngStream stream, uint32_t blocks, Cursor at, uint32_t c[4][LANES])
{
  for (int l = 0; l < LANES; l++) {
    c[2][l] = stream.step;
    c[3][l] = stream.domain;
  }
  if (blocks == 1) {
    for (int l = 0; l < LANES; l++) {
      c[0][l] = (uint32_t)(at.sample + (uint64_t)l);
      c[1][l] = (uint32_t)((at.sample + (uint64_t)l) >> 32);
    }
    return;
  }
  for (int l = 0; l < LANES; l++) {
    c[0][l] = (uint32_t)at.sample;
    c[1][l] = (uint32_t)(at.sample >> 32) | at.block << 16;
    if (++at.block == blocks) {
      at.block = 0;
      at.sample++;
    }
  }
}

/* Closes the gaps that short last blocks leave in rows of ROW_BYTES each; `tail` bytes of these count */
static void close_gaps(uint32_t blocks, size_t tail, uint32_t block, Rows *rows)
{
  unsigned char *const from = (unsigned char *)rows;
  unsigned char       *to   = from;

  for (int l = 0; l < LANES; l++) {
    unsigned char row[ROW_BYTES];

    memcpy(row, from + (size_t)l * ROW_BYTES, ROW_BYTES);
    memcpy(to, row, ROW_BYTES);
    to += block + 1 == blocks ? tail : ROW_BYTES;
    block = block + 1 == blocks ? 0 : block + 1;
  }
}

/* n samples of per_sample values of `size` bytes, 16/size of them a block; widen: floats leave as doubles */
static void generate(RngStream stream, uint64_t first, size_t n, int per_sample, size_t size,
                     Converter convert, int widen, void *out)
{
  const size_t   per_block = ROW_BYTES / size, values = (size_t)per_sample, total = n * values;
  const uint32_t blocks = (uint32_t)((values + per_block - 1) / per_block);
  const size_t   tail   = values - (blocks - 1) * per_block;
  const int      width  = (int)(blocks == 1 ? values : per_block);
  Cursor         at     = {first, 0};

  assert(per_sample > 0 && blocks <= 65536 && first + n <= (uint64_t)1 << 48);
  for (size_t done = 0; done < total;) {
    const Cursor next = {at.sample + (at.block + LANES) / blocks, (at.block + LANES) % blocks};
    uint32_t     c[4][LANES];
    Rows         rows;
    size_t       count = (next.sample - at.sample) * values + next.block * per_block - at.block * per_block;

    if (count > total - done) count = total - done;
    fill_counters(stream, blocks, at, c);
    philox_lanes(stream.seed, c);
    convert(width, c, &rows);
    if (blocks > 1 && tail < per_block) close_gaps(blocks, tail * size, at.block, &rows);
    if (widen)
      for (size_t i = 0; i < count; i++) ((double *)out)[done + i] = rows.floats[i];
    else
      memcpy((unsigned char *)out + done * size, &rows, count * size);
    done += count;
    at = next;
  }
}

void rng_bits(RngStream stream, uint64_t first, size_t n, int per_sample, uint32_t *out)
{
  generate(stream, first, n, per_sample, sizeof *out, convert_bits, 0, out);
}

void rng_uniform(RngStream stream, uint64_t first, size_t n, int per_sample, double *out)
{
  generate(stream, first, n, per_sample, sizeof *out, convert_uniform, 0, out);
}

void rng_normal(RngStream stream, uint64_t first, size_t n, int per_sample, float *out)
{
  generate(stream, first, n, per_sample, sizeof *out, convert_normal, 0, out);
}

void rng_normal_double(RngStream stream, uint64_t first, size_t n, int per_sample, double *out)
{
  generate(stream, first, n, per_sample, sizeof(float), convert_normal, 1, out);
}
