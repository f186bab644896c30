#include "adcommand.h"
#include "addataset.h"
#include "adnet.h"
#include "adprocess.h"
#include "adsampler.h"
#include "adscore.h"
#include "adtrainer.h"
#include <stdio.h>
#include <string.h>

typedef PetscErrorCode (*Declare)(void);

typedef struct {
  const char *name, *summary, *example;
  PetscErrorCode (*run)(const CommandLine *);
  Declare   declare[8];  /* whose keys the command reads */
  PetscBool takes_files; /* positional words are files, not mistakes */
  PetscBool takes_grid;  /* process keys may be lists (ProcessGrid) */
} Command;

static const Command commands[] = {
    {.name    = "process",
     .summary = "print and write the law of a forward noise on a list of times",
     .example = "adiff process -process_tau 0.5 -process_times 0.1,1",
     .run     = ProcessRun,
     .declare = {ProcessDeclareOptions, ProcessRunDeclareOptions}},
    {.name    = "score",
     .summary = "evaluate a score on points from a file",
     .example = "adiff score -dataset_preset diamond -score_points p.h5 -score_time 0.3",
     .run     = ScoreRun,
     .declare = {ProcessDeclareOptions, DatasetDeclareOptions, ScoreDeclareOptions, ScoreRunDeclareOptions}},
    {.name    = "data",
     .summary = "draw or copy rows of a data set",
     .example = "adiff data -dataset_preset diamond -data_samples 10000",
     .run     = DataRun,
     .declare = {DatasetDeclareOptions, DataRunDeclareOptions}},
    {.name    = "noise",
     .summary = "noise data rows exactly to given times",
     .example = "adiff noise -dataset_preset diamond -noise_times 0.1,0.5,1",
     .run     = NoiseRun,
     .declare = {ProcessDeclareOptions, DatasetDeclareOptions, NoiseRunDeclareOptions}},
    {.name    = "train",
     .summary = "train a score network on a data set, or on a file of rows: adiff train my.csv",
     .example = "adiff train inputs/train_paper.yaml, or of your own: adiff train my.csv -o results/my.h5",
     .run     = TrainRun,
     .declare = {ProcessDeclareOptions, DatasetDeclareOptions, ScoreDeclareOptions, NetDeclareOptions,
                 TrainerDeclareOptions},
     .takes_files = PETSC_TRUE},
    {.name    = "sample",
     .summary = "generate samples by the reverse process",
     .example = "adiff sample -dataset_preset diamond -sampler_steps 20",
     .run     = SampleRun,
     .declare = {ProcessDeclareOptions, DatasetDeclareOptions, ScoreDeclareOptions, NetDeclareOptions,
                 SamplerDeclareOptions}},
    {.name        = "metrics",
     .summary     = "compare sample files with reference data",
     .example     = "adiff metrics results/sample.h5 -dataset_preset diamond",
     .run         = MetricsRun,
     .declare     = {DatasetDeclareOptions, MetricsRunDeclareOptions},
     .takes_files = PETSC_TRUE},
    {.name    = "likelihood",
     .summary = "log-density of data rows under a model",
     .example = "adiff likelihood -score_file results/weights.h5 -dataset_preset diamond",
     .run     = LikelihoodRun,
     .declare = {ProcessDeclareOptions, DatasetDeclareOptions, ScoreDeclareOptions,
                 LikelihoodRunDeclareOptions}},
    {.name    = "denoise",
     .summary = "what noised states still know of their data",
     .example = "adiff denoise -dataset_preset diamond -denoise_times 0.1,0.5,1",
     .run     = DenoiseRun,
     .declare = {ProcessDeclareOptions, DatasetDeclareOptions, ScoreDeclareOptions,
                 DenoiseRunDeclareOptions}},
    {.name       = "fisher",
     .summary    = "what noised states remember of their start: Fisher memory and its parts",
     .example    = "adiff fisher -process_type passive,active:tau=0.5,2 -fisher_times 0.1,0.5,1,2",
     .run        = FisherRun,
     .declare    = {ProcessDeclareOptions, FisherRunDeclareOptions, DatasetDeclareOptions},
     .takes_grid = PETSC_TRUE},
    {.name       = "speciation",
     .summary    = "when noise hides the widest direction of the data: covariance spectrum, speciation times",
     .example    = "adiff speciation -speciation_lambda 257 -process_tau 0.5,2",
     .run        = SpeciationRun,
     .declare    = {ProcessDeclareOptions, DatasetDeclareOptions, SpeciationRunDeclareOptions},
     .takes_grid = PETSC_TRUE},
    {.name       = "rhm",
     .summary    = "random hierarchies under noise, read by exact belief propagation",
     .example    = "adiff rhm -process_tau 2 -process_tp 0.001 -rhm_grammars 8",
     .run        = RhmRun,
     .declare    = {ProcessDeclareOptions, RhmRunDeclareOptions},
     .takes_grid = PETSC_TRUE},
    {.name    = "compare",
     .summary = "compare noises under one control at a time: train, sample, test",
     .example = "adiff compare -compare_noises passive,active:tau=2 -compare_scores exact",
     .run     = CompareRun,
     .declare = {CompareRunDeclareOptions, ProcessDeclareOptions, DatasetDeclareOptions, ScoreDeclareOptions,
                 NetDeclareOptions, TrainerDeclareOptions, SamplerDeclareOptions}},
};

