import { splitShellWords } from "../../topology/shell-words.ts";
import { killDaemon } from "./daemons.ts";
import type { ShellPlace } from "./command.ts";
import { done, type Output } from "./ip.ts";

type Run = (argv: readonly string[]) => Promise<Output | undefined>;

/**
 * `sh -c SCRIPT`: signals to all processes or to a daemon, `[ ! -e FILE ] || COMMAND`, and a command whose output
 * goes to greps. Undefined: anything else.
 */
export async function sh(place: ShellPlace, script: string, run: Run): Promise<Output | undefined> {
  const signal = /^kill -(STOP|CONT) -1$/.exec(script)?.[1];
  if (signal !== undefined) {
    const { processes } = place.node;
    if (signal === "STOP") processes.pause();
    else processes.unpause();
    return done;
  }
  const pidFile = /^kill -KILL \$\(cat (\S+)\)$/.exec(script)?.[1];
  if (pidFile !== undefined) return killDaemon(place.router, pidFile);
  // Only FRR's own file is asked for, and reading one that is not there changes nothing.
  const whereThere = /^\[ ! -e \/etc\/frr\/frr\.conf \] \|\| (.+)$/.exec(script)?.[1];
  return await pipeline(whereThere ?? script, run);
}

async function pipeline(script: string, run: Run): Promise<Output | undefined> {
  const split = splitShellWords(script);
  if ("unfinished" in split || /[;&<>$`]/.test(script)) return undefined;
  const [first, ...greps] = split.words
    .join("\0")
    .split("\0|\0")
    .map((part) => part.split("\0"));
  if (greps.some(([program]) => program !== "grep")) return undefined;
  let output = await run(first!);
  for (const [, ...words] of greps) output = output && grep(words, output.stdout);
  return output;
}

/** `grep [-c] [-q] [-v] PATTERN`, with patterns that mean the same as a basic and as a JavaScript one. */
function grep(words: readonly string[], text: string): Output | undefined {
  const flags = words.filter((word) => word.startsWith("-"));
  const patterns = words.filter((word) => !word.startsWith("-"));
  const [pattern = ""] = patterns;
  if (patterns.length !== 1 || flags.some((flag) => !/^-[cqv]+$/.test(flag))) return undefined;
  if (/[+?|(){}\\]/.test(pattern)) return undefined;
  const has = (flag: string) => flags.some((each) => each.includes(flag));
  const expression = new RegExp(pattern);
  const lines = text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined);
  const found = lines.filter((line) => expression.test(line) !== has("v"));
  const stdout = has("q")
    ? ""
    : has("c")
      ? `${found.length}\n`
      : found.map((line) => `${line}\n`).join("");
  return { exitCode: found.length > 0 ? 0 : 1, stdout, stderr: "" };
}
