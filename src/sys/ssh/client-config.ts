import { globSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import path from "node:path";
import { parseJump, type SshTarget } from "./target.ts";

/**
 * The part of ssh_config(5) that a connection needs. As there, the first value found for a keyword
 * counts, the user's file goes before the system's, and IdentityFile adds up.
 */
export type SshSettings = {
  /** HostName: what is connected to. */
  host: string;
  port: number;
  user: string;
  /** Empty where none is configured: then the usual names under ~/.ssh are tried. */
  identityFiles: string[];
  identitiesOnly: boolean;
  /** Socket of the ssh-agent, where there is one. */
  agentSocket: string | undefined;
  /** The first is connected to directly, the last reaches the host. */
  jumps: SshTarget[];
  /** `file:line` of a ProxyCommand that would have to be run; it is not supported. */
  proxyCommandAt: string | undefined;
  knownHostsFiles: string[];
  /** What to look up in known_hosts instead of the host's name and port. */
  hostKeyAlias: string | undefined;
  /** What was found and could not be followed, as `file:line: what`; shown where connecting fails. */
  unsupported: string[];
};

/** Who asks: HOME, SSH_AUTH_SOCK, and what `${NAME}` in the configuration refers to. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Facts = { original: string; host: string; user: string; localUser: string };

type Directive = {
  keyword: string;
  args: string[];
  /** `file:line` */
  at: string;
  conditions: Condition[];
};

type Condition = (facts: Facts) => boolean;

const keywordsRead = new Set(
  "hostname user port identityfile identitiesonly identityagent proxyjump proxycommand userknownhostsfile globalknownhostsfile hostkeyalias".split(
    " ",
  ),
);

export const homeOf = (env: Environment): string => env["HOME"] ?? homedir();

/** Reads the user's and the system's configuration and looks the host up in them. Missing files are empty. */
export function readSshSettings(target: SshTarget, env: Environment): SshSettings {
  const home = homeOf(env);
  const user = path.join(home, ".ssh/config");
  const system = "/etc/ssh/ssh_config";
  return resolveSshSettings(
    target,
    [
      ...parseSshConfig(readIfThere(user), user, includesFrom(path.join(home, ".ssh"), home)),
      ...parseSshConfig(readIfThere(system), system, includesFrom("/etc/ssh", home)),
    ],
    env,
  );
}

type ReadIncluded = (pattern: string) => { file: string; text: string }[];

/** Directives with what must hold for each. Included files are read in place, as ssh does. */
export function parseSshConfig(
  text: string,
  file: string,
  included: ReadIncluded = () => [],
  outer: readonly Condition[] = [],
  depth = 0,
): Directive[] {
  const directives: Directive[] = [];
  let block: Condition[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [keyword, ...args] = words(line);
    if (keyword === undefined) continue;
    const at = `${file}:${index + 1}`;
    const conditions = [...outer, ...block];
    switch (keyword.toLowerCase()) {
      case "host":
        block = [(facts) => matchesPatterns(facts.original, args)];
        break;
      case "match": {
        const condition = matchCondition(args);
        if (condition === undefined) {
          directives.push({ keyword: "match", args, at, conditions: [...outer] });
          block = [() => false];
        } else block = [condition];
        break;
      }
      case "include":
        if (depth >= 16) throw new Error(`${at}: Include goes in circles`);
        for (const found of args.flatMap((arg) => included(arg)))
          directives.push(
            ...parseSshConfig(found.text, found.file, included, conditions, depth + 1),
          );
        break;
      default:
        directives.push({ keyword: keyword.toLowerCase(), args, at, conditions });
    }
  }
  return directives;
}

