#include "tools/replay/replay.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>

#include "conntrack/text/format.h"
#include "datapath/base/text.h"
#include "datapath/port/pcap_port.h"
#include "datapath/port/responder.h"
#include "tools/capture/capture_merge.h"
#include "tools/capture/captured_frame.h"
#include "tools/forms/teller.h"
#include "tools/forms/text_form.h"
#include "tools/gateway/gateway.h"
#include "tools/replay/output_folder.h"
#include "tools/replay/progress.h"
#include "tools/words/words.h"

namespace nf {
namespace {

class Replay {
 public:
  explicit Replay(const ReplayOptions& options)
      : options_(options), gateway_(GatewayOptions{.seed = options.seed, .assume_neighbours = true}) {}
  ~Replay() { gateway_.router().set_trace(nullptr); }

  Status run() {
    Result<lab::Lab> lab = lab::read_lab(options_.lab);
    if (!lab) return lab.error();
    if (Status s = configure(*lab); !s) return s;
    Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(options_.inputs);
    if (!merge) return merge.error();
    if (Status s = refuse_to_replace_inputs(); !s) return s;
    Result<OutputFolder> folder = OutputFolder::open(options_.out);
    if (!folder) return folder.error();
    if (Status s = open_outputs(*folder, (*merge)->nanoseconds()); !s) return s;
    listen();
    if (Status s = feed(**merge); !s) return s;
    return write_results(*folder);
  }

  // What went where; on stderr what did not go through as it stood in the capture, and what was reached that is not
  // modelled.
  ExitCode report() {
    Router& router = gateway_.router();
    std::printf("%" PRIu64 " packets replayed, %zu connections at the end\n", packets_ - left_out(),
                gateway_.conntrack().count());
    for (const auto& dev : router.devices()) {
      if (router.port(*dev) == nullptr) continue;
      std::printf("  %s: %" PRIu64 " received, %" PRIu64 " sent\n", dev->name.c_str(), dev->rx_packets,
                  dev->tx_packets);
    }
    for (size_t i = 1; i < kDropReasonCount; ++i) {
      const uint64_t n = router.drops()[i] + host_.drops()[i];
      if (n == 0) continue;
      const auto reason = static_cast<DropReason>(i);
      std::printf("  %" PRIu64 " dropped: %s (%s)\n", n,
                  words::render({std::string(drop_reason_key(reason)), {}, {}}, words::Language::kEnglish).c_str(),
                  std::string(drop_reason_name(reason)).c_str());
    }
    std::fflush(stdout);

    const auto say = [](uint64_t n, const char* what) {
      if (n > 0) std::fprintf(stderr, "replay: %" PRIu64 " packets %s\n", n, what);
    };
    say(left_out(LeftOut::kOwn), "were sent by the interface they were captured on, and are left out");
    say(left_out(LeftOut::kNotIpv4), "are not IPv4 in a capture without link headers, and are left out");
    say(left_out(LeftOut::kBadFrame), "have no whole link header, and are left out");
    say(left_out(LeftOut::kTooLong), "are longer than any packet, and are left out");
    say(cut_, "are cut short in the capture; what is missing was taken to be zeros");
    ExitCode code = ExitCode::kOk;
    for (const auto& hit : gateway_.iptables().unmodelled_hits()) {
      std::fprintf(stderr, "replay: not modelled: %s: reached by %" PRIu64 " packets\n", hit.rule.c_str(), hit.packets);
      code = ExitCode::kNotModelled;
    }
    return code;
  }

 private:
  Status configure(const lab::Lab& lab) {
    // Any link a lab names exists here and is up; one with a capture has the address its frames tell of.
    const FindLink find_link = [this](std::string_view name, bool) -> std::optional<LinkFacts> {
      LinkFacts facts;
      facts.up = true;
      for (const auto& [interface, file] : options_.inputs)
        if (interface == name) facts.mac = likely_own_address(interface, file).value_or(MacAddress{});
      return facts;
    };
    if (Status s = gateway_.configure(lab, find_link); !s) return s;
    for (const auto& [interface, file] : options_.inputs) {
      const Device* dev = gateway_.router().device(interface);
      if (dev == nullptr || dev->kind == DeviceKind::kLoopback || dev->kind == DeviceKind::kBridge)
        return error("--in " + interface + "=" + file + ": the lab has no such link");
    }
    learn_neighbours();
    return {};
  }

  // Stations whose frames come later in the capture are known from the start, as they were when it was made.
  void learn_neighbours() {
    NeighbourTable& neighbours = gateway_.router().neighbours();
    for (const auto& [interface, file] : options_.inputs) {
      const Device& port = *gateway_.router().device(interface);
      const Device& dev = port.master != nullptr ? *port.master : port;
      for (const Station& s : first_stations(interface, file)) {
        const bool own = s.mac == port.mac || s.mac == dev.mac;
        if (!own && neighbours.state(dev, s.address) == NeighbourState::kNone)
          neighbours.add_static(dev, s.address, s.mac, NeighbourState::kPermanent);
      }
    }
  }

