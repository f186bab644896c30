#!/bin/bash
# Figure 2: nine peaks, (a) exact scores against time steps, (b) learned scores.
#SBATCH --job-name=fig2
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

exact diamond
learned diamond $iterations
step "figure"
"$PYTHON" postproc/fig2.py results $iterations $samples figures/fig2.png
