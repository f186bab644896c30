#include "private/netimpl.h"
#include "admlp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  PetscInt width, depth;
  MlpShape shape;
  float   *packed, *work;
} Mlp;

static PetscErrorCode NetSetFromOptions_MLP(Net net)
{
  Mlp *mlp = (Mlp *)net->data;

  PetscFunctionBegin;
  PetscCall(OptInt("-net_width", "units of a hidden layer, a multiple of 16", RANGE(16, MLP_MAX_WIDTH),
                   &mlp->width, NULL));
  PetscCall(OptInt("-net_depth", "hidden layers", RANGE(1, 64), &mlp->depth, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks take the same kernels: others have other last bits, so results would depend on who made them. */
static PetscErrorCode SelectBackend(const char *name)
{
  const int automatic = !strcmp(name, net_backends[0]);
  int       found     = !mlp_select_backend(automatic ? "avx512" : name);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  if (!found && automatic) found = !mlp_select_backend("portable");
  AdCheckInput(found, "-net_backend: not every processor of this run has %s; take auto or portable", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the weights and biases of each layer lie in theta: [in][out], then [out]. */
static PetscErrorCode ListArrays(Net net, const MlpShape *s)
{
  int64_t offset = 0;

  PetscFunctionBegin;
  net->narrays = 2 * (s->depth + 1);
  PetscCall(PetscCalloc1(net->narrays, &net->array));
  for (int l = 0; l <= s->depth; l++) {
    const int64_t in = l ? s->width : s->nin, out = l < s->depth ? s->width : s->nout;
    NetArray     *weight = &net->array[2 * l], *bias = weight + 1;
    *weight = (NetArray){.axes = "input,output", .rank = 2, .dims = {in, out}, .offset = offset};
    *bias   = (NetArray){.axes = "output", .rank = 1, .dims = {out}, .offset = offset + in * out};
    snprintf(weight->name, sizeof(weight->name), "layer%d/weight", l);
    snprintf(bias->name, sizeof(bias->name), "layer%d/bias", l);
    offset += (in + 1) * out;
  }
  PetscAssert(offset == net->count, PETSC_COMM_SELF, PETSC_ERR_PLIB, "arrays do not fill theta");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetSetUp_MLP(Net net)
{
  Mlp *mlp = (Mlp *)net->data;

  PetscFunctionBegin;
  AdCheckInput(mlp->width % 16 == 0 && mlp->width >= 16 && mlp->width <= MLP_MAX_WIDTH,
               "-net_width: expected a multiple of 16 from 16 to %d, got %d", MLP_MAX_WIDTH, (int)mlp->width);
  AdCheckInput(mlp->depth >= 1, "-net_depth: expected at least 1 hidden layer, got %d", (int)mlp->depth);
  AdCheckInput(net->nin >= 1 && net->nin <= MLP_MAX_PORTS && net->nout >= 1 && net->nout <= MLP_MAX_PORTS,
               "-net_type mlp: expected 1 to %d inputs and outputs, this score needs %d and %d; take data of "
               "fewer coordinates",
               MLP_MAX_PORTS, net->nin, net->nout);
  PetscCall(SelectBackend(net_backends[net->backend]));
  mlp->shape = (MlpShape){net->nin, (int)mlp->width, (int)mlp->depth, net->nout};
  net->count = (int64_t)mlp_parameter_count(&mlp->shape);
  net->block = MLP_BLOCK;
  PetscCall(ListArrays(net, &mlp->shape));
  PetscCall(NetAllocate(mlp_packed_count(&mlp->shape), &mlp->packed));
  PetscCall(NetAllocate(mlp_workspace_count(&mlp->shape), &mlp->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetDestroy_MLP(Net net)
{
  Mlp *mlp = (Mlp *)net->data;

  PetscFunctionBegin;
  free(mlp->packed);
  free(mlp->work);
  PetscCall(PetscFree(net->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetInitialise_MLP(Net net, const float *uniform01)
{
  PetscFunctionBegin;
  mlp_init(&((Mlp *)net->data)->shape, uniform01, net->theta);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetParametersChanged_MLP(Net net)
{
  Mlp *mlp = (Mlp *)net->data;

  PetscFunctionBegin;
  mlp_pack(&mlp->shape, net->theta, mlp->packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetForward_MLP(Net net, int64_t n, const float *in, float *out)
{
  const Mlp    *mlp   = (const Mlp *)net->data;
  const int64_t piece = (int64_t)MLP_BLOCK << 20; /* rows of one call are an int */

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r += piece)
    mlp_forward(&mlp->shape, mlp->packed, (int)PetscMin(piece, n - r), in + r * net->nin, out + r * net->nout,
                mlp->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetForwardKeep_MLP(Net net, int n, const float *in, float *out)
{
  const Mlp *mlp = (const Mlp *)net->data;

  PetscFunctionBegin;
  PetscCheck(n <= MLP_BLOCK, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%d rows, a block has %d", n, MLP_BLOCK);
  mlp_forward_keep(&mlp->shape, mlp->packed, n, in, out, mlp->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetBackward_MLP(Net net, int n, const float *dout, float *grad, float *din)
{
  const Mlp *mlp = (const Mlp *)net->data;

  PetscFunctionBegin;
  mlp_backward(&mlp->shape, mlp->packed, n, dout, mlp->work, grad, din);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetWriteSizes_MLP(Net net, Output out, const char *object)
{
  const Mlp *mlp = (const Mlp *)net->data;

  PetscFunctionBegin;
  PetscCall(OutputAttrInt(out, object, "net_width", mlp->width));
  PetscCall(OutputAttrInt(out, object, "net_depth", mlp->depth));
  PetscCall(OutputAttrString(out, object, "net_activation", "silu"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetReadSizes_MLP(Net net, Input in, const char *object)
{
  Mlp      *mlp   = (Mlp *)net->data;
  int64_t   width = 0, depth = 0;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(InputAttrInt(in, object, "net_width", &width, &found));
  PetscCall(InputAttrInt(in, object, "net_depth", &depth, &found));
  AdCheckInput(width > 0 && width <= MLP_MAX_WIDTH && depth > 0 && depth <= 1024,
               "%s: expected net_width 16 to %d and net_depth from 1, found %lld and %lld", object,
               MLP_MAX_WIDTH, (long long)width, (long long)depth);
  mlp->width = (PetscInt)width;
  mlp->depth = (PetscInt)depth;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetPrintSummary_MLP(Net net)
{
  const Mlp *mlp = (const Mlp *)net->data;

  PetscFunctionBegin;
  PetscCall(AdPrint("net       mlp %d -> %d x %d -> %d, silu, %lld parameters, %s kernels\n", net->nin,
                    (int)mlp->width, (int)mlp->depth, net->nout, (long long)net->count, mlp_backend_name()));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NetCreate_MLP - nin -> depth hidden layers of width units, SiLU -> nout; the fused kernels of admlp.h. */
PetscErrorCode NetCreate_MLP(Net net)
{
  Mlp *mlp;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mlp));
  mlp->width = 128;
  mlp->depth = 4;
  net->data  = mlp;
  *net->ops  = (struct _NetOps){.setfromoptions = NetSetFromOptions_MLP,
                                .setup          = NetSetUp_MLP,
                                .destroy        = NetDestroy_MLP,
                                .initialise     = NetInitialise_MLP,
                                .changed        = NetParametersChanged_MLP,
                                .forward        = NetForward_MLP,
                                .forwardkeep    = NetForwardKeep_MLP,
                                .backward       = NetBackward_MLP,
                                .writesizes     = NetWriteSizes_MLP,
                                .readsizes      = NetReadSizes_MLP,
                                .printsummary   = NetPrintSummary_MLP};
  PetscFunctionReturn(PETSC_SUCCESS);
}
