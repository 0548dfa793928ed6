// IPv4 options on the way through a router: checked on input, filled in on the way out, echoed in ICMP errors.
// twin: net/ipv4/ip_options.c, ip_rcv_options in ip_input.c
//
// What was found stands in Packet::options; the option bytes are changed in place. As in the kernel the header's
// checksum is written anew only when the packet is forwarded, so an error about it quotes the old one.
#pragma once

#include <array>
#include <cstdint>

#include "datapath/packet/packet.h"

namespace nf {

class Router;

// The options of a packet that answers another one. twin: struct ip_options_data, as ip_options_echo fills it
struct EchoedOptions {
  std::array<uint8_t, 40> bytes{};
  uint8_t length = 0;  // a multiple of 4
  IpOptionState state;
  Be32 first_hop;  // with state.source_route: where the answer goes first
};

class IpOptions {
 public:
  explicit IpOptions(Router& router) : r_(router) {}

  // Reads the options of a routed packet, writes this host's address and time where they ask for it. Nonzero: the
  // offset of what is wrong (for ICMP parameter problem). twin: __ip_options_compile
  uint8_t compile(Packet& p);
  // The same for a packet just received, with the ICMP error, and with source routing, which may change its route.
  // False: it was dropped. Precondition: it has options and a route. twin: ip_rcv_options
  bool rcv(PacketPtr& p);
  // Writes what waited for the way out to be known. twin: ip_forward_options
  void forward(Packet& p);
  // What an answer to `p` carries; false: its options make no answer possible. twin: __ip_options_echo
  bool echo(const Packet& p, EchoedOptions& echoed);
  // Writes them behind the fixed header of an answer from `source`, which goes to `destination` in the end; its
  // `options` are known then. twin: ip_options_build
  void build(EchoedOptions& echoed, Packet& answer, Be32 source, Be32 destination);

 private:
  class Compiler;
  bool source_route(PacketPtr& p);         // twin: ip_options_rcv_srr
  uint32_t timestamp() const;              // network order. twin: inet_current_timestamp
  Be32 own_address(const Packet& p);       // twin: fib_compute_spec_dst
  Be32 outgoing_address(const Packet& p);  // twin: ip_rt_get_source

  Router& r_;
};

}  // namespace nf
