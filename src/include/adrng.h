#ifndef ADRNG_H
#define ADRNG_H

#include <stddef.h>
#include <stdint.h>

/*
  Counter-based random numbers: value j of sample i is a pure function of (seed, domain, step, i, j). No state
  is kept, saved or sent; ranks and restarts draw the same numbers because they ask for the same indices.

  Generator: Philox4x32-10. One block of four 32-bit words comes from

    key     = seed:            word 0 low 32 bits, word 1 high 32 bits
    counter = word 0           low 32 bits of the sample index
              word 1           bits 0-15: bits 32-47 of the sample index, bits 16-31: block within the sample
              word 2           step
              word 3           domain

  A block holds 4 words, 4 normals or 2 uniforms; a sample of per_sample values takes the blocks it needs and
  drops the rest of the last one. Hence value j does not depend on per_sample either.
  Limits: sample index < 2^48; at most 65536 blocks a sample (262144 words or normals, 131072 uniforms).
*/

/* One domain a purpose, never used for two, never renumbered; gaps are for later purposes of the same kind */
typedef enum {
  RNG_DATA      = 0x10, /* rows of synthetic data sets */
  RNG_PRIOR     = 0x20, /* starting states of the reverse process */
  RNG_SDE       = 0x30, /* increments of stochastic integrators */
  RNG_NOISE     = 0x40, /* forward noising of data */
  RNG_TIME      = 0x50, /* diffusion times of training slots */
  RNG_BATCH     = 0x60, /* which row a batch slot holds */
  RNG_WEIGHTS   = 0x70, /* initial weights of networks */
  RNG_DROPOUT   = 0x80, /* dropout masks */
  RNG_MCMC      = 0x90, /* Markov chains (Ising) */
  RNG_RHM       = 0xa0, /* grammars of the random hierarchy model */
  RNG_TREE      = 0xa1, /* trees of it */
  RNG_EVOLUTION = 0xa8, /* populations of messages in its density evolution */
  RNG_PROBE     = 0xb0, /* probe vectors of trace estimators */
  RNG_SPECTRUM  = 0xb8, /* starting vectors of eigenvalue solvers */
  RNG_METRICS   = 0xc0, /* directions and subsets of sample metrics */
  RNG_BOOTSTRAP = 0xd0  /* resampling for standard errors */
} RngDomain;

typedef struct {
  uint64_t seed;
  uint32_t domain, step;
} RngStream;

/*
  rng_bits - random 32-bit words

  Input:  stream       seed, domain and step
          first, n     global index of the first sample, number of samples
          per_sample   words a sample
  Output: out[n][per_sample]
*/
void rng_bits(RngStream stream, uint64_t first, size_t n, int per_sample, uint32_t *out);

/*
  rng_uniform - uniform numbers of 52 random bits in the open interval (0, 1): odd multiples of 2^-53

  Input:  as rng_bits
  Output: out[n][per_sample]
  Note:   never 0 or 1, so that log(u) and log(1 - u) are finite; u and 1 - u are equally likely bit for bit
*/
void rng_uniform(RngStream stream, uint64_t first, size_t n, int per_sample, double *out);

/*
  rng_normal - standard normal numbers in single precision, by Box-Muller

  Input:  as rng_bits
  Output: out[n][per_sample]
  Note:   the radius comes from a 32-bit uniform, hence |value| <= sqrt(66 log 2) = 6.76 (the law has
          P(|z| > 6.76) = 1.4e-11)
  Cost:   one AVX-512 core, nanoseconds a value: 1 where per_sample is a multiple of 4, 1.3 for 2, 2 for 5,
          3 for 1 (the rest of the block is thrown away); fewer than 64 blocks cost as much as 64, 0.25 us
*/
void rng_normal(RngStream stream, uint64_t first, size_t n, int per_sample, float *out);

/*
  rng_normal_double - the values of rng_normal, widened
*/
void rng_normal_double(RngStream stream, uint64_t first, size_t n, int per_sample, double *out);

/*
  box_muller - two independent standard normals from two words each

  Input:  radius[n]  word w as a signed integer s: u = ((s + 1/2)/2^32) mod 1, r = sqrt(-2 log u)
          angle[n]   word w: phi = 2 pi (w + 1/2)/2^32
  Output: z0[n] = r cos(phi), z1[n] = r sin(phi), relative error below 4e-7, also near zeros of r, cos, sin
  Note:   log, sqrt, sin and cos are polynomials and integer operations written out with fmaf: the bits of an
          element are the same in a vector lane, in a scalar loop, and under all flags that keep IEEE rules
*/
void box_muller(int n, const uint32_t *restrict radius, const uint32_t *restrict angle, float *restrict z0,
                float *restrict z1);

#endif
