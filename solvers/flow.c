/*
  Probability flow dX/ds = A(t) X + B(t) sz, t = t_final - s, by PETSc's adaptive Runge-Kutta

  The step length comes from an error norm over all samples that move together. Were these all samples of all ranks, the
  norm's last bits, and with them every result, would depend on the number of ranks. So samples move in waves of a fixed
  number, ranks own whole waves, and a rank solves one wave after the other without talking to the others.
*/
#include "private/samplerimpl.h"
#include <petscdm.h>
#include <petsc/private/tsimpl.h>

/* One wave on its way */
typedef struct {
  Sampler   sampler;
  int64_t   row, rows; /* of this rank */
  double   *g;         /* [wave][q][d] */
  Vec       between;   /* state at a time of the trajectory */
  PetscInt  frame;     /* next one to record */
  PetscBool broken;    /* the score or the state is out of bounds */
} Wave;

/* The first wave of this rank that could not be solved */
typedef struct {
  int64_t first; /* global index of its first sample; INT64_MAX: none */
  double  t;
  int     broken, stopped;
} Verdict;

/*
  FlowRate - right-hand side of the flow at reverse time s

  Source: dX/dr = -M X + Q score/2 (paper eqs. 10, 11 without noise, drift mended), score = l sz - R X
  Note:   of a joint net with several scores only sz counts: the rest of the score is known in closed form
*/
static PetscErrorCode FlowRate(TS ts, PetscReal s, Vec X, Vec F, void *ctx)
{
  Wave             *wave = (Wave *)ctx;
  const AffinePlan *plan = &wave->sampler->plan;
  const LinearSde  *sde;
  Kernel            kernel;
  double            A[AD_BMAX * AD_BMAX], B[AD_BMAX], *f;
  const double     *x;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(wave->sampler->process, &sde));
  PetscCall(ProcessGetKernel(wave->sampler->process, plan->t_final - s, &kernel));
  reverse_coefficients(sde, &kernel, 0.5, 1, A, B);
  PetscCall(VecGetArrayRead(X, &x));
  PetscCall(VecGetArrayWrite(F, &f));
  PetscCall(ScoreRespond(plan->score, &kernel, wave->rows, x, wave->g));
  affine_rate(plan->b, A, B, plan->q, plan->d, wave->rows, wave->g, x, f);
  if (count_outside(plan->b * plan->d, wave->rows, PETSC_MAX_REAL, f)) {
    wave->broken = PETSC_TRUE; /* a norm of it would stop the program */
    PetscCall(PetscArrayzero(f, wave->rows * plan->b * plan->d));
  }
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Stages that run away are taken back with a shorter step */
static PetscErrorCode FlowAcceptStage(TS ts, PetscReal s, Vec X, PetscBool *accept)
{
  const Wave       *wave;
  const AffinePlan *plan;
  const double     *x;

  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &wave));
  plan = &wave->sampler->plan;
  PetscCall(VecGetArrayRead(X, &x));
  *accept = count_outside(plan->b * plan->d, wave->rows, plan->bound, x) ? PETSC_FALSE : PETSC_TRUE;
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Record the times of the trajectory that the last step has passed (interpolated: steps stay what they are) */
static PetscErrorCode FlowPostStep(TS ts)
{
  Wave             *wave;
  const Trajectory *trajectory;
  const double     *x;
  PetscReal         now, t_final;

  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &wave));
  if (wave->broken) PetscCall(TSSetConvergedReason(ts, TS_DIVERGED_STEP_REJECTED));
  trajectory = &wave->sampler->trajectory;
  t_final    = wave->sampler->plan.t_final;
  PetscCall(TSGetTime(ts, &now));
  for (; trajectory->nlocal && wave->frame < trajectory->nt; wave->frame++) {
    const double t = trajectory->time[wave->frame];

    if (t == 0 || t_final - t > now) break;
    PetscCall(TSInterpolate(ts, t_final - t, wave->between));
    PetscCall(VecGetArrayRead(wave->between, &x));
    PetscCall(TrajectoryRecord(wave->sampler, wave->frame, wave->row, wave->rows, x));
    PetscCall(VecRestoreArrayRead(wave->between, &x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bring the one TS of this rank to the start of a wave, as if it were new */
static PetscErrorCode PrepareTS(TS ts, Wave *wave)
{
  const Sampler sampler = wave->sampler;
  const double  length  = sampler->t_start - sampler->t_stop;
  DM            dm;

  PetscFunctionBegin;
  PetscCall(TSReset(ts));
  PetscCall(TSAdaptReset(ts->adapt)); /* TSReset leaves these alone */
  PetscCall(TSGetDM(ts, &dm));
  PetscCall(DMClearGlobalVectors(dm));
  ts->adapt->timestepjustdecreased = 0;
  PetscCall(TSSetApplicationContext(ts, wave));
  PetscCall(TSSetRHSFunction(ts, NULL, FlowRate, wave));
  PetscCall(TSSetFunctionDomainError(ts, FlowAcceptStage));
  PetscCall(TSSetPostStep(ts, FlowPostStep));
  PetscCall(TSSetStepNumber(ts, 0));
  PetscCall(TSSetTime(ts, sampler->plan.t_final - sampler->t_start));
  PetscCall(TSSetMaxTime(ts, sampler->plan.t_final - sampler->t_stop));
  PetscCall(TSSetTimeStep(ts, sampler->first_step > 0 ? sampler->first_step : length / 100));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetErrorIfStepFails(ts, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Monitors and views of a TS would speak once a wave and rank: they see the first wave only */
static PetscErrorCode Silence(TS ts, PetscOptions nothing)
{
  PetscFunctionBegin;
  PetscCall(TSMonitorCancel(ts));
  PetscCall(PetscObjectSetOptions((PetscObject)ts, nothing));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SolveWave - flow of one wave down to t_stop, then the posterior mean

  In/out: X[rows][b*d]
*/
static PetscErrorCode SolveWave(Wave *wave, double *X, Verdict *verdict)
{
  const Sampler     sampler = wave->sampler;
  const AffinePlan *plan    = &sampler->plan;
  const int         width   = plan->b * plan->d;
  TS                ts      = sampler->ts;
  TSConvergedReason reason;
  PetscReal         s;
  Vec               state;

  PetscFunctionBegin;
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, width, (PetscInt)wave->rows * width, X, &state));
  PetscCall(VecDuplicate(state, &wave->between));
  PetscCall(PrepareTS(ts, wave));
  PetscCall(TSSolve(ts, state));
  PetscCall(TSGetConvergedReason(ts, &reason));
  PetscCall(TSGetTime(ts, &s));
  PetscCall(TSReset(ts));
  PetscCall(VecDestroy(&wave->between));
  PetscCall(VecDestroy(&state));
  if (reason != TS_CONVERGED_TIME || wave->broken) {
    *verdict = (Verdict){plan->first + wave->row, plan->t_final - s, wave->broken, 0};
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ScoreDenoise(plan->score, &plan->kernel[1], wave->rows, X, wave->g));
  affine_update(plan->map, plan->d, wave->rows, wave->g, NULL, X);
  for (; wave->frame < sampler->trajectory.nt; wave->frame++) /* t = 0 is the last */
    PetscCall(TrajectoryRecord(sampler, wave->frame, wave->row, wave->rows, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks learn of the failed wave with the lowest sample number */
static PetscErrorCode JudgeTogether(const Sampler sampler, Verdict verdict)
{
  const AffinePlan *plan    = &sampler->plan;
  int64_t           first   = verdict.first;
  double            what[3] = {0, 0, verdict.stopped};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT64_T, MPI_MIN, PETSC_COMM_WORLD));
  if (first == verdict.first) {
    what[0] = verdict.t;
    what[1] = verdict.broken;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, what, 3, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  AdCheckRun(what[2] == 0, "stopped by a signal in the flow; nothing was written");
  AdCheckRun(first == INT64_MAX,
             "the flow stopped at t = %.4g for samples %lld to %lld: %s; loosen -sampler_rtol and "
             "-sampler_atol, raise "
             "-sampler_t_min, or take -sampler_scheme ddim",
             what[0], (long long)first, (long long)PetscMin(first + plan->wave, plan->N) - 1,
             what[1] > 0 ? "the score is not finite" : "its steps became too short or too many");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerSolveFlow - integrate all waves of this rank. */
PetscErrorCode SamplerSolveFlow(Sampler sampler)
{
  const AffinePlan *plan    = &sampler->plan;
  Verdict           verdict = {INT64_MAX, 0, 0, 0};
  PetscOptions      nothing;
  double           *X;
  char              what[64];

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&nothing));
  PetscCall(VecGetArray(sampler->X, &X));
  for (int64_t row = 0; row < plan->n && verdict.first == INT64_MAX && !verdict.stopped; row += plan->wave) {
    Wave wave = {.sampler = sampler, .row = row, .rows = PetscMin(plan->wave, plan->n - row)};

    if (plan->first + row > 0) PetscCall(Silence(sampler->ts, nothing));
    PetscCall(PetscMalloc1(wave.rows * plan->q * plan->d, &wave.g));
    PetscCall(PetscLogEventBegin(SAMPLER_STEP, 0, 0, 0, 0));
    PetscCall(SolveWave(&wave, X + row * plan->b * plan->d, &verdict));
    PetscCall(PetscLogEventEnd(SAMPLER_STEP, 0, 0, 0, 0));
    PetscCall(PetscFree(wave.g));
    verdict.stopped = AdStopRequested() ? 1 : 0;
    snprintf(what, sizeof(what), "wave %d of %d of rank 0", (int)(row / plan->wave) + 1,
             (int)((plan->n + plan->wave - 1) / plan->wave));
    PetscCall(SamplerReport(sampler, (double)(row + wave.rows) / (double)plan->n, what));
  }
  PetscCall(VecRestoreArray(sampler->X, &X));
  PetscCall(PetscObjectSetOptions((PetscObject)sampler->ts, NULL));
  PetscCall(PetscOptionsDestroy(&nothing));
  PetscCall(JudgeTogether(sampler, verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}
