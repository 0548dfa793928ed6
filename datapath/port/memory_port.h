// Ports for tests and benchmarks: what is put in is received, what is sent is kept.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "datapath/port/host_port.h"
#include "datapath/port/port.h"

namespace nf {

class MemoryPort final : public Port {
 public:
  struct Options {
    bool can_checksum = false;
    bool can_gso = false;
    size_t capacity = SIZE_MAX;  // send() refuses more than this many frames until they are taken
  };
  MemoryPort() = default;
  explicit MemoryPort(Options options) : options_(options) {}

  // The next frame to be received.
  void inject(PacketPtr p) { incoming_.push_back(std::move(p)); }
  // Everything sent so far, in order; the port forgets it.
  std::vector<PacketPtr> take_sent() { return std::exchange(sent_, {}); }
  const std::vector<PacketPtr>& sent() const { return sent_; }

  size_t receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) override;
  bool send(PacketPtr p) override;
  void flush() override {}
  PortStatistics statistics() override { return statistics_; }
  bool can_checksum() const override { return options_.can_checksum; }
  bool can_gso() const override { return options_.can_gso; }

 private:
  Options options_;
  std::deque<PacketPtr> incoming_;
  std::vector<PacketPtr> sent_;
  PortStatistics statistics_;
};

class MemoryHostPort final : public HostPort {
 public:
  void deliver(PacketPtr p, Time) override { delivered_.push_back(std::move(p)); }
  std::vector<PacketPtr> take_delivered() { return std::exchange(delivered_, {}); }
  // A local process sends.
  void send(PacketPtr p) { emit(std::move(p)); }

 private:
  std::vector<PacketPtr> delivered_;
};

}  // namespace nf
