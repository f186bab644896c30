#!/bin/bash
# Figures 2a and A1: nine peaks, exact scores, passive, CLD and active noise over tau, three time steps, last step kept or not.
#SBATCH --job-name=fig2a
#SBATCH --ntasks=2
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.out
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
out=results/fig2a
mkdir -p "$out" figures

for peaks in ring ring_close; do
  step "$peaks: 9 noises x 3 time steps x 3 schemes x 3 seeds"
  rm -f $out/$peaks/sample_p*.h5
  adiff sample inputs/fig2a.yaml -dataset_preset $peaks -o $out/$peaks/sample.h5 >$out/$peaks.log
  adiff metrics $out/$peaks/sample_p*.h5 -dataset_preset $peaks -metrics_list sw2,kl,share3,tv -o $out/$peaks.h5 >$out/$peaks.table
done
for peaks in diamond diamond_close; do
  step "$peaks: share within three standard deviations"
  rm -f $out/$peaks/sample_p*.h5
  # a point that overflows (tau 0.01 at dt 0.1 comes close) fails, the others go on, exit code 1
  points=$("$ADIFF" sweep inputs/fig2a_share.yaml | wc -l)
  adiff sample inputs/fig2a_share.yaml -dataset_preset $peaks -o $out/$peaks/sample.h5 >$out/$peaks.log 2>&1 || [ $? = 1 ]
  done=("$out/$peaks"/sample_p*.h5)
  echo "${#done[@]} of $points points did not diverge"
  adiff metrics $out/$peaks/sample_p*.h5 -dataset_preset $peaks -metrics_list sw2,kl,share3,tv -o $out/$peaks.h5 >$out/$peaks.table
done
step "table and figure"
"$PYTHON" postproc/fig2a.py $out figures/fig2a.png
