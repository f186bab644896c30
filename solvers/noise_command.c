#include "adcommand.h"
#include "addataset.h"
#include "adprocess.h"

#define MAX_TIMES 4096

typedef struct {
  PetscInt   samples, split, nt;
  PetscReal *time;
} NoiseOptions;

/* -noise_time is read only where -noise_times is not given; then both typed are refused as an unused key. */
static PetscErrorCode ReadOptions(PetscReal t_final, NoiseOptions *o)
{
  static const char *const splits[] = {"train", "test", "all", NULL};
  PetscBool                many;

  PetscFunctionBegin;
  PetscCall(OptRealList("-noise_times", "times of the noised states", RANGE_POSITIVE, MAX_TIMES, o->time,
                        &o->nt, &many));
  if (!many) {
    o->time[0] = t_final;
    o->nt      = 1;
    PetscCall(OptReal("-noise_time", "a single such time; -process_t_final unless given", RANGE_POSITIVE,
                      o->time, NULL));
  }
  PetscCall(OptInt("-noise_samples", "rows to noise; 0: all, or 10000 where rows have no end",
                   RANGE_NONNEGATIVE, &o->samples, NULL));
  PetscCall(OptChoice("-noise_split", "which rows", splits, &o->split, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NoiseRunDeclareOptions(void)
{
  NoiseOptions o = {0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MAX_TIMES, &o.time));
  PetscCall(ReadOptions(1, &o));
  PetscCall(PetscFree(o.time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows first .. first + n of the split in diffused units. */
static PetscErrorCode GetRows(Dataset dataset, DatasetSplit split, int64_t first, int64_t n, double *x0,
                              int *label)
{
  int64_t *index;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &index));
  for (int64_t r = 0; r < n; r++) index[r] = first + r;
  PetscCall(DatasetGetRows(dataset, split, n, index, x0, label));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRows(Dataset dataset, DatasetSplit split, int64_t N, int d, Output out)
{
  const DataInfo rows    = {"sample,coordinate", "diffused",
                            "data rows before noising; /coordinates leads back to raw units"};
  const DataInfo labels  = {"sample", "1", "component of the mixture, -1: none"};
  const int64_t  dims[2] = {N, d};
  int64_t        first, n, *wide;
  int           *label;
  double        *x0;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(N, 1, &first, &n));
  PetscCall(PetscMalloc3(n * d, &x0, n, &label, n, &wide));
  PetscCall(GetRows(dataset, split, first, n, x0, label));
  for (int64_t r = 0; r < n; r++) wide[r] = label[r];
  PetscCall(OutputWriteRows(out, "/samples/x0", AD_DOUBLE, 2, dims, first, n, x0, &rows));
  PetscCall(OutputWriteRows(out, "/samples/label", AD_INT64, 1, dims, first, n, wide, &labels));
  PetscCall(PetscFree3(x0, label, wide));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sigma[nt] at the times asked for; refuses a time with no or too much noise before anything is computed. */
static PetscErrorCode WriteTimes(Process process, const NoiseOptions *o, Output out)
{
  const int64_t  nt     = o->nt;
  const DataInfo times  = {"time", "time", "times of the noised states"};
  const DataInfo clocks = {"time", "diffused", "sd of z given x0, z the part of X that knows of x0"};
  double        *sigma;
  Kernel         k;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(nt, &sigma));
  for (PetscInt i = 0; i < nt; i++) {
    PetscCall(ProcessGetKernel(process, o->time[i], &k));
    sigma[i] = k.sigma;
  }
  PetscCall(OutputWrite(out, "/trajectory/time", AD_DOUBLE, 1, &nt, o->time, &times));
  PetscCall(OutputWrite(out, "/trajectory/sigma", AD_DOUBLE, 1, &nt, sigma, &clocks));
  PetscCall(PetscFree(sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  NoiseStates - X(t) given x0 at each time, for all rows; every rank does whole times

  Output: dataset /trajectory/state[nt][N][b*d]: x_1..x_d, then each auxiliary variable of x_1..x_d
  Note:   the noise of time i has step i of its stream: given x0, states of different times are independent, each with
          the exact law of its time. They are no path of the process.
*/
static PetscErrorCode NoiseStates(Process process, Dataset dataset, const NoiseOptions *o, int64_t N,
                                  uint64_t seed, Output out)
{
  const DataInfo     info = {"time,sample,variable*coordinate", "diffused",
                             "exact law of X(t) given x0 (paper eqs. A24-A30), independent between times"};
  const LinearSde   *sde;
  const Coordinates *c;
  int64_t            first, n, dims[3];
  double            *x0, *X;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(process, &sde));
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(AdSplitRows(o->nt, 1, &first, &n));
  dims[0] = o->nt;
  dims[1] = N;
  dims[2] = (int64_t)sde->b * c->d;
  PetscCall(PetscMalloc2(n ? N * c->d : 0, &x0, n * N * dims[2], &X));
  if (n) PetscCall(GetRows(dataset, (DatasetSplit)o->split, 0, N, x0, NULL));
  for (int64_t i = first; i < first + n; i++) {
    const RngStream stream = {seed, RNG_NOISE, (uint32_t)i};
    Kernel          k;

    PetscCall(ProcessGetKernel(process, o->time[i], &k));
    PetscCall(ProcessNoise(process, &k, c->d, stream, 0, N, x0, X + (i - first) * N * dims[2]));
  }
  PetscCall(OutputWriteRows(out, "/trajectory/state", AD_DOUBLE, 3, dims, first, n, X, &info));
  PetscCall(OutputAttrInt(out, "/trajectory", "b", sde->b));
  PetscCall(OutputAttrInt(out, "/trajectory", "d", c->d));
  PetscCall(PetscFree2(x0, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Noise the rows and write all of the result. */
static PetscErrorCode NoiseCompute(Process process, Dataset dataset, const NoiseOptions *o,
                                   const CommandLine *line)
{
  const Coordinates *c;
  int64_t            N = o->samples;
  Output             out;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(dataset, &c));
  PetscCall(DatasetCountRows(dataset, (DatasetSplit)o->split, "-noise_samples", 10000, &N));
  PetscCall(AdPrint("noise     %lld rows at %d time%s from %g to %g\n", (long long)N, (int)o->nt,
                    o->nt > 1 ? "s" : "", o->time[0], o->time[o->nt - 1]));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WriteTimes(process, o, out));
  PetscCall(WriteRows(dataset, (DatasetSplit)o->split, N, c->d, out));
  PetscCall(NoiseStates(process, dataset, o, N, line->seed, out));
  PetscCall(DatasetWrite(dataset, out));
  PetscCall(ProcessWrite(process, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NoiseRun - adiff noise: data rows noised exactly to given times, /trajectory beside the rows in /samples. */
PetscErrorCode NoiseRun(const CommandLine *line)
{
  Process      process;
  Dataset      dataset;
  PetscReal    t_final;
  NoiseOptions o = {0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MAX_TIMES, &o.time));
  PetscCall(ProcessCreate(&process));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(DatasetCreate(&dataset));
  PetscCall(DatasetSetSeed(dataset, line->seed));
  PetscCall(DatasetSetFromOptions(dataset));
  PetscCall(ProcessGetFinalTime(process, &t_final));
  PetscCall(ReadOptions(t_final, &o));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(ProcessSetUp(process));
  PetscCall(DatasetSetUp(dataset));
  PetscCall(ProcessPrintSummary(process));
  PetscCall(DatasetPrintSummary(dataset));
  PetscCall(NoiseCompute(process, dataset, &o, line));
  PetscCall(DatasetDestroy(&dataset));
  PetscCall(ProcessDestroy(&process));
  PetscCall(PetscFree(o.time));
  PetscFunctionReturn(PETSC_SUCCESS);
}
