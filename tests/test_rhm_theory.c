#include "ad_check.h"
#include "adrhmtheory.h"
#include "reference/rhm_reference.h"
#include <stdlib.h>
#include <string.h>

/* ---- the recursion ---- */

START_TEST(test_recursion_meets_the_numbers_of_the_papers_sizes)
{
  const double error[] = {0.70, 0.72, 0.74}, root[] = {0.918, 0.688, 0.078};
  RhmTheory    theory;

  rhm_theory(32, 8, 2, 10, &theory);
  ck_assert_close(theory.fixed_point, 7.0 / 24, 1e-14);
  ck_assert_double_eq_tol(theory.error, 0.7312, 5e-5);
  for (int i = 0; i < 3; i++)
    ck_assert_double_eq_tol(rhm_root_belief(32, 8, 2, 10, 1 - error[i] + error[i] / 32), root[i], 5e-4);
  ck_assert_close(rhm_root_belief(32, 8, 2, 10, theory.threshold), 0.5, 1e-9);
}
END_TEST

/* Slopes of the recursion where nothing and where all is known, by differences that do not leave 1/v <= p <= 1 */
static void end_slopes(int v, int m, int s, double *nothing, double *all)
{
  const double h = 1e-6, p = 1.0 / v;

  *nothing = (4 * rhm_recursion(v, m, s, p + h) - rhm_recursion(v, m, s, p + 2 * h) - 3 * p) / (2 * h);
  *all     = (3 - 4 * rhm_recursion(v, m, s, 1 - h) + rhm_recursion(v, m, s, 1 - 2 * h)) / (2 * h);
}

START_TEST(test_transition_exists_exactly_where_both_ends_are_stable)
{
  int found = 0, missing = 0;

  for (int v = 2; v <= 14; v++)
    for (int s = 2; s <= 4; s++)
      for (int m = 1; m <= pow(v, s - 1) && m <= 300; m++) {
        const double p = rhm_fixed_point(v, m, s);
        double       nothing, all;

        end_slopes(v, m, s, &nothing, &all);
        ck_assert_double_eq_tol(rhm_recursion(v, m, s, 1.0 / v), 1.0 / v, 1e-15);
        ck_assert_double_eq_tol(rhm_recursion(v, m, s, 1), 1, 1e-15);
        if (fabs(nothing - 1) < 1e-5 || fabs(all - 1) < 1e-5) continue;
        ck_assert_msg(isfinite(p) == (nothing < 1 && all < 1), "v %d m %d s %d: p* %g, slopes %g %g", v, m, s,
                      p, nothing, all);
        isfinite(p) ? found++ : missing++;
      }
  ck_assert_int_gt(found, 200);
  ck_assert_int_gt(missing, 50);
}
END_TEST

START_TEST(test_fixed_point_is_one_and_is_unstable)
{
  const int size[][3] = {{32, 8, 2}, {32, 2, 2},  {8, 3, 2},  {128, 60, 2},
                         {8, 8, 3},  {16, 32, 3}, {6, 12, 4}, {4, 6, 4}};

  for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
    const int    v = size[i][0], m = size[i][1], s = size[i][2];
    const double p = rhm_fixed_point(v, m, s), h = 1e-3 * fmin(p - 1.0 / v, 1 - p);

    ck_assert_double_eq_tol(rhm_recursion(v, m, s, p), p, 4e-15);
    ck_assert(rhm_recursion(v, m, s, p + h) > p + h && rhm_recursion(v, m, s, p - h) < p - h);
    if (s == 2) ck_assert_close(p, (m - 1.0) / (v - m), 1e-12);
    ck_assert_double_eq_tol(rhm_root_belief(v, m, s, 3000, p + h), 1, 1e-12);
    ck_assert_double_eq_tol(rhm_root_belief(v, m, s, 3000, p - h), 1.0 / v, 1e-12);
  }
}
END_TEST

START_TEST(test_one_rule_keeps_any_hint_and_all_tuples_keep_none)
{
  ck_assert(isnan(rhm_fixed_point(32, 1, 2)) && isnan(rhm_fixed_point(8, 1, 3)));
  ck_assert(isnan(rhm_fixed_point(32, 32, 2)) && isnan(rhm_fixed_point(8, 64, 3)));
  ck_assert_double_eq_tol(rhm_root_belief(32, 1, 2, 60, 1.0 / 32 + 1e-6), 1, 1e-12);
  ck_assert_double_eq_tol(rhm_root_belief(32, 32, 2, 60, 1 - 1e-6), 1.0 / 32, 1e-12);
  ck_assert_double_eq_tol(rhm_root_belief(8, 64, 3, 60, 1 - 1e-6), 1.0 / 8, 1e-12);
  for (double p = 0.1; p < 1;
       p += 0.1) /* all tuples are allowed: only the true one weighs more than the mean */
    ck_assert_close(rhm_recursion(8, 64, 3, p), p * p * p + 63.0 / 511 * (1 - p * p * p), 1e-14);
}
END_TEST

