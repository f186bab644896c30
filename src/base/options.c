#include "private/optionsimpl.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
  Options are PETSc's (-key value), read through getters that state meaning and range once. Each getter notes its key here,
  so that help, the check for misspelt keys and the record in the output file need no second list.
*/
OptTable option_table;

/* OptionsNote - put a key, and unless keys are only declared its value, into the table. */
PetscErrorCode OptionsNote(const char *key, const char *fallback, const char *value, const char *text,
                           const char *range)
{
  OptEntry *e = NULL;

  PetscFunctionBegin;
  for (int i = 0; i < option_table.n; i++)
    if (!strcasecmp(option_table.entry[i].key, key)) e = &option_table.entry[i];
  if (!e) {
    if (option_table.n == option_table.size) {
      option_table.size  = option_table.size ? 2 * option_table.size : 64;
      option_table.entry = realloc(option_table.entry, (size_t)option_table.size * sizeof(OptEntry));
      PetscCheck(option_table.entry, PETSC_COMM_SELF, PETSC_ERR_MEM, "option table");
    }
    e  = &option_table.entry[option_table.n++];
    *e = (OptEntry){strdup(key), NULL, strdup(fallback), strdup(text), strdup(range), PETSC_FALSE};
  }
  if (!option_table.declare) {
    free(e->value);
    e->value = strdup(value);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The text given for a key, or found = false; in declare mode nothing is found. */
static PetscErrorCode RawOption(const char *key, size_t size, char *raw, PetscBool *found)
{
  PetscFunctionBegin;
  *found = PETSC_FALSE;
  raw[0] = 0;
  if (!option_table.declare) PetscCall(PetscOptionsGetString(NULL, NULL, key, raw, size, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void describe_range(OptRange r, const char *kind, size_t size, char *text)
{
  if (isinf(r.lo) && isinf(r.hi))
    snprintf(text, size, "%s", kind);
  else if (isinf(r.hi))
    snprintf(text, size, "%s %s %g", kind, r.open_lo ? ">" : ">=", r.lo);
  else
    snprintf(text, size, "%s from %g to %g", kind, r.lo, r.hi);
}

static int in_range(OptRange r, double v)
{
  int above = r.open_lo ? v > r.lo : v >= r.lo;
  int below = r.open_hi ? v < r.hi : v <= r.hi;

  return isfinite(v) && above && below;
}

static PetscErrorCode ParseReal(const char *key, const char *raw, OptRange range, const char *kind,
                                PetscReal *value)
{
  char   expected[96], *end;
  double v = strtod(raw, &end);

  PetscFunctionBegin;
  describe_range(range, kind, sizeof(expected), expected);
  while (isspace((unsigned char)*end)) end++;
  AdCheckInput(raw[0] && !*end && in_range(range, v), "%s: expected %s, got '%s'", key, expected, raw);
  *value = v;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OptReal - read a number

  Input:  key   option name with its dash, text  one line of help, range
  In/out: value default on entry
  Output: set   whether the user gave it (may be NULL)
  Errors: AD_ERR_INPUT when the text is not a number in range
*/
PetscErrorCode OptReal(const char *key, const char *text, OptRange range, PetscReal *value, PetscBool *set)
{
  char      raw[256], fallback[64], now[64], limits[96];
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(RawOption(key, sizeof(raw), raw, &found));
  snprintf(fallback, sizeof(fallback), "%.15g", *value);
  if (found) PetscCall(ParseReal(key, raw, range, "a number", value));
  snprintf(now, sizeof(now), "%.17g", *value);
  describe_range(range, "a number", sizeof(limits), limits);
  PetscCall(OptionsNote(key, fallback, now, text, limits));
  if (set) *set = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptInt - read a whole number; 1e5 is accepted. As OptReal. */
PetscErrorCode OptInt(const char *key, const char *text, OptRange range, PetscInt *value, PetscBool *set)
{
  char      raw[256], fallback[64], now[64], limits[96];
  PetscReal v = 0;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(RawOption(key, sizeof(raw), raw, &found));
  snprintf(fallback, sizeof(fallback), "%lld", (long long)*value);
  describe_range(range, "a whole number", sizeof(limits), limits);
  if (found) {
    PetscCall(ParseReal(key, raw, range, "a whole number", &v));
    AdCheckInput(v == floor(v) && fabs(v) < 2147483648.0, "%s: expected %s, got '%s'", key, limits, raw);
    *value = (PetscInt)v;
  }
  snprintf(now, sizeof(now), "%lld", (long long)*value);
  PetscCall(OptionsNote(key, fallback, now, text, limits));
  if (set) *set = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptBool - read true or false (also yes, no, on, off, 1, 0; a bare key means true). As OptReal. */
PetscErrorCode OptBool(const char *key, const char *text, PetscBool *value, PetscBool *set)
{
  static const char *const yes[] = {"", "true", "yes", "on", "1", NULL}, *const no[] = {"false", "no", "off",
                                                                                        "0", NULL};
  char        raw[256];
  const char *fallback = *value ? "true" : "false";
  PetscBool   found, ok = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(RawOption(key, sizeof(raw), raw, &found));
  for (int i = 0; found && yes[i]; i++)
    if (!strcasecmp(raw, yes[i])) *value = ok = PETSC_TRUE;
  for (int i = 0; found && no[i]; i++)
    if (!strcasecmp(raw, no[i])) {
      *value = PETSC_FALSE;
      ok     = PETSC_TRUE;
    }
  AdCheckInput(!found || ok, "%s: expected true or false, got '%s'", key, raw);
  PetscCall(OptionsNote(key, fallback, *value ? "true" : "false", text, "true or false"));
  if (set) *set = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptString - read a text of at most size - 1 bytes. As OptReal. */
PetscErrorCode OptString(const char *key, const char *text, char *value, size_t size, PetscBool *set)
{
  char      raw[PETSC_MAX_PATH_LEN], fallback[PETSC_MAX_PATH_LEN];
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(RawOption(key, sizeof(raw), raw, &found));
  snprintf(fallback, sizeof(fallback), "%s", value);
  AdCheckInput(!found || (strlen(raw) > 0 && strlen(raw) < size),
               "%s: expected a text of 1 to %d characters, got %d", key, (int)size - 1, (int)strlen(raw));
  if (found) snprintf(value, size, "%s", raw);
  PetscCall(OptionsNote(key, fallback, value, text, "text"));
  if (set) *set = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OptChoice - read one of a NULL-ended list of names

  In/out: index  default on entry
  Errors: AD_ERR_INPUT naming the choices and the nearest one
*/
PetscErrorCode OptChoice(const char *key, const char *text, const char *const *names, PetscInt *index,
                         PetscBool *set)
{
  char        raw[256], list[512] = "";
  const char *fallback = names[*index];
  PetscBool   found, known = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(RawOption(key, sizeof(raw), raw, &found));
  for (PetscInt i = 0; names[i]; i++) {
    if (i) strncat(list, " ", sizeof(list) - strlen(list) - 1);
    strncat(list, names[i], sizeof(list) - strlen(list) - 1);
    if (found && !strcasecmp(raw, names[i])) {
      *index = i;
      known  = PETSC_TRUE;
    }
  }
  AdCheckInput(!found || known, "%s: expected one of %s; got '%s'", key, list, raw);
  PetscCall(OptionsNote(key, fallback, names[*index], text, list));
  if (set) *set = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseRange(const char *key, const char *item, OptRange range, PetscInt max,
                                 PetscReal *value, PetscInt *n)
{
  double lo, hi;
  int    count, used = 0;
  char   law = 0;

  PetscFunctionBegin; /* lo:hi:count is evenly spaced, lo:hi:count:log evenly in the logarithm */
  if (sscanf(item, "%lf:%lf:%d%n", &lo, &hi, &count, &used) == 3 &&
      (!item[used] || !strcmp(item + used, ":log"))) {
    law = item[used] ? 'g' : 'l';
    AdCheckInput(count > 1 && *n + count <= max && in_range(range, lo) && in_range(range, hi) &&
                     (law == 'l' || lo * hi > 0),
                 "%s: expected lo:hi:count[:log] with at most %d values in range, got '%s'", key, (int)max,
                 item);
    for (int i = 0; i < count; i++) {
      double f      = (double)i / (count - 1);
      value[(*n)++] = law == 'l' ? lo + f * (hi - lo) : lo * pow(hi / lo, f);
    }
  } else {
    AdCheckInput(*n < max, "%s: expected at most %d values", key, (int)max);
    PetscCall(ParseReal(key, item, range, "a list of numbers, each", &value[(*n)++]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OptRealList - read numbers a,b,c where lo:hi:count and lo:hi:count:log stand for many

  In/out: value[max], n   default on entry
*/
PetscErrorCode OptRealList(const char *key, const char *text, OptRange range, PetscInt max, PetscReal *value,
                           PetscInt *n, PetscBool *set)
{
  char      raw[8192], fallback[1024] = "", *now, limits[96], *save = NULL;
  size_t    room = (size_t)max * 26 + 2;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(RawOption(key, sizeof(raw), raw, &found));
  for (PetscInt i = 0; i < PetscMin(*n, 16); i++)
    snprintf(fallback + strlen(fallback), sizeof(fallback) - strlen(fallback), "%s%.15g", i ? "," : "",
             value[i]);
  if (found) {
    *n = 0;
    for (char *item = strtok_r(raw, ", ", &save); item; item = strtok_r(NULL, ", ", &save))
      PetscCall(ParseRange(key, item, range, max, value, n));
    AdCheckInput(*n > 0, "%s: expected a list of numbers, got nothing", key);
  }
  PetscCall(PetscCalloc1(room, &now));
  for (PetscInt i = 0, at = 0; i < *n; i++)
    at += (PetscInt)snprintf(now + at, room - (size_t)at, "%s%.17g", i ? "," : "", value[i]);
  describe_range(range, "a list of numbers, each", sizeof(limits), limits);
  PetscCall(OptionsNote(key, fallback, now, text, limits));
  PetscCall(PetscFree(now));
  if (set) *set = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* AdCheckReadable - rank 0 looks at a file the user named; all ranks get the verdict. */
PetscErrorCode AdCheckReadable(const char *option, const char *path)
{
  int rank, code = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    FILE *f = fopen(path, "rb");
    if (!f || fgetc(f) == EOF) code = f ? -1 : errno;
    if (f && ferror(f)) code = errno;
    if (f) fclose(f);
  }
  PetscCallMPI(MPI_Bcast(&code, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  AdCheckInput(!code, "%s: cannot read '%s': %s; give the path of an existing file", option, path,
               code > 0 ? strerror(code) : "the file is empty");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InsertYaml(const char *path)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(AdCheckReadable("input file", path));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code = PetscOptionsInsertFileYAML(PETSC_COMM_WORLD, NULL, path, PETSC_TRUE);
  PetscCall(PetscPopErrorHandler());
  AdCheckInput(!code,
               "input file '%s': expected YAML (keys nested two deep, lists in brackets, no tabs); check its "
               "indentation",
               path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool is_key(const char *word)
{
  return word[0] == '-' && (isalpha((unsigned char)word[1])) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_suffix(const char *word, const char *suffix)
{
  size_t n = strlen(word), m = strlen(suffix);

  return n >= m && !strcmp(word + n - m, suffix) ? PETSC_TRUE : PETSC_FALSE;
}

/*
  OptionsLoad - fill the options database: defaults < YAML files < PETSC_OPTIONS < command line

  Input:  argc, argv  what follows the command word
  Output: inputs[ninputs]  positional words that are not YAML files, caller frees the array (not the words)
*/
PetscErrorCode OptionsLoad(int argc, char **argv, char ***inputs, int *ninputs)
{
  const char *environment = getenv("PETSC_OPTIONS");

  PetscFunctionBegin;
  *ninputs = 0;
  PetscCall(PetscCalloc1(argc + 1, inputs));
  option_table.typed = calloc((size_t)argc + 1, sizeof(char *));
  for (int i = 0; i < argc; i++) {
    if (is_key(argv[i])) {
      option_table.typed[option_table.ntyped++] = strdup(argv[i]);
      if (i + 1 < argc && !is_key(argv[i + 1])) i++;
    } else if (has_suffix(argv[i], ".yaml") || has_suffix(argv[i], ".yml"))
      PetscCall(InsertYaml(argv[i]));
    else
      (*inputs)[(*ninputs)++] = argv[i];
  }
  if (environment) PetscCall(PetscOptionsInsertString(NULL, environment));
  PetscCall(PetscOptionsInsertArgs(NULL, argc, argv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsSetDeclare - while true, getters note key, default and meaning but read nothing (help, list of known keys). */
PetscErrorCode OptionsSetDeclare(PetscBool declare)
{
  PetscFunctionBegin;
  option_table.declare = declare;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsFreeTable - empty a table of keys. */
PetscErrorCode OptionsFreeTable(OptTable *table)
{
  PetscFunctionBegin;
  for (int i = 0; i < table->n; i++) {
    free(table->entry[i].key);
    free(table->entry[i].value);
    free(table->entry[i].fallback);
    free(table->entry[i].text);
    free(table->entry[i].range);
  }
  for (int i = 0; i < table->ntyped; i++) free(table->typed[i]);
  free(table->typed);
  free(table->entry);
  PetscCall(PetscMemzero(table, sizeof(*table)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsForget - empty the table of known keys; a part of a run that an error ended (OptionsPush) is over as well. */
PetscErrorCode OptionsForget(void)
{
  PetscFunctionBegin;
  PetscCall(OptionsDropPart());
  PetscCall(OptionsFreeTable(&option_table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OptionsPrintHelp - one line for every key noted so far. */
PetscErrorCode OptionsPrintHelp(void)
{
  PetscFunctionBegin;
  for (int i = 0; i < option_table.n; i++) {
    const OptEntry *e = &option_table.entry[i];
    PetscCall(AdPrint("  %-24s %s%s%s%s (%s)\n", e->key, e->text, e->fallback[0] ? " [" : "", e->fallback,
                      e->fallback[0] ? "]" : "", e->range));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OptionsText - the options in effect as YAML, one flat key a line without its dash; caller frees with PetscFree

  Input:  group  only keys that begin with it ("process_"), or "": all
*/
PetscErrorCode OptionsText(const char *group, char **yaml)
{
  size_t size = 1, at = 0;

  PetscFunctionBegin;
  for (int i = 0; i < option_table.n; i++)
    if (option_table.entry[i].value)
      size += strlen(option_table.entry[i].key) + strlen(option_table.entry[i].value) + 6;
  PetscCall(PetscCalloc1(size, yaml));
  for (int i = 0; i < option_table.n; i++) {
    const OptEntry *e = &option_table.entry[i];
    if (e->value && e->value[0] && !strncmp(e->key + 1, group, strlen(group)))
      at += (size_t)snprintf(*yaml + at, size - at, "%s: %s\n", e->key + 1, e->value);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
