#!/bin/bash
# Command-line tests: bad input, rank independence, stop and resume. About two minutes.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

# --- files that tests need ---
"$PYTHON" - "$work" <<'PY'
import sys, h5py, numpy as np
w = sys.argv[1]
with h5py.File(w + "/mix.h5", "w") as f:
    f["mixture/weights"] = [0.3, 0.7]
    f["mixture/means"] = [[0.8], [-0.5]]
    f["mixture/variances"] = [[0.05], [0.4]]
with h5py.File(w + "/points.h5", "w") as f:
    f["points/state"] = [[0.25, -0.4], [1.0, 0.5], [-2.0, 0.1]]
with h5py.File(w + "/narrow.h5", "w") as f:
    f["points/state"] = [[0.25], [1.0]]
with h5py.File(w + "/badmix.h5", "w") as f:
    f["mixture/weights"] = [0.3, 0.7]
    f["mixture/means"] = [[0.8], [-0.5]]
    f["mixture/variances"] = [[0.05], [-0.4]]
with h5py.File(w + "/nan.h5", "w") as f:
    x = np.ones((50, 2)); x[17, 1] = np.nan
    f["x"] = x
with h5py.File(w + "/flat.h5", "w") as f:
    f["x"] = np.zeros((50, 3, 2))
open(w + "/foreign.h5", "w").write("not an HDF5 file, but long enough to look like one\n" * 20)
open(w + "/bad.yaml", "w").write("process:\n\ttype: active\n")
open(w + "/typo.yaml", "w").write("process: {type: active, tauu: 0.5}\n")
open(w + "/ragged.csv", "w").write("a,b\n1,2\n3,4,5\n6,7\n")
open(w + "/words.csv", "w").write("a,b\n1,2\n3,four\n")
r = np.random.default_rng(5)
u = r.uniform(0, 2 * np.pi, 300)
own = np.c_[100 + 30 * np.cos(u), 5e-3 * np.sin(u)] * (1 + 0.02 * r.normal(size=(300, 1)))
table = lambda x, names: "\n".join([names] + [",".join(repr(float(v)) for v in row) for row in x]) + "\n"
open(w + "/own.csv", "w").write(table(own, "speed,load"))
open(w + "/three.csv", "w").write(table(own[:3], "speed,load"))
open(w + "/constant.csv", "w").write(table(np.c_[own, np.ones(300)], "speed,load,unit"))
own[7, 1] = 1e300
open(w + "/huge.csv", "w").write(table(own, "speed,load"))
own[7, 1] = 0
open(w + "/tiny.csv", "w").write(table(own * 1e-300, "speed,load"))
pictures = r.integers(0, 256, 1500 * 36, dtype=np.uint8).tobytes()
header = lambda *numbers: np.array(numbers, ">u4").tobytes()
open(w + "/pictures.idx", "wb").write(header(0x803, 1500, 6, 6) + pictures)
open(w + "/labels.idx", "wb").write(header(0x801, 1500) + bytes(i % 10 for i in range(1500)))
open(w + "/cut.idx", "wb").write(header(0x803, 1500, 6, 6) + pictures[:-1])
PY
head -c 3000 inputs/data/alanine_dipeptide.h5 >"$work/cut.h5"
net="-net_width 32 -net_depth 2 -trainer_log_every 50 -trainer_iterations"

