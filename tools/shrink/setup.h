// What configures one lab, or two that are held against each other, line by line, so that lines can be taken away.
//
// Invariants:
//  1. A line both labs have is one Line: taken away, it is gone from both.
//  2. Ids are those of the lines read; taking lines away changes no id.
//  3. Rules are as iptables-save prints them; every table ends in an unwritten COMMIT.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "tools/lab/lab.h"

namespace nf::shrink {

struct Line {
  std::string text;
  int id = 0;
  bool in[2] = {true, false};  // lab A, lab B
};

struct Table {
  std::string name;
  bool in[2] = {true, false};
  std::vector<Line> lines;  // ":CHAIN POLICY [0:0]" and "-A CHAIN ..."
};

struct Setup {
  std::vector<Line> network, sysctl, timeouts;
  std::vector<Table> tables;

  size_t size() const;  // lines; a table is one more
};

// The files of one lab as text.
struct LabText {
  std::vector<std::string> network, sysctl, timeouts;
  std::string rules;  // empty: none
};
LabText text_of(const Setup& setup, size_t side);
// As `hookpoint` reads its files; errors name "network:3" and the like.
Result<lab::Lab> parse(const LabText& text);

// `saved_rules`: what the lab's rules are as iptables-save prints them.
LabText text_of(const lab::Lab& lab, const std::string& saved_rules);
Setup setup_of(const LabText& a);
Setup setup_of(const LabText& a, const LabText& b);

// Where a rule stands in the lab that is left.
struct RulePlace {
  std::string table, chain;
  uint32_t number = 0;  // from 1
  int id = 0;
  std::string text;  // "-A FORWARD -i eth0 -j ACCEPT"
};
std::vector<RulePlace> rules_of(const Setup& setup, size_t side);

}  // namespace nf::shrink
