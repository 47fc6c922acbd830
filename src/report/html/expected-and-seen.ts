import { compare, differenceOf, type Segment } from "../difference.ts";
import { formatDuration, formatSince } from "../duration.ts";
import type { RecordOf } from "../summary.ts";
import { html, type Markup } from "./markup.ts";

/** Both sides of a check, what differs marked, and how often it was looked at. */
export function expectedAndSeen(check: RecordOf<"check"> | RecordOf<"waiting">): Markup {
  const sides = compare(check.expected, check.seen);
  const differs = differenceOf(check);
  // Where nothing is common there is nothing for a mark to stand out from.
  const show = (segments: readonly Segment[]) =>
    segments.map(({ text, different }) =>
      different && differs !== undefined ? html`<mark>${text}</mark>` : text,
    );
  const since = formatSince(check);
  const source = "source" in check ? check.source : undefined;
  const looked =
    check.type === "check"
      ? `looked ${times(check.looks)} in ${formatDuration(check.tookMs)}`
      : `looked ${times(check.looks)}`;
  return html`<dl class="sides">
    <dt>expected</dt>
    <dd class="expected">${show(sides.expected)}</dd>
    <dt>seen</dt>
    <dd class="seen">${show(sides.seen)}</dd>
    ${
      since === undefined
        ? undefined
        : html`<dt>since</dt>
            <dd>${since}</dd>`
    }
    ${
      differs === undefined
        ? undefined
        : html`<dt>differs</dt>
            <dd>${differs}</dd>`
    }
    ${
      source === undefined
        ? undefined
        : html`<dt>check</dt>
            <dd><code>${source}</code></dd>`
    }
    <dt></dt>
    <dd class="dim">${looked}</dd>
  </dl>`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