  // A capture called ens33.pcap in the output folder would be replaced by what was sent.
  Status refuse_to_replace_inputs() {
    for (const auto& dev : gateway_.router().devices()) {
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
    for (const auto& dev : gateway_.router().devices()) {
      if (dev->kind != DeviceKind::kEthernet && dev->kind != DeviceKind::kRawIp) continue;
      PcapWriter::Options options;
      options.link = dev->kind == DeviceKind::kRawIp ? LinkType::kRaw : LinkType::kEthernet;
      options.nanoseconds = nanoseconds;
      Result<std::unique_ptr<PcapWriter>> writer = PcapWriter::open(folder.begin(dev->name + ".pcap"), options);
      if (!writer) return writer.error();
      ports_.push_back(std::make_unique<PcapPort>(writer.take()));
      gateway_.router().attach_port(*dev, *ports_.back());
    }
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
    Router& router = gateway_.router();
    router.set_host(&host_);
    router.connect(host_);
    router.on_log = [this](Time, std::string_view line) {
      log_->write(line);
      log_->write("\n");
    };
    gateway_.conntrack().listen([this](const ct::EventReport& e) { events_->write(ct::format_event(e, true) + '\n'); });
    if (options_.trace) router.set_trace(&teller_.sink());
  }

  // Timers that fall between two packets run at their own times, so the outcome does not depend on when we look.
  void advance(Time to) {
    while (next_timer_ <= to) {
      const Time due = next_timer_;
      set_time(due);
      next_timer_ = std::max(gateway_.run_timers(due), due + kMillisecond);
    }
    set_time(to);
  }

  void set_time(Time now) {
    now_ = now;
    for (const auto& port : ports_) port->set_time(now);
  }

  Status feed(CaptureMerge& merge) {
    Progress progress(merge.total_bytes());
    Router& router = gateway_.router();
    bool first = true;
    for (;;) {
      Result<CaptureMerge::Item> item = merge.next();
      if (!item) return item.error();
      if (item->packet == nullptr) return {};
      Device& dev = *router.device(options_.inputs[item->input].first);
      // Captures merged or written by several cores step back now and then; the engine's time does not.
      const Time at = first ? item->packet->time : std::max(item->packet->time, now_);
      if (first) next_timer_ = at;
      first = false;
      advance(at);
      progress.update(++packets_, merge.bytes_read());
      CapturedFrame frame = captured_frame(*item->packet, dev, router.pool());
      ++outcomes_[static_cast<size_t>(frame.left_out)];
      if (frame.packet == nullptr) continue;
      cut_ += item->packet->truncated();
      // Of a super-packet the sum is the sender's work still to be done.
      if (!options_.checksum && frame.packet->checksum == ChecksumState::kNone)
        frame.packet->checksum = ChecksumState::kUnnecessary;
      router.receive(dev, {&frame.packet, 1}, at);
      // It may have begun something that is due before anything else.
      next_timer_ = std::min(next_timer_, gateway_.run_timers(at));
    }
  }

  uint64_t left_out(LeftOut why) const { return outcomes_[static_cast<size_t>(why)]; }
  uint64_t left_out() const { return packets_ - left_out(LeftOut::kNo); }

  Status write_results(OutputFolder& folder) {
    teller_.finish();
    for (const auto& port : ports_)
      if (Status s = port->writer().close(); !s) return s;
    std::string entries;
    gateway_.conntrack().for_each([&](ct::Connection& c) { (entries += ct::format_entry(c, now_)) += '\n'; });
    ipt::SaveOptions save;
    save.counters = true;
    for (TextFile* file : {events_.get(), log_.get(), trace_.get()}) {
      if (file == nullptr) continue;
      if (Status s = file->close(); !s) return s;
    }
    if (Status s = folder.write("iptables-save.txt", gateway_.iptables().save(save)); !s) return s;
    if (Status s = folder.write("conntrack.txt", entries); !s) return s;
    return folder.commit();
  }

  const ReplayOptions& options_;
  std::vector<std::unique_ptr<PcapPort>> ports_;
  std::unique_ptr<TextFile> events_, log_, trace_;
  forms::Teller teller_{std::make_unique<forms::TextForm>(forms::FormOptions{.level = trace::Level::kEverything},
                                                          [this](std::string_view line) { trace_->write(line); }),
                        trace::RecorderOptions{.detailed = false}};
  Gateway gateway_;
  Responder host_{gateway_.router().pool(), 1};
  Time now_ = 0, next_timer_ = 0;
  uint64_t packets_ = 0, cut_ = 0;
  std::array<uint64_t, 5> outcomes_{};  // [LeftOut]
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
