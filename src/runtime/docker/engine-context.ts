import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { InputError } from "../../input/diagnostic.ts";
import type { Environment } from "../../sys/ssh/client-config.ts";

/** What `docker context inspect` shows of the endpoint "docker". */
export type DockerContext = {
  /** `unix://…`, `tcp://…`, `ssh://…` */
  host: string;
  skipTlsVerify: boolean;
  /** Folder of ca.pem, cert.pem and key.pem, where the context has any of them. */
  tlsFolder: string | undefined;
  /** meta.json, for messages. */
  file: string;
};

/** The name in DOCKER_CONTEXT or in config.json; undefined for the default socket. */
export function currentContext(env: Environment): string | undefined {
  const name = env["DOCKER_CONTEXT"] || configured(env);
  return name === undefined || name === "default" ? undefined : name;
}

/** Reads contexts/meta/ID/meta.json, where ID is the SHA-256 of the name. Throws InputError. */
export function readContext(name: string, source: string, env: Environment): DockerContext {
  const id = createHash("sha256").update(name).digest("hex");
  const folder = configFolder(env);
  const file = path.join(folder, "contexts/meta", id, "meta.json");
  if (!existsSync(file)) {
    throw mistake(source, `there is no docker context ${name} in ${folder}`, {
      hint: "`docker context ls` lists them",
    });
  }
  const meta = readJson(file) as {
    Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } };
  };
  const endpoint = meta.Endpoints?.docker;
  if (endpoint?.Host === undefined) {
    throw mistake(file, `the docker context ${name} names no engine (Endpoints.docker.Host)`);
  }
  const tlsFolder = path.join(folder, "contexts/tls", id, "docker");
  return {
    host: endpoint.Host,
    skipTlsVerify: endpoint.SkipTLSVerify === true,
    tlsFolder: existsSync(tlsFolder) ? tlsFolder : undefined,
    file,
  };
}

/** DOCKER_CONFIG or ~/.docker. */
export function configFolder(env: Environment): string {
  return env["DOCKER_CONFIG"] || path.join(env["HOME"] ?? homedir(), ".docker");
}

function configured(env: Environment): string | undefined {
  const file = path.join(configFolder(env), "config.json");
  if (!existsSync(file)) return undefined;
  return (readJson(file) as { currentContext?: string }).currentContext || undefined;
}

function readJson(file: string): object {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    // config.json may hold registry passwords, and JSON's own message quotes the text around.
    const code = (error as NodeJS.ErrnoException).code ?? "not JSON";
    throw mistake(file, `cannot be read: ${code}`);
  }
  throw mistake(file, "cannot be read: not a JSON object");
}

function mistake(file: string, message: string, hint: { hint?: string } = {}): InputError {
  return new InputError([{ file, line: 0, code: "BadDockerContext", path: "", message, ...hint }]);
}