# --- bad input: one line, exit code 2, nothing written ---
refuses "misspelt key" "did you mean -process_rate" process -process_rat 2
refusing=3 # one rank alone cannot disagree with itself
refuses "misspelt key in a file" "did you mean -process_tau" process "$work/typo.yaml"
refuses "unknown command" "unknown command" smaple
refuses "bad number" "-process_tau: expected a number > 0, got 'abc'" process -process_tau abc
refuses "negative tau" "-process_tau: expected a number > 0, got '-1'" process -process_tau -1
refuses "unknown type" "-process_type: expected one of passive active cld general" process -process_type activ
refuses "key of another command" "does not use it" process -sampler_steps 3
refuses "missing input" "cannot read 'no.yaml'" process no.yaml
refuses "broken YAML" "expected YAML" process "$work/bad.yaml"
refuses "stray word" "unexpected word 'process_tau=2'" process process_tau=2
refuses "zero steps" "-sampler_steps: expected a whole number" sample -sampler_steps 0
refuses "missing mixture" "cannot read" score -dataset_type mixture -dataset_file "$work/none.h5" -score_points "$work/points.h5" -score_time 0.3
refuses "negative variance" "variance" score -dataset_type mixture -dataset_file "$work/badmix.h5" -score_points "$work/points.h5" -score_time 0.3
refuses "points of wrong width" "expected 2 columns" score -dataset_type mixture -dataset_file "$work/mix.h5" -score_points "$work/narrow.h5" -score_time 0.3
refuses "cut file" "not a whole HDF5 file" data -dataset_type file -dataset_file "$work/cut.h5"
refuses "foreign file" "not a whole HDF5 file" data -dataset_type file -dataset_file "$work/foreign.h5"
refuses "data with a NaN" "row 17" data -dataset_type file -dataset_file "$work/nan.h5"
refuses "data of wrong shape" "" data -dataset_type file -dataset_file "$work/flat.h5"
refuses "ragged CSV" "line 3" data -dataset_type file -dataset_file "$work/ragged.csv"
refuses "words in CSV" "line 3" data -dataset_type file -dataset_file "$work/words.csv"
refuses "Ising lattice of one site" "-dataset_ising_side: expected a whole number from 2 to 128" data -dataset_type ising -dataset_ising_side 1
refuses "Ising at zero temperature" "-dataset_ising_temperature: expected a number > 0" data -dataset_type ising -dataset_ising_temperature 0
refuses "flips of a cluster update" "does not use it" data -dataset_type ising -dataset_ising_update cluster -dataset_ising_flips 10
refuses "a cut file of pictures" "cut.idx' is cut short: its header promises 54016 bytes" data -dataset_file "$work/cut.idx"
refuses "labels for pictures" "labels.idx' holds labels; expected pictures" data -dataset_file "$work/labels.idx"
refuses "a preset without its files" "mnist: cannot open $work/none/.*run 'make data'" data -dataset_preset mnist -dataset_folder "$work/none"
refuses "labels for a preset" "-dataset_label_file: 'adiff data' does not use it" data -dataset_preset mnist -dataset_label_file "$work/labels.idx"
refuses "weights that are no weights" "score_file" sample -score_file "$work/mix.h5"
launch 2 process -o /proc/nowhere/x.h5 >"$work/stdout" 2>"$work/stderr"
code=$?
verdict "unwritable output" "$([ $code = 2 ] || echo "exit code $code")$(grep -q "cannot write '/proc/nowhere/x.h5'" "$work/stderr" || head -1 "$work/stderr")"
refuses "weights of components for a net of z" "-trainer_weight: det" train -score_kind reduced -trainer_weight det
refuses "a form of a reduced net" "-score_form: 'adiff train' does not use it" train -score_kind reduced -score_form score
refuses "steps and evaluations" "not both" sample -sampler_steps 5 -sampler_evaluations 5
refuses "a Langevin step too long" "-sampler_snr: expected a number" sample -sampler_corrector 1 -sampler_snr 1.5
refuses "foreign time integrator" "ts_type" sample -ts_type beuler -sampler_samples 10
fails "a diverging run" "not finite" sample -process_tau 0.000001 -sampler_scheme em -sampler_grid uniform -sampler_steps 100 -sampler_samples 100

refuses "misspelt key of fisher" "did you mean -fisher_times" fisher -fisher_time 1
refuses "memory at time 0" "-fisher_times: expected a list of numbers, each > 0" fisher -fisher_times 0.1,0
refuses "a window that ends before it begins" "from < to" fisher -fisher_window 2,1
refuses "clouds of five states" "at least 20 states" fisher -fisher_check 5
refuses "a time before any noise" "-fisher_times: 1e-200 is too early for active" fisher -fisher_times 1e-200,1
refuses "data where no information is wanted" "-dataset_preset: 'adiff fisher' does not use it" fisher -dataset_preset ring
refuses "information about data without a law" "-fisher_information: expected data whose law" fisher -fisher_information 100 -dataset_type file -dataset_file "$work/own.csv"

