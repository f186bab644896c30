/*
  One run of the reverse process, from options to a sampler that is ready
*/
#include "private/samplerimpl.h"

/* What weights suggest where the user has given nothing: the noise they were trained with, and the smallest sigma. */
static PetscErrorCode TakeDefaults(const Sampling *parts)
{
  const char *file;
  double      sigma_min = 0;
  PetscBool   found;
  Input       in;

  PetscFunctionBegin;
  PetscCall(ScoreGetFile(parts->score, &file));
  if (!file[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InputOpen("-score_file", file, &in));
  PetscCall(ProcessTakeOptions(in));
  PetscCall(InputAttrReal(in, "/score", "sampler_sigma_min", 1, &sigma_min, &found));
  PetscCall(SamplerSetNetDefaults(parts->sampler, found ? sigma_min : 0));
  PetscCall(InputClose(&in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SamplingCreate - the parts of a run, with all their options read

  Input:  seed  of starting states, noise and synthetic rows
  Note:   exact scores need the law of the data, the exact prior needs rows; a net brings all it knows with its weights
*/
PetscErrorCode SamplingCreate(uint64_t seed, Sampling *parts)
{
  PetscBool exact, rows;

  PetscFunctionBegin;
  PetscCall(ScoreCreate(&parts->score));
  PetscCall(ScoreSetFromOptions(parts->score));
  PetscCall(SamplerCreate(&parts->sampler));
  PetscCall(SamplerSetSeed(parts->sampler, seed));
  PetscCall(TakeDefaults(parts));
  PetscCall(ProcessCreate(&parts->process));
  PetscCall(ProcessSetFromOptions(parts->process));
  PetscCall(SamplerSetFromOptions(parts->sampler));
  PetscCall(PetscObjectTypeCompare((PetscObject)parts->score, "mixture", &exact));
  PetscCall(SamplerNeedsDataset(parts->sampler, &rows));
  if (exact || rows) {
    PetscCall(DatasetCreate(&parts->dataset));
    PetscCall(DatasetSetSeed(parts->dataset, seed));
    PetscCall(DatasetSetFromOptions(parts->dataset));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Data for the exact prior must be those that the weights were trained on: the same columns in the same units */
static PetscErrorCode CheckSameCoordinates(const Sampling *parts)
{
  const Coordinates *data, *known;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(parts->dataset, &data));
  PetscCall(ScoreGetCoordinates(parts->score, &known));
  PetscCall(CoordinatesCheckSame("-sampler_prior: exact", data, known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplingSetUp - read data and weights, make the tables of all steps. */
PetscErrorCode SamplingSetUp(Sampling *parts)
{
  PetscFunctionBegin;
  PetscCall(ProcessSetUp(parts->process));
  PetscCall(ScoreSetProcess(parts->score, parts->process));
  if (parts->dataset) {
    PetscBool exact;

    PetscCall(DatasetSetUp(parts->dataset));
    PetscCall(PetscObjectTypeCompare((PetscObject)parts->score, "mixture", &exact));
    if (exact) PetscCall(ScoreSetDataset(parts->score, parts->dataset));
    PetscCall(SamplerSetDataset(parts->sampler, parts->dataset));
  }
  PetscCall(ScoreSetUp(parts->score));
  if (parts->dataset) PetscCall(CheckSameCoordinates(parts));
  PetscCall(SamplerSetScore(parts->sampler, parts->process, parts->score));
  PetscCall(SamplerSetUp(parts->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplingPrintSummary - what a person wants to know before a run. */
PetscErrorCode SamplingPrintSummary(const Sampling *parts)
{
  PetscFunctionBegin;
  PetscCall(ProcessPrintSummary(parts->process));
  if (parts->dataset) PetscCall(DatasetPrintSummary(parts->dataset));
  PetscCall(ScorePrintSummary(parts->score));
  PetscCall(SamplerPrintSummary(parts->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SamplingDestroy(Sampling *parts)
{
  PetscFunctionBegin;
  PetscCall(SamplerDestroy(&parts->sampler));
  PetscCall(ScoreDestroy(&parts->score));
  PetscCall(DatasetDestroy(&parts->dataset));
  PetscCall(ProcessDestroy(&parts->process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
