#include <float.h>
#include <math.h>
#include <string.h>
#include "ad_check.h"
#include "admixture.h"
#include "adpresets.h"
#include "adrng.h"

static const double pi = 3.14159265358979323846;
enum { MAX_N = 80, MAX_D = 40, MAX_SAMPLES = 200 };
static double work[4 * MAX_N * MAX_D + MAX_N + 64 * (3 * MAX_D + MAX_N)];

static void score(const MixtureData *mix, double sigma2, int n, const double *z, double *sz, double *x0hat,
                  double *logp)
{
  ck_assert_uint_le(mixture_workspace(mix), sizeof work / sizeof work[0]);
  mixture_score(mix, sigma2, n, z, sz, x0hat, logp, work);
}

/* Three unequal components in two dimensions, and one of no weight */
static const double      weight3[4] = {0.2, 0.5, 0.3, 0.0};
static const double      mean3[8]   = {0.8, -0.3, -0.5, 0.9, 0.1, -1.1, 0.5, 0.5};
static const double      var3[8]    = {0.05, 0.4, 0.02, 0.3, 0.1, 0.007, 0.2, 0.2};
static const MixtureData mix3       = {4, 2, weight3, mean3, var3};

/* The same as point masses */
static const double      zero3[8] = {0.0};
static const MixtureData points3  = {4, 2, weight3, mean3, zero3};

/* Two unequal components in one dimension */
static const double      weight2[2] = {0.3, 0.7}, mean2[2] = {0.8, -0.5}, var2[2] = {0.05, 0.4};
static const MixtureData mix2 = {2, 1, weight2, mean2, var2};

/* fmax that keeps a NaN: an undefined result is the worst error */
static double worse(double a, double b)
{
  return isnan(a) || a >= b ? a : b;
}

/* The formulas in extended precision, and what rounding of q and of the sums may do to them in double */
typedef struct {
  long double q[MAX_N], r[MAX_N], logp; /* exponents and responsibilities of one sample */
} Posterior;

static void extended_posterior(const MixtureData *mix, double sigma2, const double *z, Posterior *post)
{
  long double top = -INFINITY, sum = 0;

  for (int c = 0; c < mix->n; c++) {
    post->q[c] = logl(mix->weight[c]);
    for (int i = 0; i < mix->d; i++) {
      const long double v        = (long double)mix->var[c * mix->d + i] + sigma2;
      const long double distance = (long double)z[i] - mix->mean[c * mix->d + i];

      post->q[c] -= 0.5L * (logl(2.0L * acosl(-1.0L) * v) + distance * distance / v);
    }
    top = fmaxl(top, post->q[c]);
  }
  for (int c = 0; c < mix->n; c++) sum += post->r[c] = expl(post->q[c] - top);
  for (int c = 0; c < mix->n; c++) post->r[c] /= sum;
  post->logp = top + logl(fmaxl(sum, 1)); /* the largest term is 1 */
}

/* Error of `found` for sum_c r_c value_c, in units of what rounding of the terms (of magnitude size_c) and,
   through r, of the exponents may cause */
static double error_of_mean(const MixtureData *mix, const Posterior *post, const long double *value,
                            const long double *size, double found)
{
  long double mean = 0, terms = 0, spread = 0;

  for (int c = 0; c < mix->n; c++) mean += post->r[c] * value[c];
  for (int c = 0; c < mix->n; c++) {
    terms += post->r[c] * size[c];
    if (post->r[c] > 0) spread += post->r[c] * fabsl(value[c] - mean) * fabsl(post->q[c]);
  }
  return found == mean ? 0.0 : (double)(fabsl(found - mean) / (DBL_EPSILON * (terms + spread)));
}

