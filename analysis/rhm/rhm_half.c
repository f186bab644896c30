/*
  Where half of the roots are lost: found on the grid of times, then between its points
*/
#include "private/rhmimpl.h"

/* Root accuracy of a case in all groups: curve[groups][stride], columns first .. first + n. values[groups] */
static void root_curves(const RhmSetting *s, PetscInt c, int first, int n, int stride, double *values,
                        double *curve)
{
  for (int time = 0; time < n; time++) {
    rhm_group_values(s, c, time, s->g.L, RHM_ACCURACY, values);
    for (int64_t i = 0; i < s->groups; i++) curve[i * stride + first + time] = values[i];
  }
}

/* The points of all columns in the order of x: columns of curve[groups][n] and x[n] move together */
static void sort_columns(int64_t groups, int n, double *x, double *other, double *curve)
{
  for (int i = 1; i < n; i++)
    for (int k = i; k > 0 && x[k - 1] > x[k]; k--) {
      double keep = x[k];

      x[k]         = x[k - 1];
      x[k - 1]     = keep;
      keep         = other[k];
      other[k]     = other[k - 1];
      other[k - 1] = keep;
      for (int64_t g = 0; g < groups; g++) {
        double *row = curve + g * n;

        keep       = row[k];
        row[k]     = row[k - 1];
        row[k - 1] = keep;
      }
    }
}

/* Both scales of one case, from its curves: x[2][n] logarithms of time and sigma2; work[3 n] */
static void enter_half(RhmStudy *study, PetscInt row, const RhmSetting *s, int n, const double *x,
                       const double *curve, double *work)
{
  for (int kind = 0; kind < 2; kind++) {
    double half, err;

    rhm_half_jackknife((int)s->groups, s->weight, n, x + kind * n, curve, work, &half, &err);
    study->half[kind][row]     = exp(half);
    study->half_err[kind][row] = exp(half) * err;
  }
}

/* Times between those of the grid around the time at which half is lost: time[RHM_FINE], returns their number */
static int times_between(PetscInt nt, const double *grid, double half, double *time)
{
  int n = 0, at = 0;

  if (isnan(half)) return 0;
  while (at < nt - 2 && grid[at + 1] <= half) at++;
  for (int i = at > 0 ? at - 1 : 0; i < nt - 1 && i <= at + 1; i++)
    for (int k = 1; k < RHM_SPLIT; k++)
      time[n++] = grid[i] * pow(grid[i + 1] / grid[i], k / (double)RHM_SPLIT);
  return n;
}

/* Times and laws between the points of the grid, as many for each case as there are: time, law[ncases][RHM_FINE] */
static PetscErrorCode GetLaws(const RhmStudy *study, PetscInt setting, double *time, RhmLaw *law)
{
  const RhmOptions *o     = study->o;
  const PetscInt    point = setting % study->grid.n;
  Kernel            k;

  PetscFunctionBegin;
  for (PetscInt c = 0; c < o->ncases; c++) {
    const int n = times_between(o->nt, study->time + point * o->nt, study->half[0][setting * o->ncases + c],
                                time + c * RHM_FINE);

    for (int i = 0; i < RHM_FINE; i++) {
      law[c * RHM_FINE + i].sigma2 = 0;
      if (i >= n) continue;
      PetscCall(ProcessGetKernel(study->grid.process[point], time[c * RHM_FINE + i], &k));
      PetscCall(RhmGetLaw(study->grid.process[point], o->which[c], &k, &law[c * RHM_FINE + i]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Curves of a case on the grid and between its points, as far as there are laws */
static PetscErrorCode JoinCurves(RhmStudy *study, PetscInt setting, const RhmSetting *s,
                                 const RhmSetting *fine, const double *time, PetscInt c)
{
  const PetscInt nt = s->nt, point = setting % study->grid.n;
  int            more = 0, n;
  double        *x, *curve, *values, *work;

  PetscFunctionBegin;
  while (more < RHM_FINE && fine->law[c * RHM_FINE + more].sigma2 > 0) more++;
  n = (int)nt + more;
  PetscCall(PetscMalloc4(2 * n, &x, s->groups * n, &curve, s->groups, &values, 3 * n, &work));
  for (int i = 0; i < n; i++) {
    x[i]     = log(i < nt ? study->time[point * nt + i] : time[c * RHM_FINE + i - nt]);
    x[n + i] = log(i < nt ? s->law[c * nt + i].sigma2 : fine->law[c * RHM_FINE + i - nt].sigma2);
  }
  root_curves(s, c, 0, (int)nt, n, values, curve);
  if (more) root_curves(fine, c, (int)nt, more, n, values, curve);
  sort_columns(s->groups, n, x, x + n, curve);
  enter_half(study, setting * s->o->ncases + c, s, n, x, curve, work);
  PetscCall(PetscFree4(x, curve, values, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmFindHalf - time and sigma2 at which root accuracy falls to 1/2, for all cases of a setting that has been run

  Collective
  Note: a grid of times may have one point inside the transition or none; a second pass, of roots only, splits the interval
        where half is lost and its neighbours in four, and the curve is interpolated there
*/
PetscErrorCode RhmFindHalf(RhmStudy *study, PetscInt setting, const RhmSetting *s)
{
  RhmSetting fine;
  RhmLaw    *law;
  double    *time;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(s->o->ncases * RHM_FINE, &law, s->o->ncases * RHM_FINE, &time));
  PetscCall(RhmSettingCreate(study, setting, RHM_FINE, law, s->g.L, &fine));
  for (PetscInt c = 0; c < s->o->ncases; c++) PetscCall(JoinCurves(study, setting, s, &fine, time, c));
  PetscCall(GetLaws(study, setting, time, law));
  PetscCall(RhmSettingRun(study, &fine));
  for (PetscInt c = 0; c < s->o->ncases; c++) PetscCall(JoinCurves(study, setting, s, &fine, time, c));
  PetscCall(RhmSettingDestroy(&fine));
  PetscCall(PetscFree2(law, time));
  PetscFunctionReturn(PETSC_SUCCESS);
}
