/*
  adiff denoise: what noised states still know of their data, on a list of times or sigmas
*/
#include "private/likelihoodimpl.h"

enum { MAX_TIMES = 1000 };

typedef struct {
  PetscInt  rows, split, nt, nsigma;
  PetscReal t[MAX_TIMES], sigma[MAX_TIMES];
} DenoiseOptions;

static PetscErrorCode ReadOptions(PetscReal t_final, DenoiseOptions *o)
{
  PetscBool set;

  PetscFunctionBegin;
  *o = (DenoiseOptions){.rows = 10000, .split = SPLIT_TEST};
  PetscCall(OptRealList("-denoise_sigmas", "values of the clock, in place of times", RANGE_POSITIVE,
                        MAX_TIMES, o->sigma, &o->nsigma, NULL));
  if (!o->nsigma) {
    PetscCall(OptRealList("-denoise_times", "times; 16 up to -process_t_final unless given", RANGE_POSITIVE,
                          MAX_TIMES, o->t, &o->nt, &set));
    for (; !set && o->nt < 16; o->nt++) o->t[o->nt] = (o->nt + 1) * t_final / 16;
  }
  PetscCall(OptInt("-denoise_rows", "rows to noise at each time; 0: all, or 10000 where rows have no end",
                   RANGE_NONNEGATIVE, &o->rows, NULL));
  PetscCall(OptChoice("-denoise_split", "which rows", subject_splits, &o->split, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenoiseRunDeclareOptions(void)
{
  DenoiseOptions o;

  PetscFunctionBegin;
  PetscCall(ReadOptions(1, &o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Times of the sigmas asked for; all kernels, so that a bad time is refused before anything is computed */
static PetscErrorCode GetKernels(Process process, DenoiseOptions *o, Kernel **kernel)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < o->nsigma; i++) PetscCall(ProcessGetTimeOfSigma(process, o->sigma[i], &o->t[i]));
  if (o->nsigma) o->nt = o->nsigma;
  PetscCall(PetscMalloc1(o->nt, kernel));
  for (PetscInt i = 0; i < o->nt; i++) PetscCall(ProcessGetKernel(process, o->t[i], &(*kernel)[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Quadrature at all sigmas, shared out over the ranks; known is false unless all are */
static PetscErrorCode Integrate(const MixtureData *law, PetscInt nt, const Kernel *kernel,
                                MixtureIntegrals *all, PetscBool *known)
{
  int64_t           first, n;
  int               good = law ? 1 : 0;
  MixtureIntegrals *mine;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(nt, 1, &first, &n));
  PetscCall(PetscCalloc1(n, &mine));
  for (int64_t i = 0; i < n && good; i++) {
    PetscBool one;
    PetscCall(MixtureIntegrate(law, kernel[first + i].sigma2, &mine[i], &one));
    if (!one) good = 0;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  PetscCall(AdGatherRows(nt, n, sizeof(*mine) / sizeof(double), (const double *)mine, (double *)all));
  PetscCall(PetscFree(mine));
  *known = good ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One member of each struct of a list, as a dataset */
static PetscErrorCode WriteMember(Output out, const char *name, const char *units, const char *source,
                                  int64_t n, int width, const double *member)
{
  const DataInfo info = {"time", units, source};
  double        *column;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &column));
  for (int64_t i = 0; i < n; i++) column[i] = member[i * width];
  PetscCall(OutputWrite(out, name, AD_DOUBLE, 1, &n, column, &info));
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteResults(Output out, PetscInt nt, const DenoiseResult *r, PetscBool law)
{
  const int   w         = sizeof(*r) / sizeof(double);
  const char *se        = "standard error over rows";
  const char *variables = "sigma2 = 1/(u^T Cb^-1 u), all that the noise means for x0";

  PetscFunctionBegin;
  PetscCall(WriteMember(out, "/denoise/time", "time", "times of the noised states", nt, w, &r->t));
  PetscCall(WriteMember(out, "/denoise/sigma2", "diffused^2", variables, nt, w, &r->sigma2));
  PetscCall(WriteMember(out, "/denoise/error", "diffused^2", "E|x0 - x0hat|^2", nt, w, &r->error));
  PetscCall(WriteMember(out, "/denoise/error_stderr", "diffused^2", se, nt, w, &r->error_err));
  if (!law) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WriteMember(out, "/denoise/information", "nats", "I(x0; X_t) = E log P(X | x0)/P(X)", nt, w,
                        &r->information));
  PetscCall(WriteMember(out, "/denoise/information_stderr", "nats", se, nt, w, &r->information_err));
  PetscCall(WriteMember(out, "/denoise/recovery", "1",
                        "share of rows whose most probable component is their own", nt, w, &r->recovery));
  PetscCall(WriteMember(out, "/denoise/recovery_stderr", "1", se, nt, w, &r->recovery_err));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteIntegrals(Output out, PetscInt nt, const MixtureIntegrals *q)
{
  const int   w    = sizeof(*q) / sizeof(double);
  const char *rule = "exact, by quadrature over the law of z";

  PetscFunctionBegin;
  PetscCall(WriteMember(out, "/denoise/exact_error", "diffused^2", rule, nt, w, &q->error));
  PetscCall(WriteMember(out, "/denoise/exact_information", "nats", rule, nt, w, &q->information));
  PetscCall(WriteMember(out, "/denoise/exact_recovery", "1", rule, nt, w, &q->recovery));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintTable(PetscInt nt, const DenoiseResult *r, PetscBool law,
                                 const MixtureIntegrals *q)
{
  PetscFunctionBegin;
  PetscCall(AdPrint("%10s %10s  %-21s%s%s\n", "t", "sigma2", "E|x0 - x0hat|^2",
                    law ? "  information          recovery         " : "", q ? "   exact" : ""));
  for (PetscInt i = 0; i < nt; i++) {
    PetscCall(AdPrint("%10.4g %10.4g  %-10.5g(%-8.2g)", r[i].t, r[i].sigma2, r[i].error, r[i].error_err));
    if (law)
      PetscCall(AdPrint("  %-9.5g(%-8.2g)  %.4f(%.4f)", r[i].information, r[i].information_err, r[i].recovery,
                        r[i].recovery_err));
    if (q) PetscCall(AdPrint("   %.5g, %.5g, %.4f", q[i].error, q[i].information, q[i].recovery));
    PetscCall(AdPrint("\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(const CommandLine *line, Subject *s, const DenoiseOptions *o, const Kernel *kernel)
{
  const PetscBool   law = s->law ? PETSC_TRUE : PETSC_FALSE;
  DenoiseResult    *result;
  MixtureIntegrals *integrals;
  PetscBool         known = PETSC_FALSE;
  Output            out;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(o->nt, &result, o->nt, &integrals));
  for (PetscInt i = 0; i < o->nt; i++)
    PetscCall(DenoiseCompute(s->process, s->score, s->law, &kernel[i],
                             (RngStream){line->seed, RNG_NOISE, (uint32_t)i}, s->N, s->first, s->n, s->x0,
                             s->component, &result[i]));
  PetscCall(Integrate(s->law, o->nt, kernel, integrals, &known));
  PetscCall(PrintTable(o->nt, result, law, known ? integrals : NULL));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(WriteResults(out, o->nt, result, law));
  if (known) PetscCall(WriteIntegrals(out, o->nt, integrals));
  PetscCall(SubjectWrite(s, o->split, "/denoise", out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(PetscFree2(result, integrals));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DenoiseRun - adiff denoise: denoising error, mutual information and class recovery against time and clock (/denoise)

  Note: information and recovery need the law of the data and are those of the exact posterior; the error is the score's
*/
PetscErrorCode DenoiseRun(const CommandLine *line)
{
  Subject        s;
  DenoiseOptions o;
  PetscReal      t_final;
  Kernel        *kernel;

  PetscFunctionBegin;
  PetscCall(SubjectRead(line, &s));
  PetscCall(ProcessGetFinalTime(s.process, &t_final));
  PetscCall(ReadOptions(t_final, &o));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(SubjectSetUp(&s, line->name));
  PetscCall(GetKernels(s.process, &o, &kernel));
  PetscCall(SubjectTakeRows(&s, o.split, o.rows, "-denoise_rows"));
  PetscCall(Run(line, &s, &o, kernel));
  PetscCall(PetscFree(kernel));
  PetscCall(SubjectDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
