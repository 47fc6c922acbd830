import * as z from "zod";
import type { Diagnostic } from "../../input/diagnostic.ts";
import { nearest } from "../../input/nearest.ts";
import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import { type Prefix, parsePrefix } from "../../net/prefix.ts";
import { families, type FamilyName } from "../rib/family.ts";
import { parseCommunity, parseLargeCommunity } from "./community-text.ts";
import type { PeerConfig, PolicyStatement, SpeakerConfig } from "./config.ts";

/** A mistake without file and line: whoever read the YAML knows the line of `path`. */
export type ConfigProblem = Pick<Diagnostic, "code" | "path" | "message" | "hint">;

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
 * an export policy a peer is sent what is originated here. `hostname` stands where the file has none.
 *
 * Returns every problem at once.
 */
export function parseSpeakerConfig(
  value: unknown,
  hostname: string,
): SpeakerConfig | ConfigProblem[] {
  const parsed = speakerSchema.safeParse(value);
  if (!parsed.success) return parsed.error.issues.flatMap((issue) => problemsOf(issue, value));
  const { peers, listenPort, ...rest } = parsed.data;
  const config: SpeakerConfig = {
    ...rest,
    hostname: rest.hostname ?? hostname,
    ...(listenPort !== undefined && { listenPort }),
    peers: peers.map((peer) => peerConfig(peer, rest.originate)),
  };
  const problems = [
    ...duplicates(config.peers, "name"),
    ...duplicates(config.peers, "address"),
    ...config.peers.flatMap(peerProblems),
  ];
  return problems.length > 0 ? problems : config;
}

const asn = z.int().min(1).max(4294967295);
const seconds = z.int().min(1).max(65535);
const port = z.int().min(1).max(65535);
const uint32 = z.int().min(0).max(4294967295);

const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected an IP address, not '${text}'`);
  return z.NEVER;
});

const ipv4Address = address.refine((of) => familyOf(of) === "ipv4" && of !== "0.0.0.0", {
  error: "expected an IPv4 address other than 0.0.0.0: the BGP Identifier (RFC 6286)",
});

const prefix = z.string().transform((text, context): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) context.addIssue(`expected an IP prefix, not '${text}'`);
  else if (text !== parsed && parseAddress(text.split("/")[0]!) !== parsed.split("/")[0]) {
    const params = { hint: `did you mean '${parsed}'?` };
    context.addIssue({ code: "custom", message: `'${text}' has host bits set`, params });
  } else return parsed;
  return z.NEVER;
});

const familySchema = z
  .enum(Object.keys(families) as [FamilyName, ...FamilyName[]])
  .transform((name) => families[name]);

/** YAML reads `4259840100` as a number and `65010:100` as text. */
const written = z.union([z.string(), z.number()]).transform(String);

const community = written.transform((text, context): number => {
  const parsed = parseCommunity(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a community such as 65010:100 or no-export, not '${text}'`);
  return z.NEVER;
});

