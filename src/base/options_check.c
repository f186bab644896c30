/*
  Keys nobody read, and databases for a part of a run
*/
#include "private/optionsimpl.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int edit_distance(const char *a, const char *b)
{
  int row[128], la = (int)strlen(a), lb = (int)strlen(b);

  if (lb > 120) return 1000;
  for (int j = 0; j <= lb; j++) row[j] = j;
  for (int i = 1; i <= la; i++) {
    int diagonal = row[0];
    row[0]       = i;
    for (int j = 1; j <= lb; j++) {
      int change = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
      diagonal   = row[j];
      row[j]     = PetscMin(change, PetscMin(row[j], row[j - 1]) + 1);
    }
  }
  return row[lb];
}

static OptEntry *find_entry(const char *key)
{
  for (int i = 0; i < option_table.n; i++)
    if (!strcasecmp(option_table.entry[i].key, key)) return &option_table.entry[i];
  return NULL;
}

static const char *nearest_key(const char *key)
{
  const char *best   = NULL;
  int         nearby = 4; /* more changes than this are no misspelling */

  for (int i = 0; i < option_table.n; i++) {
    int distance = edit_distance(key, option_table.entry[i].key);
    if (distance < nearby) {
      nearby = distance;
      best   = option_table.entry[i].key;
    }
  }
  return best;
}

static PetscBool read_late(const char *key) /* PETSc looks at these only during or after the run */
{
  static const char *const late[] = {"-options_left",
                                     "-options_view",
                                     "-citations",
                                     "-malloc",
                                     "-log_",
                                     "-ts_view",
                                     "-eps_view",
                                     "-help",
                                     "-skip_petscrc",
                                     "-sweep_",
                                     "-no_signal_handler",
                                     "-on_error",
                                     "-get_total_flops",
                                     NULL};

  for (int i = 0; late[i]; i++)
    if (!strncmp(key, late[i], strlen(late[i]))) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* OptionsTyped - was this key given on the command line? */
PetscBool OptionsTyped(const char *key)
{
  for (int i = 0; i < option_table.ntyped; i++)
    if (!strcasecmp(option_table.typed[i], key)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/*
  OptionsCheckUnused - refuse a key that nobody read

  A key of another command or type may stand in an input file, which several commands share; typed on the command line it
  is an error, as is a key that no part of the program knows.
  Precondition: every key of the program has been noted (OptionsSetDeclare).
*/
PetscErrorCode OptionsCheckUnused(const char *command)
{
  PetscInt n;
  char   **names, **values;

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    char        key[256];
    const char *near;
    snprintf(key, sizeof(key), "-%s", names[i]);
    if (read_late(key) || (find_entry(key) && !OptionsTyped(key))) continue;
    AdCheckInput(!find_entry(key), "%s: 'adiff %s' does not use it with these settings; see 'adiff help %s'",
                 key, command, command);
    near = nearest_key(key);
    AdCheckInput(!near, "%s: unknown option; did you mean %s?", key, near);
    AdCheckInput(PETSC_FALSE, "%s: unknown option; 'adiff help %s' lists those of this command", key,
                 command);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsRead - has a getter asked for this key, since OptionsPush where there was one? */
PetscBool OptionsRead(const char *key)
{
  return find_entry(key) ? PETSC_TRUE : PETSC_FALSE;
}

/* ---- one part of a run after the other ---- */

/* What OptionsPush put aside */
static struct {
  PetscBool  active;
  OptTable   table;
  PetscInt   n;
  char     **key, **old; /* [n], old NULL: there was none */
  PetscBool *used;       /* [n] somebody had read it */
} outer;

/*
  OptionsPush - options for one part of a run: the present ones, but these n keys as given here; OptionsPop ends it

  Input:  key[n], value[n]  keys with their dash
  Note:   until OptionsPop the record (OptionsText) holds what this part reads, and nothing else. Not nested
*/
PetscErrorCode OptionsPush(PetscInt n, const char *const *key, const char *const *value)
{
  PetscFunctionBegin;
  PetscCheck(!outer.active, PETSC_COMM_SELF, PETSC_ERR_ORDER, "OptionsPush is not nested");
  outer.active = PETSC_TRUE;
  outer.table  = option_table;
  outer.n      = n;
  PetscCall(PetscMemzero(&option_table, sizeof(option_table)));
  PetscCall(PetscCalloc3(n, &outer.key, n, &outer.old, n, &outer.used));
  for (PetscInt i = 0; i < n; i++) {
    char      raw[PETSC_MAX_PATH_LEN];
    PetscBool found;

    PetscCall(PetscOptionsUsed(NULL, key[i] + 1, &outer.used[i]));
    PetscCall(PetscOptionsGetString(NULL, NULL, key[i], raw, sizeof(raw), &found));
    outer.key[i] = strdup(key[i]);
    outer.old[i] = found ? strdup(raw) : NULL;
    PetscCall(PetscOptionsSetValue(NULL, key[i], value[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool was_pushed(const char *key)
{
  for (PetscInt i = 0; i < outer.n; i++)
    if (!strcasecmp(outer.key[i], key)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A value that a part of the run read is one of the run, unless another part has it otherwise */
static PetscErrorCode TakeOver(const OptEntry *part)
{
  OptEntry *whole;

  PetscFunctionBegin;
  if (!part->value || was_pushed(part->key)) PetscFunctionReturn(PETSC_SUCCESS);
  whole = find_entry(part->key);
  if (!whole || !whole->value) {
    if (!whole || !whole->mixed)
      PetscCall(OptionsNote(part->key, part->fallback, part->value, part->text, part->range));
  } else if (strcmp(whole->value, part->value) != 0) {
    free(whole->value);
    whole->value = NULL;
    whole->mixed = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsDropPart - forget what OptionsPush put aside. */
PetscErrorCode OptionsDropPart(void)
{
  PetscFunctionBegin;
  if (!outer.active) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OptionsFreeTable(&outer.table));
  for (PetscInt i = 0; i < outer.n; i++) {
    free(outer.key[i]);
    free(outer.old[i]);
  }
  PetscCall(PetscFree3(outer.key, outer.old, outer.used));
  PetscCall(PetscMemzero(&outer, sizeof(outer)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A key as it was before OptionsPush, read by somebody or by nobody */
static PetscErrorCode Restore(PetscInt i)
{
  char      raw[8];
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(PetscOptionsClearValue(NULL, outer.key[i])); /* a new value counts as unread */
  if (!outer.old[i]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsSetValue(NULL, outer.key[i], outer.old[i]));
  if (outer.used[i]) PetscCall(PetscOptionsGetString(NULL, NULL, outer.key[i], raw, sizeof(raw), &found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsPop - back to the options before OptionsPush; what the part read without being told goes into the record. */
PetscErrorCode OptionsPop(void)
{
  OptTable part = option_table;

  PetscFunctionBegin;
  PetscCheck(outer.active, PETSC_COMM_SELF, PETSC_ERR_ORDER, "OptionsPush first");
  option_table = outer.table;
  for (int i = 0; i < part.n; i++) PetscCall(TakeOver(&part.entry[i]));
  PetscCall(OptionsFreeTable(&part));
  for (PetscInt i = 0; i < outer.n; i++) PetscCall(Restore(i));
  PetscCall(PetscMemzero(&outer.table, sizeof(outer.table))); /* it is the table again */
  PetscCall(OptionsDropPart());
  PetscFunctionReturn(PETSC_SUCCESS);
}
