#!/bin/bash
# Figure A5: alanine dipeptide against training iterations.
#SBATCH --job-name=figA5
#SBATCH --ntasks=2
#SBATCH --time=02:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

for n in "${lengths[@]}"; do
  learned alanine "$n" schemes_alanine
done
figure figA5 "${lengths[*]}"
