#pragma once

#include <stdexcept>
#include <string>

namespace maskclass {

/// What a caller can do about an error; the program's exit code follows from it.
enum class ErrorKind {
  usage,      ///< The request makes no sense: change the options.
  data,       ///< An input or output file is not as it must be.
  device,     ///< The compute device cannot do the job.
  cancelled,  ///< The caller asked to stop.
};

/// The one exception that the engine throws. The message says what is wrong, where (file, line,
/// cell or gene) and what to do about it; it ends without a newline.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// Shorthands: `throw data_error("...")`.
Error usage_error(const std::string& message);
Error data_error(const std::string& message);

/// What the system calls an errno: "No such file or directory".
std::string system_message(int error_number);

}  // namespace maskclass
