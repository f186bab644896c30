#include "ad_check.h"
#include "refusal.h"
#include "adprocess.h"
#include "adsampler.h"
#include "private/compareimpl.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a request with noises of every type ---- */

#define FOUR    "passive,active:tau=0.5,active:tau=2:tp=0.2,cld:v0=0.3"
#define GENERAL "passive,general:m=-1,0.5,0,-2:g=0.3,0,0,1.5:cov0=0.4"

static CompareRequest request_of(const char *noises)
{
  CompareRequest r = {.nways   = 4,
                      .way     = {WAY_TIME, WAY_TEMPERATURE, WAY_VARIANCE, WAY_SIGMA},
                      .nscores = 3,
                      .score = {{LEARNT_EXACT, 0}, {LEARNT_REDUCED, LAW_SIGMA}, {LEARNT_JOINT, LAW_UNIFORM}},
                      .nschemes = 2,
                      .scheme   = {COMPARE_EM, COMPARE_DDIM},
                      .nlasts   = 2,
                      .last     = {COMPARE_NONE, COMPARE_DENOISE},
                      .nsteps   = 2,
                      .steps    = {10, 100},
                      .seeds    = 3,
                      .samples  = 100,
                      .grid_min = 0.006,
                      .seed     = 7};

  ck_call(CompareReadNoises(&r, noises));
  return r;
}

static ComparePlan plan_of(const CompareRequest *r)
{
  const size_t bound = (size_t)compare_bound(r);
  ComparePlan  plan  = {.model    = malloc(bound * sizeof(CompareModel)),
                        .sampling = malloc(bound * sizeof(CompareSampling)),
                        .cell     = malloc(bound * sizeof(CompareCell))};

  ck_assert(plan.model && plan.sampling && plan.cell);
  compare_plan(r, &plan);
  return plan;
}

static void free_plan(ComparePlan *plan)
{
  free(plan->model);
  free(plan->sampling);
  free(plan->cell);
}

/* The process of a sampling, as the run makes it */
static Process process_of(const CompareRequest *r, const CompareSampling *s)
{
  KeyList keys;
  Process process;

  ck_assert_int_eq(compare_sampling_keys(r, s, &keys), 0);
  ck_call(OptionsPushList(&keys));
  ck_call(ProcessCreate(&process));
  ck_call(ProcessSetFromOptions(process));
  ck_call(OptionsPop());
  ck_call(ProcessSetUp(process));
  return process;
}

/* ---- noises ---- */

START_TEST(test_noises_are_cut_where_a_type_begins)
{
  char              list[] = " passive, general:m=-1,0.5,0,-2:g=1,.5,active:tau=2:tp=0.1 ", *word[4];
  char              problem[256];
  const char *const label[] = {"passive", "general m -1,0.5,0,-2 g 1,.5", "active tau 2 tp 0.1"};

  ck_assert_int_eq(noise_split(list, 4, word), 3);
  for (int i = 0; i < 3; i++) {
    CompareNoise noise;

    ck_assert_int_eq(compare_parse_noise(word[i], &noise, sizeof(problem), problem), 0);
    ck_assert_str_eq(noise.label, label[i]);
  }
}
END_TEST

START_TEST(test_bad_noises_are_refused_with_a_reason)
{
  static const char *const bad[][2] = {
      {"active:tau", "expected key=value"},   {"active:=3", "expected key=value"},
      {"active:tau=", "expected key=value"},  {":tau=2", "expected type"},
      {"active:tau=1:tau=2", "given twice"},  {"active:type=cld", "stands before the colon"},
      {"active:scale=2", "ways of comparing"}};
  CompareNoise noise;
  char         problem[256];

  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ck_assert_int_ne(compare_parse_noise(bad[i][0], &noise, sizeof(problem), problem), 0);
    ck_assert_msg(strstr(problem, bad[i][1]) != NULL, "%s: %s", bad[i][0], problem);
  }
}
END_TEST

START_TEST(test_noises_refused_in_a_list)
{
  static const char *const bad[] = {"passive", "passive,passive", "passive,activ:tau=2",
                                    "passive,active:mass=2", "passive,active:tau=-2"};

  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    CompareRequest r = {.nsteps = 1, .steps = {10}};
    PetscErrorCode code;

    QUIET(code, CompareReadNoises(&r, bad[i]));
    ck_assert_all(code == AD_ERR_INPUT);
    ck_call(OptionsForget()); /* a wrong value ends in the middle of a part */
    ck_call(PetscOptionsClear(NULL));
  }
}
END_TEST

/* ---- rescaling ---- */

