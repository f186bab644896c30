#ifndef AD_SCHEME_H
#define AD_SCHEME_H
/*
  A sampler as a list of stages, one or more a time step, each an affine map of every coordinate:

    X' = A X + B g_eff + L xi,   xi ~ N(0, I)

  g is what the score model delivers at (X, t): the score in z, sz = d log p_z/dz (g_is_mean = 0), or the
  posterior mean x0hat = z + sigma2 sz (g_is_mean = 1). What was learnt before enters through

    g_eff = weight g + sum_j difference_j (x0hat - x0hat_j)

  with x0hat_1 of the last evaluation that was kept, x0hat_2 of the one before. Tables are made once a run; one
  loop does all schemes.
*/
#include "adkernel.h"

#define AD_HISTORY 3 /* earlier evaluations that a stage may use */
#define AD_STAGES  2 /* of a time step, without those that any scheme can be given */

typedef struct {
  int    b, q;
  double A[AD_BMAX * AD_BMAX]; /* [b][b] */
  double B[AD_BMAX * AD_BMAX]; /* [b][q] */
  double L[AD_BMAX * AD_BMAX]; /* [b][b], L L^T is the covariance of the noise */
  double t;                    /* the time at which the model is asked; without a question, any near it */
  int    evaluates;            /* 0: no g, and B is zero */
  int    g_is_mean;
  int    keep; /* x0hat becomes x0hat_1 for the stages that follow */
  double weight, difference[AD_HISTORY];
} AffineStage;

/* ---- schemes ---- */

/* Where a step stands in its run */
typedef struct {
  const LinearSde *sde;
  int              q, order;
  int              i, n; /* step i of n */
  const double    *from,
      *to; /* [n] it leads from time from[i] to to[i]; churn makes from[i] later than to[i-1] */
  const double *sigma, *sigma_to; /* [n] at from and at to, sigma_to[n-1] = 0 */
  double        smooth; /* as a function of sigma2 the posterior mean is smooth on this scale and below */
  int           undisturbed; /* states are moved by these steps alone: no churn, no corrector */
} SchemeStep;

typedef struct {
  const char *name, *text;
  int         order, order_min, order_max;   /* of -sampler_order: default and range */
  int         evaluations, evaluations_last; /* of the model, in a step and in the last one */
  int         stochastic;
  int         can_be_unstable; /* the others are bounded by the posterior means at any step length */
  int         grid_scales;     /* best on grid scales */
  int reaches_zero; /* its last step to sigma = 0 has full order, so that it may start from a larger sigma */
  int (*fill)(const SchemeStep *step, AffineStage *stage,
              int *count); /* NULL: the flow, which has no tables */
} Scheme;

/* Order as in the table */
typedef enum {
  SCHEME_EM,
  SCHEME_ANC,
  SCHEME_DDIM,
  SCHEME_HEUN,
  SCHEME_SSCS,
  SCHEME_ABM,
  SCHEME_FLOW,
  SCHEME_COUNT
} SchemeType;

extern const Scheme scheme_table[SCHEME_COUNT];

/*
  scheme_<name>_fill - the stages of one time step

  Output: stage[AD_STAGES], count  how many of them
  Return: status of the kernels it needs
*/
int scheme_em_fill(const SchemeStep *step, AffineStage *stage, int *count);
int scheme_anc_fill(const SchemeStep *step, AffineStage *stage, int *count);
int scheme_ddim_fill(const SchemeStep *step, AffineStage *stage, int *count);
int scheme_heun_fill(const SchemeStep *step, AffineStage *stage, int *count);
int scheme_sscs_fill(const SchemeStep *step, AffineStage *stage, int *count);
int scheme_abm_fill(const SchemeStep *step, AffineStage *stage, int *count);

