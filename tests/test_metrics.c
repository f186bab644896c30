#include "ad_check.h"
#include "adcommand.h"
#include "admetrickernels.h"
#include "admetrics.h"
#include "adpresets.h"
#include "adrng.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PI 3.14159265358979323846

/* Two small sets in the plane whose distances are known to 12 digits from an independent computation */
static const double square_x[8] = {0, 0, 2, 0, 0, 2, 2, 2}, square_y[8] = {1, 1, 3, 1, 1, 5, 3, 5};

/* ---- references to compare with ---- */

static double *reals(int64_t n)
{
  double *a = malloc((size_t)n * sizeof(*a));

  ck_assert_ptr_nonnull(a);
  return a;
}

static Coordinates columns(int d, const char *const *name, double period)
{
  Coordinates c;

  ck_call(CoordinatesAllocate(d, &c));
  for (int i = 0; i < d; i++) {
    if (name) snprintf(c.name[i], sizeof(c.name[i]), "%s", name[i]);
    c.period[i] = period;
  }
  return c;
}

/* The law is of no more use when MetricsCreate is done: it is copied */
static Metrics metrics_of(const MetricsSettings *settings, int64_t M, const double *y, const Coordinates *c,
                          const MixtureData *law)
{
  const MetricsReference reference = {M, y, c, law};
  Metrics                metrics;

  ck_call(MetricsCreate(settings, &reference, &metrics));
  return metrics;
}

static double value_of(Metrics metrics, const char *name, const double *value)
{
  const MetricColumn *const *column;
  int                        nm;

  ck_call(MetricsGetColumns(metrics, &nm, &column));
  for (int k = 0; k < nm; k++)
    if (!strcmp(column[k]->name, name)) return value[k];
  ck_abort_msg("no metric %s", name);
  return NAN;
}

static double measure(Metrics metrics, const char *name, int64_t N, const double *x)
{
  double value[16];

  ck_call(MetricsCompute(metrics, N, x, value, NULL));
  return value_of(metrics, name, value);
}

/* One metric of x against y, plain columns of which `period` is the period */
static double distance(const char *name, int d, double period, int64_t N, const double *x, int64_t M,
                       const double *y, int directions, int bins)
{
  Coordinates     c        = columns(d, NULL, period);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double          result;

  settings.list       = name;
  settings.directions = directions;
  settings.bins       = bins;
  metrics             = metrics_of(&settings, M, y, &c, NULL);
  result              = measure(metrics, name, N, x);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  return result;
}

typedef struct {
  double      weight[16], mean[32], var[32];
  MixtureData law;
} Law;

static void preset_law(const char *name, Law *law)
{
  const MixturePreset *preset = mixture_preset(name);

  mixture_preset_fill(preset, preset->sigma, preset->r, law->weight, law->mean, law->var);
  law->law = (MixtureData){preset->n, preset->d, law->weight, law->mean, law->var};
}

static double *draw(const MixtureData *law, uint64_t seed, int64_t n)
{
  const int d = law->d;
  double   *x = reals(n * d), *u = reals(n);

  rng_uniform((RngStream){seed, RNG_METRICS, 1}, 0, (size_t)n, 1, u);
  rng_normal_double((RngStream){seed, RNG_METRICS, 2}, 0, (size_t)n, d, x);
  for (int64_t r = 0; r < n; r++) {
    int c = 0;

    for (double sum = law->weight[0]; sum < u[r] && c < law->n - 1; sum += law->weight[c]) c++;
    for (int i = 0; i < d; i++)
      x[r * d + i] = law->mean[c * d + i] + sqrt(law->var[c * d + i]) * x[r * d + i];
  }
  free(u);
  return x;
}

/* ---- known values ---- */

START_TEST(test_distances_of_known_sets)
{
  const double a[] = {0, 1, 3, 4}, b[] = {1, 2, 7};

  ck_assert_double_eq_tol(distance("energy", 2, 0, 4, square_x, 4, square_y, 64, 36), 1.372324425853, 1e-12);
  ck_assert_double_eq_tol(distance("energy", 1, 0, 4, a, 3, b, 64, 36), 0.957427107756, 1e-12);
  ck_assert_double_eq_tol(distance("sw2", 2, 0, 4, square_x, 4, square_y, 64, 36), 1.725692027875, 1e-12);
  ck_assert_double_eq_tol(distance("sw2", 2, 0, 4, square_x, 4, square_y, 4, 36), 1.732050807569, 1e-12);
  /* on a line: W2 itself, one direction */
  ck_assert_double_eq_tol(distance("sw2", 1, 0, 4, a, 3, b, 64, 36), sqrt(25.0 / 6), 1e-14);
}
END_TEST

START_TEST(test_distances_of_angles_know_that_pi_is_minus_pi)
{
  const double a[] = {3.1, 0, -3.1, 0.5}, b[] = {-3.1, 0, 3, 0.4},
               wound[]  = {3.1 - 2 * PI, 4 * PI, -3.1, 0.5 + 2 * PI};
  const double      p[] = {-PI, 0, PI, 0, 0, 0, 0.1, 0.1}, q[] = {-PI, 0, 1, 1, 0, 0, -0.1, 0.1};
  const char *const names[] = {"energy", "js", "sw2"};

  ck_assert_double_eq_tol(distance("energy", 2, 2 * PI, 2, a, 2, b, 64, 36), 0.358450273827, 1e-12);
  ck_assert_double_eq_tol(distance("js", 2, 2 * PI, 4, p, 4, q, 64, 4), 0.107880777169, 1e-12);
  for (int k = 0; k < 3; k++)
    ck_assert_double_eq_tol(distance(names[k], 2, 2 * PI, 2, wound, 2, b, 64, 36),
                            distance(names[k], 2, 2 * PI, 2, a, 2, b, 64, 36), 1e-14);
}
END_TEST

