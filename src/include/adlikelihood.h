#ifndef AD_LIKELIHOOD_H
#define AD_LIKELIHOOD_H
#include "addensity.h"

/*
  Integrals over the clock. With z = x0 + sigma e a path of Brownian motion in the clock sigma2, of a model's denoiser D_m and
  the exact one D = E[x0 | z]

    path KL = 1/2 int E|D - D_m|^2 d(1/sigma2)                          exact against learned reverse process
    bound   = E KL(z_max | x0 || prior) + 1/2 int E|x0 - D_m|^2 d(1/sigma2) - E log N(x0; D_m(z_min), s2)

  over sigma_min to sigma_max, the same for every process; bound - entropy of the data >= 0 is the gap.
*/
typedef struct {
  DensitySpace space; /* where a model sees data: z, or X of the process */
  int          nodes; /* midpoints in log sigma */
  double       sigma_min, sigma_max;
  uint64_t     seed;
} PathSettings;

typedef struct {
  int     nodes;
  double *sigma;                /* [nodes] */
  double *error, *error_err;    /* [nodes] E|x0 - D_m|^2 */
  double *excess, *excess_err;  /* [nodes] E|D - D_m|^2; where D is known */
  double  kl, kl_err;           /* path KL */
  double  bound, bound_err;     /* nats, diffused units */
  double  prior_kl, decoder_sd; /* parts of the bound: its first term, s a coordinate */
} PathResult;

PetscErrorCode PathCompute(Process process, Score model, Score truth, const PathSettings *settings, int64_t N,
                           int64_t first, int64_t n, const double *x0, PathResult *result);
PetscErrorCode PathFree(PathResult *result);

/* What a state noised to one time knows of its data: means over rows with their standard errors */
typedef struct {
  double t, sigma2;
  double error, error_err;             /* E|x0 - x0hat|^2 of the score */
  double information, information_err; /* I(x0; X_t) = E log P(X | x0)/P(X), nats; laws */
  double recovery, recovery_err;       /* share of rows whose most probable component is theirs; laws */
} DenoiseResult;

/* law: of the data, or NULL; label[n]: component of each row */
PetscErrorCode DenoiseCompute(Process process, Score score, const MixtureData *law, const Kernel *kernel,
                              RngStream stream, int64_t N, int64_t first, int64_t n, const double *x0,
                              const int *label, DenoiseResult *result);

/* The same numbers by quadrature in z */
typedef struct {
  double error, information, recovery;
  double entropy; /* of z, nats */
} MixtureIntegrals;

/* not collective; known is false for laws of more than two coordinates and those whose grid would be too large */
PetscErrorCode MixtureIntegrate(const MixtureData *law, double sigma2, MixtureIntegrals *out,
                                PetscBool *known);

/* RowsMean - mean[width] and standard errors over the rows of all ranks; first row of a rank a multiple of DENSITY_WAVE */
PetscErrorCode RowsMean(int64_t N, int64_t n, int width, const double *value, double *mean, double *err);

/*
  RowsControl - take from value what it owes to a companion of known mean: value -= c (companion - known), with the c of
  least variance, column by column

  In/out: value[n][width]   Input: companion[n][width], known
  Note:   c is fitted on the same rows, a bias of order 1/N times the standard error
*/
PetscErrorCode RowsControl(int64_t N, int64_t n, int width, const double *companion, double known,
                           double *value);

#endif
