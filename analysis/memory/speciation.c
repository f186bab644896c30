/*
  Speciation times of a linear process: pure kernels
*/
#include "adspeciation.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- what a process is: passive, active, or neither ---- */

/* No auxiliary variable feels x, so that u = (e^{-kt}, 0, ...) */
static int one_way(const LinearSde *sde)
{
  for (int j = 1; j < sde->b; j++)
    if (sde->M[j * sde->b] != 0) return 0;
  return 1;
}

static int is_active(const LinearSde *sde)
{
  return sde->b == 2 && one_way(sde) && sde->M[1] != 0 && sde->M[0] < 0 && sde->M[3] < 0;
}

/* T of the white noise that the process has when its memory goes to zero: T itself, or Ta without Tp */
static double bath_temperature(const LinearSde *sde)
{
  if (sde->b == 1) return sde->Q[0] / 2;
  return sde->M[1] * sde->M[1] * sde->Q[3] / (2 * sde->M[3] * sde->M[3]);
}

/* ---- roots ---- */

double speciation_passive(double k, double T, double lambda)
{
  return log1p(lambda * k / T) / (2 * k);
}

static double norm_of(const LinearSde *sde)
{
  double norm = 0;

  for (int i = 0; i < sde->b * sde->b; i++) norm += fabs(sde->M[i]);
  return norm;
}

int speciation_joint(const LinearSde *sde, double lambda, double *t)
{
  const double norm   = norm_of(sde);
  double       tmax   = norm > 0 ? 1 / norm : 1;
  int          status = KERNEL_DEGENERATE, below = 0;

  for (int doubling = 0; doubling < 40; doubling++, tmax *= 2) {
    status = kernel_time_of_sigma(sde, sqrt(lambda), tmax, t);
    if (status == KERNEL_OK) return status;
    below |= status == KERNEL_RANGE;
    if (below && status == KERNEL_DEGENERATE && *t < tmax) return status;
  }
  *t =
      INFINITY; /* the clock stands still below lambda, or variances that grow with t have left the range of numbers */
  return below ? KERNEL_OK : status;
}

/* log(Cb_xx/(Lambda u_x^2)) and its slope in log t; infinite once u_x has crossed zero, where x alone knows nothing of x0 */
static double log_ratio(const LinearSde *sde, double lambda, double t, double *slope)
{
  const int b = sde->b;
  Kernel    k;
  double    noise = sde->Q[0], signal = 0, u;

  (void)kernel_compute(sde, t, &k);
  for (int j = 0; j < b; j++) {
    noise += 2 * sde->M[j] * k.Cb[j];
    signal += sde->M[j] * k.u[j];
  }
  u      = k.u[0];
  *slope = t * (noise / k.Cb[0] - 2 * signal / u);
  if (!(k.Cb[0] > 0)) return -INFINITY;
  return u > 0 ? log(k.Cb[0] / (sqrt(lambda) * u) / (sqrt(lambda) * u)) : INFINITY;
}

/* One step of the law given x0 in double precision: u <- F u, Cb <- F Cb F^T + C, with F and C of the step */
static void advance(const Kernel *step, double *u, double *Cb)
{
  const int b           = step->b;
  double    Fu[AD_BMAX] = {0}, FC[AD_BMAX * AD_BMAX] = {0};

  for (int i = 0; i < b; i++)
    for (int j = 0; j < b; j++) {
      Fu[i] += step->F[i * b + j] * u[j];
      for (int m = 0; m < b; m++) FC[i * b + j] += step->F[i * b + m] * Cb[m * b + j];
    }
  for (int i = 0; i < b; i++) {
    u[i] = Fu[i];
    for (int j = 0; j < b; j++) {
      Cb[i * b + j] = step->C[i * b + j];
      for (int m = 0; m < b; m++) Cb[i * b + j] += FC[i * b + m] * step->F[j * b + m];
    }
  }
}

