#include "datapath/port/pcap_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "datapath/base/text.h"

namespace nf {
namespace {

// A file made of the numbers the format documents ask for, in either byte order.
class Builder {
 public:
  explicit Builder(bool big = false) : big_(big) {}
  Builder& u16(uint16_t v) { return number(v, 2); }
  Builder& u32(uint32_t v) { return number(v, 4); }
  Builder& u64(uint64_t v) { return number(v, 8); }
  Builder& bytes(std::string_view s) {
    data_ += s;
    return *this;
  }
  Builder& pad() {
    while (data_.size() % 4 != 0) data_ += '\0';
    return *this;
  }
  Builder& append(const Builder& other) { return bytes(other.data_); }
  const std::string& data() const { return data_; }

  // A pcapng block around `body`.
  Builder& block(uint32_t type, const Builder& body) {
    const uint32_t length = static_cast<uint32_t>(body.data_.size()) + 12;
    return u32(type).u32(length).append(body).u32(length);
  }
  Builder& section() { return block(0x0a0d0d0a, Builder(big_).u32(0x1a2b3c4d).u16(1).u16(0).u64(~0ull)); }
  Builder& interface(uint16_t link, uint32_t snaplen, const Builder& options) {
    return block(1, Builder(big_).u16(link).u16(0).u32(snaplen).append(options));
  }
  Builder& enhanced(uint32_t interface, uint64_t ticks, std::string_view data, uint32_t original) {
    return block(6, Builder(big_)
                        .u32(interface)
                        .u32(static_cast<uint32_t>(ticks >> 32))
                        .u32(static_cast<uint32_t>(ticks))
                        .u32(static_cast<uint32_t>(data.size()))
                        .u32(original)
                        .bytes(data)
                        .pad());
  }
  Builder& option(uint16_t code, std::string_view value) {
    return u16(code).u16(static_cast<uint16_t>(value.size())).bytes(value).pad();
  }

 private:
  Builder& number(uint64_t v, unsigned size) {
    for (unsigned i = 0; i < size; ++i) data_ += static_cast<char>(v >> 8 * (big_ ? size - 1 - i : i));
    return *this;
  }
  bool big_;
  std::string data_;
};

Builder pcap_header(bool big, bool nano, uint32_t link, uint32_t snaplen = 65535) {
  return Builder(big).u32(nano ? 0xa1b23c4d : 0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(snaplen).u32(link);
}

struct File {
  explicit File(std::string_view content) {
    path = testing::TempDir() + "hookpoint_capture_" + std::to_string(getpid());
    FILE* f = std::fopen(path.c_str(), "wb");
    EXPECT_EQ(std::fwrite(content.data(), 1, content.size(), f), content.size());
    std::fclose(f);
  }
  ~File() { std::remove(path.c_str()); }
  std::string path;
};

// Everything a reader hands out, as text lines, so that a difference shows at a glance.
std::vector<std::string> read_all(const std::string& path) {
  std::vector<std::string> out;
  const auto without_path = [&](const Error& e) {
    std::string s = e.str();
    const size_t at = s.find(path);
    return at == std::string::npos ? s : s.replace(at, path.size(), "FILE");
  };
  Result<std::unique_ptr<PcapReader>> r = PcapReader::open(path);
  if (!r) return {without_path(r.error())};
  for (;;) {
    Result<const CapturedPacket*> p = (*r)->next();
    if (!p) {
      const std::string first = without_path(p.error());
      Result<const CapturedPacket*> again = (*r)->next();
      EXPECT_TRUE(!again && without_path(again.error()) == first) << "an error does not last";
      out.push_back(first);
      return out;
    }
    if (*p == nullptr) break;
    const CapturedPacket& c = **p;
    const CaptureInterface& i = (*r)->interfaces()[c.interface];
    out.push_back(strf("%llu %lld.%09lld %s/%s %u/%zu%s %.*s", static_cast<unsigned long long>(c.number),
                       static_cast<long long>(c.time / kSecond), static_cast<long long>(c.time % kSecond),
                       i.name.c_str(), std::string(link_type_name(c.link)).c_str(), c.original_length, c.bytes.size(),
                       c.truncated() ? " truncated" : "", static_cast<int>(c.bytes.size()),
                       reinterpret_cast<const char*>(c.bytes.data())));
  }
  Result<const CapturedPacket*> after = (*r)->next();
  EXPECT_TRUE(after && *after == nullptr) << "the end does not last";
  return out;
}

using Lines = std::vector<std::string>;

TEST(PcapReader, ClassicVariants) {
  struct Case {
    bool big, nano;
    uint32_t link;
    const char* name;
    uint32_t fraction;
    const char* time;
  };
  constexpr Case kCases[] = {
      {false, false, 1, "EN10MB", 5, "7.000005000"},       {true, false, 1, "EN10MB", 999999, "7.999999000"},
      {false, true, 101, "RAW", 5, "7.000000005"},         {true, true, 113, "LINUX_SLL", 999999999, "7.999999999"},
      {false, false, 276, "LINUX_SLL2", 0, "7.000000000"}, {false, false, 228, "IPV4", 0, "7.000000000"},
      {false, false, 0, "NULL", 0, "7.000000000"},
  };
  for (const Case& c : kCases) {
    Builder b = pcap_header(c.big, c.nano, c.link);
    b.append(Builder(c.big).u32(7).u32(c.fraction).u32(3).u32(3).bytes("abc"));
    b.append(Builder(c.big).u32(8).u32(0).u32(2).u32(1500).bytes("de"));
    const File f(b.data());
    const std::string name = c.name;
    EXPECT_EQ(read_all(f.path), (Lines{std::string("1 ") + c.time + " /" + name + " 3/3 abc",
                                       "2 8.000000000 /" + name + " 1500/2 truncated de"}));
    auto r = PcapReader::open(f.path);
    ASSERT_TRUE(r.ok());
    EXPECT_EQ((*r)->nanoseconds(), c.nano);
  }
}

TEST(PcapReader, DamagedClassicFiles) {
  const std::string good = pcap_header(false, false, 1)
                               .u32(1)
                               .u32(0)
                               .u32(4)
                               .u32(4)
                               .bytes("abcd")
                               .u32(2)
                               .u32(0)
                               .u32(4)
                               .u32(4)
                               .bytes("efgh")
                               .data();
  const std::string first = "1 1.000000000 /EN10MB 4/4 abcd";
  // Every place a file can be cut off: what is whole is read, what is not is named.
  for (size_t length = 0; length <= good.size(); ++length) {
    const File f(std::string_view(good).substr(0, length));
    const Lines got = read_all(f.path);
    if (length < 4) {
      EXPECT_EQ(got, Lines{"FILE: the file is too short to be a capture"});
    } else if (length < 24) {
      ASSERT_EQ(got.size(), 1u) << length;
      EXPECT_EQ(got[0].rfind("FILE: truncated dump file", 0), 0u) << got[0];
    } else if (length == 24) {
      EXPECT_EQ(got, Lines{});
    } else if (length == good.size()) {
      EXPECT_EQ(got.size(), 2u);
    } else {
      const bool second = length >= 44;
      if (length == 44) {
        EXPECT_EQ(got, Lines{first});
        continue;
      }
      ASSERT_EQ(got.size(), second ? 2u : 1u) << length;
      if (second) {
        EXPECT_EQ(got[0], first);
      }
      EXPECT_EQ(
          got.back().rfind(second ? "FILE: packet 2: truncated dump file" : "FILE: packet 1: truncated dump file", 0),
          0u)
          << got.back();
    }
  }
  // A length no capture has.
  const File huge(pcap_header(false, false, 1).u32(1).u32(0).u32(0x7fffffff).u32(4).bytes("abcd").data());
  const Lines got = read_all(huge.path);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].rfind("FILE: packet 1: invalid packet capture length 2147483647", 0), 0u) << got[0];

