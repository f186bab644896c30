#include "refusal.h"
#include <string.h>

static char message[2048];

static PetscErrorCode keep(MPI_Comm comm, int line, const char *function, const char *file,
                           PetscErrorCode code, PetscErrorType type, const char *text, void *ctx)
{
  if (type == PETSC_ERROR_INITIAL) snprintf(message, sizeof(message), "%s", text);
  return code;
}

void listen_begin(void)
{
  message[0] = 0;
  PetscPushErrorHandler(keep, NULL);
}

void listen_end(void)
{
  PetscPopErrorHandler();
}

const char *said(void)
{
  return message;
}

void assert_bad_input(PetscErrorCode code, const char *what, const char *parts)
{
  char text[256], *save = NULL;

  ck_assert_msg(ad_all(code == AD_ERR_INPUT), "not refused: %s", what);
  snprintf(text, sizeof(text), "%s", parts);
  for (char *part = strtok_r(text, "|", &save); part; part = strtok_r(NULL, "|", &save))
    ck_assert_msg(ad_all(strstr(message, part) != NULL), "%s: '%s' does not say '%s'", what, message, part);
  ck_assert_ptr_null(strchr(message, '\n'));
}
