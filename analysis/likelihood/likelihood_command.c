/*
  adiff likelihood: log-density of rows under a model, path-space KL and the variational bound
*/
#include "private/likelihoodimpl.h"
#include <string.h>

static const char *const space_names[]      = {"auto", "clock", "state", NULL};
static const char *const divergence_names[] = {"auto", "exact", "hutchinson", NULL};
enum { AUTO, EXACT_UP_TO = 30 };

typedef struct {
  PetscInt  rows, split, space, divergence, probes, nodes;
  PetscReal sigma_min, sigma_max, tolerance;
} LikelihoodOptions;

/* Means over rows and their standard errors */
enum { NLL, EXACT_NLL, KL, SMOOTHING, PRIOR_GAP, MEANS };

typedef struct {
  LikelihoodOptions options;
  DensitySettings   density;
  DensityResult     rows;
  double           *exact; /* [n] log-density of the law, or NULL */
  double            mean[MEANS], err[MEANS];
  double            log_scale; /* sum of log scale: raw log-density = diffused one minus this */
  double            pullbacks; /* a row */
  PathResult        path;
  MixtureIntegrals  integrals;
  PetscBool         entropy_known;
} Likelihood;

static PetscErrorCode ReadOptions(LikelihoodOptions *o)
{
  PetscFunctionBegin;
  *o = (LikelihoodOptions){
      .rows = 1000, .split = SPLIT_TEST, .probes = 16, .nodes = 64, .sigma_min = 4e-3, .tolerance = 1e-6};
  PetscCall(OptInt("-likelihood_rows", "rows; 0: all, or 10000 where rows have no end", RANGE_NONNEGATIVE,
                   &o->rows, NULL));
  PetscCall(OptChoice("-likelihood_split", "which rows", subject_splits, &o->split, NULL));
  PetscCall(OptChoice("-likelihood_space",
                      "where the flow runs: clock (z, the same for every noise), state (x and auxiliary); "
                      "auto: clock unless the net is joint",
                      space_names, &o->space, NULL));
  PetscCall(OptChoice("-likelihood_divergence",
                      "exact (a pullback a coordinate) or hutchinson (random signs); auto: exact up to 30 "
                      "coordinates",
                      divergence_names, &o->divergence, NULL));
  PetscCall(
      OptInt("-likelihood_probes", "random signs a row of hutchinson", RANGE(1, 100000), &o->probes, NULL));
  PetscCall(OptInt("-likelihood_nodes", "sigmas of the path KL and the bound; 0: leave them out",
                   RANGE(0, 100000), &o->nodes, NULL));
  PetscCall(OptReal("-likelihood_sigma_min", "where rows start (diffused units); a tenth of the finest width",
                    RANGE_POSITIVE, &o->sigma_min, NULL));
  PetscCall(OptReal("-likelihood_sigma_max", "where the Gaussian prior stands; 0: sigma of -process_t_final",
                    RANGE_NONNEGATIVE, &o->sigma_max, NULL));
  PetscCall(OptReal("-likelihood_tolerance", "of the flow's integrator, relative and absolute",
                    RANGE_POSITIVE, &o->tolerance, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LikelihoodRunDeclareOptions(void)
{
  LikelihoodOptions o;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What "auto" and 0 stand for */
static PetscErrorCode Resolve(const Subject *s, uint64_t seed, Likelihood *l)
{
  const LikelihoodOptions *o     = &l->options;
  const int                joint = !strcmp(s->label, "joint net"), few = s->c->d <= EXACT_UP_TO;
  PetscReal                t_final;
  Kernel                   last;

  PetscFunctionBegin;
  PetscCall(ProcessGetFinalTime(s->process, &t_final));
  PetscCall(ProcessGetKernel(s->process, t_final, &last));
  l->density   = (DensitySettings){.space      = o->space ? (DensitySpace)(o->space - 1)
                                                 : joint  ? DENSITY_STATE
                                                          : DENSITY_CLOCK,
                                   .divergence = o->divergence ? (DivergenceType)(o->divergence - 1)
                                                 : few         ? DIVERGENCE_EXACT
                                                               : DIVERGENCE_HUTCHINSON,
                                   .probes     = (int)o->probes,
                                   .sigma_min  = o->sigma_min,
                                   .sigma_max  = o->sigma_max > 0 ? o->sigma_max : last.sigma,
                                   .tolerance  = o->tolerance,
                                   .seed       = seed};
  l->log_scale = 0;
  for (int i = 0; i < s->c->d; i++) l->log_scale += log(s->c->scale[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is computed ---- */

/* The law at the rows, at the rows noised to sigma_min, and where the flow ends: columns of part[n][MEANS] */
static PetscErrorCode CompareWithLaw(const Subject *s, Likelihood *l, double *part)
{
  const double lo = l->density.sigma_min, hi = l->density.sigma_max;
  double      *smooth, *end, *work;

  PetscFunctionBegin;
  PetscCall(
      PetscMalloc1(s->n + 1, &l->exact)); /* NULL says that there is no density, not that there are no rows */
  PetscCall(PetscMalloc3(s->n, &smooth, s->n, &end, mixture_workspace(s->law), &work));
  mixture_score(s->law, 0, (int)s->n, s->x0, NULL, NULL, l->exact, work);
  mixture_score(s->law, lo * lo, (int)s->n, s->x0, NULL, NULL, smooth, work);
  mixture_score(s->law, hi * hi, (int)s->n, l->rows.end, NULL, NULL, end, work);
  for (int64_t r = 0; r < s->n; r++, part += MEANS) {
    part[EXACT_NLL] = -l->exact[r];
    part[KL]        = l->exact[r] - l->rows.logp[r];
    part[SMOOTHING] = smooth[r] - l->exact[r];
    part[PRIOR_GAP] = l->rows.prior[r] - end[r];
  }
  PetscCall(PetscFree3(smooth, end, work));
  PetscCall(MixtureIntegrate(s->law, 0, &l->integrals, &l->entropy_known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A law with point masses has no density */
static PetscBool has_density(const MixtureData *law)
{
  if (!law) return PETSC_FALSE;
  for (int i = 0; i < law->n * law->d; i++)
    if (!(law->var[i] > 0)) return PETSC_FALSE;
  return PETSC_TRUE;
}

static PetscErrorCode Compute(const Subject *s, Likelihood *l)
{
  double *part;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(s->n, &l->rows.logp, s->n * s->c->d, &l->rows.end, s->n, &l->rows.prior));
  PetscCall(DensityCompute(s->process, s->score, &l->density, s->first, s->n, s->x0, &l->rows));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &l->rows.pullbacks, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  l->pullbacks = (double)l->rows.pullbacks / (double)s->N;
  PetscCall(PetscCalloc1(s->n * MEANS, &part));
  for (int64_t r = 0; r < s->n; r++) part[r * MEANS + NLL] = -l->rows.logp[r];
  if (has_density(s->law)) PetscCall(CompareWithLaw(s, l, part));
  PetscCall(RowsMean(s->N, s->n, MEANS, part, l->mean, l->err));
  PetscCall(PetscFree(part));
  if (l->options.nodes) {
    const PathSettings settings = {l->density.space, (int)l->options.nodes, l->density.sigma_min,
                                   l->density.sigma_max, l->density.seed};
    PetscCall(PathCompute(s->process, s->score, s->truth, &settings, s->N, s->first, s->n, s->x0, &l->path));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is said of it ---- */

static PetscErrorCode PrintSettings(const Subject *s, const Likelihood *l)
{
  const DensitySettings *d = &l->density;

  PetscFunctionBegin;
  PetscCall(AdPrint("flow      in the %s, sigma %.4g to %.5g, divergence %s", space_names[d->space + 1],
                    d->sigma_min, d->sigma_max, divergence_names[d->divergence + 1]));
  if (d->divergence == DIVERGENCE_HUTCHINSON) PetscCall(AdPrint(" of %d probes", d->probes));
  PetscCall(AdPrint("\nrows      %lld of split %s\n", (long long)s->N, subject_splits[l->options.split]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintLine(const char *what, double value, double err, double d)
{
  PetscFunctionBegin;
  PetscCall(AdPrint("%-54s %10.5f(%.5f) nats %10.5f bits/dim\n", what, value, err, value / (d * log(2))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Print(const Subject *s, const Likelihood *l)
{
  const double d = s->c->d;

  PetscFunctionBegin;
  PetscCall(PrintLine("negative log-likelihood, diffused units", l->mean[NLL], l->err[NLL], d));
  PetscCall(PrintLine("negative log-likelihood, raw units", l->mean[NLL] + l->log_scale, l->err[NLL], d));
  if (l->exact) {
    PetscCall(
        PrintLine("of the law itself, same rows, diffused units", l->mean[EXACT_NLL], l->err[EXACT_NLL], d));
    if (l->entropy_known)
      PetscCall(PrintLine("entropy of the law, diffused units", l->integrals.entropy, 0, d));
    PetscCall(PrintLine("KL of law and model (paired difference)", l->mean[KL], l->err[KL], d));
    PetscCall(PrintLine("  of which noise of sigma_min", -l->mean[SMOOTHING], l->err[SMOOTHING], d));
    PetscCall(PrintLine("  of which Gaussian prior at sigma_max", -l->mean[PRIOR_GAP], l->err[PRIOR_GAP], d));
  }
  if (l->path.nodes) {
    if (s->truth)
      PetscCall(PrintLine(strcmp(s->label, "joint net") ? "path-space KL, whatever the process"
                                                        : "path-space KL of this process",
                          l->path.kl, l->path.kl_err, d));
    if (!l->exact) /* E KL(z | x0 || prior) = I(x0; z) + KL(z || prior) */
      PetscCall(PrintLine("  Gaussian prior at sigma_max shifts this by less than", l->path.prior_kl, 0, d));
    PetscCall(PrintLine("variational bound, diffused units", l->path.bound, l->path.bound_err, d));
  }
  PetscCall(AdPrint("cost      %.5g forward and backward passes a row\n", l->pullbacks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteNumber(Output out, const char *group, const char *name, const char *source,
                                  double value, double err)
{
  const int64_t  one    = 1;
  const DataInfo number = {"", "nats", source}, error = {"", "nats", "standard error over rows"};
  char           path[128];

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "%s/%s", group, name);
  PetscCall(OutputWrite(out, path, AD_DOUBLE, 1, &one, &value, &number));
  snprintf(path, sizeof(path), "%s/%s_stderr", group, name);
  PetscCall(OutputWrite(out, path, AD_DOUBLE, 1, &one, &err, &error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRowsAndMeans(const Subject *s, const Likelihood *l, Output out)
{
  const int64_t  dims[1] = {s->N};
  const char    *group   = "/likelihood";
  const DataInfo model   = {
        "sample", "nats",
        "log p(x0) of the model noised by sigma_min, per unit of diffused volume; raw: minus "
          "attribute log_scale"};
  const DataInfo exact = {"sample", "nats", "log p(x0) of the law, per unit of diffused volume"};

  PetscFunctionBegin;
  PetscCall(OutputWriteRows(out, "/likelihood/log_density", AD_DOUBLE, 1, dims, s->first, s->n, l->rows.logp,
                            &model));
  PetscCall(WriteNumber(out, group, "nll", "mean of -log_density", l->mean[NLL], l->err[NLL]));
  PetscCall(WriteNumber(out, group, "nll_raw", "the same per unit of raw volume", l->mean[NLL] + l->log_scale,
                        l->err[NLL]));
  if (!l->exact) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OutputWriteRows(out, "/likelihood/exact_log_density", AD_DOUBLE, 1, dims, s->first, s->n,
                            l->exact, &exact));
  PetscCall(WriteNumber(out, group, "exact_nll", "mean of -exact_log_density", l->mean[EXACT_NLL],
                        l->err[EXACT_NLL]));
  PetscCall(
      WriteNumber(out, group, "kl", "mean of exact_log_density - log_density", l->mean[KL], l->err[KL]));
  PetscCall(WriteNumber(out, group, "kl_noise", "part of kl: the law noised by sigma_min",
                        -l->mean[SMOOTHING], l->err[SMOOTHING]));
  PetscCall(WriteNumber(out, group, "kl_prior", "part of kl: Gaussian in place of the law at sigma_max",
                        -l->mean[PRIOR_GAP], l->err[PRIOR_GAP]));
  if (l->entropy_known) PetscCall(OutputAttrReal(out, group, "entropy", 1, &l->integrals.entropy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePath(const PathResult *p, PetscBool law, Output out)
{
  const int64_t  n      = p->nodes;
  const DataInfo sigma  = {"sigma", "diffused", "midpoints in log sigma"};
  const DataInfo error  = {"sigma", "diffused^2", "E|x0 - D_m|^2"};
  const DataInfo excess = {"sigma", "diffused^2", "E|D - D_m|^2"};
  const DataInfo se     = {"sigma", "diffused^2", "standard error over rows"};

  PetscFunctionBegin;
  PetscCall(OutputWrite(out, "/path_kl/sigma", AD_DOUBLE, 1, &n, p->sigma, &sigma));
  PetscCall(OutputWrite(out, "/path_kl/error", AD_DOUBLE, 1, &n, p->error, &error));
  PetscCall(OutputWrite(out, "/path_kl/error_stderr", AD_DOUBLE, 1, &n, p->error_err, &se));
  PetscCall(WriteNumber(out, "/path_kl", "nll_bound", "variational bound on nll, diffused units", p->bound,
                        p->bound_err));
  PetscCall(OutputAttrReal(out, "/path_kl", "prior_kl", 1, &p->prior_kl));
  PetscCall(OutputAttrReal(out, "/path_kl", "decoder_sd", 1, &p->decoder_sd));
  if (!law) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OutputWrite(out, "/path_kl/excess", AD_DOUBLE, 1, &n, p->excess, &excess));
  PetscCall(OutputWrite(out, "/path_kl/excess_stderr", AD_DOUBLE, 1, &n, p->excess_err, &se));
  PetscCall(WriteNumber(out, "/path_kl", "total", "1/2 int E|D - D_m|^2 d(1/sigma2)", p->kl, p->kl_err));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const Subject *s, const Likelihood *l, Output out)
{
  const DensitySettings *d     = &l->density;
  const char            *group = "/likelihood";

  PetscFunctionBegin;
  PetscCall(WriteRowsAndMeans(s, l, out));
  PetscCall(OutputAttrString(out, group, "space", space_names[d->space + 1]));
  PetscCall(OutputAttrString(out, group, "divergence", divergence_names[d->divergence + 1]));
  PetscCall(OutputAttrReal(out, group, "sigma_min", 1, &d->sigma_min));
  PetscCall(OutputAttrReal(out, group, "sigma_max", 1, &d->sigma_max));
  PetscCall(OutputAttrReal(out, group, "log_scale", 1, &l->log_scale));
  PetscCall(OutputAttrReal(out, group, "pullbacks_a_row", 1, &l->pullbacks));
  if (l->path.nodes) PetscCall(WritePath(&l->path, s->truth || s->exact ? PETSC_TRUE : PETSC_FALSE, out));
  PetscCall(SubjectWrite(s, l->options.split, group, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  LikelihoodRun - adiff likelihood: /likelihood (rows, mean, KL where the law is known) and /path_kl

  Errors: AD_ERR_INPUT for data in other units than the weights', a joint net in the clock, sigmas out of reach
*/
PetscErrorCode LikelihoodRun(const CommandLine *line)
{
  Subject    s;
  Likelihood l = {0};
  Output     out;

  PetscFunctionBegin;
  PetscCall(SubjectRead(line, &s));
  PetscCall(ReadOptions(&l.options));
  PetscCall(OptionsCheckUnused(line->name));
  PetscCall(SubjectSetUp(&s, line->name));
  PetscCall(SubjectTakeRows(&s, l.options.split, l.options.rows, "-likelihood_rows"));
  PetscCall(Resolve(&s, line->seed, &l));
  PetscCall(PrintSettings(&s, &l));
  PetscCall(Compute(&s, &l));
  PetscCall(Print(&s, &l));
  PetscCall(OutputOpen(line->output, line->name, &out));
  PetscCall(Write(&s, &l, out));
  PetscCall(OutputClose(&out));
  PetscCall(AdPrint("wrote     %s\n", line->output));
  PetscCall(PathFree(&l.path));
  PetscCall(PetscFree(l.exact));
  PetscCall(PetscFree3(l.rows.logp, l.rows.end, l.rows.prior));
  PetscCall(SubjectDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
