/*
  Which models, samplings and cells a comparison takes
*/
#include "private/compareimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const compare_way_names[]    = {"time", "temperature", "variance", "sigma", NULL};
const char *const compare_way_texts[]    = {"equal t grid", "equal temperature", "equal variance",
                                            "equal sigma grid", NULL};
const char *const compare_kind_names[]   = {"exact", "reduced", "joint", NULL};
const char *const compare_law_names[]    = {"uniform", "log", "sigma", "lognormal", NULL};
const char *const compare_scheme_names[] = {"em", "anc", "ddim", "sscs", "abm", NULL};
const char *const compare_last_names[]   = {"none", "mean", "denoise", NULL};

int compare_bound(const CompareRequest *r)
{
  return r->nways * r->nscores * r->nschemes * r->nlasts * r->nsteps * r->nnoises;
}

double compare_scale(const CompareRequest *r, int way, int noise)
{
  const CompareNoise *first = &r->noise[0], *this = &r->noise[noise];

  if (way == WAY_TEMPERATURE) return first->temperature / this->temperature;
  if (way == WAY_VARIANCE) return first->variance / this->variance;
  return 1;
}

double compare_sigma_max(const CompareRequest *r)
{
  double smallest = r->noise[0].sigma_end;

  for (int i = 1; i < r->nnoises; i++) smallest = fmin(smallest, r->noise[i].sigma_end);
  return r->sigma_max > 0 ? r->sigma_max : smallest;
}

/* The sigmas that the cells of all ways visit, and the noise of widest clock among them */
static void sigma_range(const CompareRequest *r, double *lo, double *hi, int *widest, double *scale)
{
  *lo = INFINITY;
  *hi = 0;
  for (int w = 0; w < r->nways; w++)
    for (int i = 0; i < r->nnoises; i++) {
      const double factor = compare_scale(r, r->way[w], i), root = sqrt(factor);
      const double end = root * r->noise[i].sigma_end;

      if (end > *hi) {
        *hi     = end;
        *widest = i;
        *scale  = factor;
      }
      if (r->way[w] == WAY_SIGMA) *lo = fmin(*lo, r->grid_min);
      for (int s = 0; s < r->nsteps && r->way[w] != WAY_SIGMA; s++)
        *lo = fmin(*lo, root * r->noise[i].sigma_last[s]);
    }
  if (r->sigma_min > 0) *lo = r->sigma_min;
}

/* The network behind a cell; one that serves all noises is trained with the noise of widest clock */
static CompareModel model_of(const CompareRequest *r, int score, int noise, double scale)
{
  CompareModel model  = {.score = score, .noise = noise, .scale = scale};
  int          widest = 0;
  double       lo, hi, wide = 1;

  sigma_range(r, &lo, &hi, &widest, &wide);
  if (r->score[score].kind == LEARNT_REDUCED) {
    model.noise     = widest;
    model.scale     = wide;
    model.sigma_min = lo;
    model.sigma_max = hi;
  } else if (r->score[score].law >= LAW_SIGMA) {
    model.sigma_min = lo;
    model.sigma_max = sqrt(scale) * r->noise[noise].sigma_end;
  }
  return model;
}

static int add_model(ComparePlan *plan, CompareModel model)
{
  for (int m = 0; m < plan->nmodels; m++)
    if (plan->model[m].score == model.score && plan->model[m].noise == model.noise &&
        plan->model[m].scale == model.scale)
      return m;
  plan->model[plan->nmodels] = model;
  return plan->nmodels++;
}

static int add_sampling(ComparePlan *plan, CompareSampling s)
{
  for (int i = 0; i < plan->nsamplings; i++) {
    const CompareSampling *o = &plan->sampling[i];

    if (o->noise == s.noise && o->score == s.score && o->scheme == s.scheme && o->last == s.last &&
        o->steps == s.steps && o->scale == s.scale && o->sigma_max == s.sigma_max)
      return i;
  }
  plan->sampling[plan->nsamplings] = s;
  return plan->nsamplings++;
}

/* The first way in which the noise is what it is in this one */
static int first_way(const CompareRequest *r, int w, int noise)
{
  for (int v = 0; v < w; v++)
    if ((r->way[v] == WAY_SIGMA) == (r->way[w] == WAY_SIGMA) &&
        compare_scale(r, r->way[v], noise) == compare_scale(r, r->way[w], noise))
      return r->way[v];
  return r->way[w];
}

static void add_cell(const CompareRequest *r, ComparePlan *plan, int w, CompareCell cell)
{
  const double scale = compare_scale(r, cell.way, cell.noise);
  const int    exact = r->score[cell.score].kind == LEARNT_EXACT;

  cell.same_as  = first_way(r, w, cell.noise);
  cell.sampling = add_sampling(
      plan,
      (CompareSampling){.noise     = cell.noise,
                        .score     = cell.score,
                        .scheme    = cell.scheme,
                        .last      = cell.last,
                        .steps     = cell.steps,
                        .model     = exact ? -1 : add_model(plan, model_of(r, cell.score, cell.noise, scale)),
                        .scale     = scale,
                        .sigma_max = cell.way == WAY_SIGMA ? compare_sigma_max(r) : 0});
  plan->cell[plan->ncells++] = cell;
}

