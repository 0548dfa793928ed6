#include "tools/difftest/certify.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "datapath/base/text.h"
#include "tools/backend/kernel_backend.h"
#include "tools/difftest/capture_judge.h"
#include "tools/difftest/lab/lab_generator.h"
#include "tools/difftest/traffic/traffic_generator.h"
#include "tools/difftest/worker.h"

namespace nf::difftest {
namespace {

constexpr uint64_t kUsualLabs = 200;
constexpr int kFailed = static_cast<int>(ExitCode::kExpectationFailed);
constexpr int kBadInput = static_cast<int>(ExitCode::kBadInput);
constexpr int kNoKernel = static_cast<int>(ExitCode::kNotModelled);

// How far the run is, on a terminal's stderr, a few times a second.
class Progress {
 public:
  Progress(uint64_t labs, int64_t deadline)
      : shown_(::isatty(2) != 0), labs_(labs), begin_(monotonic_now()), last_(begin_), deadline_(deadline) {}
  ~Progress() {
    if (any_) std::fputs("\r\033[K", stderr);
  }
  double seconds() const { return static_cast<double>(monotonic_now() - begin_) / 1e9; }
  void update(const Certificate& c) {
    const int64_t now = monotonic_now();
    if (!shown_ || now - last_ < 200 * kMillisecond) return;
    last_ = now;
    any_ = true;
    const double passed = seconds();
    std::fprintf(stderr, "\r\033[Kcertify: %" PRIu64 " labs, %" PRIu64 " packets, %.0f packets/s, %zu mismatches",
                 c.labs, c.totals.packets, static_cast<double>(c.totals.packets) / passed, c.findings.size());
    double left = c.labs > 0 ? passed * static_cast<double>(labs_ - c.labs) / static_cast<double>(c.labs) : 0;
    if (deadline_ != 0) left = std::min(labs_ == UINT64_MAX ? 1e18 : left, static_cast<double>(deadline_ - now) / 1e9);
    if (c.labs > 0) std::fprintf(stderr, ", %.0f s left", std::max(0.0, left));
  }

