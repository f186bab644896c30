/*
  The metrics themselves: which apply, what they keep of the reference, and how a set of samples is measured
*/
#include "private/metricsimpl.h"
#include "adrng.h"
#include <math.h>
#include <string.h>

/* ---- energy distance ---- */

/* Sum of the distances between all pairs of rows and packed points, in a fixed order. */
static PetscErrorCode SumPairs(Metrics m, const Cloud *rows, int64_t M, const double *packed, double *sum)
{
  const long blocks = metric_blocks(rows->n);
  double    *local;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(blocks + 1, &local));
  energy_block_sums(rows->n, m->D, rows->points + rows->first * m->D, M, packed, local);
  PetscCall(AdSumBlocks(metric_blocks(rows->N), blocks, 1, local, sum));
  PetscCall(PetscFree(local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PackPoints(Metrics m, const Cloud *rows, double **packed)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(energy_packed_length(rows->N, m->D), packed));
  energy_pack(rows->N, m->D, rows->points, *packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EnergySetUp(Metrics m)
{
  PetscFunctionBegin;
  PetscCall(PackPoints(m, &m->reference, &m->packed));
  PetscCall(SumPairs(m, &m->reference, m->reference.N, m->packed, &m->sum_yy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EnergyEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int64_t M = m->reference.N;
  double       *packed, sum_xy, sum_xx;

  PetscFunctionBegin;
  PetscCall(PackPoints(m, rows, &packed));
  PetscCall(SumPairs(m, rows, M, m->packed, &sum_xy));
  PetscCall(SumPairs(m, rows, rows->N, packed, &sum_xx));
  PetscCall(PetscFree(packed));
  *value = energy_distance(rows->N, M, sum_xy, sum_xx, m->sum_yy);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool always(Metrics m)
{
  return PETSC_TRUE;
}

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
  take_columns(grid, rows->n, m->d, rows->x + rows->first * m->d, y);
  count[grid->K] = grid->torus ? torus_histogram(rows->n, grid->rank, y, grid->bins, count)
                               : box_histogram(rows->n, grid->rank, y, grid->bins, grid->lo, grid->hi, count);
  PetscCall(PetscFree(y));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, (int)grid->K + 1, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The range of a column of the reference, up to a little beyond the largest value, which must lie inside. */
static void column_range(const Cloud *rows, int d, int axis, double *lo, double *hi)
{
  *lo = INFINITY;
  *hi = -INFINITY;
  for (int64_t r = 0; r < rows->N; r++) {
    *lo = fmin(*lo, rows->x[r * d + axis]);
    *hi = fmax(*hi, rows->x[r * d + axis]);
  }
  *hi += *hi > *lo ? 1e-6 * (*hi - *lo) : 1;
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
    if (!(period > 0)) column_range(&m->reference, m->d, axis, &grid->lo[k], &grid->hi[k]);
  }
  grid->K = histogram_size(grid->rank, grid->bins);
  PetscCall(PetscMalloc2(grid->K + 1, &grid->count, grid->K + 1, &grid->share));
  PetscCall(MetricsCount(m, grid, &m->reference, grid->count));
  histogram_shares(grid->K + 1, grid->count, grid->share);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool has_plane(Metrics m)
{
  return m->plane.rank ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode DivergenceEvaluate(Metrics m, const Cloud *rows, double *value)
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

static PetscBool law_has_widths(Metrics m)
{
  for (int k = 0; k < m->law.n * m->law.d; k++)
    if (!(m->law.var[k] > 0)) return PETSC_FALSE;
  return m->law.n ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_exact_bins(Metrics m)
{
  return m->d <= 2 && law_has_widths(m) ? PETSC_TRUE : PETSC_FALSE;
}

static double farthest_edge(const MixtureData *law)
{
  double far = 0;

  for (int k = 0; k < law->n * law->d; k++) far = fmax(far, fabs(law->mean[k]) + 4 * sqrt(law->var[k]));
  return far;
}

static PetscErrorCode WindowSetUp(Metrics m)
{
  Grid        *grid  = &m->window;
  const double usual = fmax(m->d == 1 ? 3.2 : 1.1, farthest_edge(&m->law));
  const int    given = m->settings.window[1] > m->settings.window[0];
  double      *work;

  PetscFunctionBegin;
  grid->rank = m->d;
  for (int k = 0; k < m->d; k++) {
    grid->axis[k] = k;
    grid->bins[k] = m->settings.kl_bins ? m->settings.kl_bins : m->d == 1 ? 120 : 64;
    grid->unit[k] = 1;
    grid->lo[k]   = given ? m->settings.window[0] : -usual;
    grid->hi[k]   = given ? m->settings.window[1] : usual;
  }
  grid->K = histogram_size(grid->rank, grid->bins);
  PetscCall(PetscMalloc1(grid->K, &m->mass));
  PetscCall(PetscMalloc1(grid->bins[0] + grid->bins[1] + 1, &work));
  mixture_bin_masses(m->law.n, m->d, m->law.weight, m->law.mean, m->law.var, grid->bins, grid->lo, grid->hi,
                     work, m->mass);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WindowEvaluate(Metrics m, const Cloud *rows, double *value)
{
  long *count;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(m->window.K + 1, &count));
  PetscCall(MetricsCount(m, &m->window, rows, count));
  *value = kl_to_counts(m->window.K, m->mass, count, rows->N);
  PetscCall(PetscFree(count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sliced Wasserstein distance ---- */

static void project_rows(int64_t n, int D, const double *points, const double *direction, double *shadow)
{
  for (int64_t r = 0; r < n; r++) {
    double s = 0;

    for (int k = 0; k < D; k++) s += points[r * D + k] * direction[k];
    shadow[r] = s;
  }
}

static void fill_directions(int64_t L, int D, uint64_t seed, double *direction)
{
  if (D == 1) direction[0] = 1;
  if (D == 2) circle_directions((int)L, direction);
  if (D > 2) {
    rng_normal_double((RngStream){seed, RNG_METRICS, 0}, 0, (size_t)L, D, direction);
    unit_rows(L, D, direction);
  }
}

static PetscErrorCode SlicedSetUp(Metrics m)
{
  const int64_t M = m->reference.N;
  double       *work;

  PetscFunctionBegin;
  m->L = m->D == 1 ? 1 : m->settings.directions;
  PetscCall(AdSplitRows(m->L, 1, &m->first_l, &m->nl));
  PetscCall(PetscMalloc2(m->L * m->D, &m->direction, m->nl * M + 1, &m->sorted));
  PetscCall(PetscMalloc1(M, &work));
  fill_directions(m->L, m->D, m->settings.seed, m->direction);
  for (int64_t l = 0; l < m->nl; l++) {
    double *shadow = m->sorted + l * M;

    project_rows(M, m->D, m->reference.points, m->direction + (m->first_l + l) * m->D, shadow);
    sort_doubles(M, shadow, work);
  }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SlicedEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int64_t N = rows->N, M = m->reference.N;
  double       *shadow, *work, *mine, *all, w1;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(N, &shadow, N, &work, m->nl + 1, &mine, m->L, &all));
  for (int64_t l = 0; l < m->nl; l++) {
    project_rows(N, m->D, rows->points, m->direction + (m->first_l + l) * m->D, shadow);
    sort_doubles(N, shadow, work);
    sorted_wasserstein(N, shadow, M, m->sorted + l * M, &w1, &mine[l]);
  }
  PetscCall(AdGatherRows(m->L, m->nl, 1, mine, all));
  *value = sliced_wasserstein(m->L, all);
  PetscCall(PetscFree4(shadow, work, mine, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- exact Wasserstein distance on a line ---- */

static PetscBool has_exact_line(Metrics m)
{
  return m->d == 1 && law_has_widths(m) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode LineEvaluate(Metrics m, const Cloud *rows, double *value)
{
  double *x, *work;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(rows->N, &x, rows->N, &work));
  PetscCall(PetscArraycpy(x, rows->x, rows->N));
  sort_doubles(rows->N, x, work);
  *value = mixture_wasserstein1(rows->N, x, m->law.n, m->law.weight, m->law.mean, m->law.var);
  PetscCall(PetscFree2(x, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- modes of a mixture ---- */

static PetscBool has_equal_modes(Metrics m)
{
  for (int k = 0; k < m->law.n * m->law.d; k++)
    if (m->law.var[k] != m->law.var[0]) return PETSC_FALSE;
  return m->d == 2 && law_has_widths(m) ? PETSC_TRUE : PETSC_FALSE;
}

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

enum { MODES_INSIDE, MODES_VARIATION, MODES_SD };

static PetscErrorCode ModesEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const int  K = m->law.n, width = (int)mode_record(K, m->d);
  const long blocks = metric_blocks(rows->n);
  double    *local, *total, *weight, *sd;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(blocks * width + 1, &local, width, &total, K, &weight, K, &sd));
  mode_block_sums(rows->n, m->d, rows->x + rows->first * m->d, K, m->law.mean, 3 * sqrt(m->law.var[0]),
                  local);
  PetscCall(AdSumBlocks(metric_blocks(rows->N), blocks, width, local, total));
  mode_summary(rows->N, m->d, K, total, weight, sd, &value[MODES_INSIDE]);
  value[MODES_VARIATION] = total_variation(K, weight, m->law.weight);
  value[MODES_SD]        = pooled_sd(rows->N, K, weight, sd);
  PetscCall(PetscFree4(local, total, weight, sd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- basins of alanine dipeptide ---- */

static PetscBool has_basins(Metrics m)
{
  return m->basins.rank ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode BasinsEvaluate(Metrics m, const Cloud *rows, double *value)
{
  long    count[ALANINE_BASINS];
  double *angles;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * rows->n + 1, &angles));
  take_columns(&m->basins, rows->n, m->d, rows->x + rows->first * m->d, angles);
  alanine_basin_counts(rows->n, angles, count);
  PetscCall(PetscFree(angles));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, ALANINE_BASINS, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD));
  for (int k = 0; k < ALANINE_BASINS; k++) value[k] = (double)count[k] / (double)rows->N;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- tables ---- */

enum { ENERGY, DIVERGENCE, SLICED, WINDOW, LINE, MODES, BASINS };

const MetricFamily metric_families[] = {
    [ENERGY]     = {"energy", "", 1, always, EnergySetUp, EnergyEvaluate},
    [DIVERGENCE] = {"js", "one or two columns, or columns named phi and psi", 1, has_plane, NULL,
                    DivergenceEvaluate},
    [SLICED]     = {"sw2", "", 1, always, SlicedSetUp, SlicedEvaluate},
    [WINDOW]     = {"kl", "a mixture of one or two columns with widths > 0", 1, has_exact_bins, WindowSetUp,
                    WindowEvaluate},
    [LINE]       = {"w1", "a mixture of one column with widths > 0", 1, has_exact_line, NULL, LineEvaluate},
    [MODES]      = {"modes", "a mixture of two columns with one width > 0", 3, has_equal_modes, NULL,
                    ModesEvaluate},
    [BASINS]     = {"basins", "periodic columns named phi and psi, or -metrics_basins true", ALANINE_BASINS,
                    has_basins, NULL, BasinsEvaluate},
};
const int metric_nfamilies = sizeof(metric_families) / sizeof(metric_families[0]);

const MetricEntry metric_entries[] = {
    {{"energy", "scale", "energy distance sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|); angles as points on circles",
      METRIC_DISTANCE},
     ENERGY,
     0},
    {{"js", "nat", "Jensen-Shannon divergence of histograms, KL(p|m)/2 + KL(q|m)/2 with m = (p+q)/2",
      METRIC_DISTANCE},
     DIVERGENCE,
     0},
    {{"sw2", "scale",
      "sliced Wasserstein distance, root of the mean of W2^2 over directions; angles as points on "
      "circles",
      METRIC_DISTANCE},
     SLICED,
     0},
    {{"kl", "nat", "KL(exact bin masses || (n + 1/2)/(N + K/2))", METRIC_DISTANCE}, WINDOW, 0},
    {{"w1", "raw", "Wasserstein distance from the exact law", METRIC_DISTANCE}, LINE, 0},
    {{"share3", "1", "share of the samples within three widths of a centre", METRIC_LEVEL},
     MODES,
     MODES_INSIDE},
    {{"tv", "1", "total variation between mode weights and shares of samples nearest to each centre",
      METRIC_DISTANCE},
     MODES,
     MODES_VARIATION},
    {{"sd", "raw", "standard deviation within a mode, about its own mean, pooled", METRIC_LEVEL},
     MODES,
     MODES_SD},
    {{"pop_alphaR", "1", "share of samples in the basin alphaR", METRIC_LEVEL}, BASINS, BASIN_ALPHA_R},
    {{"pop_PII", "1", "share of samples in the basin PII", METRIC_LEVEL}, BASINS, BASIN_PII},
    {{"pop_C5", "1", "share of samples in the basin C5", METRIC_LEVEL}, BASINS, BASIN_C5},
    {{"pop_alphaL", "1", "share of samples in the basin alphaL", METRIC_LEVEL}, BASINS, BASIN_ALPHA_L},
};
const int metric_nentries = sizeof(metric_entries) / sizeof(metric_entries[0]);
