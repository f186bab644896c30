#ifndef ADMETRICKERNELS_H
#define ADMETRICKERNELS_H

/*
  Distances between samples and laws, as pure kernels: no MPI, no allocation, no errors. Logarithms are natural.

  Sums over rows come in blocks of METRIC_BLOCK rows by global row index, so that any number of ranks computes them
  with the same bits:
    1. each rank takes rows that begin at a multiple of METRIC_BLOCK (AdSplitRows with that block);
    2. an *_block_sums() kernel, given those rows (X points at the first), writes one record a block;
    3. the records are gathered and added in index order (AdSumBlocks, or block_sum_total() on one rank).
  Counts are integers (long): any sum over ranks is exact. A value that is not finite gives NaN, or is left out of
  the counts, as each function says: a sampler that blew up never looks good.
*/

enum { METRIC_BLOCK = 256 };

/* Basins of alanine dipeptide that together cover the (phi, psi) torus */
typedef enum { BASIN_ALPHA_R, BASIN_PII, BASIN_C5, BASIN_ALPHA_L, ALANINE_BASINS } AlanineBasin;

enum { ALANINE_CENTRES = 3 };

extern const double alanine_centres[ALANINE_CENTRES][2]; /* (phi, psi) of alphaR, PII, C5 in radians */
extern const double alanine_radius;                      /* 30 degrees in radians */

/* Blocks, moments, standard errors: analysis/metrics/metric_kernels.c */
long metric_blocks(long n);
void metric_split(long n, int part, int parts, long *begin, long *end);
void block_sum_total(long blocks, long width, const double *restrict sums, double *restrict total);
void moment_block_sums(long n, int d, const double *restrict X, double *restrict sums);
void covariance_block_sums(long n, int d, const double *restrict X, const double *restrict mean, int begin,
                           int end, double *restrict sums);
long covariance_width(int d, int begin, int end);
void covariance_from_sums(long N, int d, const double *restrict upper, double *restrict S);
void mean_stderr(long R, const double *values, double *mean, double *err);

void circle_embed(long n, int d, const double *restrict angles, double *restrict points);

/* Sums over pairs, neighbours: analysis/metrics/metric_pairs.c */
long   energy_packed_length(long m, int d);
void   energy_pack(long m, int d, const double *restrict Y, double *restrict packed);
void   pair_block_sums(long n, int d, const double *restrict X, long m, const double *restrict packed,
                       double beta, double *restrict distance, double *restrict gauss);
void   energy_block_sums(long n, int d, const double *restrict X, long m, const double *restrict packed,
                         double *restrict sums);
double energy_distance(long n, long m, double sum_xy, double sum_xx, double sum_yy);
double unbiased_mmd(long n, long m, double sum_xy, double sum_xx, double sum_yy);
double polynomial_sum(long n, int d, const double *restrict X, long m, const double *restrict packed);
double polynomial_self_sum(long n, int d, const double *restrict X);
void   pair_distances(long m, int d, const double *restrict X, double *restrict distances);
void   nearest_squares(long n, int d, const double *restrict X, long first, long m,
                       const double *restrict packed, long start, int k, double *restrict best);
void   ball_counts(long n, int d, const double *restrict X, const double *restrict own, long m,
                   const double *restrict packed, const double *restrict radius, long *restrict inside,
                   long *restrict reached);

/* Kernel densities: analysis/metrics/metric_density.c */
void quartiles(long n, const double *sorted, double *q1, double *q3);
void density_strip_add(long n, int d, const double *restrict X, double h, int G, const double *restrict lo,
                       const double *restrict hi, int first, int rows, double *restrict work,
                       double *restrict density);
void density_overlap(long n, const double *restrict p, double sum_p, const double *restrict q, double sum_q,
                     double *kl, double *bc);

/* Histograms and divergences: analysis/metrics/metric_histogram.c */
long   histogram_size(int d, const int *bins);
long   torus_histogram(long n, int d, const double *restrict X, const int *restrict bins,
                       long *restrict counts);
long   box_histogram(long n, int d, const double *restrict X, const int *restrict bins,
                     const double *restrict lo, const double *restrict hi, long *restrict counts);
void   histogram_shares(long K, const long *restrict counts, double *restrict shares);
double js_divergence(long K, const double *p, const double *q);
double js_noise_floor(long K, const long *a, const long *b);
double kl_to_counts(long K, const double *restrict p, const long *restrict counts, long N);
void   mixture_bin_masses(long n, int d, const double *restrict weights, const double *restrict means,
                          const double *restrict vars, const int *restrict bins, const double *restrict lo,
                          const double *restrict hi, double *restrict work, double *restrict mass);

/* Wasserstein distances: analysis/metrics/metric_transport.c */
void   circle_directions(int L, double *dirs);
void   unit_rows(long L, int d, double *rows);
void   sort_doubles(long n, double *restrict a, double *restrict work);
void   sorted_wasserstein(long n, const double *x, long m, const double *y, double *w1, double *w2sq);
void   projected_wasserstein(long n, int d, const double *X, long m, const double *Y,
                             const double *restrict dir, double *restrict work, double *w1, double *w2sq);
double sliced_wasserstein(long L, const double *w2sq);
double circle_wasserstein1(long n, const double *x, long m, const double *y, double period, double *work);
double mixture_wasserstein1(long n, const double *restrict x, int K, const double *restrict weights,
                            const double *restrict means, const double *restrict vars, double *restrict work);

/* Modes and basins: analysis/metrics/metric_modes.c */
long   mode_record(int K, int d);
void   mode_block_sums(long n, int d, const double *restrict X, int K, const double *restrict centres,
                       double *restrict sums);
long   count_inside(long n, int d, const double *restrict X, int K, const double *restrict centres,
                    double radius);
void   mode_summary(long N, int d, int K, const double *restrict totals, double *restrict weights,
                    double *restrict sd);
double total_variation(long K, const double *p, const double *q);
void   torus_centre_counts(long n, const double *restrict angles, int K, const double (*restrict centres)[2],
                           double radius, long *restrict counts);
void   alanine_basin_counts(long n, const double *restrict angles, long counts[ALANINE_BASINS]);

#endif
