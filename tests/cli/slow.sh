#!/bin/bash
# Statistics that take minutes: figure 2a against the prototype's tables, the main job, and every figure at its smallest size.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

jobs/fig2a.sh >"$work/fig2a.log" 2>&1
verdict "figure 2a runs" "$([ -s figures/fig2a.png ] || tail -3 "$work/fig2a.log")"
agree=$(sed -n 's/^\([0-9]*\) of \([0-9]*\) entries agree.*/\1 \2/p' "$work/fig2a.log")
echo "figure 2a: ${agree/ / of } entries agree with the prototype"
# of 276 entries at 4 standard errors, with errors from three seeds, a few per cent may differ by chance
verdict "figure 2a agrees with the prototype" "$(awk -v a="${agree% *}" -v n="${agree#* }" 'BEGIN {if (n < 200 || a < 0.95 * n) print a " of " n}')"

jobs/run_alanine.sh >"$work/alanine.log" 2>&1
verdict "the main job ends in its figure" "$([ "$(tail -1 "$work/alanine.log")" = figures/alanine.png ] || tail -3 "$work/alanine.log")"

for figure in fig1 fig2 fig3a fig3b figA1 figA2 figA3 figA4 figA5; do # smallest sizes: do all parts work together?
  QUICK=1 jobs/$figure.sh >"$work/$figure.log" 2>&1
  verdict "$figure ends in its figure" "$([ "$(tail -1 "$work/$figure.log")" = build/quick/figures/$figure.png ] || tail -3 "$work/$figure.log")"
done

close_tests
