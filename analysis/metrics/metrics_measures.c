/*
  The table of metrics: which apply, which are taken without being asked for
*/
#include "private/metricsimpl.h"

static PetscBool always(Metrics m)
{
  return PETSC_TRUE;
}

static PetscBool never(Metrics m)
{
  return PETSC_FALSE;
}

static PetscBool has_plane(Metrics m)
{
  return m->plane.rank ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_widths(const MixtureData *law)
{
  for (int k = 0; k < law->n * law->d; k++)
    if (!(law->var[k] > 0)) return PETSC_FALSE;
  return law->n ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_exact_bins(Metrics m)
{
  return m->d <= 2 && has_widths(&m->law) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_exact_line(Metrics m)
{
  return m->d == 1 && has_widths(&m->law) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_columns(Metrics m)
{
  return m->d > 1 ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_many_columns(Metrics m)
{
  return m->d > 2 ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_few_columns(Metrics m)
{
  return m->d <= 2 ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool has_one_width(const MixtureData *law)
{
  for (int k = 0; k < law->n * law->d; k++)
    if (law->var[k] != law->var[0]) return PETSC_FALSE;
  return has_widths(law);
}

static PetscBool has_equal_modes(Metrics m)
{
  return has_one_width(&m->peaks);
}

static PetscBool has_equal_parts(Metrics m)
{
  return has_one_width(&m->law);
}

static PetscBool has_basins(Metrics m)
{
  return m->basins.rank ? PETSC_TRUE : PETSC_FALSE;
}

/* Modes that a person tells apart; curves made of thousands of Gaussians have none */
static PetscBool has_few_modes(Metrics m)
{
  return m->peaks.n && m->peaks.n <= 100 ? PETSC_TRUE : PETSC_FALSE;
}

static int count_modes(Metrics m)
{
  return m->peaks.n;
}

static int count_columns(Metrics m)
{
  return m->d;
}

enum {
  PAIRS,
  DIVERGENCE,
  SLICED,
  WINDOW,
  LINE,
  COLUMNS,
  SHARE,
  MODES,
  BASINS,
  SUBSETS,
  FRECHET,
  BALLS,
  DENSITIES
};

const MetricFamily metric_families[] = {
    [PAIRS] = {"pairs", "", 2, 0, always, PairsSetUp, PairsEvaluate}, /* PairsEvaluate relies on its place */
    [DIVERGENCE] = {"js", "one or two columns, or columns named phi and psi", 1, 0, has_plane, NULL,
                    DivergenceEvaluate},
    [SLICED]     = {"sw2", "", 1, 0, always, SlicedSetUp, SlicedEvaluate},
    [WINDOW]    = {"kl", "a mixture of one or two columns with widths > 0", 1, 0, has_exact_bins, WindowSetUp,
                   WindowEvaluate},
    [LINE]      = {"w1", "a mixture of one column with widths > 0", 1, 0, has_exact_line, NULL, LineEvaluate},
    [COLUMNS]   = {"columns", "two columns or more", 2, 0, has_columns, ColumnsSetUp, ColumnsEvaluate},
    [SHARE]     = {"share3", "a law made of Gaussians of one width > 0", 1, 0, has_equal_parts, NULL,
                   ShareEvaluate},
    [MODES]     = {"modes", "data with separate clusters of one width > 0", 2, 0, has_equal_modes, NULL,
                   ModesEvaluate},
    [BASINS]    = {"basins", "periodic columns named phi and psi, or -metrics_basins true", ALANINE_BASINS, 0,
                   has_basins, NULL, BasinsEvaluate},
    [SUBSETS]   = {"kid", "", 1, 1, always, NULL, SubsetsEvaluate},
    [FRECHET]   = {"frechet", "", 1, 1, always, FrechetSetUp, FrechetEvaluate},
    [BALLS]     = {"balls", "", 4, 1, always, BallsSetUp, BallsEvaluate},
    [DENSITIES] = {"kde", "one or two columns", 2, 1, has_few_columns, NULL, DensityEvaluate},
};
const int metric_nfamilies = sizeof(metric_families) / sizeof(metric_families[0]);

const MetricEntry metric_entries[] = {
    {{"energy", "scale", "energy distance sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|); angles as points on circles",
      METRIC_DISTANCE},
     PAIRS,
     0,
     always},
    {{"js", "nat", "Jensen-Shannon divergence of histograms, KL(p|m)/2 + KL(q|m)/2 with m = (p+q)/2",
      METRIC_DISTANCE},
     DIVERGENCE,
     0,
     always},
    {{"sw2", "scale",
      "sliced Wasserstein distance, root of the mean of W2^2 over directions; angles as points on "
      "circles",
      METRIC_DISTANCE},
     SLICED,
     0,
     always},
    {{"kl", "nat", "KL(exact bin masses || (n + 1/2)/(N + K/2))", METRIC_DISTANCE}, WINDOW, 0, always},
    {{"w1", "raw", "Wasserstein distance from the exact law", METRIC_DISTANCE}, LINE, 0, always},
    {{"w1_mean", "scale", "Wasserstein distance of a column, mean over columns; angles along their circle",
      METRIC_DISTANCE},
     COLUMNS,
     0,
     has_many_columns},
    {{"w1_max", "scale", "Wasserstein distance of the column that is farthest off", METRIC_DISTANCE},
     COLUMNS,
     1,
     has_many_columns},
    {{"share3", "1", "share of the samples within three widths of a peak, or of a curve", METRIC_LEVEL},
     SHARE,
     0,
     has_few_modes},
    {{"tv", "1", "total variation between mode weights and shares of samples nearest to each centre",
      METRIC_DISTANCE},
     MODES,
     0,
     has_few_modes},
    {{"sd", "raw", "standard deviation within a mode, about its own mean, pooled", METRIC_LEVEL},
     MODES,
     1,
     has_few_modes},
    {{"pop_alphaR", "1", "share of samples in the basin alphaR", METRIC_LEVEL},
     BASINS,
     BASIN_ALPHA_R,
     always},
    {{"pop_PII", "1", "share of samples in the basin PII", METRIC_LEVEL}, BASINS, BASIN_PII, always},
    {{"pop_C5", "1", "share of samples in the basin C5", METRIC_LEVEL}, BASINS, BASIN_C5, always},
    {{"pop_alphaL", "1", "share of samples in the basin alphaL", METRIC_LEVEL},
     BASINS,
     BASIN_ALPHA_L,
     always},
    {{"mmd", "1", "unbiased MMD^2 with the kernel exp(-|x-y|^2/(2 h^2)); angles as points on circles",
      METRIC_DISTANCE},
     PAIRS,
     1,
     never},
    {{"kid", "1", "unbiased MMD^2 with the kernel (x.y/d + 1)^3, mean over random subsets; raw columns",
      METRIC_DISTANCE},
     SUBSETS,
     0,
     never},
    {{"frechet", "raw^2", "|m1-m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2) of raw columns; biased by const/N",
      METRIC_DISTANCE},
     FRECHET,
     0,
     never},
    {{"precision", "1", "share of samples in a neighbour ball of the reference", METRIC_SCORE},
     BALLS,
     0,
     never},
    {{"recall", "1", "share of reference rows in a neighbour ball of the samples", METRIC_SCORE},
     BALLS,
     1,
     never},
    {{"density", "1", "neighbour balls of the reference that hold a sample, over the neighbours",
      METRIC_SCORE},
     BALLS,
     2,
     never},
    {{"coverage", "1", "share of the reference's neighbour balls that hold a sample", METRIC_SCORE},
     BALLS,
     3,
     never},
    {{"kde_kl", "nat", "KL(reference || samples) of kernel densities on a grid, outliers cut",
      METRIC_DISTANCE},
     DENSITIES,
     0,
     never},
    {{"kde_bc", "1", "Bhattacharyya coefficient of the same densities; 1 is best", METRIC_SCORE},
     DENSITIES,
     1,
     never},
};
const int metric_nentries = sizeof(metric_entries) / sizeof(metric_entries[0]);

const MetricPartEntry metric_parts[] = {
    {"column_w1", "column", "scale", "Wasserstein distance of each column; angles along their circle",
     COLUMNS, count_columns},
    {"mode_weight", "mode", "1", "share of samples nearest to the centre of each mode", MODES, count_modes},
    {"mode_sd", "mode", "raw", "deviation of a coordinate within each mode, about its own mean", MODES,
     count_modes},
};
const int metric_nparts = sizeof(metric_parts) / sizeof(metric_parts[0]);
