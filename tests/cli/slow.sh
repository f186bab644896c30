#!/bin/bash
# Statistics that take minutes: figure 2a against the prototype's tables, the main job, Ising rows against exact values, pictures
# against what is known of them (where make data has put them), and every figure at its smallest size.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

jobs/fig2a.sh >"$work/fig2a.log" 2>&1
verdict "figure 2a runs" "$([ -s figures/fig2a.png ] || tail -3 "$work/fig2a.log")"
agree=$(sed -n 's/^\([0-9]*\) of \([0-9]*\) entries agree.*/\1 \2/p' "$work/fig2a.log")
echo "figure 2a: ${agree/ / of } entries agree with the prototype"
# of 276 entries at 4 standard errors, with errors from three seeds, a few per cent may differ by chance
verdict "figure 2a agrees with the prototype" "$(awk -v a="${agree% *}" -v n="${agree#* }" 'BEGIN {if (n < 200 || a < 0.95 * n) print a " of " n}')"

jobs/fig_clock.sh >"$work/fig_clock.log" 2>&1
collapse=$(tr '\n' ' ' <"$work/fig_clock.log" | sed -n 's/.*points, \([0-9.]*\) a degree of freedom.*/\1/p')
echo "figure of the clock: chi-square ${collapse:-none} a degree of freedom"
# 215 points, three of them of the same rows and noise: a standard deviation of about 0.15
verdict "all noises collapse on the clock" "$(awk -v c="${collapse:-99}" 'BEGIN {if (c > 1.6 || c < 0.5) print c}')"

jobs/run_alanine.sh >"$work/alanine.log" 2>&1
verdict "the main job ends in its figure" "$([ "$(tail -1 "$work/alanine.log")" = figures/alanine.png ] || tail -3 "$work/alanine.log")"

ising() { # ising T ARGS...: energy and specific heat of 1000 rows within four standard errors of exact, and a line of the table
  local T=$1
  shift
  works "Ising at T $T, $*" 2 "$work/ising.h5" data -dataset_type ising -dataset_ising_temperature "$T" -data_samples 1000 "$@"
  verdict "Ising at T $T, $*, is exact" "$("$PYTHON" - "$work/ising.h5" "$T" "$*" <<'PY' || echo "no verdict"
import sys, h5py
with h5py.File(sys.argv[1]) as f:
    a = dict(f["ising"].attrs)
u, du, u0 = (float(a[k]) for k in ("mean_energy", "mean_energy_stderr", "exact_energy"))
c, dc, c0 = (float(a[k]) for k in ("specific_heat", "specific_heat_stderr", "exact_specific_heat"))
m, dm = (float(a[k]) for k in ("abs_magnetisation", "abs_magnetisation_stderr"))
print(f"Ising T {sys.argv[2]:12s} u {u:.5f}({du:.5f}) exact {u0:.6f}   c {c:.4f}({dc:.4f}) exact {c0:.5f}   |m| {m:.5f}({dm:.5f})   {sys.argv[3]}", file=sys.stderr)
if abs(u - u0) > 4 * du or abs(c - c0) > 4 * dc:
    print("it is not")
PY
)"
}
for T in 2.0 2.269185314 2.5 3.0; do
  ising $T -dataset_ising_start ordered
  ising $T -dataset_ising_update cluster
done
works "the random hierarchy at the paper's size" 2 "$work/rhm.h5" rhm -process_tau 2 -process_tp 0.001 -rhm_grammars 32 -rhm_trials 8 \
  -rhm_cases joint,x_alone,passive,equivalent,equal_sigma,printed,legacy