/* Largest error of a sample's results in units of their rounding error */
static double error_of_sample(const MixtureData *mix, double sigma2, const double *z, const double *sz,
                              const double *x0hat, double logp)
{
  Posterior   post;
  long double value[MAX_N], size[MAX_N];
  double      worst;

  extended_posterior(mix, sigma2, z, &post);
  worst = (double)(fabsl(logp - post.logp) / (DBL_EPSILON * (fabsl(post.logp) + mix->d)));
  for (int i = 0; i < mix->d; i++) {
    for (int c = 0; c < mix->n; c++) {
      const long double v = (long double)mix->var[c * mix->d + i] + sigma2;

      value[c] = (mix->mean[c * mix->d + i] - (long double)z[i]) / v;
      size[c]  = fabsl(value[c]);
    }
    worst = worse(worst, error_of_mean(mix, &post, value, size, sz[i]));
    for (int c = 0; c < mix->n; c++) {
      const long double h = mix->var[c * mix->d + i], mu = mix->mean[c * mix->d + i];

      value[c] = (mu * sigma2 + z[i] * h) / (h + sigma2);
      size[c]  = (fabsl(mu) * sigma2 + fabs(z[i]) * h) / (h + sigma2);
    }
    worst = worse(worst, error_of_mean(mix, &post, value, size, x0hat[i]));
  }
  return worst;
}

static double error_of_kernel(const MixtureData *mix, double sigma2, int n, const double *z)
{
  static double sz[MAX_SAMPLES * MAX_D], x0hat[MAX_SAMPLES * MAX_D], logp[MAX_SAMPLES];
  double        worst = 0.0;

  score(mix, sigma2, n, z, sz, x0hat, logp);
  for (int l = 0; l < n; l++) {
    const size_t at = (size_t)l * (size_t)mix->d;

    worst = worse(worst, error_of_sample(mix, sigma2, z + at, sz + at, x0hat + at, logp[l]));
  }
  return worst;
}

static void fill_normal(uint32_t step, int n, double factor, double *out)
{
  const RngStream stream = {77, RNG_PROBE, step};

  rng_normal_double(stream, 0, (size_t)n, 1, out);
  for (int i = 0; i < n; i++) out[i] *= factor;
}

/* Independent 40-digit numbers for the full scores of three processes at t = 0.6, x = 0.25, aux = -0.4. Score
   and density of (x, aux) follow from those of z by the linear map (x, aux) -> (z, w) of unit Jacobian with w
   ~ N(0, omega2) independent of the data: s = l sz - up w/omega2. Digits given: 15. */
START_TEST(test_scores_of_active_and_passive_process_match_high_precision_values)
{
  const double z = 0.802953321636304, sigma2 = 0.863364293272921, x = 0.25, eta = -0.4;
  const double k = 1.3, tau = 0.7, ta = 0.9, t = 0.6, s0 = ta / tau, a = exp(-k * t);
  const double memory = (1.0 - a * exp(-t / tau)) / (k + 1.0 / tau); /* z = (x - memory eta)/a */
  double       sz, x0hat, logp, passive_z;

  score(&mix2, sigma2, 1, &z, &sz, &x0hat, &logp);
  ck_assert_double_eq_tol((x - memory * eta) / a, z, 1e-14);
  ck_assert_double_eq_tol(sz / a, -1.13585018358424, 1e-13);
  ck_assert_double_eq_tol(-eta / s0 - memory * sz / a, 0.646410193415553, 1e-13);
  ck_assert_double_eq_tol(x0hat, 0.35341632475399, 1e-13);
  ck_assert_double_eq_tol(logp - eta * eta / (2.0 * s0) - 0.5 * log(2.0 * pi * s0 * a * a), -1.70464893609272,
                          1e-13);

  passive_z = x / a; /* T = 0.8 */
  score(&mix2, 0.8 / k * expm1(2.0 * k * t), 1, &passive_z, &sz, NULL, &logp);
  ck_assert_double_eq_tol(sz / a, -0.457073321523307, 1e-13);
  ck_assert_double_eq_tol(logp - log(a), -0.755213458252558, 1e-13);
}
END_TEST

