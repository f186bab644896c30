#include "ad_check.h"
#include "adrhm.h"
#include "adrng.h"
#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = RHM_LANES };

/* A grammar with room for likelihoods, marginals and trees of a wave */
typedef struct {
  Grammar g;
  int64_t nodes, leaves;
  int    *child, *symbol[LANES];
  double *likelihood, *marginal, *work, *raw[3];
  double  floored[LANES];
} Wave;

static double *aligned(size_t n, double **raw)
{
  *raw = malloc(sizeof(double) * (n + RHM_ALIGN));
  return rhm_aligned(*raw);
}

static Wave *wave_of(int v, int s, int m, int L)
{
  Wave *w = malloc(sizeof(*w));

  w->g          = (Grammar){v, s, m, L, NULL};
  w->child      = malloc(sizeof(int) * grammar_length(v, s, m, L));
  w->g.child    = w->child;
  w->nodes      = rhm_first(&w->g, L + 1);
  w->leaves     = rhm_nodes(&w->g, 0);
  w->likelihood = aligned((size_t)(w->leaves * v * LANES), &w->raw[0]);
  w->marginal   = aligned((size_t)(w->nodes * v * LANES), &w->raw[1]);
  w->work       = aligned(rhm_workspace(&w->g, 0), &w->raw[2]);
  for (int l = 0; l < LANES; l++) w->symbol[l] = malloc(sizeof(int) * (size_t)w->nodes);
  return w;
}

static void wave_free(Wave *w)
{
  for (int l = 0; l < LANES; l++) free(w->symbol[l]);
  for (int k = 0; k < 3; k++) free(w->raw[k]);
  free(w->child);
  free(w);
}

static void wave_draw(Wave *w, uint64_t seed, uint64_t grammar, uint64_t tree)
{
  const Grammar *g    = &w->g;
  int           *work = malloc(sizeof(int) * grammar_workspace(g->v, g->m));

  grammar_draw(seed, grammar, g->v, g->s, g->m, g->L, work, w->child);
  for (int l = 0; l < LANES; l++) tree_draw(g, seed, grammar, tree + (uint64_t)l, w->symbol[l]);
  free(work);
}

static void wave_solve(Wave *w)
{
  rhm_marginals(&w->g, w->likelihood, w->marginal, w->floored, w->work);
}

static double likelihood_of(const Wave *w, int64_t leaf, int x, int l)
{
  return w->likelihood[(leaf * w->g.v + x) * LANES + l];
}

static double marginal_of(const Wave *w, int level, int64_t node, int x, int l)
{
  return w->marginal[((rhm_first(&w->g, level) + node) * w->g.v + x) * LANES + l];
}

/* ---- all derivations ---- */

/* Symbols of a derivation: root, and the rules of inner nodes from the root down */
static void derive(const Grammar *g, int root, const int *rule, int *symbol)
{
  symbol[rhm_first(g, g->L)] = root;
  for (int l = g->L; l > 0; l--)
    for (int64_t n = 0; n < rhm_nodes(g, l); n++) {
      const int y = symbol[rhm_first(g, l) + n], r = *rule++;

      memcpy(symbol + rhm_first(g, l - 1) + n * g->s,
             g->child + (((int64_t)(l - 1) * g->v + y) * g->m + r) * g->s, sizeof(int) * (size_t)g->s);
    }
}

/* Marginals of a lane from the sum over all derivations, in a type with room for 1e-4900: exact[nodes][v] */
static void enumerate(const Wave *w, int lane, long double *exact)
{
  const Grammar *g     = &w->g;
  const int64_t  inner = w->nodes - w->leaves;
  int        *rule = calloc((size_t)inner + 1, sizeof(int)), *symbol = malloc(sizeof(int) * (size_t)w->nodes);
  long double Z = 0;
  int64_t     k;

  for (int64_t i = 0; i < w->nodes * g->v; i++) exact[i] = 0;
  do {
    for (int root = 0; root < g->v; root++) {
      long double weight = 1;

      derive(g, root, rule, symbol);
      for (int64_t leaf = 0; leaf < w->leaves; leaf++) weight *= likelihood_of(w, leaf, symbol[leaf], lane);
      for (int64_t n = 0; n < w->nodes; n++) exact[n * g->v + symbol[n]] += weight;
      Z += weight;
    }
    for (k = 0; k < inner && ++rule[k] == g->m; k++) rule[k] = 0;
  } while (k < inner);
  for (int64_t i = 0; i < w->nodes * g->v; i++) exact[i] /= Z;
  free(rule);
  free(symbol);
}

