#include "tools/scenario/play.h"

#include <algorithm>
#include <deque>

#include "datapath/base/text.h"
#include "tools/scenario/line_match.h"
#include "tools/scenario/packet_match.h"
#include "tools/scenario/packet_text.h"
#include "tools/scenario/rule_text.h"
#include "tools/scenario/sender.h"
#include "tools/scenario/source_lines.h"

namespace nf::scenario {
namespace {

Layer layer_of(int port) { return port == kLocalProcesses ? Layer::kIp : Layer::kEthernet; }

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : " ") + w;
  return out;
}

// Something seen and not yet written: a line and the step that caused it.
struct Seen {
  std::string text;
  int cause;
};

class Player {
 public:
  Player(const Scenario& s, Backend& backend, const PlayOptions& options)
      : s_(s), backend_(backend), options_(options), sender_(backend) {}

  Outcome play() {
    if (configure()) {
      for (const Step& step : s_.steps)
        if (!run(step)) break;
      if (!stopped_) finish();
    }
    return std::move(outcome_);
  }

 private:
  // --- outcomes; all return false
  bool stop(ExitCode code, std::string text) {
    if (!stopped_) outcome_ = {code, std::move(text)};
    stopped_ = true;
    return false;
  }
  bool stop(const Error& e, int line) {
    if (e.code == ExitCode::kNotModelled) return stop(e.code, e.text);
    const Error placed = e.file.empty() && line > 0 ? Error{e.text, s_.file, line, e.code} : s_.place(e);
    return stop(placed.code == ExitCode::kExpectationFailed ? ExitCode::kBadInput : placed.code, placed.str());
  }
  std::string at(int line) const { return s_.file + ":" + std::to_string(line) + ": "; }
  // `extra`: whole lines.
  bool failed(int line, const std::string& what, const std::string& extra = {}) {
    std::string text = at(line) + what + "\n" + extra;
    const std::string trace = options_.trace ? backend_.take_trace() : std::string();
    if (!trace.empty()) {
      text += "  what happened since line " + std::to_string(stimulus_line_) + ":\n";
      for (const std::string_view l : split(trim(trace), '\n')) ((text += "    ") += l) += '\n';
    }
    return stop(ExitCode::kExpectationFailed, text);
  }

  bool configure() {
    BackendConfig config;
    config.lab = &s_.lab;
    config.processes = s_.processes;
    config.rule_paths = s_.uses(StepKind::kPath);
    config.trace = options_.trace;
    asks_ = s_.whys() > 0 && backend_.tells();
    config.told = asks_;
    config.rule_texts = prints_rules();
    config.events = listens();
    config.seed = options_.seed;
    if (Status st = backend_.configure(config); !st) return stop(st.error(), 0);
    sender_.apply(s_.lab.network);
    queues_.resize(backend_.ports().size() + 1);
    return true;
  }
  bool prints_rules() const { return s_.uses(StepKind::kSaved) || s_.uses(StepKind::kListed); }
  bool listens() const { return s_.uses(StepKind::kEvent) || s_.uses(StepKind::kNoEvent); }

  bool run(const Step& step) {
    if (is_stimulus(step.kind)) {
      if (!all_seen()) return false;
      stimulus_line_ = step.line;
      paths_.clear();
      path_at_ = 0;
      told_.clear();
      if (options_.trace) backend_.take_trace();
    }
    switch (step.kind) {
      case StepKind::kIn:
      case StepKind::kHost:
        return send(step) && gather();
      case StepKind::kWait:
        return wait(step) && gather();
      case StepKind::kNetwork:
        sender_.apply(step.network);
        return done(backend_.apply_network(step.network, s_.file), step) && gather();
      case StepKind::kSysctl:
        return done(backend_.apply_sysctl(step.sysctl, s_.file), step) && gather();
      case StepKind::kRules:
        return done(backend_.apply_rules(step.text, s_.file), step) && gather();
      case StepKind::kSaved:
      case StepKind::kListed:
        return rule_text(step);
      case StepKind::kRefused:
        return refused(step);
      case StepKind::kFlush:
        return done(backend_.flush_conntrack(), step) && gather();
      case StepKind::kOut:
      case StepKind::kDeliver:
        return expect(step);
      case StepKind::kNothing:
        return nothing_left();
      case StepKind::kPath:
        return path(step);
      case StepKind::kCounter:
        return counter(step);
      case StepKind::kWhy:
      case StepKind::kNoWhy:
        return !asks_ || why(step);
      case StepKind::kFate:
        return !asks_ || fate(step);
      case StepKind::kEntry:
      case StepKind::kNoEntry:
      case StepKind::kEntries:
        return entries(step, "entry", step.kind == StepKind::kEntries, step.kind == StepKind::kNoEntry,
                       backend_.entries());
      case StepKind::kExpect:
      case StepKind::kNoExpect:
      case StepKind::kExpects:
        return entries(step, "expect", step.kind == StepKind::kExpects, step.kind == StepKind::kNoExpect,
                       backend_.expectations());
      case StepKind::kEvent:
        return line("event", events_, step);
      case StepKind::kNoEvent:
        return events_.empty() || failed(step.line, "no event: expected none, got " + events_.front().text);
      case StepKind::kLog:
        return line("log", log_, step);
      case StepKind::kStats:
        return stats(step);
    }
    return true;
  }

