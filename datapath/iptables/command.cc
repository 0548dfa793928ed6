#include "datapath/iptables/command.h"

#include <algorithm>
#include <cctype>

#include "datapath/base/text.h"
#include "datapath/iptables/address.h"
#include "datapath/iptables/generic_options.h"
#include "datapath/iptables/known_names.h"
#include "datapath/iptables/protocols.h"
#include "datapath/iptables/unmodelled.h"

namespace nf::ipt {
namespace {

// One line may stand for at most so many rules (addresses of -s times addresses of -d).
constexpr size_t kMaxRulesPerLine = 16384;
constexpr size_t kMaxInterfaceName = 15;  // twin: IFNAMSIZ, with its NUL

std::string quoted(std::string_view s) { return "`" + std::string(s) + "'"; }

bool is_option(const Words& w, size_t i) {
  return i < w.size() && !w.quoted[i] && w.text[i].size() > 1 && w.text[i][0] == '-';
}

// Reads one line once; a line with several addresses is read once for each rule it makes, so that every rule has
// extensions of its own.
class LineParser {
 public:
  LineParser(const Words& words, const CommandContext& context) : words_(words), context_(context) {}

  Status run(Command& command);
  const std::vector<AddressMask>& sources() const { return sources_; }
  const std::vector<AddressMask>& destinations() const { return destinations_; }
  std::shared_ptr<Rule> take_rule() { return std::move(rule_); }

 private:
  // A match or target of this line, in the order they were loaded.
  struct Loaded {
    Extension* extension;
    VerbatimOptions* verbatim;  // not modelled: takes what nobody else wants
    bool completed = false;     // another match of the same name came later and gets the options
  };

  Status word();
  Status long_option(std::string name);
  Status short_options(std::string_view cluster);
  Status generic(const GenericOption& option, std::optional<std::string> attached);
  Status apply(char letter, std::string value, bool inverted);
  Status command_letter(char letter, std::string value);
  Status set_once(char letter, bool inverted, bool may_invert);
  Status match(const std::string& name);
  Status jump(const std::string& name);
  Status interface_name(const std::string& value, std::string& pattern);
  Status protocol(std::string value, bool inverted);
  Status counters(const std::string& packets);
  Result<bool> offer_to_loaded(const std::string& name);
  Result<bool> offer_to_protocol_match(const std::string& name);
  bool offer_to_verbatim();
  Result<bool> offer(Extension& extension, const std::string& name);
  void add_match(std::unique_ptr<Match> m, VerbatimOptions* verbatim);
  Status resolve_target();
  Status finish();
  bool has_argument() const {
    return next_ < words_.size() &&
           (words_.text[next_].empty() || (words_.text[next_][0] != '-' && !words_.operator_at(next_, "!")));
  }
  bool needs_rule() const {
    using K = Command::Kind;
    return command_->kind == K::kAppend || command_->kind == K::kInsert || command_->kind == K::kReplace ||
           command_->kind == K::kDelete;
  }

  Words words_;
  const CommandContext& context_;
  size_t next_ = 0;  // the word being read, then the first one behind the option
  bool invert_ = false;

