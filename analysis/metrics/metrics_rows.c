/*
  Rows shared out over the ranks: passing blocks of them round, picking some, gathering numbers on lines at their owners
*/
#include "private/metricsimpl.h"

/*
  embed_rows - points whose straight distances serve the columns: a periodic one becomes a point on the unit
  circle, so that both ends of its range are close; others stay as they are or are measured in units of their scale

  Output: points[n][D]
*/
void embed_rows(const Coordinates *c, int64_t n, const double *x, int scaled, double *points)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < c->d; i++, x++) {
      if (c->period[i] > 0) {
        const double angle = *x * (2 * PETSC_PI / c->period[i]);

        circle_embed(1, 1, &angle, points);
        points += 2;
      } else
        *points++ = scaled ? *x / c->scale[i] : *x;
    }
}

/* The first row of every rank, and the end: start[ranks + 1] */
static PetscErrorCode Starts(int64_t N, int64_t first, int64_t **start)
{
  int size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc1(size + 1, start));
  PetscCallMPI(MPI_Allgather(&first, 1, MPI_INT64_T, *start, 1, MPI_INT64_T, PETSC_COMM_WORLD));
  (*start)[size] = N;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last rank that begins at or before a row: empty ranks begin where the next one does. */
static int owner_of(int size, const int64_t *start, int64_t row)
{
  int lo = 0, hi = size;

  while (hi - lo > 1) {
    const int middle = (lo + hi) / 2;

    if (start[middle] <= row)
      lo = middle;
    else
      hi = middle;
  }
  return lo;
}

