import { EnvironmentError } from "../../input/diagnostic.ts";
import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import { exchange } from "../exchange.ts";
import { Connection, type Tuple } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { sourceAddress } from "../source-address.ts";
import type { World } from "../world.ts";
import { done, failed, type Output } from "./ip.ts";

/** As Linux sends a SYN again: after a second, and later each time. */
const firstRetryMs = 1_000;
/** Its tcp_syn_retries come to that. */
const connectLimitMs = 127_000;
/** Linux's ip_local_port_range. */
export const ephemeralPorts = { first: 32_768, count: 28_232 } as const;

type Request = {
  to: Address;
  port: number;
  path: string;
  limitMs: number;
  writeOut: string;
  /** Of what curl says then only why it could not connect is simulated. */
  isVerbose: boolean;
};

/** `curl -sSv -w FORMAT --max-time SECONDS http://ADDRESS:PORT/PATH`. */
export async function curl(
  world: World,
  from: SimNode,
  words: readonly string[],
): Promise<Output | undefined> {
  const request = requestOf(words);
  if (request === undefined) return undefined;
  const { to, port, limitMs } = request;
  const where = `${to} port ${port}`;
  const source = sourceAddress(from, to);
  const begunMs = world.clock.nowMs;
  const noConnection = (line: string) => {
    const verbose = request.isVerbose ? `* ${line}\n` : "";
    const tookMs = Math.round(world.clock.nowMs - begunMs);
    const said = `Failed to connect to ${where} after ${tookMs} ms: Couldn't connect to server`;
    return failed(`${verbose}curl: (7) ${said}`, 7);
  };
  if (source === undefined) {
    return noConnection(`Immediate connect fail for ${to}: Network is unreachable`);
  }
  const sourcePort = ephemeralPorts.first + Math.floor(world.random() * ephemeralPorts.count);
  const tuple: Tuple = {
    ...{ protocol: "tcp", source, sourcePort },
    ...{ destination: to, destinationPort: port },
  };
  const connection = new Connection();
  const untilMs = world.clock.nowMs + limitMs;
  for (let retryMs = firstRetryMs; ; retryMs *= 2) {
    const tried = exchange(world, from, tuple, connection);
    if (tried.outcome === "answered") {
      await world.sleep(tried.rttMs);
      const answer = answered(world, tried.by, tried.seen, request);
      if (answer === undefined)
        return noConnection(`connect to ${where} failed: Connection refused`);
      await world.sleep(tried.rttMs);
      return answer;
    }
    if (tried.outcome !== "silence") {
      await world.sleep(tried.rttMs);
      const reason = tried.outcome === "refused" ? "Connection refused" : "Network is unreachable";
      return noConnection(`connect to ${where} failed: ${reason}`);
    }
    const leftMs = untilMs - world.clock.nowMs;
    await world.sleep(Math.min(retryMs, leftMs));
    if (leftMs <= retryMs) {
      return failed(`curl: (28) Connection timed out after ${limitMs} milliseconds`, 28);
    }
  }
}

/** Undefined: nobody listens there. */
function answered(
  world: World,
  by: SimNode,
  { source, destinationPort: port = 0 }: Tuple,
  { path, writeOut }: Request,
): Output | undefined {
  const server = world.programs.serverAt(by, port, familyOf(source));
  if (server === undefined) {
    const unknown = world.programs.unknownOn(by) ?? world.tcp.listenerOn(by, port);
    if (unknown === undefined) return undefined;
    throw new EnvironmentError(
      `the simulation cannot tell what '${unknown}' on ${by.name} answers on port ${port}`,
      "run the lab with --runtime netns",
    );
  }
  const said = server.answer({ peer: source, path });
  const [, status, , body = ""] = /^HTTP\/1\.[01] (\d{3})(.*\r\n)+?\r\n([^]*)$/.exec(said) ?? [];
  if (status === undefined) return failed("curl: (1) Received HTTP/0.9 when not allowed", 1);
  return { ...done, stdout: body + writeOut.replaceAll("%{http_code}", status) };
}

function requestOf(words: readonly string[]): Request | undefined {
  let url: string | undefined;
  let limitMs = connectLimitMs;
  let writeOut = "";
  let isVerbose = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (/^-[sS46v]+$/.test(word)) isVerbose ||= word.includes("v");
    else if (word === "--silent" || word === "--show-error") continue;
    else if (word === "-m" || word === "--max-time") limitMs = 1000 * Number(words[++i]);
    else if (word === "-w" || word === "--write-out") writeOut = words[++i] ?? "";
    else if (word.startsWith("-") || url !== undefined) return undefined;
    else url = word;
  }
  if (url === undefined || !Number.isFinite(limitMs)) return undefined;
  const [, host = "", port = "80", path = "/"] =
    /^http:\/\/(\[[^\]]*\]|[^/:]*)(?::(\d+))?(\/.*)?$/.exec(url) ?? [];
  const to = parseAddress(host.replace(/^\[(.*)\]$/, "$1"));
  if (to === undefined) return undefined; // A name, or no plain HTTP.
  return {
    to,
    port: Number(port),
    path,
    limitMs,
    isVerbose,
    writeOut: writeOut.replaceAll("\\n", "\n"),
  };
}