START_TEST(test_scores_of_critically_damped_process_match_high_precision_values)
{
  const double z = 11.3402966373553, sigma2 = 258.859168340033, x = 0.25, v = -0.4;
  const double beta = 4.0, gamma = 1.0, m = 0.25, v0 = 0.04 * m, t = 0.6, lambda = 2.0 * beta / gamma;
  const double y = 2.0 * lambda * t, e = exp(-lambda * t), p3 = 1.0 - exp(-y) * (1.0 + y + 0.5 * y * y);
  const double u1 = e * (1.0 + lambda * t), u2 = -e * beta * t;
  const double w1 = e * beta * t / m, w2 = e * (1.0 - lambda * t);
  const double c11 = p3 + v0 * w1 * w1, c12 = gamma * beta * beta / m * t * t * e * e + v0 * w1 * w2;
  const double c22    = m * (p3 + 2.0 * y * exp(-y)) + v0 * w2 * w2;
  const double omega2 = u1 * u1 * c22 - 2.0 * u1 * u2 * c12 + u2 * u2 * c11, w = u1 * v - u2 * x;
  const double l1 = (c22 * u1 - c12 * u2) / omega2, l2 = (c11 * u2 - c12 * u1) / omega2;
  double       sz, x0hat, logp;

  score(&mix2, sigma2, 1, &z, &sz, &x0hat, &logp);
  ck_assert_double_eq_tol((l1 * x + l2 * v) / z, 1.0, 1e-13);
  ck_assert_double_eq_tol(l1 * sz + u2 * w / omega2, -0.257323373189972, 1e-12);
  ck_assert_double_eq_tol(l2 * sz - u1 * w / omega2, 1.6120250817713, 1e-12);
  ck_assert_double_eq_tol(x0hat, -0.0812007499465749, 1e-14);
  ck_assert_double_eq_tol(logp - w * w / (2.0 * omega2) - 0.5 * log(2.0 * pi * omega2), -1.49982857826076,
                          1e-12);
}
END_TEST

/* Four-point differences: truncation h^4/30 f^(5) and rounding eps/h are both below 1e-9 */
START_TEST(test_score_is_the_gradient_of_the_log_density)
{
  static const double sigma2[4] = {0.0, 1e-4, 0.09, 25.0};
  double              z[2 * 20];

  fill_normal(1, 40, 1.5, z);
  for (int k = 0; k < 4; k++)
    for (size_t l = 0; l < 20; l++)
      for (int i = 0; i < 2; i++) {
        static const double shift[4] = {-2, -1, 1, 2}, stencil[4] = {1, -8, 8, -1};
        const double        step       = 1e-3 * sqrt(0.01 + sigma2[k]);
        double              difference = 0.0, sz[2];

        for (int j = 0; j < 4; j++) {
          double moved[2] = {z[2 * l], z[2 * l + 1]}, logp;

          moved[i] += shift[j] * step;
          score(&mix3, sigma2[k], 1, moved, NULL, NULL, &logp);
          difference += stencil[j] * logp / (12.0 * step);
        }
        score(&mix3, sigma2[k], 1, &z[2 * l], sz, NULL, NULL);
        ck_assert_double_eq_tol(difference / sz[i], 1.0, 2e-8);
      }
}
END_TEST

/* The trapezoid rule is exact for Gaussians at 1/8 of the smallest width */
START_TEST(test_posterior_mean_and_density_match_quadrature)
{
  static const double z[5] = {-3.0, -0.4, 0.2, 0.9, 4.0}, sigma2[3] = {0.01, 0.5, 16.0};

  for (int k = 0; k < 3; k++)
    for (int l = 0; l < 5; l++) {
      double       mass = 0.0, first = 0.0, x0hat, logp;
      const double step = 0.01;

      for (int j = -1000; j <= 1000; j++) {
        const double x       = j * step;
        double       density = 0.0;

        for (int c = 0; c < 2; c++)
          density += weight2[c] * exp(-0.5 * pow(x - mean2[c], 2.0) / var2[c]) / sqrt(2.0 * pi * var2[c]);
        density *= exp(-0.5 * pow(z[l] - x, 2.0) / sigma2[k]) / sqrt(2.0 * pi * sigma2[k]) * step;
        mass += density;
        first += density * x;
      }
      score(&mix2, sigma2[k], 1, &z[l], NULL, &x0hat, &logp);
      ck_assert_double_eq_tol(x0hat, first / mass, 1e-12);
      ck_assert_double_eq_tol(logp, log(mass), 1e-12);
    }
}
END_TEST

