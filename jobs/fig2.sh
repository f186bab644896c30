#!/bin/bash
# Figure 2: nine peaks, (a) exact scores against time steps, (b) learned scores.
#SBATCH --job-name=fig2
#SBATCH --ntasks=2
#SBATCH --time=01:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

exact diamond
learned diamond "$iterations"
figure fig2 "$iterations" "$samples"