  const File text("this is no capture at all, it is text");
  EXPECT_EQ(read_all(text.path), Lines{"FILE: unknown file format"});
  const File wifi(pcap_header(false, false, 105).data());
  EXPECT_EQ(read_all(wifi.path), Lines{"FILE: link type IEEE802_11 (105) is not supported"});
  EXPECT_EQ(read_all("/nonexistent/x.pcap"), Lines{"FILE: No such file or directory"});
}

TEST(PcapngReader, InterfacesThatDiffer) {
  for (const bool big : {false, true}) {
    Builder b(big);
    b.section();
    b.interface(1, 65535, Builder(big).option(2, "eth0").option(0, ""));
    // Nanoseconds; a comment (1) that does not matter.
    b.interface(101, 96, Builder(big).option(1, "xyz").option(2, "tun0").option(9, "\x09").option(0, ""));
    b.enhanced(0, 7'000'005, "abc", 3);  // microseconds are the default
    b.enhanced(1, 7'000'000'005, "defgh", 1500);
    b.block(5, Builder(big).u32(0).u64(0));  // interface statistics
    // Units of 2^-10 s, and an offset.
    b.interface(1, 0, Builder(big).option(9, "\x8a").option(14, Builder(big).u64(100).data()));
    b.enhanced(2, 1024 + 512, "z", 1);
    // The obsolete packet block: interface and drop count are 16 bits each.
    b.block(2, Builder(big).u16(1).u16(9).u32(0).u32(4).u32(1).u32(1).bytes("p").pad());
    // The simple packet block: interface 0, its length limited by the snaplen.
    b.block(3, Builder(big).u32(2).bytes("sq").pad());
    const File f(b.data());
    EXPECT_EQ(read_all(f.path), (Lines{"1 7.000005000 eth0/EN10MB 3/3 abc",
                                       "2 7.000000005 tun0/RAW 1500/5 truncated defgh", "3 101.500000000 /EN10MB 1/1 z",
                                       "4 0.000000004 tun0/RAW 1/1 p", "5 0.000000004 eth0/EN10MB 2/2 sq"}));
    auto r = PcapReader::open(f.path);
    ASSERT_TRUE(r.ok());
    EXPECT_EQ((*r)->interfaces().size(), 2u);  // up to the first packet
    EXPECT_TRUE((*r)->nanoseconds());
  }
}

TEST(PcapngReader, SimplePacketIsCutAtTheSnaplen) {
  Builder b;
  b.section().interface(1, 4, Builder()).block(3, Builder().u32(1000).bytes("abcd"));
  const File f(b.data());
  EXPECT_EQ(read_all(f.path), Lines{"1 0.000000000 /EN10MB 1000/4 truncated abcd"});
}

// Sections may change the byte order, and count their interfaces anew.
TEST(PcapngReader, Sections) {
  Builder little(false), big(true);
  little.section().interface(1, 0, Builder().option(2, "a")).enhanced(0, 1'000'000, "x", 1);
  big.section().interface(101, 0, Builder(true).option(2, "b")).enhanced(0, 2'000'000, "y", 1);
  const File f(little.data() + big.data());
  EXPECT_EQ(read_all(f.path), (Lines{"1 1.000000000 a/EN10MB 1/1 x", "2 2.000000000 b/RAW 1/1 y"}));
}

TEST(PcapngReader, DamagedFiles) {
  const std::string header = Builder().section().interface(1, 0, Builder()).data();
  const std::string first = Builder().enhanced(0, 1'000'000, "abcd", 4).data();
  const std::string line = "1 1.000000000 /EN10MB 4/4 abcd";
  struct Case {
    const char* name;
    std::string tail;
    const char* error;
  };
  std::string lengths_differ = Builder().enhanced(0, 0, "efgh", 4).data();
  lengths_differ[lengths_differ.size() - 4] ^= 4;
  const Case cases[] = {
      {"odd length", Builder().u32(6).u32(33).data(), "bad block length 33"},
      {"short length", Builder().u32(6).u32(8).data(), "bad block length 8"},
      {"huge length", Builder().u32(6).u32(0x40000000).data(), "bad block length 1073741824"},
      {"lengths", lengths_differ, "a block's two lengths differ"},
      {"interface", Builder().enhanced(3, 0, "e", 1).data(), "interface 3 was not described before"},
      {"captured", Builder().block(6, Builder().u32(0).u64(0).u32(5).u32(5).bytes("abcd")).data(),
       "5 captured bytes in a block with 4"},
      {"short packet block", Builder().block(6, Builder().u32(0)).data(), "a packet block is too short"},
      {"short interface block", Builder().block(1, Builder().u32(0)).data(), "an interface block is too short"},
      {"option", Builder().block(1, Builder().u16(1).u16(0).u32(0).u16(2).u16(9).bytes("abcd")).data(),
       "an option is longer than its interface block"},
      {"link type", Builder().interface(105, 0, Builder()).data(), "interface 1: link type 105 is not supported"},
      {"resolution", Builder().interface(1, 0, Builder().option(9, "\x14")).data(), "interface 1: time resolution 20"},
      {"section magic", Builder().block(0x0a0d0d0a, Builder().u32(0x11223344).u64(0).u64(0)).data(),
       "bad byte-order magic in a section header"},
      {"version", Builder().block(0x0a0d0d0a, Builder().u32(0x1a2b3c4d).u16(2).u16(0).u64(0)).data(),
       "pcapng version 2"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const File f(header + first + c.tail);
    EXPECT_EQ(read_all(f.path), (Lines{line, std::string("FILE: packet 2: ") + c.error}));
  }
  // Cut off anywhere behind the first packet.
  const std::string whole = header + first + Builder().enhanced(0, 2'000'000, "efgh", 4).data();
  for (size_t length = header.size() + first.size(); length < whole.size(); ++length) {
    const File f(std::string_view(whole).substr(0, length));
    const Lines got = read_all(f.path);
    if (length == header.size() + first.size())
      EXPECT_EQ(got, Lines{line});
    else
      EXPECT_EQ(got, (Lines{line, "FILE: packet 2: the file ends inside a block"})) << length;
  }
  // Before there is any interface the file is refused at once.
  const File no_interface(std::string_view(header).substr(0, 30));
  EXPECT_EQ(read_all(no_interface.path), Lines{"FILE: packet 1: the file ends inside a block"});
}

TEST(PcapReader, ReadsPipes) {
  const std::string ng = Builder().section().interface(1, 0, Builder()).enhanced(0, 0, "a", 1).data();
  const std::string classic = pcap_header(false, false, 1).u32(0).u32(0).u32(1).u32(1).bytes("a").data();
  for (const std::string& content : {ng, classic}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(ends[1]);
    EXPECT_EQ(read_all("/dev/fd/" + std::to_string(ends[0])), Lines{"1 0.000000000 /EN10MB 1/1 a"});
    close(ends[0]);
  }
}

}  // namespace
}  // namespace nf
