#include "config/cluster_config.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/bytes.h"
#include "config/json_fields.h"

namespace nokv::config {

namespace {

constexpr uint64_t kMaxBytes = 4 << 20;
constexpr size_t kMaxProblems = 50;  // that a message shows
constexpr std::string_view kHex = "hex:";
constexpr uint16_t kMistakes = 2203;

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

const std::string& Or(const std::string& first, const std::string& otherwise) {
  return first.empty() ? otherwise : first;
}

std::string WithId(std::string text, topology::StoreId id) {
  constexpr std::string_view kId = "{id}";
  for (size_t at = text.find(kId); at != std::string::npos; at = text.find(kId, at)) {
    const std::string number = std::to_string(id);
    text.replace(at, kId.size(), number);
    at += number.size();
  }
  return text;
}

// Reads the parts of a file and keeps what is wrong with them.
class FileReader {
 public:
  ParsedClusterConfig Read(std::string_view text) {
    const JsonDocument document = ParseJson(text);
    if (document.root.has_value()) ReadCluster(*document.root);
    if (document.problem.has_value()) parsed_.problems.push_back(*document.problem);
    return std::move(parsed_);
  }

 private:
  void ReadCluster(const JsonValue& value) {
    ClusterConfig& config = parsed_.config;
    JsonFields fields(value, "the description", &parsed_.problems);
    fields.Number("max_retries", &config.max_retries);
    fields.Object("coordinator", [&](const JsonValue& coordinator) {
      ReadCoordinator(coordinator, &config.coordinator.emplace());
    });
    fields.Object("tso", [&](const JsonValue& tso) { ReadTso(tso, &config.tso.emplace()); });
    fields.Text("store_work_dir_template", &config.store_work_dir_template);
    fields.Text("store_docker_work_dir_template", &config.store_docker_work_dir_template);
    config.store_work_dir_template_at = fields.At("store_work_dir_template");
    config.store_docker_work_dir_template_at = fields.At("store_docker_work_dir_template");
    fields.EachObject("stores", [&](const JsonValue& store) { ReadStore(store); });
    fields.EachObject("regions", [&](const JsonValue& region) { ReadRegion(region); });
    fields.Finish();
  }

  void ReadCoordinator(const JsonValue& value, CoordinatorConfig* coordinator) {
    coordinator->at = value.at;
    JsonFields fields(value, "coordinator", &parsed_.problems);
    fields.Text("addr", &coordinator->addr);
    fields.Text("docker_addr", &coordinator->docker_addr);
    fields.Text("work_dir", &coordinator->work_dir);
    fields.Text("docker_work_dir", &coordinator->docker_work_dir);
    fields.Finish();
  }

  void ReadTso(const JsonValue& value, TsoConfig* tso) {
    tso->at = value.at;
    JsonFields fields(value, "tso", &parsed_.problems);
    fields.Text("listen_addr", &tso->listen_addr);
    fields.Text("advertise_url", &tso->advertise_url);
    fields.Finish();
  }

  void ReadStore(const JsonValue& value) {
    StoreConfig& store = parsed_.config.stores.emplace_back();
    store.at = value.at;
    JsonFields fields(value, "a store", &parsed_.problems);
    fields.Number("store_id", &store.id);
    fields.Text("addr", &store.addr);
    fields.Text("listen_addr", &store.listen_addr);
    fields.Text("docker_addr", &store.docker_addr);
    fields.Text("docker_listen_addr", &store.docker_listen_addr);
    fields.Text("work_dir", &store.work_dir);
    fields.Text("docker_work_dir", &store.docker_work_dir);
    fields.Finish();
  }

  void ReadRegion(const JsonValue& value) {
    RegionConfig& region = parsed_.config.regions.emplace_back();
    region.at = value.at;
    JsonFields fields(value, "a region", &parsed_.problems);
    fields.Number("id", &region.region.id);
    ReadKey(fields, "start_key", &region.region.range.start);
    ReadKey(fields, "end_key", &region.region.range.end);
    fields.Object("epoch", [&](const JsonValue& epoch) {
      JsonFields parts(epoch, "an epoch", &parsed_.problems);
      parts.Number("version", &region.region.epoch.version);
      parts.Number("conf_version", &region.region.epoch.conf_version);
      parts.Finish();
    });
    fields.EachObject("peers", [&](const JsonValue& peer) {
      topology::Peer& added = region.region.peers.emplace_back();
      JsonFields parts(peer, "a peer", &parsed_.problems);
      parts.Number("store_id", &added.store);
      parts.Number("peer_id", &added.peer);
      parts.Finish();
    });
    fields.Number("leader_store_id", &region.leader_store);
    fields.Finish();
  }

