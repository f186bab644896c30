#include "ad_check.h"
#include "adrhm.h"
#include "adrng.h"
#include <stdlib.h>
#include <string.h>

enum { LANES = RHM_LANES };

/* Trees of one grammar, and per tree and level sums over nodes: rightly guessed symbols, confidence, and the root's truth */
typedef struct {
  Grammar g;
  int    *child, *scratch, *symbol[LANES];
  double *likelihood, *work, *raw[2];
  double  hit[RHM_MAX_LEVELS + 1][LANES], confidence[RHM_MAX_LEVELS + 1][LANES], root[LANES];
} Trees;

static Trees *trees_of(int v, int s, int m, int L)
{
  Trees *t = calloc(1, sizeof(*t));

  t->g          = (Grammar){v, s, m, L, NULL};
  t->child      = malloc(sizeof(int) * grammar_length(v, s, m, L));
  t->g.child    = t->child;
  t->scratch    = malloc(sizeof(int) * grammar_workspace(v, m));
  t->raw[0]     = malloc(sizeof(double) * ((size_t)(rhm_nodes(&t->g, 0) * v * LANES) + RHM_ALIGN));
  t->raw[1]     = malloc(sizeof(double) * (rhm_workspace(&t->g, 0) + RHM_ALIGN));
  t->likelihood = rhm_aligned(t->raw[0]);
  t->work       = rhm_aligned(t->raw[1]);
  for (int l = 0; l < LANES; l++) t->symbol[l] = malloc(sizeof(int) * (size_t)rhm_first(&t->g, L + 1));
  return t;
}

static void trees_free(Trees *t)
{
  for (int l = 0; l < LANES; l++) free(t->symbol[l]);
  free(t->raw[0]);
  free(t->raw[1]);
  free(t->scratch);
  free(t->child);
  free(t);
}

static void trees_draw(Trees *t, uint64_t grammar, uint64_t first)
{
  const Grammar *g = &t->g;

  grammar_draw(21, grammar, g->v, g->s, g->m, g->L, t->scratch, t->child);
  for (int l = 0; l < LANES; l++) tree_draw(g, 21, grammar, first + (uint64_t)l, t->symbol[l]);
}

static void judge(void *context, int level, int64_t node, const double *marginal)
{
  Trees *t = context;
  int    best[LANES];
  double confidence[LANES];

  rhm_judge(t->g.v, marginal, best, confidence);
  for (int l = 0; l < LANES; l++) {
    const int truth = t->symbol[l][rhm_first(&t->g, level) + node];

    t->hit[level][l] += best[l] == truth;
    t->confidence[level][l] += confidence[l];
    if (level == t->g.L) t->root[l] = marginal[truth * LANES + l];
  }
}

static void trees_judge(Trees *t, int lowest)
{
  double floored[LANES];

  memset(t->hit, 0, sizeof(t->hit));
  memset(t->confidence, 0, sizeof(t->confidence));
  rhm_propagate(&t->g, t->likelihood, lowest, judge, t, floored, t->work);
}

/* Leaves seen through noise, z ~ N(e_symbol, sigma2): log-likelihood z_x/sigma2 but for a constant */
static void noise_leaves(Trees *t, double sigma2, uint64_t wave)
{
  const int     v      = t->g.v;
  const int64_t leaves = rhm_nodes(&t->g, 0);

  rng_normal_double((RngStream){21, RNG_NOISE, (uint32_t)wave}, 0, (size_t)(leaves * v), LANES,
                    t->likelihood);
  for (int64_t n = 0; n < leaves; n++) {
    double *p = t->likelihood + n * v * LANES;

    for (int x = 0; x < v; x++)
      for (int l = 0; l < LANES; l++)
        p[x * LANES + l] = (p[x * LANES + l] * sqrt(sigma2) + (x == t->symbol[l][n])) / sigma2;
    rhm_likelihood(v, p);
  }
}

typedef struct {
  double n, sum, square;
} Mean;

static void add(Mean *mean, double value)
{
  mean->n++;
  mean->sum += value;
  mean->square += value * value;
}

static double mean_of(const Mean *mean)
{
  return mean->sum / mean->n;
}

static double error_of(const Mean *mean)
{
  return sqrt((mean->square / mean->n - mean_of(mean) * mean_of(mean)) / (mean->n - 1));
}

