# Sourced by the job scripts: launcher, threads, where we are. Runs unchanged on a laptop and under SLURM.
# shellcheck shell=bash
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ADIFF=${ADIFF:-build/adiff}
PYTHON=${PYTHON:-$(jobs/find_python.sh)}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OPENBLAS_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
if [ -n "${SLURM_JOB_ID:-}" ]; then
  [ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
  launcher=${LAUNCH:-srun --kill-on-bad-exit=1}
else
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
  export OMPI_MCA_mpi_yield_when_idle=1
  launcher=${LAUNCH:-mpirun -q -n ${NP:-2}}
fi

adiff() { # run the program on all ranks
  $launcher "$ADIFF" "$@"
}

step() { # step TEXT: announce a stage with the time since the start
  printf '\n== %s (%d s)\n' "$1" "$SECONDS"
}
