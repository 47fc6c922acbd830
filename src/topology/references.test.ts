import { expect, test } from "vitest";
import { parseReference, type ReferenceType } from "./references.ts";

const all: ReferenceType[] = [
  "node",
  "interface",
  "podCIDR",
  "loopback",
  "pod",
  "service",
  "address",
  "prefix",
];

test.each([
  ["tor0", { type: "node", node: "tor0" }],
  ["leaf.1", { type: "node", node: "leaf.1" }],
  ["tor0:net1", { type: "interface", node: "tor0", interface: "net1" }],
  ["kind-worker.podCIDR", { type: "podCIDR", node: "kind-worker" }],
  ["leaf.1.loopback", { type: "loopback", node: "leaf.1" }],
  ["netshoot@kind-worker", { type: "pod", pod: "netshoot", node: "kind-worker" }],
  ["web/api@n1", { type: "pod", namespace: "web", pod: "api", node: "n1" }],
  ["service/default/web", { type: "service", namespace: "default", name: "web" }],
  ["10.0.0.1", { type: "address", address: "10.0.0.1" }],
  ["FD00::1", { type: "address", address: "fd00::1" }],
  ["192.0.2.0/24", { type: "prefix", prefix: "192.0.2.0/24" }],
  ["fd00::/64", { type: "prefix", prefix: "fd00::/64" }],
])("%s", (text, reference) => {
  expect(parseReference(text, all)).toEqual({ reference });
});

test.each([
  ["tor0.podcidr", "did you mean 'tor0.podCIDR'?"],
  ["tor0.lo", "did you mean 'tor0.loopback'?"],
  ["10.0.0.300", "an IPv4 address has four numbers from 0 to 255"],
  ["10.1.0.5/16", "host bits are set: did you mean '10.1.0.0/16'?"],
  ["10.1/16", "a prefix is written ADDRESS/LENGTH"],
  ["service/web", "a service is written service/NAMESPACE/NAME"],
  ["@node", "a pod is written POD@NODE or NAMESPACE/POD@NODE"],
  ["tor0:", "an interface is written NODE:INTERFACE"],
  ["tor 0", "a node's name has no such characters"],
])("%s is none: %s", (text, hint) => {
  expect(parseReference(text, all)).toMatchObject({ hint });
});

test("a reference of another type says what it is", () => {
  expect(parseReference("tor0:net1", ["node", "pod"])).toEqual({
    message: "expected a node (tor0), a pod (netshoot@kind-worker); 'tor0:net1' is an interface",
  });
});