/* Passive T = 1 sets 1; Ta + Tp, and the bath of CLD; T/k, Tp/k + Ta/(k (1 + k tau)), 1 */
START_TEST(test_temperatures_and_variances_have_their_closed_forms)
{
  CompareRequest r = request_of("passive:k=2:tp=0.7,active:k=1.3:tau=0.7:ta=0.9:tp=0.2,cld:mass=0.5");

  ck_assert_close(r.noise[0].temperature, 0.7, 1e-15);
  ck_assert_close(r.noise[0].variance, 0.35, 1e-15);
  ck_assert_close(r.noise[1].temperature, 1.1, 1e-15);
  ck_assert_close(r.noise[1].variance, 0.2 / 1.3 + 0.9 / (1.3 * (1 + 1.3 * 0.7)), 1e-14);
  ck_assert_close(r.noise[2].temperature, 1, 1e-15);
  ck_assert_close(r.noise[2].variance, 1, 1e-14);
}
END_TEST

/* Each sampling of a way is run by a process whose temperature or variance is that of the first noise */
static void check_way(const char *noises, int way, PetscErrorCode (*get)(Process, PetscReal *))
{
  CompareRequest r    = request_of(noises);
  ComparePlan    plan = plan_of(&r);
  PetscReal      first, value;

  for (int i = 0; i < plan.ncells; i++) {
    const CompareSampling *s = &plan.sampling[plan.cell[i].sampling];
    Process                process;

    if (plan.cell[i].way != way || plan.cell[i].steps != 10 || plan.cell[i].scheme != COMPARE_DDIM) continue;
    process = process_of(&r, s);
    ck_call((*get)(process, &value));
    if (plan.cell[i].noise == 0) first = value;
    ck_assert_close(value, first, 4e-15);
    ck_call(ProcessDestroy(&process));
  }
  free_plan(&plan);
}

START_TEST(test_equal_temperature_makes_temperatures_equal)
{
  check_way(FOUR, WAY_TEMPERATURE, ProcessGetTemperature);
}
END_TEST

START_TEST(test_equal_variance_makes_variances_equal)
{
  check_way(FOUR, WAY_VARIANCE, ProcessGetStationaryVariance);
  check_way(GENERAL, WAY_VARIANCE, ProcessGetStationaryVariance);
}
END_TEST

START_TEST(test_a_general_noise_has_no_temperature)
{
  CompareRequest r = request_of(GENERAL);

  ck_assert(isnan(r.noise[1].temperature) && isnan(compare_scale(&r, WAY_TEMPERATURE, 1)));
  ck_assert(isfinite(compare_scale(&r, WAY_VARIANCE, 1)));
}
END_TEST

/* All covariances grow with the scale, the mean map does not: sigma2 grows with it, at any time and for V0 != 0 */
START_TEST(test_scale_multiplies_the_clock)
{
  CompareRequest r = request_of(FOUR);

  for (int i = 0; i < r.nnoises; i++) {
    const CompareSampling plain = {.noise = i, .steps = 1, .model = -1, .scale = 1},
                          hot   = {.noise = i, .steps = 1, .model = -1, .scale = 2.7};
    Process a = process_of(&r, &plain), b = process_of(&r, &hot);
    Kernel  ka, kb;

    for (double t = 1e-3; t < 1; t *= 7) {
      ck_call(ProcessGetKernel(a, t, &ka));
      ck_call(ProcessGetKernel(b, t, &kb));
      ck_assert_close(kb.sigma2, 2.7 * ka.sigma2, 1e-13);
      for (int j = 0; j < ka.b * ka.b; j++) {
        ck_assert(fabs(kb.Cb[j] - 2.7 * ka.Cb[j]) <= 1e-14 * fabs(kb.Cb[0]) + 1e-13 * fabs(kb.Cb[j]));
        ck_assert(kb.F[j] == ka.F[j]);
      }
    }
    ck_call(ProcessDestroy(&a));
    ck_call(ProcessDestroy(&b));
  }
}
END_TEST

/* ---- equal sigma grids ---- */

START_TEST(test_equal_sigma_grids_visit_the_same_sigmas)
{
  CompareRequest r    = request_of(FOUR);
  ComparePlan    plan = plan_of(&r);

  for (int i = 0; i < plan.ncells; i++) {
    KeyList  keys;
    Sampling s = {0};
    double   first, last;

    if (plan.cell[i].way != WAY_SIGMA || plan.cell[i].score || plan.cell[i].steps != 10) continue;
    ck_assert_int_eq(compare_sampling_keys(&r, &plan.sampling[plan.cell[i].sampling], &keys), 0);
    ck_call(OptionsPushList(&keys));
    ck_call(SamplingCreate(1, &s));
    ck_call(SamplingSetUp(&s));
    ck_call(SamplerGetSigmas(s.sampler, &first, &last));
    ck_assert_close(first, compare_sigma_max(&r), 1e-12);
    ck_assert_close(last, 0.006, 1e-12);
    ck_call(SamplingDestroy(&s));
    ck_call(OptionsPop());
  }
  ck_assert_double_eq(compare_sigma_max(&r), r.noise[2].sigma_end); /* large tau ends first */
  free_plan(&plan);
}
END_TEST

