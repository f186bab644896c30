#ifndef AD_SAMPLERIMPL_H
#define AD_SAMPLERIMPL_H
#include <petscts.h>
#include <petsc/private/petscimpl.h>
#include "adsampler.h"
#include "adscheme.h"

typedef enum { GRID_UNIFORM, GRID_QUADRATIC, GRID_LOG, GRID_SIGMA_RHO, GRID_SCALES } GridType;
typedef enum { LAST_NONE, LAST_MEAN, LAST_DENOISE } LastType;

/* ---- pure kernels ---- */

typedef struct {
  GridType type;
  int      n;         /* steps */
  double   start;     /* first time */
  double   t_min;     /* log: last time before 0 */
  double   sigma_min; /* sigma_rho, scales: last sigma before 0 */
  double   rho;
  double   variance; /* scales: of the data */
} GridSpec;

/*
  grid_times - forward times at which a sampler stands, falling from start to 0

  Output: t[n+1], t[0] = start, t[n] = 0
          uniform    t_i = start (1 - i/n)
          quadratic  t_i = start (1 - i/n)^2
          log        t_i = start (t_min/start)^{i/(n-1)} for i < n
          sigma_rho  sigma(t_i)^{1/rho} falls evenly from its value at start to sigma_min^{1/rho} for i < n
                     (Karras et al. 2022, eq. 5), whatever the process
          scales     the same where sigma^2 << variance, sparser above: density in log sigma as
                     sigma^{1/rho}/sqrt(1 + sigma^2/variance), because noise wider than the data hides all
                     of them alike: there the posterior mean moves little
  Return: KERNEL_OK, or KERNEL_RANGE, KERNEL_DEGENERATE of kernel_time_of_sigma
*/
int grid_times(const LinearSde *sde, const GridSpec *spec, double *t);

/* A stage as the fused loop wants it: L without the columns that are zero in all stages */
typedef struct {
  int    b, q, c;              /* q = 0: the model is not asked */
  double A[AD_BMAX * AD_BMAX]; /* [b][b] */
  double B[AD_BMAX * AD_BMAX]; /* [b][q] */
  double L[AD_BMAX * AD_BMAX]; /* [b][c] */
  int    g_is_mean;            /* g from ScoreDenoise rather than ScoreRespond */
  int    keep, kept;           /* is x0hat kept for later stages, and how many were before it */
  double weight, difference[AD_HISTORY];
} AffineMap;

/*
  affine_update - X <- A X + B g + L xi for each coordinate of each sample, in place

  Input:  n samples of d coordinates, g[n][q][d], xi[n][c][d] (not read if c = 0)
  In/out: X[n][b][d]
  Note:   fma in a fixed order: the bits of a sample depend on nothing but its own numbers
*/
void affine_update(const AffineMap *map, int d, int64_t n, const double *g, const float *xi, double *X);

/* affine_rate - F = A X + B g with g[n][gq][d], of which the first component counts; F must not overlap X */
void affine_rate(int b, const double *A, const double *B, int gq, int d, int64_t n, const double *g,
                 const double *X, double *restrict F);

/* What a stage takes from earlier posterior means of its samples, and where its own ones go */
typedef struct {
  int           depth; /* of before[] */
  double        weight, difference[AD_HISTORY];
  const double *before[AD_HISTORY]; /* [n][d] each, the latest first */
  double       *keep;               /* [n][d] or NULL; may be the last of before[] */
} History;

/* extrapolate_mean - g <- weight g + sum_j difference_j (g - before_j), keep <- g as it was on entry; count = n d */
void extrapolate_mean(const History *history, int64_t count, double *restrict g);

/*
  extrapolate_score - extrapolate_mean for scores: x0hat = z + sigma2 sz is what is kept and subtracted

  Input:  history (differences 1/sigma2 times those of extrapolate_mean),  k  the law at the time of X,  X[n][b*d]
  In/out: g[n][q][d]  its first component sz is replaced
*/
void extrapolate_score(const History *history, const Kernel *k, int q, int d, int64_t n, const double *X,
                       double *restrict g);

