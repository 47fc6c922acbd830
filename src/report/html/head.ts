import { formatElapsed, formatRunTime } from "../duration.ts";
import type { SpreadReport } from "../spread.ts";
import type { RecordOf, RunSummary } from "../summary.ts";
import { expectedAndSeen } from "./expected-and-seen.ts";
import { html, type Markup } from "./markup.ts";
import { signs, verdictNames } from "./verdict.ts";

/** Verdict, what was run, how to run it again. `spread`: where it is the last of several. */
export function head(run: RunSummary, spread?: SpreadReport): Markup {
  const { started, verdict, reason, checks } = run;
  const counts = (["pass", "fail", "warn", "inconclusive"] as const)
    .filter((one) => checks[one] > 0)
    .map((one) => html`<span class="count ${one}">${checks[one]} ${verdictNames[one]}</span>`);
  return html`<header class="${verdict}">
    <div class="verdict">
      <span class="sign" aria-hidden="true">${signs[verdict]}</span>
      <div>
        <h1>${started?.lab ?? "a lab"} <em>${verdictNames[verdict]}</em></h1>
        <p class="summary">${started?.scenario?.summary}</p>
      </div>
    </div>
    ${reason === undefined ? undefined : html`<p class="reason">${reason}</p>`}
    ${spread === undefined ? undefined : brokenLimits(spread)}
    <p class="counts">${counts.length > 0 ? counts : "no checks"}</p>
    <dl class="facts">
      ${fact("took", formatRunTime(run))} ${fact("runtime", started?.runtime)}
      ${fact(beganName(run), started && wallClock(started.wallClock))}
      ${fact("scenario", started?.scenario?.file)}
      ${fact("route changes", String(run.routeChanges))} ${fact("Spinelab", started?.spinelab)}
    </dl>
    ${
      started === undefined
        ? undefined
        : html`<p class="replay">
            <span>replay:</span> <code id="replay">${started.replay}</code>
            <button type="button" data-copy="replay">copy</button>
          </p>`
    }
  </header>`;
}

/** The run that is shown may have passed where all of them together did not. */
function brokenLimits({ runs, results }: SpreadReport): Markup {
  const broken = results.filter(({ verdict }) => verdict !== "pass");
  return html`${broken.map(
    ({ verdict, text }) =>
      html`<p class="reason ${verdict}">
        <span class="sign">${signs[verdict]}</span> over ${runs} runs: ${text}
        <a href="#spread">all measures</a>
      </p>`,
  )}`;
}

function fact(name: string, value: string | Markup | undefined): Markup {
  if (value === undefined) return html``;
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

/** A simulated lab has a calendar of its own, the same each time. */
function beganName({ started }: RunSummary): string {
  return started?.runtime === "sim" ? "began (virtual)" : "began";
}

function wallClock(text: string): Markup {
  const short = text.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  return html`<time datetime="${text}">${short}</time>`;
}

/** So much of what went wrong is shown from the start. */
const shownMax = 10;

/** Everything that went wrong, before anything else is read. */
export function trouble(run: RunSummary): Markup {
  const checks = run.steps.flatMap((step) =>
    step.checks
      .filter((check) => check.verdict === "fail" || check.verdict === "inconclusive")
      .map((check) => ({ step, check })),
  );
  const unfinished = run.steps.flatMap((step) =>
    step.unfinished.map((waiting) => ({ step, waiting })),
  );
  if (checks.length + run.failures.length + unfinished.length === 0) return html``;
  const boxes = [
    ...run.failures.map(failureBox),
    ...checks.map(
      ({ step, check }) =>
        html`<article class="trouble ${check.verdict}">
          <h3>
            <span class="sign">${signs[check.verdict]}</span> ${check.text}
            <small>step ${step.index + 1}, ${step.name}</small>
          </h3>
          ${expectedAndSeen(check)}
        </article>`,
    ),
    ...unfinished.map(
      ({ step, waiting }) =>
        html`<article class="trouble inconclusive">
          <h3>
            <span class="sign">?</span> ${waiting.text}
            <small>step ${step.index + 1}, ${step.name}: never came to a verdict</small>
          </h3>
          ${expectedAndSeen(waiting)}
        </article>`,
    ),
  ];
  const more = boxes.slice(shownMax);
  return html`<section aria-labelledby="trouble">
    <h2 id="trouble">What went wrong</h2>
    ${boxes.slice(0, shownMax)}
    ${
      more.length === 0
        ? undefined
        : html`<details class="more">
            <summary>… and ${more.length} more</summary>
            ${more}
          </details>`
    }
  </section>`;
}

function failureBox(failure: RecordOf<"failure">): Markup {
  const { node, message, command, output, remedy, atMs } = failure;
  return html`<article class="trouble fail">
    <h3>
      <span class="sign">✗</span> ${node === undefined ? undefined : `${node}: `}${message}
      <small>at ${formatElapsed(atMs)}</small>
    </h3>
    ${command === undefined ? undefined : html`<pre class="command">${command}</pre>`}
    ${output === undefined ? undefined : html`<pre>${output}</pre>`}
    ${remedy === undefined ? undefined : html`<p class="remedy">${remedy}</p>`}
  </article>`;
}
