#include "engine/error.h"

#include <system_error>

namespace maskclass {

Error usage_error(const std::string& message) {
  return {ErrorKind::usage, message};
}
Error data_error(const std::string& message) {
  return {ErrorKind::data, message};
}
std::string system_message(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace maskclass
