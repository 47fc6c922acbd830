import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import type { RecordBody, Recorder, TimelineRecord } from "./record.ts";
import { hideSecrets } from "./secrets.ts";

/** Takes each record as it is made: a file, a terminal, a control socket, a list in a test. */
export type Sink = (record: TimelineRecord) => void;

/**
 * A recorder that stamps each body with `atMs` and hands it to the sinks in order. `nowMs`:
 * milliseconds since the run began, by a monotonic clock, the one that all other times of the records
 * are of; should it step back, the record keeps the time of the one before, so a timeline is always
 * in order. Passwords in commands and configurations are hidden.
 */
export function createRecorder(nowMs: () => number, sinks: readonly Sink[]): Recorder {
  let lastMs = 0;
  return (body) => {
    lastMs = Math.max(lastMs, Math.round(nowMs() * 1000) / 1000);
    const record = { atMs: lastMs, ...withoutSecrets(body) };
    for (const sink of sinks) sink(record);
  };
}

function withoutSecrets(body: RecordBody): RecordBody {
  const shown = Object.entries(body).map(([name, value]) => [
    name,
    typeof value === "string" ? hideSecrets(value) : value,
  ]);
  return Object.fromEntries(shown) as RecordBody;
}

export type TimelineLog = {
  /**
   * Appends one line. It is in the kernel's hands on return, so the death of this process loses
   * nothing. Never throws, since whoever records is in the middle of something else: the first error
   * goes to `onError`, nothing is written after it, and `close` throws it.
   */
  write: Sink;
  /** Flushes to the disk and closes. Throws the first error of any write. A second call does nothing. */
  close(): void;
};

/**
 * Opens `file` for appending, making it where it is not there. `onError` is told at once when a
 * write fails (a full disk), so that the run can stop instead of going on unrecorded.
 */
export function openTimelineLog(
  file: string,
  onError: (error: Error) => void = () => {},
): TimelineLog {
  const fd = openSync(file, "a+", 0o644);
  let open = true;
  let failed: Error | undefined;

  function append(text: string): void {
    const bytes = Buffer.from(text);
    // A nearly full disk takes a part and refuses the rest at the next call.
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
  }
  function fail(cause: unknown): void {
    if (failed !== undefined) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    failed = new Error(`cannot write the timeline ${file}: ${why}`, { cause });
    onError(failed);
  }

  // A writer that was killed may have left half a line: end it, so that it spoils no other.
  if (endsTorn(fd)) append("\n");
  return {
    write(record) {
      if (failed !== undefined) return;
      try {
        if (!open) throw new Error("it is closed");
        append(`${JSON.stringify(record)}\n`);
      } catch (error) {
        fail(error);
      }
    },
    close() {
      if (!open) return;
      open = false;
      try {
        fsyncSync(fd);
      } catch (error) {
        // EINVAL: a pipe or a device, which has nothing to flush.
        if ((error as NodeJS.ErrnoException).code !== "EINVAL") fail(error);
      }
      closeSync(fd);
      if (failed !== undefined) throw failed;
    },
  };
}

function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  return readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}

/**
 * The records of a timeline file, in order. A line that is no record is dropped and said: a warning
 * stands in its place (`log`, level `warn`), so every reading shows it. It is the last line after a
 * crash. Throws where the file cannot be read.
 */
export function readTimeline(file: string): TimelineRecord[] {
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const records: TimelineRecord[] = [];
  for (const [index, line] of lines.entries()) {
    records.push(
      parseRecord(line) ?? {
        atMs: records.at(-1)?.atMs ?? 0,
        type: "log",
        level: "warn",
        message: `${file}:${index + 1}: no whole record; ${line.length} characters dropped`,
      },
    );
  }
  return records;
}

/** The record a line holds, or undefined where it holds none: cut off, or not a timeline at all. */
export function parseRecord(line: string): TimelineRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const isRecord =
    typeof value === "object" &&
    value !== null &&
    "atMs" in value &&
    typeof value.atMs === "number" &&
    "type" in value &&
    typeof value.type === "string";
  return isRecord ? (value as TimelineRecord) : undefined;
}