/* the unit of an angle does not matter */
START_TEST(test_degrees_measure_like_radians)
{
  const double a[] = {3.1, 0, -3.1, 0.5}, b[] = {-3.1, 0, 3, 0.4};
  double       x[4], y[4];

  for (int i = 0; i < 4; i++) {
    x[i] = a[i] * 180 / PI;
    y[i] = b[i] * 180 / PI;
  }
  ck_assert_double_eq_tol(distance("energy", 2, 360, 2, x, 2, y, 64, 36), 0.358450273827, 1e-12);
  ck_assert_double_eq_tol(distance("js", 2, 360, 2, x, 2, y, 64, 36),
                          distance("js", 2, 2 * PI, 2, a, 2, b, 64, 36), 1e-15);
}
END_TEST

START_TEST(test_a_set_is_at_no_distance_from_itself)
{
  const char *const names[] = {"energy", "js", "sw2"};
  Law               law;
  double           *x;

  preset_law("diamond", &law);
  x = draw(&law.law, 3, 700);
  for (int k = 0; k < 3; k++) {
    ck_assert_all(distance(names[k], 2, 0, 700, x, 700, x, 16, 36) == 0);
    ck_assert_all(distance(names[k], 2, 2 * PI, 700, x, 700, x, 16, 36) == 0);
  }
  free(x);
}
END_TEST

/* Samples outside the box of the reference are not forgotten: disjoint sets are ln 2 apart */
START_TEST(test_divergence_counts_rows_outside_the_box)
{
  double far[8];

  for (int i = 0; i < 8; i++) far[i] = square_x[i] + 100;
  ck_assert_double_eq_tol(distance("js", 2, 0, 4, far, 4, square_x, 16, 36), log(2.0), 1e-15);
  ck_assert_double_eq_tol(distance("js", 1, 0, 8, far, 8, square_x, 16, 36), log(2.0), 1e-15);
}
END_TEST

/* A column of angles beside one that is none: whole turns change nothing */
START_TEST(test_divergence_folds_angles_beside_other_columns)
{
  enum { N = 200 };
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double         *x = reals(2 * N), *y = reals(2 * N), straight, wound;

  c.period[1]   = 3;
  settings.list = "js";
  rng_normal_double((RngStream){1, RNG_METRICS, 3}, 0, N, 2, x);
  rng_normal_double((RngStream){2, RNG_METRICS, 3}, 0, N, 2, y);
  metrics  = metrics_of(&settings, N, y, &c, NULL);
  straight = measure(metrics, "js", N, x);
  for (int r = 0; r < N; r++) x[2 * r + 1] += 3 * (r % 5 - 2);
  wound = measure(metrics, "js", N, x);
  ck_assert_double_lt(straight, 0.6); /* below ln 2: they overlap */
  ck_assert_double_eq_tol(wound, straight, 1e-14);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
  free(y);
}
END_TEST

/* x beyond all of the law: every mass moves to the right, W1 is the difference of the means */
START_TEST(test_exact_distance_of_far_points_is_that_of_means)
{
  Law         law;
  Coordinates c = columns(1, NULL, 0);
  Metrics     metrics;
  double     *y, x[] = {41, 43, 45};

  preset_law("coarse_1d", &law);
  y       = draw(&law.law, 1, 100);
  metrics = metrics_of(&metrics_defaults, 100, y, &c, &law.law);
  ck_assert_double_eq_tol(measure(metrics, "w1", 3, x), 43, 1e-12);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(y);
}
END_TEST

/* ---- a law that is known ---- */

/*
  10,000 rows of eight peaks on a circle and one in its centre, against 10,000 others: 128 directions, 64 x 64
  bins on [-1.1, 1.1]^2. Independent values: SW2 0.020 and 0.0036, seed scatter 0.003 and 0.0005; KL 0.179 and
  0.183
*/
START_TEST(test_floors_of_nine_peaks)
{
  enum { N = 10000 };
  const char *const preset[] = {"ring", "ring_close"};
  const double      sw2[] = {0.020, 0.0036}, scatter[] = {0.003, 0.0005}, kl[] = {0.179, 0.183};
  MetricsSettings   settings = metrics_defaults;

  settings.list = "sw2,kl";
  for (int k = 0; k < 2; k++) {
    Law         law;
    Coordinates c = columns(2, NULL, 0);
    Metrics     metrics;
    double     *x, *y, value[2];

    preset_law(preset[k], &law);
    x       = draw(&law.law, 1, N);
    y       = draw(&law.law, 2, N);
    metrics = metrics_of(&settings, N, y, &c, &law.law);
    ck_call(MetricsCompute(metrics, N, x, value, NULL));
    ck_assert_double_eq_tol(value_of(metrics, "sw2", value), sw2[k], 4 * scatter[k]);
    ck_assert_double_eq_tol(value_of(metrics, "kl", value), kl[k],
                            0.006); /* scatter of some 0.001 to 0.002 */
    ck_call(MetricsDestroy(&metrics));
    ck_call(CoordinatesFree(&c));
    free(x);
    free(y);
  }
}
END_TEST

