#include "private/processimpl.h"
#include "private/wideimpl.h"

/*
  X_a = u_a centre_i + T_a0 spread_i e_0 + sum_{j > 0} T_aj e_j for each coordinate i, from unit normals e[n][b][d]
*/
static void prior_rows(int b, int d, const double *u, const double *T, const double *centre,
                       const double *spread, int64_t n, const float *e, double *X)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < d; i++) {
      const float *er = e + r * b * d + i;

      for (int a = 0; a < b; a++) {
        double value = fma(T[a * b] * spread[i], er[0], u[a] * centre[i]);

        for (int j = 1; j < b; j++) value = fma(T[a * b + j], er[j * d], value);
        X[(r * b + a) * d + i] = value;
      }
    }
}

/* T = (u, Dw): X = u (m0 + sqrt(V + sigma2) e_0) + Dw e_w has the covariance Cb + V u u^T */
static void matched_factor(const Kernel *k, int d, const double *mean, const double *variance, double *u,
                           double *T, double *centre, double *spread)
{
  const int b = k->b;

  for (int a = 0; a < b; a++) {
    u[a]     = k->u[a];
    T[a * b] = k->u[a];
    for (int j = 1; j < b; j++) T[a * b + j] = k->Dw[a * (b - 1) + j - 1];
  }
  for (int i = 0; i < d; i++) {
    centre[i] = mean[i];
    spread[i] = sqrt(variance[i] + k->sigma2);
  }
}

/* T = lower factor of C_inf; no centre, u stays zero */
static int stationary_factor(const LinearSde *sde, int d, double *T, double *centre, double *spread)
{
  const int b = sde->b;
  double    C[BLOCK_SIZE];
  wide      S[BLOCK_SIZE], L[BLOCK_SIZE];
  const int status = kernel_stationary(sde, C);

  if (status != KERNEL_OK) return status;
  block_widen(b * b, C, S);
  block_cholesky(b, S, DBL_EPSILON, L);
  block_round(b * b, L, T);
  for (int i = 0; i < d; i++) {
    centre[i] = 0;
    spread[i] = 1;
  }
  return status;
}

/*
  ProcessSamplePrior - draw the states from which the reverse process starts

  Input:  prior     PRIOR_MATCHED: N(u m0, Cb + V u u^T), the law at the kernel's time of Gaussian data with these moments;
                    PRIOR_STATIONARY: N(0, C_inf) with its correlation. PRIOR_EXACT needs data: use ProcessNoise
          kernel    law at the starting time
          mean[d], variance[d]  of the data, diffused units
          stream, first, n      stream and global index of the first row, number of rows
  Output: X[n][b*d]
  Errors: AD_ERR_INPUT when the process has no stationary law
  Note:   not collective apart from errors, which all ranks meet alike
*/
PetscErrorCode ProcessSamplePrior(Process process, PriorType prior, const Kernel *kernel, int d,
                                  const double *mean, const double *variance, RngStream stream, int64_t first,
                                  int64_t n, double *X)
{
  const int     b          = process->sde.b;
  const int64_t wave       = PetscMax(64, 65536 / (b * d));
  double        u[AD_BMAX] = {0}, T[AD_BMAX * AD_BMAX] = {0}, *centre, *spread;
  float        *e;
  int           status = KERNEL_OK;

  PetscFunctionBegin;
  PetscCheck(prior != PRIOR_EXACT, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the exact prior needs data");
  PetscCall(PetscMalloc3(d, &centre, d, &spread, wave * b * d, &e));
  if (prior == PRIOR_MATCHED)
    matched_factor(kernel, d, mean, variance, u, T, centre, spread);
  else
    status = stationary_factor(&process->sde, d, T, centre, spread);
  if (status != KERNEL_OK) PetscCall(PetscFree3(centre, spread, e));
  AdCheckInput(status == KERNEL_OK,
               "-sampler_prior: %s has no stationary law (an eigenvalue of M is not negative); take matched",
               process->label);
  for (int64_t r = 0; r < n; r += wave) {
    const int64_t rows = PetscMin(wave, n - r);

    rng_normal(stream, (uint64_t)(first + r), (size_t)rows, b * d, e);
    prior_rows(b, d, u, T, centre, spread, rows, e, X + r * b * d);
  }
  PetscCall(PetscFree3(centre, spread, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}
