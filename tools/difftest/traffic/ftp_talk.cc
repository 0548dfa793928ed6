// An FTP session (RFC 959, RFC 2428): a control connection in which both sides say where they are to be dialled, now
// and then wrongly, and the data connections that come of it.
#include <array>

#include "datapath/base/text.h"
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/line_talk.h"

namespace nf::difftest {
namespace {

class FtpTalk final : public Talk {
 public:
  FtpTalk(TrafficContext& context, uint32_t flow)
      : control_(context, flow), rounds_(1 + static_cast<int>(context.below(4))) {}

  bool speak(TrafficContext& context) override {
    if (data_ != nullptr && context.chance(700)) {
      if (!data_->speak(context)) data_.reset();
      return true;
    }
    if (control_.speak(context)) return true;
    switch (next_++) {
      case 0:
        control_.open(context);
        return true;
      case 1:
        control_.say(context, End::kServer, "220 ready\r\n");
        return true;
      case 2:
        control_.say(context, End::kClient, context.chance(900) ? "USER ann\r\n" : "USER ann");
        return true;
      case 3:
        control_.say(context, End::kServer, "230 come in\r\n");
        return true;
      default:
        break;
    }
    if (rounds_-- > 0) {
      announce(context);
      return true;
    }
    if (closing_) return data_ != nullptr;
    closing_ = true;
    control_.close(context);
    return true;
  }

 private:
  uint16_t port(TrafficContext& context) {
    const uint32_t kind = context.below(10);
    if (kind < 4) return static_cast<uint16_t>(50000 + context.below(3));  // what others announce, too
    if (kind < 5) return context.pick<uint16_t>({1, 20, 1023, 1024, 65535});
    return static_cast<uint16_t>(1024 + context.below(64000));
  }

  void announce(TrafficContext& context) {
    const uint16_t p = port(context);
    const uint32_t kind = context.below(100);
    const std::string port_text = std::to_string(p), halves = strf("%u,%u", p >> 8, p & 0xff);
    std::string words;
    End from = End::kClient;
    if (kind < 35) {
      words = "PORT %c," + halves + "\r\n";
    } else if (kind < 45) {
      words = "EPRT |1|%a|" + port_text + "|\r\n";
    } else if (kind < 75) {
      control_.say(context, End::kClient, "PASV\r\n");
      words = "227 Entering Passive Mode (%c," + halves + ").%~\r\n";
      from = End::kServer;
    } else {
      control_.say(context, End::kClient, "EPSV\r\n");
      words = "229 Extended (|||" + port_text + "|)%~\r\n";
      from = End::kServer;
    }
    if (context.odd(60)) words = odd_words(context, from, halves);
    const uint16_t id = control_.say(context, from, words);
    const bool active = from == End::kClient;
    if (active && context.chance(800)) control_.say(context, End::kServer, "200 fine\r\n");
    if (context.odd(30)) return;  // and nobody comes
    data_ = make_tcp_talk(
        context, context.new_announced_flow(control_.flow(), active ? End::kServer : End::kClient, kProtoTcp, id,
                                            active && context.chance(700) ? uint16_t{20} : uint16_t{0}));
  }

  static std::string odd_words(TrafficContext& context, End from, const std::string& halves) {
    if (from == End::kClient)
      return context.pick<std::string>({"PORT %C," + halves + "\r\n", "PORT %c," + halves + "\n", "PORT %c,256,1\r\n",
                                        "port %c,0,50000\r\n", "PORT", "EPRT |2|::1|50000|\r\n",
                                        "EPRT !1!%a!50001!\r\n", "NOOP\r\nPORT %c," + halves + "\r\n",
                                        "PORT 10,0,0,1," + halves + "\r\n"});
    return context.pick<std::string>({"227 %C," + halves + "%~\r\n", "227 =%c," + halves + "%~\r\n", "227 gone%~\r\n",
                                      "229 (!!!50000!)%~\r\n", "229 |||50000|%~\r\n", "22",
                                      "227-not yet\r\n227 (%c," + halves + ")%~\r\n"});
  }

  LineTalk control_;
  std::unique_ptr<Talk> data_;
  int next_ = 0, rounds_;
  bool closing_ = false;
};

// Six numbers with commas between them, from the first digit on.
std::optional<Announcement> six_numbers(std::string_view text) {
  const size_t begin = text.find_first_of("0123456789");
  if (begin == text.npos) return std::nullopt;
  std::array<uint32_t, 6> n{};
  size_t i = 0;
  for (const char c : text.substr(begin)) {
    if (c >= '0' && c <= '9')
      n[i] = n[i] * 10 + static_cast<uint32_t>(c - '0');
    else if (c != ',' || ++i == n.size())
      break;
  }
  if (i != n.size() - 1) return std::nullopt;
  return Announcement{be32(n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3]), static_cast<uint16_t>(n[4] << 8 | n[5])};
}

}  // namespace

std::unique_ptr<Talk> make_ftp_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<FtpTalk>(context, flow);
}

std::optional<Announcement> announced_by_ftp(std::string_view payload) {
  if (payload.starts_with("PORT ")) return six_numbers(payload.substr(5));
  if (payload.starts_with("227 ")) return six_numbers(payload.substr(4));
  const size_t begin = payload.starts_with("EPRT ") ? 5 : payload.starts_with("229 ") ? payload.find('(') + 1 : 0;
  if (begin == 0 || begin >= payload.size()) return std::nullopt;
  const auto parts = split(payload.substr(begin), payload[begin]);
  if (parts.size() < 4) return std::nullopt;
  const auto port = parse_number(parts[3], 65535);
  if (!port) return std::nullopt;
  Announcement out{std::nullopt, static_cast<uint16_t>(*port)};
  if (!parts[2].empty()) out.address = parse_ipv4(parts[2]);
  return out;
}

}  // namespace nf::difftest