/* ---- plan ---- */

START_TEST(test_plan_has_every_cell_once)
{
  CompareRequest r    = request_of(FOUR);
  ComparePlan    plan = plan_of(&r);

  /* 4 ways, 3 scores, em with 2 last steps and ddim with one, 2 step numbers, 4 noises */
  ck_assert_int_eq(plan.ncells, 4 * 3 * (2 + 1) * 2 * 4);
  for (int i = 0; i < plan.ncells; i++) {
    const CompareCell     *c = &plan.cell[i];
    const CompareSampling *s = &plan.sampling[c->sampling];

    ck_assert_int_eq(c->noise, i % 4);
    ck_assert(s->noise == c->noise && s->score == c->score && s->scheme == c->scheme && s->last == c->last &&
              s->steps == c->steps && (s->sigma_max > 0) == (c->way == WAY_SIGMA) &&
              (s->model < 0) == (c->score == 0));
    for (int j = 0; j < i; j++) {
      const CompareCell *o = &plan.cell[j];

      ck_assert(o->way != c->way || o->score != c->score || o->scheme != c->scheme || o->last != c->last ||
                o->steps != c->steps || o->noise != c->noise);
    }
  }
  free_plan(&plan);
}
END_TEST

START_TEST(test_plan_computes_nothing_twice)
{
  CompareRequest r       = request_of(FOUR);
  ComparePlan    plan    = plan_of(&r);
  int            reduced = 0;

  /* Distinct noises: 4 as given; tau 2 (Ta + Tp = 1.2) at equal temperature; both active ones at equal variance; 4 on the
     sigma grid: 11 samplings a score and setting. Joint nets: the first 7 of them; one reduced net */
  ck_assert_int_eq(plan.nsamplings, 11 * 3 * 3 * 2);
  ck_assert_int_eq(plan.nmodels, 7 + 1);
  for (int m = 0; m < plan.nmodels; m++) reduced += r.score[plan.model[m].score].kind == LEARNT_REDUCED;
  ck_assert_int_eq(reduced, 1);
  for (int i = 0; i < plan.ncells; i++)
    if (plan.cell[i].way == WAY_TEMPERATURE)
      ck_assert_int_eq(plan.cell[i].same_as, plan.cell[i].noise == 2 ? WAY_TEMPERATURE : WAY_TIME);
  free_plan(&plan);
}
END_TEST

START_TEST(test_the_reduced_net_is_trained_where_all_cells_look)
{
  CompareRequest r    = request_of(FOUR);
  ComparePlan    plan = plan_of(&r);
  double         lo = INFINITY, hi = 0;

  for (int i = 0; i < plan.nsamplings; i++) {
    const CompareSampling *s = &plan.sampling[i];
    Process                process;
    Kernel                 k;

    if (s->score || s->scheme != COMPARE_DDIM) continue;
    process = process_of(&r, s);
    if (s->sigma_max == 0) {
      ck_call(ProcessGetKernel(process, 1, &k));
      hi = fmax(hi, k.sigma);
      ck_call(ProcessGetKernel(process, 1.0 / s->steps, &k));
      lo = fmin(lo, k.sigma);
    }
    ck_call(ProcessDestroy(&process));
  }
  for (int m = 0; m < plan.nmodels; m++)
    if (r.score[plan.model[m].score].kind == LEARNT_REDUCED) {
      ck_assert_close(plan.model[m].sigma_max, hi, 1e-13);
      ck_assert_close(plan.model[m].sigma_min, fmin(lo, 0.006), 1e-13);
    }
  free_plan(&plan);
}
END_TEST

