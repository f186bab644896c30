/*
  Metrics that count rows: histograms, divergences, modes of a mixture, basins of alanine dipeptide
*/
#include "private/metricsimpl.h"
#include <math.h>

/* ---- histograms ---- */

/* The columns of a grid in its units, periodic ones within half a turn of 0: y[n][rank] from x[n][d] */
static void take_columns(const Grid *grid, int64_t n, int d, const double *x, double *y)
{
  for (int64_t r = 0; r < n; r++)
    for (int k = 0; k < grid->rank; k++, y++) {
      *y = x[r * d + grid->axis[k]] * grid->unit[k];
      if (grid->turn[k] > 0) *y -= grid->turn[k] * floor(*y / grid->turn[k] + 0.5);
    }
}

/* MetricsCount - counts of all rows in the bins of a grid, count[K + 1]: those outside come last. */
PetscErrorCode MetricsCount(Metrics m, const Grid *grid, const Cloud *rows, long *count)
{
  double *y;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows->n * grid->rank + 1, &y));
  take_columns(grid, rows->n, m->d, rows->x, y);
  count[grid->K] = grid->torus ? torus_histogram(rows->n, grid->rank, y, grid->bins, count)
                               : box_histogram(rows->n, grid->rank, y, grid->bins, grid->lo, grid->hi, count);
  PetscCall(PetscFree(y));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, (int)grid->K + 1, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The range of a column of the reference, up to a little beyond the largest value, which must lie inside. */
