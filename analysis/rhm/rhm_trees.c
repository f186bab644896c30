/*
  Trees of one grammar side by side: drawn, noised, read and judged
*/
#include "private/rhmimpl.h"
#include <float.h>

static size_t leaf_values(const Grammar *g)
{
  return (size_t)rhm_nodes(g, 0) * (size_t)g->v * RHM_LANES;
}

/* rhm_trees_bytes - what RhmTreesCreate allocates, about */
double rhm_trees_bytes(const Grammar *g, int planes)
{
  const double leaves = pow(g->s, g->L), nodes = leaves * g->s / (g->s - 1.0);

  return leaves * g->v * RHM_LANES * (4.0 * planes + 8.0) + 8.0 * (double)rhm_workspace(g, 0) +
         4.0 * nodes * (RHM_LANES + 1) + 4.0 * (double)grammar_length(g->v, g->s, g->m, g->L) +
         4.0 * (double)grammar_workspace(g->v, g->m);
}

double rhm_work(const Grammar *g, int lowest)
{
  const double up = g->s, down = 4.0 * g->s - 3; /* operations a rule and node */

  return (pow(g->s, g->L) - 1) / (g->s - 1) * g->v * g->m * (lowest == g->L ? up : up + down);
}

/*
  RhmTreesCreate - room for RHM_LANES trees

  Input: size    with rules, which all trees then have, or without: each grammar is drawn
         planes  standard normals a noised coordinate
*/
PetscErrorCode RhmTreesCreate(const Grammar *size, int planes, RhmTrees *trees)
{
  const size_t values = leaf_values(size);

  PetscFunctionBegin;
  *trees = (RhmTrees){.g = *size, .planes = planes, .grammar = -1, .block = -1};
  for (int l = 0; l <= size->L + 1; l++) trees->first[l] = rhm_first(size, l);
  if (!size->child) {
    PetscCall(PetscMalloc1(grammar_length(size->v, size->s, size->m, size->L), &trees->child));
    trees->g.child = trees->child;
  }
  PetscCall(PetscMalloc5(grammar_workspace(size->v, size->m), &trees->room, trees->first[size->L + 1],
                         &trees->symbol, trees->first[size->L + 1] * RHM_LANES, &trees->truth,
                         values * (size_t)planes, &trees->e, RHM_CHUNK * planes * size->v, &trees->part));
  PetscCall(PetscMalloc1(values + rhm_workspace(size, 0) + RHM_ALIGN, &trees->raw));
  trees->likelihood = rhm_aligned(trees->raw);
  trees->work       = trees->likelihood + values;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmTreesDestroy(RhmTrees *trees)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(trees->child));
  PetscCall(PetscFree5(trees->room, trees->symbol, trees->truth, trees->e, trees->part));
  PetscCall(PetscFree(trees->raw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  rhm_trees_draw - the trees of a block with their normals; nothing is done where they are there already

  Input: block   trees RHM_LANES block .. of the grammar
         lanes   trees that count; lanes beyond repeat the first one
  Note:  the normals of a tree are the same at all times, for all cases and (those of e) for all processes: differences
         between them are sharper, and errors along a curve go together
*/
void rhm_trees_draw(uint64_t seed, int64_t grammar, int64_t block, int lanes, RhmTrees *trees)
{
  const Grammar  *g     = &trees->g;
  const int64_t   nodes = trees->first[g->L + 1];
  const RngStream noise = {seed, RNG_NOISE, (uint32_t)grammar};

  if (trees->grammar == grammar && trees->block == block) return;
  if (trees->child && trees->grammar != grammar)
    grammar_draw(seed, (uint64_t)grammar, g->v, g->s, g->m, g->L, trees->room, trees->child);
  for (int l = 0; l < RHM_LANES; l++) {
    const uint64_t tree = (uint64_t)(block * RHM_LANES + (l < lanes ? l : 0));

    tree_draw(g, seed, (uint64_t)grammar, tree, trees->symbol);
    for (int64_t i = 0; i < nodes; i++) trees->truth[i * RHM_LANES + l] = trees->symbol[i];
    rhm_noise(noise, tree, (int)trees->first[1], trees->planes, g->v, l, trees->part, trees->e);
  }
  trees->grammar = grammar;
  trees->block   = block;
  trees->lanes   = lanes;
}

typedef struct {
  const RhmTrees *trees;
  double         *sums;
} Judge;

/* One node of all trees, in the order of the lanes */
static void judge_node(void *context, int level, int64_t node, const double *marginal)
{
  const Judge *j     = (const Judge *)context;
  const int   *truth = j->trees->truth + (j->trees->first[level] + node) * RHM_LANES;
  double      *sum   = j->sums + level * RHM_SUMS, sure[RHM_LANES];
  int          best[RHM_LANES];

  rhm_judge(j->trees->g.v, marginal, best, sure);
  for (int l = 0; l < j->trees->lanes; l++) {
    const double belief = marginal[truth[l] * RHM_LANES + l];

    sum[RHM_HITS] += best[l] == truth[l];
    sum[RHM_SURE] += sure[l];
    sum[RHM_TRUE] += belief;
    sum[RHM_LOSS] -= log(belief > DBL_MIN ? belief : DBL_MIN);
  }
}

/*
  rhm_trees_judge - noise the trees by a law, read them, and compare with the truth

  Input:  law     with sigma2 = 0: nothing is done
          lowest  level down to which nodes are judged
  Output: sums[L + 1][RHM_SUMS]  over nodes and trees; zero where none were
          floored                messages and marginals that were lost
*/
void rhm_trees_judge(RhmTrees *trees, const RhmLaw *law, int lowest, double *sums, double *floored)
{
  const Grammar *g     = &trees->g;
  Judge          judge = {trees, sums};
  double         lost[RHM_LANES];

  *floored = 0;
  for (int i = 0; i < (g->L + 1) * RHM_SUMS; i++) sums[i] = 0;
  if (law->sigma2 == 0) return;
  rhm_leaf_likelihoods(law, (int)trees->first[1], trees->planes, g->v, trees->truth, trees->e,
                       trees->likelihood);
  rhm_propagate(g, trees->likelihood, lowest, judge_node, &judge, lost, trees->work);
  for (int l = 0; l < trees->lanes; l++) *floored += lost[l];
}
