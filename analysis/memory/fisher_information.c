/*
  Mutual information of x0 with what is seen of a noised state
*/
#include "adfisher.h"
#include <float.h>

/* Information is a difference of log-densities, which no more rows make better than this */
static double rounding(int d, double sigma2)
{
  return 4 * DBL_EPSILON * d * (1 + fabs(log(sigma2)));
}

PetscErrorCode FisherInformationCompute(Process process, Score score, const MixtureData *law, double J,
                                        RngStream stream, int64_t N, int64_t first, int64_t n,
                                        const double *x0, const int *label, FisherInformation *out)
{
  DenoiseResult    result;
  MixtureIntegrals integrals;
  PetscBool        known = PETSC_FALSE;
  Kernel           clock;

  PetscFunctionBegin;
  *out = (FisherInformation){NAN, NAN, NAN};
  if (J < 1e-300) *out = (FisherInformation){0, 0, 0};
  if (!(J >= 1e-300)) PetscFunctionReturn(PETSC_SUCCESS);
  clock_kernel(1 / sqrt(J), &clock);
  PetscCall(DenoiseCompute(process, score, law, &clock, stream, N, first, n, x0, label, &result));
  if (law->d == 1) PetscCall(MixtureIntegrate(law, clock.sigma2, &integrals, &known));
  out->value = result.information;
  out->err   = hypot(result.information_err, rounding(law->d, clock.sigma2));
  if (known) out->exact = integrals.information;
  PetscFunctionReturn(PETSC_SUCCESS);
}
