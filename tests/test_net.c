/*
  The Net object: sizes, gradients, parameters, files
*/
#include "ad_check.h"
#include "refusal.h"
#include "adnet.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

Suite *net_suite(void);

#define FILE_NAME "build/test_net.h5"

enum { ROWS = 64, SMALL_IN = 3, SMALL_OUT = 2 };

/* A net made from a string of options */
static PetscErrorCode make(const char *text, int nin, int nout, Net *net)
{
  PetscOptions options;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PetscOptionsInsertString(options, text));
  PetscCall(NetCreate(net));
  PetscCall(NetSetSizes(*net, nin, nout));
  PetscCall(NetSetFromOptions(*net));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(NetSetUp(*net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode quiet(PetscErrorCode (*call)(Net), Net net)
{
  PetscErrorCode code;

  QUIET(code, call(net));
  return code;
}

/* Smooth numbers of order 1 that do not repeat */
static void fill(int64_t n, double seed, float *x)
{
  for (int64_t i = 0; i < n; i++)
    x[i] = (float)(1.5 * sin(1.0 + seed + 0.7231 * (double)i + 0.01 * (double)(i * i % 97)));
}

static double weighted_sum(Net net, const float *in, const float *weight)
{
  float  out[ROWS * SMALL_OUT];
  double sum = 0;

  NetParametersChanged(net);
  NetForward(net, ROWS, in, out);
  for (int i = 0; i < ROWS * SMALL_OUT; i++) sum += (double)out[i] * weight[i];
  return sum;
}

/* Four-point difference of the sum by one parameter or input; error h^4/30 f5 and rounding 1e-7/h */
static double difference(Net net, const float *in, const float *weight, float *x)
{
  const float  at = *x, h = 0.03f;
  const double step[4] = {-2, -1, 1, 2}, factor[4] = {1, -8, 8, -1};
  double       sum = 0;

  for (int k = 0; k < 4; k++) {
    *x = at + (float)step[k] * h;
    sum += factor[k] * weighted_sum(net, in, weight);
  }
  *x = at;
  return sum / (12 * (double)h);
}

START_TEST(test_parameter_counts_are_those_of_the_paper)
{
  Net     net;
  int64_t n;
  float  *theta;

  ck_call(make("", 5, 2, &net)); /* x, eta, t in two dimensions */
  ck_call(NetGetParameters(net, &n, &theta));
  ck_assert_int_eq(n, 50562);
  ck_assert_int_eq((uintptr_t)theta % 64, 0);
  ck_call(NetDestroy(&net));
  ck_call(make("", 3, 2, &net)); /* x, t */
  ck_call(NetGetParameters(net, &n, &theta));
  ck_assert_int_eq(n, 50306);
  ck_call(NetDestroy(&net));
}
END_TEST

START_TEST(test_gradient_matches_differences)
{
  Net     net;
  int64_t n;
  int     block;
  float  *theta, *grad, in[ROWS * SMALL_IN], weight[ROWS * SMALL_OUT], out[ROWS * SMALL_OUT],
      din[ROWS * SMALL_IN];
  double largest = 0, worst = 0, worst_input = 0;

  ck_call(make("-net_width 16 -net_depth 2", SMALL_IN, SMALL_OUT, &net));
  ck_call(NetInitialise(net, 7));
  ck_call(NetGetParameters(net, &n, &theta));
  ck_call(NetGetBlock(net, &block));
  ck_assert_int_eq(block, ROWS);
  fill(ROWS * SMALL_IN, 0, in);
  fill(ROWS * SMALL_OUT, 5, weight);
  grad = calloc((size_t)n, sizeof(float));
  ck_call(NetForwardKeep(net, ROWS, in, out));
  ck_call(NetBackward(net, ROWS, weight, grad, din));
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)grad[i]));
  for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs(difference(net, in, weight, &theta[i]) - grad[i]));
  NetParametersChanged(net);
  for (int i = 0; i < ROWS * SMALL_IN; i++)
    worst_input = fmax(worst_input, fabs(difference(net, in, weight, &in[i]) - din[i]));
  ck_assert_msg(worst < 1e-4 * largest, "worst error %g, largest entry %g", worst, largest);
  ck_assert_msg(worst_input < 1e-4, "worst error %g", worst_input);
  free(grad);
  ck_call(NetDestroy(&net));
}
END_TEST

