#include "private/processimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static PetscClassId PROCESS_CLASSID;

static const char *const type_names[]                 = {"passive", "active", "cld", "general", NULL};
static PetscErrorCode (*const type_create[])(Process) = {ProcessCreate_Passive, ProcessCreate_Active,
                                                         ProcessCreate_CLD, ProcessCreate_General};

/* ProcessCreate - an empty process; SetType or SetFromOptions, then SetUp, make it usable. */
PetscErrorCode ProcessCreate(Process *process)
{
  Process p;

  PetscFunctionBegin;
  if (!PROCESS_CLASSID) PetscCall(PetscClassIdRegister("Process", &PROCESS_CLASSID));
  PetscCall(PetscHeaderCreate(p, PROCESS_CLASSID, "Process", "Forward noise", "Process", PETSC_COMM_WORLD,
                              ProcessDestroy, NULL));
  p->rate    = 1;
  p->scale   = 1;
  p->t_final = 1;
  *process   = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessSetType - passive, active, cld or general; drops parameters of an earlier type. */
PetscErrorCode ProcessSetType(Process process, const char *type)
{
  PetscInt i = 0;

  PetscFunctionBegin;
  while (type_names[i] && strcmp(type_names[i], type)) i++;
  PetscCheck(type_names[i], PETSC_COMM_WORLD, PETSC_ERR_ARG_UNKNOWN_TYPE, "process type %s", type);
  PetscCall(PetscFree(process->data));
  process->rate  = 1;
  process->setup = PETSC_FALSE;
  PetscCall((*type_create[i])(process));
  PetscCall(PetscObjectChangeTypeName((PetscObject)process, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessSetFromOptions - read -process_type, the keys of the type, the rate and the final time. */
PetscErrorCode ProcessSetFromOptions(Process process)
{
  PetscInt  type = 1;
  PetscBool set;

  PetscFunctionBegin;
  for (PetscInt i = 0; type_names[i]; i++)
    if (((PetscObject)process)->type_name && !strcmp(((PetscObject)process)->type_name, type_names[i]))
      type = i;
  PetscCall(OptChoice("-process_type", "forward noise", type_names, &type, &set));
  if (set || !((PetscObject)process)->type_name) PetscCall(ProcessSetType(process, type_names[type]));
  PetscCall((*process->ops->setfromoptions)(process));
  PetscCall(OptReal("-process_rate", "speed beta of the process (multiplies M and G G^T; 1, for cld 4)",
                    RANGE_POSITIVE, &process->rate, NULL));
  PetscCall(OptReal("-process_scale",
                    "factor on G G^T and on the covariance at t = 0: all temperatures times so much",
                    RANGE_POSITIVE, &process->scale, NULL));
  PetscCall(OptReal("-process_t_final", "time at which noising ends and generation starts", RANGE_POSITIVE,
                    &process->t_final, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessDeclareOptions - note the keys of all types (for help and the check of misspelt keys). */
PetscErrorCode ProcessDeclareOptions(void)
{
  Process p;

  PetscFunctionBegin;
  for (PetscInt i = -1; i < 0 || type_names[i]; i++) { /* the default type first */
    PetscCall(ProcessCreate(&p));
    if (i >= 0) PetscCall(ProcessSetType(p, type_names[i]));
    PetscCall(ProcessSetFromOptions(p));
    PetscCall(ProcessDestroy(&p));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessNoteParameter - a parameter of the type, for the record in result files (called by its fill). */
PetscErrorCode ProcessNoteParameter(Process process, const char *name, double value)
{
  const int n = process->nparameters;

  PetscFunctionBegin;
  PetscCheck(n < (int)(sizeof(process->parameter) / sizeof(process->parameter[0])), PETSC_COMM_SELF,
             PETSC_ERR_PLIB, "too many parameters");
  process->parameter[n].name  = name;
  process->parameter[n].value = value;
  process->nparameters++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rate and scale into M, Q, G and V0; the label says so where the scale is not 1 */
static void apply_factors(Process process)
{
  LinearSde   *sde = &process->sde;
  double      *G   = process->G;
  const int    b = sde->b, all = b * b;
  const size_t at = strlen(process->label);

  for (int i = 0; i < b; i++)
    for (int j = 0; j < b; j++) {
      double sum = 0;
      for (int m = 0; m < b; m++) sum += G[i * b + m] * G[j * b + m];
      sde->Q[i * b + j] = process->rate * process->scale * sum;
    }
  for (int i = 0; i < all; i++) {
    sde->M[i] *= process->rate;
    sde->V0[i] *= process->scale;
    G[i] *= sqrt(process->rate * process->scale);
  }
  if (process->scale != 1)
    snprintf(process->label + at, sizeof(process->label) - at, " scale %g", process->scale);
}

/*
  ProcessSetUp - form M, Q and V0 and check that they make sense

  Errors: AD_ERR_INPUT when no noise reaches x, or the clock is out of range at t_final
*/
PetscErrorCode ProcessSetUp(Process process)
{
  LinearSde *sde = &process->sde;
  Kernel     k;
  int        status;

  PetscFunctionBegin;
  if (process->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMemzero(sde, sizeof(*sde)));
  PetscCall(PetscMemzero(process->G, sizeof(process->G)));
  process->nparameters = 0;
  process->temperature = NAN;
  PetscCall((*process->ops->fill)(process));
  apply_factors(process);
  status = kernel_compute(sde, process->t_final, &k);
  AdCheckInput(
      status != KERNEL_FORGOTTEN,
      "-process_t_final: %g is so long that the data are forgotten (sigma > 1e150); take a shorter time",
      process->t_final);
  AdCheckInput(
      status == KERNEL_OK,
      "-process_type: this process puts no (or degenerate) noise on x by t = %g; check its noise amplitudes",
      process->t_final);
  process->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProcessDestroy(Process *process)
{
  PetscFunctionBegin;
  if (!*process) PetscFunctionReturn(PETSC_SUCCESS);
  if (--((PetscObject)*process)->refct > 0) {
    *process = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscFree((*process)->data));
  PetscCall(PetscHeaderDestroy(process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProcessGetSde(Process process, const LinearSde **sde)
{
  PetscFunctionBegin;
  *sde = &process->sde;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProcessGetFinalTime(Process process, PetscReal *t_final)
{
  PetscFunctionBegin;
  *t_final = process->t_final;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ProcessGetTemperature - total temperature of the noise, scale included

  Output: temperature  passive T, active Ta + Tp; of CLD the scale, since without it friction and noise are those of a bath of
                       temperature 1 (its stationary v has variance m); NaN for general noise, whose M and G need not
                       belong to any bath
*/
PetscErrorCode ProcessGetTemperature(Process process, PetscReal *temperature)
{
  PetscFunctionBegin;
  *temperature = process->scale * process->temperature;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ProcessGetStationaryVariance - variance of x when all of x0 is forgotten

  Output: variance  passive T/k, active Tp/k + Ta/(k (1 + k tau)), CLD 1, all times the scale; NaN without a stationary law
*/
PetscErrorCode ProcessGetStationaryVariance(Process process, PetscReal *variance)
{
  double C[AD_BMAX * AD_BMAX];

  PetscFunctionBegin;
  *variance = kernel_stationary(&process->sde, C) == KERNEL_OK ? C[0] : NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessGetLabel - type and parameters in a few words, for tables and figures. */
PetscErrorCode ProcessGetLabel(Process process, const char **label)
{
  PetscFunctionBegin;
  *label = process->label;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessGetNoised - which of the b variables have noise of their own: component[n], rising. */
PetscErrorCode ProcessGetNoised(Process process, int *n, int *component)
{
  PetscFunctionBegin;
  *n = 0;
  for (int i = 0; i < process->sde.b; i++)
    if (process->sde.Q[i * process->sde.b + i] > 0) component[(*n)++] = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ProcessGetKernel - law of X(t)

  Errors: AD_ERR_INPUT when t is so small or large that the law given x0 cannot be told from a point or from the noise
*/
PetscErrorCode ProcessGetKernel(Process process, PetscReal t, Kernel *kernel)
{
  int status;

  PetscFunctionBegin;
  status = kernel_compute(&process->sde, t, kernel);
  AdCheckInput(status != KERNEL_FORGOTTEN,
               "time %g: the data are forgotten (sigma > 1e150); take a shorter time", t);
  AdCheckInput(status == KERNEL_OK, "time %g: no noise has reached x yet; take a larger time", t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessGetTimeOfSigma - the time at which the clock shows sigma; AD_ERR_INPUT if it is not reached by t_final. */
PetscErrorCode ProcessGetTimeOfSigma(Process process, PetscReal sigma, PetscReal *t)
{
  Kernel k;

  PetscFunctionBegin;
  if (kernel_time_of_sigma(&process->sde, sigma, process->t_final, t)) {
    PetscCall(ProcessGetKernel(process, process->t_final, &k));
    AdCheckInput(PETSC_FALSE,
                 "sigma %g is never reached: this process ends at sigma %.6g (t_final %g); take a smaller "
                 "sigma or a larger -process_t_final",
                 sigma, k.sigma, process->t_final);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X = u (x0 + sigma e_0) + Dw e_w from unit normals e[n][b][d]. */
static void noise_rows(const Kernel *k, int d, int64_t n, const float *e, const double *x0, double *X)
{
  const int b = k->b;

  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < d; i++) {
      const float *er = e + r * b * d + i;
      const double z  = x0[r * d + i] + k->sigma * er[0];
      for (int a = 0; a < b; a++) {
        double value = k->u[a] * z;
        for (int j = 0; j < b - 1; j++) value += k->Dw[a * (b - 1) + j] * er[(j + 1) * d];
        X[(r * b + a) * d + i] = value;
      }
    }
}

/*
  ProcessNoise - exact forward noising: X(t) given x0, auxiliary variables drawn from their law at t = 0

  Input:  kernel at t, x0[n][d], stream and global index of the first row
  Output: X[n][b*d]
  Source: paper eqs. A24-A30; sampled as X = u (x0 + sigma e) + Dw e_w
*/
PetscErrorCode ProcessNoise(Process process, const Kernel *kernel, int d, RngStream stream, int64_t first,
                            int64_t n, const double *x0, double *X)
{
  float        *e;
  const int64_t wave = 4096;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(wave * kernel->b * d, &e));
  for (int64_t r = 0; r < n; r += wave) {
    int64_t rows = PetscMin(wave, n - r);
    rng_normal(stream, (uint64_t)(first + r), (size_t)rows, kernel->b * d, e);
    noise_rows(kernel, d, rows, e, x0 + r * d, X + r * kernel->b * d);
  }
  PetscCall(PetscFree(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessPrintSummary - what a person wants to know before a run. */
PetscErrorCode ProcessPrintSummary(Process process)
{
  Kernel k;

  PetscFunctionBegin;
  PetscCall(ProcessGetKernel(process, process->t_final, &k));
  PetscCall(AdPrint("process   %s, rate %g, t_final %g: sigma(t_final) %.4g, data amplitude left %.4g\n",
                    process->label, process->rate, process->t_final, k.sigma, k.u[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessWrite - group /process: M[b][b] and G[b][b] (rate included), V0, and what they came from. */
PetscErrorCode ProcessWrite(Process process, Output out)
{
  const int64_t  dims[2] = {process->sde.b, process->sde.b};
  const DataInfo info = {"variable,variable", "1", "dX = M X dt + G dW per coordinate, X = (x, auxiliary)"};
  char          *options;

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/process/M", AD_DOUBLE, 2, dims, process->sde.M, &info));
  PetscCall(OutputWrite(out, "/process/G", AD_DOUBLE, 2, dims, process->G, &info));
  PetscCall(OutputWrite(out, "/process/V0", AD_DOUBLE, 2, dims, process->sde.V0, &info));
  PetscCall(OptionsText("process_", &options));
  PetscCall(OutputAttrString(out, "/process", "options", options));
  PetscCall(PetscFree(options));
  PetscCall(OutputAttrString(out, "/process", "type", ((PetscObject)process)->type_name));
  PetscCall(OutputAttrString(out, "/process", "label", process->label));
  for (int i = 0; i < process->nparameters; i++)
    PetscCall(OutputAttrReal(out, "/process", process->parameter[i].name, 1, &process->parameter[i].value));
  PetscCall(OutputAttrReal(out, "/process", "rate", 1, &process->rate));
  PetscCall(OutputAttrReal(out, "/process", "scale", 1, &process->scale));
  PetscCall(OutputAttrReal(out, "/process", "t_final", 1, &process->t_final));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ProcessTakeOptions - where no -process_ key was given, give all of them the values of the run that wrote a file

  Call before ProcessSetFromOptions. Files without a record of them change nothing.
*/
PetscErrorCode ProcessTakeOptions(Input in)
{
  char     *given, yaml[4096] = "";
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(OptGroupText("-process_", NULL, &given));
  if (!given[0]) {
    PetscCall(InputAttrString(in, "/process", "options", sizeof(yaml), yaml, &found));
    if (found) PetscCall(OptTakeText(yaml));
  }
  PetscCall(PetscFree(given));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ProcessCheckSame - refuse a file whose /process is another one than this (M, G G^T, V0 or t_final differ). */
PetscErrorCode ProcessCheckSame(Process process, Input in, const char *option)
{
  const int b = process->sde.b;
  int64_t   dims[2];
  double    M[AD_BMAX * AD_BMAX], G[AD_BMAX * AD_BMAX], V0[AD_BMAX * AD_BMAX], t_final = 0;
  char      label[128] = "";
  PetscBool found, same;

  PetscFunctionBegin;
  PetscCall(InputGetDims(in, "/process/M", 2, dims));
  PetscCall(InputAttrString(in, "/process", "label", sizeof(label), label, &found));
  PetscCall(InputAttrReal(in, "/process", "t_final", 1, &t_final, &found));
  same = dims[0] == b ? PETSC_TRUE : PETSC_FALSE;
  if (same) {
    PetscCall(InputRead(in, "/process/M", AD_DOUBLE, M));
    PetscCall(InputRead(in, "/process/G", AD_DOUBLE, G));
    PetscCall(InputRead(in, "/process/V0", AD_DOUBLE, V0));
    same = !memcmp(M, process->sde.M, sizeof(double) * (size_t)(b * b)) &&
                   !memcmp(G, process->G, sizeof(double) * (size_t)(b * b)) &&
                   !memcmp(V0, process->sde.V0, sizeof(double) * (size_t)(b * b))
               ? PETSC_TRUE
               : PETSC_FALSE;
  }
  AdCheckInput(same,
               "%s: these weights belong to another process (%s, not %s); train a joint net for this one, or "
               "use a reduced net",
               option, label, process->label);
  AdCheckInput(process->t_final <= t_final * (1 + 1e-12),
               "%s: trained up to t = %g, asked for %g; lower -process_t_final or train longer times", option,
               t_final, process->t_final);
  PetscFunctionReturn(PETSC_SUCCESS);
}
