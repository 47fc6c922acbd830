import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { connectSsh } from "./connection.ts";
import { keyPair, knownHosts, sshHome, sshServer, type TestServer } from "./server.testkit.ts";

const user = keyPair();
const stranger = keyPair();
const to = (server: TestServer) => ({ host: "127.0.0.1", port: server.port, user: "root" });

/** Message and remedy of the refusal; fails where the connection comes about. */
async function refusal(connecting: ReturnType<typeof connectSsh>): Promise<string> {
  const error: unknown = await connecting.then(
    async (connection) => {
      await connection[Symbol.asyncDispose]();
      return new Error("let in");
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EnvironmentError);
  return `${(error as Error).message}\n${(error as EnvironmentError).remedy}`;
}

describe("logged in", () => {
  test("a command's output, errors and status come back", async () => {
    const run = (command: string) => ({ stdout: command, stderr: "careful", exitCode: 3 });
    const server = await sshServer({ authorized: user, run });
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(server) });
    await using connection = await connectSsh(to(server), env);
    expect(connection.description).toBe(`root@127.0.0.1:${server.port}`);
    expect(server.users).toEqual(["root"]);
    expect(await connection.exec("uname")).toEqual({
      exitCode: 3,
      stdout: "uname",
      stderr: "careful",
    });
  });

  test("a Unix socket over there is reached, and the end of each direction by itself", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(server) });
    const socketPath = path.join(env.HOME, "echo.sock");
    const echo = createServer({ allowHalfOpen: true }, async (socket) => {
      const read = (await socket.toArray()) as Buffer[];
      socket.end(`all ${Buffer.concat(read).length}`);
    }).listen(socketPath);
    await using connection = await connectSsh(to(server), env);
    const channel = await connection.openUnix(socketPath);
    channel.end("12345");
    expect(Buffer.concat((await channel.toArray()) as Buffer[]).toString()).toBe("all 5");
    echo.close();
  });

  test("HostName, Port, User, IdentityFile and ProxyJump of the configuration", async () => {
    const server = await sshServer({ authorized: user });
    const jump = await sshServer({ authorized: stranger });
    const env = sshHome({
      config: `
        Host lab
          HostName 127.0.0.1
          Port ${server.port}
          User netadmin
          IdentityFile ~/.ssh/lab_key
          ProxyJump gate
        Host gate
          HostName 127.0.0.1
          Port ${jump.port}
          User gatekeeper
          IdentityFile ~/.ssh/gate_key`,
      lab_key: user.private,
      gate_key: stranger.private,
      known_hosts: knownHosts(server, jump),
    });
    await using connection = await connectSsh({ host: "lab" }, env);
    expect(connection.description).toBe(`netadmin@127.0.0.1:${server.port}`);
    expect([jump.users, jump.opened]).toEqual([["gatekeeper"], [`127.0.0.1:${server.port}`]]);
    expect(server.users).toEqual(["netadmin"]);
  });

  test("a key of the agent", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ known_hosts: knownHosts(server) });
    const agent = await agentWith(path.join(env.HOME, "agent.sock"), user.private);
    await using _ = await connectSsh(to(server), { ...env, SSH_AUTH_SOCK: agent.socket });
    expect(agent.signed()).toBe(1);
  });

  test("of a server's keys, the one that is known", async () => {
    const hostKeys = [keyPair(), keyPair("rsa")];
    const server = await sshServer({ authorized: user, hostKeys });
    const rsaOnly = { ...server, publicKeys: [hostKeys[1]!.public] };
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(rsaOnly) });
    await using connection = await connectSsh(to(server), env);
    expect(connection.lost.aborted).toBe(false);
  });

  test("a connection that breaks is told, with the reason, and calls fail from then on", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(server) });
    await using connection = await connectSsh(to(server), env);
    server.cut();
    await once(connection.lost, "abort");
    expect(connection.lost.reason).toBeInstanceOf(EnvironmentError);
    await expect(connection.exec("true")).rejects.toThrow(/connection to root@\S+ was lost/);
    await expect(connection.openUnix("/x")).rejects.toThrow("was lost");
  });

  test("one that is ended on purpose is not lost", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(server) });
    const connection = await connectSsh(to(server), env);
    await connection[Symbol.asyncDispose]();
    expect(connection.lost.aborted).toBe(false);
  });
});

