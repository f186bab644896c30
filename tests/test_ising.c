#include "ad_check.h"
#include "addataset.h"
#include "adising.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI    3.14159265358979323846
#define TC    2.269185314213022
#define SITES (ISING_MAX_SIDE * ISING_MAX_SIDE)

/* ---- one group of replicas ---- */

typedef struct {
  int         side, sites, near[SITES][4];
  IsingWord   spin[1024], work[5 * 1024];
  IsingChance flip[2], bond;
  IsingBits   bits;
} Group;

static Group *group_of(int side, double T)
{
  Group *g = calloc(1, sizeof(*g));

  g->side  = side;
  g->sites = side * side;
  ising_neighbours(side, g->near);
  ising_chance(exp(-4 / T), &g->flip[0]);
  ising_chance(exp(-8 / T), &g->flip[1]);
  ising_chance(1 - exp(-2 / T), &g->bond);
  return g;
}

static void start_random(Group *g, uint64_t number)
{
  ising_seed((RngStream){5, RNG_MCMC, 0}, number, &g->bits);
  for (int i = 0; i < g->sites; i++) ising_word(&g->bits, &g->spin[i]);
}

static void run_metropolis(Group *g, uint64_t number, int flips)
{
  uint32_t *site = malloc(sizeof(*site) * (size_t)flips);

  rng_bits((RngStream){5, RNG_MCMC, 1}, number, 1, flips, site);
  for (int k = 0; k < flips; k++) site[k] = (uint32_t)((uint64_t)site[k] * (uint64_t)g->sites >> 32);
  ising_metropolis(flips, site, (const int(*)[4])g->near, g->flip, &g->bits, g->spin);
  free(site);
}

static void run_cluster(Group *g, int updates)
{
  for (int k = 0; k < updates; k++)
    ising_cluster(g->side, (const int(*)[4])g->near, &g->bond, &g->bits, g->spin, g->work);
}

static double energy_of(const Group *g, int lane)
{
  double x[1024], energy, magnetisation, correlation[17];

  ising_unpack(g->sites, g->spin, lane, x);
  ising_measure(g->side, x, &energy, &magnetisation, correlation);
  return energy;
}

/* ---- exact values ---- */

/* Number of states with energy -2 sites + e, of a lattice small enough to count them all */
static void count_states(int side, double *count)
{
  const int sites = side * side;
  int(*near)[4]   = malloc(sizeof(*near) * (size_t)sites);

  ising_neighbours(side, near);
  memset(count, 0, sizeof(*count) * (size_t)(4 * sites + 1));
  for (uint32_t state = 0; state < UINT32_C(1) << sites; state++) {
    int broken = 0;

    for (int i = 0; i < sites; i++)
      for (int k = 0; k < 2; k++) broken += (state >> i ^ state >> near[i][k]) & 1;
    count[2 * broken]++;
  }
  free(near);
}

/* Boltzmann's law of the energy: p[e] of energy -2 sites + e */
static void boltzmann(int side, double T, double *p)
{
  double Z = 0;

  count_states(side, p);
  for (int e = 0; e <= 4 * side * side; e++) Z += p[e] *= exp(-e / T);
  for (int e = 0; e <= 4 * side * side; e++) p[e] /= Z;
}

START_TEST(test_exact_values_are_those_of_all_states)
{
  static const double T[] = {0.3, 1, 2, TC, 2.5, 3, 10, 1e4};
  double              p[65], u, c;

  for (int side = 2; side <= 4; side++)
    for (size_t k = 0; k < sizeof(T) / sizeof(*T); k++) {
      const int sites = side * side;
      double    mean = 0, square = 0;

      boltzmann(side, T[k], p);
      for (int e = 0; e <= 4 * sites; e++) mean += e * p[e];
      for (int e = 0; e <= 4 * sites; e++) square += (e - mean) * (e - mean) * p[e];
      ising_exact(side, T[k], &u, &c);
      ck_assert_double_le(fabs(u - (mean / sites - 2)), 1e-14);
      ck_assert_double_le(fabs(c - square / sites / T[k] / T[k]), 1e-12 * c + 1e-14);
    }
}
END_TEST

