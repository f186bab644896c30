#include "private/scoreimpl.h"
#include <math.h>

int score_net_inputs(const ScoreNetMap *map)
{
  return (map->kind == SCORE_JOINT ? map->b : 1) * map->d + 1;
}

int score_net_outputs(const ScoreNetMap *map)
{
  return map->q * map->d;
}

/* Denoiser D = m0 + c_skip y + c_out net: unit variance of inputs and targets at all times */
static void reduced_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law)
{
  const double h = map->variance + k->sigma2, gain = sqrt(map->variance / h);

  law->in_y    = 1 / sqrt(h);
  law->in_time = 0.25 * log(k->sigma);
  law->sz_y    = -1 / h;
  law->sz_n    = gain / k->sigma;
  law->x0_y    = map->variance / h;
  law->x0_n    = k->sigma * gain;
  law->net_y   = k->sigma / (gain * h);
  for (int a = 0; a < k->b; a++) law->net_S[a] = k->sigma / gain * k->u[a];
}

/* s_j = -ell net, or the Gaussian part with it; given x0, s_j = l_j sz - r has variance ell^2 */
static void component_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law)
{
  const int    j = map->noised;
  const double h = map->variance + k->sigma2, lj = k->l[j];
  const double ell = sqrt(lj / k->sigma * (lj / k->sigma) + k->R[j * k->b + j]);

  law->in_time  = k->t;
  law->sz_n     = -ell / lj;
  law->x0_n     = -k->sigma2 * ell / lj;
  law->net_S[j] = -1 / ell;
  if (map->form == SCORE_MIXED) {
    law->sz_y  = -1 / h;
    law->x0_y  = map->variance / h;
    law->net_y = -lj / (h * ell);
    law->net_r = -1 / ell;
  } else {
    law->sz_r = 1 / lj;
    law->x0_y = 1;
    law->x0_r = k->sigma2 / lj;
  }
}

/* sz = -net/sigma, sw = -net_w, or the Gaussian part with them; given x0 the targets are X's unit normals */
static void all_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law)
{
  const double h = map->variance + k->sigma2;

  law->in_time = k->t;
  law->sz_n    = -1 / k->sigma;
  law->x0_n    = -k->sigma;
  law->x0_y    = 1;
  for (int a = 0; a < k->b; a++) law->net_S[a] = -k->sigma * k->u[a];
  if (map->form == SCORE_MIXED) {
    law->sz_y  = -1 / h;
    law->x0_y  = map->variance / h;
    law->net_y = -k->sigma / h;
  }
}

/*
  score_net_law - the coefficients of a net at the kernel's time

  Source: reduced: preconditioned denoiser in the clock. Joint: paper eqs. A33-A35 with log P in A33 and A34,
          and in place of the linear part of A35, which is that of no data, the exact one of Gaussian data
          N(m0, V): sz = -y/(V + sigma2)
  Note:   q = 1 divides by l_j, which says how component j sees x0. For noise that swings (underdamped) it
          changes sign at single times; close to them sz and x0hat of such a net are useless, s_j is not
*/
void score_net_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law)
{
  *law = (ScoreNetLaw){0};
  if (map->kind == SCORE_REDUCED)
    reduced_law(map, k, law);
  else if (map->q == 1)
    component_law(map, k, law);
  else
    all_law(map, k, law);
}

/* y and r of coordinate i (head of private/scoreimpl.h) */
static inline void features(const ScoreNetMap *map, const Kernel *k, int i, const double *X, double *y,
                            double *r)
{
  const int b = k->b, d = map->d;

  *r = 0;
  *y = k->l[0] * X[i] - map->mean[i];
  for (int a = 1; a < b; a++) *y += k->l[a] * X[a * d + i];
  if (map->kind == SCORE_JOINT && map->q == 1)
    for (int a = 0; a < b; a++) *r += k->R[map->noised * b + a] * X[a * d + i];
}

/* Coordinate i of A[b*d] on column m of a b x (b-1) matrix */
static inline double column(const Kernel *k, const double *matrix, int m, int d, int i, const double *A)
{
  double sum = 0;

  for (int a = 0; a < k->b; a++) sum += matrix[a * (k->b - 1) + m] * A[a * d + i];
  return sum;
}

/* Part m of the whitened w, which a mixed net leaves to the law of the noise */
static inline double gaussian_w(const ScoreNetMap *map, const Kernel *k, int m, int i, const double *X)
{
  return map->form == SCORE_MIXED ? column(k, k->Ew, m - 1, map->d, i, X) : 0;
}

void score_net_input(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                     const double *restrict X, double *restrict in)
{
  const int wide = k->b * map->d, last = score_net_inputs(map) - 1;
  double    y, r;

  for (int row = 0; row < n; row++, X += wide, in += last + 1) {
    for (int i = 0; i < last; i++) {
      if (map->kind == SCORE_JOINT) {
        in[i] = X[i];
      } else {
        features(map, k, i, X, &y, &r);
        in[i] = law->in_y * y;
      }
    }
    in[last] = law->in_time;
  }
}

void score_net_target(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                      const double *restrict X, const double *restrict S, double *restrict net)
{
  const int d = map->d;
  double    y, r;

  for (int row = 0; row < n; row++, X += k->b * d, S += k->b * d, net += map->q * d)
    for (int i = 0; i < d; i++) {
      features(map, k, i, X, &y, &r);
      net[i] = law->net_y * y + law->net_r * r;
      for (int a = 0; a < k->b; a++) net[i] += law->net_S[a] * S[a * d + i];
      for (int m = 1; m < map->q; m++)
        net[m * d + i] = -column(k, k->Dw, m - 1, d, i, S) - gaussian_w(map, k, m, i, X);
    }
}

void score_net_response(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                        const double *restrict X, const double *restrict net, double *restrict g,
                        double *restrict x0hat)
{
  const int d = map->d, nout = map->q * d;
  double    y, r;

  for (int row = 0; row < n; row++, X += k->b * d, net += nout)
    for (int i = 0; i < d; i++) {
      features(map, k, i, X, &y, &r);
      if (x0hat) x0hat[row * d + i] = map->mean[i] + (law->x0_y * y + law->x0_r * r + law->x0_n * net[i]);
      if (!g) continue;
      g[row * nout + i] = law->sz_y * y + law->sz_r * r + law->sz_n * net[i];
      for (int m = 1; m < map->q; m++)
        g[row * nout + m * d + i] = -net[m * d + i] - gaussian_w(map, k, m, i, X);
    }
}

void score_net_training(const ScoreNetMap *map, int n, const Kernel *const *k, const double *restrict X,
                        const double *restrict S, double *restrict in, double *restrict net)
{
  const int   wide = (n ? k[0]->b : 1) * map->d, nin = score_net_inputs(map), nout = score_net_outputs(map);
  ScoreNetLaw law;

  for (int row = 0; row < n; row++, X += wide, S += wide, in += nin, net += nout) {
    score_net_law(map, k[row], &law);
    score_net_input(map, &law, k[row], 1, X, in);
    score_net_target(map, &law, k[row], 1, X, S, net);
  }
}
