/*
  Metrics of the shape of the cloud: Frechet distance of moments, overlap of kernel densities
*/
#include "private/metricsimpl.h"
#include <math.h>
#include <petscblaslapack.h>

/* ---- Frechet distance ---- */

enum { STRIP_NUMBERS = 1 << 22 }; /* of block records a rank gathers at a time */

/* Unbiased covariance of features[n][D], a strip of the triangle at a time: upper[D(D+1)/2] */
static PetscErrorCode SumCovariance(const Cloud *rows, int D, const double *features, const double *mean,
                                    double *upper)
{
  const int64_t all = metric_blocks(rows->N), blocks = metric_blocks(rows->n);
  const int     strip = (int)PetscMin(D, PetscMax(1, STRIP_NUMBERS / all / D));
  double       *local;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(blocks * strip * D + 1, &local));
  for (int begin = 0; begin < D; begin += strip) {
    const int end   = PetscMin(D, begin + strip);
    const int width = (int)covariance_width(D, begin, end);

    covariance_block_sums(rows->n, D, features, mean, begin, end, local);
    PetscCall(AdSumBlocks(all, blocks, width, local, upper));
    upper += width;
  }
  PetscCall(PetscFree(local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and covariance of the rows in raw units, angles as points on circles: mean[D], S[D][D] */
static PetscErrorCode Moments(Metrics m, const Cloud *rows, double *mean, double *S)
{
  const int     D      = m->D;
  const int64_t blocks = metric_blocks(rows->n);
  double       *features, *local, *upper;

  PetscFunctionBegin;
  PetscCall(
      PetscMalloc3(rows->n * D + 1, &features, blocks * D + 1, &local, (int64_t)D * (D + 1) / 2, &upper));
  embed_rows(&m->coordinates, rows->n, rows->x, 0, features);
  moment_block_sums(rows->n, D, features, local);
  PetscCall(AdSumBlocks(metric_blocks(rows->N), blocks, D, local, mean));
  for (int k = 0; k < D; k++) mean[k] /= (double)rows->N;
  PetscCall(SumCovariance(rows, D, features, mean, upper));
  covariance_from_sums(rows->N, D, upper, S);
  PetscCall(PetscFree3(features, local, upper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues w[D] of a symmetric matrix A[D][D], which its eigenvectors replace row by row if they are wanted */
static PetscErrorCode Eigen(int D, PetscBool vectors, double *A, double *w)
{
  PetscBLASInt n = D, length = -1, info;
  double       best, *work;

  PetscFunctionBegin;
  LAPACKsyev_(vectors ? "V" : "N", "U", &n, A, &n, w, &best, &length, &info);
  length = (PetscBLASInt)best;
  PetscCall(PetscMalloc1(length, &work));
  LAPACKsyev_(vectors ? "V" : "N", "U", &n, A, &n, w, work, &length, &info);
  PetscCall(PetscFree(work));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "syev: %d", (int)info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = A' B or A B' of square matrices stored by rows */
static void multiply(int D, const char *ta, const char *tb, const double *A, const double *B, double *C)
{
  const PetscBLASInt n   = D;
  const double       one = 1, zero = 0;

  BLASgemm_(tb, ta, &n, &n, &n, &one, B, &n, A, &n, &zero, C, &n);
}

/* root of S by its eigenvalues, negative ones (rounding) to 0: sum of sqrt(w) v v' */
static PetscErrorCode MatrixRoot(int D, double *S, double *root)
{
  double *w, *scaled;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(D, &w, (int64_t)D * D, &scaled));
  PetscCall(Eigen(D, PETSC_TRUE, S, w));
  for (int64_t k = 0; k < D; k++)
    for (int64_t i = 0; i < D; i++) scaled[k * D + i] = sqrt(fmax(w[k], 0)) * S[k * D + i];
  multiply(D, "T", "N", S, scaled, root);
  PetscCall(PetscFree2(w, scaled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sum of the roots of the eigenvalues of root S root: the trace of (S1 S2)^(1/2) */
static PetscErrorCode TraceOfRoot(int D, const double *root, const double *S, double *trace)
{
  double *w, *half, *whole;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(D, &w, (int64_t)D * D, &half, (int64_t)D * D, &whole));
  multiply(D, "N", "N", root, S, half);
  multiply(D, "N", "N", half, root, whole);
  PetscCall(Eigen(D, PETSC_FALSE, whole, w));
  *trace = 0;
  for (int k = 0; k < D; k++) *trace += sqrt(fmax(w[k], 0));
  PetscCall(PetscFree3(w, half, whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m->features[D + 1]: mean of the reference and the trace of its covariance; m->root[D][D]: root of that, on rank 0 */
PetscErrorCode FrechetSetUp(Metrics m)
{
  const int D = m->D;
  int       rank;
  double   *S;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(PetscMalloc1((int64_t)D * D, &S));
  PetscCall(PetscMalloc1(D + 1, &m->features));
  PetscCall(Moments(m, &m->reference, m->features, S));
  m->features[D] = 0;
  for (int k = 0; k < D; k++) m->features[D] += S[(int64_t)k * D + k];
  if (!rank) {
    PetscCall(PetscMalloc1((int64_t)D * D, &m->root));
    PetscCall(MatrixRoot(D, S, m->root));
  }
  PetscCall(PetscFree(S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  FrechetEvaluate - |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

  Note: the last trace is the sum of the roots of the eigenvalues of A S2 A, A = S1^(1/2): stable where a covariance is
        singular. Rank 0 does it, so that all ranks have the same bits. Some 1e-8 of the traces remain of equal sets
  Cost: N D^2 flops over the ranks, 4 D^3 on rank 0: some seconds for D = 1000
*/
PetscErrorCode FrechetEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int D = m->D;
  double   *mean, *S, trace = m->features[D], square = 0, cross = 0;

  PetscFunctionBegin;
  *value = NAN;
  if (rows->N < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(D, &mean, (int64_t)D * D, &S));
  PetscCall(Moments(m, rows, mean, S));
  for (int k = 0; k < D; k++) {
    square += (mean[k] - m->features[k]) * (mean[k] - m->features[k]);
    trace += S[(int64_t)k * D + k];
  }
  if (m->root) PetscCall(TraceOfRoot(D, m->root, S, &cross));
  *value = square + trace - 2 * cross;
  PetscCallMPI(MPI_Bcast(value, 1, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  PetscCall(PetscFree2(mean, S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- kernel densities ---- */

/* Bounds of the rows that count: within -metrics_kde_cut interquartile ranges of the quartiles of each column */
static PetscErrorCode OutlierBounds(Metrics m, const Cloud *rows, double bound[2][2])
{
  LineSet set = {.lines = m->d};
  double *x, *work, mine[4], all[4];

  PetscFunctionBegin;
  PetscCall(AdSplitRows(m->d, 1, &set.first, &set.n));
  PetscCall(PetscMalloc2(rows->N, &x, rows->N, &work));
  for (set.rounds = 0; set.rounds < m->d; set.rounds++) {
    double q1, q3, cut;

    PetscCall(LineSorted(m, &set, rows, column_values, set.rounds, x, work));
    if (set.rounds >= set.n) continue;
    quartiles(rows->N, x, &q1, &q3);
    cut                      = m->settings.kde_cut > 0 ? m->settings.kde_cut * (q3 - q1) : INFINITY;
    mine[2 * set.rounds]     = q1 - cut;
    mine[2 * set.rounds + 1] = q3 + cut;
  }
  PetscCall(AdGatherRows(m->d, set.n, 2, mine, all));
  for (int k = 0; k < m->d; k++) {
    bound[k][0] = all[2 * k];
    bound[k][1] = all[2 * k + 1];
  }
  PetscCall(PetscFree2(x, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows within bounds, kept[n][d]; returns how many. */
static int64_t keep_rows(Metrics m, int64_t n, const double *x, const double (*bound)[2], double *kept)
{
  int64_t count = 0;

  for (int64_t r = 0; r < n; r++) {
    int inside = 1;

    for (int k = 0; k < m->d; k++) inside &= x[r * m->d + k] >= bound[k][0] && x[r * m->d + k] <= bound[k][1];
    if (!inside) continue;
    for (int k = 0; k < m->d; k++) kept[count * m->d + k] = x[r * m->d + k];
    count++;
  }
  return count;
}

/* Least value of each column, and least of its negative */
static void note_range(int64_t n, int d, const double *x, double least[4])
{
  for (int64_t r = 0; r < n; r++)
    for (int k = 0; k < d && k < 2; k++) {
      least[k]     = fmin(least[k], x[r * d + k]);
      least[k + 2] = fmin(least[k + 2], -x[r * d + k]);
    }
}

/* The grid: from the least to the largest value of rows that count, of both sets, on each axis */
static PetscErrorCode DensityWindow(Metrics m, const Cloud *rows, const double (*bound)[2], double *lo,
                                    double *hi)
{
  const int d = m->d, given = m->settings.kde_window[1] > m->settings.kde_window[0];
  double    least[4] = {INFINITY, INFINITY, INFINITY, INFINITY}, *kept;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(rows->n * d + 1, &kept));
  note_range(m->reference.n, d, m->reference.x, least);
  note_range(keep_rows(m, rows->n, rows->x, bound, kept), d, kept, least);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, least, 4, MPI_DOUBLE, MPI_MIN, PETSC_COMM_WORLD));
  for (int k = 0; k < d; k++) {
    lo[k] = given ? m->settings.kde_window[0] : least[k];
    hi[k] = given ? m->settings.kde_window[1] : -least[k + 2];
    if (!(hi[k] > lo[k])) hi[k] = lo[k] + m->settings.kde_bandwidth; /* all rows at one place */
  }
  PetscCall(PetscFree(kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A share of a grid of G points an axis: some points of the first axis, all of the second */
typedef struct {
  int     G, columns;
  int64_t first, n;
  double  lo[2], hi[2];
  double (*bound)[2]; /* rows outside do not count; NULL: all count */
} DensityGrid;

/* Kernel density of a set on this rank's share of the grid, without its norm, and its sum over all of the grid */
static PetscErrorCode FillDensity(Metrics m, const Cloud *rows, const DensityGrid *grid, double *density,
                                  double *sum)
{
  const int64_t points = grid->n * grid->columns;
  double       *block, *kept, *work, *record;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(METRIC_BLOCK * m->d, &block, METRIC_BLOCK * m->d, &kept, 2 * grid->G, &work,
                         grid->n + 1, &record));
  PetscCall(PetscArrayzero(density, points));
  for (int64_t s = 0; s < metric_blocks(rows->N); s++) {
    long          n;
    const double *x = block;

    PetscCall(CloudGetBlock(rows, s, m->d, rows->x, block, &n));
    if (grid->bound) {
      n = (long)keep_rows(m, n, block, (const double(*)[2])grid->bound, kept);
      x = kept;
    }
    density_strip_add(n, m->d, x, m->settings.kde_bandwidth, grid->G, grid->lo, grid->hi, (int)grid->first,
                      (int)grid->n, work, density);
  }
  for (int64_t i = 0; i < grid->n; i++) {
    record[i] = 0;
    for (int j = 0; j < grid->columns; j++) record[i] += density[i * grid->columns + j];
  }
  PetscCall(AdSumBlocks(grid->G, grid->n, 1, record, sum));
  PetscCall(PetscFree4(block, kept, work, record));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DensityEvaluate - KL divergence and Bhattacharyya coefficient of the kernel densities of reference and samples

  Note: outliers are cut from the samples only, and both densities are scaled to sum 1 over the grid, as in the evaluation
        script published with the paper; columns count as straight. A density is exact to 3e-18 of a sample's peak
  Cost: each point of the first axis has an owner, which adds up the samples in their order: (18 h/step)^d a row
*/
PetscErrorCode DensityEvaluate(Metrics m, const Cloud *rows, double *value)
{
  double      bound[2][2] = {{0}}, sum_p, sum_q, *p, *q, *record;
  DensityGrid grid        = {.G = m->settings.kde_grid, .columns = m->d == 2 ? m->settings.kde_grid : 1};

  PetscFunctionBegin;
  PetscCall(OutlierBounds(m, rows, bound));
  PetscCall(DensityWindow(m, rows, (const double(*)[2])bound, grid.lo, grid.hi));
  PetscCall(AdSplitRows(grid.G, 1, &grid.first, &grid.n));
  PetscCall(
      PetscMalloc3(grid.n * grid.columns + 1, &p, grid.n * grid.columns + 1, &q, 2 * grid.n + 1, &record));
  PetscCall(FillDensity(m, &m->reference, &grid, p, &sum_p));
  grid.bound = bound;
  PetscCall(FillDensity(m, rows, &grid, q, &sum_q));
  for (int64_t i = 0; i < grid.n; i++)
    density_overlap(grid.columns, p + i * grid.columns, sum_p, q + i * grid.columns, sum_q, &record[2 * i],
                    &record[2 * i + 1]);
  PetscCall(AdSumBlocks(grid.G, grid.n, 2, record, value));
  PetscCall(PetscFree3(p, q, record));
  PetscFunctionReturn(PETSC_SUCCESS);
}
