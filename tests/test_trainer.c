/*
  Trainer: sums of gradients in one order on any partition, regression targets against the exact score, the same run whether
  broken off or not, and learned scores against exact ones
*/
#include "trainer_case.h"

Suite *trainer_suite(void);

#define CHECKPOINT "build/test_trainer.ckpt"

/* ---- the tree ---- */

enum { WIDTH = 37, CHUNKS_MAX = 24 };

static void fill(int chunk, int64_t n, float *a)
{
  rng_normal((RngStream){11, RNG_NOISE, 3}, (uint64_t)chunk * (uint64_t)n, (size_t)n, 1, a);
}

/* The definition: chunks lo .. lo + span - 1, span a power of two, those from n on do not exist */
static void defined_sum(int n, int lo, int span, int64_t width, float *sum)
{
  float *right;

  if (span == 1) {
    fill(lo, width, sum);
    return;
  }
  defined_sum(n, lo, span / 2, width, sum);
  if (lo + span / 2 >= n) return;
  right = malloc((size_t)width * sizeof(float));
  defined_sum(n, lo + span / 2, span / 2, width, right);
  for (int64_t i = 0; i < width; i++) sum[i] += right[i];
  free(right);
}

typedef struct {
  int      top;
  TreeNode node[TREE_DEPTH];
  float    data[CHUNKS_MAX][WIDTH], *part[CHUNKS_MAX];
} Stack;

static void put(Stack *s, TreeNode node, const float *data)
{
  int joins;

  memcpy(s->data[s->top], data, sizeof(s->data[0]));
  joins = tree_push(s->node, &s->top, node);
  tree_join(joins + 1, WIDTH, s->part + s->top - 1);
}

static void empty(Stack *s)
{
  s->top = 0;
  for (int k = 0; k < CHUNKS_MAX; k++) s->part[k] = s->data[k];
}

/* Three owners of chunks 0 .. a - 1, a .. b - 1, b .. n - 1 add what they can; then their partial sums are added */
static void three_owners(int n, int a, int b, Stack *all)
{
  const int cut[4] = {0, a, b, n};
  Stack     mine;
  float     chunk[WIDTH];

  empty(all);
  for (int owner = 0; owner < 3; owner++) {
    empty(&mine);
    for (int c = cut[owner]; c < cut[owner + 1]; c++) {
      fill(c, WIDTH, chunk);
      put(&mine, (TreeNode){0, c}, chunk);
    }
    for (int k = 0; k < mine.top; k++) put(all, mine.node[k], mine.data[k]);
  }
  tree_join(all->top, WIDTH, all->part);
}

START_TEST(test_tree_sum_has_same_bits_for_any_owners)
{
  for (int n = 1; n <= 20; n++) {
    float        expected[WIDTH];
    static Stack all;
    defined_sum(n, 0, 32, WIDTH, expected);
    for (int a = 0; a <= n; a++)
      for (int b = a; b <= n; b++) {
        three_owners(n, a, b, &all);
        ck_assert_msg(!memcmp(all.data[0], expected, sizeof(expected)), "%d chunks cut at %d and %d", n, a,
                      b);
      }
  }
}
END_TEST

START_TEST(test_plain_order_of_addition_has_other_bits)
{
  float expected[WIDTH], sum[WIDTH] = {0}, chunk[WIDTH];

  defined_sum(20, 0, 32, WIDTH, expected);
  for (int c = 0; c < 20; c++) {
    fill(c, WIDTH, chunk);
    for (int i = 0; i < WIDTH; i++) sum[i] += chunk[i];
  }
  ck_assert(memcmp(sum, expected, sizeof(sum))); /* or the test above would pass for any order */
}
END_TEST