  bool done(const Status& st, const Step& step) { return st ? true : stop(st.error(), step.line); }

  // --- what goes in
  bool send(const Step& step) {
    const Result<bool> sent = sender_.send(step.port, step.packet, variables_);
    return sent.ok() || stop(sent.error(), step.line);
  }

  bool wait(const Step& step) { return done(backend_.wait_until(backend_.now() + step.duration), step); }

  // --- what is seen
  bool gather() {
    std::vector<Emitted> emitted;
    if (Status st = sender_.gather(emitted, !s_.arp); !st) return stop(st.error(), stimulus_line_);
    for (Emitted& e : emitted) queue(e.port).push_back({std::move(e.bytes), stimulus_line_});
    return take_lines(listens(), events_, [this] { return backend_.take_events(); }) &&
           take_lines(!prints_rules(), log_, [this] { return backend_.take_log(); }) && take_paths() && take_told();
  }

  template <class Take>
  bool take_lines(bool wanted, std::deque<Seen>& into, Take take) {
    if (!wanted) return true;
    Result<std::vector<std::string>> lines = take();
    if (!lines) return stop(lines.error(), stimulus_line_);
    for (std::string& l : *lines) into.push_back({std::string(trim(l)), stimulus_line_});
    return true;
  }

  bool take_paths() {
    if (!s_.uses(StepKind::kPath)) return true;
    Result<std::vector<RulePath>> paths = backend_.take_paths();
    if (!paths) return stop(paths.error(), stimulus_line_);
    paths_ = paths.take();
    return true;
  }

  bool take_told() {
    if (!asks_) return true;
    Result<std::vector<ToldPacket>> told = backend_.take_told();
    if (!told) return stop(told.error(), stimulus_line_);
    told_.insert(told_.end(), std::make_move_iterator(told->begin()), std::make_move_iterator(told->end()));
    return true;
  }

  struct Frame {
    std::vector<uint8_t> bytes;
    int cause;
  };
  std::deque<Frame>& queue(int port) { return queues_[static_cast<size_t>(port + 1)]; }
  std::string port_text(int port) const {
    return port == kLocalProcesses ? "deliver" : "out " + backend_.ports()[static_cast<size_t>(port)].name;
  }
  // Everything that came out and is not yet written, as lines of a scenario.
  std::string frames_left() {
    std::string text;
    for (int port = kLocalProcesses; port < static_cast<int>(backend_.ports().size()); ++port)
      for (const Frame& f : queue(port))
        text += "    " + port_text(port) + " " + packet_summary(f.bytes, layer_of(port)) + "\n";
    return text.empty() ? "  nothing (more) came out\n" : "  came out:\n" + text;
  }

  bool expect(const Step& step) {
    std::deque<Frame>& q = queue(step.port);
    const std::string wanted = "  expected: " + port_text(step.port) + " " + print_packet(step.packet) + "\n";
    if (q.empty())
      return failed(step.line, port_text(step.port) + ": expected a packet, got none", wanted + frames_left());
    auto frame = q.begin();
    if (step.port == kLocalProcesses && step.packet.form != Form::kBytes) {
      // A kernel's raw sockets take each protocol for itself: between two there is no order to be seen.
      const auto same = std::find_if(q.begin(), q.end(), [&](const Frame& f) {
        const Ipv4Header* ip = view<Ipv4Header>(std::span<const uint8_t>(f.bytes));
        return ip != nullptr && ip->protocol == step.packet.protocol;
      });
      if (same != q.end()) frame = same;
    }
    const auto wrong = match_packet(step.packet, frame->bytes, layer_of(step.port), variables_);
    if (wrong)
      return failed(step.line, wrong->field + ": expected " + wrong->expected + ", got " + wrong->actual,
                    wanted + frames_left());
    q.erase(frame);
    return true;
  }

