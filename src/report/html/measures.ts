import type { EventMeasures, LinkTraffic } from "../../timeline/record.ts";
import { formatDuration } from "../duration.ts";
import type { RecordOf } from "../summary.ts";
import { html, type Markup } from "./markup.ts";

/** Links that carried less are left out: sessions keep alive on every one. */
const notableShare = 0.1;

/** What the events of a step did: convergence by event, UPDATE messages, and which links carried the probes. */
export function measuresTable(measures: RecordOf<"measures"> | undefined): Markup {
  if (measures === undefined) return html``;
  const probes = [...new Set(measures.events.flatMap((event) => Object.keys(event.probes ?? {})))];
  const updates = Object.entries(measures.updates).filter(
    ([, { received, sent }]) => received + sent > 0,
  );
  return html`<div class="measures">
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>event</th>
            <th>control plane</th>
            ${probes.map((probe) => html`<th>data plane, ${probe}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${measures.events.map(
            (event) =>
              html`<tr>
                <th scope="row">${event.text}</th>
                <td>${controlPlane(event)}</td>
                ${probes.map((probe) => html`<td>${dataPlane(event, probe)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      updates.length === 0
        ? undefined
        : html`<p>
            <b>UPDATE messages</b>
            ${updates.map(
              ([node, { received, sent }], i) =>
                html`${i === 0 ? "" : " · "}${node} received ${received}, sent ${sent}`,
            )}
          </p>`
    }
    ${carried(measures.links ?? [])}
  </div>`;
}

/** The time of the last node, and each node's own. */
function controlPlane({ controlPlaneMs, nodesMs }: EventMeasures): Markup {
  if (controlPlaneMs === undefined) return html`<span class="dim">no table changed</span>`;
  const nodes = Object.entries(nodesMs).toSorted(([, a], [, b]) => b - a);
  return html`<b>${formatDuration(controlPlaneMs)}</b>
    <span class="dim"
      >${nodes.map(([node, ms]) => `${node} ${formatDuration(ms)}`).join(", ")}</span
    >`;
}

function dataPlane({ probes }: EventMeasures, probe: string): Markup {
  const loss = probes?.[probe];
  if (loss === undefined) return html`<span class="dim">no loss</span>`;
  return html`<b>${formatDuration(loss.dataPlaneMs)}</b>
    <span class="dim">± ${formatDuration(loss.errorMs)}, ${loss.lost} lost</span>`;
}

function carried(links: readonly LinkTraffic[]): Markup {
  const most = Math.max(0, ...links.map(({ packets }) => packets.toA + packets.toB));
  const notable = links
    .filter(({ packets }) => packets.toA + packets.toB > most * notableShare)
    .toSorted((a, b) => b.packets.toA + b.packets.toB - a.packets.toA - a.packets.toB);
  if (notable.length === 0) return html``;
  return html`<p>
    <b>Packets carried</b>
    ${notable.map(({ link, packets }, i) => {
      const text = `${link.a.node} → ${link.b.node} ${packets.toB}, back ${packets.toA}`;
      return html`${i === 0 ? "" : " · "}${text}`;
    })}
  </p>`;
}
