import type { SimNode } from "../network.ts";
import { done, failed, type Output } from "./ip.ts";

/** `nft -f -`, as far as the event `partition` uses it: chains that drop all that comes in on a device. */
export function nft(
  node: SimNode,
  words: readonly string[],
  stdin: string | undefined,
): Output | undefined {
  if (words.join(" ") !== "-f -" || stdin === undefined) return undefined;
  for (const line of stdin.split("\n")) {
    const dropped = dropChain.exec(line)?.groups?.["device"];
    if (line.startsWith("delete table netdev ")) {
      for (const one of node.interfaces.values()) one.dropsIncoming = false;
    } else if (dropped !== undefined) {
      const on = node.interfaces.get(dropped);
      if (on === undefined) return failed(`Error: No such device "${dropped}"`, 1);
      on.dropsIncoming = true;
    } else if (!tableLine.test(line)) return undefined;
  }
  return done;
}

const dropChain =
  /^chain \w+ \{ type filter hook ingress device "(?<device>[^"]+)" priority -?\d+; policy drop; \}$/;
const tableLine = /^(table netdev \w+( \{)?|\}|)$/;
