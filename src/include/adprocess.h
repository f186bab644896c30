#ifndef ADPROCESS_H
#define ADPROCESS_H
#include "adbase.h"
#include "adkernel.h"
#include "adrng.h"

/*
  Process - the forward noise: a linear stochastic equation dX = M X dt + G dW on b variables per coordinate,
  X = (x, aux), the same for all d coordinates

  A state array X[n][b*d] holds, for every sample, x_1..x_d, then the first auxiliary variable of each coordinate, ...
*/
typedef struct _p_Process *Process;

PetscErrorCode ProcessCreate(Process *process);
PetscErrorCode ProcessSetType(Process process, const char *type);
PetscErrorCode ProcessSetFromOptions(Process process);
PetscErrorCode ProcessSetUp(Process process);
PetscErrorCode ProcessDestroy(Process *process);
PetscErrorCode ProcessDeclareOptions(void);
PetscErrorCode ProcessTakeOptions(Input in); /* those of a result file, where none are given */

PetscErrorCode ProcessGetSde(Process process, const LinearSde **sde);
PetscErrorCode ProcessGetFinalTime(Process process, PetscReal *t_final);
PetscErrorCode ProcessGetNoised(Process process, int *n, int *component);
PetscErrorCode ProcessGetTemperature(Process process, PetscReal *temperature);
PetscErrorCode ProcessGetStationaryVariance(Process process, PetscReal *variance);
PetscErrorCode ProcessGetLabel(Process process, const char **label);
PetscErrorCode ProcessGetKernel(Process process, PetscReal t, Kernel *kernel);
PetscErrorCode ProcessGetTimeOfSigma(Process process, PetscReal sigma, PetscReal *t);
PetscErrorCode ProcessNoise(Process process, const Kernel *kernel, int d, RngStream stream, int64_t first,
                            int64_t n, const double *x0, double *X);
PetscErrorCode ProcessPrintSummary(Process process);
PetscErrorCode ProcessWrite(Process process, Output out);
PetscErrorCode ProcessCheckSame(Process process, Input in, const char *option);

/* ---- lists of noises: type[:key=value]..., ... ---- */
/*
  noise_split - cut a list at the commas that a letter follows; others belong to a value

  In/out: list     commas become ends of text
  Output: word[max], returns their number (at most max are written)
*/
int noise_split(char *list, int max, char **word);
/*
  noise_parse - type[:key=value]... as keys of the process, -process_type first

  Output: keys
          problem[size]  what is wrong, if anything
  Return: nonzero if something is
*/
int noise_parse(const char *word, KeyList *keys, size_t size, char *problem);

/*
  ProcessGrid - the noises of one run: -process_type may be a list of noises, and any number of a noise a list of values; all
  combinations are points, the first noise and the first key (k tau ta tp mass friction v0 rate scale) slowest
*/
typedef struct {
  PetscInt n;
  Process *process; /* [n] */
} ProcessGrid;

PetscErrorCode ProcessGridCreate(ProcessGrid *grid); /* reads all options */
PetscErrorCode ProcessGridSetUp(ProcessGrid *grid);
PetscErrorCode ProcessGridPrintSummary(const ProcessGrid *grid);
PetscErrorCode ProcessGridWrite(const ProcessGrid *grid, const char *group, Output out);
PetscErrorCode ProcessGridDestroy(ProcessGrid *grid);

/* Where the reverse process starts */
typedef enum { PRIOR_MATCHED, PRIOR_STATIONARY, PRIOR_EXACT } PriorType;
PetscErrorCode ProcessSamplePrior(Process process, PriorType prior, const Kernel *kernel, int d,
                                  const double *mean, const double *variance, RngStream stream, int64_t first,
                                  int64_t n, double *X);

#endif
