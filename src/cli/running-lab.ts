import { nearest } from "../input/nearest.ts";
import type { Entry } from "../lab/backend.ts";
import { isAlive, labNames, type LabState, readState } from "../lab/state-folder.ts";
import { NodeDownError } from "../runtime/node-down.ts";
import { findNode } from "../topology/fabric.ts";
import { UsageError } from "./exit.ts";

/** The labs that are up on this machine. */
export function runningLabs(): LabState[] {
  return labNames()
    .map(readState)
    .filter((state) => typeof state === "object" && isAlive(state)) as LabState[];
}

/** Whether something of a lab is there whose process is gone. */
export function isStale(lab: string): boolean {
  const state = readState(lab);
  return typeof state === "object" && !isAlive(state);
}

/** The lab named, or the only one that is up. */
export function selectLab(given: string | undefined): LabState {
  const labs = runningLabs();
  // Set in the shell of `run --break-on-failure`.
  const name = given ?? process.env["SPINELAB_LAB"];
  if (name === undefined) {
    if (labs.length === 1) return labs[0]!;
    const names = labs.map((each) => each.lab).join(", ");
    throw new UsageError(
      labs.length === 0
        ? "no lab is up\n  hint: spinelab up rack-spine"
        : `several labs are up: ${names}\n  hint: say which with --lab`,
    );
  }
  const found = labs.find((each) => each.lab === name);
  if (found) return found;
  const guess = nearest(
    name,
    labs.map((each) => each.lab),
  );
  throw new UsageError(
    `no lab ${name} is up${guess === undefined ? "" : `\n  hint: did you mean ${guess}?`}`,
  );
}

/** The way into a node, or into a pod written `POD@NODE` or `NAMESPACE/POD`. Throws where it has no power. */
export function entryOf(state: LabState, place: string): Entry {
  const node = findNode(state.fabric, place);
  if (node) {
    const entry = state.nodes[node.name];
    if (entry === undefined) throw new NodeDownError(node.name);
    return entry;
  }
  const pods = podsMatching(state, place);
  if (pods.length === 1) return state.pods[pods[0]!]!;
  if (pods.length > 1) {
    throw new UsageError(`${place}: several pods: ${pods.join(", ")}`);
  }
  const names = [...state.fabric.nodes.map((each) => each.name), ...Object.keys(state.pods)];
  const guess = nearest(place, names);
  throw new UsageError(
    `lab ${state.lab} has no node or pod ${place}\n  hint: ${guess === undefined ? `there are ${names.join(", ")}` : `did you mean ${guess}?`}`,
  );
}

/** The node that a place is, or lies on. */
export function nodeOf(state: LabState, place: string): string {
  const node = findNode(state.fabric, place.slice(place.indexOf("@") + 1));
  if (!node) entryOf(state, place); // throws with a hint where it is no pod either
  return node?.name ?? place;
}

/** Names of the running pods that a place can mean. */
export function podsMatching(state: LabState, place: string): string[] {
  const [app, on] = place.split("@") as [string, string | undefined];
  const node = on === undefined ? undefined : findNode(state.fabric, on)?.name;
  return Object.keys(state.pods).filter((key) => {
    const name = key.slice(key.indexOf("/") + 1);
    if (node === undefined) return key === place || name === place;
    return (name === app || name.startsWith(`${app}-`)) && state.pods[key]!.node === node;
  });
}
