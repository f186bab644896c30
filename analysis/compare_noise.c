/*
  The grammar of -compare_noises, and what its noises amount to
*/
#include "private/compareimpl.h"
#include "adprocess.h"
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int key_set(KeyList *list, const char *key, const char *format, ...)
{
  int     at = 0, length;
  va_list arguments;

  while (at < list->n && strcmp(list->key[at], key) != 0) at++;
  if (at == COMPARE_KEYS || strlen(key) >= sizeof(list->key[0])) return 1;
  snprintf(list->key[at], sizeof(list->key[0]), "%s", key);
  va_start(arguments, format);
  length = vsnprintf(list->value[at], sizeof(list->value[0]), format, arguments);
  va_end(arguments);
  if (at == list->n) list->n++;
  return length >= (int)sizeof(list->value[0]);
}

int compare_split_noises(char *list, int max, char **word)
{
  int n = 0, begins = 1;

  for (char *at = list; *at; at++) {
    if (isspace((unsigned char)*at)) continue;
    if (begins) {
      if (n < max) word[n] = at;
      n++;
      begins = 0;
    }
    if (*at == ',') {
      const char *next = at + 1 + strspn(at + 1, " ");

      if (!isalpha((unsigned char)*next)) continue;
      *at    = 0;
      begins = 1;
    }
  }
  return n;
}

/* "key=value" behind a colon; the label gets "key value" */
static int parse_key(char *part, CompareNoise *noise, size_t size, char *problem)
{
  const size_t at    = strlen(noise->label);
  char        *equal = strchr(part, '='), key[40];

  if (!equal || equal == part || !equal[1]) {
    snprintf(problem, size, "expected key=value after a colon, got '%s'", part);
    return 1;
  }
  *equal = 0;
  snprintf(key, sizeof(key), "-process_%.24s", part);
  if (!strcmp(part, "type") || !strcmp(part, "scale")) {
    snprintf(problem, size, "%s",
             !strcmp(part, "type") ? "the type stands before the colon"
                                   : "the scale is what the ways of comparing choose");
    return 1;
  }
  for (int i = 0; i < noise->keys.n; i++)
    if (!strcmp(noise->keys.key[i], key)) {
      snprintf(problem, size, "%s is given twice", part);
      return 1;
    }
  if (key_set(&noise->keys, key, "%s", equal + 1)) {
    snprintf(problem, size, "too many keys, or too long ones");
    return 1;
  }
  snprintf(noise->label + at, sizeof(noise->label) - at, " %s %s", part, equal + 1);
  return 0;
}

int compare_parse_noise(const char *word, CompareNoise *noise, size_t size, char *problem)
{
  char text[512], *save = NULL, *part;

  memset(noise, 0, sizeof(*noise));
  problem[0] = 0;
  if (snprintf(text, sizeof(text), "%s", word) >= (int)sizeof(text)) {
    snprintf(problem, size, "is too long");
    return 1;
  }
  for (size_t end = strlen(text); end > 0 && isspace((unsigned char)text[end - 1]); end--) text[end - 1] = 0;
  part = strtok_r(text, ":", &save);
  if (!part || word[0] == ':') {
    snprintf(problem, size, "expected type:key=value:key=value");
    return 1;
  }
  snprintf(noise->label, sizeof(noise->label), "%s", part);
  if (key_set(&noise->keys, "-process_type", "%s", part) || key_set(&noise->keys, "-process_scale", "1")) {
    snprintf(problem, size, "is too long");
    return 1;
  }
  while ((part = strtok_r(NULL, ":", &save)))
    if (parse_key(part, noise, size, problem)) return 1;
  return 0;
}

/* A key behind the colon that this type of noise does not know would change nothing, silently */
static PetscErrorCode CheckKeysUsed(const CompareNoise *noise)
{
  PetscFunctionBegin;
  for (int i = 0; i < noise->keys.n; i++) {
    PetscBool used;

    PetscCall(PetscOptionsUsed(NULL, noise->keys.key[i] + 1, &used));
    AdCheckInput(used, "-compare_noises: '%s': %s has no key %s; 'adiff help process' lists them",
                 noise->label, noise->keys.value[0], noise->keys.key[i] + strlen("-process_"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Temperature, variance and clock of a noise whose keys are in effect */
static PetscErrorCode MeasureNoise(const CompareRequest *r, CompareNoise *noise)
{
  Process   process;
  PetscReal t_final;
  Kernel    k;

  PetscFunctionBegin;
  PetscCall(ProcessCreate(&process));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(CheckKeysUsed(noise));
  PetscCall(ProcessSetUp(process));
  PetscCall(ProcessGetTemperature(process, &noise->temperature));
  PetscCall(ProcessGetStationaryVariance(process, &noise->variance));
  PetscCall(ProcessGetFinalTime(process, &t_final));
  PetscCall(ProcessGetKernel(process, t_final, &k));
  noise->sigma_end = k.sigma;
  for (int i = 0; i < r->nsteps; i++) {
    PetscCall(ProcessGetKernel(process, t_final / r->steps[i], &k));
    noise->sigma_last[i] = k.sigma;
  }
  PetscCall(ProcessDestroy(&process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareKeysPush - the keys of a list as options in effect, until OptionsPop. */
PetscErrorCode CompareKeysPush(const KeyList *keys)
{
  const char *key[COMPARE_KEYS], *value[COMPARE_KEYS];

  PetscFunctionBegin;
  for (int i = 0; i < keys->n; i++) {
    key[i]   = keys->key[i];
    value[i] = keys->value[i];
  }
  PetscCall(OptionsPush(keys->n, key, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CompareReadNoises - the noises of a list, measured; r->steps must be known

  Errors: AD_ERR_INPUT naming the noise that is wrong
*/
PetscErrorCode CompareReadNoises(CompareRequest *r, const char *list)
{
  char *copy, *word[COMPARE_NOISES] = {NULL}, problem[256];

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(list, &copy));
  r->nnoises = compare_split_noises(copy, COMPARE_NOISES, word);
  AdCheckInput(r->nnoises >= 2 && r->nnoises <= COMPARE_NOISES,
               "-compare_noises: expected 2 to %d noises with commas between them, e.g. "
               "passive,active:tau=0.5; got %d",
               COMPARE_NOISES, r->nnoises);
  for (int i = 0; i < r->nnoises; i++) {
    CompareNoise *noise = &r->noise[i];
    const int     bad   = compare_parse_noise(word[i], noise, sizeof(problem), problem);

    AdCheckInput(!bad, "-compare_noises: '%s': %s", word[i], problem);
    for (int j = 0; j < i; j++)
      AdCheckInput(strcmp(noise->label, r->noise[j].label) != 0, "-compare_noises: '%s' is there twice",
                   word[i]);
    PetscCall(CompareKeysPush(&noise->keys));
    PetscCall(MeasureNoise(r, noise));
    PetscCall(OptionsPop());
  }
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}