# --- the same bits on any number of ranks ---
any_ranks kernel "1 3" process -process_type cld
works "times at which the data are forgotten" 2 "$work/forgotten.h5" process -process_tau 0.25 -process_times 1e-5,1000
verdict "have an infinite clock and the stationary law" "$("$PYTHON" - "$work/forgotten.h5" <<'PY'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f:
    k = f["kernel"]
    good = np.isinf(k["sigma2"][1]) and abs(k["conditional_variance"][1] - 0.64) < 1e-15
    good = good and np.allclose(k["covariance"][1], k["stationary"][()], rtol=1e-14) and np.isfinite(k["sigma2"][0])
if not good:
    print("they have not")
PY
)"
any_ranks exact_em "1 2 3 4" sample -sampler_scheme em -sampler_grid uniform -sampler_steps 10 -sampler_samples 1003 -sampler_trajectory 5
any_ranks exact_ddim "1 2 3 4" sample -sampler_scheme ddim -sampler_samples 1003 -process_type cld
any_ranks exact_abm "1 2 3" sample -sampler_samples 1003 -process_type cld -sampler_trajectory 5
any_ranks exact_heun "1 3" sample -sampler_scheme heun -sampler_churn 3 -sampler_evaluations 9 -sampler_samples 1003
any_ranks exact_sscs "1 3" sample -ts_type sscs -sampler_corrector 2 -sampler_samples 1003
any_ranks chosen "1 2 3" sample -sampler_steps 4 -sampler_samples 40 -sampler_trajectory_index 39,3,17
verdict "paths of chosen samples end in them" "$("$PYTHON" - "$work/chosen.2.h5" <<'PY'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f:
    index, path, state = f["trajectory/index"][()], f["trajectory/state"][()], f["samples/state"][()]
if list(index) != [3, 17, 39] or not np.array_equal(path[-1], state[index]):
    print("they do not:", index)
PY
)"
refuses "a path of a sample that is not there" "sample 40" sample -sampler_samples 40 -sampler_trajectory_index 3,40
any_ranks exact_flow "1 2 3" sample -sampler_scheme flow -sampler_samples 1003
any_ranks noised "1 2 3 4" noise -noise_samples 1003 -noise_times 0.1,1
any_ranks rows "1 2 3" data -data_samples 1003
any_ranks ising "1 2 3" data -dataset_type ising -dataset_ising_side 8 -data_samples 1337
any_ranks pictures "1 2 3" data -dataset_file "$work/pictures.idx" -dataset_label_file "$work/labels.idx" -dataset_side 3 -dataset_classes 1,2,7
works "an Ising lattice whose names do not fit" 2 "$work/wide.h5" data -dataset_type ising -dataset_ising_side 128 -dataset_ising_flips 1000 -data_samples 10
any_ranks scored "1 2 3" score -dataset_type mixture -dataset_file "$work/mix.h5" -score_points "$work/points.h5" -score_time 0.3
# shellcheck disable=SC2086 # $net is a list of words
any_ranks joint "1 2 3 4 8" train $net 100 -score_kind joint
# shellcheck disable=SC2086
any_ranks reduced "1 2 4 8" train $net 100 -score_kind reduced -trainer_times sigma
# shellcheck disable=SC2086
any_ranks weighted "1 3" train $net 100 -process_tp 0.1 -score_kind joint -score_form score -trainer_weight v1 -trainer_times lognormal
any_ranks net_em "1 2 3 4" sample -score_file "$work/joint.1.h5" -sampler_scheme em -sampler_grid uniform -sampler_steps 20 -sampler_samples 1003
any_ranks likelihood "1 2 3" likelihood -score_file "$work/reduced.1.h5" -likelihood_rows 700 -likelihood_nodes 6 -likelihood_tolerance 1e-3 -likelihood_divergence hutchinson
any_ranks state_density "1 3" likelihood -score_file "$work/joint.1.h5" -likelihood_rows 300 -likelihood_nodes 2 -likelihood_tolerance 1e-2
any_ranks remembered "1 2 3" fisher -process_type passive,active:tau=0.5,2,cld -process_k 1,1.3 -fisher_times 0.01:5:7:log -fisher_check 50 -fisher_information 700 -dataset_preset ring
verdict "memory of seven noises in one file" "$("$PYTHON" - "$work/remembered.2.h5" <<'PY'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f:
    g = f["fisher"]
    t, F, k = g["t"][()], g["matrix"][()], g["k"][()]
    parts = {q: g[q][()] for q in ("fmc", "f_xx", "f_etaeta", "joint", "x_alone", "eta_alone")}
    info, tau, options = g["information/eta_alone"][()], g["tau"][()], bytes(f["run/options"][0]).decode()
