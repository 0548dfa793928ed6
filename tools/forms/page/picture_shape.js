// Where things stand in the picture: two layouts of the same nodes and edges, one wide, one narrow.

const tables_of = {
  PREROUTING: ["raw", "conntrack", "mangle", "nat"],
  INPUT: ["mangle", "filter", "security", "nat", "confirm"],
  FORWARD: ["mangle", "filter", "security"],
  OUTPUT: ["raw", "conntrack", "mangle", "nat", "filter", "security"],
  POSTROUTING: ["mangle", "nat", "confirm"],
};
const kHead = 28, kRow = 22, kFoot = 40, kPad = 6;
function hook_height(hook) {
  return kHead + tables_of[hook].length * kRow + kPad + (tables_of[hook].includes("nat") ? kFoot : 0);
}

// A node: [x, y, width, height]; an edge: [from, to, path]. "lo" marks the way a packet takes only over lo.
function hook_box(hook, x, middle, width) {
  return [x, middle - hook_height(hook) / 2, width, hook_height(hook)];
}

function wide_shape() {
  const w = 204, high = 107, low = 308, lane = 410;
  return {
    name: "wide", width: 1204, height: lane + 58,
    nodes: {
      in: [4, low - 32, 112, 64],
      PREROUTING: hook_box("PREROUTING", 148, low, w),
      routing_in: [384, low - 20, 84, 40],
      FORWARD: hook_box("FORWARD", 500, low, w),
      POSTROUTING: hook_box("POSTROUTING", 760, low, w),
      neighbour: [988, low - 20, 84, 40],
      out: [1088, low - 32, 112, 64],
      INPUT: hook_box("INPUT", 324, high, w),
      local: [552, high - 28, 92, 56],
      routing_out: [660, high - 20, 84, 40],
      OUTPUT: hook_box("OUTPUT", 760, high, w),
      bridge: [148, lane, 924, 28],
    },
    edges: [
      ["in", "PREROUTING", `M116,${low} H148`],
      ["PREROUTING", "routing_in", `M352,${low} H384`],
      ["routing_in", "FORWARD", `M468,${low} H500`],
      ["FORWARD", "POSTROUTING", `M704,${low} H760`],
      ["POSTROUTING", "neighbour", `M964,${low} H988`],
      ["neighbour", "out", `M1072,${low} H1088`],
      ["routing_in", "INPUT", `M426,${low - 20} V${high + 94}`],
      ["INPUT", "local", `M528,${high} H552`],
      ["local", "routing_out", `M644,${high} H660`],
      ["routing_out", "OUTPUT", `M744,${high} H760`],
      ["OUTPUT", "POSTROUTING", `M862,${high + 103} V${low - 69}`],
      ["in", "bridge", `M60,${low + 32} V${lane + 14} H148`],
      ["bridge", "PREROUTING", `M230,${lane} V${low + 80}`],
      ["PREROUTING", "bridge", `M270,${low + 80} V${lane}`],
      ["bridge", "routing_in", `M426,${lane} V${low + 20}`],
      ["bridge", "FORWARD", `M582,${lane} V${low + 50}`],
      ["FORWARD", "bridge", `M622,${low + 50} V${lane}`],
      ["bridge", "POSTROUTING", `M842,${lane} V${low + 69}`],
      ["POSTROUTING", "bridge", `M882,${low + 69} V${lane}`],
      ["neighbour", "bridge", `M1030,${low + 20} V${lane}`],
      ["bridge", "out", `M1072,${lane + 14} H1144 V${low + 32}`],
    ],
    lo: { path: `M1176,${low + 32} V${lane + 44} H28 V${low + 32}`, label: [610, lane + 48] },
  };
}

function narrow_shape() {
  const w = 164, left = 34, right = 206;
  return {
    name: "narrow", width: 374, height: 872,
    nodes: {
      in: [left + 22, 6, 120, 48],
      PREROUTING: hook_box("PREROUTING", left, 160, w),
      routing_in: [left + 35, 266, 94, 36],
      FORWARD: hook_box("FORWARD", left, 400, w),
      POSTROUTING: hook_box("POSTROUTING", left, 650, w),
      neighbour: [left + 35, 752, 94, 36],
      out: [left + 22, 812, 120, 48],
      INPUT: hook_box("INPUT", right, 318, w),
      local: [right + 32, 440, 100, 46],
      routing_out: [right + 35, 508, 94, 36],
      OUTPUT: hook_box("OUTPUT", right, 672, w),
      bridge: [2, 16, 20, 834],
    },
    edges: [
      ["in", "PREROUTING", "M116,54 V81"],
      ["PREROUTING", "routing_in", "M116,239 V266"],
      ["routing_in", "FORWARD", "M116,302 V350"],
      ["FORWARD", "POSTROUTING", "M116,450 V581"],
      ["POSTROUTING", "neighbour", "M116,719 V752"],
      ["neighbour", "out", "M116,788 V812"],
      ["routing_in", "INPUT", "M163,284 H206"],
      ["INPUT", "local", "M288,412 V440"],
      ["local", "routing_out", "M288,486 V508"],
      ["routing_out", "OUTPUT", "M288,544 V570"],
      ["OUTPUT", "POSTROUTING", "M206,650 H198"],
      ["in", "bridge", "M56,30 H22"],
      ["bridge", "PREROUTING", "M22,144 H34"],
      ["PREROUTING", "bridge", "M34,176 H22"],
      ["bridge", "routing_in", "M22,284 H69"],
      ["bridge", "FORWARD", "M22,384 H34"],
      ["FORWARD", "bridge", "M34,416 H22"],
      ["bridge", "POSTROUTING", "M22,634 H34"],
      ["POSTROUTING", "bridge", "M34,666 H22"],
      ["neighbour", "bridge", "M69,770 H22"],
      ["bridge", "out", "M22,836 H56"],
    ],
    lo: { path: "M176,836 H372 V30 H176", label: [290, 22] },
  };
}

// The edges from one node to another, by the fewest nodes between. Empty: there is no way.
function edges_between(shape, from, to) {
  const came = new Map([[from, -1]]);
  const queue = [from];
  while (queue.length) {
    const node = queue.shift();
    if (node === to) break;
    shape.edges.forEach(([a, b], i) => {
      if (a === node && !came.has(b)) {
        came.set(b, i);
        queue.push(b);
      }
    });
  }
  const out = [];
  for (let at = to; came.get(at) >= 0; at = shape.edges[came.get(at)][0]) out.unshift(came.get(at));
  return out;
}
