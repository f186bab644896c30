#!/bin/bash
# All noises on one clock: denoising error, information, class recovery and sample quality, against time and against sigma2.
# FULL=1: 16 times the rows and samples.
#SBATCH --job-name=fig_clock
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/fig_clock
mkdir -p "$out" $figures
rows=4000
[ -z "${FULL:-}" ] || rows=64000
[ -z "${QUICK:-}" ] || rows=400

step "denoising at 16 sigmas: 5 noises"
adiff denoise inputs/fig_clock.yaml -denoise_rows $rows -o $out/denoise.h5 >$out/denoise.log
step "sampling in 20 steps: 5 noises x 2 grids x 4 seeds"
adiff sample inputs/fig_clock_sample.yaml -sampler_samples $((rows * 5 / 2)) -o $out/sample.h5 >$out/sample.log
adiff metrics $out/sample_p*.h5 -dataset_preset diamond -metrics_list sw2,kl -o $out/metrics.h5 >$out/table.txt
step "figure"
"$PYTHON" postproc/fig_clock.py $out $figures/fig_clock.png
