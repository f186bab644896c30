#include "private/isingimpl.h"
#include <stdio.h>
#include <string.h>

#define MOST_FLIPS  2147483647.0
#define CACHE_BYTES (1 << 24) /* of the groups kept for each split, within the bounds below */
enum { LEAST_SLOTS = 4, MOST_SLOTS = 64, SITES = 4096 };

static const char *const update_names[] = {"metropolis", "cluster", NULL};
static const char *const start_names[]  = {"random", "ordered", NULL};

/* Those keys are read that the update in use has; the number of flips follows the lattice unless given. */
static PetscErrorCode DatasetSetFromOptions_Ising(Dataset dataset)
{
  Ising *s = (Ising *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OptInt("-dataset_ising_side", "sites along an edge of the periodic square lattice",
                   RANGE(ISING_MIN_SIDE, ISING_MAX_SIDE), &s->side, NULL));
  PetscCall(OptReal("-dataset_ising_temperature", "temperature, in units of the coupling", RANGE_POSITIVE,
                    &s->T, NULL));
  PetscCall(OptChoice("-dataset_ising_update", "single flips at random sites, or Swendsen-Wang clusters",
                      update_names, &s->update, NULL));
  PetscCall(OptChoice("-dataset_ising_start", "each spin random, or all equal with a random sign",
                      start_names, &s->start, NULL));
  s->flips = (PetscInt)(1e6 / 1024 * (double)s->side * (double)s->side + 0.5);
  if (s->update == ISING_METROPOLIS || dataset->every_key)
    PetscCall(OptInt("-dataset_ising_flips",
                     "attempted flips of a row (1000000 at side 32, in proportion to the sites elsewhere)",
                     RANGE(1, MOST_FLIPS), &s->flips, NULL));
  if (s->update == ISING_CLUSTER || dataset->every_key)
    PetscCall(OptInt("-dataset_ising_updates", "cluster updates of a row", RANGE(1, 1e9), &s->updates, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* count wide words that begin at a multiple of their size */
static PetscErrorCode WordsAllocate(int64_t count, IsingWords *words)
{
  const size_t size = sizeof(IsingWord);
  char        *raw;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(count + 1) * size, &raw));
  words->raw  = raw;
  words->word = (IsingWord *)(raw + (size - (uintptr_t)raw % size) % size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names s1, s2, ...; lattices whose names are too long to be written keep x1, x2, ..., which a reader finds by itself. */
static PetscErrorCode NameSites(Coordinates *c)
{
  char     *names;
  PetscBool fits;

  PetscFunctionBegin;
  PetscCall(CoordinatesJoinNames(c, &names));
  fits = strlen(names) < NAMES_SIZE ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscFree(names));
  for (int i = 0; fits && i < c->d; i++) c->name[i][0] = 's';
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetSetUp_Ising(Dataset dataset)
{
  Ising *const  s     = (Ising *)dataset->data;
  const int64_t sites = (int64_t)s->side * s->side, bytes = sites * (int64_t)sizeof(IsingWord);

  PetscFunctionBegin;
  PetscCall(CoordinatesAllocate((int)sites, &dataset->coordinates));
  PetscCall(NameSites(&dataset->coordinates));
  PetscCall(PetscMalloc2(sites, &s->near, SITES, &s->site));
  ising_neighbours((int)s->side, s->near);
  ising_chance(exp(-4 / s->T), &s->flip[0]);
  ising_chance(exp(-8 / s->T), &s->flip[1]);
  ising_chance(-expm1(-2 / s->T), &s->bond);
  if (s->update == ISING_CLUSTER) PetscCall(WordsAllocate(5 * sites, &s->work));
  s->slots = (int)PetscMax(LEAST_SLOTS, PetscMin(MOST_SLOTS, CACHE_BYTES / bytes));
  PetscCall(PetscCalloc1(3 * s->slots, &s->slot));
  for (int split = 0; split < 3; split++) dataset->size[split] = -1;
  snprintf(dataset->label, sizeof(dataset->label), "Ising %dx%d T %g", (int)s->side, (int)s->side, s->T);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- rows ---- */

/* A new site for each attempted flip, the same ones for the whole group. */
static void choose_sites(RngStream stream, uint64_t group, uint32_t sites, int n, uint32_t *site)
{
  rng_bits(stream, group, 1, n, site);
  for (int k = 0; k < n; k++) site[k] = (uint32_t)((uint64_t)site[k] * sites >> 32);
}

/*
  Rows ISING_GROUP group .. of a split, made together: a pure function of (seed, split, group). Steps of the stream: the
  split in the highest bits, 0: seed of the bits, 1, 2, ...: sites.
*/
static void simulate(const Ising *s, RngStream stream, uint64_t group, IsingWord *spin)
{
  const int sites = (int)(s->side * s->side);
  IsingBits bits;

  ising_seed(stream, group, &bits);
  ising_word(&bits, spin);
  for (int i = 1; i < sites; i++)
    if (s->start == ISING_RANDOM)
      ising_word(&bits, &spin[i]);
    else
      spin[i] = spin[0];
  if (s->update == ISING_CLUSTER) {
    for (PetscInt k = 0; k < s->updates; k++)
      ising_cluster((int)s->side, (const int(*)[4])s->near, &s->bond, &bits, spin, s->work.word);
    return;
  }
  for (int64_t done = 0; done < s->flips; done += SITES) {
    const int n = (int)PetscMin(SITES, s->flips - done);

    stream.step++;
    choose_sites(stream, group, (uint32_t)sites, n, s->site);
    ising_metropolis(n, s->site, (const int(*)[4])s->near, s->flip, &bits, spin);
  }
}

/* The spins of a group, made now unless they are among those of the split that were used last. */
static PetscErrorCode GetGroup(Dataset dataset, DatasetSplit split, int64_t group, const IsingWord **spin)
{
  Ising     *s    = (Ising *)dataset->data;
  IsingSlot *mine = s->slot + (int)split * s->slots, *slot = mine;

  PetscFunctionBegin;
  for (int k = 0; k < s->slots; k++) {
    if (mine[k].used && mine[k].group == group) {
      slot = &mine[k];
      break;
    }
    if (mine[k].used < slot->used) slot = &mine[k];
  }
  if (!slot->used || slot->group != group) {
    if (!slot->spin.raw) PetscCall(WordsAllocate((int64_t)s->side * s->side, &slot->spin));
    simulate(s, (RngStream){dataset->seed, RNG_MCMC, (uint32_t)split << 30}, (uint64_t)group,
             slot->spin.word);
    slot->group = group;
  }
  slot->used = ++s->clock;
  *spin      = slot->spin.word;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each group asked for is taken once, whatever the order of the rows. */
static PetscErrorCode DatasetGetRows_Ising(Dataset dataset, DatasetSplit split, int64_t n,
                                           const int64_t *index, double *x, int *label)
{
  const int        d    = dataset->coordinates.d;
  const IsingWord *spin = NULL;
  PetscBool       *done;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n, &done));
  for (int64_t r = 0; r < n; r++) {
    const int64_t group = index[r] / ISING_GROUP;

    if (label) label[r] = -1;
    if (done[r]) continue;
    PetscCall(GetGroup(dataset, split, group, &spin));
    for (int64_t k = r; k < n; k++)
      if (!done[k] && index[k] / ISING_GROUP == group) {
        ising_unpack(d, spin, (int)(index[k] % ISING_GROUP), x + k * d);
        done[k] = PETSC_TRUE;
      }
  }
  PetscCall(PetscFree(done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reports ---- */

static PetscErrorCode DatasetPrintSummary_Ising(Dataset dataset)
{
  const Ising *s = (const Ising *)dataset->data;

  PetscFunctionBegin;
  PetscCall(AdPrint("          "));
  if (s->update == ISING_METROPOLIS)
    PetscCall(AdPrint("%d Metropolis flips at random sites", (int)s->flips));
  else
    PetscCall(AdPrint("%d Swendsen-Wang updates", (int)s->updates));
  PetscCall(AdPrint(" from a start with %s; %d rows made together\n",
                    s->start == ISING_RANDOM ? "random spins" : "all spins equal, of random sign",
                    ISING_GROUP));
  if (s->update == ISING_METROPOLIS && s->start == ISING_RANDOM && ising_order(s->T) > 0)
    PetscCall(AdPrint("          below Tc some rows freeze into stripes: -dataset_ising_start ordered or "
                      "-dataset_ising_update cluster has none\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetWrite_Ising(Dataset dataset, Output out)
{
  const Ising *s = (const Ising *)dataset->data;

  PetscFunctionBegin;
  PetscCall(OutputAttrInt(out, "/dataset", "side", s->side));
  PetscCall(OutputAttrReal(out, "/dataset", "temperature", 1, &s->T));
  PetscCall(OutputAttrString(out, "/dataset", "update", update_names[s->update]));
  PetscCall(OutputAttrString(out, "/dataset", "start", start_names[s->start]));
  if (s->update == ISING_METROPOLIS)
    PetscCall(OutputAttrInt(out, "/dataset", "flips", s->flips));
  else
    PetscCall(OutputAttrInt(out, "/dataset", "updates", s->updates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DatasetDestroy_Ising(Dataset dataset)
{
  Ising *s = (Ising *)dataset->data;

  PetscFunctionBegin;
  for (int k = 0; s->slot && k < 3 * s->slots; k++) PetscCall(PetscFree(s->slot[k].spin.raw));
  PetscCall(PetscFree(s->slot));
  PetscCall(PetscFree(s->work.raw));
  PetscCall(PetscFree2(s->near, s->site));
  PetscCall(PetscFree(dataset->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DatasetCreate_Ising - rows without end: replicas of a periodic Ising lattice, spins -1 and 1 site by site. */
PetscErrorCode DatasetCreate_Ising(Dataset dataset)
{
  Ising *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->side                      = 32;
  s->T                         = 2;
  s->updates                   = 100;
  dataset->data                = s;
  dataset->ops->setfromoptions = DatasetSetFromOptions_Ising;
  dataset->ops->setup          = DatasetSetUp_Ising;
  dataset->ops->getrows        = DatasetGetRows_Ising;
  dataset->ops->printsummary   = DatasetPrintSummary_Ising;
  dataset->ops->write          = DatasetWrite_Ising;
  dataset->ops->observe        = DatasetObserve_Ising;
  dataset->ops->destroy        = DatasetDestroy_Ising;
  PetscFunctionReturn(PETSC_SUCCESS);
}
