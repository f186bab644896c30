/*
  The U-turn experiment: noise, alter the auxiliary variables, return twice, compare the classes
*/
#include "adlikelihood.h"
#include "aduturn.h"
#include "private/scoreimpl.h"

enum {
  AGREEMENT,
  RECOVERY,
  POSTERIOR_AGREEMENT,
  POSTERIOR_RECOVERY,
  EXCESS_AGREEMENT,
  EXCESS_RECOVERY,
  COLUMNS
};
enum { CLONES = 2 };
enum { STEP_NOISE, STEP_WORDS, STEP_PICK, STEP_NORMALS }; /* of the domain RNG_NOISE */

#define CHUNK 4194304 /* numbers in the states of the clones that are moved together */

/* One turn: all samples of one process at one time */
typedef struct {
  const MixtureData *law;
  Process            process;
  Dataset            dataset;
  Sampler            sampler;
  Kernel             kernel;
  uint64_t           seed;
  double             end_sigma2;               /* with which an end is looked at */
  int64_t            N, first, n, most, chunk; /* most rows of a rank; rows that return together */
  int64_t            base, arm_base;           /* number of sample 0, and of its first clone in this arm */
  UturnArm           arm;
} Turn;

/* Work for one chunk of rows */
typedef struct {
  int64_t  *index;
  int      *label;
  double   *x0, *X, *other, *clone, *z, *R, *work;
  double   *u;
  uint32_t *words;
  float    *e;
} Chunk;

