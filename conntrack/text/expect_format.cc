#include "conntrack/text/expect_format.h"

#include "conntrack/helper.h"
#include "conntrack/text/format_parts.h"
#include "datapath/base/text.h"

namespace nf::ct {
namespace {

// Addresses, then what the protocol has besides; `which` stands in front of src and dst.
std::string format_tuple(const char* which, const Tuple& t) {
  return strf("%ssrc=", which) + format_ipv4(t.source) + strf(" %sdst=", which) + format_ipv4(t.destination) + ' ' +
         format_ids(t, t.protocol);
}

std::string flag_words(uint8_t flags) {
  std::string out;
  const auto word = [&](ExpectFlag flag, const char* name) {
    if ((flags & flag) != 0) out += (out.empty() ? "" : ",") + std::string(name);
  };
  word(kExpectPermanent, "PERMANENT");
  word(kExpectInactive, "INACTIVE");
  word(kExpectUserspace, "USERSPACE");
  return out;
}

const Helper* helper_of_master(const Expectation& e) {
  const HelpPart* help = help_of(*e.master);
  return help == nullptr ? nullptr : help->helper;
}

}  // namespace

// twin: __snprintf_expect_default, libnetfilter_conntrack
std::string format_expectation(const Expectation& e, Time now) {
  Tuple mask;  // the destination counts whole
  mask.protocol = e.tuple.protocol;
  mask.source = e.mask_source;
  mask.source_id = e.mask_source_id;
  mask.destination = be32(0xffffffff);
  mask.destination_id = be16(0xffff);
  std::string out = strf("%lld proto=%u ", static_cast<long long>(seconds_left(e, now)), e.tuple.protocol);
  out += format_tuple("", e.tuple) + format_tuple("mask-", mask) + format_tuple("master-", e.master->original());
  if (e.flags != 0) out += flag_words(e.flags) + ' ';
  out += strf("class=%u", e.expect_class);
  if (const Helper* helper = helper_of_master(e); helper != nullptr) out += " helper=" + std::string(helper->name());
  return out;
}

std::string format_expect_event(const ExpectReport& r, bool timestamp) {
  std::string out;
  if (timestamp)
    out += strf("[%lld.%06lld]\t", static_cast<long long>(r.now / kSecond),
                static_cast<long long>(r.now % kSecond / kMicrosecond));
  out += strf("%9s ", r.kind == ExpectReport::Kind::kNew ? "[NEW]" : "[DESTROY]");
  return out + format_expectation(r.expectation, r.now);
}

// twin: exp_seq_show, net/netfilter/nf_conntrack_expect.c
std::string format_expect_proc(const Expectation& e, Time now) {
  std::string out = strf("%lld l3proto = 2 proto=%u ", static_cast<long long>(seconds_left(e, now)), e.tuple.protocol);
  out += format_tuple("", e.tuple) + flag_words(e.flags);
  if (const Helper* helper = helper_of_master(e); helper != nullptr) {
    if (e.flags != 0) out += ' ';
    out += helper->name();
    if (const std::string_view of = helper->policies()[e.expect_class].name; !of.empty()) out += '/' + std::string(of);
  }
  return out;
}

}  // namespace nf::ct
