#!/usr/bin/env bash
# What the tests cannot do with the packages of the distribution: converts data sets with anndata,
# loompy and scipy of today into every format, denoises from each and compares the results' bytes;
# then opens the results in anndata 0.8 and the newest and runs scanpy's tutorial on them. Makes its
# Python environments (some 2 GB, from PyPI) in the folder that it is given. Takes a while.
#
#   tests/peers/run.sh PROGRAM FOLDER DATA_SET...
#
# PROGRAM is build/release/maskclass, a DATA_SET a 10x directory. PYTHON_OLD and PYTHON_NEW name
# interpreters: 3.9 for anndata 0.8, 3.11 or newer for the newest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ $# -lt 3 ]]; then sed -n '2,11p' "${BASH_SOURCE[0]}" >&2; exit 2; fi
program=$(realpath "$1") folder=$2
shift 2

environment() {  # name, interpreter, packages
  local name=$folder/$1 python=$2
  shift 2
  [[ -d $name ]] && return
  "$python" -m venv "$name"
  "$name/bin/pip" install --quiet "$@"
}
mkdir -p "$folder"
environment newest "${PYTHON_NEW:-python3.13}" anndata scanpy leidenalg igraph loompy
environment anndata-0.8 "${PYTHON_OLD:-python3.9}" \
  anndata==0.8.0 'numpy<1.24' 'pandas<2' 'scipy<1.11' 'h5py<3.9'

"$folder/newest/bin/python" -B -W ignore "$here/same_in_every_format.py" "$program" "$folder/files" "$@"
for python in anndata-0.8 newest; do
  "$folder/$python/bin/python" -B -W ignore "$here/open_results.py" "$folder"/files/*/results
done
