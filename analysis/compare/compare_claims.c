/*
  Which claims of the paper survive which control
*/
#include "private/compareimpl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- claims about two noises ---- */

static const char *type_of(const CompareNoise *noise)
{
  return noise->keys.value[0];
}

/* tau, where the noise has one of its own */
static double tau_of(const CompareNoise *noise)
{
  for (int i = 0; i < noise->keys.n; i++)
    if (!strcmp(noise->keys.key[i], "-process_tau")) return strtod(noise->keys.value[i], NULL);
  return NAN;
}

static int active_and_passive(const CompareNoise *better, const CompareNoise *worse)
{
  return !strcmp(type_of(better), "active") && !strcmp(type_of(worse), "passive");
}

static int active_and_cld(const CompareNoise *better, const CompareNoise *worse)
{
  return !strcmp(type_of(better), "active") && !strcmp(type_of(worse), "cld");
}

static int larger_and_smaller_tau(const CompareNoise *better, const CompareNoise *worse)
{
  return !strcmp(type_of(better), "active") && !strcmp(type_of(worse), "active") &&
         tau_of(better) > tau_of(worse);
}

typedef struct {
  const char *text;
  int (*is_about)(const CompareNoise *better, const CompareNoise *worse);
} Claim;

static const Claim claims[] = {{"active noise is better than passive noise", active_and_passive},
                               {"active noise is better than CLD", active_and_cld},
                               {"active noise of larger tau is better", larger_and_smaller_tau}};

enum { CLAIMS = sizeof(claims) / sizeof(claims[0]) };

typedef struct {
  int all, better, worse;
} Tally;

/* How often the claim was found true and false in one way, score and scheme, by the first metric */
static Tally tally(const Compare *c, const Claim *claim, int way, int score, int scheme)
{
  Tally t = {0, 0, 0};

  for (int k = 0; k < c->npairs; k++) {
    const ComparePair *pair = &c->pair[k];
    const CompareCell *cell = &c->plan.cell[pair->cell[0]];

    if (pair->metric || cell->way != way || cell->score != score || cell->scheme != scheme ||
        isnan(pair->test.p))
      continue;
    for (int s = 0; s < 2; s++) {
      const CompareNoise *one = &c->request.noise[c->plan.cell[pair->cell[s]].noise];
      const CompareNoise *two = &c->request.noise[c->plan.cell[pair->cell[1 - s]].noise];

      if (!(*claim->is_about)(one, two)) continue;
      t.all++;
      t.better += pair->better == s;
      t.worse += pair->better == 1 - s;
    }
  }
  return t;
}

static const char *word_of(Tally t)
{
  if (!t.all) return "-";
  if (t.better && t.worse) return "mixed";
  if (t.better) return "holds";
  return t.worse ? "reversed" : "not seen";
}

