import { createHash, createHmac } from "node:crypto";
import { matchesPatterns } from "./client-config.ts";

/** One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export type KnownHost = {
  /** `file:line` */
  at: string;
  /** Comma-separated patterns, or `|1|salt|hash`. */
  names: string;
  marker: "revoked" | "cert-authority" | undefined;
  keyType: string;
  key: Buffer;
};

export type HostKeyVerdict =
  | { verdict: "known" }
  | { verdict: "unknown" }
  /** Another key of the same type is known for that host, at `file:line`. */
  | { verdict: "changed"; at: string }
  | { verdict: "revoked"; at: string };

/** Lines that are no entry (comments, SSH-1 keys, damage) are left out, as ssh does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split("\n").flatMap((line, index) => {
    const fields = line.trim().split(/\s+/);
    if (fields[0] === "" || fields[0]!.startsWith("#")) return [];
    const marker = fields[0]!.startsWith("@") ? fields.shift()!.slice(1) : undefined;
    const [names, keyType, encoded] = fields;
    if (names === undefined || keyType === undefined || encoded === undefined) return [];
    if (marker !== undefined && marker !== "revoked" && marker !== "cert-authority") return [];
    return [
      { at: `${file}:${index + 1}`, names, marker, keyType, key: Buffer.from(encoded, "base64") },
    ];
  });
}

/** The name a host has in known_hosts: with brackets where the port is not 22. */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** Whether `key` (SSH wire format, RFC 4253 §6.6) is the key of the host of that name. */
export function checkHostKey(
  known: readonly KnownHost[],
  name: string,
  key: Buffer,
): HostKeyVerdict {
  const type = keyTypeOf(key);
  const entries = known.filter((each) => namesHost(each.names, name));
  const revoked = entries.find((each) => each.marker === "revoked" && each.key.equals(key));
  if (revoked !== undefined) return { verdict: "revoked", at: revoked.at };
  const sameType = entries.filter((each) => each.marker === undefined && each.keyType === type);
  if (sameType.some((each) => each.key.equals(key))) return { verdict: "known" };
  const other = sameType[0];
  return other === undefined ? { verdict: "unknown" } : { verdict: "changed", at: other.at };
}

/**
 * Host key algorithms in the order to offer: first those of keys that are known for the host, else a
 * server with several keys would show one that was never seen. SHA-1 signatures (ssh-rsa) are left out.
 */
export function hostKeyAlgorithms<A extends string>(
  known: readonly KnownHost[],
  name: string,
  supported: readonly A[],
): A[] {
  const types = new Set(
    known.filter((each) => namesHost(each.names, name)).map((each) => each.keyType),
  );
  const isKnown = (algorithm: A): boolean =>
    types.has(algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm);
  return [
    ...supported.filter((algorithm) => isKnown(algorithm)),
    ...supported.filter((algorithm) => !isKnown(algorithm)),
  ];
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  const digest = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
  return `SHA256:${digest} (${keyTypeOf(key)})`;
}

function namesHost(names: string, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(names);
  if (hashed === null) return matchesPatterns(name, names.split(","));
  const salt = Buffer.from(hashed[1]!, "base64");
  return createHmac("sha1", salt).update(name.toLowerCase()).digest("base64") === hashed[2];
}

/** A public key begins with its type as a string: four bytes of length, then the text. */
function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return "";
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
}
