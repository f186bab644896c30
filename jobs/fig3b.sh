#!/bin/bash
# Figure 3b: backbone torsions of alanine dipeptide, learned scores, probability flow.
#SBATCH --job-name=fig3b
#SBATCH --ntasks=2
#SBATCH --time=01:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

learned alanine "$iterations" schemes_alanine
figure fig3b "$iterations"
