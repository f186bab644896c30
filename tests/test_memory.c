/*
  Fisher memory of the start: printed values, 400-digit values, identities, limits
*/
#include <string.h>
#include "kernel_case.h"
#include "reference/fisher_reference.h"

Suite *memory_suite(void);

static KernelMemory memory_at(const LinearSde *sde, double t)
{
  KernelMemory m;

  ck_assert_int_eq(kernel_memory(sde, t, &m), KERNEL_OK);
  return m;
}

/* ---- numbers ---- */

static const double table_times[6] = {0.01, 0.1, 0.5, 1, 2, 5};

/* k = 1, Tp = 0, Ta = 1: the trace against tau and t, in 13 digits */
START_TEST(test_memory_curve_reproduces_printed_table)
{
  static const double tau[6]      = {0.1, 0.25, 0.5, 1, 2, 4};
  static const double table[6][6] = {
      {59463.94147711, 59.82385587139, 0.9910998568992, 0.2077792498101, 0.02306663947807, 5.561588334388e-5},
      {371337.9593908, 345.612281983, 2.626569217061, 0.3575143686047, 0.03347030500086, 7.882925601458e-5},
      {1485173.878474, 1366.409310926, 8.536933763405, 0.925655797762, 0.07919077192796, 2.025553212581e-4},
      {5940517.80449, 5449.844459576, 32.41274606268, 3.403317783917, 0.3793404391095, 3.922546082866e-3},
      {23761894.00847, 21784.08431107, 128.4118418302, 13.79925048555, 2.002045080181, 0.1021032413544},
      {95047399.82439, 87122.04353117, 513.407170258, 56.37900307565, 9.465828911246, 1.086904175094}};
  static const double passive[6] = {49.50166665556,  4.516655566127,   0.5819767068693,
                                    0.1565176427497, 0.01865736036377, 4.540199100969e-5};

  for (int j = 0; j < 6; j++) {
    LinearSde sde = passive_sde(1, 1);

    ck_assert_close(memory_at(&sde, table_times[j]).total, passive[j], 1e-12);
    for (int i = 0; i < 6; i++) {
      sde = active_sde(1, tau[i], 0, 1);
      ck_assert_close(memory_at(&sde, table_times[j]).total, table[i][j], 1e-12);
    }
  }
}
END_TEST

START_TEST(test_memory_of_x0_reproduces_printed_table)
{
  static const double joint_half[6] = {377805.3770515,  402.3312117407,   3.901259464927,
                                       0.5170730578643, 0.04443187324369, 1.02170590368e-4};
  static const double joint[6]      = {5977472.05869,  5772.371975436,  38.62376230189,
                                       3.653298629863, 0.2164438405758, 4.102472026312e-4};
  static const double x_alone[6]    = {19833.84668944,  183.841861148,    5.153044018536,
                                       0.7906865524106, 0.06420542624499, 1.364831470934e-4};
  static const double xx[6]         = {23761097.00514, 21707.05097843,  115.2452636352,
                                       8.466663661923, 0.3424491621151, 4.281984034051e-4};
  const LinearSde     half = active_sde(1, 0.5, 0, 1), two = active_sde(1, 2, 0, 1);

  for (int j = 0; j < 6; j++) {
    const KernelMemory m = memory_at(&two, table_times[j]);

    ck_assert_close(memory_at(&half, table_times[j]).joint, joint_half[j], 1e-12);
    ck_assert_close(m.joint, joint[j], 1e-12);
    ck_assert_close(m.x_alone, x_alone[j], 1e-12);
    ck_assert_close(m.xx, xx[j], 1e-12);
  }
}
END_TEST

/* Active at random (k tau = 1 and near it, Tp = 0 and not), t 1e-9 to 30, t/tau to 300; CLD, chains, general */
START_TEST(test_memory_matches_400_digit_reference)
{
  for (size_t i = 0; i < sizeof fisher_reference / sizeof fisher_reference[0]; i++) {
    const int    b   = fisher_reference[i].b;
    LinearSde    sde = {.b = b};
    KernelMemory m;

    memcpy(sde.M, fisher_reference[i].M, sizeof fisher_reference[i].M);
    memcpy(sde.Q, fisher_reference[i].Q, sizeof fisher_reference[i].Q);
    memcpy(sde.V0, fisher_reference[i].V0, sizeof fisher_reference[i].V0);
    m = memory_at(&sde, fisher_reference[i].t);
    for (int j = 0; j < b * b; j++) ck_assert_close(m.F[j], fisher_reference[i].F[j], 1e-14);
    ck_assert_close(m.joint, fisher_reference[i].joint, 1e-14);
    ck_assert_close(m.x_alone, fisher_reference[i].x_alone, 1e-14);
    ck_assert_close(m.aux_alone, fisher_reference[i].aux_alone, 1e-14);
  }
}
END_TEST

