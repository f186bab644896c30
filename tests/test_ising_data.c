#include "dataset_case.h"
#include "adising.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISING "-dataset_type ising "

/* x[n][d] of rows first, first + stride, ... */
static double *rows_of(Dataset dataset, DatasetSplit split, int64_t n, int64_t first, int64_t stride)
{
  const Coordinates *c;
  int64_t           *index = malloc(sizeof(*index) * (size_t)n);
  double            *x;

  DatasetGetCoordinates(dataset, &c);
  x = malloc(sizeof(*x) * (size_t)(n * c->d));
  for (int64_t r = 0; r < n; r++) index[r] = first + r * stride;
  ck_call(DatasetGetRows(dataset, split, n, index, x, NULL));
  free(index);
  return x;
}

/* ---- rows ---- */

START_TEST(test_rows_are_the_same_alone_or_in_any_order)
{
  static const char *const updates[] = {
      ISING "-dataset_ising_side 6 -dataset_ising_flips 5000",
      ISING "-dataset_ising_side 5 -dataset_ising_update cluster -dataset_ising_updates 3"};

  for (int u = 0; u < 2; u++) {
    Dataset      a = dataset_seeded(updates[u], 7), b = dataset_seeded(updates[u], 7);
    const int    d = u ? 25 : 36, n = 1300;
    const size_t bytes = sizeof(double) * (size_t)d;
    double *x = rows_of(a, SPLIT_TRAIN, n, 0, 1), *back = rows_of(b, SPLIT_TRAIN, n, n - 1, -1), *one, *all;
    int64_t mixed[] = {1299, 0, 600, 599, 1, 600, 1024};

    for (int r = 0; r < n; r++) ck_assert(!memcmp(x + r * d, back + (n - 1 - r) * d, bytes));
    for (int r = 0; r < n; r += 171) {
      one = rows_of(b, SPLIT_TRAIN, 1, r, 1);
      ck_assert(!memcmp(x + r * d, one, bytes));
      free(one);
    }
    one = malloc(7 * bytes);
    ck_call(DatasetGetRows(b, SPLIT_TRAIN, 7, mixed, one, NULL));
    for (int k = 0; k < 7; k++) ck_assert(!memcmp(x + mixed[k] * d, one + k * d, bytes));
    all = malloc(n * bytes);
    memcpy(all, x, n * bytes);
    ck_assert_all(MPI_Bcast(all, n * d, MPI_DOUBLE, 0, MPI_COMM_WORLD) == MPI_SUCCESS);
    ck_assert_all(!memcmp(all, x, n * bytes));
    free(x);
    free(back);
    free(one);
    free(all);
    ck_call(DatasetDestroy(&a));
    ck_call(DatasetDestroy(&b));
  }
}
END_TEST

/* More groups than are kept: made again, the same */
START_TEST(test_rows_come_back_when_forgotten)
{
  Dataset a     = dataset_seeded(ISING "-dataset_ising_side 2 -dataset_ising_flips 50", 7);
  double *x     = rows_of(a, SPLIT_TEST, 200, 3, ISING_GROUP);
  double *again = rows_of(a, SPLIT_TEST, 200, 3, ISING_GROUP);

  ck_assert(!memcmp(x, again, 200 * 4 * sizeof(*x)));
  free(x);
  free(again);
  ck_call(DatasetDestroy(&a));
}
END_TEST

START_TEST(test_splits_seeds_and_rows_differ)
{
  const char *options = ISING "-dataset_ising_side 16 -dataset_ising_flips 2000";
  Dataset     a = dataset_seeded(options, 7), b = dataset_seeded(options, 8);
  const int   d = 256, n = 2 * ISING_GROUP;
  double     *x[4] = {rows_of(a, SPLIT_TRAIN, n, 0, 1), rows_of(a, SPLIT_TEST, n, 0, 1),
                      rows_of(a, SPLIT_ALL, n, 0, 1), rows_of(b, SPLIT_TRAIN, n, 0, 1)};

  for (int k = 0; k < 4; k++)
    for (int l = 0; l < k; l++)
      for (int r = 0; r < n; r++)
        ck_assert(memcmp(x[k] + r * d, x[l] + r * d, sizeof(double) * (size_t)d) != 0);
  for (int r = 1; r < n; r++)
    for (int q = 0; q < r; q++)
      ck_assert(memcmp(x[0] + r * d, x[0] + q * d, sizeof(double) * (size_t)d) != 0);
  for (int k = 0; k < 4; k++) free(x[k]);
  ck_call(DatasetDestroy(&a));
  ck_call(DatasetDestroy(&b));
}
END_TEST

