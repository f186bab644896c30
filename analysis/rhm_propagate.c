#include "adrhm.h"
#include "private/expimpl.h"
#include <float.h>

#define INLINE static inline __attribute__((always_inline))

/*
  A row of RHM_LANES numbers is worked on in parts as long as the processor's registers, since compilers do badly with longer
  vectors. Parts do not mix, so that their length changes no bit.
*/
#if defined(__AVX512F__)
enum { PARTS = 1 };
#elif defined(__AVX__)
enum { PARTS = 2 };
#else
enum { PARTS = 4 };
#endif
enum { WIDTH = RHM_LANES / PARTS };
typedef double Part __attribute__((vector_size(8 * RHM_LANES / PARTS), aligned(8), may_alias));

INLINE Part get(const double *from)
{
  return *(const Part *)from;
}

INLINE void put(double *to, Part part)
{
  *(Part *)to = part;
}

/* All that a call works with; a message or a marginal is [v][RHM_LANES], those of siblings follow each other */
typedef struct {
  const Grammar *g;
  size_t         size; /* of a message */
  int            lowest;
  const double  *likelihood;
  RhmVisit       visit;
  void          *context;
  uint32_t      *rule; /* [L][v][m][s]: (i v + x) RHM_LANES, where child i has its number for x */
  double        *up[RHM_MAX_LEVELS + 1];   /* of all nodes of a level, or below `lowest` of s siblings */
  double        *down[RHM_MAX_LEVELS + 1]; /* of s siblings */
  double        *marginal, *floored;
} Wave;

double *rhm_aligned(double *raw)
{
  return raw + (RHM_ALIGN - (uintptr_t)raw / sizeof(double) % RHM_ALIGN) % RHM_ALIGN;
}

/* ---- one node ---- */

/*
  scale_of - reciprocals of sums; a lane whose sum is lost gets 1

  Return: is any lost?
*/
INLINE int scale_of(const double *sum, double *scale)
{
  int lost = 0;

  for (int l = 0; l < RHM_LANES; l++) {
    const int good = sum[l] >= DBL_MIN;

    lost |= !good;
    scale[l] = 1 / (good ? sum[l] : 1);
  }
  return lost;
}

/* floor_lanes - messages of lanes whose sum is lost become uniform; a sum that is not a number counts as lost */
static __attribute__((noinline)) void floor_lanes(int v, const double *sum, double *message, double *floored)
{
  for (int l = 0; l < RHM_LANES; l++) {
    if (sum[l] >= DBL_MIN) continue;
    for (int x = 0; x < v; x++) message[x * RHM_LANES + l] = 1.0 / v;
    floored[l]++;
  }
}

/* message[v][RHM_LANES] gets sum 1 over symbols, from those sums */
INLINE void normalise(int v, const double *sum, double *message, double *floored)
{
  double    scale[RHM_LANES];
  const int lost = scale_of(sum, scale);

  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    const Part factor = get(scale + p);

    for (int x = 0; x < v; x++) put(message + x * RHM_LANES + p, get(message + x * RHM_LANES + p) * factor);
  }
  if (lost) floor_lanes(v, sum, message, floored);
}

/*
  up_node - message of a node upwards

  Input:  rule[v][m][s], child[s][v][RHM_LANES]  messages of its children
  Output: up[v][RHM_LANES]
*/
INLINE void up_node(const int s, int v, int m, const uint32_t *rule, const double *child, double *up,
                    double *floored)
{
  double sum[RHM_LANES];

  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    const uint32_t *at    = rule;
    Part            total = {0};

    for (int y = 0; y < v; y++) {
      Part value = {0};

      for (int r = 0; r < m; r++, at += s) {
        Part product = get(child + at[0] + p);

        for (int i = 1; i < s; i++) product *= get(child + at[i] + p);
        value += product;
      }
      put(up + y * RHM_LANES + p, value);
      total += value;
    }
    put(sum + p, total);
  }
  normalise(v, sum, up, floored);
}

