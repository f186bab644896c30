# Sourced by the figures of two-dimensional data: samples from exact scores, and models trained, sampled and measured.
# What is newer than the program and its inputs is not made again, so that figures share it.
# shellcheck shell=bash
# shellcheck source=jobs/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Joint nets as in the paper, joint nets trained with one law of sigma, one reduced net that serves all noises
declare -A net=([uniform]="-score_kind joint -trainer_times uniform" [sigma]="-score_kind joint -trainer_times lognormal"
  [reduced]="-score_kind reduced -trainer_times lognormal")
models=("passive uniform" "cld uniform" "active uniform" "passive sigma" "active sigma" "cld reduced") # noise and net
runs=("passive uniform" "cld uniform" "active uniform" "passive sigma" "active sigma" "passive reduced" "cld reduced" "active reduced")

up_to_date() { # up_to_date FILE OTHER...: is the first there and newer than the others, the program and these scripts?
  local file=$1 other
  shift
  for other in "$@" "$ADIFF" jobs/common.sh jobs/figures.sh; do [ "$file" -nt "$other" ] || return 1; done
}

exact() { # exact DATA: nine peaks with exact scores, to $results/exact/DATA_SAMPLES/metrics.h5
  local out=$results/exact/$1_$samples
  if up_to_date "$out/metrics.h5" inputs/exact.yaml; then
    step "$1, exact scores: up to date in $out"
    return
  fi
  mkdir -p "$out" && rm -f "$out"/*_p*.h5
  step "$1, exact scores: 7 noises x 7 schemes x seeds $seeds"
  adiff sample inputs/exact.yaml -dataset_preset "$1" -sampler_samples "$samples" -sweep_seed "$seeds" -o "$out/sample.h5" \
    >"$out/sample.log" 2>&1 || { tail -3 "$out/sample.log" && exit 1; } # warnings of unstable steps are part of the figure
  adiff metrics -dataset_preset "$1" -metrics_list sw2,kl,share3,tv "$out"/sample_p*.h5 -o "$out/metrics.h5" >"$out/metrics.table"
}

weights() { # weights FOLDER NOISE NET: an axis of a sweep, the trained seeds, each with a seed of its own for sampling
  local name=$2_$3 list k
  [ "$3" != reduced ] || name=cld_reduced
  IFS=, read -ra list <<<"$seeds"
  for k in "${!list[@]}"; do list[k]=$(printf 'score_file=%s/%s_p%03d.h5;seed=%d' "$1" "$name" "$k" $((11 + k))); done
  (IFS=, && echo "${list[*]}")
}

# learned DATA ITERATIONS [SCHEMES]: train the models on inputs/learned/DATA.yaml, sample them by inputs/learned/SCHEMES.yaml and
# measure the samples, to $results/learned/DATA_ITERATIONS/{uniform,sigma,reduced}.h5
learned() {
  local out=$results/learned/$1_$2 inputs="inputs/learned.yaml inputs/learned/$1.yaml" schemes=inputs/learned/${3:-schemes}.yaml run list last log
  # shellcheck disable=SC2086 # two files
  if up_to_date "$out/done" $inputs "$schemes"; then
    step "$1, $2 iterations: up to date in $out"
    return
  fi
  mkdir -p "$out" && rm -f "$out"/sample_*_p*.h5 "$out/done"
  step "$1, $2 iterations: training of ${#models[@]} models x seeds $seeds"
  IFS=, read -ra list <<<"$seeds"
  last=$(printf '_p%03d.h5' $((${#list[@]} - 1)))
  for run in "${models[@]}"; do
    # shellcheck disable=SC2086 # two files
    up_to_date "$out/${run/ /_}$last" $inputs && continue
    echo "$single $ADIFF train $inputs -process_type ${run% *} ${net[${run#* }]} -trainer_iterations $2 -sweep_seed $seeds" \
      "-o $out/${run/ /_}.h5 >$out/${run/ /_}.log"
  done | share_out
  step "$1, $2 iterations: samples"
  for run in "${runs[@]}"; do # a point that diverges fails, the others go on, and the exit code is 1
    log=$out/sample_${run/ /_}.log
    echo "$single $ADIFF sample $inputs $schemes -process_type ${run% *} -sampler_samples $samples" \
      "-sweep_weights '$(weights "$out" "${run% *}" "${run#* }")' -o ${log%.log}.h5 >$log 2>&1 || [ \$? = 1 ] || { tail -2 $log >&2; exit 255; }"
  done | share_out
  step "$1, $2 iterations: quality"
  # shellcheck disable=SC2086 # two files
  [ "$1" = alanine ] || adiff data $inputs -data_samples "$samples" -data_split test -o "$out/truth.h5" >"$out/truth.log"
  for run in uniform sigma reduced; do
    echo "$single $ADIFF metrics $inputs $out/sample_*_${run}_p*.h5 -o $out/$run.h5 >$out/$run.table"
  done | share_out
  touch "$out/done"
}

figure() { # figure NAME ARGS...: draw it
  step "figure"
  "$PYTHON" "postproc/$1.py" "$results" "${@:2}" "$figures/$1.png"
}
