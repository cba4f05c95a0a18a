#include "cli/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace maskclass::cli {
namespace {

bool is_finished(const Progress& progress) {
  return progress.total > 0 && progress.done >= progress.total;
}

/// Three digits or so: "8.1", "120", "41k", "3.9M".
std::string speed_text(double speed) {
  if (speed >= 1e6) return fmt::format("{:.1f}M", speed * 1e-6);
  if (speed >= 1e4) return fmt::format("{:.0f}k", speed * 1e-3);
  if (speed >= 100) return fmt::format("{:.0f}", speed);
  if (speed >= 1) return fmt::format("{:.1f}", speed);
  return fmt::format("{:.2g}", speed);
}

/// "120/300 files  8.1 files/s  22 s left", or with a detail in place of the numbers:
/// "epoch 120/300  loss 0.1234  40000 cells/s  22 s left"
std::string details(const Progress& progress, const Pace& pace) {
  std::string text = progress.detail;
  if (text.empty()) {
    text = fmt::format("{}", progress.done);
    if (progress.total > 0) text += fmt::format("/{}", progress.total);
    if (!progress.unit.empty()) text += " " + progress.unit;
  }
  if (progress.loss != 0) text += fmt::format("  loss {:.4g}", progress.loss);
  if (pace.units_per_s > 0) {
    text += fmt::format("  {}{}/s", speed_text(pace.units_per_s),
                        progress.unit.empty() ? "" : " " + progress.unit);
  }
  if (is_finished(progress)) {
    text += "  in " + duration_text(pace.elapsed);
  } else if (progress.total > 0 && pace.units_per_s > 0) {
    const auto units_left = static_cast<double>(progress.total - progress.done);
    text += "  " + duration_text(units_left / pace.units_per_s) + " left";
  }
  return text;
}

/// "[=====>    ]" of `columns` in all.
std::string bar_text(const Progress& progress, int columns) {
  const int cells = columns - 2;
  const double fraction =
      std::clamp(static_cast<double>(progress.done) / static_cast<double>(progress.total), 0., 1.);
  const int filled = static_cast<int>(fraction * cells);
  std::string bar(cells, ' ');
  std::fill_n(bar.begin(), filled, '=');
  if (filled < cells) bar[filled] = '>';
  return "[" + bar + "]";
}

}  // namespace

std::string duration_text(double seconds) {
  constexpr double kLongest = 1e9;  // 30 years: whatever is longer is not worth telling apart
  if (!(seconds < kLongest)) return "very long";
  if (seconds < 9.95) return fmt::format("{:.1f} s", std::max(0.0, seconds));
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_line(const Progress& progress, const Pace& pace) {
  return progress.stage + "  " + details(progress, pace);
}

std::string progress_bar(const Progress& progress, const Pace& pace, int width) {
  constexpr int kLongestBar = 30;
  constexpr int kShortestBar = 8;
  const std::string text = details(progress, pace);
  const int room = width - static_cast<int>(progress.stage.size() + text.size()) - 3;
  std::string line = progress_line(progress, pace);
  if (progress.total > 0 && room >= kShortestBar) {
    line = progress.stage + " " + bar_text(progress, std::min(room, kLongestBar)) + "  " + text;
  }
  return line.substr(0, std::max(0, width));
}

std::string progress_json(const Progress& progress, const Pace& pace) {
  nlohmann::ordered_json object;
  object["stage"] = progress.stage;
  object["done"] = progress.done;
  object["total"] = nullptr;
  object["unit"] = progress.unit;
  if (!progress.detail.empty()) object["detail"] = progress.detail;
  object["loss"] = nullptr;
  object["elapsed"] = std::round(pace.elapsed * 1000) / 1000;
  if (progress.total > 0) object["total"] = progress.total;
  if (progress.loss != 0) object["loss"] = progress.loss;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string note_json(const std::string& line) {
  return nlohmann::json{{"note", line}}.dump(-1, ' ', false,
                                             nlohmann::json::error_handler_t::replace);
}

}  // namespace maskclass::cli
