/*
  Benchmarks of adiff, one JSON line each on rank 0: random numbers, a training step, sampling, Ising updates, belief
  propagation, covariance spectra. Not a test: no limits.

  usage: mpirun -n N bench [normals] [train] [sample] [ising] [rhm] [spectrum]
*/
#include "adcovariance.h"
#include "addataset.h"
#include "adising.h"
#include "adnet.h"
#include "adprocess.h"
#include "adrhm.h"
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

/* ---- Ising: side 32 at T = 2.25 ---- */

enum { SIDE = 32, SPINS = SIDE * SIDE, FLIPS = 1 << 17, WORD_FLIPS = 1 << 14, UPDATES = 1 };
#define TEMPERATURE 2.25

/* What one would write without a second thought, but with care: one replica, a spin a byte, acceptance from a table, and one
   number of xoshiro256++ a flip, its upper half for the site, its lower half for acceptance. */
static double time_scalar_flips(const int (*near)[4], signed char *spin, uint64_t s[4])
{
  const double start = AdWallTime();
  uint64_t     accept[9];

  for (int k = 0; k < 9; k++)
    accept[k] = k > 4 ? (uint64_t)(0x1p32 * exp(-2 * (k - 4) / TEMPERATURE)) : 1ull << 32;
  for (int k = 0; k < FLIPS; k++) {
    const uint64_t sum = s[0] + s[3], shifted = s[1] << 17, word = ((sum << 23) | (sum >> 41)) + s[0];
    const int      i = (int)((word >> 32) * SPINS >> 32), *to = near[i];
    const int      field = spin[i] * (spin[to[0]] + spin[to[1]] + spin[to[2]] + spin[to[3]]);

    if ((uint32_t)word < accept[4 + field]) spin[i] = (signed char)-spin[i];
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
  }
  return AdWallTime() - start;
}

static double time_packed_flips(const int (*near)[4], uint32_t *site, IsingBits *bits, IsingWord *spin)
{
  const double start = AdWallTime();
  IsingChance  chance[2];

  ising_chance(exp(-4 / TEMPERATURE), &chance[0]);
  ising_chance(exp(-8 / TEMPERATURE), &chance[1]);
  for (uint32_t k = 0; k < WORD_FLIPS / 4096; k++) {
    rng_bits((RngStream){1, RNG_MCMC, k}, 0, 1, 4096, site);
    for (int j = 0; j < 4096; j++) site[j] = (uint32_t)((uint64_t)site[j] * SPINS >> 32);
    ising_metropolis(4096, site, near, chance, bits, spin);
  }
  return AdWallTime() - start;
}

static double time_cluster_updates(const int (*near)[4], IsingBits *bits, IsingWord *spin, IsingWord *work)
{
  const double start = AdWallTime();
  IsingChance  bond;

  ising_chance(1 - exp(-2 / TEMPERATURE), &bond);
  for (int k = 0; k < UPDATES; k++) ising_cluster(SIDE, near, &bond, bits, spin, work);
  return AdWallTime() - start;
}

