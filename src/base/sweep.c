#include "adbase.h"
#include <stdio.h>
#include <string.h>

/*
  SweepCreate - read the sweep block of the options: every key -sweep_<name> is an axis with a comma list of values

  An axis named like an option (sweep: {process_tau: [0.1, 0.5]}) sets that option; a value key=value;key=value sets several
  together (sweep: {noise: ["process_type=passive", "process_type=active;process_tau=0.5"]}). Axes are in alphabetical
  order, the last one runs fastest.
*/
PetscErrorCode SweepCreate(Sweep *sweep)
{
  PetscInt n;
  char    *all, *save = NULL;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(sweep, sizeof(*sweep)));
  PetscCall(PetscOptionsGetAll(NULL, &all));
  sweep->npoints = 1;
  for (char *word = strtok_r(all, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    PetscInt a = sweep->naxes;
    char     list[4096];
    if (strncmp(word, "-sweep_", 7) || !strcmp(word, "-sweep_index") || !strcmp(word, "-sweep_redo"))
      continue;
    AdCheckInput(a < 16, "sweep: expected at most 16 axes");
    PetscCall(PetscStrallocpy(word + 7, &sweep->axis[a]));
    PetscCall(PetscOptionsGetString(NULL, NULL, word, list, sizeof(list), NULL));
    PetscCall(PetscStrToArray(list, ',', (int *)&n, &sweep->value[a]));
    AdCheckInput(n > 0, "sweep: axis '%s' has no values; give a list like [0.1, 0.5]", sweep->axis[a]);
    sweep->nvalues[a] = n;
    sweep->npoints *= n;
    sweep->naxes++;
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetOne(const char *key, const char *value)
{
  char option[256];

  PetscFunctionBegin;
  snprintf(option, sizeof(option), "-%s", key);
  PetscCall(PetscOptionsSetValue(NULL, option, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SweepApply - put the values of one point of the grid into the options database. */
PetscErrorCode SweepApply(const Sweep *sweep, PetscInt point)
{
  PetscFunctionBegin;
  AdCheckInput(point >= 0 && point < sweep->npoints, "-sweep_index: expected 0 to %d, got %d",
               (int)sweep->npoints - 1, (int)point);
  for (PetscInt a = sweep->naxes - 1; a >= 0; a--) {
    char *value = sweep->value[a][point % sweep->nvalues[a]], pairs[1024], *save = NULL;
    point /= sweep->nvalues[a];
    if (!strchr(value, '=')) {
      PetscCall(SetOne(sweep->axis[a], value));
      continue;
    }
    snprintf(pairs, sizeof(pairs), "%s", value);
    for (char *pair = strtok_r(pairs, "; ", &save); pair; pair = strtok_r(NULL, "; ", &save)) {
      char *equal = strchr(pair, '=');
      AdCheckInput(equal, "sweep: axis '%s': expected key=value;key=value, got '%s'", sweep->axis[a], value);
      *equal = 0;
      PetscCall(SetOne(pair, equal + 1));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SweepOutputName - results/a.h5 becomes results/a_p007.h5 for point 7 of a grid, and stays as it is without one. */
PetscErrorCode SweepOutputName(const Sweep *sweep, PetscInt point, const char *path, size_t size, char *name)
{
  const char *dot = strrchr(path, '.');

  PetscFunctionBegin;
  if (!dot || strchr(dot, '/')) dot = path + strlen(path);
  if (sweep->naxes)
    snprintf(name, size, "%.*s_p%03d%s", (int)(dot - path), path, (int)point, dot);
  else
    snprintf(name, size, "%s", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepDestroy(Sweep *sweep)
{
  PetscFunctionBegin;
  for (PetscInt a = 0; a < sweep->naxes; a++) {
    PetscCall(PetscFree(sweep->axis[a]));
    PetscCall(PetscStrToArrayDestroy((int)sweep->nvalues[a], sweep->value[a]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
