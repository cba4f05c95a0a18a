#include "cli/damage.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "cli/program.h"
#include "engine/io/atomic_file.h"
#include "tests/io/scratch.h"
#ifdef MASKCLASS_HAS_HDF5
#include "engine/io/hdf5/handle.h"
#endif

using maskclass::cli::DamageGuard;
using maskclass::io::AtomicPath;
using maskclass::test::Scratch;

namespace {

/// What becomes of a process that does `work`: the status of waitpid.
template <class Work>
int status_of(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    close(STDERR_FILENO);
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

/// A job that has begun to write a file and a folder, and crashes.
void crash(const Scratch& scratch, int signal_number) {
  const DamageGuard guard({"a.h5ad"});
  const AtomicPath file(scratch / "o.h5ad", AtomicPath::Kind::file);
  const AtomicPath folder(scratch / "o", AtomicPath::Kind::folder, {"log2/a.gz", "log2/b.gz"});
  std::ofstream(file.temporary()) << "half";
  std::filesystem::create_directory(folder.temporary() / "log2");
  std::ofstream(folder.temporary() / "log2/a.gz") << "half";
  std::raise(signal_number);
}

}  // namespace

#ifdef MASKCLASS_HAS_HDF5
TEST_CASE("a crash within HDF5 is exit code 1 and leaves nothing behind") {
  for (const int signal_number : DamageGuard::kSignals) {
    const Scratch scratch;
    scratch.file("o.h5ad", "old");
    const int status = status_of([&] {
      const maskclass::io::hdf5::Session session;
      crash(scratch, signal_number);
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == maskclass::cli::data_failure);
    CHECK(scratch.listing() == std::vector<std::string>{"o.h5ad"});
    CHECK(maskclass::test::content(scratch / "o.h5ad") == "old");
  }
}
#endif

TEST_CASE("a crash elsewhere stays one") {
  const Scratch scratch;
  const int status = status_of([&] { crash(scratch, SIGSEGV); });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
}