START_TEST(test_sum_over_ranks_is_the_tree_sum)
{
  static const int chunks[] = {1, 2, 5, 8, 13, 16}, lengths[] = {7, 1000, 5003};

  for (int k = 0; k < 18; k++) {
    const int n = chunks[k % 6], length = lengths[k / 6];
    float    *expected = malloc((size_t)length * sizeof(float)), *chunk, *total = NULL;
    TreeSum   sum;
    defined_sum(n, 0, 32, length, expected);
    ck_call(TreeSumCreate(n, length, &sum));
    for (int again = 0; again < 2; again++) {
      for (int c = 0; c < sum.n; c++) {
        ck_assert(!TreeSumNext(&sum, &chunk));
        fill(sum.first + c, length, chunk);
        ck_assert(!TreeSumAdd(&sum));
      }
      ck_call(TreeSumFinish(&sum, &total));
      ck_assert_all(!memcmp(total, expected, (size_t)length * sizeof(float)));
    }
    ck_call(TreeSumDestroy(&sum));
    free(expected);
  }
}
END_TEST

/* ---- laws of the times ---- */

START_TEST(test_times_are_quantiles_of_their_law)
{
  static const char *const law[] = {"-trainer_times uniform -trainer_t_min 0.01 ",
                                    "-trainer_times log -trainer_t_min 0.01 ",
                                    "-trainer_times sigma -trainer_sigma_min 0.02 "};
  Kernel                   end;

  for (int k = 0; k < 3; k++) {
    Case c;
    char text[512];
    snprintf(text, sizeof(text), WHITE BLOB REDUCED SMALL "-process_t_final 0.8 %s", law[k]);
    ck_call(make(text, PETSC_TRUE, &c));
    ck_call(ProcessGetKernel(c.process, 0.8, &end));
    for (int i = 0; i < 256; i++) {
      const double  p = (i + 0.5) / 256;
      const Kernel *n = &c.trainer->kernel[i];
      if (k == 0) ck_assert_close(n->t, 0.01 + p * 0.79, 1e-14);
      if (k == 1) ck_assert_close(log(n->t / 0.01), p * log(80), 1e-12);
      if (k == 2) ck_assert_close(log(n->sigma / 0.02), p * log(end.sigma / 0.02), 1e-11);
    }
    ck_call(unmake(&c));
  }
}
END_TEST

START_TEST(test_smallest_time_without_a_law_is_refused)
{
  Case           c;
  PetscErrorCode code = 0;

  ck_call(make(WHITE BLOB REDUCED SMALL "-trainer_times uniform -trainer_t_min 2 ", PETSC_FALSE, &c));
  ck_call(setup_quietly(c.trainer, &code));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(unmake(&c));
  ck_call(make(WHITE BLOB REDUCED SMALL "-trainer_times sigma -trainer_sigma_max 50 ", PETSC_FALSE, &c));
  ck_call(setup_quietly(c.trainer, &code));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(unmake(&c));
}
END_TEST

START_TEST(test_slots_are_the_same_whoever_asks)
{
  Case  c;
  float in[3][64 * 3], target[3][64 * 2];

  ck_call(make(ACTIVE BLOB JOINT SMALL, PETSC_TRUE, &c));
  for (int r = 0; r < 64; r++) c.trainer->index[r] = 100 + r;
  ck_call(TrainerMakeRows(c.trainer, 5, 64, 64, 128, SPLIT_TRAIN, in[0], target[0]));
  for (int r = 0; r < 64; r++) c.trainer->index[r] = 100 + r;
  ck_call(TrainerMakeRows(c.trainer, 5, 64, 20, 128, SPLIT_TRAIN, in[1], target[1]));
  for (int r = 0; r < 44; r++) c.trainer->index[r] = 120 + r;
  ck_call(TrainerMakeRows(c.trainer, 5, 84, 44, 128, SPLIT_TRAIN, in[2], target[2]));
  memcpy(in[1] + 20 * 3, in[2], 44 * 3 * sizeof(float));
  ck_assert(!memcmp(in[0], in[1], sizeof(in[0])));
  ck_call(TrainerMakeRows(c.trainer, 6, 84, 44, 128, SPLIT_TRAIN, in[1], target[1]));
  ck_assert(memcmp(in[2], in[1], 44 * 3 * sizeof(float))); /* another step draws other times and noise */
  ck_call(unmake(&c));
}
END_TEST

