#include "tools/replay/replay.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>

#include "conntrack/format.h"
#include "datapath/base/text.h"
#include "datapath/port/pcap_port.h"
#include "datapath/port/responder.h"
#include "tools/gateway/gateway.h"
#include "tools/replay/capture_merge.h"
#include "tools/replay/output_folder.h"
#include "tools/trace/text_sink.h"

namespace nf {
namespace {

// Packets done and rate, on a terminal's stderr only.
class Progress {
 public:
  Progress() : shown_(::isatty(2) != 0), begin_(std::chrono::steady_clock::now()), last_(begin_) {}
  ~Progress() {
    if (any_) std::fputs("\r\033[K", stderr);
  }
  void update(uint64_t packets) {
    if (!shown_ || packets % 4096 != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    any_ = true;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    std::fprintf(stderr, "\r\033[Kreplay: %" PRIu64 " packets, %.0f packets/s", packets,
                 static_cast<double>(packets) / seconds);
  }

 private:
  bool shown_, any_ = false;
  std::chrono::steady_clock::time_point begin_, last_;
};

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
    Result<OutputFolder> folder = OutputFolder::open(options_.out);
    if (!folder) return folder.error();
    if (Status s = open_ports(*folder, (*merge)->nanoseconds()); !s) return s;
    listen();
    if (Status s = feed(**merge); !s) return s;
    return write_results(*folder);
  }

  // What did not go through as it stood in the capture, and what was reached that is not modelled.
  ExitCode report() const {
    const auto say = [](uint64_t n, const char* what) {
      if (n > 0) std::fprintf(stderr, "replay: %" PRIu64 " packets %s\n", n, what);
    };
    say(own_, "were sent by the interface they were captured on, and are left out");
    say(cut_, "are cut short in the capture");
    say(skipped_, "are not IPv4 in a capture without link headers, and are left out");
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
        if (interface == name) facts.mac = likely_own_address(file).value_or(MacAddress{});
      return facts;
    };
    if (Status s = gateway_.configure(lab, find_link); !s) return s;
    for (const auto& [interface, file] : options_.inputs) {
      const Device* dev = gateway_.router().device(interface);
      if (dev == nullptr || dev->kind == DeviceKind::kLoopback || dev->kind == DeviceKind::kBridge)
        return error("--in " + interface + "=" + file + ": the lab has no such link");
    }
    return {};
  }

  Status open_ports(OutputFolder& folder, bool nanoseconds) {
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
    return {};
  }

  void listen() {
    Router& router = gateway_.router();
    router.set_host(&host_);
    host_.set_sink([&router](PacketPtr p) { router.send_from_host(std::move(p), router.now()); });
    host_.set_icmp_error([&router](const Packet& cause, uint8_t type, uint8_t code, uint32_t info) {
      router.icmp_send(cause, type, code, info);
    });
    router.on_log = [this](Time, std::string_view line) { (log_ += line) += '\n'; };
    gateway_.conntrack().listen([this](const ct::EventReport& e) { (events_ += ct::format_event(e, true)) += '\n'; });
    if (options_.trace) router.set_trace(&sink_);
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
    Progress progress;
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
      progress.update(++packets_);
      cut_ += item->packet->truncated();

      CaptureSkip why;
      PacketPtr p = decode_capture(*item->packet, router.pool(), why);
      if (p == nullptr) {
        ++skipped_;
        continue;
      }
      if (sent_by(dev, *item->packet, *p)) {
        ++own_;
        continue;
      }
      if (dev.kind == DeviceKind::kEthernet && device_kind(item->packet->link) == DeviceKind::kRawIp) {
        // A capture without link headers stands for frames addressed to the interface.
        p->push(sizeof(EthernetHeader));
        *reinterpret_cast<EthernetHeader*>(p->data()) = EthernetHeader{dev.mac, kNobody, be16(kEtherIpv4)};
      }
      if (!options_.checksum) p->checksum = ChecksumState::kUnnecessary;
      router.receive(dev, {&p, 1}, at);
    }
  }

  static bool sent_by(const Device& dev, const CapturedPacket& captured, const Packet& p) {
    if (p.type == PacketType::kOutgoing) return true;
    if (captured.link != LinkType::kEthernet || dev.master != nullptr) return false;
    const EthernetHeader* eth = view<EthernetHeader>(captured.bytes);
    return eth != nullptr && eth->source == dev.mac;
  }

  Status write_results(OutputFolder& folder) {
    for (const auto& port : ports_)
      if (Status s = port->writer().close(); !s) return s;
    std::string entries;
    gateway_.conntrack().for_each([&](ct::Connection& c) { (entries += ct::format_entry(c, now_)) += '\n'; });
    ipt::SaveOptions save;
    save.counters = true;
    const std::pair<const char*, std::string> files[] = {
        {"iptables-save.txt", gateway_.iptables().save(save)},
        {"conntrack-events.txt", std::move(events_)},
        {"conntrack.txt", std::move(entries)},
        {"log.txt", std::move(log_)},
    };
    for (const auto& [name, text] : files)
      if (Status s = folder.write(name, text); !s) return s;
    if (options_.trace) {
      if (Status s = folder.write("trace.txt", trace_); !s) return s;
    }
    return folder.commit();
  }

  static constexpr MacAddress kNobody{0x02, 0, 0, 0, 0, 0x01};

  const ReplayOptions& options_;
  std::vector<std::unique_ptr<PcapPort>> ports_;
  std::string events_, log_, trace_;
  TextSink sink_{[this](std::string_view line) { trace_ += line; }};
  Gateway gateway_;
  Responder host_{gateway_.router().pool(), 1};
  Time now_ = 0, next_timer_ = 0;
  uint64_t packets_ = 0, own_ = 0, cut_ = 0, skipped_ = 0;
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
