#include "tools/daemon/run.h"

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "datapath/base/text.h"
#include "datapath/port/packet_ring_port.h"
#include "datapath/port/responder.h"
#include "datapath/port/tap_port.h"
#include "datapath/port/tun_port.h"
#include "tools/commands/gateway_surroundings.h"
#include "tools/commands/tracer.h"
#include "tools/daemon/control_server.h"
#include "tools/daemon/forwarder.h"
#include "tools/daemon/handover.h"
#include "tools/forms/json_form.h"
#include "tools/forms/teller.h"
#include "tools/forms/text_form.h"
#include "tools/kernel/forwarding_check.h"
#include "tools/kernel/host_tun.h"
#include "tools/kernel/ingress_drop.h"
#include "tools/kernel/links.h"
#include "tools/words/words.h"

namespace nf {
namespace {

struct CloseFile {
  void operator()(FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<FILE, CloseFile>;

uint64_t random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_(options),
        gateway_(GatewayOptions{.seed = options.seed != 0 ? options.seed : random_seed()}),
        forwarder_(io_, gateway_, {}),
        control_(io_, gateway_, tracer_,
                 {Forwarder::clock, [this] { return settle(); },
                  [this](const std::vector<std::string>& words) { return handover(words); }}),
        link_changes_(io_),
        signals_(io_) {}

  ~Run() {
    gateway_.router().set_trace(nullptr);
    if (teller_) teller_->finish();
    link_changes_.release();  // the monitor's
  }

  Status prepare() {
    if (Status s = open_files(); !s) return s;
    Result<lab::Lab> lab = lab::read_lab(options_.lab);
    if (!lab) return lab.error();
    if (Status s = watch_links(); !s) return s;
    if (Status s = configure(*lab); !s) return s;
    if (Status s = open_ports(); !s) return s;
    if (Status s = open_host(); !s) return s;
    return control_.listen(options_.control);
  }

  void run() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](boost::system::error_code ec, int) {
      if (!ec) forwarder_.stop();
    });
    wait_for_link_changes();
    forwarder_.after_batch([this] { tracer_.finish(); });
    forwarder_.stand_still(options_.standby);
    std::puts("ready");
    std::fflush(stdout);
    forwarder_.run();
  }

  ExitCode summary() {
    const Router& router = gateway_.router();
    uint64_t sent = 0;
    for (const auto& dev : gateway_.router().devices())
      if (gateway_.router().port(*dev) != nullptr) sent += dev->tx_packets;
    std::printf("%" PRIu64 " packets received, %" PRIu64 " sent, %zu connections\n", forwarder_.received(), sent,
                gateway_.conntrack().count());
    for (const auto& dev : gateway_.router().devices()) {
      Port* port = gateway_.router().port(*dev);
      if (port == nullptr) continue;
      const PortStatistics s = port->statistics();
      std::printf("  %s: %" PRIu64 " received, %" PRIu64 " sent, %" PRIu64 " lost on the way in, %" PRIu64
                  " on the way out\n",
                  dev->name.c_str(), dev->rx_packets, dev->tx_packets, s.rx_dropped, s.tx_dropped);
    }
    for (size_t i = 1; i < kDropReasonCount; ++i) {
      if (router.drops()[i] == 0) continue;
      const auto reason = static_cast<DropReason>(i);
      std::printf("  %" PRIu64 " dropped: %s (%s)\n", router.drops()[i],
                  words::render({std::string(drop_reason_key(reason)), {}, {}}, words::Language::kEnglish).c_str(),
                  std::string(drop_reason_name(reason)).c_str());
    }
    ExitCode code = ExitCode::kOk;
    for (const auto& hit : gateway_.iptables().unmodelled_hits()) {
      std::printf("  not modelled: %s: reached by %" PRIu64 " packets\n", hit.rule.c_str(), hit.packets);
      code = ExitCode::kNotModelled;
    }
    std::fflush(stdout);
    return code;
  }

 private:
  Status open_files() {
    const auto open = [](const std::string& path, File& file) -> Status {
      file.reset(std::fopen(path.c_str(), "w"));
      if (file == nullptr) return error(path + ": cannot be written");
      std::setvbuf(file.get(), nullptr, _IOLBF, 1 << 16);
      return {};
    };
    if (!options_.trace.empty()) {
      if (Status s = open(options_.trace, trace_file_); !s) return s;
      tracer_.set_beside(&begin_telling().sink());
    }
    if (!options_.log.empty()) {
      if (Status s = open(options_.log, log_file_); !s) return s;
    }
    gateway_.router().on_log = [this](Time, std::string_view line) {
      std::fprintf(log_file_ != nullptr ? log_file_.get() : stderr, "%.*s\n", static_cast<int>(line.size()),
                   line.data());
    };
    return {};
  }

