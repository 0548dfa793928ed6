// What the checks share: a backend, traffic for it, and the machine's programs.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "datapath/base/text.h"
#include "tools/backend/kernel_check/lab_text.h"
#include "tools/netns/program.h"

namespace nf::kernel_check {

inline const Segment kUdp{ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), kProtoUdp, 1111, 53};
inline const Segment kSyn{ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), kProtoTcp, 2222, 80};
inline const Segment kPing{ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), kProtoIcmp, 77, 8 << 8};
inline const Segment kGre{ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), kProtoGre, 0, 0};
inline const Segment kOther{ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), 99, 0, 0};

inline constexpr char kForward[] = "net.ipv4.ip_forward = 1\n";
inline constexpr char kRules[] = R"(*raw
-A PREROUTING -p udp --dport 54 -j CT --zone 7
COMMIT
*mangle
-A FORWARD -p udp -j CONNMARK --set-mark 9
COMMIT
*nat
:WEB - [0:0]
-A PREROUTING -i wan -p tcp --dport 80 -j WEB
-A POSTROUTING -o wan -j SNAT --to-source 10.2.0.1
-A WEB -j DNAT --to-destination 10.1.0.2
COMMIT
*filter
:FORWARD DROP [0:0]
:ZZ - [0:0]
:AA - [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p udp -j AA
-A FORWARD -p tcp --dport 81 -j ZZ
-A FORWARD -i lan -j ACCEPT
-A ZZ -j DROP
-A AA -p udp --dport 9 -j DROP
-A AA -j RETURN
COMMIT
)";

class KernelCheck : public testing::Test {
 protected:
  void configure(const lab::Lab& lab, BackendConfig config = {}) {
    config.lab = &lab;
    Status s = backend_.configure(config);
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  void inject(int port, const Segment& s) { ASSERT_TRUE(backend_.inject(port, frame(backend_, port, s)).ok()); }
  std::vector<Emitted> collect() {
    std::vector<Emitted> out;
    EXPECT_TRUE(backend_.collect(out).ok());
    return out;
  }
  static std::string output(const std::vector<std::string>& program) {
    auto r = netns::run_program(program);
    EXPECT_TRUE(r.ok() && r->status == 0) << (r.ok() ? r->errors : r.error().str());
    return r.ok() ? r->output : std::string();
  }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string_view line : split(text, '\n'))
      if (!line.empty()) out.emplace_back(line);
    return out;
  }
  static std::vector<std::string> sorted(std::vector<std::string> v) {
    std::sort(v.begin(), v.end());
    return v;
  }
  // One packet of every kind whose line differs.
  void traffic() {
    for (Segment s : {kUdp, kSyn, kPing, kGre, kOther}) inject(kLan, s);
    Segment zoned = kUdp;
    zoned.destination_port = 54;
    inject(kLan, zoned);
    Segment answer{ip4(10, 2, 0, 9), ip4(10, 2, 0, 1), kProtoUdp, 53, 1111};
    inject(kWan, answer);
    Segment syn_ack{ip4(10, 2, 0, 9), ip4(10, 2, 0, 1), kProtoTcp, 80, 2222, kTcpSyn | kTcpAck};
    inject(kWan, syn_ack);
    Segment dnat{ip4(10, 2, 0, 9), ip4(10, 2, 0, 1), kProtoTcp, 3333, 80};
    inject(kWan, dnat);
  }

  KernelBackend backend_;
};

}  // namespace nf::kernel_check
