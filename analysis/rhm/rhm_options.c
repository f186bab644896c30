/*
  The options of adiff rhm: what is computed, and whether it can be
*/
#include "private/rhmimpl.h"
#include <stdio.h>
#include <string.h>

/* A list of whole numbers */
static PetscErrorCode ReadNumbers(const char *key, const char *text, double least, double most,
                                  PetscReal usual, PetscReal *value, PetscInt *n)
{
  PetscFunctionBegin;
  *n       = 1;
  value[0] = usual;
  PetscCall(OptRealList(key, text, RANGE(least, most), RHM_LISTS, value, n, NULL));
  for (PetscInt i = 0; i < *n; i++)
    AdCheckInput(value[i] == floor(value[i]), "%s: expected whole numbers, got %g", key, value[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All combinations of the four lists, v slowest, then m, s, L; a combination that no grammar has is refused by name */
static PetscErrorCode ReadSizes(RhmOptions *o)
{
  PetscReal L[RHM_LISTS], s[RHM_LISTS], v[RHM_LISTS], m[RHM_LISTS];
  PetscInt  nL, ns, nv, nm;
  char      problem[256];

  PetscFunctionBegin;
  PetscCall(ReadNumbers("-rhm_levels", "levels L above the leaves; a list", 1, RHM_MAX_LEVELS, 10, L, &nL));
  PetscCall(ReadNumbers("-rhm_children", "children s of a node; a list", 2, RHM_MAX_CHILDREN, 2, s, &ns));
  PetscCall(ReadNumbers("-rhm_symbols", "symbols v; a list", 2, RHM_MAX_SYMBOLS, 32, v, &nv));
  PetscCall(ReadNumbers("-rhm_rules", "rules m of a symbol; a list", 1, 1e6, 8, m, &nm));
  AdCheckInput((double)nL * (double)ns * (double)nv * (double)nm <= RHM_SIZES,
               "-rhm_levels, -rhm_children, -rhm_symbols, -rhm_rules: more than %d combinations", RHM_SIZES);
  o->nsizes = nL * ns * nv * nm;
  PetscCall(PetscMalloc1(o->nsizes, &o->size));
  for (PetscInt i = 0; i < o->nsizes; i++) {
    Grammar *g = &o->size[i];

    *g = (Grammar){.v = (int)v[i / (nL * ns * nm)],
                   .m = (int)m[i / (nL * ns) % nm],
                   .s = (int)s[i / nL % ns],
                   .L = (int)L[i % nL]};
    AdCheckInput(grammar_admissible(g->v, g->s, g->m, g->L, sizeof(problem), problem),
                 "-rhm_levels %d -rhm_children %d -rhm_symbols %d -rhm_rules %d: %s", g->L, g->s, g->v, g->m,
                 problem);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadCases(RhmOptions *o)
{
  char list[256] = "all", choices[160] = "", text[320], *save = NULL;

  PetscFunctionBegin;
  for (int i = 0; i < RHM_CASES; i++)
    snprintf(choices + strlen(choices), sizeof(choices) - strlen(choices), "%s%s", i ? " " : "",
             rhm_case_names[i]);
  snprintf(text, sizeof(text), "who reads what noise: some of %s; all: the right ones that fit the noise",
           choices);
  PetscCall(OptString("-rhm_cases", text, list, sizeof(list), NULL));
  o->ncases    = 0;
  o->all_cases = !strcmp(list, "all") ? PETSC_TRUE : PETSC_FALSE;
  for (char *word = o->all_cases ? NULL : strtok_r(list, ", ", &save); word;
       word       = strtok_r(NULL, ", ", &save)) {
    int i = 0;

    while (rhm_case_names[i] && strcmp(rhm_case_names[i], word) != 0) i++;
    AdCheckInput(i < RHM_CASES, "-rhm_cases: expected all, or some of %s with commas between them; got '%s'",
                 choices, word);
    for (int k = 0; k < o->ncases; k++)
      AdCheckInput((int)o->which[k] != i, "-rhm_cases: '%s' is there twice", word);
    o->which[o->ncases++] = (RhmCase)i;
  }
  AdCheckInput(o->all_cases || o->ncases, "-rhm_cases: expected all, or some of %s", choices);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTimes(RhmOptions *o)
{
  PetscFunctionBegin;
  o->nt = 0;
  PetscCall(OptRealList("-rhm_sigmas", "rising values of the clock, in place of times", RANGE_POSITIVE,
                        RHM_TIMES, o->t, &o->nt, NULL));
  o->sigmas = o->nt ? PETSC_TRUE : PETSC_FALSE;
  if (!o->sigmas) {
    for (; o->nt < 40; o->nt++) o->t[o->nt] = pow(10, (o->nt - 39) / 19.5);
    PetscCall(OptRealList("-rhm_times", "rising times of the noised leaves; 0.01:1:40:log unless given",
                          RANGE_POSITIVE, RHM_TIMES, o->t, &o->nt, NULL));
  }
  for (PetscInt i = 1; i < o->nt; i++)
    AdCheckInput(o->t[i] > o->t[i - 1], "%s: expected rising values, got %g after %g",
                 o->sigmas ? "-rhm_sigmas" : "-rhm_times", o->t[i], o->t[i - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadExperiment(RhmOptions *o, PetscBool all)
{
  PetscFunctionBegin;
  if (!o->grammar_file[0] || all)
    PetscCall(OptInt("-rhm_grammars", "random grammars of each size", RANGE(1, 1e6), &o->grammars, NULL));
  PetscCall(
      OptInt("-rhm_trials", "trees of each grammar, best a multiple of 8", RANGE(1, 1e6), &o->trials, NULL));
  PetscCall(
      OptInt("-rhm_population",
             "messages in each of 8 populations whose evolution predicts the transition; 0: no prediction, "
             "-1: 2048, or fewer where those would take long",
             RANGE(-1, RHM_MAX_POPULATION), &o->population, NULL));
  PetscCall(ReadTimes(o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which of its three jobs the command does follows from what is given; then only the keys of that job are read */
static PetscErrorCode ReadMode(RhmOptions *o)
{
  PetscFunctionBegin;
  PetscCall(OptString("-rhm_grammar",
                      "file with rules /grammar/level_<l>[v][m][s], l = 1..L, in place of random ones",
                      o->grammar_file, sizeof(o->grammar_file), NULL));
  PetscCall(OptString("-rhm_leaves",
                      "file with noised leaves /leaves/state[n][s^L][v][b], x first: write the marginals of "
                      "all nodes of their trees, and nothing else",
                      o->leaves_file, sizeof(o->leaves_file), NULL));
  if (!o->leaves_file[0])
    PetscCall(OptInt("-rhm_draw", "write a grammar and so many trees with noised leaves, and nothing else",
                     RANGE(1, 1e6), &o->draw, NULL));
  o->mode = o->leaves_file[0] ? RHM_POSTERIOR : o->draw ? RHM_DRAW : RHM_EXPERIMENT;
  AdCheckInput(o->mode != RHM_POSTERIOR || o->grammar_file[0],
               "-rhm_leaves: leaves need the rules of their trees; give -rhm_grammar");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  RhmReadOptions - all -rhm_ keys

  Input:  all  of help: the keys of all jobs
  Note:   RhmFreeOptions frees
*/
PetscErrorCode RhmReadOptions(PetscBool all, RhmOptions *o)
{
  PetscBool set = PETSC_FALSE;

  PetscFunctionBegin;
  *o = (RhmOptions){.grammars = 16, .trials = 16, .population = -1, .time = NAN, .memory = 8};
  PetscCall(ReadMode(o));
  if (!o->grammar_file[0] || all) PetscCall(ReadSizes(o));
  if (o->mode == RHM_EXPERIMENT) PetscCall(ReadExperiment(o, all));
  if (o->mode != RHM_DRAW) PetscCall(ReadCases(o));
  if (o->mode != RHM_EXPERIMENT || all) {
    o->time = 0;
    PetscCall(OptReal("-rhm_time", "time of given or drawn leaves; that of the file of leaves unless given",
                      RANGE_POSITIVE, &o->time, &set));
    if (!set) o->time = NAN;
  }
  PetscCall(OptReal("-rhm_memory", "GiB that a rank may use", RANGE_POSITIVE, &o->memory, NULL));
  AdCheckInput(o->mode != RHM_DRAW || set, "-rhm_draw: at which time? give -rhm_time");
  AdCheckInput(o->mode != RHM_DRAW || o->grammar_file[0] || o->nsizes == 1,
               "-rhm_draw: one size only; -rhm_levels, -rhm_children, -rhm_symbols and -rhm_rules are lists");
  AdCheckInput(o->mode != RHM_POSTERIOR || o->all_cases || (o->ncases == 1 && rhm_reads_process(o->which[0])),
               "-rhm_cases: leaves of a file are read in one way: joint, x_alone or printed");
  if (o->mode == RHM_POSTERIOR && o->all_cases) {
    o->ncases   = 1;
    o->which[0] = RHM_JOINT;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmFreeOptions(RhmOptions *o)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(o->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RhmRunDeclareOptions(void)
{
  RhmOptions o;

  PetscFunctionBegin;
  PetscCall(RhmReadOptions(PETSC_TRUE, &o));
  PetscCall(RhmFreeOptions(&o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmCheckMemory - refuse what needs more than -rhm_memory; the same verdict on all ranks, whose needs may differ */
PetscErrorCode RhmCheckMemory(const RhmOptions *o, double bytes, const char *what)
{
  const double GiB = 1073741824.0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  AdCheckInput(bytes <= o->memory * GiB,
               "-rhm_memory: %s takes %.3g GiB a rank, more than %g; take smaller sizes or fewer trees, or "
               "allow more",
               what, bytes / GiB, o->memory);
  PetscFunctionReturn(PETSC_SUCCESS);
}
