#include <math.h>
#include <stdint.h>
#include <string.h>
#include "admixture.h"
#include "private/expimpl.h"

#ifdef __FAST_MATH__
#error "mixture_kernel.c must keep IEEE arithmetic: its bits would depend on the vector length"
#endif

enum { LANES = 64 }; /* samples computed together: always all of them, some of them kept */

/* What depends on the noise but not on the sample, [n][d] each; offset[n] */
typedef struct {
  double *scale;     /* 1/sqrt(h + sigma2) */
  double *precision; /* 1/(h + sigma2) */
  double *keep;      /* h/(h + sigma2) */
  double *pull;      /* mu sigma2/(h + sigma2) */
  double *offset;    /* log p - 1/2 sum_i log(2 pi (h + sigma2)) */
} Constants;

/* One group of lanes, samples last: z[d][LANES] and so on */
typedef struct {
  double *z, *score, *x0hat; /* [d][LANES] */
  double *q;                 /* [n][LANES] */
} Lanes;

size_t mixture_workspace(const MixtureData *mix)
{
  const size_t n = (size_t)mix->n, d = (size_t)mix->d;

  return 4 * n * d + n + LANES * (3 * d + n);
}

static void split_workspace(const MixtureData *mix, double *work, Constants *k, Lanes *lanes)
{
  const size_t n = (size_t)mix->n, d = (size_t)mix->d;

  lanes->z     = work;
  lanes->score = lanes->z + LANES * d;
  lanes->x0hat = lanes->score + LANES * d;
  lanes->q     = lanes->x0hat + LANES * d;
  k->scale     = lanes->q + LANES * n;
  k->precision = k->scale + n * d;
  k->keep      = k->precision + n * d;
  k->pull      = k->keep + n * d;
  k->offset    = k->pull + n * d;
}

/* Neighbouring coordinates and components mostly have the same width; its constants are taken once */
static void noise_constants(const MixtureData *mix, double sigma2, const Constants *k)
{
  const double two_pi = 6.28318530717958647693;
  double       h = -1.0, scale = 0.0, precision = 0.0, keep = 0.0, give = 0.0, log_variance = 0.0;

  for (int c = 0; c < mix->n; c++) {
    double sum = 0.0;

    for (int i = 0; i < mix->d; i++) {
      const size_t ci = (size_t)c * (size_t)mix->d + (size_t)i;

      if (mix->var[ci] != h) {
        h            = mix->var[ci];
        scale        = 1.0 / sqrt(h + sigma2);
        precision    = 1.0 / (h + sigma2);
        keep         = h / (h + sigma2);
        give         = sigma2 / (h + sigma2);
        log_variance = log(two_pi * (h + sigma2));
      }
      k->scale[ci]     = scale;
      k->precision[ci] = precision;
      k->keep[ci]      = keep;
      k->pull[ci]      = give * mix->mean[ci];
      sum += log_variance;
    }
    k->offset[c] = log(mix->weight[c]) - 0.5 * sum;
  }
}

/* z[count][d] -> lanes[d][LANES]; spare lanes repeat the first sample */
static void load_lanes(int count, int d, const double *restrict z, double *restrict lanes)
{
  for (int i = 0; i < d; i++)
    for (int l = 0; l < LANES; l++)
      lanes[(size_t)i * LANES + (size_t)l] = z[(size_t)(l < count ? l : 0) * (size_t)d + (size_t)i];
}

/* lanes[d][LANES] -> out[count][d], each sample times its factor[LANES] */
static void store_lanes(int count, int d, const double *restrict lanes, const double *restrict factor,
                        double *restrict out)
{
  for (int l = 0; l < count; l++)
    for (int i = 0; i < d; i++)
      out[(size_t)l * (size_t)d + (size_t)i] = lanes[(size_t)i * LANES + (size_t)l] * factor[l];
}

/* q[LANES] = offset - 1/2 sum_i ((z_i - mean_i) scale_i)^2 of a component; top keeps the largest, or a NaN */
static void exponents(int d, const double *restrict mean, const double *restrict scale, double offset,
                      const double *restrict z, double *restrict q, double *restrict top)
{
  double square[LANES] = {0};

  for (int i = 0; i < d; i++)
    for (int l = 0; l < LANES; l++) {
      const double u = (z[i * LANES + l] - mean[i]) * scale[i];

      square[l] = fma(u, u, square[l]);
    }
  for (int l = 0; l < LANES; l++) {
    q[l]   = fma(-0.5, square[l], offset);
    top[l] = q[l] <= top[l] ? top[l] : q[l];
  }
}

/* q becomes the weight e^{q - top}, added to sum; false where it is zero in all lanes */
static int weights(const double *restrict top, double *restrict q, double *restrict sum)
{
  uint64_t any = 0;

  for (int l = 0; l < LANES; l++) {
    uint64_t bits;

    q[l] = exp_negative(q[l] - top[l]);
    sum[l] += q[l];
    memcpy(&bits, &q[l], sizeof bits);
    any |= bits;
  }
  return any != 0;
}

