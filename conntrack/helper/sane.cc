#include "conntrack/helper/sane.h"

#include "conntrack/helper/payload.h"

namespace nf::ct {
namespace {

constexpr ExpectPolicy kPolicies[] = {{.name = "", .max_expected = 1, .timeout = 5 * 60}};

struct Request {
  Be32 code, handle;
};
struct StartReply {
  Be32 status;
  Be16 zero, port;
};
constexpr uint32_t kNetStart = 7, kSuccess = 0;

// twin: struct nf_ct_sane_master
struct SaneState {
  bool start_requested;
};

}  // namespace

std::span<const ExpectPolicy> SaneHelper::policies() const { return kPolicies; }

// twin: help
Verdict SaneHelper::help(const HelpInput& in) const {
  if (in.ctinfo() != CtInfo::kEstablished && in.ctinfo() != CtInfo::kEstablishedReply) return Verdict::kAccept;
  const std::string_view text = tcp_payload(in.transport());
  if (text.empty()) return Verdict::kAccept;
  const std::span<const uint8_t> payload(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  SaneState& state = in.help().data<SaneState>();

  if (in.direction() == CtDirection::kOriginal) {
    if (payload.size() != sizeof(Request)) return Verdict::kAccept;
    state.start_requested = view<Request>(payload)->code == be32(kNetStart);
    return Verdict::kAccept;
  }
  if (!state.start_requested) return Verdict::kAccept;
  state.start_requested = false;
  const StartReply* reply = view<StartReply>(payload);
  if (reply == nullptr || reply->status != be32(kSuccess) || reply->zero != Be16{}) return Verdict::kAccept;

  const Tuple& original = in.c.original();
  const Expectation e =
      Expectations::make(in.c, 0, &original.source, original.destination, kProtoTcp, nullptr, reply->port);
  if (in.conntrack.expectations().related(e, in.now()) != ExpectError::kNone) return drop(in, "cannot add expectation");
  return Verdict::kAccept;
}

}  // namespace nf::ct
