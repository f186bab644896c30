#ifndef ADMIXTURE_H
#define ADMIXTURE_H

#include <stddef.h>

/*
  Exact denoiser of Gaussian-mixture data in the clock of the noise. Every linear process leaves one
  sufficient coordinate z, which given the data is x0 plus Gaussian noise of variance sigma2; the functions
  here know nothing else about the process.

    P0(x) = sum_c p_c prod_i N(x_i; mu_ci, h_ci),     z = x0 + sqrt(sigma2) xi
*/
typedef struct {
  int           n, d;   /* components, coordinates */
  const double *weight; /* p[n], positive or zero, sum 1 */
  const double *mean;   /* mu[n][d] */
  const double *var;    /* h[n][d] >= 0; 0 is a point mass */
} MixtureData;

/*
  mixture_workspace - doubles of scratch memory that mixture_score needs, for any number of samples
*/
size_t mixture_workspace(const MixtureData *mix);

/*
  mixture_score - score, posterior mean and log-density of noised mixture data

  Input:  mix          the data's law
          sigma2       variance of the noise; > 0, or >= 0 where all h_ci > 0
          n, z[n][d]   samples
          work         mixture_workspace(mix) doubles
  Output: sz[n][d]     d log p(z)/dz = -sum_c R_c (z_i - mu_ci)/(h_ci + sigma2)
          x0hat[n][d]  E[x0 | z] = sum_c R_c (mu_ci sigma2 + z_i h_ci)/(h_ci + sigma2) = z_i + sigma2 sz_i
          logp[n]      log p(z), p of d dimensions
          any of them may be NULL
  Source: R_c = e^{q_c}/sum e^q,
          q_c = log p_c - 1/2 sum_i [log(2 pi (h_ci + sigma2)) + (z_i - mu_ci)^2/(h_ci + sigma2)];
          paper eqs. A36-A45, where the factor h in the weight of a peak is to be dropped
  Note:   both sums are taken as written: z + sigma2 sz cancels at large sigma2, (x0hat - z)/sigma2 at small.
          Good from sigma 1e-9 to 1e150: the largest q is taken out before exp. The rounding of q itself,
          |q| 2e-16, bounds the accuracy of R where two components compete far outside the data.
          A sample that is not finite gives NaN in its own row only.
          Results of a sample have the same bits whatever n and the position in z are.
  Cost:   n (components) (1 exp and about 10 d flops); 64 samples at a time, fewer cost as much
*/
void mixture_score(const MixtureData *mix, double sigma2, int n, const double *z, double *sz, double *x0hat,
                   double *logp, double *work);

/*
  mixture_posterior - which component a noised sample came from

  Input:  mix, sigma2, n, z[n][d], work[mixture_workspace] as for mixture_score
  Output: R[n][components], R_c of mixture_score
*/
void mixture_posterior(const MixtureData *mix, double sigma2, int n, const double *z, double *R,
                       double *work);

/*
  mixture_pullback - V^T d x0hat/dz, a row of weights times the Jacobian of the posterior mean

  Input:  mix, sigma2, n, z[n][d], R[n][components] of mixture_posterior, V[n][d]
  Output: P[n][d] = sum_c R_c [V_j h_cj + (V.m_c - V.x0hat) (mu_cj - z_j)]/(h_cj + sigma2),
          m_c = (mu_c sigma2 + z h_c)/(h_c + sigma2)
  Source: derivative of x0hat = sum_c R_c m_c with d log R_c/dz_j = g_cj - sum R g_j, g_c the score of component c
  Note:   the Jacobian is Cov(x0 | z)/sigma2, symmetric; the centred sum keeps its digits where peaks are far apart
*/
void mixture_pullback(const MixtureData *mix, double sigma2, int n, const double *z, const double *R,
                      const double *V, double *P);

/*
  mixture_moments - mean and variance of each coordinate of the data

  Output: mean[d] = sum_c p_c mu_ci,  var[d] = sum_c p_c (h_ci + (mu_ci - mean_i)^2)
*/
void mixture_moments(const MixtureData *mix, double *mean, double *var);

#endif
