/*
  adiff speciation: when noise hides the widest direction of the data
*/
#include "private/likelihoodimpl.h"
#include "private/speciationimpl.h"
#include <string.h>

enum { TIMES = sizeof(SpeciationTimes) / sizeof(double) };

/* Members of SpeciationTimes in their order */
static const struct {
  const char *name, *shown, *source;
} criteria[TIMES] = {
    {"x_alone", "x alone",
     "Cb_xx = Lambda u_x^2: noise on x against the data's widest direction, x seen alone"},
    {"joint", "joint", "sigma2(t) = Lambda: x and the auxiliary variables seen together"},
    {"passive", "passive", "passive noise of equal k and T = Ta (or -speciation_temperature)"},
    {"equivalent_passive", "equal variance", "passive noise of equal k and stationary variance of x"},
    {"active_x", "active, x alone", "x_alone of active noise (paper eq. A57)"},
    {"active_joint", "active, joint", "joint of active noise, (x, eta) seen together"},
    {"clock_x", NULL, "sigma2 at x_alone over Lambda; 1: auxiliary variables know nothing more there"},
};

static PetscErrorCode ReadOptions(SpeciationOptions *o)
{
  PetscFunctionBegin;
  *o = (SpeciationOptions){.split = SPLIT_TRAIN};
  PetscCall(OptRealList(
      "-speciation_lambda", "largest eigenvalues of the data covariance; those of the data set unless given",
      RANGE(SPECIATION_LAMBDA_MIN, SPECIATION_LAMBDA_MAX), SPECIATION_LAMBDAS, o->lambda, &o->nlambda, NULL));
  PetscCall(OptReal("-speciation_temperature",
                    "T of the passive noise beside active noise at equal temperature; 0: its Ta",
                    RANGE_NONNEGATIVE, &o->temperature, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keys that are read where Lambda is that of the data */
static PetscErrorCode ReadDataOptions(SpeciationOptions *o, Spectrum *solver)
{
  PetscFunctionBegin;
  PetscCall(OptInt("-speciation_rows",
                   "rows whose covariance is taken; 0: all, or 10000 where rows have no end",
                   RANGE_NONNEGATIVE, &o->rows, NULL));
  PetscCall(OptChoice("-speciation_split", "which rows", subject_splits, &o->split, NULL));
  PetscCall(SpectrumCreate(solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpeciationRunDeclareOptions(void)
{
  SpeciationOptions o;
  UturnOptions      uturn;
  Spectrum          solver;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&o));
  PetscCall(UturnReadOptions(&uturn));
  PetscCall(ReadDataOptions(&o, &solver));
  PetscCall(SpectrumDestroy(&solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- times ---- */

/* exact[np][nl] and asymptotic[np][nl] on all ranks; points are shared out */
static PetscErrorCode ComputeTimes(const ProcessGrid *grid, const SpeciationOptions *o,
                                   SpeciationTimes *exact, SpeciationTimes *asymptotic)
{
  const int64_t    points = (int64_t)grid->n * o->nlambda;
  int64_t          first, n, bad = points;
  SpeciationTimes *mine;
  const LinearSde *sde;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(points, 1, &first, &n));
  PetscCall(PetscMalloc1(n, &mine));
  for (int64_t i = 0; i < n; i++) {
    PetscCall(ProcessGetSde(grid->process[(first + i) / o->nlambda], &sde));
    if (speciation_times(sde, o->lambda[(first + i) % o->nlambda], o->temperature, &mine[i]))
      bad = PetscMin(bad, first + i);
  }
  PetscCall(AdGatherRows(points, n, TIMES, (const double *)mine, (double *)exact));
  for (int64_t i = 0; i < points; i++) {
    PetscCall(ProcessGetSde(grid->process[i / o->nlambda], &sde));
    speciation_asymptotes(sde, o->lambda[i % o->nlambda], o->temperature, &asymptotic[i]);
  }
  PetscCall(PetscFree(mine));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_MIN, PETSC_COMM_WORLD));
  if (bad < points) {
    const char *label;

    PetscCall(ProcessGetLabel(grid->process[bad / o->nlambda], &label));
    AdCheckInput(PETSC_FALSE,
                 "speciation: Lambda %g: no time of %s that double precision can tell from 0; take a larger "
                 "Lambda or other noise",
                 o->lambda[bad % o->nlambda], label);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintTimes(const ProcessGrid *grid, const SpeciationOptions *o,
                                 const SpeciationTimes *exact, const SpeciationTimes *asymptotic)
{
  const int64_t points = (int64_t)grid->n * o->nlambda, shown = PetscMin(points, 12);

  PetscFunctionBegin;
  for (int64_t i = 0; i < shown; i++) {
    const double *t = (const double *)&exact[i], *far = (const double *)&asymptotic[i];
    const char   *label;

    PetscCall(ProcessGetLabel(grid->process[i / o->nlambda], &label));
    PetscCall(AdPrint("%s, Lambda %.10g (sigma %.6g)\n", label, o->lambda[i % o->nlambda],
                      PetscSqrtReal(o->lambda[i % o->nlambda])));
    PetscCall(AdPrint("  %-16s %14s %14s\n", "speciation time", "exact", "large Lambda"));
    for (int c = 0; c < TIMES; c++)
      if (criteria[c].shown && !isnan(t[c]) && !(c < 2 && !isnan(exact[i].active_x)))
        PetscCall(AdPrint("  %-16s %14.8g %14.8g\n", criteria[c].shown, t[c], far[c]));
  }
  if (shown < points)
    PetscCall(AdPrint("... and %lld more points in the file\n", (long long)(points - shown)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One member of all points: [np], or [np][nl] where several Lambda were given */
static PetscErrorCode WriteMember(const ProcessGrid *grid, const SpeciationOptions *o, int member,
                                  const char *ending, const SpeciationTimes *times, Output out)
{
  const int64_t  dims[2] = {grid->n, o->nlambda}, points = dims[0] * dims[1];
  char           path[128], source[256];
  double        *column;
  const DataInfo info = {o->nlambda > 1 ? "process,lambda" : "process",
                         strcmp(criteria[member].name, "clock_x") != 0 ? "time" : "1", source};

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "/speciation/%s%s", criteria[member].name, ending);
  snprintf(source, sizeof(source), "%s%s", criteria[member].source,
           ending[0] ? "; large Lambda" : "; exact root");
  PetscCall(PetscMalloc1(points, &column));
  for (int64_t i = 0; i < points; i++) column[i] = ((const double *)&times[i])[member];
  PetscCall(OutputWrite(out, path, AD_DOUBLE, o->nlambda > 1 ? 2 : 1, dims, column, &info));
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTimes(const ProcessGrid *grid, const SpeciationOptions *o,
                                 const SpeciationTimes *exact, const SpeciationTimes *asymptotic, Output out)
{
  const int64_t  nl     = o->nlambda;
  const DataInfo lambda = {"lambda", "data^2", "largest eigenvalue of the covariance of the data"};

  PetscFunctionBegin;
  PetscCall(ProcessGridWrite(grid, "/speciation", out));
  PetscCall(OutputWrite(out, "/speciation/lambda", AD_DOUBLE, 1, &nl, o->lambda, &lambda));
  for (int c = 0; c < TIMES; c++) {
    PetscCall(WriteMember(grid, o, c, "", exact, out));
    PetscCall(WriteMember(grid, o, c, "_asymptotic", asymptotic, out));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the command ---- */

/* The U-turn experiment, if there is one, about the joint times exact[np][1] */
static PetscErrorCode Turn(const CommandLine *line, const Speciation *s, const SpeciationTimes *exact,
                           Uturn *uturn)
{
  double *joint;

  PetscFunctionBegin;
  if (!s->uturn.samples) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(s->grid.n, &joint));
  for (PetscInt p = 0; p < s->grid.n; p++) joint[p] = exact[p * s->options.nlambda].joint;
  PetscCall(UturnCompute(&s->uturn, s->grid.n, s->grid.process, joint, s->dataset, line->seed, uturn));
  PetscCall(UturnPrint(uturn, s->grid.process));
  PetscCall(PetscFree(joint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAll(const CommandLine *line, const Speciation *s, const SpeciationTimes *exact,
                               const SpeciationTimes *asymptotic, const Uturn *uturn)
{
  Output out;

  PetscFunctionBegin;
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WriteTimes(&s->grid, &s->options, exact, asymptotic, out));
  if (s->solver)
    PetscCall(DataSpectrumWrite(s, out));
  else if (s->dataset)
    PetscCall(DatasetWrite(s->dataset, out));
  if (s->uturn.samples) PetscCall(UturnWrite(uturn, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(const CommandLine *line, Speciation *s)
{
  SpeciationTimes *exact, *asymptotic;
  Uturn            uturn = {0};
  int64_t          points;

  PetscFunctionBegin;
  PetscCall(ProcessGridPrintSummary(&s->grid));
  if (s->dataset) PetscCall(DatasetPrintSummary(s->dataset));
  if (s->solver) {
    PetscCall(DataSpectrumCompute(s));
    PetscCall(DataSpectrumPrint(&s->spectrum));
  }
  points = (int64_t)s->grid.n * s->options.nlambda;
  PetscCall(PetscMalloc2(points, &exact, points, &asymptotic));
  PetscCall(ComputeTimes(&s->grid, &s->options, exact, asymptotic));
  PetscCall(PrintTimes(&s->grid, &s->options, exact, asymptotic));
  PetscCall(Turn(line, s, exact, &uturn));
  PetscCall(WriteAll(line, s, exact, asymptotic, &uturn));
  PetscCall(UturnDestroy(&uturn));
  PetscCall(PetscFree2(exact, asymptotic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SpeciationRun - adiff speciation: spectrum of the covariance of the data (/spectrum), and the times at which the noise on x0
  is as wide as the data are (/speciation)

  Note: Lambda is the largest eigenvalue in diffused units: of the law of the data where it is known, else of the rows; or
        as given, and then no data are read but for the U-turn experiment (/uturn)
*/
PetscErrorCode SpeciationRun(const CommandLine *line)
{
  Speciation s = {0};

  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&s.grid));
  PetscCall(ReadOptions(&s.options));
  PetscCall(UturnReadOptions(&s.uturn));
  AdCheckInput(!s.uturn.samples || s.options.nlambda < 2,
               "-uturn_samples: the U-turn experiment goes with one -speciation_lambda, or with none");
  if (!s.options.nlambda) PetscCall(ReadDataOptions(&s.options, &s.solver));
  if (s.solver || s.uturn.samples) {
    PetscCall(DatasetCreate(&s.dataset));
    PetscCall(DatasetSetSeed(s.dataset, line->seed));
    PetscCall(DatasetSetFromOptions(s.dataset));
  }
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(ProcessGridSetUp(&s.grid));
  if (s.dataset) PetscCall(DatasetSetUp(s.dataset));
  PetscCall(Run(line, &s));
  PetscCall(DataSpectrumDestroy(&s.spectrum));
  PetscCall(SpectrumDestroy(&s.solver));
  PetscCall(DatasetDestroy(&s.dataset));
  PetscCall(ProcessGridDestroy(&s.grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}
