#include "conntrack/helper/sip_text.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "conntrack/helper/sip_sdp.h"
#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::ct::sip {
namespace {

// A call with a description (RFC 3261, 24.2, with addresses for names).
constexpr char kInvite[] =
    "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK776;received=192.0.2.7;rport=4000\r\n"
    "Max-Forwards: 70\r\n"
    "To: Bob <sip:bob@192.0.2.4:5070>\r\n"
    "From: Alice <sip:alice@192.0.2.1>;tag=1928301774\r\n"
    "Call-ID: a84b4c76e66710@pc33\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.1:5061>;expires=60;transport=udp, <sip:192.0.2.9>\r\n"
    "Contact: \"A\" <sip:a@192.0.2.3:5080>\r\n"
    "Expires: 3600\r\n"
    "Content-Length: 142\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 53655765 2353687637 IN IP4 192.0.2.1\r\n"
    "s=-\r\n"
    "c=IN IP4 192.0.2.101\r\n"
    "t=0 0\r\n"
    "m=audio 3456 RTP/AVP 0 1 3 99\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "m=video 3460 RTP/AVP 31\r\n"
    "c=IN IP4 192.0.2.102\r\n";

std::string shown(Found found, std::string_view message, TextRange match) {
  if (found == Found::kNo) return "none";
  if (found == Found::kBad) return "bad";
  return std::string(message.substr(match.offset, match.length));
}
std::string header(std::string_view message, Header type) {
  TextRange match;
  const Found found = get_header(message, 0, type, match);
  return shown(found, message, match);
}
std::string uri(std::string_view message, Header type) {
  TextRange match;
  Endpoint e;
  const Found found = parse_header_uri(message, nullptr, type, match, e);
  if (found != Found::kYes) return shown(found, message, match);
  return shown(found, message, match) + " = " + format_ipv4(e.address) + ":" + std::to_string(e.port.host());
}

TEST(SipText, PartsOfInterestOfAWholeMessage) {
  EXPECT_EQ(header(kInvite, Header::kCSeq), "314159");
  EXPECT_EQ(header(kInvite, Header::kExpires), "3600");
  EXPECT_EQ(header(kInvite, Header::kContentLength), "142");
  EXPECT_EQ(uri(kInvite, Header::kViaUdp), "192.0.2.1:5061 = 192.0.2.1:5061");
  EXPECT_EQ(uri(kInvite, Header::kFrom), "192.0.2.1 = 192.0.2.1:5060");
  EXPECT_EQ(uri(kInvite, Header::kTo), "192.0.2.4:5070 = 192.0.2.4:5070");
  // Via over TCP is not there: the walk through all Via headers ends without.
  EXPECT_EQ(header(kInvite, Header::kViaTcp), "bad");
  EXPECT_EQ(uri(kInvite, Header::kViaTcp), "none");
}

TEST(SipText, Headers) {
  const struct {
    const char* lines;
    Header type;
    const char* expected;
  } cases[] = {
      {"CSeq: 1 X\r\n", Header::kCSeq, "1"},
      {"cseq\t:\r\n \t7 X\r\n", Header::kCSeq, "7"},
      {"CSeq:7", Header::kCSeq, "7"},
      {"CSeq:", Header::kCSeq, "none"},
      {"CSeq: ", Header::kCSeq, "bad"},
      {"CSeq", Header::kCSeq, "none"},
      {"CSeq x: 7", Header::kCSeq, "none"},
      {"CSeq: x\r\n", Header::kCSeq, "bad"},
      {"CSeq:\r\n7\r\n", Header::kCSeq, "none"},
      {" CSeq: 1\r\n", Header::kCSeq, "none"},
      {"l: 5\r\n", Header::kContentLength, "5"},
      {"L : 5\r\n", Header::kContentLength, "5"},
      {"la: 5\r\n", Header::kContentLength, "none"},
      {"l\xe4: 5\r\n", Header::kContentLength, "none"},
      {"l", Header::kContentLength, "none"},
      {"m: <sip:a@1.2.3.4>\r\n", Header::kContact, "1.2.3.4"},
      {"m: sip:1.2.3.4:1024;x\r\n", Header::kContact, "1.2.3.4:1024"},
      {"m: <SIP:a@1.2.3.4>", Header::kContact, "1.2.3.4"},
      {"m: <sip:a@1.2.3.4", Header::kContact, "bad"},
      {"m: <sips:a@1.2.3.4>\r\n", Header::kContact, "bad"},
      {"m: <sip:a@example.org>\r\n", Header::kContact, "bad"},
      {"m: <sip:a@1.2.3.4:>\r\n", Header::kContact, "bad"},
      {"m: <sip:a@1.2.3.4:1023>\r\n", Header::kContact, "bad"},
      {"m: <sip:a@1.2.3.4:65535>\r\n", Header::kContact, "1.2.3.4:65535"},
      {"m: <sip:a@1.2.3.4:65536>\r\n", Header::kContact, "bad"},
      {"m: <sip:a@1.2.3.4:05060>\r\n", Header::kContact, "1.2.3.4:05060"},
      {"m: <sip:a@1.2.3.4:005060>\r\n", Header::kContact, "bad"},
      {"m: <sip:a@1.2.3.4:5060", Header::kContact, "bad"},
      {"m: x,\r\n  <sip:a@1.2.3.4>\r\n", Header::kContact, "1.2.3.4"},
      {"m: x\r\n sip:a@1.2.3.4>\r\n", Header::kContact, "bad"},  // the first byte of a folded line is passed over
      {"v: SIP/2.0/UDP 1.2.3.4\r\n", Header::kViaUdp, "1.2.3.4"},
      {"v: SIP/2.0/UDP  1.2.3.4\r\n", Header::kViaUdp, "bad"},
      {"v: SIP/2.0/udp 1.2.3.4 ", Header::kViaUdp, "1.2.3.4"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(header("X\r\n" + std::string(c.lines), c.type), c.expected) << c.lines;
    EXPECT_EQ(header("X\n" + std::string(c.lines), c.type), c.expected) << c.lines;
    EXPECT_EQ(header("X\r" + std::string(c.lines), c.type), c.expected) << c.lines;
  }
}

TEST(SipText, AWalkThroughAllContacts) {
  HeaderWalk walk;
  TextRange match;
  Endpoint e;
  std::string seen;
  while (parse_header_uri(kInvite, &walk, Header::kContact, match, e) == Found::kYes)
    seen += shown(Found::kYes, kInvite, match) + " ";
  EXPECT_EQ(seen, "192.0.2.1:5061 192.0.2.9 192.0.2.3:5080 ");
}

TEST(SipText, TheFirstLine) {
  const struct {
    const char* line;
    const char* expected;
  } cases[] = {
      {"INVITE sip:bob@192.0.2.4 SIP/2.0\r\n", "192.0.2.4"},
      {"x sip:192.0.2.4:5062;y SIP/2.0\r\n", "192.0.2.4:5062"},
      {"INVITE  SIP:a@b@192.0.2.4 SIP/2.0\r\n", "none"},  // behind the first @
      {"INVITE tel:5 \r\nsip:192.0.2.4 ", "bad"},
      {"INVITE 192.0.2.4", "none"},
      {"INVITE", "none"},
      {"", "none"},
      {" sip:192.0.2.4 ", "none"},
      {"I sip:192.0.2.4:80 ", "none"},
  };
  for (const auto& c : cases) {
    TextRange match;
    Endpoint e;
    const Found found = parse_request(c.line, match, e);
    EXPECT_EQ(shown(found, c.line, match), c.expected) << c.line;
  }
}

TEST(SipText, Addresses) {
  const struct {
    const char* text;
    const char* expected;
    size_t end;
  } cases[] = {
      {"1.2.3.4", "1.2.3.4", 7},
      {"255.255.255.255;", "255.255.255.255", 15},
      {"0001.2.3.4:", "1.2.3.4", 10},
      {"1.2.3.4z", "1.2.3.4", 7},
      {"1.2.3.4a", "", 0},
      {"1.2.3.4F", "", 0},
      {"1.2.3.4.", "", 0},
      {"1.2.3", "", 0},
      {"1..3.4", "", 0},
      {"256.1.1.1", "", 0},
      {".1.2.3.4", "", 0},
      {"", "", 0},
      {"1.2.3.4\xff", "1.2.3.4", 7},
  };
  for (const auto& c : cases) {
    const std::optional<Address> a = parse_address(c.text, 0, std::string_view(c.text).size());
    EXPECT_EQ(a ? format_ipv4(a->address) : "", c.expected) << c.text;
    EXPECT_EQ(a ? a->end : 0, c.end) << c.text;
  }
  EXPECT_EQ(format_ipv4(parse_address("1.2.3.45", 0, 7)->address), "1.2.3.4");
}

TEST(SipText, Numbers) {
  const struct {
    const char* text;
    uint32_t value;
    size_t end;
  } cases[] = {{"0", 0, 1},
               {"42x", 42, 2},
               {"4294967295", 4294967295, 10},
               {"4294967296", 0, 0},
               {"00000000001", 1, 11},
               {"000000000001", 0, 0},
               {"99999999999999999999999999", 0, 0},
               {"x", 0, 0},
               {"", 0, 0}};
  for (const auto& c : cases) {
    const Number n = parse_number(c.text, 0);
    EXPECT_EQ(n.value, c.value) << c.text;
    EXPECT_EQ(n.end, c.end) << c.text;
  }
}

TEST(SipText, Parameters) {
  const struct {
    const char* text;
    const char* expires;
    const char* received;
  } cases[] = {
      {";expires=60 ", "60", "none"},
      {";EXPIRES=60;received=1.2.3.4;", "60", "1.2.3.4"},
      {";received=1.2.3.4", "none", "1.2.3.4"},
      {";received=x;", "none", "none"},
      {", a;expires=60 ", "none", "none"},
      {";expires=, x", "none", "none"},  // a word is not found right before its end
      {";expires=x,", "bad", "none"},
      {";expires=60\r\nreceived=1.2.3.4\r\n", "60", "none"},
  };
  for (const auto& c : cases) {
    TextRange match;
    uint32_t value = 0;
    Be32 address;
    Found found = parse_number_parameter(c.text, 0, "expires=", match, value);
    EXPECT_EQ(shown(found, c.text, match), c.expires) << c.text;
    found = parse_address_parameter(c.text, 0, "received=", match, address);
    EXPECT_EQ(shown(found, c.text, match), c.received) << c.text;
  }
  uint8_t protocol = 0;
  EXPECT_TRUE(parse_transport(";x", 0, kProtoUdp, protocol));
  EXPECT_EQ(protocol, kProtoUdp);
  EXPECT_TRUE(parse_transport(";transport=tcp;", 0, kProtoTcp, protocol));
  EXPECT_EQ(protocol, kProtoTcp);
  EXPECT_FALSE(parse_transport(";transport=tcp;", 0, kProtoUdp, protocol));
  EXPECT_FALSE(parse_transport(";transport=tls;", 0, kProtoTcp, protocol));
  EXPECT_FALSE(parse_transport(";transport=tc", 0, kProtoTcp, protocol));
}

std::string line(std::string_view message, size_t from, SdpHeader type, SdpHeader term) {
  TextRange match;
  const Found found = get_sdp_header(message, from, type, term, match);
  return shown(found, message, match);
}

TEST(SipSdp, LinesOfADescription) {
  const std::string_view m = kInvite;
  const size_t media = m.find("audio 3456"), last = m.find("video 3460");
  EXPECT_EQ(line(m, 0, SdpHeader::kVersion, SdpHeader::kNone), "0");
  EXPECT_EQ(line(m, 0, SdpHeader::kOwner, SdpHeader::kMedia), "192.0.2.1");
  EXPECT_EQ(line(m, 0, SdpHeader::kConnection, SdpHeader::kMedia), "192.0.2.101");
  EXPECT_EQ(line(m, 0, SdpHeader::kMedia, SdpHeader::kNone), "audio 3456");
  EXPECT_EQ(line(m, media, SdpHeader::kConnection, SdpHeader::kMedia), "none");
  EXPECT_EQ(line(m, media, SdpHeader::kMedia, SdpHeader::kNone), "video 3460");
  EXPECT_EQ(line(m, last, SdpHeader::kConnection, SdpHeader::kMedia), "192.0.2.102");
  EXPECT_EQ(line(m, last, SdpHeader::kMedia, SdpHeader::kNone), "none");
}

TEST(SipSdp, OddLines) {
  const struct {
    const char* text;
    SdpHeader type;
    const char* expected;
  } cases[] = {
      {"\nm=audio \r", SdpHeader::kMedia, "audio "},
      {"\nm=audio", SdpHeader::kMedia, "bad"},
      {"\nm= 5", SdpHeader::kMedia, " 5"},
      {"\nM=audio 5", SdpHeader::kMedia, "audio 5"},
      {"\nc=IN IP6 ::1\n", SdpHeader::kConnection, "bad"},
      {"\nc=in ip4 1.2.3.4\n", SdpHeader::kConnection, "bad"},
      {"\nc=IN IP4 1.2.3.4", SdpHeader::kConnection, "1.2.3.4"},
      {"\nc=IN IP4 1.2.3.4/127", SdpHeader::kConnection, "1.2.3.4"},
      {"\nc=x\nc=IN IP4 1.2.3.4", SdpHeader::kConnection, "bad"},
      {"c=IN IP4 1.2.3.4\n", SdpHeader::kConnection, "none"},
      {"\nv=x", SdpHeader::kVersion, "bad"},
      {"\nv=", SdpHeader::kVersion, "bad"},
      {"\nv", SdpHeader::kVersion, "none"},
  };
  for (const auto& c : cases) EXPECT_EQ(line(c.text, 0, c.type, SdpHeader::kNone), c.expected) << c.text;
}

// Everything is asked of a message that ends exactly where its memory does.
void read_all(std::string_view text) {
  const auto bytes = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), bytes.get());
  const std::string_view m(bytes.get(), text.size());
  const auto inside = [&](Found found, TextRange r) {
    ASSERT_LE(found == Found::kYes ? r.end() : found == Found::kBad ? r.offset : 0, m.size()) << text;
  };
  TextRange match;
  Endpoint e;
  uint32_t number;
  Be32 address;
  uint8_t protocol;
  inside(parse_request(m, match, e), match);
  for (const Header type : {Header::kCSeq, Header::kFrom, Header::kTo, Header::kContact, Header::kViaUdp,
                            Header::kViaTcp, Header::kExpires, Header::kContentLength}) {
    match = {};
    inside(get_header(m, 0, type, match), match);
    if (type == Header::kCSeq || type == Header::kExpires || type == Header::kContentLength) continue;
    HeaderWalk walk;
    size_t found = 0;
    while (parse_header_uri(m, &walk, type, match, e) == Found::kYes && found <= m.size()) {
      inside(Found::kYes, match);
      inside(parse_number_parameter(m, match.end(), "expires=", match, number), match);
      inside(parse_address_parameter(m, match.end(), "received=", match, address), match);
      parse_transport(m, match.end(), kProtoUdp, protocol);
      ++found;
    }
    ASSERT_LE(found, m.size()) << text;
  }
  for (const SdpHeader type : {SdpHeader::kVersion, SdpHeader::kOwner, SdpHeader::kConnection, SdpHeader::kMedia}) {
    match = {};
    inside(get_sdp_header(m, 0, type, SdpHeader::kNone, match), match);
    inside(parse_sdp_address(m, 0, type, SdpHeader::kMedia, match, address), match);
  }
}

