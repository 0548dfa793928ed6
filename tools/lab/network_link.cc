// `ip link` and `ip tuntap`.
#include "tools/lab/network_commands.h"

namespace nf::lab {
namespace {

enum LinkWord : int {
  kUp,
  kDown,
  kName,
  kAddress,
  kMtu,
  kArp,
  kMaster,
  kNomaster,
  kType,
  kDev,
  kUnmodelled,
  kSkipNumber,  // says nothing that matters here; a number follows
  kSkipValue,   // says nothing that matters here; a value follows
};

// twin: the chain of comparisons in iplink_parse
constexpr Keyword kLinkWords[] = {
    {"up", kUp},
    {"down", kDown},
    {"name", kName},
    {"index", kUnmodelled},
    {"link", kUnmodelled, true},
    {"address", kAddress, true},
    {"broadcast", kUnmodelled, true},
    {"brd", kUnmodelled},
    {"txqueuelen", kSkipNumber, true},
    {"qlen", kSkipNumber},
    {"txqlen", kSkipNumber, true},
    {"mtu", kMtu},
    {"xdpgeneric", kUnmodelled},
    {"xdpdrv", kUnmodelled},
    {"xdpoffload", kUnmodelled},
    {"xdp", kUnmodelled},
    {"netns", kUnmodelled},
    {"multicast", kUnmodelled},
    {"allmulticast", kUnmodelled},
    {"promisc", kUnmodelled},
    {"trailers", kUnmodelled},
    {"arp", kArp},
    {"carrier", kUnmodelled},
    {"vf", kUnmodelled},
    {"master", kMaster, true},
    {"vrf", kUnmodelled},
    {"nomaster", kNomaster, true},
    {"dynamic", kUnmodelled, true},
    {"type", kType, true},
    {"alias", kSkipValue, true},
    {"group", kSkipValue},
    {"mode", kUnmodelled},
    {"state", kUnmodelled},
    {"numtxqueues", kSkipNumber, true},
    {"numrxqueues", kSkipNumber, true},
    {"addrgenmode", kSkipValue, true},
    {"link-netnsid", kUnmodelled, true},
    {"protodown", kUnmodelled},
    {"gso_max_size", kUnmodelled},
    {"gso_max_segs", kUnmodelled},
    {"gro_max_size", kUnmodelled},
    {"parentdev", kUnmodelled},
    {"help", kUnmodelled, true},
    {"dev", kDev},
};

struct Link {
  std::string dev, name;
  LinkSettings settings;
  std::string kind;  // what stands behind it belongs to the kind
};

void once(BatchWords& w, bool again, const std::string& word) {
  if (again) w.fail_word(word, "is said twice");
}

// Reads up to the end, or to the kind behind "type". twin: iplink_parse
Link parse_link_words(BatchWords& w) {
  Link link;
  LinkSettings& s = link.settings;
  while (!w.at_end()) {
    const std::string word = w.peek();
    switch (w.take_keyword(kLinkWords)) {
      case kUp:
        s.up = true;
        break;
      case kDown:
        s.up = false;
        break;
      case kName:
        once(w, !link.name.empty(), word);
        link.name = w.interface_name();
        if (link.dev.empty()) link.dev = link.name;
        break;
      case kAddress:
        s.address = w.mac();
        break;
      case kMtu:
        once(w, s.mtu.has_value(), word);
        s.mtu = w.number(INT32_MAX);
        break;
      case kArp:
        s.arp = w.on_off();
        break;
      case kMaster:
        s.master = w.interface_name();
        break;
      case kNomaster:
        s.master = "";
        break;
      case kType:
        link.kind = w.value();
        return link;
      case kSkipNumber:
        w.number();
        break;
      case kSkipValue:
        w.value();
        break;
      case kUnmodelled:
        w.fail_word(word, "is not modelled for a link");
        break;
      case kDev:
        if (w.at_end()) w.value();
        [[fallthrough]];
      default:
        if (!link.dev.empty() && link.dev != link.name) w.fail_word(w.at_end() ? word : w.peek(), "is a second device");
        link.dev = w.interface_name();
        break;
    }
  }
  return link;
}

void parse_bridge(BatchWords& w, BridgeSettings& bridge) {
  enum { kAgeing, kStp, kForwardDelay, kVlanFiltering, kSnooping, kOther };
  // twin: bridge_parse_opt
  constexpr Keyword kWords[] = {
      {"forward_delay", kForwardDelay, true},
      {"hello_time", kForwardDelay, true},
      {"max_age", kForwardDelay, true},
      {"ageing_time", kAgeing, true},
      {"stp_state", kStp, true},
      {"priority", kForwardDelay, true},
      {"vlan_filtering", kVlanFiltering, true},
      {"vlan_protocol", kOther, true},
      {"group_fwd_mask", kOther, true},
      {"group_address", kOther, true},
      {"fdb_flush", kOther, true},
      {"vlan_default_pvid", kOther, true},
      {"mcast_router", kOther, true},
      {"mcast_snooping", kSnooping, true},
  };
  while (!w.at_end()) {
    const std::string word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kAgeing:
        bridge.ageing_time = Duration{w.number()} * (kSecond / 100);  // USER_HZ
        break;
      case kForwardDelay:  // spanning tree's, which is off
        w.number();
        break;
      case kSnooping:  // without a querier both flood
        w.number(1);
        break;
      case kStp:
      case kVlanFiltering:
        if (w.number() != 0) w.fail_word(word, "is only modelled as 0");
        break;
      default:
        w.fail_word(word, "is not modelled for a bridge");
        break;
    }
  }
}

void parse_bridge_port(BatchWords& w, PortSettings& port) {
  enum { kHairpin, kIsolated, kLearning, kFlood, kMulticastFlood, kBroadcastFlood, kOther };
  // twin: bridge_slave_parse_opt
  constexpr Keyword kWords[] = {
      {"fdb_flush", kOther, true},
      {"state", kOther, true},
      {"priority", kOther, true},
      {"cost", kOther, true},
      {"hairpin", kHairpin, true},
      {"guard", kOther, true},
      {"root_block", kOther, true},
      {"fastleave", kOther, true},
      {"learning", kLearning, true},
      {"flood", kFlood, true},
      {"mcast_flood", kMulticastFlood, true},
      {"bcast_flood", kBroadcastFlood, true},
      {"mcast_to_unicast", kOther, true},
      {"proxy_arp", kOther, true},
      {"mcast_router", kOther, true},
      {"neigh_suppress", kOther, true},
      {"isolated", kIsolated, true},
  };
  while (!w.at_end()) {
    const std::string word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kHairpin:
        port.hairpin = w.on_off();
        break;
      case kIsolated:
        port.isolated = w.on_off();
        break;
      case kLearning:
        port.learning = w.on_off();
        break;
      case kFlood:
        port.flood = w.on_off();
        break;
      case kMulticastFlood:
        port.multicast_flood = w.on_off();
        break;
      case kBroadcastFlood:
        port.broadcast_flood = w.on_off();
        break;
      default:
        w.fail_word(word, "is not modelled for a bridge port");
        break;
    }
  }
}

