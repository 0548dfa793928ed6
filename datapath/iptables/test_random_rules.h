// Random rules of every kind and random packets for them, for property tests. Few values, so that rules do match. Only
// tests include it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datapath/iptables/rule.h"
#include "datapath/iptables/test_packets.h"

namespace nf::ipt {

template <size_t N>
const char* any_of(Random& r, const char* const (&list)[N]) {
  return list[r.below(N)];
}

class RulesetGenerator {
 public:
  // One rule in how many has a condition of its header, a match of a kind.
  struct Rarity {
    uint32_t header = 3, match = 16;
  };
  RulesetGenerator(Random& random, TableId table) : RulesetGenerator(random, table, Rarity{}) {}
  RulesetGenerator(Random& random, TableId table, Rarity rarity) : random_(random), table_(table), rarity_(rarity) {}
  virtual ~RulesetGenerator() = default;

  // A table with chains of rules that use each other.
  std::string run() {
    const TableModel model(table_);
    std::string out = "*" + std::string(model.name()) + "\n";
    for (const Chain& c : model.chains()) out += ":" + c.name + (maybe(3) ? " DROP" : " ACCEPT") + " [0:0]\n";
    chains_ = 1 + random_.below(6);
    for (uint32_t i = 0; i < chains_; ++i) out += ":user" + std::to_string(i) + " - [0:0]\n";
    // Built-in chains may use all user chains, each of those only later ones: no loops.
    for (const Chain& c : model.chains()) rules(c.name, 0, c.hook, out);
    for (uint32_t i = 0; i < chains_; ++i) rules("user" + std::to_string(i), i + 1, std::nullopt, out);
    return out + "COMMIT\n";
  }
  // What stands behind "-A CHAIN", less the target; `hook` is that of a built-in chain.
  std::string conditions(std::optional<HookPoint> hook) { return header(hook) + matches(hook); }

 protected:
  bool maybe(uint32_t one_in) { return random_.below(one_in) == 0; }
  const char* negation() { return maybe(4) ? " !" : ""; }
  template <size_t N>
  std::string option(const char* name, const char* const (&values)[N]) {
    return std::string(negation()) + " " + name + " " + any_of(random_, values);
  }
  // Matches of other folders, each " -m NAME ...".
  virtual void more_matches(std::vector<std::string>&) {}

  Random& random_;

 private:
  static constexpr const char* kAddresses[] = {"10.0.0.1",    "10.0.0.2",          "10.0.0.0/24",
                                               "10.0.0.0/31", "10.0.1.0/24",       "0.0.0.0/0",
                                               "10.0.0.0/8",  "0.0.0.2/0.0.0.255", "192.168.0.0/16"};
  static constexpr const char* kDevices[] = {"eth0", "eth1", "eth+", "+", "lo", "br0", "e+", "eth10", "wlan+"};
  static constexpr const char* kPorts[] = {"80",         "443",     "22", "1:79",  "80:90",
                                           "1024:65535", "0:65535", "0",  "65535", "0:1023"};
  static constexpr const char* kMultiports[] = {"80,443", "22", "1:100,443", "8080"};
  static constexpr const char* kTcpFlags[] = {"SYN,ACK SYN", "ALL NONE", "RST RST", "FIN,SYN,RST,ACK SYN"};
  static constexpr const char* kTcpOptions[] = {"2", "8", "1"};
  static constexpr const char* kIcmpTypes[] = {"8", "3/1", "any", "0"};
  static constexpr const char* kChunks[] = {"any DATA,INIT", "all DATA,SACK", "only DATA", "any ABORT:t", "all NONE"};
  static constexpr const char* kTypes[] = {"LOCAL", "UNICAST", "LOCAL,BROADCAST"};
  static constexpr const char* kPacketTypes[] = {"unicast", "broadcast", "multicast", "otherhost"};
  static constexpr const char* kLengths[] = {"40", "40:60", "20:80"};
  static constexpr const char* kMacs[] = {"02:00:00:00:00:01", "02:00:00:00:00:02"};
  static constexpr const char* kTtls[] = {" --ttl-eq 64", " ! --ttl-eq 64", " --ttl-lt 3", " --ttl-gt 3"};
  static constexpr const char* kTos[] = {"0x00/0xff", "0x10/0x3f", "0x01/0x03"};
  static constexpr const char* kDscps[] = {"0x00", "0x04"};

  void rules(const std::string& chain, uint32_t first_user, std::optional<HookPoint> hook, std::string& out) {
    const uint32_t count = random_.below(9);
    for (uint32_t i = 0; i < count; ++i) out += "-A " + chain + conditions(hook) + target(first_user) + "\n";
  }

  static bool has_in(std::optional<HookPoint> h) { return h != HookPoint::kLocalOut && h != HookPoint::kPostRouting; }
  static bool has_out(std::optional<HookPoint> h) { return h != HookPoint::kPreRouting && h != HookPoint::kLocalIn; }