START_TEST(test_modes_of_samples_of_the_law)
{
  enum { N = 20000 };
  Law             law;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double         *x, value[3], level[3], err[3], all_in_one[20] = {0};
  const double    share = 1 - exp(-4.5), share_err = sqrt(share * (1 - share) / N),
               sd_err = 0.04 / sqrt(4.0 * N);

  settings.list = "modes";
  preset_law("ring", &law);
  x       = draw(&law.law, 9, N);
  metrics = metrics_of(&settings, N, x, &c, &law.law);
  ck_call(MetricsCompute(metrics, N, x, value, NULL));
  ck_assert_double_eq_tol(value_of(metrics, "share3", value), share, 5 * share_err);
  ck_assert_double_eq_tol(value_of(metrics, "sd", value), 0.04, 5 * sd_err);
  /* tv: nine weights of deviation e each, mean (9/2) sqrt(2/pi) e */
  ck_assert_double_eq_tol(value_of(metrics, "tv", value), 4.5 * sqrt(2 / PI) * sqrt(8.0 / 81 / N), 0.005);
  /* the reference's own levels; a distance has none */
  ck_call(MetricsGetLevels(metrics, level, err));
  ck_assert_double_eq(value_of(metrics, "share3", level), value_of(metrics, "share3", value));
  ck_assert_double_eq(value_of(metrics, "sd", level), value_of(metrics, "sd", value));
  ck_assert(isnan(value_of(metrics, "tv", level)));
  /* an error from ten blocks is itself known to 1/sqrt(18) = 24 % */
  ck_assert_double_eq_tol(value_of(metrics, "sd", err) / sd_err, 1, 0.9);
  ck_assert_double_eq_tol(value_of(metrics, "share3", err) / share_err, 1, 0.9);
  /* all samples in the middle of one peak */
  ck_call(MetricsCompute(metrics, 10, all_in_one, value, NULL));
  ck_assert_double_eq(value_of(metrics, "share3", value), 1);
  ck_assert_double_eq(value_of(metrics, "sd", value), 0);
  /* two samples 0.02 apart: squares of 1e-4 each, over two coordinates and one degree of freedom */
  all_in_one[0] = 0.01;
  all_in_one[2] = -0.01;
  ck_call(MetricsCompute(metrics, 2, all_in_one, value, NULL));
  ck_assert_double_eq_tol(value_of(metrics, "sd", value), 0.01, 1e-12);
  all_in_one[0] = all_in_one[2] = 0;
  ck_call(MetricsCompute(metrics, 10, all_in_one, value, NULL));
  ck_assert_double_eq_tol(value_of(metrics, "tv", value), 8.0 / 9, 1e-15);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* A peak near the edge of the usual window widens it; a window that is given stays */
START_TEST(test_window_holds_the_law)
{
  enum { N = 4000 };
  Law             law;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         wide, narrow;
  double         *x;

  settings.list    = "kl";
  settings.kl_bins = 8;
  preset_law("two_gauss_2d", &law); /* centres at +-1.2, width 0.5 */
  x                  = draw(&law.law, 4, N);
  wide               = metrics_of(&settings, N, x, &c, &law.law);
  settings.window[0] = -0.5;
  settings.window[1] = 0.5;
  narrow             = metrics_of(&settings, N, x, &c, &law.law);
  /* KL of 8 x 8 bins: about (filled - 1)/(2 N) = 0.005 when the window holds all of the law */
  ck_assert_double_lt(fabs(measure(wide, "kl", N, x)), 0.01);
  /* half a count in the few bins of the middle hardly matters, so little is seen there either way */
  ck_assert_double_lt(fabs(measure(narrow, "kl", N, x)), 0.01);
  /* samples all at one place: the sum over bins of p log p and p log of what half a count leaves */
  for (int r = 0; r < N; r++) {
    x[2 * r]     = 3;
    x[2 * r + 1] = 3;
  }
  ck_assert_double_gt(measure(wide, "kl", N, x), 3);
  ck_assert_double_gt(measure(narrow, "kl", N, x), 0.1);
  ck_call(MetricsDestroy(&wide));
  ck_call(MetricsDestroy(&narrow));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* ---- floors ---- */

/* n points spread evenly over the torus at random */
static double *spread(uint64_t seed, int64_t n)
{
  double *x = reals(2 * n);

  rng_uniform((RngStream){seed, RNG_METRICS, 4}, 0, (size_t)n, 2, x);
  for (int64_t k = 0; k < 2 * n; k++) x[k] = PI * (2 * x[k] - 1);
  return x;
}

/* Formulas for independent rows against the mean over 200 pairs of sets: 16 bins with 15 samples or more */
START_TEST(test_iid_floor_is_the_mean_of_independent_pairs)
{
  enum { N = 400, M = 250, R = 200 };
  Coordinates     c        = columns(2, NULL, 2 * PI);
  MetricsSettings settings = metrics_defaults;
  double          js[R], energy[R], formula[2], js_floor = 0, energy_floor = 0, mean, err;

  settings.list = "energy,js";
  settings.bins = 4;
  for (int r = 0; r < R; r++) {
    double *x = spread(1000 + (uint64_t)r, N), *y = spread(2000 + (uint64_t)r, M), value[2];
    Metrics metrics = metrics_of(&settings, M, y, &c, NULL);

    ck_call(MetricsCompute(metrics, N, x, value, NULL));
    ck_call(MetricsGetIidFloor(metrics, N, formula));
    energy[r] = value[0] * value[0];
    js[r]     = value[1];
    energy_floor += formula[0] * formula[0] / R;
    js_floor += formula[1] / R;
    ck_call(MetricsDestroy(&metrics));
    free(x);
    free(y);
  }
  mean_stderr(R, energy, &mean, &err);
  ck_assert_double_eq_tol(mean, energy_floor, 4 * err);
  ck_assert_double_lt(err, 0.05 * mean);
  mean_stderr(R, js, &mean, &err);
  ck_assert_double_eq_tol(mean, js_floor, 4 * err + 0.02 * js_floor); /* next order: some per cent of 1/15 */
  ck_assert_double_lt(err, 0.05 * mean);
  ck_call(CoordinatesFree(&c));
}
END_TEST

/* ---- any number of ranks ---- */

/* All of it on this rank alone, by the kernels */
static double serial_energy(int64_t N, const double *x, int64_t M, const double *y, int D)
{
  const double *const side[2] = {x, y};
  const int64_t       rows[2] = {N, M};
  double              sum[2][2];

  for (int a = 0; a < 2; a++)
    for (int b = 0; b < 2; b++) {
      double *packed = reals(energy_packed_length(rows[b], D)), *sums = reals(metric_blocks(rows[a]));

      energy_pack(rows[b], D, side[b], packed);
      energy_block_sums(rows[a], D, side[a], rows[b], packed, sums);
      block_sum_total(metric_blocks(rows[a]), 1, sums, &sum[a][b]);
      free(packed);
      free(sums);
    }
  return energy_distance(N, M, sum[0][1], sum[0][0], sum[1][1]);
}

static double serial_sliced(int64_t N, const double *x, int64_t M, const double *y, int D, int L,
                            const double *dirs)
{
  double *work = reals(2 * (N + M)), *w2sq = reals(L), w1, result;

  for (int l = 0; l < L; l++) projected_wasserstein(N, D, x, M, y, dirs + l * D, work, &w1, &w2sq[l]);
  result = sliced_wasserstein(L, w2sq);
  free(work);
  free(w2sq);
  return result;
}

START_TEST(test_same_bits_on_any_ranks)
{
  enum { N = 1100, M = 700, L = 7, BINS = 10 };
  Law             law;
  Coordinates     c        = columns(2, NULL, 0);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  const int       bins[2] = {64, 64};
  const double    lo[2] = {-1.1, -1.1}, hi[2] = {1.1, 1.1};
  double         *x, *y, dirs[2 * L], value[16], weight[9], sd[9], inside, *sums, total[9 * 5],
      *mass = reals(64 * 64);
  double work[128];
  long  *counts = malloc(64 * 64 * sizeof(long));

  settings.directions = L;
  settings.bins       = BINS;
  preset_law("diamond", &law);
  x       = draw(&law.law, 5, N);
  y       = draw(&law.law, 6, M);
  sums    = reals(metric_blocks(N) * mode_record(9, 2));
  metrics = metrics_of(&settings, M, y, &c, &law.law);
  ck_call(MetricsCompute(metrics, N, x, value, NULL));
  ck_assert_all(value_of(metrics, "energy", value) == serial_energy(N, x, M, y, 2));
  circle_directions(L, dirs);
  ck_assert_all(value_of(metrics, "sw2", value) == serial_sliced(N, x, M, y, 2, L, dirs));
  box_histogram(N, 2, x, bins, lo, hi, counts);
  mixture_bin_masses(9, 2, law.weight, law.mean, law.var, bins, lo, hi, work, mass);
  ck_assert_all(value_of(metrics, "kl", value) == kl_to_counts(64 * 64, mass, counts, N));
  ck_assert_int_eq(mode_record(9, 2), 9 * 5);
  mode_block_sums(N, 2, x, 9, law.mean, 3 * sqrt(law.var[0]), sums);
  block_sum_total(metric_blocks(N), mode_record(9, 2), sums, total);
  mode_summary(N, 2, 9, total, weight, sd, &inside);
  ck_assert_all(value_of(metrics, "share3", value) == inside);
  ck_assert_all(value_of(metrics, "tv", value) == total_variation(9, weight, law.weight));
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
  free(y);
  free(sums);
  free(mass);
  free(counts);
}
END_TEST

/*
  Three columns, two of them angles named phi and psi, the first in a unit of 2: points are (x/2, cos, sin,
  cos, sin), the histogram and the basins are those of the angles
*/
START_TEST(test_mixed_columns)
{
  enum { N = 300, M = 200, L = 5, BINS = 6 };
  const char *const name[]   = {"bond", "phi", "psi"};
  Coordinates       c        = columns(3, name, 2 * PI);
  MetricsSettings   settings = metrics_defaults;
  Metrics           metrics;
  MetricsHistogram  histogram;
  const int         bins[2] = {BINS, BINS};
  double *x = reals(3 * N), *y = reals(3 * M), *p = reals(5 * N), *q = reals(5 * M), *angles = reals(2 * N);
  double  dirs[5 * L], value[16], share[BINS * BINS + 1];
  long    counts[BINS * BINS], basins[ALANINE_BASINS];

  c.period[0]         = 0;
  c.scale[0]          = 2;
  settings.directions = L;
  settings.bins       = BINS;
  settings.seed       = 11;
  rng_normal_double((RngStream){1, RNG_METRICS, 3}, 0, N, 3, x);
  rng_normal_double((RngStream){2, RNG_METRICS, 3}, 0, M, 3, y);
  for (int r = 0; r < N; r++) {
    p[5 * r] = x[3 * r] / 2;
    circle_embed(1, 2, x + 3 * r + 1, p + 5 * r + 1);
    memcpy(angles + 2 * r, x + 3 * r + 1, 2 * sizeof(double));
  }
  for (int r = 0; r < M; r++) {
    q[5 * r] = y[3 * r] / 2;
    circle_embed(1, 2, y + 3 * r + 1, q + 5 * r + 1);
  }
  metrics = metrics_of(&settings, M, y, &c, NULL);
  ck_call(MetricsCompute(metrics, N, x, value, share));
  ck_assert_all(value_of(metrics, "energy", value) == serial_energy(N, p, M, q, 5));
  rng_normal_double((RngStream){11, RNG_METRICS, 0}, 0, L, 5, dirs);
  unit_rows(L, 5, dirs);
  ck_assert_all(value_of(metrics, "sw2", value) == serial_sliced(N, p, M, q, 5, L, dirs));
  ck_call(MetricsGetHistogram(metrics, &histogram));
  ck_assert(histogram.rank == 2 && histogram.axis[0] == 1 && histogram.axis[1] == 2);
  ck_assert_double_eq_tol(histogram.lo[1], -PI, 1e-15);
  torus_histogram(N, 2, angles, bins, counts);
  for (int k = 0; k < BINS * BINS; k++) ck_assert_double_eq(share[k], (double)counts[k] / N);
  ck_assert_double_eq(share[BINS * BINS], 0);
  alanine_basin_counts(N, angles, basins);
  ck_assert_double_eq(value_of(metrics, "pop_alphaR", value), (double)basins[BASIN_ALPHA_R] / N);
  ck_assert_double_eq(value_of(metrics, "pop_alphaL", value), (double)basins[BASIN_ALPHA_L] / N);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
  free(y);
  free(p);
  free(q);
  free(angles);
}
END_TEST

/* the trajectory's file states populations and their errors from ten time blocks */
START_TEST(test_levels_reproduce_the_populations_of_the_trajectory)
{
  const char *const path = "inputs/data/alanine_dipeptide.h5", *const name[] = {"phi", "psi"};
  const char *const basin[]  = {"pop_alphaR", "pop_PII", "pop_C5", "pop_alphaL"};
  Coordinates       c        = columns(2, name, 2 * PI);
  MetricsSettings   settings = metrics_defaults;
  Metrics           metrics;
  Input             in;
  PetscBool         found;
  double           *x, population[4], error[4], value[4], err[4];
  int64_t           dims[2];

  if (access(path, R_OK)) {
    printf("SKIP test_levels_reproduce_the_populations_of_the_trajectory: no %s\n", path);
    return;
  }
  ck_call(InputOpen("test", path, &in));
  ck_call(InputGetDims(in, "phi_psi", 2, dims));
  x = reals(dims[0] * 2);
  ck_call(InputRead(in, "phi_psi", AD_DOUBLE, x));
  ck_call(InputAttrReal(in, "/", "basin_population", 4, population, &found));
  ck_call(InputAttrReal(in, "/", "basin_block_stderr", 4, error, &found));
  ck_call(InputClose(&in));
  settings.list = "basins";
  metrics       = metrics_of(&settings, dims[0], x, &c, NULL);
  ck_call(MetricsGetLevels(metrics, value, err));
  for (int k = 0; k < 4; k++) {
    ck_assert_double_eq_tol(value_of(metrics, basin[k], value), population[k],
                            1e-4); /* blocks differ by one frame */
    ck_assert_double_eq_tol(value_of(metrics, basin[k], err), error[k], 1e-14);
  }
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
}
END_TEST

/* ---- what is refused ---- */

static PetscErrorCode create_quietly(const MetricsSettings *settings, const MetricsReference *reference)
{
  PetscErrorCode code;
  Metrics        metrics = NULL;

  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  code = MetricsCreate(settings, reference, &metrics);
  PetscPopErrorHandler();
  MetricsDestroy(&metrics);
  return code;
}

START_TEST(test_what_does_not_apply_is_refused)
{
  Coordinates            one = columns(1, NULL, 0), two = columns(2, NULL, 0);
  const MetricsReference line = {8, square_x, &one, NULL}, plane = {4, square_x, &two, NULL},
                         none = {1, square_x, &two, NULL};
  const char *const bad[]     = {"kl", "w1", "modes", "basins", "pop_C5", "energie", "energy,,sw", ","};
  MetricsSettings   settings  = metrics_defaults;

  ck_assert_int_eq(create_quietly(&settings, &plane), 0);
  ck_assert_int_eq(create_quietly(&settings, &none), AD_ERR_INPUT);
  for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
    settings.list = bad[k];
    ck_assert_int_eq(create_quietly(&settings, &plane), AD_ERR_INPUT);
  }
  settings.list   = "basins";
  settings.basins = PETSC_TRUE;
  ck_assert_int_eq(create_quietly(&settings, &plane), 0);
  ck_assert_int_eq(create_quietly(&settings, &line), AD_ERR_INPUT);
  ck_call(CoordinatesFree(&one));
  ck_call(CoordinatesFree(&two));
}
END_TEST

START_TEST(test_list_chooses_columns)
{
  Coordinates                c        = columns(2, NULL, 0);
  MetricsSettings            settings = metrics_defaults;
  Metrics                    metrics;
  const MetricColumn *const *column;
  Law                        law;
  int                        nm;

  preset_law("diamond", &law);
  metrics = metrics_of(&settings, 4, square_x, &c, &law.law);
  ck_call(MetricsGetColumns(metrics, &nm, &column));
  ck_assert_int_eq(nm, 7); /* energy js sw2 kl share3 tv sd */
  ck_call(MetricsDestroy(&metrics));
  settings.list = "tv,js";
  metrics       = metrics_of(&settings, 4, square_x, &c, &law.law);
  ck_call(MetricsGetColumns(metrics, &nm, &column));
  ck_assert_int_eq(nm, 2);
  ck_assert_str_eq(column[0]->name, "js");
  ck_assert_str_eq(column[1]->name, "tv");
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
}
END_TEST

/* ---- groups and table ---- */

START_TEST(test_groups_have_mean_and_standard_error)
{
  const char *const label[]      = {"b", "a", "b", "c", "b", "a"};
  const double      single[6][2] = {{1, 10}, {5, 50}, {2, 10}, {7, 70}, {6, 10}, {9, 52}};
  int               group[6], files[3];
  double            work[6], mean[3][2], err[3][2];

  ck_assert_int_eq(label_groups(6, label, group), 3);
  ck_assert(group[0] == 0 && group[1] == 1 && group[2] == 0 && group[3] == 2 && group[4] == 0 &&
            group[5] == 1);
  group_statistics(6, 2, single[0], group, 3, work, files, mean[0], err[0]);
  ck_assert(files[0] == 3 && files[1] == 2 && files[2] == 1);
  ck_assert_double_eq_tol(mean[0][0], 3, 1e-15);
  ck_assert_double_eq_tol(err[0][0], sqrt(7.0 / 3), 1e-15); /* squares 4 + 1 + 9 over 3 * 2 */
  ck_assert_double_eq_tol(err[0][1], 0, 1e-15);
  ck_assert_double_eq_tol(mean[1][1], 51, 1e-15);
  ck_assert_double_eq_tol(err[1][1], 1, 1e-15);
  ck_assert_double_eq(mean[2][0], 7);
  ck_assert(isnan(err[2][0]) && isnan(err[2][1]));
}
END_TEST

START_TEST(test_labels_say_once_what_they_share)
{
  enum { n = 4 };
  const char *const label[n] = {
      "active k 1 tau 0.5 Tp 0 | exact | em order 1 | uniform 10 | last none",
      "active k 1 tau 2 Tp 0 | exact | em order 1 | uniform 10 | last none",
      "active k 1 tau 2 Tp 0 | exact | em order 1 | uniform 10 | last denoise",
      "passive k 1 T 1 | exact | ddim order 2 | uniform 10 | last none",
  };
  char common[512], own[n][METRICS_LABEL];

  factor_labels(n, label, sizeof(common), common, own);
  ck_assert_str_eq(common, "all runs: k 1, exact, uniform 10\nactive: Tp 0, em order 1\n");
  ck_assert_str_eq(own[0], "active tau 0.5, last none");
  ck_assert_str_eq(own[1], "active tau 2, last none");
  ck_assert_str_eq(own[2], "active tau 2, last denoise");
  ck_assert_str_eq(own[3], "passive T 1, ddim order 2, last none");
}
END_TEST

START_TEST(test_labels_stay_apart)
{
  const char *const label[] = {
      "20 steps, tau 0.1,0.2", "50 steps, tau 0.1,0.2", "", "run", "run 2", "run 2 a"};
  char common[512], own[6][METRICS_LABEL];

  for (int n = 1; n <= 6; n++) {
    factor_labels(n, label, sizeof(common), common, own);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < i; j++) ck_assert_str_ne(own[i], own[j]);
  }
  factor_labels(1, label, sizeof(common), common, own);
  ck_assert_str_eq(common, "");
  ck_assert_str_eq(own[0], label[0]);
  factor_labels(2, label, sizeof(common), common, own);
  ck_assert_str_eq(common, "all runs: tau 0.1,0.2\n");
  ck_assert_str_eq(own[0], "20 steps");
}
END_TEST

