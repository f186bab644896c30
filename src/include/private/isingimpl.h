#ifndef AD_ISINGIMPL_H
#define AD_ISINGIMPL_H
#include "adising.h"
#include "private/datasetimpl.h"

typedef enum { ISING_METROPOLIS, ISING_CLUSTER } IsingUpdate;
typedef enum { ISING_RANDOM, ISING_ORDERED } IsingStart;

typedef struct {
  void      *raw; /* what was allocated */
  IsingWord *word;
} IsingWords;

/* A group of rows that was made */
typedef struct {
  int64_t    group, used; /* used: when last, 0: empty */
  IsingWords spin;        /* [side^2] */
} IsingSlot;

typedef struct {
  PetscInt    side, update, start, flips, updates;
  PetscReal   T;
  IsingChance flip[2], bond;
  int (*near)[4];
  uint32_t  *site; /* the next sites */
  IsingWords work; /* of cluster updates */
  int        slots;
  IsingSlot *slot;  /* [3][slots], of each split */
  int64_t    clock; /* counts uses */
} Ising;

PetscErrorCode DatasetObserve_Ising(Dataset dataset, int64_t N, int64_t first, int64_t n, const double *x,
                                    Output out);

#endif
