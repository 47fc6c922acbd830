import * as z from "zod";
import { nearest } from "../../input/nearest.ts";
import { families } from "../rib/family.ts";
import type { PeerConfig, PolicyStatement, SpeakerConfig } from "./config.ts";
import { type ConfigProblem, configProblems, unspecified } from "./config-checks.ts";
import {
  bmpSchema,
  bmpStationSchema,
  installRoutesFields,
  installRoutesSchema,
} from "./config-edge.ts";
import {
  asPathMatchSchema,
  communityListsSchema,
  importPolicySchema,
  matchSchema,
  policySchema,
  setSchema,
  statementSchema,
} from "./config-policy.ts";
import {
  address,
  asn,
  familyName,
  interfaceName,
  familySchema,
  ipv4Address,
  port,
  prefix,
  seconds,
  uint32,
} from "./config-values.ts";

/** Values shared by all who write a speaker configuration by hand. RFC 4271 §10 proposes the times. */
const defaults = {
  port: 179,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: 30,
  connectRetryTimeSeconds: 120,
  restartTimeSeconds: 120,
} as const;

/**
 * The configuration of `spinelab speaker -f FILE`, as plain value of its YAML: the fields of
 * SpeakerConfig by name, with families as `ipv4/unicast`, communities as `65010:100` or
 * `no-export`, and defaults for all but localAsn, routerId and each peer's address and asn. Without
 * policies an internal peer gets and gives everything, and an external one nothing (RFC 8212), unless
 * `ebgpRequiresPolicy: false`. `hostname` stands where the file has none.
 *
 * Returns every problem at once.
 */
export function parseSpeakerConfig(
  value: unknown,
  hostname: string,
): SpeakerConfig | ConfigProblem[] {
  const parsed = speakerSchema.safeParse(value);
  if (!parsed.success) return parsed.error.issues.flatMap((issue) => problemsOf(issue, value));
  const { peers, listenRanges, ebgpRequiresPolicy, ...rest } = parsed.data;
  const config: SpeakerConfig = defined({
    ...rest,
    hostname: rest.hostname ?? hostname,
    peers: peers.map((peer) => ({
      ...peer,
      ...peerDefaults(peer, { ...rest, ebgpRequiresPolicy }),
      name: peer.name ?? peer.address ?? peer.interface ?? "",
      address: peer.address ?? unspecified,
    })),
    listenRanges: listenRanges?.map((range) => ({
      ...range,
      peer: { ...range.peer, ...peerDefaults(range.peer, { ...rest, ebgpRequiresPolicy }) },
    })),
  });
  const problems = configProblems(config);
  return problems.length > 0 ? problems : config;
}

const gracefulRestartSchema = z.strictObject({
  // 12 bits on the wire (RFC 4724 §3).
  restartTimeSeconds: z.int().min(1).max(4095).default(defaults.restartTimeSeconds),
  helperOnly: z.boolean().optional(),
  // 24 bits on the wire (RFC 9494 §3).
  longLivedStaleTimeSeconds: z.int().min(1).max(0xffffff).optional(),
  // FRR's range.
  stalePathTimeSeconds: z.int().min(1).max(4095).optional(),
});

const addPathSchema = z.strictObject({
  receive: z.boolean().optional(),
  send: z.union([z.literal("all"), z.int().min(2).max(255)]).optional(),
});

const roleSchema = z.strictObject({
  name: z.enum(["provider", "rs", "rs-client", "customer", "peer"]),
  strict: z.boolean().optional(),
});

const localAsSchema = z.strictObject({
  asn,
  noPrepend: z.boolean().optional(),
  replaceAs: z.boolean().optional(),
});

const maximumPrefixSchema = z.strictObject({
  count: z.int().min(1).max(4294967295),
  // As in FRR.
  warningThresholdPercent: z.int().min(1).max(100).default(75),
  action: z.enum(["teardown", "warn"]).default("teardown"),
  restartTimeSeconds: seconds.optional(),
});

// FRR's defaults and ranges.
const bfdSchema = z.strictObject({
  transmitIntervalMs: z.int().min(10).max(60_000).default(300),
  receiveIntervalMs: z.int().min(10).max(60_000).default(300),
  detectMultiplier: z.int().min(1).max(255).default(3),
  checkControlPlaneFailure: z.boolean().optional(),
});

const ownRouteSchema = z.strictObject({
  prefix,
  origin: z.enum(["igp", "egp", "incomplete"]).default("igp"),
  med: uint32.optional(),
});

/** A word in place of a mapping: `shutdown: true`, or the words that the peer is told. */
const shutdownSchema = z
  .union([z.boolean(), z.string().min(1)])
  .transform((said) => (said === false ? undefined : said === true ? {} : { communication: said }));

