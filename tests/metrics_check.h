#ifndef METRICS_CHECK_H
#define METRICS_CHECK_H
/* References and laws that the tests of the Metrics object share */
#include "admetrics.h"
#include "adpresets.h"
#include "metric_check.h"
#include <stdio.h>
#include <string.h>

enum { NUMBERS = 256 }; /* more than the values of any test */

static inline Coordinates columns(int d, const char *const *name, double period)
{
  Coordinates c;

  ck_call(CoordinatesAllocate(d, &c));
  for (int i = 0; i < d; i++) {
    if (name) snprintf(c.name[i], sizeof(c.name[i]), "%s", name[i]);
    c.period[i] = period;
  }
  return c;
}

/* This rank's share of rows that all ranks have */
static inline const double *own_rows(int64_t N, int d, const double *x)
{
  int64_t first, n;

  ck_call(AdSplitRows(N, METRIC_BLOCK, &first, &n));
  return x + first * d;
}

/* The law is of no more use when MetricsCreate is done: it is copied */
static inline Metrics metrics_of(const MetricsSettings *settings, int64_t M, const double *y,
                                 const Coordinates *c, const MixtureData *law)
{
  const MetricsReference reference = {M, own_rows(M, c->d, y), c, law, law};
  Metrics                metrics;

  ck_call(MetricsCreate(settings, &reference, &metrics));
  return metrics;
}

static inline double value_of(Metrics metrics, const char *name, const double *value)
{
  const MetricColumn *const *column;
  int                        nm;

  ck_call(MetricsGetColumns(metrics, &nm, &column));
  for (int k = 0; k < nm; k++)
    if (!strcmp(column[k]->name, name)) return value[k];
  ck_abort_msg("no metric %s", name);
  return NAN;
}

static inline double measure(Metrics metrics, const char *name, int64_t N, int d, const double *x)
{
  double value[NUMBERS];

  ck_call(MetricsCompute(metrics, N, own_rows(N, d, x), value, NULL));
  return value_of(metrics, name, value);
}

/* One metric of x against y, plain columns of which `period` is the period */
static inline double distance(const char *name, int d, double period, int64_t N, const double *x, int64_t M,
                              const double *y, int directions, int bins)
{
  Coordinates     c        = columns(d, NULL, period);
  MetricsSettings settings = metrics_defaults;
  Metrics         metrics;
  double          result;

  settings.list       = name;
  settings.directions = directions;
  settings.bins       = bins;
  metrics             = metrics_of(&settings, M, y, &c, NULL);
  result              = measure(metrics, name, N, d, x);
  ck_call(MetricsDestroy(&metrics));
  ck_call(CoordinatesFree(&c));
  return result;
}

typedef struct {
  double      weight[16], mean[32], var[32];
  MixtureData law;
} Law;

static inline void preset_law(const char *name, Law *law)
{
  const MixturePreset *preset = mixture_preset(name);

  mixture_preset_fill(preset, preset->d, preset->sigma, preset->r, law->weight, law->mean, law->var);
  law->law = (MixtureData){preset->n, preset->d, law->weight, law->mean, law->var};
}

static inline double *draw(const MixtureData *law, uint64_t seed, int64_t n)
{
  const int d = law->d;
  double   *x = reals(n * d), *u = reals(n);

  rng_uniform((RngStream){seed, RNG_METRICS, 1}, 0, (size_t)n, 1, u);
  rng_normal_double((RngStream){seed, RNG_METRICS, 2}, 0, (size_t)n, d, x);
  for (int64_t r = 0; r < n; r++) {
    int c = 0;

    for (double sum = law->weight[0]; sum < u[r] && c < law->n - 1; sum += law->weight[c]) c++;
    for (int i = 0; i < d; i++)
      x[r * d + i] = law->mean[c * d + i] + sqrt(law->var[c * d + i]) * x[r * d + i];
  }
  free(u);
  return x;
}

#endif
