/*
  Tables of adiff fisher, on the terminal and in the file
*/
#include "private/fisherimpl.h"

enum { SHOWN_PROCESSES = 8, SHOWN_TIMES = 8 };

/* ---- the file ---- */

/* One member of structs that lie [rows][width], as a dataset of the given shape; stride in doubles */
static PetscErrorCode WriteColumn(Output out, const char *name, int rank, const int64_t *dims, int64_t stride,
                                  const double *member, const DataInfo *info)
{
  int64_t size = 1;
  double *column;

  PetscFunctionBegin;
  for (int a = 0; a < rank; a++) size *= dims[a];
  PetscCall(PetscMalloc1(size, &column));
  for (int64_t i = 0; i < size; i++) column[i] = member[i * stride];
  PetscCall(OutputWrite(out, name, AD_DOUBLE, rank, dims, column, info));
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const sources[FISHER_QUANTITIES] = {
    "trace of F (paper eq. 15): memory of X(0); depends on the unit of the auxiliary variables",
    "F_xx: memory of x0 when the auxiliary start is known",
    "trace of the auxiliary block of F: memory of the auxiliary start",
    "1/sigma2 = u' Cb^-1 u: memory of x0 in (x, aux), auxiliary start unknown",
    "u_1^2/Cb_11: memory of x0 in x alone",
    "u_a' Cb_aa^-1 u_a: memory of x0 in the auxiliary variables alone"};
static const char *const units[FISHER_QUANTITIES] = {"1",        "1/data^2", "1/aux^2",
                                                     "1/data^2", "1/data^2", "1/data^2"};

static PetscErrorCode WriteMemory(const FisherTables *t, Output out)
{
  const int64_t  dims[4] = {t->np, t->nt, t->b, t->b};
  const DataInfo matrix  = {
       "process,time,variable,variable", "1",
       "F = e^{M't} C^-1 e^{Mt}: D_KL = dX(0)' F dX(0)/2; nan outside of smaller processes and where "
        "C has no inverse"};
  char name[64];

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/fisher/matrix", AD_DOUBLE, 4, dims, t->matrix, &matrix));
  for (int q = 0; q < FISHER_QUANTITIES; q++) {
    const DataInfo info = {"process,time", units[q], sources[q]};

    snprintf(name, sizeof(name), "/fisher/%s", fisher_names[q]);
    PetscCall(WriteColumn(out, name, 2, dims, FISHER_QUANTITIES, t->value + q, &info));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteLaws(const FisherOptions *o, const FisherTables *t, Output out)
{
  static const struct {
    const char *name, *source;
  } law[] = {
      {"early_power", "early law: coefficient t^power"},
      {"early_coefficient", "early law: coefficient t^power"},
      {"late_rate", "late law: coefficient e^{-rate t}, from the eigenvalues of M"},
      {"late_coefficient", "late law: coefficient e^{-rate t}; nan where the prefactor is no constant"},
      {"fitted_rate", "minus the slope of a line through the logarithm, over the window of the attribute"},
      {"fitted_bend", "root mean square distance of the logarithm from that line"}};
  const int64_t dims[2] = {t->np, FISHER_QUANTITIES}, names = FISHER_QUANTITIES;
  const int     n = (int)(sizeof(law) / sizeof(law[0]));
  char          name[64];

  PetscFunctionBegin;
  PetscCall(OutputWriteStrings(out, "/fisher/quantity", names, fisher_names,
                               &(DataInfo){"quantity", "1", "what the columns of the laws are about"}));
  for (int m = 0; m < n; m++) {
    const DataInfo info = {"process,quantity", m < 2 ? "1" : "1/time", law[m].source};
    double        *rows;

    PetscCall(PetscMalloc1(dims[0] * dims[1], &rows));
    for (int64_t i = 0; i < dims[0] * dims[1]; i++)
      rows[i] = ((const double *)&t->laws[i / names])[m * FISHER_QUANTITIES + i % names];
    snprintf(name, sizeof(name), "/fisher/%s", law[m].name);
    PetscCall(OutputWrite(out, name, AD_DOUBLE, 2, dims, rows, &info));
    PetscCall(PetscFree(rows));
  }
  PetscCall(OutputAttrReal(out, "/fisher/fitted_rate", "window", 2, o->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteCheck(const FisherOptions *o, const FisherTables *t, Output out)
{
  const int64_t  dims[3] = {t->np, t->nt, t->b}, stride = sizeof(FisherDivergence) / sizeof(double);
  const char    *axes     = "process,time,variable";
  const DataInfo value    = {axes, "nats",
                             "D_KL from two clouds: half their squared Mahalanobis distance, bias removed"},
                 err      = {axes, "nats", "standard error, from the noncentral F distribution"},
                 expected = {axes, "nats", "F_ii delta^2/2"},
                 delta    = {axes, "1", "distance of the two starts along the variable"};

  PetscFunctionBegin;
  PetscCall(WriteColumn(out, "/fisher/check/kl", 3, dims, stride, &t->check->value, &value));
  PetscCall(WriteColumn(out, "/fisher/check/kl_stderr", 3, dims, stride, &t->check->err, &err));
  PetscCall(WriteColumn(out, "/fisher/check/kl_expected", 3, dims, stride, &t->check->expected, &expected));
  PetscCall(WriteColumn(out, "/fisher/check/delta", 3, dims, stride, &t->check->delta, &delta));
  PetscCall(OutputAttrInt(out, "/fisher/check", "states", o->check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteInformation(const FisherTables *t, Output out)
{
  static const int seen[FISHER_SEEN] = {FISHER_JOINT, FISHER_X_ALONE, FISHER_AUX_ALONE};
  const int64_t    dims[2] = {t->np, t->nt}, width = sizeof(FisherInformation) / sizeof(double);
  const char      *axes = "process,time";
  const DataInfo value  = {axes, "nats", "mutual information of x0 and what is seen of X(t), mean over rows"},
                 err    = {axes, "nats", "standard error over rows"},
                 exact  = {axes, "nats", "the same by quadrature; nan in more than one dimension"};
  char name[80];

  PetscFunctionBegin;
  for (int s = 0; s < FISHER_SEEN; s++) {
    const FisherInformation *first = t->information + s;

    snprintf(name, sizeof(name), "/fisher/information/%s", fisher_names[seen[s]]);
    PetscCall(WriteColumn(out, name, 2, dims, width * FISHER_SEEN, &first->value, &value));
    snprintf(name, sizeof(name), "/fisher/information/%s_stderr", fisher_names[seen[s]]);
    PetscCall(WriteColumn(out, name, 2, dims, width * FISHER_SEEN, &first->err, &err));
    snprintf(name, sizeof(name), "/fisher/information/%s_exact", fisher_names[seen[s]]);
    PetscCall(WriteColumn(out, name, 2, dims, width * FISHER_SEEN, &first->exact, &exact));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FisherWrite - group /fisher. */
PetscErrorCode FisherWrite(const FisherOptions *options, const FisherTables *t, Output out)
{
  const int64_t  nt   = t->nt;
  const DataInfo info = {"time", "time", "times of the tables"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/fisher/t", AD_DOUBLE, 1, &nt, options->t, &info));
  PetscCall(WriteMemory(t, out));
  PetscCall(WriteLaws(options, t, out));
  if (t->check) PetscCall(WriteCheck(options, t, out));
  if (t->information) PetscCall(WriteInformation(t, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the terminal ---- */

/* Which of n things is shown in line i of at most `most` lines: evenly spread, first and last among them */
static PetscInt shown(PetscInt i, PetscInt n, PetscInt most)
{
  return n <= most ? i : i * (n - 1) / (most - 1);
}

/* One number, or a dash where there is none */
static PetscErrorCode PrintCell(double value)
{
  PetscFunctionBegin;
  if (isnan(value))
    PetscCall(AdPrint(" %11s", "-"));
  else
    PetscCall(AdPrint(" %11.5g", value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintTimes(const FisherOptions *o, const FisherTables *t, PetscInt p)
{
  const PetscInt lines = PetscMin(t->nt, SHOWN_TIMES);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < lines; i++) {
    const PetscInt           s = shown(i, t->nt, SHOWN_TIMES);
    const double            *v = t->value + ((int64_t)p * t->nt + s) * FISHER_QUANTITIES;
    const FisherInformation *f =
        t->information ? t->information + ((int64_t)p * t->nt + s) * FISHER_SEEN : NULL;

    PetscCall(AdPrint("%10.4g", o->t[s]));
    for (int q = 0; q < FISHER_QUANTITIES; q++) PetscCall(PrintCell(v[q]));
    for (int k = 0; f && k < FISHER_SEEN; k++) PetscCall(AdPrint("  %7.4f(%.4f)", f[k].value, f[k].err));
    PetscCall(AdPrint("\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintRates(const FisherLaws *laws)
{
  PetscFunctionBegin;
  PetscCall(AdPrint("%10s", "rate"));
  for (int q = 0; q < FISHER_QUANTITIES; q++) PetscCall(PrintCell(laws->rate[q]));
  PetscCall(AdPrint("\n%10s", "late rate"));
  for (int q = 0; q < FISHER_QUANTITIES; q++) PetscCall(PrintCell(laws->late_rate[q]));
  PetscCall(AdPrint("\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintCheck(const FisherOptions *o, const FisherTables *t)
{
  const int64_t all  = (int64_t)t->np * t->nt * t->b;
  double        chi2 = 0, largest = 0;
  int64_t       n = 0;

  PetscFunctionBegin;
  for (int64_t i = 0; i < all; i++) {
    const double away = (t->check[i].value - t->check[i].expected) / t->check[i].err;

    if (isnan(away)) continue;
    chi2 += away * away;
    largest = fmax(largest, fabs(away));
    n++;
  }
  PetscCall(AdPrint("check     %lld divergences from clouds of %d states against dX(0)' F dX(0)/2: "
                    "chi-square %.1f, largest "
                    "difference %.1f standard errors\n",
                    (long long)n, (int)o->check, chi2, largest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FisherPrint - a table a process, of a few processes and times where there are many. */
PetscErrorCode FisherPrint(const ProcessGrid *grid, const FisherOptions *o, const FisherTables *t)
{
  const PetscInt blocks = PetscMin(t->np, SHOWN_PROCESSES);

  PetscFunctionBegin;
  PetscCall(AdPrint(
      "memory of the start a dimension: fmc = f_xx + f_etaeta of X(0); joint, x alone, eta alone of x0 when "
      "eta0 is unknown\n"));
  for (PetscInt i = 0; i < blocks; i++) {
    const PetscInt p = shown(i, t->np, SHOWN_PROCESSES);
    const char    *label;

    PetscCall(ProcessGetLabel(grid->process[p], &label));
    PetscCall(AdPrint("%s\n%10s", label, "t"));
    for (int q = 0; q < FISHER_QUANTITIES; q++) PetscCall(AdPrint(" %11s", fisher_names[q]));
    PetscCall(AdPrint("%s\n", t->information ? "  I(x0; X)        I(x0; x)        I(x0; eta)" : ""));
    PetscCall(PrintTimes(o, t, p));
    PetscCall(PrintRates(&t->laws[p]));
  }
  PetscCall(AdPrint("rate fitted from t = %g to %g, late rate from the eigenvalues of M", o->window[0],
                    o->window[1]));
  if (t->np > blocks || t->nt > SHOWN_TIMES)
    PetscCall(AdPrint("; %d of %d processes and %d of %d times shown", (int)blocks, (int)t->np,
                      (int)PetscMin(t->nt, SHOWN_TIMES), (int)t->nt));
  PetscCall(AdPrint("\n"));
  if (t->check) PetscCall(PrintCheck(o, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}
