#!/bin/bash
# Make sure that everything in packages.txt is there: install with apt where we may, else say what is missing and stop.
set -u
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

present() { # is one entry of the first column there?
  case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    pc:*)
      pkg-config --exists "${1#pc:}" 2>/dev/null && return 0
      # on a cluster the libraries may come by PETSC_DIR, SLEPC_DIR, HDF5_DIR instead of pkg-config
      case $1 in
        pc:PETSc) [ -n "${PETSC_DIR:-}" ] ;;
        pc:SLEPc) [ -n "${SLEPC_DIR:-}" ] ;;
        pc:hdf5-openmpi) [ -n "${HDF5_DIR:-}" ] || pkg-config --exists hdf5 2>/dev/null ;;
        pc:openblas) [ -n "${PETSC_DIR:-}" ] ;;
        pc:zlib) echo '#include <zlib.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 ;;
        *) return 1 ;;
      esac ;;
    py:*) "$python" -c "import ${1#py:}" 2>/dev/null || /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
    file:*) [ -e "${1#file:}" ] ;;
  esac
}

missing() { # print the packages of the missing entries, one column of the table
  while IFS='|' read -r test debian spack module; do
    case $test in '' | '#'*) continue ;; esac
    present "${test// /}" || echo "${debian// /} ${spack// /} ${module// /}"
  done <"$here/packages.txt" | awk -v c="$1" '{print $c}' | sort -u | tr '\n' ' '
}

list=$(missing 1)
[ -z "$list" ] && exit 0
# shellcheck disable=SC2086 # a list of words
if "$here/install.sh" $list; then
  list=$(missing 1)
  [ -z "$list" ] && exit 0
fi
cat >&2 <<EOF
adiff: missing: $(missing 1)
  Debian:  apt-get install $(missing 1)
  Spack:   spack install $(missing 2)
  modules: module load $(missing 3)   (or set PETSC_DIR, SLEPC_DIR, HDF5_DIR)
EOF
exit 2
