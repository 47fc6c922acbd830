/** What a script of a server knows of the place where it runs, and of who asks. */
export type ScriptPlace = { hostname: string; env: Readonly<Record<string, string>> };

/** Reads an HTTP request to its empty line, as the servers of laboratories do. */
const readsRequest = /^while read -r line; do \[ \$\{#line\} -gt 1 \] \|\| break; done\s*[;\n]\s*/;

/**
 * What a shell script says to an HTTP request: `printf`, `echo` and `hostname` after it has read the request.
 * Undefined: there is something else in it.
 */
export function scriptAnswer(script: string, place: ScriptPlace): string | undefined {
  const withoutComments = script.replaceAll(/^\s*#.*\n/gm, "").trim();
  if (!readsRequest.test(withoutComments)) return undefined;
  let said = "";
  for (const command of commandsOf(withoutComments.replace(readsRequest, ""))) {
    const words = wordsOf(command, place);
    const output = words && run(words, place);
    if (output === undefined) return undefined;
    said += output;
  }
  return said;
}

function run([program, ...words]: readonly string[], place: ScriptPlace): string | undefined {
  switch (program) {
    case "printf": {
      const [format = "", ...values] = words;
      return unescaped(format).replaceAll("%s", () => values.shift() ?? "");
    }
    case "echo":
      return `${words.join(" ")}\n`;
    case "hostname":
      return words.length === 0 ? `${place.hostname}\n` : undefined;
    default:
      return undefined;
  }
}

function unescaped(text: string): string {
  return text.replaceAll("\\r", "\r").replaceAll("\\n", "\n");
}

const expansion = /\\([$"\\`])|\$\(hostname\)|\$([A-Z_]\w*)|\$\{([A-Z_]\w*)\}|[$`]/gi;

/** At semicolons and line ends that are not quoted. */
function commandsOf(script: string): string[] {
  const parts = script.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|[^;\n'"])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/** With `$NAME` and `$(hostname)` filled in; undefined: something else is to be expanded. */
function wordsOf(command: string, { hostname, env }: ScriptPlace): string[] | undefined {
  let isKnown = true;
  const expanded = (text: string) =>
    text.replaceAll(expansion, (match, escaped, plain, braced) => {
      if (escaped !== undefined) return escaped as string;
      if (match === "$(hostname)") return hostname;
      const name = (plain ?? braced) as string | undefined;
      if (name === undefined) isKnown = false;
      return name === undefined ? "" : (env[name] ?? "");
    });
  const words = command.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"])+/g) ?? [];
  const read = words.map((word) =>
    word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|[^'"]+/g, (plain, single, double) => {
      if (single !== undefined) return single as string;
      return expanded((double as string | undefined) ?? plain);
    }),
  );
  return isKnown && !/[<>&|]/.test(command.replaceAll(/'[^']*'|"[^"]*"/g, "")) ? read : undefined;
}
