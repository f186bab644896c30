#include "private/imagesimpl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_LENGTH 10 /* of a pixel, with a comma, where there are few enough for all names to be written */

/* ---- options ---- */

static PetscErrorCode CheckOptions(const Images *s)
{
  PetscFunctionBegin;
  AdCheckInput(s->nrange == 2 && s->range[0] < s->range[1],
               "-dataset_range: expected two numbers, for black and for white, the first one smaller");
  for (PetscInt k = 0; k < s->nclasses; k++)
    AdCheckInput(s->classes[k] == floor(s->classes[k]), "-dataset_classes: expected whole numbers, got %g",
                 s->classes[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Files given by hand go before a preset; each way reads its own keys. */
static PetscErrorCode DatasetSetFromOptions_Images(Dataset dataset)
{
  Images   *s = (Images *)dataset->data;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(OptString("-dataset_file", DATASET_FILE_TEXT, s->file, sizeof(s->file), &given));
  if (given || dataset->every_key) {
    PetscCall(OptString("-dataset_label_file",
                        "list of IDX files with the labels of the pictures, one for each file of pictures",
                        s->label_file, sizeof(s->label_file), NULL));
    PetscCall(SplitSetFromOptions(&s->split));
  }
  if (!given || dataset->every_key) {
    PetscCall(DatasetReadPreset(dataset, &s->preset));
    PetscCall(OptString("-dataset_folder",
                        "where the files of a preset of pictures are; its own one in the cache folder, which "
                        "the environment variable ADIFF_DATA names (data), unless given",
                        s->folder, sizeof(s->folder), NULL));
  }
  PetscCall(OptRealList("-dataset_range", "what black and white of a picture become", RANGE_ANY, 2, s->range,
                        &s->nrange, NULL));
  PetscCall(OptRealList("-dataset_classes", "take only pictures with these labels", RANGE(0, CLASSES - 1),
                        CLASSES, s->classes, &s->nclasses, NULL));
  PetscCall(OptInt("-dataset_side", "shrink square pictures to this side by averaging blocks; 0: as they are",
                   RANGE(0, MAX_PIXELS), &s->side, NULL));
  PetscCall(CheckOptions(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- set-up ---- */

static PetscErrorCode ChooseFactor(Images *s)
{
  const PictureShape *p = &s->shape;

  PetscFunctionBegin;
  s->factor = 1;
  if (!s->side) PetscFunctionReturn(PETSC_SUCCESS);
  AdCheckInput(p->height == p->width && p->width % s->side == 0,
               "-dataset_side: pictures of %d x %d cannot be shrunk to %d x %d in whole blocks; give a "
               "divisor of the side of a square",
               p->height, p->width, (int)s->side, (int)s->side);
  s->factor = p->width / (int)s->side;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names y0x0, y0x1, ..., those of colours with r, g, b before them; x1, x2, ... where all names are too long to be written. */
static void name_pixels(const PictureShape *shape, Coordinates *c)
{
  static const char *const colours[] = {"r", "g", "b"};
  char(*name)[32]                    = c->name;

  if (c->d > NAMES_SIZE / NAME_LENGTH) return;
  for (int k = 0; k < shape->channels; k++)
    for (int y = 0; y < shape->height; y++)
      for (int x = 0; x < shape->width; x++, name++)
        snprintf(*name, sizeof(*name), "%sy%dx%d", shape->channels == 3 ? colours[k] : "", y, x);
}

/*
  Mean and variance of every pixel over the training rows, and how many there are of each class

  Sums of bytes and of their squares are whole numbers, so they are exact and the same on any number of ranks.
*/
static PetscErrorCode FindMoments(Dataset dataset)
{
  Images       *s      = (Images *)dataset->data;
  Coordinates  *c      = &dataset->coordinates;
  const size_t  pixels = (size_t)s->shape.channels * (size_t)s->shape.height * (size_t)s->shape.width;
  const int64_t rows   = dataset->size[SPLIT_TRAIN];
  int64_t       first, n, *sum, *square;
  double       *x, total = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc3(c->d, &sum, c->d, &square, c->d, &x));
  PetscCall(AdSplitRows(rows, 1, &first, &n));
  for (int64_t r = first; r < first + n; r++) {
    const int64_t row = split_row(&s->split, SPLIT_TRAIN, r);

    picture_values(&s->shape, s->factor, 1, 0, s->pixel + (size_t)row * pixels, x);
    for (int i = 0; i < c->d; i++) {
      const int64_t v = (int64_t)x[i];

      sum[i] += v;
      square[i] += v * v;
    }
    s->count[s->label[row]]++;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, c->d, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, square, c->d, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->count, CLASSES, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  for (int i = 0; i < c->d; i++) {
    const long double N = rows, S = sum[i], Q = square[i];

    c->mean[i]     = s->low + s->weight * (double)(S / N);
    c->variance[i] = s->weight * s->weight * (double)((N * Q - S * S) / (N * N));
    total += c->variance[i];
  }
  PetscCall(PetscFree3(sum, square, x));
  AdCheckInput(total > 0, "%s: all training pictures are the same; there is nothing to learn from them",
               dataset->label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpCoordinates(Images *s, Coordinates *c)
{
  const PictureShape shape = {s->shape.channels, s->shape.height / s->factor, s->shape.width / s->factor};

  PetscFunctionBegin;
  PetscCall(CoordinatesAllocate(shape.channels * shape.height * shape.width, c));
  name_pixels(&shape, c);
  s->low    = s->range[0];
  s->weight = (s->range[1] - s->range[0]) / (255.0 * s->factor * s->factor);
  for (int i = 0; i < c->d; i++) {
    c->scale[i] = 255 / (s->range[1] - s->range[0]);
    c->shift[i] = -s->range[0] * c->scale[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadFiles(Images *s)
{
  PetscFunctionBegin;
  if (s->file[0])
    PetscCall(ImagesListFiles(s->file, s->label_file, &s->list));
  else
    PetscCall(ImagesListPreset(s->preset->name, s->folder, &s->list));
  PetscCall(ImagesLoad(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void write_label(Dataset dataset)
{
  const Images *s    = (const Images *)dataset->data;
  const size_t  size = sizeof(dataset->label);
  size_t        at;

  at = (size_t)snprintf(dataset->label, size, "%.60s",
                        s->preset ? s->preset->name : file_of_path(s->list.entry[0].picture));
  if (s->factor > 1) at += (size_t)snprintf(dataset->label + at, size - at, " side %d", (int)s->side);
  for (PetscInt k = 0; k < s->nclasses && at < size - 12; k++)
    at += (size_t)snprintf(dataset->label + at, size - at, "%s%d", k ? "," : " classes ", (int)s->classes[k]);
}

static PetscErrorCode DatasetSetUp_Images(Dataset dataset)
{
  Images *s = (Images *)dataset->data;

  PetscFunctionBegin;
  PetscCall(LoadFiles(s));
  PetscCall(ChooseFactor(s));
  write_label(dataset);
  if (s->preset)
    PetscCall(SplitSetUpTwo(s->train, s->N - s->train, &s->split));
  else
    PetscCall(SplitSetUp(s->N, &s->split));
  split_sizes(&s->split, dataset->size);
  AdCheckInput(dataset->size[SPLIT_TRAIN], "%s: no training pictures are of the classes asked for",
               dataset->label);
  PetscCall(SetUpCoordinates(s, &dataset->coordinates));
  PetscCall(FindMoments(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- operations ---- */

static PetscErrorCode DatasetGetRows_Images(Dataset dataset, DatasetSplit split, int64_t n,
                                            const int64_t *index, double *x, int *label)
{
  const Images *s      = (const Images *)dataset->data;
  const int     d      = dataset->coordinates.d;
  const size_t  pixels = (size_t)d * (size_t)(s->factor * s->factor);

  PetscFunctionBegin;
  for (int64_t r = 0; r < n; r++) {
    const int64_t row = split_row(&s->split, split, index[r]);

    picture_values(&s->shape, s->factor, s->weight, s->low, s->pixel + (size_t)row * pixels, x + r * d);
    if (label) label[r] = s->labelled ? s->label[row] : -1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Training pictures of each class; a line of eight. */
static PetscErrorCode PrintClasses(const Images *s)
{
  int shown = 0;

  PetscFunctionBegin;
  for (int k = 0; k < CLASSES; k++)
    if (s->count[k]) {
      if (shown % 8 == 0)
        PetscCall(AdPrint("%s          %s", shown ? "\n" : "", shown ? "       " : "classes"));
      PetscCall(AdPrint(" %d: %lld", k, (long long)s->count[k]));
      shown++;
    }
  PetscCall(AdPrint("\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetPrintSummary_Images(Dataset dataset)
{
  const Images      *s    = (const Images *)dataset->data;
  const Coordinates *c    = &dataset->coordinates;
  int                vary = 0;
  double             mean = 0;

  PetscFunctionBegin;
  for (int i = 0; i < c->d; i++) {
    vary += c->variance[i] > 0;
    mean += c->mean[i] / c->d;
  }
  PetscCall(AdPrint("          %s pictures of %d x %d", s->shape.channels == 3 ? "colour" : "grey",
                    s->shape.height, s->shape.width));
  if (s->factor > 1) PetscCall(AdPrint(" shrunk to %d x %d", (int)s->side, (int)s->side));
  PetscCall(AdPrint(", bytes 0 to 255 scaled to [%g, %g]; %d of %d numbers vary, their mean %.4g\n",
                    s->range[0], s->range[1], vary, c->d, mean));
  if (!s->preset)
    PetscCall(AdPrint("          the last %g of each of %d stretches held out\n", s->split.test_fraction,
                      s->split.stretches));
  if (s->labelled) PetscCall(PrintClasses(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetWrite_Images(Dataset dataset, Output out)
{
  const Images *s = (const Images *)dataset->data;
  char          shape[64];

  PetscFunctionBegin;
  snprintf(shape, sizeof(shape), "%d,%d,%d", s->shape.channels, s->shape.height / s->factor,
           s->shape.width / s->factor);
  PetscCall(OutputAttrString(out, "/dataset", "file", s->list.entry[0].picture));
  PetscCall(OutputAttrString(out, "/dataset", "image_shape", shape));
  PetscCall(OutputAttrReal(out, "/dataset", "range", 2, s->range));
  if (!s->preset) PetscCall(SplitWrite(&s->split, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_Images(Dataset dataset)
{
  Images *s = (Images *)dataset->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(s->list.entry));
  PetscCall(SplitDestroy(&s->split));
  PetscCall(SharedArrayDestroy(&s->rows));
  PetscCall(PetscFree(dataset->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetCreate_Images - pictures of IDX or CIFAR-10 files, as bytes once a node in shared memory. */
PetscErrorCode DatasetCreate_Images(Dataset dataset)
{
  Images *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->range[0]                  = -1;
  s->range[1]                  = 1;
  s->nrange                    = 2;
  dataset->data                = s;
  dataset->ops->setfromoptions = DatasetSetFromOptions_Images;
  dataset->ops->setup          = DatasetSetUp_Images;
  dataset->ops->getrows        = DatasetGetRows_Images;
  dataset->ops->printsummary   = DatasetPrintSummary_Images;
  dataset->ops->write          = DatasetWrite_Images;
  dataset->ops->destroy        = DatasetDestroy_Images;
  PetscFunctionReturn(PETSC_SUCCESS);
}
