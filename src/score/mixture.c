#include "private/scoreimpl.h"

typedef struct {
  const MixtureData *law; /* of the dataset */
  double            *z, *work;
  double            *posterior, *pulled; /* [SCORE_WAVE][components], [SCORE_WAVE][d] */
} Mixture;

static PetscErrorCode ScoreSetUp_Mixture(Score score)
{
  Mixture           *mixture = (Mixture *)score->data;
  const Coordinates *c;

  PetscFunctionBegin;
  AdCheckInput(score->dataset, "-score_type mixture: an exact score needs data whose law is a Gaussian "
                               "mixture; name a data set or give -score_file");
  PetscCall(DatasetGetMixture(score->dataset, &mixture->law));
  AdCheckInput(
      mixture->law,
      "-score_type mixture: the law of these data is no Gaussian mixture; train a net and give -score_file");
  PetscCall(DatasetGetCoordinates(score->dataset, &c));
  PetscCall(CoordinatesCopy(c, &score->coordinates));
  PetscCall(PetscMalloc2((size_t)SCORE_WAVE * (size_t)c->d, &mixture->z, mixture_workspace(mixture->law),
                         &mixture->work));
  PetscCall(PetscMalloc2((size_t)SCORE_WAVE * (size_t)mixture->law->n, &mixture->posterior,
                         (size_t)SCORE_WAVE * (size_t)c->d, &mixture->pulled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScoreDestroy_Mixture(Score score)
{
  Mixture *mixture = (Mixture *)score->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(mixture->z, mixture->work));
  PetscCall(PetscFree2(mixture->posterior, mixture->pulled));
  PetscCall(PetscFree(score->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScorePrintSummary_Mixture(Score score)
{
  const MixtureData *law = ((Mixture *)score->data)->law;

  PetscFunctionBegin;
  PetscCall(AdPrint("score     exact, Gaussian mixture of %d component%s in %d dimension%s\n", law->n,
                    law->n > 1 ? "s" : "", law->d, law->d > 1 ? "s" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScoreRespond_Mixture(Score score, const Kernel *k, int n, const double *X, double *g,
                                           double *x0hat, double *logp)
{
  Mixture  *mixture = (Mixture *)score->data;
  const int d       = score->coordinates.d;

  PetscFunctionBegin;
  score_project(k, d, n, X, mixture->z);
  mixture_score(mixture->law, k->sigma2, n, mixture->z, g, x0hat, logp, mixture->work);
  if (logp) score_add_density(k, d, n, X, logp);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScorePullback_Mixture(Score score, const Kernel *k, int n, const double *X,
                                            const double *V, double *x0hat, double *P)
{
  Mixture  *mixture = (Mixture *)score->data;
  const int d       = score->coordinates.d;

  PetscFunctionBegin;
  score_project(k, d, n, X, mixture->z);
  if (x0hat) mixture_score(mixture->law, k->sigma2, n, mixture->z, NULL, x0hat, NULL, mixture->work);
  mixture_posterior(mixture->law, k->sigma2, n, mixture->z, mixture->posterior, mixture->work);
  mixture_pullback(mixture->law, k->sigma2, n, mixture->z, mixture->posterior, V, mixture->pulled);
  score_spread(k, d, n, mixture->pulled, P);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreCreate_Mixture - exact score of Gaussian-mixture data (paper eqs. A36-A46, in the clock). */
PetscErrorCode ScoreCreate_Mixture(Score score)
{
  Mixture *mixture;

  PetscFunctionBegin;
  PetscCall(PetscNew(&mixture));
  score->data  = mixture;
  score->exact = PETSC_TRUE;
  score->label = "exact";
  *score->ops  = (struct _ScoreOps){.setup        = ScoreSetUp_Mixture,
                                    .destroy      = ScoreDestroy_Mixture,
                                    .printsummary = ScorePrintSummary_Mixture,
                                    .respond      = ScoreRespond_Mixture,
                                    .pullback     = ScorePullback_Mixture};
  PetscFunctionReturn(PETSC_SUCCESS);
}
