import { InputError } from "../../input/diagnostic.ts";

/** What `ssh://user@host:port/path` names; what is left out comes from the SSH configuration. */
export type SshTarget = {
  /** A name or an address, without brackets; may be a Host alias of ~/.ssh/config. */
  host: string;
  user?: string;
  port?: number;
  /** What the address points to on that machine: for an engine its Unix socket. */
  path?: string;
};

/** `source` is where the text was written (`--docker`, `DOCKER_HOST`, …). Throws InputError. */
export function parseSshUrl(text: string, source: string): SshTarget {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "ssh:" || url.hostname === "") {
    throw mistake(source, `expected ssh://user@host:port/path, found ${withoutPassword(text)}`);
  }
  // The password is in the process list and in shell histories by then: refused, and not shown.
  if (url.password !== "") {
    throw mistake(source, "an SSH address with a password; use a key and ssh-agent");
  }
  if (url.search !== "" || url.hash !== "") {
    throw mistake(source, `an SSH address has no query and no fragment: ${text}`);
  }
  const target: SshTarget = { host: url.hostname.replace(/^\[(.*)\]$/, "$1") };
  // ssh would take such a name for an option; ssh2 has no options, but the commands we print do.
  if (target.host.startsWith("-")) throw mistake(source, `not a host name: ${target.host}`);
  if (url.username !== "") target.user = decodeURIComponent(url.username);
  if (url.port !== "") target.port = Number(url.port);
  if (url.pathname !== "" && url.pathname !== "/") target.path = decodeURIComponent(url.pathname);
  return target;
}

/** `user@host:port` of ProxyJump (ssh_config(5)), or the same as an ssh:// address. */
export function parseJump(text: string, source: string): SshTarget {
  return parseSshUrl(text.startsWith("ssh://") ? text : `ssh://${text}`, source);
}

/** An address as it may be shown: the password, if there is one, is left out. */
export function withoutPassword(address: string): string {
  return address.replace(/:\/\/([^/@]*?):[^@]*@/, "://$1:…@");
}

function mistake(source: string, message: string): InputError {
  return new InputError([{ file: source, line: 0, code: "BadSshAddress", path: "", message }]);
}
