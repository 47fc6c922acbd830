import { parseAddress } from "../../net/address.ts";
import type { SimNode } from "../network.ts";
import type { World } from "../world.ts";
import { done, failed, type Output } from "./ip.ts";

/** Exit status of timeout(1) where it ended the command. */
const timedOut = 124;
const says: Partial<Record<string, string>> = {
  ...{ ECONNREFUSED: "Connection refused", EHOSTUNREACH: "No route to host" },
  ENETUNREACH: "Network is unreachable",
};

/** `timeout SECONDS bash -c 'exec 3<>/dev/tcp/ADDRESS[%LINK]/PORT'`: a connection is tried. Undefined: anything else. */
export async function knock(
  world: World,
  from: SimNode,
  [seconds = "", ...argv]: readonly string[],
): Promise<Output | undefined> {
  const target = /^bash -c exec 3<>\/dev\/tcp\/([^/%]+)(?:%([^/]+))?\/(\d+)$/.exec(argv.join(" "));
  const [, text = "", link, port] = target ?? [];
  const remoteAddress = parseAddress(text);
  if (remoteAddress === undefined || !/^\d+$/.test(seconds)) return undefined;
  const to = { remoteAddress, port: Number(port), ...(link !== undefined && { interface: link }) };
  const { promise, resolve } = Promise.withResolvers<Output>();
  const giveUp = world.tcp.connect(from, to, {
    onConnected: (socket) => {
      socket.close();
      resolve(done);
    },
    onFailed: (reason) => resolve(failed(`bash: connect: ${says[reason] ?? reason}`, 1)),
  });
  const cancel = world.clock.setTimer(1_000 * Number(seconds), () => {
    giveUp();
    resolve({ ...done, exitCode: timedOut });
  });
  const output = await world.during(promise);
  cancel();
  return output;
}

/** `cat /proc/net/netstat`: of its counters those of TCP MD5. */
export function netstat(world: World, node: SimNode): Output {
  const { notFound, unexpected, failure } = world.tcp.passwordDrops(node);
  const names = "TcpExt: TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure";
  return { ...done, stdout: `${names}\nTcpExt: ${notFound} ${unexpected} ${failure}\n` };
}
