#include "adising.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/*
  A wide word is worked on in parts as long as the processor's registers, since compilers do badly with longer vectors. Parts
  do not mix, so that their length changes no bit.
*/
#if defined(__AVX512F__)
enum { PARTS = 1 };
#elif defined(__AVX2__)
enum { PARTS = 2 };
#else
enum { PARTS = 4 };
#endif
typedef uint64_t Part __attribute__((vector_size(8 * ISING_WORDS / PARTS), aligned(8), may_alias));

/* ---- random bits ---- */

void ising_seed(RngStream stream, uint64_t group, IsingBits *bits)
{
  uint32_t word[sizeof(*bits) / sizeof(uint32_t)];

  rng_bits(stream, group, 1, (int)(sizeof(word) / sizeof(*word)), word);
  memcpy(bits, word, sizeof(word));
}

/* One step of the generators of a part; written so that three terms meet in one instruction. */
INLINE void step_part(Part s[4], Part *word)
{
  const Part a = s[0], b = s[1], c = s[2], d = s[3], sum = a + d, turned = d ^ b;

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
  for (int part = 0; part < PARTS; part++) {
    Part s[4];

    for (int k = 0; k < 4; k++) s[k] = ((Part *)&bits->s[k])[part];
    step_part(s, (Part *)word + part);
    for (int k = 0; k < 4; k++) ((Part *)&bits->s[k])[part] = s[k];
  }
}

void ising_chance(double p, IsingChance *chance)
{
  const double   scaled = p < 1 ? ldexp(p, ISING_LEVELS) : ldexp(1, ISING_LEVELS) - 1, whole = floor(scaled);
  const uint64_t head = (uint64_t)whole;

  for (int k = 0; k < ISING_LEVELS; k++)
    chance->head[k] = head >> (ISING_LEVELS - 1 - k) & 1 ? ~UINT64_C(0) : 0;
  chance->tail = p < 1 ? (uint64_t)ldexp(scaled - whole, 64) : ~UINT64_C(0);
}

INLINE int any(Part word)
{
  uint64_t all = 0;

  for (int w = 0; w < ISING_WORDS / PARTS; w++) all |= word[w];
  return all != 0;
}

/* Replicas whose first bits are those of a chance: draw the rest of their uniform number. */
static __attribute__((noinline)) void break_ties(IsingBits *bits, int n, const IsingChance *chance,
                                                 const IsingWord *tie, IsingWord *word)
{
  for (int w = 0; w < ISING_WORDS; w++)
    for (uint64_t left = tie[0][w] | tie[1][w]; left; left &= left - 1) {
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
  IsingWord tie[2]  = {{0}, {0}};
  Part      unequal = {0};

  for (int part = 0; part < PARTS; part++) {
    const Part none = {0};
    Part       s[4], r, less[2] = {none, none}, equal[2] = {~none, ~none};

    for (int k = 0; k < 4; k++) s[k] = ((Part *)&bits->s[k])[part];
#pragma GCC unroll 16
    for (int k = ISING_LEVELS - 1; k >= 0; k--) {
      step_part(s, &r);
      for (int j = 0; j < n; j++) {
        const Part p = none + chance[j].head[k];

        less[j] = (less[j] & r) | (p & (less[j] | r));
        equal[j] &= r ^ p;
      }
    }
    for (int k = 0; k < 4; k++) ((Part *)&bits->s[k])[part] = s[k];
    for (int j = 0; j < n; j++) {
      ((Part *)&word[j])[part] = less[j];
      ((Part *)&tie[j])[part]  = equal[j];
      unequal |= equal[j];
    }
  }
  if (any(unequal)) break_ties(bits, n, chance, tie, word);
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
    IsingWord        chances[2];

    draw(bits, 2, chance, chances);
    for (int part = 0; part < PARTS; part++) {
      Part *const own = (Part *)&spin[site[k]] + part;
      const Part  s = *own, right = s ^ ((Part *)&spin[to[0]])[part], down = s ^ ((Part *)&spin[to[1]])[part],
                 left = s ^ ((Part *)&spin[to[2]])[part],
                 up   = s ^ ((Part *)&spin[to[3]])[part]; /* set: the bond is broken already */
      const Part one = right | down, other = left | up;
      const Part two = (one & other) | (right & down) | (left & up); /* at least two broken bonds */

      *own = s ^ (two | ((one | other) & ((Part *)&chances[0])[part]) | ((Part *)&chances[1])[part]);
    }
  }
}

