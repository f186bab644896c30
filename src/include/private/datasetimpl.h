#ifndef AD_DATASETIMPL_H
#define AD_DATASETIMPL_H
#include "addataset.h"
#include "adpresets.h"
#include <petsc/private/petscimpl.h>

struct _DatasetOps {
  PetscErrorCode (*setfromoptions)(Dataset);
  PetscErrorCode (*setup)(Dataset); /* fills coordinates, size, label and, where the law is one, mixture */
  PetscErrorCode (*getrows)(Dataset, DatasetSplit, int64_t, const int64_t *, double *, int *);
  PetscErrorCode (*printsummary)(Dataset);  /* lines of the type; may be NULL */
  PetscErrorCode (*write)(Dataset, Output); /* attributes of the type on /dataset; may be NULL */
  PetscErrorCode (*observe)(Dataset, int64_t, int64_t, int64_t, const double *, Output); /* may be NULL */
  PetscErrorCode (*destroy)(Dataset);                                                    /* frees data */
};

struct _p_Dataset {
  PETSCHEADER(struct _DatasetOps);
  void              *data; /* parameters and rows of the type */
  uint64_t           seed;
  PetscBool          every_key; /* read the keys of all variants of the type, to note them for help */
  PetscBool          setup;
  Coordinates        coordinates;
  int64_t            size[3]; /* rows of each split, -1: without end */
  const MixtureData *mixture; /* the law of the rows in diffused units, borrowed from data; NULL: not known */
  const MixtureData *peaks;   /* separate clusters in diffused units, borrowed from data; NULL: none */
  char               label[128];
};

PetscErrorCode DatasetCreate_Mixture(Dataset dataset);
PetscErrorCode DatasetCreate_SwissRoll(Dataset dataset);
PetscErrorCode DatasetCreate_Quartic(Dataset dataset);
PetscErrorCode DatasetCreate_File(Dataset dataset);
PetscErrorCode DatasetCreate_Ising(Dataset dataset);
PetscErrorCode DatasetCreate_Images(Dataset dataset);

/* ---- what toy data share ---- */

#define MAX_LIST 2048 /* numbers in a list of options */

/* -dataset_preset, which must belong to the type of the data set; the first of the type unless given */
PetscErrorCode DatasetReadPreset(Dataset dataset, const MixturePreset **preset);
/* label: name, and each number that is not the preset's */
void label_append(Dataset dataset, const char *name, double value, double usual);

/* Law - a Gaussian mixture that rows are drawn from; the first member of the data of types that have one */
typedef struct {
  MixtureData data;
  double     *weight, *mean, *var, *cdf; /* [n], [n][d], [n][d], [n]; cdf: running sum of the weights */
  int         share;                     /* so many neighbouring components have one label, 0: no labels */
} Law;

PetscErrorCode LawAllocate(int64_t n, int64_t d, Law *law);
PetscErrorCode LawSetUp(Dataset dataset, Law *law, const char *where);
PetscErrorCode DatasetGetRows_Law(Dataset dataset, DatasetSplit split, int64_t n, const int64_t *index,
                                  double *x, int *label);
PetscErrorCode LawDestroy(Dataset dataset, Law *law);

/* ---- files ---- */

#define DATASET_FILE_TEXT                                                                                    \
  "file of rows (.h5, .csv), of a mixture (.h5 with a group /mixture), or list of files of pictures (IDX, "  \
  "CIFAR-10; also gzipped)"
#define DATASET_WEIGHTS_TEXT                                                                                 \
  "weight of each component, peak or roll (those of the preset, or equal, unless given)"
#define NAMES_SIZE  60000 /* bytes of all column names: an HDF5 attribute holds a little more */
#define MAX_COLUMNS (NAMES_SIZE / 32 - 1) /* so that any names of 31 characters fit */

const char    *file_of_path(const char *path); /* what follows the last slash */
PetscErrorCode ImagesProbe(const char *files, PetscBool *pictures);
PetscBool      table_is_text(const char *path); /* by its ending: .csv .tsv .txt .dat */

/*
  Split - training and test rows of N that lie in a file

  Neighbouring frames of a trajectory are alike, so rows drawn at random for testing would have near copies among the
  training rows. Instead the file is cut into equal stretches, and the last test_fraction of each is held out.
*/
typedef struct {
  PetscReal test_fraction;
  PetscInt  asked; /* stretches asked for, 0: as many as suit the rows */
  int       stretches;
  int64_t  *start, *train,
      *test; /* [stretches + 1], running counts at the start of each stretch, and at the end */
} Split;

PetscErrorCode SplitSetFromOptions(Split *split);
PetscErrorCode SplitSetUp(int64_t N, Split *split);
PetscErrorCode SplitSetUpTwo(int64_t train, int64_t test, Split *split);
PetscErrorCode SplitWrite(const Split *split, Output out);
PetscErrorCode SplitDestroy(Split *split);
int64_t        split_row(const Split *split, DatasetSplit which, int64_t index);
void           split_sizes(const Split *split, int64_t size[3]);

/*
  split_names - cut a list of names at a separator

  A name loses blanks at its ends and a remark in brackets behind it; a comma within it becomes '_', since lists of names
  are written with commas.

  Output: name[max], at most 31 characters each
  Return: how many there are, which may be more than max
*/
int split_names(const char *text, char separator, int max, char (*name)[32]);

/*
  Where to cut a circle open: a histogram of 72 bins over [-period/2, period/2), smoothed over three bins; the cut is the
  middle of the longest stretch of bins that share the smallest count (the first of them if there are several).
*/
#define CIRCLE_BINS 72
void   circle_count(double x, double period, int64_t bin[CIRCLE_BINS]);
double circle_cut(const int64_t bin[CIRCLE_BINS], double period); /* in [-period, 0) */

/*
  CsvTable - numbers of a text file: one row a line, cells parted by commas, semicolons, tabs or blanks

  The first line may hold names; empty lines and lines that begin with '#' are skipped.
*/
typedef struct {
  int64_t rows;
  int     columns;
  char (*name)[32]; /* [columns], empty texts where the file has no names */
  double *value;    /* [rows][columns], on rank 0 only */
} CsvTable;

PetscErrorCode CsvRead(const char *option, const char *path, CsvTable *table);
PetscErrorCode CsvFree(CsvTable *table);

/* Table - rows of numbers in a file, all its columns: a text file, or a dataset with two axes of an HDF5 file */
typedef struct {
  int64_t N;
  int     D;
  char (*name)[32];  /* [D] */
  Input    in;       /* NULL for a text file */
  char     set[256]; /* dataset of an HDF5 file */
  double  *piece;    /* rows read last, on rank 0 */
  CsvTable csv;
} Table;

PetscErrorCode TableOpen(const char *option, const char *name_option, const char *path, size_t size,
                         char *set, Table *table);
PetscErrorCode TableGetRows(Table *table, int64_t first, int64_t n, const double **rows);
PetscErrorCode TableClose(Table *table);

#endif
