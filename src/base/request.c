/*
  What a run was asked for, so that a sweep that was stopped goes on where it ended: a point whose file answers the same
  request, and is newer than the program and all that it read, need not run again.
*/
#include "private/h5impl.h"
#include "private/optionsimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *request; /* command and options as given */

static PetscBool changes_no_result(const char *key)
{
  static const char *const keys[] = {"-o", "-sweep_", "-log_", "-malloc", "-trainer_max_wall", NULL};

  for (int i = 0; keys[i]; i++)
    if (i ? !strncmp(key, keys[i], strlen(keys[i])) : !strcmp(key, keys[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* RequestNote - remember a command and the options database as the request that files written from now on answer. */
PetscErrorCode RequestNote(const char *command)
{
  char     *all, *save = NULL;
  size_t    size;
  PetscBool keep = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(RequestForget());
  PetscCall(PetscOptionsGetAll(NULL, &all));
  size = strlen(command) + strlen(all) + 3;
  PetscCall(PetscCalloc1(size, &request));
  PetscCall(PetscStrlcat(request, command, size));
  for (char *word = strtok_r(all, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    if (opt_is_key(word)) keep = changes_no_result(word) ? PETSC_FALSE : PETSC_TRUE;
    if (!keep) continue;
    PetscCall(PetscStrlcat(request, " ", size));
    PetscCall(PetscStrlcat(request, word, size));
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RequestForget - free what RequestNote keeps. */
PetscErrorCode RequestForget(void)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RequestWrite - into the record of a file; nothing where no request was noted. */
PetscErrorCode RequestWrite(Output out)
{
  const char *text = request;

  PetscFunctionBegin;
  if (request)
    PetscCall(OutputWriteStrings(out, "/run/request", 1, &text,
                                 &(DataInfo){"text", "1", "command and options as given"}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static char *read_text(hid_t file, const char *name, PetscBool attribute)
{
  hid_t  id   = attribute ? H5Aopen_by_name(file, "/run", name, H5P_DEFAULT, H5P_DEFAULT)
                          : H5Dopen2(file, name, H5P_DEFAULT);
  hid_t  type = id < 0 ? -1 : attribute ? H5Aget_type(id) : H5Dget_type(id);
  char  *text = type < 0 ? NULL : calloc(H5Tget_size(type) + 1, 1);
  herr_t status;

  if (text) {
    status = attribute ? H5Aread(id, type, text) : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
    if (status < 0) text[0] = 0;
  }
  if (type >= 0) H5Tclose(type);
  if (id >= 0) attribute ? H5Aclose(id) : H5Dclose(id);
  return text;
}

/* Is the file of this name older than the result? One that is gone is not. */
static int older(const char *path, const struct stat *result)
{
  struct stat file;

  if (stat(path, &file)) return 0;
  return file.st_mtim.tv_sec < result->st_mtim.tv_sec ||
         (file.st_mtim.tv_sec == result->st_mtim.tv_sec && file.st_mtim.tv_nsec < result->st_mtim.tv_nsec);
}

/* inputs: "path run_id; path run_id" */
static int inputs_older(char *inputs, const struct stat *result)
{
  char *save = NULL;

  for (char *entry = strtok_r(inputs, ";", &save); entry; entry = strtok_r(NULL, ";", &save)) {
    entry += strspn(entry, " ");
    entry[strcspn(entry, " ")] = 0;
    if (entry[0] && !older(entry, result)) return 0;
  }
  return 1;
}

static int answers(const char *path)
{
  struct stat result, program;
  char       *asked, *inputs;
  hid_t       file;
  int         yes;

  if (!request || stat(path, &result)) return 0;
  if (!stat("/proc/self/exe", &program) && !older("/proc/self/exe", &result)) return 0;
  H5Eset_auto(H5E_DEFAULT, NULL, NULL);
  file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return 0;
  asked  = H5Lexists(file, "/run", H5P_DEFAULT) > 0 && H5Lexists(file, "/run/request", H5P_DEFAULT) > 0
               ? read_text(file, "/run/request", PETSC_FALSE)
               : NULL;
  inputs = asked ? read_text(file, "inputs", PETSC_TRUE) : NULL;
  yes    = inputs && !strcmp(asked, request) && inputs_older(inputs, &result);
  free(asked);
  free(inputs);
  H5Fclose(file);
  return yes;
}

/*
  RequestIsDone - does a file hold what was asked for?

  Output: done  it is whole, its request is the present one, and it is newer than the program and than every file it read
*/
PetscErrorCode RequestIsDone(const char *path, PetscBool *done)
{
  int rank, yes = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) yes = answers(path);
  PetscCallMPI(MPI_Bcast(&yes, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  *done = yes ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
