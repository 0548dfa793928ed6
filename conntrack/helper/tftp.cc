#include "conntrack/helper/tftp.h"

namespace nf::ct {
namespace {

constexpr ExpectPolicy kPolicies[] = {{.name = "", .max_expected = 1, .timeout = 5 * 60}};
constexpr uint16_t kReadRequest = 1, kWriteRequest = 2;  // RFC 1350

}  // namespace

std::span<const ExpectPolicy> TftpHelper::policies() const { return kPolicies; }

// twin: tftp_help
Verdict TftpHelper::help(const HelpInput& in) const {
  const Be16* opcode = view<Be16>(in.transport(), sizeof(UdpHeader));
  if (opcode == nullptr) return Verdict::kAccept;
  if (opcode->host() != kReadRequest && opcode->host() != kWriteRequest) return Verdict::kAccept;

  const Tuple& reply = in.c.reply();
  Expectation e =
      Expectations::make(in.c, 0, &reply.source, reply.destination, kProtoUdp, nullptr, reply.destination_id);
  if (nat_ != nullptr && (in.c.status & kNatMask) != 0) return nat_->expect(in, e);
  if (in.conntrack.expectations().related(e, in.now()) != ExpectError::kNone) return drop(in, "cannot add expectation");
  return Verdict::kAccept;
}

}  // namespace nf::ct
