#ifndef AD_FISHERIMPL_H
#define AD_FISHERIMPL_H
#include "adcommand.h"
#include "adfisher.h"

typedef struct {
  PetscInt  nt;
  PetscReal t[4096];
  PetscReal window[2];          /* of the fitted rates */
  PetscInt  check, information; /* states a cloud, rows; 0: not wanted */
  PetscReal delta;              /* of the check */
} FisherOptions;

/* Early, late and fitted laws of one process */
typedef struct {
  double early_power[FISHER_QUANTITIES], early_coefficient[FISHER_QUANTITIES];
  double late_rate[FISHER_QUANTITIES], late_coefficient[FISHER_QUANTITIES];
  double rate[FISHER_QUANTITIES], bend[FISHER_QUANTITIES];
} FisherLaws;

enum { FISHER_SEEN = 3 }; /* what may be seen of X: all of it, x, the auxiliary variables */

/*
  All results, on every rank: np processes, nt times, b the largest number of variables. Smaller matrices stand
  in the upper left corner of theirs, among NaN
*/
typedef struct {
  PetscInt           np, nt;
  int                b;
  double            *matrix;      /* [np][nt][b][b] */
  double            *value;       /* [np][nt][FISHER_QUANTITIES] */
  FisherLaws        *laws;        /* [np] */
  FisherDivergence  *check;       /* [np][nt][b], or NULL */
  FisherInformation *information; /* [np][nt][FISHER_SEEN], or NULL */
} FisherTables;

PetscErrorCode FisherPrint(const ProcessGrid *grid, const FisherOptions *options, const FisherTables *tables);
PetscErrorCode FisherWrite(const FisherOptions *options, const FisherTables *tables, Output out);

#endif
