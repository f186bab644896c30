#include "adcommand.h"
#include "adprocess.h"
#include <string.h>

#define MAX_TIMES 4096

/* The tables of /kernel, [nt] or [nt][b][b] each. */
typedef struct {
  PetscInt nt;
  int      b;
  double  *t, *mean_map, *covariance, *covariance_x0, *sigma2, *conditional, *clock_vector, *response,
      *precision;
} KernelTables;

static PetscErrorCode ReadTimes(PetscInt *n, PetscReal *times)
{
  static const PetscReal usual[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2};

  PetscFunctionBegin;
  *n = (PetscInt)(sizeof(usual) / sizeof(usual[0]));
  PetscCall(PetscArraycpy(times, usual, *n));
  PetscCall(OptRealList("-process_times", "times of the tables", RANGE_POSITIVE, MAX_TIMES, times, n, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProcessRunDeclareOptions(void)
{
  PetscInt   n;
  PetscReal *times;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MAX_TIMES, &times));
  PetscCall(ReadTimes(&n, times));
  PetscCall(PetscFree(times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesAllocate(KernelTables *tables)
{
  const size_t nt = (size_t)tables->nt, nb = nt * (size_t)tables->b, nbb = nb * (size_t)tables->b;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(nbb, &tables->mean_map, nbb, &tables->covariance, nbb, &tables->covariance_x0, nbb,
                         &tables->precision));
  PetscCall(PetscMalloc4(nt, &tables->sigma2, nt, &tables->conditional, nb, &tables->clock_vector, nb,
                         &tables->response));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesFree(KernelTables *tables)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(tables->sigma2, tables->conditional, tables->clock_vector, tables->response));
  PetscCall(PetscFree4(tables->mean_map, tables->covariance, tables->covariance_x0, tables->precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One row of the tables; a time at which double precision holds nothing of x0 has an infinite sigma2, and no z. */
static PetscErrorCode TablesFillRow(const LinearSde *sde, KernelTables *tables, PetscInt i)
{
  const int    b  = tables->b;
  const size_t bb = (size_t)b * (size_t)b;
  Kernel       k;
  const int    status    = kernel_compute(sde, tables->t[i], &k);
  const int    forgotten = status == KERNEL_FORGOTTEN;

  PetscFunctionBegin;
  AdCheckInput(status == KERNEL_OK || forgotten, "time %g: no noise has reached x yet; take a larger time",
               tables->t[i]);
  memcpy(tables->mean_map + (size_t)i * bb, k.F, bb * sizeof(double));
  memcpy(tables->covariance + (size_t)i * bb, k.C, bb * sizeof(double));
  memcpy(tables->covariance_x0 + (size_t)i * bb, k.Cb, bb * sizeof(double));
  for (int j = 0; j < b; j++) {
    tables->response[i * b + j]     = k.u[j];
    tables->clock_vector[i * b + j] = forgotten ? NAN : k.l[j];
  }
  for (size_t j = 0; j < bb; j++) tables->precision[(size_t)i * bb + j] = forgotten ? NAN : k.R[j];
  tables->sigma2[i] = forgotten ? INFINITY : k.sigma2;
  tables->conditional[i] =
      forgotten ? kernel_conditional_variance(b, k.Cb) : 1 / (k.l[0] * k.l[0] / k.sigma2 + k.R[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesFill(const LinearSde *sde, KernelTables *tables)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < tables->nt; i++) {
    PetscCall(TablesFillRow(sde, tables, i));
    if (isinf(tables->sigma2[i]))
      PetscCall(
          AdWarning("time %g: sigma > 1e150, nothing of x0 is left; sigma2 is written as inf, z as nan\n",
                    tables->t[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesPrint(const KernelTables *tables)
{
  const int b = tables->b;

  PetscFunctionBegin;
  PetscCall(
      AdPrint("%12s %14s %14s %14s %14s\n", "t", "sigma(t)", "amplitude", "sd of x | x0", "sd | x0, aux"));
  for (PetscInt i = 0; i < tables->nt; i++)
    PetscCall(AdPrint("%12.6g %14.8g %14.8g %14.8g %14.8g\n", tables->t[i], PetscSqrtReal(tables->sigma2[i]),
                      tables->response[i * b], PetscSqrtReal(tables->covariance_x0[i * b * b]),
                      PetscSqrtReal(tables->conditional[i])));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesWrite(const KernelTables *tables, Output out)
{
  const int64_t  dims[3]  = {tables->nt, tables->b, tables->b};
  const DataInfo times    = {"time", "time", "times of the tables"};
  const DataInfo map      = {"time,variable,variable", "1", "e^{M t} (paper eqs. A8, A24)"};
  const DataInfo given    = {"time,variable,variable", "1",
                             "covariance of X(t) given X(0) (paper eqs. A11-A14)"};
  const DataInfo marginal = {"time,variable,variable", "1",
                             "covariance of X(t) given x0 (paper eqs. A25-A30)"};
  const DataInfo clock    = {"time", "data^2", "1/(u' Cb^-1 u): variance of z given x0"};
  const DataInfo rest     = {"time", "data^2", "S: variance of x(t) given x0 and the auxiliary variables"};
  const DataInfo without = {"time,variable,variable", "1", "R: Cb^-1 = l l'/sigma2 + R; score = l s_z - R X"};
  const DataInfo vector  = {"time,variable", "1", "z = l.X carries all that X knows of x0"};
  const DataInfo response = {"time,variable", "1", "u = e^{M t} e_x, mean of X(t) given x0 = 1"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/kernel/t", AD_DOUBLE, 1, dims, tables->t, &times));
  PetscCall(OutputWrite(out, "/kernel/mean_map", AD_DOUBLE, 3, dims, tables->mean_map, &map));
  PetscCall(OutputWrite(out, "/kernel/covariance", AD_DOUBLE, 3, dims, tables->covariance, &given));
  PetscCall(OutputWrite(out, "/kernel/covariance_x0", AD_DOUBLE, 3, dims, tables->covariance_x0, &marginal));
  PetscCall(OutputWrite(out, "/kernel/sigma2", AD_DOUBLE, 1, dims, tables->sigma2, &clock));
  PetscCall(OutputWrite(out, "/kernel/conditional_variance", AD_DOUBLE, 1, dims, tables->conditional, &rest));
  PetscCall(
      OutputWrite(out, "/kernel/complement_precision", AD_DOUBLE, 3, dims, tables->precision, &without));
  PetscCall(OutputWrite(out, "/kernel/clock_vector", AD_DOUBLE, 2, dims, tables->clock_vector, &vector));
  PetscCall(OutputWrite(out, "/kernel/response", AD_DOUBLE, 2, dims, tables->response, &response));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteStationary(const LinearSde *sde, Output out)
{
  const int64_t  dims[2] = {sde->b, sde->b};
  const DataInfo info    = {"variable,variable", "1", "M C + C M' + Q = 0"};
  double         C[AD_BMAX * AD_BMAX];

  PetscFunctionBegin;
  if (kernel_stationary(sde, C))
    PetscCall(AdWarning("this process has no stationary law (an eigenvalue of M is not negative)\n"));
  else
    PetscCall(OutputWrite(out, "/kernel/stationary", AD_DOUBLE, 2, dims, C, &info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessRun - adiff process: print and write the law of a process on a list of times (group /kernel). */
PetscErrorCode ProcessRun(const CommandLine *line)
{
  Process          process;
  const LinearSde *sde;
  KernelTables     tables = {0};
  Output           out;
  PetscReal       *times;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(MAX_TIMES, &times));
  PetscCall(ProcessCreate(&process));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(ReadTimes(&tables.nt, times));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(ProcessSetUp(process));
  PetscCall(ProcessGetSde(process, &sde));
  tables.b = sde->b;
  tables.t = times;
  PetscCall(TablesAllocate(&tables));
  PetscCall(TablesFill(sde, &tables));
  PetscCall(ProcessPrintSummary(process));
  PetscCall(TablesPrint(&tables));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(TablesWrite(&tables, out));
  PetscCall(WriteStationary(sde, out));
  PetscCall(ProcessWrite(process, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(TablesFree(&tables));
  PetscCall(PetscFree(times));
  PetscCall(ProcessDestroy(&process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
