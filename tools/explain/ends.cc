#include "tools/explain/ends.h"

#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/scenario/packet_text.h"

namespace nf::explain {

using scenario::Field;
using scenario::Form;
using scenario::PacketSpec;
using scenario::Value;

namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.0\r\n\r\n", kAnswer = "HTTP/1.0 204 No Content\r\n\r\n";
constexpr std::string_view kUdpRequest = "request", kUdpAnswer = "answer";

scenario::Layer layer_of(int port) {
  return port == kLocalProcesses ? scenario::Layer::kIp : scenario::Layer::kEthernet;
}
std::string number(uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }
std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
uint16_t port_of(const std::optional<Value>& v) { return v ? static_cast<uint16_t>(v->low) : uint16_t{0}; }

// The same packet behind whatever NAT made of its addresses.
bool same(const PacketSpec& sent, const PacketSpec& out) {
  if (out.form != sent.form) return false;
  if (sent.form == Form::kTcp)
    return out.tcp_flags == sent.tcp_flags &&
           out.payload.value_or(std::vector<uint8_t>{}) == sent.payload.value_or(std::vector<uint8_t>{});
  if (sent.form == Form::kIcmp)
    return out.icmp_type == sent.icmp_type && out[Field::kIcmpSequence] == sent[Field::kIcmpSequence];
  return out.payload == sent.payload;
}

PacketSpec tcp(uint8_t flags, std::string_view payload = {}) {
  PacketSpec p;
  p.form = Form::kTcp;
  p.protocol = kProtoTcp;
  p.tcp_flags = flags;
  if (!payload.empty()) p.payload = bytes_of(payload);
  return p;
}

}  // namespace

Result<PortPacket> parse_port_packet(std::string_view text, const std::vector<BackendPort>& ports) {
  const size_t colon = text.find(':');
  const std::string name(trim(text.substr(0, colon)));
  if (colon == text.npos || name.empty() || name.find(' ') != name.npos)
    return error("a packet begins with where it comes from: \"ens33: tcp ...\" or \"host: ...\"");
  PortPacket out;
  if (name != "host") {
    std::string names;
    for (size_t i = 0; i < ports.size(); ++i) {
      if (ports[i].name == name) out.port = static_cast<int>(i);
      names += " " + ports[i].name;
    }
    if (out.port == kLocalProcesses)
      return error("the lab has no link \"" + name + "\"; it has" + names + ", and host");
  }
  Result<PacketSpec> packet = scenario::parse_packet(trim(text.substr(colon + 1)));
  if (!packet) return packet.error();
  out.packet = packet.take();
  return out;
}

Result<PortPacket> parse_connect(std::string_view text, const std::vector<BackendPort>& ports) {
  std::string whole(text);
  if (const size_t ping = whole.find(": ping "); ping != whole.npos)
    whole = whole.substr(0, ping) + ": icmp " + whole.substr(ping + 7) + " echo-request";
  Result<PortPacket> first = parse_port_packet(whole, ports);
  if (!first) return first;
  const PacketSpec& p = first->packet;
  const bool ends = p.source && p.destination && p.source->plain() && p.destination->plain();
  const bool numbered =
      ends && p.source_port && p.destination_port && p.source_port->plain() && p.destination_port->plain();
  if (p.form == Form::kTcp && p.tcp_flags && p.tcp_flags != kTcpSyn)
    return error("a conversation begins with a SYN, and has its flags by itself: leave them out");
  const bool echo = p.form == Form::kIcmp && p.icmp_type == kIcmpEcho && p.icmp_code == 0;
  if (((p.form == Form::kTcp || p.form == Form::kUdp) && numbered) || (echo && ends)) return first;
  return error("a conversation is \"tcp A:PORT > B:PORT\", \"udp A:PORT > B:PORT\" or \"ping A > B\"");
}

Status one_server(const PortPacket& first, const Router& router) {
  const Be32 server = be32(first.packet.destination->low);
  const RouteType type = router.address_type(server, nullptr);
  if (type != RouteType::kBroadcast && type != RouteType::kMulticast) return {};
  return error(format_ipv4(server) + " is a " + (type == RouteType::kBroadcast ? "broadcast" : "multicast") +
               " address: a conversation needs one server");
}

std::vector<ProcessPort> any_process() {
  std::vector<ProcessPort> all;
  for (uint32_t port = 0; port <= UINT16_MAX; ++port)
    for (const uint8_t protocol : {kProtoTcp, kProtoUdp}) all.push_back({protocol, static_cast<uint16_t>(port)});
  return all;
}

std::string Conversation::port_name(int port) const {
  return port == kLocalProcesses ? "lo" : ports_[static_cast<size_t>(port)].name;
}

PacketSpec Conversation::addressed(const End& from, const PacketSpec& packet) const {
  PacketSpec p = packet;
  p.source = Value::of(from.own);
  p.destination = Value::of(from.other);
  if (p.form != Form::kIcmp) {
    p.source_port = Value::of(from.own_port);
    p.destination_port = Value::of(from.other_port);
  }
  return p;
}

Result<std::optional<Conversation::Arrival>> Conversation::pass(const End& from, PacketSpec packet, Said& end) {
  packet = addressed(from, packet);
  const Result<bool> sent = sender_.send(from.port, packet);
  if (!sent) return sent.error();
  std::vector<Emitted> emitted;
  if (Status s = sender_.gather(emitted, true); !s) return s.error();
  ++packets_;
  const trace::Story& story = settled_();
  std::optional<Arrival> arrival;
  other_.clear();
  for (const Emitted& e : emitted) {
    Arrival out{e.port, scenario::describe_packet(e.bytes, layer_of(e.port))};
    if (!arrival && same(packet, out.packet))
      arrival = std::move(out);
    else
      other_.push_back(std::move(out));
  }
  if (arrival) return arrival;
  end = {"explain.vanished", {number(story.number), story.packet}, {story.verdict}};
  return std::optional<Arrival>();
}

