#include "metric_check.h"

#include <hdf5.h>
#include <stdio.h>
#include <string.h>

/* ---- histograms ---- */

START_TEST(test_js_known_shares)
{
  const double p[] = {0.5, 0.5, 0, 0}, q[] = {0.5, 0, 0.5, 0}, r[] = {0, 0, 0, 1};

  ck_assert_double_eq_tol(js_divergence(4, p, q), log(2.0) / 2.0, 1e-15);
  ck_assert_double_eq_tol(js_divergence(4, p, r), log(2.0), 1e-15); /* disjoint */
  ck_assert_double_eq(js_divergence(4, p, p), 0.0);
}
END_TEST

START_TEST(test_js_torus_known_samples)
{
  const double a[] = {-PI, 0, PI, 0, 0, 0, 0.1, 0.1}, b[] = {-PI, 0, 1, 1, 0, 0, -0.1, 0.1};
  const int    bins[2] = {4, 4};
  long         na[16], nb[16];
  double       p[16], q[16];

  ck_assert_int_eq(torus_histogram(4, 2, a, bins, na), 0);
  ck_assert_int_eq(torus_histogram(4, 2, b, bins, nb), 0);
  histogram_shares(16, na, p);
  histogram_shares(16, nb, q);
  ck_assert_double_eq_tol(js_divergence(16, p, q), 0.107880777169, 1e-12);
  ck_assert_double_eq(js_divergence(16, p, q), js_divergence(16, q, p));
}
END_TEST

START_TEST(test_torus_histogram_wraps_and_refuses_nan)
{
  const double x[]  = {-PI, PI, 3.0 * PI, -PI + 0.1, PI + 0.1, -PI - 0.1, 0.0, NAN, INFINITY, -INFINITY};
  const int    bins = 7;
  const long   expected[] = {5, 0, 0, 1, 0, 0, 1};
  long         counts[7];

  ck_assert_int_eq(torus_histogram(LENGTH(x), 1, x, &bins, counts), 3);
  ck_assert_mem_eq(counts, expected, sizeof(expected));
}
END_TEST

START_TEST(test_box_histogram_places_points)
{
  const double x[][2] = {{0, 10},     {0.99, 10.5}, {1, 11.999}, {2.999, 10},  {3, 10},
                         {-1e-9, 11}, {1, 12},      {NAN, 11},   {1, INFINITY}};
  const int    bins[] = {3, 4};
  const double lo[] = {0, 10}, hi[] = {3, 12};
  const long   expected[3][4] = {{1, 1, 0, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}};
  long         counts[3][4];

  ck_assert_int_eq(histogram_size(2, bins), 12);
  ck_assert_int_eq(box_histogram(LENGTH(x), 2, x[0], bins, lo, hi, counts[0]), 5);
  ck_assert_mem_eq(counts, expected, sizeof(expected));
}
END_TEST

START_TEST(test_divergence_of_empty_histogram_is_nan)
{
  const long   none[3] = {0, 0, 0};
  const double q[3]    = {0.2, 0.3, 0.5};
  double       p[3];

  histogram_shares(3, none, p);
  ck_assert(isnan(js_divergence(3, p, q)));
  ck_assert(isnan(kl_to_counts(3, p, none, 3)));
}
END_TEST

/* Uniform law: JS * 8/(1/N + 1/M) is chi-square with K - 1 degrees of freedom, sd sqrt(2 (K - 1)) */
START_TEST(test_js_noise_floor_is_mean_for_equal_laws)
{
  enum { N = 6000, M = 3000, B = 6, K = B * B, REPLICAS = 20 };
  const int bins[2] = {B, B};
  double   *u = reals(2L * (N + M)), p[K], q[K], sum = 0.0, floor_value = 0.0;
  long      a[K], b[K];

  for (int r = 0; r < REPLICAS; r++) {
    rng_uniform((RngStream){11, RNG_METRICS, (uint32_t)r}, 0, N + M, 2, u);
    for (long i = 0; i < 2L * (N + M); i++) u[i] = (2.0 * u[i] - 1.0) * PI;
    torus_histogram(N, 2, u, bins, a);
    torus_histogram(M, 2, u + 2L * N, bins, b);
    histogram_shares(K, a, p);
    histogram_shares(K, b, q);
    sum += js_divergence(K, p, q) / REPLICAS;
    floor_value = js_noise_floor(K, a, b);
  }
  ck_assert_double_eq_tol(floor_value, (K - 1) * (1.0 / N + 1.0 / M) / 8.0, 1e-15); /* all bins are filled */
  ck_assert_double_eq_tol(sum / floor_value, 1.0, 4.5 * sqrt(2.0 / ((K - 1) * REPLICAS)));
  free(u);
}
END_TEST

