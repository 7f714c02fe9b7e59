#include "vfs/memory_file_data.h"

#include "base/random.h"

namespace nokv::vfs {
namespace {

// What a disk writes in one piece.
constexpr uint64_t kSectorBytes = 512;

// Writes those sectors of `bytes` that survive: `keep_of_8` of 8 on average.
void WriteSurvivors(base::Random& random, uint64_t keep_of_8, uint64_t offset,
                    std::string_view bytes, Content* content) {
  while (!bytes.empty()) {
    const size_t count =
        static_cast<size_t>(std::min<uint64_t>(bytes.size(), kSectorBytes - offset % kSectorBytes));
    if (random.Uniform(8) < keep_of_8) content->Write(offset, bytes.substr(0, count));
    bytes.remove_prefix(count);
    offset += count;
  }
}

}  // namespace

void FileData::Write(uint64_t offset, std::string_view bytes) {
  current_.Write(offset, bytes);
  changes_.push_back({offset, std::make_shared<const std::string>(bytes)});
  NoteSize();
}

void FileData::Resize(uint64_t size) {
  current_.Resize(size);
  changes_.push_back({size, nullptr});
  NoteSize();
}

void FileData::Sync() {
  durable_ = current_;
  ForgetChanges();
}

Content FileData::AfterCrash(MemoryFileSystem::Loss loss, uint64_t seed) const {
  if (loss == MemoryFileSystem::Loss::kNothing || changes_.empty()) return current_;
  if (loss == MemoryFileSystem::Loss::kEverything) return durable_;
  base::Random random(seed);
  // Uniform coins alone would hardly ever keep or lose a long run of sectors.
  constexpr uint64_t kKeepOf8[] = {0, 1, 4, 7, 8};
  const uint64_t keep_of_8 = kKeepOf8[random.Uniform(std::size(kKeepOf8))];
  Content content = durable_;
  for (const Change& change : changes_) {
    if (change.bytes != nullptr) {
      WriteSurvivors(random, keep_of_8, change.offset, *change.bytes, &content);
    } else if (random.Uniform(8) < keep_of_8) {
      content.Resize(change.offset);
    }
  }
  const uint64_t sizes[] = {shortest_, longest_, current_.size(),
                            shortest_ + random.Uniform(longest_ - shortest_ + 1)};
  content.Resize(sizes[random.Uniform(std::size(sizes))]);
  return content;
}

void FileData::ForgetChanges() {
  changes_.clear();
  shortest_ = longest_ = current_.size();
}

void FileData::NoteSize() {
  shortest_ = std::min(shortest_, current_.size());
  longest_ = std::max(longest_, current_.size());
}

}  // namespace nokv::vfs
