#!/bin/bash
# Print the first Python that has what postproc/ needs.
for p in python3 /usr/bin/python3; do
  if "$p" -c 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("h5py", "matplotlib"))))' 2>/dev/null; then
    echo "$p"
    exit 0
  fi
done