START_TEST(test_exact_values_meet_the_tables)
{
  static const double table[][3] = {{2.0, -1.745564527035, 0.724873978},
                                    {2.269185314, -1.433658466540, 1.846767589},
                                    {2.5, -1.107291660978, 0.885812501},
                                    {3.0, -0.817309738934, 0.401381948}};
  double              u, c;

  for (int k = 0; k < 4; k++) {
    ising_exact(32, table[k][0], &u, &c);
    ck_assert_double_le(fabs(u - table[k][1]), 1e-12);
    ck_assert_double_le(fabs(c - table[k][2]), 1e-9);
  }
  ising_exact(4, 2, &u, &c);
  ck_assert_double_le(fabs(u + 1.755380288777), 1e-12);
}
END_TEST

/* Complete elliptic integrals by the arithmetic-geometric mean: K and E of modulus k */
static void elliptic(double k, double *K, double *E)
{
  double a = 1, b = sqrt(1 - k * k), sum = k * k / 2, power = 0.5;

  for (int n = 0; n < 8; n++) {
    const double half = (a - b) / 2, next = (a + b) / 2;

    b = sqrt(a * b);
    a = next;
    power *= 2;
    sum += power * half * half;
  }
  *K = PI / (2 * a);
  *E = *K * (1 - sum);
}

/* Onsager 1944: energy and specific heat of the infinite lattice */
static void onsager(double T, double *u, double *c)
{
  const double B = 1 / T, th = tanh(2 * B), k = 2 * sinh(2 * B) / pow(cosh(2 * B), 2), kk = 2 * th * th - 1;
  double       K, E;

  elliptic(k, &K, &E);
  *u = -(1 + 2 / PI * kk * K) / th;
  *c = 4 / PI * pow(B / th, 2) * (K - E - (1 - th * th) * (PI / 2 + kk * K));
}

START_TEST(test_exact_values_of_large_lattices_are_onsagers)
{
  static const double T[] = {1, 1.8, 2, 2.6, 3, 5};
  double              u, c, limit_u, limit_c, smaller, ignored;

  for (size_t k = 0; k < sizeof(T) / sizeof(*T); k++) {
    ising_exact(128, T[k], &u, &c);
    onsager(T[k], &limit_u, &limit_c);
    ck_assert_double_le(fabs(u - limit_u), 1e-9);
    ck_assert_double_le(fabs(c - limit_c), 1e-7);
  }
  /* at Tc the energy approaches -sqrt 2 as 1/side */
  ising_exact(128, TC, &u, &c);
  ising_exact(64, TC, &smaller, &ignored);
  ck_assert_double_le(fabs((smaller + sqrt(2)) / (u + sqrt(2)) - 2), 1e-3);
}
END_TEST

START_TEST(test_exact_values_are_finite_at_any_temperature)
{
  double u, c;

  for (double T = 1e-300; T < 1e300; T *= 10)
    for (int side = 2; side <= 128; side *= 8) {
      ising_exact(side, T, &u, &c);
      ck_assert(u >= -2 && u <= 1e-15 && c >= 0 && c < 3);
      if (T > 1e3) ck_assert_double_le(fabs(u + (side > 2 ? 2 : 4) / T), 1e-15 + 10 / T / T);
    }
  ck_assert_close(ising_order(2), 0.911319377877, 1e-12);
  ck_assert(ising_order(2.27) == 0 && ising_order(1e-300) == 1);
}
END_TEST

/* ---- random events ---- */

