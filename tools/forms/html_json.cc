#include "tools/forms/html_json.h"

#include "datapath/base/json.h"
#include "datapath/base/text.h"

namespace nf::forms {
namespace {

// An object whose empty members are left out.
class Members {
 public:
  void add(std::string_view name, std::string_view text) {
    if (!text.empty()) object_.text(name, text);
  }
  void add(std::string_view name, uint64_t n) {
    if (n != 0) object_.number(name, n);
  }
  void raw(std::string_view name, std::string_view json) { object_.raw(name, json); }
  std::string take() { return object_.take(); }

 private:
  JsonObject object_;
};

std::string_view verdict_name(trace::RuleVerdict v) {
  static constexpr std::string_view kNames[] = {"ACCEPT", "DROP", "RETURN", "JUMP", "GOTO", "CONTINUE", "OTHER"};
  return kNames[static_cast<size_t>(v)];
}

template <class List, class Each>
std::string list(const List& items, Each&& each) {
  std::vector<std::string> out;
  out.reserve(items.size());
  for (const auto& item : items) out.push_back(each(item));
  return json_list(out);
}

}  // namespace

std::string inert(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<' || c == '>' || c == '&')
      out += strf("\\u%04x", c);
    else
      out += c;
  }
  return out;
}

std::string html_json(const Said& said) {
  Members m;
  m.add("key", said.key);
  if (!said.values.empty()) m.raw("values", json_strings(said.values));
  if (!said.inner.empty()) m.raw("inner", list(said.inner, [](const Said& s) { return html_json(s); }));
  return m.take();
}

std::string html_json(const trace::Step& step) {
  Members m;
  m.add("kind", trace::step_key(step.kind));
  m.add("level", static_cast<uint64_t>(step.level));
  m.add("made", uint64_t{step.made});
  m.add("pass", uint64_t{step.pass});
  if (step.in_hook) m.add("hook", hook_name(step.hook));
  if (!step.table.empty()) {
    m.add("place", step.place());
    m.add("table", step.table);
    m.add("chain", step.chain);
    m.add("number", uint64_t{step.number});
    m.add("verdict", verdict_name(step.verdict));
    m.add("target", step.target);
    m.add("rule", step.rule);
    m.add("end", uint64_t{step.end_of_chain});
  }
  Members fields;
  for (const auto& [name, value] : step.fields) fields.add(name, value);
  m.raw("fields", fields.take());
  m.raw("said", html_json(step.said));
  return m.take();
}

std::string html_json(const trace::Story& story, std::string_view added, std::string_view numbers) {
  Members m;
  m.add("number", story.number);
  m.add("continues", story.continues);
  // Seconds and nanoseconds apart: a number of JavaScript's does not hold the nanoseconds since 1970.
  m.raw("time", strf("[%lld, %lld]", static_cast<long long>(story.time / kSecond),
                     static_cast<long long>(story.time % kSecond)));
  m.add("device", story.device);
  m.add("from_host", uint64_t{story.from_host});
  m.add("packet", story.packet);
  m.add("fate", trace::fate_key(story.fate));
  m.raw("verdict", html_json(story.verdict));
  m.raw("new", '[' + std::string(added) + ']');
  m.raw("steps", '[' + std::string(numbers) + ']');
  return m.take();
}

std::string html_json(const Surroundings& surroundings, words::Language language) {
  const auto rule = [](const Surroundings::Rule& r) {
    Members m;
    m.add("table", r.table);
    m.add("chain", r.chain);
    m.add("number", uint64_t{r.number});
    m.add("text", r.text);
    m.add("packets", r.packets);
    m.add("bytes", r.bytes);
    return m.take();
  };
  const auto device = [](const Surroundings::Device& d) {
    Members m;
    m.add("name", d.name);
    m.add("addresses", d.addresses);
    m.add("master", d.master);
    return m.take();
  };
  Members m;
  m.add("language", language == words::Language::kChinese ? "zh" : "en");
  m.add("lab", surroundings.lab);
  m.raw("rules", list(surroundings.rules, rule));
  m.raw("devices", list(surroundings.devices, device));
  return m.take();
}

}  // namespace nf::forms
