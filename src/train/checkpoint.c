#include "private/trainerimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
  A checkpoint is a result file of its own: weights, their average, both moments, the sums of the log line that was being
  made, the log so far, and the options. Random numbers have no state, so nothing else is needed to go on bit for bit.
*/
enum { CHECKPOINT_FORMAT = 2 };

/* Keys that may change between a checkpoint and the run that goes on from it; the first only at a constant learning rate */
static const char *const free_keys[] = {"trainer_iterations",
                                        "trainer_log_every",
                                        "trainer_checkpoint_every",
                                        "trainer_max_wall",
                                        "trainer_resume",
                                        "o",
                                        NULL};

static int starts_with_key(const char *line, const char *key)
{
  const size_t n = strlen(key);

  return !strncmp(line, key, n) && line[n] == ':';
}

/* The line of a key in a YAML text of flat lines "key: value", or NULL. */
static const char *find_line(const char *text, const char *key)
{
  while (text && *text) {
    if (starts_with_key(text, key)) return text;
    text = strchr(text, '\n');
    if (text) text++;
  }
  return NULL;
}

static int same_line(const char *a, const char *b)
{
  const size_t n = strcspn(a, "\n");

  return n == strcspn(b, "\n") && memcmp(a, b, n) == 0;
}

/* Is there a line in text a whose key has another value, or none, in text b? */
static int line_missing(const char *a, const char *b, const char *const *free, size_t size, char *key)
{
  for (; a && *a; a = strchr(a, '\n') ? strchr(a, '\n') + 1 : NULL) {
    const char *other;
    int         ignored = 0;
    snprintf(key, size, "%.*s", (int)strcspn(a, ":\n"), a);
    for (int i = 0; free[i]; i++) ignored |= !strcmp(key, free[i]);
    other = find_line(b, key);
    if (!ignored && (!other || !same_line(a, other))) return 1;
  }
  return 0;
}

/*
  options_differ - compare two sets of options

  Input:  before, now  lines "key: value"    free_keys  NULL-ended list of keys that may differ
  Output: key[size]    the first key that has another value, or is in one set only
  Return: nonzero if there is such a key
*/
int options_differ(const char *before, const char *now, const char *const *free_keys, size_t size, char *key)
{
  return line_missing(now, before, free_keys, size, key) || line_missing(before, now, free_keys, size, key);
}

