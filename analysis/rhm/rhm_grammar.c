#include "adrhm.h"
#include "adrng.h"
#include <stdio.h>
#include <string.h>

/* ---- sizes ---- */

/* base^exponent, or limit where it is larger than that */
static int64_t power_up_to(int64_t base, int exponent, int64_t limit)
{
  int64_t power = 1;

  for (int i = 0; i < exponent && power < limit; i++) power = base > limit / power ? limit : power * base;
  return power < limit ? power : limit;
}

enum { MAX_RULES = 1 << 24, MAX_LEAVES = 1 << 30 };

int grammar_admissible(int v, int s, int m, int L, size_t size, char *problem)
{
  if (v < 1 || s < 1 || m < 1 || L < 1 || s > RHM_MAX_CHILDREN || L > RHM_MAX_LEVELS) {
    snprintf(problem, size, "v, s, m, L = %d, %d, %d, %d: expected at least 1, s at most %d, L at most %d", v,
             s, m, L, RHM_MAX_CHILDREN, RHM_MAX_LEVELS);
    return 0;
  }
  const int64_t rules = (int64_t)v * m, tuples = power_up_to(v, s, INT64_MAX);

  if (rules > tuples) {
    snprintf(problem, size, "v m = %lld rules a level, but only v^s = %lld tuples of %d out of %d symbols",
             (long long)rules, (long long)tuples, s, v);
    return 0;
  }
  if (rules > MAX_RULES || power_up_to(s, L, (int64_t)MAX_LEAVES + 1) > MAX_LEAVES) {
    snprintf(
        problem, size,
        "v m = %lld rules a level, s^L leaves with s = %d, L = %d: expected at most 2^24 rules, 2^30 leaves",
        (long long)rules, s, L);
    return 0;
  }
  return 1;
}

size_t grammar_length(int v, int s, int m, int L)
{
  return (size_t)L * (size_t)v * (size_t)m * (size_t)s;
}

int64_t rhm_nodes(const Grammar *g, int level)
{
  return power_up_to(g->s, g->L - level, INT64_MAX);
}

int64_t rhm_first(const Grammar *g, int level)
{
  int64_t first = 0;

  for (int l = 0; l < level; l++) first += rhm_nodes(g, l);
  return first;
}

/* ---- a set of tuples ---- */

/* Open addressing in a table of a power of two of slots, at least twice the number of tuples; a slot holds index + 1, or 0 */
static size_t table_slots(int64_t tuples)
{
  size_t slots = 4;

  while ((int64_t)slots < 2 * tuples) slots *= 2;
  return slots;
}

size_t grammar_workspace(int v, int m)
{
  return table_slots((int64_t)v * m);
}

/* Put tuple number `index` of child[..][s] into the table; returns the number of an equal one, which stays, or -1. */
static int64_t table_put(size_t slots, int *table, int s, const int *child, int64_t index)
{
  const int *tuple = child + index * s;
  uint64_t   hash  = UINT64_C(0x9e3779b97f4a7c15);

  for (int i = 0; i < s; i++) {
    hash = (hash ^ (uint64_t)tuple[i]) * UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= hash >> 29;
  }
  for (size_t at = (size_t)hash & (slots - 1);; at = (at + 1) & (slots - 1)) {
    if (!table[at]) {
      table[at] = (int)(index + 1);
      return -1;
    }
    if (!memcmp(child + (int64_t)(table[at] - 1) * s, tuple, sizeof(int) * (size_t)s)) return table[at] - 1;
  }
}

int grammar_sound(const Grammar *g, int *work, size_t size, char *problem)
{
  if (!grammar_admissible(g->v, g->s, g->m, g->L, size, problem)) return 0;
  const int64_t rules = (int64_t)g->v * g->m;
  const size_t  slots = table_slots(rules);

  for (int l = 1; l <= g->L; l++) {
    const int *level = g->child + (l - 1) * rules * g->s;

    memset(work, 0, sizeof(*work) * slots);
    for (int64_t rule = 0; rule < rules; rule++) {
      const int y = (int)(rule / g->m), r = (int)(rule % g->m);

      for (int i = 0; i < g->s; i++) {
        const int x = level[rule * g->s + i];

        if (x >= 0 && x < g->v) continue;
        snprintf(problem, size, "level %d, symbol %d, rule %d: child %d is %d, expected 0 .. %d", l, y, r, i,
                 x, g->v - 1);
        return 0;
      }
      const int64_t same = table_put(slots, work, g->s, level, rule);

      if (same < 0) continue;
      snprintf(problem, size, "level %d: symbol %d, rule %d has the same children as symbol %d, rule %d", l,
               y, r, (int)(same / g->m), (int)(same % g->m));
      return 0;
    }
  }
  return 1;
}

