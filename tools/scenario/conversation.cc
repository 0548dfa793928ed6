#include "tools/scenario/conversation.h"

namespace nf::scenario {
namespace {

constexpr uint32_t kClientStart = 1000, kServerStart = 5000;

bool complete(const PacketSpec& s) {
  return s.form == Form::kTcp && s.source && s.destination && s.source_port && s.destination_port && s.tcp_flags &&
         s[Field::kSequence];
}

}  // namespace

Conversations::Pair Conversations::pair_of(const PacketSpec& s) {
  return {s.source->low, s.destination->low, static_cast<uint16_t>(s.source_port->low),
          static_cast<uint16_t>(s.destination_port->low)};
}

uint32_t Conversations::weight(const PacketSpec& s) {
  const uint8_t flags = s.tcp_flags.value_or(kTcpAck);
  return static_cast<uint32_t>(s.payload ? s.payload->size() : 0) + ((flags & kTcpSyn) != 0) + ((flags & kTcpFin) != 0);
}

void Conversations::name(const Pair& pair, Way way) {
  ways_[pair] = way;
  ways_[turned(pair)] = {way.conversation, 1 - way.end};
}

Conversations::Way Conversations::find_or_begin(const Pair& pair) {
  if (const auto known = ways_.find(pair); known != ways_.end()) return known->second;
  all_.push_back({{kClientStart + 1, kServerStart + 1}, {kServerStart + 1, kClientStart + 1}});
  const Way way{all_.size() - 1, 0};
  name(pair, way);
  return way;
}

void Conversations::fill_in(PacketSpec& spec) {
  if (spec.form != Form::kTcp) return;
  const Way way = find_or_begin(pair_of(spec));
  const Conversation& c = all_[way.conversation];
  const uint8_t flags = spec.tcp_flags.value_or(kTcpAck);
  const bool syn = (flags & kTcpSyn) != 0, ack = (flags & kTcpAck) != 0;
  if (!spec[Field::kSequence])
    spec[Field::kSequence] = Value::of(syn ? (ack ? kServerStart : kClientStart) : c.next[way.end]);
  if (!spec[Field::kAcknowledgment]) spec[Field::kAcknowledgment] = Value::of(ack ? c.received[way.end] : 0);
}

void Conversations::sent(const PacketSpec& described) {
  last_is_tcp_ = complete(described);
  if (!last_is_tcp_) return;
  last_sent_ = described;
  last_way_ = find_or_begin(pair_of(described));
  all_[last_way_.conversation].next[last_way_.end] = described[Field::kSequence]->low + weight(described);
}

void Conversations::came_out(const PacketSpec& described) {
  if (!complete(described)) return;
  const Pair pair = pair_of(described);
  const uint32_t after = described[Field::kSequence]->low + weight(described);
  // NAT may have changed the payload, or count it further for an earlier change.
  const bool same_place = described[Field::kSequence] == last_sent_[Field::kSequence];
  if (last_is_tcp_ && described.tcp_flags == last_sent_.tcp_flags &&
      (same_place || described.payload == last_sent_.payload)) {
    name(pair, last_way_);
    all_[last_way_.conversation].received[1 - last_way_.end] = after;
    return;
  }
  // Something the machine itself says: a reset.
  const auto known = ways_.find(pair);
  if (known == ways_.end()) return;
  Conversation& c = all_[known->second.conversation];
  c.next[known->second.end] = c.received[1 - known->second.end] = after;
}

}  // namespace nf::scenario