START_TEST(test_kl_of_hand_counts)
{
  const double p[]      = {0.5, 0.5, 0.0};
  const long   counts[] = {3, 0, 1};
  /* q = 3.5/5.5, 0.5/5.5, 1.5/5.5 with N = 4 and K = 3 */
  const double exact = 0.5 * log(0.5 * 5.5 / 3.5) + 0.5 * log(0.5 * 5.5 / 0.5);

  ck_assert_double_eq_tol(kl_to_counts(3, p, counts, 4), exact, 1e-15);
}
END_TEST

/* ---- exact laws ---- */

/* nine equal peaks of width 0.04 on a square lattice turned by 45 degrees */
static void nine_peaks(double spacing, double weights[9], double means[9][2], double vars[9][2])
{
  for (int c = 0; c < 9; c++) {
    const int    row = c / 3 - 1, column = c % 3 - 1;
    const double u = spacing * row, v = spacing * column;

    weights[c]  = 1.0 / 9.0;
    means[c][0] = (u - v) * sqrt(0.5);
    means[c][1] = (u + v) * sqrt(0.5);
    vars[c][0] = vars[c][1] = 0.04 * 0.04;
  }
}

static double *sample_nine_peaks(uint64_t seed, long n, double means[9][2])
{
  double *X = normals(seed, n, 2), *u = reals(n);

  rng_uniform((RngStream){seed, RNG_DATA, 0}, 0, (size_t)n, 1, u);
  for (long i = 0; i < n; i++) {
    const int c = (int)(9.0 * u[i]);

    for (int k = 0; k < 2; k++) X[2 * i + k] = means[c][k] + 0.04 * X[2 * i + k];
  }
  free(u);
  return X;
}

START_TEST(test_bin_masses_sum_to_one)
{
  const int    bins[] = {64, 48};
  const double lo[] = {-1.1, -1.2}, hi[] = {1.1, 1.3};
  double       weights[9], means[9][2], vars[9][2], work[64 + 48], mass[64 * 48], sum = 0.0, row = 0.0;
  double       first[9], line[64];

  nine_peaks(0.5, weights, means, vars);
  mixture_bin_masses(9, 2, weights, means[0], vars[0], bins, lo, hi, work, mass);
  for (int k = 0; k < 64 * 48; k++) sum += mass[k];
  ck_assert_double_eq_tol(sum, 1.0, 1e-13); /* the box reaches nine sigma beyond the outer peaks */
  for (int j = 0; j < 48; j++) row += mass[30 * 48 + j];
  /* summed over the second axis: the law of the first */
  for (int c = 0; c < 9; c++) first[c] = means[c][0];
  mixture_bin_masses(9, 1, weights, first, vars[0], bins, lo, hi, work, line);
  ck_assert_double_eq_tol(row / line[30], 1.0, 1e-13);
}
END_TEST

/* composite Simpson with 64 steps a side: error (h/sigma)^4/180 of the mass of 0.1, h = 1/64, sigma = 0.45: 1e-9 */
START_TEST(test_bin_masses_match_quadrature)
{
  enum { STEPS = 64 };
  const int    bins[] = {5, 4};
  const double lo[] = {-2, -1}, hi[] = {2, 3}, weights[] = {0.3, 0.7};
  const double means[2][2] = {{0.3, 1.1}, {-0.9, 0.2}}, vars[2][2] = {{0.25, 0.5}, {1.3, 0.2}};
  const double h[] = {0.8, 1.0};
  double       work[9], mass[20];

  mixture_bin_masses(2, 2, weights, means[0], vars[0], bins, lo, hi, work, mass);
  for (int b = 0; b < 20; b++) {
    const int row = b / 4, column = b % 4;
    double    sum = 0.0;

    for (int s = 0; s <= STEPS; s++) {
      for (int t = 0; t <= STEPS; t++) {
        const double x  = lo[0] + h[0] * (row + (double)s / STEPS),
                     y  = lo[1] + h[1] * (column + (double)t / STEPS);
        const double ws = (s == 0 || s == STEPS) ? 1.0 : 2.0 + 2.0 * (s % 2);
        const double wt = (t == 0 || t == STEPS) ? 1.0 : 2.0 + 2.0 * (t % 2);

        for (int c = 0; c < 2; c++) {
          const double u = x - means[c][0], v = y - means[c][1];

          sum += ws * wt * weights[c] * exp(-0.5 * (u * u / vars[c][0] + v * v / vars[c][1])) /
                 (2.0 * PI * sqrt(vars[c][0] * vars[c][1]));
        }
      }
    }
    ck_assert_double_eq_tol(mass[b], sum * h[0] * h[1] / (9.0 * STEPS * STEPS), 2e-9);
  }
}
END_TEST

