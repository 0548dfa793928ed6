// The engine in this process as a Backend: a Gateway, memory ports, a host without processes but those of the
// scenario. Its clock is turned by hand; everything is deterministic. No root.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/port/memory_port.h"
#include "datapath/port/responder.h"
#include "tools/backend/backend.h"
#include "tools/backend/path_sink.h"
#include "tools/gateway/gateway.h"
#include "tools/trace/recorder.h"

namespace nf {

class MemoryBackend final : public Backend {
 public:
  // `start`: what the clock says first.
  explicit MemoryBackend(Time start = 1'700'000'000 * kSecond) : now_(start) {}
  ~MemoryBackend() override;

  std::string_view name() const override { return "memory"; }
  Status configure(const BackendConfig& config) override;

  Status inject(int port, std::span<const uint8_t> frame) override;
  Result<bool> send_from_host(std::span<const uint8_t> packet) override;
  Status collect(std::vector<Emitted>& out) override;

  Time now() override { return now_; }
  Status wait_until(Time t) override;

  Result<std::vector<RuleCounter>> counters() override;
  Result<std::vector<std::string>> entries() override;
  Result<std::vector<std::string>> expectations() override;
  Result<std::vector<std::string>> take_events() override { return std::exchange(events_, {}); }
  Result<std::vector<std::string>> take_log() override { return std::exchange(log_, {}); }
  Result<ct::Stats> statistics() override { return gateway_->conntrack().stats(); }
  Result<std::vector<RulePath>> take_paths() override { return paths_.take(); }
  Result<std::string> saved_rules(bool counters) override;
  Result<std::string> listed_rules(const std::string& table, const std::string& chain) override;
  std::string take_trace() override;
  bool tells() const override { return true; }
  Result<std::vector<ToldPacket>> take_told() override;

  Status apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) override;
  Status apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) override;
  Status apply_rules(const std::string& text, const std::string& file) override;
  Status flush_conntrack() override;

  // For the differential, which follows the kernel's choices.
  Gateway& gateway() { return *gateway_; }

 private:
  // The host's local processes: reads what is delivered, then lets the host without sockets answer, unless a process
  // takes it.
  class Host final : public HostPort {
   public:
    Host(MemoryBackend& backend, PacketPool& pool) : responder_(pool), backend_(backend) {}
    void deliver(PacketPtr p, Time now) override;
    Responder& responder() { return responder_; }

   private:
    Responder responder_;
    MemoryBackend& backend_;
  };
  class BothSinks final : public trace::Sink {
   public:
    explicit BothSinks(MemoryBackend& backend) : backend_(backend) {}
    bool detailed() const override { return backend_.config_.told; }
    void event(const Packet& p, const trace::Event& e) override;

   private:
    MemoryBackend& backend_;
  };

  Time now_, next_timer_ = 0;
  BackendConfig config_;
  std::vector<std::unique_ptr<MemoryPort>> memory_ports_;  // by port number
  std::vector<Device*> devices_;                           // by port number
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<Host> host_;
  std::vector<Emitted> delivered_;
  std::vector<std::string> events_, log_;
  PathSink paths_;
  std::string trace_text_;
  std::vector<ToldPacket> told_;
  std::optional<trace::Recorder> recorder_;  // with BackendConfig::trace or told
  BothSinks sinks_{*this};
};

}  // namespace nf