/* Integrals over z of p, p sz, p sz z, p z and p z^2; noise adds its variance to the data's */
START_TEST(test_density_is_normalised_obeys_stein_and_has_the_moments)
{
  const double sigma2 = 0.3, step = 0.01;
  double       mass = 0.0, mean_score = 0.0, stein = 0.0, first = 0.0, second = 0.0, mean, var;

  mixture_moments(&mix2, &mean, &var);
  for (int j = -2000; j <= 2000; j++) {
    const double z = step * j;
    double       sz, logp;

    score(&mix2, sigma2, 1, &z, &sz, NULL, &logp);
    mass += step * exp(logp);
    mean_score += step * exp(logp) * sz;
    stein += step * exp(logp) * sz * z;
    first += step * exp(logp) * z;
    second += step * exp(logp) * z * z;
  }
  ck_assert_double_eq_tol(mass, 1.0, 1e-13);
  ck_assert_double_eq_tol(mean_score, 0.0, 1e-13);
  ck_assert_double_eq_tol(stein, -1.0, 1e-13);
  ck_assert_double_eq_tol(mean, first, 1e-13);
  ck_assert_double_eq_tol(var + sigma2, second - first * first, 1e-13);
}
END_TEST

START_TEST(test_posterior_mean_is_z_plus_sigma2_score)
{
  double z[200], sz[200], x0hat[200], worst = 0.0;

  fill_normal(2, 200, 2.0, z);
  for (int exponent = -6; exponent < 6; exponent++) {
    const double sigma2 = pow(10.0, exponent);

    score(&mix3, sigma2, 100, z, sz, x0hat, NULL);
    for (int i = 0; i < 200; i++)
      worst = worse(worst, fabs(x0hat[i] - (z[i] + sigma2 * sz[i])) / (fabs(z[i]) + sigma2 * fabs(sz[i])));
  }
  ck_assert_double_lt(worst, 32.0 * DBL_EPSILON);
}
END_TEST

START_TEST(test_one_component_has_the_closed_form)
{
  const double weight = 1.0, mean[2] = {0.7, -20.0}, var[2] = {0.3, 0.0}, sigma2 = 0.2, z[2] = {-1.9, 3.5};
  const MixtureData mix = {1, 2, &weight, mean, var};
  double            sz[2], x0hat[2], logp;

  score(&mix, sigma2, 1, z, sz, x0hat, &logp);
  ck_assert_double_eq_tol(sz[0], 2.6 / 0.5, 1e-14);
  ck_assert_double_eq_tol(sz[1], -23.5 / 0.2, 1e-12);
  ck_assert_double_eq_tol(x0hat[0], (0.7 * 0.2 - 1.9 * 0.3) / 0.5, 1e-15);
  ck_assert_double_eq(x0hat[1], -20.0);
  ck_assert_double_eq_tol(
      logp, -0.5 * (2.0 * log(2.0 * pi) + log(0.5) + log(0.2) + 2.6 * 2.6 / 0.5 + 23.5 * 23.5 / 0.2), 1e-12);
}
END_TEST

/* Point masses at +-m: E[x0 | z] = m tanh(m z/sigma2); it runs the exponential over all of its range */
START_TEST(test_two_point_masses_give_a_hyperbolic_tangent)
{
  const double      weight[2] = {0.5, 0.5}, mean[2] = {0.75, -0.75}, var[2] = {0.0, 0.0};
  const MixtureData mix   = {2, 1, weight, mean, var};
  double            worst = 0.0, smallest = 1.0;

  for (int k = 0; k < 3000; k++) {
    const double argument = 1e-9 * pow(1.01, k), sigma2 = 0.3, z = argument * sigma2 / 0.75;
    double       x0hat, logp, sz;

    score(&mix, sigma2, 1, &z, &sz, &x0hat, &logp);
    smallest = fmin(smallest, x0hat);
    worst    = worse(worst, fabs(x0hat / 0.75 - tanh(argument)));
  }
  ck_assert_double_lt(worst, 8.0 * DBL_EPSILON);
  ck_assert_double_gt(smallest, 0.0);
}
END_TEST

