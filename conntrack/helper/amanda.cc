#include "conntrack/helper/amanda.h"

#include <algorithm>

#include "conntrack/helper/number.h"
#include "conntrack/helper/payload.h"
#include "conntrack/refresh.h"

namespace nf::ct {
namespace {

constexpr ExpectPolicy kPolicies[] = {{.name = "", .max_expected = 4, .timeout = 180}};
// The answer to a request may take its time.
constexpr int64_t kMasterTimeout = 300;
constexpr std::string_view kConnect = "CONNECT ";
constexpr std::string_view kStreams[] = {"DATA ", "MESG ", "INDEX ", "STATE "};

std::string_view payload_of(const HelpInput& in) {
  const std::span<const uint8_t> transport = in.transport();
  return transport.size() > sizeof(UdpHeader) ? as_text(transport.subspan(sizeof(UdpHeader))) : std::string_view();
}

}  // namespace

std::span<const ExpectPolicy> AmandaHelper::policies() const { return kPolicies; }

// twin: amanda_help
Verdict AmandaHelper::help(const HelpInput& in) const {
  if (in.direction() == CtDirection::kOriginal) return Verdict::kAccept;
  refresh(in.c, kMasterTimeout, in.now());
  std::string_view payload = payload_of(in);
  size_t start = payload.find(kConnect);
  if (start == std::string_view::npos) return Verdict::kAccept;
  start += kConnect.size();
  const size_t stop = payload.find('\n', start);
  if (stop == std::string_view::npos) return Verdict::kAccept;

  Verdict verdict = Verdict::kAccept;
  for (const std::string_view stream : kStreams) {
    // The end of the line stays where it was first seen, also when NAT has made the text before it longer or shorter.
    payload = payload_of(in);
    const std::string_view line = payload.substr(0, std::min(stop, payload.size()));
    size_t at = line.find(stream, start);
    if (at == std::string_view::npos) continue;
    at += stream.size();
    const size_t length = std::min<size_t>(5, stop - at);
    if (at + length > payload.size()) break;
    std::string_view number = payload.substr(at, length);
    const Be16 port = be16(static_cast<uint16_t>(take_number(number)));
    if (port == Be16{}) break;

    const Tuple& original = in.c.original();
    Expectation e = Expectations::make(in.c, 0, &original.source, original.destination, kProtoTcp, nullptr, port);
    if (nat_ != nullptr && (in.c.status & kNatMask) != 0)
      verdict = nat_->expect(in, static_cast<unsigned>(at), static_cast<unsigned>(length - number.size()), e);
    else if (in.conntrack.expectations().related(e, in.now()) != ExpectError::kNone)
      verdict = drop(in, "cannot add expectation");
  }
  return verdict;
}

}  // namespace nf::ct
