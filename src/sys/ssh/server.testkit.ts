import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import ssh2, { type AuthContext, type Connection, type ParsedKey } from "ssh2";
import { onTestFinished } from "vitest";
import type { Environment } from "./client-config.ts";

type KeyPair = { private: string; public: string };

export function keyPair(type: "ed25519" | "rsa" = "ed25519"): KeyPair {
  const pair =
    type === "rsa"
      ? ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 })
      : ssh2.utils.generateKeyPairSync("ed25519");
  // ssh2 now and then makes a key that it cannot read itself (one whose first byte is 0).
  return parsed(pair.private) instanceof Error ? keyPair(type) : pair;
}

export type TestServer = {
  port: number;
  /** Its host keys, as in known_hosts after the host's name. */
  publicKeys: string[];
  /** What its clients connected to: `host:port` and socket paths. */
  opened: string[];
  /** Users that came in. */
  users: string[];
  /** Ends every connection, as a machine that goes away. */
  cut(): void;
};

/**
 * An SSH server in this process that lets in one key, forwards to TCP ports and Unix sockets, and
 * answers each command with what `run` says.
 */
export async function sshServer(options: {
  hostKeys?: KeyPair[];
  authorized?: KeyPair;
  forwardUnix?: boolean;
  run?: (command: string) => { stdout?: string; stderr?: string; exitCode: number };
}): Promise<TestServer> {
  const { hostKeys = [keyPair()], forwardUnix = true } = options;
  const allowed = options.authorized && (parsed(options.authorized.public) as ParsedKey);
  const found: TestServer = {
    port: 0,
    publicKeys: hostKeys.map((each) => each.public),
    opened: [],
    users: [],
    cut: () => clients.forEach((each) => each.end()),
  };
  const clients = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: hostKeys.map((each) => each.private) }, (client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client)).on("error", () => {});
    client.on("authentication", (context) => {
      if (!mayEnter(context, allowed)) return context.reject(["publickey"]);
      // A client first asks whether a key would do, then signs with it (RFC 4252 §7).
      if (context.method === "publickey" && context.signature) found.users.push(context.username);
      context.accept();
    });
    client.on("tcpip", (accept, _reject, { destIP, destPort }) => {
      found.opened.push(`${destIP}:${destPort}`);
      const channel = accept();
      channel.pipe(connect(destPort, destIP)).pipe(channel);
    });
    client.on("openssh.streamlocal", (accept, reject, { socketPath }) => {
      found.opened.push(socketPath);
      if (!forwardUnix) return reject();
      const socket = connect({ path: socketPath, allowHalfOpen: true });
      socket.once("error", () => reject());
      socket.once("connect", () => {
        const channel = accept();
        channel.pipe(socket).pipe(channel);
        channel.once("close", () => socket.destroy());
      });
    });
    client.on("session", (accept) =>
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const { stdout = "", stderr = "", exitCode } = options.run?.(command) ?? { exitCode: 0 };
        channel.stderr.write(stderr);
        channel.write(stdout);
        channel.exit(exitCode);
        channel.end();
      }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  found.port = (server.address() as AddressInfo).port;
  onTestFinished(() => {
    found.cut();
    server.close();
  });
  return found;
}

function mayEnter(context: AuthContext, allowed: ParsedKey | undefined): boolean {
  if (context.method !== "publickey" || allowed === undefined) return false;
  if (!allowed.getPublicSSH().equals(context.key.data)) return false;
  if (context.signature === undefined || context.blob === undefined) return true;
  return allowed.verify(context.blob, context.signature, context.hashAlgo);
}

function parsed(key: string): ParsedKey | Error {
  return ssh2.utils.parseKey(key);
}

/** A HOME that goes with the test. Names are below ~/.ssh; there is no agent. */
export function sshHome(files: Record<string, string>): Environment & { HOME: string } {
  const home = mkdtempSync(path.join(tmpdir(), "spinelab-test-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  mkdirSync(path.join(home, ".ssh"), { mode: 0o700 });
  for (const [name, text] of Object.entries(files))
    writeFileSync(path.join(home, ".ssh", name), text, { mode: 0o600 });
  return { HOME: home, USER: "operator", XDG_RUNTIME_DIR: home };
}

/** Lines of known_hosts for these servers. */
export function knownHosts(...servers: TestServer[]): string {
  return servers
    .flatMap(({ port, publicKeys }) => publicKeys.map((key) => `[127.0.0.1]:${port} ${key}\n`))
    .join("");
}
