/*
  adiff rhm: random hierarchies under noise, read by exact belief propagation
*/
#include "adcommand.h"
#include "private/rhmimpl.h"

static PetscErrorCode AllocateTables(RhmStudy *study)
{
  const int64_t rows   = (int64_t)study->settings * study->o->ncases;
  const int64_t curves = rows * study->o->nt * study->levels;

  PetscFunctionBegin;
  for (int q = 0; q < RHM_QUANTITIES; q++)
    PetscCall(PetscMalloc2(curves, &study->value[q], curves, &study->err[q]));
  for (int k = 0; k < 2; k++) PetscCall(PetscMalloc2(rows, &study->half[k], rows, &study->half_err[k]));
  PetscCall(PetscMalloc3(rows * study->levels, &study->calibration, rows * study->levels, &study->chance,
                         rows, &study->floored));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeStudy(RhmStudy *study)
{
  PetscFunctionBegin;
  for (int q = 0; q < RHM_QUANTITIES; q++) PetscCall(PetscFree2(study->value[q], study->err[q]));
  for (int k = 0; k < 2; k++) PetscCall(PetscFree2(study->half[k], study->half_err[k]));
  PetscCall(PetscFree3(study->calibration, study->chance, study->floored));
  PetscCall(PetscFree(study->time));
  PetscCall(PetscFree(study->law));
  PetscCall(PetscFree(study->child));
  PetscCall(ProcessGridDestroy(&study->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Grammar *size_of(const RhmStudy *study, PetscInt setting)
{
  return study->child ? &study->given : &study->o->size[setting / study->grid.n];
}

/* Memory of the largest setting, refused above -rhm_memory; work of all; a line that tells both */
static PetscErrorCode Plan(RhmStudy *study)
{
  const RhmOptions *o        = study->o;
  const double      grammars = study->child ? 1 : o->grammars, trees = grammars * o->trials;
  const double      blocks = grammars * ceil(o->trials / (double)RHM_LANES), units = blocks * o->nt;
  double            most = 0;

  PetscFunctionBegin;
  study->levels = 0;
  for (PetscInt k = 0; k < study->settings; k++) {
    const Grammar   *g = size_of(study, k);
    const LinearSde *sde;
    double           bytes;

    PetscCall(ProcessGetSde(study->grid.process[k % study->grid.n], &sde));
    /* sums of all units, of this rank's (half at most on more than one), and of groups */
    bytes = rhm_trees_bytes(g, rhm_planes(sde->b)) +
            3 * 8.0 * units * (double)o->ncases * ((g->L + 1) * RHM_SUMS + 1);
    most          = PetscMax(most, bytes);
    study->levels = PetscMax(study->levels, g->L + 1);
    study->all += units * rhm_work(g);
  }
  most += 16.0 * RHM_QUANTITIES * (double)study->settings * o->ncases * o->nt * study->levels;
  PetscCall(RhmCheckMemory(o, most, "the experiment"));
  PetscCall(AdPrint(
      "rhm       %d size%s, %d noise%s, %.0f grammar%s x %d trees, %d times, %d cases: %.3g propagations, "
      "%.3g multiplications, %.3g MiB a rank\n",
      (int)(study->settings / study->grid.n), study->settings == study->grid.n ? "" : "s", (int)study->grid.n,
      study->grid.n == 1 ? "" : "s", grammars, grammars == 1 ? "" : "s", (int)o->trials, (int)o->nt,
      (int)o->ncases, trees * (double)study->settings * o->nt * o->ncases, study->all * RHM_LANES * o->ncases,
      most / 1048576));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunExperiment(const CommandLine *line, RhmOptions *o)
{
  RhmStudy study = {.o = o};
  Output   out;

  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&study.grid));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(ProcessGridSetUp(&study.grid));
  PetscCall(RhmGetLaws(o, study.grid.n, study.grid.process, &study.time, &study.law));
  if (o->grammar_file[0]) PetscCall(RhmReadGrammar(o, &study.given, &study.child));
  study.settings = (study.child ? 1 : o->nsizes) * study.grid.n;
  PetscCall(ProcessGridPrintSummary(&study.grid));
  PetscCall(Plan(&study));
  PetscCall(AllocateTables(&study));
  PetscCall(OutputMakeFolder(line->output));
  study.started = study.said = AdWallTime();
  for (PetscInt k = 0; k < study.settings; k++) PetscCall(RhmMeasure(&study, k));
  PetscCall(RhmPrintStudy(&study));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(RhmWriteStudy(&study, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(FreeStudy(&study));
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