  forms::Teller& begin_telling() {
    const bool json = options_.trace_form == "json";
    const forms::Write write = [this](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), trace_file_.get());
    };
    const forms::FormOptions form{.level = trace::Level::kEverything};
    std::unique_ptr<forms::Form> chosen;
    if (json)
      chosen = std::make_unique<forms::JsonForm>(form, write);
    else
      chosen = std::make_unique<forms::TextForm>(form, write);
    return teller_.emplace(std::move(chosen), trace::RecorderOptions{.detailed = json, .clock = Forwarder::clock});
  }

  // --- links

  Status watch_links() {
    Result<std::unique_ptr<LinkMonitor>> monitor =
        LinkMonitor::open([this](const KernelLink& link, LinkMonitor::Change change) { link_changed(link, change); });
    if (!monitor) return monitor.error();
    monitor_ = monitor.take();
    return {};
  }

  // What the kernel has told about links is taken in first: a carrier that is back lets frames through. Afterwards the
  // trace tells all of it.
  Status settle() {
    if (Status s = monitor_->poll(); !s) return s;
    if (forwarder_.settle()) {
      if (teller_) teller_->finish();
      return {};
    }
    Error e = error(strf("packets kept coming for %lld s", static_cast<long long>(Forwarder::kSettleLimit / kSecond)));
    e.code = ExitCode::kExpectationFailed;
    return e;
  }

  // Whoever has the table has the traffic: afterwards this gateway stands still, or moves again.
  CommandReply handover(const std::vector<std::string>& words) {
    CommandReply r;
    const bool to = words.size() == 2 && words[1] == "--to-kernel";
    if (!to && (words.size() != 2 || words[1] != "--from-kernel")) {
      r.err = "handover: --to-kernel or --from-kernel\n";
      r.exit_code = static_cast<int>(ExitCode::kBadInput);
      return r;
    }
    const Time now = Forwarder::clock();
    const Result<HandoverReport> report =
        to ? hand_over_to_kernel(gateway_, now) : take_over_from_kernel(gateway_, now);
    if (!report) {
      r.err = "handover: " + report.error().str() + '\n';
      r.exit_code = static_cast<int>(ExitCode::kBadInput);
      return r;
    }
    forwarder_.stand_still(to);
    r.out = report->text(to ? "the kernel" : "this gateway");
    if (!report->complete()) r.exit_code = static_cast<int>(ExitCode::kExpectationFailed);
    return r;
  }

  void wait_for_link_changes() {
    boost::system::error_code ec;
    if (!link_changes_.is_open()) link_changes_.assign(monitor_->fd(), ec);
    link_changes_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code e) {
      if (e) return;
      if (const Status s = monitor_->poll(); !s) std::fprintf(stderr, "hookpoint: %s\n", s.error().str().c_str());
      wait_for_link_changes();
    });
  }

  void link_changed(const KernelLink& link, LinkMonitor::Change change) {
    const auto it = bound_.find(link.name);
    if (it == bound_.end()) return;
    Router& router = gateway_.router();
    Device& dev = *it->second;
    const bool there = change != LinkMonitor::Change::kRemoved;
    router.set_running(dev, there && link.running);
    router.set_up(dev, there && link.up);
    if (!there) return;
    dev.mtu = link.mtu;
    dev.no_arp = link.no_arp;
  }

  Status configure(const lab::Lab& lab) {
    for (const lab::NetworkLine& line : lab.network) {
      if (const auto* add = std::get_if<lab::LinkAdd>(&line.operation)) made_[add->name] = add->kind;
    }
    return gateway_.configure(lab, [this](std::string_view name, bool) -> std::optional<LinkFacts> {
      if (const KernelLink* link = monitor_->find(name))
        return LinkFacts{link->mac, link->mtu, link->up, link->running};
      // What only this process needs: TAPs and TUNs are made below, a dummy swallows what is sent to it.
      const auto made = made_.find(name);
      if (made == made_.end() || made->second == lab::LinkKind::kVeth) return std::nullopt;
      return LinkFacts{};
    });
  }

  Status open_ports() {
    std::vector<std::string> links;
    for (const auto& dev : gateway_.router().devices()) {
      if (dev->kind == DeviceKind::kEthernet && monitor_->find(dev->name) != nullptr) links.push_back(dev->name);
    }
    const Result<std::vector<std::string>> conflicts = forwarding_conflicts(links);
    if (!conflicts) return conflicts.error();
    if (!conflicts->empty()) {
      std::string text = "the kernel would forward or answer on the same links:";
      for (const std::string& c : *conflicts) text += "\n  " + c;
      return error(text);
    }
    Result<std::unique_ptr<IngressDrop>> drop = IngressDrop::open();
    if (!drop) return drop.error();
    ingress_drop_ = drop.take();
    for (const auto& dev : gateway_.router().devices()) {
      Result<std::unique_ptr<Port>> port = open_port(*dev);
      if (!port) return port.error();
      if (*port == nullptr) continue;
      forwarder_.add_port(*dev, **port);
      ports_.push_back(port.take());
      bound_[dev->name] = dev.get();
      if (dev->up) {
        if (Status s = set_link_up(dev->name, true, dev->mtu); !s) return s;
      }
    }
    // With local processes a router of lo alone has something to do.
    if (ports_.empty() && options_.host_tun.empty())
      return error(options_.lab + ": names no link of this network namespace");
    return {};
  }

  Result<std::unique_ptr<Port>> open_port(const Device& dev) {
    std::unique_ptr<Port> none;
    if (dev.kind != DeviceKind::kEthernet && dev.kind != DeviceKind::kRawIp) return none;
    if (monitor_->find(dev.name) != nullptr) {
      Result<std::unique_ptr<PacketRingPort>> ring = PacketRingPort::open(dev.name);
      if (!ring) return ring.error();
      if (Status s = ingress_drop_->add(dev.name); !s) return s.error();
      return std::unique_ptr<Port>(ring.take());
    }
    const lab::LinkKind kind = made_.at(dev.name);
    if (kind == lab::LinkKind::kTap) {
      Result<std::unique_ptr<TapPort>> tap = TapPort::open({.name = dev.name});
      if (!tap) return tap.error();
      return std::unique_ptr<Port>(tap.take());
    }
    if (kind == lab::LinkKind::kTun) {
      Result<std::unique_ptr<TunPort>> tun = TunPort::open({.name = dev.name});
      if (!tun) return tun.error();
      return std::unique_ptr<Port>(tun.take());
    }
    return none;
  }

  // --- the host's own processes

  Status open_host() {
    Router& router = gateway_.router();
    if (options_.host_tun.empty()) {
      auto responder = std::make_unique<Responder>(router.pool());
      router.connect(*responder);
      host_ = std::move(responder);
      forwarder_.set_host(*host_);
      return {};
    }
    Result<std::unique_ptr<TunHostPort>> tun = TunHostPort::open({.name = options_.host_tun});
    if (!tun) return tun.error();
    host_ = tun.take();
    HostTun::Options options;
    options.device = options_.host_tun;
    for (const auto& dev : router.devices()) {
      for (const Address& a : router.routing().addresses(*dev))
        if (dev->kind != DeviceKind::kLoopback) options.addresses.push_back(a.local);
    }
    for (const Be32 own : options.addresses) options.routes.push_back({{own, 32}, own});
    // The kernel chooses a connecting socket's source; it is told what this router's routes would have it choose.
    for (const Route& route : router.routing().routes()) {
      if (route.table != kTableMain || route.type != RouteType::kUnicast) continue;
      FlowKey key;
      key.destination = route.length == 0 ? ip4(192, 0, 2, 1) : route.destination;
      Dst dst;
      Be32 source;
      if (router.routing().route_output(key, dst, source) != DropReason::kNone) continue;
      options.routes.push_back({{route.destination, route.length}, source});
    }
    Result<std::unique_ptr<HostTun>> set_up = HostTun::set_up(options);
    if (!set_up) return set_up.error();
    host_tun_ = set_up.take();
    forwarder_.set_host(*host_);
    return {};
  }

  const RunOptions& options_;
  File trace_file_, log_file_;
  std::optional<forms::Teller> teller_;  // with RunOptions::trace
  std::map<std::string, lab::LinkKind, std::less<>> made_;
  std::map<std::string, Device*, std::less<>> bound_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<HostPort> host_;
  std::unique_ptr<HostTun> host_tun_;
  std::unique_ptr<IngressDrop> ingress_drop_;
  std::unique_ptr<LinkMonitor> monitor_;
  boost::asio::io_context io_;
  Gateway gateway_;
  Tracer tracer_{gateway_.router(), [this] { return surroundings_of(gateway_, options_.lab); }};
  Forwarder forwarder_;
  ControlServer control_;
  boost::asio::posix::stream_descriptor link_changes_;
  boost::asio::signal_set signals_;
};

}  // namespace

int run_gateway(const RunOptions& options) {
  Run run(options);
  if (const Status s = run.prepare(); !s) {
    std::fprintf(stderr, "hookpoint: %s\n", s.error().str().c_str());
    return static_cast<int>(s.error().code);
  }
  run.run();
  return static_cast<int>(run.summary());
}

}  // namespace nf
