#ifndef ADCOMMAND_H
#define ADCOMMAND_H
#include "adbase.h"

/*
  A command of the program. Its run function creates its objects, reads all their options, calls OptionsCheckUnused(name)
  once, and only then allocates and computes; it ends in one Output.
*/
typedef struct {
  const char *name;
  const char *output;  /* -o, or results/<command>.h5 */
  uint64_t    seed;    /* -seed */
  int         ninputs; /* positional words that are not YAML files */
  char      **inputs;
} CommandLine;

PetscErrorCode ProcessRun(const CommandLine *line);
PetscErrorCode ScoreRun(const CommandLine *line);
PetscErrorCode DataRun(const CommandLine *line);
PetscErrorCode NoiseRun(const CommandLine *line);
PetscErrorCode TrainRun(const CommandLine *line);
PetscErrorCode SampleRun(const CommandLine *line);
PetscErrorCode MetricsRun(const CommandLine *line);
PetscErrorCode LikelihoodRun(const CommandLine *line);
PetscErrorCode DenoiseRun(const CommandLine *line);
PetscErrorCode SpeciationRun(const CommandLine *line);
PetscErrorCode CompareRun(const CommandLine *line);
PetscErrorCode FisherRun(const CommandLine *line);
PetscErrorCode RhmRun(const CommandLine *line);

/* Keys that belong to a command and to no object: noted for help */
PetscErrorCode ProcessRunDeclareOptions(void);
PetscErrorCode ScoreRunDeclareOptions(void);
PetscErrorCode DataRunDeclareOptions(void);
PetscErrorCode NoiseRunDeclareOptions(void);
PetscErrorCode MetricsRunDeclareOptions(void);
PetscErrorCode LikelihoodRunDeclareOptions(void);
PetscErrorCode DenoiseRunDeclareOptions(void);
PetscErrorCode SpeciationRunDeclareOptions(void);
PetscErrorCode CompareRunDeclareOptions(void);
PetscErrorCode FisherRunDeclareOptions(void);
PetscErrorCode RhmRunDeclareOptions(void);

#endif