START_TEST(test_events_are_uniform_numbers_below_a_chance)
{
  static const double p[2] = {0.1353352832366127, 0.01831563888873418}; /* e^-2, e^-4 */
  IsingChance         chance[2];
  IsingBits           bits, copy;
  IsingWord           word[2];

  for (int k = 0; k < 2; k++) ising_chance(p[k], &chance[k]);
  ising_seed((RngStream){3, RNG_MCMC, 0}, 17, &bits);
  for (int trial = 0; trial < 200; trial++) {
    int u[ISING_GROUP] = {0};

    copy = bits;
    ising_draw(&bits, 2, chance, word);
    for (int level = 0; level < ISING_LEVELS; level++) {
      IsingWord r;

      ising_word(&copy, &r);
      for (int lane = 0; lane < ISING_GROUP; lane++)
        u[lane] |= (int)(~r[lane / 64] >> lane % 64 & 1) << level;
    }
    for (int lane = 0; lane < ISING_GROUP; lane++)
      for (int k = 0; k < 2; k++) {
        const int head = (int)floor(ldexp(p[k], ISING_LEVELS));

        if (u[lane] != head) ck_assert((word[k][lane / 64] >> lane % 64 & 1) == (u[lane] < head));
      }
  }
}
END_TEST

/* Over many draws: the share of events, also of those that only ties decide, and of pairs of lanes and of draws */
START_TEST(test_events_have_their_exact_probability)
{
  static const double p[]    = {0.5, 0.1715728752538099, 0x1p-13, 0.3 * 0x1p-11, 1 - 0x1p-14};
  const int           trials = 20000;
  const double        N      = (double)trials * ISING_GROUP;
  IsingChance         chance[2];
  IsingBits           bits;

  for (size_t k = 0; k < sizeof(p) / sizeof(*p); k++) {
    double    first = 0, second = 0, pairs = 0, repeats = 0;
    IsingWord word[2], last = {0};

    ising_chance(p[k], &chance[0]);
    ising_chance(p[k] * p[k], &chance[1]);
    ising_seed((RngStream){3, RNG_MCMC, 0}, k, &bits);
    for (int trial = 0; trial < trials; trial++) {
      ising_draw(&bits, 2, chance, word);
      for (int w = 0; w < ISING_WORDS; w++) {
        ck_assert((word[1][w] & ~word[0][w]) == 0);
        first += __builtin_popcountll(word[0][w]);
        second += __builtin_popcountll(word[1][w]);
        pairs += __builtin_popcountll(word[0][w] & (word[0][w] << 1 | word[0][w] >> 63));
        repeats += __builtin_popcountll(word[0][w] & last[w]);
      }
      last = word[0];
    }
    ck_assert_double_le(fabs(first - N * p[k]), 5 * sqrt(N * p[k] * (1 - p[k])));
    ck_assert_double_le(fabs(second - N * p[k] * p[k]), 5 * sqrt(N * p[k] * p[k] * (1 - p[k] * p[k])) + 1e-3);
    ck_assert_double_le(fabs(pairs - N * p[k] * p[k]), 10 * sqrt(N * p[k] * p[k] * (1 - p[k])) + 1e-3);
    ck_assert_double_le(fabs(repeats - (N - ISING_GROUP) * p[k] * p[k]),
                        10 * sqrt(N * p[k] * p[k] * (1 - p[k])) + 1e-3);
  }
}
END_TEST

START_TEST(test_events_at_the_ends)
{
  IsingChance chance[2];
  IsingBits   bits;
  IsingWord   word[2];

  ising_chance(1, &chance[0]);
  ising_chance(0, &chance[1]);
  ck_assert(chance[0].tail == ~UINT64_C(0) && chance[1].tail == 0);
  ising_seed((RngStream){3, RNG_MCMC, 0}, 1, &bits);
  for (int trial = 0; trial < 20000; trial++) {
    ising_draw(&bits, 2, chance, word);
    for (int w = 0; w < ISING_WORDS; w++) ck_assert(word[0][w] == ~UINT64_C(0) && word[1][w] == 0);
  }
  ising_chance(0x1p-76, &chance[0]);
  ising_chance(0x1p-77, &chance[1]);
  ck_assert(chance[0].tail == 1 && chance[1].tail == 0);
}
END_TEST

/* ---- updates ---- */

