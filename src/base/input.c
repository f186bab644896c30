#include "private/h5impl.h"
#include <stdio.h>
#include <string.h>

struct _n_Input {
  hid_t file;
  char  option[64], path[PETSC_MAX_PATH_LEN];
};

static char
    used_files[4096]; /* names and run ids of the files read so far, for the record of the next output */

PetscErrorCode InputNoteUse(const char *path, const char *run_id)
{
  char entry[PETSC_MAX_PATH_LEN + 64];

  PetscFunctionBegin;
  snprintf(entry, sizeof(entry), "%s%s%s", path, run_id[0] ? " " : "", run_id);
  if (!strstr(used_files, entry) && strlen(used_files) + strlen(entry) + 3 < sizeof(used_files)) {
    if (used_files[0]) PetscCall(PetscStrlcat(used_files, "; ", sizeof(used_files)));
    PetscCall(PetscStrlcat(used_files, entry, sizeof(used_files)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputForgetUsed - begin a new list of files read (each point of a sweep has its own). */
PetscErrorCode InputForgetUsed(void)
{
  PetscFunctionBegin;
  used_files[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InputListUsed(size_t size, char *text)
{
  PetscFunctionBegin;
  snprintf(text, size, "%s", used_files);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  InputOpen - open an HDF5 file for collective reading

  Input:  option  the option or argument that named it, for messages
  Errors: AD_ERR_INPUT when it is missing, cut short or no HDF5 file
*/
PetscErrorCode InputOpen(const char *option, const char *path, Input *in)
{
  hid_t     access;
  char      id[64] = "";
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(AdCheckReadable(option, path));
  PetscCall(PetscNew(in));
  snprintf((*in)->option, sizeof((*in)->option), "%s", option);
  snprintf((*in)->path, sizeof((*in)->path), "%s", path);
  H5Eset_auto(H5E_DEFAULT, NULL, NULL);
  access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, PETSC_COMM_WORLD, MPI_INFO_NULL);
  H5Pset_all_coll_metadata_ops(access, 1);
  (*in)->file = H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  AdCheckInput((*in)->file >= 0,
               "%s: '%s' is not a whole HDF5 file (foreign format or cut short); make or copy it again",
               option, path);
  PetscCall(InputAttrString(*in, "/run", "run_id", sizeof(id), id, &found));
  PetscCall(InputNoteUse(path, id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool path_exists(hid_t file, const char *name)
{
  char part[512];

  for (const char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
    if (H5Lexists(file, part, H5P_DEFAULT) <= 0) return PETSC_FALSE;
  }
  return !strcmp(name, "/") || H5Lexists(file, name, H5P_DEFAULT) > 0 ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode InputHas(Input in, const char *name, PetscBool *has)
{
  PetscFunctionBegin;
  *has = path_exists(in->file, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenSet(Input in, const char *name, hid_t *set)
{
  PetscFunctionBegin;
  *set = path_exists(in->file, name) ? H5Dopen2(in->file, name, H5P_DEFAULT) : -1;
  AdCheckInput(*set >= 0, "%s: '%s' has no dataset %s", in->option, in->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputGetRank - number of axes of a dataset. */
PetscErrorCode InputGetRank(Input in, const char *name, int *rank)
{
  hid_t set, space;

  PetscFunctionBegin;
  PetscCall(OpenSet(in, name, &set));
  space = H5Dget_space(set);
  *rank = H5Sget_simple_extent_ndims(space);
  H5Sclose(space);
  H5Dclose(set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputGetDims - shape of a dataset that must have the given number of axes. */
PetscErrorCode InputGetDims(Input in, const char *name, int rank, int64_t *dims)
{
  int     found = 0;
  hsize_t shape[32];
  hid_t   set, space;

  PetscFunctionBegin;
  PetscCall(InputGetRank(in, name, &found));
  AdCheckInput(found == rank, "%s: '%s' dataset %s: expected %d axes, found %d", in->option, in->path, name,
               rank, found);
  PetscCall(OpenSet(in, name, &set));
  space = H5Dget_space(set);
  H5Sget_simple_extent_dims(space, shape, NULL);
  for (int a = 0; a < rank; a++) dims[a] = (int64_t)shape[a];
  H5Sclose(space);
  H5Dclose(set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSelection(Input in, const char *name, DataType type, hid_t set, hid_t memory,
                                    hid_t space, void *data)
{
  hid_t       transfer = H5Pcreate(H5P_DATASET_XFER), stored = H5Dget_type(set);
  H5T_class_t kind = H5Tget_class(stored);
  int         good;

  PetscFunctionBegin;
  H5Tclose(stored);
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  good = (kind == H5T_FLOAT || kind == H5T_INTEGER) &&
         H5Dread(set, h5_memory_type(type), memory, space, transfer, data) >= 0;
  H5Pclose(transfer);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  AdCheckInput(good, "%s: '%s' dataset %s: cannot be read as numbers (another type, or the file is damaged)",
               in->option, in->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputRead - a whole dataset on every rank, converted to the type asked for. */
PetscErrorCode InputRead(Input in, const char *name, DataType type, void *data)
{
  hid_t set;

  PetscFunctionBegin;
  PetscCall(OpenSet(in, name, &set));
  PetscCall(ReadSelection(in, name, type, set, H5S_ALL, H5S_ALL, data));
  H5Dclose(set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputReadRows - rows first .. first + n of the first axis, other rows on other ranks. */
PetscErrorCode InputReadRows(Input in, const char *name, DataType type, int64_t first, int64_t n, void *data)
{
  hid_t   set, space, memory;
  hsize_t shape[32], start[32] = {0};
  int     rank;

  PetscFunctionBegin;
  PetscCall(OpenSet(in, name, &set));
  space    = H5Dget_space(set);
  rank     = H5Sget_simple_extent_dims(space, shape, NULL);
  start[0] = (hsize_t)first;
  shape[0] = (hsize_t)n;
  memory   = H5Screate_simple(rank, shape, NULL);
  if (n)
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, shape, NULL);
  else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  PetscCall(ReadSelection(in, name, type, set, memory, space, data));
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputReadText - a dataset of one text of fixed length, as OutputWriteStrings writes it; caller frees with PetscFree. */
PetscErrorCode InputReadText(Input in, const char *name, char **text)
{
  hid_t       set, type;
  H5T_class_t kind;
  int         good;

  PetscFunctionBegin;
  PetscCall(OpenSet(in, name, &set));
  type = H5Dget_type(set);
  kind = H5Tget_class(type);
  PetscCall(PetscCalloc1(H5Tget_size(type) + 1, text));
  good = kind == H5T_STRING && H5Tis_variable_str(type) <= 0 &&
         H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) >= 0;
  H5Tclose(type);
  H5Dclose(set);
  AdCheckInput(good, "%s: '%s' dataset %s: expected a text", in->option, in->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static hid_t open_attribute(Input in, const char *object, const char *name)
{
  if (!path_exists(in->file, object) || H5Aexists_by_name(in->file, object, name, H5P_DEFAULT) <= 0)
    return -1;
  return H5Aopen_by_name(in->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
}

static hssize_t count_values(hid_t attribute)
{
  hid_t    space = H5Aget_space(attribute);
  hssize_t count = H5Sget_simple_extent_npoints(space);

  H5Sclose(space);
  return count;
}

/* InputAttrReal - read an attribute of exactly n numbers; found tells whether it is there. */
PetscErrorCode InputAttrReal(Input in, const char *object, const char *name, int n, double *value,
                             PetscBool *found)
{
  hid_t attribute = open_attribute(in, object, name);

  PetscFunctionBegin;
  *found = attribute >= 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  AdCheckInput(count_values(attribute) == n && H5Aread(attribute, H5T_NATIVE_DOUBLE, value) >= 0,
               "%s: '%s' attribute %s of %s: expected %d numbers", in->option, in->path, name, object, n);
  H5Aclose(attribute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputAttrInt - read an attribute of one whole number. */
PetscErrorCode InputAttrInt(Input in, const char *object, const char *name, int64_t *value, PetscBool *found)
{
  hid_t attribute = open_attribute(in, object, name);

  PetscFunctionBegin;
  *found = attribute >= 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  AdCheckInput(count_values(attribute) == 1 && H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0,
               "%s: '%s' attribute %s of %s: expected a whole number", in->option, in->path, name, object);
  H5Aclose(attribute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Append a text of at most length bytes to a comma list. */
static void join_text(const char *text, size_t length, size_t size, char *list)
{
  size_t at = strlen(list);

  snprintf(list + at, size - at, "%s%.*s", at ? "," : "", (int)strnlen(text, length), text);
}

static PetscErrorCode ReadTexts(hid_t attribute, hid_t type, hssize_t count, size_t size, char *value)
{
  size_t length = H5Tget_size(type);
  char  *block;

  PetscFunctionBegin;
  value[0] = 0;
  PetscCall(PetscCalloc1((size_t)count * length + 1, &block));
  if (H5Aread(attribute, type, block) < 0) count = 0;
  if (H5Tis_variable_str(type) > 0) {
    char **text = (char **)block;
    for (hssize_t i = 0; i < count; i++) {
      if (text[i]) join_text(text[i], strlen(text[i]), size, value);
      H5free_memory(text[i]);
    }
  } else
    for (hssize_t i = 0; i < count; i++) join_text(block + (size_t)i * length, length, size, value);
  PetscCall(PetscFree(block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* InputAttrString - read a text attribute of fixed or variable length; several texts are joined with commas. */
PetscErrorCode InputAttrString(Input in, const char *object, const char *name, size_t size, char *value,
                               PetscBool *found)
{
  hid_t attribute = open_attribute(in, object, name), type;

  PetscFunctionBegin;
  *found = attribute >= 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  type = H5Aget_type(attribute);
  AdCheckInput(H5Tget_class(type) == H5T_STRING, "%s: '%s' attribute %s of %s: expected a text", in->option,
               in->path, name, object);
  PetscCall(ReadTexts(attribute, type, count_values(attribute), size, value));
  H5Tclose(type);
  H5Aclose(attribute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InputClose(Input *in)
{
  PetscFunctionBegin;
  H5Fclose((*in)->file);
  PetscCall(PetscFree(*in));
  PetscFunctionReturn(PETSC_SUCCESS);
}
