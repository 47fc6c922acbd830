import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(repository, "node_modules/.cache/spinelab");

/** Paths inside a Kubernetes node of everything that an agent needs. */
export const inNode = {
  node: "/run/spinelab/bin/node",
  agent: "/run/spinelab/app/agent.mjs",
  modules: "/run/spinelab/app/node_modules",
  compileCache: "/run/spinelab/compile-cache",
} as const;

/**
 * The agent and the operator as one file. Four agents start at once on a small machine: one file
 * without the parts of @kubernetes/client-node that they do not use starts in a fraction of the time
 * and stays under 70 MB. Made when the sources have changed; returns the file's path.
 */
export function agentBundle(): Promise<string> {
  return bundled("agent", "src/agent/main.ts");
}

/** Where a bundle of this machine is inside a Kubernetes node: the modules' folder has all of them. */
export function bundleInNode(file: string): string {
  return join(inNode.modules, ".cache/spinelab", basename(file));
}

/**
 * A small nursery takes in a table as fast as a large one, in 80 MB less; and two threads that compile and collect
 * beside the main one start sooner, and get less in its way, than Node's four. Others cost a start: give-back.ts.
 */
const speakerFlags = ["--max-semi-space-size=8", "--v8-pool-size=2"];

/**
 * The process of `spinelab speaker` by itself, with these operands: less than half of the agent's code, started in
 * half of the time that its sources take. What its child runs, which reads the file, is a startup snapshot beside it.
 */
export async function speakerProcess(
  operands: readonly string[],
): Promise<{ argv: string[]; env: Record<string, string> }> {
  const folder = await bundled("speaker", "src/agent/speaker-main.ts");
  const bundle = join(folder, "speaker-main.mjs");
  return {
    argv: [process.execPath, ...speakerFlags, ...process.execArgv, bundle, ...operands],
    env: { NODE_COMPILE_CACHE: join(cache, "speaker-compile-cache") },
  };
}

/** Since its last use: a lab that is up starts its nodes with the one that it was deployed with. */
const keptMs = 24 * 3_600_000;

/** The agent's is a file; the speaker's a folder, as what it imports while it runs is a file each. */
async function bundled(name: "agent" | "speaker", entryPoint: string): Promise<string> {
  const isSplit = name === "speaker";
  const file = join(cache, `${name}-${fingerprint()}${isSplit ? "" : ".mjs"}`);
  if (existsSync(file)) {
    const now = new Date();
    utimesSync(file, now, now);
    return file;
  }
  const { build } = await import("esbuild");
  mkdirSync(cache, { recursive: true });
  // Not by the process's number: in namespaces of their own several have the same.
  const unfinished = `${file}.${randomUUID()}`;
  await build({
    entryPoints: [join(repository, entryPoint)],
    ...(isSplit
      ? { outdir: unfinished, splitting: true, outExtension: { ".js": ".mjs" } }
      : { outfile: unfinished }),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["koffi"],
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "silent",
    banner: {
      js: 'import{createRequire as _cr}from"node:module";const require=_cr(import.meta.url);',
    },
    plugins: [
      {
        name: "only-the-informer",
        setup(builder) {
          // ListWatch serialises nothing but strings: the models would be a megabyte of classes.
          builder.onLoad(
            { filter: /client-node\/dist\/gen\/models\/ObjectSerializer\.js$/ },
            () => ({
              contents:
                "export class ObjectSerializer { static serialize(v) { return v } static deserialize(v) { return v } }",
            }),
          );
          // kube/client has a Watch of its own: client-node's would bring all of undici.
          builder.onLoad({ filter: /client-node\/dist\/watch\.js$/ }, () => ({
            contents: "export class Watch {}",
          }));
        },
      },
    ],
  });
  if (isSplit) await makeConfigReader(unfinished);
  for (const old of readdirSync(cache)) {
    const path = join(cache, old);
    // Not compiled code, nor what another process is making.
    const isBundle = new RegExp(`^${name}-[0-9a-f]{16}(\\.mjs)?$`).test(old);
    const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (isBundle && path !== file && Date.now() - usedMs > keptMs) {
      rmSync(path, { force: true, recursive: true });
    }
  }
  try {
    renameSync(unfinished, file);
  } catch (error) {
    // A folder that another process has made meanwhile is the same.
    if (!existsSync(file)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  return file;
}

/** config-reader.ts with all that it imports, loaded: only the very Node that made a snapshot runs it. */
async function makeConfigReader(folder: string): Promise<void> {
  const { build } = await import("esbuild");
  const script = join(folder, "config-reader.cjs");
  await build({
    entryPoints: [join(repository, "src/agent/config-reader.ts")],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    logLevel: "silent",
  });
  const blob = join(folder, "config-reader.blob");
  await promisify(execFile)(process.execPath, [
    "--snapshot-blob",
    blob,
    "--build-snapshot",
    script,
  ]);
}

/** What is mounted into each Kubernetes node. */
export function agentTools(
  bundle: string,
): { source: string; destination: string; readOnly: boolean }[] {
  const compileCache = join(cache, "agent-compile-cache");
  mkdirSync(compileCache, { recursive: true });
  return [
    { source: process.execPath, destination: inNode.node, readOnly: true },
    { source: bundle, destination: inNode.agent, readOnly: true },
    { source: join(repository, "node_modules"), destination: inNode.modules, readOnly: true },
    // The one place where a node writes to the host: compiled code of the agent, for the next start.
    { source: compileCache, destination: inNode.compileCache, readOnly: false },
  ];
}

/** Folders of src/ that agent and speaker are made of. */
export const bundledFolders = [
  "net",
  "input",
  "sys",
  "bfd",
  "nd",
  "bgp",
  "cilium",
  "kube",
  "agent",
];

/** Changes when a source file, a dependency or Node does. */
function fingerprint(): string {
  const hash = createHash("sha256").update(`${process.version} ${process.arch} `);
  const add = (path: string) => {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  };
  add(join(repository, "package-lock.json"));
  add(fileURLToPath(import.meta.url));
  for (const folder of bundledFolders) {
    const files = readdirSync(join(repository, "src", folder), { recursive: true });
    for (const file of files.map(String).sort()) {
      if (file.endsWith(".ts") && !file.endsWith(".test.ts")) {
        add(join(repository, "src", folder, file));
      }
    }
  }
  return hash.digest("hex").slice(0, 16);
}
