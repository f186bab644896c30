/*
  Integrals over the law of z, by the trapezoid rule on a grid that resolves the narrowest peak
*/
#include "adlikelihood.h"

enum { LINE_MAX_1D = 100000, LINE_MAX_2D = 1200 };
#define RESOLUTION                                                                                           \
  5.0 /* points a standard deviation: exact to rounding for Gaussians; 2e-4 for the kinks of recovery */
#define REACH 9.0 /* standard deviations */

typedef struct {
  double lo, step;
  int    n;
} Axis;

static Axis axis_of(const MixtureData *law, double sigma2, int i)
{
  double lo = INFINITY, hi = -INFINITY, narrow = INFINITY;

  for (int c = 0; c < law->n; c++) {
    const double sd = sqrt(law->var[c * law->d + i] + sigma2), mean = law->mean[c * law->d + i];
    lo     = fmin(lo, mean - REACH * sd);
    hi     = fmax(hi, mean + REACH * sd);
    narrow = fmin(narrow, sd);
  }
  return (Axis){lo, narrow / RESOLUTION, (int)fmin((hi - lo) / (narrow / RESOLUTION) + 1, 1e9)};
}

/* One line of points: sums of p log p, of p times the posterior variance, and of p times the largest posterior weight */
static void add_line(const MixtureData *law, double sigma2, int n, const double *z, const double *logp,
                     const double *R, double *sum)
{
  for (int r = 0; r < n; r++, z += law->d, R += law->n) {
    const double p        = exp(logp[r]);
    double       variance = 0, best = 0;

    for (int i = 0; i < law->d; i++) {
      double mean = 0, spread = 0;
      for (int c = 0; c < law->n; c++) {
        const double h = law->var[c * law->d + i], mu = law->mean[c * law->d + i];
        mean += R[c] * ((mu * sigma2 + z[i] * h) / (h + sigma2));
      }
      for (int c = 0; c < law->n; c++) {
        const double h = law->var[c * law->d + i], mu = law->mean[c * law->d + i];
        const double away = (mu * sigma2 + z[i] * h) / (h + sigma2) - mean;
        spread += R[c] * (h * sigma2 / (h + sigma2) + away * away);
      }
      variance += spread;
    }
    for (int c = 0; c < law->n; c++) best = fmax(best, R[c]);
    if (p > 0) {
      sum[0] += p * logp[r];
      sum[1] += p * variance;
      sum[2] += p * best;
    }
  }
}

/*
  MixtureIntegrate - entropy of z, and E|x0 - D|^2, I(x0; z) and the best possible share of recovered components

  Not collective
  Output: out (information is infinite at sigma2 = 0), known
  Source: I = h(z) - d/2 log(2 pi e sigma2)
  Cost:   points times components; about 10^6 points for nine narrow peaks in the plane
*/
PetscErrorCode MixtureIntegrate(const MixtureData *law, double sigma2, MixtureIntegrals *out,
                                PetscBool *known)
{
  const int    d    = law->d;
  const double unit = 17.0794684453471341; /* 2 pi e */
  Axis         x = {0, 0, 0}, y = {0, 1, 1};
  double      *z, *logp, *R, *work, sum[3] = {0}, cell;

  PetscFunctionBegin;
  if (d <= 2) x = axis_of(law, sigma2, 0);
  if (d == 2) y = axis_of(law, sigma2, 1);
  *known =
      d <= 2 && x.step > 0 && y.step > 0 && x.n <= (d == 1 ? LINE_MAX_1D : LINE_MAX_2D) && y.n <= LINE_MAX_2D
          ? PETSC_TRUE
          : PETSC_FALSE;
  if (!*known) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      PetscMalloc4(x.n * d, &z, x.n, &logp, (size_t)x.n * (size_t)law->n, &R, mixture_workspace(law), &work));
  for (int line = 0; line < y.n; line++) {
    for (int r = 0; r < x.n; r++) {
      z[r * d] = x.lo + r * x.step;
      if (d == 2) z[r * d + 1] = y.lo + line * y.step;
    }
    mixture_score(law, sigma2, x.n, z, NULL, NULL, logp, work);
    mixture_posterior(law, sigma2, x.n, z, R, work);
    add_line(law, sigma2, x.n, z, logp, R, sum);
  }
  cell             = x.step * (d == 2 ? y.step : 1);
  out->entropy     = -sum[0] * cell;
  out->error       = sum[1] * cell;
  out->recovery    = sum[2] * cell;
  out->information = out->entropy - 0.5 * d * log(unit * sigma2);
  PetscCall(PetscFree4(z, logp, R, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
