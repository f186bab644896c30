#!/bin/bash
# Figure A3: one and five Swiss rolls, learned scores.
#SBATCH --job-name=figA3
#SBATCH --ntasks=2
#SBATCH --time=02:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

[ -n "${FULL:-}" ] || seeds=1,2 # two trainings, for time
learned swissroll "$iterations" schemes_rolls
learned multi_swissroll "$iterations"
figure figA3 "$iterations"