std::optional<Conversation::Arrival> Conversation::stack_reply() const {
  for (const Arrival& a : other_)
    if (a.packet.form == Form::kIcmp && a.packet.icmp_type == kIcmpEchoReply) return a;
  return std::nullopt;
}

Result<bool> Conversation::belongs(const End& to, const Arrival& arrival, Said& end) {
  const PacketSpec& p = arrival.packet;
  const bool ports =
      p.form == Form::kIcmp || (port_of(p.source_port) == to.other_port && port_of(p.destination_port) == to.own_port);
  const bool here = arrival.port == to.port;
  if (here && p.source->low == to.other && p.destination->low == to.own && ports) return true;
  const auto at = [&](uint32_t address, uint16_t port) {
    const std::string text = format_ipv4(be32(address));
    return p.form == Form::kIcmp ? text : text + ':' + number(port);
  };
  const std::string got = at(p.source->low, port_of(p.source_port)), asked = at(to.other, to.other_port);
  const uint64_t last = settled_().number;
  if (!here) {
    end = {"explain.astray", {number(last), port_name(arrival.port), port_name(to.port)}, {}};
    return false;
  }
  end = {"explain.stranger", {number(last), got, asked}, {}};
  if (p.form == Form::kTcp) {
    // It never heard of such a connection. RFC 9293, 3.10.7.1
    const End stranger{to.port, p.destination->low, p.source->low, port_of(p.destination_port), port_of(p.source_port)};
    PacketSpec reset = tcp(kTcpRst);
    if (p[Field::kAcknowledgment]) reset[Field::kSequence] = p[Field::kAcknowledgment];
    Said ignored;
    if (auto sent = pass(stranger, reset, ignored); !sent) return sent.error();
  }
  return false;
}

Result<Said> Conversation::play(const PortPacket& first) {
  const PacketSpec& p = first.packet;
  const End client{first.port, p.source->low, p.destination->low, port_of(p.source_port), port_of(p.destination_port)};
  struct Line {
    bool by_client;
    PacketSpec packet;
  };
  std::vector<Line> lines;
  if (p.form == Form::kTcp) {
    PacketSpec syn = p;
    syn.tcp_flags = kTcpSyn;
    lines = {{true, syn},
             {false, tcp(kTcpSyn | kTcpAck)},
             {true, tcp(kTcpAck)},
             {true, tcp(kTcpPsh | kTcpAck, kRequest)},
             {false, tcp(kTcpPsh | kTcpAck, kAnswer)},
             {true, tcp(kTcpFin | kTcpAck)},
             {false, tcp(kTcpFin | kTcpAck)},
             {true, tcp(kTcpAck)}};
  } else {
    PacketSpec request = p, answer;
    answer.form = p.form;
    answer.protocol = p.protocol;
    if (p.form == Form::kUdp) {
      if (!request.payload) request.payload = bytes_of(kUdpRequest);
      answer.payload = bytes_of(kUdpAnswer);
    } else {
      if (!request[Field::kIcmpSequence]) request[Field::kIcmpSequence] = Value::of(1);
    }
    lines = {{true, request}, {false, answer}};
  }
  std::optional<End> server;
  Said end;
  for (Line& line : lines) {
    Result<std::optional<Arrival>> arrival = std::optional<Arrival>();
    if (!line.by_client && p.form == Form::kIcmp && server->port == kLocalProcesses) {
      arrival = stack_reply();
      ++packets_;
      const trace::Story& story = settled_();
      if (!*arrival) return Said{"explain.vanished", {number(story.number), story.packet}, {story.verdict}};
    } else {
      arrival = pass(line.by_client ? client : *server, line.packet, end);
    }
    if (!arrival) return arrival.error();
    if (!*arrival) return end;
    const PacketSpec& got = (*arrival)->packet;
    if (!server) {
      server = End{(*arrival)->port, got.destination->low, got.source->low, port_of(got.destination_port),
                   port_of(got.source_port)};
      if (p.form == Form::kIcmp) {
        lines[1].packet = got;
        lines[1].packet.icmp_type = kIcmpEchoReply;
        for (auto& n : lines[1].packet.numbers) n.reset();
        lines[1].packet[Field::kIcmpId] = got[Field::kIcmpId];
        lines[1].packet[Field::kIcmpSequence] = got[Field::kIcmpSequence];
        lines[1].packet.mac_source.reset();
        lines[1].packet.mac_destination.reset();
      }
      continue;
    }
    Result<bool> mine = belongs(line.by_client ? *server : client, **arrival, end);
    if (!mine) return mine.error();
    if (!*mine) return end;
  }
  const bool here = server->port == kLocalProcesses;
  const std::string at = format_ipv4(be32(server->own)) + (p.form == Form::kIcmp ? "" : ":" + number(server->own_port));
  const std::string from =
      format_ipv4(be32(server->other)) + (p.form == Form::kIcmp ? "" : ":" + number(server->other_port));
  if (here) return Said{"explain.whole_here", {number(packets_), at, from}, {}};
  return Said{"explain.whole", {number(packets_), at, from, port_name(server->port)}, {}};
}

}  // namespace nf::explain
