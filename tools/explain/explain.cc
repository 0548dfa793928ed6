#include "tools/explain/explain.h"

#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>

#include "datapath/base/json.h"
#include "tools/backend/memory_backend.h"
#include "tools/capture/capture_merge.h"
#include "tools/commands/gateway_surroundings.h"
#include "tools/explain/conntrack_text.h"
#include "tools/explain/ends.h"
#include "tools/explain/rule_text.h"
#include "tools/explain/told_packets.h"
#include "tools/explain/why_not.h"
#include "tools/forms/teller.h"
#include "tools/replay/capture_player.h"
#include "tools/replay/packet_filter.h"

namespace nf::explain {
namespace {

// Where the form's bytes go. The first error sticks.
class Output {
 public:
  static Result<Output> open(const std::string& path, bool binary) {
    Output o;
    if (path.empty() || path == "-") {
      if (binary && ::isatty(STDOUT_FILENO) != 0)
        return error("that form is not for a terminal: name a file (-o FORM=FILE), or redirect the output");
      o.file_ = stdout;
      return o;
    }
    o.path_ = path;
    o.file_ = std::fopen(path.c_str(), "wb");
    if (o.file_ == nullptr) return error(path + ": " + std::strerror(errno));
    return o;
  }
  Output(Output&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, nullptr)) {}
  Output& operator=(Output&&) = delete;
  ~Output() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  }
  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() && error_ == 0) error_ = errno;
  }
  Status close() {
    if (std::fflush(file_) != 0 && error_ == 0) error_ = errno;
    return error_ == 0 ? Status() : error((path_.empty() ? "output" : path_) + ": " + std::strerror(error_));
  }

 private:
  Output() = default;
  std::string path_;
  std::FILE* file_ = nullptr;
  int error_ = 0;
};

class Explanation {
 public:
  explicit Explanation(const Options& options) : options_(options) {}

  Result<ExitCode> run() {
    Result<lab::Lab> lab = lab::read_lab(options_.lab);
    if (!lab) return lab.error();
    lab_ = &*lab;
    if (Status s = read_entries(); !s) return s.error();
    Result<Output> output = Output::open(options_.out, options_.form == "pcapng");
    if (!output) return output.error();
    output_ = &*output;
    Result<std::unique_ptr<forms::Form>> form =
        forms::make_form(options_.form, options_.form_options, [this](std::string_view text) { output_->write(text); });
    if (!form) return form.error();
    form_ = form.take();
    const Status told = options_.inputs.empty() ? packets() : captures();
    if (!told) return told.error();
    if (Status s = output_->close(); !s) return s.error();
    return code_;
  }

 private:
  const std::string& conntrack_file() const { return options_.conntrack; }

  Status read_entries() {
    if (conntrack_file().empty()) return {};
    Result<std::string> text = lab::read_file(conntrack_file());
    if (!text) return text.error();
    Result<std::vector<TextEntry>> entries = read_conntrack_text(*text, conntrack_file());
    if (!entries) return entries.error();
    entries_ = entries.take();
    return {};
  }

  // The gateway is configured, no packet was played.
  Status prepare(Gateway& gateway, trace::RecorderOptions recorder) {
    const forms::Surroundings around = surroundings_of(gateway, options_.lab);
    if (!options_.why_not.empty()) {
      Result<Rule> rule = find_rule(around.rules, options_.why_not);
      if (!rule) return rule.error();
      if (rule->number != 0) probe_ = std::make_unique<RuleProbe>(gateway, *rule, around.rules);
      why_not_ = std::make_unique<WhyNot>(rule.take(), around.rules);
    }
    tells_ = options_.tell;
    recorder.detailed = true;
    if (tells_) recorder = forms::options_for(*form_, std::move(recorder));
    told_ = std::make_unique<ToldPackets>(std::move(recorder), [this](const trace::Story& s) { story(s); });
    told_->probe(probe_.get());
    gateway.router().set_trace(told_.get());
    if (tells_) form_->begin(around);
    return {};
  }

  void story(const trace::Story& s) {
    ++stories_;
    if (tells_) form_->story(s);
    if (why_not_) why_not_->story(s, probe_ ? probe_->fits() : std::nullopt);
  }

  Status load_entries(Gateway& gateway, Time now) {
    return put_entries(gateway, entries_, conntrack_file(), now, [this](uint32_t id, int line) {
      told_->recorder().known_from(id, conntrack_file() + ":" + std::to_string(line));
    });
  }

  // What stands in a gateway lets go of it before it goes.
  struct LetGo {
    Explanation& self;
    Gateway& gateway;
    ~LetGo() {
      gateway.router().set_trace(nullptr);
      self.probe_.reset();
    }
  };

  bool wanted(uint64_t number) const { return options_.packet == 0 || options_.packet == number; }

