#pragma once

#include <string>

#include "engine/io/evaluation_files.h"

namespace maskclass {

/// The scores as a table for people, several lines, ended by a newline.
std::string evaluation_table(const std::string& path, const EvaluationReport& report,
                             const io::LoadedEvaluation& loaded);

/// The scores as one JSON object on one line, numbers with all their digits; what there is no value
/// for is null or left out.
std::string evaluation_json(const std::string& path, const EvaluationReport& report,
                            const io::LoadedEvaluation& loaded);

}  // namespace maskclass
