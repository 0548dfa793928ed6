// A wrong checksum beside the right one, for whoever looks at a packet called INVALID.
#include "conntrack/proto.h"
#include "datapath/packet/checksum.h"

namespace nf::ct {

void invalid_checksum(Reason& reason, const Packet& p, const char* protocol, size_t field, uint8_t pseudo,
                      size_t coverage) {
  if (!reason.told()) return;
  const std::span<const uint8_t> l4 = p.transport();
  const std::span<const uint8_t> counted = l4.first(coverage == 0 ? l4.size() : coverage);
  Sum sum = 0;
  if (pseudo != 0) sum = checksum_pseudo(p.ip().source, p.ip().destination, pseudo, static_cast<uint32_t>(l4.size()));
  // As if the field were zero.
  sum = checksum_add(counted.subspan(field + sizeof(Be16)), checksum_add(counted.first(field), sum));
  Be16 right = checksum_finish(sum);
  const bool zero_means_none = pseudo == kProtoUdp;
  if (zero_means_none && right == Be16{}) right = be16(0xffff);
  reason.invalid("invalid.checksum", protocol, Hex{view<Be16>(l4, field)->host(), 4}, Hex{right.host(), 4});
}

}  // namespace nf::ct
