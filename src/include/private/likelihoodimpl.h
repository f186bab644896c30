#ifndef AD_LIKELIHOODIMPL_H
#define AD_LIKELIHOODIMPL_H
#include "adcommand.h"
#include "adlikelihood.h"

/* What the commands likelihood and denoise look at: a score, and rows of the data it is about */
typedef struct {
  Process            process;
  Dataset            dataset;
  Score              score;
  Score              truth; /* the exact score where the law is known and the score is another; or NULL */
  PetscBool          exact; /* the score is the exact one */
  const MixtureData *law;   /* or NULL */
  const Coordinates *c;
  const char        *label;       /* of the score */
  int64_t            N, first, n; /* rows, shared out in whole waves */
  double            *x0;          /* [n][d] diffused */
  int               *component;   /* [n] */
} Subject;

PetscErrorCode SubjectRead(const CommandLine *line, Subject *s);
PetscErrorCode SubjectSetUp(Subject *s, const char *command);
PetscErrorCode SubjectTakeRows(Subject *s, PetscInt split, PetscInt rows, const char *key);
PetscErrorCode SubjectWrite(const Subject *s, PetscInt split, const char *group, Output out);
PetscErrorCode SubjectDestroy(Subject *s);

extern const char *const subject_splits[];

#endif
