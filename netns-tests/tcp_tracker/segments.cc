#include "netns-tests/tcp_tracker/segments.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "datapath/packet/checksum.h"

namespace nf::tcp_tracker {
namespace {

constexpr std::string_view kFlagLetters = "FSRPAU";

[[noreturn]] void bad_word(std::string_view word) {
  std::fprintf(stderr, "not a segment: %.*s\n", static_cast<int>(word.size()), word.data());
  std::exit(2);
}

int32_t number(std::string_view word, std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const long n = std::strtol(copy.c_str(), &end, 10);
  if (copy.empty() || *end != '\0') bad_word(word);
  return static_cast<int32_t>(n);
}

Place place(std::string_view word, std::string_view text) {
  if (text == "@") return {Place::kOfLast, 0};
  if (text == "0") return {Place::kZero, 0};
  return {Place::kDistance, number(word, text)};
}

uint32_t placed(Place p, uint32_t usual, uint32_t of_last) {
  switch (p.kind) {
    case Place::kZero:
      return 0;
    case Place::kOfLast:
      return of_last;
    case Place::kUsual:
    case Place::kDistance:
      break;
  }
  return usual + static_cast<uint32_t>(p.distance);
}

}  // namespace

void Ends::say(Segment& segment, Place seq, Place ack) {
  const size_t from = segment.from_server ? 1 : 0;
  segment.seq = placed(seq, next_[from], last_ack_);
  // A first SYN acknowledges nothing.
  const bool acknowledges = (segment.flags & kTcpAck) != 0 || ack.kind != Place::kUsual;
  segment.ack = acknowledges ? placed(ack, next_[1 - from], last_end_) : 0;
  if (seq.kind == Place::kUsual) next_[from] = segment.end();
  last_ack_ = segment.ack;
  last_end_ = segment.end();
}

Segment Ends::say(std::string_view word) {
  Segment s;
  Place seq, ack;
  if (word.size() < 2 || word[1] != '.' || (word[0] != 'c' && word[0] != 's')) bad_word(word);
  s.from_server = word[0] == 's';
  std::string_view rest = word.substr(2);
  const size_t flags_end = std::min(rest.find_first_not_of(kFlagLetters), rest.size());
  for (const char c : rest.substr(0, flags_end)) s.flags |= static_cast<uint8_t>(1u << kFlagLetters.find(c));
  rest.remove_prefix(flags_end);
  while (!rest.empty()) {
    if (rest.front() == ',') rest.remove_prefix(1);
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, end);
    if (part.empty()) bad_word(word);
    const std::string_view value = part.substr(1);
    switch (part.front()) {
      case '+':
        s.length = static_cast<uint16_t>(number(word, value));
        break;
      case 's':
        seq = place(word, value);
        break;
      case 'a':
        ack = place(word, value);
        break;
      case 'w':
        s.window = static_cast<uint16_t>(number(word, value));
        break;
      case 'o':
        s.options = true;
        break;
      default:
        bad_word(word);
    }
    rest.remove_prefix(end);
  }
  say(s, seq, ack);
  return s;
}

std::vector<std::string_view> words(std::string_view script) {
  std::vector<std::string_view> out;
  while (!script.empty()) {
    const size_t end = std::min(script.find(' '), script.size());
    if (end != 0) out.push_back(script.substr(0, end));
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  return out;
}

std::vector<uint8_t> packet_of(const Segment& s, Be32 client, uint16_t client_port, Be32 server, uint16_t server_port) {
  constexpr uint8_t kSynOptions[] = {3, 3, 7, 4, 2, 1, 1, 0};
  const size_t header = sizeof(TcpHeader) + (s.options ? sizeof kSynOptions : 0);
  std::vector<uint8_t> bytes(sizeof(Ipv4Header) + header + s.length, 'x');
  TcpHeader tcp{};
  tcp.source = be16(s.from_server ? server_port : client_port);
  tcp.destination = be16(s.from_server ? client_port : server_port);
  tcp.sequence = be32(s.seq);
  tcp.acknowledgment = be32(s.ack);
  tcp.offset_reserved = static_cast<uint8_t>(header / 4 << 4);
  tcp.flags = s.flags;
  tcp.window = be16(s.window);
  std::memcpy(bytes.data() + sizeof(Ipv4Header), &tcp, sizeof tcp);
  if (s.options) std::memcpy(bytes.data() + sizeof(Ipv4Header) + sizeof tcp, kSynOptions, sizeof kSynOptions);

  Ipv4Header ip{};
  ip.version_ihl = 0x45;
  ip.total_length = be16(static_cast<uint16_t>(bytes.size()));
  ip.id = be16(1);
  ip.ttl = 64;
  ip.protocol = kProtoTcp;
  ip.source = s.from_server ? server : client;
  ip.destination = s.from_server ? client : server;
  ip_send_check(ip);
  std::memcpy(bytes.data(), &ip, sizeof ip);

  const std::span<const uint8_t> l4 = std::span<const uint8_t>(bytes).subspan(sizeof ip);
  const Sum pseudo = checksum_pseudo(ip.source, ip.destination, kProtoTcp, static_cast<uint32_t>(l4.size()));
  const Be16 sum = checksum_finish(checksum_add(l4, pseudo));
  std::memcpy(bytes.data() + sizeof ip + offsetof(TcpHeader, checksum), &sum, sizeof sum);
  return bytes;
}

}  // namespace nf::tcp_tracker
