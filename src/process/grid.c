/*
  The noises of one run, from lists of options
*/
#include "private/processimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_POINTS = 100000, MAX_NOISES = 64, MAX_LIST = 4096 };

/* numbers of a noise that may be lists, in the order in which they are multiplied out */
static const char *const axis_names[] = {"k", "tau", "ta", "tp", "mass", "friction", "v0", "rate", "scale"};
#define NAXES ((int)(sizeof(axis_names) / sizeof(axis_names[0])))

typedef struct {
  int        axis; /* of axis_names */
  PetscInt   n;
  PetscReal *value; /* [n] */
} Axis;

typedef struct {
  KeyList keys;
  int     naxes;
  Axis    axis[NAXES];
} Noise;

static void axis_key(int axis, char key[40])
{
  snprintf(key, 40, "-process_%s", axis_names[axis]);
}

/* The list of one key in effect, kept if it holds more than one value; whether the key is of use is for the noise to say */
static PetscErrorCode ReadAxis(int axis, Noise *noise)
{
  char      key[40], raw[8192];
  PetscReal values[MAX_LIST];
  PetscInt  n = 0;
  PetscBool used, found;

  PetscFunctionBegin;
  axis_key(axis, key);
  PetscCall(PetscOptionsUsed(NULL, key + 1, &used));
  PetscCall(PetscOptionsGetString(NULL, NULL, key, raw, sizeof(raw), &found));
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  if (strpbrk(raw, ",:")) {
    Axis *a = &noise->axis[noise->naxes++];

    PetscCall(OptRealList(key, "list of values", RANGE_ANY, MAX_LIST, values, &n, NULL));
    *a = (Axis){.axis = axis, .n = n};
    PetscCall(PetscMalloc1(n, &a->value));
    PetscCall(PetscArraycpy(a->value, values, n));
  }
  PetscCall(
      PetscOptionsClearValue(NULL, key)); /* so that it does not count as used, unless an earlier noise has */
  PetscCall(PetscOptionsSetValue(NULL, key, raw));
  if (used) PetscCall(PetscOptionsGetString(NULL, NULL, key, raw, sizeof(raw), &found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keys of one combination: what the noise gives, and a value of each axis (the first slowest) */
static PetscErrorCode PushPoint(const Noise *noise, PetscInt point)
{
  KeyList keys = noise->keys;
  int     full = 0;

  PetscFunctionBegin;
  for (int a = noise->naxes - 1; a >= 0; a--) {
    const Axis *axis = &noise->axis[a];
    char        key[40];

    axis_key(axis->axis, key);
    full |= key_set(&keys, key, "%.17g", axis->value[point % axis->n]);
    point /= axis->n;
  }
  AdCheckInput(!full, "-process_type: too many keys behind one noise, at most %d", AD_KEYS);
  PetscCall(OptionsPushList(&keys));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list that this type of noise does not read is no axis of it; a key behind its colon must be read */
static PetscErrorCode DropUnread(Noise *noise)
{
  int kept = 0;

  PetscFunctionBegin;
  for (int i = 0; i < noise->keys.n; i++)
    AdCheckInput(OptionsRead(noise->keys.key[i]),
                 "-process_type: %s has no key %s; 'adiff help process' lists them", noise->keys.value[0],
                 noise->keys.key[i] + strlen("-process_"));
  for (int a = 0; a < noise->naxes; a++) {
    char key[40];

    axis_key(noise->axis[a].axis, key);
    if (OptionsRead(key))
      noise->axis[kept++] = noise->axis[a];
    else
      PetscCall(PetscFree(noise->axis[a].value));
  }
  noise->naxes = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAxes(Noise *noise)
{
  Process process;

  PetscFunctionBegin;
  PetscCall(OptionsPushList(&noise->keys));
  for (int axis = 0; axis < NAXES; axis++) PetscCall(ReadAxis(axis, noise));
  PetscCall(OptionsPop());
  PetscCall(PushPoint(noise, 0));
  PetscCall(ProcessCreate(&process));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(DropUnread(noise));
  PetscCall(ProcessDestroy(&process));
  PetscCall(OptionsPop());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All combinations of one noise, as points of the grid */
static PetscErrorCode AddPoints(const Noise *noise, ProcessGrid *grid)
{
  double points = 1;

  PetscFunctionBegin;
  for (int a = 0; a < noise->naxes; a++) points *= (double)noise->axis[a].n;
  AdCheckInput(grid->n + points <= MAX_POINTS, "-process_: lists of parameters span more than %d points",
               MAX_POINTS);
  PetscCall(PetscRealloc((size_t)(grid->n + (PetscInt)points) * sizeof(Process), &grid->process));
  for (PetscInt i = 0; i < (PetscInt)points; i++) {
    PetscCall(PushPoint(noise, i));
    PetscCall(ProcessCreate(&grid->process[grid->n]));
    PetscCall(ProcessSetFromOptions(grid->process[grid->n++]));
    PetscCall(OptionsPop());
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The lists once more, outside of all parts: they are what the record of the run shall hold, and they have been used */
static PetscErrorCode RecordAxes(const Noise *noise)
{
  PetscReal values[MAX_LIST];

  PetscFunctionBegin;
  for (int a = 0; a < noise->naxes; a++) {
    PetscInt n = 0;
    char     key[40];

    axis_key(noise->axis[a].axis, key);
    if (!key_get(&noise->keys, key))
      PetscCall(OptRealList(key, "list of values", RANGE_ANY, MAX_LIST, values, &n, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddNoise(const char *word, ProcessGrid *grid)
{
  Noise noise = {0};
  char  problem[256];

  PetscFunctionBegin;
  AdCheckInput(!word || !noise_parse(word, &noise.keys, sizeof(problem), problem), "-process_type: '%s': %s",
               word, problem);
  PetscCall(ReadAxes(&noise));
  PetscCall(AddPoints(&noise, grid));
  PetscCall(RecordAxes(&noise));
  for (int a = 0; a < noise.naxes; a++) PetscCall(PetscFree(noise.axis[a].value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ProcessGridCreate - read the processes of a run

  Options: -process_type type[:key=value]..., ...   a list of noises; the keys of processes, numbers of which may be lists
           a,b,c or lo:hi:n[:log] (behind a colon: a,b,c). A list counts for the noises that read the key
  Errors:  AD_ERR_INPUT for unknown types and keys, values out of range, more than 100000 points
*/
PetscErrorCode ProcessGridCreate(ProcessGrid *grid)
{
  char      list[4096], given[4096], *word[MAX_NOISES] = {NULL};
  int       n = 1;
  PetscBool found;

  PetscFunctionBegin;
  *grid = (ProcessGrid){0};
  snprintf(list, sizeof(list), "active");
  PetscCall(OptString("-process_type", "forward noise, or a list: passive,active:tau=0.5,2", list,
                      sizeof(list), &found));
  snprintf(given, sizeof(given), "%s", list);
  n = noise_split(list, MAX_NOISES, word);
  AdCheckInput(n >= 1 && n <= MAX_NOISES,
               "-process_type: expected 1 to %d noises with commas between them, got %d in '%s'", MAX_NOISES,
               n, given);
  for (int i = 0; i < n; i++) PetscCall(AddNoise(word[i], grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessGridSetUp - ProcessSetUp of all points. */
PetscErrorCode ProcessGridSetUp(ProcessGrid *grid)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < grid->n; i++) PetscCall(ProcessSetUp(grid->process[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessGridPrintSummary - how many processes, and the first and last ones. */
PetscErrorCode ProcessGridPrintSummary(const ProcessGrid *grid)
{
  PetscFunctionBegin;
  PetscCall(AdPrint("processes %d", (int)grid->n));
  for (PetscInt i = 0; i < grid->n; i++) {
    if (grid->n > 8 && i >= 3 && i < grid->n - 1) continue;
    PetscCall(AdPrint("%s%s",
                      i == grid->n - 1 && grid->n > 8 ? " ... "
                      : i                             ? ", "
                                                      : ": ",
                      grid->process[i]->label));
  }
  PetscCall(AdPrint("\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double parameter_value(Process p, const char *name)
{
  for (int i = 0; i < p->nparameters; i++)
    if (!strcmp(p->parameter[i].name, name)) return p->parameter[i].value;
  if (!strcmp(name, "rate")) return p->rate;
  return strcmp(name, "scale") != 0 ? NAN : p->scale;
}

/* One parameter of all points, unless none of them has it */
static PetscErrorCode WriteParameter(const ProcessGrid *grid, const char *group, const char *name, Output out)
{
  const int64_t  n    = grid->n;
  const DataInfo info = {"process", "1",
                         "parameter of the process; nan where its type has none of that name"};
  char           path[128];
  double        *value;
  int            known = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &value));
  for (int64_t i = 0; i < n; i++) {
    value[i] = parameter_value(grid->process[i], name);
    known |= !isnan(value[i]);
  }
  snprintf(path, sizeof(path), "%s/%s", group, name);
  if (known) PetscCall(OutputWrite(out, path, AD_DOUBLE, 1, &n, value, &info));
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessGridWrite - <group>/process[n] (labels), type[n], and of every number that some point has <group>/tau[n] ... */
PetscErrorCode ProcessGridWrite(const ProcessGrid *grid, const char *group, Output out)
{
  static const char *const recorded[] = {"k",    "tau",      "ta",    "tp",   "temperature", "v0",
                                         "mass", "friction", "gamma", "rate", "scale"};
  const DataInfo           label      = {"process", "1", "noise and its parameters"},
                 kind                 = {"process", "1", "type of the noise"};
  const char **text;
  char         path[128];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(grid->n, &text));
  for (PetscInt i = 0; i < grid->n; i++) text[i] = grid->process[i]->label;
  snprintf(path, sizeof(path), "%s/process", group);
  PetscCall(OutputWriteStrings(out, path, grid->n, text, &label));
  for (PetscInt i = 0; i < grid->n; i++) text[i] = ((PetscObject)grid->process[i])->type_name;
  snprintf(path, sizeof(path), "%s/type", group);
  PetscCall(OutputWriteStrings(out, path, grid->n, text, &kind));
  PetscCall(PetscFree(text));
  for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++)
    PetscCall(WriteParameter(grid, group, recorded[i], out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProcessGridDestroy(ProcessGrid *grid)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < grid->n; i++) PetscCall(ProcessDestroy(&grid->process[i]));
  PetscCall(PetscFree(grid->process));
  grid->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
