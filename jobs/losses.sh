#!/bin/bash
# Which loss is best for which noise: 16 settings around two starting points, three noises, two data sets; table, ranks, figure.
# FULL=1 trains the paper's net for 30,000 steps of 512 rows, five seeds. QUICK=1 only shows that all of it runs.
#SBATCH --job-name=losses
#SBATCH --ntasks=2
#SBATCH --time=12:00:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/losses
data=(diamond ring_close)
noises=("process_type=passive" "process_type=active;process_tau=0.5" "process_type=cld") # as in inputs/losses.yaml
seeds=(1 2 3)
longer=() more=()
if [ -n "${FULL:-}" ]; then
  seeds=(1 2 3 4 5)
  longer=(-net_width 128 -net_depth 4 -trainer_iterations 30000 -trainer_batch 512 -trainer_rate 1e-3 -trainer_nodes 4096
    -sweep_seed "1,2,3,4,5")
  more=(-sampler_samples 10000)
fi
if [ -n "${QUICK:-}" ]; then
  longer=(-trainer_iterations 100 -trainer_nodes 128)
  more=(-sampler_samples 500)
fi
mkdir -p $out $figures
: >$out/settings.txt
: >$out/train.log

compare() { # compare NAME "what the figure calls it" TRAINING OPTIONS...: train, sample and measure one setting
  local name=$1 text=$2 here=$out/$1 p=0 per models='' files d noise seed
  shift 2
  step "$text"
  mkdir -p "$here"
  echo "$name;$text" >>$out/settings.txt
  adiff train inputs/losses.yaml "$@" "${longer[@]}" -o "$here/train.h5" >>$out/train.log
  for d in "${data[@]}"; do
    for noise in "${noises[@]}"; do
      for seed in "${seeds[@]}"; do
        models+="${models:+,}$noise;score_file=$here/train_p$(printf %03d $p).h5;seed=$((seed + 10))"
        p=$((p + 1))
      done
    done
  done
  adiff sample inputs/losses_sample.yaml -sweep_model "$models" "${more[@]}" -o "$here/sample.h5" >$out/sample.log
  per=$((2 * p / ${#data[@]})) # sample files of a data set: two ways of sampling each model
  for d in "${!data[@]}"; do
    mapfile -t files < <(seq -f "$here/sample_p%03.0f.h5" $((d * per)) $((d * per + per - 1)))
    adiff metrics "${files[@]}" -dataset_preset "${data[d]}" -metrics_list sw2,energy,kl,tv -o "$here/${data[d]}.h5" >$out/metrics.log
  done
}

joint=(-score_kind joint -trainer_times uniform)
reduced=(-score_kind reduced -trainer_times lognormal)
compare paper "joint: hsm, whitened, uniform t (paper)" "${joint[@]}"
compare dsm "joint: dsm" "${joint[@]}" -trainer_loss dsm
compare clock "joint: noise of z" "${joint[@]}" -score_form clock
compare mixed_paper "joint: mixed as printed" "${joint[@]}" -score_form mixed_paper
compare mixed "joint: mixed, exact" "${joint[@]}" -score_form mixed
compare score "joint: score itself" "${joint[@]}" -score_form score
compare likelihood "joint: likelihood" "${joint[@]}" -trainer_weight likelihood
compare det "joint: det C" "${joint[@]}" -trainer_weight det
compare log "joint: log t" -score_kind joint -trainer_times log
compare sigma "joint: log sigma" -score_kind joint -trainer_times sigma
compare lognormal "joint: log-normal sigma" -score_kind joint -trainer_times lognormal
compare reduced "reduced: whitened, log-normal sigma" "${reduced[@]}"
compare reduced_v2 "reduced: unit-variance noise (v2)" "${reduced[@]}" -trainer_weight v2
compare reduced_likelihood "reduced: likelihood" "${reduced[@]}" -trainer_weight likelihood
compare reduced_sigma "reduced: log sigma" -score_kind reduced -trainer_times sigma
compare reduced_uniform "reduced: uniform t" -score_kind reduced -trainer_times uniform

step "table and figure"
"$PYTHON" postproc/fig_losses.py $out $figures/losses.png
