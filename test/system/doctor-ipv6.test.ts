import { afterAll, beforeAll, expect, test } from "vitest";
import { type Finding, lab, type RunningLab } from "spinelab";
import { until } from "./spinelab.ts";

/** The causes of doctor.test.ts where sessions run over IPv6 and routes are of IPv6, on real FRR. */
let fabric: RunningLab;

beforeAll(async () => {
  fabric = await lab("dual-stack", { name: `doctor6-${process.pid}` });
  await healthy();
});

afterAll(() => fabric?.[Symbol.asyncDispose]());

const healthy = () =>
  until("a lab without findings", async () => nothing(await fabric.doctor()), 90_000, 300);

function nothing(found: readonly Finding[]): true {
  if (found.length > 0) throw new Error(JSON.stringify(found));
  return true;
}

async function run(node: string, ...argv: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await fabric.exec(node, argv);
  if (exitCode !== 0) throw new Error(`${node}: ${argv.join(" ")}: ${stdout}${stderr}`);
}

/** Lines for the configuration mode of a router, then commands of the enable mode. */
const configure = (node: string, lines: string[], after: string[] = []) =>
  run(
    node,
    "vtysh",
    ...["configure terminal", ...lines, "end", ...after].flatMap((line) => ["-c", line]),
  );

const worker2 = "fd00:10:0:3::2";
const bgp = (...lines: string[]) => ["router bgp 65011", ...lines];
const ipv6 = (...lines: string[]) => bgp("address-family ipv6 unicast", ...lines);

type Fault = {
  name: string;
  make: () => Promise<unknown>;
  mend: () => Promise<unknown>;
  expected: Omit<Partial<Finding>, "subject"> & { subject: RegExp };
  /** In the text or the evidence. */
  says: RegExp;
};

const faults: Fault[] = [
  {
    name: "wrong password",
    make: () =>
      configure("tor1", bgp(`neighbor ${worker2} password wrong`), [`clear bgp ${worker2}`]),
    mend: () => configure("tor1", bgp(`no neighbor ${worker2} password`)),
    expected: { about: "session", subject: /tor1/, cause: "wrong password", at: "tor1" },
    says: /tor1 wants a TCP MD5 password that kind-worker2 does not give/,
  },
  {
    name: "port 179 filtered",
    make: async () => {
      await run(
        "tor1",
        "nft",
        "add table ip6 f; add chain ip6 f in { type filter hook input priority 0; }; add rule ip6 f in tcp dport 179 drop; add rule ip6 f in tcp sport 179 drop",
      );
      await configure("tor1", [], [`clear bgp ${worker2}`]);
    },
    mend: () => run("tor1", "nft", "delete table ip6 f"),
    expected: { about: "session", subject: /tor1/, cause: "port 179 filtered", at: "tor1" },
    says: /tor1: tcp dport 179 drop/,
  },
  {
    name: "no route to the peer",
    make: async () => {
      await run("kind-worker2", "ip", "-6", "route", "add", "unreachable", "fd00:10::2/128");
      await configure("tor1", [], [`clear bgp ${worker2}`]);
    },
    mend: () => run("kind-worker2", "ip", "-6", "route", "del", "unreachable", "fd00:10::2/128"),
    expected: {
      about: "session",
      subject: /kind-worker2/,
      cause: "no route to the peer",
      at: "kind-worker2",
    },
    says: /kind-worker2 has no route to its neighbor's address fd00:10::2/,
  },
  {
    name: "shut down, of two sessions the one over IPv6",
    make: () => configure("tor0", ["router bgp 65010", "neighbor fd00:10:0:2::2 shutdown"]),
    mend: () => configure("tor0", ["router bgp 65010", "no neighbor fd00:10:0:2::2 shutdown"]),
    expected: { about: "session", subject: /tor0/, cause: "shut down", at: "tor0" },
    says: /no neighbor fd00:10:0:2::2 shutdown/,
  },
  {
    name: "family not activated",
    make: () => configure("tor1", ipv6("no neighbor net0 activate")),
    mend: () => configure("tor1", ipv6("neighbor net0 activate")),
    expected: {
      about: "route",
      subject: /^fd\S+ at spine0/,
      cause: "family not activated",
      at: "tor1",
    },
    says: /tor1 has not switched ipv6-unicast on/,
  },
  {
    name: "withheld by policy",
    make: () =>
      configure("tor1", [
        "ipv6 prefix-list NONE deny any",
        ...ipv6("neighbor net0 prefix-list NONE out"),
      ]),
    mend: () => configure("tor1", ipv6("no neighbor net0 prefix-list NONE out")),
    expected: {
      about: "route",
      subject: /^fd\S+ at spine0/,
      cause: "withheld by policy",
      at: "tor1",
    },
    says: /tor1 has fd\S+ and does not tell spine0, by NONE/,
  },
  {
    name: "rejected by policy",
    make: () =>
      configure("tor1", [
        "ipv6 prefix-list NONE deny any",
        ...ipv6(`neighbor ${worker2} prefix-list NONE in`),
      ]),
    mend: () => configure("tor1", ipv6(`no neighbor ${worker2} prefix-list NONE in`)),
    expected: {
      about: "route",
      subject: /^fd\S+ at tor1/,
      cause: "rejected by policy",
      at: "tor1",
    },
    says: /tor1 rejects fd\S+ of kind-worker2, by NONE/,
  },
  {
    name: "dropped by a rule",
    make: () =>
      run(
        "spine0",
        "nft",
        "add table ip6 f; add chain ip6 f through { type filter hook forward priority 0; }; add rule ip6 f through icmpv6 type echo-request drop",
      ),
    mend: () => run("spine0", "nft", "delete table ip6 f"),
    expected: {
      about: "traffic",
      subject: /\(IPv6\)$/,
      cause: "dropped by a rule",
      at: "spine0",
    },
    says: /spine0: icmpv6 type echo-request drop/,
  },
];

test.each(faults)("$name", async ({ make, mend, expected, says }) => {
  await make();
  const { subject, ...rest } = expected;
  try {
    const found = await until(
      "the finding",
      async () => {
        const all = await fabric.doctor();
        const one = all.find(
          (each) =>
            subject.test(each.subject) &&
            Object.entries(rest).every(([key, value]) => each[key as keyof Finding] === value),
        );
        if (one === undefined) throw new Error(JSON.stringify(all));
        return one;
      },
      60_000,
      300,
    );
    expect([found.text, ...found.evidence, found.cure].join("\n")).toMatch(says);
  } finally {
    await mend();
  }
  await healthy();
});
