// What is chosen - a packet and a step of it - and the keys and buttons that choose.

const state = { packet: 0, step: 0, all: false };
const picture = new Picture(element("picture"));
const packet_list = new PacketList((packet) => choose(packet, own_end(packet)));
const step_list = new StepList((step) => choose(state.packet, step));
const rule_list = new RuleList();
const entry_list = new EntryList();
const narrow = matchMedia("(max-width: 759px)");

// The steps one goes by: all, or those that decide something. Never none.
function steps_shown(packet) {
  const all = stories[packet].steps.map((_, i) => i);
  if (state.all) return all;
  const some = all.filter((i) => {
    const s = stories[packet].steps[i];
    return (s.level || 0) < 2 || s.kind === "sent" || s.kind === "delivered" || s.kind === "dropped";
  });
  return some.length ? some : all;
}
const last_step = (packet) => steps_shown(packet).at(-1) ?? 0;
// Where the packet itself ends; what this host sends because of it may come after.
const own_end = (packet) => steps_shown(packet).findLast((i) => !stories[packet].steps[i]?.made) ?? 0;

function choose(packet, step) {
  state.packet = packet;
  state.step = step;
  show();
}

function move(by) {
  if (!stories.length) return;
  const shown = steps_shown(state.packet);
  const at = by > 0 ? shown.findIndex((i) => i > state.step) : shown.findLastIndex((i) => i < state.step);
  if (at >= 0) return choose(state.packet, shown[at]);
  const other = packet_list.neighbour(state.packet, by);
  if (other !== state.packet) choose(other, by > 0 ? steps_shown(other)[0] : last_step(other));
}

function move_packet(by) {
  if (!stories.length) return;
  const other = packet_list.neighbour(state.packet, by);
  choose(other, own_end(other));
}

function show() {
  if (!stories.length) return packet_list.draw();
  const story = stories[state.packet], shown = steps_shown(state.packet);
  const ledger = ledger_at(state.packet, state.step + 1);
  packet_list.show(state.packet);
  picture.lay_out(narrow.matches);
  picture.show(story, state.step);
  picture.reveal();
  show_now(story, shown);
  step_list.show(story, shown, state.step);
  rule_list.show(story, state.step, ledger);
  entry_list.show(story, ledger);
  element("previous").disabled = state.packet === packet_list.neighbour(state.packet, -1) && state.step <= shown[0];
  element("next").disabled = state.packet === packet_list.neighbour(state.packet, 1) && state.step >= shown.at(-1);
}

// The step in words: its sentence, or what it is made of where the parts can be told apart.
function show_now(story, shown) {
  const s = story.steps[state.step], at = shown.indexOf(state.step);
  const headline = element("headline"), said = element("said");
  headline.textContent = "";
  said.textContent = "";
  make("span", "", headline, word("html.headline", story.number, at < 0 ? "–" : at + 1, shown.length));
  make("span", "of", headline, story.packet);
  if (!s) return void make("p", "sentence", said, render(story.verdict));
  if (s.made) make("span", "made", headline, word("html.of_made"));
  const end = !s.made && ["sent", "delivered", "dropped"].includes(s.kind);
  if (end) {
    // The verdict says the same, and how the packet looks now.
  } else if (s.rule && (s.kind === "rule" || s.kind === "miss")) {
    const sentence = make("p", "sentence", said);
    if (s.kind === "miss") sentence.append(render({ ...s.said, values: [s.place, s.rule] }));
    else make_badge(sentence, s).before(s.place + " ");
    make_rule_text(said, s.rule, "boxed");
  } else if (s.kind === "nat_rewrote") {
    const [sentence] = render(s.said).split(s.fields.before);
    make("p", "sentence", said, sentence.replace(/[,，]\s*$/, ""));
    const change = make("p", "change", said);
    make("code", "before", change, s.fields.before);
    make("span", "arrow", change, " => ");
    make("code", "after", change, s.fields.after);
  } else {
    make("p", "sentence", said, render(s.said));
  }
  if (end || state.step === shown.at(-1)) make("p", "verdict " + story.fate, said, "=> " + render(story.verdict));
}

// --- language, light, help

function say_all() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const e of document.querySelectorAll("[data-word]")) e.textContent = word(e.dataset.word);
  for (const e of document.querySelectorAll("[data-label]")) {
    e.setAttribute("aria-label", word(e.dataset.label));
    if (e.tagName === "BUTTON") e.title = word(e.dataset.label);
  }
  for (const e of document.querySelectorAll("[data-placeholder]")) e.placeholder = word(e.dataset.placeholder);
  element("lab").textContent = surroundings.lab || "";
  document.title = (surroundings.lab ? surroundings.lab + " · " : "") + word("html.title");
  element("language").textContent = word("html.other_language");
  element("language").lang = language === "zh" ? "en" : "zh-CN";
  const list = element("help-keys");
  list.textContent = "";
  const keys = { step: "← →", packet: "↑ ↓", ends: "Home End", pages: "PgUp PgDn", all: "a", filter: "/", theme: "t", language: "l", help: "?" };
  for (const [what, key] of Object.entries(keys)) {
    const term = make("dt", "", list);
    for (const one of key.split(" ")) make("kbd", "", term, one);
    make("dd", "", list, word("html.key." + what));
  }
}

function change_language() {
  language = language === "en" ? "zh" : "en";
  say_all();
  show();
}

function change_theme() {
  const root = document.documentElement;
  root.dataset.theme = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme];
}

// On paper it is light.
let theme_on_screen = "auto";
addEventListener("beforeprint", () => {
  theme_on_screen = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => (document.documentElement.dataset.theme = theme_on_screen));

function show_all_steps() {
  state.all = !state.all;
  element("all").setAttribute("aria-pressed", state.all);
  if (!stories.length) return;
  const shown = steps_shown(state.packet);
  choose(state.packet, shown.findLast((i) => i <= state.step) ?? shown[0] ?? 0);
}

// --- keys

const help = element("help"), filter = element("filter");
const actions = {
  ArrowLeft: () => move(-1), ArrowRight: () => move(1), ArrowUp: () => move_packet(-1), ArrowDown: () => move_packet(1),
  PageUp: () => move_packet(-10), PageDown: () => move_packet(10),
  Home: () => stories.length && choose(state.packet, steps_shown(state.packet)[0] ?? 0),
  End: () => stories.length && choose(state.packet, last_step(state.packet)),
  a: show_all_steps, t: change_theme, l: change_language, "/": () => filter.focus(), "?": () => help.showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target === filter) {
    if (event.key === "Escape" || event.key === "Enter") element("list").focus();
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  }
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
filter.addEventListener("input", () => {
  packet_list.filter(filter.value);
  if (packet_list.shown.length && !packet_list.shown.includes(state.packet)) choose(packet_list.shown[0], own_end(packet_list.shown[0]));
});
for (const [id, action] of Object.entries({ previous: actions.ArrowLeft, next: actions.ArrowRight, all: show_all_steps,
  theme: change_theme, language: change_language, keys: actions["?"], "help-close": () => help.close() }))
  element(id).addEventListener("click", action);
narrow.addEventListener("change", show);

// "#12" in the address: packet 12.
const asked = stories.findIndex((s) => "#" + s.number === location.hash);
say_all();
if (stories.length) choose(Math.max(asked, 0), own_end(Math.max(asked, 0)));
else show();