static PetscErrorCode ColumnRange(const Cloud *rows, int d, int axis, double *lo, double *hi)
{
  double range[2] = {INFINITY, INFINITY}; /* least value, least of the negative values */

  PetscFunctionBegin;
  for (int64_t r = 0; r < rows->n; r++) {
    range[0] = fmin(range[0], rows->x[r * d + axis]);
    range[1] = fmin(range[1], -rows->x[r * d + axis]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MIN, PETSC_COMM_WORLD));
  *lo = range[0];
  *hi = -range[1];
  *hi += *hi > *lo ? 1e-6 * (*hi - *lo) : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  MetricsSetUpPlane - bins over the columns one looks at, and the histogram of the reference: all columns if
  there are at most two, else phi and psi, else none
*/
PetscErrorCode MetricsSetUpPlane(Metrics m)
{
  Grid *grid = &m->plane;

  PetscFunctionBegin;
  grid->rank = m->d <= 2 ? m->d : m->basins.rank;
  if (!grid->rank) PetscFunctionReturn(PETSC_SUCCESS);
  grid->torus = 1;
  for (int k = 0; k < grid->rank; k++) {
    grid->axis[k] = m->d <= 2 ? k : m->basins.axis[k];
    grid->bins[k] = m->settings.bins;
    if (!(m->coordinates.period[grid->axis[k]] > 0)) grid->torus = 0;
  }
  for (int k = 0; k < grid->rank; k++) {
    const int    axis   = grid->axis[k];
    const double period = m->coordinates.period[axis];

    grid->unit[k] = grid->torus ? 2 * PETSC_PI / period : 1;
    grid->turn[k] = period * grid->unit[k];
    grid->lo[k]   = -grid->turn[k] / 2;
    grid->hi[k]   = grid->turn[k] / 2;
    if (!(period > 0)) PetscCall(ColumnRange(&m->reference, m->d, axis, &grid->lo[k], &grid->hi[k]));
  }
  grid->K = histogram_size(grid->rank, grid->bins);
  PetscCall(PetscMalloc2(grid->K + 1, &grid->count, grid->K + 1, &grid->share));
  PetscCall(MetricsCount(m, grid, &m->reference, grid->count));
  histogram_shares(grid->K + 1, grid->count, grid->share);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DivergenceEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int64_t K = m->plane.K + 1;
  long         *count;
  double       *share;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(K, &count, K, &share));
  PetscCall(MetricsCount(m, &m->plane, rows, count));
  histogram_shares(K, count, share);
  *value = js_divergence(K, share, m->plane.share);
  PetscCall(PetscFree2(count, share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Kullback-Leibler divergence from a law that is known ---- */

static void law_range(const MixtureData *law, int axis, double *lo, double *hi)
{
  *lo = INFINITY;
  *hi = -INFINITY;
  for (int c = 0; c < law->n; c++) {
    const double mean = law->mean[c * law->d + axis], reach = 4 * sqrt(law->var[c * law->d + axis]);

    *lo = fmin(*lo, mean - reach);
    *hi = fmax(*hi, mean + reach);
  }
}

/*
  WindowSetUp - bins of kl and the exact masses in them

  Note: the usual window is [-3.2, 3.2] on a line, [-1.1, 1.1]^2 in the plane; a law that reaches beyond it widens it, one
        that fills less than a quarter of it has its own: four deviations beyond its outermost centres on each axis
*/
PetscErrorCode WindowSetUp(Metrics m)
{
  Grid        *grid  = &m->window;
  const double usual = m->d == 1 ? 3.2 : 1.1;
  const int    given = m->settings.window[1] > m->settings.window[0];
  double       lo[2], hi[2], far = 0, *work;

  PetscFunctionBegin;
  grid->rank = m->d;
  for (int k = 0; k < m->d; k++) {
    law_range(&m->law, k, &lo[k], &hi[k]);
    far = fmax(far, fmax(-lo[k], hi[k]));
  }
  for (int k = 0; k < m->d; k++) {
    grid->axis[k] = k;
    grid->bins[k] = m->settings.kl_bins ? m->settings.kl_bins : m->d == 1 ? 120 : 64;
    grid->unit[k] = 1;
    grid->lo[k]   = given ? m->settings.window[0] : far < usual / 4 ? lo[k] : -fmax(usual, far);
    grid->hi[k]   = given ? m->settings.window[1] : far < usual / 4 ? hi[k] : fmax(usual, far);
  }
  grid->K = histogram_size(grid->rank, grid->bins);
  PetscCall(PetscMalloc1(grid->K, &m->mass));
  PetscCall(PetscMalloc1(grid->bins[0] + grid->bins[1] + 1, &work));
  mixture_bin_masses(m->law.n, m->d, m->law.weight, m->law.mean, m->law.var, grid->bins, grid->lo, grid->hi,
                     work, m->mass);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WindowEvaluate(Metrics m, const Cloud *rows, double *value)
{
  long *count;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(m->window.K + 1, &count));
  PetscCall(MetricsCount(m, &m->window, rows, count));
  *value = kl_to_counts(m->window.K, m->mass, count, rows->N);
  PetscCall(PetscFree(count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- modes of a mixture ---- */

/* Deviation about the mode's own mean, pooled over the modes: squares add with n - 1 */
static double pooled_sd(int64_t N, int K, const double *weight, const double *sd)
{
  double freedom = 0, squares = 0;

  for (int c = 0; c < K; c++) {
    const double count = weight[c] * (double)N;

    if (!(count > 1.5)) continue; /* no deviation from one sample */
    freedom += count - 1;
    squares += (count - 1) * sd[c] * sd[c];
  }
  return sqrt(squares / freedom);
}

enum { MODES_VARIATION, MODES_SD, MODES_WEIGHTS };

/* ModesEvaluate - total variation, pooled deviation; then the weight of each mode, then its deviation */
PetscErrorCode ModesEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int  K = m->peaks.n, width = (int)mode_record(K, m->d);
  const long blocks = metric_blocks(rows->n);
  double    *local, *total, *weight = value + MODES_WEIGHTS, *sd = weight + K;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(blocks * width + 1, &local, width, &total));
  mode_block_sums(rows->n, m->d, rows->x, K, m->peaks.mean, local);
  PetscCall(AdSumBlocks(metric_blocks(rows->N), blocks, width, local, total));
  mode_summary(rows->N, m->d, K, total, weight, sd);
  value[MODES_VARIATION] = total_variation(K, weight, m->peaks.weight);
  value[MODES_SD]        = pooled_sd(rows->N, K, weight, sd);
  PetscCall(PetscFree2(local, total));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ShareEvaluate - share of the samples within three widths of some Gaussian of the law: a peak, or a point of a curve */
PetscErrorCode ShareEvaluate(Metrics m, const Cloud *rows, double *value)
{
  long inside = count_inside(rows->n, m->d, rows->x, m->law.n, m->law.mean, 3 * sqrt(m->law.var[0]));

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &inside, 1, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD));
  *value = (double)inside / (double)rows->N;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- basins of alanine dipeptide ---- */

PetscErrorCode BasinsEvaluate(Metrics m, const Cloud *rows, double *value)
{
  long    count[ALANINE_BASINS];
  double *angles;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * rows->n + 1, &angles));
  take_columns(&m->basins, rows->n, m->d, rows->x, angles);
  alanine_basin_counts(rows->n, angles, count);
  PetscCall(PetscFree(angles));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, ALANINE_BASINS, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD));
  for (int k = 0; k < ALANINE_BASINS; k++) value[k] = (double)count[k] / (double)rows->N;
  PetscFunctionReturn(PETSC_SUCCESS);
}
