// The statistics and the manifest as text for people: the output of `nokv stats` and
// `nokv manifest`. Labels and their order are an interface (docs/cli.md).
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "nokv/stats.h"
#include "nokv/status.h"

namespace nokv::console {

// Renders a snapshot document, as StatsToJson and ExtractSnapshot return it: text is a view of the
// JSON, so both say the same also about a server of another version. Keys that are missing count as
// zero. kInvalidArgument if it is no JSON object or a value has another type than documented.
Result<std::string> StatsText(std::string_view snapshot);

std::string ManifestText(const nokv::ManifestStats& manifest);
std::string ValueFilesText(const nokv::ValueFilesStats& values);

}  // namespace nokv::console