/* score[d][LANES] += weight (mean - z) precision */
static void add_score(int d, const double *restrict mean, const double *restrict precision,
                      const double *restrict z, const double *restrict weight, double *restrict score)
{
  for (int i = 0; i < d; i++)
    for (int l = 0; l < LANES; l++)
      score[i * LANES + l] =
          fma(weight[l], (mean[i] - z[i * LANES + l]) * precision[i], score[i * LANES + l]);
}

/* x0hat[d][LANES] += weight (pull + keep z) */
static void add_posterior_mean(int d, const double *restrict pull, const double *restrict keep,
                               const double *restrict z, const double *restrict weight,
                               double *restrict x0hat)
{
  for (int i = 0; i < d; i++)
    for (int l = 0; l < LANES; l++)
      x0hat[i * LANES + l] = fma(weight[l], fma(keep[i], z[i * LANES + l], pull[i]), x0hat[i * LANES + l]);
}

/* z[count][d] becomes lanes of one group with their exponents q and the largest of them */
static void load_group(const MixtureData *mix, const Constants *k, int count, const double *z,
                       const Lanes *lanes, double *top)
{
  const size_t row = (size_t)mix->d;

  load_lanes(count, mix->d, z, lanes->z);
  for (int l = 0; l < LANES; l++) top[l] = -INFINITY;
  for (int c = 0; c < mix->n; c++)
    exponents(mix->d, mix->mean + (size_t)c * row, k->scale + (size_t)c * row, k->offset[c], lanes->z,
              lanes->q + (size_t)c * LANES, top);
}

void mixture_score(const MixtureData *mix, double sigma2, int n, const double *z, double *sz, double *x0hat,
                   double *logp, double *work)
{
  const int    d   = mix->d;
  const size_t row = (size_t)d;
  Constants    k;
  Lanes        lanes;

  split_workspace(mix, work, &k, &lanes);
  noise_constants(mix, sigma2, &k);
  for (int first = 0; first < n; first += LANES) {
    const int    count = n - first < LANES ? n - first : LANES;
    const size_t at    = (size_t)first * row;
    double       top[LANES], sum[LANES] = {0};

    load_group(mix, &k, count, z + at, &lanes, top);
    memset(lanes.score, 0, row * 2 * LANES * sizeof(double)); /* x0hat lies behind it */
    for (int c = 0; c < mix->n; c++) {
      double *q = lanes.q + (size_t)c * LANES;

      if (!weights(top, q, sum)) continue;
      if (sz)
        add_score(d, mix->mean + (size_t)c * row, k.precision + (size_t)c * row, lanes.z, q, lanes.score);
      if (x0hat)
        add_posterior_mean(d, k.pull + (size_t)c * row, k.keep + (size_t)c * row, lanes.z, q, lanes.x0hat);
    }
    if (logp)
      for (int l = 0; l < count; l++) logp[first + l] = top[l] + log(sum[l]);
    for (int l = 0; l < LANES; l++) sum[l] = 1.0 / sum[l];
    if (sz) store_lanes(count, d, lanes.score, sum, sz + at);
    if (x0hat) store_lanes(count, d, lanes.x0hat, sum, x0hat + at);
  }
}

void mixture_posterior(const MixtureData *mix, double sigma2, int n, const double *z, double *R, double *work)
{
  Constants k;
  Lanes     lanes;

  split_workspace(mix, work, &k, &lanes);
  noise_constants(mix, sigma2, &k);
  for (int first = 0; first < n; first += LANES) {
    const int count = n - first < LANES ? n - first : LANES;
    double    top[LANES], sum[LANES] = {0};

    load_group(mix, &k, count, z + (size_t)first * (size_t)mix->d, &lanes, top);
    for (int c = 0; c < mix->n; c++) weights(top, lanes.q + (size_t)c * LANES, sum);
    for (int l = 0; l < LANES; l++) sum[l] = 1.0 / sum[l];
    store_lanes(count, mix->n, lanes.q, sum, R + (size_t)first * (size_t)mix->n);
  }
}

void mixture_moments(const MixtureData *mix, double *mean, double *var)
{
  const size_t d = (size_t)mix->d;

  for (size_t i = 0; i < d; i++) {
    mean[i] = var[i] = 0.0;
    for (size_t c = 0; c < (size_t)mix->n; c++) mean[i] += mix->weight[c] * mix->mean[c * d + i];
    for (size_t c = 0; c < (size_t)mix->n; c++) {
      const double distance = mix->mean[c * d + i] - mean[i];

      var[i] += mix->weight[c] * (mix->var[c * d + i] + distance * distance);
    }
  }
}
