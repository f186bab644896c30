#ifndef AD_IMAGESIMPL_H
#define AD_IMAGESIMPL_H
#include "private/datasetimpl.h"

/* ---- kernels: what bytes of a file mean, and numbers of pictures ---- */

#define RECORD_SIDE  32
#define RECORD_BYTES 3073 /* CIFAR-10: a label, then 32 x 32 bytes of each colour */
#define MAX_PIXELS   65536
#define CLASSES      256 /* labels are bytes */

typedef struct {
  int channels, height, width; /* a picture is [channels][height][width] bytes */
} PictureShape;

typedef enum { FILE_PICTURES, FILE_LABELS, FILE_RECORDS } ImagesKind;

/* Items of equal size that lie one after the other: pictures, labels, or records of a label and a picture */
typedef struct {
  ImagesKind     kind;
  PictureShape   shape; /* of the pictures */
  int64_t        n;
  size_t         stride; /* bytes of an item */
  const uint8_t *item;   /* the first one, inside the bytes that were parsed */
} ImagesFile;

/*
  images_parse - find out what the bytes of a file are

  IDX (big-endian): the number 0x00000803, count, height, width, then the bytes of the pictures row by row; or 0x00000801,
  count, then labels. CIFAR-10: records without any header. A file that could be both is IDX only if its size is the one
  that the header promises.

  Output: file     kind, sizes, and where the items begin
          problem  what is wrong with it, to be read behind the name of the file
  Return: nonzero when there is a problem
*/
int images_parse(size_t size, const uint8_t *bytes, ImagesFile *file, size_t room, char *problem);

/*
  images_look_like - whether a file that begins with these bytes (and is of this size) is to be read as pictures
*/
int images_look_like(int64_t size, const uint8_t head[4]);

/*
  picture_values - a picture as numbers, each low + weight times the sum of the bytes of a block of factor x factor pixels

  Input:  shape, factor  which divides height and width
          pixel[channels][height][width]
  Output: x[channels][height/factor][width/factor]
*/
void picture_values(const PictureShape *shape, int factor, double weight, double low,
                    const uint8_t *restrict pixel, double *restrict x);

/* ---- which files ---- */

typedef struct {
  char picture[PETSC_MAX_PATH_LEN], label[PETSC_MAX_PATH_LEN]; /* label: empty where there is none */
  int  test;                                                   /* whether its rows are test rows */
} ImagesEntry;

typedef struct {
  const char  *name, *label_name; /* preset, or keys that give the files, for messages */
  const char  *hint;              /* how to get what is missing */
  int          n;
  ImagesEntry *entry; /* [n] */
} ImagesList;

PetscErrorCode ImagesListFiles(const char *files, const char *labels, ImagesList *list);
PetscErrorCode ImagesListPreset(const char *preset, const char *folder, ImagesList *list);

/* ---- the type ---- */

typedef struct {
  const MixturePreset *preset; /* NULL: files given by hand */
  char                 file[PETSC_MAX_PATH_LEN], label_file[PETSC_MAX_PATH_LEN], folder[PETSC_MAX_PATH_LEN];
  PetscReal            range[2], classes[CLASSES];
  PetscInt             nrange, nclasses, side;
  ImagesList           list;
  Split                split;
  PictureShape         shape;       /* as in the files */
  int                  factor;      /* pixels are averaged over blocks of factor x factor */
  double               weight, low; /* as in picture_values, to diffused units */
  PetscBool            labelled;
  int64_t              N, train; /* rows; those of training files, which come first */
  SharedArray          rows;
  uint8_t             *pixel, *label;  /* [N][channels][height][width] and [N], in rows */
  int64_t              count[CLASSES]; /* training rows of each class */
} Images;

PetscErrorCode ImagesLoad(Images *images);

#endif
