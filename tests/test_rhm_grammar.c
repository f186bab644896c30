#include "ad_check.h"
#include "adrhm.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  Grammar g;
  int    *child, *work;
} Drawn;

static Drawn drawn(uint64_t seed, uint64_t index, int v, int s, int m, int L)
{
  Drawn d = {{v, s, m, L, NULL},
             malloc(sizeof(int) * grammar_length(v, s, m, L)),
             malloc(sizeof(int) * grammar_workspace(v, m))};

  grammar_draw(seed, index, v, s, m, L, d.work, d.child);
  d.g.child = d.child;
  return d;
}

static void release(Drawn *d)
{
  free(d->child);
  free(d->work);
}

/* ---- grammars ---- */

START_TEST(test_grammars_are_sound)
{
  static const int sizes[][4] = {{32, 2, 8, 10},  {32, 2, 32, 2},   {3, 2, 3, 3},  {2, 4, 8, 2},
                                 {5, 3, 25, 2},   {7, 1, 1, 3},     {1, 2, 1, 4},  {2, 2, 1, 8},
                                 {16, 20, 50, 2}, {1000, 32, 3, 1}, {40, 2, 20, 3}};
  char             problem[256];

  for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++)
    for (uint64_t index = 0; index < 3; index++) {
      const int *n = sizes[k];
      Drawn      d;

      ck_assert(grammar_admissible(n[0], n[1], n[2], n[3], sizeof(problem), problem));
      d = drawn(1, index, n[0], n[1], n[2], n[3]);
      ck_assert_msg(grammar_sound(&d.g, d.work, sizeof(problem), problem), "%s", problem);
      release(&d);
    }
}
END_TEST

/* Where v m = v^s every tuple is there */
START_TEST(test_full_grammars_hold_every_tuple)
{
  Drawn d = drawn(4, 2, 6, 3, 36, 3);

  for (int l = 0; l < 3; l++) {
    int seen[216] = {0};

    for (int k = 0; k < 216; k++) {
      const int *x = d.child + (l * 216 + k) * 3;

      seen[x[0] * 36 + x[1] * 6 + x[2]]++;
    }
    for (int k = 0; k < 216; k++) ck_assert_int_eq(seen[k], 1);
  }
  release(&d);
}
END_TEST

START_TEST(test_grammars_are_functions_of_seed_and_index)
{
  const size_t bytes = sizeof(int) * grammar_length(8, 2, 4, 3);
  Drawn        a = drawn(7, 3, 8, 2, 4, 3), b = drawn(7, 3, 8, 2, 4, 3), c = drawn(7, 4, 8, 2, 4, 3),
        d = drawn(8, 3, 8, 2, 4, 3);

  ck_assert(!memcmp(a.child, b.child, bytes));
  ck_assert(memcmp(a.child, c.child, bytes) && memcmp(a.child, d.child, bytes));
  ck_assert(memcmp(a.child, a.child + 64, bytes / 3)); /* levels differ too */
  release(&a);
  release(&b);
  release(&c);
  release(&d);
}
END_TEST

/*
  chi^2 of how often each tuple belongs to each parent at each level, over many grammars

  Each cell (level, parent, tuple) has mean 1. Those of a level and grammar are tied together: a parent has m of them, a tuple at
  most one, so that the statistic is a sum over (v - 1)(v^s - 1) normal modes or more instead of v v^s, and its variance at most
  v v^s/((v - 1)(v^s - 1)) < 2 times that of independent cells.
*/
static void assert_uniform(int v, int s, int m, uint64_t grammars)
{
  const int L = 2, tuples = (int)lround(pow(v, s));
  double   *count = calloc((size_t)(L * v * tuples), sizeof(*count));
  double    p = (double)m / tuples, expected = p * (double)grammars, chi2 = 0, cells = L * v * tuples;

  for (uint64_t index = 0; index < grammars; index++) {
    Drawn d = drawn(5, index, v, s, m, L);

    for (int k = 0; k < L * v * m; k++) {
      int code = 0;

      for (int i = 0; i < s; i++) code = code * v + d.child[k * s + i];
      count[k / m * tuples + code]++;
    }
    release(&d);
  }
  for (int k = 0; k < (int)cells; k++) {
    ck_assert_double_le(fabs(count[k] - expected), 6 * sqrt(expected * (1 - p)));
    chi2 += (count[k] - expected) * (count[k] - expected) / (expected * (1 - p));
  }
  ck_assert_msg(fabs(chi2 - cells) < 5 * sqrt(2 * 2 * cells), "v %d s %d m %d: chi^2 %g of %g cells", v, s, m,
                chi2, cells);
  free(count);
}