/*
  reverse_coefficients - right-hand side of the reverse process, dX/dr = A X + B g + noise, r = t_f - t

  Input:  k       the law at t > 0
          weight  1 for the reverse SDE (noise G xi), 1/2 for the probability flow ODE (no noise)
          q       1: g = sz, and the data-free part of the score, -R X, is added in closed form
                  b: g = (sz, sw_1 .. sw_{b-1}), all of the score comes from the model: score = l sz + Ew sw
  Output: A[b][b], B[b][q]
  Source: paper eqs. 10, 11 with the signs of the drift mended: dX/dr = -M X + weight Q score
  Note:   for the exact score sw = -e_w = -Ew^T X, and both q give the same right-hand side
*/
void reverse_coefficients(const LinearSde *sde, const Kernel *k, double weight, int q, double *A, double *B);

/*
  flow_coefficients - the same for the probability flow (weight 1/2, q = 1) at time t

  Return: status of kernel_compute; nothing is written unless it is KERNEL_OK
*/
int flow_coefficients(const LinearSde *sde, double t, double *A, double *B);

/*
  scheme_em - Euler-Maruyama step of the reverse SDE, score taken at t

  Input:  0 <= s < t;  q = 1 or b as in reverse_coefficients
  Output: stage, g_is_mean = 0
  Return: status of the kernel at t
  Source: paper eqs. 10, 11 and the discretisation of its appendix A2
*/
int scheme_em(const LinearSde *sde, double t, double s, int q, AffineStage *stage);

/*
  scheme_anc - ancestral step: draw X_s from its law given X_t and x0 = x0hat

  Input:  0 <= s < t
  Output: stage, g_is_mean = 1
  Return: status of the kernels at t and (s > 0) at s
  Note:   X' = K X + (u_s - K u_t) x0hat + N(0, V), K = Cb_s F^T Cb_t^{-1}, V = Cb_s - K F Cb_s,
          F = e^{M(t-s)}, worked out in (z, e_w), where no inverse is needed. Exact at any step length when
          x0 is known. At s = 0 it ends in x0hat and a draw of aux0
*/
int scheme_anc(const LinearSde *sde, double t, double s, AffineStage *stage);

/*
  scheme_ddim - noise-free step in the clock: z' = x0hat + (sigma_s/sigma_t)(z - x0hat), e_w' = e_w

  Input:  0 <= s < t
  Output: stage, g_is_mean = 1, L = 0
  Return: status of the kernels at t and (s > 0) at s
  Note:   the exact probability flow in z for x0hat frozen over the step
*/
int scheme_ddim(const LinearSde *sde, double t, double s, AffineStage *stage);

/*
  scheme_denoise - last step of a sampler: the posterior mean of (x0, aux0) given X_t

  Input:  t > 0;  g_is_mean  which g the sampler provides
  Output: stage, L = 0
  Return: status of the kernel at t
  Source: paper appendix A2.6; E[aux0 | X] = -V0 F^T score, E[x0 | X] = z + sigma2 sz
*/
int scheme_denoise(const LinearSde *sde, double t, int g_is_mean, AffineStage *stage);

/* stage_reset - nothing yet, but a model asked at t whose answer is kept; q = 0: no question */
void stage_reset(int b, int q, double t, int g_is_mean, AffineStage *stage);

/* scheme_drop_noise - last step without its noise: the mean of the step, L = 0 */
void scheme_drop_noise(AffineStage *stage);

/*
  scheme_multistep - make a stage second order: x0hat extrapolated in log sigma to the middle of the step

  Input:  sigma at the previous, this and the next time of the grid (sigma_s > 0)
  Output: stage->difference[0] = rr/2 for g = x0hat, (rr/2)/sigma_t^2 for g = sz; rr = ratio of steps in log
          sigma
  Note:   leave it at 0 on the first step, where there is no previous x0hat, and on a last step to s = 0
*/
void scheme_multistep(double sigma_prev, double sigma_t, double sigma_s, AffineStage *stage);

/* multistep_fill - scheme_multistep for order 2 where a step has one before it and does not end at 0 */
void multistep_fill(const SchemeStep *step, AffineStage *stage);

