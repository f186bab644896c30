#include "adcommand.h"
#include "adsampler.h"

/* The parts of a run; the data set is made only where one is needed */
typedef struct {
  Process process;
  Score   score;
  Dataset dataset;
  Sampler sampler;
} Parts;

/* What weights suggest where the user has given nothing: the noise they were trained with, and the smallest sigma. */
static PetscErrorCode TakeDefaults(Parts *parts)
{
  const char *file;
  double      sigma_min;
  PetscBool   found;
  Input       in;

  PetscFunctionBegin;
  PetscCall(ScoreGetFile(parts->score, &file));
  if (!file[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InputOpen("-score_file", file, &in));
  PetscCall(ProcessTakeOptions(in));
  PetscCall(InputAttrReal(in, "/score", "sampler_sigma_min", 1, &sigma_min, &found));
  if (found) PetscCall(SamplerSetSigmaMin(parts->sampler, sigma_min));
  PetscCall(InputClose(&in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exact scores need the law of the data, the exact prior needs rows; a net brings all it knows with its weights */
static PetscErrorCode ReadParts(const CommandLine *line, Parts *parts)
{
  PetscBool exact, rows;

  PetscFunctionBegin;
  PetscCall(ScoreCreate(&parts->score));
  PetscCall(ScoreSetFromOptions(parts->score));
  PetscCall(SamplerCreate(&parts->sampler));
  PetscCall(SamplerSetSeed(parts->sampler, line->seed));
  PetscCall(TakeDefaults(parts));
  PetscCall(ProcessCreate(&parts->process));
  PetscCall(ProcessSetFromOptions(parts->process));
  PetscCall(SamplerSetFromOptions(parts->sampler));
  PetscCall(PetscObjectTypeCompare((PetscObject)parts->score, "mixture", &exact));
  PetscCall(SamplerNeedsDataset(parts->sampler, &rows));
  if (exact || rows) {
    PetscCall(DatasetCreate(&parts->dataset));
    PetscCall(DatasetSetSeed(parts->dataset, line->seed));
    PetscCall(DatasetSetFromOptions(parts->dataset));
  }
  PetscCall(OptionsCheckUnused(line->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Data for the exact prior must be those that the weights were trained on: the same columns in the same units */
static PetscErrorCode CheckSameCoordinates(const Parts *parts)
{
  const Coordinates *data, *known;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(parts->dataset, &data));
  PetscCall(ScoreGetCoordinates(parts->score, &known));
  PetscCall(CoordinatesCheckSame("-sampler_prior: exact", data, known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpParts(Parts *parts)
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

/* Which data the samples are to be compared with: those of the exact law, or those that the weights were trained on. */
static PetscErrorCode WriteDataset(const Parts *parts, Output out)
{
  const char *file;
  Input       in;

  PetscFunctionBegin;
  PetscCall(ScoreGetFile(parts->score, &file));
  if (file[0]) {
    PetscCall(InputOpen("-score_file", file, &in));
    PetscCall(DatasetCopyRecord(in, out));
    PetscCall(InputClose(&in));
  } else if (parts->dataset)
    PetscCall(DatasetWriteRecord(parts->dataset, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SampleRun - adiff sample: generate samples by the reverse process, to /samples and /trajectory. */
PetscErrorCode SampleRun(const CommandLine *line)
{
  Parts        parts = {0};
  Output       out;
  double       started, evaluations;
  const double start = AdWallTime();

  PetscFunctionBegin;
  PetscCall(ReadParts(line, &parts));
  PetscCall(SetUpParts(&parts));
  PetscCall(ProcessPrintSummary(parts.process));
  if (parts.dataset) PetscCall(DatasetPrintSummary(parts.dataset));
  PetscCall(ScorePrintSummary(parts.score));
  PetscCall(SamplerPrintSummary(parts.sampler));
  started = AdWallTime();
  PetscCall(SamplerSolve(parts.sampler));
  PetscCall(SamplerGetEvaluations(parts.sampler, &evaluations));
  PetscCall(AdPrint("sampled   in %.3g s (set up in %.3g s), %.4g score evaluations a sample\n",
                    AdWallTime() - started, started - start, evaluations));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(SamplerWrite(parts.sampler, out));
  PetscCall(WriteDataset(&parts, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(SamplerDestroy(&parts.sampler));
  PetscCall(ScoreDestroy(&parts.score));
  PetscCall(DatasetDestroy(&parts.dataset));
  PetscCall(ProcessDestroy(&parts.process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
