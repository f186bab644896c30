#include "private/datasetimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* CoordinatesAllocate - d columns that are diffused as they are: names x1 .. xd, shift 0, scale 1, mean 0, variance 1. */
PetscErrorCode CoordinatesAllocate(int d, Coordinates *c)
{
  PetscFunctionBegin;
  c->d = d;
  PetscCall(PetscCalloc3(d, &c->name, d, &c->shift, d, &c->scale));
  PetscCall(PetscCalloc4(d, &c->period, d, &c->cut, d, &c->mean, d, &c->variance));
  for (int i = 0; i < d; i++) {
    snprintf(c->name[i], sizeof(c->name[i]), "x%d", i + 1);
    c->scale[i] = c->variance[i] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CoordinatesCopy - allocate a copy. */
PetscErrorCode CoordinatesCopy(const Coordinates *from, Coordinates *to)
{
  PetscFunctionBegin;
  PetscCall(CoordinatesAllocate(from->d, to));
  PetscCall(PetscArraycpy(to->name, from->name, from->d));
  PetscCall(PetscArraycpy(to->shift, from->shift, from->d));
  PetscCall(PetscArraycpy(to->scale, from->scale, from->d));
  PetscCall(PetscArraycpy(to->period, from->period, from->d));
  PetscCall(PetscArraycpy(to->cut, from->cut, from->d));
  PetscCall(PetscArraycpy(to->mean, from->mean, from->d));
  PetscCall(PetscArraycpy(to->variance, from->variance, from->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CoordinatesFree(Coordinates *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(c->name, c->shift, c->scale));
  PetscCall(PetscFree4(c->period, c->cut, c->mean, c->variance));
  c->d = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CoordinatesJoinNames - the names with commas between them; caller frees. */
PetscErrorCode CoordinatesJoinNames(const Coordinates *c, char **text)
{
  size_t at = 0, size = (size_t)c->d * sizeof(*c->name) + 1;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, text));
  for (int i = 0; i < c->d; i++)
    at += (size_t)snprintf(*text + at, size - at, "%s%s", i ? "," : "", c->name[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The arrays of /coordinates. Their order is that of the file and of no importance.
*/
static int list_arrays(const Coordinates *c, const char **name, double **array, DataInfo *info)
{
  const DataInfo texts[] = {
      {"coordinate", "raw", "x = (unwrapped raw - shift)/scale"},
      {"coordinate", "raw", "x = (unwrapped raw - shift)/scale"},
      {"coordinate", "raw", "length of a full turn; 0: not periodic"},
      {"coordinate", "raw", "a periodic column is unwrapped into [cut, cut + period)"},
      {"coordinate", "1", "mean of the (training) data after standardising"},
      {"coordinate", "1", "variance of the (training) data after standardising"},
  };
  const char *const names[]  = {"/coordinates/shift", "/coordinates/scale", "/coordinates/period",
                                "/coordinates/cut",   "/coordinates/mean",  "/coordinates/variance"};
  double *const     arrays[] = {c->shift, c->scale, c->period, c->cut, c->mean, c->variance};

  memcpy(name, names, sizeof(names));
  memcpy(array, arrays, sizeof(arrays));
  if (info) memcpy(info, texts, sizeof(texts));
  return 6;
}

/*
  CoordinatesWriteNames - the names as attribute `columns` of an object

  Note: left out where they are too long for an attribute; a reader takes x1, x2, ... then
*/
PetscErrorCode CoordinatesWriteNames(const Coordinates *c, Output out, const char *object)
{
  char *names;

  PetscFunctionBegin;
  PetscCall(CoordinatesJoinNames(c, &names));
  if (strlen(names) < NAMES_SIZE) PetscCall(OutputAttrString(out, object, "columns", names));
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CoordinatesWrite - group /coordinates: the arrays [d], and the names as an attribute `columns`

  Note: does nothing where the group is there already: the data set and the score of a file have the same coordinates
*/
PetscErrorCode CoordinatesWrite(const Coordinates *c, Output out)
{
  const int64_t d = c->d;
  const char   *name[6];
  double       *array[6];
  DataInfo      info[6];
  const int     arrays = list_arrays(c, name, array, info);
  PetscBool     written;

  PetscFunctionBegin;
  PetscCall(OutputHas(out, "/coordinates", &written));
  if (written) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < arrays; k++) PetscCall(OutputWrite(out, name[k], AD_DOUBLE, 1, &d, array[k], &info[k]));
  PetscCall(CoordinatesWriteNames(c, out, "/coordinates"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CoordinatesRead - what CoordinatesWrite wrote; allocates c

  Errors: AD_ERR_INPUT when arrays are missing, of different lengths, or hold values that make no sense
*/
PetscErrorCode CoordinatesRead(Input in, Coordinates *c)
{
  int64_t     d, found_d;
  const char *name[6];
  double     *array[6];
  char       *names;
  PetscBool   found, good = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(InputGetDims(in, "/coordinates/shift", 1, &d));
  PetscCall(CoordinatesAllocate((int)d, c));
  for (int k = 0, arrays = list_arrays(c, name, array, NULL); k < arrays; k++) {
    PetscCall(InputGetDims(in, name[k], 1, &found_d));
    AdCheckInput(found_d == d, "%s: expected %d entries, found %d; the file was changed, make it again",
                 name[k], (int)d, (int)found_d);
    PetscCall(InputRead(in, name[k], AD_DOUBLE, array[k]));
    for (int i = 0; i < d; i++)
      if (!isfinite(array[k][i])) good = PETSC_FALSE;
  }
  for (int i = 0; i < d; i++)
    if (!(c->scale[i] > 0 && c->period[i] >= 0 && c->variance[i] >= 0)) good = PETSC_FALSE;
  AdCheckInput(
      good,
      "/coordinates: expected finite numbers, scale > 0, period and variance >= 0; make the file again");
  PetscCall(PetscCalloc1(NAMES_SIZE, &names));
  PetscCall(InputAttrString(in, "/coordinates", "columns", NAMES_SIZE, names, &found));
  if (found) split_names(names, ',', (int)d, c->name);
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int split_names(const char *text, char separator, int max, char (*name)[32])
{
  int n = 0;

  for (const char *at = text; at && *text; n++) {
    const char *next = strchr(at, separator), *end = next ? next : at + strlen(at);
    const char *remark = memchr(at, '(', (size_t)(end - at));

    if (remark && remark > at) end = remark;
    while (at < end && strchr(" \t", *at)) at++;
    while (end > at && strchr(" \t", end[-1])) end--;
    if (n < max) {
      snprintf(name[n], sizeof(name[n]), "%.*s", (int)(end - at), at);
      for (char *comma = strchr(name[n], ','); comma; comma = strchr(comma, ',')) *comma = '_';
    }
    at = next ? next + 1 : NULL;
  }
  return n;
}

/* x moved by whole periods into [low, low + period), whatever the rounding. */
static double wrap_into(double x, double low, double period)
{
  const double y = x - period * floor((x - low) / period);

  return y >= low && y < low + period ? y : low;
}

/*
  coordinates_standardise - raw columns to diffused ones, in place

  In/out: x[n][d]
*/
void coordinates_standardise(const Coordinates *c, int64_t n, double *x)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < c->d; i++) {
      double *const v = x + r * c->d + i;
      const double  u = c->period[i] > 0 ? wrap_into(*v, c->cut[i], c->period[i]) : *v;

      *v = (u - c->shift[i]) / c->scale[i];
    }
}

/*
  coordinates_restore - diffused columns to raw ones, in place; periodic ones come out in [-period/2, period/2)

  In/out: x[n][d]
*/
void coordinates_restore(const Coordinates *c, int64_t n, double *x)
{
  for (int64_t r = 0; r < n; r++)
    for (int i = 0; i < c->d; i++) {
      double *const v = x + r * c->d + i;
      const double  u = *v * c->scale[i] + c->shift[i];

      *v = c->period[i] > 0 ? wrap_into(u, -c->period[i] / 2, c->period[i]) : u;
    }
}

void circle_count(double x, double period, int64_t bin[CIRCLE_BINS])
{
  const int k = (int)floor((wrap_into(x, -period / 2, period) / period + 0.5) * CIRCLE_BINS);

  bin[k < CIRCLE_BINS ? k : CIRCLE_BINS - 1]++;
}

double circle_cut(const int64_t bin[CIRCLE_BINS], double period)
{
  int64_t smooth[CIRCLE_BINS], least = INT64_MAX;
  int     best = 0, best_length = 0;
  double  cut;

  for (int k = 0; k < CIRCLE_BINS; k++) {
    smooth[k] = bin[(k + CIRCLE_BINS - 1) % CIRCLE_BINS] + bin[k] + bin[(k + 1) % CIRCLE_BINS];
    if (smooth[k] < least) least = smooth[k];
  }
  for (int k = 0; k < CIRCLE_BINS; k++) {
    int length = 0;

    while (length < CIRCLE_BINS && smooth[(k + length) % CIRCLE_BINS] == least) length++;
    if (length > best_length) {
      best        = k;
      best_length = length;
    }
  }
  cut = ((best + 0.5 * best_length) / CIRCLE_BINS - 0.5) * period;
  return cut >= 0 ? cut - period : cut;
}

/*
  CoordinatesCheckSame - refuse data that are not diffused in the units of the data that a score knows

  Input: what  key or command that brought the two together, for the message
*/
PetscErrorCode CoordinatesCheckSame(const char *what, const Coordinates *data, const Coordinates *known)
{
  PetscBool same = PETSC_TRUE;

  PetscFunctionBegin;
  AdCheckInput(data->d == known->d, "%s: the data set has %d columns, the weights were trained on %d", what,
               data->d, known->d);
  for (int i = 0; i < data->d; i++)
    if (fabs(data->shift[i] - known->shift[i]) > 1e-9 * fabs(known->scale[i]) ||
        fabs(data->scale[i] - known->scale[i]) > 1e-9 * fabs(known->scale[i]))
      same = PETSC_FALSE;
  AdCheckInput(
      same, "%s: the data set is shifted or scaled otherwise than the one the weights were trained on", what);
  PetscFunctionReturn(PETSC_SUCCESS);
}