START_TEST(test_estimates_are_written_with_their_error)
{
  static const struct {
    double      value, err;
    const char *text;
  } known[] = {{0.02134, 0.0049, "0.021(5)"},
               {0.02134, 0.0012, "0.0213(12)"},
               {0.5, 0.0194, "0.500(19)"},
               {0.5, 0.0196, "0.50(2)"},
               {2.4381, 0.0181, "2.438(18)"},
               {12.34, 3.2, "12(3)"},
               {12.34, 1.2, "12.3(12)"},
               {1234.5, 45, "1234(45)"},
               {0.25, NAN, "0.25"},
               {0.25, 0, "0.25"},
               {NAN, NAN, "-"},
               {NAN, 1, "-"},
               {0.123456, 1e-12, "0.1235"},
               {-0.5, 0.05, "-0.50(5)"},
               {0.123456789, NAN, "0.1235"}};

  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
    char text[32];

    format_estimate(known[k].value, known[k].err, sizeof(text), text);
    ck_assert_str_eq(text, known[k].text);
  }
}
END_TEST

/* ---- the command ---- */

static void write_samples(const char *path, int64_t N, const double *x, const char *label, double steps)
{
  const int64_t  dims[2] = {N, 4};
  const DataInfo info    = {"sample,variable", "1", "test"};
  double        *state   = reals(N * 4);
  Output         out;

  for (int64_t r = 0; r < N; r++) {
    state[4 * r]     = x[2 * r];
    state[4 * r + 1] = x[2 * r + 1];
    state[4 * r + 2] = state[4 * r + 3] = 1e9; /* auxiliary variables, of no interest here */
  }
  ck_call(OutputOpen(path, "test", &out));
  ck_call(OutputWrite(out, "/samples/state", AD_DOUBLE, 2, dims, state, &info));
  if (label) {
    ck_call(OutputAttrString(out, "/samples", "label", label));
    ck_call(OutputAttrString(out, "/samples", "scheme", "em"));
    ck_call(OutputAttrReal(out, "/samples", "steps", 1, &steps));
  }
  ck_call(OutputClose(&out));
  free(state);
}

