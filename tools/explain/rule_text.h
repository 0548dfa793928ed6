// Rules by name and by text: which one --why-not asks about, and which rules lead to a chain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "tools/forms/form.h"

namespace nf::explain {

using Rule = forms::Surroundings::Rule;

// "nat:DOCKER:2"; a policy: "filter:FORWARD:policy".
std::string name_of(const Rule& rule);
// "-A DOCKER -p tcp ... -j DNAT ...", of a policy "-P FORWARD DROP".
std::string text_of(const Rule& rule);
// The words of a rule; quotes keep a word together.
std::vector<std::string> words_of_rule(std::string_view text);
// The chain a rule jumps or goes to; empty: none. Names of targets are not chains.
std::string chain_behind(const Rule& rule, const std::vector<Rule>& rules);

// `asked`: "nat:PREROUTING:2", "filter:INPUT:policy", or the rule's text as iptables-save prints it or as somebody
// would type it, "iptables" in front or not, -t TABLE and -w anywhere. The error lists the rules that may have been
// meant.
Result<Rule> find_rule(const std::vector<Rule>& rules, const std::string& asked);

}  // namespace nf::explain
