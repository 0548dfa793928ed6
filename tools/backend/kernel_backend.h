// The kernel as a Backend: a network namespace of its own, configured from the lab by the real programs. No root
// needed.
//
// The links are TAPs whose other ends are here, the local processes raw sockets; connections, counters, LOG lines and
// rule paths are read from the kernel itself. stands for: a box with ip, sysctl, iptables-legacy and conntrack.
// Different from such a box, without a difference for IPv4: no IPv6, no multicast snooping, no IGMP reports.
//
// -j LOG writes to the machine's log, which a namespace has no part in: the rules are loaded as -j NFLOG and the lines
// written here from what the kernel says about packet, devices and link header (tools/netns/log_rules.h). With
// BackendConfig::rule_texts they stay as they are, and their lines are lost.
// With BackendConfig::rule_paths every packet is traced by TRACE rules of the backend's own in table raw, which show
// nowhere else (tools/netns/rule_loader.h).
//
// Several may live at a time in one thread; which namespace the process is in changes with each call.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/backend/backend.h"
#include "tools/netns/ctnetlink.h"
#include "tools/netns/local_processes.h"
#include "tools/netns/log_reader.h"
#include "tools/netns/network_namespace.h"
#include "tools/netns/rule_loader.h"
#include "tools/netns/tap.h"
#include "tools/netns/trace_reader.h"

namespace nf {

class KernelBackend final : public Backend {
 public:
  std::string_view name() const override { return "kernel"; }
  Status configure(const BackendConfig& config) override;

  Status inject(int port, std::span<const uint8_t> frame) override;
  Result<bool> send_from_host(std::span<const uint8_t> packet) override;
  Status collect(std::vector<Emitted>& out) override;

  Time now() override;
  Status wait_until(Time t) override;

  Result<std::vector<RuleCounter>> counters() override;
  Result<std::vector<std::string>> entries() override { return conntrack_->entries(); }
  Result<std::vector<std::string>> expectations() override { return conntrack_->expectations(); }
  Result<std::vector<std::string>> entries_like(const std::vector<ct::Tuple>& originals) override;
  Result<std::vector<std::string>> take_events() override { return conntrack_->take_events(); }
  Result<std::vector<std::string>> take_log() override;
  Result<ct::Stats> statistics() override { return conntrack_->statistics(); }
  Result<std::vector<RulePath>> take_paths() override;
  // With rule_paths: the same line by line, in the order the kernel tells it; what one has taken the other has not.
  Result<std::vector<netns::TraceLine>> take_trace_lines();
  Result<std::string> saved_rules(bool counters) override;
  Result<std::string> listed_rules(const std::string& table, const std::string& chain) override;

  Status apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) override;
  Status apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) override;
  Status apply_rules(const std::string& text, const std::string& file) override;
  Status flush_conntrack() override;

  // The reply tuple of the live entry whose original tuple this is; nullopt: there is none.
  Result<std::optional<ct::Tuple>> reply_tuple(const ct::Tuple& original);

 private:
  Status make_ports(const lab::Lab& lab);
  Status read_ports(std::vector<Emitted>& out);
  Status drain();
  Status learn();

  std::optional<netns::NetworkNamespace> namespace_;
  std::vector<netns::Tap> taps_;  // by port number
  std::optional<netns::LocalProcesses> processes_;
  std::optional<netns::Ctnetlink> conntrack_;
  std::optional<netns::RuleLoader> rules_;
  std::optional<netns::LogReader> log_;      // once a rule logs
  std::optional<netns::TraceReader> trace_;  // with rule_paths
  std::vector<Emitted> pending_;             // came out while time passed
};

}  // namespace nf
