#include "cli/device_option.h"

namespace maskclass::cli {
namespace {

const std::string kCudaNumber = "cuda:";  // cuda:1

/// What --device takes: an error message, or nothing.
std::string refuse_other_than_device(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return "";
  constexpr std::size_t kMostDigits = 4;
  const bool has_number = text.starts_with(kCudaNumber);
  const std::string number = has_number ? text.substr(kCudaNumber.size()) : "";
  if (!number.empty() && number.size() <= kMostDigits &&
      number.find_first_not_of("0123456789") == std::string::npos) {
    return "";
  }
  return "'" + text + "' is not auto, cpu, cuda or cuda:N with the number of a GPU";
}

}  // namespace

void add_device_option(CLI::App& app, std::string& device) {
  app.add_option("--device", device,
                 "Where to compute: auto (a GPU where it can), cpu, cuda, or cuda:N for one of "
                 "several GPUs")
      ->check(CLI::Validator(refuse_other_than_device, ""));
}

DeviceOptions device_of(const std::string& text) {
  DeviceOptions options;
  if (text == "cpu") options.kind = Device::cpu;
  if (text.starts_with("cuda")) options.kind = Device::cuda;
  if (text.starts_with(kCudaNumber)) options.gpu = std::stoi(text.substr(kCudaNumber.size()));
  return options;
}

}  // namespace maskclass::cli
