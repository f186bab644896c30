#include "admetrickernels.h"

#include <math.h>
#include <string.h>

#define PI     3.14159265358979323846
#define DEGREE (PI / 180.0)

const double alanine_centres[ALANINE_CENTRES][2] = {
    {-60.0 * DEGREE, -45.0 * DEGREE},
    {-75.0 * DEGREE, 145.0 * DEGREE},
    {-180.0 * DEGREE, 180.0 * DEGREE},
};
const double alanine_radius = 30.0 * DEGREE;

/* What mode_block_sums() keeps of a mode: samples, |x - c|^2, then x - c */
enum { MODE_COUNT, MODE_SQUARES, MODE_SHIFT };

/*
  mode_record - doubles a block that mode_block_sums() writes for K modes in d dimensions
*/
long mode_record(int K, int d)
{
  return (long)K * (MODE_SHIFT + d);
}

static double squared_distance(int d, const double *restrict x, const double *restrict y)
{
  double sum = 0.0;

  for (int k = 0; k < d; k++) sum += (x[k] - y[k]) * (x[k] - y[k]);
  return sum;
}

/* nearest_centre - index of the centre nearest to x and the squared distance; -1 if x is not finite */
static int nearest_centre(int d, const double *restrict x, int K, const double *restrict centres,
                          double *square)
{
  int best = -1;

  *square = INFINITY;
  for (int c = 0; c < K; c++) {
    const double s = squared_distance(d, x, centres + (long)c * d);

    if (s < *square) {
      *square = s;
      best    = c;
    }
  }
  return best;
}

/*
  mode_block_sums - counts and moments of the samples nearest to each centre, over each block

  Input:  X[n][d]        first row at the beginning of a block
          centres[K][d]  the known peaks
  Output: sums[metric_blocks(n)][mode_record(K, d)]; their total goes to mode_summary()
  Note:   samples that are not finite belong to no mode
*/
void mode_block_sums(long n, int d, const double *restrict X, int K, const double *restrict centres,
                     double *restrict sums)
{
  const long width = mode_record(K, d);

  memset(sums, 0, (size_t)(metric_blocks(n) * width) * sizeof(*sums));
  for (long i = 0; i < n; i++) {
    const double *x = X + i * d;
    double        square;
    const int     c = nearest_centre(d, x, K, centres, &square);

    if (c >= 0) {
      double *record = sums + i / METRIC_BLOCK * width + (long)c * (MODE_SHIFT + d);

      record[MODE_COUNT] += 1.0;
      record[MODE_SQUARES] += square;
      for (int k = 0; k < d; k++) record[MODE_SHIFT + k] += x[k] - centres[(long)c * d + k];
    }
  }
}

/*
  mode_summary - weights and widths, from the total of mode_block_sums()

  Input:  N           all samples
          totals[mode_record(K, d)]
  Output: weights[K]  share of the samples nearest to each centre
          sd[K]       deviation of a coordinate about the mode's own mean; NaN with fewer than two samples
*/
void mode_summary(long N, int d, int K, const double *restrict totals, double *restrict weights,
                  double *restrict sd)
{
  for (int c = 0; c < K; c++) {
    const double *record = totals + (long)c * (MODE_SHIFT + d), count = record[MODE_COUNT];
    double        square = 0.0;

    for (int k = 0; k < d; k++) square += record[MODE_SHIFT + k] * record[MODE_SHIFT + k];
    weights[c] = count / (double)N;
    sd[c]      = count > 1.0 ? sqrt((record[MODE_SQUARES] - square / count) / (d * (count - 1.0))) : NAN;
  }
}

/*
  count_inside - samples within a radius of some centre

  Input:  X[n][d], centres[K][d], radius  3 sigma as a rule: of an isolated mode of width sigma 1 - exp(-9/2) = 0.98889 of the
          samples are within it in the plane
  Note:   the boundary counts; samples that are not finite are near no centre
*/
long count_inside(long n, int d, const double *restrict X, int K, const double *restrict centres,
                  double radius)
{
  long inside = 0;

  for (long i = 0; i < n; i++) {
    int c = 0;

    while (c < K && !(squared_distance(d, X + i * d, centres + (long)c * d) <= radius * radius)) c++;
    inside += c < K;
  }
  return inside;
}

/*
  total_variation - half the sum of |p - q|: the mass that has to move

  Input:  p[K], q[K]
*/
double total_variation(long K, const double *p, const double *q)
{
  double sum = 0.0;

  for (long k = 0; k < K; k++) sum += fabs(p[k] - q[k]);
  return 0.5 * sum;
}

/* periodic_difference - a - b in [-pi, pi] */
static double periodic_difference(double a, double b)
{
  return remainder(a - b, 2.0 * PI);
}

/*
  torus_centre_counts - samples within a radius of each centre, distances along the torus

  Input:  angles[n][2], centres[K][2], radius  radians
  Output: counts[K]  for instance of alanine_centres within alanine_radius
  Note:   samples that are not finite are near no centre; where discs overlap a sample counts in each
*/
void torus_centre_counts(long n, const double *restrict angles, int K, const double (*restrict centres)[2],
                         double radius, long *restrict counts)
{
  for (int c = 0; c < K; c++) {
    long near = 0;

    for (long i = 0; i < n; i++) {
      const double u = periodic_difference(angles[2 * i], centres[c][0]);
      const double v = periodic_difference(angles[2 * i + 1], centres[c][1]);

      near += u * u + v * v <= radius * radius;
    }
    counts[c] = near;
  }
}

/*
  alanine_basin_counts - samples in the basins of alanine dipeptide, which cover the torus

  Input:  angles[n][2]  (phi, psi) in radians
  Output: counts[ALANINE_BASINS]  alphaL: phi in [0, 120) degrees; else alphaR: psi in [-100, 50); else PII: phi in
                                  [-110, 0); else C5
  Note:   the cuts run along the emptiest lines of the map: phi = 120 and psi = -100 are where the angles are best
          cut open. Samples that are not finite are in no basin
*/
void alanine_basin_counts(long n, const double *restrict angles, long counts[ALANINE_BASINS])
{
  memset(counts, 0, ALANINE_BASINS * sizeof(*counts));
  for (long i = 0; i < n; i++) {
    const double phi = remainder(angles[2 * i] / DEGREE, 360.0),
                 psi = remainder(angles[2 * i + 1] / DEGREE, 360.0);

    if (!isfinite(phi) || !isfinite(psi)) continue;
    if (phi >= 0.0 && phi < 120.0)
      counts[BASIN_ALPHA_L]++;
    else if (psi >= -100.0 && psi < 50.0)
      counts[BASIN_ALPHA_R]++;
    else if (phi >= -110.0 && phi < 0.0)
      counts[BASIN_PII]++;
    else
      counts[BASIN_C5]++;
  }
}
