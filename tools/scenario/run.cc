#include "tools/scenario/run.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "datapath/base/text.h"
#include "tools/scenario/known_differences.h"
#include "tools/scenario/play.h"
#include "tools/scenario/report.h"

namespace nf::scenario {
namespace {

namespace fs = std::filesystem;

// What a scenario may take besides its waits.
constexpr unsigned kSecondsToPlay = 60;

Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code wrong;
    if (!fs::is_directory(path, wrong)) {
      if (!fs::exists(path, wrong)) return error(path + ": no such file");
      files.push_back(path);
      continue;
    }
    std::vector<std::string> below;
    for (fs::recursive_directory_iterator it(path, wrong), end; !wrong && it != end; it.increment(wrong))
      if (it->path().extension() == ".scn") below.push_back(it->path().string());
    if (wrong) return error(path + ": " + wrong.message());
    if (below.empty()) return error(path + ": no *.scn below it");
    std::sort(below.begin(), below.end());
    files.insert(files.end(), below.begin(), below.end());
  }
  return files;
}

std::unique_ptr<Backend> make_backend(const RunOptions& options) {
  if (options.backend == "memory") return make_memory_backend();
  if (options.backend == "kernel") return make_kernel_backend();
  std::error_code ignored;
  return make_gateway_backend(options.program.empty() ? fs::read_symlink("/proc/self/exe", ignored).string()
                                                      : options.program);
}

// A child that plays one scenario; its report comes through a pipe, its code as exit status.
struct Child {
  size_t index;
  bool trace;
  pid_t pid;
  int fd;
  std::string report;
};

using Clock = std::chrono::steady_clock;

class Run {
 public:
  Run(const RunOptions& options, std::vector<Scenario> scenarios, KnownDifferences known, Report& report)
      : options_(options),
        scenarios_(std::move(scenarios)),
        known_(std::move(known)),
        report_(report),
        first_(scenarios_.size()),
        began_(scenarios_.size()),
        finished_(scenarios_.size()) {}

  int all() {
    const Clock::time_point begin_of_all = Clock::now();
    report_.begin(scenarios_.size());
    const size_t jobs =
        options_.jobs != 0 ? options_.jobs
                           : std::max(1u, std::thread::hardware_concurrency()) * (options_.backend == "memory" ? 1 : 2);
    size_t next = 0;
    while (next < scenarios_.size() || !children_.empty()) {
      while (next < scenarios_.size() && children_.size() < jobs) begin(next++);
      if (!children_.empty() && !wait_for_one()) return static_cast<int>(ExitCode::kBadInput);
    }
    totals_.seconds = std::chrono::duration<double>(Clock::now() - begin_of_all).count();
    report_.end(totals_);
    return exit_code(totals_);
  }

  static int exit_code(const Totals& t) {
    if (t[Ending::kUnplayable] > 0) return static_cast<int>(ExitCode::kBadInput);
    if (t[Ending::kFailed] > 0) return static_cast<int>(ExitCode::kExpectationFailed);
    return static_cast<int>(t[Ending::kNotHere] == t.all() ? ExitCode::kNotModelled : ExitCode::kOk);
  }

 private:
  void begin(size_t index) {
    began_[index] = Clock::now();
    const std::string reason = not_for(scenarios_[index], options_.backend);
    if (reason.empty())
      start(index, false);
    else
      finish(index, Ending::kNotHere, reason);
  }

