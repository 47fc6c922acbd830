import { formatDuration, formatElapsed } from "../duration.ts";
import type { RunSummary, StepSummary } from "../summary.ts";
import { expectedAndSeen } from "./expected-and-seen.ts";
import { html, type Markup } from "./markup.ts";
import { measuresTable } from "./measures.ts";
import { rowsMaxOf, stateChanges } from "./state-changes.ts";
import { signs, verdictNames } from "./verdict.ts";

/** So many steps that did not pass are open from the start. */
const openMax = 10;

/** A row of figures for each step; opened, its events and checks. */
export function stepsSection(run: RunSummary): Markup {
  if (run.steps.length === 0) return html``;
  const bad = run.steps.filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive");
  const open = new Set(bad.slice(0, openMax));
  const rowsMax = rowsMaxOf(run.steps.length);
  return html`<section aria-labelledby="steps">
    <h2 id="steps">Steps</h2>
    <div class="steps">
      <div class="step-head" aria-hidden="true">
        <span></span><span>step</span><span>checks</span><span>converged</span><span>outage</span
        ><span>lost</span><span>time</span>
      </div>
      ${run.steps.map((step) => stepDetails(step, open.has(step), rowsMax))}
    </div>
  </section>`;
}

function stepDetails(step: StepSummary, isOpen: boolean, rowsMax: number): Markup {
  const all = step.checks.length + step.unfinished.length;
  const good = step.checks.filter((one) => one.verdict === "pass" || one.verdict === "warn").length;
  const outage =
    step.outageMs === undefined ? undefined : step.outageMs === 0 ? "none" : step.outageMs;
  return html`<details class="step ${step.verdict}" ${isOpen ? "open" : undefined}>
    <summary>
      <span class="sign" title="${verdictNames[step.verdict]}">${signs[step.verdict]}</span>
      <span class="step-name"><b>${step.index + 1}</b> ${step.name}</span>
      ${figure("checks", all === 0 ? undefined : `${good}/${all}`)}
      ${figure("converged", step.convergeMs)} ${figure("outage", outage, step.outageMs !== 0)}
      ${figure("lost", step.lost?.toString(), step.lost !== 0)} ${figure("time", step.tookMs)}
    </summary>
    ${step.verdict === "notRun" ? html`<p class="dim">It did not run.</p>` : stepBody(step, rowsMax)}
  </details>`;
}

function figure(name: string, value: string | number | undefined, notable = false): Markup {
  const text = typeof value === "number" ? formatDuration(value) : (value ?? "–");
  const kind = value === undefined ? "dim" : notable ? "notable" : "";
  return html`<span class="figure ${kind}" data-name="${name}">${text}</span>`;
}

function stepBody(step: StepSummary, rowsMax: number): Markup {
  const events = step.events.map(
    (event) =>
      html`<li class="${event.error === undefined ? "" : "fail"}">
        <button type="button" class="time" data-at="${event.atMs}" title="show on the timeline">
          ${formatElapsed(event.atMs)}
        </button>
        <span class="event-sign" aria-hidden="true">▸</span> ${event.text}
        ${event.error === undefined ? undefined : html`<pre>${event.error}</pre>`}
      </li>`,
  );
  const checks = step.checks.map(
    (check) =>
      html`<li class="${check.verdict}">
        <button type="button" class="time" data-at="${check.atMs}" title="show on the timeline">
          ${formatElapsed(check.atMs)}
        </button>
        <span class="sign" title="${verdictNames[check.verdict]}">${signs[check.verdict]}</span>
        ${check.text}
        ${
          check.verdict === "pass"
            ? html`<span class="dim">${check.text.includes(check.seen) ? "" : check.seen}</span>`
            : expectedAndSeen(check)
        }
      </li>`,
  );
  const unfinished = step.unfinished.map(
    (waiting) =>
      html`<li class="inconclusive">
        <span class="time">${formatElapsed(waiting.atMs)}</span>
        <span class="sign" title="no verdict">?</span> ${waiting.text} ${expectedAndSeen(waiting)}
      </li>`,
  );
  return html`<ul class="facts-list">
    ${events}${checks}${unfinished}
    <li>${measuresTable(step.measures)}${stateChanges(step.state, rowsMax)}</li>
  </ul>`;
}
