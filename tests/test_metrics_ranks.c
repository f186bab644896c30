#include "metrics_check.h"

/* ---- any number of ranks ---- */

/* Sums over pairs on this rank alone, in the order of the object: block by block of the other side */
static double serial_pairs(int64_t N, const double *x, int64_t M, const double *y, int D)
{
  const long blocks = metric_blocks(N);
  double *packed = reals(energy_packed_length(METRIC_BLOCK, D)), *part = reals(blocks), *sums = reals(blocks),
         total;

  for (long b = 0; b < blocks; b++) sums[b] = 0;
  for (int64_t s = 0; s < M; s += METRIC_BLOCK) {
    const long m = M - s < METRIC_BLOCK ? M - s : METRIC_BLOCK;

    energy_pack(m, D, y + s * D, packed);
    energy_block_sums(N, D, x, m, packed, part);
    for (long b = 0; b < blocks; b++) sums[b] += part[b];
  }
  block_sum_total(blocks, 1, sums, &total);
  free(packed);
  free(part);
  free(sums);
  return total;
}

static double serial_energy(int64_t N, const double *x, int64_t M, const double *y, int D)
{
  return energy_distance(N, M, serial_pairs(N, x, M, y, D), serial_pairs(N, x, N, x, D),
                         serial_pairs(M, y, M, y, D));
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
  double *x, *y, dirs[2 * L], value[NUMBERS], weight[9], sd[9], *sums, total[9 * 4], *mass = reals(64 * 64);
  double  work[128];
  long   *counts = malloc(64 * 64 * sizeof(long));

  settings.directions = L;
  settings.bins       = BINS;
  preset_law("diamond", &law);
  x       = draw(&law.law, 5, N);
  y       = draw(&law.law, 6, M);
  sums    = reals(metric_blocks(N) * mode_record(9, 2));
  metrics = metrics_of(&settings, M, y, &c, &law.law);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
  ck_assert_all(value_of(metrics, "energy", value) == serial_energy(N, x, M, y, 2));
  circle_directions(L, dirs);
  ck_assert_all(value_of(metrics, "sw2", value) == serial_sliced(N, x, M, y, 2, L, dirs));
  box_histogram(N, 2, x, bins, lo, hi, counts);
  mixture_bin_masses(9, 2, law.weight, law.mean, law.var, bins, lo, hi, work, mass);
  ck_assert_all(value_of(metrics, "kl", value) == kl_to_counts(64 * 64, mass, counts, N));
  ck_assert_int_eq(mode_record(9, 2), 9 * 4);
  mode_block_sums(N, 2, x, 9, law.mean, sums);
  block_sum_total(metric_blocks(N), mode_record(9, 2), sums, total);
  mode_summary(N, 2, 9, total, weight, sd);
  ck_assert_all(value_of(metrics, "share3", value) ==
                (double)count_inside(N, 2, x, 9, law.mean, 3 * sqrt(law.var[0])) / N);
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
  double  dirs[5 * L], value[NUMBERS], share[BINS * BINS + 1];
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
  ck_call(MetricsCompute(metrics, N, own_rows(N, 3, x), value, share));
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

/* ---- floors ---- */

/* n points spread evenly over the torus at random */
static double *spread(uint64_t seed, int64_t n)
{
  double *x = reals(2 * n);

  rng_uniform((RngStream){seed, RNG_METRICS, 4}, 0, (size_t)n, 2, x);
  for (int64_t k = 0; k < 2 * n; k++) x[k] = PI * (2 * x[k] - 1);
  return x;
}

/*
  Independent sets of one law: the mean over pairs is the mean square (1/N + 1/M) E|Y - Y'| of the energy distance and
  the formula of js, 16 bins with 15 samples or more
*/
START_TEST(test_independent_pairs_have_the_mean_of_theory)
{
  enum { N = 400, M = 250, R = 200 };
  Coordinates     c        = columns(2, NULL, 2 * PI);
  MetricsSettings settings = metrics_defaults;
  const int       bins[]   = {4, 4};
  double          js[R], energy[R], js_floor = 0, energy_floor = 0, mean, err;

  settings.list = "energy,js";
  settings.bins = 4;
  for (int r = 0; r < R; r++) {
    double *x = spread(1000 + (uint64_t)r, N), *y = spread(2000 + (uint64_t)r, M), value[NUMBERS], p[4 * M];
    Metrics metrics = metrics_of(&settings, M, y, &c, NULL);
    long    count[16];

    ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), value, NULL));
    energy[r] = value[0] * value[0];
    js[r]     = value[1];
    circle_embed(M, 2, y, p);
    energy_floor += (1.0 / N + 1.0 / M) * serial_pairs(M, p, M, p, 4) / (M * (M - 1.0)) / R;
    torus_histogram(M, 2, y, bins, count);
    js_floor += js_noise_floor(16, count, count) * M / 2 * (1.0 / N + 1.0 / M) / R;
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

Suite *metrics_ranks_suite(void)
{
  Suite *suite  = suite_create("metrics_ranks");
  TCase *ranks  = tcase_create("ranks");
  TCase *floors = tcase_create("floors");

  tcase_add_test(ranks, test_same_bits_on_any_ranks);
  tcase_add_test(ranks, test_mixed_columns);
  tcase_add_test(floors, test_independent_pairs_have_the_mean_of_theory);
  suite_add_tcase(suite, ranks);
  suite_add_tcase(suite, floors);
  return suite;
}
