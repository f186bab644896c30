#ifndef AD_RHMIMPL_H
#define AD_RHMIMPL_H
#include "adcommand.h"
#include "adprocess.h"
#include "adrhm.h"
#include "adrhmtheory.h"

/*
  adiff rhm: what is left of a hierarchy when its leaves are noised (paper section V, figure 9)

  A leaf that holds symbol y is the unit vector e_y in v dimensions; every coordinate is noised by the process. Whatever the
  process and whatever part of X = (x, aux) the reader uses, the log-likelihood of symbol mu at a leaf is linear in the
  noised coordinate mu, |e_mu|^2 being the same for all: a weight times X_mu. A case is such a weight on such a noise.
*/
typedef enum {
  RHM_JOINT,       /* all variables of the process: z/sigma2 */
  RHM_X_ALONE,     /* x only: u_x x/Cb_xx */
  RHM_PASSIVE,     /* passive noise at the same total temperature */
  RHM_EQUIVALENT,  /* passive noise with the same stationary variance of x */
  RHM_EQUAL_SIGMA, /* passive noise at the time at which its clock shows the same sigma */
  RHM_PRINTED,     /* the process, read by (A63), (A64) as printed */
  RHM_LEGACY,      /* as published: so read, and x without the part that eta0 has given it */
  RHM_CASES
} RhmCase;

extern const char *const rhm_case_names[]; /* NULL-ended */

enum {
  RHM_PLANES      = 2 * AD_BMAX - 1, /* standard normals behind a noised coordinate: b of e, b - 1 of aux0 */
  RHM_CHUNK       = 16,              /* leaves whose normals are made together */
  RHM_LISTS       = 64,              /* values of each of L, s, v, m */
  RHM_SIZES       = 10000,           /* combinations of them */
  RHM_TIMES       = 1000,
  RHM_SPLIT       = 4,                   /* parts of an interval of times around t_50, */
  RHM_FINE        = 3 * (RHM_SPLIT - 1), /* points in it and its two neighbours */
  RHM_MAX_SYMBOLS = 4096
};

/*
  RhmLaw - what one case does to a leaf at one time

  X = F (x0, aux0) + Lc e: the solution of the process itself, not by way of its clock, which only weighs X afterwards
*/
typedef struct {
  double sigma2;          /* noise-to-signal ratio of what the reader looks at: of z, or of x alone */
  double weight[AD_BMAX]; /* log-likelihood of mu: weight.X_mu + const; zero for noise of another process */
  double signal;          /* that is signal (mu is the truth) + noise.e(mu) + const, e standard normal */
  double noise[RHM_PLANES];
} RhmLaw;

/* rhm_planes - standard normals a coordinate of a process of b variables */
int rhm_planes(int b);

/*
  rhm_factors - X_a = u_a x0 + sum_j T[a][j] e_j: how a noised coordinate comes from standard normals

  Output: T[b][RHM_PLANES]  columns 0..b-1: Lc, columns b..2b-2: F_{., aux} times the factor of V0
*/
void rhm_factors(const LinearSde *sde, const Kernel *k, double *T);

/*
  rhm_law - a case on the noise of the process: joint, x_alone, printed, legacy (the latter two: active noise)

  Note: Bayes gives a (mb22 x - mb12 eta)/det Cb = z/sigma2; (A63), (A64) are printed with m11 and m22 exchanged
*/
void rhm_law(const LinearSde *sde, const Kernel *k, RhmCase which, RhmLaw *law);

/* rhm_law_passive - the posterior under passive noise whose clock shows sigma2 */
void rhm_law_passive(double sigma2, RhmLaw *law);

/*
  rhm_noise - the normals of one tree, spread into its lane

  Input:  stream, tree     leaf l has the sample index tree leaves + l
  Work:   work[RHM_CHUNK][planes][v]
  Output: e[leaves][planes][v][RHM_LANES], of which this lane
*/
void rhm_noise(RngStream stream, uint64_t tree, int leaves, int planes, int v, int lane, float *work,
               float *e);

/*
  rhm_leaf_likelihoods - noise the leaves and read them: likelihoods of all symbols, with sum 1

  Input:  truth[leaves][RHM_LANES], e as of rhm_noise
  Output: likelihood[leaves][v][RHM_LANES]
*/
void rhm_leaf_likelihoods(const RhmLaw *law, int leaves, int planes, int v, const int *truth, const float *e,
                          double *likelihood);

