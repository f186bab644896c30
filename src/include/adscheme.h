#ifndef AD_SCHEME_H
#define AD_SCHEME_H
/*
  One step of a sampler as an affine map of each coordinate, from forward time t down to s < t:

    X' = A X + B g + L xi,   xi ~ N(0, I)

  g is what the score model delivers at (X, t): the score in z, sz = d log p_z/dz (g_is_mean = 0), or the
  posterior mean x0hat = z + sigma2 sz (g_is_mean = 1). Tables are made once a run; one loop does all schemes.
*/
#include "adkernel.h"

typedef struct {
  int    b, q;
  double A[AD_BMAX * AD_BMAX]; /* [b][b] */
  double B[AD_BMAX * AD_BMAX]; /* [b][q] */
  double L[AD_BMAX * AD_BMAX]; /* [b][b], L L^T is the covariance of the noise */
  int    g_is_mean;
  double multistep; /* second order in time: g <- g + multistep (x0hat_n - x0hat_{n-1}); 0 for first order */
} AffineStep;

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
  Output: step, g_is_mean = 0
  Return: status of the kernel at t
  Source: paper eqs. 10, 11 and the discretisation of its appendix A2
*/
int scheme_em(const LinearSde *sde, double t, double s, int q, AffineStep *step);

/*
  scheme_anc - ancestral step: draw X_s from its law given X_t and x0 = x0hat

  Input:  0 <= s < t
  Output: step, g_is_mean = 1
  Return: status of the kernels at t and (s > 0) at s
  Note:   X' = K X + (u_s - K u_t) x0hat + N(0, V), K = Cb_s F^T Cb_t^{-1}, V = Cb_s - K F Cb_s,
          F = e^{M(t-s)}, worked out in (z, e_w), where no inverse is needed. Exact at any step length when
          x0 is known. At s = 0 it ends in x0hat and a draw of aux0
*/
int scheme_anc(const LinearSde *sde, double t, double s, AffineStep *step);

/*
  scheme_ddim - noise-free step in the clock: z' = x0hat + (sigma_s/sigma_t)(z - x0hat), e_w' = e_w

  Input:  0 <= s < t
  Output: step, g_is_mean = 1, L = 0
  Return: status of the kernels at t and (s > 0) at s
  Note:   the exact probability flow in z for x0hat frozen over the step
*/
int scheme_ddim(const LinearSde *sde, double t, double s, AffineStep *step);

/*
  scheme_denoise - last step of a sampler: the posterior mean of (x0, aux0) given X_t

  Input:  t > 0;  g_is_mean  which g the sampler provides
  Output: step, L = 0
  Return: status of the kernel at t
  Source: paper appendix A2.6; E[aux0 | X] = -V0 F^T score, E[x0 | X] = z + sigma2 sz
*/
int scheme_denoise(const LinearSde *sde, double t, int g_is_mean, AffineStep *step);

/* scheme_drop_noise - last step without its noise: the mean of the step, L = 0 */
void scheme_drop_noise(AffineStep *step);

/*
  scheme_multistep - make a step second order: x0hat extrapolated in log sigma to the middle of the step

  Input:  sigma at the previous, this and the next time of the grid (sigma_s > 0)
  Output: step->multistep = rr/2 for g = x0hat, (rr/2)/sigma_t^2 for g = sz; rr = ratio of steps in log sigma
  Note:   leave it at 0 on the first step, where there is no previous x0hat, and on a last step to s = 0
*/
void scheme_multistep(double sigma_prev, double sigma_t, double sigma_s, AffineStep *step);

/*
  scheme_stability - spectral radius of the mean of a step for Gaussian data

  Input:  step and the law k at its time t; data_variance V, for which sz = -(z - mean)/(V + sigma2)
  Return: largest modulus of the eigenvalues of A + B dg/dX
  Note:   compare with scheme_growth, not with 1: where data are wider than the noise of the process the exact
          reverse process grows too
*/
double scheme_stability(const AffineStep *step, const Kernel *k, double data_variance);

/*
  scheme_growth - the same number for the exact reverse process from t to s

  Output: radius  spectral radius of Cov(X_s, X_t) Cov(X_t)^{-1} for data of variance data_variance
  Return: status of the kernel at t
*/
int scheme_growth(const LinearSde *sde, double t, double s, double data_variance, double *radius);

#endif