/* Largest error of any marginal of a lane */
static double error_of(const Wave *w, int lane)
{
  long double *exact = malloc(sizeof(*exact) * (size_t)(w->nodes * w->g.v));
  double       error = 0;

  enumerate(w, lane, exact);
  for (int64_t i = 0; i < w->nodes * w->g.v; i++) {
    const double e = fabs((double)(w->marginal[i * LANES + lane] - exact[i]));

    if (!(e <= error)) error = e;
  }
  free(exact);
  return error;
}

/* Likelihoods floor^u, u uniform, one in three of them zero but never that of the truth */
static void random_likelihood(Wave *w, uint64_t seed, double floor, int zeros)
{
  const int64_t n = w->leaves * w->g.v * LANES;
  double       *u = malloc(sizeof(*u) * 2 * (size_t)n);

  rng_uniform((RngStream){seed, RNG_NOISE, 0}, 0, 2 * (size_t)n, 1, u);
  for (int64_t leaf = 0; leaf < w->leaves; leaf++)
    for (int x = 0; x < w->g.v; x++)
      for (int l = 0; l < LANES; l++) {
        const int64_t k  = (leaf * w->g.v + x) * LANES + l;
        const int     no = zeros && u[n + k] < 1.0 / 3 && x != w->symbol[l][leaf];

        w->likelihood[k] = no ? 0 : pow(floor, u[k]);
      }
  free(u);
}

static const int small[][4] = {{3, 2, 2, 2}, {4, 3, 2, 2}, {2, 2, 2, 3}, {3, 2, 3, 3},  {2, 2, 1, 4},
                               {2, 4, 3, 2}, {3, 5, 3, 2}, {5, 1, 1, 3}, {2, 32, 3, 1}, {9, 2, 4, 2},
                               {2, 6, 2, 1}, {2, 3, 4, 2}, {1, 2, 1, 3}, {17, 2, 17, 1}};
enum { SMALL = sizeof(small) / sizeof(*small) };

START_TEST(test_marginals_are_those_of_all_derivations)
{
  for (int k = 0; k < SMALL; k++)
    for (int kind = 0; kind < 4; kind++) {
      Wave *w = wave_of(small[k][0], small[k][1], small[k][2], small[k][3]);

      wave_draw(w, 11, (uint64_t)kind, 0);
      random_likelihood(w, (uint64_t)(10 * k + kind), kind < 2 ? 1e-2 : 1e-8, kind % 2);
      wave_solve(w);
      for (int l = 0; l < LANES; l++) {
        ck_assert_double_le(error_of(w, l), 1e-14);
        ck_assert(w->floored[l] == 0);
      }
      wave_free(w);
    }
}
END_TEST

/* Evidence for and against, 300 decades apart over a tree: nothing is lost */
START_TEST(test_extreme_evidence_is_weighed_exactly)
{
  for (int k = 0; k < SMALL; k++)
    for (uint64_t trial = 0; trial < 4; trial++) {
      Wave *w = wave_of(small[k][0], small[k][1], small[k][2], small[k][3]);

      wave_draw(w, 12, trial, 0);
      random_likelihood(w, trial, pow(10, -300.0 / (double)w->leaves), 0);
      for (int64_t i = 0; i < w->leaves * w->g.v * LANES; i++)
        if (w->likelihood[i] < 1e-7) w->likelihood[i] = pow(10, -300.0 / (double)w->leaves);
      wave_solve(w);
      for (int l = 0; l < LANES; l++) {
        ck_assert(w->floored[l] == 0);
        ck_assert_double_le(error_of(w, l), 1e-14);
      }
      wave_free(w);
    }
}
END_TEST

/* One level, and leaves that are all but certain of what no rule allows: right, unless both of them are, which is counted */
START_TEST(test_improbable_evidence_is_weighed_exactly_or_counted)
{
  int exact = 0, counted = 0;

  for (uint64_t trial = 0; trial < 50; trial++) {
    Wave *w = wave_of(5, 2, 1, 1);

    wave_draw(w, 12, trial, 0);
    random_likelihood(w, trial, 1e-3, 0);
    for (int l = 0; l < LANES; l++)
      for (int k = 0; k < 10; k++)
        if (k % 5 != (l + (int)trial * (1 + k / 5)) % 5) w->likelihood[k * LANES + l] *= 1e-300;
    wave_solve(w);
    for (int l = 0; l < LANES; l++) {
      counted += w->floored[l] > 0;
      if (w->floored[l] > 0) continue;
      ck_assert_double_le(error_of(w, l), 1e-14);
      exact++;
    }
    wave_free(w);
  }
  ck_assert_int_gt(exact, 200);
  ck_assert_int_gt(counted, 10);
}
END_TEST

