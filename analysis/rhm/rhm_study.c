/*
  The experiment as a whole: noises, laws, sizes, room for results
*/
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

PetscErrorCode RhmStudyDestroy(RhmStudy *study)
{
  PetscFunctionBegin;
  for (int q = 0; q < RHM_QUANTITIES; q++) PetscCall(PetscFree2(study->value[q], study->err[q]));
  for (int k = 0; k < 2; k++) PetscCall(PetscFree2(study->half[k], study->half_err[k]));
  PetscCall(PetscFree3(study->calibration, study->chance, study->floored));
  PetscCall(PetscFree(study->prediction));
  PetscCall(PetscFree(study->time));
  PetscCall(PetscFree(study->law));
  PetscCall(PetscFree(study->child));
  PetscCall(ProcessGridDestroy(&study->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double grammars_of(const RhmStudy *study)
{
  return study->child ? 1 : (double)study->o->grammars;
}

static const Grammar *size_of(const RhmStudy *study, PetscInt setting)
{
  return study->child ? &study->given : &study->o->size[setting / study->grid.n];
}

/* Memory of the largest setting, refused above -rhm_memory; work of all */
static PetscErrorCode Plan(RhmStudy *study)
{
  const RhmOptions *o      = study->o;
  const double      blocks = grammars_of(study) * ceil(o->trials / (double)RHM_LANES), units = blocks * o->nt;

  PetscFunctionBegin;
  study->bytes = study->all = study->levels = 0;
  for (PetscInt k = 0; k < study->settings; k++) {
    const Grammar   *g = size_of(study, k);
    const LinearSde *sde;
    double           bytes;

    PetscCall(ProcessGetSde(study->grid.process[k % study->grid.n], &sde));
    bytes = rhm_trees_bytes(g, rhm_planes(sde->b)); /* and sums of all units, of this rank's, of groups: */
    bytes += 3 * 8.0 * units * (double)o->ncases * ((g->L + 1) * RHM_SUMS + 1);
    study->bytes  = PetscMax(study->bytes, bytes);
    study->levels = PetscMax(study->levels, g->L + 1);
    study->all += units * rhm_work(g, 0) + blocks * RHM_FINE * rhm_work(g, g->L);
  }
  study->bytes += 16.0 * RHM_QUANTITIES * (double)study->settings * o->ncases * o->nt * study->levels;
  PetscCall(RhmCheckMemory(o, study->bytes, "the experiment"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmPrintPlan - what will be done, and what it costs. */
PetscErrorCode RhmPrintPlan(const RhmStudy *study)
{
  const RhmOptions *o = study->o;

  PetscFunctionBegin;
  PetscCall(ProcessGridPrintSummary(&study->grid));
  PetscCall(
      AdPrint("rhm       sizes %d, grammars %.0f x trees %d, times %d, cases %d: %.3g propagations, %.3g "
              "multiplications, %.3g MiB a rank\n",
              (int)(study->settings / study->grid.n), grammars_of(study), (int)o->trials, (int)o->nt,
              (int)o->ncases, grammars_of(study) * o->trials * (double)study->settings * o->nt * o->ncases,
              study->all * RHM_LANES * o->ncases, study->bytes / 1048576));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmStudyCreate - an experiment whose noises are those of the options; reads all of theirs

  Input: o  in effect until the study is destroyed
*/
PetscErrorCode RhmStudyCreate(RhmOptions *o, RhmStudy *study)
{
  PetscFunctionBegin;
  *study = (RhmStudy){.o = o};
  PetscCall(ProcessGridCreate(&study->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmStudySetUp - laws of all cases, rules of a file, room for results. */
PetscErrorCode RhmStudySetUp(RhmStudy *study)
{
  RhmOptions *o = study->o;

  PetscFunctionBegin;
  PetscCall(ProcessGridSetUp(&study->grid));
  PetscCall(RhmGetLaws(o, study->grid.n, study->grid.process, &study->time, &study->law));
  if (o->grammar_file[0]) PetscCall(RhmReadGrammar(o, &study->given, &study->child));
  study->settings = (study->child ? 1 : o->nsizes) * study->grid.n;
  PetscCall(Plan(study));
  PetscCall(AllocateTables(study));
  study->started = study->said = AdWallTime();
  PetscFunctionReturn(PETSC_SUCCESS);
}
