// How long does it take to read counts into compressed rows, beside what must be done at least?
//
//   bench_read_matrix FILE [REPEATS]
//
// For FILE.mtx.gz that is `zcat FILE`, which does nothing with the text; for FILE.h5ad the HDF5
// library's own reading of X's values, genes and row pointers, and of the names, into memory.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/io/reader.h"
#include "engine/io/text/matrix_market_file.h"
#include "engine/threads.h"

#ifdef MASKCLASS_HAS_HDF5
#include <hdf5.h>
#endif

namespace {

using Work = std::function<void()>;

double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run_zcat(const std::string& file) {
  const std::string command = "zcat '" + file + "' > /dev/null";
  if (std::system(command.c_str()) != 0) throw maskclass::data_error("zcat failed on " + file);
}

#ifdef MASKCLASS_HAS_HDF5
/// Reads one dataset as it would be kept: `type` in memory.
template <class Value>
void read_dataset(hid_t file, const char* name, hid_t type) {
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t space = H5Dget_space(dataset);
  std::vector<Value> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  const herr_t status = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(dataset);
  if (status < 0) throw maskclass::data_error(std::string("HDF5 cannot read ") + name);
}

/// Reads names of variable length, where they lie under this name.
void read_names(hid_t file, const char* name) {
  if (H5Lexists(file, name, H5P_DEFAULT) <= 0) return;
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t type = H5Dget_type(dataset);
  const hid_t space = H5Dget_space(dataset);
  std::vector<char*> names(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  if (H5Tis_variable_str(type) > 0) {
    H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names.data());
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, names.data());
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
}

void read_with_hdf5(const std::string& path) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) throw maskclass::data_error("HDF5 cannot open " + path);
  read_dataset<float>(file, "X/data", H5T_NATIVE_FLOAT);
  read_dataset<std::int32_t>(file, "X/indices", H5T_NATIVE_INT32);
  read_dataset<std::int64_t>(file, "X/indptr", H5T_NATIVE_INT64);
  read_names(file, "obs/_index");
  read_names(file, "var/_index");
  H5Fclose(file);
}
#endif

struct Contest {
  const char* limit_name;
  Work ours;
  Work limit;
};

Contest contest_of(const std::string& file, std::int64_t& n_nonzeros) {
  if (!file.ends_with(".h5ad")) {
    return {"zcat",
            [=, &n_nonzeros] {
              maskclass::io::MatrixMarketFile matrix(file);
              n_nonzeros = matrix.read(true, {}).view().n_nonzeros();
            },
            [=] { run_zcat(file); }};
  }
#ifdef MASKCLASS_HAS_HDF5
  return {"HDF5's H5Dread",
          [=, &n_nonzeros] {
            maskclass::io::ReadOptions options;
            options.n_threads = maskclass::default_thread_count();
            n_nonzeros = maskclass::io::read_counts(file, options).counts.view().n_nonzeros();
          },
          [=] { read_with_hdf5(file); }};
#else
  throw maskclass::usage_error("built without HDF5");
#endif
}

void compare(const std::string& file, int n_repeats) {
  std::int64_t n_nonzeros = 0;
  const Contest contest = contest_of(file, n_nonzeros);
  double ours = 1e9;
  double limit = 1e9;
  for (int repeat = 0; repeat < n_repeats; ++repeat) {
    ours = std::min(ours, seconds(contest.ours));
    limit = std::min(limit, seconds(contest.limit));
  }
  fmt::print("{} non-zeros, best of {} runs\n", n_nonzeros, n_repeats);
  fmt::print("{:<26} {:8.1f} ms\n", "read into compressed rows", 1e3 * ours);
  fmt::print("{:<26} {:8.1f} ms\n", contest.limit_name, 1e3 * limit);
  fmt::print("{:<26} {:8.2f}\n", "ratio", ours / limit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: {} FILE.mtx.gz|FILE.h5ad [REPEATS]\n", argv[0]);
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