/* The worked example in full: logits, marginals of root and leaves */
START_TEST(test_worked_example)
{
  static const int    child[12] = {0, 1, 1, 2, 2, 0, 0, 2, 1, 1, 2, 1};
  static const double logit[6]  = {0.949548202891, 0.367818226209, 0.414694890879,
                                   0.186097214782, 0.558291644347, 0.914390704388};
  static const double leaves[6] = {0.508518381192,  0.28422648025,  0.207255138558,
                                   0.0845623507697, 0.449227726075, 0.466209923156};
  static const double root[3]   = {0.376613256367, 0.38361987476, 0.239766868873};
  Wave               *w         = wave_of(3, 2, 2, 1);

  memcpy(w->child, child, sizeof(child));
  for (int k = 0; k < 6 * LANES; k++)
    w->likelihood[k] = logit[k / LANES] + 3 * (k % LANES); /* a constant does not matter */
  for (int leaf = 0; leaf < 2; leaf++) rhm_likelihood(3, w->likelihood + leaf * 3 * LANES);
  wave_solve(w);
  for (int l = 0; l < LANES; l++) {
    for (int k = 0; k < 6; k++) ck_assert_double_eq_tol(marginal_of(w, 0, k / 3, k % 3, l), leaves[k], 1e-12);
    for (int x = 0; x < 3; x++) ck_assert_double_eq_tol(marginal_of(w, 1, 0, x, l), root[x], 1e-12);
  }
  wave_free(w);
}
END_TEST

/* ---- limits ---- */

/* Leaves that say nothing leave the prior: uniform at the root, and passed down by the rules. Nothing is lost on the way, though
   probabilities of all leaves together are as small as 3^-1024. */
START_TEST(test_no_evidence_leaves_the_prior)
{
  static const int sizes[][4] = {{6, 3, 4, 4},  {3, 32, 1, 2}, {16, 32, 2, 2},
                                 {2, 16, 3, 2}, {4, 2, 4, 8},  {5, 1, 1, 9}};

  for (size_t c = 0; c < sizeof(sizes) / sizeof(*sizes); c++) {
    const int v = sizes[c][0], s = sizes[c][1], m = sizes[c][2], L = sizes[c][3];
    Wave     *w     = wave_of(v, s, m, L);
    double   *prior = calloc((size_t)(w->nodes * v), sizeof(*prior));

    wave_draw(w, 13, 1, 0);
    for (int64_t i = 0; i < w->leaves * v * LANES; i++) w->likelihood[i] = 1.0 / v;
    wave_solve(w);
    for (int x = 0; x < v; x++) prior[(w->nodes - 1) * v + x] = 1.0 / v;
    for (int level = L; level > 0; level--)
      for (int64_t n = 0; n < rhm_nodes(&w->g, level); n++)
        for (int k = 0; k < v * m * s; k++)
          prior[(rhm_first(&w->g, level - 1) + n * s + k % s) * v + w->child[(level - 1) * v * m * s + k]] +=
              prior[(rhm_first(&w->g, level) + n) * v + k / (m * s)] / m;
    for (int64_t i = 0; i < w->nodes * v * LANES; i++)
      ck_assert_double_eq_tol(w->marginal[i], prior[i / LANES], 1e-14);
    for (int l = 0; l < LANES; l++) ck_assert(w->floored[l] == 0);
    free(prior);
    wave_free(w);
  }
}
END_TEST

START_TEST(test_certain_leaves_make_all_levels_certain)
{
  Wave *w = wave_of(32, 2, 8, 6);

  wave_draw(w, 14, 0, 0);
  for (int64_t leaf = 0; leaf < w->leaves; leaf++)
    for (int k = 0; k < 32 * LANES; k++)
      w->likelihood[leaf * 32 * LANES + k] = w->symbol[k % LANES][leaf] == k / LANES;
  wave_solve(w);
  for (int64_t n = 0; n < w->nodes; n++)
    for (int k = 0; k < 32 * LANES; k++)
      ck_assert_double_eq_tol(w->marginal[n * 32 * LANES + k], w->symbol[k % LANES][n] == k / LANES, 1e-15);
  for (int l = 0; l < LANES; l++) ck_assert(w->floored[l] == 0);
  wave_free(w);
}
END_TEST

