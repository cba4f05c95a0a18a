#!/usr/bin/env bash
# Counts the instructions of a small fixed job under valgrind's callgrind and compares them with a
# number in a file, 10 % either way: a guard against slower code that no clock can fool. More is a
# regression; fewer means that the file's number is to be lowered, so that the guard stays tight.
#
#   instruction_count.sh PROGRAM FILE            0 within the band, 1 outside, 77 where it cannot tell
#   instruction_count.sh PROGRAM FILE --write    sets the number
set -euo pipefail
program=$1 file=$2
if ! command -v valgrind >/dev/null; then echo "skipped: no valgrind"; exit 77; fi
if ! grep -qw avx2 /proc/cpuinfo; then echo "skipped: the count is that of the AVX2 kernels"; exit 77; fi
counted=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" 2>&1 |
  sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
if [[ -z $counted ]]; then echo "valgrind gave no count" >&2; exit 1; fi
if [[ ${3:-} == --write ]]; then echo "$counted" >"$file"; exit; fi
expected=$(<"$file")
echo "instructions: $counted, expected $expected within 10 %"
((counted * 10 <= expected * 11 && counted * 10 >= expected * 9))
