// Helpers: who reads the payload of a connection for other connections it announces. CT --helper gives one to a
// connection. The protocols are in conntrack/helper/, what NAT has to change in their words in nat/helper/.
// twin: net/netfilter/nf_conntrack_helper.c
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "conntrack/connection.h"
#include "conntrack/conntrack.h"
#include "conntrack/expect.h"
#include "conntrack/rare_parts.h"
#include "datapath/hook/hook.h"
#include "datapath/packet/packet.h"

namespace nf::ct {

// twin: struct nf_conntrack_expect_policy
struct ExpectPolicy {
  std::string_view name;  // "" shows as none
  unsigned max_expected;  // at a time; 0: no limit
  int64_t timeout;        // seconds
};

// One packet of a connection with a helper, at its last hook, before it is confirmed. NAT has rewritten the addresses
// already. The helper may change payload (nat/mangle.h does it), which may move the packet's bytes.
struct HelpInput {
  Conntrack& conntrack;
  Packet& p;
  Connection& c;
  const HookState& state;

  CtInfo ctinfo() const { return p.ctinfo; }
  CtDirection direction() const { return direction_of(p.ctinfo); }
  HelpPart& help() const { return *help_of(c); }
  std::span<const uint8_t> transport() const { return std::as_const(p).transport(); }
  Time now() const { return state.now; }
};

// twin: struct nf_conntrack_helper. Lives as long as its registry.
class Helper {
 public:
  Helper(std::string_view name, uint8_t protocol, uint16_t port) : name_(name), protocol_(protocol), port_(port) {}
  virtual ~Helper() = default;
  std::string_view name() const { return name_; }  // "ftp"
  uint8_t protocol() const { return protocol_; }
  uint16_t port() const { return port_; }  // the usual one, host order; only names it
  virtual std::span<const ExpectPolicy> policies() const = 0;
  // kDrop: the packet cannot be understood or changed (Packet::drop_reason is kConntrackHelper).
  virtual Verdict help(const HelpInput& in) const = 0;
  // Its last connection's end. twin: nf_conntrack_helper.destroy
  virtual void destroy(Conntrack&, Connection&, Time) const {}
  // A connection of it was made by hand: what was said before is not known. twin: nf_conntrack_helper.from_nlattr
  virtual void taken_over(Connection&) const {}
  // The line of the log, as "nf_ct_ftp: dropping packet: TEXT ", and the verdict. twin: nf_ct_helper_log
  Verdict drop(const HelpInput& in, std::string_view text) const;

 private:
  std::string_view name_;
  uint8_t protocol_;
  uint16_t port_;
};

class HelperRegistry {
 public:
  void add(std::unique_ptr<Helper> helper);
  // null: none of that name for that protocol. twin: __nf_conntrack_helper_find
  const Helper* find(std::string_view name, uint8_t protocol) const;

 private:
  std::vector<std::unique_ptr<Helper>> helpers_;
};

}  // namespace nf::ct