verdict "loses its root where it should" "$("$PYTHON" - "$work/rhm.h5" <<'PY' || echo "no verdict"
import sys, h5py, numpy as np
# independent numbers from one grammar with 100 trees; grammars scatter by about 1.5 % in t
known = dict(joint=0.846, x_alone=0.455, passive=0.072, equivalent=0.192, equal_sigma=0.846, printed=0.45, legacy=0.36)
with h5py.File(sys.argv[1]) as f:
    r = f["rhm"]
    for c, name in enumerate(r["case"].asstr()[()]):
        t, dt, s, ds = (float(r[k][0, 0, c]) for k in ("t50", "t50_stderr", "sigma2_50", "sigma2_50_stderr"))
        print(f"rhm {name:12s} t_50 {t:.4f}({dt:.4f}) known {known[name]}   sigma2_50 {s:.4f}({ds:.4f})", file=sys.stderr)
        if abs(t - known[name]) > 4 * np.hypot(dt, 0.015 * known[name]):
            print(name, "does not:", t)
        p = np.nanmin(r["calibration_p"][0, 0, c])
        if (p < 1e-6) != (name in ("printed", "legacy")):
            print(name, "calibrated with p =", p)
        if name not in ("printed", "legacy") and abs(s - 0.156) > 4 * np.hypot(ds, 0.003):
            print(name, "is lost at sigma2", s)
PY
)"

pictures() { # pictures PRESET CLASSES TRACE SUM TEST_SUM: a preset against numbers known of its files, rows scaled to [0, 1]
  local scaled="-dataset_preset $1 -dataset_range 0,1"
  # shellcheck disable=SC2086 # a list of words
  if ! launch 1 data $scaled -data_samples 1 -o "$work/pictures.h5" >"$work/stdout" 2>"$work/stderr" && grep -q "cannot open" "$work/stderr"; then
    echo "SKIP $1: $(sed 's/^adiff: error: //' "$work/stderr")"
    return
  fi
  # shellcheck disable=SC2086
  works "$1, all test rows" 2 "$work/test.h5" data $scaled -data_split test
  verdict "$1 is the data set known" "$("$PYTHON" - "$work" "$@" <<'PY' || echo "no verdict"
import sys, h5py
work, preset, classes = sys.argv[1:4]
known = [float(v) for v in sys.argv[4:]]
lines = [line.replace("classes", "").split() for line in open(work + "/stdout") if " 0: " in line or " 8: " in line]
found_classes = ",".join(word for line in lines for word in line if not word.endswith(":"))
with h5py.File(work + "/pictures.h5") as f, h5py.File(work + "/test.h5") as g:
    N = int(f["dataset"].attrs["rows_train"])
    first, label = g["samples/state"][0].sum(), g["samples/label"][()]
    found = f["coordinates/variance"][()].sum() * N / (N - 1), f["coordinates/mean"][()].sum() * N * 255, g["samples/state"][()].sum()
print(f"{preset}: {N} and {len(label)} rows, classes {found_classes}, trace {found[0]:.9f}, sums of pixels {found[1]:.0f} and {found[2]:.0f}, first test row {label[0]} with {first:.0f}", file=sys.stderr)
if found_classes != classes:
    print("other classes:", found_classes)
for name, value, number, error in zip(("trace", "sum", "sum of test rows"), found, known, (6e-10 if known[0] < 100 else 6e-5, 0.01, 0.01)):
    if number and abs(value - number) > error:
        print(name, value, "instead of", number)
PY
)"
}
pictures mnist 5923,6742,5958,6131,5842,5421,5918,6265,5851,5949 52.725914260 1567298545 264923200
pictures fashion 6000,6000,6000,6000,6000,6000,6000,6000,6000,6000 68.217397951 0 0 # 0: not known
pictures cifar10 5000,5000,5000,5000,5000,5000,5000,5000,5000,5000 190.4049 0 0

read -ra figures <<<"$(sed -n 's/^\(FIGURES\|STUDIES\) *:= //p' Makefile | tr '\n' ' ')"
for figure in "${figures[@]}"; do # smallest sizes: do all parts work together?
  [ "$figure" != fig2a ] || continue # above, with its numbers
  QUICK=1 "jobs/$figure.sh" >"$work/$figure.log" 2>&1
  verdict "$figure ends in its figure" "$([ "$(tail -1 "$work/$figure.log")" = "build/quick/figures/$figure.png" ] || tail -3 "$work/$figure.log")"
done

close_tests
