import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { InputError } from "../../src/input/diagnostic.ts";
import { lab, type RunningLab, type StepInput, type StepResult } from "spinelab";

/**
 * Each event does what it says, as real routers and the kernel show it, and one that cannot be done
 * fails its step and says why. One lab; each case leaves it as it found it.
 */
let fabric: RunningLab;

beforeAll(async () => {
  fabric = await lab("rack-spine", { name: `events-${process.pid}` });
  await passes(`within: 30s
expect:
  - session: { on: router0, to: tor1, received: 5, sent: 13 }
  - session: { on: tor1, to: kind-worker3, received: 1, sent: 11 }
  - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3 }`);
});

afterAll(() => fabric?.[Symbol.asyncDispose]());

/** A step written as in a scenario file. */
const step = (yaml: string): Promise<StepResult> => fabric.step(parse(yaml) as StepInput);

async function passes(yaml: string): Promise<void> {
  const { verdict, reason, checks } = await step(yaml);
  const bad = checks.filter((check) => check.verdict !== "pass");
  expect({ verdict, reason, bad }).toEqual({ verdict: "pass", reason: undefined, bad: [] });
}

/** Why an event could not be done: told before it is tried where that can be known, else by its step. */
async function whyNot(event: string): Promise<string> {
  try {
    const { verdict, reason = "" } = await step(`do: [ { ${event} } ]`);
    expect(verdict).toBe("fail");
    return reason;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

type Case = {
  /** Steps that pass, one after the other: the event with what shows it, and how it is mended. */
  right: string[];
  /** An event that cannot be done, and the reason that its step must give. */
  wrong: string;
  because: RegExp;
};

const whole = `
  - session: { on: router0, to: tor1, received: 5, sent: 13 }
  - session: { on: tor1, to: kind-worker3, received: 1, sent: 11 }`;
const deployment = `apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: {
  replicas: 1, selector: { matchLabels: { app: web } },
  template: { metadata: { labels: { app: web } }, spec: { containers: [ { name: web, image: nicolaka/netshoot, command: [sleep, infinity] } ] } } }`;

const cases: Record<string, Case> = {
  link: {
    right: [
      `do: [ { link: { between: [tor1, kind-worker3], set: down } } ]
within: 10s
expect:
  - route: { on: router0, prefix: kind-worker3.podCIDR, absent: true }
  - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 1, loss: 100% }`,
      `do: [ { link: { on: tor1:net2, set: up } } ]
within: 30s
expect: ${whole}
  - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 1 }`,
    ],
    wrong: "link: { between: [tor0, tor1], set: down }",
    because: /no link between tor0 and tor1/,
  },
  "link impair": {
    right: [
      `do: [ { link: { between: [tor1, kind-worker3], impair: { delay: 30ms } } } ]
within: 10s
expect: [ { ping: { from: tor1, to: kind-worker3, count: 2, rtt: { atLeast: 60ms } } } ]`,
      `do: [ { link: { between: [tor1, kind-worker3], impair: none } } ]
within: 10s
expect: [ { ping: { from: tor1, to: kind-worker3, count: 2, rtt: { atMost: 50ms } } } ]`,
    ],
    wrong: "link: { between: [tor1, kind-worker3], impair: { delay: 30ms }, from: tor0 }",
    because: /tor0/,
  },
  agent: {
    right: [
      `do: [ { agent: { on: kind-worker3, do: kill } } ]
within: 10s
expect: [ { session: { on: tor1, to: kind-worker3, state: [Idle, Connect, Active] } } ]`,
      `do: [ { agent: { on: kind-worker3, do: start } } ]
within: 30s
expect: ${whole}`,
    ],
    wrong: "agent: { on: kind-worker3, do: kill }",
    because: /the agent of kind-worker3 is not running/,
  },
  "metric of BGP": {
    right: [
      `do: [ { metric: { on: tor1, neighbor: router0, asPathPrepend: 2 } } ]
within: 10s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, asPath: "65011 65011 65011" } } ]`,
      `do: [ { metric: { on: tor1, neighbor: router0, asPathPrepend: 0 } } ]
within: 10s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, asPath: "65011" } } ]`,
    ],
    wrong: "metric: { on: tor1, neighbor: tor0, med: 5 }",
    because: /no such neighbor/,
  },
  "metric of OSPF": {
    right: [],
    wrong: "metric: { on: tor1:net0, ospfCost: 100 }",
    because: /ospfd is not running/,
  },
  "metric of a kernel route": {
    right: [
      `do: [ { metric: { on: kind-worker, route: default, via: tor0, metric: 50 } } ]
expect: [ { fib: { on: kind-worker, prefix: default, via: tor0, metric: 50 } } ]`,
      `do: [ { metric: { on: kind-worker, route: default, via: tor0, metric: 0 } } ]
expect: [ { fib: { on: kind-worker, prefix: default, via: tor0, metric: 0 } } ]`,
    ],
    wrong: "metric: { on: kind-worker, route: 203.0.113.0/24, metric: 50 }",
    because: /no such route/,
  },
  config: {
    right: [
      `do: [ { config: { on: tor1, lines: [router bgp 65011, neighbor 10.0.4.2 shutdown] } } ]
within: 10s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, absent: true } } ]`,
      `do: [ { config: { on: tor1, lines: [router bgp 65011, no neighbor 10.0.4.2 shutdown] } } ]
within: 30s
expect: ${whole}`,
    ],
    wrong: "config: { on: tor1, lines: [router bgp 65011, neighbor foo remote-as] }",
    because: /neighbor foo remote-as/,
  },
  daemon: {
    right: [
      `do: [ { daemon: { on: tor1, daemon: bgpd, do: stop } } ]
within: 15s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, absent: true } } ]`,
      `do: [ { daemon: { on: tor1, daemon: bgpd, do: start } } ]
within: 30s
expect: ${whole}`,
    ],
    wrong: "daemon: { on: tor1, daemon: ripd, do: kill }",
    because: /ripd\.pid/,
  },
  node: {
    right: [
      `do: [ { node: { on: kind-worker3, do: stop } } ]
within: 15s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, absent: true } } ]`,
      `do: [ { node: { on: kind-worker3, do: start } } ]
within: 40s
expect: ${whole}
  - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 1 }`,
    ],
    wrong: "node: { on: tor1, do: start }",
    because: /node tor1 is up/,
  },
  gateway: {
    right: [
      `do: [ { gateway: { on: kind-worker, via: tor0, do: add, metric: 77 } } ]
expect: [ { fib: { on: kind-worker, prefix: default, via: tor0, metric: 77 } } ]`,
      `do: [ { gateway: { on: kind-worker, via: tor0, do: delete, metric: 77 } } ]
never: [ { fib: { on: kind-worker, prefix: default, absent: true } } ]
expect: [ { fib: { on: kind-worker, prefix: default, via: tor0, metric: 0 } } ]`,
    ],
    wrong: "gateway: { on: kind-worker, via: router0 }",
    because: /no link/,
  },
  apply: {
    right: [
      `do: [ { apply: { ${deployment} } } ]
within: 20s
expect: [ { resource: { kind: Deployment, name: web, field: status.readyReplicas, equals: 1 } } ]`,
    ],
    wrong: "apply: { apiVersion: v1, kind: ConfigMap, metadata: { name: c, namespace: nowhere } }",
    because: /namespaces? .*nowhere.* not found/,
  },
  scale: {
    right: [
      `do: [ { scale: { kind: Deployment, name: web, replicas: 2 } } ]
within: 20s
expect: [ { resource: { kind: Deployment, name: web, field: status.readyReplicas, equals: 2 } } ]`,
    ],
    wrong: "scale: { kind: Deployment, name: nothing, replicas: 2 }",
    because: /no manifest makes Deployment 'default\/nothing'/,
  },
  delete: {
    right: [
      `do: [ { delete: { kind: Deployment, name: web } } ]
within: 20s
expect: [ { resource: { kind: Deployment, name: web, absent: true } } ]`,
    ],
    wrong: "delete: { kind: Deployment, name: web }",
    because: /no manifest makes Deployment 'default\/web', nor does the API tell of one/,
  },
  patch: {
    right: [
      `do:
  - patch: { kind: CiliumBGPAdvertisement, name: pod-cidr, merge: { metadata: { labels: { advertise: none } } } }
within: 10s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, absent: true } } ]`,
      `do:
  - patch: { kind: CiliumBGPAdvertisement, name: pod-cidr, merge: { metadata: { labels: { advertise: pod-cidr } } } }
within: 20s
expect: ${whole}`,
    ],
    wrong:
      "patch: { kind: CiliumBGPAdvertisement, name: pod-cidr, merge: { spec: { advertisements: [ { advertisementType: Nonsense } ] } } }",
    because: /advertisementType/,
  },
  exec: {
    right: [
      `do: [ { exec: { on: tor1, command: touch /tmp/was-here } } ]
expect: [ { exec: { on: tor1, command: ls /tmp/was-here, stdout: was-here } } ]`,
    ],
    wrong: "exec: { on: tor1, command: ls /nowhere }",
    because: /nowhere/,
  },
  partition: {
    right: [
      `do: [ { partition: { isolate: [tor1, kind-worker2, kind-worker3] }, undoAfter: 300ms } ]
probe: { name: cut, from: tor0, to: router0, every: 10ms }
never: [ { exec: { on: tor1, command: ip link show net0, stdout: NO-CARRIER } } ]
within: 20s
expect: ${whole}
  - outage: { probe: cut, lost: 0 }`,
      `do: [ { partition: { isolate: [tor1] }, undoAfter: 300ms } ]
probe: { name: through, from: netshoot@kind-worker, to: netshoot@kind-worker3, every: 10ms }
within: 20s
expect: ${whole}
  - outage: { probe: through, atLeast: 200ms, atMost: 5s }`,
    ],
    wrong:
      "partition: { isolate: [router0, tor0, tor1, kind-control-plane, kind-worker, kind-worker2, kind-worker3] }",
    because: /no link leads from/,
  },
  chaos: {
    right: [
      `do:
  - chaos: { faults: 2, of: [agent], over: 200ms, lasting: { atLeast: 100ms, atMost: 300ms } }
within: 30s
expect: ${whole}
  - session: { on: tor0, to: kind-worker, received: 1 }`,
    ],
    wrong: "chaos: { faults: 9, of: [agent], over: 100ms, lasting: { atLeast: 1s, atMost: 2s } }",
    because: /so many do not fit/,
  },
  together: {
    right: [
      `do:
  - together:
      - metric: { on: kind-worker, route: default, metric: 51 }
      - metric: { on: kind-worker2, route: default, metric: 52 }
expect:
  - fib: { on: kind-worker, prefix: default, metric: 51 }
  - fib: { on: kind-worker2, prefix: default, metric: 52 }`,
      `do:
  - together:
      - metric: { on: kind-worker, route: default, metric: 0 }
      - metric: { on: kind-worker2, route: default, metric: 0 }`,
    ],
    wrong:
      "together: [ { exec: { on: tor1, command: 'true' } }, { exec: { on: tor0, command: 'false' } } ]",
    because: /exit 1/,
  },
};

test.for(Object.entries(cases))(
  "%s: what it does is seen, and what it cannot do fails",
  async ([, { right, wrong, because }]) => {
    const [first, ...mended] = right;
    if (first !== undefined) await passes(first);
    expect(await whyNot(wrong)).toMatch(because);
    for (const one of mended) await passes(one);
  },
);