  void start(size_t index, bool trace) {
    int ends[2];
    std::fflush(nullptr);
    if (pipe(ends) != 0) return finish(index, Ending::kFailed, std::string("pipe: ") + std::strerror(errno));
    const pid_t pid = fork();
    if (pid == 0) {
      close(ends[0]);
      for (const Child& other : children_) close(other.fd);
      child(index, trace, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
      close(ends[0]);
      return finish(index, Ending::kFailed, std::string("fork: ") + std::strerror(errno));
    }
    children_.push_back({index, trace, pid, ends[0], {}});
  }

  [[noreturn]] void child(size_t index, bool trace, int out) {
    const Scenario& s = scenarios_[index];
    alarm(kSecondsToPlay + (options_.backend == "memory" ? 0 : static_cast<unsigned>(s.total_wait() / kSecond)));
    Outcome outcome;
    {
      const std::unique_ptr<Backend> backend = make_backend(options_);
      outcome = play(s, *backend, {.trace = trace, .seed = 1});
    }
    for (size_t at = 0; at < outcome.text.size();) {
      const ssize_t n = write(out, outcome.text.data() + at, outcome.text.size() - at);
      if (n < 0 && errno != EINTR) break;
      if (n > 0) at += static_cast<size_t>(n);
    }
    std::fflush(nullptr);
    _exit(static_cast<int>(outcome.code));
  }

  // Reads until a child has ended, and takes its outcome.
  bool wait_for_one() {
    std::vector<pollfd> fds;
    for (const Child& c : children_) fds.push_back({c.fd, POLLIN, 0});
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
      std::fprintf(stderr, "hookpoint: poll: %s\n", std::strerror(errno));
      return false;
    }
    for (size_t i = fds.size(); i-- > 0;) {
      if (fds[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t n = read(fds[i].fd, buffer, sizeof buffer);
      if (n > 0) children_[i].report.append(buffer, static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) end(i);
    }
    return true;
  }

  void end(size_t i) {
    const Child c = std::move(children_[i]);
    children_.erase(children_.begin() + static_cast<ptrdiff_t>(i));
    close(c.fd);
    int status = 0;
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {
    }
    const std::string& file = scenarios_[c.index].file;
    Outcome outcome{ExitCode::kExpectationFailed, c.report};
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 3)
      outcome.code = static_cast<ExitCode>(WEXITSTATUS(status));
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
      outcome.text += file + ": did not end in time\n";
    else if (WIFSIGNALED(status))
      outcome.text += file + ": crashed: " + strsignal(WTERMSIG(status)) + "\n";
    else
      outcome.text += file + strf(": ended with status %d\n", status);
    settle(c, std::move(outcome));
  }

  void settle(const Child& c, Outcome outcome) {
    const bool known = known_.has(scenarios_[c.index].file) && options_.backend != "kernel";
    if (outcome.code == ExitCode::kNotModelled) {
      finish(c.index, Ending::kNotHere, outcome.text);
    } else if (outcome.code == ExitCode::kBadInput) {
      finish(c.index, Ending::kUnplayable, outcome.text);
    } else if (c.trace) {
      if (outcome.code == ExitCode::kOk) {
        outcome = first_[c.index];
        outcome.text += "  played again, it passed\n";
      }
      finish(c.index, Ending::kFailed, outcome.text);
    } else if (known) {
      if (outcome.code == ExitCode::kOk)
        finish(c.index, Ending::kFailed, scenarios_[c.index].file + ": passes, but is listed in " + options_.known);
      else
        finish(c.index, Ending::kKnown, outcome.text);
    } else if (outcome.code == ExitCode::kOk) {
      finish(c.index, Ending::kPassed, {});
    } else {
      first_[c.index] = std::move(outcome);
      start(c.index, true);
    }
  }

  // Told in the order of the files, as soon as all before are.
  void finish(size_t index, Ending ending, std::string text) {
    const Scenario& s = scenarios_[index];
    if (ending != Ending::kNotHere && !text.empty() && !text.ends_with('\n')) text += '\n';
    Finished f{s.file, s.title, ending, std::move(text), 0, 0};
    f.seconds = std::chrono::duration<double>(Clock::now() - began_[index]).count();
    if (options_.backend == "kernel" && ending == Ending::kPassed) f.passed_over = s.whys();
    ++totals_.of[static_cast<size_t>(ending)];
    totals_.passed_over += f.passed_over;
    if (ending == Ending::kNotHere) ++totals_.reasons[f.text];
    finished_[index] = std::move(f);
    while (told_ < finished_.size() && finished_[told_]) report_.finished(*finished_[told_++]);
  }

  const RunOptions& options_;
  std::vector<Scenario> scenarios_;
  KnownDifferences known_;
  Report& report_;
  std::vector<Outcome> first_;  // of those that failed and are played again
  std::vector<Clock::time_point> began_;
  std::vector<std::optional<Finished>> finished_;
  size_t told_ = 0;
  std::vector<Child> children_;
  Totals totals_;
};

int refuse(const Error& e) {
  std::fprintf(stderr, "%s\n", e.str().c_str());
  return static_cast<int>(ExitCode::kBadInput);
}

}  // namespace

int run_scenarios(const RunOptions& options) {
  const Result<std::vector<std::string>> files = files_of(options.paths);
  if (!files) return refuse(files.error());
  KnownDifferences known;
  if (!options.known.empty()) {
    Result<KnownDifferences> read = KnownDifferences::read(options.known);
    if (!read) return refuse(read.error());
    known = read.take();
  }
  const std::unique_ptr<Report> report =
      make_report(options.format, {.backend = options.backend, .verbose = options.verbose});
  if (report == nullptr) return refuse(error("no format \"" + options.format + "\": text, tap or junit"));
  // Every file is read before the first is played: all that cannot be read are told at once.
  std::vector<Scenario> scenarios;
  std::vector<Finished> unreadable;
  for (const std::string& file : *files) {
    Result<Scenario> s = read_scenario(file);
    if (s) {
      scenarios.push_back(s.take());
    } else {
      refuse(s.error());
      unreadable.push_back({file, {}, Ending::kUnplayable, s.error().str() + '\n', 0, 0});
    }
  }
  if (unreadable.empty()) return Run(options, std::move(scenarios), std::move(known), *report).all();
  if (options.format != "text") {
    Totals totals;
    totals.of[static_cast<size_t>(Ending::kUnplayable)] = unreadable.size();
    report->begin(unreadable.size());
    for (const Finished& f : unreadable) report->finished(f);
    report->end(totals);
  }
  return static_cast<int>(ExitCode::kBadInput);
}

}  // namespace nf::scenario
