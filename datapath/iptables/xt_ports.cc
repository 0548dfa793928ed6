#include "datapath/iptables/xt_ports.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <optional>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

// The reentrant calls of the C library keep this free of hidden state.
constexpr size_t kServiceBuffer = 2048;

std::optional<uint16_t> service_port(std::string_view name, const char* protocol) {
  char buffer[kServiceBuffer];
  servent entry{};
  servent* found = nullptr;
  const std::string n(name);
  if (getservbyname_r(n.c_str(), protocol, &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr)
    return std::nullopt;
  return ntohs(static_cast<uint16_t>(found->s_port));
}

std::string ports_text(std::string_view option, const PortRange& range) {
  std::string out = range.inverted ? "! " : "";
  out += option;
  return out + (range.min == range.max ? strf(" %u", range.min) : strf(" %u:%u", range.min, range.max));
}

}  // namespace

Result<uint16_t> parse_port(std::string_view text, const char* protocol) {
  if (const auto n = whole_number(text, 0, 0xffff)) return static_cast<uint16_t>(*n);
  if (const auto port = service_port(text, protocol)) return *port;
  return error("invalid port/service `" + std::string(text) + "' specified");
}

Result<uint16_t> parse_port_any_protocol(std::string_view text) {
  if (const auto n = number_prefix(text, 10); n && n->length == text.size()) {
    // getaddrinfo keeps the number in an int and puts its low half into sin_port.
    if (static_cast<int32_t>(n->value) >= 0) return static_cast<uint16_t>(n->value);
  }
  for (const char* protocol : {"tcp", "udp", "dccp", "udplite", "sctp"}) {
    if (const auto port = service_port(text, protocol)) return *port;
  }
  return error("Port \"" + std::string(text) + "\" does not resolve to anything.");
}

std::string port_text(uint16_t port, const char* protocol, bool numeric) {
  if (!numeric && protocol != nullptr) {
    char buffer[kServiceBuffer];
    servent entry{};
    servent* found = nullptr;
    if (getservbyport_r(htons(port), protocol, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr)
      return found->s_name;
  }
  return std::to_string(port);
}

void save_ports(std::string& out, std::string_view option, const PortRange& range) {
  if (!range.all()) out += ' ' + ports_text(option, range);
}

void list_ports(std::string& out, std::string_view label, const PortRange& range, const char* protocol, bool numeric) {
  if (range.all() && !range.inverted) return;
  const std::string_view invert = range.inverted ? "!" : "";
  out += ' ';
  out += label;
  if (range.min != range.max) out += 's';
  out += ':';
  out += invert;
  out += port_text(range.min, protocol, numeric);
  if (range.min != range.max) out += ':' + port_text(range.max, protocol, numeric);
}

Said source_port_missed(const PortRange& range, uint16_t port) {
  return {"miss.source_port", {ports_text("--sport", range), std::to_string(port)}, {}};
}

Said destination_port_missed(const PortRange& range, uint16_t port) {
  return {"miss.destination_port", {ports_text("--dport", range), std::to_string(port)}, {}};
}

}  // namespace nf::ipt
