#include "metrics_check.h"

#include <math.h>

/* Settings for one metric, with what else it takes */
static MetricsSettings settings_of(const char *list)
{
  MetricsSettings settings = metrics_defaults;

  settings.list = list;
  return settings;
}

/* Some metrics of x against y in d plain columns: value[] in the order of the table */
static void compare(const MetricsSettings *settings, int d, int64_t N, const double *x, int64_t M,
                    const double *y, double *value)
{
  Coordinates c       = columns(d, NULL, 0);
  Metrics     metrics = metrics_of(settings, M, y, &c, NULL);

  ck_call(MetricsCompute(metrics, N, own_rows(N, d, x), value, NULL));
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
}

/* ---- known values ---- */

START_TEST(test_mmd_of_known_sets)
{
  MetricsSettings settings = settings_of("mmd");
  double          value[NUMBERS], median[NUMBERS];
  const double    line[] = {0, 1, 3}, other[] = {0.5, 2};

  settings.mmd_width = 1;
  compare(&settings, 2, 4, square_x, 4, square_y, value);
  ck_assert_double_eq_tol(value[0], -0.138569626392, 1e-12);
  /* distances of the reference 1, 2, 3: median 2; of four points 2, 2, 4, 4 and two diagonals: (4 + 4)/2 */
  settings.mmd_width = 2;
  compare(&settings, 1, 2, other, 3, line, value);
  settings.mmd_width = 0;
  compare(&settings, 1, 2, other, 3, line, median);
  ck_assert_double_eq(median[0], value[0]);
  settings.mmd_width = 4;
  compare(&settings, 2, 4, square_x, 4, square_y, value);
  settings.mmd_width = 0;
  compare(&settings, 2, 4, square_x, 4, square_y, median);
  ck_assert_double_eq(median[0], value[0]);
}
END_TEST

START_TEST(test_kid_of_known_sets)
{
  const MetricsSettings settings = settings_of("kid");
  const double          x[] = {0, 1}, y[] = {2, 3};
  double                value[NUMBERS];

  compare(&settings, 1, 2, x, 2, y, value);
  ck_assert_double_eq_tol(value[0], 297.5, 1e-12);
  compare(&settings, 2, 4, square_x, 4, square_y, value);
  ck_assert_double_eq_tol(value[0], 486.833333333333, 1e-12);
}
END_TEST

START_TEST(test_balls_of_known_sets)
{
  const double    R[] = {0, 0, 1, 0, 0, 1, 1, 1, 5, 5}, G[] = {.2, .1, .9, .8, 8, 0, .4, .6, 5, 4.5};
  const double    known[3][4] = {{0}, {0.8, 0.6, 2.2, 1}, {1, 1, 1.4, 1}};
  MetricsSettings settings    = settings_of("balls");
  double          value[NUMBERS];

  for (settings.neighbours = 1; settings.neighbours <= 2; settings.neighbours++) {
    compare(&settings, 2, 5, G, 5, R, value);
    for (int k = 0; k < 4; k++) ck_assert_double_eq_tol(value[k], known[settings.neighbours][k], 1e-15);
  }
}
END_TEST

/* exp(-beta s) of single pairs against the library's, over all magnitudes; 1 at s = 0 */
START_TEST(test_gaussian_kernel_is_exact)
{
  const double zero = 0;

  for (double u = 0; u < 800; u = u * 1.1 + 1e-9) {
    const double x = sqrt(u), square = x * x;
    double       packed[32], gauss;

    energy_pack(1, 1, &zero, packed);
    pair_block_sums(1, 1, &x, 1, packed, 1, NULL, &gauss);
    ck_assert_double_eq_tol(gauss, exp(-fmin(square, 700)), 5e-16 * exp(-fmin(square, 700)));
    if (u == 0) ck_assert_double_eq(gauss, 1);
  }
}
END_TEST

/* ---- identities ---- */

START_TEST(test_mmd_and_energy_do_not_disturb_each_other)
{
  enum { N = 600, M = 500 };
  double         *x = normals(1, N, 3), *y = normals(2, M, 3), both[NUMBERS], one[NUMBERS];
  MetricsSettings settings = settings_of("energy,mmd");

  compare(&settings, 3, N, x, M, y, both);
  settings.list = "energy";
  compare(&settings, 3, N, x, M, y, one);
  ck_assert_double_eq(both[0], one[0]);
  settings.list = "mmd";
  compare(&settings, 3, N, x, M, y, one);
  ck_assert_double_eq(both[1], one[0]);
  free(x);
  free(y);
}
END_TEST

