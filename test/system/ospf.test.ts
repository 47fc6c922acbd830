import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, succeed } from "./spinelab.ts";

/** Two routers with two cables between them, and OSPF. */
const lab = `ospf-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-ospf-"));

const router = (name: string, n: number) => `    ${name}:
      kind: linux
      exec:
        - ip addr add 10.9.0.${n}/32 dev lo
        - ip addr add 10.9.1.${n}/24 dev net0
        - ip addr add 10.9.2.${n}/24 dev net1
        - touch /etc/frr/vtysh.conf
        - sed -i -e s/ospfd=no/ospfd=yes/ /etc/frr/daemons
        - /usr/lib/frr/frrinit.sh start
        - >-
          vtysh -c 'conf t'
          -c 'interface net0' -c 'ip ospf network point-to-point' -c 'ip ospf hello-interval 1' -c 'ip ospf dead-interval 3' -c exit
          -c 'interface net1' -c 'ip ospf network point-to-point' -c 'ip ospf hello-interval 1' -c 'ip ospf dead-interval 3' -c exit
          -c 'router ospf' -c 'network 10.9.0.0/16 area 0'
`;

beforeAll(async () => {
  const file = join(folder, "ospf.clab.yaml");
  const links = `  links:
    - endpoints: ["left:net0", "right:net0"]
    - endpoints: ["left:net1", "right:net1"]
`;
  writeFileSync(
    file,
    `name: ospf\ntopology:\n  nodes:\n${router("left", 1)}${router("right", 2)}${links}`,
  );
  await succeed("up", "--topology", file, "--name", lab);
});
afterAll(async () => {
  await spinelab("down", lab);
  rmSync(folder, { recursive: true });
});

test("a higher cost moves the routes to the other cable, and back", async () => {
  const file = join(folder, "scenario.yaml");
  writeFileSync(
    file,
    `name: ospf
steps:
  - name: both cables
    within: 60s
    expect: [ { fib: { on: left, prefix: right.loopback, nextHops: 2, protocol: ospf } } ]
  - name: one costs more
    do: [ { metric: { on: left:net0, ospfCost: 1000 } } ]
    within: 20s
    expect: [ { fib: { on: left, prefix: right.loopback, nextHops: 1, dev: net1 } } ]
  - name: for a second
    do: [ { metric: { on: left:net0, ospfCost: 2000 }, undoAfter: 1s } ]
    within: 20s
    expect:
      - exec: { on: left, command: "vtysh -c 'show running-config'", stdout: ip ospf cost 1000 }
`,
  );
  expect(await spinelab("play", lab, file)).toMatchObject({ status: 0 });
});
