// What an HtmlForm writes into its page: JSON that can stand inside a <script> element.
#pragma once

#include <string>
#include <string_view>

#include "tools/forms/form.h"

namespace nf::forms {

// JSON in which nothing means anything to HTML: what stands in strings as '<', '>' or '&' is an escape.
std::string inert(std::string_view json);

// None of these is inert yet.
std::string html_json(const Said& said);  // {"key": ..., "values": [...], "inner": [...]}
std::string html_json(const trace::Step& step);
// "new" of the story is `added`, its steps are `numbers`: both are JSON already, without their brackets.
std::string html_json(const trace::Story& story, std::string_view added, std::string_view numbers);
std::string html_json(const Surroundings& surroundings, words::Language language);

}  // namespace nf::forms