/* ---- targets ---- */

static const LinearSde active = {2, {-1.3, 1, 0, -1 / 0.7}, {0.4, 0, 0, 1.8 / 0.49}, {0, 0, 0, 0.9 / 0.7}},
                       white  = {2, {-1, 1, 0, -2}, {0, 0, 0, 8}, {0, 0, 0, 2}},
                       three  = {3,
                                 {-1, 1, 0, 0, -2, 1, 0, -1, -3},
                                 {0.3, 0, 0, 0, 0, 0, 0, 0, 2},
                                 {0, 0, 0, 0, 0.3, 0.1, 0, 0.1, 0.4}};

START_TEST(test_factor_of_start_covariance)
{
  double Lv[9];

  aux_factor(&three, Lv);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      double sum = 0;
      for (int m = 0; m < 3; m++) sum += Lv[i * 3 + m] * Lv[j * 3 + m];
      ck_assert(fabs(sum - three.V0[i * 3 + j]) < 1e-15);
    }
}
END_TEST

enum { DRAWS = 1 << 17, PHIS = 4 };
static const double data_mean = 0.3, data_var = 0.25;

/* Test functions of the state, and the exact score of Gaussian data */
static void probe(const Kernel *k, const double *X, double *phi, double *exact)
{
  double z = 0;

  for (int a = 0; a < k->b; a++) z += k->l[a] * X[a];
  for (int a = 0; a < k->b; a++) {
    exact[a] = -k->l[a] * (z - data_mean) / (data_var + k->sigma2);
    for (int c = 0; c < k->b; c++) exact[a] -= k->R[a * k->b + c] * X[c];
  }
  phi[0] = 1;
  phi[1] = X[0];
  phi[2] = X[k->b - 1];
  phi[3] = cos(3 * z);
}

/* Largest of |E[(S - score(X)) phi(X)]| over its standard error, and of |Var X - (Cb + u u^T V)| over its own */
static void largest_deviations(const LinearSde *sde, double t, const TrainLoss *loss, double *score,
                               double *spread)
{
  enum { N = 256 };
  const int     b = sde->b, normals = (*loss->normals)(b);
  Kernel        k;
  const Kernel *at[N];
  static float  e[N * 16], data[N];
  static double x0[N], X[N * AD_BMAX], S[N * AD_BMAX];
  double        Lv[9], sum[AD_BMAX][PHIS][2] = {{{0}}}, var[AD_BMAX][2] = {{0}};

  ck_assert_int_eq(kernel_compute(sde, t, &k), KERNEL_OK);
  aux_factor(sde, Lv);
  for (int first = 0; first < DRAWS; first += N) {
    rng_normal((RngStream){3, RNG_NOISE, 0}, (uint64_t)first, N, normals, e);
    rng_normal((RngStream){3, RNG_DATA, 0}, (uint64_t)first, N, 1, data);
    for (int r = 0; r < N; r++) {
      x0[r] = data_mean + sqrt(data_var) * data[r];
      at[r] = &k;
    }
    (*loss->rows)(N, 1, at, Lv, e, x0, X, S);
    for (int r = 0; r < N; r++) {
      double phi[PHIS], exact[AD_BMAX];
      probe(&k, X + r * b, phi, exact);
      for (int a = 0; a < b; a++) {
        const double square = pow(X[r * b + a] - k.u[a] * data_mean, 2);
        var[a][0] += square;
        var[a][1] += square * square;
        for (int p = 0; p < PHIS; p++) {
          const double value = (S[r * b + a] - exact[a]) * phi[p];
          sum[a][p][0] += value;
          sum[a][p][1] += value * value;
        }
      }
    }
  }
  *score = *spread = 0;
  for (int a = 0; a < b; a++) {
    const double V = k.Cb[a * b + a] + k.u[a] * k.u[a] * data_var, m2 = var[a][0] / DRAWS,
                 m4 = var[a][1] / DRAWS;
    *spread         = fmax(*spread, fabs(m2 - V) / sqrt((m4 - m2 * m2) / DRAWS));
    for (int p = 0; p < PHIS; p++)
      if (sum[a][p][1] > 0) *score = fmax(*score, fabs(sum[a][p][0]) / sqrt(sum[a][p][1]));
  }
}

