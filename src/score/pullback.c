/*
  Derivatives of scores: weights V on the posterior mean, carried back to the state

  The Jacobian of x0hat is Cov(x0 | z)/sigma2 for an exact score, between 0 and 1 for a single peak at all sigma, where
  those of sz and of the full score grow without bound.
*/
#include "private/scoreimpl.h"
#include <math.h>

void score_spread(const Kernel *k, int d, int n, const double *restrict p, double *restrict P)
{
  for (int r = 0; r < n; r++, p += d)
    for (int a = 0; a < k->b; a++)
      for (int i = 0; i < d; i++) *P++ = k->l[a] * p[i];
}

void score_net_slopes(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, ScoreNetSlopes *s)
{
  const double zero = 0, nothing[AD_BMAX] = {0};
  ScoreNetMap  one = *map;

  one.d    = 1;
  one.mean = &zero;
  *s       = (ScoreNetSlopes){.inputs = score_net_inputs(&one) - 1, .outputs = score_net_outputs(&one)};
  for (int a = 0; a < k->b; a++) {
    double unit[AD_BMAX] = {0}, in[AD_BMAX + 1];

    unit[a] = 1;
    score_net_input(&one, law, k, 1, unit, in);
    for (int m = 0; m < s->inputs; m++) s->in[m * AD_BMAX + a] = in[m];
    score_net_response(&one, law, k, 1, unit, nothing, NULL, &s->direct[a]);
  }
  for (int m = 0; m < s->outputs; m++) {
    double unit[AD_BMAX] = {0};

    unit[m] = 1;
    score_net_response(&one, law, k, 1, nothing, unit, NULL, &s->gain[m]);
    s->scale = fmax(s->scale, fabs(s->gain[m]));
  }
}

void score_net_pull_out(const ScoreNetSlopes *s, int d, int n, const double *restrict V, float *restrict dout)
{
  const double unit = s->scale > 0 ? 1 / s->scale : 0; /* single precision would lose a tiny or huge gain */

  for (int r = 0; r < n; r++, V += d)
    for (int m = 0; m < s->outputs; m++)
      for (int i = 0; i < d; i++) *dout++ = (float)(s->gain[m] * unit * V[i]);
}

void score_net_pull_in(const ScoreNetSlopes *s, int b, int d, int n, const double *restrict V,
                       const float *restrict din, double *restrict P)
{
  for (int r = 0; r < n; r++, V += d, din += s->inputs * d + 1)
    for (int a = 0; a < b; a++)
      for (int i = 0; i < d; i++) {
        double sum = 0;

        for (int m = 0; m < s->inputs; m++) sum += s->in[m * AD_BMAX + a] * din[m * d + i];
        *P++ = s->direct[a] * V[i] + s->scale * sum;
      }
}

/*
  ScorePullback - V^T d x0hat/dX for each row, with x0hat beside it: one forward and one backward pass

  Not collective; rows do not feel each other, bit for bit
  Input:  kernel at the time of all rows, X[n][b*d] in diffused units, V[n][d]
  Output: x0hat[n][d] as ScoreDenoise (or NULL), P[n][b*d]
  Note:   of an exact score or a reduced net P = l V^T dD/dz, and the score sz = (x0hat - z)/sigma2 has the
          Jacobian (d x0hat/dX - l)/sigma2
*/
PetscErrorCode ScorePullback(Score score, const Kernel *kernel, int64_t n, const double *X, const double *V,
                             double *x0hat, double *P)
{
  const int d = score->coordinates.d, wide = kernel->b * d;

  PetscFunctionBegin;
  for (int64_t first = 0; first < n; first += SCORE_WAVE) {
    const int rows = (int)PetscMin(SCORE_WAVE, n - first);

    PetscCall((*score->ops->pullback)(score, kernel, rows, X + first * wide, V + first * d,
                                      x0hat ? x0hat + first * d : NULL, P + first * wide));
  }
  score->rows += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}
