// Words that are filled in when they are said, what they announce, and who dials it then.
#include "tools/difftest/traffic/helper_talk.h"

#include <gtest/gtest.h>

#include "datapath/base/text.h"
#include "tools/difftest/traffic/test_machine.h"
#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

const Speaker kSpeaker{ip4(10, 1, 0, 2), ip4(10, 2, 0, 3), 4000, 21};

std::string filled(std::string_view text, size_t length) {
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  const std::vector<uint8_t> out = fill_words(bytes, length, kSpeaker);
  return {out.begin(), out.end()};
}

TEST(Words, AreFilledIn) {
  EXPECT_EQ(filled("PORT %c,1,2\r\n", 19), "PORT 10,1,0,2,1,2\r\n");
  EXPECT_EQ(filled("%a:%p>%A:%P", 21), "10.1.0.2:4000>10.2.0.");
  EXPECT_EQ(filled("%n %N 5%%", 22), "167837698 167903235 5%");
  EXPECT_EQ(filled("a%~b", 6), "a    b");
  EXPECT_EQ(filled("ab", 4), "ab  ");
  EXPECT_EQ(words_length("%c%~x", kSpeaker), 9u);
  EXPECT_EQ(longest_words("%c,%P"), std::string("255,255,255,255,65535").size());
}

TEST(FtpTalk, Announcements) {
  const auto text = [](std::string_view payload) -> std::string {
    const std::optional<Announcement> a = announced_by_ftp(payload);
    if (!a) return "none";
    return (a->address ? format_ipv4(*a->address) : "speaker") + ":" + std::to_string(a->port);
  };
  EXPECT_EQ(text("PORT 10,1,0,2,156,65\r\n"), "10.1.0.2:40001");
  EXPECT_EQ(text("227 Entering Passive Mode (10,1,0,2,156,65).\r\n"), "10.1.0.2:40001");
  EXPECT_EQ(text("EPRT |1|10.1.0.2|40001|\r\n"), "10.1.0.2:40001");
  EXPECT_EQ(text("229 Extended (|||40001|)\r\n"), "speaker:40001");
  for (const std::string_view nothing : {"", "PORT", "PORT 1,2,3\r\n", "227 ", "229 no", "229 (", "220 ready\r\n"})
    EXPECT_EQ(text(nothing), "none") << nothing;
}

// A client announces itself; the server dials it, from where it stands, once it has heard of it.
TEST(WireAnnounced, DialsWhatItHeard) {
  Case c;
  c.lab = two_port_lab();
  Flow control;
  control.protocol = kProtoTcp;
  control.client = 0;
  control.client_address = ip4(10, 1, 0, 2);
  control.client_port = 4000;
  control.server_address = ip4(10, 2, 0, 3);
  control.server_port = 21;
  control.dialect = Dialect::kFtp;
  Flow data = control;
  data.dialect = Dialect::kNone;
  data.client_port = 20;
  data.announced = Flow::Announced{0, End::kServer, 7};
  c.flows = {control, data};
  Step says;
  says.id = 7;
  says.tcp_flags = kTcpAck;
  const std::string_view words = "PORT 10,1,0,2,156,65\r\n";
  says.data.assign(words.begin(), words.end());
  Step dials;
  dials.flow = 1;
  dials.id = 8;
  dials.tcp_flags = kTcpSyn;
  c.steps = {says, dials};

  const std::vector<BackendPort> ports = two_ports();
  Wire wire(c, ports);
  EXPECT_FALSE(wire.frame(dials)) << "not heard yet";
  TestMachine machine(false);
  wire.received(says, machine.take(*wire.frame(says)));
  const std::optional<Wire::Frame> frame = wire.frame(dials);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->port, 1);
  const std::span<const uint8_t> packet = std::span<const uint8_t>(frame->bytes).subspan(sizeof(EthernetHeader));
  const Ipv4Header& ip = *view<Ipv4Header>(packet);
  EXPECT_EQ(ip.source, ip4(10, 2, 0, 3));
  EXPECT_EQ(ip.destination, ip4(10, 1, 0, 2));
  const TcpHeader& tcp = *view<TcpHeader>(packet, sizeof(Ipv4Header));
  EXPECT_EQ(tcp.source.host(), 20);
  EXPECT_EQ(tcp.destination.host(), 40001);
}

// Who was told six bytes more than the other said acknowledges them, and the other way round.
TEST(WireAnnounced, AcknowledgesWhatItHeard) {
  Case c;
  c.lab = two_port_lab();
  Flow control;
  control.protocol = kProtoTcp;
  control.client = 0;
  control.client_address = ip4(10, 1, 0, 2);
  control.client_port = 4000;
  control.server_address = ip4(10, 2, 0, 3);
  control.server_port = 21;
  c.flows = {control};
  Step says, answers;
  says.id = 7;
  says.tcp_flags = kTcpAck;
  says.seq = 1000;
  says.data.assign(10, 'x');
  answers = says;
  answers.id = 8;
  answers.from = End::kServer;
  answers.ack = 1010;
  c.steps = {says, answers};
  const std::vector<BackendPort> ports = two_ports();
  Wire wire(c, ports);
  TestMachine machine(false);
  Step longer = says;
  longer.data.assign(16, 'x');  // as if the machine had changed it
  wire.received(says, machine.take(*wire.frame(longer)));
  const std::optional<Wire::Frame> frame = wire.frame(answers);
  ASSERT_TRUE(frame);
  const std::span<const uint8_t> packet = std::span<const uint8_t>(frame->bytes).subspan(sizeof(EthernetHeader));
  EXPECT_EQ(view<TcpHeader>(packet, sizeof(Ipv4Header))->acknowledgment.host(), 1016u);
  answers.ack = 1000;
  const std::optional<Wire::Frame> earlier = wire.frame(answers);
  const std::span<const uint8_t> before = std::span<const uint8_t>(earlier->bytes).subspan(sizeof(EthernetHeader));
  EXPECT_EQ(view<TcpHeader>(before, sizeof(Ipv4Header))->acknowledgment.host(), 1000u);
}

}  // namespace
}  // namespace nf::difftest
