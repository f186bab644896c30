#include "private/datasetimpl.h"
#include <stdio.h>
#include <string.h>

static PetscClassId DATASET_CLASSID;

#define DATASET_TYPE_TEXT "where rows come from; unless given, what the preset or the file is"

enum { TYPE_MIXTURE, TYPE_SWISSROLL, TYPE_QUARTIC, TYPE_ISING, TYPE_FILE, TYPE_IMAGES };
static const char *const type_names[] = {"mixture", "swissroll", "quartic", "ising", "file", "images", NULL};
static PetscErrorCode (*const type_create[])(Dataset) = {DatasetCreate_Mixture, DatasetCreate_SwissRoll,
                                                         DatasetCreate_Quartic, DatasetCreate_Ising,
                                                         DatasetCreate_File,    DatasetCreate_Images};

const char *file_of_path(const char *path)
{
  const char *slash = strrchr(path, '/');

  return slash ? slash + 1 : path;
}

/* DatasetCreate - an empty data set; SetFromOptions and SetUp make it usable. */
PetscErrorCode DatasetCreate(Dataset *dataset)
{
  Dataset s;

  PetscFunctionBegin;
  if (!DATASET_CLASSID) PetscCall(PetscClassIdRegister("Dataset", &DATASET_CLASSID));
  PetscCall(PetscHeaderCreate(s, DATASET_CLASSID, "Dataset", "Data to learn", "Dataset", PETSC_COMM_WORLD,
                              DatasetDestroy, NULL));
  *dataset = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetSetSeed - seed of synthetic rows; has no effect on rows from a file. */
PetscErrorCode DatasetSetSeed(Dataset dataset, uint64_t seed)
{
  PetscFunctionBegin;
  dataset->seed = seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetSetType(Dataset dataset, PetscInt type)
{
  PetscFunctionBegin;
  if (dataset->ops->destroy) PetscCall((*dataset->ops->destroy)(dataset));
  PetscCall((*type_create[type])(dataset));
  PetscCall(PetscObjectChangeTypeName((PetscObject)dataset, type_names[type]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- presets ---- */

#define MAX_PRESETS 64

PetscErrorCode DatasetReadPreset(Dataset dataset, const MixturePreset **preset)
{
  const char          *names[MAX_PRESETS + 1] = {NULL}, *type = ((PetscObject)dataset)->type_name;
  PetscInt             index = 0;
  int                  count;
  const MixturePreset *presets = mixture_preset_table(&count);

  PetscFunctionBegin;
  PetscCheck(count <= MAX_PRESETS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "more than %d presets", MAX_PRESETS);
  for (int i = 0; i < count; i++) names[i] = presets[i].name;
  while (strcmp(presets[index].type, type)) index++;
  PetscCall(OptChoice("-dataset_preset", "toy data of the figures, or a known set of pictures", names, &index,
                      NULL));
  *preset = &presets[index];
  AdCheckInput(!strcmp((*preset)->type, type),
               "-dataset_preset: %s is of -dataset_type %s, not %s; leave -dataset_type out", names[index],
               (*preset)->type, type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void label_append(Dataset dataset, const char *name, double value, double usual)
{
  char *const  label = dataset->label;
  const size_t size = sizeof(dataset->label), at = strlen(label);

  if (!at)
    snprintf(label, size, "%s", name);
  else if (value != usual)
    snprintf(label + at, size - at, " %s %g", name, value);
}

/* ---- options ---- */

/* Pictures are known by their first bytes; a text file, or an HDF5 file without a group /mixture, holds rows. */
static PetscErrorCode TypeOfFile(const char *path, PetscInt *type)
{
  Input     in;
  PetscBool mixture = PETSC_FALSE, pictures;

  PetscFunctionBegin;
  PetscCall(ImagesProbe(path, &pictures));
  if (pictures) {
    *type = TYPE_IMAGES;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!table_is_text(path)) {
    PetscCall(InputOpen("-dataset_file", path, &in));
    PetscCall(InputHas(in, "/mixture", &mixture));
    PetscCall(InputClose(&in));
  }
  *type = mixture ? TYPE_MIXTURE : TYPE_FILE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without -dataset_type the other keys tell: means and then a file go before a preset, which types that read it check. */
static PetscErrorCode FindType(PetscInt *type)
{
  char                 text[PETSC_MAX_PATH_LEN];
  const MixturePreset *preset;
  PetscBool            means, found;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-dataset_means", &means));
  if (means) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsGetString(NULL, NULL, "-dataset_file", text, sizeof(text), &found));
  if (found) {
    PetscCall(TypeOfFile(text, type));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscOptionsGetString(NULL, NULL, "-dataset_preset", text, sizeof(text), &found));
  preset = found ? mixture_preset(text) : NULL;
  for (PetscInt k = 0; preset && type_names[k]; k++)
    if (!strcmp(preset->type, type_names[k])) *type = k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetSetFromOptions - read -dataset_type and the keys of the type; without a type these tell which it is. */
PetscErrorCode DatasetSetFromOptions(Dataset dataset)
{
  PetscInt  type = TYPE_MIXTURE;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-dataset_type", &given));
  if (!given) PetscCall(FindType(&type));
  PetscCall(OptChoice("-dataset_type", DATASET_TYPE_TEXT, type_names, &type, NULL));
  PetscCall(DatasetSetType(dataset, type));
  PetscCall((*dataset->ops->setfromoptions)(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetDeclareOptions - note the keys of all types and of all their variants (for help and the check of misspelt keys). */
PetscErrorCode DatasetDeclareOptions(void)
{
  PetscInt first = 0;

  PetscFunctionBegin;
  PetscCall(OptChoice("-dataset_type", DATASET_TYPE_TEXT, type_names, &first, NULL));
  for (PetscInt type = 0; type_names[type]; type++) {
    Dataset s;

    PetscCall(DatasetCreate(&s));
    s->every_key = PETSC_TRUE;
    PetscCall(DatasetSetType(s, type));
    PetscCall((*s->ops->setfromoptions)(s));
    PetscCall(DatasetDestroy(&s));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetSetUp - read or make what the rows come from, find the coordinates and the split into training and test rows

  Errors: AD_ERR_INPUT naming option, file and row when the data cannot be used
*/
PetscErrorCode DatasetSetUp(Dataset dataset)
{
  PetscFunctionBegin;
  if (dataset->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*dataset->ops->setup)(dataset));
  dataset->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DatasetDestroy(Dataset *dataset)
{
  PetscFunctionBegin;
  if (!*dataset) PetscFunctionReturn(PETSC_SUCCESS);
  if (--((PetscObject)*dataset)->refct > 0) {
    *dataset = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if ((*dataset)->ops->destroy) PetscCall((*(*dataset)->ops->destroy)(*dataset));
  PetscCall(CoordinatesFree(&(*dataset)->coordinates));
  PetscCall(PetscHeaderDestroy(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetGetLabel - what the data are in a few words, for tables and figures. */
PetscErrorCode DatasetGetLabel(Dataset dataset, const char **label)
{
  PetscFunctionBegin;
  *label = dataset->label;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DatasetGetCoordinates(Dataset dataset, const Coordinates **c)
{
  PetscFunctionBegin;
  *c = &dataset->coordinates;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DatasetGetSize(Dataset dataset, DatasetSplit split, int64_t *N)
{
  PetscFunctionBegin;
  *N = dataset->size[split];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetCountRows - how many rows a command takes

  Input:  option  the key that gave the number, for the message
          few     the default where rows have no end
  In/out: N       as given, 0: all rows of the split, or the default
  Errors: AD_ERR_INPUT when the split has fewer rows
*/
PetscErrorCode DatasetCountRows(Dataset dataset, DatasetSplit split, const char *option, int64_t few,
                                int64_t *N)
{
  const int64_t size = dataset->size[split];

  PetscFunctionBegin;
  AdCheckInput(size, "%s: %s has no rows in this split; raise -dataset_test_fraction or take another split",
               option, dataset->label);
  AdCheckInput(size < 0 || *N <= size, "%s: asked for %lld rows, but %s has %lld in this split", option,
               (long long)*N, dataset->label, (long long)size);
  if (!*N) *N = size < 0 ? few : size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetGetRows - rows by their global index within the split

  Not collective. A row does not depend on who asks, in which order, or for which others.

  Input:  split, index[n]  0 <= index < size of the split (any where rows have no end)
  Output: x[n][d]   diffused units
          label[n]  component or class, -1 where there is none; may be NULL
*/
PetscErrorCode DatasetGetRows(Dataset dataset, DatasetSplit split, int64_t n, const int64_t *index, double *x,
                              int *label)
{
  const int64_t size = dataset->size[split];

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++)
    PetscCheck(index[r] >= 0 && (size < 0 || index[r] < size), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "row %lld of %lld", (long long)index[r], (long long)size);
  PetscCall((*dataset->ops->getrows)(dataset, split, n, index, x, label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetGetMixture - the law of the data where it is a Gaussian mixture in diffused units, else NULL. */
PetscErrorCode DatasetGetMixture(Dataset dataset, const MixtureData **mixture)
{
  PetscFunctionBegin;
  *mixture = dataset->mixture;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetGetPeaks - separate clusters of the data in diffused units, else NULL

  For a Gaussian mixture these are its components; a law that is a mixture for computation only (a curve made of many
  narrow components) has none, or has those clusters that a person would see, with three standard deviations as their radius.
*/
PetscErrorCode DatasetGetPeaks(Dataset dataset, const MixtureData **peaks)
{
  PetscFunctionBegin;
  *peaks = dataset->peaks;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetPrintSummary - what a person wants to know before a run. */
PetscErrorCode DatasetPrintSummary(Dataset dataset)
{
  const Coordinates *c     = &dataset->coordinates;
  const int          shown = PetscMin(c->d, 4);

  PetscFunctionBegin;
  PetscCall(AdPrint("data      %s: %d coordinate%s, ", dataset->label, c->d, c->d > 1 ? "s" : ""));
  if (dataset->size[SPLIT_ALL] < 0)
    PetscCall(AdPrint("rows without end\n"));
  else
    PetscCall(AdPrint("%lld rows (%lld train, %lld test)\n", (long long)dataset->size[SPLIT_ALL],
                      (long long)dataset->size[SPLIT_TRAIN], (long long)dataset->size[SPLIT_TEST]));
  if (dataset->ops->printsummary) PetscCall((*dataset->ops->printsummary)(dataset));
  PetscCall(AdPrint("          mean, sd of diffused data:"));
  for (int i = 0; i < shown; i++)
    PetscCall(AdPrint(" %s %.4g, %.4g%s", c->name[i], c->mean[i], PetscSqrtReal(c->variance[i]),
                      i < shown - 1 ? ";" : ""));
  PetscCall(AdPrint("%s\n", shown < c->d ? "; ..." : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  DatasetObserve - print and write what rows of the type are judged by beside what is known of it exactly, if anything

  Collective.

  Input: x[n][d]  this rank's rows first .. first + n of N, raw, shared out in blocks of DATASET_BLOCK
*/
PetscErrorCode DatasetObserve(Dataset dataset, int64_t N, int64_t first, int64_t n, const double *x,
                              Output out)
{
  PetscFunctionBegin;
  if (dataset->ops->observe) PetscCall((*dataset->ops->observe)(dataset, N, first, n, x, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteMixture(const MixtureData *mixture, Output out)
{
  const int64_t  dims[2]  = {mixture->n, mixture->d};
  const DataInfo weight   = {"component", "1", "share of each component"};
  const DataInfo mean     = {"component,coordinate", "raw", "centre of each component"};
  const DataInfo variance = {"component,coordinate", "raw^2",
                             "variance of each component along each coordinate"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/mixture/weights", AD_DOUBLE, 1, dims, mixture->weight, &weight));
  PetscCall(OutputWrite(out, "/mixture/means", AD_DOUBLE, 2, dims, mixture->mean, &mean));
  PetscCall(OutputWrite(out, "/mixture/variances", AD_DOUBLE, 2, dims, mixture->var, &variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetWriteRecord - attributes of /dataset: what the rows are, and the -dataset_ options in effect. */
PetscErrorCode DatasetWriteRecord(Dataset dataset, Output out)
{
  char *options;

  PetscFunctionBegin;
  PetscCall(OptionsText("dataset_", &options));
  if (strlen(options) < NAMES_SIZE) PetscCall(OutputAttrString(out, "/dataset", "options", options));
  PetscCall(PetscFree(options));
  PetscCall(OutputAttrString(out, "/dataset", "type", ((PetscObject)dataset)->type_name));
  PetscCall(OutputAttrString(out, "/dataset", "label", dataset->label));
  PetscCall(OutputAttrInt(out, "/dataset", "d", dataset->coordinates.d));
  PetscCall(OutputAttrInt(out, "/dataset", "rows_train", dataset->size[SPLIT_TRAIN]));
  PetscCall(OutputAttrInt(out, "/dataset", "rows_test", dataset->size[SPLIT_TEST]));
  if (dataset->ops->write) PetscCall((*dataset->ops->write)(dataset, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetCopyRecord - what a result file says of its data, to another one; files that say nothing are left alone. */
PetscErrorCode DatasetCopyRecord(Input in, Output out)
{
  static const char *const texts[]   = {"type",        "label",   "file",       "name",
                                        "standardise", "options", "image_shape"};
  static const char *const numbers[] = {"d", "rows_train", "rows_test", "test_blocks", "stride"};
  char                    *text;
  int64_t                  number;
  PetscBool                found;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(NAMES_SIZE, &text));
  for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
    PetscCall(InputAttrString(in, "/dataset", texts[k], NAMES_SIZE, text, &found));
    if (found) PetscCall(OutputAttrString(out, "/dataset", texts[k], text));
  }
  for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
    PetscCall(InputAttrInt(in, "/dataset", numbers[k], &number, &found));
    if (found) PetscCall(OutputAttrInt(out, "/dataset", numbers[k], number));
  }
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetWrite - attributes of /dataset, group /coordinates, and /mixture where the law is one. */
PetscErrorCode DatasetWrite(Dataset dataset, Output out)
{
  PetscFunctionBegin;
  PetscCall(DatasetWriteRecord(dataset, out));
  PetscCall(CoordinatesWrite(&dataset->coordinates, out));
  if (dataset->mixture) PetscCall(WriteMixture(dataset->mixture, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}
