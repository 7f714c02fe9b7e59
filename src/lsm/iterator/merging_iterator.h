// Merges sorted cursors into one. Internal keys are unique across the children of one database, so
// the order needs no tie-break; equal keys come out in the order of `children`.
#pragma once

#include <memory>
#include <vector>

#include "lsm/iterator/internal_iterator.h"

namespace nokv::lsm {

// Fails (invalid, status()) as soon as a child fails, so that an error never looks like an end.
std::unique_ptr<InternalIterator> NewMergingIterator(
    std::vector<std::unique_ptr<InternalIterator>> children);

}  // namespace nokv::lsm
