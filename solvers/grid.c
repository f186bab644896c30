/*
  Times at which a sampler stands
*/
#include <math.h>
#include "private/samplerimpl.h"

static int sigma_rho_times(const LinearSde *sde, const GridSpec *spec, double *t)
{
  Kernel k;
  double high, low;
  int    status = kernel_compute(sde, spec->start, &k);

  if (status != KERNEL_OK) return status;
  high = pow(k.sigma, 1 / spec->rho);
  low  = pow(spec->sigma_min, 1 / spec->rho);
  for (int i = 1; i < spec->n; i++) {
    const double f = (double)i / (spec->n - 1);

    status = kernel_time_of_sigma(sde, pow(high + f * (low - high), spec->rho), t[i - 1], &t[i]);
    if (status != KERNEL_OK) return status;
  }
  return KERNEL_OK;
}

int grid_times(const LinearSde *sde, const GridSpec *spec, double *t)
{
  const int n = spec->n;

  t[0] = spec->start;
  t[n] = 0;
  if (spec->type == GRID_SIGMA_RHO) return sigma_rho_times(sde, spec, t);
  for (int i = 1; i < n; i++) {
    const double rest = 1 - (double)i / n;

    if (spec->type == GRID_UNIFORM)
      t[i] = spec->start * rest;
    else if (spec->type == GRID_QUADRATIC)
      t[i] = spec->start * rest * rest;
    else
      t[i] = spec->start * pow(spec->t_min / spec->start, (double)i / (n - 1));
  }
  return KERNEL_OK;
}
