#include "ad_check.h"
#include "refusal.h"
#include "adbase.h"
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "build/test_base.h5"

static int world(int *rank)
{
  int size;

  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

START_TEST(test_split_covers_every_row_once)
{
  for (int64_t N = 0; N < 40; N++)
    for (int64_t block = 1; block < 6; block++) {
      int64_t first, n, sum, rank_first;
      ck_call(AdSplitRows(N, block, &first, &n));
      MPI_Allreduce(&n, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
      rank_first = 0;
      MPI_Exscan(&n, &rank_first, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
      ck_assert_all(sum == N && n >= 0 && (n == 0 || first == rank_first) && (first % block == 0 || n == 0));
    }
}
END_TEST

static double term(int64_t k, int j)
{
  return sin((double)k * 1.7 + j) * pow(10, (double)(k % 9));
}

/* Halves first: blocks from `first`, as many as the power of two `length` and `blocks` allow */
static double tree_sum(int64_t first, int64_t length, int64_t blocks, int j)
{
  const int64_t middle = first + length / 2;

  if (length == 1) return term(first, j);
  return middle < blocks ? tree_sum(first, length / 2, blocks, j) + tree_sum(middle, length / 2, blocks, j)
                         : tree_sum(first, length / 2, blocks, j);
}

/* Whoever holds them: shares as equal as can be, or all but a few on the last rank */
START_TEST(test_block_sums_have_the_bits_of_one_tree)
{
  double local[2 * 300], total[2];
  int    rank, size;

  world(&rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int64_t blocks = 1; blocks < 300; blocks += blocks < 40 ? 1 : 37)
    for (int uneven = 0; uneven < 2; uneven++) {
      const int64_t few = blocks / (3 * size);
      int64_t       first, n;

      ck_call(AdSplitRows(blocks, 1, &first, &n));
      if (uneven) first = few * rank;
      if (uneven) n = rank < size - 1 ? few : blocks - first;
      for (int64_t k = 0; k < n; k++)
        for (int j = 0; j < 2; j++) local[2 * k + j] = term(first + k, j);
      ck_call(AdSumBlocks(blocks, n, 2, local, total));
      ck_assert_all(total[0] == tree_sum(0, 512, blocks, 0) && total[1] == tree_sum(0, 512, blocks, 1));
    }
}
END_TEST

START_TEST(test_shared_array_shows_all_ranks_what_rank_zero_wrote)
{
  SharedArray a;
  double     *x;
  int         rank, good = 1;

  world(&rank);
  ck_call(SharedArrayCreate(1000, sizeof(double), &a));
  x = a.data;
  for (int i = 0; i < 1000 && !rank; i++) x[i] = i * 0.5;
  ck_call(SharedArrayPublish(&a));
  for (int i = 0; i < 1000; i++) good = good && x[i] == i * 0.5;
  ck_assert_all(good);
  ck_call(SharedArrayDestroy(&a));
}
END_TEST

/* Set one option, read it by a getter, clear it; the code of the getter. */
static PetscErrorCode read_real(const char *text, OptRange range, double *value)
{
  PetscErrorCode code;

  PetscOptionsSetValue(NULL, "-test_real", text);
  QUIET(code, OptReal("-test_real", "a test", range, value, NULL));
  PetscOptionsClearValue(NULL, "-test_real");
  return code;
}

START_TEST(test_getters_refuse_what_is_out_of_range_or_no_number)
{
  double v = 3;

  ck_assert_int_eq(read_real("2.5e-3", RANGE_POSITIVE, &v), 0);
  ck_assert_double_eq(v, 2.5e-3);
  ck_assert_int_eq(read_real("abc", RANGE_ANY, &v), AD_ERR_INPUT);
  ck_assert_int_eq(read_real("1.5x", RANGE_ANY, &v), AD_ERR_INPUT);
  ck_assert_int_eq(read_real("nan", RANGE_ANY, &v), AD_ERR_INPUT);
  ck_assert_int_eq(read_real("inf", RANGE_ANY, &v), AD_ERR_INPUT);
  ck_assert_int_eq(read_real("0", RANGE_POSITIVE, &v), AD_ERR_INPUT);
  ck_assert_int_eq(read_real("0", RANGE_NONNEGATIVE, &v), 0);
  ck_assert_int_eq(read_real("-1e-300", RANGE_NONNEGATIVE, &v), AD_ERR_INPUT);
  ck_assert_int_eq(read_real("1", RANGE_UNIT, &v), 0);
  ck_assert_int_eq(read_real("1.0000001", RANGE_UNIT, &v), AD_ERR_INPUT);
}
END_TEST

START_TEST(test_whole_numbers_and_lists_are_checked)
{
  PetscInt       n = 7, count = 0;
  double         list[12];
  PetscErrorCode code;

  PetscOptionsSetValue(NULL, "-test_int", "2.5");
  QUIET(code, OptInt("-test_int", "a test", RANGE_POSITIVE, &n, NULL));
  ck_assert_int_eq(code, AD_ERR_INPUT);
  PetscOptionsSetValue(NULL, "-test_int", "1e5");
  ck_call(OptInt("-test_int", "a test", RANGE_POSITIVE, &n, NULL));
  ck_assert_int_eq(n, 100000);
  PetscOptionsSetValue(NULL, "-test_list", "1,0.01:1:3:log,5");
  ck_call(OptRealList("-test_list", "a test", RANGE_POSITIVE, 12, list, &count, NULL));
  ck_assert_int_eq(count, 5);
  ck_assert_double_eq_tol(list[2], 0.1, 1e-15);
  ck_assert_double_eq(list[4], 5);
  PetscOptionsSetValue(NULL, "-test_list", "1:2:50");
  QUIET(code, OptRealList("-test_list", "a test", RANGE_POSITIVE, 12, list, &count, NULL));
  ck_assert_int_eq(code, AD_ERR_INPUT);
  PetscOptionsClearValue(NULL, "-test_int");
  PetscOptionsClearValue(NULL, "-test_list");
}
END_TEST

START_TEST(test_sweep_spans_the_grid_and_bundles_keys)
{
  Sweep     sweep;
  PetscReal tau = 0, k          = 0;
  char      name[64], noise[16] = "";

  PetscOptionsSetValue(NULL, "-sweep_noise", "process_type=passive,process_type=active;process_tau=0.25");
  PetscOptionsSetValue(NULL, "-sweep_process_k", "1,2,3");
  ck_call(SweepCreate(&sweep));
  ck_assert_int_eq(sweep.npoints, 6);
  ck_call(SweepApply(&sweep, 5));
  PetscOptionsGetReal(NULL, NULL, "-process_tau", &tau, NULL);
  PetscOptionsGetReal(NULL, NULL, "-process_k", &k, NULL);
  PetscOptionsGetString(NULL, NULL, "-process_type", noise, sizeof(noise), NULL);
  ck_assert_double_eq(tau, 0.25);
  ck_assert_double_eq(k, 3);
  ck_assert_str_eq(noise, "active");
  ck_call(SweepOutputName(&sweep, 5, "a.b/c.h5", sizeof(name), name));
  ck_assert_str_eq(name, "a.b/c_p005.h5");
  ck_call(SweepDestroy(&sweep));
  PetscOptionsClear(NULL);
}
END_TEST

/* Rows r of value r + 0.25 on any number of ranks. */
static void write_file(int64_t N)
{
  const DataInfo info    = {"row,column", "1", "a test"};
  const int64_t  dims[2] = {N, 3};
  int64_t        first, n;
  double        *rows, scalar = 42.5;
  Output         out;

  ck_call(AdSplitRows(N, 1, &first, &n));
  rows = malloc(sizeof(double) * (size_t)(3 * n + 1));
  for (int64_t i = 0; i < 3 * n; i++) rows[i] = (double)(3 * first + i) + 0.25;
  ck_call(OutputOpen(FILE_NAME, "test", &out));
  ck_call(OutputWriteRows(out, "/deep/group/rows", AD_DOUBLE, 2, dims, first, n, rows, &info));
  ck_call(OutputWrite(out, "/scalar", AD_DOUBLE, 0, NULL, &scalar, &info));
  ck_call(OutputAttrString(out, "/deep", "note", "a text"));
  ck_call(OutputClose(&out));
  free(rows);
}

START_TEST(test_files_are_read_back_and_appear_whole)
{
  const int64_t N = 11;
  double        all[33], part[33], scalar = 0;
  int64_t       first, n, dims[2];
  char          note[16];
  int           good = 1;
  PetscBool     found;
  Input         in;

  write_file(N);
  ck_assert_all(access(FILE_NAME ".part", F_OK) != 0);
  ck_call(InputOpen("test", FILE_NAME, &in));
  ck_call(InputGetDims(in, "/deep/group/rows", 2, dims));
  ck_assert_all(dims[0] == N && dims[1] == 3);
  ck_call(InputRead(in, "/deep/group/rows", AD_DOUBLE, all));
  ck_call(AdSplitRows(N, 1, &first, &n));
  ck_call(InputReadRows(in, "/deep/group/rows", AD_DOUBLE, first, n, part));
  for (int i = 0; i < 33; i++) good = good && all[i] == i + 0.25;
  for (int64_t i = 0; i < 3 * n; i++) good = good && part[i] == all[3 * first + i];
  ck_call(InputRead(in, "/scalar", AD_DOUBLE, &scalar));
  ck_assert_all(good && scalar == 42.5);
  ck_call(InputAttrString(in, "/deep", "note", sizeof(note), note, &found));
  ck_assert_all(found && !strcmp(note, "a text"));
  ck_call(InputClose(&in));
}
END_TEST

START_TEST(test_missing_short_and_foreign_files_are_input_errors)
{
  PetscErrorCode code;
  int            rank;
  Input          in;

  world(&rank);
  write_file(500);
  QUIET(code, InputOpen("test", "build/no_such_file.h5", &in));
  ck_assert_all(code == AD_ERR_INPUT);
  if (!rank) ck_assert_int_eq(truncate(FILE_NAME, 5000), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  QUIET(code, InputOpen("test", FILE_NAME, &in));
  ck_assert_all(code == AD_ERR_INPUT);
  if (!rank) {
    FILE *f = fopen(FILE_NAME, "w");
    fputs("this is no HDF5 file\n", f);
    fclose(f);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  QUIET(code, InputOpen("test", FILE_NAME, &in));
  ck_assert_all(code == AD_ERR_INPUT);
  write_file(4);
  ck_call(InputOpen("test", FILE_NAME, &in));
  QUIET(code, InputRead(in, "/nothing/here", AD_DOUBLE, NULL));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(InputClose(&in));
}
END_TEST

START_TEST(test_output_without_permission_is_an_input_error)
{
  PetscErrorCode code;
  Output         out;

  QUIET(code, OutputOpen("/proc/no/such/folder/a.h5", "test", &out));
  ck_assert_all(code == AD_ERR_INPUT);
}
END_TEST

Suite *base_suite(void)
{
  Suite *suite = suite_create("base");
  TCase *tc    = tcase_create("base");

  tcase_add_test(tc, test_split_covers_every_row_once);
  tcase_add_test(tc, test_block_sums_have_the_bits_of_one_tree);
  tcase_add_test(tc, test_shared_array_shows_all_ranks_what_rank_zero_wrote);
  tcase_add_test(tc, test_getters_refuse_what_is_out_of_range_or_no_number);
  tcase_add_test(tc, test_whole_numbers_and_lists_are_checked);
  tcase_add_test(tc, test_sweep_spans_the_grid_and_bundles_keys);
  tcase_add_test(tc, test_files_are_read_back_and_appear_whole);
  tcase_add_test(tc, test_missing_short_and_foreign_files_are_input_errors);
  tcase_add_test(tc, test_output_without_permission_is_an_input_error);
  suite_add_tcase(suite, tc);
  return suite;
}