/* ---- identities ---- */

/* A^{-1} of a positive definite matrix, by elimination */
static void invert(int b, const double *A, double *inverse)
{
  wide W[BLOCK_SIZE], E[BLOCK_SIZE];

  block_widen(b * b, A, W);
  for (int i = 0; i < b * b; i++) E[i] = i % (b + 1) == 0;
  ck_assert_int_eq(block_solve(b, b, W, E), 0);
  block_round(b * b, E, inverse);
}

/* What is not known of X(0) adds up: F_{s+t}^{-1} = F_s^{-1} + e^{-Ms} F_t^{-1} e^{-M^T s} */
START_TEST(test_errors_of_the_start_add_up_over_time)
{
  for (int i = 0; i < NLAWS; i++) {
    const LinearSde    sde = law_example(i);
    const int          b   = sde.b;
    const double       s = 0.11, t = 0.17;
    const KernelMemory ms = memory_at(&sde, s), mt = memory_at(&sde, t), both = memory_at(&sde, s + t);
    double             P[SIZE], Ps[SIZE], Pt[SIZE], Fs[SIZE], back[SIZE];
    wide               W[BLOCK_SIZE], E[BLOCK_SIZE];

    invert(b, ms.F, Ps);
    invert(b, mt.F, Pt);
    invert(b, both.F, P);
    memcpy(Fs, kernel_at(&sde, s).F, sizeof Fs);
    block_widen(b * b, Fs, W);
    for (int j = 0; j < b * b; j++) E[j] = j % (b + 1) == 0;
    ck_assert_int_eq(block_solve(b, b, W, E), 0);
    block_round(b * b, E, Fs);
    congruence(b, Fs, Pt, back);
    for (int j = 0; j < b * b; j++)
      ck_assert_double_le(fabs(Ps[j] + back[j] - P[j]),
                          1e-11 * sqrt(P[j / b * (b + 1)] * P[j % b * (b + 1)]));
  }
}
END_TEST

/* aux0 ~ N(0, V0) unknown: J is the Schur complement of F + diag(0, V0^{-1}); 1/J is the clock */
START_TEST(test_joint_memory_is_that_of_x0_with_the_auxiliary_start_integrated_out)
{
  static const double times[3] = {1e-3, 0.3, 3};

  for (int i = 1; i < NLAWS; i++) {
    for (int j = 0; j < 3; j++) {
      const LinearSde    sde = law_example(i);
      const int          b = sde.b, a = b - 1;
      const KernelMemory m = memory_at(&sde, times[j]);
      double             V[SIZE], A[SIZE], inverse[SIZE], J = m.F[0];

      for (int r = 0; r < a * a; r++) V[r] = sde.V0[(r / a + 1) * b + r % a + 1];
      invert(a, V, A);
      for (int r = 0; r < a * a; r++) A[r] += m.F[(r / a + 1) * b + r % a + 1];
      invert(a, A, inverse);
      for (int r = 0; r < a * a; r++) J -= m.F[r / a + 1] * inverse[r] * m.F[r % a + 1];
      ck_assert_close(J, m.joint, 1e-11 * m.F[0] / m.joint);
      ck_assert_close(m.joint * kernel_at(&sde, times[j]).sigma2, 1, 1e-15);
    }
  }
}
END_TEST

START_TEST(test_less_known_is_less_remembered)
{
  for (int i = 0; i < NLAWS; i++) {
    for (double t = 1e-6; t < 10; t *= 3) {
      const LinearSde    sde = law_example(i);
      const KernelMemory m   = memory_at(&sde, t);

      ck_assert_double_le(m.x_alone, m.joint * (1 + 1e-15));
      ck_assert_double_le(m.aux_alone, m.joint * (1 + 1e-15));
      ck_assert_double_le(m.joint, m.xx * (1 + 1e-15));
      ck_assert_double_le(m.xx, m.total);
    }
  }
}
END_TEST

