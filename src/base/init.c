#include "adbase.h"
#include <signal.h>
#include <slepcsys.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* Exit code asked for by a command that ended well but not in the ordinary way (stopped with a checkpoint). */
static int                   requested_code = AD_EXIT_OK;
static volatile sig_atomic_t stop_signal    = 0;

extern void openblas_set_num_threads(int) __attribute__((weak));

static void note_signal(int number)
{
  stop_signal = number;
}

/* Rank 0 prints bad input and failed runs as one line; anything else is our bug and gets PETSc's trace. */
static PetscErrorCode AdErrorHandler(MPI_Comm comm, int line, const char *function, const char *file,
                                     PetscErrorCode code, PetscErrorType type, const char *message, void *ctx)
{
  int rank;

  if (code != AD_ERR_INPUT && code != AD_ERR_RUN)
    return PetscTraceBackErrorHandler(comm, line, function, file, code, type, message, ctx);
  if (type != PETSC_ERROR_INITIAL) return code;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) {
    fflush(stdout);
    fprintf(stderr, "adiff: error: %s\n", message);
    fflush(stderr);
  }
  return code;
}

/* AdFail - raise an error whose message is formatted by C (PETSc's own %g writes 1 as "1."); used by the AdCheck macros. */
PetscErrorCode AdFail(int line, const char *function, const char *file, PetscErrorCode code,
                      const char *format, ...)
{
  char    message[2048];
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  return PetscError(PETSC_COMM_WORLD, line, function, file, code, PETSC_ERROR_INITIAL, "%s", message);
}

/*
  AdInitialize - start MPI, PETSc and SLEPc with our error policy

  A .petscrc is not read, BLAS runs on one thread a rank unless OPENBLAS_NUM_THREADS says otherwise, USR1 and TERM ask for
  a stop at the next safe point.
*/
PetscErrorCode AdInitialize(int *argc, char ***argv)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsSetValue(NULL, "-skip_petscrc", NULL));
  PetscCall(SlepcInitialize(argc, argv, NULL, NULL));
  PetscCall(PetscPushErrorHandler(AdErrorHandler, NULL));
  if (openblas_set_num_threads && !getenv("OPENBLAS_NUM_THREADS")) openblas_set_num_threads(1);
  signal(SIGUSR1, note_signal);
  signal(SIGTERM, note_signal);
  signal(SIGPIPE, SIG_IGN); /* a reader that goes away (| head) does not end a run */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* AdFinalize - remove half-written output after an error, end SLEPc and PETSc, and turn the status into the exit code. */
PetscErrorCode AdFinalize(PetscErrorCode status, int *exit_code)
{
  PetscFunctionBegin;
  *exit_code = requested_code;
  if (status == AD_ERR_INPUT)
    *exit_code = AD_EXIT_INPUT;
  else if (status == AD_ERR_RUN)
    *exit_code = AD_EXIT_RUN;
  else if (status)
    MPI_Abort(PETSC_COMM_WORLD, (int)status);
  if (status) PetscCall(OutputAbandon());
  PetscCall(OptionsForget());
  PetscCall(PetscPopErrorHandler());
  PetscCall(SlepcFinalize());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* AdRequestExitCode - let the program end with this code although no error occurred (75: stopped, resume me). */
PetscErrorCode AdRequestExitCode(int code)
{
  PetscFunctionBegin;
  requested_code = code;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* AdStopRequested - has this rank received USR1 or TERM? Not collective: reduce before acting on it. */
PetscBool AdStopRequested(void)
{
  return stop_signal ? PETSC_TRUE : PETSC_FALSE;
}

/* AdStopping - has a command ended early and asked for exit code 75? The same on all ranks. */
PetscBool AdStopping(void)
{
  return requested_code == AD_EXIT_STOPPED ? PETSC_TRUE : PETSC_FALSE;
}

/* AdWallTime - seconds of a monotonic clock. Not collective. */
double AdWallTime(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Has this text been said before? A sweep would repeat itself for every point. */
static int said_before(const char *text)
{
  static uint64_t said[64];
  static int      n;
  uint64_t        hash = 1469598103934665603u;

  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u; /* FNV-1a */
  for (int i = 0; i < n; i++)
    if (said[i] == hash) return 1;
  if (n < 64) said[n++] = hash;
  return 0;
}

/* AdWarning - one line on stderr from rank 0, the same text once only; the run goes on. */
PetscErrorCode AdWarning(const char *format, ...)
{
  va_list arguments;
  char    text[2048];
  int     rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (!rank && !said_before(text)) {
    fprintf(stderr, "adiff: warning: %s", text);
    fflush(stderr);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* AdPrint - text on stdout from rank 0. */
PetscErrorCode AdPrint(const char *format, ...)
{
  va_list arguments;
  int     rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  va_start(arguments, format);
  if (!rank) {
    vfprintf(stdout, format, arguments);
    fflush(stdout);
  }
  va_end(arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}
