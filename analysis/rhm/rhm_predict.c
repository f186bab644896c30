/*
  RhmPredict - the predicted transition of a random hierarchy model, by the recursion and by density evolution
*/
#include "adrhmtheory.h"
#include "private/rhmimpl.h"

/* One population, carried from the leaves to the root */
typedef struct {
  int      v, m, s, L, n;
  uint64_t seed;
  int     *rules;
  double  *message[2], *work;
} Evolution;

/* What the batches of populations give at RHM_LANES noises: [batch][accuracy and belief][RHM_LANES] */
enum { BATCH_WIDTH = 2 * RHM_LANES };

/* Root accuracy and belief of one batch at RHM_LANES noises; the same random numbers for all noises */
static void evolve_batch(Evolution *e, int batch, const double *sigma2, double *result)
{
  RngStream stream = {e->seed, RNG_EVOLUTION, (uint32_t)batch * (RHM_MAX_LEVELS + 1)};

  rhm_evolution_leaves(stream, e->v, e->n, sigma2, e->message[0]);
  for (int l = 0; l < e->L; l++) {
    stream.step++;
    rhm_evolution_level(stream, e->v, e->m, e->s, e->n, e->message[l % 2], e->rules, e->work,
                        e->message[1 - l % 2]);
  }
  rhm_evolution_measure(e->v, e->n, e->message[e->L % 2], result, result + RHM_LANES);
}

