#ifndef ADTRAINER_H
#define ADTRAINER_H
#include "adscore.h"

/* Trainer - fits a network score: mini-batches over ranks, same bits on any number of ranks, Adam, EMA, checkpoints. */
typedef struct _p_Trainer *Trainer;

PetscErrorCode TrainerCreate(Trainer *trainer);
PetscErrorCode TrainerSetSeed(Trainer trainer, uint64_t seed);
PetscErrorCode TrainerSetScore(Trainer trainer, Process process, Dataset dataset,
                               Score score); /* before SetFromOptions; all three set up before SetUp */
PetscErrorCode TrainerSetFromOptions(Trainer trainer);
PetscErrorCode TrainerDeclareOptions(void);
PetscErrorCode TrainerSetUp(Trainer trainer);
PetscErrorCode TrainerSolve(Trainer trainer, const char *checkpoint_path, PetscBool *finished);
PetscErrorCode TrainerWrite(Trainer trainer, Output out); /* /score, /training, /optimizer */
PetscErrorCode TrainerPrintSummary(Trainer trainer);
PetscErrorCode
TrainerPrintReport(Trainer trainer); /* losses by time, and whether held-out rows are forgotten */
PetscErrorCode TrainerDestroy(Trainer *trainer);

/* Training - all parts of one training, as the options in effect describe it; adiff train runs one, adiff compare many */
typedef struct {
  Process process;
  Dataset dataset;
  Score   score;
  Trainer trainer;
} Training;

PetscErrorCode TrainingCreate(uint64_t seed, Dataset dataset,
                              Training *training); /* reads all options, opens no file */
PetscErrorCode TrainingSetUp(Training *training);
PetscErrorCode TrainingPrintSummary(const Training *training);
/* Trains and writes path; not finished: path.ckpt holds the state. SetUp and OutputMakeFolder first */
PetscErrorCode TrainingSolve(const Training *training, const char *command, const char *path,
                             PetscBool *finished);
PetscErrorCode TrainingDestroy(Training *training);
/* Was a weights file, or the checkpoint of one, made with the options in effect? key[size]: the first that differs */
PetscErrorCode TrainingFileAgrees(const char *path, size_t size, char *key, PetscBool *there,
                                  PetscBool *agrees);

#endif
