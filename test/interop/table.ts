import { fileURLToPath } from "node:url";
import type { Group, Outcome } from "./matrix.ts";

export const pageFile = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));

/** A column: the daemon and what came of each row. */
export type Column = {
  name: string;
  version: string;
  outcomes: ReadonlyMap<string, Outcome>;
};

/** The cell as the table has it; the reasons stand under the table. */
export function cellText(version: string, { verdict }: Outcome): string {
  return verdict === "not in" ? `not in ${version}` : verdict;
}

/** docs/interop.md. */
export function page(groups: readonly Group[], columns: readonly Column[]): string {
  const heads = columns.map(({ name, version }) => `${name} ${version}`);
  return [
    "# Against the other speakers",
    "",
    introduction,
    "",
    row(["", ...heads]),
    row(["---", ...heads.map(() => "---")]),
    ...groups.flatMap(({ title, rows }) => [
      row([`**${title}**`, ...heads.map(() => "")]),
      ...rows.map(({ id, title: what }) =>
        row([what, ...columns.map((column) => cellText(column.version, column.outcomes.get(id)!))]),
      ),
    ]),
    "",
    "## Why not",
    "",
    ...columns.flatMap((column) => reasons(groups, column)),
    "",
  ].join("\n");
}

const introduction = `This table is written by a run (\`make interop-table\`): Spinelab's \`spinelab speaker\` in one network
namespace, the daemon from Debian's package in another, an Ethernet cable between them. \`npm run interop\` does
the same and fails where a cell comes out otherwise.

**works** means that both sides showed it: the daemon by its own command line (vtysh, birdc, gobgp, bgpctl; of
ExaBGP what it told the program at its API), Spinelab by its admin socket, and where the messages themselves
matter, the bytes on the cable. **not in** is a limit of that version of the daemon, named below the table.
Spinelab is AS 65010, the daemon AS 65020, where nothing else is said; "both ways" is one route of each side.`;

function reasons(groups: readonly Group[], { name, version, outcomes }: Column): string[] {
  const byWhy = new Map<string, string[]>();
  for (const { id, title } of groups.flatMap(({ rows }) => rows)) {
    const outcome = outcomes.get(id)!;
    if (outcome.verdict === "works") continue;
    byWhy.set(outcome.why, [...(byWhy.get(outcome.why) ?? []), title]);
  }
  return Array.from(
    byWhy,
    ([why, titles]) => `- ${name} ${version}: ${why}. (${titles.join("; ")})`,
  );
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** What a page has for a daemon: the version in its heading, and its cells by the titles of the rows. */
export function columnOf(
  text: string,
  name: string,
): { version: string; cells: ReadonlyMap<string, string> } | undefined {
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "));
  const at = rows[0]?.findIndex((head) => head.startsWith(`${name} `)) ?? -1;
  if (at < 0) return undefined;
  return {
    version: rows[0]![at]!.slice(name.length + 1),
    cells: new Map(rows.slice(2).map((cells) => [cells[0]!, cells[at] ?? ""])),
  };
}
