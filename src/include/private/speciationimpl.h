#ifndef AD_SPECIATIONIMPL_H
#define AD_SPECIATIONIMPL_H
#include "adcommand.h"
#include "adcovariance.h"
#include "adprocess.h"
#include "adspeciation.h"
#include "aduturn.h"

/* What the parts of adiff speciation share */

enum { SPECIATION_LAMBDAS = 1000 };

typedef struct {
  PetscInt  nlambda;                    /* 0: that of the data */
  PetscReal lambda[SPECIATION_LAMBDAS]; /* diffused units */
  PetscReal temperature;                /* of passive noise at equal temperature, 0: Ta */
  PetscInt  rows, split;
} SpeciationOptions;

/* Spectra of the covariance of the data: of the rows taken, in raw units too where columns have different scales, and of the
   law where it is known */
typedef struct {
  int64_t    N, bytes; /* rows; most memory that they take on a rank */
  PetscBool  is_raw, is_law;
  Eigenpairs rows, raw, law;
  double     trace, raw_trace, law_trace, *err; /* [n] standard errors of the eigenvalues of the rows */
} DataSpectrum;

typedef struct {
  SpeciationOptions options;
  ProcessGrid       grid;
  UturnOptions      uturn;
  Dataset           dataset; /* NULL where Lambda is given and there is no U-turn experiment */
  Spectrum          solver;  /* NULL, and no spectrum, where Lambda is given */
  DataSpectrum      spectrum;
} Speciation;

/* ---- the spectrum of the data: speciation_data.c ---- */

PetscErrorCode DataSpectrumCompute(Speciation *s);
PetscErrorCode DataSpectrumPrint(const DataSpectrum *r);
PetscErrorCode DataSpectrumWrite(const Speciation *s, Output out);
PetscErrorCode DataSpectrumDestroy(DataSpectrum *r);

#endif
