#include "admetrickernels.h"

#include <math.h>

enum { REACH = 9 }; /* bandwidths beyond which a sample adds nothing: exp(-81/2) = 3e-18 of its peak */

#define DENSITY_FLOOR 1e-10

/* percentile - between the ranks, linear */
static double percentile(long n, const double *sorted, double share)
{
  const double at = share * (double)(n - 1), below = floor(at);
  const long   i = (long)below, j = i + 1 < n ? i + 1 : i;

  return sorted[i] + (at - below) * (sorted[j] - sorted[i]);
}

/*
  quartiles - values below which a quarter and three quarters of a sorted sample lie, linear between ranks

  Input:  sorted[n]  ascending, n >= 1
*/
void quartiles(long n, const double *sorted, double *q1, double *q3)
{
  *q1 = percentile(n, sorted, 0.25);
  *q3 = percentile(n, sorted, 0.75);
}

/* bells - exp(-(g_i - x)^2/(2 h^2)) at the points of an axis within reach, from index begin to end */
static void bells(double x, double h, int G, double lo, double hi, int first, int last, int *begin, int *end,
                  double *restrict bell)
{
  const double step = G > 1 ? (hi - lo) / (G - 1) : 1.0;

  *begin = (int)fmin(fmax(ceil((x - REACH * h - lo) / step), first), last);
  *end   = (int)fmin(fmax(floor((x + REACH * h - lo) / step) + 1.0, first), last);
  for (int i = *begin; i < *end; i++) {
    const double u = (lo + i * step - x) / h;

    bell[i - *begin] = exp(-0.5 * u * u);
  }
}

/*
  density_strip_add - adds the Gaussian kernels of samples to a strip of a grid, d = 1 or 2, without their norm

  Input:  X[n][d], h     samples, bandwidth
          G, lo[d], hi[d]  points an axis, the first at lo and the last at hi
          first, rows    the strip: points of the first axis
          work[2 G]
  In/out: density[rows][d == 2 ? G : 1]  each point adds up the samples in their order
  Cost:   (18 h/step)^d products a sample; what is cut off is below 3e-18 of a sample's peak
*/
void density_strip_add(long n, int d, const double *restrict X, double h, int G, const double *restrict lo,
                       const double *restrict hi, int first, int rows, double *restrict work,
                       double *restrict density)
{
  const int columns = d == 2 ? G : 1;
  double   *across = work, *along = work + G;

  for (long r = 0; r < n; r++) {
    int i0, i1, j0 = 0, j1 = 1;

    along[0] = 1.0;
    bells(X[r * d], h, G, lo[0], hi[0], first, first + rows, &i0, &i1, across);
    if (d == 2 && i1 > i0) bells(X[r * 2 + 1], h, G, lo[1], hi[1], 0, G, &j0, &j1, along);
    for (int i = i0; i < i1; i++) {
      double *row = density + (long)(i - first) * columns;

      for (int j = j0; j < j1; j++) row[j] += across[i - i0] * along[j - j0];
    }
  }
}

/*
  density_overlap - parts of KL(p|q) and of the Bhattacharyya coefficient from some points of a grid

  Input:  p[n], q[n]    densities without norm
          sum_p, sum_q  over the whole grid
  Output: kl  sum of P ln(P/Q), bc  sum of sqrt(P Q), where P = p/sum_p and Q likewise, but no less than 1e-10
  Source: the evaluation script published with the paper
*/
void density_overlap(long n, const double *restrict p, double sum_p, const double *restrict q, double sum_q,
                     double *kl, double *bc)
{
  *kl = *bc = 0.0;
  for (long k = 0; k < n; k++) {
    const double P = fmax(p[k] / sum_p, DENSITY_FLOOR), Q = fmax(q[k] / sum_q, DENSITY_FLOOR);

    *kl += P * log(P / Q);
    *bc += sqrt(P * Q);
  }
}
