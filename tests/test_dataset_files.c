#include "dataset_case.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Up to two tables [rows][columns] x in one file, and a vector */
static void write_tables(const char *path, const char *first, const char *second, int64_t rows,
                         int64_t columns, const double *x)
{
  const DataInfo info    = {"", "1", "test"};
  const int64_t  dims[2] = {rows, columns};
  Output         out;

  ck_call(OutputOpen(path, "test", &out));
  ck_call(OutputWrite(out, "/vector", AD_DOUBLE, 1, dims, x, &info));
  if (first) ck_call(OutputWrite(out, first, AD_DOUBLE, 2, dims, x, &info));
  if (second) ck_call(OutputWrite(out, second, AD_DOUBLE, 2, dims, x, &info));
  ck_call(OutputClose(&out));
}

/* ---- coordinates ---- */

static void fill_coordinates(Coordinates *c)
{
  ck_call(CoordinatesAllocate(3, c));
  for (int i = 0; i < 3; i++) {
    snprintf(c->name[i], sizeof(c->name[i]), "column %d", i);
    c->shift[i]    = 0.3 - i;
    c->scale[i]    = 0.5 + i;
    c->mean[i]     = 0.1 * i;
    c->variance[i] = 1 + i;
  }
  c->period[1] = 2 * PI;
  c->cut[1]    = -4.2;
  c->period[2] = 360;
  c->cut[2]    = -100;
}

START_TEST(test_restoring_undoes_standardising)
{
  enum { N = 2001 };
  Coordinates c;
  double     *raw = malloc(sizeof(double) * 3 * N), *x = malloc(sizeof(double) * 3 * N);
  int         range = 1, same = 1;

  fill_coordinates(&c);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < 3; i++) {
      const double whole = c.period[i] > 0 ? c.period[i] : 50;

      raw[3 * r + i] = (r / (double)N - 0.5) * whole;
      x[3 * r + i]   = raw[3 * r + i] + (r % 5 - 2) * c.period[i];
    }
  coordinates_standardise(&c, N, x);
  for (int r = 0; r < N; r++)
    for (int i = 1; i < 3; i++) {
      const double u = x[3 * r + i] * c.scale[i] + c.shift[i];

      range = range && u > c.cut[i] - 1e-12 && u < c.cut[i] + c.period[i] + 1e-12;
    }
  ck_assert(range);
  coordinates_restore(&c, N, x);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < 3; i++) { /* rounding of some 800, the largest angle of three turns */
      double gap = fabs(x[3 * r + i] - raw[3 * r + i]);

      if (c.period[i] > 0) {
        gap  = fmin(gap, fabs(gap - c.period[i]));
        same = same && x[3 * r + i] >= -c.period[i] / 2 && x[3 * r + i] < c.period[i] / 2;
      }
      same = same && gap < 1e-12;
    }
  ck_assert(same);
  free(raw);
  free(x);
  ck_call(CoordinatesFree(&c));
}
END_TEST

/* The half-open ranges hold at their very ends, where x - period floor(...) rounds out of them */
START_TEST(test_wrapping_holds_at_the_ends)
{
  Coordinates  c;
  const double ends[] = {PI, -PI, nextafter(-PI, -4), nextafter(PI, 0), -1e-300, -1e-17, 3 * PI, 1e15};
  double       x[3]   = {0, 0, 0};

  fill_coordinates(&c);
  c.shift[1] = 0;
  c.scale[1] = 1;
  for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
    for (int at_zero = 0; at_zero < 2; at_zero++) {
      c.cut[1] = at_zero ? 0 : -PI;
      x[1]     = ends[k];
      coordinates_standardise(&c, 1, x);
      ck_assert(x[1] >= c.cut[1] && x[1] < c.cut[1] + c.period[1]);
      x[1] = ends[k];
      coordinates_restore(&c, 1, x);
      ck_assert(x[1] >= -PI && x[1] < PI);
    }
  ck_call(CoordinatesFree(&c));
}
END_TEST

