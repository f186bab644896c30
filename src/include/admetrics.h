#ifndef ADMETRICS_H
#define ADMETRICS_H
#include "addataset.h"

/*
  Metrics - how far samples are from reference rows

  What depends on the reference alone is computed once, in MetricsCreate; then MetricsCompute takes one set of
  samples after another. Rows are shared out over the ranks (AdSplitRows at multiples of METRIC_BLOCK) and stay
  there: pairs are formed with blocks of METRIC_BLOCK rows that are passed round in the order of their index, numbers
  on a line (projections, columns) go to the owner of the line. All sums run in a fixed order: the values have the
  same bits on any number of ranks.

  Memory of a rank, for N samples and M reference rows in d columns (D with angles as points), of which it holds n and m:
    rows and points (n + m)(d + D); 2 METRIC_BLOCK D to pass rows; sw2 and w1: 3 N + M, and M for each of its lines;
    js, kl: the bins; frechet: 3 D^2 and 2^22; kid: two subsets; kde: its share of the grid; and, for the errors of a
    single file, 8 N bytes of row numbers. Never the rows of another rank.
*/
typedef struct _n_Metrics *Metrics;

typedef enum {
  METRIC_DISTANCE, /* from the reference; 0 is best */
  METRIC_LEVEL,    /* a property of the samples; that of the reference is best */
  METRIC_SCORE /* of samples and reference together; that of independent draws of one law, the floor, is best */
} MetricKind;

typedef struct {
  const char *name, *units, *text;
  MetricKind  kind;
} MetricColumn;

/* Several numbers of one kind, behind the columns in the array of values: one a mode, one a column of the data */
typedef struct {
  const char *name, *axis, *units, *text;
  int         n, offset;
} MetricPart;

typedef struct {
  const char *list; /* names with commas between them; "": the usual ones that apply; "all": all that apply */
  int         directions; /* of sliced Wasserstein distances */
  int         bins;       /* an axis, of histograms for the Jensen-Shannon divergence */
  int         kl_bins;    /* an axis, of the Kullback-Leibler divergence; 0: 120 on a line, 64 in the plane */
  double      window[2];  /* lo, hi of its bins on every axis; equal: from the law (WindowSetUp) */
  PetscBool   basins;     /* take the first two columns for phi and psi, whatever their names */
  double      mmd_width;  /* of its Gaussian kernel; 0: median distance of the reference */
  int         kid_subsets, kid_size; /* random subsets, rows of each */
  int         neighbours;            /* which neighbour gives the radius of a ball */
  double      kde_bandwidth, kde_cut,
      kde_window[2];  /* equal: range of both sets; cut in interquartile ranges, 0: none */
  int      kde_grid;  /* points an axis */
  int      jackknife; /* stretches of a set left out in turn for its standard error; 0: none */
  uint64_t seed;      /* of directions in more than two dimensions and of subsets */
} MetricsSettings;

extern const MetricsSettings metrics_defaults;

/* What samples are compared with. Copied by MetricsCreate, except x */
typedef struct {
  int64_t            N; /* rows of all ranks */
  const double      *x; /* [n][d] raw units, those of this rank: AdSplitRows(N, METRIC_BLOCK, ...) */
  const Coordinates *coordinates; /* d, names, periods; scale is the unit of columns not periodic */
  const MixtureData *law;         /* of which x are samples, in raw units; NULL: not known */
  const MixtureData *peaks;       /* separate clusters, in raw units; NULL: none */
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
PetscErrorCode MetricsGetParts(Metrics metrics, int *nparts, const MetricPart **part, int *nv);
PetscErrorCode MetricsGetHistogram(Metrics metrics, MetricsHistogram *histogram);
PetscErrorCode MetricsCompute(Metrics metrics, int64_t N, const double *x, double *value, double *share);
PetscErrorCode MetricsGetLevels(Metrics metrics, double *value, double *err);
PetscErrorCode MetricsGetErrors(Metrics metrics, int64_t N, const double *x, double *err);
PetscErrorCode MetricsDestroy(Metrics *metrics);
PetscErrorCode MetricsSpacedRows(Dataset dataset, DatasetSplit split, int64_t first, int64_t N, double **x);
PetscErrorCode MetricsRestoreMixture(const MixtureData *from, const Coordinates *c, MixtureData *to);
PetscErrorCode MetricsFreeMixture(MixtureData *law);
PetscErrorCode MetricsListNames(size_t size, char *text);
PetscErrorCode MetricsDescribe(size_t size, char *text);
PetscErrorCode MetricsPickRows(int64_t N, int d, const double *x, int64_t picked, const int64_t *index,
                               double *out);

/* Files with one label are repetitions of one run: analysis/metrics/metrics_table.c */
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