  bool nothing_left() {
    for (int port = kLocalProcesses; port < static_cast<int>(backend_.ports().size()); ++port)
      if (!queue(port).empty())
        return failed(queue(port).front().cause, port_text(port) + ": came out and is not written", frames_left());
    return true;
  }

  bool path(const Step& step) {
    if (step.words.empty())
      return paths_.empty() || failed(step.line, "path: expected none, got " + join(paths_.front()));
    if (path_at_ == paths_.size())
      return failed(step.line,
                    "path: expected " + join(step.words) + ", got no packet" + (path_at_ > 0 ? " more" : ""));
    RulePath actual = paths_[path_at_++];
    const auto policy = [](const std::string& w) { return w.ends_with(":policy"); };
    if (std::none_of(step.words.begin(), step.words.end(), policy) && std::any_of(actual.begin(), actual.end(), policy))
      std::erase_if(actual, policy);
    return actual == step.words || failed(step.line, "path: expected " + join(step.words) + ", got " +
                                                         (actual.empty() ? "none" : join(actual)));
  }

  bool why(const Step& step) {
    const bool none = step.kind == StepKind::kNoWhy;
    if (!none) {
      return is_told(step.why, told_, variables_) ||
             failed(step.line, "why: expected " + print_why(step.why) + ", got none like it",
                    print_told(step.why, told_));
    }
    Variables trial = variables_;
    return !is_told(step.why, told_, trial) ||
           failed(step.line, "no why: expected no " + print_why(step.why), print_told(step.why, told_));
  }

  bool fate(const Step& step) {
    const std::optional<std::string> fate = fate_of(told_);
    return fate == step.words[0] ||
           failed(step.line, "fate: expected " + step.words[0] + ", got " + fate.value_or("no packet"));
  }

  bool counter(const Step& step) {
    const Result<std::vector<RuleCounter>> all = backend_.counters();
    if (!all) return stop(all.error(), step.line);
    const std::string name =
        step.table + ":" + step.chain + ":" + (step.number == 0 ? "policy" : std::to_string(step.number));
    for (const RuleCounter& c : *all) {
      if (c.table != step.table || c.chain != step.chain || c.number != step.number) continue;
      const uint64_t actual[] = {c.packets, c.bytes};
      for (size_t i = 0; i < step.values.size(); ++i)
        if (actual[i] > UINT32_MAX || !match_value(step.values[i], static_cast<uint32_t>(actual[i]), variables_))
          return failed(step.line, name + (i == 0 ? " packets" : " bytes") + ": expected " +
                                       value_text(step.values[i]) + ", got " + std::to_string(actual[i]));
      return true;
    }
    return stop(error_at(s_.file, step.line, "there is no rule " + name), step.line);
  }

  static std::string value_text(const Value& v) {
    if (!v.variable.empty()) return "$" + v.variable;
    return v.low == v.high ? std::to_string(v.low) : strf("{%u-%u}", v.low, v.high);
  }

  // Connections or expectations (`what`). Lines that follow each other name different ones.
  bool entries(const Step& step, const std::string& what, bool count, bool none,
               const Result<std::vector<std::string>>& all) {
    if (!all) return stop(all.error(), step.line);
    std::string listed = all->empty() ? "  the table is empty\n" : "  the table:\n";
    for (const std::string& e : *all) listed += "    " + e + "\n";
    if (count)
      return all->size() == step.number ||
             failed(step.line,
                    std::string(what == "entry" ? "entries" : "expects") + ": expected " + std::to_string(step.number) +
                        ", got " + std::to_string(all->size()),
                    listed);
    const bool follows = last_entry_step_ != nullptr && last_entry_step_ + 1 == &step;
    if (!follows) named_.clear();
    last_entry_step_ = &step;
    for (const std::string& e : *all) {
      if (none) {
        Variables trial = variables_;
        if (match_entry(step.words, e, trial))
          return failed(step.line, "no " + what + ": expected none, got " + e, listed);
      } else if (std::find(named_.begin(), named_.end(), e) == named_.end() && match_entry(step.words, e, variables_)) {
        named_.push_back(e);
        return true;
      }
    }
    return none || failed(step.line, what + ": expected " + join(step.words) + ", got none like it", listed);
  }

