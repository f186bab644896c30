#include "private/datasetimpl.h"
#include "private/h5impl.h"
#include <stdio.h>
#include <string.h>

typedef struct {
  int  count;
  char first[256], list[512];
} Candidates;

/* H5Lvisit callback: note a dataset of numbers with two axes. */
static herr_t note_table(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  Candidates *found = (Candidates *)ctx;
  const hid_t set   = H5Oopen(group, name, H5P_DEFAULT);

  if (set >= 0 && H5Iget_type(set) == H5I_DATASET) {
    const hid_t       space = H5Dget_space(set), type = H5Dget_type(set);
    const H5T_class_t kind = H5Tget_class(type);

    if (H5Sget_simple_extent_ndims(space) == 2 && (kind == H5T_FLOAT || kind == H5T_INTEGER)) {
      const size_t used = strlen(found->list);

      if (!found->count++) snprintf(found->first, sizeof(found->first), "%s", name);
      snprintf(found->list + used, sizeof(found->list) - used, "%s%s", used ? ", " : "", name);
    }
    H5Tclose(type);
    H5Sclose(space);
  }
  if (set >= 0) H5Oclose(set);
  return 0;
}

/* All datasets of numbers with two axes; rank 0 looks. */
static PetscErrorCode ListTables(const char *path, Candidates *found)
{
  int rank;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(found, sizeof(*found)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t       file;

    H5Pset_fapl_mpio(access, MPI_COMM_SELF, MPI_INFO_NULL);
    file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (file >= 0) {
      H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, note_table, found);
      H5Fclose(file);
    }
  }
  PetscCallMPI(MPI_Bcast(found, sizeof(*found), MPI_BYTE, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dataset meant when none is named: /samples/state of a result file, else the only one with two axes. */
static PetscErrorCode ChooseTable(const char *option, const char *name_option, Input in, const char *path,
                                  size_t size, char *set)
{
  Candidates found;
  PetscBool  has;

  PetscFunctionBegin;
  PetscCall(InputHas(in, "/samples/state", &has));
  if (has) {
    snprintf(set, size, "/samples/state");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ListTables(path, &found));
  AdCheckInput(found.count, "%s: '%s' has no dataset of numbers with two axes", option, path);
  AdCheckInput(found.count == 1, "%s: '%s' has several datasets with two axes; choose one of %s", name_option,
               path, found.list);
  snprintf(set, size, "%s", found.first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names of all D columns from the attribute `columns` or `names`, if it has as many; parted by ; or else by commas. */
static PetscErrorCode ReadNames(Table *t)
{
  static const char *const attributes[] = {"columns", "names"};
  char                    *text;
  PetscBool                found = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(t->D, &t->name));
  PetscCall(PetscCalloc1(NAMES_SIZE, &text));
  for (int k = 0; k < 2 && !found; k++) {
    PetscCall(InputAttrString(t->in, t->set, attributes[k], NAMES_SIZE, text, &found));
    if (found && split_names(text, strchr(text, ';') ? ';' : ',', t->D, t->name) != t->D)
      PetscCall(PetscArrayzero(t->name, t->D));
  }
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* table_is_text - by the end of the name */
PetscBool table_is_text(const char *path)
{
  static const char *const ends[] = {".csv", ".tsv", ".txt", ".dat"};
  const char              *dot    = strrchr(path, '.');

  for (int k = 0; dot && k < 4; k++)
    if (!strcasecmp(dot, ends[k])) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode OpenSet(const char *option, const char *name_option, const char *path, size_t size,
                              char *set, Table *t)
{
  int64_t dims[2];

  PetscFunctionBegin;
  PetscCall(InputOpen(option, path, &t->in));
  if (!set[0]) PetscCall(ChooseTable(option, name_option, t->in, path, size, set));
  snprintf(t->set, sizeof(t->set), "%s", set);
  PetscCall(InputGetDims(t->in, set, 2, dims));
  AdCheckInput(dims[0] > 0 && dims[1] > 0 && dims[1] < 1 << 20,
               "%s: '%s' dataset %s is %lld x %lld; expected rows and columns", option, path, set,
               (long long)dims[0], (long long)dims[1]);
  t->N = dims[0];
  t->D = (int)dims[1];
  PetscCall(ReadNames(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TableOpen - find sizes and names of the columns; a text file (.csv .tsv .txt .dat) is read at once

  Input:  option, name_option  which give the file and its dataset, for messages
  In/out: set[size]  dataset of an HDF5 file; empty: /samples/state or the only one with two axes, whose name it gets
  Errors: AD_ERR_INPUT when there is no such file or dataset, or the choice is not clear (the message lists them)
*/
PetscErrorCode TableOpen(const char *option, const char *name_option, const char *path, size_t size,
                         char *set, Table *t)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(t, sizeof(*t)));
  if (table_is_text(path)) {
    AdCheckInput(!set[0], "%s: '%s' is read as text, which has no named datasets", name_option, path);
    PetscCall(CsvRead(option, path, &t->csv));
    PetscCall(InputNoteUse(path, ""));
    t->N    = t->csv.rows;
    t->D    = t->csv.columns;
    t->name = t->csv.name;
  } else
    PetscCall(OpenSet(option, name_option, path, size, set, t));
  for (int i = 0; i < t->D; i++)
    if (!t->name[i][0]) snprintf(t->name[i], sizeof(t->name[i]), "x%d", i + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  TableGetRows - rows first .. first + n with all columns, on rank 0; n must not grow from call to call

  Output: rows[n][D]  valid until the next call; NULL on other ranks
*/
PetscErrorCode TableGetRows(Table *t, int64_t first, int64_t n, const double **rows)
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (t->in) {
    if (!t->piece && !rank) PetscCall(PetscMalloc1(n * t->D, &t->piece));
    PetscCall(InputReadRows(t->in, t->set, AD_DOUBLE, first, rank ? 0 : n, t->piece));
  }
  *rows = rank ? NULL : t->in ? t->piece : t->csv.value + first * t->D;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableClose(Table *t)
{
  PetscFunctionBegin;
  if (t->in) {
    PetscCall(InputClose(&t->in));
    PetscCall(PetscFree(t->name));
    PetscCall(PetscFree(t->piece));
  } else
    PetscCall(CsvFree(&t->csv));
  PetscFunctionReturn(PETSC_SUCCESS);
}
