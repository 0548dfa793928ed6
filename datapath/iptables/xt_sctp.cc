// -m sctp. twin: net/netfilter/xt_sctp.c; libxt_sctp.c
#include <bitset>
#include <cctype>
#include <vector>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/iptables/xt_ports.h"
#include "datapath/packet/sctp.h"

namespace nf::ipt {
namespace {

enum : uint8_t { kSource, kDestination, kChunkTypes };
constexpr OptionSpec kOptions[] = {
    {.name = "source-port", .id = kSource, .invertible = true},
    {.name = "sport", .id = kSource, .invertible = true},
    {.name = "destination-port", .id = kDestination, .invertible = true},
    {.name = "dport", .id = kDestination, .invertible = true},
    {.name = "chunk-types", .id = kChunkTypes, .invertible = true},
};

// `flags` are the letters of a chunk's flag byte, the highest bit first; '-' has none.
struct ChunkName {
  std::string_view name;
  uint8_t type;
  std::string_view flags;
};
constexpr std::string_view kNoFlags = "--------";
// In the order iptables knows them; it prints chunks by number.
constexpr ChunkName kChunks[] = {
    {"DATA", 0, "----IUBE"},
    {"INIT", 1, kNoFlags},
    {"INIT_ACK", 2, kNoFlags},
    {"SACK", 3, kNoFlags},
    {"HEARTBEAT", 4, kNoFlags},
    {"HEARTBEAT_ACK", 5, kNoFlags},
    {"ABORT", 6, "-------T"},
    {"SHUTDOWN", 7, kNoFlags},
    {"SHUTDOWN_ACK", 8, kNoFlags},
    {"ERROR", 9, kNoFlags},
    {"COOKIE_ECHO", 10, kNoFlags},
    {"COOKIE_ACK", 11, kNoFlags},
    {"ECN_ECNE", 12, kNoFlags},
    {"ECN_CWR", 13, kNoFlags},
    {"SHUTDOWN_COMPLETE", 14, "-------T"},
    {"I_DATA", 64, "----IUBE"},
    {"RE_CONFIG", 130, kNoFlags},
    {"PAD", 132, kNoFlags},
    {"ASCONF", 193, kNoFlags},
    {"ASCONF_ACK", 128, kNoFlags},
    {"FORWARD_TSN", 192, kNoFlags},
    {"I_FORWARD_TSN", 194, kNoFlags},
};
const ChunkName* chunk_by_type(size_t type) {
  for (const ChunkName& c : kChunks)
    if (c.type == type) return &c;
  return nullptr;
}

// twin: SCTP_CHUNK_MATCH_*
enum class Which : uint8_t { kAny, kAll, kOnly };

// What the flag byte of a type must be where `mask` says. twin: struct xt_sctp_flag_info
struct FlagTest {
  uint8_t type, mask, value;
};
constexpr size_t kMaxFlagTests = 4;  // XT_NUM_SCTP_FLAGS

class SctpMatch final : public WithOptions<Match> {
 public:
  SctpMatch() : WithOptions("sctp", kOptions, {.protocol = kProtoSctp}) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    if (spec.id == kChunkTypes) return parse_chunk_types(*text, option);
    const auto range = parse_ports(*text, option.inverted());
    if (!range) return range.error();
    (spec.id == kSource ? source_ : destination_) = *range;
    return {};
  }

  void save(std::string& out) const override {
    save_ports(out, "--sport", source_);
    save_ports(out, "--dport", destination_);
    if (!by_chunks()) return;
    out += inverted_ ? " ! --chunk-types" : " --chunk-types";
    print_chunks(out, false);
  }
  void list(std::string& out, bool numeric) const override {
    out += " sctp";
    list_ports(out, "spt", source_, "sctp", numeric);
    list_ports(out, "dpt", destination_, "sctp", numeric);
    if (!by_chunks()) return;
    if (inverted_) out += " !";
    print_chunks(out, numeric);
  }

