#include "private/mlpimpl.h"
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
/*
  The passes of the multilayer perceptron in terms of a backend's micro-kernels

  z_l = x_l W_l + b_l, x_{l+1} = silu(z_l), out = x_depth W_depth + b_depth; with D_l = dL/dz_l:
    dW_l = x_l^T D_l,  db_l = sum of the rows of D_l,  D_{l-1} = silu'(z_{l-1}) * (D_l W_l^T).
  In the workspace rows of x_l end with a 1, so that dW_l and db_l, which lie one behind the other, come from
  one product. The head and the derivative by the inputs have few columns and are dot products of rows.
*/

/* ---- backends ---- */

static const MlpBackend *selected; /* NULL: not yet chosen; every thread that chooses writes the same */

int mlp_select_backend(const char *name)
{
  const MlpBackend *fast = mlp_avx512();

  if (!strcmp(name, "auto")) {
    selected = fast ? fast : &mlp_portable;
  } else if (!strcmp(name, mlp_portable.name)) {
    selected = &mlp_portable;
  } else if (fast && !strcmp(name, fast->name)) {
    selected = fast;
  } else {
    return -1;
  }
  return 0;
}

static const MlpBackend *backend(void)
{
  if (!selected) mlp_select_backend("auto");
  return selected;
}

const char *mlp_backend_name(void)
{
  return backend()->name;
}

/* ---- layouts ---- */