/** Looks a host up in directives that were read before. */
export function resolveSshSettings(
  target: SshTarget,
  directives: readonly Directive[],
  env: Environment,
): SshSettings {
  const home = homeOf(env);
  const localUser = env["USER"] ?? userInfo().username;
  const facts: Facts = { original: target.host, host: target.host, user: "", localUser };
  facts.user = target.user ?? localUser;
  const first = new Map<string, { args: string[]; at: string }>();
  const identityFiles: string[] = [];
  const unsupported: string[] = [];
  for (const { keyword, args, at, conditions } of directives) {
    if (!conditions.every((holds) => holds(facts))) continue;
    if (keyword === "match") unsupported.push(`${at}: Match ${args.join(" ")}`);
    if (keyword === "identityfile") identityFiles.push(...args);
    if (!keywordsRead.has(keyword) || first.has(keyword)) continue;
    first.set(keyword, { args, at });
    if (keyword === "hostname") facts.host = args[0]?.replaceAll("%h", target.host) ?? facts.host;
    if (keyword === "user" && target.user === undefined) facts.user = args[0] ?? facts.user;
  }
  const value = (keyword: string): string | undefined => first.get(keyword)?.args[0];
  const port = target.port ?? Number(value("port") ?? 22);

  const tokens: Record<string, string> = {
    "%": "%",
    d: home,
    h: facts.host,
    n: target.host,
    p: String(port),
    r: facts.user,
    u: localUser,
  };
  const file = (text: string): string =>
    text
      .replace(/^~(?=\/|$)/, home)
      .replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? "")
      .replace(/%([%dhnpru])/g, (_, token: string) => tokens[token]!);

  const command = first.get("proxycommand");
  const jump = first.get("proxyjump");
  // Of the two the one that stands first counts; `none` ends the search for both.
  const commandFirst = command !== undefined && (jump === undefined || isBefore(first));
  const jumps =
    jump === undefined || commandFirst || jump.args[0] === "none"
      ? []
      : (jump.args[0] ?? "").split(",").map((text) => parseJump(text, jump.at));

  return {
    host: facts.host,
    port,
    user: facts.user,
    identityFiles: identityFiles.filter((each) => each !== "none").map(file),
    identitiesOnly: value("identitiesonly")?.toLowerCase() === "yes",
    agentSocket: agentSocket(value("identityagent"), env, file),
    jumps,
    proxyCommandAt: commandFirst && command.args[0] !== "none" ? command.at : undefined,
    knownHostsFiles: [
      ...(first.get("userknownhostsfile")?.args ?? ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]),
      ...(first.get("globalknownhostsfile")?.args ?? [
        "/etc/ssh/ssh_known_hosts",
        "/etc/ssh/ssh_known_hosts2",
      ]),
    ]
      .filter((each) => each !== "none")
      .map(file),
    hostKeyAlias: value("hostkeyalias"),
    unsupported,
  };
}

function isBefore(first: ReadonlyMap<string, unknown>): boolean {
  const keywords = [...first.keys()];
  return keywords.indexOf("proxycommand") < keywords.indexOf("proxyjump");
}

function agentSocket(
  configured: string | undefined,
  env: Environment,
  file: (text: string) => string,
): string | undefined {
  if (configured === "none") return undefined;
  const fromEnvironment = env["SSH_AUTH_SOCK"] === "" ? undefined : env["SSH_AUTH_SOCK"];
  if (configured === undefined || configured === "SSH_AUTH_SOCK") return fromEnvironment;
  return file(configured.replace(/^\$(\w+)$/, "${$1}"));
}

/** The words of a line: `Keyword value`, `Keyword=value`, "quoted values", and # begins a comment. */
function words(line: string): string[] {
  const assigned = line.replace(/^(\s*\w+)\s*=\s*/, "$1 ");
  const found: string[] = [];
  for (const match of assigned.matchAll(/"((?:[^"\\]|\\.)*)"|(#.*)|(\S+)/g)) {
    if (match[2] !== undefined) break;
    found.push(match[1] ?? match[3]!);
  }
  return found;
}

/** Conditions of Match that need no other program; undefined for the rest (exec, canonical, …). */
function matchCondition(args: readonly string[]): Condition | undefined {
  if (args.length === 1 && args[0]?.toLowerCase() === "all") return () => true;
  const conditions: Condition[] = [];
  for (let at = 0; at < args.length; at += 2) {
    const patterns = args[at + 1]?.split(",");
    if (patterns === undefined) return undefined;
    const holds = factsMatched[args[at]!.toLowerCase()];
    if (holds === undefined) return undefined;
    conditions.push((facts) => matchesPatterns(holds(facts), patterns));
  }
  return (facts) => conditions.every((holds) => holds(facts));
}

const factsMatched: Record<string, (facts: Facts) => string> = {
  host: (facts) => facts.host,
  originalhost: (facts) => facts.original,
  user: (facts) => facts.user,
  localuser: (facts) => facts.localUser,
};

/** PATTERNS of ssh_config(5): `*` and `?`, and one that begins with `!` and matches rules the list out. */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith("!");
    const expression = pattern
      .slice(negated ? 1 : 0)
      .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    if (!new RegExp(`^${expression}$`, "i").test(text)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function includesFrom(folder: string, home: string): ReadIncluded {
  return (pattern) =>
    globSync(path.resolve(folder, pattern.replace(/^~(?=\/)/, home)))
      .sort()
      .map((file) => ({ file, text: readIfThere(file) }));
}

/** The text of a file, empty where there is no such file. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