 private:
  bool shown_, any_ = false;
  uint64_t labs_;
  int64_t begin_, last_, deadline_;
};

// Runs `what` in a process of its own, which goes when this one does. -1: errno says why not.
template <class What>
pid_t fork_process(const What& what) {
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  ::_exit(what());
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string status_text(int status) {
  if (WIFSIGNALED(status)) return std::string("ended by signal ") + ::strsignal(WTERMSIG(status));
  return strf("ended with status %d", WEXITSTATUS(status));
}

// Whether there is a kernel to ask: asked by a process of its own, as entering a namespace is for good.
bool kernel_answers() {
  const pid_t pid = fork_process([] {
    lab::Lab lab;
    Result<std::vector<lab::NetworkLine>> network = lab::parse_network("link set dev a up\n", "network");
    if (!network) return kFailed;
    lab.network = network.take();
    BackendConfig config;
    config.lab = &lab;
    KernelBackend kernel;
    const Status s = kernel.configure(config);
    if (!s) std::fprintf(stderr, "hookpoint: no kernel to ask: %s\n", s.error().str().c_str());
    std::fflush(stderr);
    return s ? 0 : kFailed;
  });
  if (pid < 0) return false;
  const int status = wait_for(pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Workers {
 public:
  Workers(const WorkOrder& order, unsigned jobs, Certificate& certificate)
      : order_(order), certificate_(certificate), workers_(jobs) {}
  ~Workers() {
    for (const Worker& w : workers_) {
      if (w.pid <= 0) continue;
      ::kill(w.pid, SIGKILL);
      wait_for(w.pid);
    }
    if (shared_ != nullptr) ::munmap(shared_, sizeof *shared_);
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  Status run(Progress& progress) {
    void* memory = ::mmap(nullptr, sizeof(SharedWork), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return failed("mmap");
    shared_ = new (memory) SharedWork;
    for (Worker& w : workers_)
      if (Status s = start(w); !s) return s;
    for (;;) {
      std::vector<pollfd> wanted;
      for (const Worker& w : workers_)
        if (w.pid > 0) wanted.push_back({w.fd, POLLIN, 0});
      if (wanted.empty()) return {};
      if (::poll(wanted.data(), wanted.size(), 200) < 0 && errno != EINTR) return failed("poll");
      for (const pollfd& p : wanted) {
        if (p.revents == 0) continue;
        for (Worker& w : workers_)
          if (w.pid > 0 && w.fd == p.fd)
            if (Status s = listen(w); !s) return s;
      }
      progress.update(certificate_);
    }
  }

 private:
  struct Worker {
    pid_t pid = 0;
    int fd = -1;
    std::unique_ptr<ReportReader> reader;
    std::optional<uint64_t> playing;  // the lab's seed
  };

  static Error failed(const char* what) { return error(std::string(what) + ": " + std::strerror(errno)); }

  Status start(Worker& w) {
    int ends[2];
    if (::pipe(ends) != 0) return failed("pipe");
    w.pid = fork_process([&] {
      ::close(ends[0]);
      return work(order_, *shared_, ends[1]);
    });
    ::close(ends[1]);
    if (w.pid < 0) {
      ::close(ends[0]);
      return failed("fork");
    }
    w.fd = ends[0];
    w.reader = std::make_unique<ReportReader>();
    w.playing.reset();
    return {};
  }

  Status listen(Worker& w) {
    if (w.reader->read_from(w.fd)) {
      while (std::optional<LabReport> report = w.reader->next()) take(w, std::move(*report));
      return {};
    }
    ::close(w.fd);
    const int status = wait_for(std::exchange(w.pid, 0));
    if (!w.playing) return {};
    certificate_.findings.push_back(
        Finding{strf("seed %" PRIu64, *w.playing), {0, "crash", status_text(status), {}}, {}});
    return start(w);
  }

  void take(Worker& w, LabReport report) {
    if (report.begun) {
      w.playing = report.seed;
      return;
    }
    w.playing.reset();
    certificate_.add(report.result);
    if (report.finding) certificate_.findings.push_back(std::move(*report.finding));
  }

  const WorkOrder& order_;
  Certificate& certificate_;
  std::vector<Worker> workers_;
  SharedWork* shared_ = nullptr;
};

Status play_random_labs(const CertifyOptions& options, Certificate& certificate) {
  WorkOrder order;
  order.options = &options;
  if (options.seed) {
    order.seed = *options.seed;
  } else {
    uint32_t fresh = 1;
    if (::getrandom(&fresh, sizeof fresh, 0) != sizeof fresh) return error("no random seed to be had");
    order.seed = fresh;
  }
  order.labs = options.labs.value_or(options.seconds > 0 ? UINT64_MAX : kUsualLabs);
  if (options.seconds > 0) order.deadline = monotonic_now() + static_cast<int64_t>(options.seconds) * kSecond;
  const long processors = ::sysconf(_SC_NPROCESSORS_ONLN);
  certificate.jobs = options.jobs > 0 ? options.jobs : static_cast<unsigned>(std::max(processors, 1L));
  certificate.jobs = static_cast<unsigned>(std::min<uint64_t>(certificate.jobs, order.labs));
  for (const std::string& text : lab_left_out()) certificate.left_out.push_back(text);
  for (const std::string& text : traffic_left_out()) certificate.left_out.push_back(text);

  Progress progress(order.labs, order.deadline);
  Workers workers(order, certificate.jobs, certificate);
  if (Status s = workers.run(progress); !s) return s;
  certificate.seconds = progress.seconds();
  certificate.seeds =
      strf("%" PRIu64 "..%" PRIu64, order.seed, order.seed + std::max<uint64_t>(certificate.labs, 1) - 1);
  std::sort(certificate.findings.begin(), certificate.findings.end(),
            [](const Finding& a, const Finding& b) { return a.where < b.where; });
  return {};
}

}  // namespace

int certify(const CertifyOptions& options) {
  const auto refuse = [](const Error& e) {
    std::fprintf(stderr, "hookpoint: %s\n", e.str().c_str());
    return kBadInput;
  };
  Certificate certificate;
  if (!options.known.empty()) {
    Result<std::string> text = lab::read_file(options.known);
    if (!text) return refuse(text.error());
    Result<KnownKeys> keys = parse_known_keys(*text, options.known);
    if (!keys) return refuse(keys.error());
    certificate.known = keys.take();
  }
  Result<std::vector<lab::SysctlSetting>> settings = lab::parse_sysctl_conf({}, {});
  for (const std::string& line : options.engine_sysctl)
    if (settings = lab::parse_sysctl_conf(line, "--engine-sysctl"); !settings) return refuse(settings.error());
  if (!kernel_answers()) return kNoKernel;
  if (Status s = options.lab.empty() ? play_random_labs(options, certificate) : judge_captures(options, certificate);
      !s)
    return refuse(s.error());
  std::fputs(certificate_text(certificate).c_str(), stdout);
  std::fflush(stdout);
  return certificate.passed() ? 0 : kFailed;
}

}  // namespace nf::difftest
