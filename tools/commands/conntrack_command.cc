#include "tools/commands/conntrack_command.h"

#include <cerrno>

#include "conntrack/expect.h"
#include "conntrack/text/format.h"
#include "conntrack/text/label_map.h"
#include "datapath/base/text.h"
#include "tools/commands/conntrack_change.h"
#include "tools/commands/conntrack_load.h"
#include "tools/commands/conntrack_print.h"
#include "tools/commands/conntrack_request.h"
#include "tools/commands/conntrack_select.h"
#include "tools/commands/conntrack_usage.h"
#include "tools/control/control_protocol.h"

namespace nf {
namespace {

CommandReply refuse(const Error& e) {
  CommandReply r;
  r.err = e.text;
  r.exit_code = static_cast<int>(e.code);
  return r;
}

std::string said(const std::string& what) { return std::string(kConntrackVersion) + ": " + what + '\n'; }

// --mask-src needs --src. twin: nfct_filter_init
Status check_masks(const CtRequest& r) {
  constexpr std::pair<char, const char*> kMasks[] = {{'{', "src"}, {'}', "dst"}};
  for (size_t i = 0; i < 2; ++i) {
    if (r.mask[i] && !r.tmpl.address[i] && r.family != 6)
      return conntrack_error(std::string("Can't use --mask-") + kMasks[i].second + " without --" + kMasks[i].second);
  }
  return {};
}

CommandReply list(Gateway& gateway, const CtRequest& request, Time now) {
  CommandReply r;
  r.err = request.warnings;
  if (request.has('u') && request.status_mask == 0 && !request.empty_table)
    return refuse(Error{request.warnings + conntrack_error(failure_text(EINVAL, request.command), false).text,
                        {},
                        0,
                        ExitCode::kExpectationFailed});
  size_t shown = 0;
  gateway.conntrack().for_each([&](ct::Connection& c) {
    if (request.empty_table || !kernel_selects(request, c) || !selects(request, c, now)) return;
    if (shown++ == 0 && (request.output & kOutXml) != 0) r.out += xml_head("conntrack");
    r.out += print_entry(request, c, now) + '\n';
    if (request.has('z')) c.counters[0] = c.counters[1] = {};
  });
  if (shown != 0 && (request.output & kOutXml) != 0) r.out += xml_foot("conntrack");
  r.err += said(strf("%zu flow entries have been shown.", shown));
  return r;
}

CommandReply list_expectations(Gateway& gateway, const CtRequest& request, Time now) {
  CommandReply r;
  r.err = request.warnings;
  size_t shown = 0;
  gateway.conntrack().expectations().for_each(
      [&](ct::Expectation& e) {
        if (request.family == 6) return;
        if (shown++ == 0 && (request.output & kOutXml) != 0) r.out += xml_head("expect");
        r.out += print_expectation(request, e, now) + '\n';
      },
      now);
  if (shown != 0 && (request.output & kOutXml) != 0) r.out += xml_foot("expect");
  r.err += said(strf("%zu expectations have been shown.", shown));
  return r;
}

// The first line has the head in front of it.
template <class Line>
auto with_head(const CtRequest& request, const std::string& element, Line line) {
  const bool xml = (request.output & kOutXml) != 0;
  return [=, first = true](const auto& e) mutable {
    std::string text = line(e);
    if (text.empty()) return text;
    if (xml && std::exchange(first, false)) text = xml_head(element) + text;
    return text + '\n';
  };
}

CommandReply follow(const CtRequest& request) {
  CommandReply r;
  r.err = request.warnings;
  r.follow_events = true;
  const uint8_t kinds = request.has('e') ? request.events : uint8_t{7};
  r.event_text = with_head(request, "conntrack", [request, kinds](const ct::EventReport& e) {
    if ((kinds >> static_cast<int>(e.kind) & 1) == 0 || !selects(request, e.connection, e.now)) return std::string();
    return print_event(request, e);
  });
  return r;
}

CommandReply follow_expectations(const CtRequest& request) {
  CommandReply r;
  r.err = request.warnings;
  r.follow_events = true;
  r.expect_text =
      with_head(request, "expect", [request](const ct::ExpectReport& e) { return print_event(request, e); });
  return r;
}

CommandReply answer(Gateway& gateway, const CtRequest& request, Time now) {
  ct::Conntrack& ct = gateway.conntrack();
  CommandReply r;
  r.err = request.warnings;
  switch (request.command) {
    case CtCommand::kList:
    case CtCommand::kUpdate:
    case CtCommand::kDelete:
    case CtCommand::kEvent:
      if (request.command == CtCommand::kList && request.has('z')) {
        for (const char letter : {'p', 's', 'd', 'r', 'q', 'm', 'c', 'u', 'i', 'w', 'l', '(', ')'})
          if (request.has(letter)) return refuse(conntrack_error("Can't use -z with filtering parameters"));
      }
      if (Status s = check_masks(request); !s) return refuse(s.error());
      if (request.command == CtCommand::kList) return list(gateway, request, now);
      if (request.command == CtCommand::kUpdate) return conntrack_update(gateway, request, now);
      if (request.command == CtCommand::kDelete) return conntrack_delete(gateway, request, now);
      return follow(request);
    case CtCommand::kCreate:
    case CtCommand::kAdd:
      return conntrack_create(gateway, request, now);
    case CtCommand::kGet:
      return conntrack_get(gateway, request, now);
    case CtCommand::kFlush:
      if (request.family != 6) ct.flush(now);
      r.err += said("connection tracking table has been emptied.");
      return r;
    case CtCommand::kExpectList:
      return list_expectations(gateway, request, now);
    case CtCommand::kExpectCreate:
      return expect_create(gateway, request, now);
    case CtCommand::kExpectDelete:
      return expect_delete(gateway, request, now);
    case CtCommand::kExpectGet:
      return expect_get(gateway, request, now);
    case CtCommand::kExpectFlush:
      ct.expectations().flush(now);
      r.err += said("expectation table has been emptied.");
      return r;
    case CtCommand::kExpectEvent:
      return follow_expectations(request);
    case CtCommand::kCount:
      r.out = strf("%zu\n", ct.count());
      return r;
    case CtCommand::kExpectCount: {
      size_t n = 0;
      ct.expectations().for_each([&](ct::Expectation&) { ++n; }, now);
      r.out = strf("%zu\n", n);
      return r;
    }
    case CtCommand::kStats:
      r.out = ct::format_stats(ct.stats());
      if (!r.out.ends_with('\n')) r.out += '\n';
      return r;
    case CtCommand::kExpectStats: {
      const ct::Stats& s = ct.stats();
      r.out = strf("cpu=0   \texpect_new=%llu expect_create=%llu expect_delete=%llu \n",
                   static_cast<unsigned long long>(s.expect_new), static_cast<unsigned long long>(s.expect_create),
                   static_cast<unsigned long long>(s.expect_delete));
      return r;
    }
    case CtCommand::kVersion:
      r.out = std::string(kConntrackVersion) + '\n';
      return r;
    case CtCommand::kHelp:
    case CtCommand::kNone:
      r.out = kConntrackUsage;
      return r;
  }
  return r;
}

}  // namespace

CommandReply conntrack_command(Gateway& gateway, const std::vector<std::string>& words, Time now) {
  if (words.size() == 4 && (words[1] == "-R" || words[1] == "--load-file")) {
    if (const auto text = control::file_text(words[3]))
      return conntrack_load(gateway, words[2], std::string(*text), ct::kLabelFile, now);
  }
  const Result<CtRequest> request = read_conntrack_request(std::span(words).subspan(1), ct::kLabelFile);
  return request ? answer(gateway, *request, now) : refuse(request.error());
}

}  // namespace nf
