#include "adcommand.h"
#include "private/trainerimpl.h"

/* What is trained is a network, unless asked otherwise (which is then refused), and it starts from nothing. */
static PetscErrorCode ChooseNet(void)
{
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-score_file", &given));
  AdCheckInput(!given, "-score_file: training starts from random weights; leave the key out");
  PetscCall(PetscOptionsHasName(NULL, NULL, "-score_type", &given));
  if (!given) PetscCall(PetscOptionsSetValue(NULL, "-score_type", "net"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A user's own file: its rows are needed before other options are read, since defaults come from them. */
static PetscErrorCode ReadOwnData(const CommandLine *line, Dataset *dataset, OwnData *own)
{
  PetscFunctionBegin;
  PetscCall(OwnDataOpen(line->ninputs, line->inputs));
  PetscCall(DatasetCreate(dataset));
  PetscCall(DatasetSetSeed(*dataset, line->seed));
  PetscCall(DatasetSetFromOptions(*dataset));
  PetscCall(DatasetSetUp(*dataset));
  PetscCall(OwnDataMeasure(*dataset, own));
  PetscCall(OwnDataChoose(*dataset, own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(const CommandLine *line, const Training *training, const OwnData *own,
                             PetscBool finished)
{
  PetscFunctionBegin;
  if (finished) {
    PetscCall(TrainerPrintReport(training->trainer));
    PetscCall(AdPrint("wrote     %s\n", line->output));
    if (own->rows) PetscCall(OwnDataPrintNext(line->output));
  } else {
    PetscCall(
        AdPrint("stopped   checkpoint %s.ckpt; the same 'adiff train' command, run again, goes on from it\n",
                line->output));
    PetscCall(AdRequestExitCode(AD_EXIT_STOPPED));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainRun - adiff train: fit a network score to noised data

  The result serves as -score_file. A stopped run (USR1, TERM, -trainer_max_wall) leaves <output>.ckpt, from which the same
  command goes on, and ends with exit code 75.
*/
PetscErrorCode TrainRun(const CommandLine *line)
{
  Dataset   dataset  = NULL;
  OwnData   own      = {0};
  Training  training = {0};
  PetscBool finished;

  PetscFunctionBegin;
  PetscCall(ChooseNet());
  if (line->ninputs) PetscCall(ReadOwnData(line, &dataset, &own));
  PetscCall(TrainingCreate(line->seed, dataset, &training));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(OutputMakeFolder(line->output));
  PetscCall(TrainingSetUp(&training));
  PetscCall(TrainingPrintSummary(&training));
  if (own.rows) PetscCall(OwnDataPrintSummary(&own, dataset));
  PetscCall(TrainingSolve(&training, line->name, line->output, &finished));
  PetscCall(Report(line, &training, &own, finished));
  PetscCall(OwnDataFree(&own));
  PetscCall(DatasetDestroy(&dataset));
  PetscCall(TrainingDestroy(&training));
  PetscFunctionReturn(PETSC_SUCCESS);
}
