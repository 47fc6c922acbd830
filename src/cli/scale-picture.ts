import { formatDuration } from "../report/duration.ts";
import { html, type Markup } from "../report/html/markup.ts";
import type { ScaleStage } from "../sim/scale/scale-run.ts";
import type { LeafSpine } from "../topology/leaf-spine/parameters.ts";
import { routersOf } from "../topology/leaf-spine/routers.ts";
import { whole } from "./scale-text.ts";

type RouterOutcome = ScaleStage["routers"][number];
/** When the first and the last router came to rest. */
type Range = { firstMs: number; lastMs: number };
type Box = { x: number; y: number; width: number; height: number };

const width = 1000;
/** Left of it are the tiers' names. */
const left = 90;
const gap = 2;
const tierGap = 26;
const cell = { widthMin: 5, widthMax: 34, height: 14 };
/** Of more, the picture would be nothing but lines. */
const cablesMax = 400;

/** Every router of the fabric, coloured by when it last forwarded otherwise than before. */
export function fabricPicture(fabric: LeafSpine, routers: readonly RouterOutcome[]): Markup {
  const { superspines, spines } = fabric;
  const tiers: [string, readonly RouterOutcome[]][] = [
    ["superspines", routers.slice(0, superspines)],
    ["spines", routers.slice(superspines, superspines + spines)],
    ["ToRs", routers.slice(superspines + spines)],
  ];
  const boxes = new Map<string, Box>();
  const labels: Markup[] = [];
  let y = 6;
  for (const [name, tier] of tiers) {
    if (tier.length === 0) continue;
    labels.push(html`<text x="0" y="${y + 11}">${name}</text>`);
    y = place(tier, y, boxes) + tierGap;
  }
  const afterMs = routers.flatMap(({ changedAfterMs }) => changedAfterMs ?? []);
  const range = { firstMs: Math.min(...afterMs), lastMs: Math.max(...afterMs) };
  return html`<figure>
    <svg viewBox="0 0 ${width} ${y - tierGap + 6}" role="img" aria-label="${caption(routers)}">
      ${cables(fabric, boxes)} ${labels}
      ${routers.map((router) => drawn(router, boxes.get(router.name)!, range))}
    </svg>
    <figcaption>
      ${caption(routers)}. The darker, the later; grey: as before; red: without power.
    </figcaption>
  </figure>`;
}

/** In as many rows as it takes. Returns where the last ends. */
function place(tier: readonly RouterOutcome[], top: number, boxes: Map<string, Box>): number {
  const room = width - left;
  const each = Math.min(cell.widthMax, Math.max(cell.widthMin, room / tier.length - gap));
  const perRow = Math.min(tier.length, Math.floor(room / (each + gap)));
  for (const [i, { name }] of tier.entries()) {
    const x = left + ((i % perRow) + 0.5) * (room / perRow) - each / 2;
    const y = top + Math.floor(i / perRow) * (cell.height + gap);
    boxes.set(name, { x, y, width: each, height: cell.height });
  }
  return top + Math.ceil(tier.length / perRow) * (cell.height + gap) - gap;
}

function cables(fabric: LeafSpine, boxes: ReadonlyMap<string, Box>): Markup[] {
  if (fabric.racks * fabric.uplinks + fabric.spines * fabric.superspines > cablesMax) return [];
  const ports = routersOf(fabric).flatMap(({ name, ports: of }) => of.map(({ to }) => [name, to]));
  // Each is a port at both of its ends.
  const lines = ports.filter(([from, to]) => boxes.get(from!)!.y < boxes.get(to!)!.y);
  return lines.map(([from, to]) => {
    const [a, b] = [boxes.get(from!)!, boxes.get(to!)!];
    return html`<line
      class="cable"
      x1="${middle(a)}"
      y1="${a.y + a.height}"
      x2="${middle(b)}"
      y2="${b.y}"
    />`;
  });
}

const middle = ({ x, width: of }: Box) => (x + of / 2).toFixed(1);

function drawn({ name, isUp, changedAfterMs }: RouterOutcome, box: Box, range: Range): Markup {
  const { x, y, width: boxWidth, height } = box;
  const shade = changedAfterMs === undefined ? "router" : shadeOf(changedAfterMs, range);
  const when =
    changedAfterMs === undefined
      ? "forwards as before"
      : `last forwarded otherwise after ${formatDuration(changedAfterMs)}`;
  return html`<rect
    class="${isUp ? shade : "down"}"
    x="${x.toFixed(1)}"
    y="${y}"
    width="${boxWidth.toFixed(1)}"
    height="${height}"
    ><title>${name}: ${isUp ? when : "without power"}</title></rect
  >`;
}

function shadeOf(afterMs: number, { firstMs, lastMs }: Range): string {
  const part = (afterMs - firstMs) / Math.max(lastMs - firstMs, 1);
  return part < 1 / 3 ? "early" : part < 2 / 3 ? "later" : "last";
}

function caption(routers: readonly RouterOutcome[]): string {
  const afterMs = routers.flatMap(({ changedAfterMs }) => changedAfterMs ?? []);
  if (afterMs.length === 0) return "No router forwards otherwise than before";
  const [first, last] = [Math.min(...afterMs), Math.max(...afterMs)].map(formatDuration);
  return (
    `${whole(afterMs.length)} of ${whole(routers.length)} routers forward otherwise than before, ` +
    `the last change of each ${first} to ${last} after it began`
  );
}

const chart = { height: 110, top: 16, bottom: 20, barsMax: 90 };

/** Routes announced and withdrawn over virtual time. */
export function paceChart({ binMs, routes }: ScaleStage["pace"]): Markup {
  if (routes.length === 0) return html``;
  const perBar = Math.ceil(routes.length / chart.barsMax);
  const bars = Array.from({ length: Math.ceil(routes.length / perBar) }, (_, i) =>
    routes.slice(i * perBar, (i + 1) * perBar).reduce((sum, one) => sum + one, 0),
  );
  const most = Math.max(...bars);
  const barMs = formatDuration(binMs * perBar);
  const each = (width - left) / Math.max(bars.length, 12);
  const room = chart.height - chart.top - chart.bottom;
  const floor = chart.height - chart.bottom;
  const endX = left + bars.length * each;
  const text = `Routes announced and withdrawn in each ${barMs} of virtual time, ${whole(most)} at most`;
  return html`<figure>
    <svg viewBox="0 0 ${width} ${chart.height}" role="img" aria-label="${text}">
      ${bars.map((value, i) => {
        const height = (value / most) * room;
        return html`<rect
          class="bar"
          x="${(left + i * each).toFixed(1)}"
          y="${(floor - height).toFixed(1)}"
          width="${(each * 0.9).toFixed(1)}"
          height="${height.toFixed(1)}"
          ><title>from ${formatDuration(i * perBar * binMs)}: ${whole(value)} routes</title></rect
        >`;
      })}
      <line class="axis" x1="${left}" y1="${floor}" x2="${width}" y2="${floor}" />
      <text x="0" y="${chart.top}">${whole(most)}</text>
      <text x="${left}" y="${chart.height - 6}">0</text>
      <text x="${endX.toFixed(1)}" y="${chart.height - 6}" text-anchor="end">
        ${formatDuration(bars.length * perBar * binMs)}
      </text>
    </svg>
    <figcaption>${text}.</figcaption>
  </figure>`;
}