START_TEST(test_backward_adds_to_the_gradient)
{
  Net     net;
  int64_t n;
  float  *theta, *once, *twice, in[ROWS * SMALL_IN], weight[ROWS * SMALL_OUT], out[ROWS * SMALL_OUT];

  ck_call(make("-net_width 32 -net_depth 1", SMALL_IN, SMALL_OUT, &net));
  ck_call(NetInitialise(net, 1));
  ck_call(NetGetParameters(net, &n, &theta));
  fill(ROWS * SMALL_IN, 0, in);
  fill(ROWS * SMALL_OUT, 5, weight);
  once  = calloc((size_t)n, sizeof(float));
  twice = calloc((size_t)n, sizeof(float));
  ck_call(NetForwardKeep(net, ROWS, in, out));
  ck_call(NetBackward(net, ROWS, weight, once, NULL));
  for (int k = 0; k < 2; k++) {
    ck_call(NetForwardKeep(net, ROWS, in, out));
    ck_call(NetBackward(net, ROWS, weight, twice, NULL));
  }
  for (int64_t i = 0; i < n; i++) ck_assert_float_eq_tol(twice[i], 2 * once[i], 1e-4f * (1 + fabsf(once[i])));
  free(once);
  free(twice);
  ck_call(NetDestroy(&net));
}
END_TEST

START_TEST(test_rows_do_not_feel_each_other)
{
  enum { N = 1000, IN = 5, OUT = 3 };
  Net   net;
  float in[N * IN], all[N * OUT], part[N * OUT], kept[ROWS * OUT];

  ck_call(make("-net_width 48 -net_depth 3", IN, OUT, &net));
  ck_call(NetInitialise(net, 3));
  fill(N * IN, 2, in);
  ck_call(NetForward(net, N, in, all));
  for (int first = 0, n = 1; first < N; first += n, n = n * 3 % 101) {
    n = n < N - first ? n : N - first;
    ck_call(NetForward(net, n, in + first * IN, part));
    ck_assert_mem_eq(part, all + first * OUT, (size_t)(n * OUT) * sizeof(float));
  }
  ck_call(NetForwardKeep(net, ROWS, in + 17 * IN, kept));
  ck_assert_mem_eq(kept, all + 17 * OUT, sizeof(kept));
  ck_call(NetDestroy(&net));
}
END_TEST

START_TEST(test_initial_weights_are_uniform_and_seeded)
{
  Net     net;
  int64_t n;
  float  *theta, *first;
  double  square = 0;

  ck_call(make("", 5, 2, &net));
  ck_call(NetGetParameters(net, &n, &theta));
  ck_call(NetInitialise(net, 11));
  first = malloc((size_t)n * sizeof(float));
  memcpy(first, theta, (size_t)n * sizeof(float));
  for (int64_t i = 0; i < 6 * 128; i++) ck_assert(fabsf(theta[i]) <= 1 / sqrtf(5)); /* fan-in 5 */
  for (int64_t i = 6 * 128; i < n; i++) {
    ck_assert(fabsf(theta[i]) <= 1 / sqrtf(128)); /* fan-in 128 */
    square += (double)theta[i] * theta[i] * 3 * 128;
  }
  n -= 6 * 128; /* u^2 of a uniform u has mean 1/3 and variance 4/45: five standard errors */
  ck_assert_double_eq_tol(square / (double)n, 1, 5 * 3 * sqrt(4.0 / 45 / (double)n));
  ck_call(NetInitialise(net, 12));
  ck_assert(memcmp(first, theta, 1000 * sizeof(float)));
  ck_call(NetInitialise(net, 11));
  ck_assert(!memcmp(first, theta, (size_t)n * sizeof(float)));
  free(first);
  ck_call(NetDestroy(&net));
}
END_TEST

START_TEST(test_file_gives_the_net_back)
{
  enum { N = 100, IN = 5, OUT = 2 };
  Net     net, copy;
  int64_t n, m, dims[2];
  float  *theta, *other, *array, in[N * IN], a[N * OUT], b[N * OUT];
  Output  out;
  Input   file;

  ck_call(make("-net_width 32 -net_depth 3", IN, OUT, &net));
  ck_call(NetInitialise(net, 5));
  ck_call(NetGetParameters(net, &n, &theta));
  array = malloc((size_t)n * sizeof(float));
  fill(n, 1, array);
  ck_call(OutputOpen(FILE_NAME, "test", &out));
  ck_call(NetWriteSizes(net, out, "/score"));
  ck_call(NetWriteArray(net, out, "/score/weights", theta));
  ck_call(NetWriteArray(net, out, "/optimizer/m", array));
  ck_call(OutputClose(&out));

  ck_call(InputOpen("test", FILE_NAME, &file));
  ck_call(NetCreate(&copy));
  ck_call(NetReadSizes(copy, file, "/score"));
  ck_call(NetSetUp(copy));
  ck_call(NetGetParameters(copy, &m, &other));
  ck_assert_int_eq(m, n);
  ck_call(NetReadArray(copy, file, "/optimizer/m", other));
  ck_assert_mem_eq(other, array, (size_t)n * sizeof(float));
  ck_call(NetReadArray(copy, file, "/score/weights", other));
  ck_call(NetParametersChanged(copy));
  ck_call(InputGetDims(file, "/score/weights/layer0/weight", 2, dims));
  ck_assert_int_eq(dims[0], IN);
  ck_assert_int_eq(dims[1], 32);
  ck_call(InputGetDims(file, "/score/weights/layer3/bias", 1, dims));
  ck_assert_int_eq(dims[0], OUT);
  ck_call(InputClose(&file));
  fill(N * IN, 0, in);
  ck_call(NetForward(net, N, in, a));
  ck_call(NetForward(copy, N, in, b));
  ck_assert_mem_eq(a, b, sizeof(a));
  free(array);
  ck_call(NetDestroy(&net));
  ck_call(NetDestroy(&copy));
}
END_TEST

