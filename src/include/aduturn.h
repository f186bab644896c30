#ifndef AD_UTURN_H
#define AD_UTURN_H
#include "adsampler.h"

/*
  U-turn experiment: noise x0 to time t, then run the reverse process twice from the same X_t with independent noise. Do the
  two ends (clones) belong to the same class, and is it that of x0? With the exact score of a Gaussian mixture an end is a draw
  from P(x0 | X_t), so that

    agreement = E sum_c R_c^2,   recovery = E R_true,   R_c = P(class c | X_t),

  whatever the process. What is done to the auxiliary variables of X_t before the turn shows what they knew of the class.
*/
typedef enum {
  UTURN_KEEP,     /* nothing */
  UTURN_SCRAMBLE, /* those of the coordinates of a sample change places */
  UTURN_RESAMPLE, /* drawn anew given x: what is left is what x alone knows */
  UTURN_BATCH,    /* those of another sample */
  UTURN_ARMS
} UturnArm;
extern const char *const uturn_arm_names[UTURN_ARMS + 1];

/* ---- theory: two clusters N(c +- m, s^2) of equal weight ---- */

typedef struct {
  double separation2; /* |m|^2 */
  double width2;      /* s^2 */
  double overlap; /* (sum_i m_i)^2/(d |m|^2): what a rearrangement of coordinates leaves of m on average */
  int    centred; /* c = 0 */
} TwoClusters;

/*
  two_clusters_of - are the data two clusters of equal weight and equal isotropic width?

  Return: 1 if so, and then the members of out
*/
int two_clusters_of(const MixtureData *law, TwoClusters *out);

/*
  uturn_moments - agreement and recovery where the log-odds of the two classes are 2 (mean + sqrt(variance) g), g ~ N(0, 1)

  Input:  variance >= 0
  Output: agreement = E[p^2 + (1 - p)^2], recovery = E[p], p = 1/(1 + e^{-2 (mean + sqrt(variance) g)})
  Note:   trapezoid rule with a step below the distance of the poles of p: error below 1e-13 up to variance 1e8
  Cost:   max(120, 100 sqrt(variance)) exponentials
*/
void uturn_moments(double mean, double variance, double *agreement, double *recovery);

/* uturn_phi - agreement and recovery of two clusters, R = |m|^2/(sigma2 + s^2): log-odds of mean R and variance R. */
double uturn_phi(double R);

/*
  uturn_predict - agreement and recovery of two clusters in an arm

  Input:  k  the law at the time of the turn
  Output: agreement, recovery; NaN where they are not known (scramble of clusters that are not centred)
  Note:   keep: phi(R). resample: agreement phi(R), recovery phi(R_x) with R_x of x alone. batch: exact.
          scramble: of leading order in 1/d, as if the rearranged m had its average part along m and nothing else
*/
void uturn_predict(const TwoClusters *clusters, const Kernel *k, UturnArm arm, double *agreement,
                   double *recovery);

/* ---- what the arms do, as pure kernels on states X[n][b*d] ---- */

/*
  uturn_scramble - give the auxiliary variables of coordinate i to another one, by a random permutation of each sample

  Input:  words[n][d]  random bits
  In/out: X[n][b*d]; work[d]
*/
void uturn_scramble(int b, int d, int64_t n, const uint32_t *words, double *X, double *work);

/*
  uturn_resample - draw the auxiliary variables anew given x, from P(x0 | x) and then P(aux | x0, x)

  Input:  law, k       data and the law at the time of X
          R[n][law->n] P(c | x), as mixture_posterior finds it for x/u_x with variance uturn_x_sigma2
          u[n]         uniform, e[n][b+1][d] normal numbers
  In/out: X[n][b*d]    x is kept
  Note:   given x0, X = u (x0 + sigma e_0) + Dw e_w with unit normals; those drawn are moved along their gradient until they
          give the x that is there: no covariance is inverted, so it holds at small t as well
*/
void uturn_resample(const MixtureData *law, const Kernel *k, int64_t n, const double *R, const double *u,
                    const float *e, double *X);

/* uturn_x_sigma2 - variance of x/u_x given x0: the clock of x alone. */
double uturn_x_sigma2(const Kernel *k);

/* uturn_x_scaled - x/u_x[n][d] of states X[n][b*d]. */
void uturn_x_scaled(const Kernel *k, int d, int64_t n, const double *X, double *z);

/* ---- the experiment ---- */

enum { UTURN_TIMES = 256 };

typedef struct {
  PetscInt  samples; /* 0: no experiment */
  PetscInt  steps, nt;
  PetscBool fractions; /* times are multiples of the joint speciation time */
  PetscReal time[UTURN_TIMES];
  PetscBool arm[UTURN_ARMS];
} UturnOptions;

PetscErrorCode UturnReadOptions(UturnOptions *o);

typedef struct {
  double agreement, agreement_err;
  double recovery, recovery_err;
  double posterior_agreement, posterior_agreement_err; /* E sum_c R_c^2 over the same X_t */
  double posterior_recovery, posterior_recovery_err;   /* E R_true */
  double excess_agreement, excess_agreement_err;       /* clones less posterior, row by row */
  double excess_recovery, excess_recovery_err;
  double theory_agreement, theory_recovery; /* NaN where the data are not two clusters */
} UturnResult;

/*
  Uturn - results of an experiment: process points, times, arms

  An arm that a process does not have (no auxiliary variables) is NaN
*/
typedef struct {
  UturnOptions options;
  PetscInt     np, na;
  UturnArm     arm[UTURN_ARMS]; /* [na] */
  double      *time;            /* [np][nt] */
  double      *sigma2;          /* [np][nt] */
  double      *x_sigma2;        /* [np][nt] */
  UturnResult *result;          /* [np][nt][na] */
} Uturn;

PetscErrorCode UturnCompute(const UturnOptions *o, PetscInt np, Process *process, const double *joint,
                            Dataset dataset, uint64_t seed, Uturn *uturn);
PetscErrorCode UturnPrint(const Uturn *uturn, Process *process);
PetscErrorCode UturnWrite(const Uturn *uturn, Output out);
PetscErrorCode UturnDestroy(Uturn *uturn);

#endif
