/*
  What a set of trees says: means with errors over grammars, the point where a root is lost, calibration
*/
#include "private/rhmimpl.h"
#include "adstatistics.h"

void rhm_mean(int n, const double *weight, const double *value, double *mean, double *err)
{
  double total = 0, squares = 0;

  *mean = 0;
  for (int i = 0; i < n; i++) {
    total += weight[i];
    *mean += weight[i] * value[i];
  }
  *mean /= total;
  for (int i = 0; i < n; i++) {
    const double away = weight[i] * (value[i] - *mean);

    squares += away * away;
  }
  *err = n > 1 ? sqrt(squares * n / (n - 1)) / total : NAN;
}

/* The falling sequence nearest to y in squares: blocks that rise are replaced by their mean until none is left. */
static void fit_falling(int n, const double *y, double *fit, double *size)
{
  int blocks = 0;

  for (int i = 0; i < n; i++) {
    fit[blocks]  = y[i];
    size[blocks] = 1;
    for (blocks++; blocks > 1 && fit[blocks - 2] < fit[blocks - 1]; blocks--) {
      const double both = size[blocks - 2] + size[blocks - 1];

      fit[blocks - 2]  = (size[blocks - 2] * fit[blocks - 2] + size[blocks - 1] * fit[blocks - 1]) / both;
      size[blocks - 2] = both;
    }
  }
  for (int i = n, k = blocks - 1; k >= 0; k--)
    for (double left = size[k]; left > 0; left--)
      fit[--i] = fit[k]; /* i >= k: nothing is read after it is written */
}

/* Where the line between points i and i + 1 of a falling curve has the height 1/2 */
static double crossing(int i, const double *x, const double *y)
{
  return y[i] > y[i + 1] ? x[i] + (x[i + 1] - x[i]) * (y[i] - 0.5) / (y[i] - y[i + 1]) : x[i];
}

double rhm_half(int n, const double *x, const double *y, double *work)
{
  double *fit  = work;
  int     from = 0, to = 0;

  fit_falling(n, y, fit, work + n);
  if (n < 2 || !(fit[0] > 0.5) || !(fit[n - 1] < 0.5)) return NAN;
  while (fit[from + 1] > 0.5) from++;
  to = from;
  while (fit[to + 1] >= 0.5) to++;
  return (crossing(from, x, fit) + crossing(to, x, fit)) / 2;
}

/* Mean of curve[n][points] over the groups but one (leave < 0: over all) */
static void mean_curve(int n, const double *weight, const double *curve, int points, int leave, double *mean)
{
  double total = 0;

  for (int k = 0; k < points; k++) mean[k] = 0;
  for (int i = 0; i < n; i++) {
    if (i == leave) continue;
    total += weight[i];
    for (int k = 0; k < points; k++) mean[k] += weight[i] * curve[i * points + k];
  }
  for (int k = 0; k < points; k++) mean[k] /= total;
}

void rhm_half_jackknife(int n, const double *weight, int points, const double *x, const double *curve,
                        double *work, double *half, double *err)
{
  double sum = 0, squares = 0;

  mean_curve(n, weight, curve, points, -1, work);
  *half = rhm_half(points, x, work, work + points);
  for (int i = 0; i < n && n > 1; i++) {
    double away;

    mean_curve(n, weight, curve, points, i, work);
    away = rhm_half(points, x, work, work + points) - *half;
    sum += away;
    squares += away * away;
  }
  *err = n > 1 ? sqrt((n - 1.0) / n * (squares - sum * sum / n)) : NAN;
}

double rhm_calibration(int n, const double *weight, const double *excess, double *t)
{
  double mean, err;

  rhm_mean(n, weight, excess, &mean, &err);
  *t = err > 0 ? mean / err : NAN;
  return student_t_two_sided(*t, n - 1);
}
