#ifndef AD_COMPAREIMPL_H
#define AD_COMPAREIMPL_H
#include "admetrics.h"
#include "adprocess.h"
#include "adstatistics.h"

/*
  adiff compare: noises against each other, under one control at a time

  options -> request -> plan: which models, samplings and cells there are (pure, compare_plan.c)
  plan -> values, by training and sampling as adiff train and adiff sample do (compare_run.c)
  values -> tests (pure, compare_tests.c) -> words (compare_words.c) -> files (compare_write.c)
*/

enum {
  COMPARE_NOISES  = 16,
  COMPARE_STEPS   = 16,
  COMPARE_SCORES  = 5,
  COMPARE_METRICS = 6,
  COMPARE_SEEDS   = 256
};

/* ---- noises: compare_noise.c ---- */

typedef struct {
  char    label[96]; /* active tau 0.5 */
  KeyList keys;      /* -process_type and what follows the colon */
  /* at scale 1; the first two grow with the scale, the clock with its root */
  double temperature, variance;     /* total temperature and stationary variance of x; NaN: it has none */
  double sigma_end;                 /* clock at t_final */
  double sigma_last[COMPARE_STEPS]; /* clock at the last time before 0 of a uniform grid of steps[i] */
} CompareNoise;

/*
  compare_parse_noise - type[:key=value]... as keys of the process

  Output: noise    label and keys
          problem[size]  what is wrong, if anything
  Return: nonzero if something is
*/
int compare_parse_noise(const char *word, CompareNoise *noise, size_t size, char *problem);

/* ---- what is asked for, and what it takes: compare_plan.c ---- */

/* What all noises have in common beside the data */
typedef enum { WAY_TIME, WAY_TEMPERATURE, WAY_VARIANCE, WAY_SIGMA, COMPARE_WAYS } CompareWay;
typedef enum { LEARNT_EXACT, LEARNT_REDUCED, LEARNT_JOINT, COMPARE_KINDS } CompareKind;
enum { LAW_UNIFORM, LAW_LOG, LAW_SIGMA, LAW_LOGNORMAL, COMPARE_LAWS };
enum { COMPARE_EM, COMPARE_ANC, COMPARE_DDIM, COMPARE_SSCS, COMPARE_ABM, COMPARE_SCHEMES };
enum { COMPARE_NONE, COMPARE_MEAN, COMPARE_DENOISE, COMPARE_LASTS };

extern const char *const compare_way_names[], *const compare_way_texts[],
                                                  *const             compare_kind_names[],
                                                      *const         compare_law_names[],
                                                          *const     compare_scheme_names[],
                                                              *const compare_last_names[]; /* NULL-ended */

typedef struct {
  int kind, law; /* law: of the training times of joint nets */
} CompareScore;

typedef struct {
  int          nnoises, nways, nscores, nschemes, nsteps, nlasts, seeds;
  CompareNoise noise[COMPARE_NOISES];
  int          way[COMPARE_WAYS];
  CompareScore score[COMPARE_SCORES];
  int          scheme[COMPARE_SCHEMES], steps[COMPARE_STEPS], last[COMPARE_LASTS];
  double       sigma_max; /* of equal sigma grids; 0: the smallest at which a noise ends */
  double       sigma_min; /* of the training times in sigma; 0: the smallest sigma that a cell visits */
  int64_t      samples;
  double       grid_min; /* -sampler_sigma_min: last sigma of equal sigma grids before 0 */
  uint64_t     seed;
} CompareRequest;

/* A network, trained once a seed */
typedef struct {
  int    score, noise;
  double scale, sigma_min, sigma_max; /* sigma_max 0: uniform in t */
} CompareModel;

/* A set of samples, drawn once a seed */
typedef struct {
  int    noise, score, scheme, last, steps, model; /* model -1: exact score */
  double scale, sigma_max;                         /* sigma_max 0: uniform grid of t from t_final on */
} CompareSampling;

/* An entry of the result; cells of several ways may share a sampling */
typedef struct {
  int way, score, noise, scheme, last, steps, sampling;
  int same_as; /* the first way in which this noise is the same, maybe this one */
} CompareCell;

typedef struct {
  int              nmodels, nsamplings, ncells;
  CompareModel    *model;    /* [bound] */
  CompareSampling *sampling; /* [bound] */
  CompareCell     *cell;     /* [bound] way, score, scheme, last, steps, noise: the last runs fastest */
} ComparePlan;

/* compare_bound - no plan of this request has more models, samplings or cells. */
int compare_bound(const CompareRequest *r);

