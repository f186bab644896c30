/*
  Tests of means from a few repetitions: Student's t, Welch's test, Holm's correction
*/
#include "adstatistics.h"
#include "admetrickernels.h"
#include <float.h>
#include <math.h>

static double away_from_zero(double x)
{
  return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* 1 + d_1/(1 + d_2/(1 + ...)) of I_x(a, b), by the recurrence of Lentz and Thompson */
static double beta_fraction(double a, double b, double x)
{
  double f = 1, C = 1, D = 0, step = 0;

  for (int j = 1; j < 20000 && fabs(step - 1) > 4 * DBL_EPSILON; j++) {
    const int    m = j / 2;
    const double d = j % 2 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                           : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));

    D    = 1 / away_from_zero(1 + d * D);
    C    = away_from_zero(1 + d / C);
    step = C * D;
    f *= step;
  }
  return f;
}

double incomplete_beta(double a, double b, double x)
{
  double front;

  if (isnan(x) || isnan(a) || isnan(b)) return NAN;
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front / (a * beta_fraction(a, b, x));
  return 1 - front / (b * beta_fraction(b, a, 1 - x));
}

double student_t_two_sided(double t, double nu)
{
  if (isnan(t)) return NAN;
  if (isinf(t)) return 0;
  return t * t < nu ? 1 - incomplete_beta(0.5, nu / 2, t * t / (nu + t * t))
                    : incomplete_beta(nu / 2, 0.5, nu / (nu + t * t));
}

double student_t_critical(double p, double nu)
{
  double lo = 0, hi = 1;

  while (student_t_two_sided(hi, nu) > p && hi < 1e300) hi *= 2;
  for (int i = 0; i < 200 && hi - lo > 2 * DBL_EPSILON * hi; i++) {
    const double middle = (lo + hi) / 2;

    if (student_t_two_sided(middle, nu) > p)
      lo = middle;
    else
      hi = middle;
  }
  return (lo + hi) / 2;
}

void welch_test(int na, const double *a, int nb, const double *b, WelchTest *test)
{
  const double *value[2] = {a, b};
  double        variance[2], total;

  test->n[0] = na;
  test->n[1] = nb;
  for (int s = 0; s < 2; s++) {
    mean_stderr(test->n[s], value[s], &test->mean[s], &test->err[s]);
    variance[s] = test->err[s] * test->err[s];
  }
  total             = variance[0] + variance[1];
  test->difference  = test->mean[1] - test->mean[0];
  test->stderr_diff = sqrt(total);
  test->nu          = total > 0 ? total * total /
                             (variance[0] * variance[0] / (na - 1) + variance[1] * variance[1] / (nb - 1))
                                : 0;
  if (isnan(total))
    test->p = NAN;
  else if (total > 0)
    test->p = student_t_two_sided(test->difference / test->stderr_diff, test->nu);
  else
    test->p = test->difference == 0 ? 1 : 0;
}

double welch_halfwidth(const WelchTest *test, double p)
{
  return test->nu > 0 ? student_t_critical(p, test->nu) * test->stderr_diff : 0;
}

void holm_adjust(int m, const double *p, int *work, double *adjusted)
{
  int    tests   = 0;
  double largest = 0;

  for (int i = 0; i < m; i++) {
    int at = tests;

    adjusted[i] = NAN;
    if (isnan(p[i])) continue;
    for (tests++; at > 0 && p[work[at - 1]] > p[i]; at--) work[at] = work[at - 1];
    work[at] = i;
  }
  for (int rank = 0; rank < tests; rank++) {
    largest              = fmax(largest, fmin(1, (tests - rank) * p[work[rank]]));
    adjusted[work[rank]] = largest;
  }
}
