#ifndef IMAGES_CASE_H
#define IMAGES_CASE_H
/* Small files of pictures that tests write, and data sets made of them */
#include "dataset_case.h"
#include "private/imagesimpl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FOLDER "build/test_images/"

/* byte p of picture i, and its label: anything that differs from pixel to pixel; the last pixel is always 7 */
static inline uint8_t pixel_of(int64_t i, int p, int pixels)
{
  return p == pixels - 1 ? 7 : (uint8_t)((i * 89 + p * 37 + (i * p) % 11 * 53) % 256);
}

static inline uint8_t label_of_picture(int64_t i)
{
  return (uint8_t)(i * 7 % 10);
}

static inline void put_number(uint32_t number, uint8_t *to)
{
  for (int k = 0; k < 4; k++) to[k] = (uint8_t)(number >> (24 - 8 * k));
}

/* IDX file of pictures first .. first + n, height x width; returns its size */
static inline size_t idx_pictures(uint32_t n, uint32_t height, uint32_t width, int64_t first, uint8_t *bytes)
{
  const int pixels = (int)(height * width);

  put_number(0x803, bytes);
  put_number(n, bytes + 4);
  put_number(height, bytes + 8);
  put_number(width, bytes + 12);
  for (uint32_t i = 0; i < n; i++)
    for (int p = 0; p < pixels; p++)
      bytes[16 + i * (size_t)pixels + (size_t)p] = pixel_of(first + i, p, pixels);
  return 16 + n * (size_t)pixels;
}

static inline size_t idx_labels(uint32_t n, int64_t first, uint8_t *bytes)
{
  put_number(0x801, bytes);
  put_number(n, bytes + 4);
  for (uint32_t i = 0; i < n; i++) bytes[8 + i] = label_of_picture(first + i);
  return 8 + n;
}

static inline size_t records(int n, int64_t first, uint8_t *bytes)
{
  for (int i = 0; i < n; i++) {
    bytes[i * RECORD_BYTES] = label_of_picture(first + i);
    for (int p = 0; p < RECORD_BYTES - 1; p++)
      bytes[i * RECORD_BYTES + 1 + p] = pixel_of(first + i, p, RECORD_BYTES - 1);
  }
  return (size_t)n * RECORD_BYTES;
}

/* Written by rank 0 below FOLDER: name, or name.gz with the same bytes gzipped */
static inline void write_file(const char *name, size_t size, const uint8_t *bytes)
{
  char      path[256];
  const int length = snprintf(path, sizeof(path), FOLDER "%s", name);
  int       rank, good = 1;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) {
    mkdir("build", 0777);
    mkdir(FOLDER, 0777);
    if (!strcmp(path + length - 3, ".gz")) {
      gzFile file = gzopen(path, "wb");

      good = file && (!size || gzwrite(file, bytes, (unsigned)size) == (int)size) && gzclose(file) == Z_OK;
    } else {
      FILE *file = fopen(path, "wb");

      good = file && fwrite(bytes, 1, size, file) == size;
      if (file) fclose(file);
    }
  }
  ck_assert_all(good);
}

#endif