START_TEST(test_targets_average_to_the_score)
{
  static const LinearSde *const sde[]  = {&active, &white, &three};
  static const TrainLoss *const loss[] = {&train_hsm, &train_dsm};
  static const double           t[]    = {0.1, 0.8};

  for (int k = 0; k < 12; k++) { /* 112 estimates: 5 standard errors are passed by chance once in 16,000 */
    double score, spread;
    largest_deviations(sde[k / 4], t[k % 2], loss[k / 2 % 2], &score, &spread);
    ck_assert_msg(score < 5, "%s, process %d, t %g: targets are off by %g standard errors",
                  loss[k / 2 % 2]->name, k / 4, t[k % 2], score);
    ck_assert_msg(spread < 5, "%s, process %d, t %g: states are off by %g standard errors",
                  loss[k / 2 % 2]->name, k / 4, t[k % 2], spread);
  }
}
END_TEST

START_TEST(test_targets_have_unit_variance_at_all_times)
{
  static const char *const text[] = {WHITE BLOB  JOINT "-trainer_times log -trainer_t_min 0.01 ",
                                     ACTIVE BLOB JOINT, WHITE BLOB REDUCED "-trainer_times sigma "};
  enum { N = 1 << 14 };

  for (int k = 0; k < 3; k++) {
    Case   c;
    double square[TRAIN_BINS] = {0};
    float  in[64 * 4], target[64 * 2];
    ck_call(make(text[k], PETSC_TRUE, &c));
    for (int first = 0; first < N; first += 64) {
      for (int r = 0; r < 64; r++) c.trainer->index[r] = first + r;
      ck_assert(!TrainerMakeRows(c.trainer, 0, first, 64, N, SPLIT_TRAIN, in, target));
      for (int r = 0; r < 64 * c.trainer->nout; r++)
        square[first * TRAIN_BINS / N] += (double)target[r] * target[r] * TRAIN_BINS / (N * c.trainer->nout);
    }
    for (int b = 0; b < TRAIN_BINS;
         b++) /* Gaussian: variance 2 of a square; 4096 or 8192 of them a bin; 5 sigma */
      ck_assert_msg(fabs(square[b] - 1) < 5 * sqrt(2.0 * TRAIN_BINS / (N * c.trainer->nout)),
                    "net %d, bin %d: %g", k, b, square[b]);
    ck_call(unmake(&c));
  }
}
END_TEST

START_TEST(test_loss_gradient_matches_differences)
{
  const float out[6] = {0.3f, -0.4f, 1.5f, 2, -0.25f, 0.75f}, target[6] = {0.25f, 0.5f, 1, -1, 0.5f, 0.125f};
  const float step = 0.0625f; /* sums of these binary fractions are exact, and differences of squares too */
  float       dout[6], unused[6], moved[6];
  double      loss[2], up[2], down[2];

  loss_rows(2, 3, out, target, dout, loss);
  for (int i = 0; i < 6; i++) {
    memcpy(moved, out, sizeof(moved));
    moved[i] = out[i] + step;
    loss_rows(2, 3, moved, target, unused, up);
    moved[i] = out[i] - step;
    loss_rows(2, 3, moved, target, unused, down);
    ck_assert(fabs((up[i / 3] - down[i / 3]) / (2 * step) - dout[i]) <
              2e-6); /* rounding of 1/3 and of 0.3f +- step */
  }
}
END_TEST

