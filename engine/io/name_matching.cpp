#include "engine/io/name_matching.h"

#include <fmt/core.h>

#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "engine/error.h"

namespace maskclass::io {
namespace {

/// The names that a file without names gets.
bool is_placeholder(const NameList& list) {
  for (std::size_t k = 0; k < list.names.size(); ++k) {
    if (list.names[k] != list.kind + std::to_string(k)) return false;
  }
  return true;
}

std::vector<std::int64_t> by_position(std::size_t n) {
  std::vector<std::int64_t> places(n);
  std::iota(places.begin(), places.end(), 0);
  return places;
}

bool are_unique(const std::vector<std::string>& names) {
  return std::unordered_set<std::string_view>(names.begin(), names.end()).size() == names.size();
}

using Places = std::unordered_map<std::string_view, std::int64_t>;

/// Throws where a name is there twice: lists that differ can be matched by unique names only.
Places places_of(const NameList& list, const NameList& other) {
  Places places;
  places.reserve(list.names.size());
  for (std::size_t k = 0; k < list.names.size(); ++k) {
    if (places.emplace(list.names[k], static_cast<std::int64_t>(k)).second) continue;
    throw data_error(fmt::format(
        "{0} '{1}' is in {2} more than once, so it cannot be matched with {3}; make the names of "
        "{0}s unique",
        list.kind, list.names[k], list.path, other.path));
  }
  return places;
}

}  // namespace

std::vector<std::int64_t> match_names(const NameList& wanted, const NameList& from) {
  if (wanted.names == from.names) return by_position(wanted.names.size());
  const bool nameless = is_placeholder(wanted);
  if (nameless && wanted.names.size() == from.names.size()) {
    return by_position(wanted.names.size());
  }
  if (nameless) {
    throw data_error(fmt::format(
        "{} has no names of its {}s, and {} of them where {} has {}: they cannot be matched; "
        "write the denoised values as .h5ad, .csv or .tsv, which hold names",
        wanted.path, wanted.kind, wanted.names.size(), from.path, from.names.size()));
  }
  places_of(wanted, from);
  const Places places = places_of(from, wanted);
  std::vector<std::int64_t> found;
  found.reserve(wanted.names.size());
  for (const std::string& name : wanted.names) {
    const auto place = places.find(name);
    if (place == places.end()) {
      throw data_error(fmt::format("{} '{}' of {} is not in {}; are they of the same data set?",
                                   wanted.kind, name, wanted.path, from.path));
    }
    found.push_back(place->second);
  }
  return found;
}

std::vector<std::int64_t> match_names(const NameList& wanted,
                                      const std::vector<std::string>& wanted_ids,
                                      const NameList& from,
                                      const std::vector<std::string>& from_ids) {
  const bool by_names =
      wanted.names == from.names || (are_unique(wanted.names) && are_unique(from.names));
  const bool ids = !wanted_ids.empty() && are_unique(wanted_ids) && are_unique(from_ids);
  if (by_names || !ids || from_ids.empty()) return match_names(wanted, from);
  return match_names({wanted_ids, wanted.kind, wanted.path}, {from_ids, from.kind, from.path});
}

}  // namespace maskclass::io
