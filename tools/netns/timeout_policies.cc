#include "tools/netns/timeout_policies.h"

#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <sys/socket.h>

#include "datapath/packet/headers.h"
#include "tools/netns/netlink_socket.h"

namespace nf::netns {
namespace {

// The attribute of a state: attributes count from 1 and do not skip what a tracker keeps for itself.
int attribute_of(uint8_t protocol, uint8_t place) {
  constexpr uint8_t kLastTcpState = 9;
  if (protocol == kProtoTcp) return place <= kLastTcpState ? place : place - 2;
  return protocol == kProtoSctp ? place : place + 1;
}

}  // namespace

Status add_timeout_policies(const std::vector<lab::TimeoutLine>& lines, const std::string& file) {
  if (lines.empty()) return {};
  Result<NetlinkSocket> socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  for (const lab::TimeoutLine& line : lines) {
    Request request(NFNL_SUBSYS_CTNETLINK_TIMEOUT << 8 | IPCTNL_MSG_TIMEOUT_NEW, NLM_F_CREATE | NLM_F_ACK, AF_UNSPEC);
    request.put(CTA_TIMEOUT_NAME, {reinterpret_cast<const uint8_t*>(line.name.c_str()), line.name.size() + 1});
    request.put_number(CTA_TIMEOUT_L3PROTO, be16(AF_INET)).put_u8(CTA_TIMEOUT_L4PROTO, line.protocol);
    const size_t states = request.begin_nest(CTA_TIMEOUT_DATA);
    for (const lab::TimeoutLine::State& s : line.states)
      request.put_number(attribute_of(line.protocol, s.place), be32(s.seconds));
    request.end_nest(states);
    const Result<int> code = socket->transact(request);
    if (!code) return code.error();
    if (*code == -EBUSY) return error_at(file, line.line, "timeout policy \"" + line.name + "\" exists already");
    if (*code < 0) {
      errno = -*code;
      Error e = system_error("nfct");
      e.file = file;
      e.line = line.line;
      return e;
    }
  }
  return {};
}

}  // namespace nf::netns
