#ifndef SCORE_CASE_H
#define SCORE_CASE_H
/* Processes, data and scores that tests of scores share */
#include "ad_check.h"
#include "refusal.h"
#include "private/scoreimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOY "-dataset_means 0.8,-0.5 -dataset_variances 0.05,0.4 -dataset_weights 0.3,0.7 "
#define PLANE                                                                                                \
  "-dataset_dim 2 -dataset_means 1.2,0.1,-0.8,0.4,-0.1,-0.5 -dataset_variances 0.04,0.3,0.01,0.1,0.2,0.02 "  \
  "-dataset_weights 0.5,0.2,0.3 "
#define ROUND "-dataset_dim 2 -dataset_means 0.4,-0.9 -dataset_variances 0.3 "
#define NET   "-score_type net -net_width 32 -net_depth 2 "

static const char *const processes[] = {
    "-process_type passive -process_k 1.3 -process_tp 0.8 ",
    "-process_type active -process_k 1.3 -process_tau 0.7 -process_ta 0.9 ",
    "-process_type active -process_k 1.3 -process_tau 0.7 -process_tp 0.2 -process_ta 0.9 ",
    "-process_type cld ",
    "-process_type general -process_m -1,1,0,0,-2,1,0,-1,-3 -process_g 0,0,0,0,0,0,0,0,1.5 -process_cov0 "
    "0.3,0.1,0.1,0.4 ",
    "-process_type general -process_m -1,0.75,-0.5,0.25,-2,1.25,-0.375,0.5,-0.6 -process_g "
    "0.7,0,0,0.2,1,0,-0.3,0.4,0.8 -process_cov0 0.75,-0.25,-0.25,0.5 ",
};
enum { PROCESSES = 6 };
static const int noised[PROCESSES] = {1, 1, 2, 1, 1, 3}; /* variables with noise of their own */

static const double times[] = {0.02, 0.3, 1};
enum { TIMES = 3 };

typedef struct {
  Process process;
  Dataset dataset;
  Score   score;
  int     b, d;
} Case;

/* Process, data and score from strings of options; a net with -score_file gets no data */
static inline PetscErrorCode make(const char *process, const char *data, const char *score, Case *c)
{
  PetscOptions       options;
  const LinearSde   *sde;
  const Coordinates *coordinates;

  PetscFunctionBegin;
  *c = (Case){0};
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PetscOptionsInsertString(options, process));
  PetscCall(PetscOptionsInsertString(options, data));
  PetscCall(PetscOptionsInsertString(options, score));
  PetscCall(ProcessCreate(&c->process));
  PetscCall(ProcessSetFromOptions(c->process));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(ScoreCreate(&c->score));
  PetscCall(ScoreSetFromOptions(c->score));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(ProcessSetUp(c->process));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(ScoreSetProcess(c->score, c->process));
  if (!strstr(score, "-score_file")) PetscCall(ScoreSetDataset(c->score, c->dataset));
  PetscCall(ScoreSetUp(c->score));
  PetscCall(ProcessGetSde(c->process, &sde));
  PetscCall(ScoreGetCoordinates(c->score, &coordinates));
  c->b = sde->b;
  c->d = coordinates->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void drop(Case *c)
{
  ck_call(ScoreDestroy(&c->score));
  ck_call(DatasetDestroy(&c->dataset));
  ck_call(ProcessDestroy(&c->process));
}

/* The error of a set-up that should fail, with its line kept from the screen */
static inline PetscErrorCode refused(const char *process, const char *data, const char *score)
{
  Case           c;
  PetscErrorCode code;

  QUIET(code, make(process, data, score, &c));
  drop(&c);
  return code;
}

/* n noised rows of the case's data: x0[n][d], X[n][b*d] */
static inline void draw(const Case *c, const Kernel *k, int n, double *x0, double *X)
{
  const RngStream stream = {5, RNG_NOISE, 0};
  int64_t        *index  = malloc(sizeof(int64_t) * (size_t)n);

  for (int i = 0; i < n; i++) index[i] = i;
  ck_call(DatasetGetRows(c->dataset, SPLIT_TRAIN, n, index, x0, NULL));
  ck_call(ProcessNoise(c->process, k, c->d, stream, 0, n, x0, X));
  free(index);
}

/* Spread of component a with the others held fixed: 1/sqrt((Cb^{-1})_aa); scores have the unit 1/spread */
static inline double spread(const Kernel *k, int a)
{
  return 1 / sqrt(k->l[a] * k->l[a] / k->sigma2 + k->R[a * k->b + a]);
}

#endif
