#!/bin/bash
# Figure 1: paths of the reverse process on two mixtures on a line, exact scores, passive and active noise; quality against dt.
#SBATCH --job-name=fig1
#SBATCH --ntasks=2
#SBATCH --time=00:10:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/fig1
mkdir -p "$out"

for data in coarse_1d fine_1d; do
  step "$data: paths, densities, four noises x three time steps x seeds $seeds"
  rm -f "$out"/$data.paths_p*.h5 "$out"/$data.steps_p*.h5
  adiff sample inputs/fig1.yaml -dataset_preset $data -sampler_samples $samples -o "$out"/$data.paths.h5 >"$out"/$data.log
  adiff metrics "$out"/$data.paths_p*.h5 -dataset_preset $data -o "$out"/$data.paths_metrics.h5 >"$out"/$data.table
  adiff sample inputs/fig1_steps.yaml -dataset_preset $data -sampler_samples $((2 * samples)) -sweep_seed $seeds \
    -o "$out"/$data.steps.h5 >>"$out"/$data.log
  adiff metrics "$out"/$data.steps_p*.h5 -dataset_preset $data -metrics_list w1,kl -o "$out"/$data.steps_metrics.h5 >>"$out"/$data.table
done
step "figure"
"$PYTHON" postproc/fig1.py "$out" "$figures/fig1.png"