  // --- packets of our own making
  Status packets() {
    MemoryBackend backend;
    BackendConfig config;
    config.lab = lab_;
    config.events = false;
    config.seed = options_.seed;
    if (!options_.connect.empty()) config.processes = any_process();
    if (Status s = backend.configure(config); !s) return s;
    Gateway& gateway = backend.gateway();
    const LetGo let_go{*this, gateway};
    std::vector<PortPacket> all;
    for (const std::string& text : options_.packets) {
      Result<PortPacket> p = parse_port_packet(text, backend.ports());
      if (!p) return error("\"" + text + "\": " + p.error().str());
      all.push_back(p.take());
    }
    std::optional<PortPacket> connect;
    if (!options_.connect.empty()) {
      Result<PortPacket> p = parse_connect(options_.connect, backend.ports());
      if (!p) return error("--connect \"" + options_.connect + "\": " + p.error().str());
      connect = p.take();
      if (Status s = one_server(*connect, gateway.router()); !s)
        return error("--connect \"" + options_.connect + "\": " + s.error().str());
    }
    if (Status s = prepare(gateway, {.clock = [&backend] { return backend.now(); }}); !s) return s;
    if (Status s = load_entries(gateway, backend.now()); !s) return s;

    scenario::Sender sender(backend);
    sender.apply(lab_->network);
    sender.on_arp_answer = [this](bool answering) { told_->hide_arp(answering); };
    uint64_t number = 0;
    told_->next(wanted(++number));
    const auto settled = [&]() -> const trace::Story& {
      told_->finish();
      number = told_->recorder().packets();
      told_->next(wanted(number + 1));
      return told_->last();
    };
    for (size_t i = 0; i < all.size(); ++i) {
      const auto fail = [&](const Error& e) { return error("\"" + options_.packets[i] + "\": " + e.str()); };
      Result<bool> sent = sender.send(all[i].port, all[i].packet);
      if (!sent) return fail(sent.error());
      std::vector<Emitted> emitted;
      if (Status s = sender.gather(emitted, true); !s) return fail(s.error());
      settled();
    }
    Said end;
    if (connect) {
      Result<Said> played = Conversation(backend.ports(), sender, settled).play(*connect);
      if (!played) return error("--connect \"" + options_.connect + "\": " + played.error().str());
      end = played.take();
    }
    told_->finish();
    if (options_.packet != 0 && stories_ == 0)
      return error("--packet " + std::to_string(options_.packet) + ": there are " +
                   std::to_string(told_->recorder().packets()) + " packets");
    finish(gateway, end);
    return {};
  }

  // --- captures
  Status captures() {
    CapturePlayer player({.seed = options_.seed});
    const LetGo let_go{*this, player.gateway()};
    Result<PacketFilter> filter = PacketFilter::compile(options_.filter);
    if (!filter) return filter.error();
    if (Status s = player.configure(*lab_, links_of(options_.inputs)); !s) return s;
    Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(options_.inputs);
    if (!merge) return merge.error();
    const Status prepared = prepare(player.gateway(), {.clock = [&player] { return player.now(); },
                                                       .number = [&player] { return player.packets(); }});
    if (!prepared) return prepared;
    Status loaded;
    uint64_t passed = 0;
    CaptureVisitor visitor;
    visitor.progress = true;
    visitor.before = [&](uint64_t number, const CapturedPacket& packet) {
      if (number == 1) {
        player.advance(packet.time);
        loaded = load_entries(player.gateway(), packet.time);
      }
      const bool passes = filter->matches(packet);
      passed += passes;
      told_->next(wanted(number) && passes);
    };
    // What a timer lets go on belongs to nobody.
    visitor.after = [&](uint64_t, LeftOut) { told_->next(false); };
    const Status played = play_captures(player, **merge, visitor);
    if (!loaded) return loaded;
    if (!played) {
      // Everything before the damaged place was told.
      finish(player.gateway(), {});
      return played;
    }
    for (const std::string& line : left_out_lines(player)) std::fprintf(stderr, "explain: %s\n", line.c_str());
    if (!options_.filter.empty() && passed == 0)
      std::fprintf(stderr, "explain: no packet passes the filter (%" PRIu64 " read)\n", player.packets());
    if (options_.packet != 0 && stories_ == 0)
      return error("--packet " + std::to_string(options_.packet) +
                   (options_.packet > player.packets()
                        ? ": the captures have " + std::to_string(player.packets()) + " packets"
                        : ": that packet was left out or filtered out"));
    finish(player.gateway(), {});
    return {};
  }

  // `end`: how a conversation ended.
  void finish(Gateway& gateway, const Said& end) {
    told_->finish();
    if (tells_) form_->end();
    const words::Language language = options_.form_options.language;
    const bool json = options_.form == "json", text = options_.form == "text";
    const auto write = [&](const std::string& line) {
      if (json || text)
        output_->write(line);
      else
        std::fputs(line.c_str(), stderr);
    };
    if (end && json) {
      JsonObject o;
      o.text("line", "conversation");
      o.text("key", end.key);
      o.raw("values", json_strings(end.values));
      if (!end.inner.empty()) o.text("because", end.inner[0].key);
      o.text("text", words::render(end, language));
      write(o.take() + '\n');
    } else if (end) {
      write(words::render(end, language) + '\n');
    }
    if (why_not_) write(json ? why_not_->json(language) : why_not_->text(language));
    for (const auto& hit : gateway.iptables().unmodelled_hits()) {
      std::fprintf(stderr, "explain: not modelled: %s: reached by %" PRIu64 " packets\n", hit.rule.c_str(),
                   hit.packets);
      code_ = ExitCode::kNotModelled;
    }
  }

  const Options& options_;
  const lab::Lab* lab_ = nullptr;
  Output* output_ = nullptr;
  std::vector<TextEntry> entries_;
  std::unique_ptr<forms::Form> form_;
  std::unique_ptr<RuleProbe> probe_;
  std::unique_ptr<WhyNot> why_not_;
  std::unique_ptr<ToldPackets> told_;
  bool tells_ = true;
  uint64_t stories_ = 0;
  ExitCode code_ = ExitCode::kOk;
};

}  // namespace

int explain(const Options& options) {
  const Result<ExitCode> code = Explanation(options).run();
  if (code) return static_cast<int>(*code);
  std::fflush(stdout);
  std::fprintf(stderr, "hookpoint: %s\n", code.error().str().c_str());
  return static_cast<int>(code.error().code);
}

}  // namespace nf::explain
