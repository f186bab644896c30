#include "admetrickernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
  The inner loops have fixed lengths and explicit accumulators, one a lane, so that the compiler may use vectors of
  any width without changing a bit, and contraction is spelled out as fma().
*/
enum {
  LANES = 8,  /* accumulators a row: point j goes to lane j mod 8 */
  TILE  = 32, /* points of the packed side handled together */
  ROWS  = 16  /* rows that share one pass over the packed side; divides METRIC_BLOCK */
};

/*
  energy_packed_length - doubles that energy_pack() writes for m points of dimension d
*/
long energy_packed_length(long m, int d)
{
  return (m + TILE - 1) / TILE * TILE * d;
}

/*
  energy_pack - points in tiles of coordinates, as energy_block_sums() reads them

  Input:  Y[m][d]
  Output: packed[tiles][d][TILE], energy_packed_length(m, d) doubles; missing points are zeros
*/
void energy_pack(long m, int d, const double *restrict Y, double *restrict packed)
{
  memset(packed, 0, (size_t)energy_packed_length(m, d) * sizeof(*packed));
  for (long j = 0; j < m; j++) {
    for (int k = 0; k < d; k++) packed[(j / TILE * d + k) * TILE + j % TILE] = Y[j * d + k];
  }
}

/*
  fast_sqrt - square root to within 2 units in the last place, twice as fast as the divider's

  Note: 1/sqrt(s) from halving the exponent in the bits (within 3.5 %), two Newton steps (5e-6), then one step of
        third order on p = s y, whose relative error e/2 with e = 1 - p y is small enough for the series
        1 + e/2 + 3 e^2/8. The shift by 1e-300 keeps s = 0 finite and is lost in rounding elsewhere.
*/
static inline double fast_sqrt(double s)
{
  const double t = s + 1e-300, h = -0.5 * t;
  double       y, p, e;
  uint64_t     bits;

  memcpy(&bits, &t, sizeof(bits));
  bits = UINT64_C(0x5fe6eb50c7b537a9) - (bits >> 1);
  memcpy(&y, &bits, sizeof(y));
  y *= fma(h * y, y, 1.5);
  y *= fma(h * y, y, 1.5);
  p = s * y;
  e = fma(-p, y, 1.0);
  return fma(p * e, fma(e, 0.375, 0.5), p);
}

/* squared_distances - |x - y_j|^2 to the points of a tile[d][TILE], four coordinates a pass to save stores */
static inline void squared_distances(int d, const double *restrict x, const double *restrict tile,
                                     double *restrict s)
{
  int k = d % 4;

  memset(s, 0, TILE * sizeof(*s));
  for (int i = 0; i < k; i++) {
    for (int j = 0; j < TILE; j++) {
      double u = x[i] - tile[i * TILE + j];

      s[j] = fma(u, u, s[j]);
    }
  }
  for (; k < d; k += 4) {
    const double *y = tile + (long)k * TILE;

    for (int j = 0; j < TILE; j++) {
      double u0 = x[k] - y[j], u1 = x[k + 1] - y[TILE + j];
      double u2 = x[k + 2] - y[2 * TILE + j], u3 = x[k + 3] - y[3 * TILE + j];

      s[j] = fma(u0, u0, fma(u1, u1, fma(u2, u2, fma(u3, u3, s[j]))));
    }
  }
}

/*
  exp_minus - exp(-u), u >= 0, to within 2 units in the last place; 1 at u = 0, no smaller than exp(-700)

  Note: -u = k ln 2 + r with |r| <= ln(2)/2: Taylor series of exp(r) to order 13 (remainder 4e-18), then k is added to the
        exponent's bits. The sum with 1.5 2^52 rounds to the integer k, which stands in its low bits.
*/
static inline double exp_minus(double u)
{
  const double t = u > 700.0 ? 700.0 : u, shifted = fma(-t, 1.44269504088896340736, 0x1.8p52);
  const double k = shifted - 0x1.8p52;
  const double r = fma(k, -1.90821492927058770002e-10, fma(k, -6.93147180369123816490e-01, -t));
  double       p = 1.0 / 6227020800.0;
  uint64_t     exponent, bits;

  p = fma(p, r, 1.0 / 479001600.0);
  p = fma(p, r, 1.0 / 39916800.0);
  p = fma(p, r, 1.0 / 3628800.0);
  p = fma(p, r, 1.0 / 362880.0);
  p = fma(p, r, 1.0 / 40320.0);
  p = fma(p, r, 1.0 / 5040.0);
  p = fma(p, r, 1.0 / 720.0);
  p = fma(p, r, 1.0 / 120.0);
  p = fma(p, r, 1.0 / 24.0);
  p = fma(p, r, 1.0 / 6.0);
  p = fma(p, r, 0.5);
  p = fma(p, r, 1.0);
  p = fma(p, r, 1.0);
  memcpy(&exponent, &shifted, sizeof(exponent));
  memcpy(&bits, &p, sizeof(bits));
  bits += exponent << 52;
  memcpy(&p, &bits, sizeof(p));
  return p;
}

