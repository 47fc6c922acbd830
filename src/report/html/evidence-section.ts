import { html, type Markup } from "./markup.ts";

/** Links to the files of the bundle beside the page: by node, then by name. */
export function evidenceSection(paths: readonly string[]): Markup {
  if (paths.length === 0) return html``;
  const byFolder = Map.groupBy(paths.toSorted(), (path) =>
    path.includes("/") ? path.slice(0, path.indexOf("/")) : "",
  );
  return html`<section aria-labelledby="evidence">
    <h2 id="evidence">Evidence</h2>
    <table class="evidence">
      ${[...byFolder].map(
        ([folder, files]) =>
          html`<tr>
            <th scope="row">${folder}</th>
            <td>
              ${files.map(
                (path) =>
                  html`<a href="evidence/${path.split("/").map(encodeURIComponent).join("/")}"
                    >${path.slice(folder === "" ? 0 : folder.length + 1)}</a
                  > `,
              )}
            </td>
          </tr>`,
      )}
    </table>
  </section>`;
}
