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

static double density(const GridSpec *spec, double log_sigma)
{
  const double sigma = exp(log_sigma);

  return pow(sigma, 1 / spec->rho) / sqrt(1 + sigma * sigma / spec->variance);
}

/* Equal shares of the density from one sigma to the next; in each of many short panels it counts as linear */
static int scales_times(const LinearSde *sde, const GridSpec *spec, double *t)
{
  enum { PANELS = 4096 };
  Kernel k;
  double low, h, total = 0, passed = 0;
  int    status = kernel_compute(sde, spec->start, &k), panel = 0;

  if (status != KERNEL_OK) return status;
  low = log(spec->sigma_min);
  h   = (log(k.sigma) - low) / PANELS;
  for (int p = 0; p < PANELS; p++)
    total += (density(spec, low + p * h) + density(spec, low + (p + 1) * h)) / 2;
  for (int i = spec->n - 1; i > 0; i--) {
    const double goal = total * (spec->n - 1 - i) / (spec->n - 1);
    double       left, slope, rest;

    for (; panel < PANELS - 1; panel++) {
      const double share = (density(spec, low + panel * h) + density(spec, low + (panel + 1) * h)) / 2;

      if (passed + share >= goal) break;
      passed += share;
    }
    left   = density(spec, low + panel * h);
    slope  = density(spec, low + (panel + 1) * h) - left;
    rest   = goal - passed; /* left x + slope x^2/2 = rest */
    rest   = 2 * rest / (left + sqrt(left * left + 2 * slope * rest));
    status = kernel_time_of_sigma(sde, exp(low + (panel + rest) * h), spec->start, &t[i]);
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
  if (spec->type == GRID_SCALES) return scales_times(sde, spec, t);
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
