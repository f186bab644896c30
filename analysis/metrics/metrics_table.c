/*
  Repetitions of a run become one line: grouping by label, mean and standard error, table on the terminal
*/
#include "private/metricsimpl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 32, PAGE = 150, MAX_UNITS = 64 };

/*
  label_groups - files of one label form a group; groups are numbered as they first appear

  Output: group[n]  of each file; returns the number of groups
*/
int label_groups(int n, const char *const *label, int *group)
{
  int ng = 0;

  for (int i = 0; i < n; i++) {
    int same = 0;

    while (same < i && strcmp(label[same], label[i]) != 0) same++;
    group[i] = same < i ? group[same] : ng++;
  }
  return ng;
}

/*
  group_statistics - mean over the files of each group and its standard error

  Input:  single[n][nm], group[n] from 0 to ng - 1, work[n]
  Output: files[ng]
          mean[ng][nm], err[ng][nm]  err is NaN for a group of one file
*/
void group_statistics(int n, int nm, const double *single, const int *group, int ng, double *work, int *files,
                      double *mean, double *err)
{
  for (int g = 0; g < ng; g++)
    for (int k = 0; k < nm; k++) {
      int R = 0;

      for (int i = 0; i < n; i++)
        if (group[i] == g) work[R++] = single[i * nm + k];
      files[g]         = R;
      mean[g * nm + k] = work[0];
      err[g * nm + k]  = NAN;
      if (R > 1) mean_stderr(R, work, &mean[g * nm + k], &err[g * nm + k]);
    }
}

/* ---- short labels ---- */

/*
  A label is a list of clauses parted by | or commas. A clause with numbers is cut into words, each with its
  number ("tau 0.5", "20 steps"); another is one unit ("last none").
*/
typedef struct {
  const char *text;
  int         length, clause;
} Unit;

static int is_number(const char *text, int length)
{
  char *end;

  strtod(text, &end);
  return length > 0 && end - text == length;
}

static int clause_length(const char *at)
{
  int n = (int)strcspn(at, "|,");

  while (at[n] == ',' && at[n + 1] && at[n + 1] != ' ')
    n += 1 + (int)strcspn(at + n + 1, "|,"); /* as in 0.1,0.2 */
  return n;
}

/* One more word of a clause: a new unit, unless it or the word before it is a number. */
static int add_word(Unit word, int numbers, Unit *unit, int n)
{
  Unit *last = n ? &unit[n - 1] : NULL;

  if (last && last->clause == word.clause &&
      (!numbers || is_number(word.text, word.length) || is_number(last->text, last->length))) {
    last->length = (int)(word.text - last->text) + word.length;
    return n;
  }
  unit[n] = word;
  return n + 1;
}

static int cut_units(const char *label, Unit unit[MAX_UNITS])
{
  int n = 0, clause = 0;

  for (const char *at = label; *at; clause++) {
    const char *end     = at + clause_length(at);
    int         numbers = 0;

    for (int pass = 0; pass < 2; pass++)
      for (const char *word = at + strspn(at, " "); word < end && n < MAX_UNITS; word += strspn(word, " ")) {
        const int length = (int)PetscMin((ptrdiff_t)strcspn(word, " "), end - word);

        if (pass)
          n = add_word((Unit){word, length, clause}, numbers, unit, n);
        else
          numbers |= is_number(word, length);
        word += length;
      }
    at = *end ? end + 1 : end;
  }
  return n;
}

static int same_unit(const Unit *a, const Unit *b)
{
  return a->length == b->length && !memcmp(a->text, b->text, (size_t)a->length);
}

static int holds_unit(const char *label, const Unit *u)
{
  Unit      other[MAX_UNITS];
  const int n = cut_units(label, other);

  for (int k = 0; k < n; k++)
    if (same_unit(&other[k], u)) return 1;
  return 0;
}