START_TEST(test_dsm_is_refused_for_a_reduced_net)
{
  Case           c;
  PetscErrorCode code = 0;

  ck_call(make(WHITE BLOB REDUCED SMALL "-trainer_loss dsm ", PETSC_FALSE, &c));
  ck_call(setup_quietly(c.trainer, &code));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(unmake(&c));
}
END_TEST

/* ---- steps ---- */

START_TEST(test_learning_rate_follows_its_schedule)
{
  ck_assert(rate_factor(SCHEDULE_CONSTANT, 0, 100, 1) == 1 &&
            rate_factor(SCHEDULE_CONSTANT, 0, 100, 100) == 1);
  ck_assert_close(rate_factor(SCHEDULE_CONSTANT, 10, 100, 3), 0.3, 1e-15);
  ck_assert(rate_factor(SCHEDULE_CONSTANT, 10, 100, 10) == 1);
  ck_assert(rate_factor(SCHEDULE_COSINE, 0, 100, 1) == 1);
  ck_assert_close(rate_factor(SCHEDULE_COSINE, 0, 100, 51), 0.5, 1e-15);
  ck_assert_close(rate_factor(SCHEDULE_COSINE, 0, 100, 26), 0.5 + sqrt(0.125), 1e-15);
  ck_assert_close(rate_factor(SCHEDULE_COSINE, 40, 100, 21),
                  0.5 * (0.5 + 0.5 * cos(0.2 * PETSC_PI)) * 21 / 20, 1e-14);
}
END_TEST

START_TEST(test_clipped_gradient_has_the_norm_asked_for)
{
  Case      c;
  PetscBool finished;

  ck_call(make(WHITE BLOB JOINT SMALL "-trainer_iterations 1 -trainer_clip 1e-3 ", PETSC_TRUE, &c));
  ck_call(solve(c.trainer, NULL, &finished));
  /* the first moment is a tenth of the first gradient; float rounding of its elements */
  ck_assert_close(sqrt(grad_norm2((size_t)c.trainer->np, c.trainer->m)), 1e-4, 1e-5);
  ck_call(unmake(&c));
  ck_call(make(WHITE BLOB JOINT SMALL "-trainer_iterations 1 -trainer_clip 0 ", PETSC_TRUE, &c));
  ck_call(solve(c.trainer, NULL, &finished));
  ck_assert(sqrt(grad_norm2((size_t)c.trainer->np, c.trainer->m)) > 1e-3);
  ck_call(unmake(&c));
}
END_TEST

START_TEST(test_divergence_ends_the_run)
{
  Case           c;
  PetscErrorCode code = 0;

  ck_call(make(WHITE BLOB JOINT SMALL "-trainer_rate 1e30 -trainer_iterations 50 ", PETSC_TRUE, &c));
  ck_call(solve_quietly(c.trainer, NULL, &code));
  ck_assert_all(code == AD_ERR_RUN);
  ck_assert(c.trainer->iteration < 10);
  ck_call(unmake(&c));
}
END_TEST

/* ---- checkpoints ---- */

#define RUN WHITE TWO JOINT SMALL "-trainer_iterations 90 -trainer_log_every 20 -trainer_schedule cosine "

static PetscErrorCode remove_checkpoint(void)
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  if (!rank) unlink(CHECKPOINT);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(test_broken_off_run_equals_unbroken_one)
{
  Case      whole, part;
  PetscBool finished;

  ck_call(remove_checkpoint());
  ck_call(make(RUN, PETSC_TRUE, &whole));
  ck_call(solve(whole.trainer, NULL, &finished));
  ck_assert_all(finished && whole.trainer->records == 5);
  for (int leg = 0; leg < 3; leg++) { /* stops at steps 16 and 32, in the middle of lines of the log */
    ck_call(make(leg < 2 ? RUN "-trainer_max_wall 1e-9 " : RUN, PETSC_TRUE, &part));
    ck_call(solve(part.trainer, CHECKPOINT, &finished));
    ck_assert_all(finished == (leg == 2) && part.trainer->iteration == (leg < 2 ? 16 * (leg + 1) : 90));
    ck_assert_all(leg == 2 || !same_state(whole.trainer, part.trainer));
    if (leg < 2) ck_call(unmake(&part));
  }
  ck_assert_all(same_state(whole.trainer, part.trainer));
  ck_call(unmake(&part));
  ck_call(unmake(&whole));
  ck_call(remove_checkpoint());
}
END_TEST

