// Lines as conntrack 1.4.7 and /proc/net/nf_conntrack_expect of a 6.18 kernel printed them for these expectations.
#include "conntrack/text/expect_format.h"

#include <gtest/gtest.h>

#include "conntrack/helper.h"

namespace nf::ct {
namespace {

constexpr Time kNow = 1'795'279'290 * kSecond + 281'951 * kMicrosecond + 7;

class Named final : public Helper {
 public:
  using Helper::Helper;
  std::span<const ExpectPolicy> policies() const override {
    static constexpr ExpectPolicy kNone[] = {{"", 1, 300}};
    static constexpr ExpectPolicy kSip[] = {{"signalling", 1, 180}, {"audio", 2, 180}, {"video", 2, 180}};
    return name() == "sip" ? std::span<const ExpectPolicy>(kSip) : kNone;
  }
  Verdict help(const HelpInput&) const override { return Verdict::kAccept; }
};

struct FormatCase {
  const char* helper;
  uint8_t master_protocol;
  uint16_t master_port, to_port;
  uint8_t protocol;
  Be32 source, mask;
  uint16_t source_id, mask_id, destination_id;
  uint8_t flags, expect_class;
  int64_t left;
  const char* listed;
  const char* proc;
};

constexpr Be32 kAll = be32(0xffffffff);
const FormatCase kCases[] = {
    {"ftp", 6, 4000, 21, 6, ip4(1, 2, 3, 4), kAll, 0, 0, 1000, 0, 0, 299,
     "299 proto=6 src=1.2.3.4 dst=5.6.7.8 sport=0 dport=1000 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 "
     "dport=65535 master-src=127.0.0.1 master-dst=127.0.0.1 sport=4000 dport=21 class=0 helper=ftp",
     "299 l3proto = 2 proto=6 src=1.2.3.4 dst=5.6.7.8 sport=0 dport=1000 ftp"},
    {"ftp", 6, 4000, 21, 6, ip4(1, 2, 3, 4), kAll, 0, 0, 1001, kExpectPermanent, 0, 299,
     "299 proto=6 src=1.2.3.4 dst=5.6.7.8 sport=0 dport=1001 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 "
     "dport=65535 master-src=127.0.0.1 master-dst=127.0.0.1 sport=4000 dport=21 PERMANENT class=0 helper=ftp",
     "299 l3proto = 2 proto=6 src=1.2.3.4 dst=5.6.7.8 sport=0 dport=1001 PERMANENT ftp"},
    {"ftp", 6, 4000, 21, 6, ip4(1, 2, 3, 4), kAll, 0, 0, 1003, kExpectPermanent | kExpectInactive, 0, 299,
     "299 proto=6 src=1.2.3.4 dst=5.6.7.8 sport=0 dport=1003 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 "
     "dport=65535 master-src=127.0.0.1 master-dst=127.0.0.1 sport=4000 dport=21 PERMANENT,INACTIVE class=0 helper=ftp",
     "299 l3proto = 2 proto=6 src=1.2.3.4 dst=5.6.7.8 sport=0 dport=1003 PERMANENT,INACTIVE ftp"},
    {"sip", 17, 4001, 5060, 17, Be32{}, Be32{}, 0, 0, 1000, kExpectInactive, 1, 179,
     "179 proto=17 src=0.0.0.0 dst=5.6.7.8 sport=0 dport=1000 mask-src=0.0.0.0 mask-dst=255.255.255.255 sport=0 "
     "dport=65535 master-src=127.0.0.1 master-dst=127.0.0.1 sport=4001 dport=5060 INACTIVE class=1 helper=sip",
     "179 l3proto = 2 proto=17 src=0.0.0.0 dst=5.6.7.8 sport=0 dport=1000 INACTIVE sip/audio"},
    {"sip", 17, 4001, 5060, 17, Be32{}, Be32{}, 0, 0, 1001, 0, 2, 180,
     "180 proto=17 src=0.0.0.0 dst=5.6.7.8 sport=0 dport=1001 mask-src=0.0.0.0 mask-dst=255.255.255.255 sport=0 "
     "dport=65535 master-src=127.0.0.1 master-dst=127.0.0.1 sport=4001 dport=5060 class=2 helper=sip",
     "180 l3proto = 2 proto=17 src=0.0.0.0 dst=5.6.7.8 sport=0 dport=1001 sip/video"},
    {"pptp", 6, 4003, 1723, 47, ip4(1, 1, 1, 1), kAll, 3, 0xffff, 1000, 0, 0, 300,
     "300 proto=47 src=1.1.1.1 dst=5.6.7.8 srckey=0x3 dstkey=0x3e8 mask-src=255.255.255.255 mask-dst=255.255.255.255 "
     "srckey=0xffff dstkey=0xffff master-src=127.0.0.1 master-dst=127.0.0.1 sport=4003 dport=1723 class=0 helper=pptp",
     "300 l3proto = 2 proto=47 src=1.1.1.1 dst=5.6.7.8 srckey=0x3 dstkey=0x3e8 pptp"},
};

TEST(ExpectFormat, Table) {
  for (const FormatCase& k : kCases) {
    const Named helper(k.helper, k.master_protocol, k.to_port);
    Connection master;
    RareParts rare;
    master.rare = &rare;
    add_help(master).helper = &helper;
    Tuple& t = master.tuple[0];
    t.source = t.destination = ip4(127, 0, 0, 1);
    t.protocol = k.master_protocol;
    t.source_id = be16(k.master_port);
    t.destination_id = be16(k.to_port);
    Expectation e;
    e.master = &master;
    e.tuple.source = k.source;
    e.tuple.destination = ip4(5, 6, 7, 8);
    e.tuple.protocol = k.protocol;
    e.tuple.source_id = be16(k.source_id);
    e.tuple.destination_id = be16(k.destination_id);
    e.mask_source = k.mask;
    e.mask_source_id = be16(k.mask_id);
    e.flags = k.flags;
    e.expect_class = k.expect_class;
    e.expires = kNow + k.left * kSecond + 3 * kMillisecond;
    EXPECT_EQ(format_expectation(e, kNow), k.listed);
    EXPECT_EQ(format_expect_proc(e, kNow), k.proc);
    EXPECT_EQ(format_expect_event({ExpectReport::Kind::kNew, e, kNow}, false), "    [NEW] " + std::string(k.listed));
    EXPECT_EQ(format_expect_event({ExpectReport::Kind::kDestroy, e, kNow}, true),
              "[1795279290.281951]\t[DESTROY] " + std::string(k.listed));
    master.rare = nullptr;
  }
}

}  // namespace
}  // namespace nf::ct