/* Bonds between equal neighbours, and sites, of one part; site i is at i PARTS */
typedef struct {
  int   side;
  Part *right, *down; /* bond to the right, to the lower neighbour */
  Part *mark;         /* being filled */
} Clusters;

/*
  grow_row - marks pass along a row, first to the right and from the row beside it, then to the left

  Both ways at once because the row is at hand: what takes time is to fetch the lattice again.

  Input:  n, right[n], beside[n], across[n]  the row beside it, and the bonds to there
  In/out: mark[n], grown  what was added anywhere
*/
INLINE void grow_row(int n, const Part *right, const Part *beside, const Part *across, Part *mark,
                     Part *grown)
{
  Part last = mark[(n - 1) * PARTS] & right[(n - 1) * PARTS], added = {0};

  for (int x = 0; x < n * PARTS; x += PARTS) {
    const Part old = mark[x], new = old | last | (beside[x] & across[x]);

    added |= old ^ new;
    mark[x] = new;
    last    = new &right[x];
  }
  last = mark[0];
  for (int x = (n - 1) * PARTS; x >= 0; x -= PARTS) {
    const Part old = mark[x], new = old | (last & right[x]);

    added |= old ^ new;
    mark[x] = last = new;
  }
  *grown |= added;
}

/* All sites that bonds join to marked ones become marked: sweeps down and up the rows until nothing changes. */
static void fill(const Clusters *c)
{
  const int n = c->side, row = n * PARTS;
  Part      grown;

  do {
    grown = (Part){0};
    for (int y = 0; y < n; y++) {
      const int above = (y + n - 1) % n * row;

      grow_row(n, c->right + y * row, c->mark + above, c->down + above, c->mark + y * row, &grown);
    }
    for (int y = n - 1; y >= 0; y--) {
      const int below = (y + 1) % n * row;

      grow_row(n, c->right + y * row, c->mark + below, c->down + y * row, c->mark + y * row, &grown);
    }
  } while (any(grown));
}

/* In each cluster only the site of smallest index stays alive: a tournament on the bits of the index, highest first. */
static void elect(const Clusters *c, Part *alive)
{
  const Part none  = {0};
  const int  sites = c->side * c->side;
  int        top   = 1;

  while (top < sites) top *= 2;
  for (int i = 0; i < sites; i++) alive[i * PARTS] = ~none;
  for (int plane = top / 2; plane; plane /= 2) {
    for (int i = 0; i < sites; i++) c->mark[i * PARTS] = i & plane ? none : alive[i * PARTS];
    fill(c);
    for (int i = 0; i < sites; i++)
      if (i & plane) alive[i * PARTS] &= ~c->mark[i * PARTS];
  }
}

/* Flip the clusters of one part: by the coin of the site that is elected. */
static void flip_clusters(const Clusters *c, const Part *coin, Part *alive, Part *spin)
{
  const int sites = c->side * c->side;

  elect(c, alive);
  for (int i = 0; i < sites * PARTS; i += PARTS) c->mark[i] = coin[i] & alive[i];
  fill(c);
  for (int i = 0; i < sites * PARTS; i += PARTS) spin[i] ^= c->mark[i];
}

void ising_cluster(int side, const int (*near)[4], const IsingChance *chance, IsingBits *bits,
                   IsingWord *spin, IsingWord *work)
{
  const int        sites = side * side;
  IsingWord *const right = work, *const down = work + sites, *const mark = work + 2 * sites,
                   *const alive = work + 3 * sites, *const coin = work + 4 * sites;

  for (int i = 0; i < sites; i++) {
    draw(bits, 1, chance, &right[i]);
    draw(bits, 1, chance, &down[i]);
    ising_word(bits, &coin[i]);
  }
  for (int part = 0; part < PARTS; part++) {
    const Clusters c = {side, (Part *)right + part, (Part *)down + part, (Part *)mark + part};
    Part *const    s = (Part *)spin + part;

    for (int i = 0; i < sites; i++) {
      c.right[i * PARTS] &= ~(s[i * PARTS] ^ s[near[i][0] * PARTS]);
      c.down[i * PARTS] &= ~(s[i * PARTS] ^ s[near[i][1] * PARTS]);
    }
    flip_clusters(&c, (const Part *)coin + part, (Part *)alive + part, s);
  }
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
  const int   sites                                 = side * side;
  signed char spin[ISING_MAX_SIDE * ISING_MAX_SIDE] = {0};
  int         up                                    = 0;

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