/* Two coordinates at once, in the order x1 eta1 x2 eta2: twice the curve */
START_TEST(test_memory_curve_a_dimension_does_not_depend_on_dimension)
{
  const LinearSde    one = active_sde(1.3, 0.7, 0.1, 0.9);
  LinearSde          two = {.b = 4};
  const KernelMemory m   = memory_at(&one, 0.4);
  KernelMemory       pair;

  for (int c = 0; c < 2; c++)
    for (int i = 0; i < 4; i++) {
      const int at = (2 * c + i / 2) * 4 + 2 * c + i % 2;

      two.M[at]  = one.M[i];
      two.Q[at]  = one.Q[i];
      two.V0[at] = one.V0[i] + (c == 1 && i == 0); /* x2(0) has some law, which F does not know of */
    }
  pair = memory_at(&two, 0.4);
  ck_assert_close(pair.total / 2, m.total, 1e-14);
  ck_assert_double_eq(pair.F[2], 0);
}
END_TEST

START_TEST(test_active_noise_alone_stores_nothing)
{
  const LinearSde active = active_sde(1.3, 0.7, 0.2, 0.9), cld = cld_sde(1.0);

  for (double t = 1e-5; t < 10; t *= 7) {
    const Kernel k = kernel_at(&cld, t);

    ck_assert_double_eq(memory_at(&active, t).aux_alone, 0);
    ck_assert_close(memory_at(&cld, t).aux_alone, k.u[1] * k.u[1] / k.Cb[3], 1e-14);
  }
}
END_TEST

/* ---- limits ---- */

START_TEST(test_early_memory_has_its_limits)
{
  const double       tau = 0.7, ta = 0.9, t = 1e-9;
  const LinearSde    sde = active_sde(1.3, tau, 0, ta);
  const KernelMemory m   = memory_at(&sde, t);

  ck_assert_close(m.F[0], 6 * tau * tau / (ta * t * t * t), 1e-8);
  ck_assert_close(m.F[1], 3 * tau * tau / (ta * t * t), 1e-8);
  ck_assert_close(m.F[3], 2 * tau * tau / (ta * t), 1e-8);
  ck_assert_close(m.joint, m.xx / 4, 1e-8);
  ck_assert_close(m.x_alone, tau / (ta * t * t), 1e-8);
}
END_TEST

static double late_eta(double k, double tau, double ta, double t)
{
  const double s = ta / (k * pow(1 + k * tau, 2));

  return k * tau < 1 ? exp(-2 * k * t) * tau * tau / (pow(1 - k * tau, 2) * s)
                     : exp(-2 * t / tau) * tau * pow(1 + k * tau, 2) / (ta * pow(k * tau - 1, 2));
}

/* The data are forgotten at the rate 2k whatever tau; it is eta0 that lasts where k tau > 1 */
START_TEST(test_late_memory_has_its_limits)
{
  static const double taus[4] = {0.1, 0.4, 2, 5};
  const double        k = 1.3, ta = 0.9;

  for (int i = 0; i < 4; i++) {
    const double       tau = taus[i], t = 40 * fmax(tau, 1);
    const LinearSde    sde = active_sde(k, tau, 0, ta);
    const KernelMemory m   = memory_at(&sde, t);

    ck_assert_close(m.xx, exp(-2 * k * t) * k * pow(1 + k * tau, 2) / ta, 1e-12);
    ck_assert_close(m.joint, m.xx, 1e-12);
    ck_assert_close(m.x_alone, m.xx / (1 + k * tau), 1e-12);
    ck_assert_close(m.aux, late_eta(k, tau, ta, t), 1e-12);
  }
}
END_TEST

START_TEST(test_memory_tends_to_passive_linearly_in_tau)
{
  const LinearSde passive = passive_sde(1.3, 0.9), thin = active_sde(1.3, 2e-4, 0, 0.9),
                  half = active_sde(1.3, 1e-4, 0, 0.9);
  const double limit = memory_at(&passive, 0.5).total, far = memory_at(&thin, 0.5).xx - limit,
               near = memory_at(&half, 0.5).xx - limit;

  ck_assert_close(limit, 1.3 / (0.9 * expm1(1.3)), 1e-15);
  ck_assert_double_lt(fabs(near), 1e-3 * limit);
  ck_assert_close(far / near, 2, 1e-3);
}
END_TEST

