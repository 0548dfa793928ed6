// A connection table somebody pasted, in any of the forms a table is printed in, line by line:
//
//   tcp      6 431999 ESTABLISHED src=... [ASSURED] mark=0 use=1         conntrack -L
//   ipv4     2 tcp      6 431999 ESTABLISHED src=... zone=0 use=2        conntrack -L -o extended,
//   /proc/net/nf_conntrack -A -t 431999 -u SEEN_REPLY,ASSURED -s ... -p tcp ...                 conntrack -L -o save
//
// Empty lines, comments (#) and what conntrack says at the end ("... flow entries have been shown.") are passed over,
// and entries of IPv6. What a table does not print is taken as a table's entries have it: a reply tuple that is not the
// inverse of the original one is a translation; TCP's windows are learned from the next packets; with a nat table both
// halves count as decided, so no chain is asked about them again.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "conntrack/entry_state.h"
#include "datapath/base/result.h"
#include "tools/gateway/gateway.h"

namespace nf::explain {

struct TextEntry {
  int line;
  ct::EntryState state;  // as a dump tells it, translations as wishes (ct::make_creatable)
};

// `file` names the text in errors.
Result<std::vector<TextEntry>> read_conntrack_text(std::string_view text, const std::string& file);

// Puts them into the table. `made`: the id of each and the line it comes from.
Status put_entries(Gateway& gateway, const std::vector<TextEntry>& entries, const std::string& file, Time now,
                   const std::function<void(uint32_t id, int line)>& made);

}  // namespace nf::explain
