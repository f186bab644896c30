/*
  Lists of options for one part of a run
*/
#include "adbase.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int find_key(const KeyList *list, const char *key)
{
  int at = 0;

  while (at < list->n && strcmp(list->key[at], key) != 0) at++;
  return at;
}

int key_set(KeyList *list, const char *key, const char *format, ...)
{
  const int at = find_key(list, key);
  int       length;
  va_list   arguments;

  if (at == AD_KEYS || strlen(key) >= sizeof(list->key[0])) return 1;
  snprintf(list->key[at], sizeof(list->key[0]), "%s", key);
  va_start(arguments, format);
  length = vsnprintf(list->value[at], sizeof(list->value[0]), format, arguments);
  va_end(arguments);
  if (at == list->n) list->n++;
  return length >= (int)sizeof(list->value[0]);
}

const char *key_get(const KeyList *list, const char *key)
{
  const int at = find_key(list, key);

  return at < list->n ? list->value[at] : NULL;
}

/* OptionsPushList - the keys of a list as options in effect, until OptionsPop. */
PetscErrorCode OptionsPushList(const KeyList *list)
{
  const char *key[AD_KEYS], *value[AD_KEYS];

  PetscFunctionBegin;
  for (int i = 0; i < list->n; i++) {
    key[i]   = list->key[i];
    value[i] = list->value[i];
  }
  PetscCall(OptionsPush(list->n, key, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}
