#include "adcommand.h"
#include "adtrainer.h"

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

/*
  TrainRun - adiff train: fit a network score to noised data

  The result serves as -score_file. A stopped run (USR1, TERM, -trainer_max_wall) leaves <output>.ckpt, from which the same
  command goes on, and ends with exit code 75.
*/
PetscErrorCode TrainRun(const CommandLine *line)
{
  Training  training = {0};
  PetscBool finished;

  PetscFunctionBegin;
  PetscCall(ChooseNet());
  PetscCall(TrainingCreate(line->seed, &training));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(OutputMakeFolder(line->output));
  PetscCall(TrainingSetUp(&training));
  PetscCall(TrainingPrintSummary(&training));
  PetscCall(TrainingSolve(&training, line->name, line->output, &finished));
  if (finished)
    PetscCall(AdPrint("wrote     %s\n", line->output));
  else {
    PetscCall(
        AdPrint("stopped   checkpoint %s.ckpt; the same 'adiff train' command, run again, goes on from it\n",
                line->output));
    PetscCall(AdRequestExitCode(AD_EXIT_STOPPED));
  }
  PetscCall(TrainingDestroy(&training));
  PetscFunctionReturn(PETSC_SUCCESS);
}
