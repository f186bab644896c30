/*
  Memory of the start as a function of time: its laws at early and late times, and decay rates over a window
*/
#include "adfisher.h"
#include "private/wideimpl.h"
#include <petscblaslapack.h>

#define SHOWN 1e-8 /* components of an eigenvector of unit length below this are zero */
#define MERGED                                                                                               \
  1e-6 /* relative distance of eigenvalues, and cosine of left and right vector, that count as merged */

enum { FIT_TIMES = 33 };

const char *const fisher_names[FISHER_QUANTITIES] = {"fmc",   "f_xx",    "f_etaeta",
                                                     "joint", "x_alone", "eta_alone"};

void fisher_quantities(const KernelMemory *m, double *value)
{
  value[FISHER_FMC]       = m->total;
  value[FISHER_XX]        = m->xx;
  value[FISHER_AUX]       = m->aux;
  value[FISHER_JOINT]     = m->joint;
  value[FISHER_X_ALONE]   = m->x_alone;
  value[FISHER_AUX_ALONE] = m->aux_alone;
}

/* All quantities at t; NaN where no noise has reached x */
static void quantities_at(const LinearSde *sde, double t, double *value)
{
  KernelMemory m;

  for (int q = 0; q < FISHER_QUANTITIES; q++) value[q] = NAN;
  if (kernel_memory(sde, t, &m) == KERNEL_OK) fisher_quantities(&m, value);
}

void fisher_early(const LinearSde *sde, double *power, double *coefficient)
{
  double norm = 0, h, one[FISHER_QUANTITIES], half[FISHER_QUANTITIES];

  for (int i = 0; i < sde->b * sde->b; i++) norm += fabs(sde->M[i]);
  h = 1e-10 / norm;
  quantities_at(sde, h, one);
  quantities_at(sde, h / 2, half);
  for (int q = 0; q < FISHER_QUANTITIES; q++) {
    const double measured = log2(one[q] / half[q]), p = round(measured);

    power[q] = coefficient[q] = NAN;
    if (one[q] == 0 && half[q] == 0) coefficient[q] = 0;
    if (!(fabs(measured - p) < 1e-3)) continue; /* not yet a power: two noises of very different strength */
    power[q]       = p;
    coefficient[q] = 2 * half[q] / pow(h / 2, p) - one[q] / pow(h, p);
  }
}

void fisher_fit(const LinearSde *sde, double lo, double hi, double *rate, double *bend)
{
  const double middle = 0.5 * (lo + hi);
  double       value[FIT_TIMES][FISHER_QUANTITIES], spread = 0;

  for (int i = 0; i < FIT_TIMES; i++) {
    const double t = lo + (hi - lo) * i / (FIT_TIMES - 1);

    quantities_at(sde, t, value[i]);
    spread += (t - middle) * (t - middle);
  }
  for (int q = 0; q < FISHER_QUANTITIES; q++) {
    double mean = 0, slope = 0, away = 0;

    for (int i = 0; i < FIT_TIMES; i++) {
      const double y = value[i][q] >= DBL_MIN ? log(value[i][q]) : NAN;

      value[i][q] = y;
      mean += y / FIT_TIMES;
      slope += y * (lo + (hi - lo) * i / (FIT_TIMES - 1) - middle) / spread;
    }
    for (int i = 0; i < FIT_TIMES; i++)
      away += pow(value[i][q] - mean - slope * (lo + (hi - lo) * i / (FIT_TIMES - 1) - middle), 2);
    rate[q] = -slope;
    bend[q] = sqrt(away / FIT_TIMES);
  }
}

/* ---- late times: eigenmodes of M ---- */

typedef struct {
  int    b;
  double re[AD_BMAX], im[AD_BMAX];
  double left[AD_BMAX][AD_BMAX],
      right[AD_BMAX][AD_BMAX]; /* [mode][variable]; real and imaginary part of a pair in turn */
  double size_left[AD_BMAX][AD_BMAX], size_right[AD_BMAX][AD_BMAX]; /* absolute values of their components */
} Modes;

/* Absolute values of the components of eigenvectors as LAPACK stores them */
static void component_sizes(const Modes *m, const double (*vector)[AD_BMAX], double (*size)[AD_BMAX])
{
  for (int i = 0; i < m->b; i++) {
    const int first = m->im[i] < 0 ? i - 1 : i;

    for (int j = 0; j < m->b; j++)
      size[i][j] = m->im[i] == 0 ? fabs(vector[i][j]) : hypot(vector[first][j], vector[first + 1][j]);
  }
}

