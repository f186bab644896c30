/*
  Paths of the first samples: kept in memory by the ranks that own them, put together when written
*/
#include "private/samplerimpl.h"

static void sort_falling(PetscInt n, double *t)
{
  for (PetscInt i = 1; i < n; i++) {
    const double now = t[i];
    PetscInt     j   = i;

    for (; j > 0 && t[j - 1] < now; j--) t[j] = t[j - 1];
    t[j] = now;
  }
}

/* Index of the time nearest to t among grid[n+1], which falls */
static PetscInt nearest_time(PetscInt n, const double *grid, double t)
{
  PetscInt best = 0;

  for (PetscInt i = 1; i <= n; i++)
    if (fabs(grid[i] - t) < fabs(grid[best] - t)) best = i;
  return best;
}

/* em, anc, ddim stand at the times of their grid only: the nearest ones to those asked for, each once */
static PetscErrorCode FramesOnGrid(Trajectory *trajectory, const AffinePlan *plan)
{
  const PetscInt asked = trajectory->nt;
  double        *time;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->nsteps + 1, &time));
  PetscCall(PetscMalloc1(plan->nsteps + 1, &trajectory->at));
  trajectory->nt = 0;
  for (PetscInt i = 0; i < (asked ? asked : plan->nsteps + 1); i++) {
    const PetscInt at = asked ? nearest_time(plan->nsteps, plan->t, trajectory->time[i]) : i;

    if (trajectory->nt && trajectory->at[trajectory->nt - 1] == at) continue;
    time[trajectory->nt]             = plan->t[at];
    trajectory->at[trajectory->nt++] = at;
  }
  PetscCall(PetscFree(trajectory->time));
  trajectory->time = time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The flow is interpolated at any time down to where it stops; what lies below is its end, t = 0 */
static PetscErrorCode FramesOfFlow(Trajectory *trajectory, const AffinePlan *plan, double t_stop)
{
  const PetscInt asked = trajectory->nt, most = PetscMax(asked, plan->nsteps + 1);
  double        *time;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(most, &time));
  trajectory->nt = 0;
  for (PetscInt i = 0; i < (asked ? asked : plan->nsteps + 1); i++) {
    const double given = asked ? trajectory->time[i] : plan->t[i], t = given < t_stop ? 0 : given;

    if (!trajectory->nt || time[trajectory->nt - 1] > t) time[trajectory->nt++] = t;
  }
  PetscCall(PetscFree(trajectory->time));
  trajectory->time = time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrajectorySetUp - which samples, which times, and memory for them. */
PetscErrorCode TrajectorySetUp(Sampler sampler)
{
  Trajectory       *trajectory = &sampler->trajectory;
  const AffinePlan *plan       = &sampler->plan;

  PetscFunctionBegin;
  if (!trajectory->n) PetscFunctionReturn(PETSC_SUCCESS);
  AdCheckInput(trajectory->n <= plan->N,
               "-sampler_trajectory: expected at most -sampler_samples, %lld, got %d", (long long)plan->N,
               (int)trajectory->n);
  sort_falling(trajectory->nt, trajectory->time);
  AdCheckInput(!trajectory->nt || trajectory->time[0] <= plan->t[0] * (1 + PETSC_SQRT_MACHINE_EPSILON),
               "-sampler_trajectory_times: expected times up to the start, t = %g, got %g", plan->t[0],
               trajectory->time[0]);
  if (sampler->scheme == SCHEME_FLOW)
    PetscCall(FramesOfFlow(trajectory, plan, sampler->t_stop));
  else
    PetscCall(FramesOnGrid(trajectory, plan));
  trajectory->nlocal = PetscClipInterval(trajectory->n - plan->first, 0, plan->n);
  PetscCall(PetscCalloc1(trajectory->nt * trajectory->nlocal * plan->b * plan->d, &trajectory->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrajectoryRecord - keep one frame of some rows

  Input: frame  index of the time;  row, rows  rows of this rank;  X[rows][b*d]
*/
PetscErrorCode TrajectoryRecord(Sampler sampler, PetscInt frame, int64_t row, int64_t rows, const double *X)
{
  Trajectory   *trajectory = &sampler->trajectory;
  const int64_t width      = (int64_t)sampler->plan.b * sampler->plan.d,
                kept       = PetscMin(rows, trajectory->nlocal - row);

  PetscFunctionBegin;
  if (kept > 0)
    PetscCall(PetscArraycpy(trajectory->state + (frame * trajectory->nlocal + row) * width, X, kept * width));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrajectoryRecordStep - keep the frames that belong to a step of em, anc or ddim. */
PetscErrorCode TrajectoryRecordStep(Sampler sampler, PetscInt step, Vec X)
{
  const Trajectory *trajectory = &sampler->trajectory;
  const double     *x;

  PetscFunctionBegin;
  if (!trajectory->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(X, &x));
  for (PetscInt frame = 0; frame < trajectory->nt; frame++)
    if (trajectory->at[frame] == step) PetscCall(TrajectoryRecord(sampler, frame, 0, sampler->plan.n, x));
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X[n][b*d]: x becomes raw data units, without wrapping periodic columns, so that a path has no jumps */
static void unscale_rows(const Coordinates *c, int width, int64_t n, double *X)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < c->d; i++) X[r * width + i] = X[r * width + i] * c->scale[i] + c->shift[i];
}

/*
  TrajectoryWrite - group /trajectory: time[nt], state[nt][n][b*d], index[n]

  Units: x in those of the data file, not wrapped; auxiliary variables in those of the process
*/
PetscErrorCode TrajectoryWrite(Sampler sampler, Output out)
{
  const Trajectory *trajectory = &sampler->trajectory;
  const int         width      = sampler->plan.b * sampler->plan.d;
  const int64_t     n = trajectory->n, nt = trajectory->nt, dims[3] = {nt, n, width};
  const DataInfo    times = {"time", "time", "forward time t: the process starts at the first and ends at 0"};
  const DataInfo    states  = {"time,sample,variable", "data units, auxiliary variables in process units",
                               "paths of the reverse process"};
  const DataInfo    samples = {"sample", "1", "row of /samples/state"};
  double           *all;
  int64_t          *index;

  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(nt * n * width, &all, n, &index));
  for (int64_t frame = 0; frame < nt; frame++)
    PetscCall(AdGatherRows(n, trajectory->nlocal, width,
                           trajectory->state + frame * trajectory->nlocal * width, all + frame * n * width));
  unscale_rows(sampler->coordinates, width, nt * n, all);
  for (int64_t i = 0; i < n; i++) index[i] = i;
  PetscCall(OutputWrite(out, "/trajectory/time", AD_DOUBLE, 1, &nt, trajectory->time, &times));
  PetscCall(OutputWrite(out, "/trajectory/state", AD_DOUBLE, 3, dims, all, &states));
  PetscCall(OutputWrite(out, "/trajectory/index", AD_INT64, 1, &n, index, &samples));
  PetscCall(PetscFree2(all, index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrajectoryFree(Trajectory *trajectory)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(trajectory->time));
  PetscCall(PetscFree(trajectory->at));
  PetscCall(PetscFree(trajectory->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
