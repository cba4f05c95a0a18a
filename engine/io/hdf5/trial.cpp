#include "engine/io/hdf5/trial.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/values.h"

namespace maskclass::io::hdf5 {
namespace {

/// Time that no sound file needs.
constexpr unsigned kSeconds = 120;

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

void look_at_dataset(const Node& dataset) {
  H5Dget_storage_size(dataset.id());
  if (type_class(dataset) == H5T_STRING && shape(dataset).size() == 1) read_strings(dataset);
  if (chunk_rows(dataset) == 0) return;
#if H5_VERSION_GE(1, 10, 5)
  hsize_t n_chunks = 0;
  H5Dget_num_chunks(dataset.id(), H5S_ALL, &n_chunks);
#endif
}

void look_at(const Node& group, int depth) {
  constexpr int kDeepest = 64;  // A damaged file may have a circle of links.
  look_at_attributes(group);
  if (depth > kDeepest) return;
  for (const std::string& name : child_names(group)) {
    try {
      const Node child = open(group, name);
      if (is_group(child)) {
        look_at(child, depth + 1);
      } else {
        look_at_attributes(child);
        look_at_dataset(child);
      }
    } catch (const std::exception&) {
      continue;  // Found wrong, and told so: that is no danger.
    }
  }
}

[[noreturn]] void look_and_exit(const std::filesystem::path& path) {
  // The C library would tell of its damaged heap on the user's terminal.
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  const rlimit no_core{0, 0};
  const rlimit time{kSeconds, kSeconds + 1};
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_CPU, &time);
  alarm(kSeconds);
  const Session session;
  try {
    look_at(open_file(path), 0);
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
