#include "ad_check.h"
#include "adrng.h"
#include "private/compareimpl.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a comparison with values made up ---- */

static const MetricColumn made_up = {"sw2", "1", "made up", METRIC_DISTANCE};

/* Three noises, two ways, one score, em and ddim at two step numbers */
static void set_noises(CompareRequest *r)
{
  static const char *const word[] = {"passive", "active:tau=0.5", "active:tau=2"};
  char                     problem[128];

  *r = (CompareRequest){.nnoises  = 3,
                        .nways    = 2,
                        .way      = {WAY_TIME, WAY_SIGMA},
                        .nscores  = 1,
                        .score    = {{LEARNT_EXACT, 0}},
                        .nschemes = 2,
                        .scheme   = {COMPARE_EM, COMPARE_DDIM},
                        .nlasts   = 1,
                        .nsteps   = 2,
                        .steps    = {10, 100},
                        .seeds    = 5,
                        .grid_min = 0.006};
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(compare_parse_noise(word[i], &r->noise[i], sizeof(problem), problem), 0);
    r->noise[i].sigma_end   = 2 - 0.5 * i;
    r->noise[i].temperature = r->noise[i].variance = 1;
  }
}

static Compare *made(void)
{
  Compare *c = calloc(1, sizeof(*c));
  int      n;

  set_noises(&c->request);
  n            = compare_bound(&c->request);
  c->plan      = (ComparePlan){.model    = calloc((size_t)n, sizeof(CompareModel)),
                               .sampling = calloc((size_t)n, sizeof(CompareSampling)),
                               .cell     = calloc((size_t)n, sizeof(CompareCell))};
  c->nm        = 1;
  c->level     = 0.01;
  c->column[0] = &made_up;
  c->single    = calloc((size_t)(n * c->request.seeds), sizeof(double));
  c->mean      = calloc((size_t)n, sizeof(double));
  c->err       = calloc((size_t)n, sizeof(double));
  c->floor     = calloc(1, sizeof(double));
  c->floor_err = calloc(1, sizeof(double));
  compare_plan(&c->request, &c->plan);
  c->pair = calloc((size_t)compare_pairs_bound(&c->request, &c->plan, 1), sizeof(ComparePair));
  return c;
}

static void unmake(Compare *c)
{
  free(c->plan.model);
  free(c->plan.sampling);
  free(c->plan.cell);
  free(c->single);
  free(c->mean);
  free(c->err);
  free(c->floor);
  free(c->floor_err);
  free(c->pair);
  ck_call(TextFree(&c->text));
  free(c);
}

/* Noise of width 0.001 about 0.02, and for passive noise in Euler-Maruyama steps of the first way 0.1 more */
static void fill(Compare *c, int trial, double planted)
{
  const int seeds = c->request.seeds, n = c->plan.ncells * seeds;

  rng_normal_double((RngStream){3, RNG_METRICS, 90}, (uint64_t)trial * (uint64_t)n, (size_t)n, 1, c->single);
  for (int i = 0; i < n; i++) {
    const CompareCell *cell  = &c->plan.cell[i / seeds];
    const int          worse = cell->way == WAY_TIME && cell->scheme == COMPARE_EM && cell->noise == 0;

    c->single[i] = 0.02 + 0.001 * c->single[i] + (worse ? planted : 0);
  }
}

static void judge(Compare *c)
{
  const size_t bound = (size_t)compare_pairs_bound(&c->request, &c->plan, 1);
  double      *p     = malloc(2 * bound * sizeof(double));
  int         *work  = malloc(bound * sizeof(int));

  c->npairs = compare_tests(&c->request, &c->plan, 1, c->single, c->level, c->pair, p, p + bound, work);
  for (int i = 0; i < c->plan.ncells; i++) {
    const double *one = c->single + i * c->request.seeds;

    c->mean[i] = c->err[i] = 0;
    for (int s = 0; s < c->request.seeds; s++) c->mean[i] += one[s] / c->request.seeds;
    for (int s = 0; s < c->request.seeds; s++)
      c->err[i] += pow(one[s] - c->mean[i], 2) / (c->request.seeds - 1);
    c->err[i] = sqrt(c->err[i] / c->request.seeds);
  }
  free(p);
  free(work);
}

/* The line that holds all of these words, or NULL */
static const char *line_with(const TextLines *text, const char *a, const char *b)
{
  for (int i = 0; i < text->n; i++)
    if (strstr(text->line[i], a) && strstr(text->line[i], b)) return text->line[i];
  return NULL;
}

/* ---- tests ---- */

START_TEST(test_pairs_are_all_pairs_of_noises_of_every_cell)
{
  Compare *c = made();

  fill(c, 0, 0);
  judge(c);
  ck_assert_int_eq(c->npairs, 2 * 4 * 3); /* ways, settings, pairs of three noises */
  ck_assert_int_eq(c->npairs, compare_pairs_bound(&c->request, &c->plan, 1));
  for (int k = 0; k < c->npairs; k++) {
    const CompareCell *a = &c->plan.cell[c->pair[k].cell[0]], *b = &c->plan.cell[c->pair[k].cell[1]];

    ck_assert(a->way == b->way && a->scheme == b->scheme && a->steps == b->steps && a->noise < b->noise);
    ck_assert_int_eq(c->pair[k].family, a->way == WAY_TIME ? 0 : 1);
  }
  unmake(c);
}
END_TEST

