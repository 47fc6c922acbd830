import { connect } from "node:net";
import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import type {
  AdvertisedRoute,
  AvailableRoute,
  PeerStatus,
  ReceivedRoute,
} from "../../bgp/speaker/views.ts";
import type { Explanation } from "../../bgp/speaker/explain.ts";
import { formatAsPath, formatCommunity } from "../../observe/speaker.ts";
import { askControl } from "../../lab/control.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import { UsageError } from "../exit.ts";
import { nodeOf, selectLab } from "../running-lab.ts";
import { formatTable, goDuration } from "../table.ts";

type Scope = { lab?: string; node?: string; socket?: string; json?: boolean };
type Row<T> = T & { node: string; instance: string };

export function registerBgp(program: Command): void {
  const bgp = program
    .command("bgp")
    .summary("sessions and routes of the Kubernetes nodes' speakers");

  scoped(bgp.command("peers").summary("sessions, in Cilium's columns")).action(
    async (scope: Scope) => {
      const peers = await ask<PeerStatus>(scope, { get: "peers" });
      if (scope.json) return writeJson(peers);
      const several = new Set(peers.map((peer) => peer.node)).size > 1;
      write(
        [
          ...["Local AS", "Peer AS", "Peer Address", "Session", "Uptime"],
          ...["Family", "Received", "Advertised"],
        ],
        peers.flatMap(peerRows),
        several
          ? peers.flatMap((peer) => peer.families.map((_, n) => (n === 0 ? peer.node : "")))
          : undefined,
      );
    },
  );

  scoped(
    bgp
      .command("routes")
      .summary("routes available (loc-rib), received or advertised")
      .argument("[kind]", "available, received or advertised", "available")
      .argument("[afi]", "ipv4 or ipv6")
      .argument("[safi]", "unicast"),
  ).action(
    async (kind: string, afi: string | undefined, _safi: string | undefined, scope: Scope) => {
      if (!["available", "received", "advertised"].includes(kind)) {
        throw new UsageError(`unknown kind ${kind}\n  hint: available, received or advertised`);
      }
      type Route = AvailableRoute & Partial<Pick<ReceivedRoute & AdvertisedRoute, "peerAddress">>;
      const routes = (await ask<Route>(scope, { get: "routes", kind })).filter(
        (route) => afi === undefined || route.family.afi === afi,
      );
      if (scope.json) return writeJson(routes);
      const several = new Set(routes.map((route) => route.node)).size > 1;
      const withPeer = kind !== "available";
      write(
        ["Instance", ...(withPeer ? ["Peer"] : []), "Prefix", "NextHop", "Best", "Attributes"],
        routes.map((route) => [
          route.instance,
          ...(withPeer ? [route.peerAddress ?? ""] : []),
          route.prefix,
          route.nextHop ?? (route.prefix.includes(":") ? "::" : "0.0.0.0"),
          route.best === undefined ? "" : route.best ? "*" : "",
          attributesText(route),
        ]),
        several ? routes.map((route) => route.node) : undefined,
      );
    },
  );

  scoped(
    bgp
      .command("explain")
      .summary("why the path to a prefix won")
      .argument("<prefix>", "for example 10.1.3.0/24"),
  ).action(async (prefix: string, scope: Scope) => {
    const answers = await ask<Explanation>(scope, { get: "explain", prefix });
    if (scope.json) return writeJson(answers);
    for (const answer of answers) process.stdout.write(explanationText(answer));
  });
}

function explanationText(of: Row<Explanation>): string {
  const lines = [`${of.node} (${of.instance}) ${of.prefix}`];
  const path = (route: AvailableRoute) =>
    `${route.peer === undefined ? "originated here" : `from ${route.peer}`}, ${attributesText(route)}`;
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

function scoped(command: Command): Command {
  return command
    .option("--node <node>", "one node; otherwise all")
    .option("--lab <lab>", "which lab, where several are up")
    .addOption(new Option("--socket <path>", "a speaker's own admin socket, without a lab"))
    .option("--json", "JSON");
}

async function ask<T>(scope: Scope, request: object): Promise<Row<T>[]> {
  if (scope.socket !== undefined) {
    return (await askSocket<T>(scope.socket, request)).map((row) => ({ ...row, node: "" }));
  }
  const state = selectLab(scope.lab);
  const only = scope.node === undefined ? undefined : nodeOf(state, scope.node);
  const nodes = state.fabric.nodes.filter(
    (node) => node.kubernetes && (only === undefined || node.name === only),
  );
  if (nodes.length === 0) throw new UsageError(`${scope.node ?? state.lab}: no Kubernetes node`);
  const answers = await Promise.all(
    nodes.map(async ({ name }) => {
      const question = { do: "ask", node: name, request };
      const rows = (await askControl(controlSocket(state.lab), question)) as Row<T>[];
      return rows.map((row) => ({ ...row, node: name }));
    }),
  );
  return answers.flat();
}

/** A speaker of its own, on this machine. */
function askSocket<T>(path: string, request: object): Promise<(T & { instance: string })[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("error", reject);
    createInterface({ input: socket }).once("line", (line) => {
      socket.destroy();
      const answer = JSON.parse(line) as { ok?: (T & { instance: string })[]; error?: string };
      if (answer.ok) resolve(answer.ok);
      else reject(new Error(answer.error));
    });
  });
}

/** Cilium shows a session once and its families below one another. */
function peerRows(peer: Row<PeerStatus>): string[][] {
  return peer.families.map(({ family, received, advertised }, n) => [
    ...(n === 0
      ? [
          String(peer.localAsn),
          String(peer.asn),
          peer.address,
          peer.state.toLowerCase(),
          goDuration(peer.uptimeMs ?? 0),
        ]
      : ["", "", "", "", ""]),
    `${family.afi}/${family.safi}`,
    String(received),
    String(advertised),
  ]);
}

function attributesText(route: AvailableRoute): string {
  const { origin, asPath, med, localPref, communities, largeCommunities } = route.attributes;
  return [
    `Origin: ${origin}`,
    ...(asPath.length > 0 ? [`AsPath: ${formatAsPath(asPath)}`] : []),
    ...(med === undefined ? [] : [`Med: ${med}`]),
    ...(localPref === undefined ? [] : [`LocalPref: ${localPref}`]),
    ...(communities ? [`Communities: ${communities.map(formatCommunity).join(", ")}`] : []),
    ...(largeCommunities
      ? [`LargeCommunities: ${largeCommunities.map((each) => each.join(":")).join(", ")}`]
      : []),
  ].join(" ");
}

function write(header: string[], rows: string[][], nodes: string[] | undefined): void {
  process.stdout.write(
    nodes === undefined
      ? formatTable(header, rows)
      : formatTable(
          ["Node", ...header],
          rows.map((row, n) => [nodes[n]!, ...row]),
        ),
  );
}

function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
