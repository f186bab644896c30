/*
  Marginals of all nodes of the trees whose noised leaves a file holds
*/
#include "private/rhmimpl.h"
#include <stdio.h>
#include <string.h>

/*
  RhmTakeLeavesOptions - the noise and the time of the leaves, where their file has a record of them and the user gives none

  Errors: AD_ERR_INPUT when the time given is not that of the record
*/
PetscErrorCode RhmTakeLeavesOptions(RhmOptions *o)
{
  Input     in;
  double    time = NAN;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(InputOpen("-rhm_leaves", o->leaves_file, &in));
  PetscCall(ProcessTakeOptions(in));
  PetscCall(InputAttrReal(in, "/leaves/state", "time", 1, &time, &found));
  PetscCall(InputClose(&in));
  AdCheckInput(found || !isnan(o->time), "-rhm_time: at which time are the leaves of '%s'? It does not say",
               o->leaves_file);
  AdCheckInput(!found || isnan(o->time) || fabs(o->time - time) <= 1e-12 * time,
               "-rhm_time: the leaves of '%s' are those of time %.15g, not %g", o->leaves_file, time,
               o->time);
  if (found) o->time = time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shape that grammar and process ask for */
static PetscErrorCode CheckShape(const RhmOptions *o, const Grammar *g, int b, Input in, int64_t *n)
{
  int64_t dims[4];

  PetscFunctionBegin;
  PetscCall(InputGetDims(in, "/leaves/state", 4, dims));
  AdCheckInput(dims[0] > 0 && dims[1] == rhm_nodes(g, 0) && dims[2] == g->v && dims[3] == b,
               "-rhm_leaves: '%s' dataset /leaves/state: expected [trees][leaves][symbols][variables] = "
               "[n][%lld][%d][%d] for this grammar and noise, found [%lld][%lld][%lld][%lld]",
               o->leaves_file, (long long)rhm_nodes(g, 0), g->v, b, (long long)dims[0], (long long)dims[1],
               (long long)dims[2], (long long)dims[3]);
  *n = dims[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks refuse together; the tree is the first of those that are not finite */
static PetscErrorCode CheckFinite(const RhmOptions *o, int64_t first, int64_t n, int64_t values,
                                  const double *state)
{
  int64_t bad = INT64_MAX;

  PetscFunctionBegin;
  for (int64_t i = n * values - 1; i >= 0; i--)
    if (!isfinite(state[i])) bad = first + i / values;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_MIN, PETSC_COMM_WORLD));
  AdCheckInput(bad == INT64_MAX,
               "-rhm_leaves: '%s' dataset /leaves/state: tree %lld is not finite; remove it", o->leaves_file,
               (long long)bad);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Marginals of up to RHM_LANES trees: marginal of node i of tree k at result + (k nodes + i) v */
static double propagate_block(const RhmLaw *law, int b, int lanes, const double *state, RhmTrees *trees,
                              double *marginal, double *result)
{
  const Grammar *g      = &trees->g;
  const int64_t  leaves = trees->first[1], nodes = trees->first[g->L + 1], values = leaves * g->v * b;
  double         lost[RHM_LANES], floored = 0;

  for (int l = 0; l < RHM_LANES; l++)
    rhm_state_logits(law, (int)leaves, g->v, b, state + (l < lanes ? l : 0) * values, l, trees->likelihood);
  for (int64_t i = 0; i < leaves; i++) rhm_likelihood(g->v, trees->likelihood + i * g->v * RHM_LANES);
  rhm_marginals(g, trees->likelihood, marginal, lost, trees->work);
  for (int l = 0; l < lanes; l++) {
    floored += lost[l];
    for (int64_t i = 0; i < nodes * g->v; i++) result[l * nodes * g->v + i] = marginal[i * RHM_LANES + l];
  }
  return floored;
}

static PetscErrorCode WriteMarginals(const RhmTrees *trees, int64_t N, int64_t first, int64_t n,
                                     const double *result, Output out)
{
  const Grammar *g    = &trees->g;
  const DataInfo info = {"tree,node,symbol", "1", "probability of each symbol given all noised leaves"};
  const int64_t  all  = trees->first[g->L + 1] * g->v;
  double        *part;
  char           name[64];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * trees->first[1] * g->v, &part));
  for (int l = 0; l <= g->L; l++) {
    const int64_t width = rhm_nodes(g, l) * g->v, dims[3] = {N, rhm_nodes(g, l), g->v};

    for (int64_t i = 0; i < n; i++)
      PetscCall(PetscArraycpy(part + i * width, result + i * all + trees->first[l] * g->v, width));
    snprintf(name, sizeof(name), "/rhm/marginal/level_%d", l);
    PetscCall(OutputWriteRows(out, name, AD_DOUBLE, 3, dims, first, n, part, &info));
  }
  PetscCall(PetscFree(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's trees, block by block; floored: lost messages of all ranks */
static PetscErrorCode PropagateAll(const RhmLaw *law, int b, int64_t N, int64_t n, const double *state,
                                   RhmTrees *trees, double *result, double *floored)
{
  const int64_t values = trees->first[1] * trees->g.v * b, all = trees->first[trees->g.L + 1] * trees->g.v;
  const int64_t blocks = (N + RHM_LANES - 1) / RHM_LANES, mine = (n + RHM_LANES - 1) / RHM_LANES;
  double       *raw, *lost;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(all * RHM_LANES + RHM_ALIGN, &raw, mine + 1, &lost));
  for (int64_t k = 0, at = 0; k < mine; k++, at += RHM_LANES)
    lost[k] = propagate_block(law, b, (int)PetscMin(RHM_LANES, n - at), state + at * values, trees,
                              rhm_aligned(raw), result + at * all);
  PetscCall(AdSumBlocks(blocks, mine, 1, lost, floored));
  PetscCall(PetscFree2(raw, lost));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(const CommandLine *line, const RhmOptions *o, int64_t N, const Grammar *g,
                             double floored)
{
  PetscFunctionBegin;
  if (floored > 0)
    PetscCall(AdWarning("%.0f messages were lost: what the rules allow there has a probability below 1e-308; "
                        "these trees do not belong to this grammar, noise or time\n",
                        floored));
  PetscCall(AdPrint("rhm       %lld trees of L %d s %d v %d m %d at t %g, read as %s\nwrote     %s\n",
                    (long long)N, g->L, g->s, g->v, g->m, o->time, rhm_case_names[o->which[0]],
                    line->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAndPropagate(const RhmOptions *o, const Grammar *g, int b, const RhmLaw *law,
                                       const CommandLine *line, Process process)
{
  const double leaf_bytes = 8.0 * pow(g->s, g->L) * g->v;
  int64_t      N          = 0, first, n;
  double      *state, *result, floored;
  RhmTrees     trees;
  Input        in;
  Output       out;

  PetscFunctionBegin;
  PetscCall(InputOpen("-rhm_leaves", o->leaves_file, &in));
  PetscCall(CheckShape(o, g, b, in, &N));
  PetscCall(AdSplitRows(N, RHM_LANES, &first, &n));
  PetscCall(RhmCheckMemory(o, rhm_trees_bytes(g, 1) + (double)(n * (b + 3) + 2 * RHM_LANES) * leaf_bytes,
                           "that many trees"));
  PetscCall(RhmTreesCreate(g, 1, &trees));
  PetscCall(PetscMalloc2(n * trees.first[1] * g->v * b, &state, n * trees.first[g->L + 1] * g->v, &result));
  PetscCall(InputReadRows(in, "/leaves/state", AD_DOUBLE, first, n, state));
  PetscCall(InputClose(&in));
  PetscCall(CheckFinite(o, first, n, trees.first[1] * g->v * b, state));
  PetscCall(PropagateAll(law, b, N, n, state, &trees, result, &floored));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WriteMarginals(&trees, N, first, n, result, out));
  PetscCall(OutputAttrReal(out, "/rhm", "time", 1, &o->time));
  PetscCall(OutputAttrReal(out, "/rhm", "floored", 1, &floored));
  PetscCall(OutputAttrString(out, "/rhm", "case", rhm_case_names[o->which[0]]));
  PetscCall(ProcessWrite(process, out));
  PetscCall(OutputClose(&out));
  PetscCall(Report(line, o, N, g, floored));
  PetscCall(PetscFree2(state, result));
  PetscCall(RhmTreesDestroy(&trees));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmReadLeaves - posterior of all nodes of given trees: /rhm/marginal/level_<l>[n][nodes][v], l = 0 the leaves. */
PetscErrorCode RhmReadLeaves(const CommandLine *line, const RhmOptions *o, Process process)
{
  const LinearSde *sde;
  Grammar          g;
  Kernel           k;
  RhmLaw           law;
  int             *child;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(process, &sde));
  PetscCall(ProcessGetKernel(process, o->time, &k));
  PetscCall(RhmCheckCase(process, o->which[0]));
  PetscCall(RhmGetLaw(process, o->which[0], &k, &law));
  PetscCall(RhmReadGrammar(o, &g, &child));
  PetscCall(ReadAndPropagate(o, &g, sde->b, &law, line, process));
  PetscCall(PetscFree(child));
  PetscFunctionReturn(PETSC_SUCCESS);
}
