/*
  Largest eigenvalues of a symmetric product, by SLEPc

  The solver runs on rank 0; the others wait for the next product, which all ranks form together. So its course does not
  depend on what processors the ranks have.
*/
#include "adcovariance.h"
#include "adrng.h"
#include <slepceps.h>

enum { SPECTRUM_STOP, SPECTRUM_PRODUCT }; /* what rank 0 asks of the others */

struct _n_Spectrum {
  EPS             eps;
  PetscInt        wanted, ncv, mpd; /* as given: the solver forgets the last two once it has run */
  PetscReal       tolerance;
  double          floor; /* of eigenvalues that residuals are compared with */
  SpectrumProduct product;
  void           *ctx;
  double         *v; /* [d] of the product that all ranks form */
  PetscInt        products;
};

/* y = C v, called on rank 0 only */
static PetscErrorCode Lead(Spectrum s, int d, const double *v, double *y)
{
  int order = SPECTRUM_PRODUCT;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(s->v, v, d));
  PetscCallMPI(MPI_Bcast(&order, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Bcast(s->v, d, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  PetscCall((*s->product)(s->ctx, s->v, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The other ranks' part of all products, until rank 0 has done */
static PetscErrorCode Follow(Spectrum s, int d)
{
  double *y;
  int     order;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(d, &y));
  for (;;) {
    PetscCallMPI(MPI_Bcast(&order, 1, MPI_INT, 0, PETSC_COMM_WORLD));
    if (order == SPECTRUM_STOP) break;
    PetscCallMPI(MPI_Bcast(s->v, d, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
    PetscCall((*s->product)(s->ctx, s->v, y));
  }
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatMult_Spectrum(Mat A, Vec in, Vec out)
{
  Spectrum           s;
  const PetscScalar *v;
  PetscScalar       *y;
  PetscInt           d;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &s));
  PetscCall(VecGetArrayRead(in, &v));
  PetscCall(VecGetArrayWrite(out, &y));
  PetscCall(VecGetSize(in, &d));
  PetscCall(Lead(s, (int)d, v, y));
  s->products++;
  PetscCall(VecRestoreArrayWrite(out, &y));
  PetscCall(VecRestoreArrayRead(in, &v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Relative to the eigenvalue, or to a small share of the trace: an eigenvalue of 0 has no digits to be right in */
static PetscErrorCode Converged(EPS eps, PetscScalar value, PetscScalar imaginary, PetscReal residual,
                                PetscReal *error, void *ctx)
{
  PetscFunctionBegin;
  *error = residual / PetscMax(PetscAbsScalar(value), ((Spectrum)ctx)->floor);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumCreate(Spectrum *spectrum)
{
  Spectrum s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->wanted    = 3;
  s->tolerance = 1e-10;
  PetscCall(OptInt("-speciation_eigenvalues", "how many eigenvalues of the covariance, the largest ones",
                   RANGE(1, 1000), &s->wanted, NULL));
  PetscCall(OptReal("-speciation_tolerance",
                    "|C v - lambda v|/lambda; the error of lambda is of the order of its square",
                    RANGE(1e-13, 0.1), &s->tolerance, NULL));
  PetscCall(EPSCreate(PETSC_COMM_SELF, &s->eps));
  PetscCall(EPSSetProblemType(s->eps, EPS_HEP));
  PetscCall(EPSSetType(s->eps, EPSKRYLOVSCHUR));
  PetscCall(EPSSetWhichEigenpairs(s->eps, EPS_LARGEST_REAL));
  PetscCall(EPSSetConvergenceTestFunction(s->eps, Converged, s, NULL));
  PetscCall(EPSSetTolerances(s->eps, s->tolerance, PETSC_DEFAULT));
  PetscCall(EPSSetFromOptions(s->eps));
  PetscCall(EPSGetDimensions(s->eps, NULL, &s->ncv, &s->mpd));
  *spectrum = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A start with a share of every direction, always the same */
static PetscErrorCode SetStart(Spectrum s, Mat A)
{
  Vec          start;
  float       *normal;
  PetscInt     d;
  PetscScalar *v;

  PetscFunctionBegin;
  PetscCall(MatCreateVecs(A, &start, NULL));
  PetscCall(VecGetSize(start, &d));
  PetscCall(PetscMalloc1(d, &normal));
  rng_normal((RngStream){1, RNG_SPECTRUM, 0}, 0, (size_t)d, 1, normal);
  PetscCall(VecGetArrayWrite(start, &v));
  for (PetscInt i = 0; i < d; i++) v[i] = normal[i];
  PetscCall(VecRestoreArrayWrite(start, &v));
  PetscCall(EPSSetInitialSpace(s->eps, 1, &start));
  PetscCall(PetscFree(normal));
  PetscCall(VecDestroy(&start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void fix_sign(int d, double *v)
{
  int largest = 0;

  for (int i = 1; i < d; i++)
    if (fabs(v[i]) > fabs(v[largest])) largest = i;
  for (int i = 0; v[largest] < 0 && i < d; i++)
    if (i != largest) v[i] = -v[i];
  v[largest] = fabs(v[largest]);
}

/* Eigenpairs as SLEPc has them, with residuals from products of their own */
static PetscErrorCode TakePairs(Spectrum s, Mat A, Eigenpairs *pairs)
{
  const int    d = pairs->d;
  PetscScalar *v, *y;
  Vec          vector;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(d, &y));
  PetscCall(MatCreateVecs(A, &vector, NULL));
  for (PetscInt i = 0; i < pairs->n; i++) {
    double sum = 0;

    PetscCall(EPSGetEigenpair(s->eps, i, &pairs->value[i], NULL, vector, NULL));
    PetscCall(VecGetArray(vector, &v));
    fix_sign(d, v);
    PetscCall(PetscArraycpy(pairs->vector + i * d, v, d));
    PetscCall(Lead(s, d, v, y));
    for (int j = 0; j < d; j++) sum += PetscSqr(y[j] - pairs->value[i] * v[j]);
    pairs->residual[i] = sqrt(sum) / PetscMax(pairs->value[i], s->floor);
    PetscCall(VecRestoreArray(vector, &v));
  }
  PetscCall(VecDestroy(&vector));
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solver's course on rank 0 */
static PetscErrorCode Iterate(Spectrum s, Eigenpairs *pairs, PetscInt *converged)
{
  const int d     = pairs->d;
  int       order = SPECTRUM_STOP;
  Mat       A;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PETSC_COMM_SELF, d, d, d, d, s, &A));
  PetscCall(MatShellSetOperation(A, MATOP_MULT, (void (*)(void))MatMult_Spectrum));
  PetscCall(EPSReset(s->eps));
  PetscCall(EPSSetOperators(s->eps, A, NULL));
  PetscCall(EPSSetDimensions(s->eps, pairs->n, s->ncv > 0 ? PetscMax(pairs->n, PetscMin(s->ncv, d)) : s->ncv,
                             s->mpd));
  PetscCall(SetStart(s, A));
  PetscCall(EPSSolve(s->eps));
  PetscCall(EPSGetConverged(s->eps, converged));
  PetscCall(EPSGetIterationNumber(s->eps, &pairs->iterations));
  if (*converged >= pairs->n) PetscCall(TakePairs(s, A, pairs));
  pairs->products = s->products;
  PetscCallMPI(MPI_Bcast(&order, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rank 0 has found, to all */
static PetscErrorCode Share(Eigenpairs *pairs, PetscInt *converged)
{
  PetscInt number[3] = {*converged, pairs->iterations, pairs->products};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(number, 3, MPIU_INT, 0, PETSC_COMM_WORLD));
  *converged        = number[0];
  pairs->iterations = number[1];
  pairs->products   = number[2];
  PetscCallMPI(MPI_Bcast(pairs->value, (int)pairs->n, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Bcast(pairs->residual, (int)pairs->n, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  for (PetscInt i = 0; i < pairs->n; i++)
    PetscCallMPI(MPI_Bcast(pairs->vector + i * pairs->d, pairs->d, MPI_DOUBLE, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumSolve(Spectrum s, const char *what, int d, double trace, SpectrumProduct product,
                             void *ctx, Eigenpairs *pairs)
{
  PetscInt converged = 0;
  int      rank;

  PetscFunctionBegin;
  s->product  = product;
  s->ctx      = ctx;
  s->products = 0;
  s->floor    = SPECTRUM_FLOOR * trace;
  *pairs      = (Eigenpairs){.n = PetscMin(s->wanted, d), .d = d};
  PetscCall(PetscCalloc3(pairs->n, &pairs->value, pairs->n, &pairs->residual, pairs->n * d, &pairs->vector));
  PetscCall(PetscMalloc1(d, &s->v));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(rank ? Follow(s, d) : Iterate(s, pairs, &converged));
  PetscCall(PetscFree(s->v));
  PetscCall(Share(pairs, &converged));
  AdCheckRun(converged >= pairs->n,
             "%s: %d of %d eigenvalues converged to %g in %d iterations; raise -eps_max_it or -eps_ncv, or "
             "loosen -speciation_tolerance",
             what, (int)converged, (int)pairs->n, s->tolerance, (int)pairs->iterations);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumDestroy(Spectrum *s)
{
  PetscFunctionBegin;
  if (!*s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EPSDestroy(&(*s)->eps));
  PetscCall(PetscFree(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EigenpairsDestroy(Eigenpairs *pairs)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(pairs->value, pairs->residual, pairs->vector));
  PetscFunctionReturn(PETSC_SUCCESS);
}