#define NCOMMANDS ((int)(sizeof(commands) / sizeof(commands[0])))

/* The keys of main itself. */
static PetscErrorCode ReadGlobals(PetscInt *seed, char *output, size_t size)
{
  PetscFunctionBegin;
  PetscCall(OptInt("-seed", "seed of all random numbers", RANGE_NONNEGATIVE, seed, NULL));
  PetscCall(OptString("-o", "result file", output, size, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRedo(PetscBool *redo)
{
  PetscFunctionBegin;
  *redo = PETSC_FALSE;
  PetscCall(OptBool(
      "-sweep_redo",
      "run also the points of a sweep whose files are there, made as asked for now and newer than all "
      "they were made from",
      redo, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeclareGlobals(const char *command)
{
  PetscInt  seed = 1, index = 0;
  PetscBool redo;
  char      output[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  snprintf(output, sizeof(output), "results/%s.h5", command);
  PetscCall(ReadGlobals(&seed, output, sizeof(output)));
  PetscCall(
      OptInt("-sweep_index", "run only this point of the sweep block", RANGE_NONNEGATIVE, &index, NULL));
  PetscCall(ReadRedo(&redo));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeclareCommand(const Command *command)
{
  PetscFunctionBegin;
  PetscCall(OptionsSetDeclare(PETSC_TRUE));
  PetscCall(DeclareGlobals(command->name));
  for (int i = 0; command->declare[i]; i++) PetscCall((*command->declare[i])());
  PetscCall(OptionsSetDeclare(PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Help(const char *name)
{
  PetscFunctionBegin;
  for (int i = 0; i < NCOMMANDS; i++) {
    if (strcmp(commands[i].name, name)) continue;
    PetscCall(AdPrint("adiff %s - %s\n\n  e.g. %s\n\nusage: [mpirun -n N] adiff %s [input.yaml ...] [file "
                      "...] [-key value ...]\n",
                      name, commands[i].summary, commands[i].example, name));
    PetscCall(AdPrint(
        "defaults < input files < PETSC_OPTIONS < command line; [default] and (range) behind each key\n\n"));
    if (commands[i].takes_grid)
      PetscCall(AdPrint(
          "numbers of the process may be lists a,b,c or lo:hi:n[:log], -process_type a list of noises "
          "(passive,active:tau=0.5,2):\nall combinations are computed into one file\n\n"));
    PetscCall(DeclareCommand(&commands[i]));
    PetscCall(OptionsPrintHelp());
    PetscCall(AdPrint("\nPETSc's own options work too: -log_view, -ts_monitor, -ts_view, -options_view\n"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  AdCheckInput(!name[0], "help: no command '%s'; 'adiff help' lists them", name);
  PetscCall(
      AdPrint("adiff %s - active diffusion: generative models whose noise has a memory\n\n", ADIFF_VERSION));
  PetscCall(AdPrint("usage: [mpirun -n N] adiff <command> [input.yaml ...] [file ...] [-key value ...]\n\n"));
  for (int i = 0; i < NCOMMANDS; i++)
    PetscCall(AdPrint("  %-10s %s\n", commands[i].name, commands[i].summary));
  PetscCall(AdPrint("  %-10s %s\n  %-10s %s\n  %-10s %s\n", "sweep",
                    "list the points of an input's sweep block", "help",
                    "this text, or the keys of a command: adiff help train", "version",
                    "versions of adiff and its libraries"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Version(void)
{
  char text[256];

  PetscFunctionBegin;
  PetscCall(PetscGetVersion(text, sizeof(text)));
  PetscCall(AdPrint("adiff %s (%s)\n%s\n", ADIFF_VERSION, ADIFF_COMMIT, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One point of the sweep with an options database of its own, so that no value leaks into the next point. */
static PetscErrorCode RunPoint(const Command *command, int argc, char **argv, const Sweep *sweep,
                               PetscInt point, PetscErrorCode *status)
{
  PetscOptions options;
  PetscInt     seed = 1;
  char         path[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN];
  CommandLine  line = {command->name, output, 0, 0, NULL};
  PetscBool    redo = PETSC_TRUE, done = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(OptionsForget());
  PetscCall(InputForgetUsed());
  for (int i = 0; i < NCOMMANDS; i++) PetscCall(DeclareCommand(&commands[i]));
  PetscCall(OptionsLoad(argc, argv, &line.inputs, &line.ninputs));
  if (sweep->naxes) PetscCall(SweepApply(sweep, point));
  snprintf(path, sizeof(path), "results/%s.h5", command->name);
  PetscCall(ReadGlobals(&seed, path, sizeof(path)));
  PetscCall(SweepOutputName(sweep, point, path, sizeof(output), output));
  line.seed = (uint64_t)seed;
  AdCheckInput(!line.ninputs || command->takes_files,
               "%s: unexpected word '%s'; options begin with a dash, input files end in .yaml, data files go "
               "by their option",
               command->name, line.inputs[0]);
  PetscCall(RequestNote(command->name));
  if (sweep->naxes) PetscCall(ReadRedo(&redo));
  if (!redo) PetscCall(RequestIsDone(output, &done));
  if (done)
    PetscCall(AdPrint("done      %s is there; -sweep_redo makes it again\n", output));
  else
    *status = (*command->run)(&line);
  PetscCall(RequestForget());
  PetscCall(PetscFree(line.inputs));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read the sweep block of the inputs, and which points to run: all, or -sweep_index. */
static PetscErrorCode ReadSweep(int argc, char **argv, Sweep *sweep, PetscInt *first, PetscInt *last)
{
  PetscOptions options;
  char       **inputs;
  int          ninputs;
  PetscBool    single;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsPush(options));
  PetscCall(OptionsForget());
  PetscCall(OptionsLoad(argc, argv, &inputs, &ninputs));
  PetscCall(PetscFree(inputs));
  PetscCall(SweepCreate(sweep));
  *first = 0;
  PetscCall(
      OptInt("-sweep_index", "run only this point of the sweep block", RANGE_NONNEGATIVE, first, &single));
  AdCheckInput(!single || *first < sweep->npoints, "-sweep_index: expected 0 to %d, got %d",
               (int)sweep->npoints - 1, (int)*first);
  *last = single ? *first : sweep->npoints - 1;
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A point that fails for its own reason (diverged) does not stop a sweep; bad input does. */
static PetscErrorCode RunCommand(const Command *command, int argc, char **argv)
{
  Sweep          sweep;
  PetscInt       first = 0, last = 0, failed = 0;
  PetscErrorCode status = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(ReadSweep(argc, argv, &sweep, &first, &last));
  for (PetscInt point = first; point <= last && !AdStopping(); point++) {
    if (sweep.naxes) PetscCall(AdPrint("point     %d of %d\n", (int)point, (int)sweep.npoints));
    status = PETSC_SUCCESS;
    PetscCall(RunPoint(command, argc, argv, &sweep, point, &status));
    if (status && (status != AD_ERR_RUN || first == last)) PetscFunctionReturn(status);
    failed += status ? 1 : 0;
    if (status) PetscCall(OutputAbandon());
  }
  if (failed) {
    PetscCall(AdWarning("%d of %d points of the sweep failed\n", (int)failed, (int)sweep.npoints));
    PetscCall(AdRequestExitCode(AD_EXIT_RUN));
  }
  PetscCall(SweepDestroy(&sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* adiff sweep: number and settings of every point; the count sizes a job array. */
static PetscErrorCode ListSweep(int argc, char **argv)
{
  Sweep    sweep;
  PetscInt first, last;

  PetscFunctionBegin;
  PetscCall(ReadSweep(argc, argv, &sweep, &first, &last));
  AdCheckInput(sweep.naxes, "sweep: the input has no sweep block; add e.g. sweep: {process_tau: [0.1, 0.5]}");
  for (PetscInt point = 0; point < sweep.npoints; point++) {
    PetscInt rest = point, stride = sweep.npoints;
    PetscCall(AdPrint("%4d ", (int)point));
    for (PetscInt a = 0; a < sweep.naxes; a++) {
      stride /= sweep.nvalues[a];
      PetscCall(AdPrint(" %s: %s", sweep.axis[a], sweep.value[a][rest / stride]));
      rest %= stride;
    }
    PetscCall(AdPrint("\n"));
  }
  PetscCall(SweepDestroy(&sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Dispatch(int argc, char **argv)
{
  const char *word = argc > 1 ? argv[1] : "help";

  PetscFunctionBegin;
  if (!strcmp(word, "help") || !strcmp(word, "-help") || !strcmp(word, "--help") || !strcmp(word, "-h")) {
    PetscCall(Help(argc > 2 ? argv[2] : ""));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!strcmp(word, "version") || !strcmp(word, "--version")) {
    PetscCall(Version());
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < NCOMMANDS; i++)
    if (!strcmp(commands[i].name, word)) {
      PetscCall(argc > 2 && (!strcmp(argv[2], "-help") || !strcmp(argv[2], "--help"))
                    ? Help(word)
                    : RunCommand(&commands[i], argc - 2, argv + 2));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  AdCheckInput(!strcmp(word, "sweep"), "unknown command '%s'; 'adiff help' lists the commands", word);
  PetscCall(ListSweep(argc - 2, argv + 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscErrorCode status;
  int            code = 0;

  status = AdInitialize(&argc, &argv);
  if (!status) status = Dispatch(argc, argv);
  return AdFinalize(status, &code) ? 70 : code;
}