  bool line(const char* what, std::deque<Seen>& seen, const Step& step) {
    if (seen.empty()) return failed(step.line, std::string(what) + ": expected " + join(step.words) + ", got none");
    if (!match_line(step.words, seen.front().text, variables_))
      return failed(step.line, std::string(what) + ": expected " + join(step.words) + ", got " +
                                   join(words_of(seen.front().text)));
    seen.pop_front();
    return true;
  }
  static std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string_view w : split_words(text)) out.emplace_back(w);
    return out;
  }

  bool stats(const Step& step) {
    const Result<ct::Stats> now = backend_.statistics();
    if (!now) return stop(now.error(), step.line);
    for (size_t i = 0; i < step.words.size(); ++i) {
      const uint64_t n = *statistic(*now, step.words[i]);
      if (n > UINT32_MAX || !match_value(step.values[i], static_cast<uint32_t>(n), variables_))
        return failed(step.line,
                      step.words[i] + ": expected " + value_text(step.values[i]) + ", got " + std::to_string(n));
    }
    return true;
  }

  bool rule_text(const Step& step) {
    const bool saved = step.kind == StepKind::kSaved;
    const Result<std::string> text =
        saved ? backend_.saved_rules(step.number != 0) : backend_.listed_rules(step.table, step.chain);
    if (!text) return stop(text.error(), step.line);
    const auto wrong = compare_rule_text(step.text, *text);
    if (!wrong) return true;
    const auto quoted = [](const std::string& line) { return line.empty() ? "no line" : '"' + line + '"'; };
    std::string all = "  printed was:\n";
    for (const std::string_view line : split(trim(*text), '\n')) ((all += "    ") += line) += '\n';
    return failed(step.line + wrong->line,
                  std::string(saved ? "saved" : "listed") + ": expected " + quoted(wrong->expected) + ", got " +
                      quoted(wrong->actual),
                  all);
  }

  bool refused(const Step& step) {
    const Status loaded = backend_.apply_rules(step.text, s_.file);
    const std::string words = join(step.words);
    const std::string wanted = "refused: expected " + (words.empty() ? "an error" : words);
    if (loaded) return failed(step.line, wanted + ", but the rules are loaded");
    if (loaded.error().code == ExitCode::kNotModelled) return stop(loaded.error(), step.line);
    return loaded.error().text.find(words) != std::string::npos ||
           failed(step.line, wanted + ", got " + loaded.error().text);
  }

  // Before anything else happens: what came of the last step is all written.
  bool all_seen() {
    if (!nothing_left()) return false;
    if (path_at_ > 0 && path_at_ < paths_.size())
      return failed(stimulus_line_, "path: not written: " + join(paths_[path_at_]));
    return true;
  }
  bool finish() {
    if (!all_seen()) return false;
    if (!events_.empty())
      return failed(events_.front().cause, "event: not written: " + join(words_of(events_.front().text)));
    if (!log_.empty()) return failed(log_.front().cause, "log: not written: " + log_.front().text);
    return true;
  }

  const Scenario& s_;
  Backend& backend_;
  const PlayOptions& options_;
  Sender sender_;
  Variables variables_;
  int stimulus_line_ = 0;
  std::vector<std::deque<Frame>> queues_;  // local processes, then the ports
  std::deque<Seen> events_, log_;
  std::vector<RulePath> paths_;
  size_t path_at_ = 0;
  bool asks_ = false;             // why, and the backend tells
  std::vector<ToldPacket> told_;  // since the last stimulus
  const Step* last_entry_step_ = nullptr;
  std::vector<std::string> named_;
  bool stopped_ = false;
  Outcome outcome_;
};

}  // namespace

std::string not_for(const Scenario& s, std::string_view backend) {
  if (!s.backends.empty() && std::find(s.backends.begin(), s.backends.end(), backend) == s.backends.end())
    return s.backends_reason;
  if (backend != "memory" && s.longest_wait() > kLongestRealWait) return "waits longer than 10 s";
  return {};
}

Outcome play(const Scenario& scenario, Backend& backend, const PlayOptions& options) {
  return Player(scenario, backend, options).play();
}

}  // namespace nf::scenario