/* Noise from 1e-9 to 1e150 of the data's scale, and |z| = 75, where exp of bare exponents is 0/0 */
START_TEST(test_scores_are_accurate_at_all_noise_levels_and_in_the_tails)
{
  static const double scale[4] = {0.0, 1.0, 20.0, 75.0};
  double              z[2 * MAX_SAMPLES], noise[2 * MAX_SAMPLES];

  fill_normal(3, 2 * MAX_SAMPLES, 1.0, noise);
  for (int exponent = -9; exponent <= 150; exponent += exponent < 6 ? 1 : 16)
    for (int k = 0; k < 4; k++) {
      const double sigma = pow(10.0, exponent);

      for (int i = 0; i < 2 * MAX_SAMPLES; i++)
        z[i] = mean3[i % 6] + sigma * noise[i] + scale[k] * noise[(i * 7) % (2 * MAX_SAMPLES)];
      ck_assert_double_lt(error_of_kernel(&mix3, sigma * sigma, MAX_SAMPLES, z), 8.0);
      ck_assert_double_lt(error_of_kernel(&points3, sigma * sigma, MAX_SAMPLES, z), 8.0);
    }
}
END_TEST

START_TEST(test_many_components_in_many_dimensions_match_reference)
{
  static double weight[MAX_N], mean[MAX_N * MAX_D], var[MAX_N * MAX_D], z[70 * MAX_D];
  MixtureData   mix   = {MAX_N, MAX_D, weight, mean, var};
  double        total = 0.0;

  fill_normal(5, MAX_N, 0.5, weight);
  fill_normal(6, MAX_N * MAX_D, 0.6, mean);
  fill_normal(7, MAX_N * MAX_D, 0.3, var);
  for (int c = 0; c < MAX_N; c++) total += weight[c] = exp(weight[c]);
  for (int c = 0; c < MAX_N; c++) weight[c] /= total;
  for (int i = 0; i < MAX_N * MAX_D; i++) var[i] = 0.1 + var[i] * var[i];
  fill_normal(8, 70 * MAX_D, 1.0, z);
  for (int exponent = -3; exponent < 6; exponent++)
    ck_assert_double_lt(error_of_kernel(&mix, pow(10.0, exponent), 70, z), 8.0);
}
END_TEST

/* Bits of a sample depend neither on its place, nor on its neighbours, nor on which outputs are asked for.
   The neighbours' weights vanish or not, so that skipping a component for some lanes is covered. */
START_TEST(test_results_do_not_depend_on_the_partition)
{
  double z[2 * MAX_SAMPLES], sz[2 * MAX_SAMPLES], x0hat[2 * MAX_SAMPLES], logp[MAX_SAMPLES];
  int    same = 1;

  fill_normal(9, 2 * MAX_SAMPLES, 3.0, z);
  for (int exponent = -6; exponent < 3; exponent += 2) {
    const double sigma2 = pow(10.0, exponent);

    score(&mix3, sigma2, MAX_SAMPLES, z, sz, x0hat, logp);
    for (int first = 0, n = 1; first < MAX_SAMPLES; first += n, n = 1 + (2 * n) % 67) {
      const size_t at = (size_t)first;
      double       piece_sz[2 * MAX_SAMPLES], piece_x0hat[2 * MAX_SAMPLES], piece_logp[MAX_SAMPLES];

      if (first + n > MAX_SAMPLES) n = MAX_SAMPLES - first;
      score(&mix3, sigma2, n, z + 2 * at, piece_sz, NULL, NULL);
      score(&mix3, sigma2, n, z + 2 * at, NULL, piece_x0hat, piece_logp);
      same &= memcmp(piece_sz, sz + 2 * at, 2 * (size_t)n * sizeof *sz) == 0;
      same &= memcmp(piece_x0hat, x0hat + 2 * at, 2 * (size_t)n * sizeof *sz) == 0;
      same &= memcmp(piece_logp, logp + at, (size_t)n * sizeof *sz) == 0;
    }
  }
  ck_assert(same);
}
END_TEST

