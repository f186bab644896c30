/*
  Metrics that look at pairs of rows: energy distance, MMD, KID, and balls about neighbours
*/
#include "private/metricsimpl.h"
#include "adrng.h"
#include <math.h>

enum { PAIR_ENERGY, PAIR_MMD, PAIR_SUMS };
enum { MEDIAN_ROWS = 1000 }; /* of the reference, evenly spaced, for its median distance */

/* ---- energy distance and maximum mean discrepancy ---- */

static PetscBool wants(Metrics m, int family_slot)
{
  return (m->use[0] & (1 << family_slot)) && !(m->in_jackknife && family_slot == PAIR_MMD) ? PETSC_TRUE
                                                                                           : PETSC_FALSE;
}

/*
  Sums over all pairs of rows of two sets: blocks of the other set are passed round in the order of their index, and
  each rank adds them to the records of its own blocks.
*/
static PetscErrorCode SumPairs(Metrics m, const Cloud *rows, const Cloud *other, double sum[PAIR_SUMS])
{
  const long      blocks   = metric_blocks(rows->n);
  const PetscBool distance = wants(m, PAIR_ENERGY), gauss = wants(m, PAIR_MMD);
  double         *block, *packed, *part, *record;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(METRIC_BLOCK * m->D, &block, energy_packed_length(METRIC_BLOCK, m->D), &packed,
                         PAIR_SUMS * blocks + 1, &part));
  PetscCall(PetscCalloc1(PAIR_SUMS * blocks + 1, &record));
  PetscCall(PetscArrayzero(part, PAIR_SUMS * blocks));
  for (int64_t s = 0; s < metric_blocks(other->N); s++) {
    long m_s;

    PetscCall(CloudGetBlock(other, s, m->D, other->points, block, &m_s));
    energy_pack(m_s, m->D, block, packed);
    pair_block_sums(rows->n, m->D, rows->points, m_s, packed, m->beta, distance ? part : NULL,
                    gauss ? part + blocks : NULL);
    for (long b = 0; b < blocks; b++)
      for (int k = 0; k < PAIR_SUMS; k++) record[b * PAIR_SUMS + k] += part[k * blocks + b];
  }
  PetscCall(AdSumBlocks(metric_blocks(rows->N), blocks, PAIR_SUMS, record, sum));
  PetscCall(PetscFree3(block, packed, part));
  PetscCall(PetscFree(record));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Median distance between some rows of the reference, the mean of the middle two of an even number; 1 if that is 0. */