/* add_distances - adds the roots of the first `points` squares of a tile to the row's lanes */
static inline void add_distances(const double *restrict s, long points, double *restrict lane)
{
  if (points >= TILE) {
    for (int j = 0; j < TILE; j += LANES) {
      for (int l = 0; l < LANES; l++) lane[l] += fast_sqrt(s[j + l]);
    }
  } else {
    for (long j = 0; j < points; j++) lane[j % LANES] += fast_sqrt(s[j]);
  }
}

/* add_gaussians - the same for exp(-beta s) */
static inline void add_gaussians(const double *restrict s, double beta, long points, double *restrict lane)
{
  if (points >= TILE) {
    for (int j = 0; j < TILE; j += LANES) {
      for (int l = 0; l < LANES; l++) lane[l] += exp_minus(beta * s[j + l]);
    }
  } else {
    for (long j = 0; j < points; j++) lane[j % LANES] += exp_minus(beta * s[j]);
  }
}

static inline double sum_lanes(const double *a)
{
  return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

/*
  pair_block_sums - sums over the rows of each block and all points of the other side: of distances, of Gaussian
  kernels exp(-beta |x - y|^2), or of both from the same squares

  Input:  X[n][d]    first row at the beginning of a block
          packed     the m points of the other side, from energy_pack()
          beta       1/(2 h^2)
  Output: distance[metric_blocks(n)], gauss[metric_blocks(n)]  either may be NULL; a block's sum depends on its rows and
          the m points only
  Cost:   distances 0.6 to 0.9 ns a pair for d <= 4 and 2 ns for d = 25 (AVX-512 at 2.3 GHz), up to three times that with
          AVX2; without hardware fma() the same bits at twenty times the cost. Gaussians alone cost 1.3 times as much for d = 2, both
          twice as much
*/
void pair_block_sums(long n, int d, const double *restrict X, long m, const double *restrict packed,
                     double beta, double *restrict distance, double *restrict gauss)
{
  if (distance) memset(distance, 0, (size_t)metric_blocks(n) * sizeof(*distance));
  if (gauss) memset(gauss, 0, (size_t)metric_blocks(n) * sizeof(*gauss));
  for (long i = 0; i < n; i += ROWS) {
    const long rows               = n - i < ROWS ? n - i : ROWS;
    double     roots[ROWS][LANES] = {{0.0}}, bells[ROWS][LANES] = {{0.0}}, s[TILE];

    for (long j = 0; j < m; j += TILE) {
      for (long r = 0; r < rows; r++) {
        squared_distances(d, X + (i + r) * d, packed + j * d, s);
        if (distance) add_distances(s, m - j, roots[r]);
        if (gauss) add_gaussians(s, beta, m - j, bells[r]);
      }
    }
    for (long r = 0; r < rows; r++) {
      if (distance) distance[i / METRIC_BLOCK] += sum_lanes(roots[r]);
      if (gauss) gauss[i / METRIC_BLOCK] += sum_lanes(bells[r]);
    }
  }
}

/* energy_block_sums - pair_block_sums of distances alone */
void energy_block_sums(long n, int d, const double *restrict X, long m, const double *restrict packed,
                       double *restrict sums)
{
  pair_block_sums(n, d, X, m, packed, 0.0, sums, NULL);
}

/*
  energy_distance - sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|), means over all pairs with i = j kept

  Input:  n, m    points on either side
          sum_xy  sum of |x_i - y_j| over all pairs, sum_xx and sum_yy likewise
  Note:   a negative rounding error under the root is cut to zero; sums that are not finite give NaN
*/
double energy_distance(long n, long m, double sum_xy, double sum_xx, double sum_yy)
{
  const double N = (double)n, M = (double)m;
  const double square = 2.0 * sum_xy / (N * M) - sum_xx / (N * N) - sum_yy / (M * M);

  if (!isfinite(sum_xy) || !isfinite(sum_xx) || !isfinite(sum_yy)) return NAN;
  return square > 0.0 ? sqrt(square) : 0.0;
}

/*
  unbiased_mmd - MMD^2 = E k(X,X') + E k(Y,Y') - 2 E k(X,Y), pairs of a row with itself left out; may be negative

  Input:  n, m >= 2  rows of either side
          sum_xy     sum of k over all pairs; sum_xx, sum_yy over all pairs i != j
  Source: Gretton et al., J. Mach. Learn. Res. 13, 723 (2012), eq. 3
*/
double unbiased_mmd(long n, long m, double sum_xy, double sum_xx, double sum_yy)
{
  const double N = (double)n, M = (double)m;

  return sum_xx / (N * (N - 1.0)) + sum_yy / (M * (M - 1.0)) - 2.0 * sum_xy / (N * M);
}

/*
  polynomial_sum - sum of (x.y/d + 1)^3 over all pairs

  Input:  X[n][d], packed  the m points of the other side, from energy_pack()
  Source: kernel inception distance, Binkowski et al., ICLR 2018
*/
double polynomial_sum(long n, int d, const double *restrict X, long m, const double *restrict packed)
{
  double total = 0.0;

  for (long i = 0; i < n; i++) {
    double lane[LANES] = {0.0};

    for (long j = 0; j < m; j += TILE) {
      const double *tile   = packed + j * d;
      const long    points = m - j < TILE ? m - j : TILE;
      double        s[TILE];

      memset(s, 0, sizeof(s));
      for (int k = 0; k < d; k++) {
        for (int l = 0; l < TILE; l++) s[l] = fma(X[i * d + k], tile[k * TILE + l], s[l]);
      }
      for (int l = 0; l < TILE; l++) {
        const double v = s[l] / d + 1.0;

        s[l] = l < points ? v * v * v : 0.0;
      }
      for (int l = 0; l < TILE; l++) lane[l % LANES] += s[l];
    }
    total += sum_lanes(lane);
  }
  return total;
}

/*
  polynomial_self_sum - sum of (x.x/d + 1)^3 over the rows, to be taken off the sum over all pairs of one side
*/
double polynomial_self_sum(long n, int d, const double *restrict X)
{
  double total = 0.0;

  for (long i = 0; i < n; i++) {
    double s = 0.0;

    for (int k = 0; k < d; k++) s = fma(X[i * d + k], X[i * d + k], s);
    s = s / d + 1.0;
    total += s * s * s;
  }
  return total;
}

/*
  pair_distances - the m (m - 1)/2 distances between different rows

  Input:  X[m][d]
  Output: distances[m (m - 1)/2]
*/
void pair_distances(long m, int d, const double *restrict X, double *restrict distances)
{
  for (long i = 0; i < m; i++) {
    for (long j = 0; j < i; j++) {
      double s = 0.0;

      for (int k = 0; k < d; k++) s += (X[i * d + k] - X[j * d + k]) * (X[i * d + k] - X[j * d + k]);
      *distances++ = sqrt(s);
    }
  }
}

/* ---- neighbours ---- */

/* keep_smallest - puts a square into its place among the k smallest, best[k] ascending */
static inline void keep_smallest(double square, int k, double *restrict best)
{
  int at = k - 1;

  for (; at > 0 && best[at - 1] > square; at--) best[at] = best[at - 1];
  best[at] = square;
}

/*
  nearest_squares - the k smallest squared distances from each row to points that come in pieces

  Input:  X[n][d], first  rows, index of the first of them
          packed, start   m points from energy_pack(), index of the first: a point is no neighbour of its own index;
                          start < 0 where the points are another set
  In/out: best[n][k]      ascending; INFINITY before the first piece
*/
void nearest_squares(long n, int d, const double *restrict X, long first, long m,
                     const double *restrict packed, long start, int k, double *restrict best)
{
  for (long i = 0; i < n; i++) {
    const long self = start < 0 ? -1 : first + i - start;
    double    *mine = best + i * k, s[TILE];

    for (long j = 0; j < m; j += TILE) {
      const long points = m - j < TILE ? m - j : TILE;

      squared_distances(d, X + i * d, packed + j * d, s);
      for (long l = 0; l < points; l++) {
        if (s[l] < mine[k - 1] && j + l != self) keep_smallest(s[l], k, mine);
      }
    }
  }
}

/*
  ball_counts - balls about points that hold a row, and points within a row's own ball; the boundary is inside

  Input:  X[n][d], own[n]       rows and the squares of their radii
          packed, radius[m]     points from energy_pack() and the squares of theirs
  In/out: inside[n], reached[n] counts, increased
*/
void ball_counts(long n, int d, const double *restrict X, const double *restrict own, long m,
                 const double *restrict packed, const double *restrict radius, long *restrict inside,
                 long *restrict reached)
{
  for (long i = 0; i < n; i++) {
    double s[TILE];

    for (long j = 0; j < m; j += TILE) {
      const long points = m - j < TILE ? m - j : TILE;

      squared_distances(d, X + i * d, packed + j * d, s);
      for (long l = 0; l < points; l++) {
        inside[i] += s[l] <= radius[j + l];
        reached[i] += s[l] <= own[i];
      }
    }
  }
}