/* A lane with evidence against itself is counted and stays finite; no bit of the other lanes depends on it */
START_TEST(test_lanes_do_not_see_each_other)
{
  Wave   *w     = wave_of(4, 2, 2, 4);
  size_t  size  = sizeof(double) * (size_t)(w->nodes * 4 * LANES);
  double *first = malloc(size);

  wave_draw(w, 15, 0, 0);
  random_likelihood(w, 1, 1e-3, 1);
  wave_solve(w);
  memcpy(first, w->marginal, size);
  for (int l = 0; l < LANES; l++) {
    double own[16 * 4];

    for (int k = 0; k < 16 * 4; k++) own[k] = w->likelihood[k * LANES + l];
    for (int k = 0; k < 16 * 4; k++) w->likelihood[k * LANES + l] = 0;
    wave_solve(w);
    for (int other = 0; other < LANES; other++) ck_assert((w->floored[other] > 0) == (other == l));
    for (int64_t i = 0; i < w->nodes * 4; i++)
      for (int other = 0; other < LANES; other++)
        if (other == l)
          ck_assert(w->marginal[i * LANES + l] >= 0 && w->marginal[i * LANES + l] <= 1);
        else
          ck_assert(w->marginal[i * LANES + other] == first[i * LANES + other]);
    for (int k = 0; k < 16 * 4; k++) w->likelihood[k * LANES + l] = own[k];
  }
  /* and a lane gets the same bits in any place */
  for (int k = 0; k < 16 * 4; k++)
    for (int l = 1; l < LANES; l++) w->likelihood[k * LANES + l] = w->likelihood[k * LANES];
  wave_solve(w);
  for (int64_t i = 0; i < w->nodes * 4 * LANES; i++) ck_assert(w->marginal[i] == first[i / LANES * LANES]);
  free(first);
  wave_free(w);
}
END_TEST

/* 0 -> (0, 0), 1 -> (1, 1), and leaves 0, 1: neither; evidence is ignored where it contradicts itself, and that is counted */
START_TEST(test_contradictions_are_counted)
{
  static const int child[8] = {0, 0, 1, 1, 0, 0, 1, 1};
  Wave            *w        = wave_of(2, 2, 1, 2);

  memcpy(w->child, child, sizeof(child));
  for (int k = 0; k < 8 * LANES; k++) w->likelihood[k] = (k / LANES + k / LANES / 2) % 2; /* 1, 0, 1, 0 */
  wave_solve(w);
  for (int l = 0; l < LANES; l++) {
    ck_assert_double_ge(w->floored[l], 2);
    for (int x = 0; x < 2; x++) ck_assert_double_eq(marginal_of(w, 2, 0, x, l), 0.5);
  }
  for (int k = 0; k < 4 * LANES; k++)
    w->likelihood[k] = k / LANES % 2 ? 1 : 1e-170; /* 1, 1: against nothing */
  for (int k = 4 * LANES; k < 8 * LANES; k++) w->likelihood[k] = k / LANES % 2 ? 1e-170 : 1;
  wave_solve(w); /* 1e-340 against 1e-340 at the root: both lost */
  for (int l = 0; l < LANES; l++) ck_assert_double_ge(w->floored[l], 1);
  wave_free(w);
}
END_TEST

/* ---- parts of the whole ---- */

typedef struct {
  const Wave *w;
  int         lowest, equal;
  int64_t     visits;
} Visits;

static void compare_visit(void *context, int level, int64_t node, const double *marginal)
{
  Visits       *visits = context;
  const Wave   *w      = visits->w;
  const double *whole  = w->marginal + (rhm_first(&w->g, level) + node) * w->g.v * LANES;

  visits->visits++;
  visits->equal &=
      level >= visits->lowest && !memcmp(whole, marginal, sizeof(double) * (size_t)(w->g.v * LANES));
}

START_TEST(test_upper_levels_alone_have_the_same_bits)
{
  Wave *w = wave_of(5, 3, 3, 5);

  wave_draw(w, 16, 0, 0);
  random_likelihood(w, 2, 1e-2, 0);
  wave_solve(w);
  for (int lowest = 0; lowest <= 5; lowest++) {
    Visits  visits = {w, lowest, 1, 0};
    double *raw, *work = aligned(rhm_workspace(&w->g, lowest), &raw);
    double  floored[LANES];

    rhm_propagate(&w->g, w->likelihood, lowest, compare_visit, &visits, floored, work);
    ck_assert(visits.equal);
    ck_assert_int_eq(visits.visits, w->nodes - rhm_first(&w->g, lowest));
    free(raw);
  }
  ck_assert_uint_lt(rhm_workspace(&w->g, 5) * 3, rhm_workspace(&w->g, 0));
  wave_free(w);
}
END_TEST