const peerFields = z.strictObject({
  name: z.string().min(1).optional(),
  address: address.optional(),
  interface: interfaceName.optional(),
  asn: z.union([z.int().min(0).max(4294967295), z.enum(["internal", "external", "any"])], {
    error: (issue) =>
      issue.input === undefined
        ? undefined
        : "expected an AS number, 'internal', 'external' or 'any'",
  }),
  localAs: localAsSchema.optional(),
  localAddress: address.optional(),
  port: port.default(defaults.port),
  passive: z.boolean().default(false),
  holdTimeSeconds: z
    .int()
    .min(0)
    .max(65535)
    .refine((value) => value === 0 || value >= 3, "expected 0 or at least 3 (RFC 4271 §4.2)")
    .default(defaults.holdTimeSeconds),
  keepaliveTimeSeconds: seconds.optional(),
  connectRetryTimeSeconds: seconds.default(defaults.connectRetryTimeSeconds),
  delayOpenTimeSeconds: z.int().min(1).max(240).optional(),
  advertisementIntervalSeconds: z.int().min(1).max(600).optional(),
  ttl: z.int().min(1).max(255).optional(),
  ttlSecurityHops: z.int().min(1).max(254).optional(),
  password: z.string().min(1).max(80).optional(),
  gracefulRestart: gracefulRestartSchema.optional(),
  addPath: addPathSchema.optional(),
  role: roleSchema.optional(),
  families: z.array(familySchema).min(1).default([families["ipv4/unicast"]]),
  exportPolicy: policySchema.optional(),
  importPolicy: importPolicySchema.optional(),
  routeReflectorClient: z.boolean().optional(),
  longLivedPartialDeployment: z.boolean().optional(),
  nextHopSelf: z.union([z.boolean(), z.literal("force")]).optional(),
  sendsBack: z.boolean().optional(),
  defaultOriginate: z.array(familyName).min(1).optional(),
  // FRR's range.
  allowAsIn: z.int().min(1).max(10).optional(),
  maximumPrefix: z.partialRecord(familyName, maximumPrefixSchema).optional(),
  bfd: bfdSchema.optional(),
  shutdown: shutdownSchema.optional(),
});

/** A peer has an address, or is found on a link. */
const peerSchema = peerFields.superRefine((peer, context) => {
  if (peer.address !== undefined || peer.interface !== undefined) return;
  const params = { code: "MissingField" };
  const message = "is needed and not there, or `interface` instead";
  context.addIssue({ code: "custom", path: ["address"], message, params });
});

const listenRangeSchema = z.strictObject({
  prefix,
  // As FRR's `bgp listen limit`.
  limit: z.int().min(1).max(65535).default(100),
  peer: peerFields.omit({
    name: true,
    address: true,
    interface: true,
    localAddress: true,
    passive: true,
    port: true,
  }),
});

const maximumPathsSchema = z.strictObject({
  external: z.int().min(1).max(255).optional(),
  internal: z.int().min(1).max(255).optional(),
  asPathRelax: z.boolean().optional(),
});

const speakerSchema = z.strictObject({
  localAsn: asn,
  routerId: ipv4Address,
  listenPort: port.optional(),
  hostname: z.string().min(1).max(255).optional(),
  clusterId: ipv4Address.optional(),
  maximumPaths: maximumPathsSchema.optional(),
  keepsExternalBest: z.boolean().optional(),
  bmp: bmpSchema.optional(),
  installRoutes: installRoutesSchema.optional(),
  trackNextHops: z.boolean().optional(),
  // As FRR's `bgp ebgp-requires-policy`.
  ebgpRequiresPolicy: z.boolean().default(true),
  peers: z.array(peerSchema).default([]),
  listenRanges: z.array(listenRangeSchema).optional(),
  originate: z.array(z.union([prefix, ownRouteSchema])).default([]),
});

/** Field names of the mapping that stands under a key, for hints. */
const fieldsUnder: Readonly<Record<string, readonly string[]>> = {
  "": Object.keys(speakerSchema.shape),
  peers: Object.keys(peerFields.shape),
  listenRanges: Object.keys(listenRangeSchema.shape),
  peer: Object.keys(listenRangeSchema.shape.peer.shape),
  maximumPaths: Object.keys(maximumPathsSchema.shape),
  addPath: Object.keys(addPathSchema.shape),
  role: Object.keys(roleSchema.shape),
  localAs: Object.keys(localAsSchema.shape),
  maximumPrefix: Object.keys(families),
  installRoutes: installRoutesFields,
  bmp: Object.keys(bmpSchema.shape),
  stations: Object.keys(bmpStationSchema.shape),
  gracefulRestart: Object.keys(gracefulRestartSchema.shape),
  bfd: Object.keys(bfdSchema.shape),
  exportPolicy: Object.keys(statementSchema.shape),
  importPolicy: Object.keys(statementSchema.shape),
  match: Object.keys(matchSchema.shape),
  prefixRanges: ["prefix", "minLength", "maxLength"],
  asPath: Object.keys(asPathMatchSchema.shape),
  set: Object.keys(setSchema.shape),
  remove: Object.keys(communityListsSchema.shape),
  replace: Object.keys(communityListsSchema.shape),
};

