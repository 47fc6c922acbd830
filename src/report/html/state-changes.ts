import type { StateChange } from "../../timeline/state.ts";
import { html, type Markup } from "./markup.ts";

/** Rows that are drawn of all steps together, and of one; a step that changes more says how many there are. */
const rowsOfPageMax = 6_000;
const rowsOfStepMax = 300;
const rowsOfStepMin = 10;

/** How many rows each of so many steps may have. */
export function rowsMaxOf(steps: number): number {
  return Math.min(rowsOfStepMax, Math.max(rowsOfStepMin, Math.floor(rowsOfPageMax / steps)));
}

const tableNames = { session: "session", rib: "BGP table", fib: "kernel table" } as const;

/** What a step changed in sessions and tables: gone in red, come in green. */
export function stateChanges(changes: readonly StateChange[], rowsMax: number): Markup {
  if (changes.length === 0) return html``;
  const nodes = new Set(changes.map(({ node }) => node)).size;
  return html`<details class="state-changes">
    <summary>
      ${changes.length} ${changes.length === 1 ? "difference" : "differences"} in sessions and
      tables of ${nodes} ${nodes === 1 ? "node" : "nodes"}
    </summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>node</th>
            <th>where</th>
            <th>what</th>
            <th>before</th>
            <th>after</th>
          </tr>
        </thead>
        <tbody>
          ${changes.slice(0, rowsMax).map(
            ({ node, table, key, before, after }) =>
              html`<tr>
                <th scope="row">${node}</th>
                <td class="dim">${tableNames[table]}</td>
                <td><code>${key}</code></td>
                <td class="gone">${before ?? "–"}</td>
                <td class="come">${after ?? "–"}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      changes.length > rowsMax
        ? html`<p class="dim">
            … and ${changes.length - rowsMax} more: choose a node of the picture at that time
          </p>`
        : undefined
    }
  </details>`;
}
