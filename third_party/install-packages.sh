#!/usr/bin/env bash
# Installs the Debian packages that are missing: `install-packages.sh build` those for building the
# program, `tests` those for testing it as well, `lint` those of tests/lint.sh. Where nothing is
# missing it does nothing, needs no rights and is silent. third_party/README.md says what each
# package is for.
set -euo pipefail

build_packages=(
  cmake g++ ninja-build
  libhwy-dev libeigen3-dev                              # numerics
  libhdf5-dev zlib1g-dev libzip-dev                     # files
  libcli11-dev libfmt-dev nlohmann-json3-dev            # the program
  doctest-dev                                           # configured with the tests
)
test_packages=(clang-format python3-anndata valgrind)
lint_packages=(clang-format clang-tidy)

case "${1:-}" in
  build) packages=("${build_packages[@]}") ;;
  tests) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
  lint) packages=("${build_packages[@]}" "${lint_packages[@]}") ;;
  *) echo "usage: install-packages.sh build|tests|lint" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "This system has no apt-get, so nothing is installed. If the next step does not find a" \
       "library, install what third_party/README.md lists." >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  if [[ $status != installed ]]; then missing+=("$package"); fi
done
if [[ ${#missing[@]} -eq 0 ]]; then exit 0; fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing, and installing them needs root or sudo. Ask an administrator for:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing ${missing[*]}"
# No dialogue may wait for an answer: there may be nobody to give it.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    </dev/null >"$log" 2>&1; then
  cat "$log" >&2
  echo "apt-get could not install the packages; what it said stands above." >&2
  exit 1
fi
