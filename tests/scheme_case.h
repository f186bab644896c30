#ifndef SCHEME_CASE_H
#define SCHEME_CASE_H
/* Processes and laws that tests of the tables share */
#include <string.h>
#include "kernel_case.h"
#include "adscheme.h"

/* Passive, active, CLD, three variables; the last starts from aux = 0, where its reverse process is stiff */
LinearSde example_sde(int i);
enum { NSMOOTH = 5, NEXAMPLES = 6 };

/* The law at s >= 0, as far as it exists at 0 */
Kernel law_at(const LinearSde *sde, double s);

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