  Command* command_ = nullptr;
  std::shared_ptr<Rule> rule_ = std::make_shared<Rule>();
  std::vector<Loaded> loaded_;
  std::string seen_;  // letters of options that may be given once
  std::vector<AddressMask> sources_{AddressMask{}}, destinations_{AddressMask{}};
  std::string protocol_word_;
  bool protocol_match_used_ = false;
  std::string jump_to_;
  bool has_jump_ = false;
};

Status LineParser::run(Command& command) {
  command_ = &command;
  rule_->file = context_.file;
  rule_->line = context_.line;
  while (next_ < words_.size())
    if (Status s = word(); !s) return s;
  return finish();
}

Status LineParser::word() {
  const std::string w = words_.text[next_];
  if (words_.operator_at(next_, "!")) {
    if (invert_) return error("multiple consecutive ! not allowed");
    invert_ = true;
    ++next_;
    return {};
  }
  if (w.size() < 2 || w[0] != '-') return error("Bad argument " + quoted(w));
  Status s = w[1] == '-' ? long_option(w.substr(2)) : short_options(std::string_view(w).substr(1));
  invert_ = false;
  return s;
}

Status LineParser::long_option(std::string name) {
  const size_t equals = name.find('=');
  std::optional<std::string> attached;
  if (equals != std::string::npos) {
    attached = name.substr(equals + 1);
    name.resize(equals);
  }
  if (name.empty()) return error("unknown arguments found on commandline");
  if (const GenericOption* option = generic_long_option(name, false)) {
    ++next_;
    return generic(*option, attached);
  }
  const std::string option_name = "--" + name;
  if (attached) {
    words_.text[next_] = option_name;
    words_.insert(next_ + 1, *attached);
  }
  auto taken = offer_to_loaded(option_name);
  if (!taken) return taken.error();
  if (*taken) return {};
  taken = offer_to_protocol_match(option_name);
  if (!taken) return taken.error();
  if (*taken || offer_to_verbatim()) return {};
  if (const GenericOption* option = generic_long_option(name, true)) {
    ++next_;
    return generic(*option, std::nullopt);
  }
  return error("unknown option \"" + option_name + "\"");
}

Status LineParser::short_options(std::string_view cluster) {
  ++next_;
  while (!cluster.empty()) {
    const GenericOption* option = cluster[0] == '0' ? nullptr : generic_short_option(cluster[0]);
    if (option == nullptr) return error("unknown option \"-" + std::string(1, cluster[0]) + "\"");
    cluster.remove_prefix(1);
    if (option->arguments != Arguments::kNone) {
      std::optional<std::string> attached;
      if (!cluster.empty()) attached = std::string(cluster);
      return generic(*option, attached);
    }
    if (Status s = generic(*option, std::nullopt); !s) return s;
  }
  return {};
}

Status LineParser::generic(const GenericOption& option, std::optional<std::string> attached) {
  bool inverted = invert_;
  std::string value;
  if (option.arguments == Arguments::kOptional) {
    if (attached) {
      value = *attached;
    } else if (has_argument()) {
      value = words_.text[next_++];
    }
  } else if (option.arguments == Arguments::kOne) {
    if (attached) {
      // iptables 1.8.9 reads the whole word as the argument of these ("-ieth0" names a device "-ieth0").
      if (std::string_view("psdioj").find(option.letter) != std::string_view::npos)
        return error(strf("a blank is missing between -%c and its argument", option.letter));
      value = *attached;
    } else {
      // Old style: "-s ! 10.0.0.1".
      if (words_.operator_at(next_, "!")) {
        if (inverted) return error("Multiple `!' flags not allowed");
        inverted = true;
        ++next_;
      }
      if (next_ >= words_.size()) return error(strf("option \"-%c\" requires an argument", option.letter));
      value = words_.text[next_++];
    }
  } else if (attached) {
    return error(strf("option \"-%c\" takes no argument", option.letter));
  }
  return apply(option.letter, std::move(value), inverted);
}

Status LineParser::set_once(char letter, bool inverted, bool may_invert) {
  if (seen_.find(letter) != std::string::npos) return error(strf("multiple -%c flags not allowed", letter));
  seen_.push_back(letter);
  if (inverted && !may_invert) return error(strf("cannot have ! before -%c", letter));
  return {};
}

Status LineParser::apply(char letter, std::string value, bool inverted) {
  Rule& r = *rule_;
  switch (letter) {
    case 's':
    case 'd': {
      if (Status s = set_once(letter, inverted, true); !s) return s;
      auto addresses = parse_addresses(value);
      if (!addresses) return addresses.error();
      (letter == 's' ? sources_ : destinations_) = addresses.take();
      (letter == 's' ? r.not_source : r.not_destination) = inverted;
      return {};
    }
    case 'p':
      return protocol(std::move(value), inverted);
    case 'i':
    case 'o':
      if (Status s = set_once(letter, inverted, true); !s) return s;
      (letter == 'i' ? r.not_in : r.not_out) = inverted;
      return interface_name(value, letter == 'i' ? r.in : r.out);
    case 'f':
      if (Status s = set_once(letter, inverted, true); !s) return s;
      r.fragment = true;
      r.not_fragment = inverted;
      return {};
    case 'j':
    case 'g':
      if (Status s = set_once('j', inverted, false); !s) return s;
      r.is_goto = letter == 'g';
      return jump(value);
    case 'm':
      if (inverted) return error("unexpected ! flag before --match");
      return match(value);
    case 'c':
      if (Status s = set_once(letter, inverted, false); !s) return s;
      return counters(value);
    case 't':
      if (inverted) return error("unexpected ! flag before --table");
      if (context_.restore) return error("The -t option cannot be used in iptables-restore.");
      return set_once(letter, false, false);
    case 'w':
    case 'W':
      if (context_.restore) return error(strf("You cannot use `-%c' from iptables-restore", letter));
      return {};
    case 'v':
    case '4':
      return {};
    case 'M':
      return {};
    case 'n':
    case 'x':
    case '0':
      return error(strf("Illegal option `-%c' with this command", letter));
    case '6':
      return error("IPv6 rules are not understood here");
    default:
      if (inverted) return error("unexpected '!' flag");
      return command_letter(letter, std::move(value));
  }
}

Status LineParser::command_letter(char letter, std::string value) {
  using K = Command::Kind;
  Command& c = *command_;
  if (c.kind != K::kNone) return error(strf("Cannot use -%c with another command", letter));
  c.chain = std::move(value);
  const auto number = [&](uint32_t& out) -> Status {
    const std::string text = words_.text[next_++];
    const auto n = parse_c_number(text, INT32_MAX);
    if (!n || *n == 0) return error("Invalid rule number " + quoted(text));
    out = *n;
    return {};
  };
  switch (letter) {
    case 'A':
      c.kind = K::kAppend;
      return {};
    case 'I':
      c.kind = K::kInsert;
      c.number = 1;
      return has_argument() ? number(c.number) : Status();
    case 'R':
      c.kind = K::kReplace;
      if (!has_argument()) return error("-R requires a rule number");
      return number(c.number);
    case 'D':
      c.kind = has_argument() ? K::kDeleteNumber : K::kDelete;
      return has_argument() ? number(c.number) : Status();
    case 'F':
      c.kind = K::kFlush;
      return {};
    case 'X':
      c.kind = K::kDeleteChain;
      return {};
    case 'Z':
      c.kind = K::kZero;
      return has_argument() ? number(c.number) : Status();
    case 'N': {
      c.kind = K::kNewChain;
      const std::string& name = c.chain;
      if (name.size() >= kMaxName)
        return error(strf("chain name `%s' too long (must be under %zu chars)", name.c_str(), kMaxName));
      if (!name.empty() && (name[0] == '-' || name[0] == '!'))
        return error(strf("chain name not allowed to start with `%c'", name[0]));
      if (iptables_knows_target(name) || context_.registry.target(name) != nullptr)
        return error("chain name may not clash with target name");
      for (const char ch : name)
        if (std::isspace(static_cast<unsigned char>(ch))) return error("Invalid chain name " + quoted(name));
      return {};
    }
    case 'P':
    case 'E':
      c.kind = letter == 'P' ? K::kPolicy : K::kRename;
      if (!has_argument())
        return error(letter == 'P' ? "-P requires a chain and a policy"
                                   : "-E requires old-chain-name and new-chain-name");
      c.argument = words_.text[next_++];
      return {};
    default:
      return error(strf("the command -%c changes nothing, it is not understood here", letter));
  }
}

Status LineParser::protocol(std::string value, bool inverted) {
  if (Status s = set_once('p', inverted, true); !s) return s;
  for (char& c : value) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto number = parse_protocol(value);
  if (!number) return error("unknown protocol \"" + value + "\" specified");
  if (*number == 0 && inverted) return error("rule would never match protocol");
  rule_->protocol = *number;
  rule_->not_protocol = inverted;
  protocol_word_ = parse_c_number(value, 255) ? std::string(protocol_name(*number)) : value;
  return {};
}

Status LineParser::interface_name(const std::string& value, std::string& pattern) {
  if (value.empty()) return error("Empty interface is likely to be undesired");
  if (value.size() > kMaxInterfaceName)
    return error(strf("interface name `%s' must be shorter than IFNAMSIZ (%zu)", value.c_str(), kMaxInterfaceName));
  pattern = value;
  return {};
}

Status LineParser::counters(const std::string& packets) {
  std::string p = packets;
  std::string b;
  const size_t comma = p.find(',');
  if (comma != std::string::npos && comma > 0) {
    b = p.substr(comma + 1);
    p.resize(comma);
  } else if (has_argument()) {
    b = words_.text[next_++];
  } else {
    return error("-c requires packet and byte counter");
  }
  const auto packet_count = parse_number(p);
  const auto byte_count = parse_number(b);
  if (!packet_count) return error("-c packet counter not numeric");
  if (!byte_count) return error("-c byte counter not numeric");
  command_->counters = {*packet_count, *byte_count};
  command_->has_counters = true;
  return {};
}

void LineParser::add_match(std::unique_ptr<Match> m, VerbatimOptions* verbatim) {
  for (Loaded& l : loaded_)
    if (l.extension->name() == m->name()) l.completed = true;
  loaded_.push_back({m.get(), verbatim});
  rule_->matches.push_back(std::move(m));
}

Status LineParser::match(const std::string& name) {
  if (name.size() >= kMaxName)
    return error(strf("Invalid match name \"%s\" (%zu chars max)", name.c_str(), kMaxName - 1));
  if (const MatchSpec* spec = context_.registry.match(name)) {
    add_match(spec->create(), nullptr);
  } else if (iptables_knows_match(name)) {
    auto m = std::make_unique<UnmodelledMatch>(name);
    VerbatimOptions* options = &m->options();
    add_match(std::move(m), options);
  } else {
    return error("Couldn't load match " + quoted(name) + ":No such file or directory");
  }
  return {};
}

Status LineParser::jump(const std::string& name) {
  if (name.empty()) return error("Invalid target name (too short)");
  if (name.size() >= kMaxName)
    return error(strf("Invalid target name `%s' (%zu chars max)", name.c_str(), kMaxName - 1));
  for (const char c : name)
    if (std::isspace(static_cast<unsigned char>(c))) return error("Invalid target name " + quoted(name));
  jump_to_ = name;
  has_jump_ = true;
  if (rule_->is_goto) return {};
  if (const TargetSpec* spec = context_.registry.target(name)) {
    rule_->target = spec->create();
    loaded_.push_back({rule_->target.get(), nullptr});
  } else if (iptables_knows_target(name)) {
    auto t = std::make_unique<UnmodelledTarget>(name);
    loaded_.push_back({t.get(), &t->options()});
    rule_->target = std::move(t);
  }
  return {};
}

Result<bool> LineParser::offer(Extension& extension, const std::string& name) {
  bool inverted = invert_;
  size_t first = next_ + 1;
  // Old style, "--dport ! 80"; but in "--syn ! --dport 80" the mark belongs to the next option.
  if (words_.operator_at(first, "!") && first + 1 < words_.size() && !is_option(words_, first + 1)) {
    if (inverted) return error("Multiple `!' flags not allowed");
    inverted = true;
    ++first;
  }
  OptionReader reader(name, inverted, words_.text, first);
  auto taken = extension.parse_option(reader);
  if (taken && *taken) next_ = std::min(reader.next(), words_.size());
  return taken;
}

Result<bool> LineParser::offer_to_loaded(const std::string& name) {
  for (size_t i = loaded_.size(); i-- > 0;) {
    if (loaded_[i].completed || loaded_[i].verbatim != nullptr) continue;
    auto taken = offer(*loaded_[i].extension, name);
    if (!taken || *taken) return taken;
  }
  return false;
}

// "-p tcp --dport 80": the protocol's own match is loaded by its first option. twin: load_proto
Result<bool> LineParser::offer_to_protocol_match(const std::string& name) {
  if (protocol_word_.empty() || protocol_match_used_) return false;
  if (const MatchSpec* spec = context_.registry.match(protocol_word_)) {
    auto m = spec->create();
    auto taken = offer(*m, name);
    if (!taken || !*taken) return taken;
    add_match(std::move(m), nullptr);
  } else if (iptables_knows_match(protocol_word_)) {
    if (std::any_of(loaded_.begin(), loaded_.end(), [](const Loaded& l) { return l.verbatim != nullptr; }))
      return false;
    auto m = std::make_unique<UnmodelledMatch>(protocol_word_);
    VerbatimOptions* options = &m->options();
    add_match(std::move(m), options);
    offer_to_verbatim();
  } else {
    return false;
  }
  protocol_match_used_ = true;
  return true;
}

bool LineParser::offer_to_verbatim() {
  for (size_t i = loaded_.size(); i-- > 0;) {
    if (loaded_[i].verbatim == nullptr || loaded_[i].completed) continue;
    const size_t begin = next_++;
    bool inverted = invert_;
    if (words_.operator_at(next_, "!") && next_ + 1 < words_.size() && !is_option(words_, next_ + 1) && !inverted) {
      inverted = true;
      words_.text.erase(words_.text.begin() + static_cast<std::ptrdiff_t>(next_));
      words_.quoted.erase(words_.quoted.begin() + static_cast<std::ptrdiff_t>(next_));
    }
    while (next_ < words_.size() && !is_option(words_, next_) && !words_.operator_at(next_, "!")) ++next_;
    loaded_[i].verbatim->take(words_, begin, next_, inverted);
    return true;
  }
  return false;
}

Status LineParser::resolve_target() {
  Rule& r = *rule_;
  if (!has_jump_) return {};
  if (jump_to_ == "ACCEPT" && !r.is_goto) {
    r.kind = TargetKind::kAccept;
  } else if (jump_to_ == "DROP" && !r.is_goto) {
    r.kind = TargetKind::kDrop;
  } else if (jump_to_ == "RETURN" && !r.is_goto) {
    r.kind = TargetKind::kReturn;
  } else if (const Chain* chain = context_.table.find(jump_to_)) {
    if (chain->hook) return error("Invalid argument: can't jump to the built-in chain " + quoted(jump_to_));
    r.kind = TargetKind::kJump;
    r.jump = chain->id;
    r.target.reset();
  } else if (r.target) {
    r.kind = TargetKind::kExtension;
  } else if (r.is_goto) {
    return error("goto '" + jump_to_ + "' is not a chain");
  } else {
    return error("Couldn't load target " + quoted(jump_to_) + ":No such file or directory");
  }
  return {};
}

Status LineParser::finish() {
  using K = Command::Kind;
  const Command& c = *command_;
  Rule& r = *rule_;
  const bool drop = jump_to_ == "DROP" || (c.kind == K::kPolicy && c.argument == "DROP");
  if (context_.table.id() == TableId::kNat && drop)
    return error("The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.");
  if (invert_) return error("nothing appropriate following !");
  if (c.kind == K::kNone) return error("no command specified");
  if (!needs_rule()) {
    for (const char letter : seen_)
      if (letter != 't' && !(letter == 'c' && c.kind == K::kPolicy))
        return error(strf("Illegal option `-%c' with this command", letter));
    if (!loaded_.empty()) return error("a match or target makes no sense with this command");
    return {};
  }
  if (c.kind == K::kDelete && c.has_counters) return error("Illegal option `-c' with this command");
  const RuleContext rule_context{context_.table.id(), c.chain, r.protocol, r.not_protocol, 0};
  for (const auto& m : r.matches)
    if (Status s = m->finish(rule_context); !s) return s;
  if (r.target)
    if (Status s = r.target->finish(rule_context); !s) return s;

  if ((sources_.size() > 1 || destinations_.size() > 1) && (r.not_source || r.not_destination))
    return error("! not allowed with multiple source or destination IP addresses");
  if (c.kind == K::kReplace && (sources_.size() != 1 || destinations_.size() != 1))
    return error("Replacement rule does not specify a unique address");
  if (sources_.size() * destinations_.size() > kMaxRulesPerLine) return error("too many addresses in one rule");
  if ((c.chain == "PREROUTING" || c.chain == "INPUT") && !r.out.empty()) return error("Can't use -o with " + c.chain);
  if ((c.chain == "POSTROUTING" || c.chain == "OUTPUT") && !r.in.empty()) return error("Can't use -i with " + c.chain);
  return resolve_target();
}

void set_addresses(Rule& r, const AddressMask& source, const AddressMask& destination) {
  r.source = source.address;
  r.source_mask = source.mask;
  r.destination = destination.address;
  r.destination_mask = destination.mask;
}

}  // namespace

Result<std::optional<TableId>> table_of(const Words& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words.quoted[i]) continue;
    const std::string_view w = words.text[i];
    std::string_view name;
    if (w == "-t" || w == "--table") {
      if (i + 1 >= words.size()) return error("option \"-t\" requires an argument");
      name = words.text[i + 1];
    } else if (w.starts_with("--table=")) {
      name = w.substr(8);
    } else if (w.starts_with("-t") && w.size() > 2) {
      name = w.substr(2);
    } else {
      continue;
    }
    const auto table = table_by_name(name);
    if (!table)
      return error(strf("can't initialize iptables table `%s': Table does not exist", std::string(name).c_str()));
    return std::optional(*table);
  }
  return std::optional<TableId>();
}

Result<Command> parse_command(const Words& words, const CommandContext& context) {
  Command command;
  LineParser first(words, context);
  if (Status s = first.run(command); !s) return s.error();
  using K = Command::Kind;
  const bool has_rule = command.kind == K::kAppend || command.kind == K::kInsert || command.kind == K::kReplace ||
                        command.kind == K::kDelete;
  if (!has_rule) return command;
  for (const AddressMask& source : first.sources()) {
    for (const AddressMask& destination : first.destinations()) {
      std::shared_ptr<Rule> rule = first.take_rule();
      if (!rule) {
        Command again;
        LineParser parser(words, context);
        if (Status s = parser.run(again); !s) return s.error();
        rule = parser.take_rule();
      }
      set_addresses(*rule, source, destination);
      command.rules.push_back(std::move(rule));
    }
  }
  return command;
}

}  // namespace nf::ipt