START_TEST(test_checkpoint_of_another_run_is_refused)
{
  Case           c;
  PetscBool      finished;
  PetscErrorCode code = 0;

  ck_call(remove_checkpoint());
  ck_call(make(RUN "-trainer_max_wall 1e-9 ", PETSC_TRUE, &c));
  ck_call(solve(c.trainer, CHECKPOINT, &finished));
  ck_call(unmake(&c));
  ck_call(make(RUN "-trainer_rate 2e-3 ", PETSC_TRUE, &c));
  ck_call(solve_quietly(c.trainer, CHECKPOINT, &code));
  ck_assert_all(code == AD_ERR_INPUT);
  ck_call(unmake(&c));
  ck_call(make(RUN "-trainer_rate 2e-3 -trainer_resume never -trainer_iterations 2 ", PETSC_TRUE, &c));
  ck_call(solve(c.trainer, CHECKPOINT, &finished));
  ck_assert_all(finished && c.trainer->iteration == 2);
  ck_call(unmake(&c));
  ck_call(remove_checkpoint());
}
END_TEST

START_TEST(test_first_option_that_differs_is_named)
{
  static const char *const may[] = {"trainer_iterations", "o", NULL};
  const char *was = "seed: 1\no: a.h5\ntrainer_iterations: 10\ntrainer_rate: 0.1\ntrainer_batch: 64\n";
  char        key[32];

  ck_assert(!options_differ(was, was, may, sizeof(key), key));
  ck_assert(!options_differ(was, "seed: 1\ntrainer_rate: 0.1\no: b.h5\ntrainer_batch: 64\n", may, sizeof(key),
                            key));
  ck_assert(options_differ(was, "seed: 1\ntrainer_rate: 0.15\ntrainer_batch: 65\n", may, sizeof(key), key));
  ck_assert_str_eq(key, "trainer_rate");
  ck_assert(options_differ(was, "seed: 1\ntrainer_rate: 0.1\n", may, sizeof(key), key));
  ck_assert_str_eq(key, "trainer_batch");
  ck_assert(options_differ(was, "seed: 1\ntrainer_rate: 0.1\ntrainer_batch: 64\nprocess_k: 1\n", may,
                           sizeof(key), key));
  ck_assert_str_eq(key, "process_k");
}
END_TEST

/* ---- whole runs ---- */

START_TEST(test_all_ranks_hold_the_same_weights)
{
  Case      c;
  PetscBool finished;
  int32_t   sum[2] = {0, 0};

  ck_call(make(WHITE TWO JOINT SMALL "-trainer_iterations 20 ", PETSC_TRUE, &c));
  ck_call(solve(c.trainer, NULL, &finished));
  for (int64_t i = 0; i < c.trainer->np; i++) {
    uint32_t bits;
    memcpy(&bits, &c.trainer->theta[i], sizeof(bits));
    sum[0] = (int32_t)((uint32_t)sum[0] * 31 + bits);
  }
  sum[1] = ~sum[0];
  MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_INT32_T, MPI_MAX, PETSC_COMM_WORLD);
  ck_assert_all(sum[0] == ~sum[1]);
  ck_call(unmake(&c));
}
END_TEST

/* Last option wins: three layers of 64 */
#define LONG                                                                                                 \
  TWO "-trainer_batch 256 -trainer_nodes 512 -trainer_iterations 4000 -trainer_rate 5e-3 -trainer_schedule " \
      "cosine "                                                                                              \
      "-net_width 64 -net_depth 3 "

