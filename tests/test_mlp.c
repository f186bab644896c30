/*
  The multilayer perceptron and Adam

  The truth is a network in double precision, written as plainly as possible and checked by differences.

  Tolerances: single precision rounds by 6e-8; sums of up to 512 terms through up to 7 layers are some ten
  times worse (9e-7 of the largest element at most), so 1e-5 leaves a factor of 10. A term forgotten or
  counted twice in one element shows at 1e-3 or more.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "ad_check.h"
#include "adadam.h"
#include "admlp.h"

Suite *mlp_suite(void);

#define TOLERANCE 1e-5

static const MlpShape shapes[] = {{5, 16, 1, 2},  {3, 16, 4, 1},  {3, 48, 2, 2},   {2, 48, 6, 3},
                                  {5, 64, 4, 2},  {7, 80, 2, 5},  {5, 128, 4, 2},  {1, 128, 1, 17},
                                  {3, 128, 6, 2}, {3, 256, 2, 1}, {64, 64, 1, 64}, {5, 512, 2, 2}};
static const int      rows[]   = {1, 5, 6, 7, 63, 64};
enum { SHAPES = sizeof shapes / sizeof *shapes, ROWS = sizeof rows / sizeof *rows, MANY = 100 };

static const char *const backends[] = {"portable", "avx512"};

static uint64_t state;

static double uniform(void)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 40) / 16777216.0;
}

/* ---- the network in double precision ---- */

/* x of n terms times W[n][m], plus the bias behind W */
static void affine(int n, int m, const double *W, const double *x, double *z)
{
  for (int o = 0; o < m; o++) {
    z[o] = W[n * m + o];
    for (int i = 0; i < n; i++) z[o] += x[i] * W[i * m + o];
  }
}

/* dW += x (dz, the bias's part included), dx = W dz */
static void affine_backward(int n, int m, const double *W, const double *x, const double *dz, double *dW,
                            double *dx)
{
  for (int i = 0; i < n; i++) {
    dx[i] = 0.0;
    for (int o = 0; o < m; o++) {
      dx[i] += W[i * m + o] * dz[o];
      dW[i * m + o] += x[i] * dz[o];
    }
  }
  for (int o = 0; o < m; o++) dW[n * m + o] += dz[o];
}

/* One row: out, and if dout is given its gradients: grad is added to, din is set */
static void reference_row(const MlpShape *s, const double *theta, const double *in, double *out,
                          const double *dout, double *grad, double *din)
{
  static double x[8][MLP_MAX_WIDTH], z[8][MLP_MAX_WIDTH], dx[MLP_MAX_WIDTH], dz[MLP_MAX_WIDTH];
  const size_t  first = (size_t)(s->nin + 1) * s->width, hidden = (size_t)(s->width + 1) * s->width;

  memcpy(x[0], in, s->nin * sizeof *in);
  for (int l = 0; l < s->depth; l++) {
    affine(l ? s->width : s->nin, s->width, theta + (l ? first + (l - 1) * hidden : 0), x[l], z[l]);
    for (int i = 0; i < s->width; i++) x[l + 1][i] = z[l][i] / (1.0 + exp(-z[l][i]));
  }
  size_t at = first + (s->depth - 1) * hidden;
  affine(s->width, s->nout, theta + at, x[s->depth], out);
  if (!dout) return;
  affine_backward(s->width, s->nout, theta + at, x[s->depth], dout, grad + at, dx);
  for (int l = s->depth - 1; l >= 0; l--) {
    for (int i = 0; i < s->width; i++) {
      const double sigma = 1.0 / (1.0 + exp(-z[l][i]));
      dz[i]              = dx[i] * sigma * (1.0 + z[l][i] * (1.0 - sigma));
    }
    at = l ? first + (l - 1) * hidden : 0;
    affine_backward(l ? s->width : s->nin, s->width, theta + at, x[l], dz, grad + at, dx);
  }
  memcpy(din, dx, s->nin * sizeof *din);
}

