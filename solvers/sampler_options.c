/*
  Sampler - options, and the TS that goes with them
*/
#include "private/samplerimpl.h"
#include <string.h>

const char *const sampler_grid_names[]  = {"uniform", "quadratic", "log", "sigma_rho", "scales", NULL};
const char *const sampler_prior_names[] = {"matched", "stationary", "exact", NULL};
const char *const sampler_last_names[]  = {"none", "mean", "denoise", NULL};

static PetscErrorCode ReadTrajectoryOptions(Trajectory *trajectory)
{
  const PetscInt max = 1000;
  PetscReal      row[1000];
  PetscInt       rows = 0;

  PetscFunctionBegin;
  PetscCall(PetscFree(trajectory->time));
  PetscCall(PetscMalloc1(max, &trajectory->time));
  trajectory->nt = 0;
  PetscCall(OptInt("-sampler_trajectory", "number of samples whose path is written", RANGE_NONNEGATIVE,
                   &trajectory->n, NULL));
  PetscCall(OptRealList("-sampler_trajectory_index",
                        "samples whose path is written, in place of the first ones", RANGE_NONNEGATIVE, max,
                        row, &rows, NULL));
  PetscCall(PetscFree(trajectory->index));
  if (rows) PetscCall(TrajectoryChoose(trajectory, rows, row));
  PetscCall(OptRealList("-sampler_trajectory_times",
                        "forward times of the paths (the nearest of the grid); all of the grid unless given",
                        RANGE_NONNEGATIVE, max, trajectory->time, &trajectory->nt, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *ts_type(PetscInt scheme)
{
  return scheme == SCHEME_FLOW ? TSRK : scheme_table[scheme].name;
}

/* The name by which PETSc knows a scheme, as -ts_type gives it */
static PetscErrorCode ReadType(Sampler sampler, PetscBool set)
{
  char      type[64];
  PetscInt  i = 0;
  PetscBool typed;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-ts_type", type, sizeof(type), &typed));
  if (!typed) PetscFunctionReturn(PETSC_SUCCESS);
  while (i < SCHEME_COUNT && strcmp(ts_type(i), type) != 0) i++;
  AdCheckInput(i < SCHEME_COUNT,
               "-ts_type: expected em, anc, ddim, heun, sscs, abm or rk (which is the flow), got '%s'", type);
  AdCheckInput(!set || i == sampler->scheme, "-ts_type: %s contradicts -sampler_scheme %s; give one of them",
               type, scheme_table[sampler->scheme].name);
  sampler->scheme = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scheme by -sampler_scheme, or by -ts_type, which PETSc users look for; and what goes with it */
static PetscErrorCode ReadScheme(Sampler sampler, PetscBool declare)
{
  const char   *names[SCHEME_COUNT + 1] = {NULL};
  const Scheme *scheme;
  char          text[1024] = "";
  size_t        at         = 0;
  PetscBool     set;

  PetscFunctionBegin;
  for (int i = 0; i < SCHEME_COUNT; i++) {
    names[i] = scheme_table[i].name;
    at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s: %s", i ? ", " : "", names[i],
                           scheme_table[i].text);
  }
  snprintf(text + at, sizeof(text) - at,
           " (default: abm; with -score_file anc: its noise corrects errors of the net)");
  PetscCall(OptChoice("-sampler_scheme", text, names, &sampler->scheme, &set));
  if (!declare) PetscCall(ReadType(sampler, set));
  scheme         = &scheme_table[sampler->scheme];
  sampler->order = scheme->order;
  PetscCall(OptInt("-sampler_order",
                   "em, anc, ddim: 1, or 2: x0hat extrapolated from the last two steps; abm: 1 to 3, as many "
                   "steps looked back on (default: em 1, anc and ddim 2, abm 3)",
                   RANGE(1, 3), &sampler->order, NULL));
  AdCheckInput(sampler->order >= scheme->order_min && sampler->order <= scheme->order_max,
               "-sampler_order: expected a whole number from %d to %d for %s, got %d", scheme->order_min,
               scheme->order_max, scheme->name, (int)sampler->order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps, as such or by what they cost: schemes are compared at equal numbers of evaluations */
static PetscErrorCode ReadSteps(Sampler sampler)
{
  const Scheme  *scheme = &scheme_table[sampler->scheme];
  const PetscInt each = scheme->evaluations + sampler->corrector, end = scheme->evaluations_last;
  PetscInt       evaluations = 0;
  PetscBool      counted, set;

  PetscFunctionBegin;
  PetscCall(
      OptInt("-sampler_steps",
             "number of time steps; score evaluations a step: heun 2 (1 in the last), others 1, and one "
             "for each step of the corrector",
             RANGE(1, 10000000), &sampler->steps, &set));
  PetscCall(OptInt("-sampler_evaluations",
                   "in place of -sampler_steps: as many steps as this number of score evaluations allows; 0: "
                   "by -sampler_steps",
                   RANGE(0, 10000000), &evaluations, &counted));
  if (!counted || !evaluations) PetscFunctionReturn(PETSC_SUCCESS);
  AdCheckInput(!set, "-sampler_evaluations: give it or -sampler_steps, not both");
  AdCheckInput(scheme->fill,
               "-sampler_evaluations: the flow chooses its steps by -sampler_rtol and -sampler_atol");
  sampler->steps = (evaluations - end) / each + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Noise and relaxation added to a scheme */
static PetscErrorCode ReadExtras(Sampler sampler)
{
  const OptRange inside = {0.0, 1.0, 1, 1};

  PetscFunctionBegin;
  PetscCall(OptInt("-sampler_corrector", "Langevin steps in z after each step, at the new time",
                   RANGE(0, 1000), &sampler->corrector, NULL));
  PetscCall(OptReal("-sampler_snr", "length of a Langevin step: eps = 2 snr^2 sigma^2", inside, &sampler->snr,
                    NULL));
  PetscCall(OptReal("-sampler_churn",
                    "before each step the forward process raises sigma by min(churn/steps, 0.41) of itself",
                    RANGE_NONNEGATIVE, &sampler->churn, NULL));
  AdCheckInput(sampler->scheme != SCHEME_FLOW || (sampler->corrector == 0 && sampler->churn == 0),
               "-sampler_scheme: the flow takes neither -sampler_corrector nor -sampler_churn");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* abm reaches sigma = 0 with full order unless its states are disturbed, so it may stop earlier than others */
static PetscErrorCode ReadGrid(Sampler sampler)
{
  const Scheme *scheme      = &scheme_table[sampler->scheme];
  const int     undisturbed = sampler->churn == 0 && sampler->corrector == 0;

  PetscFunctionBegin;
  sampler->grid      = scheme->grid_scales ? GRID_SCALES : GRID_SIGMA_RHO;
  sampler->sigma_min = sampler->sigma_suggested > 0          ? sampler->sigma_suggested
                       : scheme->reaches_zero && undisturbed ? 0.02
                                                             : 0.006;
  PetscCall(
      OptChoice("-sampler_grid",
                "law of the step times; sigma_rho: the same sigmas whatever the noise, scales: fewer of "
                "them above the width of the data (default: abm and anc scales, others sigma_rho)",
                sampler_grid_names, &sampler->grid, NULL));
  PetscCall(
      OptReal("-sampler_rho", "exponent of grids sigma_rho and scales", RANGE_POSITIVE, &sampler->rho, NULL));
  PetscCall(OptReal("-sampler_sigma_min",
                    "last sigma before 0 (diffused units): half the smallest scale of the data for abm, a "
                    "quarter otherwise (default: with -score_file what its training suggests, else abm 0.02; "
                    "others, or with churn or a corrector, 0.006)",
                    RANGE_POSITIVE, &sampler->sigma_min, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerReadOptions - all -sampler_ keys; declare: only note them. */
PetscErrorCode SamplerReadOptions(Sampler sampler, PetscBool declare)
{
  PetscFunctionBegin;
  PetscCall(ReadScheme(sampler, declare));
  PetscCall(OptInt("-sampler_samples", "number of samples", RANGE(1, 2147483647), &sampler->samples, NULL));
  PetscCall(ReadExtras(sampler));
  PetscCall(ReadSteps(sampler));
  PetscCall(ReadGrid(sampler));
  PetscCall(OptReal("-sampler_sigma_max", "sigma at the start; 0: that of -process_t_final",
                    RANGE_NONNEGATIVE, &sampler->sigma_max, NULL));
  PetscCall(OptReal("-sampler_t_min", "last time before 0 (grid log, flow); 0: where sigma is sigma_min",
                    RANGE_NONNEGATIVE, &sampler->t_min, NULL));
  PetscCall(
      OptChoice("-sampler_prior", "law of the starting states", sampler_prior_names, &sampler->prior, NULL));
  PetscCall(OptChoice("-sampler_last",
                      "last step: as the scheme says, without its noise, or the posterior mean",
                      sampler_last_names, &sampler->last, NULL));
  PetscCall(OptReal("-sampler_rtol", "relative tolerance of the flow", RANGE_POSITIVE, &sampler->rtol, NULL));
  PetscCall(OptReal("-sampler_atol", "absolute tolerance of the flow", RANGE_POSITIVE, &sampler->atol, NULL));
  PetscCall(OptInt("-sampler_wave", "samples moved at a time; in the flow they share their steps",
                   RANGE(1, 1000000), &sampler->wave, NULL));
  PetscCall(ReadTrajectoryOptions(&sampler->trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerDeclareOptions - note all keys (for help and the check of misspelt keys). */
PetscErrorCode SamplerDeclareOptions(void)
{
  Sampler s;

  PetscFunctionBegin;
  PetscCall(SamplerCreate(&s));
  PetscCall(SamplerReadOptions(s, PETSC_TRUE));
  PetscCall(SamplerDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keys of PETSc's TS that would change the steps behind the sampler's back */
static PetscErrorCode RefuseKeys(PetscBool flow)
{
  static const char *const keys[] = {"-ts_max_time",         "-ts_init_time", "-ts_time_span",
                                     "-ts_exact_final_time", "-ts_dt",        "-ts_max_steps"};
  PetscBool                found;

  PetscFunctionBegin;
  for (int i = 0; i < (flow ? 4 : 6); i++) {
    PetscCall(PetscOptionsHasName(NULL, NULL, keys[i], &found));
    AdCheckInput(!found, "%s: times of a sampler are set by %s", keys[i],
                 flow ? "-process_t_final, -sampler_sigma_max and -sampler_t_min"
                      : "-sampler_steps and -sampler_grid");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SamplerCreateTS - a TS of the scheme, with PETSc's own -ts_ options in it. The flow has one a rank, for one wave after the other */
PetscErrorCode SamplerCreateTS(Sampler sampler)
{
  const PetscBool flow = sampler->scheme == SCHEME_FLOW ? PETSC_TRUE : PETSC_FALSE;
  TSAdapt         adapt;
  TSAdaptType     type;
  PetscBool       none;

  PetscFunctionBegin;
  PetscCall(RefuseKeys(flow));
  PetscCall(TSDestroy(&sampler->ts));
  PetscCall(TSCreate(flow ? PETSC_COMM_SELF : PETSC_COMM_WORLD, &sampler->ts));
  PetscCall(TSSetType(sampler->ts, ts_type(sampler->scheme)));
  if (flow) {
    PetscCall(TSRKSetType(sampler->ts, TSRK5DP));
    PetscCall(TSSetTolerances(sampler->ts, sampler->atol, NULL, sampler->rtol, NULL));
    PetscCall(TSSetMaxSteps(sampler->ts, 100000));
    sampler->first_step = 0;
    PetscCall(PetscOptionsGetReal(NULL, NULL, "-ts_dt", &sampler->first_step, NULL));
  }
  PetscCall(TSSetFromOptions(sampler->ts));
  PetscCall(TSGetAdapt(sampler->ts, &adapt));
  PetscCall(TSAdaptGetType(adapt, &type));
  PetscCall(PetscStrcmp(type, TSADAPTNONE, &none));
  AdCheckInput(
      flow || none,
      "-ts_adapt_type: the steps of %s are prescribed; take none, or -sampler_scheme flow to adapt them",
      ts_type(sampler->scheme));
  PetscFunctionReturn(PETSC_SUCCESS);
}
