#include "cli/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/macros.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/redis_flags.h"
#include "rpc/stream/exchange.h"
#include "rpc/stream/tls.h"

namespace nokv::cli {

namespace {

constexpr const char* kDefaultAddress = "127.0.0.1:6380";
constexpr Range kTimeoutMs = {1, 3'600'000};
constexpr uint64_t kProbeUs = 500'000;
constexpr size_t kProbes = 200;
constexpr size_t kProbeBytes = 4096;

struct DoctorOptions {
  std::string workdir;
  std::string address;
  uint64_t timeout_ms = 1000;
  rpc::stream::TlsOptions tls;
  AccessFiles access;
  OutputOptions output;
};

const char* NameOf(Verdict verdict) {
  if (verdict == Verdict::kOk) return "ok";
  return verdict == Verdict::kWarning ? "warning" : "problem";
}

// Times of appending and syncing a small block, in a file that is removed again.
Result<std::vector<uint64_t>> TimeSyncs(vfs::FileSystem& fs, base::Clock& clock,
                                        const std::string& dir) {
  const std::string path = vfs::JoinPath(dir, ".nokv-doctor-" + std::to_string(getpid()));
  ASSIGN_OR_RETURN(const auto file, fs.CreateAppend(path));
  const std::string block(kProbeBytes, 'x');
  std::vector<uint64_t> micros;
  Status status;
  const uint64_t began = clock.MonotonicMicros();
  uint64_t now = began;
  while (status.ok() && micros.size() < kProbes && now - began < kProbeUs) {
    status = file->Append(block);
    if (status.ok()) status = file->Sync();
    const uint64_t before = std::exchange(now, clock.MonotonicMicros());
    micros.push_back(now - before);
  }
  (void)file->Close();
  const Status removed = fs.Remove(path);
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(removed);
  return micros;
}

Finding CheckSyncs(const Environment& environment, base::Clock& clock, const std::string& dir) {
  const auto micros = TimeSyncs(environment.fs, clock, dir);
  if (micros.ok()) return JudgeSyncs(*micros);
  return {.check = "disk sync",
          .verdict = Verdict::kProblem,
          .detail = std::string(micros.status().message()),
          .fix = micros.status().hint().empty() ? "make the directory writable for this user"
                                                : std::string(micros.status().hint()),
          .exit_code = ExitCodeFor(micros.status())};
}

// Opens the database read-only: manifest, tables and the whole log are read.
Finding CheckDirectory(const Environment& environment, const std::string& workdir) {
  const auto inspection = environment.inspect(workdir);
  if (!inspection.ok()) {
    const Status& why = inspection.status();
    std::string fix(why.hint());
    if (why.error_number() != 0) {
      fix += (fix.empty() ? "" : "; ") + ("nokv help E" + std::to_string(why.error_number()));
    }
    return {.check = "directory",
            .verdict = Verdict::kProblem,
            .detail = std::string(why.message()),
            .fix = fix.empty() ? "name the directory of a database: --workdir DIR" : fix,
            .exit_code = ExitCodeFor(why)};
  }
  uint64_t tables = 0;
  for (const auto& level : inspection->manifest.levels) tables += level.file_count;
  return {.check = "directory",
          .detail = workdir + ": manifest and log are whole, " + std::to_string(tables) +
                    " tables, " + std::to_string(inspection->stats.wal.segment_count) +
                    " log segments"};
}

// Who has the directory open. The name in LOCK outlives its process; the process is looked for.
Finding CheckLock(const Environment& environment, const std::string& workdir) {
  Finding finding{.check = "lock", .detail = "not held"};
  const auto owner = environment.fs.ReadFile(vfs::JoinPath(workdir, "LOCK"), 4096);
  const size_t begin = owner.ok() ? owner->find_first_of("0123456789") : std::string::npos;
  if (begin == std::string::npos) return finding;
  const std::string pid =
      owner->substr(begin, owner->find_first_not_of("0123456789", begin) - begin);
  const auto name = environment.fs.ReadFile("/proc/" + pid + "/comm", 4096);
  if (name.ok() && name->starts_with("nokv")) {
    finding.detail = "pid " + pid + " (" + name->substr(0, name->find('\n')) +
                     ") has it open: nokv get and nokv scan work, nokv put does not";
  }
  return finding;
}

// Until the certificate expires; as a server that starts with these files sees it.
Result<double> DaysToExpiry(rpc::stream::TlsOptions options, vfs::FileSystem& fs,
                            base::Clock& clock) {
  options.client_certificates = options.ca_file.empty()
                                    ? rpc::stream::ClientCertificates::kNo
                                    : rpc::stream::ClientCertificates::kOptional;
  ASSIGN_OR_RETURN(const auto context,
                   rpc::stream::TlsContext::Open(options, {fs, clock, base::NullLogger()}));
  return context->DaysToExpiry();
}

// Of the files that settings name, if they name any.
std::vector<Finding> CheckSecurity(const DoctorOptions& options, const Environment& environment,
                                   base::Clock& clock) {
  std::vector<Finding> findings;
  const std::string& certificate = options.tls.cert_file;
  if (!certificate.empty()) {
    findings.push_back(
        JudgeCertificate(certificate, DaysToExpiry(options.tls, environment.fs, clock)));
  }
  std::vector<std::string> secrets = {options.access.requirepass_file, options.access.acl_file,
                                      options.tls.key_file};
  std::erase(secrets, "");
  std::vector<std::string> exposed = secrets;
  std::erase_if(exposed, [&environment](const std::string& path) {
    return vfs::CheckSecret(environment.fs, path).code() != StatusCode::kPermissionDenied;
  });
  if (!secrets.empty()) findings.push_back(JudgeSecrets(secrets, exposed));
  return findings;
}

std::vector<Finding> Examine(const DoctorOptions& options, const Environment& environment) {
  base::Clock& clock = base::SystemClock();
  std::vector<Finding> findings = CheckMachine(ReadMachine(environment.fs, clock));
  const std::string dir = options.workdir.empty() ? "." : options.workdir;
  if (!options.workdir.empty()) {
    findings.push_back(CheckDirectory(environment, dir));
    findings.push_back(CheckLock(environment, dir));
  }
  const auto exists = environment.fs.Exists(dir);
  if (exists.ok() && *exists) {
    if (const auto free = environment.fs.FreeSpace(dir); free.ok()) {
      findings.push_back(JudgeFreeSpace(*free));
    }
    findings.push_back(CheckSyncs(environment, clock, dir));
  }
  for (Finding& finding : CheckSecurity(options, environment, clock)) {
    findings.push_back(std::move(finding));
  }
  const std::string address = options.address.empty() ? kDefaultAddress : options.address;
  findings.push_back(JudgeGateway(address,
                                  rpc::stream::Exchange(address, "PING\r\n", options.timeout_ms),
                                  !options.address.empty()));
  return findings;
}

// The code of the worst problem: damage before what keeps from working, before the rest.
int WorstExitCode(const std::vector<Finding>& findings) {
  constexpr int kOrder[] = {kExitCorruption, kExitPermission, kExitUnavailable, kExitConflict,
                            kExitNotFound};
  const auto any = [&](int code) {
    return std::any_of(findings.begin(), findings.end(), [code](const Finding& finding) {
      return finding.verdict == Verdict::kProblem && (code == 0 || finding.exit_code == code);
    });
  };
  for (const int code : kOrder) {
    if (any(code)) return code;
  }
  return any(0) ? kExitFailed : kExitOk;
}

void PrintForPeople(const std::vector<Finding>& findings, const Environment& environment) {
  constexpr const char* kColors[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
  for (const Finding& finding : findings) {
    const auto pad = [](std::string text, size_t width) {
      if (text.size() < width) text.append(width - text.size(), ' ');
      return text;
    };
    const std::string name = pad(NameOf(finding.verdict), 8);
    environment.out << (environment.out_in_color
                            ? kColors[static_cast<int>(finding.verdict)] + name + "\x1b[0m"
                            : name)
                    << " " << pad(finding.check, 11) << finding.detail << "\n";
    if (!finding.fix.empty()) environment.out << std::string(20, ' ') << finding.fix << "\n";
  }
}

int RunDoctor(const DoctorOptions& options, const Environment& environment) {
  const std::vector<Finding> findings = Examine(options, environment);
  if (options.output.Is("table") && !options.output.AsRows()) {
    PrintForPeople(findings, environment);
  } else {
    RowWriter rows(environment.out, options.output, {"check", "verdict", "detail", "fix"});
    for (const Finding& finding : findings) {
      rows.Row({Cell::Text(finding.check), Cell::Text(NameOf(finding.verdict)),
                Cell::Text(finding.detail), Cell::Text(finding.fix)});
    }
  }
  return WorstExitCode(findings);
}

}  // namespace

Command DoctorCommand() {
  return {.name = "doctor",
          .summary = "check this machine, a directory and a gateway",
          .examples = {{"nokv doctor"},
                       {"nokv doctor --workdir ./data --addr 127.0.0.1:6380"},
                       {"nokv doctor -o json"},
                       {"nokv doctor --sort verdict", "problems last"}},
          .description =
              "Checks limits, memory, disk and clock of this machine, whether a directory is whole "
              "and who has it open, certificate, key and files of passwords if they are named, and "
              "whether a gateway answers; each is ok, a warning or a problem, with what to do. It "
              "takes about a second and changes nothing: the file "
              "with which it measures the disk is removed again. Exit code 0 without problems, "
              "else the code of the worst.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<DoctorOptions>();
            flags
                .Workdir(&options->workdir,
                         "the database directory; without it the disk of this folder is measured")
                .ForUrls("--addr asks a gateway");
            flags
                .Address("addr", &options->address,
                         "the gateway that must answer; without it 127.0.0.1:6380 may")
                .Env();
            flags.Duration("timeout", &options->timeout_ms, kTimeoutMs,
                           "how long the gateway may take to answer");
            Define(flags, &options->tls);
            Define(flags, &options->access);
            DefineOutput(flags, &options->output, {"check", "verdict", "detail", "fix"});
            DefineSort(flags, &options->output, {"check", "verdict", "detail", "fix"});
            return [options](const Environment& environment) {
              return RunDoctor(*options, environment);
            };
          }};
}

}  // namespace nokv::cli
