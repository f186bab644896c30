/*
  What a comparison says, in words and tables
*/
#include "private/compareimpl.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 24, PHRASE = 256, LINE = 2048 };

/* ---- lines ---- */

/* TextAdd - one more line, printf-like. */
PetscErrorCode TextAdd(TextLines *text, const char *format, ...)
{
  char    line[LINE];
  va_list arguments;

  PetscFunctionBegin;
  va_start(arguments, format);
  vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (text->n == text->room) {
    text->room = text->room ? 2 * text->room : 64;
    PetscCall(PetscRealloc((size_t)text->room * sizeof(*text->line), &text->line));
  }
  PetscCall(PetscStrallocpy(line, &text->line[text->n++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TextFree(TextLines *text)
{
  PetscFunctionBegin;
  for (int i = 0; i < text->n; i++) PetscCall(PetscFree(text->line[i]));
  PetscCall(PetscFree(text->line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Append to a text of limited size. */
static void append(size_t size, char *text, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void append(size_t size, char *text, const char *format, ...)
{
  const size_t at = strlen(text);
  va_list      arguments;

  va_start(arguments, format);
  if (at < size) vsnprintf(text + at, size - at, format, arguments);
  va_end(arguments);
}

/* ---- names ---- */

/* "em", "em denoise" */
static void scheme_phrase(const CompareCell *cell, size_t size, char *text)
{
  snprintf(text, size, "%s", compare_scheme_names[cell->scheme]);
  if (cell->last != COMPARE_NONE) append(size, text, " %s", compare_last_names[cell->last]);
}

static int same_scheme(const CompareCell *a, const CompareCell *b)
{
  return a->scheme == b->scheme && a->last == b->last;
}

/* "equal t grid, exact score, sw2" */
static void family_phrase(const Compare *c, const CompareCell *cell, int metric, size_t size, char *text)
{
  char score[64];

  compare_score_label(&c->request.score[cell->score], sizeof(score), score);
  snprintf(text, size, "%s, %s score, %s", compare_way_texts[cell->way], score, c->column[metric]->name);
}

/* Cells of one way and score: begin .. end - 1 */
static int block_end(const ComparePlan *plan, int begin)
{
  int end = begin;

  while (end < plan->ncells && plan->cell[end].way == plan->cell[begin].way &&
         plan->cell[end].score == plan->cell[begin].score)
    end++;
  return end;
}

/* The way whose cells these are, where all noises are the same in an earlier one; else -1 */
static int repeated_way(const Compare *c, int begin)
{
  const CompareCell *cell = &c->plan.cell[begin];

  for (int i = 0; i < c->request.nnoises; i++)
    if (cell[i].same_as == cell[i].way || cell[i].same_as != cell[0].same_as) return -1;
  return cell[0].same_as;
}

static void estimate(const Compare *c, int cell, int metric, char text[CELL])
{
  const size_t at = (size_t)cell * (size_t)c->nm + (size_t)metric;

  if (isnan(c->mean[at]))
    snprintf(text, CELL, "diverged");
  else
    format_estimate(c->mean[at], c->err[at], CELL, text);
}

/* ---- table ---- */

static PetscErrorCode TableHead(const Compare *c, int begin, int end, int width, TextLines *text)
{
  const ComparePlan *plan = &c->plan;
  char               line[LINE], phrase[PHRASE], cell[PHRASE + 16];

  PetscFunctionBegin;
  snprintf(line, sizeof(line), "  %-*s", width, "");
  for (int group = begin; group < end; group += c->request.nnoises) {
    scheme_phrase(&plan->cell[group], sizeof(phrase), phrase);
    snprintf(cell, sizeof(cell), "%s %d", phrase, plan->cell[group].steps);
    append(sizeof(line), line, "  %14s", cell);
  }
  PetscCall(TextAdd(text, "%s", line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TableOf(const Compare *c, int begin, int end, int metric, TextLines *text)
{
  const CompareRequest *r = &c->request;
  char                  phrase[PHRASE], cell[CELL], line[LINE];
  int                   width = 5;

  PetscFunctionBegin;
  for (int i = 0; i < r->nnoises; i++) width = PetscMax(width, (int)strlen(r->noise[i].label));
  family_phrase(c, &c->plan.cell[begin], metric, sizeof(phrase), phrase);
  PetscCall(TextAdd(text, "%s", phrase));
  PetscCall(TableHead(c, begin, end, width, text));
  for (int i = 0; i < r->nnoises; i++) {
    snprintf(line, sizeof(line), "  %-*s", width, r->noise[i].label);
    for (int group = begin; group < end; group += r->nnoises) {
      estimate(c, group + i, metric, cell);
      append(sizeof(line), line, "  %14s", cell);
    }
    PetscCall(TextAdd(text, "%s", line));
  }
  if (!isnan(c->floor[metric])) {
    format_estimate(c->floor[metric], c->floor_err[metric], CELL, cell);
    PetscCall(TextAdd(text, "  %-*s  %14s", width, "floor", cell));
  }
  PetscCall(TextAdd(text, "%s", ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareTables - mean and standard error over the seeds, one table for each way and score, by one metric. */
PetscErrorCode CompareTables(const Compare *c, int metric, TextLines *text)
{
  PetscFunctionBegin;
  for (int begin = 0, end; begin < c->plan.ncells; begin = end) {
    end = block_end(&c->plan, begin);
    if (repeated_way(c, begin) < 0) PetscCall(TableOf(c, begin, end, metric, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- verdicts ---- */

static void p_phrase(double p, size_t size, char *text)
{
  if (p < 1e-6)
    snprintf(text, size, "p < 1e-6");
  else
    snprintf(text, size, "p = %.2g", p);
}

static PetscErrorCode SayBetter(const Compare *c, const ComparePair *pair, TextLines *text)
{
  const CompareCell *cell = &c->plan.cell[pair->cell[0]];
  const int          good = pair->better, bad = 1 - good;
  char               scheme[PHRASE], value[2][CELL], p[32];

  PetscFunctionBegin;
  scheme_phrase(cell, sizeof(scheme), scheme);
  for (int s = 0; s < 2; s++) estimate(c, pair->cell[s], pair->metric, value[s]);
  p_phrase(pair->adjusted, sizeof(p), p);
  PetscCall(
      TextAdd(text, "  %s, %d steps: %s is better than %s: %s %s against %s, by %.3g +- %.2g (95 %%), %s",
              scheme, cell->steps, c->request.noise[c->plan.cell[pair->cell[good]].noise].label,
              c->request.noise[c->plan.cell[pair->cell[bad]].noise].label, c->column[pair->metric]->name,
              value[good], value[bad], fabs(pair->test.difference), pair->half, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pair of noises in all settings of a family */
static int same_noises(const Compare *c, const ComparePair *a, const ComparePair *b)
{
  return c->plan.cell[a->cell[0]].noise == c->plan.cell[b->cell[0]].noise &&
         c->plan.cell[a->cell[1]].noise == c->plan.cell[b->cell[1]].noise;
}

/* The settings of the pair that were (undecided) or were not tested (diverged): "em 10, 20 steps; ddim 10 steps" */
static void settings_phrase(const Compare *c, int n, const ComparePair *pair, const ComparePair *of,
                            int tested, size_t size, char *text)
{
  const CompareCell *before = NULL;

  text[0] = 0;
  for (int k = 0; k < n; k++) {
    const CompareCell *cell = &c->plan.cell[pair[k].cell[0]];
    char               scheme[PHRASE];

    if (!same_noises(c, &pair[k], of) || pair[k].better >= 0 || isnan(pair[k].test.p) == tested) continue;
    scheme_phrase(cell, sizeof(scheme), scheme);
    if (before && same_scheme(before, cell))
      append(size, text, ", %d", cell->steps);
    else
      append(size, text, "%s%s %d", before ? "; " : "", scheme, cell->steps);
    before = cell;
  }
}

static PetscErrorCode SayNoDifference(const Compare *c, int n, const ComparePair *pair, const ComparePair *of,
                                      TextLines *text)
{
  const char *one = c->request.noise[c->plan.cell[of->cell[0]].noise].label;
  const char *two = c->request.noise[c->plan.cell[of->cell[1]].noise].label;
  char        settings[PHRASE];
  double      bound = 0;
  int         count = 0;

  PetscFunctionBegin;
  for (int k = 0; k < n; k++)
    if (same_noises(c, &pair[k], of) && pair[k].better < 0 && !isnan(pair[k].test.p)) {
      bound = fmax(bound, fabs(pair[k].test.difference) + pair[k].half_all);
      count++;
    }
  settings_phrase(c, n, pair, of, 1, sizeof(settings), settings);
  if (count)
    PetscCall(TextAdd(text, "  no difference between %s and %s above %.2g (95 %%) in %s steps", one, two,
                      bound, settings));
  settings_phrase(c, n, pair, of, 0, sizeof(settings), settings);
  if (settings[0])
    PetscCall(TextAdd(text, "  %s or %s diverged: no verdict in %s steps", one, two, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VerdictsOf(const Compare *c, int n, const ComparePair *pair, TextLines *text)
{
  const CompareCell *cell     = &c->plan.cell[pair[0].cell[0]];
  const int          per_cell = c->request.nnoises * (c->request.nnoises - 1) / 2;
  const int          as       = repeated_way(c, pair[0].cell[0] - cell->noise);
  char               phrase[PHRASE];
  int                tests = 0;

  PetscFunctionBegin;
  family_phrase(c, cell, pair[0].metric, sizeof(phrase), phrase);
  for (int k = 0; k < n; k++) tests += !isnan(pair[k].test.p);
  if (as >= 0) {
    PetscCall(TextAdd(text, "%s: all noises are what they are at %s, and so is the verdict", phrase,
                      compare_way_texts[as]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TextAdd(text, "%s: %d comparisons", phrase, tests));
  for (int of = 0; of < per_cell; of++) {
    for (int k = of; k < n; k += per_cell)
      if (pair[k].better >= 0) PetscCall(SayBetter(c, &pair[k], text));
    PetscCall(SayNoDifference(c, n, pair, &pair[of], text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareVerdicts - what differs and what does not, for each way and score, by one metric. */
PetscErrorCode CompareVerdicts(const Compare *c, int metric, TextLines *text)
{
  PetscFunctionBegin;
  for (int begin = 0, end; begin < c->npairs; begin = end) {
    for (end = begin; end < c->npairs && c->pair[end].family == c->pair[begin].family;) end++;
    if (c->pair[begin].metric == metric) PetscCall(VerdictsOf(c, end - begin, c->pair + begin, text));
  }
  PetscCall(TextAdd(text, "%s", ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}
