#include "adcommand.h"
#include "adprocess.h"
#include <string.h>

#define MAX_TIMES 4096

/* The tables of /kernel, [nt] or [nt][b][b] each. */
typedef struct {
  PetscInt nt;
  int      b;
  double  *t, *mean_map, *covariance, *covariance_x0, *sigma2, *clock_vector, *response;
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

static PetscErrorCode TablesFill(Process process, KernelTables *tables)
{
  const int    b  = tables->b;
  const size_t bb = (size_t)(b * b);
  Kernel       k;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < tables->nt; i++) {
    PetscCall(ProcessGetKernel(process, tables->t[i], &k));
    memcpy(tables->mean_map + (size_t)i * bb, k.F, bb * sizeof(double));
    memcpy(tables->covariance + (size_t)i * bb, k.C, bb * sizeof(double));
    memcpy(tables->covariance_x0 + (size_t)i * bb, k.Cb, bb * sizeof(double));
    memcpy(tables->clock_vector + i * b, k.l, (size_t)b * sizeof(double));
    memcpy(tables->response + i * b, k.u, (size_t)b * sizeof(double));
    tables->sigma2[i] = k.sigma2;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesPrint(const KernelTables *tables)
{
  const int b = tables->b;

  PetscFunctionBegin;
  PetscCall(
      AdPrint("%12s %14s %14s %14s %14s\n", "t", "sigma(t)", "amplitude", "sd of x | x0", "info 1/sigma2"));
  for (PetscInt i = 0; i < tables->nt; i++)
    PetscCall(AdPrint("%12.6g %14.8g %14.8g %14.8g %14.8g\n", tables->t[i], PetscSqrtReal(tables->sigma2[i]),
                      tables->response[i * b], PetscSqrtReal(tables->covariance_x0[i * b * b]),
                      1 / tables->sigma2[i]));
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
  const DataInfo vector   = {"time,variable", "1", "z = l.X carries all that X knows of x0"};
  const DataInfo response = {"time,variable", "1", "u = e^{M t} e_x, mean of X(t) given x0 = 1"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/kernel/t", AD_DOUBLE, 1, dims, tables->t, &times));
  PetscCall(OutputWrite(out, "/kernel/mean_map", AD_DOUBLE, 3, dims, tables->mean_map, &map));
  PetscCall(OutputWrite(out, "/kernel/covariance", AD_DOUBLE, 3, dims, tables->covariance, &given));
  PetscCall(OutputWrite(out, "/kernel/covariance_x0", AD_DOUBLE, 3, dims, tables->covariance_x0, &marginal));
  PetscCall(OutputWrite(out, "/kernel/sigma2", AD_DOUBLE, 1, dims, tables->sigma2, &clock));
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
  size_t           nt, bb;

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
  nt       = (size_t)tables.nt;
  bb       = (size_t)(sde->b * sde->b);
  PetscCall(PetscMalloc6(nt * bb, &tables.mean_map, nt * bb, &tables.covariance, nt * bb,
                         &tables.covariance_x0, nt, &tables.sigma2, nt * sde->b, &tables.clock_vector,
                         nt * sde->b, &tables.response));
  PetscCall(TablesFill(process, &tables));
  PetscCall(ProcessPrintSummary(process));
  PetscCall(TablesPrint(&tables));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(TablesWrite(&tables, out));
  PetscCall(WriteStationary(sde, out));
  PetscCall(ProcessWrite(process, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(PetscFree6(tables.mean_map, tables.covariance, tables.covariance_x0, tables.sigma2,
                       tables.clock_vector, tables.response));
  PetscCall(PetscFree(times));
  PetscCall(ProcessDestroy(&process));
  PetscFunctionReturn(PETSC_SUCCESS);
}
