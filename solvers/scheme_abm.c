/*
  Predictor and corrector of Adams type for the probability flow in the clock, in one stage
*/
#include <math.h>
#include "adscheme.h"

static double node(double smooth, double sigma)
{
  return 0.5 * log(smooth + sigma * sigma);
}

/*
  node_weights - int_r^1 D(to/y) dy = sum_j w_j D_j for polynomials D in log(smooth + sigma^2), r = to/from

  Input:  sigma[n]  nodes, all different;  0 <= to < from
  Output: w[n], sum 1 - r
*/
static void node_weights(int n, const double *sigma, double from, double to, double smooth, double *w)
{
  /* Gauss-Legendre, 5 points in each of 8 panels */
  static const double point[5]  = {-0.9061798459386640, -0.5384693101056831, 0.0, 0.5384693101056831,
                                   0.9061798459386640};
  static const double weight[5] = {0.2369268850561891, 0.4786286704993665, 0.5688888888888889,
                                   0.4786286704993665, 0.2369268850561891};
  const double        r = to / from, half = (1.0 - r) / 16.0;

  for (int j = 0; j < n; j++) w[j] = 0.0;
  for (int p = 0; p < 40; p++) {
    const int    panel = p / 5;
    const double y = r + half * (2 * panel + 1 + point[p % 5]), x = node(smooth, to / y);

    for (int j = 0; j < n; j++) {
      double basis = half * weight[p % 5];

      for (int i = 0; i < n; i++)
        if (i != j) basis *= (x - node(smooth, sigma[i])) / (node(smooth, sigma[j]) - node(smooth, sigma[i]));
      w[j] += basis;
    }
  }
}

/* Weights of x0hat_0 (now), x0hat_1, .. that move the state of step i - 1 from its prediction to its correction */
static void corrector(const SchemeStep *step, double *w)
{
  const int    i = step->i, nodes = step->order < i + 1 ? step->order : i + 1;
  const int    before = step->order < i ? step->order : i;
  const double from = step->sigma[i - 1], to = step->sigma[i];
  double       sigma[AD_HISTORY + 1] = {0.0}, predicted[AD_HISTORY] = {0.0};

  for (int j = 0; j <= before; j++) sigma[j] = step->sigma[i - j];
  node_weights(nodes, sigma, from, to, step->smooth, w);
  node_weights(before, sigma + 1, from, to, step->smooth, predicted);
  for (int j = 0; j < before; j++) w[j + 1] -= predicted[j];
}

/* Noise in the means of disturbed states grows with the order and with the length of the step ahead */
static int predictor_nodes(const SchemeStep *step)
{
  int nodes = step->order < step->i + 1 ? step->order : step->i + 1;

  if (!step->undisturbed && nodes > 2) nodes = 2;
  return !step->undisturbed && step->i == step->n - 1 ? 1 : nodes;
}

int scheme_abm(const SchemeStep *step, AffineStage *stage)
{
  const int    i = step->i, nodes = predictor_nodes(step);
  const double from = step->sigma[i], to = step->sigma_to[i], r = to / from;
  double       sigma[AD_HISTORY + 1] = {0.0}, w[AD_HISTORY + 1] = {0.0}, correction[AD_HISTORY + 1] = {0.0};
  const int    status = scheme_ddim(step->sde, step->from[i], step->to[i], stage);

  if (status != KERNEL_OK || step->order == 1) return status;
  for (int j = 0; j < nodes; j++) sigma[j] = step->sigma[i - j];
  node_weights(nodes, sigma, from, to, step->smooth, w);
  if (i > 0 && step->undisturbed) corrector(step, correction);
  for (int j = 1; j <= AD_HISTORY; j++) /* the weights add up to 1 - r, which ddim has put into B */
    stage->difference[j - 1] = -(w[j] + r * correction[j]) / (1.0 - r);
  return KERNEL_OK;
}

int scheme_abm_fill(const SchemeStep *step, AffineStage *stage, int *count)
{
  *count = 1;
  return scheme_abm(step, stage);
}
