#include "private/trainerimpl.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
  Gradients of the chunks of a batch are added in the order of one binary tree over the chunks' numbers (tree_push). Whoever
  adds, the tree is the same, and so are the bits.
*/

/*
  tree_join - add arrays from the right: part[0] += (part[1] += (part[2] += ...))

  In/out: part[parts][length]  part[0] is the result, the others are left at zero
  Note:   in tiles that stay in the first cache over all parts
*/
void tree_join(int parts, int64_t length, float *const *part)
{
  const int64_t tile = 2048;

  for (int64_t at = 0; at < length; at += tile) {
    const int64_t n = length - at < tile ? length - at : tile;
    for (int k = parts - 1; k > 0; k--) {
      float *restrict right = part[k] + at, *restrict left = part[k - 1] + at;
      for (int64_t i = 0; i < n; i++) left[i] += right[i];
      memset(right, 0, (size_t)n * sizeof(float));
    }
  }
}

/* The partial sums that a rank with chunks first .. first + n - 1 ends with, and how many it holds at once. */
static void plan_share(int first, int n, TreeNode *node, int *top, int *depth)
{
  *top = *depth = 0;
  for (int c = 0; c < n; c++) {
    if (*top + 1 > *depth) *depth = *top + 1;
    tree_push(node, top, (TreeNode){0, first + c});
  }
}

