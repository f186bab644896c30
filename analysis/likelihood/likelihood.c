/*
  Integrals of a denoiser's errors over the clock: path-space KL and the variational bound on the likelihood
*/
#include "adlikelihood.h"
#include "private/scoreimpl.h"

/* One wave of rows noised to one sigma, and what it is worth; all divided by sigma2 */
typedef struct {
  double *X, *z, *D, *truth;
} Wave;

/* out = |a - b|^2/sigma2 of one row */
static double distance2(int d, double sigma2, const double *restrict a, const double *restrict b)
{
  double sum = 0;

  for (int i = 0; i < d; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / sigma2;
}

/*
  NoiseColumn - column k of error, noise and excess[n][columns] for all rows of this rank: |x0 - D_m|^2, |z - x0|^2 and
  |D - D_m|^2 over sigma2, at one draw of z
*/
static PetscErrorCode NoiseColumn(Process process, Score model, Score truth, const Kernel *k,
                                  RngStream stream, int64_t first, int64_t n, const double *x0, Wave *w,
                                  int k_at, int columns, double *error, double *noise, double *excess)
{
  const Coordinates *c;

  PetscFunctionBegin;
  PetscCall(ScoreGetCoordinates(model, &c));
  for (int64_t row = 0; row < n; row += DENSITY_WAVE) {
    const int64_t rows = PetscMin(DENSITY_WAVE, n - row);

    PetscCall(ProcessNoise(process, k, c->d, stream, first + row, rows, x0 + row * c->d, w->X));
    score_project(k, c->d, (int)rows, w->X, w->z);
    PetscCall(ScoreDenoise(model, k, rows, w->X, w->D));
    if (truth) PetscCall(ScoreDenoise(truth, k, rows, w->X, w->truth));
    for (int64_t r = 0; r < rows; r++) {
      const int64_t at = (row + r) * columns + k_at, i = r * c->d;

      error[at]  = distance2(c->d, k->sigma2, x0 + (row + r) * c->d, w->D + i);
      noise[at]  = distance2(c->d, k->sigma2, x0 + (row + r) * c->d, w->z + i);
      excess[at] = truth ? distance2(c->d, k->sigma2, w->truth + i, w->D + i) : 0;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KL(N(x0, sigma2) || N(mean, variance + sigma2)) of one row */
static double prior_divergence(const Coordinates *c, double sigma2, const double *x0)
{
  double sum = 0;

  for (int i = 0; i < c->d; i++) {
    const double v = c->variance[i] + sigma2, away = x0[i] - c->mean[i];
    sum += 0.5 * ((sigma2 + away * away) / v - 1 + log(v / sigma2));
  }
  return sum;
}

/*
  SumBound - the bound of each row, and its mean

  Input:  integral[n]  of the row, last[n] |x0 - D_m|^2 at sigma_min, N rows on all ranks
  Note:   s2, the variance of the last step's Gaussian, is the mean of `last` a coordinate: fitted on the same rows, which
          lowers the bound by 1/(2N) of a nat or so
*/
static PetscErrorCode SumBound(const Coordinates *c, double sigma_max, int64_t N, int64_t n, const double *x0,
                               const double *integral, const double *last, PathResult *result)
{
  const double two_pi = 6.28318530717958647693;
  double      *part, mean[2], err[2], s2;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * n, &part));
  PetscCall(RowsMean(N, n, 1, last, mean, NULL));
  s2 = mean[0] / c->d;
  for (int64_t r = 0; r < n; r++) {
    part[2 * r]     = prior_divergence(c, sigma_max * sigma_max, x0 + r * c->d);
    part[2 * r + 1] = part[2 * r] + integral[r] + 0.5 * (c->d * log(two_pi * s2) + last[r] / s2);
  }
  PetscCall(RowsMean(N, n, 2, part, mean, err));
  result->prior_kl   = mean[0];
  result->decoder_sd = sqrt(s2);
  result->bound      = mean[1];
  result->bound_err  = err[1];
  PetscCall(PetscFree(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From columns (the last one: sigma_min) to the result */
static PetscErrorCode Summarise(const Coordinates *c, const PathSettings *settings, int64_t N, int64_t n,
                                const double *x0, const double *error, const double *excess,
                                PathResult *result)
{
  const int    K    = settings->nodes;
  const double step = log(settings->sigma_max / settings->sigma_min) / K;
  double      *sum, *last, *mean, *err;

  PetscFunctionBegin;
  PetscCall(PetscCalloc4(2 * n, &sum, n, &last, K + 1, &mean, K + 1, &err));
  PetscCall(RowsMean(N, n, K + 1, error, mean, err));
  for (int k = 0; k < K; k++) {
    result->error[k]     = mean[k] * result->sigma[k] * result->sigma[k];
    result->error_err[k] = err[k] * result->sigma[k] * result->sigma[k];
  }
  PetscCall(RowsMean(N, n, K + 1, excess, mean, err));
  for (int k = 0; k < K; k++) {
    result->excess[k]     = mean[k] * result->sigma[k] * result->sigma[k];
    result->excess_err[k] = err[k] * result->sigma[k] * result->sigma[k];
  }
  for (int64_t r = 0; r < n; r++) {
    for (int k = 0; k < K; k++) sum[r] += step * excess[r * (K + 1) + k];
    for (int k = 0; k < K; k++) sum[n + r] += step * error[r * (K + 1) + k];
    last[r] = error[r * (K + 1) + K] * settings->sigma_min * settings->sigma_min;
  }
  PetscCall(RowsMean(N, n, 1, sum, &result->kl, &result->kl_err));
  PetscCall(SumBound(c, settings->sigma_max, N, n, x0, sum + n, last, result));
  PetscCall(PetscFree4(sum, last, mean, err));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  PathCompute - path KL and bound of a model, from rows noised to midpoints in log sigma

  Collective
  Input:  truth  the exact score, or NULL: excess and kl are then zero
          first  global index of this rank's first row, a multiple of DENSITY_WAVE; x0[n][d] in diffused units, N rows on all
  Output: result, to be freed with PathFree
  Source: both are Girsanov's 1/2 int E|difference of scores|_Q^2 dt with score = l sz - R X, sz = (D - z)/sigma2 and
          d(1/sigma2)/dt = -l^T Q l/sigma2^2, which leaves 1/2 int E|D - D_m|^2 d(1/sigma2)
  Note:   the noise of node k has step k + 1 of its stream. |x0 - D_m|^2 is controlled by |z - x0|^2, whose mean is known
*/
PetscErrorCode PathCompute(Process process, Score model, Score truth, const PathSettings *settings, int64_t N,
                           int64_t first, int64_t n, const double *x0, PathResult *result)
{
  const int          K     = settings->nodes;
  const double       range = settings->sigma_max / settings->sigma_min;
  const Coordinates *c;
  double            *error, *noise, *excess;
  Wave               w;

  PetscFunctionBegin;
  PetscCall(ScoreGetCoordinates(model, &c));
  *result = (PathResult){.nodes = K};
  PetscCall(PetscMalloc5(K, &result->sigma, K, &result->error, K, &result->error_err, K, &result->excess, K,
                         &result->excess_err));
  PetscCall(PetscMalloc3(n * (K + 1), &error, n * (K + 1), &noise, n * (K + 1), &excess));
  PetscCall(PetscMalloc4(DENSITY_WAVE * AD_BMAX * c->d, &w.X, DENSITY_WAVE * c->d, &w.z, DENSITY_WAVE * c->d,
                         &w.D, DENSITY_WAVE * c->d, &w.truth));
  for (int k = 0; k <= K; k++) {
    const double    sigma  = settings->sigma_min * (k < K ? pow(range, (k + 0.5) / K) : 1);
    const RngStream stream = {settings->seed, RNG_NOISE, (uint32_t)k + 1};
    Kernel          kernel;

    if (k < K) result->sigma[k] = sigma;
    PetscCall(DensityGetKernel(settings->space, process, sigma, &kernel));
    PetscCall(NoiseColumn(process, model, truth, &kernel, stream, first, n, x0, &w, k, K + 1, error, noise,
                          excess));
  }
  PetscCall(RowsControl(N, n, K + 1, noise, c->d, error));
  PetscCall(Summarise(c, settings, N, n, x0, error, excess, result));
  PetscCall(PetscFree4(w.X, w.z, w.D, w.truth));
  PetscCall(PetscFree3(error, noise, excess));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PathFree(PathResult *result)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(result->sigma, result->error, result->error_err, result->excess, result->excess_err));
  PetscFunctionReturn(PETSC_SUCCESS);
}
