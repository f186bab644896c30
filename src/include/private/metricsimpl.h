#ifndef AD_METRICSIMPL_H
#define AD_METRICSIMPL_H
#include "admetrickernels.h"
#include "admetrics.h"

/* A set of rows: every rank holds them all, and forms the sums of its own share */
typedef struct {
  int64_t       N, first, n; /* all rows; those of this rank, cut at multiples of METRIC_BLOCK */
  const double *x;           /* [N][d] raw, borrowed */
  double       *points;      /* [N][D] */
} Cloud;

/* One or two columns, and a grid of bins over them */
typedef struct {
  int     rank, axis[2], bins[2];
  int     torus;        /* periodic columns in radians; else a box */
  double  unit[2];      /* by which raw columns are multiplied first */
  double  turn[2];      /* period after that; 0: not periodic */
  double  lo[2], hi[2]; /* after that */
  int64_t K;
  long   *count; /* [K + 1] of the reference, those outside last */
  double *share; /* [K + 1] */
} Grid;

enum { METRICS_MAX = 16 };

struct _n_Metrics {
  MetricsSettings settings;
  Coordinates     coordinates;
  MixtureData     law; /* n = 0: none */
  double         *weight, *mean, *var;
  int             d, D; /* columns; coordinates of points: two for a periodic column, else one */
  /* what is asked for */
  int                 nm, chosen[METRICS_MAX]; /* index into the table of all columns */
  const MetricColumn *column[METRICS_MAX];
  int                *use; /* [families] */
  /* reference */
  Cloud reference;
  /* energy: reference points as the kernel wants them, sum of their distances */
  double *packed, sum_yy;
  /* sliced Wasserstein: all directions, and the sorted projections of the reference on this rank's */
  int64_t L, first_l, nl;
  double *direction;             /* [L][D] */
  double *sorted;                /* [nl][reference.N] */
  Grid    plane, window, basins; /* rank 0: none */
  double *mass;                  /* [window.K] exact */
};

/* Metrics that are computed together */
typedef struct {
  const char *name, *needs;
  int         width;
  PetscBool (*applies)(Metrics);
  PetscErrorCode (*setup)(Metrics);
  PetscErrorCode (*evaluate)(Metrics, const Cloud *, double *value);
} MetricFamily;

typedef struct {
  MetricColumn column;
  int          family, slot;
} MetricEntry;

extern const MetricFamily metric_families[];
extern const MetricEntry  metric_entries[];
extern const int          metric_nfamilies, metric_nentries;

PetscErrorCode MetricsCount(Metrics metrics, const Grid *grid, const Cloud *rows, long *count);
PetscErrorCode MetricsSetUpPlane(Metrics metrics);

/* ---- the command ---- */

typedef struct {
  MetricsSettings settings;
  char            list[512], reference[PETSC_MAX_PATH_LEN];
  PetscInt        rows, floors;
} Choices;

/* What a sample file says of its run becomes a column of the result, one entry a group: metrics_files.c */
typedef struct {
  const char *object, *attribute, *name;
  int         is_text;
} RunColumn;

enum { RUN_COLUMNS_MAX = 24, RUN_TEXT = 128 };

typedef struct {
  char    label[METRICS_LABEL];
  int64_t N;
  int     width; /* numbers a row */
  char    text[RUN_COLUMNS_MAX][RUN_TEXT];
  double  number[RUN_COLUMNS_MAX];
} SampleFile;

/* Everything between reading options and writing results */
typedef struct {
  Choices            choices;
  Dataset            dataset; /* NULL with -metrics_reference */
  PetscBool          endless; /* a law, not a file */
  Coordinates        coordinates;
  char              *columns; /* their names */
  int64_t            M;
  double            *rows;  /* [M][d] of the reference, raw units */
  const char        *label; /* of the reference */
  const MixtureData *law;
  Metrics            metrics;
  /* results */
  int                        nfiles, nm, ng;
  char *const               *path;                /* [nfiles] */
  SampleFile                *file;                /* [nfiles] */
  int                       *group, *files;       /* [nfiles], [ng] */
  double                    *single, *mean, *err; /* [nfiles][nm], [ng][nm], [ng][nm] */
  double                    *share;               /* [ng][K + 1], mean histogram of a group */
  double                    *floor, *floor_err, *iid, *iid_err, *level, *level_err; /* [nm] */
  const MetricColumn *const *column;
  MetricsHistogram           histogram;
} Comparison;

PetscErrorCode MetricsReadShape(const char *path, Input in, int64_t *N, int *width);
PetscErrorCode MetricsReadState(const char *path, Input in, int64_t N, int width, int d, double **x);
PetscErrorCode MetricsReadHeader(const Comparison *c, const char *path, SampleFile *file);
PetscErrorCode MetricsWrite(const Comparison *c, Output out);

#endif
