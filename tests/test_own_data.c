/* A user's own file of rows: what is measured in it, what is chosen, and what later commands find in the weights */
#include "ad_check.h"
#include "private/trainerimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *own_data_suite(void);

#define FILE_NAME "build/test_own.csv"

/* ---- an options database of the test's own ---- */

static PetscOptions begin(const char *text)
{
  PetscOptions database;

  PetscOptionsCreate(&database);
  PetscOptionsPush(database);
  PetscOptionsInsertString(NULL, text);
  return database;
}

static void end(PetscOptions database)
{
  PetscOptionsPop();
  PetscOptionsDestroy(&database);
}

static const char *option(const char *key)
{
  static char text[256];
  PetscBool   set;

  PetscOptionsGetString(NULL, NULL, key, text, sizeof(text), &set);
  return set ? text : "";
}

/* ---- rows ---- */

enum { ROWS = 80 };
static double raw[ROWS][2];

/* Rows on a line of uneven steps, the second column 10 times as wide; every eighth row has a twin */
static void write_rows(void)
{
  FILE *file = NULL;
  int   rank, good = 1;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int r = 0; r < ROWS; r++) {
    raw[r][0] = sin(r * 1.7) + 0.01 * r;
    raw[r][1] = 10 * cos(r * r * 0.37);
    if (r % 8 == 7) memcpy(raw[r], raw[r - 1], sizeof(raw[r]));
  }
  if (!rank) {
    mkdir("build", 0777);
    file = fopen(FILE_NAME, "w");
    good = file != NULL;
    for (int r = 0; r < ROWS && good; r++) good = fprintf(file, "%.17g,%.17g\n", raw[r][0], raw[r][1]) > 0;
    if (file) fclose(file);
  }
  ck_assert_all(good);
}

static Dataset dataset_of_file(void)
{
  Dataset dataset;

  ck_call(DatasetCreate(&dataset));
  ck_call(DatasetSetFromOptions(dataset));
  ck_call(DatasetSetUp(dataset));
  return dataset;
}

static int compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* All rows are looked at here; twins are those at distance 0, the median is over the others */
START_TEST(test_spacing_and_extent_match_brute_force)
{
  char              *file[1] = {FILE_NAME};
  PetscOptions       database;
  Dataset            dataset;
  OwnData            own = {0};
  const Coordinates *c;
  double             nearest[ROWS], far = 0;
  int                twins = 0;

  write_rows();
  database = begin("");
  ck_call(OwnDataOpen(1, file));
  dataset = dataset_of_file();
  ck_call(OwnDataMeasure(dataset, &own));
  DatasetGetCoordinates(dataset, &c);
  for (int r = 0; r < ROWS; r++) {
    nearest[r] = INFINITY;
    for (int q = 0; q < ROWS; q++) {
      const double u = (raw[r][0] - raw[q][0]) / c->scale[0], v = (raw[r][1] - raw[q][1]) / c->scale[1];

      if (q != r) nearest[r] = fmin(nearest[r], u * u + v * v);
    }
    twins += nearest[r] == 0;
    for (int i = 0; i < 2; i++) far = fmax(far, fabs(raw[r][i] - c->shift[i]) / c->scale[i]);
  }
  qsort(nearest, ROWS, sizeof(double), compare);
  ck_assert_all(own.queries == ROWS && own.rows == ROWS * 8 / 10 && own.twins == twins && twins == 20);
  ck_assert_close(own.nearest, sqrt(nearest[(ROWS + twins) / 2] / 2), 1e-12);
  ck_assert_close(own.far, far, 1e-12);
  ck_assert_close(own.deviation, 1, 1e-12);
  ck_call(OwnDataFree(&own));
  ck_call(DatasetDestroy(&dataset));
  end(database);
}
END_TEST

