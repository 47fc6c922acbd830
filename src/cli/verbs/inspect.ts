import type { Command } from "commander";
import { drawTopology } from "../../report/terminal/topology.ts";
import { terminalOutput } from "../../report/terminal/output.ts";
import { NodeDownError } from "../../runtime/node-down.ts";
import type { ExecResult } from "../../runtime/port.ts";
import { namespaceNames } from "../../runtime/netns/names.ts";
import { askControl } from "../../lab/control.ts";
import type { LabSessions } from "../../lab/sessions.ts";
import { controlSocket, kubeconfigFile, type LabState } from "../../lab/state-folder.ts";
import { parseJson } from "../../observe/frr.ts";
import { UnreadableError } from "../../observe/unreadable.ts";
import { pictureOf } from "../../topology/picture.ts";
import { selectLab } from "../running-lab.ts";
import { formatTable, goDuration } from "../table.ts";

type LinkState = "up" | "down";

export function registerInspect(program: Command): void {
  program
    .command("inspect")
    .summary("nodes, links, sessions and pods of a lab that is up")
    .argument("[lab]", "which lab, where several are up")
    .option("--json", "JSON")
    .addHelpText(
      "after",
      `
Draws the fabric with the state of each link, then tables: nodes with their addresses and the names of
their namespaces, links, BGP sessions with the prefixes received and sent, pods.

Examples:
  spinelab inspect
  spinelab inspect --json | jq -r '.sessions[] | select(.state != "Established")'
\`spinelab doctor\` tells why a session is not up.`,
    )
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const state = selectLab(name);
      const [links, sessions] = await Promise.all([linkStates(state), sessionsOf(state)]);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(asJson(state, links, sessions), undefined, 2)}\n`);
        return;
      }
      const look = terminalOutput(process.stdout, process.env);
      const picture = pictureOf(state.fabric);
      const age = goDuration(Date.now() - Date.parse(state.startedAt));
      const lines = [
        `lab ${state.lab}: ${state.phase}, for ${age}; ${state.runtime.kind === "sim" ? "simulated" : `kubeconfig ${kubeconfigFile(state.lab)}`}`,
        "",
        ...drawTopology(picture, look.columns(), {
          look,
          state: {
            links: new Map(links.map(({ a, b, state: is }) => [[a, b].sort().join(" "), is])),
            nodes: new Map(),
          },
        }),
        "",
      ];
      process.stdout.write(`${lines.join("\n")}\n${tables(state, links, sessions)}`);
    });
}

async function sessionsOf(state: LabState): Promise<LabSessions> {
  return (await askControl(controlSocket(state.lab), { do: "sessions" })) as LabSessions;
}

function tables(
  state: LabState,
  links: { a: string; b: string; state: LinkState }[],
  { sessions, unread }: LabSessions,
): string {
  const nodes = state.fabric.nodes.map((node) => [
    node.name,
    node.kubernetes?.role ?? node.kind,
    node.managementAddress ?? "",
    node.kubernetes?.podCidrs.join(",") ?? "",
    namespaceNames(state.fabric, node)[0]!,
  ]);
  const pods = Object.entries(state.pods).map(([pod, { node }]) => [pod, node]);
  return [
    formatTable(["NODE", "ROLE", "MANAGEMENT", "PODCIDR", "NAMESPACE"], nodes),
    formatTable(
      ["LINK", "", "STATE"],
      links.map((link) => [link.a, link.b, link.state]),
    ),
    formatTable(
      ["SESSION", "PEER", "STATE", "RECEIVED", "SENT", "UP"],
      sessions.map((session) => [
        session.node,
        session.hostname === undefined ? session.peer : `${session.hostname} (${session.peer})`,
        session.heldBy === undefined ? session.state : `${session.state} (${session.heldBy})`,
        String(session.received),
        String(session.sent),
        goDuration(session.uptimeMs),
      ]),
    ),
    ...(unread.length > 0
      ? [
          formatTable(
            ["NO ANSWER", ""],
            unread.map(({ node, reason }) => [node, withoutName(node, reason)]),
          ),
        ]
      : []),
    ...(pods.length > 0 ? [formatTable(["POD", "NODE"], pods)] : []),
  ].join("\n");
}

const withoutName = (node: string, reason: string) =>
  reason.startsWith(`${node}: `) ? reason.slice(node.length + 2) : reason;

function asJson(
  state: LabState,
  links: { a: string; b: string; state: LinkState }[],
  { sessions, unread }: LabSessions,
) {
  const { lab, phase, startedAt, runtime, supervisor, pods, fabric } = state;
  return {
    lab,
    phase,
    startedAt,
    runtime: runtime.kind,
    supervisor: supervisor.pid,
    ...(runtime.kind !== "sim" && { kubeconfig: kubeconfigFile(lab) }),
    nodes: fabric.nodes.map((node) => ({
      name: node.name,
      aliases: node.aliases,
      role: node.kubernetes?.role ?? node.kind,
      ...state.nodes[node.name],
      management: node.managementAddress,
      podCidrs: node.kubernetes?.podCidrs,
      namespaces: namespaceNames(fabric, node),
    })),
    links,
    sessions,
    ...(unread.length > 0 && { unread }),
    pods: Object.entries(pods).map(([pod, entry]) => ({ pod, ...entry })),
  };
}

/** Undefined of a node that has no power. */
async function answerOf(
  state: LabState,
  request: Record<string, unknown>,
): Promise<ExecResult | undefined> {
  try {
    return (await askControl(controlSocket(state.lab), request)) as ExecResult;
  } catch (error) {
    if (error instanceof NodeDownError) return undefined;
    throw error;
  }
}

/** A link is up where both of its ends are. */
async function linkStates(state: LabState): Promise<{ a: string; b: string; state: LinkState }[]> {
  const up = new Set<string>();
  await Promise.all(
    state.fabric.nodes.map(async ({ name }) => {
      const request = { do: "exec", node: name, argv: ["ip", "-j", "link"] };
      const result = await answerOf(state, request);
      if (result === undefined) return;
      if (result.exitCode !== 0) {
        throw new UnreadableError(name, "ip -j link", result.stderr + result.stdout);
      }
      const links = parseJson(name, "ip -j link", result.stdout);
      for (const link of links as { ifname: string; operstate: string }[]) {
        if (link.operstate === "UP") up.add(`${name}:${link.ifname}`);
      }
    }),
  );
  return state.fabric.links.map(({ endpoints: [a, b] }) => {
    const [one, other] = [`${a.node}:${a.interface}`, `${b.node}:${b.interface}`];
    return { a: one, b: other, state: up.has(one) && up.has(other) ? "up" : "down" };
  });
}