/* count_outside - how many of the rows X[n][width] hold a number that is not finite or larger than bound in modulus */
int64_t count_outside(int width, int64_t n, double bound, const double *X);

/* ---- everything a stage needs; built by SamplerSetUp, the same on all ranks ---- */
typedef struct {
  Score   score; /* borrowed */
  int     b, d, q;
  int     nsteps, nstages;
  double  t_final, *t; /* [nsteps+1] */
  int    *first_stage; /* [nsteps+1] of a step */
  Kernel *kernel; /* [nstages], law where a stage asks the model; flow: where it starts and where it stops */
  AffineMap *map; /* [nstages]; flow: the posterior mean that ends it */
  int        depth; /* earlier posterior means that are kept */
  double     bound; /* no number of a sound state is larger than this */
  uint64_t   seed;
  int64_t    N, first, n, wave;
} AffinePlan;

PetscErrorCode TSAffineRegisterAll(void);
PetscErrorCode TSAffineSetPlan(TS ts, const AffinePlan *plan);

/* ---- paths of chosen samples ---- */
typedef struct {
  PetscInt  n;     /* samples on all ranks; 0: nothing is recorded */
  PetscInt  nt;    /* -sampler_trajectory_times as given, then as recorded */
  double   *time;  /* [nt], falling */
  PetscInt *at;    /* [nt] index into the grid of times; not for the flow */
  int64_t  *index; /* [n] -sampler_trajectory_index, rising; or the first n samples */
  int64_t   from;  /* index[from] .. index[from + nlocal - 1] are on this rank */
  int64_t   nlocal;
  double   *state; /* [nt][nlocal][b*d] */
} Trajectory;

struct _p_Sampler {
  PETSCHEADER(int);
  /* parameters */
  PetscInt   scheme, order, steps, samples, grid, prior, last, wave, corrector;
  PetscReal  rho, sigma_min, sigma_max, t_min, rtol, atol, snr, churn;
  PetscReal  t_given; /* start from states given at this time; 0: from a prior, at t_final or sigma_max */
  PetscReal  sigma_suggested; /* default of sigma_min where something is known of the data; 0: nothing */
  uint64_t   seed;
  PetscReal  first_step; /* flow: -ts_dt, or 0 */
  Trajectory trajectory;
  /* parts */
  Process process;
  Score   score;
  Dataset dataset;
  TS      ts; /* on all ranks together; flow: one a rank, for one wave after the other */
  Vec     X;
  /* set up */
  const Coordinates *coordinates;
  AffinePlan         plan;
  double             t_start, t_stop;
  PetscBool          setup;
  /* status */
  double started, reported;
  double evaluations; /* of the score, a sample */
  char   label[512];
};

extern PetscLogEvent SAMPLER_STEP, SAMPLER_NOISE;

extern const char *const sampler_grid_names[];
extern const char *const sampler_prior_names[];
extern const char *const sampler_last_names[];

PetscErrorCode SamplerReadOptions(Sampler sampler, PetscBool declare);
PetscErrorCode SamplerCreateTS(Sampler sampler);
PetscErrorCode SamplerWarnOfInstability(Sampler sampler, const LinearSde *sde, const AffineStage *stage);
PetscErrorCode SamplerBuildPlan(Sampler sampler);
PetscErrorCode SamplerBuildFlow(Sampler sampler);
PetscErrorCode SamplerSolveFlow(Sampler sampler);
PetscErrorCode SamplerReport(Sampler sampler, double fraction, const char *what);

PetscErrorCode TrajectoryChoose(Trajectory *trajectory, PetscInt rows, const PetscReal *row);
PetscErrorCode TrajectorySetUp(Sampler sampler);
PetscErrorCode TrajectoryRecord(Sampler sampler, PetscInt frame, int64_t row, int64_t rows, const double *X);
PetscErrorCode TrajectoryRecordStep(Sampler sampler, PetscInt step, Vec X);
PetscErrorCode TrajectoryWrite(Sampler sampler, Output out);
PetscErrorCode TrajectoryFree(Trajectory *trajectory);

#endif
