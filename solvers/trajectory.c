/*
  Paths of chosen samples: kept in memory by the ranks that own them, put together when written
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

/*
  TrajectoryChoose - follow the samples row[rows], given in any order, in place of the first ones

  Errors: AD_ERR_INPUT when a row is no whole number or is named twice
*/
PetscErrorCode TrajectoryChoose(Trajectory *trajectory, PetscInt rows, const PetscReal *row)
{
  PetscFunctionBegin;
  trajectory->n = rows;
  PetscCall(PetscMalloc1(rows, &trajectory->index));
  for (PetscInt i = 0; i < rows; i++) {
    const int64_t now = (int64_t)row[i];
    PetscInt      j   = i;

    AdCheckInput(row[i] == floor(row[i]), "-sampler_trajectory_index: expected whole numbers, got %g",
                 row[i]);
    for (; j > 0 && trajectory->index[j - 1] > now; j--) trajectory->index[j] = trajectory->index[j - 1];
    AdCheckInput(!j || trajectory->index[j - 1] != now,
                 "-sampler_trajectory_index: sample %lld is named twice", (long long)now);
    trajectory->index[j] = now;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samples to follow exist; the first n unless some were chosen. Which of them are this rank's? */
static PetscErrorCode ShareSamples(Trajectory *trajectory, const AffinePlan *plan)
{
  const int64_t n = trajectory->n;

  PetscFunctionBegin;
  AdCheckInput(n <= plan->N, "-sampler_trajectory: expected at most -sampler_samples, %lld, got %lld",
               (long long)plan->N, (long long)n);
  if (!trajectory->index) {
    PetscCall(PetscMalloc1(n, &trajectory->index));
    for (int64_t i = 0; i < n; i++) trajectory->index[i] = i;
  }
  AdCheckInput(
      trajectory->index[n - 1] < plan->N,
      "-sampler_trajectory_index: expected samples among the %lld of -sampler_samples, got sample %lld",
      (long long)plan->N, (long long)trajectory->index[n - 1]);
  trajectory->from = trajectory->nlocal = 0;
  for (int64_t i = 0; i < n; i++) {
    trajectory->from += trajectory->index[i] < plan->first;
    trajectory->nlocal += trajectory->index[i] >= plan->first && trajectory->index[i] < plan->first + plan->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TrajectorySetUp - which samples, which times, and memory for them. */
PetscErrorCode TrajectorySetUp(Sampler sampler)
{
  Trajectory       *trajectory = &sampler->trajectory;
  const AffinePlan *plan       = &sampler->plan;

  PetscFunctionBegin;
  if (!trajectory->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ShareSamples(trajectory, plan));
  sort_falling(trajectory->nt, trajectory->time);
  AdCheckInput(!trajectory->nt || trajectory->time[0] <= plan->t[0] * (1 + PETSC_SQRT_MACHINE_EPSILON),
               "-sampler_trajectory_times: expected times up to the start, t = %g, got %g", plan->t[0],
               trajectory->time[0]);
  if (sampler->scheme == SCHEME_FLOW)
    PetscCall(FramesOfFlow(trajectory, plan, sampler->t_stop));
  else
    PetscCall(FramesOnGrid(trajectory, plan));
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
  const int64_t width      = (int64_t)sampler->plan.b * sampler->plan.d;

  PetscFunctionBegin;
  for (int64_t k = 0; k < trajectory->nlocal; k++) {
    const int64_t at = trajectory->index[trajectory->from + k] - sampler->plan.first - row;

    if (at >= 0 && at < rows)
      PetscCall(
          PetscArraycpy(trajectory->state + (frame * trajectory->nlocal + k) * width, X + at * width, width));
  }
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

  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(nt * n * width, &all));
  for (int64_t frame = 0; frame < nt; frame++)
    PetscCall(AdGatherRows(n, trajectory->nlocal, width,
                           trajectory->state + frame * trajectory->nlocal * width, all + frame * n * width));
  unscale_rows(sampler->coordinates, width, nt * n, all);
  PetscCall(OutputWrite(out, "/trajectory/time", AD_DOUBLE, 1, &nt, trajectory->time, &times));
  PetscCall(OutputWrite(out, "/trajectory/state", AD_DOUBLE, 3, dims, all, &states));
  PetscCall(OutputWrite(out, "/trajectory/index", AD_INT64, 1, &n, trajectory->index, &samples));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrajectoryFree(Trajectory *trajectory)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(trajectory->index));
  PetscCall(PetscFree(trajectory->time));
  PetscCall(PetscFree(trajectory->at));
  PetscCall(PetscFree(trajectory->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
