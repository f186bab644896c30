#include "private/h5impl.h"
#include "private/imagesimpl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PROBLEM_SIZE 1024

/* The bytes of an entry's files, and what they mean */
typedef struct {
  uint8_t   *bytes, *label_bytes;
  ImagesFile picture, label; /* label.n = 0: no labels of its own */
} Content;

/* What rank 0 found out, for all ranks */
typedef struct {
  char         problem[PROBLEM_SIZE];
  PictureShape shape;
  int          labelled;
  int64_t      N, train;
} Verdict;

/* ---- one file; on rank 0 only ---- */

/* Read a stream to its end, plain or gzipped, and close it; not collective. Output: whole  it had an end */
static PetscErrorCode ReadStream(gzFile stream, size_t room, uint8_t **bytes, size_t *size, PetscBool *whole)
{
  int got = 0;

  PetscFunctionBegin;
  *size = 0;
  PetscCall(PetscMalloc1(room, bytes));
  while ((got = gzread(stream, *bytes + *size, (unsigned)PetscMin(room - *size, (size_t)1 << 30))) > 0) {
    *size += (size_t)got;
    if (*size == room) PetscCall(PetscRealloc(room *= 2, bytes));
  }
  *whole = gzclose_r(stream) == Z_OK && got == 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read and parse a file; not collective. Output: bytes (caller frees), file, problem (empty: none) */
static PetscErrorCode LoadFile(const char *name, const char *hint, const char *path, uint8_t **bytes,
                               ImagesFile *file, char problem[PROBLEM_SIZE])
{
  struct stat info;
  gzFile      stream;
  size_t      size  = 0;
  PetscBool   whole = PETSC_FALSE;
  char        what[PROBLEM_SIZE / 2];

  PetscFunctionBegin;
  if (access(path, R_OK) || stat(path, &info)) {
    snprintf(problem, PROBLEM_SIZE, "%s: cannot open %.400s: %s; %s", name, path, strerror(errno), hint);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!S_ISREG(info.st_mode)) {
    snprintf(problem, PROBLEM_SIZE, "%s: '%.400s' is %s; name the files themselves", name, path,
             S_ISDIR(info.st_mode) ? "a folder" : "no file");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  stream = gzopen(path, "rb");
  if (stream) PetscCall(ReadStream(stream, PetscMax((size_t)info.st_size, 64) + 1, bytes, &size, &whole));
  if (!whole)
    snprintf(problem, PROBLEM_SIZE, "%s: '%.400s' is cut short or damaged and cannot be read to its end",
             name, path);
  else if (images_parse(size, *bytes, file, sizeof(what), what))
    snprintf(problem, PROBLEM_SIZE, "%s: '%.400s' %s", name, path, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The label file of an entry, and whether it belongs to the pictures; not collective. */
static PetscErrorCode LoadLabels(const ImagesList *list, const ImagesEntry *entry, Content *c,
                                 char problem[PROBLEM_SIZE])
{
  PetscFunctionBegin;
  PetscCall(LoadFile(list->label_name, list->hint, entry->label, &c->label_bytes, &c->label, problem));
  if (problem[0]) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->label.kind != FILE_LABELS)
    snprintf(problem, PROBLEM_SIZE, "%s: '%.400s' holds pictures; expected IDX labels (0x00000801)",
             list->label_name, entry->label);
  else if (c->label.n != c->picture.n)
    snprintf(problem, PROBLEM_SIZE,
             "%s: '%.300s' has %lld labels, '%.300s' %lld pictures; they do not belong together",
             list->label_name, entry->label, (long long)c->label.n, entry->picture, (long long)c->picture.n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The files of an entry; not collective. */
static PetscErrorCode LoadEntry(const ImagesList *list, const ImagesEntry *entry, Content *c,
                                char problem[PROBLEM_SIZE])
{
  PetscFunctionBegin;
  PetscCall(LoadFile(list->name, list->hint, entry->picture, &c->bytes, &c->picture, problem));
  if (problem[0]) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->picture.kind == FILE_LABELS)
    snprintf(problem, PROBLEM_SIZE,
             "%s: '%.400s' holds labels; expected pictures (labels go by -dataset_label_file)", list->name,
             entry->picture);
  else if (c->picture.kind == FILE_RECORDS && entry->label[0])
    snprintf(problem, PROBLEM_SIZE, "%s: '%.400s' has labels of its own (CIFAR-10); leave the key out",
             list->label_name, entry->picture);
  else if (entry->label[0])
    PetscCall(LoadLabels(list, entry, c, problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all files ---- */

static int label_of(const Content *c, int64_t i)
{
  if (c->picture.kind == FILE_RECORDS) return c->picture.item[(size_t)i * c->picture.stride];
  return c->label.n ? c->label.item[i] : -1;
}

static const uint8_t *pixels_of(const Content *c, int64_t i)
{
  return c->picture.item + (size_t)i * c->picture.stride + (c->picture.kind == FILE_RECORDS);
}

/* Whether rows of a class are taken, for classes 0 .. 255. */
static void classes_taken(const Images *s, PetscBool taken[CLASSES])
{
  for (int k = 0; k < CLASSES; k++) taken[k] = s->nclasses ? PETSC_FALSE : PETSC_TRUE;
  for (PetscInt k = 0; k < s->nclasses; k++) taken[(int)s->classes[k]] = PETSC_TRUE;
}

/* Count the rows that are taken; a class without any picture is a mistake. */
static void count_rows(const Images *s, const ImagesList *list, const Content *content, Verdict *v)
{
  PetscBool taken[CLASSES];
  int64_t   found[CLASSES] = {0};

  classes_taken(s, taken);
  for (int k = 0; k < list->n; k++)
    for (int64_t i = 0; i < content[k].picture.n; i++) {
      const int label = label_of(&content[k], i);

      if (label >= 0) found[label]++;
      if (label >= 0 && !taken[label]) continue;
      v->N++;
      if (!list->entry[k].test) v->train++;
    }
  for (PetscInt k = 0; k < s->nclasses; k++)
    if (!found[(int)s->classes[k]])
      snprintf(v->problem, PROBLEM_SIZE, "-dataset_classes: no picture is of class %d", (int)s->classes[k]);
}

/* Whether the files go together, and what they hold. */
static void judge(const Images *s, const ImagesList *list, const Content *content, Verdict *v)
{
  v->shape    = content[0].picture.shape;
  v->labelled = content[0].picture.kind == FILE_RECORDS || content[0].label.n > 0;
  for (int k = 1; k < list->n; k++) {
    const PictureShape *a = &v->shape, *b = &content[k].picture.shape;

    if (memcmp(a, b, sizeof(*a))) {
      snprintf(v->problem, PROBLEM_SIZE,
               "%s: '%.300s' has pictures of %d x %d x %d, '%.300s' of %d x %d x %d; expected one shape",
               list->name, list->entry[0].picture, a->channels, a->height, a->width, list->entry[k].picture,
               b->channels, b->height, b->width);
      return;
    }
  }
  if (s->nclasses && !v->labelled)
    snprintf(v->problem, PROBLEM_SIZE,
             "-dataset_classes: the pictures have no labels; give -dataset_label_file");
  else
    count_rows(s, list, content, v);
}

/* Copy the rows that are taken to shared memory. */
static void copy_rows(const Images *s, const ImagesList *list, const Content *content)
{
  const size_t pixels = (size_t)s->shape.channels * (size_t)s->shape.height * (size_t)s->shape.width;
  uint8_t     *pixel = s->pixel, *to = s->label;
  PetscBool    taken[CLASSES];

  classes_taken(s, taken);
  for (int k = 0; k < list->n; k++)
    for (int64_t i = 0; i < content[k].picture.n; i++) {
      const int label = label_of(&content[k], i);

      if (label >= 0 && !taken[label]) continue;
      memcpy(pixel, pixels_of(&content[k], i), pixels);
      pixel += pixels;
      *to++ = (uint8_t)(label < 0 ? 0 : label);
    }
}

/* Read and judge all files on rank 0, and give every rank the verdict. */
static PetscErrorCode Examine(const Images *s, const ImagesList *list, Content *content, Verdict *v)
{
  int rank;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(v, sizeof(*v)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) {
    for (int k = 0; k < list->n && !v->problem[0]; k++)
      PetscCall(LoadEntry(list, &list->entry[k], &content[k], v->problem));
    if (!v->problem[0]) judge(s, list, content, v);
  }
  PetscCallMPI(MPI_Bcast(v, sizeof(*v), MPI_BYTE, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ContentFree(int n, Content **content)
{
  PetscFunctionBegin;
  for (int k = 0; k < n; k++) {
    PetscCall(PetscFree((*content)[k].bytes));
    PetscCall(PetscFree((*content)[k].label_bytes));
  }
  PetscCall(PetscFree(*content));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ImagesLoad - the pictures of the files listed, those of the classes asked for, as bytes once a node in shared memory

  Output: shape, labelled, N, train, rows, pixel, label of images
  Errors: AD_ERR_INPUT naming the file that cannot be used, and why
  Cost: rank 0 holds the bytes of all files twice for a moment
*/
PetscErrorCode ImagesLoad(Images *s)
{
  const ImagesList *list = &s->list;
  Content          *content;
  Verdict           v;
  size_t            pixels;
  int               rank;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(list->n, &content));
  PetscCall(Examine(s, list, content, &v));
  if (v.problem[0]) PetscCall(ContentFree(list->n, &content));
  AdCheckInput(!v.problem[0], "%s", v.problem);
  for (int k = 0; k < list->n; k++) {
    PetscCall(InputNoteUse(list->entry[k].picture, ""));
    if (list->entry[k].label[0]) PetscCall(InputNoteUse(list->entry[k].label, ""));
  }
  s->shape    = v.shape;
  s->labelled = v.labelled ? PETSC_TRUE : PETSC_FALSE;
  s->N        = v.N;
  s->train    = v.train;
  pixels      = (size_t)s->shape.channels * (size_t)s->shape.height * (size_t)s->shape.width;
  PetscCall(SharedArrayCreate((size_t)s->N, pixels + 1, &s->rows));
  s->pixel = (uint8_t *)s->rows.data;
  s->label = s->pixel + (size_t)s->N * pixels;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) copy_rows(s, list, content);
  PetscCall(ContentFree(list->n, &content));
  PetscCall(SharedArrayPublish(&s->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  ImagesProbe - whether a file, or the first of a list of files, is one of pictures

  Note: a file that cannot be read is not; who opens it will say why
*/
PetscErrorCode ImagesProbe(const char *files, PetscBool *pictures)
{
  char        path[PETSC_MAX_PATH_LEN];
  uint8_t     head[4] = {0};
  struct stat info;
  int         rank;

  PetscFunctionBegin;
  *pictures = PETSC_FALSE;
  snprintf(path, sizeof(path), "%.*s", (int)strcspn(files, ","), files);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank && !stat(path, &info) && S_ISREG(info.st_mode)) {
    FILE *file = fopen(path, "rb");

    if (file && fread(head, 1, sizeof(head), file) == sizeof(head))
      *pictures = images_look_like((int64_t)info.st_size, head) ? PETSC_TRUE : PETSC_FALSE;
    if (file) fclose(file);
  }
  PetscCallMPI(MPI_Bcast(pictures, 1, MPIU_BOOL, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}
