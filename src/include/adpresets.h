#ifndef ADPRESETS_H
#define ADPRESETS_H

/*
  Laws of the toy figures: n parts of one width in d dimensions, at r times a fixed pattern. A part is a Gaussian peak, or
  whatever the data set type that the preset belongs to makes of it (a class of pictures, which come from files and have no
  pattern). The table holds the default width and scale; both may be replaced when the arrays are filled. A mixture without a
  pattern has two parts at +-r (1, -1, -1, 1, ..): as many coordinates as are asked for, half of them of either sign in an order
  that is drawn once and for all.
*/
typedef struct {
  const char   *name, *text; /* key of the input file; one line for people */
  const char   *type;        /* data set type it belongs to */
  int           n, d;        /* d = 0: of any dimension */
  double        sigma;       /* default standard deviation of a peak, or of the noise across a roll */
  double        r;           /* default size of the pattern of centres */
  const double *weight;      /* [n] */
  const double *pattern;     /* [n][d], centres over r; NULL where d = 0 */
} MixturePreset;

/*
  mixture_preset - the preset of that name, NULL where there is none
*/
const MixturePreset *mixture_preset(const char *name);

/*
  mixture_preset_table - all presets, for listings; *count is how many
*/
const MixturePreset *mixture_preset_table(int *count);

/*
  mixture_preset_fill - arrays of a MixtureData whose components are the preset's parts

  Input:  preset
          d          preset->d, or >= 1 where that is 0
          sigma      standard deviation of each peak >= 0 (preset->sigma for the default)
          r          scale of the pattern (preset->r for the default)
  Output: weight[n], mean[n][d], var[n][d]
*/
void mixture_preset_fill(const MixturePreset *preset, int d, double sigma, double r, double *weight,
                         double *mean, double *var);

#endif