/* TrainerWriteRecords - the log so far as group /training. */
PetscErrorCode TrainerWriteRecords(Trainer t, Output out)
{
  const int64_t  dims[2] = {t->records, TRAIN_BINS};
  const DataInfo step    = {"record", "steps", "steps of the optimizer done"};
  const DataInfo loss    = {
         "record", "1",
      t->weight ? "weighted squared error of the rows since the last record, where a score of zero has 1"
                   : "mean squared error of unit-variance targets, over the rows since the last record"};
  const DataInfo bins    = {"record,bin", "1", "the same by time: equally likely parts of the law of t"};
  const DataInfo valid   = {"record", "1", "the same on held-out rows, with the averaged weights"};
  const DataInfo by_time = {"record,bin", "1", "the same by time"};
  int64_t       *iteration;
  double        *value;

  PetscFunctionBegin;
  if (!t->records) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(t->records, &iteration, t->records * TRAIN_BINS, &value));
  for (PetscInt k = 0; k < t->records; k++) iteration[k] = t->record[k].iteration;
  PetscCall(OutputWrite(out, "/training/iteration", AD_INT64, 1, dims, iteration, &step));
  for (PetscInt k = 0; k < t->records; k++) value[k] = t->record[k].loss;
  PetscCall(OutputWrite(out, "/training/loss", AD_DOUBLE, 1, dims, value, &loss));
  for (PetscInt k = 0; k < t->records * TRAIN_BINS; k++)
    value[k] = t->record[k / TRAIN_BINS].bins[k % TRAIN_BINS];
  PetscCall(OutputWrite(out, "/training/loss_bins", AD_DOUBLE, 2, dims, value, &bins));
  for (PetscInt k = 0; k < t->records; k++) value[k] = t->record[k].validation;
  if (t->held) PetscCall(OutputWrite(out, "/training/validation", AD_DOUBLE, 1, dims, value, &valid));
  for (PetscInt k = 0; k < t->records * TRAIN_BINS; k++)
    value[k] = t->record[k / TRAIN_BINS].validation_bins[k % TRAIN_BINS];
  if (t->held) PetscCall(OutputWrite(out, "/training/validation_bins", AD_DOUBLE, 2, dims, value, &by_time));
  PetscCall(PetscFree2(iteration, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRecords(Trainer t, Input in)
{
  int64_t  *iteration, n = 0;
  double   *value; /* loss[n], bins[n][TRAIN_BINS], the same of held-out rows */
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(InputHas(in, "/training/iteration", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InputGetDims(in, "/training/iteration", 1, &n));
  PetscCall(PetscCalloc2(n, &iteration, 2 * n * (TRAIN_BINS + 1), &value));
  PetscCall(InputRead(in, "/training/iteration", AD_INT64, iteration));
  PetscCall(InputRead(in, "/training/loss", AD_DOUBLE, value));
  PetscCall(InputRead(in, "/training/loss_bins", AD_DOUBLE, value + n));
  if (t->held) {
    PetscCall(InputRead(in, "/training/validation", AD_DOUBLE, value + n * (TRAIN_BINS + 1)));
    PetscCall(InputRead(in, "/training/validation_bins", AD_DOUBLE, value + n * (TRAIN_BINS + 2)));
  }
  for (int64_t k = 0; k < n; k++) {
    TrainRecord record = {
        .iteration = iteration[k], .loss = value[k], .validation = value[n * (TRAIN_BINS + 1) + k]};
    memcpy(record.bins, value + n + k * TRAIN_BINS, sizeof(record.bins));
    memcpy(record.validation_bins, value + n * (TRAIN_BINS + 2) + k * TRAIN_BINS, sizeof(record.bins));
    PetscCall(TrainerAddRecord(t, &record));
  }
  PetscCall(PetscFree2(iteration, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSums(Trainer t, Output out)
{
  const int64_t  dims[2] = {t->sum.chunks, TRAIN_BINS};
  const DataInfo info    = {"chunk,bin", "1", "sums of the loss since the last record"};
  double        *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(t->sum.chunks * TRAIN_BINS, &all));
  PetscCall(AdGatherRows(t->sum.chunks, t->sum.n, TRAIN_BINS, t->sums, all));
  PetscCall(OutputWrite(out, "/checkpoint/sums", AD_DOUBLE, 2, dims, all, &info));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainerSave - write a checkpoint; the one before it stays until the new one is whole. Collective. */
PetscErrorCode TrainerSave(Trainer t, const char *path)
{
  const DataInfo info = {"parameter", "1", "state of the optimizer"};
  Output         out;
  char          *options;

  PetscFunctionBegin;
  PetscCall(OutputOpen(path, "train", &out));
  PetscCall(OutputAttrInt(out, "/checkpoint", "format", CHECKPOINT_FORMAT));
  PetscCall(OutputAttrInt(out, "/checkpoint", "iteration", t->iteration));
  PetscCall(OutputAttrInt(out, "/checkpoint", "since", t->since));
  PetscCall(OptionsText("", &options));
  PetscCall(OutputAttrString(out, "/checkpoint", "options", options));
  PetscCall(PetscFree(options));
  PetscCall(OutputWrite(out, "/checkpoint/theta", AD_FLOAT, 1, &t->np, t->theta, &info));
  PetscCall(OutputWrite(out, "/checkpoint/ema", AD_FLOAT, 1, &t->np, t->ema, &info));
  PetscCall(OutputWrite(out, "/checkpoint/m", AD_FLOAT, 1, &t->np, t->m, &info));
  PetscCall(OutputWrite(out, "/checkpoint/v", AD_FLOAT, 1, &t->np, t->v, &info));
  PetscCall(WriteSums(t, out));
  PetscCall(TrainerWriteRecords(t, out));
  PetscCall(OutputClose(&out));
  t->saved = AdWallTime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSame(Trainer t, Input in, const char *path)
{
  const size_t size = (size_t)1 << 20;
  char        *before, *now, key[128] = "";
  int64_t      format = 0;
  PetscBool    found;
  int          differ;

  PetscFunctionBegin;
  PetscCall(InputAttrInt(in, "/checkpoint", "format", &format, &found));
  AdCheckInput(found && format == CHECKPOINT_FORMAT,
               "-trainer_resume: '%s' is no checkpoint of this version of adiff; move it away, or "
               "-trainer_resume never",
               path);
  PetscCall(PetscMalloc1(size, &before));
  PetscCall(InputAttrString(in, "/checkpoint", "options", size, before, &found));
  PetscCall(OptionsText("", &now));
  differ =
      options_differ(before, now, free_keys + (t->schedule == SCHEDULE_CONSTANT ? 0 : 1), sizeof(key), key);
  PetscCall(PetscFree(before));
  PetscCall(PetscFree(now));
  AdCheckInput(
      !differ,
      "-%s: differs from the run that left checkpoint '%s'; give it the same value, or -trainer_resume never",
      key, path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSums(Trainer t, Input in)
{
  double *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(t->sum.chunks * TRAIN_BINS, &all));
  PetscCall(InputRead(in, "/checkpoint/sums", AD_DOUBLE, all));
  memcpy(t->sums, all + t->sum.first * TRAIN_BINS, (size_t)(t->sum.n * TRAIN_BINS) * sizeof(double));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadState(Trainer t, Input in, const char *path)
{
  int64_t   n;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(CheckSame(t, in, path));
  PetscCall(InputGetDims(in, "/checkpoint/theta", 1, &n));
  AdCheckInput(n == t->np,
               "-trainer_resume: '%s' has %lld weights where this net has %lld; move it away, or "
               "-trainer_resume never",
               path, (long long)n, (long long)t->np);
  PetscCall(InputAttrInt(in, "/checkpoint", "iteration", &t->iteration, &found));
  PetscCall(InputAttrInt(in, "/checkpoint", "since", &t->since, &found));
  AdCheckInput(
      t->iteration < t->iterations,
      "-trainer_iterations: checkpoint '%s' is at %lld already; ask for more, or -trainer_resume never", path,
      (long long)t->iteration);
  PetscCall(InputRead(in, "/checkpoint/theta", AD_FLOAT, t->theta));
  PetscCall(InputRead(in, "/checkpoint/ema", AD_FLOAT, t->ema));
  PetscCall(InputRead(in, "/checkpoint/m", AD_FLOAT, t->m));
  PetscCall(InputRead(in, "/checkpoint/v", AD_FLOAT, t->v));
  PetscCall(ReadSums(t, in));
  PetscCall(ReadRecords(t, in));
  PetscCall(NetParametersChanged(t->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainerResume - take up the state of a checkpoint, if there is one. Collective.

  Errors: AD_ERR_INPUT when it belongs to a run with other options, or is no checkpoint
*/
PetscErrorCode TrainerResume(Trainer t, const char *path)
{
  int            rank, there = 0;
  Input          in;
  PetscErrorCode status;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) there = !access(path, F_OK);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  if (!there) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InputOpen("-trainer_resume", path, &in));
  status = ReadState(t, in, path);
  PetscCall(InputClose(&in));
  PetscCall(status);
  PetscCall(AdPrint("train     goes on from step %lld of %s\n", (long long)t->iteration, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The options that a weights file or a checkpoint was made with; NULL where it does not say. */
static PetscErrorCode ReadOptionsOf(Input in, char **text)
{
  const size_t size = (size_t)1 << 20;
  PetscBool    found, has;

  PetscFunctionBegin;
  *text = NULL;
  PetscCall(InputHas(in, "/checkpoint", &found));
  if (found) {
    PetscCall(PetscMalloc1(size, text));
    PetscCall(InputAttrString(in, "/checkpoint", "options", size, *text, &found));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(InputHas(in, "/score", &found));
  PetscCall(InputHas(in, "/run/options", &has));
  if (found && has) PetscCall(InputReadText(in, "/run/options", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainingFileAgrees - was a weights file, or the checkpoint of one, made with the options in effect? Collective.

  Output: there   is there such a file?    agrees  are its options the present ones, apart from those without effect?
          key[size]  the first that differs, without its dash; empty where the file does not tell
  Note:   call it after TrainingCreate, when the options in effect are known
*/
PetscErrorCode TrainingFileAgrees(const char *path, size_t size, char *key, PetscBool *there,
                                  PetscBool *agrees)
{
  char *before, *now;
  int   rank, exists = 0;
  Input in;

  PetscFunctionBegin;
  *agrees = PETSC_FALSE;
  key[0]  = 0;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) exists = !access(path, F_OK);
  PetscCallMPI(MPI_Bcast(&exists, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  *there = exists ? PETSC_TRUE : PETSC_FALSE;
  if (!exists) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InputOpen("weights", path, &in));
  PetscCall(ReadOptionsOf(in, &before));
  PetscCall(InputClose(&in));
  PetscCall(OptionsText("", &now));
  if (before) *agrees = options_differ(before, now, free_keys + 1, size, key) ? PETSC_FALSE : PETSC_TRUE;
  PetscCall(PetscFree(now));
  PetscCall(PetscFree(before));
  PetscFunctionReturn(PETSC_SUCCESS);
}