/* adiff metrics with nothing on the terminal */
static PetscErrorCode run_quietly(int ninputs, char **inputs, const char *options, const char *output)
{
  const CommandLine line     = {"metrics", output, 1, ninputs, inputs};
  const int         terminal = dup(1), nowhere = open("/dev/null", O_WRONLY);
  PetscOptions      database;
  PetscErrorCode    code;

  PetscOptionsCreate(&database);
  PetscOptionsPush(database);
  PetscOptionsInsertString(NULL, options);
  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  fflush(stdout);
  dup2(nowhere, 1);
  code = MetricsRun(&line);
  fflush(stdout);
  dup2(terminal, 1);
  close(terminal);
  close(nowhere);
  PetscPopErrorHandler();
  PetscOptionsPop();
  PetscOptionsDestroy(&database);
  return code;
}

START_TEST(test_files_of_one_label_are_one_group)
{
  enum { N = 400 };
  char *path[] = {"build/test_metrics_a.h5", "build/test_metrics_b.h5", "build/test_metrics_c.h5"};
  const char *const options =
      "-dataset_preset diamond -metrics_reference_samples 300 -metrics_list energy,share3 "
      "-metrics_floor_sets 3";
  Law     law;
  Input   in;
  double *x, single[3][2], value[2][2], err[2][2], steps[2], floor[2], floor_err[2], reference[2],
      density[3][36 * 36], edges[2][37];
  double  volume;
  int64_t files[2], dims[3];

  preset_law("diamond", &law);
  for (int k = 0; k < 3; k++) {
    x = draw(&law.law, 40 + (uint64_t)k, N);
    write_samples(path[k], N, x, k < 2 ? "some run" : NULL, 20 + k);
    free(x);
  }
  ck_call(run_quietly(3, path, options, "build/test_metrics.h5"));
  ck_call(InputOpen("test", "build/test_metrics.h5", &in));
  ck_call(InputGetDims(in, "/metrics/value", 2, dims));
  ck_assert(dims[0] == 2 && dims[1] == 2);
  ck_call(InputRead(in, "/metrics/single", AD_DOUBLE, single));
  ck_call(InputRead(in, "/metrics/value", AD_DOUBLE, value));
  ck_call(InputRead(in, "/metrics/stderr", AD_DOUBLE, err));
  ck_call(InputRead(in, "/metrics/files", AD_INT64, files));
  ck_call(InputRead(in, "/metrics/steps", AD_DOUBLE, steps));
  ck_call(InputRead(in, "/metrics/floor", AD_DOUBLE, floor));
  ck_call(InputRead(in, "/metrics/floor_stderr", AD_DOUBLE, floor_err));
  ck_call(InputRead(in, "/metrics/reference", AD_DOUBLE, reference));
  ck_call(InputGetDims(in, "/metrics/histogram", 3, dims));
  ck_assert(dims[0] == 2 && dims[1] == 36 && dims[2] == 36);
  ck_call(InputRead(in, "/metrics/histogram", AD_DOUBLE, density));
  ck_call(InputRead(in, "/metrics/reference_histogram", AD_DOUBLE, density[2]));
  ck_call(InputRead(in, "/metrics/edges", AD_DOUBLE, edges));
  ck_call(InputClose(&in));
  ck_assert(files[0] == 2 && files[1] == 1);
  ck_assert(steps[0] == 20 && isnan(steps[1]));
  for (int k = 0; k < 2; k++) {
    ck_assert_double_eq_tol(value[0][k], (single[0][k] + single[1][k]) / 2, 1e-15);
    ck_assert_double_eq_tol(err[0][k], fabs(single[0][k] - single[1][k]) / 2, 1e-15);
    ck_assert(value[1][k] == single[2][k] && isnan(err[1][k]));
    ck_assert(floor_err[k] > 0);
  }
  ck_assert(single[0][0] > 0 && single[0][0] != single[1][0] && isnan(reference[0]));
  ck_assert_double_eq_tol(reference[1], 0.9889, 0.03);
  ck_assert_double_eq_tol(floor[1], 0.9889, 0.03);
  volume = (edges[0][1] - edges[0][0]) * (edges[1][1] - edges[1][0]);
  for (int h = 0; h < 3; h++) {
    double mass = 0;

    for (int k = 0; k < 36 * 36; k++) mass += density[h][k] * volume;
    /* the box is the range of 300 reference rows: 4/300 of other rows lie outside */
    ck_assert_double_eq_tol(mass, 1, h < 2 ? 0.04 : 1e-12);
  }
}
END_TEST

