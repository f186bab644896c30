#include "images_case.h"
#include <errno.h>
#include <math.h>

enum { SIDE = 6, PIXELS = SIDE * SIDE };
#define GIVEN "-dataset_file " FOLDER "a.idx -dataset_label_file " FOLDER "a.lab "

static uint8_t bytes[64 * RECORD_BYTES];

/* 100 pictures with labels: a.idx and a.lab, the same gzipped, and in two pieces of 30 and 70 */
static void write_pictures(void)
{
  size_t size = idx_pictures(100, SIDE, SIDE, 0, bytes);

  write_file("a.idx", size, bytes);
  write_file("a.idx.gz", size, bytes);
  write_file("left.idx", idx_pictures(30, SIDE, SIDE, 0, bytes), bytes);
  write_file("right.idx", idx_pictures(70, SIDE, SIDE, 30, bytes), bytes);
  size = idx_labels(100, 0, bytes);
  write_file("a.lab", size, bytes);
  write_file("a.lab.gz", size, bytes);
  write_file("left.lab", idx_labels(30, 0, bytes), bytes);
  write_file("right.lab", idx_labels(70, 30, bytes), bytes);
}

/* Row index of a split is picture i, in units where white is hi and black lo */
static void assert_row(Dataset dataset, DatasetSplit split, int64_t index, int64_t i, double lo, double hi)
{
  double x[PIXELS], worst = 0;
  int    label;

  ck_call(DatasetGetRows(dataset, split, 1, &index, x, &label));
  for (int p = 0; p < PIXELS; p++)
    worst = fmax(worst, fabs(x[p] - (lo + (hi - lo) * pixel_of(i, p, PIXELS) / 255)));
  ck_assert_all(worst < 4e-16 * fmax(fabs(lo), fabs(hi)) && label == label_of_picture(i));
}

static void assert_size(Dataset dataset, int64_t train, int64_t test)
{
  int64_t size[3];

  for (int k = 0; k < 3; k++) ck_call(DatasetGetSize(dataset, (DatasetSplit)k, &size[k]));
  ck_assert_all(size[SPLIT_TRAIN] == train && size[SPLIT_TEST] == test && size[SPLIT_ALL] == train + test);
}

/* ---- rows ---- */

START_TEST(test_rows_are_the_pictures_of_the_file_in_their_order)
{
  static const char *const ways[] = {
      GIVEN, "-dataset_file " FOLDER "a.idx.gz -dataset_label_file " FOLDER "a.lab.gz",
      "-dataset_file " FOLDER "left.idx," FOLDER "right.idx -dataset_label_file " FOLDER "left.lab," FOLDER
      "right.lab"};

  write_pictures();
  for (int k = 0; k < 3; k++) {
    Dataset            dataset = dataset_of(ways[k]);
    const Coordinates *c;

    ck_call(DatasetGetCoordinates(dataset, &c));
    ck_assert_all(c->d == PIXELS && !strcmp(c->name[0], "y0x0") && !strcmp(c->name[PIXELS - 1], "y5x5"));
    assert_size(dataset, 80, 20);
    for (int64_t i = 0; i < 100; i++) assert_row(dataset, SPLIT_ALL, i, i, -1, 1);
    ck_call(DatasetDestroy(&dataset));
  }
}
END_TEST

