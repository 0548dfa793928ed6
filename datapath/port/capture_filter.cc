#include "datapath/port/capture_filter.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <cstdlib>

#include "datapath/base/text.h"
#include "datapath/port/pcap_writer.h"

namespace nf {
namespace {

constexpr uint64_t kMaxInstructions = 4096;  // twin: BPF_MAXINSNS

// What libpcap's interpreter knows. It aborts on any other code, and its bpf_validate lets some of those pass.
constexpr uint16_t kCodes[] = {
    BPF_RET | BPF_K,
    BPF_RET | BPF_A,
    BPF_LD | BPF_W | BPF_ABS,
    BPF_LD | BPF_H | BPF_ABS,
    BPF_LD | BPF_B | BPF_ABS,
    BPF_LD | BPF_W | BPF_IND,
    BPF_LD | BPF_H | BPF_IND,
    BPF_LD | BPF_B | BPF_IND,
    BPF_LD | BPF_W | BPF_LEN,
    BPF_LD | BPF_IMM,
    BPF_LD | BPF_MEM,
    BPF_LDX | BPF_W | BPF_LEN,
    BPF_LDX | BPF_B | BPF_MSH,
    BPF_LDX | BPF_IMM,
    BPF_LDX | BPF_MEM,
    BPF_ST,
    BPF_STX,
    BPF_JMP | BPF_JA,
    BPF_JMP | BPF_JEQ | BPF_K,
    BPF_JMP | BPF_JEQ | BPF_X,
    BPF_JMP | BPF_JGT | BPF_K,
    BPF_JMP | BPF_JGT | BPF_X,
    BPF_JMP | BPF_JGE | BPF_K,
    BPF_JMP | BPF_JGE | BPF_X,
    BPF_JMP | BPF_JSET | BPF_K,
    BPF_JMP | BPF_JSET | BPF_X,
    BPF_ALU | BPF_ADD | BPF_K,
    BPF_ALU | BPF_ADD | BPF_X,
    BPF_ALU | BPF_SUB | BPF_K,
    BPF_ALU | BPF_SUB | BPF_X,
    BPF_ALU | BPF_MUL | BPF_K,
    BPF_ALU | BPF_MUL | BPF_X,
    BPF_ALU | BPF_DIV | BPF_K,
    BPF_ALU | BPF_DIV | BPF_X,
    BPF_ALU | BPF_MOD | BPF_K,
    BPF_ALU | BPF_MOD | BPF_X,
    BPF_ALU | BPF_AND | BPF_K,
    BPF_ALU | BPF_AND | BPF_X,
    BPF_ALU | BPF_OR | BPF_K,
    BPF_ALU | BPF_OR | BPF_X,
    BPF_ALU | BPF_XOR | BPF_K,
    BPF_ALU | BPF_XOR | BPF_X,
    BPF_ALU | BPF_LSH | BPF_K,
    BPF_ALU | BPF_LSH | BPF_X,
    BPF_ALU | BPF_RSH | BPF_K,
    BPF_ALU | BPF_RSH | BPF_X,
    BPF_ALU | BPF_NEG,
    BPF_MISC | BPF_TAX,
    BPF_MISC | BPF_TXA,
};

// Why the instruction that `left` others follow is none; empty: it is one. bpf_validate does not mind loops, nor shifts
// out of the word.
std::string wrong(const bpf_insn& i, uint64_t left) {
  if (std::ranges::find(kCodes, i.code) == std::end(kCodes)) return "there is no such code";
  const uint16_t op = i.code & 0xf0;
  switch (i.code & 0x07) {
    case BPF_JMP:
      if (op == BPF_JA ? i.k >= left : std::max(i.jt, i.jf) >= left) return "jumps back or out of the filter";
      break;
    case BPF_ALU:
      if ((i.code & BPF_X) != 0) break;
      if ((op == BPF_DIV || op == BPF_MOD) && i.k == 0) return "divides by zero";
      if ((op == BPF_LSH || op == BPF_RSH) && i.k > 31) return "shifts by more than 31";
      break;
    default:
      break;
  }
  return {};
}

}  // namespace

void CaptureFilter::Free::operator()(bpf_program* p) const {
  pcap_freecode(p);
  delete p;
}

Result<CaptureFilter> CaptureFilter::compile(const std::string& expression, LinkType link) {
  const int dlt = link == LinkType::kRaw ? DLT_RAW : static_cast<int>(link);
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> dead(pcap_open_dead(dlt, PcapWriter::kSnaplen), pcap_close);
  if (dead == nullptr) return error("no memory for a filter");
  auto program = std::make_unique<bpf_program>();
  if (pcap_compile(dead.get(), program.get(), expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    return error("filter \"" + expression + "\": " + pcap_geterr(dead.get()));
  CaptureFilter f;
  f.program_.reset(program.release());
  return f;
}

std::string CaptureFilter::bytecode() const {
  std::string text = strf("%u", program_->bf_len);
  for (const bpf_insn& i : std::span(program_->bf_insns, program_->bf_len))
    text += strf(",%u %u %u %u", i.code, i.jt, i.jf, i.k);
  return text;
}

Result<CaptureFilter> CaptureFilter::from_bytecode(std::string_view text) {
  const std::vector<std::string_view> lines = split(text, ',');
  const auto count = parse_number(lines.empty() ? std::string_view() : lines[0], kMaxInstructions);
  if (!count || *count == 0 || lines.size() != *count + 1)
    return error(strf("a compiled filter has 1 to %llu instructions and says how many",
                      static_cast<unsigned long long>(kMaxInstructions)));
  std::vector<bpf_insn> instructions;
  for (size_t n = 1; n < lines.size(); ++n) {
    const auto bad = [n](const std::string& why) { return error(strf("instruction %zu: ", n) + why); };
    const std::vector<std::string_view> words = split(lines[n], ' ');
    if (words.size() != 4) return bad("is not four numbers");
    const auto code = parse_number(words[0], UINT16_MAX), jt = parse_number(words[1], UINT8_MAX),
               jf = parse_number(words[2], UINT8_MAX), k = parse_number(words[3], UINT32_MAX);
    if (!code || !jt || !jf || !k) return bad("is not four numbers that fit");
    const bpf_insn& added = instructions.emplace_back(bpf_insn{static_cast<uint16_t>(*code), static_cast<uint8_t>(*jt),
                                                               static_cast<uint8_t>(*jf), static_cast<uint32_t>(*k)});
    if (const std::string why = wrong(added, *count - n); !why.empty()) return bad(why);
  }
  // What is left to it: the places in scratch memory, and that the last instruction returns.
  if (bpf_validate(instructions.data(), static_cast<int>(instructions.size())) == 0)
    return error("libpcap finds the compiled filter not valid");
  CaptureFilter f;
  f.program_.reset(new bpf_program{});
  // pcap_freecode() gives it back with free().
  f.program_->bf_insns = static_cast<bpf_insn*>(std::malloc(instructions.size() * sizeof(bpf_insn)));
  if (f.program_->bf_insns == nullptr) return error("no memory for a filter");
  f.program_->bf_len = static_cast<u_int>(instructions.size());
  std::ranges::copy(instructions, f.program_->bf_insns);
  return f;
}

bool CaptureFilter::matches(std::span<const uint8_t> bytes, uint32_t original_length) const {
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(bytes.size());
  header.len = original_length != 0 ? original_length : header.caplen;
  return pcap_offline_filter(program_.get(), &header, bytes.data()) != 0;
}

}  // namespace nf
