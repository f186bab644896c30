#ifndef AD_METRICSIMPL_H
#define AD_METRICSIMPL_H
#include "admetrickernels.h"
#include "admetrics.h"

/* A set of rows; each rank holds its share, cut at multiples of METRIC_BLOCK */
typedef struct {
  int64_t       N, first, n; /* rows of all ranks; those of this rank */
  int64_t      *start;       /* [ranks + 1] */
  const double *x;           /* [n][d] raw, borrowed or own */
  double       *own;         /* x where this set owns it */
  double       *points;      /* [n][D] */
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

/* Lines (projections, columns): each has an owner, which alone sees all numbers on it */
typedef struct {
  int64_t lines, first, n, rounds; /* of all ranks; this rank's; most that a rank has */
  double *sorted;                  /* [n][reference.N] */
} LineSet;

enum { METRICS_MAX = 32, PARTS_MAX = 4 };

struct _n_Metrics {
  MetricsSettings settings;
  Coordinates     coordinates;
  MixtureData     law, peaks; /* n = 0: none */
  int             d, D;       /* columns; coordinates of points: two for a periodic column, else one */
  /* what is asked for */
  int nm, nv, chosen[METRICS_MAX]; /* columns, numbers with parts; index into the table of all columns */
  const MetricColumn *column[METRICS_MAX];
  int                *use, *width; /* [families] slots in use as bits; numbers of a family */
  int                 nparts, widest, part_family[PARTS_MAX];
  MetricPart          part[PARTS_MAX];
  PetscBool           in_jackknife; /* only what is cheap */
  /* reference */
  Cloud reference;
  /* pairs: 1/(2 h^2), sums of distances and of Gaussians over its own pairs */
  double beta, sum_yy[2];
  /* Wasserstein distances: projections and columns, and what this rank's lines hold of the reference */
  LineSet slices, columns;
  double *direction;             /* [slices.lines][D] */
  Grid    plane, window, basins; /* rank 0: none */
  double *mass;                  /* [window.K] exact */
  double *features, *root;       /* Frechet: mean[D], covariance^(1/2) [D][D] on rank 0 */
  double *radius;                /* [reference.n] squares, of the balls about its rows */
};

/* Metrics that are computed together */
typedef struct {
  const char *name, *needs;
  int         slots;
  int         dear; /* too slow for a standard error from many recomputations */
  PetscBool (*applies)(Metrics);
  PetscErrorCode (*setup)(Metrics);
  PetscErrorCode (*evaluate)(Metrics, const Cloud *, double *value);
} MetricFamily;

typedef struct {
  MetricColumn column;
  int          family, slot;
  PetscBool (*usual)(Metrics); /* taken without being asked for, if it applies */
} MetricEntry;

/* Numbers of a family behind its slots, n(m) for each part in the order of the table */
typedef struct {
  const char *name, *axis, *units, *text;
  int         family;
  int (*n)(Metrics);
} MetricPartEntry;

extern const MetricFamily    metric_families[];
extern const MetricEntry     metric_entries[];
extern const MetricPartEntry metric_parts[];
extern const int             metric_nfamilies, metric_nentries, metric_nparts;

/* Rows over ranks: metrics_rows.c */
PetscErrorCode CloudCreate(Metrics m, int64_t N, const double *x, Cloud *cloud);
PetscErrorCode CloudTake(Metrics m, const Cloud *from, int64_t N, const int64_t *index, Cloud *cloud);
PetscErrorCode CloudFree(Cloud *cloud);
PetscErrorCode CloudGetBlock(const Cloud *cloud, int64_t s, int width, const double *local, double *block,
                             long *rows);
PetscErrorCode RowsPick(const int64_t *start, int width, const double *x, int64_t N, const int64_t *index,
                        const int64_t *target, double *out);
PetscErrorCode RowsSpread(const int64_t *start, int width, const double *x, int64_t N, const int64_t *index,
                          double *out);
void           embed_rows(const Coordinates *c, int64_t n, const double *x, int scaled, double *points);

typedef void (*LineFill)(Metrics m, const Cloud *rows, int64_t line, double *v);
PetscErrorCode LineSetCreate(Metrics m, int64_t lines, LineFill fill, LineSet *set);
PetscErrorCode LineGather(Metrics m, const LineSet *set, const Cloud *rows, LineFill fill, int64_t round,
                          double *all);
PetscErrorCode LineSorted(Metrics m, const LineSet *set, const Cloud *rows, LineFill fill, int64_t round,
                          double *all, double *work);
void           column_values(Metrics m, const Cloud *rows, int64_t line, double *v);

/* Pairs: metrics_pairs.c */
PetscErrorCode PairsSetUp(Metrics m);
PetscErrorCode PairsEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode SubsetsEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode BallsSetUp(Metrics m);
PetscErrorCode BallsEvaluate(Metrics m, const Cloud *rows, double *value);

/* Bins: metrics_bins.c */
PetscErrorCode MetricsCount(Metrics metrics, const Grid *grid, const Cloud *rows, long *count);
PetscErrorCode MetricsSetUpPlane(Metrics metrics);
PetscErrorCode DivergenceEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode WindowSetUp(Metrics m);
PetscErrorCode WindowEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode ShareEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode ModesEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode BasinsEvaluate(Metrics m, const Cloud *rows, double *value);

/* Lines: metrics_lines.c */
PetscErrorCode SlicedSetUp(Metrics m);
PetscErrorCode SlicedEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode LineEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode ColumnsSetUp(Metrics m);
PetscErrorCode ColumnsEvaluate(Metrics m, const Cloud *rows, double *value);

/* Moments and kernel densities: metrics_shape.c */
PetscErrorCode FrechetSetUp(Metrics m);
PetscErrorCode FrechetEvaluate(Metrics m, const Cloud *rows, double *value);
PetscErrorCode DensityEvaluate(Metrics m, const Cloud *rows, double *value);

/* ---- the command ---- */

typedef struct {
  MetricsSettings settings;
  char            list[512], reference[PETSC_MAX_PATH_LEN], set[256];
  PetscInt        rows, floors;
} Choices;

/* What a sample file says of its run becomes a column of the result, one entry a group: metrics_files.c */
typedef struct {
  const char *object, *attribute, *name;
  int         is_text;
} RunColumn;

enum { RUN_COLUMNS_MAX = 24, RUN_TEXT = 128 };

/* A file of rows: HDF5, of adiff or not, or text */
typedef struct {
  char        label[METRICS_LABEL];
  const char *path;
  char        set[256]; /* dataset of an HDF5 file; empty: a text file */
  int64_t     N;
  int         width;       /* numbers a row, of which the first are the data */
  Coordinates coordinates; /* d = 0: the file does not say */
  char (*name)[32];        /* [width] */
  char   text[RUN_COLUMNS_MAX][RUN_TEXT];
  double number[RUN_COLUMNS_MAX];
} SampleFile;

/* Everything between reading options and writing results */
typedef struct {
  Choices     choices;
  Dataset     dataset; /* NULL: the reference is a file */
  PetscBool   last;    /* the reference is the last of the files given */
  PetscBool   endless; /* a law, not a file */
  SampleFile  source;  /* the reference where it is a file */
  Coordinates coordinates;
  char       *columns; /* their names */
  PetscBool   named;   /* by the reference itself, not x1, x2, ... */
  int64_t     M;
  double     *rows;       /* of the reference, this rank's, raw units */
  const char *label;      /* of the reference */
  MixtureData law, peaks; /* raw units; n = 0: none */
  Metrics     metrics;
  /* results: nm columns, nv numbers with the parts behind them */
  int                        nfiles, nm, nv, nparts, ng;
  char *const               *path;                /* [nfiles] */
  SampleFile                *file;                /* [nfiles] */
  int                       *group, *files;       /* [nfiles], [ng] */
  double                    *single, *mean, *err; /* [nfiles][nv], [ng][nv], [ng][nv] */
  double                    *jackknife;           /* [ng][nv], of groups of a single file */
  double                    *share;               /* [ng][K + 1], mean histogram of a group */
  double                    *floor, *floor_err, *iid, *iid_err, *level, *level_err; /* [nv] */
  const MetricColumn *const *column;
  const MetricPart          *part;
  MetricsHistogram           histogram;
} Comparison;

PetscErrorCode MetricsReadChoices(Choices *c);
PetscErrorCode MetricsReadAmount(Choices *c);
PetscErrorCode MetricsOpenFile(const char *option, const char *path, const char *set, SampleFile *file);
PetscErrorCode MetricsReadRows(const SampleFile *file, int d, double **x);
PetscErrorCode MetricsCheckFile(const Comparison *c, const SampleFile *file);
PetscErrorCode MetricsCloseFile(SampleFile *file);
PetscErrorCode MetricsWrite(const Comparison *c, Output out);

#endif
