#include "tools/shrink/shrink.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "datapath/base/text.h"
#include "tools/replay/capture_player.h"
#include "tools/shrink/results.h"
#include "tools/shrink/shrinker.h"
#include "tools/trace/describe.h"

namespace nf::shrink {
namespace {

std::string number(size_t n) { return std::to_string(n); }

// The link addresses and neighbours that captures tell of, as lines of `network` where the lab does not say them.
std::vector<std::string> told_by_captures(CapturePlayer& player) {
  std::vector<std::string> lines;
  for (const CaptureLink& link : player.links()) {
    const Device& port = *player.gateway().router().device(link.interface);
    const std::string own = "link set dev " + port.name + " address " + trace::format_mac(port.mac);
    if (std::find(lines.begin(), lines.end(), own) == lines.end()) lines.push_back(own);
  }
  for (const CaptureLink& link : player.links()) {
    const Device& port = *player.gateway().router().device(link.interface);
    const Device& dev = port.master != nullptr ? *port.master : port;
    for (const Station& s : link.stations)
      if (s.mac != port.mac && s.mac != dev.mac)
        lines.push_back("neigh replace " + format_ipv4(s.address) + " lladdr " + trace::format_mac(s.mac) + " dev " +
                        dev.name + " nud permanent");
  }
  return lines;
}

class Shrink {
 public:
  explicit Shrink(const ShrinkOptions& options) : options_(options) {}

  Result<ExitCode> run() {
    Result<Condition> condition = parse_condition(options_.until);
    if (!condition) return error("--until: " + condition.error().text);
    condition_ = condition.take();
    Result<HeldCapture> capture = read_captures(options_.inputs);
    if (!capture) return capture.error();
    if (Status s = read_labs(*capture); !s) return s.error();
    if (Status s = check_packets_and_links(*capture); !s) return s.error();
    Result<Oracle> oracle = Oracle::make(condition_, whole_.setup);
    if (!oracle) return error("--until: " + oracle.error().text);

    Candidate with_captures = whole_;
    for (const std::string& line : told_lines_) with_captures.setup.network.push_back({line, --last_id_, {true, two_}});
    const auto holds = [&](const Candidate& c) { return oracle->holds(c); };
    // Without what the captures tell, when it shows as well.
    Candidate plain = whole_;
    if (Status s = use_stations(plain); !s) return s.error();
    const bool plain_holds = holds(plain).has_value();
    if (!plain_holds && !holds(with_captures)) {
      std::fprintf(stderr, "%s\n", words::render({"shrink.never", {condition_.text}, {}}, options_.language).c_str());
      return ExitCode::kExpectationFailed;
    }
    Shrinker shrinker(holds, options_.max_runs, [this](size_t runs, const Candidate& c) { progress(runs, c); });
    const Candidate smallest = shrinker.run(plain_holds ? plain : with_captures, {without_waits});
    clear_progress();
    if (Status s = tell(smallest, shrinker); !s) return s.error();
    return ExitCode::kOk;
  }

 private:
  static Candidate without_waits(const Candidate& c) {
    Candidate out = c;
    for (Frame& f : out.frames) f.gap = 0;
    return out;
  }

  Status read_labs(const HeldCapture& capture) {
    std::vector<std::string> folders{options_.lab};
    if (const Term* differs = condition_.first(What::kDiffers); differs != nullptr)
      folders.push_back(differs->argument);
    two_ = folders.size() == 2;
    std::vector<LabText> texts;
    for (const std::string& folder : folders) {
      Result<lab::Lab> lab = lab::read_lab(folder);
      if (!lab) return lab.error();
      CapturePlayer player({.seed = 1, .checksum = options_.checksum});
      if (Status s = player.configure(*lab, links_of(options_.inputs)); !s) {
        if (s.error().file.empty()) s.error().text = folder + ": " + s.error().text;
        return s;
      }
      texts.push_back(text_of(*lab, player.gateway().iptables().save({})));
      if (texts.size() == 2) break;
      told_lines_ = told_by_captures(player);
      Result<std::vector<Frame>> frames = frames_of(capture, player, !options_.checksum);
      if (!frames) return frames.error();
      whole_.frames = frames.take();
    }
    whole_.setup = two_ ? setup_of(texts[0], texts[1]) : setup_of(texts[0]);
    return {};
  }

  Status check_packets_and_links(const HeldCapture& capture) {
    const Result<lab::Lab> lab = parse(text_of(whole_.setup, 0));
    if (!lab) return lab.error();
    std::vector<std::string> links{"lo"};
    for (const BackendPort& port : ports_of(*lab)) links.push_back(port.name);
    for (const lab::NetworkLine& line : lab->network)
      if (const auto* add = std::get_if<lab::LinkAdd>(&line.operation); add != nullptr) links.push_back(add->name);
    for (const Term& t : condition_.terms) {
      const std::string at = "--until: at " + number(t.at) + ": ";
      if (t.packet > capture.packets.size())
        return error(at + "there is no packet " + number(t.packet) + ": the captures have " +
                     number(capture.packets.size()));
      if (t.what == What::kSent && std::find(links.begin(), links.end(), t.argument) == links.end())
        return error(at + "the lab has no link \"" + t.argument + '"');
    }
    return {};
  }

  Status use_stations(Candidate& c) {
    const Result<lab::Lab> lab = parse(text_of(c.setup, 0));
    if (!lab) return lab.error();
    const std::vector<BackendPort> ports = ports_of(*lab);
    scenario::Surroundings surroundings(ports);
    surroundings.apply(lab->network);
    use_station_addresses(c.frames, ports, surroundings);
    return {};
  }

  void progress(size_t runs, const Candidate& c) {
    if (isatty(STDERR_FILENO) == 0 || runs % 16 != 1) return;
    std::fprintf(stderr, "\rshrink: %zu runs, %zu packets, %zu lines\033[K", runs, c.frames.size(), c.setup.size());
    shown_ = true;
  }
  void clear_progress() const {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

  Status tell(const Candidate& smallest, const Shrinker& shrinker) {
    std::vector<Artifacts> labs;
    for (size_t side = 0; side < (two_ ? 2u : 1u); ++side) {
      Result<Artifacts> made = artifacts_of(smallest, side, condition_);
      if (!made) return made.error();
      labs.push_back(made.take());
    }
    if (options_.out.empty())
      std::fputs(labs[0].scenario.c_str(), stdout);
    else if (Status s = write_results(options_.out, labs, smallest.frames); !s)
      return s;
    const auto say = [this](const Said& said) {
      std::fprintf(options_.out.empty() ? stderr : stdout, "%s\n", words::render(said, options_.language).c_str());
    };
    say({"shrink.result",
         {number(smallest.frames.size()), number(whole_.frames.size()), number(smallest.setup.size()),
          number(whole_.setup.size()), number(shrinker.runs())},
         {}});
    if (shrinker.exhausted()) say({"shrink.budget", {number(options_.max_runs)}, {}});
    if (!options_.out.empty()) say({"shrink.wrote", {options_.out + "/shrunk.scn"}, {}});
    return {};
  }

  const ShrinkOptions& options_;
  Condition condition_;
  bool two_ = false;
  Candidate whole_;
  std::vector<std::string> told_lines_;
  int last_id_ = 0;  // of lines made up: below 0
  bool shown_ = false;
};

}  // namespace

int shrink(const ShrinkOptions& options) {
  const Result<ExitCode> code = Shrink(options).run();
  if (code) return static_cast<int>(*code);
  std::fprintf(stderr, "hookpoint: %s\n", code.error().str().c_str());
  return static_cast<int>(code.error().code);
}

}  // namespace nf::shrink