START_TEST(test_coordinates_are_spins_of_mean_zero)
{
  Dataset a =
      dataset_seeded(ISING "-dataset_ising_side 4 -dataset_ising_start ordered -dataset_ising_flips 1", 7);
  const Coordinates *c;
  const int          n = 4 * ISING_GROUP;
  double            *x = rows_of(a, SPLIT_TRAIN, n, 0, 1);
  int64_t            N, index = 3;
  int                label = 5;

  DatasetGetCoordinates(a, &c);
  DatasetGetSize(a, SPLIT_TRAIN, &N);
  ck_assert(N == -1 && c->d == 16 && !strcmp(c->name[15], "s16"));
  for (int i = 0; i < 16; i++) {
    double sum = 0;

    ck_assert(c->mean[i] == 0 && c->variance[i] == 1 && c->shift[i] == 0 && c->scale[i] == 1);
    for (int r = 0; r < n; r++) {
      ck_assert(fabs(x[r * 16 + i]) == 1);
      sum += x[r * 16 + i];
    }
    ck_assert_double_le(fabs(sum), 5 * sqrt(n));
  }
  free(x);
  x = malloc(16 * sizeof(*x));
  ck_call(DatasetGetRows(a, SPLIT_TRAIN, 1, &index, x, &label));
  ck_assert_int_eq(label, -1);
  free(x);
  ck_call(DatasetDestroy(&a));
}
END_TEST

/* ---- physics ---- */

typedef struct {
  double energy, energy_error, heat, heat_error, modulus, striped;
} Seen;

static Seen look_at(const char *options, int side, double T, int n)
{
  char    text[256];
  Dataset dataset;
  double *x, *e = malloc(sizeof(*e) * (size_t)n), m, correlation[65], second = 0, fourth = 0;
  Seen    seen = {0};

  snprintf(text, sizeof(text), ISING "-dataset_ising_side %d -dataset_ising_temperature %.15g %s", side, T,
           options);
  dataset = dataset_seeded(text, 11);
  x       = rows_of(dataset, SPLIT_TEST, n, 0, 1);
  for (int r = 0; r < n; r++) {
    ising_measure(side, x + r * side * side, &e[r], &m, correlation);
    seen.energy += e[r] / n;
    seen.modulus += fabs(m) / n;
    seen.striped += (fabs(m) < 0.8) / (double)n;
  }
  for (int r = 0; r < n; r++) second += pow(e[r] - seen.energy, 2) / n;
  for (int r = 0; r < n; r++) fourth += pow(e[r] - seen.energy, 4) / n;
  seen.energy_error = sqrt(second / n);
  seen.heat         = side * side / (T * T) * second;
  seen.heat_error   = side * side / (T * T) * sqrt((fourth - second * second) / n);
  free(x);
  free(e);
  ck_call(DatasetDestroy(&dataset));
  return seen;
}

static void assert_exact(const char *options, int side, double T, int n)
{
  const Seen seen = look_at(options, side, T, n);
  double     u, c;

  ising_exact(side, T, &u, &c);
  ck_assert_msg(fabs(seen.energy - u) < 4 * seen.energy_error, "%s side %d T %g: u %.5f(%.5f), exact %.5f",
                options, side, T, seen.energy, seen.energy_error, u);
  ck_assert_msg(fabs(seen.heat - c) < 4 * seen.heat_error, "%s side %d T %g: c %.4f(%.4f), exact %.4f",
                options, side, T, seen.heat, seen.heat_error, c);
}

START_TEST(test_metropolis_rows_meet_exact_energies)
{
  assert_exact("-dataset_ising_start ordered", 8, 2, 8192);
  assert_exact("", 8, 2.269185314, 8192);
  assert_exact("", 8, 2.5, 8192);
  assert_exact("", 8, 3, 8192);
  assert_exact("", 7, 3, 4096);
  assert_exact("-dataset_ising_start ordered", 16, 2, 1024);
}
END_TEST

START_TEST(test_cluster_rows_meet_exact_energies)
{
  assert_exact("-dataset_ising_update cluster", 8, 2, 8192);
  assert_exact("-dataset_ising_update cluster", 8, 2.269185314, 8192);
  assert_exact("-dataset_ising_update cluster", 8, 3, 8192);
  assert_exact("-dataset_ising_update cluster", 7, 2.5, 4096);
  assert_exact("-dataset_ising_update cluster", 2, 2.5, 4096);
}
END_TEST