/* ---- draws ---- */

enum { CHUNK = 256 };

/* Random words of one sample without end, in order: chunk after chunk, the step of the stream counts them */
typedef struct {
  RngStream stream;
  uint64_t  sample;
  uint32_t  word[CHUNK];
  int       used;
} Draws;

static Draws draws_of(uint64_t seed, uint32_t domain, uint64_t sample)
{
  return (Draws){.stream = {seed, domain, 0}, .sample = sample, .used = CHUNK};
}

static uint32_t next_word(Draws *draws)
{
  if (draws->used == CHUNK) {
    rng_bits(draws->stream, draws->sample, 1, CHUNK, draws->word);
    draws->stream.step++;
    draws->used = 0;
  }
  return draws->word[draws->used++];
}

/* Uniform in 0 .. n - 1, exactly (Lemire, ACM Trans. Model. Comput. Simul. 29, 3, 2019) */
static int below(Draws *draws, uint32_t n)
{
  uint64_t product = (uint64_t)next_word(draws) * n;

  if ((uint32_t)product < n)
    while ((uint32_t)product < -n % n) product = (uint64_t)next_word(draws) * n;
  return (int)(product >> 32);
}

/* Most of the tuples are wanted: the first of a random order of all of them, code = x_1 + v x_2 + v^2 x_3 + .. */
static void draw_dense(Draws *draws, int v, int s, int rules, int tuples, int *code, int *child)
{
  for (int k = 0; k < tuples; k++) code[k] = k;
  for (int k = 0; k < rules; k++) {
    const int other = k + below(draws, (uint32_t)(tuples - k));
    int       left  = code[other];

    code[other] = code[k];
    for (int i = 0; i < s; i++, left /= v) child[(int64_t)k * s + i] = left % v;
  }
}

/* Few of the tuples are wanted: one after the other, those that are taken are drawn again. */
static void draw_sparse(Draws *draws, int v, int s, int rules, int *table, int *child)
{
  const size_t slots = table_slots(rules);

  memset(table, 0, sizeof(*table) * slots);
  for (int64_t k = 0; k < rules; k++) do {
      for (int i = 0; i < s; i++) child[k * s + i] = below(draws, (uint32_t)v);
    } while (table_put(slots, table, s, child, k) >= 0);
}

void grammar_draw(uint64_t seed, uint64_t index, int v, int s, int m, int L, int *work, int *child)
{
  const int     rules  = v * m;
  const int64_t tuples = power_up_to(v, s, INT64_MAX);
  Draws         draws  = draws_of(seed, RNG_RHM, index);

  for (int l = 0; l < L; l++, child += (int64_t)rules * s)
    if (tuples <= 2 * (int64_t)rules)
      draw_dense(&draws, v, s, rules, (int)tuples, work, child);
    else
      draw_sparse(&draws, v, s, rules, work, child);
}

void tree_draw(const Grammar *g, uint64_t seed, uint64_t grammar, uint64_t tree, int *symbol)
{
  Draws   draws = draws_of(seed, RNG_TREE, grammar << 24 | tree);
  int64_t first = rhm_first(g, g->L);

  symbol[first] = below(&draws, (uint32_t)g->v);
  for (int l = g->L; l > 0; l--) {
    const int64_t nodes = rhm_nodes(g, l), below_first = first - nodes * g->s;

    for (int64_t n = 0; n < nodes; n++) {
      const int64_t rule =
          ((int64_t)(l - 1) * g->v + symbol[first + n]) * g->m + below(&draws, (uint32_t)g->m);

      memcpy(symbol + below_first + n * g->s, g->child + rule * g->s, sizeof(int) * (size_t)g->s);
    }
    first = below_first;
  }
}
