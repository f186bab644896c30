/*
  Which noise is better, and how sure that is
*/
#include "private/compareimpl.h"
#include <math.h>

int compare_pairs_bound(const CompareRequest *r, const ComparePlan *plan, int nm)
{
  return plan->ncells / r->nnoises * (r->nnoises * (r->nnoises - 1) / 2) * nm;
}

/* The values of a cell by one metric, one a seed */
static void take_values(int cell, int metric, int seeds, int nm, const double *single, double *value)
{
  for (int s = 0; s < seeds; s++)
    value[s] = single[((size_t)cell * (size_t)seeds + (size_t)s) * (size_t)nm + (size_t)metric];
}

/* Correct the p values of one family, and judge */
static void judge_family(int n, ComparePair *pair, double level, double *p, double *adjusted, int *work)
{
  int tests = 0;

  for (int i = 0; i < n; i++) {
    p[i] = pair[i].test.p;
    tests += !isnan(p[i]);
  }
  holm_adjust(n, p, work, adjusted);
  for (int i = 0; i < n; i++) {
    pair[i].adjusted = adjusted[i];
    pair[i].better   = -1;
    pair[i].half = pair[i].half_all = NAN;
    if (isnan(p[i])) continue;
    pair[i].half     = welch_halfwidth(&pair[i].test, 0.05);
    pair[i].half_all = welch_halfwidth(&pair[i].test, 0.05 / tests);
    if (adjusted[i] < level) pair[i].better = pair[i].test.difference > 0 ? 0 : 1;
  }
}

/*
  compare_tests - Welch's test of every pair of noises in every cell by every metric, corrected by Holm over each family of one
  way, score and metric

  Input:  single[ncells][seeds][nm]  NaN where a sampling diverged; smaller is better
          level                      of a family: the chance of even one false verdict in it
          p, adjusted, work          [compare_pairs_bound()]
  Output: pair[]                     a family is contiguous
  Return: number of pairs
  Note:   every value comes from seeds of its own, so none are paired. The nets of a reduced score are shared by the noises,
          whose values then tend to rise and fall together: Welch overstates the error of their difference
*/
int compare_tests(const CompareRequest *r, const ComparePlan *plan, int nm, const double *single,
                  double level, ComparePair *pair, double *p, double *adjusted, int *work)
{
  double a[COMPARE_SEEDS], b[COMPARE_SEEDS];
  int    n = 0, family = 0;

  for (int begin = 0; begin < plan->ncells;) {
    int end = begin;

    while (end < plan->ncells && plan->cell[end].way == plan->cell[begin].way &&
           plan->cell[end].score == plan->cell[begin].score)
      end++;
    for (int m = 0; m < nm; m++, family++) {
      const int first = n;

      for (int group = begin; group < end; group += r->nnoises)
        for (int i = 0; i < r->nnoises; i++)
          for (int j = i + 1; j < r->nnoises; j++) {
            ComparePair *one = &pair[n++];

            *one = (ComparePair){.family = family, .metric = m, .cell = {group + i, group + j}};
            take_values(group + i, m, r->seeds, nm, single, a);
            take_values(group + j, m, r->seeds, nm, single, b);
            welch_test(r->seeds, a, r->seeds, b, &one->test);
          }
      judge_family(n - first, pair + first, level, p, adjusted, work);
    }
    begin = end;
  }
  return n;
}
