#include "redis/commands/command_reply.h"

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "redis/commands/doc.h"

namespace nokv::redis {

namespace {

void ReplyKeySpec(Reply& reply, const KeySpec& spec) {
  reply.Map(3);
  reply.Bulk("flags");
  ReplyNames(reply, kKeyFlagNames, spec.flags);
  reply.Bulk("begin_search");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk("index");
  reply.Bulk("spec");
  reply.Map(1);
  reply.Bulk("index");
  reply.Integer(spec.begin);
  reply.Bulk("find_keys");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk(spec.counted ? "keynum" : "range");
  reply.Bulk("spec");
  reply.Map(3);
  reply.Bulk(spec.counted ? "keynumidx" : "lastkey");
  reply.Integer(spec.counted ? 0 : spec.last);
  if (spec.counted) {
    reply.Bulk("firstkey");
    reply.Integer(1);
  }
  reply.Bulk("keystep");
  reply.Integer(spec.step);
  if (!spec.counted) {
    reply.Bulk("limit");
    reply.Integer(0);
  }
}

using TextFields = std::vector<std::pair<std::string_view, std::string_view>>;

// Fields with a text, those that are empty left out.
TextFields Present(TextFields fields) {
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  return fields;
}

void ReplyFields(Reply& reply, const TextFields& fields) {
  for (const auto& [name, text] : fields) {
    reply.Bulk(name);
    reply.Bulk(text);
  }
}

void ReplyArguments(Reply& reply, const std::vector<Argument>& arguments) {
  static constexpr std::string_view kFlagNames[] = {"optional", "multiple", "multiple_token"};
  reply.Array(arguments.size());
  for (const Argument& argument : arguments) {
    const TextFields before = {{"name", argument.name}, {"type", argument.type}};
    const TextFields after = Present({{"token", argument.token.value_or("")},
                                      {"since", argument.since},
                                      {"deprecated_since", argument.deprecated_since}});
    const uint32_t flags = (argument.optional ? 1U : 0U) | (argument.repeated ? 2U : 0U) |
                           (argument.repeated_with_token ? 4U : 0U);
    reply.Map(before.size() + (argument.key_spec >= 0 ? 1 : 0) + after.size() +
              (flags != 0 ? 1 : 0) + (argument.arguments.empty() ? 0 : 1));
    ReplyFields(reply, before);
    if (argument.key_spec >= 0) {
      reply.Bulk("key_spec_index");
      reply.Integer(argument.key_spec);
    }
    ReplyFields(reply, after);
    if (flags != 0) {
      reply.Bulk("flags");
      ReplyNames(reply, kFlagNames, flags);
    }
    if (!argument.arguments.empty()) {
      reply.Bulk("arguments");
      ReplyArguments(reply, argument.arguments);
    }
  }
}

void ReplyHistory(Reply& reply, const CommandDoc& doc) {
  reply.Bulk("history");
  reply.Set(doc.history.size());
  for (const auto& [version, change] : doc.history) {
    reply.Array(2);
    reply.Bulk(version);
    reply.Bulk(change);
  }
}

}  // namespace

void ReplyNames(Reply& reply, std::span<const std::string_view> names, uint32_t set,
                std::string_view prefix) {
  set &= (uint32_t{1} << names.size()) - 1;
  reply.Set(static_cast<size_t>(std::popcount(set)));
  for (size_t i = 0; i < names.size(); ++i) {
    if ((set >> i & 1) != 0) reply.Simple(std::string(prefix).append(names[i]));
  }
}

void ReplyCommandInfo(Reply& reply, const CommandSpec& spec) {
  const std::optional<CommandDoc> doc = ParseDoc(spec);
  NOKV_CHECK(doc.has_value()) << "the text of " << spec.name;
  reply.Array(10);
  reply.Bulk(spec.name);
  reply.Integer(spec.arity);
  ReplyNames(reply, kCommandFlagNames, spec.flags);
  reply.Integer(spec.first_key);
  reply.Integer(spec.last_key);
  reply.Integer(spec.key_step);
  ReplyNames(reply, kCategoryNames, spec.categories, "@");
  reply.Set(doc->tips.size());
  for (const std::string_view tip : doc->tips) reply.Bulk(tip);
  reply.Set(spec.keys.size);
  for (const KeySpec& key : spec.keys) ReplyKeySpec(reply, key);
  reply.Set(spec.subcommands.size());
  for (const CommandSpec& sub : spec.subcommands) ReplyCommandInfo(reply, sub);
}

void ReplyCommandDocs(Reply& reply, const CommandSpec& spec) {
  const std::optional<CommandDoc> doc = ParseDoc(spec);
  NOKV_CHECK(doc.has_value()) << "the text of " << spec.name;
  const TextFields texts = Present({{"summary", doc->summary},
                                    {"since", spec.since},
                                    {"group", spec.group},
                                    {"complexity", doc->cost}});
  const TextFields deprecation =
      Present({{"deprecated_since", doc->deprecated_since}, {"replaced_by", doc->replaced_by}});
  reply.Bulk(spec.name);
  reply.Map(texts.size() + (deprecation.empty() ? 0 : deprecation.size() + 1) +
            (doc->history.empty() ? 0 : 1) + (doc->arguments.empty() ? 0 : 1) +
            (spec.subcommands.empty() ? 0 : 1));
  ReplyFields(reply, texts);
  if (!deprecation.empty()) {
    reply.Bulk("doc_flags");
    reply.Set(1);
    reply.Simple("deprecated");
    ReplyFields(reply, deprecation);
  }
  if (!doc->history.empty()) ReplyHistory(reply, *doc);
  if (!doc->arguments.empty()) {
    reply.Bulk("arguments");
    ReplyArguments(reply, doc->arguments);
  }
  if (spec.subcommands.empty()) return;
  reply.Bulk("subcommands");
  reply.Map(spec.subcommands.size());
  for (const CommandSpec& sub : spec.subcommands) ReplyCommandDocs(reply, sub);
}

}  // namespace nokv::redis
