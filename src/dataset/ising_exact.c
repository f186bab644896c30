/*
  The partition function of the finite Ising lattice

  Kaufman 1949 (in the notation of Ferdinand and Fisher 1969), side L, N = L^2, K = 1/T, r = 0 .. L - 1:
    Z = (2 sinh 2K)^(N/2)/2 (Z1 + Z2 + Z3 + Z4),   Z1, Z2 = prod_r 2 cosh, 2 sinh (L gamma_(2r+1)/2),
    Z3, Z4 = prod_r 2 cosh, 2 sinh (L gamma_(2r)/2),
    cosh gamma_l = cosh 2K coth 2K - cos(pi l/L),   gamma_0 = 2K + log tanh K
  A factor (2 sinh 2K)^(L/2) goes into each cosh and sinh. With s = sinh 2K and w = s e^gamma these become
  (2w)^(L/2) (1 +- (s/w)^L), which is smooth as K -> 0, and for r = 0 simply A^L +- B^L, A = e^(2K) - 1, B = 1 + e^(-2K),
  which is smooth at Tc where gamma_0 = 0. Hence nothing large is subtracted. Products are kept as logarithms. u and c come
  from the first two derivatives to K, carried along as jets.
*/
#include "adising.h"
#include <math.h>

#define PI        3.14159265358979323846
#define COLDEST_K 80.0 /* e^(-8K) is below 1e-277 */

/* A function of K: value, first and second derivative */
typedef struct {
  double v, d, dd;
} Jet;

/* One of Z1 .. Z4: e^log times a factor of order one, which may be zero */
typedef struct {
  Jet log, factor;
} Term;

static Jet jet_add(Jet a, Jet b, double sign)
{
  return (Jet){a.v + sign * b.v, a.d + sign * b.d, a.dd + sign * b.dd};
}

static Jet jet_scale(double factor, Jet a)
{
  return (Jet){factor * a.v, factor * a.d, factor * a.dd};
}

static Jet jet_divide(Jet a, Jet b)
{
  const double v = a.v / b.v, d = (a.d - v * b.d) / b.v;

  return (Jet){v, d, (a.dd - v * b.dd - 2 * d * b.d) / b.v};
}

/* a^n, n >= 2 */
static Jet jet_power(Jet a, int n)
{
  const double power = pow(a.v, n - 2);

  return (Jet){power * a.v * a.v, n * power * a.v * a.d, n * power * ((n - 1) * a.d * a.d + a.v * a.dd)};
}

static Jet jet_log(Jet a)
{
  const double d = a.d / a.v;

  return (Jet){log(a.v), d, a.dd / a.v - d * d};
}

/* sqrt(a b), without the product, which may be too large */
static Jet jet_root(Jet a, Jet b)
{
  const double da = a.d / a.v, db = b.d / b.v, half = 0.5 * (da + db), v = sqrt(a.v) * sqrt(b.v);

  return (Jet){v, v * half, v * (half * half + 0.5 * (a.dd / a.v - da * da + b.dd / b.v - db * db))};
}

/*
  add_mode - multiply Zcosh and Zsinh by a mode with 1 - cos = versine > 0

  With a = s cosh gamma = cosh^2 2K - s cos: w = a + sqrt(a^2 - s^2), a - s = (1 - s)^2 + s (1 - cos).
*/
static void add_mode(int side, double K, double versine, Term *zcosh, Term *zsinh)
{
  const double s = sinh(2 * K), c = cosh(2 * K), turned = 2 - versine; /* 1 + cos */
  const Jet    one = {1, 0, 0}, S = {s, 2 * c, 4 * s};
  const Jet    less = {(1 - s) * (1 - s) + s * versine, 2 * c * (2 * s - turned),
                       4 * s * (2 * s - turned) + 8 * c * c};
  const Jet    more = {less.v + 2 * s, less.d + 4 * c, less.dd + 8 * s};
  const Jet    w    = jet_add(jet_add(less, S, 1), jet_root(less, more), 1);
  const Jet    half = jet_scale(0.5 * side, jet_log(jet_scale(2, w))), e = jet_power(jet_divide(S, w), side);

  zcosh->log = jet_add(zcosh->log, jet_add(half, jet_log(jet_add(one, e, 1)), 1), 1);
  zsinh->log = jet_add(zsinh->log, jet_add(half, jet_log(jet_add(one, e, -1)), 1), 1);
}

/* The mode of gamma_0: A^L + B^L for Z3, A^L - B^L for Z4. */
static void add_zero_mode(int side, double K, Term *zcosh, Term *zsinh)
{
  const double up = exp(2 * K), down = exp(-2 * K);
  const Jet    A = {expm1(2 * K), 2 * up, 4 * up}, B = {1 + down, -2 * down, 4 * down}, one = {1, 0, 0};
  const int    ordered = A.v > B.v;
  const Jet    big     = jet_scale(side, jet_log(ordered ? A : B));
  const Jet    ratio   = jet_power(ordered ? jet_divide(B, A) : jet_divide(A, B), side);

  zcosh->log    = jet_add(zcosh->log, big, 1);
  zsinh->log    = jet_add(zsinh->log, big, 1);
  zcosh->factor = jet_add(one, ratio, 1);
  zsinh->factor = jet_scale(ordered ? 1 : -1, jet_add(one, ratio, -1));
}

/* First and second derivative of the logarithm of a sum of terms; the second about the first, so that nothing cancels. */
static void sum_terms(int n, const Term *term, double *d, double *dd)
{
  double top = -INFINITY, Z = 0;

  for (int i = 0; i < n; i++) top = fmax(top, term[i].log.v);
  *d = *dd = 0;
  for (int i = 0; i < n; i++) {
    const double weight = exp(term[i].log.v - top);

    Z += weight * term[i].factor.v;
    *d += weight * (term[i].factor.d + term[i].factor.v * term[i].log.d);
  }
  *d /= Z;
  for (int i = 0; i < n; i++) {
    const Jet   *f      = &term[i].factor;
    const double weight = exp(term[i].log.v - top), shift = term[i].log.d - *d;

    *dd += weight / Z * (f->dd + 2 * f->d * shift + f->v * (shift * shift + term[i].log.dd));
  }
}

void ising_exact(int side, double T, double *u, double *c)
{
  const double K = 1 / T, sites = (double)side * side;
  const Term   empty   = {{0, 0, 0}, {1, 0, 0}};
  Term         term[4] = {empty, empty, empty, empty};
  double       d, dd;

  *u = -2;
  *c = 0;
  if (K > COLDEST_K) return;
  for (int l = 1; l < 2 * side; l++) {
    const double sine = sin(0.5 * PI * l / side);

    add_mode(side, K, 2 * sine * sine, &term[l % 2 ? 0 : 2], &term[l % 2 ? 1 : 3]);
  }
  add_zero_mode(side, K, &term[2], &term[3]);
  sum_terms(4, term, &d, &dd);
  *u = fmax(-2, -d / sites); /* rounding must not pass the ground state */
  *c = fmax(0, K * K * dd / sites);
}

double ising_order(double T)
{
  const double s = sinh(2 / T), root = s * s;

  return s > 1 ? pow(1 - 1 / (root * root), 0.125) : 0;
}
