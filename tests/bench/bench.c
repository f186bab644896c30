/*
  Benchmarks of adiff, one JSON line each on rank 0: random numbers, a training step, sampling. Not a test: no limits.

  usage: mpirun -n N bench [normals] [train] [sample]
*/
#include "addataset.h"
#include "adnet.h"
#include "adprocess.h"
#include "adrng.h"
#include "adsampler.h"
#include "adtrainer.h"
#include <stdlib.h>
#include <string.h>

#define WEIGHTS "build/bench_weights.h5"

static PetscErrorCode Report(const char *name, double value, const char *unit)
{
  int size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(AdPrint("{\"bench\": \"%s\", \"ranks\": %d, \"value\": %.6g, \"unit\": \"%s\"}\n", name, size,
                    value, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetOptions(const char *text)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Best of a few: normals a second on each rank, 4 a sample. */
static PetscErrorCode BenchNormals(void)
{
  const size_t samples = 1 << 20, per_sample = 4;
  double       best = 1e30;
  float       *out;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(samples * per_sample, &out));
  for (uint32_t repeat = 0; repeat < 12; repeat++) {
    double start = AdWallTime();
    rng_normal((RngStream){1, RNG_SDE, repeat}, 0, samples, (int)per_sample, out);
    best = PetscMin(best, AdWallTime() - start);
  }
  PetscCall(PetscFree(out));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &best, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  PetscCall(Report("normals", 1e9 * best / (double)(samples * per_sample), "ns a normal a rank"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The paper's net (5 -> 4 x 128 -> 2), batch 512, active noise: whole training steps a second, best of three runs. */
static PetscErrorCode BenchTraining(void)
{
  const int iterations = 2000;
  double    best       = 1e30;

  PetscFunctionBegin;
  for (int repeat = 0; repeat < 3; repeat++) {
    Process   process;
    Dataset   dataset;
    Score     score;
    Trainer   trainer;
    Output    out;
    PetscBool finished;
    double    start;
    PetscCall(SetOptions("-process_type active -dataset_preset diamond -score_type net -score_kind joint "
                         "-trainer_iterations 2000 -trainer_batch 512 "
                         "-trainer_checkpoint_every 0 -trainer_validate 0 -trainer_log_every 2000"));
    PetscCall(ProcessCreate(&process));
    PetscCall(DatasetCreate(&dataset));
    PetscCall(ScoreCreate(&score));
    PetscCall(TrainerCreate(&trainer));
    PetscCall(ProcessSetFromOptions(process));
    PetscCall(DatasetSetFromOptions(dataset));
    PetscCall(ScoreSetFromOptions(score));
    PetscCall(TrainerSetFromOptions(trainer));
    PetscCall(ProcessSetUp(process));
    PetscCall(DatasetSetUp(dataset));
    PetscCall(ScoreSetProcess(score, process));
    PetscCall(ScoreSetDataset(score, dataset));
    PetscCall(TrainerSetScore(trainer, process, dataset, score));
    PetscCall(ScoreSetUp(score));
    PetscCall(TrainerSetUp(trainer));
    start = AdWallTime();
    PetscCall(TrainerSolve(trainer, NULL, &finished));
    best = PetscMin(best, AdWallTime() - start);
    PetscCall(OutputOpen(WEIGHTS, "bench", &out));
    PetscCall(TrainerWrite(trainer, out));
    PetscCall(OutputClose(&out));
    PetscCall(TrainerDestroy(&trainer));
    PetscCall(ScoreDestroy(&score));
    PetscCall(DatasetDestroy(&dataset));
    PetscCall(ProcessDestroy(&process));
  }
  PetscCall(Report("mlp_train_batch512", iterations / best, "steps/s"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 10,000 samples, 500 Euler-Maruyama steps with that net: seconds, best of three. */
static PetscErrorCode BenchSampling(void)
{
  double best = 1e30;

  PetscFunctionBegin;
  for (int repeat = 0; repeat < 3; repeat++) {
    Process process;
    Score   score;
    Sampler sampler;
    double  start;
    PetscCall(SetOptions("-process_type active -score_file " WEIGHTS
                         " -sampler_scheme em -sampler_order 1 -sampler_grid uniform -sampler_steps 500 "
                         "-sampler_samples 10000"));
    PetscCall(ProcessCreate(&process));
    PetscCall(ScoreCreate(&score));
    PetscCall(SamplerCreate(&sampler));
    PetscCall(ProcessSetFromOptions(process));
    PetscCall(ScoreSetFromOptions(score));
    PetscCall(SamplerSetFromOptions(sampler));
    PetscCall(ProcessSetUp(process));
    PetscCall(ScoreSetProcess(score, process));
    PetscCall(ScoreSetUp(score));
    PetscCall(SamplerSetScore(sampler, process, score));
    PetscCall(SamplerSetUp(sampler));
    start = AdWallTime();
    PetscCall(SamplerSolve(sampler));
    best = PetscMin(best, AdWallTime() - start);
    PetscCall(SamplerDestroy(&sampler));
    PetscCall(ScoreDestroy(&score));
    PetscCall(ProcessDestroy(&process));
  }
  PetscCall(Report("sample_10000x500_em", best, "s"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunBenchmarks(int argc, char **argv)
{
  PetscFunctionBegin;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "normals")) PetscCall(BenchNormals());
    if (!strcmp(argv[i], "train")) PetscCall(BenchTraining());
    if (!strcmp(argv[i], "sample")) PetscCall(BenchSampling());
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscErrorCode status = AdInitialize(&argc, &argv);
  int            code   = 0;

  if (!status) status = RunBenchmarks(argc, argv);
  return AdFinalize(status, &code) ? 70 : code;
}