/* A bracket of the first crossing: the ratio is below lambda at lo, not below it at hi */
static void bracket(const LinearSde *sde, double lambda, double *lo, double *hi)
{
  const int    steps      = one_way(sde) ? 1 : (int)fmin(ceil(4 * norm_of(sde) * *hi), 1e6);
  const double h          = *hi / steps;
  double       u[AD_BMAX] = {1}, Cb[AD_BMAX * AD_BMAX], slope;
  int          i          = 1;
  Kernel       step;

  (void)kernel_compute(sde, h, &step);
  memcpy(Cb, sde->V0, sizeof(Cb));
  for (; i < steps; i++) {
    advance(&step, u, Cb);
    if (!(u[0] > 0 && Cb[0] / (sqrt(lambda) * u[0]) / (sqrt(lambda) * u[0]) < 1)) break;
  }
  if (i > 1 && log_ratio(sde, lambda, h * (i - 1), &slope) >= 0) i--; /* where rounding has missed it */
  *lo = h * (i - 1);
  *hi = i < steps ? h * i : *hi;
  if (i < steps && log_ratio(sde, lambda, *hi, &slope) < 0) *hi += h;
}

int speciation_x_alone(const LinearSde *sde, double lambda, double t_joint, double *t)
{
  double lo, hi = t_joint, value = 1, slope;

  bracket(sde, lambda, &lo, &hi);
  *t = hi;
  for (int iteration = 0; iteration < 2000 && hi - lo > DBL_EPSILON * hi; iteration++) {
    double next;

    value = log_ratio(sde, lambda, *t, &slope);
    if (value < 0)
      lo = *t;
    else
      hi = *t;
    next = *t * exp(-value / slope);
    if (slope > 0 && fabs(next - *t) <= 1e-15 * *t) break;
    if (!(slope > 0 && next > lo && next < hi)) next = lo > 0 ? sqrt(lo) * sqrt(hi) : 0.01 * hi;
    *t = next;
  }
  if (hi - lo <= 2 * DBL_EPSILON * hi) return KERNEL_OK;
  return fabs(log_ratio(sde, lambda, *t, &slope)) < 1e-12 ? KERNEL_OK : KERNEL_DEGENERATE;
}

/* T of the passive noise to compare with at equal temperature, NaN where that makes no sense */
static double passive_temperature(const LinearSde *sde, double T)
{
  if (!(sde->M[0] < 0) || (sde->b > 1 && !is_active(sde))) return NAN;
  return sde->b > 1 && T > 0 ? T : bath_temperature(sde);
}

int speciation_times(const LinearSde *sde, double lambda, double T, SpeciationTimes *times)
{
  const double k = -sde->M[0], temperature = passive_temperature(sde, T);
  double       C[AD_BMAX * AD_BMAX];
  Kernel       kernel;
  int          status;

  *times = (SpeciationTimes){INFINITY, INFINITY, NAN, NAN, NAN, NAN, NAN};
  status = speciation_joint(sde, lambda, &times->joint);
  if (status == KERNEL_OK && isfinite(times->joint))
    status = speciation_x_alone(sde, lambda, times->joint, &times->x_alone);
  if (status != KERNEL_OK) return status;
  if (isfinite(times->x_alone) && kernel_compute(sde, times->x_alone, &kernel) == KERNEL_OK)
    times->clock_x = kernel.sigma2 / lambda;
  if (isnan(temperature)) return KERNEL_OK;
  if (sde->b > 1) {
    times->active_x     = times->x_alone;
    times->active_joint = times->joint;
  }
  times->passive = speciation_passive(k, temperature, lambda);
  if (kernel_stationary(sde, C) == KERNEL_OK)
    times->equivalent_passive = speciation_passive(k, k * C[0], lambda);
  return KERNEL_OK;
}

void speciation_asymptotes(const LinearSde *sde, double lambda, double T, SpeciationTimes *times)
{
  const double k = -sde->M[0], temperature = passive_temperature(sde, T);
  double       C[AD_BMAX * AD_BMAX], given;

  *times = (SpeciationTimes){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  if (!one_way(sde) || kernel_stationary(sde, C) != KERNEL_OK) return;
  given          = kernel_conditional_variance(sde->b, C);
  times->x_alone = log(lambda / C[0]) / (2 * k);
  times->joint   = log(lambda / given) / (2 * k);
  times->clock_x = given / C[0];
  if (isnan(temperature)) return;
  if (sde->b > 1) {
    times->active_x     = times->x_alone;
    times->active_joint = times->joint;
  }
  times->passive            = log(lambda * k / temperature) / (2 * k);
  times->equivalent_passive = times->x_alone;
}
