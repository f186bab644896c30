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

#endif
