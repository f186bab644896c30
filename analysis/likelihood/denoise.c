/*
  What a noised state knows of its data: denoising error, mutual information, recovery of the class
*/
#include "adlikelihood.h"
#include "private/scoreimpl.h"
#include <string.h>

enum { COLUMNS = 3, ERROR = 0, INFORMATION = 1, RECOVERY = 2 };

typedef struct {
  double *X, *z, *x0hat, *logp, *posterior, *work;
} Wave;

/* Row by row: squared error, log P(X | x0)/P(X), 1 if the most probable component is the label; noise |z - x0|^2/sigma2 */
static void judge_rows(int d, const Kernel *k, const MixtureData *law, int64_t n, const double *x0,
                       const int *label, const Wave *w, double *value, double *noise)
{
  const double log_norm = 0.5 * d * log(6.28318530717958647693 * k->sigma2);

  for (int64_t r = 0; r < n; r++, value += COLUMNS) {
    double square = 0, away = 0;

    for (int i = 0; i < d; i++) {
      const int64_t at = r * d + i;
      square += (x0[at] - w->x0hat[at]) * (x0[at] - w->x0hat[at]);
      away += (x0[at] - w->z[at]) * (x0[at] - w->z[at]) / k->sigma2;
    }
    for (int j = 0; j < COLUMNS; j++)
      noise[r * COLUMNS + j] = j == RECOVERY ? d : away; /* a share stays a share */
    value[ERROR]       = square;
    value[INFORMATION] = value[RECOVERY] = 0;
    if (law) {
      const double *R    = w->posterior + r * law->n;
      int           best = 0;
      for (int c = 1; c < law->n; c++)
        if (R[c] > R[best]) best = c;
      value[INFORMATION] = -0.5 * away - log_norm - w->logp[r];
      value[RECOVERY]    = best == label[r];
    }
  }
}

static PetscErrorCode NoiseRows(Process process, Score score, const MixtureData *law, const Kernel *k,
                                RngStream stream, int64_t first, int64_t n, const double *x0,
                                const int *label, double *value, double *noise)
{
  const Coordinates *c;
  const int          wave = DENSITY_WAVE;
  Wave               w;

  PetscFunctionBegin;
  PetscCall(ScoreGetCoordinates(score, &c));
  PetscCall(PetscMalloc6(wave * k->b * c->d, &w.X, wave * c->d, &w.z, wave * c->d, &w.x0hat, wave, &w.logp,
                         law ? wave * law->n : 0, &w.posterior, law ? mixture_workspace(law) : 0, &w.work));
  for (int64_t row = 0; row < n; row += wave) {
    const int rows = (int)PetscMin(wave, n - row);

    PetscCall(ProcessNoise(process, k, c->d, stream, first + row, rows, x0 + row * c->d, w.X));
    PetscCall(ScoreDenoise(score, k, rows, w.X, w.x0hat));
    score_project(k, c->d, rows, w.X, w.z);
    if (law) {
      mixture_score(law, k->sigma2, rows, w.z, NULL, NULL, w.logp, w.work);
      mixture_posterior(law, k->sigma2, rows, w.z, w.posterior, w.work);
    }
    judge_rows(c->d, k, law, rows, x0 + row * c->d, label + row, &w, value + row * COLUMNS,
               noise + row * COLUMNS);
  }
  PetscCall(PetscFree6(w.X, w.z, w.x0hat, w.logp, w.posterior, w.work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DenoiseCompute - means over rows that the process has noised to the kernel's time

  Collective
  Input:  stream, first  of the noise and of this rank's first row, a multiple of DENSITY_WAVE; x0[n][d] diffused, N rows on all
          label[n]       components (read where the law is known)
  Note:   log P(X | x0)/P(X) = log N(z; x0, sigma2)/p(z): the data-free part of X cancels. Error and information are controlled
          by |z - x0|^2, whose mean is known
*/
PetscErrorCode DenoiseCompute(Process process, Score score, const MixtureData *law, const Kernel *kernel,
                              RngStream stream, int64_t N, int64_t first, int64_t n, const double *x0,
                              const int *label, DenoiseResult *result)
{
  const Coordinates *c;
  double            *value, *noise, mean[COLUMNS], err[COLUMNS];

  PetscFunctionBegin;
  PetscCall(ScoreGetCoordinates(score, &c));
  PetscCall(PetscMalloc2(n * COLUMNS, &value, n * COLUMNS, &noise));
  PetscCall(NoiseRows(process, score, law, kernel, stream, first, n, x0, label, value, noise));
  PetscCall(RowsControl(N, n, COLUMNS, noise, c->d, value));
  PetscCall(RowsMean(N, n, COLUMNS, value, mean, err));
  *result = (DenoiseResult){kernel->t,         kernel->sigma2,   mean[ERROR],    err[ERROR],
                            mean[INFORMATION], err[INFORMATION], mean[RECOVERY], err[RECOVERY]};
  PetscCall(PetscFree2(value, noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}