static int equal_coordinates(const Coordinates *a, const Coordinates *b)
{
  const size_t size = sizeof(double) * (size_t)a->d;

  return a->d == b->d && !memcmp(a->name, b->name, 32 * (size_t)a->d) && !memcmp(a->shift, b->shift, size) &&
         !memcmp(a->scale, b->scale, size) && !memcmp(a->period, b->period, size) &&
         !memcmp(a->cut, b->cut, size) && !memcmp(a->mean, b->mean, size) &&
         !memcmp(a->variance, b->variance, size);
}

START_TEST(test_coordinates_survive_copy_and_file)
{
  Coordinates c, copy, again;
  Output      out;
  Input       in;

  fill_coordinates(&c);
  ck_call(CoordinatesCopy(&c, &copy));
  ck_assert(equal_coordinates(&c, &copy));
  ck_call(OutputOpen("build/test_coordinates.h5", "test", &out));
  ck_call(CoordinatesWrite(&c, out));
  ck_call(OutputClose(&out));
  ck_call(InputOpen("test", "build/test_coordinates.h5", &in));
  ck_call(CoordinatesRead(in, &again));
  ck_call(InputClose(&in));
  ck_assert_all(equal_coordinates(&c, &again));
  ck_call(CoordinatesFree(&c));
  ck_call(CoordinatesFree(&copy));
  ck_call(CoordinatesFree(&again));
}
END_TEST

/* An even circle with one empty gap, anywhere, also across the ends of the range: the cut is its middle to a bin */
START_TEST(test_cut_is_in_the_middle_of_the_gap)
{
  const double width = 0.3 * 360, bin_width = 360.0 / CIRCLE_BINS;

  for (int place = 0; place < 50; place++) {
    const double middle           = -180 + place * 7.3;
    int64_t      bin[CIRCLE_BINS] = {0};
    double       cut, miss;

    for (int k = 0; k < 5000; k++)
      circle_count(middle + width / 2 + (360 - width) * (k + 0.5) / 5000, 360, bin);
    cut  = circle_cut(bin, 360);
    miss = remainder(cut - middle, 360);
    ck_assert(cut >= -360 && cut < 0);
    ck_assert_msg(fabs(miss) <= bin_width, "gap at %g, cut at %g", middle, cut);
  }
}
END_TEST

/* ---- rows from files ---- */