good = F.shape == (7, 7, 2, 2) and all(p.shape == (7, 7) for p in parts.values()) and "process_k: 1,1.3" in options
passive = k[:2, None] / np.expm1(2 * k[:2, None] * t)
good = good and np.allclose(parts["joint"][:2], passive, rtol=1e-14) and np.isnan(F[:2, :, 1]).all()
good = good and np.allclose(F[2:, :, 0, 0] + F[2:, :, 1, 1], parts["fmc"][2:], rtol=1e-15) and (parts["x_alone"] <= parts["joint"]).all()
good = good and (info[:6] == 0).all() and (info[6, 2:4] > 0).all() and list(tau[2:6]) == [0.5, 2, 0.5, 2]
if not good:
    print("it is not right:", F.shape, k, tau, options)
PY
)"
any_ranks denoised "1 2 3" denoise -denoise_rows 1003 -denoise_times 0.1,1
refuses "density of a joint net in the clock" "likelihood_space" likelihood -score_file "$work/joint.1.h5" -likelihood_space clock
refuses "a prior beyond the process" "never reached" likelihood -likelihood_space state -likelihood_sigma_max 50 -likelihood_rows 10
refuses "likelihood of data of another width" "the weights were trained on" likelihood -score_file "$work/reduced.1.h5" -dataset_preset coarse_1d
any_ranks measured "1 2 3 4" metrics "$work/net_em.1.h5" "$work/exact_em.1.h5" -dataset_preset diamond
any_ranks measured_all "1 2 3" metrics "$work/net_em.1.h5" "$work/exact_em.1.h5" -metrics_list all

# --- a reduced net serves every process, a joint net only its own ---
works "reduced net through CLD" 2 "$work/cld.h5" sample -score_file "$work/reduced.1.h5" -process_type cld -sampler_samples 100
refuses "data of another width than the weights" "columns" sample -score_file "$work/reduced.1.h5" -sampler_prior exact -dataset_preset coarse_1d
refuses "metrics of another width" "reference rows of x1" metrics "$work/net_em.1.h5" -dataset_preset coarse_1d
refuses "metrics of files of different width" "rows of 2 numbers, the reference" metrics "$work/points.h5" "$work/narrow.h5"
refuses "joint net of another process" "another process" sample -score_file "$work/joint.1.h5" -process_tau 0.7

# --- a user's own file of rows: train, sample and measure without an input file ---
any_ranks own "1 3" train "$work/own.csv" -net_width 32 -net_depth 2 -trainer_iterations 800
verdict "names the next commands" "$(grep -q "adiff metrics results/sample.h5.* -dataset_file $work/own.csv" "$work/stdout" || tail -2 "$work/stdout")"
works "own samples" 2 "$work/own_sample.h5" sample -score_file "$work/own.1.h5"
works "own metrics" 2 "$work/own_metrics.h5" metrics "$work/own_sample.h5" -dataset_file "$work/own.csv"
verdict "own samples have names, units and noise of their data" "$("$PYTHON" - "$work" <<'PY'
import sys, h5py, numpy as np
w = sys.argv[1]
text = lambda v: v.decode() if isinstance(v, bytes) else str(v)
with h5py.File(w + "/own_sample.h5") as f, h5py.File(w + "/own.1.h5") as g:
    x, rows = f["samples/state"][()], np.loadtxt(w + "/own.csv", delimiter=",", skiprows=1)
    if text(f["samples"].attrs["columns"]) != "speed,load":
        print("columns", f["samples"].attrs["columns"])
    if text(f["dataset"].attrs["file"]) != w + "/own.csv" or "dataset_standardise: sd" not in text(f["dataset"].attrs["options"]):
        print("the data are not named")
    if text(f["process"].attrs["label"]) != text(g["process"].attrs["label"]) or text(f["process"].attrs["type"]) != "passive":
        print("another process:", f["process"].attrs["label"])
    sigma = g["score"].attrs["sampler_sigma_min"]
    if "sampler_sigma_min: %.17g\n" % sigma not in text(f["run/options"][0]):
        print("another sigma_min than", sigma)
    bad = np.abs(x.mean(0) - rows.mean(0)) / rows.std(0), x.std(0) / rows.std(0)
    if not (np.all(bad[0] < 0.3) and np.all(np.abs(bad[1] - 1) < 0.2)):
        print("another law:", bad)
