#include "wal/chain.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/macros.h"

namespace nokv::wal {
namespace {

constexpr std::string_view kNothingChanged = "nothing was changed; restore the file from a backup";

Status Missing(const std::string& dir, uint64_t segment, const std::string& needed_by) {
  return Status::Corruption(vfs::JoinPath(dir, SegmentFileName(segment)) +
                            ": the segment is missing, and " + needed_by + " needs it")
      .WithHint(kNothingChanged);
}

Status EndedEarly(const std::string& path) {
  return Status::Unavailable("read " + path + ": the read ended before the file does");
}

Result<ChainLink> ReadLink(vfs::FileSystem& fs, const std::string& dir, uint64_t segment) {
  ChainLink link;
  link.path = vfs::JoinPath(dir, SegmentFileName(segment));
  ASSIGN_OR_RETURN(const auto file, fs.OpenRandom(link.path, vfs::ReadMode::kRead));
  char scratch[kSegmentHeaderBytes];
  std::string_view bytes;
  RETURN_IF_ERROR(file->Read(0, sizeof scratch, scratch, &bytes));
  if (bytes.size() < std::min<uint64_t>(sizeof scratch, file->Size())) return EndedEarly(link.path);
  auto header = DecodeSegmentHeader(bytes);
  if (!header.ok()) {
    const Status status = header.status().Prefixed(link.path);
    return status.hint().empty() ? status.WithHint(kNothingChanged) : status;
  }
  link.header = *header;
  if (link.header.segment != segment) {
    return Status::Corruption(link.path + ": the file holds segment " +
                              std::to_string(link.header.segment))
        .WithHint("nothing was changed; give the file the name of its segment");
  }
  if (link.header.resume.segment >= segment) {
    return Status::Corruption(link.path + ": the segment claims to resume at " +
                              ToString(link.header.resume) + ", after itself")
        .WithHint(kNothingChanged);
  }
  return link;
}

// The links from the newest segment back to the one that holds `replay_from`, newest first.
Status WalkBack(vfs::FileSystem& fs, const std::string& dir, LogPosition replay_from,
                const std::set<uint64_t>& present, std::vector<ChainLink>* links) {
  uint64_t segment = *present.rbegin();
  std::optional<uint64_t> limit;
  while (true) {
    ASSIGN_OR_RETURN(ChainLink link, ReadLink(fs, dir, segment));
    link.limit = limit;
    links->push_back(link);
    if (segment == replay_from.segment) return Status::Ok();

    const bool resumed = link.header.resume.segment != 0;
    const uint64_t previous = resumed ? link.header.resume.segment : segment - 1;
    if (previous < replay_from.segment) {
      return Status::Corruption(link.path + ": the log resumes at " + ToString(link.header.resume) +
                                ", before the replay position " + ToString(replay_from))
          .WithHint("nothing was changed; the log and the manifest are not of the same database");
    }
    if (!present.contains(previous)) {
      const bool is_oldest = *present.begin() == segment;
      if (is_oldest && !resumed && replay_from.segment == 0) return Status::Ok();
      return Missing(dir, previous, SegmentFileName(segment));
    }
    limit = resumed ? std::optional<uint64_t>(link.header.resume.offset) : std::nullopt;
    segment = previous;
  }
}

// True if `segment` holds nothing: a file without even a header, or of zeros alone. The log never
// leaves one, but a file system that was repaired after a crash may.
Result<bool> HoldsNothing(vfs::FileSystem& fs, const std::string& dir, uint64_t segment) {
  const std::string path = vfs::JoinPath(dir, SegmentFileName(segment));
  ASSIGN_OR_RETURN(const auto file, fs.OpenRandom(path, vfs::ReadMode::kRead));
  if (file->Size() < kSegmentHeaderBytes) return true;
  char scratch[4096];
  std::string_view bytes;
  for (uint64_t offset = 0; offset < file->Size(); offset += bytes.size()) {
    RETURN_IF_ERROR(file->Read(offset, sizeof scratch, scratch, &bytes));
    if (bytes.empty()) return EndedEarly(path);
    if (bytes.find_first_not_of('\0') != std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

Result<Chain> FindChain(vfs::FileSystem& fs, const std::string& dir, LogPosition replay_from) {
  Chain chain;
  std::set<uint64_t> present;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (const std::string& name : names) {
    uint64_t segment = 0;
    if (ParseSegmentFileName(name, &segment)) present.insert(segment);
  }
  // A newest segment that holds nothing is none; the next one created takes its place.
  while (!present.empty()) {
    ASSIGN_OR_RETURN(const bool nothing, HoldsNothing(fs, dir, *present.rbegin()));
    if (!nothing) break;
    chain.orphans.push_back(SegmentFileName(*present.rbegin()));
    present.erase(std::prev(present.end()));
  }
  if (present.empty() || *present.rbegin() < replay_from.segment) {
    if (replay_from.segment != 0) return Missing(dir, replay_from.segment, "the replay");
  } else {
    chain.highest_segment = *present.rbegin();
    RETURN_IF_ERROR(WalkBack(fs, dir, replay_from, present, &chain.links));
    std::reverse(chain.links.begin(), chain.links.end());
  }

  std::set<uint64_t> live;
  for (const ChainLink& link : chain.links) live.insert(link.header.segment);
  for (const std::string& name : names) {
    uint64_t segment = 0;
    if (ParseTemporaryFileName(name, &segment) ||
        (ParseSegmentFileName(name, &segment) && present.contains(segment) &&
         segment > *live.begin() && !live.contains(segment))) {
      chain.orphans.push_back(name);
    }
  }
  return chain;
}

}  // namespace nokv::wal
