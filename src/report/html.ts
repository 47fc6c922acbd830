import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TimelineRecord } from "../timeline/record.ts";
import { evidenceSection } from "./html/evidence-section.ts";
import { head, trouble } from "./html/head.ts";
import { lanes } from "./html/lanes.ts";
import { html, jsonForScript, trusted } from "./html/markup.ts";
import { pageData } from "./html/page-data.ts";
import { pictureSvg } from "./html/picture.ts";
import { commandsSection, logSection, probesSection, stagesSection } from "./html/sections.ts";
import { spreadSection } from "./html/spread-section.ts";
import { stepsSection } from "./html/steps.ts";
import { verdictNames } from "./html/verdict.ts";
import type { SpreadReport } from "./spread.ts";
import { summarize } from "./summary.ts";

const style = asset("page.css");
const script = asset("page.js");
// As one piece: its hash is of every character between the tags.
const scriptElement = `<script>${script}</script>`;
// The page asks nothing of anyone: the browser holds it to that, whatever the records contain.
const policy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash("sha256").update(script).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/**
 * The run as one page that needs nothing but itself. `evidence`: files beside it, below evidence/.
 * `spread`: where it is the last of several.
 */
export function reportHtml(
  records: readonly TimelineRecord[],
  evidence: readonly string[] = [],
  spread?: SpreadReport,
): string {
  const run = summarize(records);
  const title = `${run.started?.lab ?? "Spinelab"}: ${verdictNames[run.verdict]}`;
  const topology = run.started?.topology;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <main>
          ${head(run, spread)} ${trouble(run)}
          <section aria-labelledby="fabric">
            <h2 id="fabric">The fabric over time</h2>
            ${topology === undefined ? undefined : pictureSvg(topology)}
            <p class="detail" id="detail" role="status">Choose a node to see its tables.</p>
            <div class="node-tables" id="node-tables" hidden></div>
            <div class="timeline">
              <div class="transport">
                <button type="button" id="play">▶ Play</button>
                <button type="button" id="before" aria-label="the moment before">⟨</button>
                <button type="button" id="after" aria-label="the moment after">⟩</button>
                <output id="now" for="time"></output>
                <span class="moment" id="moment"></span>
                <button type="button" id="whole" hidden>Whole run</button>
              </div>
              <div class="slider">
                <input type="range" id="time" aria-label="time of the run" />
              </div>
              ${lanes(run, records)}
              <div class="axis" aria-hidden="true"></div>
            </div>
          </section>
          ${stepsSection(run)} ${spreadSection(spread)} ${probesSection(run)} ${stagesSection(run)}
          ${evidenceSection(evidence)} ${commandsSection(run)} ${logSection(records)}
          <footer>
            <button type="button" id="save">Save timeline.jsonl</button>
            <span>${records.length} records. Everything on this page is read from them.</span>
          </footer>
        </main>
        <script type="application/json" id="page-data">
          ${jsonForScript(pageData(run, records))}
        </script>
        <script type="application/json" id="timeline">
          ${jsonForScript(records)}
        </script>
        ${trusted(scriptElement)}
      </body>
    </html> `;
  return page.text;
}

function asset(name: string): string {
  return readFileSync(new URL(`./html/${name}`, import.meta.url), "utf8");
}
