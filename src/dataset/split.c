#include "private/datasetimpl.h"
#include <math.h>

/* SplitSetFromOptions - share of rows held out, and in how many stretches. */
PetscErrorCode SplitSetFromOptions(Split *s)
{
  PetscFunctionBegin;
  s->test_fraction = 0.2;
  s->asked         = 0;
  PetscCall(OptReal("-dataset_test_fraction", "share of rows held out", (OptRange){0, 1, 0, 1},
                    &s->test_fraction, NULL));
  PetscCall(OptInt("-dataset_test_blocks",
                   "stretches of the trajectory; the end of each is held out; 0: 10, fewer below 100 rows",
                   RANGE(0, 1e6), &s->asked, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SplitSetUp - cut N rows as the options say

  Errors: AD_ERR_INPUT when there are more stretches than rows
*/
PetscErrorCode SplitSetUp(int64_t N, Split *s)
{
  const int n = (int)(s->asked ? s->asked : PetscMax(1, PetscMin(10, N / 10)));

  PetscFunctionBegin;
  AdCheckInput(N >= n, "-dataset_test_blocks: %d stretches of only %lld rows; lower it", n, (long long)N);
  s->stretches = n;
  PetscCall(PetscCalloc3(n + 1, &s->start, n + 1, &s->train, n + 1, &s->test));
  for (int k = 0; k < n; k++) {
    const int64_t end = N * (k + 1) / n, rows = end - s->start[k];
    const int64_t held_out = (int64_t)floor(s->test_fraction * (double)rows + 1e-9);

    s->start[k + 1] = end;
    s->test[k + 1]  = s->test[k] + held_out;
    s->train[k + 1] = s->train[k] + rows - held_out;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SplitSetUpTwo - data that come as training rows and test rows behind them: one stretch. */
PetscErrorCode SplitSetUpTwo(int64_t train, int64_t test, Split *s)
{
  PetscFunctionBegin;
  s->stretches = 1;
  PetscCall(PetscCalloc3(2, &s->start, 2, &s->train, 2, &s->test));
  s->start[1] = train + test;
  s->train[1] = train;
  s->test[1]  = test;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  split_row - where row index of a split is among all rows

  Return: 0 <= row < N
*/
int64_t split_row(const Split *s, DatasetSplit which, int64_t index)
{
  const int64_t *count = which == SPLIT_TRAIN ? s->train : s->test;
  int            lo = 0, hi = s->stretches; /* count[lo] <= index < count[hi] */

  if (which == SPLIT_ALL) return index;
  while (hi - lo > 1) {
    const int middle = (lo + hi) / 2;

    if (count[middle] <= index)
      lo = middle;
    else
      hi = middle;
  }
  return s->start[lo] + index - count[lo] + (which == SPLIT_TEST ? s->train[lo + 1] - s->train[lo] : 0);
}

/* split_sizes - rows of each DatasetSplit */
void split_sizes(const Split *s, int64_t size[3])
{
  size[SPLIT_ALL]   = s->start[s->stretches];
  size[SPLIT_TRAIN] = s->train[s->stretches];
  size[SPLIT_TEST]  = s->test[s->stretches];
}

/* SplitWrite - the options in effect as attributes of /dataset. */
PetscErrorCode SplitWrite(const Split *s, Output out)
{
  PetscFunctionBegin;
  PetscCall(OutputAttrReal(out, "/dataset", "test_fraction", 1, &s->test_fraction));
  PetscCall(OutputAttrInt(out, "/dataset", "test_blocks", s->stretches));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SplitDestroy(Split *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(s->start, s->train, s->test));
  PetscFunctionReturn(PETSC_SUCCESS);
}
