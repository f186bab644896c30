/*
  Training, sampling and measuring what a plan says, each with the options of its own in effect
*/
#include "admetrickernels.h"
#include "private/compareimpl.h"
#include "adsampler.h"
#include "adtrainer.h"
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* ---- options of a part ---- */

/* The seed is an option like the others, so that the record of a weights file shows it */
static PetscErrorCode PushPart(KeyList *keys, int full, uint64_t seed)
{
  PetscInt value = 1;

  PetscFunctionBegin;
  full |= key_set(keys, "-seed", "%llu", (unsigned long long)seed);
  AdCheckInput(!full, "-compare_noises: '%s ...' has too many keys, or too long ones", keys->value[0]);
  PetscCall(OptionsPushList(keys));
  PetscCall(OptInt("-seed", "seed of all random numbers", RANGE_NONNEGATIVE, &value, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelPath(const Compare *c, int model, int repetition, size_t size, char *path)
{
  char name[128];

  PetscFunctionBegin;
  compare_model_name(&c->request, &c->plan.model[model], repetition, sizeof(name), name);
  AdCheckInput(snprintf(path, size, "%s/%s", c->folder, name) < (int)size, "-o: the file name is too long");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PushModel(const Compare *c, int model, int repetition)
{
  const CompareModel *m = &c->plan.model[model];
  KeyList             keys;
  int                 full = compare_model_keys(&c->request, m, &keys);
  PetscBool           given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-trainer_log_every", &given));
  if (!given) full |= key_set(&keys, "-trainer_log_every", "2000000000"); /* one line, at the end */
  PetscCall(PushPart(&keys, full, compare_training_seed(&c->request, m, repetition)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options of a sampling; of repetition -1 without weights, which are not there before they are trained */
static PetscErrorCode PushSampling(const Compare *c, int sampling, int repetition)
{
  const CompareSampling *s = &c->plan.sampling[sampling];
  char                   path[PETSC_MAX_PATH_LEN];
  KeyList                keys;
  int                    full = compare_sampling_keys(&c->request, s, &keys);

  PetscFunctionBegin;
  if (s->model >= 0 && repetition >= 0) {
    PetscCall(ModelPath(c, s->model, repetition, sizeof(path), path));
    full |= key_set(&keys, "-score_file", "%s", path);
  }
  PetscCall(PushPart(&keys, full, compare_sampling_seed(&c->request, s, PetscMax(repetition, 0))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareReadSampler - what all samplings have in common: r->samples and r->grid_min. */
PetscErrorCode CompareReadSampler(CompareRequest *r)
{
  const CompareSampling any = {.scheme = COMPARE_DDIM, .steps = 1, .model = -1, .scale = 1};
  KeyList               keys;
  Sampler               sampler;
  int                   full = compare_sampling_keys(r, &any, &keys);

  PetscFunctionBegin;
  PetscCall(PushPart(&keys, full, 1));
  PetscCall(SamplerCreate(&sampler));
  PetscCall(SamplerSetFromOptions(sampler));
  PetscCall(SamplerGetSettings(sampler, &r->samples, &r->grid_min));
  PetscCall(SamplerDestroy(&sampler));
  PetscCall(OptionsPop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CompareCheckRuns - read the options of every training and sampling once, so that all that is wrong with them shows before
  anything is computed, and every key that matters counts as used
*/
PetscErrorCode CompareCheckRuns(const Compare *c)
{
  PetscFunctionBegin;
  for (int m = 0; m < c->plan.nmodels; m++) {
    Training training = {0};

    PetscCall(PushModel(c, m, 0));
    PetscCall(TrainingCreate(1, NULL, &training));
    PetscCall(TrainingDestroy(&training));
    PetscCall(OptionsPop());
  }
  for (int s = 0; s < c->plan.nsamplings; s++) {
    Sampling sampling = {0};

    PetscCall(PushSampling(c, s, -1));
    PetscCall(SamplingCreate(1, &sampling));
    PetscCall(SamplingDestroy(&sampling));
    PetscCall(OptionsPop());
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has a signal come? The same answer on all ranks. */
static PetscErrorCode SignalCame(PetscBool *came)
{
  int flag = AdStopRequested() ? 1 : 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  *came = flag ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- training ---- */

/* May the file of an earlier run be kept? A checkpoint of other options is removed. */
static PetscErrorCode IsTrained(const char *path, PetscBool *trained)
{
  char      key[128], checkpoint[PETSC_MAX_PATH_LEN + 8];
  PetscBool there, agrees;
  int       rank;

  PetscFunctionBegin;
  PetscCall(TrainingFileAgrees(path, sizeof(key), key, &there, trained));
  if (there && !*trained)
    PetscCall(
        AdPrint("retrain   %s was made with %s%s\n", path, key[0] ? "another -" : "options unknown", key));
  snprintf(checkpoint, sizeof(checkpoint), "%s.ckpt", path);
  PetscCall(TrainingFileAgrees(checkpoint, sizeof(key), key, &there, &agrees));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (there && !agrees && !rank) unlink(checkpoint);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainOne(const Compare *c, int model, int repetition, PetscBool *trained,
                               PetscBool *finished)
{
  const CompareModel *m        = &c->plan.model[model];
  Training            training = {0};
  char                path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(ModelPath(c, model, repetition, sizeof(path), path));
  PetscCall(PushModel(c, model, repetition));
  PetscCall(TrainingCreate(compare_training_seed(&c->request, m, repetition), NULL, &training));
  PetscCall(IsTrained(path, trained));
  *finished = PETSC_TRUE;
  if (!*trained) {
    PetscCall(TrainingSetUp(&training));
    PetscCall(TrainingSolve(&training, "compare", path, finished));
  }
  PetscCall(TrainingDestroy(&training));
  PetscCall(OptionsPop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AnnounceModel(const Compare *c, int model, int repetition)
{
  const CompareRequest *r = &c->request;
  const CompareModel   *m = &c->plan.model[model];
  char                  label[64];

  PetscFunctionBegin;
  compare_score_label(&r->score[m->score], sizeof(label), label);
  PetscCall(AdPrint("training  %d of %d: %s", repetition * c->plan.nmodels + model + 1,
                    c->plan.nmodels * r->seeds, label));
  if (r->score[m->score].kind == LEARNT_JOINT) PetscCall(AdPrint(", %s", r->noise[m->noise].label));
  if (m->scale != 1) PetscCall(AdPrint(" scale %.4g", m->scale));
  PetscCall(AdPrint(", seed %d\n", repetition + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CompareTrainModels - train all models of the plan, or take them from an earlier run

  Output: stopped  a signal or -trainer_max_wall ended it early; files and a checkpoint are kept
*/
PetscErrorCode CompareTrainModels(const Compare *c, PetscBool *stopped)
{
  const double start = AdWallTime();
  int          kept = 0, done = 0, all = c->plan.nmodels * c->request.seeds;

  PetscFunctionBegin;
  *stopped = PETSC_FALSE;
  for (int rep = 0; rep < c->request.seeds; rep++)
    for (int m = 0; m < c->plan.nmodels && !*stopped; m++) {
      PetscBool trained, finished, came;

      PetscCall(AnnounceModel(c, m, rep));
      PetscCall(TrainOne(c, m, rep, &trained, &finished));
      PetscCall(SignalCame(&came));
      kept += trained ? 1 : 0;
      done += finished && !trained ? 1 : 0;
      if (!finished || (came && kept + done < all))
        *stopped = PETSC_TRUE;
      else if (!trained && kept + done < all)
        PetscCall(AdPrint("          about %.0f s of training to go\n",
                          (AdWallTime() - start) / done * (all - kept - done)));
    }
  if (kept)
    PetscCall(AdPrint("kept      %d of %d trainings of an earlier run in %s\n", kept, all, c->folder));
  if (done) PetscCall(AdPrint("trained   %d models in %.3g s\n", done, AdWallTime() - start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sampling ---- */

/* CompareMeasure - rows x[N][d] in raw units against the reference: value[nm], in the order of -compare_metrics. */
PetscErrorCode CompareMeasure(const Compare *c, int64_t N, const double *x, double *value)
{
  const MetricColumn *const *column;
  double                    *all;
  int                        nm;

  PetscFunctionBegin;
  PetscCall(MetricsGetColumns(c->metrics, &nm, &column));
  PetscCall(PetscMalloc1(nm, &all));
  PetscCall(MetricsCompute(c->metrics, N, x, all, NULL));
  for (int k = 0; k < c->nm; k++) value[k] = all[c->place[k]];
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All samples of a run */
static PetscErrorCode Measure(const Compare *c, const Sampling *sampling, double *value)
{
  const Coordinates *coordinates;
  const LinearSde   *sde;
  const double      *X;
  double            *mine, *all;
  int64_t            first, n, N;

  PetscFunctionBegin;
  PetscCall(ScoreGetCoordinates(sampling->score, &coordinates));
  PetscCall(ProcessGetSde(sampling->process, &sde));
  PetscCall(SamplerGetStates(sampling->sampler, &first, &n, &X));
  N = n;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &N, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc2(n * coordinates->d, &mine, N * coordinates->d, &all));
  for (int64_t row = 0; row < n; row++)
    PetscCall(PetscArraycpy(mine + row * coordinates->d, X + row * sde->b * coordinates->d, coordinates->d));
  coordinates_restore(coordinates, n, mine);
  PetscCall(AdGatherRows(N, n, coordinates->d, mine, all));
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &first, &n));
  PetscCall(CompareMeasure(c, N, all + first * coordinates->d, value));
  PetscCall(PetscFree2(mine, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One repetition of a sampling; its values stay NaN where it diverges */
static PetscErrorCode DrawOne(Compare *c, int index, int repetition, PetscBool *came)
{
  const CompareSampling *s = &c->plan.sampling[index];
  double  *value = c->value + ((size_t)index * (size_t)c->request.seeds + (size_t)repetition) * (size_t)c->nm;
  Sampling sampling = {0};
  PetscErrorCode status;

  PetscFunctionBegin;
  PetscCall(PushSampling(c, index, repetition));
  PetscCall(SamplingCreate(compare_sampling_seed(&c->request, s, repetition), &sampling));
  PetscCall(SamplingSetUp(&sampling));
  PetscCall(SamplerGetSigmas(sampling.sampler, &c->sigma[2 * index], &c->sigma[2 * index + 1]));
  status = SamplerSolve(sampling.sampler);
  if (status && status != AD_ERR_RUN) PetscFunctionReturn(status);
  PetscCall(SignalCame(came));
  if (!status)
    PetscCall(Measure(c, &sampling, value));
  else
    c->diverged[index]++;
  PetscCall(SamplingDestroy(&sampling));
  PetscCall(OptionsPop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CompareDrawSamples - draw and measure all samplings of the plan

  Output: c->value, c->sigma, c->diverged; stopped  a signal ended it early
*/
PetscErrorCode CompareDrawSamples(Compare *c, PetscBool *stopped)
{
  const ComparePlan *plan  = &c->plan;
  const int          seeds = c->request.seeds;
  const double       start = AdWallTime(), every = 5;
  double             work = 0, all = 0, reported = start;

  PetscFunctionBegin;
  *stopped = PETSC_FALSE;
  for (int s = 0; s < plan->nsamplings; s++) all += seeds * (20 + plan->sampling[s].steps); /* 20: metrics */
  for (int i = 0; i < plan->nsamplings * seeds * c->nm; i++) c->value[i] = NAN;
  for (int s = 0; s < plan->nsamplings && !*stopped; s++)
    for (int rep = 0; rep < seeds && !*stopped; rep++) {
      double now;

      PetscCall(DrawOne(c, s, rep, stopped));
      work += 20 + plan->sampling[s].steps;
      now = AdWallTime();
      if (now - reported < every || work >= all) continue;
      reported = now;
      PetscCall(AdPrint("sampling  %d of %d, %.0f %%, about %.0f s to go\n", s * seeds + rep + 1,
                        plan->nsamplings * seeds, 100 * work / all, (now - start) * (all - work) / work));
    }
  if (!*stopped)
    PetscCall(
        AdPrint("sampled   %d sets of samples in %.3g s\n", plan->nsamplings * seeds, AdWallTime() - start));
  PetscFunctionReturn(PETSC_SUCCESS);
}
