#include <algorithm>
#include <filesystem>

#include "datapath/base/text.h"
#include "tools/scenario/packet_text.h"
#include "tools/scenario/scenario.h"
#include "tools/scenario/source_lines.h"

namespace nf::scenario {
namespace {

namespace fs = std::filesystem;

std::optional<Duration> parse_duration(std::string_view s) {
  struct Unit {
    std::string_view name;
    Duration length;
  };
  static constexpr Unit kUnits[] = {
      {"ms", kMillisecond}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", 86400 * kSecond}};
  for (const Unit& unit : kUnits) {
    if (!s.ends_with(unit.name)) continue;
    const auto parts = split(s.substr(0, s.size() - unit.name.size()), '.');
    const auto whole = parse_number(parts[0], 1'000'000);
    if (!whole || parts.size() > 2) continue;
    Duration d = static_cast<Duration>(*whole) * unit.length;
    if (parts.size() == 2) {
      const auto fraction = parse_number(parts[1], 999'999'999);
      if (!fraction || parts[1].size() > 9 || parts[1].starts_with("0x")) return std::nullopt;
      Duration scale = unit.length;
      for (size_t i = 0; i < parts[1].size(); ++i) scale /= 10;
      d += static_cast<Duration>(*fraction) * scale;
    }
    return d;
  }
  return std::nullopt;
}

// The lines of a block as 0xHEX: without the first line's indentation, each ended by CR LF, unless it ends in a
// backslash.
std::string payload_of_block(std::string_view block) {
  const size_t indentation = std::min(block.find_first_not_of(' '), block.size());
  std::string out = "0x";
  const auto put = [&](std::string_view bytes) {
    for (const char c : bytes) out += strf("%02x", static_cast<uint8_t>(c));
  };
  while (!block.empty()) {
    const size_t end = block.find('\n');
    std::string_view line = block.substr(0, end);
    block.remove_prefix(end + 1);
    line.remove_prefix(std::min({indentation, line.find_first_not_of(' '), line.size()}));
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    put(line);
    if (!goes_on) put("\r\n");
  }
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : lines_(text) { scenario_.file = file; }

  Result<Scenario> parse() {
    SourceLine line;
    while (!failed_ && lines_.next(line)) {
      line_ = line.number;
      if (scenario_.title.empty() && !line.comment.empty()) scenario_.title = line.comment;
      if (!line.text.empty()) dispatch(line.text);
    }
    if (!failed_ && lines_.unfinished()) fail("the file ends in a line that goes on");
    if (!failed_) resolve_ports();
    if (!failed_) check_rule_texts();
    if (failed_) return error_;
    return std::move(scenario_);
  }

 private:
  void fail(std::string text) { fail(error_at(scenario_.file, line_, std::move(text))); }
  void fail(Error e) {
    if (!failed_) error_ = std::move(e);
    failed_ = true;
  }

  void dispatch(const std::string& line) {
    const std::string text = with_data_block(line);
    if (failed_) return;
    const std::vector<std::string_view> words = split_words(text);
    const std::string_view word = words[0];
    const std::string_view rest = trim(std::string_view(text).substr(word.size()));
    if (words.size() == 2 && words[1] == "{" &&
        (word == "network" || word == "sysctl" || word == "timeouts" || word == "rules"))
      return block(word);
    if (words.back() == "{" && (word == "saved" || word == "listed" || word == "refused"))
      return rule_text(word, words);
    if (head(word, rest, words)) return;
    Step s;
    s.line = line_;
    if (step(word, rest, words, s))
      scenario_.steps.push_back(std::move(s));
    else
      fail("unknown line \"" + std::string(word) + "\"");
  }

  // Lines before the first step. False: none of them.
  bool head(std::string_view word, std::string_view rest, const std::vector<std::string_view>& words) {
    static constexpr std::string_view kHead[] = {"title", "fact", "issue", "lab", "process", "backends", "arp"};
    if (std::find(std::begin(kHead), std::end(kHead), word) == std::end(kHead)) return false;
    if (!scenario_.steps.empty()) {
      fail("\"" + std::string(word) + "\" must stand before the first step");
    } else if (word == "arp") {
      if (!rest.empty()) fail("\"arp\" stands alone");
      scenario_.arp = true;
    } else if (words.size() == 1) {
      fail("\"" + std::string(word) + "\" of what?");
    } else if (word == "title") {
      scenario_.title = rest;
    } else if (word == "fact" || word == "issue") {
      for (size_t i = 1; i < words.size(); ++i) {
        const auto n = parse_number(words[i], 100000);
        if (!n) return fail("\"" + std::string(words[i]) + "\" is not a number"), true;
        (word == "fact" ? scenario_.facts : scenario_.issues).push_back(static_cast<uint32_t>(*n));
      }
    } else if (word == "lab") {
      lab(std::string(rest));
    } else if (word == "process") {
      process(words);
    } else {
      backends(words);
    }
    return true;
  }

  // Beside the scenario, else in a folder `labs` above it.
  void lab(const std::string& name) {
    if (scenario_.lab_from_folder) return fail("two labs");
    if (!scenario_.lab.network.empty() || !scenario_.lab.sysctl.empty() || !scenario_.lab.timeouts.empty() ||
        scenario_.lab.rules)
      return fail("\"lab\" must stand before the blocks that add to it");
    std::error_code ignored;
    const fs::path here = fs::path(scenario_.file).parent_path();
    fs::path folder = here / name;
    for (fs::path up = fs::absolute(scenario_.file, ignored).parent_path(); !fs::is_directory(folder, ignored);
         up = up.parent_path()) {
      if (fs::is_directory(up / "labs" / name, ignored)) {
        folder = up / "labs" / name;
        break;
      }
      if (up == up.parent_path()) return fail("no lab \"" + name + "\", beside this file or in a folder labs above it");
    }
    Result<lab::Lab> read = lab::read_lab(folder.string());
    if (!read) return fail(read.error());
    scenario_.lab = read.take();
    scenario_.lab_from_folder = true;
  }

  void process(const std::vector<std::string_view>& words) {
    if (words.size() < 3 || (words[1] != "tcp" && words[1] != "udp"))
      return fail("process needs tcp or udp, and ports");
    for (size_t i = 2; i < words.size(); ++i) {
      const auto port = parse_number(words[i], UINT16_MAX);
      if (!port || *port == 0) return fail("\"" + std::string(words[i]) + "\" is not a port");
      scenario_.processes.push_back({words[1] == "tcp" ? kProtoTcp : kProtoUdp, static_cast<uint16_t>(*port)});
    }
  }

  void backends(const std::vector<std::string_view>& words) {
    size_t i = 1;
    for (; i < words.size() && (words[i] == "memory" || words[i] == "gateway" || words[i] == "kernel"); ++i)
      scenario_.backends.emplace_back(words[i]);
    if (i == 1) return fail("backends needs memory, gateway or kernel");
    if (i == words.size()) return fail("backends needs a reason behind the names");
    for (; i < words.size(); ++i)
      (scenario_.backends_reason += i > 0 && !scenario_.backends_reason.empty() ? " " : "") += words[i];
  }

  // A packet line that ends in `data {` with the block's lines as its payload.
  std::string with_data_block(const std::string& line) {
    const std::vector<std::string_view> words = split_words(line);
    if (words.size() < 2 || words.back() != "{" || words[words.size() - 2] != "data") return line;
    std::string text;
    if (!lines_.block(text)) return fail("no line \"}\" ends this block"), line;
    return line.substr(0, line.size() - 1) + payload_of_block(text);
  }

  // saved [-c] {, listed TABLE:CHAIN {, refused [WORDS] {
  void rule_text(std::string_view word, const std::vector<std::string_view>& words) {
    Step s;
    s.line = line_;
    std::string text;
    if (word == "saved") {
      s.kind = StepKind::kSaved;
      s.number = words.size() == 3 && words[1] == "-c" ? 1 : 0;
      if (words.size() != 2 + s.number) return fail("saved knows nothing but -c");
    } else if (word == "listed") {
      s.kind = StepKind::kListed;
      const auto parts = split(words[1], ':');
      if (words.size() != 3 || parts.size() != 2) return fail("listed needs TABLE:CHAIN");
      s.table = parts[0];
      s.chain = parts[1];
    } else {
      s.kind = StepKind::kRefused;
      for (size_t i = 1; i + 1 < words.size(); ++i) s.words.emplace_back(words[i]);
    }
    if (!lines_.block(text)) return fail("no line \"}\" ends this block");
    // Lines in front, so that the block's errors have the file's line numbers.
    s.text = (word == "refused" ? std::string(static_cast<size_t>(s.line), '\n') : std::string()) + text;
    scenario_.steps.push_back(std::move(s));
  }

  void block(std::string_view word) {
    const int first = line_;
    std::string text;
    if (!lines_.block(text)) return fail("no line \"}\" ends this block");
    const bool change = !scenario_.steps.empty();
    // Lines in front, so that the block's errors have the file's line numbers.
    const int offset = first + (change || !scenario_.lab_from_folder ? 0 : Scenario::kOwnLines);
    const std::string numbered = std::string(static_cast<size_t>(first), '\n') + text;
    Step s;
    s.line = first;
    if (word == "network") {
      Result<std::vector<lab::NetworkLine>> lines = lab::parse_network(numbered, scenario_.file);
      if (!lines) return fail(lines.error());
      if (change) {
        s.kind = StepKind::kNetwork;
        s.network = lines.take();
      } else {
        for (lab::NetworkLine& l : *lines) {
          l.line += offset - first;
          scenario_.lab.network.push_back(std::move(l));
        }
        if (!scenario_.lab_from_folder) scenario_.lab.network_file = scenario_.file;
      }
    } else if (word == "sysctl") {
      Result<std::vector<lab::SysctlSetting>> settings = lab::parse_sysctl_conf(numbered, scenario_.file);
      if (!settings) return fail(settings.error());
      if (change) {
        s.kind = StepKind::kSysctl;
        s.sysctl = settings.take();
      } else {
        for (lab::SysctlSetting& l : *settings) {
          l.line += offset - first;
          scenario_.lab.sysctl.push_back(std::move(l));
        }
        if (!scenario_.lab_from_folder) scenario_.lab.sysctl_file = scenario_.file;
      }
    } else if (word == "timeouts") {
      if (change) return fail("timeouts must stand before the first step");
      Result<std::vector<lab::TimeoutLine>> lines = lab::parse_timeouts(numbered, scenario_.file);
      if (!lines) return fail(lines.error());
      for (lab::TimeoutLine& l : *lines) {
        l.line += offset - first;
        scenario_.lab.timeouts.push_back(std::move(l));
      }
      if (!scenario_.lab_from_folder) scenario_.lab.timeouts_file = scenario_.file;
    } else if (change) {
      s.kind = StepKind::kRules;
      s.text = numbered;
    } else {
      if (own_rules_) return fail("two rules blocks before the first step");
      own_rules_ = true;
      scenario_.lab.rules = numbered;
      scenario_.lab.rules_file = scenario_.file;
    }
    if (change) scenario_.steps.push_back(std::move(s));
  }

  // False: an unknown word.
  bool step(std::string_view word, std::string_view rest, const std::vector<std::string_view>& words, Step& s) {
    const auto packet = [&](StepKind kind, std::string_view text) {
      s.kind = kind;
      Result<PacketSpec> parsed = parse_packet(text);
      if (!parsed) return fail(parsed.error().text);
      s.packet = parsed.take();
    };
    const auto all_words = [&](StepKind kind, size_t from) {
      s.kind = kind;
      for (size_t i = from; i < words.size(); ++i) s.words.emplace_back(words[i]);
      if (s.words.empty()) fail("\"" + std::string(word) + "\" of what?");
    };
    if (word == "in" || word == "out") {
      if (words.size() < 2) return fail("\"" + std::string(word) + "\" by which port?"), true;
      port_names_.emplace_back(scenario_.steps.size(), words[1]);
      packet(word == "in" ? StepKind::kIn : StepKind::kOut, trim(rest.substr(words[1].size())));
    } else if (word == "host" || word == "deliver") {
      packet(word == "host" ? StepKind::kHost : StepKind::kDeliver, rest);
      if (!failed_ && (s.packet.form == Form::kArpRequest || s.packet.form == Form::kArpReply))
        fail("a local process has no ARP");
    } else if (word == "nothing" && words.size() == 1) {
      s.kind = StepKind::kNothing;
    } else if (word == "wait" && words.size() == 2) {
      s.kind = StepKind::kWait;
      const auto d = parse_duration(words[1]);
      if (!d) return fail("\"" + std::string(words[1]) + "\" is not a time: 2.5s, 10ms, 3m, 1h, 5d"), true;
      s.duration = *d;
    } else if (word == "path") {
      all_words(StepKind::kPath, 1);
      if (s.words == std::vector<std::string>{"none"}) s.words.clear();
    } else if (word == "counter") {
      counter(words, s);
    } else if (word == "entry") {
      all_words(StepKind::kEntry, 1);
    } else if (word == "expect") {
      all_words(StepKind::kExpect, 1);
    } else if ((word == "entries" || word == "expects") && words.size() == 2) {
      s.kind = word == "entries" ? StepKind::kEntries : StepKind::kExpects;
      const auto n = parse_number(words[1], UINT32_MAX);
      if (!n) return fail("\"" + std::string(words[1]) + "\" is not a number"), true;
      s.number = static_cast<uint32_t>(*n);
    } else if (word == "no" && words.size() >= 2 && (words[1] == "entry" || words[1] == "expect")) {
      s.kind = words[1] == "entry" ? StepKind::kNoEntry : StepKind::kNoExpect;
      for (size_t i = 2; i < words.size(); ++i) s.words.emplace_back(words[i]);
    } else if (word == "no" && words.size() == 2 && words[1] == "event") {
      s.kind = StepKind::kNoEvent;
    } else if (word == "why") {
      why(StepKind::kWhy, words, 1, s);
    } else if (word == "no" && words.size() >= 2 && words[1] == "why") {
      why(StepKind::kNoWhy, words, 2, s);
    } else if (word == "fate") {
      all_words(StepKind::kFate, 1);
      if (s.words.size() != 1 || !is_fate(s.words[0])) fail("fate is sent, delivered, dropped, waiting or nothing");
    } else if (word == "event") {
      all_words(StepKind::kEvent, 1);
    } else if (word == "log") {
      all_words(StepKind::kLog, 1);
    } else if (word == "stats") {
      stats(words, s);
    } else if (word == "flush" && words.size() == 2 && words[1] == "conntrack") {
      s.kind = StepKind::kFlush;
    } else {
      return false;
    }
    return true;
  }

  void why(StepKind kind, const std::vector<std::string_view>& words, size_t from, Step& s) {
    s.kind = kind;
    Result<Why> parsed = parse_why({words.begin() + static_cast<ptrdiff_t>(from), words.end()});
    if (!parsed) return fail(parsed.error().text);
    s.why = parsed.take();
  }

  void counter(const std::vector<std::string_view>& words, Step& s) {
    s.kind = StepKind::kCounter;
    const auto parts = words.size() > 1 ? split(words[1], ':') : std::vector<std::string_view>{};
    if (parts.size() != 3 || words.size() < 3 || words.size() > 4)
      return fail("counter needs TABLE:CHAIN:NUMBER PACKETS [BYTES]");
    s.table = parts[0];
    s.chain = parts[1];
    const auto n = parse_number(parts[2], UINT32_MAX);
    if (parts[2] != "policy" && (!n || *n == 0))
      return fail("\"" + std::string(parts[2]) + "\" is not a rule's number, from 1, or \"policy\"");
    s.number = static_cast<uint32_t>(n.value_or(0));
    for (size_t i = 2; i < words.size(); ++i) {
      Result<Value> v = parse_value(words[i], UINT32_MAX);
      if (!v) return fail(v.error().text);
      s.values.push_back(v.take());
    }
  }

  void stats(const std::vector<std::string_view>& words, Step& s) {
    s.kind = StepKind::kStats;
    if (words.size() < 2) return fail("stats needs NAME=N");
    for (size_t i = 1; i < words.size(); ++i) {
      const auto parts = split(words[i], '=');
      if (parts.size() != 2 || !statistic({}, parts[0]))
        return fail("\"" + std::string(words[i]) + "\" is not NAME=N of conntrack -S");
      Result<Value> v = parse_value(parts[1], UINT32_MAX);
      if (!v) return fail(v.error().text);
      s.words.emplace_back(parts[0]);
      s.values.push_back(v.take());
    }
  }

  // The kernel's rules cannot be both as they were written and prepared for paths or the log (BackendConfig).
  void check_rule_texts() {
    if (!scenario_.uses(StepKind::kSaved) && !scenario_.uses(StepKind::kListed)) return;
    for (const Step& s : scenario_.steps) {
      line_ = s.line;
      if (s.kind == StepKind::kPath || s.kind == StepKind::kLog)
        return fail("path and log do not go together with saved and listed: make it two scenarios");
    }
  }

  void resolve_ports() {
    const std::vector<BackendPort> ports = ports_of(scenario_.lab);
    for (const auto& [index, name] : port_names_) {
      const auto found =
          std::find_if(ports.begin(), ports.end(), [&, &n = name](const BackendPort& p) { return p.name == n; });
      Step& step = scenario_.steps[index];
      line_ = step.line;
      if (found == ports.end()) {
        std::string known;
        for (const BackendPort& p : ports) known += (known.empty() ? "" : ", ") + p.name;
        return fail("no port \"" + name + "\": the lab has " + (known.empty() ? "none" : known));
      }
      step.port = static_cast<int>(found - ports.begin());
    }
  }

  SourceLines lines_;
  int line_ = 0;
  bool failed_ = false, own_rules_ = false;
  Error error_;
  Scenario scenario_;
  std::vector<std::pair<size_t, std::string>> port_names_;  // by index of the step
};

}  // namespace

Error Scenario::place(Error e) const {
  if (lab_from_folder && e.line > kOwnLines) {
    e.file = file;
    e.line -= kOwnLines;
  }
  return e;
}

bool Scenario::uses(StepKind kind) const {
  return std::any_of(steps.begin(), steps.end(), [&](const Step& s) { return s.kind == kind; });
}

size_t Scenario::whys() const {
  return static_cast<size_t>(std::count_if(steps.begin(), steps.end(), [](const Step& s) { return asks_why(s.kind); }));
}

Duration Scenario::longest_wait() const {
  Duration longest = 0;
  for (const Step& s : steps) longest = std::max(longest, s.duration);
  return longest;
}

Duration Scenario::total_wait() const {
  Duration total = 0;
  for (const Step& s : steps) total += s.duration;
  return total;
}

Result<Scenario> parse_scenario(std::string_view text, const std::string& file) { return Parser(text, file).parse(); }

Result<Scenario> read_scenario(const std::string& file) {
  const Result<std::string> text = lab::read_file(file);
  if (!text) return text.error();
  return parse_scenario(*text, file);
}

}  // namespace nf::scenario