/* The stated rules, and that nothing the user gave is touched */
START_TEST(test_choices_follow_their_rules_where_nothing_is_given)
{
  static const struct {
    const char *given, *type, *iterations, *sigma_min;
    OwnData     own;
    double      sigma; /* at t_final, 0: not chosen */
  } cases[] = {
      {"", "passive", "4000", "0.005", {.rows = 1000, .nearest = 0.03, .far = 4, .deviation = 1}, 12},
      {"", "passive", "2000", "0.002", {.rows = 20, .nearest = 0, .far = 1.2, .deviation = 1}, 5},
      {"", "passive", "22500", "0.02", {.rows = 1000000, .nearest = 9, .far = 900, .deviation = 2}, 400},
      {"-process_tau 2 -trainer_iterations 7 -trainer_sigma_min 0.5",
       "",
       "7",
       "0.5",
       {.rows = 1000, .nearest = 0.03, .far = 4, .deviation = 1},
       0}};
  char        *file[1]  = {FILE_NAME};
  PetscOptions database = begin(cases[_i].given);
  OwnData      own      = cases[_i].own;
  Dataset      dataset;

  write_rows();
  ck_call(OwnDataOpen(1, file));
  dataset = dataset_of_file();
  ck_call(OwnDataChoose(dataset, &own));
  ck_assert_str_eq(option("-process_type"), cases[_i].type);
  ck_assert_str_eq(option("-trainer_iterations"), cases[_i].iterations);
  ck_assert_str_eq(option("-trainer_sigma_min"), cases[_i].sigma_min);
  if (cases[_i].sigma > 0)
    ck_assert_close(sqrt(expm1(2 * atof(option("-process_t_final")))), cases[_i].sigma, 1e-4);
  else
    ck_assert_str_eq(option("-process_t_final"), "");
  ck_call(DatasetDestroy(&dataset));
  end(database);
}
END_TEST

/* ---- what a result file hands on ---- */

static Process process_of(Input in)
{
  Process process;

  if (in) ck_call(ProcessTakeOptions(in));
  ck_call(ProcessCreate(&process));
  ck_call(ProcessSetFromOptions(process));
  ck_call(ProcessSetUp(process));
  return process;
}

/* The process of a file comes back to the last bit, unless a key of it is given */
START_TEST(test_process_of_a_file_is_taken_unless_one_is_given)
{
  static const char *const texts[] = {
      "-process_type passive -process_k 1.3 -process_tp 0.7 -process_t_final 1.7",
      "-process_type active -process_tau 0.31 -process_tp 0.1 -process_v0 0",
      "-process_type cld -process_mass 0.3 -process_v0 0.1",
      "-process_type general -process_m -1,0.3,0,-2 -process_g 0.1,0,0,1 "
      "-process_cov0 0.5 -process_rate 3"};
  PetscOptions     database = begin(texts[_i]);
  Process          written  = process_of(NULL), read;
  const LinearSde *sde;
  Output           out;
  Input            in;

  ck_call(OutputOpen("build/test_own_process.h5", "test", &out));
  ck_call(ProcessWrite(written, out));
  ck_call(OutputClose(&out));
  ck_call(ProcessDestroy(&written));
  end(database);
  ck_call(InputOpen("test", "build/test_own_process.h5", &in));
  database = begin("");
  read     = process_of(in);
  ck_call(ProcessCheckSame(read, in, "test"));
  ck_call(ProcessDestroy(&read));
  end(database);
  database = begin("-process_k 9");
  read     = process_of(in);
  ck_call(ProcessGetSde(read, &sde));
  ck_assert(sde->M[0] == -9 && sde->b == 2); /* the default: active */
  ck_call(ProcessDestroy(&read));
  end(database);
  ck_call(InputClose(&in));
}
END_TEST