/* CloudCreate - a set of N rows of which x[n][d] are this rank's share; x must stay. */
PetscErrorCode CloudCreate(Metrics m, int64_t N, const double *x, Cloud *cloud)
{
  PetscFunctionBegin;
  *cloud = (Cloud){.N = N, .x = x};
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &cloud->first, &cloud->n));
  PetscCall(Starts(N, cloud->first, &cloud->start));
  PetscCall(PetscMalloc1(cloud->n * m->D + 1, &cloud->points));
  embed_rows(&m->coordinates, cloud->n, x, 1, cloud->points);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CloudFree(Cloud *cloud)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(cloud->points));
  PetscCall(PetscFree(cloud->start));
  PetscCall(PetscFree(cloud->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What RowsPick sends to and receives from each rank */
typedef struct {
  int *to, *send_at, *from, *receive_at; /* [ranks], in rows */
} Traffic;

static void offsets(int size, const int *count, int *at)
{
  at[0] = 0;
  for (int r = 1; r < size; r++) at[r] = at[r - 1] + count[r - 1];
}

/* Count rows by destination and by source; each rank knows both from the index. */
static void count_traffic(int rank, int size, const int64_t *start, const int64_t *index,
                          const int64_t *target, Traffic *t)
{
  for (int r = 0; r < size; r++) t->to[r] = t->from[r] = 0;
  for (int r = 0; r < size; r++)
    for (int64_t k = target[r]; k < target[r + 1]; k++)
      t->to[r] += index[k] >= start[rank] && index[k] < start[rank + 1];
  for (int64_t k = target[rank]; k < target[rank + 1]; k++) t->from[owner_of(size, start, index[k])]++;
  offsets(size, t->to, t->send_at);
  offsets(size, t->from, t->receive_at);
}

/*
  RowsPick - rows by their global index, to the ranks that want them

  Collective.

  Input:  start[ranks + 1]   first row of each rank; x[n][width] those of this rank
          index[N]           which rows, the same on all ranks; a row may come several times
          target[ranks + 1]  rank r gets rows index[target[r]] to index[target[r + 1] - 1]
  Output: out[target[rank + 1] - target[rank]][width]
  Cost:   every rank runs through the index once; each row travels once
*/
PetscErrorCode RowsPick(const int64_t *start, int width, const double *x, int64_t N, const int64_t *index,
                        const int64_t *target, double *out)
{
  int          rank, size;
  Traffic      t;
  double      *send, *received;
  int64_t      sent = 0;
  MPI_Datatype row;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc4(size, &t.to, size, &t.send_at, size, &t.from, size, &t.receive_at));
  count_traffic(rank, size, start, index, target, &t);
  PetscCall(PetscMalloc2((t.send_at[size - 1] + t.to[size - 1]) * (int64_t)width + 1, &send,
                         (t.receive_at[size - 1] + t.from[size - 1]) * (int64_t)width + 1, &received));
  for (int64_t k = 0; k < N; k++)
    if (index[k] >= start[rank] && index[k] < start[rank + 1]) {
      PetscCall(PetscArraycpy(send + sent * width, x + (index[k] - start[rank]) * width, width));
      sent++;
    }
  PetscCallMPI(MPI_Type_contiguous(width, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(
      MPI_Alltoallv(send, t.to, t.send_at, row, received, t.from, t.receive_at, row, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Type_free(&row));
  for (int64_t k = target[rank]; k < target[rank + 1]; k++) {
    const int source = owner_of(size, start, index[k]);

    PetscCall(PetscArraycpy(out + (k - target[rank]) * width,
                            received + (int64_t)t.receive_at[source] * width, width));
    t.receive_at[source]++;
  }
  PetscCall(PetscFree2(send, received));
  PetscCall(PetscFree4(t.to, t.send_at, t.from, t.receive_at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RowsSpread - rows by their index, N of them shared out as AdSplitRows(N, METRIC_BLOCK, ...) says. */
PetscErrorCode RowsSpread(const int64_t *start, int width, const double *x, int64_t N, const int64_t *index,
                          double *out)
{
  int64_t *target, first, n;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &first, &n));
  PetscCall(Starts(N, first, &target));
  PetscCall(RowsPick(start, width, x, N, index, target, out));
  PetscCall(PetscFree(target));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsPickRows - some rows of a set as a set of their own

  Input:  N, x[n][d]     rows of all ranks; those of this rank: AdSplitRows(N, METRIC_BLOCK, ...)
          index[picked]  which, the same on all ranks
  Output: out[k][d]      this rank's share of those picked: AdSplitRows(picked, METRIC_BLOCK, ...)
*/
PetscErrorCode MetricsPickRows(int64_t N, int d, const double *x, int64_t picked, const int64_t *index,
                               double *out)
{
  int64_t *start, first, n;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &first, &n));
  PetscCall(Starts(N, first, &start));
  PetscCall(RowsSpread(start, d, x, picked, index, out));
  PetscCall(PetscFree(start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CloudTake - a set of its own from N rows of another. */
PetscErrorCode CloudTake(Metrics m, const Cloud *from, int64_t N, const int64_t *index, Cloud *cloud)
{
  int64_t first, n;
  double *x;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(N, METRIC_BLOCK, &first, &n));
  PetscCall(PetscMalloc1(n * m->d + 1, &x));
  PetscCall(RowsSpread(from->start, m->d, from->x, N, index, x));
  PetscCall(CloudCreate(m, N, x, cloud));
  cloud->own = x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CloudGetBlock - block s of METRIC_BLOCK rows, from its owner to all ranks

  Input:  local[n][width]  numbers of this rank's rows
  Output: block[rows][width], rows
*/
PetscErrorCode CloudGetBlock(const Cloud *cloud, int64_t s, int width, const double *local, double *block,
                             long *rows)
{
  const int64_t begin = s * METRIC_BLOCK;
  int           rank, size, owner;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  owner = owner_of(size, cloud->start, begin);
  *rows = (long)PetscMin(METRIC_BLOCK, cloud->N - begin);
  if (owner == rank) PetscCall(PetscArraycpy(block, local + (begin - cloud->first) * width, *rows * width));
  PetscCallMPI(MPI_Bcast(block, (int)*rows * width, MPI_DOUBLE, owner, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- lines ---- */

/* column_values - a column of the rows: raw, or between 0 and a turn where it is periodic */
void column_values(Metrics m, const Cloud *rows, int64_t line, double *v)
{
  const double period = m->coordinates.period[line];

  for (int64_t r = 0; r < rows->n; r++) {
    v[r] = rows->x[r * m->d + line];
    if (period > 0) {
      v[r] -= period * floor(v[r] / period);
      if (v[r] >= period) v[r] = 0; /* rounded up */
    }
  }
}

/* Lines first .. first + n - 1 belong to a rank: as AdSplitRows(lines, 1) says */
static int64_t line_start(int64_t lines, int rank, int size)
{
  return lines * rank / size;
}

/*
  LineGather - the numbers of all rows on this rank's line of a round, which has one line for each rank that still has any

  Collective.

  Input:  round  0 to set->rounds - 1
          fill   numbers of this rank's rows on any line
  Output: all[N]  in the order of the rows; untouched where this rank has fewer lines than rounds
*/
PetscErrorCode LineGather(Metrics m, const LineSet *set, const Cloud *rows, LineFill fill, int64_t round,
                          double *all)
{
  int     rank, size, *to, *send_at, *from, *receive_at;
  double *send;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(
      PetscMalloc5(size, &to, size, &send_at, size, &from, size, &receive_at, rows->n * size + 1, &send));
  for (int r = 0; r < size; r++) {
    const int64_t line = line_start(set->lines, r, size) + round;
    const int     has  = line < line_start(set->lines, r + 1, size);

    to[r]         = has ? (int)rows->n : 0;
    send_at[r]    = (int)rows->n * r;
    from[r]       = round < set->n ? (int)(rows->start[r + 1] - rows->start[r]) : 0;
    receive_at[r] = round < set->n ? (int)rows->start[r] : 0;
    if (has) (*fill)(m, rows, line, send + send_at[r]);
  }
  PetscCallMPI(
      MPI_Alltoallv(send, to, send_at, MPI_DOUBLE, all, from, receive_at, MPI_DOUBLE, PETSC_COMM_WORLD));
  PetscCall(PetscFree5(to, send_at, from, receive_at, send));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* LineSorted - LineGather, then sorted; work[N] */
PetscErrorCode LineSorted(Metrics m, const LineSet *set, const Cloud *rows, LineFill fill, int64_t round,
                          double *all, double *work)
{
  PetscFunctionBegin;
  PetscCall(LineGather(m, set, rows, fill, round, all));
  if (round < set->n) sort_doubles(rows->N, all, work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* LineSetCreate - share out lines over the ranks, and keep the sorted reference on them. */
PetscErrorCode LineSetCreate(Metrics m, int64_t lines, LineFill fill, LineSet *set)
{
  const int64_t M = m->reference.N;
  double       *work;

  PetscFunctionBegin;
  set->lines = lines;
  PetscCall(AdSplitRows(lines, 1, &set->first, &set->n));
  PetscCallMPI(MPI_Allreduce(&set->n, &set->rounds, 1, MPI_INT64_T, MPI_MAX, PETSC_COMM_WORLD));
  PetscCall(PetscMalloc1(set->n * M + 1, &set->sorted));
  PetscCall(PetscMalloc1(M, &work));
  for (int64_t q = 0; q < set->rounds; q++)
    PetscCall(LineSorted(m, set, &m->reference, fill, q, set->sorted + PetscMin(q, set->n) * M, work));
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
