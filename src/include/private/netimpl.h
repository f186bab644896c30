#ifndef AD_NETIMPL_H
#define AD_NETIMPL_H
#include "adnet.h"
#include <petsc/private/petscimpl.h>

/* One array of parameters: its place in theta, and its name and shape in files */
typedef struct {
  char        name[32]; /* layer0/weight */
  const char *axes;
  int         rank;
  int64_t     dims[2], offset;
} NetArray;

struct _NetOps {
  PetscErrorCode (*setfromoptions)(Net);
  PetscErrorCode (*setup)(Net); /* checks the sizes; count, block and arrays; allocates its work */
  PetscErrorCode (*destroy)(Net);
  PetscErrorCode (*initialise)(Net, const float *uniform01);
  PetscErrorCode (*changed)(Net);
  PetscErrorCode (*forward)(Net, int64_t n, const float *in, float *out);
  PetscErrorCode (*forwardkeep)(Net, int n, const float *in, float *out);
  PetscErrorCode (*backward)(Net, int n, const float *dout, float *grad, float *din);
  PetscErrorCode (*writesizes)(Net, Output out, const char *object);
  PetscErrorCode (*readsizes)(Net, Input in, const char *object);
  PetscErrorCode (*printsummary)(Net);
};

struct _p_Net {
  PETSCHEADER(struct _NetOps);
  void     *data; /* of the type */
  int       nin, nout, block;
  PetscInt  backend; /* -net_backend */
  int64_t   count;
  float    *theta; /* [count], 64-byte aligned */
  NetArray *array; /* [narrays], in the order of theta */
  int       narrays;
  PetscBool setup;
};

extern const char *const net_backends[]; /* auto, then names of mlp_select_backend */

PetscErrorCode NetAllocate(size_t count, float **array); /* 64-byte aligned zeros, for free() */
PetscErrorCode NetCreate_MLP(Net net);

#endif
