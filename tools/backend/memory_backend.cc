#include "tools/backend/memory_backend.h"

#include <algorithm>
#include <cstring>

#include "conntrack/text/expect_format.h"
#include "conntrack/text/format.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/headers.h"
#include "tools/backend/told.h"
#include "tools/forms/text_form.h"

namespace nf {
namespace {

PacketPtr packet_of(PacketPool& pool, std::span<const uint8_t> bytes) {
  PacketPtr p = pool.allocate(static_cast<uint32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(p->put(static_cast<uint32_t>(bytes.size())), bytes.data(), bytes.size());
  return p;
}

bool taken_by_process(const Packet& p, const std::vector<ProcessPort>& processes) {
  const uint8_t protocol = p.ip().protocol;
  const UdpHeader* ports = view<UdpHeader>(p.transport());  // TCP's begin alike
  if (ports == nullptr || (protocol != kProtoTcp && protocol != kProtoUdp)) return false;
  return std::any_of(processes.begin(), processes.end(), [&](const ProcessPort& process) {
    return process.protocol == protocol && process.port == ports->destination.host();
  });
}

}  // namespace

std::unique_ptr<Backend> make_memory_backend() { return std::make_unique<MemoryBackend>(); }

std::string MemoryBackend::take_trace() {
  if (recorder_) recorder_->finish();
  return std::exchange(trace_text_, {});
}

Result<std::vector<ToldPacket>> MemoryBackend::take_told() {
  if (recorder_) recorder_->finish();
  return std::exchange(told_, {});
}

MemoryBackend::~MemoryBackend() {
  if (gateway_ != nullptr) gateway_->router().set_trace(nullptr);
  memory_ports_.clear();  // their packets are the gateway's
}

void MemoryBackend::Host::deliver(PacketPtr p, Time now) {
  const uint8_t protocol = p->ip().protocol;
  // A raw socket of ICMP is not shown what has no whole header. twin: icmp_filter
  const bool whole = protocol != kProtoIcmp || p->transport().size() >= sizeof(IcmpHeader);
  if (whole && (protocol == kProtoIcmp || protocol == kProtoTcp || protocol == kProtoUdp))
    backend_.delivered_.push_back({kLocalProcesses, {p->bytes().begin(), p->bytes().end()}});
  if (!taken_by_process(*p, backend_.config_.processes)) responder_.deliver(std::move(p), now);
}

void MemoryBackend::BothSinks::event(const Packet& p, const trace::Event& e) {
  if (backend_.config_.rule_paths) backend_.paths_.event(p, e);
  if (backend_.recorder_) backend_.recorder_->event(p, e);
}

Status MemoryBackend::configure(const BackendConfig& config) {
  config_ = config;
  config_.lab = nullptr;
  gateway_ = std::make_unique<Gateway>(GatewayOptions{.seed = config.seed});
  Router& router = gateway_->router();
  gateway_->run_timers(now_);
  next_timer_ = now_;
  ports_ = ports_of(*config.lab);
  const FindLink find_link = [ports = ports_](std::string_view name, bool) -> std::optional<LinkFacts> {
    for (const BackendPort& port : ports)
      if (port.name == name) return LinkFacts{.mac = port.mac};
    return std::nullopt;
  };
  if (config.events) {
    gateway_->conntrack().listen([this](const ct::EventReport& e) { events_.push_back(ct::format_event(e, false)); });
  }
  std::vector<std::string> links;  // a namespace has its TAPs before its bridges
  for (const BackendPort& port : ports_) links.push_back(port.name);
  if (Status s = gateway_->configure(*config.lab, find_link, links); !s) return s;
  for (const BackendPort& port : ports_) {
    devices_.push_back(router.device(port.name));
    memory_ports_.push_back(std::make_unique<MemoryPort>());
    if (devices_.back() != nullptr) router.attach_port(*devices_.back(), *memory_ports_.back());
  }

  host_ = std::make_unique<Host>(*this, router.pool());
  router.set_host(host_.get());
  router.connect(host_->responder());
  router.on_log = [this](Time, std::string_view line) {
    if (is_log_line(line)) log_.emplace_back(line);
  };
  if (config.trace || config.told) {
    recorder_.emplace(trace::RecorderOptions{.detailed = config.told}, [this](const trace::Story& story) {
      if (config_.trace) trace_text_ += forms::text_of(story, {.level = trace::Level::kEverything});
      if (config_.told) told_.push_back(told_of(story));
    });
  }
  if (config.rule_paths || recorder_) router.set_trace(&sinks_);
  return {};
}

Status MemoryBackend::inject(int port, std::span<const uint8_t> frame) {
  Device* dev = devices_[static_cast<size_t>(port)];
  if (dev == nullptr) return error("no link \"" + ports_[static_cast<size_t>(port)].name + "\"");
  PacketPtr p = packet_of(gateway_->router().pool(), frame);
  gateway_->router().receive(*dev, {&p, 1}, now_);
  return {};
}

// twin: raw_send_hdrinc
Result<bool> MemoryBackend::send_from_host(std::span<const uint8_t> packet) {
  Router& router = gateway_->router();
  PacketPtr p = packet_of(router.pool(), packet);
  Ipv4Header* ip = view<Ipv4Header>(p->bytes());
  if (ip == nullptr || ip->header_length() < sizeof(Ipv4Header) || ip->header_length() > p->length()) return false;
  ip->total_length = be16(static_cast<uint16_t>(p->length()));
  Dst dst;
  Be32 source;
  if (router.route_from_host(*ip, 0, dst, source) == DropReason::kNone) {
    if (p->length() > dst.out->mtu) return false;
    if (ip->source.is_zero()) ip->source = source;
  }
  ip_send_check(*ip);
  const uint64_t unroutable = router.drops()[static_cast<size_t>(DropReason::kNoRoute)];
  router.send_from_host(std::move(p), now_);
  return router.drops()[static_cast<size_t>(DropReason::kNoRoute)] == unroutable;
}

Status MemoryBackend::collect(std::vector<Emitted>& out) {
  gateway_->router().flush();
  for (size_t i = 0; i < memory_ports_.size(); ++i) {
    for (const PacketPtr& p : memory_ports_[i]->take_sent())
      out.push_back({static_cast<int>(i), {p->bytes().begin(), p->bytes().end()}});
  }
  out.insert(out.end(), std::make_move_iterator(delivered_.begin()), std::make_move_iterator(delivered_.end()));
  delivered_.clear();
  return {};
}

Status MemoryBackend::wait_until(Time t) {
  next_timer_ = std::min(next_timer_, now_);  // what packets began since is due at its own time
  while (next_timer_ <= t) {
    now_ = std::max(now_, next_timer_);
    next_timer_ = std::max(gateway_->run_timers(now_), now_ + kMillisecond);
  }
  now_ = std::max(now_, t);
  return {};
}

Result<std::vector<RuleCounter>> MemoryBackend::counters() {
  std::vector<RuleCounter> out;
  for (ipt::Iptables::RuleCounters& c : gateway_->iptables().rule_counters(false))
    out.push_back({std::string(ipt::table_name(c.table)), std::move(c.chain), c.number, c.packets, c.bytes});
  return out;
}

Result<std::vector<std::string>> MemoryBackend::entries() {
  std::vector<std::string> out;
  gateway_->conntrack().for_each(
      [&](ct::Connection& c) { out.push_back(ct::format_entry(c, now_, {.label_numbers = true})); });
  return out;
}

Result<std::vector<std::string>> MemoryBackend::expectations() {
  std::vector<std::string> out;
  gateway_->conntrack().expectations().for_each(
      [&](const ct::Expectation& e) { out.push_back(ct::format_expectation(e, now_)); }, now_);
  return out;
}

Result<std::string> MemoryBackend::saved_rules(bool counters) {
  return gateway_->iptables().save({.counters = counters});
}

Result<std::string> MemoryBackend::listed_rules(const std::string& table, const std::string& chain) {
  for (size_t i = 0; i < ipt::kTables; ++i) {
    const ipt::TableId id = static_cast<ipt::TableId>(i);
    if (ipt::table_name(id) == table) return gateway_->iptables().list(id, chain, {.verbose = true});
  }
  return error("no table \"" + table + '"');
}

Status MemoryBackend::apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) {
  gateway_->run_timers(now_);
  return gateway_->apply_network(lines, file);
}

Status MemoryBackend::apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) {
  return gateway_->apply_sysctl(settings, file);
}

Status MemoryBackend::apply_rules(const std::string& text, const std::string& file) {
  return gateway_->iptables().load(text, file);
}

Status MemoryBackend::flush_conntrack() {
  gateway_->conntrack().flush(now_);
  return {};
}

}  // namespace nf