START_TEST(test_verdict_finds_a_planted_difference)
{
  Compare *c = made();

  fill(c, 1, 0.1);
  judge(c);
  for (int k = 0; k < c->npairs; k++) {
    const CompareCell *a       = &c->plan.cell[c->pair[k].cell[0]];
    const int          planted = a->way == WAY_TIME && a->scheme == COMPARE_EM && a->noise == 0;

    ck_assert_int_eq(c->pair[k].better, planted ? 1 : -1);
    if (planted) ck_assert(fabs(c->pair[k].test.difference + 0.1) < c->pair[k].half_all);
  }
  unmake(c);
}
END_TEST

/* A family of 12 dependent tests has a false verdict in at most one of a hundred trials */
START_TEST(test_verdict_invents_nothing)
{
  enum { TRIALS = 2000 };
  Compare *c              = made();
  int      false_families = 0;

  for (int trial = 0; trial < TRIALS; trial++) {
    int wrong[2] = {0, 0};

    fill(c, 2 + trial, 0);
    judge(c);
    for (int k = 0; k < c->npairs; k++) wrong[c->pair[k].family] |= c->pair[k].better >= 0;
    false_families += wrong[0] + wrong[1];
  }
  ck_assert_double_le(false_families, 2 * TRIALS * 0.01 + 5 * sqrt(2 * TRIALS * 0.01));
  ck_assert_int_gt(false_families, 0); /* it is a level, not a wall */
  unmake(c);
}
END_TEST

START_TEST(test_words_say_what_was_planted)
{
  Compare    *c = made();
  const char *line;

  fill(c, 1, 0.1);
  judge(c);
  ck_call(CompareTables(c, 0, &c->text));
  ck_call(CompareVerdicts(c, 0, &c->text));
  ck_call(CompareClaims(c, &c->text));
  line = line_with(&c->text, "em, 10 steps:", "active tau 0.5 is better than passive");
  ck_assert_msg(line && strstr(line, "sw2 0.02") && strstr(line, "against 0.1") && strstr(line, "by 0.1"),
                "%s", line);
  line = line_with(&c->text, "no difference between passive and active tau 0.5", "in ddim 10, 100 steps");
  ck_assert(line != NULL);
  line = line_with(&c->text, "no difference between active tau 0.5 and active tau 2",
                   "em 10, 100; ddim 10, 100 steps");
  ck_assert(line != NULL);
  line = line_with(&c->text, "equal sigma grid, exact score", "12 comparisons");
  ck_assert(line != NULL);
  line = line_with(&c->text, "active noise is better than passive noise",
                   "Euler-Maruyama: holds under equal t grid (exact)");
  ck_assert_msg(line && !strstr(line, "sigma"), "%s", line);
  line = line_with(&c->text, "larger tau is better", "holds under no control");
  ck_assert(line != NULL);
  unmake(c);
}
END_TEST

START_TEST(test_what_diverged_gets_no_verdict)
{
  Compare *c = made();

  fill(c, 1, 0);
  for (int i = 0; i < c->plan.ncells; i++)
    if (c->plan.cell[i].noise == 2 && c->plan.cell[i].steps == 10) c->single[i * c->request.seeds + 1] = NAN;
  judge(c);
  for (int k = 0; k < c->npairs; k++) {
    const CompareCell *b = &c->plan.cell[c->pair[k].cell[1]];

    ck_assert_int_eq(isnan(c->pair[k].adjusted) != 0, b->noise == 2 && b->steps == 10);
    ck_assert_int_eq(c->pair[k].better, -1);
  }
  ck_call(CompareTables(c, 0, &c->text));
  ck_call(CompareVerdicts(c, 0, &c->text));
  ck_assert(line_with(&c->text, "active tau 2 ", "diverged") != NULL);
  ck_assert(line_with(&c->text, "passive or active tau 2 diverged", "em 10; ddim 10 steps") != NULL);
  ck_assert(line_with(&c->text, "no difference between passive and active tau 2", "em 100; ddim 100 steps") !=
            NULL);
  unmake(c);
}
END_TEST

Suite *compare_words_suite(void)
{
  Suite *suite = suite_create("compare_words");
  TCase *tc    = tcase_create("verdicts");

  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, test_pairs_are_all_pairs_of_noises_of_every_cell);
  tcase_add_test(tc, test_verdict_finds_a_planted_difference);
  tcase_add_test(tc, test_verdict_invents_nothing);
  tcase_add_test(tc, test_words_say_what_was_planted);
  tcase_add_test(tc, test_what_diverged_gets_no_verdict);
  suite_add_tcase(suite, tc);
  return suite;
}
