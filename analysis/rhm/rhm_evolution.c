/*
  Density evolution of the random hierarchy model: a population of messages, from level to level
*/
#include "adrhmtheory.h"
#include <math.h>
#include <string.h>

void rhm_evolution_leaves(RngStream stream, int v, int n, const double *sigma2, double *message)
{
  for (int k = 0; k < n; k++, message += (size_t)v * RHM_LANES) {
    rng_normal_double(stream, (uint64_t)k, 1, v, message); /* xi[v], spread out from its end */
    for (int y = v - 1; y >= 0; y--) {
      const double xi = message[y];
      for (int l = 0; l < RHM_LANES; l++)
        message[y * RHM_LANES + l] = ((y == 0) + sqrt(sigma2[l]) * xi) / sigma2[l];
    }
    rhm_likelihood(v, message);
  }
}

/* Turn round a message of v places, so that place 0 comes to `place` */
static void message_shift(int v, const double *message, int place, double *shifted)
{
  const size_t one = sizeof(double) * RHM_LANES;

  memcpy(shifted + (size_t)place * RHM_LANES, message, (size_t)(v - place) * one);
  memcpy(shifted, message + (size_t)(v - place) * RHM_LANES, (size_t)place * one);
}

/* RhmVisit: keep the root's */
typedef struct {
  size_t  length;
  double *message;
} Keep;

static void keep_message(void *context, int level, int64_t node, const double *marginal)
{
  const Keep *keep = context;

  memcpy(keep->message, marginal, keep->length * sizeof(double));
}

size_t rhm_evolution_workspace(int v, int m, int s)
{
  const Grammar one = {v, s, m, 1, NULL};

  return (size_t)s * v * RHM_LANES + rhm_workspace(&one, 1) + RHM_ALIGN;
}

void rhm_evolution_level(RngStream stream, int v, int m, int s, int n, const double *below, int *rules,
                         double *work, double *above)
{
  const size_t  length     = (size_t)v * RHM_LANES;
  int          *child      = rules + grammar_workspace(v, m);
  const Grammar one        = {v, s, m, 1, child};
  double       *likelihood = rhm_aligned(work);

  for (int k = 0; k < n; k++) {
    uint32_t bits[RHM_MAX_CHILDREN];
    double   floored[RHM_LANES];
    Keep     keep = {length, above + k * length};

    grammar_draw(stream.seed, ((uint64_t)stream.step << 24) + (uint64_t)k, v, s, m, 1, rules, child);
    rng_bits(stream, (uint64_t)k, 1, s, bits);
    for (int i = 0; i < s; i++) {
      const uint64_t picked = ((uint64_t)bits[i] * (uint64_t)n) >> 32;
      message_shift(v, below + picked * length, child[i], likelihood + i * length);
    }
    rhm_propagate(&one, likelihood, 1, keep_message, &keep, floored, likelihood + s * length);
  }
}

void rhm_evolution_measure(int v, int n, const double *message, double *accuracy, double *belief)
{
  for (int l = 0; l < RHM_LANES; l++) accuracy[l] = belief[l] = 0;
  for (int k = 0; k < n; k++, message += (size_t)v * RHM_LANES) {
    int    best[RHM_LANES];
    double confidence[RHM_LANES];

    rhm_judge(v, message, best, confidence);
    for (int l = 0; l < RHM_LANES; l++) {
      accuracy[l] += (best[l] == 0) / (double)n;
      belief[l] += message[l] / n;
    }
  }
}