/*
  down_node - messages of a node to its children, without norm

  Input:  rule[v][m][s], child[s][v][RHM_LANES]  messages upwards, down[v][RHM_LANES]  message to the node
  Output: to[s][v][RHM_LANES]
*/
INLINE void down_node(const int s, int v, int m, const uint32_t *rule, const double *child,
                      const double *down, double *to)
{
  memset(to, 0, sizeof(*to) * (size_t)s * (size_t)v * RHM_LANES);
  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    const uint32_t *at = rule;

    for (int y = 0; y < v; y++)
      for (int r = 0; r < m; r++, at += s) {
        Part before = get(down + y * RHM_LANES + p), after[RHM_MAX_CHILDREN];

        after[s - 1] = (Part){0} + 1;
        for (int i = s - 1; i > 0; i--) after[i - 1] = get(child + at[i] + p) * after[i];
        for (int i = 0; i < s; i++) {
          double *const sum = to + at[i] + p;

          put(sum, get(sum) + before * after[i]);
          before *= get(child + at[i] + p);
        }
      }
  }
}

/*
  marginal_node - norm of a message downwards, and the marginal of its node

  Input:  up[v][RHM_LANES]
  In/out: down[v][RHM_LANES]  gets sum 1
  Output: marginal[v][RHM_LANES]
*/
static void marginal_node(int v, const double *up, double *down, double *marginal, double *floored)
{
  double sum[RHM_LANES];

  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    Part total = {0};

    for (int x = 0; x < v; x++) total += get(down + x * RHM_LANES + p);
    put(sum + p, total);
  }
  normalise(v, sum, down, floored);
  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    Part total = {0};

    for (int x = 0; x < v; x++) {
      const Part product = get(up + x * RHM_LANES + p) * get(down + x * RHM_LANES + p);

      put(marginal + x * RHM_LANES + p, product);
      total += product;
    }
    put(sum + p, total);
  }
  normalise(v, sum, marginal, floored);
}

/* The same with the usual numbers of children as constants, so that loops over them vanish */
static void up_any(int s, int v, int m, const uint32_t *rule, const double *child, double *up,
                   double *floored)
{
  switch (s) {
  case 2:
    up_node(2, v, m, rule, child, up, floored);
    break;
  case 3:
    up_node(3, v, m, rule, child, up, floored);
    break;
  case 4:
    up_node(4, v, m, rule, child, up, floored);
    break;
  default:
    up_node(s, v, m, rule, child, up, floored);
  }
}

static void down_any(int s, int v, int m, const uint32_t *rule, const double *child, const double *down,
                     double *to)
{
  switch (s) {
  case 2:
    down_node(2, v, m, rule, child, down, to);
    break;
  case 3:
    down_node(3, v, m, rule, child, down, to);
    break;
  case 4:
    down_node(4, v, m, rule, child, down, to);
    break;
  default:
    down_node(s, v, m, rule, child, down, to);
  }
}

/* ---- the tree ---- */

static int64_t nodes_kept(const Grammar *g, int lowest, int level)
{
  return level >= lowest ? rhm_nodes(g, level) : g->s;
}

size_t rhm_workspace(const Grammar *g, int lowest)
{
  const size_t rules = grammar_length(g->v, g->s, g->m, g->L);
  int64_t      kept  = 1 + (int64_t)g->s * (g->L + 1);

  for (int l = 1; l <= g->L; l++) kept += nodes_kept(g, lowest, l);
  return RHM_ALIGN + rules / 2 + 1 + (size_t)kept * (size_t)g->v * RHM_LANES;
}

static void split_workspace(Wave *w, double *work)
{
  const Grammar *g     = w->g;
  const size_t   rules = grammar_length(g->v, g->s, g->m, g->L);
  double        *at    = rhm_aligned(work);

  for (int l = 1; l <= g->L; l++) {
    w->up[l] = at;
    at += w->size * (size_t)nodes_kept(g, w->lowest, l);
  }
  for (int l = 0; l <= g->L; l++) {
    w->down[l] = at;
    at += w->size * (size_t)g->s;
  }
  w->marginal = at;
  w->rule     = (uint32_t *)(at + w->size);
  for (size_t k = 0; k < rules; k++)
    w->rule[k] = (uint32_t)((int)(k % (size_t)g->s) * g->v + g->child[k]) * RHM_LANES;
}

static const double *up_message(const Wave *w, int level, int64_t node)
{
  if (!level) return w->likelihood + w->size * (size_t)node;
  return w->up[level] + w->size * (size_t)(level >= w->lowest ? node : node % w->g->s);
}

