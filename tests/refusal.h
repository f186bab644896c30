#ifndef REFUSAL_H
#define REFUSAL_H
/* Calls that should fail: their words are kept from the screen, and can be asked for. Needs PETSc, so it is beside ad_check.h */
#include "ad_check.h"
#include "adbase.h"

/* From here on errors are not printed, until listen_end */
void listen_begin(void);
void listen_end(void);

/* the error code of a call, without its message */
#define QUIET(code, call)                                                                                    \
  do {                                                                                                       \
    listen_begin();                                                                                          \
    (code) = (call);                                                                                         \
    listen_end();                                                                                            \
  } while (0)

/* The message of the last error since listen_begin */
const char *said(void);

/* Collective: fails unless code is bad input on all ranks, in one line that holds all of the parts (parted by |) */
void assert_bad_input(PetscErrorCode code, const char *what, const char *parts);

#endif
