# Sourced by the job scripts: launcher, threads, where we are. Runs unchanged on a laptop and under SLURM.
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables for the scripts that source this one
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ADIFF=${ADIFF:-build/adiff}
PYTHON=${PYTHON:-$(jobs/find_python.sh)}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OPENBLAS_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
if [ -n "${SLURM_JOB_ID:-}" ]; then
  [ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
  launcher=${LAUNCH:-srun --kill-on-bad-exit=1}
  single=${LAUNCH_SINGLE:-srun --exact --ntasks=1}
else
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
  export OMPI_MCA_mpi_yield_when_idle=1
  launcher=${LAUNCH:-mpirun -q -n ${NP:-2}}
  single=${LAUNCH_SINGLE:-} # MPI programs run alone as they are
fi

# Sizes of the figures: for two cores, FULL=1 as in the paper, QUICK=1 to see that all parts work together (to build/quick)
seeds=1,2,3 results=results figures=figures
lengths=(1000 5000 20000) # trainings of the figures against iterations
if [ -n "${FULL:-}" ]; then
  iterations=100000 samples=10000 lengths=(1000 5000 20000 50000 100000)
elif [ -n "${QUICK:-}" ]; then
  iterations=200 samples=500 seeds=1,2 lengths=(50 200) results=build/quick/results figures=build/quick/figures
else
  iterations=20000 samples=10000
fi

adiff() { # run the program on all ranks
  $launcher "$ADIFF" "$@"
}

share_out() { # run the commands on standard input, one a line, each on one rank, as many at a time as there are ranks
  xargs -r -d '\n' -n 1 -P "${SLURM_NTASKS:-${NP:-2}}" bash -c
}

step() { # step TEXT: announce a stage with the time since the start
  printf '\n== %s (%d s)\n' "$1" "$SECONDS"
}
