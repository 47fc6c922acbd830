/** What bgpd writes to its log for what a speaker says; undefined: nothing that is simulated. */
export function logLine(
  message: string,
  peer: string,
  hostname: string | undefined,
): string | undefined {
  const neighbor = hostname === undefined ? peer : `${peer}(${hostname})`;
  if (message.startsWith("established with ")) {
    return `[M59KS-A3ZXZ] %ADJCHANGE: neighbor ${neighbor} in vrf default Up`;
  }
  const limit = /^(?:too many routes: )?(\d+) ipv(4|6)\/unicast routes, (\d+) allowed$/.exec(
    message,
  );
  if (limit !== null) {
    const [, count, version, allowed] = limit;
    return `[QAZ2C-BZRW5] %MAXPFXEXCEED: No. of IPv${version} Unicast prefix received from ${neighbor} ${count} exceed, limit ${allowed}`;
  }
  const near = /^(\d+) ipv(4|6)\/unicast routes: more than \d+ % of the (\d+) allowed$/.exec(
    message,
  );
  if (near === null) return undefined;
  const [, count, version, allowed] = near;
  return `[RWQ5R-DJQ7Q] %MAXPFX: No. of IPv${version} Unicast prefix received from ${neighbor} reaches ${count}, max ${allowed}`;
}

/** As FRR dates its lines: `2030/01/01 00:00:05`. */
export function logTime(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");
}
