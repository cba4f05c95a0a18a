#pragma once

#include <cstdint>
#include <string>

namespace maskclass {

/// 13714 to "13,714", for messages.
std::string with_thousands(std::int64_t number);
/// 1 and "cell" to "1 cell", 2000 and "cell" to "2,000 cells".
std::string counted(std::int64_t number, const std::string& noun);

}  // namespace maskclass
