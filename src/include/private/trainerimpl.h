#ifndef AD_TRAINERIMPL_H
#define AD_TRAINERIMPL_H
#include "adadam.h"
#include "adtrainer.h"
#include <petsc/private/petscimpl.h>

/* ---- sums of gradients in one fixed binary tree (reduce.c) ---- */

void tree_join(int parts, int64_t length, float *const *part);

typedef struct {
  int      chunks, first, n; /* chunks of the batch; this rank's share */
  int64_t  length;           /* floats of one sum */
  int      top, depth, used; /* partial sums now, at most, and left over from the last sum */
  TreeNode node[TREE_DEPTH];
  float   *part[TREE_DEPTH]; /* [depth] arrays of length floats */
  /* exchange between ranks: rank r adds up floats segment[r] .. segment[r + 1] - 1 */
  int          ranks, rank, all; /* all: partial sums of all ranks */
  int         *count;            /* [ranks] partial sums of a rank */
  TreeNode    *node_of;          /* [all] in the order of the chunks */
  int         *segment, *width;  /* [ranks + 1], [ranks] */
  float       *received, *total;
  MPI_Request *request;
} TreeSum;

PetscErrorCode TreeSumCreate(int chunks, int64_t length, TreeSum *sum);
PetscErrorCode TreeSumNext(TreeSum *sum, float **chunk);
PetscErrorCode TreeSumAdd(TreeSum *sum);
PetscErrorCode TreeSumFinish(TreeSum *sum, float **total);
PetscErrorCode TreeSumDestroy(TreeSum *sum);

/* ---- training rows (loss.c) ---- */

/* Normals a coordinate, and the state and the regression target of the score made of them */
typedef struct {
  const char *name;
  int (*normals)(int b);
  void (*rows)(int n, int d, const Kernel *const *kernel, const double *Lv, const float *e, const double *x0,
               double *X, double *S);
} TrainLoss;

extern const TrainLoss train_hsm, train_dsm;

void aux_factor(const LinearSde *sde, double *Lv);
void loss_rows(int n, int nout, const float *out, const float *target, float *dout, double *loss);
void loss_rows_weighted(int n, int q, int d, const float *out, const float *target,
                        const float *const *weight, float *dout, double *loss);

/* ---- a user's own file of rows (own_data.c) ---- */

typedef struct {
  int64_t rows;           /* to train on */
  int     queries, twins; /* rows whose nearest other one was looked for; those that have one at distance 0 */
  int     far_column;     /* where a row is farthest from the mean */
  double *extent, far;    /* [d] farthest row of each column, largest of them; diffused units */
  double  nearest;        /* median distance to the nearest other row, over sqrt(d) */
  double  deviation, steps; /* of the columns, root mean square; iterations that fit the number of rows */
} OwnData;

PetscErrorCode OwnDataOpen(int nfiles, char **file);
PetscErrorCode OwnDataMeasure(Dataset dataset, OwnData *own);
PetscErrorCode OwnDataChoose(Dataset dataset, OwnData *own);
PetscErrorCode OwnDataPrintSummary(const OwnData *own, Dataset dataset);
PetscErrorCode OwnDataPrintNext(const char *output);
PetscErrorCode OwnDataFree(OwnData *own);

/* ---- the object ---- */

enum { TRAIN_BINS = 4 };  /* bins of time in the log */
enum { TRAIN_POLL = 16 }; /* iterations between looks at clock and signals */
typedef enum { TIMES_UNIFORM, TIMES_LOG, TIMES_SIGMA, TIMES_LOGNORMAL, TIMES_LAWS } TimesLaw;
typedef enum { SCHEDULE_CONSTANT, SCHEDULE_COSINE } Schedule;

double times_quantile(TimesLaw law, double lo, double hi, double p);
int    times_by_sigma(TimesLaw law);
double lognormal_quantile(double mean, double deviation, double lo, double hi, double p);
double rate_factor(Schedule schedule, int64_t warmup, int64_t iterations, int64_t step);

/* One line of the log */
typedef struct {
  int64_t iteration;
  double  loss, bins[TRAIN_BINS], validation, validation_bins[TRAIN_BINS];
} TrainRecord;

struct _p_Trainer {
  PETSCHEADER(int);
  /* options */
  uint64_t  seed;
  PetscInt  iterations, batch, warmup, nodes, log_every, validate; /* log_every 0: chosen in SetUp */
  PetscInt  schedule, loss_type, law, weighting;
  PetscReal rate, clip, ema_decay, weight_decay, t_min, sigma_min, sigma_max, p_mean, p_std, data_sd,
      checkpoint_every, max_wall;
  PetscBool resume;
  /* parts */
  Process          process;
  Dataset          dataset;
  Score            score;
  Net              net;
  const TrainLoss *loss;
  int              b, d, q, nin, nout, block; /* block: rows of a chunk */
  int64_t          rows;                      /* training rows, -1: without end */
  double           Lv[AD_BMAX * AD_BMAX];     /* V0 = Lv Lv^T */
  Kernel          *kernel;                    /* [nodes] */
  float           *weight;                    /* [nodes][q*q], NULL: all are one */
  /* one chunk */
  int64_t       *index;
  const Kernel **at;
  const float  **row_weight;
  float         *e, *in, *target, *out, *dout;
  double        *u, *x0, *X, *S, *row_loss;
  /* held-out rows of this rank */
  int64_t       held, held_n, held_first; /* rows on all ranks, this rank's share, and the first of it */
  float        *held_in, *held_target;
  const float **held_weight; /* [held_n] */
  /* state */
  int64_t      iteration, np;
  float       *theta, *m, *v, *ema;
  TreeSum      sum;
  double      *sums;   /* [chunks of this rank][TRAIN_BINS] of the losses since the last line of the log */
  int64_t      since;  /* iterations since then */
  TrainRecord *record; /* [records] */
  PetscInt     records, room;
  /* clock */
  double  started, saved;
  int64_t started_at;
};

PetscErrorCode TrainerSetUpTimes(Trainer t);
PetscErrorCode TrainerMakeRows(Trainer t, uint32_t step, int64_t first, int n, int64_t slots,
                               DatasetSplit split, float *in, float *target);
void           trainer_loss(Trainer t, int n, const float *target, const float *const *weight);
PetscErrorCode TrainerSetUpValidation(Trainer t);
PetscErrorCode TrainerLog(Trainer t);
PetscErrorCode TrainerAddRecord(Trainer t, const TrainRecord *record);
PetscErrorCode TrainerWriteRecords(Trainer t, Output out);
PetscErrorCode TrainerSave(Trainer t, const char *path);
PetscErrorCode TrainerResume(Trainer t, const char *path);
int options_differ(const char *before, const char *now, const char *const *free_keys, size_t size, char *key);

#endif
