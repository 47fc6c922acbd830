import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import path from "node:path";

/** Debian's packages that an sshd needs beside what every Debian with an SSH client has. */
const packages = ["openssh-server", "libwrap0"];

export type Sshd = AsyncDisposable & {
  port: number;
  /** A HOME whose ~/.ssh holds the user's key, the host's key as a known host, and a config. */
  home: string;
  /** Ends the sessions, not the server: as a network that breaks. */
  cutSessions(): void;
};

/**
 * A real sshd on a loopback port, with keys of its own, ended with the test. Nothing is installed:
 * where /usr/sbin/sshd is missing, Debian's package is unpacked into `cache`. Needs root.
 */
export async function startSshd(folder: string, cache: string): Promise<Sshd> {
  const sshd = findSshd(cache);
  mkdirSync(folder, { recursive: true });
  const at = mkdtempSync(path.join(folder, "sshd-"));
  const home = path.join(at, "home");
  mkdirSync(path.join(home, ".ssh"), { recursive: true, mode: 0o700 });
  const hostKey = path.join(at, "host_key");
  const userKey = path.join(home, ".ssh/id_ed25519");
  for (const key of [hostKey, userKey])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "spinelab-test", "-f", key]);

  const port = await freePort();
  const config = path.join(at, "sshd_config");
  writeFileSync(
    config,
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${hostKey}`,
      `PidFile none`,
      `AuthorizedKeysFile ${userKey}.pub`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "",
    ].join("\n"),
  );
  // sshd wants a user "sshd" and /run/sshd: both only in its own mount namespace.
  const passwd = readFileSync("/etc/passwd", "utf8");
  const user = "sshd:x:899:65534::/run/sshd:/usr/sbin/nologin\n";
  writeFileSync(path.join(at, "passwd"), /^sshd:/m.test(passwd) ? passwd : passwd + user);
  const script = `mount --bind ${at}/passwd /etc/passwd && mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec ${sshd.command} -D -e -f ${config}`;
  const child = spawn("unshare", ["-m", "sh", "-c", script], {
    env: { ...process.env, LD_LIBRARY_PATH: sshd.libraries },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`sshd ended at once: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [type, key] = readFileSync(`${hostKey}.pub`, "utf8").split(" ");
  writeFileSync(path.join(home, ".ssh/known_hosts"), `[127.0.0.1]:${port} ${type} ${key}\n`);
  return {
    port,
    home,
    cutSessions() {
      for (const session of childrenOf(child.pid!)) process.kill(session, "SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "close");
      for (const session of childrenOf(child.pid!)) process.kill(session, "SIGTERM");
      child.kill("SIGTERM");
      await ended;
      rmSync(at, { recursive: true });
    },
  };
}

function findSshd(cache: string): { command: string; libraries: string } {
  if (existsSync("/usr/sbin/sshd")) return { command: "/usr/sbin/sshd", libraries: "" };
  const root = path.join(cache, "root");
  const command = path.join(root, "usr/sbin/sshd");
  if (!existsSync(command)) {
    mkdirSync(cache, { recursive: true });
    execFileSync("apt-get", ["download", "-q", ...packages], { cwd: cache, stdio: "pipe" });
    for (const file of readdirSync(cache).filter((name) => name.endsWith(".deb")))
      execFileSync("dpkg", ["-x", file, root], { cwd: cache });
  }
  const triplet = execFileSync("dpkg-architecture", ["-qDEB_HOST_MULTIARCH"], { encoding: "utf8" });
  const libraries = ["usr/lib", "lib"].map((folder) => path.join(root, folder, triplet.trim()));
  return { command, libraries: libraries.join(":") };
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? [] : children.split(" ").map(Number);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
