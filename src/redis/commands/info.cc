// INFO: what is to be known about the server, in sections.
#include <string>
#include <string_view>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/info_sections.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

bool IsWanted(const InfoSection& section, std::span<const std::string_view> words) {
  if (words.empty()) return section.by_default;
  for (const std::string_view word : words) {
    if (EqualsIgnoreCase(word, section.name) || EqualsIgnoreCase(word, "all") ||
        EqualsIgnoreCase(word, "everything")) {
      return true;
    }
    if (EqualsIgnoreCase(word, "default") && section.by_default) return true;
  }
  return false;
}

Status Info(Context& context) {
  std::string out;
  for (const InfoSection& section : InfoSections()) {
    if (!IsWanted(section, context.args.subspan(1))) continue;
    if (!out.empty()) out += "\r\n";
    out.append("# ").append(section.title).append("\r\n");
    RETURN_IF_ERROR(section.write(context, &out));
  }
  context.reply.Verbatim(out);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {"info", -1, Info, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "1.0.0",
     "Returns what is to be known about the server\n"
     "acl: dangerous\n"
     "args: [section+]\n"
     "tips: nondeterministic_output request_policy:all_shards response_policy:special\n"
     "history: 7.0.0 several sections"},
};

}  // namespace

std::span<const CommandSpec> InfoCommands() {
  return kCommands;
}

}  // namespace nokv::redis
