import type { TopologyPicture } from "../../timeline/record.ts";
import type { PictureLink, PictureNode } from "../fabric-state.ts";
import { pictureRows } from "../picture-rows.ts";

/** Cells from the top left corner. */
export type Box = { node: PictureNode; left: number; top: number; width: number; lines: string[] };

/** A link between two rows: down from the upper box, along its track, down to the lower box. */
export type Wire = {
  link: PictureLink;
  upperX: number;
  lowerX: number;
  trackY: number;
  upperInterface: string;
  lowerInterface: string;
};

/** The lines between two rows of boxes; `top` and `bottom` are inside and hold the interface names. */
export type Channel = { top: number; bottom: number; labelled: boolean; wires: Wire[] };

export type Layout = {
  width: number;
  height: number;
  boxes: Box[];
  channels: Channel[];
  /** Inside a row or across one: not drawn. */
  otherLinks: PictureLink[];
};

type Row = { boxes: Box[] };
type Detail = { notes: "whole" | "short" | "none"; labels: boolean };

const boxGap = 2;

/** The layout with as much detail as `columns` allow; undefined where names alone do not fit. */
export function arrange(picture: TopologyPicture, columns: number): Layout | undefined {
  const rows = pictureRows(picture);
  if (rows.length === 0) return undefined;
  const details: Detail[] = [
    { notes: "whole", labels: true },
    { notes: "short", labels: true },
    { notes: "none", labels: true },
    { notes: "none", labels: false },
  ];
  for (const detail of details) {
    const placed = rows.map((nodes) => ({
      boxes: nodes.map((node) => makeBox(node, picture, rows, detail)),
    }));
    const width = Math.max(...placed.map((row) => rowWidth(row.boxes)));
    if (width <= columns) return place(picture, placed, width, detail);
  }
  return undefined;
}

function makeBox(
  node: PictureNode,
  picture: TopologyPicture,
  rows: readonly (readonly PictureNode[])[],
  detail: Detail,
): Box {
  // Short: a prefix tells by itself that it is one.
  const notes = detail.notes === "none" ? [] : node.notes.slice(0, 2);
  const shown = notes.map((note) =>
    detail.notes === "short" ? note.replace(/^podCIDR /, "") : note,
  );
  const lines = [node.name, ...shown];
  const row = rows.findIndex((nodes) => nodes.includes(node));
  const portsWidth = [row - 1, row + 1].map((other) =>
    picture.links
      .flatMap((link) => endsFrom(link, node.name))
      .filter(({ far }) => rows[other]?.some((one) => one.name === far.node))
      .reduce((sum, { near }) => sum + (detail.labels ? near.interface.length + 3 : 2), 1),
  );
  const width = Math.max(...lines.map((line) => line.length + 4), ...portsWidth);
  return { node, left: 0, top: 0, width, lines };
}

function place(picture: TopologyPicture, rows: Row[], width: number, detail: Detail): Layout {
  placeAcross(picture, rows, width);
  const channels: Channel[] = [];
  const drawn = new Set<PictureLink>();
  let top = 0;
  for (const [index, row] of rows.entries()) {
    for (const box of row.boxes) box.top = top;
    // Boxes of a row are of one height, so that its links leave from one line.
    const height = Math.max(...row.boxes.map((box) => box.lines.length));
    for (const box of row.boxes) while (box.lines.length < height) box.lines.push("");
    top += height + 2;
    const below = rows[index + 1];
    if (below === undefined) break;
    const links = picture.links.filter((link) => joins(link, row, below));
    for (const link of links) drawn.add(link);
    const channel = makeChannel(row, below, links, top, detail.labels);
    channels.push(channel);
    top = channel.bottom + 1;
  }
  return {
    width,
    height: top,
    boxes: rows.flatMap((row) => row.boxes),
    channels,
    otherLinks: picture.links.filter((link) => !drawn.has(link)),
  };
}

/** The widest row stands evenly; every other box stands over or under the middle of what it is linked to. */
function placeAcross(picture: TopologyPicture, rows: Row[], width: number): void {
  const widest = rows.reduce((best, row) =>
    rowWidth(row.boxes) > rowWidth(best.boxes) ? row : best,
  );
  let left = 0;
  for (const box of widest.boxes) {
    box.left = left;
    left += box.width + boxGap;
  }
  const at = rows.indexOf(widest);
  for (let index = at - 1; index >= 0; index--)
    settle(picture, rows[index]!, rows[index + 1]!, width);
  for (let index = at + 1; index < rows.length; index++) {
    settle(picture, rows[index]!, rows[index - 1]!, width);
  }
}

function settle(picture: TopologyPicture, row: Row, placed: Row, width: number): void {
  for (const [index, box] of row.boxes.entries()) {
    const centres = picture.links
      .flatMap((link) => endsFrom(link, box.node.name))
      .flatMap(({ far }) => placed.boxes.filter((other) => other.node.name === far.node))
      .map((other) => other.left + other.width / 2);
    const even = ((index + 0.5) * width) / row.boxes.length;
    const centre =
      centres.length === 0 ? even : centres.reduce((sum, x) => sum + x, 0) / centres.length;
    box.left = Math.round(centre - box.width / 2);
  }
  // Boxes that share their neighbours want one place: spread them around it, in order.
  spread(row.boxes);
  let right = width;
  for (const box of row.boxes.toReversed()) {
    box.left = Math.min(box.left, right - box.width);
    right = box.left - boxGap;
  }
  let leftMin = 0;
  for (const box of row.boxes) {
    box.left = Math.max(box.left, leftMin);
    leftMin = box.left + box.width + boxGap;
  }
}

