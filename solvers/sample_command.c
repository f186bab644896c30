#include "adcommand.h"
#include "adsampler.h"

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
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(SamplingDestroy(&parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}