/* compare_scale - by what the temperatures of a noise are multiplied in a way; NaN where the way does not apply to it. */
double compare_scale(const CompareRequest *r, int way, int noise);

/* compare_sigma_max - where equal sigma grids start. */
double compare_sigma_max(const CompareRequest *r);

/* compare_plan - all cells of a request, and the fewest models and samplings that fill them; arrays of compare_bound(). */
void compare_plan(const CompareRequest *r, ComparePlan *plan);

/* Seeds: every repetition of every noise has its own, for training and for sampling, so that all values are independent;
   below 2^31, so that adiff train and adiff sample take them too */
uint64_t compare_training_seed(const CompareRequest *r, const CompareModel *model, int repetition);
uint64_t compare_sampling_seed(const CompareRequest *r, const CompareSampling *sampling, int repetition);

/* The options of a training or a sampling; nonzero when there is no room */
int  compare_model_keys(const CompareRequest *r, const CompareModel *model, KeyList *keys);
int  compare_sampling_keys(const CompareRequest *r, const CompareSampling *sampling, KeyList *keys);
void compare_score_label(const CompareScore *score, size_t size, char *label); /* joint uniform */
/* model_name - file name without folder: kind, hash of the options, seed number */
void compare_model_name(const CompareRequest *r, const CompareModel *model, int repetition, size_t size,
                        char *name);

/* ---- tests: compare_tests.c ---- */

/* Two noises in one cell of way, score, scheme, last step and steps, by one metric */
typedef struct {
  int       family, metric, cell[2]; /* family: way, score and metric */
  WelchTest test;
  double    adjusted; /* p by Holm over the family; NaN: one of them diverged */
  double    half;     /* 95 % interval of this difference alone: +- half */
  double    half_all; /* the same for all of the family together (Bonferroni) */
  int       better;   /* 0 or 1: that noise is better at the level asked for; -1: none is */
} ComparePair;

int compare_pairs_bound(const CompareRequest *r, const ComparePlan *plan, int nm);
int compare_tests(const CompareRequest *r, const ComparePlan *plan, int nm, const double *single,
                  double level, ComparePair *pair, double *p, double *adjusted, int *work);

/* ---- words: compare_words.c ---- */

typedef struct {
  int    n, room;
  char **line;
} TextLines;

/* Everything between reading options and writing results */
typedef struct {
  CompareRequest request;
  ComparePlan    plan;
  double         level;
  char           metrics_list[256], folder[PETSC_MAX_PATH_LEN];
  PetscInt       reference_rows, floor_sets;
  Dataset        dataset;
  int64_t        M;
  double        *rows;       /* [this rank's of M][d] of the reference, raw units */
  MixtureData    law, peaks; /* in raw units, n = 0: none */
  Metrics        metrics;
  /* results */
  int                 nm, npairs;
  const MetricColumn *column[COMPARE_METRICS]; /* as -compare_metrics lists them */
  int                 place[COMPARE_METRICS];  /* of each in what MetricsCompute gives */
  double             *value;                   /* [nsamplings][seeds][nm]; NaN: diverged */
  double             *sigma;                   /* [nsamplings][2] first and last sigma of the grid */
  int                *diverged;                /* [nsamplings] repetitions */
  double             *single, *mean, *err;     /* [ncells][seeds][nm], [ncells][nm] */
  double             *floor, *floor_err;       /* [nm] */
  ComparePair        *pair;                    /* [npairs] */
  TextLines           terminal, text;          /* first metric; all */
} Compare;

PetscErrorCode TextAdd(TextLines *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
PetscErrorCode TextFree(TextLines *text);
PetscErrorCode CompareTables(const Compare *c, int metric, TextLines *text);
PetscErrorCode CompareVerdicts(const Compare *c, int metric, TextLines *text);
PetscErrorCode CompareClaims(const Compare *c, TextLines *text);

/* ---- running and writing ---- */

PetscErrorCode CompareReadOptions(Compare *c, uint64_t seed, const char *output, const char *command);
PetscErrorCode CompareReadNoises(CompareRequest *r, const char *list);
PetscErrorCode CompareReadSampler(CompareRequest *r);
PetscErrorCode CompareMeasure(const Compare *c, int64_t N, const double *x, double *value);
PetscErrorCode CompareCheckRuns(const Compare *c);
PetscErrorCode CompareTrainModels(const Compare *c, PetscBool *stopped);
PetscErrorCode CompareDrawSamples(Compare *c, PetscBool *stopped);
PetscErrorCode CompareWrite(const Compare *c, Output out);
PetscErrorCode CompareWriteText(const Compare *c, const char *path);

#endif
