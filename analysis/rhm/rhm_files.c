/*
  Grammars and noised leaves in files: /grammar/level_<l>[v][m][s], /leaves/state[n][s^L][v][b]
*/
#include "private/rhmimpl.h"
#include <stdio.h>
#include <string.h>

/* ---- grammars ---- */

/* The number of levels: level_1, level_2, ... up to the first that is missing; none may follow a gap */
static PetscErrorCode CountLevels(Input in, const char *path, int *L)
{
  char      name[64];
  PetscBool has;

  PetscFunctionBegin;
  *L = 0;
  for (int l = 1; l <= RHM_MAX_LEVELS + 1; l++) {
    snprintf(name, sizeof(name), "/grammar/level_%d", l);
    PetscCall(InputHas(in, name, &has));
    AdCheckInput(!has || l == *L + 1, "-rhm_grammar: '%s' has /grammar/level_%d, but no level_%d", path, l,
                 *L + 1);
    if (has) *L = l;
  }
  AdCheckInput(*L, "-rhm_grammar: '%s' has no dataset /grammar/level_1", path);
  AdCheckInput(*L <= RHM_MAX_LEVELS, "-rhm_grammar: '%s' has more than %d levels", path, RHM_MAX_LEVELS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rules of one level, as numbers, into whole ones */
static PetscErrorCode ReadLevel(Input in, const char *path, int level, int64_t n, int v, double *number,
                                int *child)
{
  char name[64];

  PetscFunctionBegin;
  snprintf(name, sizeof(name), "/grammar/level_%d", level);
  PetscCall(InputRead(in, name, AD_DOUBLE, number));
  for (int64_t i = 0; i < n; i++) {
    AdCheckInput(number[i] >= 0 && number[i] < v && number[i] == floor(number[i]),
                 "-rhm_grammar: '%s' dataset %s: expected symbols 0 to %d, found %g", path, name, v - 1,
                 number[i]);
    child[i] = (int)number[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sizes from the shape of level_1, which all levels must have */
static PetscErrorCode ReadShape(Input in, const char *path, Grammar *g)
{
  int64_t dims[3], first[3];
  char    name[64], problem[256];

  PetscFunctionBegin;
  PetscCall(CountLevels(in, path, &g->L));
  PetscCall(InputGetDims(in, "/grammar/level_1", 3, first));
  for (int l = 2; l <= g->L; l++) {
    snprintf(name, sizeof(name), "/grammar/level_%d", l);
    PetscCall(InputGetDims(in, name, 3, dims));
    AdCheckInput(
        !memcmp(dims, first, sizeof(dims)),
        "-rhm_grammar: '%s' dataset %s: expected the shape [v][m][s] = [%lld][%lld][%lld] of level_1, "
        "found [%lld][%lld][%lld]",
        path, name, (long long)first[0], (long long)first[1], (long long)first[2], (long long)dims[0],
        (long long)dims[1], (long long)dims[2]);
  }
  for (int k = 0; k < 3; k++) first[k] = PetscMin(first[k], 1 << 30);
  g->v = (int)first[0];
  g->m = (int)first[1];
  g->s = (int)first[2];
  AdCheckInput(g->v <= RHM_MAX_SYMBOLS, "-rhm_grammar: '%s': at most %d symbols, found %d", path,
               RHM_MAX_SYMBOLS, g->v);
  AdCheckInput(grammar_admissible(g->v, g->s, g->m, g->L, sizeof(problem), problem), "-rhm_grammar: '%s': %s",
               path, problem);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmReadGrammar - the rules of -rhm_grammar, checked

  Output: g, child  its rules; caller frees
  Errors: AD_ERR_INPUT for shapes that do not fit together, symbols out of range, tuples that have two parents
*/
PetscErrorCode RhmReadGrammar(const RhmOptions *o, Grammar *g, int **child)
{
  const char *path = o->grammar_file;
  char        problem[256];
  Input       in;
  int        *work;
  double     *number;
  int64_t     level;

  PetscFunctionBegin;
  PetscCall(InputOpen("-rhm_grammar", path, &in));
  *g = (Grammar){0};
  PetscCall(ReadShape(in, path, g));
  level = (int64_t)g->v * g->m * g->s;
  PetscCall(PetscMalloc1(grammar_length(g->v, g->s, g->m, g->L), child));
  PetscCall(PetscMalloc2(level, &number, grammar_workspace(g->v, g->m), &work));
  for (int l = 1; l <= g->L; l++)
    PetscCall(ReadLevel(in, path, l, level, g->v, number, *child + (l - 1) * level));
  g->child = *child;
  AdCheckInput(grammar_sound(g, work, sizeof(problem), problem), "-rhm_grammar: '%s': %s", path, problem);
  PetscCall(PetscFree2(number, work));
  PetscCall(InputClose(&in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteGrammar(const Grammar *g, Output out)
{
  const DataInfo info    = {"symbol,rule,child", "1",
                            "symbols one level below that a rule puts in a symbol's place"};
  const int64_t  dims[3] = {g->v, g->m, g->s}, level = dims[0] * dims[1] * dims[2];
  int64_t       *wide;
  char           name[64];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(level, &wide));
  for (int l = 1; l <= g->L; l++) {
    for (int64_t i = 0; i < level; i++) wide[i] = g->child[(l - 1) * level + i];
    snprintf(name, sizeof(name), "/grammar/level_%d", l);
    PetscCall(OutputWrite(out, name, AD_INT64, 3, dims, wide, &info));
  }
  PetscCall(PetscFree(wide));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- leaves that are drawn ---- */

/* Trees first .. first + n of a grammar, all nodes, and their noised leaves */
static void draw_trees(const RhmOptions *o, const double *u, const double *T, int b, int64_t first, int64_t n,
                       RhmTrees *trees, int64_t *symbol, double *state)
{
  const int64_t nodes = trees->first[trees->g.L + 1], leaves = trees->first[1];
  const int     v = trees->g.v;

  for (int64_t i = 0; i < n; i++) {
    const int lane = (int)((first + i) % RHM_LANES);

    rhm_trees_draw(o->seed, 0, (first + i) / RHM_LANES, RHM_LANES, trees);
    for (int64_t k = 0; k < nodes; k++) symbol[i * nodes + k] = trees->truth[k * RHM_LANES + lane];
    rhm_leaf_states(u, T, b, (int)leaves, trees->planes, v, lane, trees->truth, trees->e,
                    state + i * leaves * v * b);
  }
}

static PetscErrorCode WriteTrees(const RhmTrees *trees, const RhmOptions *o, int b, int64_t first, int64_t n,
                                 const int64_t *symbol, const double *state, Output out)
{
  const Grammar *g       = &trees->g;
  const DataInfo leaves  = {"tree,leaf,symbol,variable", "1",
                            "noised unit vectors of the leaves' symbols, x first"};
  const DataInfo nodes   = {"tree,node", "1", "true symbols"};
  const int64_t  dims[4] = {o->draw, trees->first[1], g->v, b}, all = trees->first[g->L + 1];
  int64_t       *part;
  char           name[64];

  PetscFunctionBegin;
  PetscCall(OutputWriteRows(out, "/leaves/state", AD_DOUBLE, 4, dims, first, n, state, &leaves));
  PetscCall(OutputAttrReal(out, "/leaves/state", "time", 1, &o->time));
  PetscCall(PetscMalloc1(n * trees->first[1], &part));
  for (int l = 0; l <= g->L; l++) {
    const int64_t width = rhm_nodes(g, l), shape[2] = {o->draw, width};

    for (int64_t i = 0; i < n; i++)
      PetscCall(PetscArraycpy(part + i * width, symbol + i * all + trees->first[l], width));
    snprintf(name, sizeof(name), "/tree/level_%d", l);
    PetscCall(OutputWriteRows(out, name, AD_INT64, 2, shape, first, n, part, &nodes));
  }
  PetscCall(PetscFree(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmDrawLeaves - grammar, trees and noised leaves in a file: those that an experiment of the same seed begins with. */
PetscErrorCode RhmDrawLeaves(const CommandLine *line, const RhmOptions *o, Process process)
{
  const LinearSde *sde;
  Grammar          g;
  RhmTrees         trees;
  Kernel           k;
  double           T[AD_BMAX * RHM_PLANES], values, *state;
  int             *child = NULL;
  int64_t          first, n, *symbol;
  Output           out;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(process, &sde));
  PetscCall(ProcessGetKernel(process, o->time, &k));
  rhm_factors(sde, &k, T);
  if (o->grammar_file[0])
    PetscCall(RhmReadGrammar(o, &g, &child));
  else
    g = o->size[0];
  PetscCall(AdSplitRows(o->draw, RHM_LANES, &first, &n));
  values = 8.0 * pow(g.s, g.L) * (g.v * sde->b + 3);
  PetscCall(RhmCheckMemory(o, rhm_trees_bytes(&g, rhm_planes(sde->b)) + (double)n * values, "the trees"));
  PetscCall(RhmTreesCreate(&g, rhm_planes(sde->b), &trees));
  PetscCall(PetscMalloc2(n * trees.first[g.L + 1], &symbol, n * trees.first[1] * g.v * sde->b, &state));
  if (trees.child) grammar_draw(o->seed, 0, g.v, g.s, g.m, g.L, trees.room, trees.child);
  draw_trees(o, k.u, T, sde->b, first, n, &trees, symbol, state);
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WriteGrammar(&trees.g, out));
  PetscCall(WriteTrees(&trees, o, sde->b, first, n, symbol, state, out));
  PetscCall(ProcessWrite(process, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s: %d trees; read them with -rhm_grammar and -rhm_leaves\n", line->output,
                    (int)o->draw));
  PetscCall(PetscFree2(symbol, state));
  PetscCall(RhmTreesDestroy(&trees));
  PetscCall(PetscFree(child));
  PetscFunctionReturn(PETSC_SUCCESS);
}