/* anc and ddim end in the posterior mean by themselves: one setting of the last step is enough */
static int lasts_of(const CompareRequest *r, int scheme)
{
  return scheme == COMPARE_EM ? r->nlasts : 1;
}

void compare_plan(const CompareRequest *r, ComparePlan *plan)
{
  plan->nmodels = plan->nsamplings = plan->ncells = 0;
  for (int w = 0; w < r->nways; w++)
    for (int score = 0; score < r->nscores; score++)
      for (int k = 0; k < r->nschemes; k++)
        for (int l = 0; l < lasts_of(r, r->scheme[k]); l++)
          for (int s = 0; s < r->nsteps; s++)
            for (int noise = 0; noise < r->nnoises; noise++)
              add_cell(r, plan, w,
                       (CompareCell){.way    = r->way[w],
                                     .score  = score,
                                     .noise  = noise,
                                     .scheme = r->scheme[k],
                                     .last   = r->scheme[k] == COMPARE_EM ? r->last[l] : COMPARE_NONE,
                                     .steps  = r->steps[s]});
}

/* One to one for up to 2 million numbers: 1000003 is no multiple of the prime 2147483629 */
static uint64_t seed_of(uint64_t base, int repetition, int slot)
{
  return (base + (uint64_t)(repetition * 64 + slot) * 1000003u) % 2147483629u;
}

uint64_t compare_training_seed(const CompareRequest *r, const CompareModel *model, int repetition)
{
  return seed_of(r->seed, repetition, r->score[model->score].kind == LEARNT_REDUCED ? 0 : 1 + model->noise);
}

uint64_t compare_sampling_seed(const CompareRequest *r, const CompareSampling *sampling, int repetition)
{
  return seed_of(r->seed, repetition, 32 + sampling->noise);
}

int compare_model_keys(const CompareRequest *r, const CompareModel *model, KeyList *keys)
{
  const CompareScore *score = &r->score[model->score];
  int                 full  = 0;

  *keys = r->noise[model->noise].keys;
  full |= key_set(keys, "-process_scale", "%.17g", model->scale);
  full |= key_set(keys, "-score_type", "net");
  full |= key_set(keys, "-score_kind", "%s", compare_kind_names[score->kind]);
  full |= key_set(keys, "-trainer_times", "%s",
                  compare_law_names[score->kind == LEARNT_REDUCED ? LAW_LOGNORMAL : score->law]);
  if (model->sigma_max > 0) {
    full |= key_set(keys, "-trainer_sigma_min", "%.17g", model->sigma_min);
    full |= key_set(keys, "-trainer_sigma_max", "%.17g", model->sigma_max);
  }
  return full;
}

int compare_sampling_keys(const CompareRequest *r, const CompareSampling *s, KeyList *keys)
{
  int full = 0;

  *keys = r->noise[s->noise].keys;
  full |= key_set(keys, "-process_scale", "%.17g", s->scale);
  full |= key_set(keys, "-score_type", "%s", s->model < 0 ? "mixture" : "net");
  full |= key_set(keys, "-sampler_scheme", "%s", compare_scheme_names[s->scheme]);
  full |= key_set(keys, "-sampler_last", "%s", compare_last_names[s->last]);
  full |= key_set(keys, "-sampler_steps", "%d", s->steps);
  full |= key_set(keys, "-sampler_grid", "%s", s->sigma_max > 0 ? "sigma_rho" : "uniform");
  full |= key_set(keys, "-sampler_sigma_max", "%.17g", s->sigma_max);
  if (r->grid_min > 0) full |= key_set(keys, "-sampler_sigma_min", "%.17g", r->grid_min);
  return full;
}

void compare_score_label(const CompareScore *score, size_t size, char *label)
{
  snprintf(label, size, "%s%s%s", compare_kind_names[score->kind], score->kind == LEARNT_JOINT ? " " : "",
           score->kind == LEARNT_JOINT ? compare_law_names[score->law] : "");
}

/* FNV-1a, 32 bits */
static uint32_t hash_text(uint32_t hash, const char *text)
{
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

void compare_model_name(const CompareRequest *r, const CompareModel *model, int repetition, size_t size,
                        char *name)
{
  const CompareScore *score = &r->score[model->score];
  uint32_t            hash  = 2166136261u;
  KeyList             keys;
  char                label[64];

  (void)compare_model_keys(r, model, &keys);
  for (int i = 0; i < keys.n; i++) hash = hash_text(hash_text(hash, keys.key[i]), keys.value[i]);
  compare_score_label(score, sizeof(label), label);
  for (char *at = label; *at; at++)
    if (*at == ' ') *at = '_';
  snprintf(name, size, "%s_%s_%08x_%llu.h5", label,
           score->kind == LEARNT_REDUCED ? "net" : r->noise[model->noise].keys.value[0], hash,
           (unsigned long long)compare_training_seed(r, model, repetition));
}
