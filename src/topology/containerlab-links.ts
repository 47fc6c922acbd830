import {
  anyMapping,
  anything,
  type At,
  integer,
  list,
  type Location,
  mistake,
  object,
  oneOf,
  optional,
  parsed,
  type Shape,
  text,
} from "../input/shape.ts";
import type { YamlMap } from "../input/yaml-file.ts";

/** A veth pair as the topology file writes it: names not looked up yet. */
export type ContainerlabLink = {
  at: Location;
  endpoints: [ContainerlabEndpoint, ContainerlabEndpoint];
  mtu: number;
};

export type ContainerlabEndpoint = { node: string; interface: string; mac?: string; at: Location };

/** containerlab's own default, so that jumbo frames of a lab fit. */
const defaultMtu = 9500;

const mtu = optional(integer(68, 65_535, "an MTU"));
const mac = parsed("a MAC address such as aa:c1:ab:00:00:01", (written) =>
  /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(written) ? written.toLowerCase() : undefined,
);

const briefShape = object(
  {
    endpoints: list(endpointText, "a list of two endpoints"),
    mtu,
    ipv4: optional(anything),
    ipv6: optional(anything),
    vars: optional(anyMapping),
    labels: optional(anyMapping),
  },
  "a link",
);

const vethShape = object(
  {
    type: oneOf(["veth"]),
    endpoints: list(
      locatedEndpoint(
        object(
          {
            node: text("the name of a node"),
            interface: text("the name of an interface"),
            mac: optional(mac),
            ipv4: optional(text()),
            ipv6: optional(text()),
            vars: optional(anyMapping),
          },
          "an endpoint",
        ),
      ),
      "a list of two endpoints",
    ),
    mtu,
    vars: optional(anyMapping),
    labels: optional(anyMapping),
  },
  "a veth link",
);

/** Link types containerlab knows and Spinelab does not make, with the reason. */
const typesRefused: Record<string, string> = {
  "veth-stitch": "not supported on this runtime yet",
  host: "it would touch the host's network, which a lab never does",
  "mgmt-net": "not supported on this runtime yet",
  macvlan: "it would touch the host's network, which a lab never does",
  vxlan: "not supported on this runtime yet",
  "vxlan-stitch": "not supported on this runtime yet",
  dummy: "not supported on this runtime yet",
};

/** Words that stand where a node's name does in a brief link. */
const nodesRefused: Record<string, string> = {
  host: "a link to the host would touch its network, which a lab never does",
  "mgmt-net": "a link to the management network is not supported on this runtime yet",
  macvlan: "a macvlan link would touch the host's network, which a lab never does",
};

/** One item of `topology.links`, of either form. */
export const linkShape: Shape<ContainerlabLink> = (node, at) => {
  if (node.type !== "map") {
    const message = "expected a link with the field endpoints";
    return mistake(at, "WrongType", message, 'write `endpoints: ["a:eth1", "b:eth1"]`');
  }
  const link = node.entries.has("type") ? extended(node, at) : briefShape(node, at);
  if (link === undefined) return undefined;
  const [a, b, ...more] = link.endpoints;
  const written = node.entries.get("endpoints");
  const count = written?.type === "list" ? written.items.length : 0;
  if (count !== 2) {
    return mistake(at, "BadValue", `a link has two endpoints, not ${count}`);
  }
  if (a === undefined || b === undefined || more.length > 0) return undefined;
  return { at: locationOf(at), endpoints: [a, b], mtu: link.mtu ?? defaultMtu };
};

function extended(node: YamlMap, at: At) {
  const type = node.entries.get("type")!;
  const name = type.type === "scalar" ? type.text : "";
  const reason = Object.hasOwn(typesRefused, name) ? typesRefused[name] : undefined;
  if (reason === undefined) {
    const known = oneOf(["veth", ...Object.keys(typesRefused)], "UnknownLinkType");
    const word = known(type, { ...at, line: type.line, path: `${at.path}.type` });
    return word === undefined ? undefined : vethShape(node, at);
  }
  const message = `a link of type '${name}': ${reason}`;
  return mistake(
    at,
    "UnsupportedLink",
    message,
    "connect two nodes of the topology by a veth link",
  );
}

/** `node:interface`. */
function endpointText(...[node, at]: Parameters<Shape<string>>): ContainerlabEndpoint | undefined {
  const written = text("an endpoint such as leaf1:eth1")(node, at);
  if (written === undefined) return undefined;
  const colon = written.indexOf(":");
  if (colon <= 0 || colon === written.length - 1) {
    return mistake(at, "BadValue", `expected an endpoint NODE:INTERFACE, not '${written}'`);
  }
  const name = written.slice(0, colon);
  if (Object.hasOwn(nodesRefused, name)) {
    return mistake(at, "UnsupportedLink", nodesRefused[name]!, "connect two nodes of the topology");
  }
  return { node: name, interface: written.slice(colon + 1), at: locationOf(at) };
}

function locatedEndpoint(
  shape: Shape<{ node: string; interface: string; mac?: string }>,
): Shape<ContainerlabEndpoint> {
  return (node, at) => {
    const endpoint = shape(node, at);
    if (endpoint === undefined) return undefined;
    const { node: name, interface: port, mac: hardware } = endpoint;
    return { node: name, interface: port, ...(hardware && { mac: hardware }), at: locationOf(at) };
  };
}

function locationOf({ file, line, path }: At): Location {
  return { file, line, path };
}

/** What Linux says about an interface's name, or undefined where the name is fine. */
export function interfaceNameProblem(name: string): { message: string; hint: string } | undefined {
  if (new TextEncoder().encode(name).length > interfaceNameLengthMax) {
    return {
      message: `interface name '${name}' is too long: Linux takes ${interfaceNameLengthMax} characters`,
      hint: `shorten it, for example to '${name.slice(0, interfaceNameLengthMax)}'`,
    };
  }
  if (name === "." || name === ".." || /[\s/:]/.test(name)) {
    return {
      message: `'${name}' is no interface name: no spaces, '/' or ':'`,
      hint: "a name such as eth1",
    };
  }
  return undefined;
}

/** IFNAMSIZ of linux/if.h is 16, with the closing zero byte. */
const interfaceNameLengthMax = 15;
