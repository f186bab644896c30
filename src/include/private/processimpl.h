#ifndef AD_PROCESSIMPL_H
#define AD_PROCESSIMPL_H
#include "adprocess.h"
#include <petsc/private/petscimpl.h>

struct _ProcessOps {
  PetscErrorCode (*setfromoptions)(Process);
  PetscErrorCode (*fill)(Process); /* M, G, V0, label of the type, at rate 1 */
};

struct _p_Process {
  PETSCHEADER(struct _ProcessOps);
  void     *data;  /* parameters of the type */
  PetscReal rate;  /* beta: multiplies M and G G^T */
  PetscReal scale; /* multiplies G G^T and V0: all temperatures of the process */
  PetscReal t_final;
  PetscReal temperature; /* total, of the type, before scale; NaN where the type has none */
  LinearSde sde;         /* with rate and scale in it */
  double    G[AD_BMAX * AD_BMAX];
  char      label[128];
  int       nparameters;
  struct {
    const char *name;
    double      value;
  } parameter[8]; /* of the type, for the record: written as attributes of /process */
  PetscBool setup;
};

PetscErrorCode ProcessNoteParameter(Process process, const char *name, double value);
PetscErrorCode ProcessCreate_Passive(Process process);
PetscErrorCode ProcessCreate_Active(Process process);
PetscErrorCode ProcessCreate_CLD(Process process);
PetscErrorCode ProcessCreate_General(Process process);

#endif
