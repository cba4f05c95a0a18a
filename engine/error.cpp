#include "engine/error.h"

namespace maskclass {

Error usage_error(const std::string& message) {
  return {ErrorKind::usage, message};
}
Error data_error(const std::string& message) {
  return {ErrorKind::data, message};
}

}  // namespace maskclass
