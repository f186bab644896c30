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

typedef int64_t Mask __attribute__((vector_size(8 * RHM_LANES / PARTS)));

INLINE Part choose(Mask mask, Part yes, Part no)
{
  return (Part)((mask & (Mask)yes) | (~mask & (Mask)no));
}

INLINE Part get(const double *from)
{
  return *(const Part *)from;
}

INLINE void put(double *to, Part part)
{
  *(Part *)to = part;
}

typedef struct Wave Wave;

/* All that a call works with; a message or a marginal is [v][RHM_LANES], those of siblings follow each other */
struct Wave {
  const Grammar *g;
  size_t         size; /* of a message */
  int            lowest;
  const double  *likelihood;
  RhmVisit       visit;
  void          *context;
  void (*up_node)(const Wave *w, int level, const double *child, double *up);
  void (*down_node)(const Wave *w, int level, const double *child, const double *down, double *to);
  uint32_t *rule;   /* [L][v][m][s]: (i v + x) RHM_LANES, where child i has its number for x */
  uint32_t *sorted; /* [L][v m][s]: the same by first child, in its place the parent, y RHM_LANES */
  uint32_t *start;  /* [L][v + 1]: first rule with x as first child */
  double   *up[RHM_MAX_LEVELS + 1];   /* of all nodes of a level, or below `lowest` of s siblings */
  double   *down[RHM_MAX_LEVELS + 1]; /* of s siblings */
  double   *marginal, *floored;
};

static size_t level_at(const Wave *w, int level)
{
  return grammar_length(w->g->v, w->g->s, w->g->m, level - 1);
}

double *rhm_aligned(double *raw)
{
  return raw + (RHM_ALIGN - (uintptr_t)raw / sizeof(double) % RHM_ALIGN) % RHM_ALIGN;
}

/* ---- one node ---- */

/*
  Messages are not divided by their sums: what counts is that products of s of them stay in range. Where a sum leaves [least,
  1/least], least = 2^(-120/s), its lane is multiplied by a power of two, which changes no digit of any result; for s = 2 and
  leaves of sum 1 that is every fifth level or so.
*/
INLINE double least_sum(int s)
{
  return 1.0 / (double)(UINT64_C(1) << (s > 2 ? 120 / s : 60));
}

/* Is a lane out of range, or not a number? */
INLINE int astray(Part sum, double least)
{
  const Part one  = (Part){0} + 1;
  const Mask good = (sum >= one * least) & (sum <= one / least);
  int64_t    all  = -1;

  for (int l = 0; l < WIDTH; l++) all &= good[l];
  return !all;
}

/* A lane of a message[v][RHM_LANES] gets a sum from 1/2 to 1; one whose sum is lost becomes uniform. */
static void scale_lane(int v, double sum, double *message, double *floored)
{
  const int lost     = !(sum >= DBL_MIN && sum <= DBL_MAX);
  int       exponent = 0;

  if (!lost) (void)frexp(sum, &exponent);
  const double factor = ldexp(1, -exponent);

  for (int k = 0; k < v * RHM_LANES; k += RHM_LANES) message[k] = lost ? 1.0 / v : message[k] * factor;
  *floored += lost;
}

/* The lanes that are out of range by their sums */
static __attribute__((noinline)) void scale_up(int v, double least, const Part *sum, double *up,
                                               double *floored)
{
  for (int l = 0; l < WIDTH; l++)
    if (!((*sum)[l] >= least && (*sum)[l] <= 1 / least)) scale_lane(v, (*sum)[l], up + l, floored + l);
}

/* The lanes where what comes from above has, together with what comes from below, a sum that is out of range */
static __attribute__((noinline)) void scale_down(int v, double least, const Part *both, double *down,
                                                 double *floored)
{
  for (int l = 0; l < WIDTH; l++) {
    double sum = 0;

    if ((*both)[l] >= least && (*both)[l] <= 1 / least) continue;
    for (int x = 0; x < v; x++) sum += down[x * RHM_LANES + l];
    scale_lane(v, sum, down + l, floored + l);
  }
}

/*
  up_node - message of a node upwards

  Input:  rule[v][m][s], child[s][v][RHM_LANES]  messages of its children
  Output: up[v][RHM_LANES]
*/
INLINE void up_node(const int s, int v, int m, const uint32_t *rule, const double *child, double *up,
                    double *floored)
{
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
    if (astray(total, least_sum(s))) scale_up(v, least_sum(s), &total, up + p, floored + p);
  }
}