static Unit first_unit(const char *label)
{
  Unit unit[MAX_UNITS] = {{label, 0, 0}};

  cut_units(label, unit);
  return unit[0];
}

/* Labels that begin alike (process types, as a rule) are a family. */
enum { OF_ALL, OF_FAMILY, OF_ONE };

/* Who has a unit of label i: all n labels, all of its family of two or more, or only some. */
static int unit_scope(const Unit *u, int i, int n, const char *const *label)
{
  const Unit mine   = first_unit(label[i]);
  int        in_all = n > 1, in_family = 1, relatives = 0;

  for (int j = 0; j < n; j++) {
    const Unit other = first_unit(label[j]);
    const int  has   = holds_unit(label[j], u);

    in_all = in_all && has;
    if (!same_unit(&mine, &other)) continue;
    in_family = in_family && has;
    relatives++;
  }
  return in_all ? OF_ALL : in_family && relatives > 1 && u->text != mine.text ? OF_FAMILY : OF_ONE;
}

/* The units of label i that have this scope, clauses parted by commas. */
static void join_units(int i, int n, const char *const *label, int scope, size_t size, char *text)
{
  Unit      unit[MAX_UNITS];
  const int units  = cut_units(label[i], unit);
  size_t    at     = 0;
  int       clause = -1;

  text[0] = 0;
  for (int u = 0; u < units && at < size; u++) {
    if (unit_scope(&unit[u], i, n, label) != scope) continue;
    at += (size_t)snprintf(text + at, size - at, "%s%.*s",
                           clause < 0                 ? ""
                           : clause == unit[u].clause ? " "
                                                      : ", ",
                           unit[u].length, unit[u].text);
    clause = unit[u].clause;
  }
}

/*
  factor_labels - what labels have in common is said once

  Input:  label[n]
  Output: common[size]  lines "all runs: ..." and, for labels that begin alike, "active: ..."; maybe empty
          own[n]        what each says besides; "-" where nothing is left. As different as the labels are
*/
void factor_labels(int n, const char *const *label, size_t size, char *common, char (*own)[METRICS_LABEL])
{
  char   text[METRICS_LABEL];
  size_t at = 0;

  common[0] = 0;
  if (n) join_units(0, n, label, OF_ALL, sizeof(text), text);
  if (n && text[0]) at = (size_t)snprintf(common, size, "all runs: %s\n", text);
  for (int i = 0; i < n; i++) {
    const Unit mine = first_unit(label[i]);
    int        told = 0;

    join_units(i, n, label, OF_ONE, METRICS_LABEL, own[i]);
    if (!own[i][0]) snprintf(own[i], METRICS_LABEL, "-");
    for (int j = 0; j < i && !told; j++) {
      const Unit other = first_unit(label[j]);

      told = same_unit(&mine, &other);
    }
    join_units(i, n, label, OF_FAMILY, sizeof(text), text);
    if (!told && text[0] && at < size)
      at += (size_t)snprintf(common + at, size - at, "%.*s: %s\n", mine.length, mine.text, text);
  }
}

/* ---- numbers ---- */

/*
  format_estimate - 0.0213(5): the error in units of the last digit, two digits of it if it begins with 1

  Input:  value, err  NaN: a dash; no error in brackets
*/
void format_estimate(double value, double err, size_t size, char *text)
{
  const int power  = err > 0 && isfinite(err) ? (int)floor(log10(err)) : 0;
  const int places = (err * pow(10, -power) < 1.95 ? 1 : 0) - power;

  if (isnan(value))
    snprintf(text, size, "-");
  else if (!(err > 0) || isinf(err) || places > 8)
    snprintf(text, size, "%.4g", value);
  else if (places <= 0)
    snprintf(text, size, "%.0f(%.0f)", value, err);
  else
    snprintf(text, size, "%.*f(%.0f)", places, value, err * pow(10, places));
}

/* ---- table ---- */

