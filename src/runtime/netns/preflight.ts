import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { EnvironmentError } from "../../input/diagnostic.ts";

/** Commands that the runtime calls itself; what exec lines call is the topology's business. */
const commands = ["ip", "nft", "nsenter", "unshare", "setpriv", "script", "ping", "traceroute"];

/**
 * Whether this machine can run labs in namespaces. Everything that is missing is named at once.
 * `frr`: the topology has routers that need it.
 */
export function checkMachine(needs: { frr: boolean }): void {
  const missing: string[] = [];
  const remedies = new Set<string>();
  if (process.platform !== "linux") {
    throw new EnvironmentError(
      `the netns runtime needs Linux, this is ${process.platform}`,
      "run it in a Linux virtual machine",
    );
  }
  if (process.geteuid?.() !== 0) {
    missing.push("root: namespaces and links can only be made by root");
    remedies.add("run it with sudo");
  }
  for (const command of commands) {
    if (!onPath(command)) {
      missing.push(`the command ${command}`);
      remedies.add("make setup");
    }
  }
  if (needs.frr && !existsSync("/usr/lib/frr/bgpd")) {
    missing.push("FRR (/usr/lib/frr/bgpd), which the topology's routers run");
    remedies.add("make setup");
  }
  if (process.geteuid?.() === 0) {
    if (
      !readFileSync("/proc/filesystems", "utf8").includes("\toverlay\n") &&
      !loadable("overlay")
    ) {
      missing.push("overlayfs in the kernel");
      remedies.add("modprobe overlay, or a kernel that has it");
    }
    for (const namespace of ["net", "mnt", "uts", "ipc", "pid"]) {
      if (!existsSync(`/proc/self/ns/${namespace}`)) {
        missing.push(`${namespace} namespaces in the kernel`);
        remedies.add("a kernel that has them");
      }
    }
  }
  if (missing.length > 0) {
    throw new EnvironmentError(
      `this machine lacks: ${missing.join("; ")}`,
      [...remedies].join(" and "),
    );
  }
}

function onPath(command: string): boolean {
  const directories = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
  ];
  return directories.some((directory) => {
    try {
      accessSync(`${directory}/${command}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** modprobe would load it when it is first mounted. */
function loadable(module: string): boolean {
  const release = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  const list = `/lib/modules/${release}/modules.dep`;
  return existsSync(list) && readFileSync(list, "utf8").includes(`/${module}.ko`);
}
