#ifndef ADMETRICS_H
#define ADMETRICS_H
#include "addataset.h"

/*
  Metrics - how far samples are from reference rows

  What depends on the reference alone is computed once, in MetricsCreate; then MetricsCompute takes one set of
  samples after another. Rows of the samples and directions of projections are shared out over the ranks, and
  all sums run in a fixed order: the values have the same bits on any number of ranks.
*/
typedef struct _n_Metrics *Metrics;

typedef enum {
  METRIC_DISTANCE, /* from the reference; 0 is best */
  METRIC_LEVEL     /* a property of the samples; that of the reference is best */
} MetricKind;

typedef struct {
  const char *name, *units, *text;
  MetricKind  kind;
} MetricColumn;

typedef struct {
  const char *list;       /* names with commas between them; "": all that apply */
  int         directions; /* of sliced Wasserstein distances */
  int         bins;       /* an axis, of histograms for the Jensen-Shannon divergence */
  int         kl_bins;    /* an axis, of the Kullback-Leibler divergence; 0: 120 on a line, 64 in the plane */
  double      window[2]; /* lo, hi of its bins on every axis; equal: [-3.2, 3.2] on a line, [-1.1, 1.1] in the
                             plane, or four widths beyond the outermost centre where that is more */
  PetscBool   basins;    /* take the first two columns for phi and psi, whatever their names */
  uint64_t    seed;      /* of the directions in more than two dimensions */
} MetricsSettings;

extern const MetricsSettings metrics_defaults;

/* What samples are compared with; every rank holds all rows. Copied by MetricsCreate, except x */
typedef struct {
  int64_t            N;
  const double      *x;           /* [N][d] raw units */
  const Coordinates *coordinates; /* d, names, periods; scale is the unit of columns not periodic */
  const MixtureData *law;         /* of which x are samples, in raw units; NULL: not known */
} MetricsReference;

/* Shares of the rows in equal bins over one or two columns; the last share is that of rows outside */
typedef struct {
  int           rank, bins, axis[2]; /* rank 0: no histogram */
  int64_t       K;                   /* bins^rank */
  double        lo[2], hi[2];        /* raw units */
  const double *share;               /* [K + 1] of the reference */
} MetricsHistogram;

PetscErrorCode MetricsCreate(const MetricsSettings *settings, const MetricsReference *reference,
                             Metrics *metrics);
PetscErrorCode MetricsGetColumns(Metrics metrics, int *nm, const MetricColumn *const **column);
PetscErrorCode MetricsGetHistogram(Metrics metrics, MetricsHistogram *histogram);
PetscErrorCode MetricsCompute(Metrics metrics, int64_t N, const double *x, double *value, double *share);
PetscErrorCode MetricsGetLevels(Metrics metrics, double *value, double *err);
PetscErrorCode MetricsGetIidFloor(Metrics metrics, int64_t N, double *value);
PetscErrorCode MetricsDestroy(Metrics *metrics);
PetscErrorCode MetricsSpacedRows(Dataset dataset, DatasetSplit split, int64_t first, int64_t N, double **x);
PetscErrorCode MetricsListNames(size_t size, char *text);

/* Files with one label are repetitions of one run: analysis/metrics_table.c */
#define METRICS_LABEL 512

int  label_groups(int n, const char *const *label, int *group);
void group_statistics(int n, int nm, const double *single, const int *group, int ng, double *work, int *files,
                      double *mean, double *err);
void factor_labels(int n, const char *const *label, size_t size, char *common, char (*own)[METRICS_LABEL]);
void format_estimate(double value, double err, size_t size, char *text);

/* A line of the table; one without any number is left out */
typedef struct {
  const char   *label;
  int           files;       /* 0: no count */
  const double *value, *err; /* [nm]; NaN: a dash, or no error */
} MetricsLine;

PetscErrorCode MetricsPrintTable(int nm, const MetricColumn *const *column, int nlines,
                                 const MetricsLine *line);

#endif
