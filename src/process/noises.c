/*
  The grammar of lists of noises: type[:key=value]..., ...
*/
#include "adprocess.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

int noise_split(char *list, int max, char **word)
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

/* "key=value" behind a colon */
static int parse_key(char *part, KeyList *keys, size_t size, char *problem)
{
  char *equal = strchr(part, '='), key[40];

  if (!equal || equal == part || !equal[1]) {
    snprintf(problem, size, "expected key=value after a colon, got '%s'", part);
    return 1;
  }
  *equal = 0;
  snprintf(key, sizeof(key), "-process_%.24s", part);
  if (!strcmp(part, "type")) {
    snprintf(problem, size, "the type stands before the colon");
    return 1;
  }
  if (key_get(keys, key)) {
    snprintf(problem, size, "%s is given twice", part);
    return 1;
  }
  if (key_set(keys, key, "%s", equal + 1)) {
    snprintf(problem, size, "too many keys, or too long ones");
    return 1;
  }
  return 0;
}

int noise_parse(const char *word, KeyList *keys, size_t size, char *problem)
{
  char text[512], *save = NULL, *part;

  keys->n    = 0;
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
  if (key_set(keys, "-process_type", "%s", part)) {
    snprintf(problem, size, "is too long");
    return 1;
  }
  while ((part = strtok_r(NULL, ":", &save)))
    if (parse_key(part, keys, size, problem)) return 1;
  return 0;
}
