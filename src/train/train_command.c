#include "adcommand.h"
#include "private/trainerimpl.h"
#include <stdio.h>
#include <unistd.h>

typedef struct {
  Process process;
  Dataset dataset;
  Score   score;
  Trainer trainer;
  OwnData own; /* where a word of the command line names the data */
} Parts;

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

/* The data set; of a user's own file the rows are needed now, before other options are read: defaults come from them. */
static PetscErrorCode ReadDataset(Parts *p, const CommandLine *line)
{
  PetscFunctionBegin;
  PetscCall(DatasetCreate(&p->dataset));
  PetscCall(DatasetSetSeed(p->dataset, line->seed));
  if (line->ninputs) PetscCall(OwnDataOpen(line->ninputs, line->inputs));
  PetscCall(DatasetSetFromOptions(p->dataset));
  if (!line->ninputs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DatasetSetUp(p->dataset));
  PetscCall(OwnDataMeasure(p->dataset, &p->own));
  PetscCall(OwnDataChoose(p->dataset, &p->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PartsCreate(Parts *p, const CommandLine *line)
{
  PetscFunctionBegin;
  PetscCall(ReadDataset(p, line));
  PetscCall(ProcessCreate(&p->process));
  PetscCall(ScoreCreate(&p->score));
  PetscCall(ScoreSetType(p->score, "net"));
  PetscCall(TrainerCreate(&p->trainer));
  PetscCall(TrainerSetSeed(p->trainer, line->seed));
  PetscCall(ProcessSetFromOptions(p->process));
  PetscCall(ScoreSetFromOptions(p->score));
  PetscCall(TrainerSetScore(p->trainer, p->process, p->dataset, p->score));
  PetscCall(TrainerSetFromOptions(p->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PartsSetUp(Parts *p)
{
  PetscFunctionBegin;
  PetscCall(ProcessSetUp(p->process));
  PetscCall(DatasetSetUp(p->dataset));
  PetscCall(ScoreSetProcess(p->score, p->process));
  PetscCall(ScoreSetDataset(p->score, p->dataset));
  PetscCall(ScoreSetUp(p->score));
  PetscCall(TrainerSetUp(p->trainer));
  PetscCall(ProcessPrintSummary(p->process));
  PetscCall(DatasetPrintSummary(p->dataset));
  if (p->own.rows) PetscCall(OwnDataPrintSummary(&p->own, p->dataset));
  PetscCall(ScorePrintSummary(p->score));
  PetscCall(TrainerPrintSummary(p->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PartsDestroy(Parts *p)
{
  PetscFunctionBegin;
  PetscCall(OwnDataFree(&p->own));
  PetscCall(TrainerDestroy(&p->trainer));
  PetscCall(ScoreDestroy(&p->score));
  PetscCall(DatasetDestroy(&p->dataset));
  PetscCall(ProcessDestroy(&p->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The result is whole: its checkpoint has done its duty. */
static PetscErrorCode Finish(const Parts *p, const CommandLine *line, const char *checkpoint)
{
  Output out;
  int    rank;

  PetscFunctionBegin;
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(TrainerWrite(p->trainer, out));
  PetscCall(DatasetWrite(p->dataset, out));
  PetscCall(OutputClose(&out));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) unlink(checkpoint);
  PetscCall(TrainerPrintReport(p->trainer));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  if (p->own.rows) PetscCall(OwnDataPrintNext(line->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainRun - adiff train: fit a network score to noised data

  Input:  line  a word is a file of rows, for which what is not given is chosen from the rows (own_data.c)

  The result serves as -score_file. A stopped run (USR1, TERM, -trainer_max_wall) leaves <output>.ckpt, from which the same
  command goes on, and ends with exit code 75.
*/
PetscErrorCode TrainRun(const CommandLine *line)
{
  Parts     p = {0};
  char      checkpoint[PETSC_MAX_PATH_LEN];
  PetscBool finished;

  PetscFunctionBegin;
  PetscCall(ChooseNet());
  PetscCall(PartsCreate(&p, line));
  PetscCall(OptionsCheckUnused(line->name));
  AdCheckInput(snprintf(checkpoint, sizeof(checkpoint), "%s.ckpt", line->output) < (int)sizeof(checkpoint),
               "-o: the file name is too long");
  PetscCall(OutputMakeFolder(line->output));
  PetscCall(PartsSetUp(&p));
  PetscCall(TrainerSolve(p.trainer, checkpoint, &finished));
  if (finished)
    PetscCall(Finish(&p, line, checkpoint));
  else {
    PetscCall(AdPrint("stopped   checkpoint %s; the same 'adiff train' command, run again, goes on from it\n",
                      checkpoint));
    PetscCall(AdRequestExitCode(AD_EXIT_STOPPED));
  }
  PetscCall(PartsDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}
