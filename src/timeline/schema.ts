import { z } from "zod";
import type { FabricChange, TimelineRecord } from "./record.ts";

/**
 * The records as a schema, for readers in other languages: docs/timeline.schema.json is made of it.
 * A reader leaves aside types and fields it does not know; both may be added.
 */
const text = z.string();
const count = z.int().nonnegative();
const ms = z.number().nonnegative();
const verdict = z.enum(["pass", "fail", "warn", "inconclusive"]);
const end = z.object({ node: text, interface: text });
const link = z.object({ a: end, b: end });

const picture = z.object({
  nodes: z.array(
    z.object({
      name: text,
      role: z.enum(["spine", "leaf", "kubernetes", "host"]),
      notes: z.array(text),
      aliases: z.array(text),
    }),
  ),
  links: z.array(link),
});

const change: z.ZodType<FabricChange> = z.union([
  z.object({ link, state: z.enum(["up", "down", "impaired"]) }),
  z.object({ node: text, state: z.enum(["up", "down", "paused", "degraded"]) }),
]);

function record<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({ atMs: ms, type: z.literal(type), ...shape });
}

export const timelineRecord = z.union([
  record("started", {
    lab: text,
    wallClock: text,
    runtime: z.enum(["netns", "docker", "sim"]),
    spinelab: text,
    replay: text,
    topology: picture,
    scenario: z.exactOptional(
      z.object({ name: text, summary: z.exactOptional(text), file: text, steps: z.array(text) }),
    ),
  }),
  record("stage", {
    stage: text,
    state: z.enum(["begin", "end"]),
    detail: z.exactOptional(text),
    tookMs: z.exactOptional(ms),
  }),
  record("exec", {
    node: text,
    command: text,
    exitCode: z.int(),
    stdout: text,
    stderr: text,
    tookMs: ms,
    allowedToFail: z.exactOptional(z.boolean()),
  }),
  record("step", {
    index: count,
    name: text,
    state: z.literal("begin"),
    withinMs: z.exactOptional(ms),
  }),
  record("step", {
    index: count,
    name: text,
    state: z.literal("end"),
    verdict,
    tookMs: ms,
    convergeMs: z.exactOptional(ms),
  }),
  record("event", {
    step: count,
    kind: text,
    text,
    tookMs: ms,
    error: z.exactOptional(text),
    changes: z.exactOptional(z.array(change)),
  }),
  record("waiting", {
    step: count,
    index: count,
    kind: text,
    text,
    expected: text,
    seen: text,
    looks: count,
  }),
  record("check", {
    step: count,
    index: count,
    kind: text,
    text,
    verdict,
    expected: text,
    seen: text,
    source: z.exactOptional(text),
    tookMs: ms,
    looks: count,
    sinceMs: z.exactOptional(ms),
    differs: z.exactOptional(text),
  }),
  record("probe", { probe: text, state: z.literal("begin"), from: text, to: text, everyMs: ms }),
  record("probe", { probe: text, state: z.literal("silent"), sinceMs: ms }),
  record("outage", {
    probe: text,
    fromMs: ms,
    toMs: ms,
    lost: count,
    step: z.exactOptional(count),
    errorMs: z.exactOptional(ms),
  }),
  record("probe", {
    probe: text,
    state: z.literal("end"),
    sent: count,
    received: count,
    lost: count,
    outageMs: ms,
    intervalMs: z.exactOptional(ms),
    lateMs: z.exactOptional(ms),
    duplicates: z.exactOptional(count),
    reordered: z.exactOptional(count),
    rttMs: z.exactOptional(z.object({ min: ms, median: ms, max: ms })),
  }),
  record("measures", {
    step: count,
    events: z.array(
      z.object({
        text,
        atMs: ms,
        controlPlaneMs: z.exactOptional(ms),
        nodesMs: z.record(text, ms),
        probes: z.exactOptional(
          z.record(text, z.object({ lost: count, dataPlaneMs: ms, errorMs: ms })),
        ),
      }),
    ),
    updates: z.record(text, z.object({ received: count, sent: count })),
    bmp: z.exactOptional(
      z.record(text, z.object({ routeMonitoring: count, peerUp: count, peerDown: count })),
    ),
    links: z.exactOptional(
      z.array(z.object({ link, packets: z.object({ toA: count, toB: count }) })),
    ),
  }),
  record("routeChange", {
    node: text,
    table: z.enum(["fib", "rib"]),
    change: z.enum(["add", "delete", "version"]),
    prefix: z.exactOptional(text),
    via: z.exactOptional(text),
    rib: z.exactOptional(z.enum(["pre-policy", "post-policy", "loc-rib", "adj-rib-out"])),
    peer: z.exactOptional(text),
    routerAtMs: z.exactOptional(ms),
  }),
  record("sessionChange", {
    node: text,
    peer: text,
    state: z.enum(["up", "down"]),
    reason: z.exactOptional(text),
    routerAtMs: z.exactOptional(ms),
  }),
  record("state", {
    step: z.exactOptional(count),
    changes: z.array(
      z.object({
        node: text,
        table: z.enum(["session", "rib", "fib"]),
        key: text,
        before: z.exactOptional(text),
        after: z.exactOptional(text),
      }),
    ),
  }),
  record("log", {
    node: z.exactOptional(text),
    level: z.enum(["debug", "info", "warn", "error"]),
    message: text,
  }),
  record("failure", {
    node: z.exactOptional(text),
    message: text,
    command: z.exactOptional(text),
    output: z.exactOptional(text),
    remedy: z.exactOptional(text),
  }),
  record("verdict", {
    verdict,
    tookMs: ms,
    checks: z.object({ pass: count, fail: count, warn: count, inconclusive: count }),
    reason: z.exactOptional(text),
  }),
  record("down", { tookMs: ms }),
]) satisfies z.ZodType<TimelineRecord>;

/** Compiles only while the schema and the type allow the same. */
type Same = TimelineRecord extends z.infer<typeof timelineRecord> ? true : never;
true satisfies Same;

/** JSON Schema (draft 2020-12) of one line of timeline.jsonl. */
export function timelineJsonSchema(): object {
  const schema = z.toJSONSchema(timelineRecord, { io: "input" });
  return { title: "A record of a Spinelab timeline: one line of timeline.jsonl", ...schema };
}
