#!/bin/bash
# Figure A2: nine peaks far and close, learned scores.
#SBATCH --job-name=figA2
#SBATCH --ntasks=2
#SBATCH --time=02:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/figures.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/figures.sh" # sbatch runs a copy of this file from elsewhere

learned diamond "$iterations"
[ -n "${FULL:-}" ] || seeds=1,2 # two trainings, for time; those of nine far peaks are figure 2's
learned diamond_close "$iterations"
figure figA2 "$iterations"
