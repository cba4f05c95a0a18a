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
