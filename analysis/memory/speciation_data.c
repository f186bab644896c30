/*
  adiff speciation: the spectrum of the covariance of the data
*/
#include "private/likelihoodimpl.h"
#include "private/speciationimpl.h"

static PetscErrorCode RowsProduct(void *ctx, const double *v, double *y)
{
  PetscFunctionBegin;
  PetscCall(CovarianceMultiply((Covariance *)ctx, v, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- raw units: S C S with the scales S of the columns ---- */

typedef struct {
  Covariance   *covariance;
  const double *scale; /* [d] */
  double       *work;  /* [d] */
} Raw;

static PetscErrorCode RawProduct(void *ctx, const double *v, double *y)
{
  const Raw *raw = (const Raw *)ctx;

  PetscFunctionBegin;
  for (int i = 0; i < raw->covariance->d; i++) raw->work[i] = raw->scale[i] * v[i];
  PetscCall(CovarianceMultiply(raw->covariance, raw->work, y));
  for (int i = 0; i < raw->covariance->d; i++) y[i] *= raw->scale[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the law of a mixture: sum_c p_c (diag h_c + (mu_c - mean)(mu_c - mean)') ---- */

typedef struct {
  const MixtureData *mixture;
  double            *mean; /* [d] */
} LawContext;

static PetscErrorCode LawProduct(void *ctx, const double *v, double *y)
{
  const LawContext *law = (const LawContext *)ctx;
  const int         d   = law->mixture->d;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(y, d));
  for (int c = 0; c < law->mixture->n; c++) {
    const double *mu  = law->mixture->mean + (size_t)c * (size_t)d;
    const double *h   = law->mixture->var + (size_t)c * (size_t)d;
    const double  p   = law->mixture->weight[c];
    double        dot = 0;

    for (int i = 0; i < d; i++) dot += (mu[i] - law->mean[i]) * v[i];
    for (int i = 0; i < d; i++) y[i] += p * (h[i] * v[i] + (mu[i] - law->mean[i]) * dot);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveRaw(Speciation *s, Covariance *c)
{
  DataSpectrum      *r = &s->spectrum;
  const Coordinates *coordinates;
  Raw                raw;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(s->dataset, &coordinates));
  for (int i = 1; i < c->d; i++)
    if (coordinates->scale[i] != coordinates->scale[0]) r->is_raw = PETSC_TRUE;
  if (!r->is_raw) PetscFunctionReturn(PETSC_SUCCESS);
  raw = (Raw){.covariance = c, .scale = coordinates->scale};
  for (int i = 0; i < c->d; i++)
    r->raw_trace += coordinates->variance[i] * coordinates->scale[i] * coordinates->scale[i];
  PetscCall(PetscMalloc1(c->d, &raw.work));
  PetscCall(SpectrumSolve(s->solver, "spectrum in raw units", c->d, r->raw_trace, RawProduct, &raw, &r->raw));
  PetscCall(PetscFree(raw.work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveLaw(Speciation *s)
{
  DataSpectrum *r = &s->spectrum;
  LawContext    law;
  double       *variance;

  PetscFunctionBegin;
  PetscCall(DatasetGetMixture(s->dataset, &law.mixture));
  if (!law.mixture) PetscFunctionReturn(PETSC_SUCCESS);
  r->is_law = PETSC_TRUE;
  PetscCall(PetscMalloc2(law.mixture->d, &law.mean, law.mixture->d, &variance));
  mixture_moments(law.mixture, law.mean, variance);
  for (int i = 0; i < law.mixture->d; i++) r->law_trace += variance[i];
  PetscCall(SpectrumSolve(s->solver, "spectrum of the law", law.mixture->d, r->law_trace, LawProduct, &law,
                          &r->law));
  PetscCall(PetscFree2(law.mean, variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DataSpectrumCompute - largest eigenvalues of the covariance of the data; the largest one becomes the Lambda of the run

  Errors: AD_ERR_INPUT when the rows have no covariance, AD_ERR_RUN when eigenvalues do not converge
*/
PetscErrorCode DataSpectrumCompute(Speciation *s)
{
  DataSpectrum *r = &s->spectrum;
  Covariance    c;

  PetscFunctionBegin;
  PetscCall(CovarianceCreateFromDataset(s->dataset, (DatasetSplit)s->options.split, s->options.rows,
                                        "-speciation_rows", &c));
  r->N     = c.N;
  r->trace = c.trace;
  r->bytes = c.n * c.d * (c.level ? 1 : (int64_t)sizeof(double));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &r->bytes, 1, MPI_INT64_T, MPI_MAX, PETSC_COMM_WORLD));
  PetscCall(SpectrumSolve(s->solver, "spectrum", c.d, c.trace, RowsProduct, &c, &r->rows));
  PetscCall(PetscMalloc1(r->rows.n, &r->err));
  for (PetscInt i = 0; i < r->rows.n; i++)
    PetscCall(CovarianceGetStandardError(&c, r->rows.vector + i * c.d, &r->err[i]));
  PetscCall(SolveRaw(s, &c));
  PetscCall(SolveLaw(s));
  PetscCall(CovarianceDestroy(&c));
  s->options.nlambda   = 1;
  s->options.lambda[0] = r->is_law ? r->law.value[0] : r->rows.value[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataSpectrumPrint(const DataSpectrum *r)
{
  PetscFunctionBegin;
  PetscCall(AdPrint("spectrum  %lld rows, %.4g MB a rank at most; trace %.10g; %d products, %d restarts\n",
                    (long long)r->N, 1e-6 * (double)r->bytes, r->trace, (int)r->rows.products,
                    (int)r->rows.iterations));
  PetscCall(AdPrint("  %4s %18s %9s %9s %9s%s%s\n", "", "eigenvalue", "share", "residual", "(stderr)",
                    r->is_law ? "       of the law" : "", r->is_raw ? "        raw units" : ""));
  for (PetscInt i = 0; i < r->rows.n; i++) {
    PetscCall(AdPrint("  %4d %18.12g %8.3f%% %9.1e %9.1e", (int)i + 1, r->rows.value[i],
                      100 * r->rows.value[i] / r->trace, r->rows.residual[i], r->err[i]));
    if (r->is_law) PetscCall(AdPrint(" %16.12g", r->law.value[i]));
    if (r->is_raw) PetscCall(AdPrint(" %16.12g", r->raw.value[i]));
    PetscCall(AdPrint("\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues, residuals and eigenvectors with an ending to their names */
static PetscErrorCode WritePairs(const Eigenpairs *p, const char *ending, const char *units, const char *what,
                                 Output out)
{
  const int64_t  dims[2] = {p->n, p->d};
  char           name[128], source[256];
  const DataInfo value  = {"eigenvalue", units, source};
  const DataInfo rest   = {"eigenvalue", "1", "|C v - lambda v|/max(lambda, 1e-5 trace)"};
  const DataInfo vector = {"eigenvalue,coordinate", "1",
                           "of length 1, its component of largest size positive"};

  PetscFunctionBegin;
  snprintf(source, sizeof(source), "largest eigenvalues of the covariance %s", what);
  snprintf(name, sizeof(name), "/spectrum/eigenvalue%s", ending);
  PetscCall(OutputWrite(out, name, AD_DOUBLE, 1, dims, p->value, &value));
  snprintf(name, sizeof(name), "/spectrum/residual%s", ending);
  PetscCall(OutputWrite(out, name, AD_DOUBLE, 1, dims, p->residual, &rest));
  snprintf(name, sizeof(name), "/spectrum/eigenvector%s", ending);
  PetscCall(OutputWrite(out, name, AD_DOUBLE, 2, dims, p->vector, &vector));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataSpectrumWrite(const Speciation *s, Output out)
{
  const DataSpectrum *r   = &s->spectrum;
  const int64_t       n   = r->rows.n;
  const DataInfo      err = {"eigenvalue", "diffused^2", "standard error, were the rows independent draws"};

  PetscFunctionBegin;
  PetscCall(WritePairs(&r->rows, "", "diffused^2", "of the rows, 1/(N - 1)", out));
  PetscCall(OutputWrite(out, "/spectrum/eigenvalue_stderr", AD_DOUBLE, 1, &n, r->err, &err));
  if (r->is_raw) PetscCall(WritePairs(&r->raw, "_raw", "raw^2", "of the rows in raw units", out));
  if (r->is_law) PetscCall(WritePairs(&r->law, "_law", "diffused^2", "of the law of the data", out));
  PetscCall(OutputAttrReal(out, "/spectrum", "trace", 1, &r->trace));
  if (r->is_law) PetscCall(OutputAttrReal(out, "/spectrum", "trace_law", 1, &r->law_trace));
  PetscCall(OutputAttrInt(out, "/spectrum", "rows", r->N));
  PetscCall(OutputAttrString(out, "/spectrum", "split", subject_splits[s->options.split]));
  PetscCall(OutputAttrInt(out, "/spectrum", "products", r->rows.products));
  PetscCall(OutputAttrInt(out, "/spectrum", "restarts", r->rows.iterations));
  PetscCall(DatasetWrite(s->dataset, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataSpectrumDestroy(DataSpectrum *r)
{
  PetscFunctionBegin;
  PetscCall(EigenpairsDestroy(&r->rows));
  PetscCall(EigenpairsDestroy(&r->raw));
  PetscCall(EigenpairsDestroy(&r->law));
  PetscCall(PetscFree(r->err));
  PetscFunctionReturn(PETSC_SUCCESS);
}
