# Helpers of the command-line tests. A test is a function call; failures are counted, the last line tells.
# shellcheck shell=bash
set -u
ADIFF=${ADIFF:-build/adiff}
PYTHON=${PYTHON:-$(jobs/find_python.sh)}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # as make does
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OPENBLAS_NUM_THREADS=1
work=build/cli
failed=0
passed=0
rm -rf "$work" && mkdir -p "$work"

launch() { # launch RANKS ARGS...: run adiff, everything on file descriptors 1 and 2
  local n=$1
  shift
  timeout 120 mpirun -q -n "$n" "$ADIFF" "$@"
}

verdict() { # verdict NAME PROBLEM: an empty problem is a pass
  if [ -z "$2" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "FAIL $1: $2"
  fi
}

refusing="1 3" # ranks
refuses() { # refuses NAME 'text of the message' ARGS...: exit 2, one line, nothing written, on each of these numbers of ranks
  local name=$1 text=$2 n code problem
  shift 2
  for n in $refusing; do
    rm -rf "$work/out" && mkdir "$work/out"
    launch "$n" "$@" -o "$work/out/x.h5" >"$work/stdout" 2>"$work/stderr"
    code=$?
    problem=
    [ "$code" = 2 ] || problem="exit code $code instead of 2"
    [ "$(wc -l <"$work/stderr")" = 1 ] || problem="$problem; $(wc -l <"$work/stderr") lines on stderr: $(head -3 "$work/stderr")"
    grep -q "^adiff: error: .*$text" "$work/stderr" || problem="$problem; expected '$text', got '$(head -1 "$work/stderr")'"
    [ -z "$(ls "$work/out")" ] || problem="$problem; left behind: $(ls "$work/out")"
    verdict "$name on $n ranks" "$problem"
  done
}

fails() { # fails NAME 'text' ARGS...: as refuses, for a run that went wrong (exit code 1)
  local name=$1 text=$2 n code problem
  shift 2
  for n in 1 3; do
    rm -rf "$work/out" && mkdir "$work/out"
    launch "$n" "$@" -o "$work/out/x.h5" >"$work/stdout" 2>"$work/stderr"
    code=$?
    problem=
    [ "$code" = 1 ] || problem="exit code $code instead of 1"
    grep -q "^adiff: error: .*$text" "$work/stderr" || problem="$problem; expected '$text', got '$(tail -1 "$work/stderr")'"
    [ -z "$(ls "$work/out")" ] || problem="$problem; left behind: $(ls "$work/out")"
    verdict "$name on $n ranks" "$problem"
  done
}

works() { # works NAME RANKS OUTPUT ARGS...: exit 0 and the output is there
  local name=$1 n=$2 out=$3 problem=
  shift 3
  launch "$n" "$@" -o "$out" >"$work/stdout" 2>"$work/stderr" || problem="exit code $?: $(tail -2 "$work/stderr")"
  [ -e "$out" ] || problem="$problem; no $out"
  verdict "$name on $n ranks" "$problem"
}

same() { # same NAME A B: two result files agree in all but the record of the run
  local problem=
  h5diff --exclude-path=/run "$2" "$3" >"$work/diff" 2>&1 || problem="$2 and $3 differ: $(head -2 "$work/diff")"
  verdict "$1" "$problem"
}

any_ranks() { # any_ranks NAME 'RANKS' ARGS...: the result has the same bits on each of these numbers of ranks
  local name=$1 ranks=$2 n first=
  shift 2
  for n in $ranks; do
    works "$name" "$n" "$work/$name.$n.h5" "$@"
    [ -z "$first" ] || same "$name: $first and $n ranks" "$work/$name.$first.h5" "$work/$name.$n.h5"
    first=${first:-$n}
  done
}

close_tests() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
