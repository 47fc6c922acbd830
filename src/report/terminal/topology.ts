import type { TopologyPicture } from "../../timeline/record.ts";
import {
  type FabricState,
  type LinkState,
  linkKey,
  type NodeState,
  type PictureLink,
} from "../fabric-state.ts";
import { Canvas } from "./canvas.ts";
import { arrange, type Box, type Channel } from "./topology-layout.ts";
import { type Line, type Look, printLine, span, wrapLine } from "./text.ts";

export type TopologyOptions = {
  look?: Look;
  /** Links and nodes that are not up are marked. */
  state?: FabricState;
};

/**
 * The fabric as text, at most `columns` wide: a row of boxes each for spines, leaves and Kubernetes
 * nodes, links between neighbouring rows with their interface names; other links follow as lines. A
 * fabric too wide for that becomes a list of nodes with their links.
 */
export function drawTopology(
  picture: TopologyPicture,
  columns: number,
  options: TopologyOptions = {},
): string[] {
  const look = options.look ?? { color: false, unicode: true };
  return topologyLines(picture, columns, { ...options, look }).map((line) => printLine(line, look));
}

function topologyLines(
  picture: TopologyPicture,
  columns: number,
  options: TopologyOptions & { look: Look },
): Line[] {
  return pictureLines(picture, columns, options) ?? listLines(picture, columns, options);
}

/** The drawn picture, before it is printed; undefined where it does not fit. */
export function pictureLines(
  picture: TopologyPicture,
  columns: number,
  options: TopologyOptions & { look: Look },
): Line[] | undefined {
  const layout = arrange(picture, columns);
  if (layout === undefined) return undefined;
  const canvas = new Canvas(layout.width, layout.height, options.look.unicode);
  for (const box of layout.boxes) drawBox(canvas, box, options);
  for (const channel of layout.channels) drawChannel(canvas, channel, options);
  const others = layout.otherLinks.map((link) => [span(linkText(link, options))]);
  const margin = span(" ".repeat(Math.floor((columns - layout.width) / 2)));
  const drawn = canvas.lines().map((line): Line => [margin].concat(line));
  return [...drawn, ...others.flatMap((line) => wrapLine(line, columns, 4, options.look))];
}

function drawBox(canvas: Canvas, box: Box, options: TopologyOptions): void {
  const { left, top, width, node } = box;
  const state = options.state?.nodes.get(node.name) ?? "up";
  const color = state === "up" ? undefined : state === "down" ? "red" : "yellow";
  const bottom = top + box.lines.length + 1;
  canvas.line(left, top, left + width - 1, top, color);
  canvas.line(left, bottom, left + width - 1, bottom, color);
  canvas.line(left, top, left, bottom, color);
  canvas.line(left + width - 1, top, left + width - 1, bottom, color);
  for (const [index, text] of linesWithState(box, state).entries()) {
    const at = left + Math.max(1, Math.floor((width - text.length) / 2));
    canvas.text(at, top + 1 + index, text, color ?? (index === 0 ? "bold" : "dim"));
  }
}

/** A state that is not `up` takes the place of the last note, or stands beside the name if it fits. */
function linesWithState(box: Box, state: NodeState): string[] {
  if (state === "up") return box.lines;
  const [name, ...notes] = box.lines;
  if (notes.length > 0) return [name!, ...notes.slice(0, -1), state];
  const both = `${name} ${state}`;
  return [both.length <= box.width - 2 ? both : name!];
}

function drawChannel(canvas: Canvas, channel: Channel, options: TopologyOptions): void {
  for (const wire of channel.wires) {
    const state = stateOf(wire.link, options);
    const color = state === "up" ? undefined : state === "down" ? "red" : "yellow";
    const dashed = state === "down";
    canvas.line(wire.upperX, channel.top - 1, wire.upperX, wire.trackY, color, dashed);
    canvas.line(wire.upperX, wire.trackY, wire.lowerX, wire.trackY, color, dashed);
    canvas.line(wire.lowerX, wire.trackY, wire.lowerX, channel.bottom + 1, color, dashed);
    if (channel.labelled) {
      canvas.text(wire.upperX + 1, channel.top, wire.upperInterface, "dim");
      canvas.text(wire.lowerX + 1, channel.bottom, wire.lowerInterface, "dim");
    }
    if (state === "down")
      canvas.text(wire.lowerX, channel.bottom, canvas.unicode ? "╳" : "X", "red");
    if (state === "impaired") canvas.text(wire.lowerX, channel.bottom, "~", "yellow");
  }
}

function listLines(
  picture: TopologyPicture,
  columns: number,
  options: TopologyOptions & { look: Look },
): Line[] {
  const width = Math.max(...picture.nodes.map((node) => node.name.length), 0);
  return picture.nodes.flatMap((node) => {
    const state = options.state?.nodes.get(node.name) ?? "up";
    const notes = [...(state === "up" ? [] : [state]), ...node.notes].join(" · ");
    const links = picture.links
      .filter((link) => link.a.node === node.name || link.b.node === node.name)
      .map((link) => (link.a.node === node.name ? link : { a: link.b, b: link.a }))
      .map((link) => `${link.a.interface} – ${linkEnd(link)}${suffix(link, options)}`)
      .join(", ");
    const line = [
      span(node.name.padEnd(width), "bold"),
      span(`  ${node.role.padEnd(10)}`, "dim"),
      span(`  ${notes}`),
      span(links === "" ? "" : `  ${links}`, "dim"),
    ];
    return wrapLine(line, columns, width + 2, options.look);
  });
}

function linkText(link: PictureLink, options: TopologyOptions): string {
  return `${link.a.node}:${link.a.interface} – ${linkEnd(link)}${suffix(link, options)}`;
}

function linkEnd(link: PictureLink): string {
  return `${link.b.node}:${link.b.interface}`;
}

function suffix(link: PictureLink, options: TopologyOptions): string {
  const state = stateOf(link, options);
  return state === "up" ? "" : ` (${state})`;
}

function stateOf(link: PictureLink, options: TopologyOptions): LinkState {
  return options.state?.links.get(linkKey(link)) ?? "up";
}
