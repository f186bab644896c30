#!/bin/bash
# A file may include only headers of its own or of lower layers: base < process, dataset, nn < score < train < solvers < analysis < main.
set -eu
cd "$(dirname "$0")/.."
level() {
  case $1 in
    adbase.h | adrng.h | adkernel.h | private/h5impl.h | private/wideimpl.h | private/optionsimpl.h | private/expimpl.h) echo 0 ;;
    adprocess.h | private/processimpl.h | admixture.h | adpresets.h | addataset.h | private/datasetimpl.h | private/imagesimpl.h | adising.h | private/isingimpl.h | admlp.h | adadam.h | adnet.h | private/netimpl.h | private/mlpimpl.h) echo 1 ;;
    adscore.h | private/scoreimpl.h) echo 2 ;;
    adtrainer.h | private/trainerimpl.h) echo 3 ;;
    adscheme.h | addensity.h | adsampler.h | private/samplerimpl.h) echo 4 ;;
    admetric*.h | adlikelihood.h | private/likelihoodimpl.h | private/metricsimpl.h | adstatistics.h | private/compareimpl.h | adfisher.h | private/fisherimpl.h | adrhm.h | private/rhmimpl.h | adspeciation.h | adcovariance.h | private/speciationimpl.h | aduturn.h | adrhmtheory.h) echo 5 ;;
    adcommand.h) echo 0 ;;
    *) echo 9 ;;
  esac
}
folder_level() {
  case $1 in
    src/base/*) echo 0 ;;
    src/process/* | src/dataset/* | src/nn/*) echo 1 ;;
    src/score/*) echo 2 ;;
    src/train/*) echo 3 ;;
    solvers/*) echo 4 ;;
    analysis/*) echo 5 ;;
    *) echo 9 ;;
  esac
}
bad=0
for file in src/*/*.c solvers/*.c analysis/*/*.c; do
  mine=$(folder_level "$file")
  while read -r header; do
    if [ "$(level "$header")" -gt "$mine" ]; then
      echo "layers: $file includes $header of a higher (or unlisted) layer"
      bad=1
    fi
  done < <(sed -n 's/^#include "\([a-z0-9_/]*\.h\)".*/\1/p' "$file")
done
exit $bad
