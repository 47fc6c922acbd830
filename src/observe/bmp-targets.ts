import { type Address, parseAddress } from "../net/address.ts";
import type { Runtime } from "../runtime/port.ts";
import { frrText } from "./frr.ts";
import { UnreadableError } from "./unreadable.ts";

/** Where a router sends BMP to. */
export type BmpTarget = { address: Address; port: number };

/** As FRR or GoBGP of this node is configured now; none where neither runs. */
export async function readBmpTargets(runtime: Runtime, node: string): Promise<BmpTarget[]> {
  try {
    return parseFrrBmpTargets(await frrText(runtime, node, "bgpd", "show running-config"));
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
  }
  const { stdout } = await runtime.exec({ node }, ["sh", "-c", gobgpConfigScript]);
  return parseGobgpBmpTargets(stdout);
}

/** The file that gobgpd was started with: `gobgp` does not tell of stations. */
const gobgpConfigScript = `pid=$(pgrep -x gobgpd | head -n 1) || exit 0
[ -n "$pid" ] || exit 0
file=$(tr '\\0' '\\n' <"/proc/$pid/cmdline" | sed -n '/^-f$/{n;p};/^--config-file$/{n;p};s/^-f=//p;s/^--config-file=//p')
cd "/proc/$pid/cwd" && cat "$file"`;

/** `bmp connect HOST port PORT min-retry …` in `bmp targets` of `show running-config`. A host by its name is elsewhere. */
export function parseFrrBmpTargets(config: string): BmpTarget[] {
  return [...config.matchAll(/^ +bmp connect (\S+) port (\d+)/gm)].flatMap(([, host, port]) =>
    targetOf(host!, Number(port)),
  );
}

/** `[bmp-servers.config]` of GoBGP's TOML. */
export function parseGobgpBmpTargets(toml: string): BmpTarget[] {
  return toml.split(/^\s*\[(?=\[?)/m).flatMap((table) => {
    if (!table.startsWith("bmp-servers.config]")) return [];
    const [, host = ""] = /^\s*address\s*=\s*["']([^"']+)["']/m.exec(table) ?? [];
    const [, port = gobgpPort] = /^\s*port\s*=\s*(\d+)/m.exec(table) ?? [];
    return targetOf(host, Number(port));
  });
}

/** Where the file does not say (GoBGP, pkg/packet/bmp: BMP_DEFAULT_PORT). */
const gobgpPort = "11019";

function targetOf(host: string, port: number): BmpTarget[] {
  const address = parseAddress(host);
  return address === undefined ? [] : [{ address, port }];
}
