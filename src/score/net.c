#include "private/scoreimpl.h"
#include "private/wideimpl.h"
#include <math.h>
#include <string.h>

static const char *const kind_names[]    = {"reduced", "joint", NULL};
static const char *const form_names[]    = {"whitened", "mixed",          "mixed_paper", "score",
                                            "clock",    "preconditioned", NULL};
static const char *const form_choices[]  = {"whitened", "mixed", "mixed_paper", "score", "clock", NULL};
static const char *const weights_names[] = {"ema", "last", NULL};
static const char *const labels[]        = {"reduced net", "joint net"};

typedef struct {
  PetscInt    kind, form, weights; /* options; then as the map says */
  PetscBool   kind_set, form_set;
  Net         net;
  ScoreNetMap map;
  float      *in, *out;         /* [SCORE_WAVE][nin], [SCORE_WAVE][nout] */
  double     *row_in, *row_out; /* the same in double */
} ScoreNet;

/* ---- life cycle ---- */

static PetscErrorCode ReadKind(ScoreNet *s)
{
  PetscFunctionBegin;
  PetscCall(OptChoice("-score_kind",
                      "what a net sees: reduced (z and sigma, serves every noise) or joint (x, auxiliary, t)",
                      kind_names, &s->kind, &s->kind_set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadForm(ScoreNet *s)
{
  PetscFunctionBegin;
  PetscCall(OptChoice(
      "-score_form",
      "what a joint net learns: the noise behind the score (whitened) or what it has beyond Gaussian data "
      "(mixed), beyond its variables taken alone (mixed_paper, A35), the score itself, or the noise of the "
      "clock variable z, whence all scores (clock)",
      form_choices, &s->form, &s->form_set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWeights(ScoreNet *s)
{
  PetscFunctionBegin;
  PetscCall(OptChoice("-score_weights", "which weights of the file: their running average or the last ones",
                      weights_names, &s->weights, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreNetDeclareOptions - note the keys of training and of use. */
PetscErrorCode ScoreNetDeclareOptions(Score score)
{
  ScoreNet *s = (ScoreNet *)score->data;

  PetscFunctionBegin;
  PetscCall(ReadKind(s));
  PetscCall(ReadForm(s));
  PetscCall(ReadWeights(s));
  PetscCall(NetSetBackendFromOptions(s->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file knows its kind, form and sizes: the keys are then only compared with it, where they are given. */
static PetscErrorCode ScoreSetFromOptions_Net(Score score)
{
  ScoreNet *s    = (ScoreNet *)score->data;
  PetscBool kind = PETSC_TRUE, form = PETSC_TRUE;

  PetscFunctionBegin;
  if (score->file[0]) {
    PetscCall(PetscOptionsHasName(NULL, NULL, "-score_kind", &kind));
    PetscCall(PetscOptionsHasName(NULL, NULL, "-score_form", &form));
    PetscCall(ReadWeights(s));
  }
  if (kind) PetscCall(ReadKind(s));
  if (form && (score->file[0] || s->kind == SCORE_JOINT)) PetscCall(ReadForm(s));
  PetscCall(score->file[0] ? NetSetBackendFromOptions(s->net) : NetSetFromOptions(s->net));
  if (!score->file[0]) score->label = labels[s->kind];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillMap(Score score, ScoreNet *s)
{
  const Coordinates *c    = &score->coordinates;
  ScoreNetMap       *map  = &s->map;
  int                n    = 0, component[AD_BMAX];
  double             mean = 0;
  const LinearSde   *sde;

  PetscFunctionBegin;
  PetscCall(ProcessGetSde(score->process, &sde));
  PetscCall(ProcessGetNoised(score->process, &n, component));
  for (int i = 0; i < c->d; i++) mean += c->variance[i] / c->d;
  AdCheckInput(mean > 0 && isfinite(mean),
               "-score_type net: the variance of the data is %g; a net needs data that vary", mean);
  *map         = (ScoreNetMap){.kind     = (ScoreKind)s->kind,
                               .form     = s->kind == SCORE_JOINT ? (ScoreForm)s->form : SCORE_PRECONDITIONED,
                               .b        = sde->b,
                               .d        = c->d,
                               .q        = s->kind == SCORE_JOINT && n > 1 && s->form != SCORE_CLOCK ? sde->b : 1,
                               .noised   = component[0],
                               .mean     = c->mean,
                               .variance = mean};
  score->q     = map->q;
  score->label = labels[s->kind];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadKindFromFile(Score score, ScoreNet *s, Input in)
{
  char      kind[32] = "", form[32] = "";
  PetscInt  k = 0, f = 0;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(InputAttrString(in, "/score", "kind", sizeof(kind), kind, &found));
  AdCheckInput(found, "-score_file: '%s' holds no weights of a score; expected a file made by 'adiff train'",
               score->file);
  PetscCall(InputAttrString(in, "/score", "form", sizeof(form), form, &found));
  while (kind_names[k] && strcmp(kind_names[k], kind)) k++;
  while (form_names[f] && strcmp(form_names[f], form)) f++;
  AdCheckInput(kind_names[k] && form_names[f],
               "-score_file: '%s': score kind '%s', form '%s' are unknown to this version of adiff",
               score->file, kind, form);
  AdCheckInput(!s->kind_set || s->kind == k,
               "-score_kind: asked for %s, but '%s' holds a %s net; leave the key out", kind_names[s->kind],
               score->file, kind);
  AdCheckInput(k == SCORE_REDUCED || !s->form_set || s->form == f,
               "-score_form: asked for %s, but the net of '%s' is %s; leave the key out", form_names[s->form],
               score->file, form);
  s->kind = k;
  s->form = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFile(Score score, ScoreNet *s, Input in)
{
  const char *group = s->weights ? "/score/weights" : "/score/ema";
  int64_t     n;
  float      *theta;
  PetscBool   found;

  PetscFunctionBegin;
  PetscCall(ReadKindFromFile(score, s, in));
  PetscCall(CoordinatesRead(in, &score->coordinates));
  if (s->kind == SCORE_JOINT) PetscCall(ProcessCheckSame(score->process, in, "-score_file"));
  PetscCall(FillMap(score, s));
  PetscCall(NetReadSizes(s->net, in, "/score"));
  PetscCall(NetSetUp(s->net));
  PetscCall(InputHas(in, group, &found));
  AdCheckInput(found, "-score_weights: '%s' has no group %s; take -score_weights %s", score->file, group,
               weights_names[!s->weights]);
  PetscCall(NetGetParameters(s->net, &n, &theta));
  PetscCall(NetReadArray(s->net, in, group, theta));
  PetscCall(NetParametersChanged(s->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpFromFile(Score score, ScoreNet *s)
{
  Input          in;
  PetscErrorCode status;

  PetscFunctionBegin;
  PetscCall(InputOpen("-score_file", score->file, &in));
  status = ReadFile(score, s, in);
  PetscCall(InputClose(&in));
  PetscCall(status);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpForTraining(Score score, ScoreNet *s)
{
  const Coordinates *c;

  PetscFunctionBegin;
  AdCheckInput(score->dataset,
               "-score_file: a network score needs weights; name a file made by 'adiff train'");
  PetscCall(DatasetGetCoordinates(score->dataset, &c));
  PetscCall(CoordinatesCopy(c, &score->coordinates));
  PetscCall(FillMap(score, s));
  PetscCall(NetSetSizes(s->net, score_net_inputs(&s->map), score_net_outputs(&s->map)));
  PetscCall(NetSetUp(s->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScoreSetUp_Net(Score score)
{
  ScoreNet *s = (ScoreNet *)score->data;
  int       nin, nout;

  PetscFunctionBegin;
  AdCheckInput(!score->file[0] || !score->dataset,
               "-score_file: training starts from random weights, not from '%s'; leave the key out",
               score->file);
  PetscCall(score->file[0] ? SetUpFromFile(score, s) : SetUpForTraining(score, s));
  PetscCall(NetGetSizes(s->net, &nin, &nout));
  AdCheckInput(
      nin == score_net_inputs(&s->map) && nout == score_net_outputs(&s->map),
      "-score_file: '%s' is damaged: its net has %d inputs and %d outputs where its data need %d and %d",
      score->file, nin, nout, score_net_inputs(&s->map), score_net_outputs(&s->map));
  PetscCall(PetscMalloc2(SCORE_WAVE * nin, &s->in, SCORE_WAVE * nout, &s->out));
  PetscCall(PetscMalloc2(SCORE_WAVE * nin, &s->row_in, SCORE_WAVE * nout, &s->row_out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScoreDestroy_Net(Score score)
{
  ScoreNet *s = (ScoreNet *)score->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(s->in, s->out));
  PetscCall(PetscFree2(s->row_in, s->row_out));
  PetscCall(NetDestroy(&s->net));
  PetscCall(PetscFree(score->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScorePrintSummary_Net(Score score)
{
  const ScoreNet *s = (const ScoreNet *)score->data;

  PetscFunctionBegin;
  PetscCall(AdPrint("score     %s, %s, %d number%s a coordinate", score->label, form_names[s->map.form],
                    score->q, score->q > 1 ? "s" : ""));
  if (score->file[0]) PetscCall(AdPrint(", %s weights of %s", weights_names[s->weights], score->file));
  PetscCall(AdPrint("\n"));
  PetscCall(NetPrintSummary(s->net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- evaluation ---- */

static void narrow(int n, const double *restrict from, float *restrict to)
{
  for (int i = 0; i < n; i++) to[i] = (float)from[i];
}

static void widen(int n, const float *restrict from, double *restrict to)
{
  for (int i = 0; i < n; i++) to[i] = from[i];
}

static PetscErrorCode CheckKernel(const ScoreNetMap *map, const Kernel *k)
{
  PetscFunctionBegin;
  PetscCheck(map->kind == SCORE_REDUCED || map->b == k->b, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "a joint net of %d variables and a kernel of %d", map->b, k->b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScoreRespond_Net(Score score, const Kernel *k, int n, const double *X, double *g,
                                       double *x0hat, double *logp)
{
  ScoreNet          *s   = (ScoreNet *)score->data;
  const ScoreNetMap *map = &s->map;
  ScoreNetLaw        law;

  PetscFunctionBegin;
  PetscCall(CheckKernel(map, k));
  score_net_law(map, k, &law);
  score_net_input(map, &law, k, n, X, s->row_in);
  narrow(n * score_net_inputs(map), s->row_in, s->in);
  PetscCall(NetForward(s->net, n, s->in, s->out));
  widen(n * score_net_outputs(map), s->out, s->row_out);
  score_net_response(map, &law, k, n, X, s->row_out, g, x0hat);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One block of the net at a time: forward, then the weights backward */
static PetscErrorCode ScorePullback_Net(Score score, const Kernel *k, int n, const double *X, const double *V,
                                        double *x0hat, double *P)
{
  ScoreNet          *s   = (ScoreNet *)score->data;
  const ScoreNetMap *map = &s->map;
  const int          nin = score_net_inputs(map), nout = score_net_outputs(map), d = map->d;
  int                block;
  ScoreNetLaw        law;
  ScoreNetSlopes     slopes;

  PetscFunctionBegin;
  PetscCall(CheckKernel(map, k));
  score_net_law(map, k, &law);
  score_net_slopes(map, &law, k, &slopes);
  PetscCall(NetGetBlock(s->net, &block));
  for (int first = 0; first < n; first += block) {
    const int     rows = PetscMin(block, n - first);
    const double *x = X + (size_t)first * k->b * d, *v = V + (size_t)first * d;

    score_net_input(map, &law, k, rows, x, s->row_in);
    narrow(rows * nin, s->row_in, s->in);
    PetscCall(NetForwardKeep(s->net, rows, s->in, s->out));
    widen(rows * nout, s->out, s->row_out);
    if (x0hat) score_net_response(map, &law, k, rows, x, s->row_out, NULL, x0hat + (size_t)first * d);
    score_net_pull_out(&slopes, d, rows, v, s->out);
    PetscCall(NetBackward(s->net, rows, s->out, NULL, s->in));
    score_net_pull_in(&slopes, k->b, d, rows, v, s->in, P + (size_t)first * k->b * d);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreGetNet - the network, borrowed; AD_ERR_INPUT for an exact score. */
PetscErrorCode ScoreGetNet(Score score, Net *net)
{
  PetscFunctionBegin;
  AdCheckInput(!score->exact, "-score_type: an exact score has nothing to learn; take -score_type net");
  *net = ((ScoreNet *)score->data)->net;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ScoreNetRows - training rows, each at a time of its own

  Not collective
  Input:  kernel[n] of process and time, X[n][b*d]
          S[n][b*d]  the score to be learned there (given x0, or given X(0))
  Output: in[n][nin] inputs of the net, target[n][nout] outputs it should have
*/
PetscErrorCode ScoreNetRows(Score score, int64_t n, const Kernel *const *kernel, const double *X,
                            const double *S, float *in, float *target)
{
  ScoreNet          *s   = (ScoreNet *)score->data;
  const ScoreNetMap *map = &s->map;
  const int          nin = score_net_inputs(map), nout = score_net_outputs(map);

  PetscFunctionBegin;
  for (int64_t first = 0; first < n; first += SCORE_WAVE) {
    const int     rows = (int)PetscMin(SCORE_WAVE, n - first);
    const int64_t at   = first * kernel[0]->b * map->d;
    PetscCall(CheckKernel(map, kernel[first]));
    score_net_training(map, rows, kernel + first, X + at, S + at, s->row_in, s->row_out);
    narrow(rows * nin, s->row_in, in + first * nin);
    narrow(rows * nout, s->row_out, target + first * nout);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can this net be weighted so? Other weightings than the whitened one leave variables without noise of their own alone. */
static PetscErrorCode CheckWeight(Score score, const ScoreNetMap *map, ScoreWeight weight)
{
  int n, component[AD_BMAX];

  PetscFunctionBegin;
  PetscCall(ProcessGetNoised(score->process, &n, component));
  AdCheckInput(
      weight != WEIGHT_DET || !score_net_of_z(map),
      "-trainer_weight: det weighs the scores of x and of auxiliary variables, this net gives that of z; "
      "take another one, or -score_kind joint with another -score_form");
  AdCheckInput(
      weight == WEIGHT_WHITENED || map->q == 1 || n == map->b,
      "-trainer_weight: expected whitened, as %d of %d variables have no noise of their own, on which the "
      "other weightings put no weight",
      map->b - n, map->b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Single precision is enough to see every direction of W[q][q]. */
static int is_definite(int q, const double *W)
{
  wide A[BLOCK_SIZE], L[BLOCK_SIZE];

  for (int m = 0; m < q * q; m++)
    if (!isfinite(W[m])) return 0;
  block_widen(q * q, W, A);
  return block_cholesky(q, A, 0, L) > 1e-6;
}

PetscErrorCode ScoreNetWeights(Score score, ScoreWeight weight, int64_t n, const Kernel *kernel, float **w)
{
  const ScoreNetMap *map = &((ScoreNet *)score->data)->map;
  const int          qq  = map->q * map->q;
  const LinearSde   *sde;
  double             power = 0, W[AD_BMAX * AD_BMAX];

  PetscFunctionBegin;
  *w = NULL;
  PetscCall(CheckWeight(score, map, weight));
  if (weight == WEIGHT_WHITENED && map->form != SCORE_PLAIN) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ProcessGetSde(score->process, &sde));
  PetscCall(PetscMalloc1(n * qq, w));
  for (int pass = 0; pass < 2; pass++) /* first the mean power, then the weights in its unit */
    for (int64_t i = 0; i < n; i++) {
      ScoreNetLaw law;
      score_net_law(map, &kernel[i], &law);
      const double one = score_net_weight(map, &law, weight, sde, &kernel[i], W);
      if (!pass) power += one / (double)n;
      for (int m = 0; m < qq && pass; m++) W[m] /= power;
      AdCheckInput(
          is_definite(map->q, W),
          "-trainer_weight: at t = %g the weights are zero, infinite or blind to a direction; take another "
          "weighting or a larger -trainer_t_min",
          kernel[i].t);
      for (int m = 0; m < qq; m++) (*w)[i * qq + m] = (float)W[m];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- files ---- */

/* Meaning of the outputs by form: where one variable is noised, where several are */
static const char *const outputs_of_one[] = {
    "-score_j/ell",
    "(Gaussian score_j - score_j)/ell",
    "(score of X_j alone - score_j)/ell",
    "score_j",
    "-sigma score_z",
    "(E[x0 | z] - m0 - V (z - m0)/(V + sigma2))/(sigma sqrt(V/(V + sigma2)))"};
static const char *const outputs_of_all[] = {
    "-sigma score_z, -score_w", "sigma (Gaussian score_z - score_z), -e_w - score_w",
    "sigma (that of each variable alone - score_z), that of each variable alone - score_w",
    "score of all variables"};

static const char *outputs_text(const ScoreNetMap *map)
{
  return map->q == 1 ? outputs_of_one[map->form] : outputs_of_all[map->form];
}

/*
  ScoreWrite - /score (attributes, weights, ema), /coordinates and /process: all that -score_file needs

  Input:  ema[count]  averaged parameters, or NULL
*/
PetscErrorCode ScoreWrite(Score score, Output out, const float *ema)
{
  const ScoreNetMap *map;
  Net                net = NULL;
  int64_t            n;
  float             *theta;

  PetscFunctionBegin;
  PetscCall(ScoreGetNet(score, &net));
  map = &((ScoreNet *)score->data)->map;
  PetscCall(OutputAttrString(out, "/score", "kind", kind_names[map->kind]));
  PetscCall(OutputAttrString(out, "/score", "form", form_names[map->form]));
  PetscCall(OutputAttrInt(out, "/score", "components", map->q));
  PetscCall(OutputAttrInt(out, "/score", "coordinates", map->d));
  PetscCall(OutputAttrString(out, "/score", "inputs",
                             map->kind == SCORE_REDUCED ? "(z - m0)/sqrt(V + sigma2), log(sigma)/4"
                                                        : "x, auxiliary, t"));
  PetscCall(OutputAttrString(out, "/score", "outputs", outputs_text(map)));
  PetscCall(NetWriteSizes(net, out, "/score"));
  PetscCall(NetGetParameters(net, &n, &theta));
  PetscCall(NetWriteArray(net, out, "/score/weights", theta));
  if (ema) PetscCall(NetWriteArray(net, out, "/score/ema", ema));
  PetscCall(CoordinatesWrite(&score->coordinates, out));
  PetscCall(ProcessWrite(score->process, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ScoreCreate_Net - score by a network, of one process (joint) or of the clock that all share (reduced). */
PetscErrorCode ScoreCreate_Net(Score score)
{
  ScoreNet *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  PetscCall(NetCreate(&s->net));
  score->data  = s;
  score->exact = PETSC_FALSE;
  score->label = "net";
  *score->ops  = (struct _ScoreOps){.setfromoptions = ScoreSetFromOptions_Net,
                                    .setup          = ScoreSetUp_Net,
                                    .destroy        = ScoreDestroy_Net,
                                    .printsummary   = ScorePrintSummary_Net,
                                    .respond        = ScoreRespond_Net,
                                    .pullback       = ScorePullback_Net};
  PetscFunctionReturn(PETSC_SUCCESS);
}
