#ifndef SAMPLER_CASE_H
#define SAMPLER_CASE_H
/* Samplers from strings of options, and the statistics that tests of samplers share */
#include "ad_check.h"
#include "refusal.h"
#include "private/samplerimpl.h"
#include <stdlib.h>
#include <string.h>

#define GAUSSIAN "-dataset_means 0.5 -dataset_variances 0.3 "
#define POINT    "-dataset_means 0.7 -dataset_variances 0 "
#define DIAMOND  "-dataset_preset diamond "
#define PASSIVE  "-process_type passive -process_k 1.3 -process_tp 0.8 "
#define ACTIVE   "-process_type active -process_k 1.3 -process_tau 0.7 -process_ta 0.9 "
#define BOTH     ACTIVE "-process_tp 0.2 "
#define CLD      "-process_type cld "
#define BATHS                                                                                                \
  "-process_type general -process_m -1,1,1,0,-2,0,0,0,-5 -process_g 0,0,0,0,2,0,0,0,6 "                      \
  "-process_cov0 1,0,0,3.6 "

enum { PROCESSES = 5 };
extern const char *const processes[PROCESSES];

typedef struct {
  Process process;
  Dataset dataset;
  Score   score;
  Sampler sampler;
} Case;

extern uint64_t sampler_seed; /* set before each test; tests that need independent runs count it up */
void            reset_seed(void);

/* A sampler, ready to solve */
PetscErrorCode make(const char *process, const char *data, const char *sampler, Case *c);
PetscErrorCode drop(Case *c);

/* All samples on all ranks, X[N][b*d]; caller frees */
double *gather(const Case *c);

/* One recorded frame of all paths, X[n][b*d]; caller frees */
double *gather_frame(const Case *c, int frame);

/* A run from these options; all samples on all ranks */
double *sampled(const char *process, const char *data, const char *sampler);

/*
  march - the definition of a run, without TS, ranks and waves: all stages of the plan for N samples

  In/out: X[N][b*d]
  Output: z[nsteps+1][N][d], l.X at all times of the grid but the last, where it is x; or NULL
*/
void march(const Case *c, int64_t N, double *X, double *z);

/* Does this end in the error, with a message that contains text? */
void assert_refused(const char *process, const char *data, const char *sampler, PetscErrorCode expected,
                    const char *text);

/* Are sample moments those of N(mean, cov), to five standard errors? Column i of X[N][b][d] */
void assert_moments(int b, int d, int64_t N, const double *X, int i, const double *mean, const double *cov,
                    const char *what);

/* u m and Cb + V u u^T: the law at the kernel's time of data N(m, V) */
void gaussian_law(const Kernel *k, double m, double V, double *mean, double *cov);

/* Two-sample Kolmogorov-Smirnov statistic of y = (1, tilt).x of the first two columns, times sqrt(N/2) */
double kolmogorov(int64_t N, double tilt, int width1, const double *X1, int width2, const double *X2);

/* Each of these tests is a case of its own, which starts from the same seed */
Suite *sampler_tests(const char *name, size_t n, const TTest *const *parts);

#endif