  bool match(const MatchInput& in) override {
    if (in.fragment_offset != 0) return false;
    const SctpHeader* sctp = view<SctpHeader>(in.transport);
    if (sctp == nullptr) {
      in.hotdrop = true;
      return false;
    }
    if (!source_.matches(sctp->source.host()) || !destination_.matches(sctp->destination.host())) return false;
    return !by_chunks() || match_chunks(in) != inverted_;
  }

  bool needs_protocol() const override { return true; }
  Miss explain_miss(const MatchInput& in) const override {
    if (in.fragment_offset != 0) return later_fragment(in);
    const SctpHeader* sctp = view<SctpHeader>(in.transport);
    bool hotdrop = false;
    const MatchInput asked{in.packet, in.ip, in.transport, in.fragment_offset, in.state, hotdrop};
    const bool chunks = !by_chunks() || (match_chunks(asked) != inverted_ && !hotdrop);
    const bool destination = destination_.matches(sctp->destination.host());
    if (!source_.matches(sctp->source.host()))
      return {source_port_missed(source_, sctp->source.host()), destination && chunks};
    if (!destination) return {destination_port_missed(destination_, sctp->destination.host()), chunks};
    std::string piece = inverted_ ? "! --chunk-types" : "--chunk-types";
    print_chunks(piece, false);
    return {{"miss.chunks", {piece, chunks_of(in.transport)}, {}}};
  }

 private:
  bool by_chunks() const { return (seen() & 1u << kChunkTypes) != 0; }

  static Result<PortRange> parse_ports(std::string_view text, bool inverted) {
    PortRange range;
    range.inverted = inverted;
    const size_t colon = text.find(':');
    const auto parse = [](std::string_view t) -> Result<uint16_t> {
      const auto port = parse_port(t, "sctp");
      if (!port) return error("invalid port/service `" + std::string(t) + "' specified");
      return *port;
    };
    if (colon == text.npos) {
      const auto port = parse(text);
      if (!port) return port.error();
      range.min = range.max = *port;
      return range;
    }
    const std::string_view low = text.substr(0, colon), high = text.substr(colon + 1);
    for (const auto& [part, to] : {std::pair{low, &range.min}, std::pair{high, &range.max}}) {
      if (part.empty()) continue;
      const auto port = parse(part);
      if (!port) return port.error();
      *to = *port;
    }
    if (range.min > range.max) return error("invalid portrange (min > max)");
    return range;
  }

  Status parse_chunk_types(std::string_view which, OptionReader& option) {
    inverted_ = option.inverted();
    if (!option.has_argument()) return error("--chunk-types requires two args");
    const auto list = option.argument();
    if (!list) return list.error();
    if (equal_ignoring_case(which, "ANY")) {
      which_ = Which::kAny;
    } else if (equal_ignoring_case(which, "ALL")) {
      which_ = Which::kAll;
    } else if (equal_ignoring_case(which, "ONLY")) {
      which_ = Which::kOnly;
    } else {
      return error("Match type has to be one of \"ALL\", \"ANY\" or \"ONLY\"");
    }
    if (equal_ignoring_case(*list, "ALL")) {
      chunks_.set();
      return {};
    }
    if (equal_ignoring_case(*list, "NONE")) return {};
    for (const std::string_view word : split(*list, ',')) {
      const size_t colon = word.find(':');
      const std::string_view name = word.substr(0, colon);
      const ChunkName* found = nullptr;
      for (const ChunkName& c : kChunks)
        if (equal_ignoring_case(c.name, name)) found = &c;
      if (found == nullptr) return error("Unknown sctp chunk `" + std::string(name) + "'");
      chunks_.set(found->type);
      if (colon == word.npos) continue;
      for (const char letter : word.substr(colon + 1))
        if (Status s = parse_flag(*found, letter); !s) return s;
    }
    return {};
  }

