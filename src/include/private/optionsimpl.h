#ifndef AD_OPTIONSIMPL_H
#define AD_OPTIONSIMPL_H
#include "adbase.h"

/* A key that a getter asked for: its value where it was read, its default, what it means */
typedef struct {
  char     *key, *value, *fallback, *text, *range;
  PetscBool mixed; /* parts of the run had it with different values: no value is that of the run */
} OptEntry;

typedef struct {
  OptEntry *entry;
  int       n, size;
  PetscBool declare; /* getters only note their key and default */
  char    **typed;   /* keys given on the command line */
  int       ntyped;
} OptTable;

extern OptTable option_table;

PetscErrorCode OptionsNote(const char *key, const char *fallback, const char *value, const char *text,
                           const char *range);
PetscErrorCode OptionsFreeTable(OptTable *table);
PetscErrorCode OptionsDropPart(void);
int            opt_is_key(const char *word);

#endif