  void ReadKey(JsonFields& fields, std::string_view name, std::string* key) {
    std::string text;
    if (!fields.Text(name, &text)) return;
    std::optional<std::string> parsed = ParseKey(text);
    if (!parsed.has_value()) {
      parsed_.problems.push_back(
          {fields.At(name), "a region: \"" + std::string(name) +
                                "\" must have pairs of hexadecimal digits behind hex:"});
      return;
    }
    *key = std::move(*parsed);
  }

  ParsedClusterConfig parsed_;
};

Status Mistakes(const std::string& path, std::vector<Problem> problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return a.at < b.at; });
  const auto line = [&](const Problem& problem) {
    return path + ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) +
           ": " + problem.what;
  };
  std::string text = line(problems[0]);
  if (problems.size() > 1) {
    text = std::to_string(problems.size()) + " mistakes in " + path;
    for (size_t i = 0; i < std::min(problems.size(), kMaxProblems); i++) {
      text += "\n  " + line(problems[i]);
    }
    if (problems.size() > kMaxProblems) text += "\n  …";
  }
  return Status::InvalidArgument(text).WithErrorNumber(kMistakes);
}

}  // namespace

std::optional<Scope> ParseScope(std::string_view name) {
  if (name == "host" || name == "local") return Scope::kHost;
  if (name == "docker") return Scope::kDocker;
  return std::nullopt;
}

std::string AddrOf(const StoreConfig& store, Scope scope) {
  return scope == Scope::kDocker ? Or(store.docker_addr, store.addr) : store.addr;
}

std::string ListenAddrOf(const StoreConfig& store, Scope scope) {
  if (scope == Scope::kHost) return Or(store.listen_addr, store.addr);
  return Or(store.docker_listen_addr, Or(store.listen_addr, AddrOf(store, scope)));
}

std::string WorkDirOf(const ClusterConfig& config, const StoreConfig& store, Scope scope) {
  const std::string host = Or(store.work_dir, WithId(config.store_work_dir_template, store.id));
  if (scope == Scope::kHost) return host;
  const std::string docker =
      Or(store.docker_work_dir, WithId(config.store_docker_work_dir_template, store.id));
  return Or(docker, host);
}

std::string AddrOf(const CoordinatorConfig& coordinator, Scope scope) {
  return scope == Scope::kDocker ? Or(coordinator.docker_addr, coordinator.addr) : coordinator.addr;
}

std::string WorkDirOf(const CoordinatorConfig& coordinator, Scope scope) {
  return scope == Scope::kDocker ? Or(coordinator.docker_work_dir, coordinator.work_dir)
                                 : coordinator.work_dir;
}

std::optional<std::string> ParseKey(std::string_view text) {
  if (!text.starts_with(kHex)) return std::string(text);
  const std::string_view digits = text.substr(kHex.size());
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string key;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const std::optional<int> high = HexDigit(digits[i]);
    const std::optional<int> low = HexDigit(digits[i + 1]);
    if (!high.has_value() || !low.has_value()) return std::nullopt;
    key += static_cast<char>(*high << 4 | *low);
  }
  return key;
}

std::string FormatKey(std::string_view key) {
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 127; });
  const bool taken = key == "-" || key.starts_with(kHex);
  return plain && !taken ? std::string(key) : std::string(kHex) + base::HexBytes(key);
}

ParsedClusterConfig ParseClusterConfig(std::string_view text) {
  return FileReader().Read(text);
}

Result<ClusterConfig> LoadFile(vfs::FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadFile(path, kMaxBytes);
  if (!text.ok()) {
    return text.status()
        .Prefixed("the description of the cluster")
        .WithHint("name a file that is there and that this user may read: --config FILE");
  }
  ParsedClusterConfig parsed = ParseClusterConfig(*text);
  // What was not understood would only be found missing.
  if (parsed.problems.empty() || parsed.config.stores.size() + parsed.config.regions.size() > 0) {
    std::vector<Problem> problems = Validate(parsed.config);
    parsed.problems.insert(parsed.problems.end(), problems.begin(), problems.end());
  }
  if (!parsed.problems.empty()) return Mistakes(path, std::move(parsed.problems));
  return std::move(parsed.config);
}

}  // namespace nokv::config
