/*
  The noises of -compare_noises, and what they amount to
*/
#include "private/compareimpl.h"
#include "adprocess.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

int compare_parse_noise(const char *word, CompareNoise *noise, size_t size, char *problem)
{
  memset(noise, 0, sizeof(*noise));
  if (noise_parse(word, &noise->keys, size, problem)) return 1;
  for (int i = 0; i < noise->keys.n; i++) {
    const size_t at = strlen(noise->label);

    snprintf(noise->label + at, sizeof(noise->label) - at, i ? " %s %s" : "%.0s%s",
             noise->keys.key[i] + strlen("-process_"), noise->keys.value[i]);
  }
  if (key_get(&noise->keys, "-process_scale")) {
    snprintf(problem, size, "the scale is what the ways of comparing choose");
    return 1;
  }
  return key_set(&noise->keys, "-process_scale", "1");
}

/* A key behind the colon that this type of noise does not know would change nothing, silently */
static PetscErrorCode CheckKeysUsed(const CompareNoise *noise)
{
  PetscFunctionBegin;
  for (int i = 0; i < noise->keys.n; i++) {
    AdCheckInput(OptionsRead(noise->keys.key[i]),
                 "-compare_noises: '%s': %s has no key %s; 'adiff help process' lists them", noise->label,
                 noise->keys.value[0], noise->keys.key[i] + strlen("-process_"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Temperature, variance and clock of a noise whose keys are in effect */
static PetscErrorCode MeasureNoise(const CompareRequest *r, CompareNoise *noise)
{
  Process   process;
  PetscReal t_final;
  Kernel    k;

  PetscFunctionBegin;
  PetscCall(ProcessCreate(&process));
  PetscCall(ProcessSetFromOptions(process));
  PetscCall(CheckKeysUsed(noise));
  PetscCall(ProcessSetUp(process));
  PetscCall(ProcessGetTemperature(process, &noise->temperature));
  PetscCall(ProcessGetStationaryVariance(process, &noise->variance));
  PetscCall(ProcessGetFinalTime(process, &t_final));
  PetscCall(ProcessGetKernel(process, t_final, &k));
  noise->sigma_end = k.sigma;
  for (int i = 0; i < r->nsteps; i++) {
    PetscCall(ProcessGetKernel(process, t_final / r->steps[i], &k));
    noise->sigma_last[i] = k.sigma;
  }
  PetscCall(ProcessDestroy(&process));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  CompareReadNoises - the noises of a list, measured; r->steps must be known

  Errors: AD_ERR_INPUT naming the noise that is wrong
*/
PetscErrorCode CompareReadNoises(CompareRequest *r, const char *list)
{
  char *copy, *word[COMPARE_NOISES] = {NULL}, problem[256];

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(list, &copy));
  r->nnoises = noise_split(copy, COMPARE_NOISES, word);
  AdCheckInput(r->nnoises >= 2 && r->nnoises <= COMPARE_NOISES,
               "-compare_noises: expected 2 to %d noises with commas between them, e.g. "
               "passive,active:tau=0.5; got %d",
               COMPARE_NOISES, r->nnoises);
  for (int i = 0; i < r->nnoises; i++) {
    CompareNoise *noise = &r->noise[i];
    const int     bad   = compare_parse_noise(word[i], noise, sizeof(problem), problem);

    AdCheckInput(!bad, "-compare_noises: '%s': %s", word[i], problem);
    for (int j = 0; j < i; j++)
      AdCheckInput(strcmp(noise->label, r->noise[j].label) != 0, "-compare_noises: '%s' is there twice",
                   word[i]);
    PetscCall(OptionsPushList(&noise->keys));
    PetscCall(MeasureNoise(r, noise));
    PetscCall(OptionsPop());
  }
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}
