#ifndef AD_CHECK_H
#define AD_CHECK_H
/* Check under MPI: never fork, and let all ranks decide together, so that no rank waits for one that failed. */
#include <check.h>
#include <math.h>
#include <mpi.h>

static inline int ad_all(int mine)
{
  int all = mine, started = 0;

  MPI_Initialized(&started);
  if (started) MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
  return all;
}

/* assert on the verdict of all ranks (collective) */
#define ck_assert_all(condition) ck_assert_msg(ad_all(!!(condition)), "on some rank: %s", #condition)
/* assert that a PETSc-style call succeeds on all ranks (collective) */
#define ck_call(call) ck_assert_msg(ad_all((call) == 0), "on some rank: %s failed", #call)
/* |a - b| <= tolerance * max(|b|, floor) */
#define ck_assert_close(a, b, tolerance)                                                                     \
  do {                                                                                                       \
    double ad_a = (a), ad_b = (b);                                                                           \
    ck_assert_msg(fabs(ad_a - ad_b) <= (tolerance)*fabs(ad_b) || ad_a == ad_b,                               \
                  "%s = %.17g, expected %s = %.17g (relative %g)", #a, ad_a, #b, ad_b,                       \
                  fabs(ad_a - ad_b) / fabs(ad_b));                                                           \
  } while (0)

#endif
