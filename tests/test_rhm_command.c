/* The experiment of adiff rhm on small trees */
#include "ad_check.h"
#include "refusal.h"
#include "private/rhmimpl.h"
#include <float.h>
#include <string.h>

typedef void (*StudyCheck)(const RhmStudy *study);

static void with_study(const char *options, StudyCheck check)
{
  PetscOptions database;
  RhmOptions   o;
  RhmStudy     study;

  ck_call(PetscOptionsCreate(&database));
  ck_call(PetscOptionsPush(database));
  ck_call(PetscOptionsInsertString(NULL, options));
  ck_call(RhmReadOptions(PETSC_FALSE, &o));
  o.seed = 11;
  ck_call(RhmStudyCreate(&o, &study));
  ck_call(RhmStudySetUp(&study));
  for (PetscInt k = 0; k < study.settings; k++) ck_call(RhmMeasure(&study, k));
  check(&study);
  ck_call(RhmStudyDestroy(&study));
  ck_call(RhmFreeOptions(&o));
  ck_call(PetscOptionsPop());
  ck_call(PetscOptionsDestroy(&database));
}

static int64_t at(const RhmStudy *s, PetscInt setting, PetscInt c, PetscInt time, int level)
{
  return (((setting * s->o->ncases + c) * s->o->nt) + time) * s->levels + level;
}

#define SMALL "-rhm_levels 4 -rhm_symbols 8 -rhm_rules 3 -rhm_grammars 32 -rhm_trials 16 "
#define NOISE "-process_tau 2 -process_tp 0.001 "

/* ---- what is refused ---- */

static PetscErrorCode Prepare(void)
{
  RhmOptions o;
  RhmStudy   study;

  PetscCall(RhmReadOptions(PETSC_FALSE, &o));
  PetscCall(RhmStudyCreate(&o, &study));
  PetscCall(RhmStudySetUp(&study));
  PetscCall(RhmStudyDestroy(&study));
  PetscCall(RhmFreeOptions(&o));
  return PETSC_SUCCESS;
}

START_TEST(test_what_makes_no_sense_is_refused)
{
  static const char *const bad[] = {"-rhm_levels 3.5",
                                    "-rhm_levels 31",
                                    "-rhm_symbols 4 -rhm_children 2,3",
                                    "-rhm_levels 24",
                                    "-rhm_trials 1000000 -rhm_grammars 1000000",
                                    "-rhm_cases joint,alone",
                                    "-rhm_cases joint,joint",
                                    "-process_type passive -rhm_cases x_alone",
                                    "-process_type active,cld -rhm_cases joint,legacy",
                                    "-rhm_times 0.5,0.1",
                                    "-rhm_times 0.1,900",
                                    "-rhm_sigmas 50"};

  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    PetscOptions   database;
    PetscErrorCode code;

    ck_call(PetscOptionsCreate(&database));
    ck_call(PetscOptionsPush(database));
    ck_call(PetscOptionsInsertString(NULL, bad[i]));
    QUIET(code, Prepare());
    ck_assert_msg(ad_all(code == AD_ERR_INPUT), "%s: %d", bad[i], (int)code);
    ck_call(PetscOptionsPop());
    ck_call(PetscOptionsDestroy(&database));
  }
}
END_TEST

/* ---- all cases ---- */

/* Levels of the seven cases over 13 times; 4.5 standard errors of 32 grammars by Student's law: p = 9e-5 */
static void check_cases(const RhmStudy *s)
{
  const double p = 9e-5;

  ck_assert_int_eq(s->o->ncases, RHM_CASES);
  for (PetscInt c = 0; c < s->o->ncases; c++) {
    double least  = 1;
    int    judged = 0;

    for (int l = 0; l < s->levels; l++) {
      const double chance = s->chance[c * s->levels + l];

      judged += !isnan(chance);
      if (chance < least) least = chance;
    }
    ck_assert_int_eq(judged, 5);
    ck_assert_msg(rhm_is_right(s->o->which[c]) ? least > p : least < 1e-6, "%s: calibrated with p = %g",
                  rhm_case_names[s->o->which[c]], least);
    if (rhm_is_right(s->o->which[c])) ck_assert(s->floored[c] == 0);
  }
}

START_TEST(test_right_cases_are_calibrated_and_published_ones_are_not)
{
  with_study(SMALL NOISE "-rhm_times 0.05:3:13:log -process_t_final 3 -rhm_cases "
                         "joint,x_alone,passive,equivalent,equal_sigma,printed,legacy",
             check_cases);
}
END_TEST

