#ifndef ADDATASET_H
#define ADDATASET_H
#include "adbase.h"
#include "admixture.h"

/*
  Coordinates - how the d columns of the data became the numbers that are diffused: x = (unwrapped raw - shift)/scale

  A periodic column is first brought into [cut, cut + period). Stored with every weights file, undone on output.
*/
typedef struct {
  int d;
  char (*name)[32];        /* [d] */
  double *shift, *scale;   /* [d] */
  double *period, *cut;    /* [d], period 0: not periodic; samples are put out in [-period/2, period/2) */
  double *mean, *variance; /* [d] of the (training) data in diffused units */
} Coordinates;

PetscErrorCode
CoordinatesAllocate(int d, Coordinates *c); /* names x1.., shift 0, scale 1, period 0, mean 0, variance 1 */
PetscErrorCode CoordinatesCopy(const Coordinates *from, Coordinates *to);
PetscErrorCode CoordinatesFree(Coordinates *c);
PetscErrorCode CoordinatesWrite(const Coordinates *c, Output out); /* group /coordinates */
PetscErrorCode CoordinatesWriteNames(const Coordinates *c, Output out, const char *object);
PetscErrorCode CoordinatesRead(Input in, Coordinates *c);
PetscErrorCode CoordinatesCheckSame(const char *what, const Coordinates *data, const Coordinates *known);
PetscErrorCode CoordinatesJoinNames(const Coordinates *c, char **text); /* "phi,psi", caller frees */
void           coordinates_standardise(const Coordinates *c, int64_t n,
                                       double *x); /* x[n][d] in place, raw -> diffused */
void           coordinates_restore(const Coordinates *c, int64_t n, double *x); /* diffused -> raw, wrapped */

typedef struct _p_Dataset *Dataset;
#define DATASET_BLOCK 512 /* neighbouring rows best asked for by one rank: some types make so many at once */
typedef enum { SPLIT_TRAIN, SPLIT_TEST, SPLIT_ALL } DatasetSplit;

PetscErrorCode DatasetCreate(Dataset *dataset);
PetscErrorCode DatasetSetSeed(Dataset dataset, uint64_t seed); /* for synthetic rows */
PetscErrorCode DatasetSetFromOptions(Dataset dataset);
PetscErrorCode DatasetDeclareOptions(void);
PetscErrorCode DatasetSetUp(Dataset dataset);
PetscErrorCode DatasetDestroy(Dataset *dataset);

PetscErrorCode DatasetGetLabel(Dataset dataset, const char **label);
PetscErrorCode DatasetGetCoordinates(Dataset dataset, const Coordinates **c);   /* d inside */
PetscErrorCode DatasetGetSize(Dataset dataset, DatasetSplit split, int64_t *N); /* -1: rows without end */
PetscErrorCode DatasetCountRows(Dataset dataset, DatasetSplit split, const char *option, int64_t few,
                                int64_t *N);
/* Rows by global index within the split, in diffused units; not collective; label may be NULL (-1 where there is none) */
PetscErrorCode DatasetGetRows(Dataset dataset, DatasetSplit split, int64_t n, const int64_t *index, double *x,
                              int *label);
PetscErrorCode DatasetGetMixture(Dataset             dataset,
                                 const MixtureData **mixture); /* NULL unless the law is one */
/* Separate clusters of the data, as a mixture: samples near them can be counted. NULL where there are none */
PetscErrorCode DatasetGetPeaks(Dataset dataset, const MixtureData **peaks);
/* Print, and write to a group of its own, what rows of the type are judged by; x[n][d] raw, in blocks of DATASET_BLOCK */
PetscErrorCode DatasetObserve(Dataset dataset, int64_t N, int64_t first, int64_t n, const double *x,
                              Output out);
PetscErrorCode DatasetPrintSummary(Dataset dataset);
PetscErrorCode DatasetWriteRecord(Dataset dataset, Output out); /* /dataset attributes */
PetscErrorCode DatasetCopyRecord(Input in, Output out);         /* the same, of a result file */
PetscErrorCode DatasetWrite(Dataset dataset,
                            Output  out); /* /dataset attributes, /coordinates, /mixture if any */

#endif
