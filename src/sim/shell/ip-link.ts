import type { Interface } from "../link.ts";
import type { SimNode } from "../network.ts";
import { done, failed, json, type Output } from "./ip.ts";

/** `ip link VERB …`; undefined: not simulated. */
export function linkCommand(
  node: SimNode,
  verb: string,
  words: readonly string[],
  isJson: boolean,
): Output | undefined {
  if (verb === "add") return addLink(node, words);
  const [name = "", ...rest] = words[0] === "dev" ? words.slice(1) : words;
  const isShow = verb === "show" || verb === "list" || verb === "ls";
  const show = (links: readonly Interface[]) =>
    isJson ? json(links.map(shownLink)) : { ...done, stdout: links.map(linkText).join("") };
  if (isShow && name === "") return show([...node.interfaces.values()]);
  const link = node.interfaces.get(name);
  if (link === undefined) return failed(`Cannot find device "${name}"`, 1);
  if (isShow) return show([link]);
  if (verb === "del" || verb === "delete") {
    node.removeInterface(name);
    return done;
  }
  return verb === "set" ? setLink(node, link, rest) : undefined;
}

/** A link whose other end is down has no carrier. */
function shownLink(link: Interface) {
  const { name, isUp, hasCarrier, isLoopback, master } = link;
  const flags = [
    ...(isLoopback ? ["LOOPBACK"] : ["BROADCAST", "MULTICAST"]),
    ...(isUp ? ["UP"] : []),
    ...(hasCarrier ? ["LOWER_UP"] : isUp ? ["NO-CARRIER"] : []),
  ];
  const whole = isLoopback ? "UNKNOWN" : "UP";
  return {
    ifname: name,
    flags,
    operstate: hasCarrier ? whole : isUp ? "LOWERLAYERDOWN" : "DOWN",
    ...(master !== undefined && { master: master.name }),
  };
}

function linkText(link: Interface): string {
  const { ifname, flags, operstate, master } = shownLink(link);
  const of = master === undefined ? "" : ` master ${master}`;
  const ether = link.isLoopback ? "loopback 00:00:00:00:00:00" : `ether ${link.mac}`;
  return `${link.index}: ${ifname}: <${flags.join(",")}>${of} state ${operstate}\n    link/${ether}\n`;
}

/** `NAME type bridge`. As the kernel makes it: down. */
function addLink(node: SimNode, words: readonly string[]): Output | undefined {
  const [name = "", ...rest] = ["name", "dev"].includes(words[0] ?? "") ? words.slice(1) : words;
  if (rest.join(" ") !== "type bridge") return undefined;
  if (node.interfaces.has(name)) return failed("RTNETLINK answers: File exists");
  node.addInterface(name, { isBridge: true }).isUp = false;
  return done;
}

function setLink(node: SimNode, link: Interface, words: readonly string[]): Output | undefined {
  for (let i = 0; i < words.length; i++) {
    switch (words[i]) {
      case "up":
      case "down":
        node.setInterface(link.name, words[i] === "up");
        break;
      case "master": {
        const master = words[++i] ?? "";
        const bridge = node.interfaces.get(master);
        if (bridge === undefined) return failed(`Error: Device does not exist: ${master}`, 1);
        if (!bridge.isBridge) return undefined;
        node.setMaster(link, bridge);
        break;
      }
      case "nomaster":
        node.setMaster(link, undefined);
        break;
      case "addrgenmode": {
        const mode = words[++i];
        if (mode !== "none" && mode !== "eui64") return undefined;
        link.generatesLinkLocal = mode === "eui64";
        break;
      }
      // What size packets have changes nothing that is simulated.
      case "mtu":
        i++;
        break;
      default:
        return undefined;
    }
  }
  return done;
}
