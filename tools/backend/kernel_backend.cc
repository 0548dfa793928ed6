#include "tools/backend/kernel_backend.h"

#include <poll.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>

#include "tools/netns/network_batch.h"
#include "tools/netns/packet_paths.h"
#include "tools/netns/timeout_policies.h"

namespace nf {
namespace {

// Of the namespace, before there is any link: what would send by itself or is not modelled.
constexpr std::pair<const char*, const char*> kQuiet[] = {
    {"net/ipv6/conf/all/disable_ipv6", "1"},
    {"net/ipv6/conf/default/disable_ipv6", "1"},
    {"net/ipv4/igmp_link_local_mcast_reports", "0"},
};

const lab::LinkAdd* tun_of(const lab::Lab& lab, const std::string& name) {
  for (const lab::NetworkLine& line : lab.network) {
    const auto* link = std::get_if<lab::LinkAdd>(&line.operation);
    if (link != nullptr && link->name == name && link->kind == lab::LinkKind::kTun) return link;
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Backend> make_kernel_backend() { return std::make_unique<KernelBackend>(); }

Status KernelBackend::configure(const BackendConfig& config) {
  Result<netns::NetworkNamespace> space = netns::NetworkNamespace::make();
  if (!space) return space.error();
  namespace_ = space.take();
  for (const auto& [name, value] : kQuiet) {
    if (Status s = netns::write_sysctl(name, value); !s) return s;
  }
  if (Status s = make_ports(*config.lab); !s) return s;

  Result<netns::LocalProcesses> processes = netns::LocalProcesses::open();
  if (!processes) return processes.error();
  processes_ = processes.take();
  for (const ProcessPort& p : config.processes) {
    if (Status s = processes_->take_port(p.protocol, p.port); !s) return s;
  }
  Result<netns::Ctnetlink> conntrack = netns::Ctnetlink::open(config.events);
  if (!conntrack) return conntrack.error();
  conntrack_.emplace(conntrack.take());
  if (config.rule_paths) {
    Result<netns::TraceReader> trace = netns::TraceReader::open();
    if (!trace) return trace.error();
    trace_.emplace(trace.take());
  }
  rules_.emplace(config.rule_texts, config.rule_paths);

  std::vector<lab::NetworkLine> lines{{lab::LinkSet{}, 0, "link set dev lo up"}};
  lines.insert(lines.end(), config.lab->network.begin(), config.lab->network.end());
  if (Status s = apply_network(lines, config.lab->network_file); !s) return s;
  if (Status s = apply_sysctl(config.lab->sysctl, config.lab->sysctl_file); !s) return s;
  if (Status s = netns::add_timeout_policies(config.lab->timeouts, config.lab->timeouts_file); !s) return s;
  if (config.lab->rules) return apply_rules(*config.lab->rules, config.lab->rules_file);
  return {};
}

Status KernelBackend::make_ports(const lab::Lab& lab) {
  ports_ = ports_of(lab);
  for (const BackendPort& port : ports_) {
    Result<netns::Tap> tap = netns::Tap::make(port.name, port.mac, tun_of(lab, port.name) == nullptr);
    if (!tap) return tap.error();
    taps_.push_back(tap.take());
  }
  return {};
}

Status KernelBackend::inject(int port, std::span<const uint8_t> frame) {
  return taps_[static_cast<size_t>(port)].write(frame);
}

Result<bool> KernelBackend::send_from_host(std::span<const uint8_t> packet) { return processes_->send(packet); }

Status KernelBackend::read_ports(std::vector<Emitted>& out) {
  for (size_t i = 0; i < taps_.size(); ++i) {
    while (true) {
      const auto frame = taps_[i].read();
      if (!frame) return frame.error();
      if (frame->empty()) break;
      out.push_back({static_cast<int>(i), {frame->begin(), frame->end()}});
    }
  }
  while (true) {
    const auto packet = processes_->receive();
    if (!packet) return packet.error();
    if (packet->empty()) return {};
    out.push_back({kLocalProcesses, {packet->begin(), packet->end()}});
  }
}

// What the sockets hold, before they are full.
Status KernelBackend::drain() {
  if (Status s = conntrack_->receive_events(); !s) return s;
  if (log_) {
    if (Status s = log_->receive(); !s) return s;
  }
  return trace_ ? trace_->receive() : Status();
}

// After a change of devices or rules; what was told before is read before.
Status KernelBackend::learn() {
  if (Status s = drain(); !s) return s;
  return trace_ ? trace_->learn(*rules_) : Status();
}

Status KernelBackend::collect(std::vector<Emitted>& out) {
  out.insert(out.end(), std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end()));
  pending_.clear();
  if (Status s = read_ports(out); !s) return s;
  return drain();
}

Time KernelBackend::now() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

Status KernelBackend::wait_until(Time t) {
  std::vector<pollfd> fds;
  for (const netns::Tap& tap : taps_) fds.push_back({tap.fd(), POLLIN, 0});
  for (const int fd : processes_->fds()) fds.push_back({fd, POLLIN, 0});
  for (Time left; (left = t - now()) > 0;) {
    const timespec timeout{left / kSecond, left % kSecond};
    if (ppoll(fds.data(), fds.size(), &timeout, nullptr) < 0 && errno != EINTR) return netns::system_error("poll");
    if (Status s = read_ports(pending_); !s) return s;
    if (Status s = drain(); !s) return s;
  }
  return {};
}

Result<std::vector<RuleCounter>> KernelBackend::counters() {
  if (Status s = namespace_->enter(); !s) return s.error();
  Result<std::vector<netns::RuleCount>> counts = rules_->counters();
  if (!counts) return counts.error();
  std::vector<RuleCounter> out;
  out.reserve(counts->size());
  for (netns::RuleCount& c : *counts)
    out.push_back({std::move(c.table), std::move(c.chain), c.number, c.packets, c.bytes});
  return out;
}

Result<std::vector<std::string>> KernelBackend::take_log() {
  if (!log_) return std::vector<std::string>();
  if (Status s = log_->receive(); !s) return s.error();
  return log_->take();
}

Result<std::vector<RulePath>> KernelBackend::take_paths() {
  Result<std::vector<netns::TraceLine>> lines = take_trace_lines();
  if (!lines) return lines.error();
  return netns::packet_paths(*lines);
}

Result<std::vector<netns::TraceLine>> KernelBackend::take_trace_lines() {
  if (!trace_) return std::vector<netns::TraceLine>();
  if (Status s = trace_->receive(); !s) return s.error();
  return trace_->take();
}

Result<std::string> KernelBackend::saved_rules(bool counters) {
  if (Status s = namespace_->enter(); !s) return s.error();
  return rules_->saved(counters);
}

Result<std::string> KernelBackend::listed_rules(const std::string& table, const std::string& chain) {
  if (Status s = namespace_->enter(); !s) return s.error();
  return rules_->listed(table, chain);
}

Status KernelBackend::apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) {
  if (Status s = namespace_->enter(); !s) return s;
  if (Status s = netns::apply_network_lines(lines, file); !s) return s;
  return learn();
}

Status KernelBackend::apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) {
  if (Status s = namespace_->enter(); !s) return s;
  for (const lab::SysctlSetting& setting : settings) {
    if (Status s = netns::write_sysctl(setting.name, setting.value); !s && !setting.ignore_error) {
      s.error().file = file;
      s.error().line = setting.line;
      return s;
    }
  }
  return drain();
}

Status KernelBackend::apply_rules(const std::string& text, const std::string& file) {
  if (Status s = namespace_->enter(); !s) return s;
  if (Status s = rules_->load(text, file); !s) return s;
  if (rules_->logs() && !log_) {
    Result<netns::LogReader> log = netns::LogReader::open();
    if (!log) return log.error();
    log_.emplace(log.take());
  }
  return learn();
}

Status KernelBackend::flush_conntrack() {
  if (Status s = conntrack_->flush(); !s) return s;
  return drain();
}

Result<std::vector<std::string>> KernelBackend::entries_like(const std::vector<ct::Tuple>& originals) {
  const Result<uint32_t> count = conntrack_->count();
  if (!count) return count.error();
  if (*count != originals.size()) return entries();
  std::vector<std::string> lines;
  lines.reserve(originals.size());
  for (const ct::Tuple& original : originals) {
    Result<std::string> line = conntrack_->entry(original);
    if (!line) return line.error();
    if (line->empty()) return entries();
    lines.push_back(line.take());
  }
  return lines;
}

Result<std::optional<ct::Tuple>> KernelBackend::reply_tuple(const ct::Tuple& original) {
  const auto found = conntrack_->find(original);
  if (!found) return found.error();
  if (!*found || !(*found)->original().same_key(original)) return std::optional<ct::Tuple>();
  return std::optional<ct::Tuple>((*found)->reply());
}

}  // namespace nf