PY
)"
works "a result file as own data" 2 "$work/own_rows.h5" train "$work/rows.1.h5" -net_width 16 -net_depth 1 -trainer_iterations 20
refuses "two files of rows" "one file of rows at a time" train "$work/own.csv" "$work/words.csv"
refuses "a file of rows and another" "-dataset_file: names other data" train "$work/own.csv" -dataset_file "$work/words.csv"
refuses "three rows" "too few to learn from" train "$work/three.csv"
refuses "a constant column" "leave it out: -dataset_columns speed,load" train "$work/constant.csv"
refuses "a number that cannot be squared" "column 'load'" train "$work/huge.csv"
refuses "numbers whose squares are nothing" "column 'speed'" train "$work/tiny.csv"

# --- stop and resume equals the unbroken run ---
# shellcheck disable=SC2086
works "unbroken" 2 "$work/whole.h5" train $net 5000
# shellcheck disable=SC2086
launch 2 train $net 5000 -trainer_max_wall 0.1 -o "$work/broken.h5" >"$work/stdout" 2>"$work/stderr"
verdict "a run out of time ends with 75" "$([ $? = 75 ] || echo "another exit code: $(tail -1 "$work/stderr")")"
verdict "and leaves no result" "$([ ! -e "$work/broken.h5" ] || echo "there is one")"
# shellcheck disable=SC2086
works "resumed" 1 "$work/broken.h5" train $net 5000
same "resumed and unbroken" "$work/whole.h5" "$work/broken.h5"

# --- a run that is signalled or killed ---
begin() { # start a long training in the background, wait for its first checkpoint
  # shellcheck disable=SC2086
  mpirun -q -n 2 "$ADIFF" train $net 1000000 -trainer_checkpoint_every 0.2 -o "$work/long.h5" >"$work/stdout" 2>"$work/stderr" &
  run=$!
  for _ in $(seq 100); do
    [ -e "$work/long.h5.ckpt" ] && break
    sleep 0.1
  done
}
begin
kill -USR1 $run
wait $run
code=$?
verdict "USR1 ends a training with 75" "$([ $code = 75 ] || echo "exit code $code")"
verdict "and leaves a checkpoint, no result" "$([ -e "$work/long.h5.ckpt" ] && [ ! -e "$work/long.h5" ] || echo "files: $(ls "$work"/long*)")"
refuses_resume() { # other settings than the checkpoint's
  # shellcheck disable=SC2086
  launch 2 train $net 1000000 -trainer_rate 0.5 -o "$work/long.h5" >"$work/stdout" 2>"$work/stderr"
  verdict "a checkpoint of other settings is refused" "$([ $? = 2 ] || echo "not with 2: $(tail -1 "$work/stderr")")"
}
refuses_resume
rm -f "$work/long.h5.ckpt"
begin
pkill -9 -P "$run" 2>/dev/null || kill -9 "$run"
wait $run 2>/dev/null
verdict "a killed training leaves no result" "$([ ! -e "$work/long.h5" ] || echo "there is one")"
verdict "and a checkpoint that opens" "$(h5dump -n "$work/long.h5.ckpt" >/dev/null 2>&1 || echo "it does not")"