/* ---- a noised leaf ---- */

START_TEST(test_leaf_meets_independent_quadrature)
{
  for (size_t i = 0; i < sizeof(rhm_reference) / sizeof(rhm_reference[0]); i++) {
    RhmLeaf leaf;

    rhm_leaf(rhm_reference[i].v, rhm_reference[i].sigma2, &leaf);
    ck_assert_double_eq_tol(leaf.belief, rhm_reference[i].belief, 1e-12);
    ck_assert_double_eq_tol(leaf.information, rhm_reference[i].information, 1e-12);
  }
}
END_TEST

/* dI/d(1/sigma2) = E|e - p|^2/2 (Guo, Shamai and Verdu 2005), and E sum p^2 = E p_true for an exact posterior */
START_TEST(test_information_grows_by_half_of_what_is_not_believed)
{
  const int v[] = {2, 5, 32, 128};

  for (int i = 0; i < 4; i++)
    for (double gain = 0.05; gain < 40; gain *= 2.5) {
      const double h = 1e-3 * gain;
      RhmLeaf      at, leaf[4];
      double       slope;

      rhm_leaf(v[i], 1 / gain, &at);
      for (int k = 0; k < 4; k++) rhm_leaf(v[i], 1 / (gain + (k < 2 ? k - 2 : k - 1) * h), &leaf[k]);
      slope = (8 * (leaf[2].information - leaf[1].information) - leaf[3].information + leaf[0].information) /
              (12 * h);
      ck_assert_double_eq_tol(slope, (1 - at.belief) / 2, 1e-9);
    }
}
END_TEST

START_TEST(test_leaf_has_its_limits_and_falls_with_noise)
{
  for (int v = 2; v <= 128; v *= 4) {
    RhmLeaf last = {1, log(v)}, leaf;

    rhm_leaf(v, 0.005, &leaf);
    ck_assert_double_eq_tol(leaf.belief, 1, 1e-9);
    ck_assert_double_eq_tol(leaf.information, log(v), 1e-9);
    for (double sigma2 = 0.05; sigma2 < 200; sigma2 *= 1.5, last = leaf) {
      rhm_leaf(v, sigma2, &leaf);
      ck_assert(leaf.belief < last.belief && leaf.belief > 1.0 / v);
      ck_assert(leaf.information < last.information && leaf.information > 0);
    }
    rhm_leaf(v, 1e3, &leaf); /* first orders in 1/sigma2: its squares are left out */
    ck_assert_double_eq_tol(leaf.belief, 1.0 / v + 1e-3 * (1 - 1.0 / v) / v, 4e-6 / v);
    ck_assert_double_eq_tol(leaf.information, 0.5e-3 * (1 - 1.0 / v), 1e-6);
  }
}
END_TEST

START_TEST(test_predicted_noises_meet_their_definitions)
{
  const int size[][4] = {{32, 8, 2, 10}, {8, 3, 2, 6}, {16, 32, 3, 4}};

  for (int i = 0; i < 3; i++) {
    const int v = size[i][0], m = size[i][1], s = size[i][2], L = size[i][3];
    RhmTheory theory;
    RhmLeaf   leaf;

    rhm_theory(v, m, s, L, &theory);
    rhm_leaf(v, theory.sigma2_belief, &leaf);
    ck_assert_close(leaf.belief, theory.fixed_point, 1e-10);
    rhm_leaf(v, theory.sigma2_information, &leaf);
    ck_assert_close(exp(leaf.information) / v, theory.fixed_point, 1e-10);
    rhm_leaf(v, theory.sigma2_finite, &leaf);
    ck_assert_close(rhm_root_belief(v, m, s, L, exp(leaf.information) / v), 0.5, 1e-6);
  }
}
END_TEST

/* ---- density evolution ---- */

enum { N = 8192, V = 6, M = 3, S = 2 };
static double       population[2][N * V * RHM_LANES], work[100000];
static int          rules[1000];
static const double noises[RHM_LANES] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0};