START_TEST(test_every_tuple_falls_to_every_parent_alike)
{
  assert_uniform(4, 2, 1, 20000); /* one after the other */
  assert_uniform(3, 3, 4, 20000);
  assert_uniform(4, 2, 3, 20000); /* from a list */
  assert_uniform(3, 2, 3, 20000); /* all of them */
}
END_TEST

/* ---- what is wrong is named ---- */

START_TEST(test_inadmissible_sizes_are_named)
{
  char problem[256];

  ck_assert(!grammar_admissible(5, 2, 8, 3, sizeof(problem), problem));
  ck_assert_str_eq(problem, "v m = 40 rules a level, but only v^s = 25 tuples of 2 out of 5 symbols");
  ck_assert(grammar_admissible(5, 2, 5, 3, sizeof(problem), problem));
  ck_assert(!grammar_admissible(5, 2, 0, 3, sizeof(problem), problem) && strstr(problem, "at least 1"));
  ck_assert(!grammar_admissible(5, 33, 2, 3, sizeof(problem), problem) && strstr(problem, "s at most 32"));
  ck_assert(!grammar_admissible(5, 2, 2, 31, sizeof(problem), problem) && strstr(problem, "L at most 30"));
  ck_assert(!grammar_admissible(5, 3, 2, 20, sizeof(problem), problem) && strstr(problem, "2^30 leaves"));
  ck_assert(!grammar_admissible(1 << 20, 2, 1 << 20, 1, sizeof(problem), problem) &&
            strstr(problem, "2^24 rules"));
  ck_assert(!grammar_admissible(2, 1, 2, 3, sizeof(problem), problem) && strstr(problem, "v^s = 2 tuples"));
  ck_assert(grammar_admissible(65536, 32, 256, 1, sizeof(problem), problem)); /* v^s = 2^512 */
}
END_TEST

START_TEST(test_unsound_rules_are_named)
{
  int     child[2 * 3 * 2 * 2] = {0, 1, 1, 2, 2, 0, 0, 2, 1, 1, 2, 1, /* level 2: */ 0,
                                  0, 0, 1, 0, 2, 1, 0, 1, 1, 2, 2};
  Grammar g                    = {3, 2, 2, 2, child};
  int     work[16];
  char    problem[256];

  ck_assert_uint_eq(grammar_workspace(3, 2), 16);
  ck_assert(grammar_sound(&g, work, sizeof(problem), problem));
  child[15] = 3;
  ck_assert(!grammar_sound(&g, work, sizeof(problem), problem));
  ck_assert_str_eq(problem, "level 2, symbol 0, rule 1: child 1 is 3, expected 0 .. 2");
  child[15] = -1;
  ck_assert(!grammar_sound(&g, work, sizeof(problem), problem) && strstr(problem, "child 1 is -1"));
  child[15] = 0;
  ck_assert(!grammar_sound(&g, work, sizeof(problem), problem));
  ck_assert_str_eq(problem, "level 2: symbol 0, rule 1 has the same children as symbol 0, rule 0");
  child[15] = 1;
  child[10] = 0;
  ck_assert(!grammar_sound(&g, work, sizeof(problem), problem));
  ck_assert_str_eq(problem, "level 1: symbol 2, rule 1 has the same children as symbol 0, rule 0");
  g.m = 4;
  ck_assert(!grammar_sound(&g, work, sizeof(problem), problem) && strstr(problem, "v m = 12"));
}
END_TEST

/* ---- trees ---- */

