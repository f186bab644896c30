/* Toy laws that are no mixtures of a few peaks: swiss rolls and the quartic density, against quadrature of their own */
#include "dataset_case.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- data sets ---- */

static Dataset law_of(const char *options, const MixtureData **law)
{
  Dataset dataset = dataset_of(options);

  ck_call(DatasetGetMixture(dataset, law));
  ck_assert_ptr_nonnull(*law);
  return dataset;
}

/* ---- one roll by the composite Gauss rule of four points ---- */

enum { PANELS = 12000 };
typedef struct {
  double noise, scale, start, turns;
} Roll;
static const Roll usual = {0.2, 0.01, 1.5 * PI, 1.5};

/* Node k of 4 PANELS on [0, 1]: the point of the curve there; the rule's weight is returned */
static double curve(const Roll *roll, int k, double *c)
{
  static const double node[4]   = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                   0.8611363115940526};
  static const double weight[4] = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461,
                                   0.3478548451374538};
  const double        u         = (k / 4 + 0.5 + 0.5 * node[k % 4]) / PANELS;
  const double        q         = roll->start + 2 * PI * roll->turns * u;

  c[0] = roll->scale * q * cos(q);
  c[1] = roll->scale * q * sin(q);
  return 0.5 * weight[k % 4] / PANELS;
}

/* log-density and score at z of the roll's rows with noise sigma2 added */
static double roll_density(const Roll *roll, double sigma2, const double *z, double *score)
{
  const double v   = roll->scale * roll->scale * roll->noise * roll->noise + sigma2;
  double       top = -INFINITY, sum = 0, c[2];

  score[0] = score[1] = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < 4 * PANELS; k++) {
      const double weight = curve(roll, k, c);
      const double square = (z[0] - c[0]) * (z[0] - c[0]) + (z[1] - c[1]) * (z[1] - c[1]);

      if (!pass)
        top = fmax(top, -square / (2 * v));
      else {
        const double share = weight * exp(-square / (2 * v) - top);

        sum += share;
        for (int i = 0; i < 2; i++) score[i] += share * (c[i] - z[i]) / v;
      }
    }
  for (int i = 0; i < 2; i++) score[i] /= sum;
  return top + log(sum) - log(2 * PI * v);
}

/* ---- swiss rolls ---- */

