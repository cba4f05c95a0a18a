#include <cmath>
#include <limits>
#include <string>

#include "engine/denoise.h"
#include "engine/error.h"

namespace maskclass {
namespace {

std::string text_of(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

/// A NaN is outside every range.
void check_range(const char* option, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw usage_error(std::string(option) + " is " + text_of(value) + ", but must be between " +
                    text_of(low) + " and " + text_of(high));
}

void check_not_negative(const char* option, double value) {
  if (value >= 0 && std::isfinite(value)) return;
  throw usage_error(std::string(option) + " is " + text_of(value) +
                    ", but must be a finite number that is not negative");
}

void check_positive(const char* option, double value) {
  if (value > 0 && std::isfinite(value)) return;
  throw usage_error(std::string(option) + " is " + text_of(value) + ", but must be above 0");
}

}  // namespace

void check_spread(const DenoiseOptions& options) {
  if (options.observed == Observed::replicate) {
    throw usage_error(
        "sd, q05 and q95 are of what the cell held, which --observed replicate does not write");
  }
  if (options.ensemble > 1 || options.calibrated) return;
  throw usage_error(
      "sd, q05 and q95 need several networks, or a posterior: add --ensemble 5, or "
      "--variant calibrated");
}

void check_options(const DenoiseOptions& options) {
  if (options.observed == Observed::posterior && !options.calibrated) {
    throw usage_error(
        "--observed posterior needs --variant calibrated, which restores the library sizes");
  }
  if (options.observed == Observed::replicate && !options.calibrated) {
    throw usage_error("--observed replicate needs --variant calibrated, whose model it is of");
  }
  constexpr double kMostUnits = 4096;
  const TrainingOptions& training = options.training;
  const Winsorising& quantiles = options.preprocess.quantiles;
  check_range("--low-quantile", quantiles.low, 0, 1);
  check_range("--high-quantile", quantiles.high, quantiles.low, 1);
  check_range("--alpha", options.alpha, 0, 1);
  check_range("--hidden", options.hidden, 1, kMostUnits);
  check_range("--latent", options.latent, 1, kMostUnits);
  constexpr double kMostNetworks = 1000;
  check_range("--ensemble", options.ensemble, 1, kMostNetworks);
  check_range("--epochs", options.n_epochs, 0, 1e9);
  check_range("--batch-size", training.batch_size, 1, 65536);
  check_range("--mask-zero", training.mask_zero, 0, 1);
  check_range("--mask-nonzero", training.mask_nonzero, 0, 1);
  check_range("--noise", training.noise, 0, 1e6);
  check_not_negative("--weight-zero", training.zero_weight);
  check_not_negative("--weight-nonzero", training.nonzero_weight);
  check_not_negative("--gamma", training.biozero_weight);
  check_positive("--lr", training.learning_rate);
  // The kernels hold it as a float and treat denormal numbers as zero.
  check_range("--adam-epsilon", training.epsilon, std::numeric_limits<float>::min(), 1);
  constexpr double kBelowOne = 1 - std::numeric_limits<double>::epsilon();
  check_range("--beta1", training.beta1, 0, kBelowOne);
  check_range("--beta2", training.beta2, 0, kBelowOne);
  check_device(options.device);
}

}  // namespace maskclass
