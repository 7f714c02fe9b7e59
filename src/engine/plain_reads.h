// Reads in terms of plain user keys, for DB and its transactions.
//
// Thread safety: functions may be called by any thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "engine/engine.h"
#include "nokv/iterator.h"
#include "nokv/options.h"
#include "nokv/value.h"

namespace nokv::engine {

Result<std::optional<Value>> GetPlain(Engine& engine, const ReadView& view, std::string_view key);
// As GetPlain, without a copy.
Result<std::optional<PinnedValue>> GetPinnedPlain(Engine& engine, const ReadView& view,
                                                  std::string_view key);
// As GetPlain for each key, all from one state.
Result<std::vector<std::optional<Value>>> MultiGetPlain(Engine& engine, const ReadView& view,
                                                        std::span<const std::string_view> keys);
// Never null. The snapshot is the view's, not that of `options`.
std::unique_ptr<Iterator> NewPlainIterator(Engine& engine, const ReadView& view,
                                           const IteratorOptions& options);
// An iterator that is never valid.
std::unique_ptr<Iterator> NewFailedIterator(Status status);

}  // namespace nokv::engine