/* x alone knows less than all variables; equal sigma as much; the log-loss of the published reading is larger than of all */
static void check_order(const RhmStudy *s)
{
  enum { JOINT, ALONE, EQUAL, PRINTED, LEGACY };

  for (PetscInt t = 0; t < s->o->nt; t++)
    for (int l = 0; l < s->levels; l++) {
      const double *a = s->value[RHM_ACCURACY], *da = s->err[RHM_ACCURACY], *loss = s->value[RHM_LOG_LOSS];
      const int64_t joint = at(s, 0, JOINT, t, l), alone = at(s, 0, ALONE, t, l),
                    equal = at(s, 0, EQUAL, t, l);

      ck_assert(a[joint] > a[alone] + 3 * hypot(da[joint], da[alone]));
      ck_assert_msg(fabs(a[joint] - a[equal]) < 4.5 * hypot(da[joint], da[equal]),
                    "time %d level %d: joint %g, passive at equal sigma %g", (int)t, l, a[joint], a[equal]);
      ck_assert(loss[at(s, 0, PRINTED, t, l)] > loss[joint] && loss[at(s, 0, LEGACY, t, l)] > loss[joint]);
      ck_assert(loss[joint] < loss[alone]);
    }
}

START_TEST(test_x_alone_knows_less_and_equal_sigma_as_much)
{
  with_study(SMALL NOISE "-rhm_times 0.9,1.1,1.3 -process_t_final 3 -rhm_cases "
                         "joint,x_alone,equal_sigma,printed,legacy",
             check_order);
}
END_TEST

/* ---- the clock ---- */

/* Five noises at the same values of the clock; sigma2_50 agree as well. Noises share trees, so errors are upper bounds */
static void check_collapse(const RhmStudy *s)
{
  int differ = 0;

  ck_assert_int_eq(s->settings, 5);
  for (PetscInt k = 1; k < s->settings; k++) {
    for (PetscInt t = 0; t < s->o->nt; t++)
      for (int l = 0; l < s->levels; l++) {
        const int64_t mine = at(s, k, 0, t, l), first = at(s, 0, 0, t, l);
        const double  difference = s->value[RHM_ACCURACY][mine] - s->value[RHM_ACCURACY][first];

        differ += difference != 0;
        ck_assert_msg(fabs(difference) <=
                          4.5 * hypot(s->err[RHM_ACCURACY][mine], s->err[RHM_ACCURACY][first]),
                      "noise %d, time %d, level %d: accuracy differs by %g", (int)k, (int)t, l, difference);
        ck_assert_close(s->law[k * s->o->nt + t].sigma2, s->o->t[t] * s->o->t[t], 1e-10);
      }
    ck_assert(fabs(s->half[1][k] - s->half[1][0]) < 4.5 * hypot(s->half_err[1][k], s->half_err[1][0]));
    ck_assert(fabs(s->half[0][k] / s->half[0][0] - 1) > 0.01);
  }
  ck_assert(differ > 0); /* the noises themselves are not the same */
}

START_TEST(test_all_noises_collapse_on_the_clock)
{
  with_study(SMALL
             "-process_type passive,active:tau=0.5,2:tp=0.1,cld,passive:k=2:tp=0.3 -rhm_sigmas 0.3:1.2:7 "
             "-process_t_final 3 -rhm_cases joint",
             check_collapse);
}
END_TEST

/* The same trees on a grid of 3 times and on one of 45: interpolation over a factor of 4 in time is off by 14 %, over a quarter
   of that, with the bend of the curve, by 1.6 % */
static double half_of[2];
static int    which_grid;

static void note_half(const RhmStudy *s)
{
  half_of[which_grid] = s->half[0][0];
}

START_TEST(test_half_between_coarse_times_is_on_the_curve)
{
  which_grid = 0;
  with_study(SMALL NOISE "-rhm_times 0.2:3.2:3:log -process_t_final 4 -rhm_cases x_alone", note_half);
  which_grid = 1;
  with_study(SMALL NOISE "-rhm_times 0.2:3.2:45:log -process_t_final 4 -rhm_cases x_alone", note_half);
  ck_assert_msg(fabs(half_of[0] / half_of[1] - 1) < 0.03, "%g and %g", half_of[0], half_of[1]);
}
END_TEST

/* ---- limits, sizes, groups ---- */