/* chi^2 of the energies of independent replicas against Boltzmann's law, levels of few expected rows left out */
static void assert_boltzmann(int side, double T, int cluster, int groups)
{
  Group *g      = group_of(side, T);
  int    levels = 0;
  double p[65], seen[65] = {0}, chi2 = 0;

  boltzmann(side, T, p);
  for (int k = 0; k < groups; k++) {
    start_random(g, (uint64_t)k);
    if (cluster)
      run_cluster(g, 25);
    else
      run_metropolis(g, (uint64_t)k, 150 * g->sites);
    for (int lane = 0; lane < ISING_GROUP; lane++) seen[(int)lround((energy_of(g, lane) + 2) * g->sites)]++;
  }
  for (int e = 0; e <= 4 * side * side; e++) {
    const double expected = p[e] * groups * ISING_GROUP;

    if (p[e] == 0) ck_assert(seen[e] == 0);
    if (expected < 10) continue;
    chi2 += (seen[e] - expected) * (seen[e] - expected) / expected;
    levels++;
  }
  ck_assert_msg(chi2 < levels + 5 * sqrt(2.0 * levels) && levels > 2, "side %d T %g: chi^2 %g of %d levels",
                side, T, chi2, levels);
  free(g);
}

START_TEST(test_metropolis_keeps_boltzmanns_law)
{
  assert_boltzmann(4, TC, 0, 100);
  assert_boltzmann(4, 4, 0, 50);
  assert_boltzmann(3, 2.5, 0, 50);
  assert_boltzmann(2, 3, 0, 50);
}
END_TEST

START_TEST(test_cluster_updates_keep_boltzmanns_law)
{
  assert_boltzmann(4, TC, 1, 100);
  assert_boltzmann(4, 1.5, 1, 50);
  assert_boltzmann(3, 2.5, 1, 50);
  assert_boltzmann(2, 3, 1, 50);
}
END_TEST

static int root_of(const int *parent, int i)
{
  while (parent[i] != i) i = parent[i];
  return i;
}

/* With bonds between all equal neighbours the clusters are the domains: each must flip as a whole, by a coin of its own. */
START_TEST(test_each_cluster_has_one_fair_coin)
{
  Group *g        = group_of(11, 1);
  double clusters = 0, flips = 0, pairs = 0, alike = 0;

  ising_chance(1, &g->bond);
  for (uint64_t k = 0; k < 4; k++) {
    IsingWord before[121];

    start_random(g, k);
    memcpy(before, g->spin, sizeof(before));
    run_cluster(g, 1);
    for (int lane = 0; lane < ISING_GROUP; lane++) {
      int parent[121], flipped[121], last = -1;

      for (int i = 0; i < 121; i++) {
        parent[i]  = i;
        flipped[i] = (int)((before[i][lane / 64] ^ g->spin[i][lane / 64]) >> lane % 64 & 1);
      }
      for (int i = 0; i < 121; i++)
        for (int b = 0; b < 2; b++)
          if (!((before[i][lane / 64] ^ before[g->near[i][b]][lane / 64]) >> lane % 64 & 1))
            parent[root_of(parent, i)] = root_of(parent, g->near[i][b]);
      for (int i = 0; i < 121; i++) {
        const int root = root_of(parent, i);

        ck_assert_int_eq(flipped[i], flipped[root]);
        if (root != i) continue;
        clusters++;
        flips += flipped[i];
        pairs += last >= 0;
        alike += last >= 0 && flipped[i] == flipped[last];
        last = i;
      }
    }
  }
  ck_assert_double_gt(pairs, 10000);
  ck_assert_double_le(fabs(flips - clusters / 2), 5 * sqrt(clusters) / 2);
  ck_assert_double_le(fabs(alike - pairs / 2), 5 * sqrt(pairs) / 2);
  free(g);
}
END_TEST

