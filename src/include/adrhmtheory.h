#ifndef AD_RHMTHEORY_H
#define AD_RHMTHEORY_H
#include "adbase.h"
#include "adrhm.h"
#include "adrng.h"

/*
  Where the classes of a random hierarchy model are lost. Functions in small letters are pure kernels: no MPI, no allocation,
  no errors.

  v symbols, m rules a symbol, s children, L levels; every set of v m distinct tuples of children is equally likely.
  Belief p: the probability that a message gives to the true symbol.
*/

/*
  rhm_recursion - belief in a parent's true symbol when each child's true symbol has belief p and the others share the rest

  Source: of the v^s tuples of children the true one has weight p^s, the others 1 - p^s together; m - 1 of them share its parent and
          m v - 1 are allowed, so on average, with g = (m - 1)/(v^s - 1) and f = (m v - 1)/(v^s - 1),
          p' = (p^s + g (1 - p^s))/(p^s + f (1 - p^s))
  Note:   1/v (nothing known) and 1 are fixed points, with slopes s (v-1) v^{s-1}/(m (v^s-1)) and s m (v-1)/(v^s-1)
*/
double rhm_recursion(int v, int m, int s, double p);

/* rhm_root_belief - the belief at the root after L levels. */
double rhm_root_belief(int v, int m, int s, int L, double p);

/*
  rhm_fixed_point - belief between 1/v and 1 that the recursion leaves where it is

  Return: the belief; NaN where there is none
  Note:   there is one (and it is unstable, a transition) exactly where both slopes above are below 1:
          s (v-1) v^{s-1}/(v^s-1) < m < (v^s-1)/(s (v-1)). With fewer rules any information on the leaves grows from level to level, with
          more any loss does. For s = 2 it is (m - 1)/(v - m)
*/
double rhm_fixed_point(int v, int m, int s);

/* What a noised leaf z = e_true + sigma xi in R^v tells, xi standard normal */
typedef struct {
  double belief;      /* mean of p = softmax(z/sigma2)_true */
  double information; /* log v + mean of log p, nats */
} RhmLeaf;

/*
  rhm_leaf - means over xi of the belief in a leaf's symbol and of its logarithm

  Input:  v >= 2, sigma2 > 0
  Source: y_i + G_i with y = z/sigma2 and independent standard Gumbel numbers G_i is largest at i with probability softmax(y)_i, and its
          maximum has mean log sum exp y_i + Euler's constant; the laws of y_i + G_i are one-dimensional convolutions
  Note:   trapezoid sums of analytic functions; absolute error below 1e-12 for 0.01 <= sigma2 <= 100
  Cost:   about 10^5 exponentials at sigma2 = 0.1, growing as 1/sigma2
*/
void rhm_leaf(int v, double sigma2, RhmLeaf *leaf);

/* What the recursion says of the noise at which the root is lost */
typedef struct {
  double fixed_point;        /* p*, L to infinity; NaN: no transition */
  double error;              /* e* = (1 - p*)/(1 - 1/v): belief 1 - e + e/v on the truth and e/v elsewhere */
  double threshold;          /* leaf belief with root belief 1/2 after L levels; NaN for v = 2 */
  double sigma2_belief;      /* where the mean belief of a noised leaf is p* */
  double sigma2_information; /* where its information is log(v p*), that is where exp(mean log p) = p* */
  double sigma2_finite;      /* where its information is log(v threshold) */
} RhmTheory;

/*
  rhm_theory - transition of a model with v symbols, m rules, s children, L levels, by the recursion

  Source: a belief spread over many values is replaced by one: by its mean, or by its geometric mean, which enters the products
*/
void rhm_theory(int v, int m, int s, int L, RhmTheory *theory);

/* ---- density evolution: analysis/rhm/rhm_evolution.c ---- */

/*
  rhm_evolution_leaves - messages of n noised leaves; RHM_LANES noises side by side, with the same xi

  Input:  stream        member k of the population draws its xi at index k
          v, n, sigma2[RHM_LANES]
  Output: message[n][v][RHM_LANES]  probabilities; place 0 is the true symbol
*/
void rhm_evolution_leaves(RngStream stream, int v, int n, const double *sigma2, double *message);

/* rhm_evolution_workspace - number of doubles that rhm_evolution_level works with */
size_t rhm_evolution_workspace(int v, int m, int s);

/*
  rhm_evolution_level - messages of n parents, each with rules of its own and s children drawn from the population below

  Input:  stream        with another seed or step for every level
          v, m, s, n <= 2^24
          below[n][v][RHM_LANES]
  Work:   rules[grammar_workspace(v, m) + grammar_length(v, s, m, 1)], work[rhm_evolution_workspace(v, m, s)]
  Output: above[n][v][RHM_LANES]
  Source: the law of the random rules stays the same when symbols are renamed; so the true rule may be the first of symbol 0, and
          other symbols of a child need no renaming but a shift that puts the true one where this rule wants it
  Note:   in a model the nodes of a level share their rules; what that correlates fades as v grows
  Cost:   n one-level grammars and n upward steps of rhm_propagate
*/
void rhm_evolution_level(RngStream stream, int v, int m, int s, int n, const double *below, int *rules,
                         double *work, double *above);

/*
  rhm_evolution_measure - share of messages whose most probable symbol is the true one, and the mean belief in it

  Output: accuracy[RHM_LANES], belief[RHM_LANES]
*/
void rhm_evolution_measure(int v, int n, const double *message, double *accuracy, double *belief);

/* ---- prediction: analysis/rhm/rhm_predict.c ---- */

enum {
  RHM_BATCHES        = 8,
  RHM_MAX_POPULATION = 1 << 24
}; /* independent populations, for standard errors; members of one */

typedef struct {
  RhmTheory recursion;
  /* a grid of noises around the crossing: the root after L levels by density evolution, the information of a leaf; NaN: not found */
  double sigma2[RHM_LANES], accuracy[RHM_LANES], accuracy_stderr[RHM_LANES], belief[RHM_LANES],
      information[RHM_LANES];
  double sigma2_50, sigma2_50_stderr; /* where the accuracy is 1/2 */
} RhmPrediction;

/*
  RhmPredict - where a model with v symbols, m rules, s children, L levels loses its root

  Collective
  Input:  size        v, m, s, L; its rules are not looked at
          n           members of each of the RHM_BATCHES populations, at most RHM_MAX_POPULATION
          seed
  Output: prediction  the same bits on all ranks and on any number of them; by density evolution only for v > 2, since accuracy
                      1/2 is chance for two symbols
  Note:   at v 32, m 8, s 2, L 10 sigma2_50 of one population scatters by 5 % (n = 1000), 0.7 % (n = 16000); its mean does not move
          by more than that
  Cost:   2 to 6 evolutions of RHM_BATCHES n L messages, some microseconds each at v m s = 512; memory of a rank
          16 n v RHM_LANES bytes
*/
PetscErrorCode RhmPredict(const Grammar *size, int n, uint64_t seed, RhmPrediction *prediction);

/* RhmPredictionPrint - two lines of a table. */
PetscErrorCode RhmPredictionPrint(const RhmPrediction *prediction);

/* RhmPredictionWrite - group /rhm/theory of a file that is open: one row for each of ns models. */
PetscErrorCode RhmPredictionWrite(int ns, const RhmPrediction *prediction, Output out);

#endif
