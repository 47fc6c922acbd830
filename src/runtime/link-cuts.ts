import type { Endpoint, Fabric } from "../topology/fabric.ts";
import { cutEnd } from "./links.ts";

/** Runs `ip ARGS` in the network namespace of a node; rejects where it fails. Returns what it printed. */
export type IpInNode = (node: string, args: readonly string[], batch?: string) => Promise<string>;

const families = ["-4", "-6"] as const;
type Family = (typeof families)[number];

/**
 * Cuts and mends cables. A cut cable takes carrier from both ends and nothing else. Here the
 * router's end is set down, which takes carrier from the other end too; the static routes that the
 * kernel drops with an interface set down come back with it.
 */
export class LinkCuts {
  readonly #ip: IpInNode;
  /** By `node:interface`: what to add when it is mended, as `ip -batch` lines of each family. */
  readonly #routes = new Map<string, Record<Family, string>>();

  constructor(ip: IpInNode) {
    this.#ip = ip;
  }

  async set(fabric: Fabric, a: Endpoint, b: Endpoint, state: "up" | "down"): Promise<void> {
    const link = fabric.links.find((each) =>
      [a, b].every((end) =>
        each.endpoints.some((at) => at.node === end.node && at.interface === end.interface),
      ),
    );
    if (!link) throw new Error(`no link ${a.node}:${a.interface} – ${b.node}:${b.interface}`);
    const { node, interface: name } = link.endpoints[cutEnd(fabric, link)];
    const key = `${node}:${name}`;
    if (state === "down") {
      const routes = await this.#staticRoutes(node, name);
      if (!this.#routes.has(key)) this.#routes.set(key, routes);
      await this.#ip(node, ["link", "set", name, "down"]);
    } else {
      const routes = this.#routes.get(key);
      this.#routes.delete(key);
      await this.#ip(node, ["link", "set", name, "up"]);
      for (const family of families) {
        const batch = routes?.[family] ?? "";
        if (batch !== "") await this.#ip(node, [family, "-batch", "-"], batch);
      }
    }
  }

  /** The interfaces of a node that are down since their cable was cut there. */
  cutOn(node: string): string[] {
    return [...this.#routes.keys()]
      .filter((key) => key.startsWith(`${node}:`))
      .map((key) => key.slice(node.length + 1));
  }

  async #staticRoutes(node: string, name: string): Promise<Record<Family, string>> {
    const lines = { "-4": "", "-6": "" };
    for (const family of families) {
      for (const protocol of ["boot", "static"]) {
        const args = [family, "route", "show", "dev", name, "proto", protocol];
        const printed = await this.#ip(node, args);
        for (const route of printed.split("\n").filter((line) => line.trim() !== "")) {
          const kept = route.replaceAll(/\b(linkdown|dead)\b/g, "").trim();
          lines[family] += `route replace ${kept} dev ${name} proto ${protocol}\n`;
        }
      }
    }
    return lines;
  }
}