/* Exact posteriors are right as often as they say, at every level, whatever the noise */
START_TEST(test_posteriors_are_calibrated)
{
  Trees *t = trees_of(8, 2, 4, 4);

  for (int k = 0; k < 2; k++) {
    Mean gap[5] = {{0}};

    for (uint64_t wave = 0; wave < 500; wave++) {
      trees_draw(t, wave, 0);
      noise_leaves(t, k ? 0.5 : 0.25, wave);
      trees_judge(t, 0);
      for (int level = 0; level <= 4; level++)
        for (int l = 0; l < LANES; l++)
          add(&gap[level], (t->confidence[level][l] - t->hit[level][l]) / (double)rhm_nodes(&t->g, level));
    }
    for (int level = 0; level <= 4; level++) {
      ck_assert_msg(fabs(mean_of(&gap[level])) < 4.5 * error_of(&gap[level]), "level %d: %g +- %g", level,
                    mean_of(&gap[level]), error_of(&gap[level]));
      ck_assert_double_lt(error_of(&gap[level]), 0.01);
    }
  }
  trees_free(t);
}
END_TEST

/* Root accuracy and leaf accuracy of the paper's system (L 10, s 2, v 32, m 8) from an independent program, 40 trees each */
START_TEST(test_accuracy_falls_at_the_known_noise)
{
  static const double known[][3] = {{0.13, 0.88, 0.952},
                                    {0.145, 0.70, 0.920},
                                    {0.155, 0.45, 0.891},
                                    {0.165, 0.25, 0.859},
                                    {0.18, 0.05, 0.805}};
  Trees              *t          = trees_of(32, 2, 8, 10);

  for (int k = 0; k < 5; k++) {
    Mean root = {0}, leaf = {0};

    for (uint64_t wave = 0; wave < 12; wave++) {
      trees_draw(t, wave, 0);
      noise_leaves(t, known[k][0], wave);
      trees_judge(t, 0);
      for (int l = 0; l < LANES; l++) {
        add(&root, t->hit[10][l]);
        add(&leaf, t->hit[0][l] / 1024);
      }
    }
    ck_assert_double_le(fabs(mean_of(&root) - known[k][1]), 4.5 * hypot(0.08, error_of(&root)));
    ck_assert_double_le(fabs(mean_of(&leaf) - known[k][2]), 4.5 * error_of(&leaf) * sqrt(1 + leaf.n / 40));
    ck_assert_double_le(error_of(&leaf), 0.005);
  }
  trees_free(t);
}
END_TEST

/*
  recursion - belief of the root in the truth, where leaves have belief p in it and (1 - p)/(v - 1) in all else

  Source: means over rules, scatter among nodes left out. The true tuple has belief p^s; all others share 1 - p^s, of which
          rules allow f = (m v - 1)/(v^s - 1), and of that a part (m - 1)/(m v - 1) speaks for the true parent
*/
static double recursion(int v, int s, int m, int L, double p)
{
  const double f = (m * v - 1.0) / (pow(v, s) - 1);

  for (int l = 0; l < L; l++) {
    const double all = pow(p, s);

    p = (all + (m - 1.0) / (m * v - 1.0) * f * (1 - all)) / (all + f * (1 - all));
  }
  return p;
}

/* Its unstable point is at p = 7/24 for these sizes: above it the root is known, below it is not. 40 trees by an independent
   program gave 0.936, 0.716, 0.109. */
START_TEST(test_root_belief_follows_the_recursion)
{
  static const double e[] = {0.70, 0.72, 0.74}, known[] = {0.936, 0.716, 0.109};
  Trees              *t = trees_of(32, 2, 8, 10);

  ck_assert_double_eq_tol(recursion(32, 2, 8, 1, 7.0 / 24), 7.0 / 24, 1e-14);
  for (int k = 0; k < 3; k++) {
    Mean belief = {0};

    for (uint64_t grammar = 0; grammar < 60; grammar++) {
      trees_draw(t, grammar, 0);
      for (int64_t i = 0; i < 1024 * 32 * LANES; i++)
        t->likelihood[i] =
            e[k] / 32 + (t->symbol[i % LANES][i / (32 * LANES)] == i / LANES % 32 ? 1 - e[k] : 0);
      trees_judge(t, 10);
      for (int l = 0; l < LANES; l++) add(&belief, t->root[l]);
    }
    ck_assert_double_le(fabs(mean_of(&belief) - known[k]), 4.5 * error_of(&belief) * sqrt(belief.n / 40));
    ck_assert_double_le(fabs(mean_of(&belief) - recursion(32, 2, 8, 10, 1 - e[k] + e[k] / 32)), 0.04);
  }
  trees_free(t);
}
END_TEST

Suite *rhm_statistics_suite(void)
{
  Suite *suite = suite_create("rhm_statistics");
  TCase *cases = tcase_create("statistics");

  tcase_add_test(cases, test_posteriors_are_calibrated);
  tcase_add_test(cases, test_accuracy_falls_at_the_known_noise);
  tcase_add_test(cases, test_root_belief_follows_the_recursion);
  tcase_set_timeout(cases, 60);
  suite_add_tcase(suite, cases);
  return suite;
}
