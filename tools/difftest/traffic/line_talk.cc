#include "tools/difftest/traffic/line_talk.h"

#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

End other(End which) { return which == End::kClient ? End::kServer : End::kClient; }

constexpr uint8_t kSackPermitted[] = {2, 4, 5, 180, 1, 1, 4, 2};  // mss 1460, nop, nop, sackOK

void put32(std::vector<uint8_t>& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(v >> shift));
}

}  // namespace

LineTalk::LineTalk(TrafficContext& context, uint32_t flow)
    : flow_(flow), loss_(context.odd(200) ? 30 + context.below(150) : 0), sack_(context.chance(600)) {
  for (Side& s : sides_) s.next = context.chance(150) ? 0xffffff00u + context.below(256) : context.u32();
}

void LineTalk::queue(TrafficContext& context, End from, uint8_t flags, std::string_view words, std::string_view note) {
  Side& own = side(from);
  Step step = context.packet(flow_, from, note);
  step.tcp_flags = flags;
  step.seq = own.next;
  step.ack = (flags & kTcpAck) != 0 ? own.received : 0;
  step.window = 64240;
  step.data.assign(words.begin(), words.end());
  if (from == End::kClient) {
    // Known already, so that the text is exactly as long as it needs to be.
    const Flow& flow = context.flow(flow_);
    const Speaker client{flow.client_address, flow.server_address, flow.client_port, flow.server_port};
    step.data = fill_words(step.data, words_length(words, client), client);
  } else {
    step.words_length = static_cast<uint16_t>(longest_words(words));
  }
  const auto length = static_cast<uint32_t>(step.words_length != 0 ? step.words_length : step.data.size());
  if ((flags & kTcpSyn) != 0 && sack_) step.tcp_options.assign(std::begin(kSackPermitted), std::end(kSackPermitted));
  own.next += length + ((flags & (kTcpSyn | kTcpFin)) != 0 ? 1u : 0u);
  side(other(from)).received = own.next;
  waiting_.push_back(std::move(step));
}

void LineTalk::open(TrafficContext& context) {
  queue(context, End::kClient, kTcpSyn, "", "SYN");
  queue(context, End::kServer, kTcpSyn | kTcpAck, "", "SYN-ACK");
  queue(context, End::kClient, kTcpAck, "", "third of the handshake");
}

uint16_t LineTalk::say(TrafficContext& context, End from, std::string_view words) {
  queue(context, from, kTcpAck | kTcpPsh, words, "words");
  const uint16_t id = waiting_.back().id;
  if (sack_ && context.odd(40)) {
    // The other had a segment behind the one that is missing.
    const uint32_t begin = waiting_.back().seq, end = side(from).next;
    queue(context, other(from), kTcpAck, "", "SACK");
    Step& step = waiting_.back();
    step.ack = begin;
    step.tcp_options = {1, 1, 5, 10};
    put32(step.tcp_options, begin + context.below(8));
    put32(step.tcp_options, end);
  } else if (context.chance(500)) {
    queue(context, other(from), kTcpAck, "", "ACK");
  }
  return id;
}

void LineTalk::close(TrafficContext& context) {
  const uint32_t kind = context.below(10);
  const End first = kind < 5 ? End::kClient : End::kServer;
  if (kind == 9) return;
  if (kind >= 7) return queue(context, first, kTcpRst | kTcpAck, "", "reset");
  queue(context, first, kTcpFin | kTcpAck, "", "FIN");
  queue(context, other(first), kTcpFin | kTcpAck, "", "FIN of the other");
  queue(context, first, kTcpAck, "", "last ACK");
}

bool LineTalk::speak(TrafficContext& context) {
  if (waiting_.empty()) return false;
  const bool lost = context.chance(loss_), twice = context.chance(loss_);
  Step step = waiting_.front();
  waiting_.pop_front();
  if (lost) return true;
  if (twice) {
    Step again = step;
    again.id = context.next_id();
    again.note = "again";
    context.send(std::move(step));
    context.send(std::move(again));
    return true;
  }
  context.send(std::move(step));
  return true;
}

}  // namespace nf::difftest
