#include "cli/listeners.h"

#include <cmath>

#include "base/clock.h"
#include "base/macros.h"
#include "vfs/vfs.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kRefreshMs = 1000;
constexpr uint64_t kMaxIoThreads = 64;
constexpr uint64_t kMaxBusyPollMicros = 10'000;
constexpr double kSoonDays = 14;

Status CheckFlags(const ListenFlags& flags) {
  if (flags.address.empty() && flags.tls_address.empty()) {
    return Status::InvalidArgument("neither --addr nor --tls-addr names an address")
        .WithHint("leave --addr out, or give --tls-addr HOST:PORT");
  }
  const bool has_files = !flags.tls.cert_file.empty() && !flags.tls.key_file.empty();
  if (!flags.tls_address.empty() && !has_files) {
    return Status::InvalidArgument("--tls-addr needs --tls-cert-file and --tls-key-file")
        .WithHint("docs/tls.md shows how to make a certificate for a test");
  }
  if (flags.tls_address.empty() && !flags.tls.cert_file.empty()) {
    return Status::InvalidArgument("--tls-cert-file is given, but no --tls-addr")
        .WithHint("give --tls-addr HOST:PORT, where clients connect over TLS");
  }
  if (flags.tls_auth_clients_user == "CN" && flags.tls_auth_clients == "no") {
    return Status::InvalidArgument(
               "--tls-auth-clients-user CN needs the certificates that --tls-auth-clients no does "
               "not ask for")
        .WithHint("give --tls-auth-clients yes, or optional");
  }
  return Status::Ok();
}

rpc::stream::ClientCertificates ClientCertificatesOf(const std::string& name) {
  if (name == "yes") return rpc::stream::ClientCertificates::kYes;
  return name == "no" ? rpc::stream::ClientCertificates::kNo
                      : rpc::stream::ClientCertificates::kOptional;
}

}  // namespace

void Define(FlagSet& flags, rpc::stream::TlsOptions* target) {
  flags
      .Path("tls-cert-file", "FILE", &target->cert_file,
            "the certificate, in PEM form, and those of intermediate authorities behind it")
      .Env();
  flags
      .Path("tls-key-file", "FILE", &target->key_file,
            "the key of the certificate, in PEM form, without a passphrase")
      .Env();
  flags
      .Path("tls-ca-cert-file", "FILE", &target->ca_file,
            "the authorities, in PEM form, that sign the clients' certificates")
      .Env();
}

void Define(FlagSet& flags, ListenFlags* target) {
  flags.Address("addr", &target->address, "where clients connect; empty: only over TLS")
      .Also({"port", "p", "bind", "host", "h", "listen", "address"})
      .Env()
      .MayBeEmpty();
  flags.Address("tls-addr", &target->tls_address, "where clients connect over TLS")
      .Also({"tls-port"})
      .Env();
  Define(flags, &target->tls);
  flags
      .Choice("tls-auth-clients", &target->tls_auth_clients, {"yes", "optional", "no"},
              "whether clients must show a certificate")
      .Env();
  flags
      .Choice("tls-auth-clients-user", &target->tls_auth_clients_user, {"CN", "off"},
              "CN: a client is the user whose name is the common name in its certificate")
      .Env();
  flags
      .Number("io-threads", "N", &target->io_threads, {1, kMaxIoThreads},
              "threads that serve sockets and TLS; commands are executed by one")
      .Env();
  flags
      .Number(
          "busy-poll-us", "N", &target->busy_poll_us, {0, kMaxBusyPollMicros},
          "microseconds that a busy thread watches its sockets before it sleeps; 0: it never does")
      .Env();
  flags.Check([target] { return CheckFlags(*target); });
}

rpc::stream::TlsOptions TlsOptionsOf(const ListenFlags& flags) {
  rpc::stream::TlsOptions options = flags.tls;
  options.client_certificates = ClientCertificatesOf(flags.tls_auth_clients);
  return options;
}

uint64_t PollMicros(const ListenFlags& flags) {
  return runtime::ProcessorCount() > flags.io_threads ? flags.busy_poll_us : 0;
}

Status Listeners::Open(const ListenFlags& flags, const rpc::stream::AcceptHandler& accept,
                       metrics::Registry& registry) {
  StartIoThreads(flags);
  if (!flags.address.empty()) {
    ASSIGN_OR_RETURN(plain_, loop_.Listen(flags.address, accept, options_));
  }
  return flags.tls_address.empty() ? Status::Ok() : OpenTls(flags, accept, registry);
}

Status Listeners::OpenTls(const ListenFlags& flags, const rpc::stream::AcceptHandler& accept,
                          metrics::Registry& registry) {
  const rpc::stream::TlsOptions options = TlsOptionsOf(flags);
  ASSIGN_OR_RETURN(tls_context_,
                   rpc::stream::TlsContext::Open(
                       options, {vfs::PosixFileSystem(), base::SystemClock(), logger_}));
  if (tls_context_->DaysToExpiry() < kSoonDays) {
    logger_.Warning("the certificate in " + options.cert_file + " expires in " +
                    std::to_string(static_cast<int>(tls_context_->DaysToExpiry())) + " days");
  }
  rpc::stream::ListenOptions listen = options_;
  listen.tls = tls_context_.get();
  ASSIGN_OR_RETURN(tls_, loop_.Listen(flags.tls_address, accept, listen));
  days_to_expiry_ = &registry.GetGauge("nokv_redis_tls_certificate_expiry_days",
                                       "Whole days until the certificate expires.");
  Refresh();
  refresh_ = loop_.Every(kRefreshMs, [this] { Refresh(); });
  return Status::Ok();
}

void Listeners::StartIoThreads(const ListenFlags& flags) {
  for (uint64_t i = 1; i < flags.io_threads; ++i) {
    io_loops_.push_back(rpc::stream::NewLoop(logger_, PollMicros(flags)));
    rpc::stream::Loop* const loop = io_loops_.back().get();
    options_.io_loops.push_back(loop);
    io_threads_.push_back(
        runtime::StartThread("nokv-io-" + std::to_string(i), [loop] { loop->Run(); }));
  }
}

Listeners::~Listeners() {
  Close();
  // Posted, because a Stop before Run would be forgotten.
  for (const auto& loop : io_loops_) {
    loop->Post([raw = loop.get()] { raw->Stop(); });
  }
  io_threads_.clear();
}

void Listeners::Refresh() {
  tls_context_->Refresh();
  days_to_expiry_->Set(static_cast<int64_t>(std::floor(tls_context_->DaysToExpiry())));
}

void Listeners::Close() {
  plain_.reset();
  tls_.reset();
}

void Listeners::Warn() const {
  if (plain_ == nullptr || plain_->is_loopback()) return;
  logger_.Warning("listening on " + plain_->address() + " without TLS");
}

std::string Listeners::description() const {
  std::string text = plain_ == nullptr ? "" : "address " + plain_->address();
  if (tls_ == nullptr) return text;
  return text + (text.empty() ? "" : ", ") + "TLS address " + tls_->address();
}

const std::string& Listeners::address() const {
  return plain_ != nullptr ? plain_->address() : tls_->address();
}

}  // namespace nokv::cli
