#ifndef DATASET_CASE_H
#define DATASET_CASE_H
/* Data sets from options, and files for them, that tests share. All collective but dataset_rows */
#include "ad_check.h"
#include "private/datasetimpl.h"

#define PI      3.14159265358979323846
#define ALANINE "-dataset_type file -dataset_file inputs/data/alanine_dipeptide.h5 -dataset_name phi_psi "

int rank_here(void);

/* A data set that these options, and no others, describe; rows of it from seed 7 */
Dataset dataset_of(const char *options);
Dataset dataset_seeded(const char *options, uint64_t seed);

/* These options are refused as bad input on all ranks, in one line that holds all of the parts (parted by |) */
void dataset_refused(const char *options, const char *parts);

/* Rows 0 to n - 1, caller frees; label[n] or NULL */
double *dataset_rows(Dataset dataset, DatasetSplit split, int64_t n, int *label);

/* The coordinates of a data set */
const Coordinates *dataset_coordinates(Dataset dataset);

/* Files under build/, written by rank 0 */
void write_bytes(const char *path, const void *text, size_t size);
void write_text(const char *path, const char *text);

#endif