START_TEST(test_nodes_are_counted)
{
  const Grammar g = {2, 3, 1, 4, NULL};

  ck_assert_int_eq(rhm_nodes(&g, 0), 81);
  ck_assert_int_eq(rhm_nodes(&g, 4), 1);
  ck_assert_int_eq(rhm_first(&g, 0), 0);
  ck_assert_int_eq(rhm_first(&g, 2), 81 + 27);
  ck_assert_int_eq(rhm_first(&g, 5), 81 + 27 + 9 + 3 + 1);
}
END_TEST

/* Children of each node are those of one of its symbol's rules; returns which. */
static int rule_of(const Grammar *g, const int *symbol, int level, int64_t node)
{
  const int y         = symbol[rhm_first(g, level) + node],
            *children = symbol + rhm_first(g, level - 1) + node * g->s;
  const int *rules    = g->child + ((int64_t)(level - 1) * g->v + y) * g->m * g->s;

  for (int r = 0; r < g->m; r++)
    if (!memcmp(children, rules + (int64_t)r * g->s, sizeof(int) * (size_t)g->s)) return r;
  return -1;
}

/* Root and rules of all nodes: uniform, and those of neighbouring nodes and levels independent */
START_TEST(test_trees_follow_uniform_rules)
{
  Drawn        d       = drawn(3, 9, 6, 2, 4, 3);
  const int    trees   = 20000;
  double       root[6] = {0}, rule[7][4] = {{0}}, pair[7][16] = {{0}};
  int          symbol[15], again[15];
  const double n = trees;

  for (int tree = 0; tree < trees; tree++) {
    int used[8], at = 0;

    tree_draw(&d.g, 3, 9, (uint64_t)tree, symbol);
    root[symbol[14]]++;
    for (int level = 1; level <= 3; level++)
      for (int64_t node = 0; node < rhm_nodes(&d.g, level); node++) {
        used[at] = rule_of(&d.g, symbol, level, node);
        ck_assert_int_ge(used[at], 0);
        rule[at][used[at]]++;
        at++;
      }
    used[7] = used[0];
    for (int k = 0; k < 7; k++) pair[k][4 * used[k] + used[k + 1]]++;
  }
  for (int y = 0; y < 6; y++) ck_assert_double_le(fabs(root[y] - n / 6), 5 * sqrt(n * 5 / 36));
  for (int k = 0; k < 7; k++) {
    for (int r = 0; r < 4; r++) ck_assert_double_le(fabs(rule[k][r] - n / 4), 5 * sqrt(n * 3 / 16));
    for (int r = 0; r < 16; r++) ck_assert_double_le(fabs(pair[k][r] - n / 16), 5 * sqrt(n * 15 / 256));
  }
  tree_draw(&d.g, 3, 9, 5, symbol);
  tree_draw(&d.g, 3, 9, 5, again);
  ck_assert(!memcmp(symbol, again, sizeof(symbol)));
  tree_draw(&d.g, 3, 10, 5, again);
  ck_assert(memcmp(symbol, again, sizeof(symbol)));
  tree_draw(&d.g, 4, 9, 5, again);
  ck_assert(memcmp(symbol, again, sizeof(symbol)));
  release(&d);
}
END_TEST

Suite *rhm_grammar_suite(void)
{
  Suite *suite    = suite_create("rhm_grammar");
  TCase *grammars = tcase_create("grammars"), *problems = tcase_create("problems"),
        *trees = tcase_create("trees");

  tcase_add_test(grammars, test_grammars_are_sound);
  tcase_add_test(grammars, test_full_grammars_hold_every_tuple);
  tcase_add_test(grammars, test_grammars_are_functions_of_seed_and_index);
  tcase_add_test(grammars, test_every_tuple_falls_to_every_parent_alike);
  tcase_add_test(problems, test_inadmissible_sizes_are_named);
  tcase_add_test(problems, test_unsound_rules_are_named);
  tcase_add_test(trees, test_nodes_are_counted);
  tcase_add_test(trees, test_trees_follow_uniform_rules);
  suite_add_tcase(suite, grammars);
  suite_add_tcase(suite, problems);
  suite_add_tcase(suite, trees);
  return suite;
}
