import type { Endpoint, Fabric, FabricLink } from "../../topology/fabric.ts";

/** Scenarios of every single fault of a fabric, as text of their files: scenarios/LAB/every-*.yaml. */

/** Each link cut and mended in turn. */
export function everyLink(fabric: Fabric): string {
  const steps = fabric.links.flatMap((link) => {
    const [a, b] = link.endpoints.map(({ node }) => node);
    const reached = reachable(fabric, (each) => each !== link, nodesOf(fabric));
    return [
      step(`${a} – ${b} is cut`, `link: { between: [${a}, ${b}], set: down }`, 30, reached),
      step(
        `${a} – ${b} is mended`,
        `link: { between: [${a}, ${b}], set: up }`,
        40,
        allReach(fabric),
        fabric.links,
      ),
    ];
  });
  return scenario(fabric, "every-link", "Each link is cut and mended in turn", steps);
}

/** Each router and Kubernetes node without power and back in turn. */
export function everyNode(fabric: Fabric): string {
  const steps = fabric.nodes.flatMap(({ name }) => {
    const away = (link: FabricLink) => !link.endpoints.some(({ node }) => node === name);
    const others = nodesOf(fabric).filter((node) => node !== name);
    return [
      step(
        `${name} loses its power`,
        `node: { on: ${name}, do: stop }`,
        30,
        reachable(fabric, away, others),
      ),
      step(
        `${name} starts`,
        `node: { on: ${name}, do: start }`,
        60,
        allReach(fabric),
        fabric.links,
      ),
    ];
  });
  return scenario(
    fabric,
    "every-node",
    "Each node loses its power and starts again in turn",
    steps,
  );
}

type Pair = { from: string; to: string; reaches: boolean };

function nodesOf({ nodes }: Fabric): string[] {
  return nodes.filter(({ kubernetes }) => kubernetes !== undefined).map(({ name }) => name);
}

/** Which pods still reach each other, over the links that are left. A Kubernetes node forwards for nobody. */
function reachable(
  fabric: Fabric,
  isLeft: (link: FabricLink) => boolean,
  among: readonly string[],
): Pair[] {
  const left = fabric.links.filter(isLeft);
  const hosts = nodesOf(fabric);
  const from = (start: string) => {
    const seen = new Set([start]);
    const queue = [start];
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      if (node !== start && hosts.includes(node)) continue;
      for (const { endpoints } of left) {
        const end = endpoints.find((each) => each.node === node);
        const other = endpoints.find((each) => each.node !== node);
        if (end === undefined || other === undefined || seen.has(other.node)) continue;
        seen.add(other.node);
        queue.push(other.node);
      }
    }
    return seen;
  };
  return among.flatMap((a, i) => {
    const seen = from(a);
    return among.slice(i + 1).map((b) => ({ from: a, to: b, reaches: seen.has(b) }));
  });
}

function allReach(fabric: Fabric): Pair[] {
  return reachable(fabric, () => true, nodesOf(fabric));
}

function step(
  name: string,
  event: string,
  withinSeconds: number,
  pairs: readonly Pair[],
  links: readonly FabricLink[] = [],
): string {
  const sessions = links.map(({ endpoints }) => {
    const [router, other] = endpoints.toSorted(routersFirst).map(({ node }) => node);
    return `      - session: { on: ${router}, to: ${other} }\n`;
  });
  const pings = pairs.map(({ from, to, reaches }) => {
    const loss = reaches ? "" : ", loss: 100%";
    return `      - ping: { from: netshoot@${from}, to: netshoot@${to}, count: 1${loss} }\n`;
  });
  return `  - name: ${name}
    do:
      - ${event}
    within: ${withinSeconds}s
    expect:
${sessions.join("")}${pings.join("")}`;
}

function routersFirst(a: Endpoint, b: Endpoint): number {
  return Number(a.node.startsWith("kind-")) - Number(b.node.startsWith("kind-"));
}

function scenario(fabric: Fabric, name: string, summary: string, steps: readonly string[]): string {
  const links = fabric.links;
  const rest = step("the fabric is at rest", "exec: {}", 60, allReach(fabric), links);
  return `# yaml-language-server: $schema=../../docs/scenario.schema.json
# Made from the topology by src/scenario/testing/single-faults.ts (make golden): what must still
# reach what follows from the links that are left.
name: ${name}
summary: ${summary}, and pods reach each other as far as the links that are left lead.
steps:
${rest.replace("    do:\n      - exec: {}\n", "")}${steps.join("")}`;
}