/* far tails do not cancel: P(9 < z < 10) = 1.1285122074235991e-19, P(-10 < z < -9) the same */
START_TEST(test_bin_masses_keep_tails)
{
  const double one = 1.0, zero = 0.0, lo = -10.0, hi = 10.0;
  const int    bins = 20;
  double       work[21], mass[20];

  mixture_bin_masses(1, 1, &one, &zero, &one, &bins, &lo, &hi, work, mass);
  ck_assert_double_eq_tol(mass[19] / 1.1285122074235991e-19, 1.0, 1e-12);
  ck_assert_double_eq_tol(mass[0] / mass[19], 1.0, 1e-12);
  ck_assert_double_eq_tol(mass[10], 0.34134474606854293, 1e-15);
}
END_TEST

/* Samples of the law itself: measured elsewhere 0.179 and 0.183 at N = 10,000 and 0.0194 at 100,000; seeds scatter by
   0.0012 and 0.00016, five times which is the tolerance */
START_TEST(test_kl_floor_of_nine_peaks)
{
  const double spacing[] = {0.5, 0.2, 0.5}, expected[] = {0.179, 0.183, 0.0194},
               tol[]    = {0.006, 0.006, 0.0008};
  const long    sizes[] = {10000, 10000, 100000};
  const int     bins[]  = {64, 64};
  const double  lo[] = {-1.1, -1.1}, hi[] = {1.1, 1.1};
  static double mass[4096];
  static long   counts[4096];
  double        weights[9], means[9][2], vars[9][2], work[128];

  for (int k = 0; k < 3; k++) {
    double *X;

    nine_peaks(spacing[k], weights, means, vars);
    mixture_bin_masses(9, 2, weights, means[0], vars[0], bins, lo, hi, work, mass);
    X = sample_nine_peaks(20 + (uint64_t)k, sizes[k], means);
    ck_assert_int_eq(box_histogram(sizes[k], 2, X, bins, lo, hi, counts), 0);
    ck_assert_double_eq_tol(kl_to_counts(4096, mass, counts, sizes[k]), expected[k], tol[k]);
    free(X);
  }
}
END_TEST

/* ---- modes and basins ---- */

START_TEST(test_mode_summary_of_hand_placed_samples)
{
  const double centres[2][2] = {{0, 0}, {10, 0}};
  const double X[][2]        = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {10, 2}, {10, 5}, {NAN, 0}, {0, INFINITY}};
  double       totals[8], weights[2], sd[2];

  ck_assert_int_eq(mode_record(2, 2), 8);
  mode_block_sums(8, 2, X[0], 2, centres[0], totals);
  mode_summary(8, 2, 2, totals, weights, sd);
  ck_assert_double_eq(weights[0], 0.5);
  ck_assert_double_eq(weights[1], 0.25);
  ck_assert_int_eq(count_inside(8, 2, X[0], 2, centres[0], 2.0),
                   5); /* the boundary counts, what is not finite does not */
  ck_assert_double_eq_tol(sd[0], sqrt(4.0 / 6.0), 1e-15);
  ck_assert_double_eq_tol(sd[1], sqrt(4.5 / 2.0), 1e-15); /* about their own mean (10, 3.5) */
  mode_block_sums(1, 2, X[0], 2, centres[0], totals);
  mode_summary(1, 2, 2, totals, weights, sd);
  ck_assert(isnan(sd[0]) && isnan(sd[1]));
}
END_TEST

