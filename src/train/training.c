/*
  One training from options to weights file
*/
#include "private/trainerimpl.h"
#include <stdio.h>
#include <unistd.h>

/*
  TrainingCreate - the parts of a training, with all their options read

  Input:  seed     of weights, batches, times, noise, and of synthetic rows
          dataset  what to train on, set up; NULL: as the options say. Takes a reference
  Note:   opens no file and computes nothing: options can be checked before
*/
PetscErrorCode TrainingCreate(uint64_t seed, Dataset dataset, Training *p)
{
  PetscFunctionBegin;
  p->dataset = dataset;
  if (dataset)
    PetscCall(PetscObjectReference((PetscObject)dataset));
  else {
    PetscCall(DatasetCreate(&p->dataset));
    PetscCall(DatasetSetSeed(p->dataset, seed));
    PetscCall(DatasetSetFromOptions(p->dataset));
  }
  PetscCall(ProcessCreate(&p->process));
  PetscCall(ScoreCreate(&p->score));
  PetscCall(ScoreSetType(p->score, "net"));
  PetscCall(TrainerCreate(&p->trainer));
  PetscCall(TrainerSetSeed(p->trainer, seed));
  PetscCall(ProcessSetFromOptions(p->process));
  PetscCall(ScoreSetFromOptions(p->score));
  PetscCall(TrainerSetScore(p->trainer, p->process, p->dataset, p->score));
  PetscCall(TrainerSetFromOptions(p->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainingSetUp - read the data, prepare the network. */
PetscErrorCode TrainingSetUp(Training *p)
{
  PetscFunctionBegin;
  PetscCall(ProcessSetUp(p->process));
  PetscCall(DatasetSetUp(p->dataset));
  PetscCall(ScoreSetProcess(p->score, p->process));
  PetscCall(ScoreSetDataset(p->score, p->dataset));
  PetscCall(ScoreSetUp(p->score));
  PetscCall(TrainerSetUp(p->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrainingPrintSummary - what a person wants to know before a run. */
PetscErrorCode TrainingPrintSummary(const Training *p)
{
  PetscFunctionBegin;
  PetscCall(ProcessPrintSummary(p->process));
  PetscCall(DatasetPrintSummary(p->dataset));
  PetscCall(ScorePrintSummary(p->score));
  PetscCall(TrainerPrintSummary(p->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The result is whole: its checkpoint has done its duty. */
static PetscErrorCode Finish(const Training *p, const char *command, const char *path, const char *checkpoint)
{
  Output out;
  int    rank;

  PetscFunctionBegin;
  PetscCall(OutputOpen(path, command, &out));
  PetscCall(TrainerWrite(p->trainer, out));
  PetscCall(DatasetWrite(p->dataset, out));
  PetscCall(OutputClose(&out));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) unlink(checkpoint);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainingSolve - train to the last iteration and write the weights file

  Input:  command   for the record of the file    path  of the file
  Output: finished  false when a signal or -trainer_max_wall ended the run early; path.ckpt then holds its state
*/
PetscErrorCode TrainingSolve(const Training *p, const char *command, const char *path, PetscBool *finished)
{
  char checkpoint[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  AdCheckInput(snprintf(checkpoint, sizeof(checkpoint), "%s.ckpt", path) < (int)sizeof(checkpoint),
               "-o: the file name is too long");
  PetscCall(TrainerSolve(p->trainer, checkpoint, finished));
  if (*finished) PetscCall(Finish(p, command, path, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainingDestroy(Training *p)
{
  PetscFunctionBegin;
  PetscCall(TrainerDestroy(&p->trainer));
  PetscCall(ScoreDestroy(&p->score));
  PetscCall(DatasetDestroy(&p->dataset));
  PetscCall(ProcessDestroy(&p->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