/* The largest cluster there can be: any two sites left in the election would make three of four flip */
START_TEST(test_whole_lattice_has_one_fair_coin)
{
  Group *g     = group_of(11, 1);
  double flips = 0;

  ising_chance(1, &g->bond);
  start_random(g, 0);
  for (int k = 0; k < 20; k++) {
    memset(g->spin, 0, sizeof(g->spin));
    run_cluster(g, 1);
    for (int w = 0; w < ISING_WORDS; w++) flips += __builtin_popcountll(g->spin[60][w]);
  }
  ck_assert_double_le(fabs(flips - 10 * ISING_GROUP), 5 * sqrt(5 * ISING_GROUP));
  free(g);
}
END_TEST

/* Variance of the mean energy of a group over that of independent replicas */
static double shared_variance(int side, double T, int flips, int groups)
{
  Group *g    = group_of(side, T);
  double mean = 0, square = 0, single = 0;

  for (int k = 0; k < groups; k++) {
    double sum = 0, squares = 0;

    start_random(g, 1000 + (uint64_t)k);
    run_metropolis(g, 1000 + (uint64_t)k, flips);
    for (int lane = 0; lane < ISING_GROUP; lane++) {
      const double e = energy_of(g, lane);

      sum += e / ISING_GROUP;
      squares += e * e / ISING_GROUP;
    }
    mean += sum / groups;
    square += sum * sum / groups;
    single += (squares - sum * sum) / groups;
  }
  free(g);
  return (square - mean * mean) * ISING_GROUP / single;
}

/* A group shares its sites: that correlates replicas while they relax, and not once they have forgotten their start */
START_TEST(test_replicas_of_a_group_are_independent_in_equilibrium)
{
  const int    groups = 400;
  const double error  = sqrt(2.0 / groups);

  ck_assert_double_gt(shared_variance(8, 2.5, 64, groups), 1 + 5 * error);
  ck_assert_double_le(fabs(shared_variance(8, 2.5, 64 * 60, groups) - 1), 5 * error);
  ck_assert_double_le(fabs(shared_variance(8, TC, 64 * 150, groups) - 1), 5 * error);
}
END_TEST

START_TEST(test_measure_cuts_at_zero)
{
  const double x[9] = {0.1, -3, 2, 0, 5, -0.2, 1, 1, 1}; /* + - +, - + -, + + + */
  double       energy, magnetisation, correlation[2];

  ising_measure(3, x, &energy, &magnetisation, correlation);
  ck_assert_double_eq_tol(magnetisation, 3 / 9.0, 1e-15);
  ck_assert_double_eq(correlation[0], 1);
  ck_assert_double_eq_tol(energy, -2 * correlation[1], 1e-15);
  /* rows: -1, -1, 3; columns: -1, -1, -1 */
  ck_assert_double_eq_tol(energy, 2 / 9.0, 1e-15);
}
END_TEST

Suite *ising_suite(void)
{
  Suite *suite = suite_create("ising");
  TCase *exact = tcase_create("exact"), *events = tcase_create("events"), *updates = tcase_create("updates");

  tcase_add_test(exact, test_exact_values_are_those_of_all_states);
  tcase_add_test(exact, test_exact_values_meet_the_tables);
  tcase_add_test(exact, test_exact_values_of_large_lattices_are_onsagers);
  tcase_add_test(exact, test_exact_values_are_finite_at_any_temperature);
  tcase_add_test(events, test_events_are_uniform_numbers_below_a_chance);
  tcase_add_test(events, test_events_have_their_exact_probability);
  tcase_add_test(events, test_events_at_the_ends);
  tcase_add_test(updates, test_metropolis_keeps_boltzmanns_law);
  tcase_add_test(updates, test_cluster_updates_keep_boltzmanns_law);
  tcase_add_test(updates, test_each_cluster_has_one_fair_coin);
  tcase_add_test(updates, test_whole_lattice_has_one_fair_coin);
  tcase_add_test(updates, test_replicas_of_a_group_are_independent_in_equilibrium);
  tcase_add_test(updates, test_measure_cuts_at_zero);
  tcase_set_timeout(updates, 60);
  suite_add_tcase(suite, exact);
  suite_add_tcase(suite, events);
  suite_add_tcase(suite, updates);
  return suite;
}
