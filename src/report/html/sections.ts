import type { TimelineRecord } from "../../timeline/record.ts";
import { formatDuration, formatElapsed } from "../duration.ts";
import { ofType, type RecordOf, type RunSummary } from "../summary.ts";
import { html, type Markup } from "./markup.ts";
import { signs } from "./verdict.ts";

/** Loss and round trip of each probe. */
export function probesSection(run: RunSummary): Markup {
  if (run.probes.length === 0) return html``;
  return html`<section aria-labelledby="probes">
    <h2 id="probes">Probes</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>probe</th>
            <th>from → to</th>
            <th>every</th>
            <th>sent</th>
            <th>lost</th>
            <th>loss</th>
            <th>outages</th>
            <th>longest</th>
            <th>round trip min / median / max</th>
          </tr>
        </thead>
        <tbody>
          ${run.probes.map((each) => {
            const { probe, from, to, everyMs, intervalMs, sent, lost, outages, outageMs, rttMs } =
              each;
            const rtt =
              rttMs && [rttMs.min, rttMs.median, rttMs.max].map(formatDuration).join(" / ");
            const loss = sent ? `${((100 * (lost ?? 0)) / sent).toFixed(1)} %` : "–";
            return html`<tr>
              <th scope="row">${probe}</th>
              <td>${from} → ${to}</td>
              <td>${formatDuration(intervalMs ?? everyMs)}</td>
              <td>${sent ?? "not over"}</td>
              <td>${lost ?? "–"}</td>
              <td>${loss}</td>
              <td>${outages.length}</td>
              <td>${outageMs === undefined ? "–" : formatDuration(outageMs)}</td>
              <td>${rtt ?? "–"}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** How long each stage of deploying and tearing down took. */
export function stagesSection(run: RunSummary): Markup {
  if (run.stages.length === 0) return html``;
  const longestMs = Math.max(1, ...run.stages.map((stage) => stage.tookMs ?? 0));
  return html`<section aria-labelledby="stages">
    <h2 id="stages">Deploy and teardown</h2>
    <table class="stages">
      ${run.stages.map(({ stage, tookMs, detail }) => {
        const share = Math.round((100 * (tookMs ?? 0)) / longestMs);
        return html`<tr>
          <th scope="row">${stage}</th>
          <td>${tookMs === undefined ? "not over" : formatDuration(tookMs)}</td>
          <td class="share"><i style="width:${share}%"></i></td>
          <td class="dim">${detail}</td>
        </tr>`;
      })}
    </table>
  </section>`;
}

/** Every command that was run in a node, its output folded. */
export function commandsSection(run: RunSummary): Markup {
  if (run.execs.length === 0) return html``;
  const failed = run.execs.filter((exec) => exec.exitCode !== 0 && !exec.allowedToFail).length;
  const count = `${run.execs.length} ${run.execs.length === 1 ? "command" : "commands"}`;
  return html`<section aria-labelledby="commands">
    <h2 id="commands">Commands</h2>
    <details ${failed > 0 ? html` open` : html``}>
      <summary>${count}, ${failed === 0 ? "none" : failed} failed</summary>
      ${run.execs.map(commandDetails)}
    </details>
  </section>`;
}

function commandDetails(exec: RecordOf<"exec">): Markup {
  const failed = exec.exitCode !== 0;
  const kind = failed ? (exec.allowedToFail ? "warn" : "fail") : "pass";
  const output = [exec.stdout, exec.stderr].filter((text) => text !== "");
  const headline = html`<span class="sign">${signs[kind]}</span> <b>${exec.node}</b>
    <code>${exec.command}</code>
    <span class="dim"
      >${failed ? `status ${exec.exitCode}, ` : ""}${formatDuration(exec.tookMs)}</span
    >`;
  if (output.length === 0) return html`<div class="command-line ${kind}">${headline}</div>`;
  return html`<details class="command-line ${kind}" ${kind === "fail" ? html` open` : html``}>
    <summary>${headline}</summary>
    ${output.map((text) => html`<pre>${text}</pre>`)}
  </details>`;
}

/** What daemons, agents and the lab itself said. */
export function logSection(records: readonly TimelineRecord[]): Markup {
  const logs = ofType(records, "log");
  if (logs.length === 0) return html``;
  const loud = logs.filter((log) => log.level === "warn" || log.level === "error").length;
  const loudText = loud === 0 ? "" : `, ${loud} of them warnings or errors`;
  return html`<section aria-labelledby="log">
    <h2 id="log">Log</h2>
    <details ${loud > 0 ? html` open` : html``}>
      <summary>${logs.length} ${logs.length === 1 ? "line" : "lines"}${loudText}</summary>
      <ul class="facts-list log">
        ${logs.map(
          ({ atMs, node, level, message }) =>
            html`<li class="${level}">
              <button type="button" class="time" data-at="${atMs}" title="show on the timeline">
                ${formatElapsed(atMs)}
              </button>
              <span class="level">${level}</span>
              ${node === undefined ? undefined : html`<b>${node}</b> `}${message}
            </li>`,
        )}
      </ul>
    </details>
  </section>`;
}
