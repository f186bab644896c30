/*
  Options of adiff metrics
*/
#include "private/metricsimpl.h"
#include "adcommand.h"
#include <stdio.h>

enum { HELP = 8192 }; /* bytes of the text that lists all metrics */

static PetscErrorCode ReadWindow(const char *key, const char *text, double window[2])
{
  PetscReal given[2];
  PetscInt  n = 0;
  PetscBool set;

  PetscFunctionBegin;
  PetscCall(OptRealList(key, text, RANGE_ANY, 2, given, &n, &set));
  AdCheckInput(!set || (n == 2 && given[0] < given[1]), "%s: expected lo,hi with lo < hi", key);
  if (set) PetscCall(PetscArraycpy(window, given, 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadInt(const char *key, const char *text, double lo, double hi, int *value)
{
  PetscInt number = *value;

  PetscFunctionBegin;
  PetscCall(OptInt(key, text, RANGE(lo, hi), &number, NULL));
  *value = (int)number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bins and windows of histograms and kernel densities */
static PetscErrorCode ReadBins(MetricsSettings *s)
{
  PetscFunctionBegin;
  PetscCall(
      ReadInt("-metrics_js_bins", "bins an axis of js and of the histograms written", 2, 500, &s->bins));
  PetscCall(ReadInt("-metrics_bins", "bins an axis of kl, 0: 120 on a line, 64 in the plane", 0, 2000,
                    &s->kl_bins));
  PetscCall(ReadWindow("-metrics_window", "lo,hi of the bins of kl on every axis; from the law unless given",
                       s->window));
  PetscCall(OptReal("-metrics_kde_bandwidth",
                    "deviation of the kernels of kde_kl and kde_bc, units of the data", RANGE_POSITIVE,
                    &s->kde_bandwidth, NULL));
  PetscCall(ReadInt("-metrics_kde_grid", "points an axis of their grid", 2, 5000, &s->kde_grid));
  PetscCall(ReadWindow("-metrics_kde_window",
                       "lo,hi of their grid on every axis; the range of both sets unless given",
                       s->kde_window));
  PetscCall(OptReal("-metrics_kde_cut",
                    "leave out samples so many interquartile ranges beyond the quartiles; 0: none",
                    RANGE_NONNEGATIVE, &s->kde_cut, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSettings(MetricsSettings *s)
{
  PetscFunctionBegin;
  PetscCall(ReadInt("-metrics_directions", "projections of sw2", 1, 1e5, &s->directions));
  PetscCall(ReadBins(s));
  PetscCall(OptReal("-metrics_mmd_width", "width h of the kernel of mmd; 0: median distance of the reference",
                    RANGE_NONNEGATIVE, &s->mmd_width, NULL));
  PetscCall(ReadInt("-metrics_kid_subsets", "random subsets of kid", 1, 1e5, &s->kid_subsets));
  PetscCall(ReadInt("-metrics_kid_size", "rows of each, at most", 2, 1e5, &s->kid_size));
  PetscCall(ReadInt("-metrics_neighbours",
                    "which neighbour gives the radius of a ball for precision ... coverage", 1, 1000,
                    &s->neighbours));
  PetscCall(ReadInt("-metrics_jackknife",
                    "stretches of a single file left out in turn for standard errors, 0: none", 0, 1000,
                    &s->jackknife));
  PetscCall(OptBool("-metrics_basins", "take the first two columns for phi and psi", &s->basins, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsReadChoices - all keys of the command but those that belong to a data set. */
PetscErrorCode MetricsReadChoices(Choices *c)
{
  char *names, *text;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->floors = 4;
  PetscCall(PetscMalloc2(HELP, &names, HELP, &text));
  PetscCall(MetricsDescribe(HELP, names));
  snprintf(text, HELP,
           "names with commas between them, or all; unless given those up to pop_alphaL that apply, w1_mean "
           "and w1_max "
           "from three columns on%s\n     ",
           names);
  c->settings = metrics_defaults;
  PetscCall(OptString("-metrics_list", text, c->list, sizeof(c->list), NULL));
  PetscCall(OptString("-metrics_reference",
                      "file of rows to compare with, in place of a data set; without either the last file",
                      c->reference, sizeof(c->reference), NULL));
  PetscCall(OptString(
      "-metrics_set",
      "dataset [N][d] of the HDF5 files that have it; else /samples/state, or the only one with two axes",
      c->set, sizeof(c->set), NULL));
  PetscCall(OptInt("-metrics_floor_sets", "pairs of independent sets behind the noise floor, 0: none",
                   RANGE(0, 1000), &c->floors, NULL));
  PetscCall(ReadSettings(&c->settings));
  c->settings.list = c->list;
  PetscCall(PetscFree2(names, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MetricsReadAmount - how much of a data set to take: no use with a reference file. */
PetscErrorCode MetricsReadAmount(Choices *c)
{
  PetscFunctionBegin;
  PetscCall(OptInt("-metrics_reference_samples", "reference rows; 0: all test rows of a file, 10000 of a law",
                   RANGE_NONNEGATIVE, &c->rows, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MetricsRunDeclareOptions(void)
{
  Choices c;

  PetscFunctionBegin;
  PetscCall(MetricsReadChoices(&c));
  PetscCall(MetricsReadAmount(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
