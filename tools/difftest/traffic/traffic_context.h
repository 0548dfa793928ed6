// What the conversations of one case share: chance, the case they write into, and who can talk to whom there.
//
// A conversation (Talk) is asked again and again to say its next packets; the generator interleaves many. What a talk
// says goes through send(), which adds what any packet may suffer: odd IP headers, options, damage, being cut into
// fragments, an ICMP error that complains about it.
//
// The generator hears no answers: it keeps its own model of what both ends know, and takes it that a packet sent
// arrives. Where the machine under test drops it, the talk goes on as between hosts that disagree.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "datapath/base/random.h"
#include "tools/difftest/case/case.h"

namespace nf::difftest {

// How much of a case's traffic is odd.
enum class Mood : uint8_t { kSound, kMessy, kHostile };

class TrafficContext {
 public:
  TrafficContext(Random& random, size_t packets, Case& c);

  // --- chance
  uint32_t below(uint32_t bound) { return random_.below(bound); }
  uint32_t u32() { return random_.u32(); }
  bool chance(uint32_t per_mille) { return random_.below(1000) < per_mille; }
  // A case whose datagrams come in pieces, most of them, and many of several at a time.
  bool in_pieces() const { return in_pieces_; }
  // For what is wrong with a packet: as often in a messy case, a fourth of it in a sound one, four times in a hostile.
  bool odd(uint32_t per_mille);
  template <class T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[below(static_cast<uint32_t>(list.size()))];
  }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[below(static_cast<uint32_t>(list.size()))];
  }

  // --- who talks to whom
  bool anybody() const { return !case_.lab.stations.empty() || !case_.lab.own_addresses.empty(); }
  // Appends a flow of the protocol, ports chosen where it has any, and returns its index.
  uint32_t new_flow(uint8_t protocol);
  // A flow whose client is `like`'s, with its own address and port, to somewhere else (`keep_peer` false), or another
  // client with the same port to the same peer.
  uint32_t new_flow_like(const Flow& like, bool keep_peer);
  // A flow in the dialect that the lab listens to at `at`.
  uint32_t new_dialect_flow(const GeneratedLab::Listening& at);
  // What `dialler` of another flow dials when it has heard step `step_id` of it; port 0: any.
  uint32_t new_announced_flow(uint32_t flow, End dialler, uint8_t protocol, uint16_t step_id, uint16_t client_port);
  Flow& flow(uint32_t index) { return case_.flows[index]; }
  const GeneratedLab& lab() const { return case_.lab; }
  // Whether a local process of the machine is likely one of the ends.
  bool touches_machine(const Flow& flow) const;

  // --- speaking
  // A step of the flow with its usual IP header. What a talk decides itself it sets before send().
  Step packet(uint32_t flow, End from, std::string_view note);
  void send(Step step);
  void send_as_is(Step step);                            // without further misfortune
  uint16_t next_id();                                    // for steps that are not made by packet()
  bool send_waiting();                                   // one of the pieces that wait; false: none
  bool crowded() const { return waiting_.size() > 40; }  // so many wait that nobody should say more
  bool full() const { return case_.steps.size() >= end_; }

 private:
  Be32 some_destination(int client);
  uint16_t some_server_port(Be32 address);
  uint16_t some_client_port();
  void odd_header(Step& step);
  void complain_about(const Step& step);
  void wait_in_turn(std::vector<Step> pieces);

  Random& random_;
  Case& case_;
  size_t end_;
  Mood mood_;
  bool in_pieces_;
  uint16_t id_;
  uint16_t next_port_;
  std::vector<Step> waiting_;  // pieces of datagrams that are sent later, last first
};

// Somebody's conversation. twin: none; the programs that would speak
class Talk {
 public:
  virtual ~Talk() = default;
  // Says something, or nothing this time. False: it is over.
  virtual bool speak(TrafficContext& context) = 0;
};

// Their flows are made by the caller.
std::unique_ptr<Talk> make_tcp_talk(TrafficContext& context, uint32_t flow);       // tcp_talk.cc
std::unique_ptr<Talk> make_datagram_talk(TrafficContext& context, uint32_t flow);  // UDP, GRE, ...
std::unique_ptr<Talk> make_sctp_talk(TrafficContext& context, uint32_t flow);      // sctp_talk.cc
std::unique_ptr<Talk> make_icmp_talk(TrafficContext& context, uint32_t flow);      // queries

// --- misfortunes
// Bytes of the step's whole IP payload, before damage.
size_t transport_length(const Step& step, uint8_t protocol);
// Cuts the datagram into pieces (well or badly). fragment_talk.cc
std::vector<Step> fragments_of(TrafficContext& context, const Step& step, size_t length);
void damage(TrafficContext& context, uint8_t protocol, bool local, Step& step);  // malformed.cc
std::vector<uint8_t> some_ip_options(TrafficContext& context);                   // malformed.cc
Step raw_frame(TrafficContext& context);                                         // malformed.cc; needs a station
// An ICMP error from `from` about what it received last. icmp_talk.cc
Step icmp_error(TrafficContext& context, uint32_t flow, End from);

}  // namespace nf::difftest
