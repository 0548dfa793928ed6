// A running gateway as a Backend: `hookpoint run` as a child in a fresh network namespace, between TAPs whose other
// ends are here, its local processes behind its host TUN. What is to be seen is asked as users ask, over the control
// socket and from the files of --trace and --log.
//
// Invariants:
//  1. A frame or packet is given to the gateway only when everything before it is done (`sync`), so that what happens
//     does not depend on how the gateway takes frames of several ports together.
//  2. The child and the temporary folder are gone when this is.
// The lab's lines that make links find the TAPs there already; nothing is left out of it. The answers of the host are
// the kernel's of that namespace, so net.ipv4.icmp_* and ip_default_ttl of the lab are set there too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/backend/backend.h"
#include "tools/backend/gateway_process.h"
#include "tools/backend/trace_lines.h"
#include "tools/control/control_client.h"
#include "tools/netns/local_processes.h"
#include "tools/netns/network_namespace.h"
#include "tools/netns/tap.h"

namespace nf {

class GatewayBackend final : public Backend {
 public:
  explicit GatewayBackend(std::string program) : program_(std::move(program)) {}
  ~GatewayBackend() override;

  std::string_view name() const override { return "gateway"; }
  Status configure(const BackendConfig& config) override;

  Status inject(int port, std::span<const uint8_t> frame) override;
  Result<bool> send_from_host(std::span<const uint8_t> packet) override;
  Status collect(std::vector<Emitted>& out) override;

  Time now() override;
  Status wait_until(Time t) override;

  Result<std::vector<RuleCounter>> counters() override;
  Result<std::vector<std::string>> entries() override;
  Result<std::vector<std::string>> expectations() override;
  Result<std::vector<std::string>> take_events() override;
  Result<std::vector<std::string>> take_log() override;
  Result<ct::Stats> statistics() override;
  Result<std::vector<RulePath>> take_paths() override;
  Result<std::string> saved_rules(bool counters) override;
  Result<std::string> listed_rules(const std::string& table, const std::string& chain) override;
  std::string take_trace() override;
  bool tells() const override { return true; }
  Result<std::vector<ToldPacket>> take_told() override;

  // What a gateway cannot do while it runs: kNotModelled.
  Status apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) override;
  Status apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) override;
  Status apply_rules(const std::string& text, const std::string& file) override;
  Status flush_conntrack() override;

 private:
  // A file the gateway appends whole lines to.
  struct GrowingFile {
    std::string path;
    size_t read = 0;
    std::string take();
  };

  Status make_ports(const lab::Lab& lab);
  Status write_lab(const lab::Lab& lab);
  Error in_lab_words(const Error& e, const lab::Lab& lab) const;
  Status start();
  Status open_host();
  // Takes what the host's processes were delivered to delivered_.
  Status read_host();
  // Waits until all that was given is done. Nothing to do: returns at once.
  Status sync();
  // What a command prints, after sync(); an error when its exit code is not 0.
  Result<std::string> command(const std::vector<std::string>& words);
  // sync(), then what the trace says since the last time.
  Status read_trace();

  std::string program_;
  BackendConfig config_;
  std::optional<netns::NetworkNamespace> namespace_;
  std::string folder_;            // temporary; empty: none
  std::string control_;           // the socket's path
  std::vector<netns::Tap> taps_;  // by port number
  std::optional<netns::LocalProcesses> host_;
  std::optional<control::Connection> event_stream_;
  bool unsettled_ = false;  // something was given since the last sync
  std::vector<Emitted> delivered_;
  std::vector<std::string> events_;
  GrowingFile trace_file_, log_file_;
  TraceLines trace_;        // of the trace file, not asked for yet
  GatewayProcess process_;  // last: ended first
};

}  // namespace nf
