#include "images_case.h"

static uint8_t bytes[8 * RECORD_BYTES];

/* these bytes are refused in words that hold the part */
static void assert_no(size_t size, const char *part)
{
  ImagesFile file;
  char       problem[512] = "";

  ck_assert_msg(images_parse(size, bytes, &file, sizeof(problem), problem) != 0, "not refused: %s", part);
  ck_assert_msg(strstr(problem, part) != NULL, "'%s' does not say '%s'", problem, part);
  ck_assert_ptr_null(strchr(problem, '\n'));
}

static ImagesFile parsed(size_t size)
{
  ImagesFile file;
  char       problem[512] = "";
  const int  bad          = images_parse(size, bytes, &file, sizeof(problem), problem);

  ck_assert_msg(!bad, "refused: %s", problem);
  return file;
}

START_TEST(test_idx_pictures_and_labels_are_found_behind_their_headers)
{
  ImagesFile f = parsed(idx_pictures(5, 3, 4, 0, bytes));

  ck_assert(f.kind == FILE_PICTURES && f.n == 5 && f.item == bytes + 16 && f.stride == 12);
  ck_assert(f.shape.channels == 1 && f.shape.height == 3 && f.shape.width == 4);
  f = parsed(idx_labels(9, 0, bytes));
  ck_assert(f.kind == FILE_LABELS && f.n == 9 && f.item == bytes + 8 && f.stride == 1);
}
END_TEST

START_TEST(test_cifar_records_are_found_without_a_header)
{
  ImagesFile f = parsed(records(3, 0, bytes));

  ck_assert(f.kind == FILE_RECORDS && f.n == 3 && f.item == bytes && f.stride == RECORD_BYTES);
  ck_assert(f.shape.channels == 3 && f.shape.height == 32 && f.shape.width == 32);
}
END_TEST

/* An aeroplane (label 0) whose first red pixels are 0, 8, 3 begins like an IDX file; its size tells */
START_TEST(test_records_that_begin_like_idx_are_records)
{
  const size_t size = records(2, 0, bytes);

  put_number(0x803, bytes);
  ck_assert(parsed(size).kind == FILE_RECORDS);
  put_number(0x801, bytes);
  ck_assert(parsed(size).kind == FILE_RECORDS);
  ck_assert(idx_labels(RECORD_BYTES - 8, 0, bytes) == RECORD_BYTES);
  ck_assert(parsed(RECORD_BYTES).kind == FILE_LABELS); /* and the other way round */
}
END_TEST

START_TEST(test_every_cut_of_an_idx_file_is_refused)
{
  const size_t size = idx_pictures(2, 3, 4, 0, bytes);

  for (size_t cut = 1; cut < size; cut++) assert_no(cut, "cut short");
  assert_no(size + 1, "1 bytes behind");
  for (size_t cut = 1, labels = idx_labels(5, 0, bytes); cut < labels; cut++) assert_no(cut, "cut short");
  assert_no(0, "is empty");
}
END_TEST

START_TEST(test_headers_that_promise_nonsense_are_refused)
{
  const size_t size = idx_pictures(2, 3, 4, 0, bytes);

  put_number(0, bytes + 4);
  assert_no(16, "its count is 0");
  put_number(0xffffffff, bytes + 4); /* a count whose bytes no machine has */
  assert_no(size, "promises 51539607556 bytes");
  put_number(0, bytes + 8);
  assert_no(size, "0 x 4");
  put_number(0xffffffff, bytes + 8);
  put_number(0xffffffff, bytes + 12);
  assert_no(size, "4294967295 x 4294967295");
}
END_TEST

