#include "adcommand.h"
#include "adsampler.h"

/* Which data the samples are to be compared with: those of the exact law, or those that the weights were trained on. */
static PetscErrorCode WriteDataset(const Sampling *parts, Output out)
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
  Sampling     parts = {0};
  Output       out;
  double       started, evaluations;
  const double start = AdWallTime();

  PetscFunctionBegin;
  PetscCall(SamplingCreate(line->seed, &parts));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(SamplingSetUp(&parts));
  PetscCall(SamplingPrintSummary(&parts));
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
  PetscCall(SamplingDestroy(&parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}