START_TEST(test_population_of_leaves_has_the_belief_of_a_leaf)
{
  double accuracy[RHM_LANES], belief[RHM_LANES];

  rhm_evolution_leaves((RngStream){5, RNG_EVOLUTION, 0}, V, N, noises, population[0]);
  rhm_evolution_measure(V, N, population[0], accuracy, belief);
  for (int l = 0; l < RHM_LANES; l++) {
    double  squares = 0;
    RhmLeaf leaf;

    rhm_leaf(V, noises[l], &leaf);
    for (int k = 0; k < N; k++) squares += pow(population[0][k * V * RHM_LANES + l] - belief[l], 2);
    ck_assert_double_eq_tol(belief[l], leaf.belief, 4.5 * sqrt(squares) / N);
    ck_assert(accuracy[l] >
              belief[l]); /* the best guess is right more often than one drawn from the posterior */
  }
}
END_TEST

/* One tree of one level: random rules, root and rule, leaves with the noise of the population; is the root found? */
static void random_trees(int n, double *accuracy, double *belief)
{
  static double message[N * V * RHM_LANES], *likelihood, marginal[(S + 1) * V * RHM_LANES];
  static int    child[V * M * S];
  const Grammar one = {V, S, M, 1, child};
  double        floored[RHM_LANES];

  likelihood = rhm_aligned(work);
  rhm_evolution_leaves((RngStream){6, RNG_EVOLUTION, 0}, V, 2 * n, noises, message);
  memset(accuracy, 0, RHM_LANES * sizeof(double));
  memset(belief, 0, RHM_LANES * sizeof(double));
  for (int k = 0; k < n; k++) {
    int    symbol[S + 1], best[RHM_LANES];
    double confidence[RHM_LANES];

    grammar_draw(77, (uint64_t)k, V, S, M, 1, rules, child);
    tree_draw(&one, 77, (uint64_t)k, 0, symbol);
    for (int i = 0; i < S * V;
         i++) { /* the leaf's message tells of symbol 0; exchange it with the leaf's own */
      const int leaf = i / V, y = i % V, from = y == 0 ? symbol[leaf] : y == symbol[leaf] ? 0 : y;
      memcpy(likelihood + i * RHM_LANES, message + ((2 * k + leaf) * V + from) * RHM_LANES, sizeof(floored));
    }
    rhm_marginals(&one, likelihood, marginal, floored, likelihood + S * V * RHM_LANES);
    rhm_judge(V, marginal + S * V * RHM_LANES, best, confidence);
    for (int l = 0; l < RHM_LANES; l++) {
      accuracy[l] += (best[l] == symbol[S]) / (double)n;
      belief[l] += marginal[(S * V + symbol[S]) * RHM_LANES + l] / n;
    }
  }
}

START_TEST(test_one_level_of_evolution_is_a_random_tree_of_one_level)
{
  double accuracy[2][RHM_LANES], belief[2][RHM_LANES];

  ck_assert_uint_lt(rhm_evolution_workspace(V, M, S), sizeof(work) / sizeof(work[0]));
  rhm_evolution_leaves((RngStream){5, RNG_EVOLUTION, 0}, V, N, noises, population[0]);
  rhm_evolution_level((RngStream){5, RNG_EVOLUTION, 1}, V, M, S, N, population[0], rules, work,
                      population[1]);
  rhm_evolution_measure(V, N, population[1], accuracy[0], belief[0]);
  random_trees(N / 2, accuracy[1], belief[1]);
  for (int l = 0; l < RHM_LANES; l++) {
    const double p = accuracy[0][l], error = sqrt(p * (1 - p) * (1.0 / N + 2.0 / N + 1.0 / N));

    ck_assert_double_eq_tol(accuracy[0][l], accuracy[1][l],
                            4.5 * error); /* the last 1/N: the leaves are a finite set */
    ck_assert_double_eq_tol(belief[0][l], belief[1][l], 4.5 * error);
  }
}
END_TEST

/* Messages that give p to the truth and the rest to all others alike: what the recursion assumes */
START_TEST(test_one_level_from_equal_beliefs_follows_the_recursion)
{
  enum { v = 64, m = 16, n = 256 };
  static double below[n * v * RHM_LANES], above[n * v * RHM_LANES], room[20000];
  static int    child[10000];
  double        accuracy[RHM_LANES], belief[RHM_LANES];

  for (int i = 0; i < n * v; i++)
    for (int l = 0; l < RHM_LANES; l++) {
      const double p           = 0.1 * (l + 1.5);
      below[i * RHM_LANES + l] = i % v == 0 ? p : (1 - p) / (v - 1);
    }
  ck_assert_uint_lt(rhm_evolution_workspace(v, m, 2), sizeof(room) / sizeof(room[0]));
  rhm_evolution_level((RngStream){9, RNG_EVOLUTION, 1}, v, m, 2, n, below, child, room, above);
  rhm_evolution_measure(v, n, above, accuracy, belief);
  for (int l = 0; l < RHM_LANES; l++) {
    const double p = rhm_recursion(v, m, 2, 0.1 * (l + 1.5));
    ck_assert_double_eq_tol(belief[l], p, 0.005 * p);
  }
}
END_TEST

