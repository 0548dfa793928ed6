#include "tools/replay/replay.h"

#include <sys/stat.h>

#include <cinttypes>
#include <cstdio>
#include <memory>

#include "conntrack/text/format.h"
#include "datapath/port/pcap_port.h"
#include "tools/capture/capture_merge.h"
#include "tools/forms/teller.h"
#include "tools/forms/text_form.h"
#include "tools/replay/capture_player.h"
#include "tools/replay/output_folder.h"
#include "tools/words/words.h"

namespace nf {
namespace {

class Replay {
 public:
  explicit Replay(const ReplayOptions& options)
      : options_(options), player_({.seed = options.seed, .checksum = options.checksum}) {}

  Status run() {
    Result<lab::Lab> lab = lab::read_lab(options_.lab);
    if (!lab) return lab.error();
    if (Status s = player_.configure(*lab, links_of(options_.inputs)); !s) return s;
    Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(options_.inputs);
    if (!merge) return merge.error();
    if (Status s = refuse_to_replace_inputs(); !s) return s;
    Result<OutputFolder> folder = OutputFolder::open(options_.out);
    if (!folder) return folder.error();
    if (Status s = open_outputs(*folder, (*merge)->nanoseconds()); !s) return s;
    listen();
    if (Status s = play_captures(player_, **merge, {.before = {}, .after = {}, .progress = true}); !s) return s;
    return write_results(*folder);
  }

  // What went where; on stderr what did not go through as it stood in the capture, and what was reached that is not
  // modelled.
  ExitCode report() {
    Router& router = gateway().router();
    std::printf("%" PRIu64 " packets replayed, %zu connections at the end\n", player_.left_out(LeftOut::kNo),
                gateway().conntrack().count());
    for (const auto& dev : router.devices()) {
      if (router.port(*dev) == nullptr) continue;
      std::printf("  %s: %" PRIu64 " received, %" PRIu64 " sent\n", dev->name.c_str(), dev->rx_packets,
                  dev->tx_packets);
    }
    for (size_t i = 1; i < kDropReasonCount; ++i) {
      const uint64_t n = router.drops()[i] + player_.host().drops()[i];
      if (n == 0) continue;
      const auto reason = static_cast<DropReason>(i);
      std::printf("  %" PRIu64 " dropped: %s (%s)\n", n,
                  words::render({std::string(drop_reason_key(reason)), {}, {}}, words::Language::kEnglish).c_str(),
                  std::string(drop_reason_name(reason)).c_str());
    }
    std::fflush(stdout);

    for (const std::string& line : left_out_lines(player_)) std::fprintf(stderr, "replay: %s\n", line.c_str());
    ExitCode code = ExitCode::kOk;
    for (const auto& hit : gateway().iptables().unmodelled_hits()) {
      std::fprintf(stderr, "replay: not modelled: %s: reached by %" PRIu64 " packets\n", hit.rule.c_str(), hit.packets);
      code = ExitCode::kNotModelled;
    }
    return code;
  }

 private:
  Gateway& gateway() { return player_.gateway(); }

  // A capture called ens33.pcap in the output folder would be replaced by what was sent.
  Status refuse_to_replace_inputs() {
    for (const auto& dev : gateway().router().devices()) {
      const std::string path = options_.out + '/' + dev->name + ".pcap";
      struct stat out, in;
      if (::stat(path.c_str(), &out) != 0) continue;
      for (const auto& [interface, file] : options_.inputs) {
        if (::stat(file.c_str(), &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
          return error("--out " + options_.out + ": would replace the capture " + file);
      }
    }
    return {};
  }

  Status open_outputs(OutputFolder& folder, bool nanoseconds) {
    const Status attached = player_.attach_ports([&](const Device& dev) -> Result<std::unique_ptr<Port>> {
      PcapWriter::Options options;
      options.link = dev.kind == DeviceKind::kRawIp ? LinkType::kRaw : LinkType::kEthernet;
      options.nanoseconds = nanoseconds;
      Result<std::unique_ptr<PcapWriter>> writer = PcapWriter::open(folder.begin(dev.name + ".pcap"), options);
      if (!writer) return writer.error();
      auto port = std::make_unique<PcapPort>(writer.take());
      ports_.push_back(port.get());
      return std::unique_ptr<Port>(std::move(port));
    });
    if (!attached) return attached;
    const auto open = [&folder](const char* name, std::unique_ptr<TextFile>& file) -> Status {
      Result<std::unique_ptr<TextFile>> opened = TextFile::open(folder.begin(name));
      if (!opened) return opened.error();
      file = opened.take();
      return {};
    };
    if (Status s = open("conntrack-events.txt", events_); !s) return s;
    if (Status s = open("log.txt", log_); !s) return s;
    return options_.trace ? open("trace.txt", trace_) : Status();
  }

  void listen() {
    Router& router = gateway().router();
    player_.on_time = [this](Time now) {
      for (PcapPort* port : ports_) port->set_time(now);
    };
    router.on_log = [this](Time, std::string_view line) {
      log_->write(line);
      log_->write("\n");
    };
    gateway().conntrack().listen(
        [this](const ct::EventReport& e) { events_->write(ct::format_event(e, true) + '\n'); });
    if (options_.trace) player_.set_trace(&teller_.sink());
  }

  Status write_results(OutputFolder& folder) {
    teller_.finish();
    for (PcapPort* port : ports_)
      if (Status s = port->writer().close(); !s) return s;
    std::string entries;
    gateway().conntrack().for_each([&](ct::Connection& c) { (entries += ct::format_entry(c, player_.now())) += '\n'; });
    ipt::SaveOptions save;
    save.counters = true;
    for (TextFile* file : {events_.get(), log_.get(), trace_.get()}) {
      if (file == nullptr) continue;
      if (Status s = file->close(); !s) return s;
    }
    if (Status s = folder.write("iptables-save.txt", gateway().iptables().save(save)); !s) return s;
    if (Status s = folder.write("conntrack.txt", entries); !s) return s;
    return folder.commit();
  }

  const ReplayOptions& options_;
  std::vector<PcapPort*> ports_;  // the player's
  std::unique_ptr<TextFile> events_, log_, trace_;
  forms::Teller teller_{std::make_unique<forms::TextForm>(forms::FormOptions{.level = trace::Level::kEverything},
                                                          [this](std::string_view line) { trace_->write(line); }),
                        trace::RecorderOptions{.detailed = false}};
  CapturePlayer player_;
};

}  // namespace

int replay(const ReplayOptions& options) {
  Replay replay(options);
  if (const Status s = replay.run(); !s) {
    std::fprintf(stderr, "hookpoint: %s\n", s.error().str().c_str());
    return static_cast<int>(s.error().code);
  }
  return static_cast<int>(replay.report());
}

}  // namespace nf
