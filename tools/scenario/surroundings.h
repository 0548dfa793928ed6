// The hosts around the machine: what link address a frame goes to, and who answers ARP. Knows of the machine what its
// lab says: addresses, bridges and their ports.
//
// Every address exists behind the port where it is asked for. On a bridge that would be everywhere, so there a station
// stays where it was first asked for or first sent from, until it sends from elsewhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/backend/backend.h"
#include "tools/lab/lab.h"

namespace nf::scenario {

class Surroundings {
 public:
  // `ports`: the backend's; outlive this.
  explicit Surroundings(const std::vector<BackendPort>& ports) : ports_(ports) {}
  void apply(const std::vector<lab::NetworkLine>& lines);

  // Where a frame for `destination` (host order) that enters by `port` goes.
  MacAddress destination_mac(int port, uint32_t destination) const;
  // The machine's own first address on the device of a port; 0: none.
  uint32_t own_address(int port) const;
  // A station sends by this port.
  void sends(int port, uint32_t source);
  // The reply to a frame that came out by `port`, if it is an ARP request a station answers.
  std::optional<std::vector<uint8_t>> arp_reply(int port, std::span<const uint8_t> frame);

 private:
  struct Own {
    uint32_t address, network;
    uint8_t length;
    std::string device;
  };
  struct Change;
  const std::string& port_name(int port) const { return ports_[static_cast<size_t>(port)].name; }
  // The bridge a port is in, or the port itself.
  const std::string& device_of(int port) const;
  MacAddress device_mac(int port) const;

  const std::vector<BackendPort>& ports_;
  std::vector<Own> own_;
  std::map<std::string, std::string> master_;
  std::map<std::string, MacAddress> macs_;  // that the lab gives, of bridges and of ports changed later
  std::map<uint32_t, int> stations_;
};

// Whether a frame is ARP, of any kind.
bool is_arp(std::span<const uint8_t> frame);

}  // namespace nf::scenario