/* Rows of a file: 80 are held out for the reference; floors from the other 320 and from random draws */
START_TEST(test_floors_of_a_file_of_rows)
{
  enum { N = 400 };
  char             *path[] = {"build/test_metrics_a.h5"};
  const char *const options =
      "-dataset_type file -dataset_file build/test_metrics_rows.h5 -dataset_columns 0,1 "
      "-dataset_standardise none -metrics_list energy,sw2 -metrics_floor_sets 5";
  Law     law;
  Input   in;
  double *x, floor[2], floor_err[2], iid[2], iid_err[2], expected;

  preset_law("diamond", &law);
  x = draw(&law.law, 50, N);
  write_samples(path[0], N, x, "some run", 1);
  free(x);
  x = draw(&law.law, 51, N);
  write_samples("build/test_metrics_rows.h5", N, x, NULL, 1);
  free(x);
  ck_call(run_quietly(1, path, options, "build/test_metrics.h5"));
  ck_call(InputOpen("test", "build/test_metrics.h5", &in));
  ck_call(InputRead(in, "/metrics/floor", AD_DOUBLE, floor));
  ck_call(InputRead(in, "/metrics/floor_stderr", AD_DOUBLE, floor_err));
  ck_call(InputRead(in, "/metrics/iid_floor", AD_DOUBLE, iid));
  ck_call(InputRead(in, "/metrics/iid_stderr", AD_DOUBLE, iid_err));
  ck_call(InputClose(&in));
  /* root mean square (1/N + 1/M) E|Y - Y'| with E|Y - Y'| = 0.54 or so; the rows here are independent too */
  expected = sqrt((1.0 / N + 1.0 / 80) * 0.54);
  ck_assert(floor[0] > 0.5 * expected && floor[0] < 2 * expected && isnan(floor_err[0]));
  ck_assert(iid[0] > 0.6 * expected && iid[0] < 1.6 * expected && iid_err[0] > 0 &&
            iid_err[0] < 0.4 * iid[0]);
  ck_assert(floor[1] > 0 && iid[1] > 0 && iid_err[1] > 0);
}
END_TEST

