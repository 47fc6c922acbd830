import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../manual-clock.ts";
import type { ApiServer } from "./api-server.ts";
import type { KubeApi } from "./kube-api.ts";
import { eventually, startTestServer } from "./test-server.ts";

let api: KubeApi;
let server: ApiServer;
let url: string;
let errors: unknown[];
beforeEach(async () => {
  ({ api, server, url, errors } = await startTestServer({ token: "secret" }));
});
afterEach(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

const pods = "/api/v1/namespaces/default/pods";
const pod = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  spec: { containers: [{ name: "a", image: "a" }] },
});

describe("watching", () => {
  type Event = { type: string; object: { kind: string; metadata: Record<string, never> } };

  /** Reads `count` events. */
  async function watch(query: string, count: number, act?: () => void): Promise<Event[]> {
    const controller = new AbortController();
    const response = await fetch(`${url}${pods}?watch=true&${query}`, {
      headers: { authorization: "Bearer secret" },
      signal: controller.signal,
    });
    expect(response.status).toBe(200);
    act?.();
    const events: Event[] = [];
    let rest = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      events.push(...lines.map((line) => JSON.parse(line) as Event));
      if (events.length >= count) break;
    }
    controller.abort();
    return events;
  }
  const told = (events: Event[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name}`);
  const create = (name: string, labels = {}) =>
    api.create("pods", { apiVersion: "v1", kind: "Pod", ...pod(name, labels) });
  const at = (name: string) => ({ namespace: "default", name });

  test("begins with the state, or after a version", async () => {
    create("a");
    const { version } = api;
    expect(told(await watch("", 2, () => create("b")))).toEqual(["ADDED a", "ADDED b"]);
    expect(
      told(await watch(`resourceVersion=${version}`, 2, () => api.delete("pods", at("a")))),
    ).toEqual(["ADDED b", "DELETED a"]);
  });

  test("sees objects come into its selector and leave it", async () => {
    create("a", { app: "x" });
    create("c", { app: "y" });
    const relabel = (name: string, app: string) =>
      api.patch("pods", at(name), { metadata: { labels: { app } } }, "merge");
    const events = await watch(`labelSelector=app%3Dx&resourceVersion=${api.version}`, 3, () => {
      relabel("c", "z");
      relabel("a", "y");
      relabel("c", "x");
      api.delete("pods", at("c"));
    });
    expect(told(events)).toEqual(["DELETED a", "ADDED c", "DELETED c"]);
    expect(events[0]!.object.metadata.labels).toEqual({ app: "x" });
  });

  test("ends at its time", async () => {
    const clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
    const timed = await startTestServer({ clock });
    const open = await fetch(`${timed.url}${pods}?watch=true&timeoutSeconds=5`);
    await eventually(
      () => clock.timers,
      (timers) => timers === 1,
    );
    clock.advance(5000);
    expect(await open.text()).toBe("");
    expect(clock.timers).toBe(0);
    await timed.server.close();
  });

  test("ends when the server closes", async () => {
    const open = await fetch(`${url}${pods}?watch=true`, {
      headers: { authorization: "Bearer secret" },
    });
    const text = open.text().catch(() => "cut");
    await server.close();
    expect(["", "cut"]).toContain(await text);
  });

  test("sends the state with a marked end where asked to", async () => {
    create("a");
    const query =
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const events = await watch(query, 2);
    expect(events.map(({ type }) => type)).toEqual(["ADDED", "BOOKMARK"]);
    expect(events[1]!.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  });
});
