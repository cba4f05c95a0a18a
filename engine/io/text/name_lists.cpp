#include "engine/io/text/name_lists.h"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/error.h"
#include "engine/io/text/text_input.h"

namespace maskclass::io {
namespace {

/// Fields between tabs: the first three of a line, which may be empty.
struct FeatureFields {
  explicit FeatureFields(std::string_view line) {
    for (std::size_t start = 0; n < 3; ++n) {
      const std::size_t tab = line.find('\t', start);
      of[n] = line.substr(start, tab == std::string_view::npos ? tab : tab - start);
      if (tab == std::string_view::npos) {
        ++n;
        break;
      }
      start = tab + 1;
    }
  }
  std::array<std::string_view, 3> of;
  std::size_t n = 0;
};

void refuse_blank(const TextInput& input, std::string_view name) {
  if (!name.empty()) return;
  throw data_error(
      fmt::format("{}: the line begins with no name", input.at_line(input.line_number())));
}

}  // namespace

FeatureList read_features(const std::filesystem::path& path) {
  FeatureList features;
  TextInput input(path);
  features.file = input.name();
  std::size_t n_columns = 0;
  std::string_view line;
  while (input.next_line(line)) {
    const FeatureFields fields(line);
    refuse_blank(input, fields.of[0]);
    if (n_columns == 0) n_columns = fields.n;
    if (fields.n != n_columns) {
      throw data_error(fmt::format("{}: {} columns where line 1 has {}",
                                   input.at_line(input.line_number()), fields.n, n_columns));
    }
    features.ids.emplace_back(fields.of[0]);
    if (n_columns > 1) features.symbols.emplace_back(fields.of[1]);
    if (n_columns > 2) features.types.emplace_back(fields.of[2]);
  }
  return features;
}

std::vector<std::string> read_names(const std::filesystem::path& path) {
  std::vector<std::string> names;
  TextInput input(path);
  std::string_view line;
  while (input.next_line(line)) {
    const std::string_view name = line.substr(0, line.find('\t'));
    refuse_blank(input, name);
    names.emplace_back(name);
  }
  return names;
}

std::optional<std::filesystem::path> plain_or_gzip(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  std::filesystem::path gzip = path;
  gzip += ".gz";
  if (std::filesystem::exists(gzip, ignored)) return gzip;
  return std::nullopt;
}

std::vector<std::string> numbered_names(const std::string& prefix, std::int64_t n) {
  std::vector<std::string> names(n);
  for (std::int64_t k = 0; k < n; ++k) names[k] = prefix + std::to_string(k);
  return names;
}

std::vector<std::string> names_beside(const std::filesystem::path& path, const std::string& what,
                                      std::int64_t n) {
  std::filesystem::path stem = path.parent_path() / path.stem();
  for (;;) {
    const std::filesystem::path file = stem.string() + "." + what + "s.txt";
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) {
      std::vector<std::string> names = read_names(file);
      if (static_cast<std::int64_t>(names.size()) == n) return names;
      throw data_error(fmt::format("{}: {} names, but {} has {} {}s", file.string(), names.size(),
                                   path.string(), n, what));
    }
    if (!stem.has_extension()) return numbered_names(what, n);
    stem.replace_extension();
  }
}

void log_repeated_names(const std::vector<std::string>& names, const std::string& what,
                        const Callbacks& callbacks) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(names.size());
  std::int64_t n_repeated = 0;
  std::string_view first;
  for (const std::string& name : names) {
    if (seen.insert(name).second) continue;
    if (n_repeated++ == 0) first = name;
  }
  if (n_repeated == 0) return;
  log_line(callbacks,
           fmt::format("{} {} names are not the first of their kind (such as '{}'); all are kept",
                       n_repeated, what, first));
}

}  // namespace maskclass::io