Operation parse_link_add(BatchWords& w) {
  Link link = parse_link_words(w);
  LinkAdd op;
  op.name = link.name.empty() ? link.dev : link.name;
  op.settings = std::move(link.settings);
  if (w.failed()) return op;
  if (link.kind.empty()) w.fail("\"type\" is missing");
  if (link.kind == "bridge") {
    op.kind = LinkKind::kBridge;
    parse_bridge(w, op.bridge);
  } else if (link.kind == "veth") {
    op.kind = LinkKind::kVeth;
    if (!w.at_end()) {
      if (w.peek() != "peer") w.fail_word(w.peek(), "is not understood here; \"peer\" is expected");
      w.take();
      Link peer = parse_link_words(w);
      if (!w.failed() && !peer.kind.empty()) w.fail_word("type", "is not modelled for a peer");
      op.peer = peer.name.empty() ? peer.dev : peer.name;
      op.peer_settings = std::move(peer.settings);
    }
  } else if (link.kind == "dummy") {
    op.kind = LinkKind::kDummy;
  } else {
    w.fail_word(link.kind, "is a link type that is not modelled");
  }
  if (op.name.empty()) w.fail("the link's name is missing");
  if (link.dev != op.name) w.fail_word(link.dev, "is a second name for the link");
  return op;
}

