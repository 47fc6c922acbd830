import { parseArgs } from "node:util";
import { readInChild, RefusedFileError } from "./speaker-file.ts";

/** The process of `spinelab speaker`: `--file FILE [--socket PATH]`. Ends with status 2 where the file is wrong. */
const { file, socket } = parseArgs({
  options: {
    file: { type: "string", short: "f" },
    socket: { type: "string" },
  },
}).values;
if (file === undefined) throw new Error("usage: --file FILE [--socket PATH]");
try {
  const reading = readInChild(file);
  // Meanwhile.
  const { rehearse, runSpeaker } = await import("./speaker-process.ts");
  rehearse();
  await runSpeaker(await reading, socket, () => readInChild(file));
} catch (error) {
  if (!(error instanceof RefusedFileError)) throw error;
  process.stderr.write(error.message);
  process.exitCode = error.status;
}