START_TEST(test_files_that_do_not_fit_are_refused)
{
  enum { N = 50 };
  char *good[] = {"build/test_metrics_a.h5"}, *bad[] = {"build/test_metrics_bad.h5"},
       *none[]    = {"build/no_such.h5"};
  double x[2 * N] = {0};

  remove("build/test_metrics_none.h5");
  write_samples(good[0], N, x, "zeros", 1);
  x[17] = NAN;
  write_samples(bad[0], N, x, "one bad", 1);
  ck_assert_int_eq(run_quietly(0, good, "", "build/test_metrics_none.h5"), AD_ERR_INPUT);
  ck_assert_int_eq(run_quietly(1, none, "", "build/test_metrics_none.h5"), AD_ERR_INPUT);
  ck_assert_int_eq(run_quietly(1, bad, "", "build/test_metrics_none.h5"), AD_ERR_INPUT);
  ck_assert_int_eq(run_quietly(1, good, "-metrics_window 1,0", "build/test_metrics_none.h5"), AD_ERR_INPUT);
  ck_assert_int_eq(
      run_quietly(1, good, "-metrics_reference build/test_metrics_bad.h5", "build/test_metrics_none.h5"),
      AD_ERR_INPUT);
  ck_assert_int_eq(
      run_quietly(1, good,
                  "-dataset_means 0,0,0 -dataset_dim 3 -metrics_reference_samples 10 -metrics_list energy",
                  "build/test_metrics_none.h5"),
      AD_ERR_INPUT);
  ck_assert_all(access("build/test_metrics_none.h5", F_OK) != 0);
}
END_TEST