/* 100 rows are cut into 10 stretches, the last two of each held out, as in other files of rows */
START_TEST(test_files_given_by_hand_are_split_in_stretches)
{
  Dataset dataset;

  write_pictures();
  dataset = dataset_of(GIVEN "-dataset_range 0,1");
  for (int64_t r = 0; r < 80; r++) assert_row(dataset, SPLIT_TRAIN, r, r / 8 * 10 + r % 8, 0, 1);
  for (int64_t r = 0; r < 20; r++) assert_row(dataset, SPLIT_TEST, r, r / 2 * 10 + 8 + r % 2, 0, 1);
  ck_call(DatasetDestroy(&dataset));
  dataset = dataset_of(GIVEN "-dataset_test_fraction 0.3 -dataset_test_blocks 1 -dataset_range -3,5");
  assert_size(dataset, 70, 30);
  for (int64_t r = 0; r < 30; r++) assert_row(dataset, SPLIT_TEST, r, 70 + r, -3, 5);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_pictures_without_labels_have_none)
{
  Dataset       dataset;
  const int64_t index[2] = {3, 99};
  double        x[2 * PIXELS];
  int           label[2];

  write_pictures();
  dataset = dataset_of("-dataset_file " FOLDER "a.idx");
  ck_call(DatasetGetRows(dataset, SPLIT_ALL, 2, index, x, label));
  ck_assert_all(label[0] == -1 && label[1] == -1 && x[0] == -1 + 2.0 / 255 * pixel_of(3, 0, PIXELS));
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_cifar_records_give_colours_and_labels)
{
  Dataset            dataset;
  const Coordinates *c;
  double            *x = malloc(sizeof(double) * (RECORD_BYTES - 1));
  int                label, good = 1;

  write_file("one.bin", records(25, 0, bytes), bytes);
  write_file("two.bin", records(15, 25, bytes), bytes);
  dataset = dataset_of("-dataset_range 0,1 -dataset_file " FOLDER "one.bin," FOLDER "two.bin");
  assert_size(dataset, 32, 8);
  ck_call(DatasetGetCoordinates(dataset, &c));
  ck_assert_all(c->d == 3072 && !strcmp(c->name[0], "ry0x0") && !strcmp(c->name[1024 + 33], "gy1x1") &&
                !strcmp(c->name[3071], "by31x31"));
  for (int64_t i = 0; i < 40; i++) {
    ck_call(DatasetGetRows(dataset, SPLIT_ALL, 1, &i, x, &label));
    good = good && label == label_of_picture(i);
    for (int p = 0; p < RECORD_BYTES - 1; p++)
      good = good && fabs(x[p] - pixel_of(i, p, RECORD_BYTES - 1) / 255.0) < 3e-16;
  }
  ck_assert_all(good);
  ck_call(DatasetDestroy(&dataset));
  free(x);
}
END_TEST