# --- a sweep that was stopped goes on with the points that are missing ---
echo 'sweep: {process_tau: [0.1, 0.5, 2]}' >"$work/sweep.yaml"
launch 2 process "$work/sweep.yaml" -o "$work/point.h5" >"$work/stdout" 2>&1
rm "$work/point_p001.h5"
launch 3 process "$work/sweep.yaml" -o "$work/point.h5" >"$work/stdout" 2>&1
verdict "only the missing point runs again" "$([ "$(grep -c '^done' "$work/stdout") $(grep -c '^wrote' "$work/stdout")" = "2 1" ] || cat "$work/stdout")"
launch 1 process "$work/sweep.yaml" -process_k 2 -o "$work/point.h5" >"$work/stdout" 2>&1
verdict "with another request all points do" "$([ "$(grep -c '^wrote' "$work/stdout")" = 3 ] || cat "$work/stdout")"
# --- compare: refusals, the same bits on any number of ranks, and going on after a stop ---
small="-compare_noises passive,active:tau=2 -compare_ways time,sigma -compare_seeds 2 -compare_steps 5 -compare_reference_samples 500 -sampler_samples 300 -compare_times uniform"
refuses "a noise with a key it has not" "active mass 2.*has no key mass" compare -compare_noises passive,active:mass=2
refuses "a key that a comparison sets itself" "-sampler_steps: .* give -compare_steps" compare -sampler_steps 5
refuses "a way that does not apply" "has no temperature" compare -compare_noises passive,general:m=-1:g=1 -compare_ways temperature
refuses "a level where a distance is expected" "share3 is no distance" compare -compare_metrics share3
# shellcheck disable=SC2086
any_ranks compared "1 2 3" compare $small -net_width 32 -net_depth 1 -trainer_iterations 64
verdict "names of runs, seeds and cells in the file" "$("$PYTHON" - "$work/compared.2.h5" <<'PY'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f:
    c = f["compare"]
    single, value, error = c["single"][()], c["value"][()], c["stderr"][()]
    options = bytes(f["run/options"][0]).decode()
good = single.shape == (2 * 3 * 3 * 2, 2, 3) and np.allclose(single.mean(1), value) and np.isfinite(error).all()
good = good and "trainer_iterations: 64" in options and "process_tau" not in options and "compare_seeds: 2" in options
if not good:
    print("they are not right:", single.shape, options)
PY
)"
# shellcheck disable=SC2086
launch 2 compare $small -compare_scores joint -net_width 32 -trainer_iterations 2000 -trainer_max_wall 0.1 -o "$work/stop.h5" >"$work/stdout" 2>&1
code=$?
verdict "a comparison out of time ends with 75 and no result" "$([ $code = 75 ] && [ ! -e "$work/stop.h5" ] || echo "exit code $code")"
# shellcheck disable=SC2086
launch 3 compare $small -net_width 32 -net_depth 1 -trainer_iterations 64 -o "$work/compared.1.h5" >"$work/stdout" 2>&1
verdict "weights that agree are kept" "$(grep -q '^kept      6 of 6' "$work/stdout" || tail -2 "$work/stdout")"
same "a comparison gone on with and an unbroken one" "$work/compared.1.h5" "$work/compared.2.h5"
# shellcheck disable=SC2086
launch 2 compare $small -net_width 32 -net_depth 1 -trainer_iterations 65 -o "$work/compared.1.h5" >"$work/stdout" 2>&1
verdict "and those of other options trained again" "$([ "$(grep -c 'was made with another -trainer_iterations' "$work/stdout")" = 6 ] || cat "$work/stdout")"

# --- rhm: given grammars and leaves, what is drawn, refusals ---
"$PYTHON" - "$work" <<'PY'
import sys, h5py, numpy as np
w = sys.argv[1]
rules = np.array([[[0, 1], [1, 2]], [[2, 0], [0, 2]], [[1, 1], [2, 1]]])
x = np.zeros((1, 2, 3, 2))
x[0, 0] = [[0.7, 0.5], [-0.1, -1], [0.3, 0.2]]
x[0, 1] = [[0.2, 0.3], [0.6, 0.9], [0.4, -0.4]]
def grammar(name, *levels):
    with h5py.File(w + "/" + name, "w") as f:
        for l, level in levels:
            f["grammar/level_%d" % l] = level
