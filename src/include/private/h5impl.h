#ifndef AD_H5IMPL_H
#define AD_H5IMPL_H
#include "adbase.h"
#include <hdf5.h>

/* A failed HDF5 call while writing: the run failed (disk full, folder gone). All ranks agree first. */
#define AdCheckH5Write(out, ok)                                                                              \
  do {                                                                                                       \
    int ad_good = (ok) ? 1 : 0;                                                                              \
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ad_good, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));              \
    AdCheckRun(ad_good, "%s: writing failed; check free space and permissions of its folder", (out));        \
  } while (0)

hid_t          h5_memory_type(DataType type);
PetscErrorCode InputNoteUse(const char *path, const char *run_id);
PetscErrorCode InputListUsed(size_t size, char *text);
PetscErrorCode RequestWrite(Output out);

#endif
