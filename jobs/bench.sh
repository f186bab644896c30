#!/bin/bash
# Benchmarks, one JSON line each: normals, a training step, sampling, Ising updates, belief propagation, covariance spectra, on 1 and 2 ranks; then numpy's and PyTorch's side where they are installed.
NP=1
# shellcheck source=jobs/common.sh
. "${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}/jobs/common.sh" # sbatch runs a copy of this file from elsewhere
bench=${BENCH:-build/bench}
log=build/bench.json
unset OMPI_MCA_mpi_yield_when_idle # free cores: waiting ranks may spin
for n in 1 2; do
  mpirun -q -n "$n" --bind-to core "$bench" normals train sample ising rhm spectrum 2>/dev/null | grep '^{'
done | tee "$log"
OMP_NUM_THREADS=1 "$PYTHON" tests/bench/rhm_bench.py | tee -a "$log"
if "$PYTHON" -c 'import scipy' 2>/dev/null; then
  if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -qw avx512f /proc/cpuinfo 2>/dev/null; then export OPENBLAS_CORETYPE=SKYLAKEX; fi
  for threads in 1 2; do
    OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads "$PYTHON" tests/bench/numpy_spectrum.py $threads
  done | tee "$log.numpy"
  "$PYTHON" - "$log" "$log.numpy" <<'PY'
import json, sys
rows, others = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
ours = {r["ranks"]: r["value"] for r in rows if r["bench"] == "spectrum_60000x784_bytes"}
for r in others:
    if r.get("threads") in ours:
        print(json.dumps({"bench": "spectrum_ratio_to_" + r["bench"], "ranks": r["threads"], "value": round(r["value"] / ours[r["threads"]], 2), "unit": "times as fast"}))
PY
fi
torch=
for p in "$PYTHON" /usr/bin/python3; do
  if "$p" -c 'import torch' 2>/dev/null; then torch=$p && break; fi
done
if [ -z "$torch" ]; then
  echo '{"bench": "torch", "note": "not installed; apt-get install python3-torch to compare"}'
else
  # OpenBLAS falls back to ancient kernels on processors newer than itself: give PyTorch the AVX-512 ones where they exist
  if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -qw avx512f /proc/cpuinfo 2>/dev/null; then export OPENBLAS_CORETYPE=SKYLAKEX; fi
  for threads in 1 2; do
    OMP_NUM_THREADS=$threads ATEN_CPU_CAPABILITY=${ATEN_CPU_CAPABILITY:-avx512} "$torch" tests/bench/torch_bench.py $threads
  done | tee -a "$log"
fi
"$PYTHON" - "$log" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
own = {(r["bench"], r["ranks"]): r for r in rows if "ranks" in r}
for r in rows:
    other, _, name = r["bench"].partition("_")
    mine = own.get((name.replace("_tuned", ""), r.get("threads")))
    if other in ("numpy", "torch") and mine:
        ratio = mine["value"] / r["value"] if mine["unit"].endswith("/s") else r["value"] / mine["value"]
        print(json.dumps({"bench": f"{name}_ratio_to_{other}", "ranks": r["threads"], "value": round(ratio, 3), "unit": "times as fast"}))
PY
