#pragma once

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/progress.h"

namespace maskclass::test {

/// A folder for the files of one test, removed with it.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "maskclass-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// Writes `text` into `name` and returns its path.
  std::filesystem::path file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

  /// Names of all files and folders in it, hidden ones too.
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// `text` as one gzip member.
inline std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// The data sets beside the checkout, or nothing.
inline std::optional<std::filesystem::path> shared_data() {
  const char* given = std::getenv("MASKCLASS_SHARED");
  const std::filesystem::path folder =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(MASKCLASS_SOURCE_DIR "/../shared");
  if (!std::filesystem::is_directory(folder / "data")) return std::nullopt;
  return folder / "data";
}

/// The message of the Error of kind `kind` that `work` must throw.
inline std::string message_of(ErrorKind kind, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(static_cast<int>(error.kind()) == static_cast<int>(kind));
    return error.what();
  }
  FAIL_CHECK("nothing was thrown");
  return "";
}

/// CHECKs that `work` throws an Error of that kind whose message holds every one of `parts`.
inline void check_error(ErrorKind kind, const std::vector<std::string>& parts,
                        const std::function<void()>& work) {
  const std::string message = message_of(kind, work);
  for (const std::string& part : parts) {
    INFO("message: ", message, "\nwanted: ", part);
    CHECK(message.find(part) != std::string::npos);
  }
}

/// Callbacks that collect the log.
struct Log {
  std::string text;
  Callbacks callbacks() {
    return {{}, [this](const std::string& line) { text += line + "\n"; }};
  }
  bool has(const std::string& part) const { return text.find(part) != std::string::npos; }
};

}  // namespace maskclass::test
