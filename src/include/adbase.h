#ifndef ADBASE_H
#define ADBASE_H
/*
  Base layer of adiff: start-up, error policy, options, HDF5 files, sums in a fixed order.

  Every function returns a PetscErrorCode and is collective on PETSC_COMM_WORLD unless its comment says otherwise.
*/
#include <math.h>
#include <petscsys.h>
#include <stdint.h>
#include <stdio.h>

#ifndef PETSC_SUCCESS /* PETSc before 3.19 */
#define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

#define ADIFF_VERSION "0.1.0"
#define AD_SCHEMA     1

/* ---- errors: one line for the user, exit code 2 (bad input) or 1 (the run failed) ---- */
#define AD_ERR_INPUT PETSC_ERR_USER_INPUT
#define AD_ERR_RUN   PETSC_ERR_CONV_FAILED

#define AD_CHECK(cond, code, ...)                                                                            \
  do {                                                                                                       \
    if (PetscUnlikely(!(cond))) return AdFail(__LINE__, PETSC_FUNCTION_NAME, __FILE__, code, __VA_ARGS__);   \
  } while (0)

/* Bad input: the condition must have the same value on all ranks; the message names what, expected and found. */
#define AdCheckInput(cond, ...) AD_CHECK(cond, AD_ERR_INPUT, __VA_ARGS__)
/* The run failed (diverged, disk full): same rule. */
#define AdCheckRun(cond, ...) AD_CHECK(cond, AD_ERR_RUN, __VA_ARGS__)

enum { AD_EXIT_OK = 0, AD_EXIT_RUN = 1, AD_EXIT_INPUT = 2, AD_EXIT_STOPPED = 75 };

