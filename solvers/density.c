/*
  Log-density by the probability flow, dX/ds = f: d log P(X)/ds = -div f, so log P(start) = log P(end) + int div f ds

  A row starts in z = x0 at sigma_min and ends at sigma_max, where the law is taken for the Gaussian N(m0, V + sigma2).
  What comes out is the density of the model's data noised by sigma_min, at x0. Rows move in waves of a fixed number, each
  with a PETSc integrator of its own, so that results do not depend on the number of ranks.
*/
#include "addensity.h"
#include "adscheme.h"
#include "private/samplerimpl.h"
#include "private/scoreimpl.h"
#include <petsc/private/tsimpl.h>
#include <string.h>

typedef struct {
  Process                process;
  Score                  score;
  const DensitySettings *settings;
  const LinearSde       *sde;
  const Coordinates     *coordinates;
  int                    b, d;
  int64_t                rows, pullbacks;
  double                *probe; /* [probes][rows][d], or NULL: unit vectors */
  double                *V, *x0hat, *sz, *P, *trace;
  PetscBool              broken;
} Flow;

void clock_kernel(double sigma, Kernel *k)
{
  memset(k, 0, sizeof(*k));
  k->b         = 1;
  k->F[0]      = 1;
  k->u[0]      = 1;
  k->l[0]      = 1;
  k->sigma     = sigma;
  k->sigma2    = sigma * sigma;
  k->C[0]      = k->sigma2;
  k->Cb[0]     = k->sigma2;
  k->Lc[0]     = sigma;
  k->LcinvT[0] = 1 / sigma;
  k->c_regular = 1;
}

