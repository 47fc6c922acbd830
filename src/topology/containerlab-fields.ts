import { parseAddress } from "../net/address.ts";
import { parsePrefix } from "../net/prefix.ts";
import {
  anyMapping,
  anything,
  boolean,
  integer,
  list,
  located,
  object,
  type Of,
  optional,
  parsed,
  record,
  text,
} from "../input/shape.ts";
import type { YamlNode } from "../input/yaml-file.ts";

/** `a.b.c.d`, without a length. */
export const ipv4Address = parsed("an IPv4 address", (written) => {
  const address = parseAddress(written);
  return address?.includes(":") ? undefined : address;
});

export const ipv6Address = parsed("an IPv6 address", (written) => {
  const address = parseAddress(written);
  return address?.includes(":") ? address : undefined;
});

/** A prefix without host bits, or `auto`, which leaves the choice to us. */
function subnetOf(family: "IPv4" | "IPv6", example: string) {
  return parsed(`an ${family} subnet such as ${example}`, (written) => {
    if (written === "auto") return "auto" as const;
    const prefix = parsePrefix(written);
    return prefix?.includes(":") === (family === "IPv6") ? prefix : undefined;
  });
}

/** Values that are text, a number or true/false; a key without a value has empty text. */
const textRecord = record((node, at) => (node.type === "scalar" ? node.text : text()(node, at)));

const lines = list(located(text()), "a list of texts");

function seconds() {
  return integer(0, 86_400, "a number of seconds");
}

/** Fields of a node; also legal under defaults, kinds and groups. */
export const nodeFields = {
  kind: optional(located(text("the name of a kind"))),
  group: optional(located(text("the name of a group"))),
  type: optional(text()),
  image: optional(text("the name of an image")),
  "image-pull-policy": optional(text()),
  "restart-policy": optional(text()),
  license: optional(text()),
  "startup-config": optional(located(text("the path of a file"))),
  "startup-delay": optional(seconds()),
  "enforce-startup-config": optional(boolean),
  "suppress-startup-config": optional(boolean),
  "auto-remove": optional(boolean),
  exec: optional(lines),
  binds: optional(lines),
  volumes: optional(lines),
  ports: optional(lines),
  env: optional(textRecord),
  "env-files": optional(lines),
  credentials: optional(anyMapping),
  username: optional(text()),
  password: optional(text()),
  user: optional(text()),
  hostname: optional(text()),
  entrypoint: optional(text()),
  cmd: optional(text()),
  labels: optional(textRecord),
  runtime: optional(text()),
  "mgmt-ipv4": optional(located(ipv4Address)),
  "mgmt-ipv6": optional(located(ipv6Address)),
  "network-mode": optional(located(text())),
  "link-apply-mode": optional(text()),
  cpu: optional(text("a number")),
  memory: optional(text("a size such as 512mb")),
  "cpu-set": optional(text()),
  "shm-size": optional(text("a size such as 64mb")),
  sysctls: optional(textRecord),
  "cap-add": optional(lines),
  privileged: optional(boolean),
  devices: optional(lines),
  "cgroupns-mode": optional(text()),
  "cgroup-parent": optional(text()),
  "pid-mode": optional(text()),
  tmpfs: optional(anything),
  "security-opts": optional(lines),
  extras: optional(anyMapping),
  config: optional(anyMapping),
  stages: optional(anyMapping),
  dns: optional(anyMapping),
  certificate: optional(anyMapping),
  healthcheck: optional(
    object(
      {
        test: list(text(), "a command: [CMD, …] or [CMD-SHELL, …]"),
        interval: optional(seconds()),
        timeout: optional(seconds()),
        retries: optional(integer(1, 1_000, "a number of attempts")),
        "start-period": optional(seconds()),
      },
      "'healthcheck'",
    ),
  ),
  components: optional(anything),
  aliases: optional(list(text())),
  position: optional(text()),
};

/** Names that older containerlab files use. */
const renamed: Record<string, string> = {
  mgmt_ipv4: "mgmt-ipv4",
  mgmt_ipv6: "mgmt-ipv6",
  "wait-for": "stages",
  SANs: "certificate",
};

export const nodeShape = object(nodeFields, "a node", (field) =>
  Object.hasOwn(renamed, field) ? `its name today is '${renamed[field]}'` : undefined,
);

export type NodeFields = Of<typeof nodeShape>;

/** Fields that change what containerlab does but nothing here, with what a user should know. */
export const fieldsWithoutEffect: Partial<Record<keyof typeof nodeFields, string>> = {
  stages: "nodes come up together: no stage is waited for and no stage's exec runs",
  "startup-delay": "nodes come up at once",
  healthcheck: "the runtime docker shows it (docker ps); nothing waits for it",
  "env-files": "write the variables under 'env'",
  volumes: "what a node writes is gone when the lab goes",
  dns: "nodes resolve names as the machine does",
};

export const topologyShape = object(
  {
    name: located(
      parsed(
        "a lab's name",
        (written) => (/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(written) ? written : undefined),
        "letters, digits, '-', '_' and '.', the first a letter or digit",
      ),
    ),
    // Empty is a value of its own here: bare node names.
    prefix: optional(text()),
    mgmt: optional(
      object(
        {
          network: optional(located(text())),
          bridge: optional(text()),
          "ipv4-subnet": optional(located(subnetOf("IPv4", "172.20.20.0/24"))),
          "ipv6-subnet": optional(located(subnetOf("IPv6", "3fff:172:20:20::/64"))),
          "ipv4-gw": optional(located(ipv4Address)),
          "ipv6-gw": optional(located(ipv6Address)),
          "ipv4-range": optional(located(subnetOf("IPv4", "172.20.20.128/25"))),
          "ipv6-range": optional(located(subnetOf("IPv6", "3fff:172:20:20::/80"))),
          mtu: optional(integer(68, 65_535, "an MTU")),
          "external-access": optional(boolean),
          "skip-when-unused": optional(boolean),
          "driver-opts": optional(anyMapping),
        },
        "'mgmt'",
      ),
    ),
    settings: optional(anyMapping),
    debug: optional(boolean),
    topology: object(
      {
        nodes: record(optionalNode(), "a mapping of nodes by name"),
        links: optional(list(located(keepNode), "a list of links")),
        kinds: optional(record(optionalNode(), "a mapping of kinds by name")),
        groups: optional(record(optionalNode(), "a mapping of groups by name")),
        defaults: optional(nodeShape),
      },
      "'topology'",
    ),
  },
  "a topology",
);

/** A node with nothing under its name (`host1:`) has its kind's fields only. */
function optionalNode() {
  return located<NodeFields>((node, at) =>
    node.type === "scalar" && node.value === null ? {} : nodeShape(node, at),
  );
}

/** Links have two forms: links.ts reads them. */
function keepNode(node: YamlNode): YamlNode {
  return node;
}
