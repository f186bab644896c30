#include "metrics_check.h"

#include <math.h>

static double frechet(int d, int64_t N, const double *x, int64_t M, const double *y)
{
  return distance("frechet", d, 0, N, x, M, y, 64, 36);
}

/* ---- Frechet distance ---- */

/* Four points of mean (a, b) and covariance L L', L = [[l0, 0], [l1, l2]] */
static void points_of(double a, double b, double l0, double l1, double l2, double x[8])
{
  const double u[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}}, r = sqrt(1.5);

  for (int k = 0; k < 4; k++) {
    x[2 * k]     = a + r * l0 * u[k][0];
    x[2 * k + 1] = b + r * (l1 * u[k][0] + l2 * u[k][1]);
  }
}

START_TEST(test_frechet_of_known_moments)
{
  double x[8], y[8];

  points_of(0, 0, 1, 0, 1, x);
  points_of(1, 2, 2, 0, 3, y);
  ck_assert_double_eq_tol(frechet(2, 4, x, 4, y), 10, 1e-13);
  points_of(3, 4, sqrt(2.0), sqrt(0.5), sqrt(1.5), x);          /* [[2, 1], [1, 2]] */
  points_of(3, 4, sqrt(3.0), -1 / sqrt(3.0), sqrt(2.0 / 3), y); /* [[3, -1], [-1, 1]] */
  ck_assert_double_eq_tol(frechet(2, 4, x, 4, y), 1.397279504457, 1e-12);
  ck_assert_double_eq_tol(frechet(2, 4, x, 4, y), 8 - 2 * sqrt(6 + 2 * sqrt(6.0)), 1e-13);
  ck_assert_double_eq_tol(frechet(2, 4, square_x, 4, square_y), 6.333333333333, 1e-12);
}
END_TEST

START_TEST(test_frechet_of_singular_covariances)
{
  const double x[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, y[] = {0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0};

  ck_assert_double_eq_tol(frechet(4, 3, x, 3, y), 8.0 / 9, 1e-7);
  ck_assert_double_eq_tol(frechet(4, 3, x, 3, x), 0, 1e-7);
}
END_TEST

/* 60 columns with correlations: a shift by v gives |v|^2, a scale c the square of (c - 1) deviations; sides exchange */
START_TEST(test_frechet_of_shifted_and_scaled_rows)
{
  enum { N = 300, D = 60 };
  double *x = normals(1, N, D), *y = reals(N * D), *z = normals(2, N, D), trace = 0, shift = 0;

  for (int r = 0; r < N; r++)
    for (int k = 1; k < D; k++) x[r * D + k] += 0.6 * x[r * D + k - 1];
  for (int k = 0; k < D; k++) {
    double mean = 0, squares = 0;

    for (int r = 0; r < N; r++) mean += x[r * D + k] / N;
    for (int r = 0; r < N; r++) squares += (x[r * D + k] - mean) * (x[r * D + k] - mean);
    trace += squares / (N - 1);
    shift += 0.01 * k * 0.01 * k;
    for (int r = 0; r < N; r++) y[r * D + k] = x[r * D + k] + 0.01 * k;
  }
  ck_assert_double_eq_tol(frechet(D, N, x, N, y), shift, 1e-10 * trace);
  ck_assert_double_eq_tol(frechet(D, N, x, N, x), 0, 1e-10 * trace);
  for (int k = 0; k < N * D; k++) y[k] = 1.5 * x[k];
  {
    double means = 0;

    for (int k = 0; k < D; k++) {
      double mean = 0;

      for (int r = 0; r < N; r++) mean += x[r * D + k] / N;
      means += 0.25 * mean * mean;
    }
    ck_assert_double_eq_tol(frechet(D, N, y, N, x), means + 0.25 * trace, 1e-10 * trace);
  }
  ck_assert_double_eq_tol(frechet(D, N, x, N, z), frechet(D, N, z, N, x), 1e-10 * trace);
  free(x);
  free(y);
  free(z);
}
END_TEST

/* ---- kernel densities ---- */

/* numpy's numbers: tests/reference/kde_reference.py */
START_TEST(test_kernel_densities_of_known_sets)
{
  enum { N = 40 };
  Coordinates     one = columns(1, NULL, 0), two = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double          x[2 * N], y[2 * N], first[N], other[N], value[NUMBERS];

  for (int i = 0; i < N; i++) {
    x[2 * i]     = i == 7 ? 3 : 0.3 * sin(i);
    x[2 * i + 1] = i == 7 ? 4 : 0.3 * cos(2 * i);
    y[2 * i]     = 0.3 * sin(i + 0.3);
    y[2 * i + 1] = 0.3 * 1.1 * cos(2 * i + 0.5);
    first[i]     = x[2 * i];
    other[i]     = y[2 * i];
  }
  settings.list          = "kde";
  settings.kde_bandwidth = 0.05;
  settings.kde_grid      = 50;
  metrics                = metrics_of(&settings, N, y, &two, NULL);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
  ck_assert_double_eq_tol(value[0], 0.049959191195975, 1e-13);
  ck_assert_double_eq_tol(value[1], 0.987638937467949, 1e-13);
  ck_call(MetricsDestroy(&metrics));
  settings.kde_cut = 0;
  metrics          = metrics_of(&settings, N, y, &two, NULL);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
  ck_assert_double_eq_tol(value[0], 0.089076514205866, 1e-13);
  ck_assert_double_eq_tol(value[1], 0.974466338684395, 1e-13);
  ck_call(MetricsDestroy(&metrics));
  settings.kde_cut       = 2;
  settings.kde_bandwidth = 0.02;
  settings.kde_grid      = 80;
  metrics                = metrics_of(&settings, N, other, &one, NULL);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 1, first), value, NULL));
  ck_assert_double_eq_tol(value[0], 0.032853159222519, 1e-13);
  ck_assert_double_eq_tol(value[1], 0.991834042156176, 1e-13);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&one));
  ck_call(CoordinatesFree(&two));
}
END_TEST

