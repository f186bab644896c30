/*
  One setting of the experiment: all grammars, trees, times and cases of a size and a noise, shared out over the ranks
*/
#include "private/rhmimpl.h"

enum {
  LEAST_LOST = 10
}; /* trees that must be expected to be misread at some time before calibration is judged */

/* A setting, its units of work (a block of trees at a time, times fastest), and the groups that errors are over */
typedef struct {
  const RhmOptions *o;
  const RhmLaw     *law; /* [ncases][nt] */
  Grammar           g;
  int64_t           grammars, blocks, units, groups;
  int               planes, levels;
  int               width;  /* of a unit: sums of all cases and levels, then floored of all cases */
  double           *weight; /* [groups]: trees */
  double           *sums;   /* [groups][nt][width] */
} Setting;

static int lanes_of(const Setting *s, int64_t block)
{
  return (int)PetscMin(RHM_LANES, s->o->trials - block * RHM_LANES);
}

/* Grammars are the groups; of a single grammar, its blocks of trees. */
static PetscErrorCode SettingCreate(const RhmStudy *study, PetscInt setting, Setting *s)
{
  const RhmOptions *o     = study->o;
  const PetscInt    point = setting % study->grid.n;
  const LinearSde  *sde;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(study->grid.process[point], &sde));
  *s          = (Setting){.o = o, .law = study->law + point * o->ncases * o->nt};
  s->g        = study->child ? study->given : o->size[setting / study->grid.n];
  s->grammars = study->child ? 1 : o->grammars;
  s->blocks   = (o->trials + RHM_LANES - 1) / RHM_LANES;
  s->units    = s->grammars * s->blocks * o->nt;
  s->groups   = s->grammars > 1 ? s->grammars : s->blocks;
  s->planes   = rhm_planes(sde->b);
  s->levels   = s->g.L + 1;
  s->width    = (int)o->ncases * (s->levels * RHM_SUMS + 1);
  PetscCall(PetscMalloc2(s->groups, &s->weight, s->groups * o->nt * s->width, &s->sums));
  for (int64_t i = 0; i < s->groups; i++)
    s->weight[i] = s->grammars > 1 ? (double)o->trials : (double)lanes_of(s, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SettingDestroy(Setting *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->weight, s->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the work ---- */

/* From rank 0, of its own share, which is as large as the others': a line every ten seconds */
static PetscErrorCode Progress(RhmStudy *study, double work)
{
  const double every = 10, now = AdWallTime();

  PetscFunctionBegin;
  study->done += work;
  if (now - study->said >= every) {
    study->said = now;
    PetscCall(AdPrint("rhm       %.0f %%  ETA %.0f s\n", 100 * study->done / study->all,
                      (now - study->started) * (study->all / study->done - 1)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunUnits(RhmStudy *study, const Setting *s, RhmTrees *trees, int64_t first, int64_t n,
                               double *row)
{
  const PetscInt ncases = s->o->ncases, nt = s->o->nt;
  const double   work = rhm_work(&s->g);
  int            size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (int64_t unit = first; unit < first + n; unit++, row += s->width) {
    const int64_t time = unit % nt, block = unit / nt % s->blocks;

    rhm_trees_draw(s->o->seed, unit / nt / s->blocks, block, lanes_of(s, block), trees);
    for (PetscInt c = 0; c < ncases; c++)
      rhm_trees_judge(trees, &s->law[c * nt + time], row + c * s->levels * RHM_SUMS,
                      row + ncases * s->levels * RHM_SUMS + c);
    PetscCall(Progress(study, work * size));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums of units, in the order of the blocks, to sums of groups */
static void add_units(const Setting *s, const double *rows)
{
  const int64_t step = s->o->nt * (int64_t)s->width;

  for (int64_t i = 0; i < s->groups * step; i++) s->sums[i] = 0;
  for (int64_t block = 0; block < s->grammars * s->blocks; block++) {
    double *sum = s->sums + (s->grammars > 1 ? block / s->blocks : block) * step;

    for (int64_t i = 0; i < step; i++) sum[i] += rows[block * step + i];
  }
}

static PetscErrorCode RunSetting(RhmStudy *study, const Setting *s)
{
  RhmTrees trees;
  int64_t  first, n;
  double  *mine, *all;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(s->units, 1, &first, &n));
  PetscCall(PetscMalloc2(n * s->width + 1, &mine, s->units * s->width, &all));
  PetscCall(RhmTreesCreate(&s->g, s->planes, &trees));
  PetscCall(RunUnits(study, s, &trees, first, n, mine));
  PetscCall(RhmTreesDestroy(&trees));
  PetscCall(AdGatherRows(s->units, n, s->width, mine, all));
  add_units(s, all);
  PetscCall(PetscFree2(mine, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what it says ---- */

/* A quantity of all groups at one time and level: means over nodes and trees */
static void group_values(const Setting *s, PetscInt c, PetscInt time, int level, RhmQuantity q, double *value)
{
  const double nodes = (double)rhm_nodes(&s->g, level);

  for (int64_t i = 0; i < s->groups; i++) {
    const double *sum = s->sums + (i * s->o->nt + time) * s->width + (c * s->levels + level) * RHM_SUMS;

    value[i] = q == RHM_EXCESS ? sum[RHM_HITS] - sum[RHM_SURE] : sum[q];
    value[i] /= nodes * s->weight[i];
  }
}

/* Means and errors of all quantities of a case; work[groups] */
static void describe_case(RhmStudy *study, PetscInt setting, const Setting *s, PetscInt c, double *work)
{
  const RhmOptions *o = s->o;

  for (PetscInt time = 0; time < o->nt; time++)
    for (int q = 0; q < RHM_QUANTITIES; q++) {
      const int64_t at = ((setting * o->ncases + c) * o->nt + time) * study->levels;

      for (int level = 0; level < study->levels; level++) {
        study->value[q][at + level] = study->err[q][at + level] = NAN;
        if (level >= s->levels) continue;
        group_values(s, c, time, level, (RhmQuantity)q, work);
        rhm_mean((int)s->groups, s->weight, work, &study->value[q][at + level], &study->err[q][at + level]);
      }
    }
}

/* Mean over times of hits minus confidence, level by level; NaN where hardly a tree is expected to be misread. work[2 groups] */
static void check_calibration(RhmStudy *study, PetscInt setting, const Setting *s, PetscInt c, double *work)
{
  const RhmOptions *o  = s->o;
  const int64_t     at = (setting * o->ncases + c) * study->levels;

  for (int level = 0; level < study->levels; level++) {
    double surest = 1, *excess = work + s->groups;

    study->calibration[at + level] = study->chance[at + level] = NAN;
    if (level >= s->levels) continue;
    for (int64_t i = 0; i < s->groups; i++) excess[i] = 0;
    for (PetscInt time = 0; time < o->nt; time++) {
      surest = PetscMin(
          surest,
          study->value[RHM_CONFIDENCE][((setting * o->ncases + c) * o->nt + time) * study->levels + level]);
      group_values(s, c, time, level, RHM_EXCESS, work);
      for (int64_t i = 0; i < s->groups; i++) excess[i] += work[i] / (double)o->nt;
    }
    if ((1 - surest) * (double)s->grammars * (double)o->trials >= LEAST_LOST)
      study->chance[at + level] =
          rhm_calibration((int)s->groups, s->weight, excess, &study->calibration[at + level]);
  }
}

/* Time and sigma2 at which half of the roots are lost */
static PetscErrorCode FindHalf(RhmStudy *study, PetscInt setting, const Setting *s, PetscInt c)
{
  const RhmOptions *o  = s->o;
  const PetscInt    nt = o->nt, point = setting % study->grid.n, at = setting * o->ncases + c;
  double           *x, *root, *values, *work;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(nt, &x, s->groups * nt, &root, s->groups, &values, 3 * nt, &work));
  for (PetscInt time = 0; time < nt; time++) {
    group_values(s, c, time, s->g.L, RHM_ACCURACY, values);
    for (int64_t i = 0; i < s->groups; i++) root[i * nt + time] = values[i];
  }
  for (int kind = 0; kind < 2; kind++) {
    double half, err;

    for (PetscInt time = 0; time < nt; time++)
      x[time] = log(kind ? s->law[c * nt + time].sigma2 : study->time[point * nt + time]);
    rhm_half_jackknife((int)s->groups, s->weight, (int)nt, x, root, work, &half, &err);
    study->half[kind][at]     = exp(half);
    study->half_err[kind][at] = exp(half) * err;
  }
  PetscCall(PetscFree4(x, root, values, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmMeasure - run one setting and enter what it says into the tables

  Collective
  Note: same bits on any number of ranks: trees and normals go by index, sums by the order of blocks
*/
PetscErrorCode RhmMeasure(RhmStudy *study, PetscInt setting)
{
  Setting s;
  double *work;

  PetscFunctionBegin;
  PetscCall(SettingCreate(study, setting, &s));
  PetscCall(RunSetting(study, &s));
  PetscCall(PetscMalloc1(2 * s.groups, &work));
  for (PetscInt c = 0; c < s.o->ncases; c++) {
    double *floored = &study->floored[setting * s.o->ncases + c];

    describe_case(study, setting, &s, c, work);
    check_calibration(study, setting, &s, c, work);
    PetscCall(FindHalf(study, setting, &s, c));
    *floored = 0;
    for (int64_t i = 0; i < s.groups * s.o->nt; i++)
      *floored += s.sums[i * s.width + s.o->ncases * s.levels * RHM_SUMS + c];
  }
  PetscCall(PetscFree(work));
  PetscCall(SettingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
