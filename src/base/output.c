#include "private/h5impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <slepcsys.h>

#ifndef ADIFF_COMMIT
#define ADIFF_COMMIT "unknown"
#endif

struct _n_Output {
  hid_t  file;
  char   path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN];
  double started;
};

static char unfinished[PETSC_MAX_PATH_LEN]; /* the .part file to remove should the run fail */

hid_t h5_memory_type(DataType type)
{
  return type == AD_DOUBLE ? H5T_NATIVE_DOUBLE : type == AD_FLOAT ? H5T_NATIVE_FLOAT : H5T_NATIVE_INT64;
}

static hid_t file_type(DataType type)
{
  return type == AD_DOUBLE ? H5T_IEEE_F64LE : type == AD_FLOAT ? H5T_IEEE_F32LE : H5T_STD_I64LE;
}

/* OutputMakeFolder - make the folder of a file that is to be written later, so that a long run fails before it begins.
   AD_ERR_INPUT when the folder cannot be written to. */
PetscErrorCode OutputMakeFolder(const char *path)
{
  int   rank, code = 0;
  char  folder[PETSC_MAX_PATH_LEN];
  char *slash;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  snprintf(folder, sizeof(folder), "%s", path);
  for (slash = strchr(folder + 1, '/'); slash && !rank; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(folder, 0777) && errno != EEXIST) code = errno;
    *slash = '/';
  }
  slash = strrchr(folder, '/');
  if (slash) slash[1] = 0;
  if (!rank && !code && access(slash ? folder : ".", W_OK)) code = errno;
  PetscCallMPI(MPI_Bcast(&code, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  AdCheckInput(!code, "-o: cannot write '%s': %s; name a folder you may write to", path, strerror(code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRunStart(Output out, const char *command)
{
  char          text[256], host[128];
  unsigned      version[3];
  int           size;
  const time_t  now = time(NULL);
  const int64_t id  = (int64_t)now * 1000003 + (int64_t)getpid();

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  PetscCall(OutputAttrString(out, "/run", "started", text));
  snprintf(text, sizeof(text), "%016llx", (unsigned long long)id * 0x9E3779B97F4A7C15ull);
  PetscCall(OutputAttrString(out, "/run", "run_id", text));
  PetscCall(OutputAttrString(out, "/run", "program", "adiff"));
  PetscCall(OutputAttrString(out, "/run", "version", ADIFF_VERSION));
  PetscCall(OutputAttrString(out, "/run", "git_commit", ADIFF_COMMIT));
  PetscCall(OutputAttrString(out, "/run", "command", command));
  PetscCall(OutputAttrInt(out, "/run", "schema", AD_SCHEMA));
  PetscCall(OutputAttrInt(out, "/run", "ranks", size));
  PetscCall(OutputAttrInt(out, "/run", "complete", 0));
  if (gethostname(host, sizeof(host))) snprintf(host, sizeof(host), "unknown");
  host[sizeof(host) - 1] = 0;
  PetscCall(OutputAttrString(out, "/run", "host", host));
  PetscCall(PetscGetVersion(text, sizeof(text)));
  PetscCall(OutputAttrString(out, "/run", "petsc", text));
  PetscCall(SlepcGetVersion(text, sizeof(text)));
  PetscCall(OutputAttrString(out, "/run", "slepc", text));
  H5get_libversion(&version[0], &version[1], &version[2]);
  snprintf(text, sizeof(text), "%u.%u.%u", version[0], version[1], version[2]);
  PetscCall(OutputAttrString(out, "/run", "hdf5", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OutputOpen - begin a result file: path.part now, path when OutputClose has written everything

  Input:  path  final name; missing folders are made    command  the adiff command, for the record
  Errors: AD_ERR_INPUT when the folder cannot be written to
*/
PetscErrorCode OutputOpen(const char *path, const char *command, Output *out)
{
  hid_t access, group;

  PetscFunctionBegin;
  PetscCall(OutputMakeFolder(path));
  PetscCall(PetscNew(out));
  snprintf((*out)->path, sizeof((*out)->path), "%s", path);
  AdCheckInput(snprintf((*out)->part, sizeof((*out)->part), "%s.part", path) < (int)sizeof((*out)->part),
               "-o: the file name is too long");
  (*out)->started = AdWallTime();
  H5Eset_auto(H5E_DEFAULT, NULL, NULL);
  access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, PETSC_COMM_WORLD, MPI_INFO_NULL);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V110);
  (*out)->file = H5Fcreate((*out)->part, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  AdCheckH5Write((*out)->path, (*out)->file >= 0);
  snprintf(unfinished, sizeof(unfinished), "%s", (*out)->part);
  group = H5Gcreate2((*out)->file, "/run", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  AdCheckH5Write((*out)->path, group >= 0);
  H5Gclose(group);
  PetscCall(WriteRunStart(*out, command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteInfo(Output out, const char *name, const DataInfo *info)
{
  PetscFunctionBegin;
  PetscCall(OutputAttrString(out, name, "dims", info->axes));
  PetscCall(OutputAttrString(out, name, "units", info->units));
  PetscCall(OutputAttrString(out, name, "source", info->source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateDataset(Output out, const char *name, hid_t type, int rank, const hsize_t *dims,
                                    hid_t *set)
{
  hid_t space = H5Screate_simple(rank, dims, NULL), links = H5Pcreate(H5P_LINK_CREATE);

  PetscFunctionBegin;
  H5Pset_create_intermediate_group(links, 1);
  *set = H5Dcreate2(out->file, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
  H5Pclose(links);
  H5Sclose(space);
  AdCheckH5Write(out->path, *set >= 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OutputWrite - write an array that every rank holds (rank 0 does the writing)

  Input: name  full path in the file; groups are made   rank, dims  shape (rank 0: a scalar)   data  C order
*/
PetscErrorCode OutputWrite(Output out, const char *name, DataType type, int rank, const int64_t *dims,
                           const void *data, const DataInfo *info)
{
  int myrank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &myrank));
  if (rank)
    PetscCall(OutputWriteRows(out, name, type, rank, dims, 0, myrank ? 0 : dims[0], data, info));
  else {
    const int64_t one = 1;
    PetscCall(OutputWriteRows(out, name, type, 1, &one, 0, myrank ? 0 : 1, data, info));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OutputWriteRows - write an array whose first axis is shared out over the ranks, collectively

  Input: dims[rank]  global shape   first, n  this rank's rows   data[n][...]
*/
PetscErrorCode OutputWriteRows(Output out, const char *name, DataType type, int rank, const int64_t *dims,
                               int64_t first, int64_t n, const void *data, const DataInfo *info)
{
  hsize_t shape[8], start[8] = {0}, count[8];
  hid_t   set, memory, space, transfer;
  herr_t  status;

  PetscFunctionBegin;
  for (int a = 0; a < rank; a++) shape[a] = count[a] = (hsize_t)dims[a];
  start[0] = n ? (hsize_t)first : 0;
  count[0] = (hsize_t)n;
  PetscCall(CreateDataset(out, name, file_type(type), rank, shape, &set));
  memory   = H5Screate_simple(rank, count, NULL);
  space    = H5Dget_space(set);
  transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  if (n)
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  status = H5Dwrite(set, h5_memory_type(type), memory, space, transfer, data);
  H5Pclose(transfer);
  H5Sclose(space);
  H5Sclose(memory);
  H5Dclose(set);
  AdCheckH5Write(out->path, status >= 0);
  PetscCall(WriteInfo(out, name, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OutputWriteStrings - write n texts that every rank holds, as fixed-length strings padded with zeros. */
PetscErrorCode OutputWriteStrings(Output out, const char *name, int64_t n, const char *const *text,
                                  const DataInfo *info)
{
  size_t        width = 1;
  char         *block;
  int           rank;
  hid_t         type   = H5Tcopy(H5T_C_S1), set;
  const hsize_t dims   = (hsize_t)n;
  herr_t        status = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (int64_t i = 0; i < n; i++) width = PetscMax(width, strlen(text[i]) + 1);
  PetscCall(PetscCalloc1((size_t)n * width + 1, &block));
  for (int64_t i = 0; i < n; i++) memcpy(block + (size_t)i * width, text[i], strlen(text[i]));
  H5Tset_size(type, width);
  PetscCall(CreateDataset(out, name, type, 1, &dims, &set));
  if (!rank) status = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block);
  H5Dclose(set);
  H5Tclose(type);
  PetscCall(PetscFree(block));
  AdCheckH5Write(out->path, status >= 0);
  PetscCall(WriteInfo(out, name, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OutputHas - is there a group or dataset of this name already? name is "/group" or a path whose group exists. */
PetscErrorCode OutputHas(Output out, const char *name, PetscBool *has)
{
  PetscFunctionBegin;
  *has = H5Lexists(out->file, name, H5P_DEFAULT) > 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Attributes are written by all ranks with the same value, on a dataset or a group, which is made when missing. */
static PetscErrorCode WriteAttribute(Output out, const char *object, const char *name, hid_t type,
                                     hid_t space, hid_t memory, const void *value)
{
  hid_t  attribute, links = H5Pcreate(H5P_LINK_CREATE);
  herr_t status = -1;

  PetscFunctionBegin;
  H5Pset_create_intermediate_group(links, 1);
  if (strcmp(object, "/") && H5Lexists(out->file, object, H5P_DEFAULT) <= 0)
    H5Gclose(H5Gcreate2(out->file, object, links, H5P_DEFAULT, H5P_DEFAULT));
  H5Pclose(links);
  if (H5Aexists_by_name(out->file, object, name, H5P_DEFAULT) > 0)
    H5Adelete_by_name(out->file, object, name, H5P_DEFAULT);
  attribute = H5Acreate_by_name(out->file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    status = H5Awrite(attribute, memory, value);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  AdCheckH5Write(out->path, status >= 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OutputAttrReal - attach n numbers (a scalar when n = 1) to an object of the file. */
PetscErrorCode OutputAttrReal(Output out, const char *object, const char *name, int n, const double *value)
{
  const hsize_t dims = (hsize_t)n;

  PetscFunctionBegin;
  PetscCall(WriteAttribute(out, object, name, H5T_IEEE_F64LE,
                           n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &dims, NULL),
                           H5T_NATIVE_DOUBLE, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutputAttrInt(Output out, const char *object, const char *name, int64_t value)
{
  PetscFunctionBegin;
  PetscCall(
      WriteAttribute(out, object, name, H5T_STD_I64LE, H5Screate(H5S_SCALAR), H5T_NATIVE_INT64, &value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutputAttrString(Output out, const char *object, const char *name, const char *value)
{
  hid_t type = H5Tcopy(H5T_C_S1);

  PetscFunctionBegin;
  H5Tset_size(type, strlen(value) + 1);
  PetscCall(WriteAttribute(out, object, name, type, H5Screate(H5S_SCALAR), type, value));
  H5Tclose(type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRunEnd(Output out)
{
  char         *options, used[4096];
  const double  wall = AdWallTime() - out->started;
  const int64_t one  = 1;

  PetscFunctionBegin;
  PetscCall(OptionsText("", &options));
  PetscCall(OutputWriteStrings(out, "/run/options", one, (const char *const *)&options,
                               &(DataInfo){"text", "1", "options in effect, YAML"}));
  PetscCall(PetscFree(options));
  PetscCall(RequestWrite(out));
  PetscCall(InputListUsed(sizeof(used), used));
  PetscCall(OutputAttrString(out, "/run", "inputs", used));
  PetscCall(OutputAttrReal(out, "/run", "wall_seconds", 1, &wall));
  PetscCall(OutputAttrInt(out, "/run", "complete", 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int flush_and_rename(const char *part, const char *path)
{
  int fd = open(part, O_RDONLY), failed;

  if (fd < 0) return 1;
  failed = fsync(fd);
  return close(fd) || failed || rename(part, path);
}

/* OutputClose - finish the record of the run, bring the file to disk, and give it its final name. */
PetscErrorCode OutputClose(Output *out)
{
  int rank, failed = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(WriteRunEnd(*out));
  AdCheckH5Write((*out)->path, H5Fclose((*out)->file) >= 0);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  if (!rank) failed = flush_and_rename((*out)->part, (*out)->path);
  AdCheckH5Write((*out)->path, !failed);
  unfinished[0] = 0;
  PetscCall(PetscFree(*out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OutputAbandon - after an error: remove the unfinished file. */
PetscErrorCode OutputAbandon(void)
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank && unfinished[0]) unlink(unfinished);
  unfinished[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
