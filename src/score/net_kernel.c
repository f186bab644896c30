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

/* s_j = -ell net, or the linear part with it; given x0, s_j = l_j sz - r has variance ell^2. Score form: s_j = net. */
static void component_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law)
{
  const int    j = map->noised;
  const double h = map->variance + k->sigma2, lj = k->l[j];
  const double deviation = sqrt(lj / k->sigma * (lj / k->sigma) + k->R[j * k->b + j]);
  const double ell       = map->form == SCORE_PLAIN ? -1 : deviation;

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
  if (map->form == SCORE_MIXED_PAPER) {
    law->p_X[j] = law->alone[j];
    law->sz_p   = -1 / lj;
    law->x0_p   = -k->sigma2 / lj;
    law->net_p  = -1 / ell;
  }
}

/* sz = -net/sigma, sw = -net_w, or the linear part with them; given x0 the targets are X's unit normals */
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
  if (map->form == SCORE_MIXED_PAPER) {
    for (int a = 0; a < k->b; a++) law->p_X[a] = k->u[a] * law->alone[a];
    law->sz_p  = -1;
    law->x0_p  = -k->sigma2;
    law->net_p = -k->sigma;
  }
}

/*
  score_net_law - the coefficients of a net at the kernel's time

  Source: reduced: preconditioned denoiser in the clock. Joint: paper eqs. A33-A35 with log P in A33 and A34.
          mixed_paper takes out of the score of each noised component what it is without the others,
          -(X_a - u_a m0)/(Cb_aa + u_a^2 V): for active noise A35 with mbar22 = Ta/tau for m22, which is what the
          authors' code has. That is the score of no data, for x and eta are correlated. mixed takes out the
          exact one of Gaussian data N(m0, V), sz = -y/(V + sigma2)
  Note:   q = 1 divides by l_j, which says how component j sees x0. For noise that swings (underdamped) it
          changes sign at single times; close to them sz and x0hat of such a net are useless, s_j is not.
          The clock form does not divide by it
*/
void score_net_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law)
{
  *law = (ScoreNetLaw){0};
  for (int a = 0; a < k->b && map->form == SCORE_MIXED_PAPER; a++)
    law->alone[a] = 1 / (k->Cb[a * k->b + a] + k->u[a] * k->u[a] * map->variance);
  if (map->kind == SCORE_REDUCED)
    reduced_law(map, k, law);
  else if (map->q == 1 && map->form != SCORE_CLOCK)
    component_law(map, k, law);
  else
    all_law(map, k, law);
}

typedef struct {
  double y, r, p;
} Features;

/* y, r and p of coordinate i (head of private/scoreimpl.h) */
static inline Features features(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int i,
                                const double *X)
{
  const int b = k->b, d = map->d;
  Features  f = {k->l[0] * X[i] - map->mean[i], 0, 0};

  for (int a = 1; a < b; a++) f.y += k->l[a] * X[a * d + i];
  if (map->kind == SCORE_JOINT && map->q == 1)
    for (int a = 0; a < b; a++) f.r += k->R[map->noised * b + a] * X[a * d + i];
  if (map->form == SCORE_MIXED_PAPER)
    for (int a = 0; a < b; a++) f.p += law->p_X[a] * (X[a * d + i] - k->u[a] * map->mean[i]);
  return f;
}

/* Coordinate i of A[b*d] on column m of a b x (b-1) matrix */
static inline double column(const Kernel *k, const double *matrix, int m, int d, int i, const double *A)
{
  double sum = 0;

  for (int a = 0; a < k->b; a++) sum += matrix[a * (k->b - 1) + m] * A[a * d + i];
  return sum;
}

/* Minus what the linear part of a mixed net says of part m of the whitened w */
static inline double linear_w(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int m, int i,
                              const double *X)
{
  double sum = 0;

  if (map->form == SCORE_MIXED) return column(k, k->Ew, m - 1, map->d, i, X);
  for (int a = 0; a < k->b && map->form == SCORE_MIXED_PAPER; a++)
    sum += k->Dw[a * (k->b - 1) + m - 1] * law->alone[a] * (X[a * map->d + i] - k->u[a] * map->mean[i]);
  return sum;
}

/* Do outputs of this map stand for all components of the score? */
static inline int is_score(const ScoreNetMap *map)
{
  return map->form == SCORE_PLAIN && map->q > 1;
}

void score_net_input(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                     const double *restrict X, double *restrict in)
{
  const int wide = k->b * map->d, last = score_net_inputs(map) - 1;

  for (int row = 0; row < n; row++, X += wide, in += last + 1) {
    for (int i = 0; i < last; i++) {
      if (map->kind == SCORE_JOINT) {
        in[i] = X[i];
      } else {
        in[i] = law->in_y * features(map, law, k, i, X).y;
      }
    }
    in[last] = law->in_time;
  }
}

void score_net_target(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                      const double *restrict X, const double *restrict S, double *restrict net)
{
  const int d = map->d;

  if (is_score(map)) {
    for (int i = 0; i < n * k->b * d; i++) net[i] = S[i];
    return;
  }
  for (int row = 0; row < n; row++, X += k->b * d, S += k->b * d, net += map->q * d)
    for (int i = 0; i < d; i++) {
      const Features f = features(map, law, k, i, X);
      net[i]           = law->net_y * f.y + law->net_r * f.r;
      if (map->form == SCORE_MIXED_PAPER) net[i] += law->net_p * f.p;
      for (int a = 0; a < k->b; a++) net[i] += law->net_S[a] * S[a * d + i];
      for (int m = 1; m < map->q; m++)
        net[m * d + i] = -column(k, k->Dw, m - 1, d, i, S) - linear_w(map, law, k, m, i, X);
    }
}

/* Response of a net whose outputs are the score, for one row: sz = u.S, sw = Dw^T S */
static void respond_score(const ScoreNetMap *map, const Kernel *k, const double *restrict X,
                          const double *restrict net, double *restrict g, double *restrict x0hat)
{
  const int d = map->d;

  for (int i = 0; i < d; i++) {
    double sz = 0, z = 0;
    for (int a = 0; a < k->b; a++) {
      sz += k->u[a] * net[a * d + i];
      z += k->l[a] * X[a * d + i];
    }
    if (x0hat) x0hat[i] = z + k->sigma2 * sz;
    if (!g) continue;
    g[i] = sz;
    for (int m = 1; m < k->b; m++) g[m * d + i] = column(k, k->Dw, m - 1, d, i, net);
  }
}

void score_net_response(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                        const double *restrict X, const double *restrict net, double *restrict g,
                        double *restrict x0hat)
{
  const int d = map->d, nout = map->q * d;

  for (int row = 0; row < n; row++, X += k->b * d, net += nout) {
    double *restrict g_row = g ? g + row * nout : NULL, *restrict x0_row = x0hat ? x0hat + row * d : NULL;
    if (is_score(map)) {
      respond_score(map, k, X, net, g_row, x0_row);
      continue;
    }
    for (int i = 0; i < d; i++) {
      const Features f = features(map, law, k, i, X);
      if (x0_row)
        x0_row[i] = map->mean[i] + (law->x0_y * f.y + law->x0_r * f.r + law->x0_p * f.p + law->x0_n * net[i]);
      if (!g_row) continue;
      g_row[i] = law->sz_y * f.y + law->sz_r * f.r + law->sz_p * f.p + law->sz_n * net[i];
      for (int m = 1; m < map->q; m++) g_row[m * d + i] = -net[m * d + i] - linear_w(map, law, k, m, i, X);
    }
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