/* A set against itself: every point lies in its own ball and, without ties, in those of k others on average */
START_TEST(test_balls_of_a_set_about_itself)
{
  enum { N = 700, D = 3, K = 4 };
  double         *x        = normals(3, N, D), value[NUMBERS];
  MetricsSettings settings = settings_of("balls");

  settings.neighbours = K;
  compare(&settings, D, N, x, N, x, value);
  ck_assert_double_eq(value[0], 1);
  ck_assert_double_eq(value[1], 1);
  ck_assert_double_eq_tol(value[2], (K + 1.0) / K, 1e-14);
  ck_assert_double_eq(value[3], 1);
  free(x);
}
END_TEST

/* Exchanging samples and reference exchanges precision and recall, and keeps the symmetric distances */
START_TEST(test_sides_can_be_exchanged)
{
  enum { N = 500, M = 300 };
  double         *x = normals(4, N, 2), *y = normals(5, M, 2), there[NUMBERS], back[NUMBERS];
  MetricsSettings settings = settings_of("energy,js,sw2,mmd,kid,precision,recall");

  for (int k = 0; k < 2 * M; k++) y[k] = 1.3 * y[k] + 0.4;
  settings.mmd_width = 1;
  settings.kid_size  = 1000; /* all of the smaller set */
  compare(&settings, 2, N, x, M, y, there);
  compare(&settings, 2, M, y, N, x, back);
  ck_assert_double_eq_tol(there[0], back[0], 1e-12);
  ck_assert_double_eq_tol(there[2], back[2], 1e-14);
  ck_assert_double_eq_tol(there[3], back[3], 1e-13);
  ck_assert_double_eq(there[5], back[6]);
  ck_assert_double_eq(there[6], back[5]);
  free(x);
  free(y);
}
END_TEST

/* Rows in another order: the same up to the order of sums, exactly where things are counted or sorted */
START_TEST(test_order_of_rows_does_not_matter)
{
  enum { N = 600, M = 400 };
  double *x = normals(6, N, 2), *y = normals(7, M, 2), *mixed = reals(2 * N), one[NUMBERS], two[NUMBERS];
  const MetricsSettings settings = settings_of("energy,js,sw2,w1_max,mmd,frechet,precision,coverage,kde_kl");

  for (int r = 0; r < N; r++) memcpy(mixed + 2 * r, x + 2 * (r * 7 % N), 2 * sizeof(double));
  compare(&settings, 2, N, x, M, y, one);
  compare(&settings, 2, N, mixed, M, y, two);
  for (int k = 0; k < 9; k++) ck_assert_double_eq_tol(one[k], two[k], 1e-12 + (k == 5 ? 1e-9 : 0));
  ck_assert(one[1] == two[1] && one[2] == two[2] && one[3] == two[3] && one[6] == two[6] && one[7] == two[7]);
  free(x);
  free(y);
  free(mixed);
}
END_TEST

/* ---- statistics ---- */

/* Of independent sets of one law the unbiased estimates have mean zero: 60 pairs, 4 standard errors */
START_TEST(test_unbiased_estimates_vanish_on_average)
{
  enum { N = 120, M = 90, R = 60 };
  MetricsSettings settings = settings_of("mmd,kid");
  double          mmd[R], kid[R], mean, err;

  settings.kid_subsets = 4;
  settings.kid_size    = 60;
  for (int r = 0; r < R; r++) {
    double *x = normals(100 + (uint64_t)r, N, 2), *y = normals(300 + (uint64_t)r, M, 2), value[NUMBERS];

    compare(&settings, 2, N, x, M, y, value);
    mmd[r] = value[0];
    kid[r] = value[1];
    free(x);
    free(y);
  }
  mean_stderr(R, mmd, &mean, &err);
  ck_assert(fabs(mean) < 4 * err && err < 1e-3);
  mean_stderr(R, kid, &mean, &err);
  ck_assert(fabs(mean) < 4 * err && err < 0.2);
}
END_TEST

