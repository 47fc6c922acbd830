import { readFileSync } from "node:fs";
import path from "node:path";
import ssh2, { type AnyAuthMethod, type AuthenticationType, type ParsedKey } from "ssh2";
import { type Environment, homeOf, readIfThere, type SshSettings } from "./client-config.ts";

// Node finds only some of ssh2's exports by name.
const { OpenSSHAgent, utils } = ssh2;

/** Names that ssh(1) tries where no IdentityFile is configured, in its order. */
const usualNames = ["id_rsa", "id_ecdsa", "id_ed25519"];

/** The keys to log in with, and what to tell where none of them is accepted. */
export type Identities = {
  methods: AnyAuthMethod[];
  /** What will be tried, in words: `ssh-agent (2 keys)`, a file's path. */
  tried: string[];
  /** Keys that cannot be used, each with the reason. Never the key itself. */
  unusable: string[];
};

/** Keys of the agent, then those of files that the agent does not hold, as ssh does. */
export async function findIdentities(settings: SshSettings, env: Environment): Promise<Identities> {
  const identities: Identities = { methods: [], tried: [], unusable: [] };
  const files = keyFiles(settings, env);
  const inAgent = await addAgent(settings, files, identities);
  for (const { file, key, problem, publicKey } of files) {
    if (publicKey !== undefined && inAgent.some((each) => each.equals(publicKey))) continue;
    if (key === undefined) {
      if (problem !== undefined) identities.unusable.push(`${file}: ${problem}`);
      continue;
    }
    identities.methods.push({ type: "publickey", username: settings.user, key });
    identities.tried.push(file);
  }
  return identities;
}

/**
 * What ssh2 asks for the next method to try. `none` comes first, as RFC 4252 §5.2 has it: a server
 * answers with the methods it allows, which `allowed` then returns.
 */
export function authSequence(
  user: string,
  methods: readonly AnyAuthMethod[],
): {
  next(left: readonly AuthenticationType[] | null): AnyAuthMethod | false;
  allowed(): readonly string[];
} {
  const queue: AnyAuthMethod[] = [{ type: "none", username: user }, ...methods];
  let allowed: readonly string[] = [];
  return {
    next(left) {
      allowed = left ?? [];
      return queue.shift() ?? false;
    },
    allowed: () => allowed,
  };
}

type KeyFile = { file: string; key?: ParsedKey; publicKey?: Buffer; problem?: string };

function keyFiles(settings: SshSettings, env: Environment): KeyFile[] {
  const configured = settings.identityFiles.length > 0;
  const names = configured
    ? settings.identityFiles
    : usualNames.map((name) => path.join(homeOf(env), ".ssh", name));
  return names.flatMap((file) => {
    const found = readKey(file);
    // That one of the usual names is not there is nothing to tell.
    return found === undefined ? (configured ? [{ file, problem: "no such file" }] : []) : [found];
  });
}

function readKey(file: string): KeyFile | undefined {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? undefined : { file, problem: `cannot be read (${code})` };
  }
  const key = utils.parseKey(text);
  if (!(key instanceof Error)) {
    if (key.isPrivateKey()) return { file, key, publicKey: key.getPublicSSH() };
    return { file, publicKey: key.getPublicSSH(), problem: "a public key, not in the agent" };
  }
  const encrypted = /encrypted/i.test(key.message);
  const problem = encrypted ? `has a passphrase: run ssh-add ${file}` : "not a private key";
  const publicKey = utils.parseKey(readIfThere(`${file}.pub`));
  return publicKey instanceof Error
    ? { file, problem }
    : { file, problem, publicKey: publicKey.getPublicSSH() };
}

/** Adds the agent's keys, those that are configured first; with IdentitiesOnly no others. */
async function addAgent(
  settings: SshSettings,
  files: readonly KeyFile[],
  identities: Identities,
): Promise<ParsedKey[]> {
  const socket = settings.agentSocket;
  if (socket === undefined) return [];
  let keys: ParsedKey[];
  try {
    keys = await agentKeys(socket);
  } catch {
    identities.unusable.push(`ssh-agent: nothing answers on ${socket}`);
    return [];
  }
  const configured = (key: ParsedKey): boolean =>
    files.some((file) => file.publicKey !== undefined && key.equals(file.publicKey));
  const chosen = [
    ...keys.filter((key) => configured(key)),
    ...(settings.identitiesOnly ? [] : keys.filter((key) => !configured(key))),
  ];
  if (chosen.length === 0) return [];
  const agent = new ChosenKeysAgent(socket, chosen);
  identities.methods.push({ type: "agent", username: settings.user, agent });
  identities.tried.push(`ssh-agent (${chosen.length} key${chosen.length === 1 ? "" : "s"})`);
  return chosen;
}

function agentKeys(socket: string): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    new OpenSSHAgent(socket).getIdentities((error, keys) => {
      if (error) return reject(error);
      const parsed = (keys ?? []).map((key) => utils.parseKey(key as ParsedKey));
      resolve(parsed.filter((key): key is ParsedKey => !(key instanceof Error)));
    });
  });
}

/** An agent that offers some of its keys, in the order given: servers allow only a few attempts. */
class ChosenKeysAgent extends OpenSSHAgent {
  readonly #keys: ParsedKey[];
  constructor(socket: string, keys: ParsedKey[]) {
    super(socket);
    this.#keys = keys;
  }
  override getIdentities(done: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    done(null, this.#keys);
  }
}
