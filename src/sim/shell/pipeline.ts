import { splitShellWords } from "../../topology/shell-words.ts";
import { done, type Output } from "./ip.ts";

/** Runs a command, or starts one that goes on. Undefined: not simulated. */
export type Shell = {
  run: (argv: readonly string[]) => Promise<Output | undefined>;
  start: (argv: readonly string[]) => void;
};

/** Where output is thrown away, or both kinds are one. */
const redirection = /\s*(?:[12]?>\s*\/dev\/null|2>&1)(?=\s|$)/g;
const quoted = /'[^']*'|"(?:\\.|[^"\\])*"/g;
/** What else a shell would act on. */
const special = /[;&|<>$`(){}*?]/;

/** One command in the background, or one whose lines go through `grep`. Undefined: there is more to it. */
export async function pipeline(script: string, shell: Shell): Promise<Output | undefined> {
  const isBackground = /[^&]&\s*$/.test(script);
  const [first, ...filters] = commandsOf(isBackground ? script.replace(/&\s*$/, "") : script) ?? [];
  if (first === undefined) return undefined;
  if (isBackground) {
    if (filters.length > 0) return undefined;
    shell.start(first);
    return done;
  }
  let output = await shell.run(first);
  for (const filter of filters) output = output && grep(output, filter);
  return output;
}

/** Undefined: there is more to it than a pipeline of plain commands. */
function commandsOf(script: string): string[][] | undefined {
  const strings: string[] = [];
  const plain = script.replaceAll(quoted, (text) => `\0${strings.push(text) - 1}\0`);
  const commands = plain.replaceAll(redirection, "").split("|");
  if (commands.some((each) => special.test(each))) return undefined;
  if (strings.some((text) => text.startsWith('"') && /[$`]/.test(text))) return undefined;
  const split = commands.map((each) =>
    splitShellWords(each.replaceAll(/\0(\d+)\0/g, (_, n) => strings[Number(n)]!)),
  );
  return split.every((each) => "words" in each) ? split.map(({ words }) => words) : undefined;
}

function grep({ stdout }: Output, [program, ...words]: readonly string[]): Output | undefined {
  const options = words.filter((word) => word.startsWith("-"));
  const [pattern, ...others] = words.filter((word) => !word.startsWith("-"));
  const letters = options.join("").replaceAll("-", "");
  if (program !== "grep" || pattern === undefined || others.length > 0) return undefined;
  if (!/^[cqEivF]*$/.test(letters)) return undefined;
  const has = (letter: string) => letters.includes(letter);
  const text = has("F") ? pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`) : pattern;
  // Without -E the signs +?(){}| stand for themselves.
  const source = has("E") || has("F") ? text : text.replaceAll(/[+?(){}|]/g, String.raw`\$&`);
  const expression = new RegExp(source, has("i") ? "i" : "");
  const lines = stdout.split("\n").slice(0, stdout.endsWith("\n") ? -1 : undefined);
  const found = lines.filter((line) => expression.test(line) !== has("v"));
  const kept = has("c") ? [String(found.length)] : has("q") ? [] : found;
  return {
    exitCode: found.length > 0 ? 0 : 1,
    stdout: kept.map((line) => `${line}\n`).join(""),
    stderr: "",
  };
}