/* The same densities: no divergence, and the coefficient of equal laws but for the floor of 2500 points times 1e-10 */
START_TEST(test_kernel_densities_of_a_set_and_itself)
{
  enum { N = 300 };
  double         *x        = normals(3, N, 2), value[NUMBERS];
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;

  settings.list     = "kde";
  settings.kde_cut  = 0;
  settings.kde_grid = 50;
  metrics           = metrics_of(&settings, N, x, &c, NULL);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
  ck_assert_double_eq(value[0], 0);
  ck_assert_double_eq_tol(value[1], 1, 3e-7);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* ---- Wasserstein distance of columns ---- */

START_TEST(test_columns_are_measured_one_by_one)
{
  enum { N = 500 };
  const double      shift[]  = {0.5, 300, 0.25, 0};
  const char *const name[]   = {"a", "turn", "b", "c"};
  Coordinates       c        = columns(4, name, 0);
  MetricsSettings   settings = metrics_defaults;
  double           *x = normals(4, N, 4), *y = reals(4 * N), value[NUMBERS];
  const MetricPart *part;
  Metrics           metrics;
  int               nparts, nv;

  c.period[1] = 360;
  c.scale[2]  = 0.5;
  for (int r = 0; r < N; r++)
    for (int k = 0; k < 4; k++) y[4 * r + k] = x[4 * r + k] + shift[k];
  settings.list = "columns";
  metrics       = metrics_of(&settings, N, x, &c, NULL);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 4, y), value, NULL));
  ck_call(MetricsGetParts(metrics, &nparts, &part, &nv));
  ck_assert(nparts == 1 && part[0].n == 4 && part[0].offset == 2 && nv == 6);
  ck_assert_double_eq_tol(value[2], 0.5, 1e-13);
  ck_assert_double_eq_tol(value[3], 60 * PI / 180, 1e-12); /* the short way round */
  ck_assert_double_eq_tol(value[4], 0.5, 1e-13);
  ck_assert_double_eq(value[5], 0);
  ck_assert_double_eq_tol(value[0], (1 + PI / 3) / 4, 1e-13);
  ck_assert_double_eq_tol(value[1], PI / 3, 1e-12);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
  free(y);
}
END_TEST

/* ---- modes ---- */

