#!/usr/bin/env bash
# Checks all sources: `lint.sh format` with clang-format (a second; part of tests/run.sh), `lint.sh
# tidy [FILE...]` with clang-tidy (about ten seconds of processor time a file), `lint.sh` with both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sources() {
  find kernels engine cli tests bench "$@" -print0 | sort -z
}

check_format() {
  echo "clang-format"
  sources \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) | xargs -0 clang-format --dry-run -Werror
}

check_code() {
  echo "clang-tidy"
  bash third_party/install-packages.sh lint
  # Every file on its own, and so what it includes is checked too.
  cmake --preset release -B build/lint -DCMAKE_UNITY_BUILD=OFF >/dev/null
  if [[ $# -gt 0 ]]; then printf '%s\0' "$@"; else sources -name '*.cpp'; fi |
    # It counts the warnings of system headers, which it then does not show.
    xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/lint --quiet \
      2> >(grep -v 'warnings\? generated' >&2)
}

case "${1:-all}" in
  format) check_format ;;
  tidy) check_code "${@:2}" ;;
  all)
    check_format
    check_code
    ;;
  *) echo "usage: lint.sh [format | tidy [FILE...]]" >&2; exit 2 ;;
esac