START_TEST(test_nine_peaks_share_within_three_sigma)
{
  enum { N = 20000 };
  const double sigma = 0.04, exact = 1.0 - exp(-4.5);
  double       weights[9], means[9][2], vars[9][2], *X, *sums, totals[36], shares[9], sd[9], inside;

  nine_peaks(0.5, weights, means, vars);
  X    = sample_nine_peaks(40, N, means);
  sums = reals(metric_blocks(N) * 36);
  mode_block_sums(N, 2, X, 9, means[0], sums);
  block_sum_total(metric_blocks(N), 36, sums, totals);
  mode_summary(N, 2, 9, totals, shares, sd);
  inside = (double)count_inside(N, 2, X, 9, means[0], 3.0 * sigma) / N;
  ck_assert_double_eq_tol(inside, exact, 4.5 * sqrt(exact * (1.0 - exact) / N));
  for (int c = 0; c < 9; c++) {
    ck_assert_double_eq_tol(sd[c] / sigma, 1.0, 4.5 / sqrt(4.0 * N / 9.0));
    ck_assert_double_eq_tol(shares[c], 1.0 / 9.0, 4.5 * sqrt(8.0 / 81.0 / N));
  }
  /* half the sum of nine |deviations|, at most twice its mean */
  ck_assert_double_lt(total_variation(9, shares, weights), 2.0 * 4.5 * sqrt(8.0 / 81.0 / N) * sqrt(2.0 / PI));
  free(X);
  free(sums);
}
END_TEST

START_TEST(test_total_variation_of_known_weights)
{
  const double p[] = {0.05, 0.075, 0.75, 0.075, 0.05}, q[] = {0.166, 0.207, 0.255, 0.208, 0.164},
               r[] = {1, 0}, s[] = {0, 1};

  ck_assert_double_eq_tol(total_variation(5, p, q), 0.495, 1e-15);
  ck_assert_double_eq(total_variation(2, r, s), 1.0);
  ck_assert_double_eq(total_variation(5, p, p), 0.0);
}
END_TEST

START_TEST(test_torus_centres_see_across_the_cut)
{
  const double deg        = PI / 180.0;
  const double a[][2]     = {{-60 * deg, -16 * deg},
                             {-60 * deg, -14 * deg},
                             {175 * deg, -175 * deg},
                             {-160 * deg, 159 * deg},
                             {-160 * deg, 157 * deg},
                             {-75 * deg, -200 * deg},
                             {NAN, 0}};
  const long   expected[] = {1, 1, 2};
  long         counts[ALANINE_CENTRES];

  torus_centre_counts(LENGTH(a), a[0], ALANINE_CENTRES, alanine_centres, alanine_radius, counts);
  ck_assert_mem_eq(counts, expected, sizeof(expected));
}
END_TEST

START_TEST(test_alanine_basins_cover_the_torus)
{
  const double deg = PI / 180.0, bad[] = {NAN, 0.0, 0.0, INFINITY};
  double       grid[360][2];
  long         counts[ALANINE_BASINS], areas[ALANINE_BASINS] = {0};

  for (int row = 0; row < 180; row++) {
    for (int i = 0; i < 360; i++) {
      grid[i][0] =
          (2.0 * (i % 180) - 179.0) * deg + (i < 180 ? 0.0 : 2.0 * PI); /* once as is, once wound round */
      grid[i][1] = (2.0 * row - 179.0) * deg;
    }
    alanine_basin_counts(360, grid[0], counts);
    for (int b = 0; b < ALANINE_BASINS; b++) areas[b] += counts[b];
  }
  /* in cells of 2 x 2 degrees, twice over: 60 x 180, 120 x 75, 55 x 105, the rest */
  ck_assert_int_eq(areas[BASIN_ALPHA_L], 2L * 60 * 180);
  ck_assert_int_eq(areas[BASIN_ALPHA_R], 2L * 120 * 75);
  ck_assert_int_eq(areas[BASIN_PII], 2L * 55 * 105);
  ck_assert_int_eq(areas[BASIN_C5], 2L * (120 - 55) * 105);
  alanine_basin_counts(ALANINE_CENTRES, alanine_centres[0], counts);
  ck_assert_int_eq(counts[BASIN_ALPHA_R], 1);
  ck_assert_int_eq(counts[BASIN_PII], 1);
  ck_assert_int_eq(counts[BASIN_C5], 1);
  alanine_basin_counts(2, bad, counts);
  for (int b = 0; b < ALANINE_BASINS; b++) ck_assert_int_eq(counts[b], 0);
}
END_TEST

