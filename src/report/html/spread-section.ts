import { formatDuration } from "../duration.ts";
import { type Spread, type SpreadReport, spreadName } from "../spread.ts";
import { html, type Markup } from "./markup.ts";
import { signs } from "./verdict.ts";

/** Every measure over the runs of `--repeat`: a point a run, and the limits of the scenario. */
export function spreadSection(report: SpreadReport | undefined): Markup {
  if (report === undefined) return html``;
  const { runs, spreads, results } = report;
  return html`<section aria-labelledby="spread">
    <h2 id="spread">Over ${runs} runs</h2>
    <p class="dim">What is above on this page is the last of them.</p>
    <ul class="facts-list">
      ${results.map(
        ({ verdict, text, limit }) =>
          html`<li class="${verdict}">
            <span class="sign">${signs[verdict]}</span> ${text}
            <span class="dim">${limit.source}</span>
          </li>`,
      )}
    </ul>
    <div class="scroll">
      <table class="spread">
        <thead>
          <tr>
            <th>measure</th>
            <th>measured</th>
            <th>median</th>
            <th>p95</th>
            <th>worst</th>
            <th>each run, from 0 to the worst</th>
          </tr>
        </thead>
        <tbody>
          ${spreads.map(
            (spread) =>
              html`<tr>
                <th scope="row">${spreadName(spread)}</th>
                <td>${spread.valuesMs.length} of ${runs}</td>
                <td>${formatDuration(spread.medianMs)}</td>
                <td>${formatDuration(spread.p95Ms)}</td>
                <td>${formatDuration(spread.worstMs)}</td>
                <td>${points(spread)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const width = 240;

function points({ valuesMs, worstMs }: Spread): Markup {
  const dots = valuesMs.map((ms) => {
    const x = 6 + (worstMs === 0 ? 0 : (ms / worstMs) * (width - 12));
    return html`<circle cx="${x.toFixed(1)}" cy="8" r="4"
      ><title>${formatDuration(ms)}</title></circle
    >`;
  });
  return html`<svg
    class="points"
    viewBox="0 0 ${width} 16"
    width="${width}"
    height="16"
    role="img"
    aria-label="${valuesMs.map(formatDuration).join(", ")}"
  >
    <line x1="6" y1="8" x2="${width - 6}" y2="8" />
    ${dots}
  </svg>`;
}
