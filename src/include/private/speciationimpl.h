#ifndef AD_SPECIATIONIMPL_H
#define AD_SPECIATIONIMPL_H
#include "adcommand.h"
#include "addataset.h"
#include "adprocess.h"
#include "adspeciation.h"

/* What the parts of adiff speciation share */

enum { SPECIATION_LAMBDAS = 1000 };

typedef struct {
  PetscInt  nlambda;                    /* 0: that of the data */
  PetscReal lambda[SPECIATION_LAMBDAS]; /* diffused units */
  PetscReal temperature;
} SpeciationOptions;

typedef struct {
  SpeciationOptions options;
  ProcessGrid       grid;
  Dataset           dataset; /* NULL where Lambda is given */
} Speciation;

#endif
