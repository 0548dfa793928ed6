// For tests: a lab of six stations behind two ports, and a machine that copies frames from one to the other, with or
// without translating ports, as plainly as can be written.
#pragma once

#include <map>

#include "tools/difftest/traffic/wire.h"

namespace nf::difftest {

inline GeneratedLab two_port_lab() {
  GeneratedLab lab;
  lab.network = {"addr add 10.1.0.1/24 dev lan", "addr add 10.2.0.1/24 dev wan"};
  for (uint8_t host = 2; host < 5; ++host) {
    lab.stations.push_back({ip4(10, 1, 0, host), "lan", true, {}});
    lab.stations.push_back({ip4(10, 2, 0, host), "wan", true, {}});
  }
  lab.stations.push_back({ip4(10, 9, 0, 2), "wan", false, ip4(10, 2, 0, 4)});
  lab.own_addresses = {ip4(10, 1, 0, 1), ip4(10, 2, 0, 1)};
  lab.service_addresses = {ip4(10, 2, 0, 2)};
  lab.service_ports = {80, 5060};
  lab.process_ports = {8080};
  return lab;
}

inline std::vector<BackendPort> two_ports() {
  return {{"lan", {0x02, 0xff, 0, 0, 0, 1}}, {"wan", {0x02, 0xff, 0, 0, 0, 2}}};
}

// RFC 1071, the slow way: the sum over big-endian words, folded; 0xffff over data with a right sum in it.
inline uint32_t plain_sum(std::span<const uint8_t> bytes, uint32_t start = 0) {
  uint64_t sum = start;
  for (size_t i = 0; i < bytes.size(); ++i) sum += uint64_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint32_t>(sum);
}
inline uint32_t plain_pseudo_sum(std::span<const uint8_t> packet) {
  const size_t header = (packet[0] & 15u) * 4u;
  return plain_sum(packet.subspan(12, 8), packet[9] + static_cast<uint32_t>(packet.size() - header));
}

class TestMachine {
 public:
  explicit TestMachine(bool translate) : translate_(translate) {}

  std::vector<Emitted> take(const Wire::Frame& frame) {
    std::vector<uint8_t> bytes = frame.bytes;
    if (frame.port == kLocalProcesses) bytes.insert(bytes.begin(), 14, 0);
    if (bytes.size() < 34 || bytes[12] != 0x08 || (frame.port != kLocalProcesses && bytes[0] != 0x02)) {
      if (frame.port != kLocalProcesses) return {};
      if (bytes.size() < 34) return {};
    }
    if ((bytes[14] & 0xf0) != 0x40 || (bytes[14] & 15) < 5) return {};
    const size_t total = size_t{bytes[16]} << 8 | bytes[17];
    if (total < 20 || total + 14 > bytes.size()) return {};
    bytes.resize(14 + total);
    if (translate_) translate(bytes);
    const int out = port_of(address(bytes, 30));
    if (out == kLocalProcesses) {
      bytes.erase(bytes.begin(), bytes.begin() + 14);
    } else if (out < 0) {
      return {};
    } else {
      const MacAddress to = station_mac(address(bytes, 30)), from = two_ports()[static_cast<size_t>(out)].mac;
      std::copy(to.begin(), to.end(), bytes.begin());
      std::copy(from.begin(), from.end(), bytes.begin() + 6);
      bytes[12] = 0x08;
      bytes[13] = 0x00;
    }
    return {{out, bytes}};
  }

 private:
  static constexpr int kNowhere = -2;
  static Be32 address(const std::vector<uint8_t>& b, size_t at) { return ip4(b[at], b[at + 1], b[at + 2], b[at + 3]); }
  static int port_of(Be32 a) {
    const uint32_t net = a.host() >> 16;
    if ((a.host() & 0xffff) == 1 && (net == 0x0a01 || net == 0x0a02)) return kLocalProcesses;
    return net == 0x0a01 ? 0 : net == 0x0a02 || net == 0x0a09 ? 1 : kNowhere;
  }

  // TCP and UDP from lan to wan leave as 10.2.0.1 with a port of its own.
  void translate(std::vector<uint8_t>& b) {
    const size_t l4 = 14 + (b[14] & 15u) * 4u;
    if ((b[23] != kProtoTcp && b[23] != kProtoUdp) || b.size() < l4 + 8 || (b[20] & 0x3f) != 0 || b[21] != 0) return;
    const auto word = [&](size_t at) { return static_cast<uint16_t>(b[at] << 8 | b[at + 1]); };
    const auto put = [&](size_t at, uint16_t v) {
      b[at] = static_cast<uint8_t>(v >> 8);
      b[at + 1] = static_cast<uint8_t>(v);
    };
    if (port_of(address(b, 26)) == 0 && port_of(address(b, 30)) == 1) {
      const Key key{address(b, 26).host(), word(l4)};
      auto [it, fresh] = out_.try_emplace(key, uint16_t{0});
      if (fresh) {
        it->second = next_++;
        back_[it->second] = key;
      }
      put(26, 0x0a02);
      put(28, 0x0001);
      put(l4, it->second);
    } else if (const auto it = back_.find(word(l4 + 2)); address(b, 30) == ip4(10, 2, 0, 1) && it != back_.end()) {
      put(30, static_cast<uint16_t>(it->second.first >> 16));
      put(32, static_cast<uint16_t>(it->second.first));
      put(l4 + 2, it->second.second);
    }
  }

  using Key = std::pair<uint32_t, uint16_t>;
  bool translate_;
  uint16_t next_ = 20000;
  std::map<Key, uint16_t> out_;
  std::map<uint16_t, Key> back_;
};

}  // namespace nf::difftest
