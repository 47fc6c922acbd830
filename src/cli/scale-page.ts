import { html } from "../report/html/markup.ts";
import { formatDuration } from "../report/duration.ts";
import type { ScaleOutcome, ScaleStage } from "../sim/scale/scale-run.ts";
import { bytesText, fabricText, stageFigures } from "./scale-text.ts";

/** A run over a generated fabric as one page that needs nothing but itself. */
export function scalePage(outcome: ScaleOutcome): string {
  const { fabric, services, stages, isWhole, peakMemoryBytes } = outcome;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>A leaf-spine fabric in virtual time</title>
        <style>
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            margin: 2rem auto;
            max-width: 60rem;
            padding: 0 1rem;
            color-scheme: light dark;
          }
          th {
            text-align: left;
            font-weight: normal;
            vertical-align: top;
            padding-right: 1.5rem;
            opacity: 0.7;
          }
          section {
            margin-top: 2rem;
          }
        </style>
      </head>
      <body>
        <h1>A leaf-spine fabric in virtual time</h1>
        <p>${fabricText(fabric, services)}. Memory at most ${bytesText(peakMemoryBytes)}.</p>
        ${isWhole ? undefined : html`<p><strong>Ended early: not all stages were run.</strong></p>`}
        ${stages.map(section)}
      </body>
    </html>`;
  return page.text;
}

function section(stage: ScaleStage) {
  const { name, what, isAtRest, convergenceMs, realMs } = stage;
  return html`<section>
    <h2>${name}: ${what}</h2>
    <p>
      ${isAtRest ? "At rest" : "Not at rest"} ${formatDuration(convergenceMs)} later; simulated in
      ${formatDuration(realMs)}.
    </p>
    <table>
      ${stageFigures(stage).map(
        ([figure, value]) =>
          html`<tr>
            <th scope="row">${figure}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </table>
  </section>`;
}
