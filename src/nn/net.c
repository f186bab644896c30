#include "private/netimpl.h"
#include "adrng.h"
#include <stdlib.h>
#include <string.h>

static PetscClassId  NET_CLASSID;
static PetscLogEvent NET_Forward, NET_Backward;

const char *const net_backends[] = {"auto", "portable", "avx512", NULL};

static const char *const type_names[]             = {"mlp", NULL};
static PetscErrorCode (*const type_create[])(Net) = {NetCreate_MLP};

static PetscErrorCode RegisterClass(void)
{
  PetscFunctionBegin;
  if (NET_CLASSID) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscClassIdRegister("Net", &NET_CLASSID));
  PetscCall(PetscLogEventRegister("NetForward", NET_CLASSID, &NET_Forward));
  PetscCall(PetscLogEventRegister("NetBackward", NET_CLASSID, &NET_Backward));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetCreate - an empty net; sizes and options (or NetReadSizes), then NetSetUp, make it usable. */
PetscErrorCode NetCreate(Net *net)
{
  PetscFunctionBegin;
  PetscCall(RegisterClass());
  PetscCall(
      PetscHeaderCreate(*net, NET_CLASSID, "Net", "Network", "Net", PETSC_COMM_WORLD, NetDestroy, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetType(Net net, const char *type)
{
  PetscInt i = 0;

  PetscFunctionBegin;
  while (type_names[i] && strcmp(type_names[i], type)) i++;
  AdCheckInput(type_names[i], "net type '%s' is unknown to this version of adiff; it knows %s", type,
               type_names[0]);
  if (net->ops->destroy) PetscCall((*net->ops->destroy)(net));
  PetscCall((*type_create[i])(net));
  PetscCall(PetscObjectChangeTypeName((PetscObject)net, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetSetSizes - numbers of inputs and outputs; before NetSetUp. */
PetscErrorCode NetSetSizes(Net net, int nin, int nout)
{
  PetscFunctionBegin;
  net->nin  = nin;
  net->nout = nout;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetGetSizes(Net net, int *nin, int *nout)
{
  PetscFunctionBegin;
  *nin  = net->nin;
  *nout = net->nout;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetSetBackendFromOptions - read -net_backend alone, for a net whose type and sizes come from a file. */
PetscErrorCode NetSetBackendFromOptions(Net net)
{
  PetscFunctionBegin;
  PetscCall(OptChoice("-net_backend", "kernels of the networks; auto: the fastest that all processors have",
                      net_backends, &net->backend, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetSetFromOptions - read -net_type, the keys of the type, and -net_backend. */
PetscErrorCode NetSetFromOptions(Net net)
{
  PetscInt type = 0;

  PetscFunctionBegin;
  PetscCall(OptChoice("-net_type", "kind of network", type_names, &type, NULL));
  PetscCall(SetType(net, type_names[type]));
  PetscCall((*net->ops->setfromoptions)(net));
  PetscCall(NetSetBackendFromOptions(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetDeclareOptions - note the keys of all types (for help and the check of misspelt keys). */
PetscErrorCode NetDeclareOptions(void)
{
  Net net;

  PetscFunctionBegin;
  PetscCall(NetCreate(&net));
  PetscCall(NetSetFromOptions(net));
  PetscCall(NetDestroy(&net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetAllocate(size_t count, float **array)
{
  void *memory = NULL;

  PetscFunctionBegin;
  PetscCheck(!posix_memalign(&memory, 64, PetscMax(count, 1) * sizeof(float)), PETSC_COMM_SELF, PETSC_ERR_MEM,
             "%zu floats of a network", count);
  *array = memset(memory, 0, PetscMax(count, 1) * sizeof(float));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  NetSetUp - check the sizes and allocate; parameters are zero until NetInitialise or NetReadArray

  Collective
  Errors: AD_ERR_INPUT for sizes that the type cannot have, or a backend that some processor does not have
*/
PetscErrorCode NetSetUp(Net net)
{
  PetscFunctionBegin;
  if (net->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(((PetscObject)net)->type_name, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "NetSetFromOptions or NetReadSizes first");
  PetscCall((*net->ops->setup)(net));
  PetscCall(NetAllocate((size_t)net->count, &net->theta));
  PetscCall((*net->ops->changed)(net));
  net->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetDestroy(Net *net)
{
  PetscFunctionBegin;
  if (!*net) PetscFunctionReturn(PETSC_SUCCESS);
  if (--((PetscObject)*net)->refct > 0) {
    *net = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if ((*net)->ops->destroy) PetscCall((*(*net)->ops->destroy)(*net));
  PetscCall(PetscFree((*net)->array));
  free((*net)->theta);
  PetscCall(PetscHeaderDestroy(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  NetInitialise - random parameters, a function of the seed alone

  Note: parameter i is made of 24 bits (what a float in [0, 1) can hold) of sample i of domain RNG_WEIGHTS
*/
PetscErrorCode NetInitialise(Net net, uint64_t seed)
{
  const RngStream stream = {seed, RNG_WEIGHTS, 0};
  const size_t    count  = (size_t)net->count;
  uint32_t       *bits;
  float          *uniform;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(count, &bits, count, &uniform));
  rng_bits(stream, 0, count, 1, bits);
  for (size_t i = 0; i < count; i++) uniform[i] = (float)(bits[i] >> 8) * 0x1p-24f;
  PetscCall((*net->ops->initialise)(net, uniform));
  PetscCall((*net->ops->changed)(net));
  PetscCall(PetscFree2(bits, uniform));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetGetParameters - theta[n], borrowed, 64-byte aligned; after writing to it call NetParametersChanged. */
PetscErrorCode NetGetParameters(Net net, int64_t *n, float **theta)
{
  PetscFunctionBegin;
  *n     = net->count;
  *theta = net->theta;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetParametersChanged - bring copies of theta (packed weights) up to date. Not collective. */
PetscErrorCode NetParametersChanged(Net net)
{
  PetscFunctionBegin;
  PetscCall((*net->ops->changed)(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetGetBlock - the most rows that NetForwardKeep takes. */
PetscErrorCode NetGetBlock(Net net, int *rows)
{
  PetscFunctionBegin;
  *rows = net->block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  NetForward - evaluate any number of rows

  Not collective
  Input:  in[n][nin]   Output: out[n][nout]
  Note:   the bits of a row do not depend on n, on its place or on the other rows
*/
PetscErrorCode NetForward(Net net, int64_t n, const float *in, float *out)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(NET_Forward, net, 0, 0, 0));
  PetscCall((*net->ops->forward)(net, n, in, out));
  PetscCall(PetscLogFlops(2.0 * (double)net->count * (double)n));
  PetscCall(PetscLogEventEnd(NET_Forward, net, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetForwardKeep - evaluate n <= block rows (same bits as NetForward) and keep what NetBackward needs. */
PetscErrorCode NetForwardKeep(Net net, int n, const float *in, float *out)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(NET_Forward, net, 0, 0, 0));
  PetscCall((*net->ops->forwardkeep)(net, n, in, out));
  PetscCall(PetscLogFlops(2.0 * (double)net->count * (double)n));
  PetscCall(PetscLogEventEnd(NET_Forward, net, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  NetBackward - gradients of a loss from its derivatives by the outputs of NetForwardKeep, once for each call

  Not collective
  Input:  n as given to NetForwardKeep, dout[n][nout]
  Output: grad[count]  the gradient by theta is added to it; or NULL
          din[n][nin]  gradient by the inputs; or NULL
*/
PetscErrorCode NetBackward(Net net, int n, const float *dout, float *grad, float *din)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(NET_Backward, net, 0, 0, 0));
  PetscCall((*net->ops->backward)(net, n, dout, grad, din));
  PetscCall(PetscLogFlops(4.0 * (double)net->count * (double)n));
  PetscCall(PetscLogEventEnd(NET_Backward, net, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetWriteArray - an array in the layout of theta as layer<l>/weight[in][out] and bias[out] of a group. */
PetscErrorCode NetWriteArray(Net net, Output out, const char *group, const float *array)
{
  char name[128];

  PetscFunctionBegin;
  for (int i = 0; i < net->narrays; i++) {
    const NetArray *a    = &net->array[i];
    const DataInfo  info = {a->axes, "1", "parameters of the network: a layer computes x weight + bias"};
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s/%s", group, a->name));
    PetscCall(OutputWrite(out, name, AD_FLOAT, a->rank, a->dims, array + a->offset, &info));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetReadArray - what NetWriteArray wrote; AD_ERR_INPUT where a shape is not the net's. */
PetscErrorCode NetReadArray(Net net, Input in, const char *group, float *array)
{
  char    name[128];
  int64_t dims[2];

  PetscFunctionBegin;
  for (int i = 0; i < net->narrays; i++) {
    const NetArray *a = &net->array[i];
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s/%s", group, a->name));
    PetscCall(InputGetDims(in, name, a->rank, dims));
    for (int axis = 0; axis < a->rank; axis++)
      AdCheckInput(
          dims[axis] == a->dims[axis],
          "dataset %s: expected length %lld along axis %d for the sizes that the file states, found %lld",
          name, (long long)a->dims[axis], axis, (long long)dims[axis]);
    PetscCall(InputRead(in, name, AD_FLOAT, array + a->offset));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetWriteSizes - type and sizes as attributes of an object of the file. */
PetscErrorCode NetWriteSizes(Net net, Output out, const char *object)
{
  PetscFunctionBegin;
  PetscCall(OutputAttrString(out, object, "net_type", ((PetscObject)net)->type_name));
  PetscCall(OutputAttrInt(out, object, "net_inputs", net->nin));
  PetscCall(OutputAttrInt(out, object, "net_outputs", net->nout));
  PetscCall(OutputAttrInt(out, object, "net_parameters", net->count));
  PetscCall((*net->ops->writesizes)(net, out, object));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetReadSizes - make an empty net one of the type and sizes that NetWriteSizes left; then NetSetUp. */
PetscErrorCode NetReadSizes(Net net, Input in, const char *object)
{
  char      type[32];
  int64_t   nin = 0, nout = 0;
  PetscBool found[3];

  PetscFunctionBegin;
  PetscCall(InputAttrString(in, object, "net_type", sizeof(type), type, &found[0]));
  PetscCall(InputAttrInt(in, object, "net_inputs", &nin, &found[1]));
  PetscCall(InputAttrInt(in, object, "net_outputs", &nout, &found[2]));
  AdCheckInput(found[0] && found[1] && found[2],
               "%s: expected attributes net_type, net_inputs and net_outputs, not all are there", object);
  AdCheckInput(nin > 0 && nin < PETSC_MAX_INT && nout > 0 && nout < PETSC_MAX_INT,
               "%s: expected positive net_inputs and net_outputs, found %lld and %lld", object,
               (long long)nin, (long long)nout);
  PetscCall(SetType(net, type));
  PetscCall(NetSetSizes(net, (int)nin, (int)nout));
  PetscCall((*net->ops->readsizes)(net, in, object));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetPrintSummary - type, sizes, parameters and kernels in one line. */
PetscErrorCode NetPrintSummary(Net net)
{
  PetscFunctionBegin;
  PetscCall((*net->ops->printsummary)(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}