def leaves(name, state):
    with h5py.File(w + "/" + name, "w") as f:
        f["leaves/state"] = state
grammar("tiny.h5", (1, rules))
leaves("two.h5", x)
twice, far = rules.copy(), rules.copy()
twice[2, 1], far[1, 0, 1] = twice[0, 0], 3
grammar("twice.h5", (1, twice))
grammar("far.h5", (1, rules), (2, far))
grammar("gap.h5", (1, rules), (3, rules))
grammar("uneven.h5", (1, rules), (2, rules[:, :1]))
leaves("three.h5", np.zeros((5, 3, 3, 2)))
bad = np.repeat(x, 20, axis=0)
bad[13, 1, 2, 1] = np.nan
leaves("notfinite.h5", bad)
PY
tiny="rhm -rhm_grammar $work/tiny.h5 -rhm_leaves"
# shellcheck disable=SC2086
works "the worked example" 2 "$work/marginal.h5" $tiny "$work/two.h5" -rhm_time 0.9 -process_tau 0.5 -process_tp 0.001
verdict "has its posterior" "$("$PYTHON" - "$work/marginal.h5" <<'PY'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f:
    root, leaf = f["rhm/marginal/level_1"][0, 0], f["rhm/marginal/level_0"][0]
known = [0.376613256367, 0.38361987476, 0.239766868873]
known_leaf = [[0.508518381192, 0.28422648025, 0.207255138558], [0.0845623507697, 0.449227726075, 0.466209923156]]
if abs(root - known).max() > 1e-12 or abs(leaf - known_leaf).max() > 1e-12:
    print("it has not:", root - known, leaf - known_leaf)
PY
)"
any_ranks drawn "1 3" rhm -rhm_draw 19 -rhm_time 0.5 -rhm_levels 3 -rhm_symbols 8 -rhm_rules 3 -process_tau 2
any_ranks read "1 2 3" rhm -rhm_grammar "$work/drawn.1.h5" -rhm_leaves "$work/drawn.1.h5"
verdict "leaves bring their noise and time, and are read well" "$("$PYTHON" - "$work" <<'PY'
import sys, h5py, numpy as np
w = sys.argv[1]
with h5py.File(w + "/read.2.h5") as f, h5py.File(w + "/drawn.1.h5") as g:
    share = [(f["rhm/marginal/level_%d" % l][()].argmax(-1) == g["tree/level_%d" % l][()]).mean() for l in range(4)]
    if f["process"].attrs["tau"] != 2 or f["rhm"].attrs["time"] != 0.5 or min(share) < 0.9:
        print("they do not, or are not:", share)
    for l in range(3, 0, -1): # rules of the file lead from each node to its children
        up, down, rules = g["tree/level_%d" % l][()], g["tree/level_%d" % (l - 1)][()], g["grammar/level_%d" % l][()]
        if not (rules[up] == down.reshape(19, -1, 1, 2)).all(-1).any(-1).all():
            print("level", l, "does not follow its rules")
