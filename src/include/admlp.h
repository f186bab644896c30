#ifndef AD_MLP_H
#define AD_MLP_H
#include <stddef.h>
/*
  Multilayer perceptron in single precision: nin -> depth hidden layers of `width` with SiLU -> linear nout

  Pure kernels on arrays: no allocation, no MPI, no errors. The samples (rows) pass through all layers in
  blocks of MLP_BLOCK rows, so that the activations of a block never leave the cache.

  Parameters theta[mlp_parameter_count], the layout of gradients and of files: for layer l = 0 .. depth the
  weight matrix W_l[in][out], row-major, then the bias b_l[out]. A layer computes x W_l + b_l; layers 0 ..
  depth - 1 apply silu(z) = z/(1 + e^-z) to it, layer depth is the head.

  Reproducibility: the result of a row has the same bits whatever n is, wherever in the array the row stands
  and whatever the other rows are; the gradient of a block is summed over its rows in their order. So a
  result cannot depend on how samples are shared out over ranks as long as blocks are summed in a fixed
  order.

  No array needs an alignment; multiples of 64 bytes are the fastest. No output may overlap an input.
*/

enum { MLP_BLOCK = 64, MLP_MAX_WIDTH = 512, MLP_MAX_PORTS = 64 };

typedef struct {
  int nin;   /* 1 .. MLP_MAX_PORTS */
  int width; /* a multiple of 16, 16 .. MLP_MAX_WIDTH */
  int depth; /* number of hidden layers, >= 1 */
  int nout;  /* 1 .. MLP_MAX_PORTS */
} MlpShape;

/* mlp_parameter_count - number of floats of theta, grad and the other arrays in their layout */
size_t mlp_parameter_count(const MlpShape *s);

/* mlp_packed_count - number of floats of the packed copy of theta, which is in the order of the kernels */
size_t mlp_packed_count(const MlpShape *s);

/* mlp_workspace_count - number of floats that a forward or backward pass over one block needs */
size_t mlp_workspace_count(const MlpShape *s);

/*
  mlp_init - random initial parameters: weights and biases uniform in +-1/sqrt(fan_in)

  Input:  uniform01[mlp_parameter_count]  numbers in [0, 1)
  Output: theta[mlp_parameter_count]
  Note:   the same law as the default of PyTorch's Linear layers
*/
void mlp_init(const MlpShape *s, const float *uniform01, float *theta);

/*
  mlp_pack - copy parameters into panels for the forward pass and transposed panels for the backward pass

  Input:  theta[mlp_parameter_count]
  Output: packed[mlp_packed_count]
  Note:   call it after every change of theta
*/
void mlp_pack(const MlpShape *s, const float *theta, float *packed);

/*
  mlp_forward - evaluate the network on any number of rows

  Input:  packed[mlp_packed_count], n >= 0, in[n][nin]
  Output: out[n][nout], work[mlp_workspace_count] (scratch)
  Cost:   2 mlp_parameter_count flops a row
*/
void mlp_forward(const MlpShape *s, const float *packed, int n, const float *in, float *out, float *work);

/*
  mlp_forward_keep - evaluate the network on one block and keep what mlp_backward needs

  Input:  packed[mlp_packed_count], n <= MLP_BLOCK, in[n][nin]
  Output: out[n][nout] (the bits of mlp_forward), work[mlp_workspace_count] (inputs, activations, SiLU')
*/
void mlp_forward_keep(const MlpShape *s, const float *packed, int n, const float *in, float *out,
                      float *work);

/*
  mlp_backward - gradients of a loss from its derivatives by the outputs of the last mlp_forward_keep

  Input:  packed[mlp_packed_count], n as given to mlp_forward_keep, dout[n][nout]
          work[mlp_workspace_count] as left by mlp_forward_keep; used up
  Output: grad[mlp_parameter_count]  the block's gradient is added to it; or NULL
          din[n][nin]                derivative by the inputs; or NULL
  Cost:   4 mlp_parameter_count flops a row
*/
void mlp_backward(const MlpShape *s, const float *packed, int n, const float *dout, float *work, float *grad,
                  float *din);

/*
  mlp_select_backend - choose the micro-kernels: "auto" (the default: the fastest that the processor has),
  "portable" or "avx512"

  Return: 0, or -1 (and no change) if the name is unknown or the processor does not have it
  Note:   portable and avx512 agree to rounding, not to the bit; packed copies serve both
*/
int mlp_select_backend(const char *name);

/* mlp_backend_name - "portable" or "avx512", the one in use */
const char *mlp_backend_name(void);

#endif
