#ifndef ADSCORE_H
#define ADSCORE_H
#include "addataset.h"
#include "adnet.h"
#include "adprocess.h"

/*
  Score - s(X, t) = grad log P_t(X), through what it says of the data: g

  q = 1: g = sz, the score of z = l.X in the clock; the full score is l sz - R X (Kernel).
  q = b: a joint net with several noised variables; g = (sz, sw_1 .. sw_{b-1}) and the score is l sz + Ew sw, where a
  consistent score would have sw = -e_w = -Ew^T X.
*/
typedef struct _p_Score *Score;

PetscErrorCode ScoreCreate(Score *score);
PetscErrorCode ScoreSetType(Score score, const char *type);
/* -score_type mixture|net, -score_file, -score_kind reduced|joint, -score_form whitened|mixed|mixed_paper|score|clock,
   -score_weights ema|last */
PetscErrorCode ScoreSetFromOptions(Score score);
PetscErrorCode ScoreDeclareOptions(void);
/* takes a reference */
PetscErrorCode ScoreSetProcess(Score score, Process process);
/* mixture: its law; net in training: its coordinates */
PetscErrorCode ScoreSetDataset(Score score, Dataset dataset);
/* net: reads -score_file, or prepares for training where a dataset was set instead */
PetscErrorCode ScoreSetUp(Score score);
PetscErrorCode ScoreDestroy(Score *score);
/* the exact score of a data set whose law is a Gaussian mixture, set up */
PetscErrorCode ScoreCreateExact(Process process, Dataset dataset, Score *score);

/* d, mean and variance of the data */
PetscErrorCode ScoreGetCoordinates(Score score, const Coordinates **c);
PetscErrorCode ScoreGetComponents(Score score, int *q);
/* -score_file of a net, else an empty text */
PetscErrorCode ScoreGetFile(Score score, const char **file);
/* "exact", "reduced net", "joint net" */
PetscErrorCode ScoreGetLabel(Score score, const char **label);
PetscErrorCode ScorePrintSummary(Score score);
/* Not collective; rows are independent of each other, bit for bit; X[n][b*d] diffused units, all at the kernel's time */
PetscErrorCode ScoreRespond(Score score, const Kernel *kernel, int64_t n, const double *X,
                            double *g /*[n][q][d]*/);
PetscErrorCode ScoreDenoise(Score score, const Kernel *kernel, int64_t n, const double *X,
                            double *x0hat /*[n][d]*/);
PetscErrorCode ScoreEvaluate(Score score, const Kernel *kernel, int64_t n, const double *X,
                             double *S /*[n][b*d]*/, double *logp /*[n] or NULL; exact scores only*/);
/* V^T d x0hat/dX beside x0hat; x0hat may be NULL */
PetscErrorCode ScorePullback(Score score, const Kernel *kernel, int64_t n, const double *X,
                             const double *V /*[n][d]*/, double *x0hat /*[n][d]*/, double *P /*[n][b*d]*/);
/* rows evaluated so far on this rank */
PetscErrorCode ScoreGetEvaluations(Score score, int64_t *rows);

/* ---- what the trainer needs of a network score ---- */
/* borrowed; AD_ERR_INPUT for an exact score */
PetscErrorCode ScoreGetNet(Score score, Net *net);
/*
  ScoreNetRows - training rows: the inputs of the net for states X, each at the time of its own kernel, and the values the
  outputs should have if the score there were S; residuals have unit-variance scale at all times, but for the score form

  Not collective; called once for every chunk of 64 rows of a training batch, so it should cost little more than 20 ns a row

  Input:  kernel[n] (pointers), X[n][b*d], S[n][b*d]   Output: in[n][nin], target[n][nout]
*/
PetscErrorCode ScoreNetRows(Score score, int64_t n, const Kernel *const *kernel, const double *X,
                            const double *S, float *in, float *target);

/* What the squared errors of a net count in training (formulas: score_net_weight in private/scoreimpl.h) */
typedef enum { WEIGHT_WHITENED, WEIGHT_LIKELIHOOD, WEIGHT_V1, WEIGHT_V2, WEIGHT_DET } ScoreWeight;
/*
  ScoreNetWeights - the weights at the times of the kernels

  Not collective
  Input:  kernel[n]  of the score's process, at equally likely training times
  Output: w[n][q*q]  the loss of a row is the mean over coordinates of err^T w err/q, err the q errors of a coordinate;
                     NULL when all are 1. The caller frees it
  Note:   normalised so that a score of zero has the mean loss 1 (but for the reduced whitened one), whatever weighting and form
  Errors: AD_ERR_INPUT when this net cannot be weighted so
*/
PetscErrorCode ScoreNetWeights(Score score, ScoreWeight weight, int64_t n, const Kernel *kernel, float **w);
/* /score attributes and weights, /coordinates, /process */
PetscErrorCode ScoreWrite(Score score, Output out, const float *ema);

#endif
