#include "private/processimpl.h"
#include "private/wideimpl.h"
#include <math.h>
#include <stdio.h>

typedef struct {
  PetscInt  nm, ng, nv;
  PetscReal m[AD_BMAX * AD_BMAX], g[AD_BMAX * AD_BMAX], v[AD_BMAX * AD_BMAX];
} General;

static PetscErrorCode ProcessSetFromOptions_General(Process process)
{
  General       *p   = (General *)process->data;
  const PetscInt max = AD_BMAX * AD_BMAX;

  PetscFunctionBegin;
  PetscCall(OptRealList("-process_m", "drift matrix M, b x b by rows, x first", RANGE_ANY, max, p->m, &p->nm,
                        NULL));
  PetscCall(OptRealList("-process_g", "noise matrix G, b x b by rows", RANGE_ANY, max, p->g, &p->ng, NULL));
  PetscCall(OptRealList("-process_cov0",
                        "covariance of the auxiliary variables at t = 0, (b-1) x (b-1) or b x b with a zero "
                        "first row and column",
                        RANGE_ANY, max, p->v, &p->nv, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V0 from (b-1) x (b-1) or b x b numbers; must be symmetric and positive semidefinite with nothing in x. */
static PetscErrorCode FillInitialCovariance(Process process, const General *p, int b)
{
  double   *V0            = process->sde.V0;
  const int full          = p->nv == b * b;
  wide      V[BLOCK_SIZE] = {0}, L[BLOCK_SIZE];
  PetscReal scale         = 0;

  PetscFunctionBegin;
  AdCheckInput(full || p->nv == (b - 1) * (b - 1) || !p->nv,
               "-process_cov0: expected %d or %d numbers for the %d x %d matrix -process_m, got %d",
               (b - 1) * (b - 1), b * b, b, b, (int)p->nv);
  for (int i = !full; p->nv && i < b; i++)
    for (int j = !full; j < b; j++) V0[i * b + j] = full ? p->v[i * b + j] : p->v[(i - 1) * (b - 1) + j - 1];
  for (int i = 0; i < b; i++) {
    scale = PetscMax(scale, fabs(V0[i * b + i]));
    AdCheckInput(V0[i] == 0 && V0[i * b] == 0,
                 "-process_cov0: expected zeros in the row and column of x (x0 is the data)");
    for (int j = 0; j < b; j++)
      AdCheckInput(V0[i * b + j] == V0[j * b + i], "-process_cov0: expected a symmetric matrix");
  }
  for (int i = 0; i < b * b; i++) V[i] = V0[i];
  block_cholesky(b, V, ROUNDING_PIVOT, L);
  for (int i = 0; i < b; i++)
    for (int j = 0; j < b; j++) {
      wide sum = 0;
      for (int m = 0; m < b; m++) sum += L[i * b + m] * L[j * b + m];
      AdCheckInput(fabs((double)(sum - V[i * b + j])) <= 1e-12 * scale,
                   "-process_cov0: expected a positive semidefinite matrix");
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ProcessFill_General(Process process)
{
  const General *p = (const General *)process->data;
  int            b = (int)lround(sqrt((double)p->nm));

  PetscFunctionBegin;
  AdCheckInput(p->nm > 0 && b * b == p->nm && b <= AD_BMAX,
               "-process_m: expected b x b numbers, b from 1 to %d, got %d numbers", AD_BMAX, (int)p->nm);
  AdCheckInput(p->ng == p->nm, "-process_g: expected %d numbers like -process_m, got %d", (int)p->nm,
               (int)p->ng);
  process->sde.b = b;
  for (int i = 0; i < b * b; i++) {
    process->sde.M[i] = p->m[i];
    process->G[i]     = p->g[i];
  }
  PetscCall(FillInitialCovariance(process, p, b));
  snprintf(process->label, sizeof(process->label), "general b %d M11 %g", b, p->m[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessCreate_General - any stable M, any G, any covariance of the auxiliary variables at t = 0. */
PetscErrorCode ProcessCreate_General(Process process)
{
  General *p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  process->data                = p;
  process->ops->setfromoptions = ProcessSetFromOptions_General;
  process->ops->fill           = ProcessFill_General;
  PetscFunctionReturn(PETSC_SUCCESS);
}