/* The mixture against quadrature: points of the data, points at the ends of the curve, points well outside; noised or not */
START_TEST(test_roll_density_and_score_match_quadrature)
{
  static const struct {
    const char *options;
    Roll        roll;
  } cases[]                   = {{"", {0.2, 0.01, 1.5 * PI, 1.5}},
                                 {"-dataset_roll_noise 0.05 -dataset_roll_scale 3", {0.05, 3, 1.5 * PI, 1.5}},
                                 {"-dataset_roll_noise 0.5 -dataset_roll_start 0 -dataset_roll_turns 3", {0.5, 0.01, 0, 3}},
                                 {"-dataset_roll_noise 40 -dataset_roll_turns 2.5", {40, 0.01, 1.5 * PI, 2.5}}};
  static const double noise[] = {0, 0.5, 5, 300};
  const Roll         *roll    = &cases[_i].roll;
  enum { N = 12 };
  const MixtureData *law;
  char               options[256];
  Dataset            dataset;
  double            *work, *x, worst = 0;

  snprintf(options, sizeof(options), "-dataset_preset swissroll %s", cases[_i].options);
  dataset = law_of(options, &law);
  work    = malloc(sizeof(double) * mixture_workspace(law));
  x       = dataset_rows(dataset, SPLIT_TRAIN, N, NULL);
  (void)curve(roll, 0, x);
  (void)curve(roll, 4 * PANELS - 1, x + 2);
  for (int i = 0; i < 4; i++) x[4 + i] *= 1 + 6 * roll->noise * roll->scale / hypot(x[4], x[5]);
  for (int s = 0; s < 4; s++) {
    const double sigma2 = pow(noise[s] * roll->noise * roll->scale, 2);
    double       sz[2 * N], logp[N], score[2];

    mixture_score(law, sigma2, N, x, sz, NULL, logp, work);
    for (int r = 0; r < N; r++) {
      const double exact = roll_density(roll, sigma2, x + 2 * r, score);
      const double unit  = 1 / sqrt(sigma2 + pow(roll->noise * roll->scale, 2));

      worst = fmax(worst, fabs(logp[r] - exact));
      for (int i = 0; i < 2; i++) worst = fmax(worst, fabs(sz[2 * r + i] - score[i]) / unit);
    }
  }
  ck_assert_msg(worst < 1e-10, "worst error %g", worst);
  free(work);
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Means and variances of (q cos q, q sin q) over a range of q in closed form; weights sum to 1 */
START_TEST(test_roll_has_the_moments_of_its_curve)
{
  const double       from = 1.5 * PI, to = 4.5 * PI, ends[2] = {from, to}, length = to - from;
  double             mean[2] = {0, 0}, square[2] = {0, 0}, sum = 0;
  const MixtureData *law;
  const Coordinates *c;
  Dataset            dataset = law_of("-dataset_preset swissroll", &law);

  for (int e = 0; e < 2; e++) {
    const double q = ends[e], sign = e ? 1 : -1;
    const double odd = (q * q / 4 - 0.125) * sin(2 * q) + q * cos(2 * q) / 4;

    mean[0] += sign * (q * sin(q) + cos(q)) / length;
    mean[1] += sign * (sin(q) - q * cos(q)) / length;
    square[0] += sign * (q * q * q / 6 + odd) / length;
    square[1] += sign * (q * q * q / 6 - odd) / length;
  }
  DatasetGetCoordinates(dataset, &c);
  for (int i = 0; i < 2; i++) {
    ck_assert_double_eq_tol(c->mean[i], 0.01 * mean[i], 1e-14);
    ck_assert_close(c->variance[i], 1e-4 * (square[i] - mean[i] * mean[i] + 0.04), 1e-12);
  }
  for (int k = 0; k < law->n; k++) {
    ck_assert(law->weight[k] > 0);
    sum += law->weight[k];
  }
  ck_assert_double_eq_tol(sum, 1, 1e-13);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Probability of each of CELLS x CELLS squares of the side [-half, half] under one roll, by quadrature */
enum { CELLS = 14 };
static void cell_shares(const Roll *roll, double half, double *share)
{
  const double sd = roll->noise * roll->scale * sqrt(2);

  memset(share, 0, sizeof(double) * CELLS * CELLS);
  for (int k = 0; k < 4 * PANELS; k++) {
    double c[2], part[2][CELLS];
    double weight = curve(roll, k, c);

    for (int i = 0; i < 2; i++)
      for (int j = 0; j < CELLS; j++) {
        const double low = half * (2.0 * j / CELLS - 1), high = half * (2.0 * (j + 1) / CELLS - 1);

        part[i][j] = 0.5 * (erf((high - c[i]) / sd) - erf((low - c[i]) / sd));
      }
    for (int j = 0; j < CELLS * CELLS; j++) share[j] += weight * part[0][j / CELLS] * part[1][j % CELLS];
  }
}

/* Chi-square of counts against expectations, as deviations from its mean in units of its own; few-count cells are pooled */
static double chi_square(int cells, int N, const double *count, const double *share)
{
  double chi2 = 0, rest = N, rest_share = 1, freedom = 0;

  for (int j = 0; j < cells; j++)
    if (N * share[j] >= 8) {
      chi2 += pow(count[j] - N * share[j], 2) / (N * share[j]);
      rest -= count[j];
      rest_share -= share[j];
      freedom++;
    }
  if (N * rest_share >= 8) {
    chi2 += pow(rest - N * rest_share, 2) / (N * rest_share);
    freedom++;
  }
  return (chi2 - freedom + 1) / sqrt(2 * (freedom - 1));
}

/* Rows in squares against quadrature, relative to the centre of the roll that the label names; 4.5 sigma */
START_TEST(test_rows_follow_the_rolls)
{
  enum { N = 40000 };
  const double        half = 0.16, third[5] = {0.1, 0.3, 0.2, 0.25, 0.15};
  static const double at[5][2] = {{0, 0}, {0.1, 0.1}, {0.1, -0.1}, {-0.1, 0.1}, {-0.1, -0.1}};
  const MixtureData  *law;
  Dataset dataset = law_of("-dataset_preset multi_swissroll_overlap -dataset_weights 2,6,4,5,3", &law);
  int    *label   = malloc(sizeof(int) * N);
  double *x = dataset_rows(dataset, SPLIT_TRAIN, N, label), share[CELLS * CELLS], count[CELLS * CELLS] = {0};
  double  rolls[5] = {0};

  cell_shares(&usual, half, share);
  for (int r = 0; r < N; r++) {
    int cell = 0;

    rolls[label[r]]++;
    for (int i = 0; i < 2; i++)
      cell = cell * CELLS + (int)((x[2 * r + i] - at[label[r]][i] + half) / (2 * half) * CELLS);
    count[cell]++;
  }
  ck_assert(fabs(chi_square(CELLS * CELLS, N, count, share)) < 4.5);
  ck_assert(fabs(chi_square(5, N, rolls, third)) < 4.5);
  free(x);
  free(label);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Five rolls apart are five clusters that hold their rows; rolls that touch and single ones are none */
START_TEST(test_only_rolls_apart_are_clusters)
{
  static const char *const none[] = {"-dataset_preset swissroll", "-dataset_preset multi_swissroll_overlap",
                                     "-dataset_preset quartic_1d",
                                     "-dataset_preset multi_swissroll -dataset_radius 0.14",
                                     "-dataset_type swissroll -dataset_roll_centres 0,0"};
  const MixtureData       *law, *peaks;
  Dataset                  dataset = law_of("-dataset_preset multi_swissroll", &law);
  int                      label[2000], inside = 0;
  double                  *x = dataset_rows(dataset, SPLIT_TRAIN, 2000, label);

  ck_call(DatasetGetPeaks(dataset, &peaks));
  ck_assert(peaks && peaks->n == 5 && peaks->d == 2);
  for (int c = 0; c < 5; c++) {
    ck_assert_double_eq_tol(peaks->weight[c], 0.2, 1e-15);
    ck_assert_double_eq_tol(fabs(peaks->mean[2 * c]), c ? 0.8 : 0, 1e-15);
    ck_assert_double_eq_tol(3 * sqrt(peaks->var[2 * c]), 0.01 * (4.5 * PI + 0.6), 1e-15);
  }
  for (int r = 0; r < 2000; r++)
    inside += hypot(x[2 * r] - peaks->mean[2 * label[r]], x[2 * r + 1] - peaks->mean[2 * label[r] + 1]) <
              3 * sqrt(peaks->var[0]);
  ck_assert_int_ge(inside, 1999);
  free(x);
  ck_call(DatasetDestroy(&dataset));
  for (size_t k = 0; k < sizeof(none) / sizeof(none[0]); k++) {
    dataset = law_of(none[k], &law);
    ck_call(DatasetGetPeaks(dataset, &peaks));
    ck_assert_ptr_null(peaks);
    ck_call(DatasetDestroy(&dataset));
  }
}
END_TEST

/* ---- the quartic density ---- */

static const struct {
  const char *options;
  double      a, b;
} wells[] = {
    {"", 0.035, 0.1},
    {"-dataset_quadratic -0.3", 0.035, -0.3},
    {"-dataset_quartic 1e-9 -dataset_quadratic 1e-4", 1e-9, 1e-4}, /* depth 2.5 */
    {"-dataset_quartic 200 -dataset_quadratic 300", 200, 300},     /* depth 112: nothing between the wells */
    {"-dataset_quartic 1 -dataset_quadratic 0", 1, 0}};

static double well(int i, double x)
{
  const double a = wells[i].a, b = wells[i].b;

  return (a * x * x - b) * x * x + (b > 0 ? b * b / (4 * a) : 0);
}

static Dataset quartic_of(int i, const MixtureData **law)
{
  char options[256];

  snprintf(options, sizeof(options), "-dataset_preset quartic_1d %s", wells[i].options);
  return law_of(options, law);
}

/* Integrals of x^power e^-V over the line by the trapezoidal rule, which is exact to rounding here */
static double moment(int i, double end, int power)
{
  enum { POINTS = 40000 };
  double sum = 0;

  for (int k = -POINTS; k <= POINTS; k++)
    sum += pow(end * k / POINTS, power) * exp(-well(i, end * k / POINTS));
  return sum * end / POINTS;
}

/* Where the density is above e^-25 of its largest value: relative density and score against V and V' */
START_TEST(test_quartic_density_and_score_are_exact)
{
  const MixtureData *law;
  Dataset            dataset = quartic_of(_i, &law);
  double            *work = malloc(sizeof(double) * mixture_workspace(law)), worst = 0, sum = 0;
  const double       end = 1.2 * fabs(law->mean[0]), total = moment(_i, end, 0);
  const Coordinates *c;

  for (int k = 0; k <= 600; k++) {
    const double x = end * (k / 300.0 - 1) + 1e-3 * end, v = well(_i, x);
    const double slope = (4 * wells[_i].a * x * x - 2 * wells[_i].b) * x;
    double       score, logp;

    if (v > 25) continue;
    mixture_score(law, 0, 1, &x, &score, NULL, &logp, work);
    worst = fmax(worst, fabs(logp + v + log(total)));
    worst = fmax(worst, fabs(score + slope) * sqrt(law->var[0]));
  }
  ck_assert_msg(worst < 1e-11, "worst error %g", worst);
  DatasetGetCoordinates(dataset, &c);
  ck_assert_double_eq_tol(c->mean[0], 0, 1e-13 * end);
  ck_assert_close(c->variance[0], moment(_i, end, 2) / total, 1e-12);
  for (int k = 0; k < law->n; k++) {
    ck_assert(law->weight[k] >= 0);
    sum += law->weight[k];
  }
  ck_assert_double_eq_tol(sum, 1, 1e-13);
  free(work);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Rows in 50 bins, whose shares come from fine sums of e^-V; 4.5 sigma; they have no label */
START_TEST(test_rows_follow_the_quartic)
{
  enum { N = 40000, BINS = 50, FINE = 400 };
  const MixtureData *law;
  Dataset            dataset     = quartic_of(0, &law);
  int               *label       = malloc(sizeof(int) * N);
  double            *x           = dataset_rows(dataset, SPLIT_TRAIN, N, label);
  double             share[BINS] = {0}, count[BINS] = {0}, total = moment(0, 8, 0);

  for (int k = 0; k < BINS * FINE; k++)
    share[k / FINE] += exp(-well(0, -5 + 10 * (k + 0.5) / (BINS * FINE))) * 10 / (BINS * FINE) / total;
  for (int r = 0; r < N; r++) {
    if (fabs(x[r]) < 5) count[(int)((x[r] + 5) / 10 * BINS)]++;
    ck_assert(label[r] == -1);
  }
  ck_assert(fabs(chi_square(BINS, N, count, share)) < 4.5);
  free(x);
  free(label);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* ---- both ---- */

START_TEST(test_toy_rows_do_not_depend_on_order_or_rank)
{
  static const char *const options[] = {"-dataset_preset multi_swissroll", "-dataset_preset quartic_1d"};
  enum { N = 500 };
  const MixtureData *law;
  Dataset            dataset = law_of(options[_i], &law);
  const size_t       width   = sizeof(double) * (size_t)law->d;
  double            *x = dataset_rows(dataset, SPLIT_TRAIN, N, NULL), *first = malloc(N * width), y[2];
  int                same = 1;

  for (int64_t k = 0; k < N; k++) {
    const int64_t r = k * 311 % N;

    ck_call(DatasetGetRows(dataset, SPLIT_TRAIN, 1, &r, y, NULL));
    same = same && !memcmp(y, x + r * law->d, width);
  }
  memcpy(first, x, N * width);
  (void)MPI_Bcast(first, N * law->d, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  ck_assert_all(same && !memcmp(first, x, N * width));
  free(first);
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_weights_replace_those_of_a_mixture_preset)
{
  const MixtureData *law;
  Dataset            dataset = law_of("-dataset_preset two_gauss_1d -dataset_weights 1,3", &law);

  ck_assert(law->n == 2 && law->weight[0] == 0.25 && law->weight[1] == 0.75);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Any dimension: means +-r along signs of which half are of either kind, the same whatever the seed, in no regular order */
START_TEST(test_two_clusters_lie_along_mixed_signs)
{
  static const int   dims[4] = {1, 2, 9, 1024};
  const int          d       = dims[_i];
  char               options[128];
  const MixtureData *law;
  Dataset            dataset;
  int                plus = 0, right = 1, turns = 0;

  snprintf(options, sizeof(options),
           "-dataset_preset two_clusters -dataset_dim %d -dataset_radius 0.5 -dataset_width 2", d);
  dataset = law_of(options, &law);
  ck_assert(law->n == 2 && law->d == d && law->weight[0] == 0.5);
  for (int i = 0; i < d; i++) {
    plus += law->mean[i] > 0;
    turns += i && law->mean[i] != law->mean[i - 1];
    right = right && fabs(law->mean[i]) == 0.5 && law->mean[d + i] == -law->mean[i];
    right = right && law->var[i] == 4 && law->var[d + i] == 4;
  }
  ck_assert(right);
  ck_assert_int_eq(plus, (d + 1) / 2);
  if (d > 100) ck_assert(abs(turns - d / 2) < 5 * sqrt(d) / 2);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_bad_toy_options_are_refused)
{
  dataset_refused("-dataset_preset two_clusters -dataset_dim 0", "-dataset_dim");
  dataset_refused("-dataset_type mixture -dataset_preset swissroll",
                  "of -dataset_type swissroll, not mixture");
  dataset_refused("-dataset_type quartic -dataset_preset diamond", "of -dataset_type mixture, not quartic");
  dataset_refused("-dataset_preset two_gauss_1d -dataset_weights 1,3,2", "expected 2 numbers");
  dataset_refused("-dataset_preset swissroll -dataset_roll_noise 0",
                  "-dataset_roll_noise: expected a number > 0");
  dataset_refused("-dataset_preset swissroll -dataset_roll_noise 1e-4",
                  "-dataset_roll_noise: 0.0001 is too little");
  dataset_refused("-dataset_preset swissroll -dataset_roll_turns 0", "-dataset_roll_turns");
  dataset_refused("-dataset_type swissroll -dataset_roll_centres 1,2,3", "two numbers a roll");
  dataset_refused("-dataset_preset multi_swissroll -dataset_weights 1,2", "expected 5 numbers");
  dataset_refused("-dataset_preset multi_swissroll -dataset_weights 0,0,0,0,0", "positive sum");
  dataset_refused("-dataset_preset quartic_1d -dataset_quartic 0", "-dataset_quartic: expected a number > 0");
  dataset_refused("-dataset_preset quartic_1d -dataset_quadratic 1e3", "wells of depth");
}
END_TEST

Suite *toys_suite(void)
{
  Suite *suite      = suite_create("toys");
  TCase *rolls      = tcase_create("swiss rolls");
  TCase *wells_case = tcase_create("quartic");
  TCase *both       = tcase_create("both");

  tcase_add_loop_test(rolls, test_roll_density_and_score_match_quadrature, 0, 4);
  tcase_add_test(rolls, test_roll_has_the_moments_of_its_curve);
  tcase_add_test(rolls, test_rows_follow_the_rolls);
  tcase_add_test(rolls, test_only_rolls_apart_are_clusters);
  suite_add_tcase(suite, rolls);
  tcase_add_loop_test(wells_case, test_quartic_density_and_score_are_exact, 0, 5);
  tcase_add_test(wells_case, test_rows_follow_the_quartic);
  suite_add_tcase(suite, wells_case);
  tcase_add_loop_test(both, test_toy_rows_do_not_depend_on_order_or_rank, 0, 2);
  tcase_add_test(both, test_weights_replace_those_of_a_mixture_preset);
  tcase_add_loop_test(both, test_two_clusters_lie_along_mixed_signs, 0, 4);
  tcase_add_test(both, test_bad_toy_options_are_refused);
  suite_add_tcase(suite, both);
  return suite;
}
