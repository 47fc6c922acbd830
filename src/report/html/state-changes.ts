import type { StateChange } from "../../timeline/state.ts";
import { html, type Markup } from "./markup.ts";

/** Rows that are drawn; a step that changes more says how many there are. */
const rowsMax = 300;

const tableNames = { session: "session", rib: "BGP table", fib: "kernel table" } as const;

/** What a step changed in sessions and tables: gone in red, come in green. */
export function stateChanges(changes: readonly StateChange[]): Markup {
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
        ? html`<p class="dim">… and ${changes.length - rowsMax} more, in timeline.jsonl</p>`
        : undefined
    }
  </details>`;
}
