#!/bin/bash
# Figure 3a: overlapping Swiss rolls, learned scores at dt 0.01.
#SBATCH --job-name=fig3a
#SBATCH --ntasks=2
#SBATCH --time=01:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

learned multi_swissroll_overlap "$iterations" schemes_rolls
figure fig3a "$iterations"
