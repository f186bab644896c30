#include "adcommand.h"
#include "adscore.h"
#include <string.h>

/* One evaluation: this rank's share of the points, and what is said of them */
typedef struct {
  char      file[PETSC_MAX_PATH_LEN];
  PetscReal time;
  int       b, d;
  int64_t   N, first, n;
  double   *X, *S, *x0hat, *logp; /* [n][b*d], [n][b*d], [n][d], [n] of exact scores */
} Points;

static PetscErrorCode ReadOptions(Points *p)
{
  PetscFunctionBegin;
  PetscCall(OptString("-score_points",
                      "file with the points: /points/state[n][b*d], x first, then the auxiliary variables",
                      p->file, sizeof(p->file), NULL));
  PetscCall(OptReal("-score_time", "time at which the score is evaluated", RANGE_POSITIVE, &p->time, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScoreRunDeclareOptions(void)
{
  Points p = {.time = 0.5};

  PetscFunctionBegin;
  PetscCall(ReadOptions(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPoints(Points *p)
{
  const int width = p->b * p->d;
  int64_t   dims[2];
  Input     in;

  PetscFunctionBegin;
  PetscCall(InputOpen("-score_points", p->file, &in));
  PetscCall(InputGetDims(in, "/points/state", 2, dims));
  AdCheckInput(dims[0] > 0, "-score_points: '%s' /points/state has no rows", p->file);
  AdCheckInput(
      dims[1] == width,
      "-score_points: '%s' /points/state: expected %d columns (%d variable%s x %d coordinate%s), found %lld",
      p->file, width, p->b, p->b > 1 ? "s" : "", p->d, p->d > 1 ? "s" : "", (long long)dims[1]);
  p->N = dims[0];
  PetscCall(AdSplitRows(p->N, 1, &p->first, &p->n));
  PetscCall(PetscMalloc4(p->n * width, &p->X, p->n * width, &p->S, p->n * p->d, &p->x0hat, p->n, &p->logp));
  PetscCall(InputReadRows(in, "/points/state", AD_DOUBLE, p->first, p->n, p->X));
  PetscCall(InputClose(&in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePoints(const Points *p, PetscBool exact, Output out)
{
  const int64_t  wide[2] = {p->N, p->b * p->d}, narrow[2] = {p->N, p->d};
  const DataInfo value   = {"sample,column", "1/state",
                          exact ? "grad log P_t(X) of a Gaussian mixture, x first (paper eqs. A36-A46)"
                                  : "grad log P_t(X) by a network, x first"};
  const DataInfo density = {"sample", "1", "log P_t(X)"};
  const DataInfo mean    = {"sample,coordinate", "diffused", "E[x0 | X], the posterior mean of the data"};

  PetscFunctionBegin;
  PetscCall(OutputWriteRows(out, "/score/value", AD_DOUBLE, 2, wide, p->first, p->n, p->S, &value));
  PetscCall(OutputWriteRows(out, "/score/x0_mean", AD_DOUBLE, 2, narrow, p->first, p->n, p->x0hat, &mean));
  if (exact)
    PetscCall(
        OutputWriteRows(out, "/score/log_density", AD_DOUBLE, 1, wide, p->first, p->n, p->logp, &density));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Evaluate(Points *p, Process process, Score score, PetscBool exact,
                               const CommandLine *line)
{
  const char        *label, *law;
  const Coordinates *c;
  Kernel             kernel;
  Output             out;

  PetscFunctionBegin;
  PetscCall(ScoreGetCoordinates(score, &c));
  PetscCall(ScoreGetLabel(score, &label));
  PetscCall(ProcessGetLabel(process, &law));
  PetscCall(ProcessGetKernel(process, p->time, &kernel));
  p->b = kernel.b;
  p->d = c->d;
  PetscCall(ReadPoints(p));
  PetscCall(AdPrint("points    %lld of %s at t = %g, sigma %.6g\n", (long long)p->N, p->file, p->time,
                    kernel.sigma));
  PetscCall(ScoreEvaluate(score, &kernel, p->n, p->X, p->S, exact ? p->logp : NULL));
  PetscCall(ScoreDenoise(score, &kernel, p->n, p->X, p->x0hat));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WritePoints(p, exact, out));
  PetscCall(OutputAttrReal(out, "/score", "time", 1, &p->time));
  PetscCall(OutputAttrReal(out, "/score", "sigma", 1, &kernel.sigma));
  PetscCall(OutputAttrString(out, "/score", "score", label));
  PetscCall(OutputAttrString(out, "/score", "process", law));
  PetscCall(ProcessWrite(process, out));
  PetscCall(CoordinatesWrite(c, out));
  PetscCall(OutputClose(&out));
  PetscCall(PetscFree4(p->X, p->S, p->x0hat, p->logp));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A joint net has seen the times of its training only; the clock of a reduced one may go on. */
static PetscErrorCode CheckTime(const Points *p, Process process, Score score)
{
  const char *label;
  PetscReal   t_final;

  PetscFunctionBegin;
  PetscCall(ScoreGetLabel(score, &label));
  PetscCall(ProcessGetFinalTime(process, &t_final));
  AdCheckInput(strcmp(label, "joint net") || p->time <= t_final,
               "-score_time: %g lies beyond -process_t_final %g, up to which a joint net may be used",
               p->time, t_final);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreRun - adiff score: score, log-density (exact scores) and posterior mean on points from a file (/score)

  Note: points are in diffused units: those of the data for a mixture, standardised ones (group /coordinates
        of the weights) for a net
*/
PetscErrorCode ScoreRun(const CommandLine *line)
{
  Points    points  = {.time = 0.5};
  Dataset   dataset = NULL;
  Process   process;
  Score     score;
  PetscBool exact;

  PetscFunctionBegin;
  PetscCall(ProcessCreate(&process));
  PetscCall(ScoreCreate(&score));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(ScoreSetFromOptions(score));
  PetscCall(PetscObjectTypeCompare((PetscObject)score, "mixture", &exact));
  if (exact) {
    PetscCall(DatasetCreate(&dataset));
    PetscCall(DatasetSetSeed(dataset, line->seed));
    PetscCall(DatasetSetFromOptions(dataset));
  }
  PetscCall(ReadOptions(&points));
  PetscCall(OptionsCheckUnused(line->name));
  AdCheckInput(points.file[0],
               "-score_points: expected a file with the points, /points/state[n][b*d]; none was named");
  PetscCall(ProcessSetUp(process));
  if (exact) {
    PetscCall(DatasetSetUp(dataset));
    PetscCall(ScoreSetDataset(score, dataset));
  }
  PetscCall(ScoreSetProcess(score, process));
  PetscCall(ScoreSetUp(score));
  PetscCall(CheckTime(&points, process, score));
  PetscCall(ProcessPrintSummary(process));
  PetscCall(ScorePrintSummary(score));
  PetscCall(Evaluate(&points, process, score, exact, line));
  PetscCall(ScoreDestroy(&score));
  PetscCall(DatasetDestroy(&dataset));
  PetscCall(ProcessDestroy(&process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
