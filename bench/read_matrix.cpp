// How long does it take to read a gzipped Matrix Market file into compressed rows, beside the time
// that `zcat FILE | wc -l` needs to do nothing with it? Usage: bench_read_matrix FILE [REPEATS]
#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "engine/error.h"
#include "engine/io/text/matrix_market_file.h"

namespace {

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void count_lines_with_zcat(const std::string& file) {
  const std::string command = "zcat '" + file + "' | wc -l > /dev/null";
  if (std::system(command.c_str()) != 0) throw maskclass::data_error("zcat failed on " + file);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024.0;
}

void compare(const std::string& file, int n_repeats) {
  double ours = 1e9;
  double zcat = 1e9;
  std::int64_t n_nonzeros = 0;
  for (int repeat = 0; repeat < n_repeats; ++repeat) {
    ours = std::min(ours, seconds([&] {
                      maskclass::io::MatrixMarketFile matrix(file);
                      n_nonzeros = matrix.read(true, {}).view().n_nonzeros();
                    }));
    zcat = std::min(zcat, seconds([&] { count_lines_with_zcat(file); }));
  }
  const double megabytes = peak_megabytes();
  fmt::print("{} non-zeros, best of {} runs\n", n_nonzeros, n_repeats);
  fmt::print("read into compressed rows  {:8.1f} ms\n", 1e3 * ours);
  fmt::print("zcat | wc -l               {:8.1f} ms\n", 1e3 * zcat);
  fmt::print("ratio                      {:8.2f}\n", ours / zcat);
  fmt::print("peak memory                {:8.1f} MB, {:.1f} bytes a non-zero\n", megabytes,
             megabytes * 1048576 / static_cast<double>(n_nonzeros));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: {} FILE.mtx.gz [REPEATS]\n", argv[0]);
    return 2;
  }
  try {
    compare(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 5);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
