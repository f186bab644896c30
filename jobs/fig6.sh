#!/bin/bash
# Figure 6: Fisher memory against time, its parts and decay rates, and how much information that is.  FULL=1: 16 times the rows.
#SBATCH --job-name=fig6
#SBATCH --ntasks=2
#SBATCH --time=00:10:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/fig6
mkdir -p "$out" $figures
rows=4000
[ -z "${FULL:-}" ] || rows=64000
[ -z "${QUICK:-}" ] || rows=1000

step "memory of 8 noises at 61 times"
adiff fisher inputs/fig6.yaml -fisher_information $rows -fisher_check $((rows / 2)) -o $out/fisher.h5 >$out/fisher.log
step "decay rates at 41 persistence times"
adiff fisher -process_tau 0.05:5:41:log -fisher_times 0.1,1 -fisher_window 20,40 -o $out/rates.h5 >$out/rates.log
step "figure"
"$PYTHON" postproc/fig6.py $out $figures/fig6.png
