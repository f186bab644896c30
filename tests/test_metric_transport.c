#include "metric_check.h"

#include <stdio.h>
#include <string.h>

/* ---- Wasserstein ---- */

static double sliced(long n, long m, int L, const double *X, const double *Y)
{
  double *dirs = reals(2L * L), *work = reals(2 * (n + m)), *w2sq = reals(L), w1, result;

  circle_directions(L, dirs);
  for (int l = 0; l < L; l++) projected_wasserstein(n, 2, X, m, Y, dirs + 2L * l, work, &w1, w2sq + l);
  result = sliced_wasserstein(L, w2sq);
  free(dirs);
  free(work);
  free(w2sq);
  return result;
}

START_TEST(test_sliced_wasserstein_known_sets)
{
  const double a[] = {0, 0, 1, 0}, b[] = {0, 1, 1, 1};

  ck_assert_double_eq_tol(sliced(2, 2, 64, a, b), 0.707106781187, 1e-12);
  ck_assert_double_eq_tol(sliced(4, 4, 64, square_x, square_y), 1.725692027875, 1e-12);
  ck_assert_double_eq_tol(sliced(4, 4, 4, square_x, square_y), 1.732050807569, 1e-12);
}
END_TEST

START_TEST(test_wasserstein_of_unequal_sizes)
{
  const double x[] = {3, 0, 4, 1}, y[] = {7, 1, 2}, one = 1.0;
  double       work[14], w1, w2sq;

  projected_wasserstein(4, 1, x, 3, y, &one, work, &w1, &w2sq);
  ck_assert_double_eq_tol(w1, 5.0 / 3.0, 1e-15);
  ck_assert_double_eq_tol(w2sq, 25.0 / 6.0, 1e-15);
  projected_wasserstein(3, 1, y, 4, x, &one, work, &w1, &w2sq);
  ck_assert_double_eq_tol(w1, 5.0 / 3.0, 1e-15);
  ck_assert_double_eq_tol(w2sq, 25.0 / 6.0, 1e-15);
}
END_TEST

START_TEST(test_wasserstein_ignores_repeats)
{
  const long N = 300;
  double    *x = normals(31, N, 1), *y = normals(32, N, 1), *twice = reals(2 * N), *work = reals(6 * N),
         one = 1.0;
  double w1, w2sq, v1, v2sq;

  for (long i = 0; i < 2 * N; i++) twice[i] = x[i % N];
  projected_wasserstein(N, 1, x, N, y, &one, work, &w1, &w2sq);
  projected_wasserstein(2 * N, 1, twice, N, y, &one, work, &v1, &v2sq);
  ck_assert_double_eq_tol(v1, w1, 1e-13);
  ck_assert_double_eq_tol(v2sq, w2sq, 1e-13);
  projected_wasserstein(2 * N, 1, twice, N, x, &one, work, &v1, &v2sq);
  ck_assert_double_eq(v1, 0.0);
  ck_assert_double_eq(v2sq, 0.0);
  free(x);
  free(y);
  free(twice);
  free(work);
}
END_TEST

START_TEST(test_sliced_shift_is_length_over_root_two)
{
  const long   N   = 500;
  const double v[] = {0.3, -1.7};
  double      *X = normals(33, N, 2), *Y = reals(2 * N);

  for (long i = 0; i < 2 * N; i++) Y[i] = X[i] + v[i % 2];
  ck_assert_double_eq_tol(sliced(N, N, 64, X, Y), sqrt((v[0] * v[0] + v[1] * v[1]) / 2.0), 1e-12);
  free(X);
  free(Y);
}
END_TEST

/* a shift by v projects to (v.u)^2: mean |v|^2/d over uniform directions, sd sqrt(2 (d-1)/(d+2)) times that */
START_TEST(test_sliced_shift_in_many_dimensions)
{
  enum { D = 25 };
  const long N = 40, L = 2000;
  double    *X = normals(34, N, D), *Y = reals(N * D), *dirs = normals(35, L, D), *w2sq = reals(L),
         *work = reals(4 * N), w1;

  unit_rows(L, D, dirs);
  for (long i = 0; i < N * D; i++) Y[i] = X[i] + (i % D == 3 ? 2.0 : 0.0);
  for (long l = 0; l < L; l++) {
    projected_wasserstein(N, D, X, N, Y, dirs + l * D, work, &w1, w2sq + l);
    ck_assert_double_eq_tol(w1, 2.0 * fabs(dirs[l * D + 3]), 1e-13);
  }
  ck_assert_double_eq_tol(sliced_wasserstein(L, w2sq), sqrt(4.0 / D), 4.5 * 0.2 * sqrt(48.0 / 27.0 / 2000.0));
  free(X);
  free(Y);
  free(dirs);
  free(w2sq);
  free(work);
}
END_TEST

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

