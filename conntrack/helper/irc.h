// IRC: what the client tells another by DCC, an address and a port where it waits for a TCP connection.
// twin: net/netfilter/nf_conntrack_irc.c
#pragma once

#include <optional>
#include <string_view>

#include "conntrack/helper.h"

namespace nf::ct {

// twin: nf_nat_irc_hook. In nat/helper/irc.cc
class IrcNat {
 public:
  virtual ~IrcNat() = default;
  // Enters `e` and writes the address and the port it got over the `length` bytes at `offset` of the payload.
  virtual Verdict expect(const HelpInput& in, unsigned offset, unsigned length, Expectation& e) = 0;
};

// What one DCC command says.
struct DccOffer {
  Be32 address;
  uint16_t port;
  unsigned offset, length;  // of the address, the blanks and the port, in what was parsed
};
// At `text`, behind "DCC SEND ". twin: parse_dcc; it looks one byte beyond the packet for the end of the line, we do
// not
std::optional<DccOffer> parse_dcc(std::string_view text);

class IrcHelper final : public Helper {
 public:
  explicit IrcHelper(IrcNat* nat) : Helper("irc", kProtoTcp, 6667), nat_(nat) {}
  std::span<const ExpectPolicy> policies() const override;
  Verdict help(const HelpInput& in) const override;

 private:
  bool believable(const HelpInput& in, const DccOffer& offer) const;
  Verdict expect(const HelpInput& in, const DccOffer& offer) const;
  IrcNat* nat_;
};

}  // namespace nf::ct
