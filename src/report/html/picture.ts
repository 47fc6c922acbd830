import type { TopologyPicture } from "../../timeline/record.ts";
import type { PictureLink, PictureNode } from "../fabric-state.ts";
import { pictureRows } from "../picture-rows.ts";
import { html, type Markup } from "./markup.ts";

type PlacedNode = { node: PictureNode; index: number; left: number; top: number; width: number };
type Port = { x: number; y: number };

const nodeHeight = 58;
const rowGap = 116;
const columnGap = 26;
/** Room at the left for the names of the rows. */
const captionWidth = 84;
const characterWidth = 7.7;
const captions = { spine: "spine", leaf: "leaf", kubernetes: "kubernetes", host: "hosts" } as const;

/**
 * The fabric as SVG: rows of nodes, links with their interface names. `id`s are `node-I` and `link-I`
 * by place in the picture; the page sets `data-state` on them.
 */
export function pictureSvg(picture: TopologyPicture): Markup {
  const rows = pictureRows(picture);
  const widthOf = (node: PictureNode) => nodeWidth(node, picture);
  const widths = rows.map((row) =>
    row.reduce((sum, node) => sum + widthOf(node) + columnGap, -columnGap),
  );
  const inner = Math.max(240, ...widths);
  const placed = new Map<string, PlacedNode>();
  for (const [rowIndex, row] of rows.entries()) {
    // A row stands around the middle, its nodes spread as wide as the widest row allows.
    const spare = (inner - widths[rowIndex]!) / row.length;
    let left = captionWidth + spare / 2;
    for (const node of row) {
      const width = widthOf(node);
      const top = 12 + rowIndex * (nodeHeight + rowGap);
      placed.set(node.name, { node, index: picture.nodes.indexOf(node), left, top, width });
      left += width + columnGap + spare;
    }
  }
  const ports = placePorts(picture.links, placed);
  const width = captionWidth + inner + 12;
  const height = rows.length * (nodeHeight + rowGap) - rowGap + 24;
  return html`<svg
    class="fabric"
    viewBox="0 0 ${width} ${height}"
    style="max-width:${Math.round(width * 1.15)}px"
    role="group"
    aria-label="Topology: ${picture.nodes.length} nodes, ${picture.links.length} links"
  >
    ${rows.map((row, index) => rowCaption(row, index))}
    ${picture.links.map((link, index) => linkSvg(link, index, ports))}
    ${[...placed.values()].map(nodeSvg)}
  </svg>`;
}

function rowCaption(row: readonly PictureNode[], index: number): Markup {
  const y = 12 + index * (nodeHeight + rowGap) + nodeHeight / 2 + 4;
  const names = [...new Set(row.map((node) => captions[node.role]))].join(", ");
  return html`<text class="caption" x="0" y="${y}">${names}</text>`;
}

function nodeSvg({ node, index, left, top, width }: PlacedNode): Markup {
  const details = [
    node.name,
    ...(node.aliases.length > 0 ? [`also ${node.aliases.join(", ")}`] : []),
    ...node.notes,
  ].join(" · ");
  const middle = round(left + width / 2);
  return html`<g
    id="node-${index}"
    class="node ${node.role}"
    data-state="up"
    data-detail="${details}"
    tabindex="0"
    role="img"
    aria-label="${details}"
  >
    <title>${details}</title>
    <rect x="${round(left)}" y="${top}" width="${round(width)}" height="${nodeHeight}" rx="9" />
    <text class="name" x="${middle}" y="${top + 24}">${node.name}</text>
    <text class="note" x="${middle}" y="${top + 43}">${node.notes[0]}</text>
  </g>`;
}

function linkSvg(link: PictureLink, index: number, ports: ReadonlyMap<string, Port>): Markup {
  const a = ports.get(`${index} a`);
  const b = ports.get(`${index} b`);
  // An end that the picture has no node for cannot be drawn; the link table of the lab refuses it.
  if (a === undefined || b === undefined) return html``;
  const name = `${link.a.node}:${link.a.interface} – ${link.b.node}:${link.b.interface}`;
  const sameRow = a.y === b.y;
  // Inside a row the line hangs below it; between rows it leaves and arrives straight down.
  const bend = sameRow ? a.y + 46 : (a.y + b.y) / 2;
  const path = `M${point(a)} C${round(a.x)},${round(bend)} ${round(b.x)},${round(bend)} ${point(b)}`;
  const middle = { x: (a.x + b.x) / 2, y: sameRow ? a.y + 34 : (a.y + b.y) / 2 };
  return html`<g
    id="link-${index}"
    class="link"
    data-state="up"
    data-detail="${name}"
    tabindex="0"
    role="img"
    aria-label="link ${name}"
  >
    <title>${name}</title>
    <path class="reach" d="${path}" /><path class="line" d="${path}" />
    ${interfaceLabel(link.a.interface, a, b)}${interfaceLabel(link.b.interface, b, a)}
    <path class="cut" d="M${round(middle.x - 7)},${round(middle.y - 7)} l14,14 m0,-14 l-14,14" />
  </g>`;
}

/** On the link, some 20 px from its end: where the Bézier curve is at t = 0.13. */
function interfaceLabel(text: string, at: Port, far: Port): Markup {
  const x = round(at.x + 0.046 * (far.x - at.x));
  const y = round((at.y === far.y ? at.y + 18 : at.y + 0.172 * (far.y - at.y)) + 4);
  return html`<text class="interface" x="${x}" y="${y}">${text}</text>`;
}

/** Where each end of each link touches its node: along the edge that faces the other, in its order. */
function placePorts(
  links: readonly PictureLink[],
  placed: ReadonlyMap<string, PlacedNode>,
): Map<string, Port> {
  type End = { key: string; at: PlacedNode; far: PlacedNode };
  const edges = new Map<string, End[]>();
  for (const [index, link] of links.entries()) {
    const a = placed.get(link.a.node);
    const b = placed.get(link.b.node);
    if (a === undefined || b === undefined) continue;
    for (const end of [
      { key: `${index} a`, at: a, far: b },
      { key: `${index} b`, at: b, far: a },
    ]) {
      const edge = `${end.far.top < end.at.top ? "top" : "bottom"} ${end.at.index}`;
      edges.set(edge, [...(edges.get(edge) ?? []), end]);
    }
  }
  const ports = new Map<string, Port>();
  for (const [edge, ends] of edges) {
    ends.sort((one, other) => centre(one.far) - centre(other.far));
    for (const [index, { key, at }] of ends.entries()) {
      const x = at.left + (at.width * (index + 0.5)) / ends.length;
      ports.set(key, { x, y: edge.startsWith("top") ? at.top : at.top + nodeHeight });
    }
  }
  return ports;
}

function centre(node: PlacedNode): number {
  return node.left + node.width / 2;
}

/** Wide enough for its name, and for the interface names side by side. */
function nodeWidth(node: PictureNode, picture: TopologyPicture): number {
  const characters = Math.max(node.name.length * 1.08, node.notes[0]?.length ?? 0);
  const ports = picture.links.filter(
    (link) => link.a.node === node.name || link.b.node === node.name,
  );
  return Math.max(116, Math.round(characters * characterWidth) + 26, (ports.length - 1) * 46);
}

function point({ x, y }: Port): string {
  return `${round(x)},${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
