/* Lists of noises and of their parameters */
#include "ad_check.h"
#include "private/processimpl.h"
#include <string.h>

static void with_options(const char *options, PetscErrorCode (*f)(void))
{
  PetscOptions database;

  ck_call(OptionsForget()); /* the record of other tests */
  ck_call(PetscOptionsCreate(&database));
  ck_call(PetscOptionsPush(database));
  ck_call(PetscOptionsInsertString(NULL, options));
  ck_call(f());
  ck_call(PetscOptionsPop());
  ck_call(PetscOptionsDestroy(&database));
}

static double parameter(Process p, const char *name)
{
  for (int i = 0; i < p->nparameters; i++)
    if (!strcmp(p->parameter[i].name, name)) return p->parameter[i].value;
  return NAN;
}

static PetscErrorCode CheckProduct(void)
{
  ProcessGrid grid;
  char       *record;

  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&grid));
  PetscCall(ProcessGridSetUp(&grid));
  ck_assert_int_eq(grid.n, 6);
  for (int i = 0; i < 6; i++) {
    ck_assert(parameter(grid.process[i], "tau") == (i < 3 ? 0.5 : 2));
    ck_assert(parameter(grid.process[i], "ta") == 1 + i % 3);
    ck_assert(parameter(grid.process[i], "k") == 1.5);
  }
  PetscCall(OptionsText("process_", &record)); /* the run's record holds the lists */
  ck_assert_msg(strstr(record, "tau: 0.5,2") && strstr(record, "ta: 1,2,3") && strstr(record, "k: 1.5"), "%s",
                record);
  PetscCall(PetscFree(record));
  PetscCall(ProcessGridDestroy(&grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_lists_are_multiplied_out_first_key_slowest)
{
  with_options("-process_ta 1:3:3 -process_tau 0.5,2 -process_k 1.5", CheckProduct);
}
END_TEST

static PetscErrorCode CheckNoises(void)
{
  static const char *const type[] = {"passive", "active", "active", "active", "active", "cld"};
  static const double      tau[] = {0, 0.1, 0.1, 4, 4, 0}, tp[] = {0, 0, 0.5, 0, 0.5, 0};
  ProcessGrid              grid;

  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&grid));
  PetscCall(ProcessGridSetUp(&grid));
  ck_assert_int_eq(grid.n, 6);
  for (int i = 0; i < 6; i++) {
    ck_assert_str_eq(((PetscObject)grid.process[i])->type_name, type[i]);
    if (tau[i] > 0) ck_assert(parameter(grid.process[i], "tau") == tau[i]);
    if (!strcmp(type[i], "active")) ck_assert(parameter(grid.process[i], "tp") == tp[i]);
    if (!strcmp(type[i], "passive")) ck_assert(parameter(grid.process[i], "temperature") == 1);
    ck_assert(grid.process[i]->t_final == 3);
  }
  PetscCall(ProcessGridDestroy(&grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* tau is a list for active noise only, tp belongs to the words: passive's own tp is a temperature and stays as it is */
START_TEST(test_a_list_counts_for_the_noises_that_read_it)
{
  with_options("-process_type passive,active:tp=0,0.5,cld -process_tau 0.1,4 -process_t_final 3",
               CheckNoises);
}
END_TEST

static PetscErrorCode CheckUnused(void)
{
  ProcessGrid grid;
  PetscBool   used;

  PetscFunctionBegin;
  PetscCall(ProcessGridCreate(&grid));
  ck_assert_int_eq(grid.n, 1);
  PetscCall(PetscOptionsUsed(NULL, "process_tau", &used));
  ck_assert(!used); /* so that OptionsCheckUnused refuses it where it was typed */
  PetscCall(PetscOptionsUsed(NULL, "process_tp", &used));
  ck_assert(used);
  PetscCall(ProcessGridDestroy(&grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_a_list_that_no_noise_reads_stays_unused)
{
  with_options("-process_type passive -process_tau 0.1,4 -process_tp 2", CheckUnused);
}
END_TEST

Suite *grid_suite(void)
{
  Suite *s  = suite_create("grid");
  TCase *tc = tcase_create("grid");

  tcase_add_test(tc, test_lists_are_multiplied_out_first_key_slowest);
  tcase_add_test(tc, test_a_list_counts_for_the_noises_that_read_it);
  tcase_add_test(tc, test_a_list_that_no_noise_reads_stays_unused);
  suite_add_tcase(s, tc);
  return s;
}
