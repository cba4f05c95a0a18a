#include "engine/io/atomic_file.h"

#include <fstream>

#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::AtomicPath;
using maskclass::test::check_error;
using maskclass::test::content;
using maskclass::test::Scratch;

TEST_CASE("a file has its name when finished and not before") {
  const Scratch scratch;
  scratch.file("out.txt", "old");
  {
    AtomicPath file(scratch / "out.txt", AtomicPath::Kind::file);
    CHECK(file.temporary().parent_path() == scratch.path());
    std::ofstream(file.temporary()) << "new";
    CHECK(content(scratch / "out.txt") == "old");
    file.finish();
  }
  CHECK(content(scratch / "out.txt") == "new");
  CHECK(scratch.listing() == std::vector<std::string>{"out.txt"});
}

TEST_CASE("what is not finished is removed") {
  const Scratch scratch;
  scratch.file("out.txt", "old");
  {
    const AtomicPath file(scratch / "out.txt", AtomicPath::Kind::file);
    const AtomicPath folder(scratch / "results", AtomicPath::Kind::folder);
    std::ofstream(file.temporary()) << "half";
    std::ofstream(folder.temporary() / "part") << "half";
    CHECK(scratch.listing().size() == 3);
  }
  CHECK(scratch.listing() == std::vector<std::string>{"out.txt"});
  CHECK(content(scratch / "out.txt") == "old");
}

TEST_CASE("two jobs with one output do not share a temporary name") {
  const Scratch scratch;
  const AtomicPath one(scratch / "out", AtomicPath::Kind::file);
  const AtomicPath two(scratch / "out", AtomicPath::Kind::file);
  CHECK(one.temporary() != two.temporary());
}

TEST_CASE("a folder replaces one of the same kind whole and no other") {
  const Scratch scratch;
  scratch.file("results/a", "old");
  scratch.file("results/b", "old");
  {
    AtomicPath folder(scratch / "results/", AtomicPath::Kind::folder, {"a", "b"});
    std::ofstream(folder.temporary() / "a") << "new";
    folder.finish();
  }
  CHECK(content(scratch / "results/a") == "new");
  CHECK(!std::filesystem::exists(scratch / "results/b"));
  CHECK(scratch.listing() == std::vector<std::string>{"results"});

  scratch.file("results/thesis.tex", "years of work");
  check_error(ErrorKind::data, {"results", "thesis.tex"}, [&] {
    const AtomicPath folder(scratch / "results", AtomicPath::Kind::folder, {"a", "b"});
  });
  CHECK(content(scratch / "results/thesis.tex") == "years of work");
}

TEST_CASE("several are finished together: where one cannot be, the others are taken back") {
  const Scratch scratch;
  scratch.file("old.txt", "old");
  scratch.file("results/inner/a", "old");
  AtomicPath old_file(scratch / "old.txt", AtomicPath::Kind::file);
  AtomicPath new_file(scratch / "new.txt", AtomicPath::Kind::file);
  AtomicPath folder(scratch / "results", AtomicPath::Kind::folder, {"inner/a"});
  std::ofstream(old_file.temporary()) << "new";
  scratch.file("results/inner/thesis.tex", "years of work");
  AtomicPath* const all[] = {&old_file, &new_file, &folder};
  check_error(ErrorKind::data, {"inner/thesis.tex"}, [&] { finish_all(all); });
  CHECK(content(scratch / "old.txt") == "old");
  CHECK(!std::filesystem::exists(scratch / "new.txt"));
  CHECK(content(scratch / "results/inner/a") == "old");

  std::filesystem::remove(scratch / "results/inner/thesis.tex");
  finish_all(all);
  CHECK(content(scratch / "old.txt") == "new");
  CHECK(std::filesystem::exists(scratch / "new.txt"));
  CHECK(!std::filesystem::exists(scratch / "results/inner/a"));
  CHECK(scratch.listing() == std::vector<std::string>{"new.txt", "old.txt", "results"});
}

TEST_CASE("a link stays and its target is replaced") {
  const Scratch scratch;
  scratch.file("target", "old");
  std::filesystem::create_symlink(scratch / "target", scratch / "link");
  AtomicPath file(scratch / "link", AtomicPath::Kind::file);
  std::ofstream(file.temporary()) << "new";
  file.finish();
  CHECK(std::filesystem::is_symlink(scratch / "link"));
  CHECK(content(scratch / "target") == "new");
}

TEST_CASE("places that cannot be written are refused at once") {
  const Scratch scratch;
  scratch.file("file", "x");
  const auto open = [](const std::filesystem::path& path, AtomicPath::Kind kind) {
    return [path, kind] { const AtomicPath opened(path, kind); };
  };
  check_error(ErrorKind::data, {"missing", "does not exist"},
              open(scratch / "missing/out", AtomicPath::Kind::file));
  check_error(ErrorKind::data, {"a folder"}, open(scratch.path(), AtomicPath::Kind::file));
  check_error(ErrorKind::data, {"not a folder"}, open(scratch / "file", AtomicPath::Kind::folder));
  check_error(ErrorKind::data, {"/dev/null", "not a regular file"},
              open("/dev/null", AtomicPath::Kind::file));
  check_error(ErrorKind::data, {"no name"}, open("", AtomicPath::Kind::file));
  check_error(ErrorKind::data, {"cannot write into the folder"},
              open("/proc/out", AtomicPath::Kind::file));
}
