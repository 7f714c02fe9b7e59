// What a node of the metadata root shows of itself: the document "nokv_meta_root" of /debug/vars,
// and its metrics. docs/meta-root.md lists both.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "metaroot/wire/wire.h"
#include "metrics/text_writer.h"

namespace nokv::console {

// Keys and nesting are an interface: keys may be added, none renamed or removed. `address` is where
// clients reach the node.
std::string MetaRootToJson(const metaroot::NodeStatus& status, const std::string& address);

void WriteMetaRoot(metrics::TextWriter& out, const metaroot::NodeStatus& status);

}  // namespace nokv::console
