#ifndef TRAINER_CASE_H
#define TRAINER_CASE_H
/* A trainer with its parts from a string of options, for the tests of training */
#include "ad_check.h"
#include "refusal.h"
#include "private/trainerimpl.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACTIVE  "-process_type active -process_tau 0.7 -process_tp 0.2 -process_ta 0.9 "
#define WHITE   "-process_type active "
#define BLOB    "-dataset_means 0.3 -dataset_variances 0.25 "
#define TWO     "-dataset_means 0.6,-0.9 -dataset_variances 0.04,0.09 -dataset_weights 0.4,0.6 "
#define REDUCED "-score_type net -score_kind reduced -net_width 32 -net_depth 2 "
#define JOINT   "-score_type net -score_kind joint -net_width 32 -net_depth 2 "
#define SMALL   "-trainer_batch 128 -trainer_nodes 256 -trainer_validate 256 "

typedef struct {
  Process process;
  Dataset dataset;
  Score   score, exact;
  Trainer trainer;
} Case;

static inline PetscErrorCode make_parts(const char *text, Case *c)
{
  PetscFunctionBegin;
  PetscCall(ProcessCreate(&c->process));
  PetscCall(ProcessSetFromOptions(c->process));
  PetscCall(DatasetCreate(&c->dataset));
  PetscCall(DatasetSetSeed(c->dataset, 7));
  PetscCall(DatasetSetFromOptions(c->dataset));
  PetscCall(ScoreCreate(&c->score));
  PetscCall(ScoreSetFromOptions(c->score));
  PetscCall(TrainerCreate(&c->trainer));
  PetscCall(TrainerSetSeed(c->trainer, 7));
  PetscCall(TrainerSetScore(c->trainer, c->process, c->dataset, c->score));
  PetscCall(TrainerSetFromOptions(c->trainer));
  PetscCall(ProcessSetUp(c->process));
  PetscCall(DatasetSetUp(c->dataset));
  PetscCall(ScoreSetProcess(c->score, c->process));
  PetscCall(ScoreSetDataset(c->score, c->dataset));
  PetscCall(ScoreSetUp(c->score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A trainer and its parts from a string of options; set up unless the caller is to see how that fails */
static inline PetscErrorCode make(const char *text, PetscBool setup, Case *c)
{
  PetscOptions options;

  PetscFunctionBegin;
  *c = (Case){0};
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PetscOptionsInsertString(options, text));
  PetscCall(make_parts(text, c));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  if (setup) PetscCall(TrainerSetUp(c->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode unmake(Case *c)
{
  PetscFunctionBegin;
  PetscCall(TrainerDestroy(&c->trainer));
  PetscCall(ScoreDestroy(&c->exact));
  PetscCall(ScoreDestroy(&c->score));
  PetscCall(DatasetDestroy(&c->dataset));
  PetscCall(ProcessDestroy(&c->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The exact score of the same data */
static inline PetscErrorCode make_exact(Case *c)
{
  PetscFunctionBegin;
  PetscCall(ScoreCreate(&c->exact));
  PetscCall(ScoreSetFromOptions(c->exact));
  PetscCall(ScoreSetProcess(c->exact, c->process));
  PetscCall(ScoreSetDataset(c->exact, c->dataset));
  PetscCall(ScoreSetUp(c->exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerSolve without its lines on the terminal */
static inline PetscErrorCode solve(Trainer t, const char *checkpoint, PetscBool *finished)
{
  const int      terminal = dup(1), nowhere = open("/dev/null", O_WRONLY);
  PetscErrorCode code;

  fflush(stdout);
  dup2(nowhere, 1);
  code = TrainerSolve(t, checkpoint, finished);
  fflush(stdout);
  dup2(terminal, 1);
  close(terminal);
  close(nowhere);
  return code;
}

static inline PetscErrorCode solve_quietly(Trainer t, const char *checkpoint, PetscErrorCode *code)
{
  PetscBool finished;

  PetscFunctionBegin;
  QUIET(*code, solve(t, checkpoint, &finished));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode setup_quietly(Trainer t, PetscErrorCode *code)
{
  PetscFunctionBegin;
  QUIET(*code, TrainerSetUp(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline int same_state(Trainer a, Trainer b)
{
  const size_t size = (size_t)a->np * sizeof(float);

  return a->np == b->np && a->iteration == b->iteration && a->records == b->records &&
         !memcmp(a->theta, b->theta, size) && !memcmp(a->ema, b->ema, size) && !memcmp(a->m, b->m, size) &&
         !memcmp(a->v, b->v, size) && !memcmp(a->record, b->record, (size_t)a->records * sizeof(TrainRecord));
}

/* Root mean square of learned minus exact posterior mean over noised data, relative to the exact one's distance from z */
static inline double denoising_error(const Case *c, double sigma)
{
  enum { N = 2048 };
  double  t, x0[N], X[N * 2], learned[N], exact[N], error = 0, size = 0;
  int64_t index[N];
  Kernel  k;

  for (int r = 0; r < N; r++) index[r] = r;
  ck_call(ProcessGetTimeOfSigma(c->process, sigma, &t));
  ck_call(ProcessGetKernel(c->process, t, &k));
  ck_call(DatasetGetRows(c->dataset, SPLIT_TEST, N, index, x0, NULL));
  ck_call(ProcessNoise(c->process, &k, 1, (RngStream){5, RNG_NOISE, 77}, 0, N, x0, X));
  ck_call(ScoreDenoise(c->score, &k, N, X, learned));
  ck_call(ScoreDenoise(c->exact, &k, N, X, exact));
  for (int r = 0; r < N; r++) {
    error += pow(learned[r] - exact[r], 2);
    size += pow(exact[r] - (k.l[0] * X[r * 2] + k.l[1] * X[r * 2 + 1]), 2);
  }
  return sqrt(error / size);
}

/* Weights in use by ScoreDenoise become the averaged ones */
static inline PetscErrorCode use_average(Case *c)
{
  PetscFunctionBegin;
  memcpy(c->trainer->theta, c->trainer->ema, (size_t)c->trainer->np * sizeof(float));
  PetscCall(NetParametersChanged(c->trainer->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#endif
