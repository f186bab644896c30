#ifndef ADNET_H
#define ADNET_H
#include "adbase.h"

/* Net - a parametrised map R^nin -> R^nout in single precision, with gradients. Nothing here is collective but SetUp, Read, Write. */
typedef struct _p_Net *Net;

PetscErrorCode NetCreate(Net *net);
PetscErrorCode NetSetSizes(Net net, int nin, int nout);
PetscErrorCode NetGetSizes(Net net, int *nin, int *nout);
/* -net_type mlp, -net_width, -net_depth, -net_backend auto|portable|avx512 */
PetscErrorCode NetSetFromOptions(Net net);
/* -net_backend alone, when the rest comes from a file */
PetscErrorCode NetSetBackendFromOptions(Net net);
PetscErrorCode NetDeclareOptions(void);
PetscErrorCode NetSetUp(Net net);
PetscErrorCode NetDestroy(Net *net);
/* random weights; then NetParametersChanged is implied */
PetscErrorCode NetInitialise(Net net, uint64_t seed);
/* borrowed, 64-byte aligned */
PetscErrorCode NetGetParameters(Net net, int64_t *n, float **theta);
/* call after writing to theta */
PetscErrorCode NetParametersChanged(Net net);
/* rows of one training block (64) */
PetscErrorCode NetGetBlock(Net net, int *rows);
PetscErrorCode NetForward(Net net, int64_t n, const float *in, float *out);
/* n <= block */
PetscErrorCode NetForwardKeep(Net net, int n, const float *in, float *out);
/* after ForwardKeep; grad += ; din or grad may be NULL */
PetscErrorCode NetBackward(Net net, int n, const float *dout, float *grad, float *din);
/* An array in the layout of theta as datasets <group>/layer<l>/weight[in][out], bias[out]; NetReadSizes configures an empty net from file */
PetscErrorCode NetWriteArray(Net net, Output out, const char *group, const float *array);
PetscErrorCode NetReadArray(Net net, Input in, const char *group, float *array);
PetscErrorCode NetWriteSizes(Net net, Output out, const char *object);
PetscErrorCode NetReadSizes(Net net, Input in, const char *object);
PetscErrorCode NetPrintSummary(Net net);

#endif
