/*
  Theory of the transition of the random hierarchy model: recursion of beliefs, and what a noised leaf tells
*/
#include "adrhmtheory.h"
#include <math.h>

double rhm_recursion(int v, int m, int s, double p)
{
  const double others = pow(v, s) - 1, f = (m * (double)v - 1) / others, g = (m - 1) / others, u = pow(p, s);

  return (g + (1 - g) * u) / (f + (1 - f) * u);
}

double rhm_root_belief(int v, int m, int s, int L, double p)
{
  for (int l = 0; l < L; l++) p = rhm_recursion(v, m, s, p);
  return p;
}

/*
  inner_roots - the polynomial of the fixed points without its roots 1 and 1/v

  Return: h(p)/((p - 1)(p - 1/v)), h(p) = (1-f) p^{s+1} - (1-g) p^s + f p - g, by Horner's rule on the divided coefficients
  Note:   the coefficients of h change sign three times, so it has at most one further positive root
*/
static double inner_polynomial(int v, int m, int s, double p)
{
  const double others = pow(v, s) - 1, f = (m * (double)v - 1) / others, g = (m - 1) / others;
  double       by_one = 0, by_both = 0, value = 0;

  for (int i = s + 1; i >= 2; i--) { /* coefficient of p^i, highest first */
    by_one += i == s + 1 ? 1 - f : i == s ? -(1 - g) : 0;
    by_both = by_one + by_both / v;
    value   = by_both + value * p;
  }
  return value;
}

double rhm_fixed_point(int v, int m, int s)
{
  double lo = 1.0 / v, hi = 1;

  if (!(inner_polynomial(v, m, s, lo) < 0 && inner_polynomial(v, m, s, hi) > 0)) return NAN;
  for (int i = 0; i < 60; i++) {
    const double middle                                  = 0.5 * (lo + hi);
    *(inner_polynomial(v, m, s, middle) < 0 ? &lo : &hi) = middle;
  }
  return 0.5 * (lo + hi);
}

/* Law of y + Gumbel at w, y normal with this mean and standard deviation: distribution function and density */
static void gumbel_normal(double w, double mean, double sd, double *cumulative, double *density)
{
  const double reach = 9, step = fmin(0.5, 0.25 / sd);
  const int    n = (int)ceil(reach / step);
  double       F = 0, f = 0;

  for (int i = -n; i <= n; i++) {
    const double xi = i * step, e = exp(fmin(mean + sd * xi - w, 700)), G = exp(-e - 0.5 * xi * xi);
    F += G;
    f += e < 1e300 ? e * G : 0;
  }
  *cumulative = F * step / sqrt(2 * M_PI);
  *density    = f * step / sqrt(2 * M_PI);
}

void rhm_leaf(int v, double sigma2, RhmLeaf *leaf)
{
  const double gamma = 0.57721566490153286061, sd = 1 / sqrt(sigma2), gain = 1 / sigma2;
  const double step = 0.25 * fmax(1, sd / 3), first = -10 * sd - 5, last = gain + 10 * sd + 40;
  double       belief = 0, top = 0; /* P(the true one is largest), mean of the largest less gain */

  for (double w = first; w < last; w += step) {
    double F, f, Ftrue, ftrue;

    gumbel_normal(w, 0, sd, &F, &f);
    gumbel_normal(w, gain, sd, &Ftrue, &ftrue);
    belief += ftrue * pow(F, v - 1) * step;
    top += (w - gain) * (ftrue * pow(F, v - 1) + (v - 1) * Ftrue * f * pow(F, v - 2)) * step;
  }
  *leaf = (RhmLeaf){belief, log(v) - (top - gamma)};
}

/* The sigma2 at which the belief (or the information) of a noised leaf, which falls with sigma2, has this value */
static double leaf_sigma2(int v, double wanted, int information)
{
  double lo = log(0.003), hi = log(1e4);

  if (isnan(wanted)) return NAN;
  for (int i = 0; i < 45; i++) {
    const double middle = 0.5 * (lo + hi);
    RhmLeaf      leaf;

    rhm_leaf(v, exp(middle), &leaf);
    *((information ? leaf.information : leaf.belief) > wanted ? &lo : &hi) = middle;
  }
  return exp(0.5 * (lo + hi));
}

/* Leaf belief that gives root belief 1/2; the root's belief grows with the leaves' */
static double half_threshold(int v, int m, int s, int L)
{
  double lo = 1.0 / v, hi = 1;

  if (v == 2) return NAN;
  for (int i = 0; i < 60; i++) {
    const double middle                                      = 0.5 * (lo + hi);
    *(rhm_root_belief(v, m, s, L, middle) < 0.5 ? &lo : &hi) = middle;
  }
  return 0.5 * (lo + hi);
}

void rhm_theory(int v, int m, int s, int L, RhmTheory *theory)
{
  const double p = rhm_fixed_point(v, m, s), threshold = half_threshold(v, m, s, L);

  *theory = (RhmTheory){.fixed_point        = p,
                        .error              = (1 - p) / (1 - 1.0 / v),
                        .threshold          = threshold,
                        .sigma2_belief      = leaf_sigma2(v, p, 0),
                        .sigma2_information = leaf_sigma2(v, log(v * p), 1),
                        .sigma2_finite      = leaf_sigma2(v, log(v * threshold), 1)};
}
