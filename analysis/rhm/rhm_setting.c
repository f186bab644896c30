/*
  The work of one setting: blocks of trees of all grammars at all times in all cases, shared out over the ranks
*/
#include "private/rhmimpl.h"

static int lanes_of(const RhmSetting *s, int64_t block)
{
  return (int)PetscMin(RHM_LANES, s->o->trials - block * RHM_LANES);
}

/*
  RhmSettingCreate - a setting at some times; grammars are the groups, of a single grammar its blocks of trees

  Input: law[ncases][nt]  sigma2 = 0: nothing is to be done there
         lowest           level down to which nodes are judged
*/
PetscErrorCode RhmSettingCreate(const RhmStudy *study, PetscInt setting, PetscInt nt, const RhmLaw *law,
                                int lowest, RhmSetting *s)
{
  const RhmOptions *o = study->o;
  const LinearSde  *sde;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(study->grid.process[setting % study->grid.n], &sde));
  *s          = (RhmSetting){.o = o, .nt = nt, .law = law, .lowest = lowest};
  s->g        = study->child ? study->given : o->size[setting / study->grid.n];
  s->grammars = study->child ? 1 : o->grammars;
  s->blocks   = (o->trials + RHM_LANES - 1) / RHM_LANES;
  s->units    = s->grammars * s->blocks * nt;
  s->groups   = s->grammars > 1 ? s->grammars : s->blocks;
  s->planes   = rhm_planes(sde->b);
  s->levels   = s->g.L + 1;
  s->width    = (int)o->ncases * (s->levels * RHM_SUMS + 1);
  PetscCall(PetscMalloc2(s->groups, &s->weight, s->groups * nt * s->width, &s->sums));
  for (int64_t i = 0; i < s->groups; i++)
    s->weight[i] = s->grammars > 1 ? (double)o->trials : (double)lanes_of(s, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmSettingDestroy(RhmSetting *s)
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

static PetscErrorCode RunUnits(RhmStudy *study, const RhmSetting *s, RhmTrees *trees, int64_t first,
                               int64_t n, double *row)
{
  const PetscInt ncases = s->o->ncases, nt = s->nt;
  const double   work = rhm_work(&s->g, s->lowest);
  int            size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (int64_t unit = first; unit < first + n; unit++, row += s->width) {
    const int64_t time = unit % nt, block = unit / nt % s->blocks;

    rhm_trees_draw(s->o->seed, unit / nt / s->blocks, block, lanes_of(s, block), trees);
    for (PetscInt c = 0; c < ncases; c++)
      rhm_trees_judge(trees, &s->law[c * nt + time], s->lowest, row + c * s->levels * RHM_SUMS,
                      row + ncases * s->levels * RHM_SUMS + c);
    PetscCall(Progress(study, work * size));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums of units, in the order of the blocks, to sums of groups */
static void add_units(const RhmSetting *s, const double *rows)
{
  const int64_t step = s->nt * (int64_t)s->width;

  for (int64_t i = 0; i < s->groups * step; i++) s->sums[i] = 0;
  for (int64_t block = 0; block < s->grammars * s->blocks; block++) {
    double *sum = s->sums + (s->grammars > 1 ? block / s->blocks : block) * step;

    for (int64_t i = 0; i < step; i++) sum[i] += rows[block * step + i];
  }
}

/* RhmSettingRun - do the work; s->sums is then the same on all ranks, in the same bits on any number of them. Collective. */
PetscErrorCode RhmSettingRun(RhmStudy *study, const RhmSetting *s)
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

/* A quantity of all groups at one time and level: means over nodes and trees */
void rhm_group_values(const RhmSetting *s, PetscInt c, PetscInt time, int level, RhmQuantity q, double *value)
{
  const double nodes = (double)rhm_nodes(&s->g, level);

  for (int64_t i = 0; i < s->groups; i++) {
    const double *sum = s->sums + (i * s->nt + time) * s->width + (c * s->levels + level) * RHM_SUMS;

    value[i] = q == RHM_EXCESS ? sum[RHM_HITS] - sum[RHM_SURE] : sum[q];
    value[i] /= nodes * s->weight[i];
  }
}