Operation parse_link_set(BatchWords& w) {
  Link link = parse_link_words(w);
  LinkSet op;
  op.device = link.dev;
  if (!link.name.empty() && link.name != link.dev) op.new_name = link.name;
  op.settings = std::move(link.settings);
  if (w.failed()) return op;
  if (op.device.empty()) w.fail("the device is missing");
  if (link.kind == "bridge") {
    parse_bridge(w, op.bridge);
  } else if (link.kind == "bridge_slave") {
    parse_bridge_port(w, op.port);
  } else if (!link.kind.empty()) {
    w.fail_word(link.kind, "is a link type that is not modelled for \"link set\"");
  }
  return op;
}

}  // namespace

Operation parse_link(BatchWords& w) {
  enum { kAdd, kSet, kDelete, kOther };
  constexpr Keyword kCommands[] = {{"add", kAdd, true},       {"set", kSet, true},       {"change", kSet, true},
                                   {"replace", kOther, true}, {"delete", kDelete, true}, {"show", kOther, true},
                                   {"list", kOther, true},    {"lst", kOther, true}};
  const std::string word = w.peek();
  switch (w.take_keyword(kCommands)) {
    case kAdd:
      return parse_link_add(w);
    case kSet:
      return parse_link_set(w);
    case kDelete: {
      Link link = parse_link_words(w);
      if (!w.failed() && link.dev.empty()) w.fail("the device is missing");
      return LinkDelete{link.dev};
    }
    default:
      w.fail_word(word, "is not modelled for ip link");
      return LinkDelete{};
  }
}

Operation parse_tuntap(BatchWords& w) {
  enum { kAdd, kDelete, kMode, kUser, kQueue, kUnmodelledFlag, kDevice, kNameWord };
  constexpr Keyword kCommands[] = {{"add", kAdd, true}, {"delete", kDelete, true}};
  constexpr Keyword kWords[] = {
      {"mode", kMode, true},         {"user", kUser, true},       {"group", kUser, true},
      {"pi", kUnmodelledFlag, true}, {"one_queue", kQueue, true}, {"vnet_hdr", kUnmodelledFlag, true},
      {"multi_queue", kQueue, true}, {"dev", kDevice, true},      {"name", kNameWord, true}};
  constexpr Keyword kModes[] = {{"tun", 0, true}, {"tap", 1, true}};
  std::string word = w.peek();
  const int command = w.take_keyword(kCommands);
  if (command < 0) w.fail_word(word, "is not modelled for ip tuntap");
  LinkAdd op;
  int mode = -1;
  while (!w.at_end()) {
    word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kMode: {
        const std::string name = w.peek();
        if (mode >= 0) w.fail_word(word, "is said twice");
        if (w.at_end()) w.value();
        mode = w.take_keyword(kModes);
        if (mode < 0) w.fail_word(name, "is neither \"tun\" nor \"tap\"");
        break;
      }
      case kUser:  // who may open it
        w.value();
        break;
      case kQueue:
        break;
      case kUnmodelledFlag:
        w.fail_word(word, "is not modelled for tuntap");
        break;
      default:
        if (!op.name.empty()) w.fail_word(word, "is a second name");
        op.name = w.interface_name();
        break;
    }
  }
  if (mode < 0) w.fail("\"mode\" is missing");
  if (op.name.empty()) w.fail("the device's name is missing");
  if (command == kDelete) return LinkDelete{op.name};
  op.kind = mode == 1 ? LinkKind::kTap : LinkKind::kTun;
  return op;
}

}  // namespace nf::lab
