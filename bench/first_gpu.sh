#!/usr/bin/env bash
# Everything that only a machine with a GPU can tell, in one folder: facts, build, tests, sanitizers,
# results and times beside the processor's and PyTorch's, profiles.
#
#   bench/first_gpu.sh [FOLDER]      FOLDER: maskclass-gpu where not given
#
# A step that fails does not stop the others; FOLDER/summary.txt says which did, and FOLDER/NN-NAME.log
# what each printed. Takes about half an hour. Needs the packages of the README and a CUDA Toolkit with
# nvcc on PATH; nsys, ncu and PyTorch are used where they are.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p "${1:-maskclass-gpu}" || exit 1
folder=$(cd "${1:-maskclass-gpu}" && pwd)
summary=$folder/summary.txt
maskclass=$PWD/build/release/maskclass
cells=${CELLS:-5000}
epochs=${EPOCHS:-300}
: >"$summary"

count=0
failed=0
# step NAME COMMAND...: its output goes to a file, how it ended to the summary; 77 is "skipped".
step() {
  local name=$1 started=$SECONDS code=0 how=ok log
  shift
  count=$((count + 1))
  log=$folder/$(printf '%02d' "$count")-$name.log
  { printf '$ %s\n\n' "$*" && "$@"; } >"$log" 2>&1 </dev/null || code=$?
  if [[ $code -eq 77 ]]; then
    how=skipped
  elif [[ $code -ne 0 ]]; then
    how="FAILED ($code)"
    failed=$((failed + 1))
  fi
  printf '%-24s %-12s %5d s\n' "$name" "$how" $((SECONDS - started)) | tee -a "$summary"
}

facts() {
  git rev-parse HEAD
  git status --short
  uname -a
  lscpu
  nvcc --version
  nvidia-smi
  nvidia-smi -q
}
build() {
  bash third_party/install-packages.sh tests && cmake --preset release -DMASKCLASS_CUDA=ON &&
    cmake --build --preset release
}
info() {
  "$maskclass" info && "$maskclass" info --json && "$maskclass" info | grep -q cuda:0
}
# sanitize TOOL
sanitize() {
  cmake --build --preset release --target "sanitize_$1"
}
simulate() {
  "$maskclass" simulate equal --cells "$cells" --seed 1 --force -o "$folder/simulated"
}
# denoise NAME OPTION...: from counts to denoised values, with the training's time and its scores.
denoise() {
  local name=$1
  shift
  "$maskclass" denoise "$folder/simulated/counts.h5ad" --n-top-genes 0 --epochs "$epochs" \
    --outputs log2,latent -o "$folder/$name.h5ad" --log json "$@" 2>"$folder/$name.json" || return
  cat "$folder/$name.json"
  "$maskclass" evaluate "$folder/$name.h5ad" --truth "$folder/simulated"
}
# python_with MODULE: a Python that has it, where there is one.
python_with() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c "import $1" 2>/dev/null; then break; fi
  done
  echo "$python"
}
# The seconds of training of each run that denoise() made, and how far its values are from the CPU's.
compare() {
  "$(python_with h5py)" bench/compare_runs.py "$folder" cpu graph persistent tf32
}
# timeline DRIVER
timeline() {
  command -v nsys >/dev/null || { echo "nsys is not here"; return 77; }
  nsys profile --trace=cuda,nvtx --force-overwrite true -o "$folder/timeline-$1" "$maskclass" denoise \
    "$folder/simulated/counts.h5ad" --n-top-genes 0 --epochs 5 --outputs log2 \
    -o "$folder/profiled.h5ad" --device cuda --cuda-driver "$1" &&
    nsys stats "$folder/timeline-$1.nsys-rep"
}
# kernels DRIVER: each kernel's own measurements, a few launches of it.
kernels() {
  command -v ncu >/dev/null || { echo "ncu is not here"; return 77; }
  ncu --set full --launch-count 24 --graph-profiling node -f -o "$folder/kernels-$1" "$maskclass" denoise \
    "$folder/simulated/counts.h5ad" --n-top-genes 0 --epochs 1 --outputs log2 \
    -o "$folder/profiled.h5ad" --device cuda --cuda-driver "$1" &&
    ncu --import "$folder/kernels-$1.ncu-rep" --page details
}

step facts facts
step build build
step info info
step tests ctest --preset release -L gpu
step all-tests ctest --preset release -LE gpu
for tool in memcheck racecheck initcheck synccheck; do step "sanitize-$tool" sanitize "$tool"; done
step simulate simulate
step denoise-cpu denoise cpu --device cpu
step denoise-graph denoise graph --device cuda --cuda-driver graph
step denoise-persistent denoise persistent --device cuda --cuda-driver persistent
step denoise-tf32 denoise tf32 --device cuda --precision tf32
step compare compare
step pytorch "$(python_with torch)" bench/framework/gpu_step.py --device cuda --cells "$cells"
step pytorch-compiled "$(python_with torch)" bench/framework/gpu_step.py --device cuda --cells "$cells" --compile
for driver in graph persistent; do
  step "timeline-$driver" timeline "$driver"
  step "kernels-$driver" kernels "$driver"
done
rm -f "$folder/profiled.h5ad"

grep -hv -e '^\$' -e '^$' "$folder"/*-compare.log "$folder"/*-pytorch*.log | tee -a "$summary"
echo "$count steps, $failed failed; all of it is in $folder"
[[ $failed -eq 0 ]]
