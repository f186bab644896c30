#!/bin/bash
# Figure 9: random hierarchies of the paper's sizes, accuracy of all levels against time, root against time and sigma2.
# FULL=1: 8 times the grammars.
#SBATCH --job-name=fig9
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/fig9
mkdir -p "$out" $figures
grammars=64 population=4096
[ -z "${FULL:-}" ] || grammars=512 population=32768
[ -z "${QUICK:-}" ] || grammars=4 population=256

step "random hierarchies: $grammars grammars x 8 trees, 118 times, 5 cases"
adiff rhm inputs/fig9.yaml -rhm_grammars $grammars -rhm_trials 8 -rhm_population $population -o $out/rhm.h5 >$out/rhm.log
step "figure"
"$PYTHON" postproc/fig9.py $out/rhm.h5 $figures/fig9.png
