import type { Endpoint, Fabric } from "../topology/fabric.ts";
import { cutEnd } from "./links.ts";

/** Runs `ip ARGS` in the network namespace of a node; rejects where it fails. Returns what it printed. */
export type IpInNode = (node: string, args: readonly string[], batch?: string) => Promise<string>;

const families = ["-4", "-6"] as const;
type Family = (typeof families)[number];

/**
 * Cuts and mends cables. A cut cable takes carrier from both ends and nothing else. Here the
 * router's end is set down, which takes carrier from the other end too; what the kernel drops with an
 * interface set down comes back with it: static routes, and link-local addresses given by hand.
 */
export class LinkCuts {
  readonly #running: { has(node: string): boolean };
  readonly #ip: IpInNode;
  /** By `node:interface`: what to add when it is mended, as `ip -batch` lines of each family. */
  readonly #dropped = new Map<string, Record<Family, string>>();

  /** `running`: the nodes that have power now. */
  constructor(running: { has(node: string): boolean }, ip: IpInNode) {
    this.#running = running;
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
    if (!this.#running.has(node)) {
      // Its exec lines give the interface what it has, and cutOn says whether the cable is there then.
      if (state === "up") this.#dropped.delete(key);
      else if (!this.#dropped.has(key)) this.#dropped.set(key, { "-4": "", "-6": "" });
    } else if (state === "down") {
      const dropped = await this.#staticRoutes(node, name);
      // The routes may lead over them.
      dropped["-6"] = (await this.#linkLocalAddresses(node, name)) + dropped["-6"];
      if (!this.#dropped.has(key)) this.#dropped.set(key, dropped);
      await this.#ip(node, ["link", "set", name, "down"]);
    } else {
      const dropped = this.#dropped.get(key);
      this.#dropped.delete(key);
      await this.#ip(node, ["link", "set", name, "up"]);
      for (const family of families) {
        const batch = dropped?.[family] ?? "";
        if (batch !== "") await this.#ip(node, [family, "-batch", "-"], batch);
      }
    }
  }

  /** The interfaces of a node that are down since their cable was cut there. */
  cutOn(node: string): string[] {
    return [...this.#dropped.keys()]
      .filter((key) => key.startsWith(`${node}:`))
      .map((key) => key.slice(node.length + 1));
  }

  /** The kernel keeps global ones (`keep_addr_on_down`). Those it makes itself are the same again. */
  async #linkLocalAddresses(node: string, name: string): Promise<string> {
    const args = ["-6", "-oneline", "address", "show", "dev", name, "scope", "link"];
    const printed = await this.#ip(node, args);
    return Array.from(
      printed.matchAll(/\binet6 (\S+)/g),
      ([, address]) => `address replace ${address} dev ${name} scope link nodad\n`,
    ).join("");
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