/* Every row once; training and test rows apart; the ends of the stretches are held out */
START_TEST(test_split_covers_all_rows_exactly_once)
{
  enum { N = 103 };
  char    text[16 * N] = "";
  Dataset dataset;
  double *all, *train, *test;
  int64_t size[3];
  int     seen[N] = {0};

  for (int r = 0; r < N; r++) snprintf(text + strlen(text), 16, "%d\n", r);
  write_text("build/test_rows.csv", text);
  dataset = dataset_of("-dataset_type file -dataset_file build/test_rows.csv -dataset_standardise none "
                       "-dataset_test_blocks 7 -dataset_test_fraction 0.3");
  for (int s = 0; s < 3; s++) ck_call(DatasetGetSize(dataset, (DatasetSplit)s, &size[s]));
  ck_assert(size[SPLIT_ALL] == N && size[SPLIT_TRAIN] + size[SPLIT_TEST] == N);
  train = dataset_rows(dataset, SPLIT_TRAIN, size[SPLIT_TRAIN], NULL);
  test  = dataset_rows(dataset, SPLIT_TEST, size[SPLIT_TEST], NULL);
  all   = dataset_rows(dataset, SPLIT_ALL, N, NULL);
  for (int64_t r = 0; r < N; r++) ck_assert(all[r] == (double)r);
  for (int64_t r = 0; r < size[SPLIT_TRAIN]; r++) seen[(int)train[r]] += 1;
  for (int64_t r = 0; r < size[SPLIT_TEST]; r++) seen[(int)test[r]] += 10;
  for (int k = 0; k < 7; k++) {
    const int first = N * k / 7, end = N * (k + 1) / 7, held_out = (int)(0.3 * (end - first));

    for (int r = first; r < end; r++) ck_assert_int_eq(seen[r], r < end - held_out ? 1 : 10);
  }
  free(train);
  free(test);
  free(all);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_training_rows_are_standardised)
{
  enum { N = 400 };
  char        text[64 * N] = "a b\n";
  const char *ways[]       = {"sd", "range", "none"};

  for (int r = 0; r < N; r++)
    snprintf(text + strlen(text), 64, "%.17g %.17g\n", 5 + 3 * sin(r * 1.1), 1e6 + r * r % 97);
  write_text("build/test_scale.csv", text);
  for (int way = 0; way < 3; way++) {
    char               options[256];
    Dataset            dataset;
    const Coordinates *c;
    int64_t            n;
    double            *x, mean[2] = {0, 0}, square[2] = {0, 0}, low[2] = {9e9, 9e9}, high[2] = {-9e9, -9e9};

    snprintf(options, sizeof(options),
             "-dataset_type file -dataset_file build/test_scale.csv -dataset_standardise %s", ways[way]);
    dataset = dataset_of(options);
    DatasetGetCoordinates(dataset, &c);
    ck_call(DatasetGetSize(dataset, SPLIT_TRAIN, &n));
    x = dataset_rows(dataset, SPLIT_TRAIN, n, NULL);
    for (int64_t r = 0; r < n; r++)
      for (int i = 0; i < 2; i++) {
        mean[i] += x[2 * r + i] / (double)n;
        low[i]  = fmin(low[i], x[2 * r + i]);
        high[i] = fmax(high[i], x[2 * r + i]);
      }
    for (int64_t r = 0; r < n; r++)
      for (int i = 0; i < 2; i++) square[i] += pow(x[2 * r + i] - mean[i], 2) / (double)n;
    for (int i = 0; i < 2; i++) { /* 1e-10: rounding of the numbers around 1e6 in units of their spread */
      const double size = way == 2 ? 1e6 : 1;

      ck_assert(fabs(c->mean[i] - mean[i]) < 1e-10 * size);
      ck_assert_close(c->variance[i], square[i], 1e-9);
      if (way == 0) ck_assert(fabs(mean[i]) < 1e-10 && fabs(square[i] - 1) < 1e-9);
      if (way == 1) ck_assert(fabs(low[i] + 1) < 1e-10 && fabs(high[i] - 1) < 1e-10);
      if (way == 2) ck_assert(c->shift[i] == 0 && c->scale[i] == 1);
    }
    free(x);
    ck_call(DatasetDestroy(&dataset));
  }
}
END_TEST