static size_t round_up(size_t n, size_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* The first address in an array of ours that is a multiple of a cache line; one line is reserved for this */
static float *aligned(const float *array)
{
  return (float *)round_up((uintptr_t)array, MLP_LANES * sizeof(float));
}

/* Floats from row to row of an array with n columns and a 1: an odd number of cache lines, so that the rows
   of a column do not share a few sets of the cache */
static ptrdiff_t row_stride(int n)
{
  return ((n / MLP_LANES + 1) | 1) * (ptrdiff_t)MLP_LANES;
}

/* Parameters of layer l begin here in theta and grad: (in + 1) x out, the bias is the last row */
static size_t layer_offset(const MlpShape *s, int l)
{
  const size_t first = ((size_t)s->nin + 1) * s->width, hidden = ((size_t)s->width + 1) * s->width;
  return l ? first + (l - 1) * hidden : 0;
}

size_t mlp_parameter_count(const MlpShape *s)
{
  return layer_offset(s, s->depth) + ((size_t)s->width + 1) * s->nout;
}

/* Packed: W_0 and b_0 as they are; of hidden layers panels[width][64] of W_l, of its transpose, and b_l;
   W_depth^T and b_depth */
static size_t panels_count(const MlpShape *s)
{
  return (size_t)s->width * round_up(s->width, MLP_PANEL);
}

static size_t packed_offset(const MlpShape *s, int l)
{
  return l ? ((size_t)s->nin + 1) * s->width + (l - 1) * (2 * panels_count(s) + s->width) : 0;
}

size_t mlp_packed_count(const MlpShape *s)
{
  return packed_offset(s, s->depth) + ((size_t)s->width + 1) * s->nout + MLP_LANES;
}

/* Workspace: blocks x_0; x_1 .. x_depth; silu'(z_0) .. silu'(z_{depth-1}); the head's gradient transposed */
typedef struct {
  ptrdiff_t stride0, stride; /* floats from row to row of x_0 and of the others */
  ptrdiff_t block;           /* floats from x_l to x_{l+1} and from slope to slope */
  float    *x0, *x1, *slope, *head;
} Workspace;

static Workspace workspace_layout(const MlpShape *s, float *work)
{
  Workspace w = {.stride0 = row_stride(s->nin), .stride = row_stride(s->width)};

  w.block = MLP_BLOCK * w.stride;
  w.x0    = aligned(work);
  w.x1    = w.x0 + MLP_BLOCK * w.stride0;
  w.slope = w.x1 + s->depth * w.block;
  w.head  = w.slope + s->depth * w.block;
  return w;
}

size_t mlp_workspace_count(const MlpShape *s)
{
  const size_t stride0 = row_stride(s->nin), stride = row_stride(s->width);
  return MLP_BLOCK * (stride0 + 2 * stride * s->depth) + stride * s->nout + MLP_LANES;
}

/* ---- parameters ---- */

void mlp_init(const MlpShape *s, const float *uniform01, float *theta)
{
  for (int l = 0; l <= s->depth; l++) {
    const size_t end   = l < s->depth ? layer_offset(s, l + 1) : mlp_parameter_count(s);
    const float  bound = 1.0f / sqrtf((float)(l ? s->width : s->nin));
    for (size_t i = layer_offset(s, l); i < end; i++) theta[i] = bound * (2.0f * uniform01[i] - 1.0f);
  }
}

/* Panels of W and of W^T, each [width][64]; columns beyond the width are never read */
static void pack_hidden(int width, const float *weight, float *panels, float *transposed)
{
  for (int first = 0; first < width; first += MLP_PANEL) {
    const int    columns = width - first < MLP_PANEL ? width - first : MLP_PANEL;
    const size_t panel   = (size_t)first * width;
    for (int k = 0; k < width; k++)
      memcpy(panels + panel + (size_t)k * MLP_PANEL, weight + (size_t)k * width + first,
             columns * sizeof(float));
    backend()->transpose(columns, width, weight + panel, width, transposed + panel, MLP_PANEL);
  }
}

void mlp_pack(const MlpShape *s, const float *theta, float *packed)
{
  const int    width = s->width, nout = s->nout;
  const float *head = theta + layer_offset(s, s->depth);
  float       *to   = aligned(packed);

  assert(width % MLP_LANES == 0 && width <= MLP_MAX_WIDTH && s->depth >= 1);
  memcpy(to, theta, layer_offset(s, 1) * sizeof(float));
  for (int l = 1; l < s->depth; l++) {
    const float *from   = theta + layer_offset(s, l);
    float       *panels = to + packed_offset(s, l);
    pack_hidden(width, from, panels, panels + panels_count(s));
    memcpy(panels + 2 * panels_count(s), from + (size_t)width * width, width * sizeof(float));
  }
  to += packed_offset(s, s->depth);
  for (int o = 0; o < nout; o++)
    for (int k = 0; k < width; k++) to[(size_t)o * width + k] = head[(size_t)k * nout + o];
  memcpy(to + (size_t)width * nout, head + (size_t)width * nout, nout * sizeof(float));
}

/* ---- passes ---- */

/* product - p for all rows and columns, by tiles; panel: floats from 64 columns of B to the next 64 */
static void product(const MlpProduct *p, int rows, int columns, size_t panel)
{
  const MlpBackend *run = backend();

  for (int first = 0; first < columns; first += MLP_PANEL) {
    const int  vecs = columns - first < MLP_PANEL ? (columns - first) / MLP_LANES : MLP_VECS;
    MlpProduct tile = *p;
    tile.b          = p->b + first / MLP_PANEL * panel;
    for (int r = 0; r < rows; r += MLP_ROWS) {
      tile.a = p->a + r * p->a_row;
      tile.c = p->c + r * p->c_row + first;
      tile.d = p->d + r * p->d_row + first;
      run->tile(&tile, rows - r < MLP_ROWS ? rows - r : MLP_ROWS, vecs);
    }
  }
}

/* x_{l+1} before the activation, from x of a_row floats a row */
static void layer_forward(const MlpShape *s, const float *packed, int l, int n, const float *x,
                          ptrdiff_t a_row, float *z, ptrdiff_t stride)
{
  const float     *weight = packed + packed_offset(s, l);
  const float     *bias   = weight + (l ? 2 * panels_count(s) : (size_t)s->nin * s->width);
  const MlpProduct p      = {.terms  = l ? s->width : s->nin,
                             .a      = x,
                             .a_row  = a_row,
                             .a_term = 1,
                             .b      = weight,
                             .b_term = l ? MLP_PANEL : s->width,
                             .d      = bias,
                             .c      = z,
                             .c_row  = stride};

  product(&p, n, s->width, l ? (size_t)s->width * MLP_PANEL : MLP_PANEL);
}

static void head_forward(const MlpShape *s, const float *packed, int n, const float *x, ptrdiff_t stride,
                         float *out)
{
  const float *weight = packed + packed_offset(s, s->depth);

  backend()->dots(n, s->width, s->nout, x, stride, weight, weight + (size_t)s->width * s->nout, out);
}

void mlp_forward(const MlpShape *s, const float *packed, int n, const float *in, float *out, float *work)
{
  const Workspace w = workspace_layout(s, work);

  packed = aligned(packed);
  for (int first = 0; first < n; first += MLP_BLOCK) {
    const int    rows  = n - first < MLP_BLOCK ? n - first : MLP_BLOCK;
    const float *x     = in + (ptrdiff_t)first * s->nin;
    ptrdiff_t    a_row = s->nin;
    for (int l = 0; l < s->depth; l++) {
      float *z = l % 2 ? w.slope : w.x1; /* two blocks by turns */
      layer_forward(s, packed, l, rows, x, a_row, z, w.stride);
      backend()->silu(rows, s->width, w.stride, z, NULL);
      x     = z;
      a_row = w.stride;
    }
    head_forward(s, packed, rows, x, a_row, out + (ptrdiff_t)first * s->nout);
  }
}

/* Rows of x end with a lane 1, 0, .., 0 */
static void append_one(int n, int width, ptrdiff_t stride, float *x)
{
  for (int r = 0; r < n; r++) {
    float *end = x + r * stride + width;
    memset(end, 0, MLP_LANES * sizeof(float));
    end[0] = 1.0f;
  }
}

void mlp_forward_keep(const MlpShape *s, const float *packed, int n, const float *in, float *out, float *work)
{
  const Workspace w = workspace_layout(s, work);

  packed = aligned(packed);
  for (int r = 0; r < n; r++) {
    memcpy(w.x0 + r * w.stride0, in + (ptrdiff_t)r * s->nin, s->nin * sizeof(float));
    w.x0[r * w.stride0 + s->nin] = 1.0f;
  }
  for (int l = 0; l < s->depth; l++) {
    const float *x = l ? w.x1 + (l - 1) * w.block : w.x0;
    float       *z = w.x1 + l * w.block;
    layer_forward(s, packed, l, n, x, l ? w.stride : w.stride0, z, w.stride);
    backend()->silu(n, s->width, w.stride, z, w.slope + l * w.block);
    append_one(n, s->width, w.stride, z);
  }
  head_forward(s, packed, n, w.x1 + (s->depth - 1) * w.block, w.stride, out);
}

/* The head's gradient by its transpose dout^T x, of long rows, which is then added where it belongs */
static void head_gradient(const MlpShape *s, const Workspace *w, int n, const float *dout, float *grad)
{
  static const float zero[MLP_MAX_WIDTH + MLP_LANES] = {0};
  const MlpProduct   p                               = {.terms  = n,
                                                        .a      = dout,
                                                        .a_row  = 1,
                                                        .a_term = s->nout,
                                                        .b      = w->x1 + (s->depth - 1) * w->block,
                                                        .b_term = w->stride,
                                                        .d      = zero,
                                                        .c      = w->head,
                                                        .c_row  = w->stride};

  product(&p, s->nout, s->width + MLP_LANES, MLP_PANEL);
  for (int k = 0; k <= s->width; k++)
    for (int o = 0; o < s->nout; o++) grad[(ptrdiff_t)k * s->nout + o] += w->head[o * w->stride + k];
}

/* grad of W_l and b_l += (x_l, 1)^T D_l */
static void layer_gradient(const MlpShape *s, const Workspace *w, int l, int n, const float *D, float *grad)
{
  const MlpProduct p = {.terms  = n,
                        .a      = l ? w->x1 + (l - 1) * w->block : w->x0,
                        .a_row  = 1,
                        .a_term = l ? w->stride : w->stride0,
                        .b      = D,
                        .b_term = w->stride,
                        .d      = grad,
                        .d_row  = s->width,
                        .c      = grad,
                        .c_row  = s->width};

  product(&p, (l ? s->width : s->nin) + 1, s->width, MLP_PANEL);
}

/* D_{l-1} = silu'(z_{l-1}) * (D_l W_l^T), in place of the slope */
static void layer_backward(const MlpShape *s, const Workspace *w, const float *packed, int l, int n,
                           const float *D, float *slope)
{
  const float     *weight = packed + packed_offset(s, l);
  const int        head   = l == s->depth;
  const MlpProduct p      = {.terms    = head ? s->nout : s->width,
                             .multiply = 1,
                             .a        = D,
                             .a_row    = head ? s->nout : w->stride,
                             .a_term   = 1,
                             .b        = head ? weight : weight + panels_count(s),
                             .b_term   = head ? s->width : MLP_PANEL,
                             .d        = slope,
                             .d_row    = w->stride,
                             .c        = slope,
                             .c_row    = w->stride};

  product(&p, n, s->width, head ? MLP_PANEL : (size_t)s->width * MLP_PANEL);
}

void mlp_backward(const MlpShape *s, const float *packed, int n, const float *dout, float *work, float *grad,
                  float *din)
{
  const Workspace w = workspace_layout(s, work);
  const float    *D = dout;

  packed = aligned(packed);
  if (grad) head_gradient(s, &w, n, dout, grad + layer_offset(s, s->depth));
  for (int l = s->depth - 1; l >= 0; l--) {
    float *slope = w.slope + l * w.block;
    layer_backward(s, &w, packed, l + 1, n, D, slope);
    D = slope;
    if (grad) layer_gradient(s, &w, l, n, D, grad + layer_offset(s, l));
  }
  if (din) backend()->dots(n, s->width, s->nin, D, w.stride, packed, NULL, din);
}