const largeCommunity = written.transform((text, context): [number, number, number] => {
  const parsed = parseLargeCommunity(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a large community such as 64512:1:2, not '${text}'`);
  return z.NEVER;
});

const setSchema = z.strictObject({
  localPref: uint32.optional(),
  med: uint32.optional(),
  communities: z.array(community).optional(),
  largeCommunities: z.array(largeCommunity).optional(),
  // With the one prepending that RFC 4271 §5.1.2 asks for, a full AS_PATH segment.
  asPathPrepend: z.int().min(0).max(254).optional(),
});

const statementSchema = z.strictObject({
  name: z.string().min(1),
  prefixes: z.array(prefix).optional(),
  action: z.enum(["accept", "reject"]).default("accept"),
  set: setSchema.optional(),
});

const gracefulRestartSchema = z.strictObject({
  // 12 bits on the wire (RFC 4724 §3).
  restartTimeSeconds: z.int().min(1).max(4095).default(defaults.restartTimeSeconds),
});

const peerSchema = z.strictObject({
  name: z.string().min(1).optional(),
  address,
  asn: z.int().min(0).max(4294967295),
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
  ttl: z.int().min(1).max(255).optional(),
  password: z.string().min(1).max(80).optional(),
  gracefulRestart: gracefulRestartSchema.optional(),
  families: z.array(familySchema).min(1).default([families["ipv4/unicast"]]),
  exportPolicy: z.array(statementSchema).optional(),
  importPolicy: z.enum(["accept", "reject"]).default("accept"),
});

const speakerSchema = z.strictObject({
  localAsn: asn,
  routerId: ipv4Address,
  listenPort: port.optional(),
  hostname: z.string().min(1).max(255).optional(),
  peers: z.array(peerSchema).default([]),
  originate: z.array(prefix).default([]),
});

/** Field names of the mapping that stands under a key, for hints. */
const fieldsUnder: Readonly<Record<string, readonly string[]>> = {
  "": Object.keys(speakerSchema.shape),
  peers: Object.keys(peerSchema.shape),
  gracefulRestart: Object.keys(gracefulRestartSchema.shape),
  exportPolicy: Object.keys(statementSchema.shape),
  set: Object.keys(setSchema.shape),
};

function problemsOf(issue: z.core.$ZodIssue, whole: unknown): ConfigProblem[] {
  const path = pathText(issue.path);
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
  if (issue.code === "invalid_type" && valueAt(whole, issue.path) === undefined) {
    return [{ code: "MissingField", path, message: "is needed and not there" }];
  }
  const hint: unknown = issue.code === "custom" ? issue.params?.["hint"] : undefined;
  const code = issue.code === "invalid_type" ? "WrongType" : "BadValue";
  return [{ code, path, message: issue.message, ...(typeof hint === "string" && { hint }) }];
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

function peerConfig(peer: z.output<typeof peerSchema>, originate: Prefix[]): PeerConfig {
  const { holdTimeSeconds: hold, exportPolicy } = peer;
  return defined({
    ...peer,
    name: peer.name ?? peer.address,
    // RFC 4271 §10: a third of the Hold Time.
    keepaliveTimeSeconds:
      peer.keepaliveTimeSeconds ??
      (hold === 0
        ? defaults.keepaliveTimeSeconds
        : Math.min(defaults.keepaliveTimeSeconds, Math.max(1, Math.floor(hold / 3)))),
    exportPolicy: exportPolicy?.map(policyStatement) ?? [
      { name: "originated", prefixes: originate, action: "accept" as const },
    ],
  });
}

function policyStatement({ set, ...rest }: z.output<typeof statementSchema>): PolicyStatement {
  return { ...defined(rest), ...(set !== undefined && { set: defined(set) }) };
}

/** Fields that are not there instead of undefined. */
function defined<T extends object>(of: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function peerProblems(peer: PeerConfig, index: number): ConfigProblem[] {
  const { address: to, localAddress: from, holdTimeSeconds: hold } = peer;
  const problems: ConfigProblem[] = [];
  const wrong = (field: string, message: string) =>
    problems.push({ code: "BadValue", path: `peers[${index}].${field}`, message });
  if (from !== undefined && familyOf(from) !== familyOf(to)) {
    wrong("localAddress", `${from} and the peer's ${to} are not of one address family`);
  }
  if (hold !== 0 && peer.keepaliveTimeSeconds > hold) {
    wrong(
      "keepaliveTimeSeconds",
      `${peer.keepaliveTimeSeconds} is more than holdTimeSeconds, ${hold}`,
    );
  }
  return problems;
}

function duplicates(peers: readonly PeerConfig[], field: "name" | "address"): ConfigProblem[] {
  return peers.flatMap((peer, index) => {
    const first = peers.findIndex((other) => other[field] === peer[field]);
    if (first === index) return [];
    const message = `${peer[field]} is peers[${first}]'s already`;
    return [{ code: "Duplicate", path: `peers[${index}].${field}`, message }];
  });
}
