#!/usr/bin/env bash
# From nothing to denoised counts: installs the packages that are missing, builds, simulates a data
# set whose truth is known, denoises it with the paper's settings and scores the result.
# bench/demo.sh [FOLDER]: the outputs go to FOLDER, maskclass-demo where not given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-maskclass-demo}

bash third_party/install-packages.sh build
cmake --preset release
cmake --build --preset release --target maskclass

# Every command is shown as one would type it.
run() {
  printf '\n$ %s\n' "$*"
  "$@"
}
maskclass=build/release/maskclass
started=$SECONDS
mkdir -p "$folder"
run "$maskclass" simulate equal --cells 3000 --seed 1 --force -o "$folder/simulated"
run "$maskclass" denoise "$folder/simulated/counts.h5ad" --n-top-genes 0 -o "$folder/denoised.h5ad"
run "$maskclass" evaluate "$folder/denoised.h5ad" --truth "$folder/simulated"

cat <<END

Done in $((SECONDS - started)) s. The outputs:
  $folder/simulated/counts.h5ad   simulated counts, many of them lost to dropout
  $folder/simulated/truth.h5ad    the same cells without dropout
  $folder/denoised.h5ad           counts, denoised values and latent, for anndata and scanpy
END