/* M by rows is M^T by columns, whose right eigenvectors are the left ones of M */
static PetscErrorCode FindModes(const LinearSde *sde, Modes *m)
{
  PetscBLASInt n = sde->b, room = 8 * AD_BMAX, stride = AD_BMAX, info;
  double       A[AD_BMAX * AD_BMAX], work[8 * AD_BMAX];

  PetscFunctionBegin;
  m->b = sde->b;
  PetscCall(PetscArraycpy(A, sde->M, n * n));
  LAPACKgeev_("V", "V", &n, A, &n, m->re, m->im, m->right[0], &stride, m->left[0], &stride, work, &room,
              &info);
  AdCheckRun(!info, "the eigenvalues of M were not found (geev %d)", (int)info);
  component_sizes(m, m->left, m->size_left);
  component_sizes(m, m->right, m->size_right);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which variables of X(0) a quantity is about, and which of X(t) it sees: first and one behind the last */
static void scope(int b, int q, int *start, int *start_end, int *seen, int *seen_end)
{
  *start     = q == FISHER_AUX ? 1 : 0;
  *start_end = q == FISHER_FMC || q == FISHER_AUX ? b : 1;
  *seen      = q == FISHER_AUX_ALONE ? 1 : 0;
  *seen_end  = q == FISHER_X_ALONE ? 1 : b;
}

static int any_shown(const double *size, int first, int end)
{
  for (int i = first; i < end; i++)
    if (size[i] > SHOWN) return 1;
  return 0;
}

/* Is e_j an eigenvector of M? Then its decay is known whatever other eigenvalues do */
static int is_mode(const LinearSde *sde, int j)
{
  for (int i = 0; i < sde->b; i++)
    if (i != j && sde->M[i * sde->b + j] != 0) return 0;
  return 1;
}

/* Largest real part among the modes that start j excites and that show in what is seen; -infinity: none */
static double slowest_mode(const LinearSde *sde, const Modes *m, int j, int seen, int seen_end)
{
  double slowest = -INFINITY;

  if (is_mode(sde, j)) return j >= seen && j < seen_end ? sde->M[j * sde->b + j] : slowest;
  for (int i = 0; i < m->b; i++)
    if (m->size_left[i][j] > SHOWN && any_shown(m->size_right[i], seen, seen_end))
      slowest = fmax(slowest, m->re[i]);
  return slowest;
}

/* The part of e_j in the modes whose eigenvalue has the real part `slowest`; false if that is no exponential */
static int late_response(const LinearSde *sde, const Modes *m, int j, double slowest, double *u)
{
  const int b = m->b;

  for (int c = 0; c < b; c++) u[c] = 0;
  if (is_mode(sde, j)) {
    u[j] = fabs(sde->M[j * b + j] - slowest) <= MERGED * fabs(slowest);
    return 1;
  }
  for (int i = 0; i < b; i++) {
    double cosine = 0;

    if (fabs(m->re[i] - slowest) > MERGED * fabs(slowest)) continue;
    for (int c = 0; c < b; c++) cosine += m->left[i][c] * m->right[i][c];
    if (m->im[i] != 0 || fabs(cosine) < MERGED) return 0;
    for (int c = 0; c < b; c++) u[c] += m->left[i][j] / cosine * m->right[i][c];
  }
  return 1;
}

/* u^T S^{-1} u over the variables that are seen, S their stationary covariance */
static double late_information(int b, const double *Cinf, const double *u, int seen, int seen_end)
{
  const int s = seen_end - seen;
  wide      S[BLOCK_SIZE], y[AD_BMAX];
  double    sum = 0;

  for (int r = 0; r < s; r++) {
    y[r] = u[seen + r];
    for (int c = 0; c < s; c++) S[r * s + c] = Cinf[(seen + r) * b + seen + c];
  }
  if (block_solve(s, 1, S, y)) return NAN;
  for (int r = 0; r < s; r++) sum += u[seen + r] * (double)y[r];
  return sum;
}

static void late_law(const LinearSde *sde, const double *Cinf, const Modes *m, int q, double *rate,
                     double *coefficient)
{
  int    start, start_end, seen, seen_end;
  double slowest = -INFINITY, u[AD_BMAX];

  scope(m->b, q, &start, &start_end, &seen, &seen_end);
  for (int j = start; j < start_end; j++) slowest = fmax(slowest, slowest_mode(sde, m, j, seen, seen_end));
  *coefficient = 0;
  if (!isfinite(slowest)) return;
  *rate = -2 * slowest;
  for (int j = start; j < start_end; j++)
    *coefficient +=
        late_response(sde, m, j, slowest, u) ? late_information(m->b, Cinf, u, seen, seen_end) : NAN;
}

/* Noise in every direction? Else the memory of some direction of X(0) is infinite */
static int full_rank(int b, const double *Cinf)
{
  wide C[BLOCK_SIZE], L[BLOCK_SIZE];

  block_widen(b * b, Cinf, C);
  return block_cholesky(b, C, 0, L) > 1e3 * DBL_EPSILON;
}

PetscErrorCode FisherLate(const LinearSde *sde, double *rate, double *coefficient)
{
  double Cinf[AD_BMAX * AD_BMAX];
  Modes  m = {0};

  PetscFunctionBegin;
  for (int q = 0; q < FISHER_QUANTITIES; q++) rate[q] = coefficient[q] = NAN;
  if (kernel_stationary(sde, Cinf) != KERNEL_OK || !full_rank(sde->b, Cinf))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindModes(sde, &m));
  for (int q = 0; q < FISHER_QUANTITIES; q++) late_law(sde, Cinf, &m, q, &rate[q], &coefficient[q]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
