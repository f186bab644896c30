#ifndef AD_COVARIANCE_H
#define AD_COVARIANCE_H
/*
  Largest eigenvalues of a covariance that is known only by its products with vectors

  Covariance: that of rows of a data set, which are shared out over the ranks once and never gathered. Spectrum: an
  eigenvalue solver (SLEPc's EPS) for any symmetric product. Every rank iterates the same small vectors, and a product adds up
  blocks of rows in their order, so that all results have the same bits on any number of ranks.
*/
#include "addataset.h"

#define COVARIANCE_SUMS 3 /* beside y: sums of w, w^2, w^4 over the rows */

/*
  covariance_rows - products of some rows with a vector, and back

  Input:  n, d, row[n][d], v[d], shift
  In/out: y[d + COVARIANCE_SUMS]  plus sum_r w_r row_r, then sums of w_r, w_r^2, w_r^4, where w_r = row_r.v - shift
  Note:   four rows at a time, so that both products take one pass over memory; sums in a fixed order
*/
void covariance_rows(int64_t n, int d, const double *restrict row, const double *restrict v, double shift,
                     double *restrict y);

/*
  covariance_rows_bytes - the same for rows of bytes; work[4][d] is scratch memory
*/
void covariance_rows_bytes(int64_t n, int d, const unsigned char *restrict row, const double *restrict v,
                           double shift, double *restrict y, double *restrict work);

/*
  levels_find - are these numbers levels of an evenly spaced scale, as those of digital pictures are?

  Input:  n, x[n]
  Output: low, step  of x = low + step q with q = 0, 1, ... 255
  Return: nonzero if there are two or more of them and they are
*/
int levels_find(int64_t n, const double *x, double *low, double *step);

/*
  levels_of - the numbers q of n values

  Output: q[n]
  Return: nonzero unless every value is low + step q, q = 0 ... 255, to within rounding
*/
int levels_of(int64_t n, const double *x, double low, double step, unsigned char *q);

typedef struct {
  int64_t        N, first, n; /* rows, and those of this rank */
  int64_t        block;       /* rows whose products are added up before blocks are */
  int            d;
  unsigned char *level;     /* [n][d], x = origin + step level, or */
  double        *row;       /* [n][d], x - mean */
  double         step;      /* 1 where rows are held as doubles */
  double        *mean;      /* [d] of what is held, in steps */
  double         trace;     /* diffused units */
  double        *sum, *all; /* scratch memory of products */
  double         moment[2]; /* means of w^2 and w^4 in the last product, diffused units */
} Covariance;

/* Rows first .. first + n of N; not collective, the same whoever asks */
typedef PetscErrorCode (*CovarianceRows)(void *ctx, int64_t first, int64_t n, double *x);

/*
  CovarianceCreate - take this rank's share of N >= 2 rows, DATASET_BLOCK at a time

  Input:  N, d, rows, ctx  where they come from; some are asked for twice
  Errors: AD_ERR_INPUT: a number that is not finite, rows that are all alike
  Cost:   memory of a rank n d bytes where all numbers are levels of one scale (pictures), else 8 n d
*/
PetscErrorCode CovarianceCreate(int64_t N, int d, CovarianceRows rows, void *ctx, Covariance *c);
/*
  CovarianceCreateFromDataset - the same for rows of a data set, evenly spaced where there are more of them

  Input:  rows     0: all, or 10000 where they have no end;  option  the key that gave their number, for messages
  Errors: AD_ERR_INPUT also where there are fewer than two rows, or than asked for
*/
PetscErrorCode CovarianceCreateFromDataset(Dataset dataset, DatasetSplit split, int64_t rows,
                                           const char *option, Covariance *c);
/* CovarianceMultiply - y = X'(X v - mean.v)/(N - 1), diffused units; one gather of d doubles a block of rows. */
PetscErrorCode CovarianceMultiply(Covariance *c, const double *v, double *y);
/* CovarianceGetStandardError - of an eigenvalue v'Cv, |v| = 1, as an estimate from independent rows: sd of (v.(x - mean))^2
   over sqrt(N). */
PetscErrorCode CovarianceGetStandardError(Covariance *c, const double *v, double *err);
PetscErrorCode CovarianceDestroy(Covariance *c);

/* A symmetric product y = C v; collective, v is the same on all ranks, y is read on rank 0 */
typedef PetscErrorCode (*SpectrumProduct)(void *ctx, const double *v, double *y);

typedef struct _n_Spectrum *Spectrum;

typedef struct {
  PetscInt n, iterations, products;
  int      d;
  double  *value;    /* [n], falling */
  double  *residual; /* [n], |C v - value v|/max(value, SPECTRUM_FLOOR trace) */
  double  *vector;   /* [n][d], of length 1, the component of largest size positive */
} Eigenpairs;

#define SPECTRUM_FLOOR                                                                                       \
  1e-5 /* eigenvalues below this share of the trace are found to this share of the tolerance only */

/*
  SpectrumCreate - a solver

  Options: -speciation_eigenvalues, -speciation_tolerance (of the residual; the error of an eigenvalue is of the order of
           its square), SLEPc's -eps_...
*/
PetscErrorCode SpectrumCreate(Spectrum *s);
/*
  SpectrumSolve - largest eigenvalues of a symmetric product

  Input:  what  for messages, trace  of the matrix
  Output: pairs  caller destroys
  Errors: AD_ERR_RUN when they do not converge
*/
PetscErrorCode SpectrumSolve(Spectrum s, const char *what, int d, double trace, SpectrumProduct product,
                             void *ctx, Eigenpairs *pairs);
PetscErrorCode SpectrumDestroy(Spectrum *s);
PetscErrorCode EigenpairsDestroy(Eigenpairs *pairs);

#endif
