#include "adising.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- random bits ---- */

void ising_seed(RngStream stream, uint64_t group, IsingBits *bits)
{
  uint32_t word[sizeof(*bits) / sizeof(uint32_t)];

  rng_bits(stream, group, 1, (int)(sizeof(word) / sizeof(*word)), word);
  memcpy(bits, word, sizeof(word));
}

/* One step of the generator for all lanes at once; written so that three terms meet in one instruction. */
INLINE void step_wide(IsingWord s[4], IsingWord *word)
{
  const IsingWord a = s[0], b = s[1], c = s[2], d = s[3], sum = a + d, turned = d ^ b;

  *word = ((sum << 23) | (sum >> 41)) + a;
  s[0]  = a ^ d ^ b;
  s[1]  = b ^ c ^ a;
  s[2]  = c ^ a ^ (b << 17);
  s[3]  = (turned << 45) | (turned >> 19);
}

static uint64_t step_single(uint64_t s[4])
{
  const uint64_t sum = s[0] + s[3], shifted = s[1] << 17, word = ((sum << 23) | (sum >> 41)) + s[0];

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = (s[3] << 45) | (s[3] >> 19);
  return word;
}

void ising_word(IsingBits *bits, IsingWord *word)
{
  step_wide(bits->s, word);
}

void ising_chance(double p, IsingChance *chance)
{
  const double   scaled = p < 1 ? ldexp(p, ISING_LEVELS) : ldexp(1, ISING_LEVELS) - 1, whole = floor(scaled);
  const uint64_t head = (uint64_t)whole;

  for (int k = 0; k < ISING_LEVELS; k++)
    chance->head[k] = head >> (ISING_LEVELS - 1 - k) & 1 ? ~UINT64_C(0) : 0;
  chance->tail = p < 1 ? (uint64_t)ldexp(scaled - whole, 64) : ~UINT64_C(0);
}

INLINE int any(const IsingWord *word)
{
  uint64_t all = 0;

  for (int w = 0; w < ISING_WORDS; w++) all |= (*word)[w];
  return all != 0;
}

/* Replicas whose first bits are those of a chance: draw the rest of their uniform number. */
static __attribute__((noinline)) void break_ties(IsingBits *bits, int n, const IsingChance *chance,
                                                 const IsingWord *tie, IsingWord *word)
{
  for (int w = 0; w < ISING_WORDS; w++)
    for (uint64_t left = tie[0][w] | (n > 1 ? tie[n - 1][w] : 0); left; left &= left - 1) {
      const uint64_t lane = left & -left, u = step_single(bits->tie);

      for (int k = 0; k < n; k++)
        if (tie[k][w] & lane && u < chance[k].tail) word[k][w] |= lane;
    }
}

/*
  A uniform number u and p in binary are compared from the least significant of the bits at hand: "less" stays what it is
  where the bits agree and becomes the bit of p where they differ, which is the majority of (less, not u, p).
*/
INLINE void draw(IsingBits *bits, const int n, const IsingChance *chance, IsingWord *word)
{
  const IsingWord none = {0};
  IsingWord       s[4], less[2] = {none, none}, tie[2] = {~none, ~none}, unequal;

  memcpy(s, bits->s, sizeof(s));
  for (int k = ISING_LEVELS - 1; k >= 0; k--) {
    IsingWord r;

    step_wide(s, &r);
    for (int j = 0; j < n; j++) {
      const IsingWord p = none + chance[j].head[k];

      less[j] = (less[j] & r) | (p & (less[j] | r));
      tie[j] &= r ^ p;
    }
  }
  memcpy(bits->s, s, sizeof(s));
  unequal = n > 1 ? tie[0] | tie[1] : tie[0];
  if (any(&unequal)) break_ties(bits, n, chance, tie, less);
  for (int j = 0; j < n; j++) word[j] = less[j];
}

void ising_draw(IsingBits *bits, int n, const IsingChance *chance, IsingWord *word)
{
  if (n == 1)
    draw(bits, 1, chance, word);
  else
    draw(bits, 2, chance, word);
}

/* ---- updates ---- */

void ising_neighbours(int side, int (*near)[4])
{
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      int *const to = near[y * side + x];

      to[0] = y * side + (x + 1) % side;
      to[1] = (y + 1) % side * side + x;
      to[2] = y * side + (x + side - 1) % side;
      to[3] = (y + side - 1) % side * side + x;
    }
}

void ising_metropolis(int64_t n, const uint32_t *site, const int (*near)[4], const IsingChance *chance,
                      IsingBits *bits, IsingWord *spin)
{
  for (int64_t k = 0; k < n; k++) {
    const int *const to = near[site[k]];
    const IsingWord  s = spin[site[k]], right = s ^ spin[to[0]], down = s ^ spin[to[1]],
                    left = s ^ spin[to[2]], up = s ^ spin[to[3]]; /* set: the bond is broken already */
    const IsingWord one = right | down, other = left | up;
    const IsingWord two_half = (one & other) | (right & down) | (left & up); /* at least two broken bonds */
    IsingWord       chances[2];

    draw(bits, 2, chance, chances);
    spin[site[k]] = s ^ (two_half | ((one | other) & chances[0]) | chances[1]);
  }
}