  std::string header(std::optional<HookPoint> hook) {
    std::string out;
    if (maybe(rarity_.header)) out += option("-s", kAddresses);
    if (maybe(rarity_.header)) out += option("-d", kAddresses);
    if (has_in(hook) && maybe(rarity_.header)) out += std::string(negation()) + " -i " + device();
    if (has_out(hook) && maybe(rarity_.header)) out += std::string(negation()) + " -o " + device();
    if (maybe(4 * rarity_.header)) out += std::string(negation()) + " -f";
    return out;
  }
  std::string device() {
    // Often enough more patterns than fit into a key.
    return maybe(3) ? "veth" + std::to_string(random_.below(40)) : std::string(any_of(random_, kDevices));
  }

  // -p, and the matches that want it.
  std::string protocol(std::vector<std::string>& list) {
    const auto ports = [&](std::string match) {
      if (maybe(2)) match += option("--dport", kPorts);
      if (maybe(3)) match += option("--sport", kPorts);
      return match;
    };
    switch (random_.below(11)) {
      case 0:
      case 1: {
        std::string tcp = ports(" -m tcp");
        if (maybe(5)) tcp += option("--tcp-flags", kTcpFlags);
        if (maybe(6)) tcp += option("--tcp-option", kTcpOptions);
        list.push_back(tcp);
        if (maybe(4)) list.push_back(ecn(true));
        return " -p tcp";
      }
      case 2:
        list.push_back(ports(" -m udp"));
        // An option of a protocol's own match needs no -m.
        return " -p udp" + (maybe(2) ? option("--sport", kPorts) : "");
      case 3:
        list.push_back(" -m icmp" + option("--icmp-type", kIcmpTypes));
        return " -p icmp";
      case 4:
        list.push_back(" -m multiport" + option(maybe(3)   ? "--dports"
                                                : maybe(2) ? "--ports"
                                                           : "--sports",
                                                kMultiports));
        return maybe(2) ? " -p tcp" : " -p udp";
      case 5:
        return std::string(negation()) + " -p " + (maybe(2) ? "udp" : "99");
      case 6: {
        std::string sctp = ports(" -m sctp");
        if (maybe(2)) sctp += option("--chunk-types", kChunks);
        list.push_back(sctp);
        return " -p sctp";
      }
      default:
        return {};
    }
  }

  std::string ecn(bool tcp) {
    std::string out = " -m ecn";
    const bool ece = tcp && maybe(2);
    const bool cwr = tcp && (!ece || maybe(2));
    if (ece) out += std::string(negation()) + " --ecn-tcp-ece";
    if (cwr) out += std::string(negation()) + " --ecn-tcp-cwr";
    if (!tcp || maybe(2)) out += std::string(negation()) + " --ecn-ip-ect " + std::to_string(random_.below(2));
    return out;
  }

  std::string addrtype(std::optional<HookPoint> hook) {
    std::string out = " -m addrtype";
    const bool source = maybe(2);
    if (source) out += option("--src-type", kTypes);
    if (!source || maybe(2)) out += option("--dst-type", kTypes);
    if (hook && has_in(hook) && maybe(3)) return out + " --limit-iface-in";
    if (hook && has_out(hook) && maybe(3)) out += " --limit-iface-out";
    return out;
  }

  // In any order: what a match does when it is asked must not depend on what stands behind it.
  std::string matches(std::optional<HookPoint> hook) {
    std::vector<std::string> list;
    std::string out = protocol(list);
    if (maybe(6)) list.push_back(" -m comment --comment \"a -m mark --mark 0x1\"");
    if (maybe(6))
      list.push_back(" -m mark" + std::string(negation()) + " --mark 0x" + std::to_string(random_.below(4)));
    if (maybe(12)) list.push_back(" -m limit --limit 100/sec --limit-burst 3");
    if (maybe(rarity_.match)) list.push_back(" -m ttl" + std::string(any_of(random_, kTtls)));
    if (maybe(rarity_.match)) list.push_back(" -m tos" + option("--tos", kTos));
    if (maybe(rarity_.match)) list.push_back(" -m dscp" + option("--dscp", kDscps));
    if (maybe(rarity_.match)) list.push_back(" -m length" + option("--length", kLengths));
    if (maybe(rarity_.match)) list.push_back(" -m pkttype" + option("--pkt-type", kPacketTypes));
    if (maybe(rarity_.match)) list.push_back(addrtype(hook));
    if (maybe(rarity_.match)) list.push_back(ecn(false));
    if (hook && has_in(hook) && maybe(10)) list.push_back(" -m mac" + option("--mac-source", kMacs));
    if (maybe(40)) list.push_back(" -m string --algo bm --string x");
    more_matches(list);
    for (size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random_.below(static_cast<uint32_t>(i))]);
    for (const std::string& match : list) out += match;
    return out;
  }

