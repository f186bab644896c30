#ifndef AD_ADAM_H
#define AD_ADAM_H
#include <stddef.h>
#include <stdint.h>
/* Adam with decoupled weight decay and a moving average of the parameters, as pure kernels on arrays */

typedef struct {
  double lr;           /* step size */
  double beta1, beta2; /* decay of the two moments per step, in [0, 1) */
  double eps;          /* added to the root of the second moment */
  double
      weight_decay; /* theta shrinks by lr weight_decay per step, apart from the gradient; 0 is plain Adam */
  double ema_decay; /* decay of the moving average per step, in [0, 1]; negative: there is none */
} AdamOptions;

/*
  adam_step - one update of parameters, moments and moving average, in one pass over the arrays

  Input:  iteration  of this step, from 1 on
          scale      the gradient is scale*grad (1/batch, clipping)
          grad[n]
  Output: theta[n]   parameters, updated
          m[n], v[n] first and second moments, updated; zero before the first step
          ema[n]     moving average, updated; theta before the first step; NULL or ignored if ema_decay < 0
  Source: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019 for the decay
  Note:   the bits of an element depend on its own inputs only, not on n or its place. Vectors need
          -fno-math-errno, else the compiler calls sqrtf element by element
*/
void adam_step(const AdamOptions *o, int64_t iteration, size_t n, double scale, const float *grad,
               float *theta, float *m, float *v, float *ema);

/*
  grad_norm2 - sum of g_i^2 in double

  Input:  g[n]
  Note:   the order of the sum is a function of n alone, and squares of floats are exact in double: the bits
          depend on n and g only, whatever the processor
*/
double grad_norm2(size_t n, const float *g);

#endif
