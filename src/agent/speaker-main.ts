import { parseArgs } from "node:util";
import { readInChild, RefusedFileError } from "./speaker-file.ts";

/** The process of `spinelab speaker`: `--file FILE [--socket PATH]`. Ends with status 2 where the file is wrong. */
const { file, socket, read } = parseArgs({
  options: {
    file: { type: "string", short: "f" },
    socket: { type: "string" },
    /** As the child of such a process. */
    read: { type: "string" },
  },
}).values;
if (read !== undefined) (await import("./tell-config.ts")).tellConfig(read);
else if (file === undefined) throw new Error("usage: --file FILE [--socket PATH]");
else await run(file);

async function run(from: string): Promise<void> {
  try {
    const reading = readInChild(from);
    // Meanwhile.
    const { runSpeaker } = await import("./speaker-process.ts");
    await runSpeaker(await reading, socket, () => readInChild(from));
  } catch (error) {
    if (!(error instanceof RefusedFileError)) throw error;
    process.stderr.write(error.message);
    process.exitCode = error.status;
  }
}
