#ifndef ADISING_H
#define ADISING_H
/*
  Ising model on a periodic square lattice of side x side sites, J = kB = 1: pure kernels

  Energy -sum over sites of s (right neighbour + lower neighbour): 2 side^2 bonds. Side 2 is the same sum: there the right
  neighbour is the left one too, so that each of the four pairs of neighbours has two bonds.

  Multi-spin coding: ISING_GROUP independent replicas are the bits of one wide word (1: spin up), spin[site] holds a site of
  all of them. The same bits on any processor.
*/
#include "adrng.h"

enum {
  ISING_WORDS    = 8,
  ISING_GROUP    = 64 * ISING_WORDS, /* replicas made together */
  ISING_LEVELS   = 12,               /* bits of a uniform number that are compared for all replicas at once */
  ISING_MIN_SIDE = 2,
  ISING_MAX_SIDE = 128
};

/* alignment of a plain integer: wide words may lie anywhere, but are read faster from multiples of 64 bytes */
typedef uint64_t IsingWord __attribute__((vector_size(8 * ISING_WORDS), aligned(8)));

/*
  IsingBits - random bits for one group: eight generators xoshiro256++ side by side, and one for ties

  Source: Blackman and Vigna, Scrambled linear pseudorandom number generators, 2021; seeded from rng_bits
*/
typedef struct {
  IsingWord s[4];
  uint64_t  tie[4];
} IsingBits;

/* IsingChance - p in binary: ISING_LEVELS bits spread over words, most significant first, and the next 64 bits */
typedef struct {
  uint64_t head[ISING_LEVELS]; /* 0 or all ones */
  uint64_t tail;
} IsingChance;

/* ising_seed - state of a group's generator: a pure function of (stream, group) */
void ising_seed(RngStream stream, uint64_t group, IsingBits *bits);

/* ising_word - independent fair bits */
void ising_word(IsingBits *bits, IsingWord *word);

/*
  ising_chance - prepare a probability, 0 <= p <= 1

  Note: events come with the probability floor(2^76 p)/2^76, (1 - 2^-76 for p = 1): that is p itself, but for its last
        bits where p < 2^-23, and zero for p < 2^-76
*/
void ising_chance(double p, IsingChance *chance);

/*
  ising_draw - events of given probabilities, independent between replicas and calls

  Input:  n = 1 or 2, chance[n]
  Output: word[n]  bit set: the uniform number of this replica is below chance[k]; both compare the same number
  Cost:   ISING_LEVELS random words; ties (n 2^-12 a replica) draw further bits one by one
*/
void ising_draw(IsingBits *bits, int n, const IsingChance *chance, IsingWord *word);

/* ising_neighbours - near[site][4]: right, down, left, up of a site y side + x */
void ising_neighbours(int side, int (*near)[4]);

/*
  ising_metropolis - attempted flips, site by site as listed, of all replicas of a group

  Input:  n, site[n]  the sites, the same for all replicas
          chance[2]   e^(-4/T), e^(-8/T): acceptance where the energy rises by 4, by 8
  In/out: spin[side^2], bits
  Source: Metropolis et al. 1953; a flip that does not raise the energy is always accepted
  Note:   a flip at any given site keeps the Boltzmann law, so replicas that share their sites are independent as soon as
          each has forgotten its start; until then their means are correlated by what the sites decide, if by anything
*/
void ising_metropolis(int64_t n, const uint32_t *site, const int (*near)[4], const IsingChance *chance,
                      IsingBits *bits, IsingWord *spin);

/*
  ising_cluster - one update by Swendsen and Wang of all replicas of a group

  Input:  bond  1 - e^(-2/T): probability of a bond between equal neighbours
  In/out: spin[side^2], bits
  Work:   work[5 side^2]
  Source: Swendsen and Wang 1987. Each cluster has one fair coin, that of its site of smallest index, which is found by a
          tournament on the bits of the index; clusters are filled by sweeps over the lattice until nothing changes
*/
void ising_cluster(int side, const int (*near)[4], const IsingChance *bond, IsingBits *bits, IsingWord *spin,
                   IsingWord *work);

/* ising_unpack - replica 0 <= lane < ISING_GROUP as numbers: x[sites] = -1 or 1 */
void ising_unpack(int sites, const IsingWord *spin, int lane, double *x);

/*
  ising_measure - what is looked at in one configuration; any numbers are cut at 0 first (x > 0 is up), so that this serves
  for the samples of a model too

  Output: energy, magnetisation  a site
          correlation[side/2 + 1]  mean of s_i s_j at distance 0, 1, ... along rows and columns
*/
void ising_measure(int side, const double *x, double *energy, double *magnetisation, double *correlation);

/*
  ising_exact - energy and specific heat a site of the finite periodic lattice

  Input:  side >= 2, T > 0
  Output: u = <E>/side^2, c = (<E^2> - <E>^2)/(side^2 T^2)
  Source: Kaufman 1949; in the form that has no differences of large numbers, see the code
  Note:   for T < 1/80 the lattice is in its ground state to double precision: -2 and 0
*/
void ising_exact(int side, double T, double *u, double *c);

/* ising_order - spontaneous magnetisation of the infinite lattice, (1 - sinh(2/T)^-4)^(1/8) below Tc, else 0 (Yang 1952) */
double ising_order(double T);

#endif
