#include "ad_check.h"
#include "adcommand.h"
#include "adprocess.h"
#include "private/datasetimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PI      3.14159265358979323846
#define ALANINE "-dataset_type file -dataset_file inputs/data/alanine_dipeptide.h5 -dataset_name phi_psi "

static int rank_here(void)
{
  int rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

/* ---- options and data sets ---- */

static void clear_options(void)
{
  static const char *const keys[] = {
      "type", "preset",  "width",  "radius", "file", "means",       "variances",     "weights",     "dim",
      "name", "columns", "labels", "period", "cut",  "standardise", "test_fraction", "test_blocks", "stride"};
  char key[64];

  for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
    snprintf(key, sizeof(key), "-dataset_%s", keys[k]);
    PetscOptionsClearValue(NULL, key);
  }
}

static PetscErrorCode make(const char *options, uint64_t seed, Dataset *dataset)
{
  PetscErrorCode code;

  clear_options();
  code = PetscOptionsInsertString(NULL, options);
  if (!code) code = DatasetCreate(dataset);
  if (!code) code = DatasetSetSeed(*dataset, seed);
  if (!code) code = DatasetSetFromOptions(*dataset);
  if (!code) code = DatasetSetUp(*dataset);
  clear_options();
  return code;
}

static Dataset dataset_of(const char *options)
{
  Dataset dataset = NULL;

  ck_call(make(options, 7, &dataset));
  return dataset;
}

static char said[2048]; /* the message of the last error */

static PetscErrorCode keep_message(MPI_Comm comm, int line, const char *function, const char *file,
                                   PetscErrorCode code, PetscErrorType type, const char *message, void *ctx)
{
  if (type == PETSC_ERROR_INITIAL) snprintf(said, sizeof(said), "%s", message);
  return code;
}

/* These options are refused as bad input on all ranks, in words that hold all of the parts (parted by |) */
static void assert_refused(const char *options, const char *parts)
{
  Dataset        dataset = NULL;
  PetscErrorCode code;
  char           text[256], *save = NULL;

  said[0] = 0;
  PetscPushErrorHandler(keep_message, NULL);
  code = make(options, 7, &dataset);
  PetscPopErrorHandler();
  ck_assert_all(code == AD_ERR_INPUT);
  snprintf(text, sizeof(text), "%s", parts);
  for (char *part = strtok_r(text, "|", &save); part; part = strtok_r(NULL, "|", &save))
    ck_assert_msg(strstr(said, part) != NULL, "'%s' does not say '%s'", said, part);
  ck_assert_ptr_null(strchr(said, '\n'));
  ck_call(DatasetDestroy(&dataset));
}

static double *rows_of(Dataset dataset, DatasetSplit split, int64_t n, int *label)
{
  const Coordinates *c;
  int64_t           *index = malloc(sizeof(*index) * (size_t)n);
  double            *x;

  DatasetGetCoordinates(dataset, &c);
  x = malloc(sizeof(*x) * (size_t)(n * c->d));
  for (int64_t r = 0; r < n; r++) index[r] = r;
  ck_call(DatasetGetRows(dataset, split, n, index, x, label));
  free(index);
  return x;
}

/* ---- files, written by rank 0 under build/ ---- */

static void write_bytes(const char *path, const char *text, size_t size)
{
  int good = 1;

  if (!rank_here()) {
    FILE *file;

    mkdir("build", 0777);
    file = fopen(path, "wb");
    good = file && fwrite(text, 1, size, file) == size;
    if (file) fclose(file);
  }
  ck_assert_all(good);
}

static void write_text(const char *path, const char *text)
{
  write_bytes(path, text, strlen(text));
}