/* ---- prediction ---- */

/* 0.156 +- 0.003: root accuracies of an independent program, 40 grammars with one tree each */
START_TEST(test_prediction_meets_the_measured_transition_of_the_papers_sizes)
{
  const Grammar size = {32, 2, 8, 10, NULL};
  RhmPrediction p;

  ck_call(RhmPredict(&size, 256, 3, &p));
  ck_assert_all(p.sigma2_50_stderr > 0 && p.sigma2_50_stderr < 0.008);
  ck_assert_all(fabs(p.sigma2_50 - 0.156) < 4 * hypot(0.003, p.sigma2_50_stderr));
  ck_assert_all(p.sigma2[0] < p.sigma2_50 && p.sigma2_50 < p.sigma2[RHM_LANES - 1]);
  ck_assert_all(p.accuracy[0] > 0.9 && p.accuracy[RHM_LANES - 1] < 0.1);
}
END_TEST

START_TEST(test_prediction_is_the_same_on_all_ranks)
{
  const Grammar size = {5, 3, 4, 3, NULL};
  RhmPrediction p, first;

  ck_call(RhmPredict(&size, 200, 4, &p));
  first = p;
  ck_assert_all(MPI_Bcast(&first, sizeof(first), MPI_BYTE, 0, PETSC_COMM_WORLD) == MPI_SUCCESS);
  ck_assert_all(p.sigma2_50 > 0 && p.sigma2_50 == first.sigma2_50 &&
                p.sigma2_50_stderr == first.sigma2_50_stderr);
  ck_assert_all(!memcmp(p.accuracy, first.accuracy, sizeof(p.accuracy)));
}
END_TEST

START_TEST(test_two_symbols_have_no_half)
{
  const Grammar size = {2, 2, 1, 3, NULL};
  RhmPrediction p;

  ck_call(RhmPredict(&size, 50, 5, &p));
  ck_assert_all(isnan(p.sigma2_50) && isnan(p.recursion.threshold) && isnan(p.accuracy[0]));
}
END_TEST

Suite *rhm_theory_suite(void);
Suite *rhm_theory_suite(void)
{
  Suite *suite     = suite_create("rhm_theory");
  TCase *recursion = tcase_create("recursion"), *leaf = tcase_create("leaf"),
        *evolution = tcase_create("evolution"), *prediction = tcase_create("prediction");

  tcase_add_test(recursion, test_recursion_meets_the_numbers_of_the_papers_sizes);
  tcase_add_test(recursion, test_transition_exists_exactly_where_both_ends_are_stable);
  tcase_add_test(recursion, test_fixed_point_is_one_and_is_unstable);
  tcase_add_test(recursion, test_one_rule_keeps_any_hint_and_all_tuples_keep_none);
  tcase_add_test(leaf, test_leaf_meets_independent_quadrature);
  tcase_add_test(leaf, test_information_grows_by_half_of_what_is_not_believed);
  tcase_add_test(leaf, test_leaf_has_its_limits_and_falls_with_noise);
  tcase_add_test(leaf, test_predicted_noises_meet_their_definitions);
  tcase_add_test(evolution, test_population_of_leaves_has_the_belief_of_a_leaf);
  tcase_add_test(evolution, test_one_level_of_evolution_is_a_random_tree_of_one_level);
  tcase_add_test(evolution, test_one_level_from_equal_beliefs_follows_the_recursion);
  tcase_add_test(prediction, test_prediction_meets_the_measured_transition_of_the_papers_sizes);
  tcase_add_test(prediction, test_prediction_is_the_same_on_all_ranks);
  tcase_add_test(prediction, test_two_symbols_have_no_half);
  tcase_set_timeout(leaf, 60);
  tcase_set_timeout(prediction, 60);
  suite_add_tcase(suite, recursion);
  suite_add_tcase(suite, leaf);
  suite_add_tcase(suite, evolution);
  suite_add_tcase(suite, prediction);
  return suite;
}
