// SIP (RFC 3261) over UDP and over TCP: bindings, calls with descriptions of their media, and what is wrong with them.
#include <memory>
#include <optional>

#include "datapath/base/text.h"
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/line_talk.h"
#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

End other(End which) { return which == End::kClient ? End::kServer : End::kClient; }

class SipTalk final : public Talk {
 public:
  SipTalk(TrafficContext& context, uint32_t flow, bool registers)
      : flow_(flow), messages_(2 + static_cast<int>(context.below(14))), registers_(registers) {
    if (context.flow(flow).protocol == kProtoTcp) {
      line_.emplace(context, flow);
      line_->open(context);
    }
    for (uint16_t& port : media_)
      port = context.chance(700) ? static_cast<uint16_t>(4000 + 2 * context.below(4))
                                 : static_cast<uint16_t>(1024 + context.below(64500));
    cseq_ = context.chance(900) ? 1 : context.u32();
  }

  bool speak(TrafficContext& context) override {
    if (data_ != nullptr && context.chance(500)) {
      if (!data_->speak(context)) data_.reset();
      return true;
    }
    if (line_ && line_->speak(context)) return true;
    if (messages_-- > 0) {
      message(context);
      return true;
    }
    if (line_ && !closing_) {
      closing_ = true;
      line_->close(context);
      return true;
    }
    return data_ != nullptr;
  }

 private:
  void message(TrafficContext& context) {
    // Questions mostly of the client, answers mostly to the last question.
    std::string text;
    End from;
    if (asked_ && context.chance(600)) {
      from = other(*asked_);
      text = answer(context, from);
    } else {
      from = context.chance(850) ? End::kClient : End::kServer;
      text = question(context, from);
    }
    const bool describes = text.find("\nm=") != std::string::npos;
    spoil(context, text);
    const uint16_t id = say(context, from, text);
    if (data_ != nullptr && context.chance(500)) return;
    if (describes && context.chance(800)) {
      const uint16_t port = context.chance(600) ? media_[static_cast<size_t>(other(from))] : uint16_t{0};
      data_ = make_datagram_talk(context, context.new_announced_flow(flow_, other(from), kProtoUdp, id, port));
    } else if (registers_ && method_ == "REGISTER" && from == End::kClient) {
      registered_by_ = id;
    } else if (registered_by_ != 0 && method_ == "REGISTER" && context.chance(700)) {
      const uint8_t protocol = context.flow(flow_).protocol;
      const uint32_t call = context.new_announced_flow(flow_, End::kServer, protocol, registered_by_, 0);
      if (protocol == kProtoUdp)
        data_ = std::make_unique<SipTalk>(context, call, false);
      else
        data_ = make_tcp_talk(context, call);
    }
  }

  uint16_t say(TrafficContext& context, End from, std::string_view words) {
    if (line_) {
      // Now and then a message comes in two segments, or two in one.
      if (context.chance(80)) {
        held_ += words;
        return context.next_id();
      }
      const std::string all = held_ + std::string(words);
      held_.clear();
      const size_t cut = context.chance(80) ? all.find("\r\n", context.below(static_cast<uint32_t>(all.size() + 1)))
                                            : std::string::npos;
      if (cut != std::string::npos && cut + 2 < all.size()) {
        line_->say(context, from, std::string_view(all).substr(0, cut + 2));
        return line_->say(context, from, std::string_view(all).substr(cut + 2));
      }
      return all.empty() ? context.next_id() : line_->say(context, from, all);
    }
    Step step = context.packet(flow_, from, "SIP");
    step.data.assign(words.begin(), words.end());
    step.words_length = static_cast<uint16_t>(longest_words(words));
    const uint16_t id = step.id;
    context.send(std::move(step));
    return id;
  }

