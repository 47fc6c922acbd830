import { html } from "../report/html/markup.ts";
import { fabricPicture, paceChart } from "./scale-picture.ts";
import { formatDuration } from "../report/duration.ts";
import type { ScaleOutcome, ScaleStage } from "../sim/scale/scale-run.ts";
import {
  fabricText,
  lastChangeText,
  restText,
  stageFigures,
  totalLines,
  type WrittenFile,
  writtenText,
} from "./scale-text.ts";

/** A run over a generated fabric as one page that needs nothing but itself. */
export function scalePage(outcome: ScaleOutcome, written: readonly WrittenFile[]): string {
  const { fabric, services, stages, isWhole } = outcome;
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
          html {
            color-scheme: light dark;
          }
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            margin: 2rem auto;
            max-width: 72rem;
            padding: 0 1rem;
          }
          table {
            border-collapse: collapse;
            min-width: 40rem;
            table-layout: fixed;
            width: 100%;
          }
          thead td {
            width: 6rem;
          }
          th,
          td {
            border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent);
            padding: 0.4rem 1rem 0.4rem 0;
            text-align: left;
            vertical-align: top;
          }
          thead th,
          thead td {
            border-top: none;
          }
          thead small {
            display: block;
            font-weight: normal;
          }
          tbody th {
            font-weight: normal;
            opacity: 0.7;
          }
          .not {
            color: light-dark(#b00020, #ff8a80);
          }
          .wide {
            overflow-x: auto;
          }
          figure {
            margin: 1rem 0;
          }
          figcaption {
            font-size: 0.85rem;
            opacity: 0.8;
          }
          svg {
            display: block;
            height: auto;
            width: 100%;
          }
          svg text {
            fill: currentColor;
            font-size: 11px;
          }
          .cable {
            stroke: color-mix(in srgb, currentColor 20%, transparent);
          }
          .router {
            fill: color-mix(in srgb, currentColor 12%, transparent);
          }
          .early {
            fill: #9ecae1;
          }
          .later,
          .bar {
            fill: #4292c6;
          }
          .last {
            fill: light-dark(#084594, #2171b5);
          }
          .down {
            fill: light-dark(#b00020, #ff8a80);
          }
          .axis {
            stroke: currentColor;
            stroke-opacity: 0.4;
          }
        </style>
      </head>
      <body>
        <h1>A leaf-spine fabric in virtual time</h1>
        <p>${fabricText(fabric, services)}.</p>
        <p>${capital(writtenText(written))}.</p>
        ${isWhole ? undefined : html`<p><strong>Ended early: not all stages were run.</strong></p>`}
        <div class="wide">${table(stages)}</div>
        ${stages.map(
          ({ name, what, ...stage }) =>
            html`<section>
              <h2>${capital(name)}: ${what}</h2>
              ${fabricPicture(fabric, stage.routers)} ${paceChart(stage.pace)}
            </section>`,
        )}
        ${totalLines(outcome).map((line) => html`<p>${capital(line)}.</p>`)}
      </body>
    </html>`;
  return page.text;
}

/** Stages side by side: what one figure was before, and is after. */
function table(stages: readonly ScaleStage[]) {
  const figures = stages.map((stage) => new Map(stageFigures(stage)));
  const names = [...new Set(figures.flatMap((of) => [...of.keys()]))];
  return html`<table>
    <thead>
      <tr>
        <td></td>
        ${stages.map(({ name, what }) => html`<th scope="col">${name}<small>${what}</small></th>`)}
      </tr>
    </thead>
    <tbody>
      <tr>
        <th scope="row">outcome</th>
        ${stages.map(rest)}
      </tr>
      ${names.map(
        (name) =>
          html`<tr>
            <th scope="row">${name}</th>
            ${figures.map((of) => html`<td>${of.get(name) ?? "–"}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function rest(stage: ScaleStage) {
  return html`<td class="${stage.isAtRest ? "at" : "not"}">
    ${restText(stage)}${lastChangeText(stage)}, simulated in ${formatDuration(stage.realMs)}
  </td>`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
