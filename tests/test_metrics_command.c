#include "adcommand.h"
#include "metrics_check.h"
#include "refusal.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- what is refused ---- */

static PetscErrorCode create_quietly(const MetricsSettings *settings, const MetricsReference *reference)
{
  PetscErrorCode code;
  Metrics        metrics = NULL;

  QUIET(code, MetricsCreate(settings, reference, &metrics));
  MetricsDestroy(&metrics);
  return code;
}

START_TEST(test_what_does_not_apply_is_refused)
{
  Coordinates            one = columns(1, NULL, 0), two = columns(2, NULL, 0);
  const MetricsReference line  = {8, own_rows(8, 1, square_x), &one, NULL, NULL},
                         plane = {4, own_rows(4, 2, square_x), &two, NULL, NULL},
                         none  = {1, own_rows(1, 2, square_x), &two, NULL, NULL};
  const char *const bad[]      = {"kl", "w1", "modes", "basins", "pop_C5", "energie", "energy,,sw", ","};
  MetricsSettings   settings   = metrics_defaults;

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
  listen_begin();
  fflush(stdout);
  dup2(nowhere, 1);
  code = MetricsRun(&line);
  fflush(stdout);
  dup2(terminal, 1);
  close(terminal);
  close(nowhere);
  listen_end();
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
    ck_assert(value[1][k] == single[2][k] && err[1][k] > 0); /* of one file: from its own rows */
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

/* ---- any two files ---- */

/* A table of an HDF5 file that is not of this program; a second one if it is named */
static void write_table(const char *path, const char *set, int64_t N, int64_t d, const double *x,
                        const char *second)
{
  const int64_t  dims[2] = {N, d};
  const DataInfo info    = {"row,column", "1", "test"};
  Output         out;

  ck_call(OutputOpen(path, "test", &out));
  ck_call(OutputWrite(out, set, AD_DOUBLE, 2, dims, x, &info));
  if (second) ck_call(OutputWrite(out, second, AD_DOUBLE, 2, dims, x, &info));
  ck_call(OutputClose(&out));
}

static void write_text(const char *path, int64_t N, int d, const double *x)
{
  int   rank;
  FILE *file;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) {
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int64_t r = 0; r < N; r++)
      for (int k = 0; k < d; k++) fprintf(file, "%.17g%c", x[r * d + k], k < d - 1 ? ',' : '\n');
    fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void read_values(const char *path, int n, double *value)
{
  Input in;

  ck_call(InputOpen("test", path, &in));
  ck_call(InputRead(in, "/metrics/value", AD_DOUBLE, value));
  ck_call(InputClose(&in));
  for (int k = 0; k < n; k++) ck_assert(isfinite(value[k]));
}

/* States of adiff, a table of another HDF5 file and a text file, 700 rows against 500: always the same numbers */
START_TEST(test_last_of_several_files_is_the_reference)
{
  enum { N = 700, M = 500 };
  char             *file[3][2] = {{"build/test_metrics_a.h5", "build/test_metrics_b.h5"},
                                  {"build/test_metrics_t.h5", "build/test_metrics_b.csv"},
                                  {"build/test_metrics_a.csv", "build/test_metrics_u.h5"}};
  const char *const options[]  = {"-metrics_list energy,sw2,w1_max -metrics_floor_sets 2",
                                  "-metrics_list energy,sw2,w1_max -metrics_floor_sets 2 -metrics_set rows",
                                  "-metrics_list energy,sw2,w1_max -metrics_floor_sets 0"};
  Law               law;
  Coordinates       c        = columns(2, NULL, 0);
  MetricsSettings   settings = metrics_defaults;
  Metrics           metrics;
  double           *x, *y, direct[NUMBERS], value[3];

  preset_law("diamond", &law);
  x = draw(&law.law, 60, N);
  y = draw(&law.law, 61, M);
  write_table(file[0][0], "/samples/state", N, 2, x, "/rows");
  write_table(file[0][1], "/samples/state", M, 2, y, "/others");
  write_table(file[1][0], "/rows", N, 2, x, "/others");
  write_table(file[2][1], "/table/rows", M, 2, y, NULL);
  write_text(file[1][1], M, 2, y);
  write_text(file[2][0], N, 2, x);
  settings.list = "energy,sw2,w1_max";
  metrics       = metrics_of(&settings, M, y, &c, NULL);
  ck_call(MetricsCompute(metrics, N, own_rows(N, 2, x), direct, NULL));
  for (int f = 0; f < 3; f++) {
    ck_call(run_quietly(2, file[f], options[f], "build/test_metrics.h5"));
    read_values("build/test_metrics.h5", 3, value);
    for (int k = 0; k < 3; k++) ck_assert_double_eq(value[k], direct[k]);
  }
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  free(x);
  free(y);
}
END_TEST

/* Floors from draws of the reference file itself: (1/N + 1/M) E|Y - Y'| */
START_TEST(test_floor_of_a_reference_file)
{
  enum { N = 600, M = 500 };
  char   *file[] = {"build/test_metrics_t.h5", "build/test_metrics_u.h5"};
  double *x = normals(62, N, 1), *y = normals(63, M, 1), floor[1], err[1], expected;
  Input   in;

  write_table(file[0], "/rows", N, 1, x, NULL);
  write_table(file[1], "/rows", M, 1, y, NULL);
  ck_call(run_quietly(2, file, "-metrics_list energy -metrics_floor_sets 30", "build/test_metrics.h5"));
  ck_call(InputOpen("test", "build/test_metrics.h5", &in));
  ck_call(InputRead(in, "/metrics/iid_floor", AD_DOUBLE, floor));
  ck_call(InputRead(in, "/metrics/iid_stderr", AD_DOUBLE, err));
  ck_call(InputClose(&in));
  expected = sqrt((1.0 / N + 1.0 / M) * 2 / sqrt(PI)); /* root mean square; the mean is some per cent less */
  ck_assert_double_eq_tol(floor[0], 0.93 * expected, 4 * err[0] + 0.06 * expected);
  ck_assert_double_lt(err[0], 0.1 * floor[0]);
  free(x);
  free(y);
}
END_TEST

START_TEST(test_files_that_say_too_little_are_refused)
{
  char *wide[]            = {"build/test_metrics_t.h5", "build/test_metrics_u.h5"},
       *two[]             = {"build/test_metrics_v.h5", "build/test_metrics_u.h5"},
       *single[]          = {"build/test_metrics_u.h5"};
  const char *const none  = "build/test_metrics_none.h5";
  double            x[48] = {0};

  for (int k = 0; k < 48; k++) x[k] = k;
  remove(none);
  write_table(wide[0], "/rows", 12, 4, x, NULL);
  write_table(wide[1], "/rows", 24, 2, x, NULL);
  write_table(two[0], "/rows", 24, 2, x, "/others");
  ck_assert_int_eq(run_quietly(2, wide, "", none), AD_ERR_INPUT); /* twice as wide */
  ck_assert_int_eq(run_quietly(2, two, "", none), AD_ERR_INPUT);  /* which dataset? */
  ck_assert_int_eq(run_quietly(2, two, "-metrics_set no_such", none), AD_ERR_INPUT);
  ck_assert_int_eq(
      run_quietly(1, single, "-metrics_set no_such -metrics_reference build/test_metrics_u.h5", none),
      AD_ERR_INPUT);
  ck_assert_all(access(none, F_OK) != 0);
  ck_call(run_quietly(2, two, "-metrics_set rows -metrics_list energy", "build/test_metrics.h5"));
  ck_call(run_quietly(1, single, "-metrics_reference build/test_metrics_u.h5 -metrics_list energy",
                      "build/test_metrics.h5"));
}
END_TEST

Suite *metrics_command_suite(void)
{
  Suite *suite   = suite_create("metrics_command");
  TCase *choice  = tcase_create("choice");
  TCase *table   = tcase_create("table");
  TCase *command = tcase_create("command");

  tcase_add_test(choice, test_what_does_not_apply_is_refused);
  tcase_add_test(choice, test_list_chooses_columns);
  tcase_add_test(table, test_groups_have_mean_and_standard_error);
  tcase_add_test(table, test_labels_say_once_what_they_share);
  tcase_add_test(table, test_labels_stay_apart);
  tcase_add_test(table, test_estimates_are_written_with_their_error);
  tcase_add_test(command, test_files_of_one_label_are_one_group);
  tcase_add_test(command, test_floors_of_a_file_of_rows);
  tcase_add_test(command, test_files_that_do_not_fit_are_refused);
  tcase_add_test(command, test_last_of_several_files_is_the_reference);
  tcase_add_test(command, test_floor_of_a_reference_file);
  tcase_add_test(command, test_files_that_say_too_little_are_refused);
  suite_add_tcase(suite, choice);
  suite_add_tcase(suite, table);
  suite_add_tcase(suite, command);
  return suite;
}
