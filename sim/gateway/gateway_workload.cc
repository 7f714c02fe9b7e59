#include "sim/gateway/gateway_workload.h"

#include <algorithm>
#include <utility>

#include "sim/gateway/books_check.h"

namespace nokv::sim {

namespace {

constexpr size_t kClients = 3;
constexpr uint64_t kKeys = 16;
constexpr uint64_t kCounters = 4;
constexpr size_t kMaxUnanswered = 12;  // of a client
constexpr uint64_t kMaxWaitMs = 300;
constexpr uint64_t kLongWait = 16;  // times that
constexpr uint64_t kEverySecMs = 2000;
constexpr int kOpenAttempts = 5;

std::string Shown(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word.substr(0, 24);
  return text;
}

bool WriteIsRefused(const std::string& reply) {
  return reply.starts_with("-MISCONF");
}

// Of a command, or of one within an EXEC or a script.
bool ReadHasFailed(const std::string& reply) {
  return reply.find("ERR reading the store failed") != std::string::npos;
}

}  // namespace

GatewayWorkload::GatewayWorkload(uint64_t seed, redis::SyncPolicy sync, vfs::FileSystem& fs)
    : seed_(seed),
      sync_(sync),
      fs_(fs),
      random_(seed),
      runtime_(runtime::NewSimRuntime(base::MixSeed(seed))) {}

GatewayWorkload::~GatewayWorkload() {
  clients_.clear();
  process_.reset();  // here, since its end may be cut, too
}

void GatewayWorkload::Violate(std::string text) {
  if (violation_.empty()) violation_ = std::move(text);
}

void GatewayWorkload::Failed() {
  operations_failed_++;
}

void GatewayWorkload::Run(uint64_t ops) {
  while (operations_done_ < ops && violation_.empty() && operations_failed_ == 0) {
    if (!OpenIfClosed()) return;
    Step();
    operations_done_++;
  }
  if (process_ != nullptr && violation_.empty() && operations_failed_ == 0) Settle();
}

bool GatewayWorkload::OpenIfClosed() {
  if (process_ != nullptr) return true;
  Status last;
  // A fault may strike a start; the next one must succeed.
  for (int attempt = 0; attempt < kOpenAttempts && process_ == nullptr; attempt++) {
    auto started = Process::Start(seed_, sync_, fs_, *runtime_);
    last = started.status();
    if (started.ok()) process_ = *std::move(started);
  }
  if (process_ == nullptr) {
    Violate("the gateway does not start: " + last.ToString());
    return false;
  }
  std::string wrong = CheckContent();
  // A read may have met an injected fault; the second look decides.
  if (!wrong.empty()) wrong = CheckContent();
  if (!wrong.empty()) Violate("after a restart: " + wrong);
  clients_.resize(kClients);
  for (size_t i = 0; i < kClients; i++) {
    clients_[i].wire = process_->Connect();
    if (i + 1 == kClients) clients_[i].plan.push_back({"SELECT", "3"});
  }
  return violation_.empty();
}

std::string GatewayWorkload::CheckContent() {
  const auto content = ReadContent(process_->backend());
  if (!content.ok()) return content.status().ToString();
  const std::string wrong = model_.Check(*content, model_.last(), process_->now_ms());
  return wrong.empty() ? CheckBooks(*process_, *content) : wrong;
}

void GatewayWorkload::Step() {
  const uint64_t dice = random_.Uniform(100);
  if (dice < 88) {
    SendNext(clients_[random_.Uniform(kClients)]);
  } else if (dice < 97) {
    Wait();
  } else {
    return Restart();
  }
  LetSomeHappen();
  if (!process_->backend().WriteError().ok()) Failed();
}

void GatewayWorkload::Restart() {
  Settle();
  if (operations_failed_ > 0) return;
  for (const Client& client : clients_) {
    if (!client.expected.empty()) return Violate("no reply to " + client.expected[0].command);
  }
  clients_.clear();
  const Status closed = process_->Close();
  process_.reset();
  if (!closed.ok()) return Failed();
  durable_ = model_.last();
}

void GatewayWorkload::Wait() {
  Settle();
  // Sometimes so long that every second has come and gone.
  for (uint64_t rounds = random_.OneIn(3) ? kLongWait : 1; rounds > 0; rounds--) {
    runtime_->Advance((1 + random_.Uniform(kMaxWaitMs)) * 1000);
    Settle();
  }
}

void GatewayWorkload::LetSomeHappen() {
  uint64_t turns = random_.OneIn(3) ? random_.Uniform(12) : 0;
  for (; turns > 0; turns--) {
    const bool ran = random_.OneIn(2) ? process_->RunLoop() : process_->RunEngine();
    if (ran) TakeAllReplies();
  }
}

void GatewayWorkload::Settle() {
  process_->Settle();
  TakeAllReplies();
}

void GatewayWorkload::SendNext(Client& client) {
  if (client.expected.size() >= kMaxUnanswered) Settle();
  if (client.plan.empty()) Plan(client);
  if (process_->paused()) return;
  const Words words = client.plan.front();
  client.plan.pop_front();
  // Before it is sent: while it is executed, the disk may be cut.
  std::string reply = model_.Execute(client.model, words, process_->now_ms());
  const uint64_t seen = reply == "+QUEUED" ? 0 : model_.last();
  client.expected.push_back({Shown(words), std::move(reply), seen});
  client.wire->Send(words);
  TakeReplies(client);
}

void GatewayWorkload::TakeAllReplies() {
  for (Client& client : clients_) TakeReplies(client);
}

void GatewayWorkload::TakeReplies(Client& client) {
  for (const std::string& reply : client.wire->TakeReplies()) {
    // What the rest of its transaction or script did, the model cannot know.
    if (ReadHasFailed(reply)) model_knows_ = false;
    if (WriteIsRefused(reply) || !model_knows_) Failed();
    if (operations_failed_ > 0) return;
    if (client.expected.empty()) return Violate("a reply to nothing: " + reply);
    const Expected expected = std::move(client.expected.front());
    client.expected.pop_front();
    if (reply != expected.reply) {
      return Violate(expected.command + " is answered " + reply.substr(0, 200) + ", not " +
                     expected.reply.substr(0, 200));
    }
    model_.Acknowledge(expected.seen);
  }
}

std::string GatewayWorkload::RandomKey() {
  if (random_.OneIn(4)) return "n" + std::to_string(random_.Uniform(kCounters));
  return "k" + std::to_string(random_.Uniform(kKeys));
}

std::string GatewayWorkload::RandomValue() {
  const size_t padding = random_.OneIn(8) ? 1500 + random_.Uniform(2500) : random_.Uniform(60);
  return "v" + std::to_string(++values_) + "." + std::string(padding, 'x');
}

Words GatewayWorkload::RandomCommand(bool in_script) {
  const std::string delay_ms = std::to_string(1 + random_.Uniform(1500));
  switch (random_.Uniform(in_script ? 15 : 17)) {
    case 0:
    case 1:
    case 2:
      return {"INCR", "n" + std::to_string(random_.Uniform(kCounters))};
    case 3:
      return {"INCR", RandomKey()};
    case 4:
    case 5:
      return {"SET", RandomKey(), RandomValue()};
    case 6:
      return {"SET", RandomKey(), RandomValue(), "PX", delay_ms};
    case 7:
      return {"SET", RandomKey(), RandomValue(), "NX"};
    case 8:
    case 9:
      return {"MSET", RandomKey(), RandomValue(), RandomKey(), RandomValue()};
    case 10:
      return {"DEL", RandomKey(), RandomKey()};
    case 11:
      return {"PEXPIRE", RandomKey(), random_.OneIn(6) ? "-1" : delay_ms};
    case 12:
      return {"PERSIST", RandomKey()};
    case 13:
      return {"RENAME", "k" + std::to_string(random_.Uniform(kKeys)),
              "n" + std::to_string(random_.Uniform(kCounters))};
    case 14:
      return {"APPEND", RandomKey(), "+"};
    case 15:
      return random_.OneIn(6) ? Words{"FLUSHDB"} : Words{"DBSIZE"};
    default:
      return RandomScript();
  }
}

Words GatewayWorkload::RandomScript() {
  Words script = {"EVAL", kRunAllScript, "0"};
  for (uint64_t n = 2 + random_.Uniform(3); n > 0; n--) {
    const Words words = RandomCommand(true);
    script.push_back(std::to_string(words.size()));
    script.insert(script.end(), words.begin(), words.end());
  }
  return script;
}

void GatewayWorkload::Plan(Client& client) {
  const uint64_t dice = random_.Uniform(10);
  if (dice < 2) {
    client.plan.push_back(random_.OneIn(2) ? Words{"GET", RandomKey()}
                                           : Words{"MGET", RandomKey(), RandomKey()});
  } else if (dice < 5) {
    client.plan.push_back(RandomCommand(false));
  } else if (dice < 6) {
    client.plan.push_back(RandomScript());
  } else {
    if (dice < 8) {
      client.plan.push_back({"WATCH", RandomKey(), RandomKey()});
      client.plan.push_back({"GET", RandomKey()});
    }
    client.plan.push_back({"MULTI"});
    for (uint64_t n = 1 + random_.Uniform(4); n > 0; n--) {
      client.plan.push_back(RandomCommand(false));
    }
    client.plan.push_back({"EXEC"});
  }
}

std::string GatewayWorkload::CheckRemains(vfs::FileSystem& disk, Ending ending) const {
  const uint64_t now_ms = runtime_->clock().WallMillis();
  uint64_t least = model_.acknowledged();
  if (ending == Ending::kPowerLoss && sync_ != redis::SyncPolicy::kAlways) {
    least = durable_;
    if (sync_ == redis::SyncPolicy::kEverySec && operations_failed_ == 0) {
      least = std::max(least, model_.LastMadeBy(now_ms - kEverySecMs));
    }
  }
  const auto runtime = runtime::NewSimRuntime(seed_, now_ms);
  auto process = Process::Start(seed_, sync_, disk, *runtime);
  if (!process.ok()) return "the gateway does not start: " + process.status().ToString();
  auto content = ReadContent((*process)->backend());
  if (!content.ok()) return "reading all keys failed: " + content.status().ToString();
  std::string wrong = model_knows_ ? model_.Check(*content, least, now_ms) : "";
  if (wrong.empty()) wrong = CheckBooks(**process, *content);
  if (!wrong.empty()) return wrong;
  // Life goes on: another key, what has expired goes, and a clean second start finds all that.
  const std::string reply = (*process)->Run({"SET", "after the crash", "yes"});
  if (reply != "+OK") return "SET after the start is answered " + reply;
  (*content)[{0, "after the crash"}] = {"yes", 0};
  runtime->Advance(kMaxWaitMs * 1000);
  (*process)->Settle();
  if (const Status closed = (*process)->Close(); !closed.ok()) return closed.ToString();
  process = Process::Start(seed_, sync_, disk, *runtime);
  if (!process.ok()) return "the gateway does not start twice: " + process.status().ToString();
  std::erase_if(*content,
                [&](const auto& entry) { return !entry.second.LiveAt((*process)->now_ms()); });
  const auto second = ReadContent((*process)->backend());
  if (!second.ok() || *second != *content) return "a clean second start finds other keys";
  wrong = CheckBooks(**process, *content);
  return wrong.empty() ? "" : "second start: " + wrong;
}

}  // namespace nokv::sim
