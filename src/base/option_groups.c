/* Options by group: the keys -group_key that belong to one object */
#include "private/optionsimpl.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* opt_is_key - a dash and a letter; a dash and a digit begin a negative number, which is a value */
int opt_is_key(const char *word)
{
  return word[0] == '-' && isalpha((unsigned char)word[1]);
}

/*
  OptSetDefault - a value for a key that the user has not given; the getter then reads and records it
*/
PetscErrorCode OptSetDefault(const char *key, const char *value)
{
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, key, &given));
  if (!given) PetscCall(PetscOptionsSetValue(NULL, key, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OptGroupText - the options that were given of a group, as words of a command line

  Input:  prefix  "-dataset_", skip  a key that is left out, or NULL
  Output: text    " -dataset_period 360 ...", empty if there are none; caller frees
  Note:   does not count as reading them
*/
PetscErrorCode OptGroupText(const char *prefix, const char *skip, char **text)
{
  char     *all, *save = NULL;
  size_t    at     = 0, size;
  PetscBool inside = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  size = strlen(all) + 2;
  PetscCall(PetscCalloc1(size, text));
  for (char *word = strtok_r(all, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    if (opt_is_key(word))
      inside =
          !strncmp(word, prefix, strlen(prefix)) && (!skip || strcmp(word, skip)) ? PETSC_TRUE : PETSC_FALSE;
    if (inside) at += (size_t)snprintf(*text + at, size - at, " %s", word);
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  OptTakeText - give options the values of a text, lines "key: value" as OptionsText writes them
*/
PetscErrorCode OptTakeText(const char *yaml)
{
  char *copy, *save = NULL;

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(yaml, &copy));
  for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    char  key[128];
    char *colon = strstr(line, ": ");

    if (!colon) continue;
    snprintf(key, sizeof(key), "-%.*s", (int)(colon - line), line);
    PetscCall(PetscOptionsSetValue(NULL, key, colon + 2));
  }
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}
