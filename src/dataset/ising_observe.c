#include "private/isingimpl.h"
#include <math.h>

/* Mean and variance over rows, with their standard errors; NaN where there are too few rows to tell */
typedef struct {
  double mean, mean_error, variance, variance_error;
} Spread;

static Spread find_spread(int64_t N, const double *value, int use_modulus)
{
  const double count = (double)N;
  double       mean = 0, second = 0, fourth = 0;

  for (int64_t r = 0; r < N; r++) mean += (use_modulus ? fabs(value[r]) : value[r]) / count;
  for (int64_t r = 0; r < N; r++) {
    const double square = pow((use_modulus ? fabs(value[r]) : value[r]) - mean, 2);

    second += square / count;
    fourth += square * square / count;
  }
  if (N < 2) return (Spread){mean, NAN, NAN, NAN};
  return (Spread){mean, sqrt(second / (count - 1)), second * count / (count - 1),
                  sqrt(fmax(0, fourth - second * second) / count)};
}

/* One line of the table, and attributes of /ising: the estimate, its error, and the exact value where it has a name. */
static PetscErrorCode Report(Output out, const char *name, const char *text, double value, double error,
                             const char *exact_name, double exact)
{
  char key[64];

  PetscFunctionBegin;
  PetscCall(AdPrint("          %-20s %13.8f %11.8f", text, value, error));
  if (exact_name) PetscCall(AdPrint(" %13.8f", exact));
  PetscCall(AdPrint("\n"));
  PetscCall(OutputAttrReal(out, "/ising", name, 1, &value));
  snprintf(key, sizeof(key), "%s_stderr", name);
  PetscCall(OutputAttrReal(out, "/ising", key, 1, &error));
  if (exact_name) PetscCall(OutputAttrReal(out, "/ising", exact_name, 1, &exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReportAll(const Ising *s, int64_t N, const double *energy, const double *m, Output out)
{
  const double sites = (double)s->side * (double)s->side, T = s->T;
  const Spread e = find_spread(N, energy, 0), modulus = find_spread(N, m, 1);
  double       u, c;

  PetscFunctionBegin;
  ising_exact((int)s->side, T, &u, &c);
  PetscCall(AdPrint("ising     %-20s %13s %11s %13s\n", "a site", "rows", "error", "exact"));
  PetscCall(Report(out, "mean_energy", "energy", e.mean, e.mean_error, "exact_energy", u));
  PetscCall(Report(out, "specific_heat", "specific heat", sites * e.variance / (T * T),
                   sites * e.variance_error / (T * T), "exact_specific_heat", c));
  PetscCall(Report(out, "abs_magnetisation", "|magnetisation|", modulus.mean, modulus.mean_error, NULL, 0));
  PetscCall(Report(out, "susceptibility", "susceptibility", sites * modulus.variance / T,
                   sites * modulus.variance_error / T, NULL, 0));
  PetscCall(AdPrint("          infinite lattice: |magnetisation| %.8f, Tc 2.26918531\n", ising_order(T)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums of the correlation and of its square over this rank's blocks of rows: block[.][2][width] */
static void add_correlation(int width, int64_t r, const double *correlation, double *block)
{
  double *to = block + r / DATASET_BLOCK * 2 * width;

  for (int k = 0; k < width; k++) {
    to[k] += correlation[k];
    to[width + k] += correlation[k] * correlation[k];
  }
}

static PetscErrorCode WriteCorrelation(int width, int64_t N, const double *sum, Output out)
{
  const DataInfo mean  = {"distance", "1", "mean of s_i s_j along rows and columns, from distance 0"};
  const DataInfo error = {"distance", "1", "standard error over rows"};
  const int64_t  dims  = width;
  const double   count = (double)N;
  double        *value, *deviation;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(width, &value, width, &deviation));
  for (int k = 0; k < width; k++) {
    value[k]     = sum[k] / count;
    deviation[k] = N > 1 ? sqrt(fmax(0, sum[width + k] / count - value[k] * value[k]) / (count - 1)) : NAN;
  }
  PetscCall(AdPrint("          correlation at distance 1: %.6f(%.6f), %d: %.6f(%.6f)\n", value[1],
                    deviation[1], width - 1, value[width - 1], deviation[width - 1]));
  PetscCall(OutputWrite(out, "/ising/correlation", AD_DOUBLE, 1, &dims, value, &mean));
  PetscCall(OutputWrite(out, "/ising/correlation_stderr", AD_DOUBLE, 1, &dims, deviation, &error));
  PetscCall(PetscFree2(value, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRowValues(int64_t N, int64_t first, int64_t n, const double *energy,
                                     const double *m, Output out)
{
  const DataInfo energies = {"sample", "J", "energy a site"};
  const DataInfo magnets  = {"sample", "1", "magnetisation a site"};

  PetscFunctionBegin;
  PetscCall(OutputWriteRows(out, "/ising/energy", AD_DOUBLE, 1, &N, first, n, energy, &energies));
  PetscCall(OutputWriteRows(out, "/ising/magnetisation", AD_DOUBLE, 1, &N, first, n, m, &magnets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetObserve_Ising - energy, specific heat c = V(E)/(sites T^2), |magnetisation|, susceptibility V(|M|)/(sites T) and
  two-point correlation of rows beside what is exact for the finite lattice

  Collective; groups of rows begin at multiples of DATASET_BLOCK.

  Input: x[n][d]  this rank's rows first .. first + n of N
  Note:  standard errors take the rows for independent, which they are
*/
PetscErrorCode DatasetObserve_Ising(Dataset dataset, int64_t N, int64_t first, int64_t n, const double *x,
                                    Output out)
{
  const Ising  *s     = (const Ising *)dataset->data;
  const int     width = (int)(s->side / 2 + 1), d = dataset->coordinates.d;
  const int64_t blocks = (N + DATASET_BLOCK - 1) / DATASET_BLOCK,
                mine   = (n + DATASET_BLOCK - 1) / DATASET_BLOCK;
  double *energy, *m, *all_energy, *all_m, *correlation, *block, *sum;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(n, &energy, n, &m, N, &all_energy, N, &all_m, width, &correlation));
  PetscCall(PetscCalloc2(mine * 2 * width, &block, 2 * width, &sum));
  for (int64_t r = 0; r < n; r++) {
    ising_measure((int)s->side, x + r * d, &energy[r], &m[r], correlation);
    add_correlation(width, r, correlation, block);
  }
  PetscCall(AdGatherRows(N, n, 1, energy, all_energy));
  PetscCall(AdGatherRows(N, n, 1, m, all_m));
  PetscCall(AdSumBlocks(blocks, mine, 2 * width, block, sum));
  PetscCall(WriteRowValues(N, first, n, energy, m, out));
  PetscCall(ReportAll(s, N, all_energy, all_m, out));
  PetscCall(WriteCorrelation(width, N, sum, out));
  PetscCall(PetscFree5(energy, m, all_energy, all_m, correlation));
  PetscCall(PetscFree2(block, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}
