/*
  Metrics on lines: sliced Wasserstein distance, Wasserstein distance of each column
*/
#include "private/metricsimpl.h"
#include "adrng.h"
#include <math.h>

/* ---- sliced Wasserstein distance ---- */

static void project_rows(Metrics m, const Cloud *rows, int64_t line, double *shadow)
{
  const double *direction = m->direction + line * m->D;

  for (int64_t r = 0; r < rows->n; r++) {
    double s = 0;

    for (int k = 0; k < m->D; k++) s += rows->points[r * m->D + k] * direction[k];
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

PetscErrorCode SlicedSetUp(Metrics m)
{
  const int64_t L = m->D == 1 ? 1 : m->settings.directions;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(L * m->D, &m->direction));
  fill_directions(L, m->D, m->settings.seed, m->direction);
  PetscCall(LineSetCreate(m, L, project_rows, &m->slices));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SlicedEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const LineSet *set = &m->slices;
  const int64_t  N = rows->N, M = m->reference.N;
  double        *shadow, *work, *mine, *all, w1;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(N, &shadow, N, &work, set->n + 1, &mine, set->lines, &all));
  for (int64_t q = 0; q < set->rounds; q++) {
    PetscCall(LineSorted(m, set, rows, project_rows, q, shadow, work));
    if (q < set->n) sorted_wasserstein(N, shadow, M, set->sorted + q * M, &w1, &mine[q]);
  }
  PetscCall(AdGatherRows(set->lines, set->n, 1, mine, all));
  *value = sliced_wasserstein(set->lines, all);
  PetscCall(PetscFree4(shadow, work, mine, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Wasserstein distance of each column ---- */

PetscErrorCode ColumnsSetUp(Metrics m)
{
  PetscFunctionBegin;
  PetscCall(LineSetCreate(m, m->d, column_values, &m->columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On a circle of radius 1 where the column is periodic; else on a line, in units of the column's scale */
static double column_distance(Metrics m, int64_t column, int64_t N, const double *x, const double *y,
                              double *work)
{
  const int64_t M      = m->reference.N;
  const double  period = m->coordinates.period[column];
  double        w1, w2sq;

  if (period > 0) return circle_wasserstein1(N, x, M, y, period, work) * (2 * PETSC_PI / period);
  sorted_wasserstein(N, x, M, y, &w1, &w2sq);
  return w1 / m->coordinates.scale[column];
}

enum { COLUMNS_MEAN, COLUMNS_MAX, COLUMNS_EACH };

/* ColumnsEvaluate - mean and largest W1 of the columns, then each */
PetscErrorCode ColumnsEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const LineSet *set = &m->columns;
  const int64_t  N = rows->N, M = m->reference.N;
  double        *x, *work, *mine, *all = value + COLUMNS_EACH;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(N, &x, 2 * (N + M), &work, set->n + 1, &mine));
  for (int64_t q = 0; q < set->rounds; q++) {
    PetscCall(LineSorted(m, set, rows, column_values, q, x, work));
    if (q < set->n) mine[q] = column_distance(m, set->first + q, N, x, set->sorted + q * M, work);
  }
  PetscCall(AdGatherRows(set->lines, set->n, 1, mine, all));
  value[COLUMNS_MEAN] = value[COLUMNS_MAX] = 0;
  for (int k = 0; k < m->d; k++) {
    value[COLUMNS_MEAN] += all[k] / m->d;
    value[COLUMNS_MAX] = fmax(value[COLUMNS_MAX], all[k]);
  }
  PetscCall(PetscFree3(x, work, mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- exact Wasserstein distance on a line ---- */

/* LineEvaluate - W1 of the only column from the exact law; one rank gathers the column */
PetscErrorCode LineEvaluate(Metrics m, const Cloud *rows, double *value)
{
  const MixtureData *law = &m->law;
  LineSet            set = {.lines = 1, .rounds = 1};
  double            *x, *work;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(1, 1, &set.first, &set.n));
  PetscCall(PetscMalloc2(rows->N, &x, PetscMax(rows->N, 5 * (int64_t)law->n + 2), &work));
  PetscCall(LineSorted(m, &set, rows, column_values, 0, x, work));
  if (set.n) *value = mixture_wasserstein1(rows->N, x, law->n, law->weight, law->mean, law->var, work);
  PetscCall(AdGatherRows(1, set.n, 1, value, x));
  *value = x[0];
  PetscCall(PetscFree2(x, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
