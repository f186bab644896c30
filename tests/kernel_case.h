#ifndef KERNEL_CASE_H
#define KERNEL_CASE_H
/* Processes, and small algebra, that tests of their laws share */
#include "ad_check.h"
#include "private/wideimpl.h"

#define SIZE   (AD_BMAX * AD_BMAX)
#define TWO_PI 6.283185307179586

LinearSde passive_sde(double k, double temperature);
LinearSde active_sde(double k, double tau, double tp, double ta);
LinearSde cld_sde(double friction); /* beta 4, m 1/4, gamma 0.04 */
LinearSde general_sde(void);        /* full matrices, noise on all variables, correlated start */
LinearSde underdamped_sde(void);    /* x' = v, v' = -x - 0.8 v + eta: noise reaches x by way of v and eta */

/* Passive, active (general; k tau = 1, Tp = 0), CLD (critical; underdamped), general, underdamped active */
LinearSde law_example(int i);
enum { NLAWS = 7 };

/* The processes of reference/kernel_reference.h, NREFERENCE of them where that is included */
LinearSde reference_sde(int i);
#define NREFERENCE ((int)(sizeof kernel_reference / sizeof kernel_reference[0]))

Kernel kernel_at(const LinearSde *sde, double t);

/* C[n][m] = A[n][k] B[k][m]; At = A^T of A[n][m]; C = F S F^T */
void   multiply(int n, int k, int m, const double *A, const double *B, double *C);
void   transpose(int n, int m, const double *A, double *At);
void   congruence(int b, const double *F, const double *S, double *C);
double relative(double a, double b); /* |a - b|/|b| */
double dot(int n, const double *a, const double *b);

#endif
