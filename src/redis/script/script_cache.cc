#include "redis/script/script_cache.h"

#include <utility>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/script/sha1.h"

namespace nokv::redis {

namespace {

std::string ShaOf(std::string_view text) {
  const Sha1Text sha = Sha1(text);
  return {sha.data(), sha.size()};
}

}  // namespace

std::shared_ptr<Script> ScriptCache::Find(std::string_view sha) {
  auto found = by_sha_.find(sha);
  if (found == by_sha_.end()) found = by_sha_.find(LowerCase(sha));
  if (found == by_sha_.end()) return nullptr;
  Order& order = order_[Index(found->second->kind)];
  order.splice(order.begin(), order, found->second);
  return found->second->script;
}

Result<std::shared_ptr<Script>> ScriptCache::Compile(std::string_view text) {
  ASSIGN_OR_RETURN(const ScriptHeader header, ParseScriptHeader(text));
  const auto function = engine_.Compile(text.substr(header.body_begin));
  if (!function.ok()) {
    return Status::InvalidArgument("Error compiling script (new function): " +
                                   std::string(function.status().message()));
  }
  return std::make_shared<Script>(engine_, ShaOf(text), std::string(text), header, *function);
}

Result<std::shared_ptr<Script>> ScriptCache::Add(std::string_view text, Kind kind) {
  const auto found = by_sha_.find(ShaOf(text));
  if (found != by_sha_.end() && (found->second->kind == kind || kind == Kind::kEvaluated)) {
    return Find(found->first);
  }
  const bool fits = text.size() <= room_[Index(kind)].bytes;
  if (!fits && kind == Kind::kLoaded) {
    return Status::ResourceExhausted("a script of " + std::to_string(text.size()) +
                                     " bytes is larger than the cache of scripts");
  }
  ASSIGN_OR_RETURN(std::shared_ptr<Script> script, Compile(text));
  if (found != by_sha_.end()) Remove(found->second);
  if (fits) Insert(script, kind);
  return script;
}

void ScriptCache::Insert(std::shared_ptr<Script> script, Kind kind) {
  const size_t index = Index(kind);
  Order& order = order_[index];
  bytes_[index] += script->text().size();
  order.push_front({std::move(script), kind});
  by_sha_[order.front().script->sha()] = order.begin();
  while (order.size() > room_[index].scripts || bytes_[index] > room_[index].bytes) {
    Remove(std::prev(order.end()));
  }
}

void ScriptCache::Remove(Order::iterator entry) {
  const size_t index = Index(entry->kind);
  bytes_[index] -= entry->script->text().size();
  by_sha_.erase(by_sha_.find(entry->script->sha()));
  order_[index].erase(entry);
}

void ScriptCache::Clear() {
  by_sha_.clear();
  for (Order& order : order_) order.clear();
  bytes_ = {};
}

}  // namespace nokv::redis
