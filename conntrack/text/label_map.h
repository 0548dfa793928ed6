// Names of connection labels, from a file of "NUMBER NAME" lines. twin: nfct_labelmap, libnetfilter_conntrack
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conntrack/rare_parts.h"
#include "datapath/base/result.h"

namespace nf::ct {

inline constexpr char kLabelFile[] = "/etc/xtables/connlabel.conf";

class LabelMap {
 public:
  // The error is what the real program prints. Lines that are none are passed over.
  Status read(const std::string& file);
  bool loaded() const { return !names_.empty(); }
  std::optional<unsigned> number(std::string_view name) const;
  // Of those that are set and have a name, by rising number.
  std::vector<std::string> names(const Labels& labels) const;

 private:
  std::vector<std::string> names_;  // by number; empty: none
};

}  // namespace nf::ct