/*
  down_node - messages of a node to its children, without norm

  Input:  start[v + 1], rule[v m][s]  rules sorted by their first child, see sort_rules
          child[s][v][RHM_LANES]  messages upwards, down[v][RHM_LANES]  message to the node
  Output: to[s][v][RHM_LANES]
  Note:   the sum for a first child stays in a register. Sorted by parent, all sums would go through memory and some be needed
          again at once, about which processors guess: up to three times slower, by chance
*/
INLINE void down_node(const int s, int v, const uint32_t *start, const uint32_t *rule, const double *child,
                      const double *down, double *to)
{
  memset(to + v * RHM_LANES, 0, sizeof(*to) * (size_t)(s - 1) * (size_t)v * RHM_LANES);
  for (int p = 0; p < RHM_LANES; p += WIDTH)
    for (int x = 0; x < v; x++) {
      const Part            own = get(child + x * RHM_LANES + p);
      const uint32_t *const end = rule + (size_t)s * start[x + 1];
      Part                  sum = {0};

      for (const uint32_t *at = rule + (size_t)s * start[x]; at < end; at += s) {
        const Part parent = get(down + at[0] + p);
        Part       before = parent * own, after[RHM_MAX_CHILDREN];

        after[s - 1] = (Part){0} + 1;
        for (int i = s - 1; i > 0; i--) after[i - 1] = get(child + at[i] + p) * after[i];
        sum += parent * after[0];
        for (int i = 1; i < s; i++) {
          double *const other = to + at[i] + p;

          put(other, get(other) + before * after[i]);
          before *= get(child + at[i] + p);
        }
      }
      put(to + x * RHM_LANES + p, sum);
    }
}

/* marginal[v][RHM_LANES] = up down, not yet divided by the sum over symbols, which is returned */
INLINE Part multiply(int v, const double *up, const double *down, double *marginal)
{
  Part sum = {0};

  for (int k = 0; k < v * RHM_LANES; k += RHM_LANES) {
    const Part product = get(up + k) * get(down + k);

    put(marginal + k, product);
    sum += product;
  }
  return sum;
}

/* Where even now the sum is lost the marginal becomes uniform */
static __attribute__((noinline)) void floor_lanes(int v, const Part *sum, double *marginal, double *floored)
{
  for (int l = 0; l < WIDTH; l++)
    if (!((*sum)[l] >= DBL_MIN && (*sum)[l] <= DBL_MAX)) scale_lane(v, 0, marginal + l, floored + l);
}

/*
  marginal_node - the marginal of a node

  Input:  up[v][RHM_LANES]
  In/out: down[v][RHM_LANES]  is brought into range
  Output: marginal[v][RHM_LANES]
*/
static void marginal_node(int v, const double *up, double *down, double *marginal, double *floored)
{
  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    const Part one  = (Part){0} + 1;
    Part       sum  = multiply(v, up + p, down + p, marginal + p);
    int        lost = 0;

    if (astray(sum, least_sum(2))) {
      scale_down(v, least_sum(2), &sum, down + p, floored + p);
      sum  = multiply(v, up + p, down + p, marginal + p);
      lost = astray(sum, least_sum(2));
    }
    const Part factor = one / choose(sum >= one * DBL_MIN, sum, one);

    for (double *at = marginal + p; at < marginal + v * RHM_LANES; at += RHM_LANES) put(at, get(at) * factor);
    if (lost) floor_lanes(v, &sum, marginal + p, floored + p);
  }
}

/*
  The same with the usual numbers of children as constants, so that loops over them vanish. Each is a function of its own:
  inlined into one another they run out of registers and take twice the time.
*/
#define OUTLINE static __attribute__((noinline))
#define NODES(name, s)                                                                                       \
  OUTLINE void up_##name(const Wave *w, int level, const double *child, double *up)                          \
  {                                                                                                          \
    up_node(s, w->g->v, w->g->m, w->rule + level_at(w, level), child, up, w->floored);                       \
  }                                                                                                          \
  OUTLINE void down_##name(const Wave *w, int level, const double *child, const double *down, double *to)    \
  {                                                                                                          \
    down_node(s, w->g->v, w->start + (level - 1) * (w->g->v + 1), w->sorted + level_at(w, level), child,     \
              down, to);                                                                                     \
  }
NODES(two, 2)
NODES(three, 3)
NODES(four, 4)
NODES(many, w->g->s)

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
  return RHM_ALIGN + rules + (size_t)g->L * (size_t)(g->v + 1) / 2 + 1 +
         (size_t)kept * (size_t)g->v * RHM_LANES;
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
  w->rule     = (void *)(at + w->size);
  w->sorted   = w->rule + rules;
  w->start    = w->sorted + rules;
}