/* Which partial sums the ranks will hold, which floats each rank adds up, and room for what it receives. */
static PetscErrorCode PlanExchange(TreeSum *sum)
{
  const int lane = 16;
  int       share[2], *shares, depth;
  TreeNode  node[TREE_DEPTH];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * sum->ranks, &shares));
  share[0] = sum->first;
  share[1] = sum->n;
  PetscCallMPI(MPI_Allgather(share, 2, MPI_INT, shares, 2, MPI_INT, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc4(sum->ranks, &sum->count, sum->ranks + 1, &sum->segment, sum->ranks, &sum->width,
                         sum->chunks, &sum->node_of));
  for (int r = 0; r < sum->ranks; r++) {
    plan_share(shares[2 * r], shares[2 * r + 1], node, &sum->count[r], &depth);
    for (int k = 0; k < sum->count[r]; k++) sum->node_of[sum->all++] = node[k];
  }
  for (int r = 0; r < sum->ranks; r++)
    sum->segment[r] = (int)PetscMin(sum->length, (sum->length / lane + 1) * r / sum->ranks * lane);
  sum->segment[sum->ranks] = (int)sum->length;
  for (int r = 0; r < sum->ranks; r++) sum->width[r] = sum->segment[r + 1] - sum->segment[r];
  PetscCall(PetscMalloc2((size_t)sum->all * (size_t)sum->width[sum->rank] + 1, &sum->received, sum->length,
                         &sum->total));
  PetscCall(
      PetscMalloc((size_t)(sum->all + sum->ranks * (sum->top + 1)) * sizeof(MPI_Request), &sum->request));
  PetscCall(PetscFree(shares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TreeSumCreate - prepare sums of `chunks` arrays of `length` floats over all ranks

  Note: a rank's share of the chunks is that of AdSplitRows; its partial sums need log2(chunks) arrays or less on powers
  of two, about twice as many at most
*/
PetscErrorCode TreeSumCreate(int chunks, int64_t length, TreeSum *sum)
{
  int64_t first, n;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(sum, sizeof(*sum)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &sum->rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &sum->ranks));
  PetscCall(AdSplitRows(chunks, 1, &first, &n));
  sum->chunks = chunks;
  sum->length = length;
  sum->first  = (int)first;
  sum->n      = (int)n;
  plan_share(sum->first, sum->n, sum->node, &sum->top, &sum->depth);
  for (int k = 0; k < sum->depth; k++) {
    sum->part[k] = aligned_alloc(64, ((size_t)length * sizeof(float) + 63) / 64 * 64);
    PetscCheck(sum->part[k], PETSC_COMM_SELF, PETSC_ERR_MEM, "gradient of %" PRId64 " floats", length);
  }
  if (sum->ranks > 1) PetscCall(PlanExchange(sum));
  sum->used = sum->depth;
  sum->top  = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TreeSumNext - an array of zeros for this rank's next chunk; TreeSumAdd takes it into the sum. Not collective. */
PetscErrorCode TreeSumNext(TreeSum *sum, float **chunk)
{
  PetscFunctionBegin;
  for (int k = 0; k < sum->used; k++) memset(sum->part[k], 0, (size_t)sum->length * sizeof(float));
  sum->used = 0;
  *chunk    = sum->part[sum->top];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TreeSumAdd - the chunk is complete: add what can be added. Not collective. */
PetscErrorCode TreeSumAdd(TreeSum *sum)
{
  int64_t chunk = sum->first;
  int     joins;

  PetscFunctionBegin;
  if (sum->top) chunk = (sum->node[sum->top - 1].index + 1) << sum->node[sum->top - 1].level;
  joins = tree_push(sum->node, &sum->top, (TreeNode){0, chunk});
  tree_join(joins + 1, sum->length, &sum->part[sum->top - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank gets the partial sums of its segment from all others: received[partial sum of another rank][width]. */
static PetscErrorCode ExchangeSegments(TreeSum *sum)
{
  const int width  = sum->width[sum->rank];
  int       posted = 0;
  float    *to     = sum->received;

  PetscFunctionBegin;
  for (int r = 0; r < sum->ranks; r++)
    for (int k = 0; k < sum->count[r] && r != sum->rank; k++, to += width)
      PetscCallMPI(MPI_Irecv(to, width, MPI_FLOAT, r, k, PETSC_COMM_WORLD, &sum->request[posted++]));
  for (int r = 0; r < sum->ranks; r++)
    for (int k = 0; k < sum->top && r != sum->rank; k++)
      PetscCallMPI(MPI_Isend(sum->part[k] + sum->segment[r], sum->width[r], MPI_FLOAT, r, k, PETSC_COMM_WORLD,
                             &sum->request[posted++]));
  PetscCallMPI(MPI_Waitall(posted, sum->request, MPI_STATUSES_IGNORE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Add the partial sums of all ranks over this rank's segment, in the order of the tree; the result is where part[0] points. */
static void join_segment(TreeSum *sum, float **part)
{
  const int width = sum->width[sum->rank];
  TreeNode  node[TREE_DEPTH];
  float    *from = sum->received;
  int       top = 0, q = 0;

  for (int r = 0; r < sum->ranks; r++)
    for (int k = 0; k < sum->count[r]; k++) {
      part[top] = r == sum->rank ? sum->part[k] + sum->segment[r] : from;
      if (r != sum->rank) from += width;
      const int joins = tree_push(node, &top, sum->node_of[q++]);
      tree_join(joins + 1, width, &part[top - 1]);
    }
  tree_join(top, width, part);
}

/*
  TreeSumFinish - sum over all chunks of all ranks, collective; the object is then ready for the next sum

  Output: total[length]  borrowed, valid until the next TreeSumNext
  Cost:   a rank sends and receives about 2 length floats
*/
PetscErrorCode TreeSumFinish(TreeSum *sum, float **total)
{
  float *part[TREE_DEPTH] = {NULL};

  PetscFunctionBegin;
  if (sum->ranks == 1) {
    tree_join(sum->top, sum->length, sum->part);
    *total = sum->part[0];
  } else {
    PetscCall(ExchangeSegments(sum));
    join_segment(sum, part);
    PetscCallMPI(MPI_Allgatherv(part[0], sum->width[sum->rank], MPI_FLOAT, sum->total, sum->width,
                                sum->segment, MPI_FLOAT, PETSC_COMM_WORLD));
    *total = sum->total;
  }
  sum->used = sum->top;
  sum->top  = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TreeSumDestroy(TreeSum *sum)
{
  PetscFunctionBegin;
  for (int k = 0; k < sum->depth; k++) free(sum->part[k]);
  PetscCall(PetscFree4(sum->count, sum->segment, sum->width, sum->node_of));
  PetscCall(PetscFree2(sum->received, sum->total));
  PetscCall(PetscFree(sum->request));
  PetscFunctionReturn(PETSC_SUCCESS);
}
