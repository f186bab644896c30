/*
  adiff rhm: random hierarchies under noise, read by exact belief propagation
*/
#include "adcommand.h"
#include "private/rhmimpl.h"

/* Messages a population: as asked for, or what takes a few seconds */
static int population_of(const RhmOptions *o, const Grammar *g)
{
  const double rules = (double)g->v * g->m * g->s, usual = 2e9 / (2.0 * RHM_BATCHES * g->L * rules);

  return o->population >= 0 ? (int)o->population : (int)fmax(64, fmin(2048, usual));
}

/* Where the root should be lost, for every size */
static PetscErrorCode PredictAll(RhmStudy *study)
{
  const RhmOptions *o     = study->o;
  const PetscInt    sizes = study->settings / study->grid.n;

  PetscFunctionBegin;
  if (!o->population) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(sizes, &study->prediction));
  for (PetscInt i = 0; i < sizes; i++) {
    const Grammar *g = study->child ? &study->given : &o->size[i];
    const int      n = population_of(o, g);

    PetscCall(RhmCheckMemory(o, 16.0 * n * g->v * RHM_LANES, "the prediction (-rhm_population)"));
    PetscCall(RhmPredict(g, n, o->seed, &study->prediction[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunExperiment(const CommandLine *line, RhmOptions *o)
{
  RhmStudy study;
  Output   out;

  PetscFunctionBegin;
  PetscCall(RhmStudyCreate(o, &study));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(RhmStudySetUp(&study));
  PetscCall(RhmPrintPlan(&study));
  PetscCall(PredictAll(&study));
  PetscCall(OutputMakeFolder(line->output));
  for (PetscInt k = 0; k < study.settings; k++) PetscCall(RhmMeasure(&study, k));
  PetscCall(RhmPrintStudy(&study));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(RhmWriteStudy(&study, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(RhmStudyDestroy(&study));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Leaves that are given or to be drawn */
static PetscErrorCode RunLeaves(const CommandLine *line, RhmOptions *o)
{
  Process process;

  PetscFunctionBegin;
  if (o->mode == RHM_POSTERIOR) PetscCall(RhmTakeLeavesOptions(o));
  PetscCall(ProcessCreate(&process));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(ProcessSetUp(process));
  PetscCall(ProcessPrintSummary(process));
  if (o->mode == RHM_POSTERIOR)
    PetscCall(RhmReadLeaves(line, o, process));
  else
    PetscCall(RhmDrawLeaves(line, o, process));
  PetscCall(ProcessDestroy(&process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmRun - adiff rhm: accuracy by level against time and clock, /rhm; or marginals of given leaves; or drawn leaves

  Source: paper section V, figure 9 and eqs. A59-A64; (A63), (A64) corrected (rhm_law)
*/
PetscErrorCode RhmRun(const CommandLine *line)
{
  RhmOptions o;

  PetscFunctionBegin;
  PetscCall(RhmReadOptions(PETSC_FALSE, &o));
  o.seed = line->seed;
  if (o.mode == RHM_EXPERIMENT)
    PetscCall(RunExperiment(line, &o));
  else
    PetscCall(RunLeaves(line, &o));
  PetscCall(RhmFreeOptions(&o));
  PetscFunctionReturn(PETSC_SUCCESS);
}