START_TEST(test_foreign_bytes_are_refused_by_their_first_number)
{
  size_t size = idx_pictures(2, 3, 4, 0, bytes);

  put_number(0x802, bytes);
  assert_no(size, "0x00000802");
  put_number(0xd03, bytes); /* IDX of floats */
  assert_no(size, "0x00000d03");
  put_number(0x03080000, bytes); /* little-endian */
  assert_no(size, "0x03080000");
  size = records(3, 0, bytes);
  assert_no(size - 1, "no whole CIFAR-10 records");
  assert_no(size + 1, "no whole CIFAR-10 records");
  bytes[2 * RECORD_BYTES] = 10;
  assert_no(size, "label 10 in record 2");
}
END_TEST

START_TEST(test_pictures_are_known_by_their_first_bytes_and_their_size)
{
  static const uint8_t idx[4] = {0, 0, 8, 3}, gz[4] = {0x1f, 0x8b, 8, 0}, hdf5[4] = {0x89, 'H', 'D', 'F'},
                       text[4] = {'1', ',', '2', '\n'}, record[4] = {9, 200, 0, 1};

  ck_assert(images_look_like(100, idx) && images_look_like(100, gz));
  ck_assert(images_look_like(2 * RECORD_BYTES, record) && !images_look_like(2 * RECORD_BYTES + 1, record));
  ck_assert(!images_look_like(2 * RECORD_BYTES, hdf5) && !images_look_like(2 * RECORD_BYTES, text));
}
END_TEST

START_TEST(test_black_and_white_become_the_ends_of_the_range)
{
  static const double ends[][2] = {{0, 1}, {-1, 1}};
  const PictureShape  shape     = {1, 1, 256};
  uint8_t             ramp[256];
  double              x[256];

  for (int i = 0; i < 256; i++) ramp[i] = (uint8_t)i;
  for (int k = 0; k < 2; k++) {
    const double lo = ends[k][0], hi = ends[k][1];

    picture_values(&shape, 1, (hi - lo) / 255, lo, ramp, x);
    ck_assert(x[0] == lo && x[255] == hi);
    for (int i = 0; i < 256; i++) ck_assert_double_eq_tol(x[i], lo + (hi - lo) * i / 255, 3e-16);
  }
}
END_TEST

/* Block sums by their definition, for every divisor of a picture of two colours */
START_TEST(test_shrinking_sums_blocks_within_a_colour)
{
  enum { SIDE = 12 };
  const PictureShape shape = {2, SIDE, SIDE};
  double             x[2 * SIDE * SIDE];

  for (int p = 0; p < 2 * SIDE * SIDE; p++) bytes[p] = pixel_of(3, p, 0);
  for (int f = 1; f <= SIDE; f++) {
    const int side = SIDE / f;

    if (SIDE % f) continue;
    picture_values(&shape, f, 0.5, 3, bytes, x);
    for (int i = 0; i < 2 * side * side; i++) {
      const int c = i / (side * side), y = i / side % side * f, left = i % side * f;
      int       sum = 0;

      for (int k = 0; k < f * f; k++) sum += bytes[(c * SIDE + y + k / f) * SIDE + left + k % f];
      ck_assert(x[i] == 0.5 * sum + 3);
    }
  }
}
END_TEST

Suite *images_parse_suite(void)
{
  Suite *suite = suite_create("images_parse");
  TCase *files = tcase_create("files"), *values = tcase_create("values");

  tcase_add_test(files, test_idx_pictures_and_labels_are_found_behind_their_headers);
  tcase_add_test(files, test_cifar_records_are_found_without_a_header);
  tcase_add_test(files, test_records_that_begin_like_idx_are_records);
  tcase_add_test(files, test_every_cut_of_an_idx_file_is_refused);
  tcase_add_test(files, test_headers_that_promise_nonsense_are_refused);
  tcase_add_test(files, test_foreign_bytes_are_refused_by_their_first_number);
  tcase_add_test(files, test_pictures_are_known_by_their_first_bytes_and_their_size);
  suite_add_tcase(suite, files);
  tcase_add_test(values, test_black_and_white_become_the_ends_of_the_range);
  tcase_add_test(values, test_shrinking_sums_blocks_within_a_colour);
  suite_add_tcase(suite, values);
  return suite;
}
