/*
  Covariance and its spectrum: against LAPACK, known spectra and the law of mixtures; kernels against plain loops
*/
#include "ad_check.h"
#include "refusal.h"
#include "adcovariance.h"
#include "adrng.h"
#include <stdlib.h>
#include <string.h>

Suite *covariance_suite(void);

extern void dsyev_(const char *, const char *, const int *, double *, const int *, double *, double *,
                   const int *, int *, size_t, size_t);

static PetscErrorCode solver_with(const char *options, Spectrum *s)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(SpectrumCreate(s));
  PetscCall(PetscOptionsClear(NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- kernels ---- */

START_TEST(test_row_products_are_plain_loops)
{
  enum { MOST = 21 };
  unsigned char q[7 * MOST];
  double        x[7 * MOST], v[MOST], work[4 * MOST];

  for (int n = 1; n <= 7; n++)
    for (int d = 1; d <= MOST; d++) {
      double y[MOST + COVARIANCE_SUMS] = {0}, z[MOST + COVARIANCE_SUMS] = {0}, sums[MOST + 3] = {0};

      for (int i = 0; i < n * d; i++) x[i] = q[i] = (unsigned char)(37 * i * i % 256);
      for (int j = 0; j < d; j++) v[j] = sin(j + 1);
      for (int r = 0; r < n; r++) {
        double w = -1.5;

        for (int j = 0; j < d; j++) w += x[r * d + j] * v[j];
        for (int j = 0; j < d; j++) sums[j] += w * x[r * d + j];
        for (int m = 0; m < 3; m++) sums[d + m] += m == 0 ? w : m == 1 ? w * w : w * w * w * w;
      }
      covariance_rows(n, d, x, v, 1.5, y);
      covariance_rows_bytes(n, d, q, v, 1.5, z, work);
      ck_assert(!memcmp(y, z, sizeof(double) * (size_t)(d + 3)));
      for (int j = 0; j < d + 3; j++) ck_assert_double_eq_tol(y[j], sums[j], 1e-12 * (1 + fabs(sums[j])));
    }
}
END_TEST

START_TEST(test_levels_of_pictures_are_recognised_and_nothing_else)
{
  double        x[600], low, step;
  unsigned char q[600];

  for (int scale = 0; scale < 2; scale++) { /* [0, 1] and [-1, 1] */
    for (int i = 0; i < 600; i++) x[i] = scale ? 2 * (i * 7 % 256) / 255.0 - 1 : (i * 7 % 256) / 255.0;
    ck_assert(levels_find(600, x, &low, &step) && !levels_of(600, x, low, step, q));
    for (int i = 0; i < 600; i++) ck_assert_int_eq(q[i], i * 7 % 256);
    x[333] += 1e-13;
    ck_assert(levels_of(600, x, low, step, q));
    x[333] = NAN;
    ck_assert(levels_of(600, x, low, step, q));
  }
  for (int i = 0; i < 600; i++) x[i] = i % 257;
  ck_assert(!levels_find(600, x, &low, &step));
  for (int i = 0; i < 600; i++) x[i] = 3;
  ck_assert(!levels_find(600, x, &low, &step));
}
END_TEST

/* ---- the covariance of rows ---- */

enum { N = 2311, D = 13 };

typedef struct {
  int    levels; /* whole numbers from 0 to 255 over 255 */
  double offset;
  int    bad; /* this row holds NaN, -1: none */
} Source;

/* Normal numbers with sd 1 + j of column j, columns correlated; column 5 constant */
static PetscErrorCode source_rows(void *ctx, int64_t first, int64_t n, double *x)
{
  const Source *s = (const Source *)ctx;
  float         e[D + 1];

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++) {
    rng_normal((RngStream){7, RNG_DATA, 0}, (uint64_t)(first + r), 1, D + 1, e);
    for (int j = 0; j < D; j++) {
      double value = j == 5 ? 0.3 : (1 + j) * (e[j] + 0.4 * e[D]);

      if (s->levels) value = round(fmin(fmax(127 + 6 * value, 0), 255)) / 255;
      x[r * D + j] = first + r == s->bad ? NAN : value + s->offset;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Source sources[] = {{0, 0, -1}, {1, 0, -1}, {0, 1e4, -1}, {1, -0.5, -1}};

/* All eigenvalues of the explicit covariance, rising, by LAPACK */
static void explicit_spectrum(const Source *s, double value[D], double *trace)
{
  double   *x = malloc(sizeof(double) * N * D), C[D * D] = {0}, mean[D] = {0}, work[200];
  const int d = D, lwork = 200;
  int       info;

  ck_assert(!source_rows((void *)(uintptr_t)s, 0, N, x));
  for (int j = 0; j < D; j++) {
    for (int r = 0; r < N; r++) mean[j] += (x[r * D + j] - x[j]) / N;
    mean[j] += x[j];
  }
  for (int r = 0; r < N; r++)
    for (int i = 0; i < D * D; i++)
      C[i] += (x[r * D + i / D] - mean[i / D]) * (x[r * D + i % D] - mean[i % D]) / (N - 1);
  *trace = 0;
  for (int j = 0; j < D; j++) *trace += C[j * D + j];
  dsyev_("N", "U", &d, C, &d, value, work, &lwork, &info, 1, 1);
  ck_assert_int_eq(info, 0);
  free(x);
}

static PetscErrorCode covariance_product(void *ctx, const double *v, double *y)
{
  PetscFunctionBegin;
  PetscCall(CovarianceMultiply((Covariance *)ctx, v, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_eigenvalues_are_those_of_lapack)
{
  Source     source = sources[_i];
  Covariance c;
  Spectrum   solver;
  Eigenpairs pairs;
  double     truth[D], trace;

  explicit_spectrum(&source, truth, &trace);
  ck_call(solver_with("-speciation_eigenvalues 4 -speciation_tolerance 1e-10", &solver));
  ck_call(CovarianceCreate(N, D, source_rows, &source, &c));
  ck_assert(!c.level == !source.levels);
  ck_assert_close(c.trace, trace, 1e-12);
  ck_call(SpectrumSolve(solver, "test", D, c.trace, covariance_product, &c, &pairs));
  ck_assert_int_eq(pairs.n, 4);
  for (int i = 0; i < 4; i++) {
    ck_assert_close(pairs.value[i], truth[D - 1 - i], 1e-12);
    ck_assert(pairs.residual[i] < 1e-9);
    ck_assert(fabs(pairs.vector[i * D + 5]) < 1e-9); /* the constant column */
  }
  ck_call(EigenpairsDestroy(&pairs));
  ck_call(SpectrumDestroy(&solver));
  ck_call(CovarianceDestroy(&c));
}
END_TEST

START_TEST(test_residuals_and_standard_errors_mean_what_they_say)
{
  Source     source = sources[0];
  Covariance c;
  Spectrum   solver;
  Eigenpairs pairs;
  double    *x = malloc(sizeof(double) * N * D), y[D], err, sum = 0, fourth = 0, second = 0, length = 0;

  ck_call(solver_with("-speciation_eigenvalues 1 -speciation_tolerance 0.1 -eps_ncv 3", &solver));
  ck_call(CovarianceCreate(N, D, source_rows, &source, &c));
  ck_call(SpectrumSolve(solver, "test", D, c.trace, covariance_product, &c, &pairs));
  ck_call(CovarianceMultiply(&c, pairs.vector, y));
  for (int j = 0; j < D; j++) {
    sum += PetscSqr(y[j] - pairs.value[0] * pairs.vector[j]);
    length += PetscSqr(pairs.vector[j]);
  }
  ck_assert_close(length, 1, 1e-13);
  ck_assert_close(pairs.residual[0], sqrt(sum) / pairs.value[0], 1e-6);
  ck_assert_msg(pairs.residual[0] > 1e-9 && pairs.residual[0] < 0.1, "%g", pairs.residual[0]);
  ck_call(CovarianceGetStandardError(&c, pairs.vector, &err));
  ck_call(source_rows(&source, 0, N, x));
  for (int pass = 0; pass < 2; pass++) { /* centre first */
    double mean[D] = {0};

    for (int i = 0; i < N * D; i++) mean[i % D] += x[i] / N;
    for (int i = 0; i < N * D; i++) x[i] -= mean[i % D];
  }
  for (int r = 0; r < N; r++) {
    double w = 0;

    for (int j = 0; j < D; j++) w += x[r * D + j] * pairs.vector[j];
    second += w * w / N;
    fourth += w * w * w * w / N;
  }
  ck_assert_close(err, sqrt((fourth - second * second) / N), 1e-10);
  free(x);
  ck_call(EigenpairsDestroy(&pairs));
  ck_call(SpectrumDestroy(&solver));
  ck_call(CovarianceDestroy(&c));
}
END_TEST

START_TEST(test_rows_without_a_covariance_are_refused)
{
  const Source   still = {1, 0, -1};
  Source         bad   = {0, 0, N - 2};
  Covariance     c;
  PetscErrorCode code;

  QUIET(code, CovarianceCreate(N, D, source_rows, &bad, &c));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(CovarianceDestroy(&c));
  bad = still;
  QUIET(code, CovarianceCreate(1, D, source_rows, &bad, &c));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(CovarianceDestroy(&c));
}
END_TEST

/* ---- spectra that are known ---- */

/* diag(1, 1/2, 1/3, ...) of ctx numbers, turned by a reflection */
static PetscErrorCode known_product(void *ctx, const double *v, double *y)
{
  const int d   = *(const int *)ctx;
  double    dot = 0, back = 0;

  PetscFunctionBegin; /* y = H D H v, H = 1 - 2 u u', u = (1, ..., 1)/sqrt(d) */
  for (int i = 0; i < d; i++) dot += v[i];
  for (int i = 0; i < d; i++) y[i] = (v[i] - 2 * dot / d) / (1 + i);
  for (int i = 0; i < d; i++) back += y[i];
  for (int i = 0; i < d; i++) y[i] -= 2 * back / d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Twice the identity on all but the last coordinate, which has 0 */
static PetscErrorCode degenerate_product(void *ctx, const double *v, double *y)
{
  const int d = *(const int *)ctx;

  PetscFunctionBegin;
  for (int i = 0; i < d; i++) y[i] = i < d - 1 ? 2 * v[i] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_known_spectra_are_found)
{
  Spectrum   solver;
  Eigenpairs pairs;
  int        d;

  ck_call(solver_with("-speciation_eigenvalues 5", &solver));
  for (d = 1; d <= 900; d = 3 * d + 1) {
    ck_call(SpectrumSolve(solver, "test", d, log(d) + 0.6, known_product, &d, &pairs));
    ck_assert_int_eq(pairs.n, PetscMin(d, 5));
    for (int i = 0; i < pairs.n; i++) {
      ck_assert_close(pairs.value[i], 1.0 / (1 + i), 1e-13);
      for (int j = 0; j < d; j++) /* columns of H, up to their sign */
        ck_assert_double_eq_tol(fabs(pairs.vector[i * d + j]), fabs((i == j) - 2.0 / d), 1e-8);
    }
    ck_call(EigenpairsDestroy(&pairs));
  }
  d = 6;
  ck_call(SpectrumSolve(solver, "test", d, 10, degenerate_product, &d, &pairs));
  for (int i = 0; i < 5; i++) ck_assert_close(pairs.value[i], 2, 1e-14);
  ck_call(EigenpairsDestroy(&pairs));
  d = 3;
  ck_call(SpectrumSolve(solver, "test", d, 4, degenerate_product, &d, &pairs));
  ck_assert(fabs(pairs.value[2]) < 1e-14 && pairs.residual[2] < 1e-9);
  ck_call(EigenpairsDestroy(&pairs));
  ck_call(SpectrumDestroy(&solver));
}
END_TEST

START_TEST(test_a_spectrum_that_does_not_converge_is_a_failed_run)
{
  Spectrum       solver;
  Eigenpairs     pairs;
  PetscErrorCode code;
  int            d = 400;

  ck_call(solver_with("-eps_max_it 1 -eps_ncv 6", &solver));
  QUIET(code, SpectrumSolve(solver, "test", d, 7, known_product, &d, &pairs));
  ck_assert_all(code == AD_ERR_RUN);
  ck_call(SpectrumDestroy(&solver));
}
END_TEST

START_TEST(test_rows_of_a_mixture_have_its_covariance)
{
  Dataset    dataset;
  Covariance c;
  Spectrum   solver;
  Eigenpairs pairs;
  double     err;

  /* means (+-2, +-1, 0), variance 0.25: Lambda = 5.25, the others 0.25 */
  ck_call(solver_with("", &solver));
  ck_call(
      PetscOptionsInsertString(NULL, "-dataset_dim 3 -dataset_means 2,1,0,-2,-1,0 -dataset_variances 0.25"));
  ck_call(DatasetCreate(&dataset));
  ck_call(DatasetSetSeed(dataset, 3));
  ck_call(DatasetSetFromOptions(dataset));
  ck_call(PetscOptionsClear(NULL));
  ck_call(DatasetSetUp(dataset));
  ck_call(CovarianceCreateFromDataset(dataset, SPLIT_TRAIN, 20000, "-test", &c));
  ck_call(SpectrumSolve(solver, "test", 3, c.trace, covariance_product, &c, &pairs));
  ck_call(CovarianceGetStandardError(&c, pairs.vector, &err));
  ck_assert(err < 0.04 && fabs(pairs.value[0] - 5.25) < 4 * err);
  ck_assert(fabs(pairs.value[1] - 0.25) < 0.015 && fabs(pairs.value[2] - 0.25) < 0.015);
  ck_assert_double_eq_tol(pairs.vector[0], 2 / sqrt(5), 0.01);
  ck_assert_double_eq_tol(pairs.vector[1], 1 / sqrt(5), 0.01);
  ck_call(EigenpairsDestroy(&pairs));
  ck_call(CovarianceDestroy(&c));
  ck_call(DatasetDestroy(&dataset));
  ck_call(SpectrumDestroy(&solver));
}
END_TEST

Suite *covariance_suite(void)
{
  Suite *s       = suite_create("covariance");
  TCase *kernels = tcase_create("kernels"), *rows = tcase_create("rows"), *spectra = tcase_create("spectra");

  tcase_add_test(kernels, test_row_products_are_plain_loops);
  tcase_add_test(kernels, test_levels_of_pictures_are_recognised_and_nothing_else);
  suite_add_tcase(s, kernels);
  tcase_add_loop_test(rows, test_eigenvalues_are_those_of_lapack, 0, sizeof(sources) / sizeof(sources[0]));
  tcase_add_test(rows, test_residuals_and_standard_errors_mean_what_they_say);
  tcase_add_test(rows, test_rows_without_a_covariance_are_refused);
  suite_add_tcase(s, rows);
  tcase_add_test(spectra, test_known_spectra_are_found);
  tcase_add_test(spectra, test_a_spectrum_that_does_not_converge_is_a_failed_run);
  tcase_add_test(spectra, test_rows_of_a_mixture_have_its_covariance);
  suite_add_tcase(s, spectra);
  return s;
}
