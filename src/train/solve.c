#include "private/trainerimpl.h"
#include <math.h>

static PetscLogEvent TRAINER_Rows, TRAINER_Reduce, TRAINER_Step;

/*
  rate_factor - learning rate of a step as a share of the full one

  Input:  step  from 1 to iterations
*/
double rate_factor(Schedule schedule, int64_t warmup, int64_t iterations, int64_t step)
{
  double factor = step < warmup ? (double)step / (double)warmup : 1;

  if (schedule == SCHEDULE_COSINE)
    factor *= 0.5 * (1 + cos(PETSC_PI * (double)(step - 1) / (double)iterations));
  return factor;
}

/*
  TrainerMakeRows - inputs and targets of the net for batch slots first .. first + n - 1 of `slots`

  Not collective. A slot's time and noise depend on seed, step and its number only.

  Input:  step, t->index[n] (rows of the split)
  Output: in[n][nin], target[n][nout], t->row_weight[n]
  Note:   times are stratified: slot j draws from the j-th of equally likely parts of their law
*/
PetscErrorCode TrainerMakeRows(Trainer t, uint32_t step, int64_t first, int n, int64_t slots,
                               DatasetSplit split, float *in, float *target)
{
  const int normals = (*t->loss->normals)(t->b);

  PetscFunctionBegin;
  rng_uniform((RngStream){t->seed, RNG_TIME, step}, (uint64_t)first, (size_t)n, 1, t->u);
  for (int r = 0; r < n; r++) {
    const int64_t node = (int64_t)(((double)(first + r) + t->u[r]) / (double)slots * (double)t->nodes);
    const int64_t at   = PetscMin(node, t->nodes - 1);
    t->at[r]           = &t->kernel[at];
    t->row_weight[r]   = t->weight ? t->weight + at * t->q * t->q : NULL;
  }
  PetscCall(DatasetGetRows(t->dataset, split, n, t->index, t->x0, NULL));
  rng_normal((RngStream){t->seed, RNG_NOISE, step}, (uint64_t)first, (size_t)n, normals * t->d, t->e);
  (*t->loss->rows)(n, t->d, t->at, t->Lv, t->e, t->x0, t->X, t->S);
  PetscCall(ScoreNetRows(t->score, n, t->at, t->X, t->S, in, target));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of a training chunk: drawn with replacement, or where rows have no end a fresh one for every slot of every step. */
static void choose_rows(Trainer t, int64_t first)
{
  if (t->rows > 0)
    rng_uniform((RngStream){t->seed, RNG_BATCH, (uint32_t)t->iteration}, (uint64_t)first, (size_t)t->block, 1,
                t->u);
  for (int r = 0; r < t->block; r++) {
    t->index[r] = t->iteration * t->batch + first + r;
    if (t->rows > 0) t->index[r] = PetscMin(t->rows - 1, (int64_t)(t->u[r] * (double)t->rows));
  }
}

/* Loss and gradient of chunk c of this rank. */
static PetscErrorCode AddChunk(Trainer t, int c)
{
  const int64_t first = (int64_t)(t->sum.first + c) * t->block;
  float        *grad;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(TRAINER_Rows, t, 0, 0, 0));
  choose_rows(t, first);
  PetscCall(
      TrainerMakeRows(t, (uint32_t)t->iteration, first, t->block, t->batch, SPLIT_TRAIN, t->in, t->target));
  PetscCall(PetscLogEventEnd(TRAINER_Rows, t, 0, 0, 0));
  PetscCall(NetForwardKeep(t->net, t->block, t->in, t->out));
  trainer_loss(t, t->block, t->target, t->row_weight);
  for (int r = 0; r < t->block; r++)
    t->sums[c * TRAIN_BINS + (first + r) * TRAIN_BINS / t->batch] += t->row_loss[r];
  PetscCall(TreeSumNext(&t->sum, &grad));
  PetscCall(NetBackward(t->net, t->block, t->dout, grad, NULL));
  PetscCall(TreeSumAdd(&t->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Decay of the moving average: at first the average reaches back over a tenth of the run so far only, lest the random first
   weights stay in it. */
static double average_decay(double decay, int64_t step)
{
  const double early = (double)(1 + step) / (double)(10 + step);

  return early < decay ? early : decay;
}

/* One step of the optimizer; all ranks take it alike, on the same bits. */
static PetscErrorCode StepWeights(Trainer t, const float *grad)
{
  const double factor = rate_factor((Schedule)t->schedule, t->warmup, t->iterations, t->iteration + 1);
  const double norm   = sqrt(grad_norm2((size_t)t->np, grad)) / (double)t->batch;
  const double clip   = t->clip > 0 && norm > t->clip ? t->clip / norm : 1;
  AdamOptions  adam   = {
         t->rate * factor, 0.9, 0.999, 1e-8, t->weight_decay, average_decay(t->ema_decay, t->iteration)};

  PetscFunctionBegin;
  AdCheckRun(isfinite(norm),
             "training diverged: the gradient of step %lld is not finite; lower -trainer_rate, or raise the "
             "smallest time "
             "(-trainer_t_min, -trainer_sigma_min)",
             (long long)t->iteration + 1);
  adam_step(&adam, t->iteration + 1, (size_t)t->np, clip / (double)t->batch, grad, t->theta, t->m, t->v,
            t->ema);
  PetscCall(NetParametersChanged(t->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Iterate(Trainer t)
{
  float *grad;

  PetscFunctionBegin;
  for (int c = 0; c < t->sum.n; c++) PetscCall(AddChunk(t, c));
  PetscCall(PetscLogEventBegin(TRAINER_Reduce, t, 0, 0, 0));
  PetscCall(TreeSumFinish(&t->sum, &grad));
  PetscCall(PetscLogEventEnd(TRAINER_Reduce, t, 0, 0, 0));
  PetscCall(PetscLogEventBegin(TRAINER_Step, t, 0, 0, 0));
  PetscCall(StepWeights(t, grad));
  PetscCall(PetscLogEventEnd(TRAINER_Step, t, 0, 0, 0));
  t->iteration++;
  t->since++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it time for a checkpoint, or to stop? Decided by all ranks together. */
static PetscErrorCode Poll(Trainer t, PetscBool *save, PetscBool *stop)
{
  const double now  = AdWallTime();
  int          flag = 0;

  PetscFunctionBegin;
  if (t->checkpoint_every > 0 && now - t->saved >= t->checkpoint_every) flag |= 1;
  if (AdStopRequested() || (t->max_wall > 0 && now - t->started >= t->max_wall)) flag |= 2;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_BOR, PETSC_COMM_WORLD));
  *save = flag ? PETSC_TRUE : PETSC_FALSE;
  *stop = flag & 2 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(Trainer t, const char *checkpoint)
{
  PetscFunctionBegin;
  if (!TRAINER_Rows) {
    PetscCall(PetscLogEventRegister("TrainRows", ((PetscObject)t)->classid, &TRAINER_Rows));
    PetscCall(PetscLogEventRegister("TrainReduce", ((PetscObject)t)->classid, &TRAINER_Reduce));
    PetscCall(PetscLogEventRegister("TrainStep", ((PetscObject)t)->classid, &TRAINER_Step));
  }
  if (checkpoint && t->resume) PetscCall(TrainerResume(t, checkpoint));
  t->started = t->saved = AdWallTime();
  t->started_at         = t->iteration;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainerSolve - train from where the weights are (a checkpoint if there is one) to the last iteration

  Input:  checkpoint  path of the checkpoint file; NULL: neither read nor write one
  Output: finished    false when a signal or -trainer_max_wall ended the run early; the checkpoint then holds its state
  Note:   weights after k steps have the same bits on any number of ranks, and whether or not the run was interrupted
*/
PetscErrorCode TrainerSolve(Trainer t, const char *checkpoint, PetscBool *finished)
{
  PetscBool save, stop = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(Start(t, checkpoint));
  while (t->iteration < t->iterations && !stop) {
    PetscCall(Iterate(t));
    if (t->iteration % t->log_every == 0 || t->iteration == t->iterations) PetscCall(TrainerLog(t));
    if (!checkpoint || t->iteration % TRAIN_POLL || t->iteration == t->iterations) continue;
    PetscCall(Poll(t, &save, &stop));
    if (save) PetscCall(TrainerSave(t, checkpoint));
  }
  *finished = stop ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