START_TEST(test_weight_and_width_of_each_mode)
{
  enum { N = 9000 };
  Law               law;
  Coordinates       c        = columns(2, NULL, 0);
  MetricsSettings   settings = metrics_defaults;
  double           *x, value[NUMBERS], err[NUMBERS], sum = 0, variation = 0;
  const MetricPart *part;
  Metrics           metrics;
  int               nparts, nv;

  preset_law("diamond", &law);
  x             = draw(&law.law, 12, N);
  settings.list = "tv";
  metrics       = metrics_of(&settings, N, x, &c, &law.law);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
  ck_call(MetricsGetErrors(metrics, N, own_rows(N, 2, x), err));
  ck_call(MetricsGetParts(metrics, &nparts, &part, &nv));
  ck_assert(nparts == 2 && part[0].n == 9 && part[1].n == 9);
  for (int k = 0; k < 9; k++) {
    const double weight = value[part[0].offset + k], sd = value[part[1].offset + k];

    sum += weight;
    variation += 0.5 * fabs(weight - 1.0 / 9);
    ck_assert_double_eq_tol(weight, 1.0 / 9, 5 * sqrt(8.0 / 81 / N));
    ck_assert_double_eq_tol(sd, 0.04, 5 * 0.04 / sqrt(4 * N / 9.0));
    /* errors from ten stretches are known to 24 % */
    ck_assert_double_eq_tol(err[part[0].offset + k] / sqrt(8.0 / 81 / N), 1, 0.9);
    ck_assert_double_eq_tol(err[part[1].offset + k] / (0.04 / sqrt(4 * N / 9.0)), 1, 0.9);
  }
  ck_assert_double_eq_tol(sum, 1, 1e-14);
  ck_assert_double_eq_tol(value[0], variation, 1e-14);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* ---- windows ---- */

static double divergence(const Law *law, int64_t N, const double *x, double lo, double hi)
{
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double          result;

  settings.list      = "kl";
  settings.window[0] = lo;
  settings.window[1] = hi;
  metrics            = metrics_of(&settings, N, x, &c, &law->law);
  result             = measure(metrics, "kl", N, 2, x);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  return result;
}

/* The usual window for the peaks of the figures, an own one for what is small beside it */
START_TEST(test_window_fits_small_laws)
{
  enum { N = 2000 };
  Law     law;
  double *x, *blur, floor;

  preset_law("ring_close", &law);
  x = draw(&law.law, 13, N);
  ck_assert_double_eq(divergence(&law, N, x, 0, 0), divergence(&law, N, x, -1.1, 1.1));
  free(x);
  mixture_preset_fill(mixture_preset("diamond"), 2, 0.004, 0.05, law.weight, law.mean, law.var);
  x = draw(&law.law, 14, N);
  ck_assert_double_eq_tol(divergence(&law, N, x, 0, 0), divergence(&law, N, x, -0.066, 0.066), 1e-9);
  floor = divergence(&law, N, x, 0, 0);
  blur  = normals(17, N, 2);
  for (int k = 0; k < 2 * N; k++)
    x[k] += 0.008 * blur[k]; /* a quarter of a bin of the usual window, four of this one */
  ck_assert_double_gt(divergence(&law, N, x, 0, 0), 1.5 * floor);
  free(blur);
  free(x);
}
END_TEST

/* ---- standard error of a single set ---- */

/* Of a mean the jackknife over equal stretches is the scatter of their means */
START_TEST(test_jackknife_of_a_mean_is_the_scatter_of_stretches)
{
  enum { N = 2000 };
  Law             law;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  double         *x, err[NUMBERS], level[NUMBERS], scatter[NUMBERS];
  Metrics         metrics;

  preset_law("diamond", &law);
  x             = draw(&law.law, 15, N);
  settings.list = "share3";
  metrics       = metrics_of(&settings, N, x, &c, &law.law);
  ck_call(MetricsGetErrors(metrics, N, own_rows(N, 2, x), err));
  ck_call(MetricsGetLevels(metrics, level, scatter));
  ck_assert_double_gt(err[0], 0);
  ck_assert_double_eq_tol(err[0] / scatter[0], 1, 1e-11);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* Sets shifted by 1: the error that one set gives is the scatter of 24 sets, known to 15 %, with ten stretches each */
START_TEST(test_jackknife_is_the_scatter_of_sets)
{
  enum { N = 260, M = 400, R = 24 };
  double *y = normals(16, M, 2), value[NUMBERS], err[NUMBERS], energy[R], sw2[R], guess[2] = {0}, mean,
         scatter;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;

  settings.list       = "energy,sw2,mmd";
  settings.directions = 8;
  metrics             = metrics_of(&settings, M, y, &c, NULL);
  for (int r = 0; r < R; r++) {
    double *x = normals(500 + (uint64_t)r, N, 2);

    for (int k = 0; k < N; k++) x[2 * k] += 1;
    ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
    ck_call(MetricsGetErrors(metrics, N, own_rows(N, 2, x), err));
    energy[r] = value[0];
    sw2[r]    = value[1];
    guess[0] += err[0] / R;
    guess[1] += err[1] / R;
    ck_assert(isnan(err[2])); /* dear */
    free(x);
  }
  mean_stderr(R, energy, &mean, &scatter);
  ck_assert_double_eq_tol(guess[0] / (scatter * sqrt(R)), 1, 0.5);
  mean_stderr(R, sw2, &mean, &scatter);
  ck_assert_double_eq_tol(guess[1] / (scatter * sqrt(R)), 1, 0.5);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(y);
}
END_TEST

Suite *metrics_shape_suite(void)
{
  Suite *suite   = suite_create("metrics_shape");
  TCase *moments = tcase_create("moments"), *densities = tcase_create("densities"),
        *parts = tcase_create("parts"), *errors = tcase_create("errors");

  tcase_add_test(moments, test_frechet_of_known_moments);
  tcase_add_test(moments, test_frechet_of_singular_covariances);
  tcase_add_test(moments, test_frechet_of_shifted_and_scaled_rows);
  tcase_add_test(densities, test_kernel_densities_of_known_sets);
  tcase_add_test(densities, test_kernel_densities_of_a_set_and_itself);
  tcase_add_test(parts, test_columns_are_measured_one_by_one);
  tcase_add_test(parts, test_weight_and_width_of_each_mode);
  tcase_add_test(parts, test_window_fits_small_laws);
  tcase_add_test(errors, test_jackknife_of_a_mean_is_the_scatter_of_stretches);
  tcase_add_test(errors, test_jackknife_is_the_scatter_of_sets);
  suite_add_tcase(suite, moments);
  suite_add_tcase(suite, densities);
  suite_add_tcase(suite, parts);
  suite_add_tcase(suite, errors);
  return suite;
}
