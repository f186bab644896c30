#include "adbase.h"
#include <string.h>

/*
  AdSplitRows - this rank's contiguous share of N rows, cut at multiples of block

  Output: first  global index of the first row, n  number of rows (may be 0)
  Note: results never depend on where the cuts are; block only lets sums be formed in whole blocks (AdSumBlocks).
*/
PetscErrorCode AdSplitRows(int64_t N, int64_t block, int64_t *first, int64_t *n)
{
  int     rank, size;
  int64_t blocks = (N + block - 1) / block, end;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  *first = PetscMin(N, blocks * rank / size * block);
  end    = PetscMin(N, blocks * (rank + 1) / size * block);
  *n     = end - *first;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Parts are added in the order of one binary tree over their numbers: node (level, index) is the sum of nodes (level - 1,
  2 index) and (level - 1, 2 index + 1), and what is left over at the end of an uneven number is added from the right. Whoever
  adds, the tree is the same, and so are the bits.
*/
static int siblings(TreeNode left, TreeNode right)
{
  return left.level == right.level && left.index % 2 == 0 && right.index == left.index + 1;
}

/*
  tree_push - put the next node of the tree on a stack of partial sums and join what belongs together

  Input:  node       it begins where the stack's last one ends
  In/out: stack[top] partial sums in the order of the parts; top stays below 2 log2(parts) + 2
  Return: number of joins: so many times, the last sum is added to the one before it and dropped
*/
int tree_push(TreeNode *stack, int *top, TreeNode node)
{
  int joins = 0;

  stack[(*top)++] = node;
  while (*top > 1 && siblings(stack[*top - 2], stack[*top - 1])) {
    stack[*top - 2] = (TreeNode){stack[*top - 2].level + 1, stack[*top - 2].index / 2};
    (*top)--;
    joins++;
  }
  return joins;
}

/* Partial sums of neighbouring blocks: sum[top][width] of nodes on a stack */
typedef struct {
  int      width, top;
  TreeNode node[TREE_DEPTH];
  double  *sum;
} SumStack;

static void stack_join(SumStack *s, int joins)
{
  for (; joins > 0; joins--) {
    double *restrict right = s->sum + (size_t)--s->top * (size_t)s->width, *restrict left = right - s->width;

    for (int j = 0; j < s->width; j++) left[j] += right[j];
  }
}

static void stack_push(SumStack *s, TreeNode node, const double *sum)
{
  int       top   = s->top;
  const int joins = tree_push(s->node, &top, node);

  memcpy(s->sum + (size_t)s->top++ * (size_t)s->width, sum, sizeof(*sum) * (size_t)s->width);
  stack_join(s, joins);
}

/* The nodes that n parts from `first` leave on a stack; returns their number, and how many it held at once */
static int tree_plan(int64_t first, int64_t n, TreeNode *node, int *depth)
{
  int top = 0;

  for (int64_t k = 0; k < n; k++) {
    *depth = PetscMax(*depth, top + 1);
    tree_push(node, &top, (TreeNode){0, first + k});
  }
  return top;
}

/* The partial sums of all ranks in order, all[nodes][width], and how many blocks each holds; caller frees */
static PetscErrorCode GatherSums(int64_t n, const SumStack *mine, int64_t **held, double **all)
{
  int64_t total = 0, count = mine->top;
  int     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc1(size, held));
  PetscCallMPI(MPI_Allgather(&n, 1, MPI_INT64_T, *held, 1, MPI_INT64_T, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(&count, &total, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc1(total * mine->width + 1, all));
  PetscCall(AdGatherRows(total, count, mine->width, mine->sum, *all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Partial sums of this rank's blocks, which begin at `first` of all */
static PetscErrorCode SumOwn(int64_t first, int64_t n, int width, const double *local, SumStack *s)
{
  TreeNode node[TREE_DEPTH];
  int      depth = 1;

  PetscFunctionBegin;
  *s = (SumStack){.width = width};
  tree_plan(first, n, node, &depth);
  PetscCall(PetscMalloc1(depth * width, &s->sum));
  for (int64_t k = 0; k < n; k++) stack_push(s, (TreeNode){0, first + k}, local + k * width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  AdSumBlocks - add block sums over all ranks along one binary tree over their global index: same bits on any number of ranks

  Input:  blocks  their number on all ranks; this rank holds n of them, in rank order, local[n][width]
  Output: total[width]
  Note:   neighbours are added first, so that rounding grows with the logarithm of the number of blocks
  Cost:   a gather of at most 2 log2(n) + 1 rows of width doubles a rank
*/
PetscErrorCode AdSumBlocks(int64_t blocks, int64_t n, int width, const double *local, double *total)
{
  int64_t  first = 0, at = 0, *held;
  int      rank, size, depth = 1, q = 0;
  double  *all;
  SumStack own, whole = {.width = width};
  TreeNode node[TREE_DEPTH];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCallMPI(MPI_Exscan(&n, &first, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(SumOwn(rank ? first : 0, n, width, local, &own));
  PetscCall(GatherSums(n, &own, &held, &all));
  tree_plan(0, blocks, node, &depth);
  PetscCall(PetscCalloc1(depth * width, &whole.sum));
  for (int r = 0; r < size; at += held[r++])
    for (int count = tree_plan(at, held[r], node, &depth), k = 0; k < count; k++, q++)
      stack_push(&whole, node[k], all + (size_t)q * (size_t)width);
  PetscAssert(at == blocks, PETSC_COMM_SELF, PETSC_ERR_PLIB, "blocks do not add up");
  stack_join(&whole, whole.top - 1);
  PetscCall(PetscArraycpy(total, whole.sum, width));
  PetscCall(PetscFree(own.sum));
  PetscCall(PetscFree(whole.sum));
  PetscCall(PetscFree(held));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* AdGatherRows - all rows on all ranks, in rank order: local[n][width] -> all[N][width]. */
PetscErrorCode AdGatherRows(int64_t N, int64_t n, int width, const double *local, double *all)
{
  int          size, *counts, *offsets, mine = (int)n;
  MPI_Datatype row;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc2(size, &counts, size, &offsets));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, PETSC_COMM_WORLD));
  offsets[0] = 0;
  for (int r = 1; r < size; r++) offsets[r] = offsets[r - 1] + counts[r - 1];
  PetscAssert(offsets[size - 1] + counts[size - 1] == N, PETSC_COMM_SELF, PETSC_ERR_PLIB,
              "rows do not add up");
  PetscCallMPI(MPI_Type_contiguous(width, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(local, mine, row, all, counts, offsets, row, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree2(counts, offsets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SharedArrayCreate - count items of size bytes, once a node, in an MPI shared-memory window

  Note: world rank 0 fills it, then it is published
*/
PetscErrorCode SharedArrayCreate(size_t count, size_t size, SharedArray *array)
{
  int      rank, unit;
  MPI_Aint bytes;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_split_type(PETSC_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &array->node));
  PetscCallMPI(MPI_Comm_rank(array->node, &rank));
  array->bytes = count * size;
  bytes        = rank ? 0 : (MPI_Aint)PetscMax(array->bytes, 1);
  PetscCallMPI(MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, array->node, &array->data, &array->window));
  PetscCallMPI(MPI_Win_shared_query(array->window, 0, &bytes, &unit, &array->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SharedArrayPublish - send what world rank 0 wrote to the first rank of every other node, then let all see it. */
PetscErrorCode SharedArrayPublish(SharedArray *array)
{
  const size_t piece = (size_t)1 << 27;
  int          rank;
  MPI_Comm     leaders;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(array->node, &rank));
  PetscCallMPI(MPI_Comm_split(PETSC_COMM_WORLD, rank ? MPI_UNDEFINED : 0, 0, &leaders));
  if (leaders != MPI_COMM_NULL) {
    for (size_t at = 0; at < array->bytes; at += piece)
      PetscCallMPI(
          MPI_Bcast((char *)array->data + at, (int)PetscMin(piece, array->bytes - at), MPI_BYTE, 0, leaders));
    PetscCallMPI(MPI_Comm_free(&leaders));
  }
  PetscCallMPI(MPI_Win_fence(0, array->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SharedArrayDestroy(SharedArray *array)
{
  PetscFunctionBegin;
  if (array->data) {
    PetscCallMPI(MPI_Win_free(&array->window));
    PetscCallMPI(MPI_Comm_free(&array->node));
    array->data = NULL;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
