#include "conntrack/helper/ftp.h"

#include <string>
#include <utility>

#include "conntrack/helper/ftp_words.h"
#include "conntrack/tcp_window.h"

namespace nf::ct {
namespace {

// The sequence numbers behind the last line ends of each direction.
// twin: struct nf_ct_ftp_master
struct LineEnds {
  static constexpr uint8_t kRemembered = 2;  // NUM_SEQ_TO_REMEMBER
  struct Way {
    uint32_t sequence[kRemembered];
    uint8_t count;
    bool pick_up;  // the next segment is read, wherever it begins. twin: NF_CT_FTP_SEQ_PICKUP

    // twin: find_nl_seq
    bool has(uint32_t s) const {
      for (uint8_t i = 0; i < count; ++i)
        if (sequence[i] == s) return true;
      return false;
    }
    // What is older than those known is not remembered. twin: update_nl_seq
    void add(uint32_t s) {
      if (has(s)) return;
      if (count < kRemembered) {
        sequence[count++] = s;
        return;
      }
      uint32_t& oldest = seq_before(sequence[0], sequence[1]) ? sequence[0] : sequence[1];
      if (seq_after(s, oldest)) oldest = s;
    }
  };
  Way way[2];  // [CtDirection]
};

constexpr ExpectPolicy kPolicies[] = {{"", 1, 5 * 60}};

class FtpHelper final : public Helper {
 public:
  explicit FtpHelper(FtpNat* nat) : Helper("ftp", kProtoTcp, 21), nat_(nat) {}
  std::span<const ExpectPolicy> policies() const override { return kPolicies; }
  Verdict help(const HelpInput& in) const override;
  // twin: nf_ct_ftp_from_nlattr
  void taken_over(Connection& c) const override {
    for (LineEnds::Way& way : help_of(c)->data<LineEnds>().way) way.pick_up = true;
  }

 private:
  Verdict expect(const HelpInput& in, const FtpWord& word) const;

  FtpNat* nat_;
};

Verdict FtpHelper::help(const HelpInput& in) const {
  // Until both have spoken nothing is read.
  if (in.ctinfo() != CtInfo::kEstablished && in.ctinfo() != CtInfo::kEstablishedReply) return Verdict::kAccept;
  in.p.fragment_count = 0;  // read in one piece. twin: skb_linearize
  const TcpHeader* tcp = view<TcpHeader>(in.transport());
  if (tcp == nullptr || tcp->header_length() >= in.transport().size()) return Verdict::kAccept;
  const std::span<const uint8_t> payload = in.transport().subspan(tcp->header_length());
  const uint32_t sequence = tcp->sequence.host();
  const uint32_t end = sequence + static_cast<uint32_t>(payload.size());
  const bool ends_line = payload.back() == '\n';
  LineEnds::Way& lines = in.help().data<LineEnds>().way[static_cast<size_t>(in.direction())];

  Verdict v = Verdict::kAccept;
  if (lines.has(sequence) || std::exchange(lines.pick_up, false)) {
    const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
    const FtpWord word = find_ftp_word(text, in.direction(), in.c.tuple[static_cast<size_t>(in.direction())].source);
    if (word.kind == FtpWord::Kind::kPartial)
      return drop(in, "partial matching of `" + std::string(word.pattern) + '\'');
    if (word.kind == FtpWord::Kind::kFound) v = expect(in, word);
  }
  if (ends_line) lines.add(end);
  return v;
}

Verdict FtpHelper::expect(const HelpInput& in, const FtpWord& word) const {
  const Tuple& speaker = in.c.tuple[static_cast<size_t>(in.direction())];
  const Tuple& answer = in.c.tuple[1 - static_cast<size_t>(in.direction())];
  // Else a host could open holes to others.
  if (word.address != speaker.source) return Verdict::kAccept;
  Expectation e = Expectations::make(in.c, 0, &answer.source, answer.destination, kProtoTcp, nullptr, be16(word.port));
  if (nat_ != nullptr && (in.c.status & kNatMask) != 0)
    return nat_->expect(in, word.command, word.offset, word.length, e);
  if (in.conntrack.expectations().related(e, in.now()) != ExpectError::kNone) return drop(in, "cannot add expectation");
  return Verdict::kAccept;
}

}  // namespace

std::unique_ptr<Helper> make_ftp_helper(FtpNat* nat) { return std::make_unique<FtpHelper>(nat); }

}  // namespace nf::ct
