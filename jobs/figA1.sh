#!/bin/bash
# Figure A1: nine peaks far and close, exact scores, persistence times against time steps.
#SBATCH --job-name=figA1
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

exact diamond
exact diamond_close
figure figA1 "$samples"
