#ifndef SCHEME_CASE_H
#define SCHEME_CASE_H
/* Processes and laws that tests of the tables share */
#include <string.h>
#include "ad_check.h"
#include "adscheme.h"

#define SIZE (AD_BMAX * AD_BMAX)

LinearSde active_sde(double k, double tau, double tp, double ta);
LinearSde passive_sde(double k, double temperature);

/* Passive, active, CLD, three variables; the last starts from aux = 0, where its reverse process is stiff */
LinearSde example_sde(int i);
enum { NSMOOTH = 5, NEXAMPLES = 6 };

Kernel kernel_at(const LinearSde *sde, double t);

/* The law at s >= 0, as far as it exists at 0 */
Kernel law_at(const LinearSde *sde, double s);

double dot(int n, const double *a, const double *b);

/* F S F^T + L L^T */
void covariance_after(int b, const double *F, const double *S, const double *L, double *C);

/* Mean and covariance of X, data N(DATA_MEAN, DATA_VARIANCE) */
#define DATA_MEAN     0.5
#define DATA_VARIANCE 0.3

typedef struct {
  double m[AD_BMAX], S[SIZE];
} Moments;

Moments moments_at(const Kernel *k);

#endif