START_TEST(test_options_of_a_group_come_back_as_words)
{
  PetscOptions database = begin("-dataset_means -1,2 -process_k 3 -dataset_period 360 -dataset_file a.csv");
  char        *text;

  ck_call(OptGroupText("-dataset_", "-dataset_period", &text));
  ck_assert_msg(strstr(text, " -dataset_means -1,2") && strstr(text, " -dataset_file a.csv"), "got '%s'",
                text);
  ck_assert(!strstr(text, "period") && !strstr(text, "360") && !strstr(text, "process"));
  ck_call(PetscFree(text));
  ck_call(OptTakeText("process_k: 4\nprocess_m: -1,0.5\n"));
  ck_assert_str_eq(option("-process_k"), "4");
  ck_assert_str_eq(option("-process_m"), "-1,0.5");
  ck_call(OptSetDefault("-process_k", "5"));
  ck_call(OptSetDefault("-process_tau", "6"));
  ck_assert_str_eq(option("-process_k"), "4");
  ck_assert_str_eq(option("-process_tau"), "6");
  end(database);
}
END_TEST

/* ---- held-out losses ---- */

/* Train without its lines on the terminal */
static PetscErrorCode solve_quietly(Trainer t, PetscBool *finished)
{
  PetscErrorCode code;
  int            terminal;

  fflush(stdout);
  terminal = dup(1);
  if (!freopen("/dev/null", "w", stdout)) return 1;
  code = TrainerSolve(t, NULL, finished);
  fflush(stdout);
  dup2(terminal, 1);
  close(terminal);
  return code;
}

/* 16 held-out rows serve 200 times; the whole loss is the mean of its bins of 50 */
START_TEST(test_held_out_losses_by_time_average_to_the_whole)
{
  char        *file[1] = {FILE_NAME};
  PetscOptions database;
  PetscBool    finished;
  Process      process;
  Dataset      dataset;
  Score        score;
  Trainer      t;

  write_rows();
  database = begin("-score_type net -net_width 16 -net_depth 1 -trainer_iterations 6 -trainer_batch 64 "
                   "-trainer_log_every 3 -trainer_validate 200 -trainer_nodes 64");
  ck_call(OwnDataOpen(1, file));
  dataset = dataset_of_file();
  process = process_of(NULL);
  ck_call(ScoreCreate(&score));
  ck_call(ScoreSetFromOptions(score));
  ck_call(ScoreSetProcess(score, process));
  ck_call(ScoreSetDataset(score, dataset));
  ck_call(ScoreSetUp(score));
  ck_call(TrainerCreate(&t));
  ck_call(TrainerSetScore(t, process, dataset, score));
  ck_call(TrainerSetFromOptions(t));
  ck_call(TrainerSetUp(t));
  ck_call(solve_quietly(t, &finished));
  ck_assert_all(finished && t->held == 200 && t->records == 2);
  for (int k = 0; k < 2; k++) {
    double mean = 0;

    for (int b = 0; b < TRAIN_BINS; b++) mean += t->record[k].validation_bins[b] / TRAIN_BINS;
    ck_assert(mean > 0);
    ck_assert_close(t->record[k].validation, mean, 1e-14);
  }
  ck_assert(t->record[0].validation_bins[0] != t->record[0].validation_bins[3]);
  ck_call(TrainerDestroy(&t));
  ck_call(ScoreDestroy(&score));
  ck_call(DatasetDestroy(&dataset));
  ck_call(ProcessDestroy(&process));
  end(database);
}
END_TEST

Suite *own_data_suite(void)
{
  Suite *suite   = suite_create("own_data");
  TCase *rows    = tcase_create("rows");
  TCase *handed  = tcase_create("handed on");
  TCase *heldout = tcase_create("held out");

  tcase_add_test(rows, test_spacing_and_extent_match_brute_force);
  tcase_add_loop_test(rows, test_choices_follow_their_rules_where_nothing_is_given, 0, 4);
  suite_add_tcase(suite, rows);
  tcase_add_loop_test(handed, test_process_of_a_file_is_taken_unless_one_is_given, 0, 4);
  tcase_add_test(handed, test_options_of_a_group_come_back_as_words);
  suite_add_tcase(suite, handed);
  tcase_add_test(heldout, test_held_out_losses_by_time_average_to_the_whole);
  suite_add_tcase(suite, heldout);
  return suite;
}