/*
  scheme_heun - both stages of Heun's step of dz/dsigma = (z - x0hat)/sigma, e_w kept

  Input:  0 < s < t
  Output: stage[2]: that of ddim, then z'' = z' + (1 - r)/(2 r) (x0hat' - x0hat), r = sigma_s/sigma_t
  Return: status of the kernels at t and s
*/
int scheme_heun(const LinearSde *sde, double t, double s, AffineStage *stage);

/*
  scheme_sscs - both stages of the symmetric splitting of the reverse SDE about its stationary law C

  Input:  0 <= s < t;  q  as in scheme_em
  Output: stage[2]: half a step of dX = Mr X dr + G dW, Mr = -M - Q C^{-1}, exactly; then, with the score at the
          middle of the step, X + (t - s) Q (score + C^{-1} X), and the other half
  Return: status of the kernel at the middle; KERNEL_UNSTABLE or KERNEL_DEGENERATE without a regular C
  Source: Dockhorn, Vahdat and Kreis 2022 (for CLD); here for any linear noise with a stationary law
*/
int scheme_sscs(const LinearSde *sde, double t, double s, int q, AffineStage *stage);

/*
  scheme_abm - Adams-Bashforth-Moulton step of the probability flow in the clock

  With y = sigma_s/sigma the flow is z' = r z + int_r^1 x0hat(sigma_s/y) dy, r = sigma_s/sigma_t. The integral is
  taken of a polynomial through the last `order` posterior means. The same integral over the step before, now with
  the new mean among the nodes, corrects the state in which that mean was evaluated; as states and means enter
  linearly, predictor and corrector are one stage with one evaluation.

  Input:  step  (order 1 to 3; the corrector needs undisturbed)
  Output: stage
  Return: status of the kernels at both ends
  Note:   the polynomial is one in log(smooth + sigma2), not in log sigma: for a Gaussian of variance v the mean
          goes as (v + sigma2)^{-1/2}, which has no scale below v. So the step to sigma = 0 is of full order too.
          Constant means: exact. With order 1: ddim. Where churn or the Langevin corrector disturb the states,
          there is no corrector of this kind, at most order 2, and order 1 in the last step
*/
int scheme_abm(const SchemeStep *step, AffineStage *stage);

/* ---- stages that any scheme can be given ---- */

/*
  stage_langevin - a step of Langevin dynamics in z at time t, X' = X + u (eps sz + sqrt(2 eps) xi)

  Input:  0 < snr < 1: eps = 2 snr^2 sigma2;  q  as in scheme_em
  Return: status of the kernel at t
  Note:   its own variance of z is too large by eps/(2 v), v that of z: by less than snr^2
*/
int stage_langevin(const LinearSde *sde, double t, double snr, int q, AffineStage *stage);

/*
  stage_churn - the forward process itself from t to a later time: X' = F X + N(0, C)
*/
void stage_churn(const LinearSde *sde, double t, double later, AffineStage *stage);

/* ---- stability ---- */

/*
  scheme_stability - spectral radius of the mean of some stages for Gaussian data, earlier evaluations left out

  Input:  stage[n] and the laws k[n] at their times; data_variance V, for which sz = -(z - mean)/(V + sigma2)
  Return: largest modulus of the eigenvalues of the product of A + B dg/dX
  Note:   compare with scheme_growth, not with 1: where data are wider than the noise of the process the exact
          reverse process grows too
*/
double scheme_stability(int n, const AffineStage *stage, const Kernel *k, double data_variance);

/*
  scheme_growth - the same number for the exact reverse process from t to s

  Output: radius  spectral radius of Cov(X_s, X_t) Cov(X_t)^{-1} for data of variance data_variance
  Return: status of the kernel at t
*/
int scheme_growth(const LinearSde *sde, double t, double s, double data_variance, double *radius);

#endif