/* ---- a network with random parameters and data, in both precisions ---- */

typedef struct {
  MlpShape s;
  size_t   count;
  float   *theta, *packed, *work, *in, *out, *dout, *din, *grad;
  double  *Theta, *In, *Out, *Dout, *Din, *Grad;
} Case;

static float *floats(size_t n)
{
  return calloc(n, sizeof(float));
}

static double *widened(size_t n, const float *x)
{
  double *y = malloc(n * sizeof *y);

  for (size_t i = 0; i < n; i++) y[i] = x[i];
  return y;
}

static Case case_create(const MlpShape *s)
{
  const size_t count = mlp_parameter_count(s);
  Case         c     = {.s      = *s,
                        .count  = count,
                        .theta  = floats(count),
                        .packed = floats(mlp_packed_count(s)),
                        .work   = floats(mlp_workspace_count(s)),
                        .in     = floats((size_t)MANY * s->nin),
                        .out    = floats((size_t)MANY * s->nout),
                        .dout   = floats((size_t)MANY * s->nout),
                        .din    = floats((size_t)MANY * s->nin),
                        .grad   = floats(count)};

  state = 1 + s->width;
  for (size_t i = 0; i < count; i++) c.grad[i] = (float)uniform();
  mlp_init(s, c.grad, c.theta);
  memset(c.grad, 0, count * sizeof *c.grad);
  for (int i = 0; i < MANY * s->nin; i++) c.in[i] = (float)(4.0 * uniform() - 2.0);
  for (int i = 0; i < MANY * s->nout; i++) c.dout[i] = (float)(2.0 * uniform() - 1.0);
  mlp_pack(s, c.theta, c.packed);
  c.Theta = widened(count, c.theta);
  c.In    = widened((size_t)MANY * s->nin, c.in);
  c.Dout  = widened((size_t)MANY * s->nout, c.dout);
  c.Out   = calloc((size_t)MANY * s->nout, sizeof *c.Out);
  c.Din   = calloc((size_t)MANY * s->nin, sizeof *c.Din);
  c.Grad  = calloc(count, sizeof *c.Grad);
  return c;
}

