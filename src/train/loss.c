#include "private/trainerimpl.h"
#include <math.h>

/*
  What a network score is trained on: states X of noised data and values S whose mean given X is the score there. Any
  such S has the same minimiser of E |s(X, t) - S|^2; they differ in variance and in what they need of the process.
*/

/* The table of kernels is larger than the second cache and rows jump about in it: ask for the parts that rows and scores need
   a few rows ahead (worth 2 % of a training step). */
static inline void fetch_ahead(int n, const Kernel *const *kernel, int r)
{
  const Kernel *k = kernel[r + 6 < n ? r + 6 : n - 1];

  __builtin_prefetch(k);
  __builtin_prefetch(k->u);
  __builtin_prefetch(&k->sigma2);
  __builtin_prefetch(k->l);
  __builtin_prefetch(k->Ew);
  __builtin_prefetch(k->Dw);
  __builtin_prefetch(k->R);
}

static int hsm_normals(int b)
{
  return b;
}

static int dsm_normals(int b)
{
  return 2 * b - 1;
}

/*
  hsm_rows - hybrid score matching: X given x0, the auxiliary variables' start integrated out

  Input:  kernel[n], x0[n][d], e[n][b][d] unit normals
  Output: X[n][b*d] = u (x0 + sigma e_0) + Dw e_w,  S[n][b*d] = -l e_0/sigma - Ew e_w = grad log P(X | x0)
  Source: paper eqs. A25, A34 (grad log P meant); Cb^{-1} (X - u x0) written out in z = l.X and e_w, which never cancels
*/
static void hsm_rows(int n, int d, const Kernel *const *kernel, const double *Lv, const float *e,
                     const double *x0, double *restrict X, double *restrict S)
{
  for (int r = 0; r < n; r++) {
    const Kernel *k    = kernel[r];
    const int     b    = k->b;
    const double  rate = 1 / k->sigma;
    fetch_ahead(n, kernel, r);
    for (int i = 0; i < d; i++) {
      const float *er = e + (ptrdiff_t)r * b * d + i;
      const double z = x0[r * d + i] + k->sigma * er[0], sz = -rate * er[0];
      for (int a = 0; a < b; a++) {
        double x = k->u[a] * z, s = k->l[a] * sz;
        for (int j = 0; j < b - 1; j++) {
          x += k->Dw[a * (b - 1) + j] * er[(j + 1) * d];
          s -= k->Ew[a * (b - 1) + j] * er[(j + 1) * d];
        }
        X[(r * b + a) * d + i] = x;
        S[(r * b + a) * d + i] = s;
      }
    }
  }
}

/*
  dsm_rows - denoising score matching: X given the whole start (x0, aux0)

  Input:  kernel[n] with c_regular, Lv of aux_factor, x0[n][d], e[n][2b-1][d] unit normals: b of the noise, b - 1 of aux0
  Output: X[n][b*d] = F (x0, aux0) + Lc e,  S[n][b*d] = -Lc^{-T} e = grad log P(X | x0, aux0)
  Source: paper eqs. 12, A8, A18 (with the mean that A18 leaves out)
*/
static void dsm_rows(int n, int d, const Kernel *const *kernel, const double *Lv, const float *e,
                     const double *x0, double *restrict X, double *restrict S)
{
  for (int r = 0; r < n; r++) {
    const Kernel *k = kernel[r];
    const int     b = k->b;
    for (int i = 0; i < d; i++) {
      const float *er             = e + (ptrdiff_t)r * (2 * b - 1) * d + i;
      double       start[AD_BMAX] = {x0[r * d + i]};
      for (int a = 1; a < b; a++)
        for (int j = 1; j <= a; j++) start[a] += Lv[a * b + j] * er[(b + j - 1) * d];
      for (int a = 0; a < b; a++) {
        double x = 0, s = 0;
        for (int j = 0; j < b; j++) {
          x += k->F[a * b + j] * start[j] + k->Lc[a * b + j] * er[j * d];
          s -= k->LcinvT[a * b + j] * er[j * d];
        }
        X[(r * b + a) * d + i] = x;
        S[(r * b + a) * d + i] = s;
      }
    }
  }
}

const TrainLoss train_hsm = {"hsm", hsm_normals, hsm_rows}, train_dsm = {"dsm", dsm_normals, dsm_rows};

/*
  aux_factor - lower triangular factor of the covariance of X(0) given x0, V0 = Lv Lv^T

  Output: Lv[b][b]  columns of variables without variance are zero
*/
void aux_factor(const LinearSde *sde, double *Lv)
{
  const int b = sde->b;

  for (int a = 0; a < b; a++)
    for (int j = 0; j < b; j++) {
      double rest = sde->V0[a * b + j];
      for (int m = 0; m < j && j <= a; m++) rest -= Lv[a * b + m] * Lv[j * b + m];
      if (j > a)
        Lv[a * b + j] = 0;
      else if (j == a)
        Lv[a * b + j] = rest > 1e-12 * sde->V0[a * b + a] ? sqrt(rest) : 0;
      else
        Lv[a * b + j] = Lv[j * b + j] > 0 ? rest / Lv[j * b + j] : 0;
    }
}

/*
  loss_rows - squared error of a net, mean over its outputs

  Input:  out[n][nout], target[n][nout]
  Output: loss[n] = |out - target|^2/nout,  dout[n][nout] = its derivative by out
*/
void loss_rows(int n, int nout, const float *out, const float *target, float *dout, double *loss)
{
  const float twice = 2.0f / (float)nout;

  for (int r = 0; r < n; r++) {
    double sum = 0;
    for (int o = 0; o < nout; o++) {
      const float error  = out[r * nout + o] - target[r * nout + o];
      dout[r * nout + o] = twice * error;
      sum += (double)error * error;
    }
    loss[r] = sum / nout;
  }
}

/*
  loss_rows_weighted - the same with weights, of which each row has its own

  Input:  out[n][q][d], target[n][q][d], weight[n] -> w[q][q] symmetric (ScoreNetWeights)
  Output: loss[n] = sum over coordinates of err^T w err/(q d),  dout[n][q][d] = its derivative by out
*/
void loss_rows_weighted(int n, int q, int d, const float *out, const float *target,
                        const float *const *weight, float *dout, double *loss)
{
  const float twice = 2.0f / (float)(q * d);

  for (int r = 0; r < n; r++, out += q * d, target += q * d, dout += q * d) {
    double sum = 0;
    for (int m = 0; m < q; m++)
      for (int i = 0; i < d; i++) {
        float weighted = 0;
        for (int c = 0; c < q; c++) weighted += weight[r][m * q + c] * (out[c * d + i] - target[c * d + i]);
        dout[m * d + i] = twice * weighted;
        sum += (double)weighted * (out[m * d + i] - target[m * d + i]);
      }
    loss[r] = sum / (q * d);
  }
}

/* trainer_loss - losses of the n rows in t->out and what goes back through the net, by the weighting of the run. */
void trainer_loss(Trainer t, int n, const float *target, const float *const *weight)
{
  if (t->weight)
    loss_rows_weighted(n, t->q, t->d, t->out, target, weight, t->dout, t->row_loss);
  else
    loss_rows(n, t->nout, t->out, target, t->dout, t->row_loss);
}
