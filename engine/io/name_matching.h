#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maskclass::io {

/// The names of the cells or genes of one file.
struct NameList {
  const std::vector<std::string>& names;
  std::string kind;  ///< "cell" or "gene"
  std::string path;  ///< For messages.
};

/// Where each name of `wanted` stands in `from`. Lists that are the same match by position; so do
/// lists of the same length where `wanted` comes from a file without names ("cell0", "cell1", ...).
/// Throws Error{data} where a name is missing, or one of either list stands there twice.
std::vector<std::int64_t> match_names(const NameList& wanted, const NameList& from);

/// The same, but by ids where names stand twice (as gene symbols do) and both files have ids
/// ([n] or empty) that do not.
std::vector<std::int64_t> match_names(const NameList& wanted,
                                      const std::vector<std::string>& wanted_ids,
                                      const NameList& from,
                                      const std::vector<std::string>& from_ids);

}  // namespace maskclass::io
