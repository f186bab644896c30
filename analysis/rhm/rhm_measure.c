/*
  What one setting says: curves with their errors, calibration
*/
#include "private/rhmimpl.h"

/* trees that must be expected to be misread at some time before calibration is judged */
enum { LEAST_LOST = 10 };

/* Means and errors of all quantities of a case; work[groups] */
static void describe_case(RhmStudy *study, PetscInt setting, const RhmSetting *s, PetscInt c, double *work)
{
  const RhmOptions *o = s->o;

  for (PetscInt time = 0; time < o->nt; time++)
    for (int q = 0; q < RHM_QUANTITIES; q++) {
      const int64_t at = ((setting * o->ncases + c) * o->nt + time) * study->levels;

      for (int level = 0; level < study->levels; level++) {
        study->value[q][at + level] = study->err[q][at + level] = NAN;
        if (level >= s->levels) continue;
        rhm_group_values(s, c, time, level, (RhmQuantity)q, work);
        rhm_mean((int)s->groups, s->weight, work, &study->value[q][at + level], &study->err[q][at + level]);
      }
    }
}

/* Mean over times of hits minus confidence, level by level; NaN where hardly a tree is expected to be misread. work[2 groups] */
static void check_calibration(RhmStudy *study, PetscInt setting, const RhmSetting *s, PetscInt c,
                              double *work)
{
  const RhmOptions *o  = s->o;
  const int64_t     at = (setting * o->ncases + c) * study->levels;

  for (int level = 0; level < study->levels; level++) {
    double surest = 1, *excess = work + s->groups;

    study->calibration[at + level] = study->chance[at + level] = NAN;
    if (level >= s->levels) continue;
    for (int64_t i = 0; i < s->groups; i++) excess[i] = 0;
    for (PetscInt time = 0; time < o->nt; time++) {
      surest = PetscMin(
          surest,
          study->value[RHM_CONFIDENCE][((setting * o->ncases + c) * o->nt + time) * study->levels + level]);
      rhm_group_values(s, c, time, level, RHM_EXCESS, work);
      for (int64_t i = 0; i < s->groups; i++) excess[i] += work[i] / (double)o->nt;
    }
    if ((1 - surest) * (double)s->grammars * (double)o->trials >= LEAST_LOST)
      study->chance[at + level] =
          rhm_calibration((int)s->groups, s->weight, excess, &study->calibration[at + level]);
  }
}

/*
  RhmMeasure - run one setting and enter what it says into the tables

  Collective
  Note: same bits on any number of ranks: trees and normals go by index, sums by the order of blocks
*/
PetscErrorCode RhmMeasure(RhmStudy *study, PetscInt setting)
{
  RhmSetting s;
  double    *work;

  PetscFunctionBegin;
  PetscCall(RhmSettingCreate(study, setting, study->o->nt,
                             study->law + setting % study->grid.n * study->o->ncases * study->o->nt, 0, &s));
  PetscCall(RhmSettingRun(study, &s));
  PetscCall(PetscMalloc1(2 * s.groups, &work));
  for (PetscInt c = 0; c < s.o->ncases; c++) {
    double *floored = &study->floored[setting * s.o->ncases + c];

    describe_case(study, setting, &s, c, work);
    check_calibration(study, setting, &s, c, work);
    *floored = 0;
    for (int64_t i = 0; i < s.groups * s.o->nt; i++)
      *floored += s.sums[i * s.width + s.o->ncases * s.levels * RHM_SUMS + c];
  }
  PetscCall(RhmFindHalf(study, setting, &s));
  PetscCall(PetscFree(work));
  PetscCall(RhmSettingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
