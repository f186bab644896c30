#!/bin/bash
# Figure A4: overlapping Swiss rolls, learned scores against time steps (a) and training iterations (b).
#SBATCH --job-name=figA4
#SBATCH --ntasks=2
#SBATCH --time=02:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

for n in "${lengths[@]}"; do
  learned multi_swissroll_overlap "$n" schemes_rolls
done
figure figA4 "${lengths[*]}"
