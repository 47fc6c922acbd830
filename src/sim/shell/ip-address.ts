import { type Family, familyOf, isLinkLocal, parseAddress } from "../../net/address.ts";
import { addressBits } from "../../net/prefix.ts";
import type { Interface } from "../link.ts";
import type { SimNode } from "../network.ts";
import { done, failed, json, type Output } from "./ip.ts";

/** `ip address VERB …`; undefined: not simulated. */
export function addressCommand(
  node: SimNode,
  verb: string,
  words: readonly string[],
  flags: ReadonlySet<string>,
): Output | undefined {
  if (verb === "show" || verb === "list") return showAddresses(node, words, flags);
  if (verb === "flush") return flush(node, words);
  const [written = "", ...options] = words;
  const [text = "", length] = written.split("/");
  const parsed = parseAddress(text);
  if (parsed === undefined)
    return failed(`Error: any valid prefix is expected rather than "${written}".`);
  const name = optionOf(options, "dev");
  // Addresses are never tentative here.
  const isKnown = options.every((word, i) => ["dev", name, "nodad"].includes(word) || i < 2);
  if (name === undefined || !isKnown) return undefined;
  const link = node.interfaces.get(name);
  if (link === undefined) return failed(`Cannot find device "${name}"`, 1);
  if (isLinkLocal(parsed)) {
    if (verb !== "add" && verb !== "replace") return undefined;
    link.linkLocal = parsed;
    node.interfacesChanged();
    return done;
  }
  const of = { address: parsed, prefixLength: Number(length ?? addressBits(familyOf(parsed))) };
  const isThere = node.ownerOf(parsed)?.name === name;
  switch (verb) {
    case "add":
    case "replace":
      if (isThere) return verb === "add" ? failed("RTNETLINK answers: File exists") : done;
      node.addAddress(name, of);
      return done;
    case "del":
    case "delete":
      return node.removeAddress(name, of)
        ? done
        : failed("RTNETLINK answers: Cannot assign requested address");
    default:
      return undefined;
  }
}

function optionOf(words: readonly string[], key: string): string | undefined {
  const at = words.indexOf(key);
  return at < 0 ? undefined : words[at + 1];
}

/** `dev NAME [scope link]`. */
function flush(node: SimNode, words: readonly string[]): Output | undefined {
  const name = optionOf(words, "dev") ?? "";
  const scope = optionOf(words, "scope");
  const link = node.interfaces.get(name);
  if (link === undefined) return failed(`Cannot find device "${name}"`, 1);
  if (scope !== undefined && scope !== "link") return undefined;
  link.linkLocal = undefined;
  if (scope === undefined) {
    for (const one of [...link.addresses]) node.removeAddress(name, one);
  }
  node.interfacesChanged();
  return done;
}

/** `[dev NAME] [scope SCOPE]`. */
function showAddresses(
  node: SimNode,
  words: readonly string[],
  flags: ReadonlySet<string>,
): Output | undefined {
  const name = optionOf(words, "dev");
  const scope = optionOf(words, "scope");
  if (name !== undefined && !node.interfaces.has(name)) {
    return failed(`Device "${name}" does not exist.`, 1);
  }
  const family = flags.has("-4") ? "ipv4" : flags.has("-6") ? "ipv6" : undefined;
  const shown = [...node.interfaces.values()]
    .filter((each) => name === undefined || each.name === name)
    .map((each) => ({ of: each, addresses: addressesOf(each, family, scope) }))
    .filter(({ addresses }) => (family ?? scope) === undefined || addresses.length > 0);
  if (flags.has("-j")) {
    return json(
      shown.map(({ of, addresses }) => ({
        ifindex: of.index,
        ifname: of.name,
        addr_info: addresses,
      })),
    );
  }
  const lines = shown.flatMap(({ of, addresses }) => [
    `${of.index}: ${of.name}: <${flagsOf(of).join(",")}> state ${stateOf(of)}`,
    ...(family === undefined && !of.isLoopback ? [`    link/ether ${of.mac}`] : []),
    ...addresses.map(({ local, prefixlen, scope: own }) => {
      const word = local.includes(":") ? "inet6" : "inet";
      return `    ${word} ${local}/${prefixlen} scope ${own} ${of.name}`;
    }),
  ]);
  return { ...done, stdout: lines.map((line) => `${line}\n`).join("") };
}

function flagsOf(of: Interface): string[] {
  return [
    ...(of.isLoopback ? ["LOOPBACK"] : ["BROADCAST", "MULTICAST"]),
    ...(of.isUp && !of.hasCarrier ? ["NO-CARRIER"] : []),
    ...(of.isUp ? ["UP"] : []),
    ...(of.hasCarrier ? ["LOWER_UP"] : []),
  ];
}

function stateOf(of: Interface): string {
  if (of.isLoopback) return "UNKNOWN";
  return of.hasCarrier ? "UP" : "DOWN";
}

type ShownAddress = { local: string; prefixlen: number; scope: "host" | "global" | "link" };

function addressesOf(
  of: Interface,
  family: Family | undefined,
  scope: string | undefined,
): ShownAddress[] {
  const shown: ShownAddress[] = of.addresses.map((one) => ({
    local: one.address,
    prefixlen: one.prefixLength,
    scope: one.address.startsWith("127.") ? "host" : "global",
  }));
  if (!of.isLoopback && of.isUp && of.linkLocal !== undefined) {
    shown.push({ local: of.linkLocal, prefixlen: 64, scope: "link" });
  }
  return shown.filter(
    ({ local, scope: own }) =>
      (family === undefined || local.includes(":") === (family === "ipv6")) &&
      (scope === undefined || scope === own),
  );
}
