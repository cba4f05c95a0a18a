#include "engine/io/text/npy_header.h"

#include <fmt/core.h>

#include <limits>
#include <regex>

#include "engine/error.h"

namespace maskclass::io {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw data_error(fmt::format("{}: {}", name, what));
}

std::vector<std::int64_t> parse_shape(const std::string& text, const std::string& name) {
  std::vector<std::int64_t> shape;
  double product = 1;
  const std::regex size("[0-9]+");
  for (std::sregex_iterator at(text.begin(), text.end(), size), end; at != end; ++at) {
    if (at->length() > 15) refuse(name, "claims an impossible size: its header is damaged");
    shape.push_back(std::stoll(at->str()));
    product *= static_cast<double>(shape.back());
  }
  if (product > 9e18) refuse(name, "is truncated or damaged: its header claims more than can be");
  return shape;
}

}  // namespace

std::int64_t NpyHeader::n_values() const {
  std::int64_t n = 1;
  for (const std::int64_t size : shape) n *= size;
  return n;
}

NpyHeader parse_npy_header(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 12 || !bytes.starts_with("\x93NUMPY")) {
    refuse(name, "is not a numpy file (.npy)");
  }
  const auto byte = [&](int k) { return std::size_t{static_cast<unsigned char>(bytes[k])}; };
  const bool version_1 = byte(6) == 1;
  std::size_t length = byte(8) + (byte(9) << 8);
  if (!version_1) length += (byte(10) << 16) + (byte(11) << 24);
  const std::size_t before = version_1 ? 10 : 12;
  if (length > bytes.size() - before) refuse(name, "is truncated within its header");
  const std::string dictionary(bytes.substr(before, length));

  NpyHeader header;
  header.data_offset = static_cast<std::int64_t>(before + length);
  std::smatch found;
  if (!std::regex_search(dictionary, found, std::regex("'descr': '([^']*)'"))) {
    refuse(name, "holds values of several kinds (a structured array), which are not read");
  }
  header.type = found[1];
  header.fortran_order = dictionary.find("'fortran_order': True") != std::string::npos;
  if (!std::regex_search(dictionary, found, std::regex(R"('shape': \(([^)]*)\))"))) {
    refuse(name, "has no shape: its header is damaged");
  }
  header.shape = parse_shape(found[1], name);
  return header;
}

}  // namespace maskclass::io
