/*
  What the arms of the U-turn experiment do to the auxiliary variables
*/
#include <math.h>
#include "aduturn.h"

void uturn_scramble(int b, int d, int64_t n, const uint32_t *words, double *X, double *work)
{
  for (int64_t r = 0; r < n; r++) {
    const uint32_t *word = words + r * d;

    for (int a = 1; a < b; a++) { /* the same permutation for all variables of a coordinate */
      double *aux = X + (r * b + a) * d;

      for (int i = 0; i < d; i++) work[i] = aux[i];
      for (int i = d - 1; i > 0; i--) {
        const int    other = (int)(((uint64_t)word[i] * (uint64_t)(i + 1)) >> 32);
        const double here  = work[i];

        work[i]     = work[other];
        work[other] = here;
      }
      for (int i = 0; i < d; i++) aux[i] = work[i];
    }
  }
}

/* Where x has all but lost x0 (an oscillating process on its way through 0) the posterior is the prior all the same */
static double response_of_x(const Kernel *k)
{
  return copysign(fmax(fabs(k->u[0]), 1e-100), k->u[0]);
}

double uturn_x_sigma2(const Kernel *k)
{
  const double u = response_of_x(k);

  return k->Cb[0] / (u * u);
}

void uturn_x_scaled(const Kernel *k, int d, int64_t n, const double *X, double *z)
{
  const double u = response_of_x(k);

  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < d; i++) z[r * d + i] = X[r * k->b * d + i] / u;
}

/* A component by its share; the last one that has any where rounding leaves none */
static int pick(int n, const double *R, double u)
{
  int last = 0;

  for (int c = 0; c < n; c++) {
    if (R[c] > 0) last = c;
    u -= R[c];
    if (u < 0) return c;
  }
  return last;
}

/* One coordinate: e[b+1] with a stride of d. x = g.xi + u_x x0 fixes xi along g, the response of x to the unit normals xi */
static void redraw(const Kernel *k, int d, double mean, double var, const float *e, double *X)
{
  const int     b      = k->b;
  const double  sigma2 = uturn_x_sigma2(k), z = X[0] / response_of_x(k);
  const double  x0 = (mean * sigma2 + z * var) / (var + sigma2) + sqrt(var * sigma2 / (var + sigma2)) * e[0];
  const double *Dw = k->Dw;
  double        g[AD_BMAX], xi[AD_BMAX], miss = X[0] - k->u[0] * x0;

  for (int j = 0; j < b; j++) {
    g[j]  = j ? Dw[j - 1] : k->u[0] * k->sigma;
    xi[j] = e[(j + 1) * d];
    miss -= g[j] * xi[j];
  }
  for (int j = 0; j < b; j++) xi[j] += g[j] * miss / k->Cb[0];
  for (int a = 1; a < b; a++) {
    double value = k->u[a] * (x0 + k->sigma * xi[0]);

    for (int j = 1; j < b; j++) value += Dw[a * (b - 1) + j - 1] * xi[j];
    X[a * d] = value;
  }
}

void uturn_resample(const MixtureData *law, const Kernel *k, int64_t n, const double *R, const double *u,
                    const float *e, double *X)
{
  const int d = law->d;

  for (int64_t r = 0; r < n; r++) {
    const int64_t c = pick(law->n, R + r * law->n, u[r]);

    for (int i = 0; i < d; i++)
      redraw(k, d, law->mean[c * d + i], law->var[c * d + i], e + r * (k->b + 1) * d + i,
             X + r * k->b * d + i);
  }
}
