#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "engine/device/device.h"

namespace maskclass::cli {

/// Adds --device, which takes auto, cpu, cuda or cuda:N.
void add_device_option(CLI::App& app, std::string& device);

/// What such a text says of the device: its kind and number.
DeviceOptions device_of(const std::string& text);

}  // namespace maskclass::cli
