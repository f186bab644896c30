#include "private/imagesimpl.h"
#include <stdio.h>

enum { IDX_PICTURES = 0x803, IDX_LABELS = 0x801 };

static uint32_t big_endian(const uint8_t *b)
{
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Number of the first record whose label is none of 0 .. 9, or how many records there are. */
static int64_t bad_record(size_t size, const uint8_t *bytes)
{
  const int64_t n = (int64_t)(size / RECORD_BYTES);
  int64_t       r = 0;

  while (r < n && bytes[r * RECORD_BYTES] <= 9) r++;
  return r;
}

/* Bytes that an IDX header promises, itself included; 0 where it promises nothing that can be used. */
static uint64_t promised(size_t size, const uint8_t *bytes)
{
  const size_t header = big_endian(bytes) == IDX_PICTURES ? 16 : 8;
  uint64_t     item   = 1;

  if (size < header) return 0;
  if (header == 16) item = (uint64_t)big_endian(bytes + 8) * big_endian(bytes + 12);
  return item && item <= MAX_PIXELS ? header + item * big_endian(bytes + 4) : 0;
}

static int parse_idx(size_t size, const uint8_t *bytes, ImagesFile *file, size_t room, char *problem)
{
  const int      pictures = big_endian(bytes) == IDX_PICTURES;
  const size_t   header   = pictures ? 16 : 8;
  const uint64_t expected = promised(size, bytes);

  if (size < header) return snprintf(problem, room, "is cut short: %zu bytes are no whole IDX header", size);
  if (!expected)
    return snprintf(problem, room, "promises pictures of %u x %u; expected 1 to %d pixels",
                    big_endian(bytes + 8), big_endian(bytes + 12), MAX_PIXELS);
  if (size < expected)
    return snprintf(problem, room, "is cut short: its header promises %llu bytes, it has %zu; fetch it again",
                    (unsigned long long)expected, size);
  if (size > expected)
    return snprintf(problem, room, "has %llu bytes behind the %llu that its header promises; fetch it again",
                    (unsigned long long)(size - expected), (unsigned long long)expected);
  *file = (ImagesFile){.kind = FILE_LABELS, .n = big_endian(bytes + 4), .stride = 1, .item = bytes + header};
  if (!file->n) return snprintf(problem, room, "is an IDX file of nothing: its count is 0");
  if (pictures) {
    file->kind   = FILE_PICTURES;
    file->shape  = (PictureShape){1, (int)big_endian(bytes + 8), (int)big_endian(bytes + 12)};
    file->stride = (size_t)file->shape.height * (size_t)file->shape.width;
  }
  return 0;
}

int images_parse(size_t size, const uint8_t *bytes, ImagesFile *file, size_t room, char *problem)
{
  const uint32_t magic = size >= 4 ? big_endian(bytes) : 0;
  const int      idx   = magic == IDX_PICTURES || magic == IDX_LABELS;
  const int64_t  n = (int64_t)(size / RECORD_BYTES), bad = bad_record(size, bytes);
  const int      records = n > 0 && size % RECORD_BYTES == 0;

  if (!size) return snprintf(problem, room, "is empty");
  if (idx && (promised(size, bytes) == size || !records || bad < n))
    return parse_idx(size, bytes, file, room, problem);
  if (!records)
    return snprintf(problem, room,
                    "is cut short or foreign: it begins with 0x%08x (IDX pictures with 0x%08x, labels with "
                    "0x%08x), and its %zu bytes are no whole CIFAR-10 records of %d",
                    magic, IDX_PICTURES, IDX_LABELS, size, RECORD_BYTES);
  if (bad < n)
    return snprintf(
        problem, room,
        "begins with 0x%08x, which is no IDX file, and as CIFAR-10 records has label %d in record "
        "%lld (from 0); expected 0 to 9",
        magic, bytes[bad * RECORD_BYTES], (long long)bad);
  *file = (ImagesFile){FILE_RECORDS, {3, RECORD_SIDE, RECORD_SIDE}, n, RECORD_BYTES, bytes};
  return 0;
}

int images_look_like(int64_t size, const uint8_t head[4])
{
  const int gzipped = size >= 4 && head[0] == 0x1f && head[1] == 0x8b;
  const int idx     = size >= 4 && head[0] == 0 && head[1] == 0 && head[2] == 8;

  return gzipped || idx || (size > 0 && size % RECORD_BYTES == 0 && head[0] <= 9);
}

/* x[channels][height/factor][width/factor], to which the bytes are added */
static void add_blocks(const PictureShape *s, int factor, const uint8_t *restrict pixel, double *restrict x)
{
  const int width = s->width / factor, rows = s->channels * s->height;

  for (int y = 0; y < rows; y++) { /* factor divides height, so rows of one colour follow those of the last */
    double *const row = x + (size_t)(y / factor) * (size_t)width;

    for (int i = 0; i < width; i++)
      for (int k = 0; k < factor; k++) row[i] += pixel[i * factor + k];
    pixel += s->width;
  }
}

void picture_values(const PictureShape *shape, int factor, double weight, double low,
                    const uint8_t *restrict pixel, double *restrict x)
{
  const int n = shape->channels * (shape->height / factor) * (shape->width / factor);

  if (factor == 1) {
    for (int i = 0; i < n; i++) x[i] = pixel[i] * weight + low;
    return;
  }
  for (int i = 0; i < n; i++) x[i] = 0;
  add_blocks(shape, factor, pixel, x);
  for (int i = 0; i < n; i++) x[i] = x[i] * weight + low;
}
