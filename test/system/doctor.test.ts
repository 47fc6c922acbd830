import { afterAll, beforeAll, expect, test } from "vitest";
import { type Finding, lab, type RunningLab } from "spinelab";
import { spinelab, succeed, until } from "./spinelab.ts";

/** Each fault is made in a lab that runs, named by doctor, and mended. */
let fabric: RunningLab;

async function exec(node: string, ...argv: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await fabric.exec(node, argv);
  if (exitCode !== 0) throw new Error(`${node}: ${argv.join(" ")}: ${stdout}${stderr}`);
}

/** Lines for the configuration mode of a router, then commands of the enable mode. */
async function configure(node: string, lines: string[], after: string[] = []): Promise<void> {
  const words = ["configure terminal", ...lines, "end", ...after];
  await exec(node, "vtysh", ...words.flatMap((line) => ["-c", line]));
}

const healthy = () =>
  until(
    "a lab without findings",
    async () => {
      const found = await fabric.doctor();
      if (found.length === 0) return true;
      throw new Error(JSON.stringify(found));
    },
    60_000,
    300,
  );

beforeAll(async () => {
  fabric = await lab("rack-spine", { name: `doctor-${process.pid}` });
  await healthy();
});

afterAll(() => fabric?.[Symbol.asyncDispose]());

type Fault = {
  name: string;
  make: () => Promise<unknown>;
  mend: () => Promise<unknown>;
  expected: Partial<Finding>;
  /** In the text or the evidence. */
  says: RegExp;
};

const bgp = (...lines: string[]) => ["router bgp 65011", ...lines];
const ipv4 = (...lines: string[]) => bgp("address-family ipv4 unicast", ...lines);
const dropBgp = ["add table inet f", "add chain inet f in { type filter hook input priority 0; }"];