START_TEST(test_alanine_basins_change_at_their_cuts)
{
  const double deg = PI / 180.0, eps = 0.01;
  /* (phi, psi) on a cut, the axis across it, the basins below and above */
  const struct {
    double       at[2];
    int          axis;
    AlanineBasin below, above;
  } cut[] = {{{-60, -100}, 1, BASIN_PII, BASIN_ALPHA_R}, {{-60, 50}, 1, BASIN_ALPHA_R, BASIN_PII},
             {{-110, 150}, 0, BASIN_C5, BASIN_PII},      {{0, 150}, 0, BASIN_PII, BASIN_ALPHA_L},
             {{0, 0}, 0, BASIN_ALPHA_R, BASIN_ALPHA_L},  {{120, 150}, 0, BASIN_ALPHA_L, BASIN_C5},
             {{120, 0}, 0, BASIN_ALPHA_L, BASIN_ALPHA_R}};

  for (int k = 0; k < LENGTH(cut); k++) {
    for (int side = -1; side <= 1; side += 2) {
      double angles[2] = {cut[k].at[0], cut[k].at[1]};
      long   counts[ALANINE_BASINS];

      angles[cut[k].axis] += side * eps;
      for (int a = 0; a < 2; a++) angles[a] *= deg;
      alanine_basin_counts(1, angles, counts);
      ck_assert_int_eq(counts[side < 0 ? cut[k].below : cut[k].above], 1);
    }
  }
}
END_TEST

/* the trajectory's file states populations and their errors from ten time blocks */
START_TEST(test_alanine_basins_reproduce_the_trajectory)
{
  enum { BLOCKS = 10 };
  const char *path                       = "inputs/data/alanine_dipeptide.h5";
  FILE       *probe                      = fopen(path, "rb");
  double      population[ALANINE_BASINS] = {0}, error[ALANINE_BASINS] = {0};
  double      share[ALANINE_BASINS][BLOCKS], *angles;
  hid_t       file, set, space;
  long        n;

  if (!probe) {
    printf("SKIP test_alanine_basins_reproduce_the_trajectory: no %s\n", path);
    return;
  }
  fclose(probe);
  file   = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  set    = H5Dopen2(file, "phi_psi", H5P_DEFAULT);
  space  = H5Dget_space(set);
  n      = (long)H5Sget_simple_extent_npoints(space) / 2;
  angles = reals(2 * n);
  ck_assert_int_ge(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, angles), 0);
  for (int k = 0; k < 2; k++) {
    hid_t attribute = H5Aopen(file, k ? "basin_block_stderr" : "basin_population", H5P_DEFAULT);

    ck_assert_int_ge(H5Aread(attribute, H5T_NATIVE_DOUBLE, k ? error : population), 0);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
  for (int b = 0; b < BLOCKS; b++) {
    long begin, end, counts[ALANINE_BASINS];

    metric_split(n, b, BLOCKS, &begin, &end);
    alanine_basin_counts(end - begin, angles + 2 * begin, counts);
    for (int k = 0; k < ALANINE_BASINS; k++) share[k][b] = (double)counts[k] / (double)(end - begin);
  }
  for (int k = 0; k < ALANINE_BASINS; k++) {
    double mean, err;

    mean_stderr(BLOCKS, share[k], &mean, &err);
    ck_assert_double_eq_tol(mean, population[k], 1e-14);
    ck_assert_double_eq_tol(err, error[k], 1e-14);
  }
  free(angles);
}
END_TEST

Suite *metric_bins_suite(void)
{
  Suite *suite = suite_create("metric_bins");
  TCase *bins  = tcase_create("histograms");
  TCase *modes = tcase_create("modes");

  tcase_add_test(bins, test_js_known_shares);
  tcase_add_test(bins, test_js_torus_known_samples);
  tcase_add_test(bins, test_torus_histogram_wraps_and_refuses_nan);
  tcase_add_test(bins, test_box_histogram_places_points);
  tcase_add_test(bins, test_divergence_of_empty_histogram_is_nan);
  tcase_add_test(bins, test_js_noise_floor_is_mean_for_equal_laws);
  tcase_add_test(bins, test_kl_of_hand_counts);
  tcase_add_test(bins, test_bin_masses_sum_to_one);
  tcase_add_test(bins, test_bin_masses_match_quadrature);
  tcase_add_test(bins, test_bin_masses_keep_tails);
  tcase_add_test(bins, test_kl_floor_of_nine_peaks);
  tcase_add_test(modes, test_mode_summary_of_hand_placed_samples);
  tcase_add_test(modes, test_nine_peaks_share_within_three_sigma);
  tcase_add_test(modes, test_total_variation_of_known_weights);
  tcase_add_test(modes, test_torus_centres_see_across_the_cut);
  tcase_add_test(modes, test_alanine_basins_cover_the_torus);
  tcase_add_test(modes, test_alanine_basins_change_at_their_cuts);
  tcase_add_test(modes, test_alanine_basins_reproduce_the_trajectory);
  suite_add_tcase(suite, bins);
  suite_add_tcase(suite, modes);
  return suite;
}
