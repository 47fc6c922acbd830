import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { BgpPeer, BgpRoute, BgpRoutePolicy } from "../../agent/cilium-models.ts";
import type { AvailableRoute, PeerPolicies, PeerStatus } from "../../bgp/speaker/views.ts";
import type { PeerReset, ResetKind } from "../../bgp/speaker/reset.ts";
import type { Explanation } from "../../bgp/speaker/explain.ts";
import { compareText } from "../../cilium/compare-text.ts";
import { type Answer, askAgents, type Asked } from "../agent-answers.ts";
import { mrtFiles } from "../mrt-files.ts";
import { UsageError } from "../exit.ts";
import {
  attributesText,
  peersTable,
  policiesTable,
  type Route,
  routesTable,
  type Row,
} from "../bgp-tables.ts";
import { isSelected, type RouteFilter, routeFilter } from "../bgp-route-filter.ts";

/** Answers as the models of Cilium's API. */
const as = "cilium";

type Scope = Asked & { json?: boolean; output?: string };

export function registerBgp(program: Command): void {
  const bgp = program
    .command("bgp")
    .summary("sessions and routes of the Kubernetes nodes' speakers");

  scoped(bgp.command("peers").alias("neighbors").summary("sessions, in Cilium's columns")).action(
    async (scope: Scope) => {
      const get = "peers";
      if (isCiliumJson(scope)) {
        return askAgents<BgpPeer>(scope, { get, as }, (answers) => writeModels(answers, scope));
      }
      await askRows<PeerStatus>(scope, { get }, (peers) =>
        isJson(scope) ? writeJson(peers) : write(peersTable(peers, isOfLab(scope))),
      );
    },
  );

  scoped(
    bgp
      .command("routes")
      .summary("routes available (loc-rib), received or advertised")
      .argument("[kind]", "available (which it is without a word), received or advertised")
      .argument("[filter...]", "ipv4 or ipv6, unicast; vrouter ASN, peer ADDRESS"),
  ).action(async (given: string | undefined, words: string[], scope: Scope) => {
    const kind = given ?? "available";
    if (!["available", "received", "advertised"].includes(kind)) {
      throw new UsageError(`unknown kind ${kind}\n  hint: available, received or advertised`);
    }
    const filter = routeFilter(words);
    if (typeof filter === "string") {
      throw new UsageError(`${filter}\n  hint: ipv4 unicast peer 10.0.0.1`);
    }
    const get = "routes";
    const inCiliumsFamily: RouteFilter = { afi: "ipv4", ...filter };
    if (isCiliumJson(scope)) {
      return askAgents<BgpRoute>(scope, { get, kind, as }, (answers) => {
        const selected = answers.map(({ node, rows }) => ({
          node,
          rows: rows.filter((route) => isSelected(modelKey(route), inCiliumsFamily)),
        }));
        writeModels(selected, scope);
      });
    }
    await askRows<Route>(scope, { get, kind }, (routes) => {
      if (isJson(scope)) return writeJson(routes.filter((of) => isSelected(of, filter)));
      if (filter.afi === undefined) {
        const what =
          given === undefined ? "available ipv4 unicast` routes" : "ipv4 unicast` AFI & SAFI";
        write(`(Defaulting to \`${what}, please see help for more options)\n\n`);
      }
      const selected = routes.filter((of) => isSelected(of, inCiliumsFamily));
      const columns = { withPeer: kind !== "available", withNode: isOfLab(scope) };
      return write(routesTable(selected, columns));
    });
  });

  scoped(
    bgp.command("route-policies").summary("what each peer may get, and with which attributes"),
  ).action(async (scope: Scope) => {
    const get = "policies";
    if (isJson(scope) && !isCiliumJson(scope)) {
      return askRows<PeerPolicies>(scope, { get }, writeJson);
    }
    await askAgents<BgpRoutePolicy>(scope, { get, as }, (answers) => {
      if (isCiliumJson(scope)) return writeModels(answers, scope);
      write(policiesTable(withNodes(answers), isOfLab(scope)));
    });
  });

  scoped(
    bgp
      .command("explain")
      .summary("why the path to a prefix won")
      .argument("<prefix>", "for example 10.1.3.0/24"),
  ).action(async (prefix: string, scope: Scope) => {
    await askRows<Explanation>(scope, { get: "explain", prefix }, (answers) => {
      if (isJson(scope)) return writeJson(answers);
      for (const answer of answers) write(explanationText(answer));
    });
  });

  scoped(
    bgp
      .command("reset")
      .summary("reset one session of a speaker, or all of them")
      .argument("[peer]", "its name or address")
      .option("--soft-in", "only apply the import policy anew to what was received")
      .option("--soft-out", "only send all routes anew"),
  ).action(reset);

  scoped(
    bgp
      .command("dump")
      .summary("the routes received and the own ones as an MRT file (RFC 6396)")
      .argument("<file>", "what to write; of several speakers one each, FILE.NODE, or in a folder"),
  ).action(async (file: string, scope: Scope) => {
    await askRows<{ mrt: string }>(scope, { get: "mrt" }, (dumps) => {
      if (dumps.length === 0) throw new UsageError("no BGP instance runs there");
      const files = mrtFiles(file, dumps);
      for (const [n, { mrt }] of dumps.entries()) {
        writeFileSync(files[n]!, Buffer.from(mrt, "base64"));
      }
      // Of one it may be what goes to the terminal.
      if (files.some((each) => each !== file)) write(`${files.join("\n")}\n`);
    });
  });
}

