#ifndef AD_WIDEIMPL_H
#define AD_WIDEIMPL_H
/*
  Dense algebra on blocks of at most AD_BMAX x AD_BMAX numbers in a wide type

  The law of a linear SDE is full of differences of nearly equal numbers: at small t the covariance of
  (x, aux) is singular to one part in (t/tau)^2 and worse. Numbers of 34 digits with 15 bits of exponent make
  those differences, and the underflow of exp(-t/tau), harmless. Matrices are row-major without padding.
*/
#include <float.h>
#include "adkernel.h"

#ifdef __SIZEOF_FLOAT128__
typedef __float128 wide;
#define WIDE_EPSILON 0x1p-112
#else
typedef long double wide;
#define WIDE_EPSILON LDBL_EPSILON
#endif

#define BLOCK_SIZE (AD_BMAX * AD_BMAX)

/* A relative pivot below this leaves fewer than 12 digits of what was subtracted: too few to report */
#define PIVOT_MIN (1e12 * WIDE_EPSILON)

/* A relative pivot of a positive semi-definite matrix below this is a zero with rounding errors */
#define ROUNDING_PIVOT (1e4 * WIDE_EPSILON)

/* Scalars: absolute value, square root and (rounded to double) logarithm over the whole range of wide */
wide   wide_abs(wide x);
wide   wide_sqrt(wide x);
double wide_log(wide x);

/* Copies between the two precisions */
void block_widen(int n, const double *a, wide *w);
void block_round(int n, const wide *w, double *a);

/* C = A B, C = A B^T and C = A^T B with A n x k (or k x n for the last), C n x m; C must not overlap A, B */
void block_multiply(int n, int k, int m, const wide *A, const wide *B, wide *C);
void block_multiply_nt(int n, int k, int m, const wide *A, const wide *B, wide *C);
void block_multiply_tn(int n, int k, int m, const wide *A, const wide *B, wide *C);

/* C = F S F^T for symmetric S, F n x k; exactly symmetric; C must not overlap F, S */
void block_congruence(int n, int k, const wide *F, const wide *S, wide *C);

/*
  block_cholesky - lower factor of a positive semi-definite matrix, A = L L^T

  Input:  A[n][n]  symmetric
          floor    relative pivot pivot/A_ii at and below which a pivot counts as zero: its column is zero
  Output: L[n][n]  lower triangular, zeros above
  Return: smallest relative pivot (1 for n = 0, 0 when a pivot counted as zero). It bounds the relative
          error of L by WIDE_EPSILON/pivot, whatever the scales of the variables
*/
wide block_cholesky(int n, const wide *A, wide floor, wide *L);

/* In place B <- L^{-1} B and B <- L^{-T} B, L n x n lower without zero pivots, B n x m */
void block_solve_lower(int n, int m, const wide *L, wide *B);
void block_solve_lower_t(int n, int m, const wide *L, wide *B);

/* In place B <- A^{-1} B by elimination with row pivoting; A n x n is spoilt; nonzero if A is singular */
int block_solve(int n, int m, wide *A, wide *B);

/*
  block_flow - exponential and Gramian of a linear system

  Input:  M[b][b], Q[b][b] symmetric, t >= 0
  Output: F[b][b] = e^{M t},  C[b][b] = int_0^t e^{M v} Q e^{M^T v} dv
  Cost:   about 20 + log2(norm(M) t) products of b x b matrices
  Note:   Taylor series on t/2^n, then n doublings C <- C + F C F^T, F <- F F
*/
void block_flow(int b, const wide *M, const wide *Q, wide t, wide *F, wide *C);

/*
  block_lyapunov - symmetric X with M X + X M^T + Q = 0

  Return: nonzero if no unique solution exists (two eigenvalues of M add up to zero)
*/
int block_lyapunov(int b, const wide *M, const wide *Q, wide *X);

/* The law of X(t) in the wide type, members as in Kernel; Omega = Lom Lom^T, norm_u = |u| */
typedef struct {
  int  b;
  wide F[BLOCK_SIZE], C[BLOCK_SIZE], Cb[BLOCK_SIZE], u[AD_BMAX];
  wide l[AD_BMAX], sigma2;
  wide W[BLOCK_SIZE], Lom[BLOCK_SIZE], Ew[BLOCK_SIZE], Dw[BLOCK_SIZE], norm_u;
} WideLaw;

/*
  law_compute - law of X(t), t >= 0 (in process/kernel.c)

  Output: law  all members; when the status is not KERNEL_OK only b, F, C, Cb and u
  Return: KERNEL_OK, KERNEL_FORGOTTEN or KERNEL_DEGENERATE
*/
int law_compute(const LinearSde *sde, wide t, WideLaw *law);

/*
  law_or_start - the same, but at t = 0 the limit: sigma2 = 0, u = e_x, Dw Dw^T = V0 (l, W, Ew are not set)
*/
int law_or_start(const LinearSde *sde, wide t, WideLaw *law);

#endif
