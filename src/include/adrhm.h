#ifndef AD_RHM_H
#define AD_RHM_H
#include <stddef.h>
#include <stdint.h>
/*
  Random hierarchy model and exact belief propagation on its trees: pure kernels, no MPI, no allocation, no errors

  A grammar has v symbols and L levels, 0 the leaves, L the root. Each symbol of level l = 1 .. L has m rules; a rule replaces
  it by s symbols of level l - 1. The v m tuples of a level are distinct, so that a tuple has one parent only; possible for
  v m <= v^s. All nodes of a level share its rules. A tree has s^(L - l) nodes at level l, children of node n are nodes
  s n .. s n + s - 1 below it.

  Source: Cagnetti et al., Phys. Rev. X 14, 031001 (2024); belief propagation on it: Sclocchi, Favero and Wyart, PNAS 122
  (2025), paper section V.
*/

enum {
  RHM_LANES        = 8,  /* trees of one grammar that go through the propagation side by side */
  RHM_MAX_LEVELS   = 30, /* L */
  RHM_MAX_CHILDREN = 32  /* s */
};

typedef struct {
  int v, s, m, L;
  const int *
      child; /* [L][v][m][s]: child[(((l - 1) v + y) m + r) s + i], child i in rule r of symbol y at level l = 1 .. L */
} Grammar;

/* ---- grammars and trees: analysis/rhm/rhm_grammar.c ---- */

/*
  grammar_admissible - do such grammars exist, and can they be held?

  Output: problem[size]  what is wrong, a phrase ("v m = 40 rules a level, but only v^s = 25 tuples of 2 out of 5 symbols")
  Return: 1, or 0 with the problem
*/
int grammar_admissible(int v, int s, int m, int L, size_t size, char *problem);

/*
  grammar_sound - are these the rules of a grammar: sizes admissible, symbols in range, tuples of a level distinct?

  Work:   work[grammar_workspace(v, m)], not touched unless the sizes are admissible
  Output: problem[size]  what is wrong and where, a phrase
  Return: 1, or 0 with the problem
*/
int grammar_sound(const Grammar *g, int *work, size_t size, char *problem);

/* grammar_length - number of integers of child[L][v][m][s] */
size_t grammar_length(int v, int s, int m, int L);

/* grammar_workspace - number of integers that grammar_draw and grammar_sound work with */
size_t grammar_workspace(int v, int m);

/*
  grammar_draw - rules of a random grammar: at every level v m of the v^s tuples without repetition, in random order, m to
  each parent

  Input:  seed, index < 2^48  the grammar is a pure function of these and of v, s, m, L, which are admissible
  Output: child[L][v][m][s]
  Cost:   about s random words a tuple, at most twice that where tuples are refused because they are taken
*/
void grammar_draw(uint64_t seed, uint64_t index, int v, int s, int m, int L, int *work, int *child);

/* rhm_nodes - nodes of a tree at a level: s^(L - level) */
int64_t rhm_nodes(const Grammar *g, int level);

/* rhm_first - where a level begins in arrays of all nodes, leaves first, root last; level L + 1: number of all nodes */
int64_t rhm_first(const Grammar *g, int level);

/*
  tree_draw - symbols of a random tree: root uniform, at every node one of the m rules, uniform

  Input:  seed, grammar < 2^24 (its index), tree < 2^24  the draw is a pure function of these and of the grammar
  Output: symbol[rhm_first(g, L + 1)]  of all nodes, node n of level l at rhm_first(g, l) + n
*/
void tree_draw(const Grammar *g, uint64_t seed, uint64_t grammar, uint64_t tree, int *symbol);

/* ---- belief propagation: analysis/rhm/rhm_propagate.c ----

  Arrays [..][v][RHM_LANES] hold RHM_LANES trees of one grammar, lane last. The bits of a lane depend on its own numbers only.
  Arrays may lie anywhere but are read fastest from multiples of 64 bytes: rhm_aligned. */

enum { RHM_ALIGN = 8 };

/* rhm_aligned - the first multiple of 64 bytes in an array that is RHM_ALIGN numbers longer than needed */
double *rhm_aligned(double *raw);

/*
  rhm_likelihood - likelihood of the symbols of one leaf from logarithms, in place

  In/out: p[v][RHM_LANES]  log P(noised leaf | symbol) but for a constant, none +infinity or NaN, not all -infinity; becomes
                           the likelihood, with sum 1 over symbols, and zero where smaller than the largest by 10^-308
*/
void rhm_likelihood(int v, double *p);

/* RhmVisit - what is done with the marginals of a node: marginal[v][RHM_LANES], valid during the call */
typedef void (*RhmVisit)(void *context, int level, int64_t node, const double *marginal);

/* rhm_workspace - number of doubles that rhm_propagate works with */
size_t rhm_workspace(const Grammar *g, int lowest);

/*
  rhm_propagate - exact marginals of all nodes of the levels lowest .. L, given the noised leaves

  Input:  likelihood[s^L][v][RHM_LANES]  of every leaf, with sum 1 over symbols; spare lanes hold any tree
          lowest                         0: all nodes; L: the root only, which takes one pass and next to no memory
          visit, context                 called for every such node, parents before children, depth first
          work[rhm_workspace(g, lowest)]
  Output: floored[RHM_LANES]  number of messages and marginals that were lost: sums over symbols that underflow, since all that
                              the rules allow is that improbable. They become uniform (evidence that contradicts itself is
                              ignored), so the results of a lane with floored > 0 are not exact
  Source: sum-product on a tree: up(y) = sum over rules y -> x of prod_j up_j(x_j), down_i(x_i) = sum over rules with child i =
          x_i of down(y) prod_{j != i} up_j(x_j), marginal = up down/(its sum over symbols). Root: down = 1/v
  Note:   no logarithms: messages are kept in range by powers of two. What is 10^-270 times less probable than the best of its
          message may count as impossible, which matters only where the rest of the tree excludes the best by as much
  Cost:   flops of an inner node and lane: v m s upwards, v m (4 s - 4) downwards; 3 v for every marginal. Memory for s = 2, m = 8,
          v = 32, L = 10: 2.2 MB (a message for each inner node of levels >= lowest; 0.13 MB for the root only), beside 2.1 MB
          of leaves. 90 us a tree on one AVX-512 core, 25 us for the root only: loads from the cache are the limit, two of a
          register's length for each product of two messages
*/
void rhm_propagate(const Grammar *g, const double *likelihood, int lowest, RhmVisit visit, void *context,
                   double *floored, double *work);

/*
  rhm_marginals - the marginals of all nodes, kept

  Input, work: as of rhm_propagate with lowest = 0
  Output:      marginal[rhm_first(g, L + 1)][v][RHM_LANES], floored[RHM_LANES]
*/
void rhm_marginals(const Grammar *g, const double *likelihood, double *marginal, double *floored,
                   double *work);

/*
  rhm_judge - the most probable symbol of a node

  Input:  marginal[v][RHM_LANES]
  Output: best[RHM_LANES], confidence[RHM_LANES]  first symbol of largest probability, and that
*/
void rhm_judge(int v, const double *marginal, int *best, double *confidence);

#endif
