#include "tools/difftest/port_follower.h"

#include <algorithm>

#include "conntrack/text/expect_format.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::difftest {
namespace {

// A line of `conntrack -L expect` without the seconds, and the port that is expected.
struct ExpectedPort {
  std::string rest;
  uint16_t port = 0;
};
ExpectedPort expected_port(std::string_view line) {
  ExpectedPort out;
  bool found = false, first = true;
  for (const std::string_view word : split_words(line)) {
    if (std::exchange(first, false)) continue;
    if (!found && word.starts_with("dport=")) {
      found = true;
      out.port = static_cast<uint16_t>(parse_number(word.substr(6), 65535).value_or(0));
      continue;
    }
    (out.rest += ' ') += word;
  }
  return out;
}

}  // namespace

uint32_t PortFollower::offset(const ct::Expectation& e, uint16_t min, unsigned range) {
  const std::string wanted = expected_port(ct::format_expectation(e, e.expires)).rest;
  if (!kernel_expects_) {
    unseen_ = true;
    return 0;
  }
  const std::vector<std::string> engine = engine_expects_();
  std::optional<uint16_t> chosen;
  for (const std::string& line : kernel_expects_()) {
    const ExpectedPort kernel = expected_port(line);
    if (kernel.rest != wanted || kernel.port < min || kernel.port - min >= static_cast<int>(range)) continue;
    const bool known = std::any_of(engine.begin(), engine.end(), [&](const std::string& l) {
      const ExpectedPort own = expected_port(l);
      return own.rest == wanted && own.port == kernel.port;
    });
    if (known) continue;
    // Two of one packet that are alike: which is which only the kernel knows.
    if (chosen) {
      unseen_ = true;
      return 0;
    }
    chosen = kernel.port;
  }
  if (!chosen) {
    unseen_ = true;
    return 0;
  }
  ++followed_;
  return *chosen - uint32_t{min};
}

std::optional<TuplePair> parse_tuples(std::string_view line) {
  TuplePair pair;
  int tuples = 0;
  std::optional<uint64_t> protocol;
  uint8_t icmp_type = 0;
  for (std::string_view word : split_words(line)) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      // The protocol's number is the first of the line.
      if (!protocol) protocol = parse_number(word, 255);
      continue;
    }
    const std::string_view name = word.substr(0, equals), value = word.substr(equals + 1);
    if (name == "src" && ++tuples > 2) return std::nullopt;
    if (tuples == 0) continue;
    ct::Tuple& t = tuples == 1 ? pair.original : pair.reply;
    const auto number = [&value] { return static_cast<uint16_t>(parse_number(value, 65535).value_or(0)); };
    if (name == "src") {
      t.source = parse_ipv4(value).value_or(Be32{});
    } else if (name == "dst") {
      t.destination = parse_ipv4(value).value_or(Be32{});
    } else if (name == "sport" || name == "id") {
      t.source_id = be16(number());
    } else if (name == "dport") {
      t.destination_id = be16(number());
    } else if (name == "type") {
      icmp_type = static_cast<uint8_t>(number());
    } else if (name == "code") {
      t.set_icmp(icmp_type, static_cast<uint8_t>(number()));
    }
  }
  if (!protocol || tuples != 2) return std::nullopt;
  pair.original.protocol = pair.reply.protocol = static_cast<uint8_t>(*protocol);
  return pair;
}

uint16_t PortFollower::start(const ct::Connection& c, ManipType manip, uint16_t min, unsigned size) {
  std::optional<ct::Tuple> reply = reply_of_(c.original());
  if (!reply && events_ != nullptr) {
    for (const std::string& event : *events_) {
      if (event.find("[NEW]") == std::string::npos) continue;
      std::optional<TuplePair> pair = parse_tuples(event);
      if (!pair) continue;
      pair->original.zone = c.original().zone;
      if (pair->original.same_key(c.original())) reply = pair->reply;
    }
  }
  if (!reply) {
    // Asked twice about one packet: all were taken, and which one it gave up with decides whether it died.
    const bool gave_up = asked_ && asked_->same_key(c.original());
    if (manip == ManipType::kDestination || something_came_out_ || gave_up) unseen_ = true;
    asked_ = c.original();
    return 0;
  }
  if (size == 1) return 0;
  const bool source_half = manip == ManipType::kSource && c.original().protocol != kProtoIcmp;
  const uint16_t chosen = (source_half ? reply->destination_id : reply->source_id).host();
  const bool in_range = chosen >= min && chosen - min < static_cast<int>(size);
  // The two halves have one field: what the destination half gave up with was taken, and the source half changed it.
  if (!in_range && manip == ManipType::kDestination && c.original().protocol == kProtoIcmp) return 0;
  // A search that fails asks again.
  if (followed_ == 0 || !last_.same_key(c.original())) {
    ++followed_;
    last_ = c.original();
    ports_.push_back(chosen);
  }
  if (!in_range) {
    outside_ = strf("%u of %u..%u", chosen, min, min + size - 1);
    return 0;
  }
  return static_cast<uint16_t>(chosen - min);
}

}  // namespace nf::difftest