/* Best of 400 trials below a millisecond, the kinds in turn: shorter than time slices, so that a busy machine does not bias ratios. */
static PetscErrorCode BenchIsing(void)
{
  static signed char single[SPINS];
  static uint32_t    site[4096];
  static int         near[SPINS][4];
  double             best[3] = {1e30, 1e30, 1e30};
  IsingBits          bits;
  IsingWord         *spin;
  uint64_t           s[4];
  char              *raw;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(sizeof(*spin) * (6 * SPINS + 1), &raw));
  spin = (IsingWord *)(raw + (sizeof(*spin) - (uintptr_t)raw % sizeof(*spin)) % sizeof(*spin));
  ising_neighbours(SIDE, near);
  ising_seed((RngStream){1, RNG_MCMC, 0}, 0, &bits);
  memcpy(s, bits.tie, sizeof(s));
  for (int i = 0; i < SPINS; i++) {
    ising_word(&bits, &spin[i]);
    single[i] = spin[i][0] & 1 ? 1 : -1;
  }
  for (int repeat = 0; repeat < 400; repeat++) {
    best[0] = PetscMin(best[0], time_scalar_flips((const int(*)[4])near, single, s));
    best[1] = PetscMin(best[1], time_packed_flips((const int(*)[4])near, site, &bits, spin));
    best[2] = PetscMin(best[2], time_cluster_updates((const int(*)[4])near, &bits, spin, spin + SPINS));
  }
  PetscCall(PetscFree(raw));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, best, 3, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  PetscCall(Report("ising_flips_scalar", FLIPS / best[0], "flips/s a rank"));
  PetscCall(Report("ising_flips", (double)WORD_FLIPS * ISING_GROUP / best[1], "flips/s a rank"));
  PetscCall(Report("ising_flips_ratio_to_scalar",
                   (double)WORD_FLIPS * ISING_GROUP / FLIPS * best[0] / best[1], "times as fast"));
  PetscCall(
      Report("ising_cluster_updates", (double)UPDATES * ISING_GROUP / best[2], "updates of 32x32/s a rank"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- random hierarchy model: the paper's sizes, leaves noised with sigma2 = 0.15 ---- */

enum { RHM_V = 32, RHM_S = 2, RHM_M = 8, RHM_L = 10, RHM_LEAVES = 1 << RHM_L };

static void judge_node(void *sum, int level, int64_t node, const double *marginal)
{
  int    best[RHM_LANES];
  double confidence[RHM_LANES];

  rhm_judge(RHM_V, marginal, best, confidence);
  for (int l = 0; l < RHM_LANES; l++) *(double *)sum += best[l] + confidence[l];
}

static void noise_leaves(const Grammar *g, int *symbol, double *p)
{
  const double sigma2 = 0.15;

  rng_normal_double((RngStream){1, RNG_NOISE, 0}, 0, RHM_LEAVES * RHM_V * RHM_LANES, 1, p);
  for (int l = 0; l < RHM_LANES; l++) {
    tree_draw(g, 1, 0, (uint64_t)l, symbol);
    for (int k = 0; k < RHM_LEAVES * RHM_V; k++) {
      double *x = &p[k * RHM_LANES + l];

      *x = (*x * sqrt(sigma2) + (symbol[k / RHM_V] == k % RHM_V)) / sigma2;
    }
  }
  for (int n = 0; n < RHM_LEAVES; n++) rhm_likelihood(RHM_V, p + n * RHM_V * RHM_LANES);
}

/* Best of 300: marginals of all nodes with best symbols, then of the root only. Flops of the rules: 6 a rule, 2 for the root */
static PetscErrorCode BenchRhm(void)
{
  Grammar g       = {RHM_V, RHM_S, RHM_M, RHM_L, NULL};
  double  best[2] = {1e30, 1e30}, floored[RHM_LANES], sum = 0, *likelihood, *work;
  int    *child, *scratch, *symbol;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(grammar_length(g.v, g.s, g.m, g.L), &child, grammar_workspace(g.v, g.m), &scratch,
                         rhm_first(&g, g.L + 1), &symbol));
  PetscCall(
      PetscMalloc2(RHM_LEAVES * RHM_V * RHM_LANES + RHM_ALIGN, &likelihood, rhm_workspace(&g, 0), &work));
  grammar_draw(1, 0, g.v, g.s, g.m, g.L, scratch, child);
  g.child = child;
  noise_leaves(&g, symbol, rhm_aligned(likelihood));
  for (int repeat = 0; repeat < 600; repeat++) {
    const double start = AdWallTime();

    rhm_propagate(&g, rhm_aligned(likelihood), repeat % 2 ? RHM_L : 0, judge_node, &sum, floored, work);
    best[repeat % 2] = PetscMin(best[repeat % 2], AdWallTime() - start);
  }
  PetscCall(PetscFree3(child, scratch, symbol));
  PetscCall(PetscFree2(likelihood, work));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, best, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  PetscCall(Report("rhm_tree", 1e6 * best[0] / RHM_LANES, "us a tree a rank"));
  PetscCall(Report("rhm_root", 1e6 * best[1] / RHM_LANES, "us a tree a rank"));
  PetscCall(
      Report("rhm_flops", 6e-9 * (RHM_LEAVES - 1) * RHM_V * RHM_M * RHM_LANES / best[0], "Gflop/s a rank"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the largest eigenvalues of a covariance: pictures of 784 bytes with a spectrum that decays like theirs ---- */

enum { PICTURES = 60000, PIXELS = 784, MODES = 40 };
#define PICTURE_FILE "build/bench_pictures.u8" /* for those who compare */

static double picture_modes[MODES][PIXELS];

static PetscErrorCode PictureRows(void *ctx, int64_t first, int64_t n, double *x)
{
  static float  e[MODES + PIXELS];
  static double value[PIXELS];

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++) {
    rng_normal((RngStream){1, RNG_DATA, 0}, (uint64_t)(first + r), 1, MODES + PIXELS, e);
    for (int i = 0; i < PIXELS; i++) value[i] = 60 + 12 * e[MODES + i];
    for (int m = 0; m < MODES; m++)
      for (int i = 0; i < PIXELS; i++) value[i] += e[m] * picture_modes[m][i];
    for (int i = 0; i < PIXELS; i++) x[r * PIXELS + i] = (int)PetscMax(0, PetscMin(255, value[i])) / 255.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same, turned into numbers that are no levels of a scale */
static PetscErrorCode RealRows(void *ctx, int64_t first, int64_t n, double *x)
{
  PetscFunctionBegin;
  PetscCall(PictureRows(ctx, first, n, x));
  for (int64_t i = 0; i < n * PIXELS; i++) x[i] += 1e-9 * x[i] * x[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePictures(void)
{
  double *x;
  int     rank;
  FILE   *file;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  file = fopen(PICTURE_FILE, "wb");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, PICTURE_FILE);
  PetscCall(PetscMalloc1(PIXELS, &x));
  for (int64_t r = 0; r < PICTURES; r++) {
    PetscCall(PictureRows(NULL, r, 1, x));
    for (int i = 0; i < PIXELS; i++) fputc((int)(x[i] * 255 + 0.5), file);
  }
  fclose(file);
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CovarianceProduct(void *ctx, const double *v, double *y)
{
  PetscFunctionBegin;
  PetscCall(CovarianceMultiply((Covariance *)ctx, v, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of the three largest eigenvalues, rows in memory, best of five; and what fills that memory */
static PetscErrorCode TimeSpectrum(const char *name, CovarianceRows rows)
{
  Covariance c;
  Spectrum   solver;
  Eigenpairs pairs;
  char       text[64];
  double     best = 1e30;

  PetscFunctionBegin;
  PetscCall(SetOptions("-speciation_eigenvalues 3"));
  PetscCall(SpectrumCreate(&solver));
  PetscCall(CovarianceCreate(PICTURES, PIXELS, rows, NULL, &c));
  for (int repeat = 0; repeat < 5; repeat++) {
    double start = AdWallTime();
    PetscCall(SpectrumSolve(solver, name, PIXELS, c.trace, CovarianceProduct, &c, &pairs));
    best = PetscMin(best, AdWallTime() - start);
    if (repeat < 4) PetscCall(EigenpairsDestroy(&pairs));
  }
  PetscCall(Report(name, best, "s"));
  snprintf(text, sizeof(text), "%s_products", name);
  PetscCall(Report(text, pairs.products, "1"));
  snprintf(text, sizeof(text), "%s_lambda", name);
  PetscCall(Report(text, pairs.value[0], "1"));
  PetscCall(EigenpairsDestroy(&pairs));
  PetscCall(CovarianceDestroy(&c));
  PetscCall(SpectrumDestroy(&solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchSpectrum(void)
{
  PetscFunctionBegin;
  for (int m = 0; m < MODES; m++)
    for (int i = 0; i < PIXELS; i++)
      picture_modes[m][i] =
          30 * pow(1 + m, -0.7) * cos(0.1 * m * (i % 28) + 0.07 * m * m) * cos(0.13 * m * (i / 28.0));
  PetscCall(WritePictures());
  PetscCall(TimeSpectrum("spectrum_60000x784_bytes", PictureRows));
  PetscCall(TimeSpectrum("spectrum_60000x784_doubles", RealRows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunBenchmarks(int argc, char **argv)
{
  PetscFunctionBegin;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "normals")) PetscCall(BenchNormals());
    if (!strcmp(argv[i], "train")) PetscCall(BenchTraining());
    if (!strcmp(argv[i], "sample")) PetscCall(BenchSampling());
    if (!strcmp(argv[i], "ising")) PetscCall(BenchIsing());
    if (!strcmp(argv[i], "rhm")) PetscCall(BenchRhm());
    if (!strcmp(argv[i], "spectrum")) PetscCall(BenchSpectrum());
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
