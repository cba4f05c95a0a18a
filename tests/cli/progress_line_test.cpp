#include "cli/progress_line.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

using namespace maskclass;
using namespace maskclass::cli;

TEST_CASE("durations") {
  CHECK(duration_text(0) == "0.0 s");
  CHECK(duration_text(-1) == "0.0 s");
  CHECK(duration_text(9.94) == "9.9 s");
  CHECK(duration_text(9.96) == "10 s");
  CHECK(duration_text(59.4) == "59 s");
  CHECK(duration_text(59.6) == "1 min 00 s");
  CHECK(duration_text(185) == "3 min 05 s");
  CHECK(duration_text(3599.6) == "1 h 00 min");
  CHECK(duration_text(7620) == "2 h 07 min");
  CHECK(duration_text(HUGE_VAL) == "very long");
  CHECK(duration_text(std::nan("")) == "very long");
}

TEST_CASE("a line of training") {
  const Progress progress{"train", 120, 300, "epochs", 0.12341};
  CHECK(progress_line(progress, {14.8, 8.1}) ==
        "train  120/300 epochs  loss 0.1234  8.1 epochs/s  22 s left");
  CHECK(progress_line({"train", 300, 300, "epochs", 0.0912}, {37, 8.1}) ==
        "train  300/300 epochs  loss 0.0912  8.1 epochs/s  in 37 s");
  CHECK(progress_line({"train", 0, 300, "epochs", 0}, {}) == "train  0/300 epochs");
}

TEST_CASE("what is unknown is left out") {
  CHECK(progress_line({"read", 12, 0, "MB", 0}, {4, 3}) == "read  12 MB  3.0 MB/s");
  CHECK(progress_line({"read", 12, 0, "MB", 0}, {}) == "read  12 MB");
  CHECK(progress_line({"select genes", 0, 1, "", 0}, {}) == "select genes  0/1");
  CHECK(progress_line({"write", 250, 1000, "cells", 0}, {1, 250}) ==
        "write  250/1000 cells  250 cells/s  3.0 s left");
  CHECK(progress_line({"write", 1, 1000, "cells", 0}, {50, 0.02}) ==
        "write  1/1000 cells  0.02 cells/s  13 h 52 min left");
}

TEST_CASE("the bar fills, and never exceeds the width") {
  const Pace pace{10, 5};
  CHECK(progress_bar({"train", 50, 100, "epochs", 0}, pace, 79) ==
        "train [==============>             ]  50/100 epochs  5.0 epochs/s  10 s left");
  CHECK(progress_bar({"t", 0, 100, "", 0}, {}, 79) == "t [>                           ]  0/100");
  CHECK(progress_bar({"t", 100, 100, "", 0}, {1, 0}, 79) ==
        "t [============================]  100/100  in 1.0 s");
  // More done than announced is a full bar, not an overrun.
  CHECK(progress_bar({"t", 300, 100, "", 0}, {1, 0}, 79) ==
        "t [============================]  300/100  in 1.0 s");
  for (int width = 0; width < 100; ++width) {
    const std::string line = progress_bar({"train", 50, 100, "epochs", 0.5}, pace, width);
    CHECK(static_cast<int>(line.size()) <= width);
  }
  // Too narrow for a bar: words only.
  CHECK(progress_bar({"train", 50, 100, "epochs", 0}, {}, 28) == "train  50/100 epochs");
  CHECK(progress_bar({"train", 50, 0, "epochs", 0}, {}, 79) == "train  50 epochs");
}

TEST_CASE("JSON: one object, one line, null where unknown") {
  const auto object =
      nlohmann::json::parse(progress_json({"train", 120, 300, "epochs", 0.125}, {14.5, 8}));
  CHECK(object == nlohmann::json{{"stage", "train"},
                                 {"done", 120},
                                 {"total", 300},
                                 {"unit", "epochs"},
                                 {"loss", 0.125},
                                 {"elapsed", 14.5}});
  const auto unknown = nlohmann::json::parse(progress_json({"read", 1, 0, "MB", 0}, {}));
  CHECK(unknown["total"].is_null());
  CHECK(unknown["loss"].is_null());
  // JSON has no NaN; what is not UTF-8 is replaced.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(nlohmann::json::parse(progress_json({"train", 1, 2, "", nan}, {}))["loss"].is_null());
  CHECK(nlohmann::json::parse(note_json("a \"b\"\n\xff"))["note"] == "a \"b\"\n\xef\xbf\xbd");
  CHECK(note_json("two\nlines").find('\n') == std::string::npos);
}