START_TEST(test_seeds_and_names_of_all_runs_differ)
{
  CompareRequest r    = request_of(FOUR);
  ComparePlan    plan = plan_of(&r);
  uint64_t       seen[256];
  int            n = 0;

  for (int rep = 0; rep < r.seeds; rep++)
    for (int i = 0; i <= r.nnoises + r.nnoises; i++) {
      const CompareModel    model    = {.score = i == 2 * r.nnoises ? 1 : 2, .noise = i % r.nnoises};
      const CompareSampling sampling = {.noise = i % r.nnoises};

      seen[n++] =
          i < r.nnoises ? compare_sampling_seed(&r, &sampling, rep) : compare_training_seed(&r, &model, rep);
    }
  for (int i = 0; i < n; i++) {
    ck_assert(seen[i] < 2147483648u);
    for (int j = 0; j < i; j++) ck_assert(seen[i] != seen[j]);
  }
  for (int i = 0; i < plan.nmodels * r.seeds; i++)
    for (int j = 0; j < i; j++) {
      char a[128], b[128];

      compare_model_name(&r, &plan.model[i / r.seeds], i % r.seeds, sizeof(a), a);
      compare_model_name(&r, &plan.model[j / r.seeds], j % r.seeds, sizeof(b), b);
      ck_assert_str_ne(a, b);
    }
  free_plan(&plan);
}
END_TEST

/* ---- options of a part ---- */

START_TEST(test_options_of_a_part_are_gone_after_it)
{
  const char *const key[] = {"-process_tau", "-process_type"}, *const value[] = {"2", "active"};
  PetscReal tau = 1;
  PetscBool set;
  char     *text;

  ck_call(OptionsForget());
  ck_call(PetscOptionsSetValue(NULL, "-process_tau", "0.25"));
  ck_call(OptionsPush(2, key, value));
  ck_call(OptReal("-process_tau", "t", RANGE_POSITIVE, &tau, NULL));
  ck_assert_double_eq(tau, 2);
  ck_call(OptReal("-process_k", "k", RANGE_POSITIVE, &tau, NULL));
  ck_call(OptionsText("", &text));
  ck_assert(strstr(text, "process_tau: 2\n") != NULL);
  ck_call(PetscFree(text));
  ck_call(OptionsPop());
  ck_call(OptionsText("", &text));
  ck_assert_msg(!strstr(text, "process_tau") && strstr(text, "process_k: 2\n"), "%s", text);
  ck_call(PetscFree(text));
  ck_call(OptReal("-process_tau", "t", RANGE_POSITIVE, &tau, NULL));
  ck_assert_double_eq(tau, 0.25);
  ck_call(PetscOptionsHasName(NULL, NULL, "-process_type", &set));
  ck_assert(!set);
  ck_call(PetscOptionsClear(NULL));
  ck_call(OptionsForget());
}
END_TEST

START_TEST(test_a_value_that_parts_do_not_share_is_not_that_of_the_run)
{
  PetscReal value = 1;
  char     *text;

  ck_call(OptionsForget());
  for (int part = 0; part < 3; part++) {
    ck_call(OptionsPush(0, NULL, NULL));
    value = part + 1; /* a default that depends on the part */
    ck_call(OptReal("-process_rate", "r", RANGE_POSITIVE, &value, NULL));
    value = 5;
    ck_call(OptReal("-process_t_final", "t", RANGE_POSITIVE, &value, NULL));
    ck_call(OptionsPop());
  }
  ck_call(OptionsText("", &text));
  ck_assert_str_eq(text, "process_t_final: 5\n");
  ck_call(PetscFree(text));
  ck_call(OptionsForget());
}
END_TEST

Suite *compare_suite(void)
{
  Suite *suite = suite_create("compare");
  TCase *tc    = tcase_create("plan");

  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, test_noises_are_cut_where_a_type_begins);
  tcase_add_test(tc, test_bad_noises_are_refused_with_a_reason);
  tcase_add_test(tc, test_noises_refused_in_a_list);
  tcase_add_test(tc, test_temperatures_and_variances_have_their_closed_forms);
  tcase_add_test(tc, test_equal_temperature_makes_temperatures_equal);
  tcase_add_test(tc, test_equal_variance_makes_variances_equal);
  tcase_add_test(tc, test_a_general_noise_has_no_temperature);
  tcase_add_test(tc, test_scale_multiplies_the_clock);
  tcase_add_test(tc, test_equal_sigma_grids_visit_the_same_sigmas);
  tcase_add_test(tc, test_plan_has_every_cell_once);
  tcase_add_test(tc, test_plan_computes_nothing_twice);
  tcase_add_test(tc, test_the_reduced_net_is_trained_where_all_cells_look);
  tcase_add_test(tc, test_seeds_and_names_of_all_runs_differ);
  tcase_add_test(tc, test_options_of_a_part_are_gone_after_it);
  tcase_add_test(tc, test_a_value_that_parts_do_not_share_is_not_that_of_the_run);
  suite_add_tcase(suite, tc);
  return suite;
}
