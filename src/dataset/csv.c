#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rank 0 parses; a message that is not empty says what is wrong, and all ranks hear of it. */
#define COMPLAIN(p, ...) snprintf((p)->message, sizeof((p)->message), __VA_ARGS__)
typedef struct {
  CsvTable *table;
  int64_t   line, room; /* number of the line at hand, from 1; rows that value has room for */
  char      separator;
  char      message[256];
} Parser;

static char *trim(char *text, const char *what)
{
  char *end;

  text += strspn(text, what);
  end = text + strlen(text);
  while (end > text && strchr(what, end[-1])) *--end = 0;
  return text;
}

/* The next cell of a line, without blanks and quotes around it; NULL at the end. Cuts the line up. */
static char *next_cell(char **rest, char separator)
{
  char *cell = *rest, *end;

  if (!cell) return NULL;
  if (separator == ' ') cell += strspn(cell, " \t");
  end   = cell + strcspn(cell, separator == ' ' ? " \t" : (char[2]){separator, 0});
  *rest = *end ? end + 1 : NULL;
  if (separator == ' ' && *rest && !(*rest)[strspn(*rest, " \t")]) *rest = NULL;
  *end = 0;
  return trim(trim(cell, " \t"), "\"");
}

static PetscBool is_number(const char *cell, double *value)
{
  char *end;

  *value = strtod(cell, &end);
  return end > cell && !*end && isfinite(*value) ? PETSC_TRUE : PETSC_FALSE;
}

static char find_separator(const char *line)
{
  for (const char *s = ";,\t"; *s; s++)
    if (strchr(line, *s)) return *s;
  return ' ';
}

/* The first line fixes separator and number of columns; it is a line of names if no cell of it is a number. */
static PetscErrorCode ReadFirstLine(Parser *p, const char *line, PetscBool *names)
{
  CsvTable *t       = p->table;
  int       numbers = 0, k = 0;
  double    value;
  char     *copy, *rest;

  PetscFunctionBegin;
  p->separator = find_separator(line);
  PetscCall(PetscStrallocpy(line, &copy));
  rest = copy;
  for (char *cell = next_cell(&rest, p->separator); cell; cell = next_cell(&rest, p->separator)) {
    t->columns++;
    numbers += is_number(cell, &value) ? 1 : 0;
  }
  PetscCall(PetscFree(copy));
  *names = numbers ? PETSC_FALSE : PETSC_TRUE;
  PetscCall(PetscCalloc1(t->columns, &t->name));
  if (!*names) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrallocpy(line, &copy));
  rest = copy;
  for (char *cell = next_cell(&rest, p->separator); cell; cell = next_cell(&rest, p->separator))
    split_names(cell, '\n', 1, &t->name[k++]);
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRow(Parser *p, char *line)
{
  CsvTable *t    = p->table;
  int       k    = 0;
  char     *rest = line;
  double    value;

  PetscFunctionBegin;
  if (t->rows == p->room) {
    p->room = 2 * p->room + 1024;
    PetscCall(PetscRealloc(sizeof(double) * (size_t)(p->room * t->columns), &t->value));
  }
  for (char *cell = next_cell(&rest, p->separator); cell; cell = next_cell(&rest, p->separator), k++) {
    if (k >= t->columns) continue;
    if (!is_number(cell, &value) && !p->message[0])
      COMPLAIN(p, "line %lld: expected a finite number, found '%.40s'", (long long)p->line, cell);
    t->value[t->rows * t->columns + k] = value;
  }
  if (k != t->columns && !p->message[0])
    COMPLAIN(p, "line %lld: expected %d cells as in the first line, found %d", (long long)p->line, t->columns,
             k);
  t->rows++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A byte that no text holds: the file is of another kind. */
static PetscBool is_text(const char *line, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)line[i] < 32 && !strchr("\t\r\n\f", line[i])) return PETSC_FALSE;
  return memchr(line, 0, length) ? PETSC_FALSE : PETSC_TRUE;
}

static PetscErrorCode ReadLines(Parser *p, FILE *file)
{
  char   *line = NULL, *text;
  size_t  size = 0;
  ssize_t length;

  PetscFunctionBegin;
  while (!p->message[0] && (length = getline(&line, &size, file)) >= 0) {
    PetscBool names = PETSC_FALSE;

    p->line++;
    if (!is_text(line, (size_t)length)) {
      COMPLAIN(p, "line %lld: this is no text file", (long long)p->line);
      break;
    }
    text = line + (p->line == 1 && !strncmp(line, "\xef\xbb\xbf", 3) ? 3 : 0); /* byte-order mark */
    text[strcspn(text, "\r\n")] = 0;
    if (!text[strspn(text, " \t\f")] || text[strspn(text, " \t\f")] == '#') continue;
    if (!p->table->columns) PetscCall(ReadFirstLine(p, text, &names));
    if (!names) PetscCall(ReadRow(p, text));
  }
  free(line);
  if (!p->message[0] && ferror(file)) COMPLAIN(p, "reading failed after line %lld", (long long)p->line);
  if (!p->message[0] && !p->table->rows) COMPLAIN(p, "no line of numbers in it");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CsvRead - read a table of numbers from a text file

  Input:  option  the key that named the file, for messages
  Output: table   sizes and names on all ranks, values on rank 0
  Errors: AD_ERR_INPUT naming file and line: unreadable, no text, a cell that is no finite number, lines of unequal length
*/
PetscErrorCode CsvRead(const char *option, const char *path, CsvTable *table)
{
  Parser  p = {.table = table};
  int     rank;
  int64_t sizes[2];

  PetscFunctionBegin;
  PetscCall(AdCheckReadable(option, path));
  PetscCall(PetscMemzero(table, sizeof(*table)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    FILE *file = fopen(path, "r");

    if (file)
      PetscCall(ReadLines(&p, file));
    else
      COMPLAIN(&p, "cannot be opened");
    if (file) fclose(file);
  }
  PetscCallMPI(MPI_Bcast(p.message, sizeof(p.message), MPI_CHAR, 0, PETSC_COMM_WORLD));
  if (p.message[0]) PetscCall(CsvFree(table));
  AdCheckInput(!p.message[0], "%s: '%s' %s", option, path, p.message);
  sizes[0] = table->rows;
  sizes[1] = table->columns;
  PetscCallMPI(MPI_Bcast(sizes, 2, MPI_INT64_T, 0, PETSC_COMM_WORLD));
  table->rows    = sizes[0];
  table->columns = (int)sizes[1];
  if (rank) PetscCall(PetscCalloc1(table->columns, &table->name));
  PetscCallMPI(
      MPI_Bcast(table->name, table->columns * (int)sizeof(*table->name), MPI_CHAR, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CsvFree(CsvTable *table)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(table->name));
  PetscCall(PetscFree(table->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}