/*
  rhm_leaf_states - noise the leaves of one lane: all variables

  Input:  u[b] of the kernel, T of rhm_factors, truth, e as of rhm_leaf_likelihoods
  Output: state[leaves][v][b]
*/
void rhm_leaf_states(const double *u, const double *T, int b, int leaves, int planes, int v, int lane,
                     const int *truth, const float *e, double *state);

/* rhm_state_logits - log-likelihoods of given states[leaves][v][b] of one tree, into its lane of logit[leaves][v][RHM_LANES] */
void rhm_state_logits(const RhmLaw *law, int leaves, int v, int b, const double *state, int lane,
                      double *logit);

/* ---- statistics: rhm_statistics.c ---- */

/* rhm_mean - weighted mean over independent groups, and its standard error (NaN for one group) */
void rhm_mean(int n, const double *weight, const double *value, double *mean, double *err);

/*
  rhm_half - where a falling curve has the height 1/2

  Input:  x[n] rising, y[n]
  Work:   work[2 n]
  Return: by linear interpolation of the falling sequence nearest to y (isotonic regression); the middle where it stays at
          1/2; NaN unless it begins above 1/2 and ends below
*/
double rhm_half(int n, const double *x, const double *y, double *work);

/*
  rhm_half_jackknife - the same for the mean of n curves, with its error from leaving out each in turn

  Input:  weight[n], x[points], curve[n][points]
  Work:   work[3 points]
  Output: half, err  NaN where it cannot be told
*/
void rhm_half_jackknife(int n, const double *weight, int points, const double *x, const double *curve,
                        double *work, double *half, double *err);

/*
  rhm_calibration - is the mean over groups of (share of hits - mean confidence) zero?

  Output: t  that mean in its standard errors (NaN where there is no scatter)
  Return: two-sided p by Student's law
*/
double rhm_calibration(int n, const double *weight, const double *excess, double *t);

/* ---- the command ---- */

typedef enum { RHM_EXPERIMENT, RHM_POSTERIOR, RHM_DRAW } RhmMode;

typedef struct {
  RhmMode   mode;
  uint64_t  seed;
  PetscInt  grammars, trials, draw;
  PetscInt  nsizes, ncases, nt;
  Grammar  *size;   /* [nsizes], without rules */
  PetscBool sigmas; /* times are those of the values of the clock in t[] */
  PetscReal t[RHM_TIMES];
  RhmCase   which[RHM_CASES];
  PetscBool all_cases;  /* those that fit the noises */
  PetscReal time;       /* of given or drawn leaves; NaN: that of their file */
  PetscInt  population; /* of the density evolution that predicts the transition; 0: none, -1: by size */
  PetscReal memory;     /* GiB a rank may use */
  char      grammar_file[PETSC_MAX_PATH_LEN], leaves_file[PETSC_MAX_PATH_LEN];
} RhmOptions;

/* rhm_reads_process - is the noise of this case that of the process itself, as in leaves of a file? */
int rhm_reads_process(RhmCase which);

/* rhm_is_right - does its reader know the law of what it reads? */
int rhm_is_right(RhmCase which);

PetscErrorCode RhmReadOptions(PetscBool all, RhmOptions *o);
PetscErrorCode RhmFreeOptions(RhmOptions *o);
PetscErrorCode RhmCheckMemory(const RhmOptions *o, double bytes, const char *what);

PetscErrorCode RhmCheckCase(Process process, RhmCase which);
PetscErrorCode RhmGetLaw(Process process, RhmCase which, const Kernel *k, RhmLaw *law);
PetscErrorCode RhmGetLaws(RhmOptions *o, PetscInt n, Process *process, double **time, RhmLaw **law);

/* ---- trees of one grammar side by side, with what their propagation needs: rhm_trees.c ---- */

typedef struct {
  Grammar g;
  int     planes, lanes; /* standard normals a coordinate; trees of this block, at most RHM_LANES */
  int64_t first[RHM_MAX_LEVELS + 2]; /* of the nodes of a level */
  int    *child, *room;              /* drawn rules, NULL for given ones, and work */
  int    *symbol;                    /* of all nodes of one tree */
  int    *truth;                     /* [nodes][RHM_LANES] */
  float  *e, *part;                  /* [leaves][planes][v][RHM_LANES] */
  double *raw, *likelihood, *work;
  int64_t grammar, block; /* those that are there; -1: none */
} RhmTrees;

