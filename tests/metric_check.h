#ifndef METRIC_CHECK_H
#define METRIC_CHECK_H
/* Arrays and numbers that the tests of the metrics share */
#include "ad_check.h"
#include "admetrickernels.h"
#include "adrng.h"
#include <stdlib.h>

#define PI        3.14159265358979323846
#define LENGTH(a) ((long)(sizeof(a) / sizeof((a)[0])))

/* Two small sets in the plane whose distances are known to 12 digits from an independent computation */
static const double square_x[8] = {0, 0, 2, 0, 0, 2, 2, 2}, square_y[8] = {1, 1, 3, 1, 1, 5, 3, 5};

static inline double *reals(long n)
{
  double *a = malloc((size_t)(n > 0 ? n : 1) * sizeof(*a));

  ck_assert_ptr_nonnull(a);
  return a;
}

static inline double *normals(uint64_t seed, long n, int d)
{
  double *a = reals(n * d);

  rng_normal_double((RngStream){seed, RNG_METRICS, 0}, 0, (size_t)n, d, a);
  return a;
}

#endif