Suite *metrics_suite(void)
{
  Suite *suite  = suite_create("metrics");
  TCase *values = tcase_create("known values"), *laws = tcase_create("known laws"),
        *ranks = tcase_create("ranks"), *table = tcase_create("table"), *command = tcase_create("command");

  tcase_add_test(values, test_distances_of_known_sets);
  tcase_add_test(values, test_distances_of_angles_know_that_pi_is_minus_pi);
  tcase_add_test(values, test_degrees_measure_like_radians);
  tcase_add_test(values, test_a_set_is_at_no_distance_from_itself);
  tcase_add_test(values, test_divergence_counts_rows_outside_the_box);
  tcase_add_test(values, test_divergence_folds_angles_beside_other_columns);
  tcase_add_test(values, test_exact_distance_of_far_points_is_that_of_means);
  tcase_add_test(values, test_levels_reproduce_the_populations_of_the_trajectory);
  tcase_add_test(laws, test_floors_of_nine_peaks);
  tcase_add_test(laws, test_modes_of_samples_of_the_law);
  tcase_add_test(laws, test_window_holds_the_law);
  tcase_add_test(laws, test_iid_floor_is_the_mean_of_independent_pairs);
  tcase_add_test(ranks, test_same_bits_on_any_ranks);
  tcase_add_test(ranks, test_mixed_columns);
  tcase_add_test(table, test_groups_have_mean_and_standard_error);
  tcase_add_test(table, test_labels_say_once_what_they_share);
  tcase_add_test(table, test_labels_stay_apart);
  tcase_add_test(table, test_estimates_are_written_with_their_error);
  tcase_add_test(command, test_what_does_not_apply_is_refused);
  tcase_add_test(command, test_list_chooses_columns);
  tcase_add_test(command, test_files_of_one_label_are_one_group);
  tcase_add_test(command, test_floors_of_a_file_of_rows);
  tcase_add_test(command, test_files_that_do_not_fit_are_refused);
  suite_add_tcase(suite, values);
  suite_add_tcase(suite, laws);
  suite_add_tcase(suite, ranks);
  suite_add_tcase(suite, table);
  suite_add_tcase(suite, command);
  return suite;
}
