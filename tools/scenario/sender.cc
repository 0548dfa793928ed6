#include "tools/scenario/sender.h"

#include <algorithm>

#include "tools/backend/station.h"
#include "tools/scenario/packet_text.h"

namespace nf::scenario {
namespace {

// ARP and its replies may wake packets that ask again; a machine where that has no end is broken.
constexpr int kArpRounds = 100;

Layer layer_of(int port) { return port == kLocalProcesses ? Layer::kIp : Layer::kEthernet; }

}  // namespace

Result<bool> Sender::send(int port, PacketSpec p, const Variables& variables) {
  if (Status s = resolve(p, variables); !s) return s.error();
  if (port != kLocalProcesses) link_addresses(p, port);
  if (p.form != Form::kBytes) {
    if (p.source && p.destination && p.source_port && p.destination_port) conversations_.fill_in(p);
    if (!p[Field::kIpId] && p.form != Form::kArpRequest && p.form != Form::kArpReply)
      p[Field::kIpId] = Value::of(next_id_++ & UINT16_MAX);
  }
  const Layer layer = layer_of(port);
  const Result<std::vector<uint8_t>> built = build_packet(p, layer, variables);
  if (!built) return error(built.error().text);
  conversations_.sent(describe_packet(*built, layer));
  if (port == kLocalProcesses) return backend_.send_from_host(*built);
  if (p.source) surroundings_.sends(port, p.source->low);
  if (Status s = backend_.inject(port, *built); !s) return s.error();
  return true;
}

// Variables become their values.
Status Sender::resolve(PacketSpec& p, const Variables& variables) const {
  std::vector<std::optional<Value>*> all{&p.source, &p.destination, &p.source_port, &p.destination_port};
  for (auto& n : p.numbers) all.push_back(&n);
  for (std::optional<Value>* v : all) {
    if (!*v || (*v)->plain()) continue;
    const auto known = variables.find((*v)->variable);
    if ((*v)->variable.empty()) return error("a range or * can only be matched, not sent");
    if (known == variables.end()) return error("$" + (*v)->variable + " has no value yet");
    **v = Value::of(known->second);
  }
  return {};
}

void Sender::link_addresses(PacketSpec& p, int port) {
  if (p.form == Form::kBytes) return;
  if (p.form == Form::kArpReply && !p.destination) p.destination = Value::of(surroundings_.own_address(port));
  if (!p.mac_source && p.source) p.mac_source = p.arp_mac ? *p.arp_mac : station_mac(be32(p.source->low));
  if (!p.mac_destination && p.destination && p.form != Form::kArpRequest)
    p.mac_destination = surroundings_.destination_mac(port, p.destination->low);
}

Status Sender::gather(std::vector<Emitted>& out, bool answer_arp) {
  for (int round = 0;; ++round) {
    std::vector<Emitted> emitted;
    if (Status s = backend_.collect(emitted); !s) return s;
    std::stable_sort(emitted.begin(), emitted.end(),
                     [](const Emitted& a, const Emitted& b) { return a.port < b.port; });
    bool answered = false;
    for (Emitted& e : emitted) {
      if (e.port != kLocalProcesses && answer_arp && is_arp(e.bytes)) {
        const auto reply = surroundings_.arp_reply(e.port, e.bytes);
        if (!reply) continue;
        if (on_arp_answer) on_arp_answer(true);
        const Status injected = backend_.inject(e.port, *reply);
        if (on_arp_answer) on_arp_answer(false);
        if (!injected) return injected;
        answered = true;
        continue;
      }
      conversations_.came_out(describe_packet(e.bytes, layer_of(e.port)));
      out.push_back(std::move(e));
    }
    if (!answered) return {};
    if (round == kArpRounds) return error("the machine asks for addresses without end");
  }
}

}  // namespace nf::scenario
