// `ip address` and `ip neighbour`.
#include "tools/lab/network_commands.h"

namespace nf::lab {

RouteScope scope_id(BatchWords& w) {
  constexpr Keyword kNames[] = {{"global", 0}, {"nowhere", 255}, {"host", 254}, {"link", 253}, {"site", 200}};
  const int id = w.take_keyword(kNames);
  return static_cast<RouteScope>(id >= 0 ? static_cast<uint32_t>(id) : w.number(255));
}

// twin: ipaddr_modify
Operation parse_address(BatchWords& w) {
  enum { kAdd, kReplace, kDelete, kOther };
  constexpr Keyword kCommands[] = {{"add", kAdd, true},         {"change", kReplace, true}, {"chg", kReplace},
                                   {"replace", kReplace, true}, {"delete", kDelete, true},  {"list", kOther, true}};
  enum { kPeer, kBroadcast, kScope, kDev, kLabel, kUnmodelled, kLocal };
  constexpr Keyword kWords[] = {{"peer", kPeer},
                                {"remote", kPeer},
                                {"broadcast", kBroadcast, true},
                                {"brd", kBroadcast},
                                {"anycast", kUnmodelled},
                                {"scope", kScope},
                                {"dev", kDev},
                                {"label", kLabel},
                                {"metric", kUnmodelled, true},
                                {"priority", kUnmodelled, true},
                                {"preference", kUnmodelled, true},
                                {"valid_lft", kUnmodelled, true},
                                {"preferred_lft", kUnmodelled, true},
                                {"noprefixroute", kUnmodelled},
                                {"home", kUnmodelled},
                                {"nodad", kUnmodelled},
                                {"mngtmpaddr", kUnmodelled},
                                {"autojoin", kUnmodelled},
                                {"proto", kUnmodelled},
                                {"help", kUnmodelled, true},
                                {"local", kLocal}};
  std::string word = w.peek();
  const int command = w.take_keyword(kCommands);
  if (command < 0 || command == kOther) w.fail_word(word, "is not modelled for ip address");

  std::string device;
  Address a;
  std::optional<Prefix4> local, peer;
  std::optional<RouteScope> scope;
  bool has_length = false;
  char broadcast = 0;  // 'x': given; '+', '-': to be made
  while (!w.at_end()) {
    word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kPeer:
        if (peer) w.fail_word(word, "is said twice");
        peer = w.prefix();
        break;
      case kBroadcast:
        if (broadcast != 0) w.fail_word(word, "is said twice");
        if (w.peek() == "+" || w.peek() == "-") {
          broadcast = w.take()[0];
        } else {
          broadcast = 'x';
          a.broadcast = w.address();
        }
        break;
      case kScope:
        if (scope) w.fail_word(word, "is said twice");
        scope = scope_id(w);
        break;
      case kDev:
        device = w.interface_name();
        break;
      case kLabel:
        a.label = w.value();
        break;
      case kUnmodelled:
        w.fail_word(word, "is not modelled for an address");
        break;
      default:
        if (local) w.fail_word(word, "is a second address");
        local = w.prefix(&has_length);
        break;
    }
  }
  if (device.empty()) w.fail("\"dev\" is missing");
  if (command != kDelete && !local) w.fail("the address is missing");
  if (a.label.size() >= 16) w.fail_word(a.label, "is too long for a label");
  if (w.failed()) return AddressDelete{};

  if (local) {
    a.local = local->address;
    a.length = local->length;
  }
  a.peer = a.local;
  if (peer) {
    a.peer = peer->address;
    a.length = peer->length;
  }
  if (broadcast == '+' || broadcast == '-') {
    const Be32 mask = prefix_mask(a.length);
    if (a.length <= 30) a.broadcast = broadcast == '+' ? a.peer | ~mask : a.peer & mask;
  }
  if (command == kDelete) return AddressDelete{device, a, !has_length && !peer};
  a.scope = scope.value_or(a.local.host() >> 24 == 127 ? RouteScope::kHost : RouteScope::kUniverse);
  return AddressAdd{device, a, command == kReplace};
}

// twin: ipneigh_modify
Operation parse_neighbour(BatchWords& w) {
  enum { kAdd, kReplace, kDelete, kOther };
  constexpr Keyword kCommands[] = {{"add", kAdd, true},         {"change", kOther, true},  {"chg", kOther},
                                   {"replace", kReplace, true}, {"delete", kDelete, true}, {"get", kOther, true}};
  enum { kLladdr, kNud, kUnmodelled, kDev, kTo };
  constexpr Keyword kWords[] = {{"lladdr", kLladdr, true},
                                {"nud", kNud},
                                {"proxy", kUnmodelled, true},
                                {"router", kUnmodelled},
                                {"use", kUnmodelled},
                                {"managed", kUnmodelled},
                                {"extern_learn", kUnmodelled, true},
                                {"dev", kDev},
                                {"protocol", kUnmodelled, true},
                                {"help", kUnmodelled, true},
                                {"to", kTo}};
  // twin: nud_state_a2n
  constexpr Keyword kStates[] = {{"permanent", 0x80, true}, {"reachable", 0x02, true}, {"noarp", 0x40}, {"none", 0x00},
                                 {"stale", 0x04},           {"incomplete", 0x01},      {"delay", 0x08}, {"probe", 0x10},
                                 {"failed", 0x20, true}};
  std::string word = w.peek();
  const int command = w.take_keyword(kCommands);
  if (command < 0 || command == kOther) w.fail_word(word, "is not modelled for ip neighbour");

  NeighbourAdd op;
  op.replace = command == kReplace;
  bool has_address = false;
  while (!w.at_end()) {
    word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kLladdr:
        op.mac = w.mac();
        break;
      case kNud: {
        const std::string name = w.peek();
        if (w.at_end()) w.value();
        const int state = w.take_keyword(kStates);
        if (state < 0) w.fail_word(name, "is no state of a neighbour");
        op.state = static_cast<NeighbourState>(state);
        break;
      }
      case kDev:
        op.device = w.interface_name();
        break;
      case kUnmodelled:
        w.fail_word(word, "is not modelled for a neighbour");
        break;
      default:
        if (has_address) w.fail_word(word, "is a second address");
        op.address = w.address();
        has_address = true;
        break;
    }
  }
  if (!has_address) w.fail("the address is missing");
  if (op.device.empty()) w.fail("\"dev\" is missing");
  if (command == kDelete) return NeighbourDelete{op.device, op.address};
  return op;
}

}  // namespace nf::lab
