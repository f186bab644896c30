#include "private/scoreimpl.h"
#include <string.h>

static PetscClassId  SCORE_CLASSID;
static PetscLogEvent SCORE_Respond;

static const char *const type_names[]               = {"mixture", "net", NULL};
static PetscErrorCode (*const type_create[])(Score) = {ScoreCreate_Mixture, ScoreCreate_Net};
enum { TYPE_MIXTURE, TYPE_NET };

/* ScoreCreate - an empty score; options, process, dataset (if it needs one) and ScoreSetUp make it usable. */
PetscErrorCode ScoreCreate(Score *score)
{
  PetscFunctionBegin;
  if (!SCORE_CLASSID) {
    PetscCall(PetscClassIdRegister("Score", &SCORE_CLASSID));
    PetscCall(PetscLogEventRegister("ScoreRespond", SCORE_CLASSID, &SCORE_Respond));
  }
  PetscCall(PetscHeaderCreate(*score, SCORE_CLASSID, "Score", "Score of noised data", "Score",
                              PETSC_COMM_WORLD, ScoreDestroy, NULL));
  (*score)->q = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetType(Score score, PetscInt type)
{
  PetscFunctionBegin;
  if (score->ops->destroy) PetscCall((*score->ops->destroy)(score));
  PetscCall((*type_create[type])(score));
  PetscCall(PetscObjectChangeTypeName((PetscObject)score, type_names[type]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreSetType - mixture or net; options may still say otherwise. */
PetscErrorCode ScoreSetType(Score score, const char *type)
{
  PetscInt i = 0;

  PetscFunctionBegin;
  while (type_names[i] && strcmp(type_names[i], type)) i++;
  PetscCheck(type_names[i], PETSC_COMM_WORLD, PETSC_ERR_ARG_UNKNOWN_TYPE, "score type %s", type);
  PetscCall(SetType(score, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadType(PetscInt *type, PetscBool *set)
{
  PetscFunctionBegin;
  PetscCall(OptChoice(
      "-score_type",
      "mixture: exact, for data whose law is a Gaussian mixture; net: learned (the default with -score_file)",
      type_names, type, set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFile(Score score)
{
  PetscFunctionBegin;
  PetscCall(OptString(
      "-score_file",
      "weights made by adiff train; 'adiff sample' takes their noise where no -process_ key is given",
      score->file, sizeof(score->file), NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreSetFromOptions - read -score_type, -score_file and the keys of the type. */
PetscErrorCode ScoreSetFromOptions(Score score)
{
  const char *now  = ((PetscObject)score)->type_name;
  PetscInt    type = now && !strcmp(now, type_names[TYPE_NET]) ? TYPE_NET : TYPE_MIXTURE;
  PetscBool   set;

  PetscFunctionBegin;
  PetscCall(ReadType(&type, &set));
  if (!set || type == TYPE_NET) PetscCall(ReadFile(score));
  if (!set && score->file[0]) {
    type = TYPE_NET;
    PetscCall(ReadType(&type, NULL)); /* so that the record of the run shows what is in effect */
  }
  PetscCall(SetType(score, type));
  if (score->ops->setfromoptions) PetscCall((*score->ops->setfromoptions)(score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreGetFile - the file of weights that the options named, borrowed; an empty text where there is none. */
PetscErrorCode ScoreGetFile(Score score, const char **file)
{
  PetscFunctionBegin;
  *file = score->file;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreDeclareOptions - note the keys of all types (for help and the check of misspelt keys). */
PetscErrorCode ScoreDeclareOptions(void)
{
  Score    score;
  PetscInt type = TYPE_MIXTURE;

  PetscFunctionBegin;
  PetscCall(ScoreCreate(&score));
  PetscCall(ReadType(&type, NULL));
  PetscCall(ReadFile(score));
  PetscCall(SetType(score, TYPE_NET));
  PetscCall(ScoreNetDeclareOptions(score));
  PetscCall(ScoreDestroy(&score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreSetProcess - the forward noise; takes a reference. */
PetscErrorCode ScoreSetProcess(Score score, Process process)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)process));
  PetscCall(ProcessDestroy(&score->process));
  score->process = process;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreSetDataset - an exact score: the law; a net to be trained: its coordinates; takes a reference. */
PetscErrorCode ScoreSetDataset(Score score, Dataset dataset)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)dataset));
  PetscCall(DatasetDestroy(&score->dataset));
  score->dataset = dataset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreSetUp - take over the law of the data, or read or prepare the network

  Collective
  Errors: AD_ERR_INPUT when the data have no such law, or the weights do not fit the process
*/
PetscErrorCode ScoreSetUp(Score score)
{
  PetscFunctionBegin;
  if (score->setup) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(score->process && score->ops->setup, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "a score needs options and a process");
  PetscCall((*score->ops->setup)(score));
  PetscCall(PetscMalloc1((size_t)SCORE_WAVE * (size_t)(score->q * score->coordinates.d), &score->wave));
  score->setup = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScoreDestroy(Score *score)
{
  PetscFunctionBegin;
  if (!*score) PetscFunctionReturn(PETSC_SUCCESS);
  if (--((PetscObject)*score)->refct > 0) {
    *score = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if ((*score)->ops->destroy) PetscCall((*(*score)->ops->destroy)(*score));
  PetscCall(CoordinatesFree(&(*score)->coordinates));
  PetscCall(PetscFree((*score)->wave));
  PetscCall(ProcessDestroy(&(*score)->process));
  PetscCall(DatasetDestroy(&(*score)->dataset));
  PetscCall(PetscHeaderDestroy(score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreGetCoordinates - of the data the score is about, from the dataset or the weights file; borrowed. */
PetscErrorCode ScoreGetCoordinates(Score score, const Coordinates **c)
{
  PetscFunctionBegin;
  *c = &score->coordinates;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreGetComponents - q: how many numbers a coordinate has in a response. */
PetscErrorCode ScoreGetComponents(Score score, int *q)
{
  PetscFunctionBegin;
  *q = score->q;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreGetLabel - "exact", "reduced net" or "joint net"; "net" until ScoreSetUp has seen the file. */
PetscErrorCode ScoreGetLabel(Score score, const char **label)
{
  PetscFunctionBegin;
  *label = score->label;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScorePrintSummary - what a person wants to know before a run. */
PetscErrorCode ScorePrintSummary(Score score)
{
  PetscFunctionBegin;
  PetscCall((*score->ops->printsummary)(score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- evaluation ---- */

void score_project(const Kernel *k, int d, int n, const double *restrict X, double *restrict z)
{
  const int b = k->b;

  for (int r = 0; r < n; r++, X += b * d, z += d)
    for (int i = 0; i < d; i++) {
      z[i] = k->l[0] * X[i];
      for (int a = 1; a < b; a++) z[i] += k->l[a] * X[a * d + i];
    }
}

void score_assemble(const Kernel *k, int d, int q, int n, const double *restrict X, const double *restrict g,
                    double *restrict S)
{
  const int b = k->b;

  for (int r = 0; r < n; r++, X += b * d, g += q * d, S += b * d)
    for (int a = 0; a < b; a++)
      for (int i = 0; i < d; i++) {
        double value = k->l[a] * g[i];
        if (q == 1)
          for (int c = 0; c < b; c++) value -= k->R[a * b + c] * X[c * d + i];
        else
          for (int m = 1; m < b; m++) value += k->Ew[a * (b - 1) + m - 1] * g[m * d + i];
        S[a * d + i] = value;
      }
}

void score_add_density(const Kernel *k, int d, int n, const double *restrict X, double *restrict logp)
{
  const int b = k->b;

  for (int r = 0; r < n; r++, X += b * d) {
    double squares = 0;
    for (int m = 0; m < b - 1; m++)
      for (int i = 0; i < d; i++) {
        double e = 0;
        for (int a = 0; a < b; a++) e += k->Ew[a * (b - 1) + m] * X[a * d + i];
        squares += e * e;
      }
    logp[r] += d * k->log_norm - 0.5 * squares;
  }
}

/* All outputs, any of them NULL, in waves; rows do not feel each other, so no result shows the waves. */
static PetscErrorCode EvaluateWaves(Score score, const Kernel *k, int64_t n, const double *X, double *g,
                                    double *S, double *x0hat, double *logp)
{
  const int d = score->coordinates.d, q = score->q;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(SCORE_Respond, score, 0, 0, 0));
  for (int64_t first = 0; first < n; first += SCORE_WAVE) {
    const int     rows     = (int)PetscMin(SCORE_WAVE, n - first);
    const double *x        = X + first * k->b * d;
    double       *response = g ? g + first * q * d : S ? score->wave : NULL;
    PetscCall((*score->ops->respond)(score, k, rows, x, response, x0hat ? x0hat + first * d : NULL,
                                     logp ? logp + first : NULL));
    if (S) score_assemble(k, d, q, rows, x, response, S + first * k->b * d);
  }
  score->rows += n;
  PetscCall(PetscLogEventEnd(SCORE_Respond, score, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreRespond - what the score says of the data: sz, and for q = b the scores of the whitened w as well

  Not collective
  Input:  kernel at the time of all rows, X[n][b*d] in diffused units
  Output: g[n][q][d]
  Note:   rows have the same bits whatever n is and wherever they stand
*/
PetscErrorCode ScoreRespond(Score score, const Kernel *kernel, int64_t n, const double *X, double *g)
{
  PetscFunctionBegin;
  PetscCall(EvaluateWaves(score, kernel, n, X, g, NULL, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreDenoise - posterior mean E[x0 | X] = z + sigma2 sz, formed without the cancellation of that sum

  Not collective
  Output: x0hat[n][d]
*/
PetscErrorCode ScoreDenoise(Score score, const Kernel *kernel, int64_t n, const double *X, double *x0hat)
{
  PetscFunctionBegin;
  PetscCall(EvaluateWaves(score, kernel, n, X, NULL, NULL, x0hat, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreEvaluate - the full score, and the density where it is known

  Not collective
  Output: S[n][b*d] = grad log P, logp[n] = log P(X) (NULL, or an exact score)
*/
PetscErrorCode ScoreEvaluate(Score score, const Kernel *kernel, int64_t n, const double *X, double *S,
                             double *logp)
{
  PetscFunctionBegin;
  PetscCheck(!logp || score->exact, PETSC_COMM_SELF, PETSC_ERR_SUP, "a network score has no density");
  PetscCall(EvaluateWaves(score, kernel, n, X, NULL, S, NULL, logp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreGetEvaluations - rows evaluated so far on this rank. */
PetscErrorCode ScoreGetEvaluations(Score score, int64_t *rows)
{
  PetscFunctionBegin;
  *rows = score->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreCreateExact - the exact score of a data set whose law is a Gaussian mixture, set up

  Input:  process, dataset  both set up
  Errors: AD_ERR_INPUT for data without such a law
*/
PetscErrorCode ScoreCreateExact(Process process, Dataset dataset, Score *score)
{
  PetscFunctionBegin;
  PetscCall(ScoreCreate(score));
  PetscCall(ScoreSetType(*score, "mixture"));
  PetscCall(ScoreSetProcess(*score, process));
  PetscCall(ScoreSetDataset(*score, dataset));
  PetscCall(ScoreSetUp(*score));
  PetscFunctionReturn(PETSC_SUCCESS);
}