  std::string target(uint32_t first_user) {
    switch (random_.below(table_ == TableId::kMangle ? 11 : 9)) {
      case 0:
        return " -j ACCEPT";
      case 1:
        return " -j DROP";
      case 2:
        return " -j RETURN";
      case 3:
      case 4:
      case 5:
        if (first_user < chains_) return jump(first_user);
        return "";
      case 6:
        return " -j LOG --log-prefix \"here \"";
      case 7:
        return maybe(4) ? " -j NFQUEUE --queue-num 1" : "";
      case 9:
        return " -j MARK --set-mark " + std::to_string(random_.below(4));
      case 10:
        return " -j MARK --or-mark 1";
      default:
        return "";
    }
  }
  std::string jump(uint32_t first_user) {
    return std::string(maybe(3) ? " -g user" : " -j user") +
           std::to_string(first_user + random_.below(chains_ - first_user));
  }

  TableId table_;
  Rarity rarity_;
  uint32_t chains_ = 0;
};

// What iptables-save leaves out although it matches nothing: the rule it prints is another one.
inline bool is_lost_when_saved(std::string_view conditions) {
  for (const char* option : {"! -i + ", "! -o + ", "! --sport 0:65535 ", "! --dport 0:65535 "})
    if ((std::string(conditions) + " ").find(option) != std::string::npos) return true;
  return false;
}

inline PacketSpec random_packet(Random& r) {
  static constexpr uint16_t kSomePorts[] = {0, 1, 22, 79, 80, 85, 100, 443, 1023, 1024, 8080, 65535};
  static constexpr uint8_t kProtocols[] = {kProtoTcp,  kProtoTcp,  kProtoTcp, kProtoUdp, kProtoUdp,
                                           kProtoIcmp, kProtoSctp, 99,        kProtoGre};
  PacketSpec s;
  s.source = ip4(10, 0, static_cast<uint8_t>(r.below(2)), static_cast<uint8_t>(r.below(4)));
  s.destination = ip4(10, 0, static_cast<uint8_t>(r.below(2)), static_cast<uint8_t>(r.below(4)));
  s.protocol = kProtocols[r.below(sizeof kProtocols)];
  s.source_port = kSomePorts[r.below(12)];
  s.destination_port = kSomePorts[r.below(12)];
  if (s.protocol == kProtoIcmp) s.destination_port = r.below(2) == 0 ? 0x0800 : 0x0301;
  s.tcp_flags = static_cast<uint8_t>(r.u32());
  s.option_words = r.below(6) == 0 ? r.below(11) : 0;
  s.payload = r.below(5) == 0 ? r.below(24) : 20 + r.below(40);
  if (s.protocol == kProtoTcp && r.below(3) == 0) s.body = {2, 4, 5, 0xb4, 1, 1, 4, 2};
  if (s.protocol == kProtoSctp && r.below(6) != 0) {
    if (r.below(2) == 0) s.body = {0, 3, 0, 4};  // DATA
    if (r.below(2) == 0) s.body.insert(s.body.end(), {static_cast<uint8_t>(r.below(7)), 0, 0, 4});
    s.payload = 12 + static_cast<uint32_t>(s.body.size());
  }
  if (r.below(8) == 0) s.fragment_offset = static_cast<uint16_t>(1 + r.below(3));
  s.more_fragments = r.below(8) == 0;
  s.mark = r.below(4);
  if (r.below(4) == 0) s.ttl = static_cast<uint8_t>(1 + r.below(4));
  if (r.below(3) == 0) s.tos = r.below(2) == 0 ? 0x10 : static_cast<uint8_t>(r.below(4));
  s.station = static_cast<uint8_t>(r.below(3));
  static constexpr PacketType kTypes[] = {PacketType::kHost, PacketType::kHost, PacketType::kBroadcast,
                                          PacketType::kMulticast, PacketType::kLoopback};
  s.type = kTypes[r.below(5)];
  return s;
}

// Where a packet of the hook comes from and goes to.
inline void random_devices(Random& r, const std::vector<Device>& devices, HookState& state) {
  const auto any = [&] { return &devices[r.below(static_cast<uint32_t>(devices.size()))]; };
  state.in = state.hook != HookPoint::kLocalOut && state.hook != HookPoint::kPostRouting ? any() : nullptr;
  state.out = state.hook != HookPoint::kPreRouting && state.hook != HookPoint::kLocalIn ? any() : nullptr;
}

inline void some_address_types(FakeStack& stack) {
  stack.address_types_[ip4(10, 0, 0, 1)] = RouteType::kLocal;
  stack.address_types_[ip4(10, 0, 1, 1)] = RouteType::kLocal;
  stack.address_types_[ip4(10, 0, 0, 3)] = RouteType::kBroadcast;
}

}  // namespace nf::ipt
