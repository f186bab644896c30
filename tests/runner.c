#include "ad_check.h"
#include "adbase.h"
#include "suites.h"
#include <stdlib.h>

/* One runner for all suites of suites.h: CK_RUN_SUITE selects one. */
#define DECLARE(name) Suite *name##_suite(void);
#define ADD(name)     srunner_add_suite(runner, name##_suite());
SUITES(DECLARE)

int main(int argc, char **argv)
{
  SRunner *runner = srunner_create(NULL);
  int      rank, failed, code = 0;

  if (AdInitialize(&argc, &argv)) return 70;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  SUITES(ADD)
  srunner_set_fork_status(runner, CK_NOFORK);
  srunner_run_all(runner, rank ? CK_SILENT : CK_NORMAL);
  failed = srunner_ntests_failed(runner);
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  srunner_free(runner);
  if (AdFinalize(0, &code)) return 70;
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