static PetscErrorCode ChunkCreate(const Turn *t, Chunk *c)
{
  const int64_t n = t->chunk, d = t->law->d, width = t->kernel.b * d;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(n, &c->index, n, &c->label, n, &c->u, n * d, &c->words, n * (width + d), &c->e));
  PetscCall(PetscMalloc7(n * d, &c->x0, n * width, &c->X, n * width, &c->other, CLONES * n * width, &c->clone,
                         CLONES * n * d, &c->z, (CLONES + 1) * n * t->law->n, &c->R,
                         mixture_workspace(t->law), &c->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChunkDestroy(Chunk *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(c->index, c->label, c->u, c->words, c->e));
  PetscCall(PetscFree7(c->x0, c->X, c->other, c->clone, c->z, c->R, c->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static RngStream stream_of(const Turn *t, uint32_t step)
{
  return (RngStream){t->seed, RNG_NOISE, step};
}

/* X_t and class of the samples from number `first` on */
static PetscErrorCode NoiseRows(const Turn *t, int64_t first, int64_t n, Chunk *c, double *X)
{
  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++) c->index[r] = t->base + first + r;
  PetscCall(DatasetGetRows(t->dataset, SPLIT_TEST, n, c->index, c->x0, c->label));
  PetscCall(ProcessNoise(t->process, &t->kernel, t->law->d, stream_of(t, STEP_NOISE), t->base + first, n,
                         c->x0, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void resample_rows(const Turn *t, int64_t first, int64_t n, Chunk *c)
{
  const int      b = t->kernel.b, d = t->law->d;
  const uint64_t number = (uint64_t)(t->base + first);

  rng_uniform(stream_of(t, STEP_PICK), number, (size_t)n, 1, c->u);
  rng_normal(stream_of(t, STEP_NORMALS), number, (size_t)n, (b + 1) * d, c->e);
  uturn_x_scaled(&t->kernel, d, n, c->X, c->z);
  mixture_posterior(t->law, uturn_x_sigma2(&t->kernel), (int)n, c->z, c->R, c->work);
  uturn_resample(t->law, &t->kernel, n, c->R, c->u, c->e, c->X);
}

/* X_t of some rows, altered as the arm says; c->label is their class */
static PetscErrorCode StartRows(const Turn *t, int64_t first, int64_t n, Chunk *c)
{
  const int b = t->kernel.b, d = t->law->d;

  PetscFunctionBegin;
  if (t->arm == UTURN_BATCH) PetscCall(NoiseRows(t, first + 1, n, c, c->other));
  PetscCall(NoiseRows(t, first, n, c, c->X));
  if (t->arm == UTURN_SCRAMBLE) {
    rng_bits(stream_of(t, STEP_WORDS), (uint64_t)(t->base + first), (size_t)n, d, c->words);
    uturn_scramble(b, d, n, c->words, c->X, c->other);
  }
  if (t->arm == UTURN_RESAMPLE) resample_rows(t, first, n, c);
  if (t->arm == UTURN_BATCH)
    for (int64_t r = 0; r < n; r++)
      PetscCall(PetscArraycpy(c->X + (r * b + 1) * d, c->other + (r * b + 1) * d, (b - 1) * d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both clones from the same state; they leave their x in c->z */
static PetscErrorCode ReturnRows(const Turn *t, int64_t first, int64_t n, Chunk *c)
{
  const int64_t d = t->law->d, width = t->kernel.b * d;

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++)
    for (int k = 0; k < CLONES; k++)
      PetscCall(PetscArraycpy(c->clone + (CLONES * r + k) * width, c->X + r * width, width));
  PetscCall(SamplerSolveFrom(t->sampler, t->arm_base + CLONES * first, CLONES * n, c->clone));
  for (int64_t r = 0; r < CLONES * n; r++) PetscCall(PetscArraycpy(c->z + r * d, c->clone + r * width, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R[n][CLONES + 1][m]: the posterior at the ends of the clones, then that at the turn */
static void judge_rows(int m, int64_t n, const int *label, const double *end, const double *turn,
                       double *value)
{
  for (int64_t r = 0; r < n; r++, end += CLONES * m, turn += m, value += COLUMNS) {
    double agree = 0, square = 0;

    for (int c = 0; c < m; c++) {
      agree += end[c] * end[m + c];
      square += turn[c] * turn[c];
    }
    value[AGREEMENT]           = agree;
    value[RECOVERY]            = 0.5 * (end[label[r]] + end[m + label[r]]);
    value[POSTERIOR_AGREEMENT] = square;
    value[POSTERIOR_RECOVERY]  = turn[label[r]];
    value[EXCESS_AGREEMENT]    = value[AGREEMENT] - square;
    value[EXCESS_RECOVERY]     = value[RECOVERY] - turn[label[r]];
  }
}

/* One arm: value[n][COLUMNS] of this rank's rows. All ranks return together, as often as the one with most rows needs */
static PetscErrorCode TurnRows(const Turn *t, Chunk *c, double *value)
{
  const int64_t m = t->law->n;

  PetscFunctionBegin;
  for (int64_t row = 0; row < t->most; row += t->chunk) {
    const int64_t n = PetscMax(0, PetscMin(t->chunk, t->n - row)), first = t->first + row;
    double       *turn = c->R + CLONES * t->chunk * m;

    if (n) PetscCall(StartRows(t, first, n, c));
    score_project(&t->kernel, t->law->d, n, c->X, c->z);
    mixture_posterior(t->law, t->kernel.sigma2, (int)n, c->z, turn, c->work);
    PetscCall(ReturnRows(t, first, n, c));
    mixture_posterior(t->law, t->end_sigma2, (int)(CLONES * n), c->z, c->R, c->work);
    judge_rows((int)m, n, c->label, c->R, turn, value + row * COLUMNS);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The smallest standard deviation of a component; 0 if there are points among them */
static double smallest_width(const MixtureData *law)
{
  double least = INFINITY;

  for (int64_t i = 0; i < (int64_t)law->n * law->d; i++) least = fmin(least, law->var[i]);
  return sqrt(least);
}

static PetscErrorCode MakeSampler(Turn *t, PetscInt steps)
{
  const double width = smallest_width(t->law), sigma = t->kernel.sigma;
  const double last = width > 0 ? fmin(width / 4, sigma / 8) : sigma / 1000;
  Score        score;

  PetscFunctionBegin;
  t->end_sigma2 = width > 0 ? 0 : last * last;
  PetscCall(ScoreCreateExact(t->process, t->dataset, &score));
  PetscCall(SamplerCreate(&t->sampler));
  PetscCall(SamplerSetSeed(t->sampler, t->seed));
  PetscCall(SamplerSetScore(t->sampler, t->process, score));
  PetscCall(SamplerSetReturn(t->sampler, t->kernel.t, steps, last));
  PetscCall(ScoreDestroy(&score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureArm(const Turn *t, Chunk *c, const TwoClusters *clusters, UturnResult *result)
{
  double *value, mean[COLUMNS], err[COLUMNS];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(t->n * COLUMNS, &value));
  PetscCall(TurnRows(t, c, value));
  PetscCall(RowsMean(t->N, t->n, COLUMNS, value, mean, err));
  *result = (UturnResult){mean[0], err[0],  mean[1], err[1],  mean[2], err[2], mean[3],
                          err[3],  mean[4], err[4],  mean[5], err[5],  NAN,    NAN};
  if (clusters)
    uturn_predict(clusters, &t->kernel, t->arm, &result->theory_agreement, &result->theory_recovery);
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All arms at one time; `run` numbers the process points and their times */
static PetscErrorCode MeasureTime(Turn *t, const Uturn *uturn, const TwoClusters *clusters, int64_t run,
                                  UturnResult *result)
{
  Chunk c;

  PetscFunctionBegin;
  t->base  = run * t->N;
  t->chunk = PetscMax(1, PetscMin(t->most, CHUNK / (CLONES * t->kernel.b * t->law->d)));
  PetscCall(MakeSampler(t, uturn->options.steps));
  PetscCall(ChunkCreate(t, &c));
  for (PetscInt a = 0; a < uturn->na; a++) {
    t->arm      = uturn->arm[a];
    t->arm_base = CLONES * t->N * (run * UTURN_ARMS + t->arm);
    if (t->arm == UTURN_KEEP || t->kernel.b > 1) PetscCall(MeasureArm(t, &c, clusters, &result[a]));
  }
  PetscCall(ChunkDestroy(&c));
  PetscCall(SamplerDestroy(&t->sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(const UturnOptions *o, PetscInt np, Uturn *uturn)
{
  const PetscInt nt = o->nt;

  PetscFunctionBegin;
  *uturn = (Uturn){.options = *o, .np = np};
  for (PetscInt a = 0; a < UTURN_ARMS; a++)
    if (o->arm[a]) uturn->arm[uturn->na++] = (UturnArm)a;
  PetscCall(PetscMalloc4(np * nt, &uturn->time, np * nt, &uturn->sigma2, np * nt, &uturn->x_sigma2,
                         np * nt * uturn->na, &uturn->result));
  for (PetscInt i = 0; i < np * nt * uturn->na; i++)
    for (size_t j = 0; j < sizeof(UturnResult) / sizeof(double); j++) ((double *)&uturn->result[i])[j] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All kernels first, so that a bad time is refused before anything is computed */
static PetscErrorCode FindTimes(Uturn *uturn, Process *process, const double *joint, Kernel *kernel)
{
  const UturnOptions *o = &uturn->options;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < uturn->np; p++)
    for (PetscInt i = 0; i < o->nt; i++) {
      const PetscInt at = p * o->nt + i;

      AdCheckInput(!o->fractions || isfinite(joint[p]),
                   "-uturn_fractions: process %d has no joint speciation time; give -uturn_times",
                   (int)p + 1);
      uturn->time[at] = o->fractions ? o->time[i] * joint[p] : o->time[i];
      PetscCall(ProcessGetKernel(process[p], uturn->time[at], &kernel[at]));
      uturn->sigma2[at]   = kernel[at].sigma2;
      uturn->x_sigma2[at] = uturn_x_sigma2(&kernel[at]);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  UturnCompute - clones of noised data: do they agree with each other, and with what they came from?

  Collective
  Input:  np, process[np]  noises;  joint[np]  their joint speciation times, read where times are multiples of them
          dataset          whose law is a Gaussian mixture
  Output: uturn            UturnDestroy frees it
  Errors: AD_ERR_INPUT for data without such a law, and for times out of reach
  Note:   the class of an end is not its nearest component but P(c | end), which is the same where components do not overlap:
          then agreement = sum_c P(c | end 1) P(c | end 2) has the mean sum_c R_c^2 in any dimension. Every process, time and
          arm has samples and noise of its own; errors are those of means over samples, binomial where components lie apart
  Cost:   2 steps samples evaluations of the score for each process, time and arm; 64 MB for what is moved together
*/
PetscErrorCode UturnCompute(const UturnOptions *o, PetscInt np, Process *process, const double *joint,
                            Dataset dataset, uint64_t seed, Uturn *uturn)
{
  Turn               t = {.dataset = dataset, .seed = seed, .N = o->samples};
  const MixtureData *peaks;
  TwoClusters        clusters;
  int                two;
  Kernel            *kernel;

  PetscFunctionBegin;
  PetscCall(DatasetGetMixture(dataset, &t.law));
  PetscCall(DatasetGetPeaks(dataset, &peaks));
  AdCheckInput(t.law && t.law == peaks,
               "-uturn_samples: the U-turn needs data that are a Gaussian mixture of classes; take "
               "-dataset_preset two_clusters, or leave -uturn_samples out");
  two = two_clusters_of(t.law, &clusters);
  PetscCall(Allocate(o, np, uturn));
  PetscCall(PetscMalloc1(np * o->nt, &kernel));
  PetscCall(FindTimes(uturn, process, joint, kernel));
  PetscCall(AdSplitRows(t.N, DENSITY_WAVE, &t.first, &t.n));
  PetscCallMPI(MPI_Allreduce(&t.n, &t.most, 1, MPI_INT64_T, MPI_MAX, PETSC_COMM_WORLD));
  for (int64_t run = 0; run < np * o->nt; run++) {
    t.process = process[run / o->nt];
    t.kernel  = kernel[run];
    PetscCall(MeasureTime(&t, uturn, two ? &clusters : NULL, run, uturn->result + run * uturn->na));
  }
  PetscCall(PetscFree(kernel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UturnDestroy(Uturn *uturn)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(uturn->time, uturn->sigma2, uturn->x_sigma2, uturn->result));
  PetscFunctionReturn(PETSC_SUCCESS);
}