START_TEST(test_a_layer_is_x_times_weight_plus_bias)
{
  enum { IN = 2, OUT = 1, WIDTH = 16 };
  Net     net;
  int64_t n;
  float  *theta, in[IN] = {0.7f, -1.3f}, out[OUT];
  double  hidden, expected;

  ck_call(make("-net_width 16 -net_depth 1", IN, OUT, &net));
  ck_call(NetInitialise(net, 2));
  ck_call(NetGetParameters(net, &n, &theta));
  ck_assert_int_eq(n, (IN + 1) * WIDTH + WIDTH + 1);
  expected = theta[n - 1];
  for (int o = 0; o < WIDTH; o++) {
    hidden = (double)in[0] * theta[o] + (double)in[1] * theta[WIDTH + o] + theta[2 * WIDTH + o];
    expected += hidden / (1 + exp(-hidden)) * theta[3 * WIDTH + o];
  }
  ck_call(NetForward(net, 1, in, out));
  ck_assert_double_eq_tol(out[0], expected, 1e-6);
  ck_call(NetDestroy(&net));
}
END_TEST

START_TEST(test_backends_agree_to_rounding)
{
  enum { N = 200, IN = 5, OUT = 2 };
  Net   portable, automatic;
  float in[N * IN], a[N * OUT], b[N * OUT];

  ck_call(make("-net_backend portable", IN, OUT, &portable));
  ck_call(NetInitialise(portable, 1));
  fill(N * IN, 0, in);
  ck_call(NetForward(portable, N, in, a));
  ck_call(make("-net_backend auto", IN, OUT, &automatic)); /* from here on for both */
  ck_call(NetInitialise(automatic, 1));
  ck_call(NetForward(automatic, N, in, b));
  for (int i = 0; i < N * OUT; i++) ck_assert_float_eq_tol(a[i], b[i], 1e-6f);
  ck_call(NetDestroy(&portable));
  ck_call(NetDestroy(&automatic));
}
END_TEST

START_TEST(test_impossible_sizes_are_refused)
{
  static const int ports[3][2] = {{65, 2}, {3, 65}, {0, 1}};
  Net              net;

  for (int i = 0; i < 3; i++) {
    ck_call(NetCreate(&net));
    ck_call(NetSetFromOptions(net));
    ck_call(NetSetSizes(net, ports[i][0], ports[i][1]));
    ck_assert_int_eq(quiet(NetSetUp, net), AD_ERR_INPUT);
    ck_call(NetDestroy(&net));
  }
  listen_begin();
  ck_assert_int_eq(make("-net_width 40", 3, 2, &net), AD_ERR_INPUT);
  listen_end();
  ck_call(NetDestroy(&net));
}
END_TEST

Suite *net_suite(void)
{
  Suite *suite = suite_create("net");
  TCase *tc    = tcase_create("mlp");

  tcase_add_test(tc, test_parameter_counts_are_those_of_the_paper);
  tcase_add_test(tc, test_gradient_matches_differences);
  tcase_add_test(tc, test_backward_adds_to_the_gradient);
  tcase_add_test(tc, test_rows_do_not_feel_each_other);
  tcase_add_test(tc, test_initial_weights_are_uniform_and_seeded);
  tcase_add_test(tc, test_file_gives_the_net_back);
  tcase_add_test(tc, test_a_layer_is_x_times_weight_plus_bias);
  tcase_add_test(tc, test_backends_agree_to_rounding);
  tcase_add_test(tc, test_impossible_sizes_are_refused);
  suite_add_tcase(suite, tc);
  return suite;
}