/* Nothing depends on where arrays lie */
START_TEST(test_any_alignment_has_the_same_bits)
{
  Wave   *w = wave_of(7, 2, 5, 3);
  size_t  n = (size_t)(w->leaves * 7 * LANES), size = sizeof(double) * (size_t)(w->nodes * 7 * LANES);
  double *first = malloc(size), *raw, *moved = aligned(n + 1, &raw) + 1;

  wave_draw(w, 17, 0, 0);
  random_likelihood(w, 3, 1e-2, 0);
  wave_solve(w);
  memcpy(first, w->marginal, size);
  memcpy(moved, w->likelihood, sizeof(*moved) * n);
  rhm_marginals(&w->g, moved, w->marginal, w->floored, w->work);
  ck_assert(!memcmp(first, w->marginal, size));
  free(first);
  free(raw);
  wave_free(w);
}
END_TEST

START_TEST(test_likelihood_is_the_normed_exponential)
{
  double p[11 * LANES], u[11 * LANES];

  rng_uniform((RngStream){3, RNG_NOISE, 2}, 0, sizeof(u) / sizeof(*u), 1, u);
  for (int k = 0; k < 11 * LANES; k++) p[k] = u[k] = 1e3 * (u[k] - 0.5) * (k % LANES + 1);
  for (int l = 1; l < LANES; l += 2) p[3 * LANES + l] = u[3 * LANES + l] = -INFINITY;
  rhm_likelihood(11, p);
  for (int l = 0; l < LANES; l++) {
    double top = -INFINITY, sum = 0;

    for (int x = 0; x < 11; x++) top = fmax(top, u[x * LANES + l]);
    for (int x = 0; x < 11; x++) sum += exp(u[x * LANES + l] - top);
    for (int x = 0; x < 11; x++) {
      const double expected = exp(u[x * LANES + l] - top) / sum;

      if (expected > 1e-307)
        ck_assert_close(p[x * LANES + l], expected, 1e-14);
      else
        ck_assert_double_le(p[x * LANES + l], 1e-307);
    }
  }
}
END_TEST

START_TEST(test_judge_finds_the_largest)
{
  double marginal[5 * LANES], confidence[LANES];
  int    best[LANES];

  for (int k = 0; k < 5 * LANES; k++) marginal[k] = (k / LANES * 3 + k % LANES) % 5 == 4 ? 0.6 : 0.1;
  marginal[4 * LANES] = marginal[2 * LANES] = 0.7; /* the first of equals */
  rhm_judge(5, marginal, best, confidence);
  ck_assert(best[0] == 2 && confidence[0] == 0.7);
  for (int l = 1; l < LANES; l++) ck_assert((best[l] * 3 + l) % 5 == 4 && confidence[l] == 0.6);
}
END_TEST

Suite *rhm_propagate_suite(void)
{
  Suite *suite = suite_create("rhm_propagate");
  TCase *exact = tcase_create("exact"), *limits = tcase_create("limits"), *parts = tcase_create("parts");

  tcase_add_test(exact, test_marginals_are_those_of_all_derivations);
  tcase_add_test(exact, test_extreme_evidence_is_weighed_exactly);
  tcase_add_test(exact, test_improbable_evidence_is_weighed_exactly_or_counted);
  tcase_add_test(exact, test_worked_example);
  tcase_add_test(limits, test_no_evidence_leaves_the_prior);
  tcase_add_test(limits, test_certain_leaves_make_all_levels_certain);
  tcase_add_test(limits, test_lanes_do_not_see_each_other);
  tcase_add_test(limits, test_contradictions_are_counted);
  tcase_add_test(parts, test_upper_levels_alone_have_the_same_bits);
  tcase_add_test(parts, test_any_alignment_has_the_same_bits);
  tcase_add_test(parts, test_likelihood_is_the_normed_exponential);
  tcase_add_test(parts, test_judge_finds_the_largest);
  tcase_set_timeout(exact, 60);
  suite_add_tcase(suite, exact);
  suite_add_tcase(suite, limits);
  suite_add_tcase(suite, parts);
  return suite;
}