static PetscErrorCode MedianDistance(Metrics m, double *median)
{
  const int64_t M = m->reference.N, S = PetscMin(M, MEDIAN_ROWS), pairs = S * (S - 1) / 2;
  int           size, rank;
  int64_t      *index, *target;
  double       *rows, *distance, *work;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(PetscMalloc5(S, &index, size + 1, &target, S * m->D, &rows, pairs, &distance, pairs, &work));
  for (int64_t k = 0; k < S; k++) index[k] = k * M / S;
  for (int r = 0; r <= size; r++) target[r] = r ? S : 0;
  PetscCall(RowsPick(m->reference.start, m->D, m->reference.points, S, index, target, rows));
  if (!rank) {
    pair_distances(S, m->D, rows, distance);
    sort_doubles(pairs, distance, work);
    *median = (distance[(pairs - 1) / 2] + distance[pairs / 2]) / 2;
    if (!(*median > 0)) *median = 1;
  }
  PetscCallMPI(MPI_Bcast(median, 1, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  PetscCall(PetscFree5(index, target, rows, distance, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairsSetUp(Metrics m)
{
  double h = m->settings.mmd_width;

  PetscFunctionBegin;
  if (wants(m, PAIR_MMD) && !(h > 0)) PetscCall(MedianDistance(m, &h));
  m->beta = 0.5 / (h * h);
  PetscCall(SumPairs(m, &m->reference, &m->reference, m->sum_yy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  PairsEvaluate - energy distance, MMD^2

  Note: both sum over pairs block by block; MMD^2 leaves a row with itself out, whose Gaussian is 1 exactly
*/
PetscErrorCode PairsEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int64_t N = rows->N, M = m->reference.N;
  double        xy[PAIR_SUMS], xx[PAIR_SUMS];

  PetscFunctionBegin;
  PetscCall(SumPairs(m, rows, &m->reference, xy));
  PetscCall(SumPairs(m, rows, rows, xx));
  value[PAIR_ENERGY] = wants(m, PAIR_ENERGY)
                           ? energy_distance(N, M, xy[PAIR_ENERGY], xx[PAIR_ENERGY], m->sum_yy[PAIR_ENERGY])
                           : NAN;
  value[PAIR_MMD] = wants(m, PAIR_MMD) && N > 1 ? unbiased_mmd(N, M, xy[PAIR_MMD], xx[PAIR_MMD] - (double)N,
                                                               m->sum_yy[PAIR_MMD] - (double)M)
                                                : NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- kernel inception distance ---- */

/*
  random_subset - n of N indices without repetition, ascending

  Input:  taken[N]  zeros
  Output: index[n]; taken[N] zeros again
  Source: Floyd's algorithm: candidate j joins unless the draw from 0..j is new, then that one does
*/
static void random_subset(RngStream stream, uint64_t subset, int64_t N, int64_t n, char *taken, double *u,
                          int64_t *index)
{
  rng_uniform(stream, subset * (uint64_t)n, (size_t)n, 1, u);
  for (int64_t k = 0; k < n; k++) {
    const int64_t j = N - n + k, t = (int64_t)(u[k] * (double)(j + 1));

    taken[taken[t] ? j : t] = 1;
  }
  for (int64_t r = 0, k = 0; k < n; r++) {
    if (taken[r]) index[k++] = r;
    taken[r] = 0;
  }
}

/* One random subset for each rank that still has one to do in this round, from the owners of its rows: out[n][D] */
static PetscErrorCode TakeSubsets(Metrics m, const Cloud *rows, uint32_t step, int64_t first, int64_t subsets,
                                  int64_t n, double *out)
{
  const RngStream stream = {m->settings.seed, RNG_METRICS, step};
  int             size;
  int64_t        *index, *target;
  double         *u, *features;
  char           *taken;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc4(n * size, &index, size + 1, &target, n, &u, rows->n * m->D + 1, &features));
  PetscCall(PetscCalloc1(rows->N, &taken));
  embed_rows(&m->coordinates, rows->n, rows->x, 0, features);
  for (int r = 0; r <= size; r++) target[r] = n * PetscMin(r, subsets - first);
  for (int r = 0; r < size && first + r < subsets; r++)
    random_subset(stream, (uint64_t)(first + r), rows->N, n, taken, u, index + r * n);
  PetscCall(RowsPick(rows->start, m->D, features, target[size], index, target, out));
  PetscCall(PetscFree4(index, target, u, features));
  PetscCall(PetscFree(taken));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* kid_of - unbiased MMD^2 of two sets of n rows with the polynomial kernel; packed[2] of both */
static double kid_of(int64_t n, int D, const double *x, const double *y, double *packed_x, double *packed_y)
{
  energy_pack(n, D, x, packed_x);
  energy_pack(n, D, y, packed_y);
  return unbiased_mmd(n, n, polynomial_sum(n, D, x, n, packed_y),
                      polynomial_sum(n, D, x, n, packed_x) - polynomial_self_sum(n, D, x),
                      polynomial_sum(n, D, y, n, packed_y) - polynomial_self_sum(n, D, y));
}

/*
  SubsetsEvaluate - KID: mean over random subsets of both sides, of at most kid_size rows without repetition

  Note: subsets that would hold all rows of both sides are all the same: then there is one
*/
PetscErrorCode SubsetsEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int64_t N = rows->N, M = m->reference.N, n = PetscMin(m->settings.kid_size, PetscMin(N, M));
  const int64_t subsets = n == N && n == M ? 1 : m->settings.kid_subsets,
                length  = energy_packed_length(n, m->D);
  int     rank, size;
  double *x, *y, *packed, *kid, sum = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc3(n * m->D, &x, n * m->D, &y, 2 * length, &packed));
  PetscCall(PetscCalloc1(subsets, &kid));
  for (int64_t first = 0; first < subsets; first += size) {
    PetscCall(TakeSubsets(m, rows, 1u << 30, first, subsets, n, x));
    PetscCall(TakeSubsets(m, &m->reference, (1u << 30) + 1, first, subsets, n, y));
    if (first + rank < subsets) kid[first + rank] = kid_of(n, m->D, x, y, packed, packed + length);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, kid, (int)subsets, MPI_DOUBLE, MPI_SUM,
                             PETSC_COMM_WORLD)); /* each with zeros: no rounding */
  for (int64_t k = 0; k < subsets; k++) sum += kid[k];
  *value = n > 1 ? sum / (double)subsets : NAN;
  PetscCall(PetscFree3(x, y, packed));
  PetscCall(PetscFree(kid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- balls about neighbours ---- */

enum { PRECISION, RECALL, DENSITY, COVERAGE };

/* Squares of the distances to the k-th neighbour of the same set, radius[n]; infinite if there are not so many. */
static PetscErrorCode FindRadii(Metrics m, const Cloud *rows, double *radius)
{
  const int k = m->settings.neighbours;
  double   *block, *packed, *best;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(METRIC_BLOCK * m->D, &block, energy_packed_length(METRIC_BLOCK, m->D), &packed,
                         rows->n * k + 1, &best));
  for (int64_t i = 0; i < rows->n * k; i++) best[i] = INFINITY;
  for (int64_t s = 0; s < metric_blocks(rows->N); s++) {
    long m_s;

    PetscCall(CloudGetBlock(rows, s, m->D, rows->points, block, &m_s));
    energy_pack(m_s, m->D, block, packed);
    nearest_squares(rows->n, m->D, rows->points, rows->first, m_s, packed, s * METRIC_BLOCK, k, best);
  }
  for (int64_t i = 0; i < rows->n; i++) radius[i] = best[i * k + k - 1];
  PetscCall(PetscFree3(block, packed, best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Over all rows: how many lie in a ball of the other set, in how many balls they lie, how many have a point of the other
  set in their own ball
*/
static PetscErrorCode CountBalls(Metrics m, const Cloud *rows, const double *own, const Cloud *other,
                                 const double *radius, int64_t total[3])
{
  double *block, *packed, radii[METRIC_BLOCK];
  long   *inside, *reached;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(METRIC_BLOCK * m->D, &block, energy_packed_length(METRIC_BLOCK, m->D), &packed));
  PetscCall(PetscCalloc2(rows->n + 1, &inside, rows->n + 1, &reached));
  for (int64_t s = 0; s < metric_blocks(other->N); s++) {
    long m_s;

    PetscCall(CloudGetBlock(other, s, m->D, other->points, block, &m_s));
    PetscCall(CloudGetBlock(other, s, 1, radius, radii, &m_s));
    energy_pack(m_s, m->D, block, packed);
    ball_counts(rows->n, m->D, rows->points, own, m_s, packed, radii, inside, reached);
  }
  total[0] = total[1] = total[2] = 0;
  for (int64_t i = 0; i < rows->n; i++) {
    total[0] += inside[i] > 0;
    total[1] += inside[i];
    total[2] += reached[i] > 0;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, total, 3, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscFree2(block, packed));
  PetscCall(PetscFree2(inside, reached));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BallsSetUp(Metrics m)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(m->reference.n + 1, &m->radius));
  PetscCall(FindRadii(m, &m->reference, m->radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  BallsEvaluate - precision, recall, density, coverage

  Source: Kynkaanniemi et al., NeurIPS 2019; Naeem et al., ICML 2020
*/
PetscErrorCode BallsEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const double N = (double)rows->N, M = (double)m->reference.N;
  double      *radius;
  int64_t      of_rows[3], of_reference[3];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows->n + 1, &radius));
  PetscCall(FindRadii(m, rows, radius));
  PetscCall(CountBalls(m, rows, radius, &m->reference, m->radius, of_rows));
  PetscCall(CountBalls(m, &m->reference, m->radius, rows, radius, of_reference));
  value[PRECISION] = (double)of_rows[0] / N;
  value[DENSITY]   = (double)of_rows[1] / (N * m->settings.neighbours);
  value[RECALL]    = (double)of_reference[0] / M;
  value[COVERAGE]  = (double)of_reference[2] / M;
  PetscCall(PetscFree(radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}
