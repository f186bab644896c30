/*
  A score and the rows it is judged on: what the commands likelihood and denoise have in common
*/
#include "private/likelihoodimpl.h"

const char *const subject_splits[] = {"train", "test", "all", NULL};

/* SubjectRead - create process, data set and score, and read their options. */
PetscErrorCode SubjectRead(const CommandLine *line, Subject *s)
{
  PetscFunctionBegin;
  *s = (Subject){0};
  PetscCall(ProcessCreate(&s->process));
  PetscCall(ProcessSetFromOptions(s->process));
  PetscCall(DatasetCreate(&s->dataset));
  PetscCall(DatasetSetSeed(s->dataset, line->seed));
  PetscCall(DatasetSetFromOptions(s->dataset));
  PetscCall(ScoreCreate(&s->score));
  PetscCall(ScoreSetFromOptions(s->score));
  PetscCall(PetscObjectTypeCompare((PetscObject)s->score, "mixture", &s->exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SubjectSetUp - set all up; AD_ERR_INPUT when the data are not in the units of the weights. */
PetscErrorCode SubjectSetUp(Subject *s, const char *command)
{
  const Coordinates *data;

  PetscFunctionBegin;
  PetscCall(ProcessSetUp(s->process));
  PetscCall(DatasetSetUp(s->dataset));
  PetscCall(ScoreSetProcess(s->score, s->process));
  if (s->exact) PetscCall(ScoreSetDataset(s->score, s->dataset));
  PetscCall(ScoreSetUp(s->score));
  PetscCall(ScoreGetCoordinates(s->score, &s->c));
  PetscCall(ScoreGetLabel(s->score, &s->label));
  PetscCall(DatasetGetCoordinates(s->dataset, &data));
  PetscCall(CoordinatesCheckSame(command, data, s->c));
  PetscCall(DatasetGetMixture(s->dataset, &s->law));
  if (s->law && !s->exact) PetscCall(ScoreCreateExact(s->process, s->dataset, &s->truth));
  PetscCall(ProcessPrintSummary(s->process));
  PetscCall(DatasetPrintSummary(s->dataset));
  PetscCall(ScorePrintSummary(s->score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SubjectTakeRows - this rank's rows; evenly spaced ones where there are more, since neighbours may be alike. */
PetscErrorCode SubjectTakeRows(Subject *s, PetscInt split, PetscInt rows, const char *key)
{
  int64_t size, *index;

  PetscFunctionBegin;
  s->N = rows;
  PetscCall(DatasetCountRows(s->dataset, (DatasetSplit)split, key, 10000, &s->N));
  PetscCall(DatasetGetSize(s->dataset, (DatasetSplit)split, &size));
  PetscCall(AdSplitRows(s->N, DENSITY_WAVE, &s->first, &s->n));
  PetscCall(PetscMalloc2(s->n * s->c->d, &s->x0, s->n, &s->component));
  PetscCall(PetscMalloc1(s->n, &index));
  for (int64_t r = 0; r < s->n; r++)
    index[r] = size < 0 ? s->first + r : (int64_t)((double)(s->first + r) * (double)size / (double)s->N);
  PetscCall(DatasetGetRows(s->dataset, (DatasetSplit)split, s->n, index, s->x0, s->component));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SubjectWrite - what was judged, as attributes of a group, with the groups of process and data. */
PetscErrorCode SubjectWrite(const Subject *s, PetscInt split, const char *group, Output out)
{
  const char *process;

  PetscFunctionBegin;
  PetscCall(ProcessGetLabel(s->process, &process));
  PetscCall(OutputAttrString(out, group, "score", s->label));
  PetscCall(OutputAttrString(out, group, "process", process));
  PetscCall(OutputAttrString(out, group, "split", subject_splits[split]));
  PetscCall(OutputAttrInt(out, group, "rows", s->N));
  PetscCall(OutputAttrInt(out, group, "d", s->c->d));
  PetscCall(DatasetWrite(s->dataset, out));
  PetscCall(ProcessWrite(s->process, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SubjectDestroy(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->x0, s->component));
  PetscCall(ScoreDestroy(&s->truth));
  PetscCall(ScoreDestroy(&s->score));
  PetscCall(DatasetDestroy(&s->dataset));
  PetscCall(ProcessDestroy(&s->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
