#pragma once

#include <string>

#include "engine/progress.h"

/// How progress reads: pure functions, no clock and no terminal.
namespace maskclass::cli {

/// What is known about the pace of a stage.
struct Pace {
  double elapsed = 0;      ///< Seconds since the stage's first report.
  double units_per_s = 0;  ///< 0 while unknown.
};

/// "22 s", "3 min 05 s", "2 h 07 min".
std::string duration_text(double seconds);

/// One line for a log, without a newline:
///   train  epoch 120/300  loss 0.1234  40000 cells/s  22 s left
/// A finished stage ends in "in 37 s" in place of what is left; a stage of unknown length has
/// neither total nor remaining time; loss and speed are left out while they are unknown.
std::string progress_line(const Progress& progress, const Pace& pace);

/// The same with a bar after the stage's name, at most `width` columns: the bar shrinks first, then
/// goes, then the line is cut.
std::string progress_bar(const Progress& progress, const Pace& pace, int width);

/// One JSON object without a newline: stage, done, total, unit, detail (where there is one), loss,
/// elapsed (seconds in the stage). total is null where unknown, loss is null except while training.
std::string progress_json(const Progress& progress, const Pace& pace);

/// {"note": line}
std::string note_json(const std::string& line);

}  // namespace maskclass::cli