START_TEST(test_a_bad_sample_spoils_its_own_row_only)
{
  enum { NOT_A_NUMBER = 5, INFINITE = 40 };
  double z[64][2], sz[64][2], clean[64][2], x0hat[64][2];

  fill_normal(11, 128, 1.0, z[0]);
  score(&mix3, 0.1, 64, z[0], clean[0], NULL, NULL);
  z[NOT_A_NUMBER][0] = NAN;
  z[INFINITE][0]     = INFINITY;
  score(&mix3, 0.1, 64, z[0], sz[0], x0hat[0], NULL);
  for (int l = 0; l < 64; l++)
    for (int i = 0; i < 2; i++)
      if (l == NOT_A_NUMBER || l == INFINITE)
        ck_assert(isnan(sz[l][i]) && isnan(x0hat[l][i]));
      else
        ck_assert(sz[l][i] == clean[l][i] && isfinite(x0hat[l][i]));
}
END_TEST

/* Every preset: centred, of the stated size, with the variances that its peaks give by hand */
START_TEST(test_presets_have_the_stated_sizes_and_moments)
{
  static const struct {
    const char *name;
    int         n, d;
    double      sigma, r, var[2];
  } stated[] = {
      {"diamond", 9, 2, 0.04, 0.70710678118654752, {0.0016 + 1.0 / 6, 0.0016 + 1.0 / 6}},
      {"diamond_close", 9, 2, 0.04, 0.28284271247461901, {0.0016 + 0.08 / 3, 0.0016 + 0.08 / 3}},
      {"ring", 9, 2, 0.04, 0.70710678118654752, {0.0016 + 2.0 / 9, 0.0016 + 2.0 / 9}},
      {"ring_close", 9, 2, 0.04, 0.28284271247461901, {0.0016 + 0.32 / 9, 0.0016 + 0.32 / 9}},
      {"coarse_1d", 3, 1, 0.25, 2.0, {0.0625 + 0.66 * 4}},
      {"fine_1d", 5, 1, 0.08, 0.6, {0.0064 + 0.1 * 0.36 + 0.1 * 0.09}},
      {"two_gauss_1d", 2, 1, 0.5, 1.2, {0.25 + 1.44}},
      {"two_gauss_2d", 2, 2, 0.5, 1.2, {0.25 + 1.44, 0.25}},
      {"two_gauss_2d_close", 2, 2, 0.5, 1.0, {0.25 + 1.0, 0.25}},
      {"two_clusters", 2, 2, 1.0, 1.0, {2.0, 2.0}},
  };
  const int            mixtures = (int)(sizeof stated / sizeof stated[0]);
  int                  count, found = 0;
  const MixturePreset *table = mixture_preset_table(&count);

  for (int k = 0; k < count; k++) found += !strcmp(table[k].type, "mixture");
  ck_assert_int_eq(found, mixtures);
  ck_assert_ptr_null(mixture_preset("no such law"));
  for (int k = 0; k < mixtures; k++) {
    const MixturePreset *preset = mixture_preset(stated[k].name);
    double               weight[9], mean[18], var[18], m[2], v[2], total = 0.0;
    const MixtureData    mix = {stated[k].n, stated[k].d, weight, mean, var};

    ck_assert(preset && preset->n == mix.n && preset->d == (preset->pattern ? mix.d : 0));
    mixture_preset_fill(preset, mix.d, preset->sigma, preset->r, weight, mean, var);
    ck_assert_double_eq_tol(preset->sigma, stated[k].sigma, 1e-16);
    ck_assert_double_eq_tol(preset->r, stated[k].r, 1e-16);
    for (int c = 0; c < mix.n; c++) total += weight[c];
    ck_assert_double_eq_tol(total, 1.0, 1e-15);
    mixture_moments(&mix, m, v);
    for (int i = 0; i < mix.d; i++) {
      ck_assert_double_eq_tol(m[i], 0.0, 1e-16);
      ck_assert_double_eq_tol(v[i], stated[k].var[i], 1e-15);
    }
  }
}
END_TEST