TEST(SipText, EveryTruncationIsSafe) {
  const std::string_view whole = kInvite;
  for (size_t n = 0; n <= whole.size(); ++n) {
    read_all(whole.substr(0, n));
    read_all(whole.substr(n));
  }
}

TEST(SipText, AnyBytesAreSafe) {
  Random random(20261121);
  constexpr std::string_view kLikely = "\r\n\r\n  \t:;,@.=0123456789sipSIPvftmlCUDc ";
  const std::string_view whole = kInvite;
  for (int round = 0; round < 4000; ++round) {
    std::string text(random.below(200), '\0');
    for (char& c : text)
      c = random.below(4) != 0 ? kLikely[random.below(static_cast<uint32_t>(kLikely.size()))]
                               : static_cast<char>(random.below(256));
    read_all(text);
    std::string changed(whole);
    for (uint32_t n = random.below(8) + 1; n > 0; --n) {
      const size_t at = random.below(static_cast<uint32_t>(changed.size()));
      if (random.below(2) == 0)
        changed[at] = kLikely[random.below(static_cast<uint32_t>(kLikely.size()))];
      else
        changed.erase(at, random.below(40));
    }
    read_all(changed);
  }
}

TEST(SipText, AbsurdLengthsAreSafe) {
  for (const char c : {'1', ' ', '\r', '\n', 'x', ',', '@', '.'}) {
    const std::string many(60000, c);
    read_all(many);
    read_all("X\r\nContact: " + many);
    read_all("X\r\nContact: <sip:" + many);
    read_all("X\r\nm: <sip:1.2.3.4:" + many);
    read_all("X\r\nContent-Length: " + many + "\r\n\r\nv=0\r\nm=audio " + many + "\r\nc=IN IP4 " + many);
  }
}

}  // namespace
}  // namespace nf::ct::sip