  std::string question(TrafficContext& context, End from) {
    if (registers_ && context.chance(asked_ ? 150 : 500))
      method_ = "REGISTER";
    else
      method_ = context.pick<std::string_view>(
          {"INVITE", "INVITE", "INVITE", "ACK", "BYE", "UPDATE", "PRACK", "CANCEL", "OPTIONS"});
    if (method_ != "ACK" && method_ != "CANCEL" && context.chance(900)) ++cseq_;
    asked_ = from;
    std::string out =
        std::string(method_) +
        context.pick<std::string>({" sip:bob@%A SIP/2.0", " sip:%A:%P SIP/2.0", " sip:bob@example.org SIP/2.0",
                                   " sip:bob@%A:%P;transport=udp SIP/2.0"}) +
        "\r\n";
    via(context, out, "%a", "%p");
    from_and_to(context, out, "%a:%p", "%A");
    if (context.chance(850)) contact(context, out, "%a", "%p");
    if (method_ == "REGISTER" && context.chance(800))
      out += "Expires: " + std::to_string(context.pick<unsigned>({600, 600, 3600, 60, 0, 17179871})) + "\r\n";
    const bool describes = method_ == "INVITE" ? context.chance(850) : method_ != "REGISTER" && context.chance(300);
    return finish(context, std::move(out), from, describes);
  }

  std::string answer(TrafficContext& context, End from) {
    const unsigned code = context.pick<unsigned>({200, 200, 200, 200, 183, 180, 100, 302, 403, 486, 487, 500, 699});
    std::string out = "SIP/2.0 " + std::to_string(code) + " Answer\r\n";
    via(context, out, "%A", "%P");
    from_and_to(context, out, "%A:%P", "%a");
    if (method_ == "REGISTER")
      contact(context, out, "%A", "%P");
    else if (context.chance(600))
      contact(context, out, "%a", "%p");
    if (method_ == "REGISTER" && context.chance(400)) out += "Expires: 300\r\n";
    const bool describes = method_ != "REGISTER" && (code == 200 || code == 183) && context.chance(700);
    return finish(context, std::move(out), from, describes);
  }

  void via(TrafficContext& context, std::string& out, const std::string& address, const std::string& port) {
    out += context.pick<std::string>({"Via: SIP/2.0/", "Via: SIP/2.0/", "v: SIP/2.0/", "VIA : SIP/2.0/"});
    out += line_.has_value() != context.odd(40) ? "TCP " : "UDP ";
    out += address;
    if (context.chance(850)) out += ":" + (context.odd(120) ? std::string("5060") : port);
    if (context.chance(400)) out += ";rport=" + (context.odd(100) ? std::string("0x13c4") : port);
    if (context.chance(300)) out += ";received=" + address;
    if (context.odd(80)) out += ";maddr=" + address;
    out += ";branch=z9hG4bK1\r\n";
  }

  static void from_and_to(TrafficContext& context, std::string& out, const std::string& from, const std::string& to) {
    out += context.chance(500) ? "From: <sip:ann@example.org>;tag=a\r\n" : "f: Ann <sip:ann@" + from + ">;tag=a\r\n";
    out += context.chance(500) ? "To: <sip:bob@example.org>\r\n" : "t: <sip:" + to + ">\r\n";
  }

  static void contact(TrafficContext& context, std::string& out, const std::string& address, const std::string& port) {
    const auto one = [&] {
      std::string where = context.odd(60) ? "10.9.9.9" : address;
      if (context.chance(850)) where += ":" + (context.odd(120) ? std::string("5062") : port);
      std::string text = "<sip:ann@" + where + ">";
      if (context.chance(250)) text += ";expires=" + std::to_string(context.pick<unsigned>({60, 300, 0}));
      if (context.odd(60)) text += context.pick<std::string>({";transport=tcp", ";transport=UDP", ";expires=x"});
      return text;
    };
    out += (context.chance(700) ? "Contact: " : "m:\t") + one();
    if (context.odd(120)) out += (context.chance(500) ? ",\r\n  " : ", ") + one();
    out += "\r\n";
  }

  std::string finish(TrafficContext& context, std::string out, End from, bool describes) {
    out += "CSeq: " + std::to_string(cseq_) + " " + std::string(method_) + "\r\n";
    std::string body = describes ? description(context, from) : std::string();
    if (!describes && context.chance(100)) body = "hello\r\n";
    // How long an address will be is known of the client alone, and counts over TCP alone.
    const Flow& flow = context.flow(flow_);
    const size_t length =
        from == End::kClient
            ? words_length(body, {flow.client_address, flow.server_address, flow.client_port, flow.server_port})
            : longest_words(body);
    if (!context.odd(40)) out += (context.chance(800) ? "Content-Length: " : "l:  ") + std::to_string(length) + "\r\n";
    if (from == End::kServer || !line_) out += "User-Agent:%~ x\r\n";
    return out + "\r\n" + body;
  }

