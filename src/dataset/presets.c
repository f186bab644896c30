#include <string.h>
#include "adpresets.h"
#include "adrng.h"

#define ROOT_HALF 0.70710678118654752440
#define CLOSE     0.28284271247461900976 /* sqrt(2)/5 */

static const double ninths[9]        = {1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9,
                                        1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9};
static const double halves[2]        = {0.5, 0.5};
static const double coarse_weight[3] = {0.33, 0.34, 0.33};
static const double fine_weight[5]   = {0.05, 0.05, 0.8, 0.05, 0.05};
static const double three[3]         = {-1, 0, 1};
static const double five[5]          = {-1, -0.5, 0, 0.5, 1};
static const double pair[2]          = {1, -1};
static const double pair_2d[4]       = {1, 0, -1, 0};

/* A 3 x 3 lattice turned by 45 degrees: with r = 1/sqrt(2) its spacing is 1/2 */
static const double diamond[18] = {0,  0,   1,   0,   -1,   0,    0,   1,    0,
                                   -1, 0.5, 0.5, 0.5, -0.5, -0.5, 0.5, -0.5, -0.5};

/* Paper eq. A47 as printed: a centre and eight peaks on a circle */
static const double ring[18] = {0,         0,          1,          0,         -1,         0,
                                0,         1,          0,          -1,        ROOT_HALF,  ROOT_HALF,
                                ROOT_HALF, -ROOT_HALF, -ROOT_HALF, ROOT_HALF, -ROOT_HALF, -ROOT_HALF};

/* A centre and the corners of a square: with r = 0.8 they lie at (0, 0) and (+-0.8, +-0.8) */
static const double corners[10] = {0, 0, 1, 1, 1, -1, -1, 1, -1, -1};

static const double one[1]    = {1};
static const double fifths[5] = {0.2, 0.2, 0.2, 0.2, 0.2};

static const MixturePreset presets[] = {
    {"diamond", "nine peaks on a lattice turned by 45 degrees", "mixture", 9, 2, 0.04, ROOT_HALF, ninths,
     diamond},
    {"diamond_close", "the same, 2.5 times closer", "mixture", 9, 2, 0.04, CLOSE, ninths, diamond},
    {"ring", "eight peaks on a circle and one in its centre", "mixture", 9, 2, 0.04, ROOT_HALF, ninths, ring},
    {"ring_close", "the same, 2.5 times closer", "mixture", 9, 2, 0.04, CLOSE, ninths, ring},
    {"coarse_1d", "three well separated peaks", "mixture", 3, 1, 0.25, 2.0, coarse_weight, three},
    {"fine_1d", "a heavy peak between four light ones", "mixture", 5, 1, 0.08, 0.6, fine_weight, five},
    {"two_gauss_1d", "two peaks on a line", "mixture", 2, 1, 0.5, 1.2, halves, pair},
    {"two_gauss_2d", "two peaks in the plane", "mixture", 2, 2, 0.5, 1.2, halves, pair_2d},
    {"two_gauss_2d_close", "the same, a little closer", "mixture", 2, 2, 0.5, 1.0, halves, pair_2d},
    {"two_clusters",
     "two clusters that only a direction of mixed signs tells apart, in -dataset_dim coordinates", "mixture",
     2, 0, 1.0, 1.0, halves, NULL},
    {"swissroll", "a spiral with noise across it", "swissroll", 1, 2, 0.2, 0, one, corners},
    {"multi_swissroll", "five far from each other", "swissroll", 5, 2, 0.2, 0.8, fifths, corners},
    {"multi_swissroll_overlap", "five that overlap", "swissroll", 5, 2, 0.2, 0.1, fifths, corners},
    {"quartic_1d", "two shallow wells, exp(-(0.035 x^4 - 0.1 x^2))", "quartic", 1, 1, 0, 0, one, corners},
    {"mnist", "handwritten digits (files: make data)", "images", 10, 784, 0, 0, NULL, NULL},
    {"fashion", "clothes (files: make data)", "images", 10, 784, 0, 0, NULL, NULL},
    {"cifar10", "small photographs (files: of your own)", "images", 10, 3072, 0, 0, NULL, NULL},
};

const MixturePreset *mixture_preset_table(int *count)
{
  *count = (int)(sizeof presets / sizeof presets[0]);
  return presets;
}

const MixturePreset *mixture_preset(const char *name)
{
  for (size_t k = 0; k < sizeof presets / sizeof presets[0]; k++)
    if (strcmp(presets[k].name, name) == 0) return &presets[k];
  return NULL;
}

/*
  random_signs - 1 for half of the coordinates, -1 for the others, in an order that depends on nothing but d

  Note: a rearrangement of coordinates leaves the direction (1, .., 1) as it is; this one is turned by it, to one that is
        orthogonal to it on average
*/
static void random_signs(int d, double *sign)
{
  const RngStream stream = {1, RNG_DATA,
                            UINT32_MAX}; /* rows of data take the first few steps of the domain */

  for (int i = 0; i < d; i++) sign[i] = 2 * i < d ? 1 : -1;
  for (int i = d - 1; i > 0; i--) {
    const double here = sign[i];
    uint32_t     word;
    int          other;

    rng_bits(stream, (uint64_t)i, 1, 1, &word);
    other       = (int)(((uint64_t)word * (uint64_t)(i + 1)) >> 32);
    sign[i]     = sign[other];
    sign[other] = here;
  }
}

void mixture_preset_fill(const MixturePreset *preset, int d, double sigma, double r, double *weight,
                         double *mean, double *var)
{
  for (int c = 0; c < preset->n; c++) {
    weight[c] = preset->weight[c];
    if (!preset->pattern) random_signs(d, mean + c * d);
    for (int i = 0; i < d; i++) {
      const double centre = preset->pattern ? preset->pattern[c * d + i] : (1 - 2 * c) * mean[c * d + i];

      mean[c * d + i] = r * centre;
      var[c * d + i]  = sigma * sigma;
    }
  }
}
