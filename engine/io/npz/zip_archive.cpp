#include "engine/io/npz/zip_archive.h"

#include <fmt/core.h>
#include <zip.h>

#include "engine/error.h"

namespace maskclass::io {
namespace {

zip* open_archive(const std::filesystem::path& path) {
  int code = 0;
  zip* archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (archive != nullptr) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw data_error(
      fmt::format("{}: cannot be read as a zip file, which .npz is: {}; it is "
                  "truncated, damaged or something else",
                  path.string(), reason));
}

}  // namespace

ZipArchive::ZipArchive(const std::filesystem::path& path)
    : name_(path.string()), archive_(open_archive(path), zip_discard) {}

bool ZipArchive::has(const std::string& member) const {
  return zip_name_locate(archive_.get(), member.c_str(), 0) >= 0;
}

std::string ZipArchive::read(const std::string& member) const {
  const auto close = [](zip_file_t* file) { zip_fclose(file); };
  const std::unique_ptr<zip_file_t, decltype(close)> file(
      zip_fopen(archive_.get(), member.c_str(), 0), close);
  if (!file) {
    throw data_error(fmt::format("{}: {}: {}", name_, member,
                                 zip_error_strerror(zip_get_error(archive_.get()))));
  }
  constexpr std::size_t block = 1 << 20;
  std::string bytes;
  for (;;) {
    const std::size_t size = bytes.size();
    bytes.resize(size + block);
    const zip_int64_t n = zip_fread(file.get(), bytes.data() + size, block);
    if (n < 0) {
      throw data_error(fmt::format("{}: {}: {}: the file is damaged, copy or download it again",
                                   name_, member,
                                   zip_error_strerror(zip_file_get_error(file.get()))));
    }
    bytes.resize(size + n);
    if (n == 0) return bytes;
  }
}

}  // namespace maskclass::io
