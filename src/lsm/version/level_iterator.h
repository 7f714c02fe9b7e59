// LevelIterator: one cursor over the tables of a level in which no two overlap, or over one table.
// A table is opened and read only when the cursor comes to it.
#pragma once

#include <memory>
#include <span>

#include "lsm/iterator/internal_iterator.h"
#include "lsm/version/file_handle.h"

namespace nokv::lsm {

// `files`, sorted by key, must outlive the cursor. `end` is as that of Table::NewIterator, but
// copied; tables that begin at it or behind are not opened on the way forward.
std::unique_ptr<InternalIterator> NewLevelIterator(
    std::span<const std::shared_ptr<const FileHandle>> files, bool fill_cache,
    std::string_view end = {});

}  // namespace nokv::lsm