static int any_number(int nm, const double *value)
{
  for (int k = 0; k < nm; k++)
    if (!isnan(value[k])) return 1;
  return 0;
}

/* The text of columns begin..end-1 of a line */
static void print_cells(int begin, int end, const int *width, const char (*cell)[CELL], size_t size,
                        char *text)
{
  size_t at = 0;

  text[0] = 0;
  for (int k = begin; k < end && at < size; k++)
    at += (size_t)snprintf(text + at, size - at, "  %*s", width[k], cell[k]);
}

/* Cells of all lines, the names of the columns first: cell[nlines + 1][nm], width[nm] */
static void fill_cells(int nm, const MetricColumn *const *column, int nlines, const MetricsLine *line,
                       char (*cell)[CELL], int *width)
{
  for (int k = 0; k < nm; k++) {
    snprintf(cell[k], CELL, "%s", column[k]->name);
    for (int r = 0; r < nlines; r++)
      format_estimate(line[r].value[k], line[r].err ? line[r].err[k] : NAN, CELL, cell[(r + 1) * nm + k]);
    width[k] = 0;
    for (int r = 0; r <= nlines; r++) width[k] = PetscMax(width[k], (int)strlen(cell[r * nm + k]));
  }
}

/* How many columns from `begin` on fit beside labels of the given width; at least one */
static int page_end(int begin, int nm, const int *width, int label)
{
  int room = PAGE - 7 - label, end = begin;

  while (end < nm && (end == begin || room >= width[end] + 2)) room -= width[end++] + 2;
  return end;
}

/* Columns begin..end-1 of the table; a label wider than `widest` stands on a line of its own. */
static PetscErrorCode PrintPage(int nm, int begin, int end, const int *width, const char (*cell)[CELL],
                                int widest, int nlines, const MetricsLine *line)
{
  char text[METRICS_MAX * CELL], count[16];

  PetscFunctionBegin;
  print_cells(begin, end, width, cell, sizeof(text), text);
  PetscCall(AdPrint("%-*s  files%s\n", widest, "run", text));
  for (int r = 0; r < nlines; r++) {
    if (!any_number(end - begin, line[r].value + begin)) continue;
    print_cells(begin, end, width, cell + (size_t)(r + 1) * nm, sizeof(text), text);
    snprintf(count, sizeof(count), line[r].files ? "%d" : "", line[r].files);
    if ((int)strlen(line[r].label) > widest)
      PetscCall(AdPrint("%s\n%-*s", line[r].label, widest, ""));
    else
      PetscCall(AdPrint("%-*s", widest, line[r].label));
    PetscCall(AdPrint("  %5s%s\n", count, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { LABEL_ROOM = 60 }; /* of a line, for labels where the columns need several pages */

/*
  MetricsPrintTable - a line for each group of files and each standard, aligned, within 150 columns

  A label that leaves no room for its numbers stands on a line of its own; columns that do not fit side by side go below.
*/
PetscErrorCode MetricsPrintTable(int nm, const MetricColumn *const *column, int nlines,
                                 const MetricsLine *line)
{
  int width[METRICS_MAX], room = PAGE - 7, widest = 5, end;
  char(*cell)[CELL];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((nlines + 1) * nm, &cell));
  fill_cells(nm, column, nlines, line, cell, width);
  for (int k = 0; k < nm; k++) room -= width[k] + 2;
  for (int r = 0; r < nlines; r++) widest = PetscMax(widest, (int)strlen(line[r].label));
  widest = PetscMin(widest, room >= 24 ? room : LABEL_ROOM);
  for (int begin = 0; begin < nm; begin = end) {
    end = page_end(begin, nm, width, widest);
    PetscCall(PrintPage(nm, begin, end, width, (const char(*)[CELL])cell, widest, nlines, line));
  }
  PetscCall(PetscFree(cell));
  PetscFunctionReturn(PETSC_SUCCESS);
}
