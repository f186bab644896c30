#ifndef AD_DENSITY_H
#define AD_DENSITY_H
#include "adscore.h"

/*
  Log-density of a model at given rows, by its probability flow and the divergence of it

  DENSITY_CLOCK: in z = l.X, where the flow is dz/d log sigma = z - D(z, sigma) whatever the noise. For scores
  that are functions of z (exact ones, reduced nets).
  DENSITY_STATE: in X = (x, aux), where each process has a flow of its own (paper eqs. 10, 11 without noise). For
  joint nets, and as a check.
*/
typedef enum { DENSITY_CLOCK, DENSITY_STATE } DensitySpace;
typedef enum { DIVERGENCE_EXACT, DIVERGENCE_HUTCHINSON } DivergenceType;

enum { DENSITY_WAVE = 256 }; /* rows that share the steps of the integrator */

typedef struct {
  DensitySpace   space;
  DivergenceType divergence; /* d pullbacks, or the mean over random signs */
  int            probes;     /* how many of these */
  double         sigma_min, sigma_max;
  double         tolerance; /* of the integrator, on z, X and log-density */
  uint64_t       seed;
} DensitySettings;

/* What is found for n rows; allocated by the caller */
typedef struct {
  double *logp;      /* [n] nats, in diffused units */
  double *end;       /* [n][d] z at sigma_max, where the rows end */
  double *prior;     /* [n] log-density of the matched Gaussian there, which is the last term of logp */
  int64_t pullbacks; /* rows times evaluations on this rank */
} DensityResult;

PetscErrorCode DensityCompute(Process process, Score score, const DensitySettings *settings, int64_t first,
                              int64_t n, const double *x0, DensityResult *result);

/* The law at a sigma in which a space sees data: z alone (b = 1, u = l = 1), or X of the process */
PetscErrorCode DensityGetKernel(DensitySpace space, Process process, double sigma, Kernel *kernel);

/*
  clock_kernel - the law of z itself: one variable, z = x0 + sigma e

  Output: k  all members but t and M, which z has none of (t = 0, F = 1)
*/
void clock_kernel(double sigma, Kernel *k);

#endif