static PetscErrorCode SayClaim(const Compare *c, const Claim *claim, TextLines *text)
{
  const CompareRequest *r = &c->request;
  char                  line[512], label[64], cell[64];
  int                   any = 0;

  PetscFunctionBegin;
  for (int i = 0; i < r->nnoises; i++)
    for (int j = 0; j < r->nnoises; j++) any |= (*claim->is_about)(&r->noise[i], &r->noise[j]);
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(line, sizeof(line), "  %-22s", "");
  for (int w = 0; w < r->nways; w++)
    snprintf(line + strlen(line), sizeof(line) - strlen(line), "  %-20s", compare_way_texts[r->way[w]]);
  PetscCall(TextAdd(text, "%s (better/worse of all settings, %s)", claim->text, c->column[0]->name));
  PetscCall(TextAdd(text, "%s", line));
  for (int s = 0; s < r->nscores; s++)
    for (int k = 0; k < r->nschemes; k++) {
      compare_score_label(&r->score[s], sizeof(label), label);
      snprintf(line, sizeof(line), "  %-14s %-7s", label, compare_scheme_names[r->scheme[k]]);
      for (int w = 0; w < r->nways; w++) {
        const Tally t = tally(c, claim, r->way[w], s, r->scheme[k]);

        snprintf(cell, sizeof(cell), "%s %d/%d of %d", word_of(t), t.better, t.worse, t.all);
        snprintf(line + strlen(line), sizeof(line) - strlen(line), "  %-20s", cell);
      }
      PetscCall(TextAdd(text, "%s", line));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In which ways the claim holds (or is reversed) for some score by Euler-Maruyama, the paper's scheme: "equal t grid, ..." */
static void ways_phrase(const Compare *c, const Claim *claim, const char *word, size_t size, char *phrase)
{
  const CompareRequest *r = &c->request;

  phrase[0] = 0;
  for (int w = 0; w < r->nways; w++) {
    char   label[64], scores[256] = "";
    size_t at = strlen(phrase);

    for (int s = 0; s < r->nscores; s++) {
      compare_score_label(&r->score[s], sizeof(label), label);
      if (!strcmp(word_of(tally(c, claim, r->way[w], s, COMPARE_EM)), word))
        snprintf(scores + strlen(scores), sizeof(scores) - strlen(scores), "%s%s", scores[0] ? ", " : "",
                 label);
    }
    if (scores[0] && at < size)
      snprintf(phrase + at, size - at, "%s%s (%s)", at ? "; " : "", compare_way_texts[r->way[w]], scores);
  }
}

static PetscErrorCode SaySummary(const Compare *c, const Claim *claim, TextLines *text)
{
  const CompareRequest *r = &c->request;
  char                  holds[1024], reversed[1024], mixed[1024];
  int                   all = 0;

  PetscFunctionBegin;
  for (int w = 0; w < r->nways; w++)
    for (int s = 0; s < r->nscores; s++) all += tally(c, claim, r->way[w], s, COMPARE_EM).all;
  if (!all) PetscFunctionReturn(PETSC_SUCCESS);
  ways_phrase(c, claim, "holds", sizeof(holds), holds);
  ways_phrase(c, claim, "mixed", sizeof(mixed), mixed);
  ways_phrase(c, claim, "reversed", sizeof(reversed), reversed);
  PetscCall(TextAdd(text, "  \"%s\", Euler-Maruyama: holds under %s%s%s%s%s", claim->text,
                    holds[0] ? holds : "no control", mixed[0] ? "; depends on the steps under " : "", mixed,
                    reversed[0] ? "; is reversed under " : "", reversed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the last step ---- */

/* By how much the kind of last step changes the first metric of a noise at most, over all of its cells */
static PetscErrorCode SayLastStep(const Compare *c, int noise, TextLines *text)
{
  const ComparePlan *plan    = &c->plan;
  double             largest = -1, relative = 0;
  int                at = 0;

  PetscFunctionBegin;
  for (int i = 0; i < plan->ncells; i++)
    for (int j = i + 1; j < plan->ncells; j++) {
      const CompareCell *a = &plan->cell[i], *b = &plan->cell[j];
      const double       change = fabs(c->mean[i * c->nm] - c->mean[j * c->nm]);

      if (a->noise != noise || b->noise != noise || a->way != b->way || a->score != b->score ||
          a->scheme != b->scheme || a->steps != b->steps || a->last == b->last || !(change > largest))
        continue;
      largest  = change;
      relative = change / fmax(c->mean[i * c->nm], c->mean[j * c->nm]);
      at       = i;
    }
  if (largest < 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (largest == 0)
    PetscCall(TextAdd(text, "  last step, %s: makes no difference at all", c->request.noise[noise].label));
  else
    PetscCall(TextAdd(text, "  last step, %s: changes %s by %.2g at most (%.0f %%, %s, %d steps)",
                      c->request.noise[noise].label, c->column[0]->name, largest, 100 * relative,
                      compare_way_texts[plan->cell[at].way], plan->cell[at].steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CompareClaims - the claims of the paper, control by control, and in one line each. */
PetscErrorCode CompareClaims(const Compare *c, TextLines *text)
{
  PetscFunctionBegin;
  for (int k = 0; k < CLAIMS; k++) PetscCall(SayClaim(c, &claims[k], text));
  PetscCall(TextAdd(text, "which claims survive (by %s, level %g a family):", c->column[0]->name, c->level));
  for (int k = 0; k < CLAIMS; k++) PetscCall(SaySummary(c, &claims[k], text));
  for (int i = 0; i < c->request.nnoises; i++) PetscCall(SayLastStep(c, i, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
