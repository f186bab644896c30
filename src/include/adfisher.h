#ifndef AD_FISHER_H
#define AD_FISHER_H
#include "adlikelihood.h"

/*
  What a noised state remembers of its start: the numbers of KernelMemory as functions of time, their laws at
  early and late times, a check of them by sampling, and the mutual information that goes with them
*/
enum {
  FISHER_FMC,       /* trace of F: the paper's Fisher memory curve, a dimension */
  FISHER_XX,        /* its x part: memory of x0 when aux0 is known */
  FISHER_AUX,       /* the rest: memory of aux0 */
  FISHER_JOINT,     /* 1/sigma2: memory of x0 in (x, aux) when aux0 is not known */
  FISHER_X_ALONE,   /* the same in x alone */
  FISHER_AUX_ALONE, /* the same in the auxiliary variables alone */
  FISHER_QUANTITIES
};
extern const char *const fisher_names[FISHER_QUANTITIES]; /* of datasets: fmc, f_xx, f_etaeta, ... */

/* fisher_quantities - m as value[FISHER_QUANTITIES] */
void fisher_quantities(const KernelMemory *m, double *value);

/*
  fisher_early - leading law as t -> 0: coefficient t^power

  Output: power[FISHER_QUANTITIES], coefficient[FISHER_QUANTITIES]; NaN where there is none, power NaN and
          coefficient 0 of a quantity that is zero
  Source: from the values at two times 1e10 times shorter than the fastest of the process, extrapolated. For
          active noise, Tp = 0, that is F_xx = 6 tau^2/(Ta t^3), F_etaeta = 2 tau^2/(Ta t), J = F_xx/4,
          x alone tau/(Ta t^2)
*/
void fisher_early(const LinearSde *sde, double *power, double *coefficient);

/*
  FisherLate - leading law as t -> infinity: coefficient e^{-rate t}

  Not collective
  Output: rate[FISHER_QUANTITIES]         twice the slowest rate among the eigenmodes of M that the start
                                          excites and that show in what is seen of X; NaN without a stationary
                                          law of full rank, or where the quantity is zero
          coefficient[FISHER_QUANTITIES]  NaN where the prefactor is no constant: complex or merging
                                          eigenvalues (k tau = 1)
  Source: C_t -> C_inf, F -> e^{M^T t} C_inf^{-1} e^{M t}. For active noise F_xx = J = e^{-2kt}/S_inf with
          S_inf = Tp/k + Ta/(k (1 + k tau)^2), and for Tp = 0
          F_etaeta = e^{-2kt} tau^2/((1 - k tau)^2 S_inf) if k tau < 1,
          e^{-2t/tau} tau (1 + k tau)^2/(Ta (k tau - 1)^2) if k tau > 1
*/
PetscErrorCode FisherLate(const LinearSde *sde, double *rate, double *coefficient);

/*
  fisher_fit - decay rate over a window of times: minus the slope of a straight line through log of the quantity

  Input:  lo < hi  window, 33 evenly spaced times
  Output: rate[FISHER_QUANTITIES]  NaN where the quantity is zero, underflows or is not known
          bend[FISHER_QUANTITIES]  root mean square distance of the logarithm from the line: 0 for an exponential
*/
void fisher_fit(const LinearSde *sde, double lo, double hi, double *rate, double *bend);

/* Divergence (Kullback-Leibler) of the laws from X(0) and from X(0) + delta e_direction, a dimension */
typedef struct {
  double delta, expected; /* F_ii delta^2/2 */
  double value, err;      /* from clouds, and its standard error */
} FisherDivergence;

/*
  FisherCheckPoint - the divergence from two clouds of states, to hold against dX(0)^T F dX(0)/2

  Not collective
  Input:  memory at t, direction, size  displacement in units of 1/sqrt(F_ii): the expected value is size^2/2
          N        states a cloud, each carried to t in 8 exact steps of t/8: F and C at t enter nowhere
          stream   its step and the next are used
  Note:   the estimator is the mean log-ratio of two Gaussians of one covariance fitted to the clouds,
          dm^T S^{-1} dm/2, freed of its bias: ((nu - b - 1)/nu dm^T S^{-1} dm - 2b/N)/2 with nu = 2N - 2. Up to
          factors it is Hotelling's T^2, which has a noncentral F distribution, so its variance is finite and
          known. The mean of the exact log-ratio would only confirm itself
*/
PetscErrorCode FisherCheckPoint(const LinearSde *sde, const KernelMemory *memory, int direction, double size,
                                int64_t N, RngStream stream, FisherDivergence *out);

/* Mutual information of x0 and what is seen of X, in nats */
typedef struct {
  double value, err; /* err: over rows, rounding included */
  double exact;      /* by quadrature in one dimension, else NaN */
} FisherInformation;

/*
  FisherInformationCompute - I(x0; z), z = x0 + noise of variance 1/J

  Collective
  Input:  J        1/sigma2: joint, x_alone or aux_alone of KernelMemory; 0 stores exactly nothing, NaN is passed on
          process  any; score, law  exact ones of the data; rows as for DenoiseCompute
  Note:   (x, aux), x alone and aux alone are Gaussian given x0 with a mean linear in it: each is as good as one z
*/
PetscErrorCode FisherInformationCompute(Process process, Score score, const MixtureData *law, double J,
                                        RngStream stream, int64_t N, int64_t first, int64_t n,
                                        const double *x0, const int *label, FisherInformation *out);

#endif