/** Moves overlapping neighbours apart by the same way, group by group. */
function spread(boxes: readonly Box[]): void {
  type Group = { boxes: Box[]; left: number; width: number };
  const groups: Group[] = [];
  for (const box of boxes) {
    let group: Group = { boxes: [box], left: box.left, width: box.width };
    for (;;) {
      const before = groups.at(-1);
      if (before === undefined || before.left + before.width + boxGap <= group.left) break;
      groups.pop();
      const width = before.width + boxGap + group.width;
      const centre =
        ((before.left + before.width / 2) * before.boxes.length +
          (group.left + group.width / 2) * group.boxes.length) /
        (before.boxes.length + group.boxes.length);
      group = {
        boxes: [...before.boxes, ...group.boxes],
        left: Math.round(centre - width / 2),
        width,
      };
    }
    groups.push(group);
  }
  for (const group of groups) {
    let left = group.left;
    for (const box of group.boxes) {
      box.left = left;
      left += box.width + boxGap;
    }
  }
}

function makeChannel(
  upper: Row,
  lower: Row,
  links: readonly PictureLink[],
  top: number,
  labelled: boolean,
): Channel {
  const wires = links.map((link): Wire => {
    const down = upper.boxes.some((box) => box.node.name === link.a.node);
    const [above, below] = down ? [link.a, link.b] : [link.b, link.a];
    return {
      link,
      upperX: 0,
      lowerX: 0,
      trackY: 0,
      upperInterface: above.interface,
      lowerInterface: below.interface,
    };
  });
  assignPorts(upper.boxes, lower.boxes, wires, "upperX");
  assignPorts(lower.boxes, upper.boxes, wires, "lowerX");
  straighten(lower.boxes, wires);
  const tracks = assignTracks(wires);
  const firstTrackY = top + (labelled ? 1 : 0);
  for (const wire of wires) wire.trackY += firstTrackY;
  const bottom = firstTrackY + Math.max(1, tracks) - (labelled ? 0 : 1);
  return { top, bottom, labelled, wires };
}

/** Ports stand evenly along a box, in the order of the boxes they lead to. */
function assignPorts(
  boxes: readonly Box[],
  others: readonly Box[],
  wires: readonly Wire[],
  side: "upperX" | "lowerX",
): void {
  const centre = (name: string) => {
    const box = others.find((other) => other.node.name === name);
    return box === undefined ? 0 : box.left + box.width / 2;
  };
  for (const box of boxes) {
    const mine = wires
      .flatMap((wire) => endsFrom(wire.link, box.node.name).map(({ far }) => ({ wire, far })))
      .sort((a, b) => centre(a.far.node) - centre(b.far.node));
    for (const [index, { wire }] of mine.entries()) {
      wire[side] = box.left + Math.round(((index + 0.5) * (box.width - 1)) / mine.length);
    }
  }
}

/**
 * The port of a single link moves under the other end where the box reaches so far: a straight line.
 * Others move off columns where another link comes down, which would look like a joint.
 */
function straighten(lower: readonly Box[], wires: readonly Wire[]): void {
  for (const box of lower) {
    const mine = wires.filter((wire) => endsFrom(wire.link, box.node.name).length > 0);
    for (const wire of mine) {
      const inside = (x: number) => x > box.left + 1 && x < box.left + box.width - 2;
      const taken = (x: number) =>
        wires.some((other) => other !== wire && (other.upperX === x || other.lowerX === x));
      if (mine.length === 1 && inside(wire.upperX) && !taken(wire.upperX)) {
        wire.lowerX = wire.upperX;
      }
      for (let step = 1; taken(wire.lowerX) && step < box.width; step++) {
        const tries = [wire.lowerX + step, wire.lowerX - step];
        wire.lowerX = tries.find((x) => inside(x) && !taken(x)) ?? wire.lowerX;
      }
    }
  }
}

/**
 * Gives each link the first track where it overlaps no other; returns how many tracks. Links to the
 * left are taken from the left, links to the right from the right: so those of one box never cross.
 */
function assignTracks(wires: readonly Wire[]): number {
  const toLeft = wires.filter((wire) => wire.lowerX <= wire.upperX);
  const toRight = wires.filter((wire) => wire.lowerX > wire.upperX);
  toLeft.sort((a, b) => a.upperX - b.upperX);
  toRight.sort((a, b) => b.upperX - a.upperX);
  const tracks: Wire[][] = [];
  for (const wire of [...toLeft, ...toRight]) {
    let track = tracks.findIndex((others) => others.every((other) => !overlap(wire, other)));
    if (track < 0) track = tracks.push([]) - 1;
    tracks[track]!.push(wire);
    wire.trackY = track;
  }
  return tracks.length;
}

function overlap(a: Wire, b: Wire): boolean {
  const [aLeft, aRight] = [Math.min(a.upperX, a.lowerX), Math.max(a.upperX, a.lowerX)];
  const [bLeft, bRight] = [Math.min(b.upperX, b.lowerX), Math.max(b.upperX, b.lowerX)];
  return aLeft <= bRight && bLeft <= aRight;
}

function joins(link: PictureLink, upper: Row, lower: Row): boolean {
  const has = (row: Row, name: string) => row.boxes.some((box) => box.node.name === name);
  return (
    (has(upper, link.a.node) && has(lower, link.b.node)) ||
    (has(upper, link.b.node) && has(lower, link.a.node))
  );
}

function endsFrom(
  link: PictureLink,
  node: string,
): { near: PictureLink["a"]; far: PictureLink["a"] }[] {
  if (link.a.node === node) return [{ near: link.a, far: link.b }];
  return link.b.node === node ? [{ near: link.b, far: link.a }] : [];
}

function rowWidth(boxes: readonly Box[]): number {
  return boxes.reduce((sum, box) => sum + box.width, boxGap * (boxes.length - 1));
}
