#ifndef AD_SCOREIMPL_H
#define AD_SCOREIMPL_H
#include "adscore.h"
#include <petsc/private/petscimpl.h>

enum { SCORE_WAVE = 1024 }; /* rows that pass through the work arrays together */

struct _ScoreOps {
  PetscErrorCode (*setfromoptions)(Score);
  PetscErrorCode (*setup)(Score); /* coordinates, q and label; allocates its work for SCORE_WAVE rows */
  PetscErrorCode (*destroy)(Score);
  PetscErrorCode (*printsummary)(Score);
  /* n <= SCORE_WAVE rows; g[n][q][d], x0hat[n][d], logp[n], any of them NULL; logp of exact scores only */
  PetscErrorCode (*respond)(Score, const Kernel *, int n, const double *X, double *g, double *x0hat,
                            double *logp);
  /* n <= SCORE_WAVE rows; V[n][d] -> x0hat[n][d] (or NULL), P[n][b*d] = V^T d x0hat/dX */
  PetscErrorCode (*pullback)(Score, const Kernel *, int n, const double *X, const double *V, double *x0hat,
                             double *P);
};

struct _p_Score {
  PETSCHEADER(struct _ScoreOps);
  void       *data; /* of the type */
  Process     process;
  Dataset     dataset;
  Coordinates coordinates;
  int         q;
  const char *label;
  char        file[PETSC_MAX_PATH_LEN]; /* -score_file, or empty */
  double     *wave;                     /* [SCORE_WAVE][q][d] */
  int64_t     rows;
  PetscBool   exact, setup;
};

PetscErrorCode ScoreCreate_Mixture(Score score);
PetscErrorCode ScoreCreate_Net(Score score);
PetscErrorCode ScoreNetDeclareOptions(Score score); /* the keys of all its modes */

/* ---- pure kernels on rows ---- */

/* score_project - z[n][d] = l.X, the coordinate that knows of x0 */
void score_project(const Kernel *k, int d, int n, const double *restrict X, double *restrict z);

/*
  score_assemble - the full score from the response

  Input:  X[n][b*d], g[n][q][d]
  Output: S[n][b*d] = l sz - R X for q = 1, l sz + Ew sw for q = b
*/
void score_assemble(const Kernel *k, int d, int q, int n, const double *restrict X, const double *restrict g,
                    double *restrict S);

/* score_add_density - logp[n], of z on entry, becomes log P(X): w = W^T X is Gaussian and independent of z */
void score_add_density(const Kernel *k, int d, int n, const double *restrict X, double *restrict logp);

/*
  Network scores. A net sees a row through three numbers a coordinate,

    y = l.X - m0,   r = (R X)_j  (j: the component that has noise of its own),   h = V + sigma2,
    p = sum_a p_X[a] (X_a - u_a m0)  (mixed_paper form, else 0),

  with m0 the mean of the data and V its variance (mean over coordinates), and all that its outputs mean is
  linear in y, r, p, the outputs net and the score S, with coefficients that depend on the time only:

    sz   = sz_y y + sz_r r + sz_p p + sz_n net        what a net says
    x0   = m0 + x0_y y + x0_r r + x0_p p + x0_n net   the same, x0 = z + sigma2 sz, without cancellation
    net  = net_S.S + net_y y + net_r r + net_p p      what net should be were the score S
    sw   = -e - net_w,  net_w = -e - Dw^T S           further outputs where q = b; e is -sw of the linear part

  In the score form a net's outputs are scores themselves: s_j where q = 1, where q = b all of S, and then
  sz = u.net, sw = Dw^T net.
*/
typedef enum { SCORE_REDUCED, SCORE_JOINT } ScoreKind;
typedef enum {
  SCORE_WHITENED,      /* unit-variance noise: of component j (x-first factor), of z and w where q = b */
  SCORE_MIXED,         /* the same beyond the exact score of Gaussian data N(m0, V) */
  SCORE_MIXED_PAPER,   /* the same beyond the scores of the noised components taken one by one (A35) */
  SCORE_PLAIN,         /* the score */
  SCORE_CLOCK,         /* unit-variance noise of z (aux-first factor), the scores of w in closed form */
  SCORE_PRECONDITIONED /* every reduced net */
} ScoreForm;

typedef struct {
  ScoreKind     kind;
  ScoreForm     form;
  int           b, d, q;  /* b: of joint nets */
  int           noised;   /* j */
  const double *mean;     /* m0[d] */
  double        variance; /* V > 0 */
} ScoreNetMap;

