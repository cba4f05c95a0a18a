#!/usr/bin/env bash
# Installs what is missing, checks the format, builds with warnings as errors and runs all tests.
# tests/lint.sh runs clang-tidy, which takes longer than all of this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash third_party/install-packages.sh tests
bash tests/lint.sh format
cmake --preset release -DMASKCLASS_TESTS=ON -DMASKCLASS_BENCH=ON -DMASKCLASS_WERROR=ON
cmake --build --preset release
ctest --preset release

# The CUDA kernels on the processor: every access checked, other orders of threads, races.
if command -v nvcc >/dev/null; then
  cmake --preset cuda-on-cpu -DMASKCLASS_TESTS=ON -DMASKCLASS_BENCH=OFF -DMASKCLASS_WERROR=ON
  cmake --build --preset cuda-on-cpu
  ctest --preset cuda-on-cpu
  bash third_party/cuda-on-cpu/tests/run_tests.sh --quick
else
  echo "CUDA: no nvcc on PATH, so the CUDA kernels are neither built nor tested"
fi