static const uint32_t *rules_of(const Wave *w, int level)
{
  return w->rule + grammar_length(w->g->v, w->g->s, w->g->m, level - 1);
}

/* Depth first: a node as soon as its children are there, so that of most levels s messages are looked at */
static void pass_up(const Wave *w)
{
  const Grammar *g = w->g;

  for (int64_t first = 0; first < rhm_nodes(g, 1); first++) {
    int64_t node = first;

    for (int l = 1; l <= g->L; l++, node /= g->s) {
      up_any(g->s, g->v, g->m, rules_of(w, l), up_message(w, l - 1, node * g->s),
             (double *)up_message(w, l, node), w->floored);
      if ((node + 1) % g->s) break;
    }
  }
}

/* The marginal of a node and then of all below it, last child first: what went up last may still be in the cache */
static void pass_down(const Wave *w, int level, int64_t node)
{
  const Grammar *g    = w->g;
  double *const  down = w->down[level] + w->size * (size_t)(node % g->s);

  marginal_node(g->v, up_message(w, level, node), down, w->marginal, w->floored);
  w->visit(w->context, level, node, w->marginal);
  if (level == w->lowest) return;
  down_any(g->s, g->v, g->m, rules_of(w, level), up_message(w, level - 1, node * g->s), down,
           w->down[level - 1]);
  for (int i = g->s - 1; i >= 0; i--) pass_down(w, level - 1, node * g->s + i);
}

void rhm_propagate(const Grammar *g, const double *likelihood, int lowest, RhmVisit visit, void *context,
                   double *floored, double *work)
{
  Wave w = {.g          = g,
            .size       = (size_t)g->v * RHM_LANES,
            .lowest     = lowest,
            .likelihood = likelihood,
            .visit      = visit,
            .context    = context,
            .floored    = floored};

  split_workspace(&w, work);
  for (int l = 0; l < RHM_LANES; l++) floored[l] = 0;
  pass_up(&w);
  for (size_t k = 0; k < w.size; k++) w.down[g->L][k] = 1.0 / g->v;
  pass_down(&w, g->L, 0);
}

/* ---- leaves and marginals ---- */

void rhm_likelihood(int v, double *p)
{
  double top[RHM_LANES], sum[RHM_LANES] = {0};

  memcpy(top, p, sizeof(top));
  for (int x = 1; x < v; x++)
    for (int l = 0; l < RHM_LANES; l++)
      top[l] = p[x * RHM_LANES + l] > top[l] ? p[x * RHM_LANES + l] : top[l];
  for (int x = 0; x < v; x++)
    for (int l = 0; l < RHM_LANES; l++) {
      p[x * RHM_LANES + l] = exp_negative(p[x * RHM_LANES + l] - top[l]);
      sum[l] += p[x * RHM_LANES + l];
    }
  for (int l = 0; l < RHM_LANES; l++) sum[l] = 1 / sum[l];
  for (int x = 0; x < v; x++)
    for (int l = 0; l < RHM_LANES; l++) p[x * RHM_LANES + l] *= sum[l];
}

void rhm_judge(int v, const double *marginal, int *best, double *confidence)
{
  for (int l = 0; l < RHM_LANES; l++) {
    best[l]       = 0;
    confidence[l] = marginal[l];
  }
  for (int x = 1; x < v; x++)
    for (int l = 0; l < RHM_LANES; l++) {
      const double p     = marginal[x * RHM_LANES + l];
      const int    above = p > confidence[l];

      best[l]       = above ? x : best[l];
      confidence[l] = above ? p : confidence[l];
    }
}

typedef struct {
  const Grammar *g;
  double        *marginal;
} Store;

static void store(void *context, int level, int64_t node, const double *marginal)
{
  const Store *to   = context;
  const size_t size = (size_t)to->g->v * RHM_LANES;

  memcpy(to->marginal + size * (size_t)(rhm_first(to->g, level) + node), marginal, sizeof(*marginal) * size);
}

void rhm_marginals(const Grammar *g, const double *likelihood, double *marginal, double *floored,
                   double *work)
{
  Store to = {g, marginal};

  rhm_propagate(g, likelihood, 0, store, &to, floored, work);
}