typedef struct {
  double in_y, in_time; /* reduced inputs: in_y y and in_time; the last input of joint ones is in_time */
  double sz_y, sz_r, sz_p, sz_n, x0_y, x0_r, x0_p, x0_n;
  double net_S[AD_BMAX], net_y, net_r, net_p;
  double p_X[AD_BMAX];
  double alone
      [AD_BMAX]; /* mixed_paper form: 1/(Cb_aa + u_a^2 V), minus the score of X_a alone by X_a - u_a m0 */
} ScoreNetLaw;

int score_net_inputs(const ScoreNetMap *map);
int score_net_outputs(const ScoreNetMap *map);
int score_net_of_z(
    const ScoreNetMap *map); /* reduced and clock: outputs are about sz, not about components of S */
void score_net_law(const ScoreNetMap *map, const Kernel *k, ScoreNetLaw *law);

/* score_net_input - X[n][b*d] -> in[n][nin]: reduced (y/sqrt(h), log(sigma)/4), joint (X, t) */
void score_net_input(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                     const double *restrict X, double *restrict in);

/* score_net_target - net[n][nout] for which score_net_response gives the scores S[n][b*d] back */
void score_net_target(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                      const double *restrict X, const double *restrict S, double *restrict net);

/* score_net_response - what outputs net[n][nout] say: g[n][q][d] and x0hat[n][d], either may be NULL */
void score_net_response(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, int n,
                        const double *restrict X, const double *restrict net, double *restrict g,
                        double *restrict x0hat);

/*
  score_net_weight - what errors of the outputs count: err^T W err a coordinate, W = B^T K B with dS = B dnet

  Input:  law of the kernel; sde  the process' M and Q
  Output: W[q][q]
  Return: E[S^T K S]/q, S the score given x0: the loss of a net that says nothing
  Note:   K does not depend on the form of the net. whitened: Cb, or 1/(Cb^{-1})_jj where component j alone is learned,
          but for a reduced net what makes W one (sz^2 sigma2 (V + sigma2)/V). likelihood: Q/2; half the mean error
          integrated over t is the path KL divergence to the exact reverse process. v1: Q_aa/(2 (Cb^{-1})_aa), v2:
          1/(Cb^{-1})_aa, the authors' two other ones, whose code descends from that of critically damped diffusion:
          there v1 is beta Gamma |e - net|^2, v2 |e - net|^2 and likelihood beta Gamma ell^2 |e - net|^2; as rates do not
          depend on t here, v1 is v2 where one component is noised. det: T_a det C, x: T_p det C, b = 1: C^2, of
          their picture code. Nets that speak of z alone (reduced, clock) have sz for a component: likelihood
          l^T Q l/2, v1 sigma2 l^T Q l/2, v2 sigma2
*/
double score_net_weight(const ScoreNetMap *map, const ScoreNetLaw *law, ScoreWeight weight,
                        const LinearSde *sde, const Kernel *k, double *W);

/* score_net_training - score_net_input and score_net_target of rows that have a kernel k[n] each */
void score_net_training(const ScoreNetMap *map, int n, const Kernel *const *k, const double *restrict X,
                        const double *restrict S, double *restrict in, double *restrict net);

/* ---- derivatives: rows of weights V[n][d] times d x0hat/dX ---- */

/* score_spread - P[n][b*d] = l p[n][d]: back through z = l.X */
void score_spread(const Kernel *k, int d, int n, const double *restrict p, double *restrict P);

/*
  ScoreNetSlopes - what score_net_input and score_net_response are made of at a time: both are linear in X and in
  the outputs of the net, the same for all coordinates

    inputs_m = sum_a in[m][a] X_a + ..,    x0hat = sum_a direct[a] X_a + sum_m gain[m] net_m + ..
*/
typedef struct {
  int    inputs, outputs; /* a coordinate */
  double in[AD_BMAX * AD_BMAX], direct[AD_BMAX], gain[AD_BMAX];
  double scale; /* largest |gain| */
} ScoreNetSlopes;

/*
  score_net_slopes - read the slopes off the two kernels, by unit vectors

  Note: so every kind and form has its derivatives by itself; the mean is set to zero, which makes the maps linear
        and the slopes exact
*/
void score_net_slopes(const ScoreNetMap *map, const ScoreNetLaw *law, const Kernel *k, ScoreNetSlopes *s);

/* score_net_pull_out - V[n][d] -> dout[n][nout] = V gain/scale, what goes backward through the net */
void score_net_pull_out(const ScoreNetSlopes *s, int d, int n, const double *restrict V,
                        float *restrict dout);

/* score_net_pull_in - V[n][d] and din[n][nin] of the net -> P[n][b*d] = V direct + scale din in */
void score_net_pull_in(const ScoreNetSlopes *s, int b, int d, int n, const double *restrict V,
                       const float *restrict din, double *restrict P);

#endif
