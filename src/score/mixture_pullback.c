#include "admixture.h"

/* V.m_c, the weights on the posterior mean of one component */
static double component_mean(int d, const double *restrict mean, const double *restrict var, double sigma2,
                             const double *restrict z, const double *restrict V)
{
  double sum = 0.0;

  for (int i = 0; i < d; i++) sum += V[i] * ((mean[i] * sigma2 + z[i] * var[i]) / (var[i] + sigma2));
  return sum;
}

void mixture_pullback(const MixtureData *mix, double sigma2, int n, const double *z, const double *R,
                      const double *V, double *P)
{
  const int d = mix->d;

  for (int row = 0; row < n; row++, z += d, R += mix->n, V += d, P += d) {
    double centre = 0.0;

    for (int c = 0; c < mix->n; c++)
      if (R[c] != 0.0) centre += R[c] * component_mean(d, mix->mean + c * d, mix->var + c * d, sigma2, z, V);
    for (int j = 0; j < d; j++) P[j] = 0.0;
    for (int c = 0; c < mix->n; c++) {
      const double *mean = mix->mean + c * d, *var = mix->var + c * d;
      double        away;

      if (R[c] == 0.0) continue;
      away = component_mean(d, mean, var, sigma2, z, V) - centre;
      for (int j = 0; j < d; j++)
        P[j] += R[c] * ((V[j] * var[j] + away * (mean[j] - z[j])) / (var[j] + sigma2));
    }
  }
}
