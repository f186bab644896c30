/*
  The U-turn experiment: options before, table and file after
*/
#include "adlikelihood.h"
#include "aduturn.h"
#include <stdio.h>
#include <string.h>

const char *const uturn_arm_names[UTURN_ARMS + 1] = {"keep", "scramble", "resample", "batch", NULL};

/* ---- options ---- */

/* Words of a list become flags; return: the first word that names no arm, or NULL */
static const char *parse_arms(char *list, PetscBool arm[UTURN_ARMS])
{
  char *save = NULL;

  for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    const PetscBool all   = strcmp(word, "all") == 0 ? PETSC_TRUE : PETSC_FALSE;
    int             known = all;

    for (int a = 0; a < UTURN_ARMS; a++) {
      if (!all && strcmp(word, uturn_arm_names[a]) != 0) continue;
      arm[a] = PETSC_TRUE;
      known  = 1;
    }
    if (!known) return word;
  }
  return NULL;
}

static PetscErrorCode ReadArms(UturnOptions *o)
{
  char        list[256] = "all";
  const char *stranger;

  PetscFunctionBegin;
  PetscCall(OptString("-uturn_arms",
                      "what is done to the auxiliary variables before the turn: keep, scramble (over "
                      "coordinates), resample (given x), batch (those of another sample), or all",
                      list, sizeof(list), NULL));
  stranger = parse_arms(list, o->arm);
  AdCheckInput(!stranger, "-uturn_arms: expected keep, scramble, resample, batch or all, got '%s'", stranger);
  for (int a = 0; a < UTURN_ARMS; a++)
    if (o->arm[a]) PetscFunctionReturn(PETSC_SUCCESS);
  AdCheckInput(PETSC_FALSE, "-uturn_arms: expected keep, scramble, resample, batch or all, got nothing");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* UturnReadOptions - all -uturn_ keys. */
PetscErrorCode UturnReadOptions(UturnOptions *o)
{
  static const double fraction[] = {0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2};
  PetscBool           times, fractions;

  PetscFunctionBegin;
  *o = (UturnOptions){.steps = 100};
  PetscCall(OptInt("-uturn_samples", "samples of the U-turn (clone) experiment; 0: no experiment",
                   RANGE(0, 100000000), &o->samples, NULL));
  PetscCall(OptRealList("-uturn_times", "times of the turn, in place of -uturn_fractions", RANGE_POSITIVE,
                        UTURN_TIMES, o->time, &o->nt, &times));
  if (!times) {
    o->fractions = PETSC_TRUE;
    PetscCall(OptRealList("-uturn_fractions",
                          "times of the turn over the joint speciation time (default 0.6 to 1.2 by tenths)",
                          RANGE_POSITIVE, UTURN_TIMES, o->time, &o->nt, &fractions));
    for (; !fractions && o->nt < (int)(sizeof(fraction) / sizeof(fraction[0])); o->nt++)
      o->time[o->nt] = fraction[o->nt];
  }
  PetscCall(OptInt("-uturn_steps", "ancestral steps of the return", RANGE(2, 1000000), &o->steps, NULL));
  PetscCall(ReadArms(o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- results ---- */

static PetscErrorCode PrintTime(const Uturn *u, PetscInt at)
{
  PetscFunctionBegin;
  for (PetscInt a = 0; a < u->na; a++) {
    const UturnResult *r = &u->result[at * u->na + a];

    if (isnan(r->agreement)) continue;
    PetscCall(AdPrint("  %9.5g %10.4g %-9s %8.4f(%.4f) %8.4f", u->time[at], u->sigma2[at],
                      uturn_arm_names[u->arm[a]], r->agreement, r->agreement_err, r->posterior_agreement));
    if (!isnan(r->theory_agreement)) PetscCall(AdPrint(" %8.4f", r->theory_agreement));
    PetscCall(AdPrint("   %8.4f(%.4f) %8.4f", r->recovery, r->recovery_err, r->posterior_recovery));
    if (!isnan(r->theory_recovery)) PetscCall(AdPrint(" %8.4f", r->theory_recovery));
    PetscCall(AdPrint("\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* UturnPrint - a table a process; clones, then the same from the posterior at the turn, then theory where there is one. */
PetscErrorCode UturnPrint(const Uturn *u, Process *process)
{
  const char    *theory = isnan(u->result[0].theory_agreement) ? "" : "   theory";
  const PetscInt nt = u->options.nt, shown = PetscMin(u->np, 8);

  PetscFunctionBegin;
  for (PetscInt p = 0; p < shown; p++) {
    const char *label;

    PetscCall(ProcessGetLabel(process[p], &label));
    PetscCall(AdPrint("U-turn    %s, %d samples, %d steps\n", label, (int)u->options.samples,
                      (int)u->options.steps));
    PetscCall(AdPrint("  %9s %10s %-9s %16s %8s%s   %16s %8s%s\n", "t", "sigma2", "eta", "clones agree",
                      "expected", theory, "class recovered", "expected", theory));
    for (PetscInt i = 0; i < nt; i++) PetscCall(PrintTime(u, p * nt + i));
  }
  if (shown < u->np) PetscCall(AdPrint("... and %d more processes in the file\n", (int)(u->np - shown)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { MEMBERS = sizeof(UturnResult) / sizeof(double) };

/* Members of UturnResult in their order */
static const struct {
  const char *name, *source;
} columns[MEMBERS] = {
    {"agreement", "share of pairs of clones of one class: mean of sum_c P(c | end 1) P(c | end 2)"},
    {"agreement_stderr", "standard error over samples"},
    {"recovery", "share of clones of the class of x0: mean of P(class | end)"},
    {"recovery_stderr", "standard error over samples"},
    {"posterior_agreement", "sum_c R_c^2, R_c = P(c | X_t), mean over the same X_t"},
    {"posterior_agreement_stderr", "standard error over samples"},
    {"posterior_recovery", "R of the class of x0, mean over the same X_t"},
    {"posterior_recovery_stderr", "standard error over samples"},
    {"excess_agreement", "agreement less posterior_agreement, sample by sample"},
    {"excess_agreement_stderr", "standard error over samples"},
    {"excess_recovery", "recovery less posterior_recovery, sample by sample"},
    {"excess_recovery_stderr", "standard error over samples"},
    {"theory_agreement", "two clusters: phi(R) or its like for the arm, by quadrature; nan: not known"},
    {"theory_recovery", "the same for recovery"},
};

static PetscErrorCode WriteColumns(const Uturn *u, Output out)
{
  const int64_t dims[3] = {u->np, u->options.nt, u->na}, count = dims[0] * dims[1] * dims[2];
  double       *value;
  char          path[64];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, &value));
  for (int k = 0; k < MEMBERS; k++) {
    const DataInfo info = {"process,time,arm", "1", columns[k].source};

    for (int64_t i = 0; i < count; i++) value[i] = ((const double *)&u->result[i])[k];
    snprintf(path, sizeof(path), "/uturn/%s", columns[k].name);
    PetscCall(OutputWrite(out, path, AD_DOUBLE, 3, dims, value, &info));
  }
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* UturnWrite - group /uturn: time, sigma2, x_sigma2 [np][nt], arm[na], and what was measured [np][nt][na]. */
PetscErrorCode UturnWrite(const Uturn *u, Output out)
{
  const int64_t  dims[2] = {u->np, u->options.nt};
  const DataInfo time    = {"process,time", "time", "t of the turn"};
  const DataInfo joint   = {"process,time", "diffused^2", "sigma2 = 1/(u^T Cb^-1 u), noise on x0 in X_t"};
  const DataInfo alone   = {"process,time", "diffused^2", "Cb_xx/u_x^2, noise on x0 in x_t alone"};
  const DataInfo arms    = {"arm", "1", "what is done to the auxiliary variables before the turn"};
  const char    *name[UTURN_ARMS];

  PetscFunctionBegin;
  for (PetscInt a = 0; a < u->na; a++) name[a] = uturn_arm_names[u->arm[a]];
  PetscCall(OutputWrite(out, "/uturn/time", AD_DOUBLE, 2, dims, u->time, &time));
  PetscCall(OutputWrite(out, "/uturn/sigma2", AD_DOUBLE, 2, dims, u->sigma2, &joint));
  PetscCall(OutputWrite(out, "/uturn/x_sigma2", AD_DOUBLE, 2, dims, u->x_sigma2, &alone));
  PetscCall(OutputWriteStrings(out, "/uturn/arm", u->na, name, &arms));
  PetscCall(WriteColumns(u, out));
  PetscCall(OutputAttrInt(out, "/uturn", "samples", u->options.samples));
  PetscCall(OutputAttrInt(out, "/uturn", "steps", u->options.steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}
