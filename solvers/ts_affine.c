/*
  TS types of all schemes with tables: X' = A X + B g + L xi, one or more stages a step, at prescribed times

  One implementation; the types differ in the tables alone, which TSAffineSetPlan hands over. TS time is s = t_final - t.
  Noise is tied to the number of the stage, so the steps cannot be adapted.
*/
#include "private/samplerimpl.h"
#include <petsc/private/tsimpl.h>

#define CHECK_EVERY 10 /* steps between the agreements of all ranks that no sample has diverged */

typedef struct {
  const AffinePlan *plan;
  double           *g;        /* [wave][q][d] */
  float            *xi;       /* [wave][columns][d] */
  double           *history;  /* [plan->depth][n][d] posterior means of earlier evaluations, as a ring */
  PetscInt          diverged; /* step after which the first sample of this rank diverged, or PETSC_MAX_INT */
} TS_Affine;

static PetscErrorCode TSAffineSetPlan_Affine(TS ts, const AffinePlan *plan)
{
  PetscFunctionBegin;
  ((TS_Affine *)ts->data)->plan = plan;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TSAffineSetPlan - give a TS of a scheme its tables, and the steps that go with them

  Note: call it after TSSetFromOptions: a change of the type drops what it set. The plan is borrowed
*/
PetscErrorCode TSAffineSetPlan(TS ts, const AffinePlan *plan)
{
  PetscFunctionBegin;
  PetscTryMethod(ts, "TSAffineSetPlan_C", (TS, const AffinePlan *), (ts, plan));
  PetscCall(TSSetStepNumber(ts, 0));
  PetscCall(TSSetTime(ts, plan->t_final - plan->t[0]));
  PetscCall(TSSetTimeStep(ts, plan->t[0] - plan->t[1]));
  PetscCall(TSSetMaxSteps(ts, plan->nsteps));
  PetscCall(TSSetMaxTime(ts, plan->t_final));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_STEPOVER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TSSetUp_Affine(TS ts)
{
  TS_Affine        *affine  = (TS_Affine *)ts->data;
  const AffinePlan *plan    = affine->plan;
  int               columns = 0;

  PetscFunctionBegin;
  PetscCheck(plan, PetscObjectComm((PetscObject)ts), PETSC_ERR_ORDER, "TSAffineSetPlan first");
  for (int k = 0; k < plan->nstages; k++) columns = PetscMax(columns, plan->map[k].c);
  PetscCall(
      PetscMalloc2(plan->wave * plan->q * plan->d, &affine->g, plan->wave * columns * plan->d, &affine->xi));
  if (plan->depth) PetscCall(PetscCalloc1(plan->depth * plan->n * plan->d, &affine->history));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TSReset_Affine(TS ts)
{
  TS_Affine *affine = (TS_Affine *)ts->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(affine->g, affine->xi));
  PetscCall(PetscFree(affine->history));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TSDestroy_Affine(TS ts)
{
  PetscFunctionBegin;
  PetscCall(TSReset_Affine(ts));
  PetscCall(PetscObjectComposeFunction((PetscObject)ts, "TSAffineSetPlan_C", NULL));
  PetscCall(PetscFree(ts->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where stage k finds what it kept of these rows: means before number m are in slots (m - 1), (m - 2), .. of a ring */
static void FindHistory(const TS_Affine *affine, const AffineMap *map, int64_t row, History *h)
{
  const AffinePlan *plan = affine->plan;
  const int64_t     size = plan->n * plan->d;

  *h = (History){.depth = PetscMin(plan->depth, map->kept), .weight = map->weight};
  for (int j = 0; j < h->depth; j++) {
    h->difference[j] = map->difference[j];
    h->before[j]     = affine->history + (map->kept - 1 - j) % plan->depth * size + row * plan->d;
  }
  if (map->keep) h->keep = affine->history + map->kept % plan->depth * size + row * plan->d;
}

/* Ask the model at stage k: affine->g becomes what the stage adds */
static PetscErrorCode Respond(TS_Affine *affine, int k, int64_t row, int64_t rows, const double *X)
{
  const AffinePlan *plan = affine->plan;
  const AffineMap  *map  = &plan->map[k];
  History           history;

  PetscFunctionBegin;
  if (map->g_is_mean)
    PetscCall(ScoreDenoise(plan->score, &plan->kernel[k], rows, X, affine->g));
  else
    PetscCall(ScoreRespond(plan->score, &plan->kernel[k], rows, X, affine->g));
  if (!plan->depth) PetscFunctionReturn(PETSC_SUCCESS);
  FindHistory(affine, map, row, &history);
  if (map->g_is_mean)
    extrapolate_mean(&history, rows * plan->d, affine->g);
  else
    extrapolate_score(&history, &plan->kernel[k], plan->q, plan->d, rows, X, affine->g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  AdvanceWave - stage k of the samples row .. row + rows - 1 of this rank

  In/out: X[rows][b*d]
*/
static PetscErrorCode AdvanceWave(TS_Affine *affine, int k, int64_t row, int64_t rows, double *X)
{
  const AffinePlan *plan   = affine->plan;
  const AffineMap  *map    = &plan->map[k];
  const RngStream   stream = {plan->seed, RNG_SDE, (uint32_t)k};

  PetscFunctionBegin;
  if (map->q) PetscCall(Respond(affine, k, row, rows, X));
  if (map->c) {
    PetscCall(PetscLogEventBegin(SAMPLER_NOISE, 0, 0, 0, 0));
    rng_normal(stream, (uint64_t)(plan->first + row), (size_t)rows, map->c * plan->d, affine->xi);
    PetscCall(PetscLogEventEnd(SAMPLER_NOISE, 0, 0, 0, 0));
  }
  affine_update(map, plan->d, rows, affine->g, affine->xi, X);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CheckTogether - all ranks agree whether samples have diverged or a signal asks to stop

  Input: steps taken so far, X[n][b*d]
*/
static PetscErrorCode CheckTogether(const TS_Affine *affine, PetscInt steps, const double *X)
{
  const AffinePlan *plan = affine->plan;
  PetscInt          verdict[2];
  int64_t           count = 0;

  PetscFunctionBegin;
  verdict[0] = affine->diverged;
  verdict[1] = AdStopRequested() ? 0 : 1;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, verdict, 2, MPIU_INT, MPI_MIN, PETSC_COMM_WORLD));
  AdCheckRun(verdict[1], "stopped by a signal after step %d of %d; nothing was written", (int)steps,
             plan->nsteps);
  if (verdict[0] == PETSC_MAX_INT) PetscFunctionReturn(PETSC_SUCCESS);
  count = count_outside(plan->b * plan->d, plan->n, PETSC_MAX_REAL, X);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &count, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  AdCheckRun(!count,
             "sampling diverged at step %d of %d (t = %.4g): after step %d %lld of %lld samples are not "
             "finite; take more "
             "-sampler_steps, another -sampler_grid, or -sampler_scheme anc",
             (int)verdict[0], plan->nsteps, plan->t[verdict[0]], (int)steps, (long long)count,
             (long long)plan->N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TSStep_Affine(TS ts)
{
  TS_Affine        *affine = (TS_Affine *)ts->data;
  const AffinePlan *plan   = affine->plan;
  const int         k = (int)ts->steps, width = plan->b * plan->d;
  const PetscBool   last = k + 1 == plan->nsteps ? PETSC_TRUE : PETSC_FALSE;
  double           *X;

  PetscFunctionBegin;
  if (!k) affine->diverged = PETSC_MAX_INT;
  PetscCall(PetscLogEventBegin(SAMPLER_STEP, ts, 0, 0, 0));
  PetscCall(VecGetArray(ts->vec_sol, &X));
  for (int64_t row = 0; row < plan->n; row += plan->wave) {
    const int64_t rows = PetscMin(plan->wave, plan->n - row);

    for (int stage = plan->first_stage[k]; stage < plan->first_stage[k + 1]; stage++)
      PetscCall(AdvanceWave(affine, stage, row, rows, X + row * width));
    if (affine->diverged > k + 1 && count_outside(width, rows, PETSC_MAX_REAL, X + row * width))
      affine->diverged = k + 1;
  }
  if (last || (k + 1) % CHECK_EVERY == 0) PetscCall(CheckTogether(affine, k + 1, X));
  PetscCall(VecRestoreArray(ts->vec_sol, &X));
  ts->ptime = plan->t_final - plan->t[k + 1];
  if (!last) ts->time_step = plan->t[k + 1] - plan->t[k + 2];
  PetscCall(PetscLogEventEnd(SAMPLER_STEP, ts, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TSView_Affine(TS ts, PetscViewer viewer)
{
  const AffinePlan *plan = ((const TS_Affine *)ts->data)->plan;
  PetscBool         ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (ascii && plan)
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "  affine steps: %d of %d stages, waves of %d samples, from t = %g\n",
                                     plan->nsteps, plan->nstages, (int)plan->wave, plan->t[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TSCreate_Affine(TS ts)
{
  TS_Affine *affine;

  PetscFunctionBegin;
  PetscCall(PetscNew(&affine));
  ts->data               = affine;
  ts->ops->setup         = TSSetUp_Affine;
  ts->ops->step          = TSStep_Affine;
  ts->ops->reset         = TSReset_Affine;
  ts->ops->destroy       = TSDestroy_Affine;
  ts->ops->view          = TSView_Affine;
  ts->default_adapt_type = TSADAPTNONE;
  ts->usessnes           = PETSC_FALSE;
  PetscCall(PetscObjectComposeFunction((PetscObject)ts, "TSAffineSetPlan_C", TSAffineSetPlan_Affine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TSAffineRegisterAll - make the schemes known to PETSc; once a program */
PetscErrorCode TSAffineRegisterAll(void)
{
  static PetscBool done;

  PetscFunctionBegin;
  if (done) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < SCHEME_COUNT; i++)
    if (scheme_table[i].fill) PetscCall(TSRegister(scheme_table[i].name, TSCreate_Affine));
  done = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