const faults: Fault[] = [
  {
    name: "wrong AS number",
    make: () => configure("tor1", bgp("no neighbor 10.0.4.2", "neighbor 10.0.4.2 remote-as 65099")),
    mend: () =>
      configure("tor1", bgp("no neighbor 10.0.4.2", "neighbor 10.0.4.2 peer-group SERVERS")),
    expected: {
      about: "session",
      subject: "tor1 – kind-worker3",
      cause: "wrong AS number",
      at: "tor1",
    },
    says: /expects AS 65099 of kind-worker3, which is AS 65011/,
  },
  {
    name: "wrong password",
    make: () => configure("tor1", bgp("neighbor 10.0.4.2 password wrong"), ["clear bgp 10.0.4.2"]),
    mend: () => configure("tor1", bgp("no neighbor 10.0.4.2 password")),
    expected: {
      about: "session",
      subject: "tor1 – kind-worker3",
      cause: "wrong password",
      at: "tor1",
    },
    says: /tor1 wants a TCP MD5 password that kind-worker3 does not give/,
  },
  {
    name: "filtered port 179",
    make: async () => {
      const rules = ["dport", "sport"].map((end) => `add rule inet f in tcp ${end} 179 drop`);
      await exec("tor1", "nft", [...dropBgp, ...rules].join("; "));
      await configure("tor1", [], ["clear bgp 10.0.4.2"]);
    },
    mend: () => exec("tor1", "nft", "delete table inet f"),
    expected: {
      about: "session",
      subject: "tor1 – kind-worker3",
      cause: "port 179 filtered",
      at: "tor1",
    },
    says: /tor1: tcp dport 179 drop/,
  },
  {
    name: "link down",
    make: () => succeed("link", "tor1:net2", "down", "--lab", fabric.name),
    mend: () => succeed("link", "tor1:net2", "up", "--lab", fabric.name),
    expected: { about: "session", subject: "tor1 – kind-worker3", cause: "link down" },
    says: /tor1:net2 – kind-worker3:net0 is down|kind-worker3:net0 – tor1:net2 is down/,
  },
  {
    name: "too many prefixes",
    make: () => configure("tor1", ipv4("neighbor net0 maximum-prefix 2")),
    mend: () => configure("tor1", ipv4("no neighbor net0 maximum-prefix 2"), ["clear bgp net0"]),
    expected: {
      about: "session",
      subject: "router0 – tor1",
      cause: "too many prefixes",
      at: "tor1",
    },
    says: /tor1 was sent more prefixes than its limit/,
  },
  {
    name: "shut down",
    make: () => configure("tor1", bgp("neighbor net0 shutdown")),
    mend: () => configure("tor1", bgp("no neighbor net0 shutdown")),
    expected: { about: "session", subject: "router0 – tor1", cause: "shut down", at: "tor1" },
    says: /shut down at tor1/,
  },
  {
    name: "not configured",
    make: () => configure("tor1", bgp("no neighbor 10.0.4.2")),
    mend: () => configure("tor1", bgp("neighbor 10.0.4.2 peer-group SERVERS")),
    expected: {
      about: "session",
      subject: "kind-worker3 – tor1",
      cause: "not configured",
      at: "tor1",
    },
    says: /tor1 has no session with kind-worker3 configured/,
  },
  {
    name: "missing advertisement",
    make: () =>
      succeed(
        "kubectl",
        "--lab",
        fabric.name,
        "label",
        "ciliumbgpadvertisement",
        "pod-cidr",
        "advertise-",
      ),
    mend: () =>
      succeed(
        ...["kubectl", "--lab", fabric.name, "label", "ciliumbgpadvertisement", "pod-cidr"],
        "advertise=pod-cidr",
      ),
    expected: { about: "route", subject: "10.1.3.0/24 at kind-worker3", cause: "not announced" },
    says: /no CiliumBGPAdvertisement matches/,
  },
  {
    name: "next hop unresolved",
    make: () =>
      configure("tor1", [
        "no ip nht resolve-via-default",
        "route-map NH permit 10",
        "set ip next-hop 10.99.99.99",
        "exit",
        ...ipv4("neighbor 10.0.4.2 route-map NH in"),
      ]),
    mend: () =>
      configure("tor1", [
        ...ipv4("no neighbor 10.0.4.2 route-map NH in"),
        "exit",
        "exit",
        "ip nht resolve-via-default",
      ]),
    expected: {
      about: "route",
      subject: "10.1.3.0/24 at tor1",
      cause: "next hop unresolved",
      at: "tor1",
    },
    says: /the next hop 10\.99\.99\.99 is not reachable/,
  },
  {
    name: "withheld by policy",
    make: () =>
      configure("tor1", [
        "ip prefix-list NONE deny any",
        ...ipv4("neighbor net0 prefix-list NONE out"),
      ]),
    mend: () => configure("tor1", ipv4("no neighbor net0 prefix-list NONE out")),
    expected: {
      about: "route",
      subject: "10.1.3.0/24 at router0",
      cause: "withheld by policy",
      at: "tor1",
    },
    says: /tor1 has 10\.1\.3\.0\/24 and does not tell router0/,
  },
  {
    name: "dropped by a rule",
    make: () =>
      exec(
        "router0",
        "nft",
        "add table inet f; add chain inet f through { type filter hook forward priority 0; }; add rule inet f through meta l4proto icmp drop",
      ),
    mend: () => exec("router0", "nft", "delete table inet f"),
    expected: { about: "traffic", cause: "dropped by a rule", at: "router0" },
    says: /router0: meta l4proto icmp drop/,
  },
  {
    name: "no route on the way",
    make: () => exec("router0", "ip", "route", "add", "unreachable", "10.1.3.0/24"),
    mend: () => exec("router0", "ip", "route", "del", "unreachable", "10.1.3.0/24"),
    expected: { about: "traffic", cause: "no route", at: "router0" },
    says: /router0 has no route to 10\.1\.3\./,
  },
];

test.each(faults)("$name", async ({ make, mend, expected, says }) => {
  await make();
  try {
    const found = await until(
      "the finding",
      async () => {
        const all = await fabric.doctor();
        const one = all.find((each) => isLike(each, expected));
        if (one === undefined) throw new Error(JSON.stringify(all));
        return one;
      },
      60_000,
      300,
    );
    expect([found.text, ...found.evidence].join("\n")).toMatch(says);
    expect(found.cure).not.toBe("");
  } finally {
    await mend();
  }
  await healthy();
});

function isLike(finding: Finding, expected: Partial<Finding>): boolean {
  return Object.entries(expected).every(([key, value]) => finding[key as keyof Finding] === value);
}

test("for people: what is wrong, what was seen, what cures it; exit status 1", async () => {
  await configure("tor1", bgp("neighbor net0 shutdown"));
  const { status, stdout } = await spinelab("doctor", fabric.name, "--no-traffic");
  await configure("tor1", bgp("no neighbor net0 shutdown"));
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^session router0 – tor1: shut down\n {2}the session is shut down at tor1\n/,
  );
  expect(stdout).toMatch(/\n {2}cure {2}at tor1: no neighbor net0 shutdown\n/);
  expect(await spinelab("doctor", fabric.name, "--prefix", "nonsense")).toMatchObject({
    status: 2,
  });
  const asked = ["--no-traffic", "--prefix", "203.0.113.0/24", "--json"];
  const [nobody] = JSON.parse(
    (await spinelab("doctor", fabric.name, ...asked)).stdout,
  ) as Finding[];
  expect(nobody).toMatchObject({ cause: expect.stringMatching(/not announced|shut down/) });
});
