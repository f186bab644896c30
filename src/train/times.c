#include "private/trainerimpl.h"
#include <math.h>

/*
  times_quantile - value below which a share p of the drawn times (or sigmas) lies

  Input:  law  uniform between lo and hi, or uniform in the logarithm
*/
double times_quantile(TimesLaw law, double lo, double hi, double p)
{
  return law == TIMES_UNIFORM ? lo + p * (hi - lo) : lo * pow(hi / lo, p);
}

/* Share of a normal variable below x, or above -x: the smaller of both tails to full precision */
static double normal_below(double x)
{
  return 0.5 * erfc(-x / sqrt(2));
}

/*
  lognormal_quantile - the same for log sigma ~ N(mean, deviation^2) cut to lo < sigma < hi

  Source: the law of training noises of preconditioned denoisers (EDM: P_mean, P_std)
  Note:   by bisection, in the tail that is nearer, so a range far out in one works too
*/
double lognormal_quantile(double mean, double deviation, double lo, double hi, double p)
{
  double       a = (log(lo) - mean) / deviation, b = (log(hi) - mean) / deviation;
  const int    upper = a + b > 0;
  const double below = normal_below(upper ? -b : a), above = normal_below(upper ? -a : b);
  const double share = below + (upper ? 1 - p : p) * (above - below);

  for (int bit = 0; bit < 64; bit++) {
    const double middle = 0.5 * (a + b);
    if ((normal_below(upper ? -middle : middle) < share) != upper)
      a = middle;
    else
      b = middle;
  }
  return fmin(fmax(exp(mean + deviation * 0.5 * (a + b)), lo), hi);
}

/* times_by_sigma - is t drawn through sigma? */
int times_by_sigma(TimesLaw law)
{
  return law == TIMES_SIGMA || law == TIMES_LOGNORMAL;
}

/* Value at share p of the law: a time, or a sigma */
static double quantile(const Trainer t, double lo, double hi, double p)
{
  if (t->law == TIMES_LOGNORMAL) return lognormal_quantile(t->p_mean + log(t->data_sd), t->p_std, lo, hi, p);
  return times_quantile((TimesLaw)t->law, lo, hi, p);
}

/* The range of t, or of sigma for the laws in sigma. */
static PetscErrorCode GetRange(Trainer t, double *lo, double *hi)
{
  Kernel end;

  PetscFunctionBegin;
  PetscCall(ProcessGetFinalTime(t->process, hi));
  *lo = t->t_min;
  if (times_by_sigma((TimesLaw)t->law)) {
    PetscCall(ProcessGetKernel(t->process, *hi, &end));
    AdCheckInput(
        t->sigma_max <= end.sigma * (1 + 1e-12),
        "-trainer_sigma_max: this process ends at sigma %.6g, got %g; lower it or raise -process_t_final",
        end.sigma, t->sigma_max);
    *lo = t->sigma_min;
    *hi = t->sigma_max > 0 ? PetscMin(t->sigma_max, end.sigma) : end.sigma;
  }
  AdCheckInput(*lo < *hi, "%s: expected less than %g, where this process ends, got %g",
               times_by_sigma((TimesLaw)t->law) ? "-trainer_sigma_min" : "-trainer_t_min", *hi, *lo);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kernels of this rank's nodes; failed is the number of times at which there is no law to learn. */
static PetscErrorCode ComputeNodes(Trainer t, double lo, double hi, int64_t first, int64_t n, int *failed)
{
  const LinearSde *sde;
  double           t_final;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(t->process, &sde));
  PetscCall(ProcessGetFinalTime(t->process, &t_final));
  *failed = 0;
  for (int64_t i = first; i < first + n; i++) {
    double time   = quantile(t, lo, hi, ((double)i + 0.5) / (double)t->nodes);
    int    status = KERNEL_OK;
    if (times_by_sigma((TimesLaw)t->law)) status = kernel_time_of_sigma(sde, time, t_final, &time);
    if (!status) status = kernel_compute(sde, time, &t->kernel[i]);
    if (status || (t->loss == &train_dsm && !t->kernel[i].c_regular)) (*failed)++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShareNodes(Trainer t, int64_t first, int64_t n)
{
  int size, *share, *at,
      mine[2] = {(int)(n * (int64_t)sizeof(Kernel)), (int)(first * (int64_t)sizeof(Kernel))};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscMalloc2(size, &share, size, &at));
  PetscCallMPI(MPI_Allgather(&mine[0], 1, MPI_INT, share, 1, MPI_INT, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allgather(&mine[1], 1, MPI_INT, at, 1, MPI_INT, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_BYTE, t->kernel, share, at, MPI_BYTE, PETSC_COMM_WORLD));
  PetscCall(PetscFree2(share, at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TrainerSetUpTimes - kernels at the nodes of the law of t, from which every batch draws

  Output: t->kernel[nodes]  at the midpoints of equally likely intervals of the law, t->weight[nodes][q*q] their weights
  Note:   a kernel costs 20 us (120 us if its time is to be found from sigma), a look-up nothing; the price is that the time
          integral of the loss is taken by the midpoint rule, with an error of order 1/nodes^2
  Errors: AD_ERR_INPUT when the range is empty, or has times at which the law of X(t) is degenerate
*/
PetscErrorCode TrainerSetUpTimes(Trainer t)
{
  const Coordinates *c;
  double             lo = 0, hi = 0, variance = 0;
  int64_t            first, n;
  int                failed;

  PetscFunctionBegin;
  PetscCall(DatasetGetCoordinates(t->dataset, &c));
  for (int i = 0; i < c->d; i++) variance += c->variance[i] / c->d;
  t->data_sd = sqrt(variance);
  PetscCall(GetRange(t, &lo, &hi));
  PetscCall(PetscMalloc1(t->nodes, &t->kernel));
  PetscCall(AdSplitRows(t->nodes, 1, &first, &n));
  PetscCall(ComputeNodes(t, lo, hi, first, n, &failed));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_SUM, PETSC_COMM_WORLD));
  AdCheckInput(
      !failed || times_by_sigma((TimesLaw)t->law),
      "-trainer_t_min: from t = %g on there is %sno law to learn at %d of %d times; take a larger one%s", lo,
      t->loss == &train_dsm ? "(given x0 and aux0) " : "", failed, (int)t->nodes,
      t->loss == &train_dsm ? " or -trainer_loss hsm" : "");
  AdCheckInput(!failed,
               "-trainer_sigma_min: this process has no usable times for %d of %d sigmas from %g on; take a "
               "larger one",
               failed, (int)t->nodes, lo);
  PetscCall(ShareNodes(t, first, n));
  PetscCall(ScoreNetWeights(t->score, (ScoreWeight)t->weighting, t->nodes, t->kernel, &t->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}