/* All batches at RHM_LANES noises, shared out over the ranks: all[RHM_BATCHES][BATCH_WIDTH] on every rank */
static PetscErrorCode EvolveBatches(Evolution *e, const double *sigma2, double *all)
{
  double  mine[RHM_BATCHES * BATCH_WIDTH];
  int64_t first, n;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(RHM_BATCHES, 1, &first, &n));
  for (int64_t b = 0; b < n; b++) evolve_batch(e, (int)(first + b), sigma2, mine + b * BATCH_WIDTH);
  PetscCall(AdGatherRows(RHM_BATCHES, n, BATCH_WIDTH, mine, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double equal_weights[RHM_BATCHES] = {1, 1, 1, 1, 1, 1, 1, 1};

/* Column j of what all batches give: mean and its standard error */
static void over_batches(const double *all, int j, double *mean, double *err)
{
  double column[RHM_BATCHES];

  for (int b = 0; b < RHM_BATCHES; b++) column[b] = all[b * BATCH_WIDTH + j];
  rhm_mean(RHM_BATCHES, equal_weights, column, mean, err);
}

static void geometric_grid(double lo, double hi, double *sigma2)
{
  for (int i = 0; i < RHM_LANES; i++) sigma2[i] = lo * pow(hi / lo, i / (RHM_LANES - 1.0));
}

/*
  BracketCrossing - the part of a coarse grid in which the root accuracy goes through 1/2

  In/out: lo, hi  ends of the first grid to look at; ends of the part
  Output: found
*/
static PetscErrorCode BracketCrossing(Evolution *e, double *lo, double *hi, PetscBool *found)
{
  double all[RHM_BATCHES * BATCH_WIDTH], sigma2[RHM_LANES], accuracy[RHM_LANES], err;

  PetscFunctionBegin;
  *found = PETSC_FALSE;
  for (int trial = 0; trial < 5 && !*found; trial++) {
    const double ratio = *hi / *lo;
    int          i     = 0;

    geometric_grid(*lo, *hi, sigma2);
    PetscCall(EvolveBatches(e, sigma2, all));
    for (int l = 0; l < RHM_LANES; l++) over_batches(all, l, &accuracy[l], &err);
    while (i < RHM_LANES && accuracy[i] >= 0.5) i++; /* first below */
    *found = i > 0 && i < RHM_LANES;
    *lo    = *found ? sigma2[PetscMax(i - 2, 0)] : i == 0 ? *lo / ratio : *lo * ratio;
    *hi    = *found ? sigma2[PetscMin(i + 1, RHM_LANES - 1)] : *lo * ratio;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prediction around the crossing */
static PetscErrorCode MeasureCrossing(Evolution *e, double lo, double hi, RhmPrediction *p)
{
  double all[RHM_BATCHES * BATCH_WIDTH], curve[RHM_BATCHES * RHM_LANES], work[3 * RHM_LANES], x[RHM_LANES],
      half, err;

  PetscFunctionBegin;
  geometric_grid(lo, hi, p->sigma2);
  PetscCall(EvolveBatches(e, p->sigma2, all));
  for (int l = 0; l < RHM_LANES; l++) {
    RhmLeaf leaf;

    over_batches(all, l, &p->accuracy[l], &p->accuracy_stderr[l]);
    over_batches(all, RHM_LANES + l, &p->belief[l], &err);
    rhm_leaf(e->v, p->sigma2[l], &leaf);
    p->information[l] = leaf.information;
    x[l]              = log(p->sigma2[l]);
    for (int b = 0; b < RHM_BATCHES; b++) curve[b * RHM_LANES + l] = all[b * BATCH_WIDTH + l];
  }
  rhm_half_jackknife(RHM_BATCHES, equal_weights, RHM_LANES, x, curve, work, &half, &err);
  p->sigma2_50        = exp(half);
  p->sigma2_50_stderr = exp(half) * err;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmPredict(const Grammar *size, int n, uint64_t seed, RhmPrediction *p)
{
  const int v = size->v, m = size->m, s = size->s, L = size->L;
  Evolution e     = {.v = v, .m = m, .s = s, .L = L, .n = n, .seed = seed};
  PetscBool found = PETSC_FALSE;
  double    lo, hi;

  PetscFunctionBegin;
  rhm_theory(v, m, s, L, &p->recursion);
  for (int l = 0; l < RHM_LANES; l++)
    p->sigma2[l] = p->accuracy[l] = p->accuracy_stderr[l] = p->belief[l] = p->information[l] = NAN;
  p->sigma2_50 = p->sigma2_50_stderr = NAN;
  if (v == 2) PetscFunctionReturn(PETSC_SUCCESS); /* accuracy 1/2 is chance */
  PetscCall(PetscMalloc4((size_t)n * v * RHM_LANES, &e.message[0], (size_t)n * v * RHM_LANES, &e.message[1],
                         rhm_evolution_workspace(v, m, s), &e.work,
                         grammar_workspace(v, m) + grammar_length(v, s, m, 1), &e.rules));
  lo = p->recursion.sigma2_finite / 3;
  hi = p->recursion.sigma2_finite * 3;
  PetscCall(BracketCrossing(&e, &lo, &hi, &found));
  if (found) PetscCall(MeasureCrossing(&e, lo, hi, p));
  PetscCall(PetscFree4(e.message[0], e.message[1], e.work, e.rules));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmPredictionPrint(const RhmPrediction *p)
{
  const RhmTheory *r = &p->recursion;

  PetscFunctionBegin;
  PetscCall(AdPrint("          %-12s  %-17s  %-8.4g(%-7.2g)  density evolution; %.4g by the recursion\n",
                    "predicted", "", p->sigma2_50, p->sigma2_50_stderr, r->sigma2_finite));
  if (isnan(r->fixed_point))
    PetscCall(AdPrint("          L to infinity: no transition, the recursion has no unstable fixed point\n"));
  else
    PetscCall(AdPrint("          L to infinity, by the recursion: p* %.4f, e* %.4f, sigma2 %.4g\n",
                      r->fixed_point, r->error, r->sigma2_information));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One member of every prediction: `width` doubles at this offset */
static PetscErrorCode WriteMember(Output out, const char *name, int ns, const RhmPrediction *p, size_t offset,
                                  int width, const char *source)
{
  const DataInfo info   = {width > 1 ? "size,sigma2" : "size", "1", source};
  const int64_t  dims[] = {ns, width};
  double        *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)ns * width, &all));
  for (int i = 0; i < ns; i++)
    PetscCall(PetscMemcpy(all + (size_t)i * width, (const char *)&p[i] + offset, width * sizeof(double)));
  PetscCall(OutputWrite(out, name, AD_DOUBLE, width > 1 ? 2 : 1, dims, all, &info));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmPredictionWrite(int ns, const RhmPrediction *p, Output out)
{
  static const struct {
    const char *name, *source;
    size_t      offset;
    int         width;
  } member[] = {
      {"fixed_point", "p*: unstable fixed point of the recursion",
       offsetof(RhmPrediction, recursion.fixed_point), 1},
      {"sigma2_belief", "mean belief in a noised leaf is p*",
       offsetof(RhmPrediction, recursion.sigma2_belief), 1},
      {"sigma2_information", "information of a noised leaf is log(v p*)",
       offsetof(RhmPrediction, recursion.sigma2_information), 1},
      {"sigma2_finite", "information of a noised leaf gives root belief 1/2 after L levels of the recursion",
       offsetof(RhmPrediction, recursion.sigma2_finite), 1},
      {"sigma2_50", "density evolution: root accuracy 1/2", offsetof(RhmPrediction, sigma2_50), 1},
      {"sigma2_50_stderr", "over populations", offsetof(RhmPrediction, sigma2_50_stderr), 1},
      {"sigma2", "noises around the crossing", offsetof(RhmPrediction, sigma2), RHM_LANES},
      {"accuracy", "density evolution: root accuracy", offsetof(RhmPrediction, accuracy), RHM_LANES},
      {"accuracy_stderr", "over populations", offsetof(RhmPrediction, accuracy_stderr), RHM_LANES},
      {"information", "log v + mean log p of a noised leaf, nats", offsetof(RhmPrediction, information),
       RHM_LANES},
      {"belief", "density evolution: mean belief in the root", offsetof(RhmPrediction, belief), RHM_LANES},
  };

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(member) / sizeof(member[0]); i++) {
    char name[64];

    PetscCall(PetscSNPrintf(name, sizeof(name), "/rhm/theory/%s", member[i].name));
    PetscCall(WriteMember(out, name, ns, p, member[i].offset, member[i].width, member[i].source));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