static void case_destroy(Case *c)
{
  void *const all[] = {c->theta, c->packed, c->work, c->in,   c->out, c->dout, c->din,
                       c->grad,  c->Theta,  c->In,   c->Dout, c->Out, c->Din,  c->Grad};

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void case_reference(Case *c, int n)
{
  const int nin = c->s.nin, nout = c->s.nout;

  memset(c->Grad, 0, c->count * sizeof *c->Grad);
  for (ptrdiff_t r = 0; r < n; r++)
    reference_row(&c->s, c->Theta, c->In + r * nin, c->Out + r * nout, c->Dout + r * nout, c->Grad,
                  c->Din + r * nin);
}

/* Largest difference in units of the largest element */
static double distance(size_t n, const float *x, const double *truth)
{
  double largest = 0.0, difference = 0.0;

  for (size_t i = 0; i < n; i++) {
    largest    = fmax(largest, fabs(truth[i]));
    difference = fmax(difference, fabs(x[i] - truth[i]));
    if (isnan(x[i])) return INFINITY;
  }
  return difference / largest;
}

static int same_bits(size_t n, const float *x, const float *y)
{
  return !memcmp(x, y, n * sizeof *x);
}

/* for (int b = -1; next_backend(&b);) runs once with each backend that this machine has */
static int next_backend(int *b)
{
  while (++*b < 2)
    if (!mlp_select_backend(backends[*b])) return 1;
  return 0;
}

static void default_backend(void)
{
  mlp_select_backend("auto");
}

START_TEST(test_reference_gradient_matches_differences)
{
  /* central differences with h = 1e-5 in double: truncation 1e-10, rounding 1e-11 */
  const double h = 1e-5;
  MlpShape     s = {3, 16, 2, 2};
  Case         c = case_create(&s);

  case_reference(&c, 1);
  for (size_t i = 0; i < c.count + s.nin; i++) {
    double *p = i < c.count ? c.Theta + i : c.In + (i - c.count), keep = *p, out[2][2], difference = 0.0;
    for (int side = 0; side < 2; side++) {
      *p = keep + (side ? -h : h);
      reference_row(&s, c.Theta, c.In, out[side], NULL, NULL, NULL);
    }
    *p = keep;
    for (int o = 0; o < 2; o++) difference += c.Dout[o] * (out[0][o] - out[1][o]) / (2.0 * h);
    ck_assert_double_le(fabs(difference - (i < c.count ? c.Grad[i] : c.Din[i - c.count])), 1e-9);
  }
  case_destroy(&c);
}
END_TEST

START_TEST(test_forward_matches_reference)
{
  for (int k = 0; k < SHAPES; k++) {
    Case c = case_create(&shapes[k]);
    for (ptrdiff_t r = 0; r < MANY; r++)
      reference_row(&c.s, c.Theta, c.In + r * c.s.nin, c.Out + r * c.s.nout, NULL, NULL, NULL);
    for (int b = -1; next_backend(&b);) {
      mlp_forward(&c.s, c.packed, MANY, c.in, c.out, c.work);
      ck_assert_msg(distance((size_t)MANY * c.s.nout, c.out, c.Out) <= TOLERANCE, "%s, shape %d: %g",
                    backends[b], k, distance((size_t)MANY * c.s.nout, c.out, c.Out));
    }
    case_destroy(&c);
  }
}
END_TEST

START_TEST(test_gradients_match_reference)
{
  for (int k = 0; k < SHAPES; k++) {
    Case      c = case_create(&shapes[k]);
    const int n = rows[(k + 3) % ROWS];
    case_reference(&c, n);
    for (int b = -1; next_backend(&b);) {
      memset(c.grad, 0, c.count * sizeof *c.grad);
      mlp_pack(&c.s, c.theta, c.packed);
      mlp_forward_keep(&c.s, c.packed, n, c.in, c.out, c.work);
      mlp_backward(&c.s, c.packed, n, c.dout, c.work, c.grad, c.din);
      ck_assert_msg(distance(c.count, c.grad, c.Grad) <= TOLERANCE, "%s, shape %d: %g", backends[b], k,
                    distance(c.count, c.grad, c.Grad));
      ck_assert_msg(distance((size_t)n * c.s.nin, c.din, c.Din) <= TOLERANCE, "%s, shape %d: %g", backends[b],
                    k, distance((size_t)n * c.s.nin, c.din, c.Din));
    }
    case_destroy(&c);
  }
}
END_TEST

/* Bits of n rows from `first` on, alone, against those of the same rows among MANY */
static void check_rows(Case *c, ptrdiff_t first, int n, const float *out, const float *din)
{
  const int nin = c->s.nin, nout = c->s.nout;

  mlp_forward(&c->s, c->packed, n, c->in + first * nin, c->out, c->work);
  ck_assert(same_bits((size_t)n * nout, c->out, out + first * nout));
  if (n > MLP_BLOCK) return;
  mlp_forward_keep(&c->s, c->packed, n, c->in + first * nin, c->out, c->work);
  ck_assert(same_bits((size_t)n * nout, c->out, out + first * nout));
  mlp_backward(&c->s, c->packed, n, c->dout + first * nout, c->work, NULL, c->din);
  ck_assert(same_bits((size_t)n * nin, c->din, din + first * nin));
}

START_TEST(test_row_has_same_bits_in_any_block)
{
  for (int k = 0; k < SHAPES; k++) {
    Case   c   = case_create(&shapes[k]);
    float *out = floats((size_t)MANY * c.s.nout), *din = floats((size_t)MANY * c.s.nin);
    for (int b = -1; next_backend(&b);) {
      for (ptrdiff_t r = 0; r < MANY; r++) { /* one by one */
        mlp_forward_keep(&c.s, c.packed, 1, c.in + r * c.s.nin, out + r * c.s.nout, c.work);
        mlp_backward(&c.s, c.packed, 1, c.dout + r * c.s.nout, c.work, NULL, din + r * c.s.nin);
      }
      check_rows(&c, 0, MANY, out, din);
      for (int i = 0; i < ROWS; i++) check_rows(&c, (5 * i + k) % (MANY - rows[i] + 1), rows[i], out, din);
      for (int n = 2; n < 6; n++) check_rows(&c, 30 - n, n, out, din);
    }
    free(out);
    free(din);
    case_destroy(&c);
  }
}
END_TEST

START_TEST(test_backends_agree)
{
  /* the same sums in the same order with other reciprocals: closer to each other than to the truth; a packed
     copy serves both */
  for (int k = 0; k < SHAPES && !mlp_select_backend("avx512"); k++) {
    Case      c = case_create(&shapes[k]), d = case_create(&shapes[k]);
    const int n = rows[k % ROWS];
    mlp_pack(&c.s, c.theta, c.packed);
    mlp_forward_keep(&c.s, c.packed, n, c.in, c.out, c.work);
    mlp_backward(&c.s, c.packed, n, c.dout, c.work, c.grad, c.din);
    ck_assert_int_eq(mlp_select_backend("portable"), 0);
    mlp_forward_keep(&d.s, c.packed, n, d.in, d.out, d.work);
    mlp_backward(&d.s, c.packed, n, d.dout, d.work, d.grad, d.din);
    double *out = widened((size_t)n * c.s.nout, d.out), *grad = widened(c.count, d.grad);
    ck_assert_double_le(distance((size_t)n * c.s.nout, c.out, out), TOLERANCE);
    ck_assert_double_le(distance(c.count, c.grad, grad), TOLERANCE);
    free(out);
    free(grad);
    case_destroy(&c);
    case_destroy(&d);
  }
}
END_TEST

START_TEST(test_gradient_of_blocks_is_their_sum)
{
  MlpShape s    = {5, 48, 2, 3};
  Case     c    = case_create(&s);
  float   *both = floats(c.count);

  for (int b = -1; next_backend(&b);) {
    memset(both, 0, c.count * sizeof *both);
    for (ptrdiff_t block = 0; block < 2; block++) {
      memset(c.grad, 0, c.count * sizeof *c.grad);
      for (int add = 0; add < 2; add++) { /* into zero, and onto the block before */
        mlp_forward_keep(&s, c.packed, 37, c.in + 37 * block * s.nin, c.out, c.work);
        mlp_backward(&s, c.packed, 37, c.dout + 37 * block * s.nout, c.work, add ? both : c.grad, NULL);
      }
      if (!block)
        ck_assert(same_bits(c.count, both, c.grad));
      else {
        mlp_forward_keep(&s, c.packed, 37, c.in, c.out, c.work);
        mlp_backward(&s, c.packed, 37, c.dout, c.work, c.grad, NULL);
      }
    }
    ck_assert(same_bits(c.count, both, c.grad)); /* second + first = first + second, to the bit */
  }
  free(both);
  case_destroy(&c);
}
END_TEST

/* A copy that begins one float behind a 64-byte boundary, and ends before a sentinel */
static float *shifted(size_t n, const float *x)
{
  float *y = (float *)aligned_alloc(64, (n + 33) / 16 * 64) + 1;

  if (x) memcpy(y, x, n * sizeof *x);
  y[n] = -123.0f;
  return y;
}

START_TEST(test_alignment_changes_no_bit_and_arrays_suffice)
{
  for (int k = 0; k < SHAPES; k++) {
    const MlpShape *s  = &shapes[k];
    Case            c  = case_create(s);
    const size_t    np = mlp_packed_count(s), nw = mlp_workspace_count(s), nout = (size_t)MLP_BLOCK * s->nout;
    for (int b = -1; next_backend(&b);) {
      float *theta = shifted(c.count, c.theta), *packed = shifted(np, NULL), *work = shifted(nw, NULL),
            *grad = shifted(c.count, NULL), *out = shifted(nout, NULL);
      memset(c.grad, 0, c.count * sizeof *c.grad);
      memset(grad, 0, c.count * sizeof *c.grad);
      mlp_forward_keep(s, c.packed, MLP_BLOCK, c.in, c.out, c.work);
      mlp_backward(s, c.packed, MLP_BLOCK, c.dout, c.work, c.grad, NULL);
      mlp_pack(s, theta, packed);
      mlp_forward_keep(s, packed, MLP_BLOCK, c.in, out, work);
      mlp_backward(s, packed, MLP_BLOCK, c.dout, work, grad, NULL);
      ck_assert(same_bits(nout, out, c.out) && same_bits(c.count, grad, c.grad));
      ck_assert(theta[c.count] == -123.0f && packed[np] == -123.0f && work[nw] == -123.0f);
      ck_assert(grad[c.count] == -123.0f && out[nout] == -123.0f);
      free(theta - 1), free(packed - 1), free(work - 1), free(grad - 1), free(out - 1);
    }
    case_destroy(&c);
  }
}
END_TEST

/* A network out[i] = silu(in[i]) for 16 numbers: identity, SiLU, identity */
static Case silu_network(void)
{
  const MlpShape s = {16, 16, 1, 16};
  Case           c = case_create(&s);

  memset(c.theta, 0, c.count * sizeof *c.theta);
  for (ptrdiff_t i = 0; i < 16; i++) c.theta[17 * i] = c.theta[17 * (16 + i)] = 1.0f;
  mlp_pack(&s, c.theta, c.packed);
  return c;
}

START_TEST(test_silu_is_accurate_to_rounding)
{
  /* 1.5e-7 of the polynomial, 0.8e-7 |z| of the exponent -z log2(e), and four roundings of 0.6e-7 */
  Case c = silu_network();

  for (int i = 0; i < 1024; i++) c.dout[i] = 1.0f;
  for (int b = -1; next_backend(&b);)
    for (int k = 0; k < 40; k++) {
      for (int i = 0; i < 1024; i++) c.in[i] = (float)(-40.0 + 80.0 * (1024 * k + i) / 40959.0);
      mlp_forward_keep(&c.s, c.packed, 64, c.in, c.out, c.work);
      mlp_backward(&c.s, c.packed, 64, c.dout, c.work, NULL, c.din);
      for (int i = 0; i < 1024; i++) {
        const double z = c.in[i], sigma = 1.0 / (1.0 + exp(-z)), slope = sigma * (1.0 + z * (1.0 - sigma));
        const double bound = 4e-7 + 0.8e-7 * fabs(z);
        ck_assert_msg(fabs(c.out[i] - z * sigma) <= bound * fabs(z * sigma), "%s, silu(%g)", backends[b], z);
        ck_assert_msg(fabs(c.din[i] - slope) <= bound * fmax(fabs(slope), 0.1), "%s, silu'(%g)", backends[b],
                      z);
      }
    }
  case_destroy(&c);
}
END_TEST

START_TEST(test_silu_limits)
{
  Case c = silu_network();

  for (int b = -1; next_backend(&b);) {
    for (int i = 0; i < 16; i++) c.in[i] = 0.0f, c.dout[i] = 1.0f;
    c.in[0] = 1e30f;
    c.in[1] = -100.0f;
    c.in[2] = 100.0f;
    mlp_forward_keep(&c.s, c.packed, 1, c.in, c.out, c.work);
    mlp_backward(&c.s, c.packed, 1, c.dout, c.work, NULL, c.din);
    ck_assert(c.out[0] == 1e30f && fabsf(c.out[1]) < 1e-35f && c.out[2] == 100.0f && c.out[3] == 0.0f);
    ck_assert(fabsf(c.din[1]) < 1e-35f && c.din[2] == 1.0f && c.din[3] == 0.5f);
    c.in[16 + 5] = NAN; /* a row that is not a number is seen, and stays alone */
    mlp_forward(&c.s, c.packed, 2, c.in, c.out, c.work);
    ck_assert(c.out[0] == 1e30f && c.out[15] == 0.0f && isnan(c.out[16]) && isnan(c.out[31]));
    c.in[16 + 5] = 0.0f;
  }
  case_destroy(&c);
}
END_TEST

START_TEST(test_initial_parameters_are_uniform_by_fan_in)
{
  const MlpShape s = {4, 64, 2, 2};
  const size_t   n = mlp_parameter_count(&s), first = 320;
  float         *u = floats(n), *theta = floats(n);

  ck_assert_uint_eq(n, 5 * 64 + 65 * 64 + 65 * 2);
  for (size_t i = 0; i < n; i++) u[i] = (float)(i % 3) / 2.0f;
  mlp_init(&s, u, theta);
  for (size_t i = 0; i < n; i++) {
    const float bound = i < first ? 0.5f : 0.125f; /* 1/sqrt(4) for 5 x 64, then 1/sqrt(64) */
    ck_assert(theta[i] == bound * (float)((int)(i % 3) - 1));
  }
  free(u);
  free(theta);
}
END_TEST

START_TEST(test_backend_selection)
{
  ck_assert_int_eq(mlp_select_backend("portable"), 0);
  ck_assert_str_eq(mlp_backend_name(), "portable");
  ck_assert_int_eq(mlp_select_backend("fastest"), -1);
  ck_assert_str_eq(mlp_backend_name(), "portable");
  ck_assert_int_eq(mlp_select_backend("auto"), 0);
  const char *automatic = mlp_backend_name();
  ck_assert_int_eq(!strcmp(automatic, "avx512"), mlp_select_backend("avx512") == 0);
}
END_TEST

/* ---- Adam ---- */

START_TEST(test_adam_matches_double_recursion)
{
  /* 60 steps of the published recursion in double; floats lose a rounding a step: 60 x 6e-8 = 4e-6 */
  enum { N = 37 };
  const AdamOptions o = {
      .lr = 0.02, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6, .weight_decay = 0.1, .ema_decay = 0.95};
  float  theta[N], m[N] = {0}, v[N] = {0}, ema[N], g[N];
  double Theta[N], M[N] = {0}, V[N] = {0}, Ema[N];

  state = 3;
  for (int i = 0; i < N; i++) Theta[i] = Ema[i] = theta[i] = ema[i] = (float)(2.0 + uniform());
  for (int step = 1; step <= 60; step++) {
    for (int i = 0; i < N; i++) g[i] = (float)(8.0 * uniform() - 3.0);
    adam_step(&o, step, N, 0.25, g, theta, m, v, ema);
    for (int i = 0; i < N; i++) {
      const double G = 0.25 * g[i];
      M[i]           = 0.9 * M[i] + 0.1 * G;
      V[i]           = 0.99 * V[i] + 0.01 * G * G;
      Theta[i] -= 0.02 * 0.1 * Theta[i];
      Theta[i] -= 0.02 * M[i] / (1.0 - pow(0.9, step)) / (sqrt(V[i] / (1.0 - pow(0.99, step))) + 1e-6);
      Ema[i] = 0.95 * Ema[i] + 0.05 * Theta[i];
    }
  }
  ck_assert_double_le(distance(N, theta, Theta), 1e-5);
  ck_assert_double_le(distance(N, m, M), 1e-5);
  ck_assert_double_le(distance(N, v, V), 1e-5);
  ck_assert_double_le(distance(N, ema, Ema), 1e-5);
}
END_TEST

START_TEST(test_first_adam_step_is_learning_rate_times_sign)
{
  /* m/(1 - beta1) = g and v/(1 - beta2) = g^2: the step is lr g/(|g| + eps), or nothing if g = 0 */
  const AdamOptions o        = {.lr = 0.001, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .ema_decay = -1.0};
  const float       g[4]     = {3.0f, -0.02f, 0.0f, 1e-8f};
  float             theta[4] = {0}, m[4] = {0}, v[4] = {0};

  adam_step(&o, 1, 4, 1.0, g, theta, m, v, NULL);
  ck_assert_close(theta[0], -0.001, 1e-6);
  ck_assert_close(theta[1], 0.001, 1e-6);
  ck_assert(theta[2] == 0.0f);
  ck_assert_close(theta[3], -0.0005, 1e-6);
}
END_TEST

START_TEST(test_adam_element_has_same_bits_at_any_place)
{
  enum { N = 67 };
  const AdamOptions o = {
      .lr = 0.02, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.01, .ema_decay = 0.9};
  float whole[4][N], part[4][N], g[N];

  state = 5;
  for (int i = 0; i < N; i++) {
    g[i] = (float)(uniform() - 0.5);
    for (int k = 0; k < 4; k++) whole[k][i] = part[k][i] = (float)uniform();
  }
  adam_step(&o, 7, N, 0.5, g, whole[0], whole[1], whole[2], whole[3]);
  for (int first = 0, n = 1; first < N; first += n, n = n % 9 + 1) {
    if (n > N - first) n = N - first;
    adam_step(&o, 7, n, 0.5, g + first, part[0] + first, part[1] + first, part[2] + first, part[3] + first);
  }
  for (int k = 0; k < 4; k++) ck_assert(same_bits(N, whole[k], part[k]));
}
END_TEST

START_TEST(test_gradient_norm_is_exact_and_independent_of_alignment)
{
  enum { N = 1003 };
  float  g[N + 1];
  double sum = 0.0;

  for (int i = 0; i < N; i++)
    g[i] = (float)(i % 91 - 40); /* integers: the sum has no rounding in any order */
  for (int i = 0; i < N; i++) sum += (double)g[i] * g[i];
  ck_assert(grad_norm2(N, g) == sum);
  ck_assert(grad_norm2(0, g) == 0.0);
  ck_assert(grad_norm2(5, g) == 40.0 * 40 + 39 * 39 + 38 * 38 + 37 * 37 + 36 * 36);
  state = 9;
  for (int i = 0; i < N; i++) g[i] = (float)(uniform() - 0.5);
  sum = grad_norm2(N, g);
  memmove(g + 1, g, N * sizeof *g);
  ck_assert(grad_norm2(N, g + 1) == sum);
  g[1] = 1e30f; /* beyond the squares of floats, within those of double */
  ck_assert_close(grad_norm2(N, g + 1), 1e60, 1e-6);
}
END_TEST

Suite *mlp_suite(void)
{
  Suite *suite = suite_create("mlp");
  TCase *net = tcase_create("network"), *adam = tcase_create("adam");

  tcase_add_checked_fixture(net, NULL, default_backend);
  tcase_add_test(net, test_reference_gradient_matches_differences);
  tcase_add_test(net, test_forward_matches_reference);
  tcase_add_test(net, test_gradients_match_reference);
  tcase_add_test(net, test_row_has_same_bits_in_any_block);
  tcase_add_test(net, test_backends_agree);
  tcase_add_test(net, test_gradient_of_blocks_is_their_sum);
  tcase_add_test(net, test_alignment_changes_no_bit_and_arrays_suffice);
  tcase_add_test(net, test_silu_is_accurate_to_rounding);
  tcase_add_test(net, test_silu_limits);
  tcase_add_test(net, test_initial_parameters_are_uniform_by_fan_in);
  tcase_add_test(net, test_backend_selection);
  tcase_add_test(adam, test_adam_matches_double_recursion);
  tcase_add_test(adam, test_first_adam_step_is_learning_rate_times_sign);
  tcase_add_test(adam, test_adam_element_has_same_bits_at_any_place);
  tcase_add_test(adam, test_gradient_norm_is_exact_and_independent_of_alignment);
  suite_add_tcase(suite, net);
  suite_add_tcase(suite, adam);
  return suite;
}
