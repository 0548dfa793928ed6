#include "datapath/base/text.h"
#include "datapath/iptables/protocols.h"
#include "tools/scenario/packet_text.h"
#include "tools/scenario/sctp_chunks.h"

namespace nf::scenario {
namespace {

Error bad(std::string_view what, std::string_view text) {
  return error("\"" + std::string(text) + "\" is not " + std::string(what));
}

// Words, and as one word each: <TCP options>, "text", [ a packet ].
Result<std::vector<std::string>> packet_words(std::string_view s) {
  std::vector<std::string> words;
  for (size_t i = 0; i < s.size();) {
    if (s[i] == ' ' || s[i] == '\t') {
      ++i;
      continue;
    }
    size_t end = i;
    if (s[i] == '<') {
      end = s.find('>', i);
      if (end == std::string_view::npos) return error("\"<\" without \">\"");
      ++end;
    } else if (s[i] == '"') {
      for (end = i + 1; end < s.size() && s[end] != '"'; ++end)
        if (s[end] == '\\') ++end;
      if (end >= s.size()) return error("text without its closing quote");
      ++end;
    } else if (s[i] == '[') {
      int depth = 0;
      for (end = i; end < s.size(); ++end) {
        depth += s[end] == '[' ? 1 : s[end] == ']' ? -1 : 0;
        if (depth == 0) break;
      }
      if (end == s.size()) return error("\"[\" without \"]\"");
      ++end;
    } else {
      while (end < s.size() && s[end] != ' ' && s[end] != '\t') ++end;
    }
    words.emplace_back(s.substr(i, end - i));
    i = end;
  }
  return words;
}

// What stands between quotes. \n \r \t \\ \" and \xHH.
Result<std::vector<uint8_t>> quoted_text(std::string_view word) {
  std::vector<uint8_t> out;
  for (size_t i = 1; i + 1 < word.size(); ++i) {
    if (word[i] != '\\') {
      out.push_back(static_cast<uint8_t>(word[i]));
      continue;
    }
    const char c = word[++i];
    if (c == 'x') {
      const auto byte = parse_hex("0x" + std::string(word.substr(i + 1, 2)));
      if (!byte || byte->size() != 1) return error("\\x needs two hexadecimal digits");
      out.push_back((*byte)[0]);
      i += 2;
    } else if (const size_t known = std::string_view("nrt\\\"").find(c); known != std::string_view::npos) {
      out.push_back(static_cast<uint8_t>("\n\r\t\\\""[known]));
    } else {
      return error(strf("\\%c is not known: \\n \\r \\t \\\\ \\\" \\xHH", c));
    }
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::vector<std::string> words) : words_(std::move(words)) {}

  Result<PacketSpec> parse() {
    const std::string kind = take("a packet");
    if (failed_) return error_;
    if (kind == "frame") {
      whole_frame();
    } else if (kind == "arp") {
      arp();
    } else {
      ip(kind);
      while (!failed_ && !at_end()) option();
      if (!failed_) check();
    }
    if (!failed_ && !at_end()) fail("unexpected \"" + words_[at_] + "\"");
    if (failed_) return error_;
    return std::move(spec_);
  }

 private:
  bool at_end() const { return at_ == words_.size(); }
  std::string take(const char* what) {
    if (!at_end()) return words_[at_++];
    fail(std::string(what) + " is missing");
    return {};
  }
  bool take_if(std::string_view word) {
    if (at_end() || words_[at_] != word) return false;
    ++at_;
    return true;
  }
  void need(const char* word) {
    if (!failed_ && !take_if(word))
      fail(at_end() ? "\"" + std::string(word) + "\" is missing"
                    : "\"" + std::string(word) + "\" should stand before \"" + words_[at_] + "\"");
  }
  void fail(std::string text) {
    if (!failed_) error_ = error(std::move(text));
    failed_ = true;
  }
  template <class T>
  T keep(Result<T> r) {
    if (r) return r.take();
    fail(r.error().text);
    return T{};
  }

  Value value(const char* what, uint32_t max) {
    const std::string word = take(what);
    return failed_ ? Value{} : keep(parse_value(word, max));
  }
  Value address() {
    const std::string word = take("an address");
    return failed_ ? Value{} : keep(parse_address(word));
  }
  MacAddress mac() {
    const std::string word = take("a link address");
    const auto parsed = parse_mac(word);
    if (!failed_ && !parsed) fail(bad("a link address", word).text);
    return parsed.value_or(MacAddress{});
  }
  std::vector<uint8_t> hex(const char* what) {
    const std::string word = take(what);
    const auto parsed = parse_hex(word);
    if (!failed_ && !parsed) fail(bad("hexadecimal, 0x and an even number of digits", word).text);
    return parsed.value_or(std::vector<uint8_t>{});
  }

  void whole_frame() {
    spec_.form = Form::kBytes;
    spec_.bytes = hex("0xHEX");
  }

  void arp() {
    if (take_if("who-has")) {
      spec_.form = Form::kArpRequest;
      spec_.destination = address();
      need("tell");
      spec_.source = address();
    } else if (take_if("reply")) {
      spec_.form = Form::kArpReply;
      spec_.source = address();
      need("is-at");
      spec_.arp_mac = mac();
      if (take_if("to")) spec_.destination = address();
    } else {
      return fail("arp needs \"who-has B tell A\" or \"reply A is-at MAC\"");
    }
    while (!failed_ && !at_end()) option();
  }

  // A:PORT or, for fragments and protocols without ports, A.
  void end_point(std::optional<Value>& where, std::optional<Value>& port) {
    const std::string word = take("an address");
    if (failed_) return;
    const size_t colon = word.find(':');
    where = keep(parse_address(std::string_view(word).substr(0, colon)));
    if (failed_) return;
    const bool ports = spec_.form == Form::kTcp || spec_.form == Form::kUdp || spec_.form == Form::kSctp;
    if (colon == std::string::npos) {
      if (ports) fail("\"" + word + "\" needs a port: A:PORT");
    } else if (!ports) {
      fail("\"" + word + "\": this protocol has no ports");
    } else {
      port = keep(parse_value(std::string_view(word).substr(colon + 1), UINT16_MAX));
    }
  }

  void ip(const std::string& kind) {
    if (kind == "tcp" || kind == "udp" || kind == "udplite" || kind == "icmp") {
      spec_.form = kind == "tcp" ? Form::kTcp : kind == "icmp" ? Form::kIcmp : Form::kUdp;
      spec_.protocol = kind == "tcp"    ? kProtoTcp
                       : kind == "udp"  ? kProtoUdp
                       : kind == "icmp" ? kProtoIcmp
                                        : kProtoUdplite;
    } else if (kind == "sctp" && !at_end() && words_[at_].find(':') != std::string::npos) {
      spec_.form = Form::kSctp;
      spec_.protocol = kProtoSctp;
    } else {
      spec_.form = Form::kOther;
      const std::string name = kind == "proto" ? take("a protocol") : kind;
      if (failed_) return;
      const auto protocol = ipt::parse_protocol(name);
      if (!protocol || (kind != "proto" && parse_number(name)))
        return fail(bad("a packet: tcp, udp, udplite, icmp, proto N, a protocol's name, arp or frame", name).text);
      spec_.protocol = *protocol;
    }
    end_point(spec_.source, spec_.source_port);
    need(">");
    end_point(spec_.destination, spec_.destination_port);
    if (failed_) return;
    if (spec_.form == Form::kTcp) flags();
    if (spec_.form == Form::kIcmp) icmp();
  }

  void flags() {
    if (at_end()) return;
    const std::string& word = words_[at_];
    constexpr std::string_view kLetters = "FSRPAUEW";
    if (word != "0" && word.find_first_not_of(kLetters) != std::string::npos) return;
    uint8_t flags = 0;
    for (const char c : word)
      if (c != '0') flags = static_cast<uint8_t>(flags | 1u << kLetters.find(c));
    spec_.tcp_flags = flags;
    ++at_;
  }

  void icmp() {
    const std::string word = take("an ICMP type");
    if (failed_) return;
    if (const IcmpName* name = icmp_by_name(word)) {
      spec_.icmp_type = name->type;
      spec_.icmp_code = name->code;
      return;
    }
    const auto parts = split(word, '/');
    const auto type = parse_number(parts[0], UINT8_MAX);
    const auto code = parts.size() == 2 ? parse_number(parts[1], UINT8_MAX) : std::nullopt;
    if (!type || !code) return fail(bad("an ICMP type: a name or TYPE/CODE", word).text);
    spec_.icmp_type = static_cast<uint8_t>(*type);
    spec_.icmp_code = static_cast<uint8_t>(*code);
  }

  void option() {
    const std::string word = take("an option");
    if (word[0] == '<') {
      if (spec_.form == Form::kSctp) {
        Result<std::vector<uint8_t>> chunks = parse_sctp_chunks(std::string_view(word).substr(1, word.size() - 2));
        return chunks ? payload(chunks.take()) : fail(chunks.error().text);
      }
      if (spec_.form != Form::kTcp) return fail("TCP options behind a packet that is not TCP");
      spec_.tcp_options = keep(parse_tcp_options(std::string_view(word).substr(1, word.size() - 2)));
    } else if (word[0] == '[') {
      quote(word);
    } else if (word == "mac") {
      spec_.mac_source = mac();
      need(">");
      if (!failed_) spec_.mac_destination = mac();
    } else if (word == "gateway" && spec_.form == Form::kIcmp) {
      spec_[Field::kGateway] = address();
    } else if (const FieldWord* field = field_by_word(word, spec_)) {
      if (spec_[field->field]) return fail("\"" + word + "\" twice");
      spec_[field->field] = value(word.c_str(), field->max);
    } else if (spec_.form == Form::kArpRequest || spec_.form == Form::kArpReply || !ip_option(word)) {
      fail("unexpected \"" + word + "\"");
    }
  }

  bool ip_option(const std::string& word) {
    if (word == "df") {
      spec_.df = true;
    } else if (word == "no-df") {
      spec_.no_df = true;
    } else if (word == "mf") {
      spec_.mf = true;
    } else if (word == "bad-sum") {
      spec_.bad_sum = true;
    } else if (word == "bad-ip-sum") {
      spec_.bad_ip_sum = true;
    } else if (word == "no-sum" && spec_.form == Form::kUdp) {
      spec_.no_sum = true;
    } else if (word == "opt") {
      spec_.ip_options = hex("0xHEX");
      while (spec_.ip_options->size() % 4 != 0) spec_.ip_options->push_back(0);
      if (spec_.ip_options->size() > 40) fail("IP options: a header has room for 40 bytes");
    } else if (word == "len") {
      const Value v = value("len", UINT16_MAX);
      if (!failed_ && !v.plain()) return fail("len needs a number"), true;
      if (!failed_) payload(counting_payload(v.low));
    } else if (word == "data") {
      if (!at_end() && words_[at_][0] == '"')
        payload(keep(quoted_text(words_[at_++])));
      else
        payload(hex("\"text\" or 0xHEX"));
    } else {
      return false;
    }
    return true;
  }

  void payload(std::vector<uint8_t> bytes) {
    if (spec_.payload) return fail("two payloads");
    spec_.payload = std::move(bytes);
  }

  void quote(const std::string& word) {
    if (spec_.form != Form::kIcmp) return fail("only ICMP quotes a packet");
    if (spec_.quote != nullptr) return fail("two quotes");
    if (++quotes_ > 1) return;
    Result<PacketSpec> inner = parse_packet(std::string_view(word).substr(1, word.size() - 2));
    if (!inner) return fail("in [ ]: " + inner.error().text);
    if (inner->form == Form::kArpRequest || inner->form == Form::kArpReply) return fail("in [ ]: ARP is not quoted");
    spec_.quote = std::make_shared<const PacketSpec>(inner.take());
  }

  void check() {
    if (spec_.quote != nullptr && spec_.payload) return fail("a quote and a payload");
    if (spec_.df && spec_.no_df) return fail("df and no-df");
    if (spec_[Field::kPart] && !spec_[Field::kPart]->plain()) return fail("part needs a number");
    if (const auto& offset = spec_[Field::kFragment]; offset && (!offset->plain() || offset->low % 8 != 0))
      return fail("frag needs a multiple of 8");
    if (spec_.bad_sum && spec_.form == Form::kOther) fail("bad-sum: this protocol has no sum that is known here");
  }

  std::vector<std::string> words_;
  size_t at_ = 0;
  int quotes_ = 0;
  bool failed_ = false;
  Error error_;
  PacketSpec spec_;
};

}  // namespace

Result<PacketSpec> parse_packet(std::string_view text) {
  Result<std::vector<std::string>> words = packet_words(text);
  if (!words) return words.error();
  return Parser(words.take()).parse();
}

}  // namespace nf::scenario