/* Errors of weights from other seeds and lengths of run scatter by half; of untrained weights they are above 0.7 */
START_TEST(test_reduced_net_learns_the_exact_denoiser)
{
  static const double sigma[] = {0.1, 0.4};
  Case                c;
  PetscBool           finished;

  ck_call(make(WHITE REDUCED LONG "-trainer_times sigma -trainer_sigma_min 0.02 ", PETSC_TRUE, &c));
  ck_call(make_exact(&c));
  for (int k = 0; k < 2; k++) ck_assert_all(denoising_error(&c, sigma[k]) > 0.5);
  ck_call(solve(c.trainer, NULL, &finished));
  ck_call(use_average(&c));
  for (int k = 0; k < 2; k++) ck_assert_all(denoising_error(&c, sigma[k]) < 0.1);
  ck_call(unmake(&c));
}
END_TEST

START_TEST(test_joint_net_learns_the_same_from_either_target)
{
  static const char *const loss[] = {"hsm", "dsm"};

  for (int k = 0; k < 2; k++) {
    Case      c;
    char      text[1024];
    PetscBool finished;
    snprintf(text, sizeof(text), WHITE JOINT LONG "-trainer_times log -trainer_t_min 0.05 -trainer_loss %s ",
             loss[k]);
    ck_call(make(text, PETSC_TRUE, &c));
    ck_call(make_exact(&c));
    ck_call(solve(c.trainer, NULL, &finished));
    ck_assert_all(c.trainer->record[19].validation < 0.99 * c.trainer->record[0].validation);
    ck_assert_all(c.trainer->record[19].loss < 0.99 * c.trainer->record[0].loss);
    ck_call(use_average(&c));
    ck_assert_all(denoising_error(&c, 0.4) < 0.2);
    ck_assert_all(denoising_error(&c, 1.2) < 0.2);
    ck_call(unmake(&c));
  }
}
END_TEST

Suite *trainer_suite(void)
{
  Suite *s    = suite_create("trainer");
  TCase *sums = tcase_create("sums"), *rows = tcase_create("rows"), *steps = tcase_create("steps"),
        *files = tcase_create("checkpoints"), *runs = tcase_create("runs");

  tcase_add_test(sums, test_tree_sum_has_same_bits_for_any_owners);
  tcase_add_test(sums, test_plain_order_of_addition_has_other_bits);
  tcase_add_test(sums, test_sum_over_ranks_is_the_tree_sum);
  suite_add_tcase(s, sums);
  tcase_add_test(rows, test_times_are_quantiles_of_their_law);
  tcase_add_test(rows, test_smallest_time_without_a_law_is_refused);
  tcase_add_test(rows, test_slots_are_the_same_whoever_asks);
  tcase_add_test(rows, test_factor_of_start_covariance);
  tcase_add_test(rows, test_targets_average_to_the_score);
  tcase_add_test(rows, test_targets_have_unit_variance_at_all_times);
  tcase_add_test(rows, test_loss_gradient_matches_differences);
  tcase_add_test(rows, test_dsm_is_refused_for_a_reduced_net);
  suite_add_tcase(s, rows);
  tcase_add_test(steps, test_learning_rate_follows_its_schedule);
  tcase_add_test(steps, test_clipped_gradient_has_the_norm_asked_for);
  tcase_add_test(steps, test_divergence_ends_the_run);
  suite_add_tcase(s, steps);
  tcase_add_test(files, test_broken_off_run_equals_unbroken_one);
  tcase_add_test(files, test_checkpoint_of_another_run_is_refused);
  tcase_add_test(files, test_first_option_that_differs_is_named);
  suite_add_tcase(s, files);
  tcase_add_test(runs, test_all_ranks_hold_the_same_weights);
  tcase_add_test(runs, test_reduced_net_learns_the_exact_denoiser);
  tcase_add_test(runs, test_joint_net_learns_the_same_from_either_target);
  tcase_set_timeout(runs, 60);
  suite_add_tcase(s, runs);
  return s;
}
