#include "private/trainerimpl.h"
#include <math.h>

enum {
  VALIDATION_STEP = 0xffffffff
}; /* a step that no run reaches: its random numbers belong to the held-out rows */

/*
  TrainerSetUpValidation - held-out rows with fixed times and noise, made once

  Output: t->held rows on all ranks, held_n on this one, held_in[held_n][nin], held_target[held_n][nout], held_weight[held_n]
  Note:   as many as -trainer_validate asks for, evenly spread over the test split: rows of files often have an order. Where it
          has fewer, each serves several times, with times and noise of its own
*/
PetscErrorCode TrainerSetUpValidation(Trainer t)
{
  int64_t test;

  PetscFunctionBegin;
  PetscCall(DatasetGetSize(t->dataset, SPLIT_TEST, &test));
  t->held = test ? t->validate : 0;
  PetscCall(AdSplitRows(t->held, t->block, &t->held_first, &t->held_n));
  PetscCall(PetscMalloc3(t->held_n * t->nin + 1, &t->held_in, t->held_n * t->nout + 1, &t->held_target,
                         t->held_n + 1, &t->held_weight));
  for (int64_t r = 0; r < t->held_n; r += t->block) {
    const int n = (int)PetscMin(t->block, t->held_n - r);
    for (int i = 0; i < n; i++) {
      const int64_t slot = t->held_first + r + i;
      t->index[i] = test < 0 ? slot : test >= t->held ? slot * test / t->held : slot % PetscMax(1, test);
    }
    PetscCall(TrainerMakeRows(t, VALIDATION_STEP, t->held_first + r, n, t->held, SPLIT_TEST,
                              t->held_in + r * t->nin, t->held_target + r * t->nout));
    PetscCall(PetscArraycpy(t->held_weight + r, t->row_weight, n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExchangeWeights(Trainer t)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < t->np; i++) {
    const float last = t->theta[i];
    t->theta[i]      = t->ema[i];
    t->ema[i]        = last;
  }
  PetscCall(NetParametersChanged(t->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Loss of the averaged weights on the held-out rows, whole and by time (NaN for a bin without rows). */
static PetscErrorCode Validate(Trainer t, TrainRecord *record)
{
  const int64_t blocks = (t->held + t->block - 1) / t->block, mine = (t->held_n + t->block - 1) / t->block;
  double       *sums;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(mine * TRAIN_BINS + 1, &sums));
  PetscCall(ExchangeWeights(t));
  for (int64_t k = 0, r = 0; k < mine; k++, r += t->block) {
    const int n = (int)PetscMin(t->block, t->held_n - r);
    PetscCall(NetForward(t->net, n, t->held_in + r * t->nin, t->out));
    trainer_loss(t, n, t->held_target + r * t->nout, t->held_weight + r);
    for (int i = 0; i < n; i++)
      sums[k * TRAIN_BINS + (t->held_first + r + i) * TRAIN_BINS / t->held] += t->row_loss[i];
  }
  PetscCall(ExchangeWeights(t));
  PetscCall(AdSumBlocks(blocks, mine, TRAIN_BINS, sums, record->validation_bins));
  record->validation = 0;
  for (int k = 0; k < TRAIN_BINS; k++) {
    const int64_t end = (t->held * (k + 1) + TRAIN_BINS - 1) / TRAIN_BINS; /* slots of bin k end before it */
    const int64_t start = (t->held * k + TRAIN_BINS - 1) / TRAIN_BINS;

    record->validation += record->validation_bins[k] / (double)t->held;
    record->validation_bins[k] /= (double)(end - start);
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainerAddRecord(Trainer t, const TrainRecord *record)
{
  PetscFunctionBegin;
  if (t->records == t->room) {
    t->room = t->room ? 2 * t->room : 64;
    PetscCall(PetscRealloc((size_t)t->room * sizeof(TrainRecord), &t->record));
  }
  t->record[t->records++] = *record;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintRecord(Trainer t, const TrainRecord *record)
{
  const double seconds = AdWallTime() - t->started, done = (double)(t->iteration - t->started_at);

  PetscFunctionBegin;
  PetscCall(AdPrint("train     %lld/%d  loss %.4g (by time", (long long)t->iteration, (int)t->iterations,
                    record->loss));
  for (int k = 0; k < TRAIN_BINS; k++) PetscCall(AdPrint(" %.3g", record->bins[k]));
  if (t->held)
    PetscCall(AdPrint(")  valid %.4g", record->validation));
  else
    PetscCall(AdPrint(")"));
  PetscCall(AdPrint("  %.0fk samples/s  ETA %.0f s\n", 1e-3 * done * (double)t->batch / seconds,
                    seconds / done * (double)(t->iterations - t->iteration)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Number of the record with the smallest loss on held-out rows. */
static PetscInt best_record(const Trainer t)
{
  PetscInt best = 0;

  for (PetscInt k = 1; k < t->records; k++)
    if (t->record[k].validation < t->record[best].validation) best = k;
  return best;
}

/*
  TrainerPrintReport - last training and held-out losses by time, and a warning when the net learns its rows by heart

  A held-out loss that has risen from its least value by more than RISE is past the noise of the log: the held-out rows,
  their times and noise are the same in every line.
*/
PetscErrorCode TrainerPrintReport(Trainer t)
{
  const double       RISE = 0.01;
  const TrainRecord *last = &t->record[t->records - 1], *best;

  PetscFunctionBegin;
  if (!t->records) PetscFunctionReturn(PETSC_SUCCESS);
  best = &t->record[best_record(t)];
  PetscCall(AdPrint("losses    %-12s%8s", "sigma up to", "all"));
  for (int k = 1; k <= TRAIN_BINS; k++)
    PetscCall(AdPrint("%9.3g", t->kernel[k * t->nodes / TRAIN_BINS - 1].sigma));
  PetscCall(AdPrint("\n          %-12s%8.4f", "training", last->loss));
  for (int k = 0; k < TRAIN_BINS; k++) PetscCall(AdPrint("%9.4f", last->bins[k]));
  PetscCall(AdPrint("\n"));
  if (!t->held) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AdPrint("          %-12s%8.4f", "held out", last->validation));
  for (int k = 0; k < TRAIN_BINS; k++) PetscCall(AdPrint("%9.4f", last->validation_bins[k]));
  PetscCall(AdPrint("\n"));
  if (t->rows > 0 && last->validation > (1 + RISE) * best->validation)
    PetscCall(AdWarning(
        "the loss on held-out rows was least, %.4g, at step %lld and has risen to %.4g: the net "
        "learns its rows by heart; take -trainer_iterations %lld, or more rows\n",
        best->validation, (long long)best->iteration, last->validation, (long long)best->iteration));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerLog - one line of the log: mean loss since the last one, whole and by time, and on held-out rows. Collective. */
PetscErrorCode TrainerLog(Trainer t)
{
  TrainRecord  record = {.iteration = t->iteration};
  const double rows   = (double)t->since * (double)t->batch / TRAIN_BINS;

  PetscFunctionBegin;
  PetscCall(AdSumBlocks(t->sum.chunks, t->sum.n, TRAIN_BINS, t->sums, record.bins));
  for (int k = 0; k < TRAIN_BINS; k++) {
    record.bins[k] /= rows;
    record.loss += record.bins[k] / TRAIN_BINS;
  }
  if (t->held) PetscCall(Validate(t, &record));
  PetscCall(PetscArrayzero(t->sums, t->sum.n * TRAIN_BINS));
  t->since = 0;
  PetscCall(TrainerAddRecord(t, &record));
  PetscCall(PrintRecord(t, &record));
  PetscFunctionReturn(PETSC_SUCCESS);
}