/* Labels are i * 7 mod 10, so class 4 are the pictures 2, 12, ... and class 9 the pictures 7, 17, ... */
START_TEST(test_classes_select_pictures)
{
  Dataset dataset;

  write_pictures();
  dataset = dataset_of(GIVEN "-dataset_classes 9,4");
  assert_size(dataset, 16, 4);
  for (int64_t r = 0; r < 20; r++) assert_row(dataset, SPLIT_ALL, r, r / 2 * 10 + (r % 2 ? 7 : 2), -1, 1);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_side_averages_blocks)
{
  Dataset            dataset;
  const Coordinates *c;
  double             x[4], mean = 0;
  const int64_t      index = 42;

  write_pictures();
  dataset = dataset_of(GIVEN "-dataset_range 0,255 -dataset_side 2");
  ck_call(DatasetGetCoordinates(dataset, &c));
  ck_assert_all(c->d == 4 && !strcmp(c->name[3], "y1x1"));
  ck_call(DatasetGetRows(dataset, SPLIT_ALL, 1, &index, x, NULL));
  for (int p = 0; p < PIXELS; p++) /* upper right block */
    if (p / SIDE < 3 && p % SIDE >= 3) mean += pixel_of(42, p, PIXELS) / 9.0;
  ck_assert_all(fabs(x[1] - mean) < 1e-13 * mean);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* ---- moments and units ---- */

/* Mean and variance of the training rows by a plain sum; the last pixel is constant, its variance exactly 0 */
static void assert_moments(const char *options)
{
  Dataset            dataset = dataset_of(options);
  const Coordinates *c;
  double             x[PIXELS], sum[PIXELS] = {0}, square[PIXELS] = {0}, worst = 0;
  int64_t            N;

  ck_call(DatasetGetCoordinates(dataset, &c));
  ck_call(DatasetGetSize(dataset, SPLIT_TRAIN, &N));
  for (int64_t r = 0; r < N; r++) {
    ck_call(DatasetGetRows(dataset, SPLIT_TRAIN, 1, &r, x, NULL));
    for (int i = 0; i < c->d; i++) {
      sum[i] += x[i] / (double)N;
      square[i] += x[i] * x[i] / (double)N;
    }
  }
  for (int i = 0; i < c->d; i++) {
    worst = fmax(worst, fabs(c->mean[i] - sum[i]));
    worst = fmax(worst, fabs(c->variance[i] - (square[i] - sum[i] * sum[i])));
  }
  ck_assert_all(worst < 1e-14);
  ck_assert_all(c->d < PIXELS || c->variance[PIXELS - 1] == 0);
  ck_call(DatasetDestroy(&dataset));
}

START_TEST(test_moments_are_those_of_the_training_rows)
{
  write_pictures();
  assert_moments(GIVEN);
  assert_moments(GIVEN "-dataset_range 0,1 -dataset_test_blocks 3");
  assert_moments(GIVEN "-dataset_side 3 -dataset_classes 1,2,3");
}
END_TEST

START_TEST(test_raw_units_are_bytes)
{
  Dataset            dataset;
  const Coordinates *c;
  double             x[PIXELS], worst = 0;
  const int64_t      index = 17;

  write_pictures();
  dataset = dataset_of(GIVEN "-dataset_range -2,3");
  ck_call(DatasetGetCoordinates(dataset, &c));
  ck_call(DatasetGetRows(dataset, SPLIT_ALL, 1, &index, x, NULL));
  coordinates_restore(c, 1, x);
  for (int p = 0; p < PIXELS; p++) worst = fmax(worst, fabs(x[p] - pixel_of(17, p, PIXELS)));
  ck_assert_all(worst < 1e-13);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* ---- presets ---- */

/* The names that the files of mnist are published with; the test files are gzipped here */
static void write_mnist(void)
{
  write_file("train-images-idx3-ubyte", idx_pictures(50, SIDE, SIDE, 0, bytes), bytes);
  write_file("train-labels-idx1-ubyte", idx_labels(50, 0, bytes), bytes);
  write_file("t10k-images-idx3-ubyte.gz", idx_pictures(20, SIDE, SIDE, 1000, bytes), bytes);
  write_file("t10k-labels-idx1-ubyte.gz", idx_labels(20, 1000, bytes), bytes);
}

START_TEST(test_presets_keep_training_and_test_files_apart)
{
  Dataset     dataset;
  const char *label;

  write_mnist();
  dataset = dataset_of("-dataset_preset mnist -dataset_folder build/test_images");
  assert_size(dataset, 50, 20);
  for (int64_t r = 0; r < 50; r++) assert_row(dataset, SPLIT_TRAIN, r, r, -1, 1);
  for (int64_t r = 0; r < 20; r++) assert_row(dataset, SPLIT_TEST, r, 1000 + r, -1, 1);
  assert_row(dataset, SPLIT_ALL, 69, 1019, -1, 1);
  ck_call(DatasetGetLabel(dataset, &label));
  ck_assert_str_eq(label, "mnist");
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

START_TEST(test_classes_of_a_preset_keep_training_and_test_files_apart)
{
  Dataset dataset;

  write_mnist();
  dataset = dataset_of("-dataset_preset mnist -dataset_folder build/test_images -dataset_classes 0");
  assert_size(dataset, 5, 2);
  for (int64_t r = 0; r < 5; r++) assert_row(dataset, SPLIT_TRAIN, r, 10 * r, -1, 1);
  for (int64_t r = 0; r < 2; r++) assert_row(dataset, SPLIT_TEST, r, 1000 + 10 * r, -1, 1);
  ck_call(DatasetDestroy(&dataset));
}
END_TEST

/* build/test_images is a cache folder whose folder of mnist is itself */
START_TEST(test_the_cache_folder_is_that_of_the_environment)
{
  char   *kept = getenv("ADIFF_DATA") ? strdup(getenv("ADIFF_DATA")) : NULL;
  Dataset dataset;
  int     rank;

  write_mnist();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  ck_assert_all(rank || symlink(".", FOLDER "mnist") == 0 || errno == EEXIST);
  setenv("ADIFF_DATA", "build/test_images", 1);
  dataset = dataset_of("-dataset_preset mnist");
  assert_size(dataset, 50, 20);
  ck_call(DatasetDestroy(&dataset));
  unsetenv("ADIFF_DATA");
  if (kept) setenv("ADIFF_DATA", kept, 1);
  free(kept);
}
END_TEST

/* ---- refusals ---- */

#define FILES(pictures) "-dataset_type images -dataset_file " FOLDER pictures
#define BOTH(pictures, labels)                                                                               \
  "-dataset_type images -dataset_file " FOLDER pictures " -dataset_label_file " FOLDER labels

START_TEST(test_files_that_cannot_be_used_are_refused_by_name)
{
  size_t size;

  write_pictures();
  size = idx_pictures(20, SIDE, SIDE, 0, bytes);
  write_file("short.idx", size - 1, bytes);
  write_file("long.idx", size + 3, bytes);
  write_file("empty.idx", 0, bytes);
  put_number(0x807, bytes);
  write_file("magic.idx", size, bytes);
  size = records(2, 0, bytes);
  write_file("short.bin", size - 1, bytes);
  bytes[RECORD_BYTES] = 77;
  write_file("label.bin", size, bytes);
  dataset_refused(FILES("none.idx"), "-dataset_file: cannot open|none.idx|No such file");
  dataset_refused("-dataset_type images -dataset_file build/test_images", "'build/test_images' is a folder");
  dataset_refused(FILES("short.idx"), "short.idx'|cut short|736 bytes|735");
  dataset_refused("-dataset_file " FOLDER "long.idx",
                  "long.idx'|3 bytes behind"); /* known without its type */
  dataset_refused(FILES("empty.idx"), "empty.idx' is empty");
  dataset_refused(FILES("magic.idx"), "magic.idx'|0x00000807");
  dataset_refused(FILES("short.bin"), "short.bin'|no whole CIFAR-10 records");
  dataset_refused(FILES("label.bin"), "label.bin'|label 77 in record 1");
  dataset_refused(FILES("a.idx," FOLDER "short.idx"), "short.idx'|cut short");
}
END_TEST

/* A gzipped file cut anywhere: in its header, in the data, in the sum at its end; or with a byte changed */
START_TEST(test_broken_gzip_files_are_refused)
{
  static const int cuts[] = {12, 200, -4};
  uint8_t          packed[8000];
  int              rank, size = 0;

  write_pictures();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) {
    FILE *file = fopen(FOLDER "a.idx.gz", "rb");

    if (file) {
      size = (int)fread(packed, 1, sizeof(packed), file);
      fclose(file);
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, &size, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  ck_assert(size > 300 && size < (int)sizeof(packed));
  for (int k = 0; k < 3; k++) {
    write_file("cut.gzipped", (size_t)(cuts[k] > 0 ? cuts[k] : size + cuts[k]), packed);
    dataset_refused(FILES("cut.gzipped"), "cut.gzipped'|cut short or damaged");
  }
  packed[size - 6] ^= 1;
  write_file("cut.gzipped", (size_t)size, packed);
  dataset_refused(FILES("cut.gzipped"), "cut.gzipped'|cut short or damaged");
}
END_TEST

START_TEST(test_files_that_do_not_belong_together_are_refused)
{
  write_pictures();
  write_file("wide.idx", idx_pictures(100, SIDE, SIDE + 1, 0, bytes), bytes);
  write_file("one.bin", records(2, 0, bytes), bytes);
  write_file("two.lab", idx_labels(2, 0, bytes), bytes);
  dataset_refused(FILES("a.lab"), "a.lab' holds labels; expected pictures");
  dataset_refused(BOTH("a.idx", "a.idx"), "a.idx' holds pictures; expected IDX labels");
  dataset_refused(BOTH("a.idx", "left.lab"), "left.lab' has 30 labels|a.idx' 100 pictures");
  dataset_refused(BOTH("a.idx", "none.lab"), "-dataset_label_file: cannot open|none.lab");
  dataset_refused(BOTH("one.bin", "two.lab"), "one.bin' has labels of its own");
  dataset_refused(FILES("a.idx," FOLDER "wide.idx"), "a.idx'|1 x 6 x 6|wide.idx'|1 x 6 x 7");
  dataset_refused(BOTH("left.idx," FOLDER "right.idx", "left.lab"),
                  "-dataset_label_file: expected 2 files|got 1");
}
END_TEST

START_TEST(test_options_that_do_not_fit_the_pictures_are_refused)
{
  write_pictures();
  memset(bytes, 200, 1000);
  idx_labels(0, 0, bytes);
  put_number(0x803, bytes);
  put_number(10, bytes + 4);
  put_number(4, bytes + 8);
  put_number(4, bytes + 12);
  write_file("flat.idx", 16 + 160, bytes);
  dataset_refused(FILES("a.idx -dataset_classes 1"), "-dataset_classes|no labels");
  dataset_refused(BOTH("a.idx", "a.lab -dataset_classes 3,12"), "-dataset_classes|class 12");
  dataset_refused(BOTH("a.idx", "a.lab -dataset_classes 1.5"), "-dataset_classes|1.5");
  dataset_refused(BOTH("a.idx", "a.lab -dataset_classes 256"), "-dataset_classes|'256'");
  dataset_refused(FILES("a.idx -dataset_side 4"), "-dataset_side|6 x 6|4 x 4");
  dataset_refused(FILES("a.idx -dataset_range 1,0"), "-dataset_range");
  dataset_refused(FILES("a.idx -dataset_range 1"), "-dataset_range");
  dataset_refused(FILES("flat.idx"), "flat.idx: all training pictures are the same");
}
END_TEST

START_TEST(test_a_preset_without_its_files_says_how_to_get_them)
{
  write_mnist();
  dataset_refused("-dataset_preset mnist -dataset_folder build/nowhere",
                  "mnist: cannot open build/nowhere/train-images-idx3-ubyte|run 'make data'|-dataset_folder");
  dataset_refused("-dataset_preset cifar10 -dataset_folder build/test_images",
                  "cifar10: cannot open build/test_images/data_batch_1.bin|-dataset_folder");
  write_file("t10k-labels-idx1-ubyte.gz", idx_labels(19, 0, bytes), bytes);
  dataset_refused("-dataset_preset mnist -dataset_folder build/test_images",
                  "mnist: 'build/test_images/t10k-labels-idx1-ubyte.gz' has 19 labels|20 pictures");
}
END_TEST

Suite *images_suite(void)
{
  Suite *suite = suite_create("images");
  TCase *rows = tcase_create("rows"), *presets = tcase_create("presets"),
        *refusals = tcase_create("refusals");

  tcase_add_test(rows, test_rows_are_the_pictures_of_the_file_in_their_order);
  tcase_add_test(rows, test_files_given_by_hand_are_split_in_stretches);
  tcase_add_test(rows, test_pictures_without_labels_have_none);
  tcase_add_test(rows, test_cifar_records_give_colours_and_labels);
  tcase_add_test(rows, test_classes_select_pictures);
  tcase_add_test(rows, test_side_averages_blocks);
  tcase_add_test(rows, test_moments_are_those_of_the_training_rows);
  tcase_add_test(rows, test_raw_units_are_bytes);
  suite_add_tcase(suite, rows);
  tcase_add_test(presets, test_presets_keep_training_and_test_files_apart);
  tcase_add_test(presets, test_classes_of_a_preset_keep_training_and_test_files_apart);
  tcase_add_test(presets, test_the_cache_folder_is_that_of_the_environment);
  suite_add_tcase(suite, presets);
  tcase_add_test(refusals, test_files_that_cannot_be_used_are_refused_by_name);
  tcase_add_test(refusals, test_broken_gzip_files_are_refused);
  tcase_add_test(refusals, test_files_that_do_not_belong_together_are_refused);
  tcase_add_test(refusals, test_options_that_do_not_fit_the_pictures_are_refused);
  tcase_add_test(refusals, test_a_preset_without_its_files_says_how_to_get_them);
  suite_add_tcase(suite, refusals);
  return suite;
}
