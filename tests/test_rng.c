#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ad_check.h"
#include "adrng.h"

static const double two_pi = 6.28318530717958647693;

static RngStream stream_of(uint64_t seed, uint32_t domain, uint32_t step)
{
  const RngStream stream = {seed, domain, step};

  return stream;
}

static void *allocate(size_t count, size_t size)
{
  void *p = calloc(count, size);

  ck_assert_ptr_nonnull(p);
  return p;
}

static double normal_cdf(double z)
{
  return 0.5 * erfc(-z / sqrt(2.0));
}

/* The three published known answers of philox4x32-10 (counter and key all zero, all one, digits of pi) */
START_TEST(test_words_are_the_known_answers_of_philox)
{
  const struct {
    uint64_t seed, sample;
    uint32_t block, step, domain, answer[4];
  } known[] = {
      {0, 0, 0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {UINT64_MAX,
       ((uint64_t)1 << 48) - 1,
       0xffff,
       UINT32_MAX,
       UINT32_MAX,
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {0x299f31d0a4093822,
       0x08d3243f6a88,
       0x85a3,
       0x13198a2e,
       0x03707344,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };

  for (int k = 0; k < 3; k++) {
    const size_t count = 4 * ((size_t)known[k].block + 1);
    uint32_t    *words = allocate(count, sizeof *words);

    rng_bits(stream_of(known[k].seed, known[k].domain, known[k].step), known[k].sample, 1, (int)count, words);
    for (int w = 0; w < 4; w++) ck_assert_uint_eq(words[count - 4 + (size_t)w], known[k].answer[w]);
    free(words);
  }
}
END_TEST

enum { BITS, UNIFORM, NORMAL, NORMAL_DOUBLE, KINDS };

static const size_t value_size[KINDS] = {sizeof(uint32_t), sizeof(double), sizeof(float), sizeof(double)};

static void draw(int kind, RngStream s, uint64_t first, size_t n, int per_sample, void *out)
{
  if (kind == BITS) rng_bits(s, first, n, per_sample, out);
  if (kind == UNIFORM) rng_uniform(s, first, n, per_sample, out);
  if (kind == NORMAL) rng_normal(s, first, n, per_sample, out);
  if (kind == NORMAL_DOUBLE) rng_normal_double(s, first, n, per_sample, out);
}

/* Pieces of 1, 2, 4, ... samples give the bytes of one call and write nothing past their end */
START_TEST(test_values_do_not_depend_on_the_partition)
{
  static const int widths[] = {1, 2, 3, 4, 5, 7, 8, 50, 131};
  const size_t     n        = 200;
  const uint64_t   first    = ((uint64_t)1 << 32) - 100; /* crosses a 32-bit boundary */
  const RngStream  stream   = stream_of(42, RNG_SDE, 7);

  for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++)
    for (int kind = 0; kind < KINDS; kind++) {
      const size_t   row       = (size_t)widths[w] * value_size[kind];
      unsigned char *whole     = allocate(n, row);
      unsigned char *pieces    = allocate(n, row);
      int            untouched = 1;

      draw(kind, stream, first, n, widths[w], whole);
      for (size_t i = 0, length = 1; i < n; i += length, length = 1 + (2 * length) % 67) {
        if (i + length > n) length = n - i;
        memset(pieces + i * row, 0xa5, (n - i) * row);
        draw(kind, stream, first + i, length, widths[w], pieces + i * row);
        for (size_t k = (i + length) * row; k < n * row; k++) untouched &= pieces[k] == 0xa5;
      }
      ck_assert(untouched);
      ck_assert_msg(memcmp(whole, pieces, n * row) == 0, "per_sample %d, kind %d", widths[w], kind);
      free(whole);
      free(pieces);
    }
}
END_TEST

START_TEST(test_value_does_not_depend_on_values_per_sample)
{
  const RngStream stream = stream_of(5, RNG_NOISE, 0);
  const int       widest = 13;

  for (int kind = 0; kind < KINDS; kind++) {
    unsigned char wide[3 * 13 * 8], narrow[3 * 13 * 8];

    draw(kind, stream, 9, 3, widest, wide);
    for (int width = 1; width < widest; width++) {
      draw(kind, stream, 9, 3, width, narrow);
      for (int i = 0; i < 3; i++)
        ck_assert_mem_eq(narrow + (size_t)(i * width) * value_size[kind],
                         wide + (size_t)(i * widest) * value_size[kind], (size_t)width * value_size[kind]);
    }
  }
}
END_TEST

/* FNV-1a over the bytes of 1000 samples: a build whose flags change the arithmetic fails here. The numbers
   were made by an unoptimised scalar build. */
START_TEST(test_bits_are_those_of_every_build)
{
  static const uint64_t expected[KINDS] = {0x98aeda00feaca912, 0x0610942f6233a86a, 0x1cb4583701955ac3,
                                           0xff99b4efe81f7beb};
  double                values[5 * 1000];

  for (int kind = 0; kind < KINDS; kind++) {
    uint64_t hash = 0xcbf29ce484222325u;

    draw(kind, stream_of(2024, RNG_DATA, 1), 0, 1000, 5, values);
    for (size_t k = 0; k < 5000 * value_size[kind]; k++)
      hash = (hash ^ ((unsigned char *)values)[k]) * 0x100000001b3u;
    ck_assert_msg(hash == expected[kind], "kind %d: 0x%016llx", kind, (unsigned long long)hash);
  }
}
END_TEST

/* fmax that keeps a NaN: an undefined result is the worst error */
static double worse(double a, double b)
{
  return isnan(a) || a >= b ? a : b;
}

/* Largest error of a pair against double precision, in units of float's relative spacing. The angle is
   reduced, exactly, before it meets pi, or the zeros of cosine and sine would drown in double rounding. */
static double pair_error(uint32_t radius, uint32_t angle, float z0, float z1)
{
  const double t = ((double)(int32_t)radius + 0.5) * 0x1p-32, r = sqrt(-2.0 * (t < 0.0 ? log1p(t) : log(t)));
  const double turns = ((double)angle + 0.5) * 0x1p-32, quarter = nearbyint(4.0 * turns);
  const double c = cos(two_pi * (turns - 0.25 * quarter)), s = sin(two_pi * (turns - 0.25 * quarter));
  const double cosine[4] = {c, -s, -c, s}, sine[4] = {s, c, -s, -c};
  const int    q = (int)quarter & 3;

  return worse(fabs(z0 / (r * cosine[q]) - 1.0), fabs(z1 / (r * sine[q]) - 1.0)) / FLT_EPSILON;
}

/* Relative accuracy everywhere, also at the smallest radii and next to the zeros of sine and cosine. The
   angle is rounded to 24 bits after the reduction to an eighth of a turn, hence a few units and not half of
   one. */
START_TEST(test_box_muller_is_accurate_to_a_few_units)
{
  enum { EDGES = 22, N = 200000 };
  static const uint32_t edge[EDGES] = {0,          1,          2,          3,          100,        0x1fffffff,
                                       0x20000000, 0x20000001, 0x3fffffff, 0x40000000, 0x40000001, 0x5fffffff,
                                       0x60000000, 0x7fffffff, 0x80000000, 0x80000001, 0xb504f333, 0xb504f334,
                                       0xc0000000, 0xe0000000, 0xfffffffe, 0xffffffff};
  uint32_t             *words       = allocate((size_t)2 * N, sizeof *words);
  float                *z           = allocate((size_t)2 * N, sizeof *z);
  double                worst       = 0.0;

  for (int i = 0; i < EDGES; i++)
    for (int j = 0; j < EDGES; j++) {
      float z0, z1;

      box_muller(1, &edge[i], &edge[j], &z0, &z1);
      worst = worse(worst, pair_error(edge[i], edge[j], z0, z1));
    }
  rng_bits(stream_of(1, RNG_PROBE, 0), 0, 2, N, words);
  box_muller(N, words, words + N, z, z + N);
  for (int i = 0; i < N; i++) worst = worse(worst, pair_error(words[i], words[N + i], z[i], z[N + i]));
  ck_assert_double_lt(worst, 3.0);
  free(words);
  free(z);
}
END_TEST

START_TEST(test_tail_reaches_beyond_six_sigma)
{
  const uint32_t radius = 0, angle = 0;
  float          z0, z1;

  box_muller(1, &radius, &angle, &z0, &z1);
  ck_assert_double_gt(z0, 6.6);
  ck_assert_double_eq_tol(z0, sqrt(66.0 * log(2.0)), 1e-6);
}
END_TEST

/* Moments to the sixth and tail counts, each within 5 standard errors, N = 1e6 */
START_TEST(test_normals_have_the_moments_and_tails_of_the_law)
{
  static const double moment[7] = {1, 0, 1, 0, 3, 0, 15}, variance[7] = {0, 1, 2, 15, 96, 945, 10170};
  static const double limit[4] = {1.0, 2.0, 3.0, 4.0};
  const int           n = 1000000, per_sample = 5;
  float              *z      = allocate((size_t)n, sizeof *z);
  double              sum[7] = {0}, beyond[4] = {0};

  rng_normal(stream_of(11, RNG_PRIOR, 0), 0, (size_t)(n / per_sample), per_sample, z);
  for (int i = 0; i < n; i++) {
    double power = 1.0;

    for (int m = 0; m < 7; m++, power *= z[i]) sum[m] += power;
    for (int m = 0; m < 4; m++) beyond[m] += fabsf(z[i]) > limit[m];
  }
  for (int m = 1; m < 7; m++) ck_assert_double_eq_tol(sum[m] / n, moment[m], 5.0 * sqrt(variance[m] / n));
  for (int m = 0; m < 4; m++) {
    const double p = 2.0 * normal_cdf(-limit[m]);

    ck_assert_double_eq_tol(beyond[m], n * p, 5.0 * sqrt(n * p * (1.0 - p)));
  }
  free(z);
}
END_TEST

/* Pearson's chi2 of `bins` equiprobable bins has mean bins - 1 and variance 2 (bins - 1) */
static void assert_flat(int bins, const double *count, double total)
{
  double chi2 = 0.0;

  for (int b = 0; b < bins; b++) chi2 += pow(count[b] - total / bins, 2.0) / (total / bins);
  ck_assert_double_eq_tol(chi2, bins - 1.0, 5.0 * sqrt(2.0 * (bins - 1.0)));
}

/* chi2 over 256 bins, and Kolmogorov's distance on their edges: sqrt(N) D > 2.5 has probability 7e-6.
   Columns are tested one by one, so that a fault of the second half of a block cannot hide. */
START_TEST(test_normals_follow_the_normal_distribution_in_each_column)
{
  enum { N = 250000, COLUMNS = 4, BINS = 256 };
  float *z = allocate((size_t)N * COLUMNS, sizeof *z);

  rng_normal(stream_of(12, RNG_PRIOR, 0), 0, N, COLUMNS, z);
  for (int j = 0; j < COLUMNS; j++) {
    double count[BINS] = {0}, below = 0.0, distance = 0.0;

    for (int i = 0; i < N; i++) count[(int)(BINS * normal_cdf(z[COLUMNS * i + j]))] += 1.0;
    assert_flat(BINS, count, N);
    for (int b = 0; b < BINS; b++) {
      below += count[b];
      distance = fmax(distance, fabs(below / N - (b + 1.0) / BINS));
    }
    ck_assert_double_lt(sqrt(N) * distance, 2.5);
  }
  free(z);
}
END_TEST

START_TEST(test_uniforms_are_flat_and_never_zero_or_one)
{
  enum { N = 200000, COLUMNS = 3, BINS = 256 };
  double *u = allocate((size_t)N * COLUMNS, sizeof *u);

  rng_uniform(stream_of(13, RNG_TIME, 0), 0, N, COLUMNS, u);
  for (int j = 0; j < COLUMNS; j++) {
    double high[BINS] = {0}, low[BINS] = {0};
    int    inside = 1, odd = 1;

    for (int i = 0; i < N; i++) {
      const double x = u[COLUMNS * i + j], grid = x * 0x1p53;

      inside &= x > 0.0 && x < 1.0;
      odd &= fmod(grid, 2.0) == 1.0;
      high[(int)(BINS * x)] += 1.0;
      low[(int)fmod(floor(grid / 2.0), BINS)] += 1.0;
    }
    ck_assert(inside && odd);
    assert_flat(BINS, high, N);
    assert_flat(BINS, low, N);
  }
  free(u);
}
END_TEST

/* Streams that differ in one part of the counter or key by the least amount: correlation of values and of
   squares within 5 standard errors */
START_TEST(test_neighbouring_streams_are_uncorrelated)
{
  enum { N = 200000, OTHERS = 6 };
  const RngStream base            = stream_of(100, RNG_SDE, 10);
  const RngStream other[OTHERS]   = {stream_of(101, RNG_SDE, 10),
                                     stream_of(100 + ((uint64_t)1 << 32), RNG_SDE, 10),
                                     stream_of(100, RNG_SDE + 1, 10),
                                     stream_of(100, RNG_SDE, 11),
                                     base,
                                     base};
  const uint64_t  shifted[OTHERS] = {0, 0, 0, 0, 1, (uint64_t)1 << 32};
  float          *a = allocate(N, sizeof *a), *b = allocate(N, sizeof *b);

  rng_normal(base, 0, N, 1, a);
  for (int k = 0; k < OTHERS; k++) {
    double product = 0.0, squares = 0.0;

    rng_normal(other[k], shifted[k], N, 1, b);
    for (int i = 0; i < N; i++) {
      product += (double)a[i] * b[i];
      squares += ((double)a[i] * a[i] - 1.0) * ((double)b[i] * b[i] - 1.0);
    }
    ck_assert_double_lt(fabs(product), 5.0 * sqrt(N));
    ck_assert_double_lt(fabs(squares), 5.0 * 2.0 * sqrt(N));
  }
  free(a);
  free(b);
}
END_TEST

START_TEST(test_values_of_one_sample_are_uncorrelated)
{
  enum { N = 100000, COLUMNS = 6 };
  float *z = allocate((size_t)N * COLUMNS, sizeof *z);

  rng_normal(stream_of(14, RNG_NOISE, 0), 0, N, COLUMNS, z);
  for (int j = 0; j < COLUMNS; j++)
    for (int k = 0; k < j; k++) {
      double product = 0.0, squares = 0.0;

      for (int i = 0; i < N; i++) {
        const double x = z[COLUMNS * i + j], y = z[COLUMNS * i + k];

        product += x * y;
        squares += (x * x - 1.0) * (y * y - 1.0);
      }
      ck_assert_double_lt(fabs(product), 5.0 * sqrt(N));
      ck_assert_double_lt(fabs(squares), 5.0 * 2.0 * sqrt(N));
    }
  free(z);
}
END_TEST

Suite *rng_suite(void)
{
  Suite *suite = suite_create("rng");
  TCase *exact = tcase_create("exact"), *law = tcase_create("law");

  tcase_add_test(exact, test_words_are_the_known_answers_of_philox);
  tcase_add_test(exact, test_values_do_not_depend_on_the_partition);
  tcase_add_test(exact, test_value_does_not_depend_on_values_per_sample);
  tcase_add_test(exact, test_bits_are_those_of_every_build);
  tcase_add_test(exact, test_box_muller_is_accurate_to_a_few_units);
  tcase_add_test(exact, test_tail_reaches_beyond_six_sigma);
  tcase_add_test(law, test_normals_have_the_moments_and_tails_of_the_law);
  tcase_add_test(law, test_normals_follow_the_normal_distribution_in_each_column);
  tcase_add_test(law, test_uniforms_are_flat_and_never_zero_or_one);
  tcase_add_test(law, test_neighbouring_streams_are_uncorrelated);
  tcase_add_test(law, test_values_of_one_sample_are_uncorrelated);
  suite_add_tcase(suite, exact);
  suite_add_tcase(suite, law);
  return suite;
}
