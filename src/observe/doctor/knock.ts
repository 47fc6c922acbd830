import type { Place, Runtime } from "../../runtime/port.ts";

/** What became of a TCP connection to a BGP port, tried without a password. */
export type Knock = {
  outcome: "connected" | "refused" | "unreachable" | "silence" | "untried";
  /** The other end's kernel dropped a segment for lack of a password (RFC 2385) meanwhile. */
  passwordWanted: boolean;
  /** And has dropped some whose password was wrong, or that had one where none is configured. */
  passwordWrong: boolean;
  passwordUnexpected: boolean;
};

const bgpPort = 179;
const waitSeconds = 2;
/** Exit status of timeout(1) where it ended the command. */
const timedOut = 124;

/** Tries to connect from one node to an address of another, and looks at the other's counters. */
export async function knock(
  runtime: Runtime,
  from: Place,
  address: string,
  at: string,
): Promise<Knock> {
  const before = await md5Counters(runtime, at);
  const target = `/dev/tcp/${address}/${bgpPort}`;
  const argv = ["timeout", String(waitSeconds), "bash", "-c", `exec 3<>${target}`];
  const tried = await runtime.exec(from, argv, { timeoutMs: (waitSeconds + 3) * 1000 });
  const after = await md5Counters(runtime, at);
  return {
    outcome: outcomeOf(tried.exitCode, tried.stderr),
    passwordWanted: after.notFound > before.notFound,
    passwordWrong: after.failure > 0,
    passwordUnexpected: after.unexpected > 0,
  };
}

function outcomeOf(exitCode: number, said: string): Knock["outcome"] {
  if (exitCode === 0) return "connected";
  if (exitCode === timedOut) return "silence";
  if (/refused/i.test(said)) return "refused";
  if (/unreachable|no route/i.test(said)) return "unreachable";
  return "untried";
}

type Md5Counters = { notFound: number; unexpected: number; failure: number };

/** TcpExt of /proc/net/netstat: a line of names, then one of values. */
async function md5Counters(runtime: Runtime, node: string): Promise<Md5Counters> {
  const read = await runtime.exec({ node }, ["cat", "/proc/net/netstat"], { timeoutMs: 5000 });
  return parseMd5Counters(read.stdout);
}

export function parseMd5Counters(netstat: string): Md5Counters {
  const [names = [], values = []] = netstat
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const of = (name: string) => Number(values[names.indexOf(name)] ?? 0);
  return {
    notFound: of("TCPMD5NotFound"),
    unexpected: of("TCPMD5Unexpected"),
    failure: of("TCPMD5Failure"),
  };
}

/** Rules of a node's packet filter that drop or reject; `about`: only those that mention it. */
export async function droppingRules(
  runtime: Runtime,
  node: string,
  about?: RegExp,
): Promise<string[]> {
  const outputs = await Promise.all(
    [["nft", "list", "ruleset"], ["iptables-save"], ["ip6tables-save"]].map(async (argv) => {
      try {
        return (await runtime.exec({ node }, argv, { timeoutMs: 5000 })).stdout;
      } catch {
        return ""; // Not there: then it has no rules either.
      }
    }),
  );
  const rules = outputs
    .join("\n")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /\b(?:drop|reject|DROP|REJECT)\b/.test(line) && !/^(?:type|:)/.test(line))
    .filter((line) => about === undefined || about.test(line));
  return [...new Set(rules)];
}
