#include "sim/gateway/redis_model.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "redis/number.h"
#include "redis/script/sha1.h"

namespace nokv::sim {

const char kRunAllScript[] = R"(local at = 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return #ARGV)";

namespace {

// What follows an error of a command in the script.
std::string ScriptPosition() {
  const redis::Sha1Text sha = redis::Sha1(kRunAllScript);
  return " script: " + std::string(sha.begin(), sha.end()) + ", on @user_script:4.";
}

std::string Quoted(const HeldValue* value) {
  return value == nullptr ? "(nil)" : "\"" + base::EscapeBytes(value->data) + "\"";
}

std::string Number(uint64_t number) {
  return ":" + std::to_string(number);
}

std::string List(const std::vector<std::string>& parts) {
  std::string out = "[";
  for (const std::string& part : parts) out += (out.size() == 1 ? "" : ", ") + part;
  return out + "]";
}

std::string Shown(const KeyName& name) {
  return "key \"" + name.second + "\" of database " + std::to_string(name.first);
}

// How many keys differ, and in which way the first; 0 and empty if none does.
std::pair<size_t, std::string> Compare(const Content& wanted, const Content& found,
                                       uint64_t now_ms) {
  size_t count = 0;
  std::string first;
  const auto differs = [&](std::string how) {
    if (count++ == 0) first = std::move(how);
  };
  for (const auto& [name, value] : wanted) {
    if (!value.LiveAt(now_ms)) continue;
    const auto it = found.find(name);
    if (it == found.end()) {
      differs(Shown(name) + " is missing");
    } else if (!(it->second == value)) {
      differs(Shown(name) + " holds \"" + it->second.data.substr(0, 20) + "\" until " +
              std::to_string(it->second.expiry_ms) + ", not \"" + value.data.substr(0, 20) +
              "\" until " + std::to_string(value.expiry_ms));
    }
  }
  for (const auto& [name, value] : found) {
    const auto it = wanted.find(name);
    if (it == wanted.end() || !it->second.LiveAt(now_ms)) {
      differs(Shown(name) + " is there and must not be");
    }
  }
  return {count, first};
}

}  // namespace

const std::map<std::string, RedisModel::Function>& RedisModel::functions() {
  static const std::map<std::string, Function> all = {
      {"SELECT", &RedisModel::Select},    {"GET", &RedisModel::Get},
      {"SET", &RedisModel::Set},          {"APPEND", &RedisModel::Append},
      {"INCR", &RedisModel::Increment},   {"MGET", &RedisModel::GetMany},
      {"MSET", &RedisModel::SetMany},     {"DEL", &RedisModel::Delete},
      {"PEXPIRE", &RedisModel::ExpireIn}, {"PERSIST", &RedisModel::Persist},
      {"RENAME", &RedisModel::Rename},    {"DBSIZE", &RedisModel::CountKeys},
      {"FLUSHDB", &RedisModel::Flush},    {"EVAL", &RedisModel::RunAll},
      {"WATCH", &RedisModel::Watch}};
  return all;
}

std::string RedisModel::Execute(Client& client, const Words& words, uint64_t now_ms) {
  now_ms_ = now_ms;
  changed_ = false;
  std::string reply;
  if (words[0] == "MULTI") {
    client.multi = true;
    reply = "+OK";
  } else if (words[0] == "EXEC") {
    reply = RunQueued(client);
  } else if (client.multi) {
    client.queued.push_back(words);
    reply = "+QUEUED";
  } else {
    reply = Run(client, words);
  }
  if (changed_) history_.push_back({content_, now_ms_});
  return reply;
}

std::string RedisModel::Run(Client& client, const Words& words) {
  return (this->*functions().at(words[0]))(client, words);
}

std::string RedisModel::RunQueued(Client& client) {
  const bool refused = WatchedHasChanged(client);
  const auto queued = std::exchange(client.queued, {});
  client.multi = false;
  client.watched.clear();
  if (refused) return "(nil)";
  std::vector<std::string> replies;
  for (const Words& words : queued) replies.push_back(Run(client, words));
  return List(replies);
}

bool RedisModel::WatchedHasChanged(const Client& client) const {
  return std::any_of(client.watched.begin(), client.watched.end(), [this](const auto& entry) {
    const auto& [name, watched] = entry;
    const auto writes = writes_.find(name);
    if (writes != writes_.end() && writes->second != watched.writes) return true;
    return watched.live && Find(name) == nullptr;  // it has expired
  });
}

std::string RedisModel::Watch(Client& client, const Words& words) {
  for (size_t i = 1; i < words.size(); i++) {
    const KeyName name(client.db, words[i]);
    client.watched.try_emplace(name, Client::Watched{writes_[name], Find(name) != nullptr});
  }
  return "+OK";
}

std::string RedisModel::Select(Client& client, const Words& words) {
  client.db = static_cast<int>(*redis::ParseInt64(words[1]));
  return "+OK";
}

std::string RedisModel::Get(Client& client, const Words& words) {
  return Quoted(Find({client.db, words[1]}));
}

std::string RedisModel::Set(Client& client, const Words& words) {
  HeldValue value{words[2], 0};
  if (words.size() > 3 && words[3] == "NX" && Find({client.db, words[1]}) != nullptr) {
    return "(nil)";
  }
  if (words.size() > 4) value.expiry_ms = now_ms_ + std::stoull(words[4]);  // PX
  Put({client.db, words[1]}, std::move(value));
  return "+OK";
}

std::string RedisModel::Append(Client& client, const Words& words) {
  const KeyName name(client.db, words[1]);
  const HeldValue* old = Find(name);
  HeldValue value = old == nullptr ? HeldValue() : *old;
  value.data += words[2];
  const size_t length = value.data.size();
  Put(name, std::move(value));
  return Number(length);
}

std::string RedisModel::Increment(Client& client, const Words& words) {
  const KeyName name(client.db, words[1]);
  const HeldValue* old = Find(name);
  HeldValue value = old == nullptr ? HeldValue{"0", 0} : *old;
  const std::optional<int64_t> number = redis::ParseInt64(value.data);
  if (!number.has_value()) return "-ERR value is not an integer or out of range";
  value.data = std::to_string(*number + 1);
  Put(name, std::move(value));
  return ":" + std::to_string(*number + 1);
}

std::string RedisModel::GetMany(Client& client, const Words& words) {
  std::vector<std::string> values;
  for (size_t i = 1; i < words.size(); i++) values.push_back(Quoted(Find({client.db, words[i]})));
  return List(values);
}

std::string RedisModel::SetMany(Client& client, const Words& words) {
  for (size_t i = 1; i < words.size(); i += 2) Put({client.db, words[i]}, {words[i + 1], 0});
  return "+OK";
}

std::string RedisModel::Delete(Client& client, const Words& words) {
  uint64_t count = 0;
  for (size_t i = 1; i < words.size(); i++) count += Erase({client.db, words[i]}) ? 1 : 0;
  return Number(count);
}

std::string RedisModel::ExpireIn(Client& client, const Words& words) {
  const KeyName name(client.db, words[1]);
  const HeldValue* old = Find(name);
  if (old == nullptr) return Number(0);
  const int64_t delay_ms = *redis::ParseInt64(words[2]);
  if (delay_ms <= 0) {
    Erase(name);
  } else {
    Put(name, {old->data, now_ms_ + static_cast<uint64_t>(delay_ms)});
  }
  return Number(1);
}

std::string RedisModel::Persist(Client& client, const Words& words) {
  const KeyName name(client.db, words[1]);
  const HeldValue* old = Find(name);
  if (old == nullptr || old->expiry_ms == 0) return Number(0);
  Put(name, {old->data, 0});
  return Number(1);
}

std::string RedisModel::Rename(Client& client, const Words& words) {
  const KeyName from(client.db, words[1]);
  const HeldValue* old = Find(from);
  if (old == nullptr) return "-ERR no such key";
  Put({client.db, words[2]}, *old);
  Erase(from);
  return "+OK";
}

std::string RedisModel::CountKeys(Client& client, const Words& /*words*/) {
  uint64_t count = 0;
  for (const auto& [name, value] : content_) {
    count += name.first == client.db && value.LiveAt(now_ms_) ? 1 : 0;
  }
  return Number(count);
}

std::string RedisModel::Flush(Client& client, const Words& /*words*/) {
  std::vector<KeyName> names;
  for (const auto& [name, value] : content_) {
    if (name.first == client.db) names.push_back(name);
  }
  for (const KeyName& name : names) Erase(name);
  return "+OK";
}

std::string RedisModel::RunAll(Client& client, const Words& words) {
  constexpr size_t kFirst = 3;  // behind the script and the number of keys
  for (size_t at = kFirst; at < words.size();) {
    const size_t length = std::stoull(words[at++]);
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(at);
    const std::string reply =
        Run(client, Words(begin, begin + static_cast<std::ptrdiff_t>(length)));
    if (reply[0] == '-') return reply + ScriptPosition();  // what it wrote stays
    at += length;
  }
  return Number(words.size() - kFirst);
}

const HeldValue* RedisModel::Find(const KeyName& name) const {
  const auto found = content_.find(name);
  return found != content_.end() && found->second.LiveAt(now_ms_) ? &found->second : nullptr;
}

void RedisModel::Put(const KeyName& name, HeldValue value) {
  content_[name] = std::move(value);
  writes_[name]++;
  changed_ = true;
}

bool RedisModel::Erase(const KeyName& name) {
  const bool live = Find(name) != nullptr;
  content_.erase(name);
  if (!live) return false;
  writes_[name]++;
  changed_ = true;
  return true;
}

uint64_t RedisModel::LastMadeBy(uint64_t end_ms) const {
  uint64_t number = last();
  while (number > 0 && history_[number].made_ms > end_ms) number--;
  return number;
}

std::string RedisModel::Check(const Content& found, uint64_t least, uint64_t now_ms) const {
  std::string nearest;
  size_t fewest = SIZE_MAX;
  for (uint64_t number = last() + 1; number-- > 0;) {
    const auto [count, first] = Compare(history_[number].content, found, now_ms);
    if (count == 0) {
      if (number >= least) return "";
      return "it holds " + std::to_string(number) + " changes of " + std::to_string(last()) +
             ", but " + std::to_string(least) + " must survive";
    }
    if (count >= fewest) continue;
    fewest = count;
    nearest = "it holds what no moment held; after change " + std::to_string(number) + " of " +
              std::to_string(last()) + " (" + std::to_string(least) + " must survive) " + first +
              ", one of " + std::to_string(count) + " keys";
  }
  return nearest;
}

}  // namespace nokv::sim
