/*
  The experiment's results: file and table
*/
#include "private/rhmimpl.h"
#include <stdio.h>
#include <string.h>

static PetscErrorCode WriteSizes(const RhmStudy *study, PetscInt n, const Grammar *size, Output out)
{
  static const char *const names[4] = {"levels", "children", "symbols", "rules"};
  static const char *const texts[4] = {"L: levels above the leaves", "s: children of a node", "v: symbols",
                                       "m: rules of a symbol at every level"};
  const int64_t            rows     = n;
  int64_t                 *value;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &value));
  for (int k = 0; k < 4; k++) {
    const DataInfo info = {"size", "1", texts[k]};
    char           path[64];

    for (PetscInt i = 0; i < n; i++) {
      const int numbers[4] = {size[i].L, size[i].s, size[i].v, size[i].m};
      value[i]             = numbers[k];
    }
    snprintf(path, sizeof(path), "/rhm/%s", names[k]);
    PetscCall(OutputWrite(out, path, AD_INT64, 1, &rows, value, &info));
  }
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Times of all noises, and the noise-to-signal ratio that every case's reader faces */
static PetscErrorCode WriteTimes(const RhmStudy *study, Output out)
{
  const RhmOptions *o       = study->o;
  const int64_t     dims[3] = {study->grid.n, o->ncases, o->nt}, short_dims[2] = {study->grid.n, o->nt};
  const DataInfo    times  = {"process,time", "time", "times of the noised leaves"};
  const DataInfo    clocks = {"process,case,time", "1",
                              "sigma2: noise-to-signal ratio of z, of x alone, of the passive noise"};
  const DataInfo    cases  = {"case", "1", "who reads what noise"};
  const char       *names[RHM_CASES];
  double           *sigma2;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(dims[0] * dims[1] * dims[2], &sigma2));
  for (int64_t i = 0; i < dims[0] * dims[1] * dims[2]; i++) sigma2[i] = study->law[i].sigma2;
  for (PetscInt c = 0; c < o->ncases; c++) names[c] = rhm_case_names[o->which[c]];
  PetscCall(OutputWrite(out, "/rhm/time", AD_DOUBLE, 2, short_dims, study->time, &times));
  PetscCall(OutputWrite(out, "/rhm/sigma2", AD_DOUBLE, 3, dims, sigma2, &clocks));
  PetscCall(OutputWriteStrings(out, "/rhm/case", o->ncases, names, &cases));
  PetscCall(PetscFree(sigma2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteCurves(const RhmStudy *study, const int64_t *dims, Output out)
{
  static const char *const names[RHM_QUANTITIES] = {"accuracy", "confidence", "belief", "log_loss", "excess"};
  static const char *const texts[RHM_QUANTITIES] = {
      "share of nodes whose most probable symbol is the true one; level 0: leaves",
      "mean probability of the most probable symbol", "mean probability of the true symbol",
      "mean of -log of the probability of the true symbol",
      "accuracy minus confidence: zero for a calibrated posterior"};
  const DataInfo error = {"size,process,case,time,level", "1",
                          "standard error over grammars (of one grammar: over blocks of 8 trees)"};

  PetscFunctionBegin;
  for (int q = 0; q < RHM_QUANTITIES; q++) {
    const DataInfo info = {"size,process,case,time,level", q == RHM_LOG_LOSS ? "nats" : "1", texts[q]};
    char           path[64];

    snprintf(path, sizeof(path), "/rhm/%s", names[q]);
    PetscCall(OutputWrite(out, path, AD_DOUBLE, 5, dims, study->value[q], &info));
    snprintf(path, sizeof(path), "/rhm/%s_stderr", names[q]);
    PetscCall(OutputWrite(out, path, AD_DOUBLE, 5, dims, study->err[q], &error));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteVerdicts(const RhmStudy *study, const int64_t *dims, Output out)
{
  const int64_t  by_level[4] = {dims[0], dims[1], dims[2], dims[4]};
  const DataInfo t50         = {"size,process,case", "time",
                                "time at which root accuracy falls to 1/2, between the times of the grid too"},
                 s50         = {"size,process,case", "1", "sigma2 at which root accuracy falls to 1/2"},
                 error       = {"size,process,case", "1", "standard error, jackknife over grammars"},
                 t           = {"size,process,case,level", "1",
                                "accuracy - confidence, mean over times, in its standard errors; nan: not judged"},
                 p           = {"size,process,case,level", "1", "two-sided p of it, Student"},
                 lost = {"size,process,case", "1", "messages and marginals below 2.2e-308, made uniform"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/rhm/t50", AD_DOUBLE, 3, dims, study->half[0], &t50));
  PetscCall(OutputWrite(out, "/rhm/t50_stderr", AD_DOUBLE, 3, dims, study->half_err[0], &error));
  PetscCall(OutputWrite(out, "/rhm/sigma2_50", AD_DOUBLE, 3, dims, study->half[1], &s50));
  PetscCall(OutputWrite(out, "/rhm/sigma2_50_stderr", AD_DOUBLE, 3, dims, study->half_err[1], &error));
  PetscCall(OutputWrite(out, "/rhm/calibration", AD_DOUBLE, 4, by_level, study->calibration, &t));
  PetscCall(OutputWrite(out, "/rhm/calibration_p", AD_DOUBLE, 4, by_level, study->chance, &p));
  PetscCall(OutputWrite(out, "/rhm/floored", AD_DOUBLE, 3, dims, study->floored, &lost));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmWriteStudy - group /rhm. Levels above the root of a smaller size are NaN. */
PetscErrorCode RhmWriteStudy(const RhmStudy *study, Output out)
{
  const RhmOptions *o       = study->o;
  const PetscInt    nsizes  = study->settings / study->grid.n;
  const int64_t     dims[5] = {nsizes, study->grid.n, o->ncases, o->nt, study->levels};

  PetscFunctionBegin;
  PetscCall(WriteSizes(study, nsizes, study->child ? &study->given : o->size, out));
  PetscCall(ProcessGridWrite(&study->grid, "/rhm", out));
  PetscCall(WriteTimes(study, out));
  PetscCall(WriteCurves(study, dims, out));
  PetscCall(WriteVerdicts(study, dims, out));
  if (study->prediction) PetscCall(RhmPredictionWrite((int)nsizes, study->prediction, out));
  PetscCall(OutputAttrInt(out, "/rhm", "grammars", study->child ? 1 : o->grammars));
  PetscCall(OutputAttrInt(out, "/rhm", "trials", o->trials));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The level at which a case is furthest from calibrated, or -1 where none was judged */
static int worst_level(const RhmStudy *study, PetscInt row)
{
  int worst = -1;

  for (int l = 0; l < study->levels; l++) {
    const double p = study->chance[row * study->levels + l];

    if (!isnan(p) && (worst < 0 || p < study->chance[row * study->levels + worst])) worst = l;
  }
  return worst;
}

static PetscErrorCode PrintHalf(double half, double err)
{
  PetscFunctionBegin;
  if (isnan(half))
    PetscCall(AdPrint("  %-17s", "not on this grid"));
  else
    PetscCall(AdPrint("  %-8.4g(%-7.2g)", half, err));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintRow(const RhmStudy *study, PetscInt row)
{
  const int worst = worst_level(study, row);

  PetscFunctionBegin;
  PetscCall(AdPrint("          %-12s", rhm_case_names[study->o->which[row % study->o->ncases]]));
  PetscCall(PrintHalf(study->half[0][row], study->half_err[0][row]));
  PetscCall(PrintHalf(study->half[1][row], study->half_err[1][row]));
  if (worst < 0)
    PetscCall(AdPrint("  not judged"));
  else
    PetscCall(AdPrint("  %+.1f at level %d", study->calibration[row * study->levels + worst], worst));
  if (study->floored[row] > 0) PetscCall(AdPrint("  floored %.0f", study->floored[row]));
  PetscCall(AdPrint("\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A right posterior must be calibrated: one in a thousand runs may say otherwise, whatever the number of its tests (Bonferroni) */
static PetscErrorCode WarnUncalibrated(const RhmStudy *study)
{
  const PetscInt rows  = study->settings * study->o->ncases;
  double         tests = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < rows * study->levels; i++)
    if (!isnan(study->chance[i]) && rhm_is_right(study->o->which[i / study->levels % study->o->ncases]))
      tests++;
  for (PetscInt row = 0; row < rows; row++) {
    const RhmCase which = study->o->which[row % study->o->ncases];
    const int     worst = worst_level(study, row);

    if (worst >= 0 && rhm_is_right(which) && study->chance[row * study->levels + worst] * tests < 1e-3)
      PetscCall(
          AdWarning("case %s is not calibrated: at level %d accuracy - confidence is %.1f standard errors; "
                    "please report this, with the command\n",
                    rhm_case_names[which], worst, study->calibration[row * study->levels + worst]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* RhmPrintStudy - where half of the roots are lost, and whether posteriors are calibrated. */
PetscErrorCode RhmPrintStudy(const RhmStudy *study)
{
  const RhmOptions *o = study->o;
  const char       *label;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < study->settings; k++) {
    const Grammar *g = study->child ? &study->given : &o->size[k / study->grid.n];

    PetscCall(ProcessGetLabel(study->grid.process[k % study->grid.n], &label));
    PetscCall(AdPrint("L %d s %d v %d m %d, %s\n          %-12s  %-17s  %-17s  %s\n", g->L, g->s, g->v, g->m,
                      label, "case", "t_50", "sigma2_50", "accuracy - confidence, standard errors"));
    for (PetscInt c = 0; c < o->ncases; c++) PetscCall(PrintRow(study, k * o->ncases + c));
    if (study->prediction) PetscCall(RhmPredictionPrint(&study->prediction[k / study->grid.n]));
  }
  PetscCall(WarnUncalibrated(study));
  PetscFunctionReturn(PETSC_SUCCESS);
}
