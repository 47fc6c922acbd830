import type Docker from "dockerode";

export type PublishedPorts = {
  ExposedPorts: Record<string, object>;
  PortBindings: Docker.PortMap;
};

/**
 * Ports as `docker run -p` takes them: `[[ADDRESS:]HOST:]CONTAINER[/tcp|udp|sctp]`, where HOST and
 * CONTAINER may be ranges of one length. Throws with what is wrong.
 */
export function portBindings(written: readonly string[]): PublishedPorts {
  const published: PublishedPorts = { ExposedPorts: {}, PortBindings: {} };
  for (const each of written) {
    const match =
      /^(?:(?:(\[[^\]]+\]|[\d.]+):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(
        each,
      );
    if (!match) throw new Error(`port '${each}' is not [[ADDRESS:]HOST:]CONTAINER[/tcp|udp|sctp]`);
    const [, address = "", host, container = "", protocol = "tcp"] = match;
    const inside = portRange(each, container);
    const outside = host === undefined ? inside.map(() => undefined) : portRange(each, host);
    if (inside.length !== outside.length)
      throw new Error(`port '${each}': ranges differ in length`);
    for (const [index, port] of inside.entries()) {
      const key = `${port}/${protocol}`;
      published.ExposedPorts[key] = {};
      const bindings = (published.PortBindings[key] ??= []) as Docker.PortBinding[];
      // An empty host port has the engine choose one.
      bindings.push({
        HostIp: address.replaceAll(/[[\]]/g, ""),
        HostPort: String(outside[index] ?? ""),
      });
    }
  }
  return published;
}

function portRange(written: string, range: string): number[] {
  const [first = 0, last = first] = range.split("-").map(Number);
  if (first < 1 || last > 65_535 || last < first) {
    throw new Error(`port '${written}': ports are 1 to 65535`);
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
