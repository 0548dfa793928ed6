// What --connect takes for a conversation.
#include "tools/explain/ends.h"

#include <gtest/gtest.h>

#include "tools/backend/memory_backend.h"
#include "tools/scenario/scenario.h"

namespace nf::explain {
namespace {

TEST(Ends, AConversationHasOneServerAndItsOwnFlags) {
  Result<scenario::Scenario> s = scenario::parse_scenario(
      "network {\n  link set dev lan up\n  addr add 10.1.0.1/24 dev lan\n}\nnothing\n", "t.scn");
  ASSERT_TRUE(s) << s.error().str();
  MemoryBackend backend;
  BackendConfig config;
  config.lab = &s->lab;
  ASSERT_TRUE(backend.configure(config));
  const struct {
    const char* connect;
    const char* said;  // "": taken
  } cases[] = {
      {"lan: tcp 10.1.0.2:1 > 10.1.0.1:80", ""},
      {"lan: tcp 10.1.0.2:1 > 10.1.0.1:80 S", ""},
      {"lan: tcp 10.1.0.2:1 > 10.1.0.1:80 R", "leave them out"},
      {"lan: tcp 10.1.0.2:1 > 10.1.0.1:80 SA", "leave them out"},
      {"lan: udp 10.1.0.2:1 > 8.8.8.8:53", ""},
      {"lan: udp 10.1.0.2:1 > 10.1.0.255:53", "10.1.0.255 is a broadcast address"},
      {"lan: udp 10.1.0.2:1 > 255.255.255.255:53", "255.255.255.255 is a broadcast address"},
      {"lan: tcp 10.1.0.2:1 > 224.0.0.251:80", "224.0.0.251 is a multicast address"},
      {"lan: ping 10.1.0.2 > 10.1.0.255", "10.1.0.255 is a broadcast address"},
      {"host: ping 10.1.0.1 > 239.1.2.3", "239.1.2.3 is a multicast address"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.connect);
    const Result<PortPacket> p = parse_connect(c.connect, backend.ports());
    std::string said = p ? "" : p.error().text;
    if (p) {
      const Status one = one_server(*p, backend.gateway().router());
      if (!one) said = one.error().text;
    }
    EXPECT_EQ(said.empty(), *c.said == 0) << said;
    EXPECT_NE(said.find(c.said), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace nf::explain