PetscErrorCode AdFail(int line, const char *function, const char *file, PetscErrorCode code,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
PetscErrorCode AdInitialize(int *argc, char ***argv);
PetscErrorCode AdFinalize(PetscErrorCode status, int *exit_code);
PetscErrorCode AdWarning(const char *format, ...) __attribute__((format(printf, 1, 2)));
PetscErrorCode AdPrint(const char *format, ...) __attribute__((format(printf, 1, 2)));
PetscErrorCode AdRequestExitCode(int code);
PetscBool      AdStopRequested(void);
PetscBool      AdStopping(void);
double         AdWallTime(void);

/* ---- rows shared out over the ranks ---- */
PetscErrorCode AdSplitRows(int64_t N, int64_t block, int64_t *first, int64_t *n);

/* A node of one binary tree over parts 0 .. n - 1: parts index 2^level .. (index + 1) 2^level - 1 */
typedef struct {
  int     level;
  int64_t index;
} TreeNode;
enum { TREE_DEPTH = 128 };
int            tree_push(TreeNode *stack, int *top, TreeNode node);
PetscErrorCode AdSumBlocks(int64_t blocks, int64_t n, int width, const double *local, double *total);
PetscErrorCode AdGatherRows(int64_t N, int64_t n, int width, const double *local, double *all);

typedef struct {
  void    *data;
  size_t   bytes;
  MPI_Win  window;
  MPI_Comm node;
} SharedArray; /* one copy a node, readable by all its ranks */
PetscErrorCode SharedArrayCreate(size_t count, size_t size, SharedArray *array);
PetscErrorCode SharedArrayPublish(SharedArray *array);
PetscErrorCode SharedArrayDestroy(SharedArray *array);

/* ---- options: a getter states key, meaning, unit and range, once ---- */
typedef struct {
  double lo, hi;
  int    open_lo, open_hi;
} OptRange;
#define RANGE_ANY         ((OptRange){-INFINITY, INFINITY, 1, 1})
#define RANGE_POSITIVE    ((OptRange){0.0, INFINITY, 1, 1})
#define RANGE_NONNEGATIVE ((OptRange){0.0, INFINITY, 0, 1})
#define RANGE_UNIT        ((OptRange){0.0, 1.0, 0, 0})
#define RANGE(lo, hi)     ((OptRange){lo, hi, 0, 0})

PetscErrorCode OptReal(const char *key, const char *text, OptRange range, PetscReal *value, PetscBool *set);
PetscErrorCode OptInt(const char *key, const char *text, OptRange range, PetscInt *value, PetscBool *set);
PetscErrorCode OptBool(const char *key, const char *text, PetscBool *value, PetscBool *set);
PetscErrorCode OptString(const char *key, const char *text, char *value, size_t size, PetscBool *set);
PetscErrorCode OptChoice(const char *key, const char *text, const char *const *names, PetscInt *index,
                         PetscBool *set);
PetscErrorCode OptRealList(const char *key, const char *text, OptRange range, PetscInt max, PetscReal *value,
                           PetscInt *n, PetscBool *set);
PetscErrorCode OptionsLoad(int argc, char **argv, char ***inputs, int *ninputs);
PetscErrorCode OptionsSetDeclare(PetscBool declare);
PetscErrorCode OptionsForget(void);
PetscErrorCode OptionsPrintHelp(void);
PetscErrorCode OptionsCheckUnused(const char *command);
PetscErrorCode OptionsText(const char *group, char **yaml);
PetscErrorCode OptSetDefault(const char *key, const char *value);
PetscErrorCode OptGroupText(const char *prefix, const char *skip, char **text);
PetscErrorCode OptTakeText(const char *yaml);
PetscBool      OptionsTyped(const char *key);
PetscErrorCode OptionsPush(PetscInt n, const char *const *key, const char *const *value);
PetscErrorCode OptionsPop(void);
PetscBool      OptionsRead(const char *key);

/* KeyList - options to be pushed for one part of a run */
#define AD_KEYS 24
typedef struct {
  int  n;
  char key[AD_KEYS][40], value[AD_KEYS][256]; /* with the dash */
} KeyList;
/* key_set - put a key into the list, or give it another value; printf-like; nonzero when there is no room */
int key_set(KeyList *list, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* key_get - its value, or NULL */
const char    *key_get(const KeyList *list, const char *key);
PetscErrorCode OptionsPushList(const KeyList *list);

/* ---- sweeps: a block of lists in the input spans a grid of points ---- */
typedef struct {
  PetscInt naxes, npoints, nvalues[16];
  char    *axis[16], **value[16];
} Sweep;
PetscErrorCode SweepCreate(Sweep *sweep);
PetscErrorCode SweepApply(const Sweep *sweep, PetscInt point);
PetscErrorCode SweepOutputName(const Sweep *sweep, PetscInt point, const char *path, size_t size, char *name);
PetscErrorCode SweepDestroy(Sweep *sweep);
PetscErrorCode RequestNote(const char *command);
PetscErrorCode RequestForget(void);
PetscErrorCode RequestIsDone(const char *path, PetscBool *done);

/* ---- files ---- */
typedef struct {
  const char *axes;   /* comma list of axis names */
  const char *units;  /* "1" if none */
  const char *source; /* equation, figure, or a phrase */
} DataInfo;
typedef enum { AD_DOUBLE, AD_FLOAT, AD_INT64 } DataType;

typedef struct _n_Output *Output;
PetscErrorCode            OutputMakeFolder(const char *path);
PetscErrorCode            OutputOpen(const char *path, const char *command, Output *out);
PetscErrorCode OutputWrite(Output out, const char *name, DataType type, int rank, const int64_t *dims,
                           const void *data, const DataInfo *info);
PetscErrorCode OutputWriteRows(Output out, const char *name, DataType type, int rank, const int64_t *dims,
                               int64_t first, int64_t n, const void *data, const DataInfo *info);
PetscErrorCode OutputWriteStrings(Output out, const char *name, int64_t n, const char *const *text,
                                  const DataInfo *info);
PetscErrorCode OutputHas(Output out, const char *name, PetscBool *has);
PetscErrorCode OutputAttrReal(Output out, const char *object, const char *name, int n, const double *value);
PetscErrorCode OutputAttrInt(Output out, const char *object, const char *name, int64_t value);
PetscErrorCode OutputAttrString(Output out, const char *object, const char *name, const char *value);
PetscErrorCode OutputClose(Output *out);
PetscErrorCode OutputAbandon(void);

typedef struct _n_Input *Input;
PetscErrorCode           InputOpen(const char *option, const char *path, Input *in);
PetscErrorCode           InputHas(Input in, const char *name, PetscBool *has);
PetscErrorCode           InputGetDims(Input in, const char *name, int rank, int64_t *dims);
PetscErrorCode           InputGetRank(Input in, const char *name, int *rank);
PetscErrorCode           InputRead(Input in, const char *name, DataType type, void *data);
PetscErrorCode InputReadRows(Input in, const char *name, DataType type, int64_t first, int64_t n, void *data);
PetscErrorCode InputReadText(Input in, const char *name, char **text);
PetscErrorCode InputAttrReal(Input in, const char *object, const char *name, int n, double *value,
                             PetscBool *found);
PetscErrorCode InputAttrInt(Input in, const char *object, const char *name, int64_t *value, PetscBool *found);
PetscErrorCode InputAttrString(Input in, const char *object, const char *name, size_t size, char *value,
                               PetscBool *found);
PetscErrorCode InputClose(Input *in);
PetscErrorCode InputForgetUsed(void);
PetscErrorCode AdCheckReadable(const char *option, const char *path);

#endif