function problemsOf(issue: z.core.$ZodIssue, whole: unknown): ConfigProblem[] {
  const path = pathText(issue.path);
  if (
    (issue.code === "invalid_type" || issue.code === "invalid_union") &&
    valueAt(whole, issue.path) === undefined
  ) {
    return [{ code: "MissingField", path, message: "is needed and not there" }];
  }
  if (issue.code === "invalid_union") {
    // The alternative that was meant is the one that went wrong deepest.
    const [meant] = issue.errors.toSorted((a, b) => depth(b) - depth(a));
    if (meant !== undefined && depth(meant) > 0) {
      const within = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
      return within.flatMap((one) => problemsOf(one as z.core.$ZodIssue, whole));
    }
  }
  if (issue.code === "unrecognized_keys") {
    const under = issue.path.findLast((part) => typeof part === "string") ?? "";
    return issue.keys.map((key) => {
      const meant = nearest(key, fieldsUnder[under] ?? []);
      return {
        code: "UnknownField",
        path: path === "" ? key : `${path}.${key}`,
        message: `there is no field '${key}' here`,
        ...(meant !== undefined && { hint: `did you mean '${meant}'?` }),
      };
    });
  }
  const hint: unknown = issue.code === "custom" ? issue.params?.["hint"] : undefined;
  const said: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  const code = issue.code === "invalid_type" ? "WrongType" : "BadValue";
  return [
    {
      code: typeof said === "string" ? said : code,
      path,
      message: issue.message,
      ...(typeof hint === "string" && { hint }),
    },
  ];
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(
    0,
    ...issues.map((issue) => issue.path.length + (issue.code === "invalid_type" ? 0 : 0.5)),
  );
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part],
    whole,
  );
}

/** `peers[0].families[1]`. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** RFC 8212 §2, §3: without a policy an external peer's routes are not used, and it gets none. */
const noPolicy = { importPolicy: [], exportPolicy: [] };

/** Towards internal peers RFC 4271 §9.2 says what goes on; everything else is open where nothing is required. */
const openPolicy: { importPolicy: "accept"; exportPolicy: PolicyStatement[] } = {
  importPolicy: "accept",
  exportPolicy: [{ name: "all", action: "accept" }],
};

/** What depends on other fields. */
function peerDefaults(
  peer: z.output<typeof listenRangeSchema>["peer"],
  speaker: { localAsn: number; ebgpRequiresPolicy: boolean },
): Pick<PeerConfig, "asn" | "keepaliveTimeSeconds" | "exportPolicy" | "importPolicy"> {
  const { asn: theirs, holdTimeSeconds: hold, exportPolicy, importPolicy } = peer;
  const isInternal = theirs === "internal" || theirs === (peer.localAs?.asn ?? speaker.localAsn);
  const policy = isInternal || !speaker.ebgpRequiresPolicy ? openPolicy : noPolicy;
  return {
    asn: theirs === "any" ? 0 : theirs,
    // RFC 4271 §10: a third of the Hold Time.
    keepaliveTimeSeconds:
      peer.keepaliveTimeSeconds ??
      (hold === 0
        ? defaults.keepaliveTimeSeconds
        : Math.min(defaults.keepaliveTimeSeconds, Math.max(1, Math.floor(hold / 3)))),
    exportPolicy: defined(exportPolicy ?? policy.exportPolicy),
    importPolicy: defined(importPolicy ?? policy.importPolicy),
  };
}

type Defined<T> = T extends string | number | boolean | Uint8Array
  ? T
  : T extends readonly unknown[]
    ? { [K in keyof T]: Defined<T[K]> }
    : { [K in keyof T]: Defined<Exclude<T[K], undefined>> };

/** Fields that are not there instead of undefined, at every depth. */
function defined<T>(of: T): Defined<T> {
  if (Array.isArray(of)) return of.map(defined) as Defined<T>;
  if (typeof of !== "object" || of === null || of instanceof Uint8Array) return of as Defined<T>;
  const entries = Object.entries(of).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, defined<unknown>(value)]),
  ) as Defined<T>;
}
