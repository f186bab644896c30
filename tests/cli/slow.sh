#!/bin/bash
# Statistics that take minutes: figure 2a against the prototype's tables, and the main job with fewer iterations.
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

close_tests