PY
)"
any_ranks hierarchy "1 2 3" rhm -rhm_levels 3,4 -rhm_symbols 8 -rhm_rules 3 -rhm_grammars 3 -rhm_trials 11 -process_tau 2,0.5 -rhm_times 0.3,0.6,1 -rhm_cases all
any_ranks one_grammar "1 3" rhm -rhm_grammar "$work/drawn.1.h5" -rhm_trials 20 -rhm_sigmas 0.2,0.5 -process_type passive,cld
refuses "too many rules" "v m = 32 rules a level, but only v^s = 16" rhm -rhm_symbols 4
refuses "trees that no memory holds" "-rhm_memory: the experiment takes .* GiB a rank, more than 8" rhm -rhm_levels 26
refuses "rules of two parents" "same children as symbol 0, rule 0" rhm -rhm_grammar "$work/twice.h5"
refuses "a symbol out of range" "level_2: expected symbols 0 to 2, found 3" rhm -rhm_grammar "$work/far.h5"
refuses "a grammar with a gap" "has /grammar/level_3, but no level_2" rhm -rhm_grammar "$work/gap.h5"
refuses "levels of different shapes" "level_2: expected the shape .* = .3..2..2. of level_1" rhm -rhm_grammar "$work/uneven.h5"
# shellcheck disable=SC2086
refuses "leaves of another tree" "= .n..2..3..2. for this grammar and noise, found .5..3..3..2." $tiny "$work/three.h5" -rhm_time 0.9
# shellcheck disable=SC2086
refuses "leaves of another noise" "found .1..2..3..2." $tiny "$work/two.h5" -rhm_time 0.9 -process_type passive
# shellcheck disable=SC2086
refuses "leaves that are no numbers" "tree 13 is not finite" $tiny "$work/notfinite.h5" -rhm_time 0.9
# shellcheck disable=SC2086
refuses "leaves of an unknown time" "at which time" $tiny "$work/two.h5"
refuses "leaves of another time" "are those of time 0.5, not 0.6" rhm -rhm_grammar "$work/drawn.1.h5" -rhm_leaves "$work/drawn.1.h5" -rhm_time 0.6
refuses "leaves without rules" "give -rhm_grammar" rhm -rhm_leaves "$work/two.h5"
# --- speciation: refusals, a spectrum that fails, the same bits on any number of ranks, names of the file ---
refusing="3"
refuses "data without spread" "rows of the data are the same" speciation -dataset_means 1,2 -dataset_dim 2 -dataset_variances 0
refuses "one row" "needs two rows" speciation -speciation_rows 1
refuses "a Lambda out of range" "-speciation_lambda: expected" speciation -speciation_lambda 257,0
refuses "data keys beside a Lambda" "-dataset_preset: 'adiff speciation' does not use it" speciation -speciation_lambda 257 -dataset_preset ring
refusing="1 3"
fails "a spectrum that does not converge" "of 3 eigenvalues converged" speciation -dataset_file inputs/data/alanine_dipeptide.h5 -dataset_name internal -eps_max_it 1 -eps_ncv 4
any_ranks speciation "1 2 3" speciation -dataset_file inputs/data/alanine_dipeptide.h5 -dataset_name internal -process_type passive,active:tau=0.5,2,cld -speciation_eigenvalues 5
works "one Lambda" 2 "$work/lambda.h5" speciation -speciation_lambda 257
verdict "names and shapes of speciation files" "$("$PYTHON" - "$work/lambda.h5" "$work/speciation.2.h5" <<'PY'
import sys, h5py, numpy as np
one, four = (h5py.File(name)["speciation"] for name in sys.argv[1:])
known = {"passive": (2.77648, 2.77454), "equivalent_passive": (2.97857, 2.97727), "active_x": (2.98102, 2.97727), "active_joint": (3.18374, 3.18000)}
for name, values in known.items():
    for ending, value in zip(("", "_asymptotic"), values):
        if one[name + ending].shape != (1,) or abs(one[name + ending][0] - value) > 6e-6:
            print(name + ending, one[name + ending][()])
if four["joint"].shape != (4,) or not np.isnan(four["active_x"][[0, 3]]).all() or one["lambda"][0] != 257:
    print("wrong shapes or values of four processes")
PY
)"
turn="speciation -dataset_preset two_clusters -dataset_dim 12 -process_type passive,active:tau=2 -uturn_steps 12"
# shellcheck disable=SC2086
any_ranks turned "1 2 3" $turn -uturn_samples 700 -uturn_fractions 0.9,1 # three blocks of rows
# shellcheck disable=SC2086
refuses "an arm that is none" "-uturn_arms: expected keep, .* got 'kep'" $turn -uturn_samples 9 -uturn_arms keep,kep
refuses "a U-turn of data without classes" "-uturn_samples: .* Gaussian mixture of classes" speciation -dataset_preset swissroll -uturn_samples 9
# shellcheck disable=SC2086
refuses "a U-turn about several times" "-uturn_samples: .* one -speciation_lambda" $turn -uturn_samples 9 -speciation_lambda 2,3

close_tests
