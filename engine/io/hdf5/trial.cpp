#include "engine/io/hdf5/trial.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>
#include <string>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/values.h"

namespace maskclass::io::hdf5 {
namespace {

/// Values are read, and copied to memory as a carry-over would, of datasets up to this size, until
/// all are this much: damage that reading cannot survive lies in what describes values, not in
/// them.
constexpr hsize_t kMostOfOne = hsize_t{1} << 20;
constexpr hsize_t kMostOfAll = hsize_t{1} << 24;

/// Time that no sound file needs: looking takes less than a millisecond a megabyte of names.
unsigned seconds_for(const std::filesystem::path& path) {
  constexpr unsigned kShortest = 10;
  constexpr std::uintmax_t kBytesASecond = 10'000'000;
  std::error_code ignored;
  const std::uintmax_t bytes = std::filesystem::file_size(path, ignored);
  return kShortest + (ignored ? 0 : static_cast<unsigned>(bytes / kBytesASecond));
}

void look_at_attributes(const Node& node) {
  // No exception may leave it: HDF5, which calls it, is C.
  const auto look = [](hid_t location, const char* name, const H5A_info_t*,
                       void*) noexcept -> herr_t {
    const Handle attribute(H5Aopen(location, name, H5P_DEFAULT));
    const Handle type(H5Aget_type(attribute.id()));
    const Handle space(H5Aget_space(attribute.id()));
    const hssize_t n = H5Sget_simple_extent_npoints(space.id());
    constexpr hssize_t kMost = 1 << 24;
    if (attribute.id() < 0 || type.id() < 0 || n <= 0 || n > kMost) return 0;
    try {
      Values values(type.id(), n, name);
      H5Aread(attribute.id(), type.id(), values.data());
    } catch (const std::exception&) {
      return 0;
    }
    return 0;
  };
  H5Aiterate2(node.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, look, nullptr);
}

/// Goes through a file; everything found wrong is for the reader to say.
class Look {
 public:
  Look() {
    const Handle access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_fapl_core(access.id(), 1 << 16, false);
    memory_ = Handle(H5Fcreate("copied", H5F_ACC_TRUNC, H5P_DEFAULT, access.id()));
  }

  void at(const Node& group, int depth = 0) {
    constexpr int kDeepest = 64;  // A damaged file may have a circle of links.
    look_at_attributes(group);
    if (depth > kDeepest) return;
    for (const std::string& name : child_names(group)) {
      try {
        const Node child = open(group, name);
        if (is_group(child)) {
          at(child, depth + 1);
        } else {
          look_at_attributes(child);
          at_dataset(child);
        }
      } catch (const std::exception&) {
        continue;
      }
    }
  }

 private:
  void at_dataset(const Node& dataset) {
    const hsize_t stored = H5Dget_storage_size(dataset.id());
#if H5_VERSION_GE(1, 10, 5)
    hsize_t n_chunks = 0;
    if (chunk_rows(dataset) > 0) H5Dget_num_chunks(dataset.id(), H5S_ALL, &n_chunks);
#endif
    if (type_class(dataset) == H5T_STRING && shape(dataset).size() == 1) read_strings(dataset);
    if (stored > kMostOfOne || seen_ + stored > kMostOfAll) return;
    seen_ += stored;
    read_values(dataset);
    H5Ocopy(dataset.id(), ".", memory_.id(), std::to_string(n_copies_++).c_str(), H5P_DEFAULT,
            H5P_DEFAULT);
  }

  /// Of the type that it says it is, which its reader may not ask for.
  static void read_values(const Node& dataset) {
    const Handle type = type_of(dataset);
    const Handle space(H5Dget_space(dataset.id()));
    const hssize_t n = H5Sget_simple_extent_npoints(space.id());
    constexpr hssize_t kMost = 1 << 22;
    if (n <= 0 || n > kMost) return;
    Values values(type.id(), n, dataset.where);
    H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }

  Handle memory_;  ///< An HDF5 file that lies in memory.
  hsize_t seen_ = 0;
  int n_copies_ = 0;
};

[[noreturn]] void look_and_exit(const std::filesystem::path& path) {
  // The C library would tell of its damaged heap on the user's terminal.
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  const rlimit no_core{0, 0};
  const unsigned seconds = seconds_for(path);
  const rlimit time{seconds, seconds + 1};
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_CPU, &time);
  constexpr unsigned kWaits = 12;  // of a slow disk
  alarm(kWaits * seconds);
  const Session session;
  try {
    Look().at(open_file(path));
  } catch (const std::exception&) {
    _exit(0);  // Its reader finds the same, and says so.
  }
  _exit(0);
}

}  // namespace

void survive_opening(const std::filesystem::path& path) {
  // No Session is held here: the child, being another thread to the lock, would wait for ever.
  const pid_t child = fork();
  if (child == 0) look_and_exit(path);
  if (child < 0) return;  // No room for another process: the file is opened at one's own risk.
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return;
  }
  if (!WIFSIGNALED(status)) return;
  throw data_error(fmt::format(
      "{}: the file is damaged: HDF5 cannot even look into it ({}); copy or download it again",
      path.string(),
      WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGALRM ? "it does not come back"
                                                                 : "it crashes"));
}

}  // namespace maskclass::io::hdf5
