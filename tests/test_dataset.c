#include "dataset_case.h"
#include "adcommand.h"
#include "adprocess.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
  double *x = dataset_rows(dataset, SPLIT_TEST, N, label), *mixed = malloc(sizeof(double) * N * 3), y[3];
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

  a = dataset_seeded("-dataset_preset diamond", 1);
  b = dataset_seeded("-dataset_preset diamond", 2);
  for (int s = 0; s < 3; s++) x[s] = dataset_rows(a, (DatasetSplit)s, N, NULL);
  x[3] = dataset_rows(b, SPLIT_TRAIN, N, NULL);
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
  double *x = dataset_rows(dataset, SPLIT_TRAIN, N, label), count[4] = {0}, sum[8] = {0}, square[8] = {0};
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
  dataset_refused(file, "test_mixture.h5|/mixture/weights row 1|-3");
  write_mixture(2, zero, two_by_two, means, two_by_two, variances);
  dataset_refused(file, "test_mixture.h5|/mixture/weights|positive sum");
  write_mixture(2, infinite, two_by_two, means, two_by_two, variances);
  dataset_refused(file, "/mixture/weights row 1|inf");
  write_mixture(2, good, two_by_two, bad_mean, two_by_two, variances);
  dataset_refused(file, "/mixture/means row 1|nan");
  write_mixture(2, good, two_by_two, means, two_by_two, bad_var);
  dataset_refused(file, "/mixture/variances row 1|-4");
  write_mixture(2, good, three_by_two, means, three_by_two, variances);
  dataset_refused(file, "/mixture/means is 3 x 2|2 rows");
  write_mixture(2, good, two_by_two, means, two_by_three, variances);
  dataset_refused(file, "/mixture/variances is 2 x 3|2 x 2");
  write_mixture(2, NULL, two_by_two, means, two_by_two, variances);
  dataset_refused(file, "no dataset /mixture/weights|-dataset_type file");
}
END_TEST

START_TEST(test_bad_mixture_lists_are_refused)
{
  dataset_refused("-dataset_means 1,2,3 -dataset_dim 2", "-dataset_means|multiple of|2|3");
  dataset_refused("-dataset_means 1,2,3,4 -dataset_dim 2 -dataset_variances 1,2,3",
                  "-dataset_variances|2 or 4|3");
  dataset_refused("-dataset_means 1,2 -dataset_weights 1,2,3", "-dataset_weights|2|3");
  dataset_refused("-dataset_means 1,2 -dataset_weights 0,0", "-dataset_weights|positive sum");
  dataset_refused("-dataset_means 1,2 -dataset_weights 1,-1", "-dataset_weights|>= 0|-1");
  dataset_refused("-dataset_preset dimond", "-dataset_preset|diamond|dimond");
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
  x = dataset_rows(source, SPLIT_TEST, n, NULL);
  y = dataset_rows(copy, SPLIT_ALL, n, NULL);
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
  TCase *command = tcase_create("commands");

  tcase_add_loop_test(rows, test_rows_do_not_depend_on_order_company_or_rank, 0, 3);
  tcase_add_test(rows, test_splits_and_seeds_give_other_rows);
  tcase_add_test(rows, test_mixture_rows_have_the_moments_of_the_law);
  tcase_add_test(rows, test_width_and_radius_replace_those_of_the_preset);
  tcase_add_test(mixture, test_mixture_file_is_read_and_its_weights_normalised);
  tcase_add_test(mixture, test_bad_mixture_files_are_refused);
  tcase_add_test(mixture, test_bad_mixture_lists_are_refused);
  tcase_add_test(command, test_data_command_writes_rows_that_can_be_read_back);
  tcase_add_test(command, test_noised_rows_have_the_law_of_their_time);
  suite_add_tcase(suite, rows);
  suite_add_tcase(suite, mixture);
  suite_add_tcase(suite, command);
  return suite;
}
