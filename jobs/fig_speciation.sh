#!/bin/bash
# Speciation times and the U-turn experiment: theory and clones against t, sigma2, dimension and tau. FULL=1: 16 times the samples.
#SBATCH --job-name=fig_speciation
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=$results/fig_speciation
rm -rf "$out" && mkdir -p "$out" $figures
clones=2000
[ -z "${FULL:-}" ] || clones=32000
[ -z "${QUICK:-}" ] || clones=100
input=inputs/fig_speciation.yaml active=active:tau=0.5,active:tau=2

speciation() { # speciation NAME ARGS...: to $out/NAME.h5
  adiff speciation $input -o "$out/$1.h5" "${@:2}" >"$out/$1.log"
}

step "speciation times against Lambda and against tau"
# T = 1/(1 + tau) is the temperature of passive noise of the same final variance
speciation lambda -process_type passive,passive:tp=0.666666666666667,passive:tp=0.333333333333333,$active \
  -speciation_lambda 0.25:1500:120:log -uturn_samples 0
speciation tau -process_type active -process_tau 0.02:10:60:log -speciation_lambda 257 -uturn_samples 0
step "theory of the U-turn on 80 times"
speciation theory -process_type passive,cld,$active -uturn_fractions 0.4:1.45:80 -uturn_samples 1 -uturn_steps 2
step "clones of passive noise and CLD at 8 times"
speciation plain -process_type passive,cld -uturn_arms keep -uturn_samples $clones -uturn_fractions 0.6:1.3:8 -seed 2
step "clones of active noise at 8 times, four arms"
speciation active -process_type $active -uturn_samples $clones -uturn_fractions 0.6:1.3:8 -seed 3
step "noises of equal temperature and of equal final variance at one time"
speciation equal -process_type passive,passive:tp=0.666666666666667,passive:tp=0.333333333333333,$active -uturn_arms keep \
  -uturn_samples $clones -uturn_times "$("$PYTHON" -c 'from math import log; print(repr(log(1 + 257) / 2))')" -seed 4
step "clones in 2 to 1024 dimensions"
for d in 2 4 16 64 256 1024; do # Lambda - 2 s^2 = d - 1: about the times at which R = 1
  speciation d$d -process_type passive,$active -dataset_dim $d -speciation_lambda $((d - 1)) -uturn_arms keep \
    -uturn_samples $((d > 256 ? clones / 2 : clones)) -uturn_steps 60 -uturn_fractions 0.92,1,1.08 -seed 5
done
step "figure"
"$PYTHON" postproc/fig_speciation.py "$out" $figures/fig_speciation.png
