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

enum { TREE_DEPTH = 128 };

/* Sums of neighbouring blocks on their way up one binary tree over all blocks; those that wait for a neighbour, from the left */
typedef struct {
  int     width, n;
  int64_t first[TREE_DEPTH],
      length[TREE_DEPTH]; /* blocks summed: a node of the tree, length a power of two */
  double *sum;            /* [..][width] */
} SumTree;

/* At most so many wait among n blocks that begin anywhere */
static int tree_depth(int64_t n)
{
  int bits = 1;

  while (n >>= 1) bits++;
  return 2 * bits + 1;
}

static void tree_fold(SumTree *tree)
{
  const double *restrict right = tree->sum + (size_t)--tree->n * (size_t)tree->width;
  double *restrict left        = tree->sum + (size_t)(tree->n - 1) * (size_t)tree->width;

  for (int j = 0; j < tree->width; j++) left[j] += right[j];
  tree->length[tree->n - 1] += tree->length[tree->n];
}

static void tree_push(SumTree *tree, int64_t first, int64_t length, const double *sum)
{
  tree->first[tree->n]  = first;
  tree->length[tree->n] = length;
  memcpy(tree->sum + (size_t)tree->n++ * (size_t)tree->width, sum, sizeof(*sum) * (size_t)tree->width);
  while (tree->n > 1 && tree->length[tree->n - 1] == tree->length[tree->n - 2] &&
         tree->first[tree->n - 2] % (2 * tree->length[tree->n - 1]) == 0)
    tree_fold(tree);
}

/* Nodes of a rank's blocks, as tree_push leaves them: first and length[TREE_DEPTH]; returns their number */
static int tree_nodes(int64_t begin, int64_t n, int64_t *first, int64_t *length)
{
  int count = 0;

  for (int64_t at = begin; at < begin + n; at += length[count++]) {
    int64_t size = 1;

    while (at % (2 * size) == 0 && at + 2 * size <= begin + n) size *= 2;
    first[count]  = at;
    length[count] = size;
  }
  return count;
}

/* The nodes of all ranks, in order, with their blocks: all[nodes][width], caller frees */
static PetscErrorCode GatherNodes(int64_t n, const SumTree *mine, int64_t *blocks, int *nodes, double **all)
{
  int64_t total = 0, count = mine->n;
  int     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCallMPI(MPI_Allgather(&n, 1, MPI_INT64_T, blocks, 1, MPI_INT64_T, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(&count, &total, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc1(total * mine->width + 1, all));
  PetscCall(AdGatherRows(total, count, mine->width, mine->sum, *all));
  *nodes = (int)total;
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
  int64_t begin = 0, at = 0, *held, first[TREE_DEPTH], length[TREE_DEPTH];
  int     rank, size, nodes;
  double *all;
  SumTree tree = {.width = width};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc2(size, &held, tree_depth(blocks) * width, &tree.sum));
  PetscCallMPI(MPI_Exscan(&n, &begin, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  if (!rank) begin = 0;
  for (int64_t k = 0; k < n; k++) tree_push(&tree, begin + k, 1, local + k * width);
  PetscCall(GatherNodes(n, &tree, held, &nodes, &all));
  tree.n = 0;
  for (int r = 0, k = 0; r < size; at += held[r++])
    for (int count = tree_nodes(at, held[r], first, length), i = 0; i < count; i++, k++)
      tree_push(&tree, first[i], length[i], all + (size_t)k * (size_t)width);
  PetscAssert(at == blocks, PETSC_COMM_SELF, PETSC_ERR_PLIB, "blocks do not add up");
  while (tree.n > 1) tree_fold(&tree); /* at the right edge neighbours are missing */
  PetscCall(PetscArrayzero(total, width));
  if (tree.n) PetscCall(PetscArraycpy(total, tree.sum, width));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree2(held, tree.sum));
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