/* sigma = 0.01: nothing is lost; sigma = 100: chance, 1/v at the root, which has a uniform law */
static void check_limits(const RhmStudy *s)
{
  for (int q = RHM_ACCURACY; q <= RHM_BELIEF; q++)
    for (int l = 0; l < s->levels; l++) ck_assert_double_eq_tol(s->value[q][at(s, 0, 0, 0, l)], 1, 1e-12);
  ck_assert_double_eq_tol(s->value[RHM_LOG_LOSS][at(s, 0, 0, 0, s->levels - 1)], 0, 1e-12);
  ck_assert_double_eq_tol(s->value[RHM_BELIEF][at(s, 0, 0, 1, s->levels - 1)], 1.0 / 8, 1e-3);
  ck_assert_double_eq_tol(s->value[RHM_LOG_LOSS][at(s, 0, 0, 1, s->levels - 1)], log(8), 1e-2);
  ck_assert(fabs(s->value[RHM_ACCURACY][at(s, 0, 0, 1, s->levels - 1)] - 1.0 / 8) <
            4.5 * sqrt(7.0 / 64 / 512));
}

START_TEST(test_no_noise_loses_nothing_and_endless_noise_all)
{
  with_study(SMALL "-process_type passive -rhm_sigmas 0.01,100 -process_t_final 9", check_limits);
}
END_TEST

/* Lists of sizes: symbols slowest, levels fastest; levels above the root of a smaller tree are NaN */
static void check_sizes(const RhmStudy *s)
{
  static const int v[4] = {4, 4, 6, 6}, L[4] = {2, 3, 2, 3};

  ck_assert_int_eq(s->settings, 4);
  ck_assert_int_eq(s->levels, 4);
  for (int k = 0; k < 4; k++) {
    ck_assert(s->o->size[k].v == v[k] && s->o->size[k].L == L[k] && s->o->size[k].s == 3);
    ck_assert(isnan(s->value[RHM_ACCURACY][at(s, k, 0, 0, 3)]) == (L[k] == 2));
    ck_assert(!isnan(s->value[RHM_ACCURACY][at(s, k, 0, 0, 2)]));
  }
}

START_TEST(test_lists_of_sizes_are_multiplied_out)
{
  with_study("-rhm_levels 2,3 -rhm_symbols 4,6 -rhm_children 3 -rhm_rules 2 -rhm_grammars 2 -rhm_trials 3 "
             "-rhm_times 0.5",
             check_sizes);
}
END_TEST

/* One grammar: errors are over blocks of 8 trees, here 8, 8 and 4 of them; many: over grammars. Both estimate the same scatter */
static double error_of[2];

static void note_single(const RhmStudy *s)
{
  error_of[0] = s->err[RHM_ACCURACY][at(s, 0, 0, 0, 0)] * sqrt(2000);
}

static void note_many(const RhmStudy *s)
{
  error_of[1] = s->err[RHM_ACCURACY][at(s, 0, 0, 0, 0)] * sqrt(64 * 30);
}

START_TEST(test_errors_of_one_grammar_are_over_blocks_of_trees)
{
  with_study(NOISE
             "-rhm_levels 3 -rhm_symbols 8 -rhm_rules 3 -rhm_times 0.7 -rhm_grammars 1 -rhm_trials 2000 "
             "-rhm_cases x_alone",
             note_single);
  with_study(NOISE "-rhm_levels 3 -rhm_symbols 8 -rhm_rules 3 -rhm_times 0.7 -rhm_grammars 64 -rhm_trials 30 "
                   "-rhm_cases x_alone",
             note_many);
  ck_assert_msg(error_of[0] > 0.05 && error_of[1] > 0.7 * error_of[0], "%g %g", error_of[0], error_of[1]);
}
END_TEST

Suite *rhm_command_suite(void)
{
  Suite *suite = suite_create("rhm_command");
  TCase *tc    = tcase_create("experiment");

  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, test_what_makes_no_sense_is_refused);
  tcase_add_test(tc, test_right_cases_are_calibrated_and_published_ones_are_not);
  tcase_add_test(tc, test_x_alone_knows_less_and_equal_sigma_as_much);
  tcase_add_test(tc, test_all_noises_collapse_on_the_clock);
  tcase_add_test(tc, test_half_between_coarse_times_is_on_the_curve);
  tcase_add_test(tc, test_no_noise_loses_nothing_and_endless_noise_all);
  tcase_add_test(tc, test_lists_of_sizes_are_multiplied_out);
  tcase_add_test(tc, test_errors_of_one_grammar_are_over_blocks_of_trees);
  suite_add_tcase(suite, tc);
  return suite;
}
