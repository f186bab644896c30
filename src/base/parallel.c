#include "adbase.h"

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
  AdSumBlocks - add block sums over all ranks in the order of their global index: same bits on any number of ranks

  Input:  blocks  their number on all ranks; this rank holds n of them, in rank order, local[n][width]
  Output: total[width]
  Cost: one gather of blocks * width doubles
*/
PetscErrorCode AdSumBlocks(int64_t blocks, int64_t n, int width, const double *local, double *total)
{
  double *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(blocks * width + 1, &all));
  PetscCall(AdGatherRows(blocks, n, width, local, all));
  PetscCall(PetscArrayzero(total, width));
  for (int64_t k = 0; k < blocks; k++)
    for (int j = 0; j < width; j++) total[j] += all[k * width + j];
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
