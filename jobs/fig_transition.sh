#!/bin/bash
# How universal is the transition of figure 9? Hierarchies of 35 sizes: where the root is lost, measured and predicted.
# FULL=1: 16 times the grammars.
#SBATCH --job-name=fig_transition
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/fig_transition
mkdir -p "$out" $figures
grammars=32 population=2048
[ -z "${FULL:-}" ] || grammars=512 population=32768
[ -z "${QUICK:-}" ] || grammars=8 population=64

step "11 families of sizes: $grammars grammars x 8 trees, 48 sigmas"
adiff rhm inputs/fig_transition.yaml -rhm_grammars $grammars -rhm_trials 8 -rhm_population $population -o $out/rhm.h5 >$out/rhm.log
step "figure"
"$PYTHON" postproc/fig_transition.py $out $figures/fig_transition.png