START_TEST(test_sort_matches_qsort)
{
  const long sizes[] = {0, 1, 2, 3, 255, 256, 5000};

  for (int k = 0; k < LENGTH(sizes); k++) {
    const long n = sizes[k];
    double    *a = normals(36, n, 1), *b = reals(n), *work = reals(n);

    for (long i = 0; i < n; i++)
      a[i] *= pow(10.0, (double)(i % 600) - 300.0) * (i % 5 > 0); /* zeros of both signs */
    memcpy(b, a, (size_t)n * sizeof(*a));
    sort_doubles(n, a, work);
    qsort(b, (size_t)n, sizeof(*b), by_value);
    for (long i = 0; i < n; i++) ck_assert(a[i] == b[i]);
    free(a);
    free(b);
    free(work);
  }
}
END_TEST

START_TEST(test_wasserstein_of_diverged_samples_is_nan)
{
  const double x[] = {0.0, NAN, 1.0}, y[] = {0.0, 0.5, 1.0}, one = 1.0;
  double       work[12], w1, w2sq;

  projected_wasserstein(3, 1, x, 3, y, &one, work, &w1, &w2sq);
  ck_assert(isnan(w1) && isnan(w2sq));
}
END_TEST

/* one sample at the mean: E|Z| sd; one far away: its distance from the mean */
START_TEST(test_mixture_wasserstein_closed_forms)
{
  const double one = 1.0, mean = 0.7, var = 0.09, far = 1e4, pair[] = {0.7 - 20.0, 0.7 + 20.0};
  double       work[7];

  ck_assert_double_eq_tol(mixture_wasserstein1(1, &mean, 1, &one, &mean, &var, work), 0.3 * sqrt(2.0 / PI),
                          1e-15);
  ck_assert_double_eq_tol(mixture_wasserstein1(1, &far, 1, &one, &mean, &var, work), far - mean, 1e-11);
  /* two points far out on either side: 20 less the mean deviation */
  ck_assert_double_eq_tol(mixture_wasserstein1(2, pair, 1, &one, &mean, &var, work),
                          20.0 - 0.3 * sqrt(2.0 / PI), 1e-13);
}
END_TEST

/* against the midpoint rule on 400,000 cells of [-8, 8]: each of 40 steps of 1/40 costs at most half a cell of 4e-5 */
START_TEST(test_mixture_wasserstein_matches_quadrature)
{
  enum { N = 40, K = 3, CELLS = 400000 };
  const double weights[K] = {0.33, 0.34, 0.33}, means[K] = {-2, 0, 2}, vars[K] = {0.0625, 0.0625, 0.25};
  const double h = 16.0 / CELLS;
  double      *x = normals(37, N, 1), *work = reals(N), sum = 0.0;
  long         below = 0;

  for (int i = 0; i < N; i++) x[i] = 1.5 * x[i] + 0.2;
  sort_doubles(N, x, work);
  for (long c = 0; c < CELLS; c++) {
    const double at = -8.0 + ((double)c + 0.5) * h;
    double       F  = 0.0;

    while (below < N && x[below] <= at) below++;
    for (int k = 0; k < K; k++) F += weights[k] * 0.5 * erfc((means[k] - at) / sqrt(2.0 * vars[k]));
    sum += h * fabs((double)below / N - F);
  }
  ck_assert_double_eq_tol(mixture_wasserstein1(N, x, K, weights, means, vars, work), sum, 2e-5);
  free(x);
  free(work);
}
END_TEST

