/*
  adiff fisher: what noised states remember of their start, for a grid of noises and a list of times
*/
#include "private/fisherimpl.h"
#include "private/likelihoodimpl.h"

enum { MAX_TIMES = (int)(sizeof(((FisherOptions *)0)->t) / sizeof(PetscReal)), USUAL_TIMES = 25 };

static PetscErrorCode ReadTimes(FisherOptions *o)
{
  PetscInt  ends = 0;
  PetscReal last = 0;
  PetscBool set;

  PetscFunctionBegin;
  PetscCall(OptRealList("-fisher_times", "times of the tables; 0.01:5:25:log unless given", RANGE_POSITIVE,
                        MAX_TIMES, o->t, &o->nt, &set));
  for (; !set && o->nt < USUAL_TIMES; o->nt++) o->t[o->nt] = 0.01 * pow(500, o->nt / (USUAL_TIMES - 1.0));
  for (PetscInt i = 0; i < o->nt; i++) last = PetscMax(last, o->t[i]);
  PetscCall(OptRealList("-fisher_window",
                        "from,to: times over which decay rates are fitted; from half the last time to the "
                        "last unless given",
                        RANGE_POSITIVE, 2, o->window, &ends, &set));
  if (!set) {
    o->window[0] = last / 2;
    o->window[1] = last;
    ends         = 2;
  }
  AdCheckInput(ends == 2 && o->window[0] < o->window[1],
               "-fisher_window: expected two times from,to with from < to");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* every: also keys of what is not wanted, to note them for help */
static PetscErrorCode ReadOptions(PetscBool every, FisherOptions *o)
{
  PetscFunctionBegin;
  *o = (FisherOptions){.delta = 1};
  PetscCall(ReadTimes(o));
  PetscCall(OptInt("-fisher_check",
                   "check F by two clouds of so many states for each time and variable; 0: no",
                   RANGE_NONNEGATIVE, &o->check, NULL));
  AdCheckInput(o->check == 0 || o->check >= 20, "-fisher_check: expected 0 or at least 20 states, got %d",
               (int)o->check);
  if (o->check || every)
    PetscCall(
        OptReal("-fisher_delta",
                "distance of the two starts in units of 1/sqrt(F_ii): the divergence is half its square",
                RANGE_POSITIVE, &o->delta, NULL));
  PetscCall(OptInt("-fisher_information",
                   "rows of the data set for the mutual information of x0 with X, with x and with the "
                   "auxiliary variables; 0: no",
                   RANGE_NONNEGATIVE, &o->information, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FisherRunDeclareOptions(void)
{
  FisherOptions o;

  PetscFunctionBegin;
  PetscCall(ReadOptions(PETSC_TRUE, &o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesCreate(const ProcessGrid *grid, const FisherOptions *o, FisherTables *t)
{
  size_t entries;

  PetscFunctionBegin;
  *t = (FisherTables){.np = grid->n, .nt = o->nt};
  for (PetscInt p = 0; p < grid->n; p++) {
    const LinearSde *sde;

    PetscCall(ProcessGetSde(grid->process[p], &sde));
    t->b = PetscMax(t->b, sde->b);
  }
  entries = (size_t)t->np * (size_t)t->nt;
  PetscCall(PetscMalloc3(entries * (size_t)t->b * (size_t)t->b, &t->matrix, entries * FISHER_QUANTITIES,
                         &t->value, t->np, &t->laws));
  if (o->check) PetscCall(PetscMalloc1(entries * (size_t)t->b, &t->check));
  if (o->information) PetscCall(PetscMalloc1(entries * FISHER_SEEN, &t->information));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesDestroy(FisherTables *t)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(t->matrix, t->value, t->laws));
  PetscCall(PetscFree(t->check));
  PetscCall(PetscFree(t->information));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void place_matrix(const KernelMemory *m, int b, double *matrix)
{
  for (int i = 0; i < b; i++)
    for (int j = 0; j < b; j++) matrix[i * b + j] = i < m->b && j < m->b ? m->F[i * m->b + j] : NAN;
}

static PetscErrorCode RefuseTime(const ProcessGrid *grid, const FisherOptions *o, int64_t entry)
{
  const char *label;

  PetscFunctionBegin;
  PetscCall(ProcessGetLabel(grid->process[entry / o->nt], &label));
  AdCheckInput(PETSC_FALSE,
               "-fisher_times: %g is too early for %s, no noise has reached x yet; take a larger time",
               o->t[entry % o->nt], label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The tables of all processes and times, shared out over the ranks

  Errors: AD_ERR_INPUT with the first time at which no noise has reached x
*/
static PetscErrorCode ComputeMemory(const ProcessGrid *grid, const FisherOptions *o, FisherTables *t)
{
  const int64_t entries = (int64_t)t->np * t->nt;
  const int     bb      = t->b * t->b;
  int64_t       first, n, bad = entries;
  double       *matrix, *value;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(entries, 1, &first, &n));
  PetscCall(PetscMalloc2(n * bb, &matrix, n * FISHER_QUANTITIES, &value));
  for (int64_t i = 0; i < n; i++) {
    const LinearSde *sde;
    KernelMemory     m = {0};

    PetscCall(ProcessGetSde(grid->process[(first + i) / t->nt], &sde));
    if (kernel_memory(sde, o->t[(first + i) % t->nt], &m) != KERNEL_OK) bad = PetscMin(bad, first + i);
    place_matrix(&m, t->b, matrix + i * bb);
    fisher_quantities(&m, value + i * FISHER_QUANTITIES);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_MIN, PETSC_COMM_WORLD));
  if (bad < entries) PetscCall(RefuseTime(grid, o, bad));
  PetscCall(AdGatherRows(entries, n, bb, matrix, t->matrix));
  PetscCall(AdGatherRows(entries, n, FISHER_QUANTITIES, value, t->value));
  PetscCall(PetscFree2(matrix, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOfDegenerate(const FisherTables *t)
{
  const int64_t entries = (int64_t)t->np * t->nt;
  int64_t       unknown = 0;

  PetscFunctionBegin;
  for (int64_t i = 0; i < entries; i++) unknown += isnan(t->value[i * FISHER_QUANTITIES + FISHER_FMC]);
  if (unknown)
    PetscCall(AdWarning(
        "at %lld of %lld points some direction of X(0) meets no noise, or so little that fewer than 12 "
        "digits are left: F is written as nan there\n",
        (long long)unknown, (long long)entries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ComputeLaws(const ProcessGrid *grid, const FisherOptions *o, FisherTables *t)
{
  int64_t     first, n;
  FisherLaws *mine;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(t->np, 1, &first, &n));
  PetscCall(PetscMalloc1(n, &mine));
  for (int64_t i = 0; i < n; i++) {
    const LinearSde *sde;

    PetscCall(ProcessGetSde(grid->process[first + i], &sde));
    fisher_early(sde, mine[i].early_power, mine[i].early_coefficient);
    PetscCall(FisherLate(sde, mine[i].late_rate, mine[i].late_coefficient));
    fisher_fit(sde, o->window[0], o->window[1], mine[i].rate, mine[i].bend);
  }
  PetscCall(AdGatherRows(t->np, n, sizeof(*mine) / sizeof(double), (const double *)mine, (double *)t->laws));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The clouds of an entry are all drawn on one rank: the work is shared out by entries */
static PetscErrorCode ComputeCheck(const ProcessGrid *grid, const FisherOptions *o, uint64_t seed,
                                   FisherTables *t)
{
  const int64_t     entries = (int64_t)t->np * t->nt;
  const int         b = t->b, width = b * (int)(sizeof(FisherDivergence) / sizeof(double));
  int64_t           first, n;
  FisherDivergence *mine;

  PetscFunctionBegin;
  PetscCall(AdSplitRows(entries, 1, &first, &n));
  PetscCall(PetscMalloc1(n * b, &mine));
  for (int64_t i = 0; i < n * b; i++) {
    const int64_t    entry  = first + i / b;
    const RngStream  stream = {seed, RNG_SDE, (uint32_t)(2 * (entry * b + i % b))};
    const LinearSde *sde;
    KernelMemory     m;

    PetscCall(ProcessGetSde(grid->process[entry / t->nt], &sde));
    mine[i] = (FisherDivergence){NAN, NAN, NAN, NAN};
    if (i % b < sde->b && kernel_memory(sde, o->t[entry % t->nt], &m) == KERNEL_OK)
      PetscCall(FisherCheckPoint(sde, &m, (int)(i % b), o->delta, o->check, stream, &mine[i]));
  }
  PetscCall(AdGatherRows(entries, n, width, (const double *)mine, (double *)t->check));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data set, once it is known that it is wanted */
static PetscErrorCode ReadData(const CommandLine *line, Subject *s)
{
  PetscFunctionBegin;
  PetscCall(DatasetCreate(&s->dataset));
  PetscCall(DatasetSetSeed(s->dataset, line->seed));
  PetscCall(DatasetSetFromOptions(s->dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its exact score and its rows; the process stands in for all, as its noise is only used in the clock */
static PetscErrorCode SetUpData(const ProcessGrid *grid, PetscInt rows, Subject *s)
{
  const char *label;

  PetscFunctionBegin;
  PetscCall(DatasetSetUp(s->dataset));
  PetscCall(DatasetGetLabel(s->dataset, &label));
  PetscCall(DatasetGetMixture(s->dataset, &s->law));
  AdCheckInput(s->law,
               "-fisher_information: expected data whose law is a Gaussian mixture, got %s; 'adiff denoise' "
               "measures a trained score on any data",
               label);
  s->process = grid->process[0];
  PetscCall(PetscObjectReference((PetscObject)s->process));
  PetscCall(ScoreCreateExact(s->process, s->dataset, &s->score));
  PetscCall(ScoreGetCoordinates(s->score, &s->c));
  PetscCall(DatasetPrintSummary(s->dataset));
  PetscCall(SubjectTakeRows(s, SPLIT_TEST, rows, "-fisher_information"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ComputeInformation(const Subject *s, uint64_t seed, FisherTables *t)
{
  static const int seen[FISHER_SEEN] = {FISHER_JOINT, FISHER_X_ALONE, FISHER_AUX_ALONE};
  const int64_t    entries           = (int64_t)t->np * t->nt;

  PetscFunctionBegin;
  for (int64_t i = 0; i < entries * FISHER_SEEN; i++)
    PetscCall(FisherInformationCompute(s->process, s->score, s->law,
                                       t->value[i / FISHER_SEEN * FISHER_QUANTITIES + seen[i % FISHER_SEEN]],
                                       (RngStream){seed, RNG_NOISE, (uint32_t)i}, s->N, s->first, s->n, s->x0,
                                       s->component, &t->information[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const CommandLine *line, const ProcessGrid *grid, const FisherOptions *o,
                            const FisherTables *t, const Subject *s)
{
  Output out;

  PetscFunctionBegin;
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(ProcessGridWrite(grid, "/fisher", out));
  PetscCall(FisherWrite(o, t, out));
  if (s->c) {
    PetscCall(OutputAttrInt(out, "/fisher/information", "rows", s->N));
    PetscCall(OutputAttrInt(out, "/fisher/information", "d", s->c->d));
    PetscCall(DatasetWrite(s->dataset, out));
  }
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  FisherRun - adiff fisher: Fisher memory F_t, its parts, early and late laws, decay rates (/fisher); on request
  a check by sampling and the mutual information with the rows of a data set
*/
PetscErrorCode FisherRun(const CommandLine *line)
{
  ProcessGrid   grid;
  FisherOptions o;
  FisherTables  t;
  Subject       s = {0};

  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&grid));
  PetscCall(ReadOptions(PETSC_FALSE, &o));
  if (o.information) PetscCall(ReadData(line, &s));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(ProcessGridSetUp(&grid));
  PetscCall(ProcessGridPrintSummary(&grid));
  if (o.information) PetscCall(SetUpData(&grid, o.information, &s));
  PetscCall(TablesCreate(&grid, &o, &t));
  PetscCall(ComputeMemory(&grid, &o, &t));
  PetscCall(WarnOfDegenerate(&t));
  PetscCall(ComputeLaws(&grid, &o, &t));
  if (o.check) PetscCall(ComputeCheck(&grid, &o, line->seed, &t));
  if (o.information) PetscCall(ComputeInformation(&s, line->seed, &t));
  PetscCall(FisherPrint(&grid, &o, &t));
  PetscCall(Write(line, &grid, &o, &t, &s));
  PetscCall(TablesDestroy(&t));
  if (o.information) PetscCall(SubjectDestroy(&s));
  PetscCall(ProcessGridDestroy(&grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}
