#include "server/root_identity.h"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/checked_line.h"
#include "base/macros.h"

namespace nokv::server {

namespace {

constexpr std::string_view kFormName = "nokv-root-identity";
constexpr uint64_t kMaxFileBytes = 16 << 10;
constexpr size_t kMaxNodes = 64;

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string NodeName(uint64_t node) {
  return "node " + std::to_string(node);
}

Status AnotherCluster(const std::string& who, uint64_t theirs, const std::string& whom,
                      uint64_t ours) {
  return Status::FailedPrecondition(who + " is of cluster " + std::to_string(theirs) + ", and " +
                                    whom + " of cluster " + std::to_string(ours))
      .WithHint("one of the two has the directory of another cluster: give it back its own")
      .WithErrorNumber(2305);
}

Status AnotherDirectory(const std::string& what) {
  return Status::FailedPrecondition(what)
      .WithHint("give it back the directory that it had; the other two nodes go on without it")
      .WithErrorNumber(2306);
}

}  // namespace

std::string EncodeKnown(const Known& known) {
  std::string line = "incarnation " + std::to_string(known.incarnation) + " cluster " +
                     std::to_string(known.cluster) + " nodes";
  for (const auto& [node, incarnation] : known.nodes) {
    line += " " + std::to_string(node) + "=" + std::to_string(incarnation);
  }
  return line;
}

Result<Known> DecodeKnown(std::string_view line) {
  const Status bad = Status::InvalidArgument("it does not say who it is");
  const std::vector<std::string_view> words = Words(line);
  if (words.size() < 5 || words.size() > 5 + kMaxNodes || words[0] != "incarnation" ||
      words[2] != "cluster" || words[4] != "nodes") {
    return bad;
  }
  const std::optional<uint64_t> incarnation = Number(words[1]);
  const std::optional<uint64_t> cluster = Number(words[3]);
  if (!incarnation.has_value() || *incarnation == 0 || !cluster.has_value()) return bad;
  Known known = {.incarnation = *incarnation, .cluster = *cluster, .nodes = {}};
  for (size_t i = 5; i < words.size(); i++) {
    const size_t equals = std::min(words[i].find('='), words[i].size());
    const std::optional<uint64_t> node = Number(words[i].substr(0, equals));
    const std::optional<uint64_t> value =
        Number(words[i].substr(std::min(equals + 1, words[i].size())));
    if (!node.has_value() || !value.has_value()) return bad;
    known.nodes[*node] = *value;
  }
  return known;
}

Result<std::shared_ptr<RootIdentity>> RootIdentity::Open(const RootIdentityOptions& options,
                                                         vfs::FileSystem& fs,
                                                         runtime::Runtime& runtime,
                                                         base::Logger& logger,
                                                         std::function<void(const Status&)> lost) {
  std::shared_ptr<RootIdentity> identity(
      new RootIdentity(options, fs, runtime, logger, std::move(lost)));
  RETURN_IF_ERROR(identity->Load());
  return identity;
}

RootIdentity::RootIdentity(const RootIdentityOptions& options, vfs::FileSystem& fs,
                           runtime::Runtime& runtime, base::Logger& logger,
                           std::function<void(const Status&)> lost)
    : options_(options), fs_(fs), runtime_(runtime), logger_(logger), lost_(std::move(lost)) {}

Status RootIdentity::Load() {
  const std::string path = vfs::JoinPath(options_.workdir, kRootIdentityName);
  ASSIGN_OR_RETURN(const bool exists, fs_.Exists(path));
  Known known = {.incarnation = options_.incarnation, .cluster = 0, .nodes = {}};
  if (exists) {
    ASSIGN_OR_RETURN(const std::string content, fs_.ReadFile(path, kMaxFileBytes));
    ASSIGN_OR_RETURN(const std::string_view line,
                     base::DecodeCheckedLine(content, kFormName, path));
    auto decoded = DecodeKnown(line);
    if (!decoded.ok()) return base::CheckedLineDamage(path, decoded.status().message());
    known = *std::move(decoded);
  } else {
    RETURN_IF_ERROR(Write(known));
  }
  const base::MutexLock lock(mu_);
  known_ = durable_ = std::move(known);
  return Status::Ok();
}

Status RootIdentity::Write(const Known& known) const {
  return vfs::WriteFileAtomically(fs_, vfs::JoinPath(options_.workdir, kRootIdentityName),
                                  base::EncodeCheckedLine(EncodeKnown(known), kFormName));
}

void RootIdentity::SetNew() {
  const base::MutexLock lock(mu_);
  is_new_ = true;
}

Status RootIdentity::SetCluster(uint64_t cluster) {
  const base::MutexLock lock(mu_);
  if (known_.cluster != 0 && known_.cluster != cluster) {
    return AnotherCluster("the raft log", cluster,
                          vfs::JoinPath(options_.workdir, kRootIdentityName), known_.cluster);
  }
  known_.cluster = cluster;
  is_new_ = false;
  SaveLocked();
  return Status::Ok();
}

Status RootIdentity::problem() const {
  const base::MutexLock lock(mu_);
  for (const auto& [node, problem] : problems_) {
    if (!problem.ok()) return problem;
  }
  return Status::Ok();
}

std::string RootIdentity::Greeting() const {
  const base::MutexLock lock(mu_);
  // That another is remembered is a promise, so it is said when it is durable.
  return EncodeKnown({known_.incarnation, known_.cluster, durable_.nodes});
}

Status RootIdentity::Greeted(transport::NodeId from, std::string_view greeting) {
  auto other = DecodeKnown(greeting);
  Status judged = other.status();
  bool tell = false;
  {
    const base::MutexLock lock(mu_);
    const bool was_lost = is_lost_;
    unsaved_.erase(from);
    if (judged.ok()) judged = JudgeLocked(from, *other);
    tell = is_lost_ && !was_lost;
    problems_[from] = judged;
  }
  if (tell) lost_(judged);
  return judged;
}

Status RootIdentity::JudgeLocked(uint64_t from, const Known& other) {
  if (known_.cluster != 0 && other.cluster != 0 && known_.cluster != other.cluster) {
    return AnotherCluster(NodeName(from), other.cluster, "this node", known_.cluster);
  }
  const auto self = other.nodes.find(options_.node);
  if (is_lost_ || (self != other.nodes.end() && self->second != known_.incarnation)) {
    is_lost_ = true;
    return AnotherDirectory(NodeName(from) + " knows this node, " + std::to_string(options_.node) +
                            ", by another directory than " + options_.workdir +
                            ", with what it has promised");
  }
  const auto remembered = known_.nodes.find(from);
  if (remembered != known_.nodes.end() && remembered->second != other.incarnation) {
    return AnotherDirectory(NodeName(from) +
                            " has another directory than it had, without what it has promised");
  }
  known_.nodes[from] = other.incarnation;
  for (const auto& [node, incarnation] : other.nodes) {
    if (options_.others.contains(node)) known_.nodes.emplace(node, incarnation);
  }
  SaveLocked();
  if (self != other.nodes.end()) known_to_.insert(from);
  if (!durable_.nodes.contains(from)) {
    unsaved_.insert(from);
    return Status::Unavailable("this node is about to remember " + NodeName(from));
  }
  return JoinLocked(from, other);
}

Status RootIdentity::JoinLocked(uint64_t from, const Known& other) {
  if (!is_new_) return Status::Ok();
  if (other.cluster == 0) {
    is_new_ = false;  // they found one together
    return Status::Ok();
  }
  for (const uint64_t node : options_.others) {
    if (known_to_.contains(node)) continue;
    return Status::Unavailable("this node is new to the cluster of " + NodeName(from) +
                               " and waits until " + NodeName(node) + " knows it, too");
  }
  is_new_ = false;
  return Status::Ok();
}

void RootIdentity::SaveLocked() {
  if (saving_ || known_ == durable_) return;
  saving_ = true;
  runtime_.Post(runtime::Lane::kFlush, [self = shared_from_this()] { self->Save(); });
}

void RootIdentity::Save() {
  Known known;
  {
    const base::MutexLock lock(mu_);
    known = known_;
  }
  const Status written = Write(known);
  if (!written.ok()) logger_.Warning("who the nodes are is not remembered: " + written.ToString());
  const base::MutexLock lock(mu_);
  saving_ = false;
  if (!written.ok()) return;  // the next greeting tries again
  durable_ = std::move(known);
  // Its next greeting is listened to; until then others may be what is in the way.
  for (const auto& [node, incarnation] : durable_.nodes) {
    if (unsaved_.erase(node) > 0) problems_.erase(node);
  }
  SaveLocked();
}

}  // namespace nokv::server
