/*
  What two clusters let expect of clones that return from X_t
*/
#include <math.h>
#include "aduturn.h"

int two_clusters_of(const MixtureData *law, TwoClusters *out)
{
  double centre2 = 0, sum = 0;

  if (law->n != 2 || fabs(law->weight[0] - 0.5) > 1e-12) return 0;
  *out = (TwoClusters){.width2 = law->var[0]};
  for (int i = 0; i < 2 * law->d; i++)
    if (fabs(law->var[i] - out->width2) > 1e-12 * out->width2) return 0;
  for (int i = 0; i < law->d; i++) {
    const double m = 0.5 * (law->mean[i] - law->mean[law->d + i]);
    const double c = 0.5 * (law->mean[i] + law->mean[law->d + i]);

    out->separation2 += m * m;
    centre2 += c * c;
    sum += m;
  }
  if (!(out->separation2 > 0)) return 0;
  out->overlap = sum * sum / (law->d * out->separation2);
  out->centred = centre2 <= 1e-24 * out->separation2;
  return 1;
}

/* p has its nearest poles at Im g = pi/(2 sqrt(variance)) */
void uturn_moments(double mean, double variance, double *agreement, double *recovery)
{
  const double root = sqrt(variance), reach = 9.5;
  const double step  = fmax(fmin(0.16, 0.24 / root), 2e-5);
  const int    n     = (int)(reach / step);
  double       total = 0, both = 0, one = 0;

  for (int i = -n; i <= n; i++) {
    const double g = step * i, weight = exp(-0.5 * g * g), y = 2 * (mean + root * g);
    const double small = exp(-fabs(y)) / (1 + exp(-fabs(y))); /* the smaller of p and 1 - p */

    total += weight;
    both += weight * small * (1 - small);
    one += weight * (y > 0 ? small : 1 - small);
  }
  *agreement = 1 - 2 * both / total;
  *recovery  = 1 - one / total;
}

double uturn_phi(double R)
{
  double agreement, recovery;

  uturn_moments(R, R, &agreement, &recovery);
  return agreement;
}

/*
  Log-odds of the classes at the altered state: 2 m.z'/v with z' = l.X' and v = sigma2 + s^2. Along m, given the class, X' has
  the covariance S = Cb + s^2 u u^T of one coordinate but for the part between x and the auxiliary variables, of which `kept`
  is left, and the mean |m| u with the auxiliary part times `part`.
*/
static void altered_moments(const TwoClusters *t, const Kernel *k, double kept, double part,
                            double *agreement, double *recovery)
{
  const int    b    = k->b;
  const double v    = k->sigma2 + t->width2;
  double       mean = k->l[0] * k->u[0], variance = 0;

  for (int i = 1; i < b; i++) mean += part * k->l[i] * k->u[i];
  for (int i = 0; i < b; i++)
    for (int j = 0; j < b; j++) {
      const double S = k->Cb[i * b + j] + t->width2 * k->u[i] * k->u[j];

      variance += k->l[i] * k->l[j] * S * (!i == !j ? 1 : kept);
    }
  uturn_moments(t->separation2 * mean / v, t->separation2 * variance / (v * v), agreement, recovery);
}

void uturn_predict(const TwoClusters *t, const Kernel *k, UturnArm arm, double *agreement, double *recovery)
{
  const double R = t->separation2 / (k->sigma2 + t->width2);
  double       other[2];

  *agreement = *recovery = uturn_phi(R);
  if (arm == UTURN_RESAMPLE) *recovery = uturn_phi(t->separation2 / (uturn_x_sigma2(k) + t->width2));
  if (arm == UTURN_SCRAMBLE) {
    altered_moments(t, k, t->overlap, t->overlap, agreement, recovery);
    if (!t->centred) *agreement = *recovery = NAN;
  }
  if (arm == UTURN_BATCH) { /* the other sample is of either class */
    altered_moments(t, k, 0, 1, agreement, recovery);
    altered_moments(t, k, 0, -1, &other[0], &other[1]);
    *agreement = 0.5 * (*agreement + other[0]);
    *recovery  = 0.5 * (*recovery + other[1]);
  }
}
