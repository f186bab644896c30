#include "private/trainerimpl.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscClassId TRAINER_CLASSID;

static const char *const        loss_names[]     = {"hsm", "dsm", NULL},
                         *const law_names[]      = {"uniform", "log", "sigma", "lognormal", NULL},
                         *const weight_names[]   = {"whitened", "likelihood", "v1", "v2", "det", NULL},
                         *const schedule_names[] = {"constant", "cosine", NULL},
                         *const resume_names[]   = {"auto", "never", NULL};
static const TrainLoss *const   losses[]         = {&train_hsm, &train_dsm};

/* TrainerCreate - a trainer with the paper's settings; SetScore, SetFromOptions and SetUp make it usable. */
PetscErrorCode TrainerCreate(Trainer *trainer)
{
  Trainer t;

  PetscFunctionBegin;
  if (!TRAINER_CLASSID) PetscCall(PetscClassIdRegister("Trainer", &TRAINER_CLASSID));
  PetscCall(PetscHeaderCreate(t, TRAINER_CLASSID, "Trainer", "Fit of a network score", "Trainer",
                              PETSC_COMM_WORLD, TrainerDestroy, NULL));
  t->seed             = 1;
  t->iterations       = 20000;
  t->batch            = 512;
  t->rate             = 1e-3;
  t->clip             = 1;
  t->ema_decay        = 0.999;
  t->nodes            = 4096;
  t->t_min            = 1e-5;
  t->sigma_min        = 2e-3;
  t->law              = TIMES_LOGNORMAL;
  t->p_mean           = -0.5;
  t->p_std            = 1.2;
  t->validate         = 2048;
  t->checkpoint_every = 60;
  t->resume           = PETSC_TRUE;
  *trainer            = t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerSetSeed - seed of initial weights, batches, times and noise. */
PetscErrorCode TrainerSetSeed(Trainer trainer, uint64_t seed)
{
  PetscFunctionBegin;
  trainer->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerSetScore - what is fitted (a network score) to what (data noised by the process); takes references. */
PetscErrorCode TrainerSetScore(Trainer trainer, Process process, Dataset dataset, Score score)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)process));
  PetscCall(PetscObjectReference((PetscObject)dataset));
  PetscCall(PetscObjectReference((PetscObject)score));
  PetscCall(ProcessDestroy(&trainer->process));
  PetscCall(DatasetDestroy(&trainer->dataset));
  PetscCall(ScoreDestroy(&trainer->score));
  trainer->process = process;
  trainer->dataset = dataset;
  trainer->score   = score;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Optimizer(Trainer t)
{
  PetscFunctionBegin;
  PetscCall(OptInt("-trainer_iterations",
                   "steps of the optimizer; for 'adiff train my.csv' 4 a training row, from 2000 to 20000 (1 "
                   "+ columns/16)",
                   RANGE(1, 2e9), &t->iterations, NULL));
  PetscCall(OptInt("-trainer_batch", "rows a step on all ranks together, a multiple of 64", RANGE(64, 1e7),
                   &t->batch, NULL));
  PetscCall(OptReal("-trainer_rate", "learning rate of Adam", RANGE_POSITIVE, &t->rate, NULL));
  PetscCall(OptChoice("-trainer_schedule", "learning rate over the run: constant, or a cosine down to zero",
                      schedule_names, &t->schedule, NULL));
  PetscCall(OptInt("-trainer_warmup", "steps over which the learning rate rises from zero", RANGE(0, 2e9),
                   &t->warmup, NULL));
  PetscCall(OptReal("-trainer_clip", "largest norm of the gradient, 0: no limit", RANGE_NONNEGATIVE, &t->clip,
                    NULL));
  PetscCall(OptReal("-trainer_ema", "decay a step of the moving average of the weights", RANGE(0, 0.9999999),
                    &t->ema_decay, NULL));
  PetscCall(OptReal("-trainer_decay", "weight decay, decoupled from the gradient", RANGE_NONNEGATIVE,
                    &t->weight_decay, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFromOptions_Loss(Trainer t)
{
  PetscFunctionBegin;
  PetscCall(OptChoice(
      "-trainer_loss",
      "regression target: hsm knows x0 (with -process_v0 0 as the authors coded it), dsm x0 and eta0",
      loss_names, &t->loss_type, NULL));
  PetscCall(OptChoice("-trainer_times",
                      "law of the training times: uniform in t (as in the paper), in log t, or in log sigma, "
                      "or log sigma normal "
                      "(best in 'make losses')",
                      law_names, &t->law, NULL));
  if (t->law == TIMES_LOGNORMAL) {
    PetscCall(OptReal(
        "-trainer_p_mean",
        "mean of log(sigma/sd), sd the standard deviation of the data (root mean square over columns)",
        RANGE_ANY, &t->p_mean, NULL));
    PetscCall(OptReal("-trainer_p_std", "standard deviation of log sigma", RANGE_POSITIVE, &t->p_std, NULL));
  }
  if (times_by_sigma((TimesLaw)t->law)) {
    PetscCall(OptReal("-trainer_sigma_min",
                      "smallest sigma in diffused units, about a tenth of the smallest scale of the data; "
                      "for 'adiff train my.csv' from the distances of nearest rows",
                      RANGE_POSITIVE, &t->sigma_min, NULL));
    PetscCall(OptReal("-trainer_sigma_max", "largest sigma, 0: sigma(t_final) of the process",
                      RANGE_NONNEGATIVE, &t->sigma_max, NULL));
  } else
    PetscCall(OptReal("-trainer_t_min", "smallest training time", RANGE_POSITIVE, &t->t_min, NULL));
  PetscCall(OptChoice(
      "-trainer_weight",
      "what squared errors count: whitened (unit-variance targets), likelihood (Q/2 on the score), v1, v2 "
      "(the authors' others: v2 = unit-variance noise, v1 = Q/2 times v2), det (of their picture code)",
      weight_names, &t->weighting, NULL));
  PetscCall(OptInt("-trainer_nodes", "times from which batches draw, midpoints of equally likely intervals",
                   RANGE(64, 1 << 18), &t->nodes, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerSetFromOptions - read all -trainer_ keys; a default depends on the score, so TrainerSetScore goes first. */
PetscErrorCode TrainerSetFromOptions(Trainer t)
{
  PetscInt never = !t->resume;

  PetscFunctionBegin;
  PetscCall(SetFromOptions_Optimizer(t));
  PetscCall(SetFromOptions_Loss(t));
  PetscCall(OptInt("-trainer_validate", "held-out rows on which the averaged weights are tested, 0: none",
                   RANGE(0, 1e7), &t->validate, NULL));
  PetscCall(OptInt("-trainer_log_every",
                   "steps between lines of the log, 0: a twentieth of the run, at most 1000", RANGE(0, 2e9),
                   &t->log_every, NULL));
  PetscCall(OptReal("-trainer_checkpoint_every", "seconds between checkpoints, 0: only when stopped",
                    RANGE_NONNEGATIVE, &t->checkpoint_every, NULL));
  PetscCall(OptReal("-trainer_max_wall", "stop with a checkpoint after so many seconds, 0: never",
                    RANGE_NONNEGATIVE, &t->max_wall, NULL));
  PetscCall(OptChoice("-trainer_resume", "go on from the checkpoint beside the output if there is one",
                      resume_names, &never, NULL));
  t->resume = never ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerDeclareOptions - note all keys, also those of laws of t that are not the default. */
PetscErrorCode TrainerDeclareOptions(void)
{
  Trainer t;

  PetscFunctionBegin;
  PetscCall(TrainerCreate(&t));
  for (t->law = TIMES_UNIFORM; t->law < TIMES_LAWS; t->law++) PetscCall(TrainerSetFromOptions(t));
  PetscCall(TrainerDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One chunk of rows, and the state of the optimizer. */
static PetscErrorCode Allocate(Trainer t)
{
  const size_t n = (size_t)t->block, states = n * (size_t)(t->b * t->d);
  const size_t normals = n * (size_t)((*t->loss->normals)(t->b) * t->d);

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &t->index, n, &t->u, n, &t->row_loss));
  PetscCall(PetscMalloc2(n, &t->at, n, &t->row_weight));
  PetscCall(PetscMalloc4(normals, &t->e, n * (size_t)t->d, &t->x0, states, &t->X, states, &t->S));
  PetscCall(PetscMalloc4(n * (size_t)t->nin, &t->in, n * (size_t)t->nout, &t->target, n * (size_t)t->nout,
                         &t->out, n * (size_t)t->nout, &t->dout));
  PetscCall(PetscCalloc3(t->np, &t->m, t->np, &t->v, t->np, &t->ema));
  PetscCall(TreeSumCreate((int)(t->batch / t->block), t->np, &t->sum));
  PetscCall(PetscCalloc1(t->sum.n * TRAIN_BINS + 1, &t->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckParts(Trainer t)
{
  const LinearSde   *sde;
  const Coordinates *c;
  const char        *label;

  PetscFunctionBegin;
  PetscCall(ScoreGetNet(t->score, &t->net));
  PetscCall(ScoreGetComponents(t->score, &t->q));
  PetscCall(NetGetSizes(t->net, &t->nin, &t->nout));
  PetscCall(NetGetBlock(t->net, &t->block));
  PetscCall(DatasetGetCoordinates(t->dataset, &c));
  PetscCall(DatasetGetSize(t->dataset, SPLIT_TRAIN, &t->rows));
  PetscCall(ProcessGetSde(t->process, &sde));
  PetscCall(ScoreGetLabel(t->score, &label));
  t->b    = sde->b;
  t->d    = c->d;
  t->loss = losses[t->loss_type];
  aux_factor(sde, t->Lv);
  AdCheckInput(t->rows, "-dataset_test_fraction: no row is left to train on; lower it");
  AdCheckInput(t->batch % t->block == 0, "-trainer_batch: expected a multiple of %d, got %d", t->block,
               (int)t->batch);
  AdCheckInput(
      t->loss != &train_dsm || !strstr(label, "reduced"),
      "-trainer_loss: dsm needs a net that sees the auxiliary variables; take hsm or -score_kind joint");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainerSetUp - check that the parts fit, compute the kernels of the training times, draw the first weights

  Process, dataset and score must be set up.
*/
PetscErrorCode TrainerSetUp(Trainer t)
{
  PetscFunctionBegin;
  PetscCall(CheckParts(t));
  if (!t->log_every) t->log_every = PetscMin(1000, PetscMax(1, t->iterations / 20));
  PetscCall(TrainerSetUpTimes(t));
  PetscCall(NetInitialise(t->net, t->seed));
  PetscCall(NetGetParameters(t->net, &t->np, &t->theta));
  PetscCall(Allocate(t));
  memcpy(t->ema, t->theta, (size_t)t->np * sizeof(float));
  PetscCall(TrainerSetUpValidation(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerPrintSummary - what a person wants to know before a run. */
PetscErrorCode TrainerPrintSummary(Trainer t)
{
  const Kernel *first = &t->kernel[0], *last = &t->kernel[t->nodes - 1];

  PetscFunctionBegin;
  PetscCall(AdPrint("trainer   %s loss, %s, %d steps of %d rows, rate %g %s, averaged over %.4g steps\n",
                    t->loss->name, weight_names[t->weighting], (int)t->iterations, (int)t->batch, t->rate,
                    schedule_names[t->schedule], 1 / (1 - t->ema_decay)));
  PetscCall(AdPrint("          times %s: t %.3g to %.3g, sigma %.3g to %.3g\n", law_names[t->law], first->t,
                    last->t, first->sigma, last->sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTimes(Trainer t, Output out)
{
  const int64_t  bins  = TRAIN_BINS;
  const DataInfo time  = {"bin", "1", "time t in the middle of a bin of loss_bins"};
  const DataInfo sigma = {"bin", "1", "clock sigma(t) in the middle of a bin of loss_bins"};
  double         t_mid[TRAIN_BINS], sigma_mid[TRAIN_BINS];

  PetscFunctionBegin;
  for (int k = 0; k < TRAIN_BINS; k++) {
    const Kernel *middle = &t->kernel[(2 * k + 1) * t->nodes / (2 * TRAIN_BINS)];
    t_mid[k]             = middle->t;
    sigma_mid[k]         = middle->sigma;
  }
  PetscCall(OutputWrite(out, "/training/bin_time", AD_DOUBLE, 1, &bins, t_mid, &time));
  PetscCall(OutputWrite(out, "/training/bin_sigma", AD_DOUBLE, 1, &bins, sigma_mid, &sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The range of sigma, and where a sampler should end: three times the smallest sigma, or at 0.006, which is fine for most data,
   but not below what the net has seen. */
static PetscErrorCode WriteSigmas(Trainer t, Output out)
{
  const double sampler = PetscMax(t->sigma_min, PetscMin(3 * t->sigma_min, 0.006));

  PetscFunctionBegin;
  PetscCall(OutputAttrReal(out, "/score", "sigma_min", 1, &t->sigma_min));
  PetscCall(OutputAttrReal(out, "/score", "sigma_max", 1, &t->kernel[t->nodes - 1].sigma));
  PetscCall(OutputAttrReal(out, "/score", "sampler_sigma_min", 1, &sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerWrite - groups /score (weights and their moving average), /optimizer (Adam's moments) and /training (the log). */
PetscErrorCode TrainerWrite(Trainer t, Output out)
{
  const double rate = t->rate * rate_factor((Schedule)t->schedule, t->warmup, t->iterations, t->iteration);

  PetscFunctionBegin;
  PetscCall(ScoreWrite(t->score, out, t->ema));
  PetscCall(OutputAttrInt(out, "/score", "iterations", t->iteration));
  PetscCall(OutputAttrString(out, "/score", "loss", t->loss->name));
  PetscCall(OutputAttrString(out, "/score", "times", law_names[t->law]));
  PetscCall(OutputAttrString(out, "/score", "weight", weight_names[t->weighting]));
  if (times_by_sigma((TimesLaw)t->law)) PetscCall(WriteSigmas(t, out));
  PetscCall(NetWriteArray(t->net, out, "/optimizer/m", t->m));
  PetscCall(NetWriteArray(t->net, out, "/optimizer/v", t->v));
  PetscCall(OutputAttrInt(out, "/optimizer", "iteration", t->iteration));
  PetscCall(OutputAttrReal(out, "/optimizer", "learning_rate", 1, &rate));
  PetscCall(TrainerWriteRecords(t, out));
  PetscCall(WriteTimes(t, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainerDestroy(Trainer *trainer)
{
  Trainer t = *trainer;

  PetscFunctionBegin;
  if (!t) PetscFunctionReturn(PETSC_SUCCESS);
  if (--((PetscObject)t)->refct > 0) {
    *trainer = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscFree3(t->index, t->u, t->row_loss));
  PetscCall(PetscFree2(t->at, t->row_weight));
  PetscCall(PetscFree4(t->e, t->x0, t->X, t->S));
  PetscCall(PetscFree4(t->in, t->target, t->out, t->dout));
  PetscCall(PetscFree3(t->m, t->v, t->ema));
  PetscCall(PetscFree3(t->held_in, t->held_target, t->held_weight));
  PetscCall(PetscFree(t->kernel));
  PetscCall(PetscFree(t->weight));
  PetscCall(PetscFree(t->sums));
  PetscCall(PetscFree(t->record));
  PetscCall(TreeSumDestroy(&t->sum));
  PetscCall(ProcessDestroy(&t->process));
  PetscCall(DatasetDestroy(&t->dataset));
  PetscCall(ScoreDestroy(&t->score));
  PetscCall(PetscHeaderDestroy(trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
