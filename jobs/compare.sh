#!/bin/bash
# Noises against each other under four controls: table, verdicts, figure. FULL=1: nets of the paper's size, more samples and seeds.
#SBATCH --job-name=compare
#SBATCH --ntasks=2
#SBATCH --time=04:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
mkdir -p $results $figures
size=()
[ -z "${FULL:-}" ] || size=(-compare_seeds 16 -compare_steps "10,20,50,100,500" -sampler_samples 10000 -net_width 128 -net_depth 4 -trainer_iterations 20000)
[ -z "${QUICK:-}" ] || size=(-compare_seeds 2 -compare_steps 5 -compare_reference_samples 500 -sampler_samples 300 -trainer_iterations 50)

step "trainings, samplings and tests"
adiff compare inputs/compare.yaml ${size[@]+"${size[@]}"} -o $results/compare.h5
step "figure"
"$PYTHON" postproc/fig_compare.py $results/compare.h5 $figures/compare.png