/*
  A law of 3000 narrow components on a parabola's shadow, at random places: the same as all of them summed at every point,
  which the midpoint rule does here
*/
START_TEST(test_mixture_wasserstein_of_many_components)
{
  enum { N = 50, K = 3000, CELLS = 4000 };
  const double h = 4.0 / CELLS;
  double      *x = normals(41, N, 1), *means = normals(42, K, 1), *weights = reals(K), *vars = reals(K),
         *work = reals(5 * K + 2), sum = 0.0;
  long below = 0;

  for (int k = 0; k < K; k++) {
    means[k]   = means[k] * means[k] / 8 - 0.5;
    weights[k] = 1.0 / K;
    vars[k]    = k % 2 ? 0.0001 : 0.0004;
  }
  for (int i = 0; i < N; i++) x[i] = 0.3 * x[i];
  sort_doubles(N, x, work);
  for (long c = 0; c < CELLS; c++) {
    const double at = -1.5 + ((double)c + 0.5) * h;
    double       F  = 0.0;

    while (below < N && x[below] <= at) below++;
    for (int k = 0; k < K; k++) F += weights[k] * 0.5 * erfc((means[k] - at) / sqrt(2.0 * vars[k]));
    sum += h * fabs((double)below / N - F);
  }
  /* 50 steps of 1/50 cost at most half a cell of 1e-3, and at random much less; what lies above 2.5 is small */
  ck_assert_double_eq_tol(mixture_wasserstein1(N, x, K, weights, means, vars, work), sum, 3e-4);
  free(x);
  free(means);
  free(weights);
  free(vars);
  free(work);
}
END_TEST

static double circle(long n, const double *x, long m, const double *y, double period)
{
  double work[64];

  return circle_wasserstein1(n, x, m, y, period, work);
}

START_TEST(test_wasserstein_on_a_circle)
{
  const double zero[] = {0.0}, half[] = {180.0}, near_end[] = {350.0}, three[] = {10.0, 130.0, 250.0},
               turned[] = {11.0, 131.0, 251.0}, low[] = {1.0, 3.0}, high[] = {2.0, 359.0};

  ck_assert_double_eq_tol(circle(1, zero, 1, half, 360), 180, 1e-12);
  ck_assert_double_eq_tol(circle(1, zero, 1, near_end, 360), 10, 1e-12); /* the short way */
  ck_assert_double_eq_tol(circle(1, near_end, 1, zero, 360), 10, 1e-12);
  ck_assert_double_eq_tol(circle(3, three, 3, turned, 360), 1, 1e-12);
  ck_assert_double_eq(circle(3, three, 3, three, 360), 0);
  /* 1 to 359 over the cut and 3 to 2 */
  ck_assert_double_eq_tol(circle(2, low, 2, high, 360), 1.5, 1e-12);
  /* one point against three equal ones: a third stays within 10, the others travel 120 less that and more */
  ck_assert_double_eq_tol(circle(1, zero, 3, three, 360), (10.0 + 130.0 + 110.0) / 3, 1e-12);
}
END_TEST

/* On a long circle short ways never go round: the distance on the line */
START_TEST(test_long_circle_is_a_line)
{
  enum { n = 30, m = 17 };
  double *x = normals(43, n, 1), *y = normals(44, m, 1), *work = reals(2 * (n + m)), w1, w2sq;

  sort_doubles(n, x, work);
  sort_doubles(m, y, work);
  sorted_wasserstein(n, x, m, y, &w1, &w2sq);
  ck_assert_double_eq_tol(circle_wasserstein1(n, x, m, y, 100, work), w1, 1e-13);
  free(x);
  free(y);
  free(work);
}
END_TEST

Suite *metric_transport_suite(void)
{
  Suite *suite     = suite_create("metric_transport");
  TCase *transport = tcase_create("Wasserstein");

  tcase_add_test(transport, test_sliced_wasserstein_known_sets);
  tcase_add_test(transport, test_wasserstein_of_unequal_sizes);
  tcase_add_test(transport, test_wasserstein_ignores_repeats);
  tcase_add_test(transport, test_sliced_shift_is_length_over_root_two);
  tcase_add_test(transport, test_sliced_shift_in_many_dimensions);
  tcase_add_test(transport, test_sort_matches_qsort);
  tcase_add_test(transport, test_wasserstein_of_diverged_samples_is_nan);
  tcase_add_test(transport, test_mixture_wasserstein_closed_forms);
  tcase_add_test(transport, test_mixture_wasserstein_matches_quadrature);
  tcase_add_test(transport, test_mixture_wasserstein_of_many_components);
  tcase_add_test(transport, test_wasserstein_on_a_circle);
  tcase_add_test(transport, test_long_circle_is_a_line);
  suite_add_tcase(suite, transport);
  return suite;
}