PetscErrorCode RhmTreesCreate(const Grammar *size, int planes, RhmTrees *trees);
PetscErrorCode RhmTreesDestroy(RhmTrees *trees);
double         rhm_trees_bytes(const Grammar *g, int planes);
double         rhm_work(const Grammar *g, int lowest); /* multiplications of one propagation, about */
void           rhm_trees_draw(uint64_t seed, int64_t grammar, int64_t block, int lanes, RhmTrees *trees);

/* Sums over the nodes of a level: hits of the most probable symbol, its probability, that of the truth, -log of the latter */
enum { RHM_HITS, RHM_SURE, RHM_TRUE, RHM_LOSS, RHM_SUMS };
void rhm_trees_judge(RhmTrees *trees, const RhmLaw *law, int lowest, double *sums, double *floored);

/* ---- the experiment ---- */

typedef enum {
  RHM_ACCURACY,
  RHM_CONFIDENCE,
  RHM_BELIEF,
  RHM_LOG_LOSS,
  RHM_EXCESS,
  RHM_QUANTITIES
} RhmQuantity;

/* What is measured: a setting is a size and a noise, sizes slowest */
typedef struct {
  RhmOptions *o;
  ProcessGrid grid;
  Grammar     given; /* of a file */
  int        *child;
  PetscInt    settings, levels; /* levels of the largest size, leaves and root counted */
  double     *time;             /* [np][nt] */
  RhmLaw     *law;              /* [np][ncases][nt] */
  double *value[RHM_QUANTITIES], *err[RHM_QUANTITIES]; /* [setting][case][time][level], NaN above the root */
  double *half[2], *half_err[2]; /* [setting][case]: time and sigma2 at which half of the roots are lost */
  double *calibration, *chance;  /* [setting][case][level]: mean excess in standard errors, two-sided p */
  double *floored;               /* [setting][case]: lost messages */
  RhmPrediction *prediction;     /* [size], NULL: not asked for */
  double         bytes;          /* memory of a rank */
  double         done, all, started, said; /* work and times, for the progress line */
} RhmStudy;

/* A setting at some times: its units of work are a block of trees at a time, times fastest */
typedef struct {
  const RhmOptions *o;
  PetscInt          nt;
  const RhmLaw     *law; /* [ncases][nt]; sigma2 = 0: nothing is to be done there */
  Grammar           g;
  int64_t           grammars, blocks, units, groups; /* groups: what errors are over */
  int               lowest, planes, levels;
  int               width;  /* of a unit: sums of all cases and levels, then floored of all cases */
  double           *weight; /* [groups]: trees */
  double           *sums;   /* [groups][nt][width] */
} RhmSetting;

PetscErrorCode RhmSettingCreate(const RhmStudy *study, PetscInt setting, PetscInt nt, const RhmLaw *law,
                                int lowest, RhmSetting *s);
PetscErrorCode RhmSettingRun(RhmStudy *study, const RhmSetting *s);
PetscErrorCode RhmSettingDestroy(RhmSetting *s);
void           rhm_group_values(const RhmSetting *s, PetscInt c, PetscInt time, int level, RhmQuantity q,
                                double *value);

PetscErrorCode RhmStudyCreate(RhmOptions *o, RhmStudy *study);
PetscErrorCode RhmStudySetUp(RhmStudy *study);
PetscErrorCode RhmPrintPlan(const RhmStudy *study);
PetscErrorCode RhmStudyDestroy(RhmStudy *study);
PetscErrorCode RhmMeasure(RhmStudy *study, PetscInt setting);
PetscErrorCode RhmFindHalf(RhmStudy *study, PetscInt setting, const RhmSetting *s);
PetscErrorCode RhmWriteStudy(const RhmStudy *study, Output out);
PetscErrorCode RhmPrintStudy(const RhmStudy *study);

/* ---- files: rhm_files.c, rhm_posterior.c ---- */

PetscErrorCode RhmReadGrammar(const RhmOptions *o, Grammar *g, int **child);
PetscErrorCode RhmDrawLeaves(const CommandLine *line, const RhmOptions *o, Process process);
PetscErrorCode RhmTakeLeavesOptions(RhmOptions *o);
PetscErrorCode RhmReadLeaves(const CommandLine *line, const RhmOptions *o, Process process);

#endif