/* Random subsets without repetition estimate what all rows give; 12 seeds */
START_TEST(test_subsets_estimate_the_whole)
{
  enum { N = 300, M = 300, SEEDS = 12 };
  double         *x = normals(8, N, 2), *y = normals(9, M, 2), value[NUMBERS], kid[SEEDS], whole, mean, err;
  MetricsSettings settings = settings_of("kid");

  for (int k = 0; k < 2 * M; k++) y[k] = 1.5 * y[k];
  compare(&settings, 2, N, x, M, y, value);
  whole                = value[0];
  settings.kid_size    = 50;
  settings.kid_subsets = 40;
  for (int s = 0; s < SEEDS; s++) {
    settings.seed = 20 + (uint64_t)s;
    compare(&settings, 2, N, x, M, y, value);
    kid[s] = value[0];
  }
  mean_stderr(SEEDS, kid, &mean, &err);
  ck_assert_double_eq_tol(mean, whole, 4.5 * err);
  ck_assert_double_lt(err, 0.2 * fabs(whole));
  free(x);
  free(y);
}
END_TEST

/* ---- against plain loops ---- */

static int by_size(const void *a, const void *b)
{
  const double p = *(const double *)a, q = *(const double *)b;

  return (p > q) - (p < q);
}

static double square(int d, const double *x, const double *y)
{
  double s = 0;

  for (int k = 0; k < d; k++) s += (x[k] - y[k]) * (x[k] - y[k]);
  return s;
}

static void plain_radii(int n, int d, const double *x, int k, double *radius)
{
  double *s = reals(n);

  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) s[j] = j == i ? INFINITY : square(d, x + i * d, x + j * d);
    qsort(s, (size_t)n, sizeof(*s), by_size);
    radius[i] = s[k - 1];
  }
  free(s);
}

/* Numbers in general position: rounding decides nothing, so counts must agree exactly on any ranks */
START_TEST(test_balls_match_plain_loops)
{
  enum { N = 520, M = 410, D = 2, K = 5 };
  double *x = normals(10, N, D), *y = normals(11, M, D), *rx = reals(N), *ry = reals(M), value[NUMBERS];
  MetricsSettings settings  = settings_of("balls");
  long            precision = 0, recall = 0, density = 0, coverage = 0;

  for (int k = 0; k < N * D; k++) x[k] = 0.7 * x[k] + 0.5;
  plain_radii(N, D, x, K, rx);
  plain_radii(M, D, y, K, ry);
  for (int i = 0; i < N; i++) {
    long inside = 0;

    for (int j = 0; j < M; j++) inside += square(D, x + i * D, y + j * D) <= ry[j];
    precision += inside > 0;
    density += inside;
  }
  for (int j = 0; j < M; j++) {
    int held = 0, holds = 0;

    for (int i = 0; i < N; i++) {
      held |= square(D, x + i * D, y + j * D) <= rx[i];
      holds |= square(D, x + i * D, y + j * D) <= ry[j];
    }
    recall += held;
    coverage += holds;
  }
  compare(&settings, D, N, x, M, y, value);
  ck_assert_double_eq(value[0], (double)precision / N);
  ck_assert_double_eq(value[1], (double)recall / M);
  ck_assert_double_eq(value[2], (double)density / (N * K));
  ck_assert_double_eq(value[3], (double)coverage / M);
  ck_assert(precision < N && recall < M);
  free(x);
  free(y);
  free(rx);
  free(ry);
}
END_TEST

Suite *metrics_pairs_suite(void)
{
  Suite *suite  = suite_create("metrics_pairs");
  TCase *values = tcase_create("known values"), *identities = tcase_create("identities"),
        *statistics = tcase_create("statistics");

  tcase_add_test(values, test_mmd_of_known_sets);
  tcase_add_test(values, test_kid_of_known_sets);
  tcase_add_test(values, test_balls_of_known_sets);
  tcase_add_test(values, test_gaussian_kernel_is_exact);
  tcase_add_test(identities, test_mmd_and_energy_do_not_disturb_each_other);
  tcase_add_test(identities, test_balls_of_a_set_about_itself);
  tcase_add_test(identities, test_sides_can_be_exchanged);
  tcase_add_test(identities, test_order_of_rows_does_not_matter);
  tcase_add_test(identities, test_balls_match_plain_loops);
  tcase_add_test(statistics, test_unbiased_estimates_vanish_on_average);
  tcase_add_test(statistics, test_subsets_estimate_the_whole);
  suite_add_tcase(suite, values);
  suite_add_tcase(suite, identities);
  suite_add_tcase(suite, statistics);
  return suite;
}
