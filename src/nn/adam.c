#include "adadam.h"
#include <math.h>

void adam_step(const AdamOptions *o, int64_t iteration, size_t n, double scale, const float *restrict grad,
               float *restrict theta, float *restrict m, float *restrict v, float *restrict ema)
{
  const float b1 = (float)o->beta1, b2 = (float)o->beta2, a1 = (float)(1.0 - o->beta1),
              a2       = (float)(1.0 - o->beta2);
  const float correct1 = (float)(o->lr / (1.0 - pow(o->beta1, (double)iteration)));
  const float correct2 = (float)(1.0 / (1.0 - pow(o->beta2, (double)iteration)));
  const float keep = (float)(1.0 - o->lr * o->weight_decay), eps = (float)o->eps, factor = (float)scale;
  const float follow = (float)(1.0 - o->ema_decay);

  for (size_t i = 0; i < n; i++) {
    const float g = factor * grad[i];
    m[i]          = b1 * m[i] + a1 * g;
    v[i]          = b2 * v[i] + a2 * (g * g);
    theta[i]      = keep * theta[i] - correct1 * m[i] / (sqrtf(correct2 * v[i]) + eps);
    if (ema) ema[i] += follow * (theta[i] - ema[i]);
  }
}

double grad_norm2(size_t n, const float *g)
{
  enum { LANES = 16 };
  double sum[LANES] = {0};
  size_t i          = 0;

  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) sum[j] += (double)g[i + j] * g[i + j];
  for (int j = 0; i < n; i++, j++) sum[j] += (double)g[i] * g[i];
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) sum[j] += sum[j + half];
  return sum[0];
}
