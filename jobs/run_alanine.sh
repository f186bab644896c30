#!/bin/bash
# The main job: score models of alanine dipeptide for passive and active noise, samples, a table and a figure.
#SBATCH --job-name=alanine
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=results/alanine
mkdir -p "$out" figures

step "training: 3 models x 3 seeds"
adiff train inputs/alanine.yaml inputs/alanine_train.yaml -o $out/train.h5
step "sampling: 15 models x 8 schemes, 10,000 samples each"
adiff sample inputs/alanine_sample.yaml -o $out/sample.h5 >$out/sample.log
step "metrics against held-out data"
adiff metrics inputs/alanine.yaml $out/sample_p*.h5 -o $out/metrics.h5
step "figure"
"$PYTHON" postproc/fig_alanine.py $out/metrics.h5 figures/alanine.png