type ResetOptions = Scope & { softIn?: true; softOut?: true };

async function reset(peer: string | undefined, options: ResetOptions): Promise<void> {
  if (options.softIn && options.softOut) {
    throw new UsageError("--soft-in and --soft-out are two resets: one at a time");
  }
  if (options.socket === undefined && options.node === undefined) {
    throw new UsageError("which speaker is to be reset?\n  hint: --node NODE or --socket PATH");
  }
  const kind: ResetKind = options.softIn ? "soft-in" : options.softOut ? "soft-out" : "hard";
  const request = { reset: kind, ...(peer !== undefined && { peer }) };
  await askRows<PeerReset>(options, request, (done) => {
    if (done.length === 0) {
      throw new UsageError(
        `${peer === undefined ? "it has no peers" : `${peer}: no such peer`}\n  hint: spinelab bgp peers; by name or address`,
      );
    }
    if (isJson(options)) return writeJson(done);
    for (const row of done) write(resetLine(row));
  });
}

function resetLine({ peer, address, outcome }: PeerReset): string {
  return `${peer === address ? peer : `${peer} (${address})`}: ${outcome}\n`;
}

function explanationText(of: Row<Explanation>): string {
  const lines = [`${of.node} (${of.instance}) ${of.prefix}`];
  const path = (route: AvailableRoute) =>
    `${route.peer === undefined ? "originated here" : `from ${route.peer}`}, ${attributesText(route, route.nextHop ?? "own")}`;
  if (of.candidates.length === 0) lines.push("  no path to choose from");
  for (const route of of.candidates) {
    const fate = route.best ? "best" : `dropped by: ${route.droppedBy?.name ?? "nothing"}`;
    lines.push(`  path ${path(route)}: ${fate}`);
  }
  for (const step of of.steps) {
    const dropped = step.dropped.length > 0 ? `, drops ${step.dropped.join(", ")}` : "";
    lines.push(`  step ${step.name} (${step.rfc}): keeps ${step.kept.join(", ")}${dropped}`);
  }
  for (const route of of.notUsed) lines.push(`  not used, from ${route.peer}: ${route.reason}`);
  for (const { peer, statement, sent, withheld } of of.exports) {
    const by = statement === undefined ? "" : ` by ${statement}`;
    lines.push(
      `  to ${peer}${by}: ${sent ? "advertised" : `withheld: ${withheld ?? "no reason"}`}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** As `cilium` prints nodes of a cluster, also one alone; without a lab it is as `cilium-dbg` does on the node. */
function isOfLab({ socket }: Scope): boolean {
  return socket === undefined;
}

function scoped(command: Command): Command {
  return command
    .option("--node <node>", "one node; otherwise all")
    .option("--lab <lab>", "which lab, where several are up")
    .addOption(new Option("--socket <path>", "a speaker's own admin socket, without a lab"))
    .addOption(new Option("-o, --output <format>", "JSON, as Cilium prints it").choices(["json"]))
    .option("--json", "JSON, with all that Spinelab knows");
}

/** As `askAgents`, the rows of all nodes in one list. */
function askRows<T>(asked: Asked, request: object, show: (rows: Row<T>[]) => void): Promise<void> {
  return askAgents<Omit<Row<T>, "node">>(asked, request, (answers) =>
    show(withNodes(answers) as Row<T>[]),
  );
}

function withNodes<T extends object>(answers: readonly Answer<T>[]): (T & { node: string })[] {
  return answers.flatMap(({ node, rows }) => rows.map((row) => ({ ...row, node })));
}

function isCiliumJson({ output }: Scope): boolean {
  return output === "json";
}

function modelKey(route: BgpRoute) {
  const { prefix, neighbor, "router-asn": localAsn } = route;
  return { prefix, localAsn, ...(neighbor !== undefined && { peerAddress: neighbor }) };
}

/** By node, as `cilium` prints them, or the list of one speaker, as `cilium-dbg` on its node does; Go's layout. */
function writeModels(answers: Answer<object>[], scope: Scope): void {
  const sorted = answers.toSorted((a, b) => compareText(a.node, b.node));
  const value = isOfLab(scope)
    ? Object.fromEntries(sorted.map(({ node, rows }) => [node, rows]))
    : answers.flatMap(({ rows }) => rows);
  write(`${JSON.stringify(value, undefined, isOfLab(scope) ? 1 : 2)}\n`);
}

function isJson({ json, output }: Scope): boolean {
  return json === true || output === "json";
}

function write(text: string): void {
  process.stdout.write(text);
}

function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