/* The trajectory in the tree: shape, names, and cuts where hardly a frame is (psi has no empty region) */
START_TEST(test_alanine_is_cut_in_empty_regions)
{
  Dataset            dataset = dataset_of(ALANINE "-dataset_period 6.283185307179586");
  const Coordinates *c;
  int64_t            n;
  double            *x, near[2] = {0, 0};

  DatasetGetCoordinates(dataset, &c);
  ck_call(DatasetGetSize(dataset, SPLIT_ALL, &n));
  ck_assert(n == 33731 && c->d == 2);
  ck_assert_str_eq(c->name[0], "phi");
  ck_assert_str_eq(c->name[1], "psi");
  x = dataset_rows(dataset, SPLIT_ALL, n, NULL);
  coordinates_restore(c, n, x);
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < 2; i++) near[i] += fabs(remainder(x[2 * r + i] - c->cut[i], 2 * PI)) < PI / 18;
  ck_assert(near[0] == 0);                           /* phi: none within 10 degrees */
  ck_assert(near[1] < 0.03 * (double)n * 20 / 360);  /* psi: 3% of an even spread */
  ck_assert(fabs(c->cut[1] + 100 * PI / 180) < 0.2); /* psi: the pass near -100 degrees */
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Restored rows are the numbers of the file, to the rounding of standardising; the wide table is read in pieces */
START_TEST(test_alanine_rows_are_those_of_the_file)
{
  static const struct {
    const char *options, *name;
    int         D, column[2], stride;
    double      period;
  } cases[] = {
      {ALANINE "-dataset_period 6.283185307179586 -dataset_stride 3", "phi_psi", 2, {0, 1}, 3, 2 * PI},
      {ALANINE "-dataset_name internal -dataset_columns 24,1 -dataset_stride 4",
       "internal",
       25,
       {24, 1},
       4,
       9e9}};
  const int          D = cases[_i].D, stride = cases[_i].stride;
  Dataset            dataset = dataset_of(cases[_i].options);
  const Coordinates *c;
  Input              in;
  int64_t            n;
  double            *x, *raw = malloc(sizeof(double) * 25 * 33731), worst = 0;

  ck_call(InputOpen("test", "inputs/data/alanine_dipeptide.h5", &in));
  ck_call(InputRead(in, cases[_i].name, AD_DOUBLE, raw));
  ck_call(InputClose(&in));
  DatasetGetCoordinates(dataset, &c);
  ck_call(DatasetGetSize(dataset, SPLIT_ALL, &n));
  ck_assert_int_eq(n, (33731 + stride - 1) / stride);
  x = dataset_rows(dataset, SPLIT_ALL, n, NULL);
  coordinates_restore(c, n, x);
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < 2; i++)
      worst = fmax(
          worst, fabs(remainder(x[2 * r + i] - raw[r * stride * D + cases[_i].column[i]], cases[_i].period)));
  ck_assert_all(worst < 1e-14);
  free(x);
  free(raw);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* A list of periods and cuts goes column by column; a single cut serves all periodic columns; the rest stay as they are */