  std::string description(TrafficContext& context, End from) {
    // Of a server over TCP the text must be as long as Content-Length says.
    const std::string own =
        line_ && from == End::kServer ? format_ipv4(context.flow(flow_).server_address) : std::string("%a");
    const std::string where = "c=IN IP4 " + (context.odd(50) ? std::string("10.9.9.9") : own) + "\r\n";
    const bool each = context.chance(250);
    std::string out =
        "v=0\r\no=ann 1 1 IN IP4 " + own + "\r\ns=-\r\n" + (each && !context.odd(300) ? "" : where) + "t=0 0\r\n";
    for (uint32_t n = context.chance(700) ? 1 : context.below(5); n > 0; --n) {
      unsigned port = media_[static_cast<size_t>(from)];
      if (n > 1) port = (port + 2 * n) & 0xffff;
      if (context.odd(100)) port = context.pick<unsigned>({0, 0, port | 1, 1023, 65535, 65536, 5060});
      out += "m=" + context.pick<std::string>({"audio", "audio", "audio", "video", "image", "application"}) + " " +
             std::to_string(port) + " RTP/AVP 0\r\n";
      if (each) out += where;
    }
    return out;
  }

  // What no parser should trip over.
  static void spoil(TrafficContext& context, std::string& text) {
    if (!context.odd(60)) return;
    const size_t at = context.below(static_cast<uint32_t>(text.size()));
    const auto remove = [&](std::string_view word) {
      if (const size_t found = text.find(word); found != std::string::npos) text.erase(found, word.size());
    };
    switch (context.below(9)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text[at] = context.pick<char>({' ', '\r', '\n', ':', '0', 'x', '\xe4', ','});
        break;
      case 2:
        text.insert(at, context.pick<std::string>({"\r\n ", "\r\n", " ", "\n\n", "00000000000", "\xff"}));
        break;
      case 3:
        text.erase(at, context.below(30));
        break;
      case 4:
        remove("CSeq: ");
        break;
      case 5:
        remove("\r");
        break;
      case 6:
        remove("o=ann 1 1 IN IP4 ");
        break;
      case 7:
        for (char& c : text)
          if (c != 'a' && c != 'p' && c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
        break;
      default:
        text += context.pick<std::string>({"\r\n", "\r\nCSeq: 1 X\r\n", "m=audio 4000\r\n"});
    }
  }

  uint32_t flow_;
  int messages_;
  bool registers_, closing_ = false;
  uint32_t cseq_;
  uint16_t media_[2];                   // [End]
  std::string_view method_ = "INVITE";  // of the last question
  std::optional<End> asked_;            // who has asked last
  uint16_t registered_by_ = 0;          // step of the last REGISTER; 0: none
  std::optional<LineTalk> line_;        // over TCP
  std::string held_;                    // said in one segment with what comes next
  std::unique_ptr<Talk> data_;
};

}  // namespace

std::unique_ptr<Talk> make_sip_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<SipTalk>(context, flow, context.chance(700));
}

std::optional<Announcement> announced_by_sip(std::string_view payload) {
  const auto number_behind = [&](size_t at) {
    return payload.substr(at, payload.find_first_not_of("0123456789", at) - at);
  };
  const auto address_behind = [&](size_t at) {
    return parse_ipv4(payload.substr(at, payload.find_first_not_of("0123456789.", at) - at));
  };
  if (const size_t media = payload.find("\nm="); media != std::string_view::npos) {
    const size_t blank = payload.find(' ', media);
    const size_t where = payload.find("c=IN IP4 ");
    if (blank == std::string_view::npos || where == std::string_view::npos) return std::nullopt;
    const auto port = parse_number(number_behind(blank + 1), 65535);
    const auto address = address_behind(where + 9);
    if (!port || *port == 0 || !address) return std::nullopt;
    return Announcement{*address, static_cast<uint16_t>(*port)};
  }
  const size_t last = payload.rfind("sip:ann@");  // Contact stands behind From
  if (!payload.starts_with("REGISTER") || last == std::string_view::npos) return std::nullopt;
  const auto address = address_behind(last + 8);
  if (!address) return std::nullopt;
  const size_t end = payload.find_first_not_of("0123456789.", last + 8);
  if (end == std::string_view::npos || payload[end] != ':') return Announcement{*address, 5060};
  const auto port = parse_number(number_behind(end + 1), 65535);
  if (!port || *port == 0) return std::nullopt;
  return Announcement{*address, static_cast<uint16_t>(*port)};
}

}  // namespace nf::difftest