/* Turned back by 45 degrees the peaks are the nine points {-1/2, 0, 1/2}^2, each once */
START_TEST(test_diamond_is_a_turned_square_lattice)
{
  const MixturePreset *preset = mixture_preset("diamond");
  double               weight[9], mean[18], var[18];
  int                  seen = 0;

  mixture_preset_fill(preset, preset->d, preset->sigma, preset->r, weight, mean, var);
  for (size_t c = 0; c < 9; c++) {
    const double x = (mean[2 * c] + mean[2 * c + 1]) * sqrt(2.0);
    const double y = (mean[2 * c] - mean[2 * c + 1]) * sqrt(2.0);

    ck_assert_double_eq_tol(x, round(x), 1e-14);
    ck_assert_double_eq_tol(y, round(y), 1e-14);
    ck_assert(fabs(x) < 1.5 && fabs(y) < 1.5);
    seen |= 1 << (3 * (int)round(x) + (int)round(y) + 4);
  }
  ck_assert_int_eq(seen, 0x1ff);
}
END_TEST

/* Width and scale overridden; eight angles in steps of 45 degrees, each once */
START_TEST(test_ring_has_a_centre_and_eight_peaks_around)
{
  double weight[9], mean[18], var[18];
  int    seen = 0;

  mixture_preset_fill(mixture_preset("ring"), 2, 0.1, 3.0, weight, mean, var);
  ck_assert(mean[0] == 0.0 && mean[1] == 0.0);
  for (size_t c = 1; c < 9; c++) {
    const double angle = atan2(mean[2 * c + 1], mean[2 * c]) / (pi / 4.0);

    ck_assert_double_eq_tol(hypot(mean[2 * c], mean[2 * c + 1]), 3.0, 1e-14);
    ck_assert_double_eq_tol(angle, round(angle), 1e-14);
    ck_assert_double_eq_tol(var[2 * c], 0.01, 1e-16);
    seen |= 1 << ((int)round(angle) & 7);
  }
  ck_assert_int_eq(seen, 0xff);
}
END_TEST

Suite *mixture_suite(void)
{
  Suite *suite = suite_create("mixture");
  TCase *exact = tcase_create("exact");

  tcase_add_test(exact, test_scores_of_active_and_passive_process_match_high_precision_values);
  tcase_add_test(exact, test_scores_of_critically_damped_process_match_high_precision_values);
  tcase_add_test(exact, test_score_is_the_gradient_of_the_log_density);
  tcase_add_test(exact, test_posterior_mean_and_density_match_quadrature);
  tcase_add_test(exact, test_density_is_normalised_obeys_stein_and_has_the_moments);
  tcase_add_test(exact, test_posterior_mean_is_z_plus_sigma2_score);
  tcase_add_test(exact, test_one_component_has_the_closed_form);
  tcase_add_test(exact, test_two_point_masses_give_a_hyperbolic_tangent);
  tcase_add_test(exact, test_scores_are_accurate_at_all_noise_levels_and_in_the_tails);
  tcase_add_test(exact, test_many_components_in_many_dimensions_match_reference);
  tcase_add_test(exact, test_results_do_not_depend_on_the_partition);
  tcase_add_test(exact, test_a_bad_sample_spoils_its_own_row_only);
  tcase_add_test(exact, test_presets_have_the_stated_sizes_and_moments);
  tcase_add_test(exact, test_diamond_is_a_turned_square_lattice);
  tcase_add_test(exact, test_ring_has_a_centre_and_eight_peaks_around);
  suite_add_tcase(suite, exact);
  return suite;
}
