#ifndef AD_SPECIATION_H
#define AD_SPECIATION_H
/*
  Speciation times: when the noise on x0 has as much variance as the widest direction of the data

  Pure kernels: no MPI, no allocation, no errors. Lambda is the largest eigenvalue of the covariance of the data.
  A time is the first t at which noise/signal reaches Lambda; with u = e^{M t} e_x and Cb the covariance of X given x0

    x alone   Cb_xx/u_x^2 = Lambda
    joint     sigma2(t) = 1/(u^T Cb^-1 u) = Lambda   (x and the auxiliary variables together; later than x alone)

  Times are NaN where the question makes no sense for the process, infinite where noise never reaches Lambda.
*/
#include "adkernel.h"

/* Lambda within these is answered: outside, sigma2 at the root or its neighbourhood leaves the range of double */
#define SPECIATION_LAMBDA_MIN 1e-250
#define SPECIATION_LAMBDA_MAX 1e250

typedef struct {
  double x_alone, joint;     /* exact roots, any process */
  double passive;            /* passive noise of the same stiffness at equal temperature: T = Ta */
  double equivalent_passive; /* at equal stationary variance of x: T = k Cinf_xx, for Tp = 0 Ta/(1 + k tau) */
  double active_x, active_joint; /* x_alone and joint of an active process */
  double clock_x; /* sigma2 at x_alone over Lambda: what the auxiliary variables still know, 1: nothing */
} SpeciationTimes;

/*
  speciation_passive - passive noise dx = -k x dt + sqrt(2 T) dW: e^{-2kt} Lambda = (T/k)(1 - e^{-2kt})

  Input:  k, T, lambda > 0
  Return: log(1 + Lambda k/T)/(2k), exact
*/
double speciation_passive(double k, double T, double lambda);

/*
  speciation_joint - the time at which the clock shows Lambda

  Input:  lambda  from SPECIATION_LAMBDA_MIN to _MAX
  Output: t  relative error below 1e-13; infinite if sigma2 stays below lambda for ever
  Return: KERNEL_OK, or KERNEL_DEGENERATE if no noise reaches x, or times leave the range of double
*/
int speciation_joint(const LinearSde *sde, double lambda, double *t);

/*
  speciation_x_alone - first time at which Cb_xx = Lambda u_x^2

  Input:  lambda, t_joint  a root of speciation_joint: x alone knows no more than the whole state, so it is a bound
  Output: t  in (0, t_joint], relative error below 1e-13
  Note:   where x acts on the auxiliary variables (CLD) u_x may cross zero and the ratio need not rise; the interval is
          then scanned in steps of a quarter of the shortest time scale for the first crossing
*/
int speciation_x_alone(const LinearSde *sde, double lambda, double t_joint, double *t);

/*
  speciation_times - exact times of all criteria that make sense for a process

  Input:  sde, lambda, T  temperature of the passive noise that an active process is compared with, 0: its own Ta
  Output: times
  Return: KERNEL_OK or the status of what failed
  Source: paper eqs. A52, A57, A58 with k and Tp kept; joint as derived above
  Cost:   about 20 kernels a root, well below a millisecond
*/
int speciation_times(const LinearSde *sde, double lambda, double T, SpeciationTimes *times);

/*
  speciation_asymptotes - the same for large Lambda: log(Lambda/variance)/(2k), where variance is that of x at t = infinity
  (x alone), of x there given the auxiliary variables (joint; active: Tp/k + Ta/(k (1 + k tau)^2)), or T/k (passive)

  Output: times  NaN where speciation_times says NaN, and where x acts on the auxiliary variables; clock_x = joint/x alone
          of these variances
*/
void speciation_asymptotes(const LinearSde *sde, double lambda, double T, SpeciationTimes *times);

#endif