/* DensityGetKernel - the law at a sigma; AD_ERR_INPUT where the process does not reach it. */
PetscErrorCode DensityGetKernel(DensitySpace space, Process process, double sigma, Kernel *kernel)
{
  PetscReal t;

  PetscFunctionBegin;
  if (space == DENSITY_CLOCK) {
    clock_kernel(sigma, kernel);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ProcessGetTimeOfSigma(process, sigma, &t));
  PetscCall(ProcessGetKernel(process, t, kernel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pure kernels ---- */

/* unit vector number i for all rows */
static void unit_rows(int d, int i, int64_t n, double *restrict V)
{
  for (int64_t r = 0; r < n; r++)
    for (int j = 0; j < d; j++) V[r * d + j] = j == i;
}

/* trace[n] += weight sum_a B_a sum_j V_j P_aj */
static void add_trace(int b, int d, int64_t n, double weight, const double *B, const double *restrict V,
                      const double *restrict P, double *restrict trace)
{
  for (int64_t r = 0; r < n; r++, V += d, P += b * d) {
    double sum = 0;

    for (int a = 0; a < b; a++) {
      double part = 0;
      for (int j = 0; j < d; j++) part += V[j] * P[a * d + j];
      sum += B[a] * part;
    }
    trace[r] += weight * sum;
  }
}

/* log N(z; mean, variance + sigma2) of each row */
static void log_matched(const Coordinates *c, double sigma2, int64_t n, const double *restrict z,
                        double *restrict logp)
{
  const double two_pi = 6.28318530717958647693;

  for (int64_t r = 0; r < n; r++) {
    logp[r] = 0;
    for (int i = 0; i < c->d; i++) {
      const double v = c->variance[i] + sigma2, away = z[r * c->d + i] - c->mean[i];
      logp[r] -= 0.5 * (log(two_pi * v) + away * away / v);
    }
  }
}

/* ---- right-hand side ---- */

/* x0hat at X, and trace[rows] = sum_a B_a tr(d x0hat/dX_a) or its estimate */
static PetscErrorCode Differentiate(Flow *flow, const Kernel *k, const double *B, const double *X)
{
  const int     d      = flow->d;
  const int     probes = flow->probe ? flow->settings->probes : d;
  const double  weight = flow->probe ? 1.0 / probes : 1;
  const double *V;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(flow->trace, flow->rows));
  for (int p = 0; p < probes; p++) {
    if (!flow->probe) unit_rows(d, p, flow->rows, flow->V);
    V = flow->probe ? flow->probe + p * flow->rows * d : flow->V;
    PetscCall(ScorePullback(flow->score, k, flow->rows, X, V, p ? NULL : flow->x0hat, flow->P));
    add_trace(flow->b, d, flow->rows, weight, B, V, flow->P, flow->trace);
  }
  flow->pullbacks += probes * flow->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ClockRate - dz/ds = z - D, d log p/ds = -(d - tr dD/dz), s = log sigma

  Note: y holds minus the log-density gathered so far, behind the states
*/
static PetscErrorCode ClockRate(Flow *flow, double s, const double *y, double *f)
{
  const int64_t count = flow->rows * flow->d;
  const double  one   = 1;
  Kernel        k;

  PetscFunctionBegin;
  clock_kernel(exp(s), &k);
  PetscCall(Differentiate(flow, &k, &one, y));
  for (int64_t i = 0; i < count; i++) f[i] = y[i] - flow->x0hat[i];
  for (int64_t r = 0; r < flow->rows; r++) f[count + r] = flow->d - flow->trace[r];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  StateRate - dX/ds = -t (A X + B sz), s = log t, with A and B of the flow in reverse time

  Note: sz = (x0hat - z)/sigma2 cancels where sigma is small, but B there is as small as d sigma2/dt
*/
static PetscErrorCode StateRate(Flow *flow, double s, const double *y, double *f)
{
  const int     b = flow->b, d = flow->d;
  const int64_t count = flow->rows * b * d;
  const double  t     = exp(s);
  double        A[AD_BMAX * AD_BMAX], B[AD_BMAX], growth = 0;
  Kernel        k;

  PetscFunctionBegin;
  PetscCall(ProcessGetKernel(flow->process, t, &k));
  reverse_coefficients(flow->sde, &k, 0.5, 1, A, B);
  PetscCall(Differentiate(flow, &k, B, y));
  score_project(&k, d, (int)flow->rows, y, flow->sz);
  for (int64_t i = 0; i < flow->rows * d; i++) flow->sz[i] = (flow->x0hat[i] - flow->sz[i]) / k.sigma2;
  affine_rate(b, A, B, 1, d, flow->rows, flow->sz, y, f);
  for (int64_t i = 0; i < count; i++) f[i] *= -t;
  for (int a = 0; a < b; a++) growth += A[a * b + a] - B[a] * k.l[a] / k.sigma2;
  for (int64_t r = 0; r < flow->rows; r++) f[count + r] = -t * (d * growth + flow->trace[r] / k.sigma2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FlowRate(TS ts, PetscReal s, Vec Y, Vec F, void *ctx)
{
  Flow         *flow = (Flow *)ctx;
  const double *y;
  double       *f;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(Y, &y));
  PetscCall(VecGetArrayWrite(F, &f));
  if (flow->settings->space == DENSITY_CLOCK)
    PetscCall(ClockRate(flow, s, y, f));
  else
    PetscCall(StateRate(flow, s, y, f));
  if (count_outside(1, flow->rows * (flow->b * flow->d + 1), PETSC_MAX_REAL, f)) {
    flow->broken = PETSC_TRUE; /* a norm of it would stop the program */
    PetscCall(PetscArrayzero(f, flow->rows * (flow->b * flow->d + 1)));
  }
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(Y, &y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FlowPostStep(TS ts)
{
  const Flow *flow;

  PetscFunctionBegin;
  PetscCall(TSGetApplicationContext(ts, &flow));
  if (flow->broken) PetscCall(TSSetConvergedReason(ts, TS_DIVERGED_STEP_REJECTED));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one wave ---- */

/* Where a wave starts or ends: its law, and the variable of integration there */
static PetscErrorCode GetEnd(const Flow *flow, double sigma, Kernel *k, double *s)
{
  PetscFunctionBegin;
  PetscCall(DensityGetKernel(flow->settings->space, flow->process, sigma, k));
  *s = log(flow->settings->space == DENSITY_CLOCK ? sigma : k->t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From y at s0 to y at s1; all rows share the steps, the worst of them rules */
static PetscErrorCode Integrate(Flow *flow, double s0, double s1, double *y, PetscBool *done)
{
  const PetscInt    size = (PetscInt)(flow->rows * (flow->b * flow->d + 1));
  TS                ts;
  TSAdapt           adapt;
  TSConvergedReason reason;
  Vec               Y;

  PetscFunctionBegin;
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, size, y, &Y));
  PetscCall(TSCreate(PETSC_COMM_SELF, &ts));
  PetscCall(TSSetType(ts, TSRK));
  PetscCall(TSRKSetType(ts, TSRK5DP));
  PetscCall(TSSetTolerances(ts, flow->settings->tolerance, NULL, flow->settings->tolerance, NULL));
  PetscCall(TSGetAdapt(ts, &adapt));
  PetscCall(TSAdaptSetType(adapt, TSADAPTBASIC));
  adapt->wnormtype = NORM_INFINITY; /* PETSc has an option for it, but no call */
  PetscCall(TSSetApplicationContext(ts, flow));
  PetscCall(TSSetRHSFunction(ts, NULL, FlowRate, flow));
  PetscCall(TSSetPostStep(ts, FlowPostStep));
  PetscCall(TSSetTime(ts, s0));
  PetscCall(TSSetMaxTime(ts, s1));
  PetscCall(TSSetTimeStep(ts, PetscMin(0.1, s1 - s0)));
  PetscCall(TSSetMaxSteps(ts, 100000));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetErrorIfStepFails(ts, PETSC_FALSE));
  PetscCall(TSSolve(ts, Y));
  PetscCall(TSGetConvergedReason(ts, &reason));
  *done = reason == TS_CONVERGED_TIME && !flow->broken ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X with z = x0 and w drawn from its law: noise, then take what it did to z away */
static PetscErrorCode StartRows(const Flow *flow, const Kernel *k, int64_t first, const double *x0, double *X)
{
  const RngStream stream = {flow->settings->seed, RNG_NOISE, 0};
  const int       b = flow->b, d = flow->d;

  PetscFunctionBegin;
  PetscCall(ProcessNoise(flow->process, k, d, stream, first, flow->rows, x0, X));
  score_project(k, d, (int)flow->rows, X, flow->sz);
  for (int64_t r = 0; r < flow->rows; r++)
    for (int a = 0; a < b; a++)
      for (int i = 0; i < d; i++) X[(r * b + a) * d + i] += k->u[a] * (x0[r * d + i] - flow->sz[r * d + i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SolveWave - log-density of one wave

  Note: in X, log P = log p(z) + log N(w), the second known: it is taken off at the start and put on at the end
*/
static PetscErrorCode SolveWave(Flow *flow, int64_t first, const double *x0, double *logp, double *prior,
                                double *end, PetscBool *done)
{
  const DensitySettings *settings = flow->settings;
  const int64_t          count    = flow->rows * flow->b * flow->d;
  double                *y, *auxiliary, s0 = 0, s1 = 0;
  Kernel                 start, stop;

  PetscFunctionBegin;
  PetscCall(GetEnd(flow, settings->sigma_min, &start, &s0));
  PetscCall(GetEnd(flow, settings->sigma_max, &stop, &s1));
  PetscCall(PetscCalloc2(count + flow->rows, &y, flow->rows, &auxiliary));
  PetscCall(StartRows(flow, &start, first, x0, y));
  score_add_density(&start, flow->d, (int)flow->rows, y, auxiliary);
  for (int64_t r = 0; r < flow->rows; r++) auxiliary[r] = -auxiliary[r];
  PetscCall(Integrate(flow, s0, s1, y, done));
  score_add_density(&stop, flow->d, (int)flow->rows, y, auxiliary);
  score_project(&stop, flow->d, (int)flow->rows, y, end);
  log_matched(flow->coordinates, stop.sigma2, flow->rows, end, prior);
  for (int64_t r = 0; r < flow->rows; r++) logp[r] = prior[r] + y[count + r] + auxiliary[r];
  PetscCall(PetscFree2(y, auxiliary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Random signs probe[probes][rows][d], by global row */
static PetscErrorCode DrawProbes(Flow *flow, int64_t first)
{
  const int64_t count = flow->rows * flow->d;
  uint32_t     *bits;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, &bits));
  for (int p = 0; p < flow->settings->probes; p++) {
    const RngStream stream = {flow->settings->seed, RNG_PROBE, (uint32_t)p};

    rng_bits(stream, (uint64_t)first, (size_t)flow->rows, flow->d, bits);
    for (int64_t i = 0; i < count; i++) flow->probe[p * count + i] = bits[i] >> 31 ? 1 : -1;
  }
  PetscCall(PetscFree(bits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSettings(Process process, Score score, const DensitySettings *settings)
{
  const char *label;
  PetscReal   t_final;
  Kernel      last;

  PetscFunctionBegin;
  PetscCall(ScoreGetLabel(score, &label));
  PetscCall(ProcessGetFinalTime(process, &t_final));
  AdCheckInput(settings->space == DENSITY_STATE || strcmp(label, "joint net") != 0,
               "-likelihood_space: a joint net is no function of the clock's z; take state");
  AdCheckInput(settings->sigma_min < settings->sigma_max,
               "-likelihood_sigma_min: expected less than sigma_max = %g, got %g", settings->sigma_max,
               settings->sigma_min);
  if (settings->space == DENSITY_STATE)
    PetscCall(DensityGetKernel(settings->space, process, settings->sigma_max, &last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks learn of the first row of the first wave that could not be solved */
static PetscErrorCode JudgeTogether(int64_t failed, PetscBool stopped)
{
  int stop = stopped ? 1 : 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT64_T, MPI_MIN, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  AdCheckRun(!stop, "stopped by a signal in the flow; nothing was written");
  AdCheckRun(
      failed == INT64_MAX,
      "likelihood: the flow of rows %lld to %lld broke down (the score is not finite, or its steps became "
      "too short); loosen -likelihood_tolerance or raise -likelihood_sigma_min",
      (long long)failed, (long long)failed + DENSITY_WAVE - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DensityCompute - log p(x0) of the model at sigma_min for this rank's rows

  Collective
  Input:  first     global index of the first row, a multiple of DENSITY_WAVE
          x0[n][d]  rows in diffused units
  Output: result    see addensity.h
  Source: change of variables along the probability flow; in the clock dz/dsigma = (z - D)/sigma
  Note:   the number is log p(x0) of the data noised by sigma_min, in the model's eyes. It differs from log p0(x0) by
          sigma_min^2 (lap p)/(2 p), whose mean over rows is of second order, and by log N(z)/p(z) at sigma_max.
          In DENSITY_STATE w = W^T X is drawn from its law N(w) and the number is log P(x0, w)/N(w). For the exact score
          that is log p(x0) at any w. For a net the flow of each process mixes z and w, each has a P of its own even if the
          net is a function of z, and the mean over w is a lower bound: E_w log P/N <= log E_w P/N = log p(x0)
  Errors: AD_ERR_INPUT for a joint net in the clock and sigmas out of reach; AD_ERR_RUN when the flow breaks down
*/
PetscErrorCode DensityCompute(Process process, Score score, const DensitySettings *settings, int64_t first,
                              int64_t n, const double *x0, DensityResult *result)
{
  Flow      flow   = {.process = process, .score = score, .settings = settings};
  int64_t   failed = INT64_MAX;
  int       d;
  PetscBool done, stopped = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(CheckSettings(process, score, settings));
  PetscCall(ProcessGetSde(process, &flow.sde));
  PetscCall(ScoreGetCoordinates(score, &flow.coordinates));
  flow.b = settings->space == DENSITY_CLOCK ? 1 : flow.sde->b;
  flow.d = d = flow.coordinates->d;
  PetscCall(PetscMalloc5(DENSITY_WAVE * d, &flow.V, DENSITY_WAVE * d, &flow.x0hat, DENSITY_WAVE * d, &flow.sz,
                         DENSITY_WAVE * flow.b * d, &flow.P, DENSITY_WAVE, &flow.trace));
  if (settings->divergence == DIVERGENCE_HUTCHINSON)
    PetscCall(PetscMalloc1(settings->probes * DENSITY_WAVE * d, &flow.probe));
  for (int64_t row = 0; row < n && failed == INT64_MAX && !stopped; row += DENSITY_WAVE) {
    flow.rows = PetscMin(DENSITY_WAVE, n - row);
    if (flow.probe) PetscCall(DrawProbes(&flow, first + row));
    PetscCall(SolveWave(&flow, first + row, x0 + row * d, result->logp + row, result->prior + row,
                        result->end + row * d, &done));
    if (!done) failed = first + row;
    stopped = AdStopRequested();
  }
  result->pullbacks = flow.pullbacks;
  PetscCall(PetscFree(flow.probe));
  PetscCall(PetscFree5(flow.V, flow.x0hat, flow.sz, flow.P, flow.trace));
  PetscCall(JudgeTogether(failed, stopped));
  PetscFunctionReturn(PETSC_SUCCESS);
}