/* Bonds between equal neighbours, and sites: masks over the replicas */
typedef struct {
  int        side;
  IsingWord *right, *down; /* [sites] bond to the right, to the lower neighbour */
  IsingWord *mark;         /* [sites] being filled */
} Clusters;

/*
  grow_row - marks pass along a row, first to the right and from the row beside it, then to the left

  Both ways at once because the row is at hand: what takes time is to fetch the lattice again.

  Input:  n, right[n], beside[n], across[n]  the row beside it, and the bonds to there
  In/out: mark[n], grown  what was added anywhere
*/
INLINE void grow_row(int n, const IsingWord *right, const IsingWord *beside, const IsingWord *across,
                     IsingWord *mark, IsingWord *grown)
{
  IsingWord last = mark[n - 1] & right[n - 1], added = {0};

  for (int x = 0; x < n; x++) {
    const IsingWord old = mark[x], new = old | last | (beside[x] & across[x]);

    added |= old ^ new;
    mark[x] = new;
    last    = new &right[x];
  }
  last = mark[0];
  for (int x = n - 1; x >= 0; x--) {
    const IsingWord old = mark[x], new = old | (last & right[x]);

    added |= old ^ new;
    mark[x] = last = new;
  }
  *grown |= added;
}

/* All sites that bonds join to marked ones become marked: sweeps down and up the rows until nothing changes. */
static void fill(const Clusters *c)
{
  const int n = c->side;
  IsingWord grown;

  do {
    grown = (IsingWord){0};
    for (int y = 0; y < n; y++) {
      const int above = (y + n - 1) % n * n;

      grow_row(n, c->right + y * n, c->mark + above, c->down + above, c->mark + y * n, &grown);
    }
    for (int y = n - 1; y >= 0; y--) {
      const int below = (y + 1) % n * n;

      grow_row(n, c->right + y * n, c->mark + below, c->down + y * n, c->mark + y * n, &grown);
    }
  } while (any(&grown));
}

/* In each cluster only the site of smallest index stays alive: a tournament on the bits of the index, highest first. */
static void elect(const Clusters *c, IsingWord *alive)
{
  const int sites = c->side * c->side;
  int       top   = 1;

  while (top < sites) top *= 2;
  for (int i = 0; i < sites; i++) alive[i] = ~(IsingWord){0};
  for (int plane = top / 2; plane; plane /= 2) {
    for (int i = 0; i < sites; i++) c->mark[i] = i & plane ? (IsingWord){0} : alive[i];
    fill(c);
    for (int i = 0; i < sites; i++)
      if (i & plane) alive[i] &= ~c->mark[i];
  }
}

void ising_cluster(int side, const int (*near)[4], const IsingChance *chance, IsingBits *bits,
                   IsingWord *spin, IsingWord *work)
{
  const int        sites = side * side;
  const Clusters   c     = {side, work, work + sites, work + 2 * sites};
  IsingWord *const alive = work + 3 * sites;

  for (int i = 0; i < sites; i++) {
    draw(bits, 1, chance, &c.right[i]);
    draw(bits, 1, chance, &c.down[i]);
    c.right[i] &= ~(spin[i] ^ spin[near[i][0]]);
    c.down[i] &= ~(spin[i] ^ spin[near[i][1]]);
  }
  elect(&c, alive);
  for (int i = 0; i < sites; i++) {
    step_wide(bits->s, &c.mark[i]);
    c.mark[i] &= alive[i];
  }
  fill(&c);
  for (int i = 0; i < sites; i++) spin[i] ^= c.mark[i];
}

/* ---- results ---- */

void ising_unpack(int sites, const IsingWord *spin, int lane, double *x)
{
  for (int i = 0; i < sites; i++) x[i] = spin[i][lane / 64] >> (lane % 64) & 1 ? 1 : -1;
}

/* sum_i a[i] b[(i + shift) mod n] */
static int dot(int n, const signed char *restrict a, const signed char *restrict b, int shift)
{
  int sum = 0;

  for (int i = 0; i < n - shift; i++) sum += a[i] * b[i + shift];
  for (int i = n - shift; i < n; i++) sum += a[i] * b[i + shift - n];
  return sum;
}

void ising_measure(int side, const double *x, double *energy, double *magnetisation, double *correlation)
{
  const int   sites = side * side;
  signed char spin[ISING_MAX_SIDE * ISING_MAX_SIDE];
  int         up = 0;

  for (int i = 0; i < sites; i++) {
    spin[i] = x[i] > 0 ? 1 : -1;
    up += x[i] > 0;
  }
  for (int r = 0; r <= side / 2; r++) {
    int sum = 0;

    for (int y = 0; y < side; y++)
      sum += dot(side, spin + y * side, spin + y * side, r) +
             dot(side, spin + y * side, spin + (y + r) % side * side, 0);
    correlation[r] = 0.5 * sum / sites;
  }
  *magnetisation = (2.0 * up - sites) / sites;
  *energy        = -2 * correlation[1];
}