START_TEST(test_each_column_has_its_own_period_and_cut)
{
  const char *const file = "-dataset_type file -dataset_file build/test_mixed.csv -dataset_test_fraction 0 "
                           "-dataset_test_blocks 1 -dataset_period 0,360,10 -dataset_standardise none ";
  static const struct {
    const char *cut;
    double      expected[3];
  } cases[] = {
      {"", {0, -180, -5}}, {"-dataset_cut auto,90,auto", {0, 90, -5}}, {"-dataset_cut -2", {0, -2, -2}}};
  char               text[64 * 72] = "", options[512];
  Dataset            dataset;
  const Coordinates *c;
  double            *x;

  for (int r = 0; r < 60; r++) /* empty around +-180 and around +-5 */
    snprintf(text + strlen(text), 64, "%d,%g,%g\n", 500 + r, -147.5 + 5 * r, -4 + 8.0 / 59 * r);
  write_text("build/test_mixed.csv", text);
  snprintf(options, sizeof(options), "%s%s", file, cases[_i].cut);
  dataset = dataset_of(options);
  DatasetGetCoordinates(dataset, &c);
  for (int i = 0; i < 3; i++)
    ck_assert(fabs(c->cut[i] - cases[_i].expected[i]) <= c->period[i] / CIRCLE_BINS);
  x = dataset_rows(dataset, SPLIT_ALL, 60, NULL);
  for (int r = 0; r < 60; r++) {
    ck_assert(x[3 * r] == 500 + r);
    for (int i = 1; i < 3; i++)
      ck_assert(x[3 * r + i] >= c->cut[i] && x[3 * r + i] < c->cut[i] + c->period[i]);
  }
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

static const double six[6] = {1.5, -2, 3e-2, 4, 50, 6};

START_TEST(test_tables_are_read_in_every_dress)
{
  static const char *const text[] = {
      "1.5,-2\n3e-2,4\n50,6\n", "a;b\r\n1.5;-2\r\n3e-2;4\r\n50;6",
      "# made by hand\n\n\"a\"\t\"b\"\n1.5\t-2\n# half way\n3e-2\t4\n50\t6\n\n",
      "  a   b\n  1.5  -2 \n3e-2 4\n 50\t6\n",
      "\xef\xbb\xbf"
      "a, b (second)\n 1.5 , -2\n3e-2,4\n50,6\n"};
  const char *const  options = "-dataset_type file -dataset_file build/test_table.csv -dataset_standardise "
                               "none -dataset_test_blocks 1";
  Dataset            dataset;
  const Coordinates *c;
  int64_t            n;
  double            *x;

  write_text("build/test_table.csv", text[_i]);
  dataset = dataset_of(options);
  DatasetGetCoordinates(dataset, &c);
  ck_call(DatasetGetSize(dataset, SPLIT_ALL, &n));
  ck_assert(n == 3 && c->d == 2);
  ck_assert_str_eq(c->name[1], _i ? "b" : "x2");
  x = dataset_rows(dataset, SPLIT_ALL, n, NULL);
  ck_assert_all(!memcmp(x, six, sizeof(six)));
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_bad_text_files_are_refused)
{
  static const struct {
    const char *text, *parts;
  } bad[] = {{"1,2\n3,4\n5,6,7\n", "test_bad.csv|line 3|2 cells|found 3"},
             {"a,b\n1,2\n\n3\n", "line 4|2 cells|found 1"},
             {"1,2\n3,four\n", "line 2|'four'"},
             {"1,2\n3,\n", "line 2|''"},
             {"1,2\nnan,4\n", "line 2|finite|'nan'"},
             {"1,b\n3,4\n", "line 1|'b'"},
             {"1,2\n1e999,4\n", "line 2|'1e999'"},
             {"a,b\n# nothing\n", "no line of numbers"},
             {"", "the file is empty"}};

  write_text("build/test_bad.csv", bad[_i].text);
  dataset_refused("-dataset_type file -dataset_test_blocks 1 -dataset_file build/test_bad.csv",
                  bad[_i].parts);
}
END_TEST

START_TEST(test_files_of_another_kind_are_refused)
{
  char *half = malloc(4000);

  memset(half, 0, 4000);
  dataset_refused("-dataset_type file", "-dataset_file");
  dataset_refused("-dataset_type file -dataset_file build/no_such_file.h5",
                  "build/no_such_file.h5|No such file");
  dataset_refused("-dataset_type file -dataset_file build/no_such_file.csv",
                  "build/no_such_file.csv|No such file");
  write_text("build/test_foreign.h5", "1,2\n3,4\n");
  dataset_refused("-dataset_type file -dataset_file build/test_foreign.h5", "test_foreign.h5|HDF5");
  if (!rank_here()) { /* the head of a good file */
    FILE *file = fopen("inputs/data/alanine_dipeptide.h5", "rb");

    if (file) {
      ck_assert(fread(half, 1, 4000, file) == 4000);
      fclose(file);
    }
  }
  write_bytes("build/test_short.h5", half, 4000);
  dataset_refused("-dataset_type file -dataset_file build/test_short.h5", "test_short.h5|cut short");
  write_bytes("build/test_binary.csv", half, 4000);
  dataset_refused("-dataset_type file -dataset_file build/test_binary.csv", "test_binary.csv|no text");
  free(half);
}
END_TEST

START_TEST(test_unclear_or_unfit_datasets_are_refused)
{
  const double holes[6] = {1, 2, 3, 4, INFINITY, 6};
  const char  *options  = "-dataset_type file -dataset_test_blocks 1 -dataset_file build/test_tables.h5 ";
  char         with[256];

  write_tables("build/test_tables.h5", "/one", "/deep/two", 3, 2, six);
  dataset_refused(options, "-dataset_name|one|deep/two");
  snprintf(with, sizeof(with), "%s -dataset_name vector", options);
  dataset_refused(with, "vector|2 axes|found 1");
  snprintf(with, sizeof(with), "%s -dataset_name three", options);
  dataset_refused(with, "no dataset three");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_columns x1,z", options);
  dataset_refused(with, "-dataset_columns|'z'");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_labels a", options);
  dataset_refused(with, "-dataset_labels|2|1");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_period 1,2,3", options);
  dataset_refused(with, "-dataset_period|2|3");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_period 1 -dataset_cut here", options);
  dataset_refused(with, "-dataset_cut|'here'");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_test_blocks 4", options);
  dataset_refused(with, "-dataset_test_blocks|4|3");
  write_tables("build/test_tables.h5", "/holes", NULL, 3, 2, holes);
  dataset_refused(options, "holes|row 2|'x1'");
  write_tables("build/test_tables.h5", NULL, NULL, 3, 2, six);
  dataset_refused(options, "two axes");
  write_text("build/test_constant.csv", "phi,psi\n1,2\n1,3\n1,4\n");
  dataset_refused("-dataset_type file -dataset_test_blocks 1 -dataset_file build/test_constant.csv",
                  "'phi'|one value");
}
END_TEST

START_TEST(test_columns_and_rows_are_chosen)
{
  const char *const  text     = "t,phi,psi\n0,1,10\n1,2,20\n2,3,30\n3,4,40\n4,5,50\n";
  const double       wanted[] = {10, 0, 30, 2, 50, 4};
  Dataset            dataset;
  const Coordinates *c;
  int64_t            n;
  double            *x;

  write_text("build/test_columns.csv", text);
  dataset = dataset_of(
      "-dataset_type file -dataset_file build/test_columns.csv -dataset_standardise none "
      "-dataset_columns psi,0 -dataset_labels angle,time -dataset_stride 2 -dataset_test_blocks 1");
  DatasetGetCoordinates(dataset, &c);
  ck_call(DatasetGetSize(dataset, SPLIT_ALL, &n));
  ck_assert(n == 3 && c->d == 2);
  ck_assert_str_eq(c->name[0], "angle");
  ck_assert_str_eq(c->name[1], "time");
  x = dataset_rows(dataset, SPLIT_ALL, n, NULL);
  ck_assert_all(!memcmp(x, wanted, sizeof(wanted)));
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

Suite *dataset_files_suite(void)
{
  Suite *suite  = suite_create("dataset_files");
  TCase *coords = tcase_create("coordinates");
  TCase *files  = tcase_create("files");

  tcase_add_test(coords, test_restoring_undoes_standardising);
  tcase_add_test(coords, test_wrapping_holds_at_the_ends);
  tcase_add_test(coords, test_coordinates_survive_copy_and_file);
  tcase_add_test(coords, test_cut_is_in_the_middle_of_the_gap);
  tcase_add_test(files, test_split_covers_all_rows_exactly_once);
  tcase_add_test(files, test_training_rows_are_standardised);
  tcase_add_loop_test(files, test_each_column_has_its_own_period_and_cut, 0, 3);
  tcase_add_test(files, test_alanine_is_cut_in_empty_regions);
  tcase_add_loop_test(files, test_alanine_rows_are_those_of_the_file, 0, 2);
  tcase_add_loop_test(files, test_tables_are_read_in_every_dress, 0, 5);
  tcase_add_loop_test(files, test_bad_text_files_are_refused, 0, 9);
  tcase_add_test(files, test_files_of_another_kind_are_refused);
  tcase_add_test(files, test_unclear_or_unfit_datasets_are_refused);
  tcase_add_test(files, test_columns_and_rows_are_chosen);
  suite_add_tcase(suite, coords);
  suite_add_tcase(suite, files);
  return suite;
}
