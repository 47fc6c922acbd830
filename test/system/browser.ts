import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocket } from "ws";
import { until } from "./spinelab.ts";

/** A page in a headless chromium, driven by its DevTools protocol. */
export class BrowserPage implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #end: () => Promise<void>;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  /** What the page threw, or said on the console as an error. */
  readonly complaints: string[] = [];
  #asked = 0;

  private constructor(socket: WebSocket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    socket.on("message", (data) => {
      const message = JSON.parse(String(data)) as Answer & { id?: number; method?: string };
      if (message.id !== undefined) this.#answers.get(message.id)?.(message);
      else if (/exceptionThrown|entryAdded/.test(message.method ?? "")) {
        this.complaints.push(JSON.stringify(message));
      }
    });
  }

  static async open(file: string, size = { width: 1280, height: 900 }): Promise<BrowserPage> {
    // Short: it makes a socket some folders below it, whose path may have 107 bytes.
    const profile = mkdtempSync(join(tmpdir(), "chromium-"));
    const child = spawn(
      "chromium",
      [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`,
        `--window-size=${size.width},${size.height}`,
        "about:blank",
      ],
      // What it writes elsewhere goes with its profile.
      { stdio: "ignore", env: { ...process.env, TMPDIR: profile } },
    );
    const ended = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    const end = async () => {
      child.kill("SIGKILL");
      await ended;
      // Its own children may still write for a moment.
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    };
    try {
      const port = await until(
        "chromium, which this test needs, tells its port",
        () => /^\d+/.exec(readFileSync(join(profile, "DevToolsActivePort"), "utf8"))?.[0],
        60_000,
      );
      const target = await until("a page", async () => {
        const all = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as Target[];
        return all.find(({ type }) => type === "page");
      });
      const socket = new WebSocket(target.webSocketDebuggerUrl);
      await new Promise((resolve, reject) => {
        socket.once("open", resolve);
        socket.once("error", reject);
      });
      const page = new BrowserPage(socket, end);
      await page.#ask("Runtime.enable");
      await page.#ask("Log.enable");
      await page.#ask("Page.enable");
      await page.#ask("Page.navigate", { url: pathToFileURL(file).href });
      await until("the page is loaded", () =>
        page.evaluate<boolean>(
          `location.protocol === "file:" && document.readyState === "complete"`,
        ),
      );
      return page;
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#ask("Runtime.evaluate", { expression, returnByValue: true });
    const { exceptionDetails } = result as { exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { result: { value: T } }).result.value;
  }

  /** A PNG of what is in view. */
  async screenshot(): Promise<Buffer> {
    const { result } = await this.#ask("Page.captureScreenshot");
    return Buffer.from((result as { data: string }).data, "base64");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#end();
  }

  async #ask(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#asked;
    const answer = new Promise<Answer>((resolve) => this.#answers.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const said = await answer;
    this.#answers.delete(id);
    if (said.error !== undefined) throw new Error(`${method}: ${said.error.message}`);
    return said;
  }
}

type Answer = { result?: object; error?: { message: string } };
type Target = { type: string; webSocketDebuggerUrl: string };
