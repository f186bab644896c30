#include "private/scoreimpl.h"
#include <math.h>

/*
  What the squared error of a net's outputs counts. A weighting is a quadratic form on errors of the score, dS^T K dS a
  coordinate, so it does not depend on what a net's outputs are; with dS = B dnet it is dnet^T W dnet, W = B^T K B.
*/

int score_net_of_z(const ScoreNetMap *map)
{
  return map->kind == SCORE_REDUCED || map->form == SCORE_CLOCK;
}

/* (Cb^{-1})_ac: covariance of the score given x0 */
static double precision(const Kernel *k, int a, int c)
{
  return k->l[a] * k->l[c] / k->sigma2 + k->R[a * k->b + c];
}

static double determinant(const Kernel *k)
{
  double product = 1;

  for (int a = 0; a < k->b && k->c_regular; a++) product *= k->Lc[a * k->b + a] * k->Lc[a * k->b + a];
  return k->c_regular ? product : 0;
}

/* T of x (Q = 2T), T_a of an auxiliary variable (Q = 2 T_a/tau^2, M = -1/tau), and for b = 1 the variance */
static double temperature(const LinearSde *sde, const Kernel *k, int a)
{
  const double half = 0.5 * sde->Q[a * k->b + a], rate = sde->M[a * k->b + a];

  if (k->b == 1) return k->C[0];
  return a ? half / (rate * rate) : half;
}

/* K of component a by itself */
static double component_weight(ScoreWeight weight, const LinearSde *sde, const Kernel *k, int a)
{
  const double half = 0.5 * sde->Q[a * k->b + a];

  switch (weight) {
  case WEIGHT_LIKELIHOOD:
    return half;
  case WEIGHT_V1:
    return half / precision(k, a, a);
  case WEIGHT_DET:
    return temperature(sde, k, a) * determinant(k);
  default: /* whitened: the same as v2 where one component is noised */
    return 1 / precision(k, a, a);
  }
}

/* K of the score of z, whose part in the score is dS = l dsz */
static double clock_weight(ScoreWeight weight, const LinearSde *sde, const Kernel *k)
{
  double half = 0;

  for (int a = 0; a < k->b; a++)
    for (int c = 0; c < k->b; c++) half += 0.5 * k->l[a] * sde->Q[a * k->b + c] * k->l[c];
  if (weight == WEIGHT_LIKELIHOOD) return half;
  return weight == WEIGHT_V1 ? half * k->sigma2 : k->sigma2;
}

/* dS_a/dnet_m of nets that speak of all components */
static double all_slope(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int a, int m)
{
  if (map->form == SCORE_PLAIN) return a == m;
  return m ? -k->Ew[a * (k->b - 1) + m - 1] : k->l[a] * law->sz_n;
}

/* K_ac of nets that speak of all components */
static double all_weight(ScoreWeight weight, const LinearSde *sde, const Kernel *k, int a, int c)
{
  if (weight == WEIGHT_WHITENED) return k->Cb[a * k->b + c];
  if (weight == WEIGHT_LIKELIHOOD) return 0.5 * sde->Q[a * k->b + c];
  return a == c ? component_weight(weight, sde, k, a) : 0;
}

static double weigh_all(const ScoreNetMap *map, const ScoreNetLaw *law, ScoreWeight weight,
                        const LinearSde *sde, const Kernel *k, double *W)
{
  const int b     = k->b;
  double    power = 0;

  for (int m = 0; m < b; m++)
    for (int n = 0; n < b; n++) {
      W[m * b + n] = 0;
      for (int a = 0; a < b; a++)
        for (int c = 0; c < b; c++)
          W[m * b + n] +=
              all_slope(map, law, k, a, m) * all_weight(weight, sde, k, a, c) * all_slope(map, law, k, c, n);
      power += all_weight(weight, sde, k, m, n) * precision(k, m, n) / b;
    }
  return power;
}

double score_net_weight(const ScoreNetMap *map, const ScoreNetLaw *law, ScoreWeight weight,
                        const LinearSde *sde, const Kernel *k, double *W)
{
  const int j = map->noised;
  double    K, slope;

  if (weight == WEIGHT_WHITENED && map->form != SCORE_PLAIN) {
    for (int m = 0; m < map->q * map->q; m++) W[m] = m % (map->q + 1) == 0;
    return 1;
  }
  if (map->q > 1) return weigh_all(map, law, weight, sde, k, W);
  K     = score_net_of_z(map) ? clock_weight(weight, sde, k) : component_weight(weight, sde, k, j);
  slope = score_net_of_z(map) ? law->sz_n : 1 / law->net_S[j];
  W[0]  = K * slope * slope;
  return K * (score_net_of_z(map) ? 1 / k->sigma2 : precision(k, j, j));
}