/* 100 updates at Tc, side 32: what is left of the start, random or ordered, is below the error */
START_TEST(test_default_cluster_updates_forget_the_start)
{
  assert_exact("-dataset_ising_update cluster", 32, 2.269185314, 512);
  assert_exact("-dataset_ising_update cluster -dataset_ising_start ordered", 32, 2.269185314, 512);
}
END_TEST

/* After a quench whole stripes of the wrong sign remain: the paper's protocol below Tc is no equilibrium */
START_TEST(test_random_starts_freeze_into_stripes_below_tc)
{
  const Seen seen    = look_at("-dataset_ising_flips 512000", 16, 0.5, 512);
  const Seen ordered = look_at("-dataset_ising_flips 512000 -dataset_ising_start ordered", 16, 0.5, 512);
  const Seen cluster = look_at("-dataset_ising_update cluster", 16, 0.5, 512);

  ck_assert(seen.striped > 0.2 && seen.striped < 0.5);
  ck_assert_double_gt(seen.energy, -1.95);
  ck_assert(ordered.striped == 0 && cluster.striped == 0);
}
END_TEST

START_TEST(test_coldest_lattice_stays_in_its_ground_state)
{
  const Seen cold = look_at("-dataset_ising_start ordered", 8, 1e-3, 512);
  const Seen hot  = look_at("", 8, 1e9, 4096);

  ck_assert(cold.energy == -2 && cold.modulus == 1);
  ck_assert_double_le(fabs(hot.energy), 5 * hot.energy_error);
  ck_assert_double_le(fabs(hot.energy_error - sqrt(2.0 / 64 / 4096)), 1e-4);
}
END_TEST

/* ---- bad options ---- */

START_TEST(test_bad_options_are_refused)
{
  dataset_refused(ISING "-dataset_ising_side 0", "-dataset_ising_side");
  dataset_refused(ISING "-dataset_ising_side 1", "2 to 128");
  dataset_refused(ISING "-dataset_ising_side 129", "2 to 128");
  dataset_refused(ISING "-dataset_ising_side -4", "-dataset_ising_side");
  dataset_refused(ISING "-dataset_ising_side 2.5", "-dataset_ising_side");
  dataset_refused(ISING "-dataset_ising_temperature 0", "-dataset_ising_temperature: expected a number > 0");
  dataset_refused(ISING "-dataset_ising_temperature -1", "-dataset_ising_temperature");
  dataset_refused(ISING "-dataset_ising_temperature nan", "-dataset_ising_temperature");
  dataset_refused(ISING "-dataset_ising_temperature inf", "-dataset_ising_temperature");
  dataset_refused(ISING "-dataset_ising_flips 0", "-dataset_ising_flips");
  dataset_refused(ISING "-dataset_ising_flips -1", "-dataset_ising_flips");
  dataset_refused(ISING "-dataset_ising_flips 1e99", "-dataset_ising_flips");
  dataset_refused(ISING "-dataset_ising_update cluster -dataset_ising_updates 0", "-dataset_ising_updates");
  dataset_refused(ISING "-dataset_ising_update wolff", "metropolis cluster");
  dataset_refused(ISING "-dataset_ising_start up", "random ordered");
}
END_TEST

Suite *ising_data_suite(void)
{
  Suite *suite = suite_create("ising_data");
  TCase *rows = tcase_create("rows"), *physics = tcase_create("physics"), *options = tcase_create("options");

  tcase_add_test(rows, test_rows_are_the_same_alone_or_in_any_order);
  tcase_add_test(rows, test_rows_come_back_when_forgotten);
  tcase_add_test(rows, test_splits_seeds_and_rows_differ);
  tcase_add_test(rows, test_coordinates_are_spins_of_mean_zero);
  tcase_add_test(physics, test_metropolis_rows_meet_exact_energies);
  tcase_add_test(physics, test_cluster_rows_meet_exact_energies);
  tcase_add_test(physics, test_default_cluster_updates_forget_the_start);
  tcase_add_test(physics, test_random_starts_freeze_into_stripes_below_tc);
  tcase_add_test(physics, test_coldest_lattice_stays_in_its_ground_state);
  tcase_add_test(options, test_bad_options_are_refused);
  tcase_set_timeout(physics, 60);
  suite_add_tcase(suite, rows);
  suite_add_tcase(suite, physics);
  suite_add_tcase(suite, options);
  return suite;
}
