#ifndef AD_KERNEL_H
#define AD_KERNEL_H
/*
  The law of one coordinate of the forward process dX = M X dt + G dW, X = (x, aux_1 .. aux_{b-1})

  Everything a score, a sampler or an analysis needs to know about a process at time t is in Kernel. The
  structure behind it: with u = e^{M t} e_x the response to x0 and Cb the covariance of X given x0,

    z = l.X,  l = sigma2 Cb^{-1} u,  sigma2 = 1/(u^T Cb^{-1} u)

  is sufficient for x0 and z | x0 ~ N(x0, sigma2); the b - 1 remaining components w = W^T X ~ N(0, Omega) are
  independent of x0 and of z.
*/

#define AD_BMAX 6

typedef enum {
  KERNEL_OK         = 0,
  KERNEL_FORGOTTEN  = 1, /* sigma2 > 1e300: nothing of x0 is left that double can hold */
  KERNEL_DEGENERATE = 2, /* the law given x0 has a direction without noise (t = 0, uncontrollable), or one so
                            thin that fewer than 12 digits of it survive */
  KERNEL_UNSTABLE   = 3, /* no stationary law: an eigenvalue of M has a real part >= 0 */
  KERNEL_RANGE      = 4  /* the clock does not reach the sigma that was asked for */
} KernelStatus;

/* All matrices are row-major b x b with row length b (W, Dw, Ew: b x (b-1) with row length b - 1) */
typedef struct {
  int    b;
  double M[AD_BMAX * AD_BMAX];
  double Q[AD_BMAX * AD_BMAX];  /* G G^T */
  double V0[AD_BMAX * AD_BMAX]; /* covariance of X(0) given x0: row and column 0 are zero */
} LinearSde;

typedef struct {
  int    b;
  double t;
  double F[AD_BMAX * AD_BMAX];      /* e^{M t} */
  double C[AD_BMAX * AD_BMAX];      /* covariance given X(0) */
  double Cb[AD_BMAX * AD_BMAX];     /* covariance given x0: C + F V0 F^T */
  double H[AD_BMAX * AD_BMAX];      /* V0 F^T: E[aux0 | X] = -(H score)_aux */
  double Lc[AD_BMAX * AD_BMAX];     /* C = Lc Lc^T, lower: X = F X(0) + Lc e */
  double LcinvT[AD_BMAX * AD_BMAX]; /* Lc^{-T}: the score given X(0) is -LcinvT e; zero unless c_regular */
  int    c_regular;                 /* C is positive definite */
  double u[AD_BMAX];                /* F e_x */
  double sigma, sigma2;             /* the clock */
  double l[AD_BMAX];                /* l.u = 1 */
  double W[AD_BMAX * AD_BMAX];      /* orthonormal basis of the complement of u */
  double Ew[AD_BMAX * AD_BMAX];     /* W Lom^{-T}, Omega = Lom Lom^T: e_w = Ew^T X ~ N(0, 1) */
  double Dw[AD_BMAX * AD_BMAX];     /* Cb W Lom^{-T}: X = u z + Dw e_w */
  double R[AD_BMAX * AD_BMAX];      /* W Omega^{-1} W^T: Cb^{-1} = l l^T/sigma2 + R, score = l sz - R X */
  double log_norm;                  /* log P(X) = log p_z(z) - |e_w|^2/2 + log_norm */
} Kernel;

/*
  kernel_compute - law of X(t)

  Input:  sde, 0 <= t < infinity
  Output: k    all members; when the status is not KERNEL_OK only b, t, F, C, Cb, H, Lc, LcinvT, c_regular, u
  Return: KERNEL_OK, KERNEL_FORGOTTEN or KERNEL_DEGENERATE
  Units:  those of the process (x in data units, aux and t in its own)
  Source: paper eqs. A8, A9, A24-A30 for the covariances; z and sigma2 as derived at the head of this file
  Cost:   20-30 microseconds for b = 2, 60-100 for b = 3
  Note:   the printed closed forms A11-A14 cancel at small t and divide by zero at k tau = 1. Here the
          integral is summed by a Taylor series and doubled, in 34 digits; entries are right to rounding
*/
int kernel_compute(const LinearSde *sde, double t, Kernel *k);

/* What X(t) knows of its start, a dimension: Fisher informations, the inverse squares of errors */
typedef struct {
  int    b;
  double t;
  double F[AD_BMAX * AD_BMAX]; /* of X(0) = (x0, aux0): e^{M^T t} C^{-1} e^{M t}; D_KL = dX(0)^T F dX(0)/2 */
  int    regular;              /* C is positive definite; else F and the next three are NaN */
  double total, xx, aux;       /* trace of F, its xx entry, the trace of its block of auxiliary variables */
  double joint;                /* of x0 with aux0 unknown: u^T Cb^{-1} u = 1/sigma2 */
  double x_alone,
      aux_alone; /* of the same in x(t) alone, u_1^2/Cb_11, and in the auxiliary variables alone */
} KernelMemory;

/*
  kernel_memory - how well X(0), and x0 alone, can be told from X(t)

  Input:  sde, t > 0
  Output: m    aux_alone is NaN where the auxiliary variables have a direction without noise given x0
  Return: KERNEL_OK, also where all is forgotten and the numbers underflow to zero; KERNEL_DEGENERATE: m is not set
  Units:  of 1/(X(0) X(0)): the sum of F_xx and F_auxaux depends on the unit of the auxiliary variables
  Source: F as defined above paper eq. 15. Its closed form cancels at small t and at k tau = 1: a triangular
          factor of C is taken in 34 digits instead, and solved for
  Cost:   that of kernel_compute, or less
*/
int kernel_memory(const LinearSde *sde, double t, KernelMemory *m);

/*
  kernel_stationary - stationary covariance, M C + C M^T + Q = 0

  Output: Cinf[b][b]
  Return: KERNEL_OK or KERNEL_UNSTABLE
  Note:   M is stable if and only if M X + X M^T + I = 0 has a positive definite solution: that is the test
*/
int kernel_stationary(const LinearSde *sde, double *Cinf);

/* kernel_conditional_variance - 1/(C^-1)_xx of a covariance C[b][b]: the variance of x given the other variables; 0 where C has
   no inverse. */
double kernel_conditional_variance(int b, const double *C);

/*
  kernel_time_of_sigma - the time at which the clock shows sigma

  Input:  sigma > 0, tmax > 0
  Output: t in (0, tmax], relative error below 1e-13 unless the clock all but stands still there
  Return: KERNEL_OK; KERNEL_RANGE if sigma(tmax) < sigma; KERNEL_DEGENERATE if no noise has reached x at tmax,
          or if sigma lies below everything that can be represented
  Note:   Newton in (log t, log sigma2) inside a bracket, with d(1/sigma2)/dt = -l^T Q l/sigma2^2
*/
int kernel_time_of_sigma(const LinearSde *sde, double sigma, double tmax, double *t);

#endif
