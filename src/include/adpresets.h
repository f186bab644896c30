#ifndef ADPRESETS_H
#define ADPRESETS_H

/*
  Mixtures of the toy figures: n peaks of one width in d dimensions, at r times a fixed pattern. The table
  holds the default width and scale; both may be replaced when the arrays are filled.
*/
typedef struct {
  const char   *name, *text; /* key of the input file; one line for people */
  int           n, d;
  double        sigma;   /* default standard deviation of a peak */
  double        r;       /* default distance of the outermost peaks from the origin */
  const double *weight;  /* [n] */
  const double *pattern; /* [n][d], means over r */
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
  mixture_preset_fill - arrays of a MixtureData

  Input:  preset
          sigma      standard deviation of each peak >= 0 (preset->sigma for the default)
          r          scale of the pattern (preset->r for the default)
  Output: weight[n], mean[n][d], var[n][d]
*/
void mixture_preset_fill(const MixturePreset *preset, double sigma, double r, double *weight, double *mean,
                         double *var);

#endif