  // A capital letter: the flag must be set, a small one: it must not.
  Status parse_flag(const ChunkName& chunk, char letter) {
    const size_t place = chunk.flags.find(static_cast<char>(std::toupper(static_cast<unsigned char>(letter))));
    if (letter == '-' || place == chunk.flags.npos) return error(strf("Invalid flags for chunk type %d", chunk.type));
    const auto bit = static_cast<uint8_t>(1u << (7 - place));
    FlagTest* test = nullptr;
    for (FlagTest& t : flag_tests_)
      if (t.type == chunk.type) test = &t;
    if (test == nullptr) {
      if (flag_tests_.size() == kMaxFlagTests) return error("Number of flags exceeds the limit");
      test = &flag_tests_.emplace_back(FlagTest{chunk.type, 0, 0});
    }
    test->mask |= bit;
    if (std::isupper(static_cast<unsigned char>(letter)) != 0) test->value |= bit;
    return {};
  }

  void print_chunks(std::string& out, bool numeric) const {
    out += which_ == Which::kAny ? " any" : which_ == Which::kAll ? " all" : " only";
    if (chunks_.none()) {
      out += " NONE";
      return;
    }
    if (chunks_.all()) {
      out += " ALL";
      return;
    }
    char separator = ' ';
    for (size_t type = 0; type < chunks_.size(); ++type) {
      if (!chunks_.test(type)) continue;
      const ChunkName* chunk = chunk_by_type(type);
      out += separator;
      separator = ',';
      if (numeric || chunk == nullptr)
        out += strf("0x%04zX", type);
      else
        out += chunk->name;
      for (const FlagTest& t : flag_tests_) {
        if (t.type != type || chunk == nullptr) continue;
        out += ':';
        for (size_t place = 0; place < 8; ++place) {
          const auto bit = static_cast<uint8_t>(1u << (7 - place));
          if ((t.mask & bit) == 0) continue;
          const char letter = chunk->flags[place];
          out += (t.value & bit) != 0 ? letter : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
        }
      }
    }
  }

  bool flags_fit(uint8_t type, uint8_t flags) const {
    for (const FlagTest& t : flag_tests_)
      if (t.type == type) return (flags & t.mask) == t.value;
    return true;
  }

  // Of a packet whose chunks were walked to the end.
  static std::string chunks_of(std::span<const uint8_t> transport) {
    std::string out;
    for (size_t at = sizeof(SctpHeader); at + 4 <= transport.size();) {
      const size_t length = view<Be16>(transport, at + 2)->host();
      if (length == 0) break;
      const ChunkName* chunk = chunk_by_type(transport[at]);
      if (!out.empty()) out += ',';
      out += chunk != nullptr ? std::string(chunk->name) : strf("0x%02x", transport[at]);
      if (transport[at + 1] != 0) out += strf(":0x%02x", transport[at + 1]);
      at += (length + 3) & ~size_t{3};
    }
    return out.empty() ? "NONE" : out;
  }

  // twin: match_packet
  bool match_chunks(const MatchInput& in) const {
    std::bitset<256> wanted = which_ == Which::kAll ? chunks_ : std::bitset<256>();
    for (size_t at = sizeof(SctpHeader); at < in.transport.size();) {
      if (at + 4 > in.transport.size() || view<Be16>(in.transport, at + 2)->host() == 0) {
        in.hotdrop = true;
        return false;
      }
      const uint8_t type = in.transport[at], flags = in.transport[at + 1];
      at += (size_t{view<Be16>(in.transport, at + 2)->host()} + 3) & ~size_t{3};
      const bool here = chunks_.test(type) && flags_fit(type, flags);
      switch (which_) {
        case Which::kAny:
          if (here) return true;
          break;
        case Which::kAll:
          if (here) wanted.reset(type);
          break;
        case Which::kOnly:
          if (!here) return false;
          break;
      }
    }
    return which_ == Which::kOnly || (which_ == Which::kAll && wanted.none());
  }

  PortRange source_, destination_;
  std::bitset<256> chunks_;
  Which which_ = Which::kAny;
  bool inverted_ = false;
  std::vector<FlagTest> flag_tests_;
};

}  // namespace

void register_sctp(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"sctp", [] { return std::make_unique<SctpMatch>(); }});
}

}  // namespace nf::ipt