describe("refused", () => {
  test("a host whose key is not known, with its fingerprint and how to see it", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ id_ed25519: user.private });
    const said = await refusal(connectSsh(to(server), env));
    expect(said).toContain("the host's key is not known; it shows SHA256:");
    expect(said).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1 | ssh-keygen -lf -`);
    expect(server.users).toEqual([]);
  });

  test("a host whose key has changed, with the line that knows another", async () => {
    const server = await sshServer({ authorized: user });
    const before = { ...server, publicKeys: [keyPair().public] };
    const env = sshHome({ id_ed25519: user.private, known_hosts: knownHosts(before) });
    const said = await refusal(connectSsh(to(server), env));
    expect(said).toContain("has CHANGED");
    expect(said).toContain(`${env.HOME}/.ssh/known_hosts:1 has another`);
    expect(said).toContain(`ssh-keygen -R '[127.0.0.1]:${server.port}'`);
    expect(server.users).toEqual([]);
  });

  test("a host whose key is revoked", async () => {
    const server = await sshServer({ authorized: user });
    const known = `${knownHosts(server)}@revoked * ${server.publicKeys[0]}\n`;
    const env = sshHome({ id_ed25519: user.private, known_hosts: known });
    expect(await refusal(connectSsh(to(server), env))).toContain("revoked by");
  });

  test("StrictHostKeyChecking no does not let an unknown host pass", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ id_ed25519: user.private, config: "StrictHostKeyChecking no" });
    expect(await refusal(connectSsh(to(server), env))).toContain("is not known");
  });

  test("a login, with what was tried, what could not be and what the server allows", async () => {
    const server = await sshServer({ authorized: user });
    const locked = ssh2.utils.generateKeyPairSync("ed25519", {
      passphrase: "hunter2",
      cipher: "aes256-ctr",
      rounds: 1,
    });
    const env = sshHome({
      id_ed25519: stranger.private,
      id_rsa: locked.private,
      id_ecdsa: "nothing of the kind",
      known_hosts: knownHosts(server),
    });
    const said = await refusal(connectSsh(to(server), { ...env, SSH_AUTH_SOCK: "/nowhere" }));
    const ssh = `${env.HOME}/.ssh`;
    expect(said).toContain(`not let in: tried ${ssh}/id_ed25519; the server allows publickey`);
    expect(said).toContain("ssh-agent: nothing answers on /nowhere");
    expect(said).toContain(`${ssh}/id_rsa: has a passphrase: run ssh-add ${ssh}/id_rsa`);
    expect(said).toContain(`${ssh}/id_ecdsa: not a private key`);
    for (const line of stranger.private.split("\n").filter((each) => each.length > 20))
      expect(said).not.toContain(line);
  });

  test("a login without any key", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ known_hosts: knownHosts(server) });
    expect(await refusal(connectSsh(to(server), env))).toContain("there is no key to try");
  });

  test("with IdentitiesOnly the agent's other keys are not tried", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({
      config: "IdentitiesOnly yes\nIdentityFile ~/.ssh/mine",
      mine: stranger.private,
      known_hosts: knownHosts(server),
    });
    const agent = await agentWith(path.join(env.HOME, "agent.sock"), user.private);
    const said = await refusal(connectSsh(to(server), { ...env, SSH_AUTH_SOCK: agent.socket }));
    expect(said).toContain(`tried ${env.HOME}/.ssh/mine;`);
    expect(agent.signed()).toBe(0);
  });

  test("a port where nothing listens", async () => {
    const said = await refusal(connectSsh({ host: "127.0.0.1", port: 1 }, sshHome({})));
    expect(said).toContain("nothing listens there");
  });

  test("a host that would need a ProxyCommand, before anything is sent", async () => {
    const server = await sshServer({ authorized: user });
    const env = sshHome({ config: "ProxyCommand nc %h %p", known_hosts: knownHosts(server) });
    const said = await refusal(connectSsh(to(server), env));
    expect(said).toContain(`${env.HOME}/.ssh/config:1 sets a ProxyCommand`);
  });

  test("a jump host whose own key is not known, and the host behind it is not asked", async () => {
    const server = await sshServer({ authorized: user });
    const jump = await sshServer({ authorized: user });
    const env = sshHome({
      config: `Host 127.0.0.1\n ProxyJump gate\nHost gate\n HostName 127.0.0.1\n Port ${jump.port}\n`,
      id_ed25519: user.private,
      known_hosts: knownHosts(server),
    });
    expect(await refusal(connectSsh(to(server), env))).toContain(`127.0.0.1:${jump.port} refused`);
    expect([jump.opened, server.users]).toEqual([[], []]);
  });
});

/** An ssh-agent that holds one key and counts what it signs. */
async function agentWith(socket: string, privateKey: string) {
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  let signed = 0;
  const server = createServer((client) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on("identities", (request) => protocol.getIdentitiesReply(request, [key]));
    protocol.on("sign", (request, _public, data) => {
      signed++;
      protocol.signReply(request, key.sign(data));
    });
    client.on("error", () => {});
    client.pipe(protocol).pipe(client);
  }).listen(socket);
  server.unref();
  await once(server, "listening");
  return { socket, signed: () => signed };
}