/* A smooth function of tau there: no kink, no jump beyond rounding */
START_TEST(test_memory_is_smooth_where_both_rates_agree)
{
  static const double times[3] = {1e-4, 0.5, 20};
  const LinearSde     at       = active_sde(1, 1, 0, 1);

  for (int j = 0; j < 3; j++) {
    const KernelMemory middle = memory_at(&at, times[j]);

    for (double h = 1e-3; h > 1e-9; h /= 30) {
      const LinearSde    below = active_sde(1, 1 - h, 0, 1), above = active_sde(1, 1 + h, 0, 1);
      const KernelMemory lo = memory_at(&below, times[j]), hi = memory_at(&above, times[j]);
      const double       bend = 300 * h * h + 1e-14; /* e^{-2t/tau} at t = 20 has a curvature of some 300 */

      ck_assert_close((lo.aux + hi.aux) / 2, middle.aux, 2 * bend);
      ck_assert_close((lo.xx + hi.xx) / 2, middle.xx, bend);
      ck_assert_close((lo.joint + hi.joint) / 2, middle.joint, bend);
    }
  }
}
END_TEST

/* ---- where there is none ---- */

START_TEST(test_memory_that_nothing_erodes_is_not_given_as_a_number)
{
  LinearSde frozen = active_sde(1.3, 0.7, 0.2, 0.9); /* eta decays without noise: known exactly from X(t) */
  KernelMemory m;

  frozen.Q[3] = 0;
  m           = memory_at(&frozen, 0.5);
  ck_assert_int_eq(m.regular, 0);
  ck_assert(isnan(m.total) && isnan(m.xx) && isnan(m.aux) && isnan(m.F[0]) && isnan(m.F[3]));
  ck_assert_close(m.joint, 1 / kernel_at(&frozen, 0.5).sigma2, 1e-15);
  frozen.Q[0]  = 0;
  frozen.V0[3] = 0;
  ck_assert_int_eq(kernel_memory(&frozen, 0.5, &m), KERNEL_DEGENERATE);
}
END_TEST

START_TEST(test_memory_fades_to_zero_not_to_an_error)
{
  const LinearSde    sde = active_sde(1, 0.5, 0, 1);
  const KernelMemory m   = memory_at(&sde, 900);

  ck_assert_double_eq(m.total, 0);
  ck_assert_double_eq(m.joint, 0);
  ck_assert_double_eq(m.x_alone, 0);
}
END_TEST

Suite *memory_suite(void)
{
  Suite *suite   = suite_create("memory");
  TCase *numbers = tcase_create("numbers"), *identities = tcase_create("identities"),
        *limits = tcase_create("limits");

  tcase_add_test(numbers, test_memory_curve_reproduces_printed_table);
  tcase_add_test(numbers, test_memory_of_x0_reproduces_printed_table);
  tcase_add_test(numbers, test_memory_matches_400_digit_reference);
  suite_add_tcase(suite, numbers);
  tcase_add_test(identities, test_errors_of_the_start_add_up_over_time);
  tcase_add_test(identities, test_joint_memory_is_that_of_x0_with_the_auxiliary_start_integrated_out);
  tcase_add_test(identities, test_less_known_is_less_remembered);
  tcase_add_test(identities, test_memory_curve_a_dimension_does_not_depend_on_dimension);
  tcase_add_test(identities, test_active_noise_alone_stores_nothing);
  suite_add_tcase(suite, identities);
  tcase_add_test(limits, test_early_memory_has_its_limits);
  tcase_add_test(limits, test_late_memory_has_its_limits);
  tcase_add_test(limits, test_memory_tends_to_passive_linearly_in_tau);
  tcase_add_test(limits, test_memory_is_smooth_where_both_rates_agree);
  tcase_add_test(limits, test_memory_that_nothing_erodes_is_not_given_as_a_number);
  tcase_add_test(limits, test_memory_fades_to_zero_not_to_an_error);
  suite_add_tcase(suite, limits);
  return suite;
}
