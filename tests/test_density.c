/*
  Log-density by the probability flow: against exact mixtures under every process, against itself between spaces, and
  against the fact that a density integrates to one
*/
#include "addensity.h"
#include "score_case.h"

Suite *density_suite(void);

/* Final times other than 1, by process */
static const char *const final[PROCESSES] = {"", "-process_t_final 2 ", "", "", "-process_t_final 3 ", ""};
enum { ROWS = 60, GRID = 160 };

static const char *const data[] = {TOY, PLANE};
enum { DATA = 2 };

/* A case, and rows of its data */
typedef struct {
  Case   it;
  double x0[ROWS * 2];
} RowsCase;

static PetscErrorCode make_rows(int process, const char *law, const char *score, RowsCase *c)
{
  char    text[512];
  int64_t index[ROWS];

  PetscFunctionBegin;
  snprintf(text, sizeof(text), "%s%s", processes[process], final[process]);
  PetscCall(make(text, law, score, &c->it));
  if (score[0]) {
    Net net;
    PetscCall(ScoreGetNet(c->it.score, &net));
    PetscCall(NetInitialise(net, 3));
  }
  for (int i = 0; i < ROWS; i++) index[i] = i;
  PetscCall(DatasetGetRows(c->it.dataset, SPLIT_TEST, ROWS, index, c->x0, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  double logp[GRID], end[GRID * 2], prior[GRID];
} Found;

static PetscErrorCode compute(const RowsCase *c, const DensitySettings *settings, int64_t n, const double *x0,
                              Found *found)
{
  DensityResult result = {found->logp, found->end, found->prior, 0};

  PetscFunctionBegin;
  PetscCall(DensityCompute(c->it.process, c->it.score, settings, 0, n, x0, &result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* log p of the law noised by sigma */
static void exact(const RowsCase *c, double sigma, int64_t n, const double *z, double *logp)
{
  const MixtureData *law;
  double            *work;

  ck_call(DatasetGetMixture(c->it.dataset, &law));
  work = malloc(sizeof(double) * mixture_workspace(law));
  mixture_score(law, sigma * sigma, (int)n, z, NULL, NULL, logp, work);
  free(work);
}

/* With the law itself for a prior nothing is left but the flow and its divergence */
static double worst_error(const RowsCase *c, const DensitySettings *settings, const Found *found)
{
  double start[ROWS], end[ROWS], worst = 0;

  exact(c, settings->sigma_min, ROWS, c->x0, start);
  exact(c, settings->sigma_max, ROWS, found->end, end);
  for (int r = 0; r < ROWS; r++)
    worst = fmax(worst, fabs(found->logp[r] - found->prior[r] + end[r] - start[r]));
  return worst;
}

START_TEST(test_flow_in_the_state_of_every_process_gives_the_density_of_mixtures)
{
  DensitySettings settings = {
      .space = DENSITY_STATE, .sigma_min = 0.01, .sigma_max = 1.2, .tolerance = 1e-8, .seed = 4};
  double   worst;
  RowsCase c;
  Found    found;

  ck_call(make_rows(_i / DATA, data[_i % DATA], "", &c));
  ck_call(compute(&c, &settings, ROWS, c.x0, &found));
  worst = worst_error(&c, &settings, &found);
  ck_assert_msg(worst < 1e-5, "worst error %g", worst);
  drop(&c.it);
}
END_TEST

START_TEST(test_flow_in_the_clock_gives_the_density_of_mixtures)
{
  DensitySettings settings = {
      .space = DENSITY_CLOCK, .sigma_min = 0.01, .sigma_max = 300, .tolerance = 1e-8, .seed = 4};
  double   start[ROWS], worst, gaussian = 0;
  RowsCase c;
  Found    found;

  ck_call(make_rows(0, data[_i], "", &c));
  ck_call(compute(&c, &settings, ROWS, c.x0, &found));
  worst = worst_error(&c, &settings, &found);
  ck_assert_msg(worst < 1e-6, "worst error %g", worst);
  exact(&c, settings.sigma_min, ROWS, c.x0, start); /* at sigma 300 the matched Gaussian is the law */
  for (int r = 0; r < ROWS; r++) gaussian = fmax(gaussian, fabs(found.logp[r] - start[r]));
  ck_assert_msg(gaussian < 1e-5, "worst error %g with the Gaussian prior", gaussian);
  drop(&c.it);
}
END_TEST

/* Errors fall with the tolerance: what is left is the integrator's */
START_TEST(test_density_error_follows_the_tolerance)
{
  DensitySettings settings = {.space = DENSITY_CLOCK, .sigma_min = 0.01, .sigma_max = 10, .seed = 4};
  double          worst[2];
  RowsCase        c;
  Found           found;

  ck_call(make_rows(0, PLANE, "", &c));
  for (int k = 0; k < 2; k++) {
    settings.tolerance = k ? 1e-9 : 1e-5;
    ck_call(compute(&c, &settings, ROWS, c.x0, &found));
    worst[k] = worst_error(&c, &settings, &found);
  }
  ck_assert_msg(worst[0] < 1e-3 && worst[1] < 1e-7 && worst[1] < worst[0] / 100, "%g and %g", worst[0],
                worst[1]);
  drop(&c.it);
}
END_TEST

START_TEST(test_hutchinson_is_exact_on_a_line_and_unbiased_in_the_plane)
{
  enum { PROBES = 64 };
  DensitySettings settings = {.space = DENSITY_CLOCK, .sigma_min = 0.01, .sigma_max = 10, .tolerance = 1e-9};
  double          mean = 0, square = 0;
  RowsCase        c;
  Found           whole, guess;

  ck_call(make_rows(0, data[_i], "", &c));
  ck_call(compute(&c, &settings, ROWS, c.x0, &whole));
  settings.divergence = DIVERGENCE_HUTCHINSON;
  settings.probes     = _i ? PROBES : 1;
  ck_call(compute(&c, &settings, ROWS, c.x0, &guess));
  for (int r = 0; r < ROWS; r++) {
    const double error = guess.logp[r] - whole.logp[r];
    mean += error / ROWS;
    square += error * error / ROWS;
  }
  if (_i == 0) /* the square of a sign is one */
    ck_assert_msg(sqrt(square) < 1e-9, "error %g", sqrt(square));
  else
    ck_assert_msg(square > 1e-6 && square < 0.1 && fabs(mean) < 4.5 * sqrt(square / ROWS),
                  "mean error %g, scatter %g", mean, sqrt(square));
  drop(&c.it);
}
END_TEST

START_TEST(test_passive_flow_of_a_net_is_the_same_in_state_and_clock)
{
  DensitySettings settings = {
      .space = DENSITY_CLOCK, .sigma_min = 0.05, .sigma_max = 1.2, .tolerance = 1e-6, .seed = 4};
  double   worst = 0;
  RowsCase c;
  Found    clock, state;

  ck_call(make_rows(0, PLANE, NET "-score_kind reduced ", &c));
  ck_call(compute(&c, &settings, ROWS, c.x0, &clock));
  settings.space = DENSITY_STATE;
  ck_call(compute(&c, &settings, ROWS, c.x0, &state));
  for (int r = 0; r < ROWS; r++) worst = fmax(worst, fabs(clock.logp[r] - state.logp[r]));
  ck_assert_msg(worst < 1e-4, "worst difference %g", worst); /* the net is in single precision */
  drop(&c.it);
}
END_TEST

/* Mass of exp(log-density) over the line, each point at its own draw of w */
static double mass_of(const RowsCase *c, const DensitySettings *settings)
{
  const double step = 16.0 / GRID;
  double       x0[GRID], mass = 0;
  Found        found;

  for (int r = 0; r < GRID; r++) x0[r] = step * (r + 0.5 - GRID / 2.0);
  ck_call(compute(c, settings, GRID, x0, &found));
  for (int r = 0; r < GRID; r++) mass += exp(found.logp[r]) * step;
  return mass;
}

START_TEST(test_density_of_a_net_in_the_clock_integrates_to_one)
{
  const DensitySettings settings = {
      .space = DENSITY_CLOCK, .sigma_min = 0.1, .sigma_max = 1.2, .tolerance = 1e-6};
  double   mass;
  RowsCase c;

  ck_call(make_rows(0, TOY, NET "-score_kind reduced ", &c));
  mass = mass_of(&c, &settings);
  ck_assert_msg(fabs(mass - 1) < 1e-4, "mass %.6f", mass);
  drop(&c.it);
}
END_TEST

/*
  Whatever a net has learned, its flow and divergence belong together: over z and draws of w, P(X)/N(w) has mean mass one
  (of passive noise, which has no w, exactly so)
*/
START_TEST(test_density_of_a_net_in_the_state_integrates_to_one)
{
  enum { SETS = 8 };
  const char *const net =
      _i < PROCESSES ? NET "-score_kind reduced " : NET "-score_kind joint -score_form mixed ";
  DensitySettings settings = {.space = DENSITY_STATE, .sigma_min = 0.1, .sigma_max = 1.2, .tolerance = 1e-5};
  double          mean = 0, square = 0, err;
  RowsCase        c;

  ck_call(make_rows(_i % PROCESSES, TOY, net, &c));
  for (int s = 0; s < SETS; s++) {
    double mass;
    settings.seed = (uint64_t)s;
    mass          = mass_of(&c, &settings);
    mean += mass / SETS;
    square += mass * mass / SETS;
  }
  err = sqrt(fmax(square - mean * mean, 0) / (SETS - 1));
  ck_assert_msg(err < 0.05 && fabs(mean - 1) < 5 * err + 1e-4, "mass %.6f (%.6f)", mean, err);
  drop(&c.it);
}
END_TEST

START_TEST(test_joint_net_in_the_clock_is_refused)
{
  const DensitySettings settings = {
      .space = DENSITY_CLOCK, .sigma_min = 0.1, .sigma_max = 1, .tolerance = 1e-3};
  PetscErrorCode code;
  RowsCase       c;
  Found          found;

  ck_call(make_rows(1, TOY, NET "-score_kind joint ", &c));
  QUIET(code, compute(&c, &settings, ROWS, c.x0, &found));
  ck_assert_int_eq(code, AD_ERR_INPUT);
  drop(&c.it);
}
END_TEST

Suite *density_suite(void)
{
  Suite *suite = suite_create("density");
  TCase *tests = tcase_create("density");

  tcase_add_loop_test(tests, test_flow_in_the_state_of_every_process_gives_the_density_of_mixtures, 0,
                      PROCESSES * DATA);
  tcase_add_loop_test(tests, test_flow_in_the_clock_gives_the_density_of_mixtures, 0, DATA);
  tcase_add_test(tests, test_density_error_follows_the_tolerance);
  tcase_add_loop_test(tests, test_hutchinson_is_exact_on_a_line_and_unbiased_in_the_plane, 0, DATA);
  tcase_add_test(tests, test_passive_flow_of_a_net_is_the_same_in_state_and_clock);
  tcase_add_test(tests, test_density_of_a_net_in_the_clock_integrates_to_one);
  tcase_add_loop_test(tests, test_density_of_a_net_in_the_state_integrates_to_one, 0, 2 * PROCESSES);
  tcase_add_test(tests, test_joint_net_in_the_clock_is_refused);
  suite_add_tcase(suite, tests);
  return suite;
}