/* The rules of a level as offsets into the messages of siblings */
static void prepare_rules(const Wave *w, int level)
{
  const Grammar *g    = w->g;
  const int     *from = g->child + level_at(w, level);
  uint32_t      *to   = w->rule + level_at(w, level);

  for (int k = 0; k < g->v * g->m; k++)
    for (int i = 0; i < g->s; i++) *to++ = (uint32_t)(i * g->v + *from++) * RHM_LANES;
}

/* The same sorted by first child: count, sum up, put; which leaves in start[x + 1] where the rules of x begin */
static void sort_rules(const Wave *w, int level)
{
  const Grammar  *g     = w->g;
  const int       rules = g->v * g->m;
  const size_t    s     = (size_t)g->s;
  const uint32_t *from  = w->rule + level_at(w, level);
  uint32_t       *to = w->sorted + level_at(w, level), *start = w->start + (level - 1) * (g->v + 1);

  memset(start, 0, sizeof(*start) * (size_t)(g->v + 1));
  for (size_t k = 0; k < (size_t)rules; k++) start[from[k * s] / RHM_LANES + 1]++;
  for (int x = 0; x < g->v; x++) start[x + 1] += start[x];
  for (size_t k = (size_t)rules; k-- > 0;) {
    uint32_t *const rule = to + --start[from[k * s] / RHM_LANES + 1] * s;

    rule[0] = (uint32_t)(k / (size_t)g->m) * RHM_LANES;
    for (size_t i = 1; i < s; i++) rule[i] = from[k * s + i];
  }
  memmove(start, start + 1, sizeof(*start) * (size_t)g->v);
  start[g->v] = (uint32_t)rules;
}

static void choose_nodes(Wave *w)
{
  switch (w->g->s) {
  case 2:
    w->up_node = up_two, w->down_node = down_two;
    break;
  case 3:
    w->up_node = up_three, w->down_node = down_three;
    break;
  case 4:
    w->up_node = up_four, w->down_node = down_four;
    break;
  default:
    w->up_node = up_many, w->down_node = down_many;
  }
}

static const double *up_message(const Wave *w, int level, int64_t node)
{
  if (!level) return w->likelihood + w->size * (size_t)node;
  return w->up[level] + w->size * (size_t)(level >= w->lowest ? node : node % w->g->s);
}

/* Depth first: a node as soon as its children are there, so that of most levels s messages are looked at */
static void pass_up(const Wave *w)
{
  const Grammar *g = w->g;

  for (int64_t first = 0; first < rhm_nodes(g, 1); first++) {
    int64_t node = first;

    for (int l = 1; l <= g->L; l++, node /= g->s) {
      w->up_node(w, l, up_message(w, l - 1, node * g->s), (double *)up_message(w, l, node));
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
  w->down_node(w, level, up_message(w, level - 1, node * g->s), down, w->down[level - 1]);
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

  choose_nodes(&w);
  split_workspace(&w, work);
  for (int l = 1; l <= g->L; l++) prepare_rules(&w, l);
  for (int l = lowest + 1; l <= g->L; l++) sort_rules(&w, l);
  for (int l = 0; l < RHM_LANES; l++) floored[l] = 0;
  pass_up(&w);
  for (size_t k = 0; k < w.size; k++) w.down[g->L][k] = 1.0 / g->v;
  pass_down(&w, g->L, 0);
}

/* ---- leaves and marginals ---- */

void rhm_likelihood(int v, double *p)
{
  double top[RHM_LANES], sum[RHM_LANES] = {0};

  for (int part = 0; part < RHM_LANES; part += WIDTH) {
    Part most = get(p + part);

    for (int x = 1; x < v; x++) {
      const Part value = get(p + x * RHM_LANES + part);

      most = choose(value > most, value, most);
    }
    put(top + part, most);
  }
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
  for (int p = 0; p < RHM_LANES; p += WIDTH) {
    Part top = get(marginal + p), which = {0}, symbol = {0};

    for (int x = 1; x < v; x++) {
      const Part value = get(marginal + x * RHM_LANES + p);
      const Mask above = value > top;

      symbol += 1;
      which = choose(above, symbol, which);
      top   = choose(above, value, top);
    }
    put(confidence + p, top);
    for (int l = 0; l < WIDTH; l++) best[p + l] = (int)which[l];
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
