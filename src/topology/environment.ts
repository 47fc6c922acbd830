/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts environment variables into the raw text of a topology file, as containerlab does before it
 * reads the YAML: `$V`, `${V}`, `${V:=default}`, `${V:-default}`, `${V=default}`, `${V-default}`,
 * `${V:+other}`, `${V+other}`; with the colon an empty variable counts as unset. A variable that is
 * unset and has no default stays as written, as does `$1`; `$$V` is `$V`.
 */
export function substituteEnvironment(text: string, environment: Environment): string {
  let result = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    result += text.slice(at, dollar);
    const escaped = /^\$(\$\{?[A-Za-z_])/.exec(text.slice(dollar, dollar + 4));
    if (escaped) {
      result += escaped[1]!;
      at = dollar + 1 + escaped[1]!.length;
      continue;
    }
    const expression = expressionAt(text, dollar);
    if (expression === undefined) {
      result += "$";
      at = dollar + 1;
      continue;
    }
    result += valueOf(expression, environment) ?? expression.written;
    at = dollar + expression.written.length;
  }
  return result + text.slice(at);
}

type Expression = { written: string; name: string; operator: string; word: string };

function expressionAt(text: string, dollar: number): Expression | undefined {
  const bare = /^\$([A-Za-z_]\w*)/.exec(text.slice(dollar, dollar + 256));
  if (bare) return { written: bare[0], name: bare[1]!, operator: "", word: "" };
  const head = /^\$\{([A-Za-z_]\w*)(:?[-=+])?/.exec(text.slice(dollar, dollar + 256));
  if (!head) return undefined;
  const operator = head[2] ?? "";
  const start = dollar + head[0].length;
  const end = closingBrace(text, start);
  if (end === undefined || (operator === "" && end !== start)) return undefined;
  const written = text.slice(dollar, end + 1);
  return { written, name: head[1]!, operator, word: text.slice(start, end) };
}

/** The brace that closes the expression; on the same line, since a stray `${` must not eat a file. */
function closingBrace(text: string, from: number): number | undefined {
  let depth = 1;
  for (let i = from; i < text.length && text[i] !== "\n"; i++) {
    if (text[i] === "{" && text[i - 1] === "$") depth++;
    if (text[i] === "}" && --depth === 0) return i;
  }
  return undefined;
}

function valueOf(of: Expression, environment: Environment): string | undefined {
  const value = environment[of.name];
  const isSet = of.operator.startsWith(":")
    ? value !== undefined && value !== ""
    : value !== undefined;
  if (of.operator === "") return value;
  if (of.operator.endsWith("+")) return isSet ? substituteEnvironment(of.word, environment) : "";
  return isSet ? value : substituteEnvironment(of.word, environment);
}