static void write_mixture(int64_t n, const double *weight, const int64_t *mean_dims, const double *mean,
                          const int64_t *var_dims, const double *var)
{
  const DataInfo info = {"", "1", "test"};
  Output         out;

  ck_call(OutputOpen("build/test_mixture.h5", "test", &out));
  if (weight) ck_call(OutputWrite(out, "/mixture/weights", AD_DOUBLE, 1, &n, weight, &info));
  ck_call(OutputWrite(out, "/mixture/means", AD_DOUBLE, 2, mean_dims, mean, &info));
  ck_call(OutputWrite(out, "/mixture/variances", AD_DOUBLE, 2, var_dims, var, &info));
  ck_call(OutputClose(&out));
}

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

/* ---- rows ---- */

/* Rows of one call in order are those of single calls and of one call in another order on each rank */
START_TEST(test_rows_do_not_depend_on_order_company_or_rank)
{
  static const char *const options[] = {"-dataset_preset ring", "-dataset_means 0,1,2,3,4,5 -dataset_dim 3",
                                        ALANINE "-dataset_period 6.283185307179586"};
  enum { N = 700 };
  Dataset dataset = dataset_of(options[_i]);
  int     label[N], mixed_label[N], one, same = 1;
  int64_t index[N];
  double *x = rows_of(dataset, SPLIT_TEST, N, label), *mixed = malloc(sizeof(double) * N * 3), y[3];
  const Coordinates *c;
  size_t             width;

  DatasetGetCoordinates(dataset, &c);
  width = sizeof(double) * (size_t)c->d;
  for (int64_t k = 0; k < N; k++)
    index[k] = (k * 311 + rank_here()) % N; /* 311 has no factor of 700: every row once */
  ck_call(DatasetGetRows(dataset, SPLIT_TEST, N, index, mixed, mixed_label));
  for (int64_t k = 0; k < N; k++) {
    const int64_t r = index[k];

    DatasetGetRows(dataset, SPLIT_TEST, 1, &r, y, &one);
    same = same && !memcmp(y, x + r * c->d, width) && one == label[r];
    same = same && !memcmp(mixed + k * c->d, x + r * c->d, width) && mixed_label[k] == label[r];
  }
  ck_assert_all(same);
  memcpy(mixed, x, N * width);
  (void)MPI_Bcast(mixed, N * c->d, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  ck_assert_all(!memcmp(mixed, x, N * width));
  free(mixed);
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* Whatever differs between two endless sets, none of their rows is equal */
START_TEST(test_splits_and_seeds_give_other_rows)
{
  enum { N = 500 };
  Dataset a = NULL, b = NULL;
  double *x[4];
  int     equal = 0;

  ck_call(make("-dataset_preset diamond", 1, &a));
  ck_call(make("-dataset_preset diamond", 2, &b));
  for (int s = 0; s < 3; s++) x[s] = rows_of(a, (DatasetSplit)s, N, NULL);
  x[3] = rows_of(b, SPLIT_TRAIN, N, NULL);
  for (int p = 0; p < 4; p++)
    for (int q = 0; q < p; q++)
      for (int r = 0; r < N; r++) equal += x[p][2 * r] == x[q][2 * r];
  ck_assert_all(equal == 0);
  for (int p = 0; p < 4; p++) free(x[p]);
  ck_call(DatasetDestroy(&a));
  ck_call(DatasetDestroy(&b));
}
END_TEST

/* Shares, means and variances of each component within 5 standard errors; a component without weight is never drawn.
   Given the component the normals have mean 0, which also shows that they do not share bits with the choice. */
START_TEST(test_mixture_rows_have_the_moments_of_the_law)
{
  enum { N = 40000 };
  Dataset dataset = dataset_of("-dataset_dim 2 -dataset_means -1,2,0,0,3,1,9,9 -dataset_weights 0,2,5,3 "
                               "-dataset_variances 1,1,0.04,0.25,1,0.01,1,4");
  const MixtureData *law;
  const Coordinates *c;
  int               *label = malloc(sizeof(*label) * N);
  double *x = rows_of(dataset, SPLIT_TRAIN, N, label), count[4] = {0}, sum[8] = {0}, square[8] = {0};
  double  mean[2] = {0, 0};

  ck_call(DatasetGetMixture(dataset, &law));
  DatasetGetCoordinates(dataset, &c);
  for (int r = 0; r < N; r++)
    for (int i = 0; i < 2; i++) {
      const double u = x[2 * r + i] - law->mean[2 * label[r] + i];

      count[label[r]] += 0.5;
      sum[2 * label[r] + i] += u;
      square[2 * label[r] + i] += u * u;
      mean[i] += x[2 * r + i] / N;
    }
  ck_assert(count[0] == 0);
  for (int k = 1; k < 4; k++) {
    const double p = law->weight[k], n = count[k];

    ck_assert(fabs(n - N * p) < 5 * sqrt(N * p * (1 - p)));
    for (int i = 0; i < 2; i++) {
      const double v = law->var[2 * k + i];

      ck_assert(fabs(sum[2 * k + i] / n) < 5 * sqrt(v / n));
      ck_assert(fabs(square[2 * k + i] / n - v) < 5 * v * sqrt(2 / n));
    }
  }
  for (int i = 0; i < 2; i++) ck_assert(fabs(mean[i] - c->mean[i]) < 5 * sqrt(c->variance[i] / N));
  free(label);
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_width_and_radius_replace_those_of_the_preset)
{
  Dataset            dataset = dataset_of("-dataset_preset diamond -dataset_width 0.3 -dataset_radius 2.5");
  const MixtureData *law;
  int64_t            size;
  double             outermost = 0;

  ck_call(DatasetGetMixture(dataset, &law));
  for (int k = 0; k < law->n; k++) {
    outermost = fmax(outermost, hypot(law->mean[2 * k], law->mean[2 * k + 1]));
    ck_assert_close(law->var[2 * k], 0.09, 1e-15);
  }
  ck_assert_close(outermost, 2.5, 1e-15);
  ck_call(DatasetGetSize(dataset, SPLIT_TEST, &size));
  ck_assert_int_eq(size, -1);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* ---- mixture files ---- */

static const int64_t two_by_two[2] = {2, 2}, two_by_three[2] = {2, 3}, three_by_two[2] = {3, 2};
static const double  means[6] = {0, 1, 2, 3, 4, 5}, variances[6] = {1, 2, 3, 4, 5, 6};

START_TEST(test_mixture_file_is_read_and_its_weights_normalised)
{
  const double       weight[2] = {1, 3};
  Dataset            dataset;
  const MixtureData *law;

  write_mixture(2, weight, two_by_three, means, two_by_three, variances);
  dataset = dataset_of("-dataset_file build/test_mixture.h5");
  ck_call(DatasetGetMixture(dataset, &law));
  ck_assert(law->n == 2 && law->d == 3 && law->weight[0] == 0.25 && law->weight[1] == 0.75);
  ck_assert(!memcmp(law->mean, means, sizeof(means)) && !memcmp(law->var, variances, sizeof(variances)));
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_bad_mixture_files_are_refused)
{
  const double good[2] = {1, 3}, negative[2] = {1, -3}, zero[2] = {0, 0}, infinite[2] = {1, INFINITY};
  const double bad_mean[4] = {0, 1, NAN, 3}, bad_var[4] = {1, 2, 3, -4};
  const char  *file = "-dataset_file build/test_mixture.h5";

  write_mixture(2, negative, two_by_two, means, two_by_two, variances);
  assert_refused(file, "test_mixture.h5|/mixture/weights row 1|-3");
  write_mixture(2, zero, two_by_two, means, two_by_two, variances);
  assert_refused(file, "test_mixture.h5|/mixture/weights|positive sum");
  write_mixture(2, infinite, two_by_two, means, two_by_two, variances);
  assert_refused(file, "/mixture/weights row 1|inf");
  write_mixture(2, good, two_by_two, bad_mean, two_by_two, variances);
  assert_refused(file, "/mixture/means row 1|nan");
  write_mixture(2, good, two_by_two, means, two_by_two, bad_var);
  assert_refused(file, "/mixture/variances row 1|-4");
  write_mixture(2, good, three_by_two, means, three_by_two, variances);
  assert_refused(file, "/mixture/means is 3 x 2|2 rows");
  write_mixture(2, good, two_by_two, means, two_by_three, variances);
  assert_refused(file, "/mixture/variances is 2 x 3|2 x 2");
  write_mixture(2, NULL, two_by_two, means, two_by_two, variances);
  assert_refused(file, "no dataset /mixture/weights|-dataset_type file");
}
END_TEST

START_TEST(test_bad_mixture_lists_are_refused)
{
  assert_refused("-dataset_means 1,2,3 -dataset_dim 2", "-dataset_means|multiple of|2|3");
  assert_refused("-dataset_means 1,2,3,4 -dataset_dim 2 -dataset_variances 1,2,3",
                 "-dataset_variances|2 or 4|3");
  assert_refused("-dataset_means 1,2 -dataset_weights 1,2,3", "-dataset_weights|2|3");
  assert_refused("-dataset_means 1,2 -dataset_weights 0,0", "-dataset_weights|positive sum");
  assert_refused("-dataset_means 1,2 -dataset_weights 1,-1", "-dataset_weights|>= 0|-1");
  assert_refused("-dataset_preset dimond", "-dataset_preset|diamond|dimond");
}
END_TEST

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
  train = rows_of(dataset, SPLIT_TRAIN, size[SPLIT_TRAIN], NULL);
  test  = rows_of(dataset, SPLIT_TEST, size[SPLIT_TEST], NULL);
  all   = rows_of(dataset, SPLIT_ALL, N, NULL);
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
    x = rows_of(dataset, SPLIT_TRAIN, n, NULL);
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
  x = rows_of(dataset, SPLIT_ALL, n, NULL);
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
  x = rows_of(dataset, SPLIT_ALL, n, NULL);
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
  x = rows_of(dataset, SPLIT_ALL, 60, NULL);
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
  x = rows_of(dataset, SPLIT_ALL, n, NULL);
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
  assert_refused("-dataset_type file -dataset_test_blocks 1 -dataset_file build/test_bad.csv", bad[_i].parts);
}
END_TEST

START_TEST(test_files_of_another_kind_are_refused)
{
  char *half = malloc(4000);

  memset(half, 0, 4000);
  assert_refused("-dataset_type file", "-dataset_file");
  assert_refused("-dataset_type file -dataset_file build/no_such_file.h5",
                 "build/no_such_file.h5|No such file");
  assert_refused("-dataset_type file -dataset_file build/no_such_file.csv",
                 "build/no_such_file.csv|No such file");
  write_text("build/test_foreign.h5", "1,2\n3,4\n");
  assert_refused("-dataset_type file -dataset_file build/test_foreign.h5", "test_foreign.h5|HDF5");
  if (!rank_here()) { /* the head of a good file */
    FILE *file = fopen("inputs/data/alanine_dipeptide.h5", "rb");

    if (file) {
      ck_assert(fread(half, 1, 4000, file) == 4000);
      fclose(file);
    }
  }
  write_bytes("build/test_short.h5", half, 4000);
  assert_refused("-dataset_type file -dataset_file build/test_short.h5", "test_short.h5|cut short");
  write_bytes("build/test_binary.csv", half, 4000);
  assert_refused("-dataset_type file -dataset_file build/test_binary.csv", "test_binary.csv|no text");
  free(half);
}
END_TEST

START_TEST(test_unclear_or_unfit_datasets_are_refused)
{
  const double holes[6] = {1, 2, 3, 4, INFINITY, 6};
  const char  *options  = "-dataset_type file -dataset_test_blocks 1 -dataset_file build/test_tables.h5 ";
  char         with[256];

  write_tables("build/test_tables.h5", "/one", "/deep/two", 3, 2, six);
  assert_refused(options, "-dataset_name|one|deep/two");
  snprintf(with, sizeof(with), "%s -dataset_name vector", options);
  assert_refused(with, "vector|2 axes|found 1");
  snprintf(with, sizeof(with), "%s -dataset_name three", options);
  assert_refused(with, "no dataset three");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_columns x1,z", options);
  assert_refused(with, "-dataset_columns|'z'");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_labels a", options);
  assert_refused(with, "-dataset_labels|2|1");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_period 1,2,3", options);
  assert_refused(with, "-dataset_period|2|3");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_period 1 -dataset_cut here", options);
  assert_refused(with, "-dataset_cut|'here'");
  snprintf(with, sizeof(with), "%s -dataset_name one -dataset_test_blocks 4", options);
  assert_refused(with, "-dataset_test_blocks|4|3");
  write_tables("build/test_tables.h5", "/holes", NULL, 3, 2, holes);
  assert_refused(options, "holes|row 2|'x1'");
  write_tables("build/test_tables.h5", NULL, NULL, 3, 2, six);
  assert_refused(options, "two axes");
  write_text("build/test_constant.csv", "phi,psi\n1,2\n1,3\n1,4\n");
  assert_refused("-dataset_type file -dataset_test_blocks 1 -dataset_file build/test_constant.csv",
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
  x = rows_of(dataset, SPLIT_ALL, n, NULL);
  ck_assert_all(!memcmp(x, wanted, sizeof(wanted)));
  free(x);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* ---- commands ---- */

/* Run a command without its lines on the terminal */
static PetscErrorCode run_quietly(PetscErrorCode (*run)(const CommandLine *), const char *name,
                                  const char *output, const char *options)
{
  const CommandLine line = {name, output, 7, 0, NULL};
  PetscErrorCode    code;
  int               terminal;
  PetscOptions      database;

  fflush(stdout);
  terminal = dup(1);
  if (!freopen("/dev/null", "w", stdout)) return 1;
  PetscOptionsCreate(&database);
  PetscOptionsPush(database);
  PetscOptionsInsertString(NULL, options);
  code = (*run)(&line);
  PetscOptionsPop();
  PetscOptionsDestroy(&database);
  fflush(stdout);
  dup2(terminal, 1);
  close(terminal);
  return code;
}

/* What `adiff data` writes is in raw units, and can be read as a file of rows without saying which dataset */
START_TEST(test_data_command_writes_rows_that_can_be_read_back)
{
  Dataset            source = dataset_of(ALANINE "-dataset_period 6.283185307179586"), copy;
  const Coordinates *c, *copied;
  int64_t            n, size;
  double            *x, *y, worst = 0;

  ck_call(run_quietly(DataRun, "data", "build/test_data.h5",
                      ALANINE "-dataset_period 6.283185307179586 -data_split test"));
  copy = dataset_of("-dataset_type file -dataset_file build/test_data.h5 -dataset_standardise none");
  DatasetGetCoordinates(source, &c);
  DatasetGetCoordinates(copy, &copied);
  ck_call(DatasetGetSize(source, SPLIT_TEST, &n));
  ck_call(DatasetGetSize(copy, SPLIT_ALL, &size));
  ck_assert(size == n && copied->d == 2);
  ck_assert_str_eq(copied->name[1], "psi");
  x = rows_of(source, SPLIT_TEST, n, NULL);
  y = rows_of(copy, SPLIT_ALL, n, NULL);
  coordinates_restore(c, n, x);
  for (int64_t k = 0; k < 2 * n; k++) worst = fmax(worst, fabs(x[k] - y[k]));
  ck_assert_all(worst == 0);
  free(x);
  free(y);
  ck_call(DatasetDestroy(&source));
  ck_call(DatasetDestroy(&copy));
}
END_TEST

/* Of a point mass at (3, 3) the noised x has mean 3 a and covariance Cb at each time, within 5 standard errors */
START_TEST(test_noised_rows_have_the_law_of_their_time)
{
  enum { N = 20000 };
  const double time[2] = {0.2, 0.9};
  double      *X       = malloc(sizeof(double) * 2 * N * 4);
  Process      process;
  Kernel       k;
  Input        in;
  int64_t      dims[3];

  ck_call(run_quietly(
      NoiseRun, "noise", "build/test_noise.h5",
      "-dataset_means 3,3 -dataset_dim 2 -dataset_variances 0 -process_type active -process_tau 0.3 "
      "-process_tp 0.1 -noise_times 0.2,0.9 -noise_samples 20000"));
  ck_call(InputOpen("test", "build/test_noise.h5", &in));
  ck_call(InputGetDims(in, "/trajectory/state", 3, dims));
  ck_assert(dims[0] == 2 && dims[1] == N && dims[2] == 4);
  ck_call(InputRead(in, "/trajectory/state", AD_DOUBLE, X));
  ck_call(InputClose(&in));
  PetscOptionsInsertString(NULL, "-process_type active -process_tau 0.3 -process_tp 0.1");
  ck_call(ProcessCreate(&process));
  ck_call(ProcessSetFromOptions(process));
  ck_call(ProcessSetUp(process));
  for (int t = 0; t < 2; t++) {
    double sum[4] = {0}, square[4] = {0}, cross[2] = {0};

    ck_call(ProcessGetKernel(process, time[t], &k));
    for (int64_t r = 0; r < N; r++) {
      const double *row = X + (t * N + r) * 4;
      double        u[4];

      for (int i = 0; i < 4; i++) {
        u[i] = row[i] - 3 * k.u[i / 2];
        sum[i] += u[i] / N;
        square[i] += u[i] * u[i] / N;
      }
      for (int i = 0; i < 2; i++) cross[i] += u[i] * u[2 + i] / N;
    }
    for (int i = 0; i < 4; i++) {
      const double v = k.Cb[3 * (i / 2)];

      ck_assert(fabs(sum[i]) < 5 * sqrt(v / N));
      ck_assert(fabs(square[i] - v) < 5 * v * sqrt(2.0 / N));
    }
    for (int i = 0; i < 2; i++)
      ck_assert(fabs(cross[i] - k.Cb[1]) < 5 * sqrt((k.Cb[0] * k.Cb[3] + k.Cb[1] * k.Cb[1]) / N));
  }
  for (int i = 0; i < 3; i++)
    PetscOptionsClearValue(NULL, (const char *[]){"-process_type", "-process_tau", "-process_tp"}[i]);
  ck_call(ProcessDestroy(&process));
  free(X);
}
END_TEST

Suite *dataset_suite(void)
{
  Suite *suite   = suite_create("dataset");
  TCase *rows    = tcase_create("rows");
  TCase *mixture = tcase_create("mixture file");
  TCase *coords  = tcase_create("coordinates");
  TCase *files   = tcase_create("files");
  TCase *command = tcase_create("commands");

  tcase_add_loop_test(rows, test_rows_do_not_depend_on_order_company_or_rank, 0, 3);
  tcase_add_test(rows, test_splits_and_seeds_give_other_rows);
  tcase_add_test(rows, test_mixture_rows_have_the_moments_of_the_law);
  tcase_add_test(rows, test_width_and_radius_replace_those_of_the_preset);
  suite_add_tcase(suite, rows);
  tcase_add_test(mixture, test_mixture_file_is_read_and_its_weights_normalised);
  tcase_add_test(mixture, test_bad_mixture_files_are_refused);
  tcase_add_test(mixture, test_bad_mixture_lists_are_refused);
  suite_add_tcase(suite, mixture);
  tcase_add_test(coords, test_restoring_undoes_standardising);
  tcase_add_test(coords, test_wrapping_holds_at_the_ends);
  tcase_add_test(coords, test_coordinates_survive_copy_and_file);
  tcase_add_test(coords, test_cut_is_in_the_middle_of_the_gap);
  suite_add_tcase(suite, coords);
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
  suite_add_tcase(suite, files);
  tcase_add_test(command, test_data_command_writes_rows_that_can_be_read_back);
  tcase_add_test(command, test_noised_rows_have_the_law_of_their_time);
  suite_add_tcase(suite, command);
  return suite;
}
